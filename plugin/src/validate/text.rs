//! Findings for people: what is wrong, the line that is meant, what mends it.

use std::collections::BTreeSet;
use std::fmt::Write;

use thanos_core::codes;

use super::finding::{Finding, Level, Report, Summary};
use super::place::{Place, Snippet};
use crate::failure::Failure;
use crate::ui::{Paint, Stream, Ui, one_line, wrapped};

pub(super) fn tell(report: &Report, ui: &mut Ui<'_>) -> Result<(), Failure> {
    let mut text = String::new();
    let mut helped = BTreeSet::new();
    for finding in &report.findings {
        // What mends it is said once, and not of what need not be mended.
        let help = finding.severity > Level::Note && helped.insert(finding.code);
        let page = Page {
            finding,
            help,
            ui: &*ui,
        };
        page.write(&mut text);
        text.push('\n');
    }
    if !(ui.is_quiet() && report.findings.is_empty()) {
        let _ = writeln!(text, "{}", summary(&report.summary));
    }
    ui.text(&text)?;
    if !report.assumed.is_empty() {
        ui.tell(
            codes::ASSUMED,
            format!(
                "assumed: {}; --facts or --live makes sure",
                report.assumed.join("; ")
            ),
        );
    }
    Ok(())
}

/// One finding.
struct Page<'a, 'u> {
    finding: &'a Finding,
    help: bool,
    ui: &'a Ui<'u>,
}

impl Page<'_, '_> {
    fn write(&self, text: &mut String) {
        let finding = self.finding;
        let head = format!("{}[{}]", finding.severity.word(), finding.code);
        let head = self.paint(paint(finding.severity), &head);
        let title = self.paint(Paint::Bold, finding.title);
        let _ = writeln!(text, "{head}: {title}");
        let gutter = finding
            .place
            .as_ref()
            .map_or(1, |place| place.line.to_string().len());
        if let Some(place) = &finding.place {
            let arrow = self.paint(Paint::Place, "-->");
            let key = self.key();
            let _ = writeln!(text, "{:gutter$}{arrow} {}{key}", "", at(place));
        }
        let bar = format!("{:gutter$} {}", "", self.paint(Paint::Place, "|"));
        match (&finding.place, &finding.snippet) {
            (Some(place), Some(snippet)) => {
                let _ = writeln!(text, "{bar}");
                self.snippet(place.line, &bar, snippet, text);
            }
            _ => self.line(gutter, "", &finding.sentence, text),
        }
        self.about(gutter, text);
        if self.help {
            self.line(gutter, "help: ", finding.help, text);
        }
    }

    /// Which object, which rule, which exemption.
    fn about(&self, gutter: usize, text: &mut String) {
        let finding = self.finding;
        let title = finding.object.as_ref().map(crate::judge::ObjectName::title);
        let path = (!finding.path.is_empty()).then(|| one_line(&finding.path).into_owned());
        let what: Vec<String> = title.into_iter().chain(path).collect();
        if !what.is_empty() {
            self.line(gutter, "", &what.join("  "), text);
        }
        if !finding.policies.is_empty() {
            let word = if finding.policies.len() == 1 {
                "policy"
            } else {
                "policies"
            };
            let rule = format!(
                "rule {} of {word} {}",
                finding.rule.unwrap_or(finding.id),
                finding.policies.join(", ")
            );
            self.line(gutter, "", &rule, text);
        }
        if let Some(exemption) = &finding.exemption {
            let until = exemption.expires.as_ref();
            let until = until.map(|day| format!(" until {day}")).unwrap_or_default();
            let reason = format!("exempt{until}: {}", one_line(&exemption.reason));
            self.line(gutter, "", &reason, text);
        }
    }

    /// `[objstore.yml] 5:3`, where the place is in the value of a Secret's key.
    fn key(&self) -> String {
        let Some(key) = &self.finding.key else {
            return String::new();
        };
        let inside = self.finding.inside;
        let inside = inside.map(|spot| format!(" {}:{}", spot.line, spot.column));
        format!(" [{}]{}", one_line(key), inside.unwrap_or_default())
    }

    fn snippet(&self, line: usize, bar: &str, snippet: &Snippet, text: &mut String) {
        let gutter = line.to_string().len();
        let room = self.width().saturating_sub(gutter + 3).max(40);
        let (shown, from, length) = cut(snippet, room);
        let number = self.paint(Paint::Place, &format!("{line} |"));
        let carets = self.paint(paint(self.finding.severity), &"^".repeat(length));
        let _ = writeln!(text, "{number} {shown}");
        let end = gutter + 3 + from + length + 1;
        let fits = end + self.finding.sentence.chars().count() <= self.width();
        let sentence = if fits {
            self.finding.sentence.as_str()
        } else {
            ""
        };
        let carets = format!("{bar} {:from$}{carets} {sentence}", "");
        let _ = writeln!(text, "{}\n{bar}", carets.trim_end());
        if !fits {
            self.line(gutter, "", &self.finding.sentence, text);
        }
    }

    /// A line of its own below the snippet.
    fn line(&self, gutter: usize, word: &str, sentence: &str, text: &mut String) {
        let sign = self.paint(Paint::Place, "=");
        let indent = gutter + 3;
        let width = self.width();
        let said = format!("{word}{sentence}");
        let _ = writeln!(
            text,
            "{:gutter$} {sign} {}",
            "",
            wrapped(&said, indent, width)
        );
    }

    fn width(&self) -> usize {
        self.ui.surroundings().width()
    }

    fn paint(&self, paint: Paint, text: &str) -> String {
        self.ui.paint(Stream::Out, paint, text)
    }
}

/// A line and what is meant of it, cut to the room that there is.
fn cut(snippet: &Snippet, room: usize) -> (String, usize, usize) {
    const GAP: &str = "...";
    let count = snippet.text.chars().count();
    if count <= room {
        return (snippet.text.clone(), snippet.from, snippet.length);
    }
    let first = snippet.from.saturating_sub(room / 3);
    let before = if first > 0 { GAP } else { "" };
    let inner: String = snippet
        .text
        .chars()
        .skip(first)
        .take(room - 2 * GAP.len())
        .collect();
    let shown = inner.chars().count();
    let behind = if first + shown < count { GAP } else { "" };
    let from = snippet.from - first + before.len();
    let length = snippet
        .length
        .min((shown + before.len()).saturating_sub(from))
        .max(1);
    (format!("{before}{inner}{behind}"), from, length)
}

fn at(place: &Place) -> String {
    format!(
        "{}:{}:{}",
        one_line(&place.source),
        place.line,
        place.column
    )
}

fn paint(level: Level) -> Paint {
    match level {
        Level::Error => Paint::Bad,
        Level::Warning => Paint::Warn,
        Level::Info | Level::Note => Paint::Place,
    }
}

/// `2 errors, 1 warning in 3 objects of 2 files, by 1 policy`
fn summary(summary: &Summary) -> String {
    let several = |count: usize, one: &str, many: &str| {
        format!("{count} {}", if count == 1 { one } else { many })
    };
    let counts = [
        (summary.errors, several(summary.errors, "error", "errors")),
        (
            summary.warnings,
            several(summary.warnings, "warning", "warnings"),
        ),
        (summary.infos, format!("{} info", summary.infos)),
        (summary.notes, format!("{} exempt", summary.notes)),
    ];
    let counts = counts.into_iter().filter(|(count, _)| *count > 0);
    let mut found = counts
        .map(|(_, words)| words)
        .collect::<Vec<_>>()
        .join(", ");
    if found.is_empty() {
        found.push_str("nothing found");
    }
    let objects = several(summary.checked, "object", "objects");
    let files = match summary.files {
        0 => String::new(),
        files => format!(" of {}", several(files, "file", "files")),
    };
    let policies = several(summary.policies, "policy", "policies");
    format!("{found} in {objects}{files}, by {policies}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_cut_around_what_is_meant() {
        let snippet = Snippet {
            text: format!("{}HERE{}", "a".repeat(200), "b".repeat(200)),
            from: 200,
            length: 4,
        };
        let (shown, from, length) = cut(&snippet, 60);
        assert_eq!(
            shown.chars().skip(from).take(length).collect::<String>(),
            "HERE"
        );
        assert!(shown.starts_with("...a") && shown.ends_with("b..."));
        assert_eq!(shown.chars().count(), 60);
    }
}
