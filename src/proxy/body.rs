//! The one place where a hyper body meets an inspector: bytes are pulled from one side when the other asks.
//!
//! Same task, same poll: a frame is pulled, pushed into the inspector, and what may leave is handed on. The last
//! bytes of a message leave only with a permit, and a message that is stopped ends in an error, never cleanly.

use std::error::Error;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use http_body::{Body, Frame, SizeHint};
use tokio::time::Instant;

use super::exchange::{Flow, Stopped};
use super::grpc::Framing;
use super::passage::{Passage, Phase, Pulled};
use super::upstream::UpstreamBody;
use crate::audit::{AuditError, Kind, Pending};
use crate::flow::{Direction, FlowId};
use crate::inspect::{Head, HeadEdit, Inspector, Step};
use crate::policy::Action;

/// A body that has been stopped, or whose other end broke off. The side that reads it must not end cleanly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Aborted {
    Stopped,
    Unrecorded,
    Broken,
}

impl fmt::Display for Aborted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Aborted::Stopped => "message was stopped by a decision",
            Aborted::Unrecorded => "message has no record",
            Aborted::Broken => "message broke off",
        })
    }
}

impl Error for Aborted {}

/// How far a message came before anything of it left.
#[derive(Debug)]
pub(super) enum Primed {
    /// All of it is here and may leave.
    Whole,
    /// It is longer than hold, or its sender is silent: it leaves as it comes.
    Streaming,
    /// None of it leaves.
    Stopped,
    Broken(Broken),
}

/// A sender that broke off.
#[derive(Debug)]
pub(super) struct Broken {
    pub(super) timed_out: bool,
    /// Cleansed.
    pub(super) why: String,
}

/// A body behind an inspector.
pub(super) struct Gated<B: Source>(Box<Passage<B>>);

/// A body that hyper hands out.
pub(super) trait Source: Body<Data = Bytes, Error: Error + 'static> + Unpin {
    /// Until when its sender was not read, though it was asked for, if there was such a time.
    fn kept(&self) -> Option<Instant>;
}

impl Source for UpstreamBody {
    /// It knows by itself how long it waits.
    fn kept(&self) -> Option<Instant> {
        None
    }
}

/// What a message's record says of its head.
#[derive(Debug, Default)]
pub(super) struct Labels {
    pub(super) status: Option<u16>,
    /// Cleansed.
    pub(super) content_type: Option<Arc<str>>,
}

impl<B: Source> Gated<B> {
    /// `message`: which it is, and what its decision is called; `silence`: how long a response waits in hold while nothing arrives.
    pub(super) fn new(
        source: B,
        inspector: Box<Inspector>,
        flow: Arc<Flow>,
        message: (Direction, FlowId),
        labels: Labels,
        silence: Option<Duration>,
    ) -> Gated<B> {
        Gated(Box::new(Passage::new(source, inspector, flow, message, labels, silence)))
    }

    /// It is a stream of messages, which tells their ends like this.
    pub(super) fn by_message(&mut self, framing: Framing) {
        self.0.by_message(framing);
    }

    pub(super) fn flow(&self) -> &Arc<Flow> {
        &self.0.flow
    }

    pub(super) fn decision_id(&self) -> FlowId {
        self.0.decision_id
    }

    /// Looks at the head, then pulls until something may leave, or nothing will.
    pub(super) async fn prime(&mut self, head: &Head<'_>) -> Primed {
        let passage = &mut *self.0;
        let mut step = passage.look_at(head);
        let primed = loop {
            if step == Step::Stop {
                break Primed::Stopped;
            }
            if passage.inspector.is_streaming() {
                break Primed::Streaming;
            }
            match poll_fn(|cx| passage.poll_pull(cx)).await {
                Pulled::More => step = Step::Wait,
                Pulled::Silence => break Primed::Streaming,
                Pulled::Judged => break Primed::Whole,
                Pulled::Stopped => step = Step::Stop,
                Pulled::Broken(broken) => break Primed::Broken(broken),
            }
        };
        passage.holding = passage.looked.duration_since(passage.began);
        primed
    }

    /// Whether nothing of the source is left unread.
    pub(super) fn is_read_whole(&self) -> bool {
        self.0.ended || self.0.source.is_end_stream()
    }

    /// Body length of a message that is whole.
    pub(super) fn length(&self) -> Option<u64> {
        self.0.remaining
    }

    pub(super) fn trailers(&self) -> Option<&HeaderMap> {
        self.0.trailers.as_ref()
    }

    pub(super) fn head_edits(&self) -> &[HeadEdit] {
        self.0.inspector.head_edits()
    }

    /// Values masked in a message that is whole, if any.
    pub(super) fn edits(&self) -> Option<u64> {
        self.0.edits.filter(|edits| *edits > 0)
    }

    /// Whether it streams in a coding put on anew: its length is not known.
    pub(super) fn is_recoded(&self) -> bool {
        self.0.inspector.is_recoded()
    }

    /// Whether bytes of the body itself were masked, or may be while it streams.
    pub(super) fn is_edited(&self) -> bool {
        if self.is_recoded() {
            return true;
        }
        let beside = self.0.inspector.head_edits().len() + self.0.inspector.trailer_edits().len();
        self.edits().is_some_and(|edits| edits > beside as u64)
    }

    /// The client will know the end of this body by the end of its connection.
    pub(super) fn ends_by_closing(&mut self) {
        self.0.ends_by_closing = true;
    }

    /// Records what must be on record before the head leaves: the decision of a message that is whole, the
    /// opening of one that streams.
    pub(super) async fn admit(&mut self) -> Result<(), AuditError> {
        let passage = &mut *self.0;
        match passage.phase {
            Phase::Flowing => {
                let record = passage.flow.submit(&passage.draft(Kind::Opening, None));
                passage.flow.shared().permit(record).await.map(drop)
            }
            Phase::Aborted(_) => Ok(()),
            Phase::Judged | Phase::Recording(_) | Phase::Leaving(_) | Phase::Over => {
                poll_fn(|cx| passage.poll_permit(cx)).await
            }
        }
    }

    /// Ends a message that was stopped.
    pub(super) fn stopped(mut self) -> Stopped {
        self.0.stop()
    }

    /// Ends a message that goes nowhere for another reason than its content.
    /// `answer` is what its client gets instead.
    pub(super) fn refused(
        mut self,
        kind: Kind,
        action: Option<Action>,
        answer: StatusCode,
        reason: String,
    ) -> Pending {
        self.0.labels.status = Some(answer.as_u16());
        self.0.abandon(kind, action, reason)
    }
}

impl<B: Source> Body for Gated<B> {
    type Data = Bytes;
    type Error = Aborted;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Aborted>>> {
        self.0.poll_leave(cx)
    }

    fn is_end_stream(&self) -> bool {
        match self.0.phase {
            Phase::Over => true,
            Phase::Leaving(_) => self.0.remaining == Some(0) && self.0.trailers.is_none(),
            Phase::Flowing | Phase::Judged | Phase::Recording(_) | Phase::Aborted(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match (self.0.remaining, &self.0.trailers) {
            (Some(remaining), None) => SizeHint::with_exact(remaining),
            // Trailers need chunks around them.
            (Some(_), Some(_)) | (None, _) => SizeHint::default(),
        }
    }
}
