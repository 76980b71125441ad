//! How a document indents, so that what is added looks like what was there.

use super::splice::Lines;
use crate::yaml::{Kind, Layout, Tree};

/// How a document indents: what its first nested mapping and its first nested sequence do, else as kubectl does.
pub(super) fn layout(text: &str, tree: &Tree) -> Layout {
    let lines = Lines { text };
    let mut layout = Layout {
        newline: lines.newline(),
        ..Layout::default()
    };
    let mut seen = (false, false);
    for (number, _) in tree
        .nodes()
        .iter()
        .enumerate()
        .filter(|(_, node)| node.kind == Kind::BlockMapping)
    {
        let children: Vec<usize> = tree.children(number).collect();
        let mut near = layout;
        let found = observe(lines, tree, &children, &mut near);
        if found.0 && !seen.0 {
            layout.step = near.step;
        }
        if found.1 && !seen.1 {
            layout.dash = near.dash;
        }
        seen = (seen.0 || found.0, seen.1 || found.1);
        if seen == (true, true) {
            break;
        }
    }
    layout
}

/// Takes over the indentation of the first mapping and the first sequence among the values of a mapping.
pub(super) fn observe(
    lines: Lines<'_>,
    tree: &Tree,
    children: &[usize],
    layout: &mut Layout,
) -> (bool, bool) {
    let mut found = (false, false);
    for pair in children.chunks_exact(2) {
        let (Some(key), Some(value)) = (tree.node(pair[0]), tree.node(pair[1])) else {
            continue;
        };
        if value.properties {
            continue;
        }
        let inner = lines.column(value.span().start);
        let Some(deeper) = inner
            .checked_sub(lines.column(key.span().start))
            .filter(|deeper| *deeper <= 8)
        else {
            continue;
        };
        match value.kind {
            Kind::BlockMapping if !found.0 && deeper > 0 => {
                layout.step = deeper;
                found.0 = true;
            }
            Kind::BlockSequence if !found.1 => {
                layout.dash = deeper;
                found.1 = true;
            }
            _ => {}
        }
    }
    found
}
