//! What it costs to see through wrappings: bodies through the whole inspector, beside what cannot be saved.
//!
//! `cargo bench --bench decode [-- --check] [--once CASE]`. With `--check` it fails where a goal is missed:
//!
//! - a coded body inspected, to its decoder alone and the scan of its text alone: 1.10 at most for gzip;
//! - JSON without escapes, to the scan of the same bytes, in instructions: 1.10 at most;
//! - a gzip body whose values are masked, to `gzip -1` over the same text: 2.00 at most.
//!
//! Times are processor time, taken in turns in one run, the median of ratios. Instructions are counted by callgrind
//! (valgrind), which runs this program once for each side; where it is missing, that is said. Every run asserts what it found.

#![expect(clippy::expect_used, reason = "a benchmark that cannot go on stops")]

use std::fmt::Write as _;
use std::hint::black_box;
use std::io::{Read, Write};
use std::ops::ControlFlow;
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;

use bytes::Bytes;
use tidegate::config;
use tidegate::decode::{Coding, Decoder, Encoder};
use tidegate::detect::Scan;
use tidegate::fingerprint::FingerprintKey;
use tidegate::flow::{Destination, Direction, Host, Scheme};
use tidegate::inspect::{Engine, Head, HeldBytes, Inspector, Step};
use tidegate::policy::{Action, LocalBudgets, Message};

const SIZE: usize = 4 << 20;
const CHUNK: usize = 16 << 10;
const ROUNDS: usize = 15;
const CARD: &str = "4539 1488 0343 6467";
const CARDS: usize = 8;

/// A ratio that must not be passed.
const CODED: f64 = 1.10;
const JSON: f64 = 1.10;
const TRANSCODED: f64 = 2.00;

const RULE: &str = r#"
packs = ["payment", "contact", "national-id", "secrets", "health", "travel"]
[[rule]]
id = "told"
identifiers = ["payment.*", "contact.*", "national-id.*", "secrets.*", "health.*", "travel.*"]
action = "alert"
confidence = "medium"
"#;
const MASKING: &str = r#"
[[rule]]
id = "masked"
identifiers = ["payment.pan"]
action = "redact"
"#;

/// JSON without an escape, the same in every run (xorshift64*), with a few cards.
fn json() -> Vec<u8> {
    let mut state = 42u64;
    let mut next = |below: u64| {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        state.wrapping_mul(0x2545_f491_4f6c_dd1d) % below
    };
    let (mut text, mut records) = (String::with_capacity(SIZE + 4096), 0);
    let word = move |next: &mut dyn FnMut(u64) -> u64| {
        (0..2 + next(8)).map(|_| (b'a' + next(26) as u8) as char).collect::<String>()
    };
    while text.len() < SIZE {
        let (a, b) = (word(&mut next), word(&mut next));
        let _ = writeln!(
            text,
            "{{\"id\":{records},\"name\":\"{a} {b}\",\"ts\":\"2026-11-{:02}T{:02}:{:02}:00Z\",\"amount\":{}.{:02},\"ref\":\"{:08x}-{:04x}\",\"tags\":[\"{a}\",\"{b}\"]}}",
            1 + next(28),
            next(24),
            next(60),
            next(5000),
            next(100),
            next(1 << 32),
            next(1 << 16),
        );
        records += 1;
        if records % (SIZE / 130 / CARDS) == 0 && text.matches(CARD).count() < CARDS {
            let _ = writeln!(text, "{{\"card\":\"{CARD}\"}}");
        }
    }
    text.into_bytes()
}

/// CPU seconds of this thread.
fn cpu_time() -> f64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    now.tv_sec as f64 + now.tv_nsec as f64 / 1e9
}

/// CPU seconds of the children that ended.
fn cpu_of_children() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("the kernel tells of processes");
    let behind_name = stat.rsplit(") ").next().expect("a name in brackets");
    let ticks: f64 = behind_name.split(' ').skip(13).take(2).filter_map(|n| n.parse::<f64>().ok()).sum();
    ticks / 100.0
}

struct Bench {
    told: Arc<Engine>,
    masking: Arc<Engine>,
    text: Bytes,
    coded: Vec<(Coding, Bytes)>,
}

fn engine(text: &str) -> Arc<Engine> {
    let (config, compiled) = config::load_text("bench.toml", text, "/".as_ref())
        .map_err(|complaints| complaints.to_string())
        .expect("the rules are right");
    let key = FingerprintKey::new(&[7; 32]);
    let budgets = Arc::new(LocalBudgets::new(key.clone(), 1 << 20, Box::new(|| 0)));
    Arc::new(compiled.engine(&config, key, budgets, Arc::new(HeldBytes::new(1 << 28))))
}

impl Bench {
    fn new() -> Bench {
        let text = Bytes::from(json());
        let coded = [Coding::Gzip, Coding::Deflate, Coding::Brotli, Coding::Zstd].map(|coding| {
            let mut encoder = Encoder::new(&[coding]).expect("every coding can be put on");
            encoder.push(&text).expect("memory does not fail");
            (coding, Bytes::from(encoder.finish().expect("memory does not fail")))
        });
        Bench { told: engine(RULE), masking: engine(&format!("{RULE}{MASKING}")), text, coded: coded.into() }
    }

    fn coded(&self, name: &str) -> Option<&(Coding, Bytes)> {
        self.coded.iter().find(|(coding, _)| coding.as_str() == name)
    }

    /// One case by name, measured once.
    fn run(&self, case: &str) {
        let (what, coding) = case.split_once(' ').unwrap_or((case, ""));
        match (what, self.coded(coding)) {
            ("scan", _) => scan(&self.told, &self.text),
            ("json", _) => inspect(&self.told, &self.text, None),
            ("decode", Some((coding, wire))) => decode(*coding, wire, self.text.len()),
            ("inspect", Some((coding, wire))) => inspect(&self.told, wire, Some(*coding)),
            ("mask", Some((coding, wire))) => mask(&self.masking, wire, *coding, self.text.len()),
            _ => panic_on(case),
        }
    }
}

fn panic_on(case: &str) {
    assert!(case.is_empty(), "no case is called {case}");
}

/// The scan of a text alone.
#[inline(never)]
fn scan(engine: &Engine, text: &Bytes) {
    let (mut scan, mut out) = (Scan::new(), Vec::new());
    for chunk in text.chunks(CHUNK) {
        scan.push(&engine.matcher, &engine.key, black_box(chunk), &mut out);
    }
    scan.finish(&engine.matcher, &engine.key, &mut out);
    assert_eq!(
        out.iter().filter(|f| *engine.matcher.detector(f.detector).id == *"payment.pan").count(),
        CARDS
    );
}

/// The decoder alone.
#[inline(never)]
fn decode(coding: Coding, wire: &Bytes, length: usize) {
    let (mut decoder, mut out) = (Decoder::new(&[coding]), 0);
    for chunk in wire.chunks(CHUNK) {
        decoder
            .push(chunk, &mut |piece| {
                out += black_box(piece).len();
                ControlFlow::Continue(())
            })
            .expect("what was coded decodes");
    }
    decoder.finish().expect("to its end");
    assert_eq!(out, length);
}

fn message() -> Message {
    let host = Host::Name("api.example".into());
    Message {
        media_type: Some("application/x-ndjson".into()),
        status: Some(200),
        ..Message::to(Destination { scheme: Scheme::Https, host, port: 443 }, Direction::Response)
    }
}

/// A body through an inspector, as a response comes: what left of it, and the inspector.
fn through(engine: &Arc<Engine>, wire: &Bytes, coding: Option<Coding>) -> (Vec<Bytes>, Inspector) {
    let mut inspector = Inspector::new(Arc::clone(engine), message());
    let coding = coding.map(Coding::as_str);
    let head = Head { target: None, fields: &[], length: None, coding, events: false };
    assert_eq!(inspector.head(&head), Step::Wait);
    let mut left = Vec::new();
    for start in (0..wire.len()).step_by(CHUNK) {
        let chunk = wire.slice(start..wire.len().min(start + CHUNK));
        assert_ne!(inspector.push(black_box(chunk)), Step::Stop);
        left.extend(std::iter::from_fn(|| inspector.next_released()));
    }
    assert_eq!(inspector.finish(), Step::Release);
    left.extend(std::iter::from_fn(|| inspector.next_released()));
    (left, inspector)
}

/// The whole inspector over a body that it lets pass.
#[inline(never)]
fn inspect(engine: &Arc<Engine>, wire: &Bytes, coding: Option<Coding>) {
    let (left, inspector) = through(engine, wire, coding);
    assert_eq!(left.iter().map(Bytes::len).sum::<usize>(), wire.len());
    let decision = inspector.decision();
    assert_eq!((decision.action, decision.edits), (Action::Alert, 0));
    let cards = decision.found.iter().find(|found| &*found.identifier == "payment.pan");
    assert_eq!(cards.map(|cards| cards.matched), Some(CARDS as u64));
}

/// The same over one whose cards it masks and which it encodes anew.
#[inline(never)]
fn mask(engine: &Arc<Engine>, wire: &Bytes, coding: Coding, length: usize) {
    let (left, inspector) = through(engine, wire, Some(coding));
    assert_eq!(inspector.decision().edits, CARDS as u64);
    black_box((left, length));
}

/// `gzip -1` over the text; its CPU seconds.
fn gzip(text: &Bytes) -> f64 {
    let before = cpu_of_children();
    // Often enough that the kernel's ticks are fine enough.
    for _ in 0..4 {
        let mut child = Command::new("gzip")
            .args(["-1", "-c"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("gzip is there");
        let (mut to, text) = (child.stdin.take().expect("a pipe"), text.clone());
        let writer = std::thread::spawn(move || to.write_all(&text));
        let mut out = Vec::new();
        child.stdout.take().expect("a pipe").read_to_end(&mut out).expect("it writes");
        writer.join().expect("it ends").expect("it reads");
        assert!(child.wait().expect("it ends").success() && out.len() < text_length(&out));
    }
    (cpu_of_children() - before) / 4.0
}

/// What the trailer of a gzip member says of its text.
fn text_length(member: &[u8]) -> usize {
    member.last_chunk::<4>().map_or(0, |length| u32::from_le_bytes(*length) as usize)
}

fn timed(run: impl FnOnce()) -> f64 {
    let before = cpu_time();
    run();
    cpu_time() - before
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Instructions of one case, counted; `None` where nothing counts them.
fn instructions(case: &str) -> Option<u64> {
    let me = std::env::current_exe().expect("a program knows its file");
    let name = case.split(' ').next().unwrap_or(case).replace("json", "inspect");
    let done = Command::new("valgrind")
        .args(["--tool=callgrind", "--collect-atstart=no", "--callgrind-out-file=/dev/null"])
        // In either way of writing names; what is within is not to be met.
        .args([format!("--toggle-collect=decode::{name}"), format!("--toggle-collect=decode::{name}::h*")])
        .arg(me)
        .args(["--once", case])
        .output()
        .ok()?;
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(done.status.success(), "{said}");
    let count =
        said.split("Collected : ").nth(1).and_then(|rest| rest.split_whitespace().next()?.parse().ok());
    Some(count.filter(|count| *count > 0).expect("callgrind counted something"))
}

/// Says a ratio beside its goal; whether it is met.
fn say(name: &str, ratio: f64, goal: Option<f64>, more: &str) -> bool {
    let met = goal.is_none_or(|goal| ratio <= goal);
    let goal = goal.map_or_else(String::new, |goal| format!(" (goal {goal:.2})"));
    println!("{} {name:<44} {ratio:.2}{goal}  {more}", if met { "ok " } else { "BAD" });
    met
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let bench = Bench::new();
    if let Some(at) = args.iter().position(|arg| arg == "--once") {
        bench.run(args.get(at + 1).map_or("", String::as_str));
        return ExitCode::SUCCESS;
    }
    let mut met = true;
    let per_byte = |count: u64| count as f64 / bench.text.len() as f64;
    let ms = |times: &[f64]| median(times.to_vec()) * 1e3;
    for (coding, wire) in &bench.coded {
        let name = coding.as_str();
        let (mut ratios, mut alone, mut scans, mut whole) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            alone.extend([timed(|| decode(*coding, wire, bench.text.len()))]);
            scans.extend([timed(|| scan(&bench.told, &bench.text))]);
            whole.extend([timed(|| inspect(&bench.told, wire, Some(*coding)))]);
            let parts = alone.last().zip(scans.last()).map(|(a, b)| a + b);
            ratios.extend(whole.last().zip(parts).map(|(whole, parts)| whole / parts));
        }
        let more = format!("{:.1} ms to {:.1} decoder + {:.1} scan", ms(&whole), ms(&alone), ms(&scans));
        let goal = (*coding == Coding::Gzip).then_some(CODED);
        met &= say(&format!("{name} inspected, to its parts"), median(ratios), goal, &more);
    }
    let (mut ratios, mut own, mut theirs) = (Vec::new(), Vec::new(), Vec::new());
    if let Some((coding, wire)) = bench.coded("gzip") {
        for _ in 0..ROUNDS {
            own.push(timed(|| mask(&bench.masking, wire, *coding, bench.text.len())));
            theirs.push(gzip(&bench.text));
            ratios.extend(own.last().zip(theirs.last()).map(|(own, theirs)| own / theirs));
        }
        let more = format!("{:.1} ms to {:.1}", ms(&own), ms(&theirs));
        met &= say("gzip masked, to gzip -1", median(ratios), Some(TRANSCODED), &more);
    }
    match (
        instructions("scan"),
        instructions("json"),
        instructions("decode gzip"),
        instructions("inspect gzip"),
    ) {
        (Some(scan), Some(json), Some(decode), Some(inspect)) => {
            let more = format!("{:.2} instructions a byte to {:.2}", per_byte(json), per_byte(scan));
            met &= say("json inspected, to its scan", json as f64 / scan as f64, Some(JSON), &more);
            let more = format!("{:.2} to {:.2} + {:.2}", per_byte(inspect), per_byte(decode), per_byte(scan));
            let ratio = inspect as f64 / (decode + scan) as f64;
            met &= say("gzip inspected, to its parts, in instructions", ratio, None, &more);
        }
        _ => println!("SKIPPED: no valgrind here; instructions were not counted"),
    }
    let check = args.iter().any(|arg| arg == "--check");
    if met || !check { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
