//! What happens to every object on its way: what is kept of it, pruned, given and named.

use serde_json::{Map, Value, json};
use thanos_core::Kind;

use super::request::LATER;
use super::{merge, schema};

/// Only the server says when an object goes, and no update gives it another name.
pub(super) fn kept(mut object: Value, live: &Value) -> Value {
    for field in ["name", "namespace", "deletionTimestamp"] {
        match live["metadata"].get(field) {
            Some(value) => object["metadata"][field] = value.clone(),
            None => {
                object["metadata"]
                    .as_object_mut()
                    .map(|metadata| metadata.shift_remove(field));
            }
        }
    }
    object
}

pub(super) fn settle(object: &mut Value, kind: Kind) {
    if !object["spec"].is_object() {
        object["spec"] = Value::Object(Map::new());
    }
    let spec = &mut object["spec"];
    schema::prune(spec, schema::spec(kind));
    schema::default(spec, schema::spec(kind));
}

pub(super) fn name(object: &mut Value) {
    let metadata = &mut object["metadata"];
    if let (true, Some(prefix)) = (
        metadata["name"].as_str().is_none_or(str::is_empty),
        metadata["generateName"].as_str(),
    ) {
        metadata["name"] = json!(format!("{prefix}x7k2p"));
    }
}

/// A DNS subdomain, given or to be.
pub(super) fn is_name(metadata: &Value) -> bool {
    let text = |field: &str| metadata[field].as_str().filter(|text| !text.is_empty());
    let fine = |text: &str| {
        text.len() <= 253
            && text
                .chars()
                .all(|one| one.is_ascii_lowercase() || one.is_ascii_digit() || "-.".contains(one))
            && !text.starts_with(['-', '.'])
    };
    match (text("name"), text("generateName")) {
        (Some(name), _) => fine(name) && !name.ends_with(['-', '.']),
        (None, Some(prefix)) => fine(prefix),
        (None, None) => false,
    }
}

pub(super) fn later(object: &mut Value, kind: Kind) {
    let patch = object["metadata"]["annotations"][LATER].as_str();
    if let Some(patch) = patch.and_then(|text| serde_json::from_str::<Value>(text).ok()) {
        merge::merge(object, &patch);
        settle(object, kind);
    }
}
