//! What is written now about the certificates: two Secrets and the two registrations, each with its version.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::ops::Index;

use anyhow::{Context, Result, anyhow};
use k8s_openapi::ByteString;
use k8s_openapi::api::admissionregistration::v1::{
    MutatingWebhookConfiguration, ValidatingWebhookConfiguration,
};
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::Patch;
use kube::{Api, Client};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use thanos_core::names;

use super::judge::Facts;
use super::material::{Authority, Certificate, Pair};
use crate::control::words;

pub(super) const CHAIN: &str = "tls.crt";
pub(super) const CHAIN_KEY: &str = "tls.key";
pub(super) const TRUSTED: &str = "ca.crt";
pub(super) const AUTHORITY_KEY: &str = "ca.key";

/// What was read, and at which version each part of it.
pub(super) struct Seen {
    pub(super) facts: Facts,
    pub(super) secrets: [String; 2],
    pub(super) registrations: Vec<Registration>,
}

/// One registration: which, its version, and its webhooks' names.
#[derive(Debug)]
pub(super) struct Registration {
    pub(super) is_mutating: bool,
    version: String,
    webhooks: Vec<String>,
}

/// Reads all of it.
pub(super) async fn look(client: &Client, namespace: &str) -> Result<Seen> {
    let (authority, authority_version) = secret(client, namespace, names::SECRET_AUTHORITY).await?;
    let (pair, pair_version) = secret(client, namespace, names::SECRET_TLS).await?;
    let mut facts = Facts {
        authority: Authority::read(&authority[TRUSTED], &authority[AUTHORITY_KEY]),
        pair: Pair::read(&pair[CHAIN], &pair[CHAIN_KEY]),
        came_with: Certificate::all(&pair[TRUSTED]),
        registered: Vec::new(),
    };
    let mut registrations = Vec::new();
    let mut add = |found: Option<(Registration, Vec<Vec<u8>>)>| {
        if let Some((registration, bundles)) = found {
            registrations.push(registration);
            facts.registered.push(bundles);
        }
    };
    add(mutating(client).await?);
    add(validating(client).await?);
    Ok(Seen {
        facts,
        secrets: [authority_version, pair_version],
        registrations,
    })
}

/// What a Secret holds, and its version.
async fn secret(client: &Client, namespace: &str, name: &str) -> Result<(Held, String)> {
    let secrets: Api<Secret> = Api::namespaced(client.clone(), namespace);
    let secret = get(&secrets, name).await?;
    let secret = secret.ok_or_else(|| {
        anyhow!("Secret {name} is not in {namespace}: helm upgrade brings it back")
    })?;
    let version = secret.metadata.resource_version.unwrap_or_default();
    Ok((Held(secret.data.unwrap_or_default()), version))
}

async fn mutating(client: &Client) -> Result<Option<(Registration, Vec<Vec<u8>>)>> {
    let api: Api<MutatingWebhookConfiguration> = Api::all(client.clone());
    let found = get(&api, names::REGISTRATION).await?;
    Ok(found.map(|found| {
        let webhooks = found.webhooks.into_iter().flatten();
        let webhooks = webhooks.map(|webhook| (webhook.name, webhook.client_config.ca_bundle));
        registration(
            true,
            found.metadata,
            webhooks.map(|(name, bundle)| (name, bundle.map(|bytes| bytes.0))),
        )
    }))
}

async fn validating(client: &Client) -> Result<Option<(Registration, Vec<Vec<u8>>)>> {
    let api: Api<ValidatingWebhookConfiguration> = Api::all(client.clone());
    let found = get(&api, names::REGISTRATION).await?;
    Ok(found.map(|found| {
        let webhooks = found.webhooks.into_iter().flatten();
        let webhooks = webhooks.map(|webhook| (webhook.name, webhook.client_config.ca_bundle));
        registration(
            false,
            found.metadata,
            webhooks.map(|(name, bundle)| (name, bundle.map(|bytes| bytes.0))),
        )
    }))
}

/// What a Secret holds; nothing under a key that it does not have.
struct Held(BTreeMap<String, ByteString>);

impl Index<&str> for Held {
    type Output = [u8];

    fn index(&self, key: &str) -> &[u8] {
        self.0.get(key).map_or(&[], |bytes| &bytes.0)
    }
}

async fn get<K>(api: &Api<K>, name: &str) -> Result<Option<K>>
where
    K: Clone + DeserializeOwned + Debug,
{
    api.get_opt(name)
        .await
        .map_err(|error| anyhow!(words(&error)).context(format!("reading {name}")))
}

/// A registration, and the `caBundle` of each of its webhooks.
fn registration(
    is_mutating: bool,
    metadata: ObjectMeta,
    webhooks: impl Iterator<Item = (String, Option<Vec<u8>>)>,
) -> (Registration, Vec<Vec<u8>>) {
    let (webhooks, bundles) = webhooks
        .map(|(name, bundle)| (name, bundle.unwrap_or_default()))
        .unzip();
    let registration = Registration {
        is_mutating,
        version: metadata.resource_version.unwrap_or_default(),
        webhooks,
    };
    (registration, bundles)
}

impl Registration {
    /// `caBundle` of every webhook and nothing else, at the version that was read.
    pub(super) fn patch(&self, bundle: &str) -> Result<Patch<Value>> {
        let bundle = json!(ByteString(bundle.into()));
        let mut operations = vec![
            json!({"op": "replace", "path": "/metadata/resourceVersion", "value": self.version}),
        ];
        for (number, name) in self.webhooks.iter().enumerate() {
            let webhook = format!("/webhooks/{number}");
            operations
                .push(json!({"op": "test", "path": format!("{webhook}/name"), "value": name}));
            let path = format!("{webhook}/clientConfig/caBundle");
            operations.push(json!({"op": "add", "path": path, "value": bundle}));
        }
        let patch = serde_json::from_value(Value::Array(operations));
        Ok(Patch::Json(patch.context("the patch of a registration")?))
    }
}
