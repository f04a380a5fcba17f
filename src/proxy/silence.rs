//! Notices that nothing has come for a while, or that little comes for long, at the cost of one timer for many chunks.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

/// Ready once for each silence. The timer is made when something is first waited for, and moved only when it
/// rings too early: not with every chunk.
#[derive(Debug)]
pub(super) struct Silence {
    wait: Duration,
    /// Ready after so long even while something comes now and then: at first, and from then on.
    most: Option<[Duration; 2]>,
    /// When something was first waited for since it was ready.
    first: Option<Instant>,
    /// When it was last seen that nothing had come; not known while something comes.
    since: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
    noticed: bool,
}

impl Silence {
    pub(super) fn new(wait: Duration) -> Silence {
        Silence { wait, most: None, first: None, since: None, timer: None, noticed: false }
    }

    /// Ready also where pieces come that leave no silence between them for so long, and from then on for the time of a silence.
    pub(super) fn at_most(self, most: Duration) -> Silence {
        Silence { most: Some([most, self.wait]), ..self }
    }

    /// Something came.
    pub(super) fn broken(&mut self) {
        self.since = None;
        self.noticed = false;
    }

    /// Until then nothing could have come.
    pub(super) fn put_off(&mut self, until: Option<Instant>) {
        if let Some(until) = until.filter(|until| self.since.is_some_and(|since| since < *until)) {
            self.since = Some(until);
        }
    }

    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.noticed {
            return Poll::Pending;
        }
        let since = *self.since.get_or_insert_with(Instant::now);
        let mut deadline = since + self.wait;
        if let Some([most, _]) = self.most {
            deadline = deadline.min(*self.first.get_or_insert(since) + most);
        }
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        loop {
            ready!(timer.as_mut().poll(cx));
            if deadline <= timer.deadline() {
                self.noticed = true;
                self.first = None;
                self.most = self.most.map(|[_, next]| [next, next]);
                return Poll::Ready(());
            }
            timer.as_mut().reset(deadline);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    const WAIT: Duration = Duration::from_millis(50);

    #[tokio::test(start_paused = true)]
    async fn each_silence_is_noticed_once() {
        let start = Instant::now();
        let mut silence = Silence::new(WAIT);
        poll_fn(|cx| silence.poll(cx)).await;
        assert_eq!(start.elapsed(), WAIT);
        let again = tokio::time::timeout(WAIT * 4, poll_fn(|cx| silence.poll(cx))).await;
        assert!(again.is_err(), "the same silence rang twice");
        silence.broken();
        let heard = Instant::now();
        poll_fn(|cx| silence.poll(cx)).await;
        assert_eq!(heard.elapsed(), WAIT);
    }

    #[tokio::test(start_paused = true)]
    async fn what_comes_all_the_time_is_waited_for_once_and_then_in_pieces() {
        let start = Instant::now();
        let mut silence = Silence::new(WAIT).at_most(WAIT * 5);
        for expected in [WAIT * 5, WAIT * 6, WAIT * 7] {
            while tokio::time::timeout(WAIT / 5, poll_fn(|cx| silence.poll(cx))).await.is_err() {
                silence.broken();
            }
            // What was being waited for when it was ready has come since.
            assert!(
                start.elapsed() >= expected && start.elapsed() < expected + WAIT / 2,
                "{:?}",
                start.elapsed()
            );
            silence.broken();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_comes_in_time_moves_the_deadline() {
        let mut silence = Silence::new(WAIT);
        for _ in 0..3 {
            let early = tokio::time::timeout(WAIT * 4 / 5, poll_fn(|cx| silence.poll(cx))).await;
            assert!(early.is_err());
            silence.broken();
        }
        for _ in 0..3 {
            let early = tokio::time::timeout(WAIT * 4 / 5, poll_fn(|cx| silence.poll(cx))).await;
            assert!(early.is_err());
            silence.put_off(Some(Instant::now()));
        }
        let heard = Instant::now();
        poll_fn(|cx| silence.poll(cx)).await;
        assert_eq!(heard.elapsed(), WAIT);
    }
}
