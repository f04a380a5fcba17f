//! Counts what one message holds against the rules that look at it; the decision is known at any moment.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::budget::{Account, Budgets, subject};
use super::claims::Claims;
use super::compile::{Policy, Rule, RuleHit, Threshold};
use super::fields::Spot;
use super::selector::DetectorSet;
use super::{Action, MaskKind, Message, Mode, Per};
use crate::detect::{Confidence, DetectorId, Finding};
use crate::fingerprint::Fingerprint;
use crate::limits::DISTINCT_EXACT;

/// The count of one message. Made at its first finding; until then there is nothing to do.
#[derive(Debug)]
pub struct Tally {
    /// The rules that look at this message, in configuration order.
    active: Vec<Active>,
    /// What its `allow` rules exempt, wherever it stands.
    exempt: DetectorSet,
    /// The values that exempt for some fields or some values only have let pass, each with its rule.
    granted: HashSet<(usize, DetectorId, Fingerprint)>,
    /// The confidence at which each value was seen, at best; what is exempt is counted apart.
    values: HashMap<(DetectorId, Fingerprint, bool), Confidence>,
    /// How many of `values` are exempt: they have a room of their own, so that they crowd nothing out.
    exempt_values: usize,
    /// What it holds of windows; `None` when no rule here has one.
    claims: Option<Claims>,
    /// What rules that look at some fields only have counted.
    in_fields: HashSet<(usize, DetectorId, Fingerprint)>,
    enforced: Action,
    observed: Action,
    /// Rises whenever a redact rule fires.
    redactions: u32,
}

#[derive(Debug)]
struct Active {
    /// Index into the policy's rules.
    rule: usize,
    /// For this client: a rule may be enforced for some only.
    mode: Mode,
    /// Where it counts, if not in this message alone.
    account: Option<Account>,
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
    pub fn new(policy: &Policy, budgets: &Arc<dyn Budgets>, message: &Message) -> Tally {
        let mut exempt = DetectorSet::default();
        let mut active = Vec::new();
        for &index in &*policy.index.candidates(message) {
            let Some(rule) = policy.rules.get(index) else { continue };
            if rule.has_ended(message.now_ms) || !rule.scope.covers(message) {
                continue;
            }
            // An exemption that is only observed exempts nothing, unless all rules are.
            let mode = mode_for(rule, message);
            if rule.action == Action::Allow && mode < policy.mode() {
                continue;
            }
            if rule.action == Action::Allow && !rule.is_limited() {
                exempt.extend(&rule.detectors);
            }
            let account = match rule.threshold {
                Threshold::Message(_) => None,
                Threshold::Window(per, _) | Threshold::Bytes(per, _) => {
                    Some(budgets.account(&message.tenant, &rule.id, &subject(per, message)))
                }
            };
            active.push(Active { rule: index, mode, account, counted: 0, fired: false });
        }
        let has_windows = active.iter().any(|active| active.account.is_some());
        Tally {
            active,
            exempt,
            granted: HashSet::new(),
            values: HashMap::new(),
            exempt_values: 0,
            claims: has_windows.then(|| Claims::new(Arc::clone(budgets))),
            in_fields: HashSet::new(),
            enforced: Action::Allow,
            observed: Action::Allow,
            redactions: 0,
        }
    }

    /// An overlay exempts this detector, too.
    pub fn exempt_also(&mut self, detector: DetectorId) {
        self.exempt.insert(detector);
    }

    /// An overlay has all rules observed.
    pub fn suspend(&mut self) {
        self.active.iter_mut().for_each(|active| active.mode = Mode::Observe);
    }

    /// What has been counted so far, each value at its best.
    pub fn counted(&self) -> impl Iterator<Item = (DetectorId, Confidence)> + '_ {
        self.values.iter().map(|((detector, ..), confidence)| (*detector, *confidence))
    }

    /// Whether an `allow` rule exempts a finding that stands at `spots`. Asked again for the same, it says the same.
    pub fn exempts(&mut self, policy: &Policy, finding: &Finding, spots: &[Spot<'_>]) -> bool {
        if self.exempt.contains(finding.detector) {
            return true;
        }
        for index in 0..self.active.len() {
            let Some(rule) = self.active.get(index).and_then(|active| policy.rules.get(active.rule)) else {
                continue;
            };
            let speaks_of_it = rule.action == Action::Allow
                && rule.is_limited()
                && rule.detectors.contains(finding.detector);
            if !speaks_of_it || !rule.grants_at(spots) {
                continue;
            }
            let value = (index, finding.detector, finding.fingerprint);
            let used = || self.granted.iter().filter(|(of, ..)| *of == index).count();
            if self.granted.contains(&value) || used() < rule.at_most {
                if rule.at_most < usize::MAX {
                    self.granted.insert(value);
                }
                self.fire(policy, index);
                return true;
            }
        }
        false
    }

    /// Counts one finding, at the places where it stands. Past [`DISTINCT_EXACT`] values of a message, unknown ones
    /// are no longer told apart: thresholds take each for a new one, since missing one would let it pass.
    pub fn count(&mut self, policy: &Policy, finding: &Finding, spots: &[Spot<'_>]) -> Counted {
        let exempt = self.exempts(policy, finding, spots);
        let room =
            if exempt { self.exempt_values } else { self.values.len() - self.exempt_values } < DISTINCT_EXACT;
        let key = (finding.detector, finding.fingerprint, exempt);
        let before = self.values.get(&key).copied();
        if before.is_some() || room {
            let best = before.map_or(finding.confidence, |before| before.max(finding.confidence));
            self.values.insert(key, best);
            self.exempt_values += usize::from(exempt && before.is_none());
        }
        let surer = before.is_none_or(|before| before < finding.confidence);
        if surer || policy.looks_at_fields() {
            for index in 0..self.active.len() {
                self.raise(policy, index, finding, (before, surer, exempt), spots);
            }
        }
        let elsewhere = || self.values.contains_key(&(finding.detector, finding.fingerprint, !exempt));
        if before.is_none() && room && !elsewhere() { Counted::New } else { Counted::Again }
    }

    /// A value may have become countable for a rule, which counts from a confidence on, and perhaps in some fields only.
    fn raise(
        &mut self,
        policy: &Policy,
        index: usize,
        finding: &Finding,
        (before, surer, exempt): (Option<Confidence>, bool, bool),
        spots: &[Spot<'_>],
    ) {
        let Some(active) = self.active.get_mut(index) else { return };
        let Some(rule) = policy.rules.get(active.rule) else { return };
        let exempts = rule.action == Action::Allow;
        if exempts != exempt || !rule.detectors.contains(finding.detector) {
            return;
        }
        // One value under two names, both of which the rule knows, is one; what it counts as is at least as sure.
        if finding.twin.is_some_and(|twin| twin.counts && rule.detectors.contains(twin.detector)) {
            return;
        }
        let counts = if exempts {
            surer && !rule.is_limited()
        } else if rule.fields.is_empty() {
            surer && rule.confidence <= finding.confidence && before.is_none_or(|b| b < rule.confidence)
        } else {
            let value = (index, finding.detector, finding.fingerprint);
            let room = self.in_fields.len() < DISTINCT_EXACT;
            rule.confidence <= finding.confidence
                && rule.looks_at(spots)
                && if room { self.in_fields.insert(value) } else { !self.in_fields.contains(&value) }
        };
        if !counts {
            return;
        }
        active.counted += 1;
        let met = match (rule.threshold, active.account, &mut self.claims) {
            (Threshold::Message(at_least), ..) => active.counted >= at_least,
            (Threshold::Window(_, terms), Some(account), Some(claims)) => {
                claims.reserve(account, terms, finding.fingerprint).meets(terms.at_least)
            }
            // A rule that counts bytes names no identifier; one with a window has an account.
            (Threshold::Window(..) | Threshold::Bytes(..), ..) => false,
        };
        if met {
            self.fire(policy, index);
        }
    }

    /// Counts `bytes` more of the body, which may leave.
    pub fn count_bytes(&mut self, policy: &Policy, bytes: u64) {
        for index in 0..self.active.len() {
            let Some(active) = self.active.get_mut(index) else { continue };
            let Some(rule) = policy.rules.get(active.rule) else { continue };
            if let (Threshold::Bytes(_, terms), Some(account), Some(claims)) =
                (rule.threshold, active.account, &mut self.claims)
                && claims.reserve_bytes(account, terms, bytes).meets(terms.at_least)
            {
                self.fire(policy, index);
            }
        }
    }

    fn fire(&mut self, policy: &Policy, index: usize) {
        let Some(active) = self.active.get_mut(index).filter(|active| !active.fired) else { return };
        let Some(rule) = policy.rules.get(active.rule) else { return };
        active.fired = true;
        match active.mode {
            Mode::Enforce => {
                self.enforced = self.enforced.max(rule.action);
                self.redactions += u32::from(rule.action == Action::Redact);
            }
            Mode::Observe => self.observed = self.observed.max(rule.action),
        }
    }

    /// A value has left as it came.
    pub fn left(&mut self, fingerprint: Fingerprint) {
        if let Some(claims) = &mut self.claims {
            claims.left(fingerprint);
        }
    }

    /// Nothing more will leave: windows keep what did, `bytes` of the body among it.
    pub fn settle(&mut self, bytes: u64) {
        if let Some(claims) = &mut self.claims {
            claims.settle(bytes);
        }
    }

    /// What was let leave went nowhere after all.
    pub fn forgo(&mut self) {
        if let Some(claims) = &mut self.claims {
            claims.forgo();
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

    /// Whether a finding that is not exempt is to be edited, as things stand.
    #[must_use]
    pub fn edits(&self, policy: &Policy, detector: DetectorId, confidence: Confidence) -> bool {
        self.redactions > 0 && self.redact_rules(policy, detector, confidence).any(|active| active.fired)
    }

    /// Whether a finding that is not exempt could still have to be edited.
    #[must_use]
    pub fn may_edit(&self, policy: &Policy, detector: DetectorId, confidence: Confidence) -> bool {
        self.redact_rules(policy, detector, confidence).next().is_some()
    }

    /// Whether any rule that looks at this message could ask for an edit.
    #[must_use]
    pub fn may_redact(&self, policy: &Policy) -> bool {
        self.holds(policy, |rule| rule.action == Action::Redact)
    }

    /// The same for a rule that stops it.
    #[must_use]
    pub fn may_act(&self, policy: &Policy) -> bool {
        self.holds(policy, |rule| rule.action >= Action::Redact)
    }

    fn holds(&self, policy: &Policy, asks: fn(&Rule) -> bool) -> bool {
        let enforced = self.active.iter().filter(|active| active.mode == Mode::Enforce);
        enforced.into_iter().any(|active| policy.rules.get(active.rule).is_some_and(asks))
    }

    /// What takes the place of a finding: stars, unless all rules that may edit it ask for the same, whichever of them
    /// fires, so that equal values get equal tokens.
    #[must_use]
    pub fn mask(&self, policy: &Policy, detector: DetectorId, confidence: Confidence) -> MaskKind {
        let rules = self.redact_rules(policy, detector, confidence);
        let mut kinds = rules.filter_map(|active| policy.rules.get(active.rule)).map(|rule| rule.mask);
        let first = kinds.next().unwrap_or_default();
        if kinds.all(|kind| kind == first) { first } else { MaskKind::Shape }
    }

    fn redact_rules<'a>(
        &'a self,
        policy: &'a Policy,
        detector: DetectorId,
        confidence: Confidence,
    ) -> impl Iterator<Item = &'a Active> {
        let asks = move |rule: &Rule| {
            rule.action == Action::Redact
                && rule.confidence <= confidence
                && rule.detectors.contains(detector)
        };
        let enforced = self.active.iter().filter(|active| active.mode == Mode::Enforce);
        enforced.filter(move |active| policy.rules.get(active.rule).is_some_and(asks))
    }

    /// Those of the rules that fired which count findings of this detector.
    pub fn fired_for<'a>(
        &'a self,
        policy: &'a Policy,
        detector: DetectorId,
        confidence: Confidence,
    ) -> impl Iterator<Item = Arc<str>> + 'a {
        self.active.iter().filter(|active| active.fired).filter_map(move |active| {
            let rule = policy.rules.get(active.rule)?;
            let counts = rule.confidence <= confidence && rule.detectors.contains(detector);
            counts.then(|| Arc::clone(&rule.id))
        })
    }

    /// Every rule that fired, in configuration order.
    pub fn fired<'a>(&'a self, policy: &'a Policy) -> impl Iterator<Item = RuleHit> + 'a {
        self.active.iter().filter(|active| active.fired).filter_map(|active| {
            let rule = policy.rules.get(active.rule)?;
            Some(RuleHit { id: rule.id.clone(), action: rule.action, mode: active.mode })
        })
    }
}

/// A rule's mode for this client. The same client always gets the same, whatever else is configured.
fn mode_for(rule: &Rule, message: &Message) -> Mode {
    if rule.enforce_percent >= 100 {
        return rule.mode;
    }
    let who = [&*rule.id, &subject(Per::Client, message)].join("\0");
    // FNV-1a: spread is all that is asked of it.
    let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    let hash = who.bytes().fold(0xcbf2_9ce4_8422_2325, mix);
    let spread = (hash ^ (hash >> 32)) % 100;
    if spread < u64::from(rule.enforce_percent) { rule.mode } else { Mode::Observe }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::detect::Confidence::{High, Low, Medium};
    use crate::detect::pack::Tier;
    use crate::detect::{Detector, Family, Mask};
    use crate::fingerprint::FingerprintKey;
    use crate::policy::tests::{budgets, message, rule};
    use crate::policy::{PolicySpec, RuleSpec};

    pub(in crate::policy) fn detectors(count: usize) -> Vec<Detector> {
        (0..count)
            .map(|index| Detector {
                id: format!("pack.d{index}"),
                description: String::new(),
                severity: "high",
                tier: Tier::Strong,
                anchor: "digits",
                tags: vec![],
                mask: Mask::default(),
                validators: vec![],
                pack: 0,
                family: Family::numbered(0, Tier::Strong, true),
            })
            .collect()
    }

    fn policy(mode: Mode, rules: Vec<RuleSpec>) -> Policy {
        let spec = PolicySpec { mode, rules, ..PolicySpec::default() };
        Policy::compile_for(spec, &detectors(3)).unwrap()
    }

    fn with(action: Action, change: impl Fn(&mut RuleSpec)) -> RuleSpec {
        let mut rule = rule(action.as_str(), action);
        change(&mut rule);
        rule
    }

    pub(in crate::policy) fn value(detector: u16, value: u32, confidence: Confidence) -> Finding {
        let fingerprint = FingerprintKey::new(&[1; 32]).of("", &value.to_le_bytes());
        let detector = DetectorId(detector);
        Finding { detector, start: 0, end: 1, confidence, keyword: false, fingerprint, twin: None }
    }

    fn ids(tally: &Tally, policy: &Policy) -> Vec<String> {
        tally.fired(policy).map(|rule| rule.id.to_string()).collect()
    }

    #[test]
    fn distinct_values_of_enough_confidence_meet_the_threshold() {
        let policy = policy(Mode::Enforce, vec![with(Action::Block, |r| r.at_least = 2)]);
        let mut tally = Tally::new(&policy, &budgets().0, &message());
        let steps = [
            (value(0, 1, Medium), Counted::New, Action::Allow),
            (value(0, 1, High), Counted::Again, Action::Allow),
            (value(0, 2, Low), Counted::New, Action::Allow),
            (value(0, 2, Medium), Counted::Again, Action::Block),
        ];
        for (index, (finding, counted, action)) in steps.into_iter().enumerate() {
            assert_eq!(tally.count(&policy, &finding, &[]), counted, "{index}");
            assert_eq!(tally.action(), action, "{index}");
        }
        // The same value under another identifier is another value.
        let mut tally = Tally::new(&policy, &budgets().0, &message());
        tally.count(&policy, &value(0, 1, High), &[]);
        tally.count(&policy, &value(1, 1, High), &[]);
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
        let mut tally = Tally::new(&policy, &budgets().0, &message());
        let expected = [(Action::Alert, 1), (Action::Redact, 2), (Action::Block, 3)];
        for (index, (action, fired)) in expected.into_iter().enumerate() {
            tally.count(&policy, &value(0, index as u32, High), &[]);
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
        let mut tally = Tally::new(&policy, &budgets().0, &message());
        tally.count(&policy, &value(0, 1, High), &[]);
        assert!(!tally.edits(&policy, DetectorId(0), High) && tally.may_edit(&policy, DetectorId(0), High));
        tally.count(&policy, &value(0, 2, High), &[]);
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
        let mut tally = Tally::new(&policy_a, &budgets().0, &message());
        assert!(tally.exempts(&policy_a, &value(0, 1, High), &[]));
        assert!(!tally.exempts(&policy_a, &value(1, 1, High), &[]));
        assert_eq!(tally.count(&policy_a, &value(0, 1, Low), &[]), Counted::New);
        assert_eq!((tally.action(), ids(&tally, &policy_a)), (Action::Allow, vec!["allow".to_owned()]));
        tally.count(&policy_a, &value(1, 1, High), &[]);
        assert_eq!(tally.action(), Action::Block);

        // An exemption on trial exempts nothing; where everything is on trial it takes part.
        let trial =
            vec![with(Action::Block, |_| ()), RuleSpec { mode: Some(Mode::Observe), ..allow.clone() }];
        let policy_b = policy(Mode::Enforce, trial);
        assert!(!Tally::new(&policy_b, &budgets().0, &message()).exempts(&policy_b, &value(0, 1, High), &[]));
        let policy_c = policy(Mode::Observe, vec![with(Action::Block, |_| ()), allow]);
        assert!(Tally::new(&policy_c, &budgets().0, &message()).exempts(&policy_c, &value(0, 1, High), &[]));
    }

    #[test]
    fn an_exemption_of_some_values_in_some_fields_leaves_the_rest() {
        let allow = with(Action::Allow, |r| {
            r.destinations = vec!["api.example.com".to_owned()];
            r.fields = vec!["card[number]".to_owned()];
            r.at_most = Some(2);
        });
        let policy = policy(Mode::Enforce, vec![with(Action::Block, |r| r.at_least = 2), allow]);
        let spot = |path, exact| [Spot { naming: crate::policy::Naming::Form, path, exact }];
        let card = spot("card%5Bnumber%5D", true);
        let mut tally = Tally::new(&policy, &budgets().0, &message());
        // Asked before it is counted, and after.
        assert!(tally.exempts(&policy, &value(0, 1, High), &card));
        assert_eq!(tally.count(&policy, &value(0, 1, High), &card), Counted::New);
        assert!(tally.exempts(&policy, &value(0, 1, High), &card));
        assert_eq!(ids(&tally, &policy), ["allow"]);
        // The same value in another field counts, and so does what only looks like the field.
        assert_eq!(tally.count(&policy, &value(0, 1, High), &spot("note", true)), Counted::Again);
        assert_eq!(tally.action(), Action::Allow);
        tally.count(&policy, &value(0, 2, High), &spot("card[number]", false));
        assert_eq!(tally.action(), Action::Block);
        // A second value passes, a third does not.
        let mut tally = Tally::new(&policy, &budgets().0, &message());
        for (number, passes) in [(1, true), (2, true), (3, false), (1, true), (4, false)] {
            assert_eq!(tally.exempts(&policy, &value(0, number, High), &card), passes, "{number}");
            tally.count(&policy, &value(0, number, High), &card);
        }
        assert_eq!(
            (tally.action(), ids(&tally, &policy)),
            (Action::Block, vec!["block".to_owned(), "allow".to_owned()])
        );
    }

    #[test]
    fn a_rule_that_looks_at_some_fields_counts_there_alone() {
        let rules = vec![
            with(Action::Block, |r| (r.fields, r.at_least) = (vec!["$..note".to_owned()], 2)),
            with(Action::Alert, |r| r.at_least = 3),
        ];
        let policy = policy(Mode::Enforce, rules);
        let mut tally = Tally::new(&policy, &budgets().0, &message());
        let note = [Spot { naming: crate::policy::Naming::Json, path: "$.x.note", exact: false }];
        let steps: [(u32, &[Spot<'_>], Action); 6] = [
            (1, &[], Action::Allow),
            (2, &[], Action::Allow),
            (1, &note, Action::Allow),
            (1, &note, Action::Allow),
            (3, &[], Action::Alert),
            (3, &note, Action::Block),
        ];
        for (index, (number, spots, action)) in steps.into_iter().enumerate() {
            tally.count(&policy, &value(0, number, High), spots);
            assert_eq!(tally.action(), action, "{index}");
        }
    }

    #[test]
    fn observed_rules_bite_nothing_and_are_named() {
        let rules = vec![
            with(Action::Block, |r| r.mode = Some(Mode::Observe)),
            with(Action::Redact, |r| r.mode = Some(Mode::Observe)),
            with(Action::Alert, |_| ()),
        ];
        let policy = policy(Mode::Enforce, rules);
        let mut tally = Tally::new(&policy, &budgets().0, &message());
        tally.count(&policy, &value(0, 1, High), &[]);
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
        let mut tally = Tally::new(&policy, &budgets().0, &message());
        for number in 0..exact {
            assert_eq!(tally.count(&policy, &value(0, number, High), &[]), Counted::New);
        }
        // Known values are still told apart from new ones.
        assert_eq!(tally.count(&policy, &value(0, 7, High), &[]), Counted::Again);
        assert_eq!(tally.action(), Action::Allow);
        assert_eq!(tally.count(&policy, &value(0, exact, High), &[]), Counted::Again);
        assert_eq!(tally.action(), Action::Alert);
        tally.count(&policy, &value(1, 1, High), &[]);
        assert_eq!(tally.action(), Action::Block);
        assert!(tally.values.len() <= DISTINCT_EXACT);
    }
}
