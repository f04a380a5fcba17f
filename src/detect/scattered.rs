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
        for number in numbers(text, least..value.start).chain(numbers(text, value.end..most)) {
            if self.passes(number) {
                passed += 1;
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

/// The numbers of a part of a text that stand by themselves; what is cut where it begins or ends is none.
fn numbers(text: &[u8], part: Range<usize>) -> impl Iterator<Item = &[u8]> {
    let mut at = part.start;
    std::iter::from_fn(move || {
        loop {
            let start = at + text[at..part.end].iter().position(u8::is_ascii_digit)?;
            let length = text[start..part.end].iter().take_while(|byte| byte.is_ascii_digit()).count();
            at = start + length;
            let is_cut = start == part.start && start > 0 || at == part.end && at < text.len();
            if !is_cut && !is_joined(&text[..start], &text[at..]) {
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
        let of = |text: &str, part: Range<usize>| {
            let numbers = numbers(text.as_bytes(), part).map(String::from_utf8_lossy);
            numbers.map(String::from).collect::<Vec<_>>()
        };
        let text = "12 a34 5.6 78_9 0xff 1e5 [-23], 45.";
        assert_eq!(of(text, 0..text.len()), ["12", "78", "9", "23", "45"]);
        // What reading begins or ends within is none.
        assert_eq!(of(text, 1..text.len()), ["78", "9", "23", "45"]);
        assert_eq!(of("12 345", 0..5), ["12"]);
    }
}
