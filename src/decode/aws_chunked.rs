//! Takes the framing of signed S3 uploads off a stream: chunks with a signature each, trailers behind the last.

use super::{DecodeError, Progress};
use crate::limits::AWS_CHUNK_LINE;

/// What a chunk's line has beside its size when it is signed as S3's documents say; 64 hexadecimal digits follow.
const SIGNATURE: &[u8] = b"chunk-signature=";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// In the line that begins a chunk.
    Line,
    /// So many bytes of a chunk are left.
    Data(u64),
    /// In the line end behind a chunk.
    Behind,
    /// In the lines behind the last chunk.
    Trailers,
    End,
}

/// One framed stream.
#[derive(Debug)]
pub(super) struct AwsChunked {
    at: At,
    line: Vec<u8>,
    /// What the last step read that is neither data nor a size or signature.
    aside: Vec<u8>,
    trailers: usize,
    begun: bool,
    is_later: bool,
}

impl AwsChunked {
    pub(super) fn new() -> AwsChunked {
        AwsChunked {
            at: At::Line,
            line: Vec::new(),
            aside: Vec::new(),
            trailers: 0,
            begun: false,
            is_later: false,
        }
    }

    /// Whether the stream may end here.
    pub(super) fn is_complete(&self) -> bool {
        self.at == At::End || !self.begun
    }

    pub(super) fn aside(&self) -> &[u8] {
        &self.aside
    }

    pub(super) fn is_in_header(&self) -> bool {
        !self.line.is_empty()
    }

    pub(super) fn step(&mut self, input: &[u8], output: &mut [u8]) -> Result<Progress, DecodeError> {
        self.aside.clear();
        self.begun |= !input.is_empty();
        match self.at {
            At::Data(left) => Ok(self.data(input, output, left)),
            At::End if input.is_empty() => Ok(Progress { read: 0, written: 0 }),
            At::End => Err(DecodeError::Trailing),
            At::Line | At::Behind | At::Trailers => self.read_line(input),
        }
    }

    fn data(&mut self, input: &[u8], output: &mut [u8], left: u64) -> Progress {
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(input.len()).min(output.len());
        if let (Some(to), Some(from)) = (output.get_mut(..most), input.get(..most)) {
            to.copy_from_slice(from);
        }
        let left = left - most as u64;
        self.at = if left == 0 { At::Behind } else { At::Data(left) };
        Progress { read: most, written: most }
    }

    fn read_line(&mut self, input: &[u8]) -> Result<Progress, DecodeError> {
        let end = memchr::memchr(b'\n', input);
        let read = end.map_or(input.len(), |end| end + 1);
        self.line.extend_from_slice(input.get(..read).unwrap_or_default());
        self.trailers += if self.at == At::Trailers { read } else { 0 };
        if self.line.len() > AWS_CHUNK_LINE || self.trailers > AWS_CHUNK_LINE {
            return Err(DecodeError::Size);
        }
        if end.is_some() {
            let line = std::mem::take(&mut self.line);
            let Some(line) = line.strip_suffix(b"\r\n") else { return Err(self.error()) };
            self.end_line(line)?;
        }
        Ok(Progress { read, written: 0 })
    }

    fn end_line(&mut self, line: &[u8]) -> Result<(), DecodeError> {
        self.at = match self.at {
            At::Line => {
                let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
                let (size, extension) = line.split_at_checked(digits).unwrap_or((line, &[]));
                let size = std::str::from_utf8(size).ok().and_then(|size| u64::from_str_radix(size, 16).ok());
                let size = size.filter(|_| extension.is_empty() || extension.starts_with(b";"));
                let size = size.ok_or(self.error())?;
                if !is_signature(extension) {
                    self.aside.extend_from_slice(extension);
                }
                self.is_later = true;
                if size == 0 { At::Trailers } else { At::Data(size) }
            }
            At::Behind if line.is_empty() => At::Line,
            At::Trailers if line.is_empty() => At::End,
            At::Trailers => {
                self.aside.extend_from_slice(line);
                At::Trailers
            }
            At::Behind | At::Data(_) | At::End => return Err(DecodeError::Broken),
        };
        Ok(())
    }

    fn error(&self) -> DecodeError {
        if self.is_later { DecodeError::Broken } else { DecodeError::Mislabelled }
    }
}

/// Whether a stream begins with the line of a chunk; `None` as long as its first bytes do not tell.
pub(crate) fn begins_a_chunk(bytes: &[u8]) -> Option<bool> {
    const MOST_DIGITS: usize = 16;
    let digits = bytes.iter().take(MOST_DIGITS + 1).take_while(|byte| byte.is_ascii_hexdigit()).count();
    let known = digits > MOST_DIGITS || (digits == 0 && !bytes.is_empty());
    match bytes.get(digits..).unwrap_or_default() {
        _ if known => Some(false),
        [] | b"\r" => None,
        [b'\r', next, ..] => Some(*next == b'\n'),
        extension @ [b';', ..] => match memchr::memchr(b'\n', extension) {
            Some(end) => Some(extension.get(..end).is_some_and(|line| line.ends_with(b"\r"))),
            None if bytes.len() > AWS_CHUNK_LINE => Some(false),
            None => None,
        },
        _ => Some(false),
    }
}

/// Whether an extension is a signature, whose random digits mean nothing, and nothing else.
fn is_signature(extension: &[u8]) -> bool {
    let value = extension.strip_prefix(b";").and_then(|extension| extension.strip_prefix(SIGNATURE));
    value.is_some_and(|value| value.len() == 64 && value.iter().all(u8::is_ascii_hexdigit))
}
