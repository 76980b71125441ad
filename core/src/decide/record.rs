//! The `wired` annotation: what of an object is ours, per wiring. Never a url, a header or a credential.
//!
//! `{"v":1,"hub":{"entry":"thanos","labels":{"cluster":["edge"],"region":["eu","old"]},"rules":[5,"9f3c21aa"],
//! "set":{"/queueConfig/retryOnRateLimit":true}}}`
//!
//! Beside what was before, the annotation holds what we put in its place. So a value that differs is known to be the
//! user's, whichever of the wiring and the user changed last and whether or not an old object is at hand.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::names;

/// What one wiring has put into an object.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
pub struct Wired {
    /// The entry's name.
    pub entry: String,
    /// Labels: the value that we set, and the user's own where there was one.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, Vec<String>>,
    /// Pointers of the containers that were not there before us.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub made: BTreeSet<String>,
    /// How many of the last relabel rules are ours, and their digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<(usize, String)>,
    /// Below the entry: the defaults that we gave, with their value; in an adopted entry also what we added, as null.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub set: BTreeMap<String, Value>,
    /// Of an adopted entry: the name that it had, empty where it had none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub was: Option<String>,
}

/// The whole annotation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Record(BTreeMap<String, Wired>);

/// Why an annotation is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unread {
    /// It is not one of ours.
    Garbage,
    /// It is of this version, which a newer program wrote.
    Newer(i64),
}

const VERSION: &str = "v";

impl Record {
    /// Reads the annotation.
    ///
    /// # Errors
    /// When it is not one of ours, or one of a newer version. More than we would write is not read at all: the API
    /// server holds an annotation's size against its own limit only after admission.
    pub fn read(text: &str) -> Result<Self, Unread> {
        if text.len() > names::WIRED_LIMIT {
            return Err(Unread::Garbage);
        }
        let Ok(Value::Object(mut members)) = serde_json::from_str(text) else {
            return Err(Unread::Garbage);
        };
        match members.remove(VERSION).as_ref().and_then(Value::as_i64) {
            Some(1) => {}
            Some(version) if version > 1 => return Err(Unread::Newer(version)),
            _ => return Err(Unread::Garbage),
        }
        let read =
            |(name, value): (String, Value)| Some((name, serde_json::from_value(value).ok()?));
        let records: Option<BTreeMap<String, Wired>> = members.into_iter().map(read).collect();
        let mut records = records.ok_or(Unread::Garbage)?;
        for wired in records.values_mut() {
            // A label that was the user's with the very value that we wanted was never changed: nothing to give back.
            wired
                .labels
                .retain(|_, values| !values.is_empty() && values.first() != values.get(1));
        }
        Ok(Self(records))
    }

    /// Writes the annotation: sorted keys, no spaces. `None` when there is nothing to remember.
    pub fn write(&self) -> Option<String> {
        if self.0.is_empty() {
            return None;
        }
        let mut members: Map<String, Value> = Map::new();
        for (name, wired) in &self.0 {
            members.insert(name.clone(), serde_json::to_value(wired).ok()?);
        }
        members.insert(VERSION.to_owned(), Value::from(1));
        members.sort_keys();
        serde_json::to_string(&members).ok()
    }

    /// What one wiring has put in.
    pub fn wired(&self, wiring: &str) -> Option<&Wired> {
        self.0.get(wiring)
    }

    /// Whether no wiring has put anything in.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The wirings that have put something in, lowest name first.
    pub fn names(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&String, &Wired)> {
        self.0.iter()
    }

    pub(super) fn insert(&mut self, wiring: &str, wired: Wired) {
        self.0.insert(wiring.to_owned(), wired);
    }

    pub(super) fn remove(&mut self, wiring: &str) -> Option<Wired> {
        self.0.remove(wiring)
    }

    /// Hands over a label that another wiring holds with the same value, so that it stays when that wiring drops it.
    pub(super) fn hand_over_label(
        &mut self,
        label: &str,
        value: &str,
        yields: impl Fn(&str) -> bool,
    ) -> Option<Vec<String>> {
        let others = self
            .0
            .iter_mut()
            .filter(|(name, _)| yields(name))
            .map(|(_, wired)| wired);
        let mut holders = others.filter(|wired| {
            wired
                .labels
                .get(label)
                .and_then(|held| held.first())
                .is_some_and(|held| held == value)
        });
        holders.next()?.labels.remove(label)
    }

    /// Keeps the containers that we made with the lowest wiring: one place, so that it is the same every time.
    pub(super) fn set_made(&mut self, made: BTreeSet<String>) {
        let mut made = Some(made);
        for wired in self.0.values_mut() {
            wired.made = made.take().unwrap_or_default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes_and_nothing_else() {
        let mut record = Record::default();
        assert_eq!(record.write(), None);
        record.insert(
            "hub",
            Wired {
                entry: "thanos".into(),
                labels: BTreeMap::from([("cluster".into(), vec!["edge".into()])]),
                ..Wired::default()
            },
        );
        let text = record.write().unwrap();
        assert_eq!(
            text,
            r#"{"hub":{"entry":"thanos","labels":{"cluster":["edge"]}},"v":1}"#
        );
        assert_eq!(Record::read(&text), Ok(record));
        for garbage in [
            "",
            "{}",
            "[]",
            r#"{"v":1,"hub":7}"#,
            r#"{"v":1,"hub":{"entry":1}}"#,
            "{",
        ] {
            assert_eq!(Record::read(garbage), Err(Unread::Garbage), "{garbage}");
        }
        assert_eq!(Record::read(r#"{"v":2,"hub":{}}"#), Err(Unread::Newer(2)));
        let long = format!(r#"{{"v":1,"hub":{{"entry":"{}"}}}}"#, "x".repeat(2048));
        assert_eq!(Record::read(&long), Err(Unread::Garbage));
    }
}
