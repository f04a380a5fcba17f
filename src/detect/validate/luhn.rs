//! The Luhn check digit (ISO/IEC 7812-1, annex B).

/// Every second digit from the right is doubled, nine taken off above nine; the sum is a multiple of ten.
pub(super) fn passes(text: &[u8]) -> bool {
    let mut sum = 0u32;
    let mut count = 0u32;
    for &byte in text.iter().rev() {
        let digit = u32::from(byte.wrapping_sub(b'0'));
        if digit > 9 {
            continue;
        }
        let doubled = digit * 2;
        sum += if count.is_multiple_of(2) { digit } else { doubled - if doubled > 9 { 9 } else { 0 } };
        count += 1;
    }
    count > 1 && sum.is_multiple_of(10)
}
