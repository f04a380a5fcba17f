//! Numbers of people in Germany, Austria and Switzerland.

use super::birth::{is_birth_in_some_century, pairs};
use super::compact::{compact, values};
use super::digits::{Digits, weighted};
use super::{Check, iso7064};

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "de-idnr",
        about: "BZSt tax identification number: digit repetition rule and ISO/IEC 7064 MOD 11,10",
        least_digits: 11,
        passes: idnr,
    },
    Check {
        name: "de-svnr",
        about: "German pension insurance number (VKVV, section 2): area, date, letter, digit sums of weighted digits mod 10",
        least_digits: 11,
        passes: german_pension,
    },
    Check {
        name: "at-svnr",
        about: "Austrian social insurance number: date, months past 12 where numbers ran out, weighted sum mod 11",
        least_digits: 10,
        passes: austrian,
    },
    Check {
        name: "ch-ahv",
        about: "Swiss social insurance number: country 756 and the check digit of EAN-13",
        least_digits: 13,
        passes: swiss,
    },
];

fn idnr(text: &[u8]) -> bool {
    let digits = Digits::of(text);
    let Some(d) = digits.exactly::<11>() else { return false };
    d[0] != 0 && repetition(&d[..10]) && iso7064::mod_11_10(d)
}

/// Of the first ten digits exactly one occurs twice or three times and no other repeats; three in a row never.
fn repetition(digits: &[u8]) -> bool {
    let mut counts = [0u8; 10];
    digits.iter().for_each(|&d| counts[usize::from(d)] += 1);
    let repeated = counts.iter().filter(|&&c| c > 1).count();
    let most = counts.iter().max().copied().unwrap_or(0);
    let in_a_row = digits.windows(3).any(|w| w[0] == w[1] && w[1] == w[2]);
    repeated == 1 && (most == 2 || most == 3) && !in_a_row
}

fn german_pension(text: &[u8]) -> bool {
    let Some([front @ .., letter @ b'A'..=b'Z', a, b, check]) = compact::<12>(text) else { return false };
    let (Some(front), Some([a, b, check])) = (values::<8>(front), values([a, b, check])) else {
        return false;
    };
    let [area, rest @ ..] =
        [front[0] * 10 + front[1], front[2], front[3], front[4], front[5], front[6], front[7]];
    let [day, month, year] = pairs(&rest);
    let rank = letter - b'A' + 1;
    let digits = [
        front[0],
        front[1],
        rest[0],
        rest[1],
        rest[2],
        rest[3],
        rest[4],
        rest[5],
        rank / 10,
        rank % 10,
        a,
        b,
    ];
    let weights = [2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1];
    let sum: u8 = digits.iter().zip(weights).map(|(d, w)| d * w / 10 + d * w % 10).sum();
    area != 0 && is_birth_in_some_century(year, month, day) && sum % 10 == check
}

fn austrian(text: &[u8]) -> bool {
    let digits = Digits::of(text);
    let Some(&[a, b, c, check, ref date @ ..]) = digits.exactly::<10>() else { return false };
    let [day, month, year] = pairs(date);
    let (month, day) = if (13..=15).contains(&month) { (1, day) } else { (month, day) };
    let sum = weighted(&[a, b, c], &[3, 7, 9]) + weighted(date, &[5, 8, 4, 2, 1, 6]);
    a != 0 && is_birth_in_some_century(year, month, day) && sum % 11 == u32::from(check)
}

fn swiss(text: &[u8]) -> bool {
    let digits = Digits::of(text);
    let Some(d) = digits.exactly::<13>() else { return false };
    d.starts_with(&[7, 5, 6]) && weighted(d, &[1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1]).is_multiple_of(10)
}

#[cfg(test)]
pub(super) const CASES: &[(&str, bool, &str)] = &[
    ("de-idnr", true, "36574261809"),
    ("de-idnr", false, "36574261890"),
    ("de-idnr", false, "36554266806"),
    ("de-svnr", true, "15 070649 C 10 3"),
    ("de-svnr", true, "65170839J003"),
    ("de-svnr", false, "15 070649 C 10 4"),
    ("de-svnr", false, "15 071349 C 10 3"),
    ("at-svnr", true, "1237 010180"),
    ("at-svnr", false, "2237 010180"),
    ("at-svnr", false, "1237 320180"),
    ("ch-ahv", true, "756.9217.0769.85"),
    ("ch-ahv", true, "7569217076985"),
    ("ch-ahv", false, "756.9217.0769.84"),
    ("ch-ahv", false, "7619217076985"),
];
