//! What of the policies and the wirings the API server can do by itself, without a webhook: admission policies in CEL.
//!
//! ```text
//! Policy ──> cover (what CEL can say of each rule) ──> ValidatingAdmissionPolicy + binding, one pair per enforcement
//! Wiring ──> the entry and the labels as decide makes them ──> MutatingAdmissionPolicy + binding
//! ```
//!
//! Each object says in its annotations what it covers and what it does not.

mod cel;
mod mutating;
mod objects;
mod paths;
mod rules;
mod selector;
mod validating;

use jiff::Timestamp;
use serde_json::Value;

use crate::policy::Policy;
use crate::wiring::{Rules, Wiring};

pub use paths::TEXT as PATHS;
pub use rules::{Ask, cover};

/// Annotation: what the object does as this project's own programs would.
pub const COVERS: &str = "kubectl-thanos.dev/covers";
/// Annotation: what it does otherwise, and how.
pub const DIFFERS: &str = "kubectl-thanos.dev/differs";
/// Annotation: what it does not do.
pub const LEAVES: &str = "kubectl-thanos.dev/does-not-cover";

/// What CEL can say of one part of a rule, for one policy.
#[derive(Clone, Debug, PartialEq)]
pub enum Cover {
    /// It refuses exactly what the rule refuses there.
    Exact(Vec<Check>),
    /// It refuses all that the rule refuses there, and more.
    Stricter(Vec<Check>, &'static str),
    /// It refuses nothing but what the rule refuses there, and not all of it.
    Looser(Vec<Check>, &'static str),
    /// It cannot say it.
    Not(&'static str),
}

/// One validation.
#[derive(Clone, Debug, PartialEq)]
pub struct Check {
    /// True where the object is right.
    pub expression: String,
    /// `spec.paused must not be true`: the field and the sentence.
    pub message: String,
}

impl Check {
    fn new(expression: String, message: impl Into<String>) -> Self {
        Self {
            expression,
            message: message.into(),
        }
    }
}

impl Cover {
    /// Its validations.
    pub fn checks(&self) -> &[Check] {
        match self {
            Cover::Exact(checks) | Cover::Stricter(checks, _) | Cover::Looser(checks, _) => checks,
            Cover::Not(_) => &[],
        }
    }

    /// `exact`, `stricter`, `looser` or `not`.
    pub fn word(&self) -> &'static str {
        match self {
            Cover::Exact(_) => "exact",
            Cover::Stricter(..) => "stricter",
            Cover::Looser(..) => "looser",
            Cover::Not(_) => "not",
        }
    }

    /// What differs, or why it cannot be said.
    pub fn differs(&self) -> Option<&'static str> {
        match self {
            Cover::Exact(_) => None,
            Cover::Stricter(_, why) | Cover::Looser(_, why) | Cover::Not(why) => Some(why),
        }
    }
}

/// What happens to a request for which an expression fails to run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FailurePolicy {
    /// It is refused.
    #[default]
    Fail,
    /// It passes.
    Ignore,
}

impl FailurePolicy {
    fn word(self) -> &'static str {
        match self {
            FailurePolicy::Fail => "Fail",
            FailurePolicy::Ignore => "Ignore",
        }
    }
}

/// The objects that stand for a policy: a `ValidatingAdmissionPolicy` and its binding for each enforcement in use, and
/// a pair for the scale subresource where the policy bounds it.
///
/// The wirings are those whose own values a rule lets pass. An exemption that has ended `now` is left out; one that
/// ends later does not end here.
pub fn validating(
    policy: &Policy,
    wirings: &Rules,
    now: Timestamp,
    failure: FailurePolicy,
) -> Vec<Value> {
    validating::objects(policy, wirings, now, failure)
}

/// The `MutatingAdmissionPolicy` and its binding that stand for a wiring; nothing for one that is on its way out.
pub fn mutating(wiring: &Wiring) -> Vec<Value> {
    mutating::objects(wiring)
}
