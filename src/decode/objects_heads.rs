//! What an item of CBOR or MessagePack begins with: its type, and its length or its value.

use super::Objects;

/// The longest head.
pub(super) const MOST: usize = 9;

/// What an item begins with, in so many bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Head {
    pub(super) length: usize,
    pub(super) value: Value,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Value {
    Number(i128),
    Fraction(f64),
    /// One of JSON.
    Word(&'static str),
    /// So many bytes follow; or pieces, up to a break.
    String {
        length: Option<u64>,
        is_text: bool,
    },
    /// So many items follow, or pairs of them in a map; or all up to a break.
    Items {
        count: Option<u64>,
        is_map: bool,
    },
    /// Says more about the item that follows.
    Tag,
    Break,
}

/// What `text` begins with; `None` where that is nothing that is known, or not all there.
pub(super) fn read(objects: Objects, text: &[u8]) -> Option<Head> {
    let (&first, rest) = text.split_first()?;
    let (more, value) = match objects {
        Objects::Cbor => cbor(first, rest)?,
        Objects::MessagePack => message_pack(first, rest)?,
    };
    (rest.len() >= more).then_some(Head { length: 1 + more, value })
}

/// A number of so many bytes, the highest first.
fn number(bytes: &[u8], count: usize) -> Option<u64> {
    Some(bytes.get(..count)?.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

/// RFC 8949, section 3.
fn cbor(first: u8, rest: &[u8]) -> Option<(usize, Value)> {
    let (major, low) = (first >> 5, first & 0x1f);
    let more = match low {
        0..=23 => 0,
        24..=27 => 1 << (low - 24),
        31 => 0,
        _ => return None,
    };
    let argument = match low {
        0..=23 => Some(u64::from(low)),
        31 => None,
        _ => Some(number(rest, more)?),
    };
    let value = match (major, argument) {
        (0, Some(argument)) => Value::Number(argument.into()),
        (1, Some(argument)) => Value::Number(-1 - i128::from(argument)),
        (2 | 3, length) => Value::String { length, is_text: major == 3 },
        (4 | 5, count) => Value::Items { count, is_map: major == 5 },
        (6, Some(_)) => Value::Tag,
        (7, None) => Value::Break,
        (7, Some(argument)) => match low {
            20 => Value::Word("false"),
            21 => Value::Word("true"),
            25 => Value::Fraction(half(argument)),
            26 => Value::Fraction(f32::from_bits(u32::try_from(argument).ok()?).into()),
            27 => Value::Fraction(f64::from_bits(argument)),
            _ => Value::Word("null"),
        },
        _ => return None,
    };
    Some((more, value))
}

/// A fraction of two bytes (RFC 8949, appendix D).
fn half(bits: u64) -> f64 {
    let (exponent, mantissa) = (bits >> 10 & 0x1f, (bits & 0x3ff) as f64);
    let value = match exponent {
        0 => mantissa * f64::exp2(-24.0),
        31 if mantissa == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (mantissa + 1024.0) * f64::exp2(exponent as f64 - 25.0),
    };
    if bits & 0x8000 == 0 { value } else { -value }
}

/// The specification of MessagePack, "Formats".
fn message_pack(first: u8, rest: &[u8]) -> Option<(usize, Value)> {
    let string = |length: u64, is_text: bool| Value::String { length: Some(length), is_text };
    let items = |count: u64, is_map: bool| Value::Items { count: Some(count), is_map };
    let long = |count: usize| number(rest, count);
    Some(match first {
        0..=0x7f => (0, Value::Number(first.into())),
        0x80..=0x8f => (0, items(u64::from(first & 0x0f), true)),
        0x90..=0x9f => (0, items(u64::from(first & 0x0f), false)),
        0xa0..=0xbf => (0, string(u64::from(first & 0x1f), true)),
        0xc0 => (0, Value::Word("null")),
        0xc1 => return None,
        0xc2 => (0, Value::Word("false")),
        0xc3 => (0, Value::Word("true")),
        0xc4 => (1, string(long(1)?, false)),
        0xc5 => (2, string(long(2)?, false)),
        0xc6 => (4, string(long(4)?, false)),
        // With the type of an extension, a byte more.
        0xc7 => (2, string(long(1)?, false)),
        0xc8 => (3, string(long(2)?, false)),
        0xc9 => (5, string(long(4)?, false)),
        0xca => (4, Value::Fraction(f32::from_bits(u32::try_from(long(4)?).ok()?).into())),
        0xcb => (8, Value::Fraction(f64::from_bits(long(8)?))),
        0xcc..=0xcf => {
            let count = 1 << (first - 0xcc);
            (count, Value::Number(long(count)?.into()))
        }
        0xd0..=0xd3 => {
            let count = 1usize << (first - 0xd0);
            let unused = 64 - 8 * count as u32;
            let signed = (long(count)? << unused) as i64 >> unused;
            (count, Value::Number(signed.into()))
        }
        0xd4..=0xd8 => (1, string(1 << (first - 0xd4), false)),
        0xd9 => (1, string(long(1)?, true)),
        0xda => (2, string(long(2)?, true)),
        0xdb => (4, string(long(4)?, true)),
        0xdc => (2, items(long(2)?, false)),
        0xdd => (4, items(long(4)?, false)),
        0xde => (2, items(long(2)?, true)),
        0xdf => (4, items(long(4)?, true)),
        0xe0..=0xff => (0, Value::Number((first as i8).into())),
    })
}
