//! Membership in a list that is kept as text, one entry a line.

use std::collections::HashSet;
use std::sync::LazyLock;

/// A list, read when it is first asked.
pub(super) struct List(LazyLock<HashSet<&'static [u8]>, Read>);

type Read = fn() -> HashSet<&'static [u8]>;

impl List {
    pub(super) const fn new(read: Read) -> List {
        List(LazyLock::new(read))
    }

    pub(super) fn holds(&self, word: &[u8]) -> bool {
        self.0.contains(word)
    }
}

/// The lines of a text.
pub(super) fn lines(text: &'static str) -> HashSet<&'static [u8]> {
    text.lines().map(str::as_bytes).collect()
}

#[cfg(test)]
mod tests {
    use super::{List, lines};

    #[test]
    fn every_line_is_found_and_nothing_else() {
        static LIST: List = List::new(|| lines(include_str!("tlds.txt")));
        let text = include_str!("tlds.txt");
        for line in text.lines() {
            assert!(LIST.holds(line.as_bytes()), "{line}");
            for other in [format!("{line}-"), line[1..].to_owned() + "\u{7f}"] {
                assert!(!LIST.holds(other.as_bytes()), "{other}");
            }
        }
        assert!(!LIST.holds(b"") && !LIST.holds(b"\n") && !LIST.holds(b"\xff"));
    }
}
