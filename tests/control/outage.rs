//! `serve` is down under Ignore: nothing is refused, nothing piles up, and the sweep puts everything right afterwards.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use kube::api::{DynamicObject, Patch, PatchParams};
use serde_json::json;
use thanos_core::names;
use thanos_tests::{Cluster, Options, eventually};

use super::given::{create, enrolled, prometheuses, put, wiring};
use super::seen::{has, until_event, until_wired, url};
use super::stage::{SOON, Stage, measured};

/// How often an object was written to, by the API server's own count.
async fn version(cluster: &Cluster, name: &str) -> Result<String> {
    let object = prometheuses(cluster, "monitoring").get(name).await?;
    object.metadata.resource_version.context("a version")
}

#[tokio::test]
async fn the_sweep_puts_right_what_an_outage_left() -> Result<()> {
    Cluster::with(Options::new("control-outage"), async |cluster| {
        let mut stage = Stage::set(cluster).await?;
        let control = stage.control("control", &[]).await?;
        enrolled(cluster, "monitoring", &[], "hub").await?;
        put(cluster, &wiring("hub", &["monitoring"])).await?;
        create(cluster, "monitoring", "before").await?;
        until_wired(cluster, "monitoring", "before").await?;

        stage.silence();
        let fresh = create(cluster, "monitoring", "during").await?;
        ensure!(url(&fresh).is_none(), "who has wired it?");
        // Helm and GitOps send their whole list, in which our entry is not.
        let list = json!({"spec": {"remoteWrite": [{"url": "https://mine.example.com/push"}]}});
        prometheuses(cluster, "monitoring")
            .patch("before", &PatchParams::default(), &Patch::Merge(list))
            .await?;
        until_event(cluster, "monitoring", "during", "WebhookSilent KTH5201").await?;
        nothing_piles_up(cluster).await?;

        stage.serve().await?;
        let (one, two) = (
            until_wired(cluster, "monitoring", "during").await?,
            until_wired(cluster, "monitoring", "before").await?,
        );
        measured(format!(
            "serve is back: wired after {one:?} and {:?}",
            one + two
        ));
        let healed = prometheuses(cluster, "monitoring").get("before").await?;
        let entries = healed.data["spec"]["remoteWrite"]
            .as_array()
            .context("a list")?;
        ensure!(
            entries.len() == 2 && entries[0]["url"] == "https://mine.example.com/push",
            "{entries:?}"
        );
        until_event(cluster, "monitoring", "during", "Wired KTH2000").await?;
        ensure!(
            !control.log()?.contains("could not be"),
            "{}",
            control.log()?
        );
        Ok(())
    })
    .await
}

/// A touch that nobody answers is written once; every further one changes nothing that is stored.
async fn nothing_piles_up(cluster: &Cluster) -> Result<()> {
    let object: DynamicObject = prometheuses(cluster, "monitoring").get("during").await?;
    ensure!(has(&object, names::TOUCH), "it was not touched");
    let before = version(cluster, "during").await?;
    tokio::time::sleep(Duration::from_secs(8)).await;
    ensure!(
        version(cluster, "during").await? == before,
        "every touch is stored anew"
    );
    Ok(())
}

#[tokio::test]
async fn many_objects_are_wired_by_one_new_wiring() -> Result<()> {
    Cluster::with(Options::new("control-many"), async |cluster| {
        let stage = Stage::set(cluster).await?;
        let _control = stage.control("control", &[]).await?;
        enrolled(cluster, "monitoring", &[], "hub").await?;
        let many: Vec<String> = (0..40).map(|number| format!("p{number:02}")).collect();
        for name in &many {
            create(cluster, "monitoring", name).await?;
        }
        let begin = std::time::Instant::now();
        put(cluster, &wiring("hub", &["monitoring"])).await?;
        eventually("all are wired", SOON, || async {
            let list = prometheuses(cluster, "monitoring")
                .list(&kube::api::ListParams::default())
                .await?;
            let wired = list
                .items
                .iter()
                .filter(|object| url(object).is_some() && !has(object, names::TOUCH))
                .count();
            ensure!(wired == 40, "{wired} are");
            Ok(())
        })
        .await?;
        measured(format!(
            "forty objects and a new wiring: wired after {:?}",
            begin.elapsed()
        ));
        Ok(())
    })
    .await
}
