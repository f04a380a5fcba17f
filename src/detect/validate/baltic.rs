//! Numbers of people in Estonia, Latvia and Lithuania.

use super::Check;
use super::birth::{is_birth, pairs};
use super::digits::{Digits, weighted};

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "ee-ik",
        about: "EVS 585: century and sex, date, weighted sum mod 11 in two rounds",
        least_digits: 11,
        passes: estonian,
    },
    Check {
        name: "lt-ak",
        about: "Lithuanian population register: century and sex, date, weighted sum mod 11 in two rounds",
        least_digits: 11,
        passes: estonian,
    },
    Check {
        name: "lv-pk",
        about: "Latvian personal code: date with century, or 32 and no date since 2017, weighted sum mod 11",
        least_digits: 11,
        passes: latvian,
    },
];

/// The form of the Soviet register that Estonia and Lithuania both kept.
fn estonian(text: &[u8]) -> bool {
    let digits = Digits::of(text);
    let Some(&[century @ 1..=6, a, b, c, d, e, f, .., check]) = digits.exactly::<11>() else { return false };
    let [year, month, day] = pairs(&[a, b, c, d, e, f]);
    let rests = [[1, 2, 3, 4, 5, 6, 7, 8, 9, 1], [3, 4, 5, 6, 7, 8, 9, 1, 2, 3]]
        .map(|weights| weighted(digits.as_slice(), &weights) % 11);
    // The second round is for numbers whose first gives no digit.
    let wanted = rests.into_iter().find(|&rest| rest < 10).unwrap_or(0);
    is_birth(1800 + 100 * u32::from((century - 1) / 2) + year, month, day) && wanted == u32::from(check)
}

fn latvian(text: &[u8]) -> bool {
    let digits = Digits::of(text);
    let Some(&[a, b, c, d, e, f, century, .., check]) = digits.exactly::<11>() else { return false };
    let [day, month, year] = pairs(&[a, b, c, d, e, f]);
    let dated = century <= 2 && is_birth(1800 + 100 * u32::from(century) + year, month, day);
    let sum = weighted(digits.as_slice(), &[10, 5, 8, 4, 2, 1, 6, 3, 7, 9]);
    (dated || day == 32) && (1 + sum) % 11 % 10 == u32::from(check)
}

#[cfg(test)]
pub(super) const CASES: &[(&str, bool, &str)] = &[
    ("ee-ik", true, "37605030299"),
    ("ee-ik", false, "37605030291"),
    ("ee-ik", false, "37613030299"),
    ("lt-ak", true, "38703181745"),
    ("lt-ak", false, "38703181746"),
    ("lv-pk", true, "161175-19997"),
    ("lv-pk", false, "161175-19996"),
    ("lv-pk", false, "161375-19997"),
];
