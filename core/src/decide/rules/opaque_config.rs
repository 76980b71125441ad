//! `opaque-config`: the object brings configuration that lies in a Secret, a ConfigMap or a file.

use super::case::{Case, Findings};
use super::shape::is_empty;
use crate::fields::sensitive::Sort;
use crate::subject::Kind;

pub(super) fn check(case: &Case<'_>, findings: &mut Findings) {
    for place in case.places("opaque-config", Sort::Reference) {
        // Of the three kinds the ruler alone keeps its tracing in a Secret; the others write it out.
        let written =
            place.at.names() == ["tracingConfig"] && case.subject.kind != Kind::ThanosRuler;
        if !written {
            findings.place(
                place,
                "holds configuration that admission cannot see: use the operator's own fields",
            );
        }
    }
    for place in case.places("opaque-config", Sort::File) {
        if !is_empty(place.value) {
            findings.place(
                place,
                "reads configuration from a file that admission cannot see",
            );
        }
    }
}
