//! Defaults that a wiring may give to the queue of an entry.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Defaults of the remote-write queue (prometheus-operator's `QueueConfig`).
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct QueueConfig {
    /// How many samples each shard buffers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity: Option<i32>,
    /// How many shards there are at least.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_shards: Option<i32>,
    /// How many shards there are at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_shards: Option<i32>,
    /// How many samples a request holds at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_samples_per_send: Option<i32>,
    /// How long a sample waits for its batch to fill: `5s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    pub batch_send_deadline: Option<String>,
    /// The first wait after a failure that may pass: `30ms`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    pub min_backoff: Option<String>,
    /// The longest wait after a failure that may pass: `5s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    pub max_backoff: Option<String>,
    /// Whether samples are sent again after a 429.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_on_rate_limit: Option<bool>,
    /// Older samples are dropped rather than sent: `2h`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    pub sample_age_limit: Option<String>,
}

/// Defaults of metadata sending (prometheus-operator's `MetadataConfig`).
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct MetadataConfig {
    /// Whether metadata of metrics is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub send: Option<bool>,
    /// How often: `1m`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    pub send_interval: Option<String>,
    /// How many entries of metadata a request holds at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_samples_per_send: Option<i32>,
}
