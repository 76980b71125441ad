//! One offender or more for every rule that looks at the operator's objects: what it adds to a clean one.

use thanos_core::Kind;
use thanos_core::Kind::{Prometheus, PrometheusAgent, ThanosRuler};

/// What breaks one rule.
pub(super) struct Offender {
    pub(super) rule: &'static str,
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    /// A merge patch for `spec`; with `metadata` in it, for that.
    pub(super) spec: &'static str,
}

macro_rules! offenders {
    ($($rule:literal $name:literal $kind:ident $spec:literal;)*) => {
        pub(super) const OFFENDERS: &[Offender] = &[$(Offender { rule: $rule, name: $name, kind: $kind, spec: $spec }),*];
    };
}

/// The policy of all of them; which rules it has is said by the seed.
pub(super) const PARAMETERS: &str = r#"{"apiVersion": "kubectl-thanos.dev/v1alpha1", "kind": "ThanosPolicy", "metadata": {"name": "shared"}, "spec": {
    "enforcement": "Deny",
    "remoteWrite": {"allowedUrls": ["https://*.example.com/api/v1/receive", "http://10.0.0.1:19291/*"],
        "requireWiring": ["hub"], "allowedSecrets": ["my-own-secret"]},
    "labels": {"required": ["cluster", "team"]},
    "limits": {"sampleLimit": 50, "targetLimit": 50, "labelLimit": 50, "labelNameLengthLimit": 50, "labelValueLengthLimit": 50,
        "keepDroppedTargets": 50, "bodySizeLimit": "50MB", "minScrapeInterval": "10s", "maxReplicas": 3, "maxShards": 3,
        "maxRetention": "15d", "maxRetentionSize": "50GB", "queue": {"maxShards": 10, "capacity": 1000, "maxSamplesPerSend": 1000}},
    "allow": {"images": ["quay.io/prometheus/*"], "serviceAccounts": ["prometheus", "default"], "volumeTypes": ["emptyDir"],
        "mounts": ["my-own-secret"], "minimumVersion": "v3.0.0"}}}"#;

offenders! {
    "egress-url" "remote-write" Prometheus r#"{"remoteWrite": [{"name": "mine", "url": "https://elsewhere.example.org/api/v1/receive"}]}"#;
    "egress-url" "path" PrometheusAgent r#"{"remoteWrite": [{"name": "mine", "url": "https://a.example.com/elsewhere"}]}"#;
    "egress-url" "remote-read" Prometheus r#"{"remoteRead": [{"name": "mine", "url": "https://elsewhere.example.org/read"}]}"#;
    "egress-url" "proxy" Prometheus r#"{"remoteWrite": [{"name": "mine", "url": "https://a.example.com/api/v1/receive", "proxyUrl": "http://proxy.example.org:3128"}]}"#;
    "egress-url" "token" PrometheusAgent r#"{"remoteWrite": [{"name": "mine", "url": "https://a.example.com/api/v1/receive", "oauth2": {"clientId": {"secret": {"name": "my-own-secret", "key": "id"}}, "clientSecret": {"name": "my-own-secret", "key": "secret"}, "tokenUrl": "https://elsewhere.example.org/token"}}]}"#;
    "egress-url" "apiserver" Prometheus r#"{"apiserverConfig": {"host": "https://elsewhere.example.org"}}"#;
    "egress-url" "tracing" Prometheus r#"{"tracingConfig": {"endpoint": "elsewhere.example.org:4317", "clientType": "grpc"}}"#;
    "egress-url" "ruler" ThanosRuler r#"{"alertmanagersUrl": ["https://elsewhere.example.org"], "queryEndpoints": ["https://elsewhere.example.org"]}"#;
    "required-wiring" "conflict" Prometheus r#"{"remoteWrite": [{"name": "thanos", "url": "https://b.example.com/api/v1/receive"}]}"#;
    "required-wiring" "label-name" Prometheus r#"{"prometheusExternalLabelName": "cluster"}"#;
    "required-wiring" "old" PrometheusAgent r#"{"version": "v2.10.0"}"#;
    "plaintext-url" "basic" Prometheus r#"{"remoteWrite": [{"name": "mine", "url": "http://10.0.0.1:19291/write", "basicAuth": {"username": {"name": "my-own-secret", "key": "u"}, "password": {"name": "my-own-secret", "key": "p"}}}]}"#;
    "plaintext-url" "read" Prometheus r#"{"remoteRead": [{"name": "mine", "url": "http://10.0.0.1:19291/read", "authorization": {"credentials": {"name": "my-own-secret", "key": "t"}}}]}"#;
    "inline-credentials" "bearer" Prometheus r#"{"remoteWrite": [{"name": "mine", "url": "https://a.example.com/api/v1/receive", "bearerToken": "plain"}]}"#;
    "inline-credentials" "userinfo" PrometheusAgent r#"{"remoteWrite": [{"name": "mine", "url": "https://me:secret@a.example.com/api/v1/receive"}]}"#;
    "inline-credentials" "header" Prometheus r#"{"remoteWrite": [{"name": "mine", "url": "https://a.example.com/api/v1/receive", "headers": {"X-Api-Key": "plain"}}]}"#;
    "borrowed-secret" "basic" Prometheus r#"{"remoteWrite": [{"name": "mine", "url": "https://a.example.com/api/v1/receive", "basicAuth": {"username": {"name": "grafana", "key": "u"}, "password": {"name": "grafana", "key": "p"}}}]}"#;
    "borrowed-secret" "wirings-own" Prometheus r#"{"remoteWrite": [{"name": "mine", "url": "https://a.example.com/api/v1/receive", "authorization": {"credentials": {"name": "remotewrite-secret", "key": "password"}}}]}"#;
    "borrowed-secret" "ca" PrometheusAgent r#"{"remoteWrite": [{"name": "mine", "url": "https://a.example.com/api/v1/receive", "tlsConfig": {"ca": {"configMap": {"name": "grafana", "key": "ca"}}}}]}"#;
    "borrowed-secret" "apiserver" Prometheus r#"{"apiserverConfig": {"host": "https://a.example.com/api/v1/receive", "authorization": {"credentials": {"name": "grafana", "key": "t"}}}}"#;
    "borrowed-secret" "connect-header" Prometheus r#"{"remoteWrite": [{"name": "mine", "url": "https://a.example.com/api/v1/receive", "proxyFromEnvironment": true, "proxyConnectHeader": {"X": [{"name": "grafana", "key": "t"}]}}]}"#;
    "credential-files" "token" Prometheus r#"{"remoteWrite": [{"name": "mine", "url": "https://a.example.com/api/v1/receive", "bearerTokenFile": "/var/run/secrets/token"}]}"#;
    "credential-files" "tls" PrometheusAgent r#"{"remoteWrite": [{"name": "mine", "url": "https://a.example.com/api/v1/receive", "tlsConfig": {"certFile": "/etc/a", "keyFile": "/etc/b", "caFile": "/etc/c"}}]}"#;
    "credential-files" "web" Prometheus r#"{"web": {"tlsConfig": {"certFile": "/etc/a", "keyFile": "/etc/b", "clientCAFile": "/etc/c"}}}"#;
    "tenant-header" "tenant" Prometheus r#"{"remoteWrite": [{"name": "mine", "url": "https://a.example.com/api/v1/receive", "headers": {"Thanos-Tenant": "other"}}]}"#;
    "tenant-header" "org" PrometheusAgent r#"{"remoteWrite": [{"name": "mine", "url": "https://a.example.com/api/v1/receive", "headers": {"X-Scope-OrgID": "other"}}]}"#;
    "tenant-header" "twice" Prometheus r#"{"remoteWrite": [{"name": "mine", "url": "https://a.example.com/api/v1/receive", "headers": {"X-A": "1", "x-a": "2"}}]}"#;
    "identity-labels" "missing" Prometheus r#"{"externalLabels": {"team": null}}"#;
    "identity-labels" "name-taken" Prometheus r#"{"remoteWrite": [{"name": "thanos", "url": "https://receive.example.com/api/v1/receive"}], "replicaExternalLabelName": "cluster"}"#;
    "identity-labels" "emptied" PrometheusAgent r#"{"remoteWrite": [{"name": "thanos", "url": "https://receive.example.com/api/v1/receive", "writeRelabelConfigs": [{"action": "drop", "sourceLabels": ["__name__"], "regex": ".+"}]}]}"#;
    "identity-labels" "ruler" ThanosRuler r#"{"labels": {"team": null}}"#;
    "replica-label" "none" Prometheus r#"{"remoteWrite": [{"name": "mine", "url": "https://a.example.com/api/v1/receive"}], "replicas": 2, "replicaExternalLabelName": ""}"#;
    "replica-label" "shards" PrometheusAgent r#"{"remoteWrite": [{"name": "mine", "url": "https://a.example.com/api/v1/receive"}], "shards": 2, "replicaExternalLabelName": ""}"#;
    "insecure-tls" "skip" Prometheus r#"{"remoteWrite": [{"name": "mine", "url": "https://a.example.com/api/v1/receive", "tlsConfig": {"insecureSkipVerify": true}}]}"#;
    "insecure-tls" "old" PrometheusAgent r#"{"scrapeClasses": [{"name": "c", "tlsConfig": {"minVersion": "TLS10", "maxVersion": "TLS11"}}]}"#;
    "insecure-tls" "tracing" Prometheus r#"{"tracingConfig": {"endpoint": "https://a.example.com/api/v1/receive", "insecure": true}}"#;
    "evasion" "paused" Prometheus r#"{"paused": true}"#;
    "evasion" "ruler" ThanosRuler r#"{"paused": true}"#;
    "evasion" "controller" PrometheusAgent r#"{"metadata": {"annotations": {"operator.prometheus.io/controller-id": "mine"}}}"#;
    "evasion" "unmanaged" Prometheus r#"{"serviceMonitorSelector": null}"#;
    "open-inbound" "receiver" Prometheus r#"{"enableRemoteWriteReceiver": true}"#;
    "open-inbound" "admin" Prometheus r#"{"enableAdminAPI": true}"#;
    "open-inbound" "otlp" PrometheusAgent r#"{"enableOTLPReceiver": true}"#;
    "limits" "samples" Prometheus r#"{"enforcedSampleLimit": 5000, "enforcedBodySizeLimit": "1GB"}"#;
    "limits" "none" PrometheusAgent r#"{"enforcedTargetLimit": null}"#;
    "limits" "shards" Prometheus r#"{"shards": 10}"#;
    "limits" "replicas" ThanosRuler r#"{"replicas": 10}"#;
    "limits" "queue" Prometheus r#"{"remoteWrite": [{"name": "mine", "url": "https://a.example.com/api/v1/receive", "queueConfig": {"maxShards": 1000, "capacity": 100000, "maxSamplesPerSend": 50000}}]}"#;
    "limits" "interval" Prometheus r#"{"scrapeInterval": "1s"}"#;
    "limits" "retention" Prometheus r#"{"retention": "10y", "retentionSize": "10TB"}"#;
    "remote-write-names" "twice" Prometheus r#"{"remoteWrite": [{"name": "mine", "url": "https://a.example.com/api/v1/receive"}, {"name": "mine", "url": "https://b.example.com/api/v1/receive"}]}"#;
    "remote-write-names" "reserved" PrometheusAgent r#"{"remoteWrite": [{"name": "mine", "url": "https://a.example.com/api/v1/receive", "headers": {"Content-Encoding": "x"}}]}"#;
    "pod-containers" "sidecar" Prometheus r#"{"containers": [{"name": "mine", "image": "docker.io/me/mine"}]}"#;
    "pod-containers" "image" PrometheusAgent r#"{"image": "docker.io/me/prometheus:v3.7.0"}"#;
    "pod-containers" "version" Prometheus r#"{"version": "v2.40.0"}"#;
    "raw-arguments" "args" Prometheus r#"{"additionalArgs": [{"name": "web.enable-admin-api"}]}"#;
    "raw-arguments" "features" ThanosRuler r#"{"enableFeatures": ["anything"]}"#;
    "host-access" "network" Prometheus r#"{"hostNetwork": true, "hostAliases": [{"ip": "10.1.1.1", "hostnames": ["receive.example.com"]}]}"#;
    "host-access" "volume" ThanosRuler r#"{"volumes": [{"name": "v", "hostPath": {"path": "/"}}], "nodeSelector": {"a": "b"}}"#;
    "host-access" "root" Prometheus r#"{"securityContext": {"runAsUser": 0}, "priorityClassName": "system-node-critical"}"#;
    "mounts" "volume" Prometheus r#"{"volumes": [{"name": "v", "projected": {"sources": [{"secret": {"name": "grafana"}}]}}]}"#;
    "mounts" "secrets" PrometheusAgent r#"{"secrets": ["grafana"], "configMaps": ["grafana"]}"#;
    "identity" "account" Prometheus r#"{"serviceAccountName": "admin"}"#;
    "identity" "workload" ThanosRuler r#"{"podMetadata": {"labels": {"azure.workload.identity/use": "true"}}}"#;
    "opaque-config" "scrape" Prometheus r#"{"additionalScrapeConfigs": {"name": "my-own-secret", "key": "scrape.yaml"}}"#;
    "opaque-config" "ruler" ThanosRuler r#"{"alertmanagersConfig": {"name": "my-own-secret", "key": "a.yaml"}, "tracingConfigFile": "/etc/t"}"#;
    "cross-namespace" "selector" Prometheus r#"{"serviceMonitorNamespaceSelector": {}, "ignoreNamespaceSelectors": false}"#;
    "cross-namespace" "excluded" PrometheusAgent r#"{"excludedFromEnforcement": [{"namespace": "team-b", "resource": "servicemonitors"}]}"#;
    "monitor-file-access" "allowed" Prometheus r#"{"arbitraryFSAccessThroughSMs": {"deny": false}}"#;
    "file-writes" "query" Prometheus r#"{"queryLogFile": "/prometheus/q.log"}"#;
    "file-writes" "failures" PrometheusAgent r#"{"scrapeFailureLogFile": "/prometheus/f.log"}"#;
    "objstore-reference" "key" Prometheus r#"{"thanos": {"objectStorageConfig": {"name": "my-own-secret", "key": "anything"}}}"#;
    "objstore-reference" "file" Prometheus r#"{"thanos": {"objectStorageConfigFile": "/etc/o"}}"#;
}
