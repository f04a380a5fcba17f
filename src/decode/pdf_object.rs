//! What the objects of a PDF document say: how streams are packed, and what they are.

use std::borrow::Cow;

use super::{DecodeError, armour};

/// What a stream is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Operators, or whatever says nothing of itself.
    Page,
    /// Objects packed together.
    Objects,
    /// An attached file, or a text beside the pages.
    File,
    /// Images, fonts, tables of places.
    Skipped,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Filter {
    Flate,
    Ascii85,
    AsciiHex,
}

/// `text` with letters and digits of names as themselves, which may be written as `#46` (ISO 32000, section 7.3.5).
pub(super) fn plain_names(text: &[u8]) -> Cow<'_, [u8]> {
    let Some(first) = memchr::memchr(b'#', text) else { return Cow::Borrowed(text) };
    let begin = text.get(..first).unwrap_or_default().iter().rposition(|byte| ends_name(*byte)).unwrap_or(0);
    let (mut out, mut at) = (text.get(..begin).unwrap_or_default().to_vec(), begin);
    let mut in_name = false;
    while let Some(&byte) = text.get(at) {
        in_name = byte == b'/' || in_name && !ends_name(byte);
        let shown = text.get(at..at + 3).filter(|raw| in_name && raw.starts_with(b"#"));
        let shown = shown.and_then(|raw| armour::pair(raw.get(1..)?)).filter(u8::is_ascii_alphanumeric);
        out.push(shown.unwrap_or(byte));
        at += if shown.is_some() { 3 } else { 1 };
    }
    Cow::Owned(out)
}

/// Whether no name goes on with it.
pub(super) fn ends_name(byte: u8) -> bool {
    byte.is_ascii_whitespace()
        || matches!(byte, 0 | b'/' | b'(' | b')' | b'<' | b'>' | b'[' | b']' | b'{' | b'}' | b'%')
}

/// What stands behind a key of a dictionary.
pub(super) fn value<'a>(dictionary: &'a [u8], key: &[u8]) -> Option<&'a [u8]> {
    let mut from = 0;
    loop {
        let at = from + memchr::memmem::find(dictionary.get(from..)?, key)?;
        let behind = dictionary.get(at + key.len()..)?;
        if behind.first().is_none_or(|byte| !byte.is_ascii_alphanumeric()) {
            return Some(behind.trim_ascii_start());
        }
        from = at + key.len();
    }
}

fn is_name(value: Option<&[u8]>, names: &[&[u8]]) -> bool {
    value.is_some_and(|value| {
        names.iter().any(|name| {
            value
                .strip_prefix(*name)
                .is_some_and(|rest| rest.first().is_none_or(|byte| !byte.is_ascii_alphanumeric()))
        })
    })
}

pub(super) fn role(dictionary: &[u8]) -> Role {
    let (kind, subtype) = (value(dictionary, b"/Type"), value(dictionary, b"/Subtype"));
    if is_name(kind, &[b"/ObjStm"]) {
        Role::Objects
    } else if is_name(kind, &[b"/EmbeddedFile", b"/Metadata"]) {
        Role::File
    } else if is_name(kind, &[b"/XRef"])
        || is_name(subtype, &[b"/Image", b"/Type1C", b"/CIDFontType0C", b"/OpenType"])
        || value(dictionary, b"/Length1").is_some()
        || value(dictionary, b"/FunctionType").is_some()
        || value(dictionary, b"/ShadingType").is_some()
    {
        Role::Skipped
    } else {
        Role::Page
    }
}

/// Whether a stream that says nothing of itself begins as a text, of a form or a script, and not as operators of a page.
pub(super) fn is_file(opening: &[u8]) -> bool {
    let opening = opening.strip_prefix(b"\xef\xbb\xbf").unwrap_or(opening).trim_ascii_start();
    let is_text = |byte: &u8| *byte >= b' ' || byte.is_ascii_whitespace();
    let is_utf8 = std::str::from_utf8(opening).map_or_else(|error| error.error_len().is_none(), |_| true);
    if opening.starts_with(b"%!") || !is_utf8 || !opening.iter().all(is_text) {
        return false;
    }
    if let Some(behind) = opening.strip_prefix(b"<") {
        let end = memchr::memchr(b'>', behind).unwrap_or(behind.len());
        let is_hex =
            behind.iter().take(end).all(|byte| byte.is_ascii_hexdigit() || byte.is_ascii_whitespace());
        return !is_hex && !behind.starts_with(b"<");
    }
    // Operators of pages are shorter than words, and stand among numbers and names.
    let (mut all, mut long) = (0, 0);
    for word in words(opening) {
        let letters = word.split(|byte| !byte.is_ascii_alphabetic()).find(|letters| letters.len() > 3);
        let is_of_program = letters.is_some_and(|letters| {
            letters.starts_with(b"begin") || matches!(letters, b"findresource" | b"dict")
        });
        if is_of_program {
            return false;
        }
        let is_name = word.starts_with(b"/") || matches!(letters, Some(b"true" | b"false" | b"null"));
        all += 1;
        long += usize::from(letters.is_some() && !is_name);
    }
    long * 4 >= all && long > 0
}

/// What stands in a page beside strings and comments.
fn words(text: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let rest = text.get(at..).filter(|rest| !rest.is_empty())?;
            let length = |ends: &dyn Fn(&u8) -> bool| {
                rest.iter().skip(1).position(ends).map_or(rest.len(), |at| at + 1)
            };
            match rest.first()? {
                b'(' => at += string_length(rest),
                b'<' => at += length(&|byte| *byte == b'>' || *byte == b'<'),
                b'%' => at += length(&|byte| matches!(byte, b'\r' | b'\n')),
                byte if *byte != b'/' && ends_name(*byte) => at += 1,
                _ => {
                    let end = length(&|byte| ends_name(*byte));
                    at += end;
                    // What follows is an image.
                    return rest.get(..end).filter(|word| *word != b"ID").map(<[u8]>::to_vec);
                }
            }
        }
    })
}

/// Bytes of the string that a text begins with.
fn string_length(text: &[u8]) -> usize {
    let (mut depth, mut is_escaped) = (0, false);
    for (at, byte) in text.iter().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'(' => depth += 1,
            b')' if depth == 1 => return at + 1,
            b')' => depth -= 1,
            _ => {}
        }
    }
    text.len()
}

pub(super) fn filters(dictionary: &[u8]) -> Result<Vec<Filter>, DecodeError> {
    let Some(value) = value(dictionary, b"/Filter") else { return Ok(Vec::new()) };
    let end = match value.first() {
        Some(b'[') => memchr::memchr(b']', value).unwrap_or(value.len()),
        _ => {
            1 + value.iter().skip(1).position(|byte| !byte.is_ascii_alphanumeric()).unwrap_or(value.len() - 1)
        }
    };
    let list = value.get(..end).unwrap_or_default();
    let mut filters = Vec::new();
    for name in list.split(|byte| matches!(byte, b'[' | b'/' | b' ' | b'\r' | b'\n' | b'\t')) {
        filters.push(match name {
            b"" => continue,
            b"FlateDecode" | b"Fl" => Filter::Flate,
            b"ASCII85Decode" | b"A85" => Filter::Ascii85,
            b"ASCIIHexDecode" | b"AHx" => Filter::AsciiHex,
            _ => return Err(DecodeError::Method),
        });
    }
    // Letters go on last, and only once.
    let letters = filters.iter().skip(1).any(|filter| *filter != Filter::Flate);
    if letters || filters.iter().filter(|filter| **filter == Filter::Flate).count() > 1 {
        return Err(DecodeError::Method);
    }
    Ok(filters)
}

/// Where the first of packed objects stands.
pub(super) fn first(dictionary: &[u8]) -> usize {
    value(dictionary, b"/First").map_or(0, number)
}

pub(super) fn number(text: &[u8]) -> usize {
    let digits = text.iter().take(9).take_while(|byte| byte.is_ascii_digit());
    digits.fold(0, |value, byte| value * 10 + usize::from(byte - b'0'))
}

/// Where the last object of a text begins: its ` obj`.
pub(super) fn last(text: &[u8]) -> Option<usize> {
    let mut found = memchr::memmem::rfind_iter(text, b" obj");
    found.find(|at| {
        let is_number = at.checked_sub(1).and_then(|at| text.get(at)).is_some_and(u8::is_ascii_digit);
        is_number && text.get(at + 4).is_none_or(|byte| !byte.is_ascii_alphanumeric())
    })
}

/// The number of the object whose ` obj` stands at `at`: `12 0 obj`.
pub(super) fn number_before(text: &[u8], at: usize) -> u32 {
    let before = text.get(..at).unwrap_or_default();
    let mut words = before.rsplit(|byte| byte.is_ascii_whitespace()).filter(|word| !word.is_empty());
    let digits = words.nth(1).unwrap_or_default();
    let from = digits.iter().rposition(|byte| !byte.is_ascii_digit()).map_or(0, |at| at + 1);
    u32::try_from(number(digits.get(from..).unwrap_or_default())).unwrap_or_default()
}

/// Whether the directory says that all is under a password.
pub(super) fn is_encrypted(text: &[u8]) -> bool {
    value(text, b"/Encrypt")
        .is_some_and(|value| value.first().is_some_and(u8::is_ascii_digit) || value.starts_with(b"<<"))
}

pub(super) fn ascii_hex(kept: &mut Vec<u8>, data: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(data.len() / 2);
    for digit in data.iter().filter_map(|byte| char::from(*byte).to_digit(16)) {
        kept.push(u8::try_from(digit).unwrap_or_default());
        if let [high, low] = *kept.as_slice() {
            out.push(high << 4 | low);
            kept.clear();
        }
    }
    out
}

pub(super) fn ascii85(kept: &mut Vec<u8>, data: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(data.len() / 5 * 4);
    for &byte in data {
        match byte {
            b'z' if kept.is_empty() => out.extend([0; 4]),
            b'!'..=b'u' => {
                kept.push(byte - b'!');
                if kept.len() == 5 {
                    out.extend(quad(kept));
                    kept.clear();
                }
            }
            b'~' if kept.len() > 1 => {
                let count = kept.len() - 1;
                kept.resize(5, 84);
                out.extend(quad(kept).into_iter().take(count));
                kept.clear();
            }
            _ => {}
        }
    }
    out
}

fn quad(digits: &[u8]) -> [u8; 4] {
    let value =
        digits.iter().fold(0u32, |value, digit| value.wrapping_mul(85).wrapping_add(u32::from(*digit)));
    value.to_be_bytes()
}
