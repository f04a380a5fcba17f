//! Values that are counted before it is certain that they are whole, since they are about to leave.

use crate::detect::DetectorId;
use crate::fingerprint::Fingerprint;
use crate::limits::COUNTED_AHEAD;
use crate::policy::Counted;

/// What was counted early, and has not been met again on the usual way.
#[derive(Debug, Default)]
pub(super) struct Ahead(Vec<Entry>);

#[derive(Debug)]
struct Entry {
    detector: DetectorId,
    fingerprint: Fingerprint,
    counted: Counted,
    /// It left, and is in the ledger as that.
    left: bool,
    /// It was met, and its leaving will be told once more.
    met: bool,
}

/// How a value that was counted early is entered once it is certain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Met {
    /// It is in the ledger already.
    Entered,
    /// As it was counted then.
    Now(Counted),
}

impl Ahead {
    pub(super) fn note(
        &mut self,
        detector: DetectorId,
        fingerprint: Fingerprint,
        counted: Counted,
        left: bool,
    ) {
        let known =
            |entry: &Entry| !entry.left && (entry.detector, entry.fingerprint) == (detector, fingerprint);
        if !left && self.0.iter().any(known) {
            return;
        }
        if self.0.len() >= COUNTED_AHEAD {
            self.0.remove(0);
        }
        self.0.push(Entry { detector, fingerprint, counted, left, met: false });
    }

    /// A value has become certain.
    pub(super) fn meet(&mut self, detector: DetectorId, fingerprint: Fingerprint) -> Option<Met> {
        let at = self
            .0
            .iter()
            .position(|entry| !entry.met && (entry.detector, entry.fingerprint) == (detector, fingerprint))?;
        let entry = self.0.get_mut(at)?;
        if entry.left {
            entry.met = true;
            return Some(Met::Entered);
        }
        Some(Met::Now(self.0.remove(at).counted))
    }

    /// A value leaves; whether that is known already.
    pub(super) fn leave(&mut self, detector: DetectorId, fingerprint: Fingerprint) -> bool {
        let at = self
            .0
            .iter()
            .position(|entry| entry.met && (entry.detector, entry.fingerprint) == (detector, fingerprint));
        at.map(|at| self.0.remove(at)).is_some()
    }
}
