//! How long messages take in the gate: counted in steps, three times for each message, by threads that do not meet.

use std::cell::Cell;
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use super::LATENCY_ADDED;

/// Upper bounds of the steps, and how they are written in seconds.
const STEPS: [(Duration, &str); 13] = [
    (Duration::from_micros(10), "0.00001"),
    (Duration::from_micros(50), "0.00005"),
    (Duration::from_micros(100), "0.0001"),
    (Duration::from_micros(500), "0.0005"),
    (Duration::from_millis(1), "0.001"),
    (Duration::from_millis(5), "0.005"),
    (Duration::from_millis(10), "0.01"),
    (Duration::from_millis(50), "0.05"),
    (Duration::from_millis(100), "0.1"),
    (Duration::from_millis(500), "0.5"),
    (Duration::from_secs(1), "1"),
    (Duration::from_secs(5), "5"),
    (Duration::from_secs(30), "30"),
];

/// Threads that count beside each other; more share.
const LANES: usize = 8;

/// In the inspector.
pub static INSPECT: Latency = Latency::new("inspect");
/// From a message's head to the first moment that it could leave.
pub static HOLD: Latency = Latency::new("hold");
/// Waiting for its record.
pub static RECORD: Latency = Latency::new("record");

/// One stage's latencies, since the process began.
#[derive(Debug)]
pub struct Latency {
    stage: &'static str,
    lanes: [Lane; LANES],
}

/// What some of the threads counted; apart from the others in memory.
#[derive(Debug)]
#[repr(align(128))]
struct Lane {
    /// By step; the last is for what is longer than all.
    counts: [AtomicU64; STEPS.len() + 1],
    nanoseconds: AtomicU64,
}

impl Latency {
    const fn new(stage: &'static str) -> Latency {
        let lanes = [const {
            Lane { counts: [const { AtomicU64::new(0) }; STEPS.len() + 1], nanoseconds: AtomicU64::new(0) }
        }; LANES];
        Latency { stage, lanes }
    }

    pub fn record(&self, time: Duration) {
        let step = STEPS.iter().position(|(bound, _)| time <= *bound).unwrap_or(STEPS.len());
        let Some(lane) = self.lanes.get(lane()) else { return };
        // Figures guard no other memory.
        if let Some(count) = lane.counts.get(step) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        lane.nanoseconds.fetch_add(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    fn render(&self, out: &mut String) {
        let stage = self.stage;
        let at = |step: usize| {
            let counts = self.lanes.iter().filter_map(|lane| lane.counts.get(step));
            counts.map(|count| count.load(Ordering::Relaxed)).sum::<u64>()
        };
        let mut count = 0;
        let bounds = STEPS.iter().map(|(_, written)| *written).chain(["+Inf"]);
        for (step, bound) in bounds.enumerate() {
            count += at(step);
            // Writing to memory cannot fail.
            let _ = writeln!(out, "{LATENCY_ADDED}_bucket{{stage=\"{stage}\",le=\"{bound}\"}} {count}");
        }
        let sum = self.lanes.iter().map(|lane| lane.nanoseconds.load(Ordering::Relaxed)).sum();
        let _ = writeln!(
            out,
            "{LATENCY_ADDED}_sum{{stage=\"{stage}\"}} {}",
            Duration::from_nanos(sum).as_secs_f64()
        );
        let _ = writeln!(out, "{LATENCY_ADDED}_count{{stage=\"{stage}\"}} {count}");
    }
}

/// Where this thread counts.
fn lane() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local!(static LANE: Cell<usize> = const { Cell::new(LANES) });
    LANE.with(|lane| {
        if lane.get() == LANES {
            lane.set(NEXT.fetch_add(1, Ordering::Relaxed) % LANES);
        }
        lane.get()
    })
}

/// All stages in Prometheus' text format.
pub fn render(help: &str, out: &mut String) {
    let _ = writeln!(out, "# HELP {LATENCY_ADDED} {help}\n# TYPE {LATENCY_ADDED} histogram");
    for stage in [&INSPECT, &HOLD, &RECORD] {
        stage.render(out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_counted_with_all_below_them() {
        let latency = Latency::new("inspect");
        std::thread::scope(|scope| {
            for micros in [3, 10, 11, 2_000, 40_000_000] {
                let latency = &latency;
                scope.spawn(move || latency.record(Duration::from_micros(micros)));
            }
        });
        let mut text = String::new();
        latency.render(&mut text);
        let shown =
            |rest: &str| text.lines().any(|line| line == format!("tidegate_latency_added_seconds{rest}"));
        for (bound, count) in
            [("0.00001", 2), ("0.00005", 3), ("0.001", 3), ("0.005", 4), ("30", 4), ("+Inf", 5)]
        {
            assert!(
                shown(&format!("_bucket{{stage=\"inspect\",le=\"{bound}\"}} {count}")),
                "{bound} in\n{text}"
            );
        }
        assert!(shown("_count{stage=\"inspect\"} 5"));
        assert!(shown("_sum{stage=\"inspect\"} 40.002024"), "{text}");
    }

    #[test]
    fn steps_are_written_as_what_they_are() {
        for (bound, written) in STEPS {
            assert_eq!(written.parse(), Ok(bound.as_secs_f64()));
        }
        assert!(STEPS.is_sorted_by_key(|(bound, _)| *bound));
    }
}
