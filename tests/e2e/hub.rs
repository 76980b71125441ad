//! A hub as a user makes it: `kubectl thanos init` with a file of answers, from nothing, in pods, against Azurite and
//! behind the real Envoy.
//!
//! The operator is there before, as "found and kept": kube-prometheus-stack's chart is in no Go module, and nothing is
//! downloaded here. The node's network holds no NetworkPolicy back; that the hub's policies fit is a test of the chart.

mod blocks;
mod killing;
mod making;
mod removing;
mod samples;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;
use thanos_tests::azurite::Azurite;
use thanos_tests::certificates::Authority;
use thanos_tests::command::{self, Output};
use thanos_tests::promql::{self, Sample};
use thanos_tests::{Node, Program, tools};

use crate::ground::Ground;
use crate::monitoring;

pub(crate) use blocks::keeps_compacted_blocks;
pub(crate) use killing::loses_no_sample_when_pods_are_killed;
pub(crate) use making::{is_made_from_nothing, is_upgraded_by_helm, stands_beside_another};
pub(crate) use removing::is_uninstalled_without_leftovers;
pub(crate) use samples::takes_samples_of_the_operators_pods;

/// The hub's, its release's and its namespace's name.
const NAME: &str = "thanos";
const DOMAIN: &str = "hub.example.com";
/// As whom the hub is a member of itself.
const CLUSTER: &str = "hub-01";
/// Where Thanos keeps its blocks.
const CONTAINER: &str = "blocks";
/// Where Envoy Gateway and Envoy run.
const GATEWAY: &str = "envoy-gateway-system";
/// As many as two hubs claim.
pub(crate) const VOLUMES: usize = 12;

/// What a hub stands on, for as long as the stories are told.
pub(crate) struct Stage {
    azurite: Azurite,
    authority: Authority,
    trusted: PathBuf,
    answers: PathBuf,
    /// What of a hub was there before.
    before: BTreeSet<String>,
    made: tokio::sync::OnceCell<String>,
}

/// The hub of this ground.
#[derive(Clone, Copy)]
struct Hub<'g> {
    ground: &'g Ground,
    node: &'g Node,
    stage: &'g Stage,
}

impl<'g> Hub<'g> {
    /// What it stands on; `None` where that cannot be had.
    async fn on(ground: &'g Ground) -> Result<Option<Self>> {
        let Some(node) = ground.node() else {
            println!("          passed over: it needs our own node");
            return Ok(None);
        };
        let stage = ground.stage(|| Stage::set(ground, node)).await?;
        Ok(Some(Self {
            ground,
            node,
            stage,
        }))
    }

    /// The hub, made where it is not yet.
    async fn made(ground: &'g Ground) -> Result<Option<Self>> {
        let Some(hub) = Self::on(ground).await? else {
            return Ok(None);
        };
        hub.stage.made.get_or_try_init(|| making::make(hub)).await?;
        Ok(Some(hub))
    }

    /// `kubectl thanos`, typed by somebody who is logged in on the node.
    async fn plugin(&self, words: &str) -> Result<Output> {
        let kubeconfig = self.node.kubeconfig_inside()?;
        let plugin = Program::ours("kubectl-thanos")?
            .env("HELM_BIN", tools::tool("helm")?)
            .args(words.split(' '));
        let plugin = command::at_home(plugin, self.ground.run(), &kubeconfig)?;
        self.node.logged_in(plugin).output().await
    }

    /// `kubectl thanos init` with the file of answers.
    async fn init(&self, more: &str) -> Result<Output> {
        let answers = self.stage.answers.display();
        self.plugin(format!("init -f {answers} {more}").trim())
            .await
    }

    /// What Query answers through the public gateway, with more parameters (`dedup=false`).
    async fn ask(&self, query: &str, more: &[&str]) -> Result<Vec<Sample>> {
        let words = format!(
            "get secret {NAME}-read-credential -n {NAME} -o jsonpath={{.data.user}}:{{.data.password}}"
        );
        let kept = self.ground.get(&words).await?;
        let (user, password) = kept.split_once(':').context("a user and a password")?;
        let plain = |word: &str| -> Result<String> {
            Ok(String::from_utf8(BASE64_STANDARD.decode(word.trim())?)?)
        };
        let login = format!("user = \"{}:{}\"\n", plain(user)?, plain(password)?);
        let mut curl = Program::at("curl")
            .args([
                "-sS",
                "--fail-with-body",
                "--max-time",
                "10",
                "-K",
                "-",
                "-G",
            ])
            .arg("--cacert")
            .arg(&self.stage.trusted)
            .arg(format!("https://query.{DOMAIN}/api/v1/query"));
        let query = format!("query={query}");
        for parameter in [query.as_str()].iter().chain(more) {
            curl = curl.args(["--data-urlencode", parameter]);
        }
        let asked = self.node.logged_in(curl).output_for(login.as_bytes());
        promql::samples(&asked.await?.fine()?)
    }
}

impl Stage {
    /// Azurite, volumes, the operator, the images, a certificate of an authority of this run, and the file of answers.
    pub(crate) async fn set(ground: &Ground, node: &Node) -> Result<Self> {
        let azurite = Azurite::start_beside(node).await?;
        node.volumes(VOLUMES).await?;
        // What the stories of a member have left is nobody's.
        for words in [
            "delete crd thanoswirings.kubectl-thanos.dev thanospolicies.kubectl-thanos.dev --ignore-not-found",
            "delete namespace monitoring --ignore-not-found",
        ] {
            ground.get(words).await?;
        }
        monitoring::operator(ground).await?;
        ground
            .images(&["thanos-webhook", "thanos", "envoy-gateway", "envoy"])
            .await?;
        let authority = Authority::new("e2e")?;
        let file = |name: &str, text: &str| ground.run().file(&format!("hub/{name}"), text);
        let trusted = file("ca.crt", authority.pem())?;
        container(&azurite, node, CONTAINER).await?;
        file("objstore.yml", &azurite.bucket(CONTAINER))?;
        file("thanos.yaml", &values(&azurite).to_string())?;
        file("small.yaml", &small().to_string())?;
        let answers = file("answers.yaml", &answers(NAME, DOMAIN, "thanos.yaml"))?;
        let mut stage = Self {
            azurite,
            authority,
            trusted,
            answers,
            before: BTreeSet::new(),
            made: tokio::sync::OnceCell::new(),
        };
        stage.certificate(ground, NAME, DOMAIN).await?;
        stage.before = removing::traces(ground).await?;
        Ok(stage)
    }

    /// The Secret that `certificate: secret:hub-tls` names, in a namespace that the user has made.
    async fn certificate(&self, ground: &Ground, namespace: &str, domain: &str) -> Result<()> {
        let hosts = ["receive", "query"].map(|word| format!("{word}.{domain}"));
        let pair = self.authority.server(&[&hosts[0], &hosts[1]])?;
        let objects = json!({"apiVersion": "v1", "kind": "List", "items": [
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}},
            {
                "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
                "metadata": {"name": "hub-tls", "namespace": namespace},
                "stringData": {"tls.crt": pair.certificate, "tls.key": pair.key},
            },
        ]});
        ground.apply(&objects.to_string()).await?.fine().map(drop)
    }

    /// What a reader of the tutorial has at hand: an object store, a certificate for both hosts, and whom to trust for it.
    pub(crate) async fn tutorial(&self, node: &Node, folder: &Path, domain: &str) -> Result<()> {
        container(&self.azurite, node, "tutorial").await?;
        let hosts = ["receive", "query"].map(|word| format!("{word}.{domain}"));
        let pair = self.authority.server(&[&hosts[0], &hosts[1]])?;
        for (name, text) in [
            ("ca.crt", self.authority.pem()),
            ("tls.crt", &pair.certificate),
            ("tls.key", &pair.key),
            ("objstore.yml", &self.azurite.bucket("tutorial")),
            ("thanos-values.yaml", &values(&self.azurite).to_string()),
        ] {
            std::fs::write(folder.join(name), text).with_context(|| name.to_owned())?;
        }
        Ok(())
    }

    fn folder(&self) -> Result<&Path> {
        self.answers.parent().context("a folder")
    }
}

/// Makes a container, as a user does: where there is none, six parts of Thanos make it at once, and who comes second dies
/// of ContainerAlreadyExists.
async fn container(azurite: &Azurite, node: &Node, name: &str) -> Result<()> {
    let listed = node.inside(azurite.listing(name)?).output().await?;
    listed.fine().with_context(|| format!("container {name}"))?;
    Ok(())
}

/// The file that a user keeps.
fn answers(name: &str, domain: &str, values: &str) -> String {
    let more = more_answers(values);
    format!(
        "apiVersion: kubectl-thanos.dev/v1alpha1
kind: Hub
name: {name}
domain: {domain}
cluster: {CLUSTER}
namespaces: [{}]
noAzure: true
objstoreFile: objstore.yml
certificate: secret:hub-tls
caFile: ca.crt
{more}",
        monitoring::NAMESPACE
    )
}

/// The answers of a machine without the internet and with two cores.
pub(crate) fn more_answers(values: &str) -> String {
    let chart = tools::root().join("target/tools/envoy-gateway-chart");
    format!(
        "chart: {{envoy-gateway: {}}}\nvalues: {{thanos: {values}}}\n",
        chart.display()
    )
}

/// What a small part asks for; one replica of it; the same of a part that could scale.
fn sizes() -> [serde_json::Value; 3] {
    let resources = json!({"requests": {"cpu": "10m", "memory": "64Mi"}});
    let one = json!({"replicas": 1, "resources": resources});
    let stateless =
        json!({"replicas": 1, "resources": resources, "autoscaling": {"enabled": false}});
    [resources, one, stateless]
}

/// One replica of everything but the ingesters, on two cores; blocks of half a minute that are compacted at once.
fn values(azurite: &Azurite) -> serde_json::Value {
    let [resources, one, stateless] = sizes();
    json!({
        "gateway": {"service": {"type": "ClusterIP"}, "envoy": one},
        "receive": {"router": stateless, "ingester": {
            "replicas": 3, "replicationFactor": 3, "resources": resources, "retention": "0d",
            "extraArgs": ["--tsdb.min-block-duration=30s", "--tsdb.max-block-duration=30s"],
        }},
        "query": stateless, "queryFrontend": stateless,
        "store": {"replicas": 1, "resources": resources, "extraArgs": ["--sync-block-duration=5s"]},
        "compactor": {"resources": resources, "extraArgs": [
            "--wait-interval=5s", "--consistency-delay=0s", "--delete-delay=0s", "--compact.cleanup-interval=5s",
        ]},
        "ruler": one,
        "networkPolicy": {"objectStoragePorts": [azurite.port()]},
    })
}

/// A hub of one ingester, without what it can do without.
fn small() -> serde_json::Value {
    let [resources, one, stateless] = sizes();
    json!({
        "gateway": {"service": {"type": "ClusterIP"}, "envoy": one},
        "receive": {"router": stateless, "ingester": {"replicas": 1, "replicationFactor": 1, "resources": resources}},
        "query": stateless, "queryFrontend": stateless, "store": one,
        "compactor": {"enabled": false}, "ruler": {"enabled": false},
    })
}
