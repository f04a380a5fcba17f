//! Messages that began to leave and whose end is not on record: how much of them left, nobody can tell any more.

use std::collections::HashMap;

use memchr::memmem;
use serde_json::{Value, json};

use crate::audit::query::facts::Facts;
use crate::audit::record::Kind;
use crate::limits;

/// A message that began to leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Begun {
    /// Its opening.
    pub seq: u64,
    pub time: String,
    pub direction: String,
    /// Host and port.
    pub destination: String,
    pub client: String,
}

impl Begun {
    /// For programs.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "seq": self.seq, "time": self.time, "direction": self.direction, "destination": self.destination,
            "client": self.client, "left": "unknown",
        })
    }
}

/// Openings, and which of them came to no end.
#[derive(Clone, Debug, Default)]
pub struct Unended {
    /// Under way, by the message's id.
    open: HashMap<String, Begun>,
    /// Those whose gate died, in order, as many as are named.
    pub lost: Vec<Begun>,
    /// Those that are not named.
    pub more: u64,
}

impl Unended {
    /// Takes a message's opening.
    pub(in crate::audit) fn open(&mut self, line: &[u8]) {
        let Some(facts) = Facts::parse(line) else { return };
        let Some(id) = facts.decision.as_deref().filter(|_| self.open.len() < limits::REPORT_OPEN) else {
            return;
        };
        let destination = facts.destination.as_ref();
        let host = destination.and_then(|to| to.host.as_deref()).unwrap_or("(unknown)");
        let port = destination.map_or(0, |to| to.port);
        let client = facts.client.as_ref();
        let client = client.and_then(|client| client.identity.as_deref().or(client.address.as_deref()));
        let begun = Begun {
            seq: facts.seq,
            time: facts.time.to_string(),
            direction: facts.direction.as_deref().unwrap_or_default().to_owned(),
            destination: format!("{host}:{port}"),
            client: client.unwrap_or_default().to_owned(),
        };
        self.open.insert(id.to_owned(), begun);
    }

    /// Takes any other record: what ends a message, or the start of a gate, which goes on with none.
    pub(in crate::audit) fn go_on(&mut self, kind: Kind, line: &[u8]) {
        match kind {
            Kind::Decision | Kind::End if !self.open.is_empty() => {
                // In a text of the record every quote is escaped.
                if let Some(id) = id_of(line).filter(|_| memmem::find(line, b",\"interim\":true").is_none()) {
                    self.open.remove(id);
                }
            }
            Kind::Start => {
                let mut lost: Vec<_> = self.open.drain().map(|(_, begun)| begun).collect();
                lost.sort_by_key(|begun| begun.seq);
                let room = limits::REPORT_ROWS.saturating_sub(self.lost.len());
                self.more += lost.len().saturating_sub(room) as u64;
                self.lost.extend(lost.into_iter().take(room));
            }
            _ => {}
        }
    }

    /// How many were lost with their gate.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.lost.len() as u64 + self.more
    }

    /// How many have neither ended nor seen another start: under way, or lost with a gate that was not started again.
    #[must_use]
    pub fn under_way(&self) -> usize {
        self.open.len()
    }
}

/// The message that a record speaks of.
fn id_of(line: &[u8]) -> Option<&str> {
    const KEY: &[u8] = b",\"decision\":\"";
    let rest = line.get(memmem::find(line, KEY)? + KEY.len()..)?;
    std::str::from_utf8(rest.split(|b| *b == b'"').next()?).ok()
}
