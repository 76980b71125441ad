//! The life of a wiring and of an object: opted out and back, no longer selected, deleted both ways, in conflict.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use thanos_core::names;
use thanos_tests::{Cluster, Options, crds, eventually, install};

use super::given::{
    change, create, delete_wiring, enrolled, label_namespace, prometheuses, put, secret, wiring,
    wirings,
};
use super::seen::{until_event, until_reason, until_unwired, until_wired, url};
use super::stage::{self, SOON, Stage, control, measured};

async fn until_gone(cluster: &Cluster, name: &str) -> Result<()> {
    eventually("the wiring is gone", SOON, || async {
        ensure!(
            wirings(cluster).get_opt(name).await?.is_none(),
            "it is still there"
        );
        Ok(())
    })
    .await
}

async fn finalizers(cluster: &Cluster, name: &str) -> Result<Vec<String>> {
    Ok(wirings(cluster)
        .get(name)
        .await?
        .metadata
        .finalizers
        .unwrap_or_default())
}

#[tokio::test]
async fn objects_follow_their_labels_and_their_namespaces() -> Result<()> {
    Cluster::with(Options::new("control-selection"), async |cluster| {
        let stage = Stage::set(cluster).await?;
        let control = stage.control("control", &[]).await?;
        enrolled(cluster, "monitoring", &[("team", "a")], "hub").await?;
        create(cluster, "monitoring", "k8s").await?;
        let mut selecting = wiring("hub", &["monitoring"]);
        selecting["spec"]["namespaceSelector"] = json!({"matchLabels": {"team": "a"}});
        put(cluster, &selecting).await?;
        measured(format!(
            "a wiring was made: the object is wired after {:?}",
            until_wired(cluster, "monitoring", "k8s").await?
        ));

        until_event(cluster, "monitoring", "k8s", "Wired KTH2000 wired by hub").await?;
        change(
            cluster,
            "monitoring",
            "k8s",
            json!({"metadata": {"labels": {names::WIRE: names::DISABLED}}}),
        )
        .await?;
        measured(format!(
            "opted out: un-wired after {:?}",
            until_unwired(cluster, "monitoring", "k8s").await?
        ));
        until_event(
            cluster,
            "monitoring",
            "k8s",
            "UnWired KTH2002 un-wired from hub: opted out",
        )
        .await?;
        change(
            cluster,
            "monitoring",
            "k8s",
            json!({"metadata": {"labels": {names::WIRE: null}}}),
        )
        .await?;
        measured(format!(
            "opted in again: wired after {:?}",
            until_wired(cluster, "monitoring", "k8s").await?
        ));

        label_namespace(cluster, "monitoring", json!({"team": "b"})).await?;
        measured(format!(
            "the namespace's label changed: un-wired after {:?}",
            until_unwired(cluster, "monitoring", "k8s").await?
        ));
        until_event(
            cluster,
            "monitoring",
            "k8s",
            "UnWired KTH2002 un-wired from hub: the wiring does not select namespace",
        )
        .await?;
        label_namespace(cluster, "monitoring", json!({"team": "a"})).await?;
        measured(format!(
            "and back: wired after {:?}",
            until_wired(cluster, "monitoring", "k8s").await?
        ));

        // Where the API server does not ask the webhook, nothing is touched.
        enrolled_where_nobody_asks(cluster, &control).await?;
        let metrics = control.admin.get("/metrics").await?.fine()?;
        for line in [
            "thanos_webhook_wired{wiring=\"hub\"} 1",
            "thanos_webhook_unwired{wiring=\"hub\"} 0",
            "thanos_webhook_leader 1",
        ] {
            ensure!(metrics.contains(line), "{line} in\n{metrics}");
        }
        two_wirings_in_conflict(cluster).await
    })
    .await
}

async fn enrolled_where_nobody_asks(cluster: &Cluster, control: &stage::Control) -> Result<()> {
    label_namespace(cluster, install::NAMESPACE, json!({"team": "a"})).await?;
    create(cluster, install::NAMESPACE, "unasked").await?;
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    ensure!(!control.log()?.contains("unasked"), "it was touched");
    Ok(())
}

async fn two_wirings_in_conflict(cluster: &Cluster) -> Result<()> {
    let mut late = wiring("late", &["monitoring"]);
    late["spec"]["remoteWrite"]["url"] = json!("https://late.example.com/api/v1/receive");
    put(cluster, &late).await?;
    let message = until_reason(cluster, "late", "Ready", "Conflict").await?;
    ensure!(
        message
            == "prometheus/monitoring/k8s: KTH2013 wiring hub comes first and uses the entry name thanos",
        "{message}"
    );
    until_event(
        cluster,
        "monitoring",
        "k8s",
        "EntryTaken KTH2013 not wired by late",
    )
    .await?;
    until_reason(cluster, "hub", "Ready", "Wired")
        .await
        .map(drop)
}

#[tokio::test]
async fn a_wiring_goes_as_it_says() -> Result<()> {
    Cluster::with(Options::new("control-deletion"), async |cluster| {
        let mut stage = Stage::set(cluster).await?;
        let _control = stage.control("control", &[]).await?;
        enrolled(cluster, "monitoring", &[], "hub").await?;
        let mut unwires = wiring("hub", &["monitoring"]);
        unwires["spec"]["onDelete"] = json!("Unwire");
        put(cluster, &unwires).await?;
        for name in ["one", "two", "three"] {
            create(cluster, "monitoring", name).await?;
            until_wired(cluster, "monitoring", name).await?;
        }
        eventually("the finalizer is there", SOON, || async {
            ensure!(
                finalizers(cluster, "hub").await? == [names::FINALIZER],
                "it is not"
            );
            Ok(())
        })
        .await?;
        let begin = std::time::Instant::now();
        delete_wiring(cluster, "hub").await?;
        until_gone(cluster, "hub").await?;
        measured(format!(
            "a wiring with three objects was deleted: gone after {:?}",
            begin.elapsed()
        ));
        for name in ["one", "two", "three"] {
            until_unwired(cluster, "monitoring", name).await?;
            until_event(
                cluster,
                "monitoring",
                name,
                "UnWired KTH2002 un-wired from hub",
            )
            .await?;
        }

        // With a dead webhook it waits, and says so; `Keep` lets it go with everything left in place.
        put(cluster, &unwires).await?;
        until_wired(cluster, "monitoring", "one").await?;
        stage.silence();
        delete_wiring(cluster, "hub").await?;
        let message = until_reason(cluster, "hub", "Ready", "Unwiring").await?;
        ensure!(
            message.contains("still to be un-wired")
                && message.contains("prometheus/monitoring/one"),
            "{message}"
        );
        until_event(
            cluster,
            "monitoring",
            "one",
            "WebhookSilent KTH5201 touched 5 times",
        )
        .await?;
        let keep = json!({"spec": {"onDelete": "Keep"}});
        wirings(cluster)
            .patch(
                "hub",
                &kube::api::PatchParams::default(),
                &kube::api::Patch::Merge(keep),
            )
            .await?;
        until_gone(cluster, "hub").await?;
        let kept = prometheuses(cluster, "monitoring").get("one").await?;
        ensure!(url(&kept).is_some(), "it was un-wired: {}", kept.data);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_wiring_that_keeps_leaves_everything_in_place() -> Result<()> {
    Cluster::with(Options::new("control-keep"), async |cluster| {
        let stage = Stage::set(cluster).await?;
        let control = stage.control("control", &[]).await?;
        enrolled(cluster, "monitoring", &[], "hub").await?;
        put(cluster, &wiring("hub", &["monitoring"])).await?;
        create(cluster, "monitoring", "k8s").await?;
        until_wired(cluster, "monitoring", "k8s").await?;
        let before = prometheuses(cluster, "monitoring").get("k8s").await?;
        ensure!(
            finalizers(cluster, "hub").await?.is_empty(),
            "it has a finalizer"
        );
        delete_wiring(cluster, "hub").await?;
        until_gone(cluster, "hub").await?;
        let touched = control.log()?.matches("touched").count();
        tokio::time::sleep(std::time::Duration::from_secs(4)).await;
        let after = prometheuses(cluster, "monitoring").get("k8s").await?;
        ensure!(
            before.metadata.resource_version == after.metadata.resource_version,
            "it was written to"
        );
        ensure!(
            control.log()?.matches("touched").count() == touched,
            "it was touched"
        );
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_kind_that_is_not_served_is_waited_for() -> Result<()> {
    Cluster::with(
        Options::new("control-late-crds").crds(&[]),
        async |cluster| {
            let stage = Stage::set(cluster).await?;
            let control = control(cluster, "control", &[]).await?;
            control.leading().await?;
            enrolled(cluster, "monitoring", &[], "hub").await?;
            put(cluster, &wiring("hub", &["monitoring"])).await?;
            until_reason(cluster, "hub", "CredentialsReady", "AllReady").await?;
            stage_is_asked_nothing(&control)?;
            crds::install(&cluster.client(), crds::SUBJECTS).await?;
            secret(cluster, "monitoring", &["user", "password"]).await?;
            create(cluster, "monitoring", "k8s").await?;
            measured(format!(
                "the kind is served now: an object is wired after {:?}",
                until_wired(cluster, "monitoring", "k8s").await?
            ));
            eventually("it counts", SOON, || async {
                let wired: Option<Value> = wirings(cluster)
                    .get("hub")
                    .await?
                    .status
                    .map(|status| json!(status.wired));
                ensure!(wired == Some(json!(1)), "{wired:?}");
                Ok(())
            })
            .await?;
            drop(stage);
            Ok(())
        },
    )
    .await
}

fn stage_is_asked_nothing(control: &stage::Control) -> Result<()> {
    let log = control.log()?;
    ensure!(log.matches("the kind is not served").count() == 3, "{log}");
    Ok(())
}
