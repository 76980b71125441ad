//! What each value does to what is rendered, and which values are refused.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use thanos_core::objstore;
use thanos_tests::{Run, install, tools};

use super::{CLIENT, MATRIX, helm, named, of_kind, owners, render};

/// A value that is wrong, and a word of the refusal.
const REFUSED: &[(&str, &str)] = &[
    ("recieve.router.replicas=2", "recieve"),
    ("receive.ingester.replica=2", "replica"),
    ("receive.limits.write.default.request.samples=1", "samples"),
    ("receive.limits.read.x=1", "read"),
    ("receive.ingester.labels.cluster=a", "cluster"),
    (
        "receive.ingester.labels.receive_replica=a",
        "receive_replica",
    ),
    ("receive.ingester.replicas=2", "replicationFactor"),
    ("query.autoscaling.minReplicas=9", "minReplicas"),
    ("query.extraArgs[0]=query.timeout=1m", "extraArgs"),
    ("image.digest=latest", "digest"),
    ("identity.mode=key", "mode"),
    ("identity.mode=workload", "identity.clientId"),
    ("identity.mode=kubelet", "identity.clientId"),
    ("identity.clientId=thanos", "clientId"),
    ("objectStorage.azure.storageAccount=", "existingSecret.name"),
    (
        "objectStorage.azure.storageAccountKey=secret",
        "storageAccountKey",
    ),
    ("objectStorage.azure.container=Upper", "container"),
    ("gateway.kind=traefik", "kind"),
    ("gateway.hosts.write=", "gateway.hosts.write"),
    ("gateway.hosts.read=", "gateway.hosts.read"),
    ("gateway.hosts.read=receive.example.test", "differ"),
    (
        "gateway.hosts.read=https://query.example.test",
        "hosts/read",
    ),
    ("gateway.certificate.secretName=", "secretName"),
    ("gateway.certificate.issuer.name=letsencrypt", "issuer.kind"),
    ("gateway.kind=gateway-api", "gateway.className"),
    (
        "gateway.kind=gateway-api,gateway.className=x",
        "authenticatedBy",
    ),
    (
        "gateway.kind=gateway-api,gateway.className=x,gateway.authenticatedBy=x,gateway.backends.write.name=x",
        "port",
    ),
    ("gateway.bodyLimit=8m", "bodyLimit"),
    ("gateway.readPaths[0]=api", "readPaths"),
    (
        "gateway.certificate.acme.enabled=true,gateway.certificate.acme.solver=azureDns",
        "subscriptionId",
    ),
    (
        "gateway.certificate.acme.enabled=true,gateway.certificate.issuer.name=x",
        "either",
    ),
    ("ruler.rules.tests=x", "tests"),
    ("ruler.tenant=a/b", "tenant"),
    ("compactor.replicas=2", "replicas"),
];

#[tokio::test]
async fn wrong_values_are_refused_by_name() -> Result<()> {
    let run = Run::new("hub-refused")?;
    for (value, word) in REFUSED {
        let refused = format!("{:?}", render(&run, &[value]).await.err());
        ensure!(refused.contains(word), "{value}: {refused}");
    }
    Ok(())
}

fn text<'o>(value: &'o Value, path: &str) -> &'o str {
    value
        .pointer(path)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// The arguments of a part.
fn arguments(objects: &[Value], part: &str) -> Result<Vec<String>> {
    let name = format!("hub-thanos-{part}");
    let all = owners(objects);
    let owner = all.iter().find(|owner| owner["metadata"]["name"] == name);
    let pointer = "/spec/template/spec/containers/0/args";
    let arguments = owner.with_context(|| name.clone())?.pointer(pointer);
    let arguments = arguments.and_then(Value::as_array).context("arguments")?;
    Ok(arguments
        .iter()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect())
}

#[tokio::test]
async fn every_part_has_its_name_policy_service_and_account() -> Result<()> {
    let run = Run::new("hub-parts")?;
    for (release, values) in MATRIX {
        let objects = render(&run, values).await?;
        let names = |kind: &str| -> BTreeSet<String> {
            let names = of_kind(&objects, kind).into_iter();
            names
                .map(|one| text(one, "/metadata/name").to_owned())
                .collect()
        };
        let (policies, services) = (names("NetworkPolicy"), names("Service"));
        let mut parts = BTreeSet::new();
        for owner in owners(&objects) {
            let name = text(owner, "/metadata/name");
            ensure!(policies.contains(name), "{release}: no policy of {name}");
            let service = named(&objects, "Service", name)?;
            let selector = &service["spec"]["selector"];
            let template = &owner["spec"]["template"];
            assert_eq!(
                selector, &owner["spec"]["selector"]["matchLabels"],
                "{name}"
            );
            for (key, value) in selector.as_object().context("a selector")? {
                assert_eq!(&template["metadata"]["labels"][key], value, "{name}");
            }
            let container = &template["spec"]["containers"][0];
            let listening = container["ports"].as_array().context("ports")?;
            for port in service["spec"]["ports"].as_array().context("ports")? {
                let target = listening
                    .iter()
                    .find(|one| one["name"] == port["targetPort"]);
                assert_eq!(target.context("a port")?["containerPort"], port["port"]);
            }
            if owner["kind"] == "StatefulSet" {
                assert_eq!(owner["spec"]["serviceName"], json!(name));
            }
            let bucket = container.to_string().contains("--objstore.config-file=");
            let account = if bucket {
                "hub-thanos"
            } else {
                "hub-thanos-stateless"
            };
            assert_eq!(template["spec"]["serviceAccountName"], account, "{name}");
            assert_eq!(template["spec"]["automountServiceAccountToken"], false);
            let image = text(container, "/image");
            ensure!(image.starts_with("quay.io/thanos/thanos"), "{image}");
            parts.insert(name.trim_start_matches("hub-thanos-").to_owned());
        }
        assert_eq!(services.len(), parts.len(), "{release}: {services:?}");
        // And one that refuses everything else.
        assert_eq!(policies.len(), parts.len() + 1, "{release}: {policies:?}");
        let mut expected: BTreeSet<String> = [
            "receive-router",
            "receive-ingester",
            "query",
            "query-frontend",
            "store",
        ]
        .map(str::to_owned)
        .into();
        if *release != "closed" {
            expected.extend(["compactor", "ruler"].map(str::to_owned));
        }
        assert_eq!(parts, expected, "{release}");
    }
    Ok(())
}

#[tokio::test]
async fn an_autoscaler_or_the_values_decide_never_both() -> Result<()> {
    let run = Run::new("hub-scaling")?;
    let off = [
        "query.autoscaling.enabled=false",
        "query.replicas=3",
        "queryFrontend.autoscaling.enabled=false",
        "receive.router.autoscaling.enabled=false",
    ];
    for (values, scaled) in [(&[][..], true), (&off, false)] {
        let objects = render(&run, values).await?;
        let scalers = of_kind(&objects, "HorizontalPodAutoscaler");
        assert_eq!(scalers.len(), if scaled { 3 } else { 0 });
        for deployment in of_kind(&objects, "Deployment") {
            assert_eq!(
                deployment["spec"]["replicas"].is_null(),
                scaled,
                "{deployment}"
            );
        }
        for scaler in scalers {
            let target = text(scaler, "/spec/scaleTargetRef/name");
            named(&objects, "Deployment", target)?;
        }
        let query = named(&objects, "Deployment", "hub-thanos-query")?;
        ensure!(scaled || query["spec"]["replicas"] == 3);
        // No autoscaler and no budget for the one that must be alone.
        let compactor = named(&objects, "StatefulSet", "hub-thanos-compactor")?;
        assert_eq!(compactor["spec"]["replicas"], 1);
        ensure!(named(&objects, "PodDisruptionBudget", "hub-thanos-compactor").is_err());
    }
    Ok(())
}

#[tokio::test]
async fn the_object_store_file_is_right_and_holds_no_credential() -> Result<()> {
    let run = Run::new("hub-objstore")?;
    let chosen = |mode: &str| format!("identity.mode={mode}");
    for mode in ["workload", "kubelet", "none"] {
        let endpoint = "objectStorage.azure.endpoint=blob.core.chinacloudapi.cn";
        let objects = render(&run, &[&chosen(mode), CLIENT, endpoint]).await?;
        let secrets = of_kind(&objects, "Secret");
        ensure!(secrets.len() == 1, "{secrets:?}");
        assert_eq!(text(secrets[0], "/metadata/name"), "hub-thanos-objstore");
        let file = text(secrets[0], "/stringData/objstore.yml");
        let judged = objstore::judge(file.as_bytes());
        ensure!(judged.faults.is_empty(), "{judged:?}");
        // The nodes' identity is asked for knowingly.
        let lints: Vec<&str> = judged.lints.iter().map(|lint| lint.path.as_str()).collect();
        let known = ["config.user_assigned_id"];
        assert_eq!(lints, &known[..usize::from(mode == "kubelet")]);
        let config = judged.config.context("what it says")?;
        assert_eq!(config.static_secrets, Vec::<String>::new());
        assert_eq!(
            (config.account.as_str(), config.bucket.as_str()),
            ("thanoshub", "blocks")
        );
        assert_eq!(config.endpoint, "blob.core.chinacloudapi.cn");
        ensure!(crate::objstore::accepted(file), "Thanos refuses\n{file}");
        // Its own identity is asked for by its id; a workload's would be passed by.
        let client = CLIENT.split('=').nth(1).unwrap_or_default();
        let read = install::objects("objstore.yml", file.to_owned())?;
        let asked = read[0]["config"]["user_assigned_id"] == client;
        assert_eq!(asked, mode == "kubelet", "{file}");

        let account = named(&objects, "ServiceAccount", "hub-thanos")?;
        let note = "/metadata/annotations/azure.workload.identity~1client-id";
        assert_eq!(
            text(account, note),
            if mode == "workload" { client } else { "" }
        );
        for owner in owners(&objects) {
            let bucket = owner.to_string().contains("--objstore.config-file=");
            let label = "/spec/template/metadata/labels/azure.workload.identity~1use";
            let expected = if mode == "workload" && bucket {
                "true"
            } else {
                ""
            };
            assert_eq!(text(owner, label), expected, "{owner}");
        }
        // The metadata of a node is reached where its identity is what was asked for.
        let policy = named(&objects, "NetworkPolicy", "hub-thanos-store")?.to_string();
        assert_eq!(policy.contains("169.254.169.254/32"), mode == "kubelet");
    }
    Ok(())
}

#[tokio::test]
async fn the_ring_names_each_ingester_as_it_calls_itself() -> Result<()> {
    let run = Run::new("hub-ring")?;
    let objects = render(
        &run,
        &["receive.ingester.replicas=5", "clusterDomain=k8s.test"],
    )
    .await?;
    let files = named(&objects, "ConfigMap", "hub-thanos-receive")?;
    let ring: Value = serde_json::from_str(text(files, "/data/hashrings.json"))?;
    assert_eq!(ring[0]["algorithm"], "ketama");
    let own = arguments(&objects, "receive-ingester")?;
    let own = own
        .iter()
        .find_map(|argument| argument.strip_prefix("--receive.local-endpoint="));
    let own = own.context("a local endpoint")?;
    assert_eq!(
        own,
        "$(POD_NAME).hub-thanos-receive-ingester.hub.svc.k8s.test:10901"
    );
    let named_ones: Vec<Value> = (0..5)
        .map(|ordinal| {
            own.replace(
                "$(POD_NAME)",
                &format!("hub-thanos-receive-ingester-{ordinal}"),
            )
        })
        .map(|address| json!({"address": address}))
        .collect();
    assert_eq!(ring[0]["endpoints"], json!(named_ones));
    let service = named(&objects, "Service", "hub-thanos-receive-ingester")?;
    assert_eq!(service["spec"]["clusterIP"], "None");
    assert_eq!(service["spec"]["publishNotReadyAddresses"], true);
    Ok(())
}

/// A file that Thanos reads once must start its pods anew, one that it watches must not.
#[tokio::test]
async fn pods_start_anew_when_what_they_read_changes() -> Result<()> {
    let run = Run::new("hub-checksums")?;
    let templates = async |values: &[&str]| -> Result<Vec<(String, String)>> {
        let objects = render(&run, values).await?;
        let owners = owners(&objects).into_iter();
        Ok(owners
            .map(|one| {
                (
                    text(one, "/metadata/name").to_owned(),
                    one["spec"]["template"].to_string(),
                )
            })
            .collect())
    };
    let before = templates(&[]).await?;
    for (value, expected) in [
        (
            "objectStorage.azure.container=others",
            vec!["compactor", "receive-ingester", "ruler", "store"],
        ),
        ("ruler.rules.a\\.yaml=groups: []", vec!["ruler"]),
        ("receive.ingester.replicas=4", vec![]),
        ("receive.limits.write.global.max_concurrency=1", vec![]),
    ] {
        let after = templates(&[value]).await?;
        let changed = before
            .iter()
            .zip(&after)
            .filter(|(old, new)| old.1 != new.1);
        let changed: BTreeSet<&str> = changed
            .map(|(old, _)| old.0.trim_start_matches("hub-thanos-"))
            .collect();
        assert_eq!(changed, expected.into_iter().collect(), "{value}");
    }
    Ok(())
}

/// The file that docs/hub.md shows is enough.
#[tokio::test]
async fn the_documented_values_are_taken() -> Result<()> {
    let run = Run::new("hub-documented")?;
    let page = std::fs::read_to_string(tools::root().join("docs/hub.md"))?;
    let block = page.split("```yaml\n").nth(1).context("a file of values")?;
    let block = block.split("```").next().unwrap_or_default();
    let file = run.file("hub.yaml", block)?;
    let helm = helm(&run)?.args(["template", "hub", "-n", "hub", "--values"]);
    let helm = helm.arg(file).arg(tools::root().join("charts/thanos"));
    let objects = install::objects("the chart", helm.output().await?.fine()?)?;
    named(&objects, "Issuer", "hub-thanos")?;
    named(&objects, "GatewayClass", "hub.hub-thanos")?;
    Ok(())
}
