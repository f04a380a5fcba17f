//! The client's socket, which ends in a reset when a clean end would lie; or TLS on it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::ahead::Ahead;
use super::sniff::Prefixed;
use crate::tls;

/// The socket itself, or the TLS that a listener speaks on one.
#[derive(Debug)]
pub(super) enum Wire {
    Tcp(Socket),
    Tls(Box<tls::ClientStream<Prefixed<Wire>>>),
}

/// A TCP stream; dropping it resets the connection once that was asked for.
#[derive(Debug)]
pub(super) struct Socket {
    tcp: Ahead<TcpStream>,
    reset: Arc<AtomicBool>,
}

impl Wire {
    pub(super) fn new(tcp: TcpStream, reset: Arc<AtomicBool>) -> Wire {
        Wire::Tcp(Socket { tcp: Ahead::new(tcp), reset })
    }

    /// Keeps the session above from sending: see [`super::cork`].
    pub(super) fn cork(&mut self, corked: bool) {
        match self {
            Wire::Tcp(socket) => socket.tcp.cork(corked),
            // What a session in a session sends goes as it comes.
            Wire::Tls(_) => {}
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if self.reset.load(Ordering::Relaxed) {
            // A socket that can't be told to reset is one that is broken already.
            let _ = self.tcp.get_ref().set_zero_linger();
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Wire::Tcp(socket) => Pin::new(&mut socket.tcp).poll_read(cx, buf),
            Wire::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Wire::Tcp(socket) => Pin::new(&mut socket.tcp).poll_write(cx, buf),
            Wire::Tls(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Wire::Tcp(socket) => Pin::new(&mut socket.tcp).poll_write_vectored(cx, bufs),
            Wire::Tls(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Wire::Tcp(socket) => socket.tcp.is_write_vectored(),
            Wire::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Wire::Tcp(socket) => Pin::new(&mut socket.tcp).poll_flush(cx),
            Wire::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Wire::Tcp(socket) => Pin::new(&mut socket.tcp).poll_shutdown(cx),
            Wire::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
