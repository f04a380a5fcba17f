//! Wire bytes to readable text: content codings are taken off in bounded pieces, and put back when a body was edited.
//!
//! May import floor 0. The only home of compression. Invariants: memory does not depend on the body; a body that
//! does not decode to its very end is an error; a bomb is stopped by its ratio.

pub mod coding;
pub mod decoder;
mod deflate;
pub mod encoder;
mod gzip;

pub use coding::Coding;
pub use decoder::{Decoder, Piece};
pub use encoder::Encoder;

use std::fmt;

/// Why a body cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DecodeError {
    /// A content coding that is not known here.
    UnknownCoding,
    /// The bytes are not what the coding asks for, or go on after its end.
    Broken,
    /// The body ended before its coding did.
    Truncated,
    /// It expands past [`crate::limits::DECODED_RATIO`].
    Ratio,
    /// More codings are stacked than [`crate::limits::CODING_DEPTH`].
    Depth,
}

impl DecodeError {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            DecodeError::UnknownCoding => "unknown_coding",
            DecodeError::Broken => "broken",
            DecodeError::Truncated => "truncated",
            DecodeError::Ratio => "ratio",
            DecodeError::Depth => "depth",
        }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            DecodeError::UnknownCoding => "body has a content coding that cannot be read",
            DecodeError::Broken => "body is not what its content coding says",
            DecodeError::Truncated => "body ends before its content coding does",
            DecodeError::Ratio => "body expands beyond the allowed ratio",
            DecodeError::Depth => "body has too many content codings on top of each other",
        })
    }
}

impl std::error::Error for DecodeError {}

/// What one step of a coding did.
#[derive(Clone, Copy, Debug)]
struct Progress {
    /// Coded bytes taken.
    read: usize,
    /// Decoded bytes written.
    written: usize,
}
