//! What a story is given: namespaces, credentials with their Role, wirings, objects.

use anyhow::{Context, Result};
use k8s_openapi::api::core::v1::{Namespace, Secret};
use kube::Api;
use kube::api::{ApiResource, DeleteParams, DynamicObject, Patch, PatchParams, PostParams};
use kube::core::GroupVersionKind;
use serde_json::{Value, json};
use thanos_core::{Kind, ThanosWiring, names};
use thanos_tests::{Cluster, install};

use super::stage::PASSWORD;

fn resource() -> ApiResource {
    let kind = Kind::Prometheus;
    let gvk = GroupVersionKind::gvk(names::OPERATOR_GROUP, kind.version(), kind.name());
    ApiResource::from_gvk_with_plural(&gvk, kind.plural())
}

pub(super) fn prometheuses(cluster: &Cluster, namespace: &str) -> Api<DynamicObject> {
    Api::namespaced_with(cluster.client(), namespace, &resource())
}

pub(super) fn everywhere(cluster: &Cluster) -> Api<DynamicObject> {
    Api::all_with(cluster.client(), &resource())
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
    wirings(cluster)
        .patch(name, &params, &Patch::Apply(wiring))
        .await
        .context("applying the wiring")?;
    Ok(())
}

pub(super) async fn create(
    cluster: &Cluster,
    namespace: &str,
    name: &str,
) -> Result<DynamicObject> {
    let object = json!({
        "apiVersion": "monitoring.coreos.com/v1", "kind": "Prometheus", "metadata": {"name": name},
        "spec": {"serviceMonitorSelector": {}},
    });
    let object: DynamicObject = serde_json::from_value(object)?;
    Ok(prometheuses(cluster, namespace)
        .create(&PostParams::default(), &object)
        .await?)
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
        let api: Api<DynamicObject> =
            Api::namespaced_with(cluster.client(), namespace, &ApiResource::from_gvk(&gvk));
        api.patch(&name, &PatchParams::apply("tests"), &Patch::Apply(object))
            .await
            .context(resource)?;
    }
    Ok(())
}

/// Puts the Secret there with these keys.
pub(super) async fn secret(cluster: &Cluster, namespace: &str, keys: &[&str]) -> Result<()> {
    let data: serde_json::Map<String, Value> = keys
        .iter()
        .map(|&key| (key.to_owned(), json!(PASSWORD)))
        .collect();
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": names::SECRET}, "stringData": data});
    let secrets: Api<Secret> = Api::namespaced(cluster.client(), namespace);
    secrets
        .patch(
            names::SECRET,
            &PatchParams::apply("tests").force(),
            &Patch::Apply(secret),
        )
        .await
        .context("the Secret")?;
    Ok(())
}

/// A namespace with everything in it that wiring needs.
pub(super) async fn enrolled(
    cluster: &Cluster,
    namespace: &str,
    labels: &[(&str, &str)],
    wiring: &str,
) -> Result<()> {
    cluster.namespace(namespace, labels).await?;
    permit(cluster, namespace, wiring).await?;
    secret(cluster, namespace, &["user", "password"]).await
}

pub(super) async fn label_namespace(
    cluster: &Cluster,
    namespace: &str,
    labels: Value,
) -> Result<()> {
    let patch = json!({"metadata": {"labels": labels}});
    Api::<Namespace>::all(cluster.client())
        .patch(namespace, &PatchParams::default(), &Patch::Merge(patch))
        .await?;
    Ok(())
}

pub(super) async fn change(
    cluster: &Cluster,
    namespace: &str,
    name: &str,
    patch: Value,
) -> Result<()> {
    prometheuses(cluster, namespace)
        .patch(name, &PatchParams::default(), &Patch::Merge(patch))
        .await?;
    Ok(())
}

pub(super) async fn delete_wiring(cluster: &Cluster, name: &str) -> Result<()> {
    wirings(cluster)
        .delete(name, &DeleteParams::default())
        .await?;
    Ok(())
}
