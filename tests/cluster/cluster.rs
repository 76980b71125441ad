//! A cluster: etcd, an API server and the operator's definitions, up in a few seconds, several side by side.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::{Namespace, ServiceAccount};
use kube::api::{ObjectMeta, PostParams};
use kube::{Api, Client};

use crate::apiserver::{ApiServer, Settings, User};
use crate::crds::{self, Crd};
use crate::etcd::Etcd;
use crate::{Program, Run, command, kubeconfig, seed};

/// What a cluster is started with.
#[derive(Clone, Debug)]
pub struct Options {
    name: String,
    crds: &'static [Crd],
    server: Settings,
}

impl Options {
    /// A cluster whose logs are under this name, with the three definitions of [`crds::SUBJECTS`].
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            crds: crds::SUBJECTS,
            server: Settings::default(),
        }
    }

    /// With these of the operator's definitions: [`crds::ALL`] for an operator, `&[]` for none.
    #[must_use]
    pub fn crds(mut self, crds: &'static [Crd]) -> Self {
        self.crds = crds;
        self
    }

    /// With an audit log: request bodies of everything but Secrets.
    #[must_use]
    pub fn audit(mut self) -> Self {
        self.server.audit = true;
        self
    }

    /// With a user besides the admin, who may do nothing until RBAC says so.
    #[must_use]
    pub fn user(mut self, user: User) -> Self {
        self.server.users.push(user);
        self
    }

    /// With one more argument for the API server, which then starts on an empty etcd: the argument may change what is
    /// kept there.
    #[must_use]
    pub fn argument(mut self, argument: &str) -> Self {
        self.server.arguments.push(argument.to_owned());
        self
    }
}

/// A running cluster. Dropped, it is gone.
pub struct Cluster {
    client: Client,
    kubeconfig: PathBuf,
    started: Duration,
    server: ApiServer,
    etcd: Etcd,
    run: Run,
    users: Vec<User>,
}

impl Cluster {
    /// Starts one.
    ///
    /// # Errors
    /// When a part does not come up; with the end of its log.
    pub async fn start(options: Options) -> Result<Self> {
        let begin = Instant::now();
        let run = Run::new(&options.name)?;
        let data = run.data("etcd")?;
        let seeded = options.server.arguments.is_empty();
        if seeded {
            seed::copy(&seed::seed(options.crds).await?, &data)?;
        }
        let etcd = Etcd::start(&run, &data).await?;
        let server = ApiServer::start(&run, &etcd, &options.server).await?;
        let admin = server.admin();
        let kubeconfig = run.file("kubeconfig", &admin)?;
        let client = kubeconfig::client(&admin).await?;
        let installed = if seeded {
            crds::all_served(&client, options.crds).await
        } else {
            crds::install(&client, options.crds).await
        };
        installed.with_context(|| server.process().log_tail())?;
        let users = options.server.users;
        Ok(Self {
            client,
            kubeconfig,
            started: begin.elapsed(),
            server,
            etcd,
            run,
            users,
        })
    }

    /// Starts one for `story`, and adds the ends of its logs behind an error that the story returns.
    ///
    /// # Errors
    /// The story's, or the start's.
    pub async fn with<T>(
        options: Options,
        story: impl AsyncFnOnce(&Self) -> Result<T>,
    ) -> Result<T> {
        let cluster = Self::start(options).await?;
        story(&cluster)
            .await
            .map_err(|error| anyhow!("{error:?}\n\n{}", cluster.log_tails()))
    }

    /// A client of the admin.
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// The kubeconfig file of the admin.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// The API server.
    pub fn server(&self) -> &ApiServer {
        &self.server
    }

    /// Where everything of this cluster is kept; start what belongs to it here.
    pub fn run(&self) -> &Run {
        &self.run
    }

    /// How long it took to come up.
    pub fn started_in(&self) -> Duration {
        self.started
    }

    /// The ends of the logs of etcd and the API server.
    pub fn log_tails(&self) -> String {
        format!(
            "{}\n{}",
            self.etcd.process().log_end(5),
            self.server.process().log_end(15)
        )
    }

    /// The real kubectl as the admin.
    ///
    /// # Errors
    /// When it is not built.
    pub fn kubectl(&self) -> Result<Program> {
        command::kubectl(&self.run, &self.kubeconfig)
    }

    /// The real helm as the admin.
    ///
    /// # Errors
    /// When it is not built.
    pub fn helm(&self) -> Result<Program> {
        command::helm(&self.run, &self.kubeconfig)
    }

    /// Makes a namespace with these labels.
    ///
    /// # Errors
    /// When the API server refuses.
    pub async fn namespace(&self, name: &str, labels: &[(&str, &str)]) -> Result<Namespace> {
        let labels = labels
            .iter()
            .map(|&(key, value)| (key.to_owned(), value.to_owned()))
            .collect();
        let metadata = ObjectMeta {
            name: Some(name.to_owned()),
            labels: Some(labels),
            ..ObjectMeta::default()
        };
        let namespace = Namespace {
            metadata,
            ..Namespace::default()
        };
        let made = Api::all(self.client())
            .create(&PostParams::default(), &namespace)
            .await;
        made.with_context(|| format!("making the namespace {name}"))
    }

    /// The kubeconfig file of a user that the options named.
    ///
    /// # Errors
    /// When they did not, or the file cannot be written.
    pub fn kubeconfig_of_user(&self, name: &str) -> Result<PathBuf> {
        let user = self
            .users
            .iter()
            .find(|user| user.name == name)
            .with_context(|| format!("no user {name}"))?;
        self.run.file(
            &format!("kubeconfig.{name}"),
            self.server.kubeconfig(name, &user.token),
        )
    }

    /// The kubeconfig file of a service account that exists, by a token for one hour: what runs with it runs under the
    /// account's real rights.
    ///
    /// # Errors
    /// When there is no such account.
    pub async fn kubeconfig_of_account(&self, namespace: &str, name: &str) -> Result<PathBuf> {
        let accounts: Api<ServiceAccount> = Api::namespaced(self.client(), namespace);
        let spec = TokenRequestSpec {
            expiration_seconds: Some(3600),
            ..TokenRequestSpec::default()
        };
        let request = TokenRequest {
            spec,
            ..TokenRequest::default()
        };
        let answer = accounts
            .create_token_request(name, &PostParams::default(), &request)
            .await;
        let answer = answer.with_context(|| format!("a token for {namespace}/{name}"))?;
        let token = answer.status.context("no token in the answer")?.token;
        self.run.file(
            &format!("kubeconfig.{namespace}.{name}"),
            self.server.kubeconfig(name, &token),
        )
    }

    /// A client that acts as a kubeconfig file says.
    ///
    /// # Errors
    /// When the file cannot be used.
    pub async fn client_of(&self, kubeconfig: &Path) -> Result<Client> {
        let text = std::fs::read_to_string(kubeconfig)
            .with_context(|| format!("reading {}", kubeconfig.display()))?;
        kubeconfig::client(&text).await
    }
}
