//! What the clock did while records were written: the true first and last moment, and whether it went back between them.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;

use crate::limits;

/// Times of records, in the order in which they were written.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    /// The earliest and the latest of all.
    pub span: Option<(String, String)>,
    before: String,
    /// How often it went back, and when it first did.
    pub back: u64,
    pub first_back: Option<StepBack>,
}

/// A record whose time is before that of the one before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepBack {
    pub seq: u64,
    pub from: String,
    pub to: String,
}

impl fmt::Display for StepBack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at record {}, from {} to {}", self.seq, self.from, self.to)
    }
}

impl Clock {
    /// Takes the time of the next record.
    pub(super) fn tell(&mut self, seq: u64, time: &str) {
        let (earliest, latest) = self.span.get_or_insert_with(|| (time.to_owned(), time.to_owned()));
        // All times have one form, in which the calendar's order is that of the alphabet.
        if time < latest.as_str() {
            if time < earliest.as_str() {
                time.clone_into(earliest);
            }
        } else {
            time.clone_into(latest);
        }
        if time < self.before.as_str() && is_step(&self.before, time) {
            self.back += 1;
            self.first_back.get_or_insert_with(|| StepBack {
                seq,
                from: self.before.clone(),
                to: time.to_owned(),
            });
        }
        self.pass(time);
    }

    /// Takes the time of a record that is of no interest but to the one behind it.
    pub(super) fn pass(&mut self, time: &str) {
        time.clone_into(&mut self.before);
    }
}

/// Whether a clock that goes from one time back to another was set: a little less is nobody's doing.
fn is_step(from: &str, to: &str) -> bool {
    let micros = |time: &str| time.parse::<Timestamp>().ok().map(Timestamp::as_microsecond);
    let (Some(from), Some(to)) = (micros(from), micros(to)) else { return false };
    let back = u64::try_from(from.saturating_sub(to)).unwrap_or_default();
    Duration::from_micros(back) >= limits::CLOCK_STEP
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_and_the_last_moment_are_those_of_all_and_steps_back_are_told() {
        let mut clock = Clock::default();
        let times =
            ["29T12:00:00.000000Z", "29T12:00:00.900000Z", "29T12:00:00.100000Z", "27T12:00:00.000000Z"];
        let later = ["27T12:00:01.000000Z", "30T00:00:00.000000Z", "29T12:00:00.000000Z"];
        for (seq, time) in (1..).zip(times.into_iter().chain(later)) {
            clock.tell(seq, &format!("2026-11-{time}"));
        }
        let at = |time: &str| format!("2026-11-{time}");
        assert_eq!(clock.span, Some((at("27T12:00:00.000000Z"), at("30T00:00:00.000000Z"))));
        let first = StepBack { seq: 4, from: at("29T12:00:00.100000Z"), to: at("27T12:00:00.000000Z") };
        assert_eq!((clock.back, clock.first_back), (2, Some(first)));
    }
}
