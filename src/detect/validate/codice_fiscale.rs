//! Italian codice fiscale (DM 23 December 1976): date, omocodia and check letter.

use super::Check;
use super::compact::compact;

/// Values of characters in odd places, counted from one: digits, then letters.
pub(super) const ODD: [u8; 36] = [
    1, 0, 5, 7, 9, 13, 15, 17, 19, 21, //
    1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23,
];
/// Letters that stand for the digits 0 to 9 when two people would share a code.
const OMOCODIA: &[u8; 10] = b"LMNPQRSTUV";
const MONTHS: &[u8; 12] = b"ABCDEHLMPRST";
const DIGIT_PLACES: [usize; 7] = [6, 7, 9, 10, 12, 13, 14];

pub(super) const CHECKS: &[Check] = &[Check {
    name: "it-codice-fiscale",
    about: "DM 23/12/1976: date, omocodia letters and check letter",
    least_digits: 0,
    passes,
}];

fn passes(text: &[u8]) -> bool {
    let Some(code) = compact::<16>(text) else { return false };
    let mut plain = code;
    for place in DIGIT_PLACES {
        if let Some(digit) = OMOCODIA.iter().position(|&l| l == plain[place]) {
            plain[place] = b'0' + digit as u8;
        }
        if !plain[place].is_ascii_digit() {
            return false;
        }
    }
    let two = |i: usize| u32::from(plain[i] - b'0') * 10 + u32::from(plain[i + 1] - b'0');
    let Some(month) = MONTHS.iter().position(|&m| m == plain[8]) else { return false };
    let day = two(9);
    let day = if day > 40 { day - 40 } else { day };
    // The century is not written; a leap year fits both.
    let date = super::digits::is_date(2000 + two(6), month as u32 + 1, day)
        || super::digits::is_date(1900 + two(6), month as u32 + 1, day);
    date && check_letter(&code) == Some(code[15])
}

fn check_letter(code: &[u8; 16]) -> Option<u8> {
    let mut sum = 0u32;
    for (i, &byte) in code[..15].iter().enumerate() {
        let (rank, even) = match byte {
            b'0'..=b'9' => (byte - b'0', byte - b'0'),
            b'A'..=b'Z' => (byte - b'A' + 10, byte - b'A'),
            _ => return None,
        };
        sum += u32::from(if i % 2 == 0 { ODD[usize::from(rank)] } else { even });
    }
    Some(b'A' + (sum % 26) as u8)
}

#[cfg(test)]
pub(super) const CASES: &[(&str, bool, &str)] = &[
    ("it-codice-fiscale", true, "RSSMRA85T10A562S"),
    ("it-codice-fiscale", true, "rssmra85t10a562s"),
    ("it-codice-fiscale", false, "RSSMRA85T10A562T"),
    ("it-codice-fiscale", false, "RSSMRA85T75A562S"),
    ("it-codice-fiscale", false, "RSSMRA85T10A562"),
];
