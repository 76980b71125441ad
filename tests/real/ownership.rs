//! Who owns what: every way to write an object keeps our entry, and no other manager loses a field.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use thanos_core::names;
use thanos_tests::eventually;

use super::{SOON, ensure_wired, entries, get, kubectl, prometheus, with};

fn vendor(shards: u32) -> Value {
    json!({"shards": shards, "remoteWrite": [{"name": "vendor", "url": "https://vendor.example.com/write"}]})
}

#[tokio::test]
async fn every_way_to_write_an_object_keeps_it_wired() -> Result<()> {
    with("real-writes", async |member| {
        let cluster = member.cluster;
        kubectl(cluster, &["create", "-f", "-"], &prometheus("created", &json!({}))).await?;
        ensure_wired(&get(cluster, "created").await?).context("create")?;

        // Client-side apply resends the whole list, and three-way merges the rest.
        for shards in 1..4 {
            kubectl(cluster, &["apply", "-f", "-"], &prometheus("applied", &vendor(shards))).await?;
            let object = get(cluster, "applied").await?;
            ensure_wired(&object).with_context(|| format!("apply {shards}"))?;
            ensure!(entries(&object) == ["vendor", "thanos"], "{:?}", entries(&object));
            ensure!(object["spec"]["shards"] == shards);
        }
        kubectl(cluster, &["replace", "-f", "-"], &prometheus("applied", &vendor(9))).await?;
        let object = get(cluster, "applied").await?;
        ensure_wired(&object).context("replace")?;
        ensure!(entries(&object) == ["vendor", "thanos"], "{:?}", entries(&object));

        // A status, a scale and a finalizer change nothing of it.
        let before = get(cluster, "applied").await?["spec"].clone();
        let patch = r#"{"status":{"paused":false,"replicas":1,"updatedReplicas":1,"availableReplicas":1,"unavailableReplicas":0}}"#;
        let status = ["patch", "prometheus", "applied", "-n", "monitoring", "--subresource=status", "--type=merge", "-p", patch];
        kubectl(cluster, &status, &Value::Null).await?;
        ensure!(get(cluster, "applied").await?["spec"] == before, "a status changed the spec");
        kubectl(cluster, &["scale", "prometheus", "applied", "-n", "monitoring", "--replicas=5"], &Value::Null).await?;
        let scaled = get(cluster, "applied").await?;
        ensure_wired(&scaled).context("scale")?;
        ensure!(scaled["spec"]["shards"] == 5, "{}", scaled["spec"]["shards"]);
        deletes(cluster).await
    })
    .await
}

/// An object with a finalizer can go: its last update is left alone.
async fn deletes(cluster: &thanos_tests::Cluster) -> Result<()> {
    let finalizers = |list: Value| json!({"metadata": {"finalizers": list}}).to_string();
    let patch = |list: Value| {
        let words = [
            "patch",
            "prometheus",
            "created",
            "-n",
            "monitoring",
            "--type=merge",
            "-p",
        ]
        .map(str::to_owned);
        words
            .into_iter()
            .chain([finalizers(list)])
            .collect::<Vec<String>>()
    };
    let run = async |words: Vec<String>| {
        kubectl(
            cluster,
            &words.iter().map(String::as_str).collect::<Vec<_>>(),
            &Value::Null,
        )
        .await
    };
    run(patch(json!(["example.com/wait"]))).await?;
    kubectl(
        cluster,
        &[
            "delete",
            "prometheus",
            "created",
            "-n",
            "monitoring",
            "--wait=false",
        ],
        &Value::Null,
    )
    .await?;
    ensure!(
        get(cluster, "created").await?["metadata"]["deletionTimestamp"].is_string(),
        "it did not wait"
    );
    run(patch(json!([]))).await?;
    eventually("the object is gone", SOON, || async {
        ensure!(get(cluster, "created").await.is_err(), "it is still there");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn server_side_apply_by_another_manager_stays_unforced() -> Result<()> {
    with("real-managers", async |member| {
        let cluster = member.cluster;
        let apply = [
            "apply",
            "--server-side",
            "--field-manager=argocd-controller",
            "-f",
            "-",
        ];
        for shards in [1, 2, 2] {
            // Unforced: a conflict would be an error.
            kubectl(cluster, &apply, &prometheus("k8s", &vendor(shards))).await?;
            let object = get(cluster, "k8s").await?;
            ensure_wired(&object)?;
            ensure!(
                entries(&object) == ["vendor", "thanos"],
                "{:?}",
                entries(&object)
            );
            ensure!(
                owns(&object, "argocd-controller", "f:remoteWrite"),
                "{}",
                object["metadata"]["managedFields"]
            );
        }
        // The controller's touch, as any other manager's merge patch of one annotation.
        let touch = json!({"metadata": {"annotations": {names::TOUCH: "1"}}}).to_string();
        kubectl(
            cluster,
            &[
                "patch",
                "prometheus",
                "k8s",
                "-n",
                "monitoring",
                "--type=merge",
                "--field-manager=thanos-webhook",
                "-p",
                &touch,
            ],
            &Value::Null,
        )
        .await?;
        let object = get(cluster, "k8s").await?;
        ensure_wired(&object)?;
        ensure!(
            owns(&object, "argocd-controller", "f:remoteWrite"),
            "a touch took the ownership: {}",
            object["metadata"]["managedFields"]
        );
        kubectl(cluster, &apply, &prometheus("k8s", &vendor(3))).await?;
        ensure_wired(&get(cluster, "k8s").await?)
    })
    .await
}

fn owns(object: &Value, manager: &str, field: &str) -> bool {
    let managers = object["metadata"]["managedFields"]
        .as_array()
        .into_iter()
        .flatten();
    managers
        .filter(|owner| owner["manager"] == manager)
        .any(|owner| !owner["fieldsV1"]["f:spec"][field].is_null())
}

#[tokio::test]
async fn helm_installs_upgrades_and_rolls_back() -> Result<()> {
    with("real-helm", async |member| {
        let cluster = member.cluster;
        let chart = cluster.run().data("chart")?;
        std::fs::create_dir_all(chart.join("templates"))?;
        std::fs::write(chart.join("Chart.yaml"), "apiVersion: v2\nname: team\nversion: 0.1.0\n")?;
        std::fs::write(chart.join("values.yaml"), "shards: 1\nvendor: https://vendor.example.com/write\n")?;
        let template = "apiVersion: monitoring.coreos.com/v1\nkind: Prometheus\nmetadata: {name: k8s}\nspec:\n  version: v3.5.0\n  serviceMonitorSelector: {}\n  \
            shards: {{ .Values.shards }}\n  externalLabels: {team: a}\n  remoteWrite: [{name: vendor, url: {{ .Values.vendor | quote }}}]\n";
        std::fs::write(chart.join("templates/prometheus.yaml"), template)?;
        let helm = async |words: &[&str]| {
            let program = cluster.helm()?.args(words.iter().copied()).args(["-n", "monitoring"]);
            program.output().await?.fine().with_context(|| words.join(" "))
        };
        let path = chart.to_string_lossy().into_owned();
        helm(&["install", "team", &path]).await?;
        ensure_wired(&get(cluster, "k8s").await?).context("install")?;
        helm(&["upgrade", "team", &path, "--set", "shards=2,vendor=https://other.example.com/write"]).await?;
        let object = get(cluster, "k8s").await?;
        ensure_wired(&object).context("upgrade")?;
        ensure!(entries(&object) == ["vendor", "thanos"] && object["spec"]["remoteWrite"][0]["url"] == "https://other.example.com/write", "{}", object["spec"]);
        ensure!(object["spec"]["externalLabels"] == json!({"team": "a", "cluster": "edge-01"}), "{}", object["spec"]["externalLabels"]);
        helm(&["upgrade", "team", &path, "--reuse-values"]).await?;
        ensure_wired(&get(cluster, "k8s").await?).context("upgrade without a change")?;
        helm(&["rollback", "team", "1"]).await?;
        let object = get(cluster, "k8s").await?;
        ensure_wired(&object).context("rollback")?;
        ensure!(object["spec"]["shards"] == 1, "{}", object["spec"]);
        Ok(())
    })
    .await
}
