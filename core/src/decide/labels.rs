//! The labels of a wiring: enforced ones, defaults, and those that the operator gives itself.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::claims::yields;
use super::draft::Draft;
use super::record::Wired;
use super::wire::Values;
use crate::subject::{Kind, Subject};
use crate::wiring::{Rules, Wiring};

/// The labels that the operator itself puts on every sample of this object, and the field that says so.
///
/// It skips an external label of such a name with no more than a log line (`buildExternalLabels` in
/// prometheus-operator `pkg/prometheus/promcfg.go`; `pkg/thanos/statefulset.go` for rulers).
pub(super) fn taken<'a>(subject: &Subject<'a>) -> Vec<(&'a str, &'static str)> {
    if subject.kind == Kind::ThanosRuler {
        return vec![("thanos_ruler_replica", "labels")];
    }
    let topology = || {
        let strategy = subject.spec("shardingStrategy")?;
        (strategy.get("mode")? == "Topology").then_some(())?;
        let named = strategy
            .get("topology")?
            .get("externalLabelName")
            .and_then(Value::as_str);
        Some((
            named.unwrap_or("zone"),
            "shardingStrategy.topology.externalLabelName",
        ))
    };
    let mut names = vec![
        (
            subject
                .spec_text("prometheusExternalLabelName")
                .unwrap_or("prometheus"),
            "prometheusExternalLabelName",
        ),
        (
            subject
                .spec_text("replicaExternalLabelName")
                .unwrap_or("prometheus_replica"),
            "replicaExternalLabelName",
        ),
    ];
    names.extend(topology());
    names.retain(|(name, _)| !name.is_empty());
    names
}

/// Sets the enforced labels, gives the defaults, and gives back what the wiring no longer asks for.
pub(super) fn put(
    draft: &mut Draft<'_>,
    wiring: &Wiring,
    wired: &mut Wired,
    old: Option<&Wired>,
    values: &Values,
    rules: &Rules,
    names: &[(&str, &'static str)],
) {
    let held: BTreeMap<String, Vec<String>> = old.map(|old| old.labels.clone()).unwrap_or_default();
    // First the object's labels as they would be without this wiring: whatever differs from ours is the user's.
    for (label, ours) in &held {
        if !draft.holds(label, ours.first()) {
            continue;
        }
        match ours.get(1) {
            Some(was) => draft
                .labels
                .insert(label.clone(), Value::String(was.clone())),
            None if values
                .enforced
                .iter()
                .chain(&values.defaults)
                .any(|(wanted, _)| wanted == label) =>
            {
                draft.labels.insert(label.clone(), Value::Null)
            }
            None => draft.labels.shift_remove(label),
        };
    }
    let own = |labels: &Map<String, Value>, label: &str| {
        labels.get(label).and_then(Value::as_str).map(str::to_owned)
    };
    for (label, value) in &values.enforced {
        let user = own(&draft.labels, label);
        if let Some(held) = hand_over(draft, label, value, wiring, rules) {
            wired.labels.insert(label.clone(), held);
        } else if user.as_deref() != Some(value) {
            wired.labels.insert(
                label.clone(),
                std::iter::once(value.clone()).chain(user).collect(),
            );
        }
        draft
            .labels
            .insert(label.clone(), Value::String(value.clone()));
    }
    for (label, value) in &values.defaults {
        if names.iter().any(|(name, _)| name == label) {
            continue;
        }
        let current = own(&draft.labels, label);
        let handed = hand_over(
            draft,
            label,
            current.as_ref().unwrap_or(value),
            wiring,
            rules,
        );
        if handed.is_none() && current.is_some() {
            continue;
        }
        if let Some(users) = handed.and_then(|held| held.into_iter().nth(1)) {
            draft.labels.insert(label.clone(), Value::String(users));
            continue;
        }
        wired.labels.insert(label.clone(), vec![value.clone()]);
        draft
            .labels
            .insert(label.clone(), Value::String(value.clone()));
    }
    draft.labels.retain(|_, value| !value.is_null());
}

/// Takes a label over from a wiring that makes way: what it held, where the object still has that.
fn hand_over(
    draft: &mut Draft<'_>,
    label: &str,
    value: &str,
    wiring: &Wiring,
    rules: &Rules,
) -> Option<Vec<String>> {
    let held = draft
        .record
        .hand_over_label(label, value, |holder| yields(holder, wiring, rules))?;
    (draft.came_with(label) == Some(value)).then_some(held)
}
