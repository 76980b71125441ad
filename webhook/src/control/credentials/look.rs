//! One target: a GET, then a wait, for as long as somebody wants to know.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::TryStreamExt;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Client;
use kube::api::{GetParams, WatchEvent, WatchParams};
use kube::core::Request;
use serde::Deserialize;
use serde::de::{Deserializer, Visitor};
use thanos_core::wiring::ReferenceKind;
use tokio::sync::{Notify, Semaphore};
use tokio::time::{sleep, timeout};

use super::{Look, Looks, Target};
use crate::control::words;

/// As many requests run at a time.
const REQUESTS: usize = 8;
/// A request that takes longer is given up.
const REQUEST: Duration = Duration::from_secs(10);
/// How long the API server keeps one watch open, in seconds, and when it is taken for dead.
const WATCH_SECONDS: u32 = 290;
const WATCH: Duration = Duration::from_secs(300);
/// A target that is forbidden is asked again after 1, 2, 4, 8 s and then this.
const FORBIDDEN: Duration = Duration::from_secs(15);
/// Targets without a watch that are there are asked this many times less often than missing ones.
const PATIENCE: u32 = 6;
/// Between a watch that ended and the next look: two API servers may not agree yet on what is there.
const BREATH: Duration = Duration::from_millis(250);

/// What all targets share.
pub(super) struct Shared {
    client: Client,
    interval: Duration,
    requests: Semaphore,
    watches: Semaphore,
    looks: Mutex<Looks>,
    changed: Arc<Notify>,
}

impl Shared {
    pub(super) fn new(
        client: Client,
        watches: usize,
        interval: Duration,
        changed: Arc<Notify>,
    ) -> Self {
        Self {
            client,
            interval,
            requests: Semaphore::new(REQUESTS),
            watches: Semaphore::new(watches),
            looks: Mutex::default(),
            changed,
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Looks> {
        self.looks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn saw(&self, target: &Target, look: &Look) {
        let before = self.lock().insert(target.clone(), look.clone());
        if before.as_ref() != Some(look) {
            self.changed.notify_one();
        }
    }
}

/// Looks at one target until it is aborted.
pub(super) async fn follow(target: Target, shared: Arc<Shared>) {
    let mut pause = Duration::from_secs(1);
    loop {
        match get(&target, &shared).await {
            Ok(seen) => {
                let (look, version) = seen;
                let forbidden = look == Look::NotPermitted;
                shared.saw(&target, &look);
                if !forbidden {
                    pause = Duration::from_secs(1);
                    wait(&target, &version, &shared).await;
                    continue;
                }
            }
            // What was seen before stands: a network that fails says nothing about a Secret.
            Err(error) => {
                tracing::debug!(
                    namespace = target.namespace,
                    name = target.name,
                    error,
                    "not seen"
                );
            }
        }
        sleep(pause).await;
        pause = FORBIDDEN.min(pause * 2);
    }
}

/// One look; the version of what is there, empty where nothing is.
async fn get(target: &Target, shared: &Shared) -> Result<(Look, String), String> {
    let request = target
        .request()
        .get(&target.name, &GetParams::any())
        .map_err(|error| error.to_string())?;
    let _one_of_few = shared.requests.acquire().await;
    // `request_text`, because `request` writes a body that it cannot read into the log.
    let answer = timeout(REQUEST, shared.client.request_text(request)).await;
    match answer.map_err(|_| "no answer in time".to_owned())? {
        Ok(text) => {
            // What serde would say could quote a value.
            let held: Held =
                serde_json::from_str(&text).map_err(|_| "the answer cannot be read".to_owned())?;
            let version = held.metadata.resource_version.clone().unwrap_or_default();
            Ok((Look::Keys(held.keys()), version))
        }
        Err(kube::Error::Api(status)) if status.is_not_found() => {
            Ok((Look::Missing, String::new()))
        }
        Err(kube::Error::Api(status)) if status.is_forbidden() => {
            Ok((Look::NotPermitted, String::new()))
        }
        Err(error) => Err(words(&error)),
    }
}

/// Waits until the target may have changed: as long as a watch says nothing, or for a while.
async fn wait(target: &Target, version: &str, shared: &Shared) {
    if let Ok(_one_of_the_watches) = shared.watches.try_acquire() {
        match timeout(WATCH, watch(target, version, shared)).await {
            Ok(Err(error)) => {
                tracing::debug!(
                    namespace = target.namespace,
                    name = target.name,
                    error,
                    "the watch broke"
                );
                sleep(shared.interval).await;
            }
            // It changed, or the watch ran its time.
            Ok(Ok(())) | Err(_) => sleep(BREATH).await,
        }
        return;
    }
    let there = !version.is_empty();
    let interval = shared.interval * if there { PATIENCE } else { 1 };
    sleep(target.spread(interval)).await;
}

async fn watch(target: &Target, version: &str, shared: &Shared) -> Result<(), String> {
    let params = WatchParams::default()
        .fields(&format!("metadata.name={}", target.name))
        .timeout(WATCH_SECONDS);
    // From "0" it begins with what is there, so nothing is missed between the look and the watch.
    let request = target
        .request()
        .watch_metadata(&params, "0")
        .map_err(|error| error.to_string())?;
    let events = shared.client.request_events::<Metadata>(request).await;
    let mut events = std::pin::pin!(events.map_err(|error| words(&error))?);
    while let Some(event) = events.try_next().await.map_err(|error| words(&error))? {
        match event {
            WatchEvent::Added(seen) | WatchEvent::Modified(seen) => {
                if seen.metadata.resource_version.as_deref() != Some(version) {
                    return Ok(());
                }
            }
            WatchEvent::Deleted(_) => return Ok(()),
            WatchEvent::Bookmark(_) => {}
            WatchEvent::Error(status) => return Err(format!("{} {}", status.code, status.reason)),
        }
    }
    Ok(())
}

impl Target {
    fn request(&self) -> Request {
        let plural = match self.kind {
            ReferenceKind::Secret => "secrets",
            ReferenceKind::ConfigMap => "configmaps",
        };
        Request::new(format!("/api/v1/namespaces/{}/{plural}", self.namespace))
    }

    /// Three quarters to five quarters of `interval`, by the target's name: many targets are not asked all at once.
    fn spread(&self, interval: Duration) -> Duration {
        let sum = self.namespace.bytes().fold(7_u32, |sum, byte| {
            sum.wrapping_mul(31).wrapping_add(u32::from(byte))
        });
        interval * 3 / 4 + interval / 2 * (sum % 1000) / 1000
    }
}

#[derive(Clone, Debug, Deserialize)]
struct Metadata {
    #[serde(default)]
    metadata: ObjectMeta,
}

/// A Secret or ConfigMap without its values.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Held {
    #[serde(default)]
    metadata: ObjectMeta,
    #[serde(default)]
    data: Option<BTreeMap<String, Filled>>,
    #[serde(default)]
    binary_data: Option<BTreeMap<String, Filled>>,
}

impl Held {
    fn keys(self) -> BTreeSet<String> {
        let all = self.data.into_iter().chain(self.binary_data).flatten();
        all.filter(|(_, filled)| filled.0)
            .map(|(key, _)| key)
            .collect()
    }
}

/// Whether a value is not empty: all that is taken from it.
struct Filled(bool);

impl<'de> Deserialize<'de> for Filled {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Look;
        impl Visitor<'_> for Look {
            type Value = Filled;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("text")
            }
            fn visit_str<E>(self, value: &str) -> Result<Filled, E> {
                Ok(Filled(!value.is_empty()))
            }
            fn visit_unit<E>(self) -> Result<Filled, E> {
                Ok(Filled(false))
            }
        }
        deserializer.deserialize_any(Look)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_no_value() {
        let text = r#"{"metadata": {"resourceVersion": "7"}, "data": {"user": "ZWRnZQ==", "empty": "", "null": null}, "binaryData": {"b": "AA=="}}"#;
        let held: Held = serde_json::from_str(text).unwrap();
        assert_eq!(held.metadata.resource_version.as_deref(), Some("7"));
        assert_eq!(held.keys().into_iter().collect::<Vec<_>>(), ["b", "user"]);
        let held: Held = serde_json::from_str(r#"{"metadata": {}}"#).unwrap();
        assert!(held.keys().is_empty());
        assert!(serde_json::from_str::<Held>(r#"{"data": {"user": 7}}"#).is_err());
    }

    #[test]
    fn many_targets_are_spread_over_the_interval() {
        let second = Duration::from_secs(1);
        let spread = |namespace: usize| {
            let namespace = format!("team-{namespace}");
            Target {
                kind: ReferenceKind::Secret,
                namespace,
                name: "s".to_owned(),
            }
            .spread(second)
        };
        let all: BTreeSet<_> = (0..500).map(spread).collect();
        assert!(all.len() > 100);
        assert!(
            all.iter()
                .all(|one| (second * 3 / 4..second * 5 / 4).contains(one))
        );
    }
}
