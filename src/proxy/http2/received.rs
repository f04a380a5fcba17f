//! A body as it comes over a stream of an HTTP/2 connection.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use h2::{Reason, RecvStream};
use http_body::{Body, Frame};
use tokio::time::Instant;

use super::{FrameHandle, Interim};
use crate::proxy::deadline::Stalled;
use crate::proxy::silence::Silence;

/// Gives back the window of each chunk that is taken; ends in an error when its sender is silent for too long.
#[derive(Debug)]
pub(in crate::proxy) struct Received {
    stream: RecvStream,
    frames: FrameHandle,
    idle: Duration,
    silence: Silence,
    /// Whom to tell that the body is asked for: its sender may wait for that.
    asked: Option<Arc<Interim>>,
    /// What is left to come are trailers, or nothing.
    data_ended: bool,
    over: bool,
}

impl Received {
    pub(in crate::proxy) fn new(
        stream: RecvStream,
        frames: FrameHandle,
        idle: Duration,
        asked: Option<Arc<Interim>>,
    ) -> Received {
        let mut stream = stream;
        frames.unread().begin(stream.stream_id().as_u32(), stream.flow_control().used_capacity());
        Received { stream, frames, idle, silence: Silence::new(idle), asked, data_ended: false, over: false }
    }

    /// Until when its connection was not read, if there was such a time.
    pub(in crate::proxy) fn kept(&self) -> Option<Instant> {
        self.frames.unread().kept()
    }

    fn poll_stream(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, h2::Error>>> {
        if !self.data_ended {
            match ready!(self.stream.poll_data(cx)) {
                Some(Ok(chunk)) => {
                    // It counts against what the inspector may hold from here on, and no longer against the window.
                    let windows = self.stream.flow_control();
                    let _ = windows.release_capacity(chunk.len());
                    let left = windows.used_capacity();
                    self.frames.unread().left(self.stream.stream_id().as_u32(), left);
                    return Poll::Ready(Some(Ok(Frame::data(chunk))));
                }
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => self.data_ended = true,
            }
        }
        let trailers = ready!(self.stream.poll_trailers(cx)).transpose();
        self.over = true;
        if trailers.is_some() && self.frames.is_malformed(self.stream.stream_id()) {
            return Poll::Ready(Some(Err(Reason::PROTOCOL_ERROR.into())));
        }
        Poll::Ready(trailers.map(|trailers| trailers.map(Frame::trailers)))
    }
}

impl Body for Received {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let this = &mut *self;
        if this.over {
            return Poll::Ready(None);
        }
        if let Poll::Ready(frame) = this.poll_stream(cx) {
            this.silence.broken();
            return Poll::Ready(frame.map(|frame| frame.map_err(io::Error::other)));
        }
        if let Some(asked) = this.asked.take() {
            asked.ask();
        }
        this.silence.put_off(this.kept());
        ready!(this.silence.poll(cx));
        this.over = true;
        Poll::Ready(Some(Err(Stalled::Read(this.idle).into())))
    }

    fn is_end_stream(&self) -> bool {
        self.over || self.stream.is_end_stream()
    }
}

impl Drop for Received {
    fn drop(&mut self) {
        self.frames.unread().end(self.stream.stream_id().as_u32());
    }
}
