//! One search for the literals that matches begin with, whatever their case.

use std::collections::HashMap;

use super::shape::{DEAD, Shape};
use super::simd::{self, Level, Nibbles, Possible, Sought};

/// A literal that matches of a detector begin with.
#[derive(Clone, Debug)]
pub(super) struct Literal {
    /// In lower case.
    pub text: Vec<u8>,
    pub owner: u16,
    /// Whether a word byte before it rules a match out.
    pub bound: bool,
    /// A bit for each byte that can stand behind it.
    pub next: [u64; 4],
}

/// The bytes that a match can go on with that begins with `text`, whatever its case; all where it may be over there.
pub(super) fn following(shape: &Shape, text: &[u8]) -> [u64; 4] {
    let mut states = vec![Shape::START];
    for &byte in text {
        let cases = [byte, byte.to_ascii_uppercase()];
        let steps = states.iter().flat_map(|&state| cases.map(|byte| shape.step(state, byte)));
        let mut next: Vec<u16> = steps.filter(|&to| to != DEAD).collect();
        next.sort_unstable();
        next.dedup();
        states = next;
    }
    if states.is_empty() || states.iter().any(|&state| shape.accepts(state)) {
        return [u64::MAX; 4];
    }
    let mut next = [0; 4];
    for byte in (0..=u8::MAX).filter(|&byte| states.iter().any(|&state| shape.step(state, byte) != DEAD)) {
        next[usize::from(byte >> 6)] |= 1 << (byte & 63);
    }
    next
}

/// The literals of all detectors.
#[derive(Debug)]
pub(super) struct Literals {
    /// Each text once, in the order of their slots.
    entries: Vec<Entry>,
    /// Where the entries of a hash of their first three bytes begin.
    slots: Vec<u16>,
    /// By another such hash, a bit for each byte that can stand behind those three, told apart by its last five bits: of
    /// marks and digits, and of letters.
    heads: Box<[[u32; HEADS]; 2]>,
    nibbles: Nibbles,
}

#[derive(Debug)]
struct Entry {
    /// Its first eight bytes, case folded, and which bytes of them there are.
    first: u64,
    mask: u64,
    /// Whether those bytes are all of it, and letters.
    plain: bool,
    /// In lower case, at least three bytes.
    text: Vec<u8>,
    owners: Vec<u16>,
}

const HEADS: usize = 1 << HEAD_BITS;
const HEAD_BITS: u32 = 11;
const SLOTS: usize = 1 << 12;
const CASE: u64 = 0x2020_2020_2020_2020;

impl Default for Literals {
    fn default() -> Literals {
        let (entries, slots, nibbles) = (Vec::new(), Vec::new(), Nibbles::default());
        Literals { entries, slots, heads: Box::new([[0; HEADS]; 2]), nibbles }
    }
}

impl Entry {
    fn new(text: Vec<u8>) -> Entry {
        let first = text.iter().take(8).rev().fold(0, |all, &byte| all << 8 | u64::from(byte));
        let mask = u64::MAX >> (64 - 8 * text.len().clamp(1, 8));
        let plain = text.len() <= 8 && text.iter().all(u8::is_ascii_lowercase);
        Entry { first: (first | CASE) & mask, mask, plain, text, owners: Vec::new() }
    }

    /// The slot of its first bytes.
    fn slot(&self) -> usize {
        match *self.text.as_slice() {
            [a, b, c, ..] => hash(u32::from_le_bytes([a, b, c, 0])) % SLOTS,
            _ => 0,
        }
    }
}

/// A hash of three bytes, case folded.
#[inline(always)]
fn hash(letters: u32) -> usize {
    let key = (letters << 8) | 0x2020_2000;
    (key.wrapping_mul(0x9E37_79B1) >> 18) as usize
}

/// Another hash of three bytes, case folded.
#[inline(always)]
fn head(letters: u32) -> usize {
    let key = (letters << 8) & 0xdfdf_df00;
    (key.wrapping_mul(0x85EB_CA6B) >> (u32::BITS - HEAD_BITS)) as usize
}

/// What is told of the byte behind three others.
#[inline(always)]
fn next_bit(next: u8) -> u32 {
    1 << (next & 31)
}

/// Marks and digits, or letters.
#[inline(always)]
fn half(next: u8) -> usize {
    usize::from(next >> 6 & 1)
}

/// The eight bytes at `at`, as far as the text goes.
#[inline(always)]
pub(super) fn letters_at(text: &[u8], at: usize) -> u64 {
    let rest = text.get(at..).unwrap_or_default();
    match rest.first_chunk() {
        Some(letters) => u64::from_le_bytes(*letters),
        None => rest.iter().rev().fold(0, |letters, &byte| letters << 8 | u64::from(byte)),
    }
}

impl Literals {
    pub(super) fn build(literals: Vec<Literal>) -> Literals {
        if literals.is_empty() {
            return Literals::default();
        }
        let sought = literals.iter().map(|Literal { text, bound, next, .. }| Sought {
            text: text.as_slice(),
            bound: *bound,
            next: *next,
        });
        let nibbles = Nibbles::new(sought);
        let mut built = Literals { slots: vec![0; SLOTS + 1], nibbles, ..Literals::default() };
        let mut known = HashMap::new();
        for literal in literals {
            built.add_head(&literal);
            if let [a, b, c, ..] = *literal.text.as_slice() {
                let number = *known.entry(literal.text.clone()).or_insert_with(|| {
                    built.slots[hash(u32::from_le_bytes([a, b, c, 0])) % SLOTS + 1] += 1;
                    built.entries.push(Entry::new(literal.text));
                    built.entries.len() - 1
                });
                built.entries[number].owners.push(literal.owner);
            }
        }
        built.entries.sort_by_cached_key(Entry::slot);
        let mut before = 0;
        for slot in &mut built.slots {
            before += *slot;
            *slot = before;
        }
        built
    }

    /// Marks the four bytes that a literal can begin with.
    fn add_head(&mut self, literal: &Literal) {
        if let [a, b, c, ref rest @ ..] = *literal.text.as_slice() {
            let follows = |next: &u8| literal.next[usize::from(next >> 6)] >> (next & 63) & 1 != 0;
            let is_next = |next: &u8| rest.first().map_or_else(|| follows(next), |known| known == next);
            for next in (0..=u8::MAX).filter(is_next) {
                self.heads[half(next)][head(u32::from_le_bytes([a, b, c, 0]))] |= next_bit(next);
            }
        }
    }

    /// Calls `hit(owner, position)` for literals that begin in `text[from..to]`, at least for all that matches
    /// begin with.
    #[inline]
    pub(super) fn each(
        &self,
        level: Level,
        text: &[u8],
        (from, to): (usize, usize),
        hit: impl FnMut(u16, usize),
    ) {
        if !self.entries.is_empty() {
            let mut hashed = Hashed { literals: self, text, hit };
            simd::literals(level, &self.nibbles, text, from, to, &mut hashed);
        }
    }

    /// What begins at `at`, where its first letters are those of a literal. Apart, so that what is asked at each place
    /// stays small enough to stand within the search.
    #[inline(never)]
    fn compare(&self, text: &[u8], at: usize, hit: &mut impl FnMut(u16, usize)) {
        let letters = letters_at(text, at) | CASE;
        let slot = hash(letters as u32) % SLOTS;
        let entries = usize::from(self.slots[slot])..usize::from(self.slots[slot + 1]);
        for entry in self.entries[entries].iter().filter(|entry| letters & entry.mask == entry.first) {
            let found = || text.get(at..at + entry.text.len());
            if entry.plain || found().is_some_and(|found| found.eq_ignore_ascii_case(&entry.text)) {
                entry.owners.iter().for_each(|&owner| hit(owner, at));
            }
        }
    }

    pub(super) fn size(&self) -> usize {
        let entry = |e: &Entry| e.text.len() + e.owners.len() * 2 + 2 * size_of::<Entry>();
        self.entries.iter().map(entry).sum::<usize>() + size_of_val(&*self.heads) + self.slots.len() * 2
    }
}

/// Asks about each place that the search leaves whether any literal begins with what stands there.
struct Hashed<'a, F> {
    literals: &'a Literals,
    text: &'a [u8],
    hit: F,
}

impl<F: FnMut(u16, usize)> Possible for Hashed<'_, F> {
    #[inline(always)]
    fn at(&mut self, at: usize, letters: Option<[u8; 4]>) {
        // Too near to the end for four bytes is for a literal of three alone.
        let possible = letters.is_none_or(|letters| {
            let [.., next] = letters;
            self.literals.heads[half(next)][head(u32::from_le_bytes(letters))] & next_bit(next) != 0
        });
        if possible {
            self.literals.compare(self.text, at, &mut self.hit);
        }
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
            let all = list.iter().map(|(text, owner, bound)| Literal {
                text: text.clone(),
                owner: *owner,
                bound: *bound,
                next: [u64::MAX; 4],
            });
            let built = Literals::build(all.collect());
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

    #[test]
    fn a_text_that_several_look_for_is_told_to_each_and_one_of_three_bytes_before_what_can_follow() {
        let shape = Shape::compile("(?i)key[0-9_]{2}").unwrap();
        let literal = |text: &str, owner, next| Literal { text: text.into(), owner, bound: false, next };
        let built = Literals::build(vec![
            literal("secret", 1, [u64::MAX; 4]),
            literal("key", 2, following(&shape, b"key")),
            literal("secret", 3, [u64::MAX; 4]),
            literal("secrets", 4, [u64::MAX; 4]),
            literal("pin", 5, [u64::MAX; 4]),
        ]);
        for (text, found) in [
            ("a SECRET is", vec![(1, 2), (3, 2)]),
            ("secrets", vec![(1, 0), (3, 0), (4, 0)]),
            ("Key7 key_ key- ", vec![(2, 0), (2, 5)]),
            // Where the text ends, a match is over or is none.
            ("a key", vec![]),
            ("pin PIN", vec![(5, 0), (5, 4)]),
        ] {
            for (level, around) in Level::all().into_iter().flat_map(|level| [(level, 0), (level, 700)]) {
                let text = " ".repeat(around) + text;
                let mut hits = Vec::new();
                built.each(level, text.as_bytes(), (0, text.len()), |owner, at| {
                    hits.push((owner, at - around))
                });
                hits.sort_unstable();
                assert_eq!(hits, found, "{level:?}: {text:?}");
            }
        }
    }
}
