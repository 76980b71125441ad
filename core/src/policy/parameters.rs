//! What a policy gives its rules to hold objects against. A rule with a parameter applies only where it is set.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where objects may send, and with which credentials.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct PolicyRemoteWrite {
    /// Where any url of an object may lead (`egress-url`): `https://*.example.com/api/v1/receive`. `*` is one DNS label
    /// in a host, or the whole path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64), inner(length(min = 1, max = 2048)))]
    pub allowed_urls: Option<Vec<String>>,
    /// Wirings that must have wired an object that they select (`required-wiring`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), inner(length(min = 1, max = 63)))]
    pub require_wiring: Vec<String>,
    /// Secrets and ConfigMaps that an object may name beside those of its wirings (`borrowed-secret`), and Secrets to
    /// pull images with (`pod-containers`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64), inner(length(min = 1, max = 253)))]
    pub allowed_secrets: Option<Vec<String>>,
}

/// Labels that objects must give.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq)]
pub struct PolicyLabels {
    /// External labels that every object must have (`identity-labels`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), inner(length(min = 1, max = 64)))]
    pub required: Vec<String>,
}

/// How much an object may take (`limits`). Each applies only where it is set.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Limits {
    /// The largest `enforcedSampleLimit`; an object without one is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub sample_limit: Option<i64>,
    /// The largest `enforcedTargetLimit`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub target_limit: Option<i64>,
    /// The largest `enforcedLabelLimit`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub label_limit: Option<i64>,
    /// The largest `enforcedLabelNameLengthLimit`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub label_name_length_limit: Option<i64>,
    /// The largest `enforcedLabelValueLengthLimit`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub label_value_length_limit: Option<i64>,
    /// The largest `enforcedKeepDroppedTargets`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub keep_dropped_targets: Option<i64>,
    /// The largest `enforcedBodySizeLimit`: `50MB`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    pub body_size_limit: Option<String>,
    /// The shortest `scrapeInterval`: `10s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    pub min_scrape_interval: Option<String>,
    /// The most `replicas`, also through the scale subresource.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub max_replicas: Option<i64>,
    /// The most `shards`, also through the scale subresource.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub max_shards: Option<i64>,
    /// The longest `retention`: `15d`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    pub max_retention: Option<String>,
    /// The largest `retentionSize`: `50GB`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    pub max_retention_size: Option<String>,
    /// Of each entry of `remoteWrite`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue: Option<QueueLimits>,
}

impl Limits {
    /// The limits on what is scraped: the field of an object, and the most that it may say.
    pub(crate) fn enforced(&self) -> [(&'static str, Option<i64>); 6] {
        [
            ("enforcedSampleLimit", self.sample_limit),
            ("enforcedTargetLimit", self.target_limit),
            ("enforcedLabelLimit", self.label_limit),
            ("enforcedLabelNameLengthLimit", self.label_name_length_limit),
            (
                "enforcedLabelValueLengthLimit",
                self.label_value_length_limit,
            ),
            ("enforcedKeepDroppedTargets", self.keep_dropped_targets),
        ]
    }
}

/// How much one remote-write queue may take.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct QueueLimits {
    /// The largest `queueConfig.maxShards`; what Prometheus takes where it is absent (50) counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub max_shards: Option<i64>,
    /// The largest `queueConfig.capacity`; where it is absent: 10000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub capacity: Option<i64>,
    /// The largest `queueConfig.maxSamplesPerSend`; where it is absent: 2000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub max_samples_per_send: Option<i64>,
}

/// What the rules of the Restricted profile let pass. An absent list lets nothing pass.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Allow {
    /// Images (`pod-containers`): `quay.io/prometheus/*`. `*` is part of one path segment; tags and digests are
    /// free where it names none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(min = 1, max = 255)))]
    pub images: Vec<String>,
    /// Service accounts (`identity`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(min = 1, max = 253)))]
    pub service_accounts: Vec<String>,
    /// Types of volumes (`mounts`): emptyDir, configMap, secret, persistentVolumeClaim.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32), inner(length(min = 1, max = 63)))]
    pub volume_types: Vec<String>,
    /// Secrets, ConfigMaps and claims that may be mounted (`mounts`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(min = 1, max = 253)))]
    pub mounts: Vec<String>,
    /// Inbound surfaces (`open-inbound`): remoteWriteReceiver, otlpReceiver, adminAPI.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8), inner(length(min = 1, max = 63)))]
    pub inbound: Vec<String>,
    /// The oldest version of Prometheus (`pod-containers`): `v3.5.0`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub minimum_version: Option<String>,
}

/// Where blocks may be stored, and how.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ObjectStorage {
    /// Types of providers (`objstore-place`): AZURE, S3, GCS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16), inner(length(min = 1, max = 32)))]
    pub types: Option<Vec<String>>,
    /// Whether a static credential is refused (`objstore-secretless`).
    #[serde(default)]
    pub secretless: bool,
    /// Azure storage accounts (`objstore-place`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64), inner(length(min = 1, max = 253)))]
    pub accounts: Option<Vec<String>>,
    /// Containers, buckets and directories (`objstore-place`): `thanos-*`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64), inner(length(min = 1, max = 253)))]
    pub containers: Option<Vec<String>>,
    /// Endpoints (`objstore-place`); left out: Azure accounts only at Azure's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64), inner(length(min = 1, max = 253)))]
    pub endpoints: Option<Vec<String>>,
    /// Prefixes inside of them (`objstore-place`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64), inner(length(min = 1, max = 253)))]
    pub prefixes: Option<Vec<String>>,
}
