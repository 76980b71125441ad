//! What the stories stand on: our own node, or the cluster that KUBECONFIG names where THANOS_E2E=cluster says so.

use std::fmt::{self, Display, Formatter, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::core::v1::{Namespace, Pod};
use kube::api::{ListParams, ObjectMeta, PostParams};
use kube::{Api, Client};
use thanos_tests::command::{self, Output};
use thanos_tests::{Node, Program, Run, eventually, kubeconfig};
use tokio::sync::OnceCell;

use crate::hub;

/// How long a rollout, an end or an answer may take.
pub(crate) const SOON: Duration = Duration::from_secs(120);
/// As much of a line as a failure shows.
const WIDTH: usize = 240;

/// One Kubernetes and its admin.
pub(crate) struct Ground {
    /// Dropped before the node, whose network it is in.
    stage: OnceCell<hub::Stage>,
    node: Option<Node>,
    client: Client,
    kubeconfig: PathBuf,
    run: Run,
}

impl Ground {
    /// The node, or the cluster of KUBECONFIG where `THANOS_E2E` is `cluster` (`tests/e2e/run.sh` decides).
    pub(crate) async fn new() -> Result<Self> {
        if std::env::var("THANOS_E2E").is_ok_and(|ground| ground == "cluster") {
            let kubeconfig = PathBuf::from(std::env::var_os("KUBECONFIG").context("KUBECONFIG")?);
            let text = std::fs::read_to_string(&kubeconfig).context("reading KUBECONFIG")?;
            return Ok(Self {
                stage: OnceCell::new(),
                node: None,
                client: kubeconfig::client(&text).await?,
                kubeconfig,
                run: Run::new("e2e")?,
            });
        }
        Ok(Self::of(Node::start("e2e").await?))
    }

    /// This node.
    pub(crate) fn of(node: Node) -> Self {
        Self {
            stage: OnceCell::new(),
            client: node.client(),
            kubeconfig: node.kubeconfig().to_owned(),
            run: node.run().clone(),
            node: Some(node),
        }
    }

    /// Our own node, if it is that. A story that needs it says so and ends where there is none.
    pub(crate) fn node(&self) -> Option<&Node> {
        self.node.as_ref()
    }

    /// What hubs stand on, set where it is missing.
    pub(crate) async fn stage<F>(&self, set: impl FnOnce() -> F) -> Result<&hub::Stage>
    where
        F: Future<Output = Result<hub::Stage>>,
    {
        self.stage.get_or_try_init(set).await
    }

    /// A client of the admin.
    pub(crate) fn client(&self) -> Client {
        self.client.clone()
    }

    /// The kubeconfig file of the admin.
    pub(crate) fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// Where logs and files of this run are kept.
    pub(crate) fn run(&self) -> &Run {
        &self.run
    }

    /// Has the images of `images.py` where pods are started. A cluster of KUBECONFIG has them already
    /// (`kind load image-archive target/images/NAME.tar`).
    pub(crate) async fn images(&self, names: &[&str]) -> Result<()> {
        match &self.node {
            Some(node) => node.load(names).await,
            None => Ok(()),
        }
    }

    /// The real kubectl as the admin, with more arguments to come.
    pub(crate) fn kubectl(&self) -> Result<Program> {
        command::kubectl(&self.run, self.kubeconfig())
    }

    /// The real helm as the admin, with more arguments to come.
    pub(crate) fn helm(&self) -> Result<Program> {
        command::helm(&self.run, self.kubeconfig())
    }

    /// `kubectl thanos`, with these words.
    pub(crate) async fn plugin(&self, words: &str) -> Result<Output> {
        let plugin = command::at_home(
            Program::ours("kubectl-thanos")?,
            &self.run,
            &self.kubeconfig,
        )?;
        plugin.args(words.split(' ')).output().await
    }

    /// What kubectl prints for these words.
    ///
    /// # Errors
    /// With what it says where it does not end with 0.
    pub(crate) async fn get(&self, words: &str) -> Result<String> {
        let output = self.kubectl()?.args(words.split(' ')).output().await?;
        output.fine().with_context(|| format!("kubectl {words}"))
    }

    /// `kubectl apply --server-side` of a stream of manifests.
    pub(crate) async fn apply(&self, manifests: &str) -> Result<Output> {
        let words = "apply --server-side --force-conflicts -f -";
        let kubectl = self.kubectl()?.args(words.split(' '));
        kubectl.output_for(manifests.as_bytes()).await
    }

    /// Waits until what has pods (`deployment/NAME`, `statefulset/NAME`) is as its object says.
    pub(crate) async fn rolled_out(&self, namespace: &str, what: &str) -> Result<()> {
        let seconds = SOON.as_secs();
        let words = format!("rollout status {what} -n {namespace} --timeout={seconds}s");
        self.get(&words).await.map(drop)
    }

    /// A namespace under the restricted level of Pod Security, made where it is missing.
    pub(crate) async fn restricted(&self, name: &str) -> Result<()> {
        let api: Api<Namespace> = Api::all(self.client());
        let label = "pod-security.kubernetes.io/enforce".to_owned();
        let metadata = ObjectMeta {
            name: Some(name.to_owned()),
            labels: Some([(label, "restricted".to_owned())].into()),
            ..ObjectMeta::default()
        };
        let namespace = Namespace {
            metadata,
            ..Namespace::default()
        };
        match api.create(&PostParams::default(), &namespace).await {
            Err(kube::Error::Api(status)) if status.code == 409 => Ok(()),
            made => made
                .map(drop)
                .with_context(|| format!("the namespace {name}")),
        }
    }

    /// The pods of a namespace that these labels select and that nobody deletes.
    pub(crate) async fn pods(&self, namespace: &str, labels: &str) -> Result<Vec<Pod>> {
        let api: Api<Pod> = Api::namespaced(self.client(), namespace);
        let list = api.list(&ListParams::default().labels(labels)).await?;
        let stays = |pod: &Pod| pod.metadata.deletion_timestamp.is_none();
        Ok(list.items.into_iter().filter(stays).collect())
    }

    /// What a pod answers to a GET on one of its ports, through the API server.
    pub(crate) async fn ask(
        &self,
        namespace: &str,
        pod: &str,
        port: u16,
        path: &str,
    ) -> Result<String> {
        let words =
            format!("get --raw /api/v1/namespaces/{namespace}/pods/{pod}:{port}/proxy{path}");
        self.get(&words).await
    }

    /// Waits until these words of kubectl print something that holds `part`.
    pub(crate) async fn says(&self, words: &str, part: &str) -> Result<String> {
        let what = format!("kubectl {words}");
        eventually(&what, SOON, || async {
            let said = self.get(words).await?;
            ensure!(said.contains(part), "it says no {part}, but {said}");
            Ok(said)
        })
        .await
    }

    /// What somebody who looks for a fault wants to see first.
    pub(crate) async fn look(&self) -> String {
        let mut seen = String::new();
        for (words, count) in [
            ("get events -A --sort-by=.lastTimestamp", 30),
            ("logs -n envoy-gateway-system deployment/envoy-gateway", 12),
            (
                "logs -n thanos-system deployment/thanos-webhook-control",
                12,
            ),
            ("get gatewayclasses,gateways,leases -A", 20),
            ("get pods -A", 40),
        ] {
            let said = self
                .get(words)
                .await
                .unwrap_or_else(|error| format!("{error:#}"));
            let lines: Vec<String> = said
                .lines()
                .map(|line| line.chars().take(WIDTH).collect())
                .collect();
            let end = lines[lines.len().saturating_sub(count)..].join("\n");
            let _ = writeln!(seen, "---- kubectl {words}\n{end}"); // a String takes everything
        }
        let logs = self.run.folder().display();
        let _ = write!(seen, "---- logs are in {logs}");
        seen
    }
}

impl Display for Ground {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.node {
            Some(node) => write!(
                f,
                "our own node is ready ({:.1} s)",
                node.started_in().as_secs_f32()
            ),
            None => write!(
                f,
                "the cluster of KUBECONFIG ({})",
                self.kubeconfig.display()
            ),
        }
    }
}
