//! What an object makes of its pod, and whose namespaces it looks into: the Restricted rules.

use serde_json::Value;

use super::{Seen, says};

pub(super) fn look(seen: &mut Seen<'_>) {
    images(seen);
    arguments(seen);
    for field in [
        "hostAliases",
        "nodeSelector",
        "tolerations",
        "priorityClassName",
        "schedulerName",
    ] {
        if says(seen.spec(field)) {
            seen.add("host-access", field, seen.spec(field));
        }
    }
    if *seen.spec("hostNetwork") == true {
        seen.add("host-access", "hostNetwork", &Value::Null);
    }
    if seen.spec("securityContext")["runAsUser"] == 0 {
        seen.add("host-access", "runAsUser", &Value::Null);
    }
    mounts(seen);
    who(seen);
    across(seen);
    if !seen.is("ThanosRuler") && seen.spec("arbitraryFSAccessThroughSMs")["deny"] != true {
        seen.add("monitor-file-access", "deny", &Value::Null);
    }
}

/// Arguments past the object's own fields. A feature is one, too.
fn arguments(seen: &mut Seen<'_>) {
    let own = seen.items("additionalArgs");
    let sidecar = &seen.spec("thanos")["additionalArgs"];
    let sidecar = sidecar
        .as_array()
        .into_iter()
        .flatten()
        .map(|item| (format!("thanos {}", item["name"]), item));
    for (place, item) in own.into_iter().chain(sidecar) {
        seen.add("raw-arguments", &place, item);
        let name = item["name"]
            .as_str()
            .unwrap_or_default()
            .trim_start_matches('-');
        let name = name.split('=').next().unwrap_or_default();
        if [
            "web.enable-admin-api",
            "web.enable-remote-write-receiver",
            "web.enable-otlp-receiver",
        ]
        .contains(&name)
            && !place.starts_with("thanos ")
            && !says(&seen.law.policy["allow"]["inbound"])
        {
            seen.add("open-inbound", &place, item);
        }
        if ["objstore.config", "objstore.config-file"].contains(&name) {
            seen.add("objstore-reference", &place, item);
        }
        if [
            "remote-write.config",
            "alertmanagers.config",
            "config.file",
            "query.config",
        ]
        .contains(&name)
        {
            seen.add("evasion", &place, item);
        }
    }
    for feature in seen.spec("enableFeatures").as_array().into_iter().flatten() {
        seen.add("raw-arguments", "enableFeatures", feature);
    }
}

fn images(seen: &mut Seen<'_>) {
    let mut all = vec![
        ("image".to_owned(), seen.spec("image")),
        ("thanos.image".to_owned(), &seen.spec("thanos")["image"]),
    ];
    for list in ["containers", "initContainers"] {
        all.extend(
            seen.items(list)
                .into_iter()
                .map(|(place, item)| (place, &item["image"])),
        );
    }
    for (place, image) in all {
        if says(image) && !allowed_image(seen, image.as_str().unwrap_or_default()) {
            seen.add("pod-containers", place, image);
        }
    }
    let number = |text: &str| -> Option<u64> {
        text.trim_start_matches('v').split('.').next()?.parse().ok()
    };
    let least = seen.law.policy["allow"]["minimumVersion"]
        .as_str()
        .and_then(number);
    let has = seen.spec("version").as_str().and_then(number);
    if let (Some(least), Some(has), false) = (least, has, seen.is("ThanosRuler"))
        && has < least
    {
        seen.add("pod-containers", "version", seen.spec("version"));
    }
}

/// A star is part of one segment; a tag or a digest is free.
fn allowed_image(seen: &Seen<'_>, image: &str) -> bool {
    let bare = image.split('@').next().unwrap_or_default();
    let bare = match bare.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => name,
        _ => bare,
    };
    let allowed = seen.law.policy["allow"]["images"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str);
    allowed
        .into_iter()
        .any(|pattern| match pattern.strip_suffix('*') {
            Some(prefix) => bare
                .strip_prefix(prefix)
                .is_some_and(|rest| !rest.contains('/')),
            None => bare == pattern,
        })
}

fn mounts(seen: &mut Seen<'_>) {
    let allowed = |list: &str, name: &str| {
        let allowed = seen.law.policy["allow"][list].as_array();
        allowed.is_some_and(|allowed| allowed.iter().any(|one| one == name))
    };
    let mut wrong = Vec::new();
    for (place, volume) in seen.items("volumes") {
        for (kind, what) in volume
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(kind, _)| *kind != "name")
        {
            if kind == "hostPath" {
                wrong.push(("host-access", place.clone(), what));
            }
            if says(what) && !allowed("volumeTypes", kind) {
                wrong.push(("mounts", place.clone(), what));
            }
        }
    }
    for list in ["secrets", "configMaps"] {
        for name in seen.spec(list).as_array().into_iter().flatten() {
            if !allowed("mounts", name.as_str().unwrap_or_default()) {
                wrong.push(("mounts", list.to_owned(), name));
            }
        }
    }
    for (rule, place, value) in wrong {
        seen.add(rule, place, value);
    }
}

fn who(seen: &mut Seen<'_>) {
    let account = seen.spec("serviceAccountName");
    let allowed = seen.law.policy["allow"]["serviceAccounts"].as_array();
    if says(account) && allowed.is_none_or(|allowed| !allowed.contains(account)) {
        seen.add("identity", "serviceAccountName", account);
    }
    let label = &seen.spec("podMetadata")["labels"]["azure.workload.identity/use"];
    if label == "true" {
        seen.add("identity", "podMetadata", label);
    }
    for (place, names, value) in seen.fields() {
        if let ([.., "sigv4", "roleArn" | "profile"], true) = (names.as_slice(), says(value)) {
            seen.add("identity", place, value);
        }
    }
}

fn across(seen: &mut Seen<'_>) {
    for (place, names, value) in seen.fields() {
        let selects =
            names.len() == 1 && names[0].ends_with("NamespaceSelector") && !value.is_null();
        if selects && *seen.spec("ignoreNamespaceSelectors") != true {
            seen.add("cross-namespace", place, value);
        }
    }
    for field in [
        "excludedFromEnforcement",
        "prometheusRulesExcludedFromEnforce",
    ] {
        if says(seen.spec(field)) {
            seen.add("cross-namespace", field, seen.spec(field));
        }
    }
}
