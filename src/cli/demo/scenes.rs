//! What the demo shows: requests, and what is promised of each.

use std::io::Write;

use http::StatusCode;
use serde_json::Value;

use super::client::{Client, Reply};
use super::origin::{Origin, Received};
use super::records::Record;
use crate::cli::{Failure, Output};
use crate::policy::{Action, Disclosure};

pub(super) struct Scene {
    title: &'static str,
    pub(super) host: &'static str,
    pub(super) path: &'static str,
    pub(super) body: &'static str,
    promise: Promise,
}

enum Promise {
    /// The origin receives every byte as it was sent; what was found is recorded.
    Untouched { action: Action, disclosure: Disclosure },
    /// The origin receives JSON of the same length without `hidden`.
    Redacted { hidden: &'static str },
    /// The client gets the reason, the origin not a byte.
    Blocked,
}

const CARD: &str = r#"{"name":"Ann Example","card":"4539 1488 0343 6467"}"#;

/// Numbers are published samples; nobody's.
pub(super) const SCENES: &[Scene] = &[
    Scene {
        title: "A clean event to an analytics vendor",
        host: "collect.analytics.example",
        path: "/v1/events",
        body: r#"{"event":"checkout","order":"A-1001","total":"12.50"}"#,
        promise: Promise::Untouched { action: Action::Allow, disclosure: Disclosure::None },
    },
    Scene {
        title: "A social security number in a support ticket",
        host: "tickets.crm.example",
        path: "/tickets",
        body: r#"{"from":"Ann Example","ssn":"536-22-8145","text":"please update"}"#,
        promise: Promise::Redacted { hidden: "536-22-8145" },
    },
    Scene {
        title: "A card number to the analytics vendor",
        host: "collect.analytics.example",
        path: "/v1/checkout",
        body: CARD,
        promise: Promise::Blocked,
    },
    Scene {
        title: "The same card number to a payment processor",
        host: "api.stripe.com",
        path: "/v1/tokens",
        body: CARD,
        promise: Promise::Untouched { action: Action::Allow, disclosure: Disclosure::Disclosed },
    },
];

impl Scene {
    /// Sends the request, shows what became of it and returns what was not as promised.
    pub(super) async fn play(
        &self,
        number: usize,
        client: &Client,
        origin: &Origin,
        output: &mut Output,
    ) -> Result<Vec<String>, Failure> {
        writeln!(output, "{number}. {}", self.title)?;
        writeln!(output, "   POST https://{}{}  {}", self.host, self.path, self.body)?;
        origin.take();
        let reply = client.send(self).await?;
        let received = origin.take();
        writeln!(output, "   client   {}", shown(&reply))?;
        match received.first() {
            Some(Received { body: Some(body), .. }) => {
                let same = if **body == *self.body.as_bytes() { " (every byte as sent)" } else { "" };
                writeln!(output, "   origin   {}{same}\n", String::from_utf8_lossy(body))?;
            }
            Some(Received { body: None, .. }) => writeln!(output, "   origin   a request that broke off\n")?,
            None => writeln!(output, "   origin   nothing\n")?,
        }
        let faults = self.faults(&reply, &received);
        Ok(faults.into_iter().map(|fault| format!("scene {number}: {fault}")).collect())
    }

    fn faults(&self, reply: &Reply, received: &[Received]) -> Vec<&'static str> {
        let mut checks = Vec::new();
        let arrived = match received {
            [Received { host, body: Some(body) }] if host == self.host => Some(body),
            _ => None,
        };
        match self.promise {
            Promise::Untouched { .. } => {
                checks.push((reply.status == StatusCode::OK, "the client did not get the origin's answer"));
                let same = arrived.is_some_and(|body| **body == *self.body.as_bytes());
                checks.push((same, "the origin did not receive exactly what was sent"));
            }
            Promise::Redacted { hidden } => {
                checks.push((reply.status == StatusCode::OK, "the client did not get the origin's answer"));
                let text = arrived.map(|body| String::from_utf8_lossy(body)).unwrap_or_default();
                checks.push((text.len() == self.body.len(), "the length changed, or nothing arrived"));
                checks.push((!text.contains(hidden), "the value arrived unmasked"));
                checks.push((serde_json::from_str::<Value>(&text).is_ok(), "what arrived is not JSON"));
                let told = reply.headers.get("tidegate-redacted").is_some_and(|count| count == "1");
                checks.push((told, "the client was not told of the redaction"));
            }
            Promise::Blocked => {
                checks.push((reply.status == StatusCode::FORBIDDEN, "the client did not get 403"));
                checks.push((received.is_empty(), "the origin received something"));
                let reason = serde_json::from_slice::<Value>(&reply.body).unwrap_or_default();
                let named =
                    reason.get("identifiers").is_some_and(|ids| ids.to_string().contains("payment.pan"));
                checks.push((named, "the reply does not say what was found"));
                let leaked = String::from_utf8_lossy(&reply.body).contains("6467");
                checks.push((!leaked, "the reply repeats the value"));
            }
        }
        checks.into_iter().filter(|(kept, _)| !kept).map(|(_, fault)| fault).collect()
    }

    /// Says so when no record tells what this scene promised.
    pub(super) fn unrecorded(&self, records: &[Record]) -> Option<String> {
        let (action, disclosure) = match self.promise {
            Promise::Untouched { action, disclosure } => (action, disclosure),
            Promise::Redacted { .. } => (Action::Redact, Disclosure::Redacted),
            Promise::Blocked => (Action::Block, Disclosure::Prevented),
        };
        let tells = |record: &Record| {
            record.text("/kind") == "decision"
                && record.text("/direction") == "request"
                && record.text("/destination/host") == self.host
                && record.text("/action") == action.as_str()
                && record.text("/disclosure") == disclosure.as_str()
        };
        let missing = !records.iter().any(tells);
        missing.then(|| {
            format!("no record says {} ({}) for {}", action.as_str(), disclosure.as_str(), self.host)
        })
    }
}

fn shown(reply: &Reply) -> String {
    let header = |name: &str| {
        let value = reply.headers.get(name).and_then(|value| value.to_str().ok());
        value.map_or_else(String::new, |value| format!("  {name}: {value}"))
    };
    let body = String::from_utf8_lossy(&reply.body);
    format!("{}{}\n            {}", reply.status, header("tidegate-redacted"), body.trim_end())
}
