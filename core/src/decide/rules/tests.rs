//! What whoever writes an object can make of the judge: bounds on its work.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::facts::{Credential, Lately};
use crate::fields::Served;
use crate::{Kind, names, policy, wiring};

fn judged(object: &Value, old: Option<&Value>) -> Judgement {
    let of = |kind: &str, spec: Value| json!({"apiVersion": names::API_VERSION, "kind": kind, "metadata": {"name": "hub"}, "spec": spec});
    let wiring = of(
        "ThanosWiring",
        json!({"cluster": "edge", "remoteWrite": {"url": "https://a.example.com/", "auth": {"none": {}}}}),
    );
    let policy = of(
        "ThanosPolicy",
        json!({"profile": "Restricted", "enforcement": "Deny", "limits": {"queue": {"maxShards": 1, "capacity": 1}},
            "remoteWrite": {"allowedUrls": ["https://a.example.com/"], "allowedSecrets": [], "requireWiring": ["hub"]}}),
    );
    let rules = Rules::new([Arc::new(wiring::read(&wiring).unwrap())])
        .with_policies([Arc::new(policy::read(&policy).unwrap())]);
    let facts = facts();
    judge(
        &Subject::read(object, old, "team-a").unwrap(),
        &facts,
        &rules,
    )
}

fn facts() -> Facts {
    Facts {
        now: jiff::Timestamp::UNIX_EPOCH,
        namespace: Some(Arc::default()),
        credentials: BTreeMap::from([("hub".into(), Credential::Ready)]),
        operator: None,
        served: Arc::new(Served::newest(Kind::Prometheus)),
        lately: Lately::default(),
    }
}

fn with(entries: &[Value]) -> Value {
    json!({"apiVersion": "monitoring.coreos.com/v1", "kind": "Prometheus", "metadata": {"name": "k8s", "namespace": "team-a"},
        "spec": {"version": "v3.12.0", "serviceMonitorSelector": {}, "remoteWrite": entries}})
}

#[test]
fn an_object_of_too_many_parts_is_refused_whole() {
    let object = with(&vec![json!({"url": "http://a"}); 60_000]);
    let judgement = judged(&object, None);
    let said: Vec<String> = judgement
        .denied()
        .map(|charge| charge.fault().to_string())
        .collect();
    assert_eq!(said, ["spec: has too many parts to be judged (policy hub)"]);
    let mut labelled = object.clone();
    labelled["metadata"]["labels"] = json!({"a": "b"});
    assert_eq!(judged(&labelled, Some(&object)).denied().count(), 0);
    let small = with(&[json!({"url": "http://a"})]);
    assert!(judged(&small, Some(&object)).denied().count() > 1);
}

#[test]
fn what_is_judged_as_a_whole_counts_by_its_items() {
    let mut object = with(&[]);
    object["spec"]["volumes"] =
        Value::from(vec![json!({"name": "x", "hostPath": {"path": "/"}}); 3000]);
    assert_eq!(judged(&object, None).denied().count(), 1);
}

#[test]
fn one_long_item_is_read_once_for_its_place() {
    let headers: serde_json::Map<String, Value> = (0..500)
        .map(|at| (format!("Authorization-{at}"), json!("x".repeat(2500))))
        .collect();
    let object = with(&[json!({"url": "http://a", "headers": headers})]);
    assert!(judged(&object, Some(&object)).denied().count() == 0);
}

#[test]
fn expressions_are_compiled_for_a_bounded_time() {
    let rules =
        |count| vec![json!({"action": "labeldrop", "regex": "(?i:[a-z]{900}|[b-z]{900})"}); count];
    let object = |count| {
        with(&[
            json!({"url": "https://a.example.com/", "name": "x", "writeRelabelConfigs": rules(count)}),
        ])
    };
    let path = |count| {
        judged(&object(count), None)
            .denied()
            .next()
            .map(|charge| charge.path.clone())
    };
    assert_eq!(path(600).as_deref(), Some("spec"));
    assert_ne!(path(100).as_deref(), Some("spec"));
}

#[test]
fn new_faults_do_not_hide_behind_old_ones() {
    let entry = |at: usize| json!({"name": format!("e{at}"), "url": "http://elsewhere/"});
    let old = with(&(0..300).map(entry).collect::<Vec<_>>());
    let new = with(&(0..301).map(entry).collect::<Vec<_>>());
    let judgement = judged(&new, Some(&old));
    let denied: Vec<&str> = judgement
        .denied()
        .filter(|charge| charge.rule.id == "egress-url")
        .map(|charge| &*charge.path)
        .collect();
    assert_eq!(denied, ["spec.remoteWrite[300].url"]);
}

#[test]
fn a_secret_of_many_keys_is_told_of_within_bounds() {
    let keys = (0..20_000).map(|at| (format!("k{at}"), json!("eA==")));
    let keys: serde_json::Map<String, Value> = keys.collect();
    let secret = json!({"metadata": {"name": "s", "labels": {names::OBJSTORE: ""}}, "data": keys});
    let facts = facts();
    let judgement = judge_secret(&secret, None, "team-a", &facts, &Rules::default());
    assert_eq!(judgement.charges.len(), charges::MOST_FINDINGS);
}
