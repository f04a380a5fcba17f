//! Bytes to findings: packs are compiled into one immutable [`Matcher`]; a [`Scan`] is the state of one stream.
//!
//! May import floor 0. Invariants: whatever way a text is cut into chunks the findings are the same and equal to
//! those of the whole text; nothing that starts below [`Scan::settled`] can still become, extend or cancel a
//! finding; a finding holds no matched text.
//!
//! A text passes four stages, each far rarer than the one before it: `simd` classifies 64 bytes at a time,
//! `anchor` leaves the starts where an identifier could begin, `shape` runs one small automaton there, and
//! `validate` recomputes check digits. `context` then looks for words nearby.
//!
//! ```
//! use tidegate::detect::{Confidence, Matcher, Pack, Scan};
//! use tidegate::fingerprint::FingerprintKey;
//!
//! // Once, shared by all streams.
//! let matcher = Matcher::compile(Vec::from_iter(Pack::built_in("payment"))).unwrap();
//! let key = FingerprintKey::new(&[7; 32]); // the deployment's secret
//!
//! // Per stream; where it is cut makes no difference.
//! let (mut scan, mut findings) = (Scan::new(), Vec::new());
//! for chunk in ["paid with 4539 14", "88 0343 6467, thanks"] {
//!     scan.push(&matcher, &key, chunk.as_bytes(), &mut findings);
//! }
//! scan.finish(&matcher, &key, &mut findings);
//!
//! let found = findings[0];
//! assert_eq!(matcher.detector(found.detector).id, "payment.pan");
//! assert_eq!((found.start, found.end), (10, 29));
//! assert_eq!(found.confidence, Confidence::High);
//! assert_eq!(findings.len(), 1);
//! ```

mod alike;
pub mod anchor;
mod built_in;
mod called;
mod cleanse;
mod context;
mod crowd;
pub mod matcher;
pub mod names;
mod noise;
pub mod pack;
pub mod sample;
pub mod scan;
pub mod shape;
pub mod simd;
mod spent;
mod stretch;
mod subsets;
pub mod trace;
mod trace_words;
pub mod validate;
mod vicinity;

mod before;
mod columns;
mod compiled;
mod eight;
mod ends;
mod family;
mod fault;
mod gate;
mod glued;
mod grid;
mod groups;
mod index;
mod leading;
mod listed;
mod literal;
mod longer;
mod met;
mod outline;
mod pattern;
mod reach;
mod region;
mod scattered;
mod scratch;
mod set;
mod siblings;
mod sides;
mod through_digits;
mod weigh;
mod written;

pub use cleanse::{JOINTS, spans};
pub use family::Family;
pub use matcher::{Detector, DetectorId, Matcher};
pub use names::{Label, Layout, Place, Scope, Under};
pub use pack::{Mask, Pack, PackError};
pub use scan::Scan;
pub use simd::{Bytes, Level, first_run, holds_any, kinds};

use crate::fingerprint::Fingerprint;

#[cfg(test)]
mod corpus_tests;
#[cfg(test)]
mod language_tests;

/// How sure a detector is of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Confidence {
    Low,
    Medium,
    High,
}

impl Confidence {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Confidence::Low => "low",
            Confidence::Medium => "medium",
            Confidence::High => "high",
        }
    }

    #[must_use]
    pub const fn raised(self) -> Self {
        match self {
            Confidence::Low => Confidence::Medium,
            Confidence::Medium | Confidence::High => Confidence::High,
        }
    }

    #[must_use]
    pub const fn lowered(self) -> Self {
        match self {
            Confidence::High => Confidence::Medium,
            Confidence::Medium | Confidence::Low => Confidence::Low,
        }
    }
}

/// A value that passed its boundary, validators and invalidators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding {
    pub detector: DetectorId,
    /// Byte offsets in the scanned text.
    pub start: u64,
    pub end: u64,
    pub confidence: Confidence,
    /// Whether a keyword stood near.
    pub keyword: bool,
    pub fingerprint: Fingerprint,
    /// What else the very same bytes were found to be, where rules tell the two apart.
    pub twin: Option<Twin>,
}

/// Another finding of the very same bytes: one value under two names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Twin {
    pub detector: DetectorId,
    pub confidence: Confidence,
    /// Whether it is the one that counts for rules that name both.
    pub counts: bool,
}
