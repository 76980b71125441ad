//! The fifth law: takes out exactly what a record says that a wiring has put in.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::draft::Draft;
use super::identity;
use super::record::Wired;

/// Un-wires one wiring: its labels, its entry, its record.
pub(super) fn revert(draft: &mut Draft<'_>, wiring: &str) {
    let Some(wired) = draft.record.remove(wiring) else {
        return;
    };
    labels(draft, &wired);
    if let Some(at) = draft
        .entries
        .iter()
        .position(|entry| entry.text("name") == wired.entry)
    {
        match &wired.was {
            None => {
                draft.entries.remove(at);
            }
            Some(was) => {
                // Two entries of one name are a configuration that Prometheus refuses: a name that is taken stays taken.
                let taken = draft
                    .entries
                    .iter()
                    .enumerate()
                    .any(|(other, entry)| other != at && entry.text("name") == was);
                let name = if taken && !was.is_empty() {
                    &wired.entry
                } else {
                    was
                };
                let given_back = give_back(&draft.entries[at].value, &wired, name);
                draft.entries[at].value = Cow::Owned(given_back);
            }
        }
    }
    draft.made.extend(wired.made);
}

/// A label that still has our value goes, or gets the user's back; any other value is the user's now.
fn labels(draft: &mut Draft<'_>, wired: &Wired) {
    for (label, values) in &wired.labels {
        if !draft.holds(label, values.first()) {
            continue;
        }
        match values.get(1) {
            Some(was) => draft
                .labels
                .insert(label.clone(), Value::String(was.clone())),
            None => draft.labels.shift_remove(label),
        };
    }
}

/// An adopted entry as it was before us, with whatever the user has changed since.
fn give_back(entry: &Value, wired: &Wired, was: &str) -> Value {
    let mut members = entry.as_object().cloned().unwrap_or_default();
    if let Some(rules) = members.get("writeRelabelConfigs").and_then(Value::as_array) {
        let own = identity::without_ours(rules, wired.rules.as_ref());
        members.insert("writeRelabelConfigs".to_owned(), Value::Array(own));
    }
    // Members before the containers that hold them: "/headers/X" sorts after "/headers".
    for (path, value) in wired.set.iter().rev() {
        take_out(&mut members, path, value);
    }
    if was.is_empty() {
        members.shift_remove("name");
    } else {
        members.insert("name".to_owned(), Value::String(was.to_owned()));
    }
    Value::Object(members)
}

/// Takes out what a record says that we set: an enforced field (null), a container that we made and that is empty
/// again, or a default that still has our value.
pub(super) fn take_out(members: &mut Map<String, Value>, path: &str, ours: &Value) {
    let mut tokens = path.trim_start_matches('/').splitn(2, '/');
    let first = tokens.next().unwrap_or_default();
    let holder = match tokens.next() {
        None => Some((&mut *members, first)),
        Some(second) => members
            .get_mut(first)
            .and_then(Value::as_object_mut)
            .map(|inner| (inner, second)),
    };
    let Some((holder, name)) = holder else { return };
    // Never ours to take, whatever a record says: an entry without them is refused, or somebody else's.
    if path == "/url" || path == "/name" {
        return;
    }
    let name = name.replace("~1", "/").replace("~0", "~");
    if ours.is_null() || holder.get(&name) == Some(ours) {
        holder.shift_remove(&name);
    }
}
