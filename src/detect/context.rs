//! Words near a value: what raises and what lowers confidence.

use std::ops::Range;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

/// The words of all detectors in one automaton.
#[derive(Debug)]
pub struct Words {
    automaton: Option<AhoCorasick>,
    /// For each word of the automaton: which detectors it speaks for and against.
    owners: Vec<Vec<(u16, bool)>>,
}

/// What the words around a value say of one detector.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    pub positive: bool,
    pub negative: bool,
}

impl Words {
    /// `words`: text, detector, and whether it speaks for the detector.
    pub fn build(words: &[(String, u16, bool)]) -> Result<Words, String> {
        let mut texts: Vec<String> = Vec::new();
        let mut owners: Vec<Vec<(u16, bool)>> = Vec::new();
        let mut index = std::collections::HashMap::new();
        for (word, detector, positive) in words {
            let folded = word.to_lowercase();
            let slot = *index.entry(folded.clone()).or_insert_with(|| {
                texts.push(folded);
                owners.push(Vec::new());
                owners.len() - 1
            });
            owners[slot].push((*detector, *positive));
        }
        if texts.is_empty() {
            return Ok(Words { automaton: None, owners });
        }
        let automaton = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::Standard)
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .build(&texts)
            .map_err(|e| e.to_string())?;
        Ok(Words { automaton: Some(automaton), owners })
    }

    /// Evidence for `detector` from words that lie wholly inside `text[window]`.
    #[must_use]
    pub fn look(&self, detector: u16, text: &[u8], window: Range<usize>) -> Evidence {
        let mut evidence = Evidence::default();
        let Some(automaton) = &self.automaton else { return evidence };
        let input = aho_corasick::Input::new(text).span(window);
        for found in automaton.find_overlapping_iter(input) {
            for &(owner, positive) in &self.owners[found.pattern().as_usize()] {
                if owner == detector && stands_alone(text, found.start(), found.end()) {
                    evidence.positive |= positive;
                    evidence.negative |= !positive;
                }
            }
        }
        evidence
    }

    #[must_use]
    pub fn size(&self) -> usize {
        self.automaton.as_ref().map_or(0, AhoCorasick::memory_usage)
    }
}

/// Whether `text[start..end]` is a word and not a part of one: `pan` in `company` is none, in `pan_hash` and
/// `userPan` it is. Looks one byte past the window, which is why windows never touch the edge of a region.
fn stands_alone(text: &[u8], start: usize, end: usize) -> bool {
    let letter = |b: Option<&u8>| b.filter(|b| b.is_ascii_alphabetic() || !b.is_ascii()).copied();
    let before = start.checked_sub(1).and_then(|i| letter(text.get(i)));
    let (first, last) = (text.get(start), text.get(end - 1));
    let left = match (before, first) {
        (Some(before), Some(first)) if first.is_ascii_alphabetic() => {
            before.is_ascii_lowercase() && first.is_ascii_uppercase()
        }
        _ => true,
    };
    let right = match (letter(text.get(end)), last) {
        (Some(after), Some(last)) if last.is_ascii_alphabetic() => {
            last.is_ascii_lowercase() && after.is_ascii_uppercase()
        }
        _ => true,
    };
    left && right
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_whole_in_any_case() {
        let words =
            Words::build(&[("pan".into(), 0, true), ("order".into(), 0, false), ("pan".into(), 1, false)])
                .unwrap();
        let cases = [
            ("the PAN is", true),
            ("pan_hash", true),
            ("userPan=", true),
            ("panNumber", true),
            ("company", false),
            ("spanish", false),
            ("panel", false),
            ("pan4", true),
            ("", false),
        ];
        for (text, found) in cases {
            assert_eq!(words.look(0, text.as_bytes(), 0..text.len()).positive, found, "{text}");
        }
        let both = words.look(0, b"order pan", 0..9);
        assert!(both.positive && both.negative);
        assert!(words.look(1, b"pan", 0..3).negative && !words.look(1, b"pan", 0..3).positive);
        assert!(!words.look(0, b"xx pan", 0..5).positive, "only words wholly inside the window count");
    }
}
