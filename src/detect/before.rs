//! What stands before a run of digits: word bytes, and places where something could begin.

use super::eight;
use super::index::WORD_BEFORE;

/// How many word bytes a text ends with, of the last that are looked at.
pub(super) fn word_before(text: &[u8]) -> usize {
    let mut count = 0;
    while count < WORD_BEFORE {
        let here = (!words_before(&text[..text.len() - count])).trailing_zeros().min(8) as usize;
        count += here;
        if here < 8 {
            break;
        }
    }
    count
}

/// A bit for each of the last eight bytes of a text that is a word byte, the last the lowest.
#[inline(always)]
fn words_before(text: &[u8]) -> u64 {
    let last = text.last_chunk().copied().unwrap_or_else(|| {
        let mut last = [0; 8];
        last[8 - text.len()..].copy_from_slice(text);
        last
    });
    eight::words(u64::from_le_bytes(last).to_be_bytes())
}

/// Where a text may be gone on with a word of its own: behind no word byte, read backwards as far as it is asked for.
#[derive(Default)]
pub(super) struct Free {
    known: usize,
    /// A bit for each place behind a word byte, that of the last byte the lowest.
    barred: u64,
}

impl Free {
    /// A bit for each of the last `places`, at most `WORD_BEFORE`, behind no word byte.
    #[inline(always)]
    pub(super) fn places(&mut self, text: &[u8], places: usize) -> u64 {
        while self.known < places {
            let before = &text[..text.len().saturating_sub(self.known + 1)];
            self.barred |= words_before(before) << self.known;
            self.known += 8;
        }
        !self.barred & u64::MAX.checked_shr((WORD_BEFORE - places) as u32).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn places_are_those_that_a_look_at_each_byte_tells(
            text in "[ab_7 .é-]{0,90}",
            places in proptest::collection::vec(1usize..=WORD_BEFORE, 1..5),
        ) {
            let text = text.as_bytes();
            let is_word = |at: usize| text[at].is_ascii_alphanumeric() || text[at] == b'_';
            let words = (0..text.len()).rev().take_while(|&at| is_word(at)).count();
            prop_assert_eq!(word_before(text), words.min(WORD_BEFORE));
            let mut free = Free::default();
            for places in places {
                let found = free.places(text, places);
                for place in 0..WORD_BEFORE.min(text.len()) {
                    let at = text.len() - 1 - place;
                    let begins = place < places && (at == 0 || !is_word(at - 1));
                    prop_assert_eq!(found >> place & 1 != 0, begins, "{} of {}", place, places);
                }
            }
        }
    }
}
