//! How long a question to a large trail takes: writes one (2 million records unless told), asks, and states times.
//!
//! `cargo bench --bench query [-- RECORDS]`. Asserts that each answer has as many records as were written for it.

#![expect(clippy::expect_used, reason = "a benchmark that cannot go on stops")]

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use tidegate::audit::query::{Field, Filter, Pattern, Period, Trust, search, summarize};
use tidegate::audit::{
    Audit, AuditConfig, Dialled, Draft, FlowFacts, Kind, MessageDraft, PackStamp, PackStamps,
    generate_signing_key,
};
use tidegate::detect::Confidence;
use tidegate::flow::{Direction, FlowId};
use tidegate::inspect::{Coverage, Decision, Found};
use tidegate::policy::{Action, Disclosure, Mode, RuleHit};

/// One in so many is blocked; one in so many goes to a rare host.
const BLOCKED: u64 = 500;
const RARE: u64 = 100_000;

fn main() {
    let count = std::env::args().filter_map(|word| word.parse().ok()).next().unwrap_or(2_000_000);
    let directory = std::env::temp_dir().join(format!("tidegate-query-{}", std::process::id()));
    write(&directory, count);
    let by = |field: Field, text: &str| Filter {
        fields: vec![(field, vec![Pattern::read(field, text)])],
        ..Filter::default()
    };
    let id = FlowId::new(count / 2, [8; 10]).to_string();
    let first = time(&directory, &by(Field::Action, "block"));
    println!("indexes made and asked: {:.2} s", first.1);
    let cases = [
        ("action=block", by(Field::Action, "block"), count.div_ceil(BLOCKED)),
        ("destination=*.rare.example", by(Field::Destination, "*.rare.example"), count.div_ceil(RARE)),
        ("decision=ID", Filter { ids: vec![id], ..Filter::default() }, 1),
        ("client=10.0.7.0/24", by(Field::Client, "10.0.7.0/24"), count / 256 + u64::from(count % 256 > 7)),
    ];
    for (name, filter, expected) in cases {
        let (matched, seconds) = time(&directory, &filter);
        assert_eq!(matched, expected, "{name}");
        println!(
            "{name:>28}: {matched:>7} of {count} records in {seconds:.3} s; 10 million: {:.1} s",
            seconds * 1e7 / count as f64
        );
    }
    let begun = Instant::now();
    let period = Period { from: 0, until: i64::MAX, sample: 25, seed: 1 };
    let summary = summarize(&directory, period, Trust::default()).expect("a report");
    assert!(summary.is_whole() && summary.messages == count, "{:?}", summary.fault);
    println!("{:>28}: {:.1} s", "report, chain checked", begun.elapsed().as_secs_f64());
    let size = |path: &Path| std::fs::metadata(path).expect("a file").len();
    let files = std::fs::read_dir(&directory).expect("a folder").map(|entry| entry.expect("an entry").path());
    let (mut trail, mut index) = (0, 0);
    for path in files {
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("jsonl") => trail += size(&path),
            Some("index") => index += size(&path),
            _ => {}
        }
    }
    println!("{} bytes a record, {} bytes of index", trail / count, index / count);
    std::fs::remove_dir_all(directory).expect("the directory is ours");
}

fn time(directory: &Path, filter: &Filter) -> (u64, f64) {
    let begun = Instant::now();
    let searched = search(directory, filter, &mut |_, _| Ok(true)).expect("an answer");
    (searched.matched, begun.elapsed().as_secs_f64())
}

fn write(directory: &Path, count: u64) {
    let key = generate_signing_key().expect("random bytes");
    let config = AuditConfig { max_disk: 1 << 40, ..AuditConfig::new(directory.to_owned(), "bench".into()) };
    let (audit, writer) = Audit::open(config, &key).expect("a trail");
    let stamp = PackStamp { name: "payment".into(), version: "1.0.0".into(), hash: "ab12cd34".into() };
    let packs = Arc::new(PackStamps::new(&[stamp]));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    const TASKS: u64 = 64;
    runtime.block_on(async {
        let tasks: Vec<_> = (0..TASKS)
            .map(|task| {
                let (audit, packs) = (audit.clone(), Arc::clone(&packs));
                tokio::spawn(async move {
                    for n in (task..count).step_by(TASKS as usize) {
                        audit.submit(message(n, &packs)).await.map(drop).expect("a permit");
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.expect("no panic");
        }
    });
    writer.close();
}

fn message(n: u64, packs: &Arc<PackStamps>) -> Draft {
    let is_blocked = n.is_multiple_of(BLOCKED);
    let host = match (n.is_multiple_of(RARE), n % 50) {
        (true, _) => "api.rare.example".into(),
        (false, at) => format!("api{at}.example.com").into(),
    };
    let flow = FlowFacts {
        flow: FlowId::new(n, [7; 10]),
        tenant: "default".into(),
        listener: "apps".into(),
        client: IpAddr::from([10, 0, (n % 256) as u8, (n / 256 % 256) as u8]),
        client_identity: None,
        client_certificate: None,
        host,
        port: 443,
        group: None,
        http: Some("HTTP/1.1"),
        tls_client: Some("TLSv1.3"),
        method: "POST".into(),
        path_template: "/v1/orders/{}".into(),
        traceparent: None,
    };
    let found = Found {
        identifier: "payment.pan".into(),
        confidence: Confidence::High,
        matched: 1,
        distinct: 1,
        forwarded: 0,
        withheld: 1,
        suppressed: 0,
        at: Vec::new(),
        fingerprints: Vec::new(),
        rules: Vec::new(),
    };
    let rule = RuleHit { id: "pan-leaves".into(), action: Action::Block, mode: Mode::Enforce };
    let decision = Decision {
        action: if is_blocked { Action::Block } else { Action::Allow },
        would: None,
        reason: None,
        rules: if is_blocked { vec![rule] } else { Vec::new() },
        found: if is_blocked { vec![found] } else { Vec::new() },
        disclosure: if is_blocked { Disclosure::Prevented } else { Disclosure::None },
        coverage: Coverage { seen: 812, inspected: 812, forwarded: 812, ..Coverage::default() },
        edits: 0,
    };
    Draft::Message(Box::new(MessageDraft {
        kind: Kind::Decision,
        decision_id: FlowId::new(n, [8; 10]),
        flow: Arc::new(flow),
        dialled: Some(Dialled {
            address: IpAddr::from([198, 51, 100, 1]),
            tls: Some("TLSv1.3"),
            proven: true,
        }),
        direction: Direction::Request,
        mode: Mode::Enforce,
        status: None,
        content_type: Some("application/json".into()),
        decision: Some(decision),
        action: Action::Allow,
        reason: None,
        overlay: None,
        policy_hash: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".into(),
        packs: Arc::clone(packs),
        inspect_us: 41,
        hold_us: 3,
        interim: false,
        told: None,
    }))
}
