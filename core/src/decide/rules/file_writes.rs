//! `file-writes`: the object writes a file of its choice with the pod's rights.

use super::case::{Case, Findings};
use super::shape::is_empty;
use crate::fields::sensitive::Sort;

/// What is no file: the pod's own log, and nowhere.
pub(crate) const STREAMS: &[&str] = &["/dev/stdout", "/dev/stderr", "/dev/null"];

pub(super) fn check(case: &Case<'_>, findings: &mut Findings) {
    for place in case.places("file-writes", Sort::File) {
        let stream = place
            .value
            .as_str()
            .is_some_and(|path| STREAMS.contains(&path));
        if !stream && !is_empty(place.value) {
            findings.place(
                place,
                "writes a file in the pod; /dev/stdout would go into its log",
            );
        }
    }
}
