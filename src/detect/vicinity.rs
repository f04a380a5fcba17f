//! Which detectors the words of the last kilobyte speak for, piece by piece: a coarse answer that mostly is none.

use super::context::{Trail, Words};
use super::names::Layout;
use super::set::Set;
use super::simd::{Heads, Level};
use crate::limits;

/// Bytes of a piece, of which it is only known what its words say together.
const PIECE: usize = 256;
/// Pieces that are kept: what names and words around a value lie in, and what is read beyond.
const PIECES: usize = 16;
/// Bytes read beyond what was asked for, at the first question and where another follows.
const FIRST_AHEAD: usize = 256;
const AHEAD: usize = 768;

/// Of no place.
const NEVER: (usize, usize) = (usize::MAX, usize::MAX);

/// What words say of the detectors that begin with their digits.
#[derive(Debug, Default)]
pub(super) struct Telling {
    /// For each word, the entries of any set that it speaks for, as if all sets were one.
    by_word: Vec<Set>,
    /// What the words begin with that speak for any.
    heads: Heads,
}

impl Telling {
    pub(super) fn new(words: &Words, by_word: Vec<Set>) -> Telling {
        let telling = |word: u16| by_word.get(usize::from(word)).is_some_and(|set| !set.is_empty());
        Telling { heads: words.heads_of(telling), by_word }
    }

    fn of(&self, word: u16) -> Set {
        self.by_word.get(usize::from(word)).copied().unwrap_or_default()
    }

    pub(super) fn size(&self) -> usize {
        self.by_word.len() * size_of::<Set>() + self.heads.size()
    }
}

/// A text, and how its words are read.
#[derive(Clone, Copy)]
pub(super) struct Reading<'a> {
    pub level: Level,
    pub words: &'a Words,
    pub telling: &'a Telling,
    pub text: &'a [u8],
}

/// The words that were read last in a text that is read forwards.
#[derive(Debug, Default)]
pub(super) struct Vicinity {
    /// Beginnings of words in `from..to` have been looked at.
    from: usize,
    to: usize,
    /// What the words that begin in a piece say.
    pieces: [Set; PIECES],
    /// What was asked for last, by pieces, and the answer.
    asked: (usize, usize),
    answer: Set,
    /// Where a run can end, which begins no sooner than what was asked for last, so that nothing is said of what begins
    /// in it.
    quiet: usize,
    /// What the first line of the text says.
    row: Option<Set>,
    /// What the names say that are kept of lists, and up to where they may be those of anything.
    kept: Set,
    kept_to: usize,
}

impl Vicinity {
    /// Whether it is known that no word speaks for anything that begins in what ends here, and begins no sooner than
    /// what was asked for last.
    #[inline(always)]
    pub(super) fn is_quiet(&self, end: usize) -> bool {
        end <= self.quiet
    }

    /// Whether what lies around `at`, and less than `ahead` behind it, has been read.
    #[inline(always)]
    pub(super) fn knows(&self, text: &[u8], at: usize, ahead: usize) -> bool {
        self.from <= at.saturating_sub(limits::NAMES_REACH) && (at + ahead).min(text.len()) <= self.to
    }

    /// At least all that words speak for which lie before `at` or less than `ahead` behind it, or in the text's first
    /// line.
    #[inline(always)]
    pub(super) fn said(
        &mut self,
        reading: Reading<'_>,
        trail: &mut Trail,
        (at, ahead): (usize, usize),
        layout: &Layout,
    ) -> Set {
        let text = reading.text;
        let (from, to) = (at.saturating_sub(limits::NAMES_REACH), (at + ahead).min(text.len()));
        let asked = (from / PIECE, to.div_ceil(PIECE));
        if at >= self.kept_to && !self.kept.is_empty() {
            (self.kept, self.asked) = (Set::NONE, NEVER);
        }
        if asked != self.asked || to > self.to {
            self.ask(reading, trail, (from, to), layout);
            self.asked = asked;
            self.quiet = self.quiet_to(from, text.len(), ahead);
        }
        self.answer
    }

    /// Up to where names that are kept are taken into account.
    pub(super) fn keeps_to(&self) -> usize {
        self.kept_to
    }

    /// What begins before `to` may stand under `name`, too, wherever that is.
    #[cold]
    pub(super) fn keep(&mut self, reading: Reading<'_>, name: &[u8], to: usize) {
        let Reading { level, words, telling, .. } = reading;
        words.from(level, &telling.heads, name, 0..name.len(), |_, word| self.kept |= telling.of(word));
        self.kept_to = self.kept_to.max(to);
        (self.asked, self.quiet) = (NEVER, 0);
    }

    #[inline(never)]
    fn ask(
        &mut self,
        Reading { level, words, telling, text }: Reading<'_>,
        trail: &mut Trail,
        (from, to): (usize, usize),
        layout: &Layout,
    ) {
        // As much as pieces are kept of is never asked for at once.
        if to.div_ceil(PIECE) - from / PIECE + AHEAD / PIECE >= PIECES {
            self.answer = Set::ALL;
            return;
        }
        if from < self.from || from > self.to {
            let from = from / PIECE * PIECE;
            let Vicinity { row, kept, kept_to, .. } = *self;
            *self = Vicinity { from, to: from, row, kept, kept_to, ..Vicinity::default() };
        }
        let pieces = &mut self.pieces;
        if to > self.to {
            let ahead = if self.from == self.to { FIRST_AHEAD } else { AHEAD };
            let end = (to + ahead).min(text.len()).max(to);
            (self.to.div_ceil(PIECE)..end.div_ceil(PIECE))
                .for_each(|piece| pieces[piece % PIECES] = Set::NONE);
            let mut hit = |at: usize, word| pieces[at / PIECE % PIECES] |= telling.of(word);
            // Where all words are being read anyway, they are not read twice.
            if !trail.follow(level, words, text, self.to..end, &mut hit) {
                words.from(level, &telling.heads, text, self.to..end, hit);
            }
            self.to = end;
            self.from = self.from.max((end.div_ceil(PIECE) * PIECE).saturating_sub(PIECES * PIECE));
        }
        let row = *self.row.get_or_insert_with(|| {
            let mut all = Set::NONE;
            let row = layout.row();
            words.from(level, &telling.heads, row, 0..row.len(), |_, word| all |= telling.of(word));
            all
        });
        let row = row | self.kept;
        self.answer = (from / PIECE..to.div_ceil(PIECE)).fold(row, |all, piece| all | pieces[piece % PIECES]);
    }

    /// Up to where nothing is said of what begins there, as far as is known from the pieces from `from` on.
    fn quiet_to(&self, from: usize, length: usize, ahead: usize) -> usize {
        if !self.answer.is_empty() {
            return 0;
        }
        let first = from / PIECE;
        let silent = |piece: &usize| self.pieces[piece % PIECES].is_empty();
        let silent = (first..self.to.div_ceil(PIECE)).take_while(silent).count();
        let to = ((first + silent) * PIECE).min(self.to);
        if to == length { length } else { to.saturating_sub(ahead) }
    }
}

/// Names reach furthest back.
const _: () = assert!(
    limits::NAMES_REACH + limits::MATCH_LEN + 2 * limits::KEYWORD_REACH + AHEAD < (PIECES - 2) * PIECE
);
