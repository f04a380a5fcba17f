//! Policies as people write them, flows, and what must come of each: the tables of tests/policy.
//!
//! A table is a `[policy]` text, as in a configuration file, and flows in the order of time; `at` is seconds. Words in
//! braces stand for values: `{pan}` and the like for one that no other flow has, `{pan 3}` for three of them,
//! `{pan #1}` for the first of the table's own. `times` flows are alike but for their values and `{n}` in `client`. `restart = true` writes
//! the windows down before the flow and goes on in another process.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Deserialize;
use tidegate::config;
use tidegate::fingerprint::FingerprintKey;
use tidegate::flow::{ClientAddr, Destination, Direction, Scheme};
use tidegate::inspect::{Engine, Head, HeldBytes, Inspector, Step};
use tidegate::limits;
use tidegate::policy::{
    Action, IdentitySpec, LocalBudgets, Message, Mode, Per, Protection, RuleSpec, TransportSpec,
};

use crate::harness::origin::ok;
use crate::harness::{Client, Origin, Setup, World, rule};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    /// What the table shows, for who reads it.
    #[serde(rename = "about")]
    _about: String,
    #[serde(default)]
    policy: String,
    /// Each flow is judged in pieces of so many bytes, too: for tables that count nothing over flows.
    #[serde(default)]
    pieces: Vec<usize>,
    flow: Vec<Flow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Flow {
    name: String,
    /// Seconds since the table's beginning; unset: as before.
    at: Option<f64>,
    times: u32,
    restart: bool,
    client: String,
    identity: Option<String>,
    listener: String,
    tenant: String,
    environment: Option<String>,
    method: String,
    to: String,
    proven: Option<bool>,
    media_type: Option<String>,
    fields: Vec<(String, String)>,
    body: String,
    /// Makes it a response.
    status: Option<u16>,
    /// It is judged, and then nobody can be reached.
    undelivered: bool,
    action: String,
    would: Option<String>,
    rules: Option<Vec<String>>,
    reason: Option<String>,
    /// What the body looks like when it leaves; `same` when it is as it came.
    sent: Option<String>,
    /// Of every finding together.
    suppressed: Option<u64>,
}

impl Default for Flow {
    fn default() -> Flow {
        Flow {
            name: String::new(),
            at: None,
            times: 1,
            restart: false,
            client: "10.0.0.1".into(),
            identity: None,
            listener: "apps".into(),
            tenant: "default".into(),
            environment: None,
            method: "POST".into(),
            to: "https://api.example.com/".into(),
            proven: None,
            media_type: Some("application/json".into()),
            fields: vec![],
            body: String::new(),
            status: None,
            undelivered: false,
            action: "allow".into(),
            would: None,
            rules: None,
            reason: None,
            sent: None,
            suppressed: None,
        }
    }
}

/// Makes values that pass their checks, each once.
#[derive(Default)]
struct Values(u32);

impl Values {
    fn fill(&mut self, text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            out.push_str(before);
            let word = after.split('}').next().unwrap_or_default();
            let (kind, how) = word.split_once(' ').unwrap_or((word, "1"));
            let known = ["pan", "email", "ssn", "iban", "cvv"].contains(&kind);
            if !known {
                out.push('{');
                rest = after;
                continue;
            }
            let values: Vec<String> = match how.strip_prefix('#') {
                Some(number) => vec![value(kind, 900_000 + number.parse::<u32>().unwrap())],
                None => (0..how.parse::<u32>().unwrap())
                    .map(|_| {
                        self.0 += 1;
                        value(kind, self.0)
                    })
                    .collect(),
            };
            out.push_str(&values.join(", "));
            rest = &after[word.len() + 1..];
        }
        out.push_str(rest);
        out
    }
}

/// The value of a kind with a number of its own.
fn value(kind: &str, number: u32) -> String {
    // Spread, so that no two look like a run of numbers.
    let spread = u64::from(number).wrapping_mul(2_654_435_761) % 1_000_000_000;
    match kind {
        "pan" => {
            let body = format!("453914{spread:09}");
            let sum: u32 = body
                .bytes()
                .rev()
                .enumerate()
                .map(|(place, digit)| {
                    let digit = u32::from(digit - b'0') * if place % 2 == 0 { 2 } else { 1 };
                    if digit > 9 { digit - 9 } else { digit }
                })
                .sum();
            format!("{body}{}", (10 - sum % 10) % 10)
        }
        "email" => format!("person{number}@mail.shop.com"),
        "ssn" => format!("536-{:02}-{:04}", 11 + number % 80, 1001 + number % 8000),
        "cvv" => format!("{:03}", 137 + number % 800),
        other => panic!("no values of kind {other}"),
    }
}

struct Gate {
    engine: Arc<Engine>,
    budgets: Arc<LocalBudgets>,
    time: Arc<AtomicU64>,
}

/// A Thursday morning.
const BEGINNING_MS: u64 = 1_795_680_000_000;

fn budgets(time: &Arc<AtomicU64>) -> Arc<LocalBudgets> {
    let clock = Arc::clone(time);
    let clock = Box::new(move || clock.load(Ordering::Relaxed));
    Arc::new(LocalBudgets::new(FingerprintKey::new(&[3; 32]), limits::BUDGET_BYTES, clock))
}

impl Gate {
    fn new(name: &str, policy: &str, time: &Arc<AtomicU64>, budgets: Arc<LocalBudgets>) -> Gate {
        let loaded = config::load_text(name, policy, Path::new(""));
        let (config, compiled) = loaded.unwrap_or_else(|complaints| panic!("{complaints}"));
        let held = Arc::new(HeldBytes::new(1 << 24));
        let key = FingerprintKey::new(&[7; 32]);
        let engine = Arc::new(compiled.engine(&config, key, Arc::clone(&budgets) as _, held));
        Gate { engine, budgets, time: Arc::clone(time) }
    }

    fn message(&self, flow: &Flow, turn: u32) -> (Message, String) {
        let (scheme, rest) = flow.to.split_once("://").unwrap();
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let scheme = if scheme == "https" { Scheme::Https } else { Scheme::Http };
        let message = Message {
            direction: if flow.status.is_some() { Direction::Response } else { Direction::Request },
            destination: Destination { scheme, host: host.parse().unwrap(), port: scheme.default_port() },
            proven: flow.proven.unwrap_or(scheme == Scheme::Https),
            client: ClientAddr {
                ip: flow.client.replace("{n}", &format!("{turn:x}")).parse().unwrap(),
                port: 40_000,
            },
            identity: flow.identity.as_deref().map(Arc::from),
            listener: flow.listener.as_str().into(),
            tenant: flow.tenant.as_str().into(),
            environment: flow.environment.as_deref().map(Arc::from),
            method: flow.method.clone().into(),
            path: format!("/{path}").as_str().into(),
            media_type: flow.media_type.as_deref().map(Arc::from),
            status: flow.status,
            now_ms: self.time.load(Ordering::Relaxed),
        };
        (message, format!("/{path}"))
    }

    fn judge(&self, flow: &Flow, values: &mut Values, turn: u32, piece: usize) -> Result<(), String> {
        let (message, target) = self.message(flow, turn);
        let (target, body) = (values.fill(&target), values.fill(&flow.body));
        let fields: Vec<(String, String)> =
            flow.fields.iter().map(|(name, text)| (name.clone(), values.fill(text))).collect();
        let fields: Vec<(&str, &[u8])> =
            fields.iter().map(|(name, text)| (name.as_str(), text.as_bytes())).collect();
        let mut inspector = Inspector::new(Arc::clone(&self.engine), message);
        let target = flow.status.is_none().then_some(target.as_str());
        let head =
            Head { target, fields: &fields, length: Some(body.len() as u64), coding: None, events: false };
        let mut step = inspector.head(&head);
        for piece in body.as_bytes().chunks(piece) {
            if step != Step::Stop {
                step = inspector.push(piece.to_vec().into());
            }
        }
        if step != Step::Stop {
            inspector.finish();
        }
        let mut sent = Vec::new();
        while let Some(bytes) = inspector.next_released() {
            sent.extend_from_slice(&bytes);
        }
        if flow.undelivered {
            inspector.undelivered();
        }
        let decision = inspector.decision();
        let rules: Vec<String> = decision.rules.iter().map(|rule| rule.id.to_string()).collect();
        let got = format!("{} by {rules:?}, {:?}", decision.action.as_str(), decision.reason);
        let sent = String::from_utf8(sent).unwrap();
        let is =
            |what: &str, holds: bool| if holds { Ok(()) } else { Err(format!("{what}: {got}; sent {sent}")) };
        is("action", decision.action.as_str() == flow.action)?;
        is("would", decision.would.map(tidegate::policy::Action::as_str) == flow.would.as_deref())?;
        is("rules", flow.rules.as_ref().is_none_or(|expected| *expected == rules))?;
        let reason = decision.reason.as_ref().map(tidegate::inspect::Reason::as_str);
        is("reason", flow.reason.is_none() || flow.reason.as_deref() == reason)?;
        let suppressed: u64 = decision.found.iter().map(|found| found.suppressed).sum();
        is("suppressed", flow.suppressed.is_none_or(|expected| expected == suppressed))?;
        is(
            "sent",
            flow.sent
                .as_ref()
                .is_none_or(|expected| if expected == "same" { sent == body } else { sent == *expected }),
        )
    }
}

fn run(path: &Path) -> usize {
    let name = path.display().to_string();
    let table: Table = toml::from_str(&std::fs::read_to_string(path).unwrap())
        .unwrap_or_else(|error| panic!("{name}: {error}"));
    let time = Arc::new(AtomicU64::new(BEGINNING_MS));
    let mut gate = Gate::new(&name, &table.policy, &time, budgets(&time));
    let mut values = Values::default();
    let mut judged = 0;
    for (index, flow) in table.flow.iter().enumerate() {
        if let Some(at) = flow.at {
            let later = std::time::Duration::from_secs_f64(at).as_millis();
            time.store(BEGINNING_MS + u64::try_from(later).unwrap(), Ordering::Relaxed);
        }
        if flow.restart {
            let next = budgets(&time);
            next.restore(&gate.budgets.snapshot().unwrap()).unwrap();
            gate = Gate::new(&name, &table.policy, &time, next);
        }
        for turn in 0..flow.times {
            for piece in [usize::MAX].iter().chain(&table.pieces) {
                if let Err(why) = gate.judge(flow, &mut values, turn, *piece) {
                    panic!("{name}, flow {index} `{}`, turn {turn}, in pieces of {piece}: {why}", flow.name);
                }
            }
            judged += 1;
        }
    }
    judged
}

#[test]
fn every_table_comes_out_as_it_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/policy");
    let mut tables: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    tables.retain(|path| path.extension().is_some_and(|ext| ext == "toml"));
    tables.sort();
    assert!(tables.len() > 2, "tables were not found");
    // Two threads: compiling packs is most of the time.
    let half = tables.len() / 2;
    let judged: usize = std::thread::scope(|scope| {
        let (some, others) = tables.split_at(half);
        let threads =
            [some, others].map(|part| scope.spawn(|| part.iter().map(|path| run(path)).sum::<usize>()));
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert!(judged > 100, "{judged}");
}

#[test]
fn flows_side_by_side_cannot_all_slip_under_one_threshold() {
    let policy = "[[rule]]\nid = \"r\"\nidentifiers = [\"contact.email\"]\naction = \"block\"\nat_least = 300\n\
                  per = \"client\"\nwindow = \"1h\"\n";
    let time = Arc::new(AtomicU64::new(BEGINNING_MS));
    let gate = Gate::new("side by side", policy, &time, budgets(&time));
    let passed = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let (gate, passed) = (&gate, &passed);
            scope.spawn(move || {
                for flow in 0..50 {
                    let mut values = Values(thread * 10_000 + flow * 10);
                    let flow = Flow { body: "{email 9}".into(), ..Flow::default() };
                    passed.fetch_add(
                        u64::from(gate.judge(&flow, &mut values, 0, usize::MAX).is_ok()),
                        Ordering::Relaxed,
                    );
                }
            });
        }
    });
    // Thirty-three flows hold 297 values. One that was refused never counted for longer than it was judged.
    let passed = passed.load(Ordering::Relaxed);
    assert_eq!(passed, 33, "flows of nine");
    let few = Flow { body: "{email 2}".into(), ..Flow::default() };
    gate.judge(&few, &mut Values(900_000), 0, usize::MAX).unwrap();
}

#[test]
fn every_example_of_the_documentation_is_a_policy() {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/policy.md")).unwrap();
    let examples: Vec<&str> =
        text.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(examples.len() > 4, "{}", examples.len());
    for example in examples {
        let loaded = config::load_text("docs/policy.md", example, Path::new(""));
        loaded.unwrap_or_else(|complaints| panic!("{complaints}\nin\n{example}"));
    }
}

fn transport(destinations: &[&str], min_tls: Protection) -> TransportSpec {
    TransportSpec { destinations: destinations.iter().map(|host| (*host).to_owned()).collect(), min_tls }
}

#[tokio::test]
async fn nothing_goes_over_a_connection_that_is_protected_too_little() {
    let transports =
        vec![transport(&["origin.test"], Protection::Tls12), transport(&["pay.test"], Protection::Tls13)];
    let world = World::start(Setup { mode: Mode::Observe, transports, ..Setup::default() }).await;
    let origin = Origin::cleartext("origin.test", |peer| peer.serve(|_| ok("{}"))).await;
    let mut client = Client::direct(&world).await;
    let get = |host: &str| format!("GET http://{host}/ HTTP/1.1\r\nHost: {host}\r\n\r\n");
    let response = client.exchange(get(&origin.authority())).await;
    assert_eq!(response.status, 502);
    let problem = response.json();
    assert!(problem["detail"].as_str().unwrap().contains("[[transport]] asks for TLS 1.2"), "{problem}");
    assert_eq!((origin.connections(), problem["upstream_received"] == false), (0, true));
    let other = Origin::cleartext("other.test", |peer| peer.serve(|_| ok("{}"))).await;
    assert_eq!(client.exchange(get(&other.authority())).await.status, 200);
    // What speaks TLS 1.3 will do.
    let pay = Origin::agreeable(&world, "pay.test").await;
    let mut client = Client::tunnel(&world, &pay).await;
    assert_eq!(client.post(&pay, "/", b"{}").await.status, 200);
    let records = world.records().await;
    let refused: Vec<_> = records.iter().filter(|record| record["action"] == "block").collect();
    assert_eq!(refused.len(), 1);
    assert!(refused[0]["reason"].as_str().unwrap().contains("cleartext"), "{}", refused[0]);
}

#[tokio::test]
async fn who_a_client_is_stands_in_its_records_and_one_tenants_budget_is_not_anothers() {
    let identity = |name: &str, network: &str, tenant: &str| IdentitySpec {
        name: name.into(),
        clients: vec![network.into()],
        tenant: Some(tenant.into()),
        ..IdentitySpec::default()
    };
    let hourly = RuleSpec {
        per: Per::Tenant,
        window: Some(std::time::Duration::from_secs(3600)),
        at_least: 2,
        ..rule("hourly", &["contact.email"], Action::Block)
    };
    let identities = vec![identity("shop", "127.0.0.1/32", "a"), identity("lab", "127.0.0.0/8", "b")];
    let world = World::start(Setup { identities, rules: vec![hourly], ..Setup::default() }).await;
    let origin = Origin::agreeable(&world, "origin.test").await;
    let mut client = Client::tunnel(&world, &origin).await;
    let mut values = Values::default();
    for expected in [200, 403, 403] {
        let body = values.fill("{email}");
        assert_eq!(client.post(&origin, "/", body.as_bytes()).await.status, expected);
    }
    let records = world.records().await;
    let request = records.iter().find(|record| record["direction"] == "request").unwrap();
    assert_eq!((&request["tenant"], &request["client"]["identity"]), (&"a".into(), &"shop".into()));
}

/// Groups and fields that come with the gate are all tried.
#[test]
fn every_preset_stands_in_a_table() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &str| std::fs::read_to_string(root.join(path)).unwrap();
    let presets: toml::Table = read("src/config/presets.toml").parse().unwrap();
    let table = read("tests/policy/presets.toml");
    let names = |section: &str| presets[section].as_table().unwrap().keys().cloned().collect::<Vec<_>>();
    for group in names("destinations") {
        assert!(table.contains(&format!("\"{group}\"")), "{group} stands in no table");
    }
    for fields in names("fields").iter().filter(|name| *name != "free-text") {
        assert!(table.contains(&format!("\"of:{fields}\"")), "fields of {fields} stand in no table");
    }
    assert!(read("src/config/starter.toml").contains("of:free-text"));
}
