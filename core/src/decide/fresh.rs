//! What an object gets that has nothing of a wiring yet: for whoever must write it down beforehand.

use serde_json::{Map, Value};

use super::{entry, identity, wire};
use crate::wiring::{Variables, Wiring};

/// The entry and the labels of a wiring, for one set of variables.
pub(crate) struct Fresh {
    /// The entry, to be appended.
    pub(crate) entry: Value,
    /// Labels that are set, whatever was there.
    pub(crate) enforced: Vec<(String, String)>,
    /// Labels that are set where there is none.
    pub(crate) defaults: Vec<(String, String)>,
}

/// Makes them; `None` where a name is needed that is not known.
pub(crate) fn fresh(wiring: &Wiring, variables: &Variables<'_>) -> Option<Fresh> {
    let values = wire::values(wiring, variables)?;
    let mut members = entry::wanted(wiring, &values);
    let tails = values
        .enforced
        .iter()
        .flat_map(|(label, value)| identity::tail(label, value));
    let rules: Vec<Value> = wiring.entry.rules.iter().cloned().chain(tails).collect();
    if !rules.is_empty() {
        members.insert("writeRelabelConfigs".to_owned(), Value::Array(rules));
    }
    for (name, value) in &wiring.entry.defaults {
        let (field, member) = name
            .split_once('/')
            .map_or((name.as_str(), None), |(field, member)| {
                (field, Some(member))
            });
        match member {
            None => drop(members.insert(field.to_owned(), value.clone())),
            Some(member) => {
                let group = members
                    .entry(field.to_owned())
                    .or_insert_with(|| Value::Object(Map::new()));
                group[member] = value.clone();
            }
        }
    }
    Some(Fresh {
        entry: Value::Object(members),
        enforced: values.enforced,
        defaults: values
            .defaults
            .into_iter()
            .filter(|(label, _)| {
                !wiring
                    .enforced
                    .iter()
                    .any(|(enforced, _)| enforced == label)
            })
            .collect(),
    })
}
