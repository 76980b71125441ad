//! The one client of the API server.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use thanos_core::codes;

/// A client by a kubeconfig file; without one by `$KUBECONFIG`, `~/.kube/config` or the pod's service account.
///
/// Nothing is asked of the API server yet.
pub async fn client(kubeconfig: Option<&Path>) -> Result<Client> {
    let mut config = match kubeconfig {
        Some(path) => {
            let file = Kubeconfig::read_from(path).with_context(|| {
                format!(
                    "{} reading {}",
                    codes::KUBECONFIG_UNREADABLE,
                    path.display()
                )
            })?;
            Config::from_custom_kubeconfig(file, &KubeConfigOptions::default())
                .await
                .with_context(|| {
                    format!("{} using {}", codes::KUBECONFIG_UNREADABLE, path.display())
                })?
        }
        None => Config::infer().await.context(
            "finding an API server: give --kubeconfig, or run in a pod with a service account",
        )?,
    };
    config.connect_timeout = Some(Duration::from_secs(5));
    Client::try_from(config).context("making the API server's client")
}
