//! The running state of one stream: a short carry-over between chunks, and how far everything is decided.

use std::sync::Arc;

use super::names::{Above, Gathering, Layout, Place, Under};
use super::region::{How, Region};
use super::scratch::Scratch;
use super::{Finding, Matcher};
use crate::fingerprint::FingerprintKey;

/// Small chunks are gathered until this many starts can be decided at once.
const QUANTUM: u64 = 256;

/// Scans a stream chunk by chunk.
#[derive(Clone, Debug)]
pub struct Scan {
    /// The end of the stream so far: undecided starts and the context before them.
    carry: Vec<u8>,
    /// Stream offset of `carry[0]`.
    base: u64,
    /// Every start below is decided.
    decided: u64,
    seen: u64,
    scratch: Scratch,
    /// Findings that begin past what is decided: the values of matches that began before it.
    early: Vec<Finding>,
    /// What the text's first line tells.
    first_line: Gathering,
    /// What the whole text stands under.
    under: Option<Arc<Under>>,
}

impl Default for Scan {
    fn default() -> Scan {
        Scan::new()
    }
}

impl Scan {
    #[must_use]
    pub fn new() -> Scan {
        Scan {
            carry: Vec::new(),
            base: 0,
            decided: 0,
            seen: 0,
            scratch: Scratch::placing(),
            early: Vec::new(),
            first_line: Gathering::default(),
            under: None,
        }
    }

    /// A scan of a text that is a part of another; what that one's first line tells is said by [`Scan::adopt`].
    #[must_use]
    pub fn within() -> Scan {
        Scan { first_line: Gathering::elsewhere(), ..Scan::new() }
    }

    /// A scan of a text that is known to be YAML.
    #[must_use]
    pub fn of_yaml() -> Scan {
        Scan { first_line: Gathering::yaml(), ..Scan::new() }
    }

    /// A scan of a text that stands in another.
    #[must_use]
    pub fn under(self, under: Option<Arc<Under>>) -> Scan {
        Scan { under, ..self }
    }

    /// Takes what the first line of the text around it tells, before anything behind that line is pushed.
    pub fn adopt(&mut self, layout: Option<&Arc<Layout>>) {
        self.first_line.adopt(layout);
    }

    /// What the text's first line tells, once it has ended.
    #[must_use]
    pub fn layout(&self) -> Option<&Arc<Layout>> {
        self.first_line.layout()
    }

    /// Where findings stand that were appended since the last call, as far as their text names it.
    pub fn places(&mut self) -> std::vec::IntoIter<Place> {
        std::mem::take(&mut self.scratch.places).into_iter()
    }

    /// Appends to `out` the findings that are now certain, ordered by start.
    pub fn push(&mut self, matcher: &Matcher, key: &FingerprintKey, chunk: &[u8], out: &mut Vec<Finding>) {
        let first_new = out.len();
        out.append(&mut self.early);
        self.first_line.push(chunk);
        self.advance(matcher, key, chunk, out);
        if out.len() > first_new {
            self.keep_early(first_new, out);
        }
        self.early.shrink_to_fit();
    }

    /// Takes back what begins where other findings may still come before it.
    fn keep_early(&mut self, first_new: usize, out: &mut Vec<Finding>) {
        if let Some(new) = out.get_mut(first_new..) {
            new.sort_unstable_by_key(|f| (f.start, f.end, f.detector));
            let certain = new.iter().take_while(|f| f.start < self.decided).count();
            self.early.extend(out.drain(first_new + certain..));
        }
    }

    fn advance(&mut self, matcher: &Matcher, key: &FingerprintKey, chunk: &[u8], out: &mut Vec<Finding>) {
        let chunk_base = self.seen;
        self.seen += chunk.len() as u64;
        let back = matcher.look_back();
        let seam = back + matcher.lag();
        if self.carry.capacity() == 0 {
            self.carry.reserve_exact(seam + QUANTUM as usize);
        }
        if chunk.len() <= seam {
            let target = self.seen.saturating_sub(matcher.lag() as u64);
            if target < self.decided + QUANTUM {
                self.carry.extend_from_slice(chunk);
            } else {
                self.decide_joined(matcher, key, chunk, target, out);
            }
            return;
        }
        // The starts around the cut are decided beside what was carried over, all others where they are.
        self.decide_joined(matcher, key, &chunk[..seam], chunk_base + back as u64, out);
        let to = chunk.len() - matcher.lag();
        let layout = self.first_line.known();
        let region =
            Region { text: chunk, base: chunk_base, from: back, to, above: above(&self.under), layout };
        region.decide(matcher, how(matcher, key), &mut self.scratch, out);
        self.decided = chunk_base + to as u64;
        self.carry.clear();
        self.carry.extend_from_slice(&chunk[to - back..]);
        self.base = self.decided - back as u64;
    }

    /// Decides the starts below `to` of what was carried over and of `more` behind it, and carries over what later
    /// judgements look at.
    fn decide_joined(
        &mut self,
        matcher: &Matcher,
        key: &FingerprintKey,
        more: &[u8],
        to: u64,
        out: &mut Vec<Finding>,
    ) {
        let mut joined = Vec::with_capacity(self.carry.len() + more.len());
        joined.extend_from_slice(&self.carry);
        joined.extend_from_slice(more);
        self.decide(matcher, key, &joined, to, out);
        let drop = ((self.decided - self.base) as usize).saturating_sub(matcher.look_back());
        self.carry.clear();
        self.carry.extend_from_slice(&joined[drop..]);
        self.base += drop as u64;
    }

    /// The text ends with `chunk`: the same as [`push`](Self::push) and then [`finish`](Self::finish), in one look at
    /// what need not wait for more.
    pub fn last(&mut self, matcher: &Matcher, key: &FingerprintKey, chunk: &[u8], out: &mut Vec<Finding>) {
        let first_new = out.len();
        out.append(&mut self.early);
        self.first_line.push(chunk);
        let (chunk_base, back) = (self.seen, matcher.look_back());
        let seam = back + matcher.lag();
        self.seen += chunk.len() as u64;
        if chunk_base > 0 && chunk.len() <= seam {
            self.decide_joined(matcher, key, chunk, self.seen, out);
        } else {
            let mut from = 0;
            if chunk_base > 0 {
                self.decide_joined(matcher, key, &chunk[..seam], chunk_base + back as u64, out);
                from = back;
            }
            let layout = self.first_line.known();
            let region = Region {
                text: chunk,
                base: chunk_base,
                from,
                to: chunk.len(),
                above: above(&self.under),
                layout,
            };
            region.decide(matcher, how(matcher, key), &mut self.scratch, out);
            self.decided = self.seen;
        }
        self.end(first_new, out);
    }

    /// The text has ended: appends what is left; everything is settled.
    pub fn finish(&mut self, matcher: &Matcher, key: &FingerprintKey, out: &mut Vec<Finding>) {
        let first_new = out.len();
        out.append(&mut self.early);
        self.decide_joined(matcher, key, &[], self.seen, out);
        self.end(first_new, out);
    }

    fn end(&mut self, first_new: usize, out: &mut [Finding]) {
        if let Some(new) = out.get_mut(first_new..) {
            new.sort_unstable_by_key(|f| (f.start, f.end, f.detector));
        }
        self.carry.clear();
        self.base = self.seen;
    }

    /// Nothing that starts below this offset can still become, extend or cancel a finding. Cheap and coarse.
    #[must_use]
    pub fn settled(&self) -> u64 {
        self.decided
    }

    /// The same promise, looked at closely: the first offset where a match could still be under way.
    /// Costs a look at the carry-over; for streams that wait.
    #[must_use]
    pub fn settled_exact(&self, matcher: &Matcher) -> u64 {
        // A cell may be a value before it has ended.
        let from = (self.decided - self.base) as usize;
        let (text, layout) = (&self.carry[..], self.first_line.known());
        let region =
            Region { text, base: self.base, from, to: text.len(), above: above(&self.under), layout };
        let in_table = self.scratch.told.as_ref().is_some_and(|told| !told.is_empty());
        if in_table || self.scratch.listed.goes_on(self.decided) || region.may_name(matcher, matcher.level) {
            return self.early.first().map_or(self.decided, |first| first.start.min(self.decided));
        }
        let open = self.base + region.first_open(matcher) as u64;
        self.early.iter().fold(open, |open, finding| open.min(finding.start))
    }

    /// Bytes pushed so far.
    #[must_use]
    pub fn seen(&self) -> u64 {
        self.seen
    }

    /// Decides the starts below `to` of a text that begins where what is carried over does.
    fn decide(
        &mut self,
        matcher: &Matcher,
        key: &FingerprintKey,
        text: &[u8],
        to: u64,
        out: &mut Vec<Finding>,
    ) {
        if to <= self.decided {
            return;
        }
        let (from, to_here) = ((self.decided - self.base) as usize, (to - self.base) as usize);
        let layout = self.first_line.known();
        let region = Region { text, base: self.base, from, to: to_here, above: above(&self.under), layout };
        region.decide(matcher, how(matcher, key), &mut self.scratch, out);
        self.decided = to;
    }
}

fn above(under: &Option<Arc<Under>>) -> Above<'_> {
    under.as_ref().map_or(Above::Nothing, |under| Above::Text(under))
}

fn how<'a>(matcher: &Matcher, key: &'a FingerprintKey) -> How<'a> {
    How { level: matcher.level, key: Some(key), floor: matcher.floor }
}

#[cfg(test)]
#[path = "scan_tests.rs"]
mod tests;
