//! Every rule of the guard, and that nothing depends on how bytes are cut.

mod connection;
mod cuts;
mod rules;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::framing::{Expected, Framing, Role};
use super::*;
use crate::limits;

/// Feeds `pieces` as a reader would, and returns what passed and how it ended.
fn run<'a>(
    framing: &mut Framing,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> (Vec<u8>, Result<(), Refusal>) {
    let (mut passed, mut waiting) = (Vec::new(), Vec::new());
    for piece in pieces {
        waiting.extend_from_slice(piece);
        loop {
            match framing.advance(&waiting) {
                Ok(0) => break,
                Ok(length) => passed.extend(waiting.drain(..length)),
                Err(refusal) => return (passed, Err(refusal)),
            }
        }
    }
    (passed, Ok(()))
}
