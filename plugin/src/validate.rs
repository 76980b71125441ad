//! `kubectl thanos validate`: manifests, policies, wirings and object-store files in, everything that is wrong out.
//!
//! read → look → judge each object, read each of our own kinds → findings with their places → text, JSON or SARIF.

use std::path::PathBuf;
use std::sync::Arc;

use thanos_core::Rules;

use crate::charge::Court;
use crate::cli::{Global, Threshold, ValidateArgs, ValidateFormat};
use crate::cluster::Cluster;
use crate::facts::{Known, POLICY, WIRING};
use crate::failure::{Ending, Failure};
use crate::inject::namespaces;
use crate::inputs::{self, Input, Sheet};
use crate::manifests::Document;
use crate::paths;
use crate::runtime;
use crate::ui::Ui;

mod check;
mod finding;
mod hidden;
mod objstore;
mod place;
mod sarif;
mod text;

use check::Checks;
use finding::{Report, Summary};

/// Runs the verb.
pub(crate) fn run(
    args: &ValidateArgs,
    global: &Global,
    ui: &mut Ui<'_>,
) -> Result<Ending, Failure> {
    let nothing = args.filenames.is_empty() && args.objstore.is_empty();
    if nothing && !args.around.world.live {
        return Err(Failure::usage("nothing is named that could be checked")
            .hint("name files with -f, or check the cluster with --live"));
    }
    let report = if nothing {
        runtime::wait(global, of_cluster(args, global, ui))?
    } else {
        of_files(args, global, ui)?
    };
    match args.output {
        ValidateFormat::Text => text::tell(&report, ui)?,
        ValidateFormat::Json => ui.json(&report.data())?,
        ValidateFormat::Sarif => ui.json(&sarif::log(&report))?,
    }
    Ok(conclude(&report, args, ui))
}

fn of_files(args: &ValidateArgs, global: &Global, ui: &mut Ui<'_>) -> Result<Report, Failure> {
    paths::stdin_once(&paths::of_policies(
        &args.filenames,
        &args.objstore,
        &args.around,
    ))?;
    let sheets = inputs::sheets(&args.filenames, ui.stdin())?;
    let stores = inputs::texts(&args.objstore, ui.stdin())?;
    inputs::note_folders(&args.filenames, ui);
    inputs::note_folders(&args.objstore, ui);
    let known = look(args, global, &sheets, ui)?;
    let court = if args.as_is {
        Court::as_is(&known)
    } else {
        Court::after_wiring(&known)
    };
    let around = namespaces(read(&sheets), &known.namespace);
    let mut checks = Checks::new(&known, court.around(around));
    checks.sheets(&sheets);
    for store in &stores {
        checks.store(store);
    }
    let is_empty = stores.is_empty() && read(&sheets).all(|input| input.documents.is_empty());
    if is_empty && checks.findings.is_empty() {
        return Err(nothing_in(&args.filenames));
    }
    let files = sheets.len() + stores.len();
    Ok(report(checks, files, &known, ui))
}

async fn of_cluster(
    args: &ValidateArgs,
    global: &Global,
    ui: &mut Ui<'_>,
) -> Result<Report, Failure> {
    let cluster = Cluster::connect(global, ui.journal()).await?;
    let namespace = (!args.all_namespaces).then(|| cluster.namespace());
    let (mut stored, around) = cluster.judged(namespace).await?;
    stored.extend(cluster.policies().await?);
    stored.extend(cluster.wirings().await?);
    let mut known = Known::of_cluster(&args.around.world, &cluster, &around, ui).await?;
    let policies = if args.around.policies.is_empty() {
        stored
            .iter()
            .filter_map(|one| (POLICY.read)(one).ok())
            .map(Arc::new)
            .collect()
    } else {
        Known::policies(&args.around, ui)?
    };
    known.rules = known.rules.with_policies(policies);
    let mut checks = Checks::new(&known, Court::as_is(&known).around(around));
    for object in &stored {
        checks.stored(object);
    }
    Ok(report(checks, 0, &known, ui))
}

/// What is known before the files are judged: the rules that are named, those of the cluster, or those among the files.
fn look(
    args: &ValidateArgs,
    global: &Global,
    sheets: &[Sheet],
    ui: &mut Ui<'_>,
) -> Result<Known, Failure> {
    if args.around.world.live {
        return runtime::wait(global, async {
            let cluster = Cluster::connect(global, ui.journal()).await?;
            let namespaces = namespaces(read(sheets), cluster.namespace());
            Known::of_policies_in_cluster(&args.around, &cluster, &namespaces, ui).await
        });
    }
    let mut known = Known::of_policy_files(&args.around, global, ui)?;
    add_own(&mut known, args, sheets);
    Ok(known)
}

/// Takes the policies and wirings among the files themselves, where none are named. Wrong ones are findings later.
fn add_own(known: &mut Known, args: &ValidateArgs, sheets: &[Sheet]) {
    let objects = || {
        read(sheets)
            .flat_map(|input| &input.documents)
            .flat_map(Document::objects)
            .map(|object| object.value)
    };
    let policies: Vec<_> = if args.around.policies.is_empty() {
        let right = objects().filter_map(|value| (POLICY.read)(value).ok());
        right.map(Arc::new).collect()
    } else {
        known.rules.policies().to_vec()
    };
    if args.around.world.wirings.is_empty() {
        let right = objects().filter_map(|value| (WIRING.read)(value).ok());
        known.rules = Rules::new(right.map(Arc::new));
    }
    known.rules = std::mem::take(&mut known.rules).with_policies(policies);
}

fn read(sheets: &[Sheet]) -> impl Iterator<Item = &Input> {
    sheets.iter().filter_map(|sheet| match sheet {
        Sheet::Read(input) => Some(input),
        Sheet::Unreadable(_) => None,
    })
}

fn nothing_in(filenames: &[PathBuf]) -> Failure {
    let sentence = match filenames {
        [only] if only.as_os_str() == "-" => "standard input holds nothing at all".to_owned(),
        [only] => format!("{} holds nothing at all", only.display()),
        _ => "the files hold nothing at all".to_owned(),
    };
    Failure::usage(sentence).code(thanos_core::codes::NO_INPUTS)
}

fn report(checks: Checks<'_>, files: usize, known: &Known, ui: &mut Ui<'_>) -> Report {
    let policies = known.rules.policies().len();
    if checks.judged > 0 && policies == 0 {
        ui.note(
            "there is no policy: Prometheus objects were only read; --policy or --live brings some",
        );
    }
    if checks.checked == 0 && checks.findings.is_empty() {
        let objects = checks.passed;
        ui.note(match objects {
            1 => "the only object is of no kind that is checked".to_owned(),
            _ => format!("none of {objects} objects is of a kind that is checked"),
        });
    }
    // Assumptions matter where policies judge.
    let assumed = if checks.judged == 0 || policies == 0 {
        Vec::new()
    } else {
        known.world.assumptions(&known.rules)
    };
    let summary = Summary::new(files, checks.checked, policies, &checks.findings);
    Report::new(summary, assumed, checks.findings)
}

/// The end of a run, and why it is 3.
fn conclude(report: &Report, args: &ValidateArgs, ui: &mut Ui<'_>) -> Ending {
    let found = report.reaching(args.fail_on);
    if found == 0 || args.exit_zero || args.fail_on == Threshold::Never {
        return Ending::Fine;
    }
    let findings = if found == 1 { "finding" } else { "findings" };
    ui.found(format!(
        "{found} {findings} at or above {} (--fail-on)",
        args.fail_on.word()
    ));
    Ending::Findings
}
