//! Findings to a decision.
//!
//! May import floors 0–1. Invariants: the strongest action wins (block > redact > alert > allow); an `allow` rule
//! is an exemption applied before anything is counted; a destination name counts only when it is proven; a window
//! that cannot be counted is taken for one whose threshold is met.

mod apart;
mod budget;
mod claims;
mod compile;
mod fields;
mod hosts;
mod identity;
mod index;
mod interception;
mod meter;
mod overlap;
mod overlay;
mod replay;
mod scope;
mod selector;
mod store;
mod subject;
mod suggest;
mod tally;
mod transport;
mod volume;
mod window;

pub use budget::{Account, Budgets, Clock, LocalBudgets, Standing, Terms, Value};
pub use compile::{Policy, RuleHit};
pub use fields::{Naming, Spot, check_field};
pub use identity::{Identity, IdentitySpec};
pub use interception::{
    Asked, Bypass, BypassTerms, Clients, Grounds, Hosts, Interception, Interceptions, Opaque,
};
pub use meter::{Limit, Meter};
pub use overlap::{Families, Overlap, Telling};
pub use overlay::{Board, Effect, Laid, Overlay, OverlayFault, OverlaySpec};
pub use replay::{Outcome, Recorded, Replayed};
pub use selector::unknown_identifiers;
pub use store::StoreError;
pub use subject::{SubjectName, SubjectPattern};
pub use tally::{Counted, Tally};
pub use transport::{Protection, TransportSpec};

use std::borrow::Cow;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

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

/// What a rule's threshold is counted over; all but a flow within a window of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Per {
    #[default]
    Flow,
    Client,
    Tenant,
    Destination,
}

impl Per {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Per::Flow => "flow",
            Per::Client => "client",
            Per::Tenant => "tenant",
            Per::Destination => "destination",
        }
    }
}

/// What is put in the place of a value that a rule redacts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MaskKind {
    /// Its shape, with as much of its end as the detector says.
    #[default]
    Shape,
    /// A keyed token: the same for the same value.
    Token,
    /// What was there, said in a label, where the text has room for it.
    Label,
    /// Encrypted in the same form (FF1), where its last digit checks the others.
    Ff1,
}

impl MaskKind {
    pub const ALL: [MaskKind; 4] = [MaskKind::Shape, MaskKind::Token, MaskKind::Label, MaskKind::Ff1];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            MaskKind::Shape => "shape",
            MaskKind::Token => "token",
            MaskKind::Label => "label",
            MaskKind::Ff1 => "ff1",
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
    /// Labels of the clients' identities.
    pub environments: Vec<String>,
    pub methods: Vec<String>,
    /// Path prefixes.
    pub paths: Vec<String>,
    pub media_types: Vec<String>,
    /// `4xx`, `500`; response rules only.
    pub status: Vec<String>,
    /// `http`, `https`; empty: both.
    pub schemes: Vec<String>,
    /// Where in a message values count, or are exempt; empty: everywhere.
    pub fields: Vec<String>,
    /// Only findings of at least this confidence are counted.
    pub confidence: Confidence,
    /// Inclusive, distinct values.
    pub at_least: u32,
    /// Inclusive; the rule counts the bytes of bodies instead of values.
    pub at_least_bytes: Option<u64>,
    /// Distinct values of a message that an exemption holds for; those beyond count.
    pub at_most: Option<u32>,
    pub per: Per,
    /// How far back `per` looks; `None` for flows.
    pub window: Option<Duration>,
    /// The share of clients, in percent, for whom the rule is enforced; for the others it is observed.
    pub enforce_percent: u8,
    pub mask: MaskKind,
    /// From when on the rule holds no longer, in milliseconds since the Unix epoch.
    pub expires_ms: Option<u64>,
    pub owner: Option<String>,
    pub reason: Option<String>,
    /// `None`: inherit.
    pub mode: Option<Mode>,
}

impl RuleSpec {
    /// A rule for everything, with every default.
    #[must_use]
    pub fn new(id: &str, identifiers: &[&str], action: Action) -> RuleSpec {
        RuleSpec {
            id: id.to_owned(),
            identifiers: identifiers.iter().map(|id| (*id).to_owned()).collect(),
            action,
            direction: None,
            destinations: vec![],
            except_destinations: vec![],
            clients: vec![],
            tenants: vec![],
            environments: vec![],
            methods: vec![],
            paths: vec![],
            media_types: vec![],
            status: vec![],
            schemes: vec![],
            fields: vec![],
            confidence: Confidence::Medium,
            at_least: 1,
            at_least_bytes: None,
            at_most: None,
            per: Per::Flow,
            window: None,
            enforce_percent: 100,
            mask: MaskKind::Shape,
            expires_ms: None,
            owner: None,
            reason: None,
            mode: None,
        }
    }
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
    pub identities: Vec<IdentitySpec>,
    pub transports: Vec<TransportSpec>,
    /// SHA-256 (hex) of the configuration that this came from; named in every record.
    pub hash: String,
}

impl Default for PolicySpec {
    fn default() -> PolicySpec {
        PolicySpec {
            mode: Mode::Enforce,
            groups: vec![],
            rules: vec![],
            unlisted: Action::Allow,
            identities: vec![],
            transports: vec![],
            hash: String::new(),
        }
    }
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
    /// The label of the client's identity.
    pub environment: Option<Arc<str>>,
    pub method: Cow<'static, str>,
    pub path: Arc<str>,
    pub media_type: Option<Arc<str>>,
    pub status: Option<u16>,
    /// When it began, in milliseconds since the Unix epoch: rules may end.
    pub now_ms: u64,
}

impl Message {
    /// A message to a destination of which nothing more is known: unproven, from nobody, with no method,
    /// path or type. Whoever knows more says it by struct update; a gate says everything.
    #[must_use]
    pub fn to(destination: Destination, direction: Direction) -> Self {
        Message {
            direction,
            destination,
            proven: false,
            client: ClientAddr { ip: Ipv4Addr::UNSPECIFIED.into(), port: 0 },
            identity: None,
            listener: "".into(),
            tenant: "".into(),
            environment: None,
            method: "".into(),
            path: "".into(),
            media_type: None,
            status: None,
            now_ms: 0,
        }
    }
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
        RuleSpec::new(id, &["*"], action)
    }

    pub(crate) fn message() -> Message {
        let host = crate::flow::Host::Name("api.example.com".into());
        Message {
            proven: true,
            client: ClientAddr { ip: Ipv4Addr::LOCALHOST.into(), port: 40_000 },
            listener: "apps".into(),
            tenant: "default".into(),
            method: "POST".into(),
            path: "/".into(),
            media_type: Some("application/json".into()),
            ..Message::to(Destination { scheme: Scheme::Https, host, port: 443 }, Direction::Request)
        }
    }

    /// Windows of any size, whose time the test moves on.
    pub(crate) fn budgets() -> (Arc<dyn Budgets>, Arc<std::sync::atomic::AtomicU64>) {
        let time = Arc::new(std::sync::atomic::AtomicU64::new(0));
        let clock = Arc::clone(&time);
        let key = crate::fingerprint::FingerprintKey::new(&[9; 32]);
        let clock = Box::new(move || clock.load(std::sync::atomic::Ordering::Relaxed));
        (Arc::new(LocalBudgets::new(key, crate::limits::BUDGET_BYTES, clock)), time)
    }
}
