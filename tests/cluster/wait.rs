//! Waiting for something to become true, with a deadline and the last reason why it was not.

use std::future::Future;
use std::time::{Duration, Instant};

use anyhow::{Context, Error, Result, anyhow};

/// How often is looked.
pub(crate) const PACE: Duration = Duration::from_millis(25);

/// Asks `probe` until it gives a value. An error of the probe means "not yet".
///
/// # Errors
/// After `within`: what was waited for, and the probe's last error as its cause.
pub async fn eventually<T, F>(
    what: &str,
    within: Duration,
    mut probe: impl FnMut() -> F,
) -> Result<T>
where
    F: Future<Output = Result<T>>,
{
    let deadline = Instant::now() + within;
    loop {
        let last = match tokio::time::timeout(within, probe()).await {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(error)) => error,
            Err(_) => anyhow!("one look alone took longer than that"),
        };
        if Instant::now() >= deadline {
            return Err(last).with_context(|| late(what, within));
        }
        tokio::time::sleep(PACE).await;
    }
}

fn late(what: &str, within: Duration) -> Error {
    anyhow!("{what}: not within {} s", within.as_secs_f32())
}
