//! One document: what it says, how it is written, and where everything in it stands.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use json_patch::jsonptr::PointerBuf;
use serde_json::Value;

use super::Source;
use crate::yaml::{self, Position, Tree};

/// How a document is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Anything that only a YAML reader takes.
    Yaml,
    /// What a JSON reader takes too.
    Json,
}

/// One document of a source.
#[derive(Debug)]
pub struct Document {
    pub(super) source: Arc<Source>,
    pub(super) range: Range<usize>,
    pub(super) first_line: usize,
    pub(super) format: Format,
    pub(super) value: Value,
    /// Not there for a stream of JSON objects, where it is made when it is asked for.
    pub(super) tree: Option<Tree>,
    pub(super) duplicates: Vec<usize>,
}

/// An object in a document: the document itself, or an item of its list.
#[derive(Debug, Clone)]
pub struct Object<'a> {
    /// The JSON pointer to it; empty for the document itself.
    pub pointer: PointerBuf,
    /// What stands there.
    pub value: &'a Value,
}

impl Document {
    /// Where it was read.
    pub fn source(&self) -> &Arc<Source> {
        &self.source
    }

    /// Its bytes in the source, without the separator behind it.
    pub fn range(&self) -> Range<usize> {
        self.range.clone()
    }

    /// Its text.
    pub fn text(&self) -> &str {
        &self.source.text[self.range.clone()]
    }

    /// The line of the source on which its range begins, counted from 1.
    pub fn first_line(&self) -> usize {
        self.first_line
    }

    /// How it is written.
    pub fn format(&self) -> Format {
        self.format
    }

    /// What it says.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// The place of the value at a JSON pointer, or of the nearest thing around it that is there.
    pub fn position(&self, pointer: &str) -> Position {
        self.nearest(pointer, Tree::value_span)
    }

    /// The place of the key at a JSON pointer; of the value where there is no key.
    pub fn key_position(&self, pointer: &str) -> Position {
        self.nearest(pointer, |tree, text, at| {
            tree.key_span(text, at)
                .or_else(|| tree.value_span(text, at))
        })
    }

    /// The bytes in the source that are meant by a JSON pointer, for whoever shows them: the value where it stands on one
    /// line, else its key; of what is not there, the nearest thing around it. `hidden` says which values may not be
    /// looked at.
    pub fn meant(&self, pointer: &str, hidden: impl Fn(&Range<usize>) -> bool) -> Range<usize> {
        let made = self.made();
        let (text, start) = (self.text(), self.range.start);
        let tree = self.tree.as_ref().or(made.as_ref());
        let in_source = |span: Range<usize>| start + span.start..start + span.end;
        let line = |span: Range<usize>| {
            let first = text[span.clone()].lines().next().unwrap_or_default();
            let first = first.trim_end().len().max(1);
            in_source(span.start..span.start + first)
        };
        let (mut pointer, mut is_there) = (pointer, true);
        loop {
            let find = |find: fn(&Tree, &str, &str) -> Option<Range<usize>>| {
                find(tree?, text, pointer).filter(|span| text.get(span.clone()).is_some())
            };
            let value = find(Tree::value_span);
            let key = find(Tree::key_span);
            match (value, key) {
                (Some(value), None) => return line(value),
                (Some(value), Some(key)) => {
                    let written = &text[value.clone()];
                    // Of a map or a list the key is what people look for.
                    let is_plain = is_there
                        && !written.is_empty()
                        && !written.contains('\n')
                        && !written.starts_with(['{', '[']);
                    let value = in_source(value);
                    return if is_plain && !hidden(&value) {
                        value
                    } else {
                        line(key)
                    };
                }
                (None, _) => {}
            }
            let Some((parent, _)) = pointer.rsplit_once('/') else {
                return line(0..text.len());
            };
            (pointer, is_there) = (parent, false);
        }
    }

    /// The bytes of the value at a JSON pointer in the source; nothing where it is not there.
    pub fn value_range(&self, pointer: &str) -> Option<Range<usize>> {
        self.range_of(pointer, Tree::value_span)
    }

    /// The bytes of the key at a JSON pointer in the source; nothing where there is none.
    pub fn key_range(&self, pointer: &str) -> Option<Range<usize>> {
        self.range_of(pointer, Tree::key_span)
    }

    fn range_of(
        &self,
        pointer: &str,
        find: impl Fn(&Tree, &str, &str) -> Option<Range<usize>>,
    ) -> Option<Range<usize>> {
        let made = self.made();
        let tree = self.tree.as_ref().or(made.as_ref())?;
        let span = find(tree, self.text(), pointer)?;
        Some(self.range.start + span.start..self.range.start + span.end)
    }

    /// The places of keys that their mapping had before; kubectl takes the last of them.
    pub fn duplicate_keys(&self) -> impl Iterator<Item = Position> {
        self.duplicates.iter().map(|offset| self.in_source(*offset))
    }

    /// The keys below a JSON pointer that their mapping had before, as they are written, and their places.
    pub fn duplicates_below(&self, pointer: &str) -> Vec<(&str, Position)> {
        let Some(tree) = self.tree.as_ref().filter(|_| !self.duplicates.is_empty()) else {
            return Vec::new();
        };
        let text = self.text();
        let span = tree.value_span(text, pointer).unwrap_or_default();
        let key = |offset: &usize| {
            let node = tree
                .nodes()
                .iter()
                .find(|node| node.span().start == *offset && node.kind.is_scalar())?;
            Some((text.get(node.span())?, self.in_source(*offset)))
        };
        let below = self.duplicates.iter();
        below
            .filter(|offset| span.contains(*offset))
            .filter_map(key)
            .collect()
    }

    /// The objects in it: the items of a list, those of lists among them, or itself.
    pub fn objects(&self) -> Vec<Object<'_>> {
        let mut found = Vec::new();
        let mut waiting = vec![Object {
            pointer: PointerBuf::new(),
            value: &self.value,
        }];
        while let Some(object) = waiting.pop() {
            let Some(items) = items(object.value) else {
                found.push(object);
                continue;
            };
            let list = object.pointer.with_trailing_token("items");
            // Pushed from the last to the first, so that they come back in their order.
            for (number, value) in items.iter().enumerate().rev() {
                let pointer = list.with_trailing_token(number);
                waiting.push(Object { pointer, value });
            }
        }
        found
    }

    /// The tree of a document that has come without one.
    fn made(&self) -> Option<Tree> {
        match self.tree {
            Some(_) => None,
            None => yaml::parse(self.text()).ok().map(|parsed| parsed.tree),
        }
    }

    fn nearest(
        &self,
        pointer: &str,
        find: impl Fn(&Tree, &str, &str) -> Option<Range<usize>>,
    ) -> Position {
        let made = self.made();
        let tree = self.tree.as_ref().or(made.as_ref());
        let mut pointer = pointer;
        loop {
            if let Some(span) = tree.and_then(|tree| find(tree, self.text(), pointer)) {
                return self.in_source(span.start);
            }
            let Some((parent, _)) = pointer.rsplit_once('/') else {
                return self.in_source(0);
            };
            pointer = parent;
        }
    }

    fn in_source(&self, offset: usize) -> Position {
        let start = self.range.start;
        let mut place = Position::of(self.text(), offset);
        if place.line == 1 {
            // A JSON object may begin behind another one on the same line.
            place.column += Position::of(&self.source.text, start).column - 1;
        }
        Position {
            line: place.line + self.first_line - 1,
            ..place
        }
    }
}

/// The items of a `List`, or of a typed one such as `PrometheusList`.
fn items(value: &Value) -> Option<&Vec<Value>> {
    let is_list =
        value.get("kind")?.as_str()?.ends_with("List") && value.get("apiVersion")?.is_string();
    value.get("items")?.as_array().filter(|_| is_list)
}

impl fmt::Display for Format {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Yaml => "YAML",
            Self::Json => "JSON",
        })
    }
}
