//! Takes a stack of codings off a stream, piece by piece, through one bounded window for each.

use std::ops::ControlFlow;

use super::aws_chunked::AwsChunked;
use super::brotli::Brotli;
use super::deflate::Deflate;
use super::gzip::Gzip;
use super::snappy::Snappy;
use super::zstd::Zstd;
use super::{Coding, DecodeError, Progress};
use crate::limits::{DECODE_WINDOW, DECODED_GRACE, DECODED_RATIO, DECODER_STATE, INFLATER};

/// What comes out of a coded stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    Text(&'a [u8]),
    /// What a coding carries beside the text, whole: file name, comment and extra field of a gzip member, a skippable
    /// frame of zstd, a trailer of aws-chunked.
    Aside(&'a [u8]),
}

/// Decodes a stream that is pushed in chunks of any size.
#[derive(Debug)]
pub struct Decoder {
    /// Outermost coding first: the order in which they come off.
    stages: Vec<Stage>,
    /// Coded bytes taken so far.
    taken: u64,
    failed: Option<DecodeError>,
}

#[derive(Debug)]
struct Stage {
    engine: Engine,
    window: Box<[u8]>,
    /// Bytes that came out of this stage.
    out: u64,
}

/// A running coding.
#[derive(Debug)]
enum Engine {
    Gzip(Gzip),
    Deflate(Deflate),
    Brotli(Brotli),
    Zstd(Zstd),
    Snappy(Snappy),
    AwsChunked(AwsChunked),
}

impl Engine {
    fn new(coding: Coding) -> Engine {
        match coding {
            Coding::Gzip => Engine::Gzip(Gzip::new()),
            Coding::Deflate => Engine::Deflate(Deflate::new()),
            Coding::Brotli => Engine::Brotli(Brotli::new()),
            Coding::Zstd => Engine::Zstd(Zstd::new()),
            Coding::Snappy => Engine::Snappy(Snappy::new()),
            Coding::AwsChunked => Engine::AwsChunked(AwsChunked::new()),
        }
    }

    fn step(&mut self, input: &[u8], output: &mut [u8]) -> Result<Progress, DecodeError> {
        match self {
            Engine::Gzip(gzip) => gzip.step(input, output),
            Engine::Deflate(deflate) => deflate.step(input, output),
            Engine::Brotli(brotli) => brotli.step(input, output),
            Engine::Zstd(zstd) => zstd.step(input, output),
            Engine::Snappy(snappy) => snappy.step(input, output),
            Engine::AwsChunked(chunked) => chunked.step(input, output),
        }
    }

    fn is_complete(&self) -> bool {
        match self {
            Engine::Gzip(gzip) => gzip.is_complete(),
            Engine::Deflate(deflate) => deflate.is_complete(),
            Engine::Brotli(brotli) => brotli.is_complete(),
            Engine::Zstd(zstd) => zstd.is_complete(),
            Engine::Snappy(snappy) => snappy.is_complete(),
            Engine::AwsChunked(chunked) => chunked.is_complete(),
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Engine::Gzip(_) | Engine::Deflate(_) => INFLATER,
            Engine::Brotli(brotli) => brotli.bytes(),
            Engine::Zstd(zstd) => zstd.bytes(),
            Engine::Snappy(snappy) => snappy.bytes(),
            Engine::AwsChunked(_) => 0,
        }
    }

    fn aside(&self) -> &[u8] {
        match self {
            Engine::Gzip(gzip) => gzip.aside(),
            Engine::Zstd(zstd) => zstd.aside(),
            Engine::AwsChunked(chunked) => chunked.aside(),
            Engine::Deflate(_) | Engine::Brotli(_) | Engine::Snappy(_) => &[],
        }
    }

    fn pending(&self) -> &[u8] {
        match self {
            Engine::Gzip(gzip) => gzip.pending(),
            Engine::Zstd(zstd) => zstd.pending(),
            Engine::Deflate(_) | Engine::Brotli(_) | Engine::Snappy(_) | Engine::AwsChunked(_) => &[],
        }
    }

    fn is_in_header(&self) -> bool {
        match self {
            Engine::Gzip(gzip) => gzip.is_in_header(),
            Engine::Zstd(zstd) => zstd.is_in_header(),
            Engine::Snappy(snappy) => snappy.is_in_header(),
            Engine::AwsChunked(chunked) => chunked.is_in_header(),
            Engine::Deflate(_) | Engine::Brotli(_) => false,
        }
    }
}

impl Stage {
    fn new(coding: Coding) -> Stage {
        Stage { engine: Engine::new(coding), window: vec![0; DECODE_WINDOW].into_boxed_slice(), out: 0 }
    }

    /// Of a window for which a stream asks no more is there than what was written into it.
    fn bytes(&self) -> usize {
        let out = usize::try_from(self.out).unwrap_or(usize::MAX);
        self.window.len() + self.engine.bytes().min(DECODER_STATE.saturating_add(out))
    }
}

impl Decoder {
    /// `codings` in the order in which they were applied, as [`super::coding::parse`] gives them.
    #[must_use]
    pub fn new(codings: &[Coding]) -> Decoder {
        Decoder { stages: codings.iter().rev().copied().map(Stage::new).collect(), taken: 0, failed: None }
    }

    /// Decodes `chunk`, handing every decoded piece to `text` until it breaks. All text that these bytes make
    /// known has been handed out when this returns. An error stays.
    pub fn push(
        &mut self,
        chunk: &[u8],
        text: &mut dyn FnMut(&[u8]) -> ControlFlow<()>,
    ) -> Result<(), DecodeError> {
        self.push_all(chunk, &mut |piece| match piece {
            Piece::Text(piece) => text(piece),
            Piece::Aside(_) => ControlFlow::Continue(()),
        })
    }

    /// As [`push`](Self::push), and what stands beside the text is handed out, too.
    pub fn push_all(
        &mut self,
        chunk: &[u8],
        sink: &mut dyn FnMut(Piece<'_>) -> ControlFlow<()>,
    ) -> Result<(), DecodeError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        self.taken += chunk.len() as u64;
        let result = feed(&mut self.stages, chunk, self.taken, sink).map(|_| ());
        self.failed = result.err();
        result
    }

    /// Whether bytes were taken that have been handed out in no form yet, though they are more than framing.
    #[must_use]
    pub fn is_in_header(&self) -> bool {
        self.stages.iter().any(|stage| stage.engine.is_in_header())
    }

    /// What came of asides that have not ended: where a body ends within one, nothing more is told of it.
    pub fn pending(&self) -> impl Iterator<Item = &[u8]> {
        self.stages.iter().map(|stage| stage.engine.pending()).filter(|aside| !aside.is_empty())
    }

    /// Memory that it takes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.stages.iter().map(Stage::bytes).sum()
    }

    /// The body has ended: an error unless every coding has, too. A body without a byte is whole.
    pub fn finish(&mut self) -> Result<(), DecodeError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        if self.stages.iter().all(|stage| stage.engine.is_complete()) {
            return Ok(());
        }
        self.failed = Some(DecodeError::Truncated);
        Err(DecodeError::Truncated)
    }
}

/// Runs `input` through all stages; what leaves the last one is text.
fn feed(
    stages: &mut [Stage],
    mut input: &[u8],
    taken: u64,
    sink: &mut dyn FnMut(Piece<'_>) -> ControlFlow<()>,
) -> Result<ControlFlow<()>, DecodeError> {
    let Some((stage, inner)) = stages.split_first_mut() else {
        return Ok(sink(Piece::Text(input)));
    };
    loop {
        let Progress { read, written } = stage.engine.step(input, &mut stage.window)?;
        input = input.get(read..).unwrap_or_default();
        stage.out += written as u64;
        if stage.out > DECODED_GRACE && stage.out / DECODED_RATIO > taken {
            return Err(DecodeError::Ratio);
        }
        let aside = stage.engine.aside();
        if !aside.is_empty() && sink(Piece::Aside(aside)).is_break() {
            return Ok(ControlFlow::Break(()));
        }
        if written > 0 {
            let piece = stage.window.get(..written).unwrap_or_default();
            if feed(inner, piece, taken, sink)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        // A full window may hide more text that the same input makes known.
        if input.is_empty() && written < stage.window.len() {
            return Ok(ControlFlow::Continue(()));
        }
        if read == 0 && written == 0 {
            return Err(DecodeError::Broken);
        }
    }
}

#[cfg(test)]
#[path = "decoder_tests.rs"]
mod tests;
