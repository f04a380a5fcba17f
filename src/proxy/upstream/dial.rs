//! A new connection to an upstream: resolved, checked, connected, verified.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Instant, Sleep};

use super::Parent;
use super::address::AddressGuard;
use super::exchange::Live;
use super::lines::Line;
use super::pool::Key;
use super::posture::{Noted, Posture};
use super::resolve::Resolver;
use super::transport::Transport;
use super::{Peer, UpstreamError};
use crate::flow::{Destination, Host, Scheme};
use crate::limits;
use crate::platform::socket;
use crate::proxy::ahead::Ahead;
use crate::proxy::http2::Greeting;
use crate::proxy::{DestinationConfig, Rehearsal};
use crate::tls::{self, Alpn, Negotiated, UpstreamTls, UpstreamTlsFault};

#[derive(Debug)]
pub(super) struct Dialer {
    /// Exchanged as a whole, when its files are read again.
    pub(super) trust: ArcSwap<InForce>,
    pub(super) addresses: AddressGuard,
    pub(super) resolver: Resolver,
    pub(super) connect_timeout: Duration,
    pub(super) mark: Option<u32>,
    pub(super) parent: Option<Parent>,
    pub(super) rehearsal: Option<Arc<Rehearsal>>,
    pub(super) posture: Posture,
}

/// How upstreams are verified.
#[derive(Debug)]
pub(super) struct InForce {
    pub(super) tls: Arc<UpstreamTls>,
    pub(super) destinations: Vec<DestinationConfig>,
}

impl InForce {
    /// What is configured for this host alone; the first that names it.
    pub(super) fn destination(&self, host: &Host) -> Option<&DestinationConfig> {
        self.destinations.iter().find(|destination| destination.hosts.contains(host))
    }

    /// How this host is verified.
    pub(super) fn tls(&self, host: &Host) -> &Arc<UpstreamTls> {
        self.destination(host).map_or(&self.tls, |destination| &destination.tls)
    }
}

impl Dialer {
    /// A connection for one request at a time.
    pub(super) async fn dial(&self, key: Arc<Key>) -> Result<Box<Live>, UpstreamError> {
        match self.dial_for(key, Alpn::Http1).await? {
            Made::Live(live) => Ok(live),
            Made::Line(line) | Made::Refused(line, _) => {
                Err(unfit(&line.key, line.peer.address, "upstream chose a protocol that was not offered"))
            }
        }
    }

    /// A connection in a protocol that the upstream chooses of those that are offered. In clear text its first word
    /// tells.
    pub(super) async fn dial_for(&self, key: Arc<Key>, alpn: Alpn) -> Result<Made, UpstreamError> {
        let host = &key.destination.host;
        let staged = self.rehearsal.as_ref().and_then(|rehearsal| rehearsal.stage(host));
        let (tcp, address) = match (&staged, key.via) {
            (Some((address, _)), _) => self.race(host, address.port(), vec![*address]).await?,
            (None, Some(via)) => self.connect_at(host, via).await?,
            (None, None) => self.connect(host, key.destination.port).await?,
        };
        let proof = match &staged {
            Some((_, tls)) => Arc::clone(tls),
            None => Arc::clone(self.trust.load().tls(host)),
        };
        // What a self-test connects to is no destination.
        let note = |noted| staged.is_none().then(|| self.posture.note(host, key.destination.port, noted));
        let (transport, tls_version, spoken) = match key.destination.scheme {
            Scheme::Http => {
                note(Noted::Clear);
                (Transport::Plain(tcp), None, alpn)
            }
            Scheme::Https => {
                let handshake = tokio::time::timeout(
                    limits::HANDSHAKE_TIMEOUT,
                    proof.connect(host, alpn, Ahead::new(tcp)),
                );
                let stream = match handshake.await {
                    Ok(Ok(stream)) => stream,
                    Ok(Err(source)) => {
                        // An upstream that speaks another protocol is asked again.
                        if source.fault != UpstreamTlsFault::NoProtocol {
                            note(Noted::Failed(source.fault.as_str()));
                        }
                        return Err(UpstreamError::Tls { host: host.clone(), address, source });
                    }
                    Err(_) => {
                        note(Noted::Failed("timeout"));
                        return Err(UpstreamError::TlsTimeout { host: host.clone(), address });
                    }
                };
                let terms = Negotiated::of(stream.get_ref().1);
                let version = terms.version;
                note(Noted::Secured(terms));
                let spoken = tls::agreed(stream.get_ref().1.alpn_protocol()).unwrap_or(Alpn::Http1);
                (Transport::Tls(Box::new(stream)), Some(version), spoken)
            }
        };
        let peer = Peer { address, tls_version };
        match spoken {
            Alpn::Http1 => Live::start(transport, peer, Arc::clone(&key))
                .await
                .map(Made::Live)
                .map_err(|error| unfit(&key, address, error)),
            Alpn::Http2 => {
                let line = Line::start(transport, peer, Arc::clone(&key)).await;
                let line = line.map_err(|error| unfit(&key, address, error))?;
                Ok(if tls_version.is_some() { Made::Line(line) } else { greeted(line).await })
            }
        }
    }

    /// Connects to the first address that answers, of those that may be dialled.
    pub(super) async fn connect(
        &self,
        host: &Host,
        port: u16,
    ) -> Result<(TcpStream, SocketAddr), UpstreamError> {
        if let Some(parent) = self.parent_of(host) {
            if let Host::Ip(ip) = host {
                let checked = self.addresses.check(SocketAddr::new(*ip, port));
                checked.map_err(|refusal| UpstreamError::Address { host: host.clone(), refusal })?;
            }
            return self.through(parent, host, port, host).await;
        }
        let found = self.resolver.resolve(host, port).await?;
        let reached = self.reach(host, port, found).await;
        if reached.is_err() {
            self.resolver.forget(host);
        }
        reached
    }

    /// Connects to where a redirected connection was going, whatever its name leads to.
    pub(super) async fn connect_at(
        &self,
        host: &Host,
        via: SocketAddr,
    ) -> Result<(TcpStream, SocketAddr), UpstreamError> {
        match self.parent_of(host) {
            Some(parent) => {
                let checked = self.addresses.check(via);
                checked.map_err(|refusal| UpstreamError::Address { host: host.clone(), refusal })?;
                self.through(parent, host, via.port(), &Host::Ip(via.ip())).await
            }
            None => self.reach(host, via.port(), vec![via]).await,
        }
    }

    fn parent_of(&self, host: &Host) -> Option<&Parent> {
        self.parent.as_ref().filter(|parent| !parent.except.contains(host))
    }

    /// A tunnel that the parent grants; names are resolved, and their addresses chosen, by it.
    async fn through(
        &self,
        parent: &Parent,
        host: &Host,
        port: u16,
        end: &Host,
    ) -> Result<(TcpStream, SocketAddr), UpstreamError> {
        let found = self.resolver.resolve(&parent.host, parent.port).await?;
        let allowed: Vec<SocketAddr> =
            found.iter().copied().filter(|address| self.addresses.check_named(*address).is_ok()).collect();
        let first = found.first().copied().unwrap_or_else(|| SocketAddr::from(([0, 0, 0, 0], parent.port)));
        let fault = |source| UpstreamError::Connect { host: host.clone(), address: first, source };
        let authority = Destination { scheme: Scheme::Https, host: end.clone(), port }.authority();
        let tunnel = async {
            let race = Race::new(allowed, Options { mark: self.mark, source: None });
            let (mut tcp, address) = race.await.map_err(|(_, error)| error)?;
            let _ = tcp.set_nodelay(true);
            parent.tunnel(&mut tcp, &authority).await?;
            Ok((tcp, address))
        };
        let late = || io::Error::new(io::ErrorKind::TimedOut, "parent proxy gave no tunnel in time");
        tokio::time::timeout(self.connect_timeout, tunnel)
            .await
            .unwrap_or_else(|_| Err(late()))
            .map_err(fault)
    }

    async fn reach(
        &self,
        host: &Host,
        port: u16,
        found: Vec<SocketAddr>,
    ) -> Result<(TcpStream, SocketAddr), UpstreamError> {
        let mut allowed = Vec::with_capacity(found.len());
        let mut refused = None;
        for address in found {
            match self.addresses.check(address) {
                Ok(()) => allowed.push(address),
                Err(refusal) => refused = refused.or(Some(refusal)),
            }
        }
        if allowed.is_empty() {
            return Err(match refused {
                Some(refusal) => UpstreamError::Address { host: host.clone(), refusal },
                None => UpstreamError::Resolve {
                    host: host.clone(),
                    reason: "name has no address".to_owned(),
                    timed_out: false,
                },
            });
        }
        self.race(host, port, allowed).await
    }

    /// Connects to the first of these that answers.
    async fn race(
        &self,
        host: &Host,
        port: u16,
        allowed: Vec<SocketAddr>,
    ) -> Result<(TcpStream, SocketAddr), UpstreamError> {
        let first = allowed.first().copied();
        let source = self.trust.load().destination(host).and_then(|destination| destination.source_address);
        let options = Options { mark: self.mark, source };
        let race = tokio::time::timeout(self.connect_timeout, Race::new(allowed, options));
        let (address, source) = match race.await {
            Ok(Ok((stream, address))) => {
                // Heads and last chunks are small; they must not wait for an acknowledgement.
                let _ = stream.set_nodelay(true);
                return Ok((stream, address));
            }
            Ok(Err((address, error))) => (Some(address), error),
            Err(_) => {
                let text = format!("no answer within {} s", self.connect_timeout.as_secs_f32());
                (first, io::Error::new(io::ErrorKind::TimedOut, text))
            }
        };
        let address = address.unwrap_or_else(|| SocketAddr::from(([0, 0, 0, 0], port)));
        Err(UpstreamError::Connect { host: host.clone(), address, source })
    }
}

/// A connection that was made.
pub(super) enum Made {
    /// For one request at a time.
    Live(Box<Live>),
    /// For many.
    Line(Arc<Line>),
    /// It would have been for many, but its upstream did not begin as they do.
    Refused(Arc<Line>, Greeting),
}

/// Waits for an upstream's first word, in clear text.
async fn greeted(line: Arc<Line>) -> Made {
    let greeting = tokio::time::timeout(limits::H2_GREETING, line.frames().greeting()).await;
    match greeting.unwrap_or(Greeting::Silent) {
        Greeting::Http2 => Made::Line(line),
        greeting @ (Greeting::Foreign | Greeting::Silent) => {
            line.close();
            Made::Refused(line, greeting)
        }
    }
}

fn unfit(
    key: &Key,
    address: SocketAddr,
    error: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> UpstreamError {
    UpstreamError::Connect { host: key.destination.host.clone(), address, source: io::Error::other(error) }
}

type Attempt = Pin<Box<dyn Future<Output = io::Result<TcpStream>> + Send>>;

/// Happy eyeballs in short (RFC 8305): families in turn, each attempt with a head start on the next, the first
/// connection wins and the others are dropped.
struct Race {
    waiting: std::vec::IntoIter<SocketAddr>,
    running: Vec<(SocketAddr, Attempt)>,
    next_start: Pin<Box<Sleep>>,
    failed: Option<(SocketAddr, io::Error)>,
    options: Options,
}

/// What a connection is told beside its address.
#[derive(Clone, Copy, Debug, Default)]
struct Options {
    mark: Option<u32>,
    source: Option<IpAddr>,
}

/// One attempt.
async fn attempt(address: SocketAddr, options: Options) -> io::Result<TcpStream> {
    // An address of the other family cannot be the source.
    let source = options.source.filter(|source| source.is_ipv4() == address.is_ipv4());
    if options.mark.is_none() && source.is_none() {
        return TcpStream::connect(address).await;
    }
    let tcp = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    if let Some(mark) = options.mark {
        socket::set_mark(&tcp, mark)?;
    }
    if let Some(source) = source {
        tcp.bind(SocketAddr::new(source, 0)).map_err(|error| {
            io::Error::new(error.kind(), format!("source address {source} cannot be used: {error}"))
        })?;
    }
    tcp.connect(address).await
}

impl Race {
    fn new(addresses: Vec<SocketAddr>, options: Options) -> Self {
        let mut order = families_in_turn(addresses);
        order.truncate(limits::CONNECT_ADDRESSES);
        Race {
            running: Vec::with_capacity(order.len()),
            waiting: order.into_iter(),
            next_start: Box::pin(tokio::time::sleep_until(Instant::now())),
            failed: None,
            options,
        }
    }

    fn poll_running(&mut self, cx: &mut Context<'_>) -> Option<(TcpStream, SocketAddr)> {
        let mut won = None;
        let failed = &mut self.failed;
        self.running.retain_mut(|(address, attempt)| match attempt.as_mut().poll(cx) {
            Poll::Ready(Ok(stream)) => {
                won.get_or_insert((stream, *address));
                false
            }
            Poll::Ready(Err(error)) => {
                *failed = failed.take().or(Some((*address, error)));
                false
            }
            Poll::Pending => true,
        });
        won
    }
}

impl Future for Race {
    type Output = Result<(TcpStream, SocketAddr), (SocketAddr, io::Error)>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        loop {
            if let Some(won) = this.poll_running(cx) {
                return Poll::Ready(Ok(won));
            }
            let due = this.running.is_empty() || this.next_start.as_mut().poll(cx).is_ready();
            match this.waiting.as_slice().is_empty() {
                false if due => {
                    if let Some(address) = this.waiting.next() {
                        this.running.push((address, Box::pin(attempt(address, this.options))));
                    }
                    this.next_start.as_mut().reset(Instant::now() + limits::CONNECT_STAGGER);
                }
                true if this.running.is_empty() => {
                    let none =
                        || (SocketAddr::from(([0, 0, 0, 0], 0)), io::ErrorKind::AddrNotAvailable.into());
                    return Poll::Ready(Err(this.failed.take().unwrap_or_else(none)));
                }
                true | false => return Poll::Pending,
            }
        }
    }
}

/// The resolver's first choice first, then the families by turns, so that one broken family costs one head start.
fn families_in_turn(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first_is_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (first, second): (Vec<_>, Vec<_>) =
        addresses.into_iter().partition(|address| address.is_ipv6() == first_is_v6);
    let longest = first.len().max(second.len());
    let mut second = second.into_iter();
    let mut first = first.into_iter();
    (0..longest).flat_map(|_| [first.next(), second.next()]).flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_take_turns() {
        let parse =
            |list: &[&str]| list.iter().map(|text| text.parse().unwrap()).collect::<Vec<SocketAddr>>();
        let mixed = parse(&["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1"]);
        assert_eq!(families_in_turn(mixed), parse(&["[::1]:1", "1.1.1.1:1", "[::2]:1", "[::3]:1"]));
        assert_eq!(families_in_turn(Vec::new()), Vec::new());
    }
}
