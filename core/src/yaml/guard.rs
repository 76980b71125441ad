//! Refuses, before libyaml sees them, the few texts that it cannot be trusted with.

use libyaml_safer::{Encoding, Scanner, TokenData};

use super::compose::{explain, offset};
use super::pieces::Pieces;
use super::{Fault, Limits};

/// Refuses a text that is too long, has a byte order mark inside, or would make the scanner panic.
pub(super) fn check(text: &str, limits: &Limits) -> Result<(), Fault> {
    if text.len() > limits.bytes.most {
        return Err(Fault {
            message: limits.bytes.exceeded,
            offset: 0,
        });
    }
    // Goyaml.v2 takes it for text, libyaml for nothing.
    let breaks = ['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}'];
    let mut marks = text.match_indices('\u{feff}').map(|(offset, _)| offset);
    if let Some(offset) = marks.find(|offset| text[..*offset].ends_with(breaks)) {
        return Err(Fault {
            message: "a byte order mark inside a document",
            offset,
        });
    }
    let spots = suspicious(text);
    if spots.is_empty() {
        return Ok(());
    }
    tag_before_comma(text, &spots, limits)
}

/// A tag in flow style with a comma right behind it, which is an error in libyaml and a panic in its port.
///
/// Most such spots are prose inside a string. So each `!` is replaced by a letter (every offset stays) and the text
/// scanned: where a scalar now begins at that very place, there was a tag.
fn tag_before_comma(text: &str, spots: &[usize], limits: &Limits) -> Result<(), Fault> {
    let mut harmless = text.as_bytes().to_vec();
    for spot in spots {
        harmless[*spot] = b'x';
    }
    let harmless = String::from_utf8(harmless).unwrap_or_default();
    let mut scanner = Scanner::new();
    scanner.set_encoding(Encoding::Utf8);
    scanner.set_input(Pieces::new(&harmless));
    let mut begun = false;
    for token in scanner {
        let token = token.map_err(|error| explain(text, &error, false))?;
        match token.data {
            TokenData::DocumentStart | TokenData::DocumentEnd if begun && limits.only_first => {
                break;
            }
            TokenData::StreamStart { .. }
            | TokenData::VersionDirective { .. }
            | TokenData::TagDirective { .. } => {}
            _ => begun = true,
        }
        let offset = offset(text, token.start_mark.index);
        if matches!(token.data, TokenData::Scalar { .. }) && spots.binary_search(&offset).is_ok() {
            let message = "a tag must be followed by a space";
            return Err(Fault { message, offset });
        }
    }
    Ok(())
}

/// The offsets of every `!` that only characters of a tag separate from a comma.
fn suspicious(text: &str) -> Vec<usize> {
    let bytes = text.as_bytes();
    let in_tag =
        |byte: &u8| byte.is_ascii_alphanumeric() || b"-_;/?:@&=+$.%!~*'()#[]".contains(byte);
    let mut spots = Vec::new();
    for (offset, _) in text.match_indices('!') {
        let rest = &bytes[offset..];
        let length = if rest.starts_with(b"!<") {
            let inside = |byte: &&u8| **byte != b'>' && !byte.is_ascii_whitespace();
            rest.iter().take_while(inside).count() + 1
        } else {
            rest.iter().take_while(|byte| in_tag(byte)).count()
        };
        if rest.get(length) == Some(&b',') {
            spots.push(offset);
        }
    }
    spots
}
