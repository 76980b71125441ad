//! `remote-write-names`: Prometheus would refuse the remote-write entries, or lose what they send.
//!
//! Two entries of one name, or two without a name that are the same; a header that Prometheus reserves or HTTP cannot
//! carry; more than one authentication; a url, a queue or a relabel rule that Prometheus does not load, with which it
//! loads nothing else of the configuration either; Remote Write 2.0 toward Receive, which answers 200 and stores nothing.

use std::collections::BTreeSet;

use serde_json::Value;

use super::case::{Case, Findings};
use super::clients::{AUTHENTICATIONS, TOKENS, is_empty, list};
use super::places::{Spot, digest};
use super::relabelling::Rule;
use super::{headers, links};
use crate::fields::sensitive::Sort;
use crate::wiring::{RESERVED_HEADERS, nanoseconds};

/// The members of `azureAd` of which exactly one says who is asking.
pub(crate) const AZURE: &[&str] = &["managedIdentity", "oauth", "sdk", "workloadIdentity"];

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
        not_loaded(&at, entry, findings);
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

/// What stops Prometheus from loading the whole configuration, our entry included.
fn not_loaded(at: &Spot<'_>, entry: &Value, findings: &mut Findings) {
    if let Some(url) = entry.get("url")
        && url.as_str().is_none_or(links::is_refused)
    {
        findings.at(&at.member("url"), url, "is no url that Prometheus loads");
    }
    let rules = entry.get("writeRelabelConfigs").and_then(Value::as_array);
    for (index, rule) in rules.into_iter().flatten().enumerate() {
        if let Some(sentence) = Rule::read(rule).refused() {
            let spot = at.member("writeRelabelConfigs").item(index, rule);
            findings.at(
                &spot,
                rule,
                format!("{sentence}: Prometheus would not load it"),
            );
        }
    }
    let queue = entry.get("queueConfig").filter(|queue| queue.is_object());
    let Some(queue) = queue else { return };
    let at = at.member("queueConfig");
    // The operator leaves a zero out.
    let number = |field: &str, default: i64| {
        let number = queue.get(field).and_then(Value::as_i64);
        number.filter(|number| *number != 0).unwrap_or(default)
    };
    let duration = |field: &str, default: i64| {
        let text = queue.get(field).and_then(Value::as_str);
        text.and_then(nanoseconds).unwrap_or(default)
    };
    for field in ["capacity", "minShards", "maxShards", "maxSamplesPerSend"] {
        if number(field, 1) < 0 {
            findings.at(&at.member(field), &queue[field], "must be positive");
        }
    }
    // `DefaultQueueConfig` in Prometheus `config/config.go`.
    let shards = (number("minShards", 1), number("maxShards", 50));
    let backoff = (
        duration("minBackoff", 30_000_000),
        duration("maxBackoff", 5_000_000_000),
    );
    for (field, (low, high)) in [("minShards", shards), ("minBackoff", backoff)] {
        if low > high && high > 0 {
            let sentence = "must not be above its maximum: Prometheus would not load it";
            findings.at(&at.member(field), queue, sentence);
        }
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
