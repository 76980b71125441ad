//! What somebody asks of the API server, and what it says.

use std::fmt;

use serde_json::{Value, json};
use thanos_core::Kind;

use super::merge;

/// The later mutating webhook does what the object asks of it here: a merge patch for the whole object.
pub(in crate::evasion) const LATER: &str = "evasion.example.com/later";
/// Whether it is asked again after us, and so has the last word.
pub(in crate::evasion) const LAST_WORD: &str = "evasion.example.com/last-word";

/// What somebody asks of the API server.
#[derive(Clone, Debug)]
pub(in crate::evasion) enum Request {
    Create(Value),
    Replace(Value),
    /// A JSON merge patch.
    Merge(Value),
    /// `kubectl apply`, client-side.
    Apply(Value),
    ServerApply {
        object: Value,
        manager: String,
        force: bool,
    },
    Scale(i64),
    Delete,
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Create(object) => write!(f, "create {object}"),
            Self::Replace(object) => write!(f, "replace {object}"),
            Self::Merge(patch) => write!(f, "merge {patch}"),
            Self::Apply(object) => write!(f, "apply {object}"),
            Self::ServerApply {
                object,
                manager,
                force,
            } => write!(f, "server-side apply by {manager}, force {force}: {object}"),
            Self::Scale(number) => write!(f, "scale to {number}"),
            Self::Delete => f.write_str("delete"),
        }
    }
}

/// What it says.
#[derive(Clone, Debug)]
pub(in crate::evasion) enum Answer {
    Stored(Value),
    Refused(String),
}

/// Where an object lives that does not say so.
pub(in crate::evasion) const NAMESPACE: &str = "team-a";

pub(in crate::evasion) fn kind_of(object: &Value) -> Result<Kind, String> {
    let text = |field: &str| object[field].as_str().unwrap_or_default();
    Kind::of(text("apiVersion"), text("kind")).ok_or_else(|| "no such resource".to_owned())
}

/// An object with the annotation that kubectl leaves.
pub(in crate::evasion) fn with_last_applied(object: &Value) -> Value {
    let mut modified = object.clone();
    if let Some(annotations) = modified["metadata"]
        .get_mut("annotations")
        .and_then(Value::as_object_mut)
    {
        annotations.shift_remove(merge::LAST_APPLIED);
    }
    let text = modified.to_string();
    modified["metadata"]["annotations"][merge::LAST_APPLIED] = json!(text);
    modified
}
