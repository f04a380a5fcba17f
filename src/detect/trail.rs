//! The words that were met in a text, remembered while questions about them move forward.

use std::ops::Range;

use super::super::simd::{self, Level};
use super::{Evidence, Words};
use crate::limits;

/// A word found in a text.
#[derive(Clone, Copy, Debug)]
struct Hit {
    start: u32,
    end: u32,
    word: u16,
}

impl Hit {
    fn place(&self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

impl Words {
    /// What a word at a place says of a detector among others of its text or name: one that speaks for it says nothing
    /// where a longer one that it is a part of speaks against it, as `tax id` is one of `federal tax id`.
    #[inline]
    pub(in crate::detect) fn says_among<I: Iterator<Item = (Range<usize>, u16)>>(
        &self,
        (place, word): (&Range<usize>, u16),
        detector: u16,
        others: impl FnOnce() -> I,
    ) -> Evidence {
        let mut says = self.says(word, detector);
        let takes_its_place = |(other, word): (Range<usize>, u16)| {
            other.start <= place.start
                && place.end <= other.end
                && other.len() > place.len()
                && self.says(word, detector).negative
        };
        says.positive = says.positive && !others().any(takes_its_place);
        says
    }
}

/// The words of a text, read only where something asks for them, each place once while questions move forward.
#[derive(Clone, Debug, Default)]
pub(in crate::detect) struct Trail {
    /// Beginnings of words in `from..to` have been looked at.
    from: usize,
    to: usize,
    hits: Vec<Hit>,
}

/// Hits kept before those that no later question minds are dropped, once they are half as many.
const KEPT: usize = 64;
/// Bytes read beyond what was asked for.
const AHEAD: usize = 256;

impl Trail {
    pub(in crate::detect) const fn new() -> Trail {
        Trail { from: 0, to: 0, hits: Vec::new() }
    }

    /// Forgets everything: another text follows.
    pub(in crate::detect) fn clear(&mut self) {
        (self.from, self.to) = (0, 0);
        self.hits.clear();
    }

    /// Forgets everything, and lets go of the room for words.
    pub(in crate::detect) fn rest(&mut self) {
        *self = Trail::new();
    }

    /// Reads what lies in `from..to` and has not been read.
    #[inline]
    pub(in crate::detect) fn read(
        &mut self,
        level: Level,
        words: &Words,
        text: &[u8],
        from: usize,
        to: usize,
    ) {
        if from < self.from || from > self.to {
            (self.from, self.to) = (from, from);
            self.hits.clear();
        }
        if to > self.to {
            self.extend(level, words, text, to);
        }
        // Another detector may look further back.
        let from = from.saturating_sub(limits::KEYWORD_REACH);
        if self.hits.len() > KEPT && self.hits[KEPT / 2].start < from as u32 {
            self.hits.drain(..self.first_from(from));
            self.from = from;
        }
    }

    /// Reads on to the end of `range` where it was read until there, and calls `hit` for the words that begin in it, with
    /// where they do. Otherwise does nothing and says so.
    pub(in crate::detect) fn follow(
        &mut self,
        level: Level,
        words: &Words,
        text: &[u8],
        range: Range<usize>,
        hit: &mut impl FnMut(usize, u16),
    ) -> bool {
        if self.hits.is_empty() || range.start < self.from || range.start > self.to {
            return false;
        }
        if range.end > self.to {
            self.extend(level, words, text, range.end);
        }
        let behind = self.hits.get(self.first_from(range.start)..).unwrap_or_default();
        let begun = behind.iter().take_while(|hit| (hit.start as usize) < range.end);
        begun.for_each(|found| hit(found.start as usize, found.word));
        true
    }

    /// Whether `from..to` has been read, and no word is kept.
    #[inline(always)]
    pub(in crate::detect) fn is_quiet(&self, from: usize, to: usize) -> bool {
        self.hits.is_empty() && self.from <= from && to <= self.to
    }

    /// Whether `from..to` has been read.
    #[inline(always)]
    pub(in crate::detect) fn covers(&self, from: usize, to: usize) -> bool {
        self.from <= from && to <= self.to
    }

    /// The place of the first word that begins at `from` or behind it: words are kept in the order of their beginnings.
    #[inline]
    fn first_from(&self, from: usize) -> usize {
        self.hits.partition_point(|hit| (hit.start as usize) < from)
    }

    /// The words that lie wholly inside `from..to`.
    #[inline]
    fn within(&self, from: usize, to: usize) -> impl Iterator<Item = &Hit> {
        let hits = self.hits.get(self.first_from(from)..).unwrap_or_default();
        hits.iter().take_while(move |hit| (hit.start as usize) < to).filter(move |hit| hit.end as usize <= to)
    }

    /// Reads on to `to`, and some way further while at it.
    fn extend(&mut self, level: Level, words: &Words, text: &[u8], to: usize) {
        let to = (to + AHEAD).min(text.len()).max(to);
        let hits = &mut self.hits;
        simd::word_starts(level, &words.heads, text, self.to, to.min(text.len()), &mut |start| {
            words.at(text, start, |word, end| {
                hits.push(Hit { start: start.at as u32, end: end as u32, word });
            });
        });
        self.to = to;
    }

    /// Evidence for `detector` from words that lie wholly inside `from..to`, which has been read.
    pub(in crate::detect) fn evidence(
        &self,
        words: &Words,
        detector: u16,
        from: usize,
        to: usize,
    ) -> Evidence {
        let mut evidence = Evidence::default();
        for hit in self.within(from, to) {
            evidence.join(self.says(words, detector, hit, (from, to)));
        }
        evidence
    }

    /// What a word says of `detector` among those of `from..to`.
    fn says(&self, words: &Words, detector: u16, hit: &Hit, (from, to): (usize, usize)) -> Evidence {
        let others = || self.within(from, to).map(|other| (other.place(), other.word));
        words.says_among((&hit.place(), hit.word), detector, others)
    }

    /// Where words that say something of `detector` lie wholly inside `from..to`, which has been read.
    pub(in crate::detect) fn places<'t>(
        &'t self,
        words: &'t Words,
        detector: u16,
        (from, to): (usize, usize),
    ) -> impl Iterator<Item = (Range<usize>, Evidence)> + 't {
        let within = self.within(from, to);
        let said = within.map(move |hit| (hit.place(), self.says(words, detector, hit, (from, to))));
        said.filter(|(_, says)| *says != Evidence::default())
    }

    /// Calls `hit` for the words that lie wholly inside `from..to`, which has been read.
    #[inline]
    pub(in crate::detect) fn words(&self, from: usize, to: usize, mut hit: impl FnMut(u16)) {
        self.within(from, to).for_each(|found| hit(found.word));
    }

    #[cfg(test)]
    pub(in crate::detect) fn bytes(&self) -> usize {
        self.hits.capacity() * size_of::<Hit>()
    }
}
