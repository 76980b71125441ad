//! The runtime that verbs with a network start, with what may end them early: Ctrl-C, SIGTERM and `--timeout`.

use std::future::Future;

use thanos_core::codes;

use crate::cli::Global;
use crate::failure::{Failure, Kind};

/// Waits for a verb, or for its look at a cluster, on this thread. Dropped where it stands when something ends it early.
pub(crate) fn wait<T>(
    global: &Global,
    verb: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| {
            Failure::failed("the runtime does not start")
                .code(codes::BUG)
                .from_chain(&error)
        })?;
    let ended = runtime.block_on(async {
        tokio::select! {
            ended = verb => ended,
            early = ended_early(global) => Err(early),
        }
    });
    // A question that is still being asked sits in a thread that nobody can end.
    runtime.shutdown_background();
    ended
}

async fn ended_early(global: &Global) -> Failure {
    tokio::select! {
        failure = interrupted() => failure,
        failure = terminated() => failure,
        failure = timed_out(global) => failure,
    }
}

async fn interrupted() -> Failure {
    match tokio::signal::ctrl_c().await {
        Ok(()) => Failure::new(Kind::Interrupted, "interrupted"),
        // No handler: the signal ends the process by itself.
        Err(_) => std::future::pending().await,
    }
}

#[cfg(unix)]
async fn terminated() -> Failure {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut signal) => {
            signal.recv().await;
            Failure::new(Kind::Terminated, "terminated")
        }
        Err(_) => std::future::pending().await,
    }
}

#[cfg(not(unix))]
async fn terminated() -> Failure {
    std::future::pending().await
}

async fn timed_out(global: &Global) -> Failure {
    match global.timeout {
        Some(timeout) if !timeout.is_zero() => {
            tokio::time::sleep(timeout).await;
            Failure::new(
                Kind::TimedOut,
                format!("not done after {}", crate::cli::duration_text(timeout)),
            )
            .code(codes::TIMED_OUT)
            .hint("give it more time with --timeout")
        }
        _ => std::future::pending().await,
    }
}
