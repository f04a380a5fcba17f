//! Which detectors the words of the last kilobyte speak for, piece by piece: a coarse answer that mostly is none.

use super::context::Words;
use super::leading::Set;
use super::names::Layout;
use super::simd::Level;
use crate::limits;

/// Bytes of a piece, of which it is only known what its words say together.
const PIECE: usize = 256;
/// Pieces that are kept: what names and words around a value lie in, and what is read beyond.
const PIECES: usize = 16;
/// Bytes read beyond what was asked for.
const AHEAD: usize = 256;

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
    /// What the first line of the text says.
    row: Option<Set>,
}

impl Vicinity {
    /// At least all that words which lie in `from..to` or in the text's first line speak for; `spoken` tells what each
    /// word does.
    #[inline(always)]
    pub(super) fn said(
        &mut self,
        level: Level,
        words: &Words,
        spoken: &[Set],
        text: &[u8],
        (from, to): (usize, usize),
        layout: &Layout,
    ) -> Set {
        let asked = (from / PIECE, to.div_ceil(PIECE));
        if asked != self.asked || to > self.to {
            self.ask(level, words, spoken, text, (from, to), layout);
            self.asked = asked;
        }
        self.answer
    }

    #[inline(never)]
    fn ask(
        &mut self,
        level: Level,
        words: &Words,
        spoken: &[Set],
        text: &[u8],
        (from, to): (usize, usize),
        layout: &Layout,
    ) {
        // As much as pieces are kept of is never asked for at once.
        if to.div_ceil(PIECE) - from / PIECE + AHEAD / PIECE >= PIECES {
            self.answer = Set::MAX;
            return;
        }
        if from < self.from || from > self.to {
            let from = from / PIECE * PIECE;
            *self = Vicinity { from, to: from, row: self.row, ..Vicinity::default() };
        }
        let pieces = &mut self.pieces;
        if to > self.to {
            let end = (to + AHEAD).min(text.len()).max(to);
            (self.to.div_ceil(PIECE)..end.div_ceil(PIECE)).for_each(|piece| pieces[piece % PIECES] = 0);
            words.from(level, text, self.to..end, |at, word| {
                pieces[at / PIECE % PIECES] |= spoken.get(usize::from(word)).copied().unwrap_or(Set::MAX);
            });
            self.to = end;
            self.from = self.from.max((end.div_ceil(PIECE) * PIECE).saturating_sub(PIECES * PIECE));
        }
        let row = *self.row.get_or_insert_with(|| {
            let mut all = 0;
            let row = layout.row();
            words.from(level, row, 0..row.len(), |_, word| {
                all |= spoken.get(usize::from(word)).copied().unwrap_or(Set::MAX)
            });
            all
        });
        self.answer = (from / PIECE..to.div_ceil(PIECE)).fold(row, |all, piece| all | pieces[piece % PIECES]);
    }
}

/// Names reach furthest back.
const _: () = assert!(
    limits::NAMES_REACH + limits::MATCH_LEN + 2 * limits::KEYWORD_REACH + AHEAD < (PIECES - 2) * PIECE
);
