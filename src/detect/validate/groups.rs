//! How people group the digits of a card: by one kind of separator, not too small, and not as a count.

/// Fewest digits before a separator; only what is left at the end may be fewer.
const LEAST: usize = 3;

pub(super) fn passes(text: &[u8]) -> bool {
    let mut separators = text.iter().filter(|b| !b.is_ascii_digit());
    let Some(first) = separators.next() else { return true };
    let groups = || text.split(|b| b == first);
    let mut backwards = groups().rev();
    backwards.next().is_some_and(|last| !last.is_empty())
        && backwards.all(|group| group.len() >= LEAST)
        && separators.all(|s| s == first)
        && groups().zip(groups().skip(1)).any(|(a, b)| !follows(a, b))
}

/// Whether `b` is the number after `a`: lines of a table, not groups of one number.
fn follows(a: &[u8], b: &[u8]) -> bool {
    let number =
        |group: &[u8]| group.iter().fold(0u64, |n, d| n.wrapping_mul(10).wrapping_add(u64::from(d & 15)));
    number(b) == number(a).wrapping_add(1)
}
