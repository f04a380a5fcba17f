//! One message's passage through its inspector: pulled, looked at, recorded, let go.

use std::error::Error;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::HeaderMap;
use http_body::Frame;

use super::body::{Aborted, Broken, Labels, Source};
use super::exchange::{Fault, Flow, Stopped, micros};
use super::grpc::{Framing, Messages};
use super::headers;
use super::pace::Pace;
use super::silence::Silence;
use super::steps::{self, Looks};
use super::throttle::{self, Slowly};
use super::upstream::{self, UpstreamBodyError};
use super::waking;
use crate::audit::{AuditError, Kind, MessageDraft, Pending, Permit};
use crate::flow::{Direction, FlowId};
use crate::inspect::{Decision, Familiar, Head, Inspector, Step};
use crate::policy::Action;

/// A message between the side that sends it and the side that reads it.
pub(super) struct Passage<B: Source> {
    pub(super) source: B,
    /// Large, and not moved about on its way here.
    pub(super) inspector: Box<Inspector>,
    pub(super) flow: Arc<Flow>,
    pub(super) direction: Direction,
    pub(super) decision_id: FlowId,
    pub(super) labels: Labels,
    pub(super) phase: Phase,
    pub(super) trailers: Option<HeaderMap>,
    /// The source has said that there is no more.
    pub(super) ended: bool,
    /// Body bytes that came, and those still to leave of a message that is whole.
    came: u64,
    pub(super) remaining: Option<u64>,
    /// Responses: how long nothing has come. Requests: how fast they come.
    silence: Option<Silence>,
    pace: Pace,
    /// Of a stream of messages.
    messages: Option<Messages>,
    pub(super) began: Instant,
    /// When the inspector was last done with a piece of it.
    pub(super) looked: Instant,
    looks: Looks,
    inspecting: Duration,
    /// From the head to the first moment that the message could leave.
    pub(super) holding: Duration,
    /// The message's last word is with the writer.
    settled: bool,
    /// Of a message that is whole: its decision until that is recorded, and how many values were masked.
    decision: Option<Decision>,
    pub(super) edits: Option<u64>,
    /// Made when an overlay slows it down.
    slowly: Option<Box<Slowly>>,
    /// Its end is marked by closing the connection, so that a cut must be marked otherwise.
    pub(super) ends_by_closing: bool,
}

/// How far a message is on its way.
pub(super) enum Phase {
    /// More may come.
    Flowing,
    /// It ended, and may leave once that is recorded.
    Judged,
    Recording(Pending),
    Leaving(Permit),
    Over,
    /// It was cut, and is never more than that.
    Aborted(Aborted),
}

/// What one pull brought.
pub(super) enum Pulled {
    More,
    Silence,
    Judged,
    Stopped,
    Broken(Broken),
}

/// A response of which something comes all the time is held for so many times as long as a silent one: what comes from afar in
/// pieces is whole by then, if it fits.
const HELD_AT_MOST: u32 = 5;

/// What comes of a request that does not go on.
fn slow() -> Pulled {
    Pulled::Broken(Broken { timed_out: true, why: "client sends too slowly".to_owned() })
}

impl<B: Source> Passage<B> {
    pub(super) fn new(
        source: B,
        mut inspector: Box<Inspector>,
        flow: Arc<Flow>,
        (direction, decision_id): (Direction, FlowId),
        labels: Labels,
        silence: Option<Duration>,
    ) -> Passage<B> {
        let began = Instant::now();
        inspector.in_steps(steps::step);
        Passage {
            source,
            inspector,
            decision_id,
            flow,
            direction,
            labels,
            phase: Phase::Flowing,
            trailers: None,
            ended: false,
            came: 0,
            remaining: None,
            silence: silence.map(|wait| Silence::new(wait).at_most(HELD_AT_MOST * wait)),
            pace: Pace::default(),
            messages: None,
            began,
            looked: began,
            looks: Looks::default(),
            inspecting: Duration::ZERO,
            holding: Duration::ZERO,
            settled: false,
            decision: None,
            edits: None,
            slowly: None,
            ends_by_closing: false,
        }
    }

    /// Looks at the head, which the passage began for.
    pub(super) fn look_at(&mut self, head: &Head<'_>) -> Step {
        let Passage { looks, inspector, flow, direction, .. } = self;
        let Flow { client, edition, .. } = &**flow;
        let known = |known: &mut Familiar| inspector.head_among(head, known);
        let (step, ended) = looks.timed(|| client.familiar.heads(*direction, &edition.engine, known));
        self.looked = ended;
        self.inspecting = ended.duration_since(self.began);
        step
    }

    fn timed(&mut self, look: impl FnOnce(&mut Inspector) -> Step) -> Step {
        let Passage { looks, inspector, .. } = self;
        let (step, ended) = looks.timed(|| look(inspector));
        self.looked = ended;
        self.inspecting += self.looks.last();
        step
    }

    /// Pulls one frame and has it looked at.
    pub(super) fn poll_pull(&mut self, cx: &mut Context<'_>) -> Poll<Pulled> {
        if self.source.is_end_stream() {
            return Poll::Ready(self.end());
        }
        let (frame, swallowed) = waking::quietly(|| Pin::new(&mut self.source).poll_frame(cx));
        // Taking a chunk wakes this very task, to have the next one read: there is none after the last. With an answer that
        // comes early ends what its client still sends: it is nobody's any more, and its connection must hear of that.
        if swallowed && (!self.source.is_end_stream() || self.flow.client.guard.is_in_body()) {
            cx.waker().wake_by_ref();
        }
        let frame = match frame {
            Poll::Ready(frame) => frame,
            Poll::Pending => {
                if let Some(pulled) = self.rest() {
                    return Poll::Ready(pulled);
                }
                if self.direction == Direction::Request && self.poll_slow(cx).is_ready() {
                    return Poll::Ready(slow());
                }
                let Some(silence) = &mut self.silence else { return Poll::Pending };
                ready!(silence.poll(cx));
                return match self.timed(Inspector::idle) {
                    // It must stay whole: what is to be encoded anew cannot leave in parts.
                    Step::Wait => Poll::Pending,
                    Step::Release => Poll::Ready(Pulled::Silence),
                    Step::Stop => Poll::Ready(Pulled::Stopped),
                };
            }
        };
        Poll::Ready(match frame {
            Some(Ok(frame)) => {
                let before = self.inspecting;
                let pulled = self.take(frame);
                steps::charge(cx, self.inspecting - before);
                pulled
            }
            Some(Err(error)) => Pulled::Broken(self.broken(&error)),
            None => self.end(),
        })
    }

    /// Nothing of a request is there. Ready when its client has sent too little for too long.
    fn poll_slow(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let is_answered = self.flow.is_answered();
        match &self.messages {
            // Who makes a call speaks when there is something to say.
            Some(messages) if is_answered || messages.is_between() => self.pace.rest(),
            // Two that speak to each other may have nothing to say for as long as a body may be silent.
            None if is_answered => self.pace.wait(),
            Some(_) | None => return self.pace.poll_slow(cx, self.source.kept()),
        }
        Poll::Pending
    }

    /// It is a stream of messages.
    pub(super) fn by_message(&mut self, framing: Framing) {
        self.messages = Some(Messages::new(framing));
        if framing.is_by_message() {
            self.inspector.by_message();
        }
    }

    /// Nothing more is here for now: a message that is whole goes to its reader.
    fn rest(&mut self) -> Option<Pulled> {
        let (recent, whole) = self.messages.as_mut()?.ended()?;
        match self.timed(|inspector| inspector.rest(recent, whole)) {
            Step::Wait => None,
            Step::Release => Some(Pulled::Silence),
            Step::Stop => Some(Pulled::Stopped),
        }
    }

    fn end(&mut self) -> Pulled {
        let step = self.timed(Inspector::finish);
        self.finished(step)
    }

    fn finished(&mut self, step: Step) -> Pulled {
        self.ended = true;
        match step {
            Step::Wait | Step::Release => {
                let decision = self.inspector.decision();
                self.edits = Some(decision.edits);
                self.decision = Some(decision);
                if !self.inspector.is_streaming() {
                    self.remaining = Some(self.inspector.new_length().unwrap_or(self.came));
                }
                self.phase = Phase::Judged;
                Pulled::Judged
            }
            Step::Stop => Pulled::Stopped,
        }
    }

    fn take(&mut self, frame: Frame<Bytes>) -> Pulled {
        if let Some(silence) = &mut self.silence {
            silence.broken();
        }
        let step = match frame.into_data() {
            Ok(bytes) => {
                if self.direction == Direction::Request && !self.pace.take(bytes.len()) {
                    return slow();
                }
                self.came += bytes.len() as u64;
                if let Some(messages) = &mut self.messages {
                    messages.take(&bytes);
                }
                let (last, mut finished) = (self.source.is_end_stream(), false);
                let step = self.timed(|inspector| {
                    if !last {
                        return inspector.push(bytes);
                    }
                    match inspector.push_last(bytes) {
                        Step::Wait => {
                            finished = true;
                            inspector.finish()
                        }
                        // What is released leaves first.
                        step => step,
                    }
                });
                if finished {
                    return self.finished(step);
                }
                step
            }
            Err(frame) => match frame.into_trailers() {
                Ok(mut trailers) => {
                    headers::clean_trailers(&mut trailers);
                    let step = self.timed(|inspector| inspector.trailers(&headers::view(&trailers)));
                    self.trailers = Some(trailers);
                    // Nothing follows trailers.
                    self.ended = true;
                    step
                }
                // No other kind of frame is known to HTTP.
                Err(_) => {
                    let why = "unknown kind of frame".to_owned();
                    return Pulled::Broken(Broken { timed_out: false, why });
                }
            },
        };
        match step {
            Step::Wait | Step::Release => Pulled::More,
            Step::Stop => Pulled::Stopped,
        }
    }

    /// What went wrong, in the words of the innermost error: hyper's own hide it.
    fn broken(&self, error: &(dyn Error + 'static)) -> Broken {
        let mut innermost = error;
        while let Some(source) = innermost.source() {
            innermost = source;
        }
        let timed_out = match (innermost.downcast_ref(), innermost.downcast_ref::<std::io::Error>()) {
            (Some(UpstreamBodyError { fault, .. }), _) => matches!(fault, upstream::Fault::Stalled(_)),
            (None, io) => io.is_some_and(|error| error.kind() == std::io::ErrorKind::TimedOut),
        };
        Broken { timed_out, why: self.flow.cleanse(&innermost.to_string()) }
    }

    pub(super) fn draft(&self, kind: Kind, decision: Option<Decision>) -> MessageDraft {
        let mut draft = self.flow.draft(kind, self.direction, self.decision_id);
        draft.status = self.labels.status;
        draft.content_type.clone_from(&self.labels.content_type);
        draft.action = decision.as_ref().map_or(Action::Allow, |decision| decision.action);
        draft.decision = decision;
        draft.overlay = self.inspector.overlays();
        draft.mode = self.inspector.mode();
        draft.inspect_us = micros(self.inspecting);
        draft.hold_us = micros(self.holding);
        draft
    }

    /// Hands the final decision to the writer.
    fn record(&mut self) -> Pending {
        let decision = self.decision.take().unwrap_or_else(|| self.inspector.decision());
        if self.direction == Direction::Request && decision.edits > 0 {
            self.flow.request_redacted(self.decision_id, decision.edits);
        }
        self.settled = true;
        let draft = self.draft(Kind::Decision, Some(decision));
        self.flow.submit(&draft)
    }

    /// Waits until the end of the message may leave.
    pub(super) fn poll_permit(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), AuditError>> {
        loop {
            self.phase = match &mut self.phase {
                Phase::Judged => Phase::Recording(self.record()),
                Phase::Recording(pending) => match ready!(self.flow.shared().poll_permit(pending, cx)) {
                    Ok(permit) => {
                        if let Some(trailers) = &mut self.trailers {
                            headers::edit(trailers, self.inspector.trailer_edits());
                        }
                        Phase::Leaving(permit)
                    }
                    Err(error) => {
                        self.phase = Phase::Aborted(Aborted::Unrecorded);
                        return Poll::Ready(Err(error));
                    }
                },
                Phase::Flowing | Phase::Leaving(_) | Phase::Over | Phase::Aborted(_) => {
                    return Poll::Ready(Ok(()));
                }
            };
        }
    }

    /// Ends a message that its decision stops.
    pub(super) fn stop(&mut self) -> Stopped {
        self.phase = Phase::Aborted(Aborted::Stopped);
        self.settled = true;
        let decision = self.inspector.decision();
        let draft = self.draft(Kind::Decision, Some(decision.clone()));
        let record = self.flow.submit(&draft);
        Stopped { decision_id: self.decision_id, decision, record }
    }

    /// Ends a message that goes no further for another reason than its content.
    pub(super) fn abandon(&mut self, kind: Kind, action: Option<Action>, reason: String) -> Pending {
        self.phase = Phase::Aborted(Aborted::Broken);
        self.settled = true;
        let mut decision = match self.decision.take() {
            Some(judged) => {
                self.inspector.undelivered();
                judged.undelivered()
            }
            None => {
                self.inspector.abandon();
                self.inspector.decision()
            }
        };
        decision.action = action.unwrap_or(decision.action);
        let mut draft = self.draft(kind, Some(decision));
        draft.reason = Some(reason);
        self.flow.submit(&draft)
    }

    /// Stops a message that was under way, and leaves word for whoever has to answer.
    fn cut(&mut self) -> Aborted {
        let stopped = self.stop();
        self.leave_word(Fault::Stopped(stopped));
        Aborted::Stopped
    }

    /// The sender broke off while the message was under way.
    fn break_off(&mut self, broken: Broken) -> Aborted {
        // The record needs no waiting for: nothing more of this message leaves.
        drop(self.abandon(Kind::End, None, broken.why.clone()));
        self.leave_word(Fault::Broken(broken));
        Aborted::Broken
    }

    fn leave_word(&self, fault: Fault) {
        match self.direction {
            Direction::Request => self.flow.fail(fault),
            // The head of this response has left: there is nobody to tell but by cutting.
            Direction::Response if self.ends_by_closing => {
                self.flow.client.peer.told.reset.store(true, Ordering::Relaxed)
            }
            Direction::Response => {}
        }
    }

    /// The next frame that may leave.
    pub(super) fn poll_leave(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Aborted>>> {
        loop {
            match self.phase {
                Phase::Flowing => {
                    if let Some(bytes) = ready!(self.poll_released(cx)) {
                        return Poll::Ready(Some(Ok(self.leave(bytes))));
                    }
                    if self.slowly.is_some() && self.inspector.is_refused() {
                        return Poll::Ready(Some(Err(self.cut())));
                    }
                    match ready!(self.poll_pull(cx)) {
                        Pulled::More | Pulled::Silence | Pulled::Judged => {}
                        Pulled::Stopped => return Poll::Ready(Some(Err(self.cut()))),
                        Pulled::Broken(broken) => return Poll::Ready(Some(Err(self.break_off(broken)))),
                    }
                }
                Phase::Judged | Phase::Recording(_) => {
                    if ready!(self.poll_permit(cx)).is_err() {
                        self.leave_word(Fault::Unrecorded);
                        return Poll::Ready(Some(Err(Aborted::Unrecorded)));
                    }
                }
                Phase::Leaving(_) => {
                    if let Some(bytes) = ready!(self.poll_released(cx)) {
                        return Poll::Ready(Some(Ok(self.leave(bytes))));
                    }
                    self.phase = Phase::Over;
                    if let Some(trailers) = self.trailers.take() {
                        return Poll::Ready(Some(Ok(Frame::trailers(trailers))));
                    }
                }
                Phase::Over => return Poll::Ready(None),
                Phase::Aborted(how) => return Poll::Ready(Some(Err(how))),
            }
        }
    }

    /// What may leave next: all at once, unless an overlay slows it down.
    fn poll_released(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if self.slowly.is_none() && !throttle::slows(self.inspector.laid()) {
            return Poll::Ready(self.inspector.next_released());
        }
        // What waits long may be stopped meanwhile, or freed.
        self.inspector.look_again();
        let slowly = self.slowly.get_or_insert_default();
        if slowly.is_empty() {
            match self.inspector.next_released() {
                Some(bytes) => slowly.put(bytes),
                None => return Poll::Ready(None),
            }
        }
        let stopped = matches!(self.phase, Phase::Flowing) && self.inspector.is_refused();
        if stopped {
            return Poll::Ready(None);
        }
        slowly.poll(cx, self.inspector.laid()).map(Some)
    }

    fn leave(&mut self, bytes: Bytes) -> Frame<Bytes> {
        if let Some(remaining) = &mut self.remaining {
            *remaining = remaining.saturating_sub(bytes.len() as u64);
        }
        Frame::data(bytes)
    }
}

impl<B: Source> Drop for Passage<B> {
    /// A message that nobody waits for any longer has a record all the same.
    fn drop(&mut self) {
        match self.direction {
            Direction::Request if !self.ended && !self.source.is_end_stream() => {
                self.flow.client.peer.left_unread()
            }
            Direction::Request | Direction::Response => {}
        }
        if !self.settled {
            let reason = self.flow.gone();
            drop(self.abandon(Kind::End, None, reason.to_owned()));
        }
    }
}
