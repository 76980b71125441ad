//! The real operator takes every wired story, and promtool the configuration that it writes.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use thanos_core::Kind;
use thanos_core::decide::Record;
use thanos_tests::install::apply;
use thanos_tests::operator::{self, Operator};
use thanos_tests::prometheus::{Configuration, check};
use thanos_tests::{Cluster, Options, crds};

use crate::cases::{kept, object_stories};

const PATIENCE: Duration = Duration::from_secs(120);

/// The stories that end wired, under names of their own in a namespace that holds what they refer to.
fn wired_stories() -> Result<Vec<(Kind, String, Value)>> {
    let mut wired = Vec::new();
    for story in object_stories()? {
        let mut object = kept(&story)?;
        let kind = object["kind"]
            .as_str()
            .and_then(|kind| Kind::ALL.into_iter().find(|known| known.name() == kind));
        let annotated = object["metadata"]["annotations"][thanos_core::names::WIRED]
            .as_str()
            .is_some_and(|text| Record::read(text).is_ok());
        // What the operator is told to leave alone, and labels or versions that its API refuses, say nothing here.
        let about_another_thing = [
            "unmanaged-configuration",
            "version-that-is-no-version",
            "hostile-text",
            "an-object-on-its-way-out-is-left-alone",
            "two-entries-of-the-recorded-name",
        ];
        if let (Some(kind), true, false) = (
            kind,
            annotated,
            about_another_thing.contains(&story.name().as_str()),
        ) {
            // Short names: the operator makes volume names of them.
            object["metadata"] = json!({"name": format!("s{}", wired.len()), "namespace": "monitoring", "annotations": object["metadata"]["annotations"]});
            wired.push((kind, story.name(), object));
        }
    }
    Ok(wired)
}

#[tokio::test]
async fn the_operator_takes_every_wired_story() -> Result<()> {
    Cluster::with(Options::new("real-operator").crds(crds::ALL), async |cluster| {
        let settings = operator::Settings { daemonset_agents: true, ..operator::Settings::default() };
        let running = Operator::start(cluster, settings).await?;
        cluster.namespace("monitoring", &[]).await?;
        let authority = thanos_tests::certificates::Authority::new("hub")?.pem().to_owned();
        let metadata = |name: &str| json!({"name": name, "namespace": "monitoring"});
        let secret = |name: &str, data: Value| json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata(name), "stringData": data});
        let references = [
            secret("remotewrite-secret", json!({"user": "edge-01", "password": "x", "ca.crt": authority})),
            secret("hub-token", json!({"token": "x"})),
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata("hub-ca"), "data": {"ca.crt": authority}}),
        ];
        apply(cluster, &references, "tester").await?;
        let stories = wired_stories()?;
        ensure!(stories.len() >= 40, "only {} stories end wired", stories.len());
        let objects: Vec<Value> = stories.iter().map(|(_, _, object)| object.clone()).collect();
        // Fields from the future are dropped by the API server, as they would be for a user.
        let list = json!({"apiVersion": "v1", "kind": "List", "items": objects});
        let create = cluster.kubectl()?.args(["create", "--validate=false", "-f", "-"]);
        create.output_for(list.to_string().as_bytes()).await?.fine()?;
        for (kind, story, object) in &stories {
            let name = object["metadata"]["name"].as_str().unwrap_or_default();
            takes(cluster, *kind, name).await.with_context(|| format!("story {story}")).with_context(|| running.process().log_tail())?;
        }
        Ok(())
    })
    .await
}

async fn takes(cluster: &Cluster, kind: Kind, name: &str) -> Result<()> {
    let objects = operator::objects(cluster.client(), kind.version(), kind.name(), "monitoring");
    operator::reconciled(&objects, name, PATIENCE).await?;
    let written = match kind {
        Kind::Prometheus => {
            Configuration::of_prometheus(cluster.client(), "monitoring", name, PATIENCE).await?
        }
        Kind::PrometheusAgent => {
            Configuration::of_agent(cluster.client(), "monitoring", name, PATIENCE).await?
        }
        Kind::ThanosRuler => return Ok(()),
    };
    ensure!(
        written.text().contains("remote_write:"),
        "no remote_write was written"
    );
    check(cluster.run(), name, &written.for_pod("pod-0"))
        .await
        .map(drop)
}
