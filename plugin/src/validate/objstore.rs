//! Object-store files: what core says of one, whether it stands in a file of its own or in a Secret.

use serde_json::Value;
use thanos_core::codes::Code;

use crate::yaml::Position;

/// One thing that is wrong with an object-store file.
#[derive(Clone, Debug)]
pub(super) struct Wrong {
    pub(super) row: &'static Code,
    /// A path in the file: `config.bucket`.
    pub(super) path: String,
    pub(super) sentence: String,
    /// Where in the file.
    pub(super) place: Option<Position>,
}

/// What is wrong with a file. The one place where core's judge of such files is asked.
pub(super) fn judge(_text: &[u8]) -> Vec<Wrong> {
    Vec::new()
}

/// What is wrong with each key of a Secret that holds such a file; keys that hold none are not there.
pub(super) fn judge_secret(_secret: &Value) -> Vec<(String, Vec<Wrong>)> {
    Vec::new()
}

/// Whether a document is such a file: it says so by its two fields, and is no Kubernetes object.
pub(super) fn is_store(value: &Value) -> bool {
    let has = |key: &str| value.get(key).is_some();
    has("type") && has("config") && !has("apiVersion") && !has("kind")
}
