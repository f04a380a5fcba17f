//! What rules cost: the same flows under a few rules and under a thousand more; asserts the decisions, and that a thousand
//! rules add less than 10 µs a flow.
//!
//! `cargo bench --bench rules`. The two policies take turns, and the fastest round of each counts: figures of a shared
//! machine move.

#![expect(clippy::expect_used, reason = "a benchmark that cannot go on stops")]

use std::fmt::Write;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tidegate::config;
use tidegate::fingerprint::FingerprintKey;
use tidegate::flow::{ClientAddr, Destination, Direction, Host, Scheme};
use tidegate::inspect::{Engine, Head, HeldBytes, Inspector, Step};
use tidegate::policy::{Action, LocalBudgets, Message};

const MORE: usize = 1000;
const FLOWS: u32 = 2_000;
const ROUNDS: usize = 15;
/// What a thousand rules may add to a flow.
const BOUND: Duration = Duration::from_micros(10);

const BASE: &str = r#"
packs = ["payment", "contact"]
[[rule]]
id = "cards"
identifiers = ["payment.pan"]
action = "block"
[[rule]]
id = "mail"
identifiers = ["contact.email"]
action = "alert"
"#;

/// As an estate writes them: most for a vendor, others for a network, a media type or a path.
fn more() -> String {
    let mut text = String::new();
    for n in 0..MORE {
        let scope = match n % 10 {
            0 => format!("clients = [\"10.{}.{}.0/24\"]", n / 250, n % 250),
            1 => format!("media_types = [\"application/vnd.team-{n}\"]"),
            2 => format!("paths = [\"/v{n}/\"]"),
            3 => format!("destinations = [\"*.vendor-{n}.example\", \"vendor-{n}.example\"]"),
            _ => format!("destinations = [\"api.vendor-{n}.example\"]"),
        };
        let identifier = if n % 2 == 0 { "contact.email" } else { "payment.*" };
        let _ = write!(
            text,
            "[[rule]]\nid = \"more-{n}\"\nidentifiers = [\"{identifier}\"]\naction = \"alert\"\n{scope}\n"
        );
    }
    text
}

fn engine(text: &str) -> Arc<Engine> {
    let (config, compiled) = config::load_text("bench.toml", text, "/".as_ref())
        .map_err(|complaints| complaints.to_string())
        .expect("the rules are right");
    let key = FingerprintKey::new(&[7; 32]);
    let budgets = Arc::new(LocalBudgets::new(key.clone(), 1 << 20, Box::new(|| 0)));
    Arc::new(compiled.engine(&config, key, budgets, Arc::new(HeldBytes::new(1 << 24))))
}

/// Request and response of one flow; the number of rules that fired.
fn flow(engine: &Arc<Engine>, body: &'static str) -> usize {
    let mut fired = 0;
    for direction in [Direction::Request, Direction::Response] {
        let host = Host::Name("api.vendor-7.example".into());
        let message = Message {
            proven: true,
            client: ClientAddr { ip: Ipv4Addr::new(10, 9, 9, 9).into(), port: 40_000 },
            method: "POST".into(),
            path: "/tickets".into(),
            media_type: Some("application/json".into()),
            status: (direction == Direction::Response).then_some(200),
            ..Message::to(Destination { scheme: Scheme::Https, host, port: 443 }, direction)
        };
        let mut inspector = Inspector::new(Arc::clone(engine), message);
        let target = (direction == Direction::Request).then_some("/tickets");
        let head = Head { target, fields: &[], length: None, coding: None, events: false };
        assert_eq!(inspector.head(&head), Step::Wait);
        inspector.push(body.into());
        assert_eq!(inspector.finish(), Step::Release);
        while inspector.next_released().is_some() {}
        let decision = inspector.decision();
        assert!(decision.action < Action::Redact);
        fired += decision.rules.len();
    }
    fired
}

/// Time for one flow, the fastest of all rounds, under each engine.
fn compare(engines: [&Arc<Engine>; 2], body: &'static str, expected: [usize; 2]) -> [Duration; 2] {
    let mut best = [Duration::MAX; 2];
    for _ in 0..ROUNDS {
        for ((engine, expected), best) in engines.iter().zip(expected).zip(&mut best) {
            let began = Instant::now();
            for _ in 0..FLOWS {
                assert_eq!(flow(engine, body), expected);
            }
            *best = (*best).min(began.elapsed() / FLOWS);
        }
    }
    best
}

fn main() {
    let (few, many) = (engine(BASE), engine(&format!("{BASE}{}", more())));
    let cases: [(&str, &'static str, [usize; 2]); 2] = [
        ("clean flow", r#"{"note":"nothing to see here"}"#, [0, 0]),
        // In the request and in the response: the rule for all mail.
        ("a finding each way", r#"{"note":"to jane.doe@mail.example.com"}"#, [2, 2]),
    ];
    for (name, body, expected) in cases {
        let [few, many] = compare([&few, &many], body, expected);
        let added = many.saturating_sub(few);
        println!(
            "{name:<20} {few:>9.2?} a flow under 2 rules, {many:>9.2?} under {}: {added:.2?} more",
            MORE + 2
        );
        assert!(added < BOUND, "{MORE} rules add {added:?} to a flow: {name}");
    }
}
