//! One client connection: what it speaks, whom it is for, and the requests on it.

use std::future::poll_fn;
use std::io;
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};

use bytes::{Bytes, BytesMut};
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tower::Service;

use super::connect;
use super::deadline::Deadlined;
use super::exchange::{Client, Spoken};
use super::familiar::Familiar;
use super::guard::Guard;
use super::http2;
use super::incoming::ClientBody;
use super::layer::Arrival;
use super::listener;
use super::meters;
use super::names::Entry;
use super::peer::{Ended, Peer};
use super::pinned;
use super::secure;
use super::shared::{Shared, Stage};
use super::sniff::{Prefixed, Protocol, sniff, sniff_idle};
use super::stack::stack;
use super::tunnel::{self, Entered};
use super::upstream::{Asked, Route};
use super::waking::Waking;
use super::way;
use super::websocket::Handover;
use super::wire::{Told, Wire};
use super::{ListenerConfig, ListenerKind};
use crate::flow::{ClientAddr, Destination, Host, Scheme, Side};
use crate::limits;
use crate::tls::{self, Alpn};

/// Serves a connection to its end.
pub(super) async fn serve(
    shared: Arc<Shared>,
    listener: Arc<ListenerConfig>,
    tcp: TcpStream,
    address: ClientAddr,
) {
    let told = Arc::<Told>::default();
    let original = way::original(&listener, &tcp);
    let mut io = Prefixed::new(Bytes::new(), Wire::new(tcp, Arc::clone(&told)));
    let mut stage = shared.stage.subscribe();
    let mut peer = Peer::new(Arc::clone(&shared), listener, address, original, told);
    let mut arrived = tokio::select! {
        arrived = arrive(&mut peer, &mut io) => arrived,
        // Until a request has begun there is nothing to wait for.
        () = listener::ended(&mut stage, Stage::Draining) => return,
    };
    if let Ok(Some(Arrived::Own(own, None))) = arrived {
        let entered = tokio::select! {
            entered = Box::pin(enter(&mut peer, io, &own)) => entered,
            () = listener::ended(&mut stage, Stage::Draining) => return,
        };
        match entered {
            Some(inside) => (io, arrived) = inside,
            None => return,
        }
    }
    // What a connection turns out to be for gets its memory then: one that waits to be used, as many tunnels do, needs
    // little.
    let served = match arrived {
        Ok(Some(Arrived::Plain(entry))) => {
            let tls = peer.tls;
            Box::pin(requests(peer, io, entry, tls)).await
        }
        Ok(Some(Arrived::Own(own, Some(entry)))) => {
            let greeted = tokio::select! {
                greeted = Box::pin(secure::greet(&mut peer, io, &own)) => greeted,
                () = listener::ended(&mut stage, Stage::Draining) => return,
            };
            match greeted {
                Some(io) => {
                    let tls = peer.tls.unwrap_or_default();
                    Box::pin(secured(peer, Greeted { io, entry, tls })).await
                }
                None => Ok(()),
            }
        }
        // What is inside the listener's own TLS asks for no more of it.
        Ok(Some(Arrived::Own(_, None))) => Ok(()),
        Ok(Some(Arrived::Unopened(tunnel))) => Box::pin(tunnel::carry(peer, io, tunnel)).await,
        Ok(Some(Arrived::Http2(entry))) => {
            let tls = peer.tls;
            Box::pin(http2::serve(peer, io, entry, tls)).await
        }
        Ok(Some(Arrived::Tls(host, port))) => {
            let greeted = tokio::select! {
                greeted = Box::pin(greet(&peer, io, host, port)) => greeted,
                () = listener::ended(&mut stage, Stage::Draining) => return,
            };
            match greeted {
                Some(greeted) => Box::pin(secured(peer, greeted)).await,
                None => Ok(()),
            }
        }
        Ok(None) => Ok(()),
        Err(error) => Err(error),
    };
    if let Err(error) = served {
        // Clients come and go: nothing that an operator could mend. Why an HTTP/2 connection ends its client may say
        // in words of its own.
        let cleansed = |text: String| shared.edition().engine.matcher.cleanse(&text);
        tracing::debug!(client = %address.ip, error = %cleansed(error.to_string()), "client connection ended");
    }
}

/// What a connection turned out to be for.
pub(super) enum Arrived {
    Plain(Entry),
    /// HTTP/2 without TLS.
    Http2(Entry),
    /// TLS in a tunnel.
    Tls(Host, u16),
    Unopened(Box<tunnel::Unopened>),
    /// TLS for this listener itself, and what its requests are for, where that is known without them.
    Own(tls::ListenerTls, Option<Entry>),
}

/// Goes into the TLS that an explicit listener speaks itself, and looks what comes in it.
async fn enter(
    peer: &mut Peer,
    io: Prefixed<Wire>,
    own: &tls::ListenerTls,
) -> Option<(Prefixed<Wire>, io::Result<Option<Arrived>>)> {
    let stream = secure::greet(peer, io, own).await?;
    let mut io = Prefixed::new(Bytes::new(), Wire::Tls(Box::new(stream)));
    let arrived = explicit(peer, &mut io).await;
    Some((io, arrived))
}

async fn arrive(peer: &mut Peer, io: &mut Prefixed<Wire>) -> io::Result<Option<Arrived>> {
    if !way::introduce(peer, io).await? {
        return Ok(None);
    }
    match &peer.listener.kind {
        ListenerKind::Explicit => explicit(peer, io).await,
        ListenerKind::Transparent(_) => way::redirected(peer, io).await,
        ListenerKind::Reverse(reverse) => way::reversed(peer, io, reverse).await,
    }
}

async fn explicit(peer: &mut Peer, io: &mut Prefixed<Wire>) -> io::Result<Option<Arrived>> {
    let (reason, hint) = match sniff(io, limits::HEAD_TIMEOUT).await? {
        Protocol::Tls if peer.owes_tls() => {
            return Ok(peer.listener.tls.clone().map(|own| Arrived::Own(own, None)));
        }
        Protocol::Http1 | Protocol::Http2 if peer.owes_tls() => {
            ("cleartext", "this proxy speaks TLS: name it with an https:// URL")
        }
        Protocol::Http1 if connect::is_next(io.prefix()) => {
            return match connect::accept(peer, io).await? {
                Some((host, port)) => look_into(peer, io, host, port).await,
                None => Ok(None),
            };
        }
        Protocol::Http1 => return Ok(Some(Arrived::Plain(Entry::Absolute))),
        Protocol::Unfinished => {
            let ended = Ended::late().after(&io.prefix().clone());
            return peer.turn_late_away(io, ended).await.map(|()| None);
        }
        // Clients open connections ahead of need: nothing was asked.
        Protocol::Silent | Protocol::Closed => return Ok(None),
        Protocol::Tls => {
            ("tls_to_proxy", "this proxy does not speak TLS itself: name it with an http:// URL")
        }
        Protocol::Http2 => ("http2", "this proxy is spoken to in HTTP/1.1"),
        Protocol::Opaque => ("opaque", "this is an HTTP proxy, and what was sent is not HTTP"),
    };
    meters::refused(reason);
    peer.turn_away(io, Ended::because(reason).after(&io.prefix().clone()), hint).await?;
    Ok(None)
}

/// Looks into a tunnel that was granted.
async fn look_into(
    peer: &Peer,
    io: &mut Prefixed<Wire>,
    host: Host,
    port: u16,
) -> io::Result<Option<Arrived>> {
    let protocol = match tunnel::enter(peer, io, &host, port).await? {
        Entered::As(protocol, _) => protocol,
        Entered::Unopened(tunnel) => return Ok(Some(Arrived::Unopened(tunnel))),
    };
    let reason = match protocol {
        Protocol::Tls => return Ok(Some(Arrived::Tls(host, port))),
        Protocol::Http1 => {
            let destination = Destination { scheme: Scheme::Http, host, port };
            return Ok(Some(Arrived::Plain(Entry::Tunnel(destination))));
        }
        Protocol::Http2 => {
            let destination = Destination { scheme: Scheme::Http, host, port };
            return Ok(Some(Arrived::Http2(Entry::Tunnel(destination))));
        }
        Protocol::Closed => return Ok(None),
        Protocol::Unfinished => {
            let ended = Ended::late().to(&host, port).after(&io.prefix().clone());
            return peer.turn_late_away(io, ended).await.map(|()| None);
        }
        Protocol::Opaque => "opaque",
        Protocol::Silent => "silent",
    };
    meters::refused(reason);
    let ended = Ended::because(reason).to(&host, port).after(io.prefix());
    // Nothing is answered, so that nobody waits for the record.
    drop(peer.ended(ended));
    Ok(None)
}

/// A client whose handshake is done.
struct Greeted {
    io: tls::ClientStream<Prefixed<Wire>>,
    entry: Entry,
    tls: &'static str,
}

/// Serves what a client speaks in TLS: as it was agreed on, or else as its first bytes say.
async fn secured(peer: Peer, greeted: Greeted) -> io::Result<()> {
    let Greeted { io, entry, tls } = greeted;
    match tls::agreed(io.get_ref().1.alpn_protocol()) {
        Some(Alpn::Http1) => requests(peer, io, entry, Some(tls)).await,
        Some(Alpn::Http2) => http2::serve(peer, io, entry, Some(tls)).await,
        None => {
            let mut stage = peer.shared.stage.subscribe();
            let mut io = Prefixed::new(Bytes::new(), io);
            let spoken = tokio::select! {
                spoken = sniff_idle(&mut io, limits::KEEP_ALIVE_TIMEOUT) => spoken?,
                () = listener::ended(&mut stage, Stage::Draining) => return Ok(()),
            };
            match spoken {
                Protocol::Http2 => http2::serve(peer, io, entry, Some(tls)).await,
                Protocol::Silent | Protocol::Closed => close(io).await,
                Protocol::Unfinished => {
                    let ended = Ended::late().at(&entry).after(&io.prefix().clone());
                    peer.turn_late_away(&mut io, ended).await
                }
                // What is no HTTP is answered by those who know its rules.
                Protocol::Http1 | Protocol::Tls | Protocol::Opaque => {
                    requests(peer, io, entry, Some(tls)).await
                }
            }
        }
    }
}

/// Shakes hands with a client in its tunnel, under the name it asked for.
async fn greet(peer: &Peer, io: Prefixed<Wire>, host: Host, port: u16) -> Option<Greeted> {
    let shake = async {
        let start = tls::LazyConfigAcceptor::new(Default::default(), io)
            .await
            .map_err(|error| tls::client_fault(&error))?;
        let sni = start.client_hello().server_name().map(str::parse::<Host>).transpose();
        // A name that is none agrees with nothing.
        let (shown, agrees) = match sni {
            Ok(None) => (None, true),
            Ok(Some(name)) => {
                let agrees = name == host;
                (Some(name), agrees)
            }
            Err(_) => (None, false),
        };
        let offers = tls::offers_http2(&start.client_hello());
        let alpn = if offers { offered(peer, &host, port, agrees).await } else { Alpn::Http1 };
        let leaves = peer.shared.leaves.load_full();
        let config = leaves.server_config(shown.as_ref().unwrap_or(&host), alpn).map_err(|error| {
            tracing::error!(%error, "leaf cannot be minted");
            "leaf_not_minted"
        })?;
        let stream = start.into_stream(config).await.map_err(|error| tls::client_fault(&error))?;
        Ok((stream, agrees))
    };
    match timeout(limits::HANDSHAKE_TIMEOUT, shake).await {
        Ok(Ok((io, agrees))) => {
            let tls = tls::version_str(io.get_ref().1.protocol_version());
            let destination = Destination { scheme: Scheme::Https, host, port };
            let entry = if agrees { Entry::Tunnel(destination) } else { Entry::Fronted(destination) };
            Some(Greeted { io, entry, tls })
        }
        Ok(Err(reason)) => not_greeted(peer, &host, port, reason),
        Err(_) => not_greeted(peer, &host, port, "timeout"),
    }
}

/// What a client that speaks HTTP/2 is offered: what its upstream chose, so that neither is spoken to in a protocol
/// that the other lacks. An upstream that is not known is asked, over a connection that carries no request yet.
async fn offered(peer: &Peer, host: &Host, port: u16, agrees: bool) -> Alpn {
    let destination = Destination { scheme: Scheme::Https, host: host.clone(), port };
    // A name is looked at before it is resolved; what is refused needs no upstream, only somebody to say so.
    let shown = host.to_string();
    if !agrees || peer.cleanse(&shown) != shown || peer.refuses(&destination) {
        return Alpn::Http2;
    }
    let asked = Asked {
        destination: &destination,
        tenant: &peer.listener.tenant,
        via: peer.original,
        owner: None,
        route: None,
    };
    match timeout(limits::ALPN_WAIT, peer.shared.upstreams.speaks(&asked)).await {
        Ok(Some(Spoken::Http1)) => Alpn::Http1,
        // The request will be told what is wrong with its upstream.
        Ok(Some(Spoken::Http2) | None) | Err(_) => Alpn::Http2,
    }
}

/// Leaves word of a handshake that failed: a client that pins certificates needs a bypass, and somebody must learn
/// of it.
fn not_greeted(peer: &Peer, host: &Host, port: u16, reason: &'static str) -> Option<Greeted> {
    meters::handshake_failed(Side::Client, reason);
    let ended = Ended::because(reason).to(host, port);
    if tls::is_refusal(reason) {
        drop(peer.ended(ended.saying(pinned::notice(peer, host, reason))));
        return None;
    }
    let shown = peer.cleanse(&host.to_string());
    tracing::info!(client = %peer.address.ip, host = %shown, reason, "TLS handshake with a client failed");
    drop(peer.ended(ended));
    None
}

/// Serves the requests of a connection until it ends, or the gate does.
async fn requests<IO>(peer: Peer, io: IO, entry: Entry, tls: Option<&'static str>) -> io::Result<()>
where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut stage = peer.shared.stage.subscribe();
    let end = peer.clone();
    let (io, deadlines) =
        Deadlined::new(io, Some(limits::KEEP_ALIVE_TIMEOUT), Some(limits::WRITE_STALL_TIMEOUT));
    let (guarded, guard) = Guard::requests(io, BytesMut::new());
    let guarded = guarded.awaiting(Arc::clone(&peer.told.awaits));
    let client = Arc::new(Client {
        peer,
        entry,
        spoken: Spoken::Http1,
        tls,
        guard,
        deadlines,
        familiar: Familiar::default(),
        owner: OnceLock::new(),
        route: Route::default(),
        handover: Handover::default(),
    });
    let (handover, reading) = (client.handover.clone(), client.guard.clone());
    let service = service_fn(move |request: Request<Incoming>| {
        stack().call(Arrival { client: Arc::clone(&client), request: request.map(ClientBody::Http1) })
    });
    let mut connection = http1::Builder::new()
        // The guard bounds the time of a head from its first byte, the deadlines that of an idle connection:
        // hyper's own time-out knows but one figure for both.
        .header_read_timeout(None)
        // Its bound on fields is `HEAD_FIELDS` by itself; told so, it would clear its tables for every head.
        .half_close(true)
        .auto_date_header(false)
        .serve_connection(TokioIo::new(guarded), service);
    let (mut next, waking) = (Stage::Draining, Waking::new());
    let ended = loop {
        tokio::select! {
            biased;
            ended = poll_fn(|cx| waking.poll(cx, |cx| connection.poll_without_shutdown(cx))) => break ended,
            () = listener::ended(&mut stage, next) => match next {
                Stage::Running | Stage::Draining => {
                    Pin::new(&mut connection).graceful_shutdown();
                    next = Stage::Cut;
                }
                Stage::Cut => {
                    // What is under way must not look as if it had ended.
                    end.told.reset.store(true, Ordering::Relaxed);
                    return Ok(());
                }
            },
        }
    };
    if ended.as_ref().is_err_and(hyper::Error::is_user) {
        // A response was cut: its end must not look like one.
        return ended.map_err(io::Error::other);
    }
    let parts = connection.into_parts();
    let (io, stash) = parts.io.into_inner().into_parts();
    if let Some(session) = handover.take() {
        // Boxed: connections that never become one have no room for it.
        Box::pin(session.relay(io, &[&parts.read_buf, &stash])).await;
        return Ok(());
    }
    match end.has_unread() || reading.is_in_body() {
        true => linger(io).await?,
        false => close(io).await?,
    }
    ended.map_err(io::Error::other)
}

async fn close<IO: AsyncWrite + Unpin>(mut io: IO) -> io::Result<()> {
    timeout(limits::REFUSED_DRAIN, io.shutdown()).await.unwrap_or(Ok(()))
}

/// Closes so that the client can read what it was sent: a socket closed over unread bytes resets the connection,
/// and takes a refusal with it that the client has not read yet.
pub(super) async fn linger<IO: AsyncRead + AsyncWrite + Unpin>(mut io: IO) -> io::Result<()> {
    let drain = async {
        io.shutdown().await?;
        let mut left = limits::REFUSED_DRAIN_BYTES;
        let mut sink = [0u8; 4096];
        while left > 0 {
            match io.read(&mut sink).await? {
                0 => break,
                read => left = left.saturating_sub(read),
            }
        }
        Ok(())
    };
    timeout(limits::REFUSED_DRAIN, drain).await.unwrap_or(Ok(()))
}

#[cfg(test)]
mod tests {
    use std::future::Future;

    use super::*;

    fn size_of_future<A, B, C, D, F: Future>(_: impl FnOnce(A, B, C, D) -> F) -> usize {
        size_of::<F>()
    }

    #[test]
    fn a_connection_that_waits_to_be_used_needs_little() {
        let size = size_of_future(serve);
        assert!(size <= 16 * 1024, "{size}");
    }
}
