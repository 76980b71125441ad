//! What the API server does by itself, on the real one: it must say what core says.
//!
//! Each story gets a namespace of its own, and the objects that stand for its policies and wirings are bound to that
//! namespace alone, so that all of them are asked of one cluster.

mod mutating;
mod paths;
mod room;
mod table;
mod validating;

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use thanos_tests::install::apply;
use thanos_tests::{Cluster, eventually};

use room::{Answer, Room};

/// How long the API server may take to enforce what was just written.
const ENFORCED: Duration = Duration::from_secs(120);

/// Applies objects, and after them a sentinel's: once that is enforced, so is everything before it.
async fn enforce(
    cluster: &Cluster,
    objects: &[Value],
    sentinel: &Room,
    seen: impl Fn(&Answer) -> bool,
) -> Result<()> {
    std::fs::write("/tmp/objs.json", serde_json::to_vec(objects)?)?;
    apply(cluster, objects, "tests").await?;
    apply(cluster, &sentinel.bound, "tests").await?;
    eventually("the sentinel is enforced", ENFORCED, || async {
        let answer = sentinel.ask(cluster, &sentinel.story.given).await?;
        ensure!(seen(&answer), "{}", answer.body);
        Ok(())
    })
    .await
    .context("what was written is not enforced")
}
