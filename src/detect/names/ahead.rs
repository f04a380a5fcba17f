//! What the members behind a value in its object call it: `{"value":"536-90-4399","type":"ssn"}`.

use std::ops::Range;

use crate::limits::{NAME_LEN, NAMES_AHEAD};

/// Last words of the keys of values that others tell what they are.
const VALUES: [&[u8]; 19] = [
    b"value",
    b"text",
    b"answer",
    b"number",
    b"data",
    b"content",
    b"extension",
    b"string",
    b"input",
    b"document",
    b"documento",
    b"identifier",
    b"identification",
    b"from",
    b"to",
    b"old",
    b"new",
    b"before",
    b"after",
];

/// Last words of the keys that tell it.
const KINDS: [&[u8]; 16] = [
    b"type",
    b"scheme",
    b"name",
    b"label",
    b"title",
    b"key",
    b"kind",
    b"field",
    b"question",
    b"ref",
    b"system",
    b"path",
    b"property",
    b"caption",
    b"heading",
    b"loc",
];

/// Keys that tell it within an object that stands under one of those.
const WITHIN: [&[u8]; 4] = [b"text", b"display", b"code", b"codevalue"];

/// Brackets around such a key that are looked into.
const DEPTH: usize = 4;

/// Members that are told of.
const MOST: usize = 3;

/// What the members behind the value that holds `at` and stands under `key` call it.
/// Nothing that begins more than [`NAMES_AHEAD`] bytes behind `at`, or that does not end there, is told.
///
/// Of a key that says more than that a value follows, they are those that are called by it: `"taxId":"…","taxIdType":"TFN"`.
pub(super) fn of(text: &[u8], at: usize, key: &[u8]) -> Vec<Range<usize>> {
    let mut told = Vec::new();
    read(text, at, if is_value(key) { b"" } else { key }, &mut told);
    told
}

/// Reads the members until one tells no more; what those of the kind of `own` call the value is appended.
fn read(text: &[u8], at: usize, own: &[u8], out: &mut Vec<Range<usize>>) -> Option<()> {
    let text = &text[..text.len().min(at + NAMES_AHEAD)];
    let is_quoted = at.checked_sub(1).is_some_and(|before| text[before] == b'"');
    let mut at = if is_quoted { string(text, at)?.end + 1 } else { at + number(&text[at..]) };
    // How deep in brackets, and from which depth on all is said of a kind.
    let (mut depth, mut kind) = (0, usize::MAX);
    while out.len() < MOST {
        at = blank(text, at);
        match text.get(at)? {
            b',' => at += 1,
            b'}' | b']' if depth > 0 => {
                depth -= 1;
                kind = if depth < kind { usize::MAX } else { kind };
                at += 1;
            }
            b'{' if depth > 0 => {
                depth += 1;
                at += 1;
            }
            b'"' => {
                let key = string(text, at + 1)?;
                let colon = blank(text, key.end + 1);
                if text.get(colon) != Some(&b':') {
                    return None;
                }
                at = blank(text, colon + 1);
                let tells_kind = is_kind_of(&text[key.clone()], own);
                match text.get(at)? {
                    b'"' => {
                        let told = string(text, at + 1)?;
                        at = told.end + 1;
                        let within = depth >= kind
                            && WITHIN.iter().any(|word| text[key.clone()].eq_ignore_ascii_case(word));
                        if (within || tells_kind) && tells(&text[told.clone()]) {
                            out.push(told);
                        }
                    }
                    b'{' | b'[' if depth < DEPTH => {
                        // Of strings alone nothing tells which is the name.
                        let inner = text.get(blank(text, at + 1));
                        (text[at] == b'{' || inner == Some(&b'{')).then_some(())?;
                        depth += 1;
                        at += 1;
                        kind = kind.min(if tells_kind { depth } else { usize::MAX });
                    }
                    b'{' | b'[' => return None,
                    _ => at += text[at..].iter().position(|byte| matches!(byte, b',' | b'}'))?,
                }
            }
            _ => return None,
        }
    }
    None
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

/// Whether two keys differ in no more than that one ends with a word for a value and the other with one for its kind.
pub(super) fn belong_together(value: &[u8], kind: &[u8]) -> bool {
    let (own, other) = (before_last(value, &VALUES), before_last(kind, &KINDS));
    own.zip(other).is_some_and(|(own, other)| own.eq_ignore_ascii_case(other))
}

/// Whether a key is one of these words or ends with it, as a word of its own or not.
fn ends_with(key: &[u8], words: &[&[u8]]) -> bool {
    before_last(key, words).is_some()
}

/// What stands in a key before the one of these words that it ends with.
fn before_last<'k>(key: &'k [u8], words: &[&[u8]]) -> Option<&'k [u8]> {
    words.iter().find_map(|word| {
        let from = key.len().checked_sub(word.len())?;
        key[from..].eq_ignore_ascii_case(word).then_some(&key[..from])
    })
}

/// Whether a key tells the kind of a value: of any, or of the one called `own` before the word for it (`taxId`, `tax_id_type`).
fn is_kind_of(key: &[u8], own: &[u8]) -> bool {
    before_last(key, &KINDS).is_some_and(|before| {
        let before = before.strip_suffix(b"_").unwrap_or(before);
        own.is_empty() || before.eq_ignore_ascii_case(own)
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
            (r#"{"document":"¤7","document_type":"CPF"}"#, "CPF"),
            (r#"{"value":"¤7","type":{"text":"SSN"}}"#, "SSN"),
            (
                r#"{"idValue":"¤7","nameCode":{"n":1},"type":{"coding":[{"code":"SS"}],"text":"SSN"}}"#,
                "SS, SSN",
            ),
            (r#"{"data":"¤7","instancePath":"/customer/ssn"}"#, "/customer/ssn"),
            (r#"{"number":"¤7","scheme":"BSN"}"#, "BSN"),
            (r#"{"taxId":"¤7","country":"AU","taxIdType":"TFN"}"#, "TFN"),
            (r#"{"tax_id":"¤7","tax_id_type":"TFN"}"#, "TFN"),
            (r#"{"taxId":"¤7","accountType":"TFN"}"#, ""),
            (r#"{"t":"¤7","type":"TFN"}"#, ""),
            (r#"{"value":"¤7","type":{"a":1},"note":{"text":"SSN"}}"#, ""),
            (r#"{"value":"¤7","a":{"text":"SSN"}}"#, ""),
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
            let found = super::of(whole.as_bytes(), at, key.as_bytes());
            let found: Vec<_> = found.into_iter().map(|told| &whole[told]).collect();
            assert_eq!(found.join(", "), told, "{text}");
        }
    }
}
