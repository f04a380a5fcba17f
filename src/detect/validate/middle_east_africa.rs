//! Person numbers of the Middle East and Africa.

use super::Check;
use super::digits::{Digits, is_date, number, weighted};

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "tr-tckimlik",
        about: "Nüfus ve Vatandaşlık İşleri: eleven digits, the first not 0, two check digits mod 10",
        least_digits: 11,
        passes: tckimlik,
    },
    Check {
        name: "za-id",
        about: "Department of Home Affairs: date of birth, citizenship digit 0, 1 or 2, Luhn check digit",
        least_digits: 13,
        passes: za_id,
    },
    Check {
        name: "mu-nid",
        about: "National Identity Card Act (Mauritius): letter of the name, date of birth, check character mod 17",
        least_digits: 12,
        passes: mu_nid,
    },
    Check {
        name: "il-id",
        about: "Population Registry: up to nine digits filled with zeros in front, Luhn check digit",
        least_digits: 8,
        passes: il_id,
    },
    Check {
        name: "ae-emirates-id",
        about: "ICP: country 784 (ISO 3166), year of birth, seven digits, Luhn check digit",
        least_digits: 15,
        passes: emirates_id,
    },
    Check {
        name: "eg-id",
        about: "Civil Status Organization: century 2 or 3, date of birth, governorate",
        least_digits: 14,
        passes: eg_id,
    },
    Check {
        name: "sa-id",
        about: "Absher: ten digits, 1 for citizens or 2 for residents, Luhn check digit",
        least_digits: 10,
        passes: sa_id,
    },
];

fn tckimlik(text: &[u8]) -> bool {
    let digits = Digits::of(text);
    let Some(d) = digits.exactly::<11>() else { return false };
    let odd = weighted(d, &[1, 0, 1, 0, 1, 0, 1, 0, 1]);
    let even = weighted(d, &[0, 1, 0, 1, 0, 1, 0, 1]);
    // Seven times the odd places less the even ones: minus one is nine, mod ten.
    let tenth = (odd * 7 + even * 9) % 10;
    d[0] != 0 && tenth == u32::from(d[9]) && (odd + even + tenth) % 10 == u32::from(d[10])
}

fn za_id(text: &[u8]) -> bool {
    let digits = Digits::of(text);
    let Some(d) = digits.exactly::<13>() else { return false };
    let (year, month, day) = (number(&d[..2]) as u32, number(&d[2..4]) as u32, number(&d[4..6]) as u32);
    let date = is_date(1900 + year, month, day) || is_date(2000 + year, month, day);
    date && d[10] < 3 && super::luhn::passes(text)
}

fn mu_nid(text: &[u8]) -> bool {
    let Ok(code) = <[u8; 14]>::try_from(text) else { return false };
    let value = |byte: u8| match byte.to_ascii_uppercase() {
        b @ b'0'..=b'9' => Some(u32::from(b - b'0')),
        b @ b'A'..=b'Z' => Some(u32::from(b - b'A') + 10),
        _ => None,
    };
    let mut sum = 0;
    for (place, &byte) in code[..13].iter().enumerate() {
        let Some(value) = value(byte) else { return false };
        sum += value * (14 - place as u32);
    }
    let digits = Digits::of(&code[1..13]);
    let Some(d) = digits.exactly::<12>() else { return false };
    let (day, month, year) = (number(&d[..2]) as u32, number(&d[2..4]) as u32, number(&d[4..6]) as u32);
    let date = is_date(1900 + year, month, day) || is_date(2000 + year, month, day);
    code[0].is_ascii_alphabetic() && date && value(code[13]) == Some((17 - sum % 17) % 17)
}

fn il_id(text: &[u8]) -> bool {
    let digits = Digits::of(text);
    let d = digits.as_slice();
    matches!(d.len(), 8 | 9) && d.iter().any(|&d| d != 0) && super::luhn::passes(text)
}

fn emirates_id(text: &[u8]) -> bool {
    let digits = Digits::of(text);
    let Some(d) = digits.exactly::<15>() else { return false };
    number(&d[..3]) == 784 && (1900..2100).contains(&number(&d[3..7])) && super::luhn::passes(text)
}

fn eg_id(text: &[u8]) -> bool {
    let digits = Digits::of(text);
    let Some(d) = digits.exactly::<14>() else { return false };
    let century = match d[0] {
        2 => 1900,
        3 => 2000,
        _ => return false,
    };
    let (year, month, day) = (number(&d[1..3]) as u32, number(&d[3..5]) as u32, number(&d[5..7]) as u32);
    let governorate = matches!(number(&d[7..9]), 1..=4 | 11..=19 | 21..=29 | 31..=35 | 88);
    governorate && is_date(century + year, month, day)
}

fn sa_id(text: &[u8]) -> bool {
    let digits = Digits::of(text);
    let Some(d) = digits.exactly::<10>() else { return false };
    matches!(d[0], 1 | 2) && super::luhn::passes(text)
}

#[cfg(test)]
pub(super) const CASES: &[(&str, bool, &str)] = &[
    ("tr-tckimlik", true, "10000000146"),
    ("tr-tckimlik", false, "10000000147"),
    ("tr-tckimlik", false, "10000000156"),
    ("tr-tckimlik", false, "01234567890"),
    ("za-id", true, "8001015009087"),
    ("za-id", true, "800101 5009 087"),
    ("za-id", false, "8001015009088"),
    ("za-id", false, "8013015009085"),
    ("mu-nid", true, "J2906201304089"),
    ("mu-nid", false, "J2906201304088"),
    ("mu-nid", false, "J3206201304089"),
    ("il-id", true, "123456782"),
    ("il-id", true, "12345674"),
    ("il-id", false, "123456783"),
    ("il-id", false, "000000000"),
    ("ae-emirates-id", true, "784-1980-1234567-8"),
    ("ae-emirates-id", false, "784-1980-1234567-0"),
    ("ae-emirates-id", false, "783-1980-1234567-8"),
    ("eg-id", true, "29001011234567"),
    ("eg-id", true, "30402290100015"),
    ("eg-id", false, "30302290100015"),
    ("eg-id", false, "29001010534567"),
    ("sa-id", true, "1000000008"),
    ("sa-id", false, "1000000009"),
    ("sa-id", false, "3000000004"),
];
