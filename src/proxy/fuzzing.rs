//! Fuzz bodies of the parsers that stand in front of hyper.

pub use super::guard::fuzzing::connect;
pub(crate) use super::guard::fuzzing::framing;
pub use super::sniff::fuzzing::sniff;
pub(crate) use super::websocket::fuzzing::frames;

/// A PROXY header.
pub fn introduction(data: &[u8]) {
    super::introduction::fuzzing::introduction(data);
}
