//! Our own programs, as processes under the rights of their real ServiceAccounts, registered by the real chart.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use thanos_core::names;

use crate::certificates::Authority;
use crate::http::Http;
use crate::port::Port;
use crate::{Cluster, Process, Program, install};

const START: Duration = Duration::from_secs(120);

/// A running `thanos-webhook serve`.
pub struct Serve {
    process: Process,
    address: SocketAddr,
    admin: Http,
    _ports: [Port; 2],
}

/// A running `thanos-webhook control`.
pub struct Control {
    process: Process,
    admin: Http,
    _port: Port,
}

/// The chart in a cluster, and who signs for its webhook.
pub struct Installed {
    authority: Authority,
    /// Where the registration says that the webhook is.
    pub address: SocketAddr,
    _port: Port,
}

impl Installed {
    /// Installs the chart for a webhook on a port of its own. Nothing listens there yet.
    ///
    /// # Errors
    /// When the chart does not render or the API server refuses a part of it.
    pub async fn new(cluster: &Cluster) -> Result<Self> {
        let port = Port::take()?;
        let authority = Authority::new("thanos-webhook")?;
        let address = port.address();
        let registered = install::Address {
            url: format!("https://{address}"),
            authority: authority.pem().to_owned(),
        };
        install::webhook(cluster, &registered).await?;
        Ok(Self {
            authority,
            address,
            _port: port,
        })
    }

    /// Starts `serve` where the registration points, with more arguments.
    ///
    /// # Errors
    /// When it does not get ready; with the end of its log.
    pub async fn serve(&self, cluster: &Cluster, more: &[&str]) -> Result<Serve> {
        self.serve_at(cluster, self.address, more).await
    }

    /// Starts `serve` on another address: a second replica.
    ///
    /// # Errors
    /// When it does not get ready; with the end of its log.
    pub async fn serve_at(
        &self,
        cluster: &Cluster,
        address: SocketAddr,
        more: &[&str],
    ) -> Result<Serve> {
        let ports = [Port::take()?, Port::take()?];
        let admin = ports[0].address();
        let pair = self.authority.loopback()?;
        let kubeconfig = cluster
            .kubeconfig_of_account(install::NAMESPACE, names::ACCOUNT_SERVE)
            .await?;
        let run = cluster.run();
        let process = Program::ours("thanos-webhook")?
            .named("thanos-webhook-serve")
            .arg("serve")
            .arg("--kubeconfig")
            .arg(kubeconfig)
            .arg(format!("--listen={address}"))
            .arg(format!("--admin-listen={admin}"))
            .arg("--tls-cert")
            .arg(run.file("webhook/tls.crt", &pair.certificate)?)
            .arg("--tls-key")
            .arg(run.file("webhook/tls.key", &pair.key)?)
            .args(more.iter().copied())
            .start(run)?;
        let admin = ready(&process, admin).await?;
        Ok(Serve {
            process,
            address,
            admin,
            _ports: ports,
        })
    }
}

impl Serve {
    /// Its process.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its admin port.
    pub fn admin(&self) -> &Http {
        &self.admin
    }

    /// Stops it as Kubernetes would.
    ///
    /// # Errors
    /// When it does not end in time.
    pub async fn stop(self) -> Result<()> {
        self.process.stop(START).await.map(drop)
    }
}

impl Control {
    /// Starts `control` with more arguments and waits until it is ready.
    ///
    /// # Errors
    /// When it does not get ready; with the end of its log.
    pub async fn start(cluster: &Cluster, more: &[&str]) -> Result<Self> {
        let kubeconfig = cluster
            .kubeconfig_of_account(install::NAMESPACE, names::ACCOUNT_CONTROL)
            .await?;
        Self::start_as(cluster, &kubeconfig, more).await
    }

    /// Starts `control` as somebody.
    ///
    /// # Errors
    /// When it does not get ready; with the end of its log.
    pub async fn start_as(cluster: &Cluster, kubeconfig: &Path, more: &[&str]) -> Result<Self> {
        let port = Port::take()?;
        let process = Program::ours("thanos-webhook")?
            .named("thanos-webhook-control")
            .arg("control")
            .arg("--kubeconfig")
            .arg(kubeconfig)
            .arg(format!("--admin-listen={}", port.address()))
            .arg(format!("--namespace={}", install::NAMESPACE))
            // The chart stands here with an authority of the harness.
            .arg("--certificates=none")
            .args(more.iter().copied())
            .start(cluster.run())?;
        let admin = ready(&process, port.address()).await?;
        Ok(Self {
            process,
            admin,
            _port: port,
        })
    }

    /// Its process.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// Its admin port.
    pub fn admin(&self) -> &Http {
        &self.admin
    }
}

async fn ready(process: &Process, admin: SocketAddr) -> Result<Http> {
    let admin = Http::new(&format!("http://{admin}"))?;
    process
        .ready(START, || async {
            admin.get("/readyz").await?.fine().map(drop)
        })
        .await?;
    Ok(admin)
}

/// The real kubectl with our plugin on its path.
///
/// # Errors
/// When one of the two is not built.
pub fn kubectl_thanos(cluster: &Cluster) -> Result<Program> {
    let plugin = crate::tools::ours("kubectl-thanos")?;
    let folder = plugin.parent().context("a program without a folder")?;
    let path = std::env::join_paths([folder.to_owned()].into_iter().chain(std::env::split_paths(
        &std::env::var_os("PATH").unwrap_or_default(),
    )))?;
    Ok(cluster.kubectl()?.env("PATH", path).arg("thanos"))
}
