//! Refuses, before libyaml sees them, the few texts that it cannot be trusted with.

use libyaml_safer::{Scanner, TokenData};

use super::Fault;
use super::pieces::Pieces;

/// Refuses a text that is too long, has a byte order mark inside, or would make the scanner panic.
pub(super) fn check(text: &str) -> Result<(), Fault> {
    if text.len() > super::MAX_BYTES {
        return Err(Fault {
            message: "more than 64 MiB in one document",
            offset: 0,
        });
    }
    if let Some(offset) = text.find("\n\u{feff}") {
        return Err(Fault {
            message: "a byte order mark inside a document",
            offset: offset + 1,
        });
    }
    match tag_before_comma(text) {
        Some(offset) => Err(Fault {
            message: "a tag must be followed by a space",
            offset,
        }),
        None => Ok(()),
    }
}

/// A tag in flow style with a comma right behind it, which is an error in libyaml and a panic in its port.
///
/// Most such spots are prose inside a string. So each `!` is replaced by a letter (every offset stays) and the text
/// scanned: where a scalar now begins at that very place, there was a tag.
fn tag_before_comma(text: &str) -> Option<usize> {
    let spots = suspicious(text);
    if spots.is_empty() {
        return None;
    }
    let mut harmless = text.as_bytes().to_vec();
    for spot in &spots {
        harmless[*spot] = b'x';
    }
    let harmless = String::from_utf8(harmless).ok()?;
    let mut scanner = Scanner::new();
    scanner.set_input(Pieces::new(&harmless));
    // An error ends the search: libyaml stops there too, and says what is wrong.
    for token in scanner.map_while(Result::ok) {
        let start = usize::try_from(token.start_mark.index).ok()?;
        if matches!(token.data, TokenData::Scalar { .. }) && spots.binary_search(&start).is_ok() {
            return Some(start);
        }
    }
    None
}

/// The offsets of every `!` that only characters of a tag separate from a comma.
fn suspicious(text: &str) -> Vec<usize> {
    let bytes = text.as_bytes();
    let in_tag =
        |byte: &u8| byte.is_ascii_alphanumeric() || b"-_;/?:@&=+$.%!~*'()#<>[]".contains(byte);
    let mut spots = Vec::new();
    for (offset, _) in bytes.iter().enumerate().filter(|(_, byte)| **byte == b'!') {
        let rest = &bytes[offset..];
        let length = rest.iter().take_while(|byte| in_tag(byte)).count();
        if rest.get(length) == Some(&b',') {
            spots.push(offset);
        }
    }
    spots
}
