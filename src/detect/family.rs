//! Which detectors read the same bytes as one thing or another: of their overlapping findings one counts.

use super::pack::Tier;
use super::{Confidence, Finding};

/// Detectors of one family compete for the bytes that they find: a number of a person or an account is one of them only,
/// whatever else passes its check, while an address or a token may hold any of them. Packs say which family a detector is
/// of; without a word those of one pack are one family.
#[derive(Clone, Copy, Debug)]
pub struct Family {
    of: usize,
    /// Whether its findings stand for themselves, whatever is around them.
    strong: bool,
    /// The lower, the less likely its findings are by chance.
    chance: u8,
    /// Whether its findings passed validators.
    checked: bool,
    /// Whether it was found in what a run of base64 or the like stands for.
    within: bool,
}

impl Family {
    /// That of this number among all families, for a detector of this tier, which has validators or none.
    #[must_use]
    pub const fn numbered(of: usize, tier: Tier, checked: bool) -> Family {
        let chance = match tier {
            Tier::Strong => 0,
            Tier::Medium => 1,
            Tier::Weak => 2,
        };
        Family { of, strong: matches!(tier, Tier::Strong), chance, checked, within: false }
    }

    /// Whether its findings passed validators: of two that are as sure, this says more than a form does.
    #[must_use]
    pub const fn is_checked(self) -> bool {
        self.checked
    }

    /// Of two that are as sure the one with the stronger tier is more likely what it says: fewer others pass its check.
    #[must_use]
    pub const fn chance(self) -> u8 {
        self.chance
    }

    /// The same of what was found in what a run of base64 or the like stands for: the run is not it.
    #[must_use]
    pub fn within(self, within: bool) -> Family {
        Family { within, ..self }
    }

    #[must_use]
    pub fn is(self, other: Family) -> bool {
        self.of == other.of && self.within == other.within
    }

    /// Whether a finding of this family and `other` say the very same bytes to be two things that do not compete.
    #[must_use]
    pub fn twins(self, one: &Finding, family: Family, other: &Finding) -> bool {
        let same = (one.start, one.end) == (other.start, other.end);
        same && self.of != family.of && self.within == family.within
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
            // What a run is written with is one of them by accident, where it stands for one.
            return self.within && self.of == family.of && covers;
        }
        let same = covers && other.end - other.start == one.end - one.start;
        let speaks = family.strong || other.keyword || other.confidence == Confidence::High;
        self.is(family) || same || covers && !speaks
    }
}
