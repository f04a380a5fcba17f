//! Tells what a coding in a text, or a member of an archive, brings as it streams.

use super::unpack::{Halt, Member, Sink, Took, Unpacked, tell};
use super::{DecodeError, Progress};

pub(super) type Coder<'a> =
    &'a mut dyn FnMut(&[u8], &mut [u8], &mut Vec<u8>) -> Result<Progress, DecodeError>;

/// How much longer what is read may be none of it: bytes taken, and text that came out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Doubt {
    pub(super) bytes: usize,
    pub(super) text: u64,
}

/// Tells what a coding brings of `text`, byte by byte as long as it may be none, so that nothing depends on how the text is
/// cut. What does not go on as the coding does ends it. `read` is what was taken, also where it failed.
#[expect(clippy::too_many_arguments, reason = "all of it belongs to one step")]
pub(super) fn run(
    carrier: &'static str,
    is_open: &mut bool,
    text: &[u8],
    read: &mut usize,
    doubt: Option<Doubt>,
    window: &mut [u8],
    sink: Sink<'_>,
    coder: Coder<'_>,
) -> Result<Took, Halt> {
    let (mut held, mut out, mut aside) = (0, 0, Vec::new());
    let over = loop {
        let doubts = doubt.map(|doubt| *read < doubt.bytes && out < doubt.text);
        let rest = text.get(*read..).unwrap_or_default();
        let next = match doubts {
            None => rest,
            Some(true) => rest.get(..1).unwrap_or_default(),
            Some(false) => &[],
        };
        let room = window.get_mut(held..).unwrap_or_default();
        let size = room.len();
        let progress = match coder(next, room, &mut aside) {
            Ok(progress) => progress,
            Err(DecodeError::Trailing) => break true,
            Err(error) => {
                hand_over(window, held, sink)?;
                return Err(error.into());
            }
        };
        *read += progress.read;
        out += progress.written as u64;
        held += progress.written;
        if !std::mem::replace(is_open, true) {
            let member = Member { carrier, name: &[], markup: false, in_place: false };
            tell(sink, Unpacked::Open(member))?;
        }
        // A full window may hide more text that the same bytes make known.
        let is_full = progress.written == size;
        if is_full || !aside.is_empty() {
            hand_over(window, std::mem::take(&mut held), sink)?;
        }
        if !aside.is_empty() {
            tell(sink, Unpacked::Aside(&aside))?;
            aside.clear();
        }
        if !is_full {
            // Where the text ends as the window is full, neither is more of.
            if progress.read == 0 && progress.written == 0 && !next.is_empty() {
                hand_over(window, held, sink)?;
                return Err(DecodeError::Broken.into());
            }
            if doubts != Some(true) || *read == text.len() {
                break false;
            }
        }
    };
    hand_over(window, held, sink)?;
    Ok(Took { read: *read, over })
}

/// Tells the text that the window holds.
fn hand_over(window: &[u8], held: usize, sink: Sink<'_>) -> Result<(), Halt> {
    match window.get(..held) {
        None | Some([]) => Ok(()),
        Some(text) => tell(sink, Unpacked::Text(text, 0)),
    }
}
