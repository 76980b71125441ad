//! Plan, results and proofs as one document, and as lines.

use std::fmt::Write as _;

use serde_json::{Value, json};
use thanos_core::codes::Code;
use thanos_core::names;

use super::facts::Facts;
use super::plan::{self, Plan};
use super::prove::Proof;
use super::wish::Wish;
use crate::cli::{InitArgs, ReportFormat};
use crate::enroll::warn;
use crate::failure::{Ending, Failure};
use crate::ui::{self, Ui};

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
            warnings: warnings(&plan.warnings),
            results: Vec::new(),
            proofs: Vec::new(),
        }
    }

    /// What was found and what is to be done, for people.
    pub(crate) fn text(&self) -> String {
        let columns = ["PLAN", "NAMESPACE", "OBJECT", "DETAIL"];
        text(&self.head, &columns, &self.rows, self.settled)
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
        stopped(self.as_json(), failure)
    }
}

/// A plan for people: what was found, then a row for each step.
pub(super) fn text(
    head: &[(&'static str, String)],
    columns: &[&str],
    rows: &[Vec<String>],
    is_settled: bool,
) -> String {
    let mut text = String::new();
    for (name, value) in head {
        let _ = writeln!(text, "{name:<10}{value}");
    }
    text.push('\n');
    text.push_str(&ui::table(columns, rows));
    if is_settled {
        text.push_str("Nothing is to be changed.\n");
    }
    text
}

/// Warnings as members of a document.
pub(super) fn warnings(warnings: &[(&'static Code, String)]) -> Value {
    let warning =
        |(code, sentence): &(&Code, String)| json!({"code": code.code, "sentence": sentence});
    warnings.iter().map(warning).collect()
}

/// A document of what ended before its end.
pub(super) fn stopped(mut document: Value, failure: &Failure) -> Value {
    document["ok"] = json!(false);
    document["stoppedAt"] = json!({
        "code": failure.code.map(|code| code.code), "sentence": failure.message, "causes": failure.causes,
    });
    document
}

/// How a run ends that stopped: partly done where anything was changed, with how it stands.
pub(super) fn ended(
    failure: Failure,
    changed: bool,
    standing: &str,
    ui: &mut Ui<'_>,
) -> Result<Ending, Failure> {
    if !changed {
        return Err(failure);
    }
    ui.fail(&failure);
    ui.say(standing);
    ui.say("Run the same command again when that is mended: it does what is missing.");
    Ok(Ending::Partly)
}

/// `--dry-run`: the plan is the result. Else it is talk before the question.
pub(super) fn show(
    text: &str,
    document: &Value,
    warnings: &[(&'static Code, String)],
    args: &InitArgs,
    ui: &mut Ui<'_>,
) -> Result<(), Failure> {
    match (args.output, args.dry_run) {
        (ReportFormat::Json, true) => ui.json(document)?,
        (ReportFormat::Text, true) => ui.text(text)?,
        (_, false) => ui.say(text.trim_end()),
    }
    warn(warnings, ui);
    Ok(())
}
