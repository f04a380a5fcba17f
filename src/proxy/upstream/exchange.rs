//! One request and its response over one connection, driven by the task that waits for it.

use std::error::Error;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http1::{Connection, SendRequest};
use hyper_util::rt::TokioIo;

use super::body::Single;
use super::error::{Fault, SendError, innermost};
use super::pool::{Key, Pool};
use super::spare::SpareBody;
use super::transport::Transport;
use super::{Peer, UpstreamBody};
use crate::limits;
use crate::proxy::deadline::{Deadlined, Deadlines};
use crate::proxy::guard::{Guard, GuardHandle};
use crate::proxy::http2::Interim;
use crate::proxy::patience::{Patience, is_watch};
use crate::proxy::still::Stillness;
use crate::proxy::waking;
use crate::proxy::websocket::Switched;

pub(crate) type BoxError = Box<dyn Error + Send + Sync>;
type Io = TokioIo<Guard<Deadlined<Transport>>>;

/// A connection with all that belongs to it. Nobody polls it but who holds it.
pub(super) struct Live {
    sender: SendRequest<RequestBody>,
    /// Until it has ended.
    connection: Option<Connection<Io, RequestBody>>,
    /// What it ended with, if that was an error.
    error: Option<hyper::Error>,
    guard: GuardHandle,
    deadlines: Deadlines,
    stillness: Stillness,
    pub(super) key: Arc<Key>,
    pub(super) peer: Peer,
    pub(super) reused: bool,
    /// Another protocol was asked for: the connection outlives HTTP.
    switching: bool,
    over: bool,
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Live").field("peer", &self.peer).field("key", &self.key).finish_non_exhaustive()
    }
}

impl Live {
    pub(super) async fn start(transport: Transport, peer: Peer, key: Arc<Key>) -> hyper::Result<Box<Self>> {
        let (io, deadlines) = Deadlined::new(transport, None, Some(limits::WRITE_STALL_TIMEOUT));
        let stillness = io.stillness();
        let (io, guard) = Guard::responses(io);
        let (sender, connection) = super::http1().handshake(TokioIo::new(io)).await?;
        Ok(Box::new(Live {
            sender,
            connection: Some(connection),
            error: None,
            guard,
            deadlines,
            stillness,
            key,
            peer,
            reused: false,
            switching: false,
            over: false,
        }))
    }

    /// Drives the connection; ready when it has ended.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(connection) = self.connection.as_mut().filter(|_| !self.over) else {
            return Poll::Ready(());
        };
        let changes = self.deadlines.changes();
        let mut polled = Pin::new(&mut *connection).poll(cx);
        if polled.is_pending() && self.deadlines.changes() != changes {
            // The request came to its end behind the read, which knows of no time for the response yet.
            polled = Pin::new(connection).poll(cx);
        }
        self.error = std::task::ready!(polled).err();
        self.over = true;
        if self.switching && self.error.is_none() && self.guard.heard() {
            // It goes on in another protocol.
            return Poll::Ready(());
        }
        // Only when it is dropped does it hand back a request that it has not begun.
        self.connection = None;
        Poll::Ready(())
    }

    /// The connection, whose upstream speaks another protocol from here on.
    async fn switched(mut self: Box<Self>) -> Option<Switched> {
        poll_fn(|cx| self.poll(cx)).await;
        self.deadlines.read_within(None);
        let parts = self.connection.take()?.into_parts();
        Some(Switched { io: Box::new(parts.io.into_inner()), leftover: parts.read_buf })
    }

    /// Drives the connection as far as it goes at once, leaving no task to be woken by it.
    fn poll_once(&mut self) -> Poll<()> {
        // A task that has used up its share would be told "pending" of everything, even of a closed socket.
        let step = pin!(tokio::task::unconstrained(poll_fn(|cx| self.poll(cx))));
        step.poll(&mut Context::from_waker(Waker::noop()))
    }

    /// Whether the connection waits for a request and nothing else: no end seen, nothing unread, nothing unsent.
    pub(super) fn is_reusable(&mut self) -> bool {
        self.poll_once().is_pending() && self.sender.is_ready() && self.guard.refusal().is_none()
    }

    /// The same of one that was when it was put away: where nothing has stirred since, it still is.
    pub(super) fn is_still_reusable(&mut self) -> bool {
        self.stillness.holds() || self.is_reusable()
    }

    /// The response has been read to its end: keeps the connection if it may serve again.
    pub(super) fn settle(mut self: Box<Self>, pool: &Pool) {
        self.deadlines.read_within(None);
        if self.is_reusable() {
            pool.put(self);
        }
    }

    /// What an error of this connection comes down to. The connection's own error says more than the one that a
    /// body or a response is told.
    pub(super) fn fault(&self, told: &hyper::Error) -> (Fault, String) {
        let own = self.error.as_ref().unwrap_or(told);
        (Fault::of(own, &self.guard), innermost(own))
    }
}

/// A request that got no response over one connection.
pub(super) struct Failed {
    pub(super) error: SendError,
    /// The request, when none of it left.
    pub(super) unsent: Option<Request<RequestBody>>,
    /// The connection closed without a byte of response.
    pub(super) silent: bool,
}

/// Early hints of the upstream (RFC 8297) are kept for the client.
pub(super) fn hear_hints(parts: &mut http::request::Parts, interim: &Arc<Interim>) {
    let interim = Arc::clone(interim);
    let mut request = Request::new(());
    hyper::ext::on_informational(&mut request, move |early| {
        if early.status() == StatusCode::EARLY_HINTS {
            interim.hint(early.headers().clone());
        }
    });
    parts.extensions.extend(std::mem::take(request.extensions_mut()));
}

pub(super) async fn send(
    mut live: Box<Live>,
    mut request: Request<RequestBody>,
    (pool, patience): (&Arc<Pool>, Patience),
    switch: Option<&Mutex<Option<Switched>>>,
) -> Result<Response<UpstreamBody>, Failed> {
    live.guard.announce(request.method(), switch.is_some());
    live.switching = switch.is_some();
    let watch = is_watch(request.uri());
    request.body_mut().start(live.deadlines.clone(), patience.first);
    // The connection is polled below, before anything is waited for.
    let (response, _) = waking::quietly(|| live.sender.try_send_request(request));
    let mut response = pin!(response);
    let outcome = poll_fn(|cx| {
        // The connection first: it takes the request, writes it and reads the answer. What it finds it hands over
        // on this same task, so the hand-over itself needs to wake nobody.
        let ended = live.poll(cx);
        match response.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(outcome) => Poll::Ready(Some(outcome)),
            Poll::Pending if ended.is_ready() => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await;
    match (outcome, switch) {
        (Some(Ok(response)), Some(switch)) if response.status() == StatusCode::SWITCHING_PROTOCOLS => {
            *switch.lock().unwrap_or_else(PoisonError::into_inner) = live.switched().await;
            Ok(response.map(|_| UpstreamBody::None))
        }
        (Some(Ok(response)), _) => {
            live.deadlines.read_within(Some(patience.of(watch, response.headers())));
            Ok(response.map(|incoming| UpstreamBody::Single(Single::new(incoming, live, Arc::clone(pool)))))
        }
        (Some(Err(mut failed)), _) => {
            let unsent = failed.take_message();
            let error = failed.into_error();
            let (fault, detail) = live.fault(&error);
            Err(fail(&live, fault, detail, unsent))
        }
        (None, _) => Err(fail(&live, Fault::Truncated, String::new(), None)),
    }
}

fn fail(live: &Live, fault: Fault, detail: String, unsent: Option<Request<RequestBody>>) -> Failed {
    // Only a connection that just closed says nothing of the request; a timeout or a violation does.
    let closed = matches!(fault, Fault::Truncated | Fault::Connection);
    let sent = unsent.is_none() && live.guard.wrote();
    Failed {
        silent: closed && !live.guard.heard(),
        unsent: unsent.filter(|_| live.reused),
        error: SendError { fault, sent, detail },
    }
}

/// A request body of any kind; starts the clock for the response when it has been read to its end.
pub(super) struct RequestBody {
    body: Content,
    clock: Option<(Deadlines, Duration)>,
    /// Where what is taken of it is kept.
    spare: Option<SpareBody>,
}

pub(super) type Content = Pin<Box<dyn Body<Data = Bytes, Error = BoxError> + Send>>;

impl RequestBody {
    pub(super) fn new<B>(body: B) -> Self
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        RequestBody { body: Box::pin(body.map_err(Into::into)), clock: None, spare: None }
    }

    pub(super) fn kept(mut self, spare: Option<SpareBody>) -> Self {
        self.spare = spare;
        self
    }

    pub(super) fn empty() -> Self {
        Self::new(Empty::new())
    }

    /// While the body is under way, the response may take its time.
    fn start(&mut self, deadlines: Deadlines, first: Duration) {
        deadlines.read_within(None);
        self.clock = Some((deadlines, first));
        if self.body.is_end_stream() {
            self.end();
        }
    }

    fn end(&mut self) {
        if let Some((clock, first)) = self.clock.take() {
            clock.read_within(Some(first));
        }
    }
}

fn nothing() -> Content {
    Box::pin(Empty::new().map_err(|never| match never {}))
}

impl Drop for RequestBody {
    /// One that is as long as it said is not asked for its end.
    fn drop(&mut self) {
        self.end();
        if let Some(spare) = self.spare.take() {
            // What was taken whole is not kept any longer than it was.
            let rest = match self.body.is_end_stream() {
                true => nothing(),
                false => std::mem::replace(&mut self.body, nothing()),
            };
            spare.put_back(rest);
        }
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let frame = self.body.as_mut().poll_frame(cx);
        if let (Some(spare), Poll::Ready(Some(Ok(frame)))) = (&self.spare, &frame)
            && let Some(bytes) = frame.data_ref()
        {
            spare.take(bytes);
        }
        if matches!(frame, Poll::Ready(None)) || self.body.is_end_stream() {
            self.end();
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
