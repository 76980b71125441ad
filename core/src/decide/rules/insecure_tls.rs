//! `insecure-tls`: TLS is checked less than it should be, or a credential follows a redirect.
//!
//! Prometheus follows redirects unless it is told not to, so an absent `followRedirects` is one that is true.

use serde_json::{Value, json};

use super::case::{Case, Findings};
use super::clients::{credentials, list};
use crate::fields::sensitive::Sort;

pub(super) fn check(case: &Case<'_>, findings: &mut Findings) {
    for place in case.places("insecure-tls", Sort::Tls) {
        let sentence = match place.at.last_member().unwrap_or_default() {
            "minVersion" | "maxVersion" if is_old(place.value) => "must be TLS12 or TLS13",
            "insecureSkipVerify" if *place.value != false => {
                "must not be set: name the authority in ca"
            }
            "insecure" if *place.value != false => {
                "must not be set: traces would travel in plain text"
            }
            _ => continue,
        };
        findings.place(place, sentence);
    }
    for (at, client) in ["remoteWrite", "remoteRead"]
        .into_iter()
        .flat_map(|field| list(case, &[field]))
    {
        let follows = client.get("followRedirects").unwrap_or(&Value::Null);
        let sent = credentials(case, &at, client);
        if *follows != false && !sent.is_empty() {
            let sentence = "must be false: a credential goes along, and the server says where to";
            findings.at(&at.member("followRedirects"), &json!([sent]), sentence);
        }
    }
}

/// Whether a version is below 1.2, or none that is known.
fn is_old(version: &Value) -> bool {
    !matches!(version.as_str(), Some("" | "TLS12" | "TLS13"))
}
