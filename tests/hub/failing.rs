//! What stands between the plugin and a hub: each in one sentence, with its code and what to type.

use std::os::unix::fs::PermissionsExt as _;

use anyhow::{Result, ensure};
use serde_json::json;
use thanos_tests::apiserver::User;
use thanos_tests::{Cluster, Options, eventually, install};

use super::{ended, existing, file, is_there, line, plugin, releases, run, run_as, settled, stage};

#[tokio::test]
async fn helm_that_is_missing_too_old_or_fails() -> Result<()> {
    stage("hub-helm", async |cluster| {
        let line = line(cluster)?;
        let with = async |helm: &str, line: &str| {
            let plugin = plugin(cluster, cluster.kubeconfig())?.env("HELM_BIN", helm);
            plugin.args(line.split_whitespace()).output().await
        };
        let missing = ended(
            with("/nowhere/helm", &format!("{line} --dry-run")).await?,
            1,
        );
        ensure!(
            missing
                .stderr
                .contains("Error: KTH8201 cannot run /nowhere/helm"),
            "{}",
            missing.stderr
        );
        let old = file(cluster, "helm-old", "#!/bin/sh\necho v3.13.1\n")?;
        std::fs::set_permissions(&old, std::fs::Permissions::from_mode(0o755))?;
        let old = ended(
            with(&old.display().to_string(), &format!("{line} --dry-run")).await?,
            1,
        );
        ensure!(
            old.stderr
                .contains("Error: KTH8202 helm 3.13.1 is too old: 3.14.0"),
            "{}",
            old.stderr
        );

        // What no chart takes is told before anything is made.
        let wrong = file(cluster, "wrong.yaml", "receive: {ingesters: 3}\n")?;
        let gateway = format!("{line} --ingress gateway-api --yes");
        let line = format!(
            "{line} --yes --wait=false --values thanos={}",
            wrong.display()
        );
        for (line, word) in [
            (&line, "'ingesters' not allowed"),
            (&gateway, "gateway.className"),
        ] {
            let told = ended(run(cluster, line).await?, 1);
            for word in ["Error: KTH8203 release/thanos cannot be rendered", word] {
                ensure!(told.stderr.contains(word), "{word}: {}", told.stderr);
            }
        }
        ensure!(!is_there(cluster, "namespace thanos").await?);

        // What only the API server refuses is told in helm's words, and the rest is done by the next run.
        std::fs::write(
            &wrong,
            "receive: {ingester: {resources: {requests: {cpu: lots}}}}\n",
        )?;
        let failed = ended(run(cluster, &line).await?, 4);
        ensure!(
            failed
                .stderr
                .contains("Error: KTH8203 helm upgrade thanos failed"),
            "{}",
            failed.stderr
        );
        ensure!(
            failed.stderr.contains("quantities must match"),
            "helm's own words: {}",
            failed.stderr
        );
        ensure!(
            failed
                .stderr
                .contains("Not done: release/thanos, release/thanos-webhook, thanoswiring"),
            "{}",
            failed.stderr
        );
        std::fs::write(
            &wrong,
            "receive: {ingester: {replicas: 1, replicationFactor: 1}}\n",
        )?;
        ended(run(cluster, &line).await?, 4);
        settled(run(cluster, &line).await?);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn whoever_interrupts_leaves_no_pending_release() -> Result<()> {
    stage("hub-interrupted", async |cluster| {
        let line = format!("{} --yes --wait=false", line(cluster)?);
        let program = plugin(cluster, cluster.kubeconfig())?.args(line.split(' '));
        let process = program.start(cluster.run())?;
        while !is_there(cluster, "secret -n thanos sh.helm.release.v1.thanos.v1").await? {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        process.signal(rustix::process::Signal::TERM)?;
        eventually("the end", std::time::Duration::from_secs(60), || async {
            ensure!(process.has_ended(), "it still runs");
            Ok(())
        })
        .await?;
        let left = releases(cluster).await?;
        ensure!(!left.iter().any(|one| one.contains("pending")), "{left:?}");
        let after = ended(run(cluster, &line).await?, 4);
        ensure!(!after.stderr.contains("KTH8003"), "{}", after.stderr);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn names_contexts_and_answers_that_are_wrong() -> Result<()> {
    stage("hub-wrong", async |cluster| {
        let line = line(cluster)?;
        let other = ended(run(cluster, &format!("{line} --expect-context prod --yes")).await?, 5);
        ensure!(other.stderr.contains("Error: KTH8001 the context is "), "{}", other.stderr);
        let answers = "apiVersion: kubectl-thanos.dev/v1alpha1\nkind: Hub\ndomian: x\nnoAzure: 1\n";
        let answers = file(cluster, "answers.yaml", answers)?;
        let wrong = ended(run(cluster, &format!("init -f {}", answers.display())).await?, 1);
        ensure!(wrong.stderr.matches("KTH8002").count() == 2, "{}", wrong.stderr);
        ensure!(wrong.stderr.contains(":3:1: domian: is not a known key"), "{}", wrong.stderr);
        let faults = ended(run(cluster, "init --domain X --no-azure").await?, 2);
        ensure!(faults.stderr.contains("--objstore-file") && faults.stderr.contains("--domain: `X`"), "{}", faults.stderr);
        let neither = ended(run(cluster, "init --yes").await?, 2);
        ensure!(neither.stderr.contains("a hub: ") && neither.stderr.contains("a member: "), "{}", neither.stderr);
        let store = file(cluster, "bad.yml", "type: S3\nconfig: {bucket: b, endpoint: e, acess_key: hunter22}\n")?;
        let bad = line.replace("objstore.yml", "bad.yml");
        ensure!(bad.contains(&store.display().to_string()));
        let bad = ended(run(cluster, &bad).await?, 2);
        ensure!(bad.stderr.contains("KTH3003") && !bad.stderr.contains("hunter22"), "{}", bad.stderr);

        cluster.namespace("thanos", &[]).await?;
        let taken = json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "thanos-objstore", "namespace": "thanos"},
            "stringData": {"objstore.yml": "type: FILESYSTEM"},
        });
        install::apply(cluster, &[taken], "somebody").await?;
        let refused = ended(run(cluster, &format!("{line} --yes")).await?, 5);
        ensure!(refused.stderr.contains("KTH1012 secret/thanos-objstore in namespace thanos was made by somebody else"), "{}", refused.stderr);
        let elsewhere = ended(run(cluster, &format!("{line} --name eu --dry-run")).await?, 0);
        ensure!(elsewhere.stdout.contains("secret/eu-thanos-objstore"), "{}", elsewhere.stdout);

        let nothing = format!("{line} --skip kube-prometheus-stack,member --name x --dry-run");
        ended(run(cluster, &nothing).await?, 0);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn rights_and_parts_that_are_missing() -> Result<()> {
    let options = Options::new("hub-rights").crds(&[]).user(User::new("bob"));
    Cluster::with(options, async |cluster| {
        let line = line(cluster)?;
        let bob = cluster.kubeconfig_of_user("bob")?;
        let blind = ended(run_as(cluster, &bob, &format!("{line} --dry-run")).await?, 1);
        ensure!(blind.stderr.contains("KTH1002 you may not list"), "{}", blind.stderr);
        let reads = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "reads"},
            "rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list"]}],
        });
        let binding = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "reads"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "reads"},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "bob"}],
        });
        install::apply(cluster, &[reads, binding], "somebody").await?;
        let told = ended(run_as(cluster, &bob, &format!("{line} --dry-run")).await?, 1);
        for word in ["you may not create customresourcedefinitions", "you may not create secrets in namespace thanos", "kubectl auth can-i create"] {
            ensure!(told.stderr.contains(word), "{word}: {}", told.stderr);
        }
        // Without the operator, and without being let bring it.
        let skipped = ended(run(cluster, &format!("{line} --skip kube-prometheus-stack,envoy-gateway --dry-run")).await?, 1);
        for word in ["serves no Prometheus objects", "Envoy Gateway is left out"] {
            ensure!(skipped.stderr.contains(word), "{word}: {}", skipped.stderr);
        }
        // And with: everything is brought.
        let whole = ended(run(cluster, &format!("{line} --dry-run")).await?, 0);
        let mut rows = whole.stdout.lines().map(|row| row.split_whitespace().take(2));
        ensure!(rows.any(|row| row.eq(["create", "kube-prometheus-stack"])), "{}", whole.stdout);
        assert_eq!(existing().len(), 3);
        Ok(())
    })
    .await
}
