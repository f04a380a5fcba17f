//! One readable text, scanned as it comes: findings that count, and how far nothing can change any more.

use crate::detect::{DetectorId, Finding, Scan};
use crate::inspect::Engine;
use crate::policy::Overlap;

/// The scan of a text, and the choice among what overlaps in it.
#[derive(Debug, Default)]
pub(super) struct Text {
    scan: Scan,
    overlap: Overlap,
    fresh: Vec<Finding>,
}

impl Text {
    pub(super) fn new() -> Text {
        Text::default()
    }

    pub(super) fn push(&mut self, engine: &Engine, piece: &[u8]) {
        self.scan.push(&engine.matcher, &engine.key, piece, &mut self.fresh);
    }

    pub(super) fn finish(&mut self, engine: &Engine) {
        self.scan.finish(&engine.matcher, &engine.key, &mut self.fresh);
    }

    /// Bytes of text so far.
    pub(super) fn seen(&self) -> u64 {
        self.scan.seen()
    }

    /// Everything that starts below is known.
    pub(super) fn settled(&self) -> u64 {
        self.scan.settled()
    }

    /// The same, after a close look.
    pub(super) fn settled_exact(&self, engine: &Engine) -> u64 {
        self.scan.settled_exact(&engine.matcher).max(self.scan.settled())
    }

    /// Whether something was found that has not been passed on.
    pub(super) fn has_findings(&self) -> bool {
        !self.fresh.is_empty() || !self.overlap.is_empty()
    }

    /// Appends to `out` the findings that count, given that everything starting below `settled` is known.
    pub(super) fn resolve(
        &mut self,
        settled: u64,
        exempt: &mut dyn FnMut(DetectorId) -> bool,
        out: &mut Vec<Finding>,
    ) {
        if self.has_findings() {
            self.overlap.add(&mut self.fresh);
            self.overlap.resolve(settled, exempt, out);
        }
    }

    /// How far the text may leave: no undecided finding reaches below.
    pub(super) fn limit(&self, settled: u64) -> u64 {
        self.overlap.first_start().map_or(settled, |start| start.min(settled))
    }
}
