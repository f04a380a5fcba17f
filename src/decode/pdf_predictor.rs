//! Undoes what PNG does to rows of bytes before they are deflated, in a stream of a PDF document.

use super::DecodeError;
use super::pdf_object::{number, value};

/// Longest row that is undone: two of them are kept.
const ROW: usize = 64 * 1024;

/// Where in its rows a stream stands.
#[derive(Debug)]
pub(super) struct Predictor {
    /// How the row that has begun was made.
    kind: Option<u8>,
    above: Vec<u8>,
    row: Vec<u8>,
    /// Bytes of a pixel, and of a row.
    pixel: usize,
    length: usize,
}

impl Predictor {
    /// The one of a stream whose dictionary says this; an error where it is none of PNG's.
    pub(super) fn of(dictionary: &[u8]) -> Result<Option<Predictor>, DecodeError> {
        let by_number = |key| value(dictionary, key).and_then(<[u8]>::first).is_some_and(u8::is_ascii_digit);
        if by_number(b"/DecodeParms") || by_number(b"/DP") {
            return Err(DecodeError::Method);
        }
        match value(dictionary, b"/Predictor").map_or(1, number) {
            0 | 1 => return Ok(None),
            10..=15 => {}
            _ => return Err(DecodeError::Method),
        }
        let said = |key, usual| value(dictionary, key).map_or(usual, number).max(1);
        let bits = said(b"/Colors", 1).saturating_mul(said(b"/BitsPerComponent", 8));
        let length = bits.saturating_mul(said(b"/Columns", 1)).div_ceil(8);
        if length > ROW {
            return Err(DecodeError::Method);
        }
        let (above, row) = (vec![0; length], Vec::with_capacity(length));
        Ok(Some(Predictor { kind: None, above, row, pixel: bits.div_ceil(8), length }))
    }

    /// The rows go on with `data`.
    pub(super) fn undo(&mut self, data: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(data.len());
        for &byte in data {
            let Some(kind) = self.kind else {
                self.kind = Some(byte);
                continue;
            };
            let at = self.row.len();
            let of =
                |row: &[u8], at: Option<usize>| at.and_then(|at| row.get(at)).copied().unwrap_or_default();
            let before = at.checked_sub(self.pixel);
            let (left, up, corner) =
                (of(&self.row, before), of(&self.above, Some(at)), of(&self.above, before));
            let guess = match kind {
                1 => left,
                2 => up,
                3 => left.midpoint(up),
                4 => nearest(left, up, corner),
                _ => 0,
            };
            let shown = byte.wrapping_add(guess);
            out.push(shown);
            self.row.push(shown);
            if self.row.len() == self.length {
                std::mem::swap(&mut self.above, &mut self.row);
                self.row.clear();
                self.kind = None;
            }
        }
        out
    }

    pub(super) fn bytes(&self) -> usize {
        self.above.capacity() + self.row.capacity()
    }
}

/// The neighbour that is nearest to what all three let expect (Paeth).
fn nearest(left: u8, up: u8, corner: u8) -> u8 {
    let expected = i16::from(left) + i16::from(up) - i16::from(corner);
    let far = |byte: u8| (expected - i16::from(byte)).abs();
    if far(left) <= far(up) && far(left) <= far(corner) {
        left
    } else if far(up) <= far(corner) {
        up
    } else {
        corner
    }
}
