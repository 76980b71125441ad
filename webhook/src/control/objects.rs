//! Every Prometheus, PrometheusAgent and ThanosRuler of the cluster, kept as raw JSON without what nobody here reads.
//!
//! A kind that is not served is waited for: it has no objects meanwhile.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::StreamExt;
use kube::api::DynamicObject;
use kube::core::{ApiResource, GroupVersionKind};
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Api, Client};
use serde_json::{Map, Value};
use thanos_core::{Kind, names};
use tokio::sync::Notify;

use super::pause::Pause;
use crate::admin::Health;

/// Closed until every object was read once.
pub const GATE: &str = "objects";

const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// One object as it is stored.
#[derive(Clone, Debug)]
pub struct Object {
    /// Its kind.
    pub kind: Kind,
    /// Its uid.
    pub uid: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its `resourceVersion`.
    pub version: String,
    /// Whether it is on its way out.
    pub deleting: bool,
    /// What the operator says about its present generation; `None`: nothing yet.
    pub reconciled: Option<bool>,
    /// All of it but `status` and `managedFields`.
    pub raw: Value,
}

impl Object {
    /// Takes from what a watch gave what is needed here.
    pub fn read(kind: Kind, object: DynamicObject) -> Self {
        let DynamicObject {
            types: _,
            mut metadata,
            mut data,
        } = object;
        metadata.managed_fields = None;
        if let Some(annotation) = metadata
            .annotations
            .as_mut()
            .and_then(|annotations| annotations.get_mut(LAST_APPLIED))
        {
            // A second copy of the whole object. The key stays: whether annotations are there at all is looked at.
            annotation.clear();
        }
        let reconciled = reconciled(&data, metadata.generation);
        let mut raw = Map::new();
        let api_version = format!("{}/{}", names::OPERATOR_GROUP, kind.version());
        raw.insert("apiVersion".to_owned(), Value::String(api_version));
        raw.insert("kind".to_owned(), Value::String(kind.name().to_owned()));
        raw.insert(
            "metadata".to_owned(),
            serde_json::to_value(&metadata).unwrap_or_default(),
        );
        if let Some(members) = data.as_object_mut() {
            members.remove("status");
            raw.append(members);
        }
        Self {
            kind,
            uid: metadata.uid.unwrap_or_default(),
            namespace: metadata.namespace.unwrap_or_default(),
            name: metadata.name.unwrap_or_default(),
            version: metadata.resource_version.unwrap_or_default(),
            deleting: metadata.deletion_timestamp.is_some(),
            reconciled,
            raw: Value::Object(raw),
        }
    }

    /// `kind/namespace/name`, as people read it.
    pub fn title(&self) -> String {
        format!("{}/{}/{}", self.kind.singular(), self.namespace, self.name)
    }

    fn key(&self) -> (String, String) {
        (self.namespace.clone(), self.name.clone())
    }
}

/// The operator's condition `Reconciled`, if it is about the generation that is stored.
fn reconciled(data: &Value, generation: Option<i64>) -> Option<bool> {
    let conditions = data.pointer("/status/conditions")?.as_array()?;
    let condition = conditions
        .iter()
        .find(|condition| condition["type"] == "Reconciled")?;
    if condition["observedGeneration"].as_i64() != generation {
        return None;
    }
    match condition["status"].as_str() {
        Some("True") => Some(true),
        Some("False") => Some(false),
        _ => None,
    }
}

/// What is known of one kind.
#[derive(Debug, Default)]
struct Known {
    /// Whether the first list is through, or the kind is not served.
    ready: bool,
    objects: BTreeMap<(String, String), Arc<Object>>,
    /// A list that is still coming in.
    coming: BTreeMap<(String, String), Arc<Object>>,
}

/// All objects of the three kinds.
#[derive(Debug)]
pub struct Objects {
    known: [(Kind, Mutex<Known>); Kind::ALL.len()],
    changed: Arc<Notify>,
    health: Arc<Health>,
}

impl Objects {
    /// Watches the three kinds until the program ends; `changed` is told of every change, and the gate [`GATE`] is
    /// opened when everything was read once.
    pub fn watch(client: &Client, changed: &Arc<Notify>, health: &Arc<Health>) -> Arc<Self> {
        let objects = Arc::new(Self {
            known: Kind::ALL.map(|kind| (kind, Mutex::default())),
            changed: Arc::clone(changed),
            health: Arc::clone(health),
        });
        for kind in Kind::ALL {
            let api = Api::all_with(client.clone(), &resource(kind));
            tokio::spawn(follow(kind, api, Arc::clone(&objects)));
        }
        objects
    }

    /// Every object; `None` while a kind that is served is not wholly known yet.
    pub fn all(&self) -> Option<Vec<Arc<Object>>> {
        let mut all = Vec::new();
        for kind in Kind::ALL {
            let known = self.known(kind);
            if !known.ready {
                return None;
            }
            all.extend(known.objects.values().cloned());
        }
        Some(all)
    }

    fn known(&self, kind: Kind) -> MutexGuard<'_, Known> {
        let (_, known) = &self.known[kind as usize];
        known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn apply(&self, kind: Kind, event: Event<DynamicObject>) {
        let mut known = self.known(kind);
        match event {
            Event::Init => known.coming.clear(),
            Event::InitApply(object) => {
                let object = Object::read(kind, object);
                known.coming.insert(object.key(), Arc::new(object));
            }
            Event::InitDone => {
                known.objects = std::mem::take(&mut known.coming);
                known.ready = true;
            }
            Event::Apply(object) => {
                let object = Object::read(kind, object);
                known.objects.insert(object.key(), Arc::new(object));
            }
            Event::Delete(object) => {
                known.objects.remove(&Object::read(kind, object).key());
            }
        }
        let ready = known.ready;
        drop(known);
        if ready {
            self.tell();
        }
    }

    fn tell(&self) {
        if self.all().is_some() {
            self.health.open(GATE);
        }
        self.changed.notify_one();
    }

    fn not_served(&self, kind: Kind) {
        let mut known = self.known(kind);
        let news = !known.ready || !known.objects.is_empty();
        *known = Known {
            ready: true,
            ..Known::default()
        };
        drop(known);
        if news {
            tracing::info!(kind = kind.name(), "the kind is not served: waiting for it");
            self.tell();
        }
    }
}

/// A kind as kube's dynamic API wants it.
pub fn resource(kind: Kind) -> ApiResource {
    let gvk = GroupVersionKind::gvk(names::OPERATOR_GROUP, kind.version(), kind.name());
    ApiResource::from_gvk_with_plural(&gvk, kind.plural())
}

async fn follow(kind: Kind, api: Api<DynamicObject>, objects: Arc<Objects>) {
    let events = watcher(api, watcher::Config::default()).backoff(Pause::default());
    let mut events = pin!(events);
    let mut told = String::new();
    while let Some(event) = events.next().await {
        match event {
            Ok(event) => objects.apply(kind, event),
            // Not `is_not_found`: the API server says so in plain text here.
            Err(
                watcher::Error::InitialListFailed(kube::Error::Api(status))
                | watcher::Error::WatchStartFailed(kube::Error::Api(status)),
            ) if status.code == 404 => objects.not_served(kind),
            Err(error) => {
                let error = super::watch_words(&error);
                if told != error {
                    let kind = kind.name();
                    tracing::warn!(kind, error, "the watch broke and starts again");
                    told = error;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn dynamic(value: Value) -> DynamicObject {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn keeps_what_is_judged_and_drops_the_rest() {
        let object = Object::read(
            Kind::Prometheus,
            dynamic(json!({
                "metadata": {
                    "name": "k8s", "namespace": "monitoring", "uid": "1", "generation": 4, "resourceVersion": "77",
                    "annotations": {LAST_APPLIED: "{...}", "kept": "yes"},
                    "managedFields": [{"manager": "helm", "fieldsV1": {}}],
                },
                "spec": {"replicas": 2, "fromTheFuture": {"kept": [1]}},
                "status": {"conditions": [{"type": "Reconciled", "status": "False", "observedGeneration": 4}]},
            })),
        );
        assert_eq!(object.title(), "prometheus/monitoring/k8s");
        assert_eq!(object.reconciled, Some(false));
        assert_eq!(
            object.raw,
            json!({
                "apiVersion": "monitoring.coreos.com/v1", "kind": "Prometheus",
                "metadata": {
                    "name": "k8s", "namespace": "monitoring", "uid": "1", "generation": 4, "resourceVersion": "77",
                    "annotations": {LAST_APPLIED: "", "kept": "yes"},
                },
                "spec": {"replicas": 2, "fromTheFuture": {"kept": [1]}},
            })
        );
    }

    #[test]
    fn a_condition_about_another_generation_says_nothing() {
        let data = |observed: i64, status: &str| json!({"status": {"conditions": [{"type": "Reconciled", "status": status, "observedGeneration": observed}]}});
        assert_eq!(reconciled(&data(3, "True"), Some(3)), Some(true));
        assert_eq!(reconciled(&data(2, "False"), Some(3)), None);
        assert_eq!(reconciled(&data(3, "Unknown"), Some(3)), None);
        assert_eq!(reconciled(&json!({}), Some(3)), None);
    }

    #[test]
    fn a_list_takes_the_place_of_what_was_known() {
        let objects = Objects {
            known: Kind::ALL.map(|kind| (kind, Mutex::default())),
            changed: Arc::default(),
            health: Arc::default(),
        };
        let called =
            |name: &str| dynamic(json!({"metadata": {"name": name, "namespace": "a"}, "spec": {}}));
        assert!(objects.all().is_none());
        for kind in [Kind::PrometheusAgent, Kind::ThanosRuler] {
            objects.not_served(kind);
        }
        objects.apply(Kind::Prometheus, Event::Init);
        objects.apply(Kind::Prometheus, Event::InitApply(called("one")));
        assert!(objects.all().is_none());
        objects.apply(Kind::Prometheus, Event::InitDone);
        objects.apply(Kind::Prometheus, Event::Apply(called("two")));
        objects.apply(Kind::Prometheus, Event::Delete(called("one")));
        let names: Vec<_> = objects
            .all()
            .unwrap()
            .iter()
            .map(|object| object.name.clone())
            .collect();
        assert_eq!(names, ["two"]);
    }
}
