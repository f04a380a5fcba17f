//! Counts what one message holds against the rules that look at it; the decision is known at any moment.

use std::collections::HashMap;

use super::compile::{Policy, Rule, RuleHit};
use super::selector::DetectorSet;
use super::{Action, Message, Mode};
use crate::detect::{Confidence, DetectorId, Finding};
use crate::fingerprint::Fingerprint;
use crate::limits::DISTINCT_EXACT;

/// The count of one message. Made at its first finding; until then there is nothing to do.
#[derive(Debug)]
pub struct Tally {
    /// The rules that look at this message, in configuration order.
    active: Vec<Active>,
    /// What its `allow` rules exempt.
    exempt: DetectorSet,
    /// The confidence at which each value was seen, at best.
    values: HashMap<(DetectorId, Fingerprint), Confidence>,
    /// How many of `values` are exempt: they have a room of their own, so that they crowd nothing out.
    exempt_values: usize,
    enforced: Action,
    observed: Action,
    /// Rises whenever a redact rule fires.
    redactions: u32,
}

#[derive(Debug)]
struct Active {
    /// Index into the policy's rules.
    rule: usize,
    counted: u64,
    fired: bool,
}

/// What one more finding was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// A value not seen before in this message.
    New,
    /// A value seen before, or one too many to be told apart from those.
    Again,
}

impl Tally {
    #[must_use]
    pub fn new(policy: &Policy, message: &Message) -> Tally {
        let mut exempt = DetectorSet::default();
        let mut active = Vec::new();
        for (index, rule) in policy.rules.iter().enumerate() {
            // An exemption that is only observed exempts nothing, unless all rules are.
            let suspended = rule.action == Action::Allow && rule.mode < policy.mode();
            if suspended || !rule.scope.covers(message) {
                continue;
            }
            if rule.action == Action::Allow {
                exempt.extend(&rule.detectors);
            }
            active.push(Active { rule: index, counted: 0, fired: false });
        }
        Tally {
            active,
            exempt,
            values: HashMap::new(),
            exempt_values: 0,
            enforced: Action::Allow,
            observed: Action::Allow,
            redactions: 0,
        }
    }

    /// Whether an `allow` rule exempts this detector here.
    #[must_use]
    pub fn is_exempt(&self, detector: DetectorId) -> bool {
        self.exempt.contains(detector)
    }

    /// Counts one finding. Past [`DISTINCT_EXACT`] values of a message, unknown ones are no longer told apart:
    /// thresholds take each for a new one, since missing one would let it pass.
    pub fn count(&mut self, policy: &Policy, finding: &Finding) -> Counted {
        let exempt = self.is_exempt(finding.detector);
        let room =
            if exempt { self.exempt_values } else { self.values.len() - self.exempt_values } < DISTINCT_EXACT;
        let key = (finding.detector, finding.fingerprint);
        let before = self.values.get(&key).copied();
        if before.is_some() || room {
            let best = before.map_or(finding.confidence, |before| before.max(finding.confidence));
            self.values.insert(key, best);
            self.exempt_values += usize::from(exempt && before.is_none());
        }
        if before.is_none_or(|before| before < finding.confidence) {
            self.raise(policy, finding, before, exempt);
        }
        if before.is_none() && room { Counted::New } else { Counted::Again }
    }

    /// A value has become countable for the rules between `before` and its confidence now.
    fn raise(&mut self, policy: &Policy, finding: &Finding, before: Option<Confidence>, exempt: bool) {
        for active in &mut self.active {
            let Some(rule) = policy.rules.get(active.rule) else { continue };
            let exempts = rule.action == Action::Allow;
            let counts = rule.confidence <= finding.confidence && before.is_none_or(|b| b < rule.confidence);
            if exempts != exempt || !(counts || exempts) || !rule.detectors.contains(finding.detector) {
                continue;
            }
            active.counted += 1;
            if active.fired || active.counted < rule.at_least {
                continue;
            }
            active.fired = true;
            match rule.mode {
                Mode::Enforce => {
                    self.enforced = self.enforced.max(rule.action);
                    self.redactions += u32::from(rule.action == Action::Redact);
                }
                Mode::Observe => self.observed = self.observed.max(rule.action),
            }
        }
    }

    /// The strongest action of the rules that have fired.
    #[must_use]
    pub fn action(&self) -> Action {
        self.enforced
    }

    /// The strongest action that `observe` has suspended.
    #[must_use]
    pub fn observed(&self) -> Action {
        self.observed
    }

    /// Rises whenever a redact rule fires: more may have to be edited than before.
    #[must_use]
    pub fn redactions(&self) -> u32 {
        self.redactions
    }

    /// Whether a finding is to be edited, as things stand.
    #[must_use]
    pub fn edits(&self, policy: &Policy, detector: DetectorId, confidence: Confidence) -> bool {
        self.redactions > 0 && self.redact_rules(policy, detector, confidence).any(|active| active.fired)
    }

    /// Whether a finding could still have to be edited.
    #[must_use]
    pub fn may_edit(&self, policy: &Policy, detector: DetectorId, confidence: Confidence) -> bool {
        self.redact_rules(policy, detector, confidence).next().is_some()
    }

    /// Whether any rule that looks at this message could ask for an edit.
    #[must_use]
    pub fn may_redact(&self, policy: &Policy) -> bool {
        let asks = |rule: &Rule| rule.action == Action::Redact && rule.mode == Mode::Enforce;
        self.active.iter().any(|active| policy.rules.get(active.rule).is_some_and(asks))
    }

    fn redact_rules<'a>(
        &'a self,
        policy: &'a Policy,
        detector: DetectorId,
        confidence: Confidence,
    ) -> impl Iterator<Item = &'a Active> {
        let asks = move |rule: &Rule| {
            rule.action == Action::Redact
                && rule.mode == Mode::Enforce
                && rule.confidence <= confidence
                && rule.detectors.contains(detector)
        };
        let exempt = self.is_exempt(detector);
        self.active.iter().filter(move |active| !exempt && policy.rules.get(active.rule).is_some_and(asks))
    }

    /// Every rule that fired, in configuration order.
    pub fn fired<'a>(&'a self, policy: &'a Policy) -> impl Iterator<Item = RuleHit> + 'a {
        self.active.iter().filter(|active| active.fired).filter_map(|active| {
            let rule = policy.rules.get(active.rule)?;
            Some(RuleHit { id: rule.id.clone(), action: rule.action, mode: rule.mode })
        })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::detect::Confidence::{High, Low, Medium};
    use crate::detect::{Detector, Mask};
    use crate::fingerprint::FingerprintKey;
    use crate::policy::tests::{message, rule};
    use crate::policy::{PolicySpec, RuleSpec};

    pub(in crate::policy) fn detectors(count: usize) -> Vec<Detector> {
        (0..count)
            .map(|index| Detector {
                id: format!("pack.d{index}"),
                description: String::new(),
                severity: "high",
                tier: crate::detect::pack::Tier::Strong,
                anchor: "digits",
                tags: vec![],
                mask: Mask::default(),
                validators: vec![],
                pack: 0,
            })
            .collect()
    }

    fn policy(mode: Mode, rules: Vec<RuleSpec>) -> Policy {
        let spec = PolicySpec { mode, groups: vec![], rules, unlisted: Action::Allow, hash: String::new() };
        Policy::compile_for(spec, &detectors(3)).unwrap()
    }

    fn with(action: Action, change: impl Fn(&mut RuleSpec)) -> RuleSpec {
        let mut rule = rule(action.as_str(), action);
        change(&mut rule);
        rule
    }

    fn value(detector: u16, value: u32, confidence: Confidence) -> Finding {
        let fingerprint = FingerprintKey::new(&[1; 32]).of("", &value.to_le_bytes());
        Finding { detector: DetectorId(detector), start: 0, end: 1, confidence, keyword: false, fingerprint }
    }

    fn ids(tally: &Tally, policy: &Policy) -> Vec<String> {
        tally.fired(policy).map(|rule| rule.id.to_string()).collect()
    }

    #[test]
    fn distinct_values_of_enough_confidence_meet_the_threshold() {
        let policy = policy(Mode::Enforce, vec![with(Action::Block, |r| r.at_least = 2)]);
        let mut tally = Tally::new(&policy, &message());
        let steps = [
            (value(0, 1, Medium), Counted::New, Action::Allow),
            (value(0, 1, High), Counted::Again, Action::Allow),
            (value(0, 2, Low), Counted::New, Action::Allow),
            (value(0, 2, Medium), Counted::Again, Action::Block),
        ];
        for (index, (finding, counted, action)) in steps.into_iter().enumerate() {
            assert_eq!(tally.count(&policy, &finding), counted, "{index}");
            assert_eq!(tally.action(), action, "{index}");
        }
        // The same value under another identifier is another value.
        let mut tally = Tally::new(&policy, &message());
        tally.count(&policy, &value(0, 1, High));
        tally.count(&policy, &value(1, 1, High));
        assert_eq!(tally.action(), Action::Block);
    }

    #[test]
    fn the_strongest_wins_and_all_are_named() {
        let policy = policy(
            Mode::Enforce,
            vec![
                with(Action::Alert, |_| ()),
                with(Action::Block, |r| r.at_least = 3),
                with(Action::Redact, |r| r.at_least = 2),
            ],
        );
        let mut tally = Tally::new(&policy, &message());
        let expected = [(Action::Alert, 1), (Action::Redact, 2), (Action::Block, 3)];
        for (index, (action, fired)) in expected.into_iter().enumerate() {
            tally.count(&policy, &value(0, index as u32, High));
            assert_eq!((tally.action(), tally.fired(&policy).count()), (action, fired));
        }
        assert_eq!(ids(&tally, &policy), ["alert", "block", "redact"]);
    }

    #[test]
    fn only_what_the_fired_redact_rules_name_is_edited() {
        let policy = policy(
            Mode::Enforce,
            vec![with(Action::Redact, |r| {
                r.identifiers = vec!["pack.d0".to_owned()];
                r.confidence = High;
                r.at_least = 2;
            })],
        );
        let mut tally = Tally::new(&policy, &message());
        tally.count(&policy, &value(0, 1, High));
        assert!(!tally.edits(&policy, DetectorId(0), High) && tally.may_edit(&policy, DetectorId(0), High));
        tally.count(&policy, &value(0, 2, High));
        assert_eq!(tally.redactions(), 1);
        assert!(tally.edits(&policy, DetectorId(0), High));
        assert!(
            !tally.edits(&policy, DetectorId(0), Medium) && !tally.may_edit(&policy, DetectorId(0), Medium)
        );
        assert!(!tally.edits(&policy, DetectorId(1), High));
    }

    #[test]
    fn an_exemption_is_counted_for_nothing_else() {
        let allow = with(Action::Allow, |r| {
            r.identifiers = vec!["pack.d0".to_owned()];
            r.destinations = vec!["api.example.com".to_owned()];
        });
        let rules = vec![with(Action::Block, |_| ()), allow.clone()];
        let policy_a = policy(Mode::Enforce, rules);
        let mut tally = Tally::new(&policy_a, &message());
        assert!(tally.is_exempt(DetectorId(0)) && !tally.is_exempt(DetectorId(1)));
        assert_eq!(tally.count(&policy_a, &value(0, 1, Low)), Counted::New);
        assert_eq!((tally.action(), ids(&tally, &policy_a)), (Action::Allow, vec!["allow".to_owned()]));
        tally.count(&policy_a, &value(1, 1, High));
        assert_eq!(tally.action(), Action::Block);

        // An exemption on trial exempts nothing; where everything is on trial it takes part.
        let trial =
            vec![with(Action::Block, |_| ()), RuleSpec { mode: Some(Mode::Observe), ..allow.clone() }];
        let policy_b = policy(Mode::Enforce, trial);
        assert!(!Tally::new(&policy_b, &message()).is_exempt(DetectorId(0)));
        let policy_c = policy(Mode::Observe, vec![with(Action::Block, |_| ()), allow]);
        assert!(Tally::new(&policy_c, &message()).is_exempt(DetectorId(0)));
    }

    #[test]
    fn observed_rules_bite_nothing_and_are_named() {
        let rules = vec![
            with(Action::Block, |r| r.mode = Some(Mode::Observe)),
            with(Action::Redact, |r| r.mode = Some(Mode::Observe)),
            with(Action::Alert, |_| ()),
        ];
        let policy = policy(Mode::Enforce, rules);
        let mut tally = Tally::new(&policy, &message());
        tally.count(&policy, &value(0, 1, High));
        assert_eq!((tally.action(), tally.observed()), (Action::Alert, Action::Block));
        assert!(!tally.edits(&policy, DetectorId(0), High) && !tally.may_edit(&policy, DetectorId(0), High));
        assert_eq!(tally.fired(&policy).count(), 3);
    }

    #[test]
    fn past_the_exact_count_nothing_slips_by() {
        let exact = DISTINCT_EXACT as u32;
        let policy = policy(
            Mode::Enforce,
            vec![
                with(Action::Block, |r| (r.identifiers, r.at_least) = (vec!["pack.d1".to_owned()], 1)),
                with(Action::Alert, |r| {
                    (r.identifiers, r.at_least) = (vec!["pack.d0".to_owned()], exact + 1)
                }),
            ],
        );
        let mut tally = Tally::new(&policy, &message());
        for number in 0..exact {
            assert_eq!(tally.count(&policy, &value(0, number, High)), Counted::New);
        }
        // Known values are still told apart from new ones.
        assert_eq!(tally.count(&policy, &value(0, 7, High)), Counted::Again);
        assert_eq!(tally.action(), Action::Allow);
        assert_eq!(tally.count(&policy, &value(0, exact, High)), Counted::Again);
        assert_eq!(tally.action(), Action::Alert);
        tally.count(&policy, &value(1, 1, High));
        assert_eq!(tally.action(), Action::Block);
        assert!(tally.values.len() <= DISTINCT_EXACT);
    }
}
