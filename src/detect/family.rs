//! Which detectors read the same bytes as one thing or another: of their overlapping findings one counts.

use super::pack::Tier;
use super::{Confidence, Finding};

/// Detectors of one family compete for the bytes that they find. A number of a person or an account is one of them
/// only, whatever else passes its check. An address, a token or what a pack of one's own finds may hold any of them.
#[derive(Clone, Copy, Debug)]
pub struct Family {
    of: usize,
    /// Whether its findings stand for themselves, whatever is around them.
    strong: bool,
    /// Whether it was found in what a run of base64 or the like stands for.
    within: bool,
}

/// Packs of numbers, which are one family.
const NUMBERS: [&str; 4] = ["payment", "national-id", "health", "travel"];

impl Family {
    /// Of a detector in the pack of this name and place; others are families of their own.
    #[must_use]
    pub fn of(pack: &str, id: &str, index: usize, tier: Tier) -> Family {
        // Telephone numbers stand beside addresses; the track of a card holds its number.
        let is_number =
            NUMBERS.contains(&pack) && !id.starts_with("payment.track") || id.starts_with("contact.phone");
        Family { of: if is_number { 0 } else { index + 1 }, strong: tier == Tier::Strong, within: false }
    }

    /// The same of what was found in what a run of base64 or the like stands for: the run is not it.
    #[must_use]
    pub fn within(self, within: bool) -> Family {
        Family { within, ..self }
    }

    fn is_number(self) -> bool {
        self.of == 0
    }

    #[must_use]
    pub fn is(self, other: Family) -> bool {
        self.of == other.of && self.within == other.within
    }

    /// Whether a finding of this family hides `other`, which is less sure, shorter or later: they are of one family, or
    /// say the same bytes to be two things, or it covers a number that nothing speaks for but a weak check.
    #[must_use]
    pub fn hides(self, one: &Finding, family: Family, other: &Finding) -> bool {
        if one.start >= other.end || other.start >= one.end {
            return false;
        }
        let covers = one.start <= other.start && other.end <= one.end;
        if self.within != family.within {
            // The digits that a run is written with are a number by accident, where it stands for one.
            return self.within && self.is_number() && family.is_number() && covers;
        }
        let same = covers && other.end - other.start == one.end - one.start;
        let speaks = family.strong || other.keyword || other.confidence == Confidence::High;
        self.is(family) || same || covers && !speaks
    }
}
