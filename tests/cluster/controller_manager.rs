//! The parts of kube-controller-manager that tests need: namespaces end, owned objects follow their owners, service
//! accounts appear.

use std::time::Duration;

use anyhow::Result;

use crate::certificates::Authority;
use crate::http::Http;
use crate::port::Port;
use crate::{Cluster, Process, Program};

const START: Duration = Duration::from_secs(120);
const CONTROLLERS: &str =
    "namespace-controller,garbage-collector-controller,serviceaccount-controller";

/// A running controller manager.
pub struct ControllerManager {
    process: Process,
    _port: Port,
}

impl ControllerManager {
    /// Starts it and waits until it is healthy.
    ///
    /// # Errors
    /// When it does not come up; with the end of its log.
    pub async fn start(cluster: &Cluster) -> Result<Self> {
        let (port, run) = (Port::take()?, cluster.run());
        let authority = Authority::new("controller-manager")?;
        let pair = authority.loopback()?;
        let process = Program::tool("kube-controller-manager")?
            .arg(format!("--kubeconfig={}", cluster.kubeconfig().display()))
            .arg(format!("--controllers={CONTROLLERS}"))
            .args(["--leader-elect=false", "--bind-address=127.0.0.1"])
            .arg(format!("--secure-port={}", port.number()))
            .arg(format!(
                "--tls-cert-file={}",
                run.file("files/controllers.crt", &pair.certificate)?
                    .display()
            ))
            .arg(format!(
                "--tls-private-key-file={}",
                run.file("files/controllers.key", &pair.key)?.display()
            ))
            .start(run)?;
        let http = Http::trusting(&format!("https://{}", port.address()), authority.pem())?;
        process
            .ready(START, || async {
                http.get("/healthz").await?.fine().map(drop)
            })
            .await?;
        Ok(Self {
            process,
            _port: port,
        })
    }

    /// Its process.
    pub fn process(&self) -> &Process {
        &self.process
    }
}
