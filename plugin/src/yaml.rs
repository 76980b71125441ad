//! YAML as kubectl reads it: one document in, a JSON value, the place of everything in it, and back to text.
//!
//! Why `libyaml-safer`: kubectl reads with `sigs.k8s.io/yaml`, which stands on goyaml.v2, a port of libyaml. This is a
//! port of libyaml too, so both agree on where a scalar ends; what a scalar means is decided here, in `scalars`, the
//! way goyaml.v2 decides it. It gives events with byte offsets (needed for splicing), never recurses, and its error
//! texts are constants: the readers built on serde print neighbouring lines of the file, which may hold a Secret.
//!
//! Most manifests need little of YAML; `quick` reads those by lines, since libyaml's port would take most of the time
//! that a thousand manifests may take.
//!
//! Repeated keys: the last one wins, because `kubectl apply` sends that one and the webhook therefore sees it; an
//! error here would be a different answer at a different door. Their places are kept for whoever wants to refuse them.

use serde_json::Value;

mod compose;
mod guard;
mod pieces;
mod print;
mod quick;
mod scalars;
mod tree;
mod value;

pub use print::{Layout, to_string};
pub(crate) use print::{after_dash, after_key, pair, print};
pub use tree::{Kind, Node, Tree};

/// The most that is read as one stream, in bytes.
pub const MAX_BYTES: usize = 64 << 20;
/// The most levels of nesting, aliases expanded.
pub const MAX_DEPTH: usize = 512;
/// The most nodes of one document, keys and expanded aliases counted.
pub const MAX_NODES: usize = 4_000_000;

/// Why a text could not be read, and where. The message is a constant, so no part of the text can be in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{line}:{column}: {message}")]
pub struct Error {
    /// One sentence without code, place or content.
    pub message: &'static str,
    /// Counted from 1.
    pub line: usize,
    /// Counted from 1, in characters.
    pub column: usize,
}

/// A place in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Counted from 1.
    pub line: usize,
    /// Counted from 1, in characters.
    pub column: usize,
}

impl Position {
    /// The place of a byte offset; an offset behind the end gives the end.
    pub fn of(text: &str, offset: usize) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line = before.rsplit('\n').next().unwrap_or_default();
        Self {
            line: before.matches('\n').count() + 1,
            column: line.chars().count() + 1,
        }
    }
}

/// A document that was read.
#[derive(Debug)]
pub struct Parsed {
    /// What kubectl would send, keys in the order of the text.
    pub value: Value,
    /// Where everything is.
    pub tree: Tree,
    /// Byte offsets of keys that their mapping had before.
    pub duplicates: Vec<usize>,
}

/// What went wrong at a byte offset, before anybody asked for the line.
#[derive(Debug, Clone, Copy)]
struct Fault {
    message: &'static str,
    offset: usize,
}

/// Reads one document, as kubectl reads what stands between two separators; nothing but comments gives null.
///
/// # Errors
/// What is no YAML, more than one document, and what JSON cannot hold.
pub fn parse(text: &str) -> Result<Parsed, Error> {
    let body = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mark = text.len() - body.len();
    let mut parsed = parse_body(body).map_err(|fault| {
        let Position { line, column } = Position::of(body, fault.offset);
        Error {
            message: fault.message,
            line,
            column,
        }
    })?;
    if mark > 0 {
        parsed.tree.shift(mark);
        parsed
            .duplicates
            .iter_mut()
            .for_each(|offset| *offset += mark);
    }
    Ok(parsed)
}

fn parse_body(text: &str) -> Result<Parsed, Fault> {
    if let Some(composed) = quick::compose(text) {
        return value::convert(composed);
    }
    guard::check(text)?;
    value::convert(compose::compose(text)?)
}

#[cfg(test)]
mod tests;
