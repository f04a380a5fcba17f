//! The way to upstreams: which addresses may be dialled, how they are reached, and the connections kept for reuse.
//!
//! Over HTTP/1 an exchange spawns nothing: the future that drives a connection is polled by whoever awaits the response
//! and then by whoever reads its body, on the same task, and goes back to the pool, unpolled, when the body has ended.
//! So backpressure is the socket's own and a dropped body closes its connection. An HTTP/2 connection is shared by many
//! exchanges and driven by a task of its own; there, backpressure is each stream's window.

mod address;
mod alpn;
mod body;
mod dial;
mod error;
mod exchange;
mod lines;
mod parent;
mod past;
mod pool;
mod posture;
mod resolve;
mod spare;
mod stream;
mod transport;

#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use arc_swap::ArcSwap;
use http::{Request, Response};
use http_body::Body;
use tokio::time::Instant;

pub(crate) use address::AddressRefusal;
pub use address::never_dialled;
pub(crate) use body::UpstreamBody;
pub(crate) use error::{CERTIFICATE, Fault, SendError, UpstreamBodyError, UpstreamError};
pub(crate) use exchange::BoxError;
pub use parent::Parent;
pub(crate) use pool::{PoolStats, Route};
pub use posture::Seen;

use self::address::AddressGuard;
use self::alpn::Choices;
use self::dial::{Dialer, InForce, Made};
use self::exchange::{Live, RequestBody};
use self::lines::{Lines, Slot};
use self::pool::{Key, Pool};
use self::posture::Posture;
use self::resolve::Resolver;
use self::spare::{Kept, Spare};
use self::stream::Streamed;
use super::exchange::Spoken;
use super::http2::{Greeting, Interim};
use super::patience::Patience;
use super::websocket::Switched;
use super::{DestinationConfig, UpstreamConfig};
use crate::flow::{Destination, FlowId, Host, Scheme};
use crate::limits;
use crate::tls::{Alpn, UpstreamTls, UpstreamTlsFault};

/// Who is on the other end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    /// `TLSv1.3` and so on; nothing in clear text.
    pub(crate) tls_version: Option<&'static str>,
}

/// Which connections will do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) destination: &'a Destination,
    pub(crate) tenant: &'a Arc<str>,
    /// Where a redirected connection was going; without it, the name says.
    pub(crate) via: Option<SocketAddr>,
    /// The client connection whose own they must be.
    pub(crate) owner: Option<FlowId>,
    /// Where whoever asks remembers the way.
    pub(crate) route: Option<&'a Route>,
}

/// All upstreams, as one configuration reaches them.
#[derive(Debug)]
pub(crate) struct Upstreams {
    dialer: Dialer,
    pool: Arc<Pool>,
    lines: Arc<Lines>,
    choices: Choices,
    patience: Patience,
}

impl Upstreams {
    /// `own` are the addresses that must never be dialled, `idle` how many connections are kept. Called on a runtime, which looks after the pool.
    pub(crate) fn new(config: UpstreamConfig, own: Vec<SocketAddr>, idle: usize) -> Arc<Upstreams> {
        let pool = Arc::new(Pool::new(idle));
        let lines = Arc::<Lines>::default();
        tokio::spawn(pool::sweep(Arc::downgrade(&pool), Arc::downgrade(&lines)));
        Arc::new(Upstreams {
            dialer: Dialer {
                trust: ArcSwap::from_pointee(InForce { tls: config.tls, destinations: config.destinations }),
                addresses: AddressGuard::new(config.allow_addresses, own),
                resolver: Resolver::new(config.resolve),
                connect_timeout: config.connect_timeout,
                mark: config.mark,
                parent: config.parent,
                rehearsal: config.rehearsal,
                posture: Posture::default(),
            },
            pool,
            lines,
            choices: Choices::new(),
            patience: Patience { first: config.first_byte, events: config.events_idle },
        })
    }

    /// How long the sender of responses may be silent.
    pub(crate) fn patience(&self) -> Patience {
        self.patience
    }

    /// What destinations negotiated since the start, and how many connections went to others.
    pub(crate) fn posture(&self) -> (Vec<Seen>, u64) {
        self.dialer.posture.seen()
    }

    fn key(&self, asked: &Asked<'_>) -> Arc<Key> {
        let trust = self.dialer.trust.load().tls(&asked.destination.host).id();
        let make =
            || Key::new(asked.destination.clone(), Arc::clone(asked.tenant), trust, asked.via, asked.owner);
        match asked.route {
            Some(route) => route.key(asked, trust, make),
            None => make(),
        }
    }

    /// [`Upstreams::acquire_at`] where the name leads: a pooled one that is still good, else a new one. No HTTP byte has
    /// been sent over it.
    #[cfg(test)]
    pub(crate) async fn acquire(
        self: &Arc<Self>,
        destination: &Destination,
        tenant: &Arc<str>,
        spoken: Spoken,
    ) -> Result<Lease, UpstreamError> {
        self.acquire_at(&Asked { destination, tenant, via: None, owner: None, route: None }, spoken).await
    }

    /// A connection to send one request over: a pooled one that is still good, else a new one. No HTTP byte has been
    /// sent over it. `spoken` is what the client speaks: its upstream is spoken to in the same protocol, if it knows it.
    pub(crate) async fn acquire_at(
        self: &Arc<Self>,
        asked: &Asked<'_>,
        spoken: Spoken,
    ) -> Result<Lease, UpstreamError> {
        let key = self.key(asked);
        let way = match spoken {
            Spoken::Http1 => self.single(key).await?,
            Spoken::Http2 => self.shared(key, false).await?,
        };
        Ok(Lease { way, upstreams: Arc::clone(self) })
    }

    /// For a client of HTTP/1. An upstream that refuses to speak it is spoken to in HTTP/2.
    async fn single(&self, key: Arc<Key>) -> Result<Way, UpstreamError> {
        if let Some(live) = self.pool.take(&key) {
            return Ok(Way::Live(live));
        }
        if let Some(slot) = self.lines.take_only(&key) {
            return Ok(Way::Slot(slot));
        }
        match self.dialer.dial(Arc::clone(&key)).await {
            Err(UpstreamError::Tls { source, .. }) if source.fault == UpstreamTlsFault::NoProtocol => {
                self.shared(key, true).await
            }
            dialled => dialled.map(Way::Live),
        }
    }

    /// For a client of HTTP/2: a stream of a shared connection, or what the upstream offers instead. `only`: it is
    /// known to speak nothing else.
    async fn shared(&self, key: Arc<Key>, only: bool) -> Result<Way, UpstreamError> {
        let came = Instant::now();
        loop {
            if let Some(way) = self.known(&key) {
                return Ok(way);
            }
            let turn = self.lines.turn(&key);
            // Whoever has it may take as long as a connection may take.
            let patience = limits::RESOLVE_TIMEOUT + self.dialer.connect_timeout + limits::HANDSHAKE_TIMEOUT;
            let Ok(mut turn) = tokio::time::timeout(patience, turn.lock()).await else {
                return Err(UpstreamError::Busy { host: key.destination.host.clone() });
            };
            if let Some(way) = self.known(&key) {
                return Ok(way);
            }
            if self.choices.get(&key) == Some(Spoken::Http1) {
                break;
            }
            if let Some(error) = turn.since(came) {
                return Err(error);
            }
            let made = self.dialer.dial_for(Arc::clone(&key), Alpn::Http2).await;
            if let Some(slot) = made.is_err().then(|| self.lines.take_any(&key)).flatten() {
                // Behind a slow reader is better than nowhere.
                return Ok(Way::Slot(slot));
            }
            match made.inspect_err(|error| turn.because(error))? {
                Made::Live(live) => {
                    self.choices.learn(&key, Spoken::Http1);
                    return Ok(Way::Live(live));
                }
                Made::Line(line) => {
                    self.choices.learn(&key, Spoken::Http2);
                    if let Some(slot) = self.lines.put(line, only) {
                        return Ok(Way::Slot(slot));
                    }
                }
                Made::Refused(_, greeting) => {
                    // One that said nothing may be about to restart: it is asked again the next time.
                    if greeting == Greeting::Foreign {
                        self.choices.learn(&key, Spoken::Http1);
                    }
                    break;
                }
            }
        }
        self.dialer.dial(key).await.map(Way::Live)
    }

    /// What is there already.
    fn known(&self, key: &Arc<Key>) -> Option<Way> {
        if let Some(slot) = self.lines.take(key) {
            return Some(Way::Slot(slot));
        }
        // Clients of HTTP/1 leave connections in the pool, and do not tell what else their upstream speaks.
        match self.choices.get(key)? {
            Spoken::Http1 => self.pool.take(key).map(Way::Live),
            Spoken::Http2 => None,
        }
    }

    /// What an upstream speaks to those who know HTTP/2. One that is not known is asked; the connection that this
    /// takes is kept for the request. `None`: it cannot be had.
    pub(crate) async fn speaks(&self, asked: &Asked<'_>) -> Option<Spoken> {
        let key = self.key(asked);
        if let Some(spoken) = self.choices.get(&key) {
            return Some(spoken);
        }
        match self.shared(Arc::clone(&key), false).await {
            Ok(Way::Live(live)) => self.pool.put(live),
            Ok(Way::Slot(_)) => {}
            Err(error) => {
                tracing::debug!(%error, "upstream cannot be asked what it speaks");
                return None;
            }
        }
        self.choices.get(&key)
    }

    /// Where a name leads, checked: for tunnels, which dial without HTTP.
    pub(crate) async fn connect(
        &self,
        host: &Host,
        port: u16,
    ) -> Result<(tokio::net::TcpStream, SocketAddr), UpstreamError> {
        self.dialer.connect(host, port).await
    }

    /// The same at an address that a redirected connection was going to.
    pub(crate) async fn connect_at(
        &self,
        host: &Host,
        via: SocketAddr,
    ) -> Result<(tokio::net::TcpStream, SocketAddr), UpstreamError> {
        self.dialer.connect_at(host, via).await
    }

    /// Whether an upstream asked for calm of late, so that each client had better have connections of its own to it.
    pub(crate) fn is_strained(&self, asked: &Asked<'_>) -> bool {
        self.lines.is_any_strained() && self.lines.is_strained(&self.key(asked))
    }

    /// Whether a listener of this gate is there.
    pub(crate) fn is_own(&self, address: SocketAddr) -> bool {
        self.dialer.addresses.is_own(address.ip().to_canonical(), address.port())
    }

    /// Whether the gate's own answer for a name has this address.
    pub(crate) async fn leads_to(&self, host: &Host, address: SocketAddr) -> bool {
        self.dialer.resolver.leads_to(host, address).await
    }

    /// Whether TLS with this host is verified with ordinary trust, so that it proves the host's name.
    pub(crate) fn proves(&self, host: &Host) -> bool {
        self.dialer.trust.load().destination(host).is_none_or(|destination| destination.ordinary)
    }

    /// Verifies by this from now on. Connections that were verified before serve no further request.
    pub(crate) fn trust(&self, tls: Arc<UpstreamTls>, destinations: Vec<DestinationConfig>) {
        self.dialer.trust.store(Arc::new(InForce { tls, destinations }));
    }

    pub(crate) fn pool_stats(&self) -> PoolStats {
        let stats = self.pool.stats();
        PoolStats { idle: stats.idle + self.lines.count(), ..stats }
    }
}

/// A connection, or a part of one.
#[derive(Debug)]
enum Way {
    Live(Box<Live>),
    Slot(Slot),
}

/// The right to send one request over one connection. Dropped unused, a connection of its own is closed.
#[derive(Debug)]
pub(crate) struct Lease {
    way: Way,
    upstreams: Arc<Upstreams>,
}

impl Lease {
    pub(crate) fn peer(&self) -> Peer {
        match &self.way {
            Way::Live(live) => live.peer,
            Way::Slot(slot) => slot.line.peer,
        }
    }

    /// Whether the connection has served a request before.
    #[cfg(test)]
    pub(crate) fn is_reused(&self) -> bool {
        match &self.way {
            Way::Live(live) => live.reused,
            Way::Slot(slot) => slot.reused,
        }
    }

    /// Whether the upstream proved its name: TLS verified for it (the only way to be connected over https).
    pub(crate) fn is_proven(&self) -> bool {
        let key = match &self.way {
            Way::Live(live) => &live.key,
            Way::Slot(slot) => &slot.line.key,
        };
        match key.destination.scheme {
            Scheme::Https => self.upstreams.proves(&key.destination.host),
            Scheme::Http => false,
        }
    }

    /// Gives the connection back without having used it.
    pub(crate) fn give_back(self) {
        match self.way {
            Way::Live(live) => self.upstreams.pool.put(live),
            Way::Slot(_) => {}
        }
    }

    /// Sends the request; its target is in origin form and its Host is set. A connection that turns out to be closed,
    /// or that takes no more requests, is replaced once, when that cannot make the upstream act twice.
    pub(crate) async fn send<B>(
        self,
        request: Request<B>,
        interim: Option<&Arc<Interim>>,
    ) -> Result<Response<UpstreamBody>, SendError>
    where
        B: Body<Data = bytes::Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let Lease { way, upstreams } = self;
        let (mut parts, body) = request.into_parts();
        match way {
            Way::Live(live) => {
                if let Some(interim) = interim {
                    exchange::hear_hints(&mut parts, interim);
                }
                upstreams.send_alone(live, parts, body, None).await
            }
            Way::Slot(slot) => {
                let interim = interim.map(Arc::as_ref);
                upstreams.send_along(slot, Request::from_parts(parts, RequestBody::new(body)), interim).await
            }
        }
    }

    /// The same for a request that asks for another protocol; where the upstream agrees to it, its connection is left
    /// in `switched`.
    pub(crate) async fn switch<B>(
        self,
        request: Request<B>,
        switched: &Mutex<Option<Switched>>,
    ) -> Result<Response<UpstreamBody>, SendError>
    where
        B: Body<Data = bytes::Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let Lease { way, upstreams } = self;
        let (parts, body) = request.into_parts();
        match way {
            Way::Live(live) => upstreams.send_alone(live, parts, body, Some(switched)).await,
            // It speaks nothing else.
            Way::Slot(slot) => stream::switch(slot, parts, switched, upstreams.patience).await,
        }
    }
}

impl Upstreams {
    async fn send_alone<B>(
        &self,
        live: Box<Live>,
        parts: http::request::Parts,
        body: B,
        switch: Option<&Mutex<Option<Switched>>>,
    ) -> Result<Response<UpstreamBody>, SendError>
    where
        B: Body<Data = bytes::Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let may_come_twice = live.reused && parts.method.is_idempotent();
        let spare = may_come_twice.then(|| Spare::of(&parts, &body)).flatten();
        let body = RequestBody::new(body).kept(spare.as_ref().and_then(Spare::body));
        let request = Request::from_parts(parts, body);
        let key = Arc::clone(&live.key);
        let failed = match exchange::send(live, request, (&self.pool, self.patience), switch).await {
            Ok(response) => return Ok(response),
            Err(failed) => failed,
        };
        let again = failed.unsent.or_else(|| spare.filter(|_| failed.silent).and_then(Spare::request));
        let Some(request) = again else { return Err(failed.error) };
        let live = self.dialer.dial(key).await.map_err(SendError::redial)?;
        exchange::send(live, request, (&self.pool, self.patience), switch)
            .await
            .map_err(|failed| failed.error)
    }

    async fn send_along(
        &self,
        slot: Slot,
        request: Request<RequestBody>,
        interim: Option<&Interim>,
    ) -> Result<Response<UpstreamBody>, SendError> {
        let streamed =
            |response: Response<Streamed>| response.map(|body| UpstreamBody::Streamed(Box::new(body)));
        let key = Arc::clone(&slot.line.key);
        let (mut slot, mut request, mut again) = (slot, request, 0);
        loop {
            let (parts, body) = request.into_parts();
            let kept = Kept::of(&body);
            request = Request::from_parts(parts, body.kept(kept.clone()));
            let failed = match stream::send(slot, request, interim, self.patience).await {
                Ok(response) => return Ok(streamed(response)),
                Err(failed) => failed,
            };
            if failed.is_http1_asked {
                // Whoever asks next is spared the way around.
                self.choices.learn(&key, Spoken::Http1);
            }
            let once_more = || Some(Request::from_parts(failed.again?, kept?.again()?));
            let unsent = failed.unsent.or_else(once_more);
            let Some(unsent) = unsent.filter(|_| again < limits::H2_SENT_AGAIN) else {
                return Err(failed.error);
            };
            let way = match failed.is_http1_asked {
                true => self.dialer.dial(Arc::clone(&key)).await.map(Way::Live),
                false => self.shared(Arc::clone(&key), false).await,
            };
            match way.map_err(SendError::redial)? {
                Way::Slot(another) => (slot, request, again) = (another, unsent, again + 1),
                Way::Live(live) => {
                    return exchange::send(live, unsent, (&self.pool, self.patience), None)
                        .await
                        .map_err(|failed| failed.error);
                }
            }
        }
    }
}

/// Bounds that hyper is told, the same on every connection.
fn http1() -> hyper::client::conn::http1::Builder {
    let mut builder = hyper::client::conn::http1::Builder::new();
    builder.max_header_size(limits::HEAD_BYTES);
    builder
}
