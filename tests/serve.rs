//! `thanos-webhook serve` on a real socket: deadlines, limits, certificates, the end, and a real API server.

mod certificates;
mod cluster;
mod deadlines;
mod ending;
mod limits;
mod policies;
mod program;
mod secrets;
mod warnings;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use jiff::Timestamp;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::{Value, json};
use tempfile::TempDir;
use thanos_tests::certificates::{Authority, der};
use thanos_webhook::admin::Health;
use thanos_webhook::facts::Knowledge;
use thanos_webhook::metrics::Metrics;
use thanos_webhook::shutdown::Shutdown;
use thanos_webhook::{admission, server, tls};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// The deadlines of product.md, an order of magnitude shorter.
const SERVER: server::Limits = server::Limits {
    connections: 64,
    handshake: Duration::from_millis(400),
    header: Duration::from_millis(400),
    idle: Duration::from_millis(1500),
    write: Duration::from_millis(400),
    shutdown_delay: Duration::ZERO,
    drain: Duration::from_secs(2),
};

/// The webhook's listener in this process.
struct Server {
    address: SocketAddr,
    authority: Authority,
    /// Holds the certificate; goes with this value.
    folder: TempDir,
    metrics: Arc<Metrics>,
    health: Arc<Health>,
    /// Held: the server ends when nobody can ask it to any more.
    _shutdown: Shutdown,
}

impl Server {
    async fn start(limits: server::Limits) -> Result<Self> {
        Self::with(limits, admission(), Knowledge::new()).await
    }

    async fn with(
        limits: server::Limits,
        reviews: admission::Limits,
        knowledge: Knowledge,
    ) -> Result<Self> {
        let authority = Authority::new("serve-test")?;
        let folder = tempfile::tempdir()?;
        let pair = authority.loopback()?;
        std::fs::write(folder.path().join("tls.crt"), &pair.certificate)?;
        std::fs::write(folder.path().join("tls.key"), &pair.key)?;
        let certificate = tls::Current::load(files(&folder))?;
        let (metrics, health, shutdown) =
            (Arc::new(Metrics::default()), Health::new(), Shutdown::new());
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let state = admission::State::with(
            Arc::new(knowledge),
            reviews,
            Arc::clone(&metrics),
            Timestamp::now,
        );
        let (config, router) = (certificate.config()?, admission::router(state));
        tokio::spawn(certificate.keep(
            Duration::from_millis(50),
            Arc::clone(&health),
            Arc::clone(&metrics),
        ));
        tokio::spawn(server::serve(
            listener,
            Some(config),
            router,
            limits,
            Arc::clone(&metrics),
            shutdown.clone(),
        ));
        Ok(Self {
            address,
            authority,
            folder,
            metrics,
            health,
            _shutdown: shutdown,
        })
    }

    async fn connect(&self) -> Result<Client> {
        connect(self.address, self.authority.pem()).await
    }
}

fn files(folder: &TempDir) -> tls::Files {
    tls::Files {
        certificate: folder.path().join("tls.crt"),
        key: folder.path().join("tls.key"),
    }
}

fn admission() -> admission::Limits {
    admission::Limits {
        body_timeout: Duration::from_millis(400),
        ..admission::Limits::default()
    }
}

/// A connection that sends what it is told, byte by byte if need be.
struct Client<S = TlsStream<TcpStream>> {
    stream: S,
    /// What came after the last answer.
    rest: Vec<u8>,
}

/// Status, header and body of an answer.
#[derive(Debug)]
struct Said {
    status: u16,
    header: String,
    body: String,
}

async fn connect(address: SocketAddr, authority: &str) -> Result<Client> {
    let mut roots = RootCertStore::empty();
    for certificate in der(authority)? {
        roots.add(CertificateDer::from(certificate))?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let config = config.with_root_certificates(roots).with_no_client_auth();
    let stream = TcpStream::connect(address).await.context("connecting")?;
    let stream = TlsConnector::from(Arc::new(config))
        .connect(ServerName::try_from("localhost")?, stream)
        .await;
    Ok(Client {
        stream: stream.context("the handshake")?,
        rest: Vec::new(),
    })
}

impl Client {
    async fn send(&mut self, bytes: impl AsRef<[u8]>) -> Result<()> {
        self.stream.write_all(bytes.as_ref()).await?;
        Ok(self.stream.flush().await?)
    }

    async fn post(&mut self, path: &str, body: &str) -> Result<Said> {
        self.send(format!("{}{body}", head(path, body.len())))
            .await?;
        self.said().await
    }

    /// The next answer.
    async fn said(&mut self) -> Result<Said> {
        let end = loop {
            if let Some(at) = self.rest.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            ensure!(self.read().await? > 0, "closed without an answer");
        };
        let header = String::from_utf8_lossy(&self.rest[..end]).to_ascii_lowercase();
        let field = |name: &str| {
            header
                .lines()
                .find_map(|line| Some(line.strip_prefix(name)?.trim().to_owned()))
        };
        let length: usize = field("content-length:")
            .context("no content-length")?
            .parse()?;
        while self.rest.len() < end + length {
            ensure!(self.read().await? > 0, "closed within an answer");
        }
        let status = header.split(' ').nth(1).context("no status")?.parse()?;
        let body = String::from_utf8_lossy(&self.rest[end..end + length]).into_owned();
        self.rest.drain(..end + length);
        Ok(Said {
            status,
            header,
            body,
        })
    }

    async fn read(&mut self) -> Result<usize> {
        Ok(self.stream.read_buf(&mut self.rest).await?)
    }

    /// The serial number of the certificate that the other side showed, and all of it.
    fn certificate(&self) -> Vec<u8> {
        let certificates = self.stream.get_ref().1.peer_certificates();
        certificates
            .and_then(<[_]>::first)
            .map(|first| first.to_vec())
            .unwrap_or_default()
    }
}

/// Waits until the other side is gone, however it goes.
async fn closed(stream: &mut (impl AsyncRead + Unpin)) {
    let mut bytes = [0; 1024];
    while stream.read(&mut bytes).await.is_ok_and(|count| count > 0) {}
}

fn head(path: &str, length: usize) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n"
    )
}

/// A review of a Prometheus that is made in `namespace`.
fn review(namespace: &str) -> String {
    let object = json!({
        "apiVersion": "monitoring.coreos.com/v1", "kind": "Prometheus",
        "metadata": {"name": "k8s", "namespace": namespace}, "spec": {"version": "v3.5.0"},
    });
    let review = json!({
        "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
        "request": {
            "uid": "5d1c", "operation": "CREATE", "namespace": namespace, "object": object,
            "kind": {"group": "monitoring.coreos.com", "version": "v1", "kind": "Prometheus"},
        },
    });
    review.to_string()
}

/// A wiring of every namespace, without a credential.
fn wiring() -> Value {
    json!({
        "apiVersion": "kubectl-thanos.dev/v1alpha1", "kind": "ThanosWiring", "metadata": {"name": "hub"},
        "spec": {"cluster": "edge", "remoteWrite": {"url": "https://receive.example.com/", "auth": {"none": {}}}},
    })
}

fn rejected(metrics: &Metrics, cause: &'static str) -> u64 {
    metrics
        .rejected
        .get_or_create(&thanos_webhook::metrics::CauseLabels { cause })
        .get()
}
