//! Bit planes to runs: the part that every kernel shares, written once and compiled for each.

use super::{Planes, Wanted};
use crate::detect::anchor::MIN_RUN_DIGITS;

/// Told of what is found, ends exclusive.
pub(in crate::detect) trait Visit {
    /// A longest run of digits with single separators between them, at least `MIN_RUN_DIGITS` long. `digits` tells
    /// for each of its first 64 bytes whether it is a digit.
    fn digits(&mut self, start: usize, end: usize, digits: u64);
    fn at(&mut self, position: usize);
    /// A longest run of letters and digits, at least as long as wanted.
    fn word(&mut self, start: usize, end: usize);
}

/// Shifts that leave of a mask the bits from which `least` bits in a row are set, at most 64.
pub(super) const fn erosion(least: usize) -> [u32; 6] {
    let (mut shifts, mut width, mut i) = ([0; 6], 1, 0);
    while i < shifts.len() && width < least {
        let step = if width < least - width { width } else { least - width };
        shifts[i] = step as u32;
        width += step;
        i += 1;
    }
    shifts
}

const DIGITS_EROSION: [u32; 6] = erosion(MIN_RUN_DIGITS);

/// Longest runs of one plane across blocks.
struct Runs {
    least: usize,
    erosion: [u32; 6],
    /// Start of a run that reaches the end of the block before; `NONE` when none does.
    open: usize,
}

const NONE: usize = usize::MAX;

/// What one block adds: runs inside it as their first bits, and one that began before it.
struct Ended {
    mask: u64,
    seeds: u64,
    crossing: Option<(usize, usize)>,
}

impl Runs {
    #[inline(always)]
    fn new(least: usize, erosion: [u32; 6]) -> Runs {
        Runs { least, erosion, open: NONE }
    }

    /// Takes the bits of the block at `base`.
    #[inline(always)]
    fn block(&mut self, mut mask: u64, base: usize) -> Ended {
        let mut crossing = None;
        if self.open != NONE {
            let more = mask.trailing_ones() as usize;
            if more == 64 {
                return Ended { mask: 0, seeds: 0, crossing };
            }
            crossing = (base + more - self.open >= self.least).then_some((self.open, base + more));
            self.open = NONE;
            // Carries through the lowest run and clears it.
            mask &= mask.wrapping_add(1);
        }
        if mask >> 63 != 0 {
            let reaching = mask.leading_ones();
            self.open = base + 64 - reaching as usize;
            // Carries out at the top and clears the highest run.
            mask = mask.wrapping_add(1 << (64 - reaching));
        }
        let seeds = self.erosion.iter().fold(mask, |mask, &shift| mask & (mask >> shift));
        Ended { mask, seeds, crossing }
    }
}

impl Ended {
    /// Start and length of the next run inside the block.
    #[inline(always)]
    fn next(&mut self) -> Option<(u32, u32)> {
        if self.seeds == 0 {
            return None;
        }
        let start = self.seeds.trailing_zeros();
        let length = (self.mask >> start).trailing_ones();
        // The run is not the block's last bits: those stay open.
        self.seeds &= u64::MAX << (start + length);
        Some((start, length))
    }
}

/// The digits of a run that began in an earlier block.
fn digit_mask(text: &[u8], start: usize, end: usize) -> u64 {
    let bytes = text.get(start..end.min(start + 64)).unwrap_or_default();
    bytes.iter().rev().fold(0, |mask, b| mask << 1 | u64::from(b.is_ascii_digit()))
}

#[inline(always)]
pub(super) fn walk<V: Visit>(
    planes: impl Fn(&[u8; 64]) -> Planes,
    wanted: Wanted,
    text: &[u8],
    from: usize,
    to: usize,
    visit: &mut V,
) {
    let Some(body) = text.get(from..to) else { return };
    let mut digits = Runs::new(MIN_RUN_DIGITS, DIGITS_EROSION);
    let mut words = Runs::new(wanted.word, wanted.word_erosion);
    let mut digit_before = 0u64;
    let mut last = [0u8; 64];
    let (blocks, rest) = body.as_chunks::<64>();
    last[..rest.len()].copy_from_slice(rest);
    // One block of zeros at the end closes whatever is still open.
    let blocks = blocks.iter().chain(std::iter::once(&last));
    for (i, block) in blocks.enumerate() {
        let base = from + i * 64;
        let p = planes(block);
        if wanted.digits {
            let next = body.get(i * 64 + 64).is_some_and(u8::is_ascii_digit);
            let after = (p.digit >> 1) | (u64::from(next) << 63);
            let run = p.digit | (p.separator & after & ((p.digit << 1) | digit_before));
            digit_before = p.digit >> 63;
            let mut ended = digits.block(run, base);
            if let Some((start, end)) = ended.crossing {
                crossing(visit, text, start, end);
            }
            while let Some((start, length)) = ended.next() {
                let mask = (p.digit >> start) & !(u64::MAX << length);
                let start = base + start as usize;
                visit.digits(start, start + length as usize, mask);
            }
        }
        if wanted.word != 0 {
            let mut ended = words.block(p.word, base);
            if let Some((start, end)) = ended.crossing {
                visit.word(start, end);
            }
            while let Some((start, length)) = ended.next() {
                let start = base + start as usize;
                visit.word(start, start + length as usize);
            }
        }
        if wanted.at {
            let mut at = p.at;
            while at != 0 {
                visit.at(base + at.trailing_zeros() as usize);
                at &= at - 1;
            }
        }
    }
    if digits.open != NONE && to - digits.open >= digits.least {
        crossing(visit, text, digits.open, to);
    }
    if words.open != NONE && to - words.open >= words.least {
        visit.word(words.open, to);
    }
}

/// Reports a run that began in an earlier block.
#[inline(never)]
fn crossing<V: Visit>(visit: &mut V, text: &[u8], start: usize, end: usize) {
    visit.digits(start, end, digit_mask(text, start, end));
}
