//! What `inject` says about each object: for people on standard error, for programs in a file. One from the other.

use std::path::Path;

use serde::Serialize;
use serde_json::Value;
use thanos_core::{Outcome, codes, names};

use super::{Done, Work};
use crate::cli::InjectArgs;
use crate::facts::Known;
use crate::failure::Failure;
use crate::files;
use crate::judge::{Finding, ObjectName, Word};
use crate::manifests::Document;
use crate::ui::{Paint, Stream, Ui};

/// The report.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Report {
    api_version: &'static str,
    kind: &'static str,
    summary: Summary,
    /// What was taken to be so because nobody was asked.
    assumed: Vec<&'static str>,
    objects: Vec<OfObject>,
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
}

#[derive(Debug, Serialize)]
struct OfWiring {
    wiring: String,
    result: Word,
    #[serde(flatten)]
    finding: Finding,
}

impl Report {
    pub(super) fn of(work: &Work<'_>, known: &Known, args: &InjectArgs) -> Self {
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
            kind: "InjectReport",
            summary,
            assumed,
            objects,
        }
    }

    /// Tells it to people.
    pub(super) fn tell(&self, ui: &mut Ui<'_>) {
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
        match self.summary.passed_through {
            0 => {}
            1 => ui.say("1 other object passed through unchanged"),
            other => ui.say(format!("{other} other objects passed through unchanged")),
        }
        if !self.assumed.is_empty() {
            ui.note(
                codes::ASSUMED,
                format!(
                    "assumed: {}; --facts or --live makes sure",
                    self.assumed.join("; ")
                ),
            );
        }
    }

    /// Writes it for programs.
    pub(super) fn write(&self, path: &Path) -> Result<(), Failure> {
        let value = serde_json::to_value(self).unwrap_or(Value::Null);
        files::write(path, format!("{value:#}\n").as_bytes())
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
            warnings: judged.findings(),
            comments_lost: done.comments_lost,
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
            Word::Touched => format!("{title}  {}", word(Paint::Dim, "touched")),
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
            ui.note(
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
            ui.warning(
                warning.code,
                format!("{}: {}", self.object.title(), warning.sentence),
            );
        }
    }

    /// Whether the line itself has said it.
    fn is_said(&self, warning: &Finding) -> bool {
        self.result == Word::Left
            && warning.code == self.finding.code
            && warning.sentence.ends_with(&self.finding.sentence)
    }
}

/// The line on which an object begins. That of a whole document is found without counting the source anew.
fn line(document: &Document, pointer: &str) -> usize {
    if !pointer.is_empty() {
        return document.position(pointer).line;
    }
    let is_before =
        |line: &&str| line.starts_with("---") || line.starts_with('#') || line.trim().is_empty();
    document.first_line() + document.text().lines().take_while(is_before).count()
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
