//! Taxpayer numbers of Australia and New Zealand.

use super::Check;
use super::digits::{Digits, number, weighted};

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "au-tfn",
        about: "ATO: tax file number of nine digits, weights 1 4 3 7 5 8 6 9 10, sum a multiple of 11",
        least_digits: 9,
        passes: tfn,
    },
    Check {
        name: "nz-ird",
        about: "Inland Revenue, RWT and NRWT specification: 10,000,000 to 200,000,000, check digit mod 11 with two \
                rows of weights",
        least_digits: 8,
        passes: ird,
    },
];

fn tfn(text: &[u8]) -> bool {
    let digits = Digits::of(text);
    let Some(d) = digits.exactly::<9>() else { return false };
    weighted(d, &[1, 4, 3, 7, 5, 8, 6, 9, 10]).is_multiple_of(11)
}

/// The numbers that Inland Revenue may issue.
const IRD: std::ops::RangeInclusive<u64> = 10_000_000..=200_000_000;

fn ird(text: &[u8]) -> bool {
    let digits = Digits::of(text);
    let all = digits.as_slice();
    if !matches!(all.len(), 8 | 9) || !IRD.contains(&number(all)) {
        return false;
    }
    let Some((&check, body)) = all.split_last() else { return false };
    let mut base = [0u8; 8];
    base[8 - body.len()..].copy_from_slice(body);
    // A remainder that would need the digit ten is worked out again with the second row.
    let digit = |weights: &[u8]| (11 - weighted(&base, weights) % 11) % 11;
    let first = digit(&[3, 2, 7, 6, 5, 4, 3, 2]);
    let chosen = if first == 10 { digit(&[7, 4, 3, 2, 5, 2, 7, 6]) } else { first };
    chosen == u32::from(check)
}

#[cfg(test)]
pub(super) const CASES: &[(&str, bool, &str)] = &[
    ("au-tfn", true, "123 456 782"),
    ("au-tfn", true, "876543210"),
    ("au-tfn", false, "123 456 783"),
    ("nz-ird", true, "49-091-850"),
    ("nz-ird", true, "136-410-132"),
    ("nz-ird", true, "49098576"),
    ("nz-ird", false, "136-410-133"),
    ("nz-ird", false, "09-125-568"),
    ("nz-ird", false, "9125568"),
];
