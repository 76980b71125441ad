//! The places of the CRDs' schemas by what may stand there.

use std::sync::LazyLock;

use serde_json::{Map, Value, json};
use thanos_core::Kind;

use super::super::plan::map;
use super::super::server::schema;
use super::{is_url_field, last_name};

/// A place in a schema and the shape of what may stand there.
pub(super) struct Place {
    pub(super) kind: Kind,
    pub(super) steps: Vec<String>,
    pub(super) shape: String,
}

pub(super) static PLACES: LazyLock<Vec<Place>> = LazyLock::new(|| {
    let mut places = Vec::new();
    for kind in Kind::ALL {
        walk(kind, schema::spec(kind), &mut Vec::new(), &mut places);
    }
    places
});

fn walk(kind: Kind, schema: &Value, steps: &mut Vec<String>, places: &mut Vec<Place>) {
    const WHOLE: [&str; 6] = [
        "containers",
        "initContainers",
        "volumes",
        "affinity",
        "storage",
        "topologySpreadConstraints",
    ];
    if steps.len() > 8
        || steps
            .first()
            .is_some_and(|first| WHOLE.contains(&first.as_str()))
    {
        return;
    }
    if let Some(last) = steps.iter().rev().find(|step| *step != "[]") {
        let shape = shape(last, schema);
        places.push(Place {
            kind,
            steps: steps.clone(),
            shape,
        });
    }
    for (name, below) in schema["properties"].as_object().into_iter().flatten() {
        steps.push(name.clone());
        walk(kind, below, steps, places);
        steps.pop();
    }
    if schema["items"].is_object() {
        steps.push("[]".to_owned());
        walk(kind, &schema["items"], steps, places);
        steps.pop();
    }
}

/// References are alike whatever they are called, and so are urls and files; all else is known by its name.
fn shape(name: &str, schema: &Value) -> String {
    let has = |field: &str| schema["properties"].get(field).is_some();
    let text = schema["type"] == "string";
    if has("key") && has("name") {
        "a reference".to_owned()
    } else if text && is_url_field(name) {
        "a url".to_owned()
    } else if text && name.ends_with("File") {
        "a file".to_owned()
    } else {
        format!("{name} {}", schema["type"])
    }
}

pub(super) fn shape_of(pointer: &str, value: &Value) -> String {
    let name = last_name(pointer);
    let kind = match value {
        Value::Object(members) if members.contains_key("key") && members.contains_key("name") => {
            return "a reference".to_owned();
        }
        Value::Object(_) => "object",
        Value::Array(_) => "array",
        Value::String(_) if is_url_field(pointer) => return "a url".to_owned(),
        Value::String(_) if name.ends_with("File") => return "a file".to_owned(),
        Value::String(_) => "string",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::Null => "null",
    };
    format!("{name} {}", json!(kind))
}

/// Puts a value at a place, with what the schema wants around it.
pub(super) fn put(at: &mut Value, schema: &Value, steps: &[String], value: Value) {
    let Some((step, rest)) = steps.split_first() else {
        *at = value;
        return;
    };
    if step == "[]" {
        if !at.is_array() {
            *at = json!([]);
        }
        let items = at.as_array_mut().unwrap();
        if items.is_empty() || rest.is_empty() {
            items.push(Value::Null);
        }
        let last = items.last_mut().unwrap();
        put(last, &schema["items"], rest, value);
        complete(last, &schema["items"]);
    } else {
        let below = &schema["properties"][step];
        let member = map(at).entry(step.clone()).or_insert(Value::Null);
        put(member, below, rest, value);
        complete(at, schema);
    }
}

/// What a schema requires and is not there.
fn complete(value: &mut Value, schema: &Value) {
    let Some(members) = value.as_object_mut() else {
        return;
    };
    for name in schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
    {
        let below = &schema["properties"][name];
        let mut made = match below["type"].as_str() {
            Some("object") => Value::Object(Map::new()),
            Some("integer") => json!(1),
            Some("boolean") => json!(false),
            Some("array") => json!([]),
            _ if is_url_field(name) => json!("https://a.example.com/api/v1/receive"),
            _ => json!("x"),
        };
        complete(&mut made, below);
        members.entry(name.to_owned()).or_insert(made);
    }
}
