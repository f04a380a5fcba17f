//! Detectors by the anchor that leads to them.

use std::sync::Arc;

use super::anchor::{Anchor, Prefix, RUN_LIMIT, is_separator};
use super::compiled::Compiled;
use super::context::Words;
use super::leading::{Entry, Leading};
use super::literal::Literals;
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
    /// Fewest digits that any of those needs.
    pub least_prefixed: usize,
    /// By the digits of a run, a bit for each prefixed detector that they are enough for.
    prefixed_by_digits: Vec<u64>,
    /// For each two bytes, by their classes, a bit for each prefixed detector whose run they may stand before.
    prefix_pairs: Vec<u64>,
    prefix_class: Vec<u8>,
    prefix_classes: usize,
    pub at: Vec<At>,
    /// Those of `at` that stand around `%40` too.
    pub encoded: Vec<At>,
    pub word: Vec<Word>,
    /// Bytes with which a run of letters and digits begins that one of `word` is in.
    pub word_first: Vec<bool>,
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
}

impl Index {
    pub(super) fn build(compiled: &[Compiled], words: &Words) -> Index {
        let mut index = Index {
            unanchored_first: vec![false; 256],
            word_first: vec![false; 256],
            least_prefixed: usize::MAX,
            prefixed_by_digits: vec![0; RUN_LIMIT + 1],
            by_first: vec![Vec::new(); 256],
            ..Index::default()
        };
        let (mut leading, mut literals) = (Vec::new(), Vec::new());
        for (number, detector) in (0u16..).zip(compiled) {
            for (byte, list) in index.by_first.iter_mut().enumerate() {
                if detector.first[byte] {
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
                        let bound = detector.boundary == Boundary::Word;
                        literals.extend(texts.iter().map(|text| (text.clone(), number, bound)));
                    }
                    other => index.add(number, detector, other),
                }
            }
        }
        index.literals = Literals::build(literals);
        index.fill_prefixes(compiled);
        index.leading = Leading::build(leading, compiled, words);
        if !index.leading.sets.is_empty() || !index.prefixed.is_empty() {
            index.wanted.want_digits(index.leading.least, index.prefix_anywhere());
        }
        index.wanted.at = !index.at.is_empty();
        index.wanted.encoded = !index.encoded.is_empty();
        index
    }

    fn add(&mut self, number: u16, detector: &Compiled, anchor: &Anchor) {
        match anchor {
            Anchor::Digits { digits, before, prefix, .. } => {
                let inside = *before == 0 || prefix.inside;
                self.least_prefixed = self.least_prefixed.min(*digits);
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
                let all = self.word_first.iter_mut();
                all.zip(detector.first.iter()).for_each(|(all, one)| *all |= *one || anywhere);
                self.word.push(Word { detector: number, length, before, mixed, bound });
                self.wanted.want_word(length, mixed);
            }
            Anchor::Outline(outline) => {
                self.outlined.push(number);
                self.wanted.want_outline(*outline, detector.boundary == Boundary::Word);
            }
            Anchor::None => {
                self.unanchored.push(number);
                let all = self.unanchored_first.iter_mut();
                all.zip(detector.first.iter()).for_each(|(all, one)| *all |= *one);
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
            if prefixed.inside {
                // A match that can begin with a digit can stand behind any bytes.
                pairs.iter_mut().for_each(|pair| *pair |= bit);
            } else {
                compiled[usize::from(prefixed.detector)]
                    .shape
                    .pairs_before_digit(|a, b| pairs[usize::from(a) << 8 | usize::from(b)] |= bit);
            }
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

    /// The prefixed detectors that so many digits are enough for, a bit each.
    #[inline(always)]
    pub(super) fn prefixed_within(&self, digits: usize) -> u64 {
        self.prefixed_by_digits[digits.min(RUN_LIMIT)]
    }

    /// The prefixed detectors of a bit; past the last bit they share it.
    #[inline(always)]
    pub(super) fn prefixed(&self, bit: usize) -> &[Prefixed] {
        let last = if bit == 63 { self.prefixed.len() } else { bit + 1 };
        self.prefixed.get(bit..last).unwrap_or_default()
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
