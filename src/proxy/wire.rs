//! The client's socket, which ends in a reset when a clean end would lie, and acknowledges at once when more is waited
//! for; or TLS on it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::ahead::Ahead;
use super::sniff::Prefixed;
use crate::platform::socket;
use crate::tls;

/// The socket itself, or the TLS that a listener speaks on one.
#[derive(Debug)]
pub(super) enum Wire {
    Tcp(Socket),
    Tls(Box<tls::ClientStream<Prefixed<Wire>>>),
}

/// A TCP stream that does as it is told.
#[derive(Debug)]
pub(super) struct Socket {
    tcp: Ahead<TcpStream>,
    told: Arc<Told>,
}

/// What a socket is told, however many sessions are between it and who tells it.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// When it is dropped, the connection is reset.
    pub(super) reset: AtomicBool,
    /// Who sends may wait for word that what it sent has come: many write a head and a body apart, and the second write
    /// leaves with the acknowledgement of the first. A kernel that expects an answer soon keeps that back for 40 ms.
    pub(super) awaits: Arc<AtomicBool>,
}

impl Wire {
    pub(super) fn new(tcp: TcpStream, told: Arc<Told>) -> Wire {
        Wire::Tcp(Socket { tcp: Ahead::new(tcp), told })
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

impl Socket {
    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.tcp).poll_read(cx, buf);
        if read.is_pending() && self.told.awaits.swap(false, Ordering::Relaxed) {
            // Where it is refused, the acknowledgement comes in its own time.
            let _ = socket::acknowledge(self.tcp.get_ref());
        }
        read
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if self.told.reset.load(Ordering::Relaxed) {
            // A socket that can't be told to reset is one that is broken already.
            let _ = self.tcp.get_ref().set_zero_linger();
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Wire::Tcp(socket) => socket.poll_read(cx, buf),
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

#[cfg(target_os = "linux")]
#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;
    use std::task::Waker;

    use bytes::{Bytes, BytesMut};
    use socket2::SockRef;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;
    use crate::proxy::guard::Guard;

    #[tokio::test]
    async fn what_came_before_a_body_that_is_awaited_is_acknowledged_at_once() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (client, accepted) =
            tokio::join!(TcpStream::connect(listener.local_addr().unwrap()), listener.accept());
        let (mut client, (tcp, _)) = (client.unwrap(), accepted.unwrap());
        let seen = tcp.as_fd().try_clone_to_owned().unwrap();
        let told = Arc::<Told>::default();
        let wire = Prefixed::new(Bytes::new(), Wire::new(tcp, Arc::clone(&told)));
        let (guard, _) = Guard::requests(wire, BytesMut::new());
        let mut guard = guard.awaiting(Arc::clone(&told.awaits));
        const HEAD: &str = "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\n";
        const CHUNKED: &str = "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n";
        // What comes, and whether a read that finds no more has it acknowledged at once.
        let cases: [(&[&str], bool); 10] = [
            (&["GET / HTTP/1.1\r\nhost: a\r\n\r\n"], false),
            (&[HEAD], true),
            (&["he"], false),
            (&["llo"], false),
            (&[HEAD, "he"], true),
            (&["llo"], false),
            (&[HEAD, "hello"], false),
            (&[CHUNKED], true),
            (&["3\r\nabc\r\n"], false),
            (&["0\r\n\r\n", "GET / HTTP/1.1\r\nhost: a\r\n\r\n"], false),
        ];
        for (pieces, expected) in cases {
            let sent = pieces.concat();
            client.write_all(sent.as_bytes()).await.unwrap();
            let mut came = vec![0; sent.len()];
            guard.read_exact(&mut came).await.unwrap();
            assert_eq!(told.awaits.load(Ordering::Relaxed), expected, "{sent:?}");
            // As after an answer. The kernel takes this back by itself when an acknowledgement was due for 40 ms.
            SockRef::from(&seen).set_tcp_quickack(false).unwrap();
            let (mut room, cx) = ([0; 8], &mut Context::from_waker(Waker::noop()));
            assert!(Pin::new(&mut guard).poll_read(cx, &mut ReadBuf::new(&mut room)).is_pending());
            assert!(!told.awaits.load(Ordering::Relaxed), "{sent:?}: once is enough");
            assert!(!expected || SockRef::from(&seen).tcp_quickack().unwrap(), "{sent:?}");
        }
    }
}
