//! A hub on Azure: the tutorial's file of answers, the real helm, and Azure as its documents describe it.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use thanos_tests::certificates::Authority;
use thanos_tests::command::Output;
use thanos_tests::thanos::{Query, Receive, Settings};
use thanos_tests::{Cluster, install, tools};

use super::proving::{Door, all_ready, users};
use super::{ended, file, get, is_there, plugin, releases, stage, writes};
use crate::azure::contract::tokens::{MARK, assertion};
use crate::azure::contract::{
    Cloud, ISSUER, Instead, KUBELET, KUBELET_CLIENT, OPERATOR_CLIENT, TENANT,
};

/// The subscription, cluster and zone of the tutorial.
const SUBSCRIPTION: &str = "/subscriptions/00000000-0000-0000-0000-000000000000";
const GROUP: &str = "/subscriptions/00000000-0000-0000-0000-000000000000/resourcegroups/monitoring";
const HOSTS: [&str; 2] = ["receive.thanos.example.com", "query.thanos.example.com"];
/// What is made in Azure before anything in the cluster, in this order.
const BEFORE: [&str; 6] = [
    "resource group monitoring",
    "storage account thanosblocks",
    "container thanos",
    "identity thanos",
    "federated credential ",
    "role \"Storage Blob Data Contributor\"",
];
/// What comes when the gateway has its address, and when the hub can be read.
const BEHIND: [&str; 6] = [
    "DNS record *.thanos.example.com",
    "Managed Grafana thanos",
    "role \"Grafana Admin\"",
    "Grafana data source",
    "Grafana dashboard",
    "Grafana alert rules",
];

/// An Azure with what the tutorial takes for granted: its subscription, its cluster and its zone.
async fn cloud(cluster: &Cluster) -> Result<Cloud> {
    let cloud = Cloud::start(cluster.run()).await?;
    given(&cloud);
    // cert-manager, which Let's Encrypt needs, is there.
    cluster.namespace("cert-manager", &[]).await?;
    let labels = json!({"app.kubernetes.io/name": "cert-manager"});
    let manager = json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "cert-manager", "namespace": "cert-manager", "labels": labels},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "controller", "image": "x"}]}},
        },
    });
    install::apply(cluster, &[manager], "somebody").await?;
    Ok(cloud)
}

fn given(cloud: &Cloud) {
    let mut state = cloud.state();
    state.resources.clear();
    state.blobs = Some("blob.core.windows.net");
    let mut keep = |id: String, value| state.resources.insert(id.to_ascii_lowercase(), value);
    let number = SUBSCRIPTION.rsplit('/').next();
    keep(
        SUBSCRIPTION.to_owned(),
        json!({"subscriptionId": number, "displayName": "Tutorial", "tenantId": TENANT, "state": "Enabled"}),
    );
    for group in ["platform", "dns"] {
        let id = format!("{SUBSCRIPTION}/resourceGroups/{group}");
        keep(
            id.clone(),
            json!({"id": id, "name": group, "location": "westeurope"}),
        );
    }
    let id = format!(
        "{SUBSCRIPTION}/resourceGroups/platform/providers/Microsoft.ContainerService/managedClusters/hub-01"
    );
    keep(
        id.clone(),
        json!({"id": id, "name": "hub-01", "location": "westeurope", "properties": {
            "provisioningState": "Succeeded", "fqdn": "hub-01.hcp.westeurope.azmk8s.io",
            "nodeResourceGroup": "MC_platform_hub-01_westeurope",
            "identityProfile": {"kubeletidentity": {"clientId": KUBELET_CLIENT, "objectId": KUBELET, "resourceId": "/x"}},
            "oidcIssuerProfile": {"enabled": true, "issuerURL": ISSUER},
            "securityProfile": {"workloadIdentity": {"enabled": true}},
        }}),
    );
    let id = format!(
        "{SUBSCRIPTION}/resourceGroups/dns/providers/Microsoft.Network/dnszones/example.com"
    );
    keep(
        id.clone(),
        json!({"id": id, "name": "example.com", "location": "global"}),
    );
}

/// The tutorial's file as it stands there, and what a test needs beside it.
fn answers(cluster: &Cluster, cloud: &Cloud, more: &str) -> Result<PathBuf> {
    let page = std::fs::read_to_string(tools::root().join("docs/tutorial.md"))?;
    let (_, rest) = page
        .split_once("```yaml\n# hub-azure.yaml\n")
        .context("the file")?;
    let (answers, _) = rest.split_once("```").context("its end")?;
    let text = format!("{answers}armEndpoint: {}\n{more}", cloud.address);
    file(cluster, "hub-azure.yaml", &text)
}

/// The plugin, logged in to Azure as a workload identity.
async fn run(cluster: &Cluster, cloud: &Cloud, line: &str) -> Result<Output> {
    let token = assertion(&json!({"iss": "x", "sub": "operator"}));
    let token = file(cluster, "operator-token", &token)?;
    let authority = file(cluster, "azure-ca.pem", cloud.authority.pem())?;
    let program = plugin(cluster, cluster.kubeconfig())?
        .env("SSL_CERT_FILE", authority)
        .env("AZURE_AUTHORITY_HOST", &cloud.address)
        .env("AZURE_TENANT_ID", TENANT)
        .env("AZURE_CLIENT_ID", OPERATOR_CLIENT)
        .env("AZURE_FEDERATED_TOKEN_FILE", token);
    let output = program.args(line.split_whitespace()).output().await?;
    cloud.is_content()?;
    let mut secrets = vec![MARK.to_owned()];
    for name in ["thanos-read-credential", "thanos-write-credential"] {
        if is_there(
            cluster,
            &format!("secret -n thanos {name} --ignore-not-found"),
        )
        .await?
        {
            secrets.push(credential(cluster, name, "password").await?);
        }
    }
    for secret in &secrets {
        ensure!(
            !output.stdout.contains(secret) && !output.stderr.contains(secret),
            "a secret is told: {}\n{}",
            output.stdout,
            output.stderr
        );
    }
    Ok(output)
}

async fn credential(cluster: &Cluster, name: &str, key: &str) -> Result<String> {
    let secret = get(cluster, &format!("secret -n thanos {name}")).await?;
    let text = secret["data"][key].as_str().context("a value")?;
    Ok(String::from_utf8(BASE64_STANDARD.decode(text)?)?)
}

/// Each word is there, one behind the other.
fn in_order(text: &str, words: &[&str]) -> Result<()> {
    let mut rest = text;
    for word in words {
        let (_, behind) = rest
            .split_once(word)
            .with_context(|| format!("{word:?} is not there, or too early:\n{text}"))?;
        rest = behind;
    }
    Ok(())
}

/// `KIND STATE` of every row of a part, out of a report.
fn rows(report: &Value, part: &str) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let rows = report["plan"].as_array().into_iter().flatten();
    rows.filter(|row| row["part"] == part)
        .map(|row| (text(&row["object"]), text(&row["action"])))
        .collect()
}

#[tokio::test]
async fn the_tutorials_answers_make_azure_then_the_hub_then_grafana() -> Result<()> {
    stage("hub-azure", async |cluster| {
        let cloud = cloud(cluster).await?;
        let given = answers(cluster, &cloud, "gatewayAddress: 20.1.2.3\n")?;
        let line = format!("init -f {}", given.display());

        let dry = ended(
            run(cluster, &cloud, &format!("{line} --dry-run -v")).await?,
            0,
        );
        in_order(
            &dry.stdout,
            &[&BEFORE[..], &["release/thanos"], &BEHIND[..]].concat(),
        )?;
        ensure!(
            dry.stderr
                .contains("Logged in to Azure by workload identity."),
            "{}",
            dry.stderr
        );
        assert_eq!(writes(&dry), Vec::<String>::new());
        assert_eq!(cloud.state().writes, 0);
        let export = cluster.run().folder().join("early");
        let early = ended(
            run(
                cluster,
                &cloud,
                &format!("{line} --export {}", export.display()),
            )
            .await?,
            1,
        );
        ensure!(
            early
                .stderr
                .contains("Error: KTH8106 the charts cannot be told"),
            "{}",
            early.stderr
        );

        forbidden_in_the_middle(cluster, &cloud, &line).await?;
        let made = ended(
            run(cluster, &cloud, &format!("{line} --yes --wait=false")).await?,
            4,
        );
        in_order(
            &made.stdout,
            &[BEFORE[5], "release/thanos created", BEHIND[0]],
        )
        .context(made.stderr.clone())?;
        ensure!(
            made.stderr
                .contains("Not done without waiting: Managed Grafana thanos, "),
            "{}",
            made.stderr
        );
        as_told(cluster, &cloud).await?;

        let before = cloud.state().writes;
        let again = ended(
            run(
                cluster,
                &cloud,
                &format!("{line} --yes --wait=false -o json -v"),
            )
            .await?,
            4,
        );
        let report: Value = serde_json::from_str(&again.stdout).context("one document")?;
        let azure = rows(&report, "azure");
        ensure!(
            azure
                .iter()
                .take(7)
                .all(|(_, action)| matches!(action.as_str(), "unchanged" | "keep")),
            "{azure:?}"
        );
        assert_eq!(cloud.state().writes, before);
        assert_eq!(writes(&again), Vec::<String>::new());

        read_by_grafana(cluster, &cloud).await?;
        exported(cluster, &cloud, &line).await?;
        left_in_azure(cluster, &cloud).await
    })
    .await
}

/// What is done is said, what is not, and what to type; nothing of the cluster was begun.
async fn forbidden_in_the_middle(cluster: &Cluster, cloud: &Cloud, line: &str) -> Result<()> {
    cloud.state().instead.push(Instead {
        method: "PUT",
        path: "/roleAssignments/",
        times: u32::MAX,
        status: 403,
        code: "AuthorizationFailed",
        message: "The client does not have authorization to perform action 'Microsoft.Authorization/roleAssignments/write' over scope '/x'.".to_owned(),
        headers: Vec::new(),
    });
    let stopped = ended(
        run(cluster, cloud, &format!("{line} --yes --wait=false")).await?,
        4,
    );
    let done: Vec<String> = BEFORE[..5].iter().map(|word| (*word).to_owned()).collect();
    in_order(
        &stopped.stdout,
        &done.iter().map(String::as_str).collect::<Vec<_>>(),
    )?;
    ensure!(
        stopped
            .stdout
            .contains("storage account thanosblocks created"),
        "{}",
        stopped.stdout
    );
    for word in [
        "Error: KTH8102 ",
        "Hint: az role assignment create ",
        "Not done: role \"Storage Blob Data Contributor\", namespace/thanos, ",
        "release/thanos",
        "Run the same command again",
    ] {
        ensure!(stopped.stderr.contains(word), "{word}: {}", stopped.stderr);
    }
    assert_eq!(releases(cluster).await?, Vec::<String>::new());
    ensure!(!is_there(cluster, "namespace thanos").await?);
    cloud.state().instead.clear();
    Ok(())
}

/// What Azure has made is what the chart was told, and nothing of it is a secret.
async fn as_told(cluster: &Cluster, cloud: &Cloud) -> Result<()> {
    let said = cluster
        .helm()?
        .args(["get", "values", "thanos", "-n", "thanos", "-o", "json"]);
    let values: Value = serde_json::from_str(&said.output().await?.fine()?)?;
    let client = "00000000-0000-4000-8000-0000000000c1";
    assert_eq!(
        values["identity"],
        json!({"mode": "workload", "clientId": client, "tenantId": TENANT})
    );
    let endpoint = "blob.core.windows.net";
    assert_eq!(
        values["objectStorage"],
        json!({"azure": {"storageAccount": "thanosblocks", "container": "thanos", "endpoint": endpoint}})
    );
    let file = credential(cluster, "thanos-objstore", "objstore.yml").await?;
    let lines: Vec<&str> = file
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect();
    let endpoint = format!("endpoint: \"{endpoint}\"");
    assert_eq!(
        lines,
        [
            "type: AZURE",
            "config:",
            "storage_account: \"thanosblocks\"",
            "container: \"thanos\"",
            &endpoint,
            "storage_create_container: false"
        ]
    );
    let account = get(cluster, "serviceaccount -n thanos thanos").await?;
    assert_eq!(
        account["metadata"]["annotations"]["azure.workload.identity/client-id"],
        client
    );
    assert_eq!(
        account["metadata"]["annotations"]["azure.workload.identity/tenant-id"],
        TENANT
    );
    let mut reaching = Vec::new();
    for kind in ["statefulset", "deployment"] {
        let found = get(cluster, &format!("{kind} -n thanos")).await?;
        for one in found["items"].as_array().context("items")? {
            let pod = &one["spec"]["template"];
            let reaches = pod["spec"]["serviceAccountName"] == "thanos";
            let labelled = pod["metadata"]["labels"]["azure.workload.identity/use"] == "true";
            assert_eq!(reaches, labelled, "{}", one["metadata"]["name"]);
            reaching.extend(reaches.then(|| {
                one["metadata"]["name"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned()
            }));
        }
    }
    assert_eq!(
        reaching,
        [
            "thanos-compactor",
            "thanos-receive-ingester",
            "thanos-ruler",
            "thanos-store"
        ]
    );

    let state = cloud.state();
    let of = |part: &str| -> Vec<&Value> {
        let found = state
            .resources
            .iter()
            .filter(|(path, _)| path.contains(part));
        found.map(|(_, one)| &one["properties"]).collect()
    };
    let federated = of("/federatedidentitycredentials/");
    assert_eq!(federated.len(), 1, "{federated:?}");
    assert_eq!(
        federated[0]["subject"],
        "system:serviceaccount:thanos:thanos"
    );
    assert_eq!(federated[0]["issuer"], ISSUER);
    let roles = of("/roleassignments/");
    assert_eq!(roles.len(), 1, "{roles:?}");
    let scope = roles[0]["scope"]
        .as_str()
        .unwrap_or_default()
        .to_ascii_lowercase();
    assert_eq!(
        scope,
        format!(
            "{GROUP}/providers/microsoft.storage/storageaccounts/thanosblocks/blobservices/default/containers/thanos"
        )
    );
    assert_eq!(
        of("/dnszones/example.com/a/*.thanos")[0]["ARecords"],
        json!([{"ipv4Address": "20.1.2.3"}])
    );
    Ok(())
}

/// The whole way, without `--wait=false`: a sample arrives, and Grafana is told the readers' password, and nobody else.
async fn read_by_grafana(cluster: &Cluster, cloud: &Cloud) -> Result<()> {
    all_ready(cluster, "thanos").await?;
    all_ready(cluster, "thanos-system").await?;
    let issued = json!({"status": {"conditions": [{"type": "Ready", "status": "True", "reason": "Ready", "message": "ok"}]}});
    let patch = cluster
        .kubectl()?
        .args(["patch", "certificate", "thanos", "-n", "thanos"]);
    let patch = patch.args(["--subresource=status", "--type=merge", "-p"]);
    patch.arg(issued.to_string()).output().await?.fine()?;
    let receive = Receive::start(cluster.run(), Settings::default()).await?;
    let query = Query::start(cluster.run(), &[receive.grpc_address()]).await?;
    let door = Arc::new(Door {
        hosts: HOSTS,
        lines: [
            users(cluster, "thanos-write-users").await?,
            users(cluster, "thanos-read-users").await?,
        ],
        receive: receive.write_address(),
        query: query.url().trim_start_matches("http://").to_owned(),
        open: AtomicBool::new(false),
    });
    let authority = Authority::new("hub")?;
    let trusted = file(cluster, "hub-ca.pem", authority.pem())?;
    let address = door.open(&authority).await?;
    let user = credential(cluster, "thanos-read-credential", "user").await?;
    let password = credential(cluster, "thanos-read-credential", "password").await?;
    cloud.state().grafana.reader = (user.clone(), password.clone());
    let more = format!(
        "gatewayAddress: {address}\ncaFile: {}\nskip: [member]\n",
        trusted.display()
    );
    let given = answers(cluster, cloud, &more)?;
    let line = format!("init -f {} --yes --patience 10s", given.display());
    let proven = ended(run(cluster, cloud, &line).await?, 1);
    // No resolver knows the record that was made: nothing else is missing.
    assert_eq!(
        proven.stderr.matches("Error: ").count(),
        1,
        "{}",
        proven.stderr
    );
    ensure!(
        proven.stderr.contains("Error: KTH8005 "),
        "{}",
        proven.stderr
    );
    for word in [
        "DNS record *.thanos.example.com leads to 127.0.0.1",
        "a wrong password is refused for writes and for reads",
        &format!("thanos reads https://query.thanos.example.com as {user}"),
    ] {
        ensure!(
            proven.stdout.contains(word),
            "{word}: {}{}",
            proven.stdout,
            proven.stderr
        );
    }
    {
        let state = cloud.state();
        let source = &state.grafana.sources["thanos"];
        assert_eq!(
            source["secureJsonData"]["basicAuthPassword"],
            password.as_str()
        );
        assert_eq!(source["basicAuthUser"], user.as_str());
        let mut rest = source.clone();
        rest["secureJsonData"] = Value::Null;
        let rest = format!(
            "{rest}{:?}{:?}{:?}{:?}",
            state.resources, state.grafana.dashboards, state.grafana.rules, state.seen
        );
        ensure!(!rest.contains(&password), "the password is elsewhere, too");
    }
    let before = cloud.state().writes;
    let again = ended(run(cluster, cloud, &format!("{line} -v")).await?, 1);
    ensure!(
        again.stderr.contains("Nothing is to be changed."),
        "{}",
        again.stderr
    );
    assert_eq!(cloud.state().writes, before);
    Ok(())
}

/// What is made can be exported, with what the charts are told and no secret.
async fn exported(cluster: &Cluster, cloud: &Cloud, line: &str) -> Result<()> {
    let folder = cluster.run().folder().join("export");
    ended(
        run(
            cluster,
            cloud,
            &format!("{line} --export {}", folder.display()),
        )
        .await?,
        0,
    );
    let mut values = String::new();
    for part in [
        "10-thanos/values.yaml",
        "10-thanos/manifests.yaml",
        "README.md",
    ] {
        values.push_str(
            &std::fs::read_to_string(folder.join(part)).with_context(|| part.to_owned())?,
        );
    }
    for name in ["thanos-read-credential", "thanos-write-credential"] {
        ensure!(
            !values.contains(&credential(cluster, name, "password").await?),
            "a secret is exported"
        );
    }
    ensure!(
        values.contains("00000000-0000-4000-8000-0000000000c1") && !values.contains(MARK),
        "{values}"
    );
    Ok(())
}

/// `uninstall` lists what stays, and what deletes it, and deletes nothing of it.
async fn left_in_azure(cluster: &Cluster, cloud: &Cloud) -> Result<()> {
    let held = || {
        let state = cloud.state();
        (state.writes, state.resources.clone())
    };
    let before = held();
    let line = format!(
        "uninstall --subscription Tutorial --arm-endpoint {}",
        cloud.address
    );
    let dry = ended(run(cluster, cloud, &format!("{line} --dry-run")).await?, 0);
    for (kind, name) in [
        ("Microsoft.ManagedIdentity/userAssignedIdentities", "thanos"),
        ("Microsoft.Dashboard/grafana", "thanos"),
        ("Microsoft.Storage/storageAccounts", "thanosblocks"),
    ] {
        let id = format!("{SUBSCRIPTION}/resourceGroups/monitoring/providers/{kind}/{name}");
        let command = format!("az resource delete --ids {id}");
        let row = dry.stdout.lines().find(|row| row.contains(&command));
        let row = row.with_context(|| format!("{command}: {}", dry.stdout))?;
        ensure!(row.starts_with("keep"), "{row}");
        assert_eq!(
            row.contains("holds data"),
            !kind.contains("ManagedIdentity"),
            "{row}"
        );
    }
    // Without a login, the cluster's part goes all the same.
    let line = format!("uninstall --yes --arm-endpoint {}", cloud.address);
    cloud.state().instead.push(Instead {
        method: "GET",
        path: "/subscriptions",
        times: u32::MAX,
        status: 403,
        code: "AuthorizationFailed",
        message: "no".to_owned(),
        headers: Vec::new(),
    });
    let gone = ended(run(cluster, cloud, &line).await?, 0);
    ensure!(gone.stderr.contains("Warning: KTH8121 "), "{}", gone.stderr);
    ensure!(
        gone.stderr
            .contains("az resource list --tag kubectl-thanos=thanos"),
        "{}",
        gone.stderr
    );
    assert_eq!(releases(cluster).await?, Vec::<String>::new());
    ensure!(before == held(), "something was deleted");
    Ok(())
}
