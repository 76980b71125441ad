//! Reads a wiring from raw JSON by its own schema, so that a wrong file gets sentences with paths and never a value.

use std::sync::LazyLock;

use serde_json::Value;

use super::{ThanosWiring, Wiring};
use crate::codes;
use crate::decision::Fault;
use crate::schema;

/// Reads and resolves a wiring; every fault at once, each with its path.
///
/// Unknown fields are faults here: the API server would drop them in silence.
pub fn read(raw: &Value) -> Result<Wiring, Vec<Fault>> {
    let mut faults = Vec::new();
    if raw["apiVersion"] != crate::names::API_VERSION || raw["kind"] != "ThanosWiring" {
        return Err(vec![fault(
            "kind",
            format!("must be ThanosWiring of {}", crate::names::API_VERSION),
        )]);
    }
    if let Some(written) = SCHEMA.as_ref() {
        schema::check(
            codes::WIRING_INVALID,
            &written["properties"]["spec"],
            &raw["spec"],
            "spec",
            &mut faults,
        );
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    // The schema has said what is wrong with a value; what serde would say could quote it.
    let written: ThanosWiring = serde_json::from_value(raw.clone())
        .map_err(|_| vec![fault("spec", "does not have the shape of a ThanosWiring")])?;
    Wiring::resolve(&written)
}

fn fault(path: impl Into<String>, sentence: impl Into<String>) -> Fault {
    Fault::new(codes::WIRING_INVALID, path, sentence)
}

/// The CRD's own schema, made once: it is the same on every call.
static SCHEMA: LazyLock<Option<Value>> = LazyLock::new(|| schema::of(super::crd()));
