//! A release in a real API server: installed through the post-renderer, asked about, upgraded, taken away.

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use thanos_tests::Cluster;

use super::{BOTH, Helm, Which};
use crate::plugin::live;

async fn object(cluster: &Cluster, kind: &str, name: &str) -> Result<Value> {
    let kubectl = cluster.kubectl()?;
    let get = kubectl.args(["get", kind, name, "-n", "monitoring", "-o", "json"]);
    Ok(serde_json::from_str(&get.output().await?.fine()?)?)
}

#[tokio::test]
async fn a_release_is_wired_as_it_is_installed() -> Result<()> {
    let cluster = live::cluster("helm-installing", &[]).await?;
    for which in BOTH {
        let run = cluster.run().clone();
        let helm = Helm::at(which, run, cluster.kubeconfig().to_owned()).await?;
        // Neither the namespace nor the cluster of the release reach the post-renderer by themselves.
        let arguments =
            "--live --context=test --namespace=monitoring --report-file=DIR/report.json";
        let flag = helm.post_renderer(arguments);
        let release = "r CHART -n monitoring --set namespace=,hook=true";
        let install = helm.run(&format!("install {release} {flag}")).await?;
        install
            .fine()
            .with_context(|| format!("{which:?}: {:?}", helm.read("report.json")))?;
        let report: Value = serde_json::from_str(&helm.read("report.json")?)?;
        let wired = if which == Which::Four { 2 } else { 1 };
        ensure!(report["summary"]["wired"] == wired, "{report:#}");
        ensure!(report["assumed"] == serde_json::json!([]), "{report:#}");

        let prometheus = object(&cluster, "prometheus", "k8s").await?;
        ensure!(
            prometheus["spec"]["remoteWrite"][0]["name"] == "thanos",
            "{prometheus:#}"
        );
        let hooked = object(&cluster, "prometheusagent", "hooked").await?;
        let is_wired = hooked["spec"]["remoteWrite"][0]["name"] == "thanos";
        ensure!(is_wired == (which == Which::Four), "{hooked:#}");

        let why = helm.run("thanos why prometheus/k8s -n monitoring").await?;
        ensure!(
            why.code == Some(0) && why.stdout.contains("WIRED   KTH2001"),
            "{why:#?}"
        );
        // Nothing is left for the webhook to do, nor for a second run.
        let diff = helm.run("thanos diff prometheus/k8s -n monitoring").await?;
        ensure!(diff.code == Some(0), "{diff:#?}");
        let upgrade = helm.run(&format!("upgrade {release} {flag}")).await?;
        upgrade.fine()?;
        let again = object(&cluster, "prometheus", "k8s").await?;
        ensure!(
            again["metadata"]["generation"] == prometheus["metadata"]["generation"],
            "{again:#}"
        );

        // A release that may not be wired does not come about at all.
        let refusing = helm.post_renderer("--live --context=test --fail-on=unwired");
        let second = "install s CHART -n monitoring --set namespace=team-a";
        let ran = helm.run(&format!("{second} {refusing}")).await?;
        ensure!(ran.code == Some(1), "{ran:#?}");
        let listed = helm.run("list -A -q").await?.fine()?;
        ensure!(listed.trim() == "r", "{listed}");

        helm.run("uninstall r -n monitoring").await?.fine()?;
        let hooks =
            cluster
                .kubectl()?
                .args(["delete", "prometheusagent", "hooked", "-n", "monitoring"]);
        hooks.output().await?.fine()?;
    }
    Ok(())
}
