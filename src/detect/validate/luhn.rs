//! The Luhn check digit (ISO/IEC 7812-1, annex B).

/// Every second digit from the right is doubled, nine taken off above nine; the sum is a multiple of ten.
pub(super) fn passes(text: &[u8]) -> bool {
    // Sums as if the digit that was read last were the last of all, and as if one more came.
    let (mut last, mut before, mut count) = (0u32, 0u32, 0u32);
    for &byte in text {
        let digit = usize::from(byte.wrapping_sub(b'0'));
        if let Some(&doubled) = DOUBLED.get(digit) {
            (last, before) = (before + digit as u32, last + u32::from(doubled));
            count += 1;
        }
    }
    count > 1 && last.is_multiple_of(10)
}

const DOUBLED: [u8; 10] = [0, 2, 4, 6, 8, 1, 3, 5, 7, 9];
