//! Which of eight bytes are digits or word bytes, told at once and without a guess at where they end.

const EACH: u64 = 0x0101_0101_0101_0101;
/// The highest bit of each byte, and all others.
const TOP: u64 = EACH * 0x80;
const BELOW: u64 = !TOP;

/// The top bit of each byte that is at least `least`, of bytes below 128.
#[inline(always)]
const fn from(bytes: u64, least: u8) -> u64 {
    bytes + EACH * (0x80 - least as u64)
}

/// A bit for each byte with its top bit set, the first the lowest.
#[inline(always)]
const fn gathered(tops: u64) -> u64 {
    // Each is moved to the place of its byte in the highest byte.
    ((tops & TOP) >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56
}

/// A bit for each digit.
#[inline(always)]
pub(super) const fn digits(bytes: [u8; 8]) -> u64 {
    let bytes = u64::from_le_bytes(bytes);
    let low = bytes & BELOW;
    gathered(from(low, b'0') & !from(low, b'9' + 1) & !bytes)
}

/// A bit for each byte that may stand alone between two digits of one run.
#[inline(always)]
pub(super) const fn separators(bytes: [u8; 8]) -> u64 {
    let bytes = u64::from_le_bytes(bytes);
    let low = bytes & BELOW;
    let space = !from(low ^ (EACH * b' ' as u64), 1);
    let dash_dot_slash = from(low, b'-') & !from(low, b'/' + 1);
    gathered((space | dash_dot_slash) & !bytes)
}

/// A bit for each letter, digit and `_`.
#[inline(always)]
pub(super) const fn words(bytes: [u8; 8]) -> u64 {
    let bytes = u64::from_le_bytes(bytes);
    let low = bytes & BELOW;
    let folded = low | (EACH * 0x20);
    let letter = from(folded, b'a') & !from(folded, b'z' + 1);
    let digit = from(low, b'0') & !from(low, b'9' + 1);
    let line = !from(low ^ (EACH * b'_' as u64), 1);
    gathered((letter | digit | line) & !bytes)
}

#[cfg(test)]
mod tests {
    use super::super::anchor::is_separator;
    use super::*;

    #[test]
    fn every_byte_is_known_at_every_place() {
        let is_word = |b: &u8| b.is_ascii_alphanumeric() || *b == b'_';
        for (byte, place) in (0..=u8::MAX).flat_map(|byte| (0..8).map(move |place| (byte, place))) {
            let mut eight = *b"0a9/:\xb0\xb9_";
            eight[place] = byte;
            let bits =
                |of: &dyn Fn(&u8) -> bool| eight.iter().rev().fold(0, |all, b| all << 1 | u64::from(of(b)));
            assert_eq!(digits(eight), bits(&u8::is_ascii_digit), "{byte} {place}");
            assert_eq!(separators(eight), bits(&|b| is_separator(*b)), "{byte} {place}");
            assert_eq!(words(eight), bits(&is_word), "{byte} {place}");
        }
    }
}
