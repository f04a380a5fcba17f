//! Takes Snappy's block format off a stream: the body of Prometheus' remote write and of those who took it over.
//!
//! Written from the format's description: a length, then literals and copies of what was written before.

use super::{DecodeError, Progress};
use crate::limits::SNAPPY_WINDOW;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// In the length of the text: so much of it, so many of its bits.
    Length(u64, u32),
    Tag,
    /// In the length of a literal, or the offset of a copy: so many bytes are left, and what was read is `value`.
    Operand {
        of: Operand,
        left: u32,
        shift: u32,
        value: u32,
    },
    /// So many bytes of a literal are left.
    Literal(u64),
    /// So many bytes are left that repeat those written `offset` before.
    Copy {
        offset: usize,
        left: usize,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operand {
    Literal,
    Copy(usize),
}

/// One block.
#[derive(Debug)]
pub(super) struct Snappy {
    at: At,
    begun: bool,
    /// How long the text is said to be, and how much of it there is.
    length: u64,
    out: u64,
    /// What was written last, each byte at its offset in the text modulo the window.
    window: Vec<u8>,
}

impl Snappy {
    pub(super) fn new() -> Snappy {
        Snappy { at: At::Length(0, 0), begun: false, length: 0, out: 0, window: Vec::new() }
    }

    /// Whether the stream may end here.
    pub(super) fn is_complete(&self) -> bool {
        !self.begun || (self.at == At::Tag && self.out == self.length)
    }

    pub(super) fn is_in_header(&self) -> bool {
        self.begun && matches!(self.at, At::Length(..))
    }

    /// Memory that it takes.
    pub(super) fn bytes(&self) -> usize {
        self.window.capacity()
    }

    pub(super) fn step(&mut self, input: &[u8], output: &mut [u8]) -> Result<Progress, DecodeError> {
        self.begun |= !input.is_empty();
        let mut done = Progress { read: 0, written: 0 };
        loop {
            let rest = input.get(done.read..).unwrap_or_default();
            let room = output.get_mut(done.written..).unwrap_or_default();
            let Progress { read, written } = match self.at {
                At::Literal(left) => self.literal(rest, room, left),
                At::Copy { offset, left } => self.copy(room, offset, left)?,
                At::Length(..) | At::Tag | At::Operand { .. } => match rest.first() {
                    Some(&byte) => self.byte(byte)?,
                    None => return Ok(done),
                },
            };
            if read == 0 && written == 0 {
                return Ok(done);
            }
            done.read += read;
            done.written += written;
        }
    }

    /// Takes a byte that is none of the text.
    fn byte(&mut self, byte: u8) -> Result<Progress, DecodeError> {
        self.at = match self.at {
            At::Length(value, bits) => {
                let value = value | u64::from(byte & 0x7f) << bits;
                if value > u64::from(u32::MAX) {
                    return Err(DecodeError::Mislabelled);
                }
                self.length = value;
                match byte & 0x80 {
                    0 => At::Tag,
                    _ if bits == 28 => return Err(DecodeError::Mislabelled),
                    _ => At::Length(value, bits + 7),
                }
            }
            At::Tag if self.out == self.length => return Err(DecodeError::Trailing),
            At::Tag => self.tag(byte)?,
            At::Operand { of, left, shift, value } => {
                let value = value | u32::from(byte) << shift;
                match left {
                    1 => self.element(of, value)?,
                    _ => At::Operand { of, left: left - 1, shift: shift + 8, value },
                }
            }
            At::Literal(_) | At::Copy { .. } => return Err(DecodeError::Broken),
        };
        Ok(Progress { read: 1, written: 0 })
    }

    fn tag(&self, byte: u8) -> Result<At, DecodeError> {
        let high = byte >> 2;
        let copy = Operand::Copy(usize::from(high) + 1);
        Ok(match byte & 3 {
            0 if high < 60 => self.element(Operand::Literal, u32::from(high))?,
            0 => At::Operand { of: Operand::Literal, left: u32::from(high) - 59, shift: 0, value: 0 },
            // Three bits of the length, three of the offset.
            1 => {
                let of = Operand::Copy(usize::from(high & 7) + 4);
                At::Operand { of, left: 1, shift: 0, value: u32::from(byte >> 5) << 8 }
            }
            2 => At::Operand { of: copy, left: 2, shift: 0, value: 0 },
            _ => At::Operand { of: copy, left: 4, shift: 0, value: 0 },
        })
    }

    /// A literal, or a copy, whose operand is known. It may not write more than the text has.
    fn element(&self, of: Operand, value: u32) -> Result<At, DecodeError> {
        let left = self.length - self.out;
        match of {
            Operand::Literal if u64::from(value) < left => Ok(At::Literal(u64::from(value) + 1)),
            Operand::Copy(length) if length as u64 <= left => {
                let offset = usize::try_from(value).unwrap_or(usize::MAX);
                match offset {
                    0 => Err(DecodeError::Broken),
                    _ if offset as u64 > self.out => Err(DecodeError::Broken),
                    _ if offset > SNAPPY_WINDOW => Err(DecodeError::Window),
                    _ => Ok(At::Copy { offset, left: length }),
                }
            }
            Operand::Literal | Operand::Copy(_) => Err(DecodeError::Broken),
        }
    }

    fn literal(&mut self, input: &[u8], output: &mut [u8], left: u64) -> Progress {
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(input.len()).min(output.len());
        if let (Some(to), Some(from)) = (output.get_mut(..most), input.get(..most)) {
            to.copy_from_slice(from);
            self.keep(from);
        }
        let left = left - most as u64;
        self.at = if left == 0 { At::Tag } else { At::Literal(left) };
        Progress { read: most, written: most }
    }

    fn copy(&mut self, output: &mut [u8], offset: usize, left: usize) -> Result<Progress, DecodeError> {
        let most = left.min(output.len());
        for to in output.iter_mut().take(most) {
            // A copy may repeat what it writes itself.
            let from = self.place(self.out - offset as u64);
            let byte = *self.window.get(from).ok_or(DecodeError::Broken)?;
            *to = byte;
            self.keep(&[byte]);
        }
        let left = left - most;
        self.at = if left == 0 { At::Tag } else { At::Copy { offset, left } };
        Ok(Progress { read: 0, written: most })
    }

    fn place(&self, offset: u64) -> usize {
        usize::try_from(offset % SNAPPY_WINDOW as u64).unwrap_or_default()
    }

    fn keep(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let place = self.place(self.out);
            let now = bytes.len().min(SNAPPY_WINDOW - place);
            let (first, later) = bytes.split_at_checked(now).unwrap_or((bytes, &[]));
            match self.window.get_mut(place..place + now) {
                Some(kept) => kept.copy_from_slice(first),
                None => self.window.extend_from_slice(first),
            }
            self.out += now as u64;
            bytes = later;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::{Coding, Decoder};
    use std::ops::ControlFlow;

    fn decode(wire: &[u8], chunk: usize) -> Result<Vec<u8>, DecodeError> {
        let (mut decoder, mut out) = (Decoder::new(&[Coding::Snappy]), Vec::new());
        for piece in wire.chunks(chunk) {
            decoder.push(piece, &mut |text| {
                out.extend_from_slice(text);
                ControlFlow::Continue(())
            })?;
        }
        decoder.finish()?;
        Ok(out)
    }

    /// A literal of any length, with as few bytes for its length as there are.
    fn literal(text: &[u8]) -> Vec<u8> {
        let last = text.len() - 1;
        let length = last.to_le_bytes();
        let head = match last {
            0..60 => vec![(last as u8) << 2],
            60..0x100 => [&[60 << 2], &length[..1]].concat(),
            0x100..0x1_0000 => [&[61 << 2], &length[..2]].concat(),
            _ => [&[62 << 2], &length[..3]].concat(),
        };
        [head.as_slice(), text].concat()
    }

    #[test]
    fn literals_and_copies_of_every_kind_are_read_however_they_are_cut() {
        let noise: Vec<u8> = (0..70_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        let far = SNAPPY_WINDOW;
        let again = &noise[noise.len() - far..][..64];
        let cases: [(Vec<u8>, Vec<u8>); 8] = [
            (vec![0], vec![]),
            ([&[3][..], &literal(b"abc")].concat(), b"abc".to_vec()),
            // What one byte of offset reaches, repeating itself.
            ([&[8][..], &literal(b"ab"), &[2 << 2 | 1, 2]].concat(), b"abababab".to_vec()),
            // The offset's upper bits stand in the tag: 0x101.
            (
                [&[0x85, 2][..], &literal(&noise[..257]), &[1 << 5 | 1, 1]].concat(),
                [&noise[..257], &noise[..4]].concat(),
            ),
            ([&[3][..], &literal(b"a"), &[1 << 2 | 2, 1, 0]].concat(), b"aaa".to_vec()),
            ([&[3][..], &literal(b"a"), &[1 << 2 | 3, 1, 0, 0, 0]].concat(), b"aaa".to_vec()),
            ([&[0xac, 2][..], &literal(&noise[..300])].concat(), noise[..300].to_vec()),
            // As far back as is remembered.
            (
                [&[0xb0, 0xa3, 4][..], &literal(&noise), &[63 << 2 | 3, 0, 0, 1, 0]].concat(),
                [&noise, again].concat(),
            ),
        ];
        for (wire, text) in cases {
            for chunk in [1, 2, 7, 1000, wire.len()] {
                assert!(decode(&wire, chunk).as_ref() == Ok(&text), "{} bytes in {chunk}", wire.len());
            }
        }
    }

    #[test]
    fn what_is_not_a_block_is_an_error() {
        let long = [&[0x80, 0x80, 0x10][..], &literal(&vec![b'x'; 200_000])].concat();
        let cases: [(&[u8], DecodeError); 10] = [
            (&[3, 2 << 2, b'a'], DecodeError::Truncated),
            (&[3, 0, b'a'], DecodeError::Truncated),
            (&[0x83], DecodeError::Truncated),
            (&[1, 0, b'a', 0], DecodeError::Trailing),
            // More than the text is said to have.
            (&[1, 1 << 2, b'a', b'b'], DecodeError::Broken),
            (&[2, 0, b'a', 1 << 2 | 2, 1, 0], DecodeError::Broken),
            // A copy of nothing, and of what was before the text.
            (&[3, 0, b'a', 1 << 2 | 2, 0, 0], DecodeError::Broken),
            (&[3, 0, b'a', 1 << 2 | 2, 2, 0], DecodeError::Broken),
            (&[0xff, 0xff, 0xff, 0xff, 0x1f], DecodeError::Mislabelled),
            (b"{\"not\":\"snappy\"}", DecodeError::Broken),
        ];
        for (wire, expected) in cases {
            for chunk in [1, 64] {
                assert_eq!(decode(wire, chunk), Err(expected), "{wire:?}");
            }
        }
        // Farther back than is remembered.
        let far = [long.as_slice(), &[1 << 2 | 3, 1, 0, 1, 0]].concat();
        assert_eq!(decode(&far, 5000), Err(DecodeError::Window));
    }
}
