//! Where in a file something is meant, and the line that may be shown of it.

use std::ops::Range;

use serde::Serialize;

use super::hidden;
use crate::manifests::{Document, Error, Source};
use crate::words::pointer_to;
use crate::yaml::Position;

/// What stands for a value that may be a secret.
const MASK: &str = "***";

/// A span in a file. Lines and columns are counted from 1, columns in characters; the end is the column behind it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Place {
    /// The path, or "standard input".
    pub(super) source: String,
    pub(super) line: usize,
    pub(super) column: usize,
    pub(super) end_line: usize,
    pub(super) end_column: usize,
}

/// One line, and what of it is meant, counted in characters from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Snippet {
    pub(super) text: String,
    pub(super) from: usize,
    pub(super) length: usize,
}

impl Place {
    /// The place of an error of the reader.
    pub(super) fn of(error: &Error) -> Self {
        Self {
            source: error.source_name.clone(),
            line: error.line,
            column: error.column,
            end_line: error.line,
            end_column: error.column + 1,
        }
    }

    fn span(source: &Source, range: &Range<usize>) -> Self {
        let start = Position::of(source.text(), range.start);
        let end = Position::of(source.text(), range.end);
        Self {
            source: source.name().to_owned(),
            line: start.line,
            column: start.column,
            end_line: end.line,
            end_column: end.column,
        }
    }
}

/// The place of a dotted path below the object at a pointer.
pub(super) fn of_path(document: &Document, object: &str, path: &str) -> (Place, Option<Snippet>) {
    let value = document.value().pointer(object);
    let path = value.map_or_else(String::new, |value| pointer_to(value, path));
    of_pointer(document, &format!("{object}{path}"))
}

/// The place of what stands at a pointer.
pub(super) fn of_pointer(document: &Document, pointer: &str) -> (Place, Option<Snippet>) {
    let hidden = hidden::of_document(document);
    let is_hidden = |range: &Range<usize>| overlaps(&hidden, range).is_some();
    let range = document.meant(pointer, is_hidden);
    in_source(document.source(), &range, &hidden)
}

/// The place of a key that is at a line and a column.
pub(super) fn of_key(document: &Document, at: Position) -> (Place, Option<Snippet>) {
    let source = document.source();
    let range = word_at(source.text(), at);
    in_source(source, &range, &hidden::of_document(document))
}

/// The place of a word in an object-store file, which begins at a byte of its source.
pub(super) fn in_store(
    source: &Source,
    start: usize,
    at: Option<Position>,
) -> (Place, Option<Snippet>) {
    let text = source.text().get(start..).unwrap_or_default();
    let range = at.map_or(0..text.len().min(1), |at| word_at(text, at));
    let hidden = hidden::of_store(source.text());
    in_source(source, &(start + range.start..start + range.end), &hidden)
}

fn in_source(
    source: &Source,
    range: &Range<usize>,
    hidden: &[Range<usize>],
) -> (Place, Option<Snippet>) {
    let text = source.text();
    let whole = |at: usize| (at..text.len()).find(|at| text.is_char_boundary(*at));
    let whole = |at: usize| whole(at).unwrap_or(text.len());
    let range = whole(range.start)..whole(range.end.max(range.start));
    (Place::span(source, &range), snippet(text, &range, hidden))
}

/// The bytes of the word that begins at a line and a column: a key, or what a line holds.
fn word_at(text: &str, at: Position) -> Range<usize> {
    let mut start = 0;
    for line in text.split_inclusive('\n').take(at.line.saturating_sub(1)) {
        start += line.len();
    }
    let line = text[start..].lines().next().unwrap_or_default();
    let before = line.char_indices().nth(at.column.saturating_sub(1));
    let begin = before.map_or(line.len(), |(offset, _)| offset);
    let word = line[begin..]
        .find([':', ' ', ',', '}', ']'])
        .filter(|length| *length > 0)
        .unwrap_or(line.len() - begin);
    start + begin..start + begin + word
}

/// The line on which a range begins, as far as it may be shown; nothing where it begins in what is hidden.
fn snippet(text: &str, range: &Range<usize>, hidden: &[Range<usize>]) -> Option<Snippet> {
    let before = text.get(..range.start)?;
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    let end = text[start..].find('\n').map_or(text.len(), |at| start + at);
    if overlaps(hidden, &(start..start + 1)).is_some() {
        return None;
    }
    let secret = overlaps(hidden, &(start..end));
    let shown = secret.map_or(end, |secret| secret.start);
    if text[start..shown].trim().is_empty() {
        return None;
    }
    let line = text[start..shown].trim_end_matches('\r').replace('\t', " ");
    let count = |to: usize| text[start..to.clamp(start, shown)].chars().count();
    let from = count(range.start);
    let (line, to) = match secret {
        None => (line, count(range.end)),
        Some(_) if range.end <= shown => (format!("{line}{MASK}"), count(range.end)),
        Some(_) => (format!("{line}{MASK}"), count(shown) + MASK.len()),
    };
    Some(Snippet {
        text: line,
        from,
        length: to.saturating_sub(from).max(1),
    })
}

/// The first of the hidden ranges that touches one.
fn overlaps<'h>(hidden: &'h [Range<usize>], range: &Range<usize>) -> Option<&'h Range<usize>> {
    hidden
        .iter()
        .find(|one| one.start < range.end.max(range.start + 1) && range.start < one.end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_ends_where_a_secret_begins() {
        let text = "spec:\n  url: here\n  token: hunter2 # hunter2\n  more: x\n";
        let secret = text.find("hunter2").unwrap();
        let hidden = [secret..secret + 7, text.len()..text.len() + 1];
        let shown = |word: &str, length: usize| {
            let at = text.find(word).unwrap();
            snippet(text, &(at..at + length), &hidden)
        };
        let line = |text: &str, from, length| {
            Some(Snippet {
                text: text.to_owned(),
                from,
                length,
            })
        };
        assert_eq!(shown("here", 4), line("  url: here", 7, 4));
        assert_eq!(shown("token", 5), line("  token: ***", 2, 5));
        assert_eq!(shown("hunter2", 7), line("  token: ***", 9, 3));
        let block = text.find("  url").unwrap()..text.len();
        assert_eq!(
            snippet(
                text,
                &(block.start + 2..block.start + 5),
                std::slice::from_ref(&block)
            ),
            None
        );
    }

    #[test]
    fn a_word_is_a_key_or_what_is_left() {
        let text = "a: 1\n  key_name: [x]\n";
        let word = |line, column| &text[word_at(text, Position { line, column })];
        assert_eq!(
            (word(1, 1), word(2, 3), word(2, 14)),
            ("a", "key_name", "x")
        );
        assert_eq!(word(9, 9), "");
    }
}
