//! Person and taxpayer numbers of India and Pakistan.

use super::Check;
use super::digits::{Digits, number};

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "in-gstin",
        about: "CBIC: state code, PAN of the holder, and a check character by the Luhn method over 36 characters",
        least_digits: 6,
        passes: gstin,
    },
    Check {
        name: "in-pan",
        about: "Income Tax Department: five letters of which the fourth tells the kind of holder, four digits, a \
                letter",
        least_digits: 4,
        passes: pan,
    },
    Check {
        name: "in-epic",
        about: "Election Commission of India: three letters, seven digits, the last a Luhn check digit",
        least_digits: 7,
        passes: epic,
    },
    Check {
        name: "pk-cnic",
        about: "NADRA: province 1-7, division and district, family number, and a digit odd for men, even for women",
        least_digits: 13,
        passes: cnic,
    },
];

fn gstin(text: &[u8]) -> bool {
    let Ok(code) = <[u8; 15]>::try_from(text) else { return false };
    let code = code.map(|b| b.to_ascii_uppercase());
    let mut sum = 0;
    for (place, &byte) in code[..14].iter().enumerate() {
        let value = match byte {
            b'0'..=b'9' => u32::from(byte - b'0'),
            b'A'..=b'Z' => u32::from(byte - b'A') + 10,
            _ => return false,
        };
        let product = value * (1 + place as u32 % 2);
        sum += product / 36 + product % 36;
    }
    let wanted = match (36 - sum % 36) % 36 {
        digit @ 0..=9 => b'0' + digit as u8,
        letter => b'A' + (letter - 10) as u8,
    };
    let state = Digits::of(&code[..2]);
    let known = matches!(number(state.as_slice()), 1..=38 | 97 | 99);
    // Z for all but those who deduct or collect tax for others.
    let kind = code[12] != b'0' && matches!(code[13], b'Z' | b'C' | b'D');
    state.as_slice().len() == 2 && known && pan(&code[2..12]) && kind && wanted == code[14]
}

/// Kinds of holder: associations, bodies, companies, limited partnerships, firms, governments, families, juridical
/// persons, agencies, local authorities, persons, trusts.
const HOLDERS: &[u8; 12] = b"ABCEFGHJKLPT";

fn pan(text: &[u8]) -> bool {
    let Ok(code) = <[u8; 10]>::try_from(text) else { return false };
    let (letters, rest) = code.split_at(5);
    let (serial, last) = rest.split_at(4);
    letters.iter().chain(last).all(u8::is_ascii_alphabetic)
        && HOLDERS.contains(&letters[3].to_ascii_uppercase())
        && serial.iter().all(u8::is_ascii_digit)
        && serial != b"0000"
}

fn epic(text: &[u8]) -> bool {
    let Some((letters, digits)) = text.split_at_checked(3) else { return false };
    letters.iter().all(u8::is_ascii_alphabetic)
        && Digits::of(digits).as_slice().len() == 7
        && super::luhn::passes(digits)
}

fn cnic(text: &[u8]) -> bool {
    let digits = Digits::of(text);
    let Some(d) = digits.exactly::<13>() else { return false };
    (1..=7).contains(&d[0]) && d[12] != 0
}

#[cfg(test)]
pub(super) const CASES: &[(&str, bool, &str)] = &[
    ("in-gstin", true, "27AAPFU0939F1ZV"),
    ("in-gstin", false, "27AAPFU0939F1ZW"),
    ("in-gstin", false, "40AAPFU0939F1ZV"),
    ("in-gstin", false, "27AAPDU0939F1ZV"),
    ("in-pan", true, "ACUPA7085R"),
    ("in-pan", false, "ACUDA7085R"),
    ("in-pan", false, "ACUPA0000R"),
    ("in-epic", true, "WKH1186253"),
    ("in-epic", false, "WKH1186254"),
    ("pk-cnic", true, "34201-2891231-8"),
    ("pk-cnic", false, "94201-2891231-8"),
    ("pk-cnic", false, "34201-2891231-0"),
];
