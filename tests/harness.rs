//! The harness proves itself: clusters come up fast and side by side, with the rights that users really have.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use futures::future::try_join;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, ServiceAccount};
use kube::api::{DeleteParams, ListParams, ObjectMeta, PostParams};
use kube::{Api, ResourceExt};
use thanos_tests::apiserver::User;
use thanos_tests::controller_manager::ControllerManager;
use thanos_tests::{Cluster, Options, eventually};

mod arrival;
mod endings;
mod storage;

#[tokio::test]
async fn a_cluster_is_up_and_says_how_fast() -> Result<()> {
    let cluster = Cluster::start(Options::new("harness-up")).await?;
    println!(
        "etcd, API server and three CRDs in {:.2} s",
        cluster.started_in().as_secs_f32()
    );
    let version = cluster.client().apiserver_version().await?;
    assert_eq!(version.git_version, "v1.37.2");
    let listed = cluster
        .kubectl()?
        .args(["get", "prometheuses", "-A", "-o", "name"])
        .output()
        .await?
        .fine()?;
    assert_eq!(listed, "");
    Ok(())
}

#[tokio::test]
async fn two_clusters_side_by_side_know_nothing_of_each_other() -> Result<()> {
    let (one, two) = try_join(
        Cluster::start(Options::new("harness-one")),
        Cluster::start(Options::new("harness-two")),
    )
    .await?;
    one.namespace("only-here", &[("team", "a")]).await?;
    let named = ListParams::default().fields("metadata.name=only-here");
    let seen = async |cluster: &Cluster| {
        Api::<Namespace>::all(cluster.client())
            .list(&named)
            .await
            .map(|list| list.items.len())
    };
    assert_eq!((seen(&one).await?, seen(&two).await?), (1, 0));
    Ok(())
}

#[tokio::test]
async fn accounts_and_users_have_only_the_rights_that_they_were_given() -> Result<()> {
    let cluster = Cluster::start(
        Options::new("harness-rbac")
            .user(User::new("alice"))
            .audit(),
    )
    .await?;
    let account = ServiceAccount {
        metadata: ObjectMeta {
            name: Some("reader".into()),
            ..ObjectMeta::default()
        },
        ..ServiceAccount::default()
    };
    Api::<ServiceAccount>::namespaced(cluster.client(), "default")
        .create(&PostParams::default(), &account)
        .await?;
    let account = cluster.kubeconfig_of_account("default", "reader").await?;
    let user = cluster.kubeconfig_of_user("alice")?;
    for (file, who) in [
        (account, "system:serviceaccount:default:reader"),
        (user, "alice"),
    ] {
        let maps: Api<ConfigMap> = Api::default_namespaced(cluster.client_of(&file).await?);
        let error = maps
            .list(&ListParams::default())
            .await
            .err()
            .context("it may read")?;
        assert!(
            error.to_string().contains(&format!(
                "User \"{who}\" cannot list resource \"configmaps\""
            )),
            "{error}"
        );
    }
    let log = std::fs::read_to_string(cluster.server().audit_log().context("no audit log")?)?;
    assert!(
        log.lines()
            .any(|line| line.contains(r#""username":"alice""#) && line.contains("configmaps"))
    );
    Ok(())
}

#[tokio::test]
async fn a_namespace_ends_where_the_controllers_run() -> Result<()> {
    let cluster = Cluster::start(Options::new("harness-controllers").crds(&[])).await?;
    let _controllers = ControllerManager::start(&cluster).await?;
    cluster.namespace("short-lived", &[]).await?;
    let namespaces: Api<Namespace> = Api::all(cluster.client());
    namespaces
        .delete("short-lived", &DeleteParams::default())
        .await?;
    eventually("the namespace is gone", Duration::from_secs(30), || async {
        let left = namespaces.get_opt("short-lived").await?;
        ensure!(left.is_none(), "{:?}", left.map(|left| left.name_any()));
        Ok(())
    })
    .await
}
