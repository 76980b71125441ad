//! Who is logged in: a workload identity, a managed identity, the Azure CLI; and what is said when nobody is.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use thanos_tests::Run;

use super::contract::{Cloud, Instead};
use super::{Login, az, everything, run, small_wish};

/// Only looks.
fn look(cloud: &Cloud) -> Value {
    let mut task = everything(&small_wish(cloud));
    task["acts"] = json!([]);
    task
}

#[tokio::test]
async fn each_way_to_log_in_is_found() -> Result<()> {
    let folder = Run::new("azure-login")?;
    let cloud = Cloud::start(&folder).await?;
    for (login, way) in [
        (Login::Workload, "workload identity"),
        (Login::Managed, "managed identity"),
        (Login::CommandLine, "Azure CLI"),
    ] {
        let ran = run(&folder, &cloud, login, &look(&cloud)).await?;
        assert_eq!(ran.fine()?["way"], way);
    }
    // The CLI takes a second for every token: it is asked once.
    let calls = std::fs::read_to_string(folder.folder().join("bin-az/az.calls"))?;
    assert_eq!(calls.lines().count(), 1, "{calls}");
    Ok(())
}

#[tokio::test]
async fn the_cli_is_asked_for_the_subscription_that_is_named() -> Result<()> {
    let folder = Run::new("azure-login-subscription")?;
    let cloud = Cloud::start(&folder).await?;
    let mut task = look(&cloud);
    task["wish"]["subscription"] = json!("Playground");
    run(&folder, &cloud, Login::CommandLine, &task)
        .await?
        .fine()?;
    let calls = std::fs::read_to_string(folder.folder().join("bin-az/az.calls"))?;
    ensure!(
        calls.trim_end().ends_with("--subscription Playground"),
        "{calls}"
    );
    Ok(())
}

#[tokio::test]
async fn without_a_login_every_way_says_why_and_soon() -> Result<()> {
    let folder = Run::new("azure-no-login")?;
    let cloud = Cloud::start(&folder).await?;
    let begin = Instant::now();
    let ran = run(&folder, &cloud, Login::None, &look(&cloud)).await?;
    ran.says(
        1,
        &[
            "Error: KTH8101 no login to Azure was found",
            "Caused by: workload identity: AZURE_FEDERATED_TOKEN_FILE is not set",
            "Caused by: managed identity: this machine has none",
            "Caused by: Azure CLI: az not found on PATH",
            "Hint: az login",
        ],
    )?;
    ensure!(
        begin.elapsed() < Duration::from_secs(10),
        "{:?}",
        begin.elapsed()
    );

    // One that is there and not logged in says what it says.
    let bin = folder.folder().join("bin");
    az(
        &bin,
        "echo \"ERROR: Please run 'az login' to setup account.\" >&2; exit 1",
    )?;
    let ran = run(&folder, &cloud, Login::None, &look(&cloud)).await?;
    ran.says(
        1,
        &[
            "Caused by: Azure CLI: Please run 'az login' to setup account.",
            "Hint: az login",
        ],
    )?;
    // And one that answers nonsense is not quoted.
    az(
        &bin,
        &format!("echo '{{\"accessToken\": 1, \"x\": \"{}\"}}'", super::MARK),
    )?;
    run(&folder, &cloud, Login::None, &look(&cloud))
        .await?
        .says(1, &["Caused by: Azure CLI: "])
}

#[tokio::test]
async fn a_refused_token_is_fetched_anew_once() -> Result<()> {
    let folder = Run::new("azure-renewed")?;
    let cloud = Cloud::start(&folder).await?;
    let refuse = |times| {
        Instead {
        method: "GET",
        path: "/subscriptions",
        times,
        status: 401,
        code: "InvalidAuthenticationTokenTenant",
        message: "The access token is from the wrong issuer 'https://sts.windows.net/one/'. It must match the tenant \
                  'https://sts.windows.net/two/' associated with this subscription."
            .to_owned(),
        headers: Vec::new(),
    }
    };
    cloud.state().instead.push(refuse(1));
    run(&folder, &cloud, Login::CommandLine, &look(&cloud))
        .await?
        .fine()?;
    let calls = std::fs::read_to_string(folder.folder().join("bin-az/az.calls"))?;
    assert_eq!(calls.lines().count(), 2, "{calls}");
    cloud.state().instead.push(refuse(2));
    run(&folder, &cloud, Login::CommandLine, &look(&cloud))
        .await?
        .says(
            1,
            &[
                "KTH8101 the subscriptions cannot be listed",
                "Hint: az login --tenant two",
            ],
        )
}
