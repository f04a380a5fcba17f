//! Numbers of people in Croatia and Slovenia.

use super::birth::is_birth;
use super::digits::{Digits, number, weighted};
use super::{Check, iso7064};

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "hr-oib",
        about: "Croatian personal number (act NN 60/2008): ISO/IEC 7064 MOD 11,10",
        least_digits: 11,
        passes: oib,
    },
    Check {
        name: "si-emso",
        about: "Slovenian personal number (Official Gazette 8/1999): date with three digits of the year, weighted sum mod 11",
        least_digits: 13,
        passes: emso,
    },
];

fn oib(text: &[u8]) -> bool {
    let digits = Digits::of(text);
    digits.exactly::<11>().is_some_and(|d| iso7064::mod_11_10(d))
}

fn emso(text: &[u8]) -> bool {
    let digits = Digits::of(text);
    let Some(d) = digits.exactly::<13>() else { return false };
    let [day, month, year] = [&d[..2], &d[2..4], &d[4..7]].map(|part| number(part) as u32);
    let millennium = if year >= 800 { 1000 } else { 2000 };
    // Remainder 1 leaves no digit; some registers then wrote 0.
    let wanted = match weighted(d, &[7, 6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11 {
        0 | 1 => 0,
        rest => 11 - rest,
    };
    is_birth(millennium + year, month, day) && wanted == u32::from(d[12])
}

#[cfg(test)]
pub(super) const CASES: &[(&str, bool, &str)] = &[
    ("hr-oib", true, "33392005961"),
    ("hr-oib", false, "33392005962"),
    ("si-emso", true, "0101006500006"),
    ("si-emso", false, "0101006500007"),
    ("si-emso", false, "0113006500006"),
];
