//! Every credential field of every provider, seeded, through the real API server: no byte that leaves holds one.

use std::fmt::Write;

use anyhow::{Context, Result, ensure};
use base64::Engine;
use serde_json::{Value, json};

use super::policies::{SOON, Stage, with};
use crate::objstore::seeded;

/// What a credential looks like in base64 depends on what stands before it.
fn forms(canary: &str) -> Vec<String> {
    let encoded = |pad: usize| {
        let text = format!("{}{canary}", "x".repeat(pad));
        let encoded = base64::engine::general_purpose::STANDARD.encode(text);
        // Characters at both ends hold bits of the neighbours.
        encoded[4..encoded.len() - 4].to_owned()
    };
    let mut forms = vec![canary.to_owned()];
    forms.extend((0..3).map(encoded));
    forms
}

fn secret(name: &str, file: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": "team-a"},
        "stringData": {"objstore.yml": file}})
}

#[tokio::test]
async fn no_credential_of_any_provider_leaves_its_secret() -> Result<()> {
    const CANARY: &str = "hunter2-c4n4ry-5f1c";
    with("serve-canary", async |stage| {
        let files = seeded(CANARY);
        ensure!(files.len() >= 20, "only {} files", files.len());
        let policy = json!({"enforcement": "Deny", "objectStorage": {"secretless": true, "types": ["FILESYSTEM"]}});
        stage.put(&policy).await?;
        let first = secret("first", &files[0].1);
        stage
            .until(&first, |output| output.code != Some(0) && output.stderr.contains("KTH3"))
            .await?;
        let mut said = String::new();
        let mut refused = 0;
        for (at, (field, file)) in files.iter().enumerate() {
            let output = stage.create(&secret(&format!("s{at}"), file)).await?;
            ensure!(
                output.stderr.contains("KTH"),
                "{field}: {}{}",
                output.stderr,
                output.stdout
            );
            refused += usize::from(output.code != Some(0));
            said += &output.stderr;
            said += &output.stdout;
        }
        ensure!(refused == files.len(), "only {refused} were refused");
        // Warned of, they are stored, and the log of the API server has their metadata.
        stage.put(&json!({"enforcement": "Warn", "objectStorage": {"secretless": true}})).await?;
        let named = secret("warned", &files[0].1);
        stage
            .until(&named, |output| output.code == Some(0))
            .await?
            .fine()?;
        for (at, (_, file)) in files.iter().enumerate() {
            let output = stage.create(&secret(&format!("w{at}"), file)).await?;
            said += &output.stderr;
            said += &output.stdout;
        }
        searched(&stage, &said, CANARY).await
    })
    .await
}

/// What was said, the webhook's log and metrics, the Events, the statuses and the audit log.
async fn searched(stage: &Stage<'_>, said: &str, canary: &str) -> Result<()> {
    let log = std::fs::read_to_string(stage.serve.process().log())?;
    let metrics = stage.serve.admin().get("/metrics").await?.fine()?;
    let events = thanos_tests::eventually("a denial makes an Event", SOON, || async {
        let events = stage.fine(&["get", "events", "-A", "-o", "json"]).await?;
        ensure!(events.contains("ThanosPolicy"), "no Event");
        Ok(events)
    })
    .await?;
    let policies = stage.fine(&["get", "thanospolicies", "-o", "json"]).await?;
    let path = stage.cluster.server().audit_log().context("no audit log")?;
    let audit = std::fs::read_to_string(path)?;
    ensure!(
        audit.contains(r#""resource":"secrets""#),
        "no Secret in the audit log"
    );
    let mut found = String::new();
    for (what, text) in [
        ("an answer", said),
        ("the log", &log),
        ("the metrics", &metrics),
        ("an Event", &events),
        ("a status", &policies),
        ("the audit log", &audit),
    ] {
        for form in forms(canary) {
            if text.contains(&form) {
                let _ = writeln!(found, "{what} holds {form}");
            }
        }
    }
    ensure!(found.is_empty(), "{found}");
    Ok(())
}
