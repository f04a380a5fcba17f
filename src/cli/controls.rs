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

    /// Something happened to `control` that is over.
    pub(super) fn happened(&self, control: &'static str, cause: &str) {
        let now = Timestamp::now();
        self.tell(control, cause, now, Some(now));
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
    fn causes_begin_once_and_end_and_a_step_is_on_record_between_two_looks() {
        let folder = tempfile::tempdir().unwrap();
        let key = crate::audit::generate_signing_key().unwrap();
        let config = crate::audit::AuditConfig::new(folder.path().join("audit"), "n".into());
        let (audit, writer) = Audit::open(config, &key).unwrap();
        let controls = Controls::new(audit);
        let causes = |causes: &[&str]| causes.iter().map(|cause| (*cause).to_owned()).collect();
        controls.set("policy", causes(&["a", "b"]));
        controls.set("policy", causes(&["b"]));
        controls.set("other", causes(&[]));
        controls.set("policy", causes(&["b"]));
        controls.set("policy", causes(&[]));
        controls.look_at_clock();
        controls.clock.lock().unwrap().wall -= Duration::from_secs(3600);
        controls.look_at_clock();
        drop(writer);
        let mut reader = crate::audit::Reader::open(&folder.path().join("audit")).unwrap();
        let mut told = Vec::new();
        while let Some(line) = reader.next_line().unwrap() {
            let record: Value = serde_json::from_slice(line).unwrap();
            if record["kind"] == "control_failure" {
                told.push(record);
            }
        }
        let word = |record: &Value, field: &str| record[field].as_str().unwrap_or("").to_owned();
        let shown: Vec<_> =
            told.iter().map(|record| (word(record, "cause"), record["until"].is_string())).collect();
        let ends = [("a", false), ("b", false), ("a", true), ("b", true)];
        let expected = ends.map(|(cause, ended)| (cause.to_owned(), ended));
        assert_eq!(shown[..4], expected);
        assert_eq!((&told[0]["from"], &told[1]["from"]), (&told[2]["from"], &told[3]["from"]));
        let (step, ended) = &shown[4];
        assert!(
            step.starts_with("the clock was set forward by 3600") && *ended && shown.len() == 5,
            "{shown:?}"
        );
        let time = |field: &str| word(&told[4], field).parse::<Timestamp>().unwrap();
        assert!(time("until").duration_since(time("from")).as_secs() >= 3600, "the step lies within");
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
