//! Keys of forms and queries, and names of the parts of a form of several parts.

use std::ops::Range;

use super::{Name, Scope, ahead, lists};
use crate::limits;

/// The key before the nearest `=`, where nothing but a form's value stands between.
pub(super) fn own(text: &[u8], from: usize, at: usize) -> Option<Range<usize>> {
    let before = &text[from..at];
    let value = before.iter().rev().take_while(|&&byte| is_value(byte)).count();
    let equals = at.checked_sub(value + 1).filter(|&equals| equals >= from && text[equals] == b'=')?;
    let key =
        text[from..equals].iter().rev().take(limits::NAME_LEN).take_while(|&&byte| is_key(byte)).count();
    let ends = equals.checked_sub(key + 1).filter(|&before| before >= from).map(|before| text[before]);
    let begins =
        ends.is_none_or(|byte| matches!(byte, b'&' | b'?' | b';' | b' ' | b'\t' | b'\n' | b',' | b'"'));
    (key > 0 && begins).then_some(equals - key..equals)
}

/// What the field beside the one with this key, which holds `at`, says of its kind, where they are called alike:
/// `id_type=SSN&id_number=536904399`, `ids[0][value]=536904399&ids[0][type]=SSN`.
pub(super) fn kind(text: &[u8], from: usize, at: usize, key: &Range<usize>) -> Option<Range<usize>> {
    let own = unbracketed(&text[key.clone()]);
    ahead::is_value(own).then_some(())?;
    let least = from.max(key.start.saturating_sub(limits::NAMES_AHEAD));
    let before = memchr::memrchr_iter(b'&', text[least..key.start].strip_suffix(b"&").unwrap_or_default());
    let before = before.map(|mark| least + mark + 1).chain((least == 0 && key.start > 0).then_some(0));
    // Nothing is told of what may go on.
    let most = text.len().min(at + limits::NAMES_AHEAD);
    let ends = most == text.len();
    let behind = memchr::memchr_iter(b'&', &text[at..most]).map(|mark| at + mark + 1);
    before.chain(behind).find_map(|first| {
        let equals = first + memchr::memchr2(b'=', b'&', &text[first..most])?;
        let (name, said) = (&text[first..equals], equals + 1);
        let length = text.get(said..most)?.iter().take_while(|&&byte| is_value(byte)).count();
        let is_told = text[equals] == b'=' && (said + length < most || ends);
        let tells =
            ahead::belong_together(own, unbracketed(name)) && ahead::tells(&text[said..said + length]);
        (is_told && tells).then_some(said..said + length)
    })
}

/// A key without the bracket that it ends with.
fn unbracketed(key: &[u8]) -> &[u8] {
    key.strip_suffix(b"]").or_else(|| key.strip_suffix(b"%5D")).unwrap_or(key)
}

/// The key before the `:: ` that says of what follows in LDIF that it is base64.
pub(super) fn coded(text: &[u8], from: usize, at: usize) -> Option<Range<usize>> {
    let colons =
        text[from..at].strip_suffix(b" ").unwrap_or(&text[from..at]).strip_suffix(b"::")?.len() + from;
    let is_key = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b';');
    let key = text[from..colons].iter().rev().take(limits::NAME_LEN).take_while(is_key).count();
    let start = colons - key;
    // A line of its own.
    let begins = if start > from { text[start - 1] == b'\n' } else { from == 0 };
    (key > 0 && begins).then_some(start..colons)
}

fn is_value(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'%' | b'+' | b'-' | b'.' | b'_' | b'~' | b'@' | b':' | b'/' | b'*' | b'(' | b')' | b'!' | 0x80..
        )
}

fn is_key(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'[' | b']' | b'%' | b'$' | b'+')
}

/// The part of a body that holds a place.
#[derive(Debug)]
pub(super) struct Part {
    /// What its header calls it.
    pub(super) name: Option<Name>,
    /// The last bytes of its header: nothing before them says anything of what is in the part.
    pub(super) from: usize,
}

/// The part that holds `at`: what stands behind the last boundary before it.
pub(super) fn part(text: &[u8], from: usize, at: usize, boundary: &[u8]) -> Option<Part> {
    let start = from + memchr::memmem::rfind(&text[from..at], boundary)? + boundary.len();
    let header = &text[start..at];
    let end = memchr::memmem::find(header, b"\n\r\n").or_else(|| memchr::memmem::find(header, b"\n\n"));
    // The first line of a dump or of a script may look like a boundary, too.
    if end.is_none() && !lists::begins(header.trim_ascii_start(), b"content") {
        return None;
    }
    let name = name(&header[..end.unwrap_or(header.len())]);
    let name = name.map(|name| Name::of(Scope::MultipartName, start + name.start..start + name.end));
    // In a header only its own name counts.
    let from = end.map_or(at, |end| super::trimmed(text, start, start + end).max(start + 2) - 2);
    Some(Part { name, from })
}

/// The `name` of a part's header.
fn name(header: &[u8]) -> Option<Range<usize>> {
    const NAME: &[u8] = b"name=\"";
    let stands_alone = |at: &usize| *at == 0 || matches!(header[at - 1], b' ' | b';' | b'\t');
    let first = memchr::memmem::find_iter(header, NAME).find(stands_alone)? + NAME.len();
    let length = memchr::memchr2(b'"', b'\n', &header[first..])?;
    Some(first..first + length)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_field_beside_tells_of_what_kind_one_is() {
        for (text, told) in [
            ("n=1&id_type=SSN&id_number=¤7", "SSN"),
            ("id_type=SSN&country=US&id_number=¤7", "SSN"),
            ("id_number=¤7&n=1&id_type=SSN", "SSN"),
            ("/x?id_number=¤7&id_type=SSN HTTP/1.1", "SSN"),
            ("ids[0][value]=¤7&ids[0][type]=SSN&n=1", "SSN"),
            ("ids%5B0%5D%5Btype%5D=SSN&ids%5B0%5D%5Bvalue%5D=¤7", "SSN"),
            // Of another, of a kind that tells nothing, and of a key that says more.
            ("ids[1][type]=SSN&ids[0][value]=¤7", ""),
            ("account_type=SSN&id_number=¤7", ""),
            ("id_type=text&id_number=¤7", ""),
            ("id_type=SSN&amount=¤7", ""),
            ("id_type&id_number=¤7", ""),
        ] {
            let (at, whole) = (text.find('¤').unwrap(), text.replacen('¤', "", 1));
            let key = super::own(whole.as_bytes(), 0, at).unwrap();
            let found = super::kind(whole.as_bytes(), 0, at, &key).map(|told| &whole[told]);
            assert_eq!(found.unwrap_or_default(), told, "{text}");
        }
    }
}
