//! Which namespaces are ready, by looking at one name in each; and objects that are wired once theirs is.

use std::time::Instant;

use anyhow::{Result, ensure};
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use kube::api::DeleteParams;
use serde_json::Value;
use thanos_core::names;
use thanos_tests::{Cluster, Options, eventually};

use super::given::{create, enrolled, permit, put, secret, wiring, wirings};
use super::seen::{events, until_event, until_reason, until_wired};
use super::stage::{PASSWORD, SOON, Stage, measured};

/// `namespace ready reason` of each enrolled namespace.
async fn said(cluster: &Cluster) -> Result<Vec<String>> {
    let status = wirings(cluster)
        .get("hub")
        .await?
        .status
        .unwrap_or_default();
    let words = status.namespaces.into_iter().map(|one| {
        format!(
            "{} {} {}",
            one.name,
            one.ready,
            one.reason.unwrap_or_default()
        )
    });
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
        measured(format!("a Secret arrived: the object is wired after {:?}", until_wired(cluster, "late", "k8s").await?));
        until_event(cluster, "late", "k8s", "Wired KTH2000 wired by hub").await?;

        // The Role and the namespace come later, too, and so does another enrolment.
        secret(cluster, "forbidden", &["user", "password"]).await?;
        let begin = Instant::now();
        permit(cluster, "forbidden", "hub").await?;
        enrolled(cluster, "absent", &[], "hub").await?;
        until_said(cluster, &["absent true", "forbidden true", "late true"]).await?;
        measured(format!("a Role and a namespace arrived: ready after {:?}", begin.elapsed()));
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
        no_value_anywhere(cluster, &control.log()?)
    })
    .await
}

async fn enrolled_later(cluster: &Cluster) -> Result<()> {
    permit(cluster, "other", "hub").await?;
    secret(cluster, "other", &["user", "password"]).await?;
    put(
        cluster,
        &wiring("hub", &["absent", "forbidden", "late", "other"]),
    )
    .await?;
    measured(format!(
        "a namespace was enrolled: its object is wired after {:?}",
        until_wired(cluster, "other", "k8s").await?
    ));
    Ok(())
}

/// The sixth law, and the rights: one name in each namespace, never a list of Secrets, and never a spec.
fn no_value_anywhere(cluster: &Cluster, log: &str) -> Result<()> {
    ensure!(!log.contains(PASSWORD), "the password is in control's log");
    let audit = std::fs::read_to_string(cluster.run().folder().join("audit.jsonl"))?;
    let account = format!(
        "system:serviceaccount:{}:{}",
        names::NAMESPACE,
        names::ACCOUNT_CONTROL
    );
    let requests = audit
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let ours: Vec<Value> = requests
        .filter(|one| one["user"]["username"] == account.as_str())
        .collect();
    ensure!(!ours.is_empty(), "the audit log knows nothing of control");
    for request in &ours {
        let verb = request["verb"].as_str().unwrap_or_default();
        ensure!(
            ["get", "list", "watch", "create", "update", "patch"].contains(&verb),
            "{request}"
        );
        match request["objectRef"]["resource"]
            .as_str()
            .unwrap_or_default()
        {
            "secrets" => {
                let by_name = request["requestURI"]
                    .as_str()
                    .is_some_and(|uri| uri.contains(names::SECRET));
                ensure!(by_name && ["get", "watch"].contains(&verb), "{request}");
            }
            "prometheuses" | "prometheusagents" | "thanosrulers" => {
                ensure!(
                    verb != "update" && request["requestObject"]["spec"].is_null(),
                    "{request}"
                );
            }
            _ => {}
        }
    }
    Ok(())
}
