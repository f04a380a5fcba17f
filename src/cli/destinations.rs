//! What destinations negotiated, with a word on each that somebody should look at.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::limits;
use crate::proxy::Seen;

/// `now` in seconds since the Unix epoch; hosts are passed through `cleanse`.
pub(super) fn shown(seen: &Seen, now: i64, cleanse: &dyn Fn(&str) -> String) -> Value {
    let at = |ms: u64| i64::try_from(ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    let last = seen.last.as_ref();
    let expires = last.and_then(|last| last.not_after);
    json!({
        "host": cleanse(&seen.host.to_string()),
        "port": seen.port,
        "connections": { "clear": seen.clear, "tls": seen.secured },
        "version": last.map(|last| last.version),
        "lowest_version": seen.lowest,
        "cipher": last.map(|last| last.cipher),
        "group": last.map(|last| last.group),
        "certificate_expires": expires.and_then(|expires| Timestamp::from_second(expires).ok()),
        "failures": seen.failures,
        "notices": notices(seen, now),
        "since": at(seen.since_ms),
        "last": at(seen.last_ms),
    })
}

fn notices(seen: &Seen, now: i64) -> Vec<String> {
    let mut notices = Vec::new();
    if seen.clear > 0 {
        notices.push(format!("clear text: {} connections", seen.clear));
    }
    if seen.lowest.is_some_and(|lowest| lowest != "TLSv1.3") {
        notices.push(format!("agreed on no more than {}", seen.lowest.unwrap_or_default()));
    }
    let left = seen.last.as_ref().and_then(|last| last.not_after).map(|end| end.saturating_sub(now));
    if let Some(left) = left.filter(|left| *left <= limits::CERTIFICATE_WARNING.as_secs().cast_signed()) {
        notices.push(format!("certificate expires in {} days", left / 86_400));
    }
    for (reason, count) in &seen.failures {
        notices.push(format!("handshake failed ({reason}): {count} times"));
    }
    notices
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::tls::Negotiated;

    #[test]
    fn what_is_as_it_should_be_draws_no_notice() {
        let day = 86_400;
        let terms =
            |version, days: i64| Negotiated { version, cipher: "c", group: "g", not_after: Some(days * day) };
        let seen = |clear, lowest, last, failures: &[(&'static str, u64)]| Seen {
            host: "a.example".parse().unwrap(),
            port: 443,
            clear,
            secured: 1,
            lowest,
            last,
            failures: failures.iter().copied().collect::<BTreeMap<_, _>>(),
            since_ms: 0,
            last_ms: 0,
        };
        let good = seen(0, Some("TLSv1.3"), Some(terms("TLSv1.3", 90)), &[]);
        assert!(notices(&good, 0).is_empty());
        let bad = seen(2, Some("TLSv1.2"), Some(terms("TLSv1.3", 20)), &[("expired", 3)]);
        assert_eq!(
            notices(&bad, 15 * day),
            [
                "clear text: 2 connections",
                "agreed on no more than TLSv1.2",
                "certificate expires in 5 days",
                "handshake failed (expired): 3 times",
            ]
        );
        assert_eq!(shown(&good, 0, &|host| host.to_uppercase())["host"], "A.EXAMPLE");
    }
}
