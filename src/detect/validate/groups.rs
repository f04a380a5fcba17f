//! How people group the digits of a card: by one kind of separator, not too small, and not as a count.

use super::digits::fours;

/// Fewest digits before a separator; only what is left at the end may be fewer.
const LEAST: usize = 3;

/// Numbers of a table's row lie closer together than those that a card's digits happen to make: one card in ten
/// thousand has four so close.
const CLOSE: u32 = 300;

/// The same for three groups before a shorter one.
const CLOSER: u32 = 50;

/// In an index every second number counts up by one, and what stands beside it by so much at most: one card in fifty thousand
/// reads so.
const FURTHER: u32 = 1000;

/// Whether all groups have four digits, but perhaps the last fewer, and lie close together, or are two entries of an index: the
/// number of a thing and where it begins, then those of the next, as PDF documents have them. Or two pairs of neighbours, as
/// the numbers of characters are.
pub(super) fn close(text: &[u8]) -> bool {
    if let Some(first) = fours(text) {
        let (least, most) = first.iter().fold((u32::MAX, 0), |(least, most), &n| (least.min(n), most.max(n)));
        return most - least < CLOSE || is_counted(first, text);
    }
    close_one_by_one(text)
}

fn close_one_by_one(text: &[u8]) -> bool {
    let (mut groups, mut least, mut most) = (0, u32::MAX, 0);
    let (mut first, mut is_short) = ([0; 4], false);
    for group in text.split(|byte| !byte.is_ascii_digit()) {
        if is_short || group.len() > 4 {
            return false;
        }
        if group.len() < 4 {
            is_short = true;
            continue;
        }
        let number = group.iter().fold(0, |number, byte| number * 10 + u32::from(byte & 15));
        if let Some(slot) = first.get_mut(groups) {
            *slot = number;
        }
        (groups, least, most) = (groups + 1, least.min(number), most.max(number));
    }
    !is_short && groups == 4 && is_counted(first, text)
        || groups >= 3 && most - least < if is_short { CLOSER } else { CLOSE }
}

/// Whether four numbers are two entries of an index, or two pairs of neighbours.
fn is_counted([one, two, three, four]: [u32; 4], text: &[u8]) -> bool {
    let steps =
        |from: u32, to: u32, most: u32| to.checked_sub(from).is_some_and(|step| (1..=most).contains(&step));
    let is_index = steps(one, three, 1) && steps(two, four, FURTHER)
        || steps(one, three, FURTHER) && steps(two, four, 1);
    // One card in eight million has two pairs.
    let is_near = |a: u32, b: u32| a.abs_diff(b) == 1;
    let pairs = [[one, two, three, four], [one, three, two, four], [one, four, two, three]];
    let is_pairs = pairs.iter().any(|&[a, b, c, d]| is_near(a, b) && is_near(c, d));
    (is_index || is_pairs) && !text.iter().any(|byte| matches!(byte, b'-' | b'.'))
}

pub(super) fn passes(text: &[u8]) -> bool {
    if let Some(numbers) = fours(text) {
        return text[4] == text[9]
            && text[9] == text[14]
            && !numbers.windows(2).all(|two| two[1] == two[0] + 1);
    }
    passes_one_by_one(text)
}

fn passes_one_by_one(text: &[u8]) -> bool {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_fours_are_judged_as_all_groups_are() {
        let steps = [0, 1, 2, 299, 300, 999, 1000, 1001, 9999];
        let mut seen = [0; 2];
        for (a, b, c) in
            steps.iter().flat_map(|a| steps.map(|b| (*a, b))).flat_map(|(a, b)| steps.map(|c| (a, b, c)))
        {
            // Each number lies beside the one before it, or beside the one before that.
            for numbers in [[5, 5 + a, 5 + a + b, 5 + a + b + c], [5, 5 + a, 5 + b, 5 + a + c]] {
                for [x, y, z] in [*b"   ", *b"---", *b"...", *b" - "].map(|signs| signs.map(char::from)) {
                    let [one, two, three, four] = numbers.map(|number: u32| number % 10_000);
                    let text = format!("{one:04}{x}{two:04}{y}{three:04}{z}{four:04}");
                    let text = text.as_bytes();
                    assert_eq!(close(text), close_one_by_one(text), "{numbers:?}");
                    assert_eq!(passes(text), passes_one_by_one(text), "{numbers:?}");
                    seen[0] += usize::from(close(text));
                    seen[1] += usize::from(passes(text));
                }
            }
        }
        assert!(seen.iter().all(|&passed| (1..2 * 4 * 729).contains(&passed)), "{seen:?}");
    }
}
