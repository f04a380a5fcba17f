//! Reads a trail back, line by line, in order.

use std::io::{self, BufRead, BufReader, Read as _};
use std::path::Path;

use crate::audit::segment::{self, Found};
use crate::audit::text_of::Text;
use crate::limits;

/// A line holds one record, and what the writer adds to its body.
pub(super) const LINE_BYTES: u64 = limits::RECORD_BYTES as u64 + 64 * 1024;
/// Bytes read in one call: few enough to stay in the cache of a core until they are looked at.
const BLOCK: usize = 1 << 18;

/// What was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// A whole line.
    Line,
    /// Bytes without a newline at the end of the file.
    Torn,
    /// Longer than any record can be.
    TooLong,
    End,
}

/// The lines of one segment.
#[derive(Debug)]
pub(super) struct Lines {
    text: BufReader<Text>,
}

impl Lines {
    pub(super) fn open(found: &Found) -> io::Result<Lines> {
        Ok(Lines { text: BufReader::with_capacity(BLOCK, Text::open(found)?) })
    }

    /// Reads the next line into `line`, without its newline.
    pub(super) fn next(&mut self, line: &mut Vec<u8>) -> io::Result<Outcome> {
        line.clear();
        let read = self.text.by_ref().take(LINE_BYTES).read_until(b'\n', line)?;
        if read == 0 {
            return Ok(Outcome::End);
        }
        if line.last() == Some(&b'\n') {
            line.pop();
            return Ok(Outcome::Line);
        }
        Ok(if read as u64 == LINE_BYTES { Outcome::TooLong } else { Outcome::Torn })
    }
}

/// The records of a trail, as the lines they are, across segments. Checks nothing; see [`verify`](super::verify()).
#[derive(Debug)]
pub struct Reader {
    segments: std::vec::IntoIter<Found>,
    lines: Option<Lines>,
    line: Vec<u8>,
}

impl Reader {
    pub fn open(directory: &Path) -> io::Result<Reader> {
        let segments = segment::list(directory)?.into_iter();
        Ok(Reader { segments, lines: None, line: Vec::new() })
    }

    /// The next whole line, without its newline; `None` at the end. A line that is still being written is left out.
    pub fn next_line(&mut self) -> io::Result<Option<&[u8]>> {
        loop {
            let Some(lines) = &mut self.lines else {
                let Some(next) = self.segments.next() else {
                    return Ok(None);
                };
                self.lines = Some(Lines::open(&next)?);
                continue;
            };
            match lines.next(&mut self.line)? {
                Outcome::Line => return Ok(Some(&self.line)),
                Outcome::Torn | Outcome::End => self.lines = None,
                Outcome::TooLong => {
                    return Err(io::Error::new(
                        io::ErrorKind::InvalidData,
                        "a line is longer than a record can be",
                    ));
                }
            }
        }
    }
}
