//! Keeps a connection from waking itself by way of the scheduler.
//!
//! Both ends of hyper's body channels are polled by one task here, so that taking a chunk wakes the task that is
//! taking it. Through the scheduler such a wake costs a round of its queue, and often a thread that is woken to steal
//! the task from the one it is warm on.

use std::cell::Cell;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use tokio::task::coop;

use crate::limits;

const IDLE: u8 = 0;
const POLLING: u8 = 1;
const WOKEN: u8 = 2;

/// Between what is polled and its task: a wake that comes during a poll is answered by another poll at once.
#[derive(Debug)]
struct Relay {
    state: AtomicU8,
    task: Mutex<Option<Waker>>,
}

impl Relay {
    /// Wakes go to this task from now on.
    fn attach(&self, task: &Waker) {
        let mut known = self.task.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *known {
            Some(known) => known.clone_from(task),
            none => *none = Some(task.clone()),
        }
    }

    fn pass_on(&self) {
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(task) = task {
            task.wake();
        }
    }
}

impl Wake for Relay {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if is_swallowed() {
            return;
        }
        // Whoever polls looks again afterwards; a wake that was passed on already is enough.
        if self.state.fetch_or(WOKEN, Ordering::AcqRel) == IDLE {
            self.pass_on();
        }
    }
}

/// Polls one thing by way of a [`Relay`].
#[derive(Debug)]
pub(super) struct Waking {
    relay: Arc<Relay>,
    waker: Waker,
}

impl Waking {
    pub(super) fn new() -> Waking {
        let relay = Arc::new(Relay { state: AtomicU8::new(IDLE), task: Mutex::new(None) });
        Waking { waker: Waker::from(Arc::clone(&relay)), relay }
    }

    /// Polls until nothing is left to do, within a number of rounds.
    pub(super) fn poll<T>(
        &self,
        cx: &mut Context<'_>,
        mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        let state = &self.relay.state;
        self.relay.attach(cx.waker());
        for _ in 0..limits::WAKING_ROUNDS {
            state.store(POLLING, Ordering::Release);
            let polled = poll(&mut Context::from_waker(&self.waker));
            if polled.is_ready() {
                state.store(IDLE, Ordering::Release);
                return polled;
            }
            if state.compare_exchange(POLLING, IDLE, Ordering::AcqRel, Ordering::Acquire).is_ok() {
                return Poll::Pending;
            }
            if !coop::has_budget_remaining() {
                // Other tasks have waited long enough: everything would answer "pending".
                break;
            }
        }
        state.store(IDLE, Ordering::Release);
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

/// What became of wakes on this thread while it was asked to be quiet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quiet {
    No,
    Yes,
    Swallowed,
}

thread_local! {
    static QUIET: Cell<Quiet> = const { Cell::new(Quiet::No) };
}

fn is_swallowed() -> bool {
    QUIET.with(|quiet| {
        let asked = quiet.get() != Quiet::No;
        if asked {
            quiet.set(Quiet::Swallowed);
        }
        asked
    })
}

/// Does something that may wake the very task that does it, and swallows that wake; whether there was one. Only for
/// what the caller polls again before it waits, or whose wake it repeats. What other threads wake is not touched.
pub(super) fn quietly<T>(act: impl FnOnce() -> T) -> (T, bool) {
    let before = QUIET.replace(Quiet::Yes);
    let done = act();
    let swallowed = QUIET.replace(before) == Quiet::Swallowed;
    (done, swallowed)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[derive(Debug, Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Polls `script` once by way of a relay: how often it ran, and how often the task was woken.
    fn polled(mut script: impl FnMut(usize, &Waker) -> Poll<()>) -> (usize, usize, Waking) {
        let count = Arc::new(Count::default());
        let task = Waker::from(Arc::clone(&count));
        let (waking, mut runs) = (Waking::new(), 0);
        let _ = waking.poll(&mut Context::from_waker(&task), |cx| {
            runs += 1;
            script(runs, cx.waker())
        });
        (runs, count.0.load(Ordering::Relaxed), waking)
    }

    #[test]
    fn a_wake_during_a_poll_is_answered_by_another_poll() {
        let (runs, wakes, _) = polled(|run, waker| {
            if run < 3 {
                waker.wake_by_ref();
            }
            Poll::Pending
        });
        assert_eq!((runs, wakes), (3, 0));
    }

    #[test]
    fn what_never_rests_goes_back_to_the_scheduler() {
        let (runs, wakes, _) = polled(|_, waker| {
            waker.wake_by_ref();
            Poll::Pending
        });
        assert_eq!((runs, wakes), (limits::WAKING_ROUNDS, 1));
    }

    #[test]
    fn a_wake_between_polls_reaches_the_task_once() {
        let count = Arc::new(Count::default());
        let task = Waker::from(Arc::clone(&count));
        let waking = Waking::new();
        let mut inner = None;
        let _: Poll<()> = waking.poll(&mut Context::from_waker(&task), |cx| {
            inner = Some(cx.waker().clone());
            Poll::Pending
        });
        let inner = inner.unwrap();
        std::thread::scope(|scope| {
            scope.spawn(|| inner.wake_by_ref());
        });
        inner.wake_by_ref();
        assert_eq!(count.0.load(Ordering::Relaxed), 1);
        let _: Poll<()> = waking.poll(&mut Context::from_waker(&task), |_| Poll::Pending);
        inner.wake_by_ref();
        assert_eq!(count.0.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn wakes_are_swallowed_on_this_thread_only() {
        let (runs, _, _) = polled(|run, waker| {
            if run == 1 {
                assert!(quietly(|| waker.wake_by_ref()).1);
                assert!(!quietly(|| ()).1);
            }
            Poll::Pending
        });
        assert_eq!(runs, 1);
        let (runs, _, _) = polled(|run, waker| {
            if run == 1 {
                let other = || std::thread::scope(|scope| drop(scope.spawn(|| waker.wake_by_ref())));
                assert!(!quietly(other).1);
            }
            Poll::Pending
        });
        assert_eq!(runs, 2);
    }
}
