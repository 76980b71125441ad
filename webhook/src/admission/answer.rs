//! Request and decision in, the review's answer out. Pure.
//!
//! The limits are what the API server makes of an answer: it cuts and drops warnings, and shows denials to people.

use std::collections::BTreeMap;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Serialize;
use thanos_core::codes::{self, Code};
use thanos_core::{Charge, Decision, Fault, Judgement, Outcome, Reason, Verdict};

use super::review::Review;

/// As many warnings as one answer holds.
const WARNINGS: usize = 8;
/// As many characters as one warning has: `kubectl` shows it on a line.
const WARNING_CHARACTERS: usize = 120;
/// As many bytes as a denial's message has.
const MESSAGE_BYTES: usize = 1024;
/// As many causes as a denial names.
const CAUSES: usize = 16;

/// As many faults of a judgement as are worded for a denial.
const FAULTS: usize = 64;

/// An answer, with what the counter and the log line say about it.
#[derive(Debug, PartialEq)]
pub(crate) struct Answer {
    /// change, leave, allow, refuse.
    pub decision: &'static str,
    /// The code that says most about it.
    pub code: Option<&'static Code>,
    /// The wirings that the object is wired by or taken out of, lowest name first.
    pub wirings: String,
    /// The rules that it breaks, each with what happens about it: `egress-url=deny,limits=warn`.
    pub rules: String,
    response: Response,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Envelope<'a> {
    api_version: &'static str,
    kind: &'static str,
    response: WithUid<'a>,
}

#[derive(Serialize)]
struct WithUid<'a> {
    uid: &'a str,
    #[serde(flatten)]
    response: &'a Response,
}

#[derive(Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Response {
    allowed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    patch_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    patch: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    audit_annotations: BTreeMap<&'static str, &'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Status>,
}

#[derive(Debug, PartialEq, Serialize)]
struct Status {
    #[serde(rename = "status")]
    outcome: &'static str,
    reason: &'static str,
    code: u16,
    message: String,
    details: Details,
}

#[derive(Debug, PartialEq, Serialize)]
struct Details {
    name: String,
    group: String,
    kind: String,
    causes: Vec<Cause>,
}

#[derive(Debug, PartialEq, Serialize)]
struct Cause {
    reason: &'static str,
    message: String,
    field: String,
}

impl Answer {
    /// Allowed, and nothing to say.
    pub(crate) fn allow(code: Option<&'static Code>) -> Self {
        let response = Response {
            allowed: true,
            ..Response::default()
        };
        Self {
            decision: "allow",
            code,
            wirings: String::new(),
            rules: String::new(),
            response,
        }
    }

    /// Allowed untouched, with a sentence on why nothing was done.
    pub(crate) fn leave(code: &'static Code, sentence: &str) -> Self {
        let mut answer = Self {
            decision: "leave",
            ..Self::allow(Some(code))
        };
        answer.response.warnings = warnings([format!("{code} {sentence}")]);
        answer
    }

    /// What the mutating webhook says to a decision. It refuses nothing: whatever is not a change is left.
    pub(crate) fn mutate(decision: &Decision) -> Self {
        let mut said: Vec<String> = decision
            .warnings
            .iter()
            .map(|warning| format!("{} {warning}", warning.code()))
            .collect();
        if let Some(reason) = unsaid(decision) {
            said.push(format!("{} not wired: {reason}", reason.code()));
        }
        let mut answer = Self {
            decision: decision.word(),
            ..Self::allow(Some(decision.code()))
        };
        answer.response.warnings = warnings(said);
        let edits = decision.edits();
        if edits.is_empty() {
            return answer;
        }
        let Ok(patch) = serde_json::to_vec(edits) else {
            return Self::leave(codes::BUG, "the patch could not be written");
        };
        answer.wirings = wirings(decision);
        answer.response.patch = Some(BASE64_STANDARD.encode(patch));
        answer.response.patch_type = Some("JSONPatch");
        // The API server takes a second value for one key as an error: a code has one id, so there is none.
        answer.response.audit_annotations =
            BTreeMap::from([(decision.code().id, decision.code().code)]);
        answer
    }

    /// Allowed, with what an admin should know about the object.
    pub(crate) fn warn(faults: &[Fault]) -> Self {
        let mut answer = Self::allow(faults.first().map(|fault| fault.code));
        answer.response.warnings =
            warnings(faults.iter().map(|fault| format!("{} {fault}", fault.code)));
        answer
    }

    /// Denied, for every fault at its path.
    pub(crate) fn refuse(review: &Review<'_>, faults: &[Fault]) -> Self {
        let code = faults.first().map_or(codes::BUG, |fault| fault.code);
        let sentences: Vec<String> = faults
            .iter()
            .map(|fault| format!("{} {fault}", fault.code))
            .collect();
        let causes = faults.iter().take(CAUSES).map(|fault| Cause {
            reason: "FieldValueInvalid",
            message: cut(
                &format!("{} {}", fault.code, fault.sentence),
                256,
                usize::MAX,
            ),
            field: cut(&fault.path, 256, usize::MAX),
        });
        let status = Status {
            outcome: "Failure",
            reason: "Invalid",
            code: 422,
            message: cut(&sentences.join("; "), usize::MAX, MESSAGE_BYTES),
            details: Details {
                name: cut(&review.name, 253, usize::MAX),
                group: cut(&review.group, 253, usize::MAX),
                kind: cut(&review.kind, 253, usize::MAX),
                causes: causes.collect(),
            },
        };
        let response = Response {
            status: Some(status),
            ..Response::default()
        };
        Self {
            decision: "refuse",
            code: Some(code),
            wirings: String::new(),
            rules: String::new(),
            response,
        }
    }

    /// What the validating webhook says to a judgement: denied for every charge that denies, with the other charges as
    /// warnings and every rule in the audit log.
    pub(crate) fn judge(review: &Review<'_>, judgement: &Judgement) -> Self {
        // More than these have no room in a message; a fault names all its policies.
        let denied = judgement.denied().take(FAULTS);
        let denied: Vec<Fault> = denied.map(Charge::fault).collect();
        let warned = judgement.warned().map(Charge::fault);
        let mut answer = if denied.is_empty() {
            Self::allow(judgement.charges.first().map(|charge| charge.fault().code))
        } else {
            Self::refuse(review, &denied)
        };
        answer.response.warnings = warnings(warned.map(|fault| format!("{} {fault}", fault.code)));
        // Charges come in the order of what happens about them: the first of a rule says most. A key is there once.
        for charge in &judgement.charges {
            let annotations = &mut answer.response.audit_annotations;
            annotations.entry(charge.rule.id).or_insert(charge.word());
        }
        let rules = answer.response.audit_annotations.iter();
        let rules: Vec<String> = rules.map(|(rule, word)| format!("{rule}={word}")).collect();
        answer.rules = rules.join(",");
        answer
    }

    /// The AdmissionReview to answer with.
    pub(crate) fn to_json(&self, uid: &str) -> Vec<u8> {
        let response = WithUid {
            uid,
            response: &self.response,
        };
        let envelope = Envelope {
            api_version: "admission.k8s.io/v1",
            kind: "AdmissionReview",
            response,
        };
        // Strings and maps of strings: there is nothing in it that JSON could not say.
        serde_json::to_vec(&envelope).unwrap_or_default()
    }
}

/// The reason of an object that is left whole, where no warning has said it yet.
fn unsaid(decision: &Decision) -> Option<&Reason> {
    match &decision.verdict {
        Verdict::Leave(reason) if reason.is_obstacle() => {
            let said = decision
                .warnings
                .iter()
                .any(|warning| warning.code() == reason.code());
            (!said).then_some(reason)
        }
        _ => None,
    }
}

fn wirings(decision: &Decision) -> String {
    let changed = decision
        .outcomes
        .iter()
        .filter(|(_, outcome)| !matches!(outcome, Outcome::Leave(_)));
    let names: Vec<&str> = changed.map(|(wiring, _)| wiring.as_ref()).collect();
    names.join(",")
}

fn warnings(said: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut said: Vec<String> = said
        .into_iter()
        .map(|text| cut(&text, WARNING_CHARACTERS, usize::MAX))
        .collect();
    if said.len() > WARNINGS {
        let more = said.len() - WARNINGS + 1;
        said.truncate(WARNINGS - 1);
        said.push(format!("and {more} more: kubectl thanos why says them all"));
    }
    said
}

/// At most so many characters and bytes, all of them printable.
pub(super) fn cut(text: &str, characters: usize, bytes: usize) -> String {
    let printable = |character: char| {
        if is_printable(character) {
            character
        } else {
            '?'
        }
    };
    if text.chars().nth(characters).is_none() && text.len() <= bytes {
        return text.chars().map(printable).collect();
    }
    let mut short = String::new();
    for character in text.chars().map(printable).take(characters - 1) {
        if short.len() + character.len_utf8() + '…'.len_utf8() > bytes {
            break;
        }
        short.push(character);
    }
    short.push('…');
    short
}

/// No control characters, and none of those that change what is seen of others: marks of direction, of zero width.
fn is_printable(character: char) -> bool {
    let hides = matches!(character,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    !character.is_control() && !hides
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::{Value, json};
    use thanos_core::{Warning, patch};

    use super::*;
    use crate::admission::review;

    fn decision(verdict: Verdict, warnings: Vec<Warning>) -> Decision {
        Decision {
            verdict,
            outcomes: vec![("hub".into(), Outcome::Wire)],
            warnings,
            effects: vec![],
        }
    }

    fn said(answer: &Answer) -> Value {
        serde_json::from_slice(&answer.to_json("u-1")).unwrap()
    }

    fn not_wired(namespace: &str) -> Warning {
        let reason = Reason::NotEnrolled {
            namespace: namespace.to_owned(),
        };
        Warning::NotWired {
            wiring: Arc::from("hub"),
            reason,
        }
    }

    fn with_review<T>(test: impl FnOnce(&Review<'_>) -> T) -> T {
        let body = r#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"u-1","name":"hub",
            "kind":{"group":"kubectl-thanos.dev","version":"v1alpha1","kind":"ThanosWiring"},"operation":"CREATE"}}"#;
        test(&review::read(body.as_bytes()).unwrap())
    }

    #[test]
    fn a_change_carries_its_patch_and_its_code() {
        let edit = patch::add(patch::pointer(["spec", "a/b"]), json!(1));
        let answer = Answer::mutate(&decision(Verdict::Change(vec![edit]), vec![]));
        let review = said(&answer);
        assert_eq!(review["apiVersion"], "admission.k8s.io/v1");
        assert_eq!(review["kind"], "AdmissionReview");
        let response = &review["response"];
        assert_eq!(
            (&response["uid"], &response["allowed"]),
            (&json!("u-1"), &json!(true))
        );
        assert_eq!(response["patchType"], "JSONPatch");
        let patch = BASE64_STANDARD
            .decode(response["patch"].as_str().unwrap())
            .unwrap();
        assert_eq!(
            String::from_utf8(patch).unwrap(),
            r#"[{"op":"add","path":"/spec/a~1b","value":1}]"#
        );
        assert_eq!(response["auditAnnotations"], json!({"wired": "KTH2000"}));
        assert_eq!(
            (answer.decision, answer.wirings.as_str()),
            ("change", "hub")
        );
    }

    #[test]
    fn without_edits_there_is_neither_patch_nor_annotation() {
        for verdict in [
            Verdict::Change(vec![]),
            Verdict::Leave(Reason::AlreadyWired),
        ] {
            let response = said(&Answer::mutate(&decision(verdict, vec![])))["response"].clone();
            assert_eq!(response, json!({"uid": "u-1", "allowed": true}));
        }
    }

    #[test]
    fn mutation_refuses_nothing() {
        let fault = Fault::new(codes::MALFORMED, "spec", "is wrong");
        let response = said(&Answer::mutate(&decision(
            Verdict::Refuse(vec![fault]),
            vec![],
        )))["response"]
            .clone();
        assert_eq!(response["allowed"], true);
    }

    #[test]
    fn warnings_carry_their_code_and_are_said_once() {
        let reason = Reason::NotEnrolled {
            namespace: "team-a".to_owned(),
        };
        let answer = Answer::mutate(&decision(Verdict::Leave(reason), vec![not_wired("team-a")]));
        let expected = ["KTH2009 not wired by hub: namespace team-a is not enrolled"];
        assert_eq!(answer.response.warnings, expected);
        let malformed = Reason::Malformed {
            path: "spec.remoteWrite".to_owned(),
            must_be: "a list",
        };
        let answer = Answer::mutate(&decision(Verdict::Leave(malformed), vec![]));
        assert_eq!(
            answer.response.warnings,
            ["KTH2107 not wired: spec.remoteWrite must be a list"]
        );
    }

    #[test]
    fn warnings_are_few_short_and_printable() {
        let hostile = "a\r\nb\u{1b}[31m\u{202e}\u{200b}".to_owned() + &"é".repeat(300);
        let many = (0..20).map(|_| not_wired(&hostile)).collect();
        let warnings = Answer::mutate(&decision(Verdict::Leave(Reason::NoWiring), many))
            .response
            .warnings;
        assert_eq!(warnings.len(), WARNINGS);
        assert!(
            warnings[WARNINGS - 1].starts_with("and 13 more"),
            "{warnings:?}"
        );
        for warning in &warnings {
            assert!(
                warning.chars().count() <= WARNING_CHARACTERS && warning.chars().all(is_printable),
                "{warning}"
            );
        }
    }

    #[test]
    fn a_denial_names_every_path_within_its_bounds() {
        let faults: Vec<Fault> = (0..40)
            .map(|at| {
                Fault::new(
                    codes::WIRING_INVALID,
                    format!("spec.a[{at}]"),
                    "must be something else\n\u{7}",
                )
            })
            .collect();
        let review = with_review(|review| said(&Answer::refuse(review, &faults)));
        let status = &review["response"]["status"];
        assert_eq!(
            (&review["response"]["allowed"], &status["code"]),
            (&json!(false), &json!(422))
        );
        let message = status["message"].as_str().unwrap();
        assert!(
            message.starts_with("KTH2301 spec.a[0]: must be something else"),
            "{message}"
        );
        assert!(
            message.len() <= MESSAGE_BYTES && message.ends_with('…') && !message.contains('\n')
        );
        let causes = status["details"]["causes"].as_array().unwrap();
        assert_eq!(causes.len(), CAUSES);
        assert_eq!(causes[3]["field"], "spec.a[3]");
        assert_eq!(
            (&status["details"]["name"], &status["details"]["kind"]),
            (&json!("hub"), &json!("ThanosWiring"))
        );
    }

    #[test]
    fn cutting_counts_characters_and_bytes() {
        assert_eq!(cut("abc", 3, 3), "abc");
        assert_eq!(cut("abcd", 3, 100), "ab…");
        assert_eq!(cut("ééé", 100, 5), "é…");
        assert_eq!(cut("a\tb", 10, 10), "a?b");
    }
}
