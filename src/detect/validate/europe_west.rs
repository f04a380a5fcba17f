//! Numbers of people in France, Belgium, the Netherlands and Luxembourg.

use super::Check;
use super::birth::{is_birth, pairs};
use super::compact::compact;
use super::digits::{Digits, number, weighted};
use super::{luhn, verhoeff};

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "fr-nir",
        about: "INSEE, repertory of natural persons: sex, month, department and key 97 - (number mod 97)",
        least_digits: 14,
        passes: nir,
    },
    Check {
        name: "fr-nif",
        about: "DGFiP tax reference (numéro SPI): first digit 0 to 3, last three digits the first ten mod 511",
        least_digits: 13,
        passes: nif,
    },
    Check {
        name: "be-nn",
        about: "Belgian national register (royal decree of 3 April 1984): date, also of BIS numbers, and 97 - (number mod 97)",
        least_digits: 11,
        passes: belgian,
    },
    Check {
        name: "nl-bsn",
        about: "Dutch citizen service number: weights 9 to 2 and -1, mod 11",
        least_digits: 9,
        passes: bsn,
    },
    Check {
        name: "lu-nin",
        about: "Luxembourg identification number (law of 19 June 2013): date, Luhn digit, then Verhoeff digit",
        least_digits: 13,
        passes: luxembourg,
    },
];

fn nir(text: &[u8]) -> bool {
    let Some(mut number_and_key) = compact::<15>(text) else { return false };
    // Corsica: 2A stands for 19, 2B for 18 in the number that the key is computed from.
    if let [_, _, _, _, _, b'2', letter @ (b'A' | b'B'), ..] = number_and_key {
        (number_and_key[5], number_and_key[6]) = (b'1', if letter == b'A' { b'9' } else { b'8' });
    }
    let Some(d) = super::compact::values(number_and_key) else { return false };
    let month = d[3] * 10 + d[4];
    let place = d[5] * 10 + d[6];
    // 1 and 2 are given at birth, the others for a time. Months past 12 stand for papers that name none.
    let person = match d[0] {
        1 | 2 => matches!(month, 1..=12 | 20 | 30..=42 | 50..=99),
        3 | 4 | 7 | 8 => matches!(month, 1..=12 | 20),
        _ => false,
    };
    person && place != 0 && number(&d[13..]) == 97 - number(&d[..13]) % 97
}

fn nif(text: &[u8]) -> bool {
    let digits = Digits::of(text);
    let Some(d) = digits.exactly::<13>() else { return false };
    d[0] <= 3 && number(d) != 0 && number(&d[10..]) == number(&d[..10]) % 511
}

fn belgian(text: &[u8]) -> bool {
    let digits = Digits::of(text);
    let Some(&[a, b, c, d, e, f, ref rest @ ..]) = digits.exactly::<11>() else { return false };
    let [year, month, day] = pairs(&[a, b, c, d, e, f]);
    let body = number(&digits.as_slice()[..9]);
    let (serial, check) = (number(&rest[..3]), number(&rest[3..]));
    // In BIS numbers, for people outside the register, the month is raised by 20, or by 40 where the sex is known.
    let month = month - if month >= 40 { 40 } else { month / 20 * 20 };
    // People whose day of birth nobody knows have month 0 and day 0 or 1.
    let born = |year| is_birth(year, month, day) || month == 0 && day < 2;
    (1..=998).contains(&serial)
        && [(0, 1900), (2_000_000_000, 2000)]
            .iter()
            .any(|&(prefix, century)| check == 97 - (prefix + body) % 97 && born(century + year))
}

fn bsn(text: &[u8]) -> bool {
    let digits = Digits::of(text);
    let Some([body @ .., check]) = digits.exactly::<9>() else { return false };
    number(body) != 0 && weighted(body, &[9, 8, 7, 6, 5, 4, 3, 2]) % 11 == u32::from(*check)
}

fn luxembourg(text: &[u8]) -> bool {
    let Some(all) = compact::<13>(text) else { return false };
    let Some(d) = super::compact::values(all) else { return false };
    let [year, month, day] = [&d[..4], &d[4..6], &d[6..8]].map(|part| number(part) as u32);
    // Both check digits are computed over the same eleven digits.
    let [body @ .., _, last] = all;
    let mut without_luhn = [0; 12];
    without_luhn[..11].copy_from_slice(&body);
    without_luhn[11] = last;
    is_birth(year, month, day) && luhn::passes(&all[..12]) && verhoeff::passes(&without_luhn)
}

#[cfg(test)]
pub(super) const CASES: &[(&str, bool, &str)] = &[
    ("fr-nir", true, "295109912611193"),
    ("fr-nir", true, "2 95 10 99 126 111 93"),
    ("fr-nir", true, "2 53 10 2A 004 257 65"),
    ("fr-nir", false, "295109912611199"),
    ("fr-nir", false, "295139912611193"),
    ("fr-nir", false, "2 53 10 2B 004 257 65"),
    ("fr-nif", true, "30 23 217 600 053"),
    ("fr-nif", false, "3023217600054"),
    ("fr-nif", false, "0000000000000"),
    ("be-nn", true, "85.07.30-033.28"),
    ("be-nn", true, "17 07 30 033 84"),
    ("be-nn", false, "85.07.30-033.29"),
    ("be-nn", false, "85.13.30-033.28"),
    ("nl-bsn", true, "111222333"),
    ("nl-bsn", true, "1112.22.333"),
    ("nl-bsn", false, "111252333"),
    ("nl-bsn", false, "000000000"),
    ("lu-nin", true, "1893120105732"),
    ("lu-nin", false, "1893120105733"),
    ("lu-nin", false, "1893120105722"),
    ("lu-nin", false, "1893130105732"),
];
