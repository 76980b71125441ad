//! How a command ends: an [`Ending`] where it did its work, a [`Failure`] where it did not, each with its exit code.

use std::fmt;

use thanos_core::codes::{self, Code};

/// The end of a command that did its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// 0.
    Fine,
    /// 1, of `diff` only.
    Differences,
    /// 1: `policy test` has found a case that fails.
    Failed,
    /// 3: findings at or above `--fail-on`; an object that `why` finds not wired.
    Findings,
    /// 4: some parts done, others failed, and every one of them was told.
    Partly,
}

impl Ending {
    /// The exit code.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Fine => 0,
            Self::Differences | Self::Failed => 1,
            Self::Findings => 3,
            Self::Partly => 4,
        }
    }
}

/// What sort of failure; says the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// 1: it was tried and did not work.
    Failed,
    /// 2: the same of `diff`, whose 1 means differences.
    DiffFailed,
    /// 2: the command line is wrong, there is nothing to work on, or a question cannot be asked.
    Usage,
    /// 5: somebody else's object, or another cluster than was meant.
    Refused,
    /// 124: `--timeout` ran out.
    TimedOut,
    /// 130: Ctrl-C.
    Interrupted,
    /// 143: SIGTERM.
    Terminated,
    /// 0, without a word: whoever read our output has closed it.
    NobodyListens,
}

impl Kind {
    /// The exit code.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Failed => 1,
            Self::DiffFailed | Self::Usage => 2,
            Self::Refused => 5,
            Self::TimedOut => 124,
            Self::Interrupted => 130,
            Self::Terminated => 143,
            Self::NobodyListens => 0,
        }
    }
}

/// A command that did not do its work: what failed, why, and what to type next.
///
/// No part of it may hold a secret value: say paths and names, never contents.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// Says the exit code.
    pub kind: Kind,
    /// Its row in the registry, where it has one.
    pub code: Option<&'static Code>,
    /// What failed, in one sentence without a full stop.
    pub message: String,
    /// What else is wrong in the same way: all faults at once.
    pub more: Vec<String>,
    /// Why, from the outside to the inside.
    pub causes: Vec<String>,
    /// What to type next.
    pub hints: Vec<String>,
}

impl Failure {
    /// A failure of some kind.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self {
            kind,
            code: None,
            message: message.into(),
            more: Vec::new(),
            causes: Vec::new(),
            hints: Vec::new(),
        }
    }

    /// Exit code 1.
    pub fn failed(message: impl Into<String>) -> Self {
        Self::new(Kind::Failed, message)
    }

    /// Exit code 2.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Kind::Usage, message).code(codes::USAGE)
    }

    /// Exit code 5.
    pub fn refused(message: impl Into<String>) -> Self {
        Self::new(Kind::Refused, message)
    }

    /// Every fault of one input, exit code 1. The first is the message.
    pub fn all(code: &'static Code, faults: impl IntoIterator<Item = String>) -> Self {
        let mut faults = faults.into_iter();
        let first = faults.next().unwrap_or_else(|| code.title.to_owned());
        let mut failure = Self::failed(first).code(code);
        failure.more = faults.collect();
        failure
    }

    /// With its row in the registry.
    #[must_use]
    pub fn code(mut self, code: &'static Code) -> Self {
        self.code = Some(code);
        self
    }

    /// With one more cause.
    #[must_use]
    pub fn because(mut self, cause: impl fmt::Display) -> Self {
        self.causes.push(cause.to_string());
        self
    }

    /// With an error and all that lies beneath it as causes.
    #[must_use]
    pub fn from_chain(mut self, error: &dyn std::error::Error) -> Self {
        let mut next = Some(error);
        while let Some(error) = next {
            let words = error.to_string();
            // Some errors say what lies beneath them again.
            if !self.causes.last().is_some_and(|last| last.contains(&words)) {
                self.causes.push(words);
            }
            next = error.source();
        }
        self
    }

    /// With one more hint: a command to type, or a sentence.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code {
            Some(code) => write!(out, "{code} {}", self.message),
            None => out.write_str(&self.message),
        }
    }
}

impl std::error::Error for Failure {}
