//! What stands before a value, but not around it, and calls it: members of its object, the element before its own; and the
//! index that a database complains of.

use std::ops::Range;

use super::ahead;
use super::lists::{CELLS, ROWS, is_tag};
use crate::limits::{NAME_LEN, NAMES_AHEAD, NAMES_REACH};

/// How far before the value's key its object begins.
const OBJECT: usize = 400;

/// What the members before the key at `key`, which says that a value follows, call it, in the object that opens at `open`:
/// `{"type":{"text":"SSN"},"system":"urn:us-ssn","value":"536-90-4399"}`.
pub(super) fn members(text: &[u8], open: usize, key: &Range<usize>, mut found: impl FnMut(Range<usize>)) {
    let end = key.start.saturating_sub(1);
    if !ahead::is_value(&text[key.clone()])
        || text.get(open) != Some(&b'{')
        || end.saturating_sub(open) > OBJECT
    {
        return;
    }
    let mut at = open + 1;
    // Whether what stands under the last key tells a kind.
    let mut kind = false;
    while let Some(quote) =
        text.get(at..end).and_then(|rest| memchr::memchr(b'"', rest)).map(|quote| at + quote)
    {
        let Some(said) = ahead::string(&text[..end], quote + 1) else { return };
        at = said.end + 1;
        let is_key = text[at..end].trim_ascii_start().starts_with(b":");
        if is_key {
            // What is set in a member that tells a kind says the same with other keys.
            kind = ahead::is_kind(&text[said.clone()])
                || [&b"text"[..], b"display", b"code"].contains(&&text[said.clone()])
                || kind && text[said] == *b"content";
        } else if kind && ahead::tells(&text[said.clone()]) {
            found(said);
        }
    }
}

/// Members in which people say something.
const SAID: [&[u8]; 4] = [b"content", b"text", b"body", b"message"];

/// How much of what was said before is read, and how far a value stands from the beginning of an answer to it.
const QUESTION: usize = 200;
const ANSWER: usize = 24;

/// What was said right before, in the object that ended where the one opens at `open` with the key of the value at `at`, under
/// the same key: `{"role":"assistant","content":"Your SSN?"},{"role":"user","content":"it is 536904399"}`.
pub(super) fn question(text: &[u8], open: usize, key: &Range<usize>, at: usize) -> Option<Range<usize>> {
    let called = SAID.contains(&&text[key.clone()]).then(|| &text[key.clone()])?;
    let answer = text.get(key.end + 1..at)?.trim_ascii_start().strip_prefix(b":")?.trim_ascii_start();
    if answer.first() != Some(&b'"') || answer.len() > ANSWER + 1 || text.get(open) != Some(&b'{') {
        return None;
    }
    let from = open.saturating_sub(2 * QUESTION).max(at.saturating_sub(NAMES_REACH));
    let before = text.get(from..open)?.trim_ascii_end().strip_suffix(b",")?.trim_ascii_end();
    let said = before.strip_suffix(b"}")?.trim_ascii_end().strip_suffix(b"\"")?;
    let is_bare =
        |quote: &usize| said[..*quote].iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 0;
    let start = memchr::memrchr_iter(b'"', said).find(is_bare)?;
    let colon = said[..start].trim_ascii_end().strip_suffix(b":")?.trim_ascii_end();
    let same = colon
        .strip_suffix(b"\"")
        .is_some_and(|name| name.strip_suffix(called).is_some_and(|before| before.ends_with(b"\"")));
    let first = (start + 1).max(said.len().saturating_sub(QUESTION));
    (same && first < said.len()).then_some(from + first..from + said.len())
}

/// The name of the index that holds `at` twice: `Duplicate entry '536904399' for key 'patients.uq_ssn'`.
pub(super) fn index(text: &[u8], at: usize) -> Option<Range<usize>> {
    let before = text[..at].strip_suffix(b"'")?;
    let told = before.ends_with(b"uplicate entry ");
    let text = &text[..text.len().min(at + NAMES_AHEAD)];
    let end = at + memchr::memchr(b'\'', text.get(at..).filter(|_| told)?)?;
    let name = end + FOR_KEY.len();
    text[end..].starts_with(FOR_KEY).then_some(())?;
    let length = memchr::memchr(b'\'', &text[name..])?;
    (1..=NAME_LEN).contains(&length).then_some(name..name + length)
}

const FOR_KEY: &[u8] = b"' for key '";

/// Ends of the elements that name what the next one holds.
const LABELS: [&[u8]; 10] = [
    b"</label>",
    b"</th>",
    b"</td>",
    b"</dt>",
    b"</div>",
    b"</span>",
    b"</strong>",
    b"</b>",
    b"</key>",
    b"</name>",
];

/// Within so many bytes before the value its label ends.
const TAGS: usize = 640;

/// The text of the element that ended right before the one whose text begins behind the tag that ends at `at`; the beginnings
/// of elements alone may stand between them, ends of those around it, and an empty cell: `<td>SSN</td><td style="…">536904399`.
pub(super) fn element(text: &[u8], from: usize, at: usize) -> Option<Range<usize>> {
    let from = from.max(at.saturating_sub(TAGS));
    let mut before = text[from..at].trim_ascii_end();
    // Whether something ended last, and names what follows, and whether an empty cell and the end of a row were passed.
    let (mut ended, mut names, mut passed, mut above) = (false, false, false, false);
    while let Some(tag) = before.ends_with(b">").then(|| memchr::memrchr(b'<', before)).flatten() {
        match before[tag + 1] {
            b'/' => {
                // How something looks is no text.
                if let Some(opens) = properties(before, tag) {
                    before = before[..opens].trim_ascii_end();
                    continue;
                }
                let label = LABELS.contains(&&before[tag..]) || is_tag(&before[tag..], false, &CELLS);
                (ended, names) = (true, names || label);
                above |= is_tag(&before[tag..], false, &ROWS);
            }
            byte if !byte.is_ascii_alphabetic() || ended && passed => return None,
            _ => (passed, ended, names) = (passed || ended, false, false),
        }
        before = before[..tag].trim_ascii_end();
        before = before.strip_suffix(b"&nbsp;").filter(|_| ended && !passed).unwrap_or(before);
    }
    let end = before.len();
    let start = memchr::memrchr(b'>', before).filter(|_| names)? + 1;
    let said = &before[start..end];
    if above && !is_alone(&before[..start]) {
        return None;
    }
    let blank = said.len() - said.trim_ascii_start().len();
    let said = said.trim_ascii();
    // The number in the cell before is none.
    let letters = said.iter().filter(|byte| byte.is_ascii_alphabetic() || **byte >= 0x80).count();
    let is_name = letters > 1 && said.len() <= NAME_LEN;
    is_name.then_some(from + start + blank..from + start + blank + said.len())
}

/// Where the element opens that ends with the tag at `tag`, if it holds properties, as office documents have them in each
/// cell: `<w:tcPr>…</w:tcPr>`.
fn properties(text: &[u8], tag: usize) -> Option<usize> {
    let name = text[tag + 2..].strip_suffix(b">").filter(|name| name.ends_with(b"Pr"))?;
    memchr::memrchr_iter(b'<', &text[..tag]).find(|open| text[open + 1..].starts_with(name))
}

/// Whether what stands behind these tags begins its row.
fn is_alone(mut before: &[u8]) -> bool {
    while let Some(tag) = before.ends_with(b">").then(|| memchr::memrchr(b'<', before)).flatten() {
        if before[tag + 1] == b'/' || is_tag(&before[tag..], true, &ROWS) {
            return before[tag + 1] != b'/';
        }
        before = before[..tag].trim_ascii_end();
    }
    false
}

#[cfg(test)]
mod tests {
    #[test]
    fn members_before_a_value_tell_what_it_is() {
        for (text, told) in [
            (r#"{"type":"ssn","note":"a","value":"#, &["ssn"][..]),
            (
                r#"{"use":"usual","type":{"coding":[{"code":"SS"}],"text":"SSN"},"system":"urn:us-ssn","value":"#,
                &["SS", "SSN", "urn:us-ssn"],
            ),
            (r#"{"field":"ssn","message":"is invalid","rejectedValue":"#, &["ssn"]),
            (r#"{"label":"SSN","type":"text","answer":"#, &["SSN"]),
            (r#"{"key":{"content":"SSN","page":1},"value":"#, &["SSN"]),
            (r#"{"content":"SSN","value":"#, &[]),
            // Of a key that says more, and what is no name.
            (r#"{"type":"ssn","amount":"#, &[]),
            (r#"{"note":"ssn","value":"#, &[]),
            (r#"{"type":"a \"ssn\"","value":"#, &[]),
        ] {
            let key = text.rfind(",\"").unwrap() + 2..text.len() - 2;
            let mut found = Vec::new();
            super::members(text.as_bytes(), 0, &key, |range| found.push(&text[range]));
            assert_eq!(found, told, "{text}");
            found.clear();
            let far = format!("{{\"note\":\"{}\",{}", "x".repeat(400), &text[1..]);
            let key = key.start + far.len() - text.len()..far.len() - 2;
            super::members(far.as_bytes(), 0, &key, |_| found.push("far"));
            assert!(found.is_empty(), "{text}");
        }
    }

    #[test]
    fn a_question_names_what_answers_it() {
        for (text, told) in [
            (r#"{"role":"a","content":"Your SSN?"},{"role":"user","content":"¤7"}"#, "Your SSN?"),
            ("{\"text\": \"Your \\\"SSN\\\"?\"},\n {\"text\": \"ok, it is ¤7", "Your \\\"SSN\\\"?"),
            // Of something else, to another, and far from it.
            (r#"{"content":"Your SSN?"},{"text":"¤7"}"#, ""),
            (r#"{"id":"Your SSN?"},{"id":"¤7"}"#, ""),
            (r#"{"content":"Your SSN?","id":1},{"content":"¤7"}"#, ""),
            (r#"{"content":"Your SSN?"},{"content":"I was told to ask for order ¤7"}"#, ""),
            (r#"{"content":"Your SSN?"},{"content":¤7}"#, ""),
        ] {
            let (at, whole) = (text.find('¤').unwrap(), text.replacen('¤', "", 1));
            let open = whole.rfind('{').unwrap();
            let colon = whole[..at].rfind(':').unwrap();
            let key = whole[..colon - 1].rfind('"').unwrap() + 1..colon - 1;
            let found = super::question(whole.as_bytes(), open, &key, at).map(|told| whole[told].to_owned());
            assert_eq!(found.unwrap_or_default(), told, "{text}");
        }
        let long = format!(r#"{{"text":"{} Your SSN?"}},{{"text":"#, "x".repeat(150));
        let whole = format!("{long}\"7");
        let (open, end) = (whole.rfind('{').unwrap(), long.len() - 2);
        let found = super::question(whole.as_bytes(), open, &(end - 4..end), whole.len() - 1);
        assert!(found.is_some_and(|found| whole[found.clone()].ends_with("Your SSN?") && found.len() == 160));
    }

    #[test]
    fn a_complaint_names_the_index() {
        for (text, told) in [
            ("Duplicate entry '¤123456782' for key 'patients.uq_bsn'", "patients.uq_bsn"),
            ("duplicate entry '¤1-2' for key 'bsn' x", "bsn"),
            ("entry '¤123456782' for key 'bsn'", ""),
            ("Duplicate entry '¤123456782' for key 'bsn", ""),
            ("Duplicate entry '¤123456782' of 'bsn'", ""),
            ("Duplicate entry ¤123456782' for key 'bsn'", ""),
        ] {
            let (at, whole) = (text.find('¤').unwrap(), text.replacen('¤', "", 1));
            let found = super::index(whole.as_bytes(), at).map(|told| whole[told].to_owned());
            assert_eq!(found.unwrap_or_default(), told, "{text}");
        }
    }

    #[test]
    fn the_element_before_names_the_next() {
        for (text, told) in [
            (r#"<tr><td style="a">SSN</td><td style="b">"#, "SSN"),
            (r#"<label class="a"> SSN: </label> <div><span class="b">"#, "SSN:"),
            (r#"<div class="row"><div class="label">SSN</div><div class="value">"#, "SSN"),
            (r#"<key xsi:type="xsd:string">ssn</key><value xsi:type="xsd:string">"#, "ssn"),
            ("<td><b>SSN</b></td><td>", "SSN"),
            (
                r#"<tr><td colspan="2"><strong>SSN</strong></td></tr> <tr><td width="20">&nbsp;</td><td><i>"#,
                "SSN",
            ),
            (
                r#"<w:tc><w:p><w:t>SSN</w:t></w:p></w:tc><w:tc><w:tcPr><w:tcW w:w="9"/></w:tcPr><w:p><w:rPr><w:b/></w:rPr><w:t>"#,
                "SSN",
            ),
            ("<tr><th>Name</th><th>SSN</th></tr><tr><td>", ""),
            ("<td>SSN</td><td></td><td>", "SSN"),
            ("<td>SSN</td><td></td><td></td><td>", ""),
            ("<p>SSN</p><p>", ""),
            ("<td>SSN</td> is <td>", ""),
            ("<td></td><td>", ""),
            ("<td>17</td><td>", ""),
            ("<td>SSN</td><!-- --><td>", ""),
            ("SSN", ""),
        ] {
            let found = super::element(text.as_bytes(), 0, text.len()).map(|told| &text[told]);
            assert_eq!(found.unwrap_or_default(), told, "{text}");
        }
    }
}
