//! Makes a text of JSON of CBOR (RFC 8949) and of MessagePack as they stream: keys and strings as they stand, and numbers.
//!
//! What is not understood is passed over; it is still in the text above, which is scanned as it stands.

use std::io::Write;

use super::escape::Kind;
use super::origin::Origin;
use crate::limits::{OBJECTS_DEPTH, OBJECTS_PEEK};

#[path = "objects_heads.rs"]
mod heads;

use heads::{Head, Value};

/// In which form a body holds objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Objects {
    Cbor,
    MessagePack,
}

impl Objects {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Objects::Cbor => "cbor",
            Objects::MessagePack => "msgpack",
        }
    }
}

/// Whole numbers that a fraction tells exactly end here.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// An array or a map that is open.
#[derive(Clone, Copy, Debug)]
struct Level {
    /// Items that follow, each key and each value one; until a break says so where nobody counted.
    left: Option<u64>,
    is_map: bool,
    /// Items that came.
    came: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Item,
    /// In a string of so many bytes more; `shown`: they are told.
    String(u64, bool),
    /// Between the pieces of a string of which nobody knew the length, and whether one was told.
    Pieces(bool),
    /// In one of them, of so many bytes more.
    Piece(u64),
    /// Nothing more is understood.
    Lost,
}

/// The running state of one body.
#[derive(Debug)]
pub(super) struct Reader {
    objects: Objects,
    at: At,
    levels: Vec<Level>,
    /// Items outside of any other.
    began: bool,
}

impl Reader {
    pub(super) fn new(objects: Objects) -> Reader {
        Reader { objects, at: At::Item, levels: Vec::new(), began: false }
    }

    /// Takes what can be told of `text`, which comes next; `last`: nothing follows it. Gives the bytes taken.
    pub(super) fn walk(&mut self, text: &[u8], last: bool, view: &mut Vec<u8>, origin: &mut Origin) -> usize {
        let mut out = Out { view, origin, field: Kind::Field(self.objects.as_str()) };
        let mut read = 0;
        loop {
            let rest = text.get(read..).unwrap_or_default();
            if rest.is_empty() {
                return read;
            }
            let took = match self.at {
                At::Lost => {
                    out.pass(rest.len());
                    Some(rest.len())
                }
                At::String(left, shown) => {
                    let length = usize::try_from(left).unwrap_or(usize::MAX).min(rest.len());
                    out.string(rest.get(..length).unwrap_or_default(), shown);
                    self.in_string(left - length as u64, shown, &mut out);
                    Some(length)
                }
                At::Piece(left) => {
                    let length = usize::try_from(left).unwrap_or(usize::MAX).min(rest.len());
                    out.string(rest.get(..length).unwrap_or_default(), true);
                    let left = left - length as u64;
                    self.at = if left == 0 { At::Pieces(true) } else { At::Piece(left) };
                    Some(length)
                }
                At::Pieces(told) => self.piece(rest, last, told, &mut out),
                At::Item => self.item(rest, last, &mut out),
            };
            let Some(took) = took else { return read };
            read += took;
        }
    }

    fn in_string(&mut self, left: u64, shown: bool, out: &mut Out<'_>) {
        self.at = At::String(left, shown);
        if left == 0 {
            self.at = At::Item;
            out.mark(b"\"", 0);
            self.ended(out);
        }
    }

    /// One item, or what it begins with; `None` where what follows must tell.
    fn item(&mut self, rest: &[u8], last: bool, out: &mut Out<'_>) -> Option<usize> {
        let Some(Head { length, value }) = heads::read(self.objects, rest) else {
            return self.wait_or_lose(rest, last);
        };
        match value {
            Value::Tag => out.pass(length),
            Value::Break if self.levels.last().is_some_and(|level| level.left.is_none()) => {
                out.pass(length);
                self.close(out);
                self.ended(out);
            }
            Value::Break => return self.lose(),
            Value::Items { .. } if self.levels.len() >= OBJECTS_DEPTH => return self.lose(),
            Value::String { length: Some(bytes), is_text: false } => {
                // Whether they are a text their first bytes tell.
                let wanted = usize::try_from(bytes).unwrap_or(usize::MAX).min(OBJECTS_PEEK);
                let body = rest.get(length..).unwrap_or_default();
                let peek = body.get(..wanted.min(body.len())).unwrap_or_default();
                if peek.len() < wanted && !last {
                    return None;
                }
                self.begins(out);
                out.mark(b"\"", length);
                self.in_string(bytes, is_readable(peek), out);
            }
            value => {
                self.begins(out);
                self.show(value, length, out);
            }
        }
        Some(length)
    }

    /// An item of which `length` bytes have come.
    fn show(&mut self, value: Value, length: usize, out: &mut Out<'_>) {
        match value {
            Value::String { length: bytes, .. } => {
                out.mark(b"\"", length);
                match bytes {
                    Some(bytes) => self.in_string(bytes, true, out),
                    None => self.at = At::Pieces(false),
                }
                return;
            }
            Value::Items { count, is_map } => {
                out.mark(if is_map { b"{" } else { b"[" }, length);
                let left = count.map(|count| if is_map { count.saturating_mul(2) } else { count });
                self.levels.push(Level { left, is_map, came: 0 });
                if left != Some(0) {
                    return;
                }
                self.close(out);
            }
            Value::Word(word) => out.mark(word.as_bytes(), length),
            Value::Number(number) => out.number(number, length, Kind::Number(self.objects.as_str())),
            Value::Fraction(fraction) if fraction.fract() == 0.0 && fraction.abs() < EXACT => {
                out.number(fraction as i128, length, Kind::Number(self.objects.as_str()));
            }
            // No value hides in it.
            Value::Fraction(_) => out.mark(b"0.1", length),
            Value::Tag | Value::Break => {}
        }
        self.ended(out);
    }

    fn lose(&mut self) -> Option<usize> {
        self.at = At::Lost;
        Some(0)
    }

    /// No head stands at the beginning of `rest`, or not all of it.
    fn wait_or_lose(&mut self, rest: &[u8], last: bool) -> Option<usize> {
        if rest.len() < heads::MOST && !last { None } else { self.lose() }
    }

    /// The next piece of a string, or its end.
    fn piece(&mut self, rest: &[u8], last: bool, told: bool, out: &mut Out<'_>) -> Option<usize> {
        let Some(Head { length, value }) = heads::read(self.objects, rest) else {
            return self.wait_or_lose(rest, last);
        };
        match value {
            Value::Break => {
                out.pass(length);
                self.in_string(0, true, out);
            }
            Value::String { length: Some(bytes), .. } => {
                // What goes on behind it is one value, and not in one piece.
                let between = if told { Kind::Number(self.objects.as_str()) } else { out.field };
                out.origin.add(0, length, Some(between));
                self.at = if bytes == 0 { At::Pieces(told) } else { At::Piece(bytes) };
            }
            _ => return self.lose(),
        }
        Some(length)
    }

    /// What stands before an item.
    fn begins(&mut self, out: &mut Out<'_>) {
        match self.levels.last() {
            None if self.began => out.mark(b"\n", 0),
            None => {}
            Some(Level { came: 0, .. }) => {}
            Some(Level { is_map: true, came, .. }) if came % 2 == 1 => out.mark(b":", 0),
            Some(_) => out.mark(b",", 0),
        }
        self.began = true;
    }

    /// What ends with an item.
    fn ended(&mut self, out: &mut Out<'_>) {
        while let Some(level) = self.levels.last_mut() {
            level.came += 1;
            if level.left.is_none_or(|left| level.came < left) {
                return;
            }
            self.close(out);
        }
    }

    fn close(&mut self, out: &mut Out<'_>) {
        if let Some(level) = self.levels.pop() {
            out.mark(if level.is_map { b"}" } else { b"]" }, 0);
        }
    }
}

/// The text that is made, and where it comes from.
struct Out<'a> {
    view: &'a mut Vec<u8>,
    origin: &'a mut Origin,
    field: Kind,
}

impl Out<'_> {
    fn pass(&mut self, length: usize) {
        self.origin.add(0, length, Some(self.field));
    }

    /// A mark of JSON, in the place of `length` bytes.
    fn mark(&mut self, mark: &[u8], length: usize) {
        self.view.extend_from_slice(mark);
        self.origin.add(mark.len(), length, Some(self.field));
    }

    fn number(&mut self, number: i128, length: usize, kind: Kind) {
        let before = self.view.len();
        // A vector takes all.
        let _ = write!(self.view, "{number}");
        self.origin.add(self.view.len() - before, length, Some(kind));
    }

    /// A part of a string: what JSON escapes is escaped.
    fn string(&mut self, mut text: &[u8], shown: bool) {
        if !shown {
            return self.pass(text.len());
        }
        while let Some(at) = text.iter().position(|byte| matches!(byte, b'"' | b'\\' | ..b' ')) {
            let (plain, rest) = text.split_at_checked(at).unwrap_or((text, &[]));
            let Some((&byte, rest)) = rest.split_first() else { break };
            self.literal(plain);
            let escape = match byte {
                b'"' => b"\\\"",
                b'\\' => b"\\\\",
                b'\n' => b"\\n",
                b'\r' => b"\\r",
                b'\t' => b"\\t",
                _ => b"  ",
            };
            self.mark(escape, 1);
            text = rest;
        }
        self.literal(text);
    }

    fn literal(&mut self, text: &[u8]) {
        self.view.extend_from_slice(text);
        self.origin.literal(text.len());
    }
}

/// Whether bytes are characters that people write, but for the last, which may be cut.
fn is_readable(bytes: &[u8]) -> bool {
    let valid = match std::str::from_utf8(bytes) {
        Ok(_) => bytes.len(),
        Err(error) if error.error_len().is_none() => error.valid_up_to(),
        Err(_) => return false,
    };
    let text = bytes.get(..valid).unwrap_or_default();
    text.iter().all(|byte| *byte >= b' ' && *byte != 0x7f || matches!(byte, b'\t' | b'\r' | b'\n'))
}

#[cfg(test)]
#[path = "objects_tests.rs"]
mod tests;
