//! Policies that refuse nothing on the real API server: warnings, the audit log, the status.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use thanos_tests::eventually;
use thanos_tests::install::apply;
use thanos_tests::ours::Control;

use super::policies::{ALLOWED, ELSEWHERE, PATH, SOON, Stage, policy, prometheus, spec, with};

#[tokio::test]
async fn warnings_and_the_audit_log_say_what_would_be_refused() -> Result<()> {
    with("serve-policies-warn", async |stage| {
        let control = Control::start(stage.cluster, &["--sweep=2s"]).await?;
        let invalid = json!({"rules": [{"id": "nonsense", "enforcement": "Deny"}]});
        eventually("a wrong policy is refused", SOON, || async {
            let refused = stage.try_out(&policy(&invalid)).await?;
            let is_right = refused.stderr.contains("spec.rules[0].id: KTH7001");
            ensure!(is_right, "{}{}", refused.stderr, refused.stdout);
            Ok(())
        })
        .await?;
        let bad = prometheus("bad", ELSEWHERE);
        let mut requiring =
            policy(&json!({"profile": "None", "remoteWrite": {"requireWiring": ["nowhere"]}}));
        requiring["metadata"]["name"] = json!("requiring");
        apply(stage.cluster, &[requiring], "admin").await?;
        stage.put(&spec("Warn")).await?;
        stage
            .until(&bad, |output| output.stderr.contains("Warning: KTH7010"))
            .await?;
        let created = stage.create(&bad).await?;
        ensure!(
            created.code == Some(0) && created.stderr.contains(PATH),
            "{}",
            created.stderr
        );
        stage
            .create(&prometheus("exempt", ELSEWHERE))
            .await?
            .fine()?;
        stage.create(&prometheus("good", ALLOWED)).await?.fine()?;
        listed(&stage)
            .await
            .with_context(|| control.process().log_tail())?;

        stage.put(&spec("Audit")).await?;
        let silent = prometheus("silent", ELSEWHERE);
        stage
            .until(&silent, |output| output.stderr.is_empty())
            .await?;
        stage.create(&silent).await?.fine()?;
        let log = stage.cluster.server().audit_log().context("no audit log")?;
        let audit = std::fs::read_to_string(log)?;
        let annotation = r#""objects.kubectl-thanos.dev/egress-url":"audit""#;
        let noted = |line: &&str| line.contains(annotation) && line.contains("prometheuses");
        ensure!(
            audit.lines().any(|line| noted(&line)),
            "no annotation in the audit log"
        );
        Ok(())
    })
    .await
}

/// The status names who breaks a rule and nobody else, and says that a required wiring is missing.
async fn listed(stage: &Stage<'_>) -> Result<()> {
    eventually("the status lists the offender", SOON, || async {
        let stored = stage
            .fine(&["get", "thanospolicy", "shared", "-o", "json"])
            .await?;
        let status = serde_json::from_str::<Value>(&stored)?["status"].clone();
        let rules = json!(["egress-url"]);
        let objects =
            json!([{"kind": "Prometheus", "namespace": "team-a", "name": "bad", "rules": rules}]);
        ensure!(
            status["objects"] == objects && status["violations"] == 1,
            "{status}"
        );
        let ready = &status["conditions"][0];
        ensure!(
            ready["type"] == "Ready" && ready["status"] == "True",
            "{status}"
        );
        ensure!(status["observedGeneration"] == 1, "{status}");
        ensure!(!stored.contains("canary"), "{stored}");
        let words = [
            "get",
            "thanospolicy",
            "requiring",
            "-o",
            "jsonpath={.status.conditions}",
        ];
        let missing = stage.fine(&words).await?;
        ensure!(
            missing.contains("WiringMissing") && missing.contains("nowhere"),
            "{missing}"
        );
        Ok(())
    })
    .await
}
