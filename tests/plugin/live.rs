//! The verbs that ask a cluster, against a real API server: `why`, `diff`, `inject --live`, and facts saved from it.

use anyhow::{Context, Result, ensure};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use serde_json::{Value, json};
use thanos_tests::{Cluster, Options, crds, ours};

use super::{Folder, PROMETHEUS, Ran, WIRING, usual};

/// An object with a queue of its own, and a secret in it.
const OWN: &str = "\
apiVersion: monitoring.coreos.com/v1
kind: Prometheus
metadata: {name: own, namespace: monitoring}
spec:
  version: v3.5.0
  serviceMonitorSelector: {}
  remoteWrite: [{name: mine, url: https://mine.example.com/, bearerToken: c4n4ry-s3cr3t}]
";

/// Defines a kind of ours, and waits until it is served.
async fn define(cluster: &Cluster, crd: &CustomResourceDefinition, plural: &str) -> Result<()> {
    let crd = serde_json::to_string(crd)?;
    cluster
        .kubectl()?
        .args(["apply", "--server-side", "-f", "-"])
        .output_for(crd.as_bytes())
        .await?
        .fine()?;
    crds::served(&cluster.client(), "kubectl-thanos.dev", "v1alpha1", plural).await
}

/// A cluster that holds the wiring, whose credential is ready in `monitoring`, and these objects.
pub(crate) async fn cluster(name: &str, objects: &[&str]) -> Result<Cluster> {
    let cluster = Cluster::start(Options::new(name)).await?;
    define(&cluster, &thanos_core::wiring::crd(), "thanoswirings").await?;
    for namespace in ["monitoring", "team-a"] {
        cluster.namespace(namespace, &[("team", namespace)]).await?;
    }
    let all = [&[WIRING], objects].concat().join("---\n");
    cluster
        .kubectl()?
        .args(["apply", "-f", "-"])
        .output_for(all.as_bytes())
        .await?
        .fine()?;
    let status = json!({"status": {"observedGeneration": 1, "wired": 0, "unwired": 0, "namespaces": [{"name": "monitoring", "ready": true}]}});
    let patch = [
        "patch",
        "thanoswiring",
        "hub",
        "--subresource=status",
        "--type=merge",
        "-p",
        &status.to_string(),
    ]
    .map(str::to_owned);
    cluster.kubectl()?.args(patch).output().await?.fine()?;
    Ok(cluster)
}

/// Runs a command line as a program would be run: outside of this test's runtime.
async fn run(folder: &std::sync::Arc<Folder>, cluster: &Cluster, line: &str) -> Result<Ran> {
    let line = format!("{line} --kubeconfig {}", cluster.kubeconfig().display());
    let folder = std::sync::Arc::clone(folder);
    Ok(tokio::task::spawn_blocking(move || folder.run(&line)).await?)
}

#[tokio::test]
async fn questions_about_a_cluster() -> Result<()> {
    let cluster = cluster("plugin-live", &[PROMETHEUS, OWN, super::ELSEWHERE]).await?;
    let folder = std::sync::Arc::new(usual());

    let why = run(
        &folder,
        &cluster,
        "why prometheus/k8s -n monitoring --save-facts DIR/live.yaml",
    )
    .await?;
    ensure!(
        why.code == 3 && why.out.contains("WOULD BE WIRED") && !why.err.contains("KTH0009"),
        "{why:#?}"
    );
    let left = run(&folder, &cluster, "why prom/k8s -n team-a").await?;
    ensure!(
        left.code == 3 && left.out.contains("no  credential  KTH2009"),
        "{left:#?}"
    );
    let missing = run(&folder, &cluster, "why prometheus/none -n monitoring").await?;
    ensure!(
        missing.code == 1 && missing.err.contains("KTH1004"),
        "{missing:#?}"
    );

    // What the cluster says and what was saved of it are the same world.
    let live = run(&folder, &cluster, "inject -f DIR/prometheus.yaml --live").await?;
    let saved =
        folder.run("inject -f DIR/prometheus.yaml --wiring DIR/hub.yaml --facts DIR/live.yaml");
    ensure!(live.code == 0 && live == saved, "{live:#?}\n{saved:#?}");

    let diff = run(&folder, &cluster, "diff -A").await?;
    ensure!(
        diff.code == 1 && diff.out.matches("\n+++ ").count() == 2,
        "{diff:#?}"
    );
    ensure!(
        diff.err
            .contains("prometheus/monitoring/own: an external label changes")
            && diff.err.contains("KTH2009"),
        "{diff:#?}"
    );
    ensure!(
        !diff.out.contains("c4n4ry") && !diff.out.contains("managedFields"),
        "{diff:#?}"
    );

    let wired = live.out;
    cluster
        .kubectl()?
        .args(["apply", "-f", "-"])
        .output_for(wired.as_bytes())
        .await?
        .fine()?;
    let why = run(
        &folder,
        &cluster,
        "why prometheus/k8s -n monitoring -o json",
    )
    .await?;
    let data: Value = serde_json::from_str(&why.out)?;
    ensure!(
        why.code == 0 && data["objects"][0]["state"] == "wired",
        "{why:#?}"
    );
    let none = run(&folder, &cluster, "diff prometheus/k8s -n monitoring").await?;
    ensure!(none.code == 0 && none.out.is_empty(), "{none:#?}");
    let told = run(&folder, &cluster, "why prometheus/none -n monitoring -v").await?;
    let mut lines = told.err.lines();
    let first = lines.next().unwrap_or_default();
    ensure!(
        first.starts_with(
            "GET /apis/monitoring.coreos.com/v1/namespaces/monitoring/prometheuses/none"
        ) && first.contains(" 404 ")
            && first.ends_with(" ms")
            && lines.next().is_some_and(|line| line.contains("KTH1004")),
        "{told:#?}"
    );
    Ok(())
}

#[tokio::test]
async fn policies_of_a_cluster() -> Result<()> {
    let cluster = cluster("plugin-policies", &[PROMETHEUS, OWN, super::ELSEWHERE]).await?;
    let folder = std::sync::Arc::new(usual());
    // Without the CRD there are no policies, and that is no failure.
    let before = run(&folder, &cluster, "validate --live -A").await?;
    ensure!(
        before.code == 0 && before.err.contains("there is no policy"),
        "{before:#?}"
    );
    define(&cluster, &thanos_core::policy::crd(), "thanospolicies").await?;
    let policy = super::validate::POLICY.replace("Deny", "Warn");
    cluster
        .kubectl()?
        .args(["apply", "-f", "-"])
        .output_for(policy.as_bytes())
        .await?
        .fine()?;

    let checked = run(&folder, &cluster, "validate --live -A --fail-on warning").await?;
    ensure!(
        checked.code == 3
            && checked.out.contains("warning[KTH7010]")
            && checked
                .out
                .contains("prometheus/monitoring/own  spec.remoteWrite[0].url")
            && checked.out.contains("info[KTH7005]")
            && checked
                .out
                .ends_with("1 warning, 1 info in 5 objects, by 1 policy\n"),
        "{checked:#?}"
    );
    let sarif = run(&folder, &cluster, "validate --live -A -o sarif").await?;
    let wrong = super::schema::faults(
        &super::schema::schema("tests/plugin/sarif-schema-2.1.0.json"),
        &serde_json::from_str(&sarif.out)?,
    );
    ensure!(wrong.is_empty(), "{wrong:#?}");
    let audit = run(
        &folder,
        &cluster,
        "policy audit --live -n monitoring -o json",
    )
    .await?;
    let data: Value = serde_json::from_str(&audit.out)?;
    ensure!(
        audit.code == 0
            && data["summary"] == json!({"objects": 2, "policies": 1, "refused": 1, "exempt": 0})
            && data["violations"][0]["today"] == "warn"
            && data["violations"][0]["then"] == "deny",
        "{audit:#?}"
    );
    // A file before the policies of the cluster, and one that is not there yet before its objects.
    let file = run(
        &folder,
        &cluster,
        "validate -f DIR/prometheus.yaml --live -o json",
    )
    .await?;
    let data: Value = serde_json::from_str(&file.out)?;
    ensure!(
        data["summary"]["policies"] == 1 && file.code == 0,
        "{file:#?}"
    );
    let show = run(&folder, &cluster, "policy show --for monitoring/own").await?;
    ensure!(
        show.out
            .contains("prometheus/monitoring/own   policy shared")
            && show.err.is_empty(),
        "{show:#?}"
    );
    let later = run(&folder, &cluster, "policy show --for team-a/new").await?;
    ensure!(
        later.err.contains("there is no team-a/new yet"),
        "{later:#?}"
    );
    let get = run(&folder, &cluster, "get policies").await?;
    ensure!(
        get.out.starts_with(
            "NAME     PROFILE   ENFORCEMENT   VIOLATIONS   READY     AGE\nshared   None      Warn"
        ),
        "{get:#?}"
    );
    for ran in [&checked, &sarif, &audit, &file] {
        ensure!(
            !ran.out.contains("c4n4ry") && !ran.err.contains("c4n4ry"),
            "{ran:#?}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn the_real_kubectl_finds_the_plugin_and_its_words() -> Result<()> {
    let cluster = cluster("plugin-kubectl", &[PROMETHEUS]).await?;
    let why = ours::kubectl_thanos(&cluster)?
        .args(["why", "prometheus/k8s", "-n", "monitoring"])
        .output()
        .await?;
    ensure!(
        why.code == Some(3) && why.stdout.contains("WOULD BE WIRED"),
        "{why:#?}"
    );
    let bare = ours::kubectl_thanos(&cluster)?.output().await?;
    ensure!(
        bare.code == Some(2) && bare.stderr.contains("  kubectl thanos inject -f deploy/"),
        "{bare:#?}"
    );

    let folder = tempfile::tempdir()?;
    let program = thanos_tests::tools::ours("kubectl-thanos")?;
    std::os::unix::fs::symlink(&program, folder.path().join("kubectl-thanos"))?;
    std::os::unix::fs::symlink(
        "kubectl-thanos",
        folder.path().join("kubectl_complete-thanos"),
    )?;
    let path = std::env::join_paths([folder.path().to_owned()].into_iter().chain(
        std::env::split_paths(&std::env::var_os("PATH").context("no PATH")?),
    ))?;
    let complete = async |words: &[&str]| -> Result<String> {
        cluster
            .kubectl()?
            .env("PATH", &path)
            .args([&["__complete", "thanos"], words].concat())
            .output()
            .await?
            .fine()
    };
    ensure!(
        complete(&["inj"]).await? == "inject\tWire manifests: files in, wired manifests out\n:4\n"
    );
    ensure!(
        complete(&["inject", "-o", "p"])
            .await?
            .starts_with("patch\t")
    );
    Ok(())
}

/// Keeps a command waiting for ever: nothing answers there.
#[tokio::test]
async fn a_silent_server_ends_with_124() -> Result<()> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let file = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "c",
        "clusters": [{"name": "c", "cluster": {"server": format!("https://{}", listener.local_addr()?)}}],
        "users": [{"name": "u", "user": {"token": "c4n4ry-s3cr3t"}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
    });
    let folder = std::sync::Arc::new(usual());
    folder.write("kubeconfig", file.to_string().as_bytes());
    for line in [
        "why prometheus/x",
        "diff",
        "inject -f DIR/deploy --live",
        "get wirings",
    ] {
        let line = format!("{line} --kubeconfig DIR/kubeconfig --timeout 200ms");
        let here = std::sync::Arc::clone(&folder);
        let ran = tokio::task::spawn_blocking(move || here.run(&line)).await?;
        ensure!(
            ran.code == 124
                && ran.out.is_empty()
                && ran.err.starts_with("Error: KTH0015 not done after 200ms\n"),
            "{ran:#?}"
        );
    }
    drop(listener);
    let here = std::sync::Arc::clone(&folder);
    let refused = tokio::task::spawn_blocking(move || {
        here.run("why prometheus/x --kubeconfig DIR/kubeconfig")
    })
    .await?;
    ensure!(
        refused.code == 1
            && refused.err.starts_with("Error: KTH1001 ")
            && refused
                .err
                .contains("Hint: context c of DIR/kubeconfig names that server")
            && !refused.err.contains("c4n4ry"),
        "{refused:#?}"
    );
    Ok(())
}

/// Ctrl-C and SIGTERM, sent to the real program while it waits.
#[tokio::test]
async fn signals_end_with_their_codes() -> Result<()> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let file = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "c",
        "clusters": [{"name": "c", "cluster": {"server": format!("https://{}", listener.local_addr()?)}}],
        "users": [], "contexts": [{"name": "c", "context": {"cluster": "c", "user": ""}}],
    });
    let folder = usual();
    folder.write("kubeconfig", file.to_string().as_bytes());
    for (signal, code) in [("-INT", 130), ("-TERM", 143)] {
        let mut child = std::process::Command::new(thanos_tests::tools::ours("kubectl-thanos")?)
            .args(["why", "prometheus/x", "--kubeconfig"])
            .arg(folder.path("kubeconfig"))
            .stderr(std::process::Stdio::null())
            .spawn()?;
        // It has begun to wait once it has come to the server.
        let (_connection, _) = listener.accept().await?;
        ensure!(
            std::process::Command::new("kill")
                .args([signal, &child.id().to_string()])
                .status()?
                .success()
        );
        let status = tokio::task::spawn_blocking(move || child.wait()).await??;
        ensure!(status.code() == Some(code), "{signal} {status}");
    }
    Ok(())
}
