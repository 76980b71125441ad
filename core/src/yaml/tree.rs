//! The places of everything in one document: a list of nodes in the order of the text, and how to walk it.

use std::ops::Range;

use super::scalars::{Scalar, float_key, resolve};

/// What a node looks like in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Without quotes; also what is not there at all.
    Plain,
    /// In single or double quotes.
    Quoted,
    /// Literal or folded: its last line is part of it, the line's end is not.
    BlockScalar,
    /// `*name`
    Alias,
    /// Items behind dashes.
    BlockSequence,
    /// `[…]`
    FlowSequence,
    /// Keys on lines of their own.
    BlockMapping,
    /// `{…}`
    FlowMapping,
}

impl Kind {
    /// Whether it stands between brackets or braces.
    pub fn is_flow(self) -> bool {
        matches!(self, Self::FlowSequence | Self::FlowMapping)
    }

    /// Whether it is a single value, written out.
    pub fn is_scalar(self) -> bool {
        matches!(self, Self::Plain | Self::Quoted | Self::BlockScalar)
    }

    /// Whether it has keys.
    pub fn is_mapping(self) -> bool {
        matches!(self, Self::BlockMapping | Self::FlowMapping)
    }

    fn is_sequence(self) -> bool {
        matches!(self, Self::BlockSequence | Self::FlowSequence)
    }
}

/// One scalar, sequence, mapping or alias.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Node {
    /// What it looks like.
    pub kind: Kind,
    /// Whether an anchor or a tag stands before it; its span begins with that.
    pub properties: bool,
    pub(super) start: u32,
    pub(super) end: u32,
    /// The node behind the last of its descendants.
    pub(super) next: u32,
    /// Of a scalar: its number. Of an alias: the node that it stands for.
    pub(super) extra: u32,
}

impl Node {
    /// Its bytes in the text, without what follows on its last line.
    pub fn span(&self) -> Range<usize> {
        index(self.start)..index(self.end)
    }
}

/// The nodes of a document, the root first. The children of a node follow it; those of a mapping are key, value, key…
#[derive(Debug, Default)]
pub struct Tree {
    pub(super) nodes: Vec<Node>,
}

/// Where a member or an item is.
#[derive(Debug, Clone, Copy)]
struct Found {
    key: Option<usize>,
    value: usize,
}

pub(super) fn index(number: u32) -> usize {
    number as usize
}

pub(super) fn children(nodes: &[Node], number: usize) -> impl Iterator<Item = usize> {
    let end = nodes.get(number).map_or(0, |node| index(node.next));
    let mut next = number + 1;
    std::iter::from_fn(move || {
        let child = (next < end).then_some(next)?;
        next = index(nodes.get(child)?.next);
        Some(child)
    })
}

impl Tree {
    /// The node of that number; the root has number 0.
    pub fn node(&self, number: usize) -> Option<&Node> {
        self.nodes.get(number)
    }

    /// All nodes, in the order of the text.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The numbers of a node's children.
    pub fn children(&self, number: usize) -> impl Iterator<Item = usize> {
        children(&self.nodes, number)
    }

    /// The bytes of the value at a JSON pointer into the document.
    pub fn value_span(&self, text: &str, pointer: &str) -> Option<Range<usize>> {
        Some(self.nodes.get(self.find(text, pointer)?.value)?.span())
    }

    /// The bytes of the key of the member at a JSON pointer; none for an item of a list and for the root.
    pub fn key_span(&self, text: &str, pointer: &str) -> Option<Range<usize>> {
        Some(self.nodes.get(self.find(text, pointer)?.key?)?.span())
    }

    /// Moves every place by some bytes.
    pub(super) fn shift(&mut self, bytes: usize) {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        for node in &mut self.nodes {
            node.start = node.start.saturating_add(bytes);
            node.end = node.end.saturating_add(bytes);
        }
    }

    fn find(&self, text: &str, pointer: &str) -> Option<Found> {
        let mut found = Found {
            key: None,
            value: 0,
        };
        if pointer.is_empty() {
            return Some(found);
        }
        for token in pointer.strip_prefix('/')?.split('/') {
            let token = token.replace("~1", "/").replace("~0", "~");
            let parent = self.target(found.value)?;
            found = if self.nodes.get(parent)?.kind.is_sequence() {
                Found {
                    key: None,
                    value: self.children(parent).nth(token.parse().ok()?)?,
                }
            } else {
                self.member(text, parent, &token, 0)?
            };
        }
        Some(found)
    }

    /// The node itself, or what an alias stands for.
    fn target(&self, number: usize) -> Option<usize> {
        let node = self.nodes.get(number)?;
        Some(if node.kind == Kind::Alias {
            index(node.extra)
        } else {
            number
        })
    }

    fn member(&self, text: &str, mapping: usize, wanted: &str, depth: usize) -> Option<Found> {
        if depth > super::MAX_DEPTH || !self.nodes.get(mapping)?.kind.is_mapping() {
            return None;
        }
        let children: Vec<usize> = self.children(mapping).collect();
        // From the end: the last of equal keys counts, and so does the last merge.
        children.chunks_exact(2).rev().find_map(|pair| {
            let &[key, value] = pair else { return None };
            let name = self.key(text, key)?;
            if name == wanted {
                return Some(Found {
                    key: Some(key),
                    value,
                });
            }
            if name != "<<" {
                return None;
            }
            let merged = self.target(value)?;
            if self.nodes.get(merged)?.kind.is_sequence() {
                return self
                    .children(merged)
                    .find_map(|item| self.member(text, self.target(item)?, wanted, depth + 1));
            }
            self.member(text, merged, wanted, depth + 1)
        })
    }

    /// A key as JSON has it.
    fn key(&self, text: &str, number: usize) -> Option<String> {
        let node = self.nodes.get(self.target(number)?)?;
        let written = text.get(node.span())?;
        if node.kind == Kind::Plain && !node.properties && !written.contains('\n') {
            return key_text(resolve(written), written);
        }
        // Rare, so it may cost a small parse: the one key, in a list so that it is a value and no root.
        match super::parse(&format!("- {written}\n")).ok()?.value.get(0)? {
            serde_json::Value::String(name) => Some(name.clone()),
            serde_json::Value::Bool(value) => Some(value.to_string()),
            serde_json::Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }
}

/// A scalar as a key of a JSON object; kubectl knows none for null and for whole numbers beyond 63 bits.
pub(super) fn key_text(scalar: Scalar, text: &str) -> Option<String> {
    match scalar {
        Scalar::Text => Some(text.to_owned()),
        Scalar::Bool(value) => Some(value.to_string()),
        Scalar::Int(value) => Some(value.to_string()),
        Scalar::Float(value) => Some(float_key(value)),
        Scalar::Null | Scalar::Uint(_) => None,
    }
}
