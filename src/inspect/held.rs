//! The memory that all flows together may hold.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::limits::HELD_QUANTUM;

/// Bytes that all flows together may hold. Reservations grow with the bytes; where they can't, the flow is refused.
#[derive(Debug)]
pub struct HeldBytes {
    capacity: usize,
    used: AtomicUsize,
}

impl HeldBytes {
    #[must_use]
    pub fn new(capacity: usize) -> HeldBytes {
        HeldBytes { capacity, used: AtomicUsize::new(0) }
    }

    #[must_use]
    pub fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    #[must_use]
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    fn take(&self, bytes: usize) -> bool {
        // The count guards no other memory, so no ordering is needed beyond its own.
        let grown = |used: usize| used.checked_add(bytes).filter(|&used| used <= self.capacity);
        self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, grown).is_ok()
    }

    fn give_back(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// One message's share of [`HeldBytes`]; given back when it is dropped.
#[derive(Debug)]
pub struct Reservation {
    pool: Arc<HeldBytes>,
    bytes: usize,
}

impl Reservation {
    #[must_use]
    pub fn new(pool: Arc<HeldBytes>) -> Reservation {
        Reservation { pool, bytes: 0 }
    }

    /// Makes the reservation cover `needed` bytes, in whole quanta; gives back what is far too much. On failure it
    /// stays as it was.
    pub fn cover(&mut self, needed: usize) -> bool {
        let target = needed.div_ceil(HELD_QUANTUM).saturating_mul(HELD_QUANTUM);
        if target > self.bytes {
            if !self.pool.take(target - self.bytes) {
                return false;
            }
            self.bytes = target;
        } else if target + 4 * HELD_QUANTUM < self.bytes {
            self.pool.give_back(self.bytes - target);
            self.bytes = target;
        }
        true
    }

    pub fn release(&mut self) {
        self.pool.give_back(std::mem::take(&mut self.bytes));
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.release();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reservation_grows_is_refused_shrinks_and_returns() {
        let pool = Arc::new(HeldBytes::new(10 * HELD_QUANTUM));
        let mut a = Reservation::new(pool.clone());
        let mut b = Reservation::new(pool.clone());
        assert!(a.cover(0) && pool.used() == 0);
        assert!(a.cover(1) && pool.used() == HELD_QUANTUM);
        assert!(a.cover(8 * HELD_QUANTUM) && b.cover(2 * HELD_QUANTUM));
        assert!(!b.cover(2 * HELD_QUANTUM + 1), "more than there is");
        assert_eq!(pool.used(), pool.capacity());
        assert!(!b.cover(usize::MAX));
        assert!(a.cover(HELD_QUANTUM), "far too much goes back");
        assert_eq!(pool.used(), 3 * HELD_QUANTUM);
        drop(a);
        b.release();
        assert_eq!(pool.used(), 0);
    }
}
