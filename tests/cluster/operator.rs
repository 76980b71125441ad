//! The real prometheus-operator, outside the cluster that it serves.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::core::v1::Secret;
use kube::api::DynamicObject;
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Api, Client};

use crate::http::Http;
use crate::port::Port;
use crate::{Cluster, Process, Program, crds, eventually};

const START: Duration = Duration::from_secs(120);

/// What the operator is started with.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// A PrometheusAgent may run as a DaemonSet.
    pub daemonset_agents: bool,
    /// Whom it runs as; the admin unless said.
    pub kubeconfig: Option<PathBuf>,
    /// More arguments.
    pub arguments: Vec<String>,
}

/// A running operator.
pub struct Operator {
    process: Process,
    port: Port,
}

impl Operator {
    /// Starts it for a cluster that has [`crds::ALL`] and waits until it is ready.
    ///
    /// # Errors
    /// When it does not come up; with the end of its log.
    pub async fn start(cluster: &Cluster, settings: Settings) -> Result<Self> {
        let port = Port::take()?;
        let kubeconfig = settings
            .kubeconfig
            .unwrap_or_else(|| cluster.kubeconfig().to_owned());
        let mut program = Program::tool("operator")?
            .named("prometheus-operator")
            .env("KUBECONFIG", kubeconfig)
            .arg(format!("--web.listen-address={}", port.address()))
            .arg("--web.enable-tls=false");
        if settings.daemonset_agents {
            program = program.arg("--feature-gates=PrometheusAgentDaemonSet=true");
        }
        let process = program.args(settings.arguments).start(cluster.run())?;
        let http = Http::new(&format!("http://{}", port.address()))?;
        process
            .ready(START, || async {
                http.get("/healthz").await?.fine().map(drop)
            })
            .await?;
        Ok(Self { process, port })
    }

    /// Its process.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// Where its metrics are.
    pub fn url(&self) -> String {
        format!("http://{}", self.port.address())
    }
}

/// A kind that the operator serves, as an API of untyped objects: `objects(client, "v1", "Prometheus", "monitoring")`.
pub fn objects(client: Client, version: &str, kind: &str, namespace: &str) -> Api<DynamicObject> {
    let kind = GroupVersionKind::gvk(crds::GROUP, version, kind);
    let resource = match kind.kind.as_str() {
        "Prometheus" => ApiResource::from_gvk_with_plural(&kind, "prometheuses"),
        _ => ApiResource::from_gvk(&kind),
    };
    Api::namespaced_with(client, namespace, &resource)
}

/// Waits until the operator has said `Reconciled=True` about the object as it now is.
///
/// # Errors
/// When it does not in time; with the condition that it has instead.
pub async fn reconciled(objects: &Api<DynamicObject>, name: &str, within: Duration) -> Result<()> {
    eventually(&format!("{name} is Reconciled=True"), within, || async {
        let object = objects.get(name).await.context("reading it")?;
        let conditions = object
            .data
            .pointer("/status/conditions")
            .and_then(|list| list.as_array());
        let condition = conditions
            .into_iter()
            .flatten()
            .find(|one| one["type"] == "Reconciled")
            .context("no condition yet")?;
        let current = condition["observedGeneration"].as_i64() == object.metadata.generation;
        ensure!(current && condition["status"] == "True", "{condition}");
        Ok(())
    })
    .await
}

/// The configuration that the operator wrote into a Secret (`prometheus-k8s` for the Prometheus `k8s`), unpacked.
///
/// # Errors
/// When it has not in time.
pub async fn configuration(
    client: Client,
    namespace: &str,
    secret: &str,
    within: Duration,
) -> Result<String> {
    let secrets: Api<Secret> = Api::namespaced(client, namespace);
    eventually(
        &format!("the operator wrote the Secret {secret}"),
        within,
        || async {
            let secret = secrets.get(secret).await.context("reading it")?;
            let data = secret.data.unwrap_or_default();
            let packed = data
                .get("prometheus.yaml.gz")
                .context("it has no prometheus.yaml.gz")?;
            std::io::read_to_string(flate2::read::GzDecoder::new(packed.0.as_slice()))
                .context("unpacking it")
        },
    )
    .await
}
