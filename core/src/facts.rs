//! What may be known about the world around one subject. Plain data: callers look, once, before they ask.

use std::collections::BTreeMap;
use std::sync::Arc;

use semver::Version;

use crate::fields::Served;
use crate::wiring::Wiring;

/// Whether the Secrets that a wiring names are in the subject's namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    /// They are.
    Ready,
    /// The namespace is enrolled, and something is missing: SecretMissing, KeyMissing, NotPermitted.
    Missing(String),
    /// No admin has put the namespace on the wiring's list.
    NotEnrolled,
}

/// What is known around one subject.
#[derive(Clone, Debug)]
pub struct Facts {
    /// Now.
    pub now: jiff::Timestamp,
    /// The labels of the subject's namespace; `None`: the namespace is not known.
    pub namespace: Option<Arc<BTreeMap<String, String>>>,
    /// Per wiring that names Secrets: whether they are there. A wiring that is not in here is not enrolled.
    pub credentials: BTreeMap<Arc<str>, Credential>,
    /// The operator's version; `None`: not known.
    pub operator: Option<Version>,
    /// The fields that the served CRD of the subject's kind knows.
    pub served: Arc<Served>,
    /// What has changed a moment ago.
    pub lately: Lately,
}

/// What has changed a moment ago: a rule must not refuse what was right until then.
#[derive(Clone, Debug, Default)]
pub struct Lately {
    /// What a wiring was before it changed, where it changed within the last minute: the previous one satisfies
    /// `required-wiring` too.
    pub wirings: BTreeMap<Arc<str>, Arc<Wiring>>,
    /// Whether whoever asks has only just started and may not know all wirings: `required-wiring` then warns.
    pub started: bool,
}
