//! A policy before the wirings: one that would refuse what the webhook itself puts into objects is refused when it is
//! written, or no object could be created any more.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use kube_core::{Expression, Selector, SelectorExt};
use serde_json::{Value, json};

use super::{Enforcement, Policy};
use crate::codes;
use crate::decide::{decide, rules::judge};
use crate::decision::Fault;
use crate::facts::{Credential, Facts, Lately};
use crate::fields::Served;
use crate::names;
use crate::subject::{Kind, Subject};
use crate::wiring::{Rules, Wiring};

/// The namespace and the name of the object that is tried, where no selector wants another.
const EXAMPLE: &str = "example";
/// A value that no selector names.
const UNNAMED: &str = "example-that-is-not-named";
/// The most label sets that are tried for one pair of selectors.
const MOST_TRIES: usize = 512;

/// What of each wiring's edits the policy would refuse, each by the policy's own field.
///
/// For each kind of each wiring the least object that both select is wired, its credential at hand, and judged before
/// and after by the policy alone, at Deny.
pub fn against(policy: &Policy, rules: &Rules) -> Vec<Fault> {
    let mut faults: Vec<Fault> = Vec::new();
    for wiring in rules.wirings().iter().filter(|wiring| !wiring.deleting) {
        let Some(meeting) = Meeting::of(policy, wiring) else {
            continue;
        };
        for kind in &wiring.kinds {
            for fault in meeting.faults(policy, wiring, *kind) {
                if !faults.contains(&fault) {
                    faults.push(fault);
                }
            }
        }
    }
    faults
}

/// Labels of a namespace and of an object that a policy and a wiring both select.
struct Meeting {
    namespace: BTreeMap<String, String>,
    object: BTreeMap<String, String>,
}

impl Meeting {
    /// `None`: the two never meet.
    fn of(policy: &Policy, wiring: &Wiring) -> Option<Self> {
        let named = BTreeMap::from([(names::NAMESPACE_NAME.to_owned(), EXAMPLE.to_owned())]);
        Some(Self {
            namespace: both(&policy.namespaces, &wiring.namespaces, &named)?,
            object: both(&policy.objects, &wiring.objects, &BTreeMap::new())?,
        })
    }

    fn faults(&self, policy: &Policy, wiring: &Arc<Wiring>, kind: Kind) -> Vec<Fault> {
        let strict = Policy {
            enforcement: Enforcement::Deny,
            exemptions: Vec::new(),
            ..policy.clone()
        };
        let rules = Rules::new([Arc::clone(wiring)]).with_policies([Arc::new(strict)]);
        let facts = Facts {
            now: jiff::Timestamp::UNIX_EPOCH,
            namespace: Some(Arc::new(self.namespace.clone())),
            credentials: BTreeMap::from([(Arc::clone(&wiring.name), Credential::Ready)]),
            operator: None,
            served: Arc::new(Served::newest(kind)),
            lately: Lately::default(),
        };
        let before = self.object(kind);
        let Ok(subject) = Subject::read(&before, None, EXAMPLE) else {
            return Vec::new();
        };
        let after = decide(&subject, &facts, &rules).applied_to(&before);
        let denied = |object: &Value| -> BTreeSet<(&'static str, String, String)> {
            let Ok(subject) = Subject::read(object, None, EXAMPLE) else {
                return BTreeSet::new();
            };
            let judgement = judge(&subject, &facts, &rules);
            let charges = judgement.denied();
            charges
                .map(|charge| (charge.rule.id, charge.path.clone(), charge.sentence.clone()))
                .collect()
        };
        let had = denied(&before);
        let ours = denied(&after)
            .into_iter()
            .filter(|charge| !had.contains(charge));
        ours.map(|(rule, path, sentence)| {
            let sentence = format!(
                "refuses what wiring {} sets: {path} {sentence}",
                wiring.name
            );
            Fault::new(codes::POLICY_REFUSES_WIRING, field(policy, rule), sentence)
        })
        .collect()
    }

    /// The least object that can be wired.
    fn object(&self, kind: Kind) -> Value {
        let version = match kind {
            Kind::ThanosRuler => "v0.99.0",
            Kind::Prometheus | Kind::PrometheusAgent => "v3.99.0",
        };
        let namespace = self.namespace.get(names::NAMESPACE_NAME);
        json!({
            "apiVersion": format!("{}/{}", names::OPERATOR_GROUP, kind.version()),
            "kind": kind.name(),
            "metadata": {"name": EXAMPLE, "namespace": namespace, "labels": self.object},
            "spec": {"version": version, "serviceMonitorSelector": {}},
        })
    }
}

/// The field of a policy that lets something pass a rule, or that brings the rule.
fn field(policy: &Policy, rule: &str) -> &'static str {
    match rule {
        "egress-url" => "spec.remoteWrite.allowedUrls",
        "borrowed-secret" => "spec.remoteWrite.allowedSecrets",
        "required-wiring" => "spec.remoteWrite.requireWiring",
        "identity-labels" => "spec.labels.required",
        "limits" => "spec.limits",
        _ if policy.overrides.contains_key(rule) => "spec.rules",
        _ => "spec.profile",
    }
}

/// Labels that both selectors select, tried from what the two name; `None`: there are none.
fn both(
    one: &Selector,
    other: &Selector,
    given: &BTreeMap<String, String>,
) -> Option<BTreeMap<String, String>> {
    let mut values: BTreeMap<String, BTreeSet<Option<String>>> = BTreeMap::new();
    let given_or = |key: &str| {
        given
            .get(key)
            .cloned()
            .unwrap_or_else(|| EXAMPLE.to_owned())
    };
    for expression in one.clone().into_iter().chain(other.clone()) {
        let (key, named) = match expression {
            Expression::In(key, named) | Expression::NotIn(key, named) => (key, named),
            Expression::Equal(key, value) | Expression::NotEqual(key, value) => {
                (key, BTreeSet::from([value]))
            }
            Expression::Exists(key) | Expression::DoesNotExist(key) => (key, BTreeSet::new()),
        };
        let tried = values.entry(key.clone()).or_default();
        tried.extend(named.into_iter().map(Some));
        tried.extend([given_or(&key), UNNAMED.to_owned()].map(Some));
        // The API server puts the name on every namespace.
        if !given.contains_key(&key) {
            tried.insert(None);
        }
    }
    let mut sets = vec![given.clone()];
    for (key, tried) in values {
        let with = |labels: &BTreeMap<String, String>, value: &Option<String>| {
            let mut labels = labels.clone();
            match value {
                Some(value) => labels.insert(key.clone(), value.clone()),
                None => labels.remove(&key),
            };
            labels
        };
        // One label does not decide about another: what neither selector could want of this one is left out.
        let wanted = |labels: &BTreeMap<String, String>| {
            let about = |selector: &Selector| {
                let mut own = selector
                    .clone()
                    .into_iter()
                    .filter(|one| key_of(one) == key);
                own.all(|one| one.matches(labels))
            };
            about(one) && about(other)
        };
        sets = sets
            .iter()
            .flat_map(|labels| tried.iter().map(|value| with(labels, value)))
            .filter(wanted)
            .take(MOST_TRIES)
            .collect();
    }
    sets.into_iter()
        .find(|labels| one.matches(labels) && other.matches(labels))
}

fn key_of(expression: &Expression) -> &str {
    match expression {
        Expression::In(key, _)
        | Expression::NotIn(key, _)
        | Expression::Equal(key, _)
        | Expression::NotEqual(key, _)
        | Expression::Exists(key)
        | Expression::DoesNotExist(key) => key,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wiring() -> Value {
        json!({"apiVersion": names::API_VERSION, "kind": "ThanosWiring", "metadata": {"name": "hub"}, "spec": {
            "cluster": "edge",
            "namespaceSelector": {"matchLabels": {"team": "a"}},
            "remoteWrite": {
                "url": "https://receive.example.com/api/v1/receive",
                "auth": {"basicAuth": {"username": {"name": "s", "key": "u"}, "password": {"name": "s", "key": "p"}}},
                "tenant": {},
            },
            "credentials": {"namespaces": []},
        }})
    }

    fn said(spec: &Value) -> Vec<String> {
        let policy = json!({"apiVersion": names::API_VERSION, "kind": "ThanosPolicy", "metadata": {"name": "p"}, "spec": spec});
        let rules = Rules::new([Arc::new(crate::wiring::read(&wiring()).unwrap())]);
        let faults = against(&crate::policy::read(&policy).unwrap(), &rules);
        faults
            .iter()
            .map(|fault| format!("{} {fault}", fault.code))
            .collect()
    }

    #[test]
    fn a_policy_that_would_refuse_our_own_edits_is_found() {
        let refused =
            said(&json!({"remoteWrite": {"allowedUrls": ["https://elsewhere.example.org/*"]}}));
        assert_eq!(
            refused,
            [
                "KTH7002 spec.remoteWrite.allowedUrls: refuses what wiring hub sets: spec.remoteWrite[0].url leads where remoteWrite.allowedUrls does not"
            ]
        );
    }

    #[test]
    fn one_that_allows_them_or_never_meets_the_wiring_is_not() {
        for spec in [
            json!({"remoteWrite": {"allowedUrls": ["https://*.example.com/api/v1/receive"], "allowedSecrets": [], "requireWiring": ["hub"]}, "labels": {"required": ["cluster", "site"]}}),
            json!({"remoteWrite": {"allowedUrls": []}, "namespaceSelector": {"matchLabels": {"team": "b"}}}),
            json!({"remoteWrite": {"allowedUrls": []}, "namespaceSelector": {"matchExpressions": [{"key": "team", "operator": "DoesNotExist"}]}}),
            json!({"remoteWrite": {"allowedUrls": []}, "profile": "None"}),
        ] {
            assert_eq!(said(&spec), Vec::<String>::new(), "{spec}");
        }
        let meets = json!({"remoteWrite": {"allowedUrls": []}, "namespaceSelector": {"matchExpressions": [
            {"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": ["example", "monitoring"]},
            {"key": "team", "operator": "In", "values": ["a", "b"]}]}});
        assert_eq!(said(&meets).len(), 1);
    }
}
