//! A stream that rests: nothing follows for now, and whoever reads it may be waiting for what is there.
//!
//! Invariant: a value that is whole when a stream rests is counted before it leaves, together with all that was counted
//! before it, so that none leaves that a rule would have stopped had it been followed by anything.

use std::sync::Arc;

use bytes::Bytes;

use super::decision::Reason;
use super::inspector::Inspector;
use super::judge::Judge;
use super::look::{Gathered, Seen};
use super::{Head, Step};
use crate::policy::Counted;

/// What the end of what came would hold, if it were the end.
struct Foreseen {
    seen: Vec<(Seen, Counted)>,
    /// It could not pass, or not as it is.
    stops: bool,
    edits: bool,
}

impl Inspector {
    /// Nothing has come for a while on a stream whose two ends wait for each other: all that is there leaves, unless what
    /// is whole in it stops the stream. `recent` are the last bytes that came, and at least those that wait. A value that
    /// begins in it and ends in what comes later stops the stream then, before its end leaves.
    pub fn pause(&mut self, recent: Bytes) -> Step {
        self.guarded(|this| {
            let head = Head { target: None, fields: &[], length: None, coding: None, events: true };
            let foreseen = this.foresee(&head, recent);
            if foreseen.edits {
                // A mask could not take its place any more.
                this.judge.refuse(Reason::CannotRedact("archive"));
            }
            this.leave_all(foreseen.seen)
        })
    }

    /// What came ends with a message whose reader may be waiting for it, and nothing follows for now: all of it leaves,
    /// unless it would be stopped or edited if `recent`, its last bytes, were the end. `whole`: they begin with a message.
    pub fn rest(&mut self, recent: Bytes, whole: bool) -> Step {
        self.guarded(|this| {
            if this.body.hold.waiting() == 0 {
                return Step::Wait;
            }
            // What begins within a message cannot be read as its type says.
            let media_type = this.judge.message().media_type.clone().filter(|_| whole);
            let fields: Vec<_> = media_type.iter().map(|word| ("content-type", word.as_bytes())).collect();
            let head = Head { target: None, fields: &fields, length: None, coding: None, events: true };
            let foreseen = this.foresee(&head, recent);
            let stops = foreseen.stops || this.judge.blocks();
            match (stops, foreseen.edits) {
                (false, false) => this.leave_all(foreseen.seen),
                // Its mask may have to wait for what follows; what is settled need not.
                (false, true) => {
                    this.judge.await_ahead(&foreseen.seen);
                    Step::Wait
                }
                (true, _) => {
                    this.judge.await_ahead(&foreseen.seen);
                    if this.end() == Step::Stop {
                        return Step::Stop;
                    }
                    this.judge.refuse(Reason::InspectorFailed);
                    this.stop()
                }
            }
        })
    }

    /// Lets all leave, unless that stops it.
    fn leave_all(&mut self, mut seen: Vec<(Seen, Counted)>) -> Step {
        // What is found on the usual way counts there.
        self.body.settle_all(&mut self.judge);
        seen.retain(|(seen, _)| seen.base > 0 || !self.body.has_hit(&seen.finding));
        let step = self.release_all();
        self.judge.enter_ahead(&seen, step != Step::Stop);
        step
    }

    /// Looks at the end of what came as if it were the end, and counts what has not been counted.
    fn foresee(&mut self, head: &Head<'_>, recent: Bytes) -> Foreseen {
        // What lies before was counted when it left, and may be cut.
        let old = (recent.len() as u64).saturating_sub(self.body.hold.waiting());
        let offset = self.body.seen().saturating_sub(recent.len() as u64);
        let (engine, message) = (Arc::clone(self.judge.engine()), self.judge.message().clone());
        let mut probe = Inspector::new(Arc::clone(&engine), message.clone());
        probe.judge = Judge::gathering(engine, message, Gathered::default());
        let mut stops = [probe.head(head), probe.push(recent), probe.finish()].contains(&Step::Stop);
        let (all, unread) = probe.judge.gathered();
        stops |= !unread.is_empty() && self.judge.refuses_unreadable();
        let (mut seen, mut edits) = (Vec::new(), false);
        for mut one in all {
            if one.base == 0 && one.finding.end <= old {
                continue;
            }
            let Some(counted) = self.judge.count_ahead(&one.finding) else { continue };
            edits |= self.judge.edits(one.finding.detector, one.finding.confidence);
            one.finding.start += offset;
            one.finding.end += offset;
            seen.push((one, counted));
        }
        Foreseen { seen, stops, edits }
    }
}
