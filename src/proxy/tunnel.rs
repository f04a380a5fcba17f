//! Whether a tunnel is opened, and what is known of one that is not before its first byte goes on.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::net::TcpStream;

use super::meters;
use super::peer::{Ended, FORGOTTEN, Peer};
use super::shared::Edition;
use super::sniff::{Prefixed, Protocol, sniff, sniff_hello};
use super::unopened;
use super::upstream::UpstreamError;
use super::wire::Wire;
use crate::flow::{Host, Side};
use crate::limits;
use crate::policy::{Asked, Interception, Interceptions, Mode, Opaque};

/// What a tunnel turned out to be.
pub(super) enum Entered {
    /// It is served, or refused, as what it speaks.
    As(Protocol, Host),
    Unopened(Box<Unopened>),
}

/// A tunnel that is passed on as it is.
pub(super) struct Unopened {
    pub(super) host: Host,
    pub(super) port: u16,
    pub(super) why: Why,
    /// What decided that.
    edition: Arc<Edition>,
    /// The connection, when it had to be made to see who speaks first.
    pub(super) upstream: Option<(TcpStream, SocketAddr)>,
}

/// Why a tunnel is not opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// A `[[bypass]]`, or a listener that does not list this host.
    Unread(Interception),
    /// Its bytes are of no protocol that could be opened.
    Opaque {
        /// They are scanned as they come.
        inspect: bool,
        /// They would be refused, were it not for `observe`.
        suspended: bool,
    },
}

impl Why {
    /// The word in records and metrics.
    pub(super) const fn as_str(&self) -> &'static str {
        match self {
            Why::Unread(Interception::Bypass(_)) => "bypass",
            Why::Unread(Interception::NotListed) => "not_listed",
            Why::Unread(Interception::Intercept) => "intercept",
            Why::Opaque { .. } => "opaque",
        }
    }
}

/// Looks at the first bytes in a tunnel to `host`.
pub(super) async fn enter(
    peer: &Peer,
    io: &mut Prefixed<Wire>,
    host: &Host,
    port: u16,
) -> io::Result<Entered> {
    let listens = opaque(&peer.shared.edition()).is_some();
    let wait = if listens { limits::SERVER_FIRST_WAIT } else { limits::HEAD_TIMEOUT };
    let mut upstream = None;
    let protocol = match sniff(io, wait).await? {
        Protocol::Silent if listens => match first_word(peer, io, host, port).await? {
            Spoken::Client(protocol) => protocol,
            Spoken::Upstream(connection) => {
                upstream = Some(connection);
                Protocol::Opaque
            }
            Spoken::Nobody => Protocol::Closed,
        },
        protocol => protocol,
    };
    // What is in force once somebody has spoken decides to the tunnel's end, whatever is reloaded after that.
    let edition = peer.shared.edition();
    let ways = &edition.engine.interceptions;
    let opaque = opaque(&edition);
    if peer.is_forgotten(&edition.engine.policy) {
        meters::refused(FORGOTTEN);
        drop(peer.ended(Ended::because(FORGOTTEN).to(host, port).after(io.prefix())));
        return Ok(Entered::As(Protocol::Closed, host.clone()));
    }
    let (host, unread) = match (protocol, opaque) {
        (Protocol::Tls, _) => {
            let (host, unread) = interception(peer, io, (host, port), ways).await?;
            (host, unread.map(Why::Unread))
        }
        (Protocol::Opaque | Protocol::Unfinished, opaque) => (host.clone(), opaque),
        (Protocol::Http1 | Protocol::Http2 | Protocol::Silent | Protocol::Closed, _) => (host.clone(), None),
    };
    Ok(match unread {
        Some(why) => Entered::Unopened(Box::new(Unopened { host, port, why, edition, upstream })),
        None => Entered::As(protocol, host),
    })
}

/// What lets opaque bytes pass, if anything does.
fn opaque(edition: &Edition) -> Option<Why> {
    match (edition.engine.interceptions.opaque, edition.engine.policy.mode()) {
        (Opaque::Block, Mode::Enforce) => None,
        (Opaque::Block, Mode::Observe) => Some(Why::Opaque { inspect: true, suspended: true }),
        (Opaque::Inspect, _) => Some(Why::Opaque { inspect: true, suspended: false }),
        (Opaque::Allow, _) => Some(Why::Opaque { inspect: false, suspended: false }),
    }
}

/// Whom TLS is for, and what is done with it; `None`: it is opened. In a tunnel that was asked for, the hello must name
/// the tunnel's end, since that is what the gate resolves and dials. A redirected connection goes where it was going,
/// and is for the name in its hello.
async fn interception(
    peer: &Peer,
    io: &mut Prefixed<Wire>,
    (end, port): (&Host, u16),
    ways: &Interceptions,
) -> io::Result<(Host, Option<Interception>)> {
    if peer.original.is_none() && !ways.may_bypass(&peer.listener.name) {
        return Ok((end.clone(), None));
    }
    let hello = sniff_hello(io, limits::HANDSHAKE_TIMEOUT).await.inspect_err(|error| {
        if error.kind() == io::ErrorKind::TimedOut {
            meters::handshake_failed(Side::Client, "timeout");
            drop(peer.ended(Ended::because("timeout").to(end, port)));
        }
    })?;
    let Some(hello) = hello else { return Ok((end.clone(), None)) };
    let name = hello.server_name.as_deref().map(str::parse::<Host>);
    let (host, agrees) = match (name, peer.original) {
        (Some(Ok(name)), Some(_)) => (name, true),
        (Some(Ok(name)), None) => (end.clone(), name == *end),
        (Some(Err(_)), _) => (end.clone(), false),
        // A client names no address in its hello.
        (None, _) => (end.clone(), matches!(end, Host::Ip(_))),
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let asked = Asked {
        host: &host,
        client: peer.address,
        listener: &peer.listener.name,
        veiled: hello.veiled || !agrees,
        now: i64::try_from(now).unwrap_or(i64::MAX),
    };
    let unread = match ways.decide(&asked) {
        Interception::Intercept => None,
        unread @ (Interception::Bypass(_) | Interception::NotListed) => Some(unread),
    };
    // A name that leads elsewhere earns nothing.
    let unread = match (unread, peer.original) {
        (Some(unread), Some(original)) => {
            peer.shared.upstreams.leads_to(&host, original).await.then_some(unread)
        }
        (unread, _) => unread,
    };
    Ok((host, unread))
}

/// Connects to where a tunnel goes: where it was going, if it was redirected.
async fn connect(peer: &Peer, host: &Host, port: u16) -> Result<(TcpStream, SocketAddr), UpstreamError> {
    match peer.original {
        Some(original) => peer.shared.upstreams.connect_at(host, original).await,
        None => peer.shared.upstreams.connect(host, port).await,
    }
}

enum Spoken {
    Client(Protocol),
    Upstream((TcpStream, SocketAddr)),
    Nobody,
}

/// Connects for a client that keeps silent, and waits until one side speaks.
async fn first_word(peer: &Peer, io: &mut Prefixed<Wire>, host: &Host, port: u16) -> io::Result<Spoken> {
    let (tcp, address) = match connect(peer, host, port).await {
        Ok(connected) => connected,
        Err(error) => {
            unreachable(peer, host, port, &error);
            return Ok(Spoken::Nobody);
        }
    };
    tokio::select! {
        biased;
        protocol = sniff(io, limits::TUNNEL_IDLE) => Ok(match protocol? {
            Protocol::Silent | Protocol::Closed => Spoken::Nobody,
            protocol => Spoken::Client(protocol),
        }),
        readable = tcp.readable() => {
            readable?;
            Ok(Spoken::Upstream((tcp, address)))
        }
    }
}

/// Leaves word of a tunnel whose end cannot be had.
pub(super) fn unreachable(peer: &Peer, host: &Host, port: u16, error: &UpstreamError) {
    meters::upstream_failed(error.as_str());
    // Nothing is answered, so that nobody waits for the record.
    drop(peer.ended(Ended::because("unreachable").to(host, port).saying(error.to_string())));
}

/// Carries what was not opened to its end.
pub(super) async fn carry(peer: Peer, io: Prefixed<Wire>, tunnel: Box<Unopened>) -> io::Result<()> {
    let Unopened { host, port, why, edition, upstream } = *tunnel;
    let connected = match upstream {
        Some(connected) => Ok(connected),
        None => connect(&peer, &host, port).await,
    };
    match connected {
        Ok((tcp, address)) => {
            meters::unopened(why.as_str());
            unopened::carry(&peer, io, tcp, unopened::To { host, port, address, why, edition }).await
        }
        Err(error) => {
            unreachable(&peer, &host, port, &error);
            Ok(())
        }
    }
}
