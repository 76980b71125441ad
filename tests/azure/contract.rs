//! Azure as its documents describe it, on loopback and over TLS: tokens, Resource Manager, a Grafana workspace, and a
//! guard with roles in front of Azurite. A request that is not documented is answered 400, and the test fails.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use anyhow::{Context, Result, ensure};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::{Value, json};
use thanos_tests::Run;
use thanos_tests::certificates::Authority;
use thanos_tests::http::Http;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio_rustls::TlsAcceptor;

mod arm;
mod blob;
mod documents;
mod grafana;
pub(crate) mod tokens;

pub(crate) const SUBSCRIPTION: &str = "00000000-0000-4000-8000-000000000001";
pub(crate) const TENANT: &str = "00000000-0000-4000-8000-000000000002";
/// Object id of whoever is logged in.
pub(crate) const OPERATOR: &str = "00000000-0000-4000-8000-000000000003";
/// Client id of whoever is logged in, where it is a workload or managed identity.
pub(crate) const OPERATOR_CLIENT: &str = "00000000-0000-4000-8000-000000000004";
pub(crate) const KUBELET: &str = "00000000-0000-4000-8000-000000000005";
pub(crate) const KUBELET_CLIENT: &str = "00000000-0000-4000-8000-000000000006";
pub(crate) const ISSUER: &str = "https://westeurope.oic.prod-aks.azure.com/tenant/cluster/";
pub(crate) const GROUP: &str =
    "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/rg-hub";

/// An answer.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Value,
}

impl Reply {
    pub(crate) fn new(status: u16, body: Value) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body,
        }
    }

    pub(crate) fn error(status: u16, code: &str, message: &str) -> Self {
        Self::new(status, json!({"error": {"code": code, "message": message}}))
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}

/// A request, read to its end.
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Asked {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        let (_, value) = self.query.iter().find(|(key, _)| key == name)?;
        Some(value)
    }

    pub(crate) fn is_write(&self) -> bool {
        matches!(self.method.as_str(), "PUT" | "PATCH" | "DELETE")
            || (self.method == "POST" && self.path.starts_with("/grafana/"))
    }
}

/// An answer instead of the right one.
pub(crate) struct Instead {
    pub(crate) method: &'static str,
    /// A part of the path.
    pub(crate) path: &'static str,
    pub(crate) times: u32,
    pub(crate) status: u16,
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) headers: Vec<(&'static str, String)>,
}

/// What Azure holds, and how it behaves.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) address: String,
    /// By path, in lower case.
    pub(crate) resources: BTreeMap<String, Value>,
    /// By path: polls that are left, then the resource.
    pub(crate) operations: BTreeMap<String, (u32, String)>,
    pub(crate) grafana: grafana::Grafana,
    pub(crate) instead: Vec<Instead>,
    /// `METHOD path status` of everything but tokens.
    pub(crate) seen: Vec<String>,
    pub(crate) writes: u32,
    pub(crate) violations: Vec<String>,
    /// Whoever asks is killed at this write or poll, before it is answered.
    pub(crate) kill_at: Option<u32>,
    pub(crate) points: u32,
    /// So often a new identity is not known, a new role not seen by the data, a new credential not by the authority.
    pub(crate) principal_delay: u32,
    pub(crate) role_delay: u32,
    pub(crate) credential_delay: u32,
    pub(crate) grafana_delay: u32,
    /// Polls until something is made.
    pub(crate) polls: u32,
    pub(crate) retry_after: u32,
    /// The audience that Grafana takes.
    pub(crate) audience: String,
    pub(crate) azurite: Option<Http>,
    /// Accounts say that their blobs are there, `blob.core.windows.net`, and not here.
    pub(crate) blobs: Option<&'static str>,
    /// Operations end badly.
    pub(crate) fail_operations: bool,
    /// What the blob service answers, whoever asks.
    pub(crate) refuse_blobs: Option<(u16, &'static str)>,
}

/// A running Azure.
pub(crate) struct Cloud {
    state: Arc<Mutex<State>>,
    killed: Arc<Notify>,
    pub(crate) address: String,
    pub(crate) authority: Authority,
    task: tokio::task::JoinHandle<()>,
}

impl Cloud {
    /// One subscription with a cluster that has its issuer, and a DNS zone.
    pub(crate) async fn start(_run: &Run) -> Result<Self> {
        let authority = Authority::new("azure on loopback")?;
        let pair = authority.loopback()?;
        let certificates: Result<Vec<_>, _> =
            CertificateDer::pem_slice_iter(pair.certificate.as_bytes()).collect();
        let config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(
                certificates?,
                PrivateKeyDer::from_pem_slice(pair.key.as_bytes()).context("the key")?,
            )?;
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = format!("https://localhost:{}", listener.local_addr()?.port());
        let state = Arc::new(Mutex::new(State {
            address: address.clone(),
            polls: 2,
            audience: "ce34e7e5-485f-4d76-964f-b3d2b16d1e4f".to_owned(),
            ..State::default()
        }));
        arm::furnish(&mut state.lock().unwrap());
        let killed = Arc::new(Notify::new());
        let (shared, notify) = (state.clone(), killed.clone());
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, shared, notify) = (acceptor.clone(), shared.clone(), notify.clone());
                tokio::spawn(async move {
                    let Ok(stream) = acceptor.accept(stream).await else {
                        return;
                    };
                    let service =
                        service_fn(|request| serve(shared.clone(), notify.clone(), request));
                    let _ = auto::Builder::new(TokioExecutor::new())
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        Ok(Self {
            state,
            killed,
            address,
            authority,
            task,
        })
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Ends when somebody is to be killed.
    pub(crate) async fn killed(&self) {
        self.killed.notified().await;
    }

    /// Fails if anything was asked that is not documented.
    pub(crate) fn is_content(&self) -> Result<()> {
        let state = self.state();
        ensure!(
            state.violations.is_empty(),
            "not documented: {:#?}",
            state.violations
        );
        Ok(())
    }
}

impl Drop for Cloud {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(
    state: Arc<Mutex<State>>,
    killed: Arc<Notify>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>> {
    let (head, body) = request.into_parts();
    let query = head.uri.query().unwrap_or_default();
    let asked = Asked {
        method: head.method.to_string(),
        path: head.uri.path().replace("%2A", "*"),
        query: url::form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .collect(),
        headers: head
            .headers
            .iter()
            .map(|(name, value)| {
                (
                    name.to_string(),
                    value.to_str().unwrap_or_default().to_owned(),
                )
            })
            .collect(),
        body: body.collect().await?.to_bytes().to_vec(),
    };
    let reply = if asked.path.starts_with("/blob/") {
        blob::answer(&state, &asked).await?
    } else {
        let made_container = asked.method == "PUT" && asked.path.contains("/containers/");
        let (reply, dies, azurite) = {
            let mut state = state.lock().unwrap();
            let reply = answer(&mut state, &asked);
            let is_point = asked.is_write() || asked.path.starts_with("/operations/");
            state.points += u32::from(is_point);
            let dies = is_point && state.kill_at == Some(state.points);
            (reply, dies, state.azurite.clone())
        };
        if let (true, 201, Some(azurite)) = (made_container, reply.status, azurite) {
            blob::make(&azurite, &asked.path).await?;
        }
        if dies {
            killed.notify_one();
            std::future::pending::<()>().await;
        }
        reply
    };
    let mut response = Response::builder()
        .status(reply.status)
        .header("content-type", "application/json")
        .header("x-ms-correlation-request-id", "c0");
    for (name, value) in &reply.headers {
        response = response.header(name, value);
    }
    let body = if reply.body.is_null() {
        String::new()
    } else {
        reply.body.to_string()
    };
    Ok(response.body(Full::new(Bytes::from(body)))?)
}

fn answer(state: &mut State, asked: &Asked) -> Reply {
    if asked.path.ends_with("/oauth2/v2.0/token") || asked.path == "/msi/token" {
        return tokens::answer(state, asked);
    }
    let reply = instead(state, asked).unwrap_or_else(|| {
        if asked.path.starts_with("/grafana/") {
            grafana::answer(state, asked)
        } else {
            arm::answer(state, asked)
        }
    });
    state.writes += u32::from(asked.is_write());
    let seen = format!("{} {} {}", asked.method, asked.path, reply.status);
    state.seen.push(seen);
    reply
}

/// The fault that a test has put in the way.
fn instead(state: &mut State, asked: &Asked) -> Option<Reply> {
    let fault = state.instead.iter_mut().find(|fault| {
        fault.times > 0 && fault.method == asked.method && asked.path.contains(fault.path)
    })?;
    fault.times -= 1;
    let mut reply = Reply::error(fault.status, fault.code, &fault.message);
    for (name, value) in &fault.headers {
        reply = reply.with(name, value);
    }
    Some(reply)
}
