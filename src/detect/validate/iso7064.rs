//! ISO/IEC 7064 hybrid system MOD 11,10.

/// Whether the last digit is the check digit of the others.
pub(super) fn mod_11_10(digits: &[u8]) -> bool {
    let Some((&check, body)) = digits.split_last() else { return false };
    let mut product = 10u32;
    for &d in body {
        let sum = (u32::from(d) + product) % 10;
        product = (if sum == 0 { 10 } else { sum } * 2) % 11;
    }
    (11 - product) % 10 == u32::from(check)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_digit_of_a_published_number_alone_passes() {
        // The example of the standard: 0794 with the check digit 5.
        for check in 0..10 {
            assert_eq!(mod_11_10(&[0, 7, 9, 4, check]), check == 5, "{check}");
        }
        assert!(!mod_11_10(&[]));
    }
}
