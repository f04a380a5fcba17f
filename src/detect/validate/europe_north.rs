//! Numbers of people in the Nordic countries.

use super::birth::{is_birth, pairs};
use super::compact::compact;
use super::digits::{Digits, number, weighted};
use super::{Check, luhn};

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "fi-hetu",
        about: "Finnish personal identity code (decree 128/2010, signs of 2023): date with century sign, check character mod 31",
        least_digits: 9,
        passes: hetu,
    },
    Check {
        name: "no-fnr",
        about: "Norwegian national identity number: date, also of D and H numbers, century by individual number, two digits mod 11",
        least_digits: 11,
        passes: norwegian,
    },
    Check {
        name: "se-personnummer",
        about: "Swedish Tax Agency SKV 704: date, also of coordination numbers (day and 60), Luhn over the last ten digits",
        least_digits: 10,
        passes: swedish,
    },
    Check {
        name: "is-kennitala",
        about: "Registers Iceland: date (day and 40 for organisations), weighted sum mod 11, century digit",
        least_digits: 10,
        passes: icelandic,
    },
    Check {
        name: "dk-cpr",
        about: "Danish civil registration: date with the century by serial; the sum mod 11 no longer holds since 2007",
        least_digits: 10,
        passes: danish,
    },
];

fn hetu(text: &[u8]) -> bool {
    const CHARACTERS: &[u8; 31] = b"0123456789ABCDEFHJKLMNPRSTUVWXY";
    let Ok([date @ .., sign, a, b, c, check]) = <[u8; 11]>::try_from(text) else { return false };
    let century = match sign.to_ascii_uppercase() {
        b'+' => 1800,
        b'-' | b'U'..=b'Y' => 1900,
        b'A'..=b'F' => 2000,
        _ => return false,
    };
    let (Some(date), Some(serial)) = (super::compact::values::<6>(date), super::compact::values([a, b, c]))
    else {
        return false;
    };
    let [day, month, year] = pairs(&date);
    let serial = number(&serial);
    let rest = (number(&date) * 1000 + serial) % 31;
    // 900 to 999 are given for a time, by hospitals for example.
    is_birth(century + year, month, day)
        && serial >= 2
        && CHARACTERS[rest as usize] == check.to_ascii_uppercase()
}

fn norwegian(text: &[u8]) -> bool {
    let digits = Digits::of(text);
    let Some(&[a, b, c, d, e, f, ref rest @ ..]) = digits.exactly::<11>() else { return false };
    let [day, month, year] = pairs(&[a, b, c, d, e, f]);
    // D numbers, for people who stay a while, raise the day by 40, H numbers of hospitals the month.
    let day = if day > 40 { day - 40 } else { day };
    let month = if month > 40 { month - 40 } else { month };
    let century = match (number(&rest[..3]), year) {
        (0..=499, _) | (900..=999, 40..) => 1900,
        (500..=749, 54..) => 1800,
        (500..=999, ..=39) => 2000,
        _ => return false,
    };
    is_birth(century + year, month, day)
        && weighted(digits.as_slice(), &[3, 7, 6, 1, 8, 9, 4, 5, 2, 1]).is_multiple_of(11)
        && weighted(digits.as_slice(), &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1]).is_multiple_of(11)
}

fn swedish(text: &[u8]) -> bool {
    let digits = Digits::of(text);
    let (century, rest) = match digits.as_slice() {
        [a, b, rest @ ..] if rest.len() == 10 => (Some(number(&[*a, *b]) as u32 * 100), rest),
        rest => (None, rest),
    };
    let Ok(ten) = <[u8; 10]>::try_from(rest) else { return false };
    let [a, b, c, d, e, f, serial @ .., _] = ten;
    let [year, month, day] = pairs(&[a, b, c, d, e, f]);
    let day = if day > 60 { day - 60 } else { day };
    let born = match century {
        Some(century) => is_birth(century + year, month, day),
        None => super::birth::is_birth_in_some_century(year, month, day),
    };
    born && number(&serial) != 0 && luhn::passes(&ten.map(|digit| digit + b'0'))
}

fn icelandic(text: &[u8]) -> bool {
    let digits = Digits::of(text);
    let Some(&[a, b, c, d, e, f, .., century]) = digits.exactly::<10>() else { return false };
    let [day, month, year] = pairs(&[a, b, c, d, e, f]);
    let century = match century {
        8 => 1800,
        9 => 1900,
        0 => 2000,
        _ => return false,
    };
    let day = if day > 40 { day - 40 } else { day };
    is_birth(century + year, month, day)
        && weighted(digits.as_slice(), &[3, 2, 7, 6, 5, 4, 3, 2, 1]).is_multiple_of(11)
}

fn danish(text: &[u8]) -> bool {
    let Some(all) = compact::<10>(text) else { return false };
    let Some([a, b, c, d, e, f, seventh, ..]) = super::compact::values(all) else { return false };
    let [day, month, year] = pairs(&[a, b, c, d, e, f]);
    let century = match (seventh, year) {
        (0..=3, _) | (4 | 9, 37..) => 1900,
        (4 | 9, _) | (5..=8, ..=57) => 2000,
        _ => 1800,
    };
    is_birth(century + year, month, day)
}

#[cfg(test)]
pub(super) const CASES: &[(&str, bool, &str)] = &[
    ("fi-hetu", true, "131052-308T"),
    ("fi-hetu", true, "131052X308t"),
    ("fi-hetu", true, "010594Y9021"),
    ("fi-hetu", false, "131052-308U"),
    ("fi-hetu", false, "311152-308T"),
    ("fi-hetu", false, "131052A308"),
    ("no-fnr", true, "15108695088"),
    ("no-fnr", true, "151086 95088"),
    ("no-fnr", false, "15108695077"),
    ("no-fnr", false, "15138695088"),
    ("se-personnummer", true, "880320-0016"),
    ("se-personnummer", true, "198803200016"),
    ("se-personnummer", false, "880320-0018"),
    ("se-personnummer", false, "881320-0016"),
    ("is-kennitala", true, "120174-3399"),
    ("is-kennitala", true, "4504013150"),
    ("is-kennitala", false, "320174-3399"),
    ("is-kennitala", false, "120174-3389"),
    ("dk-cpr", true, "211062-5629"),
    ("dk-cpr", false, "511062-5629"),
    ("dk-cpr", false, "2110625"),
];
