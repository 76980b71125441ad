//! Events in, nodes out: what stands where, and which anchor an alias means. Within limits, and without recursion.

use std::collections::HashMap;

use libyaml_safer::{
    Encoding, ErrorKind, Event, EventData, MappingStyle, Parser, ScalarStyle, SequenceStyle,
};

use super::pieces::Pieces;
use super::tree::{Kind, Node, Tree};
use super::{Fault, Limits};

/// goyaml.v2 would not look at it, and kubectl would leave it out in silence.
const BEHIND_THE_END: &str =
    "something behind the end of the document: documents are separated by a line ---";

const TAGGED: &str = "a tag: write the value without it";

const INDENTING_TAB: &str = "a tab where only spaces may indent";

/// What an event said about a scalar.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) text: String,
    pub(super) tag: Option<String>,
    /// Without quotes and tag: its type has to be found out.
    pub(super) implicit: bool,
}

/// A document as it is written: nothing resolved, nothing merged.
pub(super) struct Composed {
    pub(super) tree: Tree,
    /// Indexed by a scalar node's `extra`.
    pub(super) scalars: Vec<Written>,
    pub(super) has_aliases: bool,
    /// Whether something follows the document.
    pub(super) more: bool,
}

/// Reads the events of a text that `guard` has passed.
pub(super) fn compose(text: &str, limits: &'static Limits) -> Result<Composed, Fault> {
    let mut parser = Parser::new();
    parser.set_encoding(Encoding::Utf8);
    parser.set_input(Pieces::new(text));
    let mut composer = Composer::new(text, limits);
    loop {
        let event = parser
            .parse()
            .map_err(|error| explain(text, &error, composer.ended))?;
        if matches!(event.data, EventData::StreamEnd) {
            return composer.finish();
        }
        let end = event.end_mark.index;
        composer.take(event)?;
        if composer.ended && limits.only_first {
            composer.more = has_content(&text[offset(text, end)..]);
            return composer.finish();
        }
    }
}

/// Whether there is more than comments and markers, found without asking libyaml, which the guard has not prepared for it.
fn has_content(rest: &str) -> bool {
    rest.lines().any(|line| {
        let line = line
            .strip_prefix("---")
            .or_else(|| line.strip_prefix("..."))
            .unwrap_or(line)
            .trim();
        !line.is_empty() && !line.starts_with('#')
    })
}

/// Collects nodes, in the order of libyaml's events.
pub(super) struct Composer<'a> {
    text: &'a str,
    limits: &'static Limits,
    tree: Tree,
    scalars: Vec<Written>,
    anchors: HashMap<String, u32>,
    has_aliases: bool,
    more: bool,
    /// Sequences and mappings that have not ended.
    open: Vec<u32>,
    /// Where the last content ended.
    end: u32,
    documents: usize,
    /// Whether one of them has ended.
    ended: bool,
}

impl<'a> Composer<'a> {
    pub(super) fn new(text: &'a str, limits: &'static Limits) -> Self {
        Self {
            text,
            limits,
            // About what a manifest needs; a large one may grow.
            tree: Tree {
                nodes: Vec::with_capacity((text.len() / 12).min(4096)),
            },
            scalars: Vec::with_capacity((text.len() / 16).min(4096)),
            anchors: HashMap::new(),
            has_aliases: false,
            more: false,
            open: Vec::new(),
            end: 0,
            documents: 0,
            ended: false,
        }
    }

    fn take(&mut self, event: Event) -> Result<(), Fault> {
        let (start, end) = (
            self.offset(event.start_mark.index),
            self.offset(event.end_mark.index),
        );
        match event.data {
            EventData::DocumentStart {
                version_directive, ..
            } => {
                self.documents += 1;
                if self.documents > 1 {
                    return fault(BEHIND_THE_END, start);
                }
                if version_directive.is_some_and(|version| (version.major, version.minor) != (1, 1))
                {
                    return fault("kubectl reads YAML 1.1 only", start);
                }
            }
            EventData::Alias { anchor } => self.alias(&anchor, start, end)?,
            EventData::Scalar {
                anchor,
                tag,
                value,
                plain_implicit,
                style,
                ..
            } => {
                let text = Written {
                    text: value,
                    tag,
                    implicit: plain_implicit,
                };
                self.scalar(anchor, text, style, start, end)?;
            }
            EventData::SequenceStart {
                anchor, tag, style, ..
            } => {
                let kind = if style == SequenceStyle::Flow {
                    Kind::FlowSequence
                } else {
                    Kind::BlockSequence
                };
                self.begin(anchor, tag.is_some(), kind, start)?;
            }
            EventData::MappingStart {
                anchor, tag, style, ..
            } => {
                let kind = if style == MappingStyle::Flow {
                    Kind::FlowMapping
                } else {
                    Kind::BlockMapping
                };
                self.begin(anchor, tag.is_some(), kind, start)?;
            }
            EventData::SequenceEnd | EventData::MappingEnd => self.finish_open(end),
            EventData::DocumentEnd { .. } => self.ended = true,
            EventData::StreamStart { .. } | EventData::StreamEnd => {}
        }
        Ok(())
    }

    pub(super) fn scalar(
        &mut self,
        anchor: Option<String>,
        scalar: Written,
        style: ScalarStyle,
        start: u32,
        end: u32,
    ) -> Result<(), Fault> {
        let in_flow = self
            .open
            .last()
            .is_some_and(|open| self.tree.nodes[*open as usize].kind.is_flow());
        if scalar.tag.is_some() && !self.limits.tags {
            return fault(TAGGED, start);
        }
        let kind = match style {
            ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => Kind::Quoted,
            ScalarStyle::Literal | ScalarStyle::Folded => Kind::BlockScalar,
            _ => Kind::Plain,
        };
        if in_flow && kind == Kind::Plain && scalar.text.contains('?') {
            return fault(
                "kubectl does not read a question mark without quotes in flow style",
                start,
            );
        }
        let end = if kind == Kind::BlockScalar {
            self.block_scalar_end(start, end)
        } else {
            end
        };
        let properties = anchor.is_some() || scalar.tag.is_some();
        let number = self.add(kind, properties, start, end)?;
        self.anchor(anchor, number);
        self.tree.nodes[number as usize].extra = count(self.scalars.len());
        self.scalars.push(scalar);
        self.end = end;
        Ok(())
    }

    fn alias(&mut self, name: &str, start: u32, end: u32) -> Result<(), Fault> {
        if !self.limits.aliases {
            return fault("an alias: write the value itself", start);
        }
        let Some(target) = self.anchors.get(name).copied() else {
            return fault("an alias to an anchor that is not there", start);
        };
        if self.open.contains(&target) {
            return fault("an anchor that contains itself", start);
        }
        let number = self.add(Kind::Alias, false, start, end)?;
        self.tree.nodes[number as usize].extra = target;
        self.has_aliases = true;
        self.end = end;
        Ok(())
    }

    pub(super) fn begin(
        &mut self,
        anchor: Option<String>,
        tagged: bool,
        kind: Kind,
        start: u32,
    ) -> Result<(), Fault> {
        if self.open.len() >= self.limits.depth.most {
            return fault(self.limits.depth.exceeded, start);
        }
        if tagged && !self.limits.tags {
            return fault(TAGGED, start);
        }
        let number = self.add(kind, anchor.is_some() || tagged, start, start)?;
        self.anchor(anchor, number);
        self.open.push(number);
        Ok(())
    }

    pub(super) fn finish_open(&mut self, end: u32) {
        let Some(number) = self.open.pop() else {
            return;
        };
        let next = count(self.tree.nodes.len());
        let node = &mut self.tree.nodes[number as usize];
        node.next = next;
        // A block ends where its last content does; libyaml would give the next token's place.
        if node.kind.is_flow() {
            self.end = end;
        }
        node.end = self.end.max(node.start);
    }

    fn add(&mut self, kind: Kind, properties: bool, start: u32, end: u32) -> Result<u32, Fault> {
        if self.tree.nodes.len() >= self.limits.nodes.most {
            return fault(self.limits.nodes.exceeded, start);
        }
        let number = count(self.tree.nodes.len());
        self.tree.nodes.push(Node {
            kind,
            properties,
            start,
            end,
            next: number + 1,
            extra: 0,
        });
        Ok(number)
    }

    fn anchor(&mut self, name: Option<String>, number: u32) {
        if let Some(name) = name {
            self.anchors.insert(name, number);
        }
    }

    /// Without the blank lines behind the text, unless the header (`|+`) keeps them; without the last line's end.
    fn block_scalar_end(&self, start: u32, end: u32) -> u32 {
        let written = self
            .text
            .get(start as usize..end as usize)
            .unwrap_or_default();
        let header = written.lines().next().unwrap_or_default();
        let indicators = header.split('#').next().unwrap_or_default();
        let kept = if indicators.contains('+') {
            written
                .strip_suffix('\n')
                .map_or(written, |line| line.strip_suffix('\r').unwrap_or(line))
        } else {
            written.trim_end()
        };
        start + count(kept.len())
    }

    pub(super) fn finish(mut self) -> Result<Composed, Fault> {
        if self.tree.nodes.is_empty() {
            self.scalars.push(Written {
                implicit: true,
                ..Written::default()
            });
            self.add(Kind::Plain, false, 0, 0)?;
        }
        Ok(Composed {
            tree: self.tree,
            scalars: self.scalars,
            has_aliases: self.has_aliases,
            more: self.more,
        })
    }

    fn offset(&self, index: u64) -> u32 {
        count(offset(self.text, index))
    }
}

/// libyaml counts bytes, and a line end more than there is where `Pieces` added one.
pub(super) fn offset(text: &str, index: u64) -> usize {
    usize::try_from(index).unwrap_or(usize::MAX).min(text.len())
}

/// What libyaml says, in words for people. `ended`: it is about something behind the document.
pub(super) fn explain(text: &str, error: &libyaml_safer::Error, ended: bool) -> Fault {
    if error.kind() == ErrorKind::Reader {
        return Fault {
            message: "a control character, which YAML does not allow",
            offset: text.find(is_forbidden).unwrap_or(0),
        };
    }
    // Of a key without a colon, the key's place says more than the line below it.
    let mark = match error.problem() {
        "could not find expected ':'" => error.context_mark(),
        _ => error.problem_mark(),
    };
    let offset = mark.map_or(0, |mark| offset(text, mark.index));
    let at_tab = text[offset..].starts_with('\t');
    let message = match error.problem() {
        _ if ended => BEHIND_THE_END,
        "found a tab character that violates indentation" => INDENTING_TAB,
        "found character that cannot start any token" if at_tab => INDENTING_TAB,
        "found character that cannot start any token" => {
            "a character that may only begin a value in quotes"
        }
        "could not find expected ':'" => "a key without a colon",
        other => other,
    };
    Fault { message, offset }
}

/// A number that the limits keep within 32 bits.
fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn fault<T>(message: &'static str, offset: u32) -> Result<T, Fault> {
    Err(Fault {
        message,
        offset: offset as usize,
    })
}

/// What libyaml's reader refuses.
fn is_forbidden(character: char) -> bool {
    matches!(character,
        '\0'..='\x08' | '\x0B' | '\x0C' | '\x0E'..='\x1F' | '\x7F'..='\u{84}' | '\u{86}'..='\u{9F}' | '\u{FFFE}' | '\u{FFFF}')
}
