//! The audit log holds every request body but those of Secrets: no credential stands in it, in no form.

use anyhow::{Context, Result, ensure};
use base64::Engine;
use serde_json::{Value, json};
use thanos_core::names;

use super::{PASSWORD, ensure_wired, get, kubectl, prometheus, with};

#[tokio::test]
async fn no_secret_value_leaves_the_secret() -> Result<()> {
    with("real-audit", async |member| {
        let cluster = member.cluster;
        // An object with credentials of the user's own in plain text: they are nobody else's to repeat.
        let own = json!({"remoteWrite": [{"name": "vendor", "url": "https://vendor.example.com/", "bearerToken": "c4n4ry-t0ken-of-the-user"}]});
        kubectl(cluster, &["create", "-f", "-"], &prometheus("k8s", &own)).await?;
        ensure_wired(&get(cluster, "k8s").await?)?;
        let label = ["label", "prometheus", "k8s", "-n", "monitoring", "kubectl-thanos.dev/wire=disabled"];
        kubectl(cluster, &label, &Value::Null).await?;
        let left = kubectl(cluster, &["create", "-f", "-"], &prometheus("left", &json!({"prometheusExternalLabelName": "cluster"}))).await?;
        ensure!(left.contains("created"), "{left}");

        let encoded = base64::engine::general_purpose::STANDARD.encode(PASSWORD);
        let audit = std::fs::read_to_string(cluster.server().audit_log().context("no audit log")?)?;
        let ours = |line: &&str| !line.contains("\"resource\":\"secrets\"") && !line.contains("c4n4ry-t0ken-of-the-user");
        ensure!(audit.lines().filter(ours).count() > 50, "there is nothing in the log");
        for (what, canary) in [("raw", PASSWORD), ("base64", encoded.as_str())] {
            ensure!(!audit.contains(canary), "the password stands in the audit log, {what}");
        }
        let patches: Vec<&str> = audit.lines().filter(|line| line.contains("patch.webhook.admission.k8s.io")).collect();
        ensure!(!patches.is_empty(), "no patch in the log");
        for line in patches {
            let event: Value = serde_json::from_str(line)?;
            let annotations = event["annotations"].to_string();
            ensure!(!annotations.contains("c4n4ry"), "{annotations}");
        }
        let log = member.serve.process().log();
        let text = std::fs::read_to_string(log)?;
        ensure!(!text.contains("c4n4ry"), "a credential is in {}", log.display());
        let events = cluster.kubectl()?.args(["get", "events", "-A", "-o", "json"]).output().await?.fine()?;
        ensure!(!events.contains("c4n4ry"), "a credential is in an Event");
        let object = get(cluster, "k8s").await?;
        ensure!(object["metadata"]["annotations"].get(names::WIRED).is_none(), "opted out and still wired");
        ensure!(object["spec"]["remoteWrite"] == own["remoteWrite"], "the user's entry changed: {}", object["spec"]["remoteWrite"]);
        Ok(())
    })
    .await
}
