//! Plan, results and proofs of a hub as one document, and as lines.

use serde_json::{Value, json};
use thanos_core::names;

use super::facts::Facts;
use super::plan::{self, Plan};
use super::wish::Wish;
use crate::failure::Failure;
use crate::init::prove::Proof;
use crate::init::report as told;

/// What `init` has to say of a hub.
pub(crate) struct Report {
    hub: String,
    head: Vec<(&'static str, String)>,
    server: String,
    context: Option<String>,
    version: String,
    dry_run: bool,
    rows: Vec<Vec<String>>,
    settled: bool,
    plan: Value,
    warnings: Value,
    pub(crate) results: Vec<Value>,
    pub(crate) proofs: Vec<Proof>,
}

impl Report {
    /// Of a plan that nothing was done of yet.
    pub(crate) fn new(wish: &Wish, facts: &Facts, plan: &Plan, helm: &str, dry_run: bool) -> Self {
        let context = facts.context.as_deref().unwrap_or("none");
        let head = vec![
            (
                "Server",
                format!("{}   {}   context {context}", facts.server, facts.version),
            ),
            ("Helm", helm.to_owned()),
            (
                "Operator",
                facts
                    .operator
                    .as_ref()
                    .map_or_else(|| "none yet".to_owned(), ToString::to_string),
            ),
            (
                "Hub",
                format!("{} in namespace {}", wish.name, wish.namespace),
            ),
            (
                "Hosts",
                format!(
                    "{} takes samples, {} answers",
                    wish.write_host, wish.read_host
                ),
            ),
            (
                "Gateway",
                format!(
                    "{}, certificate of {}",
                    wish.ingress.word(),
                    wish.certificate
                ),
            ),
        ];
        let row = |item: &plan::Item| {
            vec![
                item.action.intent().to_owned(),
                item.part.to_owned(),
                item.namespace.clone().unwrap_or_else(|| "-".to_owned()),
                item.title.clone(),
                item.detail.clone(),
            ]
        };
        Self {
            hub: wish.name.clone(),
            head,
            server: facts.server.clone(),
            context: facts.context.clone(),
            version: facts.version.clone(),
            dry_run,
            rows: plan.items.iter().map(row).collect(),
            settled: plan.is_settled(),
            plan: plan::as_json(plan),
            warnings: told::warnings(&plan.warnings),
            results: Vec::new(),
            proofs: Vec::new(),
        }
    }

    /// What was found and what is to be done, for people.
    pub(crate) fn text(&self) -> String {
        let columns = ["PLAN", "PART", "NAMESPACE", "OBJECT", "DETAIL"];
        told::text(&self.head, &columns, &self.rows, self.settled)
    }

    /// All of it as one document.
    pub(crate) fn as_json(&self) -> Value {
        let proven = self.proofs.iter().all(|proof| proof.ok);
        json!({
            "apiVersion": names::API_VERSION, "kind": "HubReport", "hub": self.hub, "server": self.server,
            "context": self.context, "serverVersion": self.version, "dryRun": self.dry_run, "plan": self.plan,
            "warnings": self.warnings, "results": self.results, "proofs": self.proofs, "ok": proven,
        })
    }

    /// The same when it stopped.
    pub(crate) fn stopped_at(&self, failure: &Failure) -> Value {
        told::stopped(self.as_json(), failure)
    }
}
