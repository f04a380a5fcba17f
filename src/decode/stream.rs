//! Tells what a coding in a text, or a member of an archive, brings as it streams.

use super::unpack::{Halt, Member, Sink, Took, Unpacked, tell};
use super::{DecodeError, Progress};

pub(super) type Coder<'a> =
    &'a mut dyn FnMut(&[u8], &mut [u8], &mut Vec<u8>) -> Result<Progress, DecodeError>;

/// Tells what a coding brings of `text`. What does not go on as the coding does ends it.
pub(super) fn run(
    carrier: &'static str,
    is_open: &mut bool,
    text: &[u8],
    window: &mut [u8],
    sink: Sink<'_>,
    coder: Coder<'_>,
) -> Result<Took, Halt> {
    let (mut read, mut aside) = (0, Vec::new());
    loop {
        let progress = match coder(text.get(read..).unwrap_or_default(), window, &mut aside) {
            Ok(progress) => progress,
            Err(DecodeError::Trailing) => return Ok(Took { read, over: true }),
            Err(error) => return Err(error.into()),
        };
        read += progress.read;
        if !std::mem::replace(is_open, true) {
            let member = Member { carrier, name: &[], markup: false, in_place: false };
            tell(sink, Unpacked::Open(member))?;
        }
        if !aside.is_empty() {
            tell(sink, Unpacked::Aside(&aside))?;
            aside.clear();
        }
        if progress.written > 0 {
            tell(sink, Unpacked::Text(window.get(..progress.written).unwrap_or_default(), 0))?;
        }
        // A full window may hide more text that the same bytes make known.
        if progress.written < window.len() {
            // Where the text ends as the window is full, neither is more of.
            let stuck = progress.read == 0 && progress.written == 0 && read < text.len();
            return if stuck { Err(DecodeError::Broken.into()) } else { Ok(Took { read, over: false }) };
        }
    }
}
