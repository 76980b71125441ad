//! Who an object's samples say they are, and whether anybody still watches over it.

use serde_json::{Map, Value, json};

use super::{Seen, says};

pub(super) fn look(seen: &mut Seen<'_>) {
    let required = seen.law.policy["labels"]["required"]
        .as_array()
        .into_iter()
        .flatten();
    for label in required.filter_map(Value::as_str) {
        let given =
            says(&seen.spec(labels_of(seen))[label]) || by_operator(seen).contains(&Some(label));
        if !given {
            seen.add("identity-labels", format!("missing {label}"), &Value::Null);
        }
    }
    hub_labels(seen);
    replica_label(seen);
    if *seen.spec("paused") == true {
        seen.add("evasion", "paused", &Value::Null);
    }
    let selectors = [
        "serviceMonitorSelector",
        "podMonitorSelector",
        "probeSelector",
        "scrapeConfigSelector",
    ];
    if seen.is("Prometheus")
        && selectors
            .iter()
            .all(|selector| seen.spec(selector).is_null())
    {
        seen.add("evasion", "unmanaged", &Value::Null);
    }
    // The operator no longer looks at what is on its way out (`DeletionInProgress`, pkg/operator/resource_reconciler.go).
    if seen.object["metadata"]["deletionTimestamp"].is_null() {
        let controller =
            &seen.object["metadata"]["annotations"]["operator.prometheus.io/controller-id"];
        if says(controller) {
            seen.add("evasion", "controller-id", controller);
        }
        required_wiring(seen);
    }
}

fn labels_of(seen: &Seen<'_>) -> &'static str {
    if seen.is("ThanosRuler") {
        "labels"
    } else {
        "externalLabels"
    }
}

/// The labels that the operator gives, whatever the object says about them.
fn by_operator<'a>(seen: &Seen<'a>) -> [Option<&'a str>; 2] {
    if seen.is("ThanosRuler") {
        return [Some("thanos_ruler_replica"), None];
    }
    let name = |field: &str, standard| match seen.spec(field) {
        Value::Null => Some(standard),
        name => name.as_str().filter(|name| !name.is_empty()),
    };
    [
        name("prometheusExternalLabelName", "prometheus"),
        name("replicaExternalLabelName", "prometheus_replica"),
    ]
}

/// What the wirings of an object enforce: no field gives it otherwise, no rule takes it away or lets nothing pass.
fn hub_labels(seen: &mut Seen<'_>) {
    let wirings = &seen.law.wirings;
    for wiring in wirings
        .iter()
        .filter(|wiring| seen.selected_by(wiring))
        .collect::<Vec<_>>()
    {
        for label in enforced(wiring).keys() {
            if by_operator(seen).contains(&Some(label)) {
                seen.add("identity-labels", format!("taken {label}"), &Value::Null);
            }
        }
    }
    for (place, entry) in seen.items("remoteWrite") {
        let Some(wiring) = seen.wiring_of(entry) else {
            continue;
        };
        let rules = entry["writeRelabelConfigs"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        for label in enforced(wiring).keys() {
            if let Some(rule) = rules.last().filter(|rule| drops(rule, label)) {
                seen.add("identity-labels", format!("{place} drops {label}"), rule);
            }
        }
        for rule in rules.iter().filter(|rule| lets_nothing_pass(rule)) {
            seen.add("identity-labels", format!("{place} is empty"), rule);
        }
    }
}

fn enforced(wiring: &Value) -> Map<String, Value> {
    let given = wiring["spec"]["labels"]
        .get("enforced")
        .and_then(Value::as_object);
    given
        .cloned()
        .unwrap_or_else(|| Map::from_iter([("cluster".to_owned(), json!("{cluster}"))]))
}

/// The plain ways to send nothing: drop whatever is there, keep what is nowhere.
fn lets_nothing_pass(rule: &Value) -> bool {
    let action = rule["action"]
        .as_str()
        .unwrap_or_default()
        .to_ascii_lowercase();
    let everything = ["", ".*", "(.*)"].contains(&rule["regex"].as_str().unwrap_or_default());
    let on_name = rule["sourceLabels"] == json!(["__name__"]);
    match action.as_str() {
        "drop" => {
            everything
                || (on_name && [".+", "(.+)"].contains(&rule["regex"].as_str().unwrap_or_default()))
        }
        "keep" => !everything && on_name && rule["regex"] == "nothing_at_all",
        _ => false,
    }
}

/// The plain ways to lose a label; a regular expression that is more than that is the rule's own business.
fn drops(rule: &Value, label: &str) -> bool {
    let action = rule["action"]
        .as_str()
        .unwrap_or_default()
        .to_ascii_lowercase();
    let regex = rule["regex"].as_str().unwrap_or_default();
    action == "labeldrop" && (regex == label || [".*", ".+", "(.*)", "(.+)"].contains(&regex))
}

fn replica_label(seen: &mut Seen<'_>) {
    let many = |field: &str| seen.spec(field).as_i64().is_some_and(|number| number > 1);
    let daemons = *seen.spec("mode") == "DaemonSet";
    let sends = !seen.items("remoteWrite").is_empty();
    if !sends || !(many("replicas") || many("shards")) || seen.is("ThanosRuler") || daemons {
        return;
    }
    if *seen.spec("replicaExternalLabelName") == "" {
        seen.add("replica-label", "none", &Value::Null);
    }
    let name = seen
        .spec("replicaExternalLabelName")
        .as_str()
        .unwrap_or("prometheus_replica");
    for (place, entry) in seen.items("remoteWrite") {
        for rule in entry["writeRelabelConfigs"]
            .as_array()
            .into_iter()
            .flatten()
        {
            if drops(rule, name) {
                seen.add("replica-label", format!("{place} drops"), rule);
            }
        }
    }
}

/// Each required wiring that selects the object has exactly one entry, whole, and its labels are enforced.
fn required_wiring(seen: &mut Seen<'_>) {
    let required = seen.law.policy["remoteWrite"]["requireWiring"]
        .as_array()
        .into_iter()
        .flatten();
    for name in required {
        let wiring = seen
            .law
            .wirings
            .iter()
            .find(|wiring| wiring["metadata"]["name"] == *name);
        if let Some(wiring) = wiring.filter(|wiring| seen.selected_by(wiring))
            && !wired(seen, wiring)
        {
            seen.add("required-wiring", name.to_string(), &Value::Null);
        }
    }
}

fn wired(seen: &Seen<'_>, wiring: &Value) -> bool {
    let wanted = &wiring["spec"]["remoteWrite"];
    let name = wanted["name"].as_str().unwrap_or("thanos");
    let entries = seen.items("remoteWrite");
    let mut named = entries.iter().filter(|(_, entry)| entry["name"] == name);
    let (Some((_, entry)), None) = (named.next(), named.next()) else {
        return false;
    };
    let filled = |text: &str| {
        text.replace(
            "{cluster}",
            wiring["spec"]["cluster"].as_str().unwrap_or_default(),
        )
        .replace("{namespace}", &seen.law.namespace)
        .replace(
            "{name}",
            seen.object["metadata"]["name"].as_str().unwrap_or_default(),
        )
    };
    let auth = wanted["auth"].as_object().into_iter().flatten();
    let authenticated = auth
        .filter(|(kind, _)| *kind != "none")
        .all(|(kind, value)| same(&entry[kind], value));
    let tenant = match wanted["tenant"]["header"].as_str() {
        Some(header) => {
            entry["headers"]
                == json!({header: filled(wanted["tenant"]["value"].as_str().unwrap_or_default())})
        }
        None => !says(&entry["headers"]),
    };
    let elsewhere = [
        "proxyUrl",
        "proxyFromEnvironment",
        "bearerToken",
        "bearerTokenFile",
    ]
    .iter()
    .any(|field| says(&entry[field]));
    let rules = entry["writeRelabelConfigs"].as_array();
    let labelled = enforced(wiring).iter().all(|(label, value)| {
        let value = filled(value.as_str().unwrap_or_default());
        let closes = |rule: &Value| {
            rule["targetLabel"] == label.as_str()
                && rule["replacement"] == value.as_str()
                && !says(&rule["sourceLabels"])
        };
        seen.spec("externalLabels")[label] == value.as_str()
            && rules.is_some_and(|rules| rules.iter().rev().take(16).any(closes))
    });
    entry["url"] == wanted["url"]
        && entry["followRedirects"] != true
        && authenticated
        && tenant
        && !elsewhere
        && labelled
}

/// Whether a value holds what is wanted; what the CRD adds beside it does not matter.
fn same(value: &Value, wanted: &Value) -> bool {
    match wanted {
        Value::Object(members) => members
            .iter()
            .all(|(name, wanted)| same(&value[name], wanted)),
        other => value == other,
    }
}
