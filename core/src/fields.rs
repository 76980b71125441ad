//! Every path of the operator's objects that matters here: path, class, and since when it is known. Once.

use std::collections::BTreeSet;

use semver::Version;
use serde_json::Value;

use crate::subject::Kind;

/// What a field is to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Ours in an entry of ours: set or removed, whatever the user wrote.
    Enforced,
    /// The user's, also in an entry of ours; a wiring may give a default.
    Kept,
    /// The entry's list of relabel rules: the user's come first, ours last.
    Rules,
    /// Where labels are put on every sample.
    Labels,
    /// Names a label that the operator sets itself.
    LabelName,
}

/// Since which version of its program a field has an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// Every version that the operator still runs.
    Always,
    /// From this version on; below it the operator drops the field with no more than a log line.
    Version(&'static str),
    /// In no version.
    Never,
}

/// One field below `spec` of Prometheus, PrometheusAgent or ThanosRuler.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Dotted path below `spec`; `[]` stands for the items of a list.
    pub path: &'static str,
    /// What it is to us.
    pub class: Class,
    /// The Prometheus that knows it (`WithMinimumVersion` in prometheus-operator `pkg/prometheus/promcfg.go`).
    pub prometheus: Since,
    /// The Thanos whose ruler knows it (`resetFieldFn` in prometheus-operator `pkg/thanos/operator.go`).
    pub thanos: Since,
}

/// Thanos' ruler can remote-write from this version on (`minRemoteWriteVersion`, `pkg/thanos/operator.go`).
const RULER: Since = Since::Version("0.24.0");

const fn field(path: &'static str, class: Class, prometheus: Since, thanos: Since) -> Field {
    Field {
        path,
        class,
        prometheus,
        thanos,
    }
}

/// The table.
pub const FIELDS: &[Field] = &[
    field("externalLabels", Class::Labels, Since::Always, Since::Never),
    field("labels", Class::Labels, Since::Never, Since::Always),
    field(
        "prometheusExternalLabelName",
        Class::LabelName,
        Since::Always,
        Since::Never,
    ),
    field(
        "replicaExternalLabelName",
        Class::LabelName,
        Since::Always,
        Since::Never,
    ),
    field(
        "shardingStrategy.topology.externalLabelName",
        Class::LabelName,
        Since::Always,
        Since::Never,
    ),
    field("remoteWrite[].url", Class::Enforced, Since::Always, RULER),
    field(
        "remoteWrite[].name",
        Class::Enforced,
        Since::Version("2.15.0"),
        RULER,
    ),
    field(
        "remoteWrite[].headers",
        Class::Enforced,
        Since::Version("2.15.0"),
        RULER,
    ),
    field(
        "remoteWrite[].basicAuth",
        Class::Enforced,
        Since::Always,
        RULER,
    ),
    field(
        "remoteWrite[].authorization",
        Class::Enforced,
        Since::Version("2.26.0"),
        RULER,
    ),
    field(
        "remoteWrite[].azureAd",
        Class::Enforced,
        Since::Version("2.45.0"),
        Since::Version("0.31.0"),
    ),
    field(
        "remoteWrite[].azureAd.managedIdentity",
        Class::Enforced,
        Since::Version("2.45.0"),
        Since::Version("0.31.0"),
    ),
    field(
        "remoteWrite[].azureAd.sdk",
        Class::Enforced,
        Since::Version("2.52.0"),
        Since::Version("0.36.0"),
    ),
    field(
        "remoteWrite[].azureAd.workloadIdentity",
        Class::Enforced,
        Since::Version("3.7.0"),
        Since::Never,
    ),
    field(
        "remoteWrite[].azureAd.scope",
        Class::Enforced,
        Since::Version("3.9.0"),
        Since::Never,
    ),
    field(
        "remoteWrite[].azureAd.cloud",
        Class::Enforced,
        Since::Version("2.45.0"),
        Since::Version("0.31.0"),
    ),
    field(
        "remoteWrite[].tlsConfig",
        Class::Enforced,
        Since::Always,
        RULER,
    ),
    field(
        "remoteWrite[].tlsConfig.ca",
        Class::Enforced,
        Since::Always,
        RULER,
    ),
    field(
        "remoteWrite[].tlsConfig.serverName",
        Class::Enforced,
        Since::Always,
        RULER,
    ),
    field(
        "remoteWrite[].followRedirects",
        Class::Enforced,
        Since::Version("2.26.0"),
        RULER,
    ),
    field(
        "remoteWrite[].messageVersion",
        Class::Enforced,
        Since::Version("2.54.0"),
        Since::Version("0.37.0"),
    ),
    field(
        "remoteWrite[].writeRelabelConfigs",
        Class::Rules,
        Since::Always,
        RULER,
    ),
    field(
        "remoteWrite[].remoteTimeout",
        Class::Kept,
        Since::Always,
        RULER,
    ),
    field(
        "remoteWrite[].sendExemplars",
        Class::Kept,
        Since::Version("2.27.0"),
        RULER,
    ),
    field(
        "remoteWrite[].sendNativeHistograms",
        Class::Kept,
        Since::Version("2.40.0"),
        Since::Version("0.30.0"),
    ),
    field(
        "remoteWrite[].enableHTTP2",
        Class::Kept,
        Since::Version("2.35.0"),
        RULER,
    ),
    field(
        "remoteWrite[].roundRobinDNS",
        Class::Kept,
        Since::Version("3.1.0"),
        Since::Version("0.38.0"),
    ),
    field(
        "remoteWrite[].queueConfig",
        Class::Kept,
        Since::Always,
        RULER,
    ),
    field(
        "remoteWrite[].queueConfig.capacity",
        Class::Kept,
        Since::Always,
        RULER,
    ),
    field(
        "remoteWrite[].queueConfig.minShards",
        Class::Kept,
        Since::Always,
        RULER,
    ),
    field(
        "remoteWrite[].queueConfig.maxShards",
        Class::Kept,
        Since::Always,
        RULER,
    ),
    field(
        "remoteWrite[].queueConfig.maxSamplesPerSend",
        Class::Kept,
        Since::Always,
        RULER,
    ),
    field(
        "remoteWrite[].queueConfig.batchSendDeadline",
        Class::Kept,
        Since::Always,
        RULER,
    ),
    field(
        "remoteWrite[].queueConfig.minBackoff",
        Class::Kept,
        Since::Always,
        RULER,
    ),
    field(
        "remoteWrite[].queueConfig.maxBackoff",
        Class::Kept,
        Since::Always,
        RULER,
    ),
    field(
        "remoteWrite[].queueConfig.retryOnRateLimit",
        Class::Kept,
        Since::Version("2.26.0"),
        RULER,
    ),
    field(
        "remoteWrite[].queueConfig.sampleAgeLimit",
        Class::Kept,
        Since::Version("2.50.0"),
        Since::Version("0.32.0"),
    ),
    field(
        "remoteWrite[].metadataConfig",
        Class::Kept,
        Since::Version("2.23.0"),
        RULER,
    ),
    field(
        "remoteWrite[].metadataConfig.send",
        Class::Kept,
        Since::Version("2.23.0"),
        RULER,
    ),
    field(
        "remoteWrite[].metadataConfig.sendInterval",
        Class::Kept,
        Since::Version("2.23.0"),
        RULER,
    ),
    field(
        "remoteWrite[].metadataConfig.maxSamplesPerSend",
        Class::Kept,
        Since::Version("2.29.0"),
        RULER,
    ),
];

/// The prefix of the fields of a remote-write entry.
pub const ENTRY: &str = "remoteWrite[].";

impl Field {
    /// The row of the table for a path; `None` for a path that the table does not know.
    pub fn at(path: &str) -> Option<&'static Field> {
        FIELDS.iter().find(|field| field.path == path)
    }

    /// Since when the program behind `kind` knows this field.
    pub fn since(&self, kind: Kind) -> Since {
        match kind {
            Kind::Prometheus | Kind::PrometheusAgent => self.prometheus,
            Kind::ThanosRuler => self.thanos,
        }
    }

    /// Whether version `version` of the program behind `kind` knows this field.
    pub fn known_to(&self, kind: Kind, version: &Version) -> bool {
        match self.since(kind) {
            Since::Always => true,
            Since::Never => false,
            Since::Version(since) => {
                crate::versions::parse(since).is_some_and(|since| *version >= since)
            }
        }
    }
}

/// Whether the top-level field `name` of a remote-write entry stays the user's, also in an entry of ours.
pub fn kept(name: &str) -> bool {
    FIELDS.iter().any(|field| {
        field.path.strip_prefix(ENTRY) == Some(name)
            && matches!(field.class, Class::Kept | Class::Rules)
    })
}

/// Which paths of [`FIELDS`] a served CRD knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Served(BTreeSet<&'static str>);

impl Served {
    /// What the newest operator that this project knows serves for `kind`: every field that has an effect there.
    pub fn newest(kind: Kind) -> Self {
        let served = |field: &&Field| {
            field.since(kind) != Since::Never
                || (kind == Kind::ThanosRuler && field.path.starts_with(ENTRY))
        };
        Self(
            FIELDS
                .iter()
                .filter(served)
                .map(|field| field.path)
                .collect(),
        )
    }

    /// Reads the fields out of a CRD's `openAPIV3Schema` of one version. Everything else of it is dropped.
    pub fn from_schema(schema: &Value) -> Self {
        let knows = |field: &&Field| {
            let mut at = &schema["properties"]["spec"];
            for segment in field.path.split('.') {
                let (name, list) = segment
                    .strip_suffix("[]")
                    .map_or((segment, false), |name| (name, true));
                at = &at["properties"][name];
                if list {
                    at = &at["items"];
                }
            }
            at.is_object()
        };
        Self(
            FIELDS
                .iter()
                .filter(knows)
                .map(|field| field.path)
                .collect(),
        )
    }

    /// Reads a whole CustomResourceDefinition: the schema of the first served version.
    pub fn from_crd(crd: &Value) -> Option<Self> {
        let versions = crd["spec"]["versions"].as_array()?;
        let served = versions
            .iter()
            .find(|version| version["served"] == Value::Bool(true))?;
        Some(Self::from_schema(&served["schema"]["openAPIV3Schema"]))
    }

    /// Whether the CRD knows the field.
    pub fn knows(&self, path: &str) -> bool {
        self.0.contains(path)
    }

    /// The same set without one field: for tests and for facts that state an old CRD by hand.
    #[must_use]
    pub fn without(mut self, path: &str) -> Self {
        self.0.remove(path);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_stands_once() {
        let paths: BTreeSet<_> = FIELDS.iter().map(|field| field.path).collect();
        assert_eq!(paths.len(), FIELDS.len());
    }

    #[test]
    fn the_user_keeps_what_the_second_law_names() {
        for name in [
            "queueConfig",
            "remoteTimeout",
            "metadataConfig",
            "sendExemplars",
            "sendNativeHistograms",
            "enableHTTP2",
            "roundRobinDNS",
            "writeRelabelConfigs",
        ] {
            assert!(kept(name), "{name}");
        }
        for name in [
            "url",
            "name",
            "headers",
            "proxyUrl",
            "basicAuth",
            "tlsConfig",
            "fromTheFuture",
        ] {
            assert!(!kept(name), "{name}");
        }
    }

    #[test]
    fn reads_a_schema() {
        let schema = serde_json::json!({"properties": {"spec": {"properties": {
            "externalLabels": {"type": "object"},
            "remoteWrite": {"items": {"properties": {"url": {"type": "string"}, "queueConfig": {"properties": {"capacity": {}}}}}},
        }}}});
        let served = Served::from_schema(&schema);
        assert!(served.knows("externalLabels") && served.knows("remoteWrite[].url"));
        assert!(served.knows("remoteWrite[].queueConfig.capacity"));
        assert!(!served.knows("remoteWrite[].azureAd"));
    }
}
