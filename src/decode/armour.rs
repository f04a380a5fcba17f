//! Text in the clothes of letters and digits: base64, its URL-safe twin, and hexadecimal runs.

use super::escape::Kind;
use super::{probe, signs, utf16};
use crate::limits::{ARMOUR_JUDGED, ARMOUR_LEAST, PROBED};

/// Shortest line of digits that goes on behind a line end.
pub(super) const LINE_LEAST: usize = 40;
/// How far lines of digits may be indented.
const INDENT: usize = 64;

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The value of each digit of either alphabet; 64 for what is none.
const VALUES: [u8; 256] = {
    let mut values = [64; 256];
    let mut at = 0;
    while at < 64 {
        values[DIGITS[at] as usize] = at as u8;
        at += 1;
    }
    values[b'-' as usize] = 62;
    values[b'_' as usize] = 63;
    values
};

pub(super) fn is_digit(byte: u8) -> bool {
    VALUES[usize::from(byte)] < 64
}

/// How many digits `text` begins with. Long runs are looked at in pieces, which the compiler takes in one step each.
pub(super) fn digits(text: &[u8]) -> usize {
    let (pieces, _) = text.as_chunks::<32>();
    let whole =
        pieces.iter().take_while(|piece| piece.iter().fold(true, |all, byte| all & is_plain(*byte))).count();
    let rest = text.get(32 * whole..).unwrap_or_default();
    32 * whole + rest.iter().take_while(|byte| is_digit(**byte)).count()
}

/// The same as [`is_digit`], by comparisons alone.
fn is_plain(byte: u8) -> bool {
    let letter = (byte | 0x20).wrapping_sub(b'a') < 26;
    let number = byte.wrapping_sub(b'0') < 10;
    letter | number | (byte == b'+') | (byte == b'/') | (byte == b'-') | (byte == b'_')
}

/// The first run of enough digits from `at` on, `at` being no place inside one; or where one begins that reaches the
/// end.
pub(super) fn seek(text: &[u8], at: usize) -> Result<usize, usize> {
    let mut start = at;
    // Every run that counts covers the last place of a stretch of its least length.
    while let Some(stretch) = text.get(start..start + ARMOUR_LEAST) {
        let gap = last_mark(stretch).or_else(|| stretch.iter().rposition(|byte| !is_digit(*byte)));
        match gap {
            None => return Ok(start),
            Some(gap) => start += gap + 1,
        }
    }
    let rest = text.get(start..).unwrap_or_default();
    Err(start + rest.iter().rposition(|byte| !is_digit(*byte)).map_or(0, |gap| gap + 1))
}

/// The last of the last eight bytes that is below all digits: a space, a quote, a line end. The most common gaps are
/// found by one look.
fn last_mark(stretch: &[u8]) -> Option<usize> {
    const ONES: u64 = u64::MAX / 0xff;
    const LEAST: u64 = 0x2b;
    let word = u64::from_le_bytes(*stretch.last_chunk::<8>()?);
    // The highest bit of each byte: set unless the byte is less.
    let reaches = ((word & (0x7f * ONES)) + (0x80 - LEAST) * ONES) | word;
    let less = !reaches & (0x80 * ONES);
    (less != 0).then(|| stretch.len() - 1 - (less.leading_zeros() / 8) as usize)
}

/// How many of a run's first digits say no more than that hexadecimal ones follow: `0x` of programs and databases, and the
/// `x` behind a backslash.
pub(super) fn mark(run: &[u8]) -> usize {
    let (mark, digits) = match run {
        [b'0', b'x' | b'X', digits @ ..] => (2, digits),
        [b'x' | b'X', digits @ ..] => (1, digits),
        _ => return 0,
    };
    if hex_digits(digits) == digits.len() || hex_digits(digits) >= ARMOUR_LEAST { mark } else { 0 }
}

/// How many hexadecimal digits `text` begins with.
fn hex_digits(text: &[u8]) -> usize {
    text.iter().take_while(|byte| byte.is_ascii_hexdigit()).count()
}

/// How many of a run's first digits are the end of an escape that begins with the byte before it.
pub(super) fn lead(before: Option<u8>, run: &[u8]) -> usize {
    let are_hex = |digits: &[u8]| digits.iter().all(u8::is_ascii_hexdigit);
    match (before, run) {
        (Some(b'%'), [a, b, ..]) if are_hex(&[*a, *b]) => 2,
        (Some(b'\\'), [b'u', a, b, c, d, ..]) if are_hex(&[*a, *b, *c, *d]) => 5,
        (Some(b'\\'), [b'n' | b'r' | b't' | b'b' | b'f', ..]) => 1,
        _ => 0,
    }
}

/// What parts words, and is a digit of one of the alphabets.
fn is_mark(byte: &u8) -> bool {
    matches!(byte, b'/' | b'-' | b'_' | b'+')
}

/// Where in a run that stands for nothing another may begin, going by its first digits: behind a mark that parts words, as
/// in `items/eyJ…`, with enough other digits behind it. Of ASCII hardly any text holds a mark in its own digits.
pub(super) fn behind_mark(opening: &[u8]) -> Option<usize> {
    let mut from = opening.iter().position(is_mark)? + 1;
    let found = loop {
        let rest = opening.get(from..).unwrap_or_default();
        match rest.iter().position(is_mark) {
            // The head of what is packed holds marks of its own.
            Some(_) if PACKED.iter().any(|begin| rest.starts_with(begin)) => break from,
            Some(plain) if plain >= ARMOUR_LEAST => break from,
            Some(plain) => from += plain + 1,
            // More of it may follow.
            None if opening.len() >= ARMOUR_JUDGED && !rest.is_empty() => break from,
            None if rest.len() >= ARMOUR_LEAST => break from,
            None => return None,
        }
    };
    is_of_words(opening.get(..found)?).then_some(found)
}

/// Whether digits may be words, or hexadecimal ones: a capital behind a small letter is rare in them, and every sixth of
/// those that stand for noise.
fn is_of_words(digits: &[u8]) -> bool {
    let is_hump = |two: &&[u8]| two[0].is_ascii_lowercase() && two[1].is_ascii_uppercase();
    digits.windows(2).filter(is_hump).count() <= HUMPS + digits.len() / 16
}

/// So many in any words.
const HUMPS: usize = 2;

/// What gzip, zip, zstd and PDF begin with in base64.
const PACKED: [&[u8]; 4] = [b"H4sI", b"UEsD", b"KLUv", b"JVBE"];

/// Whether what a run stands for leaves no doubt: letters of Latin-1 alone make half of all bytes readable.
pub(super) fn is_clear(run: &[u8]) -> bool {
    let opening = Opening::of(run);
    let is_one =
        |kind| kind == Kind::Hex || opening.is_utf8() || utf16::recognise(opening.text(), None).is_some();
    opening.has_signature() || opening.judge().is_some_and(is_one)
}

/// How often one is looked for in one run.
pub(super) const BEHIND_MARKS: u8 = 4;

/// What a run is, going by its beginning, and whether what it stands for is packed.
pub(super) fn recognise(run: &[u8]) -> Option<(Kind, bool)> {
    let opening = Opening::of(run);
    match opening.packed() {
        // Digits of one can look like text of the other.
        Some(Kind::Hex) => Some((Kind::Hex, true)),
        // Most bytes of a stream may be letters of Latin-1; who reads what is packed reads it as a text, too.
        Some(kind) if opening.has_signature() || !opening.is_utf8() => Some((kind, true)),
        packed => opening.judge().map(|kind| (kind, false)).or(packed.map(|kind| (kind, true))),
    }
}

/// What a run is, going by its beginning: most of what it stands for must be readable.
pub(super) fn judge(run: &[u8]) -> Option<Kind> {
    Opening::of(run).judge()
}

/// How a run stands for something packed, if it does: zip, gzip, zstd, PDF, or deflate, by its beginning alone.
pub(super) fn packed(run: &[u8]) -> Option<Kind> {
    Opening::of(run).packed()
}

/// Kinds of digits, a bit each: those of ten, the others of hexadecimal ones, small and capital, the dash, all others.
const TEN: u8 = 1;
const SMALL: u8 = 2;
const CAPITAL: u8 = 4;
const DASH: u8 = 8;
const OTHER: u8 = 16;

const KINDS: [u8; 256] = {
    let mut kinds = [OTHER; 256];
    let mut at = 0;
    while at < 10 {
        kinds[b'0' as usize + at] = TEN;
        at += 1;
    }
    at = 0;
    while at < 6 {
        (kinds[b'a' as usize + at], kinds[b'A' as usize + at]) = (SMALL, CAPITAL);
        at += 1;
    }
    kinds[b'-' as usize] = DASH;
    kinds
};

/// The digits by which a run is judged.
struct Opening<'a> {
    run: &'a [u8],
    /// Which kinds are among them.
    kinds: u8,
    /// What they stand for as base64, if they can be that.
    bytes: [u8; PROBED],
    length: usize,
}

impl Opening<'_> {
    fn of(run: &[u8]) -> Opening<'_> {
        let run = run.get(..ARMOUR_JUDGED).unwrap_or(run);
        let kinds = run.iter().fold(0, |kinds, byte| kinds | KINDS[usize::from(*byte)]);
        let mut opening = Opening { run, kinds, bytes: [0; PROBED], length: 0 };
        if opening.may_be_base64() {
            let (quads, rest) = run.get(..PROBED / 3 * 4).unwrap_or(run).as_chunks::<4>();
            let mut threes = opening.bytes.as_chunks_mut::<3>().0.iter_mut();
            for (to, from) in threes.by_ref().zip(quads) {
                *to = three(*from);
            }
            opening.length = 3 * quads.len() + rest.len().saturating_sub(1);
            if let Some(to) = opening.bytes.as_chunks_mut::<3>().0.get_mut(quads.len()) {
                *to = bytes(rest);
            }
        }
        opening
    }

    fn is_hex(&self) -> bool {
        self.kinds & (DASH | OTHER) == 0
    }

    /// Whether it begins with enough hexadecimal digits for a run of their own, which a mark, or another letter, ends.
    fn begins_in_hex(&self) -> bool {
        hex_digits(self.run) >= ARMOUR_LEAST
    }

    /// Hexadecimal digits of one case and dashes are sums, UUIDs, keys. Of three bytes that four of them stand for as base64 the
    /// first is never a digit, and it is nothing of ASCII wherever an `@` is among them: no number and no address is written so.
    fn may_be_base64(&self) -> bool {
        self.kinds & OTHER != 0 || self.kinds & (SMALL | CAPITAL) == SMALL | CAPITAL
    }

    fn text(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    fn has_signature(&self) -> bool {
        let [a, b, c, d, e, ..] = self.bytes;
        self.may_be_base64() && begins_packed([a, b, c, d, e])
    }

    /// Whether what it stands for is a text in UTF-8, as far as it goes.
    fn is_utf8(&self) -> bool {
        std::str::from_utf8(self.text()).map_or_else(|error| error.error_len().is_none(), |_| true)
    }

    /// The bytes of hexadecimal digits, as far as they are ones.
    fn pairs(&self) -> Pairs {
        let mut bytes = [0; ARMOUR_JUDGED / 2];
        let pairs = self.run.chunks_exact(2).map_while(pair);
        let length = bytes.iter_mut().zip(pairs).map(|(to, from)| *to = from).count();
        Pairs { bytes, length }
    }

    fn judge(&self) -> Option<Kind> {
        if self.is_hex() {
            let pairs = self.pairs();
            let text = pairs.all();
            if is_text(text.get(..HEX_JUDGED).unwrap_or(text)) {
                return Some(Kind::Hex);
            }
        }
        let whole = self.length / 3 * 3;
        let is_base64 = self.may_be_base64() && is_text(&self.bytes[..whole]);
        if !self.is_hex() && self.begins_in_hex() && !(is_base64 && self.is_utf8()) {
            let pairs = self.pairs();
            let text = pairs.all();
            if std::str::from_utf8(text).is_ok() && is_text(text) {
                return Some(Kind::Hex);
            }
        }
        is_base64.then_some(Kind::Base64)
    }

    fn packed(&self) -> Option<Kind> {
        if self.has_signature() {
            return Some(Kind::Base64);
        }
        let pairs = self.pairs();
        if let [a, b, c, d, e, ..] = *pairs.all()
            && begins_packed([a, b, c, d, e])
        {
            return Some(Kind::Hex);
        }
        if self.is_hex() {
            return may_be_deflate(pairs.all()).then_some(Kind::Hex);
        }
        if self.begins_in_hex() && may_be_deflate(pairs.all()) {
            return Some(Kind::Hex);
        }
        (self.may_be_base64() && may_be_deflate(self.text())).then_some(Kind::Base64)
    }
}

/// What hexadecimal digits stand for.
struct Pairs {
    bytes: [u8; ARMOUR_JUDGED / 2],
    length: usize,
}

impl Pairs {
    fn all(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

/// Bytes of hexadecimal digits that tell whether they are a text.
const HEX_JUDGED: usize = 32;

fn may_be_deflate(bytes: &[u8]) -> bool {
    // The kind of its first block: two bits behind one.
    let begins = matches!(bytes, [a, b, ..] if matches!(a >> 1 & 3, 1 | 2) || probe::is_zlib(*a, *b));
    begins && probe::may_be_deflate(bytes)
}

fn begins_packed(bytes: [u8; 5]) -> bool {
    matches!(
        bytes,
        [b'P', b'K', 3, 4, _]
            | [0x1f, 0x8b, 8, ..]
            | [0x28, 0xb5, 0x2f, 0xfd, _]
            | [b'%', b'P', b'D', b'F', b'-']
    ) || signs::may_be_unopened(bytes)
}

/// Whether it is readable, or would be but for the halves of UTF-16.
fn is_text(opening: &[u8]) -> bool {
    match utf16::recognise(opening, None) {
        Some(_) => {
            let marked = opening.starts_with(&[0xff, 0xfe]) || opening.starts_with(&[0xfe, 0xff]);
            is_readable(opening.iter().copied().skip(2 * usize::from(marked)).filter(|byte| *byte != 0))
        }
        None => is_readable(opening.iter().copied()) || holds_strings(opening),
    }
}

/// Bytes of ASCII that stand together in what is mostly text, at least: binary formats keep strings as they are.
const STRING: usize = 8;

/// Whether more than half of it is ASCII, with a string in it: noise has one in thousands of times.
fn holds_strings(opening: &[u8]) -> bool {
    let (mut plain, mut own, mut longest) = (0, 0, 0);
    for byte in opening {
        own = if byte.is_ascii_graphic() || *byte == b' ' { own + 1 } else { 0 };
        plain += usize::from(own > 0);
        longest = longest.max(own);
    }
    longest >= STRING && plain * 5 >= opening.len() * 3
}

/// Most of it is letters, of any script in UTF-8, or of Latin-1.
pub(super) fn is_readable(bytes: impl Iterator<Item = u8>) -> bool {
    let (mut all, mut readable) = (0usize, 0);
    // More than a tenth of them lost, and one that the next byte could give back: what follows changes nothing.
    let hopeless = bytes.size_hint().1.map_or(usize::MAX, |most| most / 10 + 1);
    // Bytes that go on with a character, and what the last of them counts.
    let (mut behind, mut worth) = (0, 0);
    for byte in bytes {
        all += 1;
        if behind > 0 && (0x80..0xc0).contains(&byte) {
            readable += worth;
            (behind, worth) = (behind - 1, 1);
            continue;
        }
        (behind, worth) = match byte {
            0xc2 => (1, 2),
            0xc3..=0xdf => (1, 1),
            0xe0..=0xef => (2, 1),
            0xf0..=0xf4 => (3, 1),
            _ => (0, 0),
        };
        let blank = matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
        readable += usize::from(byte.is_ascii_graphic() || blank || byte >= 0xc3);
        if all - readable > hopeless {
            return false;
        }
    }
    all > 0 && readable * 10 >= all * 9
}

/// The value of each hexadecimal digit; 16 for what is none.
const NIBBLES: [u8; 256] = {
    let mut nibbles = [16; 256];
    let mut at = 0;
    while at < 16 {
        let digit = b"0123456789abcdef"[at];
        nibbles[digit as usize] = at as u8;
        nibbles[digit.to_ascii_uppercase() as usize] = at as u8;
        at += 1;
    }
    nibbles
};

/// The byte of two hexadecimal digits.
pub(super) fn pair(digits: &[u8]) -> Option<u8> {
    let [high, low] = digits.first_chunk()?.map(|digit| NIBBLES[usize::from(digit)]);
    (high | low < 16).then_some(high << 4 | low)
}

/// The bytes of four digits of base64.
fn three(digits: [u8; 4]) -> [u8; 3] {
    let [a, b, c, d] = digits.map(|digit| u32::from(VALUES[usize::from(digit)] & 63));
    let [_, a, b, c] = (a << 18 | b << 12 | c << 6 | d).to_be_bytes();
    [a, b, c]
}

/// The bytes of up to four digits of base64; as many of them count as there are digits less one.
pub(super) fn bytes(digits: &[u8]) -> [u8; 3] {
    let word = (0..4).fold(0u32, |word, at| {
        let value = digits.get(at).map_or(0, |digit| VALUES[usize::from(*digit)] & 63);
        word << 6 | u32::from(value)
    });
    let [_, a, b, c] = word.to_be_bytes();
    [a, b, c]
}

/// Whether the digits of a line go on behind the line end at the start of `rest`, and how long that is with what the next line
/// is indented by. `None`: what follows tells. `packed`: they stand for something packed, not for a text.
pub(super) fn joins(rest: &[u8], line: usize, kind: Kind, packed: bool, last: bool) -> Option<usize> {
    let of = if kind == Kind::Hex { 2 } else { 4 };
    if line < LINE_LEAST || !line.is_multiple_of(of) {
        return Some(0);
    }
    let length = match rest {
        [b'\n', ..] => 1,
        [b'\r', b'\n', ..] => 2,
        [] | [b'\r'] if !last => return None,
        _ => return Some(0),
    };
    let behind = rest.get(length..).unwrap_or_default();
    let indent = behind.iter().take(INDENT).take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    let next = behind.get(indent..).unwrap_or_default();
    let next = next.get(..ARMOUR_JUDGED).unwrap_or(next);
    let run = next.get(..digits(next)).unwrap_or_default();
    if run.len() == next.len() && next.len() < ARMOUR_JUDGED && !last {
        return None;
    }
    let goes_on = match kind {
        // Sums one below the other are no text, though by chance the first looks like one.
        Kind::Hex => is_hex(run) && (packed || is_text(Opening::of(run).pairs().all())),
        _ => packed || !begins_anew(run),
    };
    let goes_on = goes_on && !run.is_empty();
    Some(if goes_on { length + indent } else { 0 })
}

fn is_hex(run: &[u8]) -> bool {
    run.len().is_multiple_of(2) && run.iter().all(u8::is_ascii_hexdigit)
}

/// Whether a line of digits behind others is sure to be a run of its own: a text, or something packed.
fn begins_anew(run: &[u8]) -> bool {
    run.len() >= ARMOUR_LEAST
        && (Opening::of(run).has_signature()
            || judge(run.get(mark(run)..).unwrap_or_default()) == Some(Kind::Hex))
}

/// The text of a stretch of base64 that begins at a quad.
pub(super) fn decode(raw: &[u8]) -> Vec<u8> {
    let digits: Vec<u8> = raw.iter().copied().filter(|byte| is_digit(*byte)).collect();
    let mut text = Vec::with_capacity(digits.len());
    for quad in digits.chunks(4) {
        text.extend(bytes(quad).into_iter().take(quad.len().saturating_sub(1)));
    }
    text
}

/// `raw` with the digits of another text of the same length, in the alphabet that it uses.
pub(super) fn encode(raw: &[u8], text: &[u8]) -> Option<Vec<u8>> {
    let is_safe = raw.iter().any(|byte| matches!(byte, b'-' | b'_'));
    let mut digits = Vec::with_capacity(raw.len());
    for triple in text.chunks(3) {
        let word =
            (0..3).fold(0u32, |word, at| word << 8 | u32::from(triple.get(at).copied().unwrap_or_default()));
        for at in 0..=triple.len() {
            let digit = DIGITS[(word >> (18 - 6 * at) & 63) as usize];
            digits.push(match digit {
                b'+' if is_safe => b'-',
                b'/' if is_safe => b'_',
                digit => digit,
            });
        }
    }
    let mut digits = digits.into_iter();
    let out: Option<Vec<u8>> =
        raw.iter().map(|byte| if is_digit(*byte) { digits.next() } else { Some(*byte) }).collect();
    out.filter(|_| digits.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn runs_are_judged_by_what_they_stand_for() {
        let cases: [(&str, Option<Kind>); 9] = [
            // Full width, and Cyrillic.
            ("77yU77yV77yT77yZ77yR77yU77yY77yY", Some(Kind::Base64)),
            ("0L3QvtC80LXRgCDQutCw0YDRgtGL", Some(Kind::Base64)),
            ("eyJwYW4iOiI0NTM5IDE0ODggMDM0MyA2NDY3In0", Some(Kind::Base64)),
            ("343533392031343838203033343320363436377a", Some(Kind::Hex)),
            ("NDUzOTE0ODgwMzQzNjQ2Nw", Some(Kind::Base64)),
            ("da39a3ee5e6b4b0d3255bfef95601890afd80709", None),
            ("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAf", None),
            ("TheQuickBrownFoxJumpsOverTheLazyDog", None),
            ("45391488034364674539148803436467", None),
        ];
        for (run, expected) in cases {
            assert_eq!(judge(run.as_bytes()), expected, "{run}");
        }
    }

    #[test]
    fn runs_of_utf_16_and_of_what_is_packed_are_told() {
        let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
        let base64 = |text: &[u8]| {
            let blank = vec![b'A'; text.len().div_ceil(3) * 4 - (3 - text.len() % 3) % 3];
            encode(&blank, text).unwrap()
        };
        let hex =
            |text: &[u8]| text.iter().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect::<Vec<_>>();
        for text in ["write-host 4539", "\u{feff}write-host 4539"] {
            assert_eq!(judge(&base64(&utf16(text))), Some(Kind::Base64), "{text}");
            assert_eq!(judge(&hex(&utf16(text))), Some(Kind::Hex), "{text}");
        }
        assert_eq!(judge(&base64(b"\xff\xfe\x01\x02\x93\x84\x11\x90\x02\x01\x03\x07\x92\x17\x12")), None);
        for (start, count) in [(&b"PK\x03\x04"[..], 20), (b"\x1f\x8b\x08", 20), (b"\x28\xb5\x2f\xfd", 20)] {
            let bytes = [start, &vec![0; count]].concat();
            assert_eq!(packed(&base64(&bytes)), Some(Kind::Base64));
            assert_eq!(packed(&hex(&bytes)), Some(Kind::Hex));
        }
        assert_eq!(packed(b"AAAAAAAAAAAAAAAAAAAAAAAA"), None);
    }

    #[test]
    fn no_number_and_no_address_is_written_in_hexadecimal_digits_of_one_case() {
        let digits = [&b"0123456789abcdef-"[..], b"0123456789ABCDEF-"];
        for digits in digits {
            for (a, b, c, d) in
                digits.iter().flat_map(|a| digits.iter().map(move |b| (a, b))).flat_map(|(a, b)| {
                    digits.iter().flat_map(move |c| digits.iter().map(move |d| (*a, *b, *c, *d)))
                })
            {
                let [first, second, third] = three([a, b, c, d]);
                let is_address = first.is_ascii_graphic() && [first, second, third].contains(&b'@');
                assert!(!first.is_ascii_digit() && !is_address, "{a} {b} {c} {d}");
            }
        }
        for run in [
            "0b7f0de1-7a68-4b2e-9c3c-2f6d1b1f9f10",
            "DA39A3EE5E6B4B0D3255BFEF95601890AFD80709",
            "--------------------",
        ] {
            assert_eq!(recognise(run.as_bytes()), None, "{run}");
        }
    }

    #[test]
    fn runs_are_sought_from_anywhere() {
        let run = "A".repeat(ARMOUR_LEAST);
        for before in
            ["", "a b ", "short words and, ", "x".repeat(ARMOUR_LEAST - 1).as_str(), "aaaaaaaaaaaaaaaaaaa "]
        {
            let before = if before.is_empty() { String::new() } else { format!("{before} ") };
            assert_eq!(seek(format!("{before}{run} y").as_bytes(), 0), Ok(before.len()));
            assert_eq!(seek(format!("{before}{}", &run[1..]).as_bytes(), 0), Err(before.len()));
            assert_eq!(seek(format!("{before}{} ", &run[1..]).as_bytes(), 0), Err(before.len() + run.len()));
        }
    }

    #[test]
    fn long_runs_are_counted_as_short_ones() {
        for byte in 0..=u8::MAX {
            assert_eq!(is_plain(byte), is_digit(byte), "{byte}");
        }
        for length in 0..100 {
            for end in ["", " ", ";A", "\u{ff}"] {
                let text = format!("{}{end}", "aZ9+/-_".repeat(15).get(..length).unwrap());
                assert_eq!(digits(text.as_bytes()), length, "{text}");
            }
        }
    }

    proptest! {
        #[test]
        fn the_hopeless_are_given_up_early_and_nobody_else(
            text in prop::collection::vec(prop_oneof![8 => b'a'..=b'z', 1 => Just(0xc2), 1 => Just(0x80), 1 => any::<u8>()], 0..60),
        ) {
            let mut rest = text.iter().copied();
            let to_the_end = is_readable(std::iter::from_fn(|| rest.next()));
            prop_assert_eq!(is_readable(text.iter().copied()), to_the_end);
        }

        #[test]
        fn what_is_encoded_is_what_was_decoded(text in prop::collection::vec(any::<u8>(), 0..40), other in any::<u8>()) {
            let blank = vec![b'A'; text.len().div_ceil(3) * 4 - (3 - text.len() % 3) % 3];
            let raw = encode(&blank, &text).unwrap();
            prop_assert_eq!(decode(&raw), text.clone());
            let changed = vec![other; text.len()];
            prop_assert_eq!(decode(&encode(&raw, &changed).unwrap()), changed);
        }
    }
}
