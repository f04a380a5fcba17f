//! Spanish DNI: eight digits and the letter that their remainder mod 23 selects.

const LETTERS: &[u8; 23] = b"TRWAGMYFPDXBNJZSQVHLCKE";

pub(super) fn passes(text: &[u8]) -> bool {
    let digits = super::digits::Digits::of(text);
    let (Some(d), Some(letter)) = (digits.exactly::<8>(), text.last()) else { return false };
    let number = super::digits::number(d);
    number != 0 && LETTERS[(number % 23) as usize] == letter.to_ascii_uppercase()
}
