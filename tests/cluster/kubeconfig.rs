//! Kubeconfig files: one server, one token.

use anyhow::{Context, Result};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::json;

/// The text of a kubeconfig (JSON, which is YAML too).
pub fn text(server: &str, ca_pem: &str, user: &str, token: &str) -> String {
    let file = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "test",
        "clusters": [{"name": "test", "cluster": {
            "server": server, "certificate-authority-data": BASE64_STANDARD.encode(ca_pem)}}],
        "users": [{"name": user, "user": {"token": token}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": user}}],
    });
    format!("{file:#}\n")
}

/// A client that acts as the kubeconfig says.
///
/// # Errors
/// When it is no kubeconfig.
pub async fn client(text: &str) -> Result<Client> {
    let file = Kubeconfig::from_yaml(text).context("reading a kubeconfig")?;
    let config = Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await;
    Client::try_from(config.context("using a kubeconfig")?).context("a Kubernetes client")
}
