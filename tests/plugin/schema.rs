//! A document held against a JSON schema (draft 7), as far as the two schemas go that are used here: a keyword that is
//! not known here fails, so nothing is left unchecked.
//!
//! `sarif-schema-2.1.0.json` is the one that OASIS publishes (sarif-spec, Schemata), as the crate serde-sarif 0.8.0
//! carries it.

use serde_json::Value;
use thanos_tests::tools;

/// Keywords that say nothing about a document.
const SILENT: [&str; 7] = [
    "$schema",
    "$id",
    "title",
    "description",
    "default",
    "definitions",
    "format",
];

/// A schema below the root of the repository.
pub(super) fn schema(path: &str) -> Value {
    let text = std::fs::read_to_string(tools::root().join(path)).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// Everything that a schema has against a document.
pub(super) fn faults(schema: &Value, document: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    check(schema, schema, document, "$", &mut faults);
    faults
}

fn check(root: &Value, schema: &Value, value: &Value, at: &str, faults: &mut Vec<String>) {
    let fits = |schema: &Value| {
        let mut faults = Vec::new();
        check(root, schema, value, at, &mut faults);
        faults.is_empty()
    };
    for (keyword, wanted) in schema.as_object().unwrap() {
        let length = value.as_array().map(Vec::len);
        let number = value.as_f64();
        let count = |wanted: &Value| usize::try_from(wanted.as_u64().unwrap()).unwrap();
        let fine = match keyword.as_str() {
            "$ref" => {
                let pointer = wanted.as_str().unwrap().strip_prefix('#').unwrap();
                check(root, root.pointer(pointer).unwrap(), value, at, faults);
                true
            }
            "type" => {
                let one = |wanted: &Value| is_of(value, wanted.as_str().unwrap());
                wanted
                    .as_array()
                    .map_or_else(|| one(wanted), |all| all.iter().any(one))
            }
            "enum" => wanted.as_array().unwrap().contains(value),
            "const" => wanted == value,
            "anyOf" => wanted.as_array().unwrap().iter().any(fits),
            "oneOf" => {
                wanted
                    .as_array()
                    .unwrap()
                    .iter()
                    .filter(|one| fits(one))
                    .count()
                    == 1
            }
            "minimum" => number.is_none_or(|number| number >= wanted.as_f64().unwrap()),
            "maximum" => number.is_none_or(|number| number <= wanted.as_f64().unwrap()),
            "minItems" => length.is_none_or(|length| length >= count(wanted)),
            "minLength" => value
                .as_str()
                .is_none_or(|text| text.chars().count() >= count(wanted)),
            "pattern" => value
                .as_str()
                .is_none_or(|text| matches(wanted.as_str().unwrap(), text)),
            "uniqueItems" => value.as_array().is_none_or(|items| {
                let is_new = |(at, item)| !items[..at].contains(item);
                wanted == false || items.iter().enumerate().all(is_new)
            }),
            "required" => value.as_object().is_none_or(|members| {
                let mut names = wanted.as_array().unwrap().iter();
                names.all(|name| members.contains_key(name.as_str().unwrap()))
            }),
            "items" => {
                for (number, item) in value.as_array().into_iter().flatten().enumerate() {
                    check(root, wanted, item, &format!("{at}[{number}]"), faults);
                }
                true
            }
            "properties" => {
                for (name, member) in value.as_object().into_iter().flatten() {
                    if let Some(schema) = wanted.get(name) {
                        check(root, schema, member, &format!("{at}.{name}"), faults);
                    }
                }
                true
            }
            "additionalProperties" => {
                let known = |name: &str| {
                    schema
                        .pointer("/properties")
                        .is_some_and(|known| known.get(name).is_some())
                };
                let others = value.as_object().into_iter().flatten();
                let mut others = others.filter(|(name, _)| !known(name));
                match wanted {
                    Value::Bool(allowed) => *allowed || others.next().is_none(),
                    schema => {
                        others.for_each(|(name, member)| {
                            check(root, schema, member, &format!("{at}.{name}"), faults);
                        });
                        true
                    }
                }
            }
            silent if SILENT.contains(&silent) => true,
            unknown => panic!("{at}: this checker does not know {unknown}"),
        };
        if !fine {
            faults.push(format!("{at}: {keyword} {wanted}"));
        }
    }
}

fn is_of(value: &Value, wanted: &str) -> bool {
    match wanted {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        unknown => panic!("no type {unknown}"),
    }
}

fn matches(pattern: &str, text: &str) -> bool {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    match pattern {
        "^KTH[0-9]{4}$" => text.len() == 7 && text.starts_with("KTH") && digits(&text[3..]),
        "^[a-z0-9-]+$" => {
            let fits =
                |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
            !text.is_empty() && text.bytes().all(fits)
        }
        "^[0-9]{4}-[0-9]{2}-[0-9]{2}$" => {
            let parts: Vec<&str> = text.split('-').collect();
            parts.iter().map(|part| part.len()).eq([4, 2, 2]) && parts.into_iter().all(digits)
        }
        unknown => panic!("this checker does not know the pattern {unknown}"),
    }
}

#[test]
fn what_does_not_fit_is_found() {
    let schema = schema("docs/validate.schema.json");
    let report = serde_json::json!({
        "apiVersion": "kubectl-thanos.dev/v1alpha1", "kind": "ValidateReport", "assumed": [1], "more": 1, "findings": [],
    });
    let said = faults(&schema, &report).join("\n");
    for wanted in [
        "$.assumed[0]: type",
        "$: additionalProperties",
        "$: required",
    ] {
        assert!(said.contains(wanted), "{said}");
    }
}
