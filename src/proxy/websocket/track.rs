//! A lane with its records: the opening, one decision a change of action, and the end.

use std::io;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::BytesMut;
use http::{HeaderMap, StatusCode};
use tokio::io::{AsyncRead, AsyncReadExt};

use super::compression::Compression;
use super::lane::{Halt, Lane};
use super::relay::Cut;
use crate::audit::{Kind, MessageDraft, Pending};
use crate::flow::{Direction, FlowId};
use crate::inspect::Decision;
use crate::limits;
use crate::policy::Action;
use crate::proxy::exchange::{Flow, MessageHead, micros};
use crate::proxy::shared::unix_ms;
use crate::proxy::steps::{self, Looks};

/// One direction, with what has come of it and what may leave.
pub(super) struct Track {
    pub(super) direction: Direction,
    pub(super) out: BytesMut,
    bytes: BytesMut,
    lane: Lane,
    decision_id: FlowId,
    /// The strongest action that is on record.
    noted: Action,
    /// What has been told of it so far.
    told: Option<Box<Decision>>,
    ended: bool,
    looks: Looks,
    inspecting: Duration,
}

impl Track {
    /// `None` for a flow without a destination, of which nothing is asked.
    pub(super) fn new(flow: &Arc<Flow>, direction: Direction, how: Option<Compression>) -> Option<Track> {
        let fields = HeaderMap::new();
        let now_ms = unix_ms();
        let terms = flow.message(MessageHead { direction, fields: &fields, status: None, now_ms })?;
        let masked = match direction {
            Direction::Request => true,
            Direction::Response => false,
        };
        Some(Track {
            direction,
            out: BytesMut::new(),
            bytes: BytesMut::new(),
            lane: Lane::new(&flow.edition.engine, terms, masked, how),
            decision_id: flow.shared().ids.next_at(now_ms),
            noted: Action::Allow,
            told: None,
            ended: false,
            looks: Looks::default(),
            inspecting: Duration::ZERO,
        })
    }

    /// What was read before anything could be taken.
    pub(super) fn came(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    pub(super) fn is_within(&self) -> bool {
        self.lane.is_within()
    }

    pub(super) fn is_closed(&self) -> bool {
        self.lane.is_closed()
    }

    /// Whether nothing of it is cut off.
    pub(super) fn is_whole(&self) -> bool {
        self.bytes.is_empty() && !self.lane.is_within()
    }

    /// Reads what comes next; zero at the end. No buffer is kept while nothing comes.
    pub(super) async fn fill(&mut self, from: &mut (impl AsyncRead + Unpin)) -> io::Result<usize> {
        let bytes = &mut self.bytes;
        std::future::poll_fn(|cx| {
            bytes.reserve(limits::WEBSOCKET_READ);
            let read = {
                let read = std::pin::pin!(from.read_buf(bytes));
                std::future::Future::poll(read, cx)
            };
            if read.is_pending() && bytes.is_empty() {
                *bytes = BytesMut::new();
            }
            match read {
                // TLS says of some ends that they were rude; what was framed is whole all the same.
                Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => Poll::Ready(Ok(0)),
                read => read,
            }
        })
        .await
    }

    pub(super) async fn feed(&mut self) -> Result<(), Halt> {
        let Track { lane, bytes, out, looks, .. } = self;
        let (fed, _) = looks.timed(|| lane.feed(bytes, out));
        self.inspecting += self.looks.last();
        steps::pay(self.looks.last()).await;
        fed
    }

    pub(super) fn idle(&mut self) -> Result<(), Halt> {
        self.lane.idle(&mut self.out)
    }

    fn draft(&self, flow: &Flow, kind: Kind, decision: Option<Decision>) -> MessageDraft {
        let mut draft = flow.draft(kind, self.direction, self.decision_id);
        draft.action = decision.as_ref().map_or(Action::Allow, |decision| decision.action);
        draft.decision = decision;
        draft.overlay = self.lane.overlays();
        draft.inspect_us = micros(self.inspecting);
        // What it came of.
        draft.status = match self.direction {
            Direction::Request => None,
            Direction::Response => Some(StatusCode::SWITCHING_PROTOCOLS.as_u16()),
        };
        draft
    }

    /// The record that comes before the first message.
    pub(super) fn open(&self, flow: &Flow) -> Pending {
        flow.submit(&self.draft(flow, Kind::Opening, None))
    }

    /// The record of a decision that asks for more than those before it.
    pub(super) fn note(&mut self, flow: &Flow) -> Option<Pending> {
        let strongest = self.lane.strongest();
        // What is stopped is recorded as that, below.
        if strongest <= self.noted || self.lane.decision().action == Action::Block {
            return None;
        }
        self.noted = strongest;
        Some(self.tell(flow, self.lane.decision()))
    }

    /// The record of what came of it so far, which its end will tell once more.
    fn tell(&mut self, flow: &Flow, decision: Decision) -> Pending {
        let mut draft = self.draft(flow, Kind::Decision, Some(decision.clone()));
        draft.interim = true;
        draft.told = self.told.replace(Box::new(decision));
        flow.submit(&draft)
    }

    /// Why the lane goes no further, with its record on the way.
    pub(super) fn halted(&mut self, flow: &Flow, halt: Halt) -> Cut {
        match halt {
            Halt::Stopped(decision) => {
                self.noted = Action::Block;
                let record = self.tell(flow, *decision);
                Cut::Stopped(self.decision_id, record)
            }
            Halt::Fault(fault) => Cut::Fault(fault),
        }
    }

    /// The record of the end, of which there is one.
    pub(super) fn end(&mut self, flow: &Flow, reason: &str) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        self.lane.end();
        let mut draft = self.draft(flow, Kind::End, Some(self.lane.decision()));
        draft.reason = Some(reason.to_owned());
        draft.told = self.told.take();
        // Nobody is left who could wait for it.
        drop(flow.submit(&draft));
    }
}
