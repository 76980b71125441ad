//! A document as it is written: its nodes and the type of each scalar, for readers to whom JSON says too little.

use std::ops::Range;

use super::compose::{Composed, Written};
use super::scalars::{Scalar, resolve};
use super::tree::{Tree, index};
use super::{Error, Limits, compose_body};

/// One document, with nothing expanded or merged.
#[derive(Debug)]
pub struct Document {
    tree: Tree,
    scalars: Vec<Written>,
    more: bool,
}

/// Reads the first document of a text.
///
/// # Errors
/// What is no YAML, and what the limits do not allow.
pub fn read(text: &str, limits: &'static Limits) -> Result<Document, Error> {
    let body = text.strip_prefix('\u{feff}').unwrap_or(text);
    let Composed {
        mut tree,
        scalars,
        more,
        has_aliases: _,
    } = compose_body(body, limits).map_err(|fault| fault.placed(body))?;
    tree.shift(text.len() - body.len());
    Ok(Document {
        tree,
        scalars,
        more,
    })
}

impl Document {
    /// Its nodes; the root has number 0.
    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    /// Whether more follows behind the first document.
    pub fn more(&self) -> bool {
        self.more
    }

    /// The text of a scalar node, quotes and escapes resolved.
    pub fn text(&self, number: usize) -> Option<&str> {
        self.written(number).map(|written| written.text.as_str())
    }

    /// What a scalar node means by the rules of goyaml.v2; a tag is not heeded.
    pub fn scalar(&self, number: usize) -> Option<Scalar> {
        let written = self.written(number)?;
        Some(if written.implicit {
            resolve(&written.text)
        } else {
            Scalar::Text
        })
    }

    /// The bytes of a node in the text.
    pub fn span(&self, number: usize) -> Range<usize> {
        self.tree.node(number).map_or(0..0, super::Node::span)
    }

    fn written(&self, number: usize) -> Option<&Written> {
        let node = self.tree.node(number)?;
        node.kind
            .is_scalar()
            .then(|| self.scalars.get(index(node.extra)))?
    }
}
