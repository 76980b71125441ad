//! Change | Leave | Refuse, and their words: every no has a code, a sentence and a cause.

use std::fmt;
use std::sync::Arc;

use json_patch::PatchOperation;
use serde_json::Value;

use crate::codes::{self, Code};
use crate::subject::Kind;

/// What is to be done with one subject, and how it came to that.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// The one answer.
    pub verdict: Verdict,
    /// What each wiring came to, lowest name first.
    pub outcomes: Vec<(Arc<str>, Outcome)>,
    /// What people should know, whatever the verdict.
    pub warnings: Vec<Warning>,
    /// What the change will set off in the running program.
    pub effects: Vec<Effect>,
}

/// The answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// Make these edits.
    Change(Vec<PatchOperation>),
    /// Leave it as it is.
    Leave(Reason),
    /// Refuse it.
    Refuse(Vec<Fault>),
}

/// What one wiring came to.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The object is wired by these edits.
    Wire,
    /// What the wiring had put in is taken out.
    Unwire(Reason),
    /// The object is left; what it has from this wiring stays.
    Leave(Reason),
}

/// Who can mend it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The world around the object: a Secret, a namespace, a CRD. A required wiring never denies for this.
    World,
    /// The object itself. A required wiring denies for this.
    Object,
}

/// Why an object is left.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "`sentence` says each in words")]
pub enum Reason {
    AlreadyWired,
    NoWiring,
    KindNotListed {
        kind: Kind,
    },
    NamespaceNotSelected {
        namespace: String,
    },
    ObjectNotSelected,
    OptedOut,
    NamespaceUnknown {
        namespace: String,
    },
    NotEnrolled {
        namespace: String,
    },
    CredentialMissing {
        namespace: String,
        why: String,
    },
    NameUnknown,
    CrdTooOld {
        path: &'static str,
    },
    EntryTaken {
        entry: String,
        by: Arc<str>,
    },
    LabelTaken {
        label: String,
        by: Arc<str>,
    },
    DestinationTaken {
        by: Arc<str>,
    },
    RecordNewer {
        version: i64,
    },
    WiringGoing,
    WiringGone {
        wiring: String,
    },
    Untouched,
    Deleting,
    NotWired,
    AnnotationUnreadable,
    LabelNameTaken {
        label: String,
        path: &'static str,
    },
    EntryAmbiguous {
        path: String,
        other: String,
    },
    EntryConflicts {
        path: String,
    },
    VersionTooOld {
        path: &'static str,
        needs: &'static str,
        has: String,
    },
    VersionNever {
        path: &'static str,
    },
    AnnotationTooLarge {
        bytes: usize,
    },
    PatchTooLarge,
    Malformed {
        path: String,
        must_be: &'static str,
    },
}

impl Reason {
    /// Its row in the registry.
    pub fn code(&self) -> &'static Code {
        match self {
            Reason::AlreadyWired => codes::ALREADY_WIRED,
            Reason::NoWiring => codes::NO_WIRING,
            Reason::KindNotListed { .. } => codes::KIND_NOT_LISTED,
            Reason::NamespaceNotSelected { .. } => codes::NAMESPACE_NOT_SELECTED,
            Reason::ObjectNotSelected => codes::OBJECT_NOT_SELECTED,
            Reason::OptedOut => codes::OPTED_OUT,
            Reason::NamespaceUnknown { .. } => codes::NAMESPACE_UNKNOWN,
            Reason::NotEnrolled { .. } => codes::NOT_ENROLLED,
            Reason::CredentialMissing { .. } => codes::CREDENTIAL_MISSING,
            Reason::NameUnknown => codes::NAME_UNKNOWN,
            Reason::CrdTooOld { .. } => codes::CRD_TOO_OLD,
            Reason::EntryTaken { .. } | Reason::DestinationTaken { .. } => codes::ENTRY_TAKEN,
            Reason::RecordNewer { .. } => codes::RECORD_NEWER,
            Reason::LabelTaken { .. } => codes::LABEL_TAKEN,
            Reason::WiringGoing => codes::WIRING_GOING,
            Reason::WiringGone { .. } => codes::WIRING_GONE,
            Reason::Untouched => codes::UNTOUCHED,
            Reason::Deleting => codes::DELETING,
            Reason::NotWired => codes::NOT_WIRED,
            Reason::AnnotationUnreadable => codes::ANNOTATION_UNREADABLE,
            Reason::LabelNameTaken { .. } => codes::LABEL_NAME_TAKEN,
            Reason::EntryAmbiguous { .. } => codes::ENTRY_AMBIGUOUS,
            Reason::EntryConflicts { .. } => codes::ENTRY_CONFLICTS,
            Reason::VersionTooOld { .. } | Reason::VersionNever { .. } => codes::VERSION_TOO_OLD,
            Reason::AnnotationTooLarge { .. } => codes::ANNOTATION_TOO_LARGE,
            Reason::PatchTooLarge => codes::PATCH_TOO_LARGE,
            Reason::Malformed { .. } => codes::MALFORMED,
        }
    }

    /// Who can mend it.
    pub fn cause(&self) -> Cause {
        match self {
            Reason::AnnotationUnreadable
            | Reason::LabelNameTaken { .. }
            | Reason::EntryAmbiguous { .. }
            | Reason::EntryConflicts { .. }
            | Reason::VersionTooOld { .. }
            | Reason::VersionNever { .. }
            | Reason::AnnotationTooLarge { .. }
            | Reason::PatchTooLarge
            | Reason::Malformed { .. } => Cause::Object,
            _ => Cause::World,
        }
    }

    /// Whether the wiring selects the object and something stands in the way: people are warned of these.
    pub fn is_obstacle(&self) -> bool {
        self.cause() == Cause::Object
            || matches!(
                self,
                Reason::NamespaceUnknown { .. }
                    | Reason::NotEnrolled { .. }
                    | Reason::CredentialMissing { .. }
                    | Reason::NameUnknown
                    | Reason::CrdTooOld { .. }
                    | Reason::EntryTaken { .. }
                    | Reason::DestinationTaken { .. }
                    | Reason::RecordNewer { .. }
                    | Reason::LabelTaken { .. }
            )
    }
}

/// What un-wiring says of an annotation that cannot be read.
const NOTHING_TAKEN_OUT: &str =
    "the wired annotation is not readable: nothing was taken out; wire again, then revert";

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::AlreadyWired => write!(f, "wired already, nothing to change"),
            Reason::NoWiring => write!(f, "there is no wiring"),
            Reason::KindNotListed { kind } => {
                write!(f, "the wiring does not list the kind {}", kind.name())
            }
            Reason::NamespaceNotSelected { namespace } => {
                write!(f, "the wiring does not select namespace {namespace}")
            }
            Reason::ObjectNotSelected => {
                write!(f, "the wiring does not select the object's labels")
            }
            Reason::OptedOut => {
                write!(f, "opted out by its label kubectl-thanos.dev/wire=disabled")
            }
            Reason::NamespaceUnknown { namespace } => {
                write!(f, "namespace {namespace} is not known")
            }
            Reason::NotEnrolled { namespace } => write!(f, "namespace {namespace} is not enrolled"),
            Reason::CredentialMissing { namespace, why } => write!(
                f,
                "the credential is not ready in namespace {namespace}: {why}"
            ),
            Reason::NameUnknown => write!(
                f,
                "the wiring uses {{name}}, and generateName gives the name later"
            ),
            Reason::CrdTooOld { path } => write!(f, "the installed CRD does not know spec.{path}"),
            Reason::EntryTaken { entry, by } => {
                write!(f, "wiring {by} comes first and uses the entry name {entry}")
            }
            Reason::DestinationTaken { by } => write!(
                f,
                "wiring {by} comes first and sends the same samples to the same url"
            ),
            Reason::RecordNewer { version } => write!(
                f,
                "the wired annotation is of version {version}, written by a newer program"
            ),
            Reason::LabelTaken { label, by } => write!(
                f,
                "wiring {by} comes first and sets another value for label {label}"
            ),
            Reason::WiringGoing => write!(f, "the wiring is being deleted with onDelete: Unwire"),
            Reason::WiringGone { wiring } => {
                write!(f, "wired by {wiring}, which does not exist any more")
            }
            Reason::Untouched => write!(f, "the update touches nothing that wiring looks at"),
            Reason::Deleting => write!(f, "the object is being deleted"),
            Reason::NotWired => write!(f, "not wired: nothing to take out"),
            Reason::AnnotationUnreadable => f.write_str(NOTHING_TAKEN_OUT),
            Reason::LabelNameTaken { label, path } => write!(
                f,
                "spec.{path} already gives the label {label}, which the wiring enforces"
            ),
            Reason::EntryAmbiguous { path, other } => {
                write!(f, "{path} and {other} could both be the wiring's entry")
            }
            Reason::EntryConflicts { path } => {
                write!(f, "{path} differs from what the wiring sets")
            }
            Reason::VersionTooOld { path, needs, has } => write!(
                f,
                "spec.{path} needs version {needs}, the object runs {has}"
            ),
            Reason::VersionNever { path } => {
                write!(f, "no version of Thanos' ruler knows spec.{path}")
            }
            Reason::AnnotationTooLarge { bytes } => write!(
                f,
                "the wired annotation would take {bytes} bytes of the 2048 allowed"
            ),
            Reason::PatchTooLarge => {
                write!(f, "the edit would be larger than 64 operations or 64 KiB")
            }
            Reason::Malformed { path, must_be } => write!(f, "{path} must be {must_be}"),
        }
    }
}

/// What is wrong with an input, and where.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// Its row in the registry.
    pub code: &'static Code,
    /// Dotted path of the field.
    pub path: String,
    /// What is wrong there, without any value.
    pub sentence: String,
}

impl Fault {
    /// A fault at a path.
    pub fn new(code: &'static Code, path: impl Into<String>, sentence: impl Into<String>) -> Self {
        Self {
            code,
            path: path.into(),
            sentence: sentence.into(),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.sentence)
    }
}

/// What people should know although nothing is refused.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "`Display` says each in words")]
pub enum Warning {
    NotWired {
        wiring: Arc<str>,
        reason: Reason,
    },
    OptOutIgnored {
        wiring: Arc<str>,
    },
    VersionUnknown,
    DefaultNotGiven {
        wiring: Arc<str>,
        field: String,
        why: String,
    },
    ConfigurationUnmanaged,
    RulerStateless,
    RulerRolls,
    AnnotationUnreadable {
        written_anew: bool,
    },
}

impl Warning {
    /// Its row in the registry.
    pub fn code(&self) -> &'static Code {
        match self {
            Warning::NotWired { reason, .. } => reason.code(),
            Warning::OptOutIgnored { .. } => codes::OPT_OUT_IGNORED,
            Warning::VersionUnknown => codes::VERSION_UNKNOWN,
            Warning::DefaultNotGiven { .. } => codes::DEFAULT_NOT_GIVEN,
            Warning::ConfigurationUnmanaged => codes::CONFIGURATION_UNMANAGED,
            Warning::RulerStateless => codes::RULER_STATELESS,
            Warning::RulerRolls => codes::RULER_ROLLS,
            Warning::AnnotationUnreadable { .. } => codes::ANNOTATION_UNREADABLE,
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Warning::NotWired { wiring, reason } => write!(f, "not wired by {wiring}: {reason}"),
            Warning::OptOutIgnored { wiring } => write!(
                f,
                "wiring {wiring} forbids opting out: the label is ignored"
            ),
            Warning::VersionUnknown => write!(
                f,
                "the version that will run is not known: fields were not held against it"
            ),
            Warning::DefaultNotGiven { field, why, .. } => {
                write!(f, "default {field} not given: {why}")
            }
            Warning::ConfigurationUnmanaged => write!(
                f,
                "all selectors are unset: the operator writes no configuration, so nothing is sent"
            ),
            Warning::RulerStateless => write!(
                f,
                "remote-write makes this ruler stateless: it stops serving its own data"
            ),
            Warning::RulerRolls => {
                write!(
                    f,
                    "labels and remote-write are arguments of a ruler: its pods will restart"
                )
            }
            Warning::AnnotationUnreadable { written_anew: true } => write!(
                f,
                "the wired annotation is not readable and was written anew"
            ),
            Warning::AnnotationUnreadable {
                written_anew: false,
            } => f.write_str(NOTHING_TAKEN_OUT),
        }
    }
}

/// What a change sets off in the running Prometheus.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// Our queue starts again and loses what was unsent.
    RestartsQueue,
    /// A changed external label: every queue of the object starts again, the user's too.
    RestartsAllQueues,
    /// The pods restart.
    RollsPods,
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Effect::RestartsQueue => write!(
                f,
                "the entry's queue restarts: samples it has not sent are lost"
            ),
            Effect::RestartsAllQueues => write!(
                f,
                "an external label changes: every remote-write queue of the object restarts"
            ),
            Effect::RollsPods => write!(f, "the pods restart"),
        }
    }
}

impl Decision {
    pub(crate) fn leave(reason: Reason) -> Self {
        Self {
            verdict: Verdict::Leave(reason),
            outcomes: Vec::new(),
            warnings: Vec::new(),
            effects: Vec::new(),
        }
    }

    /// The edits; empty unless it is a change.
    pub fn edits(&self) -> &[PatchOperation] {
        match &self.verdict {
            Verdict::Change(edits) => edits,
            Verdict::Leave(_) | Verdict::Refuse(_) => &[],
        }
    }

    /// Whether the object is what it should be: nothing to change, and nothing refused.
    pub fn is_settled(&self) -> bool {
        matches!(self.verdict, Verdict::Leave(_))
    }

    /// The word for counters and log lines: change, leave, refuse.
    pub fn word(&self) -> &'static str {
        match self.verdict {
            Verdict::Change(_) => "change",
            Verdict::Leave(_) => "leave",
            Verdict::Refuse(_) => "refuse",
        }
    }

    /// The code that says most about it.
    pub fn code(&self) -> &'static Code {
        match &self.verdict {
            Verdict::Leave(reason) => reason.code(),
            Verdict::Refuse(faults) => faults.first().map_or(codes::BUG, |fault| fault.code),
            Verdict::Change(_) => {
                let unwired = self.outcomes.iter().find_map(|(_, outcome)| match outcome {
                    Outcome::Unwire(_) => Some(codes::UNWIRED),
                    _ => None,
                });
                let wired = self
                    .outcomes
                    .iter()
                    .any(|(_, outcome)| *outcome == Outcome::Wire);
                // An annotation that nobody could read went, and nothing else.
                let unreadable = self
                    .warnings
                    .iter()
                    .map(Warning::code)
                    .find(|code| **code == *codes::ANNOTATION_UNREADABLE);
                if wired {
                    codes::WIRED
                } else {
                    unwired.or(unreadable).unwrap_or(codes::TOUCHED)
                }
            }
        }
    }

    /// Applies the edits to the raw object.
    #[must_use]
    pub fn applied_to(&self, raw: &Value) -> Value {
        let mut changed = raw.clone();
        crate::patch::apply(&mut changed, self.edits());
        changed
    }
}
