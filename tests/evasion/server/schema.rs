//! What the operator's CRDs make of an object: unknown fields pruned, defaults given, the rest held to the schema.
//!
//! As the API server has it: a null where no null may be is dropped, `x-kubernetes-list-type` says which lists merge.

use std::sync::LazyLock;

use serde_json::{Map, Value, json};
use thanos_core::Kind;
use thanos_tests::{install::objects, tools};

static SCHEMAS: LazyLock<Vec<(Kind, Value)>> = LazyLock::new(|| {
    let schema = |kind: Kind| {
        let text = std::fs::read_to_string(tools::crd(kind.plural()).unwrap()).unwrap();
        let mut crd = objects("crd", text).unwrap().remove(0);
        let spec =
            crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"].take();
        let texts = json!({"type": "object", "additionalProperties": {"type": "string"}});
        let metadata = json!({"properties": {"labels": texts.clone(), "annotations": texts}});
        (
            kind,
            json!({"properties": {"metadata": metadata, "spec": spec}}),
        )
    };
    Kind::ALL.into_iter().map(schema).collect()
});

/// The schema of what of an object can be applied.
pub(super) fn whole(kind: Kind) -> &'static Value {
    let found = SCHEMAS.iter().find(|(known, _)| *known == kind);
    &found.unwrap().1
}

/// The schema of `spec`.
pub(in crate::evasion) fn spec(kind: Kind) -> &'static Value {
    &whole(kind)["properties"]["spec"]
}

/// The schema below, for a member of that name.
pub(in crate::evasion) fn member<'s>(schema: &'s Value, name: &str) -> Option<&'s Value> {
    schema["properties"]
        .get(name)
        .or_else(|| schema.get("additionalProperties"))
        .filter(|found| found.is_object())
}

/// Drops what the schema does not know and nulls that may not be.
pub(super) fn prune(value: &mut Value, schema: &Value) {
    match value {
        Value::Object(members) if schema["x-kubernetes-preserve-unknown-fields"] != true => {
            members.retain(|name, value| {
                member(schema, name)
                    .is_some_and(|below| !value.is_null() || below["nullable"] == true)
            });
            for (name, value) in members {
                if let Some(below) = member(schema, name) {
                    prune(value, below);
                }
            }
        }
        Value::Array(items) => items
            .iter_mut()
            .for_each(|item| prune(item, &schema["items"])),
        _ => {}
    }
}

/// Gives what the schema gives where there is nothing.
pub(super) fn default(value: &mut Value, schema: &Value) {
    match value {
        Value::Object(members) => {
            for (name, below) in schema["properties"].as_object().into_iter().flatten() {
                if let (Some(default), false) = (below.get("default"), members.contains_key(name)) {
                    members.insert(name.clone(), default.clone());
                }
            }
            for (name, value) in members {
                if let Some(below) = member(schema, name) {
                    default(value, below);
                }
            }
        }
        Value::Array(items) => items
            .iter_mut()
            .for_each(|item| default(item, &schema["items"])),
        _ => {}
    }
}

/// Says where a value is not what the schema wants.
pub(super) fn check(value: &Value, schema: &Value, path: &str) -> Result<(), String> {
    let wrong = |what: &str| Err(format!("{path}: {what}"));
    if value.is_null() && schema["nullable"] == true {
        return Ok(());
    }
    if !has_type(value, schema) {
        return wrong("another type");
    }
    if schema["enum"]
        .as_array()
        .is_some_and(|allowed| !allowed.contains(value))
    {
        return wrong("none of the enum");
    }
    let at_least = |limit: &str, has: usize| {
        schema[limit]
            .as_u64()
            .is_none_or(|limit| has as u64 >= limit)
    };
    match value {
        Value::String(text) => {
            let pattern = schema["pattern"].as_str().unwrap_or_default();
            if !matches(pattern, text) || !at_least("minLength", text.chars().count()) {
                return wrong("another text");
            }
        }
        Value::Number(number) => {
            let least = schema["minimum"].as_f64().unwrap_or(f64::MIN);
            if number.as_f64().is_some_and(|number| number < least) {
                return wrong("too small");
            }
        }
        Value::Array(items) => {
            if !at_least("minItems", items.len()) || doubled(items, schema) {
                return wrong("another list");
            }
            for (at, item) in items.iter().enumerate() {
                check(item, &schema["items"], &format!("{path}[{at}]"))?;
            }
        }
        Value::Object(members) => {
            let required = schema["required"].as_array().into_iter().flatten();
            if required
                .filter_map(Value::as_str)
                .any(|name| !members.contains_key(name))
            {
                return wrong("something is missing");
            }
            for (name, value) in members {
                if let Some(below) = member(schema, name) {
                    check(value, below, &format!("{path}.{name}"))?;
                }
            }
        }
        _ => {}
    }
    Ok(())
}

fn has_type(value: &Value, schema: &Value) -> bool {
    if schema["x-kubernetes-int-or-string"] == true {
        return value.is_string() || value.is_i64();
    }
    match schema["type"].as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("boolean") => value.is_boolean(),
        Some("number") => value.is_number(),
        Some("integer") => match schema["format"].as_str() {
            Some("int32") => value
                .as_i64()
                .is_some_and(|number| i32::try_from(number).is_ok()),
            _ => value.is_i64(),
        },
        _ => true,
    }
}

/// The patterns that the operator's CRDs have, read by hand; any other lets everything pass.
fn matches(pattern: &str, text: &str) -> bool {
    let after = |schemes: &[&str]| {
        schemes.iter().any(|scheme| {
            text.strip_prefix(scheme)
                .is_some_and(|rest| rest.chars().any(|one| one != '\n'))
        })
    };
    if pattern.starts_with("^(http|https)://") {
        after(&["http://", "https://"])
    } else if pattern.starts_with("^(http|https|socks5)://") {
        after(&["http://", "https://", "socks5://"])
    } else if pattern.starts_with("^(0|(([0-9]+)y)?") {
        text == "0" || super::units::duration(text).is_some()
    } else if pattern.starts_with("(^0|") {
        // The `^` binds to the first branch alone: anything may stand before a size.
        text.starts_with('0') || text.ends_with('B')
    } else {
        true
    }
}

fn doubled(items: &[Value], schema: &Value) -> bool {
    let key = |item: &Value| identity(item, schema);
    schema["x-kubernetes-list-type"]
        .as_str()
        .is_some_and(|kind| kind != "atomic")
        && (1..items.len()).any(|at| {
            items[..at]
                .iter()
                .any(|before| key(before) == key(&items[at]))
        })
}

/// What an item of a list is known by: its keys in a map, itself in a set.
pub(super) fn identity(item: &Value, schema: &Value) -> Value {
    let Some(keys) = schema["x-kubernetes-list-map-keys"].as_array() else {
        return item.clone();
    };
    let pairs = keys.iter().filter_map(Value::as_str).map(|key| {
        let given = item.get(key).cloned();
        let value = given.unwrap_or_else(|| schema["items"]["properties"][key]["default"].clone());
        (key.to_owned(), value)
    });
    Value::Object(pairs.collect::<Map<_, _>>())
}
