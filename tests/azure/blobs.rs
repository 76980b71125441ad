//! The container is reached by a token alone: the real credential types, Azurite over TLS, roles that come late.

use anyhow::{Context, Result, ensure};
use serde_json::json;
use thanos_tests::Run;
use thanos_tests::azurite::Azurite;

use super::contract::tokens::assertion;
use super::contract::{Cloud, ISSUER, OPERATOR};
use super::{Login, everything, run, small_wish};

/// A token as Kubernetes makes it for one ServiceAccount.
fn of_account(name: &str) -> String {
    assertion(&json!({
        "iss": ISSUER,
        "sub": format!("system:serviceaccount:thanos:{name}"),
        "aud": "api://AzureADTokenExchange",
    }))
}

#[tokio::test]
async fn thanos_itself_reaches_its_container_once_its_role_is_seen() -> Result<()> {
    let folder = Run::new("azure-prove")?;
    let cloud = Cloud::start(&folder).await?;
    let (_azurite, http) =
        Azurite::start_for_tokens(&folder, "thanosblocks", &cloud.authority).await?;
    {
        let mut state = cloud.state();
        state.azurite = Some(http);
        state.credential_delay = 2;
        state.role_delay = 3;
    }
    let mut task = everything(&small_wish(&cloud));
    task["acts"] = json!(["before", "reach", "prove"]);
    task["accountToken"] = json!(of_account("thanos-store"));
    let ran = run(&folder, &cloud, Login::Workload, &task).await?;
    let done = ran.fine()?;
    // Whoever sets it up needs no right on the data, and has none.
    assert_eq!(done["reach"], "NoRole");
    let waited: Vec<&str> = done["waited"]
        .as_array()
        .context("waits")?
        .iter()
        .filter_map(|one| one.as_str())
        .collect();
    assert_eq!(waited.len(), 5, "{waited:?}");
    ensure!(
        waited[0].contains("federated credential") && waited[0].contains("AADSTS70021"),
        "{waited:?}"
    );
    ensure!(waited[4].contains("role"), "{waited:?}");

    // A ServiceAccount that is not federated never gets there.
    task["accountToken"] = json!(of_account("somebody-else"));
    task["spreadingMilliseconds"] = json!(200);
    let other = run(&folder, &cloud, Login::Workload, &task).await?;
    other.says(
        1,
        &[
            "KTH8112 Thanos does not reach the container thanos yet",
            "AADSTS70021",
            "Hint: run the same command again in a few minutes",
        ],
    )
}

#[tokio::test]
async fn a_managed_identity_reaches_it_too() -> Result<()> {
    let folder = Run::new("azure-managed")?;
    let cloud = Cloud::start(&folder).await?;
    let (_azurite, http) =
        Azurite::start_for_tokens(&folder, "thanosblocks", &cloud.authority).await?;
    cloud.state().azurite = Some(http);
    let mut task = everything(&small_wish(&cloud));
    task["acts"] = json!(["before", "reach"]);
    let ran = run(&folder, &cloud, Login::Managed, &task).await?;
    assert_eq!(ran.fine()?["way"], "managed identity");
    assert_eq!(ran.fine()?["reach"], "NoRole");
    {
        // An administrator gives whoever runs it the role.
        let mut state = cloud.state();
        let id = state
            .resources
            .keys()
            .find(|id| id.contains("/containers/thanos/"))
            .context("a role")?
            .clone();
        let mut role = state.resources[&id].clone();
        role["properties"]["principalId"] = json!(OPERATOR);
        state.resources.insert(format!("{id}-operator"), role);
    }
    let again = run(&folder, &cloud, Login::Managed, &task).await?;
    assert_eq!(again.fine()?["reach"], "Reached");
    assert_eq!(again.fine()?["writes"], 0);
    Ok(())
}

#[tokio::test]
async fn a_container_that_is_gone_or_shut_off_is_said_at_once() -> Result<()> {
    let folder = Run::new("azure-unreached")?;
    let cloud = Cloud::start(&folder).await?;
    let mut task = everything(&small_wish(&cloud));
    run(&folder, &cloud, Login::Workload, &task).await?.fine()?;
    task["acts"] = json!(["prove"]);
    task["accountToken"] = json!(of_account("thanos-store"));
    for (status, code, words) in [
        (
            403,
            "AuthorizationFailure",
            "the storage account's network rules keep this machine out",
        ),
        (404, "ContainerNotFound", "the container is not there"),
    ] {
        cloud.state().refuse_blobs = Some((status, code));
        let ran = run(&folder, &cloud, Login::Workload, &task).await?;
        ran.says(
            1,
            &[
                "KTH8115 the container thanos of thanosblocks cannot be reached",
                words,
                "Hint: ",
            ],
        )?;
    }
    Ok(())
}
