//! What a wiring's status says.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use thanos_core::decision::Reason;
use thanos_core::wiring::{NamespaceStatus, ThanosWiringStatus};
use thanos_core::{Fault, ThanosWiring, Wiring};

use super::view::{Stand, View};
use super::wiring::unwires;

/// The condition: whether the wiring does what it says.
pub const READY: &str = "Ready";
/// The condition: whether every enrolled namespace holds the credential.
pub const CREDENTIALS_READY: &str = "CredentialsReady";
/// Reason of [`READY`]: an object is not reconciled since it was rewired.
pub const HALTED: &str = "RewiringHalted";

/// As many names as a sentence holds.
const NAMES: usize = 3;

/// What a status is made of, besides the stored wiring itself.
pub struct Known<'a> {
    /// The wiring, or what is wrong with it.
    pub resolved: Result<&'a Wiring, &'a [Fault]>,
    /// Every object that the webhook is asked about.
    pub views: &'a [View],
    /// Each enrolled namespace.
    pub namespaces: Vec<NamespaceStatus>,
    /// The object that stops a rollout, by its title.
    pub halted: Option<String>,
}

/// The status as it should be; its conditions keep their time where they only say the same again.
pub fn status(written: &ThanosWiring, known: Known<'_>, now: Timestamp) -> ThanosWiringStatus {
    let name = written.metadata.name.as_deref().unwrap_or_default();
    let counted = known
        .views
        .iter()
        .filter_map(|view| view.stand(name)?.counts());
    let (wired, unwired) = counted.fold((0_i32, 0_i32), |(wired, unwired), has| {
        (wired + i32::from(has), unwired + i32::from(!has))
    });
    let generation = written.metadata.generation;
    let before = written
        .status
        .as_ref()
        .map(|status| status.conditions.as_slice());
    let before = before.unwrap_or_default();
    let condition = |kind, said| condition(before, generation, kind, said, now);
    let credentials = credentials(&known);
    let ready = ready(name, written, &known, wired, unwired);
    ThanosWiringStatus {
        observed_generation: generation,
        conditions: vec![
            condition(CREDENTIALS_READY, credentials),
            condition(READY, ready),
        ],
        namespaces: known.namespaces,
        wired,
        unwired,
    }
}

/// A condition's status, reason and message.
pub(super) type Said = (&'static str, &'static str, String);

/// A condition; it keeps the time of the one before where it only says the same again.
pub(super) fn condition(
    before: &[Condition],
    generation: Option<i64>,
    kind: &str,
    (status, reason, message): Said,
    now: Timestamp,
) -> Condition {
    let old = before.iter().find(|one| one.type_ == kind);
    let since = old
        .filter(|old| old.status == status)
        .map(|old| old.last_transition_time.clone());
    Condition {
        type_: kind.to_owned(),
        status: status.to_owned(),
        reason: reason.to_owned(),
        message,
        observed_generation: generation,
        last_transition_time: since.unwrap_or_else(|| Time(to_the_second(now))),
    }
}

fn credentials(known: &Known<'_>) -> Said {
    let Ok(wiring) = known.resolved else {
        let message = "the wiring is wrong: nothing is looked at".to_owned();
        return ("Unknown", "Invalid", message);
    };
    if wiring.references.is_empty() {
        return (
            "True",
            "NotNeeded",
            "the wiring names no Secret and no ConfigMap".to_owned(),
        );
    }
    let missing = known.namespaces.iter().filter(|namespace| !namespace.ready);
    let missing: Vec<String> = missing
        .map(|one| {
            format!(
                "{} ({})",
                one.name,
                one.reason.as_deref().unwrap_or_default()
            )
        })
        .collect();
    if !missing.is_empty() {
        let all = wiring.enrolled.len();
        let message = format!("{} of {all} namespaces: {}", missing.len(), some(&missing));
        return ("False", "NamespacesNotReady", message);
    }
    if known.namespaces.len() < wiring.enrolled.len() {
        return (
            "Unknown",
            "Looking",
            "not every namespace was looked at yet".to_owned(),
        );
    }
    match wiring.enrolled.len() {
        0 => (
            "True",
            "NoneEnrolled",
            "no namespace is enrolled".to_owned(),
        ),
        all => (
            "True",
            "AllReady",
            format!("{all} of {all} namespaces hold the credential"),
        ),
    }
}

fn ready(name: &str, written: &ThanosWiring, known: &Known<'_>, wired: i32, unwired: i32) -> Said {
    if let Err(faults) = known.resolved {
        let sentences: Vec<String> = faults.iter().map(ToString::to_string).collect();
        let sentences = some(&sentences);
        let message = if unwires(written) {
            format!(
                "{sentences}. Its objects cannot be un-wired: mend it, or set onDelete: Keep to let it go"
            )
        } else {
            sentences
        };
        return ("False", "Invalid", message);
    }
    if written.metadata.deletion_timestamp.is_some() {
        let left = titles(known.views, |view| view.has_record(name));
        let message = format!(
            "{} objects are still to be un-wired: {}",
            left.len(),
            some(&left)
        );
        return ("False", "Unwiring", message);
    }
    if let (Some(halted), Ok(wiring)) = (&known.halted, known.resolved) {
        return ("False", HALTED, halt(halted, &wiring.digest()));
    }
    let conflicts = left(name, known.views, |reason| {
        matches!(
            reason,
            Reason::EntryTaken { .. } | Reason::LabelTaken { .. }
        )
    });
    if !conflicts.is_empty() {
        return ("False", "Conflict", some(&conflicts));
    }
    let counts = format!("{wired} wired, {unwired} not");
    let pending = titles(known.views, |view| {
        matches!(
            view.stand(name),
            Some(Stand::Rewire | Stand::Wire | Stand::Unwire(_))
        )
    });
    if !pending.is_empty() {
        let message = format!(
            "{counts}; {} are looked at again: {}",
            pending.len(),
            some(&pending)
        );
        return ("True", "Working", message);
    }
    match left(name, known.views, |_| true) {
        none if none.is_empty() => ("True", "Wired", counts),
        obstacles => ("True", "Wired", format!("{counts}: {}", some(&obstacles))),
    }
}

fn titles(views: &[View], which: impl Fn(&View) -> bool) -> Vec<String> {
    let found = views.iter().filter(|view| which(view));
    found.map(|view| view.object.title()).collect()
}

/// The objects that a wiring leaves for such a reason, each with it.
fn left(name: &str, views: &[View], which: impl Fn(&Reason) -> bool) -> Vec<String> {
    let found = views.iter().filter_map(|view| match view.stand(name) {
        Some(Stand::Left(reason, _)) if which(reason) => Some(format!(
            "{}: {} {reason}",
            view.object.title(),
            reason.code()
        )),
        _ => None,
    });
    found.collect()
}

/// The first few, and how many more.
pub(super) fn some(all: &[String]) -> String {
    let more = all.len().saturating_sub(NAMES);
    let first = all
        .iter()
        .take(NAMES)
        .cloned()
        .collect::<Vec<_>>()
        .join("; ");
    if more == 0 {
        first
    } else {
        format!("{first}; and {more} more")
    }
}

/// Kubernetes keeps times to the second: a finer one would never compare equal to what was stored.
fn to_the_second(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

/// The sentence about a halt. It is also how the next leader knows of it, so it holds the object and what the wiring
/// wrote then: the condition's `observedGeneration` moves on with every change, one of the enrolled namespaces too, and
/// a field of its own would be pruned by a CRD that is older than this program, and written for ever.
fn halt(title: &str, digest: &str) -> String {
    format!("{title}{HALT}{digest})")
}

const HALT: &str = " is not reconciled by the operator since it was rewired; nothing else is rewired until it is, or until the wiring would write something else (digest ";

/// The title of the object at which a leader before us had halted, while the wiring wrote what it does now.
pub fn was_halted<'a>(written: &'a ThanosWiring, digest: &str) -> Option<&'a str> {
    let conditions = written.status.iter().flat_map(|status| &status.conditions);
    let mut ours = conditions.filter(|one| one.type_ == READY && one.reason == HALTED);
    ours.find_map(|one| {
        let (title, rest) = one.message.split_once(HALT)?;
        (rest.strip_suffix(')')? == digest).then_some(title)
    })
}
