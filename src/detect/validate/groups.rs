//! How people group the digits of a card: alike and not too small.

/// Fewest digits between two separators.
const LEAST: usize = 3;

pub(super) fn passes(text: &[u8]) -> bool {
    let mut separators = text.iter().filter(|b| !b.is_ascii_digit());
    let Some(first) = separators.next() else { return true };
    separators.all(|s| s == first) && text.split(|b| b == first).all(|group| group.len() >= LEAST)
}
