//! What is found while a file is judged, and what the checks may ask.

use super::decode::{Held, Seen};
use super::{Finding, Place, reference};
use crate::codes::Code;
use crate::yaml::{Document, Position};

/// The file, what was seen in it and what is wrong with it.
pub(super) struct Report<'a> {
    pub(super) text: &'a str,
    pub(super) document: &'a Document,
    pub(super) seen: Vec<Seen>,
    pub(super) faults: Vec<Finding>,
    pub(super) lints: Vec<Finding>,
}

impl<'a> Report<'a> {
    pub(super) fn new(text: &'a str, document: &'a Document) -> Self {
        Self {
            text,
            document,
            seen: Vec::new(),
            faults: Vec::new(),
            lints: Vec::new(),
        }
    }

    /// What Thanos refuses, at a node.
    pub(super) fn fault(
        &mut self,
        code: &'static Code,
        path: &str,
        sentence: impl Into<String>,
        node: Option<usize>,
    ) {
        let place = node.map(|node| self.place(node));
        self.faults.push(Finding::new(code, path, sentence, place));
    }

    /// What Thanos accepts, at a node.
    pub(super) fn lint(
        &mut self,
        code: &'static Code,
        path: &str,
        sentence: impl Into<String>,
        node: Option<usize>,
    ) {
        let place = node.map(|node| self.place(node));
        self.lints.push(Finding::new(code, path, sentence, place));
    }

    /// What Thanos refuses, at a field below `config`.
    pub(super) fn refuse(&mut self, code: &'static Code, name: &str, sentence: impl Into<String>) {
        let node = self.find(name).map(|seen| seen.value);
        self.fault(code, &format!("config.{name}"), sentence, node);
    }

    /// What Thanos accepts, at a field below `config`.
    pub(super) fn warn(&mut self, code: &'static Code, name: &str, sentence: impl Into<String>) {
        let node = self.find(name).map(|seen| seen.value);
        self.lint(code, &format!("config.{name}"), sentence, node);
    }

    /// The field of that name below `config`.
    pub(super) fn find(&self, name: &str) -> Option<&Seen> {
        let is_it = |seen: &&Seen| seen.path.strip_prefix("config.") == Some(name);
        self.seen.iter().find(is_it)
    }

    /// Its text; empty when it is not there.
    pub(super) fn text(&self, name: &str) -> &str {
        match self.find(name).map(|seen| &seen.held) {
            Some(Held::Text(text)) => text,
            _ => "",
        }
    }

    /// Its text if it is there and known here: what holds `$(NAME)` is known where Thanos runs.
    pub(super) fn known(&self, name: &str) -> Option<&str> {
        Some(self.text(name)).filter(|text| !text.is_empty() && !reference(text))
    }

    /// Whether it holds a text.
    pub(super) fn has(&self, name: &str) -> bool {
        !self.text(name).is_empty()
    }

    /// Its truth, if it is there and known.
    pub(super) fn flag(&self, name: &str) -> Option<bool> {
        match self.find(name)?.held {
            Held::Flag(value) => Some(value),
            _ => None,
        }
    }

    /// Its number, if it is there and known.
    pub(super) fn whole(&self, name: &str) -> Option<i64> {
        match self.find(name)?.held {
            Held::Whole(value) => Some(value),
            _ => None,
        }
    }

    fn place(&self, node: usize) -> Place {
        self.place_at(self.document.span(node).start)
    }

    /// The place of a byte.
    pub(super) fn place_at(&self, offset: usize) -> Place {
        let Position { line, column } = Position::of(self.text, offset);
        Place { line, column }
    }
}
