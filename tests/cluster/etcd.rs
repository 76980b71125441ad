//! etcd, one member, without waiting for the disk.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;

use crate::http::Http;
use crate::port::Port;
use crate::{Process, Program, Run};

const START: Duration = Duration::from_secs(120);

/// A running etcd.
#[derive(Debug)]
pub struct Etcd {
    process: Process,
    client: Port,
    _peer: Port,
}

impl Etcd {
    /// Starts it on this data, old or new, and waits until it serves.
    ///
    /// # Errors
    /// When it does not come up; with the end of its log.
    pub async fn start(run: &Run, data: &Path) -> Result<Self> {
        let (client, peer) = (Port::take()?, Port::take()?);
        let (client_url, peer_url) = (
            format!("http://{}", client.address()),
            format!("http://{}", peer.address()),
        );
        let process = Program::tool("etcd")?
            .arg("--data-dir")
            .arg(data)
            .args([
                "--unsafe-no-fsync".to_owned(),
                // A member with old data waits for an election, and there is nobody else to elect.
                "--heartbeat-interval=10".to_owned(),
                "--election-timeout=100".to_owned(),
                format!("--listen-client-urls={client_url}"),
                format!("--advertise-client-urls={client_url}"),
                format!("--listen-peer-urls={peer_url}"),
                format!("--initial-advertise-peer-urls={peer_url}"),
                format!("--initial-cluster=default={peer_url}"),
            ])
            .start(run)?;
        let http = Http::new(&client_url)?;
        process
            .ready(START, || async {
                http.get("/readyz").await?.fine().map(drop)
            })
            .await?;
        Ok(Self {
            process,
            client,
            _peer: peer,
        })
    }

    /// Where clients reach it.
    pub fn url(&self) -> String {
        format!("http://{}", self.client.address())
    }

    /// Stops it, its data whole.
    ///
    /// # Errors
    /// When it does not end in time.
    pub async fn stop(self, within: Duration) -> Result<()> {
        self.process.stop(within).await.map(drop)
    }

    /// Its process.
    pub fn process(&self) -> &Process {
        &self.process
    }
}
