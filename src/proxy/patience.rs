//! How long the sender of a response may be silent: who tells of what happens has nothing to say for minutes.

use std::time::Duration;

use http::{HeaderMap, Uri, header};

use super::headers;

/// Media types of responses that are streams of small messages.
const EVENTS: [&str; 8] = [
    "text/event-stream",
    "application/x-ndjson",
    "application/ndjson",
    "application/jsonl",
    "application/json-seq",
    "application/stream+json",
    "application/vnd.amazon.eventstream",
    "application/vnd.docker.raw-stream",
];

pub(super) fn is_events(media_type: &str) -> bool {
    EVENTS.contains(&media_type)
}

/// What a configuration says of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// Until a response begins.
    pub(super) first: Duration,
    pub(super) events: Duration,
}

impl Patience {
    /// `watch`: as [`is_watch`] says of the request.
    pub(super) fn of(self, watch: bool, fields: &HeaderMap) -> Duration {
        let kind = fields.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let told = |kind: &str| {
            let media_type = headers::media_type(kind);
            // Kubernetes says so of watches in its own form; those in JSON are plain JSON.
            let watched =
                kind.split(';').skip(1).any(|part| part.trim().eq_ignore_ascii_case("stream=watch"));
            is_events(&media_type) || watched
        };
        if watch || kind.is_some_and(told) { self.events } else { headers::patience(fields) }
    }
}

/// Whether a request asks to be told of changes as they happen, as those of Kubernetes do.
pub(super) fn is_watch(target: &Uri) -> bool {
    target.query().is_some_and(|query| query.split('&').any(|pair| matches!(pair, "watch=true" | "watch=1")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits;

    #[test]
    fn who_tells_of_events_may_be_silent_for_longer() {
        let patience = Patience { first: limits::FIRST_BYTE_TIMEOUT, events: Duration::from_secs(200) };
        let of = |target: &'static str, kind: &'static str| {
            let fields = HeaderMap::from_iter([(header::CONTENT_TYPE, http::HeaderValue::from_static(kind))]);
            patience.of(is_watch(&Uri::from_static(target)), &fields)
        };
        for (target, kind, expected) in [
            ("/", "text/event-stream", patience.events),
            ("/", "Text/Event-Stream; charset=utf-8", patience.events),
            ("/", "application/x-ndjson", patience.events),
            ("/", "application/vnd.amazon.eventstream", patience.events),
            ("/", "application/vnd.docker.raw-stream", patience.events),
            ("/", "application/json-seq", patience.events),
            ("/", "application/vnd.kubernetes.protobuf;stream=watch", patience.events),
            ("/api/v1/pods?resourceVersion=7&watch=true", "application/json", patience.events),
            ("/api/v1/pods?watch=1", "application/json", patience.events),
            ("/api/v1/pods?watch=0", "application/json", limits::BODY_IDLE_TIMEOUT),
            ("/watch=true", "application/json", limits::BODY_IDLE_TIMEOUT),
            ("/", "text/plain", limits::BODY_IDLE_TIMEOUT),
            ("/", "application/grpc", limits::CALL_IDLE),
        ] {
            assert_eq!(of(target, kind), expected, "{target} {kind}");
        }
        assert_eq!(patience.of(false, &HeaderMap::new()), limits::BODY_IDLE_TIMEOUT);
    }
}
