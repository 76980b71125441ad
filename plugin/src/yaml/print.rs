//! Values in, block-style YAML out, quoted the way kubectl quotes: what another reader could take for a number, a
//! boolean or a date stands in double quotes, what only needs fencing in single ones. Keys keep their order, lines are
//! never folded.

use std::fmt::Write;

use serde_json::{Map, Number, Value};
use thanos_core::yaml::scalars::{Scalar, json_number, resolve};

/// libyaml looks for the colon of a key no further than 1 024 bytes.
const LONGEST_SIMPLE_KEY: usize = 1000;

/// How blocks are indented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// Spaces by which a mapping stands further in than the key above it.
    pub step: usize,
    /// Spaces by which the dashes of a sequence do.
    pub dash: usize,
    /// Columns from a dash to the item behind it.
    pub gap: usize,
    /// The end of a line.
    pub newline: &'static str,
}

impl Default for Layout {
    /// kubectl's.
    fn default() -> Self {
        Self {
            step: 2,
            dash: 0,
            gap: 2,
            newline: "\n",
        }
    }
}

/// A whole document, as `-o yaml` prints it.
pub fn to_string(value: &Value) -> String {
    print(value, Layout::default())
}

/// A whole document in a layout.
pub(crate) fn print(value: &Value, layout: Layout) -> String {
    let mut out = String::new();
    match value {
        Value::Object(map) if !map.is_empty() => pairs(&mut out, map, 0, layout),
        Value::Array(items) if !items.is_empty() => sequence(&mut out, items, 0, layout),
        other => scalar(&mut out, other, layout.step, layout),
    }
    out.push_str(layout.newline);
    out
}

/// Writes a key, its colon and its value, beginning in `column`; no line end behind the last line.
pub(crate) fn pair(out: &mut String, key: &str, value: &Value, column: usize, layout: Layout) {
    let start = out.len();
    if key == "<<" {
        out.push_str("\"<<\"");
    } else {
        text(out, key);
    }
    if out.len() - start > LONGEST_SIMPLE_KEY {
        out.insert_str(start, "? ");
        line(out, column, layout);
    }
    out.push(':');
    after_key(out, value, column, layout);
}

/// Writes what stands behind the colon of a key in `column`, its space or line end included.
pub(crate) fn after_key(out: &mut String, value: &Value, column: usize, layout: Layout) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            line(out, column + layout.step, layout);
            pairs(out, map, column + layout.step, layout);
        }
        Value::Array(items) if !items.is_empty() => {
            line(out, column + layout.dash, layout);
            sequence(out, items, column + layout.dash, layout);
        }
        other => {
            out.push(' ');
            scalar(out, other, column + layout.step, layout);
        }
    }
}

/// Writes what stands behind a dash in `column`, its space included.
pub(crate) fn after_dash(out: &mut String, value: &Value, column: usize, layout: Layout) {
    let inner = column + layout.gap;
    let nested = Layout { gap: 2, ..layout };
    out.extend(std::iter::repeat_n(' ', layout.gap - 1));
    match value {
        Value::Object(map) if !map.is_empty() => pairs(out, map, inner, nested),
        Value::Array(items) if !items.is_empty() => sequence(out, items, inner, nested),
        other => scalar(out, other, inner, nested),
    }
}

fn pairs(out: &mut String, map: &Map<String, Value>, column: usize, layout: Layout) {
    for (number, (key, value)) in map.iter().enumerate() {
        if number > 0 {
            line(out, column, layout);
        }
        pair(out, key, value, column, layout);
    }
}

fn sequence(out: &mut String, items: &[Value], column: usize, layout: Layout) {
    for (number, item) in items.iter().enumerate() {
        if number > 0 {
            line(out, column, layout);
        }
        out.push('-');
        after_dash(out, item, column, layout);
    }
}

fn line(out: &mut String, column: usize, layout: Layout) {
    out.push_str(layout.newline);
    out.extend(std::iter::repeat_n(' ', column));
}

/// `column` is where the lines of a literal begin.
fn scalar(out: &mut String, value: &Value, column: usize, layout: Layout) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Number(value) => number(out, value),
        Value::String(value) if fits_literal(value) => literal(out, value, column, layout),
        Value::String(value) => text(out, value),
        Value::Array(_) => out.push_str("[]"),
        Value::Object(_) => out.push_str("{}"),
    }
}

fn number(out: &mut String, value: &Number) {
    let whole = value
        .as_f64()
        .filter(|_| value.is_f64())
        .and_then(json_number);
    let written = whole.as_ref().unwrap_or(value).to_string();
    match written.split_once('e') {
        Some((digits, exponent)) if exponent.starts_with(|first: char| first.is_ascii_digit()) => {
            out.extend([digits, "e+", exponent]);
        }
        _ => out.push_str(&written),
    }
}

fn text(out: &mut String, value: &str) {
    if value.chars().any(needs_escape) || resolve(value) != Scalar::Text || misread_elsewhere(value)
    {
        double_quoted(out, value);
    } else if fits_plain(value) {
        out.push_str(value);
    } else {
        out.push('\'');
        out.push_str(&value.replace('\'', "''"));
        out.push('\'');
    }
}

/// Whether nothing in a text means anything to YAML. What needs an escape has been sorted out before.
fn fits_plain(value: &str) -> bool {
    const INDICATORS: &str = ",[]{}#&*!|>'\"%@`?:";
    !value.starts_with(|first: char| first == ' ' || INDICATORS.contains(first))
        && !value.starts_with("---")
        && !value.starts_with("...")
        && !value.starts_with("- ")
        && value != "-"
        && !value.ends_with([' ', ':'])
        && !value.contains(": ")
        && !value.contains(" #")
}

/// Dates, which kubectl's own reader leaves alone and others do not, and 1:20, which YAML 1.1 counts in sixties.
fn misread_elsewhere(value: &str) -> bool {
    let bytes = value.as_bytes();
    let only = |allowed: &[u8]| {
        bytes
            .iter()
            .all(|byte| byte.is_ascii_digit() || allowed.contains(byte))
    };
    let date = bytes.get(4) == Some(&b'-')
        && bytes.iter().take(4).all(u8::is_ascii_digit)
        && only(b"-:TtZz.+ ");
    let sixties = value.contains(':') && only(b"_:.+-") && bytes.iter().any(u8::is_ascii_digit);
    date || sixties
}

fn needs_escape(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{2028}' | '\u{2029}' | '\u{FEFF}' | '\u{FFFE}' | '\u{FFFF}'
        )
}

fn double_quoted(out: &mut String, value: &str) {
    out.push('"');
    for character in value.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            // Writing into a string cannot fail.
            other if needs_escape(other) => drop(write!(out, "\\u{:04x}", u32::from(other))),
            other => out.push(other),
        }
    }
    out.push('"');
}

/// Whether `|` or `|-` gives exactly this text, and keeps giving it when an editor strips the ends of lines.
fn fits_literal(value: &str) -> bool {
    value.contains('\n')
        && !value.starts_with([' ', '\t', '\n'])
        && !value.ends_with("\n\n")
        && !value.contains(" \n")
        && !value.contains("\t\n")
        && !value.ends_with([' ', '\t'])
        && !value
            .chars()
            .any(|character| !matches!(character, '\n' | '\t') && needs_escape(character))
}

fn literal(out: &mut String, value: &str, column: usize, layout: Layout) {
    let body = value.strip_suffix('\n');
    out.push_str(if body.is_some() { "|" } else { "|-" });
    for part in body.unwrap_or(value).split('\n') {
        if part.is_empty() {
            out.push_str(layout.newline);
        } else {
            line(out, column, layout);
            out.push_str(part);
        }
    }
}
