//! The few text forms that records are made of: JSON strings and numbers, lower-case hexadecimal.

use crate::audit::chain::Hash;
use crate::flow::hex_byte;

/// Appends `text` as a JSON string. Beyond what JSON asks, every control character and every character that turns
/// the direction of text is escaped, so that a record can be shown on a terminal as it is.
pub(super) fn push_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    push_escaped(out, text);
    out.push(b'"');
}

/// As [`push_string`], cut after `limit` bytes with a mark.
pub(super) fn push_string_within(out: &mut Vec<u8>, text: &str, limit: usize) {
    if text.len() <= limit {
        return push_string(out, text);
    }
    out.push(b'"');
    let cut = (0..=limit).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
    push_escaped(out, text.get(..cut).unwrap_or_default());
    out.extend_from_slice("…\"".as_bytes());
}

/// Whether a text stands in a JSON string as it is: printable ASCII without quotes and backslashes. Eight bytes at a
/// time, as most texts are too short for more.
fn is_plain(text: &[u8]) -> bool {
    const EACH: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    // In each high bit whether its byte is none of these; a borrow can only make a byte above a bad one seem bad, too.
    let bad = |word: u64| {
        let less = |limit: u8| word.wrapping_sub(EACH * u64::from(limit)) & !word;
        let is = |byte: u8| {
            let rest = word ^ (EACH * u64::from(byte));
            rest.wrapping_sub(EACH) & !rest
        };
        (word | less(0x20) | is(b'"') | is(b'\\') | is(0x7f)) & HIGH
    };
    // The last eight may have been looked at in part.
    let Some(last) = text.last_chunk() else {
        return text.iter().all(|byte| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\'));
    };
    let words = text.as_chunks().0.iter();
    words.fold(bad(u64::from_le_bytes(*last)), |seen, word| seen | bad(u64::from_le_bytes(*word))) == 0
}

fn push_escaped(out: &mut Vec<u8>, text: &str) {
    if is_plain(text.as_bytes()) {
        return out.extend_from_slice(text.as_bytes());
    }
    let mut buffer = [0; 4];
    for c in text.chars() {
        match c {
            '"' => out.extend_from_slice(b"\\\""),
            '\\' => out.extend_from_slice(b"\\\\"),
            '\n' => out.extend_from_slice(b"\\n"),
            '\r' => out.extend_from_slice(b"\\r"),
            '\t' => out.extend_from_slice(b"\\t"),
            c if is_unsafe_to_show(c) => push_unicode_escape(out, c),
            c => out.extend_from_slice(c.encode_utf8(&mut buffer).as_bytes()),
        }
    }
}

/// Control characters (C0, DEL, C1), line separators, and the marks that reorder text (Unicode TR 9, section 2).
/// All are in the basic plane: one escape each.
fn is_unsafe_to_show(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn push_unicode_escape(out: &mut Vec<u8>, c: char) {
    let code = u32::from(c);
    out.extend_from_slice(b"\\u");
    push_hex(out, &[(code >> 8) as u8, code as u8]);
}

/// Appends a JSON value with the same care for characters as [`push_string`].
pub(super) fn push_value(out: &mut Vec<u8>, value: &serde_json::Value) {
    match value {
        serde_json::Value::Null => out.extend_from_slice(b"null"),
        serde_json::Value::Bool(true) => out.extend_from_slice(b"true"),
        serde_json::Value::Bool(false) => out.extend_from_slice(b"false"),
        serde_json::Value::Number(number) => out.extend_from_slice(number.to_string().as_bytes()),
        serde_json::Value::String(text) => push_string(out, text),
        serde_json::Value::Array(items) => {
            out.push(b'[');
            for item in items {
                push_comma(out);
                push_value(out, item);
            }
            out.push(b']');
        }
        serde_json::Value::Object(map) => {
            out.push(b'{');
            for (name, value) in map {
                push_comma(out);
                push_string(out, name);
                out.push(b':');
                push_value(out, value);
            }
            out.push(b'}');
        }
    }
}

/// A comma, unless something was just opened.
pub(super) fn push_comma(out: &mut Vec<u8>) {
    if !matches!(out.last(), None | Some(b'{' | b'[')) {
        out.push(b',');
    }
}

/// Appends a decimal number.
pub(super) fn push_number(out: &mut Vec<u8>, number: u64) {
    if number < 10 {
        // Most numbers of a record are none, or a few microseconds.
        return out.push(b'0' + number as u8);
    }
    let mut digits = [b'0'; 20];
    let (mut rest, mut used) = (number, 0);
    for place in digits.iter_mut().rev() {
        *place = b'0' + (rest % 10) as u8;
        (rest, used) = (rest / 10, used + 1);
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(digits.get(digits.len() - used..).unwrap_or_default());
}

/// Appends `bytes` as lower-case hexadecimal.
pub(super) fn push_hex(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend(bytes.iter().flat_map(|b| hex_byte(*b)));
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().flat_map(|b| hex_byte(*b)).map(char::from).collect()
}

/// A hash as it stands in a record.
pub(super) fn hex_hash(hash: &Hash) -> [u8; 64] {
    let mut out = [0; 64];
    for (to, byte) in out.as_chunks_mut::<2>().0.iter_mut().zip(hash) {
        *to = hex_byte(*byte);
    }
    out
}

/// Reads lower-case hexadecimal of exactly `N` bytes. Upper case is refused: one value has one spelling, else a
/// changed bit could go unseen.
pub(super) fn from_hex<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    let (pairs, rest) = text.as_chunks::<2>();
    if pairs.len() != N || !rest.is_empty() {
        return None;
    }
    let mut out = [0; N];
    for (to, [high, low]) in out.iter_mut().zip(pairs) {
        *to = nibble(*high)? << 4 | nibble(*low)?;
    }
    Some(out)
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn string(text: &str) -> String {
        let mut out = Vec::new();
        push_string(&mut out, text);
        String::from_utf8(out).unwrap()
    }

    proptest! {
        #[test]
        fn strings_come_back(text in any::<String>()) {
            prop_assert_eq!(serde_json::from_str::<String>(&string(&text)).unwrap(), text);
        }

        #[test]
        fn numbers_and_hex_come_back(number in any::<u64>(), bytes in any::<[u8; 32]>()) {
            let mut out = Vec::new();
            push_number(&mut out, number);
            prop_assert_eq!(String::from_utf8(out).unwrap(), number.to_string());
            prop_assert_eq!(from_hex::<32>(hex(&bytes).as_bytes()), Some(bytes));
            let text = hex(&bytes);
            prop_assert_eq!(&hex_hash(&bytes)[..], text.as_bytes());
        }

        #[test]
        fn a_cut_string_is_still_a_string(text in "\\PC{0,40}", limit in 0usize..40) {
            let mut out = Vec::new();
            push_string_within(&mut out, &text, limit);
            let back: String = serde_json::from_slice(&out).unwrap();
            prop_assert!(back == text || (text.len() > limit && text.starts_with(back.trim_end_matches('…'))));
        }
    }

    #[test]
    fn plain_is_what_needs_no_escape() {
        for byte in 0..=u8::MAX {
            let plain = matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\');
            for length in 1..20 {
                for at in 0..length {
                    let mut text = vec![b'x'; length];
                    text[at] = byte;
                    assert_eq!(is_plain(&text), plain, "{byte:#x} at {at} of {length}");
                }
            }
        }
        assert!(is_plain(b""));
    }

    #[test]
    fn nothing_that_steers_a_terminal_or_turns_text_is_written_as_it_is() {
        let shown = string("a\u{1b}[2J\u{7f}\u{9b}\u{202e}\u{2066}\u{2028}é\"\\\n");
        assert_eq!(shown, "\"a\\u001b[2J\\u007f\\u009b\\u202e\\u2066\\u2028é\\\"\\\\\\n\"");
    }

    #[test]
    fn hex_has_one_spelling() {
        assert_eq!(from_hex::<1>(b"af"), Some([0xaf]));
        for bad in ["aF", "a", "af0", "ag", ""] {
            assert_eq!(from_hex::<1>(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn values_keep_their_shape() {
        let value = serde_json::json!({"a": [1, -2.5, true, null, "x\u{9b}"], "b": {}, "c": []});
        let mut out = Vec::new();
        push_value(&mut out, &value);
        assert_eq!(serde_json::from_slice::<serde_json::Value>(&out).unwrap(), value);
        assert!(out.is_ascii());
    }
}
