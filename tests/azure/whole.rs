//! From nothing to a hub's Azure; the second run changes nothing; what differs is mended, what is not ours is kept.

use anyhow::{Context, Result, ensure};
use serde_json::json;
use thanos_tests::Run;

use super::contract::{Cloud, GROUP, KUBELET, KUBELET_CLIENT, SUBSCRIPTION, TENANT};
use super::{Login, PASSWORD, everything, run, small_wish, whole_wish};

const ACCOUNT: &str = "/providers/Microsoft.Storage/storageAccounts/thanosblocks";

fn path(below: &str) -> String {
    format!("{GROUP}{below}").to_ascii_lowercase()
}

#[tokio::test]
async fn everything_is_made_once_and_a_second_run_writes_nothing() -> Result<()> {
    let folder = Run::new("azure-whole")?;
    let cloud = Cloud::start(&folder).await?;
    {
        let mut state = cloud.state();
        state.principal_delay = 3;
        state.grafana_delay = 2;
        state.grafana.reader = ("grafana".to_owned(), PASSWORD.to_owned());
    }
    let task = everything(&whole_wish(&cloud));
    let first = run(&folder, &cloud, Login::Workload, &task).await?;
    assert_eq!(
        first.plan()?,
        [
            "resource-group adopt",
            "storage-account create",
            "storage-container create",
            "identity create",
            "federated-credential/thanos/thanos-store create",
            "federated-credential/thanos/thanos-receive-ingester create",
            "role/blob-contributor create",
            "dns-record/*.thanos create",
            "grafana create",
            "role/grafana-admin create",
            "grafana/data-source create",
            "grafana/dashboard create",
            "grafana/alerts create",
        ]
    );
    assert_eq!(
        first.fine()?["values"],
        json!({
            "mode": "workload",
            "clientId": "00000000-0000-4000-8000-0000000000c1",
            "tenantId": TENANT,
            "storageAccount": "thanosblocks",
            "container": "thanos",
            "endpoint": format!("{}/blob/thanosblocks", cloud.address.trim_start_matches("https://")),
            "subscription": SUBSCRIPTION,
            "resourceGroup": "rg-hub",
            "grafana": format!("{}/grafana/g1", cloud.address),
        })
    );
    // Every wait is told.
    for wait in [
        "storage account thanosblocks: waiting for Azure to make it",
        "waiting for the new identity to be known everywhere",
        "waiting for the Grafana Admin role to be seen by Grafana",
    ] {
        ensure!(first.talk.contains(wait), "{wait}: {}", first.talk);
    }
    as_it_should_be(&cloud)?;

    let before = cloud.state().writes;
    ensure!(before > 10, "only {before} writes");
    let second = run(&folder, &cloud, Login::Workload, &task).await?;
    let plan = second.plan()?;
    ensure!(
        plan.iter().skip(1).all(|step| step.ends_with(" unchanged")),
        "{plan:?}"
    );
    assert_eq!(second.fine()?["writes"], 0);
    assert_eq!(cloud.state().writes, before);
    assert_eq!(second.fine()?["values"], first.fine()?["values"]);
    Ok(())
}

/// What Azure holds afterwards: the least, tagged, and the password in one place.
fn as_it_should_be(cloud: &Cloud) -> Result<()> {
    let state = cloud.state();
    let at = |below: &str| {
        state
            .resources
            .get(&path(below))
            .with_context(|| below.to_owned())
    };
    let account = at(ACCOUNT)?;
    assert_eq!(account["tags"], json!({"kubectl-thanos": "thanos"}));
    for (name, value) in [
        ("allowSharedKeyAccess", json!(false)),
        ("allowBlobPublicAccess", json!(false)),
        ("minimumTlsVersion", json!("TLS1_2")),
    ] {
        assert_eq!(account["properties"][name], value, "{name}");
    }
    let roles: Vec<_> = state
        .resources
        .iter()
        .filter(|(path, _)| path.contains("/roleassignments/"))
        .map(|(_, one)| &one["properties"])
        .collect();
    assert_eq!(
        roles.len(),
        2,
        "the blob role and the Grafana role: {roles:?}"
    );
    let blob = roles
        .iter()
        .find(|role| role["principalId"] == "00000000-0000-4000-8000-0000000000b1")
        .context("the blob role")?;
    // The container alone, for the object id and not the client id.
    assert_eq!(
        blob["scope"],
        format!("{GROUP}{ACCOUNT}/blobServices/default/containers/thanos")
    );
    assert_eq!(blob["principalType"], "ServicePrincipal");
    let record = at("/providers/Microsoft.Network/dnszones/example.com/A/*.thanos")?;
    assert_eq!(
        record["properties"]["ARecords"],
        json!([{"ipv4Address": "20.1.2.3"}])
    );
    let source = &state.grafana.sources["thanos"];
    assert_eq!(
        source["secureJsonData"],
        json!({"basicAuthPassword": PASSWORD})
    );
    assert_eq!(
        state.grafana.rules["thanos"]["rules"]
            .as_array()
            .map(Vec::len),
        Some(5)
    );
    let everything_else = format!("{:?}{:?}", state.resources, state.grafana.dashboards);
    ensure!(!everything_else.contains(PASSWORD));
    Ok(())
}

#[tokio::test]
async fn what_has_changed_is_mended() -> Result<()> {
    let folder = Run::new("azure-mended")?;
    let cloud = Cloud::start(&folder).await?;
    cloud.state().grafana.reader = ("grafana".to_owned(), PASSWORD.to_owned());
    let task = everything(&whole_wish(&cloud));
    run(&folder, &cloud, Login::Workload, &task).await?.fine()?;
    {
        let mut state = cloud.state();
        state.resources.get_mut(&path(ACCOUNT)).unwrap()["properties"]["allowSharedKeyAccess"] =
            json!(true);
        let record = path("/providers/Microsoft.Network/dnszones/example.com/A/*.thanos");
        state.resources.get_mut(&record).unwrap()["properties"]["ARecords"] =
            json!([{"ipv4Address": "9.9.9.9"}]);
        state.grafana.sources.get_mut("thanos").unwrap()["secureJsonData"]["basicAuthPassword"] =
            json!("old");
        state.grafana.dashboards.get_mut("thanos-arrival").unwrap()["panels"] = json!([]);
        state.grafana.rules.clear();
    }
    let again = run(&folder, &cloud, Login::Workload, &task).await?;
    let changed: Vec<String> = again
        .plan()?
        .into_iter()
        .filter(|step| !step.ends_with("unchanged") && !step.ends_with("adopt"))
        .collect();
    assert_eq!(
        changed,
        [
            "storage-account update",
            "grafana/data-source update",
            "grafana/dashboard update",
            "grafana/alerts create",
        ]
    );
    as_it_should_be(&cloud)?;
    // And that was all: the record among it, whose address only the gateway knows.
    assert_eq!(again.fine()?["writes"], 5);
    Ok(())
}

#[tokio::test]
async fn what_is_somebody_elses_is_used_as_it_is() -> Result<()> {
    let folder = Run::new("azure-adopted")?;
    let cloud = Cloud::start(&folder).await?;
    let account = format!("{GROUP}{ACCOUNT}");
    {
        let mut state = cloud.state();
        let mut keep = |id: String, value| state.resources.insert(id.to_ascii_lowercase(), value);
        keep(
            account.clone(),
            json!({"id": account, "name": "thanosblocks", "tags": {}, "properties": {
            "provisioningState": "Succeeded", "allowSharedKeyAccess": true,
            "primaryEndpoints": {"blob": "https://thanosblocks.blob.core.windows.net/"}}}),
        );
        let container = format!("{account}/blobServices/default/containers/thanos");
        keep(
            container.clone(),
            json!({"id": container, "name": "thanos", "properties": {"publicAccess": "None"}}),
        );
        let identity =
            format!("{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/mine");
        keep(
            identity.clone(),
            json!({"id": identity, "name": "mine", "properties": {
            "clientId": "00000000-0000-4000-8000-0000000000c9", "principalId": "00000000-0000-4000-8000-0000000000b9",
            "tenantId": TENANT}}),
        );
        // Given on the whole account, by an administrator.
        let role = format!("{account}/providers/Microsoft.Authorization/roleAssignments/by-hand");
        keep(
            role.clone(),
            json!({"id": role, "name": "by-hand", "properties": {"scope": account,
            "principalId": "00000000-0000-4000-8000-0000000000b9", "principalType": "ServicePrincipal",
            "roleDefinitionId": "/providers/Microsoft.Authorization/roleDefinitions/ba92f5b4-2d11-453d-a403-e96b0029c9fe"}}),
        );
    }
    let mut wish = small_wish(&cloud);
    wish["identity"] = json!("mine");
    let ran = run(&folder, &cloud, Login::Workload, &everything(&wish)).await?;
    let plan = ran.plan()?;
    for step in [
        "storage-account adopt",
        "storage-container adopt",
        "identity adopt",
        "role/blob-contributor adopt",
    ] {
        ensure!(plan.contains(&step.to_owned()), "{step}: {plan:?}");
    }
    ran.says(
        0,
        &[
            "Warning: KTH8118 the storage account thanosblocks stays as it is",
            "allowSharedKeyAccess is not false",
        ],
    )?;
    assert_eq!(ran.fine()?["writes"], 2, "the two federated credentials");
    assert_eq!(ran.fine()?["values"]["endpoint"], "blob.core.windows.net");
    assert_eq!(
        cloud.state().resources[&account.to_ascii_lowercase()]["properties"]["allowSharedKeyAccess"],
        true
    );
    Ok(())
}

#[tokio::test]
async fn the_nodes_identity_and_the_articles_roles_are_there_with_a_warning() -> Result<()> {
    let folder = Run::new("azure-article")?;
    let cloud = Cloud::start(&folder).await?;
    let mut wish = small_wish(&cloud);
    wish["mode"] = json!("kubelet");
    wish["articleRoles"] = json!(true);
    let task = everything(&wish);
    let ran = run(&folder, &cloud, Login::Workload, &task).await?;
    ran.says(
        0,
        &[
            "Warning: KTH8117 ",
            "hands out the account's keys",
            "Warning: KTH8119 ",
        ],
    )?;
    assert_eq!(ran.fine()?["values"]["clientId"], KUBELET_CLIENT);
    let given: Vec<String> = {
        let state = cloud.state();
        let roles = state
            .resources
            .values()
            .filter(|one| one["properties"]["principalId"] == KUBELET);
        roles
            .map(|one| {
                format!(
                    "{} {}",
                    one["properties"]["roleDefinitionId"], one["properties"]["scope"]
                )
            })
            .collect()
    };
    assert_eq!(given.len(), 2, "{given:?}");
    ensure!(
        given
            .iter()
            .any(|one| one.contains("c12c1c16") && one.ends_with("thanosblocks\"")),
        "{given:?}"
    );
    let again = run(&folder, &cloud, Login::Workload, &task).await?;
    assert_eq!(again.fine()?["writes"], 0);
    Ok(())
}

#[tokio::test]
async fn what_is_the_hubs_is_listed_for_whoever_wants_to_delete_it() -> Result<()> {
    let folder = Run::new("azure-ours")?;
    let cloud = Cloud::start(&folder).await?;
    let mut task = everything(&whole_wish(&cloud));
    task["acts"] = json!(["before", "address", "grafana", "ours"]);
    let ran = run(&folder, &cloud, Login::Workload, &task).await?;
    let done = ran.fine()?;
    let ours = done["ours"].as_array().context("a list")?;
    let names: Vec<_> = ours
        .iter()
        .map(|one| {
            (
                one["name"].as_str().unwrap_or_default(),
                one["holdsData"] == true,
            )
        })
        .collect();
    assert_eq!(
        names,
        [("thanos", false), ("g-hub", true), ("thanosblocks", true)]
    );
    ensure!(
        ours[2]["command"]
            .as_str()
            .is_some_and(|word| word.starts_with("az resource delete --ids /subscriptions/"))
    );
    ensure!(
        cloud
            .state()
            .seen
            .iter()
            .all(|seen| !seen.starts_with("DELETE")),
        "nothing is deleted"
    );
    Ok(())
}
