//! Puts codings back on a body that was edited.

use std::io::{self, Write};

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};

use super::Coding;

/// Encodes a text that is pushed in pieces. The coded bytes are kept until [`Encoder::finish`].
#[derive(Debug)]
pub struct Encoder {
    /// Innermost coding first: the order in which they go on.
    stages: Vec<Stage>,
    coded: Vec<u8>,
}

/// A running coding: what it has made so far waits in its vector.
#[derive(Debug)]
enum Stage {
    Gzip(GzEncoder<Vec<u8>>),
    Deflate(ZlibEncoder<Vec<u8>>),
}

impl Stage {
    fn new(coding: Coding) -> Stage {
        match coding {
            Coding::Gzip => Stage::Gzip(GzEncoder::new(Vec::new(), Compression::default())),
            Coding::Deflate => Stage::Deflate(ZlibEncoder::new(Vec::new(), Compression::default())),
        }
    }

    /// Takes `text`, gives what has been made of it.
    fn push(&mut self, text: &[u8]) -> io::Result<Vec<u8>> {
        match self {
            Stage::Gzip(gzip) => gzip.write_all(text).map(|()| std::mem::take(gzip.get_mut())),
            Stage::Deflate(zlib) => zlib.write_all(text).map(|()| std::mem::take(zlib.get_mut())),
        }
    }

    fn finish(self) -> io::Result<Vec<u8>> {
        match self {
            Stage::Gzip(gzip) => gzip.finish(),
            Stage::Deflate(zlib) => zlib.finish(),
        }
    }
}

impl Encoder {
    /// `codings` in the order in which they are applied, as [`super::coding::parse`] gives them.
    #[must_use]
    pub fn new(codings: &[Coding]) -> Encoder {
        Encoder { stages: codings.iter().copied().map(Stage::new).collect(), coded: Vec::new() }
    }

    pub fn push(&mut self, text: &[u8]) -> io::Result<()> {
        let Some((first, outer)) = self.stages.split_first_mut() else {
            self.coded.extend_from_slice(text);
            return Ok(());
        };
        let mut piece = first.push(text)?;
        for stage in outer {
            piece = stage.push(&piece)?;
        }
        self.coded.append(&mut piece);
        Ok(())
    }

    /// Coded bytes so far, which [`Encoder::finish`] completes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.coded.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.coded.is_empty()
    }

    /// The whole coded body.
    pub fn finish(mut self) -> io::Result<Vec<u8>> {
        let mut stages = std::mem::take(&mut self.stages).into_iter();
        let Some(first) = stages.next() else { return Ok(self.coded) };
        let mut rest = first.finish()?;
        for mut stage in stages {
            let mut piece = stage.push(&rest)?;
            piece.append(&mut stage.finish()?);
            rest = piece;
        }
        self.coded.append(&mut rest);
        Ok(self.coded)
    }
}
