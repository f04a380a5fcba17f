//! A gate and everything it stands on, started and stopped in the one right order. `run` and `demo` share it.

use std::collections::HashSet;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use arc_swap::ArcSwap;
use metrics::{counter, gauge};
use ring::rand::{SecureRandom, SystemRandom};
use serde_json::{Map, Value, json};
use tokio::task::JoinHandle;
use zeroize::Zeroizing;

use super::Failure;
use super::controls::{Controls, weakened};
use super::heads::Heads;
use super::live::{By, Live, Parts};
use super::locks::Locks;
use super::rehearse::Rehearser;
use super::watch::Watch;
use super::windows::Windows;
use crate::admin::{Admin, AdminConfig, Api, Health, Keeper, KeeperConfig, Loaded, Meter};
use crate::audit::{Audit, AuditConfig, Draft, Kind, Writer};
use crate::config::keys::Keys;
use crate::config::{Compiled, Config, ParentSettings};
use crate::detect::Pack;
use crate::fingerprint::FingerprintKey;
use crate::flow::FlowId;
use crate::inspect::{Engine, HeldBytes};
use crate::limits;
use crate::platform::disk;
use crate::policy::{Board, Effect, Interceptions};
use crate::proxy::{
    Authentication, DestinationConfig, Gate, GateConfig, Gauges, ListenerConfig, ListenerKind, Rehearsal,
    UpstreamConfig,
};
use crate::sink::{SinkConfig, Sinks, Surroundings};
use crate::telemetry;
use crate::tls::{Leaves, ListenerTls, UpstreamTls};

/// A gate at work.
pub(super) struct Running {
    pub(super) gate: Gate,
    pub(super) admin: Admin,
    live: Arc<Live>,
    /// After the gate: it is written down once more when nothing can leave any longer.
    windows: Windows,
    /// Last: it outlives whatever may still submit a record.
    writer: Writer,
    sinks: Sinks,
    /// Until all that is written is written.
    _locks: Locks,
    _watches: [Repeated; 4],
    _files: Option<Repeated>,
    _tests: Repeated,
}

impl Running {
    /// Trail first, listeners last: nothing is accepted that could not be recorded.
    pub(super) async fn start(
        config: Config,
        compiled: Compiled,
        keys: Keys,
        meter: Meter,
        heads: Heads,
    ) -> Result<Running, Failure> {
        let trust = upstream_trust(&config).map_err(Failure::configuration)?;
        let not_after = keys.issuer.not_after();
        let leaves = Arc::new(ArcSwap::from_pointee(
            Leaves::new(Arc::new(keys.issuer)).map_err(Failure::configuration)?,
        ));
        let held = Arc::new(HeldBytes::new(limits::HELD_BYTES));
        held.share_among(tenants(&config));
        let locks = Locks::take(&config)?;
        let windows = Windows::open(&config.state.directory, &keys.state, tenants(&config))?;
        let budgets = Arc::clone(&windows.budgets);
        let key = sampled(&config, &compiled, keys.fingerprint);
        let mut engine = compiled.engine(&config, key.clone(), budgets as _, Arc::clone(&held));
        let overlays = Arc::new(Board::default());
        engine.overlays = Arc::clone(&overlays);
        let engine = Arc::new(ArcSwap::from_pointee(engine));

        let trail = AuditConfig { boot: boot()?, start: started(&config, &compiled), ..config.audit.clone() };
        let (audit, writer) = Audit::open_with(trail, &keys.audit, heads.witness()).map_err(Failure::io)?;
        warn_of_small_disk(&config.audit);
        let health = Arc::new(Health::new(audit.clone(), not_after));
        health.watch(Arc::clone(&engine));
        let shown = heads.clone();
        health.ask_witness(move || shown.behind());
        let standing = Arc::new(OnceLock::<Gauges>::new());
        let meter = refreshing(meter, &health, audit.clone(), Arc::clone(&engine), Arc::clone(&standing));
        let (controls, watches) = watch(&config, &audit, heads);
        let keeper = keep_overlays(&config, &keys.state, &overlays, &audit, &engine)?;
        let live = Arc::new(Live::new(Parts {
            config,
            engine,
            leaves,
            overlays,
            key,
            held,
            budgets: Arc::clone(&windows.budgets),
            audit: audit.clone(),
            health: Arc::clone(&health),
            controls,
        }));
        let Parts { config, engine, leaves, .. } = &live.parts;
        let api = Api::new(Arc::clone(&keeper), Arc::clone(&live) as _, Arc::clone(engine), audit.clone());
        let address = config.admin.address;
        let admin = AdminConfig { address, token: keys.admin_token, health, meter, api: Some(Arc::new(api)) };
        let admin = administer(admin).await?;
        let rehearsal = Arc::new(Rehearsal::default());
        let sinks = start_sinks(config, &keys.sinks, &audit)?;
        let gate = gate_config(config, trust, &admin, &rehearsal)?;
        let gate = Gate::start(gate, Arc::clone(engine), Arc::clone(leaves), audit.clone()).await;
        let gate = gate.map_err(Failure::unavailable)?;
        standing.get_or_init(|| gate.gauges());
        live.listens(&gate);
        let tests = rehearse(config, &audit, &gate, engine, rehearsal);
        let [clock, heart, witness] = watches;
        let watches = [clock, heart, witness, expire(keeper)];
        let files = config.watch.then(|| watch_files(Arc::clone(&live)));
        Ok(Running {
            gate,
            admin,
            live,
            windows,
            writer,
            sinks,
            _locks: locks,
            _watches: watches,
            _files: files,
            _tests: tests,
        })
    }

    pub(super) fn config(&self) -> &Config {
        &self.live.parts.config
    }

    pub(super) fn live(&self) -> &Live {
        &self.live
    }

    /// Refuses new work, lets what is under way end until the deadline, cuts the rest and closes the trail with a
    /// signature, whose `stop` record says why and how many. What is under way is cut at once when `hurry` is done.
    pub(super) async fn stop(
        self,
        why: &'static str,
        deadline: Duration,
        hurry: impl Future<Output = ()>,
    ) -> usize {
        self.live.parts.health.drain();
        let begun = Instant::now();
        let (cut, hurried) = self.gate.drain_unless(deadline, hurry).await;
        let reason = if hurried { "second signal" } else { why };
        self.live.parts.audit.goodbye(Map::from_iter([
            ("reason".to_owned(), json!(reason)),
            ("cut".to_owned(), json!(cut)),
            ("drained_ms".to_owned(), json!(u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX))),
        ]));
        let (writer, sinks) = (self.writer, self.sinks);
        let close = move || {
            writer.close();
            sinks.stop();
        };
        // It waits for threads and a disk. That it fails means the runtime is going down, and the trail with it.
        let _ = tokio::task::spawn_blocking(close).await;
        drop(self.admin);
        let windows = self.windows;
        // It waits for a disk too.
        let _ = tokio::task::spawn_blocking(move || drop(windows)).await;
        cut
    }
}

/// Alarms at shares of a budget that the disk does not have would never ring.
fn warn_of_small_disk(audit: &AuditConfig) {
    let Ok(space) = disk::space(&audit.directory) else { return };
    if space.total < audit.max_disk {
        tracing::warn!(
            max_disk = audit.max_disk,
            file_system = space.total,
            "audit.max_disk is more than the file system holds: the disk will be full before the budget is, without \
             an alarm; set it to what the trail may have of it"
        );
    }
}

/// A meter that asks for the figures which are kept elsewhere; `standing` is filled when the gate is there.
fn refreshing(
    meter: Meter,
    health: &Arc<Health>,
    audit: Audit,
    engine: Arc<ArcSwap<Engine>>,
    standing: Arc<OnceLock<Gauges>>,
) -> Meter {
    let growth = Growth { since: Instant::now(), from: audit.stats().disk_bytes };
    let health = Arc::clone(health);
    meter.refreshed_by(move || {
        refresh(&audit, &growth);
        tell_config(&health.loaded());
        count_bypasses(&engine.load().interceptions);
        count_overlays(&engine.load().overlays);
        standing.get().into_iter().for_each(Gauges::update);
    })
}

/// What upstreams are verified by, read from the files that the configuration names.
pub(super) fn upstream_trust(config: &Config) -> Result<(Arc<UpstreamTls>, Vec<DestinationConfig>), String> {
    let upstream = &config.upstream;
    let tls = UpstreamTls::new(&upstream.roots, upstream.min_tls).map_err(|error| error.to_string())?;
    let destinations = upstream.destinations.iter().map(|settings| settings.open(upstream));
    let destinations: Result<_, _> = destinations.collect();
    Ok((Arc::new(tls), destinations.map_err(|error| error.to_string())?))
}

fn gate_config(
    config: &Config,
    (tls, destinations): (Arc<UpstreamTls>, Vec<DestinationConfig>),
    admin: &Admin,
    rehearsal: &Arc<Rehearsal>,
) -> Result<GateConfig, Failure> {
    let upstream = &config.upstream;
    let parent = upstream.parent.as_ref().map(ParentSettings::open).transpose();
    let parent = parent.map_err(Failure::configuration)?;
    Ok(GateConfig {
        listeners: config.listeners.clone(),
        upstream: UpstreamConfig {
            tls,
            allow_addresses: config.upstream.allow_addresses.clone(),
            connect_timeout: config.upstream.connect_timeout,
            first_byte: config.upstream.first_byte,
            events_idle: config.upstream.events_idle,
            resolve: config.upstream.resolve.clone(),
            mark: config.upstream.mark,
            destinations,
            parent,
            rehearsal: Some(Arc::clone(rehearsal)),
        },
        hold_idle: config.inspect.hold_idle,
        own_addresses: vec![admin.address()],
    })
}

async fn administer(config: AdminConfig) -> Result<Admin, Failure> {
    let address = config.address;
    Admin::start(config).await.map_err(|error| {
        Failure::unavailable(format!("the admin listener cannot be bound to {address}: {error}"))
    })
}

/// Takes over the overlays of the last process.
fn keep_overlays(
    config: &Config,
    key: &FingerprintKey,
    board: &Arc<Board>,
    audit: &Audit,
    engine: &Arc<ArcSwap<Engine>>,
) -> Result<Arc<Keeper>, Failure> {
    let keeper = KeeperConfig {
        directory: config.state.directory.clone(),
        key: key.clone(),
        board: Arc::clone(board),
        audit: audit.clone(),
        engine: Arc::clone(engine),
        listeners: config.listeners.iter().map(|listener| Arc::clone(&listener.name)).collect(),
    };
    Keeper::open(keeper).map(Arc::new).map_err(|error| match error.is_io {
        true => Failure::io(error),
        false => Failure::configuration(error),
    })
}

/// Takes off the overlays that have ended, as they end.
fn expire(keeper: Arc<Keeper>) -> Repeated {
    Repeated(tokio::spawn(async move {
        loop {
            tokio::time::sleep(limits::OVERLAY_LOOK).await;
            keeper.expire().await;
        }
    }))
}

/// Reads the configuration again when a file of it has changed.
fn watch_files(live: Arc<Live>) -> Repeated {
    let mut watch = Watch::default();
    // As it is now, so that every later change is one.
    watch.look(live.current().sources());
    Repeated(tokio::spawn(async move {
        let mut again = false;
        loop {
            let changed = tokio::task::block_in_place(|| watch.look(live.current().sources()));
            if changed || again {
                // A change that could not be recorded is not forgotten.
                again = live.reload_aloud(&By::Watch);
            }
            tokio::time::sleep(limits::RELOAD_LOOK).await;
        }
    }))
}

/// What is not as it should be, looked at from time to time; and heartbeats.
fn watch(config: &Config, audit: &Audit, heads: Heads) -> (Arc<Controls>, [Repeated; 3]) {
    let controls = Arc::new(Controls::new(audit.clone()));
    controls.set("policy", weakened(config));
    let clock = Repeated::every(limits::CLOCK_LOOK, {
        let controls = Arc::clone(&controls);
        move || controls.look_at_clock()
    });
    let witness = Repeated::every(limits::HEADS_LOOK, {
        let controls = Arc::clone(&controls);
        move || {
            heads.happened().iter().for_each(|what| controls.happened("witness", what));
            controls.set("witness", heads.behind());
        }
    });
    let heart = Repeated::every(config.heartbeat, {
        let (audit, begun) = (audit.clone(), Instant::now());
        move || heartbeat(&audit, begun)
    });
    (controls, [clock, heart, witness])
}

/// Self-tests, through the first explicit listener that asks nobody who a client is; where there is none, each fails and
/// says so.
fn rehearse(
    config: &Config,
    audit: &Audit,
    gate: &Gate,
    engine: &Arc<ArcSwap<Engine>>,
    rehearsal: Arc<Rehearsal>,
) -> Repeated {
    let is_open = |tls: &ListenerTls| tls.identity().is_issued() && !tls.identity().asks();
    let plain = config.listeners.iter().find(|listener| {
        matches!(listener.kind, ListenerKind::Explicit)
            && listener.proxy_protocol.is_none()
            && listener.authentication == Authentication::None
            && listener.tls.as_ref().is_none_or(is_open)
    });
    let address = |plain: &ListenerConfig| {
        gate.addresses().into_iter().find(|(name, _)| plain.name == *name).map(|(_, address)| address)
    };
    let rehearser = Rehearser {
        audit: audit.clone(),
        directory: config.audit.directory.clone(),
        listener: plain.and_then(address).map(super::env::reachable),
        secured: plain.and_then(|plain| plain.tls.as_ref()).and_then(|tls| tls.identity().name().cloned()),
        issuer: config.issuer.certificate.clone(),
        rehearsal,
        engine: Arc::clone(engine),
        identifiers: config.selftest.identifiers.clone(),
        every: config.selftest.every,
    };
    Repeated(tokio::spawn(rehearser.keep()))
}

/// The gate is there, and how its trail is doing.
fn heartbeat(audit: &Audit, begun: Instant) {
    let stats = audit.stats();
    let detail = Map::from_iter([
        ("uptime_s".to_owned(), json!(begun.elapsed().as_secs())),
        ("queued".to_owned(), json!(stats.queued)),
        ("refused_total".to_owned(), json!(stats.refused_total)),
        ("disk_bytes".to_owned(), json!(stats.disk_bytes)),
    ]);
    // Written whether or not the answer is awaited.
    drop(audit.submit(Draft::Event { kind: Kind::Heartbeat, detail }));
}

/// Starts what is configured, each with its secret.
fn start_sinks(
    config: &Config,
    secrets: &[Option<Arc<Zeroizing<String>>>],
    audit: &Audit,
) -> Result<Sinks, Failure> {
    // Collectors are servers of the user's own choice: the roots of upstreams, and versions as old as they allow.
    let tls =
        UpstreamTls::new(&config.upstream.roots, config.upstream.min_tls).map_err(Failure::configuration)?;
    let around = Surroundings {
        directory: config.audit.directory.clone(),
        node: config.node.clone(),
        audit: audit.clone(),
        tls: Arc::new(tls),
    };
    let sinks = config.sinks.iter().zip(secrets);
    let sinks = sinks.map(|(sink, secret)| SinkConfig { secret: secret.clone(), ..sink.config.clone() });
    Sinks::start(sinks.collect(), &around)
        .map_err(|error| Failure::unavailable(format!("the sinks cannot be started: {error}")))
}

/// Names this run in every record.
fn boot() -> Result<String, Failure> {
    let mut random = [0; 10];
    SystemRandom::new()
        .fill(&mut random)
        .map_err(|_| Failure::unavailable("the system gives no random bytes"))?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok(FlowId::new(u64::try_from(now.as_millis()).unwrap_or(u64::MAX), random).to_string())
}

/// What the `start` record says of the configuration.
fn started(config: &Config, compiled: &Compiled) -> Map<String, Value> {
    let listeners = config.listeners.iter().map(|listener| format!("{} {}", listener.name, listener.address));
    let file = config.file.as_ref().map_or_else(|| "built in".to_owned(), |file| file.display().to_string());
    let samples = config.audit.samples.as_ref().map(|samples| &samples.identifiers);
    Map::from_iter([
        ("config".to_owned(), json!(file)),
        ("mode".to_owned(), json!(config.policy.mode.as_str())),
        ("policy".to_owned(), json!(compiled.policy.hash())),
        ("packs".to_owned(), packs(compiled.matcher.packs())),
        ("listeners".to_owned(), json!(listeners.collect::<Vec<_>>())),
        ("samples".to_owned(), json!(samples)),
    ])
}

pub(super) fn packs(packs: &[Pack]) -> Value {
    let stamp = |pack: &Pack| {
        let mut stamp = json!({ "name": pack.name, "version": pack.version, "hash": pack.hash });
        if let (Some(id), Value::Object(stamp)) = (&pack.signed_by, &mut stamp) {
            stamp.insert("signed_by".to_owned(), json!(id));
        }
        stamp
    };
    packs.iter().map(stamp).collect()
}

/// The key of fingerprints, with what keeps values for samples if there are to be any.
fn sampled(config: &Config, compiled: &Compiled, key: FingerprintKey) -> FingerprintKey {
    let Some(samples) = &config.audit.samples else { return key };
    compiled.sample(samples);
    key.with_jar(Arc::clone(&samples.jar))
}

/// How many tenants share what is bounded.
pub(super) fn tenants(config: &Config) -> usize {
    let listeners = config.listeners.iter().map(|listener| &*listener.tenant);
    let identities = config.policy.identities.iter().filter_map(|identity| identity.tenant.as_deref());
    listeners.chain(identities).collect::<HashSet<_>>().len()
}

/// Work done again and again, until this is dropped.
struct Repeated(JoinHandle<()>);

impl Repeated {
    fn every(period: Duration, work: impl Fn() + Send + 'static) -> Repeated {
        Repeated(tokio::spawn(async move {
            loop {
                tokio::time::sleep(period).await;
                work();
            }
        }))
    }
}

impl Drop for Repeated {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Since when the trail grows, and from which size.
struct Growth {
    since: Instant,
    from: u64,
}

impl Growth {
    /// Days until `max` is reached at the rate seen so far; endless while nothing grows, none where nothing can be written,
    /// whatever keeps it from that: the disk may be filled by others.
    #[expect(clippy::cast_precision_loss, reason = "an estimate for people")]
    fn days_left(&self, now: Instant, (used, max): (u64, u64), is_writable: bool) -> f64 {
        if !is_writable {
            return 0.0;
        }
        let grown = used.saturating_sub(self.from) as f64;
        let days = now.duration_since(self.since).as_secs_f64() / 86_400.0;
        // Without growth the rate is zero and the quotient infinite, which Prometheus knows as `+Inf`.
        if grown > 0.0 { max.saturating_sub(used) as f64 * days / grown } else { f64::INFINITY }
    }
}

/// Sets the figures whose values are kept elsewhere.
#[expect(clippy::cast_precision_loss, reason = "figures for people; they stay far below 2^53")]
fn refresh(audit: &Audit, growth: &Growth) {
    let stats = audit.stats();
    counter!(telemetry::RECORDS).absolute(stats.seq);
    counter!(telemetry::RECORDS_REFUSED).absolute(stats.refused_total);
    gauge!(telemetry::RECORDS_WAITING).set(stats.queued as f64);
    gauge!(telemetry::RECORDS_LAG).set(stats.lag.as_secs_f64());
    gauge!(telemetry::AUDIT_DISK_BYTES).set(stats.disk_bytes as f64);
    for (outcome, count) in &stats.samples {
        counter!(telemetry::SAMPLES, "outcome" => *outcome).absolute(*count);
    }
    let days = growth.days_left(Instant::now(), (stats.disk_bytes, stats.max_disk), audit.is_writable());
    gauge!(telemetry::AUDIT_DISK_DAYS).set(days);
}

fn tell_config(loaded: &Loaded) {
    gauge!(telemetry::CONFIG_RELOADED).set(f64::from(u8::from(loaded.refused.is_none())));
    let since = loaded.since.duration_since(UNIX_EPOCH).unwrap_or_default();
    gauge!(telemetry::CONFIG_SINCE).set(since.as_secs_f64());
}

#[expect(clippy::cast_precision_loss, reason = "a count for people")]
fn count_bypasses(ways: &Interceptions) {
    let terms = ways.terms(jiff::Timestamp::now().as_second());
    let states = [("in_force", terms.in_force), ("expiring", terms.expiring), ("expired", terms.expired)];
    for (state, bypasses) in states {
        gauge!(telemetry::BYPASSES, "state" => state).set(bypasses.len() as f64);
    }
}

#[expect(clippy::cast_precision_loss, reason = "a count for people")]
fn count_overlays(board: &Board) {
    let all = board.overlays();
    for effect in Effect::WORDS {
        let count = all.iter().filter(|overlay| overlay.spec().effect.as_str() == effect).count();
        gauge!(telemetry::OVERLAYS, "effect" => effect).set(count as f64);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn work_is_repeated_until_it_is_dropped() {
        const PERIOD: Duration = Duration::from_secs(5);
        let done = Arc::new(AtomicU32::new(0));
        let repeated = Repeated::every(PERIOD, {
            let done = Arc::clone(&done);
            move || {
                done.fetch_add(1, Ordering::Relaxed);
            }
        });
        tokio::time::sleep(PERIOD * 10 + Duration::from_millis(1)).await;
        assert_eq!(done.load(Ordering::Relaxed), 10);
        drop(repeated);
        tokio::time::sleep(PERIOD * 10).await;
        assert_eq!(done.load(Ordering::Relaxed), 10);
    }

    #[test]
    fn days_left_follow_the_rate_seen_so_far() {
        let since = Instant::now();
        let growth = Growth { since, from: 1_000 };
        let after = since + Duration::from_secs(86_400);
        assert_eq!(growth.days_left(after, (2_000, 12_000), true), 10.0);
        assert_eq!(growth.days_left(after, (1_000, 12_000), true), f64::INFINITY);
        assert_eq!(growth.days_left(after, (13_000, 12_000), true), 0.0);
        for used in [1_000, 2_000] {
            assert_eq!(growth.days_left(after, (used, 12_000), false), 0.0, "nothing can be written");
        }
    }
}
