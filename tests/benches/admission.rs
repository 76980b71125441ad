//! Creates through the real API server: without any webhook, with one that does nothing, and with ours, in turns.
//!
//! The same object, the same concurrency, the same machine, round after round: what counts is the ratio.
#![expect(clippy::print_stdout, reason = "a bench prints its numbers")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use axum::Json;
use axum::routing::post;
use base64::Engine;
use kube::api::{Api, DynamicObject, PostParams};
use serde_json::{Value, json};
use thanos_tests::certificates::Authority;
use thanos_tests::install::{apply, objects};
use thanos_tests::ours::Installed;
use thanos_tests::tools::root;
use thanos_tests::{Cluster, Options, eventually, operator};
use thanos_webhook::metrics::Metrics;
use thanos_webhook::shutdown::Shutdown;
use thanos_webhook::{server, tls};
use tokio::net::TcpListener;

const ROUNDS: usize = 6;
const ROUND: Duration = Duration::from_secs(5);
const CLIENTS: usize = 8;

#[tokio::main]
async fn main() -> Result<()> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Cluster::with(Options::new("bench-admission"), async |cluster| {
        let kinds = [("no webhook", None), ("a webhook that does nothing", Some("nothing")), ("thanos-webhook", Some("ours"))];
        let nothing = nothing(cluster).await?;
        let installed = Installed::new(cluster).await?;
        let ours = registration(cluster).await?;
        let serve = installed.serve(cluster, &["--log-level=warn"]).await?;
        cluster.namespace("monitoring", &[]).await?;
        apply(cluster, &[wiring()], "bench").await?;
        eventually("serve knows the wiring", Duration::from_secs(20), || async {
            ensure!(serve.admin().get("/metrics").await?.fine()?.contains("thanos_webhook_wirings 1"), "not yet");
            Ok(())
        })
        .await?;
        let mut created = [0_usize; 3];
        for round in 0..ROUNDS {
            for at in 0..3 {
                let at = (round + at) % 3;
                register(cluster, kinds[at].1, &nothing, &ours).await?;
                created[at] += load(cluster, kinds[at].1 == Some("ours")).await?;
            }
        }
        let seconds = ROUND.as_secs_f64() * ROUNDS as f64;
        println!("dry-run creates of a default kube-prometheus-stack object, {CLIENTS} clients, {ROUNDS} rounds of {ROUND:?} each in turns");
        for (at, (name, _)) in kinds.iter().enumerate() {
            println!("  {name:<28} {:>7.0} /s   {:.3} of the one that does nothing", created[at] as f64 / seconds, created[at] as f64 / created[1] as f64);
        }
        Ok(())
    })
    .await
}

fn wiring() -> Value {
    json!({"apiVersion": "kubectl-thanos.dev/v1alpha1", "kind": "ThanosWiring", "metadata": {"name": "hub"}, "spec": {
        "cluster": "edge-01", "remoteWrite": {"url": "https://receive.example.com/api/v1/receive", "auth": {"none": {}}, "queueConfig": {"retryOnRateLimit": true}}}})
}

/// A webhook on the same listener as ours that parses nothing but the uid.
async fn nothing(cluster: &Cluster) -> Result<Value> {
    let authority = Authority::new("nothing")?;
    let pair = authority.loopback()?;
    let files = tls::Files {
        certificate: cluster.run().file("nothing/tls.crt", &pair.certificate)?,
        key: cluster.run().file("nothing/tls.key", &pair.key)?,
    };
    let config = tls::Current::load(files)?.config()?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("https://{}/nothing", listener.local_addr()?);
    let limits = server::Limits {
        connections: 512,
        handshake: Duration::from_secs(5),
        header: Duration::from_secs(5),
        idle: Duration::from_secs(120),
        write: Duration::from_secs(5),
        shutdown_delay: Duration::ZERO,
        drain: Duration::from_secs(1),
    };
    let answer = async |Json(review): Json<Value>| {
        Json(
            json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": {"uid": review["request"]["uid"], "allowed": true}}),
        )
    };
    let router = axum::Router::new().route("/nothing", post(answer));
    tokio::spawn(server::serve(
        listener,
        Some(config),
        router,
        limits,
        Arc::new(Metrics::default()),
        Shutdown::new(),
    ));
    let mut configuration = registration_of("nothing");
    configuration["webhooks"][0]["clientConfig"] = json!({"url": url, "caBundle": base64::engine::general_purpose::STANDARD.encode(authority.pem())});
    Ok(configuration)
}

fn registration_of(name: &str) -> Value {
    json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration", "metadata": {"name": name}, "webhooks": [{
        "name": format!("{name}.example.com"), "admissionReviewVersions": ["v1"], "sideEffects": "None", "failurePolicy": "Fail", "timeoutSeconds": 5,
        "rules": [{"apiGroups": ["monitoring.coreos.com"], "apiVersions": ["*"], "operations": ["CREATE", "UPDATE"], "resources": ["prometheuses"], "scope": "Namespaced"}]}]})
}

/// Ours as the chart has it, but failing closed: a call that fails must not count as fast.
async fn registration(cluster: &Cluster) -> Result<Value> {
    let get = cluster.kubectl()?.args([
        "get",
        "mutatingwebhookconfiguration",
        "thanos-webhook",
        "-o",
        "json",
    ]);
    let mut ours: Value = serde_json::from_str(&get.output().await?.fine()?)?;
    let fields = ours["metadata"].as_object_mut().context("no metadata")?;
    fields.retain(|name, _| name == "name");
    ours["webhooks"][0]["failurePolicy"] = json!("Fail");
    Ok(ours)
}

async fn register(
    cluster: &Cluster,
    which: Option<&str>,
    nothing: &Value,
    ours: &Value,
) -> Result<()> {
    let delete = cluster.kubectl()?.args([
        "delete",
        "mutatingwebhookconfiguration",
        "--ignore-not-found",
        "nothing",
        "thanos-webhook",
    ]);
    delete.output().await?.fine()?;
    match which {
        Some("ours") => apply(cluster, std::slice::from_ref(ours), "bench").await?,
        Some(_) => apply(cluster, std::slice::from_ref(nothing), "bench").await?,
        None => {}
    }
    // The API server takes a registration over within seconds; a probe says when.
    eventually(
        "the registration is in force",
        Duration::from_secs(20),
        || async {
            let made = serde_json::to_value(create(&api(cluster), "probe").await?)?;
            let wired = made["spec"]["remoteWrite"].is_array();
            ensure!(wired == (which == Some("ours")), "not yet");
            Ok(())
        },
    )
    .await?;
    tokio::time::sleep(Duration::from_millis(1500)).await;
    Ok(())
}

fn api(cluster: &Cluster) -> Api<DynamicObject> {
    operator::objects(cluster.client(), "v1", "Prometheus", "monitoring")
}

async fn create(api: &Api<DynamicObject>, name: &str) -> Result<DynamicObject> {
    let text = std::fs::read_to_string(
        root().join("tests/cases/a-default-kube-prometheus-stack/given.yaml"),
    )?;
    let mut object: DynamicObject = serde_json::from_value(objects("given.yaml", text)?.remove(0))?;
    object.metadata.name = Some(name.to_owned());
    Ok(api
        .create(
            &PostParams {
                dry_run: true,
                ..PostParams::default()
            },
            &object,
        )
        .await?)
}

async fn load(cluster: &Cluster, wired: bool) -> Result<usize> {
    let created = Arc::new(AtomicUsize::new(0));
    let end = Instant::now() + ROUND;
    let clients = (0..CLIENTS).map(|client| {
        let (api, created) = (api(cluster), Arc::clone(&created));
        tokio::spawn(async move {
            while Instant::now() < end {
                let made = create(&api, &format!("p{client}")).await?;
                ensure!(
                    made.data["spec"]["remoteWrite"].is_array() == wired,
                    "the wrong webhook answered"
                );
                created.fetch_add(1, Ordering::Relaxed);
            }
            Ok(())
        })
    });
    for client in clients.collect::<Vec<_>>() {
        client.await??;
    }
    Ok(created.load(Ordering::Relaxed))
}
