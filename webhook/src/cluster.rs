//! The one client of the API server.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::{Client, Config};
use thanos_core::codes;

/// A client by a kubeconfig file; without one by `$KUBECONFIG`, `~/.kube/config` or the pod's service account.
///
/// Nothing is asked of the API server yet.
pub async fn client(kubeconfig: Option<&Path>) -> Result<Client> {
    let code = codes::KUBECONFIG_UNREADABLE;
    let mut config = match kubeconfig {
        Some(path) => read(Kubeconfig::read_from(path))
            .await
            .map_err(|why| anyhow!("{code} the kubeconfig {}: {why}", path.display()))?,
        None => match read(Kubeconfig::read()).await {
            Ok(config) => config,
            Err(why) => Config::incluster().map_err(|error| {
                anyhow!(
                    "{code} no API server: the kubeconfig: {why}; a pod's service account: {error}"
                )
            })?,
        },
    };
    config.connect_timeout = Some(Duration::from_secs(5));
    Client::try_from(config).context("making the API server's client")
}

async fn read(file: Result<Kubeconfig, KubeconfigError>) -> Result<Config, String> {
    let file = file.map_err(|error| words(&error))?;
    Config::from_custom_kubeconfig(file, &KubeConfigOptions::default())
        .await
        .map_err(|error| words(&error))
}

/// What is wrong with a kubeconfig. The parser would show the lines around it, and a token may be among them.
fn words(error: &KubeconfigError) -> String {
    match error {
        KubeconfigError::Parse(_) => "it is no kubeconfig that can be read".to_owned(),
        KubeconfigError::ReadConfig(error, _) => error.to_string(),
        other => other.to_string(),
    }
}
