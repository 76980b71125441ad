//! Other names for the same thing.

use serde_json::{Value, json};
use thanos_core::Kind;

use super::super::chance::Chance;
use super::super::plan::Plan;
use super::{pointers, take};

pub(super) fn rename_object(plan: &mut Plan, chance: &mut Chance) {
    let name = chance.one(&[
        "other",
        "k8s.",
        "thanos-webhook",
        "kubectl-thanos",
        "a.b",
        "K8S",
    ]);
    let renamed = plan.start.is_none();
    if renamed {
        plan.metadata().insert("name".to_owned(), json!(name));
        plan.clean["metadata"]["name"] = json!(name);
    }
}

pub(super) fn rename_entry(plan: &mut Plan, chance: &mut Chance) {
    let list = chance.one(&[
        "remoteWrite",
        "remoteRead",
        "scrapeClasses",
        "containers",
        "volumes",
    ]);
    let Some(items) = plan.spec().get_mut(list).and_then(Value::as_array_mut) else {
        return;
    };
    let at = chance.below(items.len());
    let Some(item) = items.get_mut(at).and_then(Value::as_object_mut) else {
        return;
    };
    match chance.one(&[
        "thanos",
        "Thanos",
        "thanos ",
        "",
        "hub",
        "prometheus",
        "gone",
        "null",
    ]) {
        "gone" => drop(item.shift_remove("name")),
        "null" => drop(item.insert("name".to_owned(), Value::Null)),
        name => drop(item.insert("name".to_owned(), json!(name))),
    }
}

pub(super) fn rename_label(plan: &mut Plan, chance: &mut Chance) {
    let field = plan.kind().labels_field();
    let Some(labels) = plan.spec().get_mut(field).and_then(Value::as_object_mut) else {
        return;
    };
    let keys: Vec<String> = labels.keys().cloned().collect();
    if let Some(value) = chance.pick(&keys).and_then(|key| labels.shift_remove(key)) {
        let name = chance.one(&[
            "Cluster",
            "cluster ",
            "TEAM",
            "exported_cluster",
            "__cluster",
            "cluster\u{200b}",
            "prometheus",
        ]);
        labels.insert(name.to_owned(), value);
    }
}

pub(super) fn rename_secret(plan: &mut Plan, chance: &mut Chance) {
    let found = pointers(&plan.object["spec"], &|at, value| {
        at.ends_with("/name") && value.is_string()
    });
    if let Some(place) = chance
        .pick(&found)
        .and_then(|at| plan.object["spec"].pointer_mut(at))
    {
        *place = json!(chance.one(&[
            "remotewrite-secret",
            "my-own-secret.",
            "MY-OWN-SECRET",
            "my-own-secret ",
            "other",
            "",
            "../my-own-secret",
            "my-own-secret/other",
        ]));
    }
}

pub(super) fn label_object(plan: &mut Plan, chance: &mut Chance) {
    let key = chance.one(&[
        "kubectl-thanos.dev/policy",
        "kubectl-thanos.dev/exempt",
        "app",
        "kubernetes.io/metadata.name",
        "team",
    ]);
    plan.label(
        key,
        chance.one(&["disabled", "true", "kube-system", "monitoring"]),
    );
}

/// Prometheus, PrometheusAgent and ThanosRuler share most of their fields.
pub(super) fn switch_kind(plan: &mut Plan, chance: &mut Chance) {
    if plan.start.is_some() {
        return;
    }
    let before = plan.kind();
    let after = chance.one(&Kind::ALL);
    for object in [&mut plan.object, &mut plan.clean] {
        object["apiVersion"] = json!(format!("monitoring.coreos.com/{}", after.version()));
        object["kind"] = json!(after.name());
        if let Some(labels) = take(object, &format!("/spec/{}", before.labels_field())) {
            object["spec"][after.labels_field()] = labels;
        }
    }
    let name = plan.clean["metadata"].clone();
    plan.clean = super::super::seeds::clean(after);
    plan.clean["metadata"] = name;
    if after == Kind::ThanosRuler {
        plan.object["spec"]["version"] = json!("v0.40.0");
    }
}
