//! A connection to a sink's server, in clear text or TLS.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::limits;
use crate::sink::Server;
use crate::tls::{Alpn, UpstreamStream, UpstreamTls};

#[derive(Debug)]
pub(super) enum Stream {
    Plain(TcpStream),
    Tls(Box<UpstreamStream<TcpStream>>),
}

/// Dials and, where asked, proves the server's name. Every step has its time.
pub(super) async fn connect(server: &Server, tls: &UpstreamTls) -> io::Result<Stream> {
    let late = |_| io::Error::new(io::ErrorKind::TimedOut, "the server does not answer");
    let address = (server.host.to_string(), server.port);
    let tcp = TcpStream::connect((address.0.trim_matches(['[', ']']), address.1));
    let tcp = timeout(limits::CONNECT_TIMEOUT, tcp).await.map_err(late)??;
    tcp.set_nodelay(true)?;
    let probe = socket2::TcpKeepalive::new().with_time(Duration::from_secs(60));
    socket2::SockRef::from(&tcp).set_tcp_keepalive(&probe)?;
    if !server.tls {
        return Ok(Stream::Plain(tcp));
    }
    let handshake = timeout(limits::HANDSHAKE_TIMEOUT, tls.connect(&server.host, Alpn::Http1, tcp))
        .await
        .map_err(late)?;
    handshake.map(|stream| Stream::Tls(Box::new(stream))).map_err(|error| io::Error::other(error.to_string()))
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Stream::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Stream::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Stream::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Stream::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Stream::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
