//! JSON merge patch (RFC 7386), and the three-way one that client-side apply makes for a custom resource.

use serde_json::{Map, Value};

/// The annotation in which kubectl keeps what it applied last.
pub(in crate::evasion) const LAST_APPLIED: &str =
    "kubectl.kubernetes.io/last-applied-configuration";

/// Applies a merge patch.
pub(in crate::evasion) fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(members) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    for (name, value) in members {
        if value.is_null() {
            if let Some(target) = target.as_object_mut() {
                target.shift_remove(name);
            }
        } else {
            merge(&mut target[name], value);
        }
    }
}

/// The merge patch that makes `to` of `from`.
pub(in crate::evasion) fn difference(from: &Value, to: &Value) -> Value {
    patch(from, to, &|_| true)
}

/// What kubectl sends: what it no longer applies goes, what differs from the live object is set.
pub(in crate::evasion) fn three_way(last: &Value, modified: &Value, live: &Value) -> Value {
    let mut sent = patch(live, modified, &|_| false);
    merge_keeping_nulls(&mut sent, &removed(last, modified));
    sent
}

fn patch(from: &Value, to: &Value, drops: &dyn Fn(&str) -> bool) -> Value {
    let (Value::Object(before), Value::Object(after)) = (from, to) else {
        return to.clone();
    };
    let mut made = Map::new();
    for (name, value) in after {
        match before.get(name) {
            Some(same) if same == value => {}
            Some(other) if other.is_object() && value.is_object() => {
                let below = patch(other, value, drops);
                if below.as_object().is_none_or(|below| !below.is_empty()) {
                    made.insert(name.clone(), below);
                }
            }
            _ => {
                made.insert(name.clone(), value.clone());
            }
        }
    }
    for name in before
        .keys()
        .filter(|name| !after.contains_key(*name) && drops(name))
    {
        made.insert(name.clone(), Value::Null);
    }
    Value::Object(made)
}

fn removed(last: &Value, modified: &Value) -> Value {
    let (Value::Object(last), Value::Object(modified)) = (last, modified) else {
        return Value::Object(Map::new());
    };
    let gone = last
        .iter()
        .filter_map(|(name, before)| match modified.get(name) {
            None => Some((name.clone(), Value::Null)),
            Some(now) if before.is_object() && now.is_object() => {
                Some((name.clone(), removed(before, now)))
            }
            Some(_) => None,
        });
    Value::Object(gone.collect())
}

fn merge_keeping_nulls(into: &mut Value, more: &Value) {
    match (into.as_object_mut(), more.as_object()) {
        (Some(into), Some(more)) => {
            for (name, value) in more {
                match into.get_mut(name) {
                    Some(there) if there.is_object() && value.is_object() => {
                        merge_keeping_nulls(there, value);
                    }
                    Some(_) => {}
                    None => {
                        into.insert(name.clone(), value.clone());
                    }
                }
            }
        }
        _ => *into = more.clone(),
    }
}
