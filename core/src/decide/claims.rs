//! Several wirings for one object: the lowest name wins per entry name and per label, whatever came first.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::draft::{Draft, DraftEntry};
use super::record::Wired;
use super::wire::Values;
use crate::decision::Reason;
use crate::facts::Facts;
use crate::subject::Subject;
use crate::wiring::{Rules, Wiring};

/// What earlier wirings have taken: entry names, and label keys with their value.
#[derive(Default)]
pub(super) struct Claims {
    entries: BTreeMap<String, Arc<str>>,
    labels: BTreeMap<String, (String, Arc<str>)>,
}

impl Claims {
    /// The lowest wiring name wins per entry name and per label key.
    pub(super) fn allow(
        &self,
        draft: &Draft<'_>,
        wiring: &Wiring,
        values: &Values,
        rules: &Rules,
    ) -> Result<(), Reason> {
        let entry = &wiring.entry.name;
        let earlier = |(name, _): &(&String, &Wired)| {
            name.as_str() < &*wiring.name && rules.wiring(name).is_some()
        };
        let holds = || draft.record.iter().filter(earlier);
        let held = |by: &str| Reason::EntryTaken {
            entry: entry.clone(),
            by: by.into(),
        };
        if let Some(by) = self.entries.get(entry) {
            return Err(held(by));
        }
        if let Some((by, _)) = holds().find(|(_, wired)| wired.entry == *entry) {
            return Err(held(by));
        }
        for (label, value) in &values.enforced {
            let taken = |by: &str| Reason::LabelTaken {
                label: label.clone(),
                by: by.into(),
            };
            if let Some((_, by)) = self
                .labels
                .get(label)
                .filter(|(claimed, _)| claimed != value)
            {
                return Err(taken(by));
            }
            let differs = |(_, wired): &(&String, &Wired)| {
                wired
                    .labels
                    .get(label)
                    .and_then(|values| values.first())
                    .is_some_and(|held| held != value)
            };
            if let Some((by, _)) = holds().find(differs) {
                return Err(taken(by));
            }
        }
        Ok(())
    }

    pub(super) fn take(&mut self, wiring: &Wiring, values: &Values) {
        self.entries
            .insert(wiring.entry.name.clone(), Arc::clone(&wiring.name));
        for (label, value) in &values.enforced {
            self.labels
                .entry(label.clone())
                .or_insert_with(|| (value.clone(), Arc::clone(&wiring.name)));
        }
    }
}

/// Whether the holder of a record makes way for a wiring: a later one does, and one that is gone.
pub(super) fn yields(holder: &str, wiring: &Wiring, rules: &Rules) -> bool {
    *holder != *wiring.name && (rules.wiring(holder).is_none() || holder > &*wiring.name)
}

/// The records that make way: of later wirings, and of wirings that are gone, where they hold our entry or label.
pub(super) fn overtaken(
    draft: &Draft<'_>,
    wiring: &Wiring,
    values: &Values,
    rules: &Rules,
) -> Vec<String> {
    let holds = |(name, wired): &(&String, &Wired)| {
        if !yields(name, wiring, rules) {
            return false;
        }
        let gone = rules.wiring(name).is_none();
        let url = draft
            .entries
            .iter()
            .find(|entry| entry.text("name") == wired.entry)
            .map(|entry| entry.text("url"));
        let label = values.enforced.iter().any(|(label, value)| {
            wired
                .labels
                .get(label)
                .and_then(|held| held.first())
                .is_some_and(|held| held != value)
        });
        wired.entry == wiring.entry.name
            || label
            || (gone && url == Some(wiring.entry.url.as_str()))
    };
    draft
        .record
        .iter()
        .filter(holds)
        .map(|(name, _)| name.clone())
        .collect()
}

/// An entry of the user's that an earlier wiring could adopt is that wiring's affair, also while it is left: adopted by
/// a later one under another name, it would be gone when the earlier one looks again.
pub(super) fn leave_to_earlier(
    entry: &DraftEntry<'_>,
    wiring: &Wiring,
    subject: &Subject<'_>,
    facts: &Facts,
    rules: &Rules,
) -> Result<(), Reason> {
    let (name, url) = (entry.text("name"), entry.text("url"));
    let earlier = rules
        .wirings()
        .iter()
        .take_while(|other| other.name < wiring.name);
    let claims = |other: &&Arc<Wiring>| {
        (other.entry.name == name || other.entry.url == url)
            && super::unselected(subject, facts, other).is_none()
    };
    match earlier.into_iter().find(claims) {
        Some(other) => Err(Reason::EntryTaken {
            entry: other.entry.name.clone(),
            by: Arc::clone(&other.name),
        }),
        None => Ok(()),
    }
}
