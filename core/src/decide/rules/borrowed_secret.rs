//! `borrowed-secret`: the object names a Secret or a ConfigMap that is not its own to name.
//!
//! The operator reads it with its own rights and sends what is in it where the object says. A wiring's own Secret is
//! allowed at exactly the fields that the wiring sets, and nowhere else.

use serde_json::Value;

use super::case::{Case, Findings};
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
        findings.sent(
            case,
            place,
            "names a Secret or ConfigMap that is not in remoteWrite.allowedSecrets",
        );
    }
}
