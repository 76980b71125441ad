//! One story in a namespace of its own, and what the API server says to its object.

use std::path::Path;

use anyhow::{Context, Result};
use http_body_util::BodyExt;
use hyper::{Method, Request, StatusCode};
use kube::client::Body;
use serde_json::{Value, json};
use thanos_core::Subject;
use thanos_tests::Cluster;

use crate::doors::Story;

/// The label by which a story's namespace is told apart.
const LABEL: &str = "story";

/// A story that was moved, and the objects that are bound to where it is.
pub(crate) struct Room {
    /// The story, as it is in its new namespace.
    pub(crate) story: Story,
    /// The namespace.
    pub(crate) namespace: String,
    /// The objects.
    pub(crate) bound: Vec<Value>,
}

/// What the API server says.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The HTTP status.
    pub(crate) status: StatusCode,
    /// The object, or why not.
    pub(crate) body: Value,
    /// The warnings, whole.
    pub(crate) warnings: Vec<String>,
}

impl Room {
    /// Moves a story; `objects` makes what is to be bound to its namespace.
    pub(crate) fn new(
        mut story: Story,
        number: usize,
        objects: impl FnOnce(&Story) -> Result<Vec<Value>>,
    ) -> Result<Self> {
        let namespace = format!("story-{number}");
        let old = story.given["metadata"]["namespace"].as_str();
        let old = old.unwrap_or("default").to_owned();
        for value in story.wirings.iter_mut().chain(&mut story.policies) {
            rename(value, &old, &namespace);
        }
        for object in [Some(&mut story.given), story.old.as_mut()]
            .into_iter()
            .flatten()
        {
            object["metadata"]["namespace"] = json!(namespace);
        }
        if let Some(known) = story.known.namespaces.remove(&old) {
            story.known.namespaces.insert(namespace.clone(), known);
        }
        for ready in story.known.ready.values_mut().flatten().flatten() {
            if *ready == old {
                ready.clone_from(&namespace);
            }
        }
        let bound = objects(&story)?
            .into_iter()
            .map(|object| bind(object, &namespace))
            .collect();
        Ok(Self {
            story,
            namespace,
            bound,
        })
    }

    /// A story out of a folder's name.
    pub(crate) fn of(
        folder: &Path,
        number: usize,
        objects: impl FnOnce(&Story) -> Result<Vec<Value>>,
    ) -> Result<Self> {
        let story = Story::read(folder).with_context(|| folder.display().to_string())?;
        let name = story.name();
        Self::new(story, number, objects).context(name)
    }

    /// Makes the namespace, and the old object in it where the story has one.
    pub(crate) async fn furnish(&self, cluster: &Cluster) -> Result<()> {
        let known = self.story.known.namespaces.get(&self.namespace);
        let mut labels: Vec<(&str, &str)> = vec![(LABEL, &self.namespace)];
        let own = known.iter().flat_map(|known| &known.labels);
        labels.extend(own.map(|(key, value)| (key.as_str(), value.as_str())));
        labels.retain(|(key, _)| *key != thanos_core::names::NAMESPACE_NAME);
        cluster.namespace(&self.namespace, &labels).await?;
        if let Some(old) = &self.story.old {
            send(cluster, Method::POST, &collection(old)?, "", old).await?;
        }
        Ok(())
    }

    /// What the API server says to an object of this room: a create, or an update where the story has an old object.
    pub(crate) async fn ask(&self, cluster: &Cluster, object: &Value) -> Result<Answer> {
        self.ask_over(cluster, object, self.story.old.is_some())
            .await
    }

    /// The same, where it is said which of the two.
    pub(crate) async fn ask_over(
        &self,
        cluster: &Cluster,
        object: &Value,
        update: bool,
    ) -> Result<Answer> {
        let collection = collection(object)?;
        if !update {
            return send(cluster, Method::POST, &collection, DRY, object).await;
        }
        let name = object["metadata"]["name"].as_str().context("no name")?;
        let path = format!("{collection}/{name}");
        let stored = send(cluster, Method::GET, &path, "", &Value::Null).await?;
        let mut object = object.clone();
        object["metadata"]["resourceVersion"] = stored.body["metadata"]["resourceVersion"].clone();
        send(cluster, Method::PUT, &path, DRY, &object).await
    }

    /// Stores the room's object under another name; what it has become, or nothing where the CRDs refuse it.
    pub(crate) async fn store(&self, cluster: &Cluster, name: &str) -> Result<Option<Value>> {
        let mut object = self.story.given.clone();
        object["metadata"]["name"] = json!(name);
        let answer = send(cluster, Method::POST, &collection(&object)?, "", &object).await?;
        Ok(answer.status.is_success().then_some(answer.body))
    }

    /// What the API server would make of an object that nobody judges, as if it were in that namespace; nothing where
    /// the CRDs refuse it.
    pub(crate) async fn defaulted(
        &self,
        cluster: &Cluster,
        object: &Value,
        namespace: &str,
    ) -> Result<Option<Value>> {
        let mut object = object.clone();
        object["metadata"]["namespace"] = json!(self.namespace);
        let answer = send(cluster, Method::POST, &collection(&object)?, DRY, &object).await?;
        let mut object = answer.body;
        object["metadata"]["namespace"] = json!(namespace);
        Ok(answer.status.is_success().then_some(object))
    }
}

/// Nothing is stored.
const DRY: &str = "?dryRun=All";

/// Where the objects of a kind are, in the object's namespace.
fn collection(object: &Value) -> Result<String> {
    let subject = Subject::read(object, None, "default")
        .ok()
        .context("no subject")?;
    Ok(format!(
        "/apis/monitoring.coreos.com/{}/namespaces/{}/{}",
        subject.kind.version(),
        subject.namespace,
        subject.kind.plural()
    ))
}

/// Sends an object as it is.
pub(crate) async fn send(
    cluster: &Cluster,
    method: Method,
    path: &str,
    query: &str,
    object: &Value,
) -> Result<Answer> {
    let request = Request::builder()
        .method(method)
        .uri(format!("{path}{query}"))
        .header("content-type", "application/json")
        .body(Body::from(serde_json::to_vec(object)?))?;
    let answer = cluster.client().send(request).await?;
    let status = answer.status();
    let warnings = answer.headers().get_all("warning");
    let warnings = warnings
        .iter()
        .map(|warning| String::from_utf8_lossy(warning.as_bytes()).into_owned())
        .collect();
    let bytes = answer.into_body().collect().await?.to_bytes();
    Ok(Answer {
        status,
        body: serde_json::from_slice(&bytes)?,
        warnings,
    })
}

/// Every text that is the old namespace's name becomes the new one's.
fn rename(value: &mut Value, old: &str, new: &str) {
    match value {
        Value::String(text) if text == old => new.clone_into(text),
        Value::Array(items) => items.iter_mut().for_each(|item| rename(item, old, new)),
        Value::Object(members) => members
            .values_mut()
            .for_each(|member| rename(member, old, new)),
        _ => {}
    }
}

/// Names an object after a namespace, and has it look there alone.
fn bind(mut object: Value, namespace: &str) -> Value {
    let named = |name: &Value| json!(format!("{namespace}-{}", name.as_str().unwrap_or_default()));
    object["metadata"]["name"] = named(&object["metadata"]["name"]);
    if object["spec"]["policyName"].is_string() {
        object["spec"]["policyName"] = named(&object["spec"]["policyName"]);
        let selector = &mut object["spec"]["matchResources"]["namespaceSelector"];
        let mut expressions = selector["matchExpressions"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        expressions.push(json!({"key": LABEL, "operator": "In", "values": [namespace]}));
        selector["matchExpressions"] = Value::Array(expressions);
    }
    object
}
