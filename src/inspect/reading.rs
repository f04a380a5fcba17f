//! The text of a body as it is read: hits are counted, and remembered until they have left.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use super::Part;
use super::contents::Contents;
use super::depth::Path;
use super::fields::Declared;
use super::judge::{Becomes, Hidden, Judge, Whence};
use super::look::Seen;
use super::packed::Packed;
use super::signed::Signs;
use super::spots::{Keys, Stands};
use super::text::Text;
use crate::decode::{DecodeError, MARKS};
use crate::detect::{Bytes, Confidence, DetectorId, Finding, Twin, holds_any};
use crate::fingerprint::Fingerprint;

/// A hit of a body that has not left yet.
#[derive(Clone, Debug)]
pub(super) struct Hit {
    pub(super) start: u64,
    length: u32,
    pub(super) detector: DetectorId,
    pub(super) confidence: Confidence,
    pub(super) fingerprint: Fingerprint,
    /// What else it is known as.
    twin: Option<Twin>,
    /// Whether a rule lets it pass as it is.
    exempt: bool,
    /// What it wears.
    pub(super) path: Path,
    /// Where its value goes on, when it stands in several pieces.
    pub(super) more: Vec<Range<u64>>,
    /// Whether it may be a scalar of YAML without quotes.
    pub(super) yaml: bool,
    /// Why nothing can be written in its place, if so.
    fixed: Option<&'static str>,
}

impl Hit {
    pub(super) fn hidden(&self) -> Hidden {
        let Hit { detector, confidence, fingerprint, .. } = *self;
        Hidden { detector, confidence, fingerprint }
    }

    /// Where all of it ends.
    fn last(&self) -> u64 {
        self.more.last().map_or_else(|| self.end(), |piece| piece.end)
    }

    pub(super) fn end(&self) -> u64 {
        self.start + u64::from(self.length)
    }

    /// Whether it is to be edited, as things stand.
    pub(super) fn is_edited(&self, judge: &Judge) -> bool {
        !self.exempt && judge.edits(self.detector, self.confidence)
    }

    /// What becomes of it where it leaves now.
    pub(super) fn becomes(&self, judge: &Judge) -> Becomes {
        if self.exempt { Becomes::Left } else { judge.becomes(self.detector, self.confidence, self.twin) }
    }
}

/// A text with its hits.
#[derive(Debug, Default)]
pub(super) struct Reading {
    text: Text,
    /// By start.
    hits: VecDeque<Hit>,
    /// Length of the longest so far.
    longest: u32,
    winners: Vec<Finding>,
    /// The codings around the text, outermost first.
    carrier: Vec<&'static str>,
    /// Whether one of `hits` may stand in several pieces.
    spread: bool,
    /// Whether nothing can be written in the place of one of `hits`, perhaps.
    fixed: bool,
    /// Whether something was met that is compressed in a way that is not known here.
    unknown: bool,
    /// Whether one of `hits` is to be edited, as of `redactions`.
    must_edit: bool,
    redactions: u32,
    /// The first bytes of the text.
    opening: Opening,
    /// What in it tells that it is signed.
    signs: Signs,
    /// What is packed in it.
    contents: Contents,
    packed: Packed,
    /// Fields of a form that rules speak of.
    keys: Keys,
    /// Whether it is YAML: so it is declared, or where a finding stands tells.
    yaml: bool,
}

/// As many bytes as tell a packed format.
#[derive(Clone, Copy, Debug, Default)]
struct Opening {
    bytes: [u8; 24],
    length: usize,
}

/// Whether a piece of text is of ASCII without any of [`MARKS`]: one look for all who would search it for some of them.
pub(super) fn is_unmarked(piece: &[u8]) -> bool {
    const BYTES: Bytes = Bytes::new(&MARKS);
    !holds_any(&BYTES, piece)
}

impl Opening {
    fn push(&mut self, piece: &[u8]) {
        let room = self.bytes.iter_mut().skip(self.length);
        self.length += room.zip(piece).map(|(to, from)| *to = *from).count();
    }
}

impl Reading {
    /// `declared`: what the head says of it.
    pub(super) fn new(carrier: Vec<&'static str>, declared: &Declared) -> Reading {
        let contents = Contents::of(declared);
        Reading { carrier, text: Text::new(declared), contents, yaml: declared.yaml, ..Reading::default() }
    }

    /// Of what a run of digits stands for.
    pub(super) fn of_run() -> Reading {
        Reading { contents: Contents::of_run(), ..Reading::default() }
    }

    /// Bytes that were unpacked.
    pub(super) fn unpacked(&self) -> u64 {
        self.packed.out
    }

    /// What was packed below the surface is looked into, and what cannot be read is said.
    fn sink(&mut self, judge: &mut Judge) {
        self.contents.sunk(judge, &self.carrier, self.text.packed(), &mut self.packed);
        if self.text.is_unknown() && !std::mem::replace(&mut self.unknown, true) {
            self.packed.unreadable(judge, DecodeError::UnknownCoding);
        }
    }

    pub(super) fn push(&mut self, judge: &mut Judge, piece: &[u8]) {
        let bare = is_unmarked(piece);
        self.opening.push(piece);
        self.signs.push(piece);
        self.keys.push(judge, piece);
        self.text.push(judge.engine(), piece, bare);
        self.contents.push(judge, &self.carrier, piece, bare, &mut self.packed);
        self.sink(judge);
        let settled = self.text.settled(judge.engine());
        self.settle(judge, settled);
    }

    /// The text ends with `piece`.
    pub(super) fn last(&mut self, judge: &mut Judge, piece: &[u8]) {
        let bare = is_unmarked(piece);
        self.opening.push(piece);
        self.signs.push(piece);
        self.keys.push(judge, piece);
        self.text.last(judge.engine(), piece, bare);
        self.sink(judge);
        self.contents.last(judge, &self.carrier, piece, bare, &mut self.packed);
        self.settle(judge, u64::MAX);
    }

    pub(super) fn finish(&mut self, judge: &mut Judge) {
        self.text.finish(judge.engine());
        self.sink(judge);
        self.contents.finish(judge, &self.carrier, &mut self.packed);
        self.settle(judge, u64::MAX);
    }

    /// Looks closely at what is still open.
    pub(super) fn settle_exactly(&mut self, judge: &mut Judge) -> u64 {
        let settled = self.text.settled_exact(judge.engine());
        self.settle(judge, settled);
        let packed = self.contents.settled(judge.engine(), true);
        // Where no rule could stop or edit it, nothing waits for what tells how sure a find is.
        if judge.may_act() { self.text.limit(settled).min(packed) } else { packed }
    }

    pub(super) fn settle(&mut self, judge: &mut Judge, settled: u64) {
        if !self.text.has_findings() {
            return;
        }
        let (keys, engine) = (&self.keys, Arc::clone(judge.engine()));
        let mut exempt = |finding: &Finding, stands: Stands<'_>| {
            let spots = keys.spots(judge, finding, stands);
            judge.exempts(finding, &spots)
        };
        self.text.resolve(&engine, settled, &mut exempt, &mut self.winners);
        for finding in self.winners.drain(..) {
            let path = self.text.path(&finding);
            if self.contents.has_counted(&finding) {
                continue;
            }
            if judge.gathers() {
                let carrier = self.carrier.iter().copied().chain(path.carriers()).collect();
                judge.gather(Seen { finding, carrier, base: self.carrier.len(), member: None });
                continue;
            }
            let place = self.text.place(&finding);
            let within = place.as_ref().map_or(0, |place| place.within);
            self.yaml |= place.as_ref().is_some_and(|place| place.kinds.contains(&Some("yaml")));
            let kinds = place.iter().flat_map(|place| place.kinds.iter().copied().flatten());
            let (outer, inner) = (path.carriers().take(within), path.carriers().skip(within));
            let mut carrier: Vec<_> =
                self.carrier.iter().copied().chain(outer).chain(kinds).chain(inner).collect();
            // The escapes of JSON are JSON's.
            carrier.dedup();
            let more = self.text.more(&finding);
            self.spread |= !more.is_empty();
            let named = place.as_ref().map(|place| place.path.as_bytes());
            let whence = Whence { part: Part::Body, path: named, family: None, carrier: &carrier };
            let spots = self.keys.spots(judge, &finding, self.text.stands(&finding, path));
            let exempt = judge.count(&finding, whence, &spots);
            let fixed = self.text.sealed(&finding).or(path.fixed());
            self.fixed |= fixed.is_some();
            self.must_edit |= !exempt && judge.edits(finding.detector, finding.confidence);
            let length = u32::try_from(finding.end - finding.start).unwrap_or(u32::MAX);
            self.longest = self.longest.max(length);
            self.hits.push_back(Hit {
                start: finding.start,
                length,
                detector: finding.detector,
                confidence: finding.confidence,
                fingerprint: finding.fingerprint,
                twin: finding.twin,
                exempt,
                path,
                more,
                yaml: self.yaml,
                fixed,
            });
        }
        self.text.forget_paths(settled);
    }

    /// Whether a hit that has not left is to be edited.
    pub(super) fn must_edit(&mut self, judge: &Judge) -> bool {
        if self.redactions != judge.redactions() {
            self.redactions = judge.redactions();
            self.must_edit = self.hits.iter().any(|hit| hit.is_edited(judge));
        }
        self.must_edit
    }

    /// Why an edit that is now asked for cannot be made in what is packed, if one is.
    pub(super) fn refusal(&self, judge: &Judge) -> Option<&'static str> {
        let asked = |hit: &Hit| hit.fixed.filter(|_| hit.is_edited(judge));
        let fixed = || if self.fixed { self.hits.iter().find_map(asked) } else { None };
        self.packed.refusal(judge).or_else(fixed)
    }

    /// Whether the text is something packed, of which nothing is ever edited.
    pub(super) fn is_packed(&self) -> bool {
        self.contents.is_packed()
    }

    /// Bytes of it that were not read, and why.
    pub(super) fn unread(&self) -> &[(&'static str, u64)] {
        self.packed.unread()
    }

    /// What was found in what is packed leaves with what it was found in.
    pub(super) fn leave_packed(&mut self, judge: &mut Judge) {
        self.packed.leave(judge);
    }

    /// Whether the text tells of a signature over it.
    pub(super) fn is_signed(&self) -> bool {
        self.signs.is_signed()
    }

    pub(super) fn opening(&self) -> &[u8] {
        self.opening.bytes.get(..self.opening.length).unwrap_or_default()
    }

    /// Bytes of text so far.
    pub(super) fn seen(&self) -> u64 {
        self.text.seen()
    }

    /// How far the text may leave.
    pub(super) fn limit(&self, judge: &Judge) -> u64 {
        let engine = judge.engine();
        self.text.limit(self.text.settled(engine)).min(self.contents.settled(engine, false))
    }

    /// Whether a finding has been counted, and waits.
    pub(super) fn has_hit(&self, finding: &Finding) -> bool {
        self.hits.iter().any(|hit| (hit.detector, hit.start) == (finding.detector, finding.start))
    }

    /// `limit`, or the start of the hit that it would cut through.
    pub(super) fn uncut(&self, limit: u64) -> u64 {
        let mut limit = limit;
        loop {
            let below = self.hits.partition_point(|hit| hit.start < limit);
            let before = self.hits.iter().take(below).rev();
            let mut near = before.take_while(|hit| hit.start + u64::from(self.longest) > limit);
            let cut = near.find(|hit| hit.end() > limit).map(|hit| hit.start);
            let is_cut = |hit: &&Hit| hit.start < limit && hit.last() > limit;
            let spread = if self.spread { self.hits.iter().find(is_cut).map(|hit| hit.start) } else { None };
            match cut.into_iter().chain(spread).min() {
                Some(start) => limit = start,
                None => return limit,
            }
        }
    }

    /// How far the text itself is known, whatever is packed in it.
    pub(super) fn surface_limit(&self, judge: &Judge) -> u64 {
        self.text.limit(self.text.settled(judge.engine()))
    }

    /// Forgets what was found in what is packed: nothing of it waits.
    pub(super) fn forget(&mut self) {
        self.packed = std::mem::take(&mut self.packed).emptied();
    }

    /// The next hit that leaves when everything below `limit` does.
    pub(super) fn leave(&mut self, limit: u64) -> Option<Hit> {
        self.hits.front().filter(|hit| hit.start < limit)?;
        self.hits.pop_front()
    }

    /// Memory that the hits take, and what is known of the text.
    pub(super) fn bytes(&self) -> usize {
        self.hits.len() * size_of::<Hit>() + self.text.bytes() + self.contents.bytes()
    }
}
