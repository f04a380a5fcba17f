//! The home of sockets, hyper and tower on the traffic's side.
//!
//! May import floors 0–4. Invariants: no byte of a message leaves but through its inspector; no end of a message
//! leaves without a permit; a stopped stream is aborted, never a clean end; framing is checked before hyper sees it.

mod ahead;
mod body;
mod connect;
mod connection;
mod cork;
mod deadline;
mod doorkeeper;
mod exchange;
mod familiar;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod grpc;
mod guard;
mod headers;
mod http2;
mod incoming;
mod introduction;
mod late;
mod layer;
mod listener;
mod meters;
mod names;
mod pace;
mod passage;
mod password;
mod patience;
mod peer;
mod pinned;
mod rehearsal;
mod reply;
mod room;
mod secure;
mod shared;
mod silence;
mod sniff;
mod stack;
mod steps;
mod still;
mod throttle;
mod tunnel;
mod unopened;
mod upstream;
mod waking;
mod way;
mod websocket;
mod wire;

pub use doorkeeper::Authentication;
pub use password::PasswordHash;
pub use rehearsal::{Opened, Rehearsal};

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::task::JoinHandle;

use crate::audit::Audit;
use crate::inspect::Engine;
use crate::limits;
use crate::platform::process;
use crate::policy::Hosts;
use crate::tls::{Leaves, ListenerTls, UpstreamTls};
use room::{Room, Shares};
use shared::{Shared, Stage};
use upstream::Upstreams;
pub use upstream::{Parent, Seen, never_dialled};
pub use way::Routes;

/// How much a refusal tells the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplyDetail {
    Full,
    Minimal,
}

/// How connections come to a listener.
#[derive(Clone, Debug)]
pub enum ListenerKind {
    /// Clients know that it is a proxy.
    Explicit,
    /// A firewall redirects them, unknown to them.
    Transparent(Redirection),
    /// They take it for the origin.
    Reverse(Arc<Reverse>),
}

/// How a firewall redirects connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Redirection {
    /// REDIRECT: the kernel remembers where a connection was going.
    Nat,
    /// TPROXY: the socket's own address is where it was going.
    Tproxy,
}

impl Redirection {
    pub const ALL: [Redirection; 2] = [Redirection::Nat, Redirection::Tproxy];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Redirection::Nat => "nat",
            Redirection::Tproxy => "tproxy",
        }
    }
}

/// Where a reverse listener leads.
#[derive(Clone, Debug)]
pub struct Reverse {
    pub routes: Routes,
}

/// One `[[listener]]`.
#[derive(Clone, Debug)]
pub struct ListenerConfig {
    pub name: Arc<str>,
    pub address: SocketAddr,
    pub tenant: Arc<str>,
    pub reply: ReplyDetail,
    pub kind: ListenerKind,
    /// Whose word is taken for who a client is (PROXY protocol); `None`: nobody's, and no such header is read.
    pub proxy_protocol: Option<Vec<ipnet::IpNet>>,
    /// The TLS that it speaks itself; none: clear text.
    pub tls: Option<ListenerTls>,
    /// Whether clients must say who they are, in each request or for each tunnel.
    pub authentication: Authentication,
}

/// How upstreams are reached.
#[derive(Clone, Debug)]
pub struct UpstreamConfig {
    pub tls: Arc<UpstreamTls>,
    /// Non-public addresses that may be dialled all the same.
    pub allow_addresses: Vec<ipnet::IpNet>,
    pub connect_timeout: Duration,
    /// How long a request that is whole may go without an answer.
    pub first_byte: Duration,
    /// How long a response that is a stream of events may say nothing.
    pub events_idle: Duration,
    /// What differs for some destinations; the first that names a host holds.
    pub destinations: Vec<DestinationConfig>,
    /// A proxy that stands before the outside.
    pub parent: Option<Parent>,
    /// Put on what goes to upstreams, so that a firewall can tell it from what it redirects.
    pub mark: Option<u32>,
    /// Fixed answers instead of DNS, like a hosts file; subject to the address guard all the same.
    pub resolve: HashMap<Arc<str>, Vec<IpAddr>>,
    /// Where self-tests are received.
    pub rehearsal: Option<Arc<Rehearsal>>,
}

/// How some upstreams are reached: one `[[upstream.destination]]`.
#[derive(Clone, Debug)]
pub struct DestinationConfig {
    pub hosts: Hosts,
    pub tls: Arc<UpstreamTls>,
    /// Whether their certificates are verified as everybody's are: only then do they prove a name to rules.
    pub ordinary: bool,
    pub source_address: Option<IpAddr>,
}

/// What the gate is started with.
#[derive(Clone, Debug)]
pub struct GateConfig {
    pub listeners: Vec<ListenerConfig>,
    pub upstream: UpstreamConfig,
    pub hold_idle: Duration,
    /// The admin listener's address and any other of our own that must never be dialled.
    pub own_addresses: Vec<SocketAddr>,
}

/// A running gate.
pub struct Gate {
    shared: Arc<Shared>,
    addresses: Vec<(Arc<str>, SocketAddr)>,
    acceptors: Vec<JoinHandle<()>>,
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate").field("addresses", &self.addresses).finish_non_exhaustive()
    }
}

/// The figures that stand rather than run (held bytes, idle connections).
#[derive(Clone)]
pub struct Gauges(Arc<Shared>);

impl Gauges {
    /// Brings them up to date; to be called before they are shown.
    pub fn update(&self) {
        self.0.measure();
    }

    /// What destinations negotiated since the start, and how many connections went to others than are kept.
    #[must_use]
    pub fn posture(&self) -> (Vec<Seen>, u64) {
        self.0.upstreams.posture()
    }
}

impl fmt::Debug for Gauges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Gauges(..)")
    }
}

/// How upstreams are verified, which may be exchanged while the gate runs.
#[derive(Clone)]
pub struct UpstreamTrust(Arc<Shared>);

impl UpstreamTrust {
    /// Verifies by this from now on. Connections that were verified before serve no further request.
    pub fn renew(&self, tls: Arc<UpstreamTls>, destinations: Vec<DestinationConfig>) {
        self.0.upstreams.trust(tls, destinations);
    }
}

impl fmt::Debug for UpstreamTrust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UpstreamTrust(..)")
    }
}

/// A listener that cannot be bound.
#[derive(Debug)]
pub struct BindError {
    pub listener: Arc<str>,
    pub address: SocketAddr,
    pub source: io::Error,
}

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "listener \"{}\" cannot be bound to {}: {}", self.listener, self.address, self.source)
    }
}

impl std::error::Error for BindError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

impl Gate {
    /// Binds every listener and starts to accept on the current runtime.
    pub async fn start(
        config: GateConfig,
        engine: Arc<ArcSwap<Engine>>,
        leaves: Arc<ArcSwap<Leaves>>,
        audit: Audit,
    ) -> Result<Gate, BindError> {
        let mut sockets = Vec::with_capacity(config.listeners.len());
        for listener in config.listeners {
            let fault = |source| BindError {
                listener: Arc::clone(&listener.name),
                address: listener.address,
                source,
            };
            let socket = way::bind(&listener).await.map_err(fault)?;
            let address = socket.local_addr().map_err(fault)?;
            sockets.push((Arc::new(listener), address, socket));
        }
        let mut own = config.own_addresses;
        own.extend(sockets.iter().map(|(_, address, _)| *address));
        let shares = Shares::of(process::descriptor_limit());
        let upstreams = Upstreams::new(config.upstream, own, shares.idle);
        let room = Room::new(shares);
        let shared = Arc::new(Shared::new(engine, leaves, audit, upstreams, config.hold_idle, room));
        let addresses =
            sockets.iter().map(|(listener, address, _)| (Arc::clone(&listener.name), *address)).collect();
        let acceptors = sockets
            .into_iter()
            .map(|(listener, _, socket)| {
                tokio::spawn(listener::accept(Arc::clone(&shared), listener, socket))
            })
            .collect();
        tokio::spawn({
            let shared = Arc::clone(&shared);
            async move { shared.watch_overlays().await }
        });
        Ok(Gate { shared, addresses, acceptors })
    }

    /// Listener name and bound address.
    #[must_use]
    pub fn addresses(&self) -> Vec<(Arc<str>, SocketAddr)> {
        self.addresses.clone()
    }

    /// For whoever exchanges how upstreams are verified.
    #[must_use]
    pub fn trust(&self) -> UpstreamTrust {
        UpstreamTrust(Arc::clone(&self.shared))
    }

    /// For whoever shows figures; outlives the gate.
    #[must_use]
    pub fn gauges(&self) -> Gauges {
        Gauges(Arc::clone(&self.shared))
    }

    /// Stops accepting, lets in-flight flows end until the deadline, then cuts and records the rest.
    /// Returns how many were cut.
    pub async fn drain(self, deadline: Duration) -> usize {
        self.drain_unless(deadline, std::future::pending()).await.0
    }

    /// The same; what is under way is cut at once when `hurry` is done. Tells whether it was.
    pub async fn drain_unless(self, deadline: Duration, hurry: impl Future<Output = ()>) -> (usize, bool) {
        self.shared.stage.send_replace(Stage::Draining);
        for acceptor in self.acceptors {
            // It ends by itself now; if it failed before, there is nothing to wait for.
            let _ = acceptor.await;
        }
        let hurried = tokio::select! {
            _ = self.shared.connections.none(deadline) => false,
            () = hurry => true,
        };
        let cut = self.shared.flows.count();
        self.shared.stage.send_replace(Stage::Cut);
        self.shared.connections.none(limits::CUT).await;
        (cut, hurried)
    }
}
