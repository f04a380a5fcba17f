//! The memory that all flows together may hold, and the shares of it.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::limits::{HELD_CLIENT_PART, HELD_PARTS, HELD_QUANTUM, HELD_SHORT};
use crate::policy::Message;

/// Bytes that all flows together may hold. Reservations grow with the bytes; where they can't, the flow is refused.
#[derive(Debug)]
pub struct HeldBytes {
    capacity: usize,
    used: AtomicUsize,
    /// Tenants that have equal parts of it; 0: nobody has a part of his own.
    tenants: AtomicUsize,
    /// What each tenant and each client holds, as hashes: who holds nothing is not there.
    shares: [Mutex<HashMap<u64, usize>>; HELD_PARTS],
    hasher: RandomState,
}

/// For whom a message is held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Holder {
    tenant: u64,
    client: u64,
}

impl HeldBytes {
    #[must_use]
    pub fn new(capacity: usize) -> HeldBytes {
        HeldBytes {
            capacity,
            used: AtomicUsize::new(0),
            tenants: AtomicUsize::new(0),
            shares: Default::default(),
            hasher: RandomState::new(),
        }
    }

    /// From now on so many tenants have equal parts of it, and no client may hold more than half of its tenant's.
    pub fn share_among(&self, tenants: usize) {
        self.tenants.store(tenants.max(1), Ordering::Relaxed);
    }

    #[must_use]
    pub fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    #[must_use]
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Whose share a message is held in.
    fn holder(&self, message: &Message) -> Holder {
        if self.tenants.load(Ordering::Relaxed) == 0 {
            return Holder::default();
        }
        let client = match &message.identity {
            Some(identity) => self.hasher.hash_one((&*message.tenant, &**identity)),
            None => self.hasher.hash_one((&*message.tenant, message.client.key())),
        };
        Holder { tenant: self.hasher.hash_one(&*message.tenant), client }
    }

    fn take(&self, bytes: usize) -> bool {
        // The count guards no other memory, so no ordering is needed beyond its own.
        let grown = |used: usize| used.checked_add(bytes).filter(|&used| used <= self.capacity);
        self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, grown).is_ok()
    }

    fn give_back(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// The share of one holder grows, unless it would be more than `most`.
    fn grow(&self, holder: u64, bytes: usize, most: usize) -> bool {
        self.share(holder, |share| share.checked_add(bytes).filter(|grown| *grown <= most))
    }

    fn shrink(&self, holder: u64, bytes: usize) {
        self.share(holder, |share| share.checked_sub(bytes));
    }

    /// Whether the share was changed to what `change` says.
    fn share(&self, holder: u64, change: impl FnOnce(usize) -> Option<usize>) -> bool {
        let part = usize::try_from(holder % HELD_PARTS as u64).unwrap_or_default();
        let Some(shares) = self.shares.get(part) else { return false };
        let mut shares = shares.lock().unwrap_or_else(PoisonError::into_inner);
        let share = shares.entry(holder).or_default();
        let changed = change(*share);
        *share = changed.unwrap_or(*share);
        if *share == 0 {
            shares.remove(&holder);
        }
        changed.is_some()
    }
}

/// One message's share of [`HeldBytes`]; given back when it is dropped.
#[derive(Debug)]
pub struct Reservation {
    pool: Arc<HeldBytes>,
    /// Told once something is reserved: for most messages nothing is.
    holder: Option<Holder>,
    bytes: usize,
    /// How much of it counts in the shares of its tenant and its client.
    shared: [usize; 2],
}

impl Reservation {
    #[must_use]
    pub fn new(pool: &Arc<HeldBytes>, message: &Message) -> Reservation {
        let holder = Some(pool.holder(message));
        Reservation { pool: Arc::clone(pool), holder, bytes: 0, shared: [0; 2] }
    }

    /// One whose first [`Reservation::cover_of`] says for whom.
    pub(super) fn unnamed(pool: &Arc<HeldBytes>) -> Reservation {
        Reservation { pool: Arc::clone(pool), holder: None, bytes: 0, shared: [0; 2] }
    }

    /// An empty one for another message of the same sender.
    #[must_use]
    pub fn another(&self) -> Reservation {
        Reservation { pool: Arc::clone(&self.pool), holder: self.holder, bytes: 0, shared: [0; 2] }
    }

    /// Whether so much is held in all that none of it may be wasted.
    pub(super) fn is_short(&self) -> bool {
        self.pool.used() > self.pool.capacity / HELD_SHORT
    }

    /// Makes the reservation cover `needed` bytes of a message, and gives nothing back.
    pub(super) fn cover_of(&mut self, needed: usize, message: &Message) -> bool {
        if needed > HELD_QUANTUM && self.holder.is_none() {
            self.holder = Some(self.pool.holder(message));
        }
        self.reach(needed)
    }

    /// Makes the reservation cover `needed` bytes, in whole quanta; gives back what is far too much. On failure it stays
    /// as it was. What fits one quantum needs none: it is less than what its connection or stream takes, and those are
    /// counted themselves.
    pub fn cover(&mut self, needed: usize) -> bool {
        let covered = self.reach(needed);
        if covered {
            self.keep(needed);
        }
        covered
    }

    fn reach(&mut self, needed: usize) -> bool {
        if self.bytes == 0 && needed <= HELD_QUANTUM {
            return true;
        }
        let target = quanta(needed);
        target <= self.bytes || self.grow(target - self.bytes)
    }

    /// Gives back what is far more than so many bytes.
    pub(super) fn keep(&mut self, bytes: usize) {
        let target = quanta(bytes);
        if target.saturating_add(4 * HELD_QUANTUM) < self.bytes {
            self.shrink(self.bytes - target);
        }
    }

    fn grow(&mut self, bytes: usize) -> bool {
        if !self.pool.take(bytes) {
            return false;
        }
        self.bytes += bytes;
        let tenants = self.pool.tenants.load(Ordering::Relaxed);
        if tenants == 0 {
            return true;
        }
        let holder = self.holder.unwrap_or_default();
        let part = self.pool.capacity / tenants;
        // A tenant alone has all of it.
        let mosts = [(tenants > 1).then_some(part), Some(part / HELD_CLIENT_PART)];
        let holders = [holder.tenant, holder.client];
        for ((holder, most), shared) in holders.into_iter().zip(mosts).zip(&mut self.shared) {
            let Some(most) = most else { continue };
            if !self.pool.grow(holder, bytes, most) {
                self.shrink(bytes);
                return false;
            }
            *shared += bytes;
        }
        true
    }

    fn shrink(&mut self, bytes: usize) {
        self.bytes -= bytes;
        self.pool.give_back(bytes);
        let Some(holder) = self.holder else { return };
        for (holder, shared) in [holder.tenant, holder.client].into_iter().zip(&mut self.shared) {
            // What was held before there were shares counts in none.
            let excess = shared.saturating_sub(self.bytes);
            if excess > 0 {
                self.pool.shrink(holder, excess);
                *shared -= excess;
            }
        }
    }

    pub fn release(&mut self) {
        if self.bytes > 0 {
            self.shrink(self.bytes);
        }
    }
}

fn quanta(bytes: usize) -> usize {
    bytes.div_ceil(HELD_QUANTUM).saturating_mul(HELD_QUANTUM)
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.release();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::tests::message;

    #[test]
    fn a_reservation_grows_is_refused_shrinks_and_returns() {
        let pool = Arc::new(HeldBytes::new(10 * HELD_QUANTUM));
        let mut a = Reservation::new(&pool, &message());
        let mut b = Reservation::new(&pool, &message());
        assert!(a.cover(HELD_QUANTUM) && pool.used() == 0, "too little to be counted");
        assert!(a.cover(HELD_QUANTUM + 1) && pool.used() == 2 * HELD_QUANTUM);
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

    #[test]
    fn nobody_holds_what_is_anothers_share() {
        let pool = Arc::new(HeldBytes::new(16 * HELD_QUANTUM));
        pool.share_among(2);
        let of = |tenant: &str, client: u8| {
            let mut message = message();
            message.tenant = tenant.into();
            message.client.ip = std::net::Ipv4Addr::new(10, 0, 0, client).into();
            (Reservation::unnamed(&pool), message)
        };
        let cover =
            |(held, of): &mut (Reservation, Message), quanta: usize| held.cover_of(quanta * HELD_QUANTUM, of);
        let (mut a1, mut a2, mut a3, mut b) = (of("a", 1), of("a", 2), of("a", 3), of("b", 1));
        // A client has half of its tenant's part, and a tenant no more than its part, however much is free.
        assert!(cover(&mut a1, 4) && !cover(&mut a1, 5));
        let mut again = of("a", 1);
        assert!(!cover(&mut again, 2), "another message of the same client");
        assert!(cover(&mut a2, 4) && !cover(&mut a3, 2));
        assert_eq!(pool.used(), 8 * HELD_QUANTUM);
        assert!(cover(&mut b, 4), "the other tenant has all of its own");
        // What is given back is there again; who holds nothing is forgotten.
        a1.0.release();
        assert!(cover(&mut a3, 2) && cover(&mut again, 2));
        drop((a1, a2, a3, b, again));
        assert_eq!(pool.used(), 0);
        assert!(pool.shares.iter().all(|part| part.lock().unwrap().is_empty()));
    }
}
