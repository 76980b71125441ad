//! What was found, as data: the one model that text, JSON (docs/validate.schema.json) and SARIF are made of.

use serde::Serialize;
use serde_json::Value;
use thanos_core::codes::{Code, Severity};
use thanos_core::names;

use super::place::{Place, Snippet};
use crate::cli::Threshold;
use crate::judge::ObjectName;

/// The report.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Report {
    api_version: &'static str,
    kind: &'static str,
    pub(super) summary: Summary,
    /// What was taken to be so because nobody was asked.
    pub(super) assumed: Vec<&'static str>,
    pub(super) findings: Vec<Finding>,
}

/// How much of what.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Summary {
    /// Files that were read.
    pub(super) files: usize,
    /// Objects, and files that are none, that were checked.
    pub(super) checked: usize,
    /// Policies that judged.
    pub(super) policies: usize,
    pub(super) errors: usize,
    pub(super) warnings: usize,
    pub(super) infos: usize,
    pub(super) notes: usize,
}

/// One thing that is wrong, or that was let off.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Finding {
    #[serde(skip)]
    pub(super) row: &'static Code,
    pub(super) code: &'static str,
    pub(super) id: &'static str,
    /// The rule of a policy that it breaks, by its id.
    pub(super) rule: Option<&'static str>,
    pub(super) title: &'static str,
    pub(super) severity: Level,
    pub(super) sentence: String,
    pub(super) object: Option<ObjectName>,
    /// `spec.remoteWrite[0].url`; of a Secret `data[objstore.yml].config.bucket`; of an object-store file, a path in it.
    /// Empty where nothing in particular is meant.
    pub(super) path: String,
    /// The key of a Secret that holds an object-store file.
    pub(super) key: Option<String>,
    /// Where in a file.
    pub(super) place: Option<Place>,
    /// Where in the value of a Secret's key, which no place in a file can say.
    pub(super) inside: Option<Spot>,
    /// The policies that say so.
    pub(super) policies: Vec<String>,
    pub(super) exemption: Option<Exemption>,
    pub(super) help: &'static str,
    /// The line that is meant, where it may be shown.
    #[serde(skip)]
    pub(super) snippet: Option<Snippet>,
}

/// How much it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Level {
    /// An exemption lets it off.
    Note,
    /// Good to know, or audited.
    Info,
    /// Likely not what was meant, or warned of.
    Warning,
    /// It does not work, or is denied.
    Error,
}

/// A line and a column in a value, both counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Spot {
    pub(super) line: usize,
    pub(super) column: usize,
}

/// Why an object is let off, and until which day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Exemption {
    pub(super) reason: String,
    pub(super) expires: Option<String>,
}

impl Level {
    /// The word for it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl From<Severity> for Level {
    fn from(severity: Severity) -> Self {
        match severity {
            Severity::Info => Self::Info,
            Severity::Warning => Self::Warning,
            Severity::Error => Self::Error,
        }
    }
}

impl Finding {
    /// A finding of the code's own severity, without a place yet.
    pub(super) fn new(
        row: &'static Code,
        path: impl Into<String>,
        sentence: impl Into<String>,
    ) -> Self {
        Self {
            row,
            code: row.code,
            id: row.id,
            rule: None,
            title: row.title,
            severity: row.severity.into(),
            sentence: sentence.into(),
            object: None,
            path: path.into(),
            key: None,
            place: None,
            inside: None,
            policies: Vec::new(),
            exemption: None,
            help: row.fix,
            snippet: None,
        }
    }

    /// Of an object.
    #[must_use]
    pub(super) fn of(mut self, object: &ObjectName) -> Self {
        self.object = Some(object.clone());
        self
    }

    /// At a place, with the line where it may be shown.
    #[must_use]
    pub(super) fn at(mut self, (place, snippet): (Place, Option<Snippet>)) -> Self {
        (self.place, self.snippet) = (Some(place), snippet);
        self
    }

    /// In a file, of which no line is shown.
    #[must_use]
    pub(super) fn placed(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }
}

impl Summary {
    pub(super) fn new(files: usize, checked: usize, policies: usize, findings: &[Finding]) -> Self {
        let count = |level| {
            let of_level = findings.iter().filter(|finding| finding.severity == level);
            of_level.count()
        };
        Self {
            files,
            checked,
            policies,
            errors: count(Level::Error),
            warnings: count(Level::Warning),
            infos: count(Level::Info),
            notes: count(Level::Note),
        }
    }
}

impl Report {
    pub(super) fn new(
        summary: Summary,
        assumed: Vec<&'static str>,
        findings: Vec<Finding>,
    ) -> Self {
        Self {
            api_version: names::API_VERSION,
            kind: "ValidateReport",
            summary,
            assumed,
            findings,
        }
    }

    /// As JSON.
    pub(super) fn data(&self) -> Value {
        serde_json::to_value(self).unwrap_or(Value::Null)
    }

    /// How many findings reach a threshold. What is let off never does.
    pub(super) fn reaching(&self, threshold: Threshold) -> usize {
        let reaches = |finding: &&Finding| match finding.severity {
            Level::Note => false,
            Level::Info => threshold.reaches(Severity::Info),
            Level::Warning => threshold.reaches(Severity::Warning),
            Level::Error => threshold.reaches(Severity::Error),
        };
        self.findings.iter().filter(reaches).count()
    }
}
