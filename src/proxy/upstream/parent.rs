//! A proxy that stands between the gate and the outside: it is asked for a tunnel to each upstream.

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::audit::base64;
use crate::flow::Host;
use crate::limits;
use crate::policy::Hosts;

/// `[upstream] parent`.
#[derive(Clone, PartialEq, Eq)]
pub struct Parent {
    pub host: Host,
    pub port: u16,
    /// `user:password`.
    pub credentials: Option<zeroize::Zeroizing<String>>,
    /// What is reached without it.
    pub except: Hosts,
}

impl std::fmt::Debug for Parent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Credentials are nobody's business.
        f.debug_struct("Parent")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("except", &self.except)
            .finish_non_exhaustive()
    }
}

impl Parent {
    /// Asks for a tunnel to `authority`. The caller bounds its time.
    pub(super) async fn tunnel(&self, tcp: &mut TcpStream, authority: &str) -> io::Result<()> {
        let mut request = format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n");
        if let Some(credentials) = &self.credentials {
            request.push_str("Proxy-Authorization: Basic ");
            request.push_str(&base64(credentials.as_bytes()));
            request.push_str("\r\n");
        }
        request.push_str("\r\n");
        tcp.write_all(request.as_bytes()).await?;
        let mut head = Vec::with_capacity(256);
        // Byte by byte: what follows the head is the upstream's.
        while !head.ends_with(b"\r\n\r\n") {
            if head.len() >= limits::PARENT_HEAD {
                return Err(io::Error::other("parent proxy answered with an endless head"));
            }
            head.push(match tcp.read_u8().await {
                Ok(byte) => byte,
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    return Err(io::Error::other("parent proxy closed the connection instead of an answer"));
                }
                Err(error) => return Err(error),
            });
            // What begins otherwise may never end.
            if let Some(what) = foreign(&head) {
                return Err(io::Error::other(what));
            }
        }
        match status(&head) {
            Some(200..=299) => Ok(()),
            Some(407) => Err(io::Error::other("parent proxy wants other credentials (407)")),
            Some(status) => Err(io::Error::other(format!("parent proxy refused the tunnel ({status})"))),
            None => Err(io::Error::other("parent proxy does not answer in HTTP")),
        }
    }
}

/// What an answer is, if its first bytes show that it is none of HTTP/1.
fn foreign(head: &[u8]) -> Option<&'static str> {
    match head {
        // A record of TLS: an alert, or a handshake.
        [0x15 | 0x16, 3, ..] => Some("parent proxy speaks TLS where it is asked in clear text"),
        [0x15 | 0x16] => None,
        _ if b"HTTP/1.".iter().zip(head).all(|(expected, byte)| expected == byte) => None,
        _ => Some("parent proxy does not answer in HTTP"),
    }
}

fn status(head: &[u8]) -> Option<u16> {
    let line = head.split(|byte| *byte == b'\r').next()?;
    let text = std::str::from_utf8(line).ok()?;
    let rest = text.strip_prefix("HTTP/1.1 ").or_else(|| text.strip_prefix("HTTP/1.0 "))?;
    let digits = rest.get(..3)?;
    digits.parse().ok().filter(|_| rest.len() == 3 || rest.as_bytes().get(3) == Some(&b' '))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_status_line_is_an_answer() {
        let cases: [(&[u8], Option<u16>); 5] = [
            (b"HTTP/1.1 200 Connection established\r\n\r\n", Some(200)),
            (b"HTTP/1.0 407\r\n\r\n", Some(407)),
            (b"HTTP/1.1 2000 x\r\n\r\n", None),
            (b"HTTP/2 200\r\n\r\n", None),
            (b"220 smtp ready\r\n\r\n", None),
        ];
        for (head, expected) in cases {
            assert_eq!(status(head), expected, "{}", head.escape_ascii());
        }
    }
}
