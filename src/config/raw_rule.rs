//! Rules, bypasses and suppressions as written.

use std::time::Duration;

use crate::detect::Confidence;
use crate::flow::{Direction, Scheme};
use crate::policy::{Action, Mode, Per};

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
    pub(super) confidence: Option<At<Confidence>>,
    pub(super) at_least: Option<At<u32>>,
    pub(super) at_least_bytes: Option<At<u64>>,
    pub(super) per: Option<At<Per>>,
    pub(super) window: Option<At<Duration>>,
    pub(super) mode: Option<At<Mode>>,
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
            confidence: table.word("confidence", &CONFIDENCES, Confidence::as_str),
            at_least: table.count("at_least"),
            at_least_bytes: table.size("at_least_bytes"),
            per: table.word("per", &PERS, Per::as_str),
            window: table.duration("window"),
            mode: table.word("mode", &[Mode::Observe, Mode::Enforce], Mode::as_str),
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

/// `[[suppress]]`: read in full, so that slips in it are named, though no version yet honours one.
#[derive(Debug)]
pub(super) struct RawSuppress {
    pub(super) place: Place,
}

impl RawSuppress {
    pub(super) fn read(mut table: Table<'_>) -> RawSuppress {
        table.name("identifier");
        table.texts("destinations");
        read_grounds(&mut table);
        let place = table.place.clone();
        table.finish();
        RawSuppress { place }
    }
}

/// What every exception states: why, whose it is, until when.
fn read_grounds(table: &mut Table<'_>) {
    table.name("reason");
    table.name("owner");
    table.date("expires");
}
