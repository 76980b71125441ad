//! `kubectl thanos explain`: one page per code, out of the registry.

use std::fmt::Write;

use serde_json::{Value, json};
use thanos_core::codes::{CODES, Code};

use crate::cli::{ExplainArgs, ReportFormat};
use crate::failure::{Ending, Failure};
use crate::ui::{self, Paint, Stream, Ui};
use crate::words::nearest;

/// The areas, by the first digit.
const AREAS: [&str; 10] = [
    "tool and inputs",
    "access",
    "Prometheus objects",
    "object storage",
    "network, TLS, authentication",
    "webhook",
    "arrival",
    "policy",
    "hub",
    "versions",
];

/// The column in which a page's text begins.
const INDENT: usize = 15;

/// Runs the verb.
pub(crate) fn run(args: &ExplainArgs, ui: &mut Ui<'_>) -> Result<Ending, Failure> {
    let Some(word) = &args.code else {
        list(args.output, ui)?;
        return Ok(Ending::Fine);
    };
    let row = find(word)?;
    match args.output {
        ReportFormat::Json => ui.json(&data(row))?,
        ReportFormat::Text => {
            let page = page(row, ui);
            ui.text(&page)?;
        }
    }
    Ok(Ending::Fine)
}

/// A code by its number, with or without `KTH`, or by its id.
fn find(word: &str) -> Result<&'static Code, Failure> {
    if let Some(row) = Code::find(word).or_else(|| Code::find(&format!("KTH{word}"))) {
        return Ok(row);
    }
    let known = CODES.iter().flat_map(|row| [row.code, row.id]);
    let mut failure = Failure::usage(format!("there is no code {}", ui::one_line(word)));
    if let Some(meant) = nearest(word, known) {
        failure = failure.hint(format!("a similar one is {meant}"));
    }
    Err(failure.hint("kubectl thanos explain lists all"))
}

fn list(format: ReportFormat, ui: &mut Ui<'_>) -> Result<(), Failure> {
    if format == ReportFormat::Json {
        return ui.json(&CODES.iter().map(|row| data(row)).collect());
    }
    let rows: Vec<Vec<String>> = CODES
        .iter()
        .map(|row| {
            [row.code, row.severity.word(), row.id, row.title]
                .map(str::to_owned)
                .to_vec()
        })
        .collect();
    ui.text(&ui::table(&["CODE", "SEVERITY", "ID", "MEANING"], &rows))
}

fn data(row: &Code) -> Value {
    json!({
        "code": row.code, "id": row.id, "severity": row.severity.word(), "area": area(row), "title": row.title,
        "cause": row.cause, "see": row.see, "fix": row.fix, "silence": row.silence, "since": row.since,
        "related": related(row),
    })
}

fn page(row: &Code, ui: &Ui<'_>) -> String {
    let code = ui.paint(Stream::Out, Paint::Bold, row.code);
    let width = ui.surroundings().width();
    let mut page = format!(
        "{code}  {}  {}  {}  since {}\n{}\n\n",
        row.id,
        row.severity.word(),
        area(row),
        row.since,
        ui::wrapped(&sentence(row.title), 0, width)
    );
    let parts = [
        ("What happens", row.cause.to_owned()),
        ("See it", row.see.to_owned()),
        ("Fix", row.fix.to_owned()),
        ("Silence", row.silence.to_owned()),
        ("Related", related(row).join(" ")),
    ];
    for (name, text) in parts.iter().filter(|(_, text)| !text.is_empty()) {
        let name = ui.paint(Stream::Out, Paint::Bold, &format!("{name:<INDENT$}"));
        let _ = writeln!(page, "{name}{}", ui::wrapped(text, INDENT, width));
    }
    page
}

/// A title as a sentence.
fn sentence(title: &str) -> String {
    let mut letters = title.chars();
    letters.next().map_or_else(String::new, |first| {
        format!("{}{}.", first.to_uppercase(), letters.as_str())
    })
}

fn area(row: &Code) -> &'static str {
    let digit = row
        .code
        .as_bytes()
        .get(3)
        .map_or(0, |digit| usize::from(digit.wrapping_sub(b'0')));
    AREAS.get(digit).copied().unwrap_or_default()
}

/// The codes on either side of it in the same group.
fn related(row: &Code) -> Vec<&'static str> {
    let group: Vec<&'static Code> = CODES
        .iter()
        .copied()
        .filter(|other| other.code[..5] == row.code[..5])
        .collect();
    let at = group
        .iter()
        .position(|other| *other == row)
        .unwrap_or_default();
    let near = group.into_iter().skip(at.saturating_sub(2)).take(5);
    near.filter(|other| *other != row)
        .map(|other| other.code)
        .collect()
}
