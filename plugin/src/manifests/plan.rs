//! Compares the old value with the new one, node by node, and notes what to replace in the text.
//!
//! Every function gives nothing where the text is not of the plain block kind that it knows; the caller then writes the
//! document anew.

use serde_json::{Map, Value};

use super::align::{Step, align};
use super::layout::{layout, observe};
use super::rewrite::has_comments;
use super::splice::{Lines, Splices};
use crate::yaml::{Kind, Layout, Tree, after_dash, after_key, pair};

/// The text with the changes in it.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) text: String,
    pub(super) comments_lost: bool,
}

/// Notes and makes the changes.
pub(super) fn plan(text: &str, tree: &Tree, old: &Value, new: &Value) -> Option<Outcome> {
    let lines = Lines { text };
    let mut plan = Plan {
        lines,
        tree,
        layout: layout(text, tree),
        splices: Splices::default(),
        comments_lost: false,
    };
    plan.value(0, old, new, None)?;
    Some(Outcome {
        text: plan.splices.apply(text)?,
        comments_lost: plan.comments_lost,
    })
}

/// What a value stands behind: the colon of a key or the dash of an item.
#[derive(Debug, Clone, Copy)]
struct Place {
    /// Of the key, or of the dash.
    column: usize,
    /// Behind the colon, or behind the dash.
    end: usize,
    /// The way new text is laid out here.
    layout: Layout,
    is_item: bool,
}

struct Plan<'a> {
    lines: Lines<'a>,
    tree: &'a Tree,
    layout: Layout,
    splices: Splices,
    comments_lost: bool,
}

impl Plan<'_> {
    fn value(
        &mut self,
        number: usize,
        old: &Value,
        new: &Value,
        place: Option<Place>,
    ) -> Option<()> {
        if old == new {
            return Some(());
        }
        let node = self.tree.node(number)?;
        if node.properties || node.kind == Kind::Alias {
            return None;
        }
        match (node.kind, old, new) {
            (Kind::BlockMapping, Value::Object(old), Value::Object(new))
                if new.keys().any(|key| old.contains_key(key)) =>
            {
                self.mapping(number, old, new)
            }
            (Kind::BlockSequence, Value::Array(old), Value::Array(items)) => {
                let steps = align(old, items);
                if steps.iter().any(|step| matches!(step, Step::Keep { .. })) {
                    self.sequence(number, old, items, &steps)
                } else {
                    self.replace(number, new, place?)
                }
            }
            _ => self.replace(number, new, place?),
        }
    }

    /// Puts a new value where another one was, behind the same key or dash.
    fn replace(&mut self, number: usize, new: &Value, place: Place) -> Option<()> {
        let node = self.tree.node(number)?;
        let span = node.span();
        let end = span.end.max(place.end);
        let mut text = String::new();
        if place.is_item {
            after_dash(&mut text, new, place.column, place.layout);
        } else {
            after_key(&mut text, new, place.column, place.layout);
        }
        let head = text.find(place.layout.newline).unwrap_or(text.len());
        let (head, body) = text.split_at(head);
        let one_line = self.lines.end(place.end) >= span.start.max(place.end);
        let is_block = matches!(node.kind, Kind::BlockMapping | Kind::BlockSequence);
        if is_block && !one_line {
            // The key's own line keeps its comment.
            let (key_line, last_line) = (
                self.lines.end(place.end),
                self.lines.end_with_comments(end, place.column + 1),
            );
            self.splices.replace(place.end..place.end, head);
            self.splices.replace(key_line..last_line, body);
            return Some(());
        }
        let last_line = self.lines.end(end);
        if is_block {
            self.splices.replace(place.end..last_line, text);
            return Some(());
        }
        if has_comments(self.lines.text, self.tree, place.end..end) {
            self.comments_lost = true;
        }
        self.splices.replace(place.end..end, head);
        self.splices.replace(last_line..last_line, body);
        Some(())
    }

    fn mapping(
        &mut self,
        number: usize,
        old: &Map<String, Value>,
        new: &Map<String, Value>,
    ) -> Option<()> {
        let children: Vec<usize> = self.tree.children(number).collect();
        // More keys may be written than there are members, or fewer: some are repeated or merged. Then nothing can be
        // changed here, but something added.
        let regular = children.len() == old.len() * 2;
        if !regular && old.iter().any(|(key, value)| new.get(key) != Some(value)) {
            return None;
        }
        let layout = self.layout_near(&children);
        let column = self
            .lines
            .column(self.tree.node(*children.first()?)?.span().start);
        let mut members = Vec::with_capacity(children.len() / 2);
        let mut entries = old.iter().filter(|_| regular);
        for children in children.chunks_exact(2) {
            let key = self.tree.node(children[0])?.span();
            let colon = self.colon(key.end);
            let end = self.tree.node(children[1])?.span().end;
            let (stays, changed) = match entries.next() {
                None => (true, None),
                Some((name, value)) => match new.get(name) {
                    Some(changed) => (true, Some((value, changed)).filter(|(old, new)| old != new)),
                    None => (false, None),
                },
            };
            // Only what is not touched may have its colon on another line.
            let colon = if stays && changed.is_none() {
                colon.unwrap_or(end)
            } else {
                colon?
            };
            members.push((key.start, end.max(colon), stays));
            if let Some((value, changed)) = changed {
                let place = Place {
                    column,
                    end: colon,
                    layout,
                    is_item: false,
                };
                self.value(children[1], value, changed, Some(place))?;
            }
        }
        self.cut(&members, column)?;
        let last = members.iter().rfind(|(.., stays)| *stays)?.1;
        let mut text = String::new();
        for (key, value) in new.iter().filter(|(key, _)| !old.contains_key(*key)) {
            text.push_str(layout.newline);
            text.extend(std::iter::repeat_n(' ', column));
            pair(&mut text, key, value, column, layout);
        }
        let at = self.lines.end_with_comments(last, column);
        self.splices.replace(at..at, text);
        Some(())
    }

    fn sequence(
        &mut self,
        number: usize,
        old: &[Value],
        new: &[Value],
        steps: &[Step],
    ) -> Option<()> {
        let children: Vec<usize> = self.tree.children(number).collect();
        if children.len() != old.len() {
            return None;
        }
        let mut dashes = Vec::with_capacity(old.len());
        let mut from = self.tree.node(number)?.span().start;
        for child in &children {
            let dash = self.lines.token(from);
            if !self.lines.text[dash..].starts_with('-') {
                return None;
            }
            from = self.tree.node(*child)?.span().end.max(dash + 1);
            dashes.push((dash, from));
        }
        let column = self.lines.column(dashes.first()?.0);
        let layout = self.item_layout(&children, dashes.first()?.0);
        let mut items: Vec<_> = dashes
            .iter()
            .map(|(dash, end)| (*dash, *end, true))
            .collect();
        let mut before = None;
        let mut first = Vec::new();
        for step in steps {
            match *step {
                Step::Keep { old: from, new: to } => {
                    let place = Place {
                        column,
                        end: dashes[from].0 + 1,
                        layout,
                        is_item: true,
                    };
                    self.value(children[from], &old[from], &new[to], Some(place))?;
                    if before.is_none() {
                        self.before_first(&first, dashes[from].0, column, layout)?;
                    }
                    before = Some(from);
                }
                Step::Remove { old } => items[old].2 = false,
                Step::Insert { new: from } => match before {
                    None => first.push(&new[from]),
                    Some(above) => {
                        let at = self.lines.end_with_comments(dashes[above].1, column + 1);
                        let mut text = layout.newline.to_owned();
                        item(&mut text, &new[from], column, layout);
                        self.splices.replace(at..at, text);
                    }
                },
            }
        }
        self.cut(&items, column)
    }

    /// Puts new items above the first that stays, and above the comments that stand directly above that.
    fn before_first(
        &mut self,
        new: &[&Value],
        dash: usize,
        column: usize,
        layout: Layout,
    ) -> Option<()> {
        if new.is_empty() {
            return Some(());
        }
        if !self.lines.is_first(dash) {
            return None;
        }
        let mut at = self.lines.start(dash);
        while at > 0 {
            let above = self.lines.start(at - 1);
            let content = self.lines.text[above..].trim_start_matches(' ');
            if !content.starts_with('#') || self.lines.text.len() - content.len() - above != column
            {
                break;
            }
            at = above;
        }
        let mut text = String::new();
        for value in new {
            item(&mut text, value, column, layout);
            text.push_str(layout.newline);
        }
        self.splices.replace(at..at, text);
        Some(())
    }

    /// Cuts the members or items that do not stay: (start, end of content, stays), at least one of which does.
    fn cut(&mut self, parts: &[(usize, usize, bool)], column: usize) -> Option<()> {
        let mut parts = parts;
        let (first, _, stays) = *parts.first()?;
        if !stays && !self.lines.is_first(first) {
            // Behind a dash: what stays moves up to it, or its comments keep the line.
            let gone = parts.iter().take_while(|(.., stays)| !stays).count();
            let (removed, rest) = parts.split_at(gone);
            let (end, next) = (removed.last()?.1, rest.first()?.0);
            let has_comment = self.lines.text[end..next].contains('#');
            self.splices
                .replace(first..if has_comment { end } else { next }, "");
            parts = rest;
        }
        for (start, end, _) in parts.iter().filter(|(.., stays)| !stays) {
            if !self.lines.is_first(*start) {
                return None;
            }
            let end = self.lines.end_with_comments(*end, column + 1);
            self.splices.replace(self.lines.whole(*start, end), "");
        }
        Some(())
    }

    /// Behind the colon of a key that ends at an offset; a key with a question mark has it on another line.
    fn colon(&self, key_end: usize) -> Option<usize> {
        let rest = self.lines.text[key_end..].trim_start_matches([' ', '\t']);
        rest.starts_with(':')
            .then(|| self.lines.text.len() - rest.len() + 1)
    }

    /// The document's layout, as far as the members of one mapping do not have their own.
    fn layout_near(&self, children: &[usize]) -> Layout {
        let mut layout = self.layout;
        observe(self.lines, self.tree, children, &mut layout);
        layout
    }

    fn item_layout(&self, children: &[usize], first_dash: usize) -> Layout {
        let first = children
            .first()
            .and_then(|child| self.tree.node(*child))
            .map_or(0..0, crate::yaml::Node::span);
        let mapping = children.iter().find(|child| {
            self.tree
                .node(**child)
                .is_some_and(|node| node.kind == Kind::BlockMapping)
        });
        let mut layout = mapping.map_or(self.layout, |mapping| {
            let children: Vec<usize> = self.tree.children(*mapping).collect();
            self.layout_near(&children)
        });
        if first.end > first.start && first.start <= self.lines.end(first_dash) {
            layout.gap = (first.start - first_dash).clamp(2, 8);
        }
        layout
    }
}

fn item(out: &mut String, value: &Value, column: usize, layout: Layout) {
    out.extend(std::iter::repeat_n(' ', column));
    out.push('-');
    after_dash(out, value, column, layout);
}
