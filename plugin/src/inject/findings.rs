//! What is found besides decisions, what of all that `--fail-on` counts, and what is said at the end of it.

use thanos_core::codes::{self, Severity};

use super::Done;
use crate::cli::{FailOn, InjectArgs};
use crate::judge::Finding;
use crate::manifests::{Document, Object};
use crate::why::State;

/// What has no apiVersion or no kind is no object, whatever else it is.
pub(super) fn stray(document: &Document, object: &Object<'_>) -> Option<Finding> {
    let has = |key: &str| {
        object
            .value
            .get(key)
            .is_some_and(serde_json::Value::is_string)
    };
    let lacks = match (has("apiVersion"), has("kind")) {
        (true, true) => return None,
        (false, true) => "no apiVersion",
        (true, false) => "no kind",
        (false, false) => "neither apiVersion nor kind",
    };
    let file = document.source().name();
    let line = line(document, object.pointer.as_str());
    Some(Finding::new(
        codes::NO_OBJECT,
        format!("{file}:{line}: {lacks}: this is no Kubernetes object"),
    ))
}

/// Keys of an object that stand twice in their mapping.
pub(crate) fn duplicates(document: &Document, pointer: &str) -> Vec<Finding> {
    let file = document.source().name();
    let twice = document.duplicates_below(pointer).into_iter();
    twice
        .map(|(key, at)| {
            let (line, column) = (at.line, at.column);
            Finding::new(
                codes::DUPLICATE_KEY,
                format!("{file}:{line}:{column}: key {key} stands twice; the last one counts, and kustomize refuses the file"),
            )
        })
        .collect()
}

/// The line on which an object begins. That of a whole document is found without counting the source anew.
pub(super) fn line(document: &Document, pointer: &str) -> usize {
    if !pointer.is_empty() {
        return document.position(pointer).line;
    }
    let is_before =
        |line: &&str| line.starts_with("---") || line.starts_with('#') || line.trim().is_empty();
    document.first_line() + document.text().lines().take_while(is_before).count()
}

/// How many objects `--fail-on` finds.
pub(super) fn count(done: &[Done<'_>], fail_on: Option<FailOn>) -> usize {
    let is_found = |done: &&Done<'_>| match fail_on {
        None => false,
        Some(FailOn::Warning) => severity(done) >= Severity::Warning,
        Some(FailOn::Error) => severity(done) >= Severity::Error,
        Some(FailOn::Unwired) => {
            !matches!(State::of(&done.judged), State::Wired | State::WouldBeWired)
        }
    };
    done.iter().filter(is_found).count()
}

fn severity(done: &Done<'_>) -> Severity {
    let twice = done.duplicates.iter().map(|finding| finding.row.severity);
    twice.fold(done.judged.severity(), Severity::max)
}

/// Why a run ends with 3, where it does.
pub(super) fn sentence(found: usize, args: &InjectArgs) -> Option<String> {
    let fail_on = args.fail_on.filter(|_| found > 0)?;
    let objects = if found == 1 { "object" } else { "objects" };
    let what = match fail_on {
        FailOn::Warning => "at or above warning",
        FailOn::Error => "at or above error",
        FailOn::Unwired => "not wired",
    };
    let nothing = if args.in_place {
        ": nothing was written"
    } else {
        ""
    };
    Some(format!("{found} {objects} {what} (--fail-on){nothing}"))
}
