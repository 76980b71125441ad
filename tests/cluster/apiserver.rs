//! kube-apiserver with RBAC, tokens from a file, service account tokens, and an audit log where it is asked for.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use rcgen::KeyPair;

use crate::certificates::Authority;
use crate::etcd::Etcd;
use crate::http::Http;
use crate::port::Port;
use crate::{Process, Program, Run, kubeconfig, tools};

const START: Duration = Duration::from_secs(120);
/// Only ever valid for one API server of one run, on loopback.
const ADMIN_TOKEN: &str = "admin-of-this-run";

/// Request bodies of everything; of Secrets and of token requests only that they happened.
const AUDIT_POLICY: &str = r#"apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Metadata
  resources: [{group: "", resources: [secrets, serviceaccounts/token]}]
- level: Request
"#;

/// A user that the API server knows besides the admin.
#[derive(Clone, Debug)]
pub struct User {
    /// Its name.
    pub name: String,
    /// What it shows.
    pub token: String,
    /// The groups it is in.
    pub groups: Vec<String>,
}

impl User {
    /// A user without groups, whose token is made from its name.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            token: format!("token-of-{name}"),
            groups: Vec::new(),
        }
    }
}

/// What an API server is started with.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Keep an audit log.
    pub audit: bool,
    /// Users besides the admin.
    pub users: Vec<User>,
    /// More arguments.
    pub arguments: Vec<String>,
}

/// A running API server.
pub struct ApiServer {
    process: Process,
    port: Port,
    ca_pem: String,
    audit_log: Option<PathBuf>,
}

impl ApiServer {
    /// Starts it on that etcd and waits until it is ready.
    ///
    /// # Errors
    /// When it does not come up; with the end of its log.
    pub async fn start(run: &Run, etcd: &Etcd, settings: &Settings) -> Result<Self> {
        let port = Port::take()?;
        let authority = Authority::new("test-cluster")?;
        let mut program = Program::tool(&tools::api_server())?
            .named("kube-apiserver")
            .args(arguments(etcd, &port))
            .args(files(run, &authority, &settings.users)?)
            .args(&settings.arguments);
        let audit_log = settings.audit.then(|| run.folder().join("audit.jsonl"));
        if let Some(log) = &audit_log {
            program = program.args([
                format!(
                    "--audit-policy-file={}",
                    run.file("files/audit.yaml", AUDIT_POLICY)?.display()
                ),
                format!("--audit-log-path={}", log.display()),
            ]);
        }
        let process = program.start(run)?;
        let server = Self {
            process,
            port,
            ca_pem: authority.pem().to_owned(),
            audit_log,
        };
        let http = Http::trusting(&server.url(), &server.ca_pem)?;
        server
            .process
            .ready(START, || async {
                http.get("/readyz").await?.fine().map(drop)
            })
            .await?;
        Ok(server)
    }

    /// Where it is reached.
    pub fn url(&self) -> String {
        format!("https://{}", self.port.address())
    }

    /// What its clients must trust.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// Stops it as Kubernetes would.
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

    /// The audit log, one JSON event a line, where it was asked for.
    pub fn audit_log(&self) -> Option<&Path> {
        self.audit_log.as_deref()
    }

    /// The kubeconfig of the admin.
    pub fn admin(&self) -> String {
        self.kubeconfig("admin", ADMIN_TOKEN)
    }

    /// The kubeconfig of whoever holds this token.
    pub fn kubeconfig(&self, user: &str, token: &str) -> String {
        kubeconfig::text(&self.url(), &self.ca_pem, user, token)
    }
}

fn arguments(etcd: &Etcd, port: &Port) -> Vec<String> {
    vec![
        format!("--etcd-servers={}", etcd.url()),
        "--bind-address=127.0.0.1".into(),
        "--advertise-address=127.0.0.1".into(),
        format!("--secure-port={}", port.number()),
        "--service-account-issuer=https://kubernetes.default.svc".into(),
        "--authorization-mode=RBAC".into(),
        "--service-cluster-ip-range=10.96.0.0/16".into(),
        "--endpoint-reconciler-type=none".into(),
    ]
}

/// Writes certificates, keys and users, and gives the arguments that name them.
fn files(run: &Run, authority: &Authority, users: &[User]) -> Result<Vec<String>> {
    let serving = authority.server(&["localhost", "127.0.0.1", "kubernetes.default.svc"])?;
    let accounts = KeyPair::generate().context("a key for service accounts")?;
    let mut tokens = format!("{ADMIN_TOKEN},admin,admin,\"system:masters\"\n");
    for User {
        name,
        token,
        groups,
    } in users
    {
        writeln!(tokens, "{token},{name},{name},\"{}\"", groups.join(","))
            .context("a line of the token file")?;
    }
    let file = |argument: &str, name: &str, contents: &str| -> Result<String> {
        Ok(format!(
            "--{argument}={}",
            run.file(&format!("files/{name}"), contents)?.display()
        ))
    };
    Ok(vec![
        file("tls-cert-file", "apiserver.crt", &serving.certificate)?,
        file("tls-private-key-file", "apiserver.key", &serving.key)?,
        file(
            "service-account-signing-key-file",
            "accounts.key",
            &accounts.serialize_pem(),
        )?,
        file(
            "service-account-key-file",
            "accounts.pub",
            &accounts.public_key_pem(),
        )?,
        file("token-auth-file", "tokens.csv", &tokens)?,
    ])
}
