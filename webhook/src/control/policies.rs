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
mod tests;
