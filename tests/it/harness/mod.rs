//! A gate in this process between real TLS clients and real TLS origins, all on port 0 of loopback.

pub mod client;
pub mod h2;
pub mod origin;
pub mod pki;
pub mod socket;
pub mod wire;

use std::collections::HashMap;
use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use arc_swap::ArcSwap;
use serde_json::Value;
use tidegate::audit::{Audit, AuditConfig, Writer, generate_signing_key};
use tidegate::detect::{Matcher, Pack};
use tidegate::fingerprint::FingerprintKey;
use tidegate::flow::Direction;
use tidegate::inspect::{Engine, HeldBytes};
use tidegate::limits;
use tidegate::policy::{
    Action, Clock, IdentitySpec, Interceptions, LocalBudgets, Mode, Policy, PolicySpec, RuleSpec,
    TransportSpec,
};
use tidegate::proxy::{
    Authentication, DestinationConfig, Gate, GateConfig, ListenerConfig, ListenerKind, Parent, ReplyDetail,
    UpstreamConfig,
};
use tidegate::tls::{Issuer, Leaves, ListenerTls, MinTls, RootSource, UpstreamTls};

pub use client::Client;
pub use h2::{H2Client, H2Origin};
pub use origin::Origin;
pub use pki::Authority;

/// A card number that passes every check, and one that fails Luhn.
pub const PAN: &str = "4539148803436467";
pub const NO_PAN: &str = "4539148803436468";
/// A well-formed number of an area and group that were issued.
pub const SSN: &str = "536-22-1845";

/// No wait of a test lasts longer: a test that would hang fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// Waits for something that must happen.
pub async fn soon<F: Future>(what: &str, future: F) -> F::Output {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(output) => output,
        Err(_) => panic!("waited in vain for {what}"),
    }
}

/// What a test may choose.
pub struct Setup {
    pub mode: Mode,
    pub rules: Vec<RuleSpec>,
    pub groups: Vec<(String, Vec<String>)>,
    pub hold: usize,
    pub hold_idle: Duration,
    pub first_byte: Duration,
    pub events_idle: Duration,
    pub held: usize,
    pub undecodable: Action,
    pub unlisted: Action,
    pub identities: Vec<IdentitySpec>,
    pub transports: Vec<TransportSpec>,
    pub reply: ReplyDetail,
    pub allow_loopback: bool,
    pub min_tls: MinTls,
    pub max_disk: u64,
    pub interceptions: Interceptions,
    pub kind: ListenerKind,
    /// What differs for some upstreams, given the world's folder and roots.
    pub upstreams: Vec<fn(&std::path::Path, &Authority) -> DestinationConfig>,
    pub parent: Option<Parent>,
    /// Networks whose PROXY header is believed.
    pub proxy_protocol: Option<Vec<ipnet::IpNet>>,
    /// Put on what the gate sends.
    pub mark: Option<u32>,
    /// Roots of another world, whose origins this one's gate leads to.
    pub authority: Option<Arc<Authority>>,
    pub authentication: Authentication,
    /// The TLS that the listener speaks itself, given the world's roots.
    pub tls: Option<ListenerTls>,
    /// What the policy is called in records.
    pub policy_hash: Option<String>,
}

impl Default for Setup {
    fn default() -> Setup {
        Setup {
            mode: Mode::Enforce,
            rules: vec![rule("pan-leaves", &["payment.pan"], Action::Block)],
            groups: vec![("payment-processors".into(), vec!["pay.test".into()])],
            hold: limits::HOLD,
            hold_idle: limits::HOLD_IDLE,
            first_byte: limits::FIRST_BYTE_TIMEOUT,
            events_idle: limits::EVENTS_IDLE,
            held: limits::HELD_BYTES,
            undecodable: Action::Block,
            unlisted: Action::Allow,
            identities: vec![],
            transports: vec![],
            reply: ReplyDetail::Full,
            allow_loopback: true,
            min_tls: MinTls::Tls12,
            max_disk: 1 << 30,
            interceptions: Interceptions::default(),
            kind: ListenerKind::Explicit,
            upstreams: vec![],
            parent: None,
            proxy_protocol: None,
            mark: None,
            authority: None,
            authentication: Authentication::None,
            tls: None,
            policy_hash: None,
        }
    }
}

/// A rule for everything; tests narrow it down.
pub fn rule(id: &str, identifiers: &[&str], action: Action) -> RuleSpec {
    RuleSpec::new(id, identifiers, action)
}

/// Requests only.
pub fn request_rule(id: &str, identifiers: &[&str], action: Action) -> RuleSpec {
    RuleSpec { direction: Some(Direction::Request), ..rule(id, identifiers, action) }
}

/// A running gate with everything around it.
pub struct World {
    pub gate: Gate,
    pub proxy: SocketAddr,
    pub authority: Arc<Authority>,
    /// What clients trust.
    pub issuer: String,
    pub engine: Arc<ArcSwap<Engine>>,
    directory: tempfile::TempDir,
    writer: Writer,
}

/// Names that the gate resolves to loopback.
pub const NAMES: [&str; 4] = ["origin.test", "pay.test", "other.test", "expired.test"];

impl World {
    pub async fn start(setup: Setup) -> World {
        let directory = tempfile::tempdir().unwrap();
        let own = || Arc::new(Authority::new("test roots"));
        let authority = setup.authority.clone().unwrap_or_else(own);
        let roots = directory.path().join("roots.pem");
        std::fs::write(&roots, authority.pem()).unwrap();
        let (issuer, key) = Issuer::generate("Tidegate test issuer").unwrap();
        let leaves = Leaves::new(Arc::new(Issuer::from_pem(&issuer, &key).unwrap())).unwrap();
        let engine = Arc::new(ArcSwap::from_pointee(engine(&setup)));
        let (audit, writer) = open_audit(&directory.path().join("audit"), setup.max_disk);
        let config = GateConfig {
            listeners: vec![ListenerConfig {
                name: "apps".into(),
                address: (Ipv4Addr::LOCALHOST, 0).into(),
                tenant: "default".into(),
                reply: setup.reply,
                kind: setup.kind,
                proxy_protocol: setup.proxy_protocol,
                authentication: setup.authentication,
                tls: setup.tls,
            }],
            upstream: UpstreamConfig {
                tls: Arc::new(UpstreamTls::new(&[RootSource::Pem(roots)], setup.min_tls).unwrap()),
                allow_addresses: if setup.allow_loopback {
                    vec!["127.0.0.0/8".parse().unwrap()]
                } else {
                    vec![]
                },
                connect_timeout: limits::CONNECT_TIMEOUT,
                first_byte: setup.first_byte,
                events_idle: setup.events_idle,
                rehearsal: None,
                resolve: resolve(),
                mark: setup.mark,
                destinations: setup.upstreams.iter().map(|made| made(directory.path(), &authority)).collect(),
                parent: setup.parent,
            },
            hold_idle: setup.hold_idle,
            own_addresses: vec![],
        };
        let gate = Gate::start(config, Arc::clone(&engine), Arc::new(ArcSwap::from_pointee(leaves)), audit)
            .await
            .unwrap();
        let proxy = gate.addresses()[0].1;
        World { gate, proxy, authority, issuer, engine, directory, writer }
    }

    /// Where its records are, as long as it lives.
    pub fn trail(&self) -> PathBuf {
        self.directory.path().join("audit")
    }

    /// Waits until a record of `kind` is there.
    pub async fn recorded(&self, kind: &str) {
        let directory = self.directory.path().join("audit");
        soon("a record", async {
            while !read_records(&directory).iter().any(|record| record["kind"] == kind) {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }

    /// Stops the gate and the writer, and reads every record that was left, in order.
    pub async fn records(self) -> Vec<Value> {
        self.cut(Duration::from_secs(5)).await.1
    }

    /// The same with a deadline for what is under way; the first answer is how many flows were cut.
    pub async fn cut(self, deadline: Duration) -> (usize, Vec<Value>) {
        let cut = self.gate.drain(deadline).await;
        let writer = self.writer;
        tokio::task::spawn_blocking(move || writer.close()).await.unwrap();
        (cut, read_records(&self.directory.path().join("audit")))
    }

    /// The same, and every byte of the trail's files.
    pub async fn records_and_bytes(self) -> (Vec<Value>, Vec<u8>) {
        self.gate.drain(Duration::from_secs(5)).await;
        let writer = self.writer;
        tokio::task::spawn_blocking(move || writer.close()).await.unwrap();
        let directory = self.directory.path().join("audit");
        let files = std::fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path());
        let bytes =
            files.filter(|path| path.is_file()).flat_map(|path| std::fs::read(path).unwrap()).collect();
        (read_records(&directory), bytes)
    }
}

/// Messages of flows among records.
pub fn messages(records: &[Value]) -> Vec<&Value> {
    records.iter().filter(|r| ["decision", "opening", "end"].contains(&r["kind"].as_str().unwrap())).collect()
}

/// What was decided of each request, in the order of the records.
pub fn request_actions(records: &[Value]) -> Vec<&str> {
    let requests = messages(records).into_iter();
    requests
        .filter(|record| record["kind"] == "decision" && record["direction"] == "request")
        .filter_map(|record| record["action"].as_str())
        .collect()
}

/// The one record that matches.
pub fn only<'a>(records: &'a [Value], kind: &str, direction: &str) -> &'a Value {
    let found: Vec<_> = records.iter().filter(|r| r["kind"] == kind && r["direction"] == direction).collect();
    match found.as_slice() {
        [one] => one,
        other => panic!("{} records of kind {kind}, direction {direction}: {records:#?}", other.len()),
    }
}

pub fn read_records(directory: &std::path::Path) -> Vec<Value> {
    let mut segments: Vec<PathBuf> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            name.starts_with("segment-") && name.ends_with(".jsonl")
        })
        .collect();
    segments.sort();
    let lines = segments.iter().map(|path| std::fs::read_to_string(path).unwrap());
    let lines: Vec<String> = lines.collect();
    lines.iter().flat_map(|text| text.lines()).map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Every built-in pack; compiled once for all tests.
static MATCHER: LazyLock<Arc<Matcher>> = LazyLock::new(|| {
    let packs = Pack::built_in_names().iter().map(|name| Pack::built_in(name).unwrap()).collect();
    Arc::new(Matcher::compile(packs).unwrap())
});

pub fn engine(setup: &Setup) -> Engine {
    let spec = PolicySpec {
        mode: setup.mode,
        groups: setup.groups.clone(),
        rules: setup.rules.clone(),
        unlisted: setup.unlisted,
        hash: setup.policy_hash.clone().unwrap_or_else(|| "0".repeat(64)),
        identities: setup.identities.clone(),
        transports: setup.transports.clone(),
    };
    let policy = Policy::compile(spec, &MATCHER).unwrap();
    Engine {
        matcher: Arc::clone(&MATCHER),
        policy: Arc::new(policy),
        key: FingerprintKey::new(&[7; 32]),
        hold: setup.hold,
        undecodable: setup.undecodable,
        budgets: Arc::new(LocalBudgets::new(FingerprintKey::new(&[8; 32]), limits::BUDGET_BYTES, clock())),
        interceptions: Arc::new(setup.interceptions.clone()),
        overlays: Arc::default(),
        held: Arc::new(HeldBytes::new(setup.held)),
    }
}

fn clock() -> Clock {
    let now = || std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Box::new(move || u64::try_from(now().as_millis()).unwrap())
}

fn open_audit(directory: &std::path::Path, max_disk: u64) -> (Audit, Writer) {
    std::fs::create_dir_all(directory).unwrap();
    let key = generate_signing_key().unwrap();
    let config = AuditConfig { max_disk, ..AuditConfig::new(directory.to_owned(), "test".into()) };
    Audit::open(config, &key).unwrap()
}

fn resolve() -> HashMap<Arc<str>, Vec<IpAddr>> {
    NAMES.iter().map(|name| (Arc::from(*name), vec![IpAddr::V4(Ipv4Addr::LOCALHOST)])).collect()
}
