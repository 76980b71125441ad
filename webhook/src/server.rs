//! Listener, TLS handshake, limits, drain. HTTP/1.1 only: the API server speaks nothing else to a webhook Service.
//!
//! Own loop, because every step needs its own deadline and none of them may hold up the next accept.

mod paced;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderValue, Request, header};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;

use crate::metrics::Metrics;
use crate::shutdown::Shutdown;
use paced::{Pace, Paced};

/// As many bytes of header as one request may have.
const HEADER_BYTES: usize = 64 * 1024;
/// As many bytes as one connection reads ahead.
const BUFFER_BYTES: usize = 128 * 1024;

/// What one listener allows its clients.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections at once; more wait in the kernel's queue.
    pub connections: usize,
    /// For a TLS handshake.
    pub handshake: Duration,
    /// For a request's header, from its first byte on.
    pub header: Duration,
    /// For a connection without a request. In a full house it is the header's deadline.
    pub idle: Duration,
    /// For a client that does not take its answer.
    pub write: Duration,
    /// From being asked to stop until nothing more is accepted.
    pub shutdown_delay: Duration,
    /// For what is still running then.
    pub drain: Duration,
}

/// Serves until `shutdown`, then keeps accepting for the delay, then drains.
///
/// In the second half of the delay answers carry `Connection: close`, so that a client with a kept connection finds
/// another replica before this one is gone.
pub async fn serve(
    listener: TcpListener,
    tls: Option<Arc<ServerConfig>>,
    router: Router,
    limits: Limits,
    metrics: Arc<Metrics>,
    shutdown: Shutdown,
) {
    let house = House {
        tls: tls.map(TlsAcceptor::from),
        router,
        limits,
        metrics,
        seats: Arc::new(Semaphore::new(limits.connections)),
        closing: AtomicBool::new(false),
    };
    let house = Arc::new(house);
    let running = GracefulShutdown::new();
    tokio::select! {
        () = house.clone().accept(&listener, &running) => {}
        () = house.last_call(&shutdown) => {}
    }
    drop(listener);
    if timeout(limits.drain, running.shutdown()).await.is_err() {
        tracing::warn!("connections were cut: they were not done within the drain timeout");
    }
}

/// What every connection of one listener shares.
struct House {
    tls: Option<TlsAcceptor>,
    router: Router,
    limits: Limits,
    metrics: Arc<Metrics>,
    seats: Arc<Semaphore>,
    closing: AtomicBool,
}

impl House {
    /// Accepts for ever: whatever goes wrong with one connection, or for want of file descriptors, passes.
    async fn accept(self: Arc<Self>, listener: &TcpListener, running: &GracefulShutdown) {
        loop {
            let Ok(seat) = Arc::clone(&self.seats).acquire_owned().await else {
                return;
            };
            match listener.accept().await {
                Ok((stream, _)) => {
                    tokio::spawn(Arc::clone(&self).connection(stream, seat, running.watcher()));
                }
                Err(error) => {
                    self.metrics.reject("accept");
                    tracing::warn!(
                        error = error.to_string(),
                        "a connection could not be accepted"
                    );
                    sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }

    async fn last_call(&self, shutdown: &Shutdown) {
        shutdown.asked().await;
        let half = self.limits.shutdown_delay / 2;
        sleep(half).await;
        self.closing.store(true, Ordering::Relaxed);
        sleep(half).await;
    }

    async fn connection(
        self: Arc<Self>,
        stream: TcpStream,
        seat: OwnedSemaphorePermit,
        watcher: Watcher,
    ) {
        self.metrics.connections.inc();
        let _ = stream.set_nodelay(true);
        match &self.tls {
            None => self.http(stream, watcher).await,
            Some(acceptor) => match timeout(self.limits.handshake, acceptor.accept(stream)).await {
                Ok(Ok(stream)) => self.http(stream, watcher).await,
                Ok(Err(_)) => self.metrics.reject("handshake"),
                Err(_) => self.metrics.reject("handshake-timeout"),
            },
        }
        self.metrics.connections.dec();
        drop(seat);
    }

    async fn http<S>(&self, stream: S, watcher: Watcher)
    where
        S: AsyncRead + AsyncWrite + Unpin + 'static,
    {
        let pace = Arc::new(Pace::new());
        let stream = Paced::new(
            stream,
            Arc::clone(&pace),
            self.limits,
            Arc::clone(&self.seats),
        );
        let service = service_fn(|request: Request<Incoming>| {
            pace.is_busy();
            let answer = self.router.clone().oneshot(request);
            let pace = &pace;
            async move {
                let mut response = answer.await?;
                if self.closing.load(Ordering::Relaxed) {
                    response
                        .headers_mut()
                        .insert(header::CONNECTION, HeaderValue::from_static("close"));
                }
                pace.is_idle();
                Ok::<_, std::convert::Infallible>(response)
            }
        });
        // Its own header deadline counts from the last answer on: idle and slow would be one. Ours are in `paced`.
        let connection = http1::Builder::new()
            .header_read_timeout(None)
            .max_header_size(HEADER_BYTES)
            .max_buf_size(BUFFER_BYTES)
            .serve_connection(TokioIo::new(stream), service);
        if let Err(error) = watcher.watch(connection).await {
            tracing::debug!(error = error.to_string(), "a connection ended early");
        }
    }
}
