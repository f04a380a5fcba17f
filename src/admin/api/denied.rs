//! Tries at the admin listener without the right token, on record: one by one while they are few, counted when they are not.

use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Map, json};

use crate::audit::{Audit, Draft, Kind};
use crate::limits;

/// Keeps a flood of tries from becoming a flood of records.
#[derive(Debug)]
pub(super) struct Denied {
    audit: Audit,
    window: Mutex<Window>,
}

#[derive(Debug)]
struct Window {
    since: Instant,
    recorded: u32,
    /// Not recorded since the last record.
    unsaid: u64,
}

const WINDOW: Duration = Duration::from_secs(60);

impl Window {
    /// Whether one more is recorded; how many were not since the last that was.
    fn admit(&mut self, now: Instant) -> Option<u64> {
        if now.duration_since(self.since) >= WINDOW {
            (self.since, self.recorded) = (now, 0);
        }
        if self.recorded >= limits::ADMIN_DENIALS {
            self.unsaid += 1;
            return None;
        }
        self.recorded += 1;
        Some(std::mem::take(&mut self.unsaid))
    }
}

impl Denied {
    pub(super) fn new(audit: Audit) -> Denied {
        Denied { audit, window: Mutex::new(Window { since: Instant::now(), recorded: 0, unsaid: 0 }) }
    }

    /// `what` is one of the gate's own words.
    pub(super) fn note(&self, from: IpAddr, method: &'static str, what: &'static str) {
        let unsaid = self.window.lock().unwrap_or_else(PoisonError::into_inner).admit(Instant::now());
        let Some(unsaid) = unsaid else { return };
        let detail = Map::from_iter([
            ("action".to_owned(), json!("denied")),
            ("reason".to_owned(), json!("without the admin token")),
            ("from".to_owned(), json!(from)),
            ("method".to_owned(), json!(method)),
            ("what".to_owned(), json!(what)),
            ("not_recorded_before".to_owned(), json!(unsaid)),
        ]);
        // Written whether or not the answer is awaited.
        drop(self.audit.submit(Draft::Event { kind: Kind::Admin, detail }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_counted_and_the_count_is_said() {
        let start = Instant::now();
        let mut window = Window { since: start, recorded: 0, unsaid: 0 };
        let recorded = (0..1000).filter(|_| window.admit(start).is_some()).count();
        assert_eq!(recorded, limits::ADMIN_DENIALS as usize);
        assert_eq!(window.admit(start + WINDOW), Some(1000 - u64::from(limits::ADMIN_DENIALS)));
        assert_eq!(window.admit(start + WINDOW), Some(0));
    }
}
