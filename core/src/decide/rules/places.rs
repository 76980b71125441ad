//! One walk over an object's `spec`: every field that the table of sensitive fields knows, with its path and value.

use std::fmt::Write;

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::fields::sensitive::{Row, is_free, is_whole, rows};
use crate::subject::Subject;

/// Deeper than any CRD of the operator's goes.
const MOST_STEPS: usize = 48;

/// One step from `spec` down.
#[derive(Clone, Copy, Debug)]
enum Step<'a> {
    Member(&'a str),
    Item(usize, &'a Value),
}

/// Where a value is, from `spec` down.
#[derive(Clone, Debug, Default)]
pub(super) struct Spot<'a>(Vec<Step<'a>>);

/// A value that the table knows.
#[derive(Debug)]
pub(super) struct Place<'a> {
    pub(super) row: &'static Row,
    pub(super) at: Spot<'a>,
    pub(super) value: &'a Value,
}

/// All of them.
#[derive(Debug)]
pub(super) struct Places<'a> {
    pub(super) all: Vec<Place<'a>>,
}

impl<'a> Places<'a> {
    pub(super) fn of(subject: &Subject<'a>) -> Self {
        let mut places = Self { all: Vec::new() };
        if let Some(spec) = subject.raw.get("spec") {
            places.walk(spec, &mut Spot::default(), false);
        }
        places
    }

    fn walk(&mut self, value: &'a Value, at: &mut Spot<'a>, free: bool) {
        if value.is_null() || at.0.len() > MOST_STEPS {
            return;
        }
        for row in rows(&at.key()) {
            if row.matches(&at.names()) {
                self.all.push(Place {
                    row,
                    at: at.clone(),
                    value,
                });
            }
        }
        if free || is_whole(&at.names()) {
            return;
        }
        match value {
            Value::Object(members) => {
                let free = at.last_member().is_some_and(is_free);
                for (name, member) in members {
                    at.0.push(Step::Member(name));
                    self.walk(member, at, free);
                    at.0.pop();
                }
            }
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    at.0.push(Step::Item(index, item));
                    self.walk(item, at, false);
                    at.0.pop();
                }
            }
            _ => {}
        }
    }
}

impl<'a> Spot<'a> {
    /// An entry of `spec.remoteWrite`.
    pub(super) fn entry(index: usize, entry: &'a Value) -> Self {
        Self(vec![Step::Member("remoteWrite"), Step::Item(index, entry)])
    }

    /// One member below.
    pub(super) fn member(&self, name: &'a str) -> Self {
        let mut steps = self.0.clone();
        steps.push(Step::Member(name));
        Self(steps)
    }

    /// One item below.
    pub(super) fn item(&self, index: usize, item: &'a Value) -> Self {
        let mut steps = self.0.clone();
        steps.push(Step::Item(index, item));
        Self(steps)
    }

    /// `spec.remoteWrite[0].url`, as people read it.
    pub(super) fn path(&self) -> String {
        self.write(|path, index, _| {
            let _ = write!(path, "[{index}]");
        })
    }

    /// The same with items by their name, or by their content where they have none.
    pub(super) fn place(&self) -> String {
        self.write(
            |path, _, item| match item.get("name").and_then(Value::as_str) {
                Some(name) => {
                    let _ = write!(path, "[={name}]");
                }
                None => {
                    let _ = write!(path, "[#{}]", u64::from_be_bytes(digest(item)));
                }
            },
        )
    }

    /// The entry of `remoteWrite` that this is in, the field of it, and the steps below the field.
    pub(super) fn in_entry(&self) -> Option<(&'a Value, &'a str, Vec<&'a str>)> {
        match self.0.as_slice() {
            [
                Step::Member("remoteWrite"),
                Step::Item(_, entry),
                Step::Member(field),
                rest @ ..,
            ] => {
                let rest = rest.iter().map(|step| match step {
                    Step::Member(name) => Some(*name),
                    Step::Item(..) => None,
                });
                Some((entry, field, rest.collect::<Option<_>>()?))
            }
            _ => None,
        }
    }

    /// The names of the steps: `remoteWrite`, `[]`, `url`.
    pub(super) fn names(&self) -> Vec<&'a str> {
        self.0
            .iter()
            .map(|step| match step {
                Step::Member(name) => *name,
                Step::Item(..) => "[]",
            })
            .collect()
    }

    /// The last name that is no index.
    pub(super) fn last_member(&self) -> Option<&'a str> {
        self.0.iter().rev().find_map(|step| match step {
            Step::Member(name) => Some(*name),
            Step::Item(..) => None,
        })
    }

    /// What the rows of the table are found by.
    fn key(&self) -> [&'a str; 2] {
        let name = |step: Option<&Step<'a>>| match step {
            Some(Step::Member(name)) => *name,
            Some(Step::Item(..)) => "[]",
            None => "",
        };
        let last = self.0.len();
        [
            name(self.0.last()),
            name(last.checked_sub(2).and_then(|before| self.0.get(before))),
        ]
    }

    fn write(&self, item: impl Fn(&mut String, usize, &Value)) -> String {
        let mut path = String::from("spec");
        for step in &self.0 {
            match step {
                Step::Member(name) => {
                    path.push('.');
                    path.push_str(name);
                }
                Step::Item(index, value) => item(&mut path, *index, value),
            }
        }
        path
    }
}

/// The first bytes of a value's digest: enough to tell two values of one field apart, and no value is kept.
pub(super) fn digest(value: &Value) -> [u8; 8] {
    let mut first = [0; 8];
    let bytes = serde_json::to_vec(value).unwrap_or_default();
    first.copy_from_slice(&Sha256::digest(bytes)[..8]);
    first
}
