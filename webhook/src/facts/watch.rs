//! The watches that fill [`Knowledge`]: wirings, policies, namespaces, the operator's three CRDs. They back off and never
//! end.
//!
//! Rights: get, list and watch on thanoswirings, thanospolicies, namespaces and customresourcedefinitions. No Secrets.

mod policies;

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::BoxStream;
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{ApiResource, DynamicObject, GetParams, PartialObjectMeta, Request};
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Config, Event, watcher};
use kube::{Api, Client, Resource, ResourceExt};
use semver::Version;
use serde::de::DeserializeOwned;
use thanos_core::{Fault, Kind, ThanosWiring, codes, names, versions};

use super::{Knowledge, definition};
use crate::admin::Health;
use crate::metrics::Metrics;

/// Starts every watch; they end with the runtime. Each closes its own gate until it has seen everything once.
pub fn watch(
    client: &Client,
    knowledge: &Arc<Knowledge>,
    health: &Arc<Health>,
    metrics: &Arc<Metrics>,
) {
    for gate in ["wirings", "policies", "namespaces"]
        .into_iter()
        .chain(Kind::ALL.map(Kind::plural))
    {
        health.close(gate, "not read yet");
    }
    tokio::spawn(wirings(
        client.clone(),
        Arc::clone(knowledge),
        Arc::clone(health),
        Arc::clone(metrics),
    ));
    tokio::spawn(policies::follow(
        client.clone(),
        Arc::clone(knowledge),
        Arc::clone(health),
        Arc::clone(metrics),
    ));
    tokio::spawn(namespaces(
        client.clone(),
        Arc::clone(knowledge),
        Arc::clone(health),
    ));
    for kind in Kind::ALL {
        tokio::spawn(definitions(
            client.clone(),
            Arc::clone(knowledge),
            Arc::clone(health),
            kind,
        ));
    }
}

/// Read untyped, one by one: a wiring that this version cannot read must not hide the others.
async fn wirings(
    client: Client,
    knowledge: Arc<Knowledge>,
    health: Arc<Health>,
    metrics: Arc<Metrics>,
) {
    let api: Api<DynamicObject> = Api::all_with(client, &ApiResource::erase::<ThanosWiring>(&()));
    let mut events = Events::of(api, Config::default(), "wirings");
    let mut listed = BTreeSet::new();
    loop {
        match events.next().await {
            Event::Init => listed.clear(),
            Event::InitApply(object) => {
                listed.insert(object.name_any());
                put_wiring(&knowledge, object);
            }
            Event::InitDone => {
                knowledge.keep_wirings(&listed);
                health.open("wirings");
            }
            Event::Apply(object) => put_wiring(&knowledge, object),
            Event::Delete(object) => knowledge.remove_wiring(&object.name_any()),
        }
        metrics
            .wirings
            .set(i64::try_from(knowledge.rules().wirings().len()).unwrap_or(i64::MAX));
    }
}

fn put_wiring(knowledge: &Knowledge, object: DynamicObject) {
    let name = object.name_any();
    let read = serde_json::to_value(object).and_then(serde_json::from_value::<ThanosWiring>);
    let put = read.map_or_else(
        |_| {
            knowledge.remove_wiring(&name);
            let sentence = "does not have the shape of a ThanosWiring";
            Err(vec![Fault::new(codes::WIRING_INVALID, "spec", sentence)])
        },
        |written| knowledge.put_wiring(&written),
    );
    if let Err(faults) = put {
        let sentences: Vec<String> = faults.iter().map(ToString::to_string).collect();
        let code = faults.first().map_or("", |fault| fault.code.code);
        tracing::error!(
            wiring = name,
            code,
            faults = sentences.join("; "),
            "a stored wiring is wrong and left out"
        );
    }
}

async fn namespaces(client: Client, knowledge: Arc<Knowledge>, health: Arc<Health>) {
    let api: Api<PartialObjectMeta<Namespace>> = Api::all(client);
    let mut events = Events::of(api, Config::default(), "namespaces");
    let mut listed = BTreeSet::new();
    let put = |namespace: PartialObjectMeta<Namespace>| {
        knowledge.put_namespace(
            &namespace.name_any(),
            namespace.metadata.labels.unwrap_or_default(),
        );
    };
    loop {
        match events.next().await {
            Event::Init => listed.clear(),
            Event::InitApply(namespace) => {
                listed.insert(namespace.name_any());
                put(namespace);
            }
            Event::InitDone => {
                knowledge.keep_namespaces(&listed);
                health.open("namespaces");
            }
            Event::Apply(namespace) => put(namespace),
            Event::Delete(namespace) => knowledge.remove_namespace(&namespace.name_any()),
        }
    }
}

/// One CRD by its name: its metadata is watched, and the whole is read only when it has another generation.
async fn definitions(client: Client, knowledge: Arc<Knowledge>, health: Arc<Health>, kind: Kind) {
    let name = format!("{}.{}", kind.plural(), names::OPERATOR_GROUP);
    let api: Api<PartialObjectMeta<CustomResourceDefinition>> = Api::all(client.clone());
    let mut events = Events::of(
        api,
        Config::default().fields(&format!("metadata.name={name}")),
        kind.plural(),
    );
    let mut read = None;
    let mut listed = false;
    loop {
        match events.next().await {
            Event::Init => listed = false,
            Event::InitApply(found) | Event::Apply(found) => {
                listed = true;
                let version = (
                    found.metadata.uid.clone(),
                    found.metadata.generation,
                    operator(&found),
                );
                if read.as_ref() != Some(&version) {
                    read_definition(&client, &knowledge, kind, &name, version.2.clone()).await;
                    read = Some(version);
                }
            }
            Event::InitDone if listed => health.open(kind.plural()),
            // Nobody is asked about objects of a kind that is not there.
            Event::InitDone | Event::Delete(_) => {
                read = None;
                knowledge.remove_crd(kind);
                health.open(kind.plural());
            }
        }
    }
}

fn operator(found: &PartialObjectMeta<CustomResourceDefinition>) -> Option<Version> {
    versions::parse(found.annotations().get(names::OPERATOR_VERSION)?)
}

/// Reads one CRD, again and again until it is read.
async fn read_definition(
    client: &Client,
    knowledge: &Knowledge,
    kind: Kind,
    name: &str,
    operator: Option<Version>,
) {
    let path = CustomResourceDefinition::url_path(&(), None);
    loop {
        let error = match Request::new(path.as_str()).get(name, &GetParams::default()) {
            Err(error) => error.to_string(),
            Ok(request) => match client.request_text(request).await {
                Err(error) => words(&error),
                Ok(text) => match definition::served(&text) {
                    Some(served) => return knowledge.put_crd(kind, served, operator),
                    None => "it serves no version that can be read".to_owned(),
                },
            },
        };
        tracing::warn!(
            crd = name,
            error,
            "a CRD could not be read and will be again"
        );
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
}

/// The events of one watch, for ever: what goes wrong is said once and tried again.
struct Events<K: 'static> {
    stream: BoxStream<'static, watcher::Result<Event<K>>>,
    what: &'static str,
    told: String,
}

impl<K> Events<K>
where
    K: Resource + Clone + DeserializeOwned + Debug + Send + 'static,
{
    fn of(api: Api<K>, config: Config, what: &'static str) -> Self {
        Self {
            stream: watcher(api, config).default_backoff().boxed(),
            what,
            told: String::new(),
        }
    }

    async fn next(&mut self) -> Event<K> {
        loop {
            match self.stream.next().await {
                Some(Ok(event)) => {
                    // A failing list starts anew each time.
                    if !matches!(event, Event::Init) {
                        self.told.clear();
                    }
                    return event;
                }
                Some(Err(error)) => {
                    let error = watch_words(&error);
                    if self.told != error {
                        tracing::warn!(what = self.what, error, "watching failed and goes on");
                        self.told = error;
                    }
                }
                // The watcher's stream has no end.
                None => std::future::pending().await,
            }
        }
    }
}

fn watch_words(error: &watcher::Error) -> String {
    match error {
        watcher::Error::InitialListFailed(error)
        | watcher::Error::WatchStartFailed(error)
        | watcher::Error::WatchFailed(error) => words(error),
        watcher::Error::WatchError(status) => status.message.clone(),
        watcher::Error::NoResourceVersion => "the answer holds no resourceVersion".to_owned(),
    }
}

/// What went wrong, without a word of what was read.
fn words(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) => status.message.clone(),
        kube::Error::SerdeError(_) | kube::Error::FromUtf8(_) => {
            "the answer cannot be read".to_owned()
        }
        other => {
            let mut text = other.to_string();
            let mut source = std::error::Error::source(other);
            while let Some(cause) = source {
                let cause_text = cause.to_string();
                if !text.contains(&cause_text) {
                    text = format!("{text}: {cause_text}");
                }
                source = cause.source();
            }
            text
        }
    }
}
