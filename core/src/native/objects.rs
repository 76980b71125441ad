//! The frame of the objects: names, marks, what they match.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube_core::Selector;
use serde_json::{Map, Value, json};

use super::{COVERS, DIFFERS, LEAVES};
use crate::names;
use crate::subject::Kind;

/// The group of the objects.
pub(super) const API_VERSION: &str = "admissionregistration.k8s.io/v1";

/// What an object says of itself.
pub(super) struct Marks {
    pub(super) covers: Vec<String>,
    pub(super) differs: Vec<String>,
    pub(super) leaves: Vec<String>,
}

/// `metadata` of an object of ours, whose name says what it is of.
pub(super) fn metadata(name: &str, marks: &Marks) -> Value {
    let mut annotations = Map::new();
    for (key, lines) in [
        (COVERS, &marks.covers),
        (DIFFERS, &marks.differs),
        (LEAVES, &marks.leaves),
    ] {
        if !lines.is_empty() {
            annotations.insert(key.to_owned(), Value::String(lines.join("; ")));
        }
    }
    json!({
        "name": name,
        "labels": {names::MANAGED_BY: names::MANAGER_PLUGIN},
        "annotations": annotations,
    })
}

/// A selector as the API server takes it.
pub(super) fn selector(selector: &Selector) -> Value {
    let selector = LabelSelector::from(selector.clone());
    let mut written = Map::new();
    if let Some(labels) = selector.match_labels.filter(|labels| !labels.is_empty()) {
        written.insert("matchLabels".to_owned(), json!(labels));
    }
    if let Some(all) = selector.match_expressions.filter(|all| !all.is_empty()) {
        written.insert("matchExpressions".to_owned(), json!(all));
    }
    Value::Object(written)
}

/// Creates and updates of these kinds, or of their scale.
pub(super) fn rules(kinds: &[Kind], suffix: &str) -> Value {
    let resources: Vec<String> = kinds
        .iter()
        .map(|kind| format!("{}{suffix}", kind.plural()))
        .collect();
    json!([{
        "apiGroups": [names::OPERATOR_GROUP],
        "apiVersions": ["*"],
        "operations": ["CREATE", "UPDATE"],
        "resources": resources,
    }])
}

/// An object that is on its way out and keeps its spec is let go.
pub(super) const NOT_LEAVING: &str = "!has(object.metadata.deletionTimestamp) || oldObject == null || dyn(object).spec != dyn(oldObject).spec";
