//! Bit planes to runs: the part that every kernel shares, written once and compiled for each.

use super::{Planes, Wanted};
use crate::detect::anchor::{MIN_RUN_DIGITS, MIN_RUN_WORD, is_separator};
use crate::detect::outline::{Masks, Outline};

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
    fn planes(block: &[u8; 64]) -> Planes;
}

/// Bits of a block and of the one behind it.
type Window = u128;

/// Leaves the bits from which on at least `LEAST` bits in a row are set.
#[inline(always)]
fn eroded<const LEAST: u32>(mask: Window) -> Window {
    let (mut mask, mut width) = (mask, 1);
    while width < LEAST {
        let step = if width < LEAST - width { width } else { LEAST - width };
        mask &= mask >> step;
        width += step;
    }
    mask
}

/// The runs of one plane that begin in a block, as their first bits.
struct Runs {
    window: Window,
    eroded: Window,
    seeds: u64,
}

impl Runs {
    /// `before`: whether the byte before the block belongs to a run.
    #[inline(always)]
    fn new<const LEAST: u32>(window: Window, before: u64) -> Runs {
        let starts = !((window as u64) << 1 | before);
        let eroded = eroded::<LEAST>(window);
        Runs { window, eroded, seeds: eroded as u64 & starts }
    }

    /// Where a run goes on for `more` bits beyond the least; at most 63.
    #[inline(always)]
    fn at_least(&self, more: u32) -> u64 {
        from(self.eroded, more)
    }

    /// Start and length of the next run; the length is unknown when 64 bits do not show its end. The last bit of the
    /// window is never among them: whether a separator there joins two digits is not known yet.
    #[inline(always)]
    fn next(&mut self) -> Option<(u32, Option<u32>)> {
        if self.seeds == 0 {
            return None;
        }
        let start = self.seeds.trailing_zeros();
        self.seeds &= self.seeds - 1;
        let length = from(self.window, start).trailing_ones();
        Some((start, (length < u64::BITS).then_some(length)))
    }
}

/// 64 bits of a window from bit `start` on, which is one of its first 64.
#[inline(always)]
fn from(window: Window, start: u32) -> u64 {
    let (low, high) = (window as u64, (window >> 64) as u64);
    low >> start | high << 1 << (63 - start)
}

/// As far as a window shows every run that begins in its first half.
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
    let (mut digit_before, mut run_before, mut word_before, mut outline_before) = (0u64, 0u64, 0u64, 0u64);
    let mut behind_before = u64::from(from.checked_sub(1).is_none_or(|i| can_precede(text[i])));
    let outline = wanted.outline.map(|outline| outline.masks());
    let none = Planes { digit: 0, separator: 0, word: 0, at: 0 };
    let mut here = if count > 0 { C::planes(block(0)) } else { none };
    for i in 0..count {
        let next = if i + 1 < count { C::planes(block(i + 1)) } else { none };
        let base = from + i * 64;
        if !wanted.digits || here.digit == 0 {
            (digit_before, run_before) = (0, 0);
        } else {
            let digit = join(here.digit, next.digit);
            let run = digit
                | (join(here.separator, next.separator)
                    & (digit >> 1)
                    & (digit << 1 | Window::from(digit_before)));
            let mut runs = Runs::new::<{ MIN_RUN_DIGITS as u32 }>(run, run_before);
            // Short runs are only of use behind what can stand before one.
            if wanted.leading > 0 {
                let behind = (here.word | here.separator) << 1 | behind_before;
                runs.seeds &= runs.at_least(wanted.leading) | behind | wanted.anywhere;
            }
            (digit_before, run_before) = (here.digit >> 63, run as u64 >> 63);
            while let Some((start, length)) = runs.next() {
                let at = base + start as usize;
                match length {
                    Some(length) => {
                        let mask = self::from(digit, start) & !(u64::MAX << length);
                        visit.digits(at, at + length as usize, mask);
                    }
                    None => long_digits(visit, text, at, to),
                }
            }
        }
        let digit = join(here.digit, next.digit);
        // Without a digit or a letter in sight only longer runs are of use; one that goes on past the next block is
        // taken whatever it holds.
        let alike = digit == 0 || here.word == here.digit && next.word == next.digit;
        let least = if alike && next.word != u64::MAX { wanted.word_plain } else { wanted.word };
        if least == 0 {
            word_before = here.word >> 63;
        } else {
            let window = join(here.word, next.word);
            let mut runs = words(&wanted, least, (window, word_before), here.digit);
            word_before = here.word >> 63;
            while let Some((start, length)) = runs.next() {
                let at = base + start as usize;
                let end = length.map_or_else(|| word_end(text, at, to), |length| at + length as usize);
                word(&wanted, self::from(digit, start), at, end, visit);
            }
        }
        if let Some(masks) = &outline {
            let barred = if wanted.bound { here.word << 1 | outline_before } else { 0 };
            outline_before = here.word >> 63;
            outlines(masks, [&here, &next], !barred, base, visit);
        }
        if wanted.at {
            ats(wanted, text, base, here.at, visit);
        }
        behind_before = (here.word | here.separator) >> 63;
        here = next;
    }
}

/// Runs of letters and digits, of at least as many as is asked for or of fewer, that begin in a block; without those that
/// begin with a digit and are too short for it.
#[inline(always)]
fn words(wanted: &Wanted, least: usize, (window, before): (Window, u64), digit: u64) -> Runs {
    let (mut runs, shortest) = match least {
        LONG_WORD.. => (Runs::new::<{ LONG_WORD as u32 }>(window, before), LONG_WORD),
        _ => (Runs::new::<{ MIN_RUN_WORD as u32 }>(window, before), MIN_RUN_WORD),
    };
    if runs.seeds & digit != 0 {
        let more = wanted.word_digit.saturating_sub(shortest).min(FURTHEST - shortest);
        runs.seeds &= !digit | runs.at_least(more as u32);
    }
    runs
}

/// Reports a run of letters and digits that is wanted; `digits` tells which of its first bytes are digits.
#[inline(always)]
fn word<V: Visit>(wanted: &Wanted, digits: u64, start: usize, end: usize, visit: &mut V) {
    let length = end - start;
    let shown = digits & (u64::MAX >> (64 - length.min(64)));
    let mixed = length > 64 || shown != 0 && shown.count_ones() as usize != length;
    let plain = wanted.word_plain != 0 && length >= wanted.word_plain;
    if length >= wanted.word && (mixed || plain) {
        visit.word(start, end, mixed);
    }
}

/// Reports the `@` and `%40` of a block.
#[inline(always)]
fn ats<V: Visit>(wanted: Wanted, text: &[u8], base: usize, mut at: u64, visit: &mut V) {
    while at != 0 {
        let position = base + at.trailing_zeros() as usize;
        at &= at - 1;
        if text[position] == b'@' {
            visit.at(position, false);
        } else if wanted.encoded && text[position..].starts_with(b"%40") {
            visit.at(position, true);
        }
    }
}

/// Reports where in a block, as far as `free` goes, what is outlined begins.
#[inline(always)]
fn outlines<V: Visit>(masks: &Masks, [here, next]: [&Planes; 2], free: u64, base: usize, visit: &mut V) {
    let planes = |place| {
        let digit = self::from(join(here.digit, next.digit), place);
        let word = self::from(join(here.word, next.word), place);
        [digit, word & !digit, self::from(join(here.separator, next.separator), place)]
    };
    let mut left = Outline::fits(masks, free, planes);
    while left != 0 {
        visit.outline(base + left.trailing_zeros() as usize);
        left &= left - 1;
    }
}

/// Whether a byte is a letter, a digit or a separator.
pub(super) fn can_precede(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || is_separator(byte)
}

#[inline(always)]
fn join(low: u64, high: u64) -> Window {
    Window::from(low) | Window::from(high) << 64
}

/// Reports a run of digits whose end lies further on.
#[inline(never)]
fn long_digits<V: Visit>(visit: &mut V, text: &[u8], start: usize, to: usize) {
    let digit = |i: usize| i < to && text.get(i).is_some_and(u8::is_ascii_digit);
    let mut end = start;
    while digit(end) || end < to && is_separator(text[end]) && digit(end + 1) {
        end += 1;
    }
    let bytes = text.get(start..end.min(start + 64)).unwrap_or_default();
    let mask = bytes.iter().rev().fold(0, |mask, b| mask << 1 | u64::from(b.is_ascii_digit()));
    visit.digits(start, end, mask);
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
