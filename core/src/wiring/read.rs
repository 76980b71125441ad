//! Reads a wiring from raw JSON by its own schema, so that a wrong file gets sentences with paths and never a value.

use std::sync::LazyLock;

use serde_json::Value;

use super::{ThanosWiring, Wiring};
use crate::codes;
use crate::decision::Fault;

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
    if let Some(schema) = SCHEMA.as_ref() {
        check(
            &schema["properties"]["spec"],
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
static SCHEMA: LazyLock<Option<Value>> = LazyLock::new(|| {
    let crd = serde_json::to_value(super::crd()).ok()?;
    crd.pointer("/spec/versions/0/schema/openAPIV3Schema")
        .cloned()
});

/// Holds a value against a structural schema: types, required members, unknown members, enumerations.
fn check(schema: &Value, value: &Value, path: &str, faults: &mut Vec<Fault>) {
    if value.is_null() && schema["nullable"] == Value::Bool(true) {
        return;
    }
    let right = match schema["type"].as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("boolean") => value.is_boolean(),
        Some("integer") => value.is_i64() || value.is_u64(),
        _ => true,
    };
    if !right {
        let article = if value.is_null() {
            "is required: it must be"
        } else {
            "must be"
        };
        faults.push(fault(
            path,
            format!(
                "{article} of type {}",
                schema["type"].as_str().unwrap_or_default()
            ),
        ));
        return;
    }
    if let (Some(allowed), Some(text)) = (schema["enum"].as_array(), value.as_str())
        && !allowed.iter().any(|allowed| allowed == text)
    {
        let allowed: Vec<&str> = allowed.iter().filter_map(Value::as_str).collect();
        faults.push(fault(
            path,
            format!("must be one of {}", allowed.join(", ")),
        ));
    }
    for (at, item) in value.as_array().into_iter().flatten().enumerate() {
        check(&schema["items"], item, &format!("{path}[{at}]"), faults);
    }
    let Some(members) = value.as_object() else {
        return;
    };
    let Some(properties) = schema["properties"].as_object() else {
        for (name, member) in members {
            check(
                &schema["additionalProperties"],
                member,
                &format!("{path}.{name}"),
                faults,
            );
        }
        return;
    };
    for name in schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
    {
        if members.get(name).is_none_or(Value::is_null) {
            faults.push(fault(format!("{path}.{name}"), "is required"));
        }
    }
    for (name, member) in members {
        let place = format!("{path}.{name}");
        match properties.get(name) {
            Some(property) if !member.is_null() => check(property, member, &place, faults),
            Some(_) => {}
            None => faults.push(fault(place, unknown(name, properties.keys()))),
        }
    }
}

fn unknown<'a>(name: &str, known: impl Iterator<Item = &'a String>) -> String {
    let folded = |text: &str| {
        text.chars()
            .filter(|character| *character != '_')
            .flat_map(char::to_lowercase)
            .collect::<String>()
    };
    let similar = known.into_iter().find(|known| {
        let (a, b) = (folded(known), folded(name));
        a == b || (a.len() > 3 && b.len() > 3 && (a.starts_with(&b) || b.starts_with(&a)))
    });
    similar.map_or_else(
        || "is not a known field".to_owned(),
        |similar| format!("is not a known field; a similar one is `{similar}`"),
    )
}
