//! From nothing to a hub that answers, again without a change, upgraded by helm, and with another one beside it.

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use thanos_core::names;
use thanos_tests::{eventually, tools};

use super::{CLUSTER, DOMAIN, GATEWAY, Hub, NAME, answers, container};
use crate::ground::{Ground, SOON};
use crate::monitoring;

/// What the plugin shows of a hub that takes samples.
const PROOFS: [&str; 5] = [
    "the gateway has an address",
    "objects are wired",
    "wirings are checked",
    "a sample arrives",
    "a wrong password is refused",
];

/// Makes it as a user does, and gives the gateway's address.
pub(super) async fn make(hub: Hub<'_>) -> Result<String> {
    cleared(hub.ground).await?;
    let dry = hub.init("--dry-run").await?.fine()?;
    for row in [
        "create      envoy-gateway",
        "keep        kube-prometheus-stack",
        "create      thanos",
        "create      webhook",
        "create      member",
    ] {
        ensure!(dry.contains(row), "{row} is not planned: {dry}");
    }
    // The first run makes all of it, and finds that no record leads to it: who could have known the address?
    let first = hub.init("--yes").await?;
    let wish = format!("Hint: make the record *.{DOMAIN} A ");
    ensure!(first.code == Some(1), "{first:?}");
    ensure!(first.stderr.contains("Error: KTH8005 "), "{first:?}");
    for proof in PROOFS {
        let line = format!("proof: {proof}: ");
        ensure!(first.stdout.contains(&line), "no {line}{first:?}");
    }
    let arrived = format!("was answered by query.{DOMAIN} as tenant {CLUSTER}");
    ensure!(first.stdout.contains(&arrived), "{}", first.stdout);
    let mut hints = first.stderr.lines();
    let address = hints.find_map(|line| line.strip_prefix(&wish));
    let address = address.context("the record to make")?;
    hub.node.record(DOMAIN, address).await?;
    // The second one changes nothing, and everything is proven.
    let second = hub.init("--yes").await?;
    ensure!(second.code == Some(0), "{second:?}");
    let nothing = "Nothing is to be changed.";
    ensure!(second.stderr.contains(nothing), "{}", second.stderr);
    for proof in PROOFS.iter().chain(&["the hosts lead to the gateway"]) {
        let line = format!("proof: {proof}: ");
        ensure!(second.stdout.contains(&line), "no {line}{second:?}");
    }
    ensure!(!second.stdout.contains(" created"), "{}", second.stdout);
    Ok(address.to_owned())
}

/// What the stories of a member have left.
async fn cleared(ground: &Ground) -> Result<()> {
    let kinds = "prometheus,prometheusagent";
    let namespace = monitoring::NAMESPACE;
    ground
        .get(&format!("delete {kinds} -n {namespace} --all"))
        .await?;
    let definitions = ground.get("get crd -o name").await?;
    if definitions.contains("thanoswirings") {
        ground.get("delete thanoswirings --all").await?;
    }
    Ok(())
}

/// Every pod is ready, of the images that the charts name; Envoy's is the one that Envoy Gateway asks for.
pub(crate) async fn is_made_from_nothing(ground: &Ground) -> Result<()> {
    let Some(hub) = Hub::made(ground).await? else {
        return Ok(());
    };
    let parts = [
        (NAME, "receive-router", 1, "quay.io/thanos/thanos:v0.42.4"),
        (NAME, "receive-ingester", 3, "quay.io/thanos/thanos:v0.42.4"),
        (NAME, "query", 1, "quay.io/thanos/thanos:v0.42.4"),
        (NAME, "query-frontend", 1, "quay.io/thanos/thanos:v0.42.4"),
        (NAME, "store", 1, "quay.io/thanos/thanos:v0.42.4"),
        (NAME, "compactor", 1, "quay.io/thanos/thanos:v0.42.4"),
        (NAME, "ruler", 1, "quay.io/thanos/thanos:v0.42.4"),
        (
            GATEWAY,
            "proxy",
            1,
            "docker.io/envoyproxy/envoy:distroless-v1.39.1@sha256:",
        ),
    ];
    for (namespace, part, count, image) in parts {
        let labels = format!("app.kubernetes.io/component={part}");
        let pods = ground.pods(namespace, &labels).await?;
        ensure!(pods.len() == count, "{part}: {} pods", pods.len());
        for pod in pods {
            let spec = pod.spec.context("a spec")?;
            let found = spec.containers.iter().filter_map(|one| one.image.as_ref());
            let found: Vec<&String> = found.collect();
            ensure!(
                found.iter().any(|one| one.starts_with(image)),
                "{part}: {found:?}"
            );
            let conditions = pod.status.and_then(|status| status.conditions);
            let ready = |one: &k8s_openapi::api::core::v1::PodCondition| {
                one.type_ == "Ready" && one.status == "True"
            };
            ensure!(
                conditions.unwrap_or_default().iter().any(ready),
                "{part} is not ready"
            );
        }
    }
    let releases = hub
        .ground
        .helm()?
        .args(["ls", "-A", "-q"])
        .output()
        .await?
        .fine()?;
    let releases: Vec<&str> = releases.split_whitespace().collect();
    ensure!(
        releases == ["envoy-gateway", "thanos", "thanos-webhook"],
        "{releases:?}"
    );
    Ok(())
}

/// Both charts, by helm alone, with the values that init gave and one more: every pod is replaced, and samples still come.
pub(crate) async fn is_upgraded_by_helm(ground: &Ground) -> Result<()> {
    let Some(hub) = Hub::made(ground).await? else {
        return Ok(());
    };
    // What replaces every pod: a mark on those of Thanos, and the next image of the webhook.
    let charts = [
        ("thanos", NAME, "podAnnotations.told=again"),
        (names::REGISTRATION, names::NAMESPACE, "image.tag=next"),
    ];
    for (chart, namespace, value) in charts {
        let words = format!(
            "upgrade {chart} -n {namespace} --reuse-values --set {value} --wait --timeout 180s"
        );
        let helm = ground.helm()?.args(words.split(' '));
        let chart = tools::root().join("charts").join(chart);
        helm.arg(chart).output().await?.fine()?;
    }
    let proven = hub.init("--yes").await?;
    ensure!(proven.code == Some(0), "{proven:?}");
    Ok(())
}

/// Another name, another namespace, the same Envoy Gateway, operator and webhook. The first one notices nothing.
pub(crate) async fn stands_beside_another(ground: &Ground) -> Result<()> {
    let Some(hub) = Hub::made(ground).await? else {
        return Ok(());
    };
    let pods = "get pods -n thanos -o jsonpath={.items[*].metadata.uid}";
    let before = ground.get(pods).await?;
    let domain = "eu.example.com";
    hub.stage.certificate(ground, "thanos-eu", domain).await?;
    let file = hub.stage.folder()?.join("eu.yaml");
    let answers = answers("thanos-eu", domain, "small.yaml");
    std::fs::write(&file, &answers)?;
    let line = format!("init -f {} --yes --wait=false", file.display());
    let refused = hub.plugin(&line).await?;
    ensure!(
        refused.code == Some(1) && refused.stderr.contains("KTH8016 hub thanos keeps"),
        "two compactors on one store: {refused:?}"
    );
    let store = &hub.stage.azurite;
    container(store, hub.node, "eu-blocks").await?;
    let own = hub.stage.folder()?.join("eu-objstore.yml");
    std::fs::write(own, store.bucket("eu-blocks"))?;
    std::fs::write(&file, answers.replace("objstore.yml", "eu-objstore.yml"))?;
    let made = hub.plugin(&line).await?;
    ensure!(
        made.code == Some(4) && made.stderr.contains("KTH8010"),
        "{made:?}"
    );
    let gateway = "get gateway thanos-eu -n thanos-eu -o json";
    eventually("the other hub's gateway is programmed", SOON, || async {
        let gateway: Value = serde_json::from_str(&ground.get(gateway).await?)?;
        let conditions = gateway["status"]["conditions"]
            .as_array()
            .context("conditions")?;
        let is_true = |one: &Value| one["type"] == "Programmed" && one["status"] == "True";
        ensure!(conditions.iter().any(is_true), "{}", gateway["status"]);
        Ok(())
    })
    .await?;
    for what in [
        "deployment/thanos-eu-query-frontend",
        "statefulset/thanos-eu-receive-ingester",
    ] {
        ground.rolled_out("thanos-eu", what).await?;
    }
    ensure!(
        ground.get(pods).await? == before,
        "pods of the first hub were replaced"
    );
    let again = hub.init("--yes").await?;
    ensure!(
        again.code == Some(0) && again.stderr.contains("Nothing is to be changed."),
        "{again:?}"
    );
    Ok(())
}
