//! One walk over an object's `spec`: every field that the table of sensitive fields knows, with its path and value.

use std::cell::OnceCell;
use std::fmt::Write;

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::case::Findings;
use crate::decision::Decision;
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
    /// What it is a member or an item of.
    pub(super) parent: &'a Value,
}

/// All of them, and what has been thought about the object whatever the policy: once for all policies.
#[derive(Debug)]
pub(super) struct Places<'a> {
    pub(super) all: Vec<Place<'a>>,
    /// What wiring would do with the object as it is (`required-wiring`).
    pub(super) decision: OnceCell<Decision>,
    /// What is wrong with it toward the wirings' hubs (`identity-labels`).
    pub(super) toward_hubs: OnceCell<Findings>,
}

impl<'a> Places<'a> {
    pub(super) fn of(subject: &Subject<'a>) -> Self {
        let mut walk = Walk::default();
        if let Some(spec) = subject.raw.get("spec") {
            walk.below(spec, false);
        }
        Self {
            all: walk.found,
            decision: OnceCell::new(),
            toward_hubs: OnceCell::new(),
        }
    }
}

/// Where the walk is, and what it has found.
#[derive(Default)]
struct Walk<'a> {
    at: Spot<'a>,
    names: Vec<&'a str>,
    found: Vec<Place<'a>>,
}

impl<'a> Walk<'a> {
    /// One step down and back.
    fn step(&mut self, step: Step<'a>, value: &'a Value, parent: &'a Value, free: bool) {
        if value.is_null() || self.names.len() > MOST_STEPS {
            return;
        }
        self.names.push(step.name());
        self.at.0.push(step);
        for row in rows(&self.names) {
            self.found.push(Place {
                row,
                at: self.at.clone(),
                value,
                parent,
            });
        }
        if !free && !is_whole(&self.names) {
            let members_are_data = self.at.last_member().is_some_and(is_free);
            self.below(value, members_are_data);
        }
        self.at.0.pop();
        self.names.pop();
    }

    fn below(&mut self, value: &'a Value, members_are_data: bool) {
        match value {
            Value::Object(members) => {
                for (name, member) in members {
                    self.step(Step::Member(name), member, value, members_are_data);
                }
            }
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.step(Step::Item(index, item), item, value, false);
                }
            }
            _ => {}
        }
    }
}

impl<'a> Step<'a> {
    /// Its name in the table: `[]` for an item.
    fn name(&self) -> &'a str {
        match self {
            Step::Member(name) => name,
            Step::Item(..) => "[]",
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

    /// One step up.
    pub(super) fn parent(&self) -> Self {
        let mut steps = self.0.clone();
        steps.pop();
        Self(steps)
    }

    /// Whether this is an entry of `spec.remoteWrite`.
    pub(super) fn is_entry(&self) -> bool {
        matches!(
            self.0.as_slice(),
            [Step::Member("remoteWrite"), Step::Item(..)]
        )
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
        self.0.iter().map(Step::name).collect()
    }

    /// The last name that is no index.
    pub(super) fn last_member(&self) -> Option<&'a str> {
        self.0.iter().rev().find_map(|step| match step {
            Step::Member(name) => Some(*name),
            Step::Item(..) => None,
        })
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
