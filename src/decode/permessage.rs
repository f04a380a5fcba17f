//! The compression of WebSocket messages (RFC 7692): deflate whose window may outlive a message.

use std::fmt;
use std::ops::ControlFlow;

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

use super::DecodeError;

/// What every message leaves out at its end (RFC 7692, section 7.2.1).
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];
/// Smallest window that the encoder knows; one of 256 bytes is announced as 8.
const LEAST_WINDOW: u8 = 9;

/// Reads the messages of one direction; what earlier ones said may be referred to.
pub struct Inflater(Decompress);

impl fmt::Debug for Inflater {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Inflater(..)")
    }
}

impl Default for Inflater {
    fn default() -> Inflater {
        Inflater(Decompress::new(false))
    }
}

impl Inflater {
    /// Takes the next bytes of a message, handing out text in pieces of at most `window` bytes. `last`: the message
    /// ends with them. `take` answers whether to go on.
    pub fn push(
        &mut self,
        input: &[u8],
        last: bool,
        window: usize,
        take: &mut dyn FnMut(Vec<u8>) -> ControlFlow<()>,
    ) -> Result<(), DecodeError> {
        self.feed(input, window, take)?;
        if last { self.feed(&TAIL, window, take) } else { Ok(()) }
    }

    fn feed(
        &mut self,
        mut input: &[u8],
        window: usize,
        take: &mut dyn FnMut(Vec<u8>) -> ControlFlow<()>,
    ) -> Result<(), DecodeError> {
        loop {
            let mut text = Vec::with_capacity(window);
            let before = self.0.total_in();
            let status = self
                .0
                .decompress_vec(input, &mut text, FlushDecompress::Sync)
                .map_err(|_| DecodeError::Broken)?;
            let read = usize::try_from(self.0.total_in() - before).unwrap_or(usize::MAX);
            input = input.get(read..).unwrap_or_default();
            let (full, empty) = (text.len() == window, text.is_empty());
            if !empty && take(text).is_break() {
                return Ok(());
            }
            match status {
                // A block may say that it is the last (RFC 7692, section 7.2.3.4): another stream follows. What refers to
                // text before it is broken here, since none of that is kept.
                Status::StreamEnd => {
                    self.0.reset(false);
                    if input.is_empty() {
                        return Ok(());
                    }
                }
                Status::Ok | Status::BufError if input.is_empty() && !full => return Ok(()),
                Status::Ok | Status::BufError if read == 0 && empty => return Err(DecodeError::Broken),
                Status::Ok | Status::BufError => {}
            }
        }
    }
}

/// Writes messages of one direction anew.
pub struct Deflater {
    engine: Compress,
    /// The reader forgets after each message.
    forgets: bool,
}

impl fmt::Debug for Deflater {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deflater").field("forgets", &self.forgets).finish_non_exhaustive()
    }
}

impl Deflater {
    /// For a reader with a window of `bits`; `None` where the window is too small to be written for.
    #[must_use]
    pub fn new(bits: u8, forgets: bool) -> Option<Deflater> {
        let bits = (LEAST_WINDOW..=15).contains(&bits).then_some(bits)?;
        Some(Deflater { engine: Compress::new_with_window_bits(Compression::fast(), false, bits), forgets })
    }

    /// The next part of a message, compressed; the last one without its tail.
    pub fn push(&mut self, text: &[u8], last: bool) -> Result<Vec<u8>, DecodeError> {
        let mut out = Vec::with_capacity(text.len() / 2 + 64);
        let start = self.engine.total_in();
        loop {
            let read = usize::try_from(self.engine.total_in() - start).unwrap_or(usize::MAX);
            let rest = text.get(read..).unwrap_or_default();
            self.engine.compress_vec(rest, &mut out, FlushCompress::Sync).map_err(|_| DecodeError::Broken)?;
            let done = usize::try_from(self.engine.total_in() - start).is_ok_and(|read| read == text.len());
            if done && out.len() < out.capacity() {
                break;
            }
            out.reserve(text.len() / 2 + 64);
        }
        if last {
            if out.ends_with(&TAIL) {
                out.truncate(out.len() - TAIL.len());
            } else {
                // There was nothing more to say: this is the beginning of the block that the tail ends.
                out.push(0);
            }
            if self.forgets {
                self.engine.reset();
            }
        }
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(inflater: &mut Inflater, pieces: &[&[u8]], window: usize) -> Result<Vec<u8>, DecodeError> {
        let mut out = Vec::new();
        for (index, piece) in pieces.iter().enumerate() {
            inflater.push(piece, index + 1 == pieces.len(), window, &mut |text| {
                assert!(text.len() <= window);
                out.extend(text);
                ControlFlow::Continue(())
            })?;
        }
        Ok(out)
    }

    #[test]
    fn the_examples_of_the_standard_are_read() {
        // RFC 7692, section 7.2.3.2: the second message refers to the first.
        let mut inflater = Inflater::default();
        assert_eq!(
            read(&mut inflater, &[&[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00]], 64).unwrap(),
            b"Hello"
        );
        assert_eq!(read(&mut inflater, &[&[0xf2, 0x00, 0x11, 0x00, 0x00]], 64).unwrap(), b"Hello");
        // Section 7.2.3.3: a block without compression.
        let stored = [0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00];
        assert_eq!(read(&mut Inflater::default(), &[&stored[..]], 64).unwrap(), b"Hello");
        // Section 7.2.3.4: a last block, once and in a second message; and one in front of others.
        let last = [0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00];
        let mut inflater = Inflater::default();
        for pieces in [&[&last[..]][..], &[&last[..6], &last[6..7], &last[7..]]] {
            assert_eq!(read(&mut inflater, pieces, 3).unwrap(), b"Hello");
        }
        assert_eq!(read(&mut inflater, &[&last[..7], &stored], 64).unwrap(), b"HelloHello");
        // Section 7.2.3.5: two blocks.
        let two = [0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00];
        assert_eq!(read(&mut inflater, &[&two], 64).unwrap(), b"Hello");
        assert!(read(&mut Inflater::default(), &[&[0xff; 8]], 64).is_err());
    }

    #[test]
    fn windows_that_cannot_be_written_for_are_none() {
        assert!(Deflater::new(8, false).is_none());
        assert!(Deflater::new(16, false).is_none());
        assert!(Deflater::new(9, false).is_some());
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            messages in prop::collection::vec(prop::collection::vec(0u8..4, 0..3000), 1..6),
            bits in 9u8..=15, forgets: bool, window in 1usize..5000, cut in 0usize..2000,
        ) {
            let mut deflater = Deflater::new(bits, forgets).unwrap();
            let mut inflater = Inflater::default();
            for message in &messages {
                let (first, second) = message.split_at(cut.min(message.len()));
                let coded = [deflater.push(first, false).unwrap(), deflater.push(second, true).unwrap()].concat();
                let (one, two) = coded.split_at(cut.min(coded.len()));
                prop_assert_eq!(&read(&mut inflater, &[one, two], window).unwrap(), message);
            }
        }
    }
}
