//! `[[sink]]`, `[selftest]` and `[audit.sample]` as written.

use std::time::Duration;

use crate::sink::{Begin, Format};

use super::raw::{Texts, plain};
use super::source::{At, Place};
use super::table::Table;

#[derive(Debug)]
pub(super) struct RawSink {
    pub(super) place: Place,
    /// The keys that are there, right or wrong.
    pub(super) written: Vec<String>,
    pub(super) name: Option<At<String>>,
    pub(super) kind: Option<At<&'static str>>,
    pub(super) address: Option<At<String>>,
    pub(super) url: Option<At<String>>,
    pub(super) tls: Option<At<bool>>,
    pub(super) format: Option<At<Format>>,
    pub(super) secret: Option<At<String>>,
    pub(super) begin: Option<At<Begin>>,
    pub(super) alarm: Option<At<Duration>>,
    pub(super) kinds: Texts,
    pub(super) actions: Texts,
    pub(super) disclosures: Texts,
    pub(super) rules: Texts,
    pub(super) identifiers: Texts,
    pub(super) destinations: Texts,
    pub(super) tenants: Texts,
}

pub(super) const KINDS: [&str; 5] = ["stdout", "syslog", "splunk", "datadog", "webhook"];

impl RawSink {
    pub(super) fn read(mut table: Table<'_>) -> RawSink {
        let raw = RawSink {
            written: table.keys().into_iter().map(|(key, _)| key).collect(),
            name: table.name("name"),
            kind: table.word("kind", &KINDS, plain),
            address: table.name("address"),
            url: table.name("url"),
            tls: table.flag("tls"),
            format: table.word("format", &Format::ALL, Format::as_str),
            secret: table.name("secret"),
            begin: table.word("begin", &[Begin::Now, Begin::Start], Begin::as_str),
            alarm: table.duration("alarm"),
            kinds: table.texts("kinds"),
            actions: table.texts("actions"),
            disclosures: table.texts("disclosures"),
            rules: table.texts("rules"),
            identifiers: table.texts("identifiers"),
            destinations: table.texts("destinations"),
            tenants: table.texts("tenants"),
            place: table.place.clone(),
        };
        table.finish();
        raw
    }
}

#[derive(Debug)]
pub(super) struct RawSample {
    pub(super) place: Place,
    pub(super) key: Option<At<String>>,
    pub(super) identifiers: Texts,
    pub(super) actions: Texts,
    pub(super) max_size: Option<At<u64>>,
    pub(super) retention: Option<At<Duration>>,
}

impl RawSample {
    pub(super) fn read(mut table: Table<'_>) -> RawSample {
        let raw = RawSample {
            key: table.name("key"),
            identifiers: table.texts("identifiers"),
            actions: table.texts("actions"),
            max_size: table.size("max_size"),
            retention: table.duration("retention"),
            place: table.place.clone(),
        };
        table.finish();
        raw
    }
}

#[derive(Debug, Default)]
pub(super) struct RawSelftest {
    pub(super) every: Option<At<Duration>>,
    pub(super) identifiers: Texts,
}

impl RawSelftest {
    pub(super) fn read(mut table: Table<'_>) -> RawSelftest {
        let raw = RawSelftest { every: table.duration("every"), identifiers: table.texts("identifiers") };
        table.finish();
        raw
    }
}
