//! Characters outside of ASCII, and bytes that are none: which look like ASCII, and which of those may hide a value.

use super::{ESCAPE_LEN, Escape, Kind, Unit};
use crate::decode::fold::{fold, lone};

/// How far from a letter the `@` of its address is looked for.
pub(super) const NEAR: usize = ESCAPE_LEN - 4;

/// Whether [`unit`] must be asked about what begins with a byte that is no ASCII: most are letters that nothing is known
/// of, or bytes of what is no text.
pub(super) fn is_asked_about(text: &[u8], at: usize) -> bool {
    let (before, rest) = text.split_at_checked(at).unwrap_or((text, &[]));
    match rest {
        [0xc2, next, ..] => matches!(next, 0xa0 | 0xad | 0xb2 | 0xb3 | 0xb7 | 0xb9),
        [0xc3..=0xc9, _, behind @ ..] => {
            // What stands before the text is not known.
            let is_begun = before.len() < NEAR && before.iter().all(is_of_address);
            is_begun || in_address(before, behind, false) != Some(false)
        }
        [0xd8, next, ..] => *next == 0x9c,
        [0xd9, next, ..] => matches!(next, 0xa0..=0xa9),
        [0xdb, next, ..] => matches!(next, 0xb0..=0xb9),
        [0xdf, next, ..] => matches!(next, 0x80..=0x89),
        [0xda | 0xdc..=0xde, _, ..] => false,
        // Kana; more syllables of Hangul.
        [0xe3, 0x81..=0x83, ..] | [0xea, 0xb0..=0xff, ..] => false,
        _ => !is_covered(text, at),
    }
}

/// Whether the byte at `at` is one of a character that begins before it.
fn is_covered(text: &[u8], at: usize) -> bool {
    let is_inner = |at: usize| text.get(at).is_some_and(|byte| byte & 0xc0 == 0x80);
    let lead = (1..=3).map_while(|back| at.checked_sub(back)).find(|at| !is_inner(*at));
    let Some(lead) = lead.filter(|_| is_inner(at)) else { return false };
    let rest = text.get(lead..).unwrap_or_default();
    character(rest).is_some_and(|character| lead + character.len_utf8() > at)
}

/// A character outside ASCII, or a byte that is none.
pub(super) fn unit(rest: &[u8], before: &[u8], last: bool) -> Unit {
    let first = rest.first().copied().unwrap_or_default();
    let length = length(first);
    if let Some(character) = character(rest) {
        let code = u32::from(character);
        let behind = rest.get(length..).unwrap_or_default();
        return match fold(code) {
            Some(_) => look_alike(Escape::of(Kind::LookAlike, length, code), first, before, behind, last),
            None if is_latin(code) => match in_address(before, behind, last) {
                Some(true) => {
                    // Which letter it is taken for matters to nobody but those who count different addresses.
                    let letter = b"abcdefghijklmnopqrstuvwxyz".get(code as usize % 26).copied();
                    Unit::Escape(Escape::byte(Kind::LookAlike, length, letter.unwrap_or(b'x')))
                }
                Some(false) => Unit::Literal(length),
                None => Unit::Open,
            },
            None => Unit::Literal(length),
        };
    }
    if !last && is_cut(rest) {
        return Unit::Open;
    }
    let escape = match lone(first) {
        Some(Some(byte)) => Escape::byte(Kind::LookAlike, 1, byte),
        Some(None) => Escape::nothing(Kind::LookAlike, 1),
        None => return Unit::Literal(1),
    };
    // It stands between parts of a value, or is a byte of what is no text.
    let is_text = |byte: u8| is_part(byte) || lone(byte).is_some();
    match (before.last(), rest.get(1)) {
        (_, None) if !last => Unit::Open,
        (earlier, later) if [earlier, later].iter().all(|byte| byte.is_none_or(|byte| is_text(*byte))) => {
            Unit::Escape(escape)
        }
        _ => Unit::Literal(1),
    }
}

/// What looks like ASCII or like nothing. Where letters of another script are on both sides of it, it hides no value.
fn look_alike(escape: Escape, first: u8, before: &[u8], behind: &[u8], last: bool) -> Unit {
    // An accent on a letter is everyday.
    let is_accent = matches!(first, 0xcc | 0xcd) && !before.last().is_some_and(u8::is_ascii_digit);
    let is_foreign = match (escape.out(), before.last()) {
        ([b'0'..=b'9' | b'@', ..], _) | (_, None | Some(0..=0x7f)) => false,
        _ => match behind.first() {
            None if !last => return Unit::Open,
            None | Some(0..=0x7f) => false,
            Some(_) => match character(behind) {
                Some(next) => fold(u32::from(next)).is_none(),
                None if !last && is_cut(behind) => return Unit::Open,
                None => true,
            },
        },
    };
    // Punctuation of other scripts has wide twins, too, which hide nothing.
    let telling = escape.out().iter().all(|byte| is_part(*byte)) && !is_accent && !is_foreign;
    Unit::Escape(Escape { telling, ..escape })
}

/// Whether values are written with it.
fn is_part(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'@' | b'.' | b'-' | b' ' | b'/' | b'_')
}

/// How many bytes a character takes that begins so.
fn length(first: u8) -> usize {
    match first {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => 1,
    }
}

/// The character that `text` begins with.
fn character(text: &[u8]) -> Option<char> {
    let sequence = text.get(..length(*text.first()?))?;
    std::str::from_utf8(sequence).ok()?.chars().next()
}

/// Whether it may begin with one of which not all has come.
fn is_cut(text: &[u8]) -> bool {
    let is_short = text.first().is_some_and(|first| text.len() < length(*first));
    is_short && text.iter().skip(1).all(|byte| byte & 0xc0 == 0x80)
}

/// A letter of Latin with something on it.
fn is_latin(code: u32) -> bool {
    matches!(code, 0xc0..=0x24f) && !matches!(code, 0xd7 | 0xf7)
}

/// Whether such a letter between these stands in a mail address: an `@` is near, and nothing but letters of an address
/// between. `None`: what follows tells.
fn in_address(before: &[u8], behind: &[u8], last: bool) -> Option<bool> {
    let earlier = before.iter().rev().take(NEAR).find(|byte| !is_of_address(byte));
    if earlier == Some(&b'@') {
        return Some(true);
    }
    match behind.iter().take(NEAR).find(|byte| !is_of_address(byte)) {
        Some(byte) => Some(*byte == b'@'),
        None if behind.len() < NEAR && !last => None,
        None => Some(false),
    }
}

/// Whether mail addresses are written with it.
fn is_of_address(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'+' | b'-' | 0x80..=0xbf | 0xc3..=0xc9)
}

#[cfg(test)]
mod tests {
    use super::super::{Active, kinds};
    use super::*;
    use proptest::prelude::*;

    /// The same by asking about all of them.
    fn asked(text: &[u8]) -> Vec<usize> {
        let (mut at, mut places) = (0, Vec::new());
        while at < text.len() {
            match text[at].is_ascii() {
                true => at += 1,
                false => match unit(&text[at..], &text[..at], true) {
                    Unit::Literal(length) => at += length,
                    Unit::Escape(escape) => {
                        places.push(at);
                        at += escape.len;
                    }
                    Unit::Open => panic!("nothing follows"),
                },
            }
        }
        places
    }

    fn found(text: &[u8]) -> Vec<usize> {
        let (mut active, mut at, mut places) = (Active::new(kinds::plain), 0, Vec::new());
        loop {
            at = active.next(text, at, true);
            if at == text.len() {
                return places;
            }
            at += match unit(&text[at..], &text[..at], true) {
                Unit::Escape(escape) => {
                    places.push(at);
                    escape.len
                }
                Unit::Literal(length) => length,
                Unit::Open => panic!("nothing follows"),
            };
        }
    }

    #[test]
    fn no_character_is_passed_over_that_looks_like_another() {
        for code in (0x80..=0x10_ffff).filter_map(char::from_u32) {
            for text in [format!("4{code}5"), format!("{code}"), format!("{:40}{code}{code}{:40}", 'é', '中')]
            {
                let text = text.into_bytes();
                assert_eq!(found(&text), asked(&text), "{code:?}");
            }
        }
    }

    #[test]
    fn what_hides_nothing_opens_nothing() {
        let telling = |text: &[u8]| {
            let at = Some(Active::new(kinds::plain).next(text, 0, true)).filter(|at| *at < text.len())?;
            match unit(&text[at..], &text[..at], true) {
                Unit::Escape(escape) => Some(escape.telling),
                Unit::Literal(_) | Unit::Open => None,
            }
        };
        let cases: [(&[u8], Option<bool>); 14] = [
            ("4\u{a0}5".as_bytes(), Some(true)),
            ("中\u{a0}5".as_bytes(), Some(true)),
            ("5\u{3002}中".as_bytes(), Some(true)),
            ("中\u{3002}文".as_bytes(), Some(false)),
            ("中\u{3002}\u{ff14}".as_bytes(), Some(true)),
            ("中\u{ff14}文".as_bytes(), Some(true)),
            ("م\u{200c}ی".as_bytes(), Some(false)),
            (b"4\xa05", Some(true)),
            (b"e\xa0:", None),
            (b"4\xa0\xa05", Some(true)),
            (b"\xa05", Some(true)),
            (b"\xe9\xa05", None),
            (b"5\xa0\xe9", None),
            (b"5\xe9\xe95", None),
        ];
        for (text, expected) in cases {
            assert_eq!(telling(text), expected, "{}", text.escape_ascii());
        }
    }

    proptest! {
        #[test]
        fn no_byte_is_passed_over_that_is_to_be_asked_about(
            text in prop::collection::vec(prop_oneof![
                4 => any::<u8>(), 2 => 0x80u8..=0xbf, 2 => 0xc2u8..=0xf4, 1 => Just(b'@'), 1 => Just(b'a'), 1 => Just(0xa0),
            ], 0..120),
        ) {
            prop_assert_eq!(found(&text), asked(&text));
        }
    }
}
