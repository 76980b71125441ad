//! What a story sees: objects, statuses and Events, waited for.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::events::v1::Event;
use kube::Api;
use kube::api::{DynamicObject, ListParams};
use thanos_core::names;
use thanos_tests::{Cluster, eventually};

use super::given::{prometheuses, wirings};
use super::stage::SOON;

/// The url that an object's entry has; none when it is not wired.
pub(super) fn url(object: &DynamicObject) -> Option<&str> {
    let entries = object.data["spec"]["remoteWrite"].as_array()?;
    entries.iter().find(|entry| entry["name"] == "thanos")?["url"].as_str()
}

/// Waits until an object is wired, and clean of any touch; says how long that took.
pub(super) async fn until_wired(
    cluster: &Cluster,
    namespace: &str,
    name: &str,
) -> Result<Duration> {
    let begin = Instant::now();
    eventually(&format!("{namespace}/{name} is wired"), SOON, || async {
        let object = prometheuses(cluster, namespace).get(name).await?;
        ensure!(
            url(&object).is_some() && has(&object, names::WIRED),
            "it is not: {}",
            object.data["spec"]
        );
        ensure!(!has(&object, names::TOUCH), "it still carries the touch");
        Ok(())
    })
    .await?;
    Ok(begin.elapsed())
}

/// Waits until an object has nothing of ours; says how long that took.
pub(super) async fn until_unwired(
    cluster: &Cluster,
    namespace: &str,
    name: &str,
) -> Result<Duration> {
    let begin = Instant::now();
    eventually(&format!("{namespace}/{name} is un-wired"), SOON, || async {
        let object = prometheuses(cluster, namespace).get(name).await?;
        ensure!(
            object.data["spec"].get("remoteWrite").is_none(),
            "it is wired: {}",
            object.data["spec"]
        );
        ensure!(
            !has(&object, names::WIRED) && !has(&object, names::TOUCH),
            "{:?}",
            object.metadata.annotations
        );
        Ok(())
    })
    .await?;
    Ok(begin.elapsed())
}

pub(super) fn has(object: &DynamicObject, annotation: &str) -> bool {
    object
        .metadata
        .annotations
        .as_ref()
        .is_some_and(|annotations| annotations.contains_key(annotation))
}

/// A wiring's condition: its status, reason and message.
pub(super) async fn condition(
    cluster: &Cluster,
    wiring: &str,
    kind: &str,
) -> Result<(String, String, String)> {
    let wiring = wirings(cluster).get(wiring).await?;
    let status = wiring.status.context("no status yet")?;
    ensure!(
        status.observed_generation == wiring.metadata.generation,
        "the status is about an older generation"
    );
    let condition = status
        .conditions
        .into_iter()
        .find(|one| one.type_ == kind)
        .context("no such condition")?;
    Ok((condition.status, condition.reason, condition.message))
}

/// Waits until a condition has this reason; gives its message.
pub(super) async fn until_reason(
    cluster: &Cluster,
    wiring: &str,
    kind: &str,
    reason: &str,
) -> Result<String> {
    eventually(
        &format!("{kind} of {wiring} says {reason}"),
        SOON,
        || async {
            let (_, said, message) = condition(cluster, wiring, kind).await?;
            ensure!(said == reason, "it says {said}: {message}");
            Ok(message)
        },
    )
    .await
}

/// The Events about one object, `Reason note`, oldest first.
pub(super) async fn events(cluster: &Cluster, namespace: &str, name: &str) -> Result<Vec<String>> {
    let events: Api<Event> = Api::namespaced(cluster.client(), namespace);
    let mut found = events.list(&ListParams::default()).await?.items;
    found
        .retain(|event| event.regarding.as_ref().and_then(|one| one.name.as_deref()) == Some(name));
    found.sort_by_key(|event| event.event_time.clone());
    Ok(found
        .into_iter()
        .map(|event| {
            format!(
                "{} {}",
                event.reason.unwrap_or_default(),
                event.note.unwrap_or_default()
            )
        })
        .collect())
}

/// Waits until an Event about an object starts so.
pub(super) async fn until_event(
    cluster: &Cluster,
    namespace: &str,
    name: &str,
    begins: &str,
) -> Result<()> {
    eventually(
        &format!("an Event about {name}: {begins}"),
        SOON,
        || async {
            let events = events(cluster, namespace, name).await?;
            ensure!(
                events.iter().any(|event| event.starts_with(begins)),
                "{events:?}"
            );
            Ok(())
        },
    )
    .await
}
