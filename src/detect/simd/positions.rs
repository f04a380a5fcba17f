//! Bits to places, mostly without a guess at how many there are.

use super::lanes::LANES;

/// The places of the bits of a batch, counted from the first.
pub(super) struct Positions {
    of: [u8; MOST + USUAL],
    count: usize,
}

const MOST: usize = LANES * 64;
/// So many are taken of each word without a look at how many there are.
const USUAL: usize = 2;

impl Positions {
    pub(super) fn new() -> Positions {
        Positions { of: [0; MOST + USUAL], count: 0 }
    }

    #[inline(always)]
    pub(super) fn take(&mut self, words: &[u64; LANES]) -> &[u8] {
        self.count = 0;
        for (&word, first) in words.iter().zip((0u8..).step_by(64)) {
            let count = word.count_ones() as usize;
            let Some(room) = self.of.get_mut(self.count..) else { break };
            let mut left = word;
            for place in room.iter_mut().take(USUAL) {
                *place = first.wrapping_add(left.trailing_zeros() as u8);
                left &= left.wrapping_sub(1);
            }
            if count > USUAL {
                for place in room.iter_mut().take(count).skip(USUAL) {
                    *place = first.wrapping_add(left.trailing_zeros() as u8);
                    left &= left.wrapping_sub(1);
                }
            }
            self.count += count;
        }
        self.of.get(..self.count).unwrap_or_default()
    }
}
