//! The heart: one subject, what is known around it, the rules in; what is to be done with it out.
//!
//! Pure, synchronous and total. Un-wiring comes before wiring, wirings come in the order of their names, and a
//! wiring is applied whole or not at all.

mod adopt;
mod claims;
mod draft;
mod entry;
mod fresh;
mod identity;
mod labels;
mod record;
mod revert;
pub mod rules;
mod versions;
mod wire;

use std::sync::Arc;

use kube_core::SelectorExt;
use serde_json::Value;

use crate::decision::{Decision, Outcome, Reason, Verdict, Warning};
use crate::facts::Facts;
use crate::names;
use crate::subject::Subject;
use crate::wiring::{OnDelete, OptOut, Rules, Wiring};
use draft::Draft;

pub(crate) use fresh::{Fresh, fresh};
pub use record::{Record, Unread, Wired};

/// Decides about one subject.
pub fn decide(subject: &Subject<'_>, facts: &Facts, rules: &Rules) -> Decision {
    if let Some(reason) = quiet(subject, rules) {
        return Decision::leave(reason);
    }
    let mut draft = match Draft::read(subject) {
        Ok(draft) => draft,
        Err(reason) => {
            let selecting = rules
                .wirings()
                .iter()
                .filter(|wiring| unselected(subject, facts, wiring).is_none());
            let outcomes = selecting.map(|wiring| (Arc::clone(&wiring.name), Outcome::Wire));
            return left_whole(subject, &reason, outcomes.collect());
        }
    };
    let mut decision = Decision::leave(Reason::NoWiring);
    let selecting = unwire(&mut draft, facts, rules, &mut decision);
    wire_all(&mut draft, facts, rules, &selecting, &mut decision);
    if draft.record_was_unreadable {
        let written_anew = !draft.record.is_empty();
        let warning = Warning::AnnotationUnreadable { written_anew };
        decision.warnings.insert(0, warning);
    }
    decision.outcomes.sort_by(|(a, _), (b, _)| a.cmp(b));
    conclude(draft, decision, rules)
}

/// Takes every record of an annotation out again, whoever made it: `inject --revert`.
pub fn revert(subject: &Subject<'_>) -> Decision {
    let mut draft = match Draft::read(subject) {
        Ok(draft) => draft,
        Err(reason) => return left_whole(subject, &reason, Vec::new()),
    };
    if draft.record_was_unreadable {
        // Without its record nobody knows what is ours; without its annotation nobody would look again.
        let mut decision = Decision::leave(Reason::AnnotationUnreadable);
        let warning = Warning::AnnotationUnreadable {
            written_anew: false,
        };
        decision.warnings.push(warning);
        return decision;
    }
    let mut decision = Decision::leave(Reason::NoWiring);
    // A later wiring may have taken a name that an earlier one's adoption had set free: the last in comes out first.
    for name in draft.record.names().into_iter().rev() {
        revert::revert(&mut draft, &name);
        decision
            .outcomes
            .push((name.into(), Outcome::Unwire(Reason::ObjectNotSelected)));
    }
    let mut decision = conclude(draft, decision, &Rules::default());
    if decision.verdict == Verdict::Leave(Reason::NoWiring) {
        decision.verdict = Verdict::Leave(Reason::NotWired);
    }
    decision
}

/// The eighth law: what gets no patch, whatever the rules say.
fn quiet(subject: &Subject<'_>, rules: &Rules) -> Option<Reason> {
    if subject.deleting() && (subject.old.is_none() || subject.spec_is_unchanged()) {
        return Some(Reason::Deleting);
    }
    let old = subject.old?;
    if !subject.spec_is_unchanged() || subject.annotation(names::TOUCH).is_some() {
        return None;
    }
    let before = |map: &str, key: &str| {
        old.get("metadata")
            .and_then(|metadata| metadata.get(map))
            .and_then(|map| map.get(key))
            .and_then(Value::as_str)
    };
    let same_annotation = subject.annotation(names::WIRED) == before("annotations", names::WIRED);
    let same_label = |key: &str| subject.label(key) == before("labels", key);
    let same = same_annotation
        && same_label(names::WIRE)
        && rules.object_keys().into_iter().all(same_label);
    same.then_some(Reason::Untouched)
}

/// Un-wires what is no longer selected; gives back the wirings that select the subject.
fn unwire<'r>(
    draft: &mut Draft<'_>,
    facts: &Facts,
    rules: &'r Rules,
    decision: &mut Decision,
) -> Vec<&'r Arc<Wiring>> {
    let mut selecting = Vec::new();
    for wiring in rules.wirings() {
        match unselected(draft.subject, facts, wiring) {
            None => {
                if wiring.opt_out == OptOut::Forbidden
                    && draft.subject.label(names::WIRE) == Some(names::DISABLED)
                {
                    decision.warnings.push(Warning::OptOutIgnored {
                        wiring: Arc::clone(&wiring.name),
                    });
                }
                selecting.push(wiring);
            }
            Some(reason) => {
                let keeps = matches!(reason, Reason::NamespaceUnknown { .. })
                    || (wiring.deleting && wiring.on_delete == OnDelete::Keep);
                let outcome = if draft.record.wired(&wiring.name).is_some() && !keeps {
                    revert::revert(draft, &wiring.name);
                    Outcome::Unwire(reason)
                } else {
                    leave(decision, wiring, reason)
                };
                decision.outcomes.push((Arc::clone(&wiring.name), outcome));
            }
        }
    }
    selecting
}

/// The most rounds. One is enough unless a later wiring has cleared away what stood in an earlier one's way.
const ROUNDS: usize = 4;

/// Wires until nothing would change any more, so that the next request finds nothing to do.
fn wire_all(
    draft: &mut Draft<'_>,
    facts: &Facts,
    rules: &Rules,
    selecting: &[&Arc<Wiring>],
    decision: &mut Decision,
) {
    let mut all = wire_round(draft, facts, rules, selecting);
    let mut again = unsettled(&all);
    for _ in 1..ROUNDS {
        if !again {
            break;
        }
        draft.next_round();
        let next = wire_round(draft, facts, rules, selecting);
        again = unsettled(&next);
        all = joined(all, next);
    }
    decision.warnings.extend(all.warnings);
    decision.outcomes.extend(all.outcomes);
}

/// Whether one wiring has changed what another was left for.
fn unsettled(round: &Decision) -> bool {
    let some = |is: fn(&Outcome) -> bool| round.outcomes.iter().any(|(_, outcome)| is(outcome));
    some(|outcome| *outcome == Outcome::Wire)
        && some(|outcome| matches!(outcome, Outcome::Leave(reason) if reason.is_obstacle()))
}

/// Two rounds as one: what the first has wired is wired, unless the second thought better of it.
fn joined(first: Decision, mut second: Decision) -> Decision {
    for ((_, before), (_, now)) in first.outcomes.iter().zip(&mut second.outcomes) {
        if *before == Outcome::Wire && *now == Outcome::Leave(Reason::AlreadyWired) {
            *now = Outcome::Wire;
        }
    }
    for warning in first.warnings {
        if !matches!(warning, Warning::NotWired { .. }) && !second.warnings.contains(&warning) {
            second.warnings.push(warning);
        }
    }
    second
}

fn wire_round(
    draft: &mut Draft<'_>,
    facts: &Facts,
    rules: &Rules,
    selecting: &[&Arc<Wiring>],
) -> Decision {
    let mut round = Decision::leave(Reason::NoWiring);
    let mut claims = claims::Claims::default();
    for wiring in selecting {
        let outcome = match wire::wire(draft, wiring, facts, rules, &mut claims) {
            Ok(done) => {
                for warning in done.warnings {
                    if !round.warnings.contains(&warning) {
                        round.warnings.push(warning);
                    }
                }
                if done.changed {
                    Outcome::Wire
                } else {
                    Outcome::Leave(Reason::AlreadyWired)
                }
            }
            Err(reason) => leave(&mut round, wiring, reason),
        };
        round.outcomes.push((Arc::clone(&wiring.name), outcome));
    }
    round
}

fn leave(decision: &mut Decision, wiring: &Wiring, reason: Reason) -> Outcome {
    if reason.is_obstacle() {
        decision.warnings.push(Warning::NotWired {
            wiring: Arc::clone(&wiring.name),
            reason: reason.clone(),
        });
    }
    Outcome::Leave(reason)
}

/// Why a wiring does not select the subject; `None` when it does.
pub(crate) fn unselected(subject: &Subject<'_>, facts: &Facts, wiring: &Wiring) -> Option<Reason> {
    if wiring.deleting {
        return Some(Reason::WiringGoing);
    }
    if !wiring.kinds.contains(&subject.kind) {
        return Some(Reason::KindNotListed { kind: subject.kind });
    }
    let Some(labels) = &facts.namespace else {
        return Some(Reason::NamespaceUnknown {
            namespace: subject.namespace.to_owned(),
        });
    };
    if !wiring.namespaces.matches(labels) {
        return Some(Reason::NamespaceNotSelected {
            namespace: subject.namespace.to_owned(),
        });
    }
    if !wiring.objects.selects_all() && !wiring.objects.matches(&subject.labels()) {
        return Some(Reason::ObjectNotSelected);
    }
    let opted_out =
        subject.label(names::WIRE) == Some(names::DISABLED) && wiring.opt_out == OptOut::Allowed;
    opted_out.then_some(Reason::OptedOut)
}

/// Words the draft as edits, and says the one reason where there are none.
fn conclude(draft: Draft<'_>, mut decision: Decision, rules: &Rules) -> Decision {
    let subject = draft.subject;
    let gone = draft
        .record
        .names()
        .into_iter()
        .find(|name| rules.wiring(name).is_none());
    match draft.finish() {
        Ok(finished) if finished.edits.is_empty() => {
            decision.verdict = Verdict::Leave(one_reason(&decision, gone));
            decision
        }
        Ok(finished) => {
            decision.effects = finished.effects;
            decision.verdict = Verdict::Change(finished.edits);
            decision
        }
        Err(reason) => left_whole(subject, &reason, decision.outcomes),
    }
}

fn one_reason(decision: &Decision, gone: Option<String>) -> Reason {
    let left = || {
        decision
            .outcomes
            .iter()
            .filter_map(|(_, outcome)| match outcome {
                Outcome::Leave(reason) | Outcome::Unwire(reason) => Some(reason),
                Outcome::Wire => None,
            })
    };
    left()
        .find(|reason| reason.is_obstacle())
        .or_else(|| left().find(|reason| **reason == Reason::AlreadyWired))
        .or_else(|| left().next())
        .cloned()
        .unwrap_or_else(|| gone.map_or(Reason::NoWiring, |wiring| Reason::WiringGone { wiring }))
}

/// The object is left whole for one reason, by every wiring that would have edited it; only the touch annotation goes,
/// whenever it is there.
fn left_whole(
    subject: &Subject<'_>,
    reason: &Reason,
    outcomes: Vec<(Arc<str>, Outcome)>,
) -> Decision {
    let mut decision = Decision::leave(reason.clone());
    for (wiring, outcome) in outcomes {
        let outcome = match outcome {
            Outcome::Wire | Outcome::Unwire(_) => {
                decision.warnings.push(Warning::NotWired {
                    wiring: Arc::clone(&wiring),
                    reason: reason.clone(),
                });
                Outcome::Leave(reason.clone())
            }
            left @ Outcome::Leave(_) => left,
        };
        decision.outcomes.push((wiring, outcome));
    }
    if let Some(edit) = draft::strip_touch(subject) {
        decision.verdict = Verdict::Change(vec![edit]);
    }
    decision
}
