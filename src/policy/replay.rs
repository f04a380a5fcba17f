//! A decision gone through once more from what its record says: which rules look at the message, and what they count.

use std::sync::Arc;

use super::compile::{Policy, Threshold};
use super::{Action, Message, Mode};
use crate::detect::{Confidence, DetectorId};

/// What was found of one identifier, as a record has it.
#[derive(Clone, Copy, Debug)]
pub struct Recorded {
    pub detector: DetectorId,
    /// The best of all.
    pub confidence: Confidence,
    /// Different values.
    pub distinct: u64,
    /// Whether all of them were exempt.
    pub exempt: bool,
}

/// What one rule makes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replayed {
    pub id: Arc<str>,
    pub action: Action,
    pub mode: Mode,
    pub outcome: Outcome,
}

/// Whether a rule fires, and on what grounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It does not look at the message, because of this key.
    Elsewhere(&'static str),
    /// Of what was found it counts so many values, and fires from so many on.
    Counts { counted: u64, at_least: u64 },
    /// It counts over flows, or in fields, which a record does not tell.
    Unknown(&'static str),
}

impl Outcome {
    /// Whether it fires; `None` where the record does not tell.
    #[must_use]
    pub fn fires(self) -> Option<bool> {
        match self {
            Outcome::Elsewhere(_) => Some(false),
            Outcome::Counts { counted, at_least } => Some(counted >= at_least),
            Outcome::Unknown(_) => None,
        }
    }
}

impl Policy {
    /// Goes through all rules, in configuration order.
    #[must_use]
    pub fn replay(&self, message: &Message, found: &[Recorded]) -> Vec<Replayed> {
        self.rules
            .iter()
            .map(|rule| {
                let exempts = rule.action == Action::Allow;
                let counted = found.iter().filter(|found| {
                    rule.detectors.contains(found.detector)
                        && found.exempt == exempts
                        && (exempts || rule.confidence <= found.confidence)
                });
                let counted: u64 = counted.map(|found| found.distinct).sum();
                let outcome = match (rule.scope.misses(message), rule.threshold) {
                    (Some(key), _) => Outcome::Elsewhere(key),
                    (None, _) if rule.has_ended(message.now_ms) => Outcome::Elsewhere("expires"),
                    (None, Threshold::Window(..) | Threshold::Bytes(..)) => Outcome::Unknown("window"),
                    (None, _) if rule.is_limited() => Outcome::Unknown("fields"),
                    (None, Threshold::Message(at_least)) => Outcome::Counts { counted, at_least },
                };
                Replayed { id: Arc::clone(&rule.id), action: rule.action, mode: rule.mode, outcome }
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::tally::tests::detectors;
    use crate::policy::tests::{message, rule};
    use crate::policy::{Per, PolicySpec, RuleSpec};

    #[test]
    fn each_rule_says_what_it_makes_of_a_record() {
        let with = |id: &str, action, change: &dyn Fn(&mut RuleSpec)| {
            let mut rule = rule(id, action);
            change(&mut rule);
            rule
        };
        let rules = vec![
            with("two", Action::Block, &|r| r.at_least = 2),
            with("sure", Action::Block, &|r| r.confidence = Confidence::High),
            with("elsewhere", Action::Block, &|r| r.methods = vec!["PUT".into()]),
            with("hourly", Action::Block, &|r| {
                (r.per, r.window) = (Per::Client, Some(std::time::Duration::from_secs(3600)));
            }),
            with("ended", Action::Alert, &|r| r.expires_ms = Some(0)),
            with("noted", Action::Alert, &|r| r.fields = vec!["note".into()]),
            with("other", Action::Alert, &|r| r.identifiers = vec!["pack.d1".into()]),
        ];
        let policy =
            Policy::compile_for(PolicySpec { rules, ..PolicySpec::default() }, &detectors(2)).unwrap();
        let found = [Recorded {
            detector: DetectorId(0),
            confidence: Confidence::Medium,
            distinct: 2,
            exempt: false,
        }];
        let outcomes: Vec<_> = policy.replay(&message(), &found).iter().map(|rule| rule.outcome).collect();
        let expected = [
            Outcome::Counts { counted: 2, at_least: 2 },
            Outcome::Counts { counted: 0, at_least: 1 },
            Outcome::Elsewhere("methods"),
            Outcome::Unknown("window"),
            Outcome::Elsewhere("expires"),
            Outcome::Unknown("fields"),
            Outcome::Counts { counted: 0, at_least: 1 },
        ];
        assert_eq!(outcomes, expected);
        let fires: Vec<_> = outcomes.iter().map(|outcome| outcome.fires()).collect();
        assert_eq!(fires, [Some(true), Some(false), Some(false), None, Some(false), None, Some(false)]);
    }
}
