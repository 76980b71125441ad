//! The chart as it is installed: every object and every pod before the real API server, the alerts before promtool.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use thanos_core::names;
use thanos_tests::{Cluster, Options, Program, Run, crds, install, tools};

/// What a Prometheus of the operator needs, both Deployments twice, and an image by its digest.
const EVERYTHING: &[&str] = &[
    "serviceMonitor.enabled=true",
    "serviceMonitor.labels.release=kps",
    "prometheusRule.enabled=true",
    "control.replicas=2",
    "image.digest=sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    "image.pullSecrets[0].name=registry",
    "nodeSelector.disk=fast",
    "tolerations[0].key=dedicated",
];

pub(super) fn of_kind<'o>(objects: &'o [Value], kind: &str) -> Vec<&'o Value> {
    let is_kind = |object: &&Value| object["kind"] == kind;
    objects.iter().filter(is_kind).collect()
}

/// The pod that a Deployment or StatefulSet makes, with its claims.
pub(super) fn pod(owner: &Value) -> Value {
    let template = &owner["spec"]["template"];
    let mut spec = template["spec"].clone();
    let claims = owner["spec"]["volumeClaimTemplates"].as_array();
    for claim in claims.into_iter().flatten() {
        let name = &claim["metadata"]["name"];
        let volume = json!({"name": name, "persistentVolumeClaim": {"claimName": name}});
        if let Some(volumes) = spec["volumes"].as_array_mut() {
            volumes.push(volume);
        }
    }
    json!({
        "apiVersion": "v1", "kind": "Pod", "spec": spec,
        "metadata": {
            "name": owner["metadata"]["name"], "namespace": owner["metadata"]["namespace"],
            "labels": template["metadata"]["labels"],
        },
    })
}

pub(super) async fn dry_run(cluster: &Cluster, objects: &[Value]) -> Result<String> {
    let list = json!({"apiVersion": "v1", "kind": "List", "items": objects});
    let kubectl = cluster.kubectl()?;
    let kubectl = kubectl.args(["apply", "--server-side", "--dry-run=server", "-f", "-"]);
    let output = kubectl.output_for(&serde_json::to_vec(&list)?).await?;
    output.fine()
}

#[tokio::test]
async fn a_restricted_namespace_takes_every_object_and_every_pod() -> Result<()> {
    let options = Options::new("chart-restricted").crds(crds::ALL);
    Cluster::with(options, async |cluster| {
        let level = "pod-security.kubernetes.io/enforce";
        cluster
            .namespace(install::NAMESPACE, &[(level, "restricted")])
            .await?;
        for values in [&[][..], EVERYTHING] {
            let objects = install::render(cluster, values).await?;
            let definitions: Vec<Value> = of_kind(&objects, "CustomResourceDefinition")
                .into_iter()
                .chain(of_kind(&objects, "ServiceAccount"))
                .cloned()
                .collect();
            install::apply(cluster, &definitions, "helm").await?;
            dry_run(cluster, &objects).await?;
            let deployments = of_kind(&objects, "Deployment");
            ensure!(deployments.len() == 2, "{} Deployments", deployments.len());
            let pods: Vec<Value> = deployments.into_iter().map(pod).collect();
            dry_run(cluster, &pods).await?;
            // The namespace does hold what it says: the same pod as root is not taken.
            let mut root = pods[0].clone();
            root["spec"]["securityContext"] = json!({});
            ensure!(dry_run(cluster, &[root]).await.is_err(), "root is taken");
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn pods_ports_and_secrets_are_the_programs_own() -> Result<()> {
    Cluster::with(Options::new("chart-pods").crds(&[]), async |cluster| {
        let lint = cluster.helm()?.args(["lint", "--strict"]);
        let chart = tools::root().join("charts/thanos-webhook");
        lint.arg(chart).output().await?.fine()?;

        let objects = install::render(cluster, EVERYTHING).await?;
        let secrets = of_kind(&objects, "Secret");
        let named: Vec<&Value> = secrets.iter().map(|one| &one["metadata"]["name"]).collect();
        assert_eq!(named, [names::SECRET_AUTHORITY, names::SECRET_TLS]);
        assert!(secrets.iter().all(|secret| secret["data"].is_null()));
        let accounts = [
            ("thanos-webhook-serve", names::ACCOUNT_SERVE),
            ("thanos-webhook-control", names::ACCOUNT_CONTROL),
        ];
        for (name, account) in accounts {
            let deployments = of_kind(&objects, "Deployment");
            let deployment = deployments
                .iter()
                .find(|one| one["metadata"]["name"] == name);
            let spec = &deployment.context(name)?["spec"]["template"]["spec"];
            assert_eq!(spec["serviceAccountName"], account);
            let container = &spec["containers"][0];
            let image = container["image"].as_str().unwrap_or_default();
            assert!(image.contains("/thanos-webhook@sha256:"), "{image}");
            let ports = container["ports"].as_array().context("ports")?;
            let port = |name: &str| {
                let port = ports.iter().find(|port| port["name"] == name);
                port.and_then(|port| port["containerPort"].as_u64())
            };
            assert_eq!(port("admin"), Some(names::PORT_ADMIN.into()));
            for (probe, path) in [("readinessProbe", "/readyz"), ("livenessProbe", "/healthz")] {
                let get = &container[probe]["httpGet"];
                assert_eq!(get, &json!({"path": path, "port": "admin"}), "{name}");
            }
            if account == names::ACCOUNT_SERVE {
                assert_eq!(port("webhook"), Some(names::PORT_WEBHOOK.into()));
                let mounted = &spec["volumes"][0]["secret"];
                assert_eq!(mounted["secretName"], names::SECRET_TLS);
                let items = mounted["items"].as_array().context("items")?;
                assert_eq!(items.len(), 2, "the leaf and its key: {items:?}");
            }
            // Every flag is one that the program knows.
            let arguments = container["args"].as_array().into_iter().flatten();
            let arguments = arguments.filter_map(Value::as_str);
            let read = <thanos_webhook::args::Args as clap::Parser>::try_parse_from(
                ["thanos-webhook"].into_iter().chain(arguments),
            );
            read.with_context(|| format!("the arguments of {name}"))?;
        }
        let services = of_kind(&objects, "Service");
        let service = services
            .iter()
            .find(|one| one["metadata"]["name"] == names::SERVICE);
        let port = &service.context("a Service")?["spec"]["ports"][0];
        assert_eq!(
            (&port["port"], &port["targetPort"]),
            (&json!(443), &json!("webhook"))
        );
        Ok(())
    })
    .await
}

#[tokio::test]
async fn certificates_may_be_somebody_elses() -> Result<()> {
    Cluster::with(Options::new("chart-issuer").crds(&[]), async |cluster| {
        let theirs = [
            "certificates.source=cert-manager",
            "certificates.issuer.name=internal",
        ];
        let objects = install::render(cluster, &theirs).await?;
        assert_eq!(of_kind(&objects, "Secret"), Vec::<&Value>::new());
        let certificates = of_kind(&objects, "Certificate");
        let spec = &certificates.first().context("a Certificate")?["spec"];
        let host = format!("{}.{}.svc", names::SERVICE, install::NAMESPACE);
        assert_eq!(spec["dnsNames"][0], host);
        assert_eq!(spec["issuerRef"]["name"], "internal");
        for kind in [
            "MutatingWebhookConfiguration",
            "ValidatingWebhookConfiguration",
        ] {
            let annotations = &of_kind(&objects, kind)[0]["metadata"]["annotations"];
            let from = &annotations["cert-manager.io/inject-ca-from"];
            assert_eq!(from, &json!("thanos-system/thanos-webhook"), "{kind}");
        }
        let text = serde_json::to_string(&objects)?;
        assert!(text.contains("--certificates=none"), "{text}");
        assert!(text.contains(&format!("{:?}:{}", "secretName", spec["secretName"])));
        let roles = super::rights(&objects).join("\n");
        assert!(!roles.contains("secrets"), "{roles}");

        for (values, word) in [
            (
                &["certificates.source=cert-manager"][..],
                "certificates.issuer.name",
            ),
            (&["certificates.source=none"], "certificates.secretName"),
            (&["image.digest=latest"], "digest"),
            (&["serve.replica=3"], "replica"),
            (&["control.replicas=9"], "replicas"),
        ] {
            let refused = format!("{:?}", install::render(cluster, values).await.err());
            assert!(refused.contains(word), "{values:?}: {refused}");
        }
        Ok(())
    })
    .await
}

/// promtool knows a rule file by its place: both files into one folder.
#[tokio::test]
async fn alerts_fire_when_they_should() -> Result<()> {
    let run = Run::new("chart-alerts")?;
    let read = |path: &str| std::fs::read(tools::root().join(path));
    run.file("alerts.yaml", read("charts/thanos-webhook/alerts.yaml")?)?;
    let cases = run.file("cases.yaml", read("tests/charts/alerts.yaml")?)?;
    let promtool = Program::tool("promtool")?.args(["test", "rules"]);
    promtool.arg(cases).output().await?.fine()?;
    Ok(())
}

/// Every metric that an alert asks for is one that the programs show.
#[test]
fn alerts_ask_for_metrics_that_there_are() -> Result<()> {
    let mut registry = thanos_webhook::telemetry::registry();
    // A family is shown once it holds something.
    thanos_webhook::metrics::Metrics::register(&mut registry).reject("accept");
    thanos_webhook::control::metrics::Metrics::register(&mut registry)
        .count(&[("hub".to_owned(), (1, 1))].into());
    let mut shown = String::new();
    prometheus_client::encoding::text::encode(&mut shown, &registry)?;
    let alerts = std::fs::read_to_string(tools::root().join("charts/thanos-webhook/alerts.yaml"))?;
    let asked = alerts
        .split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')
        .filter(|word| word.starts_with("thanos_webhook_"));
    for name in asked {
        let family = name.trim_end_matches("_total");
        ensure!(
            shown.contains(&format!("# TYPE {family} ")),
            "{name} is not shown"
        );
    }
    Ok(())
}
