//! Speed of the scanner on traffic-like texts, in GB a second of CPU time; asserts what it found.
//!
//! `cargo bench --bench scan [-- SECONDS]`. Figures of a shared machine move; compare within one run.

#![expect(clippy::expect_used, reason = "a benchmark that cannot go on stops")]

use std::fmt::Write;
use std::hint::black_box;
use std::time::Instant;

use tidegate::detect::{Confidence, Finding, Matcher, Pack, Scan};
use tidegate::fingerprint::FingerprintKey;

const SIZE: usize = 8 << 20;
const CHUNK: usize = 16 << 10;
const CARD: &str = "4539 1488 0343 6467";

/// A small generator with a fixed seed (xorshift64*), so that texts are the same in every run.
struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }
    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }
    fn word(&mut self) -> String {
        (0..2 + self.below(8)).map(|_| (b'a' + self.below(26) as u8) as char).collect()
    }
}

fn fill(mut piece: impl FnMut(&mut Rng, &mut String, usize)) -> Vec<u8> {
    let (mut rng, mut text, mut n) = (Rng(42), String::with_capacity(SIZE + 4096), 0);
    while text.len() < SIZE {
        piece(&mut rng, &mut text, n);
        n += 1;
    }
    text.into_bytes()
}

/// Texts by name.
type Texts = Vec<(&'static str, Vec<u8>)>;

fn structured() -> Texts {
    let json = fill(|r, t, n| {
        let (a, b) = (r.word(), r.word());
        let _ = writeln!(
            t,
            "{{\"id\":{n},\"name\":\"{a} {b}\",\"ts\":\"2026-11-{:02}T{:02}:{:02}:00Z\",\"amount\":{}.{:02},\"uuid\":\"{:08x}-{:04x}-4{:03x}-9{:03x}-{:012x}\",\"epoch\":17{:08},\"tags\":[\"{a}\",\"{b}\"]}},",
            1 + r.below(28),
            r.below(24),
            r.below(60),
            r.below(5000),
            r.below(100),
            r.below(1 << 32),
            r.below(1 << 16),
            r.below(1 << 12),
            r.below(1 << 12),
            r.below(1 << 48),
            r.below(100_000_000)
        );
        if n % 5000 == 0 {
            let _ = writeln!(t, "{{\"card\":\"{CARD}\"}},");
        }
    });
    let csv = fill(|r, t, n| {
        let _ = writeln!(
            t,
            "{},{}.{},{},{},0.{:06},-{}.{:03}",
            1_760_000_000 + n as u64,
            r.below(1000),
            r.below(1000),
            r.below(100_000),
            r.below(10),
            r.below(1_000_000),
            r.below(100),
            r.below(1000)
        );
    });
    let logs = fill(|r, t, n| {
        let _ = writeln!(
            t,
            "10.{}.{}.{} - - [23/Nov/2026:06:{:02}:{:02} +0000] \"GET /{}/{}?page={} HTTP/1.1\" 200 {} \"-\" \"Mozilla/5.0 (X11; Linux x86_64)\"",
            r.below(255),
            r.below(255),
            r.below(255),
            n % 60,
            r.below(60),
            r.word(),
            r.word(),
            r.below(50),
            r.below(90_000)
        );
    });
    vec![("json", json), ("csv", csv), ("logs", logs)]
}

fn loose() -> Texts {
    let script = fill(|r, t, _| {
        let (a, b) = (r.word(), r.word());
        let _ = write!(
            t,
            "function {a}(e,t){{return {b}[{}]&&e.{a}(t,{}),n({{x:{}.5,y:\"{b}\"}})}}var ",
            r.below(300),
            r.below(90),
            r.below(10)
        );
    });
    let prose = fill(|r, t, _| {
        t.push_str(&r.word());
        t.push(' ');
    });
    let mut rng = Rng(7);
    let random = (0..SIZE / 8).flat_map(|_| rng.next().to_le_bytes()).collect();
    vec![("script", script), ("prose", prose), ("random", random)]
}

/// Texts full of what looks like an identifier.
fn hostile() -> Texts {
    let emails = fill(|r, t, _| {
        let _ = write!(t, "{{\"to\":\"{}.{}@{}.com\"}},", r.word(), r.word(), r.word());
    });
    let digit_runs = fill(|r, t, _| {
        let _ = write!(t, "{} ", r.below(10));
    });
    let near = fill(|r, t, _| {
        let _ = write!(t, "4{:015} ", r.below(1_000_000_000_000_000));
    });
    let ats = "a@a@".repeat(SIZE / 4).into_bytes();
    let word = "x".repeat(SIZE).into_bytes();
    vec![
        ("emails (dense)", emails),
        ("digit runs", digit_runs),
        ("near misses", near),
        ("a@a@", ats),
        ("one word", word),
    ]
}

/// CPU seconds of this thread: unlike the clock on the wall it does not count what other processes take.
fn cpu_time() -> f64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    now.tv_sec as f64 + now.tv_nsec as f64 / 1e9
}

fn scan(matcher: &Matcher, key: &FingerprintKey, text: &[u8], out: &mut Vec<Finding>) {
    let mut scan = Scan::new();
    for chunk in text.chunks(CHUNK) {
        scan.push(matcher, key, chunk, out);
    }
    scan.finish(matcher, key, out);
}

fn main() {
    let seconds = std::env::args().skip(1).find_map(|a| a.parse().ok()).unwrap_or(1.0);
    let started = Instant::now();
    let packs = Pack::built_in_names().iter().filter_map(|n| Pack::built_in(n)).collect();
    let matcher = Matcher::compile(packs).expect("built-in packs compile").reporting(Confidence::Medium);
    println!(
        "{} detectors compiled in {:?}, {} KiB",
        matcher.detectors().len(),
        started.elapsed(),
        matcher.size() / 1024
    );
    let key = FingerprintKey::new(&[3; 32]);
    let only = std::env::args().nth(2);
    for (name, text) in [structured(), loose(), hostile()].into_iter().flatten() {
        if only.as_ref().is_some_and(|only| only != name) {
            continue;
        }
        let mut out = Vec::new();
        scan(&matcher, &key, &text, &mut out);
        let counted = out.iter().filter(|f| f.confidence > Confidence::Low).count();
        if name == "json" {
            assert!(out.iter().filter(|f| f.confidence == Confidence::High).count() >= 5, "{counted}");
        }
        let (begin, mut rounds) = (cpu_time(), 0u32);
        while cpu_time() - begin < seconds {
            out.clear();
            scan(&matcher, &key, black_box(&text), &mut out);
            rounds += 1;
        }
        let rate = f64::from(rounds) * text.len() as f64 / (cpu_time() - begin) / 1e9;
        println!("{name:16} {rate:6.2} GB/s  {counted:7} findings of medium and up");
    }
}
