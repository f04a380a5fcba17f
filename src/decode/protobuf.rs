//! Makes a text of protocol buffers as they stream: strings and numbers that could be values, each on a line of its own.
//!
//! Whoever wrote the message knows its types; here they are guessed. What is guessed wrong is still in the text above,
//! which is scanned as it stands.

use super::escape::Kind;
use super::origin::Origin;
use crate::limits::{PROTOBUF_DEPTH, PROTOBUF_LEAST, PROTOBUF_PEEK};

/// What surrounds the messages of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// The body is one message.
    Message,
    /// Each has five bytes before it, as in gRPC: whether it is compressed, and its length.
    Frames,
}

/// What stands around values, and a number.
const FIELD: Kind = Kind::Field("protobuf");
const NUMBER: Kind = Kind::Number("protobuf");

/// Fixed numbers of eight bytes from here on are more likely fractions.
const FIXED_MOST: u64 = 100_000_000_000_000_000;
/// Whole numbers that a fraction of eight bytes tells exactly end here.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// A message within a message: where it ends, and the field that it is.
#[derive(Clone, Copy, Debug)]
struct Level {
    end: u64,
    number: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Item,
    /// In a value of so many bytes more, which is shown or passed over.
    Value(u64, bool),
    /// Nothing more is understood.
    Lost,
}

/// The running state of one body.
#[derive(Debug)]
pub(super) struct Protobuf {
    framing: Framing,
    at: At,
    levels: Vec<Level>,
    /// Bytes taken.
    position: u64,
    /// A compressed message is none that is known.
    unknown: bool,
    /// Nobody else reads what is compressed.
    alone: bool,
}

/// What stands at the beginning of a text.
enum Item {
    /// Not all of it is there.
    More,
    None,
    /// A field of so many bytes up to its value.
    Field {
        head: usize,
        number: u32,
        value: Value,
    },
}

#[derive(Clone, Copy)]
enum Value {
    Number(u64),
    Fixed(u64),
    /// So many bytes.
    Bytes(u64),
    Nothing,
}

/// How a field of some length is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Message,
    Text,
    Numbers,
    FixedNumbers,
}

impl Protobuf {
    pub(super) fn new(framing: Framing) -> Protobuf {
        let levels = match framing {
            Framing::Message => vec![Level { end: u64::MAX, number: 0 }],
            Framing::Frames => Vec::new(),
        };
        Protobuf { framing, at: At::Item, levels, position: 0, unknown: false, alone: false }
    }

    /// The same where nobody else reads what is compressed: it counts as unknown.
    pub(super) fn alone(self) -> Protobuf {
        Protobuf { alone: true, ..self }
    }

    /// Whether a message is compressed in a way that is not known here.
    pub(super) fn is_unknown(&self) -> bool {
        self.unknown
    }

    /// Takes what can be told of `text`, which comes next; `last`: nothing follows it. Gives the bytes taken.
    pub(super) fn walk(&mut self, text: &[u8], last: bool, view: &mut Vec<u8>, origin: &mut Origin) -> usize {
        let mut read = 0;
        loop {
            let rest = text.get(read..).unwrap_or_default();
            if rest.is_empty() {
                return read;
            }
            let took = match self.at {
                At::Lost => Some(self.pass(rest.len(), origin)),
                At::Value(left, shows) => {
                    let length = usize::try_from(left).unwrap_or(usize::MAX).min(rest.len());
                    if shows {
                        self.show(rest.get(..length).unwrap_or_default(), view, origin);
                    } else {
                        self.pass(length, origin);
                    }
                    let left = left - length as u64;
                    self.at = if left == 0 { At::Item } else { At::Value(left, shows) };
                    Some(length)
                }
                At::Item => self.item(rest, last, view, origin),
            };
            let Some(took) = took else { return read };
            read += took;
        }
    }

    fn pass(&mut self, length: usize, origin: &mut Origin) -> usize {
        if length > 0 {
            origin.add(0, length, Some(FIELD));
            self.position += length as u64;
        }
        length
    }

    fn show(&mut self, text: &[u8], view: &mut Vec<u8>, origin: &mut Origin) {
        view.extend_from_slice(text);
        origin.literal(text.len());
        self.position += text.len() as u64;
    }

    /// A line ends, in the place of `length` bytes.
    fn part(&mut self, length: usize, number: Option<u32>, view: &mut Vec<u8>, origin: &mut Origin) {
        view.push(b'\n');
        origin.add(1, length, Some(FIELD));
        self.position += length as u64;
        if let Some(number) = number {
            let around = self.levels.iter().skip(1).map(|level| level.number);
            let numbers: Vec<String> = around.chain([number]).map(|number| number.to_string()).collect();
            origin.name(&numbers.join("."));
        }
    }

    /// A number, where `length` bytes stand for it.
    fn number(&mut self, number: u64, length: usize, view: &mut Vec<u8>, origin: &mut Origin) {
        if number < PROTOBUF_LEAST {
            self.pass(length, origin);
            return;
        }
        let digits = number.to_string();
        view.extend_from_slice(digits.as_bytes());
        origin.add(digits.len(), length, Some(NUMBER));
        self.position += length as u64;
    }

    /// One step of the message; `None` where what follows must tell.
    fn item(&mut self, rest: &[u8], last: bool, view: &mut Vec<u8>, origin: &mut Origin) -> Option<usize> {
        while self.levels.last().is_some_and(|level| level.end <= self.position) {
            self.levels.pop();
        }
        let Some(level) = self.levels.last().copied() else { return self.frame(rest, last, view, origin) };
        let left = level.end - self.position;
        let within = rest.get(..usize::try_from(left).unwrap_or(usize::MAX).min(rest.len()));
        let within = within.unwrap_or_default();
        let is_all = last || within.len() as u64 == left;
        let (head, number, value) = match item(within) {
            Item::More if !is_all => return None,
            Item::More | Item::None => return self.lose(left),
            Item::Field { head, number, value } => (head, number, value),
        };
        let (value, least) = match value {
            Value::Nothing => return Some(self.pass(head, origin)),
            Value::Bytes(length) if length > left - head as u64 => return self.lose(left),
            Value::Bytes(length) => {
                let wanted = usize::try_from(length).unwrap_or(usize::MAX).min(PROTOBUF_PEEK);
                let body = within.get(head..).unwrap_or_default();
                let peek = body.get(..wanted.min(body.len())).unwrap_or_default();
                if peek.len() < wanted && !is_all {
                    return None;
                }
                return Some(self.value(peek, length, head, number, view, origin));
            }
            Value::Number(value) => (value, varint_length(value).min(head)),
            Value::Fixed(bits) => match fixed(bits) {
                Some(value) => (value, 8),
                None => return Some(self.pass(head, origin)),
            },
        };
        self.part(head - least, Some(number), view, origin);
        self.number(value, least, view, origin);
        Some(head)
    }

    /// What follows makes no message: it is passed over, up to where the message ends.
    fn lose(&mut self, left: u64) -> Option<usize> {
        self.at = if left == u64::MAX - self.position { At::Lost } else { At::Value(left, false) };
        Some(0)
    }

    fn value(
        &mut self,
        peek: &[u8],
        length: u64,
        head: usize,
        number: u32,
        view: &mut Vec<u8>,
        origin: &mut Origin,
    ) -> usize {
        let is_whole = peek.len() as u64 == length;
        self.part(head, Some(number), view, origin);
        match form(peek, is_whole, self.levels.len()) {
            Form::Message => self.levels.push(Level { end: self.position + length, number }),
            Form::Text => self.at = if length > 0 { At::Value(length, true) } else { At::Item },
            Form::Numbers => {
                let mut rest = peek;
                while let Some((value, read)) = varint(rest) {
                    self.part(0, Some(number), view, origin);
                    self.number(value, read, view, origin);
                    rest = rest.get(read..).unwrap_or_default();
                }
                return head + peek.len();
            }
            Form::FixedNumbers => {
                for chunk in peek.as_chunks::<8>().0 {
                    self.part(0, Some(number), view, origin);
                    let value = fixed(u64::from_le_bytes(*chunk)).unwrap_or_default();
                    self.number(value, 8, view, origin);
                }
                return head + peek.len();
            }
        }
        head
    }

    /// The bytes before a message.
    fn frame(&mut self, rest: &[u8], last: bool, view: &mut Vec<u8>, origin: &mut Origin) -> Option<usize> {
        if self.framing == Framing::Message {
            self.at = At::Lost;
            return Some(0);
        }
        let ([flag, length @ ..], behind) = rest.split_first_chunk::<5>()?;
        let length = u64::from(u32::from_be_bytes(*length));
        match flag {
            0 => {
                self.part(5, None, view, origin);
                self.levels.push(Level { end: self.position + length, number: 0 });
            }
            // Read where it is decoded, if its first bytes say how.
            1 if behind.len() < 4 && length >= 4 && !last => return None,
            1 => {
                let known = behind.starts_with(b"\x1f\x8b\x08") || behind.starts_with(b"\x28\xb5\x2f\xfd");
                self.unknown |= (!known || self.alone) && length > 0;
                self.part(5, None, view, origin);
                self.at = if length > 0 { At::Value(length, false) } else { At::Item };
            }
            // Trailers, as gRPC-Web has them; compressed by no rule that is known.
            0x80 | 0x81 => {
                self.unknown |= *flag == 0x81 && length > 0;
                self.part(5, None, view, origin);
                self.at = if length > 0 { At::Value(length, true) } else { At::Item };
            }
            _ => {
                self.at = At::Lost;
                return Some(0);
            }
        }
        Some(5)
    }
}

/// The number at the beginning of a text and the bytes that it takes.
fn varint(text: &[u8]) -> Option<(u64, usize)> {
    let mut value = 0u64;
    for (at, byte) in text.iter().take(10).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * at).min(63);
        if byte & 0x80 == 0 {
            return Some((value, at + 1));
        }
    }
    None
}

fn varint_length(value: u64) -> usize {
    (64 - value.leading_zeros() as usize).div_ceil(7).max(1)
}

/// A whole number that eight bytes may stand for.
fn fixed(bits: u64) -> Option<u64> {
    let fraction = f64::from_bits(bits);
    match bits {
        ..FIXED_MOST => Some(bits),
        _ if fraction.fract() == 0.0 && fraction >= PROTOBUF_LEAST as f64 && fraction < EXACT => {
            Some(fraction as u64)
        }
        _ => None,
    }
}

fn item(text: &[u8]) -> Item {
    let Some((tag, read)) = varint(text) else {
        return if text.len() < 10 { Item::More } else { Item::None };
    };
    let (Ok(number), kind) = (u32::try_from(tag >> 3), tag & 7) else { return Item::None };
    if number == 0 || number >= 1 << 29 {
        return Item::None;
    }
    let rest = text.get(read..).unwrap_or_default();
    let field = |length: usize, value: Value| Item::Field { head: read + length, number, value };
    let long = || match varint(rest) {
        Some(found) => Ok(found),
        None if rest.len() < 10 => Err(Item::More),
        None => Err(Item::None),
    };
    match kind {
        0 => long().map_or_else(|open| open, |(value, length)| field(length, Value::Number(value))),
        1 => match rest.first_chunk::<8>() {
            Some(bytes) => field(8, Value::Fixed(u64::from_le_bytes(*bytes))),
            None => Item::More,
        },
        2 => long().map_or_else(|open| open, |(value, length)| field(length, Value::Bytes(value))),
        // Groups are read as if their fields were those of the message around them.
        3 | 4 => field(0, Value::Nothing),
        5 if rest.len() >= 4 => field(4, Value::Nothing),
        5 => Item::More,
        _ => Item::None,
    }
}

/// How a value is read, going by its beginning.
fn form(peek: &[u8], is_whole: bool, depth: usize) -> Form {
    let is_text = is_readable(peek);
    if !peek.is_empty()
        && depth < PROTOBUF_DEPTH
        && (is_whole || !is_text)
        && is_message(peek, is_whole, is_text)
    {
        return Form::Message;
    }
    if is_text || !is_whole {
        return Form::Text;
    }
    if peek.len().is_multiple_of(8)
        && peek.as_chunks::<8>().0.iter().all(|chunk| fixed(u64::from_le_bytes(*chunk)).is_some())
    {
        return Form::FixedNumbers;
    }
    let mut rest = peek;
    while let Some((_, read)) = varint(rest) {
        rest = rest.get(read..).unwrap_or_default();
    }
    if rest.is_empty() { Form::Numbers } else { Form::Text }
}

/// Whether bytes are characters that people write.
fn is_readable(bytes: &[u8]) -> bool {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        // The last character is cut.
        Err(error) if error.error_len().is_none() => {
            let valid = bytes.get(..error.valid_up_to()).unwrap_or_default();
            std::str::from_utf8(valid).unwrap_or_default()
        }
        Err(_) => return false,
    };
    text.bytes().all(|byte| byte >= b' ' && byte != 0x7f || matches!(byte, b'\t' | b'\r' | b'\n'))
}

/// Whether bytes are the fields of a message, or, if they are a part of it, may be. What can be read is a message only
/// if it holds something long enough to be a value, and no groups, which nobody makes any more.
fn is_message(mut text: &[u8], is_whole: bool, is_text: bool) -> bool {
    let mut holds = !is_text;
    while !text.is_empty() {
        let (head, value) = match item(text) {
            Item::More => return !is_whole && holds,
            Item::None => return false,
            Item::Field { head, value, .. } => (head, value),
        };
        let length = match value {
            Value::Bytes(length) => {
                holds |= length >= VALUE;
                head.saturating_add(usize::try_from(length).unwrap_or(usize::MAX))
            }
            Value::Nothing if is_text && head == 1 => return false,
            Value::Number(_) | Value::Fixed(_) | Value::Nothing => head,
        };
        match text.get(length..) {
            Some(rest) => text = rest,
            None => return !is_whole && holds,
        }
    }
    holds
}

/// The shortest that a value can be.
const VALUE: u64 = 8;
