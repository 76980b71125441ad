//! One decision per object, by the same function as everywhere; and what it comes to in words and as data.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Display;

use serde::Serialize;
use serde_json::Value;
use thanos_core::codes::{Code, Severity};
use thanos_core::decision::Verdict;
use thanos_core::{Decision, Effect, Facts, Kind, Outcome, Reason, Subject, Unreadable, decide};

use crate::facts::Known;

mod changes;

pub(crate) use changes::changes;

/// Decides about object after object, from any thread.
pub(crate) struct Judge<'a> {
    known: &'a Known,
    /// Whether to take wirings out instead.
    revert: bool,
    /// What is known around the objects, looked up once.
    facts: BTreeMap<String, BTreeMap<Kind, Facts>>,
}

/// An object of one of our kinds, and what is to be done with it.
#[derive(Debug)]
pub(crate) struct Judged {
    pub(crate) object: ObjectName,
    pub(crate) decision: Decision,
    /// Whether neither the object nor anybody else has named its namespace.
    is_namespace_assumed: bool,
}

/// What people call an object.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ObjectName {
    pub(crate) api_version: String,
    pub(crate) kind: &'static str,
    pub(crate) namespace: String,
    pub(crate) name: String,
}

/// What became of an object, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Word {
    /// Wired, or wired anew.
    Wired,
    /// As it should be already.
    AlreadyWired,
    /// A wiring was taken out.
    Unwired,
    /// Nothing of it is ours, but an annotation of the controller's went.
    Touched,
    /// Left as it is.
    Left,
}

/// A code with its sentence.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Finding {
    /// The row in the registry.
    #[serde(skip)]
    pub(crate) row: &'static Code,
    pub(crate) code: &'static str,
    pub(crate) id: &'static str,
    pub(crate) severity: &'static str,
    pub(crate) sentence: String,
}

impl Finding {
    pub(crate) fn new(code: &'static Code, sentence: impl Display) -> Self {
        Self {
            row: code,
            code: code.code,
            id: code.id,
            severity: code.severity.word(),
            sentence: sentence.to_string(),
        }
    }
}

impl<'a> Judge<'a> {
    /// A judge who knows this.
    pub(crate) fn new(known: &'a Known) -> Self {
        Self {
            known,
            revert: false,
            facts: BTreeMap::new(),
        }
    }

    /// The same, who has looked up what is known around the objects in these namespaces: worth it for many objects.
    #[must_use]
    pub(crate) fn around(mut self, namespaces: impl IntoIterator<Item = String>) -> Self {
        let known = self.known;
        let around = |namespace: &str| {
            Kind::ALL.map(|kind| (kind, known.world.facts(kind, namespace, &known.rules)))
        };
        self.facts = namespaces
            .into_iter()
            .map(|namespace| (namespace.clone(), around(&namespace).into()))
            .collect();
        self
    }

    /// A judge who takes wirings out, for which nothing need be known.
    pub(crate) fn reverting(known: &'a Known) -> Self {
        Self {
            revert: true,
            ..Self::new(known)
        }
    }

    /// Judges an object; `None`: it is of another kind.
    pub(crate) fn judge(&self, object: &Value) -> Option<Judged> {
        let kind = kind_of(object)?;
        let is_namespace_assumed =
            self.known.is_namespace_assumed && text(object, "/metadata/namespace").is_none();
        match Subject::read(object, None, &self.known.namespace) {
            Ok(subject) => {
                let name = ObjectName::of(object, kind, &self.known.namespace);
                let decision = if self.revert {
                    thanos_core::decide::revert(&subject)
                } else {
                    decide(&subject, &self.facts(&subject), &self.known.rules)
                };
                Some(Judged {
                    object: name,
                    decision,
                    is_namespace_assumed,
                })
            }
            Err(Unreadable::OtherKind) => None,
            Err(Unreadable::Malformed(path, must_be)) => {
                let reason = Reason::Malformed {
                    path: path.to_owned(),
                    must_be,
                };
                let decision = Decision {
                    verdict: Verdict::Leave(reason),
                    outcomes: Vec::new(),
                    warnings: Vec::new(),
                    effects: Vec::new(),
                };
                Some(Judged {
                    object: ObjectName::of(object, kind, &self.known.namespace),
                    decision,
                    is_namespace_assumed,
                })
            }
        }
    }

    /// What is known around a subject.
    pub(crate) fn facts(&self, subject: &Subject<'_>) -> Cow<'_, Facts> {
        let known = self
            .facts
            .get(subject.namespace)
            .and_then(|kinds| kinds.get(&subject.kind));
        match known {
            Some(facts) => Cow::Borrowed(facts),
            None => Cow::Owned(self.known.world.facts(
                subject.kind,
                subject.namespace,
                &self.known.rules,
            )),
        }
    }
}

/// The kind of an object, where it is one of ours; cheap, for streams that mostly hold others.
pub(crate) fn kind_of(object: &Value) -> Option<Kind> {
    Kind::of(
        object.get("apiVersion")?.as_str()?,
        object.get("kind")?.as_str()?,
    )
}

/// A text in an object, where it is there and not empty.
fn text<'v>(object: &'v Value, pointer: &str) -> Option<&'v str> {
    let text = object.pointer(pointer).and_then(Value::as_str);
    text.filter(|text| !text.is_empty())
}

impl ObjectName {
    pub(crate) fn of(object: &Value, kind: Kind, namespace: &str) -> Self {
        Self::named(object, kind.name(), namespace)
    }

    /// An object of any kind; `namespace` is where one is that names none, empty for kinds that are in none.
    pub(crate) fn named(object: &Value, kind: &'static str, namespace: &str) -> Self {
        let text = |pointer: &str| text(object, pointer);
        Self {
            api_version: text("/apiVersion").unwrap_or_default().to_owned(),
            kind,
            namespace: text("/metadata/namespace").unwrap_or(namespace).to_owned(),
            name: text("/metadata/name")
                .or_else(|| text("/metadata/generateName"))
                .unwrap_or_default()
                .to_owned(),
        }
    }

    /// `prometheus/monitoring/k8s`, on one line whatever stands in it.
    pub(crate) fn title(&self) -> String {
        let parts = [&self.kind.to_ascii_lowercase(), &self.namespace, &self.name];
        let parts = parts.into_iter().filter(|part| !part.is_empty());
        let title = parts.map(String::as_str).collect::<Vec<_>>().join("/");
        crate::ui::one_line(&title).into_owned()
    }
}

impl Judged {
    /// What becomes of it.
    pub(crate) fn word(&self) -> Word {
        let any = |wanted: fn(&Outcome) -> bool| {
            self.decision
                .outcomes
                .iter()
                .any(|(_, outcome)| wanted(outcome))
        };
        match &self.decision.verdict {
            Verdict::Change(_) if any(|outcome| *outcome == Outcome::Wire) => Word::Wired,
            Verdict::Change(_) if any(|outcome| matches!(outcome, Outcome::Unwire(_))) => {
                Word::Unwired
            }
            Verdict::Change(_) => Word::Touched,
            Verdict::Leave(Reason::AlreadyWired) => Word::AlreadyWired,
            Verdict::Leave(_) | Verdict::Refuse(_) => Word::Left,
        }
    }

    /// Why it is left; `None` where it is not.
    pub(crate) fn reason(&self) -> Option<&Reason> {
        match &self.decision.verdict {
            Verdict::Leave(reason) => Some(reason),
            Verdict::Change(_) | Verdict::Refuse(_) => None,
        }
    }

    /// What to type where a namespace that nobody has named is the reason.
    pub(crate) fn hint(&self) -> Option<&'static str> {
        let is_about_it = |reason: &Reason| {
            matches!(
                reason,
                Reason::NamespaceUnknown { .. }
                    | Reason::NamespaceNotSelected { .. }
                    | Reason::NotEnrolled { .. }
                    | Reason::CredentialMissing { .. }
            )
        };
        let left =
            self.decision.outcomes.iter().any(
                |(_, outcome)| matches!(outcome, Outcome::Leave(reason) if is_about_it(reason)),
            );
        (self.is_namespace_assumed && left).then_some("the manifest names no namespace: give -n")
    }

    /// What people should know, without what the reason has said already.
    pub(crate) fn findings(&self) -> Vec<Finding> {
        let warnings = self.decision.warnings.iter();
        warnings
            .map(|warning| Finding::new(warning.code(), warning))
            .collect()
    }

    /// The most severe of all that is said about it.
    pub(crate) fn severity(&self) -> Severity {
        let reason = self
            .reason()
            .filter(|reason| reason.is_obstacle())
            .map(|reason| reason.code().severity);
        let warnings = self
            .decision
            .warnings
            .iter()
            .map(|warning| warning.code().severity);
        warnings.chain(reason).max().unwrap_or(Severity::Info)
    }

    /// What the change sets off where the object runs.
    pub(crate) fn effects(&self) -> &[Effect] {
        &self.decision.effects
    }
}
