//! Talk on standard error. What has a code begins with the word of its severity.

use std::borrow::Cow;
use std::fmt::Display;

use thanos_core::codes::{Code, Severity};

use super::{Journal, Paint, Stream, Ui, clean};
use crate::cli::is_called_by_helm;
use crate::failure::{Failure, Kind};

impl Ui<'_> {
    /// Says a line on standard error; silent under `-q`.
    pub fn say(&mut self, line: impl Display) {
        if !self.quiet {
            self.talk(&line.to_string());
        }
    }

    /// Whether only warnings and errors are said.
    pub fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Whether more is said.
    pub fn is_verbose(&self) -> bool {
        self.verbose > 0
    }

    /// Says a line on standard error under `-v`.
    pub fn detail(&mut self, line: impl Display) {
        if self.verbose > 0 {
            self.talk(&line.to_string());
        }
    }

    /// Where requests are noted as they are answered; only under `-v`.
    pub fn journal(&self) -> Option<Journal> {
        (self.verbose > 0).then(|| self.journal.clone())
    }

    /// Says what has a code, in the word of its severity. Only what is merely good to know is silent under `-q`.
    pub fn tell(&mut self, code: &'static Code, sentence: impl Display) {
        let (paint, word) = match code.severity {
            Severity::Info => (Paint::Place, "Note:"),
            Severity::Warning => (Paint::Warn, "Warning:"),
            Severity::Error => (Paint::Bad, "Error:"),
        };
        if code.severity > Severity::Info || !self.quiet {
            let word = self.paint(Stream::Err, paint, word);
            self.talk(&format!("{word} {code} {sentence}"));
        }
    }

    /// Notes what is good to know and has no code; silent under `-q`.
    pub fn note(&mut self, sentence: impl Display) {
        let word = self.paint(Stream::Err, Paint::Place, "Note:");
        self.say(format!("{word} {sentence}"));
    }

    /// Says what to type next; silent under `-q`.
    pub fn hint(&mut self, sentence: impl Display) {
        let word = self.paint(Stream::Err, Paint::Place, "Hint:");
        self.say(format!("{word} {}", self.typed(&sentence.to_string())));
    }

    /// Says why a command that did its work ends with more than 0.
    pub fn found(&mut self, sentence: impl Display) {
        let word = self.paint(Stream::Err, Paint::Bad, "Error:");
        self.talk(&format!("{word} {sentence}"));
    }

    /// Says what failed, why, and what to type next.
    pub fn fail(&mut self, failure: &Failure) {
        if failure.kind == Kind::NobodyListens {
            return;
        }
        let mut lines = vec![format!(
            "{} {failure}",
            self.paint(Stream::Err, Paint::Bad, "Error:")
        )];
        let code = failure
            .code
            .map(|code| format!("{code} "))
            .unwrap_or_default();
        for sentence in &failure.more {
            let word = self.paint(Stream::Err, Paint::Bad, "Error:");
            lines.push(format!("{word} {code}{sentence}"));
        }
        for cause in &failure.causes {
            lines.push(format!(
                "{} {cause}",
                self.paint(Stream::Err, Paint::Bad, "Caused by:")
            ));
        }
        for hint in &failure.hints {
            lines.push(format!(
                "{} {}",
                self.paint(Stream::Err, Paint::Place, "Hint:"),
                self.typed(hint)
            ));
        }
        self.talk(&lines.join("\n"));
    }

    /// Commands as they are to be typed: whoever came by helm types helm.
    pub(super) fn typed<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if is_called_by_helm(self.surroundings) {
            text.replace("kubectl thanos ", "helm thanos ").into()
        } else {
            text.into()
        }
    }

    fn talk(&mut self, text: &str) {
        self.tell_journal();
        self.write_err(text);
    }

    /// Says what the journal has kept.
    pub(super) fn tell_journal(&mut self) {
        for line in self.journal.take() {
            self.write_err(&line);
        }
    }

    fn write_err(&mut self, text: &str) {
        let text = clean(text, self.paints(Stream::Err));
        // Nobody can be told that nobody listens.
        let _ = self.stderr.write_all(text.as_bytes());
        let _ = self.stderr.write_all(b"\n");
        let _ = self.stderr.flush();
    }
}
