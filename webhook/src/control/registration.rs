//! Which namespaces the API server asks the webhook about: by the registration's own selectors.
//!
//! An object elsewhere can be touched for ever and nothing happens, so it is not looked at at all.
//! Rights: get, list and watch on the one MutatingWebhookConfiguration. Without them every namespace counts.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};

use futures::StreamExt;
use k8s_openapi::api::admissionregistration::v1::MutatingWebhookConfiguration;
use kube::core::{Selector, SelectorExt};
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Api, Client};
use thanos_core::names;
use tokio::sync::Notify;

use super::pause::Pause;
use crate::admin::Health;

/// Closed until the registration was looked for once.
const GATE: &str = "registration";

/// The namespaces that the API server asks about; everything is asked about while nothing is known.
#[derive(Clone, Debug, Default)]
pub struct Asked(Option<Arc<[Selector]>>);

impl Asked {
    /// By a registration.
    pub fn by(registration: &MutatingWebhookConfiguration) -> Self {
        let webhooks = registration.webhooks.iter().flatten();
        let selectors = webhooks.map(|webhook| {
            let selector = webhook.namespace_selector.clone().unwrap_or_default();
            // The API server holds no selector that cannot be read.
            Selector::try_from(selector).unwrap_or_default()
        });
        Self(Some(selectors.collect()))
    }

    /// Whether a namespace with these labels is asked about.
    pub fn about(&self, labels: &BTreeMap<String, String>) -> bool {
        let matches =
            |selectors: &Arc<[Selector]>| selectors.iter().any(|selector| selector.matches(labels));
        self.0.as_ref().is_none_or(matches)
    }
}

/// The registration as it is now.
#[derive(Clone, Debug, Default)]
pub struct Registration(Arc<Mutex<Asked>>);

impl Registration {
    /// Watches it until the program ends; `changed` is told of every change.
    pub fn watch(client: &Client, changed: &Arc<Notify>, health: &Arc<Health>) -> Self {
        let registration = Self::default();
        health.close(GATE, "not read yet");
        tokio::spawn(follow(
            client.clone(),
            registration.clone(),
            Arc::clone(changed),
            Arc::clone(health),
        ));
        registration
    }

    /// Which namespaces are asked about.
    pub fn asked(&self) -> Asked {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn set(&self, asked: Asked) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = asked;
    }
}

async fn follow(
    client: Client,
    registration: Registration,
    changed: Arc<Notify>,
    health: Arc<Health>,
) {
    let api: Api<MutatingWebhookConfiguration> = Api::all(client);
    let config =
        watcher::Config::default().fields(&format!("metadata.name={}", names::REGISTRATION));
    let mut events = pin!(watcher(api, config).backoff(Pause::default()));
    let mut listed = None;
    let mut told = String::new();
    while let Some(event) = events.next().await {
        match event {
            Ok(Event::Init) => {
                listed = None;
                continue;
            }
            Ok(Event::InitApply(found)) => {
                listed = Some(Asked::by(&found));
                continue;
            }
            Ok(Event::InitDone) => registration.set(listed.take().unwrap_or_default()),
            Ok(Event::Apply(found)) => registration.set(Asked::by(&found)),
            Ok(Event::Delete(_)) => registration.set(Asked::default()),
            Err(error) => {
                let error = super::watch_words(&error);
                if told != error {
                    let so =
                        "the registration cannot be watched: every namespace counts as asked about";
                    tracing::warn!(error, "{so}");
                    told = error;
                }
                health.open(GATE);
                continue;
            }
        }
        health.open(GATE);
        changed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn everything_is_asked_about_until_a_registration_says_otherwise() {
        let named =
            |name: &str| BTreeMap::from([(names::NAMESPACE_NAME.to_owned(), name.to_owned())]);
        assert!(Asked::default().about(&named("kube-system")));
        let registration = json!({"metadata": {}, "webhooks": [{
            "name": "wire.kubectl-thanos.dev", "admissionReviewVersions": ["v1"], "sideEffects": "None", "clientConfig": {},
            "namespaceSelector": {"matchExpressions": [{"key": names::NAMESPACE_NAME, "operator": "NotIn", "values": ["kube-system"]}]},
        }]});
        let asked = Asked::by(&serde_json::from_value(registration).unwrap());
        assert!(asked.about(&named("monitoring")) && !asked.about(&named("kube-system")));
    }
}
