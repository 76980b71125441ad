//! `kubectl thanos uninstall`: what `init` made goes, and nothing else.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use serde_json::Value;
use thanos_core::names;
use thanos_tests::{eventually, operator};

use super::{GATEWAY, Hub, samples};
use crate::ground::{Ground, SOON};
use crate::monitoring;

/// Of others: the Lease of a controller that has ended, as leader elections leave it, and what the operator keeps of a
/// remote-write that was, until it makes the next configuration.
const OF_OTHERS: [&str; 2] = ["lease.coordination", "-http-client-file"];

/// The objects of every kind that have to do with a hub, by kind and name.
pub(super) async fn traces(ground: &Ground) -> Result<BTreeSet<String>> {
    let kinds = ground.get("api-resources --verbs=list -o name").await?;
    let kinds: Vec<&str> = kinds
        .lines()
        .filter(|kind| !kind.starts_with("events"))
        .collect();
    let all = format!("get {} -A -o name --ignore-not-found", kinds.join(","));
    let all = ground.get(&all).await?;
    let of_hubs = |line: &&str| line.contains("thanos") || line.contains("hub");
    Ok(all.lines().filter(of_hubs).map(str::to_owned).collect())
}

/// The hub, its member, the webhook and Envoy Gateway go; the Prometheus objects stay, as they were before.
pub(crate) async fn is_uninstalled_without_leftovers(ground: &Ground) -> Result<()> {
    let Some(hub) = Hub::made(ground).await? else {
        return Ok(());
    };
    samples::flow(hub).await?;
    let other = hub
        .plugin("uninstall --name thanos-eu --third-party --data --yes")
        .await?;
    ensure!(other.code == Some(0), "{other:?}");
    let proven = hub.init("--yes").await?;
    ensure!(
        proven.code == Some(0),
        "the other hub went, and this one does not work: {proven:?}"
    );

    let gone = hub
        .plugin("uninstall --third-party --crds --data --yes")
        .await?;
    ensure!(gone.code == Some(0), "{gone:?}");
    eventually("nothing is left", SOON, || async {
        let left = traces(ground).await?;
        // Namespaces stay, since others may have put something into them.
        let left: Vec<&String> = left
            .difference(&hub.stage.before)
            .filter(|line| !line.starts_with("namespace/"))
            .filter(|line| !OF_OTHERS.iter().any(|part| line.contains(part)))
            .collect();
        ensure!(left.is_empty(), "{left:#?}");
        let pods = ground
            .get(&format!("get pods -n {GATEWAY} -o name"))
            .await?;
        ensure!(pods.is_empty(), "{pods}");
        Ok(())
    })
    .await?;
    let releases = ground
        .helm()?
        .args(["ls", "-A", "-q"])
        .output()
        .await?
        .fine()?;
    ensure!(releases.trim().is_empty(), "{releases}");
    let again = hub
        .plugin("uninstall --third-party --crds --data --yes")
        .await?;
    ensure!(
        again.code == Some(0) && again.stderr.contains("Nothing of hub thanos is left."),
        "{again:?}"
    );

    // What somebody else made is as it was; the lease of a `control` of stories before is our own.
    let is_ours = |line: &&String| line.ends_with(&format!("/{}", names::LEASE));
    let left = traces(ground).await?;
    let lost = hub.stage.before.difference(&left);
    let lost: Vec<&String> = lost.filter(|line| !is_ours(line)).collect();
    ensure!(lost.is_empty(), "no longer there: {lost:#?}");
    for (version, kind, name) in [
        ("v1", "Prometheus", "samples"),
        ("v1alpha1", "PrometheusAgent", "agent"),
    ] {
        let api = operator::objects(ground.client(), version, kind, monitoring::NAMESPACE);
        let object = api.get(name).await?;
        let spec: &Value = &object.data["spec"];
        ensure!(
            spec["remoteWrite"].as_array().is_none_or(Vec::is_empty),
            "{kind}: {spec}"
        );
        ensure!(
            spec["externalLabels"]["cluster"].is_null(),
            "{kind}: {spec}"
        );
        let marks = object.metadata.annotations.unwrap_or_default();
        ensure!(!marks.contains_key(names::WIRED), "{kind}: {marks:?}");
    }
    ground
        .rolled_out(monitoring::NAMESPACE, "statefulset/prometheus-samples")
        .await
}
