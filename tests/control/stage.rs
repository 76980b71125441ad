//! What every story stands on: the chart, and `serve` and `control` as processes under their own accounts.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, ensure};
use thanos_core::names;
use thanos_tests::certificates::{Authority, Pair};
use thanos_tests::http::Http;
use thanos_tests::port::Port;
use thanos_tests::{Cluster, Process, Program, eventually, install};

/// A story waits no longer for anything that takes a moment.
pub(super) const SOON: Duration = Duration::from_secs(30);
/// The secret that no output may hold.
pub(super) const PASSWORD: &str = "canary-7d41";
/// The times of product.md, an order of magnitude shorter.
pub(super) const QUICK: &[&str] = &[
    "--lease-duration=3s",
    "--lease-renew=2s",
    "--lease-retry=300ms",
    "--sweep=2s",
    "--touch-longest=3s",
    // The chart stands here with the harness' own authority.
    "--certificates=none",
];

/// Prints what a story measured.
#[expect(
    clippy::print_stdout,
    reason = "the times are what the stories are for"
)]
pub(super) fn measured(what: impl std::fmt::Display) {
    println!("{what}");
}

/// A cluster with the chart in it.
pub(super) struct Stage<'c> {
    pub(super) cluster: &'c Cluster,
    pair: Pair,
    port: Port,
    serve: Option<Process>,
}

/// `control` as a process.
pub(super) struct Control {
    pub(super) process: Process,
    pub(super) admin: Http,
    _port: Port,
}

impl<'c> Stage<'c> {
    /// Installs the chart and starts `serve`.
    pub(super) async fn set(cluster: &'c Cluster) -> Result<Self> {
        let authority = Authority::new("control-test")?;
        let port = Port::take()?;
        let address = install::Address {
            url: format!("https://{}", port.address()),
            authority: authority.pem().to_owned(),
        };
        install::webhook(cluster, &address).await?;
        let mut stage = Self {
            cluster,
            pair: authority.loopback()?,
            port,
            serve: None,
        };
        stage.serve().await?;
        Ok(stage)
    }

    /// Starts `serve`, again at the same address, and waits until it is ready.
    pub(super) async fn serve(&mut self) -> Result<()> {
        let run = self.cluster.run();
        let admin = Port::take()?;
        let account = self
            .cluster
            .kubeconfig_of_account(install::NAMESPACE, names::ACCOUNT_SERVE)
            .await?;
        let program = Program::ours("thanos-webhook")?
            .named("serve")
            .arg("serve")
            .arg("--kubeconfig")
            .arg(account);
        let program = program.args([
            format!("--listen={}", self.port.address()),
            format!("--admin-listen={}", admin.address()),
        ]);
        let program = program
            .arg("--tls-cert")
            .arg(run.file("tls.crt", &self.pair.certificate)?);
        let process = program
            .arg("--tls-key")
            .arg(run.file("tls.key", &self.pair.key)?)
            .start(run)?;
        let health = Http::new(&format!("http://{}", admin.address()))?;
        process
            .ready(SOON, || async {
                health.get("/readyz").await?.fine().map(drop)
            })
            .await?;
        self.serve = Some(process);
        Ok(())
    }

    /// Ends `serve` at once.
    pub(super) fn silence(&mut self) {
        self.serve = None;
    }

    /// Starts `control` under its own account.
    pub(super) async fn control(&self, name: &str, more: &[&str]) -> Result<Control> {
        control(self.cluster, name, more).await
    }
}

/// Starts `control` under its own account.
pub(super) async fn control(cluster: &Cluster, name: &str, more: &[&str]) -> Result<Control> {
    let account: PathBuf = cluster
        .kubeconfig_of_account(install::NAMESPACE, names::ACCOUNT_CONTROL)
        .await?;
    let port = Port::take()?;
    let program = Program::ours("thanos-webhook")?
        .named(name)
        .arg("control")
        .arg("--kubeconfig")
        .arg(account);
    let program = program.args([
        format!("--admin-listen={}", port.address()),
        format!("--identity={name}"),
    ]);
    let said = |flag: &&&str| {
        more.iter()
            .any(|other| other.split('=').next() == flag.split('=').next())
    };
    let quick = QUICK.iter().filter(|flag| !said(flag)).copied();
    let process = program
        .args(quick)
        .args(more.iter().copied())
        .start(cluster.run())?;
    let admin = Http::new(&format!("http://{}", port.address()))?;
    process
        .ready(SOON, || async {
            admin.get("/readyz").await?.fine().map(drop)
        })
        .await?;
    Ok(Control {
        process,
        admin,
        _port: port,
    })
}

impl Control {
    /// What it has logged.
    pub(super) fn log(&self) -> Result<String> {
        Ok(std::fs::read_to_string(self.process.log())?)
    }

    /// Whether it leads, by its own metric.
    pub(super) async fn leads(&self) -> Result<bool> {
        let metrics = self.admin.get("/metrics").await?.fine()?;
        Ok(metrics
            .lines()
            .any(|line| line == "thanos_webhook_leader 1"))
    }

    /// Waits until it leads.
    pub(super) async fn leading(&self) -> Result<()> {
        eventually("it leads", SOON, || async {
            ensure!(self.leads().await?, "it does not");
            Ok(())
        })
        .await
    }
}
