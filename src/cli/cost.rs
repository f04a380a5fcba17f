//! What a detector costs: time per byte, measured with that detector alone over ordinary text.

use std::hint::black_box;
use std::time::{Duration, Instant};

use crate::detect::pack::Definition;
use crate::detect::{Matcher, Pack, Scan};
use crate::fingerprint::FingerprintKey;
use crate::limits;

/// Time that one detector is measured for, at most and at least; the best of its passes counts.
const MEASURED: [Duration; 2] = [Duration::from_millis(10), Duration::from_millis(1)];
/// Time that all of them are measured for, if each gets enough of it.
const MEASURED_ALL: Duration = Duration::from_secs(5);

/// Time for each of so many detectors.
pub(super) fn measured(detectors: usize) -> Duration {
    let [most, least] = MEASURED;
    let each = MEASURED_ALL / u32::try_from(detectors.max(1)).unwrap_or(u32::MAX);
    each.clamp(least, most)
}

/// Ordinary text, nobody's identifiers in it: prose, a lock file full of hashes, JSON events and CSV metrics.
pub(super) fn benign_text() -> Vec<u8> {
    let mut text = [include_str!("../../ARCHITECTURE.md"), include_str!("../../Cargo.lock")].concat();
    let mut state = 1u64;
    let mut next = |below: u64| {
        // Knuth's multiplier and increment of MMIX; the high bits are good enough to look like data.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    for second in 0..800 {
        let (id, millis, status) = (next(1 << 30), next(900), [200, 204, 304, 404].get(next(4) as usize));
        let (cpu, memory, status) = (next(10_000), next(1 << 24), status.copied().unwrap_or(200));
        text.push_str(&format!(
            "{{\"time\":\"2026-03-{:02}T{:02}:{:02}:{:02}Z\",\"level\":\"info\",\"request\":\"{id:08x}-{:04x}\",\
             \"path\":\"/api/v2/items/{}\",\"status\":{status},\"ms\":{millis}.{}}}\n",
            1 + second / 60 % 28,
            second / 60 % 24,
            second % 60,
            id % 60,
            next(1 << 16),
            next(100_000),
            next(1000),
        ));
        text.push_str(&format!("node-{},{},{}.{:04},{memory}\n", next(64), second, cpu / 100, cpu));
    }
    text.into_bytes()
}

/// A pack without its detectors: each is made a pack of its own with it, and thousands of them are not copied each time.
pub(super) fn emptied(pack: &Pack) -> Pack {
    let mut pack = pack.clone();
    pack.definitions.clear();
    pack
}

/// A matcher of one detector of a pack, alone. What it takes from its neighbours (`beside`) is left out.
pub(super) fn alone(pack: &Pack, definition: &Definition) -> Option<Matcher> {
    let mut definition = definition.clone();
    definition.beside = None;
    let mut pack = pack.clone();
    pack.definitions = vec![definition];
    Matcher::compile(vec![pack]).ok()
}

/// Nanoseconds per byte of a scan over `text`, in pieces as they come from a file, measured for so long.
pub(super) fn nanoseconds_per_byte(matcher: &Matcher, text: &[u8], measured: Duration) -> f64 {
    let key = FingerprintKey::new(&[0; 32]);
    let mut best = Duration::MAX;
    let from = Instant::now();
    while from.elapsed() < measured || best == Duration::MAX {
        let pass = Instant::now();
        black_box(scan(matcher, &key, text));
        best = best.min(pass.elapsed());
    }
    best.as_secs_f64() * 1e9 / text.len().max(1) as f64
}

/// The same at worst, of texts made of what the detector finds: its values one behind the other, each drawn out, each of
/// their bytes over and over.
pub(super) fn strained(matcher: &Matcher, definition: &Definition) -> f64 {
    let key = FingerprintKey::new(&[0; 32]);
    let mut parts = Vec::new();
    for value in definition.examples.iter().flat_map(|example| &example.get_ref().finds) {
        let drawn_out = value.bytes().chain(value.bytes().last().into_iter().cycle().take(limits::MATCH_LEN));
        parts.extend([value.clone().into_bytes(), drawn_out.collect()]);
        parts.extend(value.bytes().map(|byte| vec![byte]));
    }
    parts.retain(|part| !part.is_empty());
    parts.sort_by_key(|part| std::cmp::Reverse(part.len()));
    parts.dedup();
    let mut worst = 0f64;
    for part in parts.iter().take(limits::LINT_STRAINS) {
        let text = part.repeat(limits::LINT_STRAIN.div_ceil(part.len()));
        // Who else is at work makes a pass slower, none makes it faster.
        let passes = (0..3).map(|_| {
            let pass = Instant::now();
            black_box(scan(matcher, &key, &text));
            pass.elapsed().as_secs_f64() * 1e9 / text.len() as f64
        });
        worst = worst.max(passes.fold(f64::MAX, f64::min));
    }
    worst
}

fn scan(matcher: &Matcher, key: &FingerprintKey, text: &[u8]) -> usize {
    let (mut scan, mut found) = (Scan::new(), Vec::new());
    text.chunks(limits::SCAN_CHUNK).for_each(|chunk| scan.push(matcher, key, chunk, &mut found));
    scan.finish(matcher, key, &mut found);
    found.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_that_costs_are_measured_on_is_ordinary_and_clean() {
        let text = benign_text();
        assert!(text.len() > 128 * 1024, "{}", text.len());
        assert!(text.iter().all(|b| b.is_ascii_graphic() || b" \n\t".contains(b) || !b.is_ascii()));
        let packs = Pack::built_in_names().iter().filter_map(|name| Pack::built_in(name));
        let matcher = Matcher::compile(packs.collect()).unwrap();
        let found = matcher.find(&FingerprintKey::new(&[0; 32]), None, &text);
        let sure = found.iter().filter(|found| found.confidence > crate::detect::Confidence::Low);
        let ids = sure.map(|found| matcher.detector(found.detector).id.clone()).collect::<Vec<_>>();
        // Hashes hold what looks like an identifier now and then.
        assert!(ids.len() <= 8, "{ids:?}");
    }

    /// A pack of one detector, with these further lines.
    fn pack(pattern: &str, more: &str) -> Pack {
        let text = format!(
            "[pack]\nname = \"t\"\nversion = \"1.0.0\"\n[[detector]]\nid = \"t.a\"\ndescription = \"d\"\n\
             tier = \"strong\"\npattern = '{pattern}'\n{more}[[detector.example]]\ntext = \"a\"\n\
             finds = [\"zebra-4539148803436467\"]\n[[detector.example]]\ntext = \"\"\nfinds = []\n"
        );
        Pack::parse("t.toml", &text).unwrap()
    }

    #[test]
    fn what_can_be_made_slow_is_told() {
        let cost = |pattern: &str, more: &str| {
            let pack = pack(pattern, more);
            let definition = pack.definitions.first().unwrap();
            strained(&alone(&pack, definition).unwrap(), definition)
        };
        let checks = "boundary = \"none\"\nvalidators = [\"verhoeff\"]\ninvalidators = [\"all-same\"]\n";
        let by_each = cost("[0-9]{6,512}", checks);
        let plain = cost("zebra-[0-9]{16}", "");
        assert!(by_each > 20.0 * plain, "{by_each} {plain}");
    }

    #[test]
    fn many_detectors_are_measured_for_less_time_each() {
        assert_eq!([1, 500, 1_000, 5_000, 100_000].map(|n| measured(n).as_millis()), [10, 10, 5, 1, 1]);
    }

    #[test]
    fn an_unanchored_detector_costs_more_than_an_anchored_one() {
        let cost = |pattern: &str| {
            let pack = pack(pattern, "");
            let matcher = alone(&pack, pack.definitions.first().unwrap()).unwrap();
            nanoseconds_per_byte(&matcher, &benign_text(), measured(1))
        };
        assert!(cost("[a-z]{2}[0-9]?[a-z]{1,3}X") > 3.0 * cost("zebra-[0-9]{16}"));
    }
}
