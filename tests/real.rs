//! A member cluster as users have it: the real API server, our programs under their own rights, other managers beside.

mod audit;
mod identity;
mod neighbours;
mod operator;
mod ownership;

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use thanos_core::{Kind, names};
use thanos_tests::install::apply;
use thanos_tests::ours::{Control, Installed, Serve};
use thanos_tests::{Cluster, Options, eventually};

pub(crate) const SOON: Duration = Duration::from_secs(30);
/// The password: it may stand in the Secret and nowhere else.
pub(crate) const PASSWORD: &str = "c4n4ry-pa55w0rd-of-the-member";

/// A cluster in which namespace `monitoring` is enrolled and its credential ready.
pub(crate) struct Member<'a> {
    pub(crate) cluster: &'a Cluster,
    /// Holds the port that the registration names.
    _installed: Installed,
    pub(crate) serve: Serve,
    /// Ends with the story.
    _control: Control,
}

/// Runs a story in a member cluster of its own.
pub(crate) async fn with(
    name: &str,
    story: impl AsyncFnOnce(Member<'_>) -> Result<()>,
) -> Result<()> {
    Cluster::with(Options::new(name).audit(), async |cluster| {
        let installed = Installed::new(cluster).await?;
        let serve = installed.serve(cluster, &[]).await?;
        let control = Control::start(cluster, &["--sweep=2s"]).await?;
        enroll(cluster).await?;
        story(Member {
            cluster,
            _installed: installed,
            serve,
            _control: control,
        })
        .await
    })
    .await
}

/// The credential, the right to watch it, and the wiring; waits until the controller has seen all of it.
async fn enroll(cluster: &Cluster) -> Result<()> {
    cluster.namespace("monitoring", &[]).await?;
    let metadata = |name: &str| json!({"name": name, "namespace": "monitoring"});
    let role = "thanos-wiring-hub";
    let objects = [
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata(names::SECRET), "stringData": {"user": "edge-01", "password": PASSWORD}}),
        json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": metadata(role),
            "rules": [{"apiGroups": [""], "resources": ["secrets"], "resourceNames": [names::SECRET], "verbs": ["get", "list", "watch"]}]}),
        json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": metadata(role),
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": role},
            "subjects": [{"kind": "ServiceAccount", "name": names::ACCOUNT_CONTROL, "namespace": names::NAMESPACE}]}),
        wiring(),
    ];
    apply(cluster, &objects, "admin").await?;
    eventually("the credential is ready", SOON, || async {
        let namespaces =
            jsonpath(cluster, &["thanoswiring", "hub"], "{.status.namespaces}").await?;
        ensure!(namespaces.contains(r#""ready":true"#), "{namespaces}");
        Ok(())
    })
    .await
}

/// The wiring of these stories.
pub(crate) fn wiring() -> Value {
    let key = |key: &str| json!({"name": names::SECRET, "key": key});
    json!({"apiVersion": names::API_VERSION, "kind": "ThanosWiring", "metadata": {"name": "hub"}, "spec": {
        "cluster": "edge-01",
        "remoteWrite": {"url": "https://receive.example.com/api/v1/receive",
            "auth": {"basicAuth": {"username": key("user"), "password": key("password")}}, "queueConfig": {"retryOnRateLimit": true}},
        "credentials": {"namespaces": ["monitoring"]},
    }})
}

/// A Prometheus with a spec of its own.
pub(crate) fn prometheus(name: &str, spec: &Value) -> Value {
    let mut object = json!({"apiVersion": "monitoring.coreos.com/v1", "kind": "Prometheus",
        "metadata": {"name": name, "namespace": "monitoring"}, "spec": {"version": "v3.5.0", "serviceMonitorSelector": {}}});
    if let (Some(all), Some(own)) = (object["spec"].as_object_mut(), spec.as_object()) {
        all.extend(own.clone());
    }
    object
}

/// kubectl with an object on its standard input.
pub(crate) async fn kubectl(cluster: &Cluster, words: &[&str], object: &Value) -> Result<String> {
    let program = cluster.kubectl()?.args(words.iter().copied());
    program
        .output_for(object.to_string().as_bytes())
        .await?
        .fine()
        .with_context(|| words.join(" "))
}

/// A field of an object, as kubectl prints it.
pub(crate) async fn jsonpath(cluster: &Cluster, object: &[&str], path: &str) -> Result<String> {
    let program = cluster
        .kubectl()?
        .arg("get")
        .args(object.iter().copied())
        .arg(format!("-o=jsonpath={path}"));
    program.output().await?.fine()
}

/// The whole object.
pub(crate) async fn get(cluster: &Cluster, name: &str) -> Result<Value> {
    let program = cluster.kubectl()?.args([
        "get",
        Kind::Prometheus.plural(),
        name,
        "-n",
        "monitoring",
        "-o",
        "json",
        "--show-managed-fields",
    ]);
    Ok(serde_json::from_str(&program.output().await?.fine()?)?)
}

/// The names of the entries.
pub(crate) fn entries(object: &Value) -> Vec<&str> {
    let entries = object["spec"]["remoteWrite"]
        .as_array()
        .into_iter()
        .flatten();
    entries.filter_map(|entry| entry["name"].as_str()).collect()
}

/// Fails unless the object is wired, whole.
pub(crate) fn ensure_wired(object: &Value) -> Result<()> {
    let entry = object["spec"]["remoteWrite"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|entry| entry["name"] == "thanos");
    let entry = entry.with_context(|| format!("no entry in {}", object["spec"]))?;
    ensure!(
        entry["basicAuth"]["password"] == json!({"name": names::SECRET, "key": "password"}),
        "{entry}"
    );
    ensure!(
        entry["writeRelabelConfigs"]
            .as_array()
            .is_some_and(|rules| rules.len() >= 4),
        "{entry}"
    );
    ensure!(
        object["spec"]["externalLabels"]["cluster"] == "edge-01",
        "{}",
        object["spec"]["externalLabels"]
    );
    ensure!(
        object["metadata"]["annotations"][names::WIRED].is_string(),
        "no annotation"
    );
    ensure!(
        object["metadata"]["annotations"]
            .get(names::TOUCH)
            .is_none(),
        "the touch is still there"
    );
    Ok(())
}
