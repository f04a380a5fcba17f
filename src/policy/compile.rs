//! A specification to a policy: every reference resolved, every complaint at once.

use std::net::IpAddr;
use std::sync::Arc;

use super::apart::Apart;
use super::fields::{Fields, Spot};
use super::hosts::Groups;
use super::identity::{Directory, Identity};
use super::index::Index;
use super::scope::Scope;
use super::selector::{self, DetectorSet};
use super::subject::SubjectName;
use super::suggest;
use super::transport::{Protection, Transports};
use super::{Action, Direction, MaskKind, Message, Mode, Per, PolicyError, PolicySpec, RuleSpec, Terms};
use crate::detect::{Confidence, Detector, DetectorId, Matcher};
use crate::flow::Host;

/// All rules, compiled against a matcher.
#[derive(Debug)]
pub struct Policy {
    hash: String,
    mode: Mode,
    unlisted: Action,
    groups: Groups,
    pub(super) rules: Vec<Rule>,
    /// Which identifiers they tell apart.
    apart: Apart,
    /// Where each of them is to be looked for.
    pub(super) index: Index,
    counts_bytes: bool,
    /// Of all rules together.
    fields: Fields,
    directory: Directory,
    transports: Transports,
}

/// One rule, ready to be asked.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) id: Arc<str>,
    pub(super) action: Action,
    /// The weaker of the global mode and the rule's own.
    pub(super) mode: Mode,
    pub(super) detectors: DetectorSet,
    pub(super) confidence: Confidence,
    pub(super) threshold: Threshold,
    /// Where values count, or are exempt; empty: everywhere.
    pub(super) fields: Fields,
    /// How many values of a message it exempts.
    pub(super) at_most: usize,
    /// The share of clients, in percent, for whom it is enforced.
    pub(super) enforce_percent: u8,
    pub(super) mask: MaskKind,
    expires_ms: u64,
    pub(super) scope: Scope,
}

/// When a rule fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Threshold {
    /// Distinct values in one message.
    Message(u64),
    /// Distinct values within a window.
    Window(Per, Terms),
    /// Bytes of bodies within a window.
    Bytes(Per, Terms),
}

impl Rule {
    /// Whether an exemption is one for some values only.
    pub(super) fn is_limited(&self) -> bool {
        !self.fields.is_empty() || self.at_most < usize::MAX
    }

    /// Whether an exemption holds at `spots`: what only looks like a field earns nothing.
    pub(super) fn grants_at(&self, spots: &[Spot<'_>]) -> bool {
        self.fields.is_empty() || spots.iter().any(|spot| spot.exact && self.fields.hold(spot))
    }

    /// Whether a rule that restricts looks at `spots`.
    pub(super) fn looks_at(&self, spots: &[Spot<'_>]) -> bool {
        self.fields.is_empty() || spots.iter().any(|spot| self.fields.hold(spot))
    }

    pub(super) fn has_ended(&self, now_ms: u64) -> bool {
        self.expires_ms <= now_ms
    }
}

/// A rule that fired, as a record names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleHit {
    pub id: Arc<str>,
    pub action: Action,
    pub mode: Mode,
}

impl Policy {
    /// All complaints at once.
    pub fn compile(spec: PolicySpec, matcher: &Matcher) -> Result<Policy, Vec<PolicyError>> {
        Policy::compile_for(spec, matcher.detectors())
    }

    pub(super) fn compile_for(spec: PolicySpec, detectors: &[Detector]) -> Result<Policy, Vec<PolicyError>> {
        let mut errors = Vec::new();
        let mut general =
            |key: &'static str, message: String| errors.push(PolicyError { rule: None, key, message });
        let groups = Groups::compile(&spec.groups, &mut |message| general("destinations", message));
        if spec.unlisted == Action::Redact {
            general(
                "unlisted",
                "unlisted destinations cannot be redacted; expected allow, alert or block".to_owned(),
            );
        }
        let mut rules: Vec<Rule> = Vec::with_capacity(spec.rules.len());
        for (index, rule) in spec.rules.iter().enumerate() {
            let mut complain = |key: &'static str, message: String| {
                errors.push(PolicyError { rule: Some(index), key, message })
            };
            if rules.iter().any(|earlier| *earlier.id == *rule.id) {
                complain("id", format!("rule `{}` is defined twice", rule.id));
            }
            rules.push(compile_rule(rule, spec.mode, &groups, detectors, &mut complain));
        }
        let mut general =
            |key: &'static str, message: String| errors.push(PolicyError { rule: None, key, message });
        let directory = Directory::compile(&spec.identities, &mut |message| general("identity", message));
        let transports =
            Transports::compile(&spec.transports, &groups, &mut |message| general("transport", message));
        if !errors.is_empty() {
            return Err(errors);
        }
        let mut fields = Fields::default();
        rules.iter().for_each(|rule| fields.extend(&rule.fields));
        let counts_bytes = rules.iter().any(|rule| matches!(rule.threshold, Threshold::Bytes(..)));
        Ok(Policy {
            hash: spec.hash,
            mode: spec.mode,
            unlisted: spec.unlisted,
            groups,
            index: Index::of(&rules),
            apart: Apart::of(&rules, detectors.len()),
            rules,
            counts_bytes,
            fields,
            directory,
            transports,
        })
    }

    /// Whether a rule counts what `other` finds and not what `first` does.
    #[must_use]
    pub fn tells_apart(&self, first: DetectorId, other: DetectorId) -> bool {
        self.apart.tells(first, other)
    }

    #[must_use]
    pub fn hash(&self) -> &str {
        &self.hash
    }

    #[must_use]
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Who a client is, as far as its address tells.
    #[must_use]
    pub fn identify(&self, client: IpAddr) -> Option<&Arc<Identity>> {
        self.directory.of(client)
    }

    /// An identity that proves itself, and what its password is hashed to.
    #[must_use]
    pub fn identity(&self, name: &str) -> Option<(&Arc<Identity>, &str)> {
        self.directory.named(name)
    }

    /// Whom a verified certificate with these names stands for, and by which of them.
    #[must_use]
    pub fn certified<'a>(&self, names: &'a [SubjectName]) -> Option<(&Arc<Identity>, &'a SubjectName)> {
        self.directory.certified(names)
    }

    /// How a connection to `host` must be protected at least.
    #[must_use]
    pub fn least_protection(&self, host: &Host) -> Protection {
        self.transports.least(host)
    }

    /// Hosts and groups, written out as hosts; all complaints at once.
    pub fn write_out(&self, words: &[String]) -> Result<Vec<String>, Vec<String>> {
        let mut complaints = Vec::new();
        let hosts = self.groups.resolve(words, &mut |complaint| complaints.push(complaint));
        if complaints.is_empty() { Ok(hosts.patterns()) } else { Err(complaints) }
    }

    /// Says of each client that is neither a network, nor an identity, nor among `others`, what it may have meant.
    #[must_use]
    pub fn unknown_clients(&self, words: &[String], others: &[Arc<str>]) -> Vec<String> {
        let known = || self.directory.names().chain(others.iter().map(|name| &**name));
        let is_net = |word: &str| word.starts_with(|c: char| c.is_ascii_digit()) || word.contains(':');
        let unknown = words.iter().filter(|word| !is_net(word) && !known().any(|name| name == *word));
        let said = unknown.map(|word| {
            format!("no identity or listener is called `{word}`{}", suggest::hint(word, known()))
        });
        said.collect()
    }

    /// Whether any rule counts bytes, so that messages without a finding count too.
    #[must_use]
    pub fn counts_bytes(&self) -> bool {
        self.counts_bytes
    }

    /// Whether any rule speaks of fields, so that it matters where values stand.
    #[must_use]
    pub fn looks_at_fields(&self) -> bool {
        !self.fields.is_empty()
    }

    /// Whether a rule may speak of the field of a form with this key, as it came.
    #[must_use]
    pub fn names_key(&self, key: &str) -> bool {
        self.fields.may_be_key(key)
    }

    /// The group a host belongs to, for the record; first in configuration order.
    #[must_use]
    pub fn group_of(&self, host: &Host) -> Option<&Arc<str>> {
        self.groups.of(host)
    }

    /// What is done with a message because of where it goes. A destination is listed when its name is proven and
    /// in a group; an answer is never asked twice, so responses pass.
    #[must_use]
    pub fn unlisted(&self, message: &Message) -> Action {
        let asked = self.unlisted != Action::Allow && message.direction == Direction::Request;
        let listed = || message.proven && self.groups.of(&message.destination.host).is_some();
        if asked && !listed() { self.unlisted } else { Action::Allow }
    }
}

fn compile_rule(
    rule: &RuleSpec,
    mode: Mode,
    groups: &Groups,
    detectors_known: &[Detector],
    complain: &mut dyn FnMut(&'static str, String),
) -> Rule {
    if rule.id.is_empty() {
        complain("id", "rule has no id".to_owned());
    }
    if rule.at_least == 0 {
        complain("at_least", "a threshold is at least 1".to_owned());
    }
    if rule.action == Action::Allow
        && (rule.at_least > 1 || rule.per != Per::Flow || rule.at_least_bytes.is_some())
    {
        complain("at_least", "`allow` is an exemption and takes no threshold".to_owned());
    }
    if rule.at_most.is_some() && rule.action != Action::Allow {
        complain("at_most", "only an exemption ends after so many values".to_owned());
    }
    if !rule.fields.is_empty() && (rule.action == Action::Redact || rule.at_least_bytes.is_some()) {
        complain("fields", "fields narrow what is exempt, told of or blocked".to_owned());
    }
    let mut detectors = DetectorSet::default();
    if rule.at_least_bytes.is_none() {
        detectors = selector::resolve(&rule.identifiers, detectors_known, &mut |message| {
            complain("identifiers", message)
        });
    }
    Rule {
        id: Arc::from(rule.id.as_str()),
        action: rule.action,
        mode: rule.mode.map_or(mode, |own| own.min(mode)),
        detectors,
        confidence: rule.confidence,
        threshold: threshold(rule, complain),
        fields: Fields::compile(&rule.fields, &mut |message| complain("fields", message)),
        at_most: rule.at_most.map_or(usize::MAX, |values| values as usize),
        enforce_percent: rule.enforce_percent,
        mask: rule.mask,
        expires_ms: rule.expires_ms.unwrap_or(u64::MAX),
        scope: Scope::compile(rule, groups, complain),
    }
}

fn threshold(rule: &RuleSpec, complain: &mut dyn FnMut(&'static str, String)) -> Threshold {
    let window_ms = rule.window.map(|window| u64::try_from(window.as_millis()).unwrap_or(u64::MAX));
    match (rule.per, window_ms) {
        (Per::Flow, Some(_)) => {
            complain("window", "a window needs `per`: client, tenant or destination".to_owned())
        }
        (Per::Flow, None) | (_, Some(1..)) => {}
        (_, None | Some(0)) => complain("per", "what is counted over flows needs a `window`".to_owned()),
    }
    let terms = |at_least| Terms { at_least, window_ms: window_ms.unwrap_or_default() };
    match (rule.at_least_bytes, rule.per) {
        (Some(_), Per::Flow) => {
            complain(
                "at_least_bytes",
                "bytes are counted over flows: it needs `per` and `window`".to_owned(),
            );
            Threshold::Message(u64::MAX)
        }
        (Some(bytes), per) => Threshold::Bytes(per, terms(bytes)),
        (None, Per::Flow) => Threshold::Message(u64::from(rule.at_least)),
        (None, per) => Threshold::Window(per, terms(u64::from(rule.at_least))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::tally::tests::detectors;
    use crate::policy::tests::{message, rule};

    pub(in crate::policy) fn spec(rules: Vec<RuleSpec>) -> PolicySpec {
        PolicySpec { rules, hash: "h".to_owned(), ..PolicySpec::default() }
    }

    #[test]
    fn all_complaints_come_at_once_with_rule_and_key() {
        let bad = |id: &str, change: &dyn Fn(&mut RuleSpec)| {
            let mut rule = rule(id, Action::Block);
            change(&mut rule);
            rule
        };
        let mut spec = spec(vec![
            rule("a", Action::Block),
            bad("a", &|r| r.at_least = 0),
            bad("", &|r| r.identifiers = vec!["pack.pam".to_owned()]),
            bad("c", &|r| (r.action, r.at_least) = (Action::Allow, 2)),
        ]);
        spec.unlisted = Action::Redact;
        spec.groups = vec![("g".to_owned(), vec!["!".to_owned()])];
        let errors = Policy::compile_for(spec, &detectors(2)).unwrap_err();
        let found: Vec<_> = errors.iter().map(|e| (e.rule, e.key)).collect();
        let expected = [
            (None, "destinations"),
            (None, "unlisted"),
            (Some(1), "id"),
            (Some(1), "at_least"),
            (Some(2), "id"),
            (Some(2), "identifiers"),
            (Some(3), "at_least"),
            (Some(3), "destinations"),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn the_weaker_mode_holds() {
        let modes = [
            (Mode::Enforce, None, Mode::Enforce),
            (Mode::Enforce, Some(Mode::Observe), Mode::Observe),
            (Mode::Observe, Some(Mode::Enforce), Mode::Observe),
            (Mode::Observe, None, Mode::Observe),
        ];
        for (global, own, expected) in modes {
            let mut rule = rule("a", Action::Block);
            rule.mode = own;
            let policy =
                Policy::compile_for(PolicySpec { mode: global, ..spec(vec![rule]) }, &detectors(1)).unwrap();
            assert_eq!(policy.rules[0].mode, expected);
        }
    }

    #[test]
    fn only_a_proven_name_in_a_group_is_listed() {
        let mut spec = spec(vec![]);
        spec.unlisted = Action::Block;
        spec.groups = vec![("g".to_owned(), vec!["api.example.com".to_owned()])];
        let policy = Policy::compile_for(spec, &[]).unwrap();
        let mut m = message();
        assert_eq!(policy.unlisted(&m), Action::Allow);
        m.proven = false;
        assert_eq!(policy.unlisted(&m), Action::Block);
        m.proven = true;
        m.destination.host = "other.example.com".parse().unwrap();
        assert_eq!(policy.unlisted(&m), Action::Block);
        m.direction = Direction::Response;
        assert_eq!(policy.unlisted(&m), Action::Allow);
    }
}
