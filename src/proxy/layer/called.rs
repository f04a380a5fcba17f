//! The answer to a call of gRPC. One that is stopped between two messages ends in words, as every call does: a status other
//! than OK is no clean end. Within a message there is no place for them.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use crate::flow::Direction;
use crate::proxy::body::{Aborted, Gated};
use crate::proxy::exchange::{Fault, Flow, Refusal, Stopped};
use crate::proxy::grpc::Messages;
use crate::proxy::upstream::UpstreamBody;

/// An upstream's messages, behind an inspector.
pub(in crate::proxy) struct Called {
    body: Gated<UpstreamBody>,
    /// Those that left.
    messages: Messages,
    end: End,
}

enum End {
    Open,
    /// Nothing is told before it is on record.
    Due(Direction, Box<Stopped>),
    Told,
}

impl Called {
    pub(super) fn new(body: Gated<UpstreamBody>) -> Called {
        Called { body, messages: Messages::default(), end: End::Open }
    }

    pub(super) fn flow(&self) -> &Arc<Flow> {
        self.body.flow()
    }

    /// What stopped it, if a decision did: about this message, or about the request that is still under way.
    fn stopped(&self, aborted: Aborted) -> Option<End> {
        if !self.messages.is_between() {
            return None;
        }
        let direction = match aborted {
            Aborted::Stopped => Direction::Response,
            // Whoever was stopped gave up the upstream's stream.
            Aborted::Broken => Direction::Request,
            Aborted::Unrecorded => return None,
        };
        match self.flow().take_fault()? {
            Fault::Stopped(stopped) => Some(End::Due(direction, Box::new(stopped))),
            Fault::Unrecorded | Fault::Broken(_) => None,
        }
    }
}

impl Body for Called {
    type Data = Bytes;
    type Error = Aborted;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Aborted>>> {
        let this = &mut *self;
        if let End::Open = this.end {
            match ready!(Pin::new(&mut this.body).poll_frame(cx)) {
                Some(Err(aborted)) => match this.stopped(aborted) {
                    Some(end) => this.end = end,
                    None => return Poll::Ready(Some(Err(aborted))),
                },
                Some(Ok(frame)) => {
                    if let Some(bytes) = frame.data_ref() {
                        this.messages.take(bytes);
                    }
                    return Poll::Ready(Some(Ok(frame)));
                }
                None => return Poll::Ready(None),
            }
        }
        let flow = Arc::clone(this.flow());
        if let End::Due(_, stopped) = &mut this.end
            && ready!(flow.shared().poll_permit(&mut stopped.record, cx)).is_err()
        {
            this.end = End::Told;
            return Poll::Ready(Some(Err(Aborted::Unrecorded)));
        }
        let End::Due(direction, stopped) = std::mem::replace(&mut this.end, End::Told) else {
            return Poll::Ready(None);
        };
        let refusal = Refusal::stopped(direction, *stopped);
        let trailers = refusal.facts().grpc_trailers(flow.client.peer.listener.reply);
        Poll::Ready(Some(Ok(Frame::trailers(trailers))))
    }

    fn is_end_stream(&self) -> bool {
        match self.end {
            End::Open => self.body.is_end_stream(),
            End::Due(..) => false,
            End::Told => true,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self.end {
            End::Open => self.body.size_hint(),
            End::Due(..) | End::Told => SizeHint::default(),
        }
    }
}
