//! Texts for people: colours, tables, and nothing that a terminal would obey.

use std::borrow::Cow;

/// A way to stand out; only a colour, never the only sign of anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paint {
    /// Well: green.
    Good,
    /// To be looked at: yellow.
    Warn,
    /// Wrong: red.
    Bad,
    /// Less important: dim.
    Dim,
    /// More important: bold.
    Bold,
    /// A place: cyan.
    Place,
}

impl Paint {
    pub(super) fn sequence(self) -> &'static str {
        match self {
            Self::Good => "\x1b[32m",
            Self::Warn => "\x1b[33m",
            Self::Bad => "\x1b[31m",
            Self::Dim => "\x1b[2m",
            Self::Bold => "\x1b[1m",
            Self::Place => "\x1b[36m",
        }
    }
}

/// A text without control characters but line ends and tabs; with our own colours where there are any.
pub(super) fn clean(text: &str, painted: bool) -> Cow<'_, str> {
    let hostile = |character: char| character.is_control() && !matches!(character, '\n' | '\t');
    if !text.contains(hostile) {
        return Cow::Borrowed(text);
    }
    let mut cleaned = String::with_capacity(text.len());
    for (at, character) in text.char_indices() {
        if hostile(character) && !(painted && is_paint(&text[at..])) {
            cleaned.extend(character.escape_default());
        } else {
            cleaned.push(character);
        }
    }
    Cow::Owned(cleaned)
}

fn is_paint(text: &str) -> bool {
    let digits = text
        .strip_prefix("\x1b[")
        .map(|rest| rest.trim_start_matches(|digit: char| digit.is_ascii_digit()));
    digits.is_some_and(|rest| rest.starts_with('m'))
}

/// A name or a path as one word of a line: without line ends and other control characters.
pub fn one_line(text: &str) -> Cow<'_, str> {
    if text.contains(char::is_control) {
        Cow::Owned(
            text.chars()
                .flat_map(|character| {
                    let escaped: Vec<char> = if character.is_control() {
                        character.escape_default().collect()
                    } else {
                        vec![character]
                    };
                    escaped
                })
                .collect(),
        )
    } else {
        Cow::Borrowed(text)
    }
}

/// Rows below upper-case headers, three spaces between columns, no borders, no blanks at the end of a line.
pub fn table(headers: &[&str], rows: &[Vec<String>]) -> String {
    let cell = |row: &Vec<String>, column: usize| {
        row.get(column)
            .map(|text| one_line(text).into_owned())
            .unwrap_or_default()
    };
    let widths: Vec<usize> = (0..headers.len())
        .map(|column| {
            rows.iter()
                .map(|row| cell(row, column).chars().count())
                .chain([headers[column].chars().count()])
                .max()
                .unwrap_or(0)
        })
        .collect();
    let line = |cells: Vec<String>| {
        let padded = cells
            .iter()
            .zip(&widths)
            .map(|(text, width)| format!("{text:<width$}"));
        format!("{}\n", padded.collect::<Vec<_>>().join("   ").trim_end())
    };
    let head = (!headers.iter().all(|header| header.is_empty()))
        .then(|| line(headers.iter().map(|&header| header.to_owned()).collect()));
    head.into_iter()
        .chain(
            rows.iter()
                .map(|row| line((0..headers.len()).map(|column| cell(row, column)).collect())),
        )
        .collect()
}

/// Words in lines that end at a column; the first line begins at `indent`, and the others are indented to it.
pub fn wrapped(text: &str, indent: usize, width: usize) -> String {
    let mut lines = String::new();
    let mut column = indent;
    for word in text.split(' ') {
        let length = word.chars().count();
        if column > indent && column + 1 + length > width {
            lines.push('\n');
            lines.extend(std::iter::repeat_n(' ', indent));
            column = indent;
        } else if column > indent {
            lines.push(' ');
            column += 1;
        }
        lines.push_str(word);
        column += length;
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_do_not_reach_a_terminal() {
        assert_eq!(clean("a\x1b]0;x\x07b\n", false), "a\\u{1b}]0;x\\u{7}b\n");
        assert_eq!(
            clean("\x1b[31ma\x1b[0m\x1b[2J", true),
            "\x1b[31ma\x1b[0m\\u{1b}[2J"
        );
        assert_eq!(one_line("a\nb"), "a\\nb");
    }

    #[test]
    fn words_are_wrapped_and_never_cut() {
        assert_eq!(wrapped("one two three", 2, 9), "one two\n  three");
        assert_eq!(wrapped("one overlong-word", 0, 5), "one\noverlong-word");
    }

    #[test]
    fn tables_have_no_borders() {
        let rows = [
            vec!["a".to_owned(), "long one".to_owned()],
            vec!["bb".to_owned(), String::new()],
        ];
        assert_eq!(
            table(&["NAME", "WHY"], &rows),
            "NAME   WHY\na      long one\nbb\n"
        );
    }
}
