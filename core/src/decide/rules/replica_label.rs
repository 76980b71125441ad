//! `replica-label`: several replicas send without a label that tells them apart.
//!
//! Receive answers 409 to the second replica's samples, again and again. A DaemonSet's pods have new names after each
//! restart, so there a replica label makes new series each time: that only warns.

use serde_json::{Value, json};

use super::case::{Case, Findings};
use super::identity_labels::users;
use super::places::Spot;
use super::relabelling::Rule;
use crate::subject::Kind;

const FIELD: &str = "replicaExternalLabelName";

pub(super) fn check(case: &Case<'_>, findings: &mut Findings) {
    // No word of the policy's is in it: once for all of them.
    let found = case.places.replicas.get_or_init(|| {
        let mut found = Findings::default();
        replicas(case, &mut found);
        found
    });
    findings.extend(found.clone());
}

fn replicas(case: &Case<'_>, findings: &mut Findings) {
    let subject = case.subject;
    if case.entries().next().is_none() {
        return;
    }
    let label = match subject.kind {
        Kind::ThanosRuler => "thanos_ruler_replica",
        Kind::Prometheus | Kind::PrometheusAgent => {
            subject.spec_text(FIELD).unwrap_or("prometheus_replica")
        }
    };
    let at = Spot::default().member(FIELD);
    let daemons =
        subject.kind == Kind::PrometheusAgent && subject.spec_text("mode") == Some("DaemonSet");
    let more = |field: &str| subject.spec(field).and_then(Value::as_f64).unwrap_or(1.0) > 1.0;
    let (replicas, shards) = (more("replicas"), more("shards"));
    if daemons && !label.is_empty() {
        let sentence =
            "names a pod of a DaemonSet: each restart makes new series; set it to an empty text";
        findings.at(&at, &Value::from(label), sentence);
        findings.only_warn();
    }
    if daemons || !(replicas || shards) {
        return;
    }
    if label.trim().is_empty() {
        let sentence = "must name a label: several replicas or shards send the same series";
        findings.at(&at, &json!([label, replicas, shards]), sentence);
        return;
    }
    for (spot, entry) in case.entries() {
        let spot = spot.member("writeRelabelConfigs");
        for (index, rule) in own_rules(case, entry).iter().enumerate() {
            if Rule::read(rule).may_remove(label) {
                let sentence = "may remove the label that tells replicas and shards apart";
                findings.at(&spot.item(index, rule), rule, sentence);
            }
        }
    }
}

/// The relabel rules of an entry but those of its wiring: they are the admin's word.
fn own_rules<'a>(case: &Case<'_>, entry: &'a Value) -> &'a [Value] {
    let wiring = case.wiring_of(entry);
    let values = wiring.and_then(|wiring| Some((wiring, case.values(wiring)?)));
    if let Some((wiring, values)) = values {
        return users(entry, wiring, &values).0;
    }
    let rules = entry.get("writeRelabelConfigs").and_then(Value::as_array);
    rules.map(Vec::as_slice).unwrap_or_default()
}
