//! Installs our chart into a cluster: rendered by the real helm, with nothing replaced but the address.
//!
//! Here the webhook is a process and not a Service, so `clientConfig.service` becomes `clientConfig.url`. Everything
//! else, CRDs, rights and rules, is what a user gets.

use anyhow::{Context, Result};
use base64::Engine;
use kubectl_thanos::manifests;
use serde_json::{Value, json};

use crate::Cluster;
use crate::tools::root;

/// The namespace that the release lives in.
pub const NAMESPACE: &str = thanos_core::names::NAMESPACE;

/// Where the webhook listens, and who signed for it.
#[derive(Clone, Debug)]
pub struct Address {
    /// `https://127.0.0.1:PORT`, without a path.
    pub url: String,
    /// PEM of the authority.
    pub authority: String,
}

/// Renders the chart: every object of it, CRDs first.
///
/// # Errors
/// When helm refuses the values or its output cannot be read.
pub async fn render(cluster: &Cluster, values: &[&str]) -> Result<Vec<Value>> {
    let chart = root().join("charts/thanos-webhook");
    let mut helm = cluster
        .helm()?
        .args([
            "template",
            "thanos-webhook",
            "--include-crds",
            "-n",
            NAMESPACE,
        ])
        .arg(chart);
    for value in values {
        helm = helm.args(["--set", value]);
    }
    objects("the chart", helm.output().await?.fine()?)
}

/// The objects of a stream of manifests.
///
/// # Errors
/// When it cannot be read.
pub fn objects(name: &str, stream: String) -> Result<Vec<Value>> {
    let source = std::sync::Arc::new(manifests::Source::new(name, stream.into_bytes())?);
    let documents = manifests::read(&source).map_err(|errors| anyhow::anyhow!("{errors:?}"))?;
    Ok(documents
        .iter()
        .map(|document| document.value().clone())
        .filter(|value| !value.is_null())
        .collect())
}

/// Installs the chart with the webhook at `address`.
///
/// # Errors
/// When the chart does not render or the API server refuses a part of it.
pub async fn webhook(cluster: &Cluster, address: &Address) -> Result<()> {
    let authority = base64::engine::general_purpose::STANDARD.encode(&address.authority);
    let trusted = json!({"caBundle": authority});
    registered(cluster, &[], &address.url, &trusted).await
}

/// Installs the chart with the webhook at `url`, whatever it cannot answer is refused, and nobody signs for it yet.
///
/// # Errors
/// When the chart does not render or the API server refuses a part of it.
pub async fn registered_at(cluster: &Cluster, url: &str) -> Result<()> {
    let strict = [
        "registration.mutatingFailurePolicy=Fail",
        "registration.validatingFailurePolicy=Fail",
        "registration.judgingFailurePolicy=Fail",
    ];
    registered(cluster, &strict, url, &json!({})).await
}

async fn registered(cluster: &Cluster, values: &[&str], url: &str, trusted: &Value) -> Result<()> {
    let mut objects = render(cluster, values).await?;
    for object in &mut objects {
        for webhook in object
            .get_mut("webhooks")
            .and_then(Value::as_array_mut)
            .into_iter()
            .flatten()
        {
            let path = webhook
                .pointer("/clientConfig/service/path")
                .and_then(Value::as_str)
                .context("a webhook without a path")?;
            let url = format!("{url}{path}");
            webhook["clientConfig"] = trusted.clone();
            webhook["clientConfig"]["url"] = url.into();
        }
    }
    let _ = cluster.namespace(NAMESPACE, &[]).await;
    apply(cluster, &objects, "helm").await
}

/// Server-side apply of objects by the real kubectl.
///
/// # Errors
/// When the API server refuses one.
pub async fn apply(cluster: &Cluster, objects: &[Value], manager: &str) -> Result<()> {
    let list = json!({"apiVersion": "v1", "kind": "List", "items": objects});
    let kubectl = cluster
        .kubectl()?
        .args(["apply", "--server-side", "--force-conflicts", "-f", "-"])
        .arg(format!("--field-manager={manager}"));
    kubectl
        .output_for(&serde_json::to_vec(&list)?)
        .await?
        .fine()?;
    Ok(())
}
