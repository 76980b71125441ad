//! The API server asks about Secrets that hold an object-store file, and about no other.

use anyhow::{Result, ensure};
use futures::{StreamExt, TryStreamExt, stream};
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use kube::api::{Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use thanos_core::names;
use thanos_tests::eventually;

use super::policies::{SOON, Stage, with};

const OTHERS: usize = 1000;
const CANARY: &str = "canary-5f1c";

fn secret(name: &str, keys: &[String]) -> Result<Secret> {
    let data: serde_json::Map<String, Value> = keys
        .iter()
        .map(|key| (key.clone(), json!(CANARY)))
        .collect();
    let metadata = json!({"name": name});
    let secret =
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data});
    Ok(serde_json::from_value(secret)?)
}

/// How many reviews of Secrets there were.
async fn asked(stage: &Stage<'_>) -> Result<u64> {
    let metrics = stage.serve.admin().get("/metrics").await?.fine()?;
    let lines = metrics
        .lines()
        .filter(|line| line.starts_with("thanos_webhook_reviews_total"));
    let counts = lines
        .filter(|line| line.contains(r#"kind="Secret""#))
        .filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok());
    Ok(counts.sum())
}

#[tokio::test]
async fn no_other_secret_is_sent() -> Result<()> {
    with("serve-secrets", async |stage| {
        // What is in them is not what this is about.
        stage.put(&json!({"enforcement": "Audit"})).await?;
        let secrets: Api<Secret> = Api::namespaced(stage.cluster.client(), "team-a");
        let create = async |name: &str, keys: &[&str]| {
            let keys: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
            let secret = secret(name, &keys)?;
            anyhow::Ok(secrets.create(&PostParams::default(), &secret).await?)
        };
        // The registration is in force once one that is to be sent was sent.
        eventually("the registration is in force", SOON, || async {
            let name = format!("first-{}", asked(&stage).await?);
            let _ = create(&name, &["objstore.yml"]).await;
            ensure!(asked(&stage).await? > 0, "not yet");
            let _ = secrets
                .delete(&name, &kube::api::DeleteParams::default())
                .await;
            Ok(())
        })
        .await?;
        let before = asked(&stage).await?;

        let params = PostParams::default();
        let others = (0..OTHERS).map(|number| {
            let keys = ["password", "objstore.yml.bak", "Thanos.yaml"].map(str::to_owned);
            let keys = &keys[..number % 4];
            (secret(&format!("other-{number}"), keys), &secrets, &params)
        });
        stream::iter(others)
            .map(|(secret, secrets, params)| async move {
                anyhow::Ok(secrets.create(params, &secret?).await?)
            })
            .buffer_unordered(16)
            .try_for_each(|_| async { Ok(()) })
            .await?;
        // Past any sensible number of keys there is still nothing that could fail.
        let many: Vec<String> = (0..5000).map(|number| format!("key-{number}")).collect();
        secrets.create(&params, &secret("many", &many)?).await?;
        ensure!(
            asked(&stage).await? == before,
            "a Secret was sent that is none of ours"
        );

        let mut sent = before;
        for key in ["objstore.yaml", "thanos.yaml", "bucket.yml"] {
            create(&format!("sent-{sent}"), &["password", key]).await?;
            sent += 1;
            ensure!(asked(&stage).await? == sent, "{key} was not sent");
        }
        let mut hidden = many;
        hidden.push("objstore.yml".to_owned());
        secrets.create(&params, &secret("hidden", &hidden)?).await?;
        let label = json!({"metadata": {"labels": {names::OBJSTORE: "true"}}});
        secrets
            .patch("other-0", &PatchParams::default(), &Patch::Merge(label))
            .await?;
        ensure!(
            asked(&stage).await? == sent + 2,
            "hidden among many keys, or by its label"
        );
        let log = std::fs::read_to_string(stage.serve.process().log())?;
        ensure!(!log.contains(CANARY), "a value is in the log");
        Ok(())
    })
    .await
}
