//! Lists shuffled, and faults that stood there before: the ratchet lets them stay, and nothing else.

use serde_json::{Value, json};

use super::super::chance::Chance;
use super::super::plan::{Plan, map};
use super::pointers;

fn list<'p>(plan: &'p mut Plan, chance: &mut Chance) -> Option<&'p mut Vec<Value>> {
    let found = pointers(&plan.object["spec"], &|_, value| value.is_array());
    let at = chance.pick(&found)?;
    plan.object["spec"].pointer_mut(at)?.as_array_mut()
}

pub(super) fn reorder(plan: &mut Plan, chance: &mut Chance) {
    let mut other = chance.clone();
    if let Some(items) = list(plan, chance) {
        other.shuffle(items);
    }
}

pub(super) fn repeat(plan: &mut Plan, chance: &mut Chance) {
    if let Some(items) = list(plan, chance)
        && let Some(first) = items.first().cloned()
    {
        items.push(first);
    }
}

/// Harmless items before the one that is none.
pub(super) fn pad(plan: &mut Plan, chance: &mut Chance) {
    let entry = |at: usize| json!({"name": format!("pad-{at}"), "url": "https://a.example.com/api/v1/receive"});
    let count = 1 + chance.below(4);
    plan.entries().splice(0..0, (0..count).map(entry));
}

/// Two items under each other's name.
pub(super) fn swap_names(plan: &mut Plan, chance: &mut Chance) {
    let Some(items) = list(plan, chance) else {
        return;
    };
    let names: Vec<Value> = items.iter().map(|item| item["name"].clone()).collect();
    for (item, name) in items.iter_mut().zip(names.into_iter().rev()) {
        if let Some(item) = item.as_object_mut() {
            item.insert("name".to_owned(), name);
        }
    }
}

/// What is to be got in so far stood there before any policy; what later moves make of it did not.
pub(super) fn old_fault(plan: &mut Plan, _: &mut Chance) {
    let object = plan.object.clone();
    settle(plan, object);
}

/// Something of the like stood there, at another place: the same entry under another name, or for reading.
pub(super) fn old_fault_elsewhere(plan: &mut Plan, chance: &mut Chance) {
    let mut old = plan.object.clone();
    match chance.below(4) {
        0 => {
            for entry in old["spec"]["remoteWrite"]
                .as_array_mut()
                .into_iter()
                .flatten()
            {
                map(entry).insert("name".to_owned(), json!("old"));
            }
        }
        1 => {
            if let Some(entries) = old["spec"]["remoteWrite"].as_array().cloned() {
                old["spec"]["remoteRead"] = Value::Array(entries);
                old["spec"]["remoteWrite"] = json!([]);
            }
        }
        2 => {
            for entry in old["spec"]["remoteWrite"]
                .as_array_mut()
                .into_iter()
                .flatten()
            {
                if let Some(entry) = entry.as_object_mut() {
                    entry.shift_remove("name");
                }
            }
        }
        _ => {
            if let Some(entries) = old["spec"]["remoteWrite"].as_array_mut() {
                entries.reverse();
                entries.truncate(1);
            }
        }
    }
    settle(plan, old);
}

fn settle(plan: &mut Plan, old: Value) {
    if plan.start.is_none() {
        plan.clean = old.clone();
        plan.start = Some(old);
    }
}
