//! Brazilian CPF: two check digits, each the remainder mod 11 of a weighted sum.

use super::digits::{Digits, weighted};

pub(super) fn passes(text: &[u8]) -> bool {
    let digits = Digits::of(text);
    let Some(d) = digits.exactly::<11>() else { return false };
    let check = |sum: u32| match sum % 11 {
        0 | 1 => 0,
        rest => 11 - rest,
    };
    check(weighted(&d[..9], &[10, 9, 8, 7, 6, 5, 4, 3, 2])) == u32::from(d[9])
        && check(weighted(&d[..10], &[11, 10, 9, 8, 7, 6, 5, 4, 3, 2])) == u32::from(d[10])
}
