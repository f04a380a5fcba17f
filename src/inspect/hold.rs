//! What waits to leave: bytes in order, paid for, released up to a limit.

use std::sync::Arc;

use bytes::Bytes;

use super::held::{HeldBytes, Reservation};
use crate::limits::{HELD_ENTRY, HELD_LOOSE};
use crate::policy::Message;
use crate::redact::Chain;

/// The bytes of one message between arrival and release.
#[derive(Debug)]
pub(super) struct Hold {
    pub(super) chain: Chain,
    reservation: Reservation,
    /// What is below may leave.
    limit: u64,
    /// Bytes beside the chain that were last paid for, and those of them that stay when nothing waits.
    beside: usize,
    lasting: usize,
}

impl Hold {
    pub(super) fn new(pool: &Arc<HeldBytes>) -> Hold {
        Hold { chain: Chain::new(), reservation: Reservation::unnamed(pool), limit: 0, beside: 0, lasting: 0 }
    }

    /// An empty one for the next message of the same sender.
    pub(super) fn next(&self) -> Hold {
        Hold { chain: Chain::new(), reservation: self.reservation.another(), limit: 0, beside: 0, lasting: 0 }
    }

    /// Takes a chunk that may have to wait. It may be a small part of the buffer that it was read into, which would be kept
    /// whole for it: a short one behind others is copied, and while memory is short any that waits for its message's decision.
    pub(super) fn push(&mut self, chunk: Bytes) {
        let is_loose = chunk.len() < HELD_LOOSE && !self.chain.is_empty();
        let is_tight = self.limit == 0 && self.reservation.is_short();
        self.chain.push(if is_loose || is_tight { Bytes::copy_from_slice(&chunk) } else { chunk });
    }

    pub(super) fn limit(&self) -> u64 {
        self.limit
    }

    /// Bytes that edits add to what came.
    pub(super) fn grown(&self) -> i64 {
        self.chain.grown()
    }

    /// Bytes that may have left, edits and all.
    pub(super) fn left(&self) -> u64 {
        self.limit.saturating_add_signed(self.grown())
    }

    /// Bytes that wait for their decision.
    pub(super) fn waiting(&self) -> u64 {
        self.chain.end().saturating_sub(self.limit)
    }

    /// Lets everything below `limit` leave; whether that is more than before.
    pub(super) fn release(&mut self, limit: u64) -> bool {
        let limit = limit.min(self.chain.end());
        let more = limit > self.limit;
        self.limit = self.limit.max(limit);
        more
    }

    /// Makes the reservation cover what waits of `message`, and `more` bytes beside it, of which `lasting` stay when nothing
    /// waits. What may leave asks for no more, but what was paid for stays paid for until it has left: a reader that takes
    /// nothing would have it kept for nothing.
    pub(super) fn cover(&mut self, message: &Message, more: usize, lasting: usize) -> bool {
        (self.beside, self.lasting) = (more, lasting);
        let waiting = usize::try_from(self.waiting()).unwrap_or(usize::MAX);
        // Each chunk that waits has at least a byte.
        let entries = self.chain.chunks().min(waiting).saturating_mul(HELD_ENTRY);
        let needed = waiting.saturating_add(entries).saturating_add(more);
        self.reservation.cover_of(needed, message) && {
            self.keep();
            true
        }
    }

    /// Gives back what nothing is left of.
    fn keep(&mut self) {
        let here = usize::try_from(self.chain.end().saturating_sub(self.chain.start())).unwrap_or(usize::MAX);
        let entries = self.chain.chunks().saturating_mul(HELD_ENTRY);
        self.reservation.keep(here.saturating_add(entries).saturating_add(self.beside));
    }

    /// The next piece that may leave.
    pub(super) fn pop(&mut self) -> Option<Bytes> {
        let piece = self.chain.pop(self.limit);
        match &piece {
            Some(_) => self.keep(),
            None if self.chain.is_empty() && self.lasting == 0 => self.reservation.release(),
            None => {}
        }
        piece
    }

    /// Nothing more comes: nothing beside what waits is needed any longer.
    pub(super) fn end(&mut self) {
        (self.beside, self.lasting) = (0, 0);
    }

    /// Nothing more leaves; what waits is dropped.
    pub(super) fn clear(&mut self) {
        self.chain.clear();
        self.reservation.release();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::{HELD_QUANTUM, HELD_SHORT};
    use crate::policy::tests::message;

    #[test]
    fn what_may_keep_a_larger_buffer_for_nothing_is_copied_out_of_it() {
        let pool = Arc::new(HeldBytes::new(2 * HELD_SHORT * HELD_QUANTUM));
        let buffer = Bytes::from(vec![7; 64 << 10]);
        let (short, long) = (buffer.slice(..HELD_LOOSE - 1), buffer.slice(..HELD_LOOSE));
        // Whether it still holds the buffer: all of it, a reference less.
        let keeps = |hold: &mut Hold, chunk: &Bytes| {
            hold.push(chunk.clone());
            let last = hold.chain.iter().last().unwrap();
            assert_eq!(last, chunk);
            last.as_ptr() == chunk.as_ptr()
        };
        let mut hold = Hold::new(&pool);
        assert!(keeps(&mut hold, &short), "a message in one piece, most of the time");
        assert!(!keeps(&mut hold, &short) && keeps(&mut hold, &long));
        let mut much = Reservation::new(&pool, &message());
        assert!(much.cover(2 * HELD_QUANTUM));
        assert!(keeps(&mut hold, &long), "a part of all memory that is not much");
        assert!(much.cover(2 * HELD_QUANTUM + 1));
        assert!(!keeps(&mut hold, &long));
        // What streams leaves soon.
        assert!(hold.release(1));
        assert!(keeps(&mut hold, &long) && !keeps(&mut hold, &short));
    }
}
