//! Membership in a sorted list that is kept as text, one entry a line.

use std::cmp::Ordering;

/// Whether `word` is a line of `sorted`, whose lines ascend by bytes; found by halving.
pub(super) fn is_listed(sorted: &str, word: &[u8]) -> bool {
    let (mut low, mut high) = (0, sorted.len());
    while low < high {
        let middle = low + (high - low) / 2;
        // The line that `middle` stands in; `low` and `high` are beginnings of lines.
        let text = sorted.as_bytes();
        let start = text[low..middle].iter().rposition(|&b| b == b'\n').map_or(low, |i| low + i + 1);
        let end = text[start..].iter().position(|&b| b == b'\n').map_or(text.len(), |i| start + i);
        match text[start..end].cmp(word) {
            Ordering::Equal => return true,
            Ordering::Less => low = end + 1,
            Ordering::Greater => high = start,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::is_listed;

    #[test]
    fn every_line_is_found_and_nothing_else() {
        for list in ["", "a", "a\n", "a\nab\nb\nc", "a\nab\nb\nc\n", include_str!("tlds.txt")] {
            assert!(list.lines().is_sorted(), "not ascending");
            for line in list.lines() {
                assert!(is_listed(list, line.as_bytes()), "{line}");
                for other in [format!("{line}-"), line[1..].to_owned() + "\u{7f}"] {
                    assert!(!is_listed(list, other.as_bytes()), "{other}");
                }
            }
            assert!(!is_listed(list, b"") && !is_listed(list, b"\n") && !is_listed(list, b"\xff"));
        }
    }
}
