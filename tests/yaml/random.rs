//! Random YAML, the same on every run: documents of every style, and known ones with a few characters changed.

use serde_json::{Map, Value, json};

/// Marsaglia's xorshift: it needs no library and gives the same numbers everywhere.
pub(crate) struct Random(u64);

/// Single scalars, as they stand in a text.
const SCALARS: &[&str] = &[
    "a",
    "yes",
    "~",
    "017",
    "1_0",
    "0x1F",
    "1e3",
    ".5",
    "'q''q'",
    "\"d\\n\"",
    "\"d\\\"\"",
    "http://x:1/y",
    "2001-01-01",
    "1:20",
    "!!str 1",
    "!t v",
    "&n v",
    "*n",
    "''",
    "two words",
    "{{x}}",
    "x#y",
    "-1",
    "é🙂",
    "on",
    "null",
    "12.50",
    "\"\\u00e9\"",
];

const KEYS: &[&str] = &[
    "a", "b", "name", "'q k'", "\"d/k\"", "1", "yes", "a.b/c", "é", "<<", "? e", "&n k",
];

const PIECES: &[&str] = &[
    "\n", " ", "  ", "\t", ":", ": ", "- ", "-", "#", " #", "'", "\"", "[", "]", "{", "}", ",",
    "?", "? ", "!", "!!str ", "&n ", "*n", "|", ">", "|+\n", "\\", "\r\n", "\n---\n", "\n...\n",
    "<<: ", "a", "1", "0", "_", ".", "e", "~", "%", "@", "\u{2028}", "é", "\n\n",
];

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from((self.0 >> 33) % u64::try_from(limit).unwrap()).unwrap()
    }

    pub(crate) fn one_of<'a, T: ?Sized>(&mut self, choices: &[&'a T]) -> &'a T {
        choices[self.below(choices.len())]
    }

    /// A known document with some pieces put in, taken out or doubled.
    pub(crate) fn mutated(&mut self, known: &[&str]) -> String {
        let mut text: Vec<char> = self.one_of(known).chars().collect();
        for _ in 0..=self.below(3) {
            let at = self.below(text.len() + 1);
            let end = (at + 1 + self.below(4)).min(text.len());
            match self.below(4) {
                0 | 1 => drop(text.splice(at..at, self.one_of(PIECES).chars())),
                2 => drop(text.drain(at..end)),
                _ => {
                    let again = text[at..end].to_vec();
                    text.splice(at..at, again);
                }
            }
        }
        text.into_iter().collect()
    }

    /// A document that is usually right.
    pub(super) fn document(&mut self) -> String {
        let newline = if self.below(5) == 0 { "\r\n" } else { "\n" };
        let mut out = String::new();
        if self.below(4) == 0 {
            out.push_str("---\n");
        }
        // An alias needs something to stand for.
        out.push_str("base: &n {m: 1}\n");
        self.members(&mut out, 0, 4);
        out.replace('\n', newline)
    }

    fn members(&mut self, out: &mut String, column: usize, depth: usize) {
        for _ in 0..=self.below(3) {
            self.noise(out, column);
            let key = self.one_of(KEYS);
            out.push_str(&" ".repeat(column));
            out.push_str(key);
            if key.starts_with('?') {
                out.push('\n');
                out.push_str(&" ".repeat(column));
            }
            out.push(':');
            self.value(out, column, depth);
        }
    }

    fn value(&mut self, out: &mut String, column: usize, depth: usize) {
        match self.below(if depth == 0 { 4 } else { 8 }) {
            0..=2 => {
                out.push(' ');
                out.push_str(self.one_of(SCALARS));
                self.end(out);
            }
            3 => {
                let header = self.one_of(&["|", ">", "|-", ">-", "|+", "| # c", ">2"]);
                let indent = " ".repeat(column + 2);
                out.push_str(&format!(
                    " {header}\n{indent}one\n\n{indent}two # no comment\n"
                ));
            }
            4 => {
                out.push(' ');
                self.flow(out, depth - 1);
                self.end(out);
            }
            5 | 6 => {
                self.end(out);
                let step = 1 + self.below(4);
                self.members(out, column + step, depth - 1);
            }
            _ => {
                self.end(out);
                let step = 2 * self.below(2);
                self.items(out, column + step, depth - 1);
            }
        }
    }

    fn items(&mut self, out: &mut String, column: usize, depth: usize) {
        for _ in 0..=self.below(3) {
            self.noise(out, column);
            out.push_str(&" ".repeat(column));
            out.push('-');
            if depth > 0 && self.below(2) == 0 {
                let mut inner = String::new();
                self.members(&mut inner, column + 2, depth - 1);
                // The first key stands on the line of the dash, when no noise comes before it.
                let inline = inner
                    .strip_prefix(&" ".repeat(column + 2))
                    .filter(|inner| !inner.starts_with([' ', '#']));
                out.push_str(&inline.map_or(format!("\n{inner}"), |inner| format!(" {inner}")));
            } else {
                self.value(out, column, depth);
            }
        }
    }

    fn flow(&mut self, out: &mut String, depth: usize) {
        let is_map = self.below(2) == 0;
        out.push(if is_map { '{' } else { '[' });
        for number in 0..self.below(4) {
            if number > 0 {
                out.push_str(self.one_of(&[", ", ",", ",\n          "]));
            }
            if is_map {
                out.push_str(self.one_of(KEYS));
                out.push_str(": ");
            }
            if depth > 0 && self.below(3) == 0 {
                self.flow(out, depth - 1);
            } else {
                out.push_str(self.one_of(SCALARS));
            }
        }
        out.push(if is_map { '}' } else { ']' });
    }

    fn end(&mut self, out: &mut String) {
        out.push_str(self.one_of(&["\n", "\n", "\n", " # c\n", "  \n"]));
    }

    fn noise(&mut self, out: &mut String, column: usize) {
        match self.below(10) {
            0 => out.push('\n'),
            1 => out.push_str(&format!("{}# c: d\n", " ".repeat(column))),
            2 => out.push_str(&format!("{}# - e\n", " ".repeat(column + 2))),
            3 => out.push_str("# f\n"),
            _ => {}
        }
    }

    /// A value to put into a document.
    pub(super) fn json(&mut self, depth: usize) -> Value {
        match self.below(if depth == 0 { 6 } else { 9 }) {
            0 => json!(self.one_of(&[
                "yes",
                "017",
                "a: b",
                "",
                " x",
                "l1\nl2\n",
                "é🙂",
                "#",
                "- x",
                "2001-01-01",
                "\t",
                "{}"
            ])),
            1 => json!(self.one_of(&["plain", "two words", "https://x/y?z=1"])),
            2 => json!(self.below(1000)),
            3 => json!(0.5),
            4 => json!(null),
            5 => json!(self.below(2) == 0),
            6 | 7 => {
                let members = self.below(4);
                let keys = ["a", "b", "name", "yes", "x y", "q/r~s"];
                Value::Object(
                    (0..members)
                        .map(|_| (self.one_of(&keys).to_owned(), self.json(depth - 1)))
                        .collect::<Map<_, _>>(),
                )
            }
            _ => {
                let items = self.below(4);
                Value::Array((0..items).map(|_| self.json(depth - 1)).collect())
            }
        }
    }
}
