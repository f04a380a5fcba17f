//! Detectors by the anchor that leads to them.

use std::sync::Arc;

use super::anchor::{Anchor, GROUP_LEN, Prefix, RUN_LIMIT, is_separator};
use super::compiled::Compiled;
use super::context::Words;
use super::gate::GROUPS;
use super::leading::{BYTES, Entry, Leading};
use super::literal::{Literal, Literals, following};
use super::pack::Boundary;
use super::sides::behind_marks;
use super::simd::Wanted;

#[derive(Debug, Default)]
pub(super) struct Index {
    pub wanted: Wanted,
    pub literals: Literals,
    /// Detectors that begin with their digits.
    pub leading: Leading,
    /// Detectors with something before their digit run, or that may start inside a group of digits.
    pub prefixed: Vec<Prefixed>,
    /// By the digits of a run, a bit for each prefixed detector that they are enough for.
    prefixed_by_digits: Vec<u64>,
    /// By how many word bytes stand before a run, a bit for each of which a match can begin before it or in it.
    prefixed_by_word: Vec<u64>,
    /// For each two bytes, by their classes, a bit for each prefixed detector whose run they may stand before.
    prefix_pairs: Vec<u64>,
    prefix_class: Vec<u8>,
    /// The same for the last byte alone.
    prefix_last: Vec<u64>,
    /// By the byte behind the first group of such a run, or the end of the text, and the length of the group, a bit for each
    /// prefixed detector whose match can hold the group.
    prefix_groups: Vec<u64>,
    prefix_group_class: Vec<u8>,
    prefix_classes: usize,
    pub at: Vec<At>,
    /// Those of `at` that stand around `%40` too.
    pub encoded: Vec<At>,
    pub word: Vec<Word>,
    /// By the byte that a run of letters and digits begins with, a bit for each length of one that any of `word` is in:
    /// of runs of letters or digits alone, and of those that hold both.
    word_lengths: [Vec<u64>; 2],
    /// Those that are found by what kinds of bytes they begin with.
    pub outlined: Vec<u16>,
    pub unanchored: Vec<u16>,
    /// Bytes that can begin a match of an unanchored detector.
    pub unanchored_first: Vec<bool>,
    /// For each byte, the detectors whose matches can begin with it.
    by_first: Vec<Vec<u16>>,
}

#[derive(Debug)]
pub(super) struct Prefixed {
    pub detector: u16,
    pub digits: usize,
    pub before: usize,
    /// Whether a match can start inside the run.
    pub inside: bool,
    /// Behind a word byte no match starts.
    pub bound: bool,
    pub prefix: Prefix,
}

#[derive(Clone, Debug)]
pub(super) struct At {
    pub detector: u16,
    pub before: usize,
    pub class: Box<[bool; 256]>,
    /// The one state that a match can be in right behind the mark, if there is one.
    pub behind: Option<u16>,
    /// Whether each start is met at the first of its marks, and need not be looked at from another.
    pub once: bool,
}

#[derive(Debug)]
pub(super) struct Word {
    pub detector: u16,
    pub length: usize,
    pub before: usize,
    pub mixed: bool,
    /// Behind a word byte no match starts.
    pub bound: bool,
    /// A bit for each length of a run that a match is in.
    lengths: u64,
}

impl Word {
    /// Whether a match can be in a run of so many letters and digits.
    #[inline(always)]
    pub(super) fn is_in(&self, length: usize, mixed: bool) -> bool {
        self.lengths >> length.min(LENGTHS) & 1 != 0 && (mixed || !self.mixed)
    }
}

/// So far words before a run of digits are looked back at.
pub(super) const WORD_BEFORE: usize = 64;

/// Longest run of letters and digits told apart; longer ones count as this long.
const LENGTHS: usize = 63;

/// The lengths of runs, as bits, that a match of a detector is in: where it is all of its run, its own.
fn lengths(detector: &Compiled, least: usize, whole: bool) -> u64 {
    let used = detector.shape.used();
    let plain = |b: u8| b.is_ascii_alphanumeric() || !used[detector.shape.class_of(b)];
    if !whole || detector.shape.max_len >= LENGTHS || !(0..=u8::MAX).all(plain) {
        return u64::MAX << least.min(LENGTHS);
    }
    let of_length = |length: usize| length >= least && detector.shape.has_length(length);
    (0..LENGTHS).filter(|&length| of_length(length)).fold(0, |all, length| all | 1 << length)
}

impl Index {
    pub(super) fn build(compiled: &[Compiled], words: &Words) -> Index {
        let mut index = Index {
            unanchored_first: vec![false; 256],
            word_lengths: [vec![0; 256], vec![0; 256]],
            prefixed_by_digits: vec![0; RUN_LIMIT + 1],
            prefixed_by_word: vec![0; WORD_BEFORE + 1],
            by_first: vec![Vec::new(); 256],
            ..Index::default()
        };
        let (mut leading, mut literals) = (Vec::new(), Vec::new());
        for (number, detector) in (0u16..).zip(compiled) {
            for (byte, list) in (0..=u8::MAX).zip(&mut index.by_first) {
                if detector.can_begin_with(byte) {
                    list.push(number);
                }
            }
            for anchor in &detector.anchors {
                match anchor {
                    Anchor::Digits { digits, before: 0, prefix } if detector.boundary != Boundary::None => {
                        let digits = (*digits).max(detector.least_digits());
                        let shape = prefix.arm.as_ref().unwrap_or(&detector.shape);
                        let shape = Arc::clone(shape);
                        leading.push(Entry { detector: number, digits, shape });
                    }
                    Anchor::Literal(texts) => {
                        let (bound, named) = (detector.boundary == Boundary::Word, detector.is_divided());
                        literals.extend(texts.iter().map(|text| Literal {
                            text: text.clone(),
                            owner: number,
                            bound,
                            // Behind a name that a header may hold anything can stand.
                            next: if named { [u64::MAX; 4] } else { following(&detector.shape, text) },
                        }));
                    }
                    other => index.add(number, detector, other),
                }
            }
        }
        index.literals = Literals::build(literals);
        index.fill_prefixes(compiled);
        index.fill_prefix_groups(compiled);
        index.leading = Leading::build(leading, compiled, words);
        if !index.leading.sets.is_empty() || !index.prefixed.is_empty() {
            index.wanted.want_digits(index.leading.least, index.prefix_anywhere());
        }
        let of_digit = index.word_lengths.iter().flat_map(|all| &all[usize::from(b'0')..=usize::from(b'9')]);
        index
            .wanted
            .want_word_of_digit(of_digit.fold(0, |all, lengths| all | lengths).trailing_zeros() as usize);
        index.wanted.at = !index.at.is_empty();
        index.wanted.encoded = !index.encoded.is_empty();
        index
    }

    fn add(&mut self, number: u16, detector: &Compiled, anchor: &Anchor) {
        match anchor {
            Anchor::Digits { digits, before, prefix, .. } => {
                let inside = *before == 0 || prefix.inside;
                self.prefixed.push(Prefixed {
                    detector: number,
                    digits: *digits,
                    before: *before,
                    inside,
                    bound: detector.boundary == Boundary::Word,
                    prefix: (**prefix).clone(),
                });
            }
            Anchor::At { before, class, encoded } => {
                let one = !detector.is_divided() && !class[usize::from(b'@')];
                let [plain, coded] = if one { behind_marks(&detector.shape) } else { [None; 2] };
                let once = *encoded && !detector.unordered;
                let at =
                    |behind| At { detector: number, before: *before, class: class.clone(), behind, once };
                self.encoded.extend(encoded.then(|| at(coded)));
                self.at.push(at(plain));
            }
            Anchor::Word { length, before, mixed } => {
                let bound = detector.boundary == Boundary::Word;
                let (length, before, mixed) = (*length, *before, *mixed);
                // One that can start elsewhere than with the run says nothing of the run's first byte.
                let anywhere = !bound || before > 0;
                let lengths = lengths(detector, length, bound && before == 0);
                for (both, by_first) in [false, true].into_iter().zip(&mut self.word_lengths) {
                    let fits = |byte: u8| (both || !mixed) && (anywhere || detector.can_begin_with(byte));
                    let fitting = (0..=u8::MAX).zip(by_first).filter(|(byte, _)| fits(*byte));
                    fitting.for_each(|(_, all)| *all |= lengths);
                }
                self.word.push(Word { detector: number, length, before, mixed, bound, lengths });
                self.wanted.want_word(length, mixed);
            }
            Anchor::Outline(outline) => {
                self.outlined.push(number);
                self.wanted.want_outline(*outline, detector.boundary == Boundary::Word);
            }
            Anchor::None => {
                self.unanchored.push(number);
                let all = (0..=u8::MAX).zip(&mut self.unanchored_first);
                all.for_each(|(byte, all)| *all |= detector.can_begin_with(byte));
            }
            Anchor::Literal(_) => {}
        }
    }

    /// Fills the table of what may stand before the runs of prefixed detectors.
    fn fill_prefixes(&mut self, compiled: &[Compiled]) {
        let mut pairs = vec![0u64; 1 << 16];
        for (i, prefixed) in self.prefixed.iter().enumerate() {
            // Past the last bit detectors share it.
            let bit = 1 << i.min(63);
            let enough = self.prefixed_by_digits.iter_mut().skip(prefixed.digits);
            enough.for_each(|possible| *possible |= bit);
            let within = if prefixed.inside || !prefixed.bound { usize::MAX } else { prefixed.before };
            let near = self.prefixed_by_word.iter_mut().take(within.saturating_add(1));
            near.for_each(|possible| *possible |= bit);
            if prefixed.inside {
                // A match that can begin with a digit can stand behind any bytes.
                pairs.iter_mut().for_each(|pair| *pair |= bit);
            } else {
                compiled[usize::from(prefixed.detector)]
                    .shape
                    .pairs_before_digit(|a, b| pairs[usize::from(a) << 8 | usize::from(b)] |= bit);
            }
        }
        self.prefix_last = vec![0; 256];
        for (pair, &bits) in pairs.iter().enumerate() {
            self.prefix_last[pair % 256] |= bits;
        }
        // Bytes that stand with the same others are of one class.
        let mut classes: Vec<u8> = Vec::new();
        let alike = |x: usize, y: usize| {
            pairs[x << 8..][..256] == pairs[y << 8..][..256]
                && (0..256).all(|o| pairs[o << 8 | x] == pairs[o << 8 | y])
        };
        self.prefix_class = (0..256)
            .map(|byte| {
                let known = classes.iter().position(|&class| alike(usize::from(class), byte));
                known.unwrap_or_else(|| {
                    classes.push(byte as u8);
                    classes.len() - 1
                }) as u8
            })
            .collect();
        let sets = classes.iter().flat_map(|&a| classes.iter().map(move |&b| (a, b)));
        self.prefix_pairs = sets.map(|(a, b)| pairs[usize::from(a) << 8 | usize::from(b)]).collect();
        self.prefix_classes = classes.len();
    }

    /// Fills the table of what first groups of digits prefixed detectors go on with.
    fn fill_prefix_groups(&mut self, compiled: &[Compiled]) {
        let mut table = vec![[0u64; GROUPS]; BYTES];
        for (i, prefixed) in self.prefixed.iter().enumerate() {
            let (bit, detector) = (1 << i.min(63), &compiled[usize::from(prefixed.detector)]);
            // A match that can begin inside a group, or end there, says nothing of its length.
            if prefixed.inside || detector.boundary == Boundary::None {
                table.as_flattened_mut().iter_mut().for_each(|possible| *possible |= bit);
            } else {
                detector.shape.groups(GROUP_LEN, |byte, group| table[byte][group] |= bit);
            }
        }
        let mut known: Vec<&[u64; GROUPS]> = Vec::new();
        for row in &table {
            let class = known.iter().position(|other| *other == row).unwrap_or_else(|| {
                known.push(row);
                self.prefix_groups.extend_from_slice(row);
                known.len() - 1
            });
            self.prefix_group_class.push(class as u8);
        }
    }

    /// The prefixed detectors whose match can hold a first group of so many digits before this byte, a bit each.
    #[inline(always)]
    pub(super) fn prefix_behind(&self, group: usize, behind: Option<&u8>) -> u64 {
        let byte = behind.map_or(BYTES - 1, |&byte| usize::from(byte));
        self.prefix_groups[usize::from(self.prefix_group_class[byte]) * GROUPS + group.min(GROUP_LEN)]
    }

    /// Whether the digits of a prefixed detector's match can stand behind something else than a letter, a digit or a
    /// separator.
    fn prefix_anywhere(&self) -> bool {
        let odd = |b: u8| !b.is_ascii_alphanumeric() && !is_separator(b);
        (0..=u8::MAX).filter(|&b| odd(b)).any(|b| (0..=u8::MAX).any(|a| self.prefix(a, b) != 0))
    }

    /// The prefixed detectors whose match can have its digits behind these two bytes, a bit each.
    #[inline(always)]
    pub(super) fn prefix(&self, a: u8, b: u8) -> u64 {
        let class = |byte: u8| usize::from(self.prefix_class[usize::from(byte)]);
        self.prefix_pairs[class(a) * self.prefix_classes + class(b)]
    }

    /// The prefixed detectors whose match can have its digits behind this byte, a bit each.
    #[inline(always)]
    pub(super) fn prefix_last(&self, byte: u8) -> u64 {
        self.prefix_last[usize::from(byte)]
    }

    /// The prefixed detectors that so many digits are enough for, a bit each.
    #[inline(always)]
    pub(super) fn prefixed_within(&self, digits: usize) -> u64 {
        self.prefixed_by_digits[digits.min(RUN_LIMIT)]
    }

    /// The prefixed detectors of which a match can begin where so many word bytes stand before the run, a bit each.
    #[inline(always)]
    pub(super) fn prefixed_behind(&self, word: usize) -> u64 {
        self.prefixed_by_word[word.min(WORD_BEFORE)]
    }

    /// The prefixed detectors of a bit; past the last bit they share it.
    #[inline(always)]
    pub(super) fn prefixed(&self, bit: usize) -> &[Prefixed] {
        let last = if bit == 63 { self.prefixed.len() } else { bit + 1 };
        self.prefixed.get(bit..last).unwrap_or_default()
    }

    /// Whether any of `word` can be in a run of so many letters and digits that begins so.
    #[inline(always)]
    pub(super) fn is_word(&self, first: u8, length: usize, mixed: bool) -> bool {
        self.word_lengths[usize::from(mixed)][usize::from(first)] >> length.min(LENGTHS) & 1 != 0
    }

    /// Detectors whose matches can begin with this byte.
    pub(super) fn by_first(&self, byte: u8) -> &[u16] {
        &self.by_first[usize::from(byte)]
    }

    pub(super) fn size(&self) -> usize {
        self.leading.size()
            + self.literals.size()
            + self.at.len() * 300
            + self.by_first.iter().map(|l| l.len() * 2 + 24).sum::<usize>()
    }
}
