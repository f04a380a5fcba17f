//! Takes `deflate` off a stream, in either of the two forms that senders mean by it.

use flate2::Decompress;

use super::gzip::inflate;
use super::{DecodeError, Progress};

/// One deflate stream: zlib as RFC 9110 says, or bare deflate as some senders do.
#[derive(Debug)]
pub(super) struct Deflate {
    /// The first two bytes, which tell the two forms apart.
    first: Vec<u8>,
    inflate: Option<Decompress>,
    ended: bool,
}

impl Deflate {
    pub(super) fn new() -> Deflate {
        Deflate { first: Vec::with_capacity(2), inflate: None, ended: false }
    }

    /// Whether the stream may end here.
    pub(super) fn is_complete(&self) -> bool {
        self.ended || self.first.is_empty()
    }

    pub(super) fn step(&mut self, input: &[u8], output: &mut [u8]) -> Result<Progress, DecodeError> {
        if self.ended {
            return if input.is_empty() {
                Ok(Progress { read: 0, written: 0 })
            } else {
                Err(DecodeError::Trailing)
            };
        }
        if let Some(engine) = &mut self.inflate {
            let (progress, ended) = inflate(engine, input, output)?;
            self.ended = ended;
            return Ok(progress);
        }
        let taken = input.get(..input.len().min(2 - self.first.len())).unwrap_or_default();
        self.first.extend_from_slice(taken);
        let mut written = 0;
        if let [cmf, flg] = *self.first.as_slice() {
            // RFC 1950, section 2.2: method 8, and both bytes together a multiple of 31.
            let zlib = cmf & 0x0f == 8 && (u16::from(cmf) << 8 | u16::from(flg)) % 31 == 0;
            let engine = self.inflate.insert(Decompress::new(zlib));
            let (progress, ended) = inflate(engine, &self.first, output)?;
            // Two bytes always fit the decoder's own buffer; a stream of one byte that ends early leaves a rest.
            if progress.read != self.first.len() {
                return Err(DecodeError::Broken);
            }
            self.ended = ended;
            written = progress.written;
        }
        Ok(Progress { read: taken.len(), written })
    }
}
