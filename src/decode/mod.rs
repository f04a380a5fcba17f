//! Wire bytes to readable text: content codings are taken off in bounded pieces, and put back when a body was edited;
//! what a text wears (a charset, escapes, look-alike characters) is undone, and each byte remembers where it came from.
//!
//! May import floor 0. The only home of compression. Invariants: memory does not depend on the body; a body that
//! does not decode to its very end is an error; a bomb is stopped by its ratio; however a text is cut, the same of it is undone.

mod amid;
mod armour;
mod aws_chunked;
mod bare;
mod blocks;
mod brotli;
mod charset;
pub mod coding;
pub mod decoder;
mod deflate;
mod deltas;
pub mod encoder;
mod escape;
mod fold;
mod form;
mod gzip;
mod layer;
mod legacy;
mod mail;
mod markup;
mod objects;
mod origin;
mod parameter;
mod parts;
mod pdf;
mod pdf_codes;
mod pdf_fonts;
mod pdf_object;
mod pdf_page;
mod pdf_predictor;
mod pdf_stream;
mod pdf_string;
mod permessage;
mod probe;
mod protobuf;
mod quoted_printable;
mod references;
mod rewrap;
mod sealed;
mod signs;
mod snappy;
mod stream;
mod tags;
mod tar;
mod transfer;
mod unpack;
mod utf16;
mod zip;
mod zip_directory;
mod zstd;

pub(crate) use aws_chunked::begins_a_chunk;
pub use bare::{is_bare, is_bare_run, is_unarmoured};
pub use blocks::{BlockWriter, Blocks};
pub use charset::{is_foreign, plain_name};
pub use coding::Coding;
pub use decoder::{Decoder, Piece};
pub use deltas::{Delta, Lines, Told, deltas};
pub use encoder::Encoder;
pub use escape::{Escape, Kind, escape_at};
pub use layer::{Event, Layer, Packed, Packing, Searches, Wrapping};
pub use legacy::Legacy;
pub use mail::MailHead;
pub use objects::Objects;
pub use origin::Origin;
pub use parameter::{Parted, Said, listed, parameter, parted};
pub use pdf::Pages;
pub use permessage::{Deflater, Inflater};
pub use protobuf::Framing;
pub use rewrap::{Masking, rewrap};
pub use sealed::{sealed_start, sealed_type};
pub use signs::is_unopened;
pub use unpack::{Member, Unpacked, Unpacker};
pub use utf16::{OPENING, recognise};

use std::fmt;

/// A text of ASCII without any of these bytes wears nothing that [`Wrapping::Escapes`] would undo, and nothing packed can be
/// told to begin in it by its signature.
pub const MARKS: [u8; 8] = *b"\\%&+=<\x04\x08";

/// Why a body cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DecodeError {
    /// A content coding that is not known here.
    UnknownCoding,
    /// A part is written in a charset that is not read here.
    Charset,
    /// What parts its parts is said in more than one way.
    Boundary,
    /// The bytes break off from what the coding asks for.
    Broken,
    /// The very first bytes are not of the coding that is declared.
    Mislabelled,
    /// The bytes go on after the coding's end.
    Trailing,
    /// The body ended before its coding did.
    Truncated,
    /// It expands past [`crate::limits::DECODED_RATIO`].
    Ratio,
    /// Decoding would need a window larger than [`crate::limits::DECODE_WINDOW_LOG`] says, or a dictionary.
    Window,
    /// What a coding carries beside the text is too long to be inspected as one.
    Size,
    /// More codings are stacked than [`crate::limits::CODING_DEPTH`], archives within archives than
    /// [`crate::limits::ARCHIVE_DEPTH`], or parts within parts than [`crate::limits::PARTS_DEPTH`].
    Depth,
    /// It is under a password.
    Encrypted,
    /// A member is packed in a way that is not known here.
    Method,
    /// More members than [`crate::limits::ARCHIVE_MEMBERS`].
    Members,
    /// A member is not as long as its archive says.
    Lengths,
    /// The directory of an archive tells of other members than the archive holds, or is missing.
    Directory,
}

impl DecodeError {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            DecodeError::UnknownCoding => "unknown_coding",
            DecodeError::Charset => "charset",
            DecodeError::Boundary => "boundary",
            DecodeError::Broken => "broken",
            DecodeError::Mislabelled => "mislabelled",
            DecodeError::Trailing => "trailing",
            DecodeError::Truncated => "truncated",
            DecodeError::Ratio => "ratio",
            DecodeError::Window => "window",
            DecodeError::Size => "size",
            DecodeError::Depth => "depth",
            DecodeError::Encrypted => "encrypted",
            DecodeError::Method => "method",
            DecodeError::Members => "members",
            DecodeError::Lengths => "lengths",
            DecodeError::Directory => "directory",
        }
    }

    /// Whether an error says that something was not what it looked like.
    const fn is_chance(self) -> bool {
        match self {
            DecodeError::Broken
            | DecodeError::Mislabelled
            | DecodeError::Trailing
            | DecodeError::Window
            | DecodeError::Size
            | DecodeError::Lengths => true,
            DecodeError::UnknownCoding
            | DecodeError::Charset
            | DecodeError::Boundary
            | DecodeError::Truncated
            | DecodeError::Ratio
            | DecodeError::Depth
            | DecodeError::Encrypted
            | DecodeError::Method
            | DecodeError::Directory
            | DecodeError::Members => false,
        }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            DecodeError::UnknownCoding => "body has a content coding that cannot be read",
            DecodeError::Charset => "body holds a part in a charset that cannot be read",
            DecodeError::Boundary => "body's parts cannot be told apart in one way alone",
            DecodeError::Broken => "body breaks off from its content coding",
            DecodeError::Mislabelled => "body is not in the content coding that it is labelled with",
            DecodeError::Trailing => "body goes on after the end of its content coding",
            DecodeError::Truncated => "body ends before its content coding does",
            DecodeError::Ratio => "body expands beyond the allowed ratio",
            DecodeError::Window => "body asks for a larger window, or for a dictionary, to be decoded",
            DecodeError::Size => "body carries too much beside its text",
            DecodeError::Depth => "body has too many content codings, archives or parts inside each other",
            DecodeError::Encrypted => "body holds something under a password",
            DecodeError::Method => "body holds a member that is packed in a way that cannot be read",
            DecodeError::Members => "body holds too many members",
            DecodeError::Lengths => "body holds a member that is not as long as its archive says",
            DecodeError::Directory => {
                "body holds an archive whose directory tells of other members than it has"
            }
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

#[cfg(test)]
#[path = "packing_tests.rs"]
pub(crate) mod packing;
