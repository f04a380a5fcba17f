//! Words near a value: what raises and what lowers confidence.

use std::collections::HashMap;
use std::ops::Range;

use super::called;
use super::glued;
use super::literal::letters_at;
use super::simd::{self, Heads, Level, Start};

#[path = "trail.rs"]
mod trail;

pub(super) use trail::Trail;

/// The words of all detectors.
#[derive(Debug, Default)]
pub(super) struct Words {
    entries: Vec<Entry>,
    /// What words can begin with.
    heads: Heads,
    /// A bit for each hash that a word can begin with, and the words of each slot of hashes one behind the other.
    bits: Vec<u64>,
    slots: Vec<u32>,
    groups: Vec<Group>,
    listed: Vec<Listed>,
    /// For each word a bit for the number of each detector that it says something of, which some share.
    speaks_of: Vec<u64>,
}

/// Words in a slot whose first parts are one: its letters, as far as they fill eight bytes, and which bytes those are.
#[derive(Clone, Copy, Debug)]
struct Group {
    first: u64,
    mask: u64,
    /// A bit for each byte that a second part begins with, by its last five bits, and the last bit for words of one part.
    nexts: u64,
    /// Length of the first part, and how much of it those letters prove.
    part: u16,
    proved: u16,
    /// How many words there are, one behind the other, and how many of one part are before the others.
    count: u16,
    alone: u16,
    /// Place of the first.
    words: u32,
}

/// A word's number, and what its second part begins with: up to four bytes, and which there are.
#[derive(Clone, Copy, Debug)]
struct Listed {
    number: u16,
    next: u32,
    mask: u32,
}

impl Listed {
    fn new(number: u16, entry: &Entry) -> Listed {
        let second = entry.text.get(entry.part() + 1..).unwrap_or_default();
        let length = second.iter().take(size_of::<u32>()).take_while(|&&byte| byte != b' ').count();
        let next = second[..length].iter().rev().fold(0, |all, &byte| all << 8 | u32::from(byte));
        let mask = (1u64 << (8 * length)) - 1;
        Listed { number, next, mask: mask as u32 }
    }

    /// Whether it can go on with these bytes, in lower case.
    #[inline(always)]
    fn goes_on(self, behind: u64) -> bool {
        (behind as u32 ^ self.next) & self.mask == 0
    }
}

/// The bit of words of one part.
const ALONE: u64 = 1 << 63;

/// The bit of a byte that a second part begins with.
#[inline(always)]
fn next_bit(byte: u8) -> u64 {
    1 << (byte & 31)
}

impl Entry {
    fn part(&self) -> usize {
        self.text.iter().take_while(|&&b| b != b' ').count()
    }

    /// Whether its first letters are letters of ASCII.
    fn begins_plain(&self, letters: usize) -> bool {
        self.text.iter().take(letters).all(u8::is_ascii_lowercase)
    }

    /// Whether it counts where it stands: a word of a sentence does not that is only a name, nor one that speaks for something
    /// and names how many of them there are.
    #[inline(always)]
    fn counts(&self, text: &[u8], start: usize, end: usize) -> bool {
        let speaks_for = || self.speaks.iter().any(|&(_, positive)| positive);
        (!self.called || called::is_name(text, start, end))
            && !(called::is_quantity(text, end) && speaks_for())
    }

    /// What a second part begins with, or 0.
    fn next(&self) -> u8 {
        self.text.get(self.part() + 1).copied().unwrap_or(0)
    }
}

/// The bit of a detector's number.
#[inline(always)]
fn owner_bit(detector: u16) -> u64 {
    1 << (detector % 64)
}

/// Eight bytes, the capitals of ASCII among them in lower case.
#[inline(always)]
fn lower(bytes: u64) -> u64 {
    let low = bytes & !BEYOND;
    // What is `A` at least, and what lies behind `Z`, reaches the highest bit.
    let from = low + 0x3f3f_3f3f_3f3f_3f3f;
    let past = low + 0x2525_2525_2525_2525;
    bytes | (from & !past & !bytes & BEYOND) >> 2
}

#[derive(Debug)]
struct Entry {
    /// In lower case; a space stands for what joins the parts of a name.
    text: Vec<u8>,
    /// The letters of its first part, as far as they fill eight bytes, and which bytes those are.
    first: u64,
    mask: u64,
    /// Whether those bytes are all of it, and letters of ASCII.
    plain: bool,
    /// Whether no pack has it but as the plural of a word.
    plural: bool,
    /// Whether packs write it in capitals: it counts where it is what something is called.
    called: bool,
    /// Detectors it speaks for and against, by number.
    speaks: Vec<(u16, bool)>,
}

/// What the words around a value say of one detector.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Evidence {
    pub positive: bool,
    pub negative: bool,
}

impl Evidence {
    pub(super) fn join(&mut self, other: Evidence) {
        self.positive |= other.positive;
        self.negative |= other.negative;
    }
}

const BITS: u32 = 17;
const SLOTS: u32 = 13;
/// Shortest word.
pub(super) const WORD_MIN: usize = 2;

/// The shortest word that has a plural: shorter ones are abbreviations, and `CCS` is another one.
pub(super) const PLURAL_MIN: usize = 3;
/// Letters of a word that its hash is made of.
pub(super) const HASHED: usize = 8;
/// The same where any of them lies beyond ASCII: in a script without spaces a word does not end where its letters do.
const HASHED_BEYOND: usize = 4;

pub(super) const CASE: u64 = 0x2020_2020_2020_2020;
const BEYOND: u64 = 0x8080_8080_8080_8080;

/// A hash of the letters that a word begins with, as far as they go without a break: at most the first `HASHED`. A
/// letter alone is hashed with what follows it, since there are many. `capital`: whether a capital behind them is the
/// break, behind which the word may go on.
#[inline(always)]
fn hash(letters: u64, count: usize, capital: bool) -> u32 {
    let mask = |count: usize| u64::MAX >> (8 * (HASHED - count.clamp(2, HASHED)) as u32);
    let kept = letters & mask(count);
    let (kept, capital) = match kept & BEYOND {
        0 => (kept, capital && count < HASHED),
        _ => (letters & mask(count.min(HASHED_BEYOND)), false),
    };
    let mixed = (kept | CASE).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
    mixed as u32 ^ if capital { 0x5555_5555 } else { 0 }
}

#[inline(always)]
pub(super) fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || !byte.is_ascii()
}

/// Why a word can't be looked for.
pub(super) fn unfit(word: &str) -> Option<&'static str> {
    if word.len() < WORD_MIN {
        return Some("is shorter than two letters");
    }
    (!word.bytes().next().is_some_and(is_letter)).then_some("does not begin with a letter")
}

/// Whether a spelling of a word is its plural. Of numbers there are many under one name wherever they stand.
fn is_plural(word: &str, spelling: &[u8]) -> bool {
    let small = word.to_lowercase();
    !small.ends_with("number") && spelling.strip_suffix(b"s").is_some_and(|one| one == small.as_bytes())
}

/// Whether a pack writes a word in capitals, since in small letters it is another one.
fn is_in_capitals(word: &str) -> bool {
    word.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// The texts that a word is looked for as. Letters beyond ASCII are compared byte by byte: small, capital, with one
/// capital in front, and with one in front of each part. Lists stand under names in the plural.
fn spellings(word: &str) -> Vec<String> {
    let small = word.to_lowercase();
    if small.is_ascii() {
        let last = small.rsplit(' ').next().unwrap_or_default();
        let counts =
            last.len() >= PLURAL_MIN && last.bytes().all(|b| b.is_ascii_lowercase()) && !last.ends_with('s');
        return if counts { vec![small.clone(), small + "s"] } else { vec![small] };
    }
    let parts = small.split(' ').map(in_front).collect::<Vec<_>>().join(" ");
    let mut out: Vec<String> = Vec::new();
    for cased in [small.clone(), word.to_uppercase(), in_front(&small), parts] {
        let spelling = cased.to_ascii_lowercase();
        if !out.contains(&spelling) {
            out.push(spelling);
        }
    }
    out
}

/// The word with a capital in front.
fn in_front(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect()
}

/// What can join the parts of a name.
const JOINTS: [u8; 4] = *b" _-.";

/// The hashes that a word can begin with: of its first part alone, and joined with what follows; a capital may part a
/// word that the pack writes as one.
fn beginnings(text: &[u8]) -> Vec<u32> {
    let run = |text: &[u8]| text.iter().take_while(|&&b| is_letter(b)).count();
    let first = run(text);
    let joined: Vec<u8> = text.iter().copied().filter(|&b| b != b' ').collect();
    let all = run(&joined);
    let mut hashes = Vec::new();
    let mut add = |text: &[u8], count, capital| hashes.push(hash(letters_at(text, 0), count, capital));
    let parted = (WORD_MIN..HASHED.min(first)).filter(|_| text.len() > HASHED_BEYOND);
    parted.for_each(|count| add(text, count, true));
    // Letters alone can be an abbreviation together.
    let least = if first == 1 { WORD_MIN } else { HASHED_BEYOND };
    (least..HASHED.min(all)).for_each(|count| add(&joined, count, true));
    for capital in [false, true] {
        add(text, first, capital);
        add(&joined, all, capital);
        if first == 1 && text.get(1) == Some(&b' ') {
            JOINTS.iter().for_each(|joint| add(&[text[0], *joint], 2, capital));
        }
    }
    let is_short = (PLURAL_MIN..HASHED).contains(&all) && all == joined.len() && joined.is_ascii();
    for number in glued::NUMBERS.iter().filter(|_| is_short) {
        let glued = [&joined, *number].concat();
        hashes.push(hash(letters_at(&glued, 0), glued.len(), false));
    }
    hashes.sort_unstable();
    hashes.dedup();
    hashes
}

impl Entry {
    fn new(text: Vec<u8>) -> Entry {
        let mut first = [0; 8];
        let part = text.iter().take_while(|&&b| b != b' ');
        let count = first.iter_mut().zip(part).map(|(slot, &byte)| *slot = byte).count();
        let mask = u64::MAX >> (64 - 8 * count.max(1));
        let plain = count == text.len() && text.iter().all(u8::is_ascii_lowercase);
        let first = (u64::from_le_bytes(first) | CASE) & mask;
        Entry { first, mask, plain, plural: true, called: false, text, speaks: Vec::new() }
    }
}

impl Words {
    /// `words`: text, detector, and whether it speaks for the detector. One in capitals is another one than that in small
    /// letters.
    pub(super) fn build(words: &[(String, u16, bool)]) -> Words {
        let mut built = Words { bits: vec![0; (1 << BITS) / 64], ..Words::default() };
        let (mut index, mut known) = (HashMap::new(), HashMap::new());
        let mut slots: Vec<Vec<u16>> = vec![Vec::new(); 1 << SLOTS];
        for (word, detector, positive) in words {
            // Many detectors ask for the same word.
            let numbers: &mut Vec<usize> = known.entry(word.as_str()).or_default();
            for &number in numbers.iter() {
                built.entries[number].speaks.push((*detector, *positive));
            }
            if !numbers.is_empty() {
                continue;
            }
            for text in spellings(word).into_iter().map(String::into_bytes) {
                let called = is_in_capitals(word);
                let number = *index.entry((text.clone(), called)).or_insert_with(|| {
                    let number = built.entries.len();
                    for hash in beginnings(&text) {
                        let bit = (hash >> (32 - BITS)) as usize;
                        built.bits[bit / 64] |= 1 << (bit % 64);
                        let slot = &mut slots[(hash >> (32 - SLOTS)) as usize];
                        if !slot.contains(&(number as u16)) {
                            slot.push(number as u16);
                        }
                    }
                    built.entries.push(Entry { called, ..Entry::new(text) });
                    number
                });
                let entry = &mut built.entries[number];
                entry.plural &= is_plural(word, &entry.text);
                entry.speaks.push((*detector, *positive));
                numbers.push(number);
            }
        }
        built.entries.iter_mut().for_each(|entry| entry.speaks.sort_unstable());
        let bits = |entry: &Entry| entry.speaks.iter().fold(0, |all, &(owner, _)| all | owner_bit(owner));
        built.speaks_of = built.entries.iter().map(bits).collect();
        for slot in slots {
            built.slots.push(built.groups.len() as u32);
            built.list(slot);
        }
        built.slots.push(built.groups.len() as u32);
        built.heads = built.heads_of(|_| true);
        built
    }

    /// Lists the words of one slot, those of one first part side by side.
    fn list(&mut self, mut slot: Vec<u16>) {
        let entry = |number: u16| &self.entries[usize::from(number)];
        let key = |number: u16| (entry(number).first, entry(number).mask, entry(number).part());
        // Those of one part first.
        slot.sort_by_key(|&number| (key(number), entry(number).next()));
        for numbers in slot.chunk_by(|&a, &b| key(a) == key(b)) {
            let words = self.listed.len() as u32;
            let (first, mask, part) = numbers.first().map_or((0, 0, 0), |&number| key(number));
            let (mut nexts, mut alone) = (0, 0);
            for &number in numbers {
                let next = entry(number).next();
                nexts |= if next == 0 { ALONE } else { next_bit(next) };
                alone += u16::from(next == 0);
                self.listed.push(Listed::new(number, entry(number)));
            }
            let letters = part.min(HASHED);
            let plain = numbers.first().is_some_and(|&number| entry(number).begins_plain(letters));
            let (part, count) = (part as u16, numbers.len() as u16);
            let proved = if plain { letters as u16 } else { 0 };
            self.groups.push(Group { first, mask, nexts, part, proved, count, alone, words });
        }
    }

    /// What some of the words can begin with.
    pub(super) fn heads_of(&self, some: impl Fn(u16) -> bool) -> Heads {
        let mut heads = Heads::default();
        for (_, entry) in (0..).zip(&self.entries).filter(|(number, _)| some(*number)) {
            heads.add(&entry.text, &JOINTS);
        }
        glued::heads().for_each(|head| heads.add(head, &JOINTS));
        heads
    }

    /// Calls `hit` for every word that begins there and stands alone.
    #[inline(always)]
    fn at(&self, text: &[u8], start: Start, mut hit: impl FnMut(u16, usize)) {
        self.beginning(text, start.at, start, &mut hit);
        if glued::may_be(&start) {
            glued::each(text, start, |from, least, start| {
                self.beginning(text, from, start, &mut |word, end| {
                    if end >= least {
                        hit(word, end);
                    }
                });
            });
        }
    }

    /// Calls `hit` for every word whose letters are those at `start`, where it stands alone from `from` on.
    #[inline(always)]
    fn beginning(&self, text: &[u8], from: usize, start: Start, hit: &mut impl FnMut(u16, usize)) {
        let hash = hash(start.letters, start.count, start.capital);
        let bit = (hash >> (32 - BITS)) as usize;
        if self.bits[bit / 64] & 1 << (bit % 64) != 0 {
            let slot = (hash >> (32 - SLOTS)) as usize;
            self.compare(text, (from, start.at), start.letters | CASE, slot, hit);
        }
    }

    #[inline(never)]
    fn compare(
        &self,
        text: &[u8],
        (from, at): (usize, usize),
        letters: u64,
        slot: usize,
        hit: &mut impl FnMut(u16, usize),
    ) {
        let groups = self.slots[slot] as usize..self.slots[slot + 1] as usize;
        for group in self.groups[groups].iter().filter(|group| letters & group.mask == group.first) {
            let (mut behind, mut count) = (0, group.alone);
            if group.nexts != ALONE {
                behind = lower(letters_at(text, at + usize::from(group.part)));
                // What joins the parts is passed over, as it is where words are spelled.
                if JOINTS.contains(&(behind as u8)) {
                    behind >>= 8;
                }
                if group.nexts & next_bit(behind as u8) != 0 {
                    count = group.count;
                }
            }
            let proved = usize::from(group.proved);
            let words = group.words as usize..group.words as usize + usize::from(count);
            for &listed in &self.listed[words] {
                if !listed.goes_on(behind) {
                    continue;
                }
                let number = listed.number;
                let entry = &self.entries[usize::from(number)];
                let end = if entry.plain {
                    Some(at + entry.text.len())
                } else {
                    spelled(&entry.text[proved..], text, at + proved)
                };
                if let Some(end) = end.and_then(|end| glued::end(text, from, end))
                    && entry.counts(text, from, end)
                {
                    hit(number, end);
                }
            }
        }
    }

    /// Calls `hit` for every word that lies wholly inside `range`, with its place.
    pub(super) fn inside(
        &self,
        level: Level,
        text: &[u8],
        range: Range<usize>,
        mut hit: impl FnMut(Range<usize>, u16),
    ) {
        simd::word_starts(level, &self.heads, text, range.start, range.end, &mut |start| {
            self.at(text, start, |word, end| {
                if end <= range.end {
                    hit(start.at..end, word);
                }
            });
        });
    }

    /// Calls `hit` for every word with one of `heads` that begins in `range`, with where it begins.
    pub(super) fn from(
        &self,
        level: Level,
        heads: &Heads,
        text: &[u8],
        range: Range<usize>,
        mut hit: impl FnMut(usize, u16),
    ) {
        simd::word_starts(level, heads, text, range.start, range.end, &mut |start| {
            self.at(text, start, |word, _| hit(start.at, word));
        });
    }

    /// Whether a word counts in a name that a value stands under by way of others: the plural of one names a list, not
    /// all that is somewhere in it.
    pub(super) fn reaches_in(&self, word: u16) -> bool {
        !self.entries[usize::from(word)].plural
    }

    /// Whether a word speaks for any detector.
    pub(super) fn speaks(&self, word: u16) -> bool {
        self.entries
            .get(usize::from(word))
            .is_some_and(|entry| entry.speaks.iter().any(|&(_, positive)| positive))
    }

    /// What a word says of a detector; of most it says nothing.
    #[inline]
    pub(super) fn says(&self, word: u16, detector: u16) -> Evidence {
        let mut evidence = Evidence::default();
        if self.speaks_of[usize::from(word)] & owner_bit(detector) == 0 {
            return evidence;
        }
        // In order of detectors.
        let speaks = &self.entries[usize::from(word)].speaks;
        let first = speaks.partition_point(|&(owner, _)| owner < detector);
        for &(_, positive) in speaks[first..].iter().take_while(|&&(owner, _)| owner == detector) {
            evidence.positive |= positive;
            evidence.negative |= !positive;
        }
        evidence
    }

    /// For each word, the detectors it speaks for.
    pub(super) fn positive(&self) -> impl Iterator<Item = Vec<u16>> + '_ {
        self.entries.iter().map(|e| e.speaks.iter().filter(|s| s.1).map(|s| s.0).collect())
    }

    pub(super) fn size(&self) -> usize {
        let entries = self.entries.iter().map(|e| e.text.len() + e.speaks.len() * 4 + 2 * size_of::<Entry>());
        entries.sum::<usize>()
            + self.bits.len() * 8
            + self.slots.len() * 4
            + self.groups.len() * size_of::<Group>()
            + self.listed.len() * size_of::<Listed>()
            + self.speaks_of.len() * 8
    }
}

/// The end of `word` where it is spelled at `at`, a space as any joint of a name or none.
fn spelled(word: &[u8], text: &[u8], at: usize) -> Option<usize> {
    let mut end = at;
    for &letter in word {
        let byte = text.get(end).copied();
        if letter == b' ' {
            end += usize::from(byte.is_some_and(|byte| JOINTS.contains(&byte)));
        } else if byte.is_some_and(|byte| byte.to_ascii_lowercase() == letter) {
            end += 1;
        } else {
            return None;
        }
    }
    Some(end)
}

#[cfg(test)]
#[path = "context_tests.rs"]
mod tests;
