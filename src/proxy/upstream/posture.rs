//! What destinations negotiated, noted with each connection that is made: nothing on the way of a request.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

use crate::flow::Host;
use crate::limits;
use crate::proxy::shared::unix_ms;
use crate::tls::Negotiated;

/// What is known of one destination since the start.
#[derive(Clone, Debug)]
pub struct Seen {
    pub host: Host,
    pub port: u16,
    /// Connections in clear text, and over TLS.
    pub clear: u64,
    pub secured: u64,
    /// The lowest version that was agreed on, and the terms of the last connection.
    pub lowest: Option<&'static str>,
    pub last: Option<Negotiated>,
    /// Handshakes that failed, by reason.
    pub failures: BTreeMap<&'static str, u64>,
    /// In milliseconds since the Unix epoch.
    pub since_ms: u64,
    pub last_ms: u64,
}

/// How a connection was made, or was not.
#[derive(Debug)]
pub(super) enum Noted {
    Clear,
    Secured(Negotiated),
    Failed(&'static str),
}

/// All destinations, as many as are kept.
#[derive(Debug, Default)]
pub(super) struct Posture(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    destinations: HashMap<(Host, u16), Seen>,
    /// Connections to destinations for which there was no room.
    beyond: u64,
}

impl Posture {
    pub(super) fn note(&self, host: &Host, port: u16, noted: Noted) {
        let now = unix_ms();
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (host.clone(), port);
        if !known.destinations.contains_key(&key) && known.destinations.len() >= limits::POSTURE_HOSTS {
            known.beyond += 1;
            return;
        }
        let seen = known.destinations.entry(key).or_insert_with(|| Seen {
            host: host.clone(),
            port,
            clear: 0,
            secured: 0,
            lowest: None,
            last: None,
            failures: BTreeMap::new(),
            since_ms: now,
            last_ms: now,
        });
        seen.last_ms = now;
        match noted {
            Noted::Clear => seen.clear += 1,
            Noted::Secured(terms) => {
                seen.secured += 1;
                // The words sort as the versions do.
                let lowest = seen.lowest.unwrap_or(terms.version);
                seen.lowest = Some(lowest.min(terms.version));
                seen.last = Some(terms);
            }
            Noted::Failed(reason) => *seen.failures.entry(reason).or_default() += 1,
        }
    }

    /// Every destination in order, and how many connections went to others.
    pub(super) fn seen(&self) -> (Vec<Seen>, u64) {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<Seen> = known.destinations.values().cloned().collect();
        all.sort_by_cached_key(|seen| (seen.host.to_string(), seen.port));
        (all, known.beyond)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(version: &'static str) -> Noted {
        Noted::Secured(Negotiated { version, cipher: "c", group: "g", not_after: Some(7) })
    }

    #[test]
    fn the_lowest_version_and_the_last_terms_are_kept() {
        let posture = Posture::default();
        let host: Host = "a.example".parse().unwrap();
        for noted in
            [terms("TLSv1.3"), terms("TLSv1.2"), terms("TLSv1.3"), Noted::Failed("expired"), Noted::Clear]
        {
            posture.note(&host, 443, noted);
        }
        let (all, beyond) = posture.seen();
        assert_eq!((all.len(), beyond), (1, 0));
        assert_eq!((all[0].secured, all[0].clear, all[0].lowest), (3, 1, Some("TLSv1.2")));
        assert_eq!(all[0].last.as_ref().unwrap().version, "TLSv1.3");
        assert_eq!(all[0].failures, BTreeMap::from([("expired", 1)]));
    }

    #[test]
    fn as_many_as_are_kept_and_the_rest_is_counted() {
        let posture = Posture::default();
        for number in 0..limits::POSTURE_HOSTS + 5 {
            posture.note(&format!("h{number}.example").parse().unwrap(), 443, Noted::Clear);
        }
        let (all, beyond) = posture.seen();
        assert_eq!((all.len(), beyond), (limits::POSTURE_HOSTS, 5));
    }
}
