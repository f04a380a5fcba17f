//! How many frames that carry nothing a peer may send: a store that time and traffic fill up again.

use std::time::Duration;

use tokio::time::Instant;

/// Leaves to send something, up to a most.
#[derive(Debug)]
pub(in crate::proxy) struct Budget {
    most: u64,
    left: u64,
    /// One leave comes back in this time.
    every: Duration,
    since: Instant,
}

impl Budget {
    pub(in crate::proxy) fn new(most: u64, a_second: u64, now: Instant) -> Budget {
        let every = Duration::from_secs(1) / u32::try_from(a_second.max(1)).unwrap_or(u32::MAX);
        Budget { most, left: most, every, since: now }
    }

    /// Traffic earns leaves.
    pub(super) fn earn(&mut self, leaves: u64) {
        self.left = self.left.saturating_add(leaves).min(self.most);
    }

    /// Spends one; false when there is none. The clock is asked only then.
    pub(in crate::proxy) fn spend(&mut self, now: impl FnOnce() -> Instant) -> bool {
        if self.left == 0 {
            let now = now();
            let gone = now.saturating_duration_since(self.since).as_nanos() / self.every.as_nanos().max(1);
            let gained = u64::try_from(gone).unwrap_or(u64::MAX);
            if gained == 0 {
                return false;
            }
            self.since = now;
            self.earn(gained);
        }
        self.left -= 1;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_and_traffic_fill_it_up_to_its_most() {
        let start = Instant::now();
        let mut budget = Budget::new(3, 10, start);
        assert_eq!((0..5).filter(|_| budget.spend(|| start)).count(), 3);
        budget.earn(2);
        assert_eq!((0..5).filter(|_| budget.spend(|| start)).count(), 2);
        let later = start + Duration::from_millis(250);
        assert_eq!((0..5).filter(|_| budget.spend(|| later)).count(), 2);
        let much = start + Duration::from_secs(3600);
        assert_eq!((0..5).filter(|_| budget.spend(|| much)).count(), 3);
    }
}
