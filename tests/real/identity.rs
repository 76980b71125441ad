//! The fourth law, with real samples: series that are made to collide all arrive, distinct, and none fails.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use axum::Router;
use axum::routing::get;
use kube::api::PostParams;
use serde_json::json;
use thanos_core::facts::Credential;
use thanos_core::fields::Served;
use thanos_core::{Facts, Kind, Rules, Subject, decide, wiring};
use thanos_tests::operator::{self, Operator};
use thanos_tests::prometheus::{Configuration, Prometheus};
use thanos_tests::thanos::{Query, Receive, Settings};
use thanos_tests::{Cluster, Options, crds, eventually};
use tokio::net::TcpListener;

use super::SOON;

/// No label, another, one that only starts alike; each with and without what it would become.
///
/// Two pairs cannot be told apart afterwards, and the docs say so: a series without the label and one with the enforced
/// value (the external label makes them one before any rule runs), and `{cluster="x"}` beside `{exported_cluster="x"}`.
const SERIES: [&str; 11] = [
    "collide 1",
    "collide{cluster=\"other\"} 2",
    "collide{cluster=\"edge-011\"} 3",
    "collide{exported_cluster=\"deep\"} 4",
    "collide{cluster=\"edge-01\",exported_cluster=\"same\"} 5",
    "collide{cluster=\"other\",exported_cluster=\"deep\"} 6",
    "collide{cluster=\"other\",exported_cluster=\"edge-01\"} 7",
    "collide{cluster=\"other\",exported_cluster=\"other\"} 8",
    "collide{cluster=\"edge-011\",exported_cluster=\"deep\"} 9",
    "collide{cluster=\"third\"} 10",
    "collide{exported_cluster=\"edge-01\"} 11",
];

#[tokio::test]
async fn eleven_colliding_series_arrive_distinct() -> Result<()> {
    Cluster::with(Options::new("real-identity").crds(crds::ALL), async |cluster| {
        let run = cluster.run();
        let receive = Receive::start(run, Settings::default()).await?;
        let query = Query::start(run, &[receive.grpc_address()]).await?;
        let _operator = Operator::start(cluster, operator::Settings::default()).await?;
        cluster.namespace("monitoring", &[]).await?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let target = listener.local_addr()?.to_string();
        let router = Router::new().route("/metrics", get(async || format!("# TYPE collide gauge\n{}\n# TYPE same gauge\nsame{{cluster=\"edge-01\"}} 1\n", SERIES.join("\n"))));
        let serving = tokio::spawn(async move { axum::serve(listener, router).await });

        let wired = wired(&format!("http://{}/api/v1/receive", receive.write_address()))?;
        let objects = operator::objects(cluster.client(), "v1", "Prometheus", "monitoring");
        objects.create(&PostParams::default(), &serde_json::from_value(wired)?).await?;
        operator::reconciled(&objects, "k8s", SOON).await?;
        let written = Configuration::of_prometheus(cluster.client(), "monitoring", "k8s", SOON).await?;
        let written = written.for_pod("prometheus-k8s-0").scraping("app", &[&target], true);
        let prometheus = Prometheus::start(run, "prometheus", &written).await?;
        eventually("all eleven arrive", SOON, || async {
            let arrived = query.query("collide").await?;
            let values: BTreeSet<String> = arrived.iter().map(|sample| sample.value.to_string()).collect();
            ensure!(values == (1..=11).map(|value| value.to_string()).collect(), "arrived: {values:?}");
            ensure!(arrived.iter().all(|sample| sample.label("cluster") == "edge-01"), "{arrived:?}");
            Ok(())
        })
        .await
        .with_context(|| prometheus.process().log_tail())?;
        let same = query.query("same").await?;
        ensure!(same.len() == 1 && same[0].label("cluster") == "edge-01" && same[0].label("exported_cluster").is_empty(), "{same:?}");
        // Several scrapes more, so that a duplicate would have had its chance.
        eventually("some hundred samples were sent", SOON, || async {
            let sent = prometheus.own_metric("prometheus_remote_storage_samples_total").await?;
            ensure!(sent > 100.0, "{sent}");
            Ok(())
        })
        .await?;
        let failed = prometheus.own_metric("prometheus_remote_storage_samples_failed_total").await?;
        ensure!(failed == 0.0, "{failed} samples failed");
        let metrics = receive.http()?.get("/metrics").await?.fine()?;
        let conflicts: Vec<&str> = metrics.lines().filter(|line| line.starts_with("http_requests_total") && line.contains("code=\"409\"")).collect();
        ensure!(conflicts.is_empty(), "{conflicts:?}");
        serving.abort();
        Ok(())
    })
    .await
}

/// The object as `decide` wires it.
fn wired(url: &str) -> Result<serde_json::Value> {
    let raw = json!({"apiVersion": "kubectl-thanos.dev/v1alpha1", "kind": "ThanosWiring", "metadata": {"name": "hub"},
        "spec": {"cluster": "edge-01", "remoteWrite": {"url": url, "auth": {"none": {}}}}});
    let wiring = wiring::read(&raw).map_err(|faults| anyhow::anyhow!("{faults:?}"))?;
    let object = super::prometheus("k8s", &json!({}));
    let subject =
        Subject::read(&object, None, "monitoring").map_err(|error| anyhow::anyhow!("{error:?}"))?;
    let facts = Facts {
        now: jiff::Timestamp::UNIX_EPOCH,
        namespace: Some(std::sync::Arc::default()),
        credentials: [(std::sync::Arc::clone(&wiring.name), Credential::Ready)].into(),
        operator: None,
        served: std::sync::Arc::new(Served::newest(Kind::Prometheus)),
        lately: thanos_core::facts::Lately::default(),
    };
    Ok(decide(&subject, &facts, &Rules::new([std::sync::Arc::new(wiring)])).applied_to(&object))
}
