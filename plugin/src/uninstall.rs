//! `kubectl thanos uninstall`: what `init` made is taken away, in the order in which nothing breaks.
//!
//! ```text
//! facts (read only) ─> plan (pure) ─> show ─> ask ─> wirings, until none is wired ─> registrations ─> releases ─> rest
//! ```
//!
//! Whatever somebody else made stays, and so does what another hub needs.

use std::fmt::Write as _;

use serde_json::json;
use thanos_core::names;

use crate::cli::{Global, ReportFormat, UninstallArgs};
use crate::cluster::Cluster;
use crate::enroll::local::misnamed;
use crate::enroll::{told, warn};
use crate::failure::{Ending, Failure};
use crate::helm::Helm;
use crate::ui::{self, Ui};
use apply::Doings;
use plan::{Plan, Wish};

mod apply;
mod azure;
mod facts;
mod plan;
mod unwire;

/// Runs the verb.
pub(crate) async fn run(
    args: &UninstallArgs,
    global: &Global,
    ui: &mut Ui<'_>,
) -> Result<Ending, Failure> {
    if let Some(fault) = misnamed(&args.name) {
        return Err(fault);
    }
    let wish = Wish {
        hub: args.name.clone(),
        third_party: args.third_party,
        crds: args.crds,
        data: args.data,
    };
    let cluster = Cluster::connect(global, ui.journal()).await?;
    cluster.expect_context(args.expect_context.as_deref())?;
    let facts = facts::gather(&cluster, &wish).await?;
    let mut plan = plan::plan(&wish, &facts);
    azure::list(args, &cluster, &facts, &mut plan, ui).await;
    let helm = if plan.needs_helm() {
        Some(Helm::find(global, &cluster, ui.surroundings()).await?)
    } else {
        None
    };
    show(&plan, &cluster, args, ui)?;
    if args.dry_run {
        return Ok(Ending::Fine);
    }
    if plan.is_settled() {
        if args.output == ReportFormat::Json {
            ui.json(&report(&plan, &cluster, args, &[], None))?;
        }
        return Ok(Ending::Fine);
    }
    let question = format!(
        "Remove this from {} (context {})?",
        cluster.server(),
        cluster.context().unwrap_or("none")
    );
    if !args.yes {
        ui.confirm(&question).await?;
    }
    let aloud = args.output == ReportFormat::Text;
    let mut doings = Doings {
        ui,
        aloud,
        results: Vec::new(),
        is_timed: global.timeout.is_some_and(|timeout| !timeout.is_zero()),
    };
    let applied = apply::apply(&cluster, helm.as_ref(), &plan, &mut doings).await;
    let Doings { results, ui, .. } = doings;
    let failure = match applied {
        Ok(()) => None,
        Err(failures) => Some(told(failures, ui)),
    };
    if !aloud {
        ui.json(&report(&plan, &cluster, args, &results, failure.as_ref()))?;
    }
    match failure {
        Some(failure) if results.is_empty() => Err(failure),
        Some(failure) => {
            ui.fail(&failure);
            ui.say("Run the same command again when that is mended: it does what is left.");
            Ok(Ending::Partly)
        }
        None => {
            if plan.removes_a_hub() {
                ui.say(format!(
                    "Nothing in Azure was deleted. What init made there: az resource list --tag kubectl-thanos={} -o table",
                    args.name
                ));
            }
            Ok(Ending::Fine)
        }
    }
}

/// `--dry-run`: the plan is the result. Else it is talk before the question.
fn show(
    plan: &Plan,
    cluster: &Cluster,
    args: &UninstallArgs,
    ui: &mut Ui<'_>,
) -> Result<(), Failure> {
    let mut text = if plan.rows.is_empty() {
        String::new()
    } else {
        let rows: Vec<Vec<String>> = plan
            .rows
            .iter()
            .map(|row| {
                let namespace = row.namespace.clone().unwrap_or_else(|| "-".to_owned());
                vec![
                    row.intent().to_owned(),
                    namespace,
                    row.title.clone(),
                    row.detail.clone(),
                ]
            })
            .collect();
        ui::table(&["PLAN", "NAMESPACE", "OBJECT", "DETAIL"], &rows)
    };
    // What is of the cluster is not of the hub alone.
    let is_left = plan.rows.iter().any(|row| row.namespace.is_some());
    if plan.is_settled() && !is_left {
        let _ = writeln!(text, "Nothing of hub {} is left.", args.name);
    } else if plan.is_settled() {
        let _ = writeln!(
            text,
            "Nothing more of hub {} goes: the rest stays, for the reasons above.",
            args.name
        );
    }
    match (args.output, args.dry_run) {
        (ReportFormat::Json, true) => ui.json(&report(plan, cluster, args, &[], None))?,
        (ReportFormat::Text, true) => ui.text(&text)?,
        (_, false) => ui.say(text.trim_end()),
    }
    warn(&plan.warnings, ui);
    Ok(())
}

/// All of it as one document.
fn report(
    plan: &Plan,
    cluster: &Cluster,
    args: &UninstallArgs,
    results: &[serde_json::Value],
    failure: Option<&Failure>,
) -> serde_json::Value {
    let rows = plan.rows.iter().map(|row| {
        json!({"action": row.intent(), "namespace": row.namespace, "object": row.title, "detail": row.detail})
    });
    let mut document = json!({
        "apiVersion": names::API_VERSION, "kind": "UninstallReport", "hub": args.name, "server": cluster.server(),
        "context": cluster.context(), "dryRun": args.dry_run, "plan": rows.collect::<Vec<_>>(), "results": results,
        "ok": failure.is_none(),
    });
    if let Some(failure) = failure {
        document["stoppedAt"] = json!({
            "code": failure.code.map(|code| code.code), "sentence": failure.message, "causes": failure.causes,
        });
    }
    document
}
