//! Tells a client that sends too slowly from one that is merely kept waiting.

use std::time::{Duration, Instant};

use crate::limits;

/// Bytes against the time that was spent waiting for them; time in which nobody asked does not count.
#[derive(Debug, Default)]
pub(super) struct Pace {
    waiting: Option<Instant>,
    waited: Duration,
    came: u64,
}

impl Pace {
    /// Nothing is there yet.
    pub(super) fn wait(&mut self) {
        self.waiting.get_or_insert_with(Instant::now);
    }

    /// Bytes came; false when they come too slowly to go on.
    pub(super) fn keep(&mut self, bytes: usize) -> bool {
        if let Some(since) = self.waiting.take() {
            self.waited += since.elapsed();
        }
        self.came += bytes as u64;
        self.waited <= limits::BODY_RATE_GRACE || self.came >= self.waited.as_secs() * limits::BODY_MIN_RATE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_counts_once_the_grace_is_over() {
        let mut pace = Pace::default();
        assert!(pace.keep(1));
        pace.waited = limits::BODY_RATE_GRACE;
        assert!(pace.keep(1));
        pace.waited = limits::BODY_RATE_GRACE + Duration::from_secs(2);
        assert!(!pace.keep(1));
        assert!(pace.keep(6000));
    }

    #[test]
    fn only_waiting_counts() {
        let mut pace = Pace::default();
        pace.wait();
        pace.wait();
        assert!(pace.waiting.is_some());
        assert!(pace.keep(1));
        assert!(pace.waiting.is_none());
    }
}
