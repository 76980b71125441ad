//! The proof: a sample through a door that asks for the hub's own passwords, into the real Receive, answered by the real
//! Query; and what is said where a part of that is missing.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::json;
use sha1::{Digest as _, Sha1};
use thanos_tests::certificates::Authority;
use thanos_tests::thanos::{Query, Receive, Settings};
use thanos_tests::{Cluster, install};
use tokio::net::{TcpListener, TcpStream};

use super::{ended, file, get, line, run, stage};

const WRITE: &str = "receive.hub.example.com";
const READ: &str = "query.hub.example.com";

/// What stands before Thanos: TLS, users by their htpasswd lines, the tenant from the user.
pub(super) struct Door {
    /// The hosts that take samples and that answer.
    pub(super) hosts: [&'static str; 2],
    /// Lines of writers and of readers.
    pub(super) lines: [String; 2],
    pub(super) receive: SocketAddr,
    pub(super) query: String,
    /// Lets everybody in.
    pub(super) open: AtomicBool,
}

impl Door {
    pub(super) async fn open(self: Arc<Self>, authority: &Authority) -> Result<SocketAddr> {
        let pair = authority.server(&self.hosts)?;
        let chain: Vec<_> = CertificateDer::pem_slice_iter(pair.certificate.as_bytes())
            .collect::<Result<_, _>>()?;
        let key = PrivateKeyDer::from_pem_slice(pair.key.as_bytes())?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key)?;
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(tls));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, door) = (acceptor.clone(), Arc::clone(&self));
                tokio::spawn(async move {
                    let Ok(stream) = acceptor.accept(stream).await else {
                        return;
                    };
                    let serve = hyper::service::service_fn(move |request| {
                        let door = Arc::clone(&door);
                        async move { Ok::<_, Infallible>(door.answer(request).await) }
                    });
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), serve)
                        .await;
                });
            }
        });
        Ok(address)
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let plain = |status: StatusCode, text: String| {
            let mut response = Response::new(Full::new(Bytes::from(text)));
            *response.status_mut() = status;
            response
        };
        let host = request
            .headers()
            .get("host")
            .and_then(|host| host.to_str().ok())
            .unwrap_or_default();
        let lines = match (host, request.uri().path()) {
            (host, "/api/v1/receive") if host == self.hosts[0] => &self.lines[0],
            (host, path) if host == self.hosts[1] && path.starts_with("/api/v1/") => &self.lines[1],
            (host, path) => {
                return plain(StatusCode::NOT_FOUND, format!("no route to {host}{path}"));
            }
        };
        let user = Self::user(&request, lines);
        let Some(user) = user.or_else(|| {
            self.open
                .load(Ordering::Relaxed)
                .then(|| "anybody".to_owned())
        }) else {
            return plain(
                StatusCode::UNAUTHORIZED,
                "User authentication failed.".to_owned(),
            );
        };
        let to = if host == self.hosts[0] {
            self.receive.to_string()
        } else {
            self.query.clone()
        };
        match forward(&to, user, request).await {
            Ok(response) => response,
            Err(error) => plain(StatusCode::BAD_GATEWAY, format!("{error:#}")),
        }
    }

    fn user(request: &Request<Incoming>, lines: &str) -> Option<String> {
        let login = request.headers().get("authorization")?.to_str().ok()?;
        let login = BASE64_STANDARD.decode(login.strip_prefix("Basic ")?).ok()?;
        let login = String::from_utf8(login).ok()?;
        let (user, password) = login.split_once(':')?;
        let line = format!(
            "{user}:{{SHA}}{}",
            BASE64_STANDARD.encode(Sha1::digest(password))
        );
        lines
            .lines()
            .any(|known| known == line)
            .then(|| user.to_owned())
    }
}

async fn forward(
    to: &str,
    user: String,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>> {
    let stream = TcpStream::connect(to)
        .await
        .with_context(|| to.to_owned())?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let (mut parts, body) = request.into_parts();
    parts.headers.remove("authorization");
    parts.headers.insert("THANOS-TENANT", user.parse()?);
    let body = body.collect().await?.to_bytes();
    let response = sender
        .send_request(Request::from_parts(parts, Full::new(body)))
        .await?;
    let (parts, body) = response.into_parts();
    Ok(Response::from_parts(
        parts,
        Full::new(body.collect().await?.to_bytes()),
    ))
}

/// As if there were nodes: every workload of a namespace says that it is ready.
pub(super) async fn all_ready(cluster: &Cluster, namespace: &str) -> Result<()> {
    for kind in ["deployment", "statefulset"] {
        let found = get(cluster, &format!("{kind} -n {namespace}")).await?;
        for one in found["items"].as_array().context("items")? {
            let name = one["metadata"]["name"].as_str().context("a name")?;
            let replicas = one["spec"]["replicas"].as_u64().unwrap_or(1);
            let status = json!({"status": {
                "observedGeneration": one["metadata"]["generation"], "replicas": replicas,
                "readyReplicas": replicas, "updatedReplicas": replicas, "availableReplicas": replicas,
            }});
            let patch = cluster
                .kubectl()?
                .args(["patch", kind, name, "-n", namespace]);
            let patch = patch.args(["--subresource=status", "--type=merge", "-p"]);
            patch.arg(status.to_string()).output().await?.fine()?;
        }
    }
    Ok(())
}

pub(super) async fn users(cluster: &Cluster, name: &str) -> Result<String> {
    let secret = get(cluster, &format!("secret -n thanos {name}")).await?;
    let lines = secret["data"][".htpasswd"].as_str().context("lines")?;
    Ok(String::from_utf8(BASE64_STANDARD.decode(lines)?)?)
}

#[tokio::test]
async fn a_sample_through_the_door_is_answered() -> Result<()> {
    stage("hub-proof", async |cluster| {
        let authority = Authority::new("hub")?;
        let ca = file(cluster, "hub-ca.pem", authority.pem())?;
        let line = format!("{} --skip member,dns --ca-file {} --yes", line(cluster)?, ca.display());
        ended(run(cluster, &format!("{line} --wait=false")).await?, 4);
        let tls = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "hub-tls", "namespace": "thanos"}});
        install::apply(cluster, &[tls], "somebody").await?;

        // Nothing runs, nothing leads anywhere: all of it is said at once.
        let nothing = format!("{line} --patience 1s");
        let nothing = ended(run(cluster, &nothing).await?, 1);
        for word in ["Error: KTH8004 ", "Error: KTH8007 ", "receive-router 0/", "Waiting for controller"] {
            ensure!(nothing.stderr.contains(word), "{word}: {}", nothing.stderr);
        }
        let named = line.replace("--skip member,dns", "--skip member");
        let named = ended(run(cluster, &format!("{named} --patience 1s --gateway-address 192.0.2.7")).await?, 1);
        ensure!(named.stderr.contains("Error: KTH8005 "), "{}", named.stderr);
        ensure!(named.stderr.contains("Hint: make the record *.hub.example.com A 192.0.2.7"), "{}", named.stderr);

        all_ready(cluster, "thanos").await?;
        all_ready(cluster, "thanos-system").await?;
        let receive = Receive::start(cluster.run(), Settings::default()).await?;
        let query = Query::start(cluster.run(), &[receive.grpc_address()]).await?;
        let door = Arc::new(Door {
            hosts: [WRITE, READ],
            lines: [users(cluster, "thanos-write-users").await?, users(cluster, "thanos-read-users").await?],
            receive: receive.write_address(),
            query: query.url().trim_start_matches("http://").to_owned(),
            open: AtomicBool::new(false),
        });
        let address = Arc::clone(&door).open(&authority).await?;
        let line = format!("{line} --gateway-address {address}");
        let proven = ended(run(cluster, &line).await?, 0);
        let sentence = format!("a sample that thanos wrote through {WRITE} was answered by {READ} as tenant thanos");
        ensure!(proven.stdout.contains(&sentence), "{}{}", proven.stdout, proven.stderr);
        ensure!(proven.stdout.contains("a wrong password is refused for writes and for reads"), "{}", proven.stdout);

        door.open.store(true, Ordering::Relaxed);
        let open = ended(run(cluster, &line).await?, 1);
        ensure!(open.stderr.contains("Error: KTH8009 "), "{}", open.stderr);
        drop((query, receive));
        let lost = ended(run(cluster, &format!("{line} --patience 1s -o json")).await?, 1);
        ensure!(lost.stderr.contains("Error: KTH8008 "), "{}", lost.stderr);
        let report: serde_json::Value = serde_json::from_str(&lost.stdout).context("one document")?;
        assert_eq!(report["ok"], false);

        // A certificate that does not come is told in cert-manager's words.
        let issued = line.replace("--certificate secret:hub-tls", "--certificate issuer:letsencrypt --skip cert-manager");
        ended(run(cluster, &format!("{issued} --wait=false")).await?, 4);
        let condition = json!({"status": {"conditions": [{
            "type": "Ready", "status": "False", "reason": "DoesNotExist", "message": "Issuing certificate as Secret does not exist",
        }]}});
        let patch = cluster.kubectl()?.args(["patch", "certificate", "thanos", "-n", "thanos"]);
        let patch = patch.args(["--subresource=status", "--type=merge", "-p"]).arg(condition.to_string());
        patch.output().await?.fine()?;
        let pending = ended(run(cluster, &format!("{issued} --patience 1s")).await?, 1);
        ensure!(pending.stderr.contains("Error: KTH8006 "), "{}", pending.stderr);
        ensure!(pending.stderr.contains("Issuing certificate as Secret does not exist"), "{}", pending.stderr);
        Ok(())
    })
    .await
}
