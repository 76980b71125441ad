//! Secrets, ConfigMaps and files that an object reaches for.

use serde_json::Value;

use super::{Seen, says};

/// Where the operator reads a key with its own rights and sends it on.
const READ: &[&str] = &[
    "remoteWrite",
    "remoteRead",
    "apiserverConfig",
    "alerting",
    "scrapeClasses",
    "tracingConfig",
    "web",
    "thanos",
    "grpcServerTlsConfig",
];
const CREDENTIAL_FILES: &[&str] = &[
    "bearerTokenFile",
    "credentialsFile",
    "caFile",
    "certFile",
    "keyFile",
    "clientCAFile",
];
/// References to whole files of configuration: opaque, and a rule of their own.
const OPAQUE: &[&str] = &[
    "additionalScrapeConfigs",
    "additionalAlertManagerConfigs",
    "additionalAlertRelabelConfigs",
    "queryConfig",
    "alertmanagersConfig",
    "alertRelabelConfigs",
    "objectStorageConfig",
];
const OBJSTORE_KEYS: &[&str] = &[
    "objstore.yml",
    "objstore.yaml",
    "thanos.yaml",
    "object-store.yaml",
    "object-storage-configs.yaml",
    "bucket.yml",
    "bucket.yaml",
];

pub(super) fn look(seen: &mut Seen<'_>) {
    for (place, names, value) in seen.fields() {
        let last = names.last().copied().unwrap_or_default();
        let top = names.first().copied().unwrap_or_default();
        let opaque = OPAQUE.contains(&last)
            || (last == "tracingConfig" && (seen.is("ThanosRuler") || names.len() > 1));
        if opaque && says(&value["name"]) {
            seen.add("opaque-config", &place, value);
        } else if value["key"].is_string() && says(&value["name"]) && READ.contains(&top) && !opaque
        {
            reference(seen, &place, &names, value);
        }
        if last == "objectStorageConfig"
            && says(&value["name"])
            && !OBJSTORE_KEYS.iter().any(|key| value["key"] == *key)
        {
            seen.add("objstore-reference", &place, value);
        }
        if !last.ends_with("File") || !says(value) || !value.is_string() {
            continue;
        }
        if CREDENTIAL_FILES.contains(&last) {
            seen.add("credential-files", &place, value);
        } else if !last.ends_with("LogFile") {
            seen.add("opaque-config", &place, value);
        }
        if last == "objectStorageConfigFile" {
            seen.add("objstore-reference", &place, value);
        }
    }
    for field in ["queryLogFile", "scrapeFailureLogFile"] {
        let value = seen.spec(field);
        if says(value) && !value.as_str().unwrap_or_default().starts_with("/dev/") {
            seen.add("file-writes", field, value);
        }
    }
}

fn reference(seen: &mut Seen<'_>, place: &str, names: &[&str], value: &Value) {
    let allowed = &seen.law.policy["remoteWrite"]["allowedSecrets"];
    let Some(allowed) = allowed.as_array() else {
        return;
    };
    let by_wiring = names.first() == Some(&"remoteWrite")
        && seen
            .items("remoteWrite")
            .iter()
            .any(|(entry_place, entry)| {
                place.starts_with(&format!(".{entry_place}."))
                    && seen.wiring_of(entry).is_some_and(|wiring| {
                        let wanted = &wiring["spec"]["remoteWrite"];
                        names[2..]
                            .iter()
                            .try_fold(&wanted["auth"], |at, name| at.get(*name))
                            == Some(value)
                            || wanted["tls"]["ca"]
                                .as_object()
                                .is_some_and(|ca| ca.values().any(|one| one == value))
                    })
            });
    if !allowed.contains(&value["name"]) && !by_wiring {
        seen.add("borrowed-secret", place, value);
    }
}
