//! The way of a sample without any of our programs: operator, Prometheus, gateway, Receive, Query.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use kube::api::{DynamicObject, ObjectMeta, PostParams};
use serde_json::{Value, json};
use thanos_tests::gateway::Gateway;
use thanos_tests::http::Http;
use thanos_tests::operator::{self, Operator};
use thanos_tests::prometheus::{Configuration, Prometheus, check};
use thanos_tests::promql::Sample;
use thanos_tests::thanos::{self, Query, Receive};
use thanos_tests::{Cluster, Options, Run, crds, eventually};

const PASSWORD: &str = "correct-horse-battery-staple";
const SOON: Duration = Duration::from_secs(60);

/// A Prometheus that writes to the gateway, wired by hand.
fn prometheus(gateway: &Gateway) -> Value {
    let key = |name: &str| json!({"name": "remotewrite", "key": name});
    json!({
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "Prometheus",
        "metadata": {"name": "k8s", "namespace": "monitoring"},
        "spec": {
            "version": "v3.16.0",
            // Without any selector the operator leaves the configuration to somebody else.
            "serviceMonitorSelector": {},
            "externalLabels": {"cluster": "edge-01"},
            "remoteWrite": [{
                "name": "thanos",
                "url": gateway.receive_url(),
                "basicAuth": {"username": key("user"), "password": key("password")},
                "tlsConfig": {"ca": {"secret": key("ca")}},
            }],
        },
    })
}

fn credential(gateway: &Gateway) -> Secret {
    let data = [
        ("user", "edge-01"),
        ("password", PASSWORD),
        ("ca", gateway.ca_pem()),
    ];
    Secret {
        metadata: ObjectMeta {
            name: Some("remotewrite".into()),
            ..ObjectMeta::default()
        },
        data: Some(
            data.into_iter()
                .map(|(key, value)| (key.to_owned(), ByteString(value.into())))
                .collect(),
        ),
        ..Secret::default()
    }
}

#[tokio::test]
async fn the_operator_reconciles_what_it_is_given_and_the_samples_arrive() -> Result<()> {
    Cluster::with(
        Options::new("harness-arrival").crds(crds::ALL),
        async |cluster| {
            let begin = Instant::now();
            let (client, run) = (cluster.client(), cluster.run());
            let receive = Receive::start(run, thanos::Settings::default()).await?;
            let query = Query::start(run, &[receive.grpc_address()]).await?;
            let gateway =
                Gateway::start(run, receive.write_address(), &[("edge-01", PASSWORD)]).await?;
            let _operator = Operator::start(cluster, operator::Settings::default()).await?;
            println!(
                "everything is up after {:.1} s",
                begin.elapsed().as_secs_f32()
            );

            cluster.namespace("monitoring", &[]).await?;
            Api::namespaced(client.clone(), "monitoring")
                .create(&PostParams::default(), &credential(&gateway))
                .await?;
            let objects = operator::objects(client.clone(), "v1", "Prometheus", "monitoring");
            let object: DynamicObject = serde_json::from_value(prometheus(&gateway))?;
            objects.create(&PostParams::default(), &object).await?;
            operator::reconciled(&objects, "k8s", SOON).await?;
            println!("reconciled after {:.1} s", begin.elapsed().as_secs_f32());

            let written = Configuration::of_prometheus(client, "monitoring", "k8s", SOON).await?;
            let written =
                written
                    .for_pod("prometheus-k8s-0")
                    .scraping("itself", &["localhost:9090"], false);
            check(run, "checked", &written).await?;
            let prometheus = Prometheus::start(run, "prometheus-k8s", &written).await?;
            let arrived = eventually("a sample arrives in Query", SOON, || async {
                let samples = query.query(r#"up{job="itself"}"#).await?;
                samples.first().cloned().context("none yet")
            });
            let arrived = arrived
                .await
                .with_context(|| prometheus.process().log_tail())?;
            println!(
                "arrived after {:.1} s: {:?}",
                begin.elapsed().as_secs_f32(),
                arrived.labels
            );
            assert_arrived(&arrived);
            let failed = "prometheus_remote_storage_samples_failed_total";
            let failed = prometheus.own_metric(failed).await?;
            ensure!(failed < 1.0, "{failed} samples failed");
            Ok(())
        },
    )
    .await
}

fn assert_arrived(sample: &Sample) {
    assert_eq!(sample.label("cluster"), "edge-01");
    assert_eq!(
        sample.label("tenant_id"),
        "edge-01",
        "the gateway names the tenant after the user"
    );
    assert_eq!(sample.label("prometheus_replica"), "prometheus-k8s-0");
}

#[tokio::test]
async fn the_gateway_lets_only_its_users_through() -> Result<()> {
    let run = Run::new("harness-gateway")?;
    let receive = Receive::start(&run, thanos::Settings::default()).await?;
    let gateway = Gateway::start(&run, receive.write_address(), &[("edge-01", PASSWORD)]).await?;
    // An empty snappy block is an empty write request, which Receive accepts.
    let push = async |http: Http| {
        http.post("/api/v1/receive", "application/x-protobuf", [0u8])
            .await
            .map(|answer| answer.status.as_u16())
    };
    let anonymous = Http::trusting(&gateway.url(), gateway.ca_pem())?;
    assert_eq!(push(anonymous).await?, 401);
    assert_eq!(push(gateway.http("edge-01", "wrong")?).await?, 401);
    assert_eq!(push(gateway.http("edge-01", PASSWORD)?).await?, 200);

    gateway.set_users(&[("edge-01", "another")])?;
    eventually(
        "the gateway takes over the new password",
        Duration::from_secs(20),
        || async {
            let (old, new) = (
                push(gateway.http("edge-01", PASSWORD)?).await?,
                push(gateway.http("edge-01", "another")?).await?,
            );
            ensure!((old, new) == (401, 200), "old {old}, new {new}");
            Ok(())
        },
    )
    .await
}
