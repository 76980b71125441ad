//! Plan, results and proofs as one document, and as lines.

use std::fmt::Write as _;

use serde_json::{Value, json};
use thanos_core::names;

use super::facts::Facts;
use super::plan::{self, Plan};
use super::prove::Proof;
use super::wish::Wish;
use crate::failure::Failure;
use crate::ui;

/// What `init` has to say.
pub(crate) struct Report {
    /// The wiring's name.
    pub(crate) wiring: String,
    head: Vec<(&'static str, String)>,
    server: String,
    version: String,
    operator: Option<String>,
    dry_run: bool,
    rows: Vec<Vec<String>>,
    settled: bool,
    plan: Value,
    warnings: Value,
    /// Each step that is done.
    pub(crate) results: Vec<Value>,
    /// What the dry-runs have shown.
    pub(crate) proofs: Vec<Proof>,
}

impl Report {
    /// Of a plan that nothing was done of yet.
    pub(crate) fn new(wish: &Wish, facts: &Facts, plan: &Plan, dry_run: bool) -> Self {
        let kinds: Vec<&str> = facts.kinds.iter().map(|kind| kind.name()).collect();
        let operator = facts.operator.as_ref().map(ToString::to_string);
        let registered = match (facts.registered.mutating, facts.registered.validating) {
            (true, true) => "registered",
            (true, false) => "registered for objects, not for wirings",
            (false, true) => "registered for wirings, not for objects",
            (false, false) => "not installed",
        };
        let head = vec![
            ("Server", format!("{}   {}", facts.server, facts.version)),
            (
                "Operator",
                format!(
                    "{}   {}",
                    operator.as_deref().unwrap_or("version unknown"),
                    kinds.join(", ")
                ),
            ),
            ("Webhook", registered.to_owned()),
            (
                "Wiring",
                format!(
                    "{}: {} to {}",
                    wish.right.name, wish.right.cluster, wish.right.entry.url
                ),
            ),
        ];
        let row = |(namespace, row): (Option<&str>, &crate::enroll::plan::Row)| {
            let namespace = namespace.unwrap_or("-").to_owned();
            vec![
                row.action.intent().to_owned(),
                namespace,
                row.at.title(),
                row.detail.clone(),
            ]
        };
        let warning = |(code, sentence): &(&thanos_core::codes::Code, String)| json!({"code": code.code, "sentence": sentence});
        Self {
            wiring: wish.right.name.to_string(),
            head,
            server: facts.server.clone(),
            version: facts.version.clone(),
            operator,
            dry_run,
            rows: plan.rows().map(row).collect(),
            settled: plan.is_settled(),
            plan: plan::as_json(plan),
            warnings: plan.warnings.iter().map(warning).collect(),
            results: Vec::new(),
            proofs: Vec::new(),
        }
    }

    /// What was found and what is to be done, for people.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        for (name, value) in &self.head {
            let _ = writeln!(text, "{name:<10}{value}");
        }
        text.push('\n');
        text.push_str(&ui::table(
            &["PLAN", "NAMESPACE", "OBJECT", "DETAIL"],
            &self.rows,
        ));
        if self.settled {
            text.push_str("Nothing is to be changed.\n");
        }
        text
    }

    /// All of it as one document.
    pub(crate) fn as_json(&self) -> Value {
        let proven = self.proofs.iter().all(|proof| proof.ok);
        json!({
            "apiVersion": names::API_VERSION, "kind": "InitReport", "server": self.server, "serverVersion": self.version,
            "operatorVersion": self.operator, "wiring": self.wiring, "dryRun": self.dry_run, "plan": self.plan,
            "warnings": self.warnings, "results": self.results, "proofs": self.proofs, "ok": proven,
        })
    }

    /// The same when it stopped.
    pub(crate) fn stopped_at(&self, failure: &Failure) -> Value {
        let mut document = self.as_json();
        document["ok"] = json!(false);
        document["stoppedAt"] = json!({"code": failure.code.map(|code| code.code), "sentence": failure.message, "causes": failure.causes});
        document
    }
}
