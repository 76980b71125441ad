//! One object as `decide` sees it where it is stored: what stands, and what is wrong with it.

use std::sync::Arc;

use serde_json::Value;
use thanos_core::decide::{Record, Wired};
use thanos_core::decision::{Outcome, Reason, Verdict};
use thanos_core::{Facts, Rules, Subject, decide, names};

use super::objects::Object;

/// What one wiring has come to in one object.
#[derive(Clone, Debug, PartialEq)]
pub enum Stand {
    /// Everything is in it.
    Wired,
    /// It is wired by what the wiring was before.
    Rewire,
    /// It is to be wired, or has lost its entry.
    Wire,
    /// Something stands in the way; whether it still has what the wiring was before.
    Left(Reason, bool),
    /// It is to be un-wired.
    Unwire(Reason),
    /// The wiring does not select it, and has nothing in it.
    Out(Reason),
}

impl Stand {
    /// Whether the wiring selects the object, and whether its entry is in it; `None`: it does not select it.
    pub fn counts(&self) -> Option<bool> {
        match self {
            Stand::Wired | Stand::Rewire | Stand::Left(_, true) => Some(true),
            Stand::Wire | Stand::Left(_, false) => Some(false),
            Stand::Unwire(_) | Stand::Out(_) => None,
        }
    }
}

/// One object and what is to be said of it.
#[derive(Clone, Debug)]
pub struct View {
    /// The object.
    pub object: Arc<Object>,
    /// What each wiring has come to, lowest name first.
    pub stands: Vec<(Arc<str>, Stand)>,
    /// The wirings that have something in it, whether or not they still exist.
    pub records: Vec<String>,
    /// Whether the mutator would change it, were it asked.
    pub wrong: bool,
}

impl View {
    /// Judges one stored object.
    pub fn of(object: &Arc<Object>, facts: &Facts, rules: &Rules) -> Option<Self> {
        let subject = Subject::read(&object.raw, None, &object.namespace).ok()?;
        let record = subject
            .annotation(names::WIRED)
            .and_then(|text| Record::read(text).ok());
        let record = record.unwrap_or_default();
        let decision = decide(&subject, facts, rules);
        let stands = decision.outcomes.into_iter().map(|(name, outcome)| {
            let wired = record.wired(&name);
            let stand = stand(
                outcome,
                wired.is_some_and(|wired| has_entry(&object.raw, wired)),
            );
            (name, stand)
        });
        Some(Self {
            object: Arc::clone(object),
            stands: stands.collect(),
            records: record.names(),
            wrong: matches!(decision.verdict, Verdict::Change(_)),
        })
    }

    /// What a wiring has come to here.
    pub fn stand(&self, wiring: &str) -> Option<&Stand> {
        let found = self.stands.iter().find(|(name, _)| **name == *wiring);
        found.map(|(_, stand)| stand)
    }

    /// Whether what a wiring has put in is still there. An object on its way out does not count: it takes it along.
    pub fn has_record(&self, wiring: &str) -> bool {
        !self.object.deleting && self.records.iter().any(|name| name == wiring)
    }

    /// The wirings whose change is all that is wrong with it: their pace holds for it. Empty: it is touched at once,
    /// because it sends nothing, or sends what it should not.
    pub fn paced_by(&self) -> Vec<Arc<str>> {
        let now = |(_, stand): &(Arc<str>, Stand)| matches!(stand, Stand::Wire | Stand::Unwire(_));
        if self.stands.iter().any(now) {
            return Vec::new();
        }
        self.rewires().cloned().collect()
    }

    /// The wirings that a touch would rewire it by.
    pub fn rewires(&self) -> impl Iterator<Item = &Arc<str>> {
        let rewire = |(_, stand): &&(Arc<str>, Stand)| *stand == Stand::Rewire;
        self.stands.iter().filter(rewire).map(|(name, _)| name)
    }
}

fn stand(outcome: Outcome, has_entry: bool) -> Stand {
    match outcome {
        Outcome::Wire if has_entry => Stand::Rewire,
        Outcome::Wire => Stand::Wire,
        Outcome::Unwire(reason) => Stand::Unwire(reason),
        Outcome::Leave(Reason::AlreadyWired) => Stand::Wired,
        Outcome::Leave(reason) if reason.is_obstacle() => Stand::Left(reason, has_entry),
        Outcome::Leave(reason) => Stand::Out(reason),
    }
}

/// Whether the entry that a record names is there. Without it the object was applied anew while no webhook answered.
fn has_entry(raw: &Value, wired: &Wired) -> bool {
    let entries = raw.pointer("/spec/remoteWrite").and_then(Value::as_array);
    let mut entries = entries.into_iter().flatten();
    entries.any(|entry| entry["name"] == wired.entry.as_str())
}
