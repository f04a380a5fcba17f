//! The chunked coding (RFC 9112, section 7.1), up to the trailers.

use super::Refusal;
use crate::limits;

/// Hexadecimal digits of the largest size that 64 bits hold.
const SIZE_DIGITS: u8 = 16;

/// Where in the coding the next byte stands.
#[derive(Debug)]
enum At {
    Size {
        value: u64,
        digits: u8,
    },
    /// White space before an extension.
    Space(u64),
    Extension(u64),
    SizeLf(u64),
    Data(u64),
    DataCr,
    DataLf,
}

#[derive(Debug)]
pub(super) struct Chunks {
    at: At,
    extension_bytes: usize,
    lines: u32,
}

const FIRST: At = At::Size { value: 0, digits: 0 };

impl Chunks {
    pub(super) fn new() -> Self {
        Chunks { at: FIRST, extension_bytes: 0, lines: 0 }
    }

    /// The number of the line of a chunk that is under way, if one is.
    pub(super) fn line(&self) -> Option<u32> {
        let within = match self.at {
            At::Size { digits, .. } => digits > 0,
            At::Space(_) | At::Extension(_) | At::SizeLf(_) => true,
            At::Data(_) | At::DataCr | At::DataLf => false,
        };
        within.then_some(self.lines)
    }

    /// How many bytes belong to chunks, and whether the last chunk's line was among them.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Result<(usize, bool), Refusal> {
        let mut rest = bytes;
        while let Some((&byte, after)) = rest.split_first() {
            if let At::Data(left) = self.at {
                let here = usize::try_from(left).map_or(rest.len(), |left| left.min(rest.len()));
                let left = left - here as u64;
                self.at = if left == 0 { At::DataCr } else { At::Data(left) };
                rest = rest.get(here..).unwrap_or_default();
                continue;
            }
            rest = after;
            if self.step(byte)? {
                return Ok((bytes.len() - rest.len(), true));
            }
        }
        Ok((bytes.len(), false))
    }

    /// One byte of framing; true after the line of the last chunk.
    fn step(&mut self, byte: u8) -> Result<bool, Refusal> {
        self.at = match (&self.at, byte) {
            (&At::Size { digits, .. }, _) if byte.is_ascii_hexdigit() && digits >= SIZE_DIGITS => {
                return Err(Refusal::BadChunkSize);
            }
            (&At::Size { value, digits }, _) if byte.is_ascii_hexdigit() => {
                let digit = char::from(byte).to_digit(16).unwrap_or(0);
                At::Size { value: (value << 4) | u64::from(digit), digits: digits + 1 }
            }
            (At::Size { digits: 0, .. }, _) => return Err(Refusal::BadChunkSize),
            (&At::Size { value, .. }, b'\r') => At::SizeLf(value),
            (&At::Size { value, .. } | &At::Space(value), b' ' | b'\t') => {
                self.count_extension()?;
                At::Space(value)
            }
            (&At::Size { value, .. } | &At::Space(value), b';') => {
                self.count_extension()?;
                At::Extension(value)
            }
            (At::Size { .. } | At::Space(_), _) => return Err(Refusal::BadChunkSize),
            (&At::Extension(value), b'\r') => At::SizeLf(value),
            (&At::Extension(value), _) if byte == b'\t' || !byte.is_ascii_control() => {
                self.count_extension()?;
                At::Extension(value)
            }
            (At::Extension(_), _) => return Err(Refusal::BadChunkSize),
            (At::SizeLf(0), b'\n') => return Ok(true),
            (&At::SizeLf(value), b'\n') => At::Data(value),
            (At::SizeLf(_), _) => return Err(Refusal::BadChunkSize),
            (At::DataCr, b'\r') => At::DataLf,
            (At::DataLf, b'\n') => {
                self.lines = self.lines.wrapping_add(1);
                FIRST
            }
            (At::DataCr | At::DataLf | At::Data(_), _) => return Err(Refusal::BadChunk),
        };
        Ok(false)
    }

    fn count_extension(&mut self) -> Result<(), Refusal> {
        self.extension_bytes += 1;
        if self.extension_bytes > limits::CHUNK_EXTENSION_BYTES {
            return Err(Refusal::ChunkExtensionsTooLarge);
        }
        Ok(())
    }
}
