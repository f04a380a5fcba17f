//! So much in so much time, without a lock: when what has passed so far is paid for.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::limits;

/// How much may pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    BytesPerSecond(u64),
    RequestsPerMinute(u64),
}

/// Counts against one limit, for all flows together (the generic cell rate algorithm, ITU-T I.371). Time is microseconds
/// of any steady clock.
#[derive(Debug)]
pub struct Meter {
    limit: Limit,
    /// Until when all that has passed is paid for.
    paid_us: AtomicU64,
}

impl Meter {
    #[must_use]
    pub fn new(limit: Limit) -> Meter {
        Meter { limit, paid_us: AtomicU64::new(0) }
    }

    #[must_use]
    pub fn limit(&self) -> Limit {
        self.limit
    }

    /// What one request costs, and how much may come at once.
    fn request_us(&self) -> Option<(u64, u64)> {
        match self.limit {
            Limit::RequestsPerMinute(count) => {
                let cost = 60_000_000 / count.max(1);
                Some((cost, cost.saturating_mul(count.clamp(1, limits::THROTTLE_BURST).saturating_sub(1))))
            }
            Limit::BytesPerSecond(_) => None,
        }
    }

    /// Lets one request pass, or tells how long it would have to wait.
    pub fn take_request(&self, now_us: u64) -> Result<(), Duration> {
        let Some((cost, burst)) = self.request_us() else { return Ok(()) };
        let taken = self.paid_us.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |paid| {
            (paid <= now_us.saturating_add(burst)).then(|| paid.max(now_us).saturating_add(cost))
        });
        let until = |paid: u64| Duration::from_micros(paid.saturating_sub(now_us.saturating_add(burst)));
        taken.map(drop).map_err(until)
    }

    /// How many of `wanted` bytes may pass now; none: how long to wait.
    pub fn take_bytes(&self, wanted: u64, now_us: u64) -> Result<u64, Duration> {
        let Limit::BytesPerSecond(rate) = self.limit else { return Ok(wanted) };
        // A slice of time's worth at once: a stream moves smoothly, and a timer rings rarely.
        let slice = (u128::from(rate) * limits::THROTTLE_SLICE.as_micros() / 1_000_000).max(1);
        let granted = wanted.min(u64::try_from(slice).unwrap_or(u64::MAX));
        let cost = u128::from(granted) * 1_000_000 / u128::from(rate.max(1));
        let cost = u64::try_from(cost).unwrap_or(u64::MAX).max(1);
        let taken = self.paid_us.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |paid| {
            (paid <= now_us).then(|| now_us.saturating_add(cost))
        });
        match taken {
            Ok(_) => Ok(granted),
            Err(paid) => Err(Duration::from_micros(paid.saturating_sub(now_us))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_pass_at_the_rate_after_a_burst() {
        let meter = Meter::new(Limit::RequestsPerMinute(6));
        let start = 1_000_000_000;
        let passed = (0..20).filter(|_| meter.take_request(start).is_ok()).count();
        assert_eq!(passed, 6, "a minute's worth at once");
        assert_eq!(meter.take_request(start), Err(Duration::from_secs(10)));
        assert!(meter.take_request(start + 9_000_000).is_err());
        assert!(meter.take_request(start + 10_000_000).is_ok());
        assert!(meter.take_request(start + 10_000_000).is_err());
        assert_eq!(meter.take_bytes(1 << 40, start), Ok(1 << 40), "bytes are not its concern");
    }

    #[test]
    fn bytes_pass_at_the_rate() {
        let meter = Meter::new(Limit::BytesPerSecond(10_000));
        let (mut now, mut passed) = (5_000_000u64, 0u64);
        let end = now + 10_000_000;
        while now < end {
            match meter.take_bytes(64 * 1024, now) {
                Ok(granted) => passed += granted,
                Err(wait) => now += u64::try_from(wait.as_micros()).unwrap(),
            }
        }
        assert!((100_000..=101_100).contains(&passed), "{passed}");
        assert!(meter.take_request(now).is_ok(), "requests are not its concern");
    }

    #[test]
    fn the_least_rates_still_move() {
        let meter = Meter::new(Limit::BytesPerSecond(1));
        assert_eq!(meter.take_bytes(100, 0), Ok(1));
        assert_eq!(meter.take_bytes(100, 0), Err(Duration::from_secs(1)));
        assert_eq!(meter.take_bytes(100, 1_000_000), Ok(1));
    }
}
