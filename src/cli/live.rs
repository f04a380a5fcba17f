//! What is in force, and how it is exchanged while the gate runs: all or nothing, by signal, API or a changed file.

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Instant;

use arc_swap::ArcSwap;
use serde_json::{Map, Value, json};

use super::changes::Changes;
use super::controls::{Controls, weakened};
use super::destinations;
use super::running::{packs, tenants, upstream_trust};
use crate::admin::{Actor, Check, Control, Health, Level, Unloaded};
use crate::audit::{Audit, Draft, Kind};
use crate::config::{self, Complaint, Complaints, Config};
use crate::config::{keys, rotation};
use crate::fingerprint::FingerprintKey;
use crate::inspect::{Engine, HeldBytes};
use crate::policy::{Board, LocalBudgets, RuleSpec};
use crate::proxy::{Gate, Gauges, UpstreamTrust};
use crate::tls::Leaves;

/// Who asked for a reload.
#[derive(Clone, Debug)]
pub(super) enum By {
    Signal,
    /// A file has changed.
    Watch,
    Api(Actor),
}

impl By {
    const fn as_str(&self) -> &'static str {
        match self {
            By::Signal => "signal",
            By::Watch => "watch",
            By::Api(_) => "api",
        }
    }

    /// Who it was, as far as the gate can know.
    fn actor(&self) -> (&str, Option<std::net::IpAddr>) {
        match self {
            By::Signal => ("signal", None),
            By::Watch => ("watch", None),
            By::Api(actor) => (&actor.name, actor.from),
        }
    }
}

/// Why what was in force stays.
#[derive(Debug)]
pub(super) enum NotLoaded {
    Wrong(Complaints),
    /// The change could not be put on record.
    Unrecorded,
}

const UNRECORDED: &str = "the reload could not be recorded; what was in force stays";

impl fmt::Display for NotLoaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotLoaded::Wrong(complaints) => write!(f, "nothing has changed\n{complaints}"),
            NotLoaded::Unrecorded => f.write_str(UNRECORDED),
        }
    }
}

/// What a reload did.
pub(super) struct Reloaded {
    pub(super) policy: String,
    /// Settings that changed in the file and hold only from the next start.
    pub(super) waiting: Vec<&'static str>,
}

/// The parts of a gate that may be exchanged, and what they stand on.
pub(super) struct Parts {
    /// As it was at the start: listeners, keys and the like are those of the start.
    pub(super) config: Config,
    pub(super) engine: Arc<ArcSwap<Engine>>,
    pub(super) leaves: Arc<ArcSwap<Leaves>>,
    pub(super) overlays: Arc<Board>,
    pub(super) key: FingerprintKey,
    pub(super) held: Arc<HeldBytes>,
    pub(super) budgets: Arc<LocalBudgets>,
    pub(super) audit: Audit,
    pub(super) health: Arc<Health>,
    pub(super) controls: Arc<Controls>,
}

/// What is in force.
pub(super) struct Live {
    pub(super) parts: Parts,
    began: Instant,
    /// The configuration in force.
    current: Mutex<Arc<Config>>,
    /// Where the gate listens and what it knows of destinations, once it does.
    listeners: OnceLock<Vec<(Arc<str>, SocketAddr)>>,
    gauges: OnceLock<Gauges>,
    /// How its upstreams are verified, once there are any.
    trust: OnceLock<UpstreamTrust>,
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Live").finish_non_exhaustive()
    }
}

impl Live {
    pub(super) fn new(parts: Parts) -> Live {
        let current = Mutex::new(Arc::new(parts.config.clone()));
        Live {
            parts,
            began: Instant::now(),
            current,
            listeners: OnceLock::new(),
            gauges: OnceLock::new(),
            trust: OnceLock::new(),
        }
    }

    /// Reads the configuration again and puts its policy and packs in force, all or nothing: on record first, as an
    /// overlay is. Flows under way keep what they began with. Blocks.
    pub(super) fn reload(&self, by: &By) -> Result<Reloaded, NotLoaded> {
        // One at a time: what is compared with what holds must still hold when it is exchanged.
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let loaded = config::load(self.parts.config.file.as_deref());
        let loaded = loaded.and_then(|loaded| {
            loaded.0.may_follow(&current, &self.parts.config)?;
            Ok(loaded)
        });
        let (config, compiled) = match loaded {
            Ok(loaded) => loaded,
            Err(complaints) => {
                self.refused(by, &complaints);
                return Err(NotLoaded::Wrong(complaints));
            }
        };
        let before = self.parts.engine.load_full();
        let waiting = waiting(&self.parts.config, &config);
        if !self.note(by, (&current, &before), (&config, &compiled), &waiting) {
            self.failed(UNRECORDED.to_owned());
            return Err(NotLoaded::Unrecorded);
        }
        if let Err(error) = self.renew_issuer() {
            tracing::error!(error, "the issuer on disk cannot be used; the one in force stays");
        }
        if let Err(error) = self.renew_trust() {
            tracing::error!(error, "roots or revocation lists cannot be read; what is in force stays");
        }
        self.renew_listeners(&config);
        self.parts.budgets.share_among(tenants(&config));
        self.parts.held.share_among(tenants(&config));
        let budgets = Arc::clone(&self.parts.budgets) as _;
        let mut engine =
            compiled.engine(&config, self.parts.key.clone(), budgets, Arc::clone(&self.parts.held));
        engine.overlays = Arc::clone(&self.parts.overlays);
        if let Some(samples) = &self.parts.config.audit.samples {
            compiled.sample(samples);
        }
        self.parts.engine.store(Arc::new(engine));
        self.note_packs(&before, &self.parts.engine.load());
        self.parts.health.reloaded(Ok(()));
        self.parts.controls.set("config", Vec::new());
        self.parts.controls.set("policy", weakened(&config));
        *current = Arc::new(config);
        Ok(Reloaded { policy: compiled.policy.hash().to_owned(), waiting })
    }

    /// The same, said in the log; whether it is worth trying again with the same files. Packs take a moment to
    /// compile: other tasks go on meanwhile.
    pub(super) fn reload_aloud(&self, by: &By) -> bool {
        match tokio::task::block_in_place(|| self.reload(by)) {
            Ok(Reloaded { policy, waiting }) => {
                tracing::info!(policy, "configuration reloaded");
                if !waiting.is_empty() {
                    tracing::warn!(
                        settings = waiting.join(", "),
                        "changed in the file, but they need a restart"
                    );
                }
                false
            }
            Err(why) => {
                tracing::error!("configuration not reloaded, {why}");
                matches!(why, NotLoaded::Unrecorded)
            }
        }
    }

    /// Records a reload before it takes force: by whom, from which policy to which, what changes and what of it
    /// weakens. Whether the record is written.
    fn note(
        &self,
        by: &By,
        (old, before): (&Config, &Engine),
        (new, compiled): (&Config, &config::Compiled),
        waiting: &[&'static str],
    ) -> bool {
        let after = compiled.matcher.packs();
        let Changes { changed, weakens } = Changes::between((old, before.matcher.packs()), (new, after));
        let (actor, from) = by.actor();
        let detail = json!({
            "outcome": "loaded",
            "policy": compiled.policy.hash(),
            "previous": before.policy.hash(),
            "changed": changed,
            "weakens": weakens,
            "packs": packs(after),
            "waiting": waiting,
            "by": by.as_str(),
            "actor": actor,
            "from": from,
        });
        let pending = self.parts.audit.submit(Draft::Event { kind: Kind::Config, detail: fields(detail) });
        // Whoever reloads has made room for waiting.
        tokio::runtime::Handle::current().block_on(pending).is_ok()
    }

    /// Records that a file was wrong, and that what was in force stays.
    fn refused(&self, by: &By, Complaints(complaints): &Complaints) {
        let (actor, from) = by.actor();
        let (count, policy) = (complaints.len(), self.parts.engine.load().policy.hash().to_owned());
        self.record(
            Kind::Config,
            json!({
                "outcome": "refused", "complaints": count, "policy": policy,
                "by": by.as_str(), "actor": actor, "from": from,
            }),
        );
        let place = complaints.first().map(|first| match first.line {
            0 => format!(" (the first: {})", first.file),
            line => format!(" (the first: {}:{line})", first.file),
        });
        let place = place.unwrap_or_default();
        self.failed(format!("a reload was refused with {count} complaints{place}; what was in force stays"));
    }

    /// The files say something else than what is in force.
    fn failed(&self, cause: String) {
        self.parts.health.reloaded(Err(cause.clone()));
        self.parts.controls.set("config", vec![cause]);
    }

    /// Records which packs came, went or were exchanged.
    fn note_packs(&self, before: &Engine, after: &Engine) {
        let (old, new) = (before.matcher.packs(), after.matcher.packs());
        for pack in new {
            let previous = old.iter().find(|old| old.name == pack.name);
            if previous.is_some_and(|previous| previous.hash == pack.hash) {
                continue;
            }
            let outcome = if previous.is_some() { "replaced" } else { "added" };
            let was = previous.map(|previous| json!({ "version": previous.version, "hash": previous.hash }));
            self.record(
                Kind::Pack,
                json!({
                    "outcome": outcome, "name": pack.name, "version": pack.version, "hash": pack.hash,
                    "signed_by": pack.signed_by, "previous": was,
                }),
            );
        }
        for gone in old.iter().filter(|old| !new.iter().any(|new| new.name == old.name)) {
            let (name, version, hash) = (&gone.name, &gone.version, &gone.hash);
            let detail = json!({ "outcome": "removed", "name": name, "version": version, "hash": hash });
            self.record(Kind::Pack, detail);
        }
    }

    /// Reads again what upstreams are verified by: roots, revocation lists, client certificates.
    fn renew_trust(&self) -> Result<(), String> {
        let Some(trust) = self.trust.get() else { return Ok(()) };
        let (tls, destinations) = upstream_trust(&self.parts.config)?;
        trust.renew(tls, destinations);
        Ok(())
    }

    /// What listeners show and ask for is what their files say now.
    fn renew_listeners(&self, config: &Config) {
        for listener in &self.parts.config.listeners {
            let fresh = config.listeners.iter().find(|fresh| fresh.name == listener.name);
            if let (Some(tls), Some(fresh)) = (&listener.tls, fresh.and_then(|fresh| fresh.tls.as_ref())) {
                tls.renew(fresh);
            }
        }
    }

    /// Takes up an issuer that has taken the place of the one in force. Leaves of the old one are dropped; connections
    /// under way keep theirs.
    fn renew_issuer(&self) -> Result<(), String> {
        let files = &self.parts.config.issuer;
        let read = rotation::settle(files).and_then(|()| keys::read_issuer(files));
        let read = read.map_err(|error| error.to_string())?;
        let issuer = read.ok_or_else(|| "the issuer is gone".to_owned())?;
        let (sha256, not_after) = (issuer.sha256(), issuer.not_after());
        if self.parts.leaves.load().issuer().sha256() == sha256 {
            return Ok(());
        }
        let leaves = Leaves::new(Arc::new(issuer)).map_err(|error| error.to_string())?;
        self.parts.leaves.store(Arc::new(leaves));
        self.parts.health.issuer(not_after);
        self.record(Kind::Config, json!({ "outcome": "issuer", "issuer": sha256 }));
        Ok(())
    }

    fn record(&self, kind: Kind, detail: Value) {
        // Written whether or not the answer is awaited; a trail that takes nothing refuses flows by itself.
        drop(self.parts.audit.submit(Draft::Event { kind, detail: fields(detail) }));
    }

    /// The configuration in force.
    pub(super) fn current(&self) -> Arc<Config> {
        Arc::clone(&self.current.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Tells those who ask where the gate listens.
    pub(super) fn listens(&self, gate: &Gate) {
        self.listeners.get_or_init(|| gate.addresses());
        self.trust.get_or_init(|| gate.trust());
        self.gauges.get_or_init(|| gate.gauges());
    }
}

impl Control for Live {
    fn reload(&self, actor: &Actor) -> Result<Value, Unloaded> {
        match Live::reload(self, &By::Api(actor.clone())) {
            Ok(Reloaded { policy, waiting }) => {
                tracing::info!(policy, actor = actor.name, "configuration reloaded");
                let packs = packs(self.parts.engine.load().matcher.packs());
                Ok(json!({ "outcome": "loaded", "policy": policy, "packs": packs, "waiting": waiting }))
            }
            Err(why) => {
                tracing::error!("configuration not reloaded, {why}");
                Err(match why {
                    NotLoaded::Wrong(Complaints(all)) => Unloaded::Wrong(all.iter().map(shown).collect()),
                    NotLoaded::Unrecorded => Unloaded::Unrecorded(UNRECORDED),
                })
            }
        }
    }

    fn policy(&self) -> Value {
        let config = self.current();
        let engine = self.parts.engine.load();
        let groups = config.policy.groups.iter().map(|(name, hosts)| (name.clone(), json!(hosts)));
        json!({
            "hash": engine.policy.hash(),
            "mode": engine.policy.mode().as_str(),
            "unlisted": config.policy.unlisted.as_str(),
            "packs": packs(engine.matcher.packs()),
            "destinations": groups.collect::<Map<_, _>>(),
            "rules": config.policy.rules.iter().map(rule).collect::<Value>(),
            "bypasses": config.interceptions.bypasses.iter().map(|bypass| json!({
                "hosts": bypass.hosts().words(),
                "reason": &*bypass.grounds().reason,
                "owner": &*bypass.grounds().owner,
                "expires": jiff::Timestamp::from_second(bypass.expires()).ok(),
            })).collect::<Value>(),
        })
    }

    fn posture(&self) -> Value {
        let (all, beyond) = self.gauges.get().map(Gauges::posture).unwrap_or_default();
        let matcher = Arc::clone(&self.parts.engine.load().matcher);
        let (now, cleanse) = (jiff::Timestamp::now().as_second(), |host: &str| matcher.cleanse(host));
        let destinations = all.iter().map(|seen| destinations::shown(seen, now, &cleanse));
        json!({ "destinations": destinations.collect::<Value>(), "connections_to_others": beyond })
    }

    fn status(&self) -> Value {
        let checks = self.parts.health.checks();
        let (engine, audit) = (self.parts.engine.load(), self.parts.audit.stats());
        let shown = |check: &Check| json!({ "name": check.name, "level": check.level.as_str(), "detail": check.detail });
        let listeners = self.listeners.get().into_iter().flatten();
        json!({
            "name": env!("CARGO_PKG_NAME"),
            "version": env!("CARGO_PKG_VERSION"),
            "node": self.parts.config.node,
            "uptime_s": self.began.elapsed().as_secs(),
            "config": self.parts.config.file.as_ref().map(|file| file.display().to_string()),
            "ready": checks.iter().all(|check| check.level < Level::Failed),
            "checks": checks.iter().map(shown).collect::<Value>(),
            "mode": engine.policy.mode().as_str(),
            "policy": engine.policy.hash(),
            "overlays": self.parts.overlays.overlays().len(),
            "listeners": listeners.map(|(name, at)| json!({ "name": &**name, "address": at })).collect::<Value>(),
            "audit": {
                "seq": audit.seq, "queued": audit.queued, "disk_bytes": audit.disk_bytes,
                "max_disk": audit.max_disk, "refused_total": audit.refused_total,
            },
            "held_bytes": engine.held.used(),
        })
    }
}

fn fields(detail: Value) -> Map<String, Value> {
    match detail {
        Value::Object(detail) => detail,
        other => Map::from_iter([("detail".to_owned(), other)]),
    }
}

fn shown(complaint: &Complaint) -> Value {
    let complaint = complaint.masked();
    json!({
        "file": complaint.file, "line": complaint.line, "column": complaint.column, "key": complaint.key,
        "message": complaint.message, "expected": complaint.expected, "similar": complaint.similar,
        "text": complaint.to_string(),
    })
}

/// A rule as it is written, without the keys that it leaves at their defaults.
fn rule(rule: &RuleSpec) -> Value {
    let lists = [
        ("identifiers", &rule.identifiers),
        ("destinations", &rule.destinations),
        ("except_destinations", &rule.except_destinations),
        ("clients", &rule.clients),
        ("tenants", &rule.tenants),
        ("environments", &rule.environments),
        ("methods", &rule.methods),
        ("paths", &rule.paths),
        ("media_types", &rule.media_types),
        ("status", &rule.status),
        ("schemes", &rule.schemes),
    ];
    let lists = lists.into_iter().filter(|(_, list)| !list.is_empty());
    let mut shown: Map<String, Value> = lists.map(|(key, list)| (key.to_owned(), json!(list))).collect();
    let window = rule.window.map(|window| window.as_secs());
    let expires = rule.expires_ms.and_then(|ms| i64::try_from(ms).ok());
    let expires = expires.and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    let words = [
        ("id", json!(rule.id)),
        ("action", json!(rule.action.as_str())),
        ("direction", json!(rule.direction.map(crate::flow::Direction::as_str))),
        ("confidence", json!(rule.confidence.as_str())),
        ("at_least", json!(rule.at_least)),
        ("at_least_bytes", json!(rule.at_least_bytes)),
        ("per", json!(rule.per.as_str())),
        ("window_s", json!(window)),
        ("enforce_percent", json!(rule.enforce_percent)),
        ("mask", json!(rule.mask.as_str())),
        ("mode", json!(rule.mode.map(crate::policy::Mode::as_str))),
        ("owner", json!(rule.owner)),
        ("reason", json!(rule.reason)),
        ("expires", json!(expires)),
    ];
    let words = words.into_iter().filter(|(_, value)| !value.is_null());
    shown.extend(words.map(|(key, value)| (key.to_owned(), value)));
    Value::Object(shown)
}

/// Settings that a reload cannot change.
fn waiting(old: &Config, new: &Config) -> Vec<&'static str> {
    let same_listeners = format!("{:?}", old.listeners) == format!("{:?}", new.listeners);
    let same_audit =
        format!("{:?}", (&old.audit, &old.audit_key)) == format!("{:?}", (&new.audit, &new.audit_key));
    let parts = [
        ("listener", same_listeners),
        ("admin", old.admin == new.admin),
        ("issuer", old.issuer == new.issuer),
        ("upstream", old.upstream == new.upstream),
        ("inspect.hold_idle", old.inspect.hold_idle == new.inspect.hold_idle),
        ("fingerprint", old.fingerprint_key == new.fingerprint_key),
        ("audit", same_audit),
        ("state", old.state == new.state),
        ("sink", format!("{:?}", old.sinks) == format!("{:?}", new.sinks)),
        ("selftest", old.selftest == new.selftest),
        ("audit", (old.heartbeat, &old.witness) == (new.heartbeat, &new.witness)),
    ];
    parts.into_iter().filter(|(_, same)| !same).map(|(name, _)| name).collect()
}
