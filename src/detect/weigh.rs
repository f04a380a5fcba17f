//! How sure a value is: what its form, the words around it and its neighbours come to.

use std::ops::Range;

use super::compiled::{Compiled, Match};
use super::context::Evidence;
use super::names::Scope;
use super::pack::Tier;
use super::reach::Reach;
use super::{Confidence, Matcher};

impl Compiled {
    /// Where words and what lies beside a value are looked for.
    pub(super) fn surroundings(&self, text: &[u8], value: &Range<usize>) -> (usize, usize) {
        (value.start.saturating_sub(self.before), (value.end + self.after).min(text.len()))
    }

    /// The part of its surroundings whose words speak of a value: one that is weak by itself needs words of its own,
    /// unless it belongs to another value.
    pub(super) fn own_surroundings(
        &self,
        unaided: Confidence,
        text: &[u8],
        value: &Range<usize>,
        reach: &mut Reach,
    ) -> (usize, usize) {
        let (from, to) = self.surroundings(text, value);
        if self.needs_words(unaided) { reach.own(text, (from, to), value) } else { (from, to) }
    }

    /// Whether a value is weak by itself and needs words of its own, unless it belongs to another value.
    pub(super) fn needs_words(&self, unaided: Confidence) -> bool {
        (unaided == Confidence::Low || self.required) && self.beside.is_none()
    }

    /// Whether one of the words before a value stands right before it and speaks for it.
    pub(super) fn is_named_by_word(
        &self,
        mut words: impl Iterator<Item = (Range<usize>, Evidence)>,
        text: &[u8],
        value: &Range<usize>,
    ) -> bool {
        let names = |(place, says): (Range<usize>, Evidence)| {
            says.positive && names_right_before(&text[place.end..value.start])
        };
        self.scopes.holds(Scope::Near) && words.any(names)
    }

    /// Whether words say all, whatever the form of a value is worth.
    pub(super) fn is_settled_by(&self, words: Evidence) -> bool {
        words.positive && self.tier != Tier::Weak
    }

    /// Confidence from evidence; `step` is told of each change, why and to what. What lies beside is asked for only where
    /// it can make a difference.
    pub(super) fn weigh(
        &self,
        unaided: Confidence,
        words: Evidence,
        beside: impl FnOnce() -> bool,
        mut step: impl FnMut(&'static str, Confidence),
    ) -> Confidence {
        let confidence = match (words.positive, self.tier) {
            (true, Tier::Strong | Tier::Medium) => Confidence::High,
            (true, Tier::Weak) => unaided.raised(),
            // What a strong form proved beyond medium no word takes back.
            (false, Tier::Strong) if unaided == Confidence::High => unaided,
            (false, _) if words.negative => unaided.lowered(),
            (false, _) => unaided,
        };
        if words.positive {
            step("a keyword stands near", confidence);
        } else if words.negative {
            step("a word that speaks against it stands near", confidence);
        }
        if self.required && !words.positive {
            step("no keyword stands near, and one is required", Confidence::Low);
            return Confidence::Low;
        }
        if confidence < Confidence::High && beside() {
            step("a finding that belongs to it stands near", confidence.raised());
            return confidence.raised();
        }
        confidence
    }
}

/// A value that is glued to other letters and digits is named by a word before those: so many bytes are read for it.
const GLUED: usize = 24;
/// Between a name and its value stand so many signs at most.
const NAMING: usize = 6;

/// Whether a name that ends where `between` begins stands right before the value behind it: signs of naming, then at
/// most what the value is glued to.
fn names_right_before(between: &[u8]) -> bool {
    if between.len() > NAMING + GLUED {
        return false;
    }
    let is_sign =
        |byte: &&u8| matches!(byte, b' ' | b'\t' | b':' | b'=' | b'#' | b'"' | b'\'' | b'>' | b'(' | b'[');
    let signs = between.iter().take_while(is_sign).count();
    let glued = between.get(signs..).unwrap_or_default();
    (1..=NAMING).contains(&signs) && glued.iter().all(u8::is_ascii_alphanumeric)
}

impl Matcher {
    /// Whether a match of another detector that this one minds lies near.
    pub(super) fn is_beside(&self, one: &Compiled, text: &[u8], value: &Range<usize>) -> bool {
        let Some(beside) = &one.beside else { return false };
        let (from, to) =
            (value.start.saturating_sub(beside.before), (value.end + beside.after).min(text.len()));
        [(from, value.start), (value.end, to)].into_iter().any(|(from, to)| {
            beside.detectors.iter().map(|&other| &self.compiled[usize::from(other)]).any(|other| {
                let is_one = |found: &Match| found.end <= to && !found.in_doubt;
                (from..to).any(|at| other.match_at(text, at).as_ref().is_some_and(is_one))
            })
        })
    }
}
