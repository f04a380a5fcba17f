//! United States social security number (SSA, numbering since the randomisation of 2011).

use super::digits::{Digits, number};

/// Numbers that were printed on sample cards or in advertisements and never belong to a person.
const VOID: [u64; 3] = [78_051_120, 219_099_999, 457_555_462];

pub(super) fn passes(text: &[u8]) -> bool {
    let digits = Digits::of(text);
    let Some(d) = digits.exactly::<9>() else { return false };
    let (area, group, serial) = (number(&d[..3]), number(&d[3..5]), number(&d[5..]));
    area != 0 && area != 666 && area < 900 && group != 0 && serial != 0 && !VOID.contains(&number(d))
}
