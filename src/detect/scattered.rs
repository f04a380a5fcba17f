//! A long number among others that stand under any names: ids drawn by lot, some of which pass a check by chance.

use std::ops::Range;

use super::compiled::Compiled;
use crate::limits;

/// Digits of a number, at least: shorter ones stand in lists of people, as telephones do.
const DIGITS: usize = 13;

/// Digits by which the others differ from it, at most.
const ALIKE: usize = 1;

/// Where so many fail one may pass by chance, as one in forty does.
const CHANCE: usize = 12;

/// Digits that others begin with, no two with the same: those of a clock, of one series and of one thing count once.
const FIRST: usize = 3;
const SERIES: usize = 1000;

impl Compiled {
    /// Whether a value of digits alone stands near so many other numbers of about its length that fail its validators, and
    /// hardly one of any length that passes. Times, which begin with 1, are none of them, and numbers that begin alike are one.
    pub(super) fn is_scattered(&self, text: &[u8], value: &Range<usize>, crowd: usize) -> bool {
        if value.len() < DIGITS {
            return false;
        }
        let least = value.start.saturating_sub(limits::NAMES_REACH);
        let most = text.len().min(value.end + limits::CROWD_REACH);
        let (mut passed, mut failed) = (0, 0);
        let mut seen = [0u64; SERIES.div_ceil(64)];
        // Shorter ones pass nothing, and are not alike.
        let digits = self.validators.iter().map(|check| check.least_digits).max();
        let digits = digits.unwrap_or(0).clamp(1, value.len() - ALIKE);
        for number in numbers(text, least..value.start, digits).chain(numbers(text, value.end..most, digits))
        {
            if self.passes(number) {
                passed += 1;
                // So many do not fail in all that is read.
                if passed * CHANCE > (most - least) / (value.len() - ALIKE) {
                    return false;
                }
                continue;
            }
            if number.len().abs_diff(value.len()) > ALIKE || number[0] <= b'1' {
                continue;
            }
            let first = number[..FIRST].iter().fold(0, |first, byte| first * 10 + usize::from(byte & 15));
            let (word, bit) = (first / 64, 1 << (first % 64));
            failed += usize::from(seen[word] & bit == 0);
            seen[word] |= bit;
        }
        failed >= crowd.max(passed * CHANCE)
    }
}

/// The numbers of a part of a text that stand by themselves and have so many digits at least; what is cut where it begins or
/// ends is none.
fn numbers(text: &[u8], part: Range<usize>, least: usize) -> impl Iterator<Item = &[u8]> {
    let mut at = part.start;
    std::iter::from_fn(move || {
        loop {
            let rest = text.get(at..part.end)?;
            // In a number that long one byte of so many is a digit.
            let probe = rest.iter().skip(least - 1).step_by(least).position(u8::is_ascii_digit)?;
            let probe = at + least - 1 + probe * least;
            let start = probe - text[at..probe].iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
            at = probe + text[probe..part.end].iter().take_while(|byte| byte.is_ascii_digit()).count();
            let is_cut = start == part.start && start > 0 || at == part.end && at < text.len();
            if at - start >= least && !is_cut && !is_joined(&text[..start], &text[at..]) {
                return Some(&text[start..at]);
            }
        }
    })
}

/// Whether a number between two texts is a part of a word, a hexadecimal or a decimal number.
fn is_joined(before: &[u8], behind: &[u8]) -> bool {
    let is_word = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let is_decimal = match (before, behind) {
        ([.., digit, b'.'], _) | (_, [b'.', digit, ..]) => digit.is_ascii_digit(),
        _ => false,
    };
    is_decimal || is_word(before.last()) || is_word(behind.first())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_by_themselves() {
        let at_least = |least, text: &str, part: Range<usize>| {
            let numbers = numbers(text.as_bytes(), part, least).map(String::from_utf8_lossy);
            numbers.map(String::from).collect::<Vec<_>>()
        };
        let of = |text: &str, part| at_least(1, text, part);
        let text = "12 a34 5.6 78_9 0xff 1e5 [-23], 45.";
        assert_eq!(of(text, 0..text.len()), ["12", "78", "9", "23", "45"]);
        // What reading begins or ends within is none.
        assert_eq!(of(text, 1..text.len()), ["78", "9", "23", "45"]);
        assert_eq!(of("12 345", 0..5), ["12"]);
        // In any place, alone and one behind the other.
        for pad in 0..9 {
            let text = format!("{}12 1234 -12345 1234567890 123 a1234 9876", " ".repeat(pad));
            assert_eq!(at_least(4, &text, 0..text.len()), ["1234", "12345", "1234567890", "9876"], "{pad}");
            assert_eq!(at_least(5, &text, 0..text.len()), ["12345", "1234567890"], "{pad}");
        }
    }
}
