//! `policy test`: cases beside policies, told as `go test` tells them.
//!
//! files → suites, every fault of every one at once → each case before the policies → what differs from its expectation.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::Value;
use thanos_core::{codes, names};

use crate::charge::{Court, Tried, word};
use crate::cli::{PolicyTestArgs, ReportFormat};
use crate::failure::{Ending, Failure};
use crate::ui::Ui;

mod file;
mod reader;
mod tell;

use file::{Case, Suite};

/// The report.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    api_version: &'static str,
    kind: &'static str,
    summary: Summary,
    tests: Vec<OfSuite>,
}

#[derive(Debug, Default, Serialize)]
struct Summary {
    passed: usize,
    failed: usize,
}

#[derive(Debug, Serialize)]
struct OfSuite {
    name: String,
    file: String,
    cases: Vec<OfCase>,
    #[serde(skip)]
    took: Duration,
}

#[derive(Debug, Serialize)]
struct OfCase {
    name: String,
    line: usize,
    result: Word,
    /// What was expected and did not happen: `deny egress-url`.
    missing: Vec<String>,
    /// What happened and was not expected.
    unexpected: Vec<String>,
    actual: Vec<Happened>,
    #[serde(skip)]
    took: Duration,
}

/// One charge.
#[derive(Debug, Serialize)]
struct Happened {
    happens: &'static str,
    rule: &'static str,
    code: &'static str,
    path: String,
    sentence: String,
    policies: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Word {
    Pass,
    Fail,
}

/// Runs the verb.
pub(crate) fn run(args: &PolicyTestArgs, ui: &mut Ui<'_>) -> Result<Ending, Failure> {
    let now = ui.surroundings().now;
    let mut suites = Vec::new();
    let mut wrong: Option<Failure> = None;
    for path in tests(&args.paths)? {
        match file::read(&path, now) {
            Ok(suite) => suites.push(suite),
            Err(failure) => match &mut wrong {
                None => wrong = Some(failure),
                Some(first) => {
                    first.more.push(failure.message);
                    first.more.extend(failure.more);
                }
            },
        }
    }
    if let Some(failure) = wrong {
        return Err(failure);
    }
    let wanted = |suite: &Suite, case: &Case| {
        let name = format!("{}/{}", suite.name, case.name);
        args.run.as_ref().is_none_or(|pattern| fits(pattern, &name))
    };
    let ran: Vec<OfSuite> = suites
        .iter()
        .map(|suite| suite_run(suite, |case| wanted(suite, case)))
        .filter(|suite| !suite.cases.is_empty())
        .collect();
    if ran.is_empty() {
        let sentence = match &args.run {
            Some(pattern) => format!("no case fits {}", crate::ui::one_line(pattern)),
            None => "the tests hold no case".to_owned(),
        };
        return Err(Failure::usage(sentence).code(codes::NO_INPUTS));
    }
    let report = Report::of(ran);
    match args.output {
        ReportFormat::Json => ui.json(&serde_json::to_value(&report).unwrap_or(Value::Null))?,
        ReportFormat::Text => tell::tell(&report, ui)?,
    }
    Ok(match report.summary.failed {
        0 => Ending::Fine,
        _ => Ending::Failed,
    })
}

/// The test files that the paths name.
fn tests(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut found = Vec::new();
    for path in paths {
        let unreadable = |error: std::io::Error| {
            Failure::failed(format!("cannot read {}", path.display()))
                .code(codes::FILE_UNREADABLE)
                .because(error)
        };
        if !path.metadata().map_err(unreadable)?.is_dir() {
            found.push(path.clone());
            continue;
        }
        let mut files = Vec::new();
        for entry in path.read_dir().map_err(unreadable)? {
            files.push(entry.map_err(unreadable)?.path());
        }
        files.retain(|file| is_test(file) && !file.is_dir());
        files.sort();
        if files.is_empty() {
            let sentence = format!(
                "no file in {} ends in _test.yaml, _test.yml or _test.json; folders are not descended into",
                path.display()
            );
            return Err(Failure::usage(sentence)
                .code(codes::NO_INPUTS)
                .hint("kubectl thanos policy init writes a policy with a test to begin with"));
        }
        found.extend(files);
    }
    Ok(found)
}

fn is_test(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    ["_test.yaml", "_test.yml", "_test.json"]
        .iter()
        .any(|ending| name.ends_with(ending))
}

/// Whether a name contains a pattern, in which `*` stands for anything.
fn fits(pattern: &str, name: &str) -> bool {
    let mut rest = name;
    pattern.split('*').all(|part| match rest.find(part) {
        Some(at) => {
            rest = &rest[at + part.len()..];
            true
        }
        None => false,
    })
}

fn suite_run(suite: &Suite, wanted: impl Fn(&Case) -> bool) -> OfSuite {
    let began = Instant::now();
    let cases = suite.cases.iter().filter(|case| wanted(case));
    OfSuite {
        name: suite.name.clone(),
        file: suite.file.clone(),
        cases: cases.map(|case| case_run(suite, case)).collect(),
        took: began.elapsed(),
    }
}

fn case_run(suite: &Suite, case: &Case) -> OfCase {
    let began = Instant::now();
    let court = if case.as_is {
        Court::as_is(&suite.known)
    } else {
        Court::after_wiring(&suite.known)
    };
    let tried = court.try_one(&case.object, case.old.as_ref());
    let actual = tried.and_then(Result::ok).map(happened).unwrap_or_default();
    let said: BTreeSet<String> = actual.iter().map(Happened::said).collect();
    let missing: Vec<String> = case.expected.difference(&said).cloned().collect();
    let unexpected: Vec<String> = said.difference(&case.expected).cloned().collect();
    let passed = missing.is_empty() && unexpected.is_empty();
    OfCase {
        name: case.name.clone(),
        line: case.line,
        result: if passed { Word::Pass } else { Word::Fail },
        missing,
        unexpected,
        actual,
        took: began.elapsed(),
    }
}

fn happened(tried: Tried) -> Vec<Happened> {
    let charges = tried.judgement.charges.into_iter();
    charges
        .map(|charge| Happened {
            happens: word(&charge),
            rule: charge.rule.id,
            code: charge.code.code,
            path: charge.path,
            sentence: charge.sentence,
            policies: charge.policies.iter().map(ToString::to_string).collect(),
        })
        .collect()
}

impl Happened {
    /// `deny egress-url`, as a case expects it.
    fn said(&self) -> String {
        format!("{} {}", self.happens, self.rule)
    }
}

impl Report {
    fn of(tests: Vec<OfSuite>) -> Self {
        let count = |word| {
            let cases = tests.iter().flat_map(|suite| &suite.cases);
            cases.filter(|case| case.result == word).count()
        };
        Self {
            api_version: names::API_VERSION,
            kind: "PolicyTestReport",
            summary: Summary {
                passed: count(Word::Pass),
                failed: count(Word::Fail),
            },
            tests,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn a_pattern_is_a_part_with_gaps() {
        for (pattern, name, is_one) in [
            ("host", "shared/other host", true),
            ("shared/*host", "shared/other host", true),
            ("host*shared", "shared/other host", false),
            ("", "x", true),
            ("y", "x", false),
        ] {
            assert_eq!(fits(pattern, name), is_one, "{pattern}");
        }
    }
}
