//! A mutating webhook that comes after ours and does what an object's annotation asks of it.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use axum::routing::post;
use axum::{Json, Router};
use base64::Engine;
use serde_json::{Value, json};
use thanos_tests::certificates::Authority;
use thanos_tests::install::apply;
use thanos_tests::port::Port;
use thanos_tests::{Cluster, Run};
use thanos_webhook::metrics::Metrics;
use thanos_webhook::shutdown::Shutdown;
use thanos_webhook::{server, tls};
use tokio::net::TcpListener;

use super::server::merge::merge;
use super::server::{LAST_WORD, LATER};

const LIMITS: server::Limits = server::Limits {
    connections: 256,
    handshake: Duration::from_secs(30),
    header: Duration::from_secs(30),
    idle: Duration::from_secs(120),
    write: Duration::from_secs(30),
    shutdown_delay: Duration::ZERO,
    drain: Duration::from_secs(1),
};

/// It listens as long as this lives.
pub(super) struct Later {
    _port: Port,
    _shutdown: Shutdown,
}

impl Later {
    pub(super) async fn start(cluster: &Cluster) -> Result<Self> {
        let (authority, port, shutdown) =
            (Authority::new("later")?, Port::take()?, Shutdown::new());
        let certificate = certificate(cluster.run(), &authority)?;
        let listener = TcpListener::bind(port.address()).await?;
        let router = Router::new().route("/", post(answer));
        let metrics = Arc::new(Metrics::default());
        tokio::spawn(server::serve(
            listener,
            Some(certificate.config()?),
            router,
            LIMITS,
            metrics,
            shutdown.clone(),
        ));
        let authority = base64::engine::general_purpose::STANDARD.encode(authority.pem());
        let webhook = |name: &str, again: &str, condition: &str| {
            json!({"name": format!("{name}.evasion.example.com"), "admissionReviewVersions": ["v1"], "sideEffects": "None",
                "clientConfig": {"url": format!("https://{}/", port.address()), "caBundle": authority},
                "failurePolicy": "Fail", "timeoutSeconds": 30, "reinvocationPolicy": again,
                "matchConditions": [{"name": "asked", "expression": condition}],
                "rules": [{"apiGroups": ["monitoring.coreos.com"], "apiVersions": ["*"], "operations": ["CREATE", "UPDATE"],
                    "resources": ["prometheuses", "prometheusagents", "thanosrulers"]}]})
        };
        let asked =
            format!("has(object.metadata.annotations) && '{LATER}' in object.metadata.annotations");
        let last = format!("'{LAST_WORD}' in object.metadata.annotations");
        // By its name it comes after ours.
        let registration = json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration",
            "metadata": {"name": "zz-later"}, "webhooks": [
                webhook("once", "Never", &format!("{asked} && !({last})")),
                webhook("again", "IfNeeded", &format!("{asked} && {last}"))]});
        apply(cluster, &[registration], "somebody").await?;
        Ok(Self {
            _port: port,
            _shutdown: shutdown,
        })
    }
}

fn certificate(run: &Run, authority: &Authority) -> Result<Arc<tls::Current>> {
    let pair = authority.loopback()?;
    let files = tls::Files {
        certificate: run.file("later/tls.crt", &pair.certificate)?,
        key: run.file("later/tls.key", &pair.key)?,
    };
    tls::Current::load(files)
}

async fn answer(Json(review): Json<Value>) -> Json<Value> {
    let request = &review["request"];
    let mut object = request["object"].clone();
    let asked = object["metadata"]["annotations"][LATER].as_str();
    if let Some(patch) = asked.and_then(|text| serde_json::from_str::<Value>(text).ok()) {
        merge(&mut object, &patch);
    }
    let changed = ["spec", "metadata"]
        .into_iter()
        .filter(|part| object.get(*part) != request["object"].get(*part));
    let patch: Vec<Value> = changed
        .map(|part| json!({"op": "add", "path": format!("/{part}"), "value": object[part]}))
        .collect();
    let patch = base64::engine::general_purpose::STANDARD.encode(json!(patch).to_string());
    Json(
        json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
        "response": {"uid": request["uid"], "allowed": true, "patchType": "JSONPatch", "patch": patch}}),
    )
}
