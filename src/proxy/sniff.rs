//! Tells what a connection speaks from a bounded prefix, and puts the prefix back.
//!
//! A peer may send one byte at a time, and may send nothing at all since it waits for the server to speak:
//! the answer is "more" until it is sure, and the wait is bounded by the caller's deadline.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};

use crate::limits;
use crate::tls::hello::{self, Hello};

/// What the first bytes of a connection are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    Tls,
    Http1,
    Http2,
    /// Neither TLS nor HTTP.
    Opaque,
    /// A request that began and did not go on in time.
    Unfinished,
    /// The peer sent nothing in time: it waits for the other side, or for nothing.
    Silent,
    /// The peer closed before it could be told.
    Closed,
}

/// The client connection preface (RFC 9113, section 3.4).
const H2_PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Longest method taken for one: the longest registered has 17 letters (`UPDATEREDIRECTREF`).
const METHOD_BYTES: usize = 32;
/// Methods whose request line is taken for HTTP even when its version is missing or odd, so that the client
/// gets an answer it can read.
const COMMON_METHODS: [&[u8]; 9] =
    [b"GET", b"POST", b"PUT", b"HEAD", b"DELETE", b"PATCH", b"OPTIONS", b"CONNECT", b"TRACE"];

/// Classifies a prefix; `None`: more is needed.
fn classify(prefix: &[u8]) -> Option<Protocol> {
    match prefix {
        [] | [0x16] | [b'\r'] => return None,
        // A TLS record of type handshake, any 3.x version (RFC 8446, section 5.1).
        [0x16, 0x03, ..] => return Some(Protocol::Tls),
        [0x16, ..] => return Some(Protocol::Opaque),
        _ => {}
    }
    if H2_PREFACE.starts_with(prefix) {
        return (prefix.len() == H2_PREFACE.len()).then_some(Protocol::Http2);
    }
    if prefix.starts_with(H2_PREFACE) {
        return Some(Protocol::Http2);
    }
    let prefix = prefix.trim_ascii_start_crlf();
    let method_len = prefix.iter().take_while(|byte| is_token(**byte)).count();
    if method_len > METHOD_BYTES {
        return Some(Protocol::Opaque);
    }
    let (method, rest) = prefix.split_at(method_len);
    match rest.split_first() {
        None => None,
        Some((b' ', line)) if method_len > 0 => request_line(method, line, prefix.len()),
        Some(_) => Some(Protocol::Opaque),
    }
}

/// What follows the method decides: only a line that ends in an HTTP version is a request.
fn request_line(method: &[u8], line: &[u8], seen: usize) -> Option<Protocol> {
    let common = COMMON_METHODS.contains(&method);
    let Some(end) = memchr::memchr(b'\n', line) else {
        return match seen >= limits::SNIFF_BYTES {
            false => None,
            true if common => Some(Protocol::Http1),
            true => Some(Protocol::Opaque),
        };
    };
    let (line, _) = line.split_at(end);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let version = line.iter().rposition(|byte| *byte == b' ').and_then(|at| line.split_at_checked(at));
    let http = version.is_some_and(|(_, version)| version.starts_with(b" HTTP/1."));
    Some(if http || common { Protocol::Http1 } else { Protocol::Opaque })
}

/// Whether these are the first bytes of a request line, as far as they go.
fn begins_request(prefix: &[u8]) -> bool {
    let prefix = prefix.trim_ascii_start_crlf();
    let is_one = |method: &&[u8]| match prefix.strip_prefix(*method) {
        Some(rest) => rest.first().is_none_or(|byte| *byte == b' '),
        None => method.starts_with(prefix),
    };
    !prefix.is_empty() && COMMON_METHODS.iter().any(is_one)
}

/// RFC 9110, section 5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

trait TrimStart {
    fn trim_ascii_start_crlf(&self) -> &Self;
}

impl TrimStart for [u8] {
    /// A server should ignore an empty line before a request line (RFC 9112, section 2.2).
    fn trim_ascii_start_crlf(&self) -> &[u8] {
        self.strip_prefix(b"\r\n").unwrap_or(self)
    }
}

/// Reads until the protocol is sure, for at most `wait`. Nothing is lost when this is dropped half-way.
pub(super) async fn sniff<IO: AsyncRead + Unpin>(
    io: &mut Prefixed<IO>,
    wait: Duration,
) -> io::Result<Protocol> {
    match tokio::time::timeout(wait, known(io, classify)).await {
        Ok(Ok(Some(protocol))) => Ok(protocol),
        Ok(Ok(None)) if io.prefix.is_empty() => Ok(Protocol::Closed),
        Err(_) if io.prefix.is_empty() => Ok(Protocol::Silent),
        Err(_) if begins_request(&io.prefix) => Ok(Protocol::Unfinished),
        Ok(Ok(None)) | Err(_) => Ok(Protocol::Opaque),
        Ok(Err(error)) => Err(error),
    }
}

/// The same of a peer that may begin when it likes within `idle`, and must then go on.
pub(super) async fn sniff_idle<IO: AsyncRead + Unpin>(
    io: &mut Prefixed<IO>,
    idle: Duration,
) -> io::Result<Protocol> {
    let begun = |prefix: &[u8]| (!prefix.is_empty()).then_some(());
    match tokio::time::timeout(idle, known(io, begun)).await {
        Ok(Ok(Some(()))) => sniff(io, limits::HEAD_TIMEOUT).await,
        Ok(Ok(None)) => Ok(Protocol::Closed),
        Ok(Err(error)) => Err(error),
        Err(_) => Ok(Protocol::Silent),
    }
}

/// Reads until the client's TLS hello is whole, for at most `wait` (`TimedOut`); `None` when there is none to be read.
pub(super) async fn sniff_hello<IO: AsyncRead + Unpin>(
    io: &mut Prefixed<IO>,
    wait: Duration,
) -> io::Result<Option<Hello>> {
    let read = |prefix: &[u8]| match hello::read(prefix) {
        hello::Read::Hello(hello) => Some(Some(hello)),
        hello::Read::Not => Some(None),
        hello::Read::More if prefix.len() >= limits::SNIFF_BYTES => Some(None),
        hello::Read::More => None,
    };
    match tokio::time::timeout(wait, known(io, read)).await {
        Ok(answer) => Ok(answer?.flatten()),
        Err(_) => Err(io::ErrorKind::TimedOut.into()),
    }
}

/// Reads until `judge` has an answer; `None` at the end of the stream.
async fn known<IO: AsyncRead + Unpin, T>(
    io: &mut Prefixed<IO>,
    judge: impl Fn(&[u8]) -> Option<T>,
) -> io::Result<Option<T>> {
    loop {
        if let Some(answer) = judge(&io.prefix) {
            return Ok(Some(answer));
        }
        let mut read = BytesMut::with_capacity(READ_BYTES);
        if io.inner.read_buf(&mut read).await? == 0 {
            return Ok(None);
        }
        io.prefix = match io.prefix.is_empty() {
            true => read.freeze(),
            false => [&io.prefix[..], &read[..]].concat().into(),
        };
    }
}

/// Read at a time while sniffing: most request heads and hellos come whole.
const READ_BYTES: usize = 4096;

/// A stream with bytes put back in front of it.
#[derive(Debug)]
pub(super) struct Prefixed<IO> {
    prefix: Bytes,
    inner: IO,
}

impl<IO> Prefixed<IO> {
    pub(super) fn new(prefix: Bytes, inner: IO) -> Self {
        Prefixed { prefix, inner }
    }

    pub(super) fn get_mut(&mut self) -> &mut IO {
        &mut self.inner
    }

    /// What was read and not yet consumed.
    pub(super) fn prefix(&self) -> &Bytes {
        &self.prefix
    }

    /// Takes the put-back bytes out.
    pub(super) fn take_prefix(&mut self) -> Bytes {
        std::mem::take(&mut self.prefix)
    }

    pub(super) fn put_back(&mut self, prefix: Bytes) {
        self.prefix = prefix;
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for Prefixed<IO> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.prefix.is_empty() {
            let taken = self.prefix.len().min(buf.remaining());
            buf.put_slice(self.prefix.get(..taken).unwrap_or_default());
            self.prefix.advance(taken);
            if self.prefix.is_empty() {
                // Gives the buffer back: a connection may live for hours.
                self.prefix = Bytes::new();
            }
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.inner).poll_read(cx, buf)
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Prefixed<IO> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing {
    //! The classifier under arbitrary prefixes.

    use super::{classify, limits};

    /// An answer stays the same however much more comes, and there is one before the prefix is full.
    pub fn sniff(data: &[u8]) {
        let data = data.get(..limits::SNIFF_BYTES).unwrap_or(data);
        let mut known = None;
        for end in 0..=data.len() {
            let answer = classify(data.get(..end).unwrap_or_default());
            assert!(known.is_none() || answer == known, "{answer:?} after {known:?}");
            known = answer;
        }
        assert!(known.is_some() || data.len() < limits::SNIFF_BYTES, "no answer to a full prefix");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncWriteExt;

    const CASES: &[(&[u8], Protocol)] = &[
        (b"\x16\x03\x01\x02\x00\x01", Protocol::Tls),
        (b"\x16\x05", Protocol::Opaque),
        (b"GET / HTTP/1.1\r\n", Protocol::Http1),
        (b"\r\nGET / HTTP/1.1\r\n", Protocol::Http1),
        (b"PROPFIND /dav HTTP/1.1\r\n", Protocol::Http1),
        (b"X-ODD! http://a.example/ HTTP/1.0\n", Protocol::Http1),
        (b"CONNECT a.example:443 HTTP/1.1\r\n", Protocol::Http1),
        (b"PRINT / HTTP/1.1\r\n", Protocol::Http1),
        (b"GET /no-version\r\n", Protocol::Http1),
        (b"POST / HTTP/3.0\r\n", Protocol::Http1),
        (H2_PREFACE, Protocol::Http2),
        (b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", Protocol::Opaque),
        (b"SSH-2.0-OpenSSH_9.7 Debian-1\r\n", Protocol::Opaque),
        (b"EHLO mail.example\r\n", Protocol::Opaque),
        (b"\x00\x00\x00\x2f", Protocol::Opaque),
        (b"PING\r\n", Protocol::Opaque),
        (b"THIS-METHOD-HAS-FAR-TOO-MANY-LETTERS /", Protocol::Opaque),
    ];

    #[test]
    fn every_protocol_is_known_by_its_first_bytes() {
        for (bytes, expected) in CASES {
            assert_eq!(classify(bytes), Some(*expected), "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn a_prefix_is_never_judged_otherwise_than_the_whole() {
        for (bytes, expected) in CASES {
            for cut in 0..bytes.len() {
                let early = classify(&bytes[..cut]);
                assert!(early.is_none() || early == Some(*expected), "{} at {cut}", bytes.escape_ascii());
            }
        }
    }

    #[test]
    fn a_line_without_end_is_bounded() {
        let long = [b"GET /".as_slice(), &[b'a'; limits::SNIFF_BYTES]].concat();
        assert_eq!(classify(&long), Some(Protocol::Http1));
        let odd = [b"ODD /".as_slice(), &[b'a'; limits::SNIFF_BYTES]].concat();
        assert_eq!(classify(&odd), Some(Protocol::Opaque));
    }

    #[tokio::test]
    async fn bytes_are_put_back() {
        let (mut near, far) = tokio::io::duplex(64);
        let mut io = Prefixed::new(Bytes::new(), far);
        let writer = tokio::spawn(async move {
            for byte in b"GET / HTTP/1.1\r\nrest" {
                near.write_all(&[*byte]).await.unwrap();
            }
        });
        assert_eq!(sniff(&mut io, limits::HEAD_TIMEOUT).await.unwrap(), Protocol::Http1);
        writer.await.unwrap();
        let mut all = Vec::new();
        io.read_to_end(&mut all).await.unwrap();
        assert_eq!(all, b"GET / HTTP/1.1\r\nrest");
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_peer_cannot_hang() {
        let (_near, far) = tokio::io::duplex(64);
        let mut io = Prefixed::new(Bytes::new(), far);
        assert_eq!(sniff(&mut io, limits::HEAD_TIMEOUT).await.unwrap(), Protocol::Silent);
    }

    #[tokio::test]
    async fn a_closing_peer_is_told_from_an_opaque_one() {
        let mut io = Prefixed::new(Bytes::new(), tokio::io::empty());
        assert_eq!(sniff(&mut io, limits::HEAD_TIMEOUT).await.unwrap(), Protocol::Closed);
        let mut io = Prefixed::new(Bytes::from_static(b"GE"), tokio::io::empty());
        assert_eq!(sniff(&mut io, limits::HEAD_TIMEOUT).await.unwrap(), Protocol::Opaque);
    }
}
