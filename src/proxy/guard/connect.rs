//! A CONNECT head, read outside hyper: the first thing that a client of an explicit proxy sends.

use std::fmt;
use std::io;

use bytes::{Buf, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::io::{AsyncRead, AsyncReadExt};

use super::Refusal;
use super::section::{Kind, Method, Section, split_field};
use crate::flow::Host;

/// What a checked CONNECT asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ConnectHead {
    pub(crate) host: Host,
    pub(crate) port: u16,
    pub(crate) headers: HeaderMap,
}

/// Reads a CONNECT head from the start of `bytes`: the head and its length, or nothing while it is incomplete.
#[cfg(test)]
pub(crate) fn connect_head(bytes: &[u8]) -> Result<Option<(ConnectHead, usize)>, Refusal> {
    parse(&mut Section::new(Kind::Request), bytes)
}

pub(super) fn parse(section: &mut Section, bytes: &[u8]) -> Result<Option<(ConnectHead, usize)>, Refusal> {
    let Some(length) = section.feed(bytes)? else { return Ok(None) };
    if section.facts().method != Some(Method::Connect) {
        return Err(Refusal::NotConnect);
    }
    let head = bytes.get(..length).unwrap_or_default();
    let mut lines =
        head.split(|b| *b == b'\n').map(|line| line.trim_ascii_end()).filter(|line| !line.is_empty());
    let request_line = lines.next().unwrap_or_default();
    let target = request_line.split(|b| *b == b' ').nth(1).unwrap_or_default();
    let (host, port) = read_target(target).ok_or(Refusal::BadConnectTarget)?;
    let mut headers = HeaderMap::new();
    for line in lines {
        let (name, value) = split_field(line)?;
        let name = HeaderName::from_bytes(name).map_err(|_| Refusal::BadField)?;
        let value = HeaderValue::from_bytes(value).map_err(|_| Refusal::BadField)?;
        headers.append(name, value);
    }
    Ok(Some((ConnectHead { host, port, headers }, length)))
}

/// The authority form, `host:port` (RFC 9112, section 3.2.3); the port is not optional.
fn read_target(target: &[u8]) -> Option<(Host, u16)> {
    let (host, port) = std::str::from_utf8(target).ok()?.rsplit_once(':')?;
    if port.is_empty()
        || !port.bytes().all(|b| b.is_ascii_digit())
        || (host.contains(':') && !host.starts_with('['))
    {
        return None;
    }
    let port = port.parse().ok().filter(|port| *port != 0)?;
    Some((host.parse().ok()?, port))
}

/// Why no CONNECT head was had from a client.
#[derive(Debug)]
pub(crate) enum ReadHeadError {
    Refused(Refusal),
    /// The client closed before its head was whole.
    Closed,
    Io(io::Error),
}

impl fmt::Display for ReadHeadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReadHeadError::Refused(refusal) => write!(f, "client sent a head that is refused: {refusal}"),
            ReadHeadError::Closed => f.write_str("client closed the connection inside a head"),
            ReadHeadError::Io(error) => write!(f, "client's head cannot be read: {error}"),
        }
    }
}

impl std::error::Error for ReadHeadError {}

/// Reads a CONNECT head, starting with what is in `buffer` already. What came behind the head stays in it. The
/// caller bounds the time.
pub(crate) async fn read_connect<IO>(io: &mut IO, buffer: &mut BytesMut) -> Result<ConnectHead, ReadHeadError>
where
    IO: AsyncRead + Unpin,
{
    let mut section = Section::new(Kind::Request);
    loop {
        if let Some((head, length)) = parse(&mut section, buffer).map_err(ReadHeadError::Refused)? {
            buffer.advance(length);
            return Ok(head);
        }
        match io.read_buf(buffer).await {
            Ok(0) => return Err(ReadHeadError::Closed),
            Ok(_) => {}
            Err(error) => return Err(ReadHeadError::Io(error)),
        }
    }
}
