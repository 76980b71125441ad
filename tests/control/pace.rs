//! A wiring changes: one object first, then the rest at their pace; and none after a failure.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use kube::api::{ListParams, Patch, PatchParams};
use serde_json::{Value, json};
use thanos_core::names;
use thanos_tests::certificates::Authority;
use thanos_tests::operator::{self, Operator};
use thanos_tests::{Cluster, Options, crds, eventually};

use super::given::{create, enrolled, prometheuses, put, secret, wiring};
use super::seen::{until_event, until_reason, until_wired, url};
use super::stage::{SOON, Stage, measured};

const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];

/// Two seconds apart; the first is waited for two more.
const PACE: &[&str] = &["--rewire-per-minute=30", "--rewire-settle=20s"];

/// Says as the operator would that an object is reconciled, or not, at its present generation.
async fn reconcile(cluster: &Cluster, name: &str, good: bool) -> Result<()> {
    let api = prometheuses(cluster, "monitoring");
    let object = api.get(name).await?;
    let condition = json!({
        "type": "Reconciled", "status": if good { "True" } else { "False" }, "reason": if good { "" } else { "ReconciliationFailed" },
        "observedGeneration": object.metadata.generation, "lastTransitionTime": "2026-11-25T00:00:00Z",
    });
    let status = json!({"status": {
        "conditions": [condition], "paused": false, "replicas": 1, "availableReplicas": 1, "unavailableReplicas": 0, "updatedReplicas": 1,
    }});
    api.patch_status(name, &PatchParams::default(), &Patch::Merge(status))
        .await
        .context("as the operator")?;
    Ok(())
}

async fn urls(cluster: &Cluster) -> Result<BTreeMap<String, String>> {
    let list = prometheuses(cluster, "monitoring")
        .list(&ListParams::default())
        .await?;
    let pairs = list.items.iter().map(|object| {
        (
            object.metadata.name.clone().unwrap_or_default(),
            url(object).unwrap_or_default().to_owned(),
        )
    });
    Ok(pairs.collect())
}

fn moved(host: &str) -> Value {
    let mut wiring = wiring("hub", &["monitoring"]);
    wiring["spec"]["remoteWrite"]["url"] =
        json!(format!("https://{host}.example.com/api/v1/receive"));
    wiring
}

/// The objects that have a url of this host, waited for until there are so many.
async fn until_moved(cluster: &Cluster, host: &str, count: usize) -> Result<Vec<String>> {
    eventually(&format!("{count} objects send to {host}"), SOON, || async {
        let urls = urls(cluster).await?;
        let moved: Vec<String> = urls
            .into_iter()
            .filter(|(_, url)| url.contains(host))
            .map(|(name, _)| name)
            .collect();
        ensure!(moved.len() == count, "{moved:?} do");
        Ok(moved)
    })
    .await
}

/// Nothing more is rewired for so long.
async fn stays(cluster: &Cluster, host: &str, count: usize, seconds: u64) -> Result<()> {
    let until = Instant::now() + Duration::from_secs(seconds);
    while Instant::now() < until {
        ensure!(until_moved(cluster, host, count).await?.len() == count);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

#[tokio::test]
async fn a_changed_wiring_goes_one_object_first_and_then_at_its_pace() -> Result<()> {
    Cluster::with(Options::new("control-pace"), async |cluster| {
        let stage = Stage::set(cluster).await?;
        let control = stage.control("control", PACE).await?;
        enrolled(cluster, "monitoring", &[], "hub").await?;
        put(cluster, &moved("one")).await?;
        for name in NAMES {
            create(cluster, "monitoring", name).await?;
            until_wired(cluster, "monitoring", name).await?;
            reconcile(cluster, name, true).await?;
        }

        put(cluster, &moved("two")).await?;
        let first = until_moved(cluster, "two", 1).await?;
        stays(cluster, "two", 1, 5).await?;
        let message = until_reason(cluster, "hub", "Ready", "Working").await?;
        ensure!(
            message.starts_with("5 wired, 0 not; 4 are looked at again"),
            "{message}"
        );
        reconcile(cluster, &first[0], true).await?;
        let begin = Instant::now();
        let mut times = Vec::new();
        for count in 2..=5 {
            for name in until_moved(cluster, "two", count).await? {
                reconcile(cluster, &name, true).await?;
            }
            times.push(begin.elapsed());
        }
        measured(format!("the rest followed after {times:?}"));
        ensure!(
            times[3] > times[0] + Duration::from_millis(5400),
            "faster than thirty a minute: {times:?}"
        );
        until_reason(cluster, "hub", "Ready", "Wired").await?;

        halts(cluster, &stage, control).await
    })
    .await
}

async fn halts(cluster: &Cluster, stage: &Stage<'_>, control: super::stage::Control) -> Result<()> {
    put(cluster, &moved("bad")).await?;
    let first = until_moved(cluster, "bad", 1).await?;
    reconcile(cluster, &first[0], false).await?;
    let message = until_reason(cluster, "hub", "Ready", "RewiringHalted").await?;
    ensure!(
        message.contains(&format!("prometheus/monitoring/{}", first[0])),
        "{message}"
    );
    until_event(cluster, "monitoring", &first[0], "RewiringHalted KTH5301").await?;
    stays(cluster, "bad", 1, 4).await?;

    // One more enrolled namespace changes nothing for the objects, and lifts no halt.
    let mut wider = moved("bad");
    wider["spec"]["credentials"]["namespaces"] = json!(["monitoring", "more"]);
    put(cluster, &wider).await?;
    until_reason(cluster, "hub", "Ready", "RewiringHalted").await?;
    stays(cluster, "bad", 1, 4).await?;

    // The next leader keeps the halt.
    control.process.stop(SOON).await?;
    let control = stage.control("control-two", PACE).await?;
    control.leading().await?;
    stays(cluster, "bad", 1, 4).await?;

    // It heals: the rest follow. And the wiring changes before they are through: it begins anew.
    reconcile(cluster, &first[0], true).await?;
    until_moved(cluster, "bad", 2).await?;
    put(cluster, &moved("good")).await?;
    let first = until_moved(cluster, "good", 1).await?;
    for count in 2..=5 {
        for name in until_moved(cluster, "good", count - 1).await? {
            reconcile(cluster, &name, true).await?;
        }
        until_moved(cluster, "good", count).await?;
    }
    measured(format!(
        "after a failure and a better wiring, {first:?} was first"
    ));
    Ok(())
}

/// The wiring names an authority that is no certificate: only the operator finds that out.
#[tokio::test]
async fn the_real_operator_stops_a_bad_change_at_the_first_object() -> Result<()> {
    Cluster::with(
        Options::new("control-operator").crds(crds::ALL),
        async |cluster| {
            let _operator = Operator::start(cluster, operator::Settings::default()).await?;
            let stage = Stage::set(cluster).await?;
            let _control = stage.control("control", PACE).await?;
            enrolled(cluster, "monitoring", &[], "hub").await?;
            put(cluster, &wiring("hub", &["monitoring"])).await?;
            let api = operator::objects(cluster.client(), "v1", "Prometheus", "monitoring");
            for name in ["a", "b", "c"] {
                create(cluster, "monitoring", name).await?;
                until_wired(cluster, "monitoring", name).await?;
                operator::reconciled(&api, name, SOON).await?;
            }
            secret(cluster, "monitoring", &["user", "password", "ca.crt"]).await?;
            let mut trusting = wiring("hub", &["monitoring"]);
            trusting["spec"]["remoteWrite"]["tls"] =
                json!({"ca": {"secret": {"name": names::SECRET, "key": "ca.crt"}}});
            put(cluster, &trusting).await?;
            until_reason(cluster, "hub", "Ready", "RewiringHalted").await?;
            until_event(cluster, "monitoring", "a", "RewiringHalted KTH5301").await?;
            ensure!(
                trusts(cluster).await? == ["a"],
                "{:?}",
                trusts(cluster).await?
            );

            let authority = Authority::new("hub")?;
            let data = json!({"stringData": {"ca.crt": authority.pem()}});
            let secrets: kube::Api<k8s_openapi::api::core::v1::Secret> =
                kube::Api::namespaced(cluster.client(), "monitoring");
            secrets
                .patch(names::SECRET, &PatchParams::default(), &Patch::Merge(data))
                .await?;
            let begin = Instant::now();
            eventually("the rest follow", SOON, || async {
                let trust = trusts(cluster).await?;
                ensure!(trust == ["a", "b", "c"], "{trust:?}");
                Ok(())
            })
            .await?;
            measured(format!(
                "the operator was content again: all rewired after {:?}",
                begin.elapsed()
            ));
            for name in ["a", "b", "c"] {
                operator::reconciled(&api, name, SOON).await?;
            }
            until_reason(cluster, "hub", "Ready", "Wired")
                .await
                .map(drop)
        },
    )
    .await
}

/// The objects whose entry names an authority.
async fn trusts(cluster: &Cluster) -> Result<Vec<String>> {
    let list = prometheuses(cluster, "monitoring")
        .list(&ListParams::default())
        .await?;
    let trusting = list
        .items
        .iter()
        .filter(|object| object.data["spec"]["remoteWrite"][0]["tlsConfig"]["ca"].is_object());
    Ok(trusting
        .map(|object| object.metadata.name.clone().unwrap_or_default())
        .collect())
}
