//! The shape of one record: the contract's fields, in the contract's order.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

use crate::flow::{Direction, FlowId};
use crate::inspect::Decision;
use crate::policy::{Action, Mode};

/// Kinds of record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    Decision,
    Opening,
    End,
    Start,
    Stop,
    Heartbeat,
    Config,
    Pack,
    Admin,
    ControlTest,
    ControlFailure,
    Recovered,
    Checkpoint,
}

impl Kind {
    pub const ALL: [Kind; 13] = [
        Kind::Decision,
        Kind::Opening,
        Kind::End,
        Kind::Start,
        Kind::Stop,
        Kind::Heartbeat,
        Kind::Config,
        Kind::Pack,
        Kind::Admin,
        Kind::ControlTest,
        Kind::ControlFailure,
        Kind::Recovered,
        Kind::Checkpoint,
    ];

    /// The kind that a record names.
    #[must_use]
    pub fn from_word(word: &[u8]) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.as_str().as_bytes() == word)
    }

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Kind::Decision => "decision",
            Kind::Opening => "opening",
            Kind::End => "end",
            Kind::Start => "start",
            Kind::Stop => "stop",
            Kind::Heartbeat => "heartbeat",
            Kind::Config => "config",
            Kind::Pack => "pack",
            Kind::Admin => "admin",
            Kind::ControlTest => "control_test",
            Kind::ControlFailure => "control_failure",
            Kind::Recovered => "recovered",
            Kind::Checkpoint => "checkpoint",
        }
    }
}

/// What is known of a flow before any of its messages is judged. Shared by the records of both messages.
#[derive(Clone, Debug)]
pub struct FlowFacts {
    pub flow: FlowId,
    pub tenant: Arc<str>,
    pub listener: Arc<str>,
    pub client: IpAddr,
    pub client_identity: Option<Arc<str>>,
    /// The name of its certificate by which it was known; cleansed.
    pub client_certificate: Option<Arc<str>>,
    /// Cleansed.
    pub host: Arc<str>,
    pub port: u16,
    pub group: Option<Arc<str>>,
    /// `HTTP/1.1`, `HTTP/2`; `None` for tunnels.
    pub http: Option<&'static str>,
    /// `TLSv1.3`; `None` in clear text.
    pub tls_client: Option<&'static str>,
    /// Cleansed.
    pub method: Cow<'static, str>,
    /// Cleansed, without query, varying segments replaced.
    pub path_template: Arc<str>,
    /// Cleansed.
    pub traceparent: Option<String>,
}

/// What is known of the upstream connection once there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dialled {
    pub address: IpAddr,
    /// `TLSv1.3`; `None` in clear text.
    pub tls: Option<&'static str>,
    /// Its certificate was verified for the destination's name with ordinary trust.
    pub proven: bool,
}

/// The body of one record: all but `seq`, `time`, `node`, `boot` and `prev`, which the writer owns.
#[derive(Clone, Debug)]
pub enum Draft {
    /// A message of a flow was judged, opened or ended.
    Message(Box<MessageDraft>),
    /// Anything else: a kind and its own fields.
    Event { kind: Kind, detail: serde_json::Map<String, serde_json::Value> },
}

impl Draft {
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Draft::Message(message) => message.kind,
            Draft::Event { kind, .. } => *kind,
        }
    }
}

/// The record of one message.
#[derive(Clone, Debug)]
pub struct MessageDraft {
    pub kind: Kind,
    pub decision_id: FlowId,
    pub flow: Arc<FlowFacts>,
    /// `None` when nothing was dialled.
    pub dialled: Option<Dialled>,
    pub direction: Direction,
    pub mode: Mode,
    pub status: Option<u16>,
    /// Cleansed.
    pub content_type: Option<Arc<str>>,
    /// `None` for an opening record.
    pub decision: Option<Decision>,
    /// The action, when no inspector decided (refused framing, address, certificate).
    pub action: Action,
    /// Why, in a sentence; cleansed. E.g. `upstream certificate expired`.
    pub reason: Option<String>,
    /// The overlays that had a part in it.
    pub overlay: Option<Arc<str>>,
    pub policy_hash: Arc<str>,
    pub packs: Arc<PackStamps>,
    pub inspect_us: u64,
    pub hold_us: u64,
    /// More of the same message is to come: its end will tell all of it once more, under the same id.
    pub interim: bool,
    /// What interim records have told of it already.
    pub told: Option<Box<Decision>>,
}

/// Which pack a decision was made with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackStamp {
    pub name: String,
    pub version: String,
    pub hash: String,
}

/// The packs of a decision, spelled once for all its records: they are a third of a record's text.
#[derive(Clone, Debug)]
pub struct PackStamps {
    json: Box<[u8]>,
}

impl PackStamps {
    #[must_use]
    pub fn new(stamps: &[PackStamp]) -> PackStamps {
        PackStamps { json: super::encode::packs(stamps).into() }
    }

    pub(super) fn json(&self) -> &[u8] {
        &self.json
    }
}
