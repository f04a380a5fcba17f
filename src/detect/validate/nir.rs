//! French NIR (numéro d'inscription au répertoire, INSEE): sex, year, month, place, order and key.

pub(super) fn passes(text: &[u8]) -> bool {
    // Corsica: 2A stands for 19, 2B for 18 in the number that the key is computed from.
    let mut digits = [0u8; 15];
    let mut len = 0;
    for &byte in text {
        let digit = match byte.to_ascii_uppercase() {
            b @ b'0'..=b'9' => b - b'0',
            b'A' if len == 6 => 9,
            b'B' if len == 6 => 8,
            b' ' | b'.' | b'-' => continue,
            _ => return false,
        };
        let corsican = !byte.is_ascii_digit();
        let Some(slot) = digits.get_mut(len) else { return false };
        *slot = digit;
        if corsican {
            if digits[5] != 2 {
                return false;
            }
            digits[5] = 1;
        }
        len += 1;
    }
    if len != 15 {
        return false;
    }
    let number = super::digits::number(&digits[..13]);
    let key = super::digits::number(&digits[13..]);
    let month = digits[3] * 10 + digits[4];
    // 1 and 2 are issued at birth, 3, 4, 7 and 8 provisionally; months past 12 stand for unknown ones.
    let sex = matches!(digits[0], 1 | 2 | 3 | 4 | 7 | 8);
    let place = digits[5] * 10 + digits[6];
    sex && matches!(month, 1..=12 | 20 | 30..=42 | 50..=99) && place != 0 && key == 97 - number % 97
}
