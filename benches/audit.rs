//! What a record costs: processor time from a draft to its permit, and how fast a trail is verified.
//!
//! `cargo bench --bench audit [-- --check] [--flows N]`. Asserts that the trail it wrote is whole and that nothing was lost; with
//! `--check` it fails when a figure is above its goal. Verification and bare hashing take turns, and their ratio is
//! the median of the rounds, so that a busy machine distorts it little.

#![expect(clippy::expect_used, reason = "a benchmark that cannot go on stops")]

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ring::digest::{SHA256, digest};
use rustix::time::{ClockId, clock_gettime};
use tidegate::audit::{
    Audit, AuditConfig, Dialled, Draft, FlowFacts, Kind, MessageDraft, Outside, PackStamp, PackStamps,
    Verdict, generate_signing_key, verify,
};
use tidegate::flow::{Direction, FlowId};
use tidegate::inspect::{Coverage, Decision};
use tidegate::policy::{Action, Disclosure, Mode};

const RECORDS: u64 = 400_000;
/// Flows at once for which a record's cost has a goal, and that goal: microseconds of processor time.
const GOAL_FLOWS: u64 = 64;
const GOAL_RECORD: f64 = 4.0;
/// Verification against a bare SHA-256 of the same bytes.
const GOAL_VERIFY: f64 = 2.0;
const ROUNDS: usize = 5;

fn main() {
    let directory = std::env::temp_dir().join(format!("tidegate-bench-{}", std::process::id()));
    let key = generate_signing_key().expect("random bytes");
    let mut figures = Vec::new();
    println!("{:>12} {:>14} {:>14} {:>12}", "concurrency", "CPU µs/record", "wall µs/record", "records/s");
    for concurrency in flows() {
        let directory = directory.join(concurrency.to_string());
        // Packing of what is closed comes later, on a thread that gives way: it has its own figure.
        let config = AuditConfig { compress: false, ..AuditConfig::new(directory.clone(), "bench".into()) };
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
        let count = if concurrency == 1 { RECORDS / 20 } else { RECORDS };
        let (audit, writer) = Audit::open(config, &key).expect("a trail");
        let (wall, cpu) = (Instant::now(), cpu_time());
        runtime.block_on(submit(&audit, concurrency, count));
        let (wall, cpu) = (wall.elapsed(), cpu_time() - cpu);
        writer.close();
        let each = |time: Duration| time.as_secs_f64() * 1e6 / count as f64;
        let rate = count as f64 / wall.as_secs_f64();
        println!("{concurrency:>12} {:>14.2} {:>14.2} {rate:>12.0}", each(cpu), each(wall));
        if concurrency == GOAL_FLOWS {
            figures.push(("CPU µs a record, 64 flows at once", each(cpu), GOAL_RECORD));
        }
    }
    let trail = directory.join(GOAL_FLOWS.to_string());
    if trail.exists() {
        figures.push(("verification against bare SHA-256", verify_speed(&trail), GOAL_VERIFY));
        pack(&trail, &key);
    }
    std::fs::remove_dir_all(directory).expect("the directory is ours");
    let mut missed = false;
    for (what, figure, goal) in figures {
        let word = if figure <= goal { "met" } else { "missed" };
        println!("{what}: {figure:.2}, at most {goal:.1}: {word}");
        missed |= figure > goal;
    }
    if missed && std::env::args().any(|argument| argument == "--check") {
        std::process::exit(1);
    }
}

/// How many flows at once are measured.
fn flows() -> Vec<u64> {
    let asked = std::env::args().skip_while(|argument| argument != "--flows").nth(1);
    asked.map_or_else(|| vec![1, 8, GOAL_FLOWS, 512], |asked| vec![asked.parse().expect("a number of flows")])
}

/// Packs the closed segments of a trail, as a gate does when it is idle.
fn pack(directory: &Path, key: &[u8]) {
    let closed = |ending: &str| -> Vec<PathBuf> {
        let files = std::fs::read_dir(directory).expect("the directory is ours");
        let paths = files.map(|file| file.expect("the directory is ours").path());
        paths.filter(|path| path.to_string_lossy().ends_with(ending)).collect()
    };
    let size = |paths: &[PathBuf]| -> u64 {
        paths.iter().map(|path| path.metadata().map_or(0, |metadata| metadata.len())).sum()
    };
    let text = size(&closed(".jsonl"));
    let config = AuditConfig::new(directory.to_owned(), "bench".into());
    let (_audit, writer) = Audit::open(config, key).expect("a trail");
    let begun = cpu_time();
    while closed(".jsonl").len() > 1 {
        std::thread::sleep(Duration::from_millis(20));
    }
    writer.close();
    let (took, left) = (cpu_time() - begun, size(&closed(".jsonl")));
    let packed = size(&closed(".jsonl.zst"));
    println!(
        "packing closed segments, afterwards: {:.1} ns a byte, to {:.1} % of what they were",
        took.as_secs_f64() * 1e9 / (text - left) as f64,
        100.0 * packed as f64 / (text - left) as f64
    );
}

async fn submit(audit: &Audit, concurrency: u64, count: u64) {
    let stamp = PackStamp { name: "payment".into(), version: "1.0.0".into(), hash: "ab12cd34".into() };
    let packs = Arc::new(PackStamps::new(&[stamp]));
    let tasks: Vec<_> = (0..concurrency)
        .map(|task| {
            let (audit, packs) = (audit.clone(), Arc::clone(&packs));
            tokio::spawn(async move {
                for n in 0..count / concurrency {
                    audit.submit(message(task << 32 | n, &packs)).await.map(drop).expect("a permit");
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("no panic");
    }
}

/// Verifies a trail and hashes as many bytes, in turns; the median ratio of their processor times.
fn verify_speed(directory: &std::path::Path) -> f64 {
    let mut ratios = Vec::new();
    let mut shown = None;
    for _ in 0..ROUNDS {
        let begun = cpu_time();
        let report = verify(directory, None, Outside::default(), &mut |_| {}).expect("a readable trail");
        let took = cpu_time() - begun;
        assert_eq!(report.verdict(), Verdict::Whole, "{report}");
        // Two opening checkpoints and a start, a stop and its checkpoint; the rest of the checkpoints are counted.
        assert_eq!(report.records - report.checkpoints, RECORDS + 2);

        let line = vec![b'x'; (report.bytes / report.records) as usize];
        let begun = cpu_time();
        for _ in 0..report.records {
            std::hint::black_box(digest(&SHA256, std::hint::black_box(&line)));
        }
        ratios.push(took.as_secs_f64() / (cpu_time() - begun).as_secs_f64());
        shown = Some((report, took));
    }
    ratios.sort_by(f64::total_cmp);
    if let Some((report, took)) = shown {
        let each = report.bytes as f64 / report.records as f64;
        println!(
            "verify: {:.0} MB a second of processor time; {each:.0} bytes a record, {:.0} GB a day of 100 million",
            report.bytes as f64 / took.as_secs_f64() / 1e6,
            each * 100e6 / 1e9,
        );
    }
    ratios.get(ROUNDS / 2).copied().unwrap_or(f64::INFINITY)
}

/// Processor time of all threads.
fn cpu_time() -> Duration {
    let now = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(now.tv_sec.cast_unsigned(), u32::try_from(now.tv_nsec).expect("below a second"))
}

/// The record of a clean request, as most are.
fn message(n: u64, packs: &Arc<PackStamps>) -> Draft {
    let dialled = Dialled { address: IpAddr::from([198, 51, 100, 1]), tls: Some("TLSv1.3"), proven: true };
    let flow = FlowFacts {
        flow: FlowId::new(n, [7; 10]),
        tenant: "default".into(),
        listener: "apps".into(),
        client: IpAddr::from([192, 0, 2, 7]),
        client_identity: None,
        client_certificate: None,
        host: "api.example.com".into(),
        port: 443,
        group: None,
        http: Some("HTTP/1.1"),
        tls_client: Some("TLSv1.3"),
        method: "POST".into(),
        path_template: "/v1/orders/{}".into(),
        traceparent: None,
    };
    let coverage = Coverage { seen: 812, inspected: 812, forwarded: 812, ..Coverage::default() };
    let decision = Decision {
        action: Action::Allow,
        would: None,
        reason: None,
        rules: Vec::new(),
        found: Vec::new(),
        disclosure: Disclosure::None,
        coverage,
        edits: 0,
    };
    Draft::Message(Box::new(MessageDraft {
        kind: Kind::Decision,
        decision_id: FlowId::new(n, [8; 10]),
        flow: Arc::new(flow),
        dialled: Some(dialled),
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
