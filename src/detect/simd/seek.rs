//! Bits of possible literals to positions: the part that every kernel shares, written once and compiled for each.

use std::hint::black_box;

use super::Nibbles;

/// What one block of 64 bytes, and the three behind it, show.
pub(super) struct Sight {
    /// Where a literal could begin that no word byte may precede, and one that stands anywhere.
    pub bound: u64,
    pub free: u64,
    /// Letters, digits and `_`.
    pub word: u64,
}

pub(super) const BLOCK: usize = 64 + super::nibbles::PLACES - 1;

/// Asked about each place at which a literal could begin. A type and not a closure for the same reason as [`Look`]: a
/// closure is a function of its own, called once for each place, wherever the compiler does not see fit.
pub(in crate::detect) trait Possible {
    /// `letters`: the four bytes that stand there, read from what was looked at anyway; nothing where the text may end
    /// before the last of them.
    fn at(&mut self, at: usize, letters: Option<[u8; 4]>);
}

/// How a block is looked at. A type and not a closure, so that it is compiled into each caller with the caller's
/// instructions.
pub(super) trait Look {
    /// Whether its tables stay in registers, with nothing called in between, and so several blocks are looked at before
    /// anything is asked.
    const BATCHED: bool = false;

    fn sight(nibbles: &Nibbles, block: &[u8; BLOCK]) -> Sight;
}

/// Blocks that are looked at before anything is asked about what they show.
const BATCH: usize = 8;

#[inline(always)]
pub(super) fn seek<L: Look>(nibbles: &Nibbles, text: &[u8], from: usize, to: usize, hit: &mut impl Possible) {
    let mut word_before = u64::from(from.checked_sub(1).is_some_and(|i| is_word(text[i])));
    let mut hits = |sight: Sight| {
        let starts = !(sight.word << 1 | word_before);
        word_before = sight.word >> 63;
        sight.bound & starts | sight.free
    };
    // `known`: so much of the block is text.
    let mut ask = |base: usize, (block, known): (&[u8; BLOCK], usize), mut hits: u64| {
        while hits != 0 {
            let place = hits.trailing_zeros() as usize % 64;
            let letters = block[place..].first_chunk().filter(|letters| place + letters.len() <= known);
            hit.at(base + place, letters.copied());
            hits &= hits - 1;
        }
    };
    let mut last;
    let mut base = from;
    while base < to {
        let rest = &text[base..];
        if L::BATCHED
            && let Some(batch) = rest.first_chunk::<{ BATCH * 64 + BLOCK - 64 }>()
            && to - base >= BATCH * 64
        {
            // Read anew for each batch, not copied to the stack.
            let nibbles = black_box(nibbles);
            let mut all = [0; BATCH];
            for (i, bits) in all.iter_mut().enumerate() {
                if let Some(block) = batch[i * 64..].first_chunk() {
                    *bits = hits(L::sight(nibbles, block));
                }
            }
            for (i, bits) in all.into_iter().enumerate() {
                if let Some(block) = batch[i * 64..].first_chunk() {
                    ask(base + i * 64, (block, BLOCK), bits);
                }
            }
            base += BATCH * 64;
            continue;
        }
        let (block, known) = match rest.first_chunk::<BLOCK>() {
            Some(block) => (block, BLOCK),
            None => {
                last = [0; BLOCK];
                last[..rest.len()].copy_from_slice(rest);
                (&last, rest.len())
            }
        };
        let bits = hits(L::sight(nibbles, block)) & u64::MAX >> (64 - 64.min(to - base));
        ask(base, (block, known), bits);
        base += 64;
    }
}

pub(super) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}
