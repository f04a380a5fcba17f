//! Numbers of people in Russia and Ukraine.

use super::Check;
use super::digits::{Digits, number, weighted};

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "ru-inn12",
        about: "Russian taxpayer number of a person (order MMV-7-6/435): region and two check digits mod 11",
        least_digits: 12,
        passes: inn,
    },
    Check {
        name: "ru-snils",
        about: "Russian insurance account number (Pension Fund order 192p): weights 9 to 1, mod 101",
        least_digits: 11,
        passes: snils,
    },
    Check {
        name: "ua-rnokpp",
        about: "Ukrainian taxpayer card number: days since 1899, weighted sum mod 11",
        least_digits: 10,
        passes: rnokpp,
    },
];

fn inn(text: &[u8]) -> bool {
    let digits = Digits::of(text);
    let Some(&[ref body @ .., eleventh, twelfth]) = digits.exactly::<12>() else { return false };
    let first = weighted(body, &[7, 2, 4, 10, 3, 5, 9, 4, 6, 8]);
    let second = weighted(digits.as_slice(), &[3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8]);
    number(&body[..2]) != 0
        && first % 11 % 10 == u32::from(eleventh)
        && second % 11 % 10 == u32::from(twelfth)
}

/// Up to this number the check digits mean nothing.
const UNCHECKED: u64 = 1_001_998;

fn snils(text: &[u8]) -> bool {
    let digits = Digits::of(text);
    let Some([body @ .., a, b]) = digits.exactly::<11>() else { return false };
    let check = weighted(body, &[9, 8, 7, 6, 5, 4, 3, 2, 1]) % 101 % 100;
    number(body) > UNCHECKED && check == u32::from(a * 10 + b)
}

fn rnokpp(text: &[u8]) -> bool {
    let digits = Digits::of(text);
    let Some([body @ .., check]) = digits.exactly::<10>() else { return false };
    // The first weight is -1.
    let sum = weighted(body, &[10, 5, 7, 9, 4, 6, 10, 5, 7]);
    number(body) != 0 && sum % 11 % 10 == u32::from(*check)
}

#[cfg(test)]
pub(super) const CASES: &[(&str, bool, &str)] = &[
    ("ru-inn12", true, "500100732259"),
    ("ru-inn12", false, "500100732258"),
    ("ru-inn12", false, "000000000000"),
    ("ru-snils", true, "112-233-445 95"),
    ("ru-snils", true, "11223344595"),
    ("ru-snils", false, "112-233-445 96"),
    ("ru-snils", false, "001-001-998 00"),
    ("ua-rnokpp", true, "1759013776"),
    ("ua-rnokpp", false, "1759013770"),
];
