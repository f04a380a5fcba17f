//! Tells a client that sends too slowly, or not at all, from one that is merely kept waiting.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

use crate::limits;

/// Bytes against the time that was spent waiting for them; time in which nobody asked does not count. The timer is made when
/// something is first waited for.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// When it was last asked for what is not there yet.
    asked: Option<Instant>,
    /// Who waits looks again and again.
    is_timed: bool,
    waited: Duration,
    came: u64,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Pace {
    /// How long may have been waited, in all, for what came; and for what comes at least each second, a second more.
    fn allowed(&self, more: u64) -> Duration {
        limits::BODY_RATE_GRACE.max(Duration::from_secs(self.came / limits::BODY_MIN_RATE + 1 + more))
    }

    /// Nothing is there yet; whether that goes on for too long is seen when something comes.
    pub(super) fn wait(&mut self) {
        self.is_timed = false;
        self.asked.get_or_insert_with(Instant::now);
    }

    /// Counts the time since it was last asked, unless nobody waited meanwhile.
    fn count(&mut self, now: Instant) {
        let since = self.asked.take().map(|asked| now.saturating_duration_since(asked));
        if let Some(time) = since.filter(|time| !self.is_timed || *time <= limits::BODY_RATE_LOOK * 2) {
            self.waited += time;
        }
    }

    /// Nothing is there yet. Ready when that has gone on for too long. `kept`: until when the client was not read at all, which
    /// it cannot help.
    pub(super) fn poll_slow(&mut self, cx: &mut Context<'_>, kept: Option<Instant>) -> Poll<()> {
        let now = Instant::now();
        if let Some(kept) = kept.filter(|kept| self.asked.is_none_or(|asked| asked < *kept)) {
            (self.asked, self.waited) = (self.asked.map(|_| kept), Duration::ZERO);
        }
        self.count(now);
        (self.asked, self.is_timed) = (Some(now), true);
        let left = self.allowed(1).saturating_sub(self.waited);
        if left.is_zero() {
            return Poll::Ready(());
        }
        let due = now + left.min(limits::BODY_RATE_LOOK);
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(due)));
        if timer.deadline() > due {
            timer.as_mut().reset(due);
        }
        if timer.as_mut().poll(cx).is_ready() {
            timer.as_mut().reset(due);
            if timer.as_mut().poll(cx).is_ready() {
                cx.waker().wake_by_ref();
            }
        }
        Poll::Pending
    }

    /// Bytes came; false when they come too slowly to go on.
    pub(super) fn take(&mut self, bytes: usize) -> bool {
        self.count(Instant::now());
        self.came += bytes as u64;
        self.is_timed || self.waited <= self.allowed(0)
    }

    /// What came is whole: what follows has a time of its own.
    pub(super) fn rest(&mut self) {
        (self.asked, self.waited, self.came) = (None, Duration::ZERO, 0);
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::time::{sleep, timeout};

    use super::*;

    const GRACE: Duration = limits::BODY_RATE_GRACE;
    const SECOND: Duration = Duration::from_secs(1);

    /// Waits for this long; after which time the wait was given up, if it was.
    async fn waits(pace: &mut Pace, time: Duration) -> Option<Duration> {
        let begun = Instant::now();
        timeout(time, poll_fn(|cx| pace.poll_slow(cx, None))).await.is_ok().then(|| begun.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn silence_is_slow_once_the_grace_is_over() {
        let mut pace = Pace::default();
        assert_eq!(waits(&mut pace, GRACE * 9).await, Some(GRACE));
    }

    #[tokio::test(start_paused = true)]
    async fn the_rate_counts_once_the_grace_is_over() {
        let most = usize::try_from(limits::BODY_MIN_RATE).unwrap();
        // In all: how many bytes a second, and after how long that is too little.
        let cases =
            [(0, Some(10)), (1, Some(10)), (most * 3 / 4, Some(10)), (most * 9 / 10, Some(10)), (most, None)];
        for (bytes, expected) in cases {
            let (mut pace, begun, mut ended) = (Pace::default(), Instant::now(), None);
            for _ in 0..100 {
                if waits(&mut pace, SECOND).await.is_some() {
                    ended = Some(begun.elapsed().as_secs());
                    break;
                }
                assert!(pace.take(bytes));
            }
            assert_eq!(ended, expected, "{bytes} a second");
        }
        let mut pace = Pace::default();
        assert!(pace.take(60 * most));
        assert_eq!(waits(&mut pace, GRACE * 9).await, Some(SECOND * 62), "who was fast may pause");
    }

    #[tokio::test(start_paused = true)]
    async fn only_waiting_counts() {
        let mut pace = Pace::default();
        for _ in 0..20 {
            assert_eq!(waits(&mut pace, SECOND / 4).await, None);
            assert!(pace.take(1));
            sleep(GRACE * 2).await;
        }
        // Somebody waits, and then asks no more until long after something came.
        assert_eq!(waits(&mut pace, SECOND).await, None);
        sleep(GRACE * 2).await;
        assert!(pace.take(1));
        // The same, when nothing came: what was waited in all is five seconds, one, and three.
        for _ in 0..3 {
            assert_eq!(waits(&mut pace, SECOND).await, None);
            sleep(GRACE * 2).await;
        }
        assert_eq!(waits(&mut pace, GRACE).await, Some(SECOND));
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_is_asked_again_when_its_time_would_be_over_has_it_still() {
        for late in [Duration::ZERO, Duration::from_millis(1), SECOND / 2, SECOND, SECOND * 2] {
            let mut pace = Pace::default();
            assert_eq!(waits(&mut pace, SECOND).await, None);
            sleep(GRACE - SECOND + late).await;
            assert_eq!(waits(&mut pace, GRACE * 2).await, Some(GRACE - SECOND), "{late:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_is_not_read_is_not_slow() {
        let (mut pace, begun) = (Pace::default(), Instant::now());
        let kept = begun + GRACE * 3;
        poll_fn(|cx| pace.poll_slow(cx, Some(Instant::now().min(kept)))).await;
        assert_eq!(begun.elapsed(), GRACE * 4);
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_without_a_timer_is_judged_when_something_comes() {
        let mut pace = Pace::default();
        pace.wait();
        sleep(GRACE).await;
        assert!(pace.take(1));
        pace.wait();
        sleep(SECOND).await;
        assert!(!pace.take(1));
        pace.rest();
        assert!(pace.take(1));
    }
}
