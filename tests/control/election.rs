//! One leader: the other takes over when it is killed, a paused one writes nothing, one that is asked to stop gives back.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::coordination::v1::Lease;
use kube::Api;
use rustix::process::Signal;
use serde_json::json;
use thanos_core::names;
use thanos_tests::{Cluster, Options, eventually, install};

use super::given::{create, enrolled, put, wiring};
use super::seen::{until_reason, until_wired};
use super::stage::{Control, SOON, Stage, measured};

async fn holder(cluster: &Cluster) -> Result<String> {
    let leases: Api<Lease> = Api::namespaced(cluster.client(), install::NAMESPACE);
    let spec = leases.get(names::LEASE).await?.spec.context("a spec")?;
    spec.holder_identity.context("a holder")
}

async fn until_held_by(cluster: &Cluster, name: &str) -> Result<Duration> {
    let begin = Instant::now();
    eventually(&format!("{name} leads"), SOON, || async {
        let holder = holder(cluster).await?;
        ensure!(holder.starts_with(&format!("{name}_")), "{holder} does");
        Ok(())
    })
    .await?;
    Ok(begin.elapsed())
}

#[tokio::test]
async fn the_other_takes_over() -> Result<()> {
    Cluster::with(Options::new("control-election").audit(), async |cluster| {
        let stage = Stage::set(cluster).await?;
        enrolled(cluster, "monitoring", &[], "hub").await?;
        let one = stage.control("one", &[]).await?;
        one.leading().await?;
        let two = stage.control("two", &[]).await?;
        ensure!(!two.leads().await?, "both lead");
        put(cluster, &wiring("hub", &["monitoring"])).await?;
        until_reason(cluster, "hub", "CredentialsReady", "AllReady").await?;

        one.process.signal(Signal::KILL)?;
        measured(format!(
            "kill -9: the other leads after {:?}",
            until_held_by(cluster, "two").await?
        ));
        two.leading().await?;
        // The new leader works: an object that serve could not wire is.
        create(cluster, "monitoring", "k8s").await?;
        until_wired(cluster, "monitoring", "k8s").await?;
        until_reason(cluster, "hub", "Ready", "Wired").await?;

        let one = stage.control("one", &[]).await?;
        let stopped = two.process.stop(SOON).await?;
        ensure!(stopped.success(), "it ended with {stopped}");
        measured(format!(
            "SIGTERM: the other leads after {:?}",
            until_held_by(cluster, "one").await?
        ));
        one.leading().await?;
        paused(cluster, &stage, one).await
    })
    .await
}

/// A leader that is stopped in the middle of its term must not write when it wakes.
async fn paused(cluster: &Cluster, stage: &Stage<'_>, one: Control) -> Result<()> {
    let two = stage.control("two", &[]).await?;
    one.process.signal(Signal::STOP)?;
    measured(format!(
        "SIGSTOP: the other leads after {:?}",
        until_held_by(cluster, "two").await?
    ));
    two.leading().await?;
    // Something to write for whoever believes that it leads.
    let mut narrowed = wiring("hub", &["monitoring"]);
    narrowed["spec"]["objectSelector"] = json!({"matchLabels": {"never": "there"}});
    put(cluster, &narrowed).await?;
    let identity = |log: &str| {
        log.lines()
            .find(|line| line.contains("leading"))
            .map(str::to_owned)
    };
    ensure!(identity(&one.log()?).is_some(), "it never led");
    one.process.signal(Signal::CONT)?;
    let woke = jiff::Timestamp::now();
    eventually("it sees that it leads no more", SOON, || async {
        ensure!(!one.leads().await?, "it believes that it leads");
        Ok(())
    })
    .await?;
    until_reason(cluster, "hub", "Ready", "Wired").await?;
    let log = one.log()?;
    let after: Vec<&str> = log.lines().filter(|line| later(line, woke)).collect();
    ensure!(
        after
            .iter()
            .all(|line| !line.contains("touched") && !line.contains("told")),
        "{after:?}"
    );
    ensure!(
        holder(cluster).await?.starts_with("two_"),
        "it took the lease back"
    );
    Ok(())
}

/// Whether a log line was written after that time.
fn later(line: &str, time: jiff::Timestamp) -> bool {
    let stamp = line
        .split_whitespace()
        .next()
        .and_then(|stamp| stamp.parse::<jiff::Timestamp>().ok());
    stamp.is_some_and(|stamp| stamp > time)
}
