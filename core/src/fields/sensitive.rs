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
    "mode"                                 Limit      "limits";
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
    "podMetadata.labels{}"                 Container  "pod-containers";
    "podMetadata.labels{}"                 Host       "host-access";
    "podMetadata.labels{}"                 Identity   "identity";
    "podMetadata.annotations{}"            Container  "pod-containers";
    "podMetadata.annotations{}"            Host       "host-access";
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
    // Where samples, queries and alerts go, as whom, under which labels.
    "remoteWrite[].url"                          Url         "egress-url" "plaintext-url" "inline-credentials";
    "remoteRead[].url"                           Url         "egress-url" "plaintext-url" "inline-credentials";
    "**.proxyUrl"                                Url         "egress-url" "plaintext-url" "inline-credentials";
    "**.oauth2.tokenUrl"                         Url         "egress-url" "plaintext-url" "inline-credentials";
    "apiserverConfig.host"                       Url         "egress-url" "plaintext-url" "inline-credentials";
    "tracingConfig.endpoint"                     Url         "egress-url" "inline-credentials";
    "alertmanagersUrl[]"                         Url         "egress-url" "plaintext-url" "inline-credentials";
    "queryEndpoints[]"                           Url         "egress-url" "inline-credentials";
    "alertQueryUrl"                              Url         "egress-url" "inline-credentials";
    "externalUrl"                                Url         "inline-credentials";
    "alerting.alertmanagers[].relabelings"       Relabelling "egress-url";
    "**.bearerToken"                             Credential  "inline-credentials";
    "remoteWrite[].headers{}"                    Header      "inline-credentials" "tenant-header" "remote-write-names";
    "remoteRead[].headers{}"                     Header      "inline-credentials" "tenant-header" "remote-write-names";
    "tracingConfig.headers{}"                    Header      "inline-credentials" "remote-write-names";
    "**.proxyConnectHeader{}"                    Header      "tenant-header";
    "**.oauth2.endpointParams{}"                 Header      "inline-credentials";
    "**.basicAuth.username"                      Reference   "borrowed-secret";
    "**.basicAuth.password"                      Reference   "borrowed-secret";
    "**.authorization.credentials"               Reference   "borrowed-secret";
    "**.oauth2.clientId.secret"                  Reference   "borrowed-secret";
    "**.oauth2.clientId.configMap"               Reference   "borrowed-secret";
    "**.oauth2.clientSecret"                     Reference   "borrowed-secret";
    "**.sigv4.accessKey"                         Reference   "borrowed-secret";
    "**.sigv4.secretKey"                         Reference   "borrowed-secret";
    "**.azureAd.oauth.clientSecret"              Reference   "borrowed-secret";
    "**.proxyConnectHeader{}[]"                  Reference   "borrowed-secret";
    "**.tlsConfig.ca.secret"                     Reference   "borrowed-secret";
    "**.tlsConfig.ca.configMap"                  Reference   "borrowed-secret";
    "**.tlsConfig.cert.secret"                   Reference   "borrowed-secret";
    "**.tlsConfig.cert.configMap"                Reference   "borrowed-secret";
    "**.tlsConfig.keySecret"                     Reference   "borrowed-secret";
    "**.tlsConfig.client_ca.secret"              Reference   "borrowed-secret";
    "**.tlsConfig.client_ca.configMap"           Reference   "borrowed-secret";
    "**.grpcServerTlsConfig.ca.secret"           Reference   "borrowed-secret";
    "**.grpcServerTlsConfig.ca.configMap"        Reference   "borrowed-secret";
    "**.grpcServerTlsConfig.cert.secret"         Reference   "borrowed-secret";
    "**.grpcServerTlsConfig.cert.configMap"      Reference   "borrowed-secret";
    "**.grpcServerTlsConfig.keySecret"           Reference   "borrowed-secret";
    "**.bearerTokenFile"                         File        "credential-files";
    "**.credentialsFile"                         File        "credential-files";
    "**.caFile"                                  File        "credential-files";
    "**.certFile"                                File        "credential-files";
    "**.keyFile"                                 File        "credential-files";
    "**.clientCAFile"                            File        "credential-files";
    "externalLabels{}"                           Label       "identity-labels";
    "labels{}"                                   Label       "identity-labels";
    "alertDropLabels[]"                          Label       "identity-labels";
    "prometheusExternalLabelName"                Label       "identity-labels";
    "replicaExternalLabelName"                   Label       "identity-labels" "replica-label";
    "shardingStrategy.topology.externalLabelName" Label      "identity-labels";
    "remoteWrite[].writeRelabelConfigs"          Relabelling "identity-labels" "replica-label";
    "replicas"                                   Limit       "replica-label";
    "shards"                                     Limit       "replica-label";
    "**.insecureSkipVerify"                      Tls         "insecure-tls";
    "**.tlsConfig.minVersion"                    Tls         "insecure-tls";
    "**.tlsConfig.maxVersion"                    Tls         "insecure-tls";
    "**.grpcServerTlsConfig.minVersion"          Tls         "insecure-tls";
    "**.grpcServerTlsConfig.maxVersion"          Tls         "insecure-tls";
    "tracingConfig.insecure"                     Tls         "insecure-tls";
    "remoteWrite[].followRedirects"              Tls         "insecure-tls";
    "remoteRead[].followRedirects"               Tls         "insecure-tls";
    "remoteWrite[].messageVersion"               Switch      "remote-write-names";
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
pub const UNCOVERED: &[(&str, &str)] = &[
    (
        "**.alertRelabelings",
        "changes alerts on their way to the object's own Alertmanager, and no sample",
    ),
    (
        "**.sourceLabels",
        "part of a relabel rule: the list is what is judged",
    ),
    (
        "**.targetLabel",
        "part of a relabel rule: the list is what is judged",
    ),
    (
        "**.noProxy",
        "sends fewer requests through a proxy; where they lead is judged by their url",
    ),
    (
        "**.proxyFromEnvironment",
        "only `containers` could set the pod's environment, and pod-containers refuses that",
    ),
    (
        "**.serverName",
        "the name that a certificate is checked for; which authority is trusted is judged",
    ),
    (
        "**.oauth2.scopes",
        "what the object's own OAuth client asks for, at a judged tokenUrl",
    ),
    (
        "**.azureAd.scope",
        "without an identity, which `identity` judges, there is no token of any scope",
    ),
    (
        "**.claims[].name",
        "names a claim of the pod's, and the operator gives its pods none",
    ),
    (
        "**.resources.limits",
        "a ResourceQuota bounds what a namespace takes",
    ),
    (
        "**.resources.limits{}",
        "a ResourceQuota bounds what a namespace takes",
    ),
    (
        "alerting.alertmanagers[].apiVersion",
        "the version of Alertmanager's API",
    ),
    (
        "alerting.alertmanagers[].enableHttp2",
        "how a request is carried, not where to",
    ),
    (
        "alerting.alertmanagers[].name",
        "a Service in the namespace that cross-namespace judges",
    ),
    (
        "alerting.alertmanagers[].pathPrefix",
        "a path of that Service",
    ),
    ("alerting.alertmanagers[].port", "a port of that Service"),
    (
        "alerting.alertmanagers[].scheme",
        "how that Service is spoken to; its credentials are judged",
    ),
    (
        "allowOverlappingBlocks",
        "deprecated, and about the object's own blocks",
    ),
    (
        "bodySizeLimit",
        "what monitors without one get; `limits` judges the enforced one, which caps it",
    ),
    ("disableCompaction", "about the object's own blocks"),
    (
        "enableServiceLinks",
        "variables that name the Services of the namespace, which anybody there may list",
    ),
    (
        "enforcedNamespaceLabel",
        "adds a label; the identity of samples is what the wiring enforces",
    ),
    ("evaluationInterval", "how often the object's own rules run"),
    ("exemplars.maxSize", "memory of the object's own pod"),
    ("externalPrefix", "a path of the object's own pages"),
    (
        "extraScrapeMetrics",
        "three more samples a scrape, within the enforced limit",
    ),
    ("imagePullPolicy", "when an image is pulled, not which"),
    (
        "labelLimit",
        "what monitors without one get; `limits` judges the enforced one, which caps it",
    ),
    (
        "labelNameLengthLimit",
        "what monitors without one get; `limits` judges the enforced one, which caps it",
    ),
    (
        "labelValueLengthLimit",
        "what monitors without one get; `limits` judges the enforced one, which caps it",
    ),
    (
        "maximumStartupDurationSeconds",
        "how long the pod may take to start",
    ),
    ("minReadySeconds", "how long a pod counts as new"),
    (
        "nameEscapingScheme",
        "how names are spelled that a target sends",
    ),
    (
        "nameValidationScheme",
        "which names are taken from a target",
    ),
    (
        "overrideHonorLabels",
        "a target's own labels may win in the object; the wiring's relabel rules come after",
    ),
    (
        "overrideHonorTimestamps",
        "a target's own timestamps may win; Receive has its own window",
    ),
    ("podManagementPolicy", "in which order pods start"),
    ("podMetadata.name", "the operator names its pods itself"),
    (
        "podTargetLabels",
        "labels of pods that become labels of samples; the wiring's relabel rules come after",
    ),
    ("portName", "the name of the pod's own port"),
    ("query.maxConcurrency", "work of the object's own pod"),
    ("query.maxSamples", "memory of the object's own pod"),
    (
        "remoteRead[].filterExternalLabels",
        "whether a read asks for the object's own labels only; its url is judged",
    ),
    ("remoteRead[].name", "a name in the object's own metrics"),
    (
        "remoteWrite[].enableHTTP2",
        "how a request is carried, not where to",
    ),
    (
        "remoteWrite[].metadataConfig.maxSamplesPerSend",
        "metadata, which Receive does not store",
    ),
    (
        "remoteWrite[].metadataConfig.sendInterval",
        "metadata, which Receive does not store",
    ),
    (
        "remoteWrite[].name",
        "remote-write-names reads it with its entry",
    ),
    (
        "remoteWrite[].queueConfig.maxBackoff",
        "how long a queue waits, at most",
    ),
    (
        "remoteWrite[].queueConfig.maxRetries",
        "without effect since Prometheus 2.11",
    ),
    (
        "remoteWrite[].queueConfig.minBackoff",
        "how long a queue waits, at least",
    ),
    (
        "remoteWrite[].queueConfig.minShards",
        "never more than maxShards, which `limits` judges",
    ),
    (
        "remoteWrite[].queueConfig.retryOnRateLimit",
        "heeds what Receive answers",
    ),
    (
        "remoteWrite[].queueConfig.sampleAgeLimit",
        "drops old samples instead of sending them",
    ),
    ("routePrefix", "a path of the object's own pages"),
    (
        "ruleSelector",
        "which rules of the namespaces that cross-namespace judges",
    ),
    (
        "sampleLimit",
        "what monitors without one get; `limits` judges the enforced one, which caps it",
    ),
    (
        "scrapeClasses[].attachMetadata.node",
        "labels of nodes on the object's own samples, with the rights of its account",
    ),
    (
        "scrapeClasses[].metricRelabelings",
        "what a monitor may do as well; the wiring's relabel rules come after",
    ),
    ("scrapeClasses[].name", "the name that a monitor asks for"),
    (
        "scrapeClasses[].relabelings",
        "what a monitor may do as well; the wiring's relabel rules come after",
    ),
    (
        "serviceName",
        "a Service in the object's namespace that names its pods",
    ),
    ("sha", "digests are free in `allow.images`"),
    (
        "shardRetentionPolicy.retain.retentionPeriod",
        "keeps shards that were within the limit",
    ),
    (
        "targetLimit",
        "what monitors without one get; `limits` judges the enforced one, which caps it",
    ),
    (
        "thanos.blockSize",
        "how long one block of the object's own is",
    ),
    (
        "thanos.getConfigInterval",
        "how often the sidecar asks the object's own Prometheus",
    ),
    ("thanos.minTime", "how far back the sidecar answers"),
    ("thanos.sha", "digests are free in `allow.images`"),
    ("thanos.tag", "tags are free in `allow.images`"),
    ("thanos.version", "tags are free in `allow.images`"),
    (
        "topologySpreadConstraints",
        "spreads the object's own pods over nodes that the scheduler finds",
    ),
    (
        "topologySpreadConstraints[].additionalLabelSelectors",
        "counts the object's own pods",
    ),
    (
        "topologySpreadConstraints[].labelSelector",
        "counts pods of the object's own namespace",
    ),
    (
        "topologySpreadConstraints[].maxSkew",
        "how evenly the object's own pods are spread",
    ),
    (
        "topologySpreadConstraints[].minDomains",
        "how widely the object's own pods are spread",
    ),
    (
        "topologySpreadConstraints[].nodeAffinityPolicy",
        "whether a node affinity, which host-access judges, counts",
    ),
    (
        "topologySpreadConstraints[].nodeTaintsPolicy",
        "whether tolerations, which host-access judges, count",
    ),
    (
        "updateStrategy.rollingUpdate.maxUnavailable",
        "how many of the object's own pods roll at once",
    ),
    (
        "web.httpConfig.headers.contentSecurityPolicy",
        "a header of the object's own pages",
    ),
    ("web.maxConnections", "work of the object's own pod"),
];

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
        path_is(&segments(self.path), names)
    }
}

/// The rows of the path of these names, in the order of the table.
pub fn rows(names: &[&str]) -> impl Iterator<Item = &'static Row> {
    let last = names.last().copied().unwrap_or_default();
    let before = names.iter().rev().nth(1).copied().unwrap_or_default();
    let by_name = KNOWN.by_last.get(last).into_iter().flatten();
    let in_map = KNOWN.by_map.get(before).into_iter().flatten();
    by_name
        .chain(in_map)
        .filter(|(segments, _)| path_is(segments, names))
        .map(|(_, row)| *row)
}

/// Rows with their segments, which no match has to make anew.
type Found = HashMap<&'static str, Vec<(Vec<&'static str>, &'static Row)>>;

/// The table by what a path ends with: most fields of an object are in neither, and are passed over at one look.
#[derive(Default)]
struct Known {
    /// By the last segment: a name, or `[]`.
    by_last: Found,
    /// Rows that end in `{}`, by the segment before.
    by_map: Found,
}

static KNOWN: LazyLock<Known> = LazyLock::new(|| {
    let mut known = Known::default();
    for row in ROWS {
        let segments = segments(row.path);
        let (found, key) = match segments.as_slice() {
            [.., before, "{}"] => (&mut known.by_map, *before),
            [.., last] => (&mut known.by_last, *last),
            [] => continue,
        };
        found.entry(key).or_default().push((segments, row));
    }
    known
});

fn path_is(segments: &[&str], names: &[&str]) -> bool {
    let mut given = names.iter().rev();
    for segment in segments.iter().rev() {
        if *segment == "**" {
            return true;
        }
        match given.next() {
            Some(name) if name == segment || (*segment == "{}" && *name != "[]") => {}
            _ => return false,
        }
    }
    given.next().is_none()
}

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
