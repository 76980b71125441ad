//! The laws as properties: over the whole corpus, and over objects made from the operator's own OpenAPI schemas.

mod make;

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use proptest::prelude::*;
use serde_json::{Value, json};
use thanos_core::facts::Credential;
use thanos_core::fields::Served;
use thanos_core::{
    Decision, Facts, Kind, Outcome, Rules, Subject, Verdict, Wiring, decide, names, versions,
};

use crate::cases::object_stories;
pub(crate) use make::cases;
use make::{Entropy, object, wiring};

/// The corpus, read once.
static CORPUS: LazyLock<Vec<Value>> = LazyLock::new(|| {
    object_stories()
        .unwrap()
        .into_iter()
        .map(|story| story.given)
        .collect()
});

/// A credential that stands in places where no output may show it.
const CANARY: &str = "c4n4ry-s3cr3t";

fn facts(kind: Kind, rules: &Rules) -> Facts {
    Facts {
        now: jiff::Timestamp::UNIX_EPOCH,
        namespace: Some(Arc::new(BTreeMap::from([(
            names::NAMESPACE_NAME.to_owned(),
            "monitoring".to_owned(),
        )]))),
        credentials: rules
            .wirings()
            .iter()
            .map(|wiring| (Arc::clone(&wiring.name), Credential::Ready))
            .collect(),
        operator: versions::parse("0.92.1"),
        served: Arc::new(Served::newest(kind)),
        lately: thanos_core::facts::Lately::default(),
    }
}

fn judged(object: &Value, rules: &Rules) -> Option<Decision> {
    let subject = Subject::read(object, None, "monitoring").ok()?;
    Some(decide(&subject, &facts(subject.kind, rules), rules))
}

fn reverted(object: &Value) -> Value {
    let subject = Subject::read(object, None, "monitoring").unwrap();
    decide::revert(&subject).applied_to(object)
}

/// An object without the three places that wiring may touch.
fn untouchable(object: &Value, ours: &[&str]) -> Value {
    let mut rest = object.clone();
    if let Some(annotations) = rest
        .pointer_mut("/metadata/annotations")
        .and_then(Value::as_object_mut)
    {
        annotations.retain(|key, _| key != names::WIRED && key != names::TOUCH);
    }
    if rest.pointer("/metadata/annotations") == Some(&json!({})) {
        rest["metadata"]
            .as_object_mut()
            .unwrap()
            .shift_remove("annotations");
    }
    let Some(spec) = rest.get_mut("spec").and_then(Value::as_object_mut) else {
        return rest;
    };
    spec.shift_remove("externalLabels");
    spec.shift_remove("labels");
    if let Some(entries) = spec.get_mut("remoteWrite").and_then(Value::as_array_mut) {
        entries.retain(|entry| !ours.contains(&entry["name"].as_str().unwrap_or_default()));
        if entries.is_empty() {
            spec.shift_remove("remoteWrite");
        }
    }
    rest
}

/// Every law that one object and one set of rules must keep.
fn keeps_the_laws(object: &Value, rules: &Rules) -> Result<(), TestCaseError> {
    let Some(decision) = judged(object, rules) else {
        return Ok(());
    };
    let after = decision.applied_to(object);
    // Deterministic, byte for byte.
    prop_assert_eq!(
        format!("{:?}", judged(object, rules)),
        format!("{:?}", Some(&decision))
    );
    // Every patch applies with the library too, adds, replaces and removes only, and stays inside its limits.
    let mut theirs = object.clone();
    json_patch::patch(&mut theirs, decision.edits())
        .map_err(|error| TestCaseError::fail(error.to_string()))?;
    prop_assert_eq!(&theirs, &after);
    let patch = serde_json::to_string(decision.edits()).unwrap();
    prop_assert!(
        decision.edits().len() <= names::PATCH_OPERATIONS && patch.len() <= names::PATCH_BYTES
    );
    // Idempotent: the second patch is empty.
    let again = judged(&after, rules).unwrap();
    prop_assert!(again.edits().is_empty(), "second patch {:?}", again.edits());
    // No secret leaves.
    let told: String = decision
        .warnings
        .iter()
        .map(ToString::to_string)
        .chain([format!("{:?}", decision.outcomes)])
        .collect();
    prop_assert!(!patch.contains(CANARY) && !told.contains(CANARY), "{patch}");
    let annotation = after
        .pointer("/metadata/annotations")
        .and_then(|annotations| annotations.get(names::WIRED))
        .and_then(Value::as_str)
        .unwrap_or_default();
    // What we write is small and holds no url; what somebody wrote by hand may stay where there is nothing to write.
    if annotation != annotation_of(object) {
        prop_assert!(annotation.len() <= names::WIRED_LIMIT);
        let written = decide::Record::read(annotation).unwrap_or_default();
        for (name, _) in decision
            .outcomes
            .iter()
            .filter(|(_, outcome)| matches!(outcome, Outcome::Wire))
        {
            let wired = format!("{:?}", written.wired(name));
            for wiring in rules.wirings() {
                prop_assert!(!wired.contains(&wiring.entry.url), "{annotation}");
            }
        }
    }
    // Unknown fields survive, and every other entry stays as it was.
    let before: Vec<&Value> = object["spec"]["remoteWrite"]
        .as_array()
        .into_iter()
        .flatten()
        .collect();
    let candidate = |entry: &Value| {
        rules.wirings().iter().any(|wiring| {
            entry["name"] == wiring.entry.name.as_str()
                || same_place(&entry["url"], &wiring.entry.url)
        })
    };
    let recorded = decide::Record::read(annotation_of(object)).unwrap_or_default();
    let ours: Vec<&str> = rules
        .wirings()
        .iter()
        .map(|wiring| wiring.entry.name.as_str())
        .chain(
            before
                .iter()
                .filter(|entry| candidate(entry))
                .filter_map(|entry| entry["name"].as_str()),
        )
        .collect();
    if recorded == decide::Record::default() {
        let foreign = |object: &Value| -> String {
            object["spec"]["remoteWrite"]
                .as_array()
                .into_iter()
                .flatten()
                .filter(|entry| !candidate(entry))
                .map(ToString::to_string)
                .collect()
        };
        prop_assert_eq!(foreign(object), foreign(&after));
        let unnamed = before
            .iter()
            .any(|entry| candidate(entry) && entry["name"].as_str().unwrap_or_default().is_empty());
        if !unnamed {
            prop_assert_eq!(untouchable(object, &ours), untouchable(&after, &ours));
        }
        // Reversible: what was put in comes out, and nothing else. `adopt: Replace` says that it is not.
        let replaces = rules
            .wirings()
            .iter()
            .any(|wiring| wiring.entry.adopt == thanos_core::wiring::Adopt::Replace);
        if annotation_of(object).is_empty()
            && !replaces
            && object
                .pointer("/metadata/annotations")
                .and_then(|annotations| annotations.get(names::TOUCH))
                .is_none()
        {
            prop_assert_eq!(reverted(&after), object.clone());
        }
    }
    Ok(())
}

/// A failure with what it takes to see it again.
fn told(error: &TestCaseError, object: &Value, wirings: &[Value]) -> TestCaseError {
    TestCaseError::fail(format!(
        "{error}\nobject {object}\nwirings {}",
        json!(wirings)
    ))
}

/// Whether two urls, however they are spelled, are the same for who sends there.
fn same_place(one: &Value, other: &str) -> bool {
    let read = |url: &str| url::Url::parse(url).ok();
    one.as_str()
        .is_some_and(|one| one == other || (read(one).is_some() && read(one) == read(other)))
}

fn annotation_of(object: &Value) -> &str {
    object
        .pointer("/metadata/annotations")
        .and_then(|annotations| annotations.get(names::WIRED))
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn rules(wirings: &[Value]) -> Rules {
    Rules::new(wirings.iter().map(|raw| {
        Arc::new(
            thanos_core::wiring::read(raw).unwrap_or_else(|faults| panic!("{faults:?}\n{raw}")),
        )
    }))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: make::cases(512), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_laws_hold_over_the_corpus(at in any::<prop::sample::Index>(), bytes in prop::collection::vec(any::<u8>(), 0..64), second in any::<bool>()) {
        let mut entropy = Entropy::new(&bytes);
        let mut wirings = vec![wiring(&mut entropy, "hub")];
        if second {
            wirings.push(wiring(&mut entropy, "second"));
        }
        keeps_the_laws(at.get(&CORPUS), &rules(&wirings)).map_err(|error| told(&error, at.get(&CORPUS), &wirings))?;
    }

    #[test]
    fn the_laws_hold_over_the_crds_own_schemas(bytes in prop::collection::vec(any::<u8>(), 0..700), second in any::<bool>()) {
        let mut entropy = Entropy::new(&bytes);
        let mut wirings = vec![wiring(&mut entropy, "hub")];
        if second {
            wirings.push(wiring(&mut entropy, "second"));
        }
        let object = object(&mut entropy, CANARY);
        keeps_the_laws(&object, &rules(&wirings)).map_err(|error| told(&error, &object, &wirings))?;
    }

    #[test]
    fn a_wiring_may_change_and_go_and_leaves_nothing(bytes in prop::collection::vec(any::<u8>(), 0..500), steps in 1usize..5) {
        let mut entropy = Entropy::new(&bytes);
        let mut before = object(&mut entropy, CANARY);
        before["metadata"].as_object_mut().unwrap().shift_remove("annotations");
        let mut now = before.clone();
        for _ in 0..steps {
            let mut written = wiring(&mut entropy, "hub");
            written["spec"]["remoteWrite"].as_object_mut().unwrap().shift_remove("adopt");
            // An address of its own: an adopted entry keeps the last url that the wiring gave it.
            written["spec"]["remoteWrite"]["url"] = json!(format!("https://own-{}.example.com/", entropy.byte() % 3));
            written["spec"]["remoteWrite"]["name"] = json!(["own", "own-too"][usize::from(entropy.byte() % 2)]);
            let rules = rules(&[written]);
            let decision = judged(&now, &rules).unwrap();
            if let Verdict::Change(_) = decision.verdict {
                now = decision.applied_to(&now);
            }
            prop_assert!(judged(&now, &rules).unwrap().edits().is_empty());
        }
        prop_assert_eq!(reverted(&now), before);
    }
}

#[test]
fn a_huge_object_is_wired_in_place() {
    let entry = |at: usize| json!({"name": format!("other-{at}"), "url": format!("https://other-{at}.example.com/"), "x": "y".repeat(10_000)});
    let object = json!({"apiVersion": "monitoring.coreos.com/v1", "kind": "Prometheus", "metadata": {"name": "huge", "namespace": "monitoring"},
        "spec": {"version": "v3.5.0", "serviceMonitorSelector": {}, "remoteWrite": (0..200).map(entry).collect::<Vec<_>>()}});
    let rules = rules(&[wiring(&mut Entropy::new(&[]), "hub")]);
    let decision = judged(&object, &rules).unwrap();
    assert!(
        serde_json::to_string(decision.edits()).unwrap().len() < 4_000,
        "the patch holds our entry and no other"
    );
    keeps_the_laws(&object, &rules).unwrap();
}

#[test]
fn a_wiring_that_is_resolved_twice_is_the_same() {
    let raw = wiring(&mut Entropy::new(&[7; 64]), "hub");
    let resolved = |raw: &Value| {
        format!(
            "{:?}",
            thanos_core::wiring::read(raw).map(|wiring: Wiring| wiring.entry)
        )
    };
    assert_eq!(resolved(&raw), resolved(&raw));
}
