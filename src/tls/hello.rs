//! A ClientHello read from raw bytes before anything is answered: the name it shows, and whether it may hide another.
//!
//! The reader is stricter than a TLS stack: what it is not sure of is no hello that a tunnel could pass unopened
//! for, and is left to the handshake.

/// What matters of a hello (RFC 8446, section 4.1.2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hello {
    /// The one host name of `server_name` (RFC 6066, section 3), as it came.
    pub server_name: Option<String>,
    /// Whether there is an `encrypted_client_hello`: the name shown may be a front for another. One that is made up
    /// (GREASE) looks the same by design, so both count.
    pub veiled: bool,
}

/// What the bytes so far are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Read {
    Hello(Hello),
    /// No ClientHello that can be read with certainty.
    Not,
    More,
}

const HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;
const SERVER_NAME: u16 = 0;
const HOST_NAME: u8 = 0;
/// RFC 9849, section 5.
const ENCRYPTED_CLIENT_HELLO: u16 = 0xfe0d;
/// Longest record in clear text (RFC 8446, section 5.1).
const RECORD_MAX: usize = 1 << 14;
/// Longest hello: as long as what is read to tell what a connection speaks.
const HELLO_MAX: usize = crate::limits::SNIFF_BYTES;

/// Reads the first bytes of a connection. A hello may be spread over several records.
#[must_use]
pub fn read(bytes: &[u8]) -> Read {
    let mut message = Vec::new();
    let mut left = Cursor(bytes);
    loop {
        if let Some(length) = message_length(&message) {
            if length > HELLO_MAX || message.first() != Some(&CLIENT_HELLO) {
                return Read::Not;
            }
            if let Some(body) = message.get(4..4 + length) {
                // Nothing may share its last record: two readers could take it for different things.
                let alone = message.len() == 4 + length;
                return parse(body).filter(|_| alone).map_or(Read::Not, Read::Hello);
            }
        }
        let mut record = Cursor(left.0);
        let (Some(kind), Some(version), Some(length)) = (record.u8(), record.u16(), record.u16()) else {
            return if plausible(left.0) { Read::More } else { Read::Not };
        };
        let length = usize::from(length);
        if kind != HANDSHAKE || version >> 8 != 3 || length == 0 || length > RECORD_MAX {
            return Read::Not;
        }
        let part = record.0.get(..length.min(record.0.len())).unwrap_or_default();
        message.extend_from_slice(part);
        if part.len() < length {
            // What there is of it may be enough to see that it is none.
            let wrong = message.first().is_some_and(|kind| *kind != CLIENT_HELLO)
                || message_length(&message).is_some_and(|length| length > HELLO_MAX);
            let whole = message_length(&message).is_some_and(|length| message.len() >= 4 + length);
            return if wrong || whole { Read::Not } else { Read::More };
        }
        left = Cursor(record.0.get(length..).unwrap_or_default());
    }
}

/// Whether a record header that is not whole could be that of a handshake.
fn plausible(header: &[u8]) -> bool {
    header.iter().zip([HANDSHAKE, 3]).all(|(byte, expected)| *byte == expected)
}

fn message_length(message: &[u8]) -> Option<usize> {
    let [_, high, middle, low] = *message.first_chunk::<4>()?;
    Some(usize::from(high) << 16 | usize::from(middle) << 8 | usize::from(low))
}

fn parse(body: &[u8]) -> Option<Hello> {
    let mut body = Cursor(body);
    body.take(2 + 32)?;
    let session = body.u8()?;
    body.take(session.into())?;
    let ciphers = body.u16()?;
    body.take(ciphers.into())?;
    let compressions = body.u8()?;
    body.take(compressions.into())?;
    let mut hello = Hello::default();
    if body.0.is_empty() {
        return Some(hello);
    }
    let mut extensions = Cursor(body.vector()?);
    if !body.0.is_empty() {
        return None;
    }
    let mut named = false;
    while !extensions.0.is_empty() {
        let kind = extensions.u16()?;
        let content = extensions.vector()?;
        match kind {
            SERVER_NAME if named => return None,
            SERVER_NAME => {
                named = true;
                hello.server_name = Some(server_name(content)?);
            }
            ENCRYPTED_CLIENT_HELLO => hello.veiled = true,
            _ => {}
        }
    }
    Some(hello)
}

/// The list holds one name, of the one type that there is.
fn server_name(content: &[u8]) -> Option<String> {
    let mut content = Cursor(content);
    let mut list = Cursor(content.vector()?);
    let kind = list.u8()?;
    let name = list.vector()?;
    let alone = content.0.is_empty() && list.0.is_empty() && kind == HOST_NAME && !name.is_empty();
    (alone && name.is_ascii()).then(|| String::from_utf8_lossy(name).into_owned())
}

/// What is left to read.
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, left) = self.0.split_at_checked(length)?;
        self.0 = left;
        Some(taken)
    }

    fn u8(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn u16(&mut self) -> Option<u16> {
        Some(u16::from_be_bytes(*self.take(2)?.first_chunk()?))
    }

    /// A length of two octets and as many bytes.
    fn vector(&mut self) -> Option<&'a [u8]> {
        let length = self.u16()?;
        self.take(length.into())
    }
}

#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing {
    //! The reader under arbitrary bytes.

    use super::{Read, read};

    /// An answer stays the same however much more comes, and one comes before the bound.
    pub(crate) fn hello(data: &[u8]) {
        let mut known = Read::More;
        let step = (data.len() / 64).max(1);
        for end in (0..=data.len()).step_by(step).chain([data.len()]) {
            let answer = read(data.get(..end).unwrap_or_default());
            assert!(known == Read::More || answer == known, "{answer:?} after {known:?}");
            known = answer;
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A hello with these extensions, in records of at most `size` bytes.
    pub(crate) fn hello(extensions: &[(u16, Vec<u8>)], size: usize) -> Vec<u8> {
        let vector = |bytes: &[u8]| [&u16::try_from(bytes.len()).unwrap().to_be_bytes(), bytes].concat();
        let listed: Vec<u8> = extensions
            .iter()
            .flat_map(|(kind, content)| [kind.to_be_bytes().to_vec(), vector(content)].concat())
            .collect();
        let mut body = [vec![3, 3], vec![7; 32], vec![0], vector(&[0x13, 1]), vec![1, 0]].concat();
        body.extend(vector(&listed));
        let length = u32::try_from(body.len()).unwrap().to_be_bytes();
        let message = [&[CLIENT_HELLO], &length[1..], &body].concat();
        let record = |part: &[u8]| [vec![HANDSHAKE, 3, 1], vector(part)].concat();
        message.chunks(size).flat_map(record).collect()
    }

    pub(crate) fn named(name: &str) -> (u16, Vec<u8>) {
        let name =
            [&[HOST_NAME], &u16::try_from(name.len()).unwrap().to_be_bytes()[..], name.as_bytes()].concat();
        (SERVER_NAME, [&u16::try_from(name.len()).unwrap().to_be_bytes()[..], &name].concat())
    }

    fn shown(name: Option<&str>, veiled: bool) -> Read {
        Read::Hello(Hello { server_name: name.map(str::to_owned), veiled })
    }

    #[test]
    fn the_name_is_read_over_any_records() {
        let grease = (0x2a2a, vec![0]);
        let cases = [
            (vec![named("a.example")], shown(Some("a.example"), false)),
            (vec![grease.clone(), named("a.example"), grease], shown(Some("a.example"), false)),
            (
                vec![named("front.example"), (ENCRYPTED_CLIENT_HELLO, vec![0; 200])],
                shown(Some("front.example"), true),
            ),
            (vec![(10, vec![0, 2, 0, 29])], shown(None, false)),
            (vec![named("a.example"), named("b.example")], Read::Not),
            (vec![(SERVER_NAME, vec![])], Read::Not),
            (vec![(SERVER_NAME, vec![0, 0])], Read::Not),
            (vec![(SERVER_NAME, [named("a.example").1, vec![0]].concat())], Read::Not),
        ];
        for (extensions, expected) in &cases {
            for size in [1, 7, 100, 1 << 14] {
                let bytes = hello(extensions, size);
                assert_eq!(read(&bytes), *expected, "{extensions:?} in records of {size}");
                // What follows belongs to somebody else.
                assert_eq!(read(&[&bytes[..], b"\x17\x03\x03"].concat()), *expected);
                for end in 0..bytes.len() {
                    let early = read(&bytes[..end]);
                    assert!(early == Read::More || early == *expected, "{early:?} at {end}");
                }
                fuzzing::hello(&bytes);
            }
        }
    }

    #[test]
    fn what_is_no_hello_is_told_at_once() {
        let cases: [&[u8]; 6] = [
            b"GET / HTTP/1.1",
            b"\x17\x03\x03",
            b"\x16\x02\x00",
            b"\x16\x03\x01\x00\x00",
            b"\x16\x03\x01\x00\x05\x02",
            b"\x16\x03\x01\x40\x00\x01\xff\xff\xff",
        ];
        for bytes in cases {
            let whole = [bytes, &[0; 8]].concat();
            assert_eq!(read(&whole), Read::Not, "{}", bytes.escape_ascii());
        }
        assert_eq!(read(b""), Read::More);
        assert_eq!(read(b"\x16\x03"), Read::More);
        // A hello that says it is longer than its parts are.
        let mut torn = hello(&[named("a.example")], 1 << 14);
        torn.truncate(60);
        assert_eq!(read(&torn), Read::More);
    }
}
