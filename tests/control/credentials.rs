//! Which namespaces are ready, by looking at one name in each; and objects that are wired once theirs is.

use std::time::Instant;

use anyhow::{Result, ensure};
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use kube::api::DeleteParams;
use serde_json::json;
use thanos_core::names;
use thanos_tests::{Cluster, Options, eventually};

use super::stage::{
    PASSWORD, SOON, Stage, create, enrolled, events, permit, put, secret, until_event, until_reason, until_wired, wiring, wirings,
};

/// `namespace ready reason` of each enrolled namespace.
async fn said(cluster: &Cluster) -> Result<Vec<String>> {
    let status = wirings(cluster).get("hub").await?.status.unwrap_or_default();
    let words = status.namespaces.into_iter().map(|one| format!("{} {} {}", one.name, one.ready, one.reason.unwrap_or_default()));
    Ok(words.map(|words| words.trim_end().to_owned()).collect())
}

async fn until_said(cluster: &Cluster, wanted: &[&str]) -> Result<()> {
    eventually(&format!("the status says {wanted:?}"), SOON, || async {
        let said = said(cluster).await?;
        ensure!(said == wanted, "it says {said:?}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn an_object_is_wired_when_its_secret_arrives() -> Result<()> {
    Cluster::with(Options::new("control-credentials").audit(), async |cluster| {
        let stage = Stage::set(cluster).await?;
        let control = stage.control("control", &[]).await?;
        for namespace in ["forbidden", "late", "other"] {
            cluster.namespace(namespace, &[]).await?;
        }
        permit(cluster, "late", "hub").await?;
        put(cluster, &wiring("hub", &["absent", "forbidden", "late"])).await?;
        until_said(cluster, &["absent false NamespaceMissing", "forbidden false NotPermitted", "late false SecretMissing"]).await?;
        let message = until_reason(cluster, "hub", "CredentialsReady", "NamespacesNotReady").await?;
        ensure!(message.starts_with("3 of 3 namespaces: absent (NamespaceMissing)"), "{message}");

        create(cluster, "late", "k8s").await?;
        create(cluster, "other", "k8s").await?;
        until_event(cluster, "late", "k8s", "CredentialMissing KTH2010 not wired by hub: the credential is not ready in namespace late: SecretMissing").await?;
        until_event(cluster, "other", "k8s", "NotEnrolled KTH2009").await?;
        secret(cluster, "late", &["user"]).await?;
        until_said(cluster, &["absent false NamespaceMissing", "forbidden false NotPermitted", "late false KeyMissing"]).await?;
        secret(cluster, "late", &["user", "password"]).await?;
        println!("a Secret arrived: the object is wired after {:?}", until_wired(cluster, "late", "k8s").await?);
        until_event(cluster, "late", "k8s", "Wired KTH2000 wired by hub").await?;

        // The Role and the namespace come later, too, and so does another enrolment.
        secret(cluster, "forbidden", &["user", "password"]).await?;
        let begin = Instant::now();
        permit(cluster, "forbidden", "hub").await?;
        enrolled(cluster, "absent", &[], "hub").await?;
        until_said(cluster, &["absent true", "forbidden true", "late true"]).await?;
        println!("a Role and a namespace arrived: ready after {:?}", begin.elapsed());
        enrolled_later(cluster).await?;
        until_reason(cluster, "hub", "CredentialsReady", "AllReady").await?;

        // A Secret that goes leaves what is wired as it is, and holds up what is new.
        let secrets: Api<Secret> = Api::namespaced(cluster.client(), "late");
        secrets.delete(names::SECRET, &DeleteParams::default()).await?;
        until_said(cluster, &["absent true", "forbidden true", "late false SecretMissing", "other true"]).await?;
        let made = create(cluster, "late", "second").await?;
        ensure!(made.data["spec"].get("remoteWrite").is_none(), "a dangling reference: {}", made.data);
        until_wired(cluster, "late", "k8s").await?;
        ensure!(events(cluster, "late", "k8s").await?.len() <= 4, "{:?}", events(cluster, "late", "k8s").await?);
        no_value_anywhere(cluster, &control.log()?).await
    })
    .await
}

async fn enrolled_later(cluster: &Cluster) -> Result<()> {
    permit(cluster, "other", "hub").await?;
    secret(cluster, "other", &["user", "password"]).await?;
    put(cluster, &wiring("hub", &["absent", "forbidden", "late", "other"])).await?;
    println!("a namespace was enrolled: its object is wired after {:?}", until_wired(cluster, "other", "k8s").await?);
    Ok(())
}

/// The sixth law, and the rights: one name in each namespace, and never a list of Secrets.
async fn no_value_anywhere(cluster: &Cluster, log: &str) -> Result<()> {
    ensure!(!log.contains(PASSWORD), "the password is in control's log");
    let audit = std::fs::read_to_string(cluster.run().folder().join("audit.jsonl"))?;
    let ours = audit.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let ours: Vec<_> = ours.filter(|one| one["user"]["username"] == format!("system:serviceaccount:{}:{}", names::NAMESPACE, names::ACCOUNT_CONTROL)).collect();
    ensure!(!ours.is_empty(), "the audit log knows nothing of control");
    for one in &ours {
        let (verb, resource) = (&one["verb"], &one["objectRef"]["resource"]);
        if *resource == json!("secrets") {
            ensure!(*verb == json!("get") || *verb == json!("watch"), "{one}");
            ensure!(one["objectRef"]["name"] == names::SECRET || one["requestURI"].to_string().contains(names::SECRET), "{one}");
        }
        let kinds = ["prometheuses", "prometheusagents", "thanosrulers"].map(|kind| json!(kind));
        if kinds.contains(resource) && *verb == json!("patch") {
            ensure!(one["requestObject"]["spec"].is_null(), "control wrote a spec: {one}");
        }
        ensure!(*verb != json!("delete"), "{one}");
    }
    Ok(())
}
