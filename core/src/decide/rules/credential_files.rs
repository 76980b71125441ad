//! `credential-files`: a credential or certificate is read from a file of the pod.
//!
//! The file may be the pod's own service account token, or what another container has put there.

use super::case::{Case, Findings};
use super::clients::is_empty;
use crate::fields::sensitive::Sort;

pub(super) fn check(case: &Case<'_>, findings: &mut Findings) {
    for place in case.places("credential-files", Sort::File) {
        if !is_empty(place.value) {
            findings.sent(case, place, "reads a file of the pod: name a Secret");
        }
    }
}
