//! Streams of manifests: bytes ↔ documents, each of which knows where it came from, so that an edit touches nothing else.
//!
//! `gather` reads files, folders and standard input; `read` splits a source as kubectl does; `rewrite` edits one
//! document's text; `assemble` puts the rewritten pieces back among the untouched bytes.

use json_patch::PatchOperation;
use json_patch::jsonptr::Pointer;

use crate::yaml::{self, Position};

mod align;
mod document;
mod edits;
mod gather;
mod json;
mod layout;
mod plan;
mod rewrite;
mod splice;
mod split;
mod spread;

pub use document::{Document, Format, Object};
pub use gather::{GatherError, STDIN, gather, gather_each, is_manifest};
pub use rewrite::{Rewritten, rewrite};
pub use split::read;
pub use spread::spread;

/// One input: the name that people know it by, and its text.
#[derive(Debug)]
pub struct Source {
    name: String,
    text: String,
}

impl Source {
    /// A source from bytes.
    ///
    /// # Errors
    /// Bytes that are no UTF-8 text, and more than 64 MiB.
    pub fn new(name: impl Into<String>, bytes: Vec<u8>) -> Result<Self, Error> {
        let name = name.into();
        let refuse = |name, message, position| Err(Error::new(name, message, position));
        if bytes.len() > yaml::MAX_BYTES {
            return refuse(
                name,
                "more than 64 MiB of input",
                Position { line: 1, column: 1 },
            );
        }
        if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) {
            return refuse(
                name,
                "UTF-16: save the file as UTF-8",
                Position { line: 1, column: 1 },
            );
        }
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Self { name, text }),
            Err(error) => {
                let valid = error.utf8_error().valid_up_to();
                let before = String::from_utf8_lossy(&error.as_bytes()[..valid]);
                refuse(name, "not UTF-8 from here on", Position::of(&before, valid))
            }
        }
    }

    /// The path, or "standard input".
    pub fn name(&self) -> &str {
        &self.name
    }

    /// All of it.
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// What is wrong with a source, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{source_name}:{line}:{column}: {message}")]
pub struct Error {
    /// The name of the source.
    pub source_name: String,
    /// Counted from 1.
    pub line: usize,
    /// Counted from 1, in characters.
    pub column: usize,
    /// One sentence without code and without anything that stands in the source.
    pub message: &'static str,
}

impl Error {
    fn new(source_name: impl Into<String>, message: &'static str, place: Position) -> Self {
        Self {
            source_name: source_name.into(),
            line: place.line,
            column: place.column,
            message,
        }
    }
}

/// Edits of an object as edits of the document that holds it at `pointer`.
pub fn within(pointer: &Pointer, edits: &[PatchOperation]) -> Vec<PatchOperation> {
    let mut edits = edits.to_vec();
    for edit in &mut edits {
        match edit {
            PatchOperation::Add(edit) => edit.path = pointer.concat(&edit.path),
            PatchOperation::Remove(edit) => edit.path = pointer.concat(&edit.path),
            PatchOperation::Replace(edit) => edit.path = pointer.concat(&edit.path),
            PatchOperation::Test(edit) => edit.path = pointer.concat(&edit.path),
            PatchOperation::Move(edit) => {
                (edit.path, edit.from) = (pointer.concat(&edit.path), pointer.concat(&edit.from));
            }
            PatchOperation::Copy(edit) => {
                (edit.path, edit.from) = (pointer.concat(&edit.path), pointer.concat(&edit.from));
            }
        }
    }
    edits
}

/// A source with some of its documents rewritten, every other byte as it was.
pub fn assemble<'a>(
    source: &Source,
    replacements: impl IntoIterator<Item = (&'a Document, &'a str)>,
) -> Vec<u8> {
    let mut pieces: Vec<_> = replacements
        .into_iter()
        .map(|(document, text)| (document.range(), text))
        .collect();
    pieces.sort_by_key(|(range, _)| range.start);
    let mut out = String::with_capacity(source.text.len());
    let mut written = 0;
    for (range, text) in pieces {
        out.push_str(source.text.get(written..range.start).unwrap_or_default());
        out.push_str(text);
        written = written.max(range.end);
    }
    out.push_str(source.text.get(written..).unwrap_or_default());
    out.into_bytes()
}

/// Several assembled sources as one stream that kubectl splits again; a single one stays as it is.
pub fn concatenate(streams: &[Vec<u8>]) -> Vec<u8> {
    let mut out: Vec<u8> = Vec::new();
    for stream in streams {
        // A byte order mark means something only at the very beginning.
        let stream = if out.is_empty() {
            stream
        } else {
            stream.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(stream)
        };
        if !out.is_empty() && !stream.is_empty() {
            if !out.ends_with(b"\n") {
                out.push(b'\n');
            }
            if !stream.starts_with(b"---") {
                out.extend_from_slice(b"---\n");
            }
        }
        out.extend_from_slice(stream);
    }
    out
}

#[cfg(test)]
mod tests;
