//! `egress-url`: a url leads where the policy does not allow.
//!
//! Host and path are held against the list after case, default port, percent-encoding and a trailing dot are made the
//! same. What can be read in two ways leads nowhere that is allowed. Alertmanagers are services of the cluster, found by
//! their names: one in another namespace is `cross-namespace`'s affair, but a relabel rule can send alerts anywhere.

use serde_json::Value;

use super::case::{Case, Findings};
use super::{links, relabelling};
use crate::fields::sensitive::Sort;

pub(super) fn check(case: &Case<'_>, findings: &mut Findings) {
    let Some(allowed) = &case.policy.allowed_urls else {
        return;
    };
    for place in case.places("egress-url", Sort::Url) {
        let Some(text) = place.value.as_str() else {
            findings.place(place, "must be a url");
            continue;
        };
        let urls = links::readings(place.row.path, text);
        let leads = urls
            .iter()
            .any(|url| allowed.iter().any(|one| one.matches(url)));
        if leads || text.is_empty() {
            continue;
        }
        let sentence = if urls.is_empty() {
            "is no http url that can be read in one way only"
        } else {
            "leads where remoteWrite.allowedUrls does not"
        };
        findings.place(place, sentence);
    }
    for place in case.places("egress-url", Sort::Relabelling) {
        let rules = place.value.as_array().into_iter().flatten();
        for (index, rule) in rules.enumerate() {
            if rewrites_address(rule) {
                findings.at(
                    &place.at.item(index, rule),
                    rule,
                    "may send alerts where remoteWrite.allowedUrls does not: it writes the address",
                );
            }
        }
    }
}

fn rewrites_address(rule: &Value) -> bool {
    let rule = relabelling::Rule::read(rule);
    let labels = ["__address__", "__scheme__"];
    !rule.removes_names() && labels.iter().any(|label| rule.touches(label))
}
