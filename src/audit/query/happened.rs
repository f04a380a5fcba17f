//! What a period's events say beside its decisions: which policies were in force and who changed them, tunnels that
//! passed unopened, upstreams that failed.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::audit::query::facts::Facts;
use crate::audit::record::Kind;
use crate::limits;

/// The name under which the hosts of all self-tests stand: each test has one of its own.
pub(super) const SELF_TESTS: &str = "(self-tests)";

/// A host as a report names it.
pub(super) fn host_of(host: &str) -> &str {
    if host.ends_with(".selftest.invalid") { SELF_TESTS } else { host }
}

/// Where a policy was in force, as the decisions under it tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InForce {
    pub first: (u64, String),
    pub last: (u64, String),
    pub messages: u64,
}

/// What tunnels that nobody opened came to, for a host and a reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unopened {
    pub ends: u64,
    pub seen: u64,
    pub uninspected: u64,
}

/// One event: record, time, what happened, by whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub seq: u64,
    pub time: String,
    pub what: String,
    pub actor: String,
}

/// Title, head, rows.
pub(super) type Table = (&'static str, &'static [&'static str], Vec<Vec<String>>);

#[derive(Clone, Debug, Default)]
pub struct Happened {
    /// By the policy's hash as records have it.
    pub policies: BTreeMap<String, InForce>,
    /// By host and reason.
    pub tunnels: BTreeMap<(String, String), Unopened>,
    /// By host and reason: how often.
    pub failed: BTreeMap<(String, String), u64>,
    pub changes: Vec<Change>,
    /// Changes beyond those that are named.
    pub more_changes: u64,
}

impl Happened {
    /// What a message says besides its findings.
    pub(super) fn message(&mut self, facts: &Facts<'_>) {
        self.decided(facts);
        let is_end = &*facts.kind == Kind::End.as_str();
        let host = facts.destination.as_ref().and_then(|destination| destination.host.as_deref());
        let http = facts.http.as_ref();
        let failed = match http.and_then(|http| http.status) {
            // A request has a status where the gate itself answered it.
            Some(502 | 504) if facts.direction.as_deref() == Some("request") => true,
            Some(500..) => is_end,
            Some(_) | None => false,
        };
        let reason = facts.reason.as_deref().unwrap_or("no reason given");
        let host = host_of(host.unwrap_or("(unknown)")).to_owned();
        if failed {
            if let Some(count) = place(&mut self.failed, (host, reason.to_owned())) {
                *count += 1;
            }
            return;
        }
        let is_tunnel = http.and_then(|http| http.method.as_deref()) == Some("CONNECT");
        let Some(bytes) = facts.bytes.as_ref().filter(|_| is_end && is_tunnel) else { return };
        let because: Vec<&str> = bytes.uninspected.iter().map(|part| &*part.reason).collect();
        let why =
            if because.is_empty() { reason.to_owned() } else { format!("{}: {reason}", because.join(", ")) };
        if let Some(sum) = place(&mut self.tunnels, (host, why)) {
            sum.ends += 1;
            sum.seen += bytes.seen;
            sum.uninspected += bytes.uninspected.iter().map(|part| part.bytes).sum::<u64>();
        }
    }

    /// A message was judged under its policy.
    fn decided(&mut self, facts: &Facts<'_>) {
        let Some(hash) = facts.policy.as_ref().and_then(|policy| policy.hash.as_deref()) else { return };
        let at = || (facts.seq, facts.time.to_string());
        if !self.policies.contains_key(hash) {
            if self.policies.len() >= limits::REPORT_NAMES {
                return;
            }
            let begun = InForce { first: at(), last: at(), messages: 0 };
            self.policies.insert(hash.to_owned(), begun);
        }
        if let Some(policy) = self.policies.get_mut(hash) {
            // What waited for an end that did not come is told last.
            if facts.seq < policy.first.0 {
                policy.first = at();
            } else if facts.seq > policy.last.0 {
                policy.last = at();
            }
            policy.messages += 1;
        }
    }

    /// Starts, stops, reloads, overlays, holds, packs.
    pub(super) fn event(&mut self, facts: &Facts<'_>, line: &[u8]) {
        let kinds = [Kind::Start, Kind::Stop, Kind::Recovered, Kind::Config, Kind::Pack, Kind::Admin];
        if !kinds.iter().any(|kind| kind.as_str() == &*facts.kind) {
            return;
        }
        if self.changes.len() >= limits::REPORT_CHANGES {
            self.more_changes += 1;
            return;
        }
        let Ok(event) = serde_json::from_slice::<Value>(line) else { return };
        let actor = event.get("actor").map(shown).unwrap_or_default();
        let mut words = vec![facts.kind.to_string()];
        for (key, value) in event.as_object().into_iter().flatten().filter(|(key, _)| !is_known(key)) {
            let text = if key == "packs" { packs(value) } else { shown(value) };
            if !text.is_empty() {
                words.push(format!("{key} {text}"));
            }
        }
        let mut what = words.join("; ");
        if what.chars().count() > limits::REPORT_TEXT {
            what = what.chars().take(limits::REPORT_TEXT).chain(['…']).collect();
        }
        self.changes.push(Change { seq: facts.seq, time: facts.time.to_string(), what, actor });
    }

    /// The tables of a report.
    pub(super) fn tables(&self) -> [Table; 4] {
        let policy = |(hash, at): (&String, &InForce)| {
            let end = |(seq, time): &(u64, String)| format!("{seq}, {time}");
            vec![hash.clone(), end(&at.first), end(&at.last), at.messages.to_string()]
        };
        let tunnel = |((host, why), sum): (&(String, String), &Unopened)| {
            let numbers = [sum.ends, sum.seen, sum.uninspected].map(|number| number.to_string());
            [host.clone(), why.clone()].into_iter().chain(numbers).collect()
        };
        let failed = |((host, why), count): (&(String, String), &u64)| {
            vec![host.clone(), why.clone(), count.to_string()]
        };
        let mut changes: Vec<Vec<String>> = self
            .changes
            .iter()
            .map(|change| {
                vec![change.seq.to_string(), change.time.clone(), change.what.clone(), change.actor.clone()]
            })
            .collect();
        if self.more_changes > 0 {
            let more = format!("and {} more", self.more_changes);
            changes.push(vec![String::new(), String::new(), more, String::new()]);
        }
        // Where most went unread, and what failed most, goes first.
        let (mut tunnels, mut upstreams): (Vec<_>, Vec<_>) =
            (self.tunnels.iter().collect(), self.failed.iter().collect());
        tunnels.sort_by_key(|(_, sum)| Reverse(sum.uninspected));
        upstreams.sort_by_key(|(_, count)| Reverse(**count));
        [
            (
                "Policies in force",
                &["policy", "first decision", "last decision", "messages"],
                cut(self.policies.iter().map(policy)),
            ),
            ("Starts, stops and changes", &["record", "time", "what", "by"], changes),
            (
                "Tunnels that were not opened",
                &["destination", "because", "records", "bytes seen", "bytes not inspected"],
                cut(tunnels.into_iter().map(tunnel)),
            ),
            (
                "Upstreams that failed",
                &["destination", "why", "flows"],
                cut(upstreams.into_iter().map(failed)),
            ),
        ]
    }

    pub(super) fn to_json(&self) -> Value {
        let policy = |(hash, at): (&String, &InForce)| {
            json!({
                "hash": hash, "first": at.first.0, "from": at.first.1, "last": at.last.0, "to": at.last.1,
                "messages": at.messages,
            })
        };
        let tunnel = |((host, why), sum): (&(String, String), &Unopened)| {
            json!({
                "destination": host, "because": why, "records": sum.ends, "seen": sum.seen,
                "uninspected": sum.uninspected,
            })
        };
        let failed = |((host, why), count): (&(String, String), &u64)| json!({ "destination": host, "why": why, "flows": count });
        let change = |change: &Change| json!({ "seq": change.seq, "time": change.time, "what": change.what, "by": change.actor });
        json!({
            "policies": self.policies.iter().map(policy).collect::<Value>(),
            "changes": self.changes.iter().map(change).collect::<Value>(),
            "more_changes": self.more_changes,
            "unopened": self.tunnels.iter().map(tunnel).collect::<Value>(),
            "failed": self.failed.iter().map(failed).collect::<Value>(),
        })
    }
}

/// As many rows as a table shows, and how many there are besides.
fn cut(rows: impl ExactSizeIterator<Item = Vec<String>>) -> Vec<Vec<String>> {
    let more = rows.len().saturating_sub(limits::REPORT_ROWS);
    let mut rows: Vec<_> = rows.take(limits::REPORT_ROWS).collect();
    if let Some(width) = rows.first().map(Vec::len).filter(|_| more > 0) {
        let said = std::iter::once(format!("and {more} more"));
        rows.push(said.chain(std::iter::repeat_n(String::new(), width.saturating_sub(1))).collect());
    }
    rows
}

/// The sum of a name; names come from clients, so their number is bounded, and the rest share one.
fn place<T: Default>(sums: &mut BTreeMap<(String, String), T>, key: (String, String)) -> Option<&mut T> {
    let is_named = sums.len() < limits::REPORT_NAMES || sums.contains_key(&key);
    let key = if is_named { key } else { ("(others)".to_owned(), String::new()) };
    Some(sums.entry(key).or_default())
}

/// What every record has, or what stands elsewhere in the report.
fn is_known(key: &str) -> bool {
    ["seq", "time", "node", "boot", "prev", "kind", "actor", "log", "public_key", "key", "samples"]
        .contains(&key)
}

fn packs(packs: &Value) -> String {
    let one = |pack: &Value| {
        let text = |key: &str| pack.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        format!("{}@{}", text("name"), text("version"))
    };
    packs.as_array().into_iter().flatten().map(one).collect::<Vec<_>>().join(", ")
}

/// A value in few words; hashes by their beginning.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) if text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit()) => {
            text.chars().take(16).collect()
        }
        Value::String(text) => text.clone(),
        Value::Array(list) => list.iter().map(shown).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}
