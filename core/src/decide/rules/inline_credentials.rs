//! `inline-credentials`: a credential stands in the object itself.
//!
//! In a field for it, in a url (user information, or a parameter such as `?token=`), in a header whose name or value is
//! a credential's, in the parameters of a token endpoint. No sentence holds any part of it.

use super::case::{Case, Findings};
use super::clients::is_empty;
use super::{headers, links};
use crate::fields::sensitive::Sort;

pub(super) fn check(case: &Case<'_>, findings: &mut Findings) {
    for place in case.places("inline-credentials", Sort::Credential) {
        if !is_empty(place.value) {
            findings.place(place, "is a credential in plain sight: name a Secret");
        }
    }
    for place in case.places("inline-credentials", Sort::Url) {
        let text = place.value.as_str().unwrap_or_default();
        if case.set_by_wiring(place) {
            continue;
        }
        if links::has_user_information(text) {
            findings.place(place, "holds a user name or a password: name a Secret");
        } else if links::parameters(text)
            .iter()
            .any(|name| headers::names_credential(name))
        {
            findings.place(
                place,
                "holds a credential among its parameters: name a Secret",
            );
        }
    }
    for place in case.places("inline-credentials", Sort::Header) {
        let text = place.value.as_str().unwrap_or_default();
        let name = place.at.last_member().unwrap_or_default();
        if text.is_empty() || case.set_by_wiring(place) {
            continue;
        }
        if headers::names_credential(name) || headers::is_credential(text) {
            findings.place(place, "is a credential in plain sight: name a Secret");
        }
    }
}
