//! What the objects of a PDF document say: how streams are packed, what they are, and which characters fonts show.

use std::borrow::Cow;
use std::collections::HashMap;

use super::{DecodeError, armour};
use crate::limits::{PDF_CODES, PDF_LATE, PDF_OBJECTS};

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
fn ends_name(byte: u8) -> bool {
    byte.is_ascii_whitespace()
        || matches!(byte, 0 | b'/' | b'(' | b')' | b'<' | b'>' | b'[' | b']' | b'{' | b'}' | b'%')
}

/// What stands behind a key of a dictionary.
fn value<'a>(dictionary: &'a [u8], key: &[u8]) -> Option<&'a [u8]> {
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

fn number(text: &[u8]) -> usize {
    let digits = text.iter().take(9).take_while(|byte| byte.is_ascii_digit());
    digits.fold(0, |value, byte| value * 10 + usize::from(byte - b'0'))
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

/// What a font's codes show.
#[derive(Debug, Default)]
struct Codes {
    wide: bool,
    shown: HashMap<u16, char>,
}

/// The fonts of one document, as far as they are known; and what was shown in them before they were.
#[derive(Debug, Default)]
pub(super) struct Fonts {
    /// Objects that something refers to by a name.
    named: HashMap<Vec<u8>, Vec<u32>>,
    /// Of a font, the stream that says what its codes show.
    streams: HashMap<u32, u32>,
    codes: HashMap<u32, Codes>,
    late: Vec<(Vec<u8>, Vec<u8>)>,
    late_bytes: usize,
    /// Of a font, bytes shown before it was known that are not kept.
    dropped: HashMap<Vec<u8>, u64>,
    /// Bytes of objects and tables that are not kept.
    cut: u64,
}

impl Fonts {
    /// Reads objects that stand one after the other.
    pub(super) fn read(&mut self, text: &[u8]) {
        let mut starts: Vec<usize> = memchr::memmem::find_iter(text, b" obj").collect();
        starts.push(text.len());
        for pair in starts.windows(2) {
            if let [start, end] = *pair {
                self.object(number_before(text, start), text.get(start..end).unwrap_or_default());
            }
        }
    }

    /// Reads objects that are packed together, the first of which stands at `first`.
    pub(super) fn read_packed(&mut self, text: &[u8], first: usize) {
        let header = text.get(..first).unwrap_or_default();
        let words = header.split(|byte| byte.is_ascii_whitespace()).filter(|word| !word.is_empty());
        let numbers: Vec<usize> = words.map(number).collect();
        let ends = numbers.chunks_exact(2).skip(1).map(|pair| pair.last().copied()).chain([None]);
        for (pair, end) in numbers.chunks_exact(2).zip(ends) {
            if let [object, offset] = *pair {
                let end = end.map_or(text.len(), |end| first + end);
                let body = plain_names(text.get(first + offset..end).unwrap_or_default());
                self.object(u32::try_from(object).unwrap_or_default(), &body);
            }
        }
    }

    /// Takes `/Name 12 0 R` out of an object.
    fn object(&mut self, number_of: u32, text: &[u8]) {
        let mut words = text
            .split(|byte| byte.is_ascii_whitespace() || matches!(byte, b'<' | b'>' | b'[' | b']'))
            .filter(|word| !word.is_empty());
        let mut last: [&[u8]; 3] = [b"", b"", b""];
        for word in words.by_ref() {
            // `/F1 12 0 R/F2 13 0 R`: a name may begin right behind.
            let (word, next) = match memchr::memchr(b'/', word.get(1..).unwrap_or_default()) {
                Some(at) => word.split_at(at + 1),
                None => (word, &b""[..]),
            };
            if word == b"R"
                && let ([b'/', name @ ..], object) = (last[0], number(last[1]))
            {
                self.refers(number_of, name, u32::try_from(object).unwrap_or_default());
            }
            last = [last[1], last[2], word];
            if !next.is_empty() {
                last = [last[1], last[2], next];
            }
        }
    }

    fn refers(&mut self, from: u32, name: &[u8], to: u32) {
        // Names may stand in a row: `/Type/Font/ToUnicode 7 0 R`.
        let name = name.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        if name == b"ToUnicode" {
            if self.streams.len() < PDF_OBJECTS {
                self.streams.insert(from, to);
            }
        } else if self.named.len() < PDF_OBJECTS {
            let known = self.named.entry(name.to_vec()).or_default();
            if known.len() < 8 && !known.contains(&to) {
                known.push(to);
            }
        }
    }

    /// Reads what the codes of a font show.
    pub(super) fn characters(&mut self, number: u32, text: &[u8]) {
        if self.codes.len() >= PDF_OBJECTS {
            return;
        }
        let mut codes = Codes::default();
        let mut rest = text;
        while let Some(at) = memchr::memmem::find(rest, b"begin") {
            rest = rest.get(at + 5..).unwrap_or_default();
            let end = memchr::memmem::find(rest, b"end").unwrap_or(rest.len());
            let block = rest.get(..end).unwrap_or_default();
            if block.starts_with(b"codespacerange") {
                codes.wide = strings(block).first().is_some_and(|code| code.len() > 1);
            } else if block.starts_with(b"bfchar") {
                for pair in strings(block).chunks_exact(2) {
                    if let [code, shown] = pair {
                        codes.add(word(code), word(shown));
                    }
                }
            } else if block.starts_with(b"bfrange") {
                codes.ranges(block);
            } else {
                continue;
            }
            rest = rest.get(end..).unwrap_or_default();
        }
        self.codes.insert(number, codes);
    }

    fn of(&self, font: &[u8], codes: &[u8]) -> Option<Vec<u8>> {
        let objects = self.named.get(font)?;
        let known = objects.iter().filter_map(|object| self.codes.get(self.streams.get(object)?));
        known.map(|known| known.show(codes)).max_by_key(|(hits, _)| *hits).map(|(_, shown)| shown)
    }

    /// Shows codes of a font: as they are, and, if it turns out that they stand for others, late.
    pub(super) fn show(&mut self, font: &[u8], codes: &[u8], out: &mut Vec<u8>) {
        if let Some(shown) = self.of(font, codes) {
            out.extend_from_slice(&shown);
            return;
        }
        out.extend(codes.iter().filter(|byte| **byte >= b' ' || **byte == b'\n'));
        if self.late_bytes + codes.len() <= PDF_LATE {
            self.late_bytes += codes.len();
            match self.late.last_mut().filter(|(last, _)| last == font) {
                Some((_, all)) => all.extend_from_slice(codes),
                None => self.late.push((font.to_vec(), codes.to_vec())),
            }
            return;
        }
        let is_full = self.dropped.len() >= PDF_OBJECTS;
        match self.dropped.get_mut(font) {
            Some(bytes) => *bytes += codes.len() as u64,
            None if is_full => self.cut += codes.len() as u64,
            None => drop(self.dropped.insert(font.to_vec(), codes.len() as u64)),
        }
    }

    /// So many bytes that could say what codes show are not kept.
    pub(super) fn miss(&mut self, bytes: u64) {
        self.cut += bytes;
    }

    /// Bytes of which nobody knows what they show: their font was known too late, or could not be read whole.
    pub(super) fn missed(&self) -> u64 {
        let dropped = self.dropped.iter().filter(|(font, _)| self.of(font, b"").is_some());
        self.cut + dropped.map(|(_, bytes)| bytes).sum::<u64>()
    }

    /// What was shown before its font was known.
    pub(super) fn late(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        for (font, codes) in std::mem::take(&mut self.late) {
            match self.of(&font, &codes).filter(|shown| *shown != codes) {
                Some(shown) => out.extend_from_slice(&shown),
                None if font.is_empty() && codes.iter().all(|byte| *byte == b' ') => out.push(b' '),
                None => out.push(b'\n'),
            }
        }
        if out.iter().all(|byte| byte.is_ascii_whitespace()) {
            out.clear();
        }
        out
    }
}

impl Codes {
    fn add(&mut self, code: u32, shown: u32) {
        if let (Ok(code), Some(shown)) = (u16::try_from(code), char::from_u32(shown))
            && self.shown.len() < PDF_CODES
        {
            self.shown.insert(code, shown);
        }
    }

    /// `<01> <05> <0041>`, or with a list of as many.
    fn ranges(&mut self, block: &[u8]) {
        let list = memchr::memchr(b'[', block).is_some();
        let strings = strings(block);
        let mut at = 0;
        while let Some([from, to]) = strings.get(at..at + 2) {
            let (from, to) = (word(from), word(to).min(word(from).saturating_add(0xff)));
            at += 2;
            if list {
                for code in from..=to {
                    let Some(shown) = strings.get(at) else { return };
                    self.add(code, word(shown));
                    at += 1;
                }
            } else {
                let Some(shown) = strings.get(at) else { return };
                (from..=to).for_each(|code| self.add(code, word(shown).saturating_add(code - from)));
                at += 1;
            }
        }
    }

    /// What codes show, and how many of them are known.
    fn show(&self, codes: &[u8]) -> (usize, Vec<u8>) {
        let (mut hits, mut out) = (0, Vec::new());
        for code in codes.chunks(if self.wide { 2 } else { 1 }) {
            if let Some(shown) = self.shown.get(&u16::try_from(word(code)).unwrap_or_default()) {
                hits += 1;
                out.extend(shown.encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
        (hits, out)
    }
}

/// The hexadecimal strings of a text.
fn strings(text: &[u8]) -> Vec<Vec<u8>> {
    let mut out = Vec::new();
    for part in text.split(|byte| *byte == b'<').skip(1) {
        let end = memchr::memchr(b'>', part).unwrap_or(part.len());
        let mut kept = Vec::new();
        out.push(ascii_hex(&mut kept, part.get(..end).unwrap_or_default()));
    }
    out
}

/// A code, or the first character of what it shows.
fn word(code: &[u8]) -> u32 {
    code.iter().take(2).fold(0, |value, byte| value << 8 | u32::from(*byte))
}
