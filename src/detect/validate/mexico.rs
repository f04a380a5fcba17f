//! The codes of Mexico that are made of a name and a date: CURP and RFC.

use super::Check;
use super::digits::is_date;

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "mx-curp",
        about: "RENAPO, Instructivo Normativo (DOF 18/10/2021): date, sex, federal entity and check digit mod 10",
        least_digits: 7,
        passes: curp,
    },
    Check {
        name: "mx-rfc",
        about: "SAT, Código Fiscal art. 27 and Anexo 19: date and check character mod 11",
        least_digits: 6,
        passes: rfc,
    },
];

/// Codes of the federal entities, and of birth abroad.
const ENTITIES: &[u8; 66] = b"ASBCBSCCCSCHCLCMDFDGGTGRHGJCMCMNMSNTNLOCPLQTQRSPSLSRTCTSTLVZYNZSNE";
/// Values of the characters of a CURP; the one at `?` is Ñ's, which never stands in one.
const CURP: &[u8; 37] = b"0123456789ABCDEFGHIJKLMN?OPQRSTUVWXYZ";
/// Values of the characters of an RFC: Ñ is read as `?`, and a company's code as having a blank before it.
const RFC: &[u8; 39] = b"0123456789ABCDEFGHIJKLMN&OPQRSTUVWXYZ ?";

fn value(alphabet: &[u8], byte: u8) -> Option<u32> {
    alphabet.iter().position(|&b| b == byte).map(|place| place as u32)
}

fn two(pair: [u8; 2]) -> u32 {
    pair.iter().fold(0, |n, b| n * 10 + u32::from(b.wrapping_sub(b'0')))
}

fn curp(text: &[u8]) -> bool {
    let Ok(code) = <[u8; 18]>::try_from(text) else { return false };
    let code = code.map(|b| b.to_ascii_uppercase());
    // The place before the check digit is a digit for those born before 2000, a letter for later ones.
    let century = if code[16].is_ascii_digit() { 1900 } else { 2000 };
    let (year, month, day) = (two([code[4], code[5]]), two([code[6], code[7]]), two([code[8], code[9]]));
    let entity = ENTITIES.chunks_exact(2).any(|e| e == &code[11..13]);
    let mut sum = 0;
    for (place, &byte) in code[..17].iter().enumerate() {
        let Some(value) = value(CURP, byte) else { return false };
        sum += value * (18 - place as u32);
    }
    code[4..10].iter().all(u8::is_ascii_digit)
        && matches!(code[10], b'H' | b'M' | b'X')
        && entity
        && is_date(century + year, month, day)
        && u32::from(code[17].wrapping_sub(b'0')) == (10 - sum % 10) % 10
}

fn rfc(text: &[u8]) -> bool {
    let mut code = [0u8; 13];
    let mut len = 0;
    let mut rest = text;
    while let [first, tail @ ..] = rest {
        // Ñ in UTF-8; blanks and dashes stand between name, date and key.
        let (byte, tail) = match (*first, tail) {
            (0xC3, [0x91 | 0xB1, tail @ ..]) => (b'?', tail),
            (b' ' | b'-', tail) => {
                rest = tail;
                continue;
            }
            (byte, tail) => (byte.to_ascii_uppercase(), tail),
        };
        rest = tail;
        let Some(place) = code.get_mut(len) else { return false };
        *place = byte;
        len += 1;
    }
    let code = match len {
        13 => code,
        12 => std::array::from_fn(|i| if i == 0 { b' ' } else { code[i - 1] }),
        _ => return false,
    };
    let (year, month, day) = (two([code[4], code[5]]), two([code[6], code[7]]), two([code[8], code[9]]));
    let mut sum = 0;
    for (place, &byte) in code[..12].iter().enumerate() {
        let Some(value) = value(RFC, byte) else { return false };
        sum += value * (13 - place as u32);
    }
    let check = match 11 - sum % 11 {
        11 => b'0',
        10 => b'A',
        digit => b'0' + digit as u8,
    };
    let date = is_date(2000 + year, month, day) || is_date(1900 + year, month, day);
    code[4..10].iter().all(u8::is_ascii_digit) && date && code[12] == check
}

#[cfg(test)]
pub(super) const CASES: &[(&str, bool, &str)] = &[
    ("mx-curp", true, "HEGG560427MVZRRL04"),
    ("mx-curp", true, "GOTS040404MOCRXFA6"),
    ("mx-curp", false, "HEGG560427MVZRRL05"),
    ("mx-curp", false, "HEGG561327MVZRRL04"),
    ("mx-curp", false, "HEGG560427MXXRRL04"),
    ("mx-rfc", true, "GODE561231GR8"),
    ("mx-rfc", true, "ÑIM010203AB2"),
    ("mx-rfc", true, "GODE 561231 GR8"),
    ("mx-rfc", true, "TGA-930714-QX7"),
    ("mx-rfc", false, "GODE561231GR7"),
    ("mx-rfc", false, "GODE561331GR8"),
    ("mx-rfc", false, "TGA930714QX8"),
];
