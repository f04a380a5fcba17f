//! Bytes that wait to leave over streams of HTTP/2. A reader that grants much and reads nothing would have as much kept for
//! each of its streams; what all may keep together is bounded here: past that, a stream gets its next bytes when those
//! before have left.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;

use crate::limits;

/// Bytes that wait in all streams.
static WAITING: AtomicUsize = AtomicUsize::new(0);

/// What waits of one stream.
#[derive(Debug, Default)]
pub(super) struct Unsent(Arc<Stream>);

#[derive(Debug, Default)]
struct Stream {
    waiting: AtomicUsize,
    sender: Mutex<Option<Waker>>,
}

/// Counts as long as any of it is there.
struct Counted {
    bytes: Bytes,
    of: Arc<Stream>,
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        WAITING.fetch_sub(self.bytes.len(), Ordering::Relaxed);
        self.of.waiting.fetch_sub(self.bytes.len(), Ordering::AcqRel);
        let sender = self.of.sender.lock().unwrap_or_else(PoisonError::into_inner).take();
        sender.into_iter().for_each(Waker::wake);
    }
}

impl Unsent {
    /// The same bytes, which count until they have left.
    pub(super) fn counted(&self, bytes: Bytes) -> Bytes {
        WAITING.fetch_add(bytes.len(), Ordering::Relaxed);
        self.0.waiting.fetch_add(bytes.len(), Ordering::AcqRel);
        Bytes::from_owner(Counted { bytes, of: Arc::clone(&self.0) })
    }

    /// Ready when the stream may be given more.
    pub(super) fn poll_turn(&self, cx: &mut Context<'_>) -> Poll<()> {
        let may = || {
            WAITING.load(Ordering::Relaxed) <= limits::H2_UNSENT
                || self.0.waiting.load(Ordering::Acquire) == 0
        };
        if may() {
            return Poll::Ready(());
        }
        *self.0.sender.lock().unwrap_or_else(PoisonError::into_inner) = Some(cx.waker().clone());
        // It may have left meanwhile.
        if may() { Poll::Ready(()) } else { Poll::Pending }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_waits_for_its_own_bytes_once_all_have_too_many() {
        let cx = &mut Context::from_waker(Waker::noop());
        let (one, other) = (Unsent::default(), Unsent::default());
        let mut much = one.counted(Bytes::from(vec![0; limits::H2_UNSENT / 2]));
        assert!(one.poll_turn(cx).is_ready());
        let more = one.counted(Bytes::from(vec![1; limits::H2_UNSENT / 2 + 1]));
        assert_eq!((one.poll_turn(cx).is_ready(), other.poll_turn(cx).is_ready()), (false, true));
        let part = much.split_to(1);
        drop(much);
        assert!(one.poll_turn(cx).is_pending(), "as long as any of it is there");
        drop(part);
        assert!(one.poll_turn(cx).is_ready());
        let least = other.counted(Bytes::from(vec![0; limits::H2_UNSENT]));
        drop(more);
        assert!(one.poll_turn(cx).is_ready());
        drop(least);
        assert_eq!(one.0.waiting.load(Ordering::Relaxed), 0);
    }
}
