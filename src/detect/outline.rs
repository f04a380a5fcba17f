//! What kinds of bytes every match begins with: enough to look for a pattern that holds nothing rare in one piece.

use super::anchor::is_separator;
use super::shape::{DEAD, Shape};

/// Bytes that an outline tells of at most.
const PLACES: usize = 8;
/// Texts pass a rare outline less often than this at a byte, about.
const RARE: f64 = 0.005;

const DIGIT: u8 = 1;
const LETTER: u8 = 2;
const SEPARATOR: u8 = 4;
const OTHER: u8 = 8;
const ANY: u8 = DIGIT | LETTER | SEPARATOR | OTHER;

/// For each of the first bytes of a match the kinds that it can be of, a bit each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outline([u8; PLACES]);

/// For each of the first bytes of a match, all ones for digits, letters, separators and other bytes, or none.
pub(super) type Masks = [[u64; 4]; PLACES];

impl Outline {
    /// What matches of a pattern begin with, where that is rare.
    pub(super) fn of(shape: &Shape) -> Option<Outline> {
        let mut outline = Outline([ANY; PLACES]);
        let mut states = vec![Shape::START];
        for kinds in outline.0.iter_mut().take(shape.min_len) {
            *kinds = 0;
            let mut next = Vec::new();
            for byte in 0..=u8::MAX {
                let steps = states.iter().map(|&state| shape.step(state, byte)).filter(|&to| to != DEAD);
                let before = next.len();
                next.extend(steps);
                *kinds |= if next.len() > before { kind(byte) } else { 0 };
            }
            next.sort_unstable();
            next.dedup();
            states = next;
        }
        (outline.passes() < RARE).then_some(outline)
    }

    /// What begins one or the other.
    pub(super) fn or(self, other: Outline) -> Outline {
        Outline(std::array::from_fn(|place| self.0[place] | other.0[place]))
    }

    /// How often a text passes, about.
    fn passes(&self) -> f64 {
        let often = |kinds: u8| {
            let all = [(DIGIT, 0.15), (LETTER, 0.6), (SEPARATOR, 0.1), (OTHER, 0.15)];
            all.iter().filter(|(kind, _)| kinds & kind != 0).map(|(_, often)| often).sum::<f64>()
        };
        self.0.iter().map(|&kinds| often(kinds)).product()
    }

    /// All ones for each kind that each of the bytes can be of.
    pub(super) fn masks(&self) -> Masks {
        self.0.map(|kinds| {
            [DIGIT, LETTER, SEPARATOR, OTHER].map(|kind| if kinds & kind != 0 { u64::MAX } else { 0 })
        })
    }

    /// Whether a text begins so.
    pub(super) fn begins(&self, text: &[u8]) -> bool {
        self.0.iter().zip(text).all(|(kinds, &byte)| kinds & kind(byte) != 0)
    }
}

fn kind(byte: u8) -> u8 {
    match byte {
        b'0'..=b'9' => DIGIT,
        b'A'..=b'Z' | b'a'..=b'z' => LETTER,
        byte if is_separator(byte) => SEPARATOR,
        _ => OTHER,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_rare_has_an_outline() {
        let of = |pattern: &str| Outline::of(&Shape::compile(pattern).unwrap());
        assert_eq!(of("[a-z]{3}-?[a-z]{3}"), None);
        assert_eq!(of("[0-9][a-z]"), None);
        let outline = of(r"[1-9][A-Z]\d(?:-[A-Z]|[A-Z])\d[a-z]{2}").unwrap();
        for (text, begins) in
            [("1A2-B3cd", true), ("1A2B3cd!", true), ("1a2 b3cd", true), ("1A24B3cd", false)]
        {
            assert_eq!(outline.begins(text.as_bytes()), begins, "{text}");
        }
        assert!(!outline.begins(b"11"));
        assert!(outline.or(of(r"\d-\d-\d-\d").unwrap()).begins(b"1-2-B3cd"));
    }
}
