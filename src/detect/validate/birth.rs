//! Dates of birth as they stand in the numbers of people.

use super::digits::{is_date, number};
use crate::limits;

/// Whether somebody who has a number can have been born on this day.
pub(super) fn is_birth(year: u32, month: u32, day: u32) -> bool {
    limits::BIRTH_YEARS.contains(&year) && is_date(year, month, day)
}

/// The same where the century is not written.
pub(super) fn is_birth_in_some_century(year: u32, month: u32, day: u32) -> bool {
    [1900, 2000, 1800].iter().any(|century| is_birth(century + year % 100, month, day))
}

/// The three numbers that six digits in pairs stand for.
pub(super) fn pairs(digits: &[u8; 6]) -> [u32; 3] {
    let [a, b, c, d, e, f] = digits;
    [[*a, *b], [*c, *d], [*e, *f]].map(|pair| number(&pair) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_birth_is_a_day_within_the_years_of_living_people() {
        let cases = [
            (1985, 2, 28, true),
            (1985, 2, 29, false),
            (1984, 2, 29, true),
            (1900, 2, 29, false),
            (1854, 12, 31, false),
            (1855, 1, 1, true),
            (2039, 12, 31, true),
            (2040, 1, 1, false),
            (1985, 0, 1, false),
            (1985, 13, 1, false),
            (1985, 1, 0, false),
        ];
        for (year, month, day, wanted) in cases {
            assert_eq!(is_birth(year, month, day), wanted, "{year}-{month}-{day}");
        }
        assert!(is_birth_in_some_century(0, 2, 29) && !is_birth_in_some_century(1, 2, 29));
        assert_eq!(pairs(&[3, 1, 1, 2, 9, 9]), [31, 12, 99]);
    }
}
