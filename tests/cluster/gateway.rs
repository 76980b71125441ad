//! What stands before Receive: the real Envoy Gateway in its standalone form with the real Envoy, TLS and basic auth.
//!
//! It reads a folder of the same objects that run in a cluster. Its own ports (18000 to 18002) are fixed in its code, so
//! one of it runs on a machine at a time; whoever starts a second one waits here.

use std::fs::{File, OpenOptions};
use std::future::Future;
use std::net::SocketAddr;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use sha1::{Digest, Sha1};

use crate::certificates::{Authority, Pair};
use crate::http::Http;
use crate::port::Port;
use crate::{Process, Program, Run, eventually, tools};

const START: Duration = Duration::from_secs(120);
/// As long as a test or a demo may hold the one gateway of a machine.
const TURN: Duration = Duration::from_secs(600);
const ENVOY: &str = "1.40.0";
/// The header that the gateway derives from the user, as the hub's chart does.
const TENANT_HEADER: &str = "THANOS-TENANT";

/// A running gateway over any manifests.
pub struct Standalone {
    // First, so that it has ended before its turn is given on.
    process: Process,
    folder: PathBuf,
    _admin: Port,
    _turn: File,
}

impl Standalone {
    /// Starts it over these objects, whose `EnvoyProxy` is [`on_this_host`]. Whether it serves is the caller's to ask.
    ///
    /// # Errors
    /// When it cannot be started.
    pub async fn start(run: &Run, objects: &[Value]) -> Result<Self> {
        let turn = turn().await?;
        let admin = Port::take()?;
        let home = run.data("gateway")?;
        let folder = home.join("manifests");
        write(&folder, objects)?;
        let config = run.file(
            "files/envoy-gateway.json",
            settings(&home, &admin).to_string(),
        )?;
        prepare(&home).await?;
        let process = Program::tool("envoy-gateway")?
            .args(["server", "--config-path"])
            .arg(config)
            .start(run)?;
        Ok(Self {
            process,
            folder,
            _admin: admin,
            _turn: turn,
        })
    }

    /// Replaces its objects; it takes them over while it runs.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn replace(&self, objects: &[Value]) -> Result<()> {
        write(&self.folder, objects)
    }

    /// Waits until `probe` is fine with it.
    ///
    /// # Errors
    /// When it is not in time; with the end of its log.
    pub async fn ready<F>(&self, probe: impl FnMut() -> F) -> Result<()>
    where
        F: Future<Output = Result<()>>,
    {
        self.process.ready(START, probe).await
    }

    /// Its process; Envoy's output is in the same log.
    pub fn process(&self) -> &Process {
        &self.process
    }
}

/// What an `EnvoyProxy` must be here: Envoy is a process beside the gateway and no pod.
pub fn on_this_host() -> Value {
    json!({"provider": {"type": "Host", "host": {"envoyVersion": ENVOY}}})
}

/// A running gateway.
pub struct Gateway {
    standalone: Standalone,
    port: Port,
    receive: SocketAddr,
    authority: Authority,
    pair: Pair,
}

impl Gateway {
    /// Starts it before a Receive, for these users and passwords, and waits until it refuses strangers.
    ///
    /// # Errors
    /// When it does not come up; with the end of its log.
    pub async fn start(run: &Run, receive: SocketAddr, users: &[(&str, &str)]) -> Result<Self> {
        let port = Port::take()?;
        let authority = Authority::new("gateway")?;
        let pair = authority.loopback()?;
        let objects = manifests(port.number(), receive, &pair, users);
        let gateway = Self {
            standalone: Standalone::start(run, &objects).await?,
            port,
            receive,
            authority,
            pair,
        };
        let stranger = Http::trusting(&gateway.url(), gateway.ca_pem())?;
        let refused = || async {
            let status = stranger.get("/api/v1/receive").await?.status;
            ensure!(status == 401, "{status} instead of 401");
            Ok(())
        };
        gateway.standalone.ready(refused).await?;
        Ok(gateway)
    }

    /// Where it is reached: `https://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("https://{}", self.port.address())
    }

    /// Where samples are written to.
    pub fn receive_url(&self) -> String {
        format!("{}/api/v1/receive", self.url())
    }

    /// What its clients must trust.
    pub fn ca_pem(&self) -> &str {
        self.authority.pem()
    }

    /// Replaces its users; it takes them over while it runs.
    ///
    /// # Errors
    /// When the manifests cannot be written.
    pub fn set_users(&self, users: &[(&str, &str)]) -> Result<()> {
        self.standalone.replace(&manifests(
            self.port.number(),
            self.receive,
            &self.pair,
            users,
        ))
    }

    /// Replaces its users by the lines of an htpasswd file; it takes them over while it runs.
    ///
    /// # Errors
    /// When the manifests cannot be written.
    pub fn set_htpasswd(&self, lines: &str) -> Result<()> {
        let users = secret("thanos", "users", "Opaque", &[(".htpasswd", lines)]);
        let mut objects = manifests(self.port.number(), self.receive, &self.pair, &[]);
        for object in &mut objects {
            if object["kind"] == "Secret" && object["metadata"]["name"] == "users" {
                *object = users.clone();
            }
        }
        self.standalone.replace(&objects)
    }

    /// A client with a user's password.
    ///
    /// # Errors
    /// Never with a certificate of ours.
    pub fn http(&self, user: &str, password: &str) -> Result<Http> {
        Http::as_user(&self.url(), self.ca_pem(), user, password)
    }

    /// Its process; Envoy's output is in the same log.
    pub fn process(&self) -> &Process {
        self.standalone.process()
    }
}

/// The lock that makes it one at a time.
async fn turn() -> Result<File> {
    let path = std::env::temp_dir().join("kubectl-thanos-gateway");
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path);
    let file = file.with_context(|| format!("opening {}", path.display()))?;
    eventually(
        "the other Envoy Gateway of this machine has ended",
        TURN,
        || async { Ok(file.try_lock()?) },
    )
    .await?;
    Ok(file)
}

/// Envoy to where the gateway looks for it, and the certificates between the two.
async fn prepare(home: &Path) -> Result<()> {
    let envoy = home.join(format!("data/envoy-versions/{ENVOY}/bin"));
    std::fs::create_dir_all(&envoy).with_context(|| format!("making {}", envoy.display()))?;
    symlink(tools::tool("envoy")?, envoy.join("envoy")).context("a link to Envoy")?;
    let certgen = Program::tool("envoy-gateway")?
        .args(["certgen", "--local", "--config-home"])
        .arg(home.join("config"));
    certgen
        .output()
        .await?
        .fine()
        .context("certificates for the gateway and Envoy")
        .map(drop)
}

fn settings(home: &Path, admin: &Port) -> Value {
    let folder = |name: &str| home.join(name);
    json!({
        "apiVersion": "gateway.envoyproxy.io/v1alpha1",
        "kind": "EnvoyGateway",
        "gateway": {"controllerName": "gateway.envoyproxy.io/gatewayclass-controller"},
        "provider": {"type": "Custom", "custom": {
            "resource": {"type": "File", "file": {"paths": [folder("manifests")]}},
            "infrastructure": {"type": "Host", "host": {
                "configHome": folder("config"), "dataHome": folder("data"),
                "stateHome": folder("state"), "runtimeDir": folder("run"),
            }},
        }},
        "admin": {"address": {"host": "127.0.0.1", "port": admin.number()}},
        "telemetry": {"metrics": {"prometheus": {"disable": true}}},
        "extensionApis": {"enableBackend": true},
    })
}

/// One file, replaced whole: the gateway watches the folder.
fn write(folder: &Path, objects: &[Value]) -> Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    let text: Vec<String> = objects.iter().map(Value::to_string).collect();
    let new = folder.with_file_name("manifests.new");
    std::fs::write(&new, text.join("\n---\n")).context("writing the gateway's manifests")?;
    std::fs::rename(&new, folder.join("gateway.yaml")).context("replacing the gateway's manifests")
}

fn manifests(port: u16, receive: SocketAddr, pair: &Pair, users: &[(&str, &str)]) -> Vec<Value> {
    let envoy = "gateway.envoyproxy.io/v1alpha1";
    let standard = "gateway.networking.k8s.io/v1";
    let object = |version: &str, kind: &str, name: &str, spec: Value| json!({"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": "thanos"}, "spec": spec});
    let to = |kind: &str, name: &str| json!({"group": "gateway.envoyproxy.io", "kind": kind, "name": name});
    vec![
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "thanos"}}),
        object(envoy, "EnvoyProxy", "host", on_this_host()),
        json!({"apiVersion": standard, "kind": "GatewayClass", "metadata": {"name": "thanos"}, "spec": {
            "controllerName": "gateway.envoyproxy.io/gatewayclass-controller",
            "parametersRef": {
                "group": "gateway.envoyproxy.io", "kind": "EnvoyProxy", "name": "host", "namespace": "thanos"}}}),
        secret(
            "thanos",
            "certificate",
            "kubernetes.io/tls",
            &[("tls.crt", &pair.certificate), ("tls.key", &pair.key)],
        ),
        secret(
            "thanos",
            "users",
            "Opaque",
            &[(".htpasswd", &htpasswd(users))],
        ),
        object(
            standard,
            "Gateway",
            "thanos",
            json!({"gatewayClassName": "thanos", "listeners": [{
            "name": "https", "protocol": "HTTPS", "port": port,
            "tls": {"mode": "Terminate", "certificateRefs": [{"kind": "Secret", "name": "certificate"}]}}]}),
        ),
        object(
            envoy,
            "Backend",
            "receive",
            json!({"endpoints": [{
            "ip": {"address": receive.ip().to_string(), "port": receive.port()}}]}),
        ),
        object(
            standard,
            "HTTPRoute",
            "receive",
            json!({
            "parentRefs": [{"name": "thanos"}],
            "rules": [{
                "matches": [{"path": {"type": "PathPrefix", "value": "/api/v1/receive"}}],
                "backendRefs": [to("Backend", "receive")]}]}),
        ),
        object(
            envoy,
            "SecurityPolicy",
            "users",
            json!({
            "targetRefs": [{"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "name": "receive"}],
            "basicAuth": {"users": {"name": "users"}, "forwardUsernameHeader": TENANT_HEADER}}),
        ),
    ]
}

/// A Secret of a namespace, of a type, with these keys.
pub fn secret(namespace: &str, name: &str, kind: &str, data: &[(&str, &str)]) -> Value {
    let encoded = data
        .iter()
        .map(|(key, value)| ((*key).to_owned(), BASE64_STANDARD.encode(value).into()));
    let data: serde_json::Map<String, Value> = encoded.collect();
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": namespace}, "type": kind, "data": data})
}

/// An htpasswd file. `{SHA}` is the one form of password that Envoy knows.
pub fn htpasswd(users: &[(&str, &str)]) -> String {
    let line = |(user, password): &(&str, &str)| {
        format!(
            "{user}:{{SHA}}{}\n",
            BASE64_STANDARD.encode(Sha1::digest(password))
        )
    };
    users.iter().map(line).collect()
}
