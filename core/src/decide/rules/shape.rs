//! What the rules ask of a value whatever its type: the API server refuses wrong types, and a reader of files does not.

use serde_json::Value;

use super::case::Case;
use super::places::Place;
use crate::fields::sensitive::Sort;

/// Whether a switch that is there is on: whatever is not `false` counts.
pub(super) fn is_on(value: &Value) -> bool {
    !matches!(value, Value::Bool(false) | Value::Null)
}

/// Whether a value says nothing: null, an empty text, list or map.
pub(super) fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// The text of a member; empty where it is absent or no text.
pub(super) fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value
        .get(member)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// Whether a key of a label or an annotation is one of these, or below one that ends in a slash.
pub(super) fn has_prefix(key: &str, prefixes: &[&str]) -> bool {
    let key = key.to_ascii_lowercase();
    let mut prefixes = prefixes.iter();
    prefixes.any(|one| key == *one || (one.ends_with('/') && key.starts_with(one)))
}

/// A raw argument of the command line, or a feature of `enableFeatures`, as the program will read it.
pub(super) struct Argument<'a> {
    pub(super) place: &'a Place<'a>,
    /// Without leading dashes, and without a value behind `=`: the operator writes `--name=value` from `name` and
    /// `value`, or `--name` where there is no value (prometheus-operator `pkg/operator/argument.go`).
    pub(super) name: &'a str,
    value: &'a str,
}

impl<'a> Argument<'a> {
    /// Those that the table gives to a rule.
    pub(super) fn all(case: &Case<'a>, rule: &'static str) -> impl Iterator<Item = Self> {
        case.places(rule, Sort::Container).filter_map(Self::read)
    }

    fn read(place: &'a Place<'a>) -> Option<Self> {
        match place.at.names().as_slice() {
            ["enableFeatures", ..] => Some(Self {
                place,
                name: "enable-feature",
                value: place.value.as_str().unwrap_or_default(),
            }),
            [.., "additionalArgs", "[]"] => {
                let name = text(place.value, "name").trim_start_matches('-');
                let (name, inner) = name.split_once('=').unwrap_or((name, ""));
                let outer = text(place.value, "value");
                Some(Self {
                    place,
                    name,
                    value: if inner.is_empty() { outer } else { inner },
                })
            }
            _ => None,
        }
    }

    /// Whether it switches a feature on. Features are joined by commas, so that one item may hold several.
    pub(super) fn enables(&self, feature: &str) -> bool {
        self.name == "enable-feature" && self.value.split(',').any(|one| one.trim() == feature)
    }
}
