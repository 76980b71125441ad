//! What `/validate` is asked: wirings and policies as they are written; the operator's objects, their scales and objstore
//! Secrets before the policies.
//!
//! Without a policy no object is judged and nobody is asked for anything; what Thanos itself would refuse in a Secret is
//! still warned of. What cannot be judged is denied where a policy denies at all, and allowed elsewhere.

use kube::core::SelectorExt;
use serde_json::Value;
use thanos_core::codes::{self, Code};
use thanos_core::subject::scaled;
use thanos_core::{
    Facts, Fault, Judgement, Kind, Policy, Rules, Subject, Unreadable, judge, judge_secret, names,
    policy, wiring,
};
use tokio::time::Instant;

use super::answer::Answer;
use super::rejection::Rejection;
use super::review::Review;
use super::state::{Objects, State};

/// What a review is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Wiring,
    Policy,
    Object(Kind),
    Scale(Kind),
    Secret,
}

impl Asked {
    fn by(review: &Review<'_>) -> Option<Self> {
        let kind = || {
            Kind::ALL
                .into_iter()
                .find(|kind| kind.name() == review.kind)
        };
        match (&*review.group, &*review.kind, &*review.sub_resource) {
            (names::GROUP, "ThanosWiring", "") => Some(Asked::Wiring),
            (names::GROUP, "ThanosPolicy", "") => Some(Asked::Policy),
            (names::OPERATOR_GROUP, _, "") => kind().map(Asked::Object),
            ("autoscaling", "Scale", "scale") => {
                let is_ours = review.resource.group == names::OPERATOR_GROUP;
                let mut kinds = Kind::ALL.into_iter().filter(|_| is_ours);
                let kind = kinds.find(|kind| kind.plural() == review.resource.plural);
                kind.map(Asked::Scale)
            }
            ("", "Secret", "") => Some(Asked::Secret),
            _ => None,
        }
    }
}

/// Judges an object as it is to be stored. Whatever else is asked about is allowed.
pub(super) async fn validate(
    state: &State,
    review: &Review<'_>,
    deadline: Instant,
) -> Result<Answer, Rejection> {
    let Some(asked) = Asked::by(review).filter(|_| review.operation.writes()) else {
        return Ok(Answer::allow(None));
    };
    let needs_a_policy = matches!(asked, Asked::Object(_) | Asked::Scale(_));
    if needs_a_policy && state.knowledge.rules().policies().is_empty() {
        return Ok(Answer::allow(None));
    }
    let read = state.objects(review, deadline).await?;
    Ok(match asked {
        Asked::Wiring => written(review, read, codes::WIRING_INVALID, |object| {
            wiring::read(object).map(|wiring| wiring.warnings())
        }),
        Asked::Policy => {
            let rules = state.knowledge.rules();
            written(review, read, codes::POLICY_INVALID, |object| {
                read_policy(object, &rules)
            })
        }
        Asked::Object(kind) => match read {
            Ok(read) => object(state, review, kind, &read, deadline).await,
            Err(sentence) => unreadable(state, review, "object", sentence),
        },
        Asked::Scale(kind) => match read {
            Ok(read) => scale(state, review, kind, &read, deadline).await,
            Err(sentence) => unreadable(state, review, "object", sentence),
        },
        Asked::Secret => match read {
            Ok(read) => secret(state, review, &read, deadline).await,
            Err(sentence) => unreadable(state, review, "object", sentence),
        },
    })
}

/// Judges one of our own kinds: its warnings, or its faults.
fn written(
    review: &Review<'_>,
    read: Result<Objects<'_>, &'static str>,
    code: &'static Code,
    judge: impl FnOnce(&Value) -> Result<Vec<Fault>, Vec<Fault>>,
) -> Answer {
    let refuse = |sentence: &str| Answer::refuse(review, &[Fault::new(code, "object", sentence)]);
    let read = match read {
        Ok(read) => read,
        Err(sentence) => return refuse(sentence),
    };
    let Some(object) = &read.object else {
        return refuse("is required");
    };
    let is_unchanged = read
        .old
        .as_ref()
        .is_some_and(|old| old.get("spec") == object.get("spec"));
    if is_unchanged && is_going(object) {
        return Answer::allow(Some(codes::DELETING));
    }
    match judge(object) {
        Ok(warnings) => Answer::warn(&warnings),
        // A label, a finalizer: what was stored before a rule existed must not be wedged by it.
        Err(faults) if is_unchanged => Answer::warn(&faults),
        Err(faults) => Answer::refuse(review, &faults),
    }
}

/// Whoever takes a finalizer off must not be stopped, or the object could never go.
fn is_going(object: &Value) -> bool {
    object
        .pointer("/metadata/deletionTimestamp")
        .is_some_and(|at| !at.is_null())
}

/// A policy by itself, and against the wirings that are known.
fn read_policy(object: &Value, rules: &Rules) -> Result<Vec<Fault>, Vec<Fault>> {
    let policy = policy::read(object)?;
    let against = policy::against(&policy, rules);
    if !against.is_empty() {
        return Err(against);
    }
    let missing = policy.missing_wirings(rules).map(|(at, name)| {
        let path = format!("spec.remoteWrite.requireWiring[{at}]");
        let sentence =
            format!("there is no right wiring {name}: every object is warned of until there is");
        Fault::new(codes::POLICY_INVALID, path, sentence)
    });
    Ok(missing.collect())
}

async fn object(
    state: &State,
    review: &Review<'_>,
    kind: Kind,
    read: &Objects<'_>,
    deadline: Instant,
) -> Answer {
    let Some(object) = &read.object else {
        return Answer::allow(None);
    };
    let subject = match Subject::read(object, read.old.as_ref(), &review.namespace) {
        Ok(subject) => subject,
        Err(error) => return malformed(state, review, &error),
    };
    if subject.deleting() && subject.spec_is_unchanged() {
        return Answer::allow(Some(codes::DELETING));
    }
    let (rules, facts) = state.facts(kind, subject.namespace, deadline).await;
    if let Some(refused) = namespace_unknown(review, &rules, &facts) {
        return refused;
    }
    told(state, review, &judge(&subject, &facts, &rules))
}

/// Judges the object as it becomes, beside the object as it is.
async fn scale(
    state: &State,
    review: &Review<'_>,
    kind: Kind,
    read: &Objects<'_>,
    deadline: Instant,
) -> Answer {
    let Some(scale) = &read.object else {
        return Answer::allow(None);
    };
    let (rules, facts) = state.facts(kind, &review.namespace, deadline).await;
    if let Some(refused) = namespace_unknown(review, &rules, &facts) {
        return refused;
    }
    let here = |policy: &Policy| {
        let labels = facts.namespace.as_ref();
        labels.is_none_or(|labels| policy.namespaces.matches(labels))
    };
    if !rules.policies().iter().any(|policy| here(policy)) {
        return Answer::allow(None);
    }
    let parent = state
        .knowledge
        .parent(kind, &review.namespace, &review.name, deadline)
        .await;
    let Some(parent) = parent else {
        let code = codes::SCALE_PARENT_UNKNOWN;
        let fault = Fault::new(
            code,
            "metadata.name",
            "the object that is scaled is not known",
        );
        let denies = |policy: &Policy| here(policy) && policy.denies();
        return if rules.policies().iter().any(|policy| denies(policy)) {
            Answer::refuse(review, &[fault])
        } else {
            Answer::warn(&[fault])
        };
    };
    let Some(after) = scaled(kind, &parent, scale) else {
        return unreadable(state, review, "spec.replicas", "must be a number of shards");
    };
    let before = read.old.as_ref().and_then(|old| scaled(kind, &parent, old));
    let before = before.as_ref().unwrap_or(&parent);
    match Subject::read(&after, Some(before), &review.namespace) {
        Ok(subject) => told(state, review, &judge(&subject, &facts, &rules)),
        Err(error) => malformed(state, review, &error),
    }
}

async fn secret(
    state: &State,
    review: &Review<'_>,
    read: &Objects<'_>,
    deadline: Instant,
) -> Answer {
    let Some(secret) = &read.object else {
        return Answer::allow(None);
    };
    let is_unchanged = read.old.as_ref().is_some_and(|old| {
        ["data", "stringData"]
            .iter()
            .all(|field| old.get(field) == secret.get(field))
    });
    if is_unchanged && is_going(secret) {
        return Answer::allow(Some(codes::DELETING));
    }
    // What is known of the operator's kinds does not matter to a Secret.
    let kind = Kind::Prometheus;
    let (rules, facts) = state.facts(kind, &review.namespace, deadline).await;
    if let Some(refused) = namespace_unknown(review, &rules, &facts) {
        return refused;
    }
    let old = read.old.as_ref();
    let judgement = judge_secret(secret, old, &review.namespace, &facts, &rules);
    told(state, review, &judgement)
}

/// Counts what a judgement charges and tells of what it denies; nothing is left behind by a dry run.
fn told(state: &State, review: &Review<'_>, judgement: &Judgement) -> Answer {
    for charge in &judgement.charges {
        for policy in &charge.policies {
            state.metrics.charge(charge.rule.id, policy, charge.word());
        }
    }
    if !review.dry_run {
        state
            .denials
            .tell(review, judgement, &state.knowledge, &state.metrics);
    }
    Answer::judge(review, judgement)
}

/// The denial of an object whose namespace nobody knows, where a policy that denies asks for its labels.
fn namespace_unknown(review: &Review<'_>, rules: &Rules, facts: &Facts) -> Option<Answer> {
    let asks = |policy: &Policy| !policy.namespaces.selects_all() && policy.denies();
    let is_asked = facts.namespace.is_none() && rules.policies().iter().any(|policy| asks(policy));
    is_asked.then(|| {
        let sentence = "the namespace is not known, and a policy selects by its labels";
        let code = codes::POLICY_NAMESPACE_UNKNOWN;
        Answer::refuse(review, &[Fault::new(code, "metadata.namespace", sentence)])
    })
}

fn malformed(state: &State, review: &Review<'_>, error: &Unreadable) -> Answer {
    match error {
        Unreadable::OtherKind => unreadable(
            state,
            review,
            "kind",
            "must be the kind that was asked about",
        ),
        Unreadable::Malformed(path, must_be) => {
            unreadable(state, review, path, &format!("must be {must_be}"))
        }
    }
}

/// What nobody can judge: denied where a policy denies at all.
fn unreadable(state: &State, review: &Review<'_>, path: &str, sentence: &str) -> Answer {
    let fault = Fault::new(codes::MALFORMED, path, sentence);
    let rules = state.knowledge.rules();
    if rules.policies().iter().any(|policy| policy.denies()) {
        Answer::refuse(review, &[fault])
    } else {
        Answer::warn(&[fault])
    }
}
