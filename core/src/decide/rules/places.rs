//! One walk over an object's `spec`: every field that the table of sensitive fields knows, with its path and value.

use std::cell::OnceCell;
use std::fmt::Write;
use std::rc::Rc;

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::case::Findings;
use crate::decision::Decision;
use crate::fields::sensitive::{Row, Sort, is_free, is_whole, rows};
use crate::subject::Subject;

/// Deeper than any CRD of the operator's goes.
const MOST_STEPS: usize = 48;

/// One step from `spec` down.
#[derive(Clone, Debug)]
enum Step<'a> {
    Member(&'a str),
    Item(Item<'a>),
}

/// An item of a list. Its digest is made at most once: a long item may hold many findings.
#[derive(Clone, Debug)]
struct Item<'a> {
    index: usize,
    value: &'a Value,
    digest: Rc<OnceCell<Digested>>,
}

/// The first bytes of a digest.
pub(super) type Digested = [u8; 16];

/// The most places of one object, relabel rules among them, that are judged: many times what anybody's has. Whoever
/// writes the object chooses how many there are, and each is looked at by every rule of every policy.
const MOST_PLACES: usize = 2048;
/// A relabel rule costs as much as this many places: its expression is compiled.
const COST_OF_RULE: usize = 4;

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
    /// What takes the replica label away (`replica-label`).
    pub(super) replicas: OnceCell<Findings>,
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
            replicas: OnceCell::new(),
        }
    }

    /// Whether there are more of them than are judged.
    pub(super) fn are_too_many(&self) -> bool {
        let inner = |place: &Place<'_>| match place.row.sort {
            Sort::Relabelling => COST_OF_RULE * place.value.as_array().map_or(0, Vec::len),
            _ if is_whole(&place.at.names()) => items(place.value),
            _ => 1,
        };
        self.all.iter().map(inner).sum::<usize>() > MOST_PLACES
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
                    self.step(Step::item(index, item), item, value, false);
                }
            }
            _ => {}
        }
    }
}

impl<'a> Step<'a> {
    fn item(index: usize, value: &'a Value) -> Self {
        let digest = Rc::default();
        Step::Item(Item {
            index,
            value,
            digest,
        })
    }

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
        Self(vec![Step::Member("remoteWrite"), Step::item(index, entry)])
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
        steps.push(Step::item(index, item));
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
        self.write(|path, item| {
            let _ = write!(path, "[{}]", item.index);
        })
    }

    /// The same with items by their name, or by their content where they have none.
    pub(super) fn place(&self) -> String {
        self.write(|path, item| {
            if let Some(name) = item.value.get("name").and_then(Value::as_str) {
                let _ = write!(path, "[={name}]");
            } else {
                let digest = item.digest.get_or_init(|| digest(item.value));
                let _ = write!(path, "[#{}]", u128::from_be_bytes(*digest));
            }
        })
    }

    /// The entry of `remoteWrite` that this is in, the field of it, and the steps below the field.
    pub(super) fn in_entry(&self) -> Option<(&'a Value, &'a str, Vec<&'a str>)> {
        match self.0.as_slice() {
            [
                Step::Member("remoteWrite"),
                Step::Item(Item { value: entry, .. }),
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

    /// Whether both are of one caller: in the same item of the first list on the way, or below the same field.
    pub(super) fn is_beside(&self, other: &Spot<'_>) -> bool {
        let caller = |steps: &[Step<'_>]| {
            let first = steps.iter().position(|step| matches!(step, Step::Item(_)));
            first.map_or(1, |first| first + 1).min(steps.len())
        };
        let (one, two) = (&self.0[..caller(&self.0)], &other.0[..caller(&other.0)]);
        let same = |(one, two): (&Step<'_>, &Step<'_>)| match (one, two) {
            (Step::Member(one), Step::Member(two)) => one == two,
            (Step::Item(one), Step::Item(two)) => one.index == two.index,
            _ => false,
        };
        one.len() == two.len() && one.iter().zip(two).all(same)
    }

    /// The item of the first list on the way.
    pub(super) fn first_item(&self) -> Option<&'a Value> {
        self.0.iter().find_map(|step| match step {
            Step::Item(item) => Some(item.value),
            Step::Member(_) => None,
        })
    }

    fn write(&self, write: impl Fn(&mut String, &Item<'a>)) -> String {
        let mut path = String::from("spec");
        for step in &self.0 {
            match step {
                Step::Member(name) => {
                    path.push('.');
                    path.push_str(name);
                }
                Step::Item(item) => write(&mut path, item),
            }
        }
        path
    }
}

/// The items of all lists in a value.
fn items(value: &Value) -> usize {
    match value {
        Value::Array(list) => list.iter().map(|item| 1 + items(item)).sum(),
        Value::Object(members) => members.values().map(items).sum(),
        _ => 0,
    }
}

/// The first bytes of a value's digest: enough to tell two values of one field apart, and no value is kept.
///
/// Whoever writes both objects must not find two values of one digest, so 64 bits would be too few.
pub(super) fn digest(value: &Value) -> Digested {
    let mut first = Digested::default();
    let bytes = serde_json::to_vec(value).unwrap_or_default();
    first.copy_from_slice(&Sha256::digest(bytes)[..size_of::<Digested>()]);
    first
}
