//! Results of tests in lines for people.

use std::fmt::Write;
use std::time::Duration;

use super::{Happened, OfCase, OfSuite, Report, Word};
use crate::failure::Failure;
use crate::ui::{Paint, Stream, Ui, one_line};

pub(super) fn tell(report: &Report, ui: &mut Ui<'_>) -> Result<(), Failure> {
    let mut text = String::new();
    for suite in &report.tests {
        of_suite(suite, ui, &mut text);
    }
    if report.tests.len() > 1 || report.summary.failed > 0 {
        let passed = report.summary.passed;
        let _ = writeln!(text, "{passed} passed, {} failed", report.summary.failed);
    }
    ui.text(&text)
}

fn of_suite(suite: &OfSuite, ui: &Ui<'_>, text: &mut String) {
    for case in &suite.cases {
        let full = format!("{}/{}", one_line(&suite.name), one_line(&case.name));
        match case.result {
            Word::Fail => of_failed(&full, suite, case, ui, text),
            Word::Pass if ui.is_verbose() => {
                let word = ui.paint(Stream::Out, Paint::Good, "--- PASS:");
                let _ = writeln!(text, "{word} {full} ({})", seconds(case.took, 2));
            }
            Word::Pass => {}
        }
    }
    let failed = suite
        .cases
        .iter()
        .filter(|case| case.result == Word::Fail)
        .count();
    let word = match failed {
        0 => ui.paint(Stream::Out, Paint::Good, "ok  "),
        _ => ui.paint(Stream::Out, Paint::Bad, "FAIL"),
    };
    let cases = match suite.cases.len() {
        1 => "1 case".to_owned(),
        count => format!("{count} cases"),
    };
    let file = one_line(&suite.file);
    let _ = writeln!(text, "{word}  {file}  {}  {cases}", seconds(suite.took, 3));
}

/// What was expected (-), and what happened instead (+).
fn of_failed(full: &str, suite: &OfSuite, case: &OfCase, ui: &Ui<'_>, text: &mut String) {
    let word = ui.paint(Stream::Out, Paint::Bad, "--- FAIL:");
    let _ = writeln!(text, "{word} {full} ({})", seconds(case.took, 2));
    let _ = writeln!(text, "    {}:{}", one_line(&suite.file), case.line);
    for missing in &case.missing {
        let line = ui.paint(Stream::Out, Paint::Bad, &format!("- {missing}"));
        let _ = writeln!(text, "    {line}");
    }
    if case.missing.is_empty() {
        let all = |charge: &Happened| case.unexpected.contains(&charge.said());
        let line = if case.actual.iter().all(all) {
            "- allow"
        } else {
            "- nothing more"
        };
        let _ = writeln!(text, "    {}", ui.paint(Stream::Out, Paint::Bad, line));
    }
    if case.unexpected.is_empty() {
        let expected = if case.actual.is_empty() {
            "+ allow"
        } else {
            "+ nothing of that"
        };
        let _ = writeln!(text, "    {}", ui.paint(Stream::Out, Paint::Good, expected));
    }
    for charge in &case.actual {
        let said = charge.said();
        if !case.unexpected.contains(&said) {
            continue;
        }
        let line = ui.paint(Stream::Out, Paint::Good, &format!("+ {said}"));
        let policies = charge.policies.join(", ");
        let path = one_line(&charge.path);
        let _ = writeln!(
            text,
            "    {line}   {path}: {} (policy {policies})",
            charge.sentence
        );
    }
}

fn seconds(time: Duration, digits: usize) -> String {
    format!("{:.digits$}s", time.as_secs_f64())
}
