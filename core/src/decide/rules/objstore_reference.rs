//! `objstore-reference`: an object-store configuration cannot be judged where it lies.
//!
//! The API server sends the webhook only those Secrets that hold a known key: any other key, a file and an argument
//! would be ways around.

use super::case::{Case, Findings};
use super::shape::{Argument, is_empty, text};
use crate::fields::sensitive::Sort;
use crate::names;

pub(super) fn check(case: &Case<'_>, findings: &mut Findings) {
    for place in case.places("objstore-reference", Sort::Reference) {
        if !names::OBJSTORE_KEYS.contains(&text(place.value, "key")) {
            findings.place(
                place,
                format!(
                    "must name one of the keys {}",
                    names::OBJSTORE_KEYS.join(", ")
                ),
            );
        }
    }
    for place in case.places("objstore-reference", Sort::File) {
        if !is_empty(place.value) {
            findings.place(
                place,
                "must be in a Secret: a file of the pod is not judged",
            );
        }
    }
    for argument in Argument::all(case, "objstore-reference") {
        if matches!(argument.name, "objstore.config" | "objstore.config-file") {
            findings.place(
                argument.place,
                "must be in a Secret: an argument is not judged",
            );
        }
    }
}
