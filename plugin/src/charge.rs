//! One object before the policies, by the judge of core: as it is stored, or as the webhook would leave it.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;
use thanos_core::decide::rules;
use thanos_core::policy::{Enforcement, Exempt};
use thanos_core::{
    Charge, Judgement, Kind, Policy, Rules, Subject, Unreadable, decide, judge, judge_secret,
    objstore,
};

use crate::facts::Known;
use crate::judge::{Judge, ObjectName, kind_of};

/// The kind of objects that may hold object-store files.
pub(crate) const SECRET: &str = "Secret";

/// Judges object after object, from any thread.
pub(crate) struct Court<'a> {
    known: &'a Known,
    judge: Judge<'a>,
    rules: &'a Rules,
    /// Whether the wirings come first, as at admission.
    wires_first: bool,
}

/// What came of it for one object.
pub(crate) struct Tried {
    pub(crate) object: ObjectName,
    pub(crate) judgement: Judgement,
}

/// One of our kinds with a part of the wrong shape.
pub(crate) struct Malformed {
    pub(crate) object: ObjectName,
    pub(crate) path: &'static str,
    pub(crate) must_be: &'static str,
}

impl<'a> Court<'a> {
    /// Judges objects as they are written or stored.
    pub(crate) fn as_is(known: &'a Known) -> Self {
        Self {
            known,
            judge: Judge::new(known),
            rules: &known.rules,
            wires_first: false,
        }
    }

    /// Judges objects as the webhook would leave them.
    pub(crate) fn after_wiring(known: &'a Known) -> Self {
        Self {
            wires_first: true,
            ..Self::as_is(known)
        }
    }

    /// The same with what is known around these namespaces looked up once.
    #[must_use]
    pub(crate) fn around(mut self, namespaces: BTreeSet<String>) -> Self {
        self.judge = self.judge.around(namespaces);
        self
    }

    /// The same by other rules.
    #[must_use]
    pub(crate) fn by(mut self, rules: &'a Rules) -> Self {
        self.rules = rules;
        self
    }

    /// Judges an object, and what it was before; `None`: it is of another kind.
    pub(crate) fn try_one(
        &self,
        object: &Value,
        old: Option<&Value>,
    ) -> Option<Result<Tried, Malformed>> {
        let Some(kind) = kind_of(object) else {
            return self.try_secret(object, old).map(Ok);
        };
        let name = ObjectName::of(object, kind, &self.known.namespace);
        let subject = match Subject::read(object, old, &self.known.namespace) {
            Ok(subject) => subject,
            Err(Unreadable::OtherKind) => return None,
            Err(Unreadable::Malformed(path, must_be)) => {
                return Some(Err(Malformed {
                    object: name,
                    path,
                    must_be,
                }));
            }
        };
        let facts = self.judge.facts(&subject);
        let decision = self
            .wires_first
            .then(|| decide(&subject, &facts, self.rules))
            .filter(|decision| !decision.edits().is_empty());
        let judgement = match decision.map(|decision| decision.applied_to(object)) {
            None => judge(&subject, &facts, self.rules),
            Some(wired) => match Subject::read(&wired, old, &self.known.namespace) {
                Ok(subject) => judge(&subject, &facts, self.rules),
                Err(_) => judge(&subject, &facts, self.rules),
            },
        };
        Some(Ok(Tried {
            object: name,
            judgement,
        }))
    }

    /// Judges a Secret that holds object-store files.
    fn try_secret(&self, object: &Value, old: Option<&Value>) -> Option<Tried> {
        if !holds_stores(object) {
            return None;
        }
        let name = ObjectName::named(object, SECRET, &self.known.namespace);
        let world = &self.known.world;
        let facts = world.facts(Kind::Prometheus, &name.namespace, self.rules);
        Some(Tried {
            judgement: judge_secret(object, old, &name.namespace, &facts, self.rules),
            object: name,
        })
    }

    /// The exemption by which a charge is let off.
    pub(crate) fn exemption(&self, charge: &Charge, object: &ObjectName) -> Option<&'a Exempt> {
        let rule = rules::rule(charge.rule.id).filter(|_| charge.exempt)?;
        let now = self.known.world.now();
        let policies = self.rules.policies().iter();
        let exemptions = policies
            .filter(|policy| charge.policies.contains(&policy.name))
            .flat_map(|policy| &policy.exemptions);
        let mut covering = exemptions
            .filter(|exemption| exemption.covers(rule, &object.namespace, &object.name, now));
        covering.next()
    }
}

/// Whether an object is a Secret that holds object-store files.
pub(crate) fn holds_stores(object: &Value) -> bool {
    object["kind"] == SECRET
        && object["apiVersion"] == "v1"
        && !objstore::judge_secret(object).is_empty()
}

/// The same rules with every policy saying Deny.
pub(crate) fn denying(rules: &Rules) -> Rules {
    let deny = |policy: &Arc<Policy>| {
        let mut policy = Policy::clone(policy);
        policy.enforcement = Enforcement::Deny;
        for enforcement in policy.overrides.values_mut() {
            *enforcement = Enforcement::Deny;
        }
        Arc::new(policy)
    };
    rules
        .clone()
        .with_policies(rules.policies().iter().map(deny))
}

/// What happens about a charge, in one word.
pub(crate) fn word(charge: &Charge) -> &'static str {
    match charge.enforcement {
        _ if charge.exempt => "exempt",
        Enforcement::Deny => "deny",
        Enforcement::Warn => "warn",
        Enforcement::Audit => "audit",
    }
}

/// The last day of an exemption: `2027-01-31`.
pub(crate) fn last_day(exemption: &Exempt) -> Option<String> {
    let ends = exemption.ends?;
    let before = ends.as_second().checked_sub(1)?;
    let last = jiff::Timestamp::from_second(before).ok()?.to_string();
    Some(last.split('T').next().unwrap_or_default().to_owned())
}
