//! Frames (RFC 6455, section 5.2), read off bytes wherever they are cut, and written.

use std::fmt;

use bytes::{BufMut, BytesMut};

use crate::limits;

/// What a frame holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Continuation,
    Text,
    Binary,
    Close,
    Ping,
    Pong,
}

impl Kind {
    const fn of(code: u8) -> Option<Kind> {
        Some(match code {
            0 => Kind::Continuation,
            1 => Kind::Text,
            2 => Kind::Binary,
            8 => Kind::Close,
            9 => Kind::Ping,
            10 => Kind::Pong,
            _ => return None,
        })
    }

    const fn code(self) -> u8 {
        match self {
            Kind::Continuation => 0,
            Kind::Text => 1,
            Kind::Binary => 2,
            Kind::Close => 8,
            Kind::Ping => 9,
            Kind::Pong => 10,
        }
    }

    pub(super) const fn is_control(self) -> bool {
        self.code() >= 8
    }
}

/// The head of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) last: bool,
    /// The first of a compressed message (RFC 7692, section 6).
    pub(super) compressed: bool,
    pub(super) kind: Kind,
    pub(super) mask: Option<[u8; 4]>,
    pub(super) length: u64,
}

/// A breach of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Reserved,
    Kind,
    Mask,
    Control,
    Length,
    Sequence,
    Text,
    Close,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Fault::Reserved => "frame sets bits that were not agreed on",
            Fault::Kind => "frame is of an unknown kind",
            Fault::Mask => "frame is masked where it must not be, or not where it must",
            Fault::Control => "control frame is cut or too long",
            Fault::Length => "length of a frame is not written as it must be",
            Fault::Sequence => "frames do not follow each other as a message's",
            Fault::Text => "text is not UTF-8",
            Fault::Close => "closing frame has no proper code or reason",
        })
    }
}

impl Head {
    /// Reads a head and its length in bytes; `None`: more is needed. `masked`: whether this end masks.
    pub(super) fn read(bytes: &[u8], masked: bool) -> Result<Option<(Head, usize)>, Fault> {
        let [first, second, rest @ ..] = bytes else { return Ok(None) };
        if first & 0x30 != 0 {
            return Err(Fault::Reserved);
        }
        let kind = Kind::of(first & 0x0f).ok_or(Fault::Kind)?;
        let (last, compressed) = (first & 0x80 != 0, first & 0x40 != 0);
        if (second & 0x80 != 0) != masked {
            return Err(Fault::Mask);
        }
        let short = second & 0x7f;
        if kind.is_control() && (!last || compressed || u64::from(short) > limits::WEBSOCKET_CONTROL) {
            return Err(Fault::Control);
        }
        let (length, wide) = match short {
            126 => match rest {
                [a, b, ..] => (u64::from(u16::from_be_bytes([*a, *b])), 2),
                _ => return Ok(None),
            },
            127 => match rest.first_chunk::<8>() {
                Some(bytes) => (u64::from_be_bytes(*bytes), 8),
                None => return Ok(None),
            },
            short => (u64::from(short), 0),
        };
        let least = match wide {
            0 => 0,
            2 => 126,
            _ => 1 << 16,
        };
        if length < least || length > u64::MAX >> 1 {
            return Err(Fault::Length);
        }
        let rest = rest.get(wide..).unwrap_or_default();
        let (mask, keyed) = match (masked, rest.first_chunk::<4>()) {
            (true, Some(key)) => (Some(*key), 4),
            (true, None) => return Ok(None),
            (false, _) => (None, 0),
        };
        Ok(Some((Head { last, compressed, kind, mask, length }, 2 + wide + keyed)))
    }

    pub(super) fn write(&self, out: &mut BytesMut) {
        let bit = |set: bool, bit: u8| if set { bit } else { 0 };
        out.put_u8(bit(self.last, 0x80) | bit(self.compressed, 0x40) | self.kind.code());
        let masked = bit(self.mask.is_some(), 0x80);
        match u16::try_from(self.length) {
            Ok(length @ 0..126) => out.put_u8(masked | u8::try_from(length).unwrap_or_default()),
            Ok(length) => {
                out.put_u8(masked | 126);
                out.put_u16(length);
            }
            Err(_) => {
                out.put_u8(masked | 127);
                out.put_u64(self.length);
            }
        }
        if let Some(key) = self.mask {
            out.put_slice(&key);
        }
    }
}

/// Masks, or unmasks, bytes that stand `at` bytes into their frame.
pub(super) fn mask(key: [u8; 4], at: u64, bytes: &mut [u8]) {
    let mut key = key;
    key.rotate_left(usize::try_from(at % 4).unwrap_or_default());
    for chunk in bytes.chunks_mut(4) {
        for (byte, key) in chunk.iter_mut().zip(key) {
            *byte ^= key;
        }
    }
}

/// Writes a whole frame; its length is that of its payload.
pub(super) fn write(head: Head, payload: &[u8], out: &mut BytesMut) {
    out.reserve(payload.len() + 14);
    Head { length: payload.len() as u64, ..head }.write(out);
    let start = out.len();
    out.extend_from_slice(payload);
    if let (Some(key), Some(body)) = (head.mask, out.get_mut(start..)) {
        mask(key, 0, body);
    }
}

/// Whether what a closing frame holds is what it may hold (RFC 6455, sections 5.5.1 and 7.4).
pub(super) fn check_close(payload: &[u8]) -> Result<(), Fault> {
    let Some((code, reason)) = payload.split_first_chunk::<2>() else {
        return if payload.is_empty() { Ok(()) } else { Err(Fault::Close) };
    };
    let is_code = match u16::from_be_bytes(*code) {
        // These stand for what no frame said.
        1004..=1006 | 1015 => false,
        code => (1000..5000).contains(&code),
    };
    if is_code && std::str::from_utf8(reason).is_ok() { Ok(()) } else { Err(Fault::Close) }
}

/// Whatever the bytes, what is read of them is what would be written, and no more than is there.
#[cfg(any(test, feature = "fuzzing"))]
pub(super) fn heads(data: &[u8]) {
    for masked in [true, false] {
        let whole = Head::read(data, masked);
        for cut in 0..data.len().min(14) {
            match Head::read(data.get(..cut).unwrap_or_default(), masked) {
                Ok(None) => {}
                early => assert_eq!(early, whole, "a cut changes what is read"),
            }
        }
        if let Ok(Some((head, length))) = whole {
            let mut written = BytesMut::new();
            head.write(&mut written);
            assert_eq!(Some(&written[..]), data.get(..length), "heads have one spelling");
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_examples_of_the_standard_are_read() {
        // RFC 6455, section 5.7.
        let (head, length) = Head::read(&[0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f], true).unwrap().unwrap();
        assert_eq!((head.kind, head.last, head.length, length), (Kind::Text, true, 5, 6));
        let mut hello = [0x7f, 0x9f, 0x4d, 0x51, 0x58];
        mask(head.mask.unwrap(), 0, &mut hello);
        assert_eq!(&hello, b"Hello");
        assert_eq!(Head::read(&[0x82, 0x7e, 0x01, 0x00], false).unwrap().unwrap().0.length, 256);
    }

    #[test]
    fn what_breaks_the_rules_is_refused() {
        let cases: [(&[u8], bool, Fault); 9] = [
            (&[0xa1, 0x80, 0, 0, 0, 0], true, Fault::Reserved),
            (&[0x83, 0x80, 0, 0, 0, 0], true, Fault::Kind),
            (&[0x8b, 0x00], false, Fault::Kind),
            (&[0x81, 0x01, 0], true, Fault::Mask),
            (&[0x81, 0x81, 0], false, Fault::Mask),
            (&[0x09, 0x00], false, Fault::Control),
            (&[0x89, 0x7e, 0, 126], false, Fault::Control),
            (&[0x81, 0x7e, 0, 125], false, Fault::Length),
            (&[0x81, 0x7f, 0xff, 0, 0, 0, 0, 0, 0, 0], false, Fault::Length),
        ];
        for (bytes, masked, fault) in cases {
            assert_eq!(Head::read(bytes, masked), Err(fault), "{bytes:x?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_safely(data in prop::collection::vec(any::<u8>(), 0..32)) {
            heads(&data);
        }

        #[test]
        fn frames_are_read_as_written(payload in prop::collection::vec(any::<u8>(), 0..70_000), key: Option<[u8; 4]>, cut in 0u64..70_000) {
            let head = Head { last: true, compressed: false, kind: Kind::Binary, mask: key, length: 0 };
            let mut bytes = BytesMut::new();
            write(head, &payload, &mut bytes);
            let (read, length) = Head::read(&bytes, key.is_some()).unwrap().unwrap();
            prop_assert_eq!(read.length as usize, payload.len());
            let mut body = bytes[length..].to_vec();
            let cut = (cut as usize).min(body.len());
            if let Some(key) = key {
                let (one, two) = body.split_at_mut(cut);
                mask(key, 0, one);
                mask(key, cut as u64, two);
            }
            prop_assert_eq!(body, payload);
        }
    }
}
