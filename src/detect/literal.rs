//! One search for the literals that matches begin with, whatever their case.

use super::simd::{self, Level, Nibbles};

/// The literals of all detectors.
#[derive(Debug, Default)]
pub(super) struct Literals {
    entries: Vec<Entry>,
    /// Entries by the hash of their first three bytes, and a bit for each hash that any has.
    slots: Vec<Vec<u16>>,
    bits: Vec<u64>,
    nibbles: Nibbles,
}

#[derive(Debug)]
struct Entry {
    /// In lower case, at least three bytes.
    text: Vec<u8>,
    owner: u16,
}

const BITS: usize = 1 << 14;
const SLOTS: usize = 256;

/// A hash of three bytes, case folded.
#[inline(always)]
fn hash(a: u8, b: u8, c: u8) -> usize {
    let key = u32::from(a) | u32::from(b) << 8 | u32::from(c) << 16 | 0x0020_2020;
    (key.wrapping_mul(0x9E37_79B1) >> 18) as usize
}

impl Literals {
    /// `literals`: text in lower case, detector, and whether a word byte before it rules a match out.
    pub(super) fn build(literals: Vec<(Vec<u8>, u16, bool)>) -> Literals {
        if literals.is_empty() {
            return Literals::default();
        }
        let mut built = Literals {
            entries: Vec::new(),
            slots: vec![Vec::new(); SLOTS],
            bits: vec![0; BITS / 64],
            nibbles: Nibbles::new(literals.iter().map(|(text, _, bound)| (text.as_slice(), *bound))),
        };
        for (number, (text, owner, _)) in literals.into_iter().enumerate() {
            if let [a, b, c, ..] = *text.as_slice() {
                let hash = hash(a, b, c);
                built.bits[hash / 64] |= 1 << (hash % 64);
                built.slots[hash % SLOTS].push(number as u16);
            }
            built.entries.push(Entry { text, owner });
        }
        built
    }

    /// Calls `hit(owner, position)` for literals that begin in `text[from..to]`, at least for all that matches
    /// begin with.
    #[inline]
    pub(super) fn each(
        &self,
        level: Level,
        text: &[u8],
        (from, to): (usize, usize),
        mut hit: impl FnMut(u16, usize),
    ) {
        if self.entries.is_empty() {
            return;
        }
        simd::literals(level, &self.nibbles, text, from, to, &mut |at| {
            let Some(&[a, b, c]) = text.get(at..at + 3) else { return };
            let hash = hash(a, b, c);
            if self.bits[hash / 64] & 1 << (hash % 64) != 0 {
                for &number in &self.slots[hash % SLOTS] {
                    let entry = &self.entries[usize::from(number)];
                    let found = text.get(at..at + entry.text.len());
                    if found.is_some_and(|found| found.eq_ignore_ascii_case(&entry.text)) {
                        hit(entry.owner, at);
                    }
                }
            }
        });
    }

    pub(super) fn size(&self) -> usize {
        self.entries.iter().map(|e| e.text.len() + 2 * size_of::<Entry>()).sum::<usize>()
            + self.bits.len() * 8
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_level_finds_what_a_plain_search_finds(
            text in proptest::collection::vec(prop_oneof![4 => b'a'..=b'd', 2 => b'A'..=b'D', 1 => Just(b'_'), 1 => Just(b'-'), 1 => any::<u8>()], 0..300),
            literals in proptest::collection::vec(("[a-d_]{3,5}", any::<bool>()), 1..40),
            cut in 0usize..80,
        ) {
            let from = cut.min(text.len());
            let list: Vec<_> =
                literals.iter().enumerate().map(|(i, (t, bound))| (t.as_bytes().to_vec(), i as u16, *bound)).collect();
            let mut wanted = Vec::new();
            for (literal, owner, bound) in &list {
                for at in from..text.len() {
                    let here = text[at..].len() >= literal.len()
                        && text[at..at + literal.len()].eq_ignore_ascii_case(literal);
                    let inside = at > 0 && (text[at - 1].is_ascii_alphanumeric() || text[at - 1] == b'_');
                    if here && !(*bound && inside) {
                        wanted.push((*owner, at));
                    }
                }
            }
            wanted.sort_unstable();
            let built = Literals::build(list.clone());
            for level in Level::all() {
                let mut found = Vec::new();
                built.each(level, &text, (from, text.len()), |owner, at| found.push((owner, at)));
                // A word byte before a literal that minds it may or may not be seen to.
                found.retain(|&(owner, at)| {
                    let inside = at > 0 && (text[at - 1].is_ascii_alphanumeric() || text[at - 1] == b'_');
                    !(list[usize::from(owner)].2 && inside)
                });
                found.sort_unstable();
                prop_assert_eq!(&found, &wanted, "{:?}", level);
            }
        }
    }
}
