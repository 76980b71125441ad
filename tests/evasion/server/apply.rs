//! Server-side apply: who owns which field, what an apply sets, what it lets go, and where it meets another manager.
//!
//! Maps are granular, lists are what `x-kubernetes-list-type` says: atomic where it says nothing, as `remoteWrite`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::schema::{identity, member};

/// The way to a field: members by name, items of a list by what they are known by.
pub(super) type Path = Vec<String>;

/// What each manager owns.
#[derive(Clone, Debug, Default)]
pub(super) struct Owners(BTreeMap<String, BTreeSet<Path>>);

impl Owners {
    /// Applies `wanted` over `live` for a manager; an error names the first field that another manager holds.
    pub(super) fn apply(
        &mut self,
        live: &Value,
        wanted: &Value,
        schema: &Value,
        manager: &str,
        force: bool,
    ) -> Result<Value, String> {
        let mut claimed = BTreeSet::new();
        leaves(wanted, schema, &mut Vec::new(), &mut claimed);
        for path in &claimed {
            let others = self.0.iter().filter(|(other, _)| *other != manager);
            let held = others
                .filter(|(_, owned)| owned.contains(path))
                .map(|(other, _)| other);
            let differs = at(live, schema, path) != at(wanted, schema, path);
            if let (true, false, Some(other)) = (differs, force, held.into_iter().next()) {
                return Err(format!("{} belongs to {other}", path.join(".")));
            }
        }
        let mut merged = live.clone();
        join(&mut merged, wanted, schema);
        let before = self.0.remove(manager).unwrap_or_default();
        for path in before.difference(&claimed) {
            if !self.0.values().any(|owned| owned.contains(path)) {
                remove(&mut merged, schema, path);
            }
        }
        self.changed(live, &merged, schema, manager);
        self.0.insert(manager.to_owned(), claimed);
        Ok(merged)
    }

    /// Whoever changes a field otherwise owns it from then on.
    pub(super) fn changed(&mut self, before: &Value, after: &Value, schema: &Value, manager: &str) {
        let mut all = BTreeSet::new();
        leaves(after, schema, &mut Vec::new(), &mut all);
        let differs = |path: &Path| at(before, schema, path) != at(after, schema, path);
        for owned in self.0.values_mut() {
            owned.retain(|path| !differs(path));
        }
        let mine = self.0.entry(manager.to_owned()).or_default();
        mine.extend(all.into_iter().filter(differs));
    }
}

/// The fields that a value sets, each down to where the schema knows no more parts.
fn leaves(value: &Value, schema: &Value, path: &mut Path, found: &mut BTreeSet<Path>) {
    match value {
        Value::Object(members)
            if !members.is_empty() && schema["x-kubernetes-map-type"] != "atomic" =>
        {
            for (name, value) in members {
                path.push(name.clone());
                leaves(
                    value,
                    member(schema, name).unwrap_or(&Value::Null),
                    path,
                    found,
                );
                path.pop();
            }
        }
        Value::Array(items) if !items.is_empty() && is_granular(schema) => {
            for item in items {
                path.push(step_of(item, schema));
                leaves(item, &schema["items"], path, found);
                path.pop();
            }
        }
        _ => {
            found.insert(path.clone());
        }
    }
}

fn step_of(item: &Value, schema: &Value) -> String {
    identity(item, schema).to_string()
}

fn is_granular(schema: &Value) -> bool {
    matches!(
        schema["x-kubernetes-list-type"].as_str(),
        Some("map" | "set")
    )
}

fn at<'v>(value: &'v Value, schema: &Value, path: &[String]) -> Option<&'v Value> {
    let Some((step, rest)) = path.split_first() else {
        return Some(value);
    };
    match value {
        Value::Object(members) => at(
            members.get(step)?,
            member(schema, step).unwrap_or(&Value::Null),
            rest,
        ),
        Value::Array(items) => {
            let item = items.iter().find(|item| step_of(item, schema) == *step)?;
            at(item, &schema["items"], rest)
        }
        _ => None,
    }
}

fn join(live: &mut Value, wanted: &Value, schema: &Value) {
    match wanted {
        Value::Object(members) if schema["x-kubernetes-map-type"] != "atomic" => {
            if !live.is_object() {
                *live = Value::Object(Map::new());
            }
            for (name, value) in members {
                join(
                    &mut live[name],
                    value,
                    member(schema, name).unwrap_or(&Value::Null),
                );
            }
        }
        Value::Array(items) if is_granular(schema) && live.is_array() => {
            let into = live.as_array_mut().unwrap();
            for item in items {
                let same = into
                    .iter_mut()
                    .find(|there| identity(there, schema) == identity(item, schema));
                match same {
                    Some(there) => join(there, item, &schema["items"]),
                    None => into.push(item.clone()),
                }
            }
        }
        _ => *live = wanted.clone(),
    }
}

fn remove(value: &mut Value, schema: &Value, path: &[String]) {
    let Some((step, rest)) = path.split_first() else {
        return;
    };
    match value {
        Value::Object(members) if rest.is_empty() => {
            members.shift_remove(step);
        }
        Value::Object(members) => {
            if let Some(below) = members.get_mut(step) {
                remove(below, member(schema, step).unwrap_or(&Value::Null), rest);
            }
        }
        Value::Array(items) => {
            let Some(place) = items.iter().position(|item| step_of(item, schema) == *step) else {
                return;
            };
            let keys = schema["x-kubernetes-list-map-keys"]
                .as_array()
                .map_or(0, Vec::len);
            if rest.is_empty()
                || items[place]
                    .as_object()
                    .is_some_and(|item| item.len() <= keys)
            {
                items.remove(place);
            } else {
                remove(&mut items[place], &schema["items"], rest);
            }
        }
        _ => {}
    }
}
