//! Text in the clothes of letters and digits: base64, its URL-safe twin, and hexadecimal runs.

use super::escape::Kind;
use crate::limits::{ARMOUR_JUDGED, ARMOUR_LEAST};

/// Shortest line of base64 that goes on behind a line end.
const LINE_LEAST: usize = 40;

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

/// What a run is, going by its beginning: most of what it stands for must be readable.
pub(super) fn judge(run: &[u8]) -> Option<Kind> {
    let run = run.get(..run.len().min(ARMOUR_JUDGED))?;
    if run.iter().all(u8::is_ascii_hexdigit) && is_readable(run.chunks_exact(2).filter_map(pair)) {
        return Some(Kind::Hex);
    }
    let quads = run.chunks_exact(4).flat_map(|quad| bytes(quad).into_iter().take(3));
    is_readable(quads).then_some(Kind::Base64)
}

/// Whether a run stands for something packed: zip, gzip, zstd, PDF.
pub(super) fn is_packed(run: &[u8]) -> bool {
    let begin = |quad: usize| run.get(4 * quad..4 * quad + 4).map_or([0; 3], bytes);
    let ([a, b, c], [d, e, _]) = (begin(0), begin(1));
    matches!(
        [a, b, c, d, e],
        [b'P', b'K', 3, 4, _]
            | [0x1f, 0x8b, 8, ..]
            | [0x28, 0xb5, 0x2f, 0xfd, _]
            | [b'%', b'P', b'D', b'F', b'-']
    )
}

fn is_readable(bytes: impl Iterator<Item = u8>) -> bool {
    let (mut all, mut readable) = (0, 0);
    for byte in bytes {
        all += 1;
        readable += usize::from(
            byte.is_ascii_graphic() || matches!(byte, b' ' | b'\t' | b'\r' | b'\n') || byte >= 0xc3,
        );
    }
    all > 0 && readable * 10 >= all * 9
}

/// The byte of two hexadecimal digits.
pub(super) fn pair(digits: &[u8]) -> Option<u8> {
    let digit = |at: usize| char::from(*digits.get(at)?).to_digit(16);
    u8::try_from(digit(0)? << 4 | digit(1)?).ok()
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

/// Whether the digits of a line go on behind the line end at the start of `rest`, and how long that is. `None`: what
/// follows tells.
pub(super) fn joins(rest: &[u8], line: usize, last: bool) -> Option<usize> {
    if line < LINE_LEAST || !line.is_multiple_of(4) {
        return Some(0);
    }
    let length = match rest {
        [b'\n', ..] => 1,
        [b'\r', b'\n', ..] => 2,
        [] | [b'\r'] if !last => return None,
        _ => return Some(0),
    };
    match rest.get(length) {
        Some(next) => Some(if is_digit(*next) { length } else { 0 }),
        None if last => Some(0),
        None => None,
    }
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
        let cases: [(&str, Option<Kind>); 7] = [
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
        fn what_is_encoded_is_what_was_decoded(text in prop::collection::vec(any::<u8>(), 0..40), other in any::<u8>()) {
            let blank = vec![b'A'; text.len().div_ceil(3) * 4 - (3 - text.len() % 3) % 3];
            let raw = encode(&blank, &text).unwrap();
            prop_assert_eq!(decode(&raw), text.clone());
            let changed = vec![other; text.len()];
            prop_assert_eq!(decode(&encode(&raw, &changed).unwrap()), changed);
        }
    }
}
