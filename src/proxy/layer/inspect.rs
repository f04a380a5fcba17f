//! Has both messages of an exchange judged: the request on the way down, the response on the way up.

use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{Method, Response, StatusCode, Uri, Version};
use hyper::ext::ReasonPhrase;
use tower::Service;

use super::answer::ReplyBody;
use super::{Admitted, Boxed, Outbound};
use crate::audit::Kind;
use crate::flow::{Direction, FlowId};
use crate::inspect::{Head, HeadEdit, Inspector};
use crate::policy::{Laid, Message};
use crate::proxy::body::{Broken, Gated, Labels, Primed, Source};
use crate::proxy::exchange::{Flow, MessageHead, Recording, Refusal, Spoken};
use crate::proxy::grpc::Framing;
use crate::proxy::incoming::ClientBody;
use crate::proxy::reply::Problem;
use crate::proxy::shared::unix_ms;
use crate::proxy::upstream::UpstreamBody;
use crate::proxy::websocket::{self, Session};
use crate::proxy::{headers, meters, names, patience, throttle};

/// The layer that turns an [`Admitted`] into an [`Outbound`], and an upstream's response into the client's.
#[derive(Clone, Copy, Debug)]
pub(in crate::proxy) struct Inspect<S> {
    inner: S,
}

impl<S> Inspect<S> {
    pub(in crate::proxy) fn new(inner: S) -> Self {
        Inspect { inner }
    }
}

impl<S> Service<Admitted> for Inspect<S>
where
    S: Service<Outbound, Response = Response<UpstreamBody>, Error = Box<Refusal>> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response<ReplyBody>;
    type Error = Box<Refusal>;
    type Future = Boxed<Response<ReplyBody>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, admitted: Admitted) -> Self::Future {
        let mut inner = self.inner.clone();
        Box::pin(async move {
            let flow = Arc::clone(&admitted.flow);
            let asked = admitted.parts.method.clone();
            let http10 = admitted.parts.version == Version::HTTP_10;
            let outbound = request(admitted).await?;
            let response = inner.call(outbound).await?;
            respond(flow, &asked, http10, response).await
        })
    }
}

async fn request(admitted: Admitted) -> Result<Outbound, Box<Refusal>> {
    let Admitted { flow, mut parts, body } = admitted;
    // Without a destination nothing is admitted.
    let said = parts.headers.get(header::HOST).map(HeaderValue::as_bytes);
    let host = match &flow.destination {
        Some(to) if said.is_some_and(|said| names::is_host_value(to, said)) => None,
        to => Some(
            HeaderValue::try_from(to.as_ref().map(names::host_value).unwrap_or_default())
                .map_err(|_| flow.refuse(Problem::Malformed, "host cannot be written"))?,
        ),
    };
    headers::clean_request(&mut parts.headers, host);
    if flow.websocket.is_some() {
        websocket::narrow_offer(&mut parts.headers);
        parts.method = Method::GET;
    }
    make_outward(&mut parts);

    // It has just begun.
    let now_ms = flow.began_ms();
    let direction = Direction::Request;
    let message = flow.message(MessageHead { direction, fields: &parts.headers, status: None, now_ms });
    let message = message.ok_or_else(|| flow.refuse(Problem::Malformed, "request names no destination"))?;
    let laid = Laid::of(&flow.edition.engine.overlays, &message);
    let taken = if laid.refuses() { Ok(()) } else { throttle::take_request(&laid) };
    if let Err((overlay, wait)) = taken {
        return Err(Box::new(flow.throttled(overlay, wait)));
    }
    let labels = labels(&flow, &message, None);
    let length = headers::length(&parts.headers);
    let speech = speech(message.media_type.as_deref(), length);
    let events = speech.is_some_and(Framing::is_by_message);
    let mut inspector = Box::new(Inspector::new(Arc::clone(&flow.edition.engine), message));
    inspector.may_resize();
    // Who calls may wait for an answer before the first message: the head alone must not wait for it in vain.
    let idle = speech.map(|_| flow.shared().hold_idle);
    let decision_id = flow.shared().ids.next_at(now_ms);
    let mut body = Gated::new(body, inspector, flow, (direction, decision_id), labels, idle);
    if let Some(framing) = speech {
        body.by_message(framing);
    }
    let primed = {
        let coding = headers::coding(&parts.headers);
        let fields = headers::view(&parts.headers);
        let head = Head {
            target: parts.uri.path_and_query().map(PathAndQuery::as_str),
            fields: &fields,
            length,
            coding: coding.as_deref(),
            events,
        };
        body.prime(&head).await
    };
    match primed {
        Primed::Whole | Primed::Streaming => {}
        Primed::Stopped => {
            let close = !body.is_read_whole();
            let refusal = Refusal::stopped(Direction::Request, body.stopped());
            return Err(Box::new(Refusal { close, ..refusal }));
        }
        Primed::Broken(broken) => return Err(Box::new(client_broke_off(body, broken))),
    }
    edit_target(&mut parts, body.head_edits());
    headers::edit(&mut parts.headers, body.head_edits());
    let says_none = length.is_none() && !parts.headers.contains_key(header::CONTENT_LENGTH);
    frame(&mut parts.headers, length, &body, false);
    let asks_for_length = matches!(parts.method, Method::POST | Method::PUT | Method::PATCH);
    if body.length() == Some(0) && says_none && !asks_for_length {
        // Nothing was sent, and nothing was said of a length: it was a request without a body. Where one is usual, origins
        // want to be told that it is empty (RFC 9110, section 8.6).
        parts.headers.remove(header::CONTENT_LENGTH);
    }
    Ok(Outbound { parts, body })
}

/// A client of HTTP/1 that is refused before it has sent all need not send the rest: its connection ends (RFC 9112,
/// section 9.6).
fn end_early(parts: &mut http::response::Parts, flow: &Flow) {
    let refused = parts.status.is_client_error() || parts.status.is_server_error();
    if refused && flow.client.spoken == Spoken::Http1 && flow.client.guard.is_in_body() {
        parts.headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
}

/// Makes a request one of the next hop.
fn make_outward(parts: &mut Parts) {
    headers::count_hop(&parts.method, &mut parts.headers);
    parts.uri = origin_form(&parts.uri);
    parts.version = Version::HTTP_11;
    parts.extensions.clear();
}

/// What is said for a status that has no words of its own.
const NO_REASON: ReasonPhrase = ReasonPhrase::from_static(b"");

async fn respond(
    flow: Arc<Flow>,
    asked: &Method,
    http10: bool,
    response: Response<UpstreamBody>,
) -> Result<Response<ReplyBody>, Box<Refusal>> {
    let (mut parts, body) = response.into_parts();
    let switching = switching(&flow, &parts)?;
    headers::clean_response(&mut parts.headers);
    parts.version = Version::HTTP_11;
    parts.extensions.clear();
    if parts.status.canonical_reason().is_none() {
        parts.extensions.insert(NO_REASON);
    }
    let follows = headers::has_body(asked, parts.status);
    let status = parts.status.as_u16();
    let now_ms = unix_ms();
    let message = flow.message(MessageHead {
        direction: Direction::Response,
        fields: &parts.headers,
        status: Some(status),
        now_ms,
    });
    let message = message.ok_or_else(|| flow.refuse(Problem::Malformed, "request names no destination"))?;
    let labels = labels(&flow, &message, Some(status));
    let events = message.media_type.as_deref().is_some_and(is_events);
    let framed = message.media_type.as_deref().is_some_and(headers::is_framed);
    let mut inspector = Box::new(Inspector::new(Arc::clone(&flow.edition.engine), message));
    inspector.may_resize();
    // What comes as it is made, can be read and no rule could stop or edit, need not wait for its end.
    let is_made = follows_as_made(&parts, asked);
    let idle = if is_made && !inspector.may_act() { Duration::ZERO } else { flow.shared().hold_idle };
    let message = (Direction::Response, flow.shared().ids.next_at(now_ms));
    let mut body = Gated::new(body, inspector, Arc::clone(&flow), message, labels, Some(idle));
    if framed {
        body.by_message(Framing::Frames);
    }
    let length = headers::length(&parts.headers).filter(|_| follows);
    let primed = {
        // What a head says of a body that does not follow is not to be held against it.
        let coding = headers::coding(&parts.headers).filter(|_| follows);
        let fields = headers::view(&parts.headers);
        let head = Head {
            target: None,
            fields: &fields,
            length,
            coding: coding.as_deref(),
            events: events && follows,
        };
        body.prime(&head).await
    };
    match primed {
        Primed::Whole | Primed::Streaming => {}
        Primed::Stopped => return Err(Box::new(Refusal::stopped(Direction::Response, body.stopped()))),
        Primed::Broken(broken) => return Err(Box::new(upstream_broke_off(body, broken))),
    }
    headers::edit(&mut parts.headers, body.head_edits());
    end_early(&mut parts, &flow);
    if follows {
        frame(&mut parts.headers, length, &body, flow.client.spoken == Spoken::Http2);
    }
    if body.admit().await.is_err() {
        return Err(Box::new(Refusal::unrecorded(&flow, Direction::Response)));
    }
    name_edits(&mut parts.headers, &flow, &body);
    if let Some(session) = switching {
        Box::pin(switch(&flow, session, &mut parts)).await?;
    }
    if http10 && body.length().is_none() && !parts.headers.contains_key(header::CONTENT_LENGTH) {
        body.ends_by_closing();
    }
    Ok(Response::from_parts(parts, ReplyBody::Gated(body)))
}

/// Whether a body follows whose head does not tell how long it is, nor of a coding that it may break.
fn follows_as_made(parts: &http::response::Parts, asked: &Method) -> bool {
    let fields = &parts.headers;
    headers::has_body(asked, parts.status)
        && headers::length(fields).is_none()
        && headers::coding(fields).is_none()
}

/// The WebSocket that an upstream agrees to, if it does and does so properly.
fn switching(flow: &Arc<Flow>, parts: &http::response::Parts) -> Result<Option<Box<Session>>, Box<Refusal>> {
    if parts.status != StatusCode::SWITCHING_PROTOCOLS {
        return Ok(None);
    }
    let session = flow.websocket.as_ref().and_then(|asked| {
        let how = websocket::accepts(&asked.opening, &parts.headers)?;
        let upstream = asked.switched.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        Session::new(Arc::clone(flow), upstream, how)
    });
    session.map(Some).ok_or_else(|| {
        meters::upstream_failed("upgrade");
        let problem = Problem::Upstream("http_upgrade_failed");
        Box::new(flow.refuse_response(problem, "upstream agreed to a WebSocket that nobody asked it for"))
    })
}

/// Makes the answer the client's, once both directions are on record.
async fn switch(
    flow: &Flow,
    mut session: Box<Session>,
    parts: &mut http::response::Parts,
) -> Result<(), Box<Refusal>> {
    if session.open().await.is_err() {
        return Err(Box::new(Refusal::unrecorded(flow, Direction::Response)));
    }
    match flow.client.spoken {
        Spoken::Http1 => flow.client.guard.pass_through(),
        Spoken::Http2 => parts.status = StatusCode::OK,
    }
    websocket::answer(&mut parts.headers, flow.client.spoken == Spoken::Http1);
    if let Some(asked) = &flow.websocket {
        asked.handover.leave(session);
    }
    Ok(())
}

/// Makes the head, which says that the body is `said` bytes long, tell how the body is framed, and takes off what an
/// edit made wrong.
fn frame<B: Source>(fields: &mut HeaderMap, said: Option<u64>, body: &Gated<B>, ends_by_itself: bool) {
    match (body.length(), body.trailers().filter(|trailers| !trailers.is_empty())) {
        // As it says already, most often.
        (Some(length), None) if said == Some(length) => {}
        // Nothing was said of it and nothing needs to be: its stream ends with its head.
        (Some(0), None) if ends_by_itself && !fields.contains_key(header::CONTENT_LENGTH) => {}
        (Some(length), None) => {
            fields.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        }
        (Some(_), Some(trailers)) => {
            // Trailers travel with chunks only, and only those that are named.
            fields.remove(header::CONTENT_LENGTH);
            let names: Vec<&str> = trailers.keys().map(HeaderName::as_str).collect();
            if let Ok(names) = HeaderValue::from_str(&names.join(", ")) {
                fields.insert(header::TRAILER, names);
            }
        }
        (None, _) if body.is_recoded() => {
            fields.remove(header::CONTENT_LENGTH);
        }
        // It streams, edited at most in place: what it said of its length holds.
        (None, _) => {}
    }
    if body.is_edited() {
        headers::after_edit(fields);
    }
}

/// Tells the client what was masked, in either message.
fn name_edits(fields: &mut HeaderMap, flow: &Flow, body: &Gated<UpstreamBody>) {
    let response = body.edits().map(|edits| (body.decision_id(), edits));
    let edited: Vec<(FlowId, u64)> = flow.redacted().into_iter().chain(response).collect();
    let total: u64 = edited.iter().map(|(_, edits)| edits).sum();
    if total == 0 {
        return;
    }
    for (id, _) in &edited {
        if let Ok(id) = HeaderValue::from_str(&id.to_string()) {
            fields.append(headers::DECISION, id);
        }
    }
    fields.insert(headers::REDACTED, HeaderValue::from(total));
}

fn client_broke_off(body: Gated<ClientBody>, broken: Broken) -> Refusal {
    let flow = Arc::clone(body.flow());
    let problem = if broken.timed_out { Problem::ClientTimeout } else { Problem::Malformed };
    let waits = if broken.timed_out { "none of it leaves before it is whole or fills hold; " } else { "" };
    let mut refusal = flow.refuse(problem, &format!("request body broke off: {waits}{}", broken.why));
    refusal.decision_id = body.decision_id();
    let answer = refusal.problem.status();
    refusal.record = Recording::OnItsWay(body.refused(Kind::End, None, answer, refusal.detail.clone()));
    refusal
}

fn upstream_broke_off(body: Gated<UpstreamBody>, broken: Broken) -> Refusal {
    meters::upstream_failed("body");
    let flow = Arc::clone(body.flow());
    let problem = match broken.timed_out {
        true => Problem::UpstreamTimeout("http_response_timeout"),
        false => Problem::Upstream("http_response_incomplete"),
    };
    let mut refusal = flow.refuse_response(problem, &broken.why);
    refusal.decision_id = body.decision_id();
    let answer = refusal.problem.status();
    refusal.record = Recording::OnItsWay(body.refused(Kind::End, None, answer, refusal.detail.clone()));
    refusal
}

fn labels(flow: &Flow, message: &Message, status: Option<u16>) -> Labels {
    let shown = |text: &Arc<str>| flow.shown_type(text, message.direction);
    Labels { status, content_type: message.media_type.as_ref().map(shown) }
}

/// Path and query alone, as an origin wants them.
fn origin_form(target: &Uri) -> Uri {
    target.path_and_query().cloned().map_or_else(|| Uri::from_static("/"), Uri::from)
}

/// Writes edits over the target. One that does not fit takes the query away with it, and the path too if it must.
fn edit_target(parts: &mut Parts, edits: &[HeadEdit]) {
    if edits.iter().all(|edit| edit.field.is_some()) {
        return;
    }
    let mut bytes =
        parts.uri.path_and_query().map_or_else(Vec::new, |target| target.as_str().as_bytes().to_vec());
    for edit in edits.iter().filter(|edit| edit.field.is_none()) {
        headers::splice(&mut bytes, edit);
    }
    parts.uri = PathAndQuery::try_from(bytes).map_or_else(|_| Uri::from_static("/"), Uri::from);
}

/// Responses that are streams of small messages, whose readers want each as it comes.
fn is_events(media_type: &str) -> bool {
    headers::is_framed(media_type) || patience::is_events(media_type)
}

/// How the messages of a request end whose sender may be waiting for the answer to what is there of it. Of all other requests
/// nothing leaves before they are whole, or fill hold: a slow sender must not win a release of what its decision would stop.
fn speech(media_type: Option<&str>, length: Option<u64>) -> Option<Framing> {
    let framing = Framing::of(media_type?)?;
    // Who knows how long it is has all of it.
    (framing.is_by_message() || length.is_none()).then_some(framing)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the future of a call takes.
    fn size<A, B, C, D, F>(_: impl Fn(A, B, C, D) -> F) -> usize {
        size_of::<F>()
    }

    #[test]
    fn what_few_exchanges_need_is_not_carried_by_all() {
        let request = size(|admitted, (), (), ()| request(admitted));
        let respond = size(|flow, asked: &'static http::Method, http10, response| {
            respond(flow, asked, http10, response)
        });
        // They are copied as they are made: a large one would cost more than all else that is done for a request.
        assert!(request < 2048 && respond < 2048, "{request} {respond}");
    }

    #[test]
    fn targets_lose_their_authority() {
        let cases = [
            ("http://a.example/x?y=1", "/x?y=1"),
            ("http://a.example", "/"),
            ("/x", "/x"),
            ("*", "*"),
            ("http://a.example?q", "/?q"),
        ];
        for (given, expected) in cases {
            assert_eq!(origin_form(&given.parse().unwrap()), expected, "{given}");
        }
    }

    #[test]
    fn event_streams_are_known_by_their_type() {
        for kind in [
            "text/event-stream",
            "application/x-ndjson",
            "application/grpc+proto",
            "application/connect+json",
        ] {
            assert!(is_events(kind), "{kind}");
        }
        assert!(!is_events("application/json"));
    }

    #[test]
    fn who_may_wait_for_an_answer_to_what_is_there_is_known() {
        for (kind, length, expected) in [
            ("application/grpc", None, Some(Framing::Frames)),
            ("application/grpc+proto", Some(7), Some(Framing::Frames)),
            ("application/connect+proto", None, Some(Framing::Frames)),
            ("application/vnd.amazon.eventstream", None, Some(Framing::Lengths)),
            ("application/x-ndjson", None, Some(Framing::Lines)),
            ("application/x-ndjson", Some(7), None),
            ("text/event-stream", None, Some(Framing::Lines)),
            ("application/octet-stream", None, None),
            ("application/json", None, None),
        ] {
            assert_eq!(speech(Some(kind), length), expected, "{kind} {length:?}");
        }
        assert_eq!(speech(None, None), None);
    }

    #[test]
    fn an_edit_of_the_target_keeps_it_a_target() {
        let (mut parts, ()) =
            http::Request::builder().uri("/a?ssn=123-45-6789").body(()).unwrap().into_parts();
        edit_target(&mut parts, &[HeadEdit { field: None, start: 7, replacement: b"***-**-****".to_vec() }]);
        assert_eq!(parts.uri, "/a?ssn=***-**-****");
        edit_target(&mut parts, &[HeadEdit { field: None, start: 17, replacement: b"**".to_vec() }]);
        assert!(!parts.uri.to_string().contains("ssn"));
    }
}
