//! Edits in, the document's new text out: spliced where that is possible, written anew where it is not.
//!
//! Splicing need not be trusted: its result is read again and must say what the edited value says, or it is dropped.

use std::ops::Range;

use json_patch::{PatchError, PatchOperation};
use serde_json::Value;

use super::layout::layout;
use super::plan::{Outcome, plan};
use super::{Document, Format, edits, json};
use crate::yaml::{self, Kind, Layout, Tree};

/// The new text of a document's range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rewritten {
    /// Stands where the document stood.
    pub text: String,
    /// Whether comments were lost that are not inside of what the edits removed.
    pub comments_lost: bool,
}

/// Applies edits to the text of a document, keeping every byte that is not theirs.
///
/// Only what is written in block style can be edited in place. A flow-style value in the way becomes block style; an
/// anchor, an alias, a merge key or a tag on the way makes the whole document anew, its keys in their order.
///
/// # Errors
/// Edits that do not fit the value.
pub fn rewrite(document: &Document, edits: &[PatchOperation]) -> Result<Rewritten, PatchError> {
    let value = edits::apply(document.value.clone(), edits)?;
    let text = document.text();
    if value == document.value {
        return Ok(Rewritten {
            text: text.to_owned(),
            comments_lost: false,
        });
    }
    let kept = |text| Rewritten {
        text,
        comments_lost: false,
    };
    let Some(tree) = &document.tree else {
        return Ok(kept(json::print_like(text, &value)));
    };
    if document.format == Format::Json {
        let root = tree.node(0).map_or(0..text.len(), yaml::Node::span);
        let new = json::print_like(&text[root.clone()], &value);
        return Ok(kept(
            [&text[..root.start], &new, &text[root.end..]].concat(),
        ));
    }
    let spliced = plan(text, tree, &document.value, &value);
    Ok(
        match spliced.filter(|outcome| says(&outcome.text, &value)) {
            Some(Outcome {
                text,
                comments_lost,
            }) => Rewritten {
                text,
                comments_lost,
            },
            None => anew(document, tree, &value),
        },
    )
}

fn says(text: &str, value: &Value) -> bool {
    yaml::parse(text).is_ok_and(|parsed| parsed.value == *value)
}

fn anew(document: &Document, tree: &Tree, value: &Value) -> Rewritten {
    let old = document.text();
    let before = &document.source.text()[..document.range.start];
    let marker = if old.starts_with("---") {
        old.split_inclusive('\n').next().unwrap_or_default()
    } else {
        ""
    };
    // Behind a JSON object on the same line no block can begin.
    let separator = if before.trim_start_matches('\u{feff}').is_empty() || before.ends_with('\n') {
        ""
    } else {
        "\n---\n"
    };
    let Layout { newline, .. } = layout(old, tree);
    let mut text = yaml::print(value, layout(old, tree));
    if !old.ends_with('\n') {
        text.truncate(text.len() - newline.len());
    }
    Rewritten {
        text: [separator, marker, &text].concat(),
        comments_lost: has_comments(old, tree, marker.len()..old.len()),
    }
}

/// Whether a comment stands in a range: a `#` that is neither in a key nor in a value.
pub(super) fn has_comments(text: &str, tree: &Tree, range: Range<usize>) -> bool {
    let is_leaf = |kind: Kind| kind.is_scalar() || kind == Kind::Alias;
    let mut at = range.start;
    for node in tree.nodes().iter().filter(|node| is_leaf(node.kind)) {
        let span = node.span();
        if span.start < at || span.end > range.end {
            continue;
        }
        let header = text[span.clone()].lines().next().unwrap_or_default();
        if text[at..span.start].contains('#')
            || node.kind == Kind::BlockScalar && header.contains('#')
        {
            return true;
        }
        at = span.end;
    }
    text[at..range.end].contains('#')
}
