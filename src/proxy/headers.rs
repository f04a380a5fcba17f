//! What leaves of a head: fields that belong to one connection are taken off, the rest is passed on.

use std::time::Duration;

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode};

use super::grpc::Framing;
use crate::inspect::HeadEdit;
use crate::limits;

/// Fields that speak of one connection only (RFC 9110, section 7.6.1; RFC 7540, section 3.2.1), and those that
/// speak of this proxy.
const HOP_BY_HOP: [HeaderName; 10] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    HeaderName::from_static("proxy-authentication-info"),
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("http2-settings"),
    header::TE,
];

/// Names this gate to clients; a peer may not use them to speak in its name.
pub(super) const DECISION: HeaderName = HeaderName::from_static("tidegate-decision");
pub(super) const REDACTED: HeaderName = HeaderName::from_static("tidegate-redacted");
pub(super) const PROXY_STATUS: HeaderName = HeaderName::from_static("proxy-status");

/// What the gate is called in `Proxy-Status`.
const OWN_NAME: &[u8] = b"tidegate";

/// Digests of the whole body (RFC 9530, RFC 3230, RFC 1864): wrong once a byte was edited.
const DIGESTS: [HeaderName; 4] = [
    HeaderName::from_static("content-digest"),
    HeaderName::from_static("repr-digest"),
    HeaderName::from_static("digest"),
    HeaderName::from_static("content-md5"),
];

/// Removes fields that are mostly not there: going through those that are is cheaper than looking for each.
fn remove_all(fields: &mut HeaderMap, names: &[HeaderName]) {
    if fields.keys().any(|name| names.contains(name)) {
        for name in names {
            fields.remove(name);
        }
    }
}

/// Takes off what belongs to the connection, including the fields that `Connection` names; `TE: trailers` stays.
fn strip_hop_by_hop(fields: &mut HeaderMap) {
    if !fields.keys().any(|name| HOP_BY_HOP.contains(name)) {
        return;
    }
    let trailers = fields
        .get_all(header::TE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|word| word.trim().eq_ignore_ascii_case("trailers"));
    if fields.contains_key(header::CONNECTION) {
        let named: Vec<HeaderName> = fields
            .get_all(header::CONNECTION)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .filter_map(|word| HeaderName::try_from(word.trim()).ok())
            .filter(|name| !END_TO_END.contains(name))
            .collect();
        for name in named {
            fields.remove(name);
        }
    }
    for name in &HOP_BY_HOP {
        fields.remove(name);
    }
    if trailers {
        fields.insert(header::TE, HeaderValue::from_static("trailers"));
    }
}

/// Fields that `Connection` cannot take off: without them a message would mean something else, or be framed
/// otherwise, than what was inspected.
const END_TO_END: [HeaderName; 5] = [
    header::HOST,
    header::CONTENT_LENGTH,
    header::CONTENT_ENCODING,
    header::CONTENT_TYPE,
    header::CACHE_CONTROL,
];

/// Makes a request's fields fit to leave; `host` takes the place of what `Host` says.
pub(super) fn clean_request(fields: &mut HeaderMap, host: Option<HeaderValue>) {
    // Looked for together: many requests have none of them.
    const CHANGED: [HeaderName; 4] = [header::COOKIE, header::EXPECT, header::RANGE, header::ACCEPT_ENCODING];
    strip_hop_by_hop(fields);
    if fields.keys().any(|name| CHANGED.contains(name)) {
        join_cookies(fields);
        // The body is pulled by this gate, which has sent its own 100 by then (RFC 9110, section 10.1.1).
        fields.remove(header::EXPECT);
        narrow_accept_encoding(fields);
    }
    if let Some(host) = host {
        fields.insert(header::HOST, host);
    }
}

/// How many hops a request may still take, where it says so and that counts (RFC 9110, section 7.6.2). What is no number of hops
/// stays what it is: it is looked at as it came.
fn hops(method: &Method, fields: &HeaderMap) -> Option<u16> {
    if !matches!(*method, Method::TRACE | Method::OPTIONS) {
        return None;
    }
    fields.get(header::MAX_FORWARDS)?.to_str().ok()?.parse().ok()
}

/// Whether a request may go no further.
pub(super) fn ends_here(method: &Method, fields: &HeaderMap) -> bool {
    hops(method, fields) == Some(0)
}

/// Counts this hop.
pub(super) fn count_hop(method: &Method, fields: &mut HeaderMap) {
    if let Some(left) = hops(method, fields) {
        fields.insert(header::MAX_FORWARDS, HeaderValue::from(left.saturating_sub(1)));
    }
}

/// HTTP/2 cuts cookies into fields of their own; HTTP/1 has one (RFC 9113, section 8.2.3).
fn join_cookies(fields: &mut HeaderMap) {
    let mut cookies = fields.get_all(header::COOKIE).iter();
    if cookies.nth(1).is_none() {
        return;
    }
    let crumbs: Vec<&[u8]> = fields.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes).collect();
    if let Ok(joined) = HeaderValue::from_bytes(&crumbs.join(&b"; "[..])) {
        fields.insert(header::COOKIE, joined);
    }
}

/// Makes a response's fields fit for the client. `Alt-Svc` would lead it around the gate.
pub(super) fn clean_response(fields: &mut HeaderMap) {
    strip_hop_by_hop(fields);
    remove_all(fields, &[header::ALT_SVC, DECISION, REDACTED]);
    // Other proxies on the way may say how they fared, but not in this one's name (RFC 9209, section 2).
    let is_ours = |value: &HeaderValue| {
        let items = value.as_bytes().split(|byte| *byte == b',');
        let name = |item: &[u8]| {
            item.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii() == OWN_NAME
        };
        items.into_iter().any(name)
    };
    if fields.get_all(PROXY_STATUS).iter().any(is_ours) {
        fields.remove(PROXY_STATUS);
    }
}

/// Takes off trailers what may not stand in them, or would be taken off a head: what frames or routes a message, speaks of
/// one connection, or leads around the gate (RFC 9110, section 6.5.1).
pub(super) fn clean_trailers(fields: &mut HeaderMap) {
    fields.remove(header::TE);
    fields.remove(header::HOST);
    fields.remove(header::CONTENT_LENGTH);
    clean_response(fields);
}

/// Whether a request authenticates the connection that it comes over rather than itself (RFC 4559, MS-NTHT).
pub(super) fn authenticates_connection(fields: &HeaderMap) -> bool {
    fields.get_all(header::AUTHORIZATION).iter().any(|value| {
        let scheme = value.as_bytes().split(|byte| *byte == b' ').next().unwrap_or_default();
        scheme.eq_ignore_ascii_case(b"ntlm") || scheme.eq_ignore_ascii_case(b"negotiate")
    })
}

/// Codings that can be read here, as they are asked for.
const READABLE: [&str; 4] = ["zstd", "br", "gzip", "deflate"];

/// Leaves of the codings that the client takes those which can be read here. A part of a coded body cannot be
/// read at all, so that a request for a range asks for none.
fn narrow_accept_encoding(fields: &mut HeaderMap) {
    let ranged = fields.contains_key(header::RANGE);
    if !ranged && !fields.contains_key(header::ACCEPT_ENCODING) {
        return;
    }
    let asked = fields.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    let items = asked.flat_map(|value| value.split(',')).filter(|_| !ranged);
    let kept: Vec<String> = items.filter_map(readable).collect();
    // Absent would mean "any coding" (RFC 9110, section 12.5.3).
    let list = if kept.is_empty() { "identity".to_owned() } else { kept.join(", ") };
    let value = HeaderValue::try_from(list).unwrap_or(HeaderValue::from_static("identity"));
    fields.insert(header::ACCEPT_ENCODING, value);
}

/// An item of `Accept-Encoding`, if it asks for a coding that can be read. `*` stands for the one that all know.
fn readable(item: &str) -> Option<String> {
    let mut parts = item.split(';').map(str::trim);
    let coding = parts.next().unwrap_or_default();
    let is = |name: &str| coding.eq_ignore_ascii_case(name);
    let name = READABLE.into_iter().find(|name| is(name));
    let name = name.or(["x-gzip", "*"].into_iter().any(is).then_some("gzip"))?;
    let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
    match weight.map(|weight| weight.trim().parse::<f32>()) {
        // A weight that is none is the default.
        None | Some(Err(_)) => Some(name.to_owned()),
        Some(Ok(weight)) if weight > 0.0 && weight <= 1.0 => Some(format!("{name};q={weight}")),
        Some(Ok(_)) => None,
    }
}

/// Takes off what an edited body made wrong: digests, and the promise of a strong validator.
pub(super) fn after_edit(fields: &mut HeaderMap) {
    remove_all(fields, &DIGESTS);
    let weak = fields
        .get(header::ETAG)
        .filter(|tag| !tag.as_bytes().starts_with(b"W/"))
        .map(|tag| HeaderValue::from_bytes(&[b"W/", tag.as_bytes()].concat()));
    match weak {
        Some(Ok(tag)) => drop(fields.insert(header::ETAG, tag)),
        Some(Err(_)) => drop(fields.remove(header::ETAG)),
        None => {}
    }
}

/// Whether a body may follow this response head (RFC 9112, section 6.3).
pub(super) fn has_body(method: &Method, status: StatusCode) -> bool {
    *method != Method::HEAD
        && !status.is_informational()
        && status != StatusCode::NO_CONTENT
        && status != StatusCode::NOT_MODIFIED
}

/// Name and value of each field, in the order that edits count by.
pub(super) fn view(fields: &HeaderMap) -> Vec<(&str, &[u8])> {
    let mut view = Vec::with_capacity(fields.len());
    view.extend(fields.iter().map(|(name, value)| (name.as_str(), value.as_bytes())));
    view
}

/// `Content-Encoding` as one list.
pub(super) fn coding(fields: &HeaderMap) -> Option<String> {
    let mut values = fields.get_all(header::CONTENT_ENCODING).iter().peekable();
    values.peek()?;
    let mut list = String::new();
    for value in values {
        if !list.is_empty() {
            list.push(',');
        }
        // What is no text is no coding that anybody knows: it must not read as identity.
        list.push_str(value.to_str().unwrap_or("unreadable"));
    }
    Some(list)
}

/// The stated length; framing was checked before the head came here.
pub(super) fn length(fields: &HeaderMap) -> Option<u64> {
    fields.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// The media type without parameters, in lower case, of a `Content-Type`.
pub(super) fn media_type(value: &str) -> String {
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// Whether a media type is one of gRPC's: messages behind prefixes, in a stream.
pub(super) fn is_grpc(media_type: &str) -> bool {
    media_type == "application/grpc" || media_type.starts_with("application/grpc+")
}

/// The same, or Connect's: messages behind heads of five bytes.
pub(super) fn is_framed(media_type: &str) -> bool {
    is_grpc(media_type) || media_type.starts_with("application/connect+")
}

/// How long the sender of a body may be silent.
pub(super) fn patience(fields: &HeaderMap) -> Duration {
    let kind = fields.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).map(media_type);
    match kind.as_deref().is_some_and(|kind| Framing::of(kind).is_some()) {
        true => limits::CALL_IDLE,
        false => limits::BODY_IDLE_TIMEOUT,
    }
}

/// Applies same-length edits to field values; edits of the target are left to the caller.
/// An edit that no longer fits takes the whole value away: what was to be masked never leaves.
pub(super) fn edit(fields: &mut HeaderMap, edits: &[HeadEdit]) {
    if edits.is_empty() {
        return;
    }
    for (index, value) in fields.iter_mut().enumerate().map(|(index, (_, value))| (index, value)) {
        let mut edited: Option<Vec<u8>> = None;
        for edit in edits.iter().filter(|edit| edit.field == Some(index)) {
            let bytes = edited.get_or_insert_with(|| value.as_bytes().to_vec());
            splice(bytes, edit);
        }
        if let Some(bytes) = edited {
            *value = HeaderValue::from_bytes(&bytes).unwrap_or(HeaderValue::from_static(""));
        }
    }
}

/// Writes one edit over `bytes`; blanks all of them when the edit does not fit.
pub(super) fn splice(bytes: &mut [u8], edit: &HeadEdit) {
    let end = edit.start.saturating_add(edit.replacement.len());
    match bytes.get_mut(edit.start..end) {
        Some(place) => place.copy_from_slice(&edit.replacement),
        None => bytes.fill(b'*'),
    }
}

/// A path with its varying segments replaced and its query dropped, so that records of one endpoint compare
/// equal and hold no identifiers of customers.
pub(super) fn path_template(path: &str) -> String {
    let mut template = String::with_capacity(path.len());
    for (index, segment) in path.split('/').enumerate() {
        if index > 0 {
            template.push('/');
        }
        template.push_str(if varies(segment) { "{id}" } else { segment });
    }
    template
}

/// Shortest run of hexadecimal digits taken for an identifier, and of mixed characters for a token.
const HEX_ID: usize = 8;
const TOKEN_ID: usize = 20;
/// So many digits in one segment are a number of somebody's, whatever letters they stand beside.
const DIGITS_ID: usize = 7;

fn varies(segment: &str) -> bool {
    let bytes = segment.as_bytes();
    let digits = bytes.iter().filter(|byte| byte.is_ascii_digit()).count();
    if digits == 0 {
        return false;
    }
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~');
    digits == bytes.len()
        || digits >= DIGITS_ID
        || (bytes.len() >= HEX_ID && bytes.iter().all(|byte| byte.is_ascii_hexdigit() || *byte == b'-'))
        || (bytes.len() >= TOKEN_ID && bytes.iter().all(plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callers_may_be_silent_for_longer() {
        let of = |kind| patience(&map(&[("content-type", kind)]));
        for kind in ["application/grpc", "application/grpc+proto; a=b", "Application/gRPC"] {
            assert_eq!(of(kind), limits::CALL_IDLE, "{kind}");
        }
        for kind in ["text/plain", "application/grpc-web", ""] {
            assert_eq!(of(kind), limits::BODY_IDLE_TIMEOUT, "{kind}");
        }
        assert_eq!(patience(&HeaderMap::new()), limits::BODY_IDLE_TIMEOUT);
    }

    fn map(fields: &[(&str, &str)]) -> HeaderMap {
        fields.iter().map(|(n, v)| (n.parse::<HeaderName>().unwrap(), v.parse().unwrap())).collect()
    }

    fn names(fields: &HeaderMap) -> Vec<&str> {
        let mut names: Vec<&str> = fields.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn what_belongs_to_one_connection_does_not_leave() {
        let mut fields = map(&[
            ("connection", "close, X-Hop, host, content-length"),
            ("x-hop", "1"),
            ("keep-alive", "timeout=5"),
            ("proxy-authorization", "Basic Zm9vOmJhcg=="),
            ("proxy-connection", "keep-alive"),
            ("te", "gzip;q=0.5, trailers"),
            ("expect", "100-continue"),
            ("upgrade", "h2c"),
            ("http2-settings", "AAMAAABkAAQAAP__"),
            ("content-length", "3"),
            ("x-kept", "1"),
        ]);
        clean_request(&mut fields, Some(HeaderValue::from_static("a.example")));
        assert_eq!(names(&fields), ["content-length", "host", "te", "x-kept"]);
        assert_eq!(fields["te"], "trailers");
    }

    #[test]
    fn crumbs_of_cookies_are_joined() {
        let mut fields = map(&[("cookie", "a=1"), ("x-kept", "1"), ("cookie", "b=2"), ("cookie", "c=3")]);
        clean_request(&mut fields, None);
        assert_eq!(fields.get_all("cookie").iter().collect::<Vec<_>>(), ["a=1; b=2; c=3"]);
    }

    #[test]
    fn alternative_services_and_our_own_names_do_not_reach_the_client() {
        let mut fields = map(&[
            ("alt-svc", "h3=\":443\""),
            ("tidegate-decision", "x"),
            ("tidegate-redacted", "1"),
            ("proxy-authenticate", "Basic"),
            ("content-type", "text/plain"),
        ]);
        clean_trailers(&mut fields.clone());
        clean_response(&mut fields);
        assert_eq!(names(&fields), ["content-type"]);
        for (status, passes) in [
            ("cache.test; received-status=503", true),
            ("tidegate; error=http_request_denied", false),
            ("cache.test, tidegate ;error=x", false),
            ("tidegate-2; error=x", true),
        ] {
            let mut fields = map(&[("proxy-status", status)]);
            clean_response(&mut fields);
            assert_eq!(!fields.is_empty(), passes, "{status}");
        }
    }

    #[test]
    fn trailers_frame_and_route_nothing() {
        let mut fields = map(&[
            ("x-sum", "7"),
            ("te", "trailers"),
            ("host", "evil.test"),
            ("content-length", "3"),
            ("transfer-encoding", "chunked"),
            ("proxy-authenticate", "Basic"),
            ("alt-svc", "h3=\":443\""),
            ("tidegate-decision", "x"),
            ("grpc-status", "0"),
        ]);
        clean_trailers(&mut fields);
        assert_eq!(names(&fields), ["grpc-status", "x-sum"]);
    }

    #[test]
    fn only_codings_that_can_be_read_are_asked_for() {
        type Fields = [(&'static str, &'static str)];
        let cases: [(&Fields, Option<&str>); 9] = [
            (&[("accept-encoding", "gzip, deflate, br, zstd")], Some("gzip, deflate, br, zstd")),
            (&[("accept-encoding", "br;q=1.0, GZip;q=0.8, dcb")], Some("br;q=1, gzip;q=0.8")),
            (&[("accept-encoding", "gzip;q=0, br, compress")], Some("br")),
            (&[("accept-encoding", "br"), ("accept-encoding", "dcz, zstd")], Some("br, zstd")),
            (&[("accept-encoding", "lzma")], Some("identity")),
            (&[("accept-encoding", "identity")], Some("identity")),
            (&[("accept-encoding", "*")], Some("gzip")),
            (&[("accept-encoding", "gzip"), ("range", "bytes=0-9")], Some("identity")),
            (&[], None),
        ];
        for (fields, expected) in cases {
            let mut fields = map(fields);
            narrow_accept_encoding(&mut fields);
            let got = fields.get("accept-encoding").map(|v| v.to_str().unwrap());
            assert_eq!(got, expected, "{fields:?}");
        }
    }

    #[test]
    fn an_edit_takes_digests_and_strong_validators_away() {
        let mut fields = map(&[
            ("content-digest", "sha-256=:x:"),
            ("content-md5", "x"),
            ("etag", "\"v1\""),
            ("x-kept", "1"),
        ]);
        after_edit(&mut fields);
        assert_eq!(names(&fields), ["etag", "x-kept"]);
        assert_eq!(fields["etag"], "W/\"v1\"");
        after_edit(&mut fields);
        assert_eq!(fields["etag"], "W/\"v1\"");
    }

    #[test]
    fn edits_count_as_the_view_does() {
        let mut fields = map(&[("a", "one"), ("b", "two"), ("a", "three"), ("c", "four")]);
        let at = view(&fields).iter().position(|(_, value)| *value == b"three").unwrap();
        let edits = [HeadEdit { field: Some(at), start: 1, replacement: b"##".to_vec() }];
        edit(&mut fields, &edits);
        let values: Vec<_> = fields.get_all("a").iter().collect();
        assert_eq!(values, ["one", "t##ee"]);
        assert_eq!(fields["b"], "two");
        let misfit = [HeadEdit { field: Some(at), start: 4, replacement: b"##".to_vec() }];
        edit(&mut fields, &misfit);
        assert_eq!(fields.get_all("a").iter().next_back().unwrap(), "*****");
    }

    #[test]
    fn paths_become_templates() {
        let cases = [
            ("/v1/customers/12345/cards", "/v1/customers/{id}/cards"),
            ("/a/01234567-89ab-7fff-bfff-ffffffffffff", "/a/{id}"),
            ("/deadbeef00", "/{id}"),
            ("/facade", "/facade"),
            ("/v2", "/v2"),
            ("/report-2026-11/GetCard536-22-1845", "/report-2026-11/{id}"),
            ("/tok_1A2b3C4d5E6f7G8h9I0j", "/{id}"),
            ("/", "/"),
            ("*", "*"),
        ];
        for (path, template) in cases {
            assert_eq!(path_template(path), template);
        }
    }
}
