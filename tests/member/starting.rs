//! `init`: from nothing, again, stopped half-way and continued, without a webhook, and with one.

use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use thanos_core::names;
use thanos_tests::apiserver::User;
use thanos_tests::ours::{Control, Installed};
use thanos_tests::{Cluster, Options, Program, crds};

use super::{assert_hidden, create, enrolled, file, grant, run, run_as, value, wirings, with_crd};

const INIT: &str = "init --cluster edge-01 --url https://receive.example.com/api/v1/receive";

#[tokio::test]
async fn from_nothing_to_everything_but_the_webhook_and_again() -> Result<()> {
    Cluster::with(Options::new("member-init").audit(), async |cluster| {
        let missing = run(cluster, &format!("{INIT} --namespaces a,b --yes")).await?.ends(1);
        assert_eq!(missing.err.matches("KTH1004").count(), 2, "all faults at once: {}", missing.err);
        for namespace in ["a", "b"] {
            cluster.namespace(namespace, &[]).await?;
        }
        let nobody_asks = run(cluster, &format!("{INIT} --namespaces a,b")).await?.ends(2);
        assert!(nobody_asks.err.contains("KTH0010") && nobody_asks.out.is_empty(), "{}", nobody_asks.err);
        let dry = run(cluster, &format!("{INIT} --namespaces a,b --dry-run")).await?.ends(0);
        assert!(!dry.err.contains("KTH2303"), "{}", dry.err);
        let pathless = INIT.replace("/api/v1/receive", "/");
        let pathless = run(cluster, &format!("{pathless} --namespaces a --dry-run")).await?.ends(0);
        assert!(pathless.err.contains("Warning: KTH2303 spec.remoteWrite.url: has no path"), "{}", pathless.err);
        assert_eq!(dry.out.matches("\ncreate ").count(), 8, "{}", dry.out);

        let line = cluster.run().folder().join("htpasswd");
        let first = run(cluster, &format!("{INIT} --namespaces a,b --yes --htpasswd-out {}", line.display())).await?.ends(1);
        assert!(first.err.contains("Error: KTH5201") && first.err.contains("Error: KTH5202"), "{}", first.err);
        let hint = "Hint: helm install thanos-webhook charts/thanos-webhook -n thanos-system --create-namespace\n";
        assert!(first.err.ends_with(hint), "{}", first.err);
        assert_eq!(enrolled(cluster, "hub").await?, ["a", "b"]);
        let password = value(cluster, "a", "password").await?;
        assert_eq!(value(cluster, "b", "password").await?, password, "one member, one password");
        assert_eq!(std::fs::read_to_string(&line)?.lines().count(), 1);

        let second = run(cluster, &format!("{INIT} --namespaces a,b --yes")).await?.ends(1);
        assert!(second.is_unchanged(), "{}", second.out);
        assert!(second.err.contains("Nothing is to be changed."), "{}", second.err);
        assert_eq!(value(cluster, "a", "password").await?, password);

        cluster.namespace("c", &[]).await?;
        let third = run(cluster, &format!("{INIT} -n c --label region=eu --yes -o json")).await?.ends(1);
        let report: Value = serde_json::from_str(&third.out).context("one document")?;
        assert_eq!(report["plan"][1]["detail"], "sets spec.labels.enforced.region");
        assert_eq!((report["ok"].as_bool(), report["proofs"][0]["code"].as_str()), (Some(false), Some("KTH5201")));
        assert_eq!(value(cluster, "c", "password").await?, password);
        assert_eq!(enrolled(cluster, "hub").await?, ["a", "b", "c"], "a changed wiring keeps its list");

        let audit = std::fs::read_to_string(cluster.server().audit_log().context("an audit log")?)?;
        assert_hidden(&password, &[&first.out, &first.err, &second.out, &second.err, &third.out, &third.err, &audit]);
        only_dry_runs_of_the_proof(cluster, &audit).await
    })
    .await
}

async fn only_dry_runs_of_the_proof(cluster: &Cluster, audit: &str) -> Result<()> {
    let proofs: Vec<&str> = audit
        .lines()
        .filter(|line| line.contains("kubectl-thanos-proof"))
        .collect();
    assert!(
        !proofs.is_empty() && proofs.iter().all(|line| line.contains("dryRun=All")),
        "{proofs:?}"
    );
    assert_eq!(
        wirings(cluster)
            .list(&kube::api::ListParams::default())
            .await?
            .items
            .len(),
        1
    );
    Ok(())
}

#[tokio::test]
async fn what_was_stopped_half_way_is_continued() -> Result<()> {
    Cluster::with(Options::new("member-halfway").user(User::new("half")), async |cluster| {
        for namespace in ["a", "b"] {
            cluster.namespace(namespace, &[]).await?;
        }
        // All that is needed, but for the rights that the Role would hand on.
        let rbac = json!({"apiGroups": ["rbac.authorization.k8s.io"], "resources": ["roles", "rolebindings"], "verbs": ["get", "create", "patch"]});
        let rest = json!({"apiGroups": ["", "apiextensions.k8s.io", "kubectl-thanos.dev", "admissionregistration.k8s.io", "monitoring.coreos.com"],
            "resources": ["*"], "verbs": ["get", "create", "patch"]});
        let lists = json!({"apiGroups": ["kubectl-thanos.dev"], "resources": ["thanoswirings"], "verbs": ["list"]});
        grant(cluster, "half", "half", json!([rbac, rest, lists])).await?;
        let half = cluster.kubeconfig_of_user("half")?;
        let line = format!("{INIT} --namespaces a,b --yes");
        let stopped = run_as(&half, &line, "").await?.ends(4);
        assert!(stopped.err.contains("KTH1002 you may not patch role.rbac.authorization.k8s.io/thanos-wiring-hub in namespace a"), "{}", stopped.err);
        assert!(stopped.err.contains("3 of 10 steps are done; not done: role.rbac.authorization.k8s.io/thanos-wiring-hub in namespace a"), "{}", stopped.err);
        assert!(enrolled(cluster, "hub").await?.is_empty());
        let password = value(cluster, "a", "password").await?;

        let secrets = json!([{"apiGroups": [""], "resources": ["secrets"], "verbs": ["list", "watch"]}]);
        grant(cluster, "rest", "half", secrets).await?;
        let continued = run_as(&half, &line, "").await?.ends(1);
        assert!(continued.err.contains("KTH5201"), "{}", continued.err);
        assert!(continued.out.contains("secret/remotewrite-secret unchanged (namespace a)\n"), "{}", continued.out);
        assert_eq!(enrolled(cluster, "hub").await?, ["a", "b"]);
        assert_eq!((value(cluster, "a", "password").await?, value(cluster, "b", "password").await?), (password.clone(), password));

        let nobody = run(cluster, &format!("{line} --as nobody")).await?.ends(1);
        assert!(nobody.err.contains("KTH1002 you may not get"), "{}", nobody.err);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn wherever_it_is_killed_the_next_run_does_the_rest() -> Result<()> {
    Cluster::with(Options::new("member-killed"), async |cluster| {
        let namespaces: Vec<String> = (0..6).map(|number| format!("team-{number}")).collect();
        for namespace in &namespaces {
            cluster.namespace(namespace, &[]).await?;
        }
        for (round, steps) in [1, 3, 5, 12, 20].into_iter().enumerate() {
            let line = format!(
                "{INIT} --wiring-name hub-{round} --secret secret-{round} --namespaces {} --yes",
                namespaces.join(",")
            );
            let done = killed_after(cluster, &format!("killed-{round}"), &line, steps).await?;
            println!("killed after {done} of 26 steps");
            run(cluster, &line).await?.ends(1);
            assert_eq!(
                enrolled(cluster, &format!("hub-{round}")).await?,
                namespaces
            );
            let again = run(cluster, &line).await?.ends(1);
            assert!(again.is_unchanged(), "after {done} steps: {}", again.out);
        }
        Ok(())
    })
    .await
}

/// Runs the program and kills it as soon as it has told so many steps; gives how many it had told then.
async fn killed_after(cluster: &Cluster, name: &str, line: &str, steps: usize) -> Result<usize> {
    let program = Program::ours("kubectl-thanos")?
        .named(name)
        .args(line.split(' '))
        .arg("--kubeconfig")
        .arg(cluster.kubeconfig());
    let process = program.start(cluster.run())?;
    let log = process.log().to_owned();
    let told = || -> Result<usize> {
        let log = std::fs::read_to_string(&log)?;
        Ok(log
            .lines()
            .filter(|line| {
                [" created", " configured", " unchanged ("]
                    .iter()
                    .any(|word| line.contains(word))
            })
            .count())
    };
    while told()? < steps {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    drop(process);
    told()
}

#[tokio::test]
async fn a_wiring_from_a_file_is_held_against_its_lines() -> Result<()> {
    Cluster::with(Options::new("member-file"), async |cluster| {
        let wrong = "apiVersion: kubectl-thanos.dev/v1alpha1\nkind: ThanosWiring\nmetadata: {name: hub}\nspec:\n  cluster: edge 01\n  remoteWrite:\n    url: https://x/\n    auth: {none: {}}\n    queueConfg: {}\n";
        let file = file(cluster, "wrong.yaml", wrong)?;
        let line = format!("init -f {} --yes", file.display());
        let ran = run(cluster, &line).await?.ends(1);
        assert!(ran.err.contains(&format!("KTH2301 {}:9:5: spec.remoteWrite.queueConfg: is not a known field", file.display())), "{}", ran.err);
        std::fs::write(&file, wrong.replace("    queueConfg: {}\n", ""))?;
        let ran = run(cluster, &line).await?.ends(1);
        assert!(ran.err.contains(&format!("KTH2301 {}:5:3: spec.cluster: ", file.display())), "{}", ran.err);
        std::fs::write(&file, wrong.replace("    queueConfg: {}\n", "").replace("edge 01", "edge-01"))?;
        let ran = run(cluster, &line).await?.ends(1);
        assert!(ran.err.contains("KTH5201") && ran.out.contains("thanoswiring.kubectl-thanos.dev/hub created"), "{ran:?}");
        run(cluster, &format!("{line} --url https://y/")).await?.ends(2);
        let yaml = run(cluster, "get wirings -o yaml").await?.ends(0);
        assert!(yaml.out.contains("\n- name: hub\n  cluster: edge-01\n"), "{}", yaml.out);
        assert_eq!(run(cluster, "get wirings -o name").await?.out, "thanoswiring.kubectl-thanos.dev/hub\n");
        run(cluster, "get wirings nowhere").await?.ends(1);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn rights_that_are_missing_and_objects_of_others_stop_it_before_it_begins() -> Result<()> {
    Cluster::with(Options::new("member-init-refused").user(User::new("reader")), async |cluster| {
        cluster.namespace("a", &[]).await?;
        let reads = json!([{"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list"]}]);
        grant(cluster, "reads", "reader", reads).await?;
        let reader = cluster.kubeconfig_of_user("reader")?;
        let denied = run_as(&reader, &format!("{INIT} --namespaces a --yes"), "").await?.ends(1);
        for sentence in [
            "KTH1002 you may not create customresourcedefinition.apiextensions.k8s.io/thanoswirings.kubectl-thanos.dev",
            "KTH1002 you may not create thanoswiring.kubectl-thanos.dev/hub",
            "KTH1002 you may not create secret/remotewrite-secret in namespace a",
        ] {
            assert!(denied.err.contains(sentence), "{}", denied.err);
        }
        let metadata = json!({"name": names::SECRET, "namespace": "a"});
        create(cluster, json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata})).await?;
        let foreign = run(cluster, &format!("{INIT} --namespaces a --yes")).await?.ends(5);
        assert!(foreign.err.contains("KTH1012") && foreign.out.is_empty(), "{foreign:?}");

        // A field of the wiring that another manager has applied is not taken away from it.
        with_crd(cluster).await?;
        let manifest = "apiVersion: kubectl-thanos.dev/v1alpha1\nkind: ThanosWiring\nmetadata: {name: hub}\nspec:\n  cluster: edge-01\n  remoteWrite: {url: 'https://gitops.example.com/', auth: {none: {}}}\n";
        let manifest = file(cluster, "hub.yaml", manifest)?;
        let applied = cluster.kubectl()?.args(["apply", "--server-side", "--field-manager=argocd", "-f"]).arg(&manifest).output().await?;
        assert_eq!(applied.code, Some(0), "{}", applied.stderr);
        let owned = run(cluster, &format!("{INIT} --auth none --yes")).await?.ends(5);
        assert!(owned.err.contains("KTH1012") && owned.err.contains("argocd"), "{}", owned.err);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn without_an_operator_nothing_begins() -> Result<()> {
    Cluster::with(
        Options::new("member-no-operator").crds(&[]),
        async |cluster| {
            cluster.namespace("a", &[]).await?;
            let ran = run(cluster, &format!("{INIT} --namespaces a --yes"))
                .await?
                .ends(1);
            assert!(
                ran.err.contains("KTH1010")
                    && ran.err.contains("install prometheus-operator first"),
                "{}",
                ran.err
            );
            assert!(ran.out.is_empty());
            let folder = cluster.run().folder().join("exported");
            let exported = run(
                cluster,
                &format!("{INIT} --namespaces a --export {}", folder.display()),
            )
            .await?
            .ends(0);
            assert_eq!(exported.out.lines().count(), 4, "{}", exported.out);
            let next = format!("Next: kubectl apply --server-side -f {}", folder.display());
            assert!(exported.err.contains(&next), "{}", exported.err);
            // What was written is what init would apply.
            let applied = cluster
                .kubectl()?
                .args(["apply", "--server-side", "-f"])
                .arg(folder.join("00-crd.yaml"))
                .output()
                .await?;
            assert_eq!(applied.code, Some(0), "{}", applied.stderr);
            crds::served(
                &cluster.client(),
                names::GROUP,
                names::VERSION,
                "thanoswirings",
            )
            .await?;
            let applied = cluster
                .kubectl()?
                .args(["apply", "--server-side", "-f"])
                .arg(&folder)
                .output()
                .await?;
            assert_eq!(applied.code, Some(0), "{}", applied.stderr);
            assert_eq!(enrolled(cluster, "hub").await?, ["a"]);
            run(
                cluster,
                &format!("{INIT} --namespaces a --export {}", folder.display()),
            )
            .await?
            .ends(1);
            Ok(())
        },
    )
    .await
}

#[tokio::test]
async fn with_the_webhook_both_proofs_hold() -> Result<()> {
    Cluster::with(Options::new("member-proof"), async |cluster| {
        let webhook = Installed::new(cluster).await?;
        let serve = webhook.serve(cluster, &[]).await?;
        cluster.namespace("monitoring", &[]).await?;
        let line = format!("{INIT} --namespaces monitoring --yes");
        let waiting = run(cluster, &format!("{line} --timeout 6s")).await?.ends(124);
        let said = "waiting until the credential in monitoring is seen (2 s): no controller has looked yet\n";
        assert!(waiting.err.contains(said), "{}", waiting.err);
        let control = Control::start(cluster, &["--lease-duration=3s", "--lease-renew=2s", "--lease-retry=300ms"]).await?;
        let first = run(cluster, &line).await?.ends(0);
        assert!(first.out.contains("proof: objects are wired: a Prometheus in monitoring came back wired by hub\n"), "{}", first.out);
        assert!(first.out.contains("proof: wirings are checked: "), "{}", first.out);
        let second = run(cluster, &line).await?.ends(0);
        assert!(second.is_unchanged(), "{}", second.out);

        let metadata = json!({"name": "k8s", "namespace": "monitoring"});
        create(cluster, json!({"apiVersion": "monitoring.coreos.com/v1", "kind": "Prometheus", "metadata": metadata, "spec": {"version": "v3.5.0"}})).await?;
        let wirings = run(cluster, "get wirings --no-headers").await?.ends(0);
        assert!(wirings.out.contains("hub   monitoring   ready\n"), "{}", wirings.out);
        let objects = run(cluster, "get prometheuses -A").await?.ends(0);
        assert!(objects.out.contains("monitoring   k8s    Prometheus   hub        wired"), "{}", objects.out);

        // Nobody answers any more: both proofs say so, and where to look.
        drop((serve, control));
        let silent = run(cluster, &line).await?.ends(1);
        assert!(silent.err.contains("KTH5201") && silent.err.contains("deployment/thanos-webhook-serve"), "{}", silent.err);
        Ok(())
    })
    .await
}
