//! Policies on the real API server: what is refused, warned of and written down, and what may not be wedged by it.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use thanos_core::names;
use thanos_tests::command::Output;
use thanos_tests::install::apply;
use thanos_tests::ours::{Installed, Serve};
use thanos_tests::{Cluster, Options, eventually};

pub(super) const SOON: Duration = Duration::from_secs(30);
pub(super) const PATH: &str = "spec.remoteWrite[0].url";
/// It may be said in no denial, warning, Event or status.
pub(super) const ELSEWHERE: &str = "https://canary-5f1c.example.org/api/v1/receive";
pub(super) const ALLOWED: &str = "https://a.example.com/api/v1/receive";

/// A cluster with the chart and `serve` in it.
pub(super) struct Stage<'c> {
    pub(super) cluster: &'c Cluster,
    pub(super) serve: Serve,
    _installed: Installed,
}

pub(super) async fn with(
    name: &str,
    story: impl AsyncFnOnce(Stage<'_>) -> Result<()>,
) -> Result<()> {
    Cluster::with(Options::new(name).audit(), async |cluster| {
        let installed = Installed::new(cluster).await?;
        let serve = installed.serve(cluster, &[]).await?;
        cluster.namespace("team-a", &[("team", "a")]).await?;
        story(Stage {
            cluster,
            serve,
            _installed: installed,
        })
        .await
    })
    .await
}

impl Stage<'_> {
    /// kubectl with an object on its standard input; warnings are on standard error.
    pub(super) async fn kubectl(&self, words: &[&str], object: &Value) -> Result<Output> {
        let program = self.cluster.kubectl()?.args(words.iter().copied());
        program.output_for(object.to_string().as_bytes()).await
    }

    pub(super) async fn fine(&self, words: &[&str]) -> Result<String> {
        let output = self.kubectl(words, &Value::Null).await?;
        output.fine().with_context(|| words.join(" "))
    }

    pub(super) async fn create(&self, object: &Value) -> Result<Output> {
        self.kubectl(&["create", "-f", "-"], object).await
    }

    pub(super) async fn try_out(&self, object: &Value) -> Result<Output> {
        self.kubectl(&["create", "--dry-run=server", "-f", "-"], object)
            .await
    }

    /// Puts a policy in force and waits until the webhook has it, by asking about an object.
    pub(super) async fn put(&self, spec: &Value) -> Result<()> {
        apply(self.cluster, &[policy(spec)], "admin").await
    }

    /// Waits until an object is answered as it should be.
    pub(super) async fn until(
        &self,
        object: &Value,
        is_right: impl Fn(&Output) -> bool,
    ) -> Result<Output> {
        eventually("the policy is in force", SOON, || async {
            let output = self.try_out(object).await?;
            ensure!(is_right(&output), "{}{}", output.stderr, output.stdout);
            Ok(output)
        })
        .await
    }
}

pub(super) fn policy(spec: &Value) -> Value {
    json!({"apiVersion": names::API_VERSION, "kind": "ThanosPolicy", "metadata": {"name": "shared"}, "spec": spec})
}

pub(super) fn spec(enforcement: &str) -> Value {
    json!({
        "enforcement": enforcement,
        "namespaceSelector": {"matchLabels": {"team": "a"}},
        "remoteWrite": {"allowedUrls": ["https://*.example.com/api/v1/receive"]},
        "limits": {"maxShards": 3, "maxReplicas": 3},
        "exemptions": [{"namespace": "team-a", "name": "exempt", "rules": ["egress-url"], "reason": "it moves next month"}],
    })
}

pub(super) fn prometheus(name: &str, url: &str) -> Value {
    json!({"apiVersion": "monitoring.coreos.com/v1", "kind": "Prometheus",
        "metadata": {"name": name, "namespace": "team-a"},
        "spec": {"serviceMonitorSelector": {}, "replicaExternalLabelName": "replica",
            "remoteWrite": [{"name": "mine", "url": url}]}})
}

fn is_refused(output: &Output) -> bool {
    output.code == Some(1) && output.stderr.contains("KTH7010")
}

#[tokio::test]
async fn an_offender_is_refused_and_what_exists_is_not_wedged() -> Result<()> {
    with("serve-policies", async |stage| {
        ensure!(stage.create(&prometheus("old", ELSEWHERE)).await?.code == Some(0));
        stage.put(&spec("Deny")).await?;
        let new = prometheus("new", ELSEWHERE);
        stage.until(&new, is_refused).await?;

        let refused = stage.create(&new).await?;
        ensure!(is_refused(&refused), "{}", refused.stderr);
        ensure!(refused.stderr.contains(PATH), "{}", refused.stderr);
        ensure!(!refused.stderr.contains("canary"), "{}", refused.stderr);
        has_a_cause(&stage, &new).await?;
        for right in [prometheus("new", ALLOWED), prometheus("exempt", ELSEWHERE)] {
            stage.create(&right).await?.fine()?;
        }
        let mut elsewhere = new.clone();
        elsewhere["metadata"]["namespace"] = json!("default");
        stage.create(&elsewhere).await?.fine()?;
        not_wedged(&stage).await?;
        scaled(&stage).await?;
        told(&stage).await
    })
    .await
}

/// The answer's causes, as a client meets them.
async fn has_a_cause(stage: &Stage<'_>, object: &Value) -> Result<()> {
    let words = ["create", "-f", "-", "-o", "json", "-v", "8"];
    let said = stage.kubectl(&words, object).await?.stderr;
    let line = said
        .lines()
        .find(|line| line.contains("FieldValueInvalid"))
        .with_context(|| format!("no causes in\n{said}"))?;
    ensure!(line.contains(PATH) && line.contains("422"), "{line}");
    Ok(())
}

async fn not_wedged(stage: &Stage<'_>) -> Result<()> {
    let old = ["prometheus", "old", "-n", "team-a"];
    let patch = |patch: &'static str| {
        let words = ["patch"].into_iter().chain(old);
        let words: Vec<&str> = words.chain(["--type=merge", "-p", patch]).collect();
        async move { stage.kubectl(&words, &Value::Null).await }
    };
    let patched =
        patch(r#"{"spec":{"logLevel":"debug"},"metadata":{"finalizers":["example.com/held"]}}"#)
            .await?;
    ensure!(patched.code == Some(0), "{}", patched.stderr);
    ensure!(
        patched.stderr.contains("Warning: KTH7010"),
        "no warning: {}",
        patched.stderr
    );
    let worse =
        patch(r#"{"spec":{"remoteWrite":[{"name":"mine","url":"https://worse.example.org/"}]}}"#)
            .await?;
    ensure!(is_refused(&worse), "{}", worse.stderr);

    let delete: Vec<&str> = ["delete"]
        .into_iter()
        .chain(old)
        .chain(["--wait=false"])
        .collect();
    stage.fine(&delete).await?;
    let freed = patch(r#"{"metadata":{"finalizers":null}}"#).await?;
    ensure!(freed.code == Some(0), "{}", freed.stderr);
    eventually("it is gone", SOON, || async {
        let get: Vec<&str> = ["get"].into_iter().chain(old).collect();
        let left = stage.kubectl(&get, &Value::Null).await?;
        ensure!(left.stderr.contains("NotFound"), "{}", left.stdout);
        Ok(())
    })
    .await
}

/// Through the scale subresource no more comes in than through the object.
async fn scaled(stage: &Stage<'_>) -> Result<()> {
    let scale = async |name: &str, shards: u8| {
        let shards = format!("--replicas={shards}");
        let words = ["scale", "prometheus", name, "-n", "team-a", &shards];
        stage.kubectl(&words, &Value::Null).await
    };
    for name in ["new", "exempt"] {
        let output = scale(name, 3).await?;
        ensure!(output.code == Some(0), "{name}: {}", output.stderr);
    }
    let mut many = prometheus("many", ALLOWED);
    many["spec"]["shards"] = json!(4);
    // The rule comes with this version of core, or not yet.
    if stage.try_out(&many).await?.code == Some(0) {
        return Ok(());
    }
    let output = scale("new", 4).await?;
    ensure!(
        output.code == Some(1) && output.stderr.contains("spec.shards: KTH7022"),
        "{}",
        output.stderr
    );
    Ok(())
}

/// Events on the policy, the counter, the log: each names the object and the rule, and none the url.
async fn told(stage: &Stage<'_>) -> Result<()> {
    let events = eventually("the Events are there", SOON, || async {
        let words = ["get", "events.events.k8s.io", "-n", "default", "-o", "json"];
        let events = stage.fine(&words).await?;
        let events: Value = serde_json::from_str(&events)?;
        let items = events["items"].as_array().into_iter().flatten();
        let ours = items.filter(|event| event["regarding"]["kind"] == "ThanosPolicy");
        let ours: Vec<Value> = ours.cloned().collect();
        ensure!(!ours.is_empty(), "{events}");
        Ok(ours)
    })
    .await?;
    let notes: Vec<&str> = events
        .iter()
        .filter_map(|event| event["note"].as_str())
        .collect();
    ensure!(
        notes.contains(&"Prometheus/team-a/new was refused: KTH7010 egress-url"),
        "{notes:?}"
    );
    ensure!(events[0]["regarding"]["uid"].is_string(), "{events:?}");
    let described = stage.fine(&["describe", "thanospolicy", "shared"]).await?;
    ensure!(described.contains("EgressUrl"), "{described}");
    let metrics = stage.serve.admin().get("/metrics").await?.fine()?;
    let line =
        r#"thanos_webhook_charges_total{rule="egress-url",policy="shared",enforcement="deny"}"#;
    ensure!(metrics.contains(line), "{line} in\n{metrics}");
    let log = std::fs::read_to_string(stage.serve.process().log())?;
    ensure!(log.contains("egress-url=deny"), "{log}");
    ensure!(!log.contains("canary") && !described.contains("canary"));
    Ok(())
}
