//! The second law: which entry of the list is the wiring's, and which of the user's may become it.

use serde_json::{Map, Value};

use super::draft::Draft;
use crate::decision::Reason;
use crate::fields;
use crate::wiring::{self, Wiring};

/// Where the wiring's entry is or goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// It is ours already.
    Ours(usize),
    /// It is the user's, and says nothing that differs: it is taken over in place.
    Adopt(usize),
    /// It is the user's, and the admin has it overwritten.
    Replace(usize),
    /// There is none.
    Append,
}

/// Finds the wiring's entry by name and record, never by position.
pub(super) fn find(
    draft: &Draft<'_>,
    wiring: &Wiring,
    wanted: &Map<String, Value>,
) -> Result<Target, Reason> {
    let recorded = draft
        .record
        .wired(&wiring.name)
        .map(|wired| wired.entry.as_str());
    let of_another = |name: &str| {
        draft
            .record
            .iter()
            .any(|(other, wired)| **other != *wiring.name && wired.entry == name)
    };
    let named = |name: &str| {
        let entries = draft.entries.iter().enumerate();
        entries
            .filter(|(_, entry)| entry.text("name") == name)
            .map(|(at, _)| at)
            .collect::<Vec<_>>()
    };
    let candidates: Vec<usize> = draft
        .entries
        .iter()
        .enumerate()
        .filter(|(_, entry)| {
            let (name, url) = (entry.text("name"), entry.text("url"));
            name == wiring.entry.name
                || (wiring.entry.leads_to(url) && (name.is_empty() || !of_another(name)))
        })
        .map(|(at, _)| at)
        .collect();
    let ours = recorded.map(named).unwrap_or_default();
    match (ours.as_slice(), candidates.as_slice()) {
        ([one], others) => match others.iter().find(|other| *other != one) {
            Some(other) => Err(ambiguous(*one, *other)),
            None => Ok(Target::Ours(*one)),
        },
        ([one, other, ..], _) | ([], [one, other, ..]) => Err(ambiguous(*one, *other)),
        ([], []) => Ok(Target::Append),
        // Two entries of one name are refused by Prometheus: neither can be told from the other later on.
        ([], [one]) if twin(draft, *one).is_some() => {
            Err(ambiguous(*one, twin(draft, *one).unwrap_or(*one)))
        }
        ([], [one]) => match (conflict(draft, *one, wanted), wiring.entry.adopt) {
            (None, _) => Ok(Target::Adopt(*one)),
            (Some(_), wiring::Adopt::Replace) => Ok(Target::Replace(*one)),
            (Some(path), wiring::Adopt::Same) => Err(Reason::EntryConflicts { path }),
        },
    }
}

/// Another entry of the same name.
fn twin(draft: &Draft<'_>, at: usize) -> Option<usize> {
    let name = draft.entries[at].text("name");
    let same = |(other, entry): (usize, &super::draft::DraftEntry<'_>)| {
        other != at && !name.is_empty() && entry.text("name") == name
    };
    draft.entries.iter().enumerate().position(same)
}

fn ambiguous(one: usize, other: usize) -> Reason {
    Reason::EntryAmbiguous {
        path: format!("spec.remoteWrite[{one}]"),
        other: format!("spec.remoteWrite[{other}]"),
    }
}

/// The first field of a user's entry that we would set or remove and that is neither absent nor equal.
fn conflict(draft: &Draft<'_>, at: usize, wanted: &Map<String, Value>) -> Option<String> {
    let path = format!("spec.remoteWrite[{at}]");
    let members = draft.entries[at].value.as_object()?;
    for (name, value) in members {
        if value.is_null() || name == "name" || fields::kept(name) {
            continue;
        }
        match (wanted.get(name), value) {
            (Some(wanted), value) if wanted == value => {}
            (Some(Value::Object(wanted)), Value::Object(headers)) if name == "headers" => {
                if let Some((header, _)) = headers
                    .iter()
                    .find(|(header, value)| wanted.get(*header) != Some(value))
                {
                    return Some(format!("{path}.headers.{header}"));
                }
            }
            _ => return Some(format!("{path}.{name}")),
        }
    }
    let rules = members
        .get("writeRelabelConfigs")
        .filter(|rules| !rules.is_null());
    if rules.is_some_and(|rules| {
        !rules
            .as_array()
            .is_some_and(|rules| rules.iter().all(Value::is_object))
    }) {
        return Some(format!("{path}.writeRelabelConfigs"));
    }
    None
}
