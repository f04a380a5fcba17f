//! What only one operating system knows of a socket: where a redirected connection was going, marks, transparency, when
//! what came is acknowledged.

use std::io;
use std::net::SocketAddr;
use std::os::fd::AsFd;

use socket2::SockRef;

/// Where a connection was going before the firewall redirected it (REDIRECT, DNAT).
#[cfg(target_os = "linux")]
pub fn original_destination(socket: &impl AsFd, local: SocketAddr) -> io::Result<SocketAddr> {
    let socket = SockRef::from(socket);
    let original = match local.ip().to_canonical() {
        std::net::IpAddr::V4(_) => socket.original_dst_v4()?,
        std::net::IpAddr::V6(_) => socket.original_dst_v6()?,
    };
    original.as_socket().ok_or_else(|| io::Error::other("original destination is no address"))
}

#[cfg(not(target_os = "linux"))]
pub fn original_destination(_: &impl AsFd, _: SocketAddr) -> io::Result<SocketAddr> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Marks what this socket sends, for firewall and routing rules (needs CAP_NET_ADMIN).
#[cfg(target_os = "linux")]
pub fn set_mark(socket: &impl AsFd, mark: u32) -> io::Result<()> {
    SockRef::from(socket).set_mark(mark)
}

#[cfg(not(target_os = "linux"))]
pub fn set_mark(_: &impl AsFd, _: u32) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Lets a socket take connections to addresses that are not this machine's (TPROXY; needs CAP_NET_ADMIN).
#[cfg(target_os = "linux")]
pub fn set_transparent(socket: &impl AsFd, address: SocketAddr) -> io::Result<()> {
    let socket = SockRef::from(socket);
    match address {
        SocketAddr::V4(_) => socket.set_ip_transparent_v4(true),
        SocketAddr::V6(_) => socket.set_ip_transparent_v6(true),
    }
}

#[cfg(not(target_os = "linux"))]
pub fn set_transparent(_: &impl AsFd, _: SocketAddr) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Acknowledges at once what came: a sender that waits for it before it sends more (Nagle's algorithm) goes on.
#[cfg(target_os = "linux")]
pub fn acknowledge(socket: &impl AsFd) -> io::Result<()> {
    SockRef::from(socket).set_tcp_quickack(true)
}

#[cfg(not(target_os = "linux"))]
pub fn acknowledge(_: &impl AsFd) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
