//! A member is set up by the plugin's own verbs, on a real API server.

mod enrolling;
mod starting;
mod troubles;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{ApiResource, DynamicObject, Patch, PatchParams, PostParams};
use kube::core::GroupVersionKind;
use kube::{Api, CustomResourceExt as _};
use kubectl_thanos::Surroundings;
use serde_json::{Value, json};
use thanos_core::{ThanosWiring, names};
use thanos_tests::{Cluster, crds};

/// What one command gave.
#[derive(Debug)]
struct Ran {
    code: u8,
    out: String,
    err: String,
}

impl Ran {
    /// Fails the test unless it ended so.
    fn ends(self, code: u8) -> Self {
        assert_eq!(self.code, code, "{}{}", self.out, self.err);
        self
    }

    /// Whether nothing was changed.
    fn is_unchanged(&self) -> bool {
        !self.out.is_empty()
            && self
                .out
                .lines()
                .all(|line| line.contains(" unchanged") || line.starts_with("proof: "))
    }
}

/// Runs one command as whoever the kubeconfig names; words are split at blanks.
async fn run_as(kubeconfig: &Path, line: &str, stdin: &str) -> Result<Ran> {
    let mut words: Vec<OsString> = vec!["kubectl-thanos".into()];
    words.extend(line.split_whitespace().map(Into::into));
    words.extend(["--kubeconfig".into(), kubeconfig.into()]);
    let stdin = stdin.to_owned();
    let ran = tokio::task::spawn_blocking(move || {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let code = kubectl_thanos::run_in(
            &Surroundings::bare(),
            words,
            &mut stdin.as_bytes(),
            &mut out,
            &mut err,
        );
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Ran {
            code,
            out: text(out),
            err: text(err),
        }
    });
    ran.await.context("the command panicked")
}

/// Runs one command as the admin.
async fn run(cluster: &Cluster, line: &str) -> Result<Ran> {
    run_as(cluster.kubeconfig(), line, "").await
}

/// The wiring's CRD, and nothing else of ours.
async fn with_crd(cluster: &Cluster) -> Result<()> {
    let apply = PatchParams::apply("tests");
    let crd = ThanosWiring::crd();
    let api: Api<k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition> = Api::all(cluster.client());
    api.patch(
        &crd.metadata.name.clone().unwrap_or_default(),
        &apply,
        &Patch::Apply(&thanos_core::wiring::crd()),
    )
    .await?;
    crds::served(
        &cluster.client(),
        names::GROUP,
        names::VERSION,
        "thanoswirings",
    )
    .await
}

/// A wiring with this auth.
async fn with_wiring(cluster: &Cluster, name: &str, remote_write: Value) -> Result<()> {
    let wiring: ThanosWiring = serde_json::from_value(json!({
        "apiVersion": names::API_VERSION, "kind": "ThanosWiring", "metadata": {"name": name},
        "spec": {"cluster": "edge-01", "remoteWrite": remote_write},
    }))?;
    wirings(cluster)
        .create(&PostParams::default(), &wiring)
        .await?;
    Ok(())
}

/// Basic auth out of a Secret of that name.
fn basic(secret: &str) -> Value {
    let key = |key: &str| json!({"name": secret, "key": key});
    json!({"url": "https://receive.example.com/", "auth": {"basicAuth": {"username": key("user"), "password": key("password")}}})
}

fn wirings(cluster: &Cluster) -> Api<ThanosWiring> {
    Api::all(cluster.client())
}

fn secrets(cluster: &Cluster, namespace: &str) -> Api<Secret> {
    Api::namespaced(cluster.client(), namespace)
}

/// The enrolled namespaces, in the order of their names.
async fn enrolled(cluster: &Cluster, wiring: &str) -> Result<Vec<String>> {
    let stored = wirings(cluster).get(wiring).await?;
    let mut namespaces = stored
        .spec
        .credentials
        .map(|credentials| credentials.namespaces)
        .unwrap_or_default();
    namespaces.sort();
    Ok(namespaces)
}

/// A value of the credential.
async fn value(cluster: &Cluster, namespace: &str, key: &str) -> Result<String> {
    let secret = secrets(cluster, namespace).get(names::SECRET).await?;
    let data = secret.data.unwrap_or_default();
    let bytes = data.get(key).with_context(|| format!("no key {key}"))?;
    Ok(String::from_utf8(bytes.0.clone())?)
}

/// Makes an object of any kind.
async fn create(cluster: &Cluster, object: Value) -> Result<()> {
    let object: DynamicObject = serde_json::from_value(object)?;
    let types = object.types.clone().context("its kind")?;
    let gvk = GroupVersionKind::try_from(types)?;
    let resource = ApiResource::from_gvk(&gvk);
    let api: Api<DynamicObject> = match &object.metadata.namespace {
        Some(namespace) => Api::namespaced_with(cluster.client(), namespace, &resource),
        None => Api::all_with(cluster.client(), &resource),
    };
    api.create(&PostParams::default(), &object).await?;
    Ok(())
}

/// Grants a user rules everywhere.
async fn grant(cluster: &Cluster, name: &str, user: &str, rules: Value) -> Result<()> {
    let api = "rbac.authorization.k8s.io";
    create(cluster, json!({"apiVersion": format!("{api}/v1"), "kind": "ClusterRole", "metadata": {"name": name}, "rules": rules})).await?;
    create(
        cluster,
        json!({
            "apiVersion": format!("{api}/v1"), "kind": "ClusterRoleBinding", "metadata": {"name": name},
            "roleRef": {"apiGroup": api, "kind": "ClusterRole", "name": name},
            "subjects": [{"apiGroup": api, "kind": "User", "name": user}],
        }),
    )
    .await
}

/// Fails when a text gives a secret away, as it is or in base64.
fn assert_hidden(secret: &str, texts: &[&str]) {
    let encoded = BASE64_STANDARD.encode(secret);
    for text in texts {
        assert!(
            !text.contains(secret) && !text.contains(&encoded),
            "the secret is in: {text}"
        );
    }
}

/// A file of this cluster's own.
fn file(cluster: &Cluster, name: &str, text: &str) -> Result<PathBuf> {
    cluster.run().file(name, text)
}
