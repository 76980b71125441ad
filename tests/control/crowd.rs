//! Five hundred enrolled namespaces: more than are watched, so most are asked again and again.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use futures::{StreamExt, TryStreamExt};
use kube::api::ListParams;
use thanos_tests::{Cluster, Options, eventually};

use super::given::{create, enrolled, everywhere, permit, put, secret, wiring, wirings};
use super::seen::{until_wired, url};
use super::stage::{Stage, measured};

const COUNT: usize = 500;
/// As many namespaces get their Secret last, and an object before that.
const LATE: usize = 60;
const LONG: Duration = Duration::from_secs(120);

fn name(number: usize) -> String {
    format!("team-{number:03}")
}

async fn ready(cluster: &Cluster) -> Result<usize> {
    let status = wirings(cluster)
        .get("hub")
        .await?
        .status
        .context("no status yet")?;
    Ok(status.namespaces.iter().filter(|one| one.ready).count())
}

async fn until_ready(cluster: &Cluster, count: usize) -> Result<Duration> {
    let begin = Instant::now();
    eventually(&format!("{count} namespaces are ready"), LONG, || async {
        let ready = ready(cluster).await?;
        ensure!(ready == count, "{ready} are");
        tokio::time::sleep(Duration::from_millis(100)).await;
        Ok(())
    })
    .await?;
    Ok(begin.elapsed())
}

#[tokio::test]
async fn five_hundred_namespaces_are_looked_at() -> Result<()> {
    Cluster::with(Options::new("control-crowd"), async |cluster| {
        let stage = Stage::set(cluster).await?;
        let begin = Instant::now();
        let made = futures::stream::iter(0..COUNT).map(|number| async move {
            let name = name(number);
            if number < COUNT - LATE {
                return enrolled(cluster, &name, &[], "hub").await;
            }
            cluster.namespace(&name, &[]).await?;
            permit(cluster, &name, "hub").await
        });
        made.buffer_unordered(16).try_collect::<Vec<()>>().await?;
        measured(format!("made {COUNT} namespaces in {:?}", begin.elapsed()));

        let defaults = ["--sweep=10s", "--touch-longest=25s"];
        let control = stage.control("control", &defaults).await?;
        control.leading().await?;
        let all: Vec<String> = (0..COUNT).map(name).collect();
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        measured(format!(
            "control holds {} KiB at rest",
            control.process.resident_bytes()? / 1024
        ));
        put(cluster, &wiring("hub", &all)).await?;
        measured(format!(
            "{} are ready after {:?}",
            COUNT - LATE,
            until_ready(cluster, COUNT - LATE).await?
        ));
        measured(format!(
            "control holds {} KiB with {COUNT} targets",
            control.process.resident_bytes()? / 1024
        ));

        late(cluster).await?;
        measured(format!(
            "control holds {} KiB in the end",
            control.process.resident_bytes()? / 1024
        ));
        Ok(())
    })
    .await
}

/// The last ones are not among the watched: their objects are wired within 30 s of the Secret all the same.
async fn late(cluster: &Cluster) -> Result<()> {
    for number in COUNT - LATE..COUNT {
        create(cluster, &name(number), "k8s").await?;
    }
    let one = name(COUNT - 1);
    secret(cluster, &one, &["user", "password"]).await?;
    measured(format!(
        "one Secret arrived: its object is wired after {:?}",
        until_wired(cluster, &one, "k8s").await?
    ));
    let begin = Instant::now();
    for number in COUNT - LATE..COUNT - 1 {
        secret(cluster, &name(number), &["user", "password"]).await?;
    }
    until_ready(cluster, COUNT).await?;
    eventually("all are wired", Duration::from_secs(30), || async {
        let wired = everywhere(cluster)
            .list(&ListParams::default())
            .await?
            .items
            .iter()
            .filter(|object| url(object).is_some())
            .count();
        ensure!(wired == LATE, "{wired} are");
        Ok(())
    })
    .await?;
    measured(format!(
        "{} Secrets arrived: all objects are wired after {:?}",
        LATE - 1,
        begin.elapsed()
    ));
    Ok(())
}
