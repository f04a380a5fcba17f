//! Overrides that are laid over the policy for a time: whom they cover, what they do, and what they mean for one message.
//!
//! An overlay changes nothing of the policy below it, not even its hash. What tightens bites at once, in messages under
//! way too; what loosens holds for messages that begin while it is in force.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;

use super::hosts::HostSet;
use super::meter::{Limit, Meter};
use super::scope::{self, Client};
use super::selector;
use super::{Action, Message, Mode, RuleHit};
use crate::detect::{Confidence, Detector};

/// What an overlay does to the messages that it covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing passes; with identifiers: nothing that holds one of them.
    Block,
    /// So many bytes a second, or requests a minute, pass.
    Throttle(Limit),
    /// Identifiers are exempt; without any named, all are, and the destination is listed.
    Allow,
    /// Rules are recorded and not enforced.
    Observe,
}

impl Effect {
    /// Every word.
    pub const WORDS: [&'static str; 4] = ["block", "throttle", "allow", "observe"];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Effect::Block => Effect::WORDS[0],
            Effect::Throttle(_) => Effect::WORDS[1],
            Effect::Allow => Effect::WORDS[2],
            Effect::Observe => Effect::WORDS[3],
        }
    }

    /// Whether more may pass than the policy lets.
    #[must_use]
    pub const fn loosens(self) -> bool {
        match self {
            Effect::Block | Effect::Throttle(_) => false,
            Effect::Allow | Effect::Observe => true,
        }
    }
}

/// An overlay as it was asked for; hosts are written out, groups among them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OverlaySpec {
    pub id: Arc<str>,
    pub effect: Effect,
    /// Host patterns; empty: all.
    pub destinations: Vec<String>,
    /// CIDRs, identities or listeners; empty: all.
    pub clients: Vec<String>,
    pub tenants: Vec<String>,
    /// Ids, `pack.*`, `*`, `tag:word`; empty: whatever a message holds.
    pub identifiers: Vec<String>,
    pub actor: String,
    pub owner: Option<String>,
    pub reason: Option<String>,
    /// In milliseconds since the Unix epoch, as all times here.
    pub since_ms: u64,
    pub expires_ms: Option<u64>,
}

/// What is wrong with an overlay, and with which key of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OverlayFault {
    pub key: &'static str,
    pub message: String,
}

/// An overlay, ready to be asked.
#[derive(Debug)]
pub struct Overlay {
    spec: OverlaySpec,
    hosts: Option<HostSet>,
    clients: Vec<Client>,
    meter: Option<Meter>,
}

impl Overlay {
    /// All complaints at once.
    pub fn compile(spec: OverlaySpec) -> Result<Overlay, Vec<OverlayFault>> {
        let mut faults = Vec::new();
        let mut complain = |key: &'static str, message: String| faults.push(OverlayFault { key, message });
        let mut hosts = HostSet::default();
        for word in &spec.destinations {
            hosts.add(word).unwrap_or_else(|why| complain("destinations", why));
        }
        let clients = scope::clients(&spec.clients, &mut |why| complain("clients", why));
        let names = !spec.identifiers.is_empty();
        match spec.effect {
            Effect::Allow if spec.destinations.is_empty() => {
                complain("destinations", "`allow` needs the destinations that it holds for".to_owned())
            }
            Effect::Throttle(_) | Effect::Observe if names => {
                let why = format!("`{}` asks nobody what a message holds", spec.effect.as_str());
                complain("identifiers", why);
            }
            Effect::Block | Effect::Throttle(_) | Effect::Allow | Effect::Observe => {}
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        let hosts = (!spec.destinations.is_empty()).then_some(hosts);
        let meter = match spec.effect {
            Effect::Throttle(limit) => Some(Meter::new(limit)),
            Effect::Block | Effect::Allow | Effect::Observe => None,
        };
        Ok(Overlay { spec, hosts, clients, meter })
    }

    #[must_use]
    pub fn spec(&self) -> &OverlaySpec {
        &self.spec
    }

    /// What a throttle counts with.
    #[must_use]
    pub fn meter(&self) -> Option<&Meter> {
        self.meter.as_ref()
    }

    #[must_use]
    pub fn has_ended(&self, now_ms: u64) -> bool {
        self.spec.expires_ms.is_some_and(|expires| expires <= now_ms)
    }

    /// A name that is only claimed earns nothing, and is no way out either.
    fn covers(&self, message: &Message) -> bool {
        let Overlay { spec, hosts, clients, .. } = self;
        let named = |hosts: &HostSet| {
            hosts.contains(&message.destination.host) && (message.proven || !spec.effect.loosens())
        };
        !self.has_ended(message.now_ms)
            && hosts.as_ref().is_none_or(named)
            && (clients.is_empty() || clients.iter().any(|client| client.matches(message)))
            && (spec.tenants.is_empty() || spec.tenants.iter().any(|tenant| **tenant == *message.tenant))
    }

    fn names(&self, detector: &Detector) -> bool {
        self.spec.identifiers.iter().any(|word| selector::selects(word, detector))
    }
}

/// The overlays in force, shared by all flows.
#[derive(Debug, Default)]
pub struct Board {
    /// Rises with every change: flows under way see by it that they have to look again.
    version: AtomicU64,
    current: ArcSwap<Vec<Arc<Overlay>>>,
}

impl Board {
    /// Puts others in the place of those in force.
    pub fn put(&self, overlays: Vec<Arc<Overlay>>) {
        self.current.store(Arc::new(overlays));
        self.version.fetch_add(1, Ordering::Release);
    }

    #[must_use]
    pub fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    #[must_use]
    pub fn overlays(&self) -> Arc<Vec<Arc<Overlay>>> {
        self.current.load_full()
    }

    /// Whether one of them stops what `other` finds and not what `first` does.
    #[must_use]
    pub fn tells_apart(&self, first: &Detector, other: &Detector) -> bool {
        let current = self.current.load();
        let mut blocks = current.iter().filter(|overlay| overlay.spec.effect == Effect::Block);
        blocks.any(|overlay| overlay.names(other) && !overlay.names(first))
    }
}

/// What overlays mean for one message.
#[derive(Debug, Default)]
pub struct Laid {
    version: u64,
    covering: Vec<Arc<Overlay>>,
    /// Those that named an identifier which was found.
    fired: Vec<Arc<str>>,
    /// Whether those that loosen have made a difference.
    lenient: bool,
}

impl Laid {
    #[must_use]
    pub fn of(board: &Board, message: &Message) -> Laid {
        // Before the overlays: a change in between is seen at the next look.
        let version = board.version();
        if version == 0 {
            return Laid::default();
        }
        let all = board.current.load();
        let covering = all.iter().filter(|overlay| overlay.covers(message)).cloned().collect();
        Laid { version, covering, ..Laid::default() }
    }

    /// Whether overlays have changed since the last look.
    #[must_use]
    pub fn is_stale(&self, board: &Board) -> bool {
        self.version != board.version()
    }

    /// Looks again: what tightens is as it is now, what loosens as it was when the message began.
    pub fn renew(&mut self, board: &Board, message: &Message) {
        let now = Laid::of(board, message);
        self.version = now.version;
        self.covering.retain(|overlay| overlay.spec.effect.loosens());
        self.covering.extend(now.covering.into_iter().filter(|overlay| !overlay.spec.effect.loosens()));
    }

    fn of_effect(&self, wanted: impl Fn(Effect) -> bool) -> impl Iterator<Item = &Arc<Overlay>> {
        self.covering.iter().filter(move |overlay| wanted(overlay.spec.effect))
    }

    fn blocks(&self) -> impl Iterator<Item = &Arc<Overlay>> {
        self.of_effect(|effect| effect == Effect::Block)
    }

    /// Whether nothing of the message may pass, whatever it holds.
    #[must_use]
    pub fn refuses(&self) -> bool {
        self.blocks().any(|overlay| overlay.spec.identifiers.is_empty())
    }

    /// Whether what was found must not pass.
    pub fn refuses_found(&mut self, detector: &Detector, confidence: Confidence) -> bool {
        let named: Vec<Arc<str>> = self
            .blocks()
            .filter(|overlay| confidence >= Confidence::Medium && overlay.names(detector))
            .map(|overlay| Arc::clone(&overlay.spec.id))
            .collect();
        let new = named.iter().filter(|id| !self.fired.contains(id)).cloned().collect::<Vec<_>>();
        self.fired.extend(new);
        !named.is_empty()
    }

    /// Whether found values of this detector are exempt.
    #[must_use]
    pub fn exempts(&self, detector: &Detector) -> bool {
        let mut allows = self.of_effect(|effect| effect == Effect::Allow);
        allows.any(|overlay| overlay.spec.identifiers.is_empty() || overlay.names(detector))
    }

    /// Whether any overlay exempts anything.
    #[must_use]
    pub fn grants(&self) -> bool {
        self.of_effect(|effect| effect == Effect::Allow).next().is_some()
    }

    /// Whether the destination may be reached though it is in no group.
    #[must_use]
    pub fn lists(&self) -> bool {
        self.of_effect(|effect| effect == Effect::Allow).any(|overlay| overlay.spec.identifiers.is_empty())
    }

    /// The mode that rules are held to at most.
    #[must_use]
    pub fn mode(&self) -> Mode {
        let observes = self.of_effect(|effect| effect == Effect::Observe).next().is_some();
        if observes { Mode::Observe } else { Mode::Enforce }
    }

    /// What loosens has been applied.
    pub fn applied(&mut self) {
        self.lenient = true;
    }

    /// Those that count requests or bytes.
    pub fn throttles(&self) -> impl Iterator<Item = &Arc<Overlay>> {
        self.of_effect(|effect| matches!(effect, Effect::Throttle(_)))
    }

    /// The overlays that stopped the message, as rules are named.
    pub fn hits(&self) -> impl Iterator<Item = RuleHit> + '_ {
        let whole = self.blocks().filter(|overlay| overlay.spec.identifiers.is_empty());
        whole.map(|overlay| &overlay.spec.id).chain(&self.fired).map(|id| RuleHit {
            id: format!("overlay:{id}").into(),
            action: Action::Block,
            mode: Mode::Enforce,
        })
    }

    /// The overlays that had a part in the decision, for its record.
    #[must_use]
    pub fn named(&self) -> Option<Arc<str>> {
        if self.covering.is_empty() {
            return None;
        }
        let lenient = self.of_effect(|effect| self.lenient && effect.loosens());
        let refusing = self.blocks().filter(|overlay| overlay.spec.identifiers.is_empty());
        let whole = refusing.chain(self.throttles()).chain(lenient).map(|overlay| &*overlay.spec.id);
        let ids: Vec<&str> = self.fired.iter().map(|id| &**id).chain(whole).collect();
        (!ids.is_empty()).then(|| ids.join(",").into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::tally::tests::detectors;
    use crate::policy::tests::message;

    pub(in crate::policy) fn spec(id: &str, effect: Effect) -> OverlaySpec {
        OverlaySpec {
            id: id.into(),
            effect,
            destinations: vec![],
            clients: vec![],
            tenants: vec![],
            identifiers: vec![],
            actor: "a".into(),
            owner: None,
            reason: None,
            since_ms: 0,
            expires_ms: None,
        }
    }

    fn board(specs: Vec<OverlaySpec>) -> Board {
        let board = Board::default();
        board.put(specs.into_iter().map(|spec| Arc::new(Overlay::compile(spec).unwrap())).collect());
        board
    }

    fn with(effect: Effect, change: impl Fn(&mut OverlaySpec)) -> OverlaySpec {
        let mut spec = spec(effect.as_str(), effect);
        change(&mut spec);
        spec
    }

    #[test]
    fn every_key_narrows_what_is_covered() {
        type Change = fn(&mut OverlaySpec);
        let cases: [(Change, bool); 11] = [
            (|_| {}, true),
            (|o| o.destinations = vec!["api.example.com".into()], true),
            (|o| o.destinations = vec!["*.example.com".into()], true),
            (|o| o.destinations = vec!["other.example".into()], false),
            (|o| o.clients = vec!["127.0.0.0/8".into()], true),
            (|o| o.clients = vec!["apps".into()], true),
            (|o| o.clients = vec!["10.0.0.0/8".into()], false),
            (|o| o.tenants = vec!["default".into()], true),
            (|o| o.tenants = vec!["shop".into()], false),
            (|o| o.expires_ms = Some(11), true),
            (|o| o.expires_ms = Some(10), false),
        ];
        for (number, (change, expected)) in cases.into_iter().enumerate() {
            let message = Message { now_ms: 10, ..message() };
            let laid = Laid::of(&board(vec![with(Effect::Block, change)]), &message);
            assert_eq!(laid.refuses(), expected, "{number}");
            assert_eq!(laid.named().is_some(), expected);
            assert_eq!(laid.hits().count(), usize::from(expected));
        }
    }

    #[test]
    fn a_claimed_name_is_no_way_out_and_earns_nothing() {
        let here = |o: &mut OverlaySpec| o.destinations = vec!["api.example.com".into()];
        let board = board(vec![with(Effect::Block, here), with(Effect::Allow, here)]);
        for (proven, allowed) in [(true, true), (false, false)] {
            let laid = Laid::of(&board, &Message { proven, ..message() });
            assert!(laid.refuses());
            assert_eq!(laid.grants(), allowed);
        }
    }

    #[test]
    fn identifiers_are_told_apart() {
        let known = detectors(2);
        let one = |o: &mut OverlaySpec| o.identifiers = vec!["pack.d1".into()];
        let mut laid = Laid::of(&board(vec![with(Effect::Block, one)]), &message());
        assert!(!laid.refuses() && laid.named().is_none());
        assert!(!laid.refuses_found(&known[0], Confidence::High));
        assert!(!laid.refuses_found(&known[1], Confidence::Low));
        assert!(laid.refuses_found(&known[1], Confidence::Medium));
        assert!(laid.refuses_found(&known[1], Confidence::Medium));
        assert_eq!(laid.named().as_deref(), Some("block"));
        assert_eq!(laid.hits().count(), 1);

        let there = |o: &mut OverlaySpec| {
            one(o);
            o.destinations = vec!["api.example.com".into()];
        };
        let mut laid = Laid::of(&board(vec![with(Effect::Allow, there)]), &message());
        assert!(laid.exempts(&known[1]) && !laid.exempts(&known[0]) && !laid.lists());
        assert!(laid.named().is_none(), "nothing was found yet");
        laid.applied();
        assert_eq!(laid.named().as_deref(), Some("allow"));
    }

    #[test]
    fn a_message_under_way_meets_what_tightens_and_keeps_what_loosens() {
        let there = |o: &mut OverlaySpec| o.destinations = vec!["api.example.com".into()];
        let board = board(vec![with(Effect::Observe, |_| {})]);
        let mut laid = Laid::of(&board, &message());
        assert!(!laid.is_stale(&board) && laid.mode() == Mode::Observe);
        let next = [with(Effect::Block, there), with(Effect::Allow, there)];
        board.put(next.map(|spec| Arc::new(Overlay::compile(spec).unwrap())).into());
        assert!(laid.is_stale(&board));
        laid.renew(&board, &message());
        assert!(!laid.is_stale(&board) && laid.refuses());
        assert_eq!((laid.mode(), laid.grants()), (Mode::Observe, false));
        board.put(vec![]);
        laid.renew(&board, &message());
        assert!(!laid.refuses());
    }

    #[test]
    fn what_makes_no_sense_is_complained_of_all_at_once() {
        let faults = |spec: OverlaySpec| {
            let faults = Overlay::compile(spec).unwrap_err();
            faults.iter().map(|fault| fault.key).collect::<Vec<_>>()
        };
        let bad = with(Effect::Block, |o| {
            o.destinations = vec!["a b".into(), "x.example".into()];
            o.clients = vec!["10.0.0.0/99".into()];
        });
        assert_eq!(faults(bad), ["destinations", "clients"]);
        assert_eq!(faults(spec("x", Effect::Allow)), ["destinations"]);
        let named = with(Effect::Observe, |o| o.identifiers = vec!["*".into()]);
        assert_eq!(faults(named), ["identifiers"]);
    }
}
