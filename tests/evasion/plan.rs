//! What is to be got in, and from where: the object that moves change before anybody sends it.

use serde_json::{Map, Value};
use thanos_core::Kind;

use super::seeds::Seed;
use super::server::kind_of;

/// One plan. Moves change it, a delivery makes requests of it.
#[derive(Clone)]
pub(super) struct Plan {
    /// What is to be stored in the end.
    pub(super) object: Value,
    /// What stood there before any policy looked; `None`: nothing.
    pub(super) start: Option<Value>,
    /// The same object without the offence.
    pub(super) clean: Value,
}

impl Plan {
    pub(super) fn new(seed: &Seed) -> Self {
        let kind = kind_of(&seed.object).unwrap();
        Self {
            object: seed.object.clone(),
            start: seed.start.clone(),
            clean: seed.start.clone().unwrap_or_else(|| seed.clean(kind)),
        }
    }

    pub(super) fn kind(&self) -> Kind {
        kind_of(&self.object).unwrap()
    }

    pub(super) fn spec(&mut self) -> &mut Map<String, Value> {
        map(&mut self.object["spec"])
    }

    pub(super) fn metadata(&mut self) -> &mut Map<String, Value> {
        map(&mut self.object["metadata"])
    }

    pub(super) fn annotate(&mut self, key: &str, value: String) {
        let annotations = self
            .metadata()
            .entry("annotations")
            .or_insert_with(|| Value::Object(Map::new()));
        map(annotations).insert(key.to_owned(), Value::String(value));
    }

    pub(super) fn label(&mut self, key: &str, value: &str) {
        let labels = self
            .metadata()
            .entry("labels")
            .or_insert_with(|| Value::Object(Map::new()));
        map(labels).insert(key.to_owned(), Value::String(value.to_owned()));
    }

    /// The entries of `remoteWrite`, made where there are none.
    pub(super) fn entries(&mut self) -> &mut Vec<Value> {
        let entries = self
            .spec()
            .entry("remoteWrite")
            .or_insert_with(|| Value::Array(Vec::new()));
        if !entries.is_array() {
            *entries = Value::Array(Vec::new());
        }
        entries.as_array_mut().unwrap()
    }
}

/// The members of a value, which becomes a map where it is none.
pub(super) fn map(value: &mut Value) -> &mut Map<String, Value> {
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    value.as_object_mut().unwrap()
}
