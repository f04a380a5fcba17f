//! Bit planes to runs: the part that every kernel shares, written once and compiled for each.

use super::lanes::{LANES, Lanes};
use super::positions::Positions;
use super::{Planes, Wanted};
use crate::detect::anchor::{MIN_RUN_DIGITS, MIN_RUN_WORD, is_separator};
use crate::detect::groups;
use crate::detect::outline::Masks;

/// Told of what is found, ends exclusive.
pub(in crate::detect) trait Visit {
    /// A longest run of digits with single separators between them, at least `MIN_RUN_DIGITS` long. `digits` tells
    /// for each of its first 64 bytes whether it is a digit.
    fn digits(&mut self, start: usize, end: usize, digits: u64);
    /// An `@`, or the `%40` that stands for one.
    fn at(&mut self, position: usize, encoded: bool);
    /// A longest run of letters and digits, at least as long as wanted, and whether both are among them, as is taken of
    /// one longer than 64; where only those are wanted, no others.
    fn word(&mut self, start: usize, end: usize, mixed: bool);
    /// Where something begins that the outline asked for tells of.
    fn outline(&mut self, position: usize);
}

/// How a block becomes bit planes. A type and not a closure, so that it is compiled into each caller with the
/// caller's instructions.
pub(super) trait Classify {
    type Lanes: Lanes;

    fn planes(block: &[u8; 64]) -> Planes;
}

/// Bits of a batch of blocks, which are worked on together.
type Bits = [u64; LANES];
/// The same with the block before them, the one behind and room for whole lanes.
type Row = [u64; LANES + 4];

/// The planes of a batch and of its neighbours.
struct Sheet {
    digit: Row,
    separator: Row,
    word: Row,
    at: Row,
    /// Digits and the separators that join them.
    run: Row,
}

impl Sheet {
    fn new() -> Sheet {
        let none = [0; LANES + 4];
        Sheet { digit: none, separator: none, word: none, at: none, run: none }
    }

    #[inline(always)]
    fn set(&mut self, i: usize, planes: &Planes) {
        let Planes { digit, separator, word, at } = *planes;
        (self.digit[i], self.separator[i], self.word[i], self.at[i]) = (digit, separator, word, at);
    }

    /// Makes room for the next batch: the last block becomes the one before, the one behind the first.
    #[inline(always)]
    fn turn(&mut self) {
        for row in [&mut self.digit, &mut self.separator, &mut self.word, &mut self.at, &mut self.run] {
            (row[0], row[1]) = (row[LANES], row[LANES + 1]);
        }
    }

    #[inline(always)]
    fn join_digits<L: Lanes>(&mut self) {
        let (before, digit, behind) = triple::<L>(&self.digit);
        let between = digit.before(before).and(digit.from(behind, 1));
        let run = digit.or(lanes::<L, 1>(&self.separator).and(between)).store();
        self.run[1..=LANES].copy_from_slice(&run);
        // Whether a separator at the end of the block behind joins two digits is not known yet.
        let [.., last, next, _, _] = self.digit;
        self.run[LANES + 1] = next | self.separator[LANES + 1] & (next << 1 | last >> 63) & next >> 1;
    }

    /// Where runs of digits begin that are long enough; short ones only behind what can stand before one: `first` tells
    /// whether the byte before the batch can.
    #[inline(always)]
    fn digits<L: Lanes>(&self, wanted: &Wanted, first: u64) -> Bits {
        let anywhere = if wanted.leading > 0 { wanted.anywhere } else { u64::MAX };
        let (before, here, next) = triple::<L>(&self.run);
        let eroded = eroded::<L, { MIN_RUN_DIGITS as u32 }>((here, next));
        let precede = lanes::<L, 1>(&self.word).or(lanes::<L, 1>(&self.separator));
        let precede_before = lanes::<L, 0>(&self.word).or(lanes::<L, 0>(&self.separator));
        let behind = precede.before(precede_before).or(L::load(&[first, 0, 0, 0]));
        let fit = eroded.0.from(eroded.1, wanted.leading).or(behind).or(L::all(anywhere));
        eroded.0.without(here.before(before)).and(fit).store()
    }

    /// Where runs of letters and digits begin, of at least as many as is asked for or of fewer; without those that begin
    /// with a digit and are too short for it.
    #[inline(always)]
    fn words<L: Lanes>(&self, wanted: &Wanted) -> Bits {
        let more_short = wanted.word_digit.saturating_sub(MIN_RUN_WORD).min(FURTHEST - MIN_RUN_WORD) as u32;
        let more_long = wanted.word_digit.saturating_sub(LONG_WORD).min(FURTHEST - LONG_WORD) as u32;
        let (before, here, next) = triple::<L>(&self.word);
        let (_, digit, next_digit) = triple::<L>(&self.digit);
        // Without a digit or a letter in sight only longer runs are of use; one that goes on past the next block is
        // taken whatever it holds.
        let none = digit.or(next_digit).same(L::all(0));
        let all = here.same(digit).and(next.same(next_digit));
        let alike = none.or(all).without(next.same(L::all(u64::MAX)));
        let short = eroded::<L, { MIN_RUN_WORD as u32 }>((here, next));
        let long = eroded_more::<L>(short, (LONG_WORD - MIN_RUN_WORD) as u32);
        let letter = here.without(digit);
        let short = short.0.and(letter.or(short.0.from(short.1, more_short)));
        let long = long.0.and(letter.or(long.0.from(long.1, more_long)));
        let plain = of_kind(wanted.word_plain, short, long).and(alike);
        let mixed = of_kind(wanted.word, short, long).without(alike);
        plain.or(mixed).without(here.before(before)).store()
    }

    /// Where something begins that the outline tells of; with `bound` not behind a letter or a digit.
    #[inline(always)]
    fn outlines<L: Lanes>(&self, masks: &Masks, bound: bool) -> Bits {
        let (_, digit, next_digit) = triple::<L>(&self.digit);
        let (before, word, next_word) = triple::<L>(&self.word);
        let (_, separator, next_separator) = triple::<L>(&self.separator);
        let barred = word.before(before).and(L::all(if bound { u64::MAX } else { 0 }));
        let mut left = L::all(u64::MAX).without(barred);
        for (place, &[digits, letters, separators, others]) in (0..).zip(masks) {
            let (digit, word) = (digit.from(next_digit, place), word.from(next_word, place));
            let separator = separator.from(next_separator, place);
            let letter = word.without(digit).and(L::all(letters));
            let fits = digit.and(L::all(digits)).or(letter).or(separator.and(L::all(separators)));
            left = left.and(fits.or(L::all(others).without(word.or(separator))));
        }
        left.store()
    }
}

/// Runs of letters and digits of which so many are asked for: from the shortest on, only long ones, or none.
#[inline(always)]
fn of_kind<L: Lanes>(least: usize, short: L, long: L) -> L {
    match least {
        0 => L::all(0),
        LONG_WORD.. => long,
        _ => short,
    }
}

/// Four words of a row, from the block before the batch on, the first of it or the second.
#[inline(always)]
fn lanes<L: Lanes, const FROM: usize>(row: &Row) -> L {
    match row[FROM..].first_chunk() {
        Some(words) => L::load(words),
        None => L::all(0),
    }
}

/// What a row holds before each block of a batch, there and behind it.
#[inline(always)]
fn triple<L: Lanes>(row: &Row) -> (L, L, L) {
    (lanes::<L, 0>(row), lanes::<L, 1>(row), lanes::<L, 2>(row))
}

/// Leaves the bits of the first words from which on at least `LEAST` bits in a row are set, and of those behind them as
/// far as that is known.
#[inline(always)]
fn eroded<L: Lanes, const LEAST: u32>(mut words: (L, L)) -> (L, L) {
    let mut width = 1;
    while width < LEAST {
        let step = if width < LEAST - width { width } else { LEAST - width };
        words = eroded_more(words, step);
        width += step;
    }
    words
}

/// The same of what is eroded already, `more` bits on.
#[inline(always)]
fn eroded_more<L: Lanes>((here, next): (L, L), more: u32) -> (L, L) {
    (here.and(here.from(next, more)), next.and(next.right(more)))
}

/// 64 bits of a row, from bit `start` of a block of the batch on.
#[inline(always)]
fn from_place(row: &Row, block: usize, start: u32) -> u64 {
    row[block + 1] >> start | row[block + 2] << 1 << (63 - start)
}

/// As far as two words show every run that begins in the first.
const FURTHEST: usize = 64;

/// Letters and digits in a row that are rare in prose.
const LONG_WORD: usize = 16;

#[inline(always)]
pub(super) fn walk<C: Classify, V: Visit>(
    wanted: Wanted,
    text: &[u8],
    from: usize,
    to: usize,
    visit: &mut V,
) {
    let Some(body) = text.get(from..to) else { return };
    let (blocks, rest) = body.as_chunks::<64>();
    let mut last = [0u8; 64];
    last[..rest.len()].copy_from_slice(rest);
    let block = |i: usize| blocks.get(i).unwrap_or(&last);
    let count = blocks.len() + usize::from(!rest.is_empty());
    let mut first = u64::from(from.checked_sub(1).is_none_or(|i| can_precede(text[i])));
    let outline = wanted.outline.map(|outline| outline.masks());
    let mut sheet = Sheet::new();
    let mut positions = Positions::new();
    if count > 0 {
        sheet.set(1, &C::planes(block(0)));
    }
    for batch in (0..count).step_by(LANES) {
        if batch > 0 {
            sheet.turn();
        }
        for i in 1..=LANES {
            let planes = if batch + i < count { C::planes(block(batch + i)) } else { NONE };
            sheet.set(i + 1, &planes);
        }
        let base = from + batch * 64;
        if wanted.digits {
            sheet.join_digits::<C::Lanes>();
            for &at in positions.take(&sheet.digits::<C::Lanes>(&wanted, first)) {
                digits(&sheet, (text, to), base, usize::from(at), visit);
            }
        }
        if wanted.word != 0 || wanted.word_plain != 0 {
            for &at in positions.take(&sheet.words::<C::Lanes>(&wanted)) {
                word(&wanted, &sheet, (text, to), base, usize::from(at), visit);
            }
        }
        if let Some(masks) = &outline {
            each_bit(&sheet.outlines::<C::Lanes>(masks, wanted.bound), |at| visit.outline(base + at));
        }
        if wanted.at {
            ats(wanted, text, base, &sheet.at, visit);
        }
        first = 0;
    }
}

const NONE: Planes = Planes { digit: 0, separator: 0, word: 0, at: 0 };

#[inline(always)]
fn each_bit(bits: &[u64], mut visit: impl FnMut(usize)) {
    for (i, &word) in bits.iter().enumerate() {
        let mut left = word;
        while left != 0 {
            visit(i * 64 + left.trailing_zeros() as usize);
            left &= left - 1;
        }
    }
}

/// Reports the run of digits that begins at a place of a batch.
#[inline(always)]
fn digits<V: Visit>(sheet: &Sheet, (text, to): (&[u8], usize), base: usize, at: usize, visit: &mut V) {
    let (i, start) = (at / 64 % LANES, at as u32 % 64);
    let run = from_place(&sheet.run, i, start);
    let at = base + at;
    let length = run.trailing_ones();
    // The last bit of the block behind is never in sight: whether a separator there joins two digits may not be known.
    if length == u64::BITS {
        let end = at + groups::run(text.get(at..to).unwrap_or_default());
        return visit.digits(at, end, groups::digits(&text[at..end]));
    }
    let mask = from_place(&sheet.digit, i, start) & !(u64::MAX << length);
    visit.digits(at, at + length as usize, mask);
}

/// Reports the run of letters and digits that begins at a place of a batch, where it is wanted.
#[inline(always)]
fn word<V: Visit>(
    wanted: &Wanted,
    sheet: &Sheet,
    (text, to): (&[u8], usize),
    base: usize,
    at: usize,
    visit: &mut V,
) {
    let (i, start) = (at / 64 % LANES, at as u32 % 64);
    let length = from_place(&sheet.word, i, start).trailing_ones();
    let digits = from_place(&sheet.digit, i, start);
    let at = base + at;
    if length == u64::BITS {
        let end = word_end(text, at, to);
        let shown = digits.count_ones();
        let mixed = end - at > 64 || shown != 0 && shown != u64::BITS;
        if end - at >= wanted.word && (mixed || wanted.word_plain != 0 && end - at >= wanted.word_plain) {
            visit.word(at, end, mixed);
        }
        return;
    }
    let shown = (digits & !(u64::MAX << length)).count_ones();
    let length = length as usize;
    let mixed = (shown != 0) & (shown as usize != length);
    let plain = (wanted.word_plain != 0) & (length >= wanted.word_plain);
    if (length >= wanted.word) & (mixed | plain) {
        visit.word(at, at + length, mixed);
    }
}

/// Reports the `@` and `%40` of a batch.
#[inline(always)]
fn ats<V: Visit>(wanted: Wanted, text: &[u8], base: usize, at: &Row, visit: &mut V) {
    each_bit(&at[1..=LANES], |at| {
        let position = base + at;
        if text[position] == b'@' {
            visit.at(position, false);
        } else if wanted.encoded && text[position..].starts_with(b"%40") {
            visit.at(position, true);
        }
    });
}

/// Whether a byte is a letter, a digit or a separator.
pub(super) fn can_precede(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || is_separator(byte)
}

/// The end of a run of letters and digits that lies further on.
#[inline(never)]
fn word_end(text: &[u8], start: usize, to: usize) -> usize {
    let run = text.get(start..to).unwrap_or_default();
    // Without an early end the compiler takes a piece in one step.
    let is_whole = |piece: &&[u8; 32]| piece.iter().fold(true, |all, b| all & b.is_ascii_alphanumeric());
    let whole = 32 * run.as_chunks::<32>().0.iter().take_while(is_whole).count();
    let rest = run.get(whole..).unwrap_or_default();
    start + whole + rest.iter().take_while(|b| b.is_ascii_alphanumeric()).count()
}
