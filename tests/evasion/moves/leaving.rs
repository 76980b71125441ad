//! Objects made so that wiring must leave them, and webhooks that come after ours.

use serde_json::{Value, json};
use thanos_core::names;

use super::super::chance::Chance;
use super::super::plan::Plan;
use super::super::server::{LAST_WORD, LATER};

const URL: &str = "https://receive.example.com/api/v1/receive";

pub(super) fn label_clash(plan: &mut Plan, chance: &mut Chance) {
    let field = chance.one(&["prometheusExternalLabelName", "replicaExternalLabelName"]);
    plan.spec().insert(field.to_owned(), json!("cluster"));
}

pub(super) fn ambiguous_entries(plan: &mut Plan, _: &mut Chance) {
    plan.entries().extend([
        json!({"name": "first", "url": URL}),
        json!({"name": "second", "url": URL}),
    ]);
}

pub(super) fn conflicting_entry(plan: &mut Plan, chance: &mut Chance) {
    let entry = chance.one(&[
        json!({"name": "thanos", "url": "https://b.example.com/api/v1/receive"}),
        json!({"name": "thanos", "url": URL, "headers": {"THANOS-TENANT": "other"}}),
        json!({"name": "thanos", "url": URL, "basicAuth": {"username": {"name": "my-own-secret", "key": "u"}, "password": {"name": "my-own-secret", "key": "p"}}}),
        json!({"name": "thanos", "url": URL, "followRedirects": true}),
        json!({"name": "thanos", "url": URL, "writeRelabelConfigs": [{"action": "labeldrop", "regex": "cluster"}]}),
        json!({"name": "mine", "url": URL, "authorization": {"credentials": {"name": names::SECRET, "key": "password"}}}),
        json!({"url": URL}),
        json!({"name": "thanos", "url": "HTTPS://receive.example.com:443/api/v1/receive"}),
    ]);
    plan.entries().push(entry);
}

pub(super) fn old_version(plan: &mut Plan, chance: &mut Chance) {
    let version = chance.one(&[
        "v2.10.0",
        "v2.0.0",
        "2.14",
        "v0.20.0",
        "latest",
        "v3.0.0-rc.0+x",
    ]);
    plan.spec().insert("version".to_owned(), json!(version));
}

pub(super) fn huge_annotation(plan: &mut Plan, _: &mut Chance) {
    plan.annotate(
        names::WIRED,
        format!(r#"{{"v":1,"gone":{{"entry":"{}"}}}}"#, "x".repeat(3000)),
    );
}

/// A record that claims what is the user's, or disclaims what is ours.
pub(super) fn record_by_hand(plan: &mut Plan, chance: &mut Chance) {
    let record = chance.one(&[
        json!({"v": 1, "hub": {"entry": "thanos", "set": {}}}),
        json!({"v": 1, "hub": {"entry": "mine", "was": "thanos", "set": {"/url": null}}}),
        json!({"v": 1, "hub": {"entry": "thanos", "rules": [9, "00000000"], "labels": {"cluster": null, "team": ["a", "b"]}}}),
        json!({"v": 1, "hub": {"entry": "thanos", "made": ["/spec/externalLabels", "/spec/remoteWrite"]}}),
        json!({"v": 1, "gone": {"entry": "mine"}}),
        json!("x"),
    ]);
    plan.annotate(names::WIRED, record.to_string());
}

pub(super) fn newer_record(plan: &mut Plan, chance: &mut Chance) {
    plan.annotate(
        names::WIRED,
        chance
            .one(&[r#"{"v":2}"#, r#"{"v":9,"hub":{}}"#, "{", "null", "[]"])
            .to_owned(),
    );
}

pub(super) fn opt_out(plan: &mut Plan, chance: &mut Chance) {
    plan.label(names::WIRE, chance.one(&["disabled", "Disabled", "false"]));
}

pub(super) fn touch(plan: &mut Plan, _: &mut Chance) {
    plan.annotate(names::TOUCH, "now".to_owned());
}

/// A webhook after ours undoes what we did, or does what was refused.
pub(super) fn hostile_mutator(plan: &mut Plan, chance: &mut Chance) {
    let patch = chance.one(&[
        json!({"spec": {"remoteWrite": []}}),
        json!({"spec": {"remoteWrite": null, "externalLabels": null}}),
        json!({"spec": {"externalLabels": {"cluster": "other"}}}),
        json!({"spec": {"remoteWrite": [{"name": "thanos", "url": "https://b.example.com/api/v1/receive"}]}}),
        json!({"spec": {"remoteWrite": [{"name": "thanos", "url": URL, "headers": {"THANOS-TENANT": "other"}}]}}),
        json!({"metadata": {"annotations": {names::WIRED: null}}}),
        json!({"metadata": {"labels": {names::WIRE: "disabled"}}}),
        json!({"metadata": {"annotations": {names::WIRED: r#"{"v":9}"#}}, "spec": {"remoteWrite": []}}),
        json!({"metadata": {"annotations": {"operator.prometheus.io/controller-id": "x"}}}),
        json!({"spec": {"paused": true}}),
        json!({"spec": {"version": "v2.10.0", "remoteWrite": []}}),
    ]);
    later(plan, &patch, chance.one_in(2));
}

/// Has the later webhook make a patch.
pub(in crate::evasion) fn later(plan: &mut Plan, patch: &Value, last_word: bool) {
    plan.annotate(LATER, patch.to_string());
    if last_word {
        plan.annotate(LAST_WORD, "yes".to_owned());
    }
}
