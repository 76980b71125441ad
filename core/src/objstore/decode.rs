//! Nodes in, fields out, as goyaml.v2 decodes them: first the envelope and `config` as anything, then `config` written
//! anew and decoded once more, into the provider's struct (`client/factory.go`). The second reading sees `0x1F` as 31.

use super::field::{Field, Shape};
use super::report::Report;
use super::words::{joined, nearest};
use super::{duration, reference};
use crate::codes;
use crate::yaml::Document;
use crate::yaml::scalars::{Scalar, float_text, resolve};

/// A scalar as the second reading sees it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Plain {
    pub(super) scalar: Scalar,
    pub(super) text: String,
}

/// What a field holds.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Held {
    Text(String),
    Whole(i64),
    Flag(bool),
    /// What no check asks for, and null.
    Other,
}

/// A field that is there.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    /// `config.http_config.tls_config.ca_file`
    pub(super) path: String,
    pub(super) field: Field,
    pub(super) value: usize,
    pub(super) held: Held,
}

/// Reads a scalar the way it is read after it was written anew.
pub(super) fn plain(document: &Document, number: usize) -> Option<Plain> {
    let scalar = document.scalar(number)?;
    let text = match scalar {
        Scalar::Null => "null".to_owned(),
        Scalar::Bool(value) => value.to_string(),
        Scalar::Int(value) => value.to_string(),
        Scalar::Uint(value) => value.to_string(),
        Scalar::Float(value) => float_text(value),
        Scalar::Text => document.text(number)?.to_owned(),
    };
    let scalar = match scalar {
        Scalar::Float(_) => resolve(&text),
        other => other,
    };
    Some(Plain { scalar, text })
}

/// The first reading of `config`: what no map may hold, wherever it is.
pub(super) fn first_reading(report: &mut Report<'_>, number: usize, path: &str) {
    let document = report.document;
    let tree = document.tree();
    let Some(node) = tree.node(number) else {
        return;
    };
    if !node.kind.is_mapping() {
        for (at, child) in tree.children(number).enumerate() {
            first_reading(report, child, &format!("{path}[{at}]"));
        }
        return;
    }
    let mut keys: Vec<(Scalar, &str)> = Vec::new();
    for (key, value) in pairs(document, number) {
        let Some((scalar, text)) = document.scalar(key).zip(document.text(key)) else {
            let sentence = "a mapping or a list cannot be a key";
            report.fault(codes::OBJSTORE_YAML, path, sentence, Some(key));
            continue;
        };
        // In quotes as well: the second reading finds it without.
        if scalar == Scalar::Text && text == "<<" {
            let sentence = "holds a merge key (<<): write the fields themselves";
            report.fault(codes::OBJSTORE_YAML, path, sentence, Some(key));
            continue;
        }
        // Go compares values of one type: 1 and "1" are two keys.
        let same = |other: &(Scalar, &str)| {
            other.0 == scalar && (scalar != Scalar::Text || other.1 == text)
        };
        let path = joined(path, text);
        if keys.iter().any(same) {
            let sentence = "is there twice: keep one";
            report.fault(codes::OBJSTORE_DUPLICATE, &path, sentence, Some(key));
        }
        keys.push((scalar, text));
        first_reading(report, value, &path);
    }
}

/// The second reading: a mapping into a struct.
pub(super) fn structure(
    report: &mut Report<'_>,
    number: usize,
    path: &str,
    fields: &'static [Field],
    strict: bool,
) {
    let document = report.document;
    match document.tree().node(number).map(|node| node.kind) {
        Some(kind) if kind.is_mapping() => {}
        Some(kind) if kind.is_scalar() && document.scalar(number) == Some(Scalar::Null) => return,
        _ => {
            let sentence = "must be a mapping of fields";
            report.fault(codes::OBJSTORE_FIELD_TYPE, path, sentence, Some(number));
            return;
        }
    }
    for (key, value) in pairs(document, number) {
        let Some(name) = plain(document, key) else {
            continue;
        };
        match fields.iter().find(|field| field.name == name.text) {
            Some(found) => field(report, value, &joined(path, found.name), found, strict),
            None => unknown(report, key, path, &name.text, fields, strict),
        }
    }
}

fn unknown(
    report: &mut Report<'_>,
    key: usize,
    path: &str,
    name: &str,
    fields: &'static [Field],
    strict: bool,
) {
    let known = fields.iter().map(|field| field.name);
    let meant = match nearest(name, known.clone()) {
        Some(meant) => format!("did you mean {meant}?"),
        None if fields.len() < 9 => {
            format!("the fields are {}", known.collect::<Vec<_>>().join(", "))
        }
        None => "take it out".to_owned(),
    };
    let path = joined(path, name);
    if strict {
        let sentence = format!("is no field that Thanos knows here: {meant}");
        report.fault(codes::OBJSTORE_FIELD_UNKNOWN, &path, sentence, Some(key));
    } else {
        let sentence = format!("is no field that Thanos knows here, and it ignores it: {meant}");
        report.lint(codes::OBJSTORE_FIELD_IGNORED, &path, sentence, Some(key));
    }
}

fn field(report: &mut Report<'_>, value: usize, path: &str, field: &'static Field, strict: bool) {
    let read = match field.shape {
        Shape::Group(fields) => {
            structure(report, value, path, fields, strict);
            Ok(Held::Other)
        }
        Shape::TextMap => text_map(report, value, path, strict),
        shape => scalar(report.document, value, shape),
    };
    let held = read.unwrap_or_else(|sentence| {
        report.fault(codes::OBJSTORE_FIELD_TYPE, path, sentence, Some(value));
        Held::Other
    });
    report.seen.push(Seen {
        path: path.to_owned(),
        field: *field,
        value,
        held,
    });
}

/// `map[string]string`; keys that are one text after all are refused where unknown fields are.
fn text_map(
    report: &mut Report<'_>,
    number: usize,
    path: &str,
    strict: bool,
) -> Result<Held, &'static str> {
    let document = report.document;
    let node = document.tree().node(number);
    if document.scalar(number) == Some(Scalar::Null) {
        return Ok(Held::Other);
    }
    if !node.is_some_and(|node| node.kind.is_mapping()) {
        return Err("must be a mapping of names to texts");
    }
    let mut names: Vec<String> = Vec::new();
    for (key, value) in pairs(document, number) {
        let Some(name) = plain(document, key) else {
            continue;
        };
        let name = if name.scalar == Scalar::Null {
            String::new()
        } else {
            name.text
        };
        if strict && names.contains(&name) {
            let sentence = "is there twice once both keys are texts: keep one";
            let path = joined(path, &name);
            report.fault(codes::OBJSTORE_DUPLICATE, &path, sentence, Some(key));
        }
        if document.scalar(value).is_none() {
            let (path, sentence) = (joined(path, &name), "must be a text");
            report.fault(codes::OBJSTORE_FIELD_TYPE, &path, sentence, Some(value));
        }
        names.push(name);
    }
    Ok(Held::Other)
}

/// One scalar into a Go type; the sentence says what it must be.
fn scalar(document: &Document, number: usize, shape: Shape) -> Result<Held, &'static str> {
    let Some(Plain { scalar, text }) = plain(document, number) else {
        return Err("must be a single value, not a mapping or a list");
    };
    // Whatever its type will be, it is known only where Thanos runs.
    if scalar == Scalar::Text && reference(&text) && is_unquoted(document, number) {
        return Ok(Held::Text(text));
    }
    if scalar == Scalar::Null {
        return Ok(match shape {
            Shape::Bool => Held::Flag(false),
            _ => Held::Other,
        });
    }
    match shape {
        Shape::Text => Ok(Held::Text(text)),
        Shape::Bool => match scalar {
            Scalar::Bool(value) => Ok(Held::Flag(value)),
            _ => Err("must be true or false, without quotes"),
        },
        Shape::Int => integer(scalar)
            .map(Held::Whole)
            .ok_or("must be a whole number, without quotes"),
        Shape::Int32 => integer(scalar)
            .filter(|value| i32::try_from(*value).is_ok())
            .map(Held::Whole)
            .ok_or("must be a whole number of 32 bits, without quotes"),
        Shape::Uint => match scalar {
            Scalar::Int(0..) | Scalar::Uint(_) => Ok(Held::Other),
            Scalar::Float(value) if value <= 18_446_744_073_709_551_615.0 => Ok(Held::Other),
            _ => Err("must be a whole number that is not negative, without quotes"),
        },
        Shape::Duration if duration::is_prometheus(&text) => Ok(Held::Other),
        Shape::Duration => Err("must be a duration with a unit, as 30s, 5m or 1h30m"),
        Shape::GoDuration => {
            let fine =
                integer(scalar).is_some() || scalar == Scalar::Text && duration::is_go(&text);
            fine.then_some(Held::Other)
                .ok_or("must be a duration with a unit, as 30s, 5m or 1h30m")
        }
        Shape::Lookup if matches!(text.as_str(), "auto" | "virtual-hosted" | "path") => {
            Ok(Held::Other)
        }
        Shape::Lookup => Err("must be auto, virtual-hosted or path, in small letters"),
        Shape::Group(_) | Shape::TextMap => Ok(Held::Other),
    }
}

/// What goyaml.v2 puts into an `int`: floats are cut, and too large ones become the smallest number.
fn integer(scalar: Scalar) -> Option<i64> {
    match scalar {
        Scalar::Int(value) => Some(value),
        #[expect(
            clippy::cast_possible_truncation,
            reason = "Go cuts as well, and 2^63 is the one that it lets overflow"
        )]
        Scalar::Float(value) if value < 9_223_372_036_854_775_808.0 => Some(value as i64),
        Scalar::Float(value) if value.to_bits() == 9_223_372_036_854_775_808_f64.to_bits() => {
            Some(i64::MIN)
        }
        _ => None,
    }
}

/// Without quotes, or it would be text in any case.
pub(super) fn is_unquoted(document: &Document, number: usize) -> bool {
    let node = document.tree().node(number);
    node.is_some_and(|node| node.kind == crate::yaml::Kind::Plain)
}

/// Keys and values of a mapping.
pub(super) fn pairs(
    document: &Document,
    number: usize,
) -> impl Iterator<Item = (usize, usize)> + use<> {
    let children: Vec<usize> = document.tree().children(number).collect();
    let pairs: Vec<(usize, usize)> = children
        .chunks_exact(2)
        .map(|pair| (pair[0], pair[1]))
        .collect();
    pairs.into_iter()
}
