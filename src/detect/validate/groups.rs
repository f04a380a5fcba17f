//! How people group the digits of a card: by one kind of separator, not too small, and not as a count.

/// Fewest digits before a separator; only what is left at the end may be fewer.
const LEAST: usize = 3;

/// Numbers of a table's row lie closer together than those that a card's digits happen to make: one card in ten
/// thousand has four so close.
const CLOSE: u32 = 300;

/// Whether all groups have four digits and lie close together.
pub(super) fn close(text: &[u8]) -> bool {
    let (mut groups, mut least, mut most) = (0, u32::MAX, 0);
    for group in text.split(|byte| !byte.is_ascii_digit()) {
        if group.len() != 4 {
            return false;
        }
        let number = group.iter().fold(0, |number, byte| number * 10 + u32::from(byte & 15));
        (groups, least, most) = (groups + 1, least.min(number), most.max(number));
        if most - least >= CLOSE {
            return false;
        }
    }
    groups >= 3
}

pub(super) fn passes(text: &[u8]) -> bool {
    let (mut separator, mut before) = (None, None);
    let (mut number, mut length) = (0u64, 0);
    // Whether each number is one more than that before it: lines of a table, not groups of one number.
    let mut counted = true;
    let follows = |before: Option<u64>, number: u64| before.is_none_or(|n| number == n.wrapping_add(1));
    for &byte in text {
        if byte.is_ascii_digit() {
            number = number.wrapping_mul(10).wrapping_add(u64::from(byte & 15));
            length += 1;
            continue;
        }
        if length < LEAST || separator.is_some_and(|known| known != byte) {
            return false;
        }
        counted &= follows(before, number);
        (separator, before) = (Some(byte), Some(number));
        (number, length) = (0, 0);
    }
    separator.is_none() || length > 0 && !(counted && follows(before, number))
}
