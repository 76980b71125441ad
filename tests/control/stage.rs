//! What every story here needs: the chart, `serve` and `control` under their own accounts, objects, wirings, eyes.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::core::v1::{Namespace, Secret};
use k8s_openapi::api::events::v1::Event;
use kube::Api;
use kube::api::{ApiResource, DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams};
use kube::core::GroupVersionKind;
use serde_json::{Value, json};
use thanos_core::{Kind, ThanosWiring, names};
use thanos_tests::certificates::{Authority, Pair};
use thanos_tests::http::Http;
use thanos_tests::port::Port;
use thanos_tests::{Cluster, Process, Program, eventually, install};

/// A story waits no longer for anything that takes a moment.
pub(super) const SOON: Duration = Duration::from_secs(30);
/// The secret that no output may hold.
pub(super) const PASSWORD: &str = "canary-7d41";
/// The times of product.md, an order of magnitude shorter.
pub(super) const QUICK: &[&str] = &["--lease-duration=3s", "--lease-renew=2s", "--lease-retry=300ms", "--sweep=2s", "--touch-longest=3s"];

/// A cluster with the chart in it.
pub(super) struct Stage<'c> {
    pub(super) cluster: &'c Cluster,
    pair: Pair,
    port: Port,
    serve: Option<Process>,
}

/// `control` as a process.
pub(super) struct Control {
    pub(super) process: Process,
    pub(super) admin: Http,
    _port: Port,
}

impl<'c> Stage<'c> {
    /// Installs the chart and starts `serve`.
    pub(super) async fn set(cluster: &'c Cluster) -> Result<Self> {
        let authority = Authority::new("control-test")?;
        let port = Port::take()?;
        let address = install::Address { url: format!("https://{}", port.address()), authority: authority.pem().to_owned() };
        install::webhook(cluster, &address).await?;
        let mut stage = Self { cluster, pair: authority.loopback()?, port, serve: None };
        stage.serve().await?;
        Ok(stage)
    }

    /// Starts `serve`, again at the same address, and waits until it is ready.
    pub(super) async fn serve(&mut self) -> Result<()> {
        let run = self.cluster.run();
        let admin = Port::take()?;
        let account = self.cluster.kubeconfig_of_account(install::NAMESPACE, names::ACCOUNT_SERVE).await?;
        let program = Program::ours("thanos-webhook")?.named("serve").arg("serve").arg("--kubeconfig").arg(account);
        let program = program.args([format!("--listen={}", self.port.address()), format!("--admin-listen={}", admin.address())]);
        let program = program.arg("--tls-cert").arg(run.file("tls.crt", &self.pair.certificate)?);
        let process = program.arg("--tls-key").arg(run.file("tls.key", &self.pair.key)?).start(run)?;
        let health = Http::new(&format!("http://{}", admin.address()))?;
        process.ready(SOON, || async { health.get("/readyz").await?.fine().map(drop) }).await?;
        self.serve = Some(process);
        Ok(())
    }

    /// Ends `serve` at once.
    pub(super) fn silence(&mut self) {
        self.serve = None;
    }

    /// Starts `control` under its own account.
    pub(super) async fn control(&self, name: &str, more: &[&str]) -> Result<Control> {
        control(self.cluster, name, more).await
    }
}

/// Starts `control` under its own account.
pub(super) async fn control(cluster: &Cluster, name: &str, more: &[&str]) -> Result<Control> {
    let account: PathBuf = cluster.kubeconfig_of_account(install::NAMESPACE, names::ACCOUNT_CONTROL).await?;
    let port = Port::take()?;
    let program = Program::ours("thanos-webhook")?.named(name).arg("control").arg("--kubeconfig").arg(account);
    let program = program.args([format!("--admin-listen={}", port.address()), format!("--identity={name}")]);
    let process = program.args(QUICK.iter().copied()).args(more.iter().copied()).start(cluster.run())?;
    let admin = Http::new(&format!("http://{}", port.address()))?;
    process.ready(SOON, || async { admin.get("/readyz").await?.fine().map(drop) }).await?;
    Ok(Control { process, admin, _port: port })
}

impl Control {
    /// What it has logged.
    pub(super) fn log(&self) -> Result<String> {
        Ok(std::fs::read_to_string(self.process.log())?)
    }

    /// Whether it leads, by its own metric.
    pub(super) async fn leads(&self) -> Result<bool> {
        let metrics = self.admin.get("/metrics").await?.fine()?;
        Ok(metrics.lines().any(|line| line == "thanos_webhook_leader 1"))
    }

    /// Waits until it leads.
    pub(super) async fn leading(&self) -> Result<()> {
        eventually("it leads", SOON, || async {
            ensure!(self.leads().await?, "it does not");
            Ok(())
        })
        .await
    }
}

pub(super) fn objects(cluster: &Cluster, kind: Kind, namespace: &str) -> Api<DynamicObject> {
    let gvk = GroupVersionKind::gvk(names::OPERATOR_GROUP, kind.version(), kind.name());
    Api::namespaced_with(cluster.client(), namespace, &ApiResource::from_gvk_with_plural(&gvk, kind.plural()))
}

pub(super) fn prometheuses(cluster: &Cluster, namespace: &str) -> Api<DynamicObject> {
    objects(cluster, Kind::Prometheus, namespace)
}

pub(super) fn wirings(cluster: &Cluster) -> Api<ThanosWiring> {
    Api::all(cluster.client())
}

/// A wiring with basic auth that enrols these namespaces.
pub(super) fn wiring(name: &str, enrolled: &[&str]) -> Value {
    let key = |key: &str| json!({"name": names::SECRET, "key": key});
    json!({
        "apiVersion": names::API_VERSION, "kind": "ThanosWiring", "metadata": {"name": name},
        "spec": {
            "cluster": "edge",
            "remoteWrite": {
                "url": "https://receive.example.com/api/v1/receive",
                "auth": {"basicAuth": {"username": key("user"), "password": key("password")}},
            },
            "credentials": {"namespaces": enrolled},
        },
    })
}

pub(super) async fn put(cluster: &Cluster, wiring: &Value) -> Result<()> {
    let name = wiring["metadata"]["name"].as_str().context("a name")?;
    let params = PatchParams::apply("tests").force();
    wirings(cluster).patch(name, &params, &Patch::Apply(wiring)).await.context("applying the wiring")?;
    Ok(())
}

pub(super) async fn create(cluster: &Cluster, namespace: &str, name: &str) -> Result<DynamicObject> {
    let object = json!({
        "apiVersion": "monitoring.coreos.com/v1", "kind": "Prometheus", "metadata": {"name": name},
        "spec": {"serviceMonitorSelector": {}},
    });
    let object: DynamicObject = serde_json::from_value(object)?;
    Ok(prometheuses(cluster, namespace).create(&PostParams::default(), &object).await?)
}

/// The Role and its binding that `enroll` puts beside a credential.
pub(super) async fn permit(cluster: &Cluster, namespace: &str, wiring: &str) -> Result<()> {
    let name = format!("{}{wiring}", names::ROLE_PREFIX);
    let metadata = json!({"name": name, "namespace": namespace});
    let role = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": metadata,
        "rules": [{"apiGroups": [""], "resources": ["secrets"], "resourceNames": [names::SECRET], "verbs": ["get", "list", "watch"]}],
    });
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": metadata,
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
        "subjects": [{"kind": "ServiceAccount", "name": names::ACCOUNT_CONTROL, "namespace": install::NAMESPACE}],
    });
    for (object, resource) in [(role, "Role"), (binding, "RoleBinding")] {
        let gvk = GroupVersionKind::gvk("rbac.authorization.k8s.io", "v1", resource);
        let api: Api<DynamicObject> = Api::namespaced_with(cluster.client(), namespace, &ApiResource::from_gvk(&gvk));
        api.patch(&name, &PatchParams::apply("tests"), &Patch::Apply(object)).await.context(resource)?;
    }
    Ok(())
}

/// Puts the Secret there with these keys.
pub(super) async fn secret(cluster: &Cluster, namespace: &str, keys: &[&str]) -> Result<()> {
    let data: serde_json::Map<String, Value> = keys.iter().map(|&key| (key.to_owned(), json!(PASSWORD))).collect();
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": names::SECRET}, "stringData": data});
    let secrets: Api<Secret> = Api::namespaced(cluster.client(), namespace);
    secrets.patch(names::SECRET, &PatchParams::apply("tests").force(), &Patch::Apply(secret)).await.context("the Secret")?;
    Ok(())
}

/// A namespace with everything in it that wiring needs.
pub(super) async fn enrolled(cluster: &Cluster, namespace: &str, labels: &[(&str, &str)], wiring: &str) -> Result<()> {
    cluster.namespace(namespace, labels).await?;
    permit(cluster, namespace, wiring).await?;
    secret(cluster, namespace, &["user", "password"]).await
}

pub(super) async fn label_namespace(cluster: &Cluster, namespace: &str, labels: Value) -> Result<()> {
    let patch = json!({"metadata": {"labels": labels}});
    Api::<Namespace>::all(cluster.client()).patch(namespace, &PatchParams::default(), &Patch::Merge(patch)).await?;
    Ok(())
}

pub(super) async fn change(cluster: &Cluster, namespace: &str, name: &str, patch: Value) -> Result<()> {
    prometheuses(cluster, namespace).patch(name, &PatchParams::default(), &Patch::Merge(patch)).await?;
    Ok(())
}

pub(super) async fn delete_wiring(cluster: &Cluster, name: &str) -> Result<()> {
    wirings(cluster).delete(name, &DeleteParams::default()).await?;
    Ok(())
}

/// The url that an object's entry has; none when it is not wired.
pub(super) fn url(object: &DynamicObject) -> Option<&str> {
    let entries = object.data["spec"]["remoteWrite"].as_array()?;
    entries.iter().find(|entry| entry["name"] == "thanos")?["url"].as_str()
}

/// Waits until an object is wired, and clean of any touch; says how long that took.
pub(super) async fn until_wired(cluster: &Cluster, namespace: &str, name: &str) -> Result<Duration> {
    let begin = Instant::now();
    eventually(&format!("{namespace}/{name} is wired"), SOON, || async {
        let object = prometheuses(cluster, namespace).get(name).await?;
        ensure!(url(&object).is_some() && has(&object, names::WIRED), "it is not: {}", object.data["spec"]);
        ensure!(!has(&object, names::TOUCH), "it still carries the touch");
        Ok(())
    })
    .await?;
    Ok(begin.elapsed())
}

/// Waits until an object has nothing of ours; says how long that took.
pub(super) async fn until_unwired(cluster: &Cluster, namespace: &str, name: &str) -> Result<Duration> {
    let begin = Instant::now();
    eventually(&format!("{namespace}/{name} is un-wired"), SOON, || async {
        let object = prometheuses(cluster, namespace).get(name).await?;
        ensure!(object.data["spec"].get("remoteWrite").is_none(), "it is wired: {}", object.data["spec"]);
        ensure!(!has(&object, names::WIRED) && !has(&object, names::TOUCH), "{:?}", object.metadata.annotations);
        Ok(())
    })
    .await?;
    Ok(begin.elapsed())
}

pub(super) fn has(object: &DynamicObject, annotation: &str) -> bool {
    object.metadata.annotations.as_ref().is_some_and(|annotations| annotations.contains_key(annotation))
}

/// A wiring's condition: its status, reason and message.
pub(super) async fn condition(cluster: &Cluster, wiring: &str, kind: &str) -> Result<(String, String, String)> {
    let wiring = wirings(cluster).get(wiring).await?;
    let status = wiring.status.context("no status yet")?;
    ensure!(status.observed_generation == wiring.metadata.generation, "the status is about an older generation");
    let condition = status.conditions.into_iter().find(|one| one.type_ == kind).context("no such condition")?;
    Ok((condition.status, condition.reason, condition.message))
}

/// Waits until a condition has this reason; gives its message.
pub(super) async fn until_reason(cluster: &Cluster, wiring: &str, kind: &str, reason: &str) -> Result<String> {
    eventually(&format!("{kind} of {wiring} says {reason}"), SOON, || async {
        let (_, said, message) = condition(cluster, wiring, kind).await?;
        ensure!(said == reason, "it says {said}: {message}");
        Ok(message)
    })
    .await
}

/// The Events about one object, `Reason note`, oldest first.
pub(super) async fn events(cluster: &Cluster, namespace: &str, name: &str) -> Result<Vec<String>> {
    let events: Api<Event> = Api::namespaced(cluster.client(), namespace);
    let mut found = events.list(&ListParams::default()).await?.items;
    found.retain(|event| event.regarding.as_ref().and_then(|one| one.name.as_deref()) == Some(name));
    found.sort_by_key(|event| event.event_time.clone());
    Ok(found.into_iter().map(|event| format!("{} {}", event.reason.unwrap_or_default(), event.note.unwrap_or_default())).collect())
}

/// Waits until an Event about an object starts so.
pub(super) async fn until_event(cluster: &Cluster, namespace: &str, name: &str, begins: &str) -> Result<()> {
    eventually(&format!("an Event about {name}: {begins}"), SOON, || async {
        let events = events(cluster, namespace, name).await?;
        ensure!(events.iter().any(|event| event.starts_with(begins)), "{events:?}");
        Ok(())
    })
    .await
}
