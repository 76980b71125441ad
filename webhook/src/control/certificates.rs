//! The webhook's own certificates: an authority and a leaf, made, renewed and trusted, by the leader alone.
//!
//! Facts (two Secrets, two registrations) → judge → one step, again and again until nothing is left to do. Every write
//! carries the `resourceVersion` that was read: whoever was faster wins, and everything is judged anew.
//! Nothing but `caBundle` is written into a registration, and no Secret is made: the chart brings both, empty.
//! Rights: get and patch, by name, on the two Secrets of this namespace and on the two registrations.

mod facts;
pub mod judge;
pub mod material;
#[cfg(test)]
mod year;

use std::fmt::Debug;

use anyhow::{Context, Result, anyhow};
use jiff::Timestamp;
use k8s_openapi::api::admissionregistration::v1::{
    MutatingWebhookConfiguration, ValidatingWebhookConfiguration,
};
use k8s_openapi::api::core::v1::Secret;
use kube::api::{Patch, PatchParams};
use kube::{Api, Client};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use thanos_core::{codes, names};
use tokio::time::sleep;

use super::lease::Leadership;
use super::metrics::Metrics;
use super::words;
use facts::{AUTHORITY_KEY, CHAIN, CHAIN_KEY, Seen, TRUSTED, look};
use judge::{Memory, Settings, Step, judge};
use material::Authority;

/// No more steps at a time: bundle, two registrations, leaf, and one to spare for each that another was faster with.
const STEPS: usize = 8;

/// Keeps the certificates right.
pub(super) struct Certificates {
    /// How long they live.
    pub(super) settings: Settings,
    /// Where the Secrets are.
    pub(super) namespace: String,
    /// The API server.
    pub(super) client: Client,
    /// Who may write.
    pub(super) leadership: Leadership,
    /// What is counted.
    pub(super) metrics: Metrics,
}

impl Certificates {
    /// Keeps them right until this process leads no more.
    pub(super) async fn keep(&self) {
        let mut memory = Memory::default();
        let mut told = String::new();
        loop {
            match self.put_right(&mut memory).await {
                Ok(()) => told.clear(),
                Err(error) => {
                    self.metrics.certificate_failures.inc();
                    let error = format!("{} {error:#}", codes::CERTIFICATES_STUCK);
                    if told != error {
                        tracing::error!(error, "the certificates are left as they are");
                        told = error;
                    }
                }
            }
            sleep(self.settings.every).await;
        }
    }

    async fn put_right(&self, memory: &mut Memory) -> Result<()> {
        for _ in 0..STEPS {
            let seen = look(&self.client, &self.namespace).await?;
            let now = Timestamp::now();
            if let Some(authority) = &seen.facts.authority {
                let end = authority.newest().not_after().as_second();
                self.metrics.authority_not_after.set(end);
            }
            let Some(step) = judge(&seen.facts, &self.settings, memory, now) else {
                return Ok(());
            };
            self.take(step, seen, now).await?;
        }
        Ok(())
    }

    /// Makes one step.
    async fn take(&self, step: Step, seen: Seen, now: Timestamp) -> Result<()> {
        let settings = &self.settings;
        let [authority_version, pair_version] = seen.secrets;
        let present = seen.facts.authority;
        match step {
            Step::Make(before) => {
                let made = Authority::make(now, settings.authority, before)
                    .context("making an authority")?;
                let end = made.newest().not_after().to_string();
                if self.write_authority(&made, &authority_version).await? {
                    let besides = made.before().len();
                    tracing::info!(not_after = end, besides, "a new authority was made");
                }
            }
            Step::Forget(before) => {
                let Some(present) = present else {
                    return Ok(());
                };
                let fewer = present.with(before);
                if self.write_authority(&fewer, &authority_version).await? {
                    tracing::info!("an earlier authority is trusted no longer");
                }
            }
            Step::Register(number) => {
                let (Some(present), Some(registration)) = (present, seen.registrations.get(number))
                else {
                    return Ok(());
                };
                let patch = registration.patch(&present.bundle())?;
                if self.register(registration.is_mutating, &patch).await? {
                    let is_mutating = registration.is_mutating;
                    tracing::info!(is_mutating, "caBundle was written");
                }
            }
            Step::Sign => {
                let Some(present) = present else {
                    return Ok(());
                };
                let pair = present
                    .sign(now, settings.leaf, &settings.reached_by)
                    .context("signing a certificate")?;
                let end = pair.certificate.not_after().to_string();
                let data = [
                    (CHAIN, pair.certificate.pem()),
                    (CHAIN_KEY, pair.key().to_owned()),
                    (TRUSTED, present.bundle()),
                ];
                if self.fill(names::SECRET_TLS, &pair_version, data).await? {
                    tracing::info!(not_after = end, "a certificate was signed");
                }
            }
        }
        Ok(())
    }

    async fn write_authority(&self, authority: &Authority, version: &str) -> Result<bool> {
        let data = [
            (TRUSTED, authority.bundle()),
            (AUTHORITY_KEY, authority.key().to_owned()),
        ];
        self.fill(names::SECRET_AUTHORITY, version, data).await
    }

    async fn fill<const N: usize>(
        &self,
        name: &str,
        version: &str,
        data: [(&str, String); N],
    ) -> Result<bool> {
        let secrets: Api<Secret> = Api::namespaced(self.client.clone(), &self.namespace);
        let data: serde_json::Map<String, Value> = data
            .into_iter()
            .map(|(key, text)| (key.to_owned(), json!(k8s_openapi::ByteString(text.into()))))
            .collect();
        let patch = json!({"metadata": {"resourceVersion": version}, "data": data});
        self.patch(&secrets, name, &Patch::Merge(patch)).await
    }

    async fn register(&self, is_mutating: bool, patch: &Patch<Value>) -> Result<bool> {
        let name = names::REGISTRATION;
        if is_mutating {
            let api: Api<MutatingWebhookConfiguration> = Api::all(self.client.clone());
            self.patch(&api, name, patch).await
        } else {
            let api: Api<ValidatingWebhookConfiguration> = Api::all(self.client.clone());
            self.patch(&api, name, patch).await
        }
    }

    /// Whether it was written; not, where another was faster.
    async fn patch<K>(&self, api: &Api<K>, name: &str, patch: &Patch<Value>) -> Result<bool>
    where
        K: Clone + DeserializeOwned + Debug,
    {
        let params = PatchParams {
            field_manager: Some(names::MANAGER_CONTROL.to_owned()),
            ..PatchParams::default()
        };
        let written = self.leadership.write(api.patch(name, &params, patch)).await;
        match written? {
            Ok(_) => Ok(true),
            Err(kube::Error::Api(status)) if status.is_conflict() => Ok(false),
            Err(error) => Err(anyhow!(words(&error)).context(format!("writing {name}"))),
        }
    }
}
