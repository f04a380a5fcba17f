//! Numbers of the United States and Canada: social security, taxpayers, employers, social insurance.

use super::Check;
use super::digits::{Digits, number};

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "us-ssn",
        about: "SSA numbering: no area 000, 666, 900-999, group 00 or serial 0000, no number that was published or stands for any",
        least_digits: 9,
        passes: ssn,
    },
    Check {
        name: "us-itin",
        about: "IRS Publication 1915: 9, then a fourth and fifth digit of 50-65, 70-88, 90-92 or 94-99",
        least_digits: 9,
        passes: itin,
    },
    Check {
        name: "us-ein",
        about: "IRS: employer identification number with a prefix that an IRS campus or the Internet assigns",
        least_digits: 9,
        passes: ein,
    },
    Check {
        name: "ca-sin",
        about: "Service Canada: nine digits, none beginning with 0 or 8, Luhn check digit",
        least_digits: 9,
        passes: sin,
    },
];

/// Numbers that were printed on sample cards or in advertisements and never belong to a person, and the first of those that
/// stand for any in documentation: 111-22-3333, 222-33-4444 and so on.
const VOID: [u64; 3] = [78_051_120, 219_099_999, 457_555_462];
const ANY: u64 = 111_223_333;

/// Since the randomisation of 2011 every area but these is issued.
fn ssn(text: &[u8]) -> bool {
    let digits = Digits::of(text);
    let Some(d) = digits.exactly::<9>() else { return false };
    let (area, group, serial) = (number(&d[..3]), number(&d[3..5]), number(&d[5..]));
    area != 0 && area != 666 && area < 900 && group != 0 && serial != 0 && !VOID.contains(&number(d))
        // Up to the 777-88-9999 behind it each is as far from the one before.
        && !((number(d) >= ANY) && (number(d) - ANY).is_multiple_of(111_111_111))
}

fn itin(text: &[u8]) -> bool {
    let digits = Digits::of(text);
    let Some(d) = digits.exactly::<9>() else { return false };
    d[0] == 9 && matches!(number(&d[3..5]), 50..=65 | 70..=88 | 90..=92 | 94..=99)
}

fn ein(text: &[u8]) -> bool {
    let digits = Digits::of(text);
    let Some(d) = digits.exactly::<9>() else { return false };
    let prefix = number(&d[..2]);
    matches!(prefix, 1..=6 | 10..=16 | 20..=27 | 30..=48 | 50..=68 | 71..=77 | 80..=88 | 90..=95 | 98 | 99)
}

fn sin(text: &[u8]) -> bool {
    let digits = Digits::of(text);
    let Some(d) = digits.exactly::<9>() else { return false };
    d[0] != 0 && d[0] != 8 && super::luhn::passes(text)
}

#[cfg(test)]
pub(super) const CASES: &[(&str, bool, &str)] = &[
    ("us-ssn", true, "536-90-4399"),
    ("us-ssn", true, "772904399"),
    ("us-ssn", false, "666-12-3456"),
    ("us-ssn", false, "900-12-3456"),
    ("us-ssn", false, "000-12-3456"),
    ("us-ssn", false, "123-00-4567"),
    ("us-ssn", false, "123-45-0000"),
    ("us-ssn", false, "078-05-1120"),
    ("us-ssn", false, "111-22-3333"),
    ("us-ssn", false, "777-88-9999"),
    ("us-ssn", true, "111-22-3334"),
    ("us-itin", true, "912-90-3456"),
    ("us-itin", true, "900-50-1234"),
    ("us-itin", false, "912-93-3456"),
    ("us-itin", false, "912-66-3456"),
    ("us-itin", false, "812-90-3456"),
    ("us-ein", true, "91-1144442"),
    ("us-ein", true, "01-1144442"),
    ("us-ein", false, "07-1144442"),
    ("us-ein", false, "89-1144442"),
    ("ca-sin", true, "193 456 787"),
    ("ca-sin", false, "193 456 788"),
    ("ca-sin", false, "046 454 286"),
    ("ca-sin", false, "800 000 002"),
];
