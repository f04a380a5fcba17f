//! A client's HTTP/2 connection: its streams go through the stack like requests of HTTP/1, each on a task of its own.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use bytes::Bytes;
use h2::server::{Connection, SendResponse};
use h2::{Ping, PingPong, Reason, RecvStream};
use http::{Request, Response, header};
use http_body::Body;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use tower::Service;

use super::grant::Grant;
use super::{Breach, Duplex, FrameGuard, FrameHandle, Gathered, Interim, Pump, PumpError, Received, Width};
use crate::limits;
use crate::proxy::cork::Corked;
use crate::proxy::deadline::Deadlined;
use crate::proxy::exchange::{Client, Spoken};
use crate::proxy::familiar::Familiar;
use crate::proxy::guard::GuardHandle;
use crate::proxy::headers;
use crate::proxy::incoming::ClientBody;
use crate::proxy::layer::{Arrival, ReplyBody};
use crate::proxy::listener;
use crate::proxy::meters;
use crate::proxy::names::Entry;
use crate::proxy::peer::{Ended, Peer};
use crate::proxy::shared::{Open, Stage};
use crate::proxy::stack::stack;
use crate::proxy::upstream::Route;
use crate::proxy::websocket::{self, Handover};

/// Serves the streams of a connection until it ends, or the gate does.
pub(in crate::proxy) async fn serve<IO>(
    peer: Peer,
    io: IO,
    entry: Entry,
    tls: Option<&'static str>,
) -> io::Result<()>
where
    IO: AsyncRead + AsyncWrite + Corked + Unpin + Send + 'static,
{
    let (io, deadlines) = Deadlined::new(Gathered::new(io), None, Some(limits::WRITE_STALL_TIMEOUT));
    let (io, frames) = FrameGuard::client(io);
    let greeting = super::server().handshake::<_, Bytes>(io);
    let connection = match timeout(limits::HEAD_TIMEOUT, greeting).await {
        Ok(greeted) => greeted.map_err(io::Error::other)?,
        Err(late) => {
            // Clients open connections ahead of need; who begins means to go on.
            if frames.has_begun() {
                leave_word(&peer, &entry, Breach::Unended);
            }
            return Err(late.into());
        }
    };
    let (ending, end) = (frames.clone(), peer.clone());
    let client = Arc::new(Client {
        peer,
        entry,
        spoken: Spoken::Http2,
        tls,
        guard: GuardHandle::default(),
        deadlines,
        familiar: Familiar::default(),
        owner: OnceLock::new(),
        route: Route::default(),
        handover: Handover::default(),
    });
    let (mut streams, sockets) = (JoinSet::new(), Arc::default());
    let served = carry(connection, &client, &frames, &mut streams, &sockets).await;
    // The connection is gone: what is still under way has nobody to answer to, and leaves its record.
    streams.shutdown().await;
    if let Some(breach) = ending.breach() {
        leave_word(&end, &client.entry, breach);
    }
    served
}

/// The record of a connection that went too far.
fn leave_word(peer: &Peer, entry: &Entry, breach: Breach) {
    meters::refused(breach.as_str());
    drop(peer.ended(Ended::because(breach.as_str()).at(entry)));
}

/// Drives the connection.
async fn carry<IO>(
    mut connection: Connection<IO, Bytes>,
    client: &Arc<Client>,
    frames: &FrameHandle,
    streams: &mut JoinSet<()>,
    sockets: &Arc<Open>,
) -> io::Result<()>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    let mut stage = client.peer.shared.stage.subscribe();
    let (mut next, mut pulse) = (Stage::Draining, Pulse::new(connection.ping_pong()));
    let mut width = Width::new(limits::H2_STREAM_WINDOW, limits::H2_STREAMS);
    let mut grant = Grant::new();
    loop {
        let (open, idle) = (streams.len(), streams.is_empty());
        tokio::select! {
            biased;
            came = poll_fn(|cx| poll_next(&mut connection, (&mut width, &mut grant), frames, open, cx)) => match came {
                Some(Some(Ok((request, respond)))) => {
                    streams.spawn(stream(Arc::clone(client), frames.clone(), Arc::clone(sockets), request, respond));
                }
                Some(Some(Err(error))) => return Err(io::Error::other(error)),
                Some(None) => return Ok(()),
                None => {
                    pulse.ask();
                    width.asked();
                }
            },
            Some(_) = streams.join_next(), if !idle => pulse.rest(),
            breach = frames.breached() => {
                connection.abrupt_shutdown(breach.reason());
                let goodbye = async { while connection.accept().await.is_some() {} };
                // A client that reads nothing need not be told.
                let _ = timeout(limits::REFUSED_DRAIN, goodbye).await;
                return Err(io::ErrorKind::InvalidData.into());
            }
            beat = pulse.beat(idle) => match beat {
                Beat::Alive => width.answered(),
                Beat::Unused => connection.graceful_shutdown(),
                Beat::Dead => {
                    client.deadlines.given_up();
                    return Err(io::ErrorKind::TimedOut.into());
                }
            },
            () = listener::ended(&mut stage, next) => match next {
                Stage::Running | Stage::Draining => {
                    connection.graceful_shutdown();
                    next = Stage::Cut;
                }
                Stage::Cut => {
                    // WebSockets tell both ends of it.
                    let farewells = async {
                        while sockets.count() > 0 && connection.accept().await.is_some() {}
                    };
                    tokio::select! {
                        () = farewells => {}
                        () = sockets.none(limits::CUT_FAREWELL) => {}
                    }
                    // What is under way must not look as if it had ended.
                    client.peer.told.reset.store(true, Ordering::Relaxed);
                    return Ok(());
                }
            },
        }
    }
}

/// The next stream, if any comes; or nothing but enough of bodies to ask how long their way is.
fn poll_next<IO>(
    connection: &mut Connection<IO, Bytes>,
    (width, grant): (&mut Width, &mut Grant),
    frames: &FrameHandle,
    open: usize,
    cx: &mut Context<'_>,
) -> Poll<Option<Accepted>>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    if let Some(windows) = width.change(|| open) {
        let taken = connection.set_initial_window_size(windows.stream).is_ok();
        width.changed(windows, taken);
    }
    let (room, most) = width.room(open);
    loop {
        match connection.poll_accept(cx) {
            Poll::Ready(accepted) => return Poll::Ready(Some(accepted)),
            Poll::Pending => match grant.change(cx, frames.came(), room, most) {
                // It has to be sent.
                Some(window) => connection.set_target_window_size(window),
                None if width.wants_measure(frames.received()) => return Poll::Ready(None),
                None => return Poll::Pending,
            },
        }
    }
}

type Accepted = Option<Result<(Request<RecvStream>, SendResponse<Bytes>), h2::Error>>;

/// One request and its response.
async fn stream(
    client: Arc<Client>,
    frames: FrameHandle,
    sockets: Arc<Open>,
    request: Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
) {
    let expected = request
        .headers()
        .get(header::EXPECT)
        .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"));
    let interim = Arc::new(Interim::new(expected));
    let (mut parts, receive) = request.into_parts();
    parts.extensions.insert(Arc::clone(&interim));
    let (body, kept) = if websocket::is_extended(&parts) {
        let handover = Handover::default();
        parts.extensions.insert(handover.clone());
        (ClientBody::None, Some((receive, handover)))
    } else {
        let idle = headers::patience(&parts.headers);
        (ClientBody::Http2(Received::new(receive, frames.clone(), idle, Some(Arc::clone(&interim)))), None)
    };
    let request = Request::from_parts(parts, body);
    let peer = client.peer.clone();
    let mut answer = pin!(stack().call(Arrival { client, request }));
    let answered = poll_fn(|cx| {
        let answered = answer.as_mut().poll(cx);
        for early in interim.take(|text| peer.cleanse(text) == text) {
            // A client that is gone is noticed below.
            let _ = respond.send_informational(early);
        }
        match answered {
            Poll::Ready(answered) => Poll::Ready(Some(answered)),
            Poll::Pending => respond.poll_reset(cx).map(|_| None),
        }
    });
    // Whoever gave the stream up gets no answer; what was under way leaves its record as it is dropped.
    let Some(Ok(response)) = answered.await else { return };
    if frames.is_malformed(respond.stream_id()) {
        // RFC 9113, section 8.1.1.
        return respond.send_reset(Reason::PROTOCOL_ERROR);
    }
    if let Some((session, receive)) = kept.and_then(|(receive, left)| left.take().zip(Some(receive))) {
        let head = Response::from_parts(response.into_parts().0, ());
        if let Ok(send) = respond.send_response(head, false) {
            let open = sockets.enter();
            Box::pin(session.relay(Duplex::new(receive, send, frames.clone(), open, |_| ()), &[])).await;
            frames.finished();
        }
        return;
    }
    if send(respond, response).await {
        frames.finished();
    }
}

/// Sends a response; whether it was sent to its end.
async fn send(mut respond: SendResponse<Bytes>, response: Response<ReplyBody>) -> bool {
    let (parts, body) = response.into_parts();
    let ended = body.is_end_stream();
    let Ok(stream) = respond.send_response(Response::from_parts(parts, ()), ended) else { return false };
    if ended {
        return true;
    }
    let mut pump = Pump::new(body, stream, Reason::INTERNAL_ERROR);
    let sent = (&mut pump).await;
    if let Err(PumpError::Stalled) = sent {
        pump.body().not_taken();
    }
    sent.is_ok()
}

/// Tells a connection that is used from one that is not, and from one whose client is gone.
struct Pulse {
    pings: Option<PingPong>,
    due: Instant,
    since: Instant,
    asked: bool,
    /// It was told to end.
    resting: bool,
}

enum Beat {
    Alive,
    /// Nothing was asked for a long time.
    Unused,
    Dead,
}

impl Pulse {
    fn new(pings: Option<PingPong>) -> Pulse {
        let now = Instant::now();
        Pulse { pings, due: now + limits::H2_PING, since: now, asked: false, resting: false }
    }

    /// A stream has come to its end.
    fn rest(&mut self) {
        self.since = Instant::now();
        self.resting = false;
    }

    /// Asks now whether its client is there.
    fn ask(&mut self) {
        if !self.asked {
            self.asked = self.pings.as_mut().is_some_and(|pings| pings.send_ping(Ping::opaque()).is_ok());
            self.due = Instant::now() + limits::H2_PING;
        }
    }

    async fn beat(&mut self, idle: bool) -> Beat {
        let asked = self.asked;
        let pings = &mut self.pings;
        let answered = poll_fn(|cx| match pings {
            Some(pings) if asked => pings.poll_pong(cx).map(|pong| pong.is_ok()),
            Some(_) | None => Poll::Pending,
        });
        tokio::select! {
            answered = answered => {
                self.asked = false;
                return if answered { Beat::Alive } else { Beat::Dead };
            }
            () = tokio::time::sleep_until(self.due) => {}
        }
        if self.asked {
            return Beat::Dead;
        }
        self.due = Instant::now() + limits::H2_PING;
        if idle {
            if self.resting {
                return Beat::Dead;
            }
            self.resting = self.since.elapsed() >= limits::KEEP_ALIVE_TIMEOUT;
            return if self.resting { Beat::Unused } else { Beat::Alive };
        }
        self.ask();
        Beat::Alive
    }
}
