//! `uninstall`: with a webhook that answers and without one, beside another hub, and a second time.

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use thanos_core::names;
use thanos_tests::ours::{Control, Installed, Serve};
use thanos_tests::{Cluster, eventually};

use super::{beside, ended, get, is_there, line, releases, run, stage, writes};

/// The webhook as processes where the release has its Deployments, still helm's release.
async fn webhook(cluster: &Cluster) -> Result<Installed> {
    let installed = Installed::new(cluster).await?;
    for kind in [
        "mutatingwebhookconfiguration",
        "validatingwebhookconfiguration",
    ] {
        let annotate =
            cluster
                .kubectl()?
                .args(["annotate", "--overwrite", kind, names::REGISTRATION]);
        let of = [
            format!("meta.helm.sh/release-name={}", names::REGISTRATION),
            format!("meta.helm.sh/release-namespace={}", names::NAMESPACE),
        ];
        annotate.args(of).output().await?.fine()?;
    }
    Ok(installed)
}

async fn wired(cluster: &Cluster) -> Result<bool> {
    let object = get(cluster, "prometheus -n monitoring kps").await?;
    Ok(object["metadata"]["annotations"][names::WIRED].is_string())
}

/// A hub of which no pod runs, the webhook's programs beside it, and an object that they have wired.
async fn hub_that_wires(cluster: &Cluster) -> Result<(Serve, Control)> {
    ended(
        run(cluster, &format!("{} --yes --wait=false", line(cluster)?)).await?,
        4,
    );
    let installed = webhook(cluster).await?;
    let serve = installed.serve(cluster, &[]).await?;
    let control = Control::start(cluster, &[]).await?;
    wired_by_the_webhook(cluster).await?;
    Ok((serve, control))
}

async fn wired_by_the_webhook(cluster: &Cluster) -> Result<()> {
    eventually(
        "a wired object",
        std::time::Duration::from_secs(90),
        || async {
            ensure!(wired(cluster).await?, "it is not wired");
            Ok(())
        },
    )
    .await
}

/// Everything that init made is gone, and what was there before is as it was.
async fn nothing_is_left(cluster: &Cluster) -> Result<()> {
    let object = get(cluster, "prometheus -n monitoring kps").await?;
    let entries = object["spec"]["remoteWrite"]
        .as_array()
        .context("its own entry")?;
    assert_eq!(entries.len(), 1, "{entries:?}");
    assert_eq!(entries[0]["name"], "own");
    ensure!(!wired(cluster).await?, "the record is left");
    assert_eq!(releases(cluster).await?, Vec::<String>::new());
    for what in [
        "mutatingwebhookconfiguration thanos-webhook",
        "validatingwebhookconfiguration thanos-webhook",
        "thanoswiring thanos",
        "secret -n thanos thanos-write-credential",
        "secret -n thanos thanos-objstore",
        "secret -n monitoring thanos-remotewrite",
        "role -n monitoring thanos-wiring-thanos",
    ] {
        ensure!(!is_there(cluster, what).await?, "{what} is left");
    }
    for what in [
        "crd thanoswirings.kubectl-thanos.dev",
        "gatewayclass eg",
        "deployment -n monitoring kps-operator",
    ] {
        ensure!(is_there(cluster, what).await?, "{what} is gone");
    }
    let again = ended(run(cluster, "uninstall --yes -v").await?, 0);
    ensure!(
        again.stderr.contains("Nothing of hub thanos is left."),
        "{}",
        again.stderr
    );
    assert_eq!(writes(&again), Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn wirings_go_first_while_the_webhook_answers() -> Result<()> {
    stage("hub-removed", async |cluster| {
        let (serve, control) = hub_that_wires(cluster).await?;
        let dry = ended(run(cluster, "uninstall --dry-run -v").await?, 0);
        assert_eq!(writes(&dry), Vec::<String>::new());
        ensure!(
            dry.stdout.contains("un-wire") && dry.stdout.contains("prometheus/kps"),
            "{}",
            dry.stdout
        );
        let nobody = ended(run(cluster, "uninstall").await?, 2);
        ensure!(nobody.stderr.contains("KTH0010"), "{}", nobody.stderr);
        let other = ended(
            run(cluster, "uninstall --yes --expect-context prod").await?,
            5,
        );
        ensure!(other.stderr.contains("KTH8001"), "{}", other.stderr);
        let removed = ended(run(cluster, "uninstall --yes").await?, 0);
        ensure!(!removed.stderr.contains("KTH8013"), "{}", removed.stderr);
        let place = |word: &str| {
            removed
                .stdout
                .find(word)
                .with_context(|| format!("{word}: {}", removed.stdout))
        };
        ensure!(place("prometheus/kps un-wired")? < place("mutatingwebhookconfiguration")?);
        ensure!(place("validatingwebhookconfiguration")? < place("release/thanos uninstalled")?);
        drop((serve, control));
        nothing_is_left(cluster).await
    })
    .await
}

#[tokio::test]
async fn without_a_webhook_objects_are_un_wired_by_patches() -> Result<()> {
    stage("hub-removed-dead", async |cluster| {
        let (serve, control) = hub_that_wires(cluster).await?;
        drop((serve, control));
        let removed = ended(run(cluster, "uninstall --yes -o json").await?, 0);
        ensure!(
            removed.stderr.contains("Warning: KTH8013"),
            "{}",
            removed.stderr
        );
        let report: Value = serde_json::from_str(&removed.stdout).context("one document")?;
        assert_eq!(report["ok"], true);
        nothing_is_left(cluster).await
    })
    .await
}

#[tokio::test]
async fn what_another_hub_needs_stays() -> Result<()> {
    stage("hub-removed-beside", async |cluster| {
        let line = line(cluster)?;
        ended(
            run(cluster, &format!("{line} --yes --wait=false")).await?,
            4,
        );
        let other = beside(cluster, &line, "eu")?;
        ended(
            run(cluster, &format!("{other} --yes --wait=false")).await?,
            4,
        );
        // Nothing is wired yet, so nobody need answer.
        let removed = ended(run(cluster, "uninstall --name thanos-eu --yes").await?, 0);
        ensure!(
            removed
                .stderr
                .contains("Note: KTH8014 the webhook stays: hub thanos needs it"),
            "{}",
            removed.stderr
        );
        ensure!(
            !is_there(cluster, "thanoswiring thanos-eu").await?
                && is_there(cluster, "thanoswiring thanos").await?
        );
        ensure!(!is_there(cluster, "secret -n monitoring thanos-eu-remotewrite").await?);
        ensure!(
            releases(cluster)
                .await?
                .contains(&"thanos-system/thanos-webhook deployed".to_owned())
        );
        Ok(())
    })
    .await
}
