//! Which characters the fonts of a PDF document show, and what was shown in them before that was known.

use std::collections::{BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hasher};

use super::pdf_codes::Codes;
use super::pdf_object::{number, number_before, plain_names, value};
use super::unpack::Halt;
use crate::limits::{DECODE_WINDOW, PDF_CODES, PDF_LATE, PDF_OBJECTS};

/// Longest name; the standard allows no longer ones.
const NAME: usize = 127;
/// Fonts of one name that are told from each other.
const NAMESAKES: usize = 8;

/// A font as a page calls it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Name(u64);

impl Name {
    /// None, in which blanks between texts are shown.
    pub(super) const NONE: Name = Name(0);

    pub(super) fn of(name: &[u8]) -> Name {
        let mut hasher = DefaultHasher::new();
        hasher.write(name.get(..name.len().min(NAME)).unwrap_or_default());
        Name(hasher.finish())
    }
}

/// The fonts of one document, as far as they are known; and what was shown in them before they were.
#[derive(Debug, Default)]
pub(super) struct Fonts {
    /// Objects that something refers to by a name.
    named: BTreeSet<(Name, u32)>,
    /// Of a font, the stream that says what its codes show.
    streams: HashMap<u32, u32>,
    /// Of a font, the object that names what its codes show, unless it does so itself.
    encodings: HashMap<u32, u32>,
    codes: HashMap<u32, Codes>,
    /// Ranges in all of these.
    ranges: usize,
    /// Whether there is no room for more.
    full_of_codes: bool,
    late: Late,
    /// Of a font, bytes shown before it was known that are not kept.
    dropped: HashMap<Name, u64>,
    /// Bytes of objects and tables that are not kept.
    cut: u64,
    /// Whether there are more names than are kept.
    full: bool,
}

/// What was shown in fonts that were not known.
#[derive(Debug, Default)]
struct Late {
    fonts: Vec<Name>,
    numbers: HashMap<Name, usize>,
    /// For each string the number of its font, its length, and its codes.
    runs: Vec<u8>,
}

impl Fonts {
    /// Reads objects that stand one after the other; what stands before the first of them goes on with one of this number.
    /// Gives the number of the last.
    pub(super) fn read(&mut self, text: &[u8], mut open: u32) -> u32 {
        let mut begin = 0;
        for start in memchr::memmem::find_iter(text, b" obj") {
            self.object(open, text.get(begin..start).unwrap_or_default());
            open = number_before(text, start);
            begin = start;
        }
        self.object(open, text.get(begin..).unwrap_or_default());
        open
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
        if let Some(codes) = value(text, b"/Differences").and_then(Codes::named) {
            self.insert(number_of, codes, text.len());
        }
        let words = text
            .split(|byte| byte.is_ascii_whitespace() || matches!(byte, b'<' | b'>' | b'[' | b']'))
            .filter(|word| !word.is_empty());
        let mut last: [&[u8]; 3] = [b"", b"", b""];
        for word in words {
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
        let name = name.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        let known = match name {
            b"ToUnicode" => Some(&mut self.streams),
            b"Encoding" => Some(&mut self.encodings),
            _ => None,
        };
        if let Some(known) = known {
            if known.len() < PDF_OBJECTS || known.contains_key(&from) {
                known.insert(from, to);
            } else {
                self.cut += 1;
            }
            return;
        }
        let name = Name::of(name);
        if self.named.contains(&(name, to)) || self.namesakes(name).count() >= NAMESAKES {
            return;
        }
        if self.named.len() < PDF_OBJECTS {
            self.named.insert((name, to));
        } else {
            self.full = true;
        }
    }

    fn namesakes(&self, font: Name) -> impl Iterator<Item = u32> {
        self.named.range((font, 0)..=(font, u32::MAX)).map(|(_, object)| *object)
    }

    /// Reads what the codes of a font show.
    pub(super) fn characters(&mut self, number: u32, text: &[u8]) {
        // Where there is no room for another, none is read.
        let codes = if self.full_of_codes { Codes::default() } else { Codes::read(text) };
        self.insert(number, codes, text.len());
    }

    /// What the codes of a font show was said in so many bytes.
    fn insert(&mut self, number: u32, codes: Codes, bytes: usize) {
        self.ranges -= self.codes.remove(&number).map_or(0, |known| known.ranges());
        if self.codes.len() >= PDF_OBJECTS || self.ranges + codes.ranges() > PDF_CODES {
            self.full_of_codes = true;
        }
        if self.full_of_codes {
            self.cut += bytes as u64;
        } else {
            self.ranges += codes.ranges();
            self.codes.insert(number, codes);
        }
    }

    /// What strings of a font show, if it is known.
    fn of(&self, font: Name, strings: &[&[u8]]) -> Option<Vec<u8>> {
        let known = self.namesakes(font).filter_map(|object| {
            let by_stream = self.streams.get(&object).and_then(|stream| self.codes.get(stream));
            by_stream.or_else(|| self.codes.get(self.encodings.get(&object).unwrap_or(&object)))
        });
        known.map(|known| known.show(strings)).max_by_key(|(hits, _)| *hits).map(|(_, shown)| shown)
    }

    /// Shows codes of a font: as they are, and, if it turns out that they stand for others, late.
    pub(super) fn show(&mut self, font: Name, codes: &[u8], out: &mut Vec<u8>) {
        if let Some(shown) = self.of(font, &[codes]) {
            out.extend_from_slice(&shown);
            return;
        }
        out.extend(codes.iter().filter(|byte| **byte >= b' ' || **byte == b'\n'));
        if self.late.keep(font, codes) {
            return;
        }
        let is_full = self.dropped.len() >= PDF_OBJECTS;
        match self.dropped.get_mut(&font) {
            Some(bytes) => *bytes += codes.len() as u64,
            None if is_full => self.cut += codes.len() as u64,
            None => drop(self.dropped.insert(font, codes.len() as u64)),
        }
    }

    /// So many bytes that could say what codes show are not kept.
    pub(super) fn miss(&mut self, bytes: u64) {
        self.cut += bytes;
    }

    /// Bytes of which nobody knows what they show: their font was known too late, or could not be read whole.
    pub(super) fn missed(&self) -> u64 {
        // Those that only name their characters show most as they are, which was seen.
        let table = |object: u32| self.codes.get(self.streams.get(&object)?);
        let has_table = |object: u32| table(object).is_some_and(|codes| !codes.is_plain());
        let is_unnamed =
            |font: Name| self.full && font != Name::NONE && self.namesakes(font).next().is_none();
        let is_missed = |font: Name| self.namesakes(font).any(has_table) || is_unnamed(font);
        let dropped = self.dropped.iter().filter(|(font, _)| is_missed(**font));
        let unnamed = self.late.fonts.iter().filter(|font| is_unnamed(**font));
        self.cut + dropped.map(|(_, bytes)| bytes).sum::<u64>() + unnamed.count() as u64
    }

    /// Tells what was shown before its font was known, in pieces. Nothing where all of that was seen as it is.
    pub(super) fn late(&mut self, tell: &mut dyn FnMut(&[u8]) -> Result<(), Halt>) -> Result<(), Halt> {
        let late = std::mem::take(&mut self.late);
        let (mut out, mut runs, mut told) = (Vec::new(), late.runs.as_slice(), false);
        while let Some((font, strings, rest)) = next_run(runs) {
            runs = rest;
            let font = late.fonts.get(font).copied().unwrap_or_default();
            match self.of(font, &strings).filter(|shown| *shown != strings.concat()) {
                Some(shown) => out.extend_from_slice(&shown),
                None if font == Name::NONE && strings.iter().all(|codes| *codes == b" ") => out.push(b' '),
                None => out.push(b'\n'),
            }
            if out.len() >= DECODE_WINDOW {
                // Blanks before all else tell nothing.
                told |= !out.iter().all(u8::is_ascii_whitespace);
                if told {
                    tell(&out)?;
                }
                out.clear();
            }
        }
        self.late.fonts = late.fonts;
        if told || !out.iter().all(u8::is_ascii_whitespace) { tell(&out) } else { Ok(()) }
    }

    /// Memory that it takes.
    pub(super) fn bytes(&self) -> usize {
        let names = self.late.fonts.len() + self.dropped.len();
        self.named.len() * 24
            + (self.streams.len() + self.encodings.len() + names) * 32
            + self.codes.len() * (size_of::<Codes>() + 16)
            + self.ranges * Codes::RANGE
            + self.late.runs.capacity()
    }
}

impl Late {
    /// Keeps a string, if there is room for it.
    fn keep(&mut self, font: Name, codes: &[u8]) -> bool {
        let number = match self.numbers.get(&font) {
            Some(number) => *number,
            None if self.fonts.len() >= PDF_OBJECTS => return false,
            None => {
                self.fonts.push(font);
                self.numbers.insert(font, self.fonts.len() - 1);
                self.fonts.len() - 1
            }
        };
        if self.runs.len() + codes.len() + 6 > PDF_LATE {
            return false;
        }
        for number in [number, codes.len()] {
            self.runs.extend(packed(number));
        }
        self.runs.extend_from_slice(codes);
        true
    }
}

/// A number in as few bytes as it needs.
fn packed(mut number: usize) -> impl Iterator<Item = u8> {
    let mut goes_on = true;
    std::iter::from_fn(move || {
        let byte = u8::try_from(number & 0x7f).unwrap_or_default();
        let is_there = std::mem::replace(&mut goes_on, number > 0x7f);
        number >>= 7;
        is_there.then_some(byte | u8::from(goes_on) << 7)
    })
}

fn unpacked(runs: &[u8]) -> Option<(usize, &[u8])> {
    let end = runs.iter().position(|byte| *byte < 0x80)? + 1;
    let (number, rest) = runs.split_at_checked(end)?;
    Some((number.iter().rev().fold(0, |number, byte| number << 7 | usize::from(byte & 0x7f)), rest))
}

/// The number of a font, strings in it, and what is behind them.
type Run<'a> = (usize, Vec<&'a [u8]>, &'a [u8]);

/// The strings that stand first in one font.
fn next_run(mut runs: &[u8]) -> Option<Run<'_>> {
    let (mut strings, mut bytes) = (Vec::new(), 0);
    let (font, _) = unpacked(runs)?;
    while let Some((_, rest)) = unpacked(runs).filter(|(other, _)| *other == font && bytes < DECODE_WINDOW) {
        let (length, rest) = unpacked(rest)?;
        let (codes, rest) = rest.split_at_checked(length)?;
        strings.push(codes);
        bytes += length;
        runs = rest;
    }
    Some((font, strings, runs))
}
