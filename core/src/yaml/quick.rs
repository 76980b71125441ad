//! The plain kind of block YAML that nearly every manifest is, read line by line, several times faster than libyaml does:
//! printable ASCII, one line for each scalar, no flow style but `{}` and `[]`, no anchors, tags or block scalars.
//!
//! At the first thing outside of that kind, errors among them, it gives up and libyaml reads the whole document. A test
//! holds the two against each other, node by node.

use libyaml_safer::ScalarStyle;

use super::Limits;
use super::compose::{Composed, Composer, Written};
use super::tree::Kind;

/// Deeper documents are libyaml's.
const DEEPEST: usize = 64;
/// libyaml looks for the colon of a key no further than 1 024 bytes.
const LONGEST_KEY: usize = 1000;

/// Reads a document of the plain kind.
pub(super) fn compose(text: &str, limits: &'static Limits) -> Option<Composed> {
    let is_plain = |byte: u8| matches!(byte, b'\n' | b' '..=b'~');
    if text.len() > limits.bytes.most || !text.bytes().all(is_plain) {
        return None;
    }
    let mut reader = Reader {
        composer: Composer::new(text, limits),
        open: Vec::new(),
        pending: None,
    };
    let mut offset = 0;
    let mut marker = false;
    for line in text.split_inclusive('\n') {
        let content = line.trim_end_matches(['\n', ' ']);
        let rest = content.trim_start_matches(' ');
        let column = content.len() - rest.len();
        if column == 0
            && ["---", "...", "%"]
                .iter()
                .any(|start| rest.starts_with(start))
        {
            // One marker before everything else is of the plain kind.
            if rest != "---" || marker || !reader.open.is_empty() {
                return None;
            }
            marker = true;
        } else if !rest.is_empty() && !rest.starts_with('#') {
            reader.line(offset + column, column, rest)?;
        }
        offset += line.len();
    }
    reader.finish()
}

/// A mapping or a sequence that may go on.
#[derive(Debug, Clone, Copy)]
struct Open {
    column: usize,
    is_sequence: bool,
}

struct Reader<'a> {
    composer: Composer<'a>,
    open: Vec<Open>,
    /// Behind a colon or a dash whose value is on a line to come, or null.
    pending: Option<usize>,
}

impl Reader<'_> {
    /// Takes a line with content, which begins at an offset.
    fn line(&mut self, at: usize, column: usize, rest: &str) -> Option<()> {
        let opens = match (self.open.last(), self.pending) {
            (None, _) => true,
            (Some(top), Some(mark)) => {
                let indentless = column == top.column && !top.is_sequence && is_dash(rest);
                let opens = column > top.column || indentless;
                if !opens {
                    self.null(mark)?;
                }
                opens
            }
            // A scalar that goes on, or an error.
            (Some(top), None) if column > top.column => return None,
            (Some(_), None) => false,
        };
        self.pending = None;
        if !opens {
            self.close(column, is_dash(rest));
            let top = self.open.last()?;
            if top.column != column || top.is_sequence != is_dash(rest) {
                return None;
            }
        }
        self.entry(at, column, rest, opens)
    }

    /// Ends what stands further in, and a sequence without indentation of its own when a key follows it.
    fn close(&mut self, column: usize, dash: bool) {
        while let Some(top) = self.open.last() {
            if top.column < column || top.column == column && (dash || !top.is_sequence) {
                return;
            }
            self.open.pop();
            self.composer.finish_open(0);
        }
    }

    /// Takes dashes, and then a key with its value or a scalar.
    fn entry(&mut self, at: usize, column: usize, rest: &str, opens: bool) -> Option<()> {
        let (mut at, mut column, mut rest, mut opens) = (at, column, rest, opens);
        let mut in_item = false;
        while is_dash(rest) {
            if opens {
                self.open(Kind::BlockSequence, at, column)?;
            }
            let item = rest[1..].trim_start_matches(' ');
            if item.is_empty() || item.starts_with('#') {
                self.pending = Some(at + 1);
                return Some(());
            }
            let width = rest.len() - item.len();
            (at, column, rest, opens, in_item) = (at + width, column + width, item, true, true);
        }
        let key = match beginning(rest)? {
            Beginning::Key(key) => key,
            Beginning::NoKey if in_item => return self.value(at, rest),
            Beginning::NoKey => return None,
        };
        if opens {
            self.open(Kind::BlockMapping, at, column)?;
        }
        let colon = key.end;
        self.scalar(at, key)?;
        let value = rest[colon + 1..].trim_start_matches(' ');
        if value.is_empty() || value.starts_with('#') {
            self.pending = Some(at + colon + 1);
            return Some(());
        }
        self.value(at + rest.len() - value.len(), value)
    }

    /// Takes what must be the rest of a line, but for a comment.
    fn value(&mut self, at: usize, rest: &str) -> Option<()> {
        let empty = match rest.get(..2) {
            Some("{}") => Some(Kind::FlowMapping),
            Some("[]") => Some(Kind::FlowSequence),
            _ => None,
        };
        if let Some(kind) = empty {
            self.composer.begin(None, false, kind, offset(at)?).ok()?;
            self.composer.finish_open(offset(at + 2)?);
            return is_end(&rest[2..]).then_some(());
        }
        let scalar = match rest.as_bytes().first()? {
            b'"' | b'\'' => quoted(rest)?,
            _ => plain(rest)?,
        };
        if !is_end(&rest[scalar.end..]) {
            return None;
        }
        self.scalar(at, scalar)
    }

    fn open(&mut self, kind: Kind, at: usize, column: usize) -> Option<()> {
        let is_sequence = kind == Kind::BlockSequence;
        self.open.push(Open {
            column,
            is_sequence,
        });
        self.composer.begin(None, false, kind, offset(at)?).ok()?;
        (self.open.len() <= DEEPEST).then_some(())
    }

    fn scalar(&mut self, at: usize, scalar: Scalar) -> Option<()> {
        let (start, end) = (offset(at)?, offset(at + scalar.end)?);
        let implicit = scalar.style == ScalarStyle::Plain;
        let written = Written {
            text: scalar.text,
            tag: None,
            implicit,
        };
        self.composer
            .scalar(None, written, scalar.style, start, end)
            .ok()
    }

    fn null(&mut self, at: usize) -> Option<()> {
        self.scalar(
            at,
            Scalar {
                text: String::new(),
                style: ScalarStyle::Plain,
                end: 0,
            },
        )
    }

    fn finish(mut self) -> Option<Composed> {
        if let Some(mark) = self.pending {
            self.null(mark)?;
        }
        // Nothing at all is libyaml's to judge.
        self.open.first()?;
        for _ in 0..self.open.len() {
            self.composer.finish_open(0);
        }
        self.composer.finish().ok()
    }
}

/// A scalar at the beginning of a text, which it takes up to `end`.
struct Scalar {
    text: String,
    style: ScalarStyle,
    end: usize,
}

fn offset(at: usize) -> Option<u32> {
    u32::try_from(at).ok()
}

fn is_dash(rest: &str) -> bool {
    rest == "-" || rest.starts_with("- ")
}

/// Nothing, or a comment with a space before it.
fn is_end(rest: &str) -> bool {
    let comment = rest.trim_start_matches(' ');
    comment.is_empty() || comment.starts_with('#') && comment.len() < rest.len()
}

/// What a text behind dashes and blanks begins with.
enum Beginning {
    Key(Scalar),
    /// It has no colon where a key would have one.
    NoKey,
}

fn beginning(rest: &str) -> Option<Beginning> {
    let bytes = rest.as_bytes();
    let is_colon =
        |at: usize| bytes.get(at) == Some(&b':') && matches!(bytes.get(at + 1), None | Some(b' '));
    if matches!(bytes.first()?, b'"' | b'\'') {
        let scalar = quoted(rest)?;
        let is_key = is_colon(scalar.end);
        return Some(if is_key {
            Beginning::Key(scalar)
        } else {
            Beginning::NoKey
        });
    }
    let comment = rest.find(" #").unwrap_or(rest.len());
    let Some(end) = (0..comment).find(|at| is_colon(*at)) else {
        return Some(Beginning::NoKey);
    };
    let text = &rest[..end];
    if !begins_plain(rest) || text.ends_with(' ') || text == "<<" || end > LONGEST_KEY {
        return None;
    }
    Some(Beginning::Key(Scalar {
        text: text.to_owned(),
        style: ScalarStyle::Plain,
        end,
    }))
}

/// Not an indicator; a dash only before something.
fn begins_plain(rest: &str) -> bool {
    match rest.as_bytes() {
        [b'-', next, ..] => *next != b' ',
        [first, ..] => first.is_ascii_alphanumeric() || b"_/.$()+~^=<\\;".contains(first),
        [] => false,
    }
}

fn plain(rest: &str) -> Option<Scalar> {
    let text = rest.split(" #").next()?.trim_end_matches(' ');
    let has_colon = text.ends_with(':') || text.contains(": ");
    if has_colon || !begins_plain(rest) {
        return None;
    }
    Some(Scalar {
        text: text.to_owned(),
        style: ScalarStyle::Plain,
        end: text.len(),
    })
}

/// On one line, and with no escapes but the everyday ones.
fn quoted(rest: &str) -> Option<Scalar> {
    let quote = rest.chars().next()?;
    let is_double = quote == '"';
    let mut text = String::new();
    let mut characters = rest.char_indices().skip(1).peekable();
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' if is_double => text.push(match characters.next()?.1 {
                'n' => '\n',
                't' => '\t',
                same @ ('"' | '\\') => same,
                _ => return None,
            }),
            _ if character != quote => text.push(character),
            '\'' if characters.next_if(|(_, next)| *next == '\'').is_some() => text.push('\''),
            _ => {
                let style = if is_double {
                    ScalarStyle::DoubleQuoted
                } else {
                    ScalarStyle::SingleQuoted
                };
                return Some(Scalar {
                    text,
                    style,
                    end: at + 1,
                });
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::{compose as slow, guard};
    use super::*;

    const PLAIN: &[&str] = &[
        "---\napiVersion: v1\nkind: X # c\nmetadata:\n  name: a-b\n  labels: {}\n\n  # c\n  'q k': \"e\\\"s\\n\"\nspec:\n  l:\n  - a: 1\n    b:\n    - x\n    -\n  -   c: http://x:1/#y\n  # d\n  m:\n    - [] # e\n    - - 'it''s'\n      - --z\n    -\n      n: -1\n  o:\np: q\n",
        "- a\n- b: c\n  d:\n- e:\n  - f\n  -   g: h\n-\n  - i\n-\n",
        "  a: b\n  c:\n      d: e\n      f: \"g: h\" # i\n  j: k l\n",
    ];

    const PIECES: &[&str] = &[
        "\n", " ", "  ", "- ", "-", ": ", ":", "#", " #", "'", "\"", "{}", "[]", "a", "0", "<<",
        "\\", "---\n", "!", "&a ", "|", "?", ",",
    ];

    /// Whether the plain kind it is; then libyaml must say the same.
    fn is_plain(text: &str) -> bool {
        let Some(quick) = compose(text, &Limits::MANIFEST) else {
            return false;
        };
        let slow = guard::check(text, &Limits::MANIFEST)
            .and_then(|()| slow::compose(text, &Limits::MANIFEST));
        let slow = slow.unwrap_or_else(|fault| panic!("{fault:?} in {text:?}"));
        assert_eq!(quick.tree.nodes, slow.tree.nodes, "{text:?}");
        assert_eq!(quick.scalars, slow.scalars, "{text:?}");
        true
    }

    #[test]
    fn libyaml_says_the_same() {
        let mut state = 1_u64;
        let mut below = |limit: usize| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(state >> 40).unwrap() % limit
        };
        let mut plain = 0;
        for text in PLAIN {
            assert!(is_plain(text), "{text}");
            for _ in 0..3000 {
                let mut changed = (*text).to_owned();
                for _ in 0..=below(3) {
                    let start = below(changed.len() + 1);
                    let end = (start + below(4)).min(changed.len());
                    changed.replace_range(start..end, PIECES[below(PIECES.len())]);
                }
                plain += usize::from(is_plain(&changed));
            }
        }
        assert!(plain > 1000, "{plain}");
    }
}
