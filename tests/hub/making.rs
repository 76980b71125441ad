//! `init --domain`: from nothing, again, killed and continued, side by side, and as files.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;
use thanos_tests::{Cluster, tools};

use super::{
    CANARY, beside, ended, get, is_there, line, plugin, releases, requests, run, settled, squeezed,
    stage, writes,
};

/// More requests than this, and somebody asks in a loop.
const LOOKS: usize = 80;

#[tokio::test]
async fn from_nothing_and_again() -> Result<()> {
    stage("hub-making", async |cluster| {
        let line = line(cluster)?;
        let began = Instant::now();
        let dry = ended(run(cluster, &format!("{line} --dry-run -v")).await?, 0);
        println!(
            "init --dry-run: {:?}, {} requests",
            began.elapsed(),
            requests(&dry).len()
        );
        assert_eq!(writes(&dry), Vec::<String>::new());
        assert!(requests(&dry).len() <= LOOKS, "{}", dry.stderr);
        let rows = squeezed(&dry.stdout);
        for row in [
            "keep envoy-gateway",
            "keep kube-prometheus-stack",
            "create thanos",
            "create webhook",
        ] {
            assert!(rows.contains(row), "{row}: {rows}");
        }
        assert!(dry.stdout.contains("monitoring/kps"), "{}", dry.stdout);
        assert!(dry.stderr.contains("Warning: KTH8015"), "{}", dry.stderr);

        let nobody = ended(run(cluster, &line).await?, 2);
        assert!(nobody.stderr.contains("KTH0010"), "{}", nobody.stderr);

        let began = Instant::now();
        let first = ended(
            run(cluster, &format!("{line} --yes --wait=false -v")).await?,
            4,
        );
        println!(
            "init: {:?}, {} requests",
            began.elapsed(),
            requests(&first).len()
        );
        assert!(first.stderr.contains("KTH8010"), "{}", first.stderr);
        assert!(requests(&first).len() <= 2 * LOOKS);
        assert_eq!(
            releases(cluster).await?,
            [
                "thanos-system/thanos-webhook deployed",
                "thanos/thanos deployed"
            ]
        );
        as_planned(cluster).await?;

        let second = settled(run(cluster, &format!("{line} --yes --wait=false -v")).await?);
        assert_eq!(writes(&second), Vec::<String>::new());
        let password = credential(cluster, "thanos-write-credential").await?;
        let audit = std::fs::read_to_string(cluster.server().audit_log().context("an audit log")?)?;
        for text in [&first.stdout, &first.stderr, &second.stderr, &audit] {
            for secret in [password.as_str(), CANARY] {
                let encoded = BASE64_STANDARD.encode(secret);
                ensure!(
                    !text.contains(secret) && !text.contains(&encoded),
                    "a secret is told"
                );
            }
        }
        other_hub_beside_it(cluster, &line).await
    })
    .await
}

async fn credential(cluster: &Cluster, name: &str) -> Result<String> {
    let secret = get(cluster, &format!("secret -n thanos {name}")).await?;
    let text = secret["data"]["password"].as_str().context("a password")?;
    Ok(String::from_utf8(BASE64_STANDARD.decode(text)?)?)
}

/// Secrets, routes and the wiring fit each other.
async fn as_planned(cluster: &Cluster) -> Result<()> {
    let password = credential(cluster, "thanos-write-credential").await?;
    let member = get(cluster, "secret -n monitoring thanos-remotewrite").await?;
    let held = member["data"]["password"].as_str().context("a password")?;
    assert_eq!(BASE64_STANDARD.decode(held)?, password.as_bytes());
    let users = get(cluster, "secret -n thanos thanos-write-users").await?;
    let lines = BASE64_STANDARD.decode(users["data"][".htpasswd"].as_str().context("lines")?)?;
    let digest = BASE64_STANDARD.encode(<sha1::Sha1 as sha1::Digest>::digest(&password));
    assert_eq!(
        String::from_utf8(lines)?,
        format!("thanos:{{SHA}}{digest}\n")
    );
    let policy = get(cluster, "securitypolicy -n thanos thanos-write").await?;
    assert_eq!(
        policy["spec"]["basicAuth"]["users"]["name"],
        "thanos-write-users"
    );
    let wiring = get(cluster, "thanoswiring thanos").await?;
    assert_eq!(
        wiring["spec"]["remoteWrite"]["url"],
        "https://receive.hub.example.com/api/v1/receive"
    );
    assert_eq!(wiring["spec"]["credentials"]["namespaces"][0], "monitoring");
    let kept = get(cluster, "prometheus -n monitoring kps").await?;
    assert_eq!(kept["spec"]["remoteWrite"][0]["name"], "own");
    Ok(())
}

async fn other_hub_beside_it(cluster: &Cluster, line: &str) -> Result<()> {
    let shared = run(cluster, &format!("{line} --name thanos-eu --yes")).await?;
    let shared = ended(shared, 1);
    assert!(
        shared
            .stderr
            .contains("Error: KTH8016 hub thanos keeps its blocks in the same object store"),
        "{}",
        shared.stderr
    );
    let line = beside(cluster, line, "eu")?;
    let other = run(cluster, &format!("{line} --yes --wait=false -o json")).await?;
    let other = ended(other, 4);
    let report: Value = serde_json::from_str(&other.stdout).context("one document")?;
    let webhook = report["plan"]
        .as_array()
        .context("a plan")?
        .iter()
        .find(|item| item["part"] == "webhook");
    assert_eq!(
        webhook.context("the webhook")?["detail"],
        "installed for hub thanos"
    );
    assert!(is_there(cluster, "gateway -n thanos-eu thanos-eu").await?);
    let first = get(cluster, "thanoswiring thanos-eu").await?;
    assert_eq!(first["spec"]["remoteWrite"]["name"], "thanos-eu");
    as_planned(cluster).await
}

#[tokio::test]
async fn wherever_it_is_killed_the_next_run_does_the_rest() -> Result<()> {
    stage("hub-killed", async |cluster| {
        let first = format!("{} --yes --wait=false", line(cluster)?);
        for round in 0..6_u32 {
            let name = format!("thanos-{round}");
            let line = beside(cluster, &first, &round.to_string())?;
            let program = plugin(cluster, cluster.kubeconfig())?
                .named(&name)
                .args(line.split(' '));
            let process = program.start(cluster.run())?;
            let log = process.log().to_owned();
            let told = || std::fs::read_to_string(&log).unwrap_or_default();
            // The first rounds after so many steps, the last ones in the middle of helm's work.
            if round < 4 {
                let steps = [1, 3, 6, 8][round as usize];
                while told()
                    .lines()
                    .filter(|line| line.contains(" created"))
                    .count()
                    < steps
                    && !process.has_ended()
                {
                    tokio::time::sleep(Duration::from_millis(2)).await;
                }
            } else {
                while !is_there(
                    cluster,
                    &format!("secret -n {name} sh.helm.release.v1.{name}.v1"),
                )
                .await?
                {
                    tokio::time::sleep(Duration::from_millis(2)).await;
                }
            }
            drop(process);
            let after = ended(run(cluster, &line).await?, 4);
            ensure!(after.stderr.contains("KTH8010"), "{}", after.stderr);
            let expected = format!("{name}/{name} deployed");
            ensure!(
                releases(cluster).await?.contains(&expected),
                "{:?}",
                releases(cluster).await?
            );
            let again = settled(run(cluster, &format!("{line} -v")).await?);
            assert_eq!(writes(&again), Vec::<String>::new());
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn what_another_helm_does_is_seen_and_waited_for() -> Result<()> {
    stage("hub-helms", async |cluster| {
        let line = format!("{} --yes --wait=false", line(cluster)?);
        ended(run(cluster, &line).await?, 4);
        let by_hand = [
            "upgrade",
            "thanos",
            "-n",
            "thanos",
            "--reuse-values",
            "--set",
            "query.replicas=3",
        ];
        let chart = tools::root().join("charts/thanos");
        cluster
            .helm()?
            .args(by_hand)
            .arg(chart)
            .output()
            .await?
            .fine()?;
        let told = ended(run(cluster, &format!("{line} --dry-run")).await?, 0);
        ensure!(
            told.stdout
                .contains("charts/thanos, over revision 2, which another helm made"),
            "{}",
            told.stdout
        );
        ended(run(cluster, &line).await?, 4);
        settled(run(cluster, &line).await?);

        // A helm that writes its record is at work until it has finished, or says nothing for half a minute.
        let status = async |status: &str| {
            let now = jiff::Timestamp::now().as_second();
            let secret = [
                "label",
                "secret",
                "-n",
                "thanos",
                "sh.helm.release.v1.thanos.v3",
                "--overwrite",
            ];
            let labels = [format!("status={status}"), format!("modifiedAt={now}")];
            let label = cluster.kubectl()?.args(secret).args(labels);
            label.output().await?.fine().map(drop)
        };
        status("pending-upgrade").await?;
        let finish = async {
            tokio::time::sleep(Duration::from_secs(4)).await;
            status("deployed").await
        };
        let (waited, finished) = tokio::join!(run(cluster, &line), finish);
        finished?;
        let waited = ended(waited?, 4);
        for word in [
            "Warning: KTH8003 release/thanos",
            "waiting until the helm at work on thanos rests",
        ] {
            ensure!(waited.stderr.contains(word), "{word}: {}", waited.stderr);
        }
        ensure!(!is_there(cluster, "secret -n thanos sh.helm.release.v1.thanos.v4").await?);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn the_same_plan_as_files_without_a_secret() -> Result<()> {
    stage("hub-export", async |cluster| {
        let folder = cluster.run().folder().join("export");
        let line = format!("{} --export {} -v", line(cluster)?, folder.display());
        let exported = ended(run(cluster, &line).await?, 0);
        assert_eq!(writes(&exported), Vec::<String>::new());
        let files = [
            "10-thanos/values.yaml",
            "10-thanos/manifests.yaml",
            "20-thanos-webhook/values.yaml",
            "20-thanos-webhook/manifests.yaml",
            "90-member/10-wiring-thanos.yaml",
            "README.md",
        ];
        for name in files {
            let text =
                std::fs::read_to_string(folder.join(name)).with_context(|| name.to_owned())?;
            ensure!(
                !text.contains(CANARY) && !text.contains("{SHA}s"),
                "a secret is in {name}"
            );
        }
        let readme = std::fs::read_to_string(folder.join("README.md"))?;
        for word in [
            "| `thanos-objstore` | `thanos` | objstore.yml |",
            "ignoreDifferences",
            "driftDetection",
            "| `thanos-remotewrite` | `monitoring` |",
        ] {
            ensure!(readme.contains(word), "{word}: {readme}");
        }
        let again = ended(run(cluster, &line).await?, 1);
        ensure!(again.stderr.contains("KTH0006"), "{}", again.stderr);
        Ok(())
    })
    .await
}
