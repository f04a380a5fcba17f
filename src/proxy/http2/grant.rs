//! How much a client's connection is promised before it is read. A window that was granted can't be taken back, so what all
//! connections were promised beyond a part of their own is bounded here. Not reading those that send what they may is no
//! way out: who is not read cannot say what it took, either, and what waits for that may be what keeps it from being read.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Waker};

use crate::limits;

/// What all connections share.
static SHARED: Shared = Shared::new();

#[derive(Debug)]
struct Shared {
    /// Bytes that were promised beyond each connection's own part.
    promised: AtomicUsize,
    /// Who got less than it asked for.
    refused: Mutex<BTreeMap<u64, Waker>>,
    numbers: AtomicU64,
}

impl Shared {
    const fn new() -> Shared {
        let refused = Mutex::new(BTreeMap::new());
        Shared { promised: AtomicUsize::new(0), refused, numbers: AtomicU64::new(0) }
    }

    fn refused(&self) -> MutexGuard<'_, BTreeMap<u64, Waker>> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Promises so many bytes, or whole steps of what is left.
    fn take(&self, bytes: usize) -> usize {
        let mut got = 0;
        // Another answer is none.
        let _ = self.promised.fetch_update(Ordering::AcqRel, Ordering::Acquire, |promised| {
            let left = limits::H2_PROMISED.saturating_sub(promised);
            got = if bytes <= left { bytes } else { left - left % STEP };
            Some(promised + got)
        });
        got
    }

    /// A promise was used up. Those that got too little ask again once there is room for several.
    fn give_back(&self, bytes: usize) {
        const FEW: usize = limits::H2_PROMISED / 4 * 3;
        let before = self.promised.fetch_sub(bytes, Ordering::AcqRel);
        if before > FEW && before - bytes <= FEW {
            let woken = std::mem::take(&mut *self.refused());
            woken.into_values().for_each(Waker::wake);
        }
    }
}

/// Windows change by no less: each change is a frame.
const STEP: usize = 2 * limits::H2_STREAM_WINDOW as usize;
/// What every connection may have.
const OWN: usize = limits::H2_UNREAD_EACH;

/// What came over a connection, and what of it waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Came {
    pub(super) bytes: u64,
    pub(super) waiting: usize,
}

/// The promise that one connection was given.
#[derive(Debug)]
pub(super) struct Grant {
    shared: &'static Shared,
    number: u64,
    /// What the engine was told.
    target: usize,
    /// The same, or what is left of what it was told before: that much may be under way.
    owed: usize,
    /// Bytes that had been taken when that was worked out.
    taken: u64,
}

impl Grant {
    /// Of a connection that begins with its own part.
    pub(super) fn new() -> Grant {
        Grant::within(&SHARED)
    }

    fn within(shared: &'static Shared) -> Grant {
        let number = shared.numbers.fetch_add(1, Ordering::Relaxed);
        Grant { shared, number, target: OWN, owed: OWN, taken: 0 }
    }

    /// What the connection's window should become, if it should change, so that `room` is left beside what waits, within
    /// `most`. Whoever gets less is woken when there is more.
    pub(super) fn change(&mut self, cx: &Context<'_>, came: Came, room: usize, most: usize) -> Option<u32> {
        let taken = came.bytes.saturating_sub(came.waiting as u64).max(self.taken);
        let since = usize::try_from(taken - self.taken).unwrap_or(usize::MAX);
        self.taken = taken;
        self.owe(self.owed.saturating_sub(since).max(self.target));
        let wanted = (came.waiting + room).next_multiple_of(STEP).min(most).max(OWN);
        if wanted > self.target {
            let more = wanted.saturating_sub(self.owed);
            let got = self.shared.take(more);
            if got < more {
                self.shared.refused().insert(self.number, cx.waker().clone());
            }
            self.owed += got;
            let target = self.owed.min(wanted);
            return (target > self.target).then(|| self.set(target));
        }
        (wanted + STEP <= self.target).then(|| self.set(wanted))
    }

    fn set(&mut self, target: usize) -> u32 {
        self.target = target;
        u32::try_from(target).unwrap_or(u32::MAX)
    }

    fn owe(&mut self, owed: usize) {
        if owed < self.owed {
            self.shared.give_back(self.owed - owed);
            self.owed = owed;
        }
    }
}

impl Drop for Grant {
    fn drop(&mut self) {
        self.owe(OWN);
        self.shared.refused().remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::task::Wake;

    use proptest::prelude::*;

    use super::*;

    const ROOM: usize = STEP;
    const MOST: usize = 50 * STEP;

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn shared() -> &'static Shared {
        Box::leak(Box::new(Shared::new()))
    }

    fn change(grant: &mut Grant, bytes: usize, waiting: usize) -> Option<u32> {
        let came = Came { bytes: bytes as u64, waiting };
        grant.change(&Context::from_waker(Waker::noop()), came, ROOM, MOST)
    }

    #[test]
    fn what_waits_is_no_part_of_the_window() {
        let mut grant = Grant::within(shared());
        assert_eq!(change(&mut grant, 0, 0), None, "its own part is enough");
        assert_eq!(change(&mut grant, 10, 10), Some(2 * STEP as u32));
        assert_eq!(change(&mut grant, STEP, STEP), None);
        assert_eq!(change(&mut grant, 3 * STEP, 3 * STEP), Some(4 * STEP as u32));
        assert_eq!(change(&mut grant, 90 * STEP, 90 * STEP), Some(MOST as u32));
        assert_eq!(grant.shared.promised.load(Ordering::Relaxed), MOST - OWN);
        drop(grant);
    }

    #[test]
    fn a_promise_counts_until_it_is_used_up() {
        let shared = shared();
        let mut grant = Grant::within(shared);
        change(&mut grant, 3 * STEP, 3 * STEP);
        assert_eq!(shared.promised.load(Ordering::Relaxed), 4 * STEP - OWN);
        // All is taken: the peer has a window that is too wide now, until it sends.
        assert_eq!(change(&mut grant, 3 * STEP, 0), Some(OWN as u32));
        assert_eq!(shared.promised.load(Ordering::Relaxed), 4 * STEP - OWN);
        assert_eq!(change(&mut grant, 4 * STEP, 0), None);
        assert_eq!(shared.promised.load(Ordering::Relaxed), 3 * STEP - OWN);
        assert_eq!(change(&mut grant, 9 * STEP, 0), None);
        assert_eq!(shared.promised.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn who_got_too_little_is_woken_and_who_is_gone_gives_back() {
        let shared = shared();
        let (woken, mut all) = (Arc::<Woken>::default(), Vec::new());
        for _ in 0..=limits::H2_PROMISED / (MOST - OWN) {
            let mut grant = Grant::within(shared);
            let came = Came { bytes: 90 * STEP as u64, waiting: 90 * STEP };
            let waker = Waker::from(Arc::clone(&woken));
            grant.change(&Context::from_waker(&waker), came, ROOM, MOST);
            all.push(grant);
        }
        let promised = shared.promised.load(Ordering::Relaxed);
        assert!(promised <= limits::H2_PROMISED && limits::H2_PROMISED - promised < STEP, "{promised}");
        assert_eq!((shared.refused().len(), woken.0.load(Ordering::Relaxed)), (1, 0));
        all.truncate(2);
        assert_eq!(shared.refused().len(), 0);
        drop(all);
        assert_eq!(shared.promised.load(Ordering::Relaxed), 0);
    }

    proptest! {
        /// Nobody has more under way than is counted, and all of it is within the bound.
        #[test]
        fn all_promises_are_within_the_bound(steps in prop::collection::vec((0..8usize, 0..40usize, 0..40usize), 1..80)) {
            let shared = shared();
            let mut all: Vec<(Grant, usize, usize)> = (0..8).map(|_| (Grant::within(shared), 0, 0)).collect();
            for (who, sent, taken) in steps {
                let (grant, bytes, waiting) = &mut all[who];
                // What is sent fits into the window that is left; some of what waits is taken.
                *bytes += (sent * STEP / 4).min(grant.owed - *waiting);
                *waiting = (*waiting + (sent * STEP / 4).min(grant.owed - *waiting)).saturating_sub(taken * STEP / 4);
                change(grant, *bytes, *waiting);
                prop_assert!(grant.target <= grant.owed && grant.owed >= *waiting);
                let owed: usize = all.iter().map(|(grant, _, _)| grant.owed - OWN).sum();
                prop_assert_eq!(shared.promised.load(Ordering::Relaxed), owed);
                prop_assert!(owed <= limits::H2_PROMISED);
            }
        }
    }
}
