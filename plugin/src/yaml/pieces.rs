//! A text as libyaml is given it.

use std::io::{BufRead, Read};

/// A text in pieces of whole characters, so that libyaml does not decode all of it ahead, and with a last line that
/// ends: kubectl reads by lines and gives each an end, and libyaml's port would panic on a block scalar without.
pub(super) struct Pieces<'a> {
    rest: &'a str,
    end: &'a [u8],
}

impl<'a> Pieces<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            rest: text,
            end: if text.ends_with('\n') { b"" } else { b"\n" },
        }
    }
}

impl BufRead for Pieces<'_> {
    fn fill_buf(&mut self) -> std::io::Result<&[u8]> {
        const PIECE: usize = 4096;
        if self.rest.is_empty() {
            return Ok(self.end);
        }
        let length = self.rest.floor_char_boundary(PIECE);
        Ok(&self.rest.as_bytes()[..length])
    }

    fn consume(&mut self, amount: usize) {
        if self.rest.is_empty() {
            self.end = self.end.get(amount..).unwrap_or_default();
        } else {
            self.rest = self.rest.get(amount..).unwrap_or_default();
        }
    }
}

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let piece = self.fill_buf()?;
        let length = piece.len().min(buffer.len());
        buffer[..length].copy_from_slice(&piece[..length]);
        self.consume(length);
        Ok(length)
    }
}
