//! The PROXY protocol, versions 1 and 2: what a balancer says of the client before the client's own bytes.
//!
//! Bounded and incremental; what is not exactly as specified is refused, since it decides who a client is.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Who is behind a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Introduced {
    Client(SocketAddr),
    /// Nobody: the balancer speaks for itself, or does not know.
    Local,
    Wrong(&'static str),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Read {
    /// The header and its length.
    Done(Introduced, usize),
    Not(&'static str),
    More,
}

/// Longest line of version 1, with its end.
const LINE_MAX: usize = 107;
const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
/// Longest version 2 header that is read, with its extensions: they are skipped, so little is granted.
const EXTENDED_MAX: usize = 4096;

pub(super) fn read(bytes: &[u8]) -> Read {
    let begins = |with: &[u8]| bytes.iter().zip(with).all(|(byte, expected)| byte == expected);
    match () {
        () if begins(SIGNATURE) && bytes.len() >= SIGNATURE.len() => version_2(bytes),
        () if begins(b"PROXY ") && bytes.len() >= 6 => version_1(bytes),
        () if begins(SIGNATURE) || begins(b"PROXY ") => Read::More,
        () => Read::Not("connection does not begin with a PROXY header"),
    }
}

fn version_1(bytes: &[u8]) -> Read {
    const WRONG: Read = Read::Not("PROXY header of version 1 is malformed");
    let line = bytes.get(..bytes.len().min(LINE_MAX)).unwrap_or_default();
    let Some(end) = line.windows(2).position(|pair| pair == b"\r\n") else {
        return if line.len() == LINE_MAX { WRONG } else { Read::More };
    };
    let text = line.get(..end).and_then(|line| std::str::from_utf8(line).ok()).unwrap_or_default();
    let mut words = text.split(' ');
    let (_, family) = (words.next(), words.next());
    if family == Some("UNKNOWN") {
        return Read::Done(Introduced::Local, end + 2);
    }
    let fields: Vec<&str> = words.collect();
    let [source, destination, source_port, destination_port] = fields[..] else { return WRONG };
    let ip = |text: &str| match family {
        Some("TCP4") => text.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
        Some("TCP6") => text.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
        _ => None,
    };
    let port = |text: &str| {
        let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
        text.parse::<u16>().ok().filter(|_| plain)
    };
    match (ip(source), ip(destination), port(source_port), port(destination_port)) {
        (Some(ip), Some(_), Some(port), Some(_)) => {
            Read::Done(Introduced::Client(SocketAddr::new(ip, port)), end + 2)
        }
        _ => WRONG,
    }
}

fn version_2(bytes: &[u8]) -> Read {
    let head = bytes.get(SIGNATURE.len()..).unwrap_or_default();
    let Some([command, family, high, low]) = head.first_chunk::<4>().copied() else { return Read::More };
    let length = usize::from(u16::from_be_bytes([high, low]));
    if length > EXTENDED_MAX {
        return Read::Not("PROXY header is too long");
    }
    if command >> 4 != 2 {
        return Read::Not("PROXY header is of an unknown version");
    }
    let whole = SIGNATURE.len() + 4 + length;
    let Some(body) = bytes.get(SIGNATURE.len() + 4..whole) else { return Read::More };
    let introduced = match (command & 0xf, family) {
        // LOCAL: whatever stands there is to be skipped.
        (0, _) => Introduced::Local,
        (1, 0x11) => match body.first_chunk::<12>() {
            Some([a, b, c, d, _, _, _, _, high, low, ..]) => {
                let port = u16::from_be_bytes([*high, *low]);
                Introduced::Client(SocketAddr::new(Ipv4Addr::new(*a, *b, *c, *d).into(), port))
            }
            None => return Read::Not("PROXY header is shorter than its addresses"),
        },
        (1, 0x21) => match (body.first_chunk::<16>(), body.get(32..34), body.len() >= 36) {
            (Some(ip), Some([high, low]), true) => {
                let port = u16::from_be_bytes([*high, *low]);
                Introduced::Client(SocketAddr::new(Ipv6Addr::from(*ip).into(), port))
            }
            _ => return Read::Not("PROXY header is shorter than its addresses"),
        },
        (1, _) => return Read::Not("PROXY header speaks of no TCP connection"),
        _ => return Read::Not("PROXY header has an unknown command"),
    };
    Read::Done(introduced, whole)
}

#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing {
    //! The reader under arbitrary bytes.

    use super::{Read, read};

    /// An answer stays the same however much more comes, and one comes before the bound.
    pub(crate) fn introduction(data: &[u8]) {
        let data = data.get(..super::EXTENDED_MAX + 64).unwrap_or(data);
        let mut known = Read::More;
        for end in 0..=data.len() {
            let answer = read(data.get(..end).unwrap_or_default());
            assert!(known == Read::More || answer == known, "{answer:?} after {known:?}");
            if let Read::Done(_, length) = answer {
                assert!(length <= end, "a header longer than what came");
            }
            known = answer;
        }
        assert!(known != Read::More || data.len() < super::EXTENDED_MAX + 16, "no answer to so much");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn v2(command: u8, family: u8, body: &[u8]) -> Vec<u8> {
        let length = u16::try_from(body.len()).unwrap().to_be_bytes();
        [SIGNATURE, &[command, family], &length, body].concat()
    }

    fn client(text: &str, length: usize) -> Read {
        Read::Done(Introduced::Client(text.parse().unwrap()), length)
    }

    #[test]
    fn both_versions_are_read_and_nothing_else() {
        let four = [10, 0, 0, 7, 192, 0, 2, 1, 0x30, 0x39, 1, 187];
        let six = [&[0x20, 1, 0xd, 0xb8][..], &[0; 11], &[7], &[0; 16], &[0x30, 0x39, 1, 187]].concat();
        let extended = [&four[..], &[3, 0, 4, 1, 2, 3, 4]].concat();
        let cases: Vec<(Vec<u8>, Read)> = vec![
            (b"PROXY TCP4 10.0.0.7 192.0.2.1 12345 443\r\n".to_vec(), client("10.0.0.7:12345", 41)),
            (b"PROXY TCP6 2001:db8::7 ::1 1 2\r\n".to_vec(), client("[2001:db8::7]:1", 32)),
            (b"PROXY UNKNOWN whatever\r\n".to_vec(), Read::Done(Introduced::Local, 24)),
            (v2(0x21, 0x11, &four), client("10.0.0.7:12345", 28)),
            (v2(0x21, 0x21, &six), client("[2001:db8::7]:12345", 52)),
            (v2(0x21, 0x11, &extended), client("10.0.0.7:12345", 35)),
            (v2(0x20, 0, &[]), Read::Done(Introduced::Local, 16)),
        ];
        for (bytes, expected) in &cases {
            assert_eq!(read(bytes), *expected, "{}", bytes.escape_ascii());
            assert_eq!(read(&[bytes, &b"GET / HTTP/1.1"[..]].concat()), *expected);
            for end in 0..bytes.len() {
                assert_eq!(read(&bytes[..end]), Read::More, "{} at {end}", bytes.escape_ascii());
            }
            fuzzing::introduction(bytes);
        }
        let wrong: Vec<Vec<u8>> = vec![
            b"GET / HTTP/1.1\r\n".to_vec(),
            b"PROXY TCP4 10.0.0.7 192.0.2.1 12345\r\n".to_vec(),
            b"PROXY TCP4 10.0.0.7 192.0.2.1 12345 443 1\r\n".to_vec(),
            b"PROXY TCP4 ::1 ::1 1 2\r\n".to_vec(),
            b"PROXY TCP4 10.0.0.7 192.0.2.1 +1 443\r\n".to_vec(),
            b"PROXY TCP4 10.0.0.7 192.0.2.1 01 443\r\n".to_vec(),
            b"PROXY UDP4 10.0.0.7 192.0.2.1 1 443\r\n".to_vec(),
            [&b"PROXY "[..], &[b'a'; 110]].concat(),
            v2(0x11, 0x11, &four),
            v2(0x21, 0x11, &four[..8]),
            v2(0x21, 0x21, &four),
            v2(0x21, 0x12, &four),
            v2(0x22, 0x11, &four),
            v2(0x21, 0x11, &[0; 5000]),
        ];
        for bytes in &wrong {
            assert!(matches!(read(bytes), Read::Not(_)), "{}", bytes.escape_ascii());
            fuzzing::introduction(bytes);
        }
    }
}
