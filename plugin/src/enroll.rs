//! `kubectl thanos enroll`: put the credential into a namespace and list the namespace in the wiring.
//!
//! ```text
//! wish (flags, files) ─> facts (look) ─> plan (pure) ─> apply (step by step) ─> told
//! ```
//!
//! `init` goes the same way for each of its namespaces.

use kube::core::SelectorExt as _;
use thanos_core::codes::Code;
use thanos_core::{ThanosWiring, Wiring, codes};

use crate::cli::{EnrollArgs, Global};
use crate::cluster::Cluster;
use crate::cluster::live;
use crate::cluster::resource::{NAMESPACES, WIRINGS};
use crate::failure::{Ending, Failure, Kind};
use crate::ui::Ui;
use apply::Done;
use hidden::NewFile;
use local::Local;
use parts::{Part, parts};
use plan::{Action, Plan, Terms, Wish};
use wiring::one_wiring;
pub(crate) use wiring::{read, terms};
use wish::Frame;

pub(crate) mod apply;
pub(crate) mod facts;
pub(crate) mod hidden;
pub(crate) mod local;
pub(crate) mod objects;
pub(crate) mod parts;
pub(crate) mod plan;
mod remove;
pub(crate) mod wiring;
pub(crate) mod wish;

/// Behind what would be done, as kubectl has it.
const DRY: &str = " (dry run)";

/// Runs the verb.
pub(crate) async fn run(
    args: &EnrollArgs,
    global: &Global,
    ui: &mut Ui<'_>,
) -> Result<Ending, Failure> {
    let Some(namespace) = &global.namespace else {
        let failure = Failure::usage("no namespace is given").code(codes::NO_INPUTS);
        return Err(failure.hint("name it with -n NAMESPACE"));
    };
    let mut faults = local::check(&args.credential, None);
    faults.extend(local::misnamed(namespace));
    if !faults.is_empty() {
        return Err(told(faults, ui));
    }
    let local =
        local::read(&args.credential, args.dry_run, ui).map_err(|faults| told(faults, ui))?;
    let cluster = Cluster::connect(global, ui.journal()).await?;
    let stored = one_wiring(&cluster, args.wiring.as_deref()).await?;
    let (written, right) = read(&stored)?;
    let terms = terms(&stored, &written);
    if terms.holders.is_empty() {
        let message = format!(
            "wiring {} keeps no credential in a namespace: there is nothing to enroll",
            terms.wiring
        );
        return Err(Failure::usage(message).code(codes::NOTHING_TO_ENROLL));
    }
    if args.remove {
        return take_back(&cluster, &terms, namespace, args.dry_run, ui).await;
    }
    put(
        args,
        &cluster,
        &Subject {
            terms,
            written,
            right,
        },
        local,
        namespace,
        ui,
    )
    .await
}

/// The wiring in its three forms.
struct Subject {
    terms: Terms,
    written: ThanosWiring,
    right: Wiring,
}

async fn put(
    args: &EnrollArgs,
    cluster: &Cluster,
    subject: &Subject,
    local: Local,
    namespace: &str,
    ui: &mut Ui<'_>,
) -> Result<Ending, Failure> {
    let Local { given, file } = local;
    let Subject {
        terms,
        written,
        right,
    } = subject;
    if right.deleting {
        let message = format!("wiring {} is being deleted", terms.wiring);
        return Err(Failure::failed(message).code(codes::WIRING_GOING));
    }
    let parts = parts(written);
    let frame = Frame {
        parts: &parts,
        cluster: &written.spec.cluster,
    };
    let mut wish = wish::wish(&args.credential, frame, given).map_err(|faults| told(faults, ui))?;
    wish.replace = args.replace;
    if let Some(from) = &args.credential.copy_from {
        copy(cluster, terms, from, &mut wish).await?;
    }
    if args.dry_run {
        return show(cluster, terms, namespace, &wish, ui).await;
    }
    let mut tell = |done: &Done| line(done, done.action.done(), ui);
    let plan = apply::enroll(cluster, terms, namespace, &wish, &mut tell)
        .await
        .map_err(|faults| told(faults, ui))?;
    after(&plan, terms, namespace, file, args, ui)?;
    unselected(cluster, right, namespace, ui).await?;
    Ok(Ending::Fine)
}

/// Takes the credential of another namespace.
pub(crate) async fn copy(
    cluster: &Cluster,
    terms: &Terms,
    from: &str,
    wish: &mut Wish,
) -> Result<(), Failure> {
    let values = wish::copied(cluster, terms, from).await?;
    if values.is_empty() {
        let message = format!(
            "namespace {from} holds no credential of wiring {}",
            terms.wiring
        );
        let failure = Failure::failed(message).code(codes::NOT_ENROLLED);
        return Err(failure.hint("kubectl thanos get wirings shows which namespaces do"));
    }
    for (part, value) in values {
        wish.given.entry(part).or_insert(value);
    }
    Ok(())
}

/// `--dry-run`: what would be done, and nothing is.
async fn show(
    cluster: &Cluster,
    terms: &Terms,
    namespace: &str,
    wish: &Wish,
    ui: &mut Ui<'_>,
) -> Result<Ending, Failure> {
    let found = facts::look(cluster, &terms.wiring, &terms.holders, namespace).await?;
    let plan = plan::plan(terms, namespace, wish, &found).map_err(|faults| told(faults, ui))?;
    for row in &plan.rows {
        let done = Done {
            at: row.at.clone(),
            action: row.action,
            detail: row.detail.clone(),
        };
        line(&done, &format!("{}{DRY}", row.action.done()), ui)?;
    }
    warn(&plan.warnings, ui);
    Ok(Ending::Fine)
}

/// Says and writes what comes after a credential was put somewhere.
fn after(
    plan: &Plan,
    terms: &Terms,
    namespace: &str,
    file: Option<NewFile>,
    args: &EnrollArgs,
    ui: &mut Ui<'_>,
) -> Result<(), Failure> {
    warn(&plan.warnings, ui);
    let elsewhere = terms.enrolled.iter().any(|enrolled| enrolled != namespace);
    if plan.made_password && elsewhere && args.credential.user.is_none() {
        let sentence = "other namespaces write as the same user with another password, and a gateway keeps one per user: \
                        use theirs with --replace --copy-from NAMESPACE, or another --user";
        ui.tell(codes::USER_SHARED, sentence);
    }
    match file {
        Some(file) => write_line(plan, file, ui),
        None if plan.made_password => {
            let sentence = format!(
                "the gateway does not know this password yet: kubectl thanos enroll -n {namespace} --htpasswd-out FILE writes the line for it"
            );
            ui.tell(codes::GATEWAY_UNTOLD, sentence);
            Ok(())
        }
        None => Ok(()),
    }
}

/// Writes the line of the credential that is there now.
pub(crate) fn write_line(plan: &Plan, file: NewFile, ui: &mut Ui<'_>) -> Result<(), Failure> {
    let (Some(user), Some(password)) = (
        plan.effective.get(&Part::User),
        plan.effective.get(&Part::Password),
    ) else {
        return Ok(());
    };
    let user = String::from_utf8_lossy(user.reveal()).into_owned();
    let path = file.path().display().to_string();
    file.write(&hidden::htpasswd_line(&user, password)?)?;
    ui.say(format!(
        "wrote {path} (0600): the line of user {user} for the gateway's htpasswd file"
    ));
    Ok(())
}

/// Tells that the wiring does not look at the namespace at all.
async fn unselected(
    cluster: &Cluster,
    right: &Wiring,
    namespace: &str,
    ui: &mut Ui<'_>,
) -> Result<(), Failure> {
    let Some(found) = cluster.find(&NAMESPACES.named(namespace)).await? else {
        return Ok(());
    };
    if !right.namespaces.matches(&live::labels(&found)) {
        let sentence = format!(
            "wiring {} does not select namespace {namespace}: nothing is wired there",
            right.name
        );
        ui.tell(codes::NAMESPACE_NOT_SELECTED, sentence);
    }
    Ok(())
}

async fn take_back(
    cluster: &Cluster,
    terms: &Terms,
    namespace: &str,
    dry_run: bool,
    ui: &mut Ui<'_>,
) -> Result<Ending, Failure> {
    let removal = if dry_run {
        let removal = remove::judge(cluster, terms, namespace).await?;
        let action = if removal.listed {
            Action::Change
        } else {
            Action::Unchanged
        };
        let list = Done {
            at: WIRINGS.named(&terms.wiring),
            action,
            detail: format!("drops namespace {namespace}"),
        };
        line(&list, &format!("{}{DRY}", action.done()), ui)?;
        for (at, _) in &removal.goes {
            let done = Done {
                at: at.clone(),
                action: Action::Change,
                detail: String::new(),
            };
            line(&done, &format!("deleted{DRY}"), ui)?;
        }
        removal
    } else {
        remove::carry_out(cluster, terms, namespace, &mut |done, word| {
            line(done, word, ui)
        })
        .await?
    };
    if removal.stays.is_empty() {
        return Ok(Ending::Fine);
    }
    for sentence in &removal.stays {
        ui.tell(codes::STILL_NAMED, sentence);
    }
    ui.say(
        "Label such an object kubectl-thanos.dev/wire=disabled or delete it, and run this again.",
    );
    Ok(Ending::Partly)
}

/// One line of the result, as kubectl has them.
pub(crate) fn line(done: &Done, word: &str, ui: &mut Ui<'_>) -> Result<(), Failure> {
    let detail = match (done.action, done.detail.as_str()) {
        (_, "") | (Action::Unchanged, _) => String::new(),
        (_, detail) => format!(" ({detail})"),
    };
    let (word, dry) = word
        .strip_suffix(DRY)
        .map_or((word, ""), |word| (word, DRY));
    ui.text(&format!("{} {word}{detail}{dry}\n", done.at.title()))?;
    ui.flush()
}

/// Says warnings.
pub(crate) fn warn(warnings: &[(&'static Code, String)], ui: &mut Ui<'_>) {
    for (code, sentence) in warnings {
        ui.tell(code, sentence);
    }
}

/// Tells all faults but the last, which the command ends with: one that says 5 before others.
pub(crate) fn told(mut faults: Vec<Failure>, ui: &mut Ui<'_>) -> Failure {
    faults.sort_by_key(|fault| fault.kind == Kind::Refused);
    let last = faults
        .pop()
        .unwrap_or_else(|| Failure::failed("something is wrong").code(codes::BUG));
    for fault in &faults {
        ui.fail(fault);
    }
    last
}
