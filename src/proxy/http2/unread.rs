//! What came over connections of HTTP/2 and that nobody has taken yet. Windows promise memory to each peer; what all of them
//! may fill together is bounded here: past that, a connection that has much of it waiting is not read.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::limits;

/// Bytes of bodies that wait in all connections.
static WAITING: AtomicUsize = AtomicUsize::new(0);

/// What waits in one connection, on streams that somebody reads.
#[derive(Debug, Default)]
pub(super) struct Unread(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    streams: HashMap<u32, usize>,
    total: usize,
    /// Whoever would read more of the connection.
    reader: Option<Waker>,
}

impl State {
    /// What waits on a stream is this much.
    fn set(&mut self, stream: u32, bytes: usize) {
        let before = self.streams.insert(stream, bytes).unwrap_or_default();
        self.change(before, bytes);
    }

    fn change(&mut self, before: usize, after: usize) {
        self.total = self.total.saturating_sub(before) + after;
        if after > before {
            WAITING.fetch_add(after - before, Ordering::Relaxed);
        } else {
            WAITING.fetch_sub(before - after, Ordering::Relaxed);
        }
    }

    fn may_read(&self) -> bool {
        self.total <= limits::H2_UNREAD_EACH || WAITING.load(Ordering::Relaxed) <= limits::H2_UNREAD
    }

    /// Whom to wake, since there is less.
    fn woken(&mut self) -> Option<Waker> {
        if self.may_read() { self.reader.take() } else { None }
    }
}

impl Unread {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Somebody reads a stream from here on, of which so much waits already.
    pub(super) fn begin(&self, stream: u32, bytes: usize) {
        self.state().set(stream, bytes);
    }

    /// More of a stream comes. Of one that nobody reads nothing is kept.
    pub(super) fn arrived(&self, stream: u32, bytes: usize) {
        let state = &mut *self.state();
        if let Some(waits) = state.streams.get(&stream).copied() {
            state.set(stream, waits + bytes);
        }
    }

    /// Some of it was taken, so much is left.
    pub(super) fn left(&self, stream: u32, bytes: usize) {
        let woken = {
            let mut state = self.state();
            state.set(stream, bytes);
            state.woken()
        };
        woken.into_iter().for_each(Waker::wake);
    }

    /// Nobody reads the stream any more.
    pub(super) fn end(&self, stream: u32) {
        let woken = {
            let mut state = self.state();
            let before = state.streams.remove(&stream).unwrap_or_default();
            state.change(before, 0);
            state.woken()
        };
        woken.into_iter().for_each(Waker::wake);
    }

    /// Ready when the connection may be read.
    pub(super) fn poll_read(&self, cx: &mut Context<'_>) -> Poll<()> {
        if WAITING.load(Ordering::Relaxed) <= limits::H2_UNREAD {
            return Poll::Ready(());
        }
        let mut state = self.state();
        if state.may_read() {
            return Poll::Ready(());
        }
        state.reader = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl Drop for Unread {
    fn drop(&mut self) {
        WAITING.fetch_sub(self.state().total, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn who_has_much_waiting_is_not_read_once_all_have_too_much() {
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(Arc::clone(&woken));
        let may = |unread: &Unread| unread.poll_read(&mut Context::from_waker(&waker)).is_ready();
        let (many, few) = (Unread::default(), Unread::default());
        for stream in [1, 3] {
            many.begin(stream, 0);
        }
        few.begin(1, 0);
        few.arrived(1, limits::H2_UNREAD_EACH);
        many.arrived(1, limits::H2_UNREAD);
        many.arrived(3, limits::H2_UNREAD_EACH);
        // What nobody reads does not count.
        many.arrived(5, limits::H2_UNREAD);
        assert_eq!((may(&many), may(&few)), (false, true));
        many.left(1, limits::H2_UNREAD / 2 + 1);
        assert_eq!((may(&many), woken.0.load(Ordering::Relaxed)), (true, 1), "there is less in all");
        many.arrived(1, limits::H2_UNREAD);
        assert!(!may(&many));
        many.end(1);
        assert_eq!((may(&many), woken.0.load(Ordering::Relaxed)), (true, 2));
        assert_eq!(many.state().total, limits::H2_UNREAD_EACH);
        many.arrived(3, limits::H2_UNREAD);
        drop(many);
        assert!(may(&few));
        assert!(WAITING.load(Ordering::Relaxed) < limits::H2_UNREAD);
    }
}
