//! A small API server for one object: what a request makes of it, who looks at it on the way, what is stored.
//!
//! ```text
//! request ──> object ──> defaults ──> ours ──> a later mutator ──> ours again ──> schema ──> judge ──> stored
//! ```
//!
//! As the real one has it (`staging/src/k8s.io/apiserver/pkg/endpoints/handlers`): a name is generated after mutation and
//! before validation, the schema is checked between the two, a webhook is asked once more when a later one has changed the
//! object, and `/scale` is validated but never mutated.

mod apply;
pub(super) mod merge;
mod object;
mod request;
pub(super) mod schema;
pub(super) mod units;

use serde_json::{Value, json};
use thanos_core::{Kind, Subject, decide, judge, subject};

use super::seeds::Seed;
use apply::Owners;
use object::{is_name, kept, later, name, settle};
pub(super) use request::{
    Answer, LAST_WORD, LATER, NAMESPACE, Request, kind_of, with_last_applied,
};

/// One object, and those who watch over it.
pub(super) struct Server<'a> {
    seed: &'a Seed,
    pub(super) stored: Option<Value>,
    owners: Owners,
}

impl<'a> Server<'a> {
    pub(super) fn new(seed: &'a Seed, stored: Option<Value>) -> Self {
        Self {
            seed,
            stored,
            owners: Owners::default(),
        }
    }

    /// An object as it would be stored where nobody watches.
    pub(super) fn unwatched(object: &Value) -> Value {
        let mut object = object.clone();
        if let Ok(kind) = kind_of(&object) {
            settle(&mut object, kind);
        }
        object
    }

    pub(super) fn ask(&mut self, request: &Request) -> Answer {
        let owners = self.owners.clone();
        match self.handle(request) {
            Ok(object) => {
                self.stored = Some(object.clone());
                Answer::Stored(object)
            }
            Err(sentence) => {
                self.owners = owners;
                Answer::Refused(sentence)
            }
        }
    }

    fn handle(&mut self, request: &Request) -> Result<Value, String> {
        let live = self.stored.clone();
        let there = || live.clone().ok_or_else(|| "not found".to_owned());
        match request {
            Request::Create(object) => {
                let generated = object["metadata"]["name"]
                    .as_str()
                    .is_none_or(str::is_empty);
                if live.is_some() && !generated {
                    return Err("already exists".to_owned());
                }
                let mut object = object.clone();
                if let Some(metadata) = object["metadata"].as_object_mut() {
                    metadata.shift_remove("deletionTimestamp");
                }
                self.owners = Owners::default();
                self.admit(object, None, "creator")
            }
            Request::Replace(object) => {
                let live = there()?;
                self.admit(kept(object.clone(), &live), Some(&live), "updater")
            }
            Request::Merge(patch) => {
                let live = there()?;
                let mut object = live.clone();
                merge::merge(&mut object, patch);
                self.admit(kept(object, &live), Some(&live), "patcher")
            }
            Request::Apply(object) => self.apply(object, live),
            Request::ServerApply {
                object,
                manager,
                force,
            } => self.server_apply(object, live.as_ref(), manager, *force),
            Request::Scale(number) => self.scale(*number, &there()?),
            Request::Delete => {
                let mut live = there()?;
                if live["metadata"]["finalizers"]
                    .as_array()
                    .is_none_or(Vec::is_empty)
                {
                    return Err("nothing holds it".to_owned());
                }
                live["metadata"]["deletionTimestamp"] = json!("2026-11-24T00:00:00Z");
                Ok(live)
            }
        }
    }

    fn apply(&mut self, object: &Value, live: Option<Value>) -> Result<Value, String> {
        let modified = with_last_applied(object);
        let Some(live) = live else {
            return self.admit(modified, None, "kubectl-client-side-apply");
        };
        let last = live["metadata"]["annotations"][merge::LAST_APPLIED]
            .as_str()
            .and_then(|text| serde_json::from_str(text).ok())
            .unwrap_or_else(|| json!({}));
        let mut merged = live.clone();
        merge::merge(&mut merged, &merge::three_way(&last, &modified, &live));
        self.admit(
            kept(merged, &live),
            Some(&live),
            "kubectl-client-side-apply",
        )
    }

    fn server_apply(
        &mut self,
        object: &Value,
        live: Option<&Value>,
        manager: &str,
        force: bool,
    ) -> Result<Value, String> {
        let kind = kind_of(object)?;
        let mut bare = json!({"apiVersion": object["apiVersion"], "kind": object["kind"],
            "metadata": {"name": object["metadata"]["name"], "namespace": object["metadata"]["namespace"]}});
        if let Some(live) = live {
            bare.clone_from(live);
        }
        let schema = schema::whole(kind);
        let mut wanted = json!({"spec": object["spec"], "metadata": {}});
        for map in ["labels", "annotations"] {
            if let Some(members) = object["metadata"].get(map) {
                wanted["metadata"][map] = members.clone();
            }
        }
        // An unknown field in an apply is refused, before anything is merged.
        let mut known = wanted["spec"].clone();
        schema::prune(&mut known, schema::spec(kind));
        if known != wanted["spec"] {
            return Err("unknown field".to_owned());
        }
        schema::check(&known, schema::spec(kind), "spec")?;
        let merged = self.owners.apply(&bare, &wanted, schema, manager, force)?;
        self.admit(merged, live, manager)
    }

    /// `spec.shards` of Prometheus and PrometheusAgent; a ThanosRuler has no such door.
    fn scale(&mut self, number: i64, live: &Value) -> Result<Value, String> {
        if kind_of(live)? == Kind::ThanosRuler {
            return Err("no such subresource".to_owned());
        }
        if number < 0 {
            return Err("spec.replicas: must be at least 0".to_owned());
        }
        let mut object = live.clone();
        object["spec"]["shards"] = json!(number);
        schema::check(&object["spec"], schema::spec(kind_of(live)?), "spec")?;
        // The webhook sees the Scale, and the parent as it knows it.
        let scale =
            json!({"apiVersion": "autoscaling/v1", "kind": "Scale", "spec": {"replicas": number}});
        let seen = subject::scaled(kind_of(live)?, live, &scale).ok_or("no Scale")?;
        self.validate(&seen, Some(live))?;
        self.own(live, &object, "scaler")?;
        Ok(object)
    }

    fn admit(
        &mut self,
        mut object: Value,
        old: Option<&Value>,
        manager: &str,
    ) -> Result<Value, String> {
        let kind = kind_of(&object)?;
        if old
            .as_ref()
            .is_some_and(|old| old["kind"] != object["kind"])
        {
            return Err("another kind".to_owned());
        }
        if old.is_none() && !is_name(&object["metadata"]) {
            return Err("no name".to_owned());
        }
        settle(&mut object, kind);
        self.mutate(&mut object, old, kind);
        name(&mut object);
        schema::check(&object["spec"], schema::spec(kind), "spec")?;
        self.validate(&object, old)?;
        self.own(old.unwrap_or(&Value::Null), &object, manager)?;
        Ok(object)
    }

    fn mutate(&self, object: &mut Value, old: Option<&Value>, kind: Kind) {
        self.ours(object, old, kind);
        let before = object.clone();
        later(object, kind);
        if *object == before {
            return;
        }
        let changed = object.clone();
        self.ours(object, old, kind);
        if *object != changed && object["metadata"]["annotations"][LAST_WORD].is_string() {
            later(object, kind);
        }
    }

    /// Our mutating webhook: an object that it cannot read passes as it is.
    fn ours(&self, object: &mut Value, old: Option<&Value>, kind: Kind) {
        let made = match Subject::read(object, old, NAMESPACE) {
            Ok(subject) => {
                decide(&subject, self.seed.facts(kind), &self.seed.rules).applied_to(object)
            }
            Err(_) => return,
        };
        *object = made;
        settle(object, kind);
    }

    /// Our validating webhook: an object that it cannot read is refused.
    fn validate(&self, object: &Value, old: Option<&Value>) -> Result<(), String> {
        let subject =
            Subject::read(object, old, NAMESPACE).map_err(|error| format!("{error:?}"))?;
        let judgement = judge(&subject, self.seed.facts(subject.kind), &self.seed.rules);
        let denied: Vec<String> = judgement
            .denied()
            .map(|charge| format!("{} {}", charge.rule.id, charge.fault()))
            .collect();
        if denied.is_empty() {
            Ok(())
        } else {
            Err(denied.join("; "))
        }
    }

    fn own(&mut self, before: &Value, after: &Value, manager: &str) -> Result<(), String> {
        let part = |object: &Value| json!({"spec": object["spec"], "metadata": {"labels": object["metadata"]["labels"], "annotations": object["metadata"]["annotations"]}});
        self.owners.changed(
            &part(before),
            &part(after),
            schema::whole(kind_of(after)?),
            manager,
        );
        Ok(())
    }
}
