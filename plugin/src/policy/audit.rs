//! `policy audit`: what exists and would be refused if every policy said Deny.

use serde::Serialize;
use serde_json::Value;
use thanos_core::codes::{self, Severity};
use thanos_core::policy::Enforcement;
use thanos_core::{Charge, names};

use crate::charge::{Court, denying, word};
use crate::cli::{Global, PolicyAuditArgs, ReportFormat};
use crate::cluster::Cluster;
use crate::facts::Known;
use crate::failure::{Ending, Failure};
use crate::inject::namespaces;
use crate::inputs::{self, Input};
use crate::judge::ObjectName;
use crate::manifests::Document;
use crate::paths;
use crate::runtime;
use crate::ui::{self, Ui};

/// The report.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    api_version: &'static str,
    kind: &'static str,
    summary: Summary,
    assumed: Vec<&'static str>,
    violations: Vec<Violation>,
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Summary {
    objects: usize,
    policies: usize,
    /// Objects that would be refused.
    refused: usize,
    /// Faults that exemptions let off.
    exempt: usize,
}

/// One fault that Deny would find.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Violation {
    object: ObjectName,
    rule: &'static str,
    code: &'static str,
    path: String,
    sentence: String,
    policies: Vec<String>,
    /// What happens about it today: deny, warn, audit.
    today: &'static str,
    /// What would happen: deny, or warn where the rule never refuses.
    then: &'static str,
}

/// Runs the verb.
pub(crate) fn run(
    args: &PolicyAuditArgs,
    global: &Global,
    ui: &mut Ui<'_>,
) -> Result<Ending, Failure> {
    let live = args.around.world.live;
    if args.filenames.is_empty() && !live {
        return Err(Failure::usage("nothing is named that could be looked at")
            .hint("look at the cluster with --live, or name files with -f"));
    }
    let report = if args.filenames.is_empty() {
        runtime::wait(global, of_cluster(args, global, ui))?
    } else {
        of_files(args, global, ui)?
    };
    if report.summary.objects == 0 {
        ui.note("there is no object that policies judge");
    }
    match args.output {
        ReportFormat::Json => ui.json(&serde_json::to_value(&report).unwrap_or(Value::Null))?,
        ReportFormat::Text => tell(&report, ui)?,
    }
    let severity = |violation: &Violation| {
        if violation.then == "deny" {
            Severity::Error
        } else {
            Severity::Warning
        }
    };
    let reaching = report.violations.iter().map(severity);
    let found = reaching
        .filter(|severity| args.fail_on.reaches(*severity))
        .count();
    if found == 0 {
        return Ok(Ending::Fine);
    }
    let findings = if found == 1 {
        "violation"
    } else {
        "violations"
    };
    ui.found(format!(
        "{found} {findings} at or above {} (--fail-on)",
        args.fail_on.word()
    ));
    Ok(Ending::Findings)
}

fn of_files(args: &PolicyAuditArgs, global: &Global, ui: &mut Ui<'_>) -> Result<Report, Failure> {
    paths::stdin_once(&paths::of_policies(&args.filenames, &[], &args.around))?;
    let inputs = inputs::read(&args.filenames, ui.stdin())?;
    inputs::note_folders(&args.filenames, ui);
    let known = if args.around.world.live {
        runtime::wait(global, async {
            let cluster = Cluster::connect(global, ui.journal()).await?;
            let namespaces = namespaces(&inputs, cluster.namespace());
            Known::of_policies_in_cluster(&args.around, &cluster, &namespaces, ui).await
        })?
    } else {
        Known::of_policy_files(&args.around, global, ui)?
    };
    if known.rules.policies().is_empty() && !args.around.world.live {
        return Err(Failure::usage("no policy is given")
            .code(codes::NO_INPUTS)
            .hint("name a file with --policy, or ask the cluster with --live"));
    }
    let objects = |input: &Input| {
        let all = input.documents.iter().flat_map(Document::objects);
        all.map(|object| object.value.clone()).collect::<Vec<_>>()
    };
    let values: Vec<Value> = inputs.iter().flat_map(objects).collect();
    let around = namespaces(&inputs, &known.namespace);
    let rules = denying(&known.rules);
    let today = Court::after_wiring(&known).around(around.clone());
    let then = Court::after_wiring(&known).around(around).by(&rules);
    Ok(report(&values, &today, &then, &known))
}

async fn of_cluster(
    args: &PolicyAuditArgs,
    global: &Global,
    ui: &mut Ui<'_>,
) -> Result<Report, Failure> {
    let cluster = Cluster::connect(global, ui.journal()).await?;
    let namespace = (!args.all_namespaces).then(|| cluster.namespace());
    let (stored, around) = cluster.judged(namespace).await?;
    let known = Known::of_policies_in_cluster(&args.around, &cluster, &around, ui).await?;
    let rules = denying(&known.rules);
    let today = Court::as_is(&known).around(around.clone());
    let then = Court::as_is(&known).around(around).by(&rules);
    Ok(report(&stored, &today, &then, &known))
}

fn report(values: &[Value], today: &Court<'_>, then: &Court<'_>, known: &Known) -> Report {
    let mut summary = Summary {
        policies: known.rules.policies().len(),
        ..Summary::default()
    };
    let mut violations = Vec::new();
    for value in values {
        let Some(Ok(denied)) = then.try_one(value, None) else {
            continue;
        };
        let now = today.try_one(value, None).and_then(Result::ok);
        let now = now.map(|tried| tried.judgement.charges).unwrap_or_default();
        summary.objects += 1;
        let charges = &denied.judgement.charges;
        let refuses = |charge: &&Charge| !charge.exempt && charge.enforcement == Enforcement::Deny;
        summary.refused += usize::from(charges.iter().any(|charge| refuses(&charge)));
        for charge in charges {
            if charge.exempt {
                summary.exempt += 1;
                continue;
            }
            let same = |other: &&Charge| {
                (other.rule, &other.path, &other.sentence)
                    == (charge.rule, &charge.path, &charge.sentence)
                    && !other.exempt
            };
            violations.push(Violation {
                object: denied.object.clone(),
                rule: charge.rule.id,
                code: charge.code.code,
                path: charge.path.clone(),
                sentence: charge.sentence.clone(),
                policies: charge.policies.iter().map(ToString::to_string).collect(),
                today: now.iter().find(same).map_or("audit", word),
                then: word(charge),
            });
        }
    }
    let by_name = |violation: &Violation| {
        let object = &violation.object;
        (object.namespace.clone(), object.name.clone(), object.kind)
    };
    violations.sort_by_cached_key(by_name);
    let assumed = if summary.objects == 0 {
        Vec::new()
    } else {
        known.world.assumptions(&known.rules)
    };
    Report {
        api_version: names::API_VERSION,
        kind: "PolicyAuditReport",
        summary,
        assumed,
        violations,
    }
}

fn tell(report: &Report, ui: &mut Ui<'_>) -> Result<(), Failure> {
    let cells = |violation: &Violation| {
        vec![
            violation.object.title(),
            violation.rule.to_owned(),
            violation.today.to_owned(),
            violation.path.clone(),
            violation.sentence.clone(),
            violation.policies.join(","),
        ]
    };
    if !report.violations.is_empty() {
        let rows: Vec<Vec<String>> = report.violations.iter().map(cells).collect();
        let headers = ["OBJECT", "RULE", "TODAY", "PATH", "WHY", "POLICY"];
        ui.text(&format!("{}\n", ui::table(&headers, &rows)))?;
    }
    let Summary {
        objects,
        policies,
        refused,
        exempt,
    } = &report.summary;
    let of = if *objects == 1 { "object" } else { "objects" };
    let by = if *policies == 1 { "policy" } else { "policies" };
    ui.text(&format!(
        "{refused} of {objects} {of} would be refused by {policies} {by} under Deny; {exempt} exempt\n"
    ))?;
    if !report.assumed.is_empty() {
        let assumed = report.assumed.join("; ");
        ui.tell(
            codes::ASSUMED,
            format!("assumed: {assumed}; --facts or --live makes sure"),
        );
    }
    Ok(())
}
