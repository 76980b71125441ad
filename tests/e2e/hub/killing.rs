//! One pod of each part goes without a word. Each comes back, and what was sent meanwhile is there afterwards.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use futures::future::try_join_all;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::DeleteParams;
use thanos_core::names;
use thanos_tests::{eventually, promql};

use super::samples::{self, POD};
use super::{GATEWAY, Hub, NAME};
use crate::ground::{Ground, SOON};

/// Those that go at the same time: each group leaves two of three ingesters, and takes a part of every way.
const GROUPS: [&[(&str, &str)]; 3] = [
    &[
        (NAME, "receive-router"),
        (NAME, "compactor"),
        (NAME, "query"),
        (names::NAMESPACE, "serve"),
    ],
    &[
        (NAME, "receive-ingester"),
        (NAME, "ruler"),
        (NAME, "query-frontend"),
        (names::NAMESPACE, "control"),
    ],
    &[
        (NAME, "store"),
        (GATEWAY, "proxy"),
        (GATEWAY, "gateway-helm"),
    ],
];

/// Envoy Gateway's own pod has no component.
fn labels(part: &str) -> String {
    if part == "gateway-helm" {
        format!("app.kubernetes.io/name={part},control-plane=envoy-gateway")
    } else {
        format!("app.kubernetes.io/component={part}")
    }
}

/// Kills one, and waits until there are as many ready ones as before.
async fn killed(ground: &Ground, namespace: &str, part: &str) -> Result<Duration> {
    let labels = labels(part);
    let before = ground.pods(namespace, &labels).await?;
    let victim = before
        .first()
        .with_context(|| format!("no pod of {part}"))?;
    let pods: Api<Pod> = Api::namespaced(ground.client(), namespace);
    let name = victim.metadata.name.as_deref().context("a name")?;
    let at_once = DeleteParams::default().grace_period(0);
    let killed = Instant::now();
    pods.delete(name, &at_once).await?;
    let is_ready = |pod: &&Pod| {
        let conditions = pod
            .status
            .as_ref()
            .and_then(|status| status.conditions.as_ref());
        let ready = conditions
            .into_iter()
            .flatten()
            .any(|one| one.type_ == "Ready" && one.status == "True");
        ready && pod.metadata.uid != victim.metadata.uid
    };
    eventually(&format!("{part} is back"), SOON, || async {
        let after = ground.pods(namespace, &labels).await?;
        let ready = after.iter().filter(is_ready).count();
        ensure!(ready >= before.len(), "{ready} of {}", before.len());
        Ok(())
    })
    .await?;
    Ok(killed.elapsed())
}

/// Prometheus keeps what it cannot send, and sends it again.
pub(crate) async fn loses_no_sample_when_pods_are_killed(ground: &Ground) -> Result<()> {
    let Some(hub) = Hub::made(ground).await? else {
        return Ok(());
    };
    samples::flow(hub).await?;
    let begin = jiff::Timestamp::now();
    for group in GROUPS {
        let killed = group.iter().map(|(namespace, part)| async move {
            let took = killed(ground, namespace, part).await?;
            anyhow::Ok(format!("{part} {:.0} s", took.as_secs_f32()))
        });
        println!("          back: {}", try_join_all(killed).await?.join(", "));
    }
    let end = jiff::Timestamp::now();
    let seconds = end.as_second() - begin.as_second();
    let query = format!("count_over_time(up{{pod=\"{POD}\"}}[{seconds}s])");
    let time = format!("time={}", end.as_second());
    let path = format!("/api/v1/query?{time}&query={query}").replace('"', "%22");
    let path = path
        .replace('{', "%7B")
        .replace('}', "%7D")
        .replace('[', "%5B")
        .replace(']', "%5D");
    let own = ground.ask("monitoring", POD, 9090, &path).await?;
    let own = promql::samples(&own)?;
    let sent = own.first().context("its own samples")?.value;
    ensure!(sent >= 2.0, "it has only {sent}");
    let query = query.replace("}[", ",prometheus=\"monitoring/samples\"}[");
    eventually("every sample is there", SOON, || async {
        // Each replica may lack what it was away for; one of them has all.
        let held = hub.ask(&query, &[&time, "dedup=false"]).await?;
        let most = held.iter().map(|one| one.value).fold(0.0, f64::max);
        ensure!(most >= sent, "{most} of {sent}: {held:?}");
        Ok(())
    })
    .await?;
    println!("          {sent} samples in {seconds} s, and all of them are there");
    Ok(())
}
