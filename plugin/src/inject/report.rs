//! What `inject` says about each object: for people on standard error, for programs in a file. One from the other.

use std::path::Path;

use serde::Serialize;
use serde_json::Value;
use thanos_core::{Outcome, codes, names};

use super::file;
use super::findings::line;
use super::{Done, Work};
use crate::cli::InjectArgs;
use crate::facts::Known;
use crate::failure::{Ending, Failure};
use crate::judge::{Finding, ObjectName, Word};
use crate::manifests::STDIN;
use crate::ui::{Paint, Stream, Ui};

const KIND: &str = "InjectReport";

/// The report.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Report {
    api_version: &'static str,
    kind: &'static str,
    /// What the command ends with.
    exit_code: u8,
    /// Why that is more than 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Wrong>,
    summary: Summary,
    /// What was taken to be so because nobody was asked.
    assumed: Vec<&'static str>,
    objects: Vec<OfObject>,
    /// What is no object.
    strays: Vec<Finding>,
    /// Inputs without any object, in a sentence each.
    #[serde(skip)]
    empty: Vec<String>,
}

/// Why a command ends with more than 0.
#[derive(Debug, Serialize)]
struct Wrong {
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    message: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    more: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    causes: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hints: Vec<String>,
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Summary {
    wired: usize,
    already_wired: usize,
    unwired: usize,
    left: usize,
    passed_through: usize,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct OfObject {
    object: ObjectName,
    file: String,
    line: usize,
    result: Word,
    #[serde(flatten)]
    finding: Finding,
    changes: Vec<String>,
    outcomes: Vec<OfWiring>,
    warnings: Vec<Finding>,
    comments_lost: bool,
    #[serde(skip)]
    hint: Option<&'static str>,
}

#[derive(Debug, Serialize)]
struct OfWiring {
    wiring: String,
    result: Word,
    #[serde(flatten)]
    finding: Finding,
}

impl Report {
    /// Of what was done; `found` is what `--fail-on` has found, in a sentence.
    pub(super) fn of(
        work: &Work<'_>,
        known: &Known,
        args: &InjectArgs,
        found: Option<String>,
    ) -> Self {
        let objects: Vec<OfObject> = work.done.iter().map(OfObject::of).collect();
        let count = |word| objects.iter().filter(|line| line.result == word).count();
        let summary = Summary {
            wired: count(Word::Wired),
            already_wired: count(Word::AlreadyWired),
            unwired: count(Word::Unwired),
            left: count(Word::Left) + count(Word::Touched),
            passed_through: work.passed,
        };
        let assumed = if args.revert || objects.is_empty() {
            Vec::new()
        } else {
            known.world.assumptions(&known.rules)
        };
        Self {
            api_version: names::API_VERSION,
            kind: KIND,
            exit_code: ending(found.as_ref()).exit_code(),
            error: found.map(Wrong::found),
            summary,
            assumed,
            objects,
            empty: empty(work),
            strays: work.strays.clone(),
        }
    }

    /// Of a command that has done nothing, because something failed.
    pub(super) fn of_failure(failure: &Failure) -> Self {
        Self {
            api_version: names::API_VERSION,
            kind: KIND,
            exit_code: failure.kind.exit_code(),
            error: Some(Wrong::of(failure)),
            summary: Summary::default(),
            assumed: Vec::new(),
            objects: Vec::new(),
            strays: Vec::new(),
            empty: Vec::new(),
        }
    }

    /// Says why a run ends with 3, where it does.
    pub(super) fn conclude(&self, ui: &mut Ui<'_>) -> Ending {
        let found = self.error.as_ref().map(|found| &found.message);
        if let Some(sentence) = found {
            ui.found(sentence);
        }
        ending(found)
    }

    /// Tells it to people.
    pub(super) fn tell(&self, ui: &mut Ui<'_>) {
        for sentence in &self.empty {
            ui.note(sentence);
        }
        let titles: Vec<String> = self
            .objects
            .iter()
            .map(|line| line.object.title())
            .collect();
        let width = titles
            .iter()
            .map(|title| title.chars().count())
            .max()
            .unwrap_or(0)
            .min(60);
        for (line, title) in self.objects.iter().zip(&titles) {
            line.tell(&format!("{title:<width$}"), ui);
        }
        for stray in &self.strays {
            ui.tell(stray.row, &stray.sentence);
        }
        match (self.summary.passed_through, self.objects.is_empty()) {
            (0, _) => {}
            (1, true) => ui.note(format!("{NONE_OF_OURS} among 1 object")),
            (other, true) => ui.note(format!("{NONE_OF_OURS} among {other} objects")),
            (1, false) => ui.say("1 other object passed through unchanged"),
            (other, false) => ui.say(format!("{other} other objects passed through unchanged")),
        }
        if !self.assumed.is_empty() {
            ui.tell(
                codes::ASSUMED,
                format!(
                    "assumed: {}; --facts or --live makes sure",
                    self.assumed.join("; ")
                ),
            );
        }
    }

    /// As the file of that name holds it.
    pub(super) fn written(&self, path: &Path) -> Vec<u8> {
        if file::is_for_people(path) {
            return file::told(|ui| {
                self.tell(ui);
                self.conclude(ui);
            });
        }
        self.json()
    }

    /// For programs.
    pub(super) fn json(&self) -> Vec<u8> {
        let value = serde_json::to_value(self).unwrap_or(Value::Null);
        format!("{value:#}\n").into_bytes()
    }
}

/// Where no object of our kinds is.
const NONE_OF_OURS: &str = "no Prometheus, PrometheusAgent or ThanosRuler";

/// The inputs that hold nothing, each in a sentence.
fn empty(work: &Work<'_>) -> Vec<String> {
    let empty = work
        .inputs
        .iter()
        .filter(|input| input.documents.is_empty());
    let sentence = |name: &str, text: &str| match (name, text) {
        (STDIN, "") => format!("{STDIN} is empty"),
        _ => format!("{name} holds no object"),
    };
    empty
        .map(|input| sentence(input.source.name(), input.source.text()))
        .collect()
}

fn ending(found: Option<&String>) -> Ending {
    found.map_or(Ending::Fine, |_| Ending::Findings)
}

impl Wrong {
    fn found(message: String) -> Self {
        Self {
            code: None,
            message,
            more: Vec::new(),
            causes: Vec::new(),
            hints: Vec::new(),
        }
    }

    fn of(failure: &Failure) -> Self {
        Self {
            code: failure.code.map(|code| code.code),
            message: failure.message.clone(),
            more: failure.more.clone(),
            causes: failure.causes.clone(),
            hints: failure.hints.clone(),
        }
    }
}

impl OfObject {
    fn of(done: &Done<'_>) -> Self {
        let judged = &done.judged;
        let finding = match judged.reason() {
            Some(reason) => Finding::new(reason.code(), reason),
            None => Finding::new(judged.decision.code(), judged.decision.code().title),
        };
        let outcomes = judged
            .decision
            .outcomes
            .iter()
            .map(|(wiring, outcome)| OfWiring::of(wiring, outcome));
        Self {
            object: judged.object.clone(),
            file: done.document.source().name().to_owned(),
            line: line(done.document, &done.pointer),
            result: judged.word(),
            finding,
            changes: done.changes.clone(),
            outcomes: outcomes.collect(),
            warnings: [judged.findings(), done.duplicates.clone()].concat(),
            comments_lost: done.comments_lost,
            hint: judged.hint(),
        }
    }

    fn tell(&self, title: &str, ui: &mut Ui<'_>) {
        let changes = if self.changes.is_empty() {
            String::new()
        } else {
            format!("  ({})", self.changes.join(" "))
        };
        let word = |paint, word| ui.paint(Stream::Err, paint, word);
        let line = match self.result {
            Word::Wired => format!("{title}  {}{changes}", word(Paint::Good, "wired")),
            Word::AlreadyWired => format!("{title}  {}  (already)", word(Paint::Good, "wired")),
            Word::Unwired => format!("{title}  {}{changes}", word(Paint::Warn, "un-wired")),
            Word::Touched => format!("{title}  {} {}", self.finding.code, self.finding.sentence),
            Word::Left => format!(
                "{title}  {}  {} {}",
                word(Paint::Warn, "left"),
                self.finding.code,
                self.finding.sentence
            ),
        };
        ui.say(line);
        ui.detail(format!("  at {}:{}", self.file, self.line));
        if self.comments_lost {
            ui.tell(
                codes::COMMENTS_LOST,
                format!(
                    "{}:{} was written anew and lost its comments",
                    self.file, self.line
                ),
            );
        }
        let quiet = ui.is_quiet();
        for warning in self
            .warnings
            .iter()
            .filter(|warning| quiet || !self.is_said(warning))
        {
            // A key that stands twice has a place of its own.
            let title = if warning.row == codes::DUPLICATE_KEY {
                String::new()
            } else {
                format!("{}: ", self.object.title())
            };
            ui.tell(warning.row, format!("{title}{}", warning.sentence));
        }
        if let Some(hint) = self.hint {
            ui.hint(hint);
        }
    }

    /// Whether the line itself has said it.
    fn is_said(&self, warning: &Finding) -> bool {
        self.result == Word::Left
            && warning.code == self.finding.code
            && warning.sentence.ends_with(&self.finding.sentence)
    }
}

impl OfWiring {
    fn of(wiring: &str, outcome: &Outcome) -> Self {
        let (result, finding) = match outcome {
            Outcome::Wire => (Word::Wired, Finding::new(codes::WIRED, codes::WIRED.title)),
            Outcome::Leave(thanos_core::Reason::AlreadyWired) => (
                Word::AlreadyWired,
                Finding::new(codes::ALREADY_WIRED, codes::ALREADY_WIRED.title),
            ),
            Outcome::Unwire(reason) => (Word::Unwired, Finding::new(reason.code(), reason)),
            Outcome::Leave(reason) => (Word::Left, Finding::new(reason.code(), reason)),
        };
        Self {
            wiring: wiring.to_owned(),
            result,
            finding,
        }
    }
}
