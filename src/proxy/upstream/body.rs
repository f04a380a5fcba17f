//! A response body: over HTTP/1, reading it drives the connection it comes over.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use super::UpstreamBodyError;
use super::error::{Fault, innermost};
use super::exchange::Live;
use super::pool::Pool;
use super::stream::Streamed;
use crate::proxy::waking;

/// The body of an upstream's response.
#[derive(Debug)]
pub(crate) enum UpstreamBody {
    /// Over a connection of its own.
    Single(Single),
    /// Over a stream of a shared one.
    Streamed(Box<Streamed>),
    /// There is none.
    None,
}

/// Read to its end it gives its connection back; dropped before, it closes it.
#[derive(Debug)]
pub(crate) struct Single {
    incoming: Incoming,
    live: Option<Box<Live>>,
    pool: Arc<Pool>,
}

impl Single {
    pub(super) fn new(incoming: Incoming, live: Box<Live>, pool: Arc<Pool>) -> Self {
        let mut body = Single { incoming, live: Some(live), pool };
        body.settle_at_end();
        body
    }

    /// Nobody may ask again for what is known to be empty, so the end is acted on as soon as it is known.
    fn settle_at_end(&mut self) {
        if self.incoming.is_end_stream()
            && let Some(live) = self.live.take()
        {
            live.settle(&self.pool);
        }
    }

    /// What has been handed over already. Its waker is not needed: only this task drives the connection.
    fn poll_handed_over(&mut self) -> Poll<Option<Result<Frame<Bytes>, UpstreamBodyError>>> {
        // Taking a chunk wakes the connection, which whoever asks for the next one polls before it waits.
        let (frame, _) = waking::quietly(|| {
            Pin::new(&mut self.incoming).poll_frame(&mut Context::from_waker(Waker::noop()))
        });
        match frame {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Some(Ok(frame))) => {
                self.settle_at_end();
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(self.fail(&error)))),
            Poll::Ready(None) => {
                if let Some(live) = self.live.take() {
                    live.settle(&self.pool);
                }
                Poll::Ready(None)
            }
        }
    }

    fn fail(&mut self, error: &hyper::Error) -> UpstreamBodyError {
        let (fault, detail) = match self.live.take() {
            Some(live) => live.fault(error),
            None => (Fault::Truncated, innermost(error)),
        };
        UpstreamBodyError { fault, detail }
    }
}

impl Body for UpstreamBody {
    type Data = Bytes;
    type Error = UpstreamBodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, UpstreamBodyError>>> {
        match self.get_mut() {
            UpstreamBody::Single(body) => Pin::new(body).poll_frame(cx),
            UpstreamBody::Streamed(body) => Pin::new(&mut **body).poll_frame(cx),
            UpstreamBody::None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            UpstreamBody::Single(body) => body.is_end_stream(),
            UpstreamBody::Streamed(body) => body.is_end_stream(),
            UpstreamBody::None => true,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            UpstreamBody::Single(body) => body.size_hint(),
            UpstreamBody::Streamed(body) => body.size_hint(),
            UpstreamBody::None => SizeHint::with_exact(0),
        }
    }
}

impl Body for Single {
    type Data = Bytes;
    type Error = UpstreamBodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, UpstreamBodyError>>> {
        let this = &mut *self;
        if let Poll::Ready(frame) = this.poll_handed_over() {
            return Poll::Ready(frame);
        }
        let ended = match &mut this.live {
            Some(live) => live.poll(cx).is_ready(),
            None => true,
        };
        match this.poll_handed_over() {
            // The connection is over and yet the body is not: the end was lost.
            Poll::Pending if ended => {
                this.live = None;
                Poll::Ready(Some(Err(UpstreamBodyError { fault: Fault::Truncated, detail: String::new() })))
            }
            other => other,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
