//! Findings to a decision.
//!
//! May import floors 0–1. Invariants: the strongest action wins (block > redact > alert > allow); an `allow` rule
//! is an exemption applied before anything is counted; a destination name counts only when it is proven.

mod compile;
mod hosts;
mod overlap;
mod scope;
mod selector;
mod suggest;
mod tally;

pub use compile::{Policy, RuleHit};
pub use overlap::Overlap;
pub use tally::{Counted, Tally};

use std::borrow::Cow;
use std::sync::Arc;

use crate::detect::Confidence;
use crate::flow::{ClientAddr, Destination, Direction};

/// What a rule does, weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Action {
    Allow,
    Alert,
    Redact,
    Block,
}

impl Action {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Action::Allow => "allow",
            Action::Alert => "alert",
            Action::Redact => "redact",
            Action::Block => "block",
        }
    }
}

/// Whether decisions bite or are only recorded. Weaker first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Mode {
    Observe,
    Enforce,
}

impl Mode {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Mode::Observe => "observe",
            Mode::Enforce => "enforce",
        }
    }
}

/// One `[[rule]]` as configured; words already parsed, references not yet resolved.
#[derive(Clone, Debug)]
pub struct RuleSpec {
    pub id: String,
    /// Identifier ids, `pack.*`, `*`, `tag:word`.
    pub identifiers: Vec<String>,
    pub action: Action,
    /// `None`: both.
    pub direction: Option<Direction>,
    /// Host patterns (`a.example`, `*.a.example`) or group names; empty: all.
    pub destinations: Vec<String>,
    pub except_destinations: Vec<String>,
    /// CIDRs, identities or listener names; empty: all.
    pub clients: Vec<String>,
    pub tenants: Vec<String>,
    pub methods: Vec<String>,
    /// Path prefixes.
    pub paths: Vec<String>,
    pub media_types: Vec<String>,
    /// `4xx`, `500`; response rules only.
    pub status: Vec<String>,
    /// `http`, `https`; empty: both.
    pub schemes: Vec<String>,
    /// Only findings of at least this confidence are counted.
    pub confidence: Confidence,
    /// Inclusive, distinct values.
    pub at_least: u32,
    /// `None`: inherit.
    pub mode: Option<Mode>,
}

/// What a policy is compiled from.
#[derive(Clone, Debug)]
pub struct PolicySpec {
    pub mode: Mode,
    /// Group name to host patterns.
    pub groups: Vec<(String, Vec<String>)>,
    pub rules: Vec<RuleSpec>,
    /// Destinations in no group.
    pub unlisted: Action,
    /// SHA-256 (hex) of the configuration that this came from; named in every record.
    pub hash: String,
}

/// One complaint about a [`PolicySpec`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyError {
    /// Index into `rules`; `None` for the rest of the specification.
    pub rule: Option<usize>,
    /// The key that is wrong: `identifiers`, `destinations`.
    pub key: &'static str,
    pub message: String,
}

/// What rules can look at: one message of a flow. Built by the proxy.
#[derive(Clone, Debug)]
pub struct Message {
    pub direction: Direction,
    pub destination: Destination,
    /// Whether nothing can leave but over a connection whose certificate was verified for this name
    /// with ordinary trust. Names of other destinations never earn an exemption.
    pub proven: bool,
    pub client: ClientAddr,
    pub identity: Option<Arc<str>>,
    pub listener: Arc<str>,
    pub tenant: Arc<str>,
    pub method: Cow<'static, str>,
    pub path: Arc<str>,
    pub media_type: Option<Arc<str>>,
    pub status: Option<u16>,
}

/// What became of matched values; decides whether an event is a breach.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Disclosure {
    /// No match.
    None,
    /// Matches, none left.
    Prevented,
    /// All that left were edited.
    Redacted,
    /// Some left.
    Partial,
    /// All left.
    Disclosed,
}

impl Disclosure {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Disclosure::None => "none",
            Disclosure::Prevented => "prevented",
            Disclosure::Redacted => "redacted",
            Disclosure::Partial => "partial",
            Disclosure::Disclosed => "disclosed",
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    //! A plain rule and message for the tests of this floor and of those above.

    use super::*;
    use crate::flow::Scheme;

    pub(crate) fn rule(id: &str, action: Action) -> RuleSpec {
        RuleSpec {
            id: id.to_owned(),
            identifiers: vec!["*".to_owned()],
            action,
            direction: None,
            destinations: vec![],
            except_destinations: vec![],
            clients: vec![],
            tenants: vec![],
            methods: vec![],
            paths: vec![],
            media_types: vec![],
            status: vec![],
            schemes: vec![],
            confidence: Confidence::Medium,
            at_least: 1,
            mode: None,
        }
    }

    pub(crate) fn message() -> Message {
        Message {
            direction: Direction::Request,
            destination: Destination {
                scheme: Scheme::Https,
                host: crate::flow::Host::Name("api.example.com".into()),
                port: 443,
            },
            proven: true,
            client: ClientAddr { ip: std::net::Ipv4Addr::LOCALHOST.into(), port: 40_000 },
            identity: None,
            listener: "apps".into(),
            tenant: "default".into(),
            method: "POST".into(),
            path: "/".into(),
            media_type: Some("application/json".into()),
            status: None,
        }
    }
}
