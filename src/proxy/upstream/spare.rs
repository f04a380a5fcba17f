//! What of a request is kept until its answer, so that it can be sent once more.
//!
//! A connection that waited in the pool may be closed by its upstream just as a request leaves over it. What acts once,
//! however often it comes (RFC 9110, section 9.2.2), is sent again then, if its body was here whole. So is whatever an
//! upstream says that it has not looked at (RFC 9113, section 8.7).

use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::vec;

use bytes::Bytes;
use http::Request;
use http::request::Parts;
use http_body::{Body, Frame, SizeHint};

use super::exchange::{BoxError, Content, RequestBody};
use crate::limits;

/// Bytes of bodies that are kept for this, of all requests together.
static ALL: AtomicUsize = AtomicUsize::new(0);

/// A request as it was, if it is given up without an answer.
pub(super) struct Spare {
    parts: Parts,
    body: Option<SpareBody>,
}

/// What was taken of a body, shared with the body while it is sent.
pub(super) type SpareBody = Arc<Kept>;

pub(super) struct Kept {
    state: Mutex<State>,
    room: usize,
}

#[derive(Default)]
struct State {
    taken: Vec<Bytes>,
    /// What was not taken, once nobody sends it any more.
    rest: Option<Content>,
}

impl Spare {
    /// One whose body is not here yet, or has trailers, tells no length.
    pub(super) fn of(parts: &Parts, body: &impl Body) -> Option<Spare> {
        let body = match body.is_end_stream() {
            true => None,
            false => Some(Kept::of(body)?),
        };
        Some(Spare { parts: parts.clone(), body })
    }

    pub(super) fn body(&self) -> Option<SpareBody> {
        self.body.clone()
    }

    /// The request once more; nothing while its body is still being sent.
    pub(super) fn request(self) -> Option<Request<RequestBody>> {
        let body = match self.body {
            None => RequestBody::empty(),
            Some(kept) => kept.again()?,
        };
        Some(Request::from_parts(self.parts, body))
    }
}

impl Kept {
    /// For a body that is not empty.
    pub(super) fn of(body: &impl Body) -> Option<SpareBody> {
        let length = if body.is_end_stream() { None } else { body.size_hint().exact() };
        Kept::room_for(usize::try_from(length?).ok()?)
    }

    /// Two may learn so of the last room: one too many does no harm.
    fn room_for(room: usize) -> Option<SpareBody> {
        let fits = room <= limits::SPARE_BODY && ALL.load(Ordering::Relaxed) + room <= limits::SPARE_BODIES;
        fits.then(|| {
            ALL.fetch_add(room, Ordering::Relaxed);
            Arc::new(Kept { state: Mutex::default(), room })
        })
    }

    fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn take(&self, bytes: &Bytes) {
        self.with(|state| state.taken.push(bytes.clone()));
    }

    pub(super) fn put_back(&self, rest: Content) {
        self.with(|state| state.rest = Some(rest));
    }

    /// All of the body, once nobody sends it any more.
    pub(super) fn again(&self) -> Option<RequestBody> {
        self.with(|state| {
            let rest = state.rest.take()?;
            let taken = std::mem::take(&mut state.taken).into_iter();
            Some(RequestBody::new(Again { taken, rest }))
        })
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        ALL.fetch_sub(self.room, Ordering::Relaxed);
    }
}

/// What was taken, and then what was not.
struct Again {
    taken: vec::IntoIter<Bytes>,
    rest: Content,
}

impl Body for Again {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match self.taken.next() {
            Some(bytes) => Poll::Ready(Some(Ok(Frame::data(bytes)))),
            None => self.rest.as_mut().poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.taken.as_slice().is_empty() && self.rest.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let taken: usize = self.taken.as_slice().iter().map(Bytes::len).sum();
        let mut hint = self.rest.size_hint();
        // In this order: the lower bound may never be above the upper one.
        if let Some(upper) = hint.upper() {
            hint.set_upper(upper.saturating_add(taken as u64));
        }
        hint.set_lower(hint.lower().saturating_add(taken as u64));
        hint
    }
}
