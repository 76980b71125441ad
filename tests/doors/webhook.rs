//! The second door: an AdmissionReview, through the webhook's own routes.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use base64::Engine;
use http_body_util::BodyExt;
use jiff::Timestamp;
use serde_json::{Value, json};
use thanos_core::wiring::{NamespaceStatus, ThanosWiringStatus};
use thanos_core::{Kind, ThanosPolicy, ThanosWiring, names, versions};
use thanos_webhook::admission::{Limits, State, router};
use thanos_webhook::facts::Knowledge;
use tower::ServiceExt;

use super::{Answer, Story};

/// What the mutating webhook answers.
pub(crate) fn through_webhook(story: &Story) -> Result<Answer> {
    let response = ask(story, names::PATH_MUTATE)?;
    ensure!(
        response["allowed"] == true,
        "mutation never refuses: {response}"
    );
    let mut object = story.given.clone();
    if let Some(patch) = response["patch"].as_str() {
        ensure!(response["patchType"] == "JSONPatch", "{response}");
        let patch = base64::engine::general_purpose::STANDARD.decode(patch)?;
        json_patch::patch(
            &mut object,
            &serde_json::from_slice::<json_patch::Patch>(&patch)?,
        )?;
    }
    let warnings = response["warnings"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect();
    Ok(Answer { object, warnings })
}

/// The causes of a denial, a line each, as `refused.txt` keeps them.
pub(crate) fn refused_by_webhook(story: &Story) -> Result<String> {
    let response = ask(story, names::PATH_VALIDATE)?;
    ensure!(response["allowed"] == false, "{} was allowed", story.name());
    let causes = response
        .pointer("/status/details/causes")
        .and_then(Value::as_array)
        .context("no causes")?;
    let text = |cause: &Value, field: &str| cause[field].as_str().unwrap_or_default().to_owned();
    let line = |cause: &Value| {
        let message = text(cause, "message");
        let (code, sentence) = message.split_once(' ').unwrap_or_default();
        format!("{code} {}: {sentence}\n", text(cause, "field"))
    };
    Ok(causes.iter().map(line).collect())
}

/// What the validating webhook says to a story with policies: `deny` and `warn` lines as `judged.txt` has them, in the
/// order in which they are told, and per rule what the audit log keeps.
pub(crate) fn judged_by_webhook(story: &Story) -> Result<(Vec<String>, BTreeMap<String, String>)> {
    let response = ask(story, names::PATH_VALIDATE)?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let list = |value: Option<&Value>| {
        let items = value.and_then(Value::as_array).cloned();
        items.unwrap_or_default()
    };
    let causes = list(response.pointer("/status/details/causes"));
    ensure!(
        (response["allowed"] == true) == causes.is_empty(),
        "{response}"
    );
    let denied = causes.iter().map(|cause| {
        let message = text(&cause["message"]);
        let (code, sentence) = message.split_once(' ').unwrap_or_default();
        format!("deny {code} {}: {sentence}", text(&cause["field"]))
    });
    let warnings = list(response.get("warnings"));
    let warned = warnings.iter().map(|said| format!("warn {}", text(said)));
    let annotations = response["auditAnnotations"].as_object();
    let annotations = annotations.into_iter().flatten();
    let audited = annotations.map(|(rule, word)| (rule.clone(), text(word)));
    Ok((denied.chain(warned).collect(), audited.collect()))
}

fn ask(story: &Story, path: &str) -> Result<Value> {
    let review = review(story)?;
    let request = Request::post(format!("{path}?timeout=5s"))
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(review.to_string()))?;
    let limits = Limits::default();
    let router = router(State::with(
        Arc::new(knowledge(story)?),
        limits,
        Arc::default(),
        now,
    ));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let response = router.oneshot(request).await?;
        let status = response.status();
        let body = response.into_body().collect().await?.to_bytes();
        ensure!(
            status == StatusCode::OK,
            "{status} {}",
            String::from_utf8_lossy(&body)
        );
        let answer: Value = serde_json::from_slice(&body)?;
        ensure!(
            answer["response"]["uid"] == review["request"]["uid"],
            "another uid: {answer}"
        );
        Ok(answer["response"].clone())
    })
}

/// The moment of all stories.
fn now() -> Timestamp {
    super::NOW.parse().unwrap_or(Timestamp::UNIX_EPOCH)
}

fn review(story: &Story) -> Result<Value> {
    let given = &story.given;
    let version = given["apiVersion"].as_str().context("no apiVersion")?;
    let (group, version) = version.split_once('/').unwrap_or(("", version));
    let kind = given["kind"].as_str().context("no kind")?;
    let plural = Kind::ALL
        .into_iter()
        .find(|known| known.name() == kind)
        .map_or_else(
            || format!("{}s", kind.to_ascii_lowercase()),
            |known| known.plural().to_owned(),
        );
    let mut request = json!({
        "uid": story.name(),
        "kind": {"group": group, "version": version, "kind": kind},
        "resource": {"group": group, "version": version, "resource": plural},
        "namespace": given["metadata"].get("namespace"), "name": given["metadata"].get("name"),
        "operation": if story.old.is_some() { "UPDATE" } else { "CREATE" },
        "userInfo": {"username": "tester"}, "object": given, "oldObject": story.old, "dryRun": false,
        "options": {"apiVersion": "meta.k8s.io/v1", "kind": "CreateOptions"},
    });
    // The API server leaves out what there is none of.
    if let Some(fields) = request.as_object_mut() {
        fields.retain(|_, value| !value.is_null());
    }
    Ok(json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}))
}

/// What the webhook would have watched, put there by hand.
fn knowledge(story: &Story) -> Result<Knowledge> {
    let knowledge = Knowledge::new();
    for raw in &story.wirings {
        let mut written: ThanosWiring = serde_json::from_value(raw.clone())?;
        let ready = story
            .known
            .ready(raw["metadata"]["name"].as_str().unwrap_or_default());
        let enrolled = written
            .spec
            .credentials
            .iter()
            .flat_map(|credentials| credentials.namespaces.clone());
        let listed: std::collections::BTreeSet<String> =
            enrolled.chain(ready.iter().cloned()).collect();
        if let Some(credentials) = &mut written.spec.credentials {
            credentials.namespaces = listed.iter().cloned().collect();
        }
        let state = |name: &String| {
            let is_ready = ready.contains(name);
            NamespaceStatus {
                name: name.clone(),
                ready: is_ready,
                reason: (!is_ready).then(|| "SecretMissing".to_owned()),
            }
        };
        written.status = Some(ThanosWiringStatus {
            namespaces: listed.iter().map(state).collect(),
            ..ThanosWiringStatus::default()
        });
        knowledge
            .put_wiring(&written)
            .map_err(|faults| anyhow::anyhow!("{faults:?}"))?;
    }
    for raw in &story.policies {
        let written: ThanosPolicy = serde_json::from_value(raw.clone())?;
        knowledge
            .put_policy(&written)
            .map_err(|faults| anyhow::anyhow!("{faults:?}"))?;
    }
    for name in story.known.namespaces.keys() {
        knowledge.put_namespace(name, story.known.labels(name).unwrap_or_default());
    }
    for kind in Kind::ALL {
        let operator = story
            .known
            .operator_version
            .as_deref()
            .and_then(versions::parse);
        knowledge.put_crd(kind, story.served(kind)?, operator);
    }
    Ok(knowledge)
}
