//! One request and its response over a stream of a shared connection.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use h2::Reason;
use h2::client::SendRequest;
use h2::ext::Protocol;
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri, header};
use http_body::{Body, Frame};
use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};

use super::UpstreamBody;
use super::error::{Fault, SendError, UpstreamBodyError, innermost};
use super::exchange::RequestBody;
use super::lines::{Line, Slot};
use super::pool::Key;
use crate::limits;
use crate::proxy::deadline::Stalled;
use crate::proxy::guard::Refusal;
use crate::proxy::http2::{Breach, Duplex, Interim, Pump, PumpError, Received};
use crate::proxy::patience::{Patience, is_watch};
use crate::proxy::silence::Silence;
use crate::proxy::websocket::{self, Switched};
use crate::tls;

/// A request that got no response over one connection.
pub(super) struct Failed {
    pub(super) error: SendError,
    /// The request, when none of it was acted on.
    pub(super) unsent: Option<Request<RequestBody>>,
    /// Its head, when it may be sent once more by who has its body.
    pub(super) again: Option<http::request::Parts>,
    /// The upstream takes it over HTTP/1.1 alone.
    pub(super) is_http1_asked: bool,
}

/// The head as HTTP/2 has it: its target is whole, and names the host.
fn head(key: &Key, parts: http::request::Parts) -> Result<Request<()>, http::Error> {
    let to = &key.destination;
    let host = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let authority = host.map_or_else(|| to.authority(), str::to_owned);
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    // `OPTIONS *` has no path of its own (RFC 9113, section 8.3.1).
    let target =
        Uri::builder().scheme(to.scheme.as_str()).authority(authority).path_and_query(path).build()?;
    let mut request = Request::from_parts(parts, ());
    *request.uri_mut() = target;
    *request.version_mut() = http::Version::HTTP_2;
    request.headers_mut().remove(header::HOST);
    Ok(request)
}

pub(super) async fn send(
    mut slot: Slot,
    request: Request<RequestBody>,
    interim: Option<&Interim>,
    patience: Patience,
) -> Result<Response<Streamed>, Failed> {
    let mut sender = slot.sender();
    if let Err(error) = poll_fn(|cx| sender.poll_ready(cx)).await {
        slot.line.close();
        return Err(failed(&slot.line, &error, Some(request), true));
    }
    let (parts, body) = request.into_parts();
    let watch = is_watch(&parts.uri);
    let spare = parts.clone();
    let ended = body.is_end_stream();
    let head = match head(&slot.line.key, parts) {
        Ok(head) => head,
        Err(error) => return Err(unwritable(&error)),
    };
    let (response, stream) = match sender.send_request(head, ended) {
        Ok(sent) => sent,
        Err(error) => {
            let request = Request::from_parts(spare, body);
            return Err(failed(&slot.line, &error, Some(request), false));
        }
    };
    slot.begun();
    let mut pump = Some(Pump::new(body, stream, Reason::CANCEL)).filter(|_| !ended);
    let mut broke = None;
    let answered = await_response(response, &mut pump, &mut broke, (interim, patience.first)).await;
    match answered {
        // What it is not entitled to say is nothing that it has said.
        Ok(response) if slot.line.frames().is_malformed(response.body().stream_id()) => {
            let error = h2::Error::from(Reason::PROTOCOL_ERROR);
            Err(failed(&slot.line, &error, None, false))
        }
        Ok(response) => {
            slot.line.answered();
            let idle = patience.of(watch, response.headers());
            let status = response.status();
            Ok(response.map(|stream| Streamed::new(stream, slot, pump, idle).of(status)))
        }
        Err(Unanswered::Late) => Err(lost(late(patience.first))),
        Err(Unanswered::Chatty) => {
            slot.line.close();
            Err(lost(chatty()))
        }
        Err(Unanswered::Error(error)) => {
            slot.over(&error);
            let is_http1_asked = asks_for_http1(&error);
            let refused = is_refused(&error) || is_http1_asked;
            if error.is_go_away() || is_http1_asked {
                slot.line.close();
            }
            given_up(&slot.line, &error);
            // It may have looked at the request, so that only what acts once is asked again.
            let again = refused || (is_overtaxed(&error) && spare.method.is_idempotent());
            let untouched = pump
                .filter(|pump| refused && !pump.has_begun())
                .map(|pump| *Pin::into_inner(pump.into_body()))
                .or_else(|| (again && ended).then(RequestBody::empty));
            let (unsent, head) = match untouched {
                Some(body) => (Some(Request::from_parts(spare, body)), None),
                None => (None, Some(spare).filter(|_| again)),
            };
            let mut failed = failed(&slot.line, &error, unsent, refused);
            if let Some(fault) = broke {
                failed.error.fault = fault;
            }
            if is_http1_asked && failed.unsent.is_none() {
                failed.error.detail = HTTP1_ASKED.to_owned();
            }
            Err(Failed { again: head, is_http1_asked, ..failed })
        }
    }
}

/// Asks for a WebSocket over a stream (RFC 8441, section 5). An upstream's yes is made what HTTP/1.1 would say, and its
/// stream is left in `switched`.
pub(super) async fn switch(
    mut slot: Slot,
    mut parts: http::request::Parts,
    switched: &Mutex<Option<Switched>>,
    patience: Patience,
) -> Result<Response<UpstreamBody>, SendError> {
    let mut sender = slot.sender();
    let told = |error: &h2::Error| failed(&slot.line, error, None, true).error;
    poll_fn(|cx| sender.poll_ready(cx)).await.map_err(|error| told(&error))?;
    if !takes_websockets(&slot, &sender).await {
        let detail = "upstream speaks HTTP/2 alone, and takes no WebSockets over it".to_owned();
        return Err(SendError { fault: Fault::Connection, sent: false, detail });
    }
    let proof = parts.headers.remove(header::SEC_WEBSOCKET_KEY).map(|key| websocket::proof(&key));
    parts.headers.remove(header::CONNECTION);
    parts.headers.remove(header::UPGRADE);
    parts.method = Method::CONNECT;
    parts.extensions.insert(Protocol::from_static("websocket"));
    let head = head(&slot.line.key, parts).map_err(|error| unwritable(&error).error)?;
    let (response, mut stream) = sender.send_request(head, false).map_err(|error| told(&error))?;
    slot.begun();
    let answered = await_response(response, &mut None, &mut None, (None, patience.first)).await;
    let (mut parts, received) = match answered {
        Ok(response) => response.into_parts(),
        Err(Unanswered::Late) => return Err(late(patience.first)),
        Err(Unanswered::Chatty) => {
            slot.line.close();
            return Err(chatty());
        }
        Err(Unanswered::Error(error)) => {
            slot.over(&error);
            return Err(failed(&slot.line, &error, None, is_refused(&error)).error);
        }
    };
    if !parts.status.is_success() {
        // Nothing follows the question; an end that cannot be sent is one already.
        let _ = stream.send_data(Bytes::new(), true);
        let body = Streamed::new(received, slot, None, limits::BODY_IDLE_TIMEOUT);
        return Ok(Response::from_parts(parts, UpstreamBody::Streamed(Box::new(body))));
    }
    parts.status = StatusCode::SWITCHING_PROTOCOLS;
    websocket::answer(&mut parts.headers, true);
    if let Some(Ok(proof)) = proof.map(HeaderValue::try_from) {
        parts.headers.insert(header::SEC_WEBSOCKET_ACCEPT, proof);
    }
    let io = Box::new(Duplex::new(received, stream, slot.line.frames().clone(), slot, Slot::ended));
    *switched.lock().unwrap_or_else(PoisonError::into_inner) = Some(Switched { io, leftover: Bytes::new() });
    Ok(Response::from_parts(parts, UpstreamBody::None))
}

/// Whether an upstream has said that it does, once it has said anything.
async fn takes_websockets(slot: &Slot, sender: &SendRequest<Bytes>) -> bool {
    if timeout(limits::HANDSHAKE_TIMEOUT, slot.line.frames().greeting()).await.is_err() {
        return false;
    }
    let known = async {
        // The connection's own task takes the settings in.
        while !sender.is_extended_connect_protocol_enabled() {
            sleep(limits::WEBSOCKET_SETTINGS / 50).await;
        }
    };
    timeout(limits::WEBSOCKET_SETTINGS, known).await.is_ok()
}

/// No response in time.
fn late(first: Duration) -> SendError {
    let fault = Fault::Stalled(Stalled::Read(first));
    SendError { fault, sent: true, detail: String::new() }
}

/// Who would go on for ever is heard no longer, and asked for nothing else.
fn chatty() -> SendError {
    let fault = Fault::Violation(Refusal::TooManyInformational);
    SendError { fault, sent: true, detail: String::new() }
}

enum Unanswered {
    Late,
    /// It says too much before its response.
    Chatty,
    Error(h2::Error),
}

/// The upstream has not looked at the request, and says so (RFC 9113, section 8.7).
fn is_refused(error: &h2::Error) -> bool {
    let refused = error.is_reset() && error.reason() == Some(Reason::REFUSED_STREAM);
    error.is_remote() && (refused || error.is_go_away())
}

/// The upstream has too much to do on this connection, whoever asked for it.
fn is_overtaxed(error: &h2::Error) -> bool {
    error.is_remote() && error.is_reset() && error.reason() == Some(Reason::ENHANCE_YOUR_CALM)
}

/// What a stream that an upstream reset says of its connection.
fn given_up(line: &Line, error: &h2::Error) {
    if let Some(reason) = error.reason().filter(|_| error.is_remote() && error.is_reset()) {
        line.gave_up(reason);
    }
}

/// The upstream takes the request over HTTP/1.1, and has done nothing with it yet (RFC 9113, section 7).
fn asks_for_http1(error: &h2::Error) -> bool {
    error.is_remote() && error.reason() == Some(Reason::HTTP_1_1_REQUIRED)
}

/// What is said where that comes too late.
const HTTP1_ASKED: &str = "upstream asks for HTTP/1.1 (HTTP_1_1_REQUIRED) when some of the body was sent, which cannot be sent again";

/// Sends the body on while the response is awaited.
async fn await_response(
    mut response: h2::client::ResponseFuture,
    pump: &mut Option<Pump<RequestBody>>,
    broke: &mut Option<Fault>,
    (interim, first): (Option<&Interim>, Duration),
) -> Result<Response<h2::RecvStream>, Unanswered> {
    let mut silence = Silence::new(first);
    let mut said = 0;
    poll_fn(|cx| {
        if let Some(sending) = pump
            && let Poll::Ready(sent) = Pin::new(sending).poll(cx)
        {
            *broke = match sent {
                Err(PumpError::Body(_)) => Some(Fault::RequestBody),
                Err(PumpError::Stalled) => Some(Fault::Stalled(Stalled::Write(limits::WRITE_STALL_TIMEOUT))),
                // The response says why.
                Err(PumpError::Stream(_) | PumpError::Closed) | Ok(()) => None,
            };
            *pump = None;
            silence.broken();
        }
        while let Poll::Ready(Some(Ok(early))) = response.poll_informational(cx) {
            said += 1;
            if said > limits::INFORMATIONAL_HEADS {
                return Poll::Ready(Err(Unanswered::Chatty));
            }
            if let Some(interim) = interim
                && early.status() == http::StatusCode::EARLY_HINTS
            {
                interim.hint(early.into_parts().0.headers);
            }
        }
        match Pin::new(&mut response).poll(cx) {
            Poll::Ready(answered) => Poll::Ready(answered.map_err(Unanswered::Error)),
            // While the body is under way, the response may take its time.
            Poll::Pending if pump.is_some() => Poll::Pending,
            Poll::Pending => silence.poll(cx).map(|()| Err(Unanswered::Late)),
        }
    })
    .await
}

fn unwritable(error: &http::Error) -> Failed {
    lost(SendError { fault: Fault::Connection, sent: false, detail: error.to_string() })
}

/// `refused`: the upstream has not acted on the request.
fn failed(line: &Line, error: &h2::Error, unsent: Option<Request<RequestBody>>, refused: bool) -> Failed {
    let (fault, detail) = fault(line, error);
    Failed {
        error: SendError { fault, sent: unsent.is_none() && !refused, detail },
        unsent,
        again: None,
        is_http1_asked: false,
    }
}

/// It is not sent again.
fn lost(error: SendError) -> Failed {
    Failed { error, unsent: None, again: None, is_http1_asked: false }
}

/// What an error of a stream comes down to.
fn fault(line: &Line, error: &h2::Error) -> (Fault, String) {
    let breach = line.frames().breach();
    if breach == Some(Breach::Unended) {
        return (Fault::Stalled(Stalled::Unended(limits::FIRST_BYTE_TIMEOUT)), String::new());
    }
    if let Some(breach) = breach {
        return (Fault::Breach, breach.to_string());
    }
    if error.get_io().is_some_and(tls::demands_certificate) {
        return (Fault::NeedsCertificate, String::new());
    }
    let ended = error.get_io().is_some_and(|io| {
        io.kind() == io::ErrorKind::UnexpectedEof || io.kind() == io::ErrorKind::BrokenPipe
    });
    match error.reason() {
        Some(reason) if !error.is_remote() => (Fault::Breach, format!("{reason:?}")),
        Some(reason) if error.is_reset() => {
            (Fault::Connection, format!("upstream gave up its stream ({reason:?})"))
        }
        Some(reason) => (Fault::Connection, format!("upstream said goodbye to it ({reason:?})")),
        None if ended => (Fault::Truncated, innermost(error)),
        None => (Fault::Connection, innermost(error)),
    }
}

/// The body of a response that comes over a stream. Dropped before its end, the stream is reset.
#[derive(Debug)]
pub(crate) struct Streamed {
    received: Received,
    slot: Option<Slot>,
    /// A response of its status has no body (RFC 9110, section 6.4.1).
    bodiless: bool,
    /// Sends what is left of the request, over this connection.
    sending: Option<(AbortHandle, Arc<Line>)>,
}

impl Streamed {
    fn new(
        stream: h2::RecvStream,
        mut slot: Slot,
        pump: Option<Pump<RequestBody>>,
        idle: Duration,
    ) -> Streamed {
        // Whoever reads the response need not read it for the request to go on.
        let sending = pump.map(|pump| (tokio::spawn(pump).abort_handle(), Arc::clone(&slot.line)));
        let frames = slot.line.frames().clone();
        let received = Received::new(stream, frames, idle, None);
        let slot = if received.is_end_stream() {
            slot.ended();
            None
        } else {
            Some(slot)
        };
        Streamed { received, slot, bodiless: false, sending }
    }

    fn of(mut self, status: StatusCode) -> Streamed {
        self.bodiless = matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
        self
    }

    fn fail(&mut self, error: io::Error) -> UpstreamBodyError {
        let slot = self.slot.take();
        let inner = error.get_ref();
        if let Some(stalled) = inner.and_then(|inner| inner.downcast_ref::<Stalled>()) {
            return UpstreamBodyError { fault: Fault::Stalled(*stalled), detail: String::new() };
        }
        let told = inner.and_then(|inner| inner.downcast_ref::<h2::Error>());
        let (fault, detail) = match (slot, told) {
            (Some(mut slot), Some(told)) => {
                slot.over(told);
                given_up(&slot.line, told);
                fault(&slot.line, told)
            }
            (None, _) | (_, None) => (Fault::Truncated, error.to_string()),
        };
        UpstreamBodyError { fault, detail }
    }
}

impl Body for Streamed {
    type Data = Bytes;
    type Error = UpstreamBodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, UpstreamBodyError>>> {
        let this = &mut *self;
        match std::task::ready!(Pin::new(&mut this.received).poll_frame(cx)) {
            Some(Ok(frame)) if this.bodiless && frame.data_ref().is_some_and(|data| !data.is_empty()) => {
                this.slot = None;
                let detail = "a body where its status has none".to_owned();
                Poll::Ready(Some(Err(UpstreamBodyError { fault: Fault::Breach, detail })))
            }
            Some(Ok(frame)) => Poll::Ready(Some(Ok(frame))),
            Some(Err(error)) => Poll::Ready(Some(Err(this.fail(error)))),
            None => {
                if let Some(mut slot) = this.slot.take() {
                    slot.ended();
                }
                Poll::Ready(None)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.received.is_end_stream()
    }
}

impl Drop for Streamed {
    fn drop(&mut self) {
        // Who has all of it need not ask for its end.
        if let Some(slot) = self.slot.as_mut().filter(|_| self.received.is_end_stream()) {
            slot.ended();
        }
        if let Some((sending, line)) = &self.sending {
            if self.slot.is_none() && !sending.is_finished() {
                // Its response came to an end before it.
                line.cut();
            }
            sending.abort();
        }
    }
}
