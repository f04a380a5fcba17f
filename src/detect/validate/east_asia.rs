//! Resident numbers of China, Korea, Taiwan, Hong Kong and Japan.

use super::Check;
use super::digits::{Digits, is_date, number, weighted};

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "cn-ric",
        about: "GB 11643-1999: province of GB/T 2260, date of birth, ISO 7064 MOD 11-2 check character",
        least_digits: 17,
        passes: ric,
    },
    Check {
        name: "kr-rrn",
        about: "Resident Registration Act: date with century, check digit mod 11; none for births from October 2020 \
                on, whose number is taken with its dash only",
        least_digits: 13,
        passes: rrn,
    },
    Check {
        name: "tw-id",
        about: "Ministry of the Interior: letter as two digits, sex or residence digit, weights 1 9 8 … 1, sum \
                mod 10",
        least_digits: 8,
        passes: tw_id,
    },
    Check {
        name: "hk-hkid",
        about: "Immigration Department: one or two letters, six digits, check digit or A mod 11",
        least_digits: 6,
        passes: hkid,
    },
    Check {
        name: "jp-my-number",
        about: "MIC ordinance 85 of 2014: twelve digits, weights 2 to 7 from the right, check digit mod 11",
        least_digits: 12,
        passes: my_number,
    },
];

/// Provinces, autonomous regions and municipalities; 81 to 83 are given to residents from Hong Kong, Macao and Taiwan.
const fn is_province(code: u64) -> bool {
    matches!(code, 11..=15 | 21..=23 | 31..=37 | 41..=46 | 50..=54 | 61..=65 | 71 | 81..=83 | 91)
}

fn ric(text: &[u8]) -> bool {
    let Some((last, body)) = text.split_last() else { return false };
    let digits = Digits::of(body);
    let Some(d) = digits.exactly::<17>() else { return false };
    let sum = weighted(d, &[7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]);
    let wanted = match (12 - sum % 11) % 11 {
        10 => b'X',
        digit => b'0' + digit as u8,
    };
    let (year, month, day) = (number(&d[6..10]) as u32, number(&d[10..12]) as u32, number(&d[12..14]) as u32);
    last.to_ascii_uppercase() == wanted
        && is_province(number(&d[..2]))
        && (1880..2100).contains(&year)
        && is_date(year, month, day)
}

fn rrn(text: &[u8]) -> bool {
    let digits = Digits::of(text);
    let Some(d) = digits.exactly::<13>() else { return false };
    let (year, month, day) = (number(&d[..2]) as u32, number(&d[2..4]) as u32, number(&d[4..6]) as u32);
    let (century, foreign) = match d[6] {
        9 | 0 => (1800, false),
        1 | 2 => (1900, false),
        3 | 4 => (2000, false),
        5 | 6 => (1900, true),
        _ => (2000, true),
    };
    if !is_date(century + year, month, day) {
        return false;
    }
    let sum = weighted(&d[..12], &[2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5]);
    let check = u32::from(d[12]);
    // Foreigners' numbers add two, though not always; citizens' go on with a place of registration, 00 to 96.
    let proven = (11 - sum % 11) % 10 == check && (foreign || number(&d[7..9]) <= 96)
        || foreign && (13 - sum % 11) % 10 == check;
    let random = (century + year, month) >= (2020, 10) && text.iter().any(|b| !b.is_ascii_digit());
    proven || random
}

/// The two digits that a letter stands for, less ten.
const TW: &[u8; 26] = b"ABCDEFGHJKLMNPQRSTUVXYWZIO";

fn tw_id(text: &[u8]) -> bool {
    let Ok(code) = <[u8; 10]>::try_from(text) else { return false };
    let code = code.map(|b| b.to_ascii_uppercase());
    let Some(letter) = TW.iter().position(|&l| l == code[0]) else { return false };
    let letter = letter as u32 + 10;
    // Until 2021 residents without household registration had a second letter from A to D, worth its last digit.
    let second = match code[1] {
        b @ (b'1' | b'2' | b'8' | b'9') => b - b'0',
        b @ b'A'..=b'D' => b - b'A',
        _ => return false,
    };
    let digits = Digits::of(&code[2..]);
    let Some(d) = digits.exactly::<8>() else { return false };
    let sum = letter / 10 + letter % 10 * 9 + u32::from(second) * 8 + weighted(d, &[7, 6, 5, 4, 3, 2, 1, 1]);
    sum.is_multiple_of(10)
}

fn hkid(text: &[u8]) -> bool {
    let mut letters = text.iter().take_while(|b| b.is_ascii_alphabetic()).map(u8::to_ascii_uppercase);
    let (first, second) = (letters.next(), letters.next());
    let value = |letter: u8| u32::from(letter - b'A') + 10;
    // A single letter stands in the second place, behind a blank that is worth 36.
    let sum = match (first, second, letters.next()) {
        (Some(first), Some(second), None) => value(first) * 9 + value(second) * 8,
        (Some(only), None, None) => 36 * 9 + value(only) * 8,
        _ => return false,
    };
    let rest = text.iter().filter(|b| b.is_ascii_alphanumeric()).skip(if second.is_some() { 2 } else { 1 });
    let mut values = [0u8; 7];
    let mut len = 0;
    for byte in rest.map(u8::to_ascii_uppercase) {
        let Some(place) = values.get_mut(len) else { return false };
        *place = match byte {
            b'0'..=b'9' => byte - b'0',
            b'A' if len == 6 => 10,
            _ => return false,
        };
        len += 1;
    }
    len == 7 && (sum + weighted(&values, &[7, 6, 5, 4, 3, 2, 1])).is_multiple_of(11)
}

fn my_number(text: &[u8]) -> bool {
    let digits = Digits::of(text);
    let Some(d) = digits.exactly::<12>() else { return false };
    let wanted = match weighted(&d[..11], &[6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11 {
        0 | 1 => 0,
        rest => 11 - rest,
    };
    wanted == u32::from(d[11])
}

#[cfg(test)]
pub(super) const CASES: &[(&str, bool, &str)] = &[
    ("cn-ric", true, "11010519491231002X"),
    ("cn-ric", true, "440524188001010014"),
    ("cn-ric", false, "110105194912310021"),
    ("cn-ric", false, "10010519491231002X"),
    ("cn-ric", false, "110105194913310029"),
    ("kr-rrn", true, "971013-9019902"),
    ("kr-rrn", true, "9710139019902"),
    ("kr-rrn", true, "201001-3123456"),
    ("kr-rrn", false, "2010013123456"),
    ("kr-rrn", false, "971013-9019903"),
    ("kr-rrn", false, "971313-9019902"),
    ("tw-id", true, "A123456789"),
    ("tw-id", true, "A800000014"),
    ("tw-id", false, "A123456788"),
    ("tw-id", false, "A323456789"),
    ("hk-hkid", true, "G123456(A)"),
    ("hk-hkid", true, "L555555(0)"),
    ("hk-hkid", true, "AB987654(3)"),
    ("hk-hkid", false, "G123456(7)"),
    ("hk-hkid", false, "AB987654(2)"),
    ("jp-my-number", true, "1234 5678 9018"),
    ("jp-my-number", false, "1234 5678 9019"),
];
