//! What waits to leave: bytes in order, paid for, released up to a limit.

use std::sync::Arc;

use bytes::Bytes;

use super::held::{HeldBytes, Reservation};
use crate::limits::HELD_ENTRY;
use crate::policy::Message;
use crate::redact::Chain;

/// The bytes of one message between arrival and release.
#[derive(Debug)]
pub(super) struct Hold {
    pub(super) chain: Chain,
    reservation: Reservation,
    /// What is below may leave.
    limit: u64,
    /// Bytes beside the chain that were last paid for.
    beside: usize,
}

impl Hold {
    pub(super) fn new(pool: &Arc<HeldBytes>) -> Hold {
        Hold { chain: Chain::new(), reservation: Reservation::unnamed(pool), limit: 0, beside: 0 }
    }

    /// An empty one for the next message of the same sender.
    pub(super) fn next(&self) -> Hold {
        Hold { chain: Chain::new(), reservation: self.reservation.another(), limit: 0, beside: 0 }
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

    /// Makes the reservation cover what waits of `message`, and `more` bytes beside it. What may leave asks for no more, but
    /// what was paid for stays paid for until it has left: a reader that takes nothing would have it kept for nothing.
    pub(super) fn cover(&mut self, message: &Message, more: usize) -> bool {
        self.beside = more;
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
            None if self.chain.is_empty() => self.reservation.release(),
            None => {}
        }
        piece
    }

    /// Nothing more leaves; what waits is dropped.
    pub(super) fn clear(&mut self) {
        self.chain.clear();
        self.reservation.release();
    }
}
