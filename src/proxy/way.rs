//! The ways in: what a listener is told of a connection before its first byte, and where its requests go.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use ipnet::IpNet;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::timeout;

use super::connection::Arrived;
use super::introduction::{self, Introduced};
use super::meters;
use super::names::Entry;
use super::peer::{Ended, Peer};
use super::sniff::{Prefixed, Protocol, sniff};
use super::tunnel::{self, Entered};
use super::wire::Wire;
use super::{ListenerConfig, ListenerKind, Redirection};
use crate::flow::{ClientAddr, Destination, Host};
use crate::limits;
use crate::platform::socket;

/// Where the requests of a reverse listener go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Routes {
    /// For every host that has no entry of its own.
    pub fixed: Option<Destination>,
    pub hosts: Vec<(Host, Destination)>,
}

impl Routes {
    /// The upstream for requests to `host`; a request that names none goes where all go.
    pub(super) fn to(&self, host: Option<&Host>) -> Option<&Destination> {
        let own = self.hosts.iter().find(|(name, _)| Some(name) == host).map(|(_, destination)| destination);
        own.or(self.fixed.as_ref())
    }
}

/// Binds a listener's socket.
pub(super) async fn bind(listener: &ListenerConfig) -> io::Result<TcpListener> {
    match listener.kind {
        ListenerKind::Transparent(Redirection::Tproxy) => {
            let socket = match listener.address {
                SocketAddr::V4(_) => TcpSocket::new_v4()?,
                SocketAddr::V6(_) => TcpSocket::new_v6()?,
            };
            socket::set_transparent(&socket, listener.address)?;
            socket.set_reuseaddr(true)?;
            socket.bind(listener.address)?;
            socket.listen(limits::BACKLOG)
        }
        ListenerKind::Explicit | ListenerKind::Transparent(Redirection::Nat) | ListenerKind::Reverse(_) => {
            TcpListener::bind(listener.address).await
        }
    }
}

/// Where a connection to a transparent listener was going; `None` when nobody redirected it.
pub(super) fn original(listener: &ListenerConfig, tcp: &TcpStream) -> Option<SocketAddr> {
    let local = tcp.local_addr().ok()?;
    let found = match listener.kind {
        ListenerKind::Explicit | ListenerKind::Reverse(_) => return None,
        ListenerKind::Transparent(Redirection::Nat) => socket::original_destination(tcp, local).ok()?,
        ListenerKind::Transparent(Redirection::Tproxy) if local.port() == listener.address.port() => {
            return None;
        }
        ListenerKind::Transparent(Redirection::Tproxy) => return Some(canonical(local)),
    };
    // What was not redirected was going here.
    (canonical(found) != canonical(local)).then(|| canonical(found))
}

fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// Reads what a balancer in front says of the client (PROXY protocol), where one is configured. False: refused.
pub(super) async fn introduce(peer: &mut Peer, io: &mut Prefixed<Wire>) -> io::Result<bool> {
    let Some(trusted) = &peer.listener.proxy_protocol else { return Ok(true) };
    let refuse = |peer: &Peer, io: &Prefixed<Wire>, why: &str| {
        meters::refused("proxy_protocol");
        drop(peer.ended(Ended::because("proxy_protocol").after(io.prefix()).saying(why.to_owned())));
        Ok(false)
    };
    if !is_trusted(trusted, peer.address) {
        return refuse(peer, io, "client is not among proxy_protocol_from, and may not speak for others");
    }
    match timeout(limits::HEAD_TIMEOUT, read_introduction(io)).await {
        Ok(Ok(Some(Introduced::Client(address)))) => {
            peer.address = ClientAddr { ip: address.ip().to_canonical(), port: address.port() };
            Ok(true)
        }
        // A balancer that speaks for itself: a health check.
        Ok(Ok(Some(Introduced::Local))) => Ok(true),
        Ok(Ok(Some(Introduced::Wrong(why)))) => refuse(peer, io, why),
        Ok(Ok(None)) if io.prefix().is_empty() => Ok(false),
        Ok(Ok(None)) => refuse(peer, io, "connection ended within its PROXY header"),
        Ok(Err(error)) => Err(error),
        Err(_) => refuse(peer, io, "no PROXY header in time"),
    }
}

fn is_trusted(trusted: &[IpNet], client: ClientAddr) -> bool {
    trusted.iter().any(|network| network.contains(&client.ip.to_canonical()))
}

async fn read_introduction(io: &mut Prefixed<Wire>) -> io::Result<Option<Introduced>> {
    let mut seen = bytes::BytesMut::from(io.take_prefix());
    let answer = loop {
        match introduction::read(&seen) {
            introduction::Read::More => {}
            introduction::Read::Done(introduced, length) => {
                let rest = seen.split_off(length.min(seen.len()));
                io.put_back(rest.freeze());
                return Ok(Some(introduced));
            }
            introduction::Read::Not(why) => break Some(Introduced::Wrong(why)),
        }
        if io.read_buf(&mut seen).await? == 0 {
            break None;
        }
    };
    io.put_back(seen.freeze());
    Ok(answer)
}

/// What a redirected connection is for.
pub(super) async fn redirected(peer: &Peer, io: &mut Prefixed<Wire>) -> io::Result<Option<Arrived>> {
    let Some(original) = peer.original else {
        meters::refused("not_redirected");
        let why = "connection was made to the listener itself: a transparent listener takes what a firewall redirects";
        drop(peer.ended(Ended::because("not_redirected").saying(why.to_owned())));
        return Ok(None);
    };
    let (host, port) = (Host::Ip(original.ip()), original.port());
    let (protocol, host) = match tunnel::enter(peer, io, &host, port).await? {
        Entered::As(protocol, host) => (protocol, host),
        Entered::Unopened(tunnel) => return Ok(Some(Arrived::Unopened(tunnel))),
    };
    let reason = match protocol {
        Protocol::Tls => return Ok(Some(Arrived::Tls(host, port))),
        Protocol::Http1 => return Ok(Some(Arrived::Plain(Entry::Original(original)))),
        Protocol::Http2 => return Ok(Some(Arrived::Http2(Entry::Original(original)))),
        Protocol::Closed => return Ok(None),
        Protocol::Unfinished => {
            let ended = Ended::late().to(&host, port).after(&io.prefix().clone());
            return peer.turn_late_away(io, ended).await.map(|()| None);
        }
        Protocol::Opaque => "opaque",
        Protocol::Silent => "silent",
    };
    meters::refused(reason);
    drop(peer.ended(Ended::because(reason).to(&host, port).after(io.prefix())));
    Ok(None)
}

/// What a connection to a reverse listener is for.
pub(super) async fn reversed(
    peer: &Peer,
    io: &mut Prefixed<Wire>,
    reverse: &Arc<super::Reverse>,
) -> io::Result<Option<Arrived>> {
    let entry = Entry::Reverse(Arc::new(reverse.routes.clone()));
    let (reason, hint) = match (sniff(io, limits::HEAD_TIMEOUT).await?, &peer.listener.tls) {
        (Protocol::Tls, Some(own)) => return Ok(Some(Arrived::Own(own.clone(), Some(entry)))),
        (Protocol::Http1, None) => return Ok(Some(Arrived::Plain(entry))),
        (Protocol::Http2, None) => return Ok(Some(Arrived::Http2(entry))),
        (Protocol::Silent | Protocol::Closed, _) => return Ok(None),
        (Protocol::Unfinished, _) => {
            let ended = Ended::late().after(&io.prefix().clone());
            return peer.turn_late_away(io, ended).await.map(|()| None);
        }
        (Protocol::Tls, None) => ("tls_to_cleartext", "this listener speaks HTTP without TLS"),
        (Protocol::Http1 | Protocol::Http2, Some(_)) => ("cleartext", "this listener speaks HTTPS"),
        (Protocol::Opaque, _) => ("opaque", "what was sent is not HTTP"),
    };
    meters::refused(reason);
    peer.turn_away(io, Ended::because(reason).after(&io.prefix().clone()), hint).await?;
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::Scheme;

    #[test]
    fn a_host_of_its_own_goes_before_the_one_for_all() {
        let to = |host: &str| Destination { scheme: Scheme::Https, host: host.parse().unwrap(), port: 443 };
        let routes =
            Routes { fixed: Some(to("all.test")), hosts: vec![("a.test".parse().unwrap(), to("one.test"))] };
        let at = |host: Option<&str>| routes.to(host.map(|host| host.parse().unwrap()).as_ref()).cloned();
        assert_eq!(at(Some("a.test")), Some(to("one.test")));
        assert_eq!(at(Some("b.test")), Some(to("all.test")));
        assert_eq!(at(None), Some(to("all.test")));
        assert_eq!(Routes { fixed: None, ..routes }.to(Some(&"b.test".parse().unwrap())), None);
    }
}
