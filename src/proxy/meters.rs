//! Handles of every figure that traffic moves, registered once: nothing is looked up on the way of a byte.

use std::time::Duration;

use metrics::{Counter, Gauge, counter, gauge};

use super::upstream::PoolStats;
use crate::audit::{Kind, MessageDraft};
use crate::flow::{Direction, Side};
use crate::inspect::{Decision, HeldBytes, Reason};
use crate::policy::Action;
use crate::telemetry::{self as names, latency};
use crate::tls::LeafStats;

/// One handle for each figure with a closed set of labels.
#[derive(Debug)]
pub(super) struct Meters {
    /// By direction, then action, weakest first.
    flows: [[Counter; 4]; 2],
    inspected: [Counter; 2],
    held: Gauge,
    held_max: Gauge,
    flows_open: Gauge,
    pool_idle: Gauge,
    minted: Counter,
    dialled: Counter,
    pooled: Counter,
    pub(super) accept_errors: Counter,
}

const ACTIONS: [Action; 4] = [Action::Allow, Action::Alert, Action::Redact, Action::Block];
const DIRECTIONS: [Direction; 2] = [Direction::Request, Direction::Response];

impl Meters {
    pub(super) fn new() -> Meters {
        Meters {
            flows: DIRECTIONS.map(|direction| {
                ACTIONS.map(|action| {
                    counter!(names::FLOWS, "action" => action.as_str(), "direction" => direction.as_str())
                })
            }),
            inspected: DIRECTIONS
                .map(|direction| counter!(names::INSPECTED_BYTES, "direction" => direction.as_str())),
            held: gauge!(names::HELD_BYTES),
            held_max: gauge!(names::HELD_BYTES_MAX),
            flows_open: gauge!(names::FLOWS_OPEN),
            pool_idle: gauge!(names::POOL_IDLE),
            minted: counter!(names::LEAVES_MINTED),
            dialled: counter!(names::UPSTREAM_CONNECTIONS, "origin" => "dialled"),
            pooled: counter!(names::UPSTREAM_CONNECTIONS, "origin" => "pooled"),
            accept_errors: counter!(names::ACCEPT_ERRORS),
        }
    }

    /// Figures that others keep count of, taken over when somebody asks.
    pub(super) fn take_over(&self, held: &HeldBytes, flows: usize, pool: PoolStats, leaves: LeafStats) {
        self.held.set(held.used() as f64);
        self.held_max.set(held.capacity() as f64);
        self.flows_open.set(flows as f64);
        self.pool_idle.set(pool.idle as f64);
        self.pooled.absolute(pool.reused);
        self.dialled.absolute(pool.missed);
        self.minted.absolute(leaves.minted);
    }

    /// Counts a message once its record is handed over. Labels that only findings or gaps need are looked up here.
    pub(super) fn message(&self, draft: &MessageDraft) {
        let [requests, responses] = &self.flows;
        let [sent, received] = &self.inspected;
        let (flows, inspected) = match draft.direction {
            Direction::Request => (requests, sent),
            Direction::Response => (responses, received),
        };
        // A message is one when it is over; what was found in it counts when it is told.
        if !draft.interim && draft.kind != Kind::Opening {
            let [allow, alert, redact, block] = flows;
            match draft.action {
                Action::Allow => allow,
                Action::Alert => alert,
                Action::Redact => redact,
                Action::Block => block,
            }
            .increment(1);
            latency::INSPECT.record(Duration::from_micros(draft.inspect_us));
            latency::HOLD.record(Duration::from_micros(draft.hold_us));
        }
        if let Some(decision) = &draft.decision {
            told(inspected, decision, draft.told.as_deref());
        }
    }
}

/// Counts what a decision says that was not told `before`.
fn told(inspected: &Counter, decision: &Decision, before: Option<&Decision>) {
    if let Some(reason @ Reason::HeldBytes) = &decision.reason
        && before.and_then(|before| before.reason.as_ref()) != Some(reason)
    {
        refused(reason.as_str());
    }
    let covered = before.map(|before| &before.coverage);
    inspected.increment(
        decision.coverage.inspected.saturating_sub(covered.map_or(0, |coverage| coverage.inspected)),
    );
    for (reason, bytes) in &decision.coverage.uninspected {
        let known = covered.and_then(|covered| covered.uninspected.iter().find(|(word, _)| word == reason));
        let more = bytes.saturating_sub(known.map_or(0, |(_, bytes)| *bytes));
        counter!(names::UNINSPECTED_BYTES, "reason" => *reason).increment(more);
    }
    for found in &decision.found {
        let known = before.and_then(|before| before.found.iter().find(|b| b.identifier == found.identifier));
        let more = found.distinct.saturating_sub(known.map_or(0, |known| known.distinct));
        counter!(names::FINDINGS, "identifier" => found.identifier.to_string()).increment(more);
    }
}

/// Counts a handshake that failed.
pub(super) fn handshake_failed(side: Side, reason: &'static str) {
    counter!(names::HANDSHAKE_FAILURES, "side" => side.as_str(), "reason" => reason).increment(1);
}

/// Counts an upstream that could not be reached or broke off.
pub(super) fn upstream_failed(stage: &'static str) {
    counter!(names::UPSTREAM_ERRORS, "stage" => stage).increment(1);
}

/// Counts a request refused for another reason than its content.
pub(super) fn refused(reason: &'static str) {
    counter!(names::REFUSED, "reason" => reason).increment(1);
}

/// Counts a tunnel that passes unopened.
pub(super) fn unopened(reason: &'static str) {
    counter!(names::UNOPENED, "reason" => reason).increment(1);
}
