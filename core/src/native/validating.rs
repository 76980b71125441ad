//! A policy as `ValidatingAdmissionPolicy` objects: one for each enforcement in use, and one for the scale subresource.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::objects::{self, Marks, NOT_LEAVING};
use super::rules::Ask;
use super::{Check, Cover, FailurePolicy, cel, cover, rules};
use crate::decide::rules::{RULES, Rule};
use crate::policy::{Enforcement, Exempt, Policy};
use crate::subject::Kind;
use crate::wiring::Rules;

/// What is the same of every object of a policy.
struct Frame<'a> {
    policy: &'a Policy,
    now: Timestamp,
    failure: FailurePolicy,
}

pub(super) fn objects(
    policy: &Policy,
    wirings: &Rules,
    now: Timestamp,
    failure: FailurePolicy,
) -> Vec<Value> {
    let frame = Frame {
        policy,
        now,
        failure,
    };
    let ask = Ask {
        policy,
        wirings: wirings.wirings(),
    };
    let mut by_enforcement: BTreeMap<Enforcement, Vec<(&Rule, Vec<Cover>)>> = BTreeMap::new();
    for rule in RULES {
        if let Some(enforcement) = policy.enforcement_of(rule) {
            let rules = by_enforcement.entry(enforcement).or_default();
            rules.push((rule, cover(rule, &ask)));
        }
    }
    let mut objects = Vec::new();
    for (enforcement, covers) in by_enforcement.iter().rev() {
        objects.extend(frame.of_objects(*enforcement, covers));
        if let Some(check) = rules::scale(policy)
            && covers.iter().any(|(rule, _)| rule.id() == "limits")
        {
            objects.extend(frame.of_scale(*enforcement, &check));
        }
    }
    objects
}

impl Frame<'_> {
    fn of_objects(&self, enforcement: Enforcement, covers: &[(&Rule, Vec<Cover>)]) -> Vec<Value> {
        let checks = covers.iter().flat_map(|(rule, parts)| {
            let checks = parts.iter().flat_map(Cover::checks);
            checks.map(|check| self.validation(rule, check, "variables.whole.metadata"))
        });
        let checks: Vec<Value> = checks.collect();
        if checks.is_empty() {
            return Vec::new();
        }
        let spec = json!({
            "failurePolicy": self.failure.word(),
            "matchConstraints": {
                "namespaceSelector": objects::selector(&self.policy.namespaces),
                "objectSelector": objects::selector(&self.policy.objects),
                "resourceRules": objects::rules(&Kind::ALL, ""),
            },
            "matchConditions": [{"name": "not-leaving", "expression": NOT_LEAVING}],
            "variables": VARIABLES.map(|(name, expression)| json!({"name": name, "expression": expression})),
            "validations": checks,
        });
        self.pair(enforcement, "", &spec, &marks(covers))
    }

    /// The scale subresource: its object has no labels, and no parent to look at.
    fn of_scale(&self, enforcement: Enforcement, check: &Check) -> Vec<Value> {
        let rule = RULES.iter().filter(|rule| rule.id() == "limits");
        let validations = rule.map(|rule| self.validation(rule, check, "object.metadata"));
        let validations: Vec<Value> = validations.collect();
        let spec = json!({
            "failurePolicy": self.failure.word(),
            "matchConstraints": {
                "namespaceSelector": objects::selector(&self.policy.namespaces),
                "resourceRules": objects::rules(&[Kind::Prometheus, Kind::PrometheusAgent], "/scale"),
            },
            "validations": validations,
        });
        let mut marks = Marks {
            covers: vec!["limits.maxShards through the scale subresource".to_owned()],
            differs: Vec::new(),
            leaves: vec![
                "every other rule about the object as it would be after the scaling".to_owned(),
            ],
        };
        if !self.policy.objects.selects_all() {
            marks.differs.push(
                "objectSelector is not looked at: a Scale has no labels of its object".to_owned(),
            );
        }
        self.pair(enforcement, "-scale", &spec, &marks)
    }

    fn pair(
        &self,
        enforcement: Enforcement,
        suffix: &str,
        spec: &Value,
        marks: &Marks,
    ) -> Vec<Value> {
        let (word, actions): (_, &[&str]) = match enforcement {
            Enforcement::Deny => ("deny", &["Deny"]),
            Enforcement::Warn => ("warn", &["Warn", "Audit"]),
            Enforcement::Audit => ("audit", &["Audit"]),
        };
        let name = format!("kubectl-thanos-policy-{}-{word}{suffix}", self.policy.name);
        let metadata = objects::metadata(&name, marks);
        vec![
            json!({"apiVersion": objects::API_VERSION, "kind": "ValidatingAdmissionPolicy",
                "metadata": metadata, "spec": spec}),
            json!({"apiVersion": objects::API_VERSION, "kind": "ValidatingAdmissionPolicyBinding",
                "metadata": metadata, "spec": {"policyName": name, "validationActions": actions}}),
        ]
    }

    fn validation(&self, rule: &Rule, check: &Check, metadata: &str) -> Value {
        let covers = |exemption: &&Exempt| {
            exemption.rules.contains(rule.id()) && exemption.ends.is_none_or(|ends| self.now < ends)
        };
        let mut expressions: Vec<String> = self
            .policy
            .exemptions
            .iter()
            .filter(covers)
            .map(|exemption| exempts(exemption, metadata))
            .collect();
        expressions.push(check.expression.clone());
        json!({
            "expression": if expressions.len() == 1 { check.expression.clone() } else { cel::any(expressions) },
            "message": format!("{} {}: {} (policy {})", rule.code.code, rule.id(), check.message, self.policy.name),
            "reason": "Forbidden",
        })
    }
}

fn exempts(exemption: &Exempt, metadata: &str) -> String {
    let namespace = format!(
        "{metadata}.namespace == {}",
        cel::text(&exemption.namespace)
    );
    let name = exemption.name.as_ref().map(|name| {
        format!(
            "has({metadata}.name) && {metadata}.name == {}",
            cel::text(name)
        )
    });
    cel::all([namespace].into_iter().chain(name))
}

/// What every expression may use. `dyn` keeps the API server from holding one kind's expression against another's
/// schema.
const VARIABLES: [(&str, &str); 6] = [
    ("whole", "dyn(object)"),
    ("wholeOld", "oldObject == null ? dyn({}) : dyn(oldObject)"),
    (
        "spec",
        "has(variables.whole.spec) ? variables.whole.spec : dyn({})",
    ),
    (
        "old",
        "has(variables.wholeOld.spec) ? variables.wholeOld.spec : dyn({})",
    ),
    (
        "labels",
        "has(variables.whole.metadata.labels) ? variables.whole.metadata.labels : dyn({})",
    ),
    (
        "namespaceLabels",
        "has(namespaceObject.metadata.labels) ? namespaceObject.metadata.labels : {}",
    ),
];

fn marks(covers: &[(&Rule, Vec<Cover>)]) -> Marks {
    let mut marks = Marks {
        covers: Vec::new(),
        differs: Vec::new(),
        leaves: Vec::new(),
    };
    for (rule, parts) in covers {
        let id = rule.id();
        if !parts.is_empty() && parts.iter().all(|part| matches!(part, Cover::Exact(_))) {
            marks.covers.push(id.to_owned());
        }
        for part in parts {
            match part {
                Cover::Exact(_) => {}
                Cover::Stricter(_, why) => marks.differs.push(format!("{id} is stricter: {why}")),
                Cover::Looser(_, why) => marks.differs.push(format!("{id} is looser: {why}")),
                Cover::Not(why) => marks.leaves.push(format!("{id}: {why}")),
            }
        }
    }
    marks.differs.push(
        "the day on which an exemption ends is not looked at: write it again then".to_owned(),
    );
    marks.differs.push(
        "what a wiring sets passes only for the wirings that were given when this was written"
            .to_owned(),
    );
    marks
        .leaves
        .push("the warning about what the object had before".to_owned());
    marks
}
