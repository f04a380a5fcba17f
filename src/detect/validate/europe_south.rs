//! Numbers of people in Spain, Portugal, Greece and Cyprus.

use super::birth::{is_birth_in_some_century, pairs};
use super::compact::{compact, values};
use super::digits::{Digits, number, weighted};
use super::{Check, codice_fiscale, luhn};

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "es-dni",
        about: "Spanish identity document (royal decree 1553/2005): letter by number mod 23",
        least_digits: 8,
        passes: dni,
    },
    Check {
        name: "es-nie",
        about: "Spanish foreigner number (order INT/2058/2008): X, Y, Z stand for 0, 1, 2; letter by number mod 23",
        least_digits: 7,
        passes: nie,
    },
    Check {
        name: "pt-cc",
        about: "Portuguese citizen card: digits and letters, every second doubled, mod 10",
        least_digits: 10,
        passes: citizen_card,
    },
    Check {
        name: "pt-nif",
        about: "Portuguese taxpayer number (decree-law 14/2013): weights 9 to 2, mod 11",
        least_digits: 9,
        passes: nif,
    },
    Check {
        name: "gr-amka",
        about: "Greek social security number: date and Luhn digit",
        least_digits: 11,
        passes: amka,
    },
    Check {
        name: "gr-afm",
        about: "Greek tax number: powers of two, mod 11, mod 10",
        least_digits: 9,
        passes: afm,
    },
    Check {
        name: "cy-tic",
        about: "Cypriot tax identification code: eight digits, those in odd places replaced by a table, letter by sum mod 26",
        least_digits: 8,
        passes: cypriot,
    },
];

const LETTERS: &[u8; 23] = b"TRWAGMYFPDXBNJZSQVHLCKE";

fn dni(text: &[u8]) -> bool {
    let Some([digits @ .., letter]) = compact::<9>(text) else { return false };
    values::<8>(digits).is_some_and(|d| number(&d) != 0 && LETTERS[(number(&d) % 23) as usize] == letter)
}

fn nie(text: &[u8]) -> bool {
    let Some([first @ b'X'..=b'Z', digits @ .., letter]) = compact::<9>(text) else { return false };
    let Some(digits) = values::<7>(digits) else { return false };
    let value = u64::from(first - b'X') * 10_000_000 + number(&digits);
    LETTERS[(value % 23) as usize] == letter
}

fn citizen_card(text: &[u8]) -> bool {
    let Some(all) = compact::<12>(text) else { return false };
    let [digits @ .., _, _, last] = all;
    let sum: u32 = all
        .iter()
        .enumerate()
        .map(|(place, &b)| {
            let value = u32::from(if b.is_ascii_digit() { b - b'0' } else { b - b'A' + 10 });
            match value * 2 {
                _ if place % 2 == 1 => value,
                doubled @ 10.. => doubled - 9,
                doubled => doubled,
            }
        })
        .sum();
    values::<9>(digits).is_some() && last.is_ascii_digit() && sum.is_multiple_of(10)
}

fn nif(text: &[u8]) -> bool {
    let digits = Digits::of(text);
    let Some([body @ .., check]) = digits.exactly::<9>() else { return false };
    let wanted = 11 - weighted(body, &[9, 8, 7, 6, 5, 4, 3, 2]) % 11;
    body[0] != 0 && u32::from(*check) == if wanted > 9 { 0 } else { wanted }
}

fn amka(text: &[u8]) -> bool {
    let digits = Digits::of(text);
    let Some(&[a, b, c, d, e, f, ..]) = digits.exactly::<11>() else { return false };
    let [day, month, year] = pairs(&[a, b, c, d, e, f]);
    is_birth_in_some_century(year, month, day) && luhn::passes(text)
}

fn afm(text: &[u8]) -> bool {
    let digits = Digits::of(text);
    let Some([body @ .., check]) = digits.exactly::<9>() else { return false };
    // 256, 128, 64, 32 and 16 mod 11, then 8, 4 and 2.
    let sum = weighted(body, &[3, 7, 9, 10, 5, 8, 4, 2]);
    number(body) != 0 && sum % 11 % 10 == u32::from(*check)
}

fn cypriot(text: &[u8]) -> bool {
    let Some([digits @ .., letter]) = compact::<9>(text) else { return false };
    let Some(digits) = values::<8>(digits) else { return false };
    let odd = |digit: u8| codice_fiscale::ODD[usize::from(digit)];
    let sum = digits.iter().enumerate().map(|(place, &d)| u32::from(if place % 2 == 0 { odd(d) } else { d }));
    // 12 is kept for numbers of another kind.
    !digits.starts_with(&[1, 2]) && u32::from(letter) == u32::from(b'A') + sum.sum::<u32>() % 26
}

#[cfg(test)]
pub(super) const CASES: &[(&str, bool, &str)] = &[
    ("es-dni", true, "54362315K"),
    ("es-dni", true, "54362315-k"),
    ("es-dni", true, "54.362.315 K"),
    ("es-dni", false, "54362315Z"),
    ("es-dni", false, "00000000T"),
    ("es-nie", true, "X-2482300-W"),
    ("es-nie", true, "x2482300w"),
    ("es-nie", false, "Y2482300W"),
    ("es-nie", false, "X2482300A"),
    ("pt-cc", true, "00000000 0 ZZ4"),
    ("pt-cc", true, "000000000ZZ4"),
    ("pt-cc", false, "00000000 0 ZZ3"),
    ("pt-nif", true, "501964843"),
    ("pt-nif", false, "501964842"),
    ("pt-nif", false, "000000000"),
    ("gr-amka", true, "01013099997"),
    ("gr-amka", false, "01013099999"),
    ("gr-amka", false, "01133099997"),
    ("gr-afm", true, "094259216"),
    ("gr-afm", false, "123456781"),
    ("cy-tic", true, "10259033P"),
    ("cy-tic", false, "10259033Z"),
];
