//! What the owner of a connection and the guard inside it tell each other.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::Waker;

use super::Refusal;
use super::framing::Expected;
use super::stream::STAND_IN_HOST;

/// A shared view of one guard. Both ends live on one task, so plain relaxed atomics do.
#[derive(Clone, Debug, Default)]
pub(crate) struct GuardHandle(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    refusal: OnceLock<Refusal>,
    pass_through: AtomicBool,
    /// Zero, or an [`Expected`] that the guard has not taken yet.
    expected: AtomicU8,
    /// Bytes were written, or read, since the last `announce`.
    wrote: AtomicBool,
    heard: AtomicBool,
    /// More is to come of a message whose head was read.
    in_body: AtomicBool,
    /// Who waits for `pass_through`.
    waiting: Mutex<Option<Waker>>,
}

impl GuardHandle {
    /// Why `request` was refused, when it is not the client's but the stand-in for one that was: answer it with the
    /// refusal and do nothing else. Requests that came before the refused one are served as ever.
    #[must_use]
    pub(crate) fn refusal_of<B>(&self, request: &http::Request<B>) -> Option<Refusal> {
        let refusal = self.refusal()?;
        let host = request.headers().get(http::header::HOST)?;
        (host.as_bytes() == STAND_IN_HOST.as_bytes()).then_some(refusal)
    }

    /// What was refused on this connection, if anything.
    #[must_use]
    pub(crate) fn refusal(&self) -> Option<Refusal> {
        self.0.refusal.get().copied()
    }

    /// The connection speaks another protocol from here on: after a granted CONNECT or upgrade.
    pub(crate) fn pass_through(&self) {
        self.0.pass_through.store(true, Ordering::Release);
        let waiting = self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(waker) = waiting {
            waker.wake();
        }
    }

    /// A request is about to be sent: the next response answers it. `upgrade` grants it a 101.
    pub(crate) fn announce(&self, method: &http::Method, upgrade: bool) {
        let expected = match *method {
            http::Method::HEAD => Expected::Head,
            http::Method::CONNECT => Expected::Connect,
            _ if upgrade => Expected::Upgrade,
            _ => Expected::Other,
        };
        self.0.wrote.store(false, Ordering::Relaxed);
        self.0.heard.store(false, Ordering::Relaxed);
        self.0.expected.store(code(expected), Ordering::Relaxed);
    }

    /// Whether any byte was handed to the connection since the last `announce`.
    #[must_use]
    pub(crate) fn wrote(&self) -> bool {
        self.0.wrote.load(Ordering::Relaxed)
    }

    /// Whether any byte arrived since the last `announce`.
    #[must_use]
    pub(crate) fn heard(&self) -> bool {
        self.0.heard.load(Ordering::Relaxed)
    }

    /// Whether the peer still sends a body, as far as was read of it.
    #[must_use]
    pub(crate) fn is_in_body(&self) -> bool {
        self.0.in_body.load(Ordering::Relaxed)
    }

    /// What it was before.
    pub(super) fn note_in_body(&self, is_in_body: bool) -> bool {
        self.0.in_body.swap(is_in_body, Ordering::Relaxed)
    }

    pub(super) fn is_passing_through(&self) -> bool {
        self.0.pass_through.load(Ordering::Acquire)
    }

    pub(super) fn wait(&self, waker: &Waker) {
        *self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner) = Some(waker.clone());
    }

    pub(super) fn refuse(&self, refusal: Refusal) {
        // The first one counts: what follows it is not read as HTTP any more.
        let _ = self.0.refusal.set(refusal);
    }

    /// The expectation, once some of the request was written: what arrives before answers nothing.
    pub(super) fn take_expected(&self) -> Option<Expected> {
        if !self.wrote() {
            return None;
        }
        [Expected::Head, Expected::Connect, Expected::Upgrade, Expected::Other]
            .into_iter()
            .find(|expected| code(*expected) == self.0.expected.load(Ordering::Relaxed))
            .inspect(|_| self.0.expected.store(0, Ordering::Relaxed))
    }

    pub(super) fn note_written(&self) {
        self.0.wrote.store(true, Ordering::Relaxed);
    }

    pub(super) fn note_heard(&self) {
        self.0.heard.store(true, Ordering::Relaxed);
    }
}

const fn code(expected: Expected) -> u8 {
    match expected {
        Expected::Head => 1,
        Expected::Connect => 2,
        Expected::Upgrade => 3,
        Expected::Other => 4,
    }
}
