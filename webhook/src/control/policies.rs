//! What each policy comes to: the objects that break its rules where they are stored, and its status.
//!
//! Each policy is judged alone by the same `judge`: what two of them find is in both statuses. Objstore Secrets are not
//! read here: there is no right on Secrets.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use kube::api::{Patch, PatchParams};
use kube::core::SelectorExt;
use kube::{Api, Client};
use serde_json::{Value, json};
use thanos_core::policy::{ThanosPolicyStatus, ViolatingObject};
use thanos_core::{Policy, Rules, Subject, ThanosPolicy, judge, names};

use super::judge::{Plan, World};
use super::status::{READY, Said, condition, some};
use super::touch::after;
use crate::facts::Stored;

/// Everything is judged by every policy no more often than this.
const BETWEEN: Duration = Duration::from_secs(2);
/// As many objects are named in a status.
const OBJECTS: usize = 50;

/// When the policies were asked last.
#[derive(Debug, Default)]
pub(super) struct Audit(Option<Timestamp>);

impl Audit {
    /// Statuses that are not what they should be, and how many objects break the rules of each policy.
    pub(super) fn take(&mut self, world: &World, plan: &mut Plan) {
        if world.policies.is_empty() {
            plan.violations = Some(BTreeMap::new());
            return;
        }
        let free = self.0.map_or(world.now, |last| after(last, BETWEEN));
        if world.now < free {
            plan.wake(free);
            return;
        }
        self.0 = Some(world.now);
        let mut violations = BTreeMap::new();
        for stored in &world.policies {
            let status = status(world, stored);
            violations.insert(stored.name().to_owned(), status.violations);
            if stored.written.status.as_ref() != Some(&status) {
                let version = stored.written.metadata.resource_version.clone();
                plan.statuses.push(Write {
                    policy: stored.name().to_owned(),
                    version: version.unwrap_or_default(),
                    status,
                });
            }
        }
        plan.violations = Some(violations);
    }
}

fn status(world: &World, stored: &Stored<ThanosPolicy>) -> ThanosPolicyStatus {
    let mut rules = world.rules.policies().iter();
    let policy = rules.find(|policy| *policy.name == *stored.name());
    let found = policy.map(|policy| found(world, policy));
    let (selected, mut objects) = found.unwrap_or_default();
    let violations = objects.len();
    objects.truncate(OBJECTS);
    let said = if let Some(policy) = policy {
        ready(policy, &world.rules, violations, selected)
    } else {
        let faults: Vec<String> = stored.faults.iter().map(ToString::to_string).collect();
        ("False", "Invalid", some(&faults))
    };
    let generation = stored.written.metadata.generation;
    let before = stored.written.status.as_ref();
    let before = before.map_or(&[][..], |status| status.conditions.as_slice());
    ThanosPolicyStatus {
        observed_generation: generation,
        violations: i32::try_from(violations).unwrap_or(i32::MAX),
        objects,
        conditions: vec![condition(before, generation, READY, said, world.now)],
    }
}

fn ready(policy: &Policy, rules: &Rules, violations: usize, selected: usize) -> Said {
    let counts = format!("{violations} of {selected} objects break a rule");
    let missing: Vec<String> = policy
        .missing_wirings(rules)
        .map(|(_, name)| name.to_owned())
        .collect();
    if missing.is_empty() {
        return ("True", "Judging", counts);
    }
    let missing = some(&missing);
    let message = format!("requireWiring names what is no right wiring: {missing}. {counts}");
    ("True", "WiringMissing", message)
}

/// How many objects a policy selects, and those that break a rule of it, in the order of kind, namespace and name.
fn found(world: &World, policy: &Arc<Policy>) -> (usize, Vec<ViolatingObject>) {
    let rules = Rules::new(world.rules.wirings().iter().cloned());
    let rules = rules.with_policies([Arc::clone(policy)]);
    let mut selected = 0;
    let mut objects = Vec::new();
    for object in world.objects.iter().filter(|object| !object.deleting) {
        let Some(facts) = world.facts.get(&(object.kind, object.namespace.clone())) else {
            continue;
        };
        let labels = facts.namespace.as_ref();
        let is_asked = labels
            .is_none_or(|labels| world.asked.about(labels) && policy.namespaces.matches(labels));
        let Ok(subject) = Subject::read(&object.raw, None, &object.namespace) else {
            continue;
        };
        if !is_asked || !policy.selects_object(&subject) {
            continue;
        }
        selected += 1;
        let judgement = judge(&subject, facts, &rules);
        let charges = judgement.charges.iter().filter(|charge| !charge.exempt);
        let broken: BTreeSet<&str> = charges.map(|charge| charge.rule.id).collect();
        if !broken.is_empty() {
            objects.push(ViolatingObject {
                kind: object.kind.name().to_owned(),
                namespace: object.namespace.clone(),
                name: object.name.clone(),
                rules: broken.into_iter().map(str::to_owned).collect(),
            });
        }
    }
    (selected, objects)
}

/// One status, to be written at the version that was judged.
#[derive(Clone, Debug, PartialEq)]
pub struct Write {
    /// The policy.
    pub policy: String,
    /// Its `resourceVersion`.
    pub version: String,
    /// All of it.
    pub status: ThanosPolicyStatus,
}

impl Write {
    /// Makes it: a merge patch.
    pub async fn apply(&self, client: &Client) -> kube::Result<()> {
        let api: Api<ThanosPolicy> = Api::all(client.clone());
        let params = PatchParams {
            field_manager: Some(names::MANAGER_CONTROL.to_owned()),
            ..PatchParams::default()
        };
        let patch = Patch::Merge(self.patch());
        api.patch_status(&self.policy, &params, &patch)
            .await
            .map(drop)
    }

    fn patch(&self) -> Value {
        let mut status = serde_json::to_value(&self.status).unwrap_or_default();
        if let Some(members) = status.as_object_mut() {
            // What is not written would stay as it was.
            members.entry("objects").or_insert(Value::Null);
        }
        json!({"metadata": {"resourceVersion": self.version}, "status": status})
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;
    use thanos_core::Kind;

    use super::*;
    use crate::control::objects::Object;
    use crate::control::registration::Asked;
    use crate::facts::Knowledge;

    fn object(namespace: &str, name: &str, url: &str) -> Arc<Object> {
        let object = json!({"metadata": {"name": name, "namespace": namespace},
            "spec": {"remoteWrite": [{"url": url}]}});
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
        let exempt = json!([{"namespace": "a", "name": "exempt", "rules": ["egress-url"], "reason": "moving"}]);
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
        assert_eq!(
            said(0),
            (
                "True",
                "WiringMissing",
                "requireWiring names what is no right wiring: hub. 0 of 1 objects break a rule"
            )
        );
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
}
