//! Keys of forms and queries, and names of the parts of a form of several parts.

use std::ops::Range;

use super::{Name, Scope};
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

/// The name of the part that holds `at`, from the header behind the last boundary before it.
pub(super) fn part(text: &[u8], from: usize, at: usize, boundary: &[u8]) -> Option<Name> {
    let start = from + memchr::memmem::rfind(&text[from..at], boundary)?;
    let header = &text[start + boundary.len()..at];
    let end = memchr::memmem::find(header, b"\n\r\n").or_else(|| memchr::memmem::find(header, b"\n\n"));
    let header = &header[..end.unwrap_or(header.len())];
    let name = memchr::memmem::find_iter(header, b"name=\"")
        .find(|&at| at == 0 || matches!(header[at - 1], b' ' | b';' | b'\t'))?;
    let first = name + b"name=\"".len();
    let length = memchr::memchr2(b'"', b'\n', &header[first..])?;
    let first = start + boundary.len() + first;
    Some(Name::of(Scope::MultipartName, first..first + length))
}
