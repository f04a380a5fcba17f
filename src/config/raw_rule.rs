//! Rules, bypasses and suppressions as written.

use std::time::Duration;

use crate::detect::Confidence;
use crate::flow::{Direction, Scheme};
use crate::policy::{Action, MaskKind, Mode, Per, Protection};

use super::raw::Texts;
use super::source::{At, Place};
use super::table::Table;

#[derive(Debug)]
pub(super) struct RawRule {
    /// The `[[rule]]` itself.
    pub(super) place: Place,
    /// Each key that was written, for complaints that the policy makes later.
    pub(super) keys: Vec<(String, Place)>,
    pub(super) id: Option<At<String>>,
    pub(super) identifiers: Texts,
    pub(super) action: Option<At<Action>>,
    /// The inner `None` is `both`.
    pub(super) direction: Option<At<Option<Direction>>>,
    pub(super) destinations: Texts,
    pub(super) except_destinations: Texts,
    pub(super) clients: Texts,
    pub(super) tenants: Texts,
    pub(super) methods: Texts,
    pub(super) paths: Texts,
    pub(super) media_types: Texts,
    pub(super) status: Texts,
    pub(super) schemes: Texts,
    pub(super) fields: Texts,
    pub(super) at_most: Option<At<u32>>,
    pub(super) confidence: Option<At<Confidence>>,
    pub(super) at_least: Option<At<u32>>,
    pub(super) at_least_bytes: Option<At<u64>>,
    pub(super) per: Option<At<Per>>,
    pub(super) window: Option<At<Duration>>,
    pub(super) mode: Option<At<Mode>>,
    pub(super) enforce_percent: Option<At<u8>>,
    pub(super) mask: Option<At<MaskKind>>,
    pub(super) environments: Texts,
    pub(super) grounds: Grounds,
}

/// What every exception states: why, whose it is, until when.
#[derive(Debug, Default)]
pub(super) struct Grounds {
    pub(super) reason: Option<At<String>>,
    pub(super) owner: Option<At<String>>,
    pub(super) expires_ms: Option<At<u64>>,
}

impl Grounds {
    fn read(table: &mut Table<'_>) -> Grounds {
        Grounds {
            reason: table.name("reason"),
            owner: table.name("owner"),
            expires_ms: table.moment("expires"),
        }
    }
}

const ACTIONS: [Action; 4] = [Action::Allow, Action::Alert, Action::Redact, Action::Block];
const CONFIDENCES: [Confidence; 3] = [Confidence::Low, Confidence::Medium, Confidence::High];
const DIRECTIONS: [Option<Direction>; 3] = [Some(Direction::Request), Some(Direction::Response), None];

const PERS: [Per; 4] = [Per::Flow, Per::Client, Per::Tenant, Per::Destination];

impl RawRule {
    pub(super) fn read(mut table: Table<'_>) -> RawRule {
        let required = [
            ("id", "a name that no other rule has, such as id = \"pan-leaves\""),
            ("identifiers", "what the rule speaks of, such as identifiers = [\"payment.pan\"]"),
            ("action", "what the rule does: action = \"alert\", \"redact\", \"block\" or \"allow\""),
        ];
        let counts_bytes = table.has("at_least_bytes");
        let required = required.iter().filter(|(key, _)| !(counts_bytes && *key == "identifiers"));
        for (key, expected) in required.filter(|(key, _)| !table.has(key)) {
            table.missing(key, expected);
        }
        let raw = RawRule {
            place: table.place.clone(),
            keys: table.keys(),
            id: table.name("id"),
            identifiers: table.texts("identifiers"),
            action: table.word("action", &ACTIONS, Action::as_str),
            direction: table.word("direction", &DIRECTIONS, |way| way.map_or("both", Direction::as_str)),
            destinations: table.texts("destinations"),
            except_destinations: table.texts("except_destinations"),
            clients: table.texts("clients"),
            tenants: table.texts("tenants"),
            methods: table.texts("methods"),
            paths: table.texts("paths"),
            media_types: table.texts("media_types"),
            status: table.texts("status"),
            schemes: table.texts("schemes"),
            fields: table.texts("fields"),
            at_most: table.count("at_most"),
            confidence: table.word("confidence", &CONFIDENCES, Confidence::as_str),
            at_least: table.count("at_least"),
            at_least_bytes: table.size("at_least_bytes"),
            per: table.word("per", &PERS, Per::as_str),
            window: table.duration("window"),
            mode: table.word("mode", &[Mode::Observe, Mode::Enforce], Mode::as_str),
            enforce_percent: table.percent("enforce_percent"),
            mask: table.word("mask", &MaskKind::ALL, MaskKind::as_str),
            environments: table.texts("environments"),
            grounds: Grounds::read(&mut table),
        };
        table.finish();
        raw
    }

    /// Where `key` stands, else where the rule begins.
    pub(super) fn place_of(&self, key: &str) -> &Place {
        self.keys.iter().find(|(name, _)| name == key).map_or(&self.place, |(_, place)| place)
    }
}

pub(super) const SCHEMES: [Scheme; 2] = [Scheme::Http, Scheme::Https];

/// `[[suppress]]`.
#[derive(Debug)]
pub(super) struct RawSuppress {
    pub(super) place: Place,
    pub(super) keys: Vec<(String, Place)>,
    pub(super) identifier: Option<At<String>>,
    pub(super) destinations: Texts,
    pub(super) grounds: Grounds,
}

impl RawSuppress {
    pub(super) fn read(mut table: Table<'_>) -> RawSuppress {
        let required = [
            ("identifier", "what is suppressed, such as identifier = \"contact.email\""),
            ("destinations", "where: destinations = [\"crm.example.com\"]"),
            ("reason", "why: reason = \"support address in every ticket\""),
            ("owner", "who answers for it: owner = \"secops\""),
            ("expires", "when it ends: expires = 2026-12-31"),
        ];
        for (key, expected) in required.iter().filter(|(key, _)| !table.has(key)) {
            table.missing(key, expected);
        }
        let raw = RawSuppress {
            place: table.place.clone(),
            keys: table.keys(),
            identifier: table.name("identifier"),
            destinations: table.texts("destinations"),
            grounds: Grounds::read(&mut table),
        };
        table.finish();
        raw
    }
}

/// `[[identity]]`: whom addresses stand for.
#[derive(Debug)]
pub(super) struct RawIdentity {
    pub(super) place: Place,
    pub(super) name: Option<At<String>>,
    pub(super) clients: Texts,
    pub(super) tenant: Option<At<String>>,
    pub(super) environment: Option<At<String>>,
    pub(super) password: Option<At<String>>,
    pub(super) password_file: Option<At<String>>,
    pub(super) certificates: Texts,
}

impl RawIdentity {
    pub(super) fn read(mut table: Table<'_>) -> RawIdentity {
        let required = [
            ("name", "a name that rules and records use, such as name = \"billing\""),
            ("clients", "whose addresses it is: clients = [\"10.1.0.0/16\"]"),
        ];
        let proves = ["password", "password_file", "certificates"].iter().any(|key| table.has(key));
        let missing = |(key, _): &&(&str, &str)| !(table.has(key) || proves && *key == "clients");
        for (key, expected) in required.iter().filter(missing) {
            table.missing(key, expected);
        }
        let raw = RawIdentity {
            place: table.place.clone(),
            name: table.name("name"),
            clients: table.texts("clients"),
            tenant: table.name("tenant"),
            environment: table.name("environment"),
            password: table.name("password"),
            password_file: table.name("password_file"),
            certificates: table.texts("certificates"),
        };
        table.finish();
        raw
    }
}

/// `[[transport]]`: how connections to destinations must be protected.
#[derive(Debug)]
pub(super) struct RawTransport {
    pub(super) destinations: Texts,
    pub(super) min_tls: Option<At<Protection>>,
}

const PROTECTIONS: [Protection; 2] = [Protection::Tls12, Protection::Tls13];

impl RawTransport {
    pub(super) fn read(mut table: Table<'_>) -> RawTransport {
        if !table.has("min_tls") {
            table.missing(
                "min_tls",
                "the least protection: min_tls = \"1.2\" or \"1.3\"; clear text is refused with it",
            );
        }
        let raw = RawTransport {
            destinations: table.texts("destinations"),
            min_tls: table.word("min_tls", &PROTECTIONS, Protection::as_str),
        };
        table.finish();
        raw
    }
}
