//! The Luhn check digit (ISO/IEC 7812-1, annex B).

use super::Sweep;
use super::digits::{ONES, sixteen};
use crate::detect::shape::Ends;

/// Read once for all ends that a long value may have.
pub(super) const SWEEPS: &[(&str, Sweep)] = &[("luhn", lengths)];

/// Digits that are summed up at once.
const MOST: usize = 32;

/// Every second digit from the right is doubled, nine taken off above nine; the sum is a multiple of ten.
pub(super) fn passes(text: &[u8]) -> bool {
    if let Some(digits) = sixteen(text) {
        let eights = digits.as_chunks().0.iter();
        let total: u64 = eights.map(|eight| sum(u64::from_le_bytes(*eight), EVERY_SECOND)).sum();
        return total.is_multiple_of(10);
    }
    if text.len() > MOST {
        return one_by_one(text);
    }
    // What is no digit is written over by the next byte that is one, and at the end by a zero.
    let (mut digits, mut count) = ([b'0'; MOST + 8], 0);
    for &byte in text {
        digits[count % MOST.next_power_of_two()] = byte;
        count += usize::from(byte.is_ascii_digit());
    }
    digits[count] = b'0';
    // Which of two neighbours is doubled depends on how many there are; the zeros behind them add nothing.
    let doubled = if count.is_multiple_of(2) { EVERY_SECOND } else { !EVERY_SECOND };
    let eights = digits.as_chunks().0.iter();
    let total: u64 = eights.map(|eight| sum(u64::from_le_bytes(*eight), doubled)).sum();
    count > 1 && total.is_multiple_of(10)
}

/// All bits of the first byte and of every second one behind it.
const EVERY_SECOND: u64 = 0x00ff_00ff_00ff_00ff;

/// The sum of eight digits, those at `doubled` doubled.
fn sum(digits: u64, doubled: u64) -> u64 {
    let digits = digits & (0x0f * ONES);
    let above_four = (digits + 3 * ONES) >> 3 & ONES;
    let twice = 2 * digits - 9 * above_four;
    (twice & doubled | digits & !doubled).wrapping_mul(ONES) >> 56
}

fn one_by_one(text: &[u8]) -> bool {
    // Sums as if the digit that was read last were the last of all, and as if one more came.
    let (mut last, mut before, mut count) = (0u32, 0u32, 0u32);
    for &byte in text {
        let digit = usize::from(byte.wrapping_sub(b'0'));
        if let Some(&doubled) = DOUBLED.get(digit) {
            (last, before) = (before + digit as u32, last + u32::from(doubled));
            count += 1;
        }
    }
    count > 1 && last.is_multiple_of(10)
}

/// The lengths with which a text passes.
fn lengths(text: &[u8]) -> Ends {
    let (mut lengths, mut last, mut before, mut count) = (Ends::NONE, 0u32, 0u32, 0u32);
    for (length, &byte) in (1..).zip(text) {
        let digit = usize::from(byte.wrapping_sub(b'0'));
        if let Some(&doubled) = DOUBLED.get(digit) {
            (last, before) = (before + digit as u32, last + u32::from(doubled));
            count += 1;
        }
        if count > 1 && last.is_multiple_of(10) {
            lengths.insert(length);
        }
    }
    lengths
}

const DOUBLED: [u8; 10] = [0, 2, 4, 6, 8, 1, 3, 5, 7, 9];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn at_once_is_as_one_by_one(text in "[0-9]{0,20}|[0-9 -]{0,60}|[0-9]{16}|[0-9]{4}([ -][0-9]{4}){3}") {
            prop_assert_eq!(passes(text.as_bytes()), one_by_one(text.as_bytes()));
        }
    }
}
