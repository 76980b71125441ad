//! What the API server does by itself, on the real one: it must say what core says.
//!
//! Each story gets a namespace of its own, and the objects that stand for its policies and wirings are bound to that
//! namespace alone, so that all of them are asked of one cluster.

mod mutating;
mod paths;
mod questions;
mod room;
mod table;
mod validating;
mod written;

use std::collections::HashMap;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use thanos_tests::install::apply;
use thanos_tests::{Cluster, eventually};

use room::{Answer, Room};

/// How long the API server may take to enforce what was just written.
const ENFORCED: Duration = Duration::from_secs(120);

/// The objects of all rooms. One policy is kept of those that are the same, since each is compiled.
fn bound(rooms: &[Room]) -> Vec<Value> {
    let (mut kept, mut all, mut same) = (HashMap::new(), Vec::new(), HashMap::new());
    for object in rooms.iter().flat_map(|room| &room.bound) {
        let mut object = object.clone();
        let policy = object["spec"]["policyName"]
            .as_str()
            .and_then(|name| same.get(name));
        if let Some(name) = policy {
            object["spec"]["policyName"] = Value::clone(name);
        } else if object["spec"]["policyName"].is_null() {
            let name = object["metadata"]["name"].clone();
            let key = format!("{}{}", object["kind"], object["spec"]);
            let first = kept.entry(key).or_insert_with(|| name.clone()).clone();
            if first != name {
                same.insert(name.as_str().unwrap_or_default().to_owned(), first);
                continue;
            }
        }
        all.push(object);
    }
    all
}

/// Applies objects, and after them a sentinel's: once that is enforced, so is everything before it.
async fn enforce(
    cluster: &Cluster,
    objects: &[Value],
    sentinel: &Room,
    seen: impl Fn(&Answer) -> bool,
) -> Result<()> {
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
