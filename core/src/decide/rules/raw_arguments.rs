//! `raw-arguments`: the object passes raw arguments or feature flags, which can undo what admission has seen.

use super::case::{Case, Findings};
use super::shape::Argument;
use crate::fields::sensitive::Sort;

pub(super) fn check(case: &Case<'_>, findings: &mut Findings) {
    for argument in Argument::all(case, "raw-arguments") {
        findings.place(argument.place, "must not be passed as it is");
    }
    for place in case.places("raw-arguments", Sort::Switch) {
        findings.place(place, "must not be set: it switches a feature on");
    }
}
