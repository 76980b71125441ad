//! Lines and replacements: where a line begins and ends, and many small replacements made at once.

use std::ops::Range;

/// A document's text, asked for its lines.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lines<'a> {
    pub(super) text: &'a str,
}

impl Lines<'_> {
    /// Where the line of an offset begins.
    pub(super) fn start(self, offset: usize) -> usize {
        self.text[..offset]
            .rfind('\n')
            .map_or(0, |newline| newline + 1)
    }

    /// Where the content of the line of an offset ends, its line end left out.
    pub(super) fn end(self, offset: usize) -> usize {
        let end = self.text[offset..]
            .find('\n')
            .map_or(self.text.len(), |length| offset + length);
        if end > offset && self.text[..end].ends_with('\r') {
            end - 1
        } else {
            end
        }
    }

    /// Where the line below begins; the end of the text where there is none.
    pub(super) fn next(self, offset: usize) -> usize {
        self.text[offset..]
            .find('\n')
            .map_or(self.text.len(), |length| offset + length + 1)
    }

    /// Columns before an offset on its line, counted from 0.
    pub(super) fn column(self, offset: usize) -> usize {
        offset - self.start(offset)
    }

    /// Whether only blanks stand before an offset on its line.
    pub(super) fn is_first(self, offset: usize) -> bool {
        self.text[self.start(offset)..offset]
            .bytes()
            .all(|byte| byte == b' ')
    }

    /// The end of the line of an offset, or of the last of the comments directly below it that begin in `column` or
    /// further in: those belong to what stands above them.
    pub(super) fn end_with_comments(self, offset: usize, column: usize) -> usize {
        let mut end = self.end(offset);
        loop {
            let line = &self.text[self.next(end)..];
            let content = line.trim_start_matches(' ');
            if !content.starts_with('#') || line.len() - content.len() < column {
                return end;
            }
            end = self.end(self.next(end));
        }
    }

    /// The bytes of whole lines, so that cutting them leaves no empty line. They go with the line end above them:
    /// what is added at the end of the last one stays, and an unfinished last line stays unfinished.
    pub(super) fn whole(self, from: usize, end: usize) -> Range<usize> {
        match self.start(from) {
            0 => 0..self.next(end),
            start => self.end(self.start(start - 1))..end,
        }
    }

    /// The line end that the text uses.
    pub(super) fn newline(self) -> &'static str {
        match self.text.find('\n') {
            Some(at) if self.text[..at].ends_with('\r') => "\r\n",
            _ => "\n",
        }
    }

    /// The first offset behind `from` that is neither blank nor comment.
    pub(super) fn token(self, from: usize) -> usize {
        let mut at = from;
        loop {
            let rest = self.text[at..].trim_start();
            at = self.text.len() - rest.len();
            if !rest.starts_with('#') {
                return at;
            }
            at = self.next(at);
        }
    }
}

/// Replacements that do not overlap.
#[derive(Debug, Default)]
pub(super) struct Splices {
    list: Vec<(Range<usize>, String)>,
}

impl Splices {
    /// Replaces a range; an empty one inserts. Of several at one place, insertions come first, in the order of calls.
    pub(super) fn replace(&mut self, range: Range<usize>, text: impl Into<String>) {
        self.list.push((range, text.into()));
    }

    /// The text with all of them made; nothing if two overlap.
    pub(super) fn apply(mut self, text: &str) -> Option<String> {
        self.list.sort_by_key(|(range, _)| (range.start, range.end));
        let mut out = String::with_capacity(
            text.len() + self.list.iter().map(|(_, new)| new.len()).sum::<usize>(),
        );
        let mut written = 0;
        for (range, new) in &self.list {
            out.push_str(text.get(written..range.start)?);
            out.push_str(new);
            written = range.end;
        }
        out.push_str(text.get(written..)?);
        Some(out)
    }
}
