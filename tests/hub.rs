//! A hub is made by the plugin and the real helm, on a real API server without nodes: everything but pods.

mod azure;
mod failing;
mod making;
mod proving;
mod removing;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::{Value, json};
use thanos_tests::command::{Output, at_home};
use thanos_tests::{Cluster, Options, Program, crds, install, tools};

/// What every hub here is made with.
const INIT: &str = "init --domain hub.example.com --no-azure --certificate secret:hub-tls";
const OBJSTORE: &str = "type: S3\nconfig:\n  bucket: blocks\n  endpoint: s3.example.com\n  access_key: \"AKIACANARY\"\n  secret_key: \"canarysecretkey0123456789\"\n";
/// What no output may hold.
const CANARY: &str = "canarysecretkey0123456789";

/// The plugin with its helm and a home of its own, as whoever the kubeconfig names.
fn plugin(cluster: &Cluster, kubeconfig: &Path) -> Result<Program> {
    let plugin = at_home(Program::ours("kubectl-thanos")?, cluster.run(), kubeconfig)?;
    Ok(plugin.env("HELM_BIN", tools::tool("helm")?))
}

/// One command as the admin; words are split at blanks.
async fn run(cluster: &Cluster, line: &str) -> Result<Output> {
    run_as(cluster, cluster.kubeconfig(), line).await
}

async fn run_as(cluster: &Cluster, kubeconfig: &Path, line: &str) -> Result<Output> {
    plugin(cluster, kubeconfig)?
        .args(line.split_whitespace())
        .output()
        .await
}

/// What it said, if it ended so.
#[track_caller]
fn ended(output: Output, code: i32) -> Output {
    assert_eq!(
        output.code,
        Some(code),
        "{}\n{}",
        output.stdout,
        output.stderr
    );
    for text in [&output.stdout, &output.stderr] {
        assert!(!text.contains(CANARY), "a secret is in: {text}");
    }
    output
}

/// What a run said that found everything as it should be, and was not asked to prove it.
#[track_caller]
fn settled(output: Output) -> Output {
    let output = ended(output, 4);
    assert!(
        output.stderr.contains("Nothing is to be changed."),
        "{}",
        output.stderr
    );
    output
}

/// A cluster in which Envoy Gateway, the operator and a Prometheus with a remote-write of its own are there already.
async fn stage(name: &str, story: impl AsyncFnOnce(&Cluster) -> Result<()>) -> Result<()> {
    Cluster::with(
        Options::new(name).crds(crds::ALL).audit(),
        async |cluster| {
            crds::hub(&cluster.client()).await?;
            cluster.namespace("monitoring", &[]).await?;
            install::apply(cluster, &existing(), "somebody").await?;
            story(cluster).await
        },
    )
    .await
}

/// What others have made.
fn existing() -> Vec<Value> {
    let labels = json!({"app.kubernetes.io/name": "kube-prometheus-stack-prometheus-operator", "app.kubernetes.io/instance": "kps"});
    vec![
        json!({
            "apiVersion": "gateway.networking.k8s.io/v1", "kind": "GatewayClass", "metadata": {"name": "eg"},
            "spec": {"controllerName": "gateway.envoyproxy.io/gatewayclass-controller"},
        }),
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "kps-operator", "namespace": "monitoring", "labels": labels},
            "spec": {
                "selector": {"matchLabels": labels},
                "template": {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "operator", "image": "operator"}]}},
            },
        }),
        json!({
            "apiVersion": "monitoring.coreos.com/v1", "kind": "Prometheus",
            "metadata": {"name": "kps", "namespace": "monitoring", "labels": {"app": "kube-prometheus-stack-prometheus"}},
            "spec": {"serviceMonitorSelector": {}, "remoteWrite": [{"name": "own", "url": "https://elsewhere.example.org/"}]},
        }),
    ]
}

/// The line with the object-store file.
fn line(cluster: &Cluster) -> Result<String> {
    let file = cluster.run().file("objstore.yml", OBJSTORE)?;
    Ok(format!("{INIT} --objstore-file {}", file.display()))
}

/// The line of another hub: a domain, a name and a bucket of its own.
fn beside(cluster: &Cluster, line: &str, word: &str) -> Result<String> {
    let bucket = OBJSTORE.replace("bucket: blocks", &format!("bucket: blocks-{word}"));
    cluster
        .run()
        .file(&format!("{word}-objstore.yml"), &bucket)?;
    let line = line.replace("hub.example.com", &format!("{word}.example.com"));
    let line = line.replace("objstore.yml", &format!("{word}-objstore.yml"));
    Ok(format!("{line} --name thanos-{word}"))
}

/// Objects, as kubectl shows them.
async fn get(cluster: &Cluster, what: &str) -> Result<Value> {
    let kubectl = cluster.kubectl()?.arg("get").args(what.split(' '));
    let said = kubectl.args(["-o", "json"]).output().await?.fine()?;
    serde_json::from_str(&said).context("kubectl's JSON")
}

async fn is_there(cluster: &Cluster, what: &str) -> Result<bool> {
    let kubectl = cluster.kubectl()?.arg("get").args(what.split(' '));
    let said = kubectl
        .args(["--ignore-not-found", "-o", "name"])
        .output()
        .await?
        .fine()?;
    Ok(!said.trim().is_empty())
}

/// helm's releases with their state: `thanos/thanos deployed`.
async fn releases(cluster: &Cluster) -> Result<Vec<String>> {
    let said = cluster.helm()?.args(["ls", "-A", "-o", "json"]);
    let listed: Value = serde_json::from_str(&said.output().await?.fine()?)?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut releases: Vec<String> = listed
        .as_array()
        .into_iter()
        .flatten()
        .map(|one| {
            format!(
                "{}/{} {}",
                text(&one["namespace"]),
                text(&one["name"]),
                text(&one["status"])
            )
        })
        .collect();
    releases.sort();
    Ok(releases)
}

/// A file of this cluster's own.
fn file(cluster: &Cluster, name: &str, text: &str) -> Result<PathBuf> {
    cluster.run().file(name, text)
}

/// With one blank between words, whatever the width of a table's columns.
fn squeezed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The requests that `-v` tells of: method, path.
fn requests(output: &Output) -> Vec<(&str, &str)> {
    let methods = ["GET", "POST", "PUT", "PATCH", "DELETE"];
    let read = |line| {
        let mut words = str::split_whitespace(line);
        let (method, path) = (words.next()?, words.next()?);
        (methods.contains(&method) && path.starts_with('/')).then_some((method, path))
    };
    output.stderr.lines().filter_map(read).collect()
}

/// Requests that change something: asking for rights does not, and neither does a dry-run.
fn writes(output: &Output) -> Vec<String> {
    let changes = |(method, path): &(&str, &str)| {
        *method != "GET"
            && !path.contains("selfsubjectaccessreviews")
            && !path.contains("dryRun=All")
    };
    let requests = requests(output).into_iter().filter(changes);
    requests
        .map(|(method, path)| format!("{method} {path}"))
        .collect()
}
