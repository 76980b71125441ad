//! Creates through the real API server: without any webhook, with one that does nothing, with one that answers with a
//! constant patch, and with ours, in turns; of an object that is to be wired, and of one that is wired already.
//!
//! The same concurrency, the same machine, round after round: what counts is the ratio. A patch costs the API server
//! work of its own whoever makes it, so ours is held against the constant patch where it patches, and against the one
//! that does nothing where it does not.
#![expect(clippy::print_stdout, reason = "a bench prints its numbers")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use axum::Json;
use axum::routing::post;
use base64::Engine;
use kube::api::{Api, DynamicObject, PostParams};
use serde_json::{Value, json};
use thanos_core::facts::Credential;
use thanos_core::fields::Served;
use thanos_core::{Decision, Facts, Kind, Rules, Subject, decide};
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

/// What is registered, and which object is created.
#[derive(Clone, Copy, PartialEq)]
enum Which {
    None,
    Nothing,
    Constant,
    Ours,
}

/// The cases, each with what it is held against.
const CASES: [(&str, Which, &str, Option<usize>); 6] = [
    ("to be wired: no webhook", Which::None, "given.yaml", None),
    (
        "to be wired: a webhook that does nothing",
        Which::Nothing,
        "given.yaml",
        None,
    ),
    (
        "to be wired: a webhook with a constant patch",
        Which::Constant,
        "given.yaml",
        Some(1),
    ),
    (
        "to be wired: thanos-webhook",
        Which::Ours,
        "given.yaml",
        Some(2),
    ),
    (
        "wired already: a webhook that does nothing",
        Which::Nothing,
        "then.yaml",
        None,
    ),
    (
        "wired already: thanos-webhook",
        Which::Ours,
        "then.yaml",
        Some(4),
    ),
];

#[tokio::main]
async fn main() -> Result<()> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Cluster::with(Options::new("bench-admission"), async |cluster| {
        cluster.namespace("monitoring", &[]).await?;
        let neighbours = [neighbour(cluster, "nothing").await?, neighbour(cluster, "constant").await?];
        let installed = Installed::new(cluster).await?;
        let ours = registration(cluster).await?;
        let serve = installed.serve(cluster, &["--log-level=warn"]).await?;
        apply(cluster, &[wiring()], "bench").await?;
        eventually("serve knows the wiring", Duration::from_secs(20), || async {
            let metrics = serve.admin().get("/metrics").await?.fine()?;
            ensure!(metrics.contains("thanos_webhook_wirings 1"), "not yet");
            Ok(())
        })
        .await?;
        let mut created = [0_usize; CASES.len()];
        for round in 0..ROUNDS {
            for at in 0..CASES.len() {
                let at = (round + at) % CASES.len();
                let (_, which, file, _) = CASES[at];
                register(cluster, which, &neighbours, &ours).await?;
                created[at] += load(cluster, file).await?;
            }
        }
        let seconds = ROUND.as_secs_f64() * ROUNDS as f64;
        println!("dry-run creates of a default kube-prometheus-stack object, {CLIENTS} clients, {ROUNDS} rounds of {ROUND:?} each in turns");
        for (at, (name, _, _, against)) in CASES.iter().enumerate() {
            let ratio = against.map_or_else(String::new, |against| {
                format!("{:.3} of the {}", created[at] as f64 / created[against] as f64, CASES[against].0.rsplit("a ").next().unwrap_or_default())
            });
            println!("  {name:<46} {:>5.0} /s   {ratio}", created[at] as f64 / seconds);
        }
        Ok(())
    })
    .await
}

/// The story's wiring, without a credential.
fn wiring() -> Value {
    json!({"apiVersion": "kubectl-thanos.dev/v1alpha1", "kind": "ThanosWiring", "metadata": {"name": "hub"}, "spec": {
        "cluster": "edge-01", "remoteWrite": {"url": "https://receive.example.com/api/v1/receive", "auth": {"none": {}}, "queueConfig": {"retryOnRateLimit": true}}}})
}

/// The object of a case: as the story gives it, or wired by the wiring of this bench.
fn object(file: &str) -> Result<Value> {
    let text = std::fs::read_to_string(
        root().join("tests/cases/a-default-kube-prometheus-stack/given.yaml"),
    )?;
    let given = objects("given.yaml", text)?.remove(0);
    Ok(if file == "given.yaml" {
        given
    } else {
        decision(&given)?.applied_to(&given)
    })
}

fn decision(given: &Value) -> Result<Decision> {
    let wiring = thanos_core::wiring::read(&wiring()).map_err(|faults| anyhow!("{faults:?}"))?;
    let subject = Subject::read(given, None, "monitoring").map_err(|error| anyhow!("{error:?}"))?;
    let facts = Facts {
        now: jiff::Timestamp::UNIX_EPOCH,
        namespace: Some(Arc::default()),
        credentials: [(Arc::clone(&wiring.name), Credential::Ready)].into(),
        operator: None,
        served: Arc::new(Served::newest(Kind::Prometheus)),
        lately: thanos_core::facts::Lately::default(),
    };
    Ok(decide(&subject, &facts, &Rules::new([Arc::new(wiring)])))
}

/// A webhook on the same listener as ours that looks at nothing but the uid; `constant` answers with the patch that ours
/// makes, made once.
async fn neighbour(cluster: &Cluster, name: &'static str) -> Result<Value> {
    let authority = Authority::new(name)?;
    let pair = authority.loopback()?;
    let files = tls::Files {
        certificate: cluster
            .run()
            .file(&format!("{name}/tls.crt"), &pair.certificate)?,
        key: cluster.run().file(&format!("{name}/tls.key"), &pair.key)?,
    };
    let config = tls::Current::load(files)?.config()?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("https://{}/{name}", listener.local_addr()?);
    let limits = server::Limits {
        connections: 512,
        handshake: Duration::from_secs(5),
        header: Duration::from_secs(5),
        idle: Duration::from_secs(120),
        write: Duration::from_secs(5),
        shutdown_delay: Duration::ZERO,
        drain: Duration::from_secs(1),
    };
    let patch = (name == "constant")
        .then(|| decision(&object("given.yaml")?))
        .transpose()?;
    let patch = patch
        .map(|decision| serde_json::to_vec(decision.edits()))
        .transpose()?;
    let patch = patch.map(|patch| base64::engine::general_purpose::STANDARD.encode(patch));
    let answer = move |Json(review): Json<Value>| {
        let mut response = json!({"uid": review["request"]["uid"], "allowed": true});
        if let Some(patch) = &patch {
            response["patchType"] = json!("JSONPatch");
            response["patch"] = json!(patch);
        }
        async move {
            Json(
                json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response}),
            )
        }
    };
    let router = axum::Router::new().route(&format!("/{name}"), post(answer));
    tokio::spawn(server::serve(
        listener,
        Some(config),
        router,
        limits,
        Arc::new(Metrics::default()),
        Shutdown::new(),
    ));
    let mut configuration = registration_of(name);
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
    which: Which,
    neighbours: &[Value; 2],
    ours: &Value,
) -> Result<()> {
    let names = ["nothing", "constant", "thanos-webhook"];
    let delete = cluster.kubectl()?.args([
        "delete",
        "mutatingwebhookconfiguration",
        "--ignore-not-found",
    ]);
    delete.args(names).output().await?.fine()?;
    match which {
        Which::Nothing => apply(cluster, &neighbours[..1], "bench").await?,
        Which::Constant => apply(cluster, &neighbours[1..], "bench").await?,
        Which::Ours => apply(cluster, std::slice::from_ref(ours), "bench").await?,
        Which::None => {}
    }
    // The API server takes a registration over within seconds; a probe says when.
    let probe = serde_json::from_value(object("given.yaml")?)?;
    let patched = matches!(which, Which::Constant | Which::Ours);
    eventually(
        "the registration is in force",
        Duration::from_secs(20),
        || async {
            let made = create(&api(cluster), &probe).await?;
            ensure!(
                made.data["spec"]["remoteWrite"].is_array() == patched,
                "not yet"
            );
            Ok(())
        },
    )
    .await?;
    // The one that does nothing leaves no trace to wait for.
    tokio::time::sleep(Duration::from_millis(1500)).await;
    Ok(())
}

fn api(cluster: &Cluster) -> Api<DynamicObject> {
    operator::objects(cluster.client(), "v1", "Prometheus", "monitoring")
}

async fn create(api: &Api<DynamicObject>, object: &DynamicObject) -> Result<DynamicObject> {
    let dry_run = PostParams {
        dry_run: true,
        ..PostParams::default()
    };
    Ok(api.create(&dry_run, object).await?)
}

/// As many creates as the clients get through in one round.
async fn load(cluster: &Cluster, file: &str) -> Result<usize> {
    let created = Arc::new(AtomicUsize::new(0));
    let end = Instant::now() + ROUND;
    let object: DynamicObject = serde_json::from_value(object(file)?)?;
    let clients = (0..CLIENTS).map(|client| {
        let (api, created, mut object) = (api(cluster), Arc::clone(&created), object.clone());
        object.metadata.name = Some(format!("p{client}"));
        tokio::spawn(async move {
            while Instant::now() < end {
                create(&api, &object).await?;
                created.fetch_add(1, Ordering::Relaxed);
            }
            anyhow::Ok(())
        })
    });
    for client in clients.collect::<Vec<_>>() {
        client.await??;
    }
    Ok(created.load(Ordering::Relaxed))
}
