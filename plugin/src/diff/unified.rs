//! A unified diff, hunks numbered by the lines of the file that a document stands in.

use std::fmt::Write;

use similar::{ChangeTag, TextDiff};

use super::Pair;
use crate::ui::{Paint, Stream, Ui};

/// Lines around a change.
const CONTEXT: usize = 3;

/// All pairs; those of one file below one head.
pub(super) fn show(pairs: &[Pair], ui: &Ui<'_>) -> String {
    let mut text = String::new();
    let mut last = None;
    // How many lines the documents before have grown or shrunk.
    let mut shift = 0_isize;
    for pair in pairs {
        if last != Some(&pair.name) {
            let head = format!("--- {}\n+++ {}\t(wired)", pair.name, pair.name);
            let _ = writeln!(text, "{}", ui.paint(Stream::Out, Paint::Bold, &head));
            last = Some(&pair.name);
            shift = 0;
        }
        hunks(pair, shift, &mut text, ui);
        shift += lines(&pair.new) - lines(&pair.old);
    }
    text
}

fn lines(text: &str) -> isize {
    isize::try_from(text.lines().count()).unwrap_or(isize::MAX)
}

fn hunks(pair: &Pair, shift: isize, text: &mut String, ui: &Ui<'_>) {
    let diff = TextDiff::from_lines(pair.old.as_str(), pair.new.as_str());
    for group in diff.grouped_ops(CONTEXT) {
        let (Some(first), Some(last)) = (group.first(), group.last()) else {
            continue;
        };
        let old = first.old_range().start..last.old_range().end;
        let new = first.new_range().start..last.new_range().end;
        let head = format!(
            "@@ -{} +{} @@",
            range(pair.first_line + old.start, old.len()),
            range(
                (pair.first_line + new.start).saturating_add_signed(shift),
                new.len()
            ),
        );
        let _ = writeln!(text, "{}", ui.paint(Stream::Out, Paint::Place, &head));
        for operation in &group {
            for change in diff.iter_changes(operation) {
                line(&change, text, ui);
            }
        }
    }
}

/// A range as diff words it: the first line, counted from 1, and the length where it is not 1.
fn range(start: usize, length: usize) -> String {
    match length {
        0 => format!("{start},0"),
        1 => format!("{}", start + 1),
        _ => format!("{},{length}", start + 1),
    }
}

fn line(change: &similar::Change<&str>, text: &mut String, ui: &Ui<'_>) {
    let whole = change.value();
    let content = whole.trim_end_matches(['\n', '\r']);
    let ending = if whole[content.len()..].starts_with('\r') {
        "\r"
    } else {
        ""
    };
    let _ = match change.tag() {
        ChangeTag::Equal => writeln!(text, " {content}{ending}"),
        ChangeTag::Delete => writeln!(
            text,
            "{}{ending}",
            ui.paint(Stream::Out, Paint::Bad, &format!("-{content}"))
        ),
        ChangeTag::Insert => writeln!(
            text,
            "{}{ending}",
            ui.paint(Stream::Out, Paint::Good, &format!("+{content}"))
        ),
    };
    if !whole.ends_with('\n') {
        text.push_str("\\ No newline at end of file\n");
    }
}
