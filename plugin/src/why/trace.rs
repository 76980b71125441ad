//! The steps by which one wiring is decided for one object, in their order, and where they ended.

use serde::Serialize;
use thanos_core::wiring::{OptOut, ReferenceKind, Wiring};
use thanos_core::{Credential, Facts, Kind, Outcome, Reason, Subject, names, versions};

/// One step.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Step {
    #[serde(rename = "step")]
    place: Place,
    pub(super) result: Passed,
    pub(super) said: String,
}

/// The steps, in the order in which they are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Place {
    Wiring,
    Kind,
    Namespace,
    Object,
    OptOut,
    Credential,
    Version,
    Entry,
    Labels,
}

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Passed {
    /// Well.
    Yes,
    /// Here the decision fell.
    No,
    /// It was not looked at any more.
    NotReached,
}

impl Step {
    /// The word in front of it.
    pub(super) fn word(&self) -> &'static str {
        match self.place {
            Place::Wiring => "wiring",
            Place::Kind => "kind",
            Place::Namespace => "namespace",
            Place::Object => "object",
            Place::OptOut => "opt-out",
            Place::Credential => "credential",
            Place::Version => "version",
            Place::Entry => "entry",
            Place::Labels => "labels",
        }
    }
}

const PLACES: [Place; 9] = [
    Place::Wiring,
    Place::Kind,
    Place::Namespace,
    Place::Object,
    Place::OptOut,
    Place::Credential,
    Place::Version,
    Place::Entry,
    Place::Labels,
];

/// What was only assumed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Assumed {
    /// That credentials are there.
    pub(super) credentials: bool,
    /// That the served CRD is the newest.
    pub(super) crd: bool,
}

/// What is known around a subject, and how well.
#[derive(Clone, Copy)]
pub(super) struct World<'a> {
    pub(super) facts: &'a Facts,
    pub(super) assumed: Assumed,
    /// Whether a default of the wiring was not given because a version does not know it.
    pub(super) lacks_default: bool,
}

/// The steps of a wiring for a subject, by what came of it.
pub(super) fn trace(
    wiring: &Wiring,
    subject: &Subject<'_>,
    world: &World<'_>,
    outcome: &Outcome,
) -> Vec<Step> {
    let reason = match outcome {
        Outcome::Wire | Outcome::Leave(Reason::AlreadyWired) => None,
        Outcome::Leave(reason) | Outcome::Unwire(reason) => Some(reason),
    };
    let fell = reason.map(place);
    let passed = |step: Place| match fell {
        None => Passed::Yes,
        Some(fell) if step == fell => Passed::No,
        // The labels' names are looked at before the entry.
        Some(_)
            if matches!(reason, Some(Reason::LabelNameTaken { .. })) && step == Place::Entry =>
        {
            Passed::NotReached
        }
        Some(fell) if step < fell => Passed::Yes,
        Some(_) => Passed::NotReached,
    };
    let step = |place: Place| {
        let result = passed(place);
        let said = match (result, reason) {
            (Passed::No, Some(reason)) => format!("{} {reason}", reason.code()),
            (Passed::NotReached, _) => "not looked at".to_owned(),
            _ => well(place, wiring, subject, world),
        };
        Step {
            place,
            result,
            said,
        }
    };
    // That a wiring is there goes without saying.
    let shown = PLACES
        .into_iter()
        .filter(|place| *place != Place::Wiring || fell == Some(Place::Wiring));
    shown.map(step).collect()
}

/// The step at which a reason is found.
fn place(reason: &Reason) -> Place {
    match reason {
        Reason::WiringGoing | Reason::NoWiring | Reason::WiringGone { .. } => Place::Wiring,
        Reason::KindNotListed { .. } => Place::Kind,
        Reason::NamespaceUnknown { .. } | Reason::NamespaceNotSelected { .. } => Place::Namespace,
        Reason::ObjectNotSelected
        | Reason::NameUnknown
        | Reason::Deleting
        | Reason::NotWired
        | Reason::RecordNewer { .. }
        | Reason::Untouched => Place::Object,
        Reason::OptedOut => Place::OptOut,
        Reason::NotEnrolled { .. } | Reason::CredentialMissing { .. } => Place::Credential,
        Reason::CrdTooOld { .. } | Reason::VersionTooOld { .. } | Reason::VersionNever { .. } => {
            Place::Version
        }
        Reason::EntryTaken { .. }
        | Reason::DestinationTaken { .. }
        | Reason::EntryAmbiguous { .. }
        | Reason::EntryConflicts { .. }
        | Reason::AlreadyWired
        | Reason::AnnotationUnreadable
        | Reason::AnnotationTooLarge { .. }
        | Reason::PatchTooLarge
        | Reason::Malformed { .. } => Place::Entry,
        Reason::LabelNameTaken { .. } | Reason::LabelTaken { .. } => Place::Labels,
    }
}

/// What a step that went well has found.
fn well(step: Place, wiring: &Wiring, subject: &Subject<'_>, world: &World<'_>) -> String {
    match step {
        Place::Wiring => "it is there".to_owned(),
        Place::Kind => format!("{} is listed", subject.kind.name()),
        Place::Namespace if wiring.namespaces.selects_all() => {
            "every namespace is selected".to_owned()
        }
        Place::Namespace => format!("{} is selected", subject.namespace),
        Place::Object if wiring.objects.selects_all() => "every object is selected".to_owned(),
        Place::Object => "its labels are selected".to_owned(),
        Place::OptOut => match (
            subject.label(names::WIRE) == Some(names::DISABLED),
            wiring.opt_out,
        ) {
            (true, OptOut::Forbidden) => format!(
                "{}={} is ignored: optOut is Forbidden",
                names::WIRE,
                names::DISABLED
            ),
            _ => "none".to_owned(),
        },
        Place::Credential => credential(wiring, subject, world),
        Place::Version => version(subject, world),
        Place::Entry => format!("remoteWrite[{}] to {}", wiring.entry.name, wiring.entry.url),
        Place::Labels => {
            let enforced = wiring
                .enforced
                .iter()
                .map(|(label, _)| format!("{label} (enforced)"));
            let labels: Vec<String> = enforced
                .chain(wiring.defaults.iter().map(|(label, _)| label.clone()))
                .collect();
            if labels.is_empty() {
                "none".to_owned()
            } else {
                labels.join(", ")
            }
        }
    }
}

fn credential(wiring: &Wiring, subject: &Subject<'_>, world: &World<'_>) -> String {
    let mut named: Vec<String> = wiring
        .references
        .iter()
        .map(|reference| {
            let kind = if reference.kind == ReferenceKind::Secret {
                "secret"
            } else {
                "configmap"
            };
            format!("{kind}/{}", reference.name)
        })
        .collect();
    named.dedup();
    let named = named.join(", ");
    match world.facts.credentials.get(&wiring.name) {
        _ if wiring.references.is_empty() => "none is needed".to_owned(),
        Some(Credential::Ready) if world.assumed.credentials => {
            format!("{named}, assumed to be in {}", subject.namespace)
        }
        Some(Credential::Ready) => format!("{named} is in {}", subject.namespace),
        Some(Credential::Missing(_) | Credential::NotEnrolled) | None => {
            format!("{named} is not in {}", subject.namespace)
        }
    }
}

/// Which version and CRD know the fields. What a CRD knows is said only of one that was looked at.
fn version(subject: &Subject<'_>, world: &World<'_>) -> String {
    let own = subject
        .spec_text("version")
        .filter(|version| !version.is_empty())
        .and_then(versions::parse);
    let default = || {
        let operator = world.facts.operator.as_ref()?;
        match subject.kind {
            Kind::Prometheus | Kind::PrometheusAgent => versions::default_prometheus(operator),
            Kind::ThanosRuler => versions::default_thanos(operator),
        }
    };
    let runs = match (own, default()) {
        (Some(own), _) => Some(own.to_string()),
        (None, Some(default)) => Some(format!("{default}, the operator's default,")),
        (None, None) => None,
    };
    let what = if world.lacks_default {
        "what is needed, but not every default"
    } else {
        "every field"
    };
    match (runs, world.assumed.crd) {
        (Some(runs), false) => format!("{runs} and the CRD know {what}"),
        (Some(runs), true) if world.lacks_default => {
            format!("{runs} knows {what}; the CRD is assumed to know that")
        }
        (Some(runs), true) => {
            format!("{runs} knows every field that is needed; the CRD is assumed to")
        }
        (None, false) => format!("not known; the CRD knows {what}"),
        (None, true) => "not known; the CRD is assumed to know what is needed".to_owned(),
    }
}
