//! Whether what stands around an escape is written at all: in bytes that are no text escapes are chance, and hide nothing.

use super::fold::lone;

/// So much has to be written around an escape: the shortest address has as many characters beside its `@`.
pub(super) const LEAST: usize = 5;
/// The same around what looks like something else, of which bytes that are no text hold many: it stands amid groups of digits.
pub(super) const LEAST_ALIKE: usize = 10;

/// So many bytes before something are asked about.
pub(super) const REACH: usize = LEAST_ALIKE + 3;

/// Whether at least so many bytes in a row are written right before and right behind something, or the text begins or ends
/// with them. `None`: what follows tells.
pub(super) fn is_written(before: &[u8], behind: &[u8], least: usize, last: bool) -> Option<bool> {
    let earlier = written_before(before, least);
    if earlier >= least.min(before.len()) {
        return Some(true);
    }
    let later = written_behind(behind, least - earlier);
    if earlier + later >= least {
        return Some(true);
    }
    // The last character may not be whole yet.
    match behind.len() - later {
        ..=3 if !last => None,
        left => Some(left == 0),
    }
}

/// How many bytes at the end are written, of so many that are asked about and few more.
fn written_before(text: &[u8], most: usize) -> usize {
    let mut count = 0;
    while count < most {
        let rest = text.get(..text.len().saturating_sub(count)).unwrap_or_default();
        let length = match rest {
            [.., byte] if byte.is_ascii() => usize::from(is_plain(*byte)),
            // The last byte of a character may be one by itself, too.
            [.., byte] => {
                let character = (2..=4).find(|length| is_character(rest, *length));
                character.unwrap_or(usize::from(lone(*byte).is_some()))
            }
            [] => 0,
        };
        if length == 0 {
            break;
        }
        count += length;
    }
    count
}

/// The same at the beginning.
fn written_behind(text: &[u8], most: usize) -> usize {
    let mut count = 0;
    while count < most {
        let rest = text.get(count..).unwrap_or_default();
        let length = match rest {
            [byte, ..] if is_plain(*byte) => 1,
            [byte, ..] if !byte.is_ascii() => {
                let of = |length: &usize| rest.get(..*length).is_some_and(|text| is_character(text, *length));
                (2..=4).find(of).unwrap_or_default()
            }
            _ => 0,
        };
        if length == 0 {
            break;
        }
        count += length;
    }
    count
}

/// What a line of text is written with, byte by byte.
fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'~' | b'\t' | b'\n' | b'\r') || lone(byte).is_some()
}

/// Whether the last so many bytes are one character.
fn is_character(text: &[u8], length: usize) -> bool {
    let last = text.len().checked_sub(length).and_then(|from| text.get(from..));
    let last = last.filter(|last| !last.is_ascii()).and_then(|last| std::str::from_utf8(last).ok());
    last.is_some_and(|last| last.chars().count() == 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_stands_amid_signs_is_told_from_what_stands_amid_bytes() {
        let cases: [(&[u8], &[u8], Option<bool>); 15] = [
            (b"\x01\x02a", b"b.cd\x00\x00\x00", Some(true)),
            (b"\x01\x02a", b"b.c\x00\x00\x00\x00", Some(false)),
            (b"\x01\x02a", b"b.c", None),
            (b"\x01\x02a", b"b.c\x00", None),
            (b"\x01\x02name:", b"", Some(true)),
            (b"name", b"\x00\x00\x00\x00", Some(true)),
            (b"", b"\x00\x00\x00\x00", Some(true)),
            (b"\x00\x00", b"\x00\x00\x00\x00", Some(false)),
            ("\0жи".as_bytes(), b"1\x00\x00\x00\x00", Some(true)),
            ("\0ж".as_bytes(), "é1\0\0\0\0".as_bytes(), Some(true)),
            (b"\xd0\xd0\xb6", b"1\x00\x00\x00\x00", Some(false)),
            (b"\x00caf\xe9", b"12\x00\x00\x00\x00", Some(false)),
            (b"\x0012\xa03", b"4\x00\x00\x00\x00", Some(true)),
            ("\0a\u{a0}\u{a0}".as_bytes(), b"\x00\x00\x00\x00", Some(true)),
            (b"\x00\r\n", b"\t12\x00\x00\x00\x00", Some(true)),
        ];
        for (before, behind, expected) in cases {
            let said = is_written(before, behind, LEAST, false);
            assert_eq!(said, expected, "{} | {}", before.escape_ascii(), behind.escape_ascii());
        }
        for (behind, expected) in [(&b"b.c"[..], true), (b"b\x00", false), (b"\xc3", false)] {
            assert_eq!(
                is_written(b"\x01a", behind, LEAST, true),
                Some(expected),
                "{}",
                behind.escape_ascii()
            );
        }
    }

    proptest! {
        #[test]
        fn what_is_told_of_a_part_holds_for_the_whole(
            before in prop::collection::vec(prop_oneof![3 => b' '..=b'~', 1 => any::<u8>()], 0..40),
            behind in prop::collection::vec(prop_oneof![3 => b' '..=b'~', 1 => any::<u8>()], 0..20),
            least in prop_oneof![Just(LEAST), Just(LEAST_ALIKE)],
        ) {
            let whole = is_written(&before, &behind, least, true);
            for shown in 0..=behind.len() {
                if let Some(said) = is_written(&before, &behind[..shown], least, false) {
                    prop_assert_eq!(Some(said), whole, "{}", shown);
                }
            }
            let near = before.len().saturating_sub(REACH);
            if near > 0 {
                prop_assert_eq!(is_written(&before[near..], &behind, least, true), whole);
            }
        }
    }
}
