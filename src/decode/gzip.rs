//! Takes gzip (RFC 1952) off a stream: any number of members, each with its header, checksum and length checked.

use flate2::{Crc, Decompress, FlushDecompress, Status};

use super::{DecodeError, Progress};
use crate::limits::GZIP_HEADER;

/// Two bytes of identification, and the only method there is.
const MAGIC: [u8; 3] = [0x1f, 0x8b, 8];
const EXTRA: u8 = 4;
const NAME: u8 = 8;
const COMMENT: u8 = 16;
const HEADER_CHECK: u8 = 2;
const RESERVED: u8 = 0xe0;
const FIXED_HEADER: usize = 10;
const TRAILER: usize = 8;

/// Where in a member the stream stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// Between members, or before the first.
    Boundary,
    Header,
    Data,
    Trailer,
}

/// One gzip stream.
#[derive(Debug)]
pub(super) struct Gzip {
    at: At,
    /// The bytes of a header or trailer so far.
    frame: Vec<u8>,
    /// Name, comment and extra field of the header that the last step ended, as they stand in it.
    aside: Vec<u8>,
    inflate: Decompress,
    crc: Crc,
    /// Whether a member has begun to be read before this one.
    is_later: bool,
}

impl Gzip {
    pub(super) fn new() -> Gzip {
        Gzip {
            at: At::Boundary,
            frame: Vec::new(),
            aside: Vec::new(),
            inflate: Decompress::new(false),
            crc: Crc::new(),
            is_later: false,
        }
    }

    /// Another stream, which needs no memory of its own.
    pub(super) fn again(self) -> Gzip {
        let Gzip { mut frame, mut aside, mut inflate, .. } = self;
        frame.clear();
        aside.clear();
        inflate.reset(false);
        Gzip { at: At::Boundary, frame, aside, inflate, crc: Crc::new(), is_later: false }
    }

    /// Whether the stream may end here.
    pub(super) fn is_complete(&self) -> bool {
        self.at == At::Boundary
    }

    /// Whether something was whole before, so that the stream may go on or not.
    pub(super) fn has_begun(&self) -> bool {
        self.is_later
    }

    /// What the last step brought that is no part of the text.
    pub(super) fn aside(&self) -> &[u8] {
        &self.aside
    }

    /// What came of a header that has not ended.
    pub(super) fn pending(&self) -> &[u8] {
        match self.at {
            At::Header => self.frame.get(FIXED_HEADER..).unwrap_or_default(),
            At::Boundary | At::Data | At::Trailer => &[],
        }
    }

    /// Whether bytes were taken that will be told as an aside.
    pub(super) fn is_in_header(&self) -> bool {
        self.at == At::Header
    }

    pub(super) fn step(&mut self, input: &[u8], output: &mut [u8]) -> Result<Progress, DecodeError> {
        self.aside.clear();
        match self.at {
            At::Boundary | At::Header => self.header(input),
            At::Data => self.data(input, output),
            At::Trailer => self.trailer(input),
        }
    }

    fn header(&mut self, input: &[u8]) -> Result<Progress, DecodeError> {
        let mut read = 0;
        for &byte in input {
            self.at = At::Header;
            self.frame.push(byte);
            read += 1;
            if !is_magic(&self.frame) {
                return Err(if self.is_later { DecodeError::Trailing } else { DecodeError::Mislabelled });
            }
            if header_is_whole(&self.frame)? {
                self.is_later = true;
                self.aside.extend_from_slice(self.frame.get(FIXED_HEADER..).unwrap_or_default());
                self.frame.clear();
                self.inflate.reset(false);
                self.crc.reset();
                self.at = At::Data;
                break;
            }
            if self.frame.len() >= GZIP_HEADER {
                return Err(DecodeError::Size);
            }
        }
        Ok(Progress { read, written: 0 })
    }

    fn data(&mut self, input: &[u8], output: &mut [u8]) -> Result<Progress, DecodeError> {
        let (progress, ended) = inflate(&mut self.inflate, input, output)?;
        self.crc.update(output.get(..progress.written).unwrap_or_default());
        if ended {
            self.at = At::Trailer;
        }
        Ok(progress)
    }

    fn trailer(&mut self, input: &[u8]) -> Result<Progress, DecodeError> {
        let missing = TRAILER - self.frame.len();
        let taken = input.get(..missing.min(input.len())).unwrap_or_default();
        self.frame.extend_from_slice(taken);
        if let Ok(trailer) = <[u8; TRAILER]>::try_from(self.frame.as_slice()) {
            let [a, b, c, d, e, f, g, h] = trailer;
            let sum = u32::from_le_bytes([a, b, c, d]);
            let length = u32::from_le_bytes([e, f, g, h]);
            // The stated length is modulo 2^32, and so is the one counted here.
            if sum != self.crc.sum() || u64::from(length) != self.inflate.total_out() & 0xffff_ffff {
                return Err(DecodeError::Broken);
            }
            self.frame.clear();
            self.at = At::Boundary;
        }
        Ok(Progress { read: taken.len(), written: 0 })
    }
}

/// One step of raw or wrapped deflate, and whether its stream ended with it.
pub(super) fn inflate(
    inflate: &mut Decompress,
    input: &[u8],
    output: &mut [u8],
) -> Result<(Progress, bool), DecodeError> {
    let (read_before, written_before) = (inflate.total_in(), inflate.total_out());
    let status = inflate.decompress(input, output, FlushDecompress::None).map_err(|_| DecodeError::Broken)?;
    let moved = |now: u64, before: u64| usize::try_from(now - before).unwrap_or(usize::MAX);
    let progress = Progress {
        read: moved(inflate.total_in(), read_before),
        written: moved(inflate.total_out(), written_before),
    };
    match status {
        Status::Ok | Status::BufError => Ok((progress, false)),
        Status::StreamEnd => Ok((progress, true)),
    }
}

/// Whether `frame` begins as a member does, as far as it goes.
fn is_magic(frame: &[u8]) -> bool {
    frame.iter().zip(MAGIC).all(|(byte, expected)| *byte == expected)
}

/// Whether `frame` is a whole member header; an error as soon as it cannot become one.
fn header_is_whole(frame: &[u8]) -> Result<bool, DecodeError> {
    if frame.get(3).is_some_and(|flags| flags & RESERVED != 0) {
        return Err(DecodeError::Broken);
    }
    let (Some(&flags), Some(mut rest)) = (frame.get(3), frame.get(FIXED_HEADER..)) else {
        return Ok(false);
    };
    if flags & EXTRA != 0 {
        let Some((length, after)) = rest.split_first_chunk::<2>() else { return Ok(false) };
        let Some(after) = after.get(usize::from(u16::from_le_bytes(*length))..) else { return Ok(false) };
        rest = after;
    }
    for text in [NAME, COMMENT] {
        if flags & text != 0 {
            let Some(end) = memchr::memchr(0, rest) else { return Ok(false) };
            rest = rest.get(end + 1..).unwrap_or_default();
        }
    }
    if flags & HEADER_CHECK == 0 {
        return Ok(true);
    }
    let Some((stated, _)) = rest.split_first_chunk::<2>() else { return Ok(false) };
    let mut crc = Crc::new();
    crc.update(frame.get(..frame.len() - rest.len()).unwrap_or_default());
    if u32::from(u16::from_le_bytes(*stated)) != crc.sum() & 0xffff {
        return Err(DecodeError::Broken);
    }
    Ok(true)
}
