//! `cross-namespace`: the object looks into other namespaces, where the operator reads with its own rights.
//!
//! An absent namespace selector means the object's own namespace, an empty one means all; the namespace of an alert
//! manager is the object's own where it is absent, and every one where it is an empty text.

use serde_json::Value;

use super::case::{Case, Findings};
use super::places::Spot;
use crate::fields::sensitive::Sort;
use crate::subject::Kind;

pub(super) fn check(case: &Case<'_>, findings: &mut Findings) {
    for place in case.places("cross-namespace", Sort::Selector) {
        match place.at.last_member() {
            Some("namespace") => {
                if place.value.as_str() != Some(case.subject.namespace) {
                    findings.place(place, "must be the object's own namespace");
                }
            }
            Some("excludedFromEnforcement" | "prometheusRulesExcludedFromEnforce") => {
                findings.place(place, "must exclude nothing from the namespace label");
            }
            _ => findings.place(
                place,
                "must be left out: absent it is the object's own namespace, and `{}` is all of them",
            ),
        }
    }
    if case.subject.kind == Kind::ThanosRuler {
        return;
    }
    let ignore = case.subject.spec("ignoreNamespaceSelectors");
    if ignore != Some(&Value::Bool(true)) {
        findings.at(
            &Spot::default().member("ignoreNamespaceSelectors"),
            ignore.unwrap_or(&Value::Null),
            "must be true, or monitors choose namespaces themselves",
        );
    }
}
