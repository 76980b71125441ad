//! Stored objects before policies: who is listed, and what a status says.

use futures::FutureExt;
use thanos_core::Kind;

use super::*;
use crate::control::objects::Object;
use crate::control::registration::Asked;
use crate::facts::Knowledge;

fn object(namespace: &str, name: &str, url: &str) -> Arc<Object> {
    let object = json!({"metadata": {"name": name, "namespace": namespace},
        "spec": {"serviceMonitorSelector": {}, "remoteWrite": [{"url": url}]}});
    let object = serde_json::from_value(object).unwrap();
    Arc::new(Object::read(Kind::Prometheus, object))
}

fn policy(name: &str, spec: &Value) -> ThanosPolicy {
    let policy = json!({"apiVersion": names::API_VERSION, "kind": "ThanosPolicy",
        "metadata": {"name": name, "generation": 3, "resourceVersion": "7"}, "spec": spec});
    serde_json::from_value(policy).unwrap()
}

fn world(policies: &[ThanosPolicy], objects: Vec<Arc<Object>>) -> World {
    let knowledge = Knowledge::keeping(Arc::default());
    let mut facts = BTreeMap::new();
    for namespace in ["a", "b"] {
        knowledge.put_namespace(namespace, [("team", namespace)]);
    }
    for policy in policies {
        let _ = knowledge.put_policy(policy);
    }
    let now = Timestamp::from_second(1000).unwrap();
    for namespace in ["a", "b"] {
        let deadline = tokio::time::Instant::now();
        let known = knowledge.facts(Kind::Prometheus, namespace, now, deadline);
        let known = known.now_or_never().unwrap();
        facts.insert((Kind::Prometheus, namespace.to_owned()), known.1);
    }
    World {
        now,
        wirings: Vec::new(),
        policies: knowledge.stored_policies(),
        rules: knowledge.rules(),
        objects,
        facts,
        namespaces: BTreeSet::new(),
        looks: BTreeMap::default(),
        asked: Asked::default(),
    }
}

fn allowing(more: &Value) -> Value {
    let mut spec = json!({"remoteWrite": {"allowedUrls": ["https://here.example.com/"]}});
    let all = spec.as_object_mut().unwrap();
    all.extend(more.as_object().unwrap().clone());
    spec
}

const HERE: &str = "https://here.example.com/";
const ELSEWHERE: &str = "https://canary.example.org/";

#[test]
fn offenders_are_listed_for_each_policy_that_selects_them() {
    let exempt =
        json!([{"namespace": "a", "name": "exempt", "rules": ["egress-url"], "reason": "moving"}]);
    let policies = [
        policy("all", &allowing(&json!({"exemptions": exempt}))),
        policy(
            "b",
            &allowing(
                &json!({"enforcement": "Audit", "namespaceSelector": {"matchLabels": {"team": "b"}}}),
            ),
        ),
    ];
    let objects = vec![
        object("a", "bad", ELSEWHERE),
        object("a", "exempt", ELSEWHERE),
        object("a", "good", HERE),
        object("b", "bad", ELSEWHERE),
    ];
    let world = world(&policies, objects);
    let (mut audit, mut plan) = (Audit::default(), Plan::default());
    audit.take(&world, &mut plan);
    let listed = |at: usize| -> Vec<String> {
        let objects = plan.statuses[at].status.objects.iter();
        objects
            .map(|one| format!("{}/{} {}", one.namespace, one.name, one.rules.join(",")))
            .collect()
    };
    assert_eq!(listed(0), ["a/bad egress-url", "b/bad egress-url"]);
    assert_eq!(listed(1), ["b/bad egress-url"]);
    let status = &plan.statuses[0].status;
    assert_eq!(
        (status.violations, status.observed_generation),
        (2, Some(3))
    );
    let said = &status.conditions[0];
    assert_eq!(
        (&*said.status, &*said.message),
        ("True", "2 of 4 objects break a rule")
    );
    assert_eq!(plan.violations.as_ref().unwrap()["b"], 1);

    let mut again = Plan::default();
    audit.take(&world, &mut again);
    assert!(again.statuses.is_empty() && again.violations.is_none());
    assert_eq!(again.next, Some(after(world.now, BETWEEN)));
}

#[test]
fn at_most_fifty_are_named_and_all_are_counted() {
    let objects = (0..60).map(|at| object("a", &format!("bad-{at}"), ELSEWHERE));
    let world = world(&[policy("all", &allowing(&json!({})))], objects.collect());
    let mut plan = Plan::default();
    Audit::default().take(&world, &mut plan);
    let status = &plan.statuses[0].status;
    assert_eq!((status.violations, status.objects.len()), (60, OBJECTS));
}

#[test]
fn a_wrong_policy_and_a_missing_wiring_are_said() {
    let wrong = policy(
        "wrong",
        &json!({"rules": [{"id": "nonsense", "enforcement": "Deny"}]}),
    );
    let missing = policy(
        "missing",
        &json!({"remoteWrite": {"requireWiring": ["hub"]}}),
    );
    let world = world(&[wrong, missing], vec![object("a", "bad", ELSEWHERE)]);
    let mut plan = Plan::default();
    Audit::default().take(&world, &mut plan);
    let said = |at: usize| {
        let one = &plan.statuses[at].status.conditions[0];
        (
            one.status.as_str(),
            one.reason.as_str(),
            one.message.as_str(),
        )
    };
    let (status, reason, message) = said(0);
    assert_eq!((status, reason), ("True", "WiringMissing"));
    let words = "requireWiring names what is no right wiring: hub. ";
    assert!(message.starts_with(words), "{message}");
    let (status, reason, message) = said(1);
    assert_eq!((status, reason), ("False", "Invalid"));
    assert!(message.starts_with("spec.rules[0].id: "), "{message}");
}

#[test]
fn a_status_takes_the_place_of_the_one_before() {
    let world = world(&[policy("all", &json!({}))], Vec::new());
    let mut plan = Plan::default();
    Audit::default().take(&world, &mut plan);
    let patch = plan.statuses[0].patch();
    assert_eq!(patch["metadata"], json!({"resourceVersion": "7"}));
    assert_eq!(patch["status"]["objects"], Value::Null);
    assert_eq!(patch["status"]["violations"], 0);
}
