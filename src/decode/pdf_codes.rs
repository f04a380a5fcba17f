//! What the codes of one font of a PDF document show, in a small table.

use super::pdf_object::{ends_name, number};

/// Codes that follow each other and show characters that do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Range {
    from: u16,
    to: u16,
    shown: u32,
}

/// What the codes of a font show.
#[derive(Debug, Default)]
pub(super) struct Codes {
    wide: bool,
    /// Whether a code that is not named shows itself.
    plain: bool,
    /// In order, none of them in another.
    ranges: Box<[Range]>,
}

/// Two bytes number so many.
const ALL: usize = 1 << 16;

impl Codes {
    /// Bytes of one range.
    pub(super) const RANGE: usize = size_of::<Range>();

    /// Reads what a stream says of them.
    pub(super) fn read(text: &[u8]) -> Codes {
        let (mut wide, mut ranges, mut rest) = (false, Vec::new(), text);
        while let Some(at) = memchr::memmem::find(rest, b"begin") {
            rest = rest.get(at + 5..).unwrap_or_default();
            let end = memchr::memmem::find(rest, b"end").unwrap_or(rest.len());
            let block = rest.get(..end).unwrap_or_default();
            if block.starts_with(b"codespacerange") {
                wide = strings(block).first().is_some_and(|(_, length)| *length > 1);
            } else if block.starts_with(b"bfchar") {
                for pair in strings(block).chunks_exact(2) {
                    if let [(code, _), (shown, _)] = *pair {
                        ranges.push(Range { from: code, to: code, shown: u32::from(shown) });
                    }
                }
            } else if block.starts_with(b"bfrange") {
                read_ranges(block, &mut ranges);
            } else {
                continue;
            }
            rest = rest.get(end..).unwrap_or_default();
        }
        Codes { wide, plain: false, ranges: in_order(ranges) }
    }

    /// Reads a list of numbers and names: `[65 /zero /one 97 /a]`. None where each digit and letter shows itself: most fonts
    /// name other dashes and quotes, and no value stands in these.
    pub(super) fn named(list: &[u8]) -> Option<Codes> {
        let end = memchr::memchr(b']', list).unwrap_or(list.len());
        let (mut ranges, mut code) = (Vec::new(), 0u16);
        let list = list.get(..end).unwrap_or_default();
        let mut at = 0;
        while let Some(rest) = list.get(at..).filter(|rest| !rest.is_empty()) {
            let is_name = rest.starts_with(b"/");
            let begin = usize::from(is_name);
            let behind = rest.get(begin..).unwrap_or_default();
            let length = behind.iter().position(|byte| ends_name(*byte)).unwrap_or(behind.len());
            let word = behind.get(..length).unwrap_or_default();
            if is_name {
                if let Some(shown) = glyph(word).filter(|shown| u32::from(*shown) != u32::from(code)) {
                    ranges.push(Range { from: code, to: code, shown: u32::from(shown) });
                }
                code = code.wrapping_add(1);
            } else if word.first().is_some_and(u8::is_ascii_digit) {
                code = u16::try_from(number(word)).unwrap_or_default();
            }
            at += (begin + length).max(1);
        }
        ranges.truncate(ALL);
        let is_plain = |code: u32| u8::try_from(code).is_ok_and(|byte| byte.is_ascii_alphanumeric());
        let matters = |range: &Range| is_plain(range.shown) || is_plain(u32::from(range.from));
        ranges.iter().any(matters).then(|| Codes { wide: false, plain: true, ranges: in_order(ranges) })
    }

    /// Whether digits and letters show themselves, and nothing else shows one.
    pub(super) fn is_plain(&self) -> bool {
        let beside = |from: u32, to: u32| to < u32::from(b'0') || from > u32::from(b'z');
        !self.wide
            && self.ranges.iter().all(|range| {
                let (from, to) = (u32::from(range.from), u32::from(range.to));
                range.shown == from || beside(from, to) && beside(range.shown, range.shown + (to - from))
            })
    }

    /// How many ranges there are.
    pub(super) fn ranges(&self) -> usize {
        self.ranges.len()
    }

    /// What strings of codes show, and how many of these are known.
    pub(super) fn show(&self, strings: &[&[u8]]) -> (usize, Vec<u8>) {
        let (mut hits, mut out) = (0, Vec::new());
        for code in strings.iter().flat_map(|codes| codes.chunks(if self.wide { 2 } else { 1 })) {
            let code = code.iter().fold(0, |value, byte| value << 8 | u16::from(*byte));
            if let Some(shown) = self.get(code) {
                hits += 1;
                out.extend(shown.encode_utf8(&mut [0; 4]).as_bytes());
            } else if let (true, Ok(code @ b' '..)) = (self.plain, u8::try_from(code)) {
                out.push(code);
            }
        }
        (hits, out)
    }

    fn get(&self, code: u16) -> Option<char> {
        let at = self.ranges.partition_point(|range| range.to < code);
        let range = self.ranges.get(at).filter(|range| range.from <= code)?;
        char::from_u32(range.shown + u32::from(code - range.from))
    }
}

/// `<01> <05> <0041>`, or with a list of as many.
fn read_ranges(block: &[u8], ranges: &mut Vec<Range>) {
    let list = memchr::memchr(b'[', block).is_some();
    let strings = strings(block);
    let mut at = 0;
    while let Some(&[(from, _), (to, _)]) = strings.get(at..at + 2) {
        let to = to.min(from.saturating_add(0xff));
        at += 2;
        if list {
            for code in from..=to {
                let Some((shown, _)) = strings.get(at) else { return };
                ranges.push(Range { from: code, to: code, shown: u32::from(*shown) });
                at += 1;
            }
        } else {
            let Some((shown, _)) = strings.get(at) else { return };
            if from <= to {
                ranges.push(Range { from, to, shown: u32::from(*shown) });
            }
            at += 1;
        }
    }
}

/// The same in order, each code once, as it was said last.
fn in_order(ranges: Vec<Range>) -> Box<[Range]> {
    let is_in_order = ranges.windows(2).all(|pair| matches!(pair, [before, after] if before.to < after.from));
    let mut out: Vec<Range> = Vec::new();
    let mut add = |range: Range| match out.last_mut() {
        Some(last)
            if u32::from(last.to) + 1 == u32::from(range.from)
                && last.shown + u32::from(range.from - last.from) == range.shown =>
        {
            last.to = range.to;
        }
        _ => out.push(range),
    };
    if is_in_order {
        ranges.into_iter().for_each(add);
    } else {
        let mut all = vec![u32::MAX; ALL];
        for range in &ranges {
            let codes = all.iter_mut().take(usize::from(range.to) + 1).skip(usize::from(range.from));
            codes.zip(range.shown..).for_each(|(to, shown)| *to = shown);
        }
        for (code, shown) in (0..=u16::MAX).zip(all).filter(|(_, shown)| *shown != u32::MAX) {
            add(Range { from: code, to: code, shown });
        }
    }
    out.into_boxed_slice()
}

/// The hexadecimal strings of a text: the first two bytes of each, a code or what it shows, and its length.
fn strings(text: &[u8]) -> Vec<(u16, usize)> {
    let mut out = Vec::new();
    for part in text.split(|byte| *byte == b'<').skip(1) {
        let end = memchr::memchr(b'>', part).unwrap_or(part.len());
        let part = part.get(..end).unwrap_or_default();
        let digits = || part.iter().filter_map(|byte| char::from(*byte).to_digit(16));
        let count = digits().count();
        // A digit that is missing is a nought.
        let length = count.div_ceil(2);
        let first = digits().chain([0]).take((2 * length).min(4));
        let value = first.fold(0u16, |value, digit| value << 4 | u16::try_from(digit).unwrap_or_default());
        out.push((value, length));
    }
    out
}

/// The character of ASCII that a glyph of this name shows: `/seven`, `/A`, `/uni0037`, `/seven.tnum`.
fn glyph(name: &[u8]) -> Option<char> {
    let name = name.split(|byte| *byte == b'.').next().unwrap_or_default();
    if let [letter @ (b'a'..=b'z' | b'A'..=b'Z')] = name {
        return Some(char::from(*letter));
    }
    if let Some(&(_, shown)) = GLYPHS.iter().find(|(known, _)| known.as_bytes() == name) {
        return Some(shown);
    }
    let digits = name.strip_prefix(b"uni").or_else(|| name.strip_prefix(b"u"))?;
    let digits = std::str::from_utf8(digits).ok().filter(|digits| (4..=6).contains(&digits.len()))?;
    u32::from_str_radix(digits, 16).ok().and_then(char::from_u32)
}

const GLYPHS: [(&str, char); 46] = [
    ("space", ' '),
    ("zero", '0'),
    ("one", '1'),
    ("two", '2'),
    ("three", '3'),
    ("four", '4'),
    ("five", '5'),
    ("six", '6'),
    ("seven", '7'),
    ("eight", '8'),
    ("nine", '9'),
    ("hyphen", '-'),
    ("minus", '-'),
    ("endash", '-'),
    ("period", '.'),
    ("comma", ','),
    ("colon", ':'),
    ("semicolon", ';'),
    ("slash", '/'),
    ("at", '@'),
    ("underscore", '_'),
    ("plus", '+'),
    ("equal", '='),
    ("numbersign", '#'),
    ("ampersand", '&'),
    ("percent", '%'),
    ("dollar", '$'),
    ("asterisk", '*'),
    ("exclam", '!'),
    ("question", '?'),
    ("parenleft", '('),
    ("parenright", ')'),
    ("bracketleft", '['),
    ("bracketright", ']'),
    ("braceleft", '{'),
    ("braceright", '}'),
    ("less", '<'),
    ("greater", '>'),
    ("bar", '|'),
    ("backslash", '\\'),
    ("quotedbl", '"'),
    ("quotesingle", '\''),
    ("grave", '`'),
    ("asciitilde", '~'),
    ("asciicircum", '^'),
    ("nbspace", ' '),
];
