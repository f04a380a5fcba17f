//! Polish PESEL: birth date with the century in the month, weights 1, 3, 7, 9, check digit mod 10.

use super::digits::{Digits, is_date, number, weighted};

pub(super) fn passes(text: &[u8]) -> bool {
    let digits = Digits::of(text);
    let Some(d) = digits.exactly::<11>() else { return false };
    let (year, month, day) = (number(&d[..2]) as u32, number(&d[2..4]) as u32, number(&d[4..6]) as u32);
    let century = [1900, 2000, 2100, 2200, 1800][(month / 20) as usize % 5];
    weighted(d, &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1]).is_multiple_of(10)
        && is_date(century + year, month % 20, day)
}
