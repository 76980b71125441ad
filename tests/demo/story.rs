//! The main job, step by step.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use thanos_tests::azurite::Azurite;
use thanos_tests::gateway::Gateway;
use thanos_tests::operator::{self, Operator};
use thanos_tests::ours::{Control, Installed, kubectl_thanos};
use thanos_tests::prometheus::{Configuration, Prometheus, check};
use thanos_tests::promql::Sample;
use thanos_tests::thanos::{Query, Receive, Settings};
use thanos_tests::{Cluster, Options, Program, crds, eventually};

use crate::application;
use crate::tell::Teller;

const SOON: Duration = Duration::from_secs(60);
const BUCKET: &str = "thanos";

/// The hub: what stands in the central cluster, here as processes.
struct Hub {
    azurite: Azurite,
    receive: Receive,
    query: Query,
    gateway: Gateway,
}

/// Runs it; stays up until Ctrl-C unless it is to end by itself.
pub(crate) async fn run(tell: &mut Teller, once: bool) -> Result<()> {
    tell.step("A cluster: etcd, the API server, prometheus-operator's definitions");
    let cluster = Cluster::start(Options::new("demo").crds(crds::ALL)).await?;
    tell.done("the API server is ready");
    story(tell, once, &cluster)
        .await
        .with_context(|| cluster.log_tails())
}

async fn story(tell: &mut Teller, once: bool, cluster: &Cluster) -> Result<()> {
    let hub = hub(tell, cluster).await?;
    tell.step("prometheus-operator");
    let _operator = Operator::start(cluster, operator::Settings::default()).await?;
    tell.done("ready");

    tell.step("thanos-webhook: registered by the chart, `serve` and `control` under their own ServiceAccounts");
    let installed = Installed::new(cluster).await?;
    let _serve = installed.serve(cluster, &[]).await?;
    let _control = Control::start(cluster, &[]).await?;
    tell.done("ready; neither may read a Secret");

    init(tell, cluster, &hub).await?;
    let (application, _serving) = application::start().await?;
    wire(tell, cluster, application).await?;
    let prometheus = scrape(tell, cluster).await?;
    arrive(tell, cluster, &hub, &prometheus).await?;
    if !once {
        stay(tell, cluster, &hub, &prometheus).await?;
    }
    upload(tell, hub).await
}

async fn hub(tell: &mut Teller, cluster: &Cluster) -> Result<Hub> {
    tell.step(
        "The hub: Azurite for blocks, Thanos Receive and Query, Envoy Gateway and Envoy in front",
    );
    let run = cluster.run();
    let azurite = Azurite::start(run).await?;
    let bucket = Some(azurite.bucket(BUCKET));
    let receive = Receive::start(
        run,
        Settings {
            bucket,
            ..Settings::default()
        },
    )
    .await?;
    let query = Query::start(run, &[receive.grpc_address()]).await?;
    let gateway = Gateway::start(run, receive.write_address(), &[("nobody-yet", "unused")]).await?;
    tell.done(&format!(
        "the gateway answers 401 to strangers at {}",
        gateway.receive_url()
    ));
    Ok(Hub {
        azurite,
        receive,
        query,
        gateway,
    })
}

/// The plugin makes wiring and credential; the gateway is told the credential's hash.
async fn init(tell: &mut Teller, cluster: &Cluster, hub: &Hub) -> Result<()> {
    tell.step("kubectl thanos init: the wiring, a credential made here, the proof by two dry-runs");
    cluster.namespace("monitoring", &[]).await?;
    let folder = cluster.run().data("init")?;
    let authority = folder.join("gateway-ca.pem");
    std::fs::write(&authority, hub.gateway.ca_pem())?;
    let url = hub.gateway.receive_url();
    let command = format!(
        "init --cluster edge-01 --url {url} --namespaces monitoring --ca-file gateway-ca.pem --htpasswd-out edge-01.htpasswd --yes"
    );
    let words = command.split(' ').map(|word| match word {
        "gateway-ca.pem" | "edge-01.htpasswd" => folder.join(word).to_string_lossy().into_owned(),
        word => word.to_owned(),
    });
    show(
        &format!("kubectl thanos {command}"),
        kubectl_thanos(cluster)?.args(words),
    )
    .await?;
    tell.done("the member is ready");

    tell.step("The gateway learns the new user: one htpasswd line, no password");
    let line =
        std::fs::read_to_string(folder.join("edge-01.htpasswd")).context("edge-01.htpasswd")?;
    hub.gateway.set_htpasswd(&line)?;
    tell.done("user edge-01; the gateway makes it the tenant");
    Ok(())
}

/// A Prometheus without any remote-write is created, and comes back wired.
async fn wire(tell: &mut Teller, cluster: &Cluster, application: SocketAddr) -> Result<()> {
    tell.step("A Prometheus object that knows nothing of Thanos, and an application with a `cluster` label of its own");
    let manifest = cluster
        .run()
        .file("prometheus.yaml", manifest(application))?;
    Teller::say(
        &std::fs::read_to_string(&manifest)?
            .lines()
            .collect::<Vec<_>>()
            .join("\n     "),
    );
    let apply = cluster.kubectl()?.args(["apply", "-f"]).arg(&manifest);
    show("kubectl apply -f prometheus.yaml", apply).await?;
    let fields = "{.metadata.annotations.kubectl-thanos\\.dev/wired}{\"\\n\"}{.spec.externalLabels}{\"\\n\"}{.spec.remoteWrite}{\"\\n\"}";
    let get = cluster
        .kubectl()?
        .args(["get", "prometheus", "k8s", "-n", "monitoring"])
        .arg(format!("-o=jsonpath={fields}"));
    show(
        "kubectl get prometheus k8s -n monitoring -o jsonpath=…",
        get,
    )
    .await?;
    let why = kubectl_thanos(cluster)?.args(["why", "prometheus/k8s", "-n", "monitoring"]);
    show("kubectl thanos why prometheus/k8s -n monitoring", why).await?;
    tell.done("wired in the request that created it");
    Ok(())
}

fn manifest(application: SocketAddr) -> String {
    format!(
        "apiVersion: monitoring.coreos.com/v1
kind: Prometheus
metadata: {{name: k8s, namespace: monitoring}}
spec:
  version: v3.12.0
  scrapeInterval: 2s
  scrapeConfigSelector: {{}}
---
apiVersion: monitoring.coreos.com/v1alpha1
kind: ScrapeConfig
metadata: {{name: application, namespace: monitoring}}
spec:
  staticConfigs: [{{targets: [\"{application}\"]}}]
"
    )
}

/// The Prometheus that runs exactly what the operator wrote.
async fn scrape(tell: &mut Teller, cluster: &Cluster) -> Result<Prometheus> {
    tell.step("prometheus-operator reconciles it; Prometheus runs exactly the configuration that the operator wrote");
    let objects = operator::objects(cluster.client(), "v1", "Prometheus", "monitoring");
    operator::reconciled(&objects, "k8s", SOON).await?;
    tell.done("Reconciled=True");
    let job = eventually("the operator writes the scrape job", SOON, || async {
        let written =
            Configuration::of_prometheus(cluster.client(), "monitoring", "k8s", SOON).await?;
        ensure!(
            written
                .text()
                .contains("scrapeConfig/monitoring/application"),
            "no scrape job yet"
        );
        Ok(written)
    });
    // What the config-reloader does in the pod, and nothing else.
    let written = job.await?.for_pod("prometheus-k8s-0");
    check(cluster.run(), "demo", &written).await?;
    let prometheus = Prometheus::start(cluster.run(), "prometheus-k8s", &written).await?;
    tell.done("promtool accepts it, and Prometheus is ready");
    Ok(prometheus)
}

async fn arrive(
    tell: &mut Teller,
    cluster: &Cluster,
    hub: &Hub,
    prometheus: &Prometheus,
) -> Result<()> {
    tell.step("The samples arrive in Thanos, through the gateway, under the enforced identity");
    let arrived = eventually("three series arrive", SOON, || async {
        let samples = hub.query.query("app_queue_depth").await?;
        ensure!(samples.len() == 3, "{} of 3 series", samples.len());
        Ok(samples)
    });
    let samples = arrived
        .await
        .with_context(|| prometheus.process().log_tail())?;
    Teller::answer(
        "PromQL: app_queue_depth",
        &samples.iter().map(line).collect::<Vec<_>>().join("\n"),
    );
    for sample in &samples {
        ensure!(
            sample.label("cluster") == "edge-01" && sample.label("tenant_id") == "edge-01",
            "{:?}",
            sample.labels
        );
    }
    let mut own: Vec<&str> = samples
        .iter()
        .map(|sample| sample.label("exported_cluster"))
        .collect();
    own.sort_unstable();
    ensure!(own == ["", "orders", "payments"], "{own:?}");
    let failed = prometheus
        .own_metric("prometheus_remote_storage_samples_failed_total")
        .await?;
    ensure!(failed == 0.0, "{failed} samples failed");
    tell.done("cluster and tenant_id are ours, the application's own label is exported_cluster; no sample failed");
    let table = kubectl_thanos(cluster)?.args(["get", "prometheuses", "-A"]);
    show("kubectl thanos get prometheuses -A", table).await
}

fn line(sample: &Sample) -> String {
    let labels: Vec<String> = sample
        .labels
        .iter()
        .filter(|(name, _)| *name != "__name__")
        .map(|(name, value)| format!("{name}={value:?}"))
        .collect();
    format!(
        "{}{{{}}} {}",
        sample.label("__name__"),
        labels.join(", "),
        sample.value
    )
}

async fn stay(
    tell: &mut Teller,
    cluster: &Cluster,
    hub: &Hub,
    prometheus: &Prometheus,
) -> Result<()> {
    tell.step("Everything stays up until Ctrl-C");
    Teller::say(&format!(
        "export KUBECONFIG={}",
        cluster.kubeconfig().display()
    ));
    Teller::say(&format!("export PATH={}:$PATH", programs().display()));
    Teller::say(&format!("Query       {}", hub.query.url()));
    Teller::say(&format!("Prometheus  {}", prometheus.url()));
    Teller::say(&format!("gateway     {}", hub.gateway.receive_url()));
    Teller::say(&format!("logs        {}", cluster.run().folder().display()));
    tokio::signal::ctrl_c().await.context("waiting for Ctrl-C")
}

fn programs() -> std::path::PathBuf {
    let ours = thanos_tests::tools::ours("kubectl-thanos").ok();
    ours.as_deref()
        .and_then(Path::parent)
        .unwrap_or(Path::new("."))
        .to_owned()
}

/// Receive uploads what it holds when it ends: a block, in Azure's protocol.
async fn upload(tell: &mut Teller, hub: Hub) -> Result<()> {
    tell.step("Receive ends and uploads its block to the bucket");
    hub.receive.stop(SOON).await?;
    let blocks = hub.azurite.blocks(BUCKET).await?;
    ensure!(!blocks.is_empty(), "no block in the bucket");
    Teller::answer("thanos tools bucket ls", &blocks.join("\n"));
    tell.done("uploaded");
    Ok(())
}

/// Runs a command and shows it with all that it printed.
async fn show(typed: &str, program: Program) -> Result<()> {
    let output = program.output().await?;
    Teller::command(typed, &format!("{}{}", output.stderr, output.stdout));
    output.fine().map(drop)
}
