//! The body of a client's request, whichever protocol it comes in.

use std::error::Error;
use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::Instant;

use super::body::Source;
use super::http2::Received;

/// What a client sends.
#[derive(Debug)]
pub(super) enum ClientBody {
    Http1(Incoming),
    Http2(Received),
    None,
}

/// Why a client's body ended before its end.
#[derive(Debug)]
pub(super) enum ClientBodyError {
    Http1(hyper::Error),
    Http2(io::Error),
}

impl fmt::Display for ClientBodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ClientBodyError::Http1(error) => error.fmt(f),
            ClientBodyError::Http2(error) => error.fmt(f),
        }
    }
}

impl Error for ClientBodyError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            ClientBodyError::Http1(error) => Some(error),
            ClientBodyError::Http2(error) => Some(error),
        }
    }
}

impl Source for ClientBody {
    fn kept(&self) -> Option<Instant> {
        match self {
            ClientBody::Http2(body) => body.kept(),
            // It is read whenever it is asked for.
            ClientBody::Http1(_) | ClientBody::None => None,
        }
    }
}

impl Body for ClientBody {
    type Data = Bytes;
    type Error = ClientBodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, ClientBodyError>>> {
        match self.get_mut() {
            ClientBody::Http1(body) => Pin::new(body)
                .poll_frame(cx)
                .map(|frame| frame.map(|frame| frame.map_err(ClientBodyError::Http1))),
            ClientBody::None => Poll::Ready(None),
            ClientBody::Http2(body) => Pin::new(body)
                .poll_frame(cx)
                .map(|frame| frame.map(|frame| frame.map_err(ClientBodyError::Http2))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            ClientBody::Http1(body) => body.is_end_stream(),
            ClientBody::Http2(body) => body.is_end_stream(),
            ClientBody::None => true,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            ClientBody::Http1(body) => body.size_hint(),
            ClientBody::Http2(body) => body.size_hint(),
            ClientBody::None => SizeHint::with_exact(0),
        }
    }
}
