//! A stream of creates: Prometheus objects, one after the other, from two hands, as long as something else goes on. Each
//! has to be taken and has to come back wired.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result, ensure};
use kube::api::{DeleteParams, DynamicObject, PostParams};
use kube::{Api, Client};
use serde_json::json;
use thanos_core::names;
use thanos_tests::operator;
use tokio::task::JoinHandle;

use crate::ground::Ground;
use crate::monitoring;

const HANDS: usize = 2;

/// A running stream.
pub(crate) struct Stream {
    ends: Arc<AtomicBool>,
    hands: Vec<JoinHandle<Seen>>,
}

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Objects that were taken and wired.
    pub(crate) wired: usize,
    /// Names of objects that were taken and not wired.
    pub(crate) unwired: Vec<String>,
    /// What the API server said to those it did not take.
    pub(crate) refused: Vec<String>,
}

impl Stream {
    /// Begins it. `name` begins the objects' names.
    pub(crate) fn of_prometheuses(ground: &Ground, name: &str) -> Self {
        let ends = Arc::new(AtomicBool::new(false));
        let hand = |hand: usize| {
            let prefix = format!("{name}-{hand}");
            tokio::spawn(creates(ground.client(), prefix, Arc::clone(&ends)))
        };
        let hands = (0..HANDS).map(hand).collect();
        Self { ends, hands }
    }

    /// Ends it.
    pub(crate) async fn end(mut self) -> Result<Seen> {
        self.ends.store(true, Ordering::Relaxed);
        let mut all = Seen::default();
        for hand in std::mem::take(&mut self.hands) {
            let seen = hand.await.context("one hand of the stream")?;
            all.wired += seen.wired;
            all.unwired.extend(seen.unwired);
            all.refused.extend(seen.refused);
        }
        Ok(all)
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
    }
}

impl Seen {
    /// Fails unless every create was taken and wired, and there were some.
    pub(crate) fn flawless(self) -> Result<()> {
        ensure!(self.wired >= 20, "only {} objects were made", self.wired);
        ensure!(
            self.unwired.is_empty() && self.refused.is_empty(),
            "of {} creates: {self:?}",
            self.wired
        );
        Ok(())
    }
}

async fn creates(client: Client, prefix: String, ends: Arc<AtomicBool>) -> Seen {
    let api = operator::objects(client, "v1", "Prometheus", monitoring::NAMESPACE);
    let mut seen = Seen::default();
    for number in 0.. {
        if ends.load(Ordering::Relaxed) {
            break;
        }
        let name = format!("{prefix}-{number}");
        match create(&api, &name).await {
            Ok(true) => seen.wired += 1,
            Ok(false) => seen.unwired.push(name.clone()),
            Err(error) => seen.refused.push(format!("{error:#}")),
        }
        // It was only to be asked about. Where it was not taken there is none.
        let _ = api.delete(&name, &DeleteParams::background()).await;
    }
    seen
}

/// Whether an object comes back wired. The operator leaves it alone: it is paused.
async fn create(api: &Api<DynamicObject>, name: &str) -> Result<bool> {
    let mut object = monitoring::prometheus(name);
    object["spec"]["paused"] = json!(true);
    let object: DynamicObject = serde_json::from_value(object)?;
    let made = api.create(&PostParams::default(), &object).await?;
    let annotations = made.metadata.annotations.unwrap_or_default();
    Ok(annotations.contains_key(names::WIRED)
        && made.data["spec"]["remoteWrite"][0]["url"].is_string())
}
