//! docs/crds.md: every field of our two kinds, with its type, default, limits and meaning, from the definitions.

use std::fmt::Write;

use serde_json::{Map, Value};
use thanos_core::{policy, wiring};

use super::{cell, coded, is_page};

const HEAD: &str = "\
# ThanosWiring and ThanosPolicy

Generated from the definitions by `make bless`: change `core/src/wiring.rs` and `core/src/policy.rs`. `kubectl explain` says the
same. How they are used: [wiring.md](wiring.md), [policies.md](policies.md).

In the tables, `x[]` is each item of a list, `x.*` each value of a map; `{name, key}` names a Secret or ConfigMap and a key in it. In
*italics* stand the limits that the API server itself holds a field to, in the words in which it refuses.
";

#[test]
fn the_page_of_kinds_is_what_the_definitions_say() {
    let mut page = HEAD.to_owned();
    for crd in [wiring::crd(), policy::crd()] {
        kind(&mut page, &serde_json::to_value(crd).unwrap());
    }
    is_page("crds.md", &page);
}

fn words(value: &Value) -> Vec<&str> {
    value
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

fn properties(schema: &Value) -> Option<&Map<String, Value>> {
    schema["properties"].as_object()
}

fn kind(page: &mut String, crd: &Value) {
    let (spec, version) = (&crd["spec"], &crd["spec"]["versions"][0]);
    let names = &spec["names"];
    let title = names["kind"].as_str().unwrap();
    let group = spec["group"].as_str().unwrap();
    let _ = write!(
        page,
        "\n## {title}\n\n`{group}/{}`, {}-scoped; short: {}.",
        version["name"].as_str().unwrap(),
        spec["scope"].as_str().unwrap().to_lowercase(),
        coded(words(&names["shortNames"])),
    );
    let columns = version["additionalPrinterColumns"]
        .as_array()
        .into_iter()
        .flatten();
    let columns: Vec<&str> = columns
        .filter_map(|column| column["name"].as_str())
        .collect();
    let _ = writeln!(page, " `kubectl get` shows {}.", coded(columns));
    let schema = &version["schema"]["openAPIV3Schema"];
    let _ = write!(page, "\n{}\n", description(schema));
    for (name, part) in properties(schema).unwrap() {
        let mut lines = format!("\n{}{}\n", description(part), rules(part));
        table(&mut lines, part, Some(title).filter(|_| name == "spec"));
        let _ = write!(page, "\n### {title} {name}\n{lines}");
        if name != "spec" {
            continue;
        }
        for (field, below) in properties(part).unwrap() {
            if is_deep(below) {
                let lines = rules(below);
                let _ = write!(
                    page,
                    "\n### {title} spec.{field}\n\n{}{lines}\n",
                    description(below)
                );
                table(page, below.get("items").unwrap_or(below), None);
            }
        }
    }
}

/// Whether a field of `spec` has so much below it that it has a table of its own.
fn is_deep(schema: &Value) -> bool {
    known(schema).is_none() && properties(schema.get("items").unwrap_or(schema)).is_some()
}

/// The fields of an object; of the `spec` of a kind, what has a table of its own is named alone.
fn table(page: &mut String, schema: &Value, kind: Option<&str>) {
    let Some(fields) = properties(schema) else {
        return;
    };
    let _ = write!(
        page,
        "\n| field | type | default | means |\n|---|---|---|---|\n"
    );
    let required = words(&schema["required"]);
    for (name, field) in fields {
        row(page, name, field, required.contains(&name.as_str()), kind);
    }
}

/// A field and all below it; `kind` is named where those of `spec` have tables of their own.
fn row(page: &mut String, path: &str, schema: &Value, is_required: bool, kind: Option<&str>) {
    let default = match schema.get("default") {
        Some(default) => format!(
            "`{}`",
            cell(default.as_str().unwrap_or(&default.to_string()))
        ),
        None if is_required => "required".to_owned(),
        None => String::new(),
    };
    let below = if let Some(kind) = kind.filter(|_| is_deep(schema)) {
        let title = path.to_lowercase();
        Some(format!(
            " ([its fields](#{}-spec{title}))",
            kind.to_lowercase()
        ))
    } else {
        None
    };
    assert!(!description(schema).is_empty(), "{path} is not described");
    let _ = writeln!(
        page,
        "| `{path}` | {} | {default} | {} |",
        kind_of(schema),
        cell(&format!(
            "{}{}{}",
            description(schema),
            rules(schema),
            below.as_deref().unwrap_or_default()
        )),
    );
    if below.is_some() || known(schema.get("items").unwrap_or(schema)).is_some() {
        return;
    }
    let (inner, mark) = if let Some(items) = schema.get("items") {
        (items, "[]")
    } else if let Some(values) = schema.get("additionalProperties") {
        (values, ".*")
    } else {
        (schema, "")
    };
    let required = words(&inner["required"]);
    for (name, field) in properties(inner).into_iter().flatten() {
        let path = format!("{path}{mark}.{name}");
        row(page, &path, field, required.contains(&name.as_str()), None);
    }
}

/// Types that the reader knows by name.
fn known(schema: &Value) -> Option<&'static str> {
    let fields = properties(schema)?;
    let names: Vec<&str> = fields.keys().map(String::as_str).collect();
    match names.as_slice() {
        ["key", "name"] => Some("{name, key}"),
        ["matchExpressions", "matchLabels"] => Some("LabelSelector"),
        [
            "lastTransitionTime",
            "message",
            "observedGeneration",
            "reason",
            "status",
            "type",
        ] => Some("Condition"),
        _ => None,
    }
}

fn kind_of(schema: &Value) -> String {
    if let Some(name) = known(schema) {
        return name.to_owned();
    }
    let values = words(&schema["enum"]);
    if !values.is_empty() {
        return coded(values);
    }
    if let Some(items) = schema.get("items") {
        return format!("list of {}", kind_of(items));
    }
    if let Some(values) = schema.get("additionalProperties") {
        return format!("map to {}", kind_of(values));
    }
    if schema["x-kubernetes-int-or-string"] == true {
        return "integer or string".to_owned();
    }
    let format = schema["format"]
        .as_str()
        .filter(|format| *format == "date-time");
    format
        .or(schema["type"].as_str())
        .unwrap_or("any")
        .to_owned()
}

fn description(schema: &Value) -> String {
    schema["description"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

/// What the API server demands, in italics.
fn rules(schema: &Value) -> String {
    let number = |key: &str| schema[key].as_u64();
    let mut rules: Vec<String> = Vec::new();
    let text = |count: u64, what: &str| format!("at most {count} {what}");
    rules.extend(number("maxLength").map(|count| text(count, "characters")));
    rules.extend(number("maxItems").map(|count| text(count, "items")));
    rules.extend(number("maxProperties").map(|count| text(count, "keys")));
    rules.extend(number("minimum").map(|least| format!("at least {least}")));
    rules.extend(number("maximum").map(|most| format!("at most {most}")));
    rules.extend(
        schema["pattern"]
            .as_str()
            .map(|pattern| format!("matches `{pattern}`")),
    );
    let messages = schema["x-kubernetes-validations"]
        .as_array()
        .into_iter()
        .flatten();
    rules.extend(
        messages
            .filter_map(|rule| rule["message"].as_str())
            .map(str::to_owned),
    );
    if rules.is_empty() {
        return String::new();
    }
    format!(" *{}*", rules.join("; ").replace('*', "\\*"))
}
