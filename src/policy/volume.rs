//! Bytes in a sliding window, by addition.

use std::collections::VecDeque;

use super::budget::Terms;

/// Parts of a window that are counted as one: bytes count for up to a sixtieth of it longer than they should, never
/// shorter.
const PARTS: u64 = 60;

/// One account.
#[derive(Debug, Default)]
pub(super) struct Volume {
    /// When the last byte of each part left at the latest, and how many did; oldest first.
    left: VecDeque<(u64, u64)>,
    sum: u64,
    /// What messages under way hold.
    reserved: u64,
    terms: Terms,
}

impl Volume {
    pub(super) fn count(&self) -> u64 {
        self.sum.saturating_add(self.reserved)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.left.is_empty() && self.reserved == 0
    }

    pub(super) fn reserve(&mut self, bytes: u64, terms: Terms, now: u64) {
        self.expire(terms, now);
        self.reserved = self.reserved.saturating_add(bytes);
    }

    pub(super) fn release(&mut self, held: u64, left: u64, terms: Terms, now: u64) {
        self.expire(terms, now);
        self.reserved = self.reserved.saturating_sub(held);
        self.add(now, left);
    }

    pub(super) fn add(&mut self, at: u64, left: u64) {
        if left == 0 {
            return;
        }
        let part = (self.terms.window_ms / PARTS).max(1);
        let end = at.saturating_add(part - 1) / part * part;
        match self.left.back_mut() {
            Some((last, bytes)) if *last >= end => *bytes = bytes.saturating_add(left),
            Some(_) | None => self.left.push_back((end, left)),
        }
        self.sum = self.sum.saturating_add(left);
    }

    pub(super) fn expire(&mut self, terms: Terms, now: u64) {
        self.terms = terms;
        while let Some((at, bytes)) = self.left.front().copied()
            && at.saturating_add(terms.window_ms) <= now
        {
            self.left.pop_front();
            self.sum = self.sum.saturating_sub(bytes);
        }
    }

    pub(super) fn terms(&self) -> Terms {
        self.terms
    }

    pub(super) fn bytes(&self) -> usize {
        256 + self.left.capacity() * size_of::<(u64, u64)>()
    }

    pub(super) fn settled(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.left.iter().copied()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_held_counts_and_what_did_not_leave_is_forgotten() {
        let (mut volume, terms) = (Volume::default(), Terms { at_least: 100, window_ms: 600 });
        volume.reserve(70, terms, 0);
        assert_eq!(volume.count(), 70);
        volume.reserve(50, terms, 0);
        volume.release(50, 0, terms, 1);
        volume.release(70, 60, terms, 1);
        assert_eq!(volume.count(), 60);
        volume.expire(terms, 609);
        assert_eq!(volume.count(), 60);
        volume.expire(terms, 610);
        assert!(volume.is_empty());
    }

    proptest! {
        #[test]
        fn bytes_count_for_their_window_and_at_most_a_sixtieth_more(
            steps in prop::collection::vec((0u64..2_000, 1u64..100), 0..300),
        ) {
            let (mut volume, terms) = (Volume::default(), Terms { at_least: 1, window_ms: 6_000 });
            let (mut now, mut all) = (0, Vec::new());
            for (later, bytes) in steps {
                now += later;
                volume.reserve(bytes, terms, now);
                volume.release(bytes, bytes, terms, now);
                all.push((now, bytes));
                let sum = |window: u64| all.iter().filter(|(at, _)| at + window > now).map(|(_, b)| b).sum::<u64>();
                prop_assert!((sum(6_000)..=sum(6_100)).contains(&volume.count()));
                prop_assert!(volume.bytes() < 4_000);
            }
        }
    }
}
