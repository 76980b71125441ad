//! `egress-url`: an url leads where the policy does not allow.
//!
//! Host and path are held against the list after case, default port, dot segments, percent-encoding and a trailing dot
//! are made the same. What no reader can make a url of leads nowhere that is allowed.

use url::Url;

use super::case::{Case, Findings};
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
        let leads = Url::parse(text).is_ok_and(|url| allowed.iter().any(|one| one.matches(&url)));
        if !leads && !text.is_empty() {
            findings.place(place, "leads where remoteWrite.allowedUrls does not");
        }
    }
}
