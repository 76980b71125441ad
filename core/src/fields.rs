//! Every path of the operator's objects that matters here: path, class, and since when it is known. Once.

pub mod sensitive;

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

/// Rows of path, class, since which Prometheus and since which Thanos. A macro, so that a row stays a line.
macro_rules! fields {
    ($($path:literal $class:ident $prometheus:tt $thanos:tt;)*) => {
        /// The table.
        pub const FIELDS: &[Field] = &[$(Field {
            path: $path,
            class: Class::$class,
            prometheus: since!($prometheus),
            thanos: since!($thanos),
        }),*];
    };
}

macro_rules! since {
    (Always) => {
        Since::Always
    };
    (Never) => {
        Since::Never
    };
    ($version:literal) => {
        Since::Version($version)
    };
}

// Thanos' ruler can remote-write from 0.24.0 on (`minRemoteWriteVersion`, `pkg/thanos/operator.go`).
fields! {
    "externalLabels"                                 Labels    Always   Never;
    "labels"                                         Labels    Never    Always;
    "prometheusExternalLabelName"                    LabelName Always   Never;
    "replicaExternalLabelName"                       LabelName Always   Never;
    "shardingStrategy.topology.externalLabelName"    LabelName Always   Never;
    "remoteWrite[].url"                              Enforced  Always   "0.24.0";
    "remoteWrite[].name"                             Enforced  "2.15.0" "0.24.0";
    "remoteWrite[].headers"                          Enforced  "2.15.0" "0.24.0";
    "remoteWrite[].basicAuth"                        Enforced  Always   "0.24.0";
    "remoteWrite[].authorization"                    Enforced  "2.26.0" "0.24.0";
    "remoteWrite[].azureAd"                          Enforced  "2.45.0" "0.31.0";
    "remoteWrite[].azureAd.managedIdentity"          Enforced  "2.45.0" "0.31.0";
    "remoteWrite[].azureAd.sdk"                      Enforced  "2.52.0" "0.36.0";
    "remoteWrite[].azureAd.workloadIdentity"         Enforced  "3.7.0"  Never;
    "remoteWrite[].azureAd.scope"                    Enforced  "3.9.0"  Never;
    "remoteWrite[].azureAd.cloud"                    Enforced  "2.45.0" "0.31.0";
    "remoteWrite[].tlsConfig"                        Enforced  Always   "0.24.0";
    "remoteWrite[].tlsConfig.ca"                     Enforced  Always   "0.24.0";
    "remoteWrite[].tlsConfig.serverName"             Enforced  Always   "0.24.0";
    "remoteWrite[].followRedirects"                  Enforced  "2.26.0" "0.24.0";
    "remoteWrite[].messageVersion"                   Enforced  "2.54.0" "0.37.0";
    "remoteWrite[].writeRelabelConfigs"              Rules     Always   "0.24.0";
    "remoteWrite[].remoteTimeout"                    Kept      Always   "0.24.0";
    "remoteWrite[].sendExemplars"                    Kept      "2.27.0" "0.24.0";
    "remoteWrite[].sendNativeHistograms"             Kept      "2.40.0" "0.30.0";
    "remoteWrite[].enableHTTP2"                      Kept      "2.35.0" "0.24.0";
    "remoteWrite[].roundRobinDNS"                    Kept      "3.1.0"  "0.38.0";
    "remoteWrite[].queueConfig"                      Kept      Always   "0.24.0";
    "remoteWrite[].queueConfig.capacity"             Kept      Always   "0.24.0";
    "remoteWrite[].queueConfig.minShards"            Kept      Always   "0.24.0";
    "remoteWrite[].queueConfig.maxShards"            Kept      Always   "0.24.0";
    "remoteWrite[].queueConfig.maxSamplesPerSend"    Kept      Always   "0.24.0";
    "remoteWrite[].queueConfig.batchSendDeadline"    Kept      Always   "0.24.0";
    "remoteWrite[].queueConfig.minBackoff"           Kept      Always   "0.24.0";
    "remoteWrite[].queueConfig.maxBackoff"           Kept      Always   "0.24.0";
    "remoteWrite[].queueConfig.retryOnRateLimit"     Kept      "2.26.0" "0.24.0";
    "remoteWrite[].queueConfig.sampleAgeLimit"       Kept      "2.50.0" "0.32.0";
    "remoteWrite[].metadataConfig"                   Kept      "2.23.0" "0.24.0";
    "remoteWrite[].metadataConfig.send"              Kept      "2.23.0" "0.24.0";
    "remoteWrite[].metadataConfig.sendInterval"      Kept      "2.23.0" "0.24.0";
    "remoteWrite[].metadataConfig.maxSamplesPerSend" Kept      "2.29.0" "0.24.0";
}

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
