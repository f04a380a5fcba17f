//! Overlays as they are written: asked for, listed, kept in a file.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::limits;
use crate::policy::{Effect, Limit, OverlayFault, OverlaySpec};

/// What a client of the API asks for.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Asked {
    effect: String,
    /// Must be said when nothing narrows the overlay down.
    everything: bool,
    pub(super) destinations: Vec<String>,
    pub(super) clients: Vec<String>,
    tenants: Vec<String>,
    pub(super) identifiers: Vec<String>,
    bytes_per_second: Option<u64>,
    requests_per_minute: Option<u64>,
    owner: Option<String>,
    reason: Option<String>,
    /// `30m`, `4h`; or `expires`.
    ttl: Option<String>,
    expires: Option<Timestamp>,
}

impl Asked {
    /// Hosts are as they were written. All complaints at once.
    pub(super) fn judge(
        self,
        id: Arc<str>,
        actor: String,
        now_ms: u64,
    ) -> Result<OverlaySpec, Vec<OverlayFault>> {
        let mut faults = Vec::new();
        let mut complain = |key: &'static str, message: String| faults.push(OverlayFault { key, message });
        let effect = self.effect(&mut complain);
        let expires_ms = self.expires_ms(now_ms, &mut complain);
        let loosens = effect.is_some_and(Effect::loosens);
        if loosens {
            let longest = now_ms.saturating_add(ms(limits::OVERLAY_LOOSENS));
            if expires_ms.is_none_or(|expires| expires > longest) {
                complain(
                    "ttl",
                    "what loosens holds for at most 24 hours; expected `ttl` or `expires`".into(),
                );
            }
            for (key, text) in [("owner", &self.owner), ("reason", &self.reason)] {
                if text.as_deref().is_none_or(|text| text.trim().is_empty()) {
                    complain(key, format!("what loosens needs `{key}`: who answers for it, and why"));
                }
            }
        }
        let lists = [&self.destinations, &self.clients, &self.tenants, &self.identifiers];
        let is_narrow = lists.iter().any(|list| !list.is_empty());
        if !is_narrow && !self.everything {
            complain("everything", "nothing is named; to mean all traffic say `\"everything\": true`".into());
        }
        if is_narrow && self.everything {
            complain("everything", "everything is more than what is named".into());
        }
        for (key, text) in [("owner", &self.owner), ("reason", &self.reason)] {
            if text.as_ref().is_some_and(|text| text.chars().count() > limits::OVERLAY_TEXT) {
                complain(key, format!("is longer than {} characters", limits::OVERLAY_TEXT));
            }
        }
        if lists.iter().any(|list| list.len() > limits::OVERLAY_WORDS) {
            complain("destinations", format!("a list holds at most {} words", limits::OVERLAY_WORDS));
        }
        match effect {
            Some(effect) if faults.is_empty() => Ok(OverlaySpec {
                id,
                effect,
                destinations: self.destinations,
                clients: self.clients,
                tenants: self.tenants,
                identifiers: self.identifiers,
                actor,
                owner: self.owner,
                reason: self.reason,
                since_ms: now_ms,
                expires_ms,
            }),
            Some(_) | None => Err(faults),
        }
    }

    fn effect(&self, complain: &mut dyn FnMut(&'static str, String)) -> Option<Effect> {
        let limit = limit(self.bytes_per_second, self.requests_per_minute);
        let effect = effect(&self.effect, limit);
        if effect.is_none() {
            let throttle = self.effect == "throttle";
            let (key, why) = match throttle {
                true => (
                    "bytes_per_second",
                    "a throttle needs either `bytes_per_second` or `requests_per_minute`, at least 1",
                ),
                false => ("effect", "expected block, throttle, allow or observe"),
            };
            complain(key, why.to_owned());
        } else if self.effect != "throttle"
            && (self.bytes_per_second.is_some() || self.requests_per_minute.is_some())
        {
            complain("bytes_per_second", "only a throttle has a rate".to_owned());
        }
        effect
    }

    fn expires_ms(&self, now_ms: u64, complain: &mut dyn FnMut(&'static str, String)) -> Option<u64> {
        if self.ttl.is_some() && self.expires.is_some() {
            complain("ttl", "expected either `ttl` or `expires`".to_owned());
        }
        let expires = match (&self.ttl, self.expires) {
            (Some(ttl), _) => match duration(ttl) {
                Some(ttl) => now_ms.saturating_add(ms(ttl)),
                None => {
                    complain("ttl", "expected a time such as `30m` or `4h`".to_owned());
                    return None;
                }
            },
            (None, Some(expires)) => u64::try_from(expires.as_millisecond()).unwrap_or_default(),
            (None, None) => return None,
        };
        if expires <= now_ms {
            complain("expires", "is over already".to_owned());
        }
        Some(expires)
    }
}

/// The one limit that is given, if it lets anything through.
fn limit(bytes_per_second: Option<u64>, requests_per_minute: Option<u64>) -> Option<Limit> {
    match (bytes_per_second, requests_per_minute) {
        (Some(bytes @ 1..), None) => Some(Limit::BytesPerSecond(bytes)),
        (None, Some(requests @ 1..)) => Some(Limit::RequestsPerMinute(requests)),
        (_, _) => None,
    }
}

fn effect(word: &str, limit: Option<Limit>) -> Option<Effect> {
    let all = [Some(Effect::Block), limit.map(Effect::Throttle), Some(Effect::Allow), Some(Effect::Observe)];
    all.into_iter().flatten().find(|effect| effect.as_str() == word)
}

/// An overlay as it is listed and kept.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Stored {
    id: String,
    effect: String,
    destinations: Vec<String>,
    clients: Vec<String>,
    tenants: Vec<String>,
    identifiers: Vec<String>,
    bytes_per_second: Option<u64>,
    requests_per_minute: Option<u64>,
    actor: String,
    owner: Option<String>,
    reason: Option<String>,
    since: Timestamp,
    expires: Option<Timestamp>,
}

impl Stored {
    pub(super) fn of(spec: &OverlaySpec) -> Stored {
        let (bytes_per_second, requests_per_minute) = match spec.effect {
            Effect::Throttle(Limit::BytesPerSecond(rate)) => (Some(rate), None),
            Effect::Throttle(Limit::RequestsPerMinute(rate)) => (None, Some(rate)),
            Effect::Block | Effect::Allow | Effect::Observe => (None, None),
        };
        Stored {
            id: spec.id.to_string(),
            effect: spec.effect.as_str().to_owned(),
            destinations: spec.destinations.clone(),
            clients: spec.clients.clone(),
            tenants: spec.tenants.clone(),
            identifiers: spec.identifiers.clone(),
            bytes_per_second,
            requests_per_minute,
            actor: spec.actor.clone(),
            owner: spec.owner.clone(),
            reason: spec.reason.clone(),
            since: timestamp(spec.since_ms),
            expires: spec.expires_ms.map(timestamp),
        }
    }

    pub(super) fn spec(self) -> Option<OverlaySpec> {
        let at = |time: Timestamp| u64::try_from(time.as_millisecond()).unwrap_or_default();
        Some(OverlaySpec {
            effect: effect(&self.effect, limit(self.bytes_per_second, self.requests_per_minute))?,
            id: self.id.into(),
            destinations: self.destinations,
            clients: self.clients,
            tenants: self.tenants,
            identifiers: self.identifiers,
            actor: self.actor,
            owner: self.owner,
            reason: self.reason,
            since_ms: at(self.since),
            expires_ms: self.expires.map(at),
        })
    }
}

/// An overlay for people and programs.
pub(super) fn shown(spec: &OverlaySpec) -> Value {
    // Strings, numbers and times always serialise.
    serde_json::to_value(Stored::of(spec)).unwrap_or_default()
}

/// What the record of a change says of an overlay; every text is passed through `cleanse`.
pub(super) fn recorded(
    spec: &OverlaySpec,
    action: &'static str,
    cleanse: &dyn Fn(&str) -> String,
) -> Map<String, Value> {
    let clean = |words: &[String]| words.iter().map(|word| cleanse(word)).collect::<Vec<_>>();
    let stored = Stored::of(spec);
    let record = json!({
        "action": action,
        "overlay": stored.id,
        "effect": stored.effect,
        "scope": {
            "destinations": clean(&stored.destinations),
            "clients": clean(&stored.clients),
            "tenants": clean(&stored.tenants),
            "identifiers": clean(&stored.identifiers),
        },
        "bytes_per_second": stored.bytes_per_second,
        "requests_per_minute": stored.requests_per_minute,
        "owner": stored.owner,
        "reason": stored.reason,
        "since": stored.since,
        "expires": stored.expires,
    });
    match record {
        Value::Object(record) => record,
        other => Map::from_iter([("detail".to_owned(), other)]),
    }
}

/// What a change lets pass that would have been stopped; `ends`: the overlay goes.
pub(super) fn weakens(spec: &OverlaySpec, ends: bool) -> Option<String> {
    let whom = match (spec.destinations.as_slice(), spec.clients.as_slice()) {
        ([], []) => "everywhere".to_owned(),
        (to, []) => format!("to {}", to.join(", ")),
        ([], from) => format!("from {}", from.join(", ")),
        (to, from) => format!("from {} to {}", from.join(", "), to.join(", ")),
    };
    match (spec.effect, ends) {
        (Effect::Block | Effect::Throttle(_), false) | (Effect::Allow | Effect::Observe, true) => None,
        (Effect::Block, true) => {
            Some(format!("what it blocked {whom} passes again where the policy lets it"))
        }
        (Effect::Throttle(_), true) => Some(format!("what passes {whom} is not slowed any longer")),
        (Effect::Allow, false) if spec.identifiers.is_empty() => {
            Some(format!("nothing is stopped {whom}, whatever it holds"))
        }
        (Effect::Allow, false) => Some(format!("{} may leave {whom}", spec.identifiers.join(", "))),
        (Effect::Observe, false) => Some(format!("rules are recorded and not enforced {whom}")),
    }
}

fn timestamp(ms: u64) -> Timestamp {
    let ms = i64::try_from(ms).unwrap_or(i64::MAX);
    Timestamp::from_millisecond(ms).unwrap_or(Timestamp::MAX)
}

fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// `90s`, `30m`, `4h`, `7d`.
fn duration(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(seconds).map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_700_000_000_000;

    fn judge(text: &str) -> Result<OverlaySpec, Vec<&'static str>> {
        let asked: Asked = serde_json::from_str(text).unwrap();
        let judged = asked.judge("o".into(), "alice".into(), NOW);
        judged.map_err(|faults| faults.iter().map(|fault| fault.key).collect())
    }

    #[test]
    fn what_tightens_is_free_and_what_loosens_is_bound() {
        let cases: [(&str, &[&str]); 15] = [
            (r#"{"effect":"block","destinations":["a.example"]}"#, &[]),
            (r#"{"effect":"block","everything":true}"#, &[]),
            (r#"{"effect":"block"}"#, &["everything"]),
            (r#"{"effect":"block","everything":true,"clients":["apps"]}"#, &["everything"]),
            (r#"{"effect":"stop","everything":true}"#, &["effect"]),
            (r#"{"effect":"throttle","everything":true,"bytes_per_second":1}"#, &[]),
            (r#"{"effect":"throttle","everything":true,"requests_per_minute":0}"#, &["bytes_per_second"]),
            (r#"{"effect":"block","everything":true,"bytes_per_second":1}"#, &["bytes_per_second"]),
            (r#"{"effect":"block","everything":true,"ttl":"x"}"#, &["ttl"]),
            (r#"{"effect":"block","everything":true,"expires":"2001-01-01T00:00:00Z"}"#, &["expires"]),
            (r#"{"effect":"allow","destinations":["a.example"]}"#, &["ttl", "owner", "reason"]),
            (r#"{"effect":"allow","destinations":["a"],"owner":"o","reason":"r","ttl":"25h"}"#, &["ttl"]),
            (r#"{"effect":"allow","destinations":["a"],"owner":"o","reason":" ","ttl":"24h"}"#, &["reason"]),
            (r#"{"effect":"allow","destinations":["a"],"owner":"o","reason":"r","ttl":"24h"}"#, &[]),
            (r#"{"effect":"observe","everything":true,"owner":"o","reason":"r","ttl":"90s"}"#, &[]),
        ];
        for (text, expected) in cases {
            assert_eq!(judge(text).err().unwrap_or_default(), expected, "{text}");
        }
        assert!(serde_json::from_str::<Asked>(r#"{"efect":"block"}"#).is_err());
    }

    #[test]
    fn what_is_kept_is_read_back_as_it_was() {
        let text = r#"{"effect":"throttle","destinations":["a.example"],"clients":["10.0.0.0/8"],"tenants":["t"],
            "requests_per_minute":7,"owner":"o","reason":"r","ttl":"7d"}"#;
        let spec = judge(text).unwrap();
        let stored: Stored = serde_json::from_value(shown(&spec)).unwrap();
        assert_eq!(stored.spec(), Some(spec.clone()));
        assert_eq!(spec.expires_ms, Some(NOW + 7 * 86_400_000));
    }

    #[test]
    fn a_record_says_what_a_change_weakens() {
        let block = judge(r#"{"effect":"block","destinations":["a.example"],"clients":["apps"]}"#).unwrap();
        assert_eq!(weakens(&block, false), None);
        let ends = weakens(&block, true).unwrap();
        assert_eq!(ends, "what it blocked from apps to a.example passes again where the policy lets it");
        let allow = r#"{"effect":"allow","destinations":["a"],"identifiers":["payment.*"],"owner":"o","reason":"r","ttl":"1h"}"#;
        let allow = judge(allow).unwrap();
        assert_eq!(weakens(&allow, false).as_deref(), Some("payment.* may leave to a"));
        assert_eq!(weakens(&allow, true), None);
        let record = recorded(&block, "overlay.add", &|text| text.replace('a', "*"));
        assert_eq!(record["scope"]["destinations"], json!(["*.ex*mple"]));
    }
}
