//! A source in, documents out, split as `kubectl` splits: a stream that begins with `{` is read as JSON objects for as
//! long as it is one, everything else by lines that begin with `---` (`apimachinery/pkg/util/yaml/decoder.go`).

use std::ops::Range;
use std::sync::Arc;

use serde::de::IgnoredAny;
use serde_json::{Deserializer, Value};

use super::spread::spread;
use super::{Document, Error, Format, Source};
use crate::yaml::{self, MAX_DEPTH, Parsed, Position, Tree};

/// Reads every document of a source; empty ones and those that hold nothing but comments are left out.
///
/// # Errors
/// Every document that cannot be read, in the order of the source.
pub fn read(source: &Arc<Source>) -> Result<Vec<Document>, Vec<Error>> {
    let mut reader = Reader {
        source,
        documents: Vec::new(),
        errors: Vec::new(),
        line: 1,
        counted: 0,
    };
    let start = without_mark(&source.text, 0..source.text.len()).start;
    if let Some(rest) = reader.json_stream(start) {
        reader.yaml_stream(rest);
    }
    if reader.errors.is_empty() {
        Ok(reader.documents)
    } else {
        Err(reader.errors)
    }
}

/// Without the byte order mark at the beginning, which kubectl does not read either.
fn without_mark(text: &str, range: Range<usize>) -> Range<usize> {
    let mark = text[range.clone()].starts_with('\u{feff}');
    range.start + if mark { '\u{feff}'.len_utf8() } else { 0 }..range.end
}

struct Reader<'a> {
    source: &'a Arc<Source>,
    documents: Vec<Document>,
    errors: Vec<Error>,
    /// The line of the source at `counted`.
    line: usize,
    counted: usize,
}

impl Reader<'_> {
    /// Reads JSON objects from `start` on; gives the offset from which the rest is YAML.
    fn json_stream(&mut self, start: usize) -> Option<usize> {
        let text = &self.source.text[start..];
        if !text.trim_start().starts_with('{') || too_deep(text) {
            return Some(start);
        }
        let mut deserializer = Deserializer::from_str(text);
        // `too_deep` has counted the levels, without recursion.
        deserializer.disable_recursion_limit();
        let mut values = deserializer.into_iter::<Value>();
        let mut end = 0;
        let mut count = 0;
        loop {
            match values.next() {
                None => return None,
                Some(Ok(value)) => {
                    let begin =
                        values.byte_offset() - text[end..values.byte_offset()].trim_start().len();
                    end = values.byte_offset();
                    count += 1;
                    self.add(start + begin..start + end, Format::Json, value, None);
                }
                // One object may be the first document of a YAML stream, more of them are a stream of JSON.
                Some(Err(error)) if count > 1 => {
                    let offset = start + offset_of(text, error.line(), error.column());
                    let place = Position::of(&self.source.text, offset);
                    self.refuse("not JSON, in a stream of JSON objects", place);
                    return None;
                }
                Some(Err(_)) => return Some(start + end + blank_line(&text[end..])),
            }
        }
    }

    fn yaml_stream(&mut self, start: usize) {
        let source = self.source;
        let (chunks, odd_separator) = chunks(&source.text, start);
        let read = spread(&chunks, |chunk| yaml::parse(&source.text[chunk.clone()]));
        for (chunk, result) in chunks.into_iter().zip(read) {
            match result {
                Ok(parsed) => self.yaml(chunk, parsed),
                Err(error) => {
                    let line = self.line_at(chunk.start) + error.line - 1;
                    let column = error.column;
                    let message = templated(&source.text, line).unwrap_or(error.message);
                    self.refuse(message, Position { line, column });
                }
            }
        }
        if let Some(offset) = odd_separator {
            let message = "a separator --- with something else than a comment behind it";
            self.refuse(message, Position::of(&source.text, offset));
        }
    }

    fn yaml(&mut self, range: Range<usize>, parsed: Parsed) {
        let text = &self.source.text[range.clone()];
        let is_json = parsed
            .tree
            .node(0)
            .is_some_and(|root| root.kind.is_flow() && is_json(&text[root.span()]));
        let format = if is_json { Format::Json } else { Format::Yaml };
        self.add(
            range,
            format,
            parsed.value,
            Some((parsed.tree, parsed.duplicates)),
        );
    }

    fn refuse(&mut self, message: &'static str, place: Position) {
        self.errors
            .push(Error::new(&self.source.name, message, place));
    }

    fn add(
        &mut self,
        range: Range<usize>,
        format: Format,
        value: Value,
        places: Option<(Tree, Vec<usize>)>,
    ) {
        if value.is_null() {
            return;
        }
        let first_line = self.line_at(range.start);
        let source = Arc::clone(self.source);
        let (tree, duplicates) = places.unzip();
        let duplicates = duplicates.unwrap_or_default();
        self.documents.push(Document {
            source,
            range,
            first_line,
            format,
            value,
            tree,
            duplicates,
        });
    }

    /// Counts on from where it was asked last, so that a stream of many documents is counted once.
    fn line_at(&mut self, offset: usize) -> usize {
        let between = self.source.text.get(self.counted..offset);
        self.line += between.unwrap_or_default().matches('\n').count();
        self.counted = self.counted.max(offset);
        self.line
    }
}

/// What stands between separators, and the first separator that is none.
fn chunks(text: &str, start: usize) -> (Vec<Range<usize>>, Option<usize>) {
    let mut chunks = Vec::new();
    let (mut begin, mut offset) = (start, start);
    for line in text[start..].split_inclusive('\n') {
        if let Some(rest) = line.strip_prefix("---") {
            if !(rest.trim().is_empty() || rest.trim_start().starts_with('#')) {
                return (chunks, Some(offset));
            }
            // The first separator of several belongs to the document below it.
            if offset > begin {
                chunks.push(without_mark(text, begin..offset));
                begin = offset + line.len();
            }
        }
        offset += line.len();
    }
    chunks.push(without_mark(text, begin..offset));
    (chunks, None)
}

/// Whether brackets outside of strings are nested further than anything here reads.
fn too_deep(text: &str) -> bool {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => depth += 1,
            b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_DEPTH {
            return true;
        }
    }
    false
}

fn is_json(text: &str) -> bool {
    let mut deserializer = Deserializer::from_str(text);
    // The YAML reader has counted the levels.
    deserializer.disable_recursion_limit();
    serde::Deserialize::deserialize(&mut deserializer)
        .is_ok_and(|_: IgnoredAny| deserializer.end().is_ok())
}

/// serde_json counts lines from 1 and bytes in them.
fn offset_of(text: &str, line: usize, column: usize) -> usize {
    let start: usize = text
        .split_inclusive('\n')
        .take(line.saturating_sub(1))
        .map(str::len)
        .sum();
    let offset = (start + column.saturating_sub(1)).min(text.len());
    (0..=offset)
        .rev()
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or(0)
}

/// What to say instead where a template stands on the line: YAML's own words do not help there.
fn templated(text: &str, line: usize) -> Option<&'static str> {
    let line = text.lines().nth(line.saturating_sub(1))?;
    line.contains("{{")
        .then_some("{{ is no YAML (a Helm template? render it first)")
}

/// The length of a blank first line, which kubectl drops before it reads YAML.
fn blank_line(text: &str) -> usize {
    let blank = text.len() - text.trim_start().len();
    text[..blank].find('\n').map_or(0, |newline| newline + 1)
}
