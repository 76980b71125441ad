//! `plaintext-url`: a credential would travel in plain text.
//!
//! What a wiring has set, url and credential, is the admin's word: the wiring itself is warned of.

use serde_json::{Value, json};

use super::case::{Case, Findings};
use super::clients::{self, credentials};
use super::links;
use super::places::Place;
use crate::fields::sensitive::Sort;

pub(super) fn check(case: &Case<'_>, findings: &mut Findings) {
    for place in case.places("plaintext-url", Sort::Url) {
        let text = place.value.as_str().unwrap_or_default();
        if text.is_empty() || links::is_encrypted(text) {
            continue;
        }
        let sent = sent(case, place, text);
        if !sent.is_null() {
            findings.at(
                &place.at,
                &json!([text, sent]),
                "sends a credential in plain text",
            );
        }
    }
    // An alertmanager is called by http unless it is said otherwise.
    for (at, alertmanager) in clients::list(case, &["alerting", "alertmanagers"]) {
        let scheme = alertmanager.get("scheme").and_then(Value::as_str);
        let encrypted = scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("https"));
        let sent = credentials(case, &at, alertmanager);
        if !encrypted && !sent.is_empty() {
            findings.at(
                &at.member("scheme"),
                &Value::Object(sent),
                "sends a credential in plain text",
            );
        }
    }
}

/// What goes along to the url of a place; null where nothing does.
fn sent(case: &Case<'_>, place: &Place<'_>, text: &str) -> Value {
    let parent = place.parent;
    let sent = match place.row.path {
        "**.proxyUrl" => parent.get("proxyConnectHeader").cloned(),
        "**.oauth2.tokenUrl" => Some(parent.clone()),
        "alertmanagersUrl[]" => None,
        _ => Some(Value::Object(credentials(case, &place.at.parent(), parent))),
    };
    let sent = sent.filter(|sent| sent.as_object().is_some_and(|members| !members.is_empty()));
    let user = links::has_user_information(text).then_some(Value::Bool(true));
    sent.or(user).unwrap_or_default()
}
