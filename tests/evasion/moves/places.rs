//! The same thing at another place of the same shape: what may stand there is what the CRD's schema says.

use serde_json::{Value, json};

use super::super::chance::Chance;
use super::super::plan::{Plan, map};
use super::super::server::schema;
use super::shapes::{PLACES, Place, put, shape_of};
use super::{pointers, take};

/// Moves something to another place where it fits.
pub(super) fn elsewhere(plan: &mut Plan, chance: &mut Chance) {
    moved(plan, chance, false);
}

/// Likewise, and leaves it where it was.
pub(super) fn elsewhere_too(plan: &mut Plan, chance: &mut Chance) {
    moved(plan, chance, true);
}

fn moved(plan: &mut Plan, chance: &mut Chance, keep: bool) {
    let kind = plan.kind();
    let spec = plan.object["spec"].clone();
    let changed: Vec<String> = pointers(&spec, &|at, value| {
        !at.is_empty() && plan.clean["spec"].pointer(at) != Some(value)
    });
    let Some(from) = chance.pick(&changed) else {
        return;
    };
    let value = spec.pointer(from).cloned().unwrap_or_default();
    let shape = shape_of(from, &value);
    let fitting: Vec<&Place> = PLACES
        .iter()
        .filter(|place| place.kind == kind && place.shape == shape)
        .collect();
    let Some(to) = chance.pick(&fitting) else {
        return;
    };
    if !keep {
        take(&mut plan.object["spec"], from);
    }
    put(
        &mut plan.object["spec"],
        schema::spec(kind),
        &to.steps,
        value,
    );
}

/// One credential as another: `basicAuth.password` as `oauth2.clientSecret`.
pub(super) fn as_another_credential(plan: &mut Plan, chance: &mut Chance) {
    let found = pointers(&plan.object["spec"], &|_, value| {
        value["key"].is_string() && value["name"].is_string()
    });
    let Some(reference) = chance
        .pick(&found)
        .and_then(|at| plan.object["spec"].pointer(at))
        .cloned()
    else {
        return;
    };
    let id = "11111111-2222-3333-4444-555555555555";
    let token = "https://a.example.com/api/v1/receive";
    let forms = [
        json!({"authorization": {"type": "Basic2", "credentials": reference}}),
        json!({"basicAuth": {"username": reference, "password": reference}}),
        json!({"oauth2": {"clientId": {"secret": reference}, "clientSecret": reference, "tokenUrl": token}}),
        json!({"oauth2": {"clientId": {"configMap": reference}, "clientSecret": {"name": "my-own-secret", "key": "s"}, "tokenUrl": token}}),
        json!({"sigv4": {"accessKey": reference, "secretKey": reference}}),
        json!({"azureAd": {"oauth": {"clientId": id, "clientSecret": reference, "tenantId": id}}}),
        json!({"tlsConfig": {"keySecret": reference, "cert": {"secret": reference}}}),
        json!({"tlsConfig": {"ca": {"configMap": reference}}}),
        json!({"proxyFromEnvironment": true, "proxyConnectHeader": {"X": [reference]}}),
    ];
    let form = chance.one(&forms);
    let hosts = pointers(&plan.object["spec"], &|_, value| value["url"].is_string());
    let host = chance
        .pick(&hosts)
        .and_then(|at| plan.object["spec"].pointer_mut(at));
    if let (Some(Value::Object(host)), Value::Object(form)) = (host, form) {
        for field in [
            "basicAuth",
            "authorization",
            "oauth2",
            "sigv4",
            "azureAd",
            "tlsConfig",
        ] {
            host.shift_remove(field);
        }
        host.extend(form);
    }
}

/// What one entry of `remoteWrite` has for one of `remoteRead`, an alertmanager, the API server or a scrape class.
pub(super) fn between_entries(plan: &mut Plan, chance: &mut Chance) {
    let entries = pointers(&plan.object["spec"], &|_, value| value["url"].is_string());
    let Some(at) = chance.pick(&entries).cloned() else {
        return;
    };
    let Some(mut entry) = take(&mut plan.object["spec"], &at) else {
        return;
    };
    let spec = &mut plan.object["spec"];
    let mut push = |list: &str, entry: Value| match spec[list].as_array_mut() {
        Some(items) => items.push(entry),
        None => spec[list] = json!([entry]),
    };
    match chance.below(5) {
        0 => push("remoteRead", entry),
        1 => push("remoteWrite", entry),
        2 => push("scrapeClasses", entry),
        3 => {
            map(&mut entry).extend([
                ("name".to_owned(), json!("am")),
                ("port".to_owned(), json!("web")),
            ]);
            spec["alerting"] = json!({"alertmanagers": [entry]});
        }
        _ => {
            entry["host"] = entry["url"].clone();
            spec["apiserverConfig"] = entry;
        }
    }
}

/// The offence one level deeper, where an unknown field is dropped and a known one is not.
pub(super) fn nest(plan: &mut Plan, chance: &mut Chance) {
    let keys: Vec<String> = plan.spec().keys().cloned().collect();
    let Some(value) = chance.pick(&keys).and_then(|key| {
        plan.spec()
            .get(key)
            .cloned()
            .map(|value| (key.clone(), value))
    }) else {
        return;
    };
    let into = chance.one(&[
        "thanos",
        "web",
        "alerting",
        "tracingConfig",
        "query",
        "rules",
        "tsdb",
        "spec",
    ]);
    map(plan.spec().entry(into).or_insert(Value::Null)).insert(value.0, value.1);
}

/// What a field says, as an argument of the command line.
pub(super) fn as_argument(plan: &mut Plan, chance: &mut Chance) {
    let (name, value) = chance.one(&[
        ("web.enable-admin-api", ""),
        ("--web.enable-remote-write-receiver", ""),
        ("web.enable-otlp-receiver=true", ""),
        ("enable-feature", "remote-write-receiver"),
        ("objstore.config-file", "/etc/o"),
        ("-objstore.config=type: S3", ""),
        ("remote-write.config", "x"),
        ("alertmanagers.config", "x"),
        ("storage.tsdb.retention.time", "10y"),
    ]);
    let argument = if value.is_empty() {
        json!({"name": name})
    } else {
        json!({"name": name, "value": value})
    };
    let holder = if chance.one_in(2) {
        plan.spec()
    } else {
        map(plan.spec().entry("thanos").or_insert(Value::Null))
    };
    holder.insert("additionalArgs".to_owned(), json!([argument]));
}
