//! Puts codings back on a body that was edited.

use std::fmt;
use std::io::{self, Write};

use brotli::CompressorWriter;
use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};

use super::Coding;
use crate::limits::{ENCODER_STATE, ENCODER_WINDOW};

/// How hard the encoders try: fast ones, since they stand in the way of traffic.
const GZIP_LEVEL: u32 = 1;
const BROTLI_QUALITY: u32 = 3;
const ZSTD_LEVEL: i32 = 1;
const BROTLI_BUFFER: usize = 4096;
/// Window of a Brotli stream, as a power of two: the standard's default.
const BROTLI_WINDOW_LOG: u32 = 22;

/// Encodes a text that is pushed in pieces.
#[derive(Debug)]
pub struct Encoder {
    /// Innermost coding first: the order in which they go on.
    stages: Vec<Stage>,
    coded: Vec<u8>,
    /// Bytes of text taken so far.
    taken: usize,
}

/// A running coding: what it has made so far waits in its vector.
enum Stage {
    Gzip(GzEncoder<Vec<u8>>),
    Deflate(ZlibEncoder<Vec<u8>>),
    Brotli(Box<CompressorWriter<Vec<u8>>>),
    Zstd(zstd::stream::write::Encoder<'static, Vec<u8>>),
}

impl fmt::Debug for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Stage::Gzip(_) => "Gzip",
            Stage::Deflate(_) => "Deflate",
            Stage::Brotli(_) => "Brotli",
            Stage::Zstd(_) => "Zstd",
        })
    }
}

impl Stage {
    fn new(coding: Coding) -> io::Result<Stage> {
        let out = Vec::new();
        Ok(match coding {
            Coding::Gzip => Stage::Gzip(GzEncoder::new(out, Compression::new(GZIP_LEVEL))),
            Coding::Deflate => Stage::Deflate(ZlibEncoder::new(out, Compression::new(GZIP_LEVEL))),
            Coding::Brotli => {
                let writer = CompressorWriter::new(out, BROTLI_BUFFER, BROTLI_QUALITY, BROTLI_WINDOW_LOG);
                Stage::Brotli(Box::new(writer))
            }
            Coding::Zstd => Stage::Zstd(zstd::stream::write::Encoder::new(out, ZSTD_LEVEL)?),
            // Signatures are the sender's; a text that streams has no length to begin Snappy's with.
            Coding::Snappy | Coding::AwsChunked => return Err(io::ErrorKind::Unsupported.into()),
        })
    }

    /// Takes `text`, gives what has been made of it.
    fn push(&mut self, text: &[u8], flush: bool) -> io::Result<Vec<u8>> {
        let writer: &mut dyn Write = match self {
            Stage::Gzip(gzip) => gzip,
            Stage::Deflate(zlib) => zlib,
            Stage::Brotli(brotli) => brotli,
            Stage::Zstd(zstd) => zstd,
        };
        writer.write_all(text)?;
        if flush {
            writer.flush()?;
        }
        Ok(std::mem::take(match self {
            Stage::Gzip(gzip) => gzip.get_mut(),
            Stage::Deflate(zlib) => zlib.get_mut(),
            Stage::Brotli(brotli) => brotli.get_mut(),
            Stage::Zstd(zstd) => zstd.get_mut(),
        }))
    }

    /// Memory that it takes once so much text came.
    fn bytes(&self, text: usize) -> usize {
        match self {
            Stage::Gzip(_) | Stage::Deflate(_) => ENCODER_STATE,
            Stage::Brotli(_) | Stage::Zstd(_) => ENCODER_STATE + text.min(ENCODER_WINDOW),
        }
    }

    fn finish(self) -> io::Result<Vec<u8>> {
        match self {
            Stage::Gzip(gzip) => gzip.finish(),
            Stage::Deflate(zlib) => zlib.finish(),
            Stage::Brotli(brotli) => Ok(brotli.into_inner()),
            Stage::Zstd(zstd) => zstd.finish(),
        }
    }
}

impl Encoder {
    /// `codings` in the order in which they are applied, as [`super::coding::parse`] gives them. An error where one
    /// of them cannot be put back.
    pub fn new(codings: &[Coding]) -> io::Result<Encoder> {
        let stages = codings.iter().copied().map(Stage::new).collect::<io::Result<_>>()?;
        Ok(Encoder { stages, coded: Vec::new(), taken: 0 })
    }

    pub fn push(&mut self, text: &[u8]) -> io::Result<()> {
        self.write(text, false)
    }

    /// As [`push`](Self::push), and whoever has what was coded until now has all of the text until now.
    pub fn push_through(&mut self, text: &[u8]) -> io::Result<()> {
        self.write(text, true)
    }

    fn write(&mut self, text: &[u8], flush: bool) -> io::Result<()> {
        self.taken = self.taken.saturating_add(text.len());
        let Some((first, outer)) = self.stages.split_first_mut() else {
            self.coded.extend_from_slice(text);
            return Ok(());
        };
        let mut piece = first.push(text, flush)?;
        for stage in outer {
            piece = stage.push(&piece, flush)?;
        }
        self.coded.append(&mut piece);
        Ok(())
    }

    /// What was coded since the last call.
    #[must_use]
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.coded)
    }

    /// Memory that it takes, with what has not been taken of it.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.coded.capacity() + self.stages.iter().map(|stage| stage.bytes(self.taken)).sum::<usize>()
    }

    /// Coded bytes that have not been taken.
    #[must_use]
    pub fn len(&self) -> usize {
        self.coded.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.coded.is_empty()
    }

    /// The rest of the coded body, which ends it.
    pub fn finish(mut self) -> io::Result<Vec<u8>> {
        let mut stages = std::mem::take(&mut self.stages).into_iter();
        let Some(first) = stages.next() else { return Ok(self.coded) };
        let mut rest = first.finish()?;
        for mut stage in stages {
            let mut piece = stage.push(&rest, false)?;
            piece.append(&mut stage.finish()?);
            rest = piece;
        }
        self.coded.append(&mut rest);
        Ok(self.coded)
    }
}
