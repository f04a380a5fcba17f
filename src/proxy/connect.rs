//! Answers a leading CONNECT: it grants a tunnel, and never dials.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use bytes::BytesMut;
use http::header;
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

use super::guard::{self, ConnectHead, ReadHeadError};
use super::meters;
use super::names::{self, NameError};
use super::peer::{Ended, Peer, Proof};
use super::reply::Problem;
use super::sniff::Prefixed;
use super::wire::Wire;
use crate::flow::Host;
use crate::limits;

/// No length: what follows is the tunnel (RFC 9110, section 9.3.6).
const GRANTED: &[u8] = b"HTTP/1.1 200 Connection established\r\n\r\n";

/// Of a `Host` that tells none.
const HTTP_PORT: u16 = 80;

/// Whether a request that was sniffed is a CONNECT.
pub(super) fn is_next(prefix: &[u8]) -> bool {
    prefix.strip_prefix(b"\r\n").unwrap_or(prefix).starts_with(b"CONNECT ")
}

/// Reads the head, and grants the tunnel or refuses it. What came after the head is put back.
pub(super) async fn accept(peer: &mut Peer, io: &mut Prefixed<Wire>) -> io::Result<Option<(Host, u16)>> {
    let mut buffer = BytesMut::from(io.take_prefix());
    let head = match timeout(limits::HEAD_TIMEOUT, guard::read_connect(io, &mut buffer)).await {
        Ok(Ok(head)) => head,
        Ok(Err(ReadHeadError::Refused(refusal))) => {
            return refuse(peer, io, refusal.as_str(), &format!("CONNECT is refused: {refusal}")).await;
        }
        Ok(Err(ReadHeadError::Io(error))) => return Err(error),
        // A head that never ended asked for nothing.
        Ok(Err(ReadHeadError::Closed)) => return Ok(None),
        Err(_) => {
            peer.turn_late_away(io, Ended::late().after(&buffer)).await?;
            return Ok(None);
        }
    };
    if let Err(error) = agree(&head, |address| peer.shared.upstreams.is_own(address)) {
        return refuse(peer, io, error.as_str(), &error.to_string()).await;
    }
    if peer.is_asked() {
        let edition = peer.shared.edition();
        let field = head.headers.get(header::PROXY_AUTHORIZATION);
        let asked = peer.shared.doorkeeper.recognise(&edition.engine.policy, peer.address, field).await;
        match asked {
            Ok(who) => peer.proven = Some(Proof::Password(Arc::clone(&who.name))),
            Err(unknown) => {
                meters::refused(unknown.as_str());
                let ended = Ended::because(unknown.as_str()).to(&head.host, head.port);
                peer.turn_away(io, ended.told(Problem::of(unknown)), &unknown.to_string()).await?;
                return Ok(None);
            }
        }
    }
    io.put_back(buffer.freeze());
    io.write_all(GRANTED).await?;
    io.flush().await?;
    Ok(Some((head.host, head.port)))
}

/// `Host` may be left out of a CONNECT, and must not say another thing. Where it names the gate itself (`own`), by which
/// some clients tell whom they speak to, it says nothing of where the tunnel leads.
fn agree(head: &ConnectHead, own: impl Fn(SocketAddr) -> bool) -> Result<(), NameError> {
    let Some(host) = head.headers.get(header::HOST) else { return Ok(()) };
    let (host, port) = names::authority(host.to_str().map_err(|_| NameError::BadAuthority)?)?;
    if host == head.host && port.is_none_or(|port| port == head.port) {
        return Ok(());
    }
    let at = |ip: IpAddr| own(SocketAddr::new(ip, port.unwrap_or(HTTP_PORT)));
    let is_gate = match &host {
        Host::Ip(ip) => at(*ip),
        Host::Name(name) if **name == *"localhost" => {
            at(Ipv4Addr::LOCALHOST.into()) || at(Ipv6Addr::LOCALHOST.into())
        }
        Host::Name(_) => false,
    };
    if is_gate { Ok(()) } else { Err(NameError::Target) }
}

async fn refuse<T>(
    peer: &Peer,
    io: &mut Prefixed<Wire>,
    reason: &'static str,
    detail: &str,
) -> io::Result<Option<T>> {
    meters::refused(reason);
    // What follows a CONNECT that failed is no request that anybody may act on.
    peer.turn_away(io, Ended::because(reason), detail).await?;
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connect_is_told_from_other_methods() {
        assert!(is_next(b"CONNECT a:1 HTTP/1.1"));
        assert!(is_next(b"\r\nCONNECT a:1 HTTP/1.1"));
        assert!(!is_next(b"CONNECTED / HTTP/1.1"));
        assert!(!is_next(b"GET / HTTP/1.1"));
    }

    #[test]
    fn connect_and_host_agree() {
        let cases = [
            (&b"CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n"[..], true),
            (b"CONNECT a.example:443 HTTP/1.1\r\nHost: A.EXAMPLE\r\n\r\n", true),
            (b"CONNECT a.example:443 HTTP/1.0\r\n\r\n", true),
            (b"CONNECT a.example:443 HTTP/1.1\r\nHost: b.example:443\r\n\r\n", false),
            (b"CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:444\r\n\r\n", false),
            // The gate's own address, whatever the tunnel leads to.
            (b"CONNECT a.example:443 HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n", true),
            (b"CONNECT a.example:443 HTTP/1.1\r\nHost: localhost:8080\r\n\r\n", true),
            (b"CONNECT a.example:443 HTTP/1.1\r\nHost: [2001:db8::1]\r\n\r\n", true),
            (b"CONNECT a.example:443 HTTP/1.1\r\nHost: 127.0.0.1:8081\r\n\r\n", false),
            (b"CONNECT a.example:443 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", false),
            (b"CONNECT a.example:443 HTTP/1.1\r\nHost: 127.0.0.2:8080\r\n\r\n", false),
            (b"CONNECT a.example:443 HTTP/1.1\r\nHost: localhost.example:8080\r\n\r\n", false),
        ];
        let gate = ["127.0.0.1:8080", "[2001:db8::1]:80"].map(|address| address.parse().unwrap());
        for (bytes, expected) in cases {
            let (head, _) = guard::connect_head(bytes).unwrap().unwrap();
            let agrees = agree(&head, |address| gate.contains(&address)).is_ok();
            assert_eq!(agrees, expected, "{}", bytes.escape_ascii());
        }
    }
}
