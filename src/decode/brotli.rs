//! Takes Brotli (RFC 7932) off a stream: one stream, its window at most what the standard grants.

use std::fmt;

use brotli::{BrotliDecompressStream, BrotliResult, BrotliState, HeapAlloc, HuffmanCode, SliceWrapper};

use super::{DecodeError, Progress};
use crate::limits::DECODER_STATE;

type State = BrotliState<HeapAlloc<u8>, HeapAlloc<u32>, HeapAlloc<HuffmanCode>>;

/// One Brotli stream. Its metadata blocks are skipped by the decoder and not seen.
pub(super) struct Brotli {
    state: Box<State>,
    begun: bool,
    ended: bool,
}

impl fmt::Debug for Brotli {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Brotli").field("ended", &self.ended).finish_non_exhaustive()
    }
}

impl Brotli {
    pub(super) fn new() -> Brotli {
        // Strict: the large windows that only a private extension knows are an error.
        let state = State::new_strict(HeapAlloc::default(), HeapAlloc::default(), HeapAlloc::default());
        Brotli { state: Box::new(state), begun: false, ended: false }
    }

    /// Whether the stream may end here.
    pub(super) fn is_complete(&self) -> bool {
        self.ended || !self.begun
    }

    /// Memory that it takes, a window above all.
    pub(super) fn bytes(&self) -> usize {
        DECODER_STATE.saturating_add(self.state.ringbuffer.slice().len())
    }

    pub(super) fn step(&mut self, input: &[u8], output: &mut [u8]) -> Result<Progress, DecodeError> {
        if self.ended {
            return match input.is_empty() {
                true => Ok(Progress { read: 0, written: 0 }),
                false => Err(DecodeError::Trailing),
            };
        }
        self.begun |= !input.is_empty();
        let (mut left, mut read) = (input.len(), 0);
        let (mut room, mut written, mut total) = (output.len(), 0, 0);
        let result = BrotliDecompressStream(
            &mut left,
            &mut read,
            input,
            &mut room,
            &mut written,
            output,
            &mut total,
            &mut self.state,
        );
        match result {
            BrotliResult::ResultSuccess => self.ended = true,
            BrotliResult::NeedsMoreInput | BrotliResult::NeedsMoreOutput => {}
            BrotliResult::ResultFailure => return Err(DecodeError::Broken),
        }
        Ok(Progress { read, written })
    }
}
