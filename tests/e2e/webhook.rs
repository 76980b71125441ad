//! charts/thanos-webhook as a user installs it: by helm, into a namespace under the restricted level of Pod Security, with
//! every failure policy at Fail, so that what the webhook does not answer is seen.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::admissionregistration::v1::MutatingWebhookConfiguration;
use k8s_openapi::api::core::v1::{Pod, Secret};
use kube::Api;
use kube::api::DeleteParams;
use serde_json::{Value, json};
use thanos_core::names;
use thanos_tests::{eventually, operator, tools};

use crate::ground::{Ground, SOON};
use crate::monitoring;
use crate::stream::Stream;

const NAMESPACE: &str = names::NAMESPACE;
const SERVE: &str = "deployment/thanos-webhook-serve";
const CONTROL: &str = "deployment/thanos-webhook-control";
const SERVE_PODS: &str = "app.kubernetes.io/name=thanos-webhook,app.kubernetes.io/component=serve";
const STRICT: [&str; 3] = [
    "mutatingFailurePolicy",
    "validatingFailurePolicy",
    "judgingFailurePolicy",
];
/// What the chart says that it leaves beside its definitions (`values.yaml`).
const LEFT: &str = "lease.coordination.k8s.io/thanos-webhook-control";
const URL: &str = "https://receive.hub.example.com/api/v1/receive";

/// `helm upgrade --install` with these values beside the strict ones, until everything is ready.
async fn helm(ground: &Ground, values: &[&str]) -> Result<()> {
    let words = format!(
        "upgrade --install thanos-webhook -n {NAMESPACE} --create-namespace --wait --timeout {}s",
        SOON.as_secs()
    );
    let mut helm = ground
        .helm()?
        .args(words.split(' '))
        .arg(tools::root().join("charts/thanos-webhook"));
    for policy in STRICT {
        helm = helm.args(["--set".to_owned(), format!("registration.{policy}=Fail")]);
    }
    for value in values {
        helm = helm.args(["--set", value]);
    }
    helm.output()
        .await?
        .fine()
        .context("helm upgrade --install")?;
    Ok(())
}

/// The chart, where it is not installed, and the operator's definitions.
pub(crate) async fn installed(ground: &Ground) -> Result<()> {
    let releases = ground.helm()?.args(["list", "-n", NAMESPACE, "-q"]);
    if releases.output().await?.fine()?.contains("thanos-webhook") {
        return Ok(());
    }
    ground.images(&["thanos-webhook"]).await?;
    monitoring::definitions(ground).await?;
    ground.restricted(NAMESPACE).await?;
    helm(ground, &[]).await
}

/// The chart, the operator in a pod, and this cluster as a member, by `kubectl thanos init`.
pub(crate) async fn member(ground: &Ground) -> Result<()> {
    installed(ground).await?;
    monitoring::operator(ground).await?;
    let init = format!(
        "init --cluster edge-01 --url {URL} --namespaces {} --yes",
        monitoring::NAMESPACE
    );
    let done = ground.plugin(&init).await?;
    let said = done.clone().fine()?;
    ensure!(
        said.contains("proof: objects are wired")
            || done.stderr.contains("Nothing is to be changed"),
        "{done:?}"
    );
    Ok(())
}

/// Both Deployments get ready in a namespace that takes no pod with any right.
pub(crate) async fn starts(ground: &Ground) -> Result<()> {
    installed(ground).await?;
    ground.rolled_out(NAMESPACE, SERVE).await?;
    ground.rolled_out(NAMESPACE, CONTROL).await?;
    let pods = ground.pods(NAMESPACE, SERVE_PODS).await?;
    ensure!(pods.len() == 2, "{} replicas", pods.len());
    for pod in pods {
        let image = pod
            .spec
            .and_then(|spec| spec.containers.into_iter().next()?.image);
        let image = image.context("an image")?;
        let version = env!("CARGO_PKG_VERSION");
        ensure!(
            image == format!("kubectl-thanos.dev/thanos-webhook:{version}"),
            "{image}"
        );
    }
    // The namespace does hold what its label says.
    let root = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "root", "namespace": NAMESPACE},
        "spec": {"containers": [{"name": "root", "image": "localhost/pause:1"}]}});
    let refused = ground.apply(&root.to_string()).await?;
    ensure!(
        refused.code != Some(0) && refused.stderr.contains("violates PodSecurity \"restricted"),
        "{refused:?}"
    );
    Ok(())
}

/// `control` fills both Secrets that the chart brings, and writes the authority into both registrations.
pub(crate) async fn makes_its_certificates(ground: &Ground) -> Result<()> {
    installed(ground).await?;
    let secrets: Api<Secret> = Api::namespaced(ground.client(), NAMESPACE);
    let part = async |secret: &str, key: &str| -> Result<String> {
        let data = secrets.get(secret).await?.data.unwrap_or_default();
        let value = data
            .get(key)
            .with_context(|| format!("{key} of {secret}"))?;
        Ok(String::from_utf8(value.0.clone())?)
    };
    let authority = part(names::SECRET_AUTHORITY, "ca.crt").await?;
    let leaf = ground
        .run()
        .file("serve.crt", part(names::SECRET_TLS, "tls.crt").await?)?;
    let file = ground.run().file("authority.crt", &authority)?;
    let verify = thanos_tests::Program::at("openssl")
        .args([
            "verify",
            "-verify_hostname",
            "thanos-webhook.thanos-system.svc",
            "-CAfile",
        ])
        .arg(file)
        .arg(leaf);
    verify
        .output()
        .await?
        .fine()
        .context("the leaf is the authority's")?;
    let registrations: Api<MutatingWebhookConfiguration> = Api::all(ground.client());
    let registered = registrations.get(names::REGISTRATION).await?;
    for webhook in registered.webhooks.unwrap_or_default() {
        let bundle = webhook.client_config.ca_bundle.context("a caBundle")?;
        ensure!(
            String::from_utf8(bundle.0)?.contains(authority.trim()),
            "another caBundle"
        );
    }
    let words = format!(
        "get validatingwebhookconfiguration {} -o jsonpath={{.webhooks[*].clientConfig.caBundle}}",
        names::REGISTRATION
    );
    let bundles = ground.get(&words).await?;
    ensure!(
        bundles.split_whitespace().count() == 4,
        "{} with a caBundle",
        bundles.split_whitespace().count()
    );
    Ok(())
}

/// From an object that knows nothing of Thanos to a Prometheus pod that would write to the hub under its cluster's name.
pub(crate) async fn wires_a_prometheus_that_the_operator_runs(ground: &Ground) -> Result<()> {
    member(ground).await?;
    ground
        .apply(&monitoring::prometheus("k8s").to_string())
        .await?
        .fine()?;
    let api = operator::objects(ground.client(), "v1", "Prometheus", monitoring::NAMESPACE);
    let object = api.get("k8s").await?;
    ensure!(
        object.data["spec"]["remoteWrite"][0]["url"] == URL,
        "{}",
        object.data["spec"]
    );
    let rolled = eventually("the operator makes the StatefulSet", SOON, || async {
        ground
            .get("get statefulset prometheus-k8s -n monitoring")
            .await
            .map(drop)
    });
    rolled.await?;
    ground
        .rolled_out(monitoring::NAMESPACE, "statefulset/prometheus-k8s")
        .await?;
    let answer = ground
        .ask(
            monitoring::NAMESPACE,
            "prometheus-k8s-0",
            9090,
            "/api/v1/status/config",
        )
        .await?;
    let answer: Value = serde_json::from_str(&answer).context("its configuration")?;
    let running = answer["data"]["yaml"].as_str().context("a text")?;
    for part in [
        URL,
        "cluster: edge-01",
        "remote_write:",
        "username: edge-01",
    ] {
        ensure!(
            running.contains(part),
            "no {part} in what the pod runs:\n{running}"
        );
    }
    let wired = ground.plugin("get prometheuses -A").await?.fine()?;
    ensure!(
        wired.contains("monitoring   k8s    Prometheus   hub        wired"),
        "{wired}"
    );
    Ok(())
}

/// The answer of the webhook, through the Service, is what the user reads.
pub(crate) async fn refuses_an_invalid_wiring(ground: &Ground) -> Result<()> {
    member(ground).await?;
    let patch = r#"{"spec":{"remoteWrite":{"writeRelabelConfigs":[{"action":"replace","regex":"(","targetLabel":"a"}]}}}"#;
    let kubectl =
        ground
            .kubectl()?
            .args(["patch", "thanoswiring", "hub", "--type=merge", "-p", patch]);
    let refused = kubectl.output().await?;
    ensure!(refused.code != Some(0), "it was taken");
    let part = "spec.remoteWrite.writeRelabelConfigs[0].regex: KTH2301";
    ensure!(refused.stderr.contains(part), "{}", refused.stderr);
    Ok(())
}

/// The eviction API takes one of two replicas and not the second one.
pub(crate) async fn keeps_one_replica_through_evictions(ground: &Ground) -> Result<()> {
    member(ground).await?;
    ground.rolled_out(NAMESPACE, SERVE).await?;
    let budget = format!(
        "get pdb thanos-webhook-serve -n {NAMESPACE} -o jsonpath={{.status.disruptionsAllowed}}"
    );
    ground.says(&budget, "1").await?;
    let stream = Stream::of_prometheuses(ground, "evicted");
    let mut answers = Vec::new();
    for pod in ground.pods(NAMESPACE, SERVE_PODS).await? {
        // By kubectl: the client would ask again until the first one has its successor.
        let name = pod.metadata.name.context("a name")?;
        let path = format!("/api/v1/namespaces/{NAMESPACE}/pods/{name}/eviction");
        let eviction =
            json!({"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name}});
        let kubectl = ground
            .kubectl()?
            .args(["create", "--raw", &path, "-f", "-"]);
        let answer = kubectl.output_for(eviction.to_string().as_bytes()).await?;
        answers.push(answer);
    }
    ensure!(
        answers.len() == 2 && answers[0].code == Some(0),
        "{answers:?}"
    );
    let refused = answers[1].code != Some(0) && answers[1].stderr.contains("disruption budget");
    ensure!(refused, "the second one went too: {answers:?}");
    ground.rolled_out(NAMESPACE, SERVE).await?;
    ground.says(&budget, "1").await?;
    stream.end().await?.flawless()
}

/// `kubectl rollout restart` under a stream of creates, with failurePolicy Fail: each is answered.
pub(crate) async fn loses_no_create_in_a_rollout(ground: &Ground) -> Result<()> {
    member(ground).await?;
    let stream = Stream::of_prometheuses(ground, "restarted");
    ground
        .get(&format!("rollout restart {SERVE} -n {NAMESPACE}"))
        .await?;
    ground.rolled_out(NAMESPACE, SERVE).await?;
    settled(ground).await?;
    stream.end().await?.flawless()
}

/// The same for an upgrade to another image, which replaces every pod of both Deployments.
pub(crate) async fn loses_no_create_in_a_helm_upgrade(ground: &Ground) -> Result<()> {
    member(ground).await?;
    let stream = Stream::of_prometheuses(ground, "upgraded");
    helm(ground, &["image.tag=next"]).await?;
    settled(ground).await?;
    let seen = stream.end().await?;
    for pod in ground
        .pods(NAMESPACE, "app.kubernetes.io/name=thanos-webhook")
        .await?
    {
        let image = pod
            .spec
            .and_then(|spec| spec.containers.into_iter().next()?.image);
        ensure!(
            image
                .as_deref()
                .is_some_and(|image| image.ends_with(":next")),
            "{image:?}"
        );
    }
    seen.flawless()
}

/// As many as the API server may have open to one pod under this stream.
const CONNECTIONS: usize = 10;
/// How the API server begins when a connection to a webhook is lost (`EOF`, `connection reset by peer`, `broken pipe`).
const LOST: &str = "failed to call webhook: Post";

/// A pod that goes without a word: some creates may be refused then, and none is taken unwired. Afterwards all is as before.
///
/// The pod's object is gone at once and its process some seconds later, when another pod is ready already. Each connection
/// that the API server has to it is noticed when it is used, and costs at most one create.
pub(crate) async fn admits_nothing_unwired_while_a_pod_is_killed(ground: &Ground) -> Result<()> {
    member(ground).await?;
    ground.rolled_out(NAMESPACE, SERVE).await?;
    let stream = Stream::of_prometheuses(ground, "killed");
    let pods: Api<Pod> = Api::namespaced(ground.client(), NAMESPACE);
    let victim = ground.pods(NAMESPACE, SERVE_PODS).await?;
    let victim = victim
        .first()
        .and_then(|pod| pod.metadata.name.clone())
        .context("a pod")?;
    pods.delete(&victim, &DeleteParams::default().grace_period(0))
        .await?;
    ground.rolled_out(NAMESPACE, SERVE).await?;
    let seen = stream.end().await?;
    ensure!(seen.unwired.is_empty() && seen.wired > 0, "{seen:?}");
    let mut refused = seen.refused.len();
    println!(
        "          {} wired, {refused} refused while it went",
        seen.wired
    );
    ensure!(refused <= CONNECTIONS, "{seen:?}");
    loop {
        // Each round that is followed by another one has refused something, so the names differ.
        let stream = Stream::of_prometheuses(ground, &format!("after-{refused}"));
        tokio::time::sleep(Duration::from_secs(3)).await;
        let seen = stream.end().await?;
        refused += seen.refused.len();
        if seen.refused.is_empty() {
            return seen.flawless();
        }
        let lost = |said: &String| said.contains(LOST);
        let is_known = seen.refused.iter().all(lost) && refused <= CONNECTIONS;
        ensure!(seen.unwired.is_empty() && is_known, "{seen:?}");
    }
}

/// `helm uninstall`: nothing of the release stays but the definitions, and nothing waits for an answer that nobody gives.
pub(crate) async fn is_uninstalled_without_leftovers(ground: &Ground) -> Result<()> {
    member(ground).await?;
    let helm = ground
        .helm()?
        .args(["uninstall", "thanos-webhook", "-n", NAMESPACE, "--wait"]);
    helm.output().await?.fine()?;
    let kinds = ground.get("api-resources --verbs=list -o name").await?;
    let kinds: Vec<&str> = kinds
        .lines()
        .filter(|kind| !kind.starts_with("events"))
        .collect();
    let left = format!("get {} -A -o name --ignore-not-found", kinds.join(","));
    // Of the chart, and neither the member's wiring with its rights nor what the operator makes for an own sidecar.
    let of_release = |line: &&str| line.contains("/thanos-webhook") && !line.contains(LEFT);
    eventually("nothing of it is left", SOON, || async {
        let left = ground.get(&left).await?;
        let left: Vec<&str> = left.lines().filter(of_release).collect();
        ensure!(left.is_empty(), "{left:#?}");
        Ok(())
    })
    .await?;
    ground
        .says("get crd", "thanoswirings.kubectl-thanos.dev")
        .await?;
    // Nobody is asked any more, and nothing is held up: an object is taken as it is.
    let mut object = monitoring::prometheus("later");
    object["spec"]["paused"] = json!(true);
    ground.apply(&object.to_string()).await?.fine()?;
    let api = operator::objects(ground.client(), "v1", "Prometheus", monitoring::NAMESPACE);
    ensure!(api.get("later").await?.data["spec"]["remoteWrite"].is_null());
    api.delete("later", &DeleteParams::default()).await?;
    Ok(())
}

/// Waits until every pod that was asked to stop has stopped: their drain is a part of what a stream must not feel.
async fn settled(ground: &Ground) -> Result<()> {
    let pods: Api<Pod> = Api::namespaced(ground.client(), NAMESPACE);
    eventually("the old pods are gone", SOON, || async {
        let list = pods.list(&kube::api::ListParams::default()).await?;
        let going = list
            .items
            .iter()
            .filter(|pod| pod.metadata.deletion_timestamp.is_some());
        let going = going.count();
        ensure!(going == 0, "{going} still stop");
        Ok(())
    })
    .await
}
