//! A text as libyaml is given it.

use std::io::{BufRead, Read};

/// So much is decoded at a time.
const PIECE: usize = 4096;

/// A text in pieces of whole characters, so that libyaml does not decode all of it ahead, and with a last line that
/// ends: kubectl reads by lines and gives each an end, and libyaml's port would panic on a block scalar without.
pub(super) struct Pieces {
    text: String,
    read: usize,
}

impl Pieces {
    pub(super) fn new(text: &str) -> Self {
        let end = if text.ends_with('\n') { "" } else { "\n" };
        Self {
            text: [text, end].concat(),
            read: 0,
        }
    }
}

impl BufRead for Pieces {
    fn fill_buf(&mut self) -> std::io::Result<&[u8]> {
        let rest = self.text.get(self.read..).unwrap_or_default();
        let mut length = PIECE.min(rest.len());
        while !rest.is_char_boundary(length) {
            length -= 1;
        }
        Ok(&rest.as_bytes()[..length])
    }

    fn consume(&mut self, amount: usize) {
        self.read += amount;
    }
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let piece = self.fill_buf()?;
        let length = piece.len().min(buffer.len());
        buffer[..length].copy_from_slice(&piece[..length]);
        self.consume(length);
        Ok(length)
    }
}
