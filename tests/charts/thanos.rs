//! The hub's chart: what it renders is taken by the real API server, the real Thanos, the real Envoy Gateway.

mod alerts;
mod doors;
mod flow;
mod values;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use thanos_tests::install::Release;
use thanos_tests::{Cluster, Options, Program, Run, command, crds};

use super::installable::{dry_run, of_kind, pod};

/// The least that a hub must be told.
const LEAST: &[&str] = &[
    "objectStorage.azure.storageAccount=thanoshub",
    "objectStorage.azure.container=blocks",
    "gateway.hosts.write=receive.example.test",
    "gateway.hosts.read=query.example.test",
    "gateway.certificate.secretName=wildcard",
];
const CLIENT: &str = "identity.clientId=11111111-2222-3333-4444-555555555555";

/// Kinds of gateway, identities, numbers of replicas, with and without autoscalers; by the name of the release.
const MATRIX: &[(&str, &[&str])] = &[
    ("least", &[]),
    (
        "acme",
        &[
            "gateway.certificate.secretName=",
            "gateway.certificate.acme.enabled=true",
            "gateway.certificate.acme.email=ops@example.test",
            "gateway.service.annotations.service\\.beta\\.kubernetes\\.io/azure-dns-label-name=hub",
            "identity.mode=workload",
            CLIENT,
            "serviceMonitor.enabled=true",
            "serviceMonitor.labels.release=kps",
            "prometheusRule.enabled=true",
            "ruler.alertmanagers[0]=http://alertmanager-operated.monitoring.svc:9093",
            "ruler.existingRules=more",
            "ruler.rules.up\\.yaml=groups: []",
            "tolerations[0].key=dedicated",
            "nodeSelector.disk=fast",
            "priorityClassName=system-cluster-critical",
            "image.pullSecrets[0].name=registry",
            "podAnnotations.team=a",
        ],
    ),
    (
        "dns",
        &[
            "gateway.certificate.acme.enabled=true",
            "gateway.certificate.acme.solver=azureDns",
            "gateway.certificate.acme.azureDns.subscriptionId=11111111-2222-3333-4444-555555555555",
            "gateway.certificate.acme.azureDns.resourceGroup=dns",
            "gateway.certificate.acme.azureDns.zone=example.test",
            "gateway.certificate.acme.azureDns.clientId=11111111-2222-3333-4444-555555555555",
            "identity.mode=kubelet",
            CLIENT,
            "query.autoscaling.enabled=false",
            "queryFrontend.autoscaling.enabled=false",
            "receive.router.autoscaling.enabled=false",
            "receive.ingester.replicas=5",
            "receive.ingester.labels.receive_zone=west",
            "ruler.stateless=true",
            "receive.limits.write.global.meta_monitoring_url=http://query:10902",
            "receive.limits.write.tenants.edge-01.head_series_limit=5000000",
        ],
    ),
    (
        "nginx",
        &[
            "gateway.kind=ingress-nginx",
            "gateway.certificate.secretName=",
            "gateway.certificate.acme.enabled=true",
            "networkPolicy.queryFrom[0].namespaceSelector.matchLabels.team=a",
            "podDisruptionBudget.enabled=false",
        ],
    ),
    (
        "standard",
        &[
            "gateway.kind=gateway-api",
            "gateway.className=approuting-istio",
            "gateway.authenticatedBy=oauth2-proxy",
            "gateway.backends.write.name=proxy",
            "gateway.backends.write.port=8080",
            "gateway.certificate.secretName=",
            "gateway.certificate.issuer.kind=ClusterIssuer",
            "gateway.certificate.issuer.name=letsencrypt",
        ],
    ),
    (
        "closed",
        &[
            "gateway.kind=none",
            "gateway.hosts.write=",
            "gateway.hosts.read=",
            "objectStorage.existingSecret.name=theirs",
            "objectStorage.existingSecret.key=thanos.yaml",
            "receive.ingester.replicas=1",
            "receive.ingester.replicationFactor=1",
            "store.replicas=1",
            "ruler.enabled=false",
            "compactor.enabled=false",
            "image.digest=sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        ],
    ),
];

fn with<'v>(values: &[&'v str]) -> Vec<&'v str> {
    [LEAST, values].concat()
}

/// Renders a release `hub` in the namespace `hub`, without any cluster.
async fn render(run: &Run, values: &[&str]) -> Result<Vec<Value>> {
    let values = with(values);
    let release = Release {
        chart: "thanos",
        name: "hub",
        namespace: "hub",
        values: &values,
    };
    release.render(helm(run)?).await
}

/// The real helm, which finds no cluster.
fn helm(run: &Run) -> Result<Program> {
    command::helm(run, &run.folder().join("no-kubeconfig"))
}

/// The object of that kind and name.
fn named<'o>(objects: &'o [Value], kind: &str, name: &str) -> Result<&'o Value> {
    let all = of_kind(objects, kind);
    let found = all.iter().find(|one| one["metadata"]["name"] == name);
    found.copied().with_context(|| format!("no {kind} {name}"))
}

/// The Deployments and StatefulSets.
fn owners(objects: &[Value]) -> Vec<&Value> {
    let kinds = ["Deployment", "StatefulSet"];
    kinds
        .into_iter()
        .flat_map(|kind| of_kind(objects, kind))
        .collect()
}

async fn with_definitions(
    name: &str,
    story: impl AsyncFnOnce(&Cluster) -> Result<()>,
) -> Result<()> {
    let options = Options::new(name).crds(crds::ALL);
    Cluster::with(options, async |cluster| {
        crds::hub(&cluster.client()).await?;
        story(cluster).await
    })
    .await
}

async fn restricted(cluster: &Cluster, namespace: &str) -> Result<()> {
    let level = "pod-security.kubernetes.io/enforce";
    let made = cluster
        .namespace(namespace, &[(level, "restricted")])
        .await?;
    drop(made);
    Ok(())
}

#[tokio::test]
async fn a_restricted_namespace_takes_every_object_and_every_pod() -> Result<()> {
    with_definitions("hub-restricted", async |cluster| {
        for (name, values) in MATRIX {
            let values = with(values);
            let release = Release {
                chart: "thanos",
                name,
                namespace: name,
                values: &values,
            };
            restricted(cluster, name).await?;
            let objects = release.render(cluster.helm()?).await?;
            // Strict: an unknown field anywhere is an error.
            let taken = dry_run(cluster, &objects).await;
            taken.with_context(|| format!("{name}, as rendered"))?;
            let said = release.install(cluster.helm()?).await;
            let said = said.with_context(|| format!("{name}, by helm"))?;
            ensure!(said.contains("kubectl get pods"), "the notes:\n{said}");
            let pods: Vec<Value> = owners(&objects).into_iter().map(pod).collect();
            ensure!(pods.len() >= 5, "{name}: {} pods", pods.len());
            let taken = dry_run(cluster, &pods).await;
            taken.with_context(|| format!("the pods of {name}"))?;
            // The namespace does hold what it says: the same pod as root is not taken.
            let mut root = pods[0].clone();
            root["spec"]["securityContext"] = json!({});
            let refused = dry_run(cluster, &[root]).await;
            ensure!(
                format!("{refused:?}").contains("PodSecurity"),
                "root is taken: {refused:?}"
            );
        }
        Ok(())
    })
    .await
}

/// Everything that some release owns, as `kind/namespace/name`.
async fn owned(cluster: &Cluster, kinds: &str) -> Result<Vec<String>> {
    let columns = "custom-columns=K:.kind,S:.metadata.namespace,N:.metadata.name";
    let kubectl = cluster.kubectl()?.args(["get", kinds, "-A"]);
    let kubectl = kubectl.args(["-l", "app.kubernetes.io/name=thanos"]);
    let kubectl = kubectl.args(["--no-headers", "-o", columns]);
    let listed = kubectl.output().await?.fine()?;
    Ok(listed.lines().map(str::to_owned).collect())
}

#[tokio::test]
async fn releases_live_side_by_side() -> Result<()> {
    with_definitions("hub-side-by-side", async |cluster| {
        let all = [
            "prometheusRule.enabled=true",
            "serviceMonitor.enabled=true",
            "gateway.certificate.acme.enabled=true",
            "gateway.certificate.acme.solver=azureDns",
            "gateway.certificate.acme.azureDns.subscriptionId=11111111-2222-3333-4444-555555555555",
            "gateway.certificate.acme.azureDns.resourceGroup=dns",
            "gateway.certificate.acme.azureDns.zone=example.test",
            "gateway.certificate.acme.azureDns.clientId=11111111-2222-3333-4444-555555555555",
        ];
        // Two in one namespace, and two of one name.
        let places = [("east", "hubs"), ("west", "hubs"), ("east", "other")];
        let shared = "gatewayclasses,clusterissuers";
        let inside =
            "gateways,httproutes,deployments,statefulsets,secrets,services,networkpolicies";
        for namespace in ["hubs", "other"] {
            restricted(cluster, namespace).await?;
        }
        for (name, namespace) in places {
            let values = with(&all);
            let release = Release {
                chart: "thanos",
                name,
                namespace,
                values: &values,
            };
            release.install(cluster.helm()?).await.context(name)?;
        }
        let everywhere = owned(cluster, shared).await?;
        ensure!(everywhere.len() == 6, "{everywhere:?}");
        let three = owned(cluster, inside).await?;
        ensure!(three.len() % 3 == 0, "{three:#?}");

        // An upgrade of one is none of the others.
        let values = with(&["receive.ingester.replicas=4", "ruler.stateless=true"]);
        let release = Release {
            chart: "thanos",
            name: "east",
            namespace: "hubs",
            values: &values,
        };
        release
            .install(cluster.helm()?)
            .await
            .context("the upgrade")?;
        let get = async |name: &str, namespace: &str| {
            let kubectl = cluster
                .kubectl()?
                .args(["get", "statefulset", name, "-n", namespace]);
            kubectl
                .args(["-o", "jsonpath={.spec.replicas}"])
                .output()
                .await?
                .fine()
        };
        for (name, namespace, replicas) in [
            ("east-thanos-receive-ingester", "hubs", "4"),
            ("west-thanos-receive-ingester", "hubs", "3"),
            ("east-thanos-receive-ingester", "other", "3"),
        ] {
            ensure!(
                get(name, namespace).await? == replicas,
                "{namespace}/{name}"
            );
        }

        for (name, namespace) in places {
            let gone =
                cluster
                    .helm()?
                    .args(["uninstall", name, "-n", namespace, "--wait=hookOnly"]);
            gone.output().await?.fine().context("uninstalling")?;
        }
        let left = [owned(cluster, shared).await?, owned(cluster, inside).await?].concat();
        ensure!(left.is_empty(), "{left:?}");
        Ok(())
    })
    .await
}

/// helm reads a value that looks like a number as one; objects stay what they are whatever the release is called.
#[tokio::test]
async fn a_release_keeps_its_name_or_is_refused() -> Result<()> {
    let run = Run::new("hub-names")?;
    let values = with(&[]);
    let of = async |name: &str| {
        let release = Release {
            chart: "thanos",
            name,
            namespace: "hub",
            values: &values,
        };
        let objects = release.render(helm(&run)?).await?;
        let query = of_kind(&objects, "Deployment");
        let names = query.iter().map(|one| one["metadata"]["name"].to_string());
        anyhow::Ok(names.collect::<Vec<_>>().join(" "))
    };
    ensure!(of("hub").await?.contains("\"hub-thanos-query\""));
    ensure!(of("my-thanos-1").await?.contains("\"my-thanos-1-query\""));
    let long = of("a-hub-with-a-name-that-fills-it").await;
    ensure!(format!("{long:?}").contains("too long"), "{long:?}");
    let lint = helm(&run)?.args(["lint", "--strict"]);
    let lint = values
        .iter()
        .fold(lint, |lint, value| lint.args(["--set", value]));
    let chart = thanos_tests::tools::root().join("charts/thanos");
    lint.arg(chart).output().await?.fine()?;
    Ok(())
}
