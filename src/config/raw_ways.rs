//! Bypasses as written.

use super::raw::Texts;
use super::source::{At, Place};
use super::table::Table;

/// One `[[bypass]]`.
#[derive(Debug)]
pub(super) struct RawBypass {
    pub(super) place: Place,
    pub(super) hosts: Texts,
    pub(super) clients: Texts,
    pub(super) reason: Option<At<String>>,
    pub(super) owner: Option<At<String>>,
    pub(super) expires: Option<At<jiff::civil::Date>>,
}

impl RawBypass {
    pub(super) fn read(mut table: Table<'_>) -> RawBypass {
        let required = [
            ("hosts", "what passes unopened, such as hosts = [\"*.pinned.example\"]"),
            ("reason", "why, for the records: reason = \"client pins its certificate\""),
            ("owner", "who answers for it: owner = \"payments team\""),
            ("expires", "the day from which it no longer holds, such as expires = 2027-01-01"),
        ];
        for (key, expected) in required.iter().filter(|(key, _)| !table.has(key)) {
            table.missing(key, expected);
        }
        let raw = RawBypass {
            place: table.place.clone(),
            hosts: table.texts("hosts"),
            clients: table.texts("clients"),
            reason: table.name("reason"),
            owner: table.name("owner"),
            expires: table.date("expires"),
        };
        table.finish();
        raw
    }
}
