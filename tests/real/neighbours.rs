//! Others in the cluster: a second replica, a second mutating webhook after ours, a namespace made in the same breath.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use axum::Json;
use axum::routing::post;
use base64::Engine;
use serde_json::{Value, json};
use thanos_tests::certificates::Authority;
use thanos_tests::install::apply;
use thanos_tests::ours::Installed;
use thanos_tests::port::Port;
use thanos_tests::{Cluster, Options, eventually};
use thanos_webhook::metrics::Metrics;
use thanos_webhook::shutdown::Shutdown;
use thanos_webhook::{server, tls};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};

use super::{SOON, ensure_wired, entries, get, kubectl, prometheus, with};

/// A wiring without a credential: it wires in every namespace at once.
fn open_wiring() -> Value {
    json!({"apiVersion": "kubectl-thanos.dev/v1alpha1", "kind": "ThanosWiring", "metadata": {"name": "open"}, "spec": {
        "cluster": "edge-01", "remoteWrite": {"name": "open", "url": "https://open.example.com/api/v1/receive", "auth": {"none": {}}}}})
}

#[tokio::test]
async fn a_namespace_and_its_object_in_one_apply() -> Result<()> {
    with("real-at-once", async |member| {
        let cluster = member.cluster;
        apply(cluster, &[open_wiring()], "admin").await?;
        eventually("serve knows the wiring", SOON, || async {
            let metrics = member.serve.admin().get("/metrics").await?.fine()?;
            ensure!(metrics.contains("thanos_webhook_wirings 2"), "not yet");
            Ok(())
        })
        .await?;
        for round in 0..8 {
            let namespace = format!("fresh-{round}");
            let mut object = prometheus("k8s", &json!({}));
            object["metadata"]["namespace"] = json!(namespace);
            let list = json!({"apiVersion": "v1", "kind": "List", "items": [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}, object]});
            kubectl(cluster, &["create", "-f", "-"], &list).await?;
            let names = super::jsonpath(cluster, &["prometheus", "k8s", "-n", &namespace], "{.spec.remoteWrite[*].name}").await?;
            ensure!(names == "open", "{namespace}: {names:?}");
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn one_of_two_replicas_ends_under_a_stream_of_creates() -> Result<()> {
    Cluster::with(Options::new("real-replicas").audit(), async |cluster| {
        let installed = Installed::new(cluster).await?;
        let ports = [Port::take()?, Port::take()?];
        let replicas = [ports[0].address(), ports[1].address()];
        let quick = ["--shutdown-delay=2s"];
        let first = installed.serve_at(cluster, replicas[0], &quick).await?;
        let second = installed.serve_at(cluster, replicas[1], &quick).await?;
        // In front of both, as a Service would be: each new connection to the next one that is ready.
        let ready = Arc::new(AtomicUsize::new(2));
        let balancer = tokio::spawn(balance(installed.address, replicas, Arc::clone(&ready)));
        cluster.namespace("monitoring", &[]).await?;
        apply(cluster, &[open_wiring()], "admin").await?;
        for serve in [&first, &second] {
            eventually("both know the wiring", SOON, || async {
                let metrics = serve.admin().get("/metrics").await?.fine()?;
                ensure!(metrics.contains("thanos_webhook_wirings 1"), "not yet");
                Ok(())
            })
            .await?;
        }
        let create = async |from: usize, to: usize| -> Result<()> {
            for at in from..to {
                let object: kube::api::DynamicObject =
                    serde_json::from_value(prometheus(&format!("p{at}"), &json!({})))?;
                let objects = thanos_tests::operator::objects(
                    cluster.client(),
                    "v1",
                    "Prometheus",
                    "monitoring",
                );
                let made = objects
                    .create(&kube::api::PostParams::default(), &object)
                    .await
                    .with_context(|| format!("create {at}"))?;
                let made = serde_json::to_value(made)?;
                ensure!(
                    entries(&made) == ["open"],
                    "{at} was admitted unwired: {}",
                    made["spec"]
                );
            }
            Ok(())
        };
        create(0, 40).await?;
        ready.store(1, Ordering::SeqCst);
        let (ended, created) = tokio::join!(first.stop(), create(40, 160));
        ended?;
        created?;
        create(160, 200).await?;
        let audit = std::fs::read_to_string(cluster.server().audit_log().context("no audit log")?)?;
        ensure!(
            !audit.contains("failed-open."),
            "a call failed and the object was let through"
        );
        balancer.abort();
        drop(second);
        Ok(())
    })
    .await
}

/// Sends each connection to one of the replicas that are still to be used; ends with the task.
async fn balance(
    listen: SocketAddr,
    replicas: [SocketAddr; 2],
    ready: Arc<AtomicUsize>,
) -> Result<()> {
    let listener = TcpListener::bind(listen).await?;
    let mut next = 0;
    loop {
        let (mut from, _) = listener.accept().await?;
        let replica = if ready.load(Ordering::SeqCst) == 2 {
            replicas[next % 2]
        } else {
            replicas[1]
        };
        next += 1;
        tokio::spawn(async move {
            if let Ok(mut to) = TcpStream::connect(replica).await {
                let _ = copy_bidirectional(&mut from, &mut to).await;
            }
        });
    }
}

/// Undoes one of our edits, as a policy engine that wants no external labels might.
async fn strip(Json(review): Json<Value>) -> Json<Value> {
    let mut response = json!({"uid": review["request"]["uid"], "allowed": true});
    if !review["request"]["object"]["spec"]["externalLabels"]["cluster"].is_null()
        && review["request"]["object"]["metadata"]["labels"]["seen"].is_null()
    {
        let patch = json!([{"op": "remove", "path": "/spec/externalLabels/cluster"}, {"op": "add", "path": "/metadata/labels", "value": {"seen": "yes"}}]);
        response["patchType"] = json!("JSONPatch");
        response["patch"] =
            json!(base64::engine::general_purpose::STANDARD.encode(patch.to_string()));
    }
    Json(
        json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response}),
    )
}

#[tokio::test]
async fn a_second_webhook_after_ours_undoes_an_edit_and_we_are_asked_again() -> Result<()> {
    with("real-reinvoked", async |member| {
        let cluster = member.cluster;
        let authority = Authority::new("neighbour")?;
        let pair = authority.loopback()?;
        let folder = tempfile::tempdir()?;
        let files = tls::Files { certificate: folder.path().join("tls.crt"), key: folder.path().join("tls.key") };
        std::fs::write(&files.certificate, &pair.certificate)?;
        std::fs::write(&files.key, &pair.key)?;
        let config = tls::Current::load(files)?.config()?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("https://{}/strip", listener.local_addr()?);
        let limits = server::Limits {
            connections: 64,
            handshake: Duration::from_secs(5),
            header: Duration::from_secs(5),
            idle: Duration::from_secs(60),
            write: Duration::from_secs(5),
            shutdown_delay: Duration::ZERO,
            drain: Duration::from_secs(1),
        };
        let router = axum::Router::new().route("/strip", post(strip));
        tokio::spawn(server::serve(listener, Some(config), router, limits, Arc::new(Metrics::default()), Shutdown::new()));
        let authority = base64::engine::general_purpose::STANDARD.encode(authority.pem());
        // Called after ours: the API server sorts by the configuration's name.
        let registration = json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration", "metadata": {"name": "zz-neighbour"}, "webhooks": [{
            "name": "strip.example.com", "admissionReviewVersions": ["v1"], "sideEffects": "None", "failurePolicy": "Fail",
            "clientConfig": {"url": url, "caBundle": authority},
            "rules": [{"apiGroups": ["monitoring.coreos.com"], "apiVersions": ["*"], "operations": ["CREATE"], "resources": ["prometheuses"]}]}]});
        apply(cluster, &[registration], "admin").await?;
        eventually("the neighbour is asked, and we again after it", SOON, || async {
            let _ = kubectl(cluster, &["delete", "prometheus", "k8s", "-n", "monitoring", "--ignore-not-found"], &Value::Null).await?;
            kubectl(cluster, &["create", "-f", "-"], &prometheus("k8s", &json!({}))).await?;
            let object = get(cluster, "k8s").await?;
            ensure!(object["metadata"]["labels"]["seen"] == "yes", "the neighbour is not asked yet");
            ensure_wired(&object)
        })
        .await
    })
    .await
}

#[tokio::test]
async fn reviews_of_the_largest_objects_are_answered() -> Result<()> {
    with("real-huge", async |member| {
        let cluster = member.cluster;
        let labels: serde_json::Map<String, Value> = (0..6_000)
            .map(|at| (format!("label_{at}"), json!("v".repeat(100))))
            .collect();
        let object: kube::api::DynamicObject =
            serde_json::from_value(prometheus("huge", &json!({"externalLabels": labels})))?;
        let objects =
            thanos_tests::operator::objects(cluster.client(), "v1", "Prometheus", "monitoring");
        let made = serde_json::to_value(
            objects
                .create(&kube::api::PostParams::default(), &object)
                .await?,
        )?;
        ensure_wired(&made)?;
        let log = std::fs::read_to_string(cluster.server().audit_log().context("no audit log")?)?;
        ensure!(
            !log.contains("failed-open."),
            "a call failed and the object was let through"
        );
        Ok(())
    })
    .await
}
