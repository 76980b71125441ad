//! Every field of the operator's objects that can hold a Secret, a url, a file, a header, a container, an identity, a
//! selector or a limit: which rules look at it, or why none needs to.
//!
//! A path is written from `spec` down: `[]` is any item of a list, `{}` any member of a map, and a leading `**` any way
//! down, so that a new field of an old shape is covered on the day it appears.

use std::collections::HashMap;
use std::sync::LazyLock;

/// What a field is to the rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sort {
    /// A url, or a host.
    Url,
    /// A reference to a key of a Secret or a ConfigMap, or to a whole one.
    Reference,
    /// A credential in plain text.
    Credential,
    /// A path of a file.
    File,
    /// The value of a header; its name is the last step.
    Header,
    /// How TLS is checked.
    Tls,
    /// A label, or a name of one.
    Label,
    /// Relabel rules: the whole list.
    Relabelling,
    /// How much is taken.
    Limit,
    /// A container, an image, an argument.
    Container,
    /// What the pod may reach on its node.
    Host,
    /// A service account, or what a pod is taken for.
    Identity,
    /// Which namespaces, objects or monitors are looked at.
    Selector,
    /// A switch.
    Switch,
}

/// One row: a path and the rules that look at it.
#[derive(Debug)]
pub struct Row {
    /// The path.
    pub path: &'static str,
    /// What it is.
    pub sort: Sort,
    /// The ids of the rules.
    pub rules: &'static [&'static str],
}

macro_rules! rows {
    ($($path:literal $sort:ident $($rule:literal)+;)*) => {
        /// The table.
        pub const ROWS: &[Row] = &[$(Row { path: $path, sort: Sort::$sort, rules: &[$($rule),+] }),*];
    };
}

rows! {
    "remoteWrite[].url"                    Url        "egress-url" "plaintext-url" "inline-credentials";
    "remoteRead[].url"                     Url        "egress-url" "plaintext-url" "inline-credentials";
    "**.proxyUrl"                          Url        "egress-url" "inline-credentials";
    "**.oauth2.tokenUrl"                   Url        "egress-url" "plaintext-url" "inline-credentials";

    // Out of sight, open to others, past the fields.
    "paused"                               Switch     "evasion";
    "serviceMonitorSelector"               Selector   "evasion";
    "podMonitorSelector"                   Selector   "evasion";
    "probeSelector"                        Selector   "evasion";
    "scrapeConfigSelector"                 Selector   "evasion";
    "remoteWriteSelector"                  Selector   "evasion";
    "remoteWriteNamespaceSelector"         Selector   "evasion" "cross-namespace";
    "enableRemoteWriteReceiver"            Switch     "open-inbound";
    "remoteWriteReceiverMessageVersions"   Switch     "open-inbound";
    "enableOTLPReceiver"                   Switch     "open-inbound";
    "otlp"                                 Switch     "open-inbound";
    "enableAdminAPI"                       Switch     "open-inbound";
    "additionalArgs[]"                     Container  "raw-arguments" "evasion" "open-inbound" "limits" "objstore-reference";
    "thanos.additionalArgs[]"              Container  "raw-arguments" "evasion" "objstore-reference";
    "enableFeatures[]"                     Container  "raw-arguments" "open-inbound";
    "tsdb.chunkEncoding"                   Switch     "raw-arguments";
    // How much is taken.
    "enforcedSampleLimit"                  Limit      "limits";
    "enforcedTargetLimit"                  Limit      "limits";
    "enforcedLabelLimit"                   Limit      "limits";
    "enforcedLabelNameLengthLimit"         Limit      "limits";
    "enforcedLabelValueLengthLimit"        Limit      "limits";
    "enforcedKeepDroppedTargets"           Limit      "limits";
    "enforcedBodySizeLimit"                Limit      "limits";
    "scrapeInterval"                       Limit      "limits";
    "replicas"                             Limit      "limits";
    "shards"                               Limit      "limits";
    "retention"                            Limit      "limits";
    "retentionSize"                        Limit      "limits";
    "retentionPercentage"                  Limit      "limits";
    "remoteWrite[].queueConfig.maxShards"  Limit      "limits";
    "remoteWrite[].queueConfig.capacity"   Limit      "limits";
    "remoteWrite[].queueConfig.maxSamplesPerSend" Limit "limits";
    // The pod.
    "containers"                           Container  "pod-containers";
    "initContainers"                       Container  "pod-containers";
    "image"                                Container  "pod-containers";
    "baseImage"                            Container  "pod-containers";
    "tag"                                  Container  "pod-containers";
    "version"                              Container  "pod-containers";
    "thanos.image"                         Container  "pod-containers";
    "thanos.baseImage"                     Container  "pod-containers";
    "imagePullSecrets[]"                   Reference  "pod-containers";
    "hostNetwork"                          Host       "host-access";
    "hostUsers"                            Host       "host-access";
    "hostAliases"                          Host       "host-access";
    "dnsConfig"                            Host       "host-access";
    "dnsPolicy"                            Host       "host-access";
    "nodeSelector"                         Host       "host-access";
    "tolerations"                          Host       "host-access";
    "priorityClassName"                    Host       "host-access";
    "schedulerName"                        Host       "host-access";
    "affinity"                             Host       "host-access";
    "securityContext"                      Host       "host-access";
    "containers"                           Host       "host-access";
    "initContainers"                       Host       "host-access";
    "volumes"                              Host       "host-access" "mounts";
    "storage"                              Host       "mounts";
    "volumeMounts[]"                       Host       "mounts";
    "thanos.volumeMounts[]"                Host       "mounts";
    "secrets[]"                            Reference  "mounts";
    "configMaps[]"                         Reference  "mounts";
    "serviceAccountName"                   Identity   "identity";
    "automountServiceAccountToken"         Identity   "identity";
    "podMetadata.labels{}"                 Identity   "identity";
    "podMetadata.annotations{}"            Identity   "identity";
    "**.azureAd.managedIdentity"           Identity   "identity";
    "**.azureAd.oauth"                     Identity   "identity";
    "**.azureAd.sdk"                       Identity   "identity";
    "**.azureAd.workloadIdentity"          Identity   "identity";
    "**.sigv4"                             Identity   "identity";
    // Configuration elsewhere.
    "additionalScrapeConfigs"              Reference  "opaque-config";
    "additionalAlertManagerConfigs"        Reference  "opaque-config";
    "additionalAlertRelabelConfigs"        Reference  "opaque-config";
    "queryConfig"                          Reference  "opaque-config";
    "alertmanagersConfig"                  Reference  "opaque-config";
    "alertRelabelConfigs"                  Reference  "opaque-config";
    "alertRelabelConfigFile"               File       "opaque-config";
    "tracingConfig"                        Reference  "opaque-config";
    "tracingConfigFile"                    File       "opaque-config";
    "thanos.tracingConfig"                 Reference  "opaque-config";
    "thanos.tracingConfigFile"             File       "opaque-config";
    "objectStorageConfig"                  Reference  "opaque-config" "objstore-reference";
    "objectStorageConfigFile"              File       "opaque-config" "objstore-reference";
    "thanos.objectStorageConfig"           Reference  "opaque-config" "objstore-reference";
    "thanos.objectStorageConfigFile"       File       "opaque-config" "objstore-reference";
    "queryLogFile"                         File       "file-writes";
    "scrapeFailureLogFile"                 File       "file-writes";
    // Other namespaces, other files.
    "serviceMonitorNamespaceSelector"      Selector   "cross-namespace";
    "podMonitorNamespaceSelector"          Selector   "cross-namespace";
    "probeNamespaceSelector"               Selector   "cross-namespace";
    "scrapeConfigNamespaceSelector"        Selector   "cross-namespace";
    "ruleNamespaceSelector"                Selector   "cross-namespace";
    "ignoreNamespaceSelectors"             Switch     "cross-namespace";
    "excludedFromEnforcement[]"            Selector   "cross-namespace";
    "prometheusRulesExcludedFromEnforce[]" Selector   "cross-namespace";
    "alerting.alertmanagers[].namespace"   Selector   "cross-namespace";
    "arbitraryFSAccessThroughSMs.deny"     Switch     "monitor-file-access";
}

/// Maps whose keys are data: nothing below them is a field.
const FREE: &[&str] = &[
    "externalLabels",
    "labels",
    "annotations",
    "nodeSelector",
    "matchLabels",
    "headers",
    "endpointParams",
    "limits",
    "requests",
];

/// Fields that a rule judges as a whole: nothing below them is looked at one by one.
const WHOLE: &[&str] = &[
    "containers",
    "initContainers",
    "volumes",
    "affinity",
    "storage",
];

/// Sensitive fields that no rule looks at, each with the reason.
pub const UNCOVERED: &[(&str, &str)] = &[];

/// Whether the members of a field of this name are data.
pub fn is_free(name: &str) -> bool {
    FREE.contains(&name)
}

/// Whether the field at these names is judged as a whole.
pub fn is_whole(names: &[&str]) -> bool {
    matches!(names, [name] if WHOLE.contains(name))
}

impl Row {
    /// Whether the path is the one of these names.
    pub fn matches(&self, names: &[&str]) -> bool {
        let mut wanted = segments(self.path);
        let mut given = names.len();
        while let Some(segment) = wanted.pop() {
            if segment == "**" {
                return true;
            }
            let Some(before) = given.checked_sub(1) else {
                return false;
            };
            given = before;
            if segment != names[given] && !(segment == "{}" && names[given] != "[]") {
                return false;
            }
        }
        given == 0
    }
}

/// The rows that may match a path by its last two names.
pub fn rows(last: &[&str; 2]) -> impl Iterator<Item = &'static Row> + use<> {
    let by_name = BY_LAST.get(last[0]);
    let in_map = BY_MAP.get(last[1]);
    let rows = by_name.into_iter().chain(in_map).flatten();
    rows.map(|at| &ROWS[*at])
}

/// By the last segment: a name, or `[]`.
static BY_LAST: LazyLock<HashMap<&str, Vec<usize>>> = LazyLock::new(|| {
    let mut rows: HashMap<&str, Vec<usize>> = HashMap::new();
    for (at, row) in ROWS.iter().enumerate() {
        if let Some(last) = segments(row.path).last().filter(|last| **last != "{}") {
            rows.entry(last).or_default().push(at);
        }
    }
    rows
});

/// Rows that end in `{}`, by the segment before.
static BY_MAP: LazyLock<HashMap<&str, Vec<usize>>> = LazyLock::new(|| {
    let mut rows: HashMap<&str, Vec<usize>> = HashMap::new();
    for (at, row) in ROWS.iter().enumerate() {
        if let [.., before, "{}"] = segments(row.path).as_slice() {
            rows.entry(before).or_default().push(at);
        }
    }
    rows
});

/// `remoteWrite[].url`: `remoteWrite`, `[]`, `url`.
pub fn segments(path: &str) -> Vec<&str> {
    let mut segments = Vec::new();
    for part in path.split('.') {
        let name = part.find(['[', '{']).map_or(part, |end| &part[..end]);
        segments.push(name);
        let mut rest = &part[name.len()..];
        while rest.len() >= 2 {
            segments.push(&rest[..2]);
            rest = &rest[2..];
        }
    }
    segments
}
