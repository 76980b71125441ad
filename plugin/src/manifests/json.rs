//! JSON documents written anew in the manner they had: on one line, or with their own indentation and line ends.

use serde::Serialize;
use serde_json::Value;
use serde_json::ser::{PrettyFormatter, Serializer};

/// The value, in the manner of the old text.
pub(super) fn print_like(old: &str, value: &Value) -> String {
    let Some((first, rest)) = old.split_once('\n') else {
        return value.to_string();
    };
    let indent = &rest[..rest.len() - rest.trim_start_matches([' ', '\t']).len()];
    let mut out = Vec::new();
    let formatter = PrettyFormatter::with_indent(indent.as_bytes());
    let written = value.serialize(&mut Serializer::with_formatter(&mut out, formatter));
    match String::from_utf8(out) {
        // Line ends inside of strings are escapes.
        Ok(text) if written.is_ok() && first.ends_with('\r') => text.replace('\n', "\r\n"),
        Ok(text) if written.is_ok() => text,
        _ => value.to_string(),
    }
}
