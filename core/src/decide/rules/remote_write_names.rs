//! `remote-write-names`: Prometheus would refuse the remote-write entries, or lose what they send.
//!
//! Two entries of one name, or two without a name that are the same; a header that Prometheus reserves or HTTP cannot
//! carry; more than one authentication; Remote Write 2.0 toward Receive, which answers 200 and stores nothing.

use std::collections::BTreeSet;

use serde_json::Value;

use super::case::{Case, Findings};
use super::clients::{AUTHENTICATIONS, TOKENS, is_empty, list};
use super::places::{Spot, digest};
use super::{headers, links};
use crate::fields::sensitive::Sort;
use crate::wiring::RESERVED_HEADERS;

/// The members of `azureAd` of which exactly one says who is asking.
const AZURE: &[&str] = &["managedIdentity", "oauth", "sdk", "workloadIdentity"];

pub(super) fn check(case: &Case<'_>, findings: &mut Findings) {
    for field in ["remoteWrite", "remoteRead"] {
        let mut seen = BTreeSet::new();
        for (at, entry) in list(case, &[field]) {
            let name = entry.get("name").filter(|name| !is_empty(name));
            // Prometheus itself knows an entry without a name by its content.
            let (known_by, at_name) = match name {
                Some(name) => (digest(name), at.member("name")),
                None => (digest(entry), at.clone()),
            };
            if !seen.insert((name.is_some(), known_by)) {
                let value = name.unwrap_or(entry);
                findings.at(
                    &at_name,
                    value,
                    "is there twice: Prometheus would not load the configuration",
                );
            }
            authentications(&at, entry, findings);
        }
    }
    for place in case.places("remote-write-names", Sort::Header) {
        let name = place.at.last_member().unwrap_or_default();
        let value = place.value.as_str();
        if RESERVED_HEADERS.contains(&name.to_lowercase().as_str()) {
            findings.place(place, "is a header that Prometheus reserves");
        } else if !headers::is_name(name) || !value.is_some_and(headers::is_value) {
            findings.place(
                place,
                "is no header that HTTP can carry: every request would fail",
            );
        }
    }
    for (at, entry) in case.entries() {
        let version = entry.get("messageVersion").and_then(Value::as_str);
        let second = version.is_some_and(|version| !version.eq_ignore_ascii_case("V1.0"));
        if second && leads_to_receive(case, entry) {
            let sentence = "must be V1.0: Thanos Receive up to 0.42 answers 200 to Remote Write 2.0 and stores nothing";
            findings.at(
                &at.member("messageVersion"),
                &entry["messageVersion"],
                sentence,
            );
        }
    }
}

/// More than one of what the operator and Prometheus allow one of (`validateRemoteWriteSpec`, `validateAuthConfigs`).
fn authentications(at: &Spot<'_>, entry: &Value, findings: &mut Findings) {
    let set = |members: &[&str], of: &Value| {
        let is_set = |name: &&&str| of.get(**name).is_some_and(|value| !is_empty(value));
        members.iter().filter(is_set).count()
    };
    if set(AUTHENTICATIONS, entry) + set(TOKENS, entry) > 1 {
        findings.at(
            at,
            entry,
            "has more than one authentication: Prometheus takes one",
        );
    }
    let azure = entry.get("azureAd").filter(|azure| azure.is_object());
    if let Some(azure) = azure.filter(|azure| set(AZURE, azure) != 1) {
        let sentence = "must hold exactly one of managedIdentity, oauth, sdk and workloadIdentity";
        findings.at(&at.member("azureAd"), azure, sentence);
    }
}

/// Whether the entry leads to Receive: to a wiring's hub, or to Receive's own path.
fn leads_to_receive(case: &Case<'_>, entry: &Value) -> bool {
    let text = entry.get("url").and_then(Value::as_str).unwrap_or_default();
    let mut wirings = case.rules.wirings().iter();
    let path = links::path(text).to_ascii_lowercase();
    wirings.any(|wiring| wiring.entry.leads_to(text))
        || path.trim_end_matches('/').ends_with("/api/v1/receive")
}
