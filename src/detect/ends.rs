//! Where matches of one start may close.

use crate::limits;

const WORDS: usize = limits::MATCH_LEN / 64;

/// Every end at which a match may close, as bits: bit `n` stands for a match of `n + 1` bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ends {
    words: [u64; WORDS],
    /// No bit is set behind this word.
    top: usize,
}

impl Ends {
    pub(super) const NONE: Ends = Ends { words: [0; WORDS], top: 0 };

    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.words.iter().take(self.top + 1).all(|&w| w == 0)
    }

    /// Whether a match of `len` bytes may close.
    #[must_use]
    pub fn holds(&self, len: usize) -> bool {
        let bit = len.wrapping_sub(1);
        self.words.get(bit / 64).is_some_and(|word| word & 1 << (bit % 64) != 0)
    }

    /// Removes and gives the longest length.
    pub fn pop_longest(&mut self) -> Option<usize> {
        loop {
            let word = &mut self.words[self.top];
            if *word != 0 {
                let bit = 63 - word.leading_zeros() as usize;
                *word &= !(1 << bit);
                return Some(self.top * 64 + bit + 1);
            }
            self.top = self.top.checked_sub(1)?;
        }
    }

    /// The longest length, or 0.
    #[inline]
    pub(super) fn longest(&self) -> usize {
        let mut nth = self.top;
        while self.words[nth] == 0 && nth > 0 {
            nth -= 1;
        }
        64 * nth + (64 - self.words[nth].leading_zeros() as usize)
    }

    /// All lengths from the one to the other, as far as a match can be long.
    pub(super) fn between(min: usize, max: usize) -> Ends {
        let mut ends = Ends::default();
        let (from, to) = (min.max(1) - 1, max.min(limits::MATCH_LEN));
        if from >= to {
            return ends;
        }
        ends.top = (to - 1) / 64;
        for (nth, word) in ends.words.iter_mut().enumerate().take(ends.top + 1).skip(from / 64) {
            let (low, high) = (from.saturating_sub(nth * 64), (to - nth * 64).min(64));
            *word = u64::MAX >> (64 - (high - low)) << low;
        }
        ends
    }

    /// Removes a length.
    pub(super) fn remove(&mut self, len: usize) {
        if let Some(bit) = len.checked_sub(1) {
            self.words[bit / 64 % WORDS] &= !(1 << (bit % 64));
        }
    }

    /// Adds a length that is at least one, and longer than all there are.
    #[inline(always)]
    pub(super) fn push(&mut self, len: usize) {
        let bit = len - 1;
        self.top = bit / 64 % WORDS;
        self.words[self.top] |= 1 << (bit % 64);
    }

    /// Adds a length; one beyond the longest match is none.
    #[inline]
    pub(super) fn insert(&mut self, len: usize) {
        if let Some(bit) = len.checked_sub(1)
            && let Some(word) = self.words.get_mut(bit / 64)
        {
            *word |= 1 << (bit % 64);
            self.top = self.top.max(bit / 64);
        }
    }

    /// The first length from `len` on, which is at least one, that is not among them.
    pub(super) fn next_missing(&self, len: usize) -> usize {
        let mut bit = len.saturating_sub(1);
        while let Some(word) = self.words.get(bit / 64) {
            let run = (word >> (bit % 64)).trailing_ones() as usize;
            bit += run;
            if run == 0 || !bit.is_multiple_of(64) {
                break;
            }
        }
        bit + 1
    }

    /// Leaves those that are among `others`, or those that are not.
    pub(super) fn keep(&mut self, others: &Ends, among: bool) {
        let kept = |other: u64| if among { other } else { !other };
        let words = self.words.iter_mut().zip(others.words).take(self.top + 1);
        words.for_each(|(word, other)| *word &= kept(other));
    }
}
