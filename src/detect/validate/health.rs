//! Numbers of patients, prescribers and the insured.

use super::Check;
use super::digits::{Digits, weighted};

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "uk-nhs",
        about: "NHS Data Dictionary: ten digits, weights 10 to 2, check digit mod 11",
        least_digits: 10,
        passes: nhs,
    },
    Check {
        name: "au-medicare",
        about: "Services Australia: first digit 2-6, weights 1 3 7 9 1 3 7 9, check digit mod 10, issue number, and \
                perhaps the place on the card",
        least_digits: 10,
        passes: medicare,
    },
    Check {
        name: "us-npi",
        about: "45 CFR 162.406: ten digits beginning with 1 or 2, Luhn check digit with the prefix 80840",
        least_digits: 10,
        passes: npi,
    },
    Check {
        name: "us-dea",
        about: "21 CFR 1301: registrant letter, letter of the name or 9, six digits, check digit",
        least_digits: 7,
        passes: dea,
    },
    Check {
        name: "us-mbi",
        about: "CMS: eleven places, each with its own kind, without the letters S, L, O, I, B and Z",
        least_digits: 4,
        passes: mbi,
    },
];

fn nhs(text: &[u8]) -> bool {
    let digits = Digits::of(text);
    let Some(d) = digits.exactly::<10>() else { return false };
    let sum = weighted(&d[..9], &[10, 9, 8, 7, 6, 5, 4, 3, 2]);
    (11 - sum % 11) % 11 == u32::from(d[9]) && d.iter().any(|&d| d != 0)
}

fn medicare(text: &[u8]) -> bool {
    let digits = Digits::of(text);
    let d = digits.as_slice();
    if !matches!(d.len(), 10 | 11) {
        return false;
    }
    let check = weighted(&d[..8], &[1, 3, 7, 9, 1, 3, 7, 9]) % 10;
    (2..=6).contains(&d[0]) && check == u32::from(d[8]) && d[9..].iter().all(|&d| d != 0)
}

fn npi(text: &[u8]) -> bool {
    let digits = Digits::of(text);
    let Some(d) = digits.exactly::<10>() else { return false };
    let written = d.map(|digit| digit + b'0');
    let mut prefixed = *b"808400000000000";
    prefixed[5..].copy_from_slice(&written);
    matches!(d[0], 1 | 2) && super::luhn::passes(&prefixed)
}

/// Kinds of registrants: practitioners, mid-level practitioners, manufacturers, distributors, programs, the forces.
const REGISTRANTS: &[u8; 18] = b"ABCDEFGHJKLMPRSTUX";

fn dea(text: &[u8]) -> bool {
    let [first, second, digits @ ..] = text else { return false };
    let digits = Digits::of(digits);
    let Some(d) = digits.exactly::<7>() else { return false };
    REGISTRANTS.contains(&first.to_ascii_uppercase())
        && (second.is_ascii_alphabetic() || *second == b'9')
        && weighted(d, &[1, 2, 1, 2, 1, 2]) % 10 == u32::from(d[6])
}

/// What stands in each place: `1` a digit but 0, `N` a digit, `A` a letter, `X` a letter or a digit.
const MBI: &[u8; 11] = b"1AXNAXNAANN";

fn mbi(text: &[u8]) -> bool {
    let mut places = MBI.iter();
    let fit = text.iter().filter(|&&b| b != b'-' && b != b' ').all(|b| {
        let letter = b.is_ascii_alphabetic() && !b"SLOIBZ".contains(&b.to_ascii_uppercase());
        match places.next() {
            Some(b'1') => matches!(b, b'1'..=b'9'),
            Some(b'N') => b.is_ascii_digit(),
            Some(b'A') => letter,
            Some(_) => letter || b.is_ascii_digit(),
            None => false,
        }
    });
    fit && places.next().is_none()
}

#[cfg(test)]
pub(super) const CASES: &[(&str, bool, &str)] = &[
    ("uk-nhs", true, "943 476 5919"),
    ("uk-nhs", true, "4010232137"),
    ("uk-nhs", false, "943 476 5918"),
    ("uk-nhs", false, "0000000000"),
    ("au-medicare", true, "2123 45670 1"),
    ("au-medicare", true, "2123 45670 1-1"),
    ("au-medicare", false, "2123 45671 1"),
    ("au-medicare", false, "7123 45670 1"),
    ("au-medicare", false, "2123 45670 0"),
    ("us-npi", true, "1234567893"),
    ("us-npi", false, "1234567894"),
    ("us-npi", false, "3234567891"),
    ("us-dea", true, "AB1234563"),
    ("us-dea", true, "F91234563"),
    ("us-dea", false, "AB1234564"),
    ("us-dea", false, "NB1234563"),
    ("us-mbi", true, "1EG4-TE5-MK73"),
    ("us-mbi", true, "1EG4TE5MK73"),
    ("us-mbi", false, "1EG4-TE5-MK7"),
    ("us-mbi", false, "1SG4-TE5-MK73"),
    ("us-mbi", false, "0EG4-TE5-MK73"),
];
