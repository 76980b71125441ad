//! Null, empty, zero and huge instead of what was there.

use serde_json::{Value, json};

use super::super::chance::Chance;
use super::super::plan::Plan;
use super::{pointers, take};

fn any(plan: &Plan, chance: &mut Chance) -> Option<String> {
    let found = pointers(&plan.object["spec"], &|at, _| !at.is_empty());
    chance.pick(&found).cloned()
}

/// Absent, null or empty.
pub(super) fn nothing(plan: &mut Plan, chance: &mut Chance) {
    let Some(at) = any(plan, chance) else {
        return;
    };
    if chance.one_in(3) {
        take(&mut plan.object["spec"], &at);
        return;
    }
    if let Some(place) = plan.object["spec"].pointer_mut(&at) {
        *place = match (chance.one_in(2), &*place) {
            (true, _) => Value::Null,
            (_, Value::String(_)) => json!(""),
            (_, Value::Number(_)) => json!(0),
            (_, Value::Bool(_)) => json!(false),
            (_, Value::Array(_)) => json!([]),
            _ => json!({}),
        };
    }
}

/// Another number.
pub(super) fn number(plan: &mut Plan, chance: &mut Chance) {
    let found = pointers(&plan.object["spec"], &|_, value| value.is_number());
    if let Some(place) = chance
        .pick(&found)
        .and_then(|at| plan.object["spec"].pointer_mut(at))
    {
        *place = chance.one(&[
            json!(0),
            json!(-1),
            json!(1),
            json!(2),
            json!(4),
            json!(51),
            json!(2_147_483_647),
            json!(i64::MAX),
            json!(i64::MIN),
            json!(1e18),
            json!(3.0),
            json!(u64::MAX),
        ]);
    }
}

/// The same as another type.
pub(super) fn other_type(plan: &mut Plan, chance: &mut Chance) {
    if let Some(place) = any(plan, chance).and_then(|at| plan.object["spec"].pointer_mut(&at)) {
        *place = match &*place {
            Value::String(text) => json!([text]),
            Value::Array(items) => items.first().cloned().unwrap_or_default(),
            Value::Object(_) => json!([place.clone()]),
            other => json!(other.to_string()),
        };
    }
}

/// A switch or a limit that stands beside the others.
pub(super) fn beside(plan: &mut Plan, chance: &mut Chance) {
    let (field, value) = chance.one(&[
        ("replicas", json!(50)),
        ("shards", json!(50)),
        ("replicas", json!(0)),
        ("paused", json!(true)),
        ("paused", json!(false)),
        ("ignoreNamespaceSelectors", json!(false)),
        ("replicaExternalLabelName", json!("")),
        ("prometheusExternalLabelName", json!("team")),
        ("serviceMonitorSelector", Value::Null),
        ("probeSelector", json!({})),
        ("retention", Value::Null),
        ("retentionSize", Value::Null),
        ("enforcedSampleLimit", json!(0)),
        ("enforcedBodySizeLimit", json!("0")),
        ("scrapeInterval", Value::Null),
        ("mode", json!("DaemonSet")),
        ("mode", json!("StatefulSet")),
        ("listenLocal", json!(true)),
        ("version", json!("v3.99.0")),
        ("version", json!("")),
        ("image", json!("")),
        ("remoteWriteReceiverMessageVersions", json!(["V2.0"])),
        ("alertDropLabels", json!(["team"])),
        ("remoteWrite", json!([])),
        ("externalLabels", json!({})),
        ("enableAdminAPI", json!(true)),
        ("queryLogFile", json!("q.log")),
        ("thanos", json!({})),
    ]);
    plan.spec().insert(field.to_owned(), value);
}
