use std::collections::BTreeSet;

use super::*;
use crate::enroll::hidden::Hidden;
use crate::enroll::parts::{Part, Values};
use crate::init::facts::Registered;
use thanos_core::names;
use thanos_core::subject::Kind;

fn wiring_object(auth: &Value) -> Value {
    json!({
        "apiVersion": names::API_VERSION, "kind": "ThanosWiring",
        "metadata": {"name": "hub", "labels": {names::MANAGED_BY: names::MANAGER_PLUGIN}},
        "spec": {"cluster": "edge-01", "remoteWrite": {"url": "https://receive.example.com/api/v1/receive", "auth": auth}},
    })
}

fn basic() -> Value {
    let key = |key: &str| json!({"name": "remotewrite-secret", "key": key});
    json!({"basicAuth": {"username": key("user"), "password": key("password")}})
}

fn wish(auth: &Value, namespaces: &[&str]) -> Wish {
    let manifest = wiring_object(auth);
    let (written, right) = crate::enroll::read(&manifest).unwrap();
    Wish {
        manifest,
        written,
        right,
        namespaces: namespaces.iter().map(|name| (*name).to_owned()).collect(),
    }
}

fn terms(wish: &Wish, live: Option<&Value>) -> Terms {
    crate::enroll::terms(live.unwrap_or(&Value::Null), &wish.written)
}

fn facts(namespaces: Vec<(String, Found)>) -> Facts {
    Facts {
        server: "https://s".to_owned(),
        version: "v1.37.0".to_owned(),
        operator: None,
        kinds: BTreeSet::from([Kind::Prometheus]),
        crd: None,
        wiring: None,
        registered: Registered {
            mutating: false,
            validating: false,
        },
        namespaces,
        copied: Values::new(),
        denied: BTreeSet::new(),
    }
}

fn there(name: &str) -> (String, Found) {
    let namespace = Some(json!({"metadata": {"name": name}}));
    (
        name.to_owned(),
        Found {
            namespace,
            holders: vec![None],
            ..Found::default()
        },
    )
}

fn credential() -> plan::Wish {
    let values = [
        (Part::User, Hidden::new("edge-01")),
        (Part::Password, Hidden::new("hunter22")),
    ];
    plan::Wish {
        fallback: values.into(),
        ..plan::Wish::default()
    }
}

fn shown(plan: &Plan) -> Vec<String> {
    plan.rows()
        .map(|(namespace, row)| {
            format!(
                "{} {} {}",
                row.action.intent(),
                namespace.unwrap_or("-"),
                row.at.title()
            )
        })
        .collect()
}

#[test]
fn from_nothing_everything_is_made_in_its_order() {
    let wish = wish(&basic(), &["a"]);
    let plan = super::plan(
        &wish,
        &credential(),
        &terms(&wish, None),
        &facts(vec![there("a")]),
    )
    .unwrap();
    assert_eq!(
        shown(&plan),
        [
            "create - customresourcedefinition.apiextensions.k8s.io/thanoswirings.kubectl-thanos.dev",
            "create - thanoswiring.kubectl-thanos.dev/hub",
            "create a secret/remotewrite-secret",
            "create a role.rbac.authorization.k8s.io/thanos-wiring-hub",
            "create a rolebinding.rbac.authorization.k8s.io/thanos-wiring-hub",
            "change a thanoswiring.kubectl-thanos.dev/hub",
        ]
    );
    let password = Hidden::new("hunter22");
    assert!(!password.is_in(&format!("{plan:?}")) && !password.is_in(&as_json(&plan).to_string()));
}

#[test]
fn what_is_there_is_unchanged() {
    let wish = wish(&basic(), &["a"]);
    let mut live = wiring_object(&basic());
    live["spec"]["credentials"] = json!({"namespaces": ["a"]});
    let terms = terms(&wish, Some(&live));
    let labels = objects::labels("hub");
    let (name, mut found) = there("a");
    let data =
        json!({"user": Hidden::new("edge-01").base64(), "password": Hidden::new("other").base64()});
    found.holders = vec![Some(
        json!({"metadata": {"labels": labels, "resourceVersion": "1"}, "data": data}),
    )];
    found.role = Some(objects::role(&terms, "a"));
    found.binding = Some(objects::binding(&terms, "a"));
    let mut facts = facts(vec![(name, found)]);
    facts.crd = Some(serde_json::to_value(wiring::crd()).unwrap());
    facts.wiring = Some(live);
    let plan = super::plan(&wish, &credential(), &terms, &facts).unwrap();
    assert!(plan.is_settled(), "{:?}", shown(&plan));
}

#[test]
fn a_changed_wiring_says_what_changes() {
    let wish = wish(&basic(), &["a"]);
    let mut live = wiring_object(&basic());
    live["spec"]["remoteWrite"]["url"] = json!("https://old.example.com/");
    live["spec"]["labels"] =
        json!({"enforced": {"cluster": "{cluster}"}, "default": {"dc": "west"}});
    let mut facts = facts(vec![there("a")]);
    facts.wiring = Some(live.clone());
    let plan = super::plan(&wish, &credential(), &terms(&wish, Some(&live)), &facts).unwrap();
    assert_eq!(
        plan.cluster[1].detail,
        "sets spec.labels.default, spec.remoteWrite.url"
    );
}

#[test]
fn every_fault_is_told_at_once() {
    let wish = wish(&basic(), &["a", "b", "c"]);
    let (taken, mut foreign) = there("b");
    foreign.holders = vec![Some(json!({"metadata": {"labels": {}}}))];
    let missing = ("a".to_owned(), Found::default());
    let mut facts = facts(vec![missing, (taken, foreign), there("c")]);
    facts.kinds.clear();
    facts.denied.insert((
        "create",
        "secret/remotewrite-secret in namespace c".to_owned(),
    ));
    let faults = super::plan(&wish, &credential(), &terms(&wish, None), &facts).unwrap_err();
    let codes: Vec<&str> = faults
        .iter()
        .filter_map(|fault| fault.code.map(|code| code.code))
        .collect();
    assert_eq!(codes, ["KTH1010", "KTH1004", "KTH1012", "KTH1002"]);
}

#[test]
fn a_credential_needs_a_namespace_and_none_needs_none() {
    let refused = wish(&basic(), &[]);
    let faults = super::plan(
        &refused,
        &credential(),
        &terms(&refused, None),
        &facts(Vec::new()),
    )
    .unwrap_err();
    assert_eq!(faults[0].code, Some(codes::NO_INPUTS));
    let keyless = wish(&json!({"none": {}}), &[]);
    let plan = super::plan(
        &keyless,
        &plan::Wish::default(),
        &terms(&keyless, None),
        &facts(Vec::new()),
    )
    .unwrap();
    assert_eq!(plan.rows().count(), 2);
}

#[test]
fn exported_manifests_hold_no_secret() {
    let wish = wish(&basic(), &["a", "b"]);
    let files = manifests(&wish, &terms(&wish, None));
    let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "00-crd.yaml",
            "10-wiring-hub.yaml",
            "20-a-role.yaml",
            "20-a-rolebinding.yaml",
            "20-b-role.yaml",
            "20-b-rolebinding.yaml"
        ]
    );
    assert_eq!(
        files[1].1["spec"]["credentials"]["namespaces"],
        json!(["a", "b"])
    );
    assert!(files.iter().all(|(_, object)| object["kind"] != "Secret"));
}
