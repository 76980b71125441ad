//! Asked to stop, and asked again: the first signal drains, the second ends at once.

use std::process::ExitCode;

use anyhow::{Context, Result};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Handed to everything that runs; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Shutdown {
    asked: CancellationToken,
    aborted: CancellationToken,
}

impl Shutdown {
    /// One that only [`Shutdown::ask`] sets off: for tests.
    pub fn new() -> Self {
        Self::default()
    }

    /// One that SIGTERM and SIGINT set off.
    pub fn on_signals() -> Result<Self> {
        let shutdown = Self::new();
        let terminate = signal(SignalKind::terminate()).context("listening to SIGTERM")?;
        let interrupt = signal(SignalKind::interrupt()).context("listening to SIGINT")?;
        tokio::spawn(listen(terminate, interrupt, shutdown.clone()));
        Ok(shutdown)
    }

    /// Asks everything to stop in good order.
    pub fn ask(&self) {
        self.asked.cancel();
    }

    /// Whether everything was asked to stop.
    pub fn is_asked(&self) -> bool {
        self.asked.is_cancelled()
    }

    /// Waits until everything is asked to stop.
    pub async fn asked(&self) {
        self.asked.cancelled().await;
    }

    /// Waits until it must end at once; the exit code then.
    pub async fn aborted(&self) -> ExitCode {
        self.aborted.cancelled().await;
        ExitCode::FAILURE
    }
}

async fn listen(mut terminate: Signal, mut interrupt: Signal, shutdown: Shutdown) {
    for told in [&shutdown.asked, &shutdown.aborted] {
        let name = tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
        };
        let then = if told.is_cancelled() || shutdown.is_asked() {
            "ending at once"
        } else {
            "stopping"
        };
        tracing::info!(signal = name, "{then}");
        told.cancel();
    }
}
