//! `kubectl thanos init`: set up a hub (`hub.rs`), or wire this cluster as a member of one (here).
//!
//! ```text
//! wish ─> facts (read only) ─> plan (pure) ─> show ─> ask ─> apply ─> prove
//! ```

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use thanos_core::codes;

use crate::cli::{Global, InitArgs, ReportFormat};
use crate::cluster::resource::WIRINGS;
use crate::cluster::{Cluster, live};
use crate::enroll::hidden::{Hidden, NewFile, htpasswd_line};
use crate::enroll::local;
use crate::enroll::parts::{Part, parts};
use crate::enroll::plan as enrolment;
use crate::enroll::wish::{Frame, wish as credential_wish};
use crate::enroll::{self, told, warn};
use crate::failure::{Ending, Failure};
use crate::files;
use crate::ui::Ui;
use crate::yaml;
use apply::Doings;
use facts::Facts;
use plan::Plan;
use prove::{Claim, Proof};
use report::Report;
use wish::Wish;

pub(crate) mod apply;
mod facts;
mod form;
pub(crate) mod hub;
mod plan;
mod prove;
mod report;
mod wish;

/// Runs the verb.
pub(crate) async fn run(
    args: &InitArgs,
    global: &Global,
    ui: &mut Ui<'_>,
) -> Result<Ending, Failure> {
    match form::form(args, ui)? {
        form::Form::Member => member(args, global, ui).await,
        form::Form::Hub => Box::pin(hub::run(args, global, ui)).await,
        form::Form::Answers(answers) => {
            let global = Global {
                namespace: global.namespace.clone().or(answers.namespace),
                ..global.clone()
            };
            Box::pin(hub::run(&answers.args, &global, ui)).await
        }
    }
}

/// Wires this cluster.
async fn member(args: &InitArgs, global: &Global, ui: &mut Ui<'_>) -> Result<Ending, Failure> {
    let faults = local::check(&args.credential, args.filename.as_deref());
    if !faults.is_empty() {
        return Err(told(faults, ui));
    }
    let wish = wish::wish(args, global, ui).map_err(|faults| told(faults, ui))?;
    if let Some(folder) = &args.export {
        return export(folder, &wish, ui);
    }
    let parts = parts(&wish.written);
    let frame = Frame {
        parts: &parts,
        cluster: &wish.written.spec.cluster,
    };
    let local::Local { given, file } =
        local::read(&args.credential, args.dry_run, ui).map_err(|faults| told(faults, ui))?;
    let mut credential =
        credential_wish(&args.credential, frame, given).map_err(|faults| told(faults, ui))?;
    let cluster = Cluster::connect(global, ui.journal()).await?;
    cluster.expect_context(args.expect_context.as_deref())?;
    let terms = enroll::terms(&Value::Null, &wish.written);
    let facts = facts::gather(&cluster, &wish, &terms).await?;
    let terms = enroll::terms(facts.wiring.as_ref().unwrap_or(&Value::Null), &wish.written);
    match &args.credential.copy_from {
        Some(from) => enroll::copy(&cluster, &terms, from, &mut credential).await?,
        None => credential.stand_in(&facts.copied),
    }
    let plan = plan::plan(&wish, &credential, &terms, &facts).map_err(|faults| told(faults, ui))?;
    let mut report = Report::new(&wish, &facts, &plan, args.dry_run);
    report::show(&report.text(), &report.as_json(), &plan.warnings, args, ui)?;
    if args.dry_run {
        return Ok(Ending::Fine);
    }
    if !plan.is_settled() && !args.yes {
        ui.confirm(&format!("Apply to {}?", facts.server)).await?;
    }
    let aloud = args.output == ReportFormat::Text;
    let mut doings = Doings {
        ui,
        aloud,
        results: Vec::new(),
        changed: false,
        enrolled: Vec::new(),
    };
    let applied = apply::apply(&cluster, &plan, &terms, &credential, &mut doings).await;
    let Doings {
        results,
        changed,
        enrolled,
        ..
    } = doings;
    report.results = results;
    if let Err(failures) = applied {
        return stopped(failures, changed, &plan, &report, aloud, ui);
    }
    tell_gateway(&enrolled, file, ui)?;
    if !args.wait {
        if !aloud {
            ui.json(&report.as_json())?;
        }
        ui.tell(codes::NOT_PROVEN, codes::NOT_PROVEN.title);
        return Ok(Ending::Partly);
    }
    let proofs = claim(&cluster, &wish, &facts, global).prove(ui).await;
    conclude(proofs, report, aloud, ui)
}

/// Says what is done and what is not, and why; the same command again does the rest.
fn stopped(
    failures: Vec<Failure>,
    changed: bool,
    plan: &Plan,
    report: &Report,
    aloud: bool,
    ui: &mut Ui<'_>,
) -> Result<Ending, Failure> {
    let failure = told(failures, ui);
    let rows = plan.rows().count();
    let left: Vec<String> = plan
        .rows()
        .skip(report.results.len())
        .map(|(namespace, row)| {
            let place = namespace
                .map(|namespace| format!(" in namespace {namespace}"))
                .unwrap_or_default();
            format!("{}{place}", row.at.title())
        })
        .collect();
    let standing = format!(
        "{} of {rows} steps are done; not done: {}",
        report.results.len(),
        left.join(", ")
    );
    if !aloud {
        ui.json(&report.stopped_at(&failure))?;
    }
    report::ended(failure, changed, &standing, ui)
}

/// One line per user for the gateway, in one new file.
fn tell_gateway(
    enrolled: &[enrolment::Plan],
    file: Option<NewFile>,
    ui: &mut Ui<'_>,
) -> Result<(), Failure> {
    let made = enrolled.iter().any(|plan| plan.made_password);
    let mut passwords: BTreeMap<String, &Hidden> = BTreeMap::new();
    for plan in enrolled {
        let (Some(user), Some(password)) = (
            plan.effective.get(&Part::User),
            plan.effective.get(&Part::Password),
        ) else {
            continue;
        };
        let user = String::from_utf8_lossy(user.reveal()).into_owned();
        if passwords.get(&user).is_some_and(|known| *known != password) {
            let sentence = format!(
                "namespaces write as {user} with more than one password, and a gateway keeps one per user"
            );
            ui.tell(codes::USER_SHARED, sentence);
        }
        passwords.entry(user).or_insert(password);
    }
    let Some(file) = file else {
        if made {
            let sentence = "the gateway does not know this password yet: the same command with --htpasswd-out FILE writes the line for it";
            ui.tell(codes::GATEWAY_UNTOLD, sentence);
        }
        return Ok(());
    };
    let mut lines = Vec::new();
    for (user, password) in &passwords {
        lines.extend(htpasswd_line(user, password)?.reveal());
    }
    let path = file.path().display().to_string();
    file.write(&Hidden::new(lines))?;
    let users: Vec<&str> = passwords.keys().map(String::as_str).collect();
    ui.say(format!(
        "wrote {path} (0600): the line of user {} for the gateway's htpasswd file",
        users.join(", ")
    ));
    Ok(())
}

fn claim<'a>(cluster: &'a Cluster, wish: &'a Wish, facts: &Facts, global: &Global) -> Claim<'a> {
    let mut namespaces = wish.namespaces.clone();
    let enrolled = facts
        .wiring
        .as_ref()
        .map(live::enrolled)
        .unwrap_or_default();
    namespaces.extend(
        enrolled
            .into_iter()
            .map(str::to_owned)
            .filter(|enrolled| !wish.namespaces.contains(enrolled)),
    );
    if namespaces.is_empty() {
        namespaces.push(cluster.namespace().to_owned());
    }
    let served = wish
        .right
        .kinds
        .iter()
        .find(|kind| facts.kinds.contains(kind));
    Claim {
        cluster,
        written: &wish.written,
        right: &wish.right,
        namespaces,
        kind: served.copied().unwrap_or(thanos_core::Kind::Prometheus),
        registered: facts.registered,
        patience: global
            .timeout
            .filter(|timeout| !timeout.is_zero())
            .map_or(Some(prove::READY), |_: Duration| None),
    }
}

fn conclude(
    proofs: Vec<Proof>,
    mut report: Report,
    aloud: bool,
    ui: &mut Ui<'_>,
) -> Result<Ending, Failure> {
    if aloud {
        for proof in proofs.iter().filter(|proof| proof.ok) {
            ui.text(&format!("proof: {}: {}\n", proof.of, proof.sentence))?;
        }
        ui.flush()?;
    }
    let mut failures: Vec<Failure> = proofs
        .iter()
        .filter_map(|proof| proof.failure.clone())
        .collect();
    report.proofs = proofs;
    if !aloud {
        ui.json(&report.as_json())?;
    }
    // One remedy for both is said once.
    if let [first, second] = failures.as_mut_slice()
        && first.hints == second.hints
    {
        first.hints.clear();
    }
    let Some(last) = failures.pop() else {
        ui.say(format!("Done: objects that wiring {} selects are wired from now on. See them: kubectl thanos get prometheuses -A", report.wiring));
        return Ok(Ending::Fine);
    };
    for failure in &failures {
        ui.fail(failure);
    }
    Err(last)
}

/// Writes the manifests; whoever applies them still has to enroll, because no secret is among them.
fn export(folder: &Path, wish: &Wish, ui: &mut Ui<'_>) -> Result<Ending, Failure> {
    let unwritable = |error: &std::io::Error| {
        Failure::failed(format!("cannot write {}", folder.display()))
            .code(codes::FILE_UNWRITABLE)
            .because(error)
    };
    std::fs::create_dir_all(folder).map_err(|error| unwritable(&error))?;
    let mut entries = std::fs::read_dir(folder).map_err(|error| unwritable(&error))?;
    if entries.next().is_some() {
        let failure = Failure::failed(format!(
            "{} is not empty, and nothing is overwritten",
            folder.display()
        ));
        return Err(failure
            .code(codes::FILE_UNWRITABLE)
            .hint("name a new folder"));
    }
    let terms = enroll::terms(&Value::Null, &wish.written);
    for (name, manifest) in plan::manifests(wish, &terms) {
        let path = folder.join(name);
        files::write(&path, yaml::to_string(&manifest).as_bytes())?;
        ui.text(&format!("{}\n", path.display()))?;
    }
    warn(&plan::warnings(wish), ui);
    ui.say(format!(
        "Next: kubectl apply --server-side -f {}; once more where it does not know {} yet.",
        folder.display(),
        WIRINGS.kind
    ));
    for namespace in wish.namespaces.iter().filter(|_| !terms.holders.is_empty()) {
        ui.say(format!(
            "Not written, because it is secret: {}. kubectl thanos enroll -n {namespace} makes it.",
            held(&terms)
        ));
    }
    Ok(Ending::Fine)
}

fn held(terms: &enrolment::Terms) -> String {
    let names: Vec<String> = terms
        .holders
        .iter()
        .map(|holder| format!("{}/{}", holder.resource.singular, holder.name))
        .collect();
    names.join(", ")
}
