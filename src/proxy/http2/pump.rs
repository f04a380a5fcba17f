//! Pumps a body into a stream of an HTTP/2 connection, as fast as its reader grants room.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use h2::{Reason, SendStream};
use http_body::{Body, Frame};

use super::unsent::Unsent;
use crate::limits;
use crate::proxy::silence::Silence;

/// Why a body was not sent to its end.
#[derive(Debug)]
pub(in crate::proxy) enum PumpError<E> {
    /// The body itself failed; its stream was reset.
    Body(E),
    /// The reader does not want it, or is gone.
    Stream(h2::Error),
    /// The reader grants no room.
    Stalled,
    /// The stream is over.
    Closed,
}

impl<E: fmt::Display> fmt::Display for PumpError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PumpError::Body(error) => error.fmt(f),
            PumpError::Stream(error) => error.fmt(f),
            PumpError::Stalled => f.write_str("peer granted no room in time"),
            PumpError::Closed => f.write_str("stream is closed"),
        }
    }
}

/// What a body gave, if it was not its end.
type Given<B> = Option<Result<Frame<Bytes>, <B as Body>::Error>>;

/// Sends one body; ready once its end is with the connection.
pub(in crate::proxy) struct Pump<B: Body<Data = Bytes>> {
    body: Pin<Box<B>>,
    stream: SendStream<Bytes>,
    /// What a body that fails is reset with.
    reason: Reason,
    stall: Silence,
    begun: bool,
    /// A chunk, and whether it is the last: sent piece by piece, as room is granted.
    left: Option<(Bytes, bool)>,
    /// What the body gave behind pieces that were joined.
    ahead: Option<Given<B>>,
    unsent: Unsent,
}

/// The body is pinned where it is kept; what it gave is not.
impl<B: Body<Data = Bytes>> Unpin for Pump<B> {}

impl<B: Body<Data = Bytes>> Pump<B> {
    pub(in crate::proxy) fn new(body: B, stream: SendStream<Bytes>, reason: Reason) -> Pump<B> {
        Pump {
            body: Box::pin(body),
            stream,
            reason,
            stall: Silence::new(limits::WRITE_STALL_TIMEOUT),
            begun: false,
            left: None,
            ahead: None,
            unsent: Unsent::default(),
        }
    }

    /// Whether any of the body was taken.
    pub(in crate::proxy) fn has_begun(&self) -> bool {
        self.begun
    }

    pub(in crate::proxy) fn body(&self) -> &B {
        &self.body
    }

    /// The body, of which nothing was taken yet.
    pub(in crate::proxy) fn into_body(self) -> Pin<Box<B>> {
        self.body
    }

    fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<Result<usize, PumpError<B::Error>>> {
        self.stream.reserve_capacity(self.left.as_ref().map_or(1, |(chunk, _)| chunk.len().max(1)));
        loop {
            if self.stream.capacity() > 0 {
                if let Poll::Ready(reset) = self.stream.poll_reset(cx) {
                    return Poll::Ready(Err(
                        reset.map_or_else(PumpError::Stream, |reason| PumpError::Stream(reason.into()))
                    ));
                }
                return Poll::Ready(Ok(self.stream.capacity()));
            }
            match self.stream.poll_capacity(cx) {
                Poll::Ready(Some(Ok(0))) => {}
                Poll::Ready(Some(Ok(_))) => self.stall.broken(),
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Err(PumpError::Stream(error))),
                Poll::Ready(None) => return Poll::Ready(Err(PumpError::Closed)),
                Poll::Pending => {
                    ready!(self.stall.poll(cx));
                    self.stream.send_reset(Reason::CANCEL);
                    return Poll::Ready(Err(PumpError::Stalled));
                }
            }
        }
    }

    /// Sends what room was granted for, in frames that fill a TLS record each; whether the body has ended with it.
    fn send(&mut self, mut room: usize) -> Result<bool, PumpError<B::Error>> {
        let Some((mut chunk, last)) = self.left.take() else { return Ok(false) };
        loop {
            let whole = if chunk.len() > limits::H2_LEAST_FRAME { limits::H2_FILLED } else { chunk.len() };
            let piece = chunk.split_to(whole.min(room));
            room -= piece.len();
            let ends = last && chunk.is_empty();
            self.stream.send_data(piece, ends).map_err(PumpError::Stream)?;
            if chunk.is_empty() {
                return Ok(ends);
            }
            if room == 0 {
                self.left = Some((chunk, last));
                return Ok(false);
            }
        }
    }

    /// Whoever waits for the body still wants to know of a reader that is gone.
    fn poll_reset(&mut self, cx: &mut Context<'_>) -> Poll<Result<bool, PumpError<B::Error>>> {
        self.stream
            .poll_reset(cx)
            .map(|reset| Err(reset.map_or_else(PumpError::Stream, |reason| PumpError::Stream(reason.into()))))
    }

    /// The same of one that reads nothing of what was sent to it.
    fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<Result<bool, PumpError<B::Error>>> {
        if let Poll::Ready(gone) = self.poll_reset(cx) {
            return Poll::Ready(gone);
        }
        ready!(self.stall.poll(cx));
        self.stream.send_reset(Reason::CANCEL);
        Poll::Ready(Err(PumpError::Stalled))
    }

    fn poll_body(&mut self, cx: &mut Context<'_>) -> Poll<Given<B>> {
        match self.ahead.take() {
            Some(given) => Poll::Ready(given),
            None => self.body.as_mut().poll_frame(cx),
        }
    }

    fn is_last(&self) -> bool {
        self.ahead.is_none() && self.body.is_end_stream()
    }

    /// Joins a small piece with those that are there already: masks cut a body into many, and each would be a frame. What is
    /// yet to come is not waited for.
    fn joined(&mut self, first: Bytes, cx: &mut Context<'_>) -> (Bytes, bool) {
        let mut all: Option<BytesMut> = None;
        let mut length = first.len();
        while length < limits::H2_JOINED && !self.is_last() {
            let Poll::Ready(given) = self.poll_body(cx) else { break };
            match given {
                Some(Ok(frame))
                    if frame.data_ref().is_some_and(|piece| length + piece.len() <= limits::H2_JOINED) =>
                {
                    let piece = frame.into_data().unwrap_or_default();
                    length += piece.len();
                    all.get_or_insert_with(|| BytesMut::from(&first[..])).extend_from_slice(&piece);
                }
                given => {
                    self.ahead = Some(given);
                    break;
                }
            }
        }
        (all.map_or(first, BytesMut::freeze), self.is_last())
    }

    /// Ready with `true` when all has been sent.
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<bool, PumpError<B::Error>>> {
        // Room is asked for before the body is: what is taken can leave.
        let room = ready!(self.poll_room(cx))?;
        if self.left.is_some() {
            return Poll::Ready(self.send(room));
        }
        if self.unsent.poll_turn(cx).is_pending() {
            return self.poll_gone(cx);
        }
        let Poll::Ready(frame) = self.poll_body(cx) else {
            return self.poll_reset(cx);
        };
        self.begun = true;
        let ended = match frame {
            Some(Ok(frame)) => match frame.into_data() {
                Ok(chunk) => {
                    let (chunk, last) = self.joined(chunk, cx);
                    if chunk.is_empty() && !last {
                        return Poll::Ready(Ok(false));
                    }
                    // What ends a body is as little as each stream may have.
                    let is_little = last && chunk.len() <= limits::H2_LEAST_FRAME;
                    let chunk = if is_little { chunk } else { self.unsent.counted(chunk) };
                    self.stall.broken();
                    // Room for all of it is asked for first: what was granted may be for a single byte.
                    self.left = Some((chunk, last));
                    return Poll::Ready(Ok(false));
                }
                Err(frame) => match frame.into_trailers() {
                    Ok(trailers) => self.stream.send_trailers(trailers),
                    // No other kind of frame is known to HTTP.
                    Err(_) => return Poll::Ready(Ok(false)),
                },
            },
            Some(Err(error)) => {
                self.stream.send_reset(self.reason);
                return Poll::Ready(Err(PumpError::Body(error)));
            }
            None => self.stream.send_data(Bytes::new(), true),
        };
        Poll::Ready(ended.map(|()| true).map_err(PumpError::Stream))
    }
}

impl<B: Body<Data = Bytes>> Future for Pump<B> {
    type Output = Result<(), PumpError<B::Error>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        loop {
            if ready!(this.poll_next(cx))? {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl<B: Body<Data = Bytes>> fmt::Debug for Pump<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pump").field("begun", &self.begun).finish_non_exhaustive()
    }
}
