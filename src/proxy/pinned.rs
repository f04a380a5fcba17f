//! Notices clients that refuse the certificate they are shown, and says once in a while what could be done: nothing is
//! ever bypassed by itself.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use super::peer::Peer;
use crate::flow::Host;
use crate::limits;

/// Hosts that were warned of, and when.
#[derive(Debug, Default)]
pub(super) struct Pinned(Mutex<HashMap<Host, Instant>>);

impl Pinned {
    /// Whether a warning about `host` is due at `now`.
    fn is_due(&self, host: &Host, now: Instant) -> bool {
        let mut warned = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let recent = |at: &Instant| now.duration_since(*at) < limits::PINNED_WARNING;
        if warned.get(host).is_some_and(recent) {
            return false;
        }
        if warned.len() >= limits::PINNED_HOSTS {
            warned.retain(|_, at| recent(at));
        }
        // A flood of names is not worth a line each.
        let room = warned.len() < limits::PINNED_HOSTS;
        if room {
            warned.insert(host.clone(), now);
        }
        room
    }
}

/// Warns that a client refused the gate's certificate for `host`; the answer is what its record says.
pub(super) fn notice(peer: &Peer, host: &Host, word: &'static str) -> String {
    let shown = peer.cleanse(&host.to_string());
    if peer.shared.pinned.is_due(host, Instant::now()) {
        let bypass = suggestion(&shown, &peer.address.ip.to_string(), word, jiff::Timestamp::now());
        // The suggestion comes last, on lines of its own: it can be pasted.
        tracing::warn!(
            client = %peer.address.ip,
            host = %shown,
            reason = word,
            bypass = %format_args!("\n{bypass}"),
            "a client refused the gate's certificate: it lacks the issuer (`tidegate env`), or pins the host's own; if it \
             pins it, this bypass would let it pass unopened, for a time",
        );
    }
    format!("client refused the gate's certificate ({word}): it lacks the issuer or pins the host's own")
}

/// A bypass for this host and client alone, and not for long, as it stands in a configuration.
fn suggestion(host: &str, client: &str, word: &str, now: jiff::Timestamp) -> String {
    let until =
        now.checked_add(limits::PINNED_BYPASS).unwrap_or(now).to_zoned(jiff::tz::TimeZone::UTC).date();
    format!(
        "[[bypass]]\nhosts = [\"{host}\"]\nclients = [\"{client}\"]\nreason = \"client pins its certificate ({word})\"\n\
         owner = \"somebody\"\nexpires = {until}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_warned_of_once_in_a_while_and_floods_are_not() {
        let pinned = Pinned::default();
        let now = Instant::now();
        let host = |n: usize| Host::Name(format!("h{n}.example").into());
        assert!(pinned.is_due(&host(0), now) && !pinned.is_due(&host(0), now));
        assert!(pinned.is_due(&host(0), now + limits::PINNED_WARNING));
        let due = (1..2 * limits::PINNED_HOSTS).filter(|n| pinned.is_due(&host(*n), now)).count();
        assert_eq!(due, limits::PINNED_HOSTS - 1);
        assert!(pinned.is_due(&host(5), now + 2 * limits::PINNED_WARNING));
    }

    #[test]
    fn the_suggestion_is_scoped_and_expires() {
        let now = "2026-11-26T12:00:00Z".parse().unwrap();
        assert_eq!(
            suggestion("a.example", "10.0.0.5", "unknown_ca", now),
            "[[bypass]]\nhosts = [\"a.example\"]\nclients = [\"10.0.0.5\"]\n\
             reason = \"client pins its certificate (unknown_ca)\"\nowner = \"somebody\"\nexpires = 2026-12-26"
        );
    }
}
