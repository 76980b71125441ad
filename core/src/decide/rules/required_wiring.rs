//! `required-wiring`: the object is not wired as the policy requires.
//!
//! The object as it is to be stored is asked again what wiring would do with it. What the world is to blame for never
//! denies: a Secret that is missing, a namespace that is not enrolled. What the object is to blame for does, or a tenant
//! would evade by an object that wiring must leave.

use std::sync::Arc;

use serde_json::json;

use super::case::{Case, Findings};
use crate::decide::decide;
use crate::decision::{Cause, Outcome, Reason};
use crate::subject::Subject;
use crate::wiring::{Rules, Wiring};

const PATH: &str = "spec.remoteWrite";

pub(super) fn check(case: &Case<'_>, findings: &mut Findings) {
    let required = &case.policy.require_wiring;
    if required.is_empty() {
        return;
    }
    // In itself: what it was before is the ratchet's affair.
    let subject = Subject {
        old: None,
        ..case.subject.clone()
    };
    let decision = decide(&subject, case.facts, case.rules);
    for name in required {
        let Some(wiring) = case.rules.wiring(name) else {
            let sentence = format!("cannot be wired: the required wiring {name} does not exist");
            findings.path(PATH, &json!([name]), sentence);
            findings.only_warn();
            continue;
        };
        let found = decision
            .outcomes
            .iter()
            .find(|(wired, _)| *wired == wiring.name);
        let Some((code, sentence)) = found.and_then(|(_, outcome)| fault(case, wiring, outcome))
        else {
            continue;
        };
        if satisfied_lately(case, &subject, wiring) {
            continue;
        }
        findings.path(
            PATH,
            &json!([name, code]),
            format!("must be wired by {name}: {sentence}"),
        );
        if case.facts.lately.started {
            findings.only_warn();
        }
    }
}

/// What is to be said against an outcome, with the code that tells it from another.
fn fault(case: &Case<'_>, wiring: &Wiring, outcome: &Outcome) -> Option<(&'static str, String)> {
    match outcome {
        Outcome::Wire => Some((
            "change",
            "what the wiring sets was left out or changed".to_owned(),
        )),
        Outcome::Leave(reason) if is_objects_own(case, wiring, reason) => {
            Some((reason.code().code, reason.to_string()))
        }
        Outcome::Leave(_) | Outcome::Unwire(_) => None,
    }
}

/// Whether the object itself is to blame.
fn is_objects_own(case: &Case<'_>, wiring: &Wiring, reason: &Reason) -> bool {
    match reason {
        // Whoever can write the object can write an annotation that only a newer program would read.
        Reason::RecordNewer { .. } => true,
        // Two wirings of one entry name are the admin's doing; an entry that is half one's and half another's is not.
        Reason::EntryTaken { by, .. } => case
            .rules
            .wiring(by)
            .is_some_and(|other| other.entry.name != wiring.entry.name),
        _ => reason.cause() == Cause::Object,
    }
}

/// Whether the object is as a wiring had it that changed a moment ago.
fn satisfied_lately(case: &Case<'_>, subject: &Subject<'_>, wiring: &Arc<Wiring>) -> bool {
    let Some(previous) = case.facts.lately.wirings.get(&wiring.name) else {
        return false;
    };
    let others = case
        .rules
        .wirings()
        .iter()
        .filter(|other| other.name != wiring.name);
    let rules = Rules::new(others.chain([previous]).map(Arc::clone));
    let decision = decide(subject, case.facts, &rules);
    let outcome = decision
        .outcomes
        .iter()
        .find(|(name, _)| *name == wiring.name);
    outcome.is_some_and(|(_, outcome)| fault(case, previous, outcome).is_none())
}
