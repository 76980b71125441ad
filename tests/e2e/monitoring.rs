//! What a member cluster has before this project comes: the operator in a pod, as its own bundle installs it, and a
//! namespace in which it runs Prometheus pods.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use thanos_core::names;
use thanos_tests::{crds, install, tools};

use crate::ground::Ground;

/// Where the Prometheus objects of the stories live.
pub(crate) const NAMESPACE: &str = "monitoring";
/// Where the operator's bundle puts it.
const OPERATOR: &str = "default";
/// The Prometheus whose image `images.py` writes.
pub(crate) const VERSION: &str = "v3.16.0";

/// The operator's definitions, served.
pub(crate) async fn definitions(ground: &Ground) -> Result<()> {
    crds::install(&ground.client(), crds::ALL).await
}

/// The definitions, the operator in a pod and the namespace, where they are missing.
pub(crate) async fn operator(ground: &Ground) -> Result<()> {
    let images = ["prometheus-operator", "prometheus-config-reloader"];
    ground.images(&images).await?;
    ground.images(&["prometheus"]).await?;
    definitions(ground).await?;
    ground.restricted(NAMESPACE).await?;
    let bundle = tools::root().join("target/tools/operator-bundle/bundle.yaml");
    let text = std::fs::read_to_string(&bundle)
        .with_context(|| format!("{}: run `make tools`", bundle.display()))?;
    let is_definition = |object: &Value| object["kind"] == "CustomResourceDefinition";
    let mut objects = install::objects("the operator's bundle", text)?;
    objects.retain(|object| !is_definition(object));
    objects.push(json!({"apiVersion": "v1", "kind": "ServiceAccount",
        "metadata": {"name": "prometheus", "namespace": NAMESPACE}}));
    let list = json!({"apiVersion": "v1", "kind": "List", "items": objects});
    ground.apply(&list.to_string()).await?.fine()?;
    ground
        .rolled_out(OPERATOR, "deployment/prometheus-operator")
        .await
}

/// A Prometheus object that knows nothing of Thanos, which a restricted namespace takes the pods of.
pub(crate) fn prometheus(name: &str) -> Value {
    json!({
        "apiVersion": format!("{}/v1", names::OPERATOR_GROUP), "kind": "Prometheus",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {
            "version": VERSION, "replicas": 1, "serviceAccountName": "prometheus",
            "serviceMonitorSelector": {}, "scrapeInterval": "5s",
            "resources": {"requests": {"cpu": "10m", "memory": "64Mi"}},
            "securityContext": {
                "runAsNonRoot": true, "runAsUser": 1000, "fsGroup": 2000,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
        },
    })
}
