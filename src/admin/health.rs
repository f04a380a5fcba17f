//! Whether the gate may be sent traffic: named checks, each with its reason.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use arc_swap::ArcSwap;

use crate::audit::Audit;
use crate::inspect::Engine;
use crate::limits;
use crate::policy::{Board, Interceptions};

/// What readiness depends on.
#[derive(Debug)]
pub struct Health {
    audit: Audit,
    issuer_not_after: AtomicI64,
    draining: AtomicBool,
    engine: OnceLock<Arc<ArcSwap<Engine>>>,
    loaded: Mutex<Loaded>,
    witness: OnceLock<Asked>,
}

/// Says why the witness has not seen the newest heads of the trail.
struct Asked(Box<dyn Fn() -> Vec<String> + Send + Sync>);

impl fmt::Debug for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Asked")
    }
}

/// Which configuration is in force.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// Since when.
    pub since: SystemTime,
    /// Why the last reload was refused; `None`: the files are what is in force, as far as anybody has asked.
    pub refused: Option<String>,
}

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Good,
    /// Ready, but someone must act.
    Warning,
    Failed,
}

impl Level {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Level::Good => "ok",
            Level::Warning => "warning",
            Level::Failed => "failed",
        }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    pub name: &'static str,
    pub level: Level,
    pub detail: String,
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.level.as_str())?;
        if self.detail.is_empty() { Ok(()) } else { write!(f, " ({})", self.detail) }
    }
}

impl Health {
    /// `issuer_not_after` in seconds since the Unix epoch.
    #[must_use]
    pub fn new(audit: Audit, issuer_not_after: i64) -> Health {
        let issuer_not_after = AtomicI64::new(issuer_not_after);
        let loaded = Mutex::new(Loaded { since: SystemTime::now(), refused: None });
        let draining = AtomicBool::new(false);
        let (engine, witness) = (OnceLock::new(), OnceLock::new());
        Health { audit, issuer_not_after, draining, engine, loaded, witness }
    }

    /// A configuration has taken force, or was refused, and why.
    pub fn reloaded(&self, outcome: Result<(), String>) {
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        match outcome {
            Ok(()) => *loaded = Loaded { since: SystemTime::now(), refused: None },
            Err(why) => loaded.refused = Some(why),
        }
    }

    /// Which configuration is in force.
    #[must_use]
    pub fn loaded(&self) -> Loaded {
        self.loaded.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Another issuer is in force, until `not_after`.
    pub fn issuer(&self, not_after: i64) {
        self.issuer_not_after.store(not_after, Ordering::Relaxed);
    }

    /// Bypasses are watched from now on, as they stand when somebody asks.
    pub fn watch(&self, engine: Arc<ArcSwap<Engine>>) {
        self.engine.get_or_init(|| engine);
    }

    /// Who is asked from now on why the witness is behind.
    pub fn ask_witness(&self, behind: impl Fn() -> Vec<String> + Send + Sync + 'static) {
        self.witness.get_or_init(|| Asked(Box::new(behind)));
    }

    /// From now on the gate is not ready: it ends what it has begun.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// Looks at everything now.
    #[must_use]
    pub fn checks(&self) -> Vec<Check> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let now = i64::try_from(now).unwrap_or(i64::MAX);
        let behind = self.witness.get().map(|asked| (asked.0)().join("; ")).unwrap_or_default();
        let audit = match self.audit.is_writable() {
            true if !behind.is_empty() => Check { name: "audit", level: Level::Warning, detail: behind },
            true => Check { name: "audit", level: Level::Good, detail: String::new() },
            false => {
                let why = self.audit.stats().last_error.map_or_else(String::new, |why| format!(": {why}"));
                Check {
                    name: "audit",
                    level: Level::Failed,
                    detail: format!("records cannot be written{why}"),
                }
            }
        };
        let drain = match self.draining.load(Ordering::Relaxed) {
            false => Check { name: "drain", level: Level::Good, detail: String::new() },
            true => Check { name: "drain", level: Level::Failed, detail: "shutting down".to_owned() },
        };
        let mut checks = vec![audit, issuer(now, self.issuer_not_after.load(Ordering::Relaxed)), drain];
        checks.push(match self.loaded().refused {
            None => Check { name: "config", level: Level::Good, detail: String::new() },
            Some(why) => Check { name: "config", level: Level::Warning, detail: why },
        });
        if let Some(engine) = self.engine.get() {
            let engine = engine.load();
            checks.push(bypasses(now, &engine.interceptions));
            checks.push(overlays(&engine.overlays));
        }
        checks
    }
}

/// The issuer's validity at `now`, both in seconds since the Unix epoch.
fn issuer(now: i64, not_after: i64) -> Check {
    let left = not_after.saturating_sub(now);
    let days = left / 86_400;
    let warning = i64::try_from(limits::ISSUER_WARNING.as_secs()).unwrap_or(i64::MAX);
    let (level, detail) = match left {
        ..=0 => (Level::Failed, "expired".to_owned()),
        _ if left <= warning => (Level::Warning, format!("expires in {days} days")),
        _ => (Level::Good, format!("{days} days left")),
    };
    Check { name: "issuer", level, detail }
}

/// Bypasses that somebody should look at.
fn bypasses(now: i64, ways: &Interceptions) -> Check {
    let warnings = ways.terms(now).warnings(now);
    let level = if warnings.is_empty() { Level::Good } else { Level::Warning };
    Check { name: "bypass", level, detail: warnings.join("; ") }
}

/// Overlays that let more pass than the policy does.
fn overlays(board: &Board) -> Check {
    let all = board.overlays();
    let loosening = all.iter().map(|overlay| overlay.spec()).filter(|spec| spec.effect.loosens());
    let words: Vec<String> =
        loosening.map(|spec| format!("{} {}, by {}", spec.id, spec.effect.as_str(), spec.actor)).collect();
    match words.is_empty() {
        true => Check { name: "overlays", level: Level::Good, detail: format!("{} in force", all.len()) },
        false => Check { name: "overlays", level: Level::Warning, detail: words.join("; ") },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_near_its_end_warns_and_past_it_fails() {
        let day = 86_400;
        assert_eq!(issuer(0, 400 * day).to_string(), "issuer: ok (400 days left)");
        assert_eq!(issuer(0, 14 * day).to_string(), "issuer: warning (expires in 14 days)");
        assert_eq!(issuer(0, 14 * day + 1).level, Level::Good);
        assert_eq!(issuer(day, day).to_string(), "issuer: failed (expired)");
    }
}
