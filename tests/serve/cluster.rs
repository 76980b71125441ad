//! With a real API server: ready quickly, and objects are wired and wirings refused through it.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use kube::api::{Api, ApiResource, DynamicObject, Patch, PatchParams, PostParams};
use kube::core::GroupVersionKind;
use serde_json::{Value, json};
use thanos_core::Kind;
use thanos_tests::{Cluster, Options, eventually, install};

use super::program::Serve;

const SOON: Duration = Duration::from_secs(10);

fn api(cluster: &Cluster, kind: Kind, namespace: &str) -> Api<DynamicObject> {
    let gvk = GroupVersionKind::gvk(
        thanos_core::names::OPERATOR_GROUP,
        kind.version(),
        kind.name(),
    );
    Api::namespaced_with(
        cluster.client(),
        namespace,
        &ApiResource::from_gvk_with_plural(&gvk, kind.plural()),
    )
}

fn wirings(cluster: &Cluster) -> Api<DynamicObject> {
    let gvk = GroupVersionKind::gvk(
        thanos_core::names::GROUP,
        thanos_core::names::VERSION,
        "ThanosWiring",
    );
    Api::all_with(
        cluster.client(),
        &ApiResource::from_gvk_with_plural(&gvk, "thanoswirings"),
    )
}

fn prometheus(name: &str) -> DynamicObject {
    let object = json!({
        "apiVersion": "monitoring.coreos.com/v1", "kind": "Prometheus", "metadata": {"name": name},
        "spec": {"serviceMonitorSelector": {}},
    });
    serde_json::from_value(object).expect("an object")
}

async fn made(cluster: &Cluster, namespace: &str, name: &str) -> Result<Value> {
    let prometheuses = api(cluster, Kind::Prometheus, namespace);
    let dry = PostParams {
        dry_run: true,
        ..PostParams::default()
    };
    Ok(prometheuses.create(&dry, &prometheus(name)).await?.data)
}

async fn is_wired(cluster: &Cluster, namespace: &str) -> Result<()> {
    let made = made(cluster, namespace, "probe").await?;
    ensure!(made["spec"]["remoteWrite"][0]["name"] == "thanos", "{made}");
    Ok(())
}

#[tokio::test]
async fn objects_are_wired_through_a_real_api_server() -> Result<()> {
    Cluster::with(Options::new("serve-cluster"), async |cluster| {
        cluster.namespace("monitoring", &[("team", "a")]).await?;
        install::apply(
            cluster,
            &install::render(cluster, &[])
                .await?
                .into_iter()
                .filter(is_definition)
                .collect::<Vec<_>>(),
            "helm",
        )
        .await?;
        let serve = Serve::start(
            cluster.run(),
            cluster.kubeconfig().to_owned(),
            &["--log-format=json"],
        )
        .await?;
        serve
            .process
            .ready(SOON, || async {
                serve.admin.get("/readyz").await?.fine().map(drop)
            })
            .await?;
        let address = install::Address {
            url: format!("https://{}", serve.address),
            authority: serve.authority.pem().to_owned(),
        };
        install::webhook(cluster, &address).await?;

        let mut wiring = super::wiring();
        wiring["spec"]["namespaceSelector"] = json!({"matchLabels": {"team": "a"}});
        let wiring: DynamicObject = serde_json::from_value(wiring)?;
        wirings(cluster)
            .create(&PostParams::default(), &wiring)
            .await
            .context("a right wiring")?;
        eventually("a new object is wired", SOON, || {
            is_wired(cluster, "monitoring")
        })
        .await?;

        // A namespace and an object in it at once: asked for when the watch has not brought it yet.
        for number in 0..5 {
            let name = format!("fresh-{number}");
            cluster.namespace(&name, &[("team", "a")]).await?;
            is_wired(cluster, &name).await?;
        }
        refuses_a_wrong_wiring(cluster).await?;
        follows_the_definitions(cluster).await?;
        let log = std::fs::read_to_string(serve.process.log())?;
        let reviews = log
            .lines()
            .filter(|line| line.contains(r#""message":"review""#))
            .count();
        ensure!(reviews >= 8, "{reviews} reviews in\n{log}");
        Ok(())
    })
    .await
}

fn is_definition(object: &Value) -> bool {
    object["kind"] == "CustomResourceDefinition"
}

async fn refuses_a_wrong_wiring(cluster: &Cluster) -> Result<()> {
    // It passes the schema and CEL: only the webhook knows that this is no regular expression.
    let rule =
        json!({"writeRelabelConfigs": [{"action": "replace", "regex": "(", "targetLabel": "a"}]});
    let patch = json!({"spec": {"remoteWrite": rule}});
    let patched = wirings(cluster)
        .patch("hub", &PatchParams::default(), &Patch::Merge(patch))
        .await;
    let kube::Error::Api(status) = patched.err().context("it was accepted")? else {
        anyhow::bail!("no answer")
    };
    ensure!(
        status.code == 422
            && status
                .message
                .contains("KTH2301 spec.remoteWrite.writeRelabelConfigs[0].regex"),
        "{status:?}"
    );
    let causes = status
        .details
        .map(|details| details.causes)
        .unwrap_or_default();
    ensure!(
        causes
            .iter()
            .any(|cause| cause.field == "spec.remoteWrite.writeRelabelConfigs[0].regex"),
        "{causes:?}"
    );
    Ok(())
}

/// A CRD that loses a field is an older CRD: what needs the field is left, with the reason.
async fn follows_the_definitions(cluster: &Cluster) -> Result<()> {
    let definitions: Api<DynamicObject> = {
        let gvk = GroupVersionKind::gvk("apiextensions.k8s.io", "v1", "CustomResourceDefinition");
        Api::all_with(cluster.client(), &ApiResource::from_gvk(&gvk))
    };
    let field = "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/remoteWrite/items/properties/followRedirects";
    let patch = serde_json::from_value(json!([{"op": "remove", "path": field}]))?;
    let name = "prometheuses.monitoring.coreos.com";
    definitions
        .patch(name, &PatchParams::default(), &Patch::Json::<()>(patch))
        .await?;
    eventually("the older CRD is known", SOON, || async {
        let made = made(cluster, "monitoring", "probe").await?;
        ensure!(made["spec"].get("remoteWrite").is_none(), "{made}");
        Ok(())
    })
    .await
}
