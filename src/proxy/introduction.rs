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
/// Longest version 2 header that is read, with its extensions: of them nothing but a checksum is looked at, so little is granted.
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

/// What follows the addresses: kinds, lengths and values. A checksum is verified, the rest is skipped.
fn extensions(header: &[u8], from: usize) -> Result<(), &'static str> {
    const CRC32C: u8 = 3;
    let (mut at, mut is_checked) = (from, false);
    while at < header.len() {
        const WRONG: &str = "PROXY header has extensions that do not end with it";
        let Some([kind, high, low]) = header.get(at..).and_then(<[u8]>::first_chunk).copied() else {
            return Err(WRONG);
        };
        let begin = at + 3;
        at = begin + usize::from(u16::from_be_bytes([high, low]));
        let Some(value) = header.get(begin..at) else { return Err(WRONG) };
        if kind != CRC32C {
            continue;
        }
        let said = value.try_into().map(u32::from_be_bytes).ok().filter(|_| !is_checked);
        // It counts as if it were nothing itself.
        let (before, behind) = (header.get(..begin), header.get(at..));
        let parts = [before.unwrap_or_default(), &[0; 4], behind.unwrap_or_default()];
        if said != Some(crc32c(parts.into_iter().flatten())) {
            return Err("PROXY header has a checksum that is not its own");
        }
        is_checked = true;
    }
    Ok(())
}

/// RFC 3720, appendix B.4.
fn crc32c<'a>(bytes: impl Iterator<Item = &'a u8>) -> u32 {
    let step = |sum: u32, _| if sum & 1 == 1 { sum >> 1 ^ 0x82f6_3b78 } else { sum >> 1 };
    !bytes.fold(!0, |sum, byte| (0..8).fold(sum ^ u32::from(*byte), step))
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
    let (introduced, addresses) = match (command & 0xf, family) {
        // LOCAL: whatever stands there is to be skipped.
        (0, _) => return Read::Done(Introduced::Local, whole),
        (1, 0x11) => match body.first_chunk::<12>() {
            Some([a, b, c, d, _, _, _, _, high, low, ..]) => {
                let port = u16::from_be_bytes([*high, *low]);
                (Introduced::Client(SocketAddr::new(Ipv4Addr::new(*a, *b, *c, *d).into(), port)), 12)
            }
            None => return Read::Not("PROXY header is shorter than its addresses"),
        },
        (1, 0x21) => match (body.first_chunk::<16>(), body.get(32..34), body.len() >= 36) {
            (Some(ip), Some([high, low]), true) => {
                let port = u16::from_be_bytes([*high, *low]);
                (Introduced::Client(SocketAddr::new(Ipv6Addr::from(*ip).into(), port)), 36)
            }
            _ => return Read::Not("PROXY header is shorter than its addresses"),
        },
        (1, _) => return Read::Not("PROXY header speaks of no TCP connection"),
        _ => return Read::Not("PROXY header has an unknown command"),
    };
    let header = bytes.get(..whole).unwrap_or_default();
    match extensions(header, SIGNATURE.len() + 4 + addresses) {
        Ok(()) => Read::Done(introduced, whole),
        Err(why) => Read::Not(why),
    }
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

    /// The same with a checksum at its end, as it should be but for these bits.
    fn summed(body: &[u8], wrong: u32) -> Vec<u8> {
        let mut header = v2(0x21, 0x11, &[body, &[3, 0, 4, 0, 0, 0, 0]].concat());
        let sum = (crc32c(header.iter()) ^ wrong).to_be_bytes();
        let place = header.len() - 4;
        header[place..].copy_from_slice(&sum);
        header
    }

    #[test]
    fn checksums_are_those_of_the_standard() {
        // RFC 3720, appendix B.4.
        for (bytes, sum) in
            [(&[0; 32][..], 0x8a91_36aa), (&[0xff; 32], 0x62a8_ab43), (b"123456789", 0xe306_9283)]
        {
            assert_eq!(crc32c(bytes.iter()), sum);
        }
    }

    fn client(text: &str, length: usize) -> Read {
        Read::Done(Introduced::Client(text.parse().unwrap()), length)
    }

    #[test]
    fn both_versions_are_read_and_nothing_else() {
        let four = [10, 0, 0, 7, 192, 0, 2, 1, 0x30, 0x39, 1, 187];
        let six = [&[0x20, 1, 0xd, 0xb8][..], &[0; 11], &[7], &[0; 16], &[0x30, 0x39, 1, 187]].concat();
        let extended = [&four[..], &[4, 0, 1, 9]].concat();
        let with = |extensions: &[u8]| v2(0x21, 0x11, &[&four[..], extensions].concat());
        let cases: Vec<(Vec<u8>, Read)> = vec![
            (b"PROXY TCP4 10.0.0.7 192.0.2.1 12345 443\r\n".to_vec(), client("10.0.0.7:12345", 41)),
            (b"PROXY TCP6 2001:db8::7 ::1 1 2\r\n".to_vec(), client("[2001:db8::7]:1", 32)),
            (b"PROXY UNKNOWN whatever\r\n".to_vec(), Read::Done(Introduced::Local, 24)),
            (v2(0x21, 0x11, &four), client("10.0.0.7:12345", 28)),
            (v2(0x21, 0x21, &six), client("[2001:db8::7]:12345", 52)),
            (v2(0x21, 0x11, &extended), client("10.0.0.7:12345", 32)),
            (v2(0x20, 0, &[]), Read::Done(Introduced::Local, 16)),
            (v2(0x20, 0x21, &[3, 0, 9]), Read::Done(Introduced::Local, 19)),
            (summed(&four, 0), client("10.0.0.7:12345", 35)),
            (summed(&extended, 0), client("10.0.0.7:12345", 39)),
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
            v2(0x21, 0, &[]),
            with(&[4]),
            with(&[4, 0, 2, 9]),
            with(&[3, 0, 3, 1, 2, 3]),
            summed(&four, 1),
            summed(&[&four[..], &[3, 0, 4, 0, 0, 0, 0]].concat(), 0),
        ];
        for bytes in &wrong {
            assert!(matches!(read(bytes), Read::Not(_)), "{}", bytes.escape_ascii());
            fuzzing::introduction(bytes);
        }
    }
}
