//! `borrowed-secret`: the object names a Secret or a ConfigMap that is not its own to name.
//!
//! The operator reads it with its own rights and sends what is in it where the object says. A wiring's own Secret is
//! allowed at exactly the fields that the wiring sets, and nowhere else.

use serde_json::{Value, json};

use super::case::{Case, Findings};
use super::places::Place;
use crate::fields::sensitive::Sort;

pub(super) fn check(case: &Case<'_>, findings: &mut Findings) {
    let Some(allowed) = &case.policy.allowed_secrets else {
        return;
    };
    for place in case.places("borrowed-secret", Sort::Reference) {
        let name = place.value.get("name").and_then(Value::as_str);
        if name.is_some_and(|name| allowed.contains(name)) || case.set_by_wiring(place) {
            continue;
        }
        // Another destination makes it another fault: an old one must not be turned on somebody else.
        findings.at(
            &place.at,
            &json!([place.value, destination(case, place)]),
            "names a Secret or ConfigMap that is not in remoteWrite.allowedSecrets",
        );
    }
}

/// Where what a place names is sent: the urls beside it, and an alertmanager's service.
fn destination<'a>(case: &Case<'a>, place: &Place<'a>) -> Vec<&'a Value> {
    let urls = case.places.all.iter().filter(|other| {
        other.row.sort == Sort::Url && other.at.is_beside(&place.at) && other.value.is_string()
    });
    let service = ["namespace", "port", "scheme"];
    let item = place.at.first_item().into_iter();
    let service = item.flat_map(|item| service.iter().filter_map(|field| item.get(field)));
    urls.map(|url| url.value).chain(service).collect()
}
