//! Strings of a PDF document that do not stand there as they read: with octal escapes, or in UTF-16.

use super::armour;
use crate::limits::PDF_OPERAND;

/// What a string of text stands for.
pub(super) fn text(string: &[u8]) -> Vec<u8> {
    let wide = |rest: &[u8], unit: fn([u8; 2]) -> u16| {
        let (pairs, _) = rest.as_chunks::<2>();
        let shown: String = char::decode_utf16(pairs.iter().map(|pair| unit(*pair))).flatten().collect();
        shown.into_bytes()
    };
    match string {
        [0xfe, 0xff, rest @ ..] => wide(rest, u16::from_be_bytes),
        [0xff, 0xfe, rest @ ..] => wide(rest, u16::from_le_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => rest.to_vec(),
        _ => string.to_vec(),
    }
}

/// Looks for such strings in objects, which are text of their own otherwise.
#[derive(Debug, Default)]
pub(super) struct Strings {
    /// Open parentheses.
    depth: u32,
    /// Behind a backslash: digits of an octal escape, and their value.
    escape: Option<(u8, u8)>,
    string: Vec<u8>,
    /// Whether it is not written as it reads.
    odd: bool,
}

impl Strings {
    /// The objects go on with `objects`; appends what such strings in them stand for, each on a line.
    pub(super) fn read(&mut self, mut objects: &[u8], out: &mut Vec<u8>) {
        while let Some((&byte, rest)) = objects.split_first() {
            if self.depth == 0 {
                let Some(begin) = memchr::memchr(b'(', objects) else { return };
                self.depth = 1;
                objects = objects.get(begin + 1..).unwrap_or_default();
                continue;
            }
            objects = rest;
            self.byte(byte, out);
        }
    }

    fn byte(&mut self, byte: u8, out: &mut Vec<u8>) {
        match (self.escape, byte) {
            (Some((digits, value)), b'0'..=b'7') if digits < 3 => {
                self.odd = true;
                self.escape = Some((digits + 1, value.wrapping_shl(3) | (byte - b'0')));
                return;
            }
            (Some((0, _)), _) => {
                self.escape = None;
                let shown = match byte {
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'b' | b'f' => b' ',
                    b'\r' | b'\n' => return self.odd = true,
                    _ => byte,
                };
                self.odd |= shown == byte && !matches!(byte, b'(' | b')' | b'\\');
                return self.put(shown, out);
            }
            (Some((_, value)), _) => {
                self.escape = None;
                self.put(value, out);
            }
            (None, _) => {}
        }
        match byte {
            b'\\' => self.escape = Some((0, 0)),
            b')' if self.depth == 1 => {
                let is_told = self.tell(out);
                out.extend(is_told.then_some(b'\n'));
                *self = Strings::default();
            }
            _ => {
                self.depth += u32::from(byte == b'(');
                self.depth -= u32::from(byte == b')');
                self.put(byte, out);
            }
        }
    }

    fn put(&mut self, byte: u8, out: &mut Vec<u8>) {
        self.string.push(byte);
        if self.string.len() == 2 {
            self.odd |= matches!(self.string.as_slice(), [0xfe, 0xff] | [0xff, 0xfe]);
        }
        if self.string.len() == PDF_OPERAND {
            // What goes on is of the same kind.
            self.tell(out);
            let is_wide = matches!(self.string.as_slice(), [0xfe, 0xff, ..] | [0xff, 0xfe, ..]);
            self.string.truncate(if is_wide { 2 } else { 0 });
        }
    }

    /// Whether there was something to read.
    fn tell(&self, out: &mut Vec<u8>) -> bool {
        let shown = if self.odd { text(&self.string) } else { Vec::new() };
        let is_text = armour::is_readable(shown.iter().copied());
        out.extend(shown.into_iter().filter(|_| is_text));
        is_text
    }
}
