//! The entry of a wiring: what it enforces, what it gives where there is nothing, and what the user keeps.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::adopt::Target;
use super::draft::{Draft, DraftEntry};
use super::record::Wired;
use super::versions::Gate;
use super::wire::{Done, Values};
use super::{identity, revert};
use crate::decision::{Reason, Warning};
use crate::fields;
use crate::wiring::{Wiring, crosses};

/// Every enforced field of the entry but its relabel rules, in the order in which it is written.
pub(super) fn wanted(wiring: &Wiring, values: &Values) -> Map<String, Value> {
    let mut members = Map::new();
    members.insert("name".to_owned(), Value::String(wiring.entry.name.clone()));
    members.insert("url".to_owned(), Value::String(wiring.entry.url.clone()));
    if let Some((header, value)) = &values.tenant {
        members.insert("headers".to_owned(), serde_json::json!({header: value}));
    }
    members.extend(
        wiring
            .entry
            .enforced
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone())),
    );
    members
}

/// Puts the entry in its place and says what of it is ours.
pub(super) fn put(
    draft: &mut Draft<'_>,
    wiring: &Wiring,
    values: &Values,
    wanted: &Map<String, Value>,
    target: Target,
    gate: &Gate<'_>,
    done: &mut Done,
) -> Result<Wired, Reason> {
    let (at, old) = match target {
        Target::Ours(at) => (Some(at), draft.record.wired(&wiring.name).cloned()),
        Target::Adopt(at) | Target::Replace(at) => (Some(at), None),
        Target::Append => (None, None),
    };
    let existing = at
        .and_then(|at| draft.entries[at].value.as_object())
        .cloned()
        .unwrap_or_default();
    let was = match target {
        Target::Ours(_) => old.as_ref().and_then(|old| old.was.clone()),
        Target::Adopt(at) => Some(draft.entries[at].text("name").to_owned()),
        Target::Replace(_) | Target::Append => None,
    };
    let old = old.unwrap_or_default();
    let mut wired = Wired {
        entry: wiring.entry.name.clone(),
        was,
        ..Wired::default()
    };
    let mut members = enforced(&existing, wanted, &old, &mut wired);
    let place = at.unwrap_or(draft.entries.len());
    relabel(&mut members, wiring, values, &old, &mut wired, place)?;
    defaults(&mut members, wiring, &old, &mut wired, gate, done);
    match at {
        // An entry that stays as it is stays borrowed.
        Some(_) if members == existing => {}
        Some(at) => {
            draft.entries[at].value = Cow::Owned(Value::Object(members));
            done.changed = true;
        }
        None => {
            draft.entries.push(DraftEntry {
                from: None,
                value: Cow::Owned(Value::Object(members)),
            });
            done.changed = true;
        }
    }
    Ok(wired)
}

/// Sets what we enforce, removes what is neither enforced nor the user's; notes what an adopted entry did not have.
fn enforced(
    existing: &Map<String, Value>,
    wanted: &Map<String, Value>,
    old: &Wired,
    wired: &mut Wired,
) -> Map<String, Value> {
    let mut members = existing.clone();
    members.retain(|name, _| wanted.contains_key(name) || fields::kept(name));
    for (name, value) in wanted {
        if wired.was.is_some() && name != "name" {
            let added = |path: &str, there: bool| {
                (!there || old.set.get(path).is_some_and(Value::is_null)).then(|| path.to_owned())
            };
            let before = existing.get(name).filter(|value| !value.is_null());
            let path = format!("/{name}");
            wired
                .set
                .extend(added(&path, before.is_some()).map(|path| (path, Value::Null)));
            if let (Some(headers), Some(had), false) = (
                value.as_object().filter(|_| name == "headers"),
                before.and_then(Value::as_object),
                wired.set.contains_key(&path),
            ) {
                for header in headers.keys() {
                    let path = format!("/headers/{header}");
                    wired.set.extend(
                        added(&path, had.contains_key(header)).map(|path| (path, Value::Null)),
                    );
                }
            }
        }
        members.insert(name.clone(), value.clone());
    }
    members
}

/// The user's own rules first, then the wiring's, then the enforced tail.
fn relabel(
    members: &mut Map<String, Value>,
    wiring: &Wiring,
    values: &Values,
    old: &Wired,
    wired: &mut Wired,
    place: usize,
) -> Result<(), Reason> {
    const FIELD: &str = "writeRelabelConfigs";
    const MADE: &str = "/writeRelabelConfigs";
    let path = || format!("spec.remoteWrite[{place}].{FIELD}");
    let there = match members.get(FIELD) {
        None | Some(Value::Null) => None,
        Some(Value::Array(rules)) => Some(rules.as_slice()),
        Some(_) => {
            return Err(Reason::Malformed {
                path: path(),
                must_be: "a list",
            });
        }
    };
    let mut rules = identity::without_ours(there.unwrap_or_default(), old.rules.as_ref());
    let ours: Vec<Value> = wiring
        .entry
        .rules
        .iter()
        .cloned()
        .chain(
            values
                .enforced
                .iter()
                .flat_map(|(label, value)| identity::tail(label, value)),
        )
        .collect();
    let has_ours = !ours.is_empty() && rules.ends_with(&ours);
    // A tail of the user's own with another value would stamp `exported_` labels on every series.
    let foreign = (0..rules.len()).find(|at| {
        identity::recognise(&rules[*at..]).is_some_and(|(label, value)| {
            values
                .enforced
                .iter()
                .any(|(own, wanted)| own == label && wanted != value)
        })
    });
    if let Some(at) = foreign {
        return Err(Reason::EntryConflicts {
            path: format!("{}[{at}]", path()),
        });
    }
    if wired.was.is_some() && (there.is_none() || old.set.contains_key(MADE)) {
        wired.set.insert(MADE.to_owned(), Value::Array(Vec::new()));
    }
    if !has_ours && !ours.is_empty() {
        wired.rules = Some((ours.len(), identity::digest(&ours)));
        rules.extend(ours);
    }
    let keep_empty = wired.was.is_some() && !wired.set.contains_key(MADE) && there.is_some();
    if rules.is_empty() && !keep_empty {
        members.shift_remove(FIELD);
        wired.set.remove(MADE);
    } else {
        members.insert(FIELD.to_owned(), Value::Array(rules));
    }
    Ok(())
}

/// Gives each default where the entry has none, follows a default that the wiring changed, takes back one that it dropped.
fn defaults(
    members: &mut Map<String, Value>,
    wiring: &Wiring,
    old: &Wired,
    wired: &mut Wired,
    gate: &Gate<'_>,
    done: &mut Done,
) {
    for (name, value) in &wiring.entry.defaults {
        let path = format!("/{name}");
        let current = member(members, name);
        let given = old
            .set
            .get(&path)
            .is_some_and(|given| Some(given) == current);
        if (current.is_some() && !given) || is_whole(name, members, old, wired) {
            continue;
        }
        let counterpart = |other: &str| {
            let wanted = || {
                wiring
                    .entry
                    .defaults
                    .iter()
                    .find(|(name, _)| name == other)
                    .map(|(_, value)| value)
            };
            member(members, other).or_else(wanted).cloned()
        };
        let field = name.replace('/', ".");
        let withheld = gate
            .withholds(&format!("{}{field}", fields::ENTRY))
            .or_else(|| crosses(name, value, counterpart));
        if let Some(why) = withheld {
            done.warnings.push(Warning::DefaultNotGiven {
                wiring: Arc::clone(&wiring.name),
                field,
                why,
            });
            continue;
        }
        give(members, name, value, wired);
        wired.set.insert(path, value.clone());
    }
    take_back(members, old, wired);
}

/// A member of an entry by its path, `field` or `field/member`; null counts as none.
fn member<'a>(members: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    let found = match name.split_once('/') {
        None => members.get(name),
        Some((container, member)) => members
            .get(container)
            .and_then(|container| container.get(member)),
    };
    found.filter(|value| !value.is_null())
}

/// Whether the user's own `metadataConfig` stands there: to the operator it says `send: false` where it says nothing, so
/// that a member beside it would change what the user has.
fn is_whole(name: &str, members: &Map<String, Value>, old: &Wired, wired: &Wired) -> bool {
    const CONTAINER: &str = "metadataConfig";
    let made = |wired: &Wired| wired.set.contains_key("/metadataConfig");
    name.starts_with(CONTAINER)
        && members.get(CONTAINER).is_some_and(Value::is_object)
        && !made(old)
        && !made(wired)
}

fn give(members: &mut Map<String, Value>, name: &str, value: &Value, wired: &mut Wired) {
    let Some((container, member)) = name.split_once('/') else {
        members.insert(name.to_owned(), value.clone());
        return;
    };
    if !members.get(container).is_some_and(Value::is_object) {
        members.insert(container.to_owned(), Value::Object(Map::new()));
        wired
            .set
            .insert(format!("/{container}"), Value::Object(Map::new()));
    }
    if let Some(holder) = members.get_mut(container).and_then(Value::as_object_mut) {
        holder.insert(member.to_owned(), value.clone());
    }
}

/// What we gave before and give no more: members first, then containers that we made and that are empty.
///
/// A record may be written by whoever writes the object: only what is the user's to keep is ever taken back by it.
fn take_back(members: &mut Map<String, Value>, old: &Wired, wired: &mut Wired) {
    let kept = |path: &str| path.split('/').nth(1).is_some_and(fields::kept);
    let given = old
        .set
        .iter()
        .rev()
        .filter(|(path, value)| kept(path) && !value.is_null() && !value.is_array());
    for (path, value) in given {
        let container = members
            .get(path.trim_start_matches('/'))
            .and_then(Value::as_object);
        if value.is_object() && container.is_some_and(|members| !members.is_empty()) {
            wired.set.insert(path.clone(), value.clone());
        } else if !wired.set.contains_key(path) {
            revert::take_out(members, path, value);
        }
    }
}
