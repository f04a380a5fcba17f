//! Person and taxpayer numbers of Latin America that are made of digits, and of few letters.

use super::Check;
use super::digits::{Digits, number, weighted};

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "br-cpf",
        about: "Receita Federal: two check digits mod 11",
        least_digits: 11,
        passes: cpf,
    },
    Check {
        name: "br-cnpj",
        about: "Receita Federal, IN RFB 2.229/2024: twelve digits or letters, two check digits mod 11",
        least_digits: 2,
        passes: cnpj,
    },
    Check {
        name: "br-cnpj-alphanumeric",
        about: "the same, with at least one letter among the twelve",
        least_digits: 2,
        passes: |text| text.iter().any(u8::is_ascii_alphabetic) && cnpj(text),
    },
    Check {
        name: "ar-cuit",
        about: "AFIP: kind of holder 20-27, 30-34 or 50-55, weights 5 4 3 2 7 6 5 4 3 2, check digit mod 11",
        least_digits: 11,
        passes: cuit,
    },
    Check {
        name: "do-cedula",
        about: "Junta Central Electoral: eleven digits, Luhn check digit, no municipality 000",
        least_digits: 11,
        passes: cedula,
    },
    Check {
        name: "cl-rut",
        about: "Servicio de Impuestos Internos: seven or eight digits, weights 2 to 7 from the right, digit or K \
                mod 11",
        least_digits: 7,
        passes: rut,
    },
    Check {
        name: "co-nit",
        about: "DIAN, Orden Administrativa 4 of 1989: prime weights 3 7 13 17 19 … from the right, check digit \
                mod 11",
        least_digits: 9,
        passes: nit,
    },
    Check {
        name: "ec-ci",
        about: "Registro Civil: province 01-24 or 30, third digit below 7, check digit mod 10 of doubled odd places",
        least_digits: 10,
        passes: ci,
    },
];

fn cpf(text: &[u8]) -> bool {
    let digits = Digits::of(text);
    let Some(d) = digits.exactly::<11>() else { return false };
    check(weighted(&d[..9], &[10, 9, 8, 7, 6, 5, 4, 3, 2])) == d[9]
        && check(weighted(&d[..10], &[11, 10, 9, 8, 7, 6, 5, 4, 3, 2])) == d[10]
}

/// The check digit of a sum mod 11; remainders that would need two digits give 0.
fn check(sum: u32) -> u8 {
    match sum % 11 {
        0 | 1 => 0,
        rest => 11 - rest as u8,
    }
}

/// Since 2026 the first twelve places may hold letters, each worth its ASCII code less that of `0`.
fn cnpj(text: &[u8]) -> bool {
    let mut places = [0u8; 14];
    let mut len = 0;
    for byte in text.iter().filter(|b| b.is_ascii_alphanumeric()).map(u8::to_ascii_uppercase) {
        let Some(place) = places.get_mut(len) else { return false };
        *place = byte - b'0';
        len += 1;
    }
    let checks_are_digits = places[12] < 10 && places[13] < 10;
    let zero = places[..12].iter().all(|&p| p == 0);
    let weights = [6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2];
    len == 14
        && checks_are_digits
        && !zero
        && check(weighted(&places[..12], &weights[1..])) == places[12]
        && check(weighted(&places[..13], &weights)) == places[13]
}

fn cuit(text: &[u8]) -> bool {
    let digits = Digits::of(text);
    let Some(d) = digits.exactly::<11>() else { return false };
    let kind = matches!(number(&d[..2]), 20 | 23..=27 | 30 | 33 | 34 | 50 | 51 | 55);
    let check = match 11 - weighted(&d[..10], &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11 {
        11 => 0,
        10 => 9,
        digit => digit,
    };
    kind && check == u32::from(d[10])
}

fn cedula(text: &[u8]) -> bool {
    let digits = Digits::of(text);
    let Some(d) = digits.exactly::<11>() else { return false };
    number(&d[..3]) != 0 && super::luhn::passes(text)
}

fn rut(text: &[u8]) -> bool {
    let Some((&last, body)) = text.split_last() else { return false };
    let digits = Digits::of(body);
    let body = digits.as_slice();
    let sum: u32 = body.iter().rev().zip([2, 3, 4, 5, 6, 7, 2, 3]).map(|(&d, w)| u32::from(d) * w).sum();
    let wanted = match 11 - sum % 11 {
        11 => b'0',
        10 => b'K',
        digit => b'0' + digit as u8,
    };
    matches!(body.len(), 7 | 8) && number(body) >= 1_000_000 && last.to_ascii_uppercase() == wanted
}

fn nit(text: &[u8]) -> bool {
    let digits = Digits::of(text);
    let Some((&check, body)) = digits.as_slice().split_last() else { return false };
    let primes = [3, 7, 13, 17, 19, 23, 29, 37, 41, 43];
    let sum: u32 = body.iter().rev().zip(primes).map(|(&d, w)| u32::from(d) * w).sum();
    let wanted = match sum % 11 {
        rest @ (0 | 1) => rest,
        rest => 11 - rest,
    };
    (8..=10).contains(&body.len()) && body.first() != Some(&0) && wanted == u32::from(check)
}

fn ci(text: &[u8]) -> bool {
    let digits = Digits::of(text);
    let Some(d) = digits.exactly::<10>() else { return false };
    matches!(number(&d[..2]), 1..=24 | 30) && d[2] < 7 && super::luhn::passes(text)
}

#[cfg(test)]
pub(super) const CASES: &[(&str, bool, &str)] = &[
    ("br-cpf", true, "390.533.447-05"),
    ("br-cpf", false, "390.533.447-06"),
    ("br-cnpj", true, "00.000.000/0001-91"),
    ("br-cnpj", true, "12.ABC.345/01DE-35"),
    ("br-cnpj", true, "12abc34501de35"),
    ("br-cnpj", false, "00.000.000/0001-92"),
    ("br-cnpj", false, "12.ABC.345/01DE-36"),
    ("br-cnpj", false, "00000000000000"),
    ("br-cnpj-alphanumeric", true, "12.ABC.345/01DE-35"),
    ("br-cnpj-alphanumeric", false, "12.ABC.345/01DE-36"),
    ("br-cnpj-alphanumeric", false, "11.444.777/0001-61"),
    ("ar-cuit", true, "20-12345678-6"),
    ("ar-cuit", true, "30-50001091-2"),
    ("ar-cuit", false, "20-12345678-7"),
    ("ar-cuit", false, "99-12345678-6"),
    ("do-cedula", true, "402-1234567-8"),
    ("do-cedula", false, "402-1234567-9"),
    ("do-cedula", false, "000-0000018-0"),
    ("cl-rut", true, "12.345.678-5"),
    ("cl-rut", true, "76086428-5"),
    ("cl-rut", true, "6265837-1"),
    ("cl-rut", true, "12.345.670-k"),
    ("cl-rut", false, "12.345.678-6"),
    ("cl-rut", false, "12.345.670-1"),
    ("co-nit", true, "890.903.938-8"),
    ("co-nit", true, "860002964-4"),
    ("co-nit", false, "890.903.938-9"),
    ("ec-ci", true, "171003406-5"),
    ("ec-ci", true, "1710034065"),
    ("ec-ci", false, "171003406-6"),
    ("ec-ci", false, "2510034065"),
];
