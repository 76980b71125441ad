//! The proof, by two dry-runs through the cluster's own admission: an object must come back wired, and a wiring that
//! only a webhook can see through must be refused.

use std::time::Duration;

use kube::core::SelectorExt as _;
use serde::Serialize;
use serde_json::{Map, Value, json};
use thanos_core::codes::{self, Code};
use thanos_core::{
    Credential, Kind, Outcome, Reason, Subject, ThanosWiring, Wiring, decide, names,
};

use super::apply::Wait;
use super::facts::Registered;
use crate::cli::WorldArgs;
use crate::cluster::resource::{NAMESPACES, Resource, WIRINGS};
use crate::cluster::trouble::{Sort, Trouble};
use crate::cluster::{Cluster, Mode, live};
use crate::facts::Known;
use crate::failure::Failure;
use crate::helm;
use crate::ui::Ui;

/// The name of what is made by dry-run.
const NAME: &str = "kubectl-thanos-proof";
/// How long a namespace may take to be ready, where `--timeout` says nothing.
pub(super) const READY: Duration = Duration::from_secs(60);
/// How long `serve` may take to know what `control` has written.
const KNOWN: Duration = Duration::from_secs(10);

/// What one dry-run has shown.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Proof {
    /// What was to be shown.
    pub(crate) of: &'static str,
    /// Whether it was.
    pub(crate) ok: bool,
    pub(crate) code: Option<&'static str>,
    pub(crate) sentence: String,
    #[serde(skip)]
    pub(crate) failure: Option<Failure>,
}

impl Proof {
    pub(super) fn ok(of: &'static str, sentence: String) -> Self {
        Self {
            of,
            ok: true,
            code: None,
            sentence,
            failure: None,
        }
    }

    pub(super) fn failed(of: &'static str, failure: Failure) -> Self {
        let code = failure.code.map(|code| code.code);
        Self {
            of,
            ok: false,
            code,
            sentence: failure.message.clone(),
            failure: Some(failure),
        }
    }
}

/// What is to be proven, of what.
pub(crate) struct Claim<'a> {
    pub(crate) cluster: &'a Cluster,
    pub(crate) written: &'a ThanosWiring,
    pub(crate) right: &'a Wiring,
    /// Where an object may be tried, the wished ones first.
    pub(crate) namespaces: Vec<String>,
    pub(crate) kind: Kind,
    pub(crate) registered: Registered,
    /// `None`: `--timeout` ends the waiting.
    pub(crate) patience: Option<Duration>,
}

const WIRES: &str = "objects are wired";
const CHECKS: &str = "wirings are checked";

impl Claim<'_> {
    /// Both proofs.
    pub(crate) async fn prove(&self, ui: &mut Ui<'_>) -> Vec<Proof> {
        let wires = match self.wires(ui).await {
            Ok(sentence) => Proof::ok(WIRES, sentence),
            Err(failure) => Proof::failed(WIRES, failure),
        };
        let checks = match self.checks().await {
            Ok(sentence) => Proof::ok(CHECKS, sentence),
            Err(failure) => Proof::failed(CHECKS, failure),
        };
        vec![wires, checks]
    }

    async fn wires(&self, ui: &mut Ui<'_>) -> Result<String, Failure> {
        let namespace = self.ready(ui).await?;
        let at = Resource::of(self.kind).within(&namespace);
        let object = self.sample(&namespace);
        let mut wait = Wait::begin(format!("a {} in {namespace} is wired", self.kind.name()));
        loop {
            let answer = self
                .cluster
                .create(&at, &object, Mode::DryRun)
                .await
                .map_err(|trouble| self.silent(trouble))?;
            if self.is_wired(&answer) {
                return Ok(format!(
                    "a {} in {namespace} came back wired by {}",
                    self.kind.name(),
                    self.right.name
                ));
            }
            if !self.registered.mutating || wait.began.elapsed() > KNOWN {
                return Err(self.unwired(&object, &namespace, ui).await);
            }
            wait.pause(ui, "it came back as it went").await;
        }
    }

    /// Waits for a namespace in which an object can be wired; where nobody could make one ready, does not wait.
    async fn ready(&self, ui: &mut Ui<'_>) -> Result<String, Failure> {
        let mut candidates = Vec::new();
        for namespace in &self.namespaces {
            let found = self.cluster.find(&NAMESPACES.named(namespace)).await?;
            if found.is_some_and(|found| self.right.namespaces.matches(&live::labels(&found))) {
                candidates.push(namespace.clone());
            }
        }
        let Some(first) = candidates.first() else {
            let message = format!(
                "wiring {} selects none of the namespaces {}",
                self.right.name,
                self.namespaces.join(", ")
            );
            return Err(Failure::failed(message).code(codes::NAMESPACE_NOT_SELECTED));
        };
        if self.right.references.is_empty() || !self.registered.mutating {
            return Ok(first.clone());
        }
        let mut wait = Wait::begin(format!(
            "the credential in {} is seen",
            candidates.join(" or ")
        ));
        loop {
            let stored = self.cluster.get(&WIRINGS.named(&self.right.name)).await?;
            let known = live::credentials(&stored);
            let is_ready =
                |namespace: &&String| known.get(namespace.as_str()) == Some(&Credential::Ready);
            if let Some(namespace) = candidates.iter().find(is_ready) {
                return Ok(namespace.clone());
            }
            let state = match known.get(first.as_str()) {
                Some(Credential::Missing(why)) if why != live::UNCHECKED => why.clone(),
                _ => "no controller has looked yet".to_owned(),
            };
            if self
                .patience
                .is_some_and(|patience| wait.began.elapsed() > patience)
            {
                let message = format!("the credential in {first} is not seen: {state}");
                let failure = Failure::failed(message).code(codes::CREDENTIAL_MISSING);
                return Err(failure.hint(logs(names::ACCOUNT_CONTROL)));
            }
            wait.pause(ui, &state).await;
        }
    }

    /// The smallest object that the wiring selects.
    fn sample(&self, namespace: &str) -> Value {
        let spec = match self.kind {
            Kind::Prometheus | Kind::PrometheusAgent => json!({"serviceMonitorSelector": {}}),
            Kind::ThanosRuler => json!({"queryEndpoints": ["dns+query:10901"], "ruleSelector": {}}),
        };
        let resource = Resource::of(self.kind);
        json!({
            "apiVersion": resource.api_version(), "kind": resource.kind,
            "metadata": {"name": NAME, "namespace": namespace, "labels": self.selected_labels()},
            "spec": spec,
        })
    }

    /// Labels that the object selector takes.
    fn selected_labels(&self) -> Map<String, Value> {
        let selector = &self.written.spec.object_selector;
        let equal = selector
            .match_labels
            .iter()
            .flatten()
            .map(|(key, value)| (key.clone(), json!(value)));
        let expressions = selector.match_expressions.iter().flatten();
        let chosen = expressions.filter_map(|expression| match expression.operator.as_str() {
            "In" => Some((
                expression.key.clone(),
                json!(expression.values.as_ref()?.first()?),
            )),
            "Exists" => Some((expression.key.clone(), json!("proof"))),
            _ => None,
        });
        equal.chain(chosen).collect()
    }

    fn is_wired(&self, answer: &Value) -> bool {
        let annotation = answer["metadata"]["annotations"][names::WIRED]
            .as_str()
            .unwrap_or_default();
        let record: Value = serde_json::from_str(annotation).unwrap_or_default();
        let entries = answer["spec"]["remoteWrite"]
            .as_array()
            .into_iter()
            .flatten();
        let has_entry = entries.into_iter().any(|entry| {
            entry["name"] == self.right.entry.name.as_str()
                && entry["url"] == self.right.entry.url.as_str()
        });
        record.get(&*self.right.name).is_some() && has_entry
    }

    /// Why it came back as it went: what the decision itself says first, and nobody's answer last.
    async fn unwired(&self, object: &Value, namespace: &str, ui: &mut Ui<'_>) -> Failure {
        if self.registered.mutating
            && let Some(reason) = self.reason(object, namespace, ui).await
        {
            let message = format!(
                "a {} in {namespace} is not wired by {}: {reason}",
                self.kind.name(),
                self.right.name
            );
            return Failure::failed(message)
                .code(reason.code())
                .hint(format!("kubectl thanos explain {}", reason.code()));
        }
        let message = format!(
            "no webhook wires objects: a {} in {namespace} came back as it went",
            self.kind.name()
        );
        Self::hinted(
            Failure::failed(message).code(codes::WEBHOOK_SILENT),
            self.registered.mutating,
        )
    }

    async fn reason(&self, object: &Value, namespace: &str, ui: &mut Ui<'_>) -> Option<Reason> {
        let namespaces = [namespace.to_owned()].into();
        let known = Known::of_cluster(&WorldArgs::default(), self.cluster, &namespaces, ui)
            .await
            .ok()?;
        let subject = Subject::read(object, None, namespace).ok()?;
        let decision = decide(
            &subject,
            &known.world.facts(self.kind, namespace, &known.rules),
            &known.rules,
        );
        decision
            .outcomes
            .into_iter()
            .find_map(|(name, outcome)| match outcome {
                Outcome::Leave(reason)
                    if name == self.right.name && reason != Reason::AlreadyWired =>
                {
                    Some(reason)
                }
                _ => None,
            })
    }

    /// A wiring that CEL lets pass, and Prometheus could not load.
    async fn checks(&self) -> Result<String, Failure> {
        let mut written = self.written.clone();
        written.metadata = kube::api::ObjectMeta {
            name: Some(NAME.to_owned()),
            ..kube::api::ObjectMeta::default()
        };
        written.status = None;
        written.spec.credentials = None;
        let mut object = serde_json::to_value(&written).unwrap_or_default();
        object["spec"]["remoteWrite"]["writeRelabelConfigs"] =
            json!([{"action": "keep", "sourceLabels": ["job"], "regex": "("}]);
        let answer = self
            .cluster
            .create(&WIRINGS.all(), &object, Mode::DryRun)
            .await;
        match answer {
            Err(trouble) if is_denial(&trouble) => {
                Ok("a wiring with a relabel rule that does not compile was refused".to_owned())
            }
            Err(trouble) => Err(self.blind(trouble)),
            Ok(_) => {
                let message = "no webhook checks wirings: one with a relabel rule that does not compile was accepted";
                Err(Self::hinted(
                    Failure::failed(message).code(codes::WEBHOOK_BLIND),
                    self.registered.validating,
                ))
            }
        }
    }

    fn silent(&self, trouble: Trouble) -> Failure {
        Self::broken(
            trouble,
            codes::WEBHOOK_SILENT,
            "no webhook wires objects: it could not be asked",
            self.registered.mutating,
        )
    }

    fn blind(&self, trouble: Trouble) -> Failure {
        Self::broken(
            trouble,
            codes::WEBHOOK_BLIND,
            "no webhook checks wirings: it could not be asked",
            self.registered.validating,
        )
    }

    fn broken(trouble: Trouble, code: &'static Code, message: &str, registered: bool) -> Failure {
        if trouble.sort != Sort::WebhookBroken {
            return trouble.failure;
        }
        let mut failure = Failure::failed(message).code(code);
        failure.causes = trouble.failure.causes;
        Self::hinted(failure, registered)
    }

    fn hinted(failure: Failure, registered: bool) -> Failure {
        failure.hint(if registered {
            logs(names::ACCOUNT_SERVE)
        } else {
            helm::install_webhook()
        })
    }
}

fn is_denial(trouble: &Trouble) -> bool {
    trouble
        .failure
        .causes
        .iter()
        .any(|cause| cause.contains("denied the request"))
}

fn logs(deployment: &str) -> String {
    format!(
        "kubectl logs -n {} deployment/{deployment}",
        names::NAMESPACE
    )
}
