//! What goes wrong in Azure: each with its code, its sentence and what to type; or waited out, where it passes.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use thanos_tests::Run;

use super::contract::{Cloud, GROUP, Instead};
use super::{Login, PASSWORD, everything, run, small_wish, whole_wish};

fn instead(
    method: &'static str,
    path: &'static str,
    status: u16,
    code: &'static str,
    message: &str,
) -> Instead {
    Instead {
        method,
        path,
        times: u32::MAX,
        status,
        code,
        message: message.to_owned(),
        headers: Vec::new(),
    }
}

/// One fault, what is said, and what is typed next.
async fn fails(name: &str, fault: Instead, words: &[&str]) -> Result<()> {
    let folder = Run::new(&format!("azure-{name}"))?;
    let cloud = Cloud::start(&folder).await?;
    cloud.state().instead.push(fault);
    let mut task = everything(&whole_wish(&cloud));
    task["spreadingMilliseconds"] = json!(300);
    let ran = run(&folder, &cloud, Login::Workload, &task).await?;
    ran.says(1, words)?;
    ensure!(ran.talk.contains("Hint: "), "no hint: {}", ran.talk);
    // Nothing that is done is lost: without the fault it goes on.
    cloud.state().instead.clear();
    cloud.state().grafana.reader = ("grafana".to_owned(), PASSWORD.to_owned());
    task["spreadingMilliseconds"] = json!(10_000);
    run(&folder, &cloud, Login::Workload, &task).await?.fine()?;
    let last = run(&folder, &cloud, Login::Workload, &task).await?;
    ensure!(last.fine()?["writes"] == 0, "{:?}", last.plan()?);
    Ok(())
}

#[tokio::test]
async fn missing_rights_are_named_with_the_role_that_helps() -> Result<()> {
    let message = format!(
        "The client 'a@b.c' with object id '00000000-0000-4000-8000-000000000003' does not have authorization to perform action \
         'Microsoft.Storage/storageAccounts/write' over scope '{GROUP}' or the scope is invalid."
    );
    let hint = format!(
        "Hint: az role assignment create --assignee 00000000-0000-4000-8000-000000000003 --role \"Storage Account Contributor\" --scope {GROUP}"
    );
    fails(
        "rights",
        instead(
            "PUT",
            "/storageAccounts/thanosblocks",
            403,
            "AuthorizationFailed",
            &message,
        ),
        &[
            "KTH8102 the storage account thanosblocks cannot be made",
            &hint,
        ],
    )
    .await
}

#[tokio::test]
async fn whoever_may_not_give_roles_is_told_what_an_administrator_types() -> Result<()> {
    let message = "The client 'x' with object id 'y' does not have authorization to perform action \
                   'Microsoft.Authorization/roleAssignments/write' over scope '/s' or the scope is invalid.";
    fails(
        "roles",
        instead("PUT", "/roleAssignments/", 403, "AuthorizationFailed", message),
        &[
            "KTH8102 the role \"Storage Blob Data Contributor\" cannot be given",
            "Hint: az role assignment create --assignee y --role \"Role Based Access Control Administrator\" --scope /s",
            "--assignee-object-id 00000000-0000-4000-8000-0000000000b1 --assignee-principal-type ServicePrincipal --role \"Storage Blob Data Contributor\"",
        ],
    )
    .await
}

#[tokio::test]
async fn policies_quotas_and_registrations_are_told_apart() -> Result<()> {
    let put = |status, code, message| {
        instead(
            "PUT",
            "/storageAccounts/thanosblocks",
            status,
            code,
            message,
        )
    };
    fails(
        "policy",
        put(
            403,
            "RequestDisallowedByPolicy",
            "Resource 'thanosblocks' was disallowed by policy.",
        ),
        &[
            "KTH8103 ",
            "was disallowed by policy",
            "Hint: az policy assignment list",
        ],
    )
    .await?;
    fails(
        "quota",
        put(
            400,
            "MaxStorageAccountsCountPerSubscriptionExceeded",
            "The maximum number is 250.",
        ),
        &[
            "KTH8104 ",
            "The maximum number is 250.",
            "--location REGION",
        ],
    )
    .await?;
    fails(
        "registration",
        put(
            409,
            "MissingSubscriptionRegistration",
            "The subscription is not registered.",
        ),
        &[
            "KTH8114 ",
            "Hint: az provider register --wait --namespace Microsoft.Storage",
        ],
    )
    .await?;
    fails(
        "late-taken",
        put(
            409,
            "StorageAccountAlreadyTaken",
            "The storage account named thanosblocks is already taken.",
        ),
        &["KTH8105 ", "is already taken", "--storage-account NAME"],
    )
    .await?;
    fails(
        "conflict",
        put(409, "Conflict", "Another change is on its way."),
        &["KTH8107 ", "Another change"],
    )
    .await?;
    fails(
        "refused",
        put(400, "BadRequest", "No."),
        &[
            "KTH8110 ",
            "Caused by: BadRequest: No.",
            "correlation id c0",
        ],
    )
    .await
}

#[tokio::test]
async fn what_passes_is_waited_out() -> Result<()> {
    let folder = Run::new("azure-passing")?;
    let cloud = Cloud::start(&folder).await?;
    for (status, code, path) in [
        (429, "TooManyRequests", "/storageAccounts/thanosblocks"),
        (503, "ServiceUnavailable", "/userAssignedIdentities/"),
        (
            409,
            "ConcurrentFederatedIdentityCredentialsWritesForSingleManagedIdentity",
            "/federatedIdentityCredentials/",
        ),
        (409, "AnotherOperationInProgress", "/containers/"),
    ] {
        let mut fault = instead("PUT", path, status, code, "wait");
        fault.times = 2;
        fault.headers = vec![("Retry-After", "0".to_owned())];
        cloud.state().instead.push(fault);
    }
    cloud.state().principal_delay = 3;
    let ran = run(
        &folder,
        &cloud,
        Login::Workload,
        &everything(&small_wish(&cloud)),
    )
    .await?;
    ran.fine()?;
    Ok(())
}

#[tokio::test]
async fn a_server_that_says_when_is_not_asked_before() -> Result<()> {
    let folder = Run::new("azure-retry-after")?;
    let cloud = Cloud::start(&folder).await?;
    cloud.state().retry_after = 1;
    cloud.state().polls = 1;
    let begin = std::time::Instant::now();
    run(
        &folder,
        &cloud,
        Login::Workload,
        &everything(&small_wish(&cloud)),
    )
    .await?
    .fine()?;
    let polls = cloud
        .state()
        .seen
        .iter()
        .filter(|seen| seen.contains("/operations/"))
        .count();
    ensure!(
        polls == 2 && begin.elapsed().as_secs() >= 2,
        "{polls} looks in {:?}",
        begin.elapsed()
    );
    Ok(())
}

#[tokio::test]
async fn what_does_not_pass_ends_with_its_code() -> Result<()> {
    let mut throttled = instead(
        "PUT",
        "/storageAccounts/thanosblocks",
        429,
        "TooManyRequests",
        "Too many.",
    );
    throttled.headers = vec![("Retry-After", "0".to_owned())];
    fails("throttled", throttled, &["KTH8108 ", "Too many."]).await?;
    fails(
        "principal",
        instead(
            "PUT",
            "/roleAssignments/",
            400,
            "PrincipalNotFound",
            "Principal b1 does not exist.",
        ),
        &[
            "KTH8112 the role \"Storage Blob Data Contributor\" cannot be given",
            "waiting for the new identity to be known everywhere",
        ],
    )
    .await?;
    fails(
        "grafana-role",
        instead("GET", "/grafana/g1/api/datasources", 403, "", ""),
        &[
            "KTH8112 Grafana cannot be set up yet",
            "waiting for the Grafana Admin role to be seen by Grafana",
        ],
    )
    .await
}

#[tokio::test]
async fn an_operation_that_fails_is_told_in_azures_words() -> Result<()> {
    let folder = Run::new("azure-operation")?;
    let cloud = Cloud::start(&folder).await?;
    cloud.state().fail_operations = true;
    let ran = run(
        &folder,
        &cloud,
        Login::Workload,
        &everything(&whole_wish(&cloud)),
    )
    .await?;
    ran.says(
        1,
        &[
            "KTH8110 the Managed Grafana g-hub cannot be made",
            "Caused by: GrafanaFailed: It broke.",
        ],
    )
}

#[tokio::test]
async fn names_that_are_taken_are_known_before_anything_is_made() -> Result<()> {
    let folder = Run::new("azure-taken")?;
    let cloud = Cloud::start(&folder).await?;
    let mut wish = small_wish(&cloud);
    wish["storageAccount"] = json!("takenbyothers");
    let ran = run(&folder, &cloud, Login::Workload, &everything(&wish)).await?;
    ran.says(
        1,
        &[
            "KTH8105 the storage account takenbyothers cannot be made",
            "already taken",
            "Hint: choose another name: --storage-account NAME",
        ],
    )?;
    wish["storageAccount"] = json!("No-Name");
    wish["storageContainer"] = json!("a--b");
    let ran = run(&folder, &cloud, Login::Workload, &everything(&wish)).await?;
    // All at once.
    ran.says(
        2,
        &[
            "No-Name is no name for a storage account",
            "a--b is no name for a container",
        ],
    )?;
    assert_eq!(cloud.state().writes, 0);
    Ok(())
}

#[tokio::test]
async fn a_cluster_without_an_issuer_is_told_what_switches_it_on() -> Result<()> {
    let folder = Run::new("azure-issuer")?;
    let cloud = Cloud::start(&folder).await?;
    change_cluster(&cloud, |properties| {
        properties["oidcIssuerProfile"] = json!({"enabled": false})
    });
    let ran = run(
        &folder,
        &cloud,
        Login::Workload,
        &everything(&small_wish(&cloud)),
    )
    .await?;
    ran.says(
        1,
        &[
            "KTH8111 the OIDC issuer of the AKS cluster aks-hub is switched off",
            "Hint: az aks update --resource-group rg-hub --name aks-hub --enable-oidc-issuer --enable-workload-identity",
        ],
    )?;
    change_cluster(&cloud, |properties| {
        properties["oidcIssuerProfile"] =
            json!({"enabled": true, "issuerUrl": super::contract::ISSUER});
        properties["securityProfile"] = json!({});
        properties["identityProfile"] = Value::Null;
    });
    let ran = run(
        &folder,
        &cloud,
        Login::Workload,
        &everything(&small_wish(&cloud)),
    )
    .await?;
    ran.says(
        1,
        &["KTH8111 the workload identity of the AKS cluster aks-hub is switched off"],
    )?;
    let mut wish = small_wish(&cloud);
    wish["mode"] = json!("kubelet");
    let ran = run(&folder, &cloud, Login::Workload, &everything(&wish)).await?;
    ran.says(
        1,
        &["KTH8106 the AKS cluster aks-hub has no identity of its nodes"],
    )
}

fn change_cluster(cloud: &Cloud, change: impl FnOnce(&mut Value)) {
    let mut state = cloud.state();
    let (_, cluster) = state
        .resources
        .iter_mut()
        .find(|(path, _)| path.contains("/managedclusters/"))
        .unwrap();
    change(&mut cluster["properties"]);
}

#[tokio::test]
async fn what_must_exist_is_named_when_it_does_not() -> Result<()> {
    let folder = Run::new("azure-missing")?;
    let cloud = Cloud::start(&folder).await?;
    let says = async |field: &str, value: Value, code: i32, words: &[&str]| -> Result<()> {
        let mut wish = whole_wish(&cloud);
        wish[field] = value;
        run(&folder, &cloud, Login::Workload, &everything(&wish))
            .await?
            .says(code, words)
    };
    says(
        "subscription",
        json!("other"),
        1,
        &[
            "KTH8106 the subscription other is not there",
            "the login (workload identity) sees Playground",
            "az account list",
        ],
    )
    .await?;
    says(
        "aksCluster",
        json!("other"),
        1,
        &[
            "KTH8106 the AKS cluster other is not there",
            "holds [aks-hub]",
            "az aks list",
        ],
    )
    .await?;
    says(
        "server",
        json!("127.0.0.1"),
        2,
        &["no resource group is named", "--resource-group NAME"],
    )
    .await?;
    let dns =
        json!({"zone": "other.org", "domain": "t.other.org", "hosts": ["receive.t.other.org"]});
    says(
        "dns",
        dns,
        1,
        &[
            "KTH8106 the DNS zone other.org is not there",
            "az network dns zone create",
        ],
    )
    .await?;
    let dns = json!({"zone": "example.com", "domain": "x", "hosts": ["receive.other.org"]});
    says(
        "dns",
        dns,
        2,
        &["receive.other.org does not lie in the DNS zone example.com"],
    )
    .await?;
    assert_eq!(cloud.state().writes, 0);
    Ok(())
}

#[tokio::test]
async fn the_cluster_is_found_by_its_nodes_too_and_a_group_is_made() -> Result<()> {
    let folder = Run::new("azure-by-node")?;
    let cloud = Cloud::start(&folder).await?;
    let mut wish = small_wish(&cloud);
    wish.as_object_mut().unwrap().remove("server");
    wish["providerId"] = json!(format!(
        "azure:///subscriptions/{}/resourceGroups/mc_rg-hub_aks-hub_westeurope/providers/Microsoft.Compute/virtualMachineScaleSets/a/virtualMachines/0",
        super::contract::SUBSCRIPTION
    ));
    wish["resourceGroup"] = json!("rg-new");
    let ran = run(&folder, &cloud, Login::Workload, &everything(&wish)).await?;
    ensure!(
        ran.plan()?[0] == "resource-group create",
        "{:?}",
        ran.plan()?
    );
    assert_eq!(ran.fine()?["values"]["resourceGroup"], "rg-new");
    Ok(())
}

#[tokio::test]
async fn somebody_elses_record_is_never_overwritten() -> Result<()> {
    let folder = Run::new("azure-record")?;
    let cloud = Cloud::start(&folder).await?;
    let record = format!("{GROUP}/providers/Microsoft.Network/dnszones/example.com/A/*.thanos");
    cloud.state().resources.insert(
        record.to_ascii_lowercase(),
        json!({"id": record, "etag": "e", "properties": {"TTL": 60, "ARecords": [{"ipv4Address": "9.9.9.9"}]}}),
    );
    let mut wish = whole_wish(&cloud);
    wish.as_object_mut().unwrap().remove("grafana");
    let ran = run(&folder, &cloud, Login::Workload, &everything(&wish)).await?;
    ran.says(
        5,
        &[
            "KTH8116 the DNS record *.thanos.example.com is somebody else's",
            "it leads to 9.9.9.9",
            "Hint: choose another --domain",
        ],
    )?;
    // With the address known beforehand nothing is made at all.
    let before = cloud.state().writes;
    wish["dns"]["address"] = json!("20.1.2.3");
    run(&folder, &cloud, Login::Workload, &everything(&wish))
        .await?
        .says(5, &["KTH8116 "])?;
    assert_eq!(cloud.state().writes, before);
    // A record that leads there already is kept, whoever made it.
    cloud
        .state()
        .resources
        .get_mut(&record.to_ascii_lowercase())
        .unwrap()["properties"]["ARecords"] = json!([{"ipv4Address": "20.1.2.3"}]);
    let ran = run(&folder, &cloud, Login::Workload, &everything(&wish)).await?;
    ensure!(
        ran.plan()?
            .contains(&"dns-record/*.thanos adopt".to_owned()),
        "{:?}",
        ran.plan()?
    );
    assert_eq!(ran.fine()?["writes"], 0);
    Ok(())
}

#[tokio::test]
async fn grafana_takes_one_of_three_audiences_and_refuses_what_is_in_its_way() -> Result<()> {
    let folder = Run::new("azure-grafana")?;
    let cloud = Cloud::start(&folder).await?;
    {
        let mut state = cloud.state();
        state.audience = "https://dashboard.azure.com".to_owned();
        state.grafana.sources.insert(
            "by-hand".to_owned(),
            json!({"name": "Thanos", "uid": "by-hand"}),
        );
    }
    let task = everything(&whole_wish(&cloud));
    let ran = run(&folder, &cloud, Login::Workload, &task).await?;
    ran.says(
        1,
        &[
            "KTH8113 Grafana refuses POST /api/datasources",
            "data source with the same name already exists",
            "Hint: ",
        ],
    )?;
    cloud.state().grafana.sources.clear();
    run(&folder, &cloud, Login::Workload, &task).await?.fine()?;
    ensure!(cloud.state().grafana.sources.contains_key("thanos"));
    Ok(())
}

#[tokio::test]
async fn an_azure_that_does_not_answer_is_said_with_its_host() -> Result<()> {
    let folder = Run::new("azure-unreachable")?;
    let cloud = Cloud::start(&folder).await?;
    let mut wish = small_wish(&cloud);
    wish["armEndpoint"] = json!("https://localhost:1");
    let ran = run(&folder, &cloud, Login::Workload, &everything(&wish)).await?;
    ran.says(
        1,
        &[
            "KTH8109 the subscriptions cannot be listed",
            "localhost does not answer",
            "Connection refused",
        ],
    )
}

#[tokio::test]
async fn federated_credentials_have_a_limit_and_are_not_taken_from_others() -> Result<()> {
    let folder = Run::new("azure-federated")?;
    let cloud = Cloud::start(&folder).await?;
    run(
        &folder,
        &cloud,
        Login::Workload,
        &everything(&small_wish(&cloud)),
    )
    .await?
    .fine()?;
    let identity =
        format!("{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/thanos")
            .to_ascii_lowercase();
    let credential = |issuer: &str, number: usize| {
        json!({"name": format!("other-{number}"), "properties": {"issuer": issuer, "audiences": ["a"],
            "subject": format!("system:serviceaccount:other:{number}")}})
    };
    for number in 0..18 {
        let path = format!("{identity}/federatedidentitycredentials/other-{number}");
        cloud
            .state()
            .resources
            .insert(path, credential("https://other/", number));
    }
    let mut wish = small_wish(&cloud);
    wish["serviceAccounts"]
        .as_array_mut()
        .unwrap()
        .push(json!({"namespace": "thanos", "name": "thanos-ruler"}));
    let ran = run(&folder, &cloud, Login::Workload, &everything(&wish)).await?;
    ran.says(
        1,
        &[
            "KTH8104 the identity thanos has no room for 1 more federated credentials",
            "--identity NAME",
        ],
    )?;
    // The issuer changes when a cluster is made anew: ours follow it, nobody else's.
    change_cluster(&cloud, |properties| {
        properties["oidcIssuerProfile"]["issuerURL"] = json!("https://new/")
    });
    cloud
        .state()
        .resources
        .retain(|path, _| !path.contains("/other-"));
    let ran = run(
        &folder,
        &cloud,
        Login::Workload,
        &everything(&small_wish(&cloud)),
    )
    .await?;
    ensure!(
        ran.plan()?
            .contains(&"federated-credential/thanos/thanos-store update".to_owned()),
        "{:?}",
        ran.plan()?
    );
    change_cluster(&cloud, |properties| {
        properties["oidcIssuerProfile"]["issuerURL"] = json!("https://newer/")
    });
    cloud.state().resources.get_mut(&identity).unwrap()["tags"] = json!({});
    let ran = run(
        &folder,
        &cloud,
        Login::Workload,
        &everything(&small_wish(&cloud)),
    )
    .await?;
    ran.says(
        5,
        &[
            "KTH8116 the federated credential aks-hub-thanos-thanos-store is for somebody else",
            "of https://new/",
        ],
    )
}
