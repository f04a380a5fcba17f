//! Takes Zstandard (RFC 8878) off a stream: any number of frames, windows bounded, skippable frames set aside.

use std::fmt;

use zstd::zstd_safe::{DCtx, DParameter, InBuffer, OutBuffer, ResetDirective};

use super::{DecodeError, Progress};
use crate::limits::{DECODE_WINDOW_LOG, ZSTD_SKIPPABLE};

const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// The first of sixteen numbers that begin a skippable frame differs from the others in its low half byte only.
const SKIPPABLE: [u8; 4] = [0x50, 0x2a, 0x4d, 0x18];

/// Where in a stream of frames it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// Between frames, or in the header of one.
    Header,
    Data,
    /// In a skippable frame of so many bytes, header included.
    Skippable(usize),
}

/// One stream of frames.
pub(super) struct Zstd {
    context: Option<DCtx<'static>>,
    at: At,
    /// The bytes of a header or of a skippable frame so far; those of a header that is whole are still to be decoded.
    frame: Vec<u8>,
    fed: usize,
    /// The contents of the skippable frame that the last step ended.
    aside: Vec<u8>,
    is_later: bool,
}

impl fmt::Debug for Zstd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Zstd").field("at", &self.at).finish_non_exhaustive()
    }
}

impl Zstd {
    pub(super) fn new() -> Zstd {
        let mut context = DCtx::try_create();
        let bounded = context.as_mut().is_some_and(|context| {
            context.set_parameter(DParameter::WindowLogMax(DECODE_WINDOW_LOG)).is_ok()
        });
        Zstd {
            context: context.filter(|_| bounded),
            at: At::Header,
            frame: Vec::new(),
            fed: 0,
            aside: Vec::new(),
            is_later: false,
        }
    }

    /// Another stream, which needs no memory of its own.
    pub(super) fn again(self) -> Zstd {
        let Zstd { mut context, mut frame, mut aside, .. } = self;
        let is_fresh =
            context.as_mut().is_some_and(|context| context.reset(ResetDirective::SessionOnly).is_ok());
        frame.clear();
        aside.clear();
        Zstd { context: context.filter(|_| is_fresh), at: At::Header, frame, fed: 0, aside, is_later: false }
    }

    /// Whether the stream may end here.
    pub(super) fn is_complete(&self) -> bool {
        self.at == At::Header && self.frame.is_empty()
    }

    /// Whether something was whole before, so that the stream may go on or not.
    pub(super) fn has_begun(&self) -> bool {
        self.is_later
    }

    /// Memory that it takes, a window above all.
    pub(super) fn bytes(&self) -> usize {
        self.context.as_ref().map_or(0, DCtx::sizeof)
    }

    /// What the last step brought that is no part of the text.
    pub(super) fn aside(&self) -> &[u8] {
        &self.aside
    }

    /// What came of a skippable frame that has not ended.
    pub(super) fn pending(&self) -> &[u8] {
        match self.at {
            At::Skippable(_) => self.frame.get(8..).unwrap_or_default(),
            At::Header | At::Data => &[],
        }
    }

    /// Whether bytes were taken that will be told as an aside.
    pub(super) fn is_in_header(&self) -> bool {
        match self.at {
            At::Header => !self.frame.is_empty(),
            At::Skippable(_) => true,
            At::Data => false,
        }
    }

    pub(super) fn step(&mut self, input: &[u8], output: &mut [u8]) -> Result<Progress, DecodeError> {
        self.aside.clear();
        match self.at {
            At::Header => self.header(input),
            At::Skippable(length) => Ok(self.skippable(input, length)),
            At::Data => self.data(input, output),
        }
    }

    fn header(&mut self, input: &[u8]) -> Result<Progress, DecodeError> {
        let mut read = 0;
        for &byte in input {
            self.frame.push(byte);
            read += 1;
            match kind(&self.frame)? {
                Kind::Unknown => {}
                Kind::Neither if self.is_later => return Err(DecodeError::Trailing),
                Kind::Neither => return Err(DecodeError::Mislabelled),
                Kind::Frame => {
                    self.at = At::Data;
                    break;
                }
                Kind::Skippable(length) => {
                    self.at = At::Skippable(length);
                    self.end_skippable(length);
                    break;
                }
            }
        }
        Ok(Progress { read, written: 0 })
    }

    fn skippable(&mut self, input: &[u8], length: usize) -> Progress {
        let taken = input.get(..input.len().min(length - self.frame.len())).unwrap_or_default();
        self.frame.extend_from_slice(taken);
        self.end_skippable(length);
        Progress { read: taken.len(), written: 0 }
    }

    fn end_skippable(&mut self, length: usize) {
        if self.frame.len() == length {
            self.aside.extend_from_slice(self.frame.get(8..).unwrap_or_default());
            self.frame.clear();
            self.at = At::Header;
            self.is_later = true;
        }
    }

    fn data(&mut self, input: &[u8], output: &mut [u8]) -> Result<Progress, DecodeError> {
        let Some(context) = &mut self.context else { return Err(DecodeError::Window) };
        // The header was kept back to be looked at; the decoder has it first.
        let kept = self.frame.get(self.fed..).filter(|kept| !kept.is_empty());
        let mut source = InBuffer::around(kept.unwrap_or(input));
        let mut room = OutBuffer::around(output);
        let left = context.decompress_stream(&mut room, &mut source).map_err(|_| DecodeError::Broken)?;
        let (mut read, written) = (source.pos(), room.pos());
        if kept.is_some() {
            self.fed += read;
            read = 0;
            if self.fed == self.frame.len() {
                self.frame.clear();
                self.fed = 0;
                if left > 0 && written == 0 {
                    return self.data(input, output);
                }
            }
        }
        if left == 0 {
            self.at = At::Header;
            self.is_later = true;
        }
        Ok(Progress { read, written })
    }
}

/// What begins with a header.
enum Kind {
    /// More of it is needed to tell.
    Unknown,
    Neither,
    Frame,
    /// Its length, header included.
    Skippable(usize),
}

/// Reads a frame header as far as it says what must be refused: the window, and a dictionary.
fn kind(frame: &[u8]) -> Result<Kind, DecodeError> {
    let begins = |magic: [u8; 4], mask: u8| {
        frame
            .iter()
            .zip(magic)
            .zip([mask, 0xff, 0xff, 0xff])
            .all(|((byte, magic), mask)| byte & mask == magic)
    };
    if begins(SKIPPABLE, 0xf0) {
        let Some(length) = frame.get(4..).and_then(<[u8]>::first_chunk::<4>) else {
            return Ok(Kind::Unknown);
        };
        let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
        return if length > ZSTD_SKIPPABLE {
            Err(DecodeError::Size)
        } else {
            Ok(Kind::Skippable(8 + length))
        };
    }
    if !begins(MAGIC, 0xff) {
        return Ok(Kind::Neither);
    }
    let Some(&descriptor) = frame.get(4) else { return Ok(Kind::Unknown) };
    // RFC 8878, section 3.1.1.1.
    let (single_segment, dictionary) = (descriptor & 0x20 != 0, descriptor & 3);
    if dictionary != 0 {
        return Err(DecodeError::Window);
    }
    if !single_segment {
        let Some(&window) = frame.get(5) else { return Ok(Kind::Unknown) };
        let (exponent, mantissa) = (10 + u32::from(window >> 3), u64::from(window & 7));
        let base = 1u64 << exponent;
        let size = base + (base >> 3) * mantissa;
        return if size > 1 << DECODE_WINDOW_LOG { Err(DecodeError::Window) } else { Ok(Kind::Frame) };
    }
    // Without a window of its own the frame needs as much as it holds, and says how much that is.
    let length = [1, 2, 4, 8].get(usize::from(descriptor >> 6)).copied().unwrap_or(8);
    let Some(content) = frame.get(5..5 + length) else { return Ok(Kind::Unknown) };
    let offset = if length == 2 { 256 } else { 0 };
    let content =
        content.iter().rev().fold(0u64, |size, byte| size << 8 | u64::from(*byte)).saturating_add(offset);
    if content > 1 << DECODE_WINDOW_LOG { Err(DecodeError::Window) } else { Ok(Kind::Frame) }
}
