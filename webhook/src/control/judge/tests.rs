//! A world as data in, a plan as data out; the mutator is played by the same `decide`.

use serde_json::{Value, json};
use thanos_core::fields::Served;
use thanos_core::wiring::ReferenceKind;
use thanos_core::{Subject, ThanosWiring, Wiring, decide, names};

use std::time::Duration;

use super::*;
use crate::control::credentials::Look;
use crate::control::status;
use crate::control::wiring::What;
use crate::facts::Knowledge;

const SECOND: Duration = Duration::from_secs(1);

const SETTINGS: Settings = Settings {
    patience: Patience {
        head_start: Duration::ZERO,
        base: SECOND,
        longest: Duration::from_secs(25),
    },
    pace: Pace {
        between: Duration::from_secs(6),
        settle: Duration::from_secs(60),
    },
};

fn wiring(name: &str, change: impl FnOnce(&mut Value)) -> ThanosWiring {
    let key = |key: &str| json!({"name": "remotewrite-secret", "key": key});
    let mut written = json!({
        "apiVersion": "kubectl-thanos.dev/v1alpha1", "kind": "ThanosWiring",
        "metadata": {"name": name, "generation": 1, "resourceVersion": "1"},
        "spec": {
            "cluster": "edge",
            "remoteWrite": {
                "url": "https://receive.example.com/api/v1/receive",
                "auth": {"basicAuth": {"username": key("user"), "password": key("password")}},
            },
            "credentials": {"namespaces": ["a"]},
        },
        "status": {"observedGeneration": 1, "namespaces": [{"name": "a", "ready": true}]},
    });
    change(&mut written);
    serde_json::from_value(written).unwrap()
}

fn object(name: &str) -> Object {
    let raw = json!({
        "metadata": {"name": name, "namespace": "a", "uid": name, "resourceVersion": "1", "generation": 1},
        "spec": {"version": "v3.5.0", "serviceMonitorSelector": {}},
    });
    Object::read(Kind::Prometheus, serde_json::from_value(raw).unwrap())
}

/// A world that the tests turn, and the memory of a leader in it.
struct Stage {
    world: World,
    memory: Memory,
}

impl Stage {
    fn with(wirings: &[ThanosWiring], objects: &[&str]) -> Self {
        let looks = Looks::from([(
            Target {
                kind: ReferenceKind::Secret,
                namespace: "a".to_owned(),
                name: "remotewrite-secret".to_owned(),
            },
            Look::Keys(BTreeSet::from(["user".to_owned(), "password".to_owned()])),
        )]);
        let mut stage = Self {
            world: World {
                now: Timestamp::from_second(1000).unwrap(),
                wirings: Vec::new(),
                policies: Vec::new(),
                rules: Arc::default(),
                objects: objects.iter().map(|name| Arc::new(object(name))).collect(),
                facts: BTreeMap::new(),
                namespaces: BTreeSet::from(["a".to_owned()]),
                looks,
                asked: Asked::default(),
            },
            memory: Memory::new(SETTINGS),
        };
        stage.wirings(wirings);
        stage
    }

    /// Another leader takes over, and knows only what is stored.
    fn another_leader(&mut self) {
        self.memory = Memory::new(SETTINGS);
    }

    /// Puts these in the place of all wirings; the facts follow, as they do in the program.
    fn wirings(&mut self, wirings: &[ThanosWiring]) {
        let knowledge = Knowledge::keeping(Arc::default());
        knowledge.put_namespace("a", [("team", "a")]);
        knowledge.put_crd(Kind::Prometheus, Served::newest(Kind::Prometheus), None);
        for wiring in wirings {
            let _ = knowledge.put_wiring(wiring);
        }
        let deadline = tokio::time::Instant::now();
        let facts = knowledge.facts(Kind::Prometheus, "a", self.world.now, deadline);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let (rules, facts) = runtime.block_on(facts);
        self.world.wirings = knowledge.stored();
        self.world.rules = rules;
        self.world.facts = BTreeMap::from([((Kind::Prometheus, "a".to_owned()), facts)]);
    }

    fn judge(&mut self, seconds: i64) -> Plan {
        self.world.now = Timestamp::from_second(1000 + seconds).unwrap();
        judge(&self.world, &mut self.memory)
    }

    fn touched(&mut self, seconds: i64) -> Vec<String> {
        let plan = self.judge(seconds);
        plan.touches.into_iter().map(|touch| touch.name).collect()
    }

    fn change(&mut self, name: &str, change: impl FnOnce(&mut Object)) {
        let at = self
            .world
            .objects
            .iter()
            .position(|object| object.name == name)
            .unwrap();
        let mut object = (*self.world.objects[at]).clone();
        change(&mut object);
        self.world.objects[at] = Arc::new(object);
    }

    /// What the mutator makes of a touch.
    fn mutate(&mut self, name: &str) {
        let facts = self.world.facts.values().next().unwrap().clone();
        let rules = Arc::clone(&self.world.rules);
        self.change(name, |object| {
            let subject = Subject::read(&object.raw, None, "a").unwrap();
            object.raw = decide(&subject, &facts, &rules).applied_to(&object.raw);
        });
    }

    fn reconciled(&mut self, name: &str, reconciled: Option<bool>) {
        self.change(name, |object| object.reconciled = reconciled);
    }

    /// Writes a status as the API server would.
    fn write(&mut self, plan: &Plan) {
        let mut written: Vec<ThanosWiring> = self
            .world
            .wirings
            .iter()
            .map(|stored| (*stored.written).clone())
            .collect();
        for write in &plan.writes {
            let one = written
                .iter_mut()
                .find(|one| one.metadata.name.as_ref() == Some(&write.wiring))
                .unwrap();
            match &write.what {
                What::Status(status) => one.status = Some((**status).clone()),
                What::Finalizers(finalizers) => one.metadata.finalizers = Some(finalizers.clone()),
            }
        }
        self.wirings(&written);
    }
}

fn ready(plan: &Plan) -> (String, String, String) {
    let status = plan.writes.iter().find_map(|write| match &write.what {
        What::Status(status) => Some(status),
        What::Finalizers(_) => None,
    });
    let conditions = &status.expect("a status is written").conditions;
    let ready = conditions
        .iter()
        .find(|one| one.type_ == status::READY)
        .unwrap();
    (
        ready.status.clone(),
        ready.reason.clone(),
        ready.message.clone(),
    )
}

fn notes(plan: &Plan) -> Vec<String> {
    plan.news
        .iter()
        .map(|news| format!("{} {}", news.reason, news.note))
        .collect()
}

#[test]
fn what_is_not_wired_is_touched_until_it_is() {
    let mut stage = Stage::with(&[wiring("hub", |_| {})], &["one", "two"]);
    assert_eq!(stage.touched(0), ["one", "two"]);
    assert_eq!(stage.touched(0), [""; 0], "touched, and not answered yet");
    stage.mutate("one");
    assert_eq!(stage.touched(1), ["two"]);
    let plan = stage.judge(2);
    assert_eq!(plan.next, Some(Timestamp::from_second(1003).unwrap()));
    stage.mutate("two");
    assert_eq!(stage.touched(3), [""; 0]);
    let plan = stage.judge(4);
    assert_eq!(plan.counts["hub"], (2, 0));
}

#[test]
fn a_touch_that_nobody_answers_is_told_once() {
    let mut stage = Stage::with(&[wiring("hub", |_| {})], &["one"]);
    let mut told = Vec::new();
    for seconds in 0..100 {
        told.extend(
            notes(&stage.judge(seconds))
                .into_iter()
                .map(|note| (seconds, note)),
        );
    }
    let [(15, note)] = told.as_slice() else {
        panic!("{told:?}")
    };
    assert!(
        note.starts_with("WebhookSilent KTH5201 touched 5 times"),
        "{note}"
    );
}

#[test]
fn what_stands_in_the_way_is_told_and_not_touched() {
    let missing = wiring("hub", |written| {
        written["status"]["namespaces"] =
            json!([{"name": "a", "ready": false, "reason": "SecretMissing"}]);
    });
    let mut stage = Stage::with(&[missing], &[]);
    stage.judge(0);
    stage.world.objects = vec![Arc::new(object("one"))];
    let plan = stage.judge(1);
    assert!(plan.touches.is_empty());
    assert_eq!(
        notes(&plan),
        [
            "CredentialMissing KTH2010 not wired by hub: the credential is not ready in namespace a: SecretMissing"
        ]
    );
    assert!(stage.judge(2).news.is_empty());
    assert_eq!(plan.counts["hub"], (0, 1));
    stage.wirings(&[wiring("hub", |_| {})]);
    assert_eq!(stage.touched(3), ["one"]);
    stage.mutate("one");
    assert_eq!(notes(&stage.judge(4)), ["Wired KTH2000 wired by hub"]);
    stage.change("one", |object| {
        object.raw["metadata"]["labels"] = json!({names::WIRE: names::DISABLED});
    });
    assert_eq!(stage.touched(5), ["one"]);
    stage.mutate("one");
    assert_eq!(
        notes(&stage.judge(6)),
        [
            "UnWired KTH2002 un-wired from hub: opted out by its label kubectl-thanos.dev/wire=disabled"
        ]
    );
}

#[test]
fn a_restart_makes_no_storm() {
    let mut stage = Stage::with(&[wiring("hub", |_| {})], &["one"]);
    stage.mutate("one");
    assert!(stage.judge(0).news.is_empty());
    let new = wiring("hub", |written| {
        written["status"] = Value::Null;
        written["spec"]["credentials"]["namespaces"] = json!([]);
    });
    let mut stage = Stage::with(&[new], &["one"]);
    assert_eq!(
        notes(&stage.judge(0)),
        ["NotEnrolled KTH2009 not wired by hub: namespace a is not enrolled"],
        "nobody has told it before"
    );
}

/// Three wired objects, and a wiring that has changed since.
fn changed() -> Stage {
    let mut stage = Stage::with(&[wiring("hub", |_| {})], &["one", "two", "three"]);
    for name in ["one", "two", "three"] {
        stage.mutate(name);
        stage.reconciled(name, Some(true));
    }
    assert_eq!(stage.touched(0), [""; 0]);
    stage.wirings(&[moved()]);
    stage
}

fn moved() -> ThanosWiring {
    wiring("hub", |written| {
        written["metadata"]["generation"] = json!(2);
        written["spec"]["remoteWrite"]["url"] = json!("https://other.example.com/api/v1/receive");
        written["status"]["observedGeneration"] = json!(2);
    })
}

#[test]
fn a_changed_wiring_reaches_one_object_first_and_then_the_rest_at_their_pace() {
    let mut stage = changed();
    assert_eq!(stage.touched(10), ["one"]);
    stage.mutate("one");
    stage.reconciled("one", None);
    assert_eq!(stage.touched(20), [""; 0]);
    let plan = stage.judge(21);
    assert_eq!(ready(&plan).1, "Working");
    assert_eq!(
        plan.counts["hub"],
        (3, 0),
        "wired by what the wiring was before counts"
    );
    stage.reconciled("one", Some(true));
    assert_eq!(stage.touched(22), ["two"]);
    stage.mutate("two");
    assert_eq!(stage.touched(24), [""; 0]);
    assert_eq!(stage.touched(28), ["three"]);
}

#[test]
fn what_lost_its_entry_waits_for_no_pace() {
    let mut stage = changed();
    stage.change("three", |object| {
        object.raw["spec"]["remoteWrite"] = json!([{"url": "https://mine.example.com"}]);
    });
    assert_eq!(stage.touched(10), ["one", "three"]);
}

#[test]
fn a_failure_stops_the_rest_and_is_told() {
    let mut stage = changed();
    assert_eq!(stage.touched(10), ["one"]);
    stage.mutate("one");
    stage.reconciled("one", Some(false));
    let plan = stage.judge(12);
    assert!(plan.touches.is_empty() && plan.news[0].warns);
    assert!(
        notes(&plan)[0].starts_with("RewiringHalted KTH5301 rewiring by hub is halted"),
        "{:?}",
        notes(&plan)
    );
    let (status, reason, message) = ready(&plan);
    assert_eq!(
        (status.as_str(), reason.as_str()),
        ("False", "RewiringHalted")
    );
    assert!(
        message.starts_with("prometheus/a/one is not reconciled"),
        "{message}"
    );
    stage.write(&plan);
    assert!(stage.judge(500).news.is_empty());
    stage.another_leader();
    let plan = stage.judge(600);
    assert!(
        plan.touches.is_empty() && plan.news.is_empty() && plan.writes.is_empty(),
        "{plan:?}"
    );
    stage.reconciled("one", Some(true));
    assert_eq!(stage.touched(601), ["two"]);
}

/// What `enroll` does: the generation moves on, and nothing changes for the objects.
fn enrolled(mut wiring: ThanosWiring) -> ThanosWiring {
    let credentials = wiring.spec.credentials.as_mut().unwrap();
    credentials.namespaces.push("b".to_owned());
    wiring.metadata.generation = wiring.metadata.generation.map(|before| before + 1);
    wiring
}

#[test]
fn one_more_enrolled_namespace_begins_no_rollout_anew() {
    let mut stage = changed();
    assert_eq!(stage.touched(10), ["one"]);
    stage.mutate("one");
    stage.reconciled("one", Some(true));
    assert_eq!(stage.touched(20), ["two"]);
    stage.mutate("two");
    stage.wirings(&[enrolled(moved())]);
    let plan = stage.judge(21);
    assert!(
        plan.touches.is_empty(),
        "no namespace is known to hold the credential for a moment"
    );
    stage.write(&plan);
    assert_eq!(
        stage.touched(22),
        [""; 0],
        "three would be the first of a new one"
    );
    assert_eq!(stage.touched(26), ["three"]);
}

#[test]
fn one_more_enrolled_namespace_lifts_no_halt() {
    let mut stage = changed();
    stage.touched(10);
    stage.mutate("one");
    stage.reconciled("one", Some(false));
    let plan = stage.judge(12);
    stage.write(&plan);
    let halted = (*stage.world.wirings[0].written).clone();
    stage.wirings(&[enrolled(halted.clone())]);
    // The next leader comes before the status is about the new generation.
    for another in [false, true] {
        if another {
            stage.another_leader();
        }
        let plan = stage.judge(20);
        assert!(plan.touches.is_empty() && plan.news.is_empty(), "{plan:?}");
        assert_eq!(ready(&plan).1, "RewiringHalted");
    }
    // What the wiring writes lifts it, for the next leader too.
    let mut back = halted;
    back.spec.remote_write.url = "https://receive.example.com/api/v1/receive".to_owned();
    stage.wirings(&[back]);
    assert_eq!(stage.touched(30), ["one"]);
    stage.another_leader();
    assert_eq!(stage.touched(31), ["one"]);
}

#[test]
fn a_wiring_that_unwires_goes_when_nothing_is_left() {
    let unwires = |written: &mut Value| written["spec"]["onDelete"] = json!("Unwire");
    let mut stage = Stage::with(&[wiring("hub", unwires)], &["one"]);
    stage.mutate("one");
    let plan = stage.judge(0);
    assert_eq!(
        plan.writes[0].what,
        What::Finalizers(vec![names::FINALIZER.to_owned()])
    );
    let going = wiring("hub", |written| {
        unwires(written);
        written["metadata"]["finalizers"] = json!(["other", names::FINALIZER]);
        written["metadata"]["deletionTimestamp"] = json!("2026-11-25T00:00:00Z");
    });
    stage.wirings(&[going]);
    let plan = stage.judge(10);
    assert_eq!(plan.touches[0].name, "one");
    assert_eq!(ready(&plan).1, "Unwiring");
    stage.mutate("one");
    assert!(
        !stage.world.objects[0]
            .raw
            .to_string()
            .contains("remoteWrite")
    );
    let plan = stage.judge(11);
    assert!(
        plan.writes
            .iter()
            .all(|write| matches!(write.what, What::Status(_)))
    );
    let plan = stage.judge(13);
    assert_eq!(
        plan.writes[0].what,
        What::Finalizers(vec!["other".to_owned()])
    );
}

#[test]
fn a_wiring_that_keeps_has_no_finalizer_and_touches_nothing() {
    let keeps = wiring("hub", |written| {
        written["metadata"]["finalizers"] = json!([names::FINALIZER]);
    });
    let mut stage = Stage::with(&[keeps], &["one"]);
    stage.mutate("one");
    let plan = stage.judge(0);
    assert_eq!(plan.writes[0].what, What::Finalizers(Vec::new()));
    stage.wirings(&[]);
    let plan = stage.judge(1);
    assert!(plan.touches.is_empty() && plan.writes.is_empty() && plan.news.is_empty());
}

#[test]
fn an_object_that_the_webhook_is_not_asked_about_is_not_looked_at() {
    let mut stage = Stage::with(&[wiring("hub", |_| {})], &["one"]);
    let registration = json!({"metadata": {}, "webhooks": [{
        "name": "w", "admissionReviewVersions": ["v1"], "sideEffects": "None", "clientConfig": {},
        "namespaceSelector": {"matchLabels": {"team": "b"}},
    }]});
    stage.world.asked = Asked::by(&serde_json::from_value(registration).unwrap());
    let plan = stage.judge(0);
    assert!(plan.touches.is_empty());
    assert_eq!(plan.counts["hub"], (0, 0));
}

#[test]
fn two_wirings_in_conflict_are_told_in_the_status_of_the_later() {
    let later = wiring("late", |written| {
        written["spec"]["remoteWrite"]["url"] = json!("https://late.example.com/");
    });
    let mut stage = Stage::with(&[wiring("hub", |_| {}), later], &["one"]);
    stage.mutate("one");
    let plan = stage.judge(0);
    let late = Plan {
        writes: plan
            .writes
            .into_iter()
            .filter(|write| write.wiring == "late")
            .collect(),
        ..Plan::default()
    };
    let (status, reason, message) = ready(&late);
    assert_eq!((status.as_str(), reason.as_str()), ("False", "Conflict"));
    assert_eq!(
        message,
        "prometheus/a/one: KTH2013 wiring hub comes first and uses the entry name thanos"
    );
}

#[test]
fn a_status_is_written_when_it_changes_and_its_conditions_keep_their_time() {
    let mut stage = Stage::with(&[wiring("hub", |_| {})], &["one"]);
    let plan = stage.judge(0);
    stage.write(&plan);
    assert!(stage.judge(5).writes.is_empty());
    stage.mutate("one");
    let plan = stage.judge(6);
    let What::Status(status) = &plan.writes[0].what else {
        panic!()
    };
    assert_eq!(
        (status.wired, status.unwired, status.observed_generation),
        (1, 0, Some(1))
    );
    let since: Vec<i64> = status
        .conditions
        .iter()
        .map(|one| one.last_transition_time.0.as_second())
        .collect();
    assert_eq!(since, [1000, 1000]);
}

#[test]
fn a_touch_that_was_left_behind_is_answered_by_another() {
    let mut stage = Stage::with(&[wiring("hub", |_| {})], &["one"]);
    stage.mutate("one");
    stage.change("one", |object| {
        object.raw["metadata"]["annotations"][names::TOUCH] = json!("earlier");
    });
    let plan = stage.judge(0);
    assert_eq!(plan.touches[0].value, "earlier");
    stage.mutate("one");
    assert_eq!(stage.touched(5), [""; 0]);
}

#[test]
fn a_wrong_wiring_says_what_is_wrong() {
    let wrong = wiring("hub", |written| {
        written["spec"]["cluster"] = json!("not a name");
    });
    assert!(Wiring::resolve(&wrong).is_err());
    let mut stage = Stage::with(&[wrong], &["one"]);
    let plan = stage.judge(0);
    let (status, reason, message) = ready(&plan);
    assert_eq!((status.as_str(), reason.as_str()), ("False", "Invalid"));
    assert!(message.starts_with("spec.cluster: must be"), "{message}");
}
