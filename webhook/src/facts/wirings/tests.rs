//! What is written, changed and forgotten.

use serde_json::{Value, json};

use super::*;

fn wiring(
    generation: i64,
    observed: i64,
    secret: &str,
    enrolled: &[&str],
    ready: &[&str],
) -> ThanosWiring {
    let key = |key: &str| json!({"name": secret, "key": key});
    let entries: Vec<Value> = ready
        .iter()
        .map(|name| json!({"name": name, "ready": true}))
        .collect();
    serde_json::from_value(json!({
        "apiVersion": "kubectl-thanos.dev/v1alpha1", "kind": "ThanosWiring",
        "metadata": {"name": "hub", "generation": generation},
        "spec": {
            "cluster": "edge",
            "remoteWrite": {
                "url": "https://receive.example.com/api/v1/receive",
                "auth": {"basicAuth": {"username": key("user"), "password": key("password")}},
            },
            "credentials": {"namespaces": enrolled},
        },
        "status": {"observedGeneration": observed, "namespaces": entries},
    }))
    .unwrap()
}

fn credential(wirings: &Wirings, namespace: &str) -> Option<Credential> {
    wirings.of(namespace).1.into_values().next()
}

#[test]
fn ready_is_who_is_enrolled_and_found() {
    let wirings = Wirings::default();
    wirings
        .put(&wiring(1, 1, "s", &["a", "b"], &["a", "c"]))
        .unwrap();
    assert_eq!(credential(&wirings, "a"), Some(Credential::Ready));
    assert_eq!(
        credential(&wirings, "b"),
        Some(Credential::Missing(UNCHECKED.into()))
    );
    assert_eq!(
        credential(&wirings, "c"),
        None,
        "found, and not enrolled any more"
    );
}

#[test]
fn a_status_about_other_secrets_says_nothing() {
    let wirings = Wirings::default();
    wirings.put(&wiring(2, 1, "s", &["a"], &["a"])).unwrap();
    assert_eq!(
        credential(&wirings, "a"),
        Some(Credential::Missing(UNCHECKED.into())),
        "never seen current"
    );
    wirings.put(&wiring(2, 2, "s", &["a"], &["a"])).unwrap();
    wirings
        .put(&wiring(3, 2, "s", &["a", "b"], &["a"]))
        .unwrap();
    assert_eq!(
        credential(&wirings, "a"),
        Some(Credential::Ready),
        "one more was enrolled"
    );
    wirings
        .put(&wiring(4, 2, "other", &["a", "b"], &["a"]))
        .unwrap();
    assert_eq!(
        credential(&wirings, "a"),
        Some(Credential::Missing(UNCHECKED.into())),
        "another Secret is named"
    );
    wirings
        .put(&wiring(4, 4, "other", &["a", "b"], &["a"]))
        .unwrap();
    assert_eq!(credential(&wirings, "a"), Some(Credential::Ready));
}

#[test]
fn a_wrong_wiring_goes_out() {
    let wirings = Wirings::default();
    let mut written = wiring(1, 1, "s", &["a"], &["a"]);
    wirings.put(&written).unwrap();
    written.spec.cluster = "not a name".to_owned();
    assert!(wirings.put(&written).is_err());
    assert!(wirings.rules().wirings().is_empty());
}

#[test]
fn what_a_wiring_was_is_remembered_for_a_while() {
    let wirings = Wirings::default();
    let begin = Instant::now();
    let at = |seconds| begin + Duration::from_secs(seconds);
    let put = |seconds, wiring: &ThanosWiring| wirings.put_at(wiring, at(seconds)).unwrap();
    let before = |seconds| {
        let lately = wirings.lately(Duration::from_secs(60), at(seconds));
        let named = |wiring: &Arc<Wiring>| Some(wiring.references.first()?.name.clone());
        lately.get("hub").and_then(named)
    };
    put(0, &wiring(1, 1, "s", &["a"], &["a"]));
    assert_eq!(before(0), None, "it is new");
    put(1, &wiring(2, 1, "other", &["a"], &["a"]));
    assert_eq!(before(1).as_deref(), Some("s"));
    put(40, &wiring(2, 2, "other", &["a"], &["a"]));
    assert_eq!(before(60).as_deref(), Some("s"), "a status is no change");
    assert_eq!(before(61), None);
}

#[test]
fn policies_stand_beside_the_wirings() {
    let policy = |name: &str, spec: Value| -> ThanosPolicy {
        serde_json::from_value(json!({
            "apiVersion": "kubectl-thanos.dev/v1alpha1", "kind": "ThanosPolicy",
            "metadata": {"name": name, "uid": format!("uid-of-{name}")}, "spec": spec,
        }))
        .unwrap()
    };
    let wirings = Wirings::default();
    wirings.put(&wiring(1, 1, "s", &[], &[])).unwrap();
    wirings.put_policy(&policy("a", json!({}))).unwrap();
    wirings.put_policy(&policy("b", json!({}))).unwrap();
    assert_eq!(wirings.policy_uid("a").as_deref(), Some("uid-of-a"));
    let wrong = policy(
        "a",
        json!({"rules": [{"id": "nonsense", "enforcement": "Deny"}]}),
    );
    assert!(wirings.put_policy(&wrong).is_err());
    let rules = wirings.rules();
    let names: Vec<&str> = rules
        .policies()
        .iter()
        .map(|policy| &*policy.name)
        .collect();
    assert_eq!((names.as_slice(), rules.wirings().len()), (&["b"][..], 1));
    wirings.keep_only_policies(&BTreeSet::new());
    assert!(wirings.rules().policies().is_empty());
}
