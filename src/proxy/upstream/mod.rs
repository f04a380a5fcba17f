//! The way to upstreams: which addresses may be dialled, how they are reached, and the connections kept for reuse.
//!
//! An exchange spawns nothing: the future that drives a connection is polled by whoever awaits the response and
//! then by whoever reads its body, on the same task, and goes back to the pool, unpolled, when the body has ended.
//! So backpressure is the socket's own and a dropped body closes its connection.

mod address;
mod body;
mod dial;
mod error;
mod exchange;
mod parent;
mod pool;
mod resolve;
mod transport;

#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::Arc;

use http::{Request, Response};
use http_body::Body;

pub(crate) use address::AddressRefusal;
pub(crate) use body::UpstreamBody;
pub(crate) use error::{Fault, SendError, UpstreamBodyError, UpstreamError};
pub(crate) use exchange::BoxError;
pub use parent::Parent;
pub(crate) use pool::PoolStats;

use self::address::AddressGuard;
use self::dial::Dialer;
use self::exchange::{Live, RequestBody};
use self::pool::{Key, Pool};
use self::resolve::Resolver;
use super::UpstreamConfig;
use crate::flow::{Destination, Host, Scheme};
use crate::limits;

/// Who is on the other end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    /// `TLSv1.3` and so on; nothing in clear text.
    pub(crate) tls_version: Option<&'static str>,
}

/// All upstreams, as one configuration reaches them.
#[derive(Debug)]
pub(crate) struct Upstreams {
    dialer: Dialer,
    pool: Arc<Pool>,
}

impl Upstreams {
    /// `own` are the addresses that must never be dialled, `idle` how many connections are kept. Called on a runtime, which looks after the pool.
    pub(crate) fn new(config: UpstreamConfig, own: Vec<SocketAddr>, idle: usize) -> Arc<Upstreams> {
        let pool = Arc::new(Pool::new(idle));
        tokio::spawn(pool::sweep(Arc::downgrade(&pool)));
        Arc::new(Upstreams {
            dialer: Dialer {
                tls: config.tls,
                addresses: AddressGuard::new(config.allow_addresses, own),
                resolver: Resolver::new(config.resolve),
                connect_timeout: config.connect_timeout,
                mark: config.mark,
                destinations: config.destinations,
                parent: config.parent,
            },
            pool,
        })
    }

    /// [`Upstreams::acquire_at`] where the name leads: a pooled one that is still good, else a new one. No HTTP byte has
    /// been sent over it.
    #[cfg(test)]
    pub(crate) async fn acquire(
        self: &Arc<Self>,
        destination: &Destination,
        tenant: &Arc<str>,
    ) -> Result<Lease, UpstreamError> {
        self.acquire_at(destination, tenant, None).await
    }

    /// A connection to send one request over: a pooled one that is still good, else a new one. No HTTP byte has been
    /// sent over it. `via` is where a redirected connection was going; without it, the name says.
    pub(crate) async fn acquire_at(
        self: &Arc<Self>,
        destination: &Destination,
        tenant: &Arc<str>,
        via: Option<SocketAddr>,
    ) -> Result<Lease, UpstreamError> {
        let key =
            Key::new(destination.clone(), Arc::clone(tenant), self.dialer.tls(&destination.host).id(), via);
        let live = match self.pool.take(&key) {
            Some(live) => live,
            None => self.dialer.dial(key).await?,
        };
        Ok(Lease { live, upstreams: Arc::clone(self) })
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

    /// Whether the gate's own answer for a name has this address.
    pub(crate) async fn leads_to(&self, host: &Host, address: SocketAddr) -> bool {
        let found = self.dialer.resolver.resolve(host, address.port()).await;
        found.is_ok_and(|found| found.iter().any(|found| found.ip().to_canonical() == address.ip()))
    }

    /// Whether TLS with this host is verified with ordinary trust, so that it proves the host's name.
    pub(crate) fn proves(&self, host: &Host) -> bool {
        self.dialer.destination(host).is_none_or(|destination| destination.ordinary)
    }

    pub(crate) fn pool_stats(&self) -> PoolStats {
        self.pool.stats()
    }
}

/// The right to send one request over one connection. Dropped unused, the connection is closed.
#[derive(Debug)]
pub(crate) struct Lease {
    live: Box<Live>,
    upstreams: Arc<Upstreams>,
}

impl Lease {
    pub(crate) fn peer(&self) -> Peer {
        self.live.peer
    }

    /// Whether the connection has served a request before.
    #[cfg(test)]
    pub(crate) fn is_reused(&self) -> bool {
        self.live.reused
    }

    /// Whether the upstream proved its name: TLS verified for it (the only way to be connected over https).
    pub(crate) fn is_proven(&self) -> bool {
        match self.live.key.destination.scheme {
            Scheme::Https => self.upstreams.proves(&self.live.key.destination.host),
            Scheme::Http => false,
        }
    }

    /// Gives the connection back without having used it.
    pub(crate) fn give_back(self) {
        self.upstreams.pool.put(self.live);
    }

    /// Sends the request; its target is in origin form and its Host is set. A pooled connection that turns out to
    /// be closed is replaced once, when that cannot make the upstream act twice.
    pub(crate) async fn send<B>(self, request: Request<B>) -> Result<Response<UpstreamBody>, SendError>
    where
        B: Body<Data = bytes::Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let Lease { live, upstreams } = self;
        let (parts, body) = request.into_parts();
        let repeatable = live.reused && parts.method.is_idempotent() && body.is_end_stream();
        let spare = repeatable.then(|| parts.clone());
        let request = Request::from_parts(parts, RequestBody::new(body));
        let key = Arc::clone(&live.key);
        let failed = match exchange::send(live, request, &upstreams.pool).await {
            Ok(response) => return Ok(response),
            Err(failed) => failed,
        };
        let again = failed.unsent.or_else(|| {
            spare.filter(|_| failed.silent).map(|parts| Request::from_parts(parts, RequestBody::empty()))
        });
        let Some(request) = again else { return Err(failed.error) };
        let live = upstreams.dialer.dial(key).await.map_err(SendError::redial)?;
        exchange::send(live, request, &upstreams.pool).await.map_err(|failed| failed.error)
    }
}

/// Bounds that hyper is told, the same on every connection.
fn http1() -> hyper::client::conn::http1::Builder {
    let mut builder = hyper::client::conn::http1::Builder::new();
    builder.max_header_size(limits::HEAD_BYTES);
    builder
}
