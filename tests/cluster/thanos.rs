//! The real Thanos: Receive, with a bucket where one is given, and Query over it.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Result;

use crate::http::Http;
use crate::port::Port;
use crate::promql::{self, Sample};
use crate::{Process, Program, Run};

const START: Duration = Duration::from_secs(120);

/// What Receive is started with.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// An object-store file; without one blocks stay local.
    pub bucket: Option<String>,
    /// More arguments.
    pub arguments: Vec<String>,
}

/// A running `thanos receive`.
pub struct Receive {
    process: Process,
    write: Port,
    grpc: Port,
    http: Port,
    _capnproto: Port,
}

impl Receive {
    /// Starts it and waits until it takes samples.
    ///
    /// # Errors
    /// When it does not come up; with the end of its log.
    pub async fn start(run: &Run, settings: Settings) -> Result<Self> {
        let (write, grpc, http) = (Port::take()?, Port::take()?, Port::take()?);
        let capnproto = Port::take()?;
        let mut program = Program::tool("thanos")?
            .named("thanos-receive")
            .arg("receive")
            .arg(format!("--remote-write.address={}", write.address()))
            .arg(format!("--grpc-address={}", grpc.address()))
            .arg(format!("--http-address={}", http.address()))
            .arg(format!(
                "--receive.capnproto-address={}",
                capnproto.address()
            ))
            .arg("--grpc-grace-period=0s")
            .arg("--http-grace-period=0s")
            .arg("--label=receive_replica=\"0\"")
            // Thanos 0.42 dies of a start in the first minute of every fourth hour, when it looks for tenants to prune.
            .arg("--tsdb.retention=0d")
            .arg(format!(
                "--tsdb.path={}",
                run.data(&format!("receive-{}", write.number()))?.display()
            ));
        if let Some(bucket) = settings.bucket {
            let file = run.file(&format!("files/bucket-{}.yml", write.number()), bucket)?;
            program = program.arg(format!("--objstore.config-file={}", file.display()));
        }
        let process = program.args(settings.arguments).start(run)?;
        let ready = Http::new(&format!("http://{}", http.address()))?;
        process
            .ready(START, || async {
                ready.get("/-/ready").await?.fine().map(drop)
            })
            .await?;
        Ok(Self {
            process,
            write,
            grpc,
            http,
            _capnproto: capnproto,
        })
    }

    /// Where `POST /api/v1/receive` goes, without TLS and without authentication.
    pub fn write_address(&self) -> SocketAddr {
        self.write.address()
    }

    /// Where Query finds its store.
    pub fn grpc_address(&self) -> SocketAddr {
        self.grpc.address()
    }

    /// A client of its metrics and probes.
    ///
    /// # Errors
    /// Never with an address of ours.
    pub fn http(&self) -> Result<Http> {
        Http::new(&format!("http://{}", self.http.address()))
    }

    /// Its process; stopping it gracefully uploads what it holds.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// Stops it as Kubernetes would; with a bucket it uploads its blocks first.
    ///
    /// # Errors
    /// When it does not end in time.
    pub async fn stop(self, within: Duration) -> Result<()> {
        self.process.stop(within).await.map(drop)
    }
}

/// A running `thanos query`.
pub struct Query {
    process: Process,
    port: Port,
    _grpc: Port,
    http: Http,
}

impl Query {
    /// Starts it over these stores and waits until it answers.
    ///
    /// # Errors
    /// When it does not come up; with the end of its log.
    pub async fn start(run: &Run, stores: &[SocketAddr]) -> Result<Self> {
        let (port, grpc) = (Port::take()?, Port::take()?);
        let process = Program::tool("thanos")?
            .named("thanos-query")
            .arg("query")
            .arg(format!("--http-address={}", port.address()))
            .arg(format!("--grpc-address={}", grpc.address()))
            .arg("--grpc-grace-period=0s")
            .arg("--http-grace-period=0s")
            .args(stores.iter().map(|store| format!("--endpoint={store}")))
            .start(run)?;
        let http = Http::new(&format!("http://{}", port.address()))?;
        process
            .ready(START, || async {
                http.get("/-/ready").await?.fine().map(drop)
            })
            .await?;
        Ok(Self {
            process,
            port,
            _grpc: grpc,
            http,
        })
    }

    /// Where it is reached.
    pub fn url(&self) -> String {
        format!("http://{}", self.port.address())
    }

    /// Its process.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// Asks it.
    ///
    /// # Errors
    /// When it refuses the query.
    pub async fn query(&self, promql: &str) -> Result<Vec<Sample>> {
        promql::query(&self.http, promql).await
    }
}
