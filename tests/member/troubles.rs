//! What stands between the plugin and a cluster: each in one sentence, with its code.

use anyhow::Result;
use serde_json::json;
use thanos_tests::apiserver::User;
use thanos_tests::{Cluster, Options, Program};

use super::{assert_hidden, basic, file, grant, run, run_as, with_crd, with_wiring};

#[tokio::test]
async fn every_trouble_has_its_sentence_and_code() -> Result<()> {
    Cluster::with(
        Options::new("member-troubles").user(User::new("bob")),
        async |cluster| {
            a_server_that_is_not_there(cluster).await?;
            a_crd_that_is_not_there(cluster).await?;
            with_crd(cluster).await?;
            rights_that_are_missing(cluster).await?;
            kubeconfigs_that_cannot_be_used(cluster).await
        },
    )
    .await
}

async fn a_server_that_is_not_there(cluster: &Cluster) -> Result<()> {
    let port = thanos_tests::port::Port::take()?;
    let url = format!("https://{}", port.address());
    let nobody = file(
        cluster,
        "kubeconfig.nobody",
        &cluster
            .server()
            .admin()
            .replace(&cluster.server().url(), &url),
    )?;
    for line in [
        "get wirings",
        "get prometheuses",
        "enroll -n a",
        "init --cluster a --url https://x/ -n a --yes",
        "why prometheus/x",
        "get wirings -o json",
    ] {
        let ran = run_as(&nobody, line, "").await?.ends(1);
        assert!(
            ran.err.starts_with(&format!(
                "Error: KTH1001 the API server {url} cannot be reached\n"
            )),
            "{}",
            ran.err
        );
        assert!(ran.out.is_empty());
    }
    // A server that takes the connection and says nothing.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("https://{}", silent.local_addr()?);
    let silence = file(
        cluster,
        "kubeconfig.silence",
        &cluster
            .server()
            .admin()
            .replace(&cluster.server().url(), &url),
    )?;
    let ran = run_as(&silence, "get wirings --request-timeout 300ms", "")
        .await?
        .ends(1);
    assert!(
        ran.err.contains("KTH1001") && ran.err.contains("within 300ms") && ran.err.contains(&url),
        "{}",
        ran.err
    );
    let ran = run_as(&silence, "get wirings --timeout 300ms", "")
        .await?
        .ends(124);
    assert!(ran.err.contains("not done after 300ms"), "{}", ran.err);
    Ok(())
}

async fn a_crd_that_is_not_there(cluster: &Cluster) -> Result<()> {
    for line in ["get wirings", "enroll -n a"] {
        let ran = run(cluster, line).await?.ends(1);
        assert!(
            ran.err.contains("KTH1010") && ran.err.contains("thanoswirings.kubectl-thanos.dev"),
            "{}",
            ran.err
        );
        assert!(ran.err.contains("Hint: kubectl thanos init"), "{}", ran.err);
    }
    Ok(())
}

async fn rights_that_are_missing(cluster: &Cluster) -> Result<()> {
    cluster.namespace("team-a", &[]).await?;
    with_wiring(cluster, "hub", basic("remotewrite-secret")).await?;
    let bob = cluster.kubeconfig_of_user("bob")?;
    let ran = run_as(&bob, "get wirings", "").await?.ends(1);
    assert!(
        ran.err
            .starts_with("Error: KTH1002 you may not list thanoswirings.kubectl-thanos.dev\n"),
        "{}",
        ran.err
    );
    assert!(
        ran.err.contains("User \"bob\"")
            && ran
                .err
                .contains("Hint: kubectl auth can-i list thanoswirings.kubectl-thanos.dev"),
        "{}",
        ran.err
    );
    let wirings = json!([{"apiGroups": ["kubectl-thanos.dev"], "resources": ["thanoswirings"], "verbs": ["get", "list"]}]);
    grant(cluster, "reads-wirings", "bob", wirings).await?;
    let ran = run_as(&bob, "enroll -n team-a", "").await?.ends(1);
    assert!(ran.err.contains("KTH1002 you may not get "), "{}", ran.err);
    let reads = json!([
        {"apiGroups": [""], "resources": ["namespaces", "secrets"], "verbs": ["get"]},
        {"apiGroups": ["rbac.authorization.k8s.io"], "resources": ["roles", "rolebindings"], "verbs": ["get"]},
    ]);
    grant(cluster, "reads-the-rest", "bob", reads).await?;
    let ran = run_as(&bob, "enroll -n team-a", "").await?.ends(1);
    assert!(
        ran.err
            .contains("KTH1002 you may not create secrets in namespace team-a"),
        "{}",
        ran.err
    );
    let ran = run_as(&bob, "enroll -n team-b --dry-run", "")
        .await?
        .ends(1);
    assert!(
        ran.err.contains("KTH1004 namespace/team-b does not exist"),
        "{}",
        ran.err
    );
    let ran = run(cluster, "get wirings --as bob -o json").await?.ends(0);
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&ran.out)?["items"][0]["name"],
        "hub"
    );
    Ok(())
}

async fn kubeconfigs_that_cannot_be_used(cluster: &Cluster) -> Result<()> {
    let stranger = file(
        cluster,
        "kubeconfig.stranger",
        &cluster.server().kubeconfig("x", "canary-token-1"),
    )?;
    let ran = run_as(&stranger, "get wirings", "").await?.ends(1);
    assert!(
        ran.err.starts_with("Error: KTH1005 the API server"),
        "{}",
        ran.err
    );
    assert_hidden("canary-token-1", &[&ran.err]);

    let broken = "apiVersion: v1\nkind: Config\nusers:\n- name: x\n  user: {token: canary-token-2\nclusters: []\n";
    let broken = file(cluster, "kubeconfig.broken", broken)?;
    let ran = run_as(&broken, "get wirings", "").await?.ends(1);
    assert!(
        ran.err
            .starts_with(&format!("Error: KTH1003 {}:", broken.display())),
        "{}",
        ran.err
    );
    assert_hidden("canary-token-2", &[&ran.err]);

    let shapeless = file(
        cluster,
        "kubeconfig.shapeless",
        "clusters: canary-token-3\n",
    )?;
    let ran = run_as(&shapeless, "get wirings", "").await?.ends(1);
    assert!(
        ran.err.contains("KTH1003") && ran.err.contains("does not have the shape of a kubeconfig"),
        "{}",
        ran.err
    );
    assert_hidden("canary-token-3", &[&ran.err]);

    let plugin = "#!/bin/sh\necho canary-token-4\necho canary-token-4 >&2\nexit 7\n";
    let plugin = file(cluster, "credential-plugin", plugin)?;
    let exec = json!({"apiVersion": "client.authentication.k8s.io/v1", "command": "/bin/sh", "args": [plugin], "interactiveMode": "Never"});
    let mut config: serde_json::Value = serde_json::from_str(&cluster.server().admin())?;
    config["users"][0]["user"] = json!({"exec": exec});
    let failing = file(cluster, "kubeconfig.exec", &config.to_string())?;
    let ran = run_as(&failing, "get wirings", "").await?.ends(1);
    assert!(
        ran.err.contains("KTH1003") && ran.err.contains("failed with exit status: 7"),
        "{}",
        ran.err
    );
    assert_hidden("canary-token-4", &[&ran.err]);

    let ran = run(cluster, "get wirings --context nowhere").await?.ends(1);
    assert!(
        ran.err.contains("KTH1003") && ran.err.contains("--context with one of: test"),
        "{}",
        ran.err
    );
    let list = std::env::join_paths([
        cluster.run().folder().join("not-there"),
        cluster.kubeconfig().to_owned(),
    ])?;
    run_as(list.as_ref(), "get wirings", "").await?.ends(0);
    // As for kubectl, a proxy is not for this machine.
    let beside = Program::ours("kubectl-thanos")?
        .env("HTTPS_PROXY", "http://127.0.0.1:9")
        .args(["get", "wirings"]);
    let beside = beside
        .arg("--kubeconfig")
        .arg(cluster.kubeconfig())
        .output()
        .await?;
    assert_eq!(beside.code, Some(0), "{}", beside.stderr);
    let ran = run(cluster, "enroll -n a/../b").await?.ends(2);
    assert!(ran.err.contains("`a/../b` is no name"), "{}", ran.err);
    Ok(())
}
