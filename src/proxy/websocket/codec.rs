//! The compression of one direction: messages are inflated to be read, and deflated anew when they cannot leave as they
//! came.

use std::ops::ControlFlow;

use super::compression::Compression;
use crate::decode::{DecodeError, Deflater, Inflater};
use crate::limits;

/// What is known of one direction's compression. Nothing is kept until something is compressed.
#[derive(Debug)]
pub(super) struct Codec {
    how: Compression,
    inflater: Option<Inflater>,
    /// Why nothing compressed can be read any more: later messages refer to earlier ones.
    broken: Option<&'static str>,
    /// Messages leave compressed anew: the reader never got what they refer to.
    recoding: bool,
    deflater: Option<Deflater>,
}

impl Codec {
    pub(super) fn new(how: Compression) -> Codec {
        Codec { how, inflater: None, broken: None, recoding: false, deflater: None }
    }

    /// Memory that lasts from message to message.
    pub(super) fn bytes(&self) -> usize {
        let reads = if self.inflater.is_some() { limits::WEBSOCKET_INFLATER } else { 0 };
        let writes = if self.deflater.is_some() { limits::WEBSOCKET_DEFLATER } else { 0 };
        reads + writes
    }

    pub(super) fn broken(&self) -> Option<&'static str> {
        self.broken
    }

    /// Whether what leaves is compressed anew.
    pub(super) fn is_recoding(&self) -> bool {
        self.recoding
    }

    /// Inflates the next bytes of a message of which `wire` have come and `text` were read; `last`: it ends with them.
    pub(super) fn inflate(
        &mut self,
        bytes: &[u8],
        last: bool,
        wire: u64,
        text: &mut u64,
        take: &mut dyn FnMut(Vec<u8>) -> ControlFlow<()>,
    ) -> Result<(), &'static str> {
        let inflater = self.inflater.get_or_insert_default();
        let mut bomb = false;
        let mut bounded = |piece: Vec<u8>| {
            *text += piece.len() as u64;
            bomb = *text > limits::DECODED_GRACE && *text / wire.max(1) > limits::DECODED_RATIO;
            if bomb { ControlFlow::Break(()) } else { take(piece) }
        };
        let inflated = inflater.push(bytes, last, limits::DECODE_WINDOW, &mut bounded);
        let fault = if bomb { Some(DecodeError::Ratio) } else { inflated.err() };
        if last && self.how.forgets {
            // The next message stands alone: neither memory nor a fault outlives this one.
            self.inflater = None;
        }
        match fault {
            None => Ok(()),
            Some(error) => {
                self.broken = Some(error.as_str());
                self.inflater = None;
                Err(error.as_str())
            }
        }
    }

    /// The next part of a message, compressed anew; `None` where it leaves uncompressed.
    pub(super) fn deflate(&mut self, text: &[u8], last: bool) -> Result<Option<Vec<u8>>, DecodeError> {
        if !self.recoding {
            self.recoding = true;
            self.deflater = Deflater::new(self.how.bits, self.how.forgets);
        }
        let Some(deflater) = &mut self.deflater else { return Ok(None) };
        deflater.push(text, last).map(Some)
    }

    /// A message has ended.
    pub(super) fn ended(&mut self) {
        if self.how.forgets {
            self.recoding = false;
            self.deflater = None;
            self.broken = None;
        }
    }
}
