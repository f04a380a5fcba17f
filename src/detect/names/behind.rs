//! What stands behind a value and calls it: the next element, another attribute of its tag, the label of its field.

use std::ops::Range;

use super::{ahead, says_nothing};
use crate::limits::{NAME_LEN, NAMES_AHEAD};

/// Parts of the names of elements that tell what a number is, where another holds it.
const SCHEMES: [&[u8]; 5] = [b"type", b"schm", b"scheme", b"prtry", b"kind"];

/// Elements that are passed over or entered.
const TAGS: usize = 4;

/// The text of the element behind the one whose text holds `at` and that is called `own`:
/// `<Id>536904399</Id><SchmeNm><Prtry>SSN</Prtry></SchmeNm>`.
pub(super) fn element(text: &[u8], at: usize, own: &[u8]) -> Option<Range<usize>> {
    let is_id = own.eq_ignore_ascii_case(b"id");
    (is_id || tells_nothing(own)).then_some(())?;
    let text = &text[..text.len().min(at + NAMES_AHEAD)];
    let mut at = at + memchr::memchr(b'<', text.get(at..)?)?;
    at = end_tag(text, at)?;
    // Whether all that follows is said in an element that tells a kind.
    let mut within = false;
    for _ in 0..TAGS {
        at += blanks(text, at);
        let end = at + memchr::memchr(b'>', text.get(at..)?)?;
        let tag = text[at..end]
            .strip_prefix(b"<")
            .filter(|tag| tag.first().is_some_and(u8::is_ascii_alphabetic))?;
        (!tag.ends_with(b"/")).then_some(())?;
        let name = tag.split(u8::is_ascii_whitespace).next().unwrap_or_default();
        // A number that is called `id` has a name beside it that is not its own.
        let tells = holds(name, &SCHEMES) || !is_id && ahead::is_kind(name);
        let first = end + 1 + blanks(text, end + 1);
        if text.get(first) == Some(&b'<') {
            (within, at) = (within || tells, first);
            continue;
        }
        let last = first + memchr::memchr(b'<', text.get(first..)?)?;
        let said = text[first..last].trim_ascii_end();
        if (within || tells) && ahead::tells(said) {
            return Some(first..first + said.len());
        }
        at = end_tag(text, last)?;
    }
    None
}

/// The value of an attribute behind the one called `own` that holds `at`: `<id extension="536904399" displayName="SSN"/>`.
pub(super) fn attribute(text: &[u8], at: usize, own: &[u8]) -> Option<Range<usize>> {
    tells_nothing(own).then_some(())?;
    let text = &text[..text.len().min(at + NAMES_AHEAD)];
    let mut at = at + memchr::memchr3(b'"', b'\'', b'>', text.get(at..)?)? + 1;
    (text[at - 1] != b'>').then_some(())?;
    loop {
        at += blanks(text, at);
        let is_name = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b':' | b'.');
        let length = text.get(at..)?.iter().take_while(is_name).count();
        let (name, sign) = (&text[at..at + length], at + length);
        let quote = *text.get(sign + 1).filter(|byte| text[sign] == b'=' && matches!(byte, b'"' | b'\''))?;
        let said = sign + 2..sign + 2 + memchr::memchr(quote, text.get(sign + 2..)?)?;
        at = said.end + 1;
        if length > 0 && ahead::is_kind(name) && ahead::tells(&text[said.clone()]) {
            return Some(said);
        }
    }
}

/// What the field `KEYLabel` behind the one called `key` says of the value at `at`: `cs1=536904399 cs1Label=SSN act=x`.
pub(super) fn label(text: &[u8], at: usize, key: &[u8]) -> Option<Range<usize>> {
    key.last().filter(|last| last.is_ascii_digit())?;
    let text = &text[..text.len().min(at + NAMES_AHEAD)];
    let name = [key, b"Label="].concat();
    let first = at + memchr::memmem::find(text.get(at..)?, &name)? + name.len();
    memchr::memchr(b'\n', &text[at..first]).is_none().then_some(())?;
    // It goes up to the line's end, or to the key of the next.
    let end = first + memchr::memchr2(b'\n', b'=', &text[first..])?;
    let end = if text[end] == b'=' { first + memchr::memrchr(b' ', &text[first..end])? } else { end };
    let said = text[first..end].trim_ascii_end();
    (1..=NAME_LEN).contains(&said.len()).then_some(first..first + said.len())
}

/// Whether a name says that a value follows which others tell the name of.
fn tells_nothing(name: &[u8]) -> bool {
    says_nothing(name) || ahead::is_value(name)
}

/// Whether one of the words stands in a name.
fn holds(name: &[u8], words: &[&[u8]]) -> bool {
    words.iter().any(|word| name.windows(word.len()).any(|part| part.eq_ignore_ascii_case(word)))
}

/// Where the end tag that begins at `at` ends.
fn end_tag(text: &[u8], at: usize) -> Option<usize> {
    text.get(at..)?.starts_with(b"</").then_some(())?;
    memchr::memchr(b'>', &text[at..]).map(|end| at + end + 1)
}

fn blanks(text: &[u8], at: usize) -> usize {
    text.get(at..).unwrap_or_default().iter().take_while(|byte| byte.is_ascii_whitespace()).count()
}

#[cfg(test)]
mod tests {
    /// What is found for the value at the `¤`.
    fn told(text: &str, find: impl Fn(&[u8], usize) -> Option<super::Range<usize>>) -> String {
        let (at, whole) = (text.find('¤').unwrap(), text.replacen('¤', "", 1));
        find(whole.as_bytes(), at).map_or_else(String::new, |told| whole[told].to_owned())
    }

    #[test]
    fn the_element_behind_names_the_one_before() {
        for (text, own, expected) in [
            ("<Id>¤7</Id><SchmeNm><Prtry>SSN</Prtry></SchmeNm>", "Id", "SSN"),
            ("<Id>¤7</Id>\n <SchmeNm>\n  <Cd>SOSE</Cd>\n", "Id", "SOSE"),
            ("<w:ID>¤7</w:ID><w:ID_Type_Reference><w:ID w:type=\"x\">USA-SSN</w:ID>", "ID", "USA-SSN"),
            ("<Value>¤7</Value><Name>SSN</Name>", "Value", "SSN"),
            ("<Id>¤7</Id><Issr>GOV</Issr><Type>SSN</Type>", "Id", "SSN"),
            // Of another, without a kind, of a key that says more, and cut off.
            ("<Id>¤7</Id><Name>SSN</Name>", "Id", ""),
            ("<Id>¤7</Id></a><Type>SSN</Type>", "Id", ""),
            ("<Id>¤7</Id><Issr>SSN</Issr>", "Id", ""),
            ("<Sum>¤7</Sum><Type>SSN</Type>", "Sum", ""),
            ("<Id>¤7</Id><Type/>SSN</Type>", "Id", ""),
            ("<Id>¤7</Id><Type>SSN", "Id", ""),
        ] {
            let found = told(text, |text, at| super::element(text, at, own.as_bytes()));
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn the_attribute_behind_names_the_one_before() {
        for (text, own, expected) in [
            (r#"<id extension="¤7" root="2.16" assigningAuthorityName="SSN"/>"#, "extension", "SSN"),
            ("<input value='¤7' name='ssn'>", "value", "ssn"),
            (r#"<id root="¤7" assigningAuthorityName="SSN"/>"#, "root", ""),
            (r#"<id extension="¤7"/><b name="SSN"/>"#, "extension", ""),
            (r#"<id extension="¤7" checked name="SSN"/>"#, "extension", ""),
            (r#"<id extension="¤7" name="SSN"#, "extension", ""),
        ] {
            let found = told(text, |text, at| super::attribute(text, at, own.as_bytes()));
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn the_label_behind_names_the_field() {
        for (text, key, expected) in [
            ("cs3=¤7 cs3Label=Customer SSN suser=x", "cs3", "Customer SSN"),
            ("cs3=¤7 cs3Label=SSN\n", "cs3", "SSN"),
            ("cs3=¤7 cs4Label=SSN a=b", "cs3", ""),
            ("cs3=¤7\ncs3Label=SSN a=b", "cs3", ""),
            ("cs3=¤7 cs3Label=SSN", "cs3", ""),
            ("cs=¤7 csLabel=SSN a=b", "cs", ""),
        ] {
            let found = told(text, |text, at| super::label(text, at, key.as_bytes()));
            assert_eq!(found, expected, "{text}");
        }
    }
}
