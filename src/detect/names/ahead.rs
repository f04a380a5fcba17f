//! What the members behind a value in its object call it: `{"value":"536-90-4399","type":"ssn"}`.

use std::ops::Range;

use crate::limits::{NAME_LEN, NAMES_AHEAD};

/// Last words of the keys of values that others tell what they are.
const VALUES: [&[u8]; 8] =
    [b"value", b"text", b"answer", b"number", b"data", b"content", b"extension", b"string"];

/// Last words of the keys that tell it.
const KINDS: [&[u8]; 10] =
    [b"type", b"name", b"label", b"title", b"key", b"kind", b"field", b"question", b"ref", b"system"];

/// Objects around such a key that are looked into.
const DEPTH: usize = 2;

/// What a member behind the value that holds `at` and stands under `key` calls it.
/// Nothing that begins more than [`NAMES_AHEAD`] bytes behind `at`, or that does not end there, is told.
pub(super) fn of(text: &[u8], at: usize, key: &[u8]) -> Option<Range<usize>> {
    if !is_value(key) {
        return None;
    }
    let text = &text[..text.len().min(at + NAMES_AHEAD)];
    let is_quoted = at.checked_sub(1).is_some_and(|before| text[before] == b'"');
    let mut at = if is_quoted { string(text, at)?.end + 1 } else { at + number(&text[at..]) };
    let mut depth = 0;
    loop {
        at = blank(text, at);
        match text.get(at)? {
            b',' => at += 1,
            b'}' if depth > 0 => {
                depth -= 1;
                at += 1;
            }
            b'"' => {
                let key = string(text, at + 1)?;
                let colon = blank(text, key.end + 1);
                if text.get(colon) != Some(&b':') {
                    return None;
                }
                at = blank(text, colon + 1);
                match text.get(at)? {
                    b'"' => {
                        let told = string(text, at + 1)?;
                        if is_kind(&text[key]) && tells(&text[told.clone()]) {
                            return Some(told);
                        }
                        at = told.end + 1;
                    }
                    b'{' if depth < DEPTH => {
                        depth += 1;
                        at += 1;
                    }
                    b'{' | b'[' => return None,
                    _ => at += text[at..].iter().position(|byte| matches!(byte, b',' | b'}'))?,
                }
            }
            _ => return None,
        }
    }
}

/// Whether a key says that a value follows which others tell the name of.
pub(super) fn is_value(key: &[u8]) -> bool {
    ends_with(key, &VALUES)
}

/// Whether a key is one that tells it.
pub(super) fn is_kind(key: &[u8]) -> bool {
    ends_with(key, &KINDS)
}

/// Whether what a member says is more than the kind of a form's field.
pub(super) fn tells(said: &[u8]) -> bool {
    let general: [&[u8]; 8] =
        [b"text", b"string", b"short_text", b"long_text", b"number", b"input", b"textfield", b"field"];
    !said.is_empty() && said.len() <= NAME_LEN && !general.iter().any(|word| said.eq_ignore_ascii_case(word))
}

/// Whether a key is one of these words or ends with it, as a word of its own or not.
fn ends_with(key: &[u8], words: &[&[u8]]) -> bool {
    words.iter().any(|word| {
        key.len().checked_sub(word.len()).is_some_and(|from| key[from..].eq_ignore_ascii_case(word))
    })
}

/// The rest of the string that goes on at `at`, without escapes.
pub(super) fn string(text: &[u8], at: usize) -> Option<Range<usize>> {
    let length = memchr::memchr3(b'"', b'\\', b'\n', text.get(at..)?)?;
    (text[at + length] == b'"').then_some(at..at + length)
}

fn number(text: &[u8]) -> usize {
    text.iter().take_while(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-')).count()
}

fn blank(text: &[u8], at: usize) -> usize {
    at + text.get(at..).unwrap_or_default().iter().take_while(|byte| byte.is_ascii_whitespace()).count()
}

#[cfg(test)]
mod tests {
    #[test]
    fn members_behind_a_value_tell_what_it_is() {
        for (text, told) in [
            (r#"{"value":"¤7","type":"ssn"}"#, "ssn"),
            (r#"{"value": ¤7, "use": "old", "type": "ssn"}"#, "ssn"),
            (r#"{"text":"¤7","field":{"id":"x","type":"short_text","ref":"bsn"}}"#, "bsn"),
            (r#"{"documentNumber":"¤7","n":1,"documentType":"PASSPORT"}"#, "PASSPORT"),
            (r#"{"value":"¤7","a":{"b":{"c":2}},"label":"SSN"}"#, "SSN"),
            // Of another object, in an array, behind an escape, cut off, and of a key that says more.
            (r#"{"value":"¤7"},{"type":"ssn"}"#, ""),
            (r#"{"value":"¤7","a":["x"],"type":"ssn"}"#, ""),
            (r#"{"value":"¤7 \" x","type":"ssn"}"#, ""),
            (r#"{"value":"¤7","type":"ssn"#, ""),
            (r#"{"amount":"¤7","type":"ssn"}"#, ""),
            (r#"{"value":"¤7","type":"text"}"#, ""),
        ] {
            let at = text.find('¤').unwrap();
            let key = text[..at].rsplit('"').find(|part| part.starts_with(char::is_alphabetic)).unwrap();
            let whole = text.replacen('¤', "", 1);
            let found = super::of(whole.as_bytes(), at, key.as_bytes()).map(|told| whole[told].to_owned());
            assert_eq!(found.unwrap_or_default(), told, "{text}");
        }
    }
}
