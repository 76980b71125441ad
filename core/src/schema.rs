//! Holds raw JSON against one of our own CRDs, so that a wrong file gets sentences with paths and never a value.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use serde_json::Value;

use crate::codes::Code;
use crate::decision::Fault;

/// The schema of the one version of a CRD.
pub(crate) fn of(crd: CustomResourceDefinition) -> Option<Value> {
    let crd = serde_json::to_value(crd).ok()?;
    crd.pointer("/spec/versions/0/schema/openAPIV3Schema")
        .cloned()
}

/// Holds a value against a structural schema: types, required members, unknown members, enumerations.
pub(crate) fn check(
    code: &'static Code,
    schema: &Value,
    value: &Value,
    path: &str,
    faults: &mut Vec<Fault>,
) {
    if value.is_null() && schema["nullable"] == Value::Bool(true) {
        return;
    }
    let fault = |path: String, sentence: String| Fault::new(code, path, sentence);
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
            path.to_owned(),
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
            path.to_owned(),
            format!("must be one of {}", allowed.join(", ")),
        ));
    }
    for (at, item) in value.as_array().into_iter().flatten().enumerate() {
        check(
            code,
            &schema["items"],
            item,
            &format!("{path}[{at}]"),
            faults,
        );
    }
    let Some(members) = value.as_object() else {
        return;
    };
    let Some(properties) = schema["properties"].as_object() else {
        for (name, member) in members {
            check(
                code,
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
            faults.push(fault(format!("{path}.{name}"), "is required".to_owned()));
        }
    }
    for (name, member) in members {
        let place = format!("{path}.{name}");
        match properties.get(name) {
            Some(property) if !member.is_null() => check(code, property, member, &place, faults),
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
