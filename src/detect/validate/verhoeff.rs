//! The Verhoeff check digit (J. Verhoeff, Error Detecting Decimal Codes, 1969) over the dihedral group D5.

use super::digits::Digits;

/// The product in D5: rotations 0 to 4, reflections 5 to 9.
fn product(a: u8, b: u8) -> u8 {
    match (a < 5, b < 5) {
        (true, true) => (a + b) % 5,
        (true, false) => 5 + (a + b - 5) % 5,
        (false, true) => 5 + (a - 5 + 5 - b) % 5,
        (false, false) => (a + 5 - b) % 5,
    }
}

/// The permutation applied once a place, from the right.
const PERMUTATION: [u8; 10] = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];

pub(super) fn passes(text: &[u8]) -> bool {
    let digits = Digits::of(text);
    let digits = digits.as_slice();
    let check = digits.iter().rev().enumerate().fold(0, |check, (place, &digit)| {
        let permuted = (0..place % 8).fold(digit, |d, _| PERMUTATION[usize::from(d)]);
        product(check, permuted)
    });
    digits.len() > 1 && check == 0
}
