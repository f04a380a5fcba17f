//! Lets other connections go on while one message is looked at for long: a few bytes on the wire can stand for many to read.

use std::cell::Cell;
use std::future::poll_fn;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::{block_in_place, coop};

use crate::limits::{LOOK_AT_ONCE, LOOK_LONG, LOOK_SHARE};

thread_local! {
    static SINCE: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// The looks at one message, one behind the other.
#[derive(Debug, Default)]
pub(super) struct Looks {
    last: Duration,
}

impl Looks {
    /// Has a look, and says when it ended. Where the one before took long, this one will: it leaves its thread to the others
    /// from the beginning.
    pub(super) fn timed<T>(&mut self, look: impl FnOnce() -> T) -> (T, Instant) {
        let began = Instant::now();
        let done = if self.last > LOOK_LONG && is_shared() {
            since(began, || block_in_place(look))
        } else {
            since(began, look)
        };
        let ended = Instant::now();
        self.last = ended.duration_since(began);
        (done, ended)
    }

    /// How long the last one took.
    pub(super) fn last(&self) -> Duration {
        self.last
    }
}

/// Whether there are other threads that could go on with what this one has to do.
fn is_shared() -> bool {
    matches!(Handle::try_current().map(|handle| handle.runtime_flavor()), Ok(RuntimeFlavor::MultiThread))
}

/// A look that began at a time, whose steps are run by [`step`].
fn since<T>(began: Instant, look: impl FnOnce() -> T) -> T {
    let before = SINCE.replace(Some(began));
    let done = look();
    SINCE.set(before);
    done
}

/// Runs one step of a look. Once that has taken long, other tasks of this thread are left to another one.
pub(super) fn step(act: &mut dyn FnMut()) {
    let is_long = SINCE.get().is_some_and(|since| since.elapsed() > LOOK_AT_ONCE);
    if is_long && is_shared() {
        block_in_place(act);
    } else {
        act();
    }
}

/// Takes the time of a look off what its task may do before others have their turn.
pub(super) fn charge(cx: &mut Context<'_>, took: Duration) {
    for _ in 0..took.as_micros() / LOOK_SHARE.as_micros() {
        match coop::poll_proceed(cx) {
            Poll::Ready(proceed) => proceed.made_progress(),
            Poll::Pending => break,
        }
    }
}

/// The same for those who do not poll themselves.
pub(super) async fn pay(took: Duration) {
    poll_fn(|cx| {
        charge(cx, took);
        Poll::Ready(())
    })
    .await;
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[test]
    fn a_long_look_leaves_the_other_tasks_to_another_thread() {
        let in_a_step = |wait: &mut dyn FnMut()| {
            let long_ago = Instant::now().checked_sub(2 * LOOK_AT_ONCE).unwrap();
            since(long_ago, || step(wait));
        };
        let behind_another = |wait: &mut dyn FnMut()| {
            let mut looks = Looks { last: 2 * LOOK_LONG };
            looks.timed(wait);
        };
        let ways: [fn(&mut dyn FnMut()); 2] = [in_a_step, behind_another];
        for way in ways {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
            let ran = Arc::new(AtomicBool::new(false));
            let seen = Arc::clone(&ran);
            let look = async move {
                // It waits for this very thread, unless that is left to it.
                tokio::spawn(async move { seen.store(true, Ordering::Release) });
                way(&mut || {
                    while !ran.load(Ordering::Acquire) {
                        std::thread::yield_now();
                    }
                });
            };
            runtime.block_on(async { tokio::spawn(look).await.unwrap() });
        }
    }

    #[tokio::test]
    async fn where_there_is_one_thread_a_long_look_is_taken_at_once() {
        let long_ago = Instant::now().checked_sub(2 * LOOK_AT_ONCE).unwrap();
        let mut steps = 0;
        since(long_ago, || step(&mut || steps += 1));
        step(&mut || steps += 1);
        assert_eq!(steps, 2);
    }

    #[tokio::test]
    async fn who_looked_for_long_has_had_its_turn() {
        for (took, is_left) in [(Duration::ZERO, true), (LOOK_SHARE, true), (Duration::from_secs(1), false)] {
            // Each in a poll of its own, with all of its turn.
            tokio::task::yield_now().await;
            let left = async move {
                pay(took).await;
                coop::has_budget_remaining()
            };
            assert_eq!(tokio::spawn(left).await.unwrap(), is_left, "{took:?}");
        }
    }
}
