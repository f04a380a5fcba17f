//! Controls that do not work as they should, as intervals on record: one when it begins, one when it ends.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::audit::{Audit, Draft, Kind};
use crate::config::Config;
use crate::limits;
use crate::policy::{Action, Mode, Opaque};

/// What is not as it should be, and since when.
pub(super) struct Controls {
    audit: Audit,
    open: Mutex<BTreeMap<(&'static str, String), Timestamp>>,
    clock: Mutex<Clock>,
}

impl Controls {
    pub(super) fn new(audit: Audit) -> Controls {
        Controls {
            audit,
            open: Mutex::default(),
            clock: Mutex::new(Clock::new(Instant::now(), SystemTime::now())),
        }
    }

    /// The causes for which `control` does not work now: new ones begin, those that are gone end.
    pub(super) fn set(&self, control: &'static str, causes: Vec<String>) {
        let now = Timestamp::now();
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        for cause in &causes {
            if let Entry::Vacant(entry) = open.entry((control, cause.clone())) {
                entry.insert(now);
                self.tell(control, cause, now, None);
            }
        }
        let ended: Vec<_> =
            open.keys().filter(|(of, cause)| *of == control && !causes.contains(cause)).cloned().collect();
        for key in ended {
            if let Some(from) = open.remove(&key) {
                self.tell(control, &key.1, from, Some(now));
            }
        }
    }

    /// Whether the wall clock was set since the last look. Records keep their order whatever it says.
    pub(super) fn look_at_clock(&self) {
        let mut clock = self.clock.lock().unwrap_or_else(PoisonError::into_inner);
        let before = clock.wall;
        if let Some(step) = clock.step(Instant::now(), SystemTime::now()) {
            let from = Timestamp::try_from(before).unwrap_or(Timestamp::UNIX_EPOCH);
            tracing::warn!("{step}");
            self.tell("clock", &step, from, Some(Timestamp::now()));
        }
    }

    fn tell(&self, control: &str, cause: &str, from: Timestamp, until: Option<Timestamp>) {
        let detail = json!({
            "control": control,
            "cause": cause,
            "from": format!("{from:.6}"),
            "until": until.map(|until| format!("{until:.6}")),
        });
        let detail = match detail {
            Value::Object(detail) => detail,
            other => Map::from_iter([("detail".to_owned(), other)]),
        };
        // Written whether or not the answer is awaited.
        drop(self.audit.submit(Draft::Event { kind: Kind::ControlFailure, detail }));
    }
}

/// What in a configuration lets pass what it would otherwise stop.
pub(super) fn weakened(config: &Config) -> Vec<String> {
    let mut causes = Vec::new();
    match config.policy.mode {
        Mode::Observe => causes.push("mode is observe: nothing is stopped".to_owned()),
        Mode::Enforce => {}
    }
    match config.inspect.undecodable {
        Action::Allow => causes.push("inspect.undecodable is allow: what cannot be read passes".to_owned()),
        Action::Alert | Action::Redact | Action::Block => {}
    }
    match config.interceptions.opaque {
        Opaque::Allow => {
            causes.push("inspect.opaque is allow: what is neither TLS nor HTTP passes".to_owned())
        }
        Opaque::Block | Opaque::Inspect => {}
    }
    causes
}

/// The wall clock beside one that cannot be set.
struct Clock {
    steady: Instant,
    wall: SystemTime,
}

impl Clock {
    fn new(steady: Instant, wall: SystemTime) -> Clock {
        Clock { steady, wall }
    }

    /// By how much the wall clock was set, in words.
    fn step(&mut self, steady: Instant, wall: SystemTime) -> Option<String> {
        let expected = self.wall + steady.duration_since(self.steady);
        *self = Clock { steady, wall };
        let (way, by) = match wall.duration_since(expected) {
            Ok(by) => ("forward", by),
            Err(error) => ("back", error.duration()),
        };
        let shown = |by: Duration| format!("the clock was set {way} by {:.1} s", by.as_secs_f64());
        (by >= limits::CLOCK_STEP).then(|| shown(by))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_setting_that_lets_pass_is_named() {
        let causes = |text: &str| {
            let config = crate::config::read_text("t.toml", text, std::path::Path::new("/")).unwrap();
            weakened(&config).join("; ")
        };
        assert_eq!(causes(""), "");
        for (text, word) in [
            ("mode = \"observe\"", "mode is observe"),
            ("[inspect]\nundecodable = \"allow\"", "inspect.undecodable"),
            ("[inspect]\nopaque = \"allow\"", "inspect.opaque"),
        ] {
            assert!(causes(text).contains(word), "{text}");
        }
        assert_eq!(causes("[inspect]\nopaque = \"inspect\""), "");
    }

    #[test]
    fn a_step_of_the_clock_is_seen_and_drift_is_not() {
        let (steady, wall) = (Instant::now(), SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000));
        let mut clock = Clock::new(steady, wall);
        let at = |seconds: u64| steady + Duration::from_secs(seconds);
        let shows = |seconds: u64| wall + Duration::from_secs(seconds);
        assert_eq!(clock.step(at(10), shows(11)), None);
        assert_eq!(clock.step(at(20), shows(81)).as_deref(), Some("the clock was set forward by 60.0 s"));
        assert_eq!(clock.step(at(30), shows(91)), None);
        assert_eq!(clock.step(at(40), shows(71)).as_deref(), Some("the clock was set back by 30.0 s"));
    }
}
