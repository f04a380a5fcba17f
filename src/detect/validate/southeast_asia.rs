//! Person numbers of Singapore, Thailand, Malaysia and Indonesia.

use super::Check;
use super::digits::{Digits, is_date, number, weighted};

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "sg-nric",
        about: "ICA: S, T, F, G or M, seven digits, and the letter that their weighted sum mod 11 selects in its \
                series",
        least_digits: 7,
        passes: nric,
    },
    Check {
        name: "th-pin",
        about: "Department of Provincial Administration: kind of person 1-8, weights 13 to 2, check digit mod 11",
        least_digits: 13,
        passes: pin,
    },
    Check {
        name: "my-nric",
        about: "National Registration Regulations 1990: date of birth and a code of a birthplace that is in use",
        least_digits: 12,
        passes: mykad,
    },
    Check {
        name: "id-nik",
        about: "Law 23/2006: province, regency or city, date of birth with 40 added to the day of women, serial not \
                0000",
        least_digits: 16,
        passes: nik,
    },
];

fn nric(text: &[u8]) -> bool {
    let Ok(code) = <[u8; 9]>::try_from(text) else { return false };
    let code = code.map(|b| b.to_ascii_uppercase());
    let (offset, letters) = match code[0] {
        b'S' => (0, b"JZIHGFEDCBA"),
        b'T' => (4, b"JZIHGFEDCBA"),
        b'F' => (0, b"XWUTRQPNMLK"),
        b'G' => (4, b"XWUTRQPNMLK"),
        b'M' => (3, b"XWUTRQPNJLK"),
        _ => return false,
    };
    let digits = Digits::of(&code[1..8]);
    let Some(d) = digits.exactly::<7>() else { return false };
    letters[((offset + weighted(d, &[2, 7, 6, 5, 4, 3, 2])) % 11) as usize] == code[8]
}

fn pin(text: &[u8]) -> bool {
    let digits = Digits::of(text);
    let Some(d) = digits.exactly::<13>() else { return false };
    let sum = weighted(&d[..12], &[13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2]);
    (1..=8).contains(&d[0]) && (11 - sum % 11) % 10 == u32::from(d[12])
}

/// Whether a day lies in either century that two digits of a year can mean.
fn is_date_of_either_century(year: u64, month: u64, day: u64) -> bool {
    [1900, 2000].iter().any(|century| is_date(century + year as u32, month as u32, day as u32))
}

fn mykad(text: &[u8]) -> bool {
    let digits = Digits::of(text);
    let Some(d) = digits.exactly::<12>() else { return false };
    let place = number(&d[6..8]);
    let known = matches!(place, 1..=16 | 21..=68 | 71 | 72 | 74..=79 | 82..=93 | 98 | 99);
    known && is_date_of_either_century(number(&d[..2]), number(&d[2..4]), number(&d[4..6]))
}

fn nik(text: &[u8]) -> bool {
    let digits = Digits::of(text);
    let Some(d) = digits.exactly::<16>() else { return false };
    let (province, regency, district) = (number(&d[..2]), number(&d[2..4]), number(&d[4..6]));
    let known = matches!(province, 11..=19 | 21 | 31..=36 | 51..=53 | 61..=65 | 71..=76 | 81 | 82 | 91..=97);
    // Regencies count from 1, cities from 71.
    let place = known && matches!(regency, 1..=29 | 71..=79) && district != 0;
    let day = number(&d[6..8]);
    let day = if day > 40 { day - 40 } else { day };
    place && number(&d[12..]) != 0 && is_date_of_either_century(number(&d[10..12]), number(&d[8..10]), day)
}

#[cfg(test)]
pub(super) const CASES: &[(&str, bool, &str)] = &[
    ("sg-nric", true, "S1234567D"),
    ("sg-nric", true, "T1234567J"),
    ("sg-nric", true, "F1234567N"),
    ("sg-nric", true, "G1234567X"),
    ("sg-nric", true, "M1234567K"),
    ("sg-nric", false, "S1234567E"),
    ("sg-nric", false, "M1234567N"),
    ("th-pin", true, "1-2345-67890-12-1"),
    ("th-pin", false, "1-2345-67890-12-2"),
    ("th-pin", false, "0-2345-67890-12-1"),
    ("my-nric", true, "770305-02-1234"),
    ("my-nric", false, "770305-17-1234"),
    ("my-nric", false, "770231-02-1234"),
    ("id-nik", true, "3171011708450001"),
    ("id-nik", true, "3171015708450001"),
    ("id-nik", false, "3171013208450001"),
    ("id-nik", false, "2071011708450001"),
    ("id-nik", false, "3171011708450000"),
];
