//! Numbers that people type when they need any number.

use super::Sweep;
use crate::detect::shape::Ends;

/// Read once for all ends that a long value may have.
pub(super) const SWEEPS: &[(&str, Sweep)] =
    &[("all-same", all_same_lengths), ("few-digits", few_lengths), ("sequential", sequential_lengths)];

fn values(text: &[u8]) -> impl Iterator<Item = u8> + Clone + '_ {
    text.iter().filter(|b| b.is_ascii_alphanumeric()).map(u8::to_ascii_uppercase)
}

pub(super) fn all_same(text: &[u8]) -> bool {
    let mut values = values(text);
    values.next().is_some_and(|first| values.all(|v| v == first))
}

fn all_same_lengths(text: &[u8]) -> Ends {
    let (mut lengths, mut first) = (Ends::NONE, None);
    for (length, byte) in (1..).zip(text) {
        if byte.is_ascii_alphanumeric() {
            let value = byte.to_ascii_uppercase();
            if *first.get_or_insert(value) != value {
                break;
            }
        }
        if first.is_some() {
            lengths.insert(length);
        }
    }
    lengths
}

/// Fewest digits of which it says anything that the others do not occur.
const FEW: usize = 12;

/// There are many digits, and none but 1 to 5.
pub(super) fn few(text: &[u8]) -> bool {
    let is_other = |byte: &u8| matches!(byte, b'0' | b'6'..=b'9');
    !text.iter().any(is_other) && text.iter().filter(|b| b.is_ascii_digit()).nth(FEW - 1).is_some()
}

/// There are many digits, and the second half of them is the first once more.
pub(super) fn twice(text: &[u8]) -> bool {
    let digits = || text.iter().filter(|b| b.is_ascii_digit());
    let half = digits().count() / 2;
    half * 2 >= FEW && digits().count() == half * 2 && digits().take(half).eq(digits().skip(half))
}

/// Each digit is one more, or each one less, than the one before; 9 is followed by 0.
pub(super) fn sequential(text: &[u8]) -> bool {
    let (mut up, mut down, mut count, mut last) = (true, true, 0, 0);
    for digit in text.iter().filter(|b| b.is_ascii_digit()).map(|b| b - b'0') {
        if count > 0 {
            up &= (last + 1) % 10 == digit;
            down &= (digit + 1) % 10 == last;
            if !up && !down {
                return false;
            }
        }
        (last, count) = (digit, count + 1);
    }
    count > 2
}

fn few_lengths(text: &[u8]) -> Ends {
    let (mut lengths, mut count) = (Ends::NONE, 0);
    for (length, byte) in (1..).zip(text) {
        count += usize::from(byte.is_ascii_digit());
        if matches!(byte, b'0' | b'6'..=b'9') {
            break;
        }
        if count >= FEW {
            lengths.insert(length);
        }
    }
    lengths
}

fn sequential_lengths(text: &[u8]) -> Ends {
    let (mut lengths, mut up, mut down) = (Ends::NONE, true, true);
    let (mut count, mut last) = (0, 0);
    for (length, byte) in (1..).zip(text) {
        if byte.is_ascii_digit() {
            let digit = byte - b'0';
            up &= count == 0 || (last + 1) % 10 == digit;
            down &= count == 0 || (digit + 1) % 10 == last;
            if !up && !down {
                break;
            }
            (last, count) = (digit, count + 1);
        }
        if count > 2 {
            lengths.insert(length);
        }
    }
    lengths
}
