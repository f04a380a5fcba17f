//! What is being judged: one exchange between a client and an upstream, and the words for its ends.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

/// A byte as two lower-case hexadecimal digits, looked up: records are full of them.
#[must_use]
pub(crate) fn hex_byte(byte: u8) -> [u8; 2] {
    const fn digit(nibble: u8) -> u8 {
        if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 }
    }
    static TABLE: [[u8; 2]; 256] = {
        let mut table = [[0; 2]; 256];
        let (mut rest, mut byte) = (table.as_mut_slice(), 0u8);
        while let Some((entry, after)) = rest.split_first_mut() {
            *entry = [digit(byte >> 4), digit(byte & 0xf)];
            (rest, byte) = (after, byte.wrapping_add(1));
        }
        table
    };
    TABLE.get(usize::from(byte)).copied().unwrap_or_default()
}

/// Identifies one flow; time-ordered (RFC 9562, UUID version 7) when built from a clock and random bits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FlowId(u128);

impl FlowId {
    /// Builds a version 7 identifier from milliseconds since the Unix epoch and 80 random bits.
    #[must_use]
    pub fn new(unix_ms: u64, random: [u8; 10]) -> Self {
        let mut bytes = [0u8; 16];
        bytes[..6].copy_from_slice(&unix_ms.to_be_bytes()[2..]);
        bytes[6..].copy_from_slice(&random);
        bytes[6] = (bytes[6] & 0x0f) | 0x70;
        bytes[8] = (bytes[8] & 0x3f) | 0x80;
        FlowId(u128::from_be_bytes(bytes))
    }

    /// The milliseconds that it was built from.
    #[must_use]
    pub const fn unix_ms(self) -> u64 {
        (self.0 >> 80) as u64
    }

    #[must_use]
    pub fn bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }

    /// As it is written: every record spells two of them.
    #[must_use]
    pub fn text(self) -> [u8; 36] {
        const PLACES: [usize; 16] = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];
        let mut text = [b'-'; 36];
        for (byte, place) in self.0.to_be_bytes().into_iter().zip(PLACES) {
            if let Some(two) = text.get_mut(place..place + 2) {
                two.copy_from_slice(&hex_byte(byte));
            }
        }
        text
    }
}

impl fmt::Display for FlowId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(str::from_utf8(&self.text()).unwrap_or_default())
    }
}

impl fmt::Debug for FlowId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Which message of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    Request,
    Response,
}

impl Direction {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Direction::Request => "request",
            Direction::Response => "response",
        }
    }
}

/// Whose fault an error is, and which handshake a figure speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    Client,
    Upstream,
    Gate,
}

impl Side {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Side::Client => "client",
            Side::Upstream => "upstream",
            Side::Gate => "gate",
        }
    }
}

/// How the client speaks to the upstream: in clear text or over TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    Http,
    Https,
}

impl Scheme {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Scheme::Http => "http",
            Scheme::Https => "https",
        }
    }

    #[must_use]
    pub const fn default_port(self) -> u16 {
        match self {
            Scheme::Http => 80,
            Scheme::Https => 443,
        }
    }
}

/// A host as named by a client: a DNS name (lower case, no trailing dot) or an address literal.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Host {
    Name(Arc<str>),
    Ip(IpAddr),
}

/// Why a text is not a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostError {
    Empty,
    TooLong,
    BadByte,
    BadAddress,
}

impl fmt::Display for HostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            HostError::Empty => "host is empty",
            HostError::TooLong => {
                "host is longer than a DNS name can be (RFC 1035: 253 octets, labels of 63)"
            }
            HostError::BadByte => "host holds a character that no DNS name has",
            HostError::BadAddress => "host is neither a DNS name nor a valid address",
        })
    }
}

impl std::error::Error for HostError {}

impl FromStr for Host {
    type Err = HostError;

    /// Accepts a DNS name, an IPv4 literal, an IPv6 literal with or without brackets.
    fn from_str(text: &str) -> Result<Self, HostError> {
        if let Some(inner) = text.strip_prefix('[') {
            let inner = inner.strip_suffix(']').ok_or(HostError::BadAddress)?;
            return inner.parse().map(|ip| Host::Ip(IpAddr::V6(ip))).map_err(|_| HostError::BadAddress);
        }
        if let Ok(ip) = text.parse::<IpAddr>() {
            return Ok(Host::Ip(ip));
        }
        let name = text.strip_suffix('.').unwrap_or(text);
        if name.is_empty() {
            return Err(HostError::Empty);
        }
        if name.len() > 253 || name.split('.').any(|label| label.len() > 63) {
            return Err(HostError::TooLong);
        }
        if name.split('.').any(str::is_empty)
            || !name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
        {
            return Err(HostError::BadByte);
        }
        // A last label of digits alone is how browsers spell addresses (WHATWG URL, host parsing):
        // `0x7f.1` and `127.1` must never reach a resolver that reads them as 127.0.0.1.
        let last = name.rsplit('.').next().unwrap_or(name);
        let numeric = last.bytes().all(|b| b.is_ascii_digit())
            || last
                .strip_prefix("0x")
                .or_else(|| last.strip_prefix("0X"))
                .is_some_and(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()));
        if numeric {
            return Err(HostError::BadAddress);
        }
        Ok(Host::Name(name.to_ascii_lowercase().into()))
    }
}

impl fmt::Display for Host {
    /// As it stands in a URL: IPv6 literals in brackets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Host::Name(name) => f.write_str(name),
            Host::Ip(IpAddr::V4(ip)) => write!(f, "{ip}"),
            Host::Ip(IpAddr::V6(ip)) => write!(f, "[{ip}]"),
        }
    }
}

/// Where a flow goes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Destination {
    pub scheme: Scheme,
    pub host: Host,
    pub port: u16,
}

impl Destination {
    /// `host:port`, as it stands in a CONNECT request.
    #[must_use]
    pub fn authority(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}

/// The client of a flow as the gate saw it connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClientAddr {
    pub ip: IpAddr,
    pub port: u16,
}

impl ClientAddr {
    /// The key that budgets and shares are counted under: the IPv4 address, or the /64 of an IPv6 one,
    /// since a single host commonly owns a whole /64 (RFC 4291, section 2.5.4).
    #[must_use]
    pub fn key(self) -> IpAddr {
        match self.ip.to_canonical() {
            ip @ IpAddr::V4(_) => ip,
            IpAddr::V6(ip) => {
                let prefix = u128::from(ip) & !u128::from(u64::MAX);
                IpAddr::V6(prefix.into())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_read_once_and_strictly() {
        let ok = [
            ("Example.COM.", "example.com"),
            ("a_b.example", "a_b.example"),
            ("192.0.2.7", "192.0.2.7"),
            ("[2001:db8::1]", "[2001:db8::1]"),
            ("::1", "[::1]"),
        ];
        for (text, shown) in ok {
            assert_eq!(text.parse::<Host>().unwrap().to_string(), shown, "{text}");
        }
        let bad = [
            "",
            ".",
            "a..b",
            "a b",
            "exa\u{e9}mple",
            "127.1",
            "0x7f.0x1",
            "2130706433",
            "[::1",
            "a/b",
            "a@b",
        ];
        for text in bad {
            assert!(text.parse::<Host>().is_err(), "{text}");
        }
        assert_eq!("a".repeat(64).parse::<Host>(), Err(HostError::TooLong));
    }

    #[test]
    fn client_key_joins_one_ipv6_subnet() {
        let a = ClientAddr { ip: "2001:db8::1".parse().unwrap(), port: 1 };
        let b = ClientAddr { ip: "2001:db8::ffff:2".parse().unwrap(), port: 2 };
        let c = ClientAddr { ip: "2001:db8:0:1::1".parse().unwrap(), port: 2 };
        assert_eq!(a.key(), b.key());
        assert_ne!(a.key(), c.key());
        let mapped = ClientAddr { ip: "::ffff:192.0.2.1".parse().unwrap(), port: 2 };
        assert_eq!(mapped.key(), "192.0.2.1".parse::<IpAddr>().unwrap());
    }

    #[test]
    fn flow_ids_carry_time_and_version() {
        let id = FlowId::new(0x0123_4567_89ab, [0xff; 10]);
        assert_eq!(id.to_string(), "01234567-89ab-7fff-bfff-ffffffffffff");
    }
}
