//! UTF-16, in either byte order, with a mark or without; and UTF-32, which reads as UTF-16 with a zero beside each character.

use super::escape::{Escape, Kind};
use super::layer::Wrapping;

/// Bytes that tell a text's form when nobody says so.
pub const OPENING: usize = 8;

/// The byte order of a text that is UTF-16 or UTF-32, going by its first bytes and what its head says: the
/// [plain name](super::plain_name) of its charset.
#[must_use]
pub fn recognise(opening: &[u8], charset: Option<&str>) -> Option<Wrapping> {
    let is = |names: &[&str]| charset.is_some_and(|charset| names.contains(&charset));
    let big_endian = match opening {
        [0xff, 0xfe, ..] => false,
        [0xfe, 0xff, ..] | [0, 0, 0xfe, 0xff, ..] => true,
        // Printable ASCII and nothing in turns.
        [a, 0, b, 0, c, 0, d, 0, ..] if [a, b, c, d].into_iter().all(|byte| is_text(*byte)) => false,
        [0, a, 0, b, 0, c, 0, d, ..] if [a, b, c, d].into_iter().all(|byte| is_text(*byte)) => true,
        [a, 0, 0, 0, b, 0, 0, 0, ..] if is_text(*a) && is_text(*b) => false,
        [0, 0, 0, a, 0, 0, 0, b, ..] if is_text(*a) && is_text(*b) => true,
        _ if is(&["utf16le", "ucs2", "iso10646ucs2", "unicode", "csunicode", "utf32le"]) => false,
        // RFC 2781, section 4.3: without a mark it is big-endian.
        _ if is(&["utf16be", "utf16", "unicodefffe", "utf32be", "utf32", "ucs4", "iso10646ucs4"]) => true,
        _ => return None,
    };
    Some(Wrapping::Utf16 { big_endian })
}

fn is_text(byte: u8) -> bool {
    byte.is_ascii_graphic() || matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// The first character of `text` and the bytes that it takes; `None` while they are not all there.
pub(super) fn unit(text: &[u8], big_endian: bool, last: bool) -> Option<(usize, Escape)> {
    let word = |at: usize| {
        let pair = *text.get(at..)?.first_chunk::<2>()?;
        Some(u32::from(if big_endian { u16::from_be_bytes(pair) } else { u16::from_le_bytes(pair) }))
    };
    let high = match word(0) {
        Some(word) => word,
        // Half a character at the very end.
        None if last && !text.is_empty() => {
            return Some((text.len(), Escape::of(Kind::Utf16, text.len(), 0xfffd)));
        }
        None => return None,
    };
    let (length, code) = match (high, word(2)) {
        (_, None) if !last => return None,
        // A character of UTF-32, or one beside a zero that nobody would read.
        (0, Some(code @ (1..0xd800 | 0xe000..=0xffff))) if big_endian => (4, code),
        (1..0xd800 | 0xe000..=0xffff, Some(0)) if !big_endian => (4, high),
        (0xd800..=0xdbff, Some(low @ 0xdc00..=0xdfff)) => {
            (4, 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00))
        }
        (0xd800..=0xdfff, _) => (2, 0xfffd),
        (code, _) => (2, code),
    };
    Some((length, Escape::of(Kind::Utf16, length, code)))
}

/// A masked character in the place of `raw`, and as long.
pub(super) fn written(raw: &[u8], new: u8, wrapping: Wrapping) -> Vec<u8> {
    let big_endian = wrapping == Wrapping::Utf16 { big_endian: true };
    let star = u16::from(new);
    let pair = if big_endian { star.to_be_bytes() } else { star.to_le_bytes() };
    match *raw {
        [0, 0, _, _] if big_endian => return [[0; 2], pair].concat(),
        [_, _, 0, 0] if !big_endian => return [pair, [0; 2]].concat(),
        _ => {}
    }
    pair.into_iter().cycle().take(raw.len()).collect()
}
