//! YAML as kubectl reads it: one document in, a JSON value out, and the place of everything in it.
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
mod document;
mod guard;
mod limits;
mod pieces;
mod quick;
pub mod scalars;
mod tree;
mod value;

pub use document::{Document, read};
pub use limits::{Limit, Limits, MAX_BYTES, MAX_DEPTH, MAX_NODES};
pub use tree::{Kind, Node, Tree};

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

impl Fault {
    fn placed(self, text: &str) -> Error {
        let Position { line, column } = Position::of(text, self.offset);
        Error {
            message: self.message,
            line,
            column,
        }
    }
}

/// Reads one document, as kubectl reads what stands between two separators; nothing but comments gives null.
///
/// # Errors
/// What is no YAML, more than one document, and what JSON cannot hold.
pub fn parse(text: &str) -> Result<Parsed, Error> {
    let body = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mark = text.len() - body.len();
    let mut parsed = compose_body(body, &Limits::MANIFEST)
        .and_then(value::convert)
        .map_err(|fault| fault.placed(body))?;
    if mark > 0 {
        parsed.tree.shift(mark);
        parsed
            .duplicates
            .iter_mut()
            .for_each(|offset| *offset += mark);
    }
    Ok(parsed)
}

fn compose_body(text: &str, limits: &'static Limits) -> Result<compose::Composed, Fault> {
    if let Some(composed) = quick::compose(text, limits) {
        return Ok(composed);
    }
    guard::check(text, limits)?;
    compose::compose(text, limits)
}

#[cfg(test)]
mod tests;
