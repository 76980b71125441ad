//! Custom resource definitions: applied as files, waited for until their objects can be asked for.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use futures::future::try_join_all;
use hyper::{Method, Request};
use kube::Client;
use kube::client::Body;

use crate::{eventually, tools};

/// The group of the operator's resources.
pub const GROUP: &str = "monitoring.coreos.com";
const SERVED: Duration = Duration::from_secs(120);

/// One of the operator's definitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crd {
    /// As in `prometheuses.monitoring.coreos.com`.
    pub plural: &'static str,
    /// As in `monitoring.coreos.com/v1`.
    pub version: &'static str,
}

const fn crd(plural: &'static str, version: &'static str) -> Crd {
    Crd { plural, version }
}

/// The three that hold what this project edits.
pub const SUBJECTS: &[Crd] = &[
    crd("prometheuses", "v1"),
    crd("prometheusagents", "v1alpha1"),
    crd("thanosrulers", "v1"),
];

/// All ten, as the operator wants them.
pub const ALL: &[Crd] = &[
    crd("prometheuses", "v1"),
    crd("prometheusagents", "v1alpha1"),
    crd("thanosrulers", "v1"),
    crd("alertmanagers", "v1"),
    crd("alertmanagerconfigs", "v1alpha1"),
    crd("podmonitors", "v1"),
    crd("probes", "v1"),
    crd("prometheusrules", "v1"),
    crd("scrapeconfigs", "v1alpha1"),
    crd("servicemonitors", "v1"),
];

/// Those of Gateway API, Envoy Gateway and cert-manager that the hub's chart uses: plural, group, version.
const HUB: &[(&str, &str, &str)] = &[
    ("gatewayclasses", "gateway.networking.k8s.io", "v1"),
    ("gateways", "gateway.networking.k8s.io", "v1"),
    ("httproutes", "gateway.networking.k8s.io", "v1"),
    (
        "backendtrafficpolicies",
        "gateway.envoyproxy.io",
        "v1alpha1",
    ),
    ("clienttrafficpolicies", "gateway.envoyproxy.io", "v1alpha1"),
    ("envoyproxies", "gateway.envoyproxy.io", "v1alpha1"),
    ("securitypolicies", "gateway.envoyproxy.io", "v1alpha1"),
    ("certificates", "cert-manager.io", "v1"),
    ("clusterissuers", "cert-manager.io", "v1"),
    ("issuers", "cert-manager.io", "v1"),
];

/// Applies what the hub's chart needs beside the operator's definitions, and waits until each is served.
///
/// # Errors
/// When a file is missing, the API server refuses it, or it is not served in time.
pub async fn hub(client: &Client) -> Result<()> {
    let apply = async |&(plural, group, version): &(&str, &str, &str)| {
        let name = format!("{plural}.{group}");
        apply(client, &name, &tools::hub_crd(&name)?).await?;
        served(client, group, version, plural).await
    };
    try_join_all(HUB.iter().map(apply)).await.map(drop)
}

/// Applies the operator's definitions side by side and waits until each is served.
///
/// # Errors
/// When a file is missing, the API server refuses it, or it is not served in time.
pub async fn install(client: &Client, crds: &[Crd]) -> Result<()> {
    let apply = async |crd: &Crd| {
        apply(
            client,
            &format!("{}.{GROUP}", crd.plural),
            &tools::crd(crd.plural)?,
        )
        .await
    };
    try_join_all(crds.iter().map(apply)).await?;
    all_served(client, crds).await
}

/// Waits until the objects of each definition can be asked for.
///
/// # Errors
/// When that takes too long.
pub async fn all_served(client: &Client, crds: &[Crd]) -> Result<()> {
    try_join_all(
        crds.iter()
            .map(|crd| served(client, GROUP, crd.version, crd.plural)),
    )
    .await
    .map(drop)
}

/// Server-side apply of a definition in a YAML file, whose bytes go to the API server as they are.
///
/// # Errors
/// When the API server refuses it.
pub async fn apply(client: &Client, name: &str, file: &Path) -> Result<()> {
    let yaml = std::fs::read(file).with_context(|| format!("reading {}", file.display()))?;
    let path = format!(
        "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}?fieldManager=tests&force=true"
    );
    let request = Request::builder()
        .method(Method::PATCH)
        .uri(path)
        .header("content-type", "application/apply-patch+yaml");
    let request = request.body(Body::from(yaml)).context("the request")?;
    let answer = client
        .send(request)
        .await
        .with_context(|| format!("applying {name}"))?;
    ensure!(
        answer.status().is_success(),
        "applying {name}: {}",
        answer.status()
    );
    Ok(())
}

/// Waits until the objects of a definition can be listed, and kubectl and helm find their kind (which comes later).
///
/// # Errors
/// When that takes too long.
pub async fn served(client: &Client, group: &str, version: &str, plural: &str) -> Result<()> {
    let path = format!("/apis/{group}/{version}/{plural}?limit=1");
    eventually(
        &format!("{plural}.{group}/{version} is served"),
        SERVED,
        || async {
            let found = client
                .list_api_group_resources(&format!("{group}/{version}"))
                .await
                .context("its group")?;
            ensure!(
                found
                    .resources
                    .iter()
                    .any(|resource| resource.name == plural),
                "its group does not name it yet"
            );
            let request = Request::get(&path)
                .body(Body::empty())
                .context("the request")?;
            let status = client.send(request).await.context("listing")?.status();
            ensure!(status.is_success(), "{status}");
            Ok(())
        },
    )
    .await
}
