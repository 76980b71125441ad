//! `required-wiring`: the object is not wired as the policy requires.
//!
//! The object as it is to be stored is asked again what wiring would do with it. What the world is to blame for never
//! denies: a Secret that is missing, a namespace that is not enrolled. What the object is to blame for does, or a tenant
//! would evade by an object that wiring must leave.

use std::sync::Arc;

use serde_json::{Value, json};

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
    let asked = || decide(&subject, case.facts, case.rules);
    let decision = case.places.decision.get_or_init(asked);
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
        // Of two wirings that enforce one label the first puts it back: the other would have nothing to do.
        Outcome::Leave(Reason::AlreadyWired) if !is_labelled(case, wiring) => Some((
            "change",
            "a label that the wiring enforces was left out or changed".to_owned(),
        )),
        Outcome::Leave(reason) if is_objects_own(case, wiring, reason) => {
            Some((reason.code().code, reason.to_string()))
        }
        Outcome::Leave(_) | Outcome::Unwire(_) => None,
    }
}

/// Whether the object has every label as the wiring enforces it.
fn is_labelled(case: &Case<'_>, wiring: &Wiring) -> bool {
    let labels = case.subject.spec(case.subject.kind.labels_field());
    let has = |(label, value): &(String, String)| {
        let given = labels.and_then(|labels| labels.get(label));
        given.and_then(Value::as_str) == Some(value)
    };
    case.values(wiring)
        .is_none_or(|values| values.enforced.iter().all(has))
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

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::decide::rules::judge;
    use crate::facts::{Facts, Lately};
    use crate::fields::Served;
    use crate::policy::{self, Enforcement};
    use crate::{names, wiring};

    fn wiring(url: &str) -> Arc<Wiring> {
        let raw = json!({"apiVersion": names::API_VERSION, "kind": "ThanosWiring", "metadata": {"name": "hub"},
            "spec": {"cluster": "edge", "remoteWrite": {"url": url, "auth": {"none": {}}}}});
        Arc::new(wiring::read(&raw).unwrap())
    }

    fn facts(lately: Lately) -> Facts {
        let kind = crate::Kind::Prometheus;
        Facts {
            now: jiff::Timestamp::UNIX_EPOCH,
            namespace: Some(Arc::default()),
            credentials: std::collections::BTreeMap::new(),
            operator: None,
            served: Arc::new(Served::newest(kind)),
            lately,
        }
    }

    /// What is said of an object that `then` has wired, where `now` is the wiring.
    fn said(then: Option<&Arc<Wiring>>, now: &Arc<Wiring>, lately: Lately) -> Vec<Enforcement> {
        let raw = json!({"apiVersion": names::API_VERSION, "kind": "ThanosPolicy", "metadata": {"name": "p"},
            "spec": {"profile": "None", "rules": [{"id": "required-wiring", "enforcement": "Deny"}], "remoteWrite": {"requireWiring": ["hub"]}}});
        let policy = Arc::new(policy::read(&raw).unwrap());
        let bare = json!({"apiVersion": "monitoring.coreos.com/v1", "kind": "Prometheus",
            "metadata": {"name": "k8s", "namespace": "team-a"}, "spec": {"version": "v3.12.0", "serviceMonitorSelector": {}}});
        let facts = facts(lately);
        let wire = |object: &Value, wiring: &Arc<Wiring>| {
            let subject = Subject::read(object, None, "default").unwrap();
            decide(&subject, &facts, &Rules::new([Arc::clone(wiring)])).applied_to(object)
        };
        let object = then.map_or_else(|| bare.clone(), |wiring| wire(&bare, wiring));
        let subject = Subject::read(&object, None, "default").unwrap();
        let rules = Rules::new([Arc::clone(now)]).with_policies([policy]);
        let judgement = judge(&subject, &facts, &rules);
        judgement
            .charges
            .iter()
            .map(|charge| charge.enforcement)
            .collect()
    }

    #[test]
    fn for_a_minute_the_previous_wiring_satisfies_too() {
        let (before, now) = (
            wiring("https://a.example.com/"),
            wiring("https://b.example.com/"),
        );
        let lately = || Lately {
            wirings: [(Arc::clone(&before.name), Arc::clone(&before))].into(),
            started: false,
        };
        assert_eq!(said(Some(&now), &now, Lately::default()), []);
        assert_eq!(
            said(Some(&before), &now, Lately::default()),
            [Enforcement::Deny]
        );
        assert_eq!(said(Some(&before), &now, lately()), []);
        assert_eq!(said(None, &now, lately()), [Enforcement::Deny]);
    }

    #[test]
    fn just_after_a_start_it_warns() {
        let started = Lately {
            started: true,
            ..Lately::default()
        };
        let wiring = wiring("https://a.example.com/");
        assert_eq!(said(None, &wiring, started), [Enforcement::Warn]);
    }
}
