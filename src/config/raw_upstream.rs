//! Upstreams as written.

use std::net::IpAddr;
use std::time::Duration;

use super::raw::{Lists, Texts};
use super::source::{At, Place};
use super::table::Table;

#[derive(Debug, Default)]
pub(super) struct RawUpstream {
    pub(super) roots: Texts,
    pub(super) min_tls: Option<At<&'static str>>,
    pub(super) allow_addresses: Texts,
    pub(super) connect_timeout: Option<At<Duration>>,
    pub(super) first_byte: Option<At<Duration>>,
    pub(super) events_idle: Option<At<Duration>>,
    pub(super) resolve: Lists,
    pub(super) mark: Option<At<u32>>,
    pub(super) parent: Option<At<String>>,
    pub(super) parent_credentials: Option<At<String>>,
    pub(super) no_parent: Texts,
    pub(super) destinations: Vec<RawDestination>,
}

/// One `[[upstream.destination]]`.
#[derive(Debug)]
pub(super) struct RawDestination {
    pub(super) place: Place,
    pub(super) hosts: Texts,
    pub(super) roots: Texts,
    pub(super) min_tls: Option<At<&'static str>>,
    pub(super) client_certificate: Option<At<String>>,
    pub(super) client_key: Option<At<String>>,
    pub(super) crls: Texts,
    pub(super) source_address: Option<At<IpAddr>>,
}

/// Whom to trust.
pub(super) const ROOTS: &str = "system, mozilla or the path of a PEM file";
const VERSIONS: [&str; 2] = ["1.2", "1.3"];

impl RawUpstream {
    pub(super) fn read(mut table: Table<'_>) -> RawUpstream {
        let raw = RawUpstream {
            roots: table.some_texts("roots", ROOTS),
            min_tls: table.word("min_tls", &VERSIONS, |word| word),
            allow_addresses: table.texts("allow_addresses"),
            connect_timeout: table.duration("connect_timeout"),
            first_byte: table.duration("first_byte"),
            events_idle: table.duration("events_idle"),
            resolve: table.lists("resolve"),
            mark: table.count("mark"),
            parent: table.name("parent"),
            parent_credentials: table.name("parent_credentials"),
            no_parent: table.texts("no_parent"),
            destinations: table
                .tables("destination")
                .map(|all| all.into_iter().map(RawDestination::read).collect())
                .unwrap_or_default(),
        };
        table.finish();
        raw
    }
}

impl RawDestination {
    fn read(mut table: Table<'_>) -> RawDestination {
        if !table.has("hosts") {
            table.missing("hosts", "what it is for, such as hosts = [\"bank.example\"]");
        }
        let raw = RawDestination {
            place: table.place.clone(),
            hosts: table.texts("hosts"),
            roots: table.some_texts("roots", ROOTS),
            min_tls: table.word("min_tls", &VERSIONS, |word| word),
            client_certificate: table.name("client_certificate"),
            client_key: table.name("client_key"),
            crls: table.texts("crls"),
            source_address: table
                .parsed("source_address", "an address of this machine, such as \"192.0.2.7\""),
        };
        table.finish();
        raw
    }
}
