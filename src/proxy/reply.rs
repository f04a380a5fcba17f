//! What a refused client sees: one shape for every refusal (RFC 9457), never a matched byte.

use std::fmt::Write;

use bytes::{BufMut, Bytes, BytesMut};
use http::{HeaderValue, Response, StatusCode, header};
use serde::Serialize;

use super::ReplyDetail;
use super::doorkeeper::Unknown;
use super::guard;
use super::headers::{DECISION, PROXY_STATUS};
use super::upstream;
use crate::flow::{Direction, FlowId};
use crate::inspect::{Decision, Part, Place, Reason};
use crate::limits;

/// Why a client is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Problem {
    /// A request's content was stopped.
    Blocked,
    /// A response's content was withheld.
    Withheld,
    /// No memory could be reserved for what must wait.
    Overloaded,
    /// The record that must come first could not be written.
    Unrecorded,
    /// Requests are limited for a time; the next may come in so many seconds.
    Throttled(u64),
    /// Nobody said who asks, or nobody who is known.
    Unauthenticated,
    /// Whoever the connection was granted to is not configured any more.
    Forgotten,
    /// Naming that no client should send, or a body that broke off.
    Malformed,
    /// Framing that no client should send.
    Framing(guard::Refusal),
    /// Names that do not agree.
    Misdirected,
    /// A change of protocol that is not carried.
    Upgrade,
    /// It may go no further than here.
    LastHop,
    /// The client stopped sending.
    ClientTimeout,
    /// The destination's address may not be dialled.
    AddressDenied,
    /// The upstream could not be reached, or broke off.
    Upstream(&'static str),
    /// The upstream took too long.
    UpstreamTimeout(&'static str),
}

impl Problem {
    pub(super) fn of(unknown: Unknown) -> Problem {
        match unknown {
            Unknown::Unsaid | Unknown::Wrong => Problem::Unauthenticated,
            Unknown::TooMany => Problem::Throttled(limits::PASSWORDS_WRONG_WITHIN.as_secs()),
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Problem::Blocked => "blocked",
            Problem::Withheld => "withheld",
            Problem::Overloaded => "overloaded",
            Problem::Unrecorded => "unrecorded",
            Problem::Throttled(_) => "throttled",
            Problem::Unauthenticated => "unauthenticated",
            Problem::Forgotten => "identity-gone",
            Problem::Malformed => "malformed",
            Problem::Framing(_) => "framing",
            Problem::Misdirected => "misdirected",
            Problem::Upgrade => "upgrade",
            Problem::LastHop => "last-hop",
            Problem::ClientTimeout => "client-timeout",
            Problem::AddressDenied => "address-denied",
            Problem::Upstream(_) => "upstream",
            Problem::UpstreamTimeout(_) => "upstream-timeout",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Problem::Blocked => "request stopped by data loss policy",
            Problem::Withheld => "response withheld by data loss policy",
            Problem::Overloaded => "gate is short of memory",
            Problem::Unrecorded => "gate cannot record decisions",
            Problem::Throttled(_) => "requests are limited for a time",
            Problem::Unauthenticated => "proxy asks who you are",
            Problem::Forgotten => "who asks is not known any more",
            Problem::Malformed | Problem::Framing(_) => "request refused",
            Problem::Misdirected => "request names another host than its connection",
            Problem::Upgrade => "protocol upgrade refused",
            Problem::LastHop => "request may go no further",
            Problem::ClientTimeout => "request did not arrive in time",
            Problem::AddressDenied => "destination address may not be dialled",
            Problem::Upstream(_) => "upstream refused or failed",
            Problem::UpstreamTimeout(_) => "upstream did not answer in time",
        }
    }

    /// Never a 5xx for a block: clients retry those, and a charge would run twice.
    pub(super) fn status(self) -> StatusCode {
        match self {
            // In a tunnel nobody expects to be asked by a proxy: a new connection is.
            Problem::Forgotten => StatusCode::FORBIDDEN,
            Problem::Blocked | Problem::Withheld | Problem::AddressDenied => StatusCode::FORBIDDEN,
            Problem::Overloaded | Problem::Unrecorded => StatusCode::SERVICE_UNAVAILABLE,
            Problem::Throttled(_) => StatusCode::TOO_MANY_REQUESTS,
            Problem::Unauthenticated => StatusCode::PROXY_AUTHENTICATION_REQUIRED,
            Problem::Malformed => StatusCode::BAD_REQUEST,
            Problem::Framing(refusal) => refusal.status(),
            Problem::Misdirected => StatusCode::MISDIRECTED_REQUEST,
            Problem::Upgrade | Problem::LastHop => StatusCode::NOT_IMPLEMENTED,
            Problem::ClientTimeout => StatusCode::REQUEST_TIMEOUT,
            Problem::Upstream(_) => StatusCode::BAD_GATEWAY,
            Problem::UpstreamTimeout(_) => StatusCode::GATEWAY_TIMEOUT,
        }
    }

    fn retry_after(self) -> Option<HeaderValue> {
        match self {
            Problem::Throttled(seconds) => Some(HeaderValue::from(seconds)),
            Problem::Overloaded | Problem::Unrecorded => Some(RETRY_AFTER),
            _ => None,
        }
    }

    /// The error types of RFC 9209, section 2.3.
    fn proxy_error(self) -> &'static str {
        match self {
            Problem::Blocked
            | Problem::Withheld
            | Problem::Misdirected
            | Problem::Throttled(_)
            | Problem::Unauthenticated
            | Problem::Forgotten
            | Problem::LastHop => "http_request_denied",
            Problem::Overloaded | Problem::Unrecorded => "proxy_internal_error",
            Problem::Malformed | Problem::Framing(_) | Problem::ClientTimeout => "http_request_error",
            Problem::Upgrade => "http_upgrade_failed",
            Problem::AddressDenied => "destination_ip_prohibited",
            Problem::Upstream(error) | Problem::UpstreamTimeout(error) => error,
        }
    }

    /// The code for a client of gRPC; `UNAVAILABLE` invites it to try again.
    fn grpc_status(self) -> u8 {
        match self {
            Problem::Blocked | Problem::Withheld | Problem::Misdirected | Problem::AddressDenied => {
                grpc::PERMISSION_DENIED
            }
            Problem::Unauthenticated | Problem::Forgotten => grpc::UNAUTHENTICATED,
            Problem::Malformed | Problem::Framing(_) => grpc::INVALID_ARGUMENT,
            Problem::Throttled(_) => grpc::RESOURCE_EXHAUSTED,
            Problem::Upgrade | Problem::LastHop => grpc::UNIMPLEMENTED,
            Problem::ClientTimeout | Problem::UpstreamTimeout(_) => grpc::DEADLINE_EXCEEDED,
            Problem::Overloaded | Problem::Unrecorded | Problem::Upstream(_) => grpc::UNAVAILABLE,
        }
    }

    /// Whether the same request may do better later, when no byte of it went upstream.
    fn passes(self) -> bool {
        match self {
            Problem::Overloaded
            | Problem::Unrecorded
            | Problem::Throttled(_)
            | Problem::UpstreamTimeout(_) => true,
            // A certificate that is not to be trusted does not mend itself.
            Problem::Upstream(error) => error != upstream::CERTIFICATE,
            Problem::Blocked
            | Problem::Withheld
            | Problem::Unauthenticated
            | Problem::Forgotten
            | Problem::Malformed
            | Problem::Framing(_)
            | Problem::Misdirected
            | Problem::Upgrade
            | Problem::LastHop
            | Problem::ClientTimeout
            | Problem::AddressDenied => false,
        }
    }
}

/// Seconds after which a client that met a passing problem may try again.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("5");

/// How a client is asked who it is (RFC 7617).
const CHALLENGE: HeaderValue = HeaderValue::from_static("Basic realm=\"tidegate\", charset=\"UTF-8\"");

/// All that a reply is made of.
#[derive(Debug)]
pub(super) struct Facts<'a> {
    pub(super) problem: Problem,
    /// A sentence; cleansed.
    pub(super) detail: &'a str,
    pub(super) decision_id: FlowId,
    pub(super) direction: Direction,
    pub(super) decision: Option<&'a Decision>,
    pub(super) upstream_received: bool,
    /// The connection ends after this reply.
    pub(super) close: bool,
}

#[derive(Serialize)]
struct Body<'a> {
    r#type: &'a str,
    title: &'a str,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
    decision: &'a str,
    #[serde(flatten)]
    more: Option<More<'a>>,
    /// Beside what RFC 9457 names: many libraries for APIs print one of these two, and nothing else of a refusal.
    message: &'a str,
    error: Told<'a>,
}

#[derive(Serialize)]
struct Told<'a> {
    message: &'a str,
    r#type: &'a str,
    code: &'a str,
    decision: &'a str,
}

#[derive(Serialize)]
struct More<'a> {
    rule: Option<&'a str>,
    direction: &'static str,
    identifiers: Vec<&'a str>,
    r#where: Vec<String>,
    upstream_received: bool,
    retryable: bool,
}

/// Codes of gRPC (grpc.io, "Status codes and their use").
mod grpc {
    pub(super) const INVALID_ARGUMENT: u8 = 3;
    pub(super) const DEADLINE_EXCEEDED: u8 = 4;
    pub(super) const PERMISSION_DENIED: u8 = 7;
    pub(super) const RESOURCE_EXHAUSTED: u8 = 8;
    pub(super) const UNIMPLEMENTED: u8 = 12;
    pub(super) const UNAVAILABLE: u8 = 14;
    pub(super) const UNAUTHENTICATED: u8 = 16;
}

/// Places named in one reply: enough to find the field, too few to map a document.
const PLACES: usize = 16;

impl Facts<'_> {
    /// The whole reply; to a HEAD request the same without its body.
    pub(super) fn response(&self, detail: ReplyDetail, to_head: bool) -> Response<Bytes> {
        let decision = self.decision_id.to_string();
        let body = self.body(detail, &decision);
        let mut response = Response::new(if to_head { Bytes::new() } else { body.clone() });
        *response.status_mut() = self.problem.status();
        let fields = response.headers_mut();
        fields.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        fields.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
        fields.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Ok(value) = HeaderValue::from_str(&self.proxy_status(detail, &decision)) {
            fields.insert(PROXY_STATUS, value);
        }
        if let Ok(value) = HeaderValue::from_str(&decision) {
            fields.insert(DECISION, value);
        }
        if let Some(after) = self.problem.retry_after() {
            fields.insert(header::RETRY_AFTER, after);
        }
        if self.problem == Problem::Unauthenticated {
            fields.insert(header::PROXY_AUTHENTICATE, CHALLENGE);
        }
        if self.close {
            fields.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }

    /// The reply for a client of gRPC: trailers alone, in the place of a head (gRPC over HTTP/2, "Trailers-Only").
    pub(super) fn grpc_response(&self, detail: ReplyDetail) -> Response<Bytes> {
        let mut response = self.response(detail, true);
        *response.status_mut() = StatusCode::OK;
        let fields = response.headers_mut();
        fields.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        fields.remove(header::CONTENT_LENGTH);
        fields.insert("grpc-status", HeaderValue::from(u16::from(self.problem.grpc_status())));
        if let Ok(message) = HeaderValue::from_str(&percent(&self.message(detail))) {
            fields.insert("grpc-message", message);
        }
        response
    }

    /// All of it in one sentence, for clients that show no more.
    fn message(&self, detail: ReplyDetail) -> String {
        match detail {
            ReplyDetail::Full => {
                format!("{}: {}; decision={}", self.problem.title(), self.detail, self.decision_id)
            }
            ReplyDetail::Minimal => format!("refused; decision={}", self.decision_id),
        }
    }

    fn body(&self, detail: ReplyDetail, decision: &str) -> Bytes {
        let full = match detail {
            ReplyDetail::Full => true,
            ReplyDetail::Minimal => false,
        };
        let code = if full { self.problem.as_str() } else { "refused" };
        let (r#type, message) = (format!("urn:tidegate:problem:{code}"), self.message(detail));
        let body = Body {
            r#type: &r#type,
            title: if full { self.problem.title() } else { "refused" },
            status: self.problem.status().as_u16(),
            detail: full.then_some(self.detail),
            decision,
            more: full.then(|| self.more()),
            message: &message,
            error: Told { message: &message, r#type: &r#type, code, decision },
        };
        // Strings and numbers always serialise; an empty body would still be a refusal.
        serde_json::to_vec(&body).map(Bytes::from).unwrap_or_default()
    }

    fn more(&self) -> More<'_> {
        let found = self.decision.map(|decision| decision.found.as_slice()).unwrap_or_default();
        let counted = || found.iter().filter(|found| found.matched > found.suppressed);
        let mut places: Vec<String> = Vec::new();
        for place in counted().flat_map(|found| &found.at) {
            let named = place_name(place);
            if places.len() < PLACES && !places.contains(&named) {
                places.push(named);
            }
        }
        More {
            rule: self.rule(),
            direction: self.direction.as_str(),
            identifiers: counted().map(|found| found.identifier.as_ref()).collect(),
            r#where: places,
            upstream_received: self.upstream_received,
            retryable: self.problem.passes() && !self.upstream_received,
        }
    }

    /// The rule that decided: the first of those that did what was done.
    fn rule(&self) -> Option<&str> {
        let decision = self.decision?;
        decision.rules.iter().find(|rule| rule.action == decision.action).map(|rule| rule.id.as_ref())
    }

    fn proxy_status(&self, detail: ReplyDetail, decision: &str) -> String {
        let mut details = match (detail, self.rule()) {
            (ReplyDetail::Minimal, _) => String::new(),
            (ReplyDetail::Full, Some(rule)) => format!("rule={rule}; "),
            (ReplyDetail::Full, None) if !self.detail.is_empty() => format!("{}; ", self.detail),
            (ReplyDetail::Full, None) => String::new(),
        };
        details.push_str("decision=");
        details.push_str(decision);
        format!("tidegate; error={}; details=\"{}\"", self.problem.proxy_error(), quoted(&details))
    }
}

/// The inside of a structured field string (RFC 9651, section 3.3.3): printable ASCII, two characters escaped.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            ' '..='~' => out.push(c),
            _ => out.push('?'),
        }
    }
    out
}

/// A `grpc-message`: printable ASCII but `%`, the rest percent-encoded.
fn percent(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b' '..=b'~' if byte != b'%' => out.push(char::from(byte)),
            _ => {
                // Writing to a string does not fail.
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    out
}

/// `body $.customer.note`, `csv column 3 "card"`, `form note`, `query card`, `header x-note`, `target`.
fn place_name(place: &Place) -> String {
    let named = ["csv", "form", "multipart"].into_iter().find(|kind| place.carrier.contains(kind));
    let part = match place.part {
        Part::Body => named.unwrap_or(place.part.as_str()),
        Part::Target if place.path.is_some() => "query",
        Part::Target | Part::Header | Part::Trailer => place.part.as_str(),
    };
    match &place.path {
        Some(path) => format!("{part} {path}"),
        None => part.to_owned(),
    }
}

/// The sentence for a decision that stops a message.
pub(super) fn explain(direction: Direction, decision: &Decision) -> String {
    let message = direction.as_str();
    match &decision.reason {
        Some(Reason::Undecodable(why)) => {
            format!("{message} body cannot be read ({why}), and what cannot be inspected does not pass")
        }
        Some(Reason::CannotRedact(why)) => {
            format!("{message} holds values that must be masked, and cannot be edited ({why})")
        }
        Some(Reason::HeldBytes) => format!("no memory is left to hold this {message} until it is decided"),
        Some(Reason::InspectorFailed) => {
            format!("inspection of this {message} failed, and what failed does not pass")
        }
        Some(Reason::Unlisted) => "destination is in no group that may be reached".to_owned(),
        Some(Reason::Overlay) => format!("{message} is stopped by an overlay that is in force for a time"),
        None => {
            let rules: Vec<&str> = decision
                .rules
                .iter()
                .filter(|rule| rule.action == decision.action)
                .map(|rule| rule.id.as_ref())
                .collect();
            let found: Vec<String> = decision
                .found
                .iter()
                .filter(|found| found.matched > found.suppressed)
                .map(|found| format!("{} ({})", found.identifier, found.distinct))
                .collect();
            format!("{message} holds {}; stopped by rule {}", found.join(", "), rules.join(", "))
        }
    }
}

/// A reply as bytes, for connections that hyper does not serve (yet).
pub(super) fn encode(response: &Response<Bytes>) -> Bytes {
    let mut out = BytesMut::with_capacity(512 + response.body().len());
    out.put_slice(b"HTTP/1.1 ");
    out.put_slice(response.status().as_str().as_bytes());
    out.put_u8(b' ');
    out.put_slice(response.status().canonical_reason().unwrap_or_default().as_bytes());
    for (name, value) in response.headers() {
        out.put_slice(b"\r\n");
        out.put_slice(name.as_str().as_bytes());
        out.put_slice(b": ");
        out.put_slice(value.as_bytes());
    }
    out.put_slice(b"\r\n\r\n");
    out.put_slice(response.body());
    out.freeze()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::detect::Confidence;
    use crate::inspect::{Coverage, Found, Part, RuleHit};
    use crate::policy::{Action, Disclosure, Mode};

    fn decision() -> Decision {
        let place = |path: Option<&str>| Place {
            part: Part::Body,
            path: path.map(str::to_owned),
            carrier: vec![],
            keyword: true,
            validators: vec![],
        };
        let found = |identifier: &str, matched, suppressed, at| Found {
            identifier: identifier.into(),
            confidence: Confidence::High,
            matched,
            distinct: matched,
            forwarded: 0,
            withheld: matched,
            suppressed,
            at,
            fingerprints: vec![],
            rules: vec![],
        };
        let rule = |id: &str, action| RuleHit { id: Arc::from(id), action, mode: Mode::Enforce };
        Decision {
            action: Action::Block,
            would: None,
            reason: None,
            rules: vec![rule("mail-alert", Action::Alert), rule("pan-leaves", Action::Block)],
            found: vec![
                found("payment.pan", 1, 0, vec![place(Some("$.customer.note")), place(None), place(None)]),
                found("contact.email", 2, 2, vec![place(Some("$.mail"))]),
            ],
            disclosure: Disclosure::Prevented,
            coverage: Coverage::default(),
            edits: 0,
        }
    }

    fn facts(decision: &Decision) -> Facts<'_> {
        Facts {
            problem: Problem::Blocked,
            detail: "a \"sentence\"",
            decision_id: FlowId::new(0, [1; 10]),
            direction: Direction::Request,
            decision: Some(decision),
            upstream_received: false,
            close: false,
        }
    }

    #[test]
    fn a_block_reads_as_the_contract_says() {
        let decision = decision();
        let response = facts(&decision).response(ReplyDetail::Full, false);
        assert_eq!(response.status(), 403);
        assert_eq!(response.headers()["content-type"], "application/problem+json");
        assert_eq!(response.headers()["cache-control"], "no-store");
        let id = "00000000-0000-7101-8101-010101010101";
        assert_eq!(response.headers()["tidegate-decision"], id);
        assert_eq!(
            response.headers()["proxy-status"],
            format!("tidegate; error=http_request_denied; details=\"rule=pan-leaves; decision={id}\"")
        );
        let body: serde_json::Value = serde_json::from_slice(response.body()).unwrap();
        let message = format!("request stopped by data loss policy: a \"sentence\"; decision={id}");
        assert_eq!(
            body,
            serde_json::json!({
                "type": "urn:tidegate:problem:blocked", "title": "request stopped by data loss policy",
                "status": 403, "detail": "a \"sentence\"", "decision": id, "rule": "pan-leaves",
                "direction": "request", "identifiers": ["payment.pan"],
                "where": ["body $.customer.note", "body"], "upstream_received": false, "retryable": false,
                "message": message, "error": {
                    "message": message, "type": "urn:tidegate:problem:blocked", "code": "blocked", "decision": id,
                },
            })
        );
        assert_eq!(response.headers()["content-length"], response.body().len().to_string());
    }

    #[test]
    fn minimal_tells_the_decision_alone() {
        let decision = decision();
        let response = facts(&decision).response(ReplyDetail::Minimal, false);
        let body: serde_json::Value = serde_json::from_slice(response.body()).unwrap();
        let keys: Vec<_> = body.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys, ["decision", "error", "message", "status", "title", "type"]);
        let error: Vec<_> = body["error"].as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(error, ["code", "decision", "message", "type"]);
        let words = String::from_utf8_lossy(response.body());
        assert!(!words.contains("pan") && !words.contains("sentence"), "{words}");
        let status = response.headers()["proxy-status"].to_str().unwrap();
        assert!(!status.contains("pan") && status.contains("decision="), "{status}");
    }

    #[test]
    fn libraries_for_apis_find_what_they_print() {
        // Where they look, and in what: openai, anthropic and Azure; stripe, Google; AWS (JSON), GitHub and most others.
        let pointers = ["/error/message", "/error/type", "/error/code", "/message"];
        let decision = decision();
        for problem in [Problem::Blocked, Problem::Overloaded, Problem::Upstream("connection_refused")] {
            for detail in [ReplyDetail::Full, ReplyDetail::Minimal] {
                let facts = Facts { problem, ..facts(&decision) };
                let response = facts.response(detail, false);
                let body: serde_json::Value = serde_json::from_slice(response.body()).unwrap();
                for pointer in pointers {
                    let told = body.pointer(pointer).and_then(serde_json::Value::as_str).unwrap_or_default();
                    assert!(!told.is_empty(), "{pointer}: {body}");
                }
                assert_eq!(body["message"], body["error"]["message"]);
                let told = body["message"].as_str().unwrap();
                assert!(told.contains(&facts.decision_id.to_string()), "{told}");
                assert_eq!(told.contains("a \"sentence\""), detail == ReplyDetail::Full, "{told}");
            }
        }
    }

    #[test]
    fn a_head_request_gets_no_body() {
        let decision = decision();
        let response = facts(&decision).response(ReplyDetail::Full, true);
        assert!(response.body().is_empty());
        assert_ne!(response.headers()["content-length"], "0");
    }

    #[test]
    fn only_passing_problems_ask_for_another_try() {
        let decision = decision();
        let overloaded = Facts { problem: Problem::Overloaded, decision: None, ..facts(&decision) };
        let response = overloaded.response(ReplyDetail::Full, false);
        assert_eq!(response.status(), 503);
        assert_eq!(response.headers()["retry-after"], "5");
        let body: serde_json::Value = serde_json::from_slice(response.body()).unwrap();
        assert_eq!(body["retryable"], true);
        assert_eq!(body["rule"], serde_json::Value::Null);
        let sent = Facts {
            problem: Problem::Upstream("http_protocol_error"),
            upstream_received: true,
            ..overloaded
        };
        let body: serde_json::Value =
            serde_json::from_slice(sent.response(ReplyDetail::Full, false).body()).unwrap();
        assert_eq!(body["retryable"], false);
    }

    #[test]
    fn replies_can_be_written_without_hyper() {
        let decision = decision();
        let facts = Facts { problem: Problem::Malformed, close: true, ..facts(&decision) };
        let text = String::from_utf8(encode(&facts.response(ReplyDetail::Full, false)).to_vec()).unwrap();
        assert!(text.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{text}");
        assert!(text.contains("\r\nconnection: close\r\n"), "{text}");
        assert!(text.contains("details=\"rule=pan-leaves"), "{text}");
    }

    #[test]
    fn quotes_and_controls_cannot_break_a_field() {
        assert_eq!(quoted("a\"b\\c\r\nd\u{e9}"), "a\\\"b\\\\c??d?");
    }
}
