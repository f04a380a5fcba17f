//! What was found in what is packed, and how much of that was not read.

use std::collections::{HashMap, VecDeque};

use super::judge::Judge;
use crate::decode::DecodeError;
use crate::detect::{Confidence, DetectorId};
use crate::fingerprint::Fingerprint;
use crate::limits::{ARCHIVE_TWICE, DECODED_GRACE, DECODED_RATIO};

/// What was found in members of archives and has not left. None of it is ever edited.
#[derive(Debug, Default)]
pub(super) struct Packed {
    /// Each value, how surely it is one unless it is exempt, and how often it counted.
    hits: HashMap<(DetectorId, Fingerprint), (Option<Confidence>, u64)>,
    /// Bytes of text above that were not read, and why.
    unread: Vec<(&'static str, u64)>,
    /// Wire bytes, and text that was unpacked: a bomb is known by their ratio.
    pub(super) taken: u64,
    pub(super) out: u64,
}

impl Packed {
    pub(super) fn add(
        &mut self,
        detector: DetectorId,
        confidence: Option<Confidence>,
        fingerprint: Fingerprint,
        counted: bool,
    ) {
        let hit = self.hits.entry((detector, fingerprint)).or_insert((confidence, 0));
        *hit = (hit.0.max(confidence), hit.1 + u64::from(counted));
    }

    /// An error once what was unpacked is far more than what came.
    pub(super) fn within_ratio(&self) -> Result<(), DecodeError> {
        let is_bomb = self.out > DECODED_GRACE && self.out / DECODED_RATIO > self.taken;
        if is_bomb { Err(DecodeError::Ratio) } else { Ok(()) }
    }

    /// Why an edit that is now asked for cannot be made, if one is.
    pub(super) fn refusal(&self, judge: &Judge) -> Option<&'static str> {
        let mut hits = self.hits.iter();
        let asked = |detector: DetectorId, sure: Option<Confidence>| {
            sure.is_some_and(|sure| judge.edits(detector, sure))
        };
        hits.any(|((detector, _), (sure, _))| asked(*detector, *sure)).then_some("archive")
    }

    /// What they were found in leaves.
    pub(super) fn leave(&mut self, judge: &mut Judge) {
        for ((detector, fingerprint), (_, count)) in self.hits.drain() {
            (0..count).for_each(|_| judge.left(detector, fingerprint));
        }
    }

    /// The same without what was found.
    pub(super) fn emptied(mut self) -> Packed {
        self.hits.clear();
        self
    }

    /// Bytes that were not read, and why.
    pub(super) fn unread(&self) -> &[(&'static str, u64)] {
        &self.unread
    }

    /// Something cannot be read: it is refused, or said.
    pub(super) fn unreadable(&mut self, judge: &mut Judge, error: DecodeError) {
        self.miss(error.as_str(), 1);
        judge.unreadable(error.as_str());
    }

    /// It is no fault that what is packed in a way that nobody here opens is not read: nobody could tell it from an image.
    pub(super) fn unopened(&mut self, bytes: u64) {
        self.miss("unopened", bytes);
    }

    pub(super) fn miss(&mut self, word: &'static str, bytes: u64) {
        match self.unread.iter_mut().find(|(known, _)| *known == word) {
            Some((_, sum)) => *sum += bytes,
            None => self.unread.push((word, bytes)),
        }
    }
}

/// Whether a finding was made already, the other way; the first of the two is remembered.
pub(super) fn is_second(
    twice: &mut VecDeque<(DetectorId, u64, u64)>,
    detector: DetectorId,
    start: u64,
    end: u64,
) -> bool {
    let entry = (detector, start, end);
    if let Some(known) = twice.iter().position(|known| *known == entry) {
        twice.remove(known);
        return true;
    }
    if twice.len() == ARCHIVE_TWICE {
        twice.pop_front();
    }
    twice.push_back(entry);
    false
}
