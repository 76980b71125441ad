//! /healthz /readyz /metrics on their own port, untraced.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;
use tokio::net::TcpListener;
use tokio::sync::Notify;

use crate::server;
use crate::shutdown::Shutdown;

/// What must hold before this replica is ready, each under its own name.
#[derive(Debug, Default)]
pub struct Health {
    gates: Mutex<BTreeMap<&'static str, Option<String>>>,
    opened: Notify,
}

impl Health {
    /// Ready until a gate is closed.
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Closes a gate: not ready, for this reason.
    pub fn close(&self, gate: &'static str, reason: impl Into<String>) {
        self.lock().insert(gate, Some(reason.into()));
    }

    /// Opens a gate.
    pub fn open(&self, gate: &'static str) {
        let before = self.lock().insert(gate, None);
        if before.flatten().is_some() {
            tracing::debug!(gate, "open");
            self.opened.notify_waiters();
        }
    }

    /// Waits until every gate is open.
    pub async fn ready(&self) {
        loop {
            let opened = self.opened.notified();
            if self.closed().is_empty() {
                return;
            }
            opened.await;
        }
    }

    /// Every closed gate with its reason, in the order of the names; empty when ready.
    pub fn closed(&self) -> Vec<(&'static str, String)> {
        self.lock()
            .iter()
            .filter_map(|(gate, reason)| Some((*gate, reason.clone()?)))
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<&'static str, Option<String>>> {
        self.gates.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The three answers.
pub fn router(health: Arc<Health>, registry: Registry) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz).with_state(health))
        .route("/metrics", get(metrics).with_state(Arc::new(registry)))
}

/// Answers until the runtime ends: while the program drains, probes still want to know.
pub async fn serve(listener: TcpListener, router: Router) {
    let never = Shutdown::new();
    server::serve(listener, None, router, LIMITS, Arc::default(), never).await;
}

/// A few probes and scrapers.
const LIMITS: server::Limits = server::Limits {
    connections: 64,
    handshake: Duration::from_secs(5),
    header: Duration::from_secs(5),
    idle: Duration::from_secs(120),
    write: Duration::from_secs(10),
    shutdown_delay: Duration::ZERO,
    drain: Duration::ZERO,
};

async fn readyz(State(health): State<Arc<Health>>) -> impl IntoResponse {
    let closed = health.closed();
    if closed.is_empty() {
        return (StatusCode::OK, "ok\n".to_owned());
    }
    let mut text = String::new();
    for (gate, reason) in closed {
        let _ = writeln!(text, "not ready: {gate}: {reason}");
    }
    (StatusCode::SERVICE_UNAVAILABLE, text)
}

async fn metrics(State(registry): State<Arc<Registry>>) -> impl IntoResponse {
    let mut text = String::new();
    if encode(&mut text, &registry).is_err() {
        return (
            StatusCode::INTERNAL_SERVER_ERROR,
            [(header::CONTENT_TYPE, "text/plain")],
            String::new(),
        );
    }
    (
        StatusCode::OK,
        [(
            header::CONTENT_TYPE,
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
        )],
        text,
    )
}
