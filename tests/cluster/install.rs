//! Installs our chart into a cluster: rendered by the real helm, with nothing replaced but the address.
//!
//! Here the webhook is a process and not a Service, so `clientConfig.service` becomes `clientConfig.url`. Everything
//! else, CRDs, rights and rules, is what a user gets.

use anyhow::{Context, Result};
use base64::Engine;
use kubectl_thanos::manifests;
use serde_json::{Value, json};

use crate::tools::root;
use crate::{Cluster, Program};

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

/// A chart of ours under the name and with the values (`key=value`) of a release.
#[derive(Clone, Copy, Debug)]
pub struct Release<'r> {
    /// Its folder under `charts/`.
    pub chart: &'r str,
    /// Its name.
    pub name: &'r str,
    /// Its namespace.
    pub namespace: &'r str,
    /// What differs from the chart's own values.
    pub values: &'r [&'r str],
}

impl Release<'_> {
    /// helm with a verb and everything that the release is.
    fn command(&self, helm: Program, verb: &[&str]) -> Program {
        let chart = root().join("charts").join(self.chart);
        let helm = helm.args(verb.iter().copied());
        let helm = helm.args([self.name, "-n", self.namespace]).arg(chart);
        let values = self.values.iter().flat_map(|value| ["--set", *value]);
        helm.args(values)
    }

    /// Every object of it, CRDs first.
    ///
    /// # Errors
    /// When helm refuses the values or its output cannot be read.
    pub async fn render(&self, helm: Program) -> Result<Vec<Value>> {
        let rendered = self.command(helm, &["template", "--include-crds"]);
        objects("the chart", rendered.output().await?.fine()?)
    }

    /// Installs or upgrades it, waiting for nothing; gives what helm says.
    ///
    /// # Errors
    /// When helm or the API server refuses it.
    pub async fn install(&self, helm: Program) -> Result<String> {
        let installed = self.command(helm, &["upgrade", "--install"]);
        installed.output().await?.fine()
    }
}

/// Renders the webhook's chart: every object of it, CRDs first.
///
/// # Errors
/// When helm refuses the values or its output cannot be read.
pub async fn render(cluster: &Cluster, values: &[&str]) -> Result<Vec<Value>> {
    let release = Release {
        chart: "thanos-webhook",
        name: "thanos-webhook",
        namespace: NAMESPACE,
        values,
    };
    release.render(cluster.helm()?).await
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
