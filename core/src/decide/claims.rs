//! Several wirings for one object: the lowest name wins per entry name, per label and per destination, whatever came first.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::draft::{Draft, DraftEntry};
use super::record::Wired;
use super::wire::{Values, render};
use crate::decision::Reason;
use crate::facts::Facts;
use crate::subject::Subject;
use crate::wiring::{Rules, Wiring};

/// What earlier wirings have taken: entry names, label keys with their value, and where they send as whom.
#[derive(Default)]
pub(super) struct Claims {
    entries: BTreeMap<String, Arc<str>>,
    labels: BTreeMap<String, (String, Arc<str>)>,
    destinations: BTreeMap<String, Arc<str>>,
}

impl Claims {
    /// The lowest wiring name wins.
    pub(super) fn allow(
        &self,
        draft: &Draft<'_>,
        wiring: &Wiring,
        values: &Values,
        rules: &Rules,
    ) -> Result<(), Reason> {
        if let Some(by) = self.entries.get(&wiring.entry.name) {
            return Err(Reason::EntryTaken {
                entry: wiring.entry.name.clone(),
                by: Arc::clone(by),
            });
        }
        if let Some(by) = self.destinations.get(&destination(wiring, values)) {
            return Err(Reason::DestinationTaken { by: Arc::clone(by) });
        }
        for (label, value) in &values.enforced {
            if let Some((_, by)) = self
                .labels
                .get(label)
                .filter(|(claimed, _)| claimed != value)
            {
                return Err(Reason::LabelTaken {
                    label: label.clone(),
                    by: Arc::clone(by),
                });
            }
        }
        match draft
            .record
            .iter()
            .find_map(|holder| standing(holder, draft, wiring, values, rules))
        {
            Some(at) => Err(Reason::EntryConflicts {
                path: format!("spec.remoteWrite[{at}]"),
            }),
            None => Ok(()),
        }
    }

    pub(super) fn take(&mut self, wiring: &Wiring, values: &Values) {
        let name = || Arc::clone(&wiring.name);
        self.entries.insert(wiring.entry.name.clone(), name());
        self.destinations
            .insert(destination(wiring, values), name());
        for (label, value) in &values.enforced {
            self.labels
                .entry(label.clone())
                .or_insert_with(|| (value.clone(), name()));
        }
    }
}

/// The entry of an earlier wiring that is left, where it stands in our way: it has our name, or its rules would stamp
/// another value of a label.
///
/// A record alone does not count: whoever can write the object can write one.
fn standing(
    (name, wired): (&String, &Wired),
    draft: &Draft<'_>,
    wiring: &Wiring,
    values: &Values,
    rules: &Rules,
) -> Option<usize> {
    let holder = rules
        .wiring(name)
        .filter(|holder| holder.name < wiring.name)?;
    let stands = |entry: &DraftEntry<'_>| {
        entry.text("name") == wired.entry && holder.entry.leads_to(entry.text("url"))
    };
    let at = draft.entries.iter().position(stands)?;
    (wired.entry == wiring.entry.name || differs(wired, values)).then_some(at)
}

/// Whether a record holds another value of a label that we enforce.
fn differs(wired: &Wired, values: &Values) -> bool {
    values.enforced.iter().any(|(label, value)| {
        wired
            .labels
            .get(label)
            .and_then(|held| held.first())
            .is_some_and(|held| held != value)
    })
}

/// Where a wiring sends and as whom. Two entries of one destination send every sample twice.
fn destination(wiring: &Wiring, values: &Values) -> String {
    let auth = wiring
        .entry
        .enforced
        .iter()
        .filter(|(name, _)| matches!(*name, "basicAuth" | "authorization" | "azureAd"));
    let auth: String = auth.map(|(_, value)| value.to_string()).collect();
    let (header, tenant) = values
        .tenant
        .as_ref()
        .map_or(("", ""), |(header, value)| (header, value));
    format!("{}\n{header}\n{tenant}\n{auth}", wiring.entry.canonical)
}

/// Whether the holder of a record makes way for a wiring: a later one does, and one that is gone.
pub(super) fn yields(holder: &str, wiring: &Wiring, rules: &Rules) -> bool {
    *holder != *wiring.name && (rules.wiring(holder).is_none() || holder > &*wiring.name)
}

/// A record that makes way: of a later wiring, or of one that is gone, where it holds our entry, another value of our
/// label, or our destination.
pub(super) fn overtaken(
    draft: &Draft<'_>,
    wiring: &Wiring,
    values: &Values,
    rules: &Rules,
) -> Option<String> {
    let urls: BTreeMap<&str, &str> = draft
        .entries
        .iter()
        .map(|entry| (entry.text("name"), entry.text("url")))
        .collect();
    let ours = destination(wiring, values);
    let makes_way = |(name, wired): &(&String, &Wired)| {
        if !yields(name, wiring, rules) {
            return false;
        }
        let sends_the_same = match rules.wiring(name) {
            None => urls
                .get(wired.entry.as_str())
                .is_some_and(|url| wiring.entry.leads_to(url)),
            Some(other) => render(draft.subject, other)
                .is_some_and(|values| destination(other, &values) == ours),
        };
        wired.entry == wiring.entry.name || differs(wired, values) || sends_the_same
    };
    let mut records = draft.record.iter();
    records.find(makes_way).map(|(name, _)| name.clone())
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
        (other.entry.name == name || other.entry.leads_to(url))
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
