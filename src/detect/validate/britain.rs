//! Numbers of people in the United Kingdom and Ireland.

use super::Check;
use super::compact::compact;
use super::digits::{Digits, weighted};

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "uk-nino",
        about: "HMRC manual NIM39110: prefix letters that are issued, six digits, suffix A to D",
        least_digits: 6,
        passes: nino,
    },
    Check {
        name: "uk-utr",
        about: "HMRC unique taxpayer reference: weighted sum mod 11, check digit first",
        least_digits: 10,
        passes: utr,
    },
    Check {
        name: "ie-pps",
        about: "Irish personal public service number: letter by weighted sum mod 23, a second letter counted nine times",
        least_digits: 7,
        passes: pps,
    },
];

fn nino(text: &[u8]) -> bool {
    let Some([first, second, digits @ .., last]) = compact::<9>(text) else { return false };
    first.is_ascii_uppercase()
        && second.is_ascii_uppercase()
        && !b"DFIQUV".contains(&first)
        && !b"DFIQUVO".contains(&second)
        && ![*b"BG", *b"GB", *b"KN", *b"NK", *b"NT", *b"TN", *b"ZZ"].contains(&[first, second])
        && digits.iter().all(u8::is_ascii_digit)
        && matches!(last, b'A'..=b'D')
}

fn utr(text: &[u8]) -> bool {
    let digits = Digits::of(text);
    let Some([check, rest @ ..]) = digits.exactly::<10>() else { return false };
    let sum = weighted(rest, &[6, 7, 8, 9, 10, 5, 4, 3, 2]);
    // 11 less the remainder; where that is 10 or 11, which is no digit, the check digit is 1 or 2.
    let wanted = 11 - sum % 11;
    u32::from(*check) == if wanted > 9 { wanted - 9 } else { wanted }
}

fn pps(text: &[u8]) -> bool {
    let (digits, check, second) = match (compact::<8>(text), compact::<9>(text)) {
        (Some([digits @ .., check]), _) => (digits, check, 0),
        // A to I count one to nine; W, T and X were given to spouses and count nothing.
        (_, Some([digits @ .., check, second @ b'A'..=b'I'])) => {
            (digits, check, u32::from(second - b'A') + 1)
        }
        (_, Some([digits @ .., check, b'T' | b'W' | b'X'])) => (digits, check, 0),
        _ => return false,
    };
    let Some(digits) = super::compact::values::<7>(digits) else { return false };
    let rest = (weighted(&digits, &[8, 7, 6, 5, 4, 3, 2]) + 9 * second) % 23;
    check == if rest == 0 { b'W' } else { b'@' + rest as u8 }
}

#[cfg(test)]
pub(super) const CASES: &[(&str, bool, &str)] = &[
    ("uk-nino", true, "AB123456C"),
    ("uk-nino", true, "ab 12 34 56 c"),
    ("uk-nino", false, "BG123456C"),
    ("uk-nino", false, "DA123456C"),
    ("uk-nino", false, "AO123456C"),
    ("uk-nino", false, "AB123456E"),
    ("uk-utr", true, "1955839661"),
    ("uk-utr", false, "2955839661"),
    ("ie-pps", true, "6433435F"),
    ("ie-pps", true, "6433435FT"),
    ("ie-pps", true, "6433435 OA"),
    ("ie-pps", false, "6433435E"),
    ("ie-pps", false, "6433435VB"),
];
