//! An application with metrics, one of which carries a `cluster` label of its own.

use std::net::SocketAddr;

use anyhow::Result;
use axum::Router;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// What it exports: to it, `cluster` is a cluster of brokers.
const METRICS: &str = "# TYPE app_queue_depth gauge\n\
    app_queue_depth{cluster=\"payments\"} 42\n\
    app_queue_depth{cluster=\"orders\"} 7\n\
    app_queue_depth 1\n";

/// Serves it on a free port until the task is dropped.
pub(crate) async fn start() -> Result<(SocketAddr, JoinHandle<()>)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let router = Router::new().route("/metrics", get(async || METRICS));
    let task = tokio::spawn(async move {
        let _ = axum::serve(listener, router).await;
    });
    Ok((address, task))
}
