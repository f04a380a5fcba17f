//! Reads a trail back, line by line, in order.

use std::io::{self, Read as _};
use std::ops::Range;
use std::path::Path;

use memchr::memchr;

use crate::audit::segment::{self, Found};
use crate::audit::text_of::Text;
use crate::limits;

/// A line holds one record, and what the writer adds to its body.
pub(super) const LINE_BYTES: u64 = limits::RECORD_BYTES as u64 + 64 * 1024;
/// Bytes read in one call: few enough to stay in the cache of a core until they are looked at.
const BLOCK: usize = 1 << 18;

/// What was read, without its newline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next<'a> {
    Line(&'a [u8]),
    /// Bytes without a newline at the end of the file.
    Torn(&'a [u8]),
    /// Longer than any record can be.
    TooLong,
    End,
}

/// The lines of one segment, each shown where it was read to.
#[derive(Debug)]
pub(super) struct Lines {
    text: Text,
    block: Vec<u8>,
    /// What of the block was read and not shown yet.
    left: Range<usize>,
}

impl Lines {
    pub(super) fn open(found: &Found) -> io::Result<Lines> {
        Ok(Lines { text: Text::open(found)?, block: vec![0; BLOCK], left: 0..0 })
    }

    /// The next line.
    pub(super) fn next(&mut self) -> io::Result<Next<'_>> {
        let mut looked_at = 0;
        loop {
            let left = self.block.get(self.left.clone()).unwrap_or_default();
            if let Some(at) = memchr(b'\n', left.get(looked_at..).unwrap_or_default()) {
                return Ok(Next::Line(self.show(looked_at + at, 1)));
            }
            looked_at = left.len();
            if looked_at as u64 >= LINE_BYTES {
                return Ok(Next::TooLong);
            }
            if self.fill()? == 0 {
                return Ok(if looked_at == 0 { Next::End } else { Next::Torn(self.show(looked_at, 0)) });
            }
        }
    }

    /// Steps over so many bytes and what ends them.
    fn show(&mut self, length: usize, end: usize) -> &[u8] {
        let start = self.left.start;
        self.left.start = start + length + end;
        self.block.get(start..start + length).unwrap_or_default()
    }

    /// Reads on behind what is left, which moves to the front; how many bytes came.
    fn fill(&mut self) -> io::Result<usize> {
        self.block.copy_within(self.left.clone(), 0);
        self.left = 0..self.left.len();
        if self.left.end == self.block.len() {
            self.block.resize(2 * self.block.len(), 0);
        }
        let read = self.text.read(self.block.get_mut(self.left.end..).unwrap_or_default())?;
        self.left.end += read;
        Ok(read)
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
            match lines.next()? {
                Next::Line(line) => {
                    self.line.clear();
                    self.line.extend_from_slice(line);
                    return Ok(Some(&self.line));
                }
                Next::Torn(_) | Next::End => self.lines = None,
                Next::TooLong => {
                    return Err(io::Error::new(
                        io::ErrorKind::InvalidData,
                        "a line is longer than a record can be",
                    ));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a file of this text is read as: lengths of lines, and how it ends.
    fn read(text: &[u8]) -> (Vec<Vec<u8>>, String) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(segment::name(1));
        std::fs::write(&path, text).unwrap();
        let found = Found { first: 1, path, bytes: text.len() as u64, is_packed: false };
        let mut lines = Lines::open(&found).unwrap();
        let mut whole = Vec::new();
        loop {
            match lines.next().unwrap() {
                Next::Line(line) => whole.push(line.to_vec()),
                Next::Torn(tail) => return (whole, format!("torn after {} bytes", tail.len())),
                Next::TooLong => return (whole, "too long".into()),
                Next::End => return (whole, "end".into()),
            }
        }
    }

    #[test]
    fn lines_are_whole_wherever_blocks_end() {
        let line = |length: usize| -> Vec<u8> { (0..length).map(|n| b'a' + (n % 26) as u8).collect() };
        let longest = LINE_BYTES as usize - 1;
        for lengths in [
            vec![],
            vec![0, 0, 1],
            vec![BLOCK - 1, 0, BLOCK, BLOCK + 1, 3],
            vec![5, longest, 7],
            vec![700; 900],
        ] {
            let lines: Vec<_> = lengths.into_iter().map(line).collect();
            let text: Vec<u8> = lines.iter().flat_map(|line| [line.as_slice(), b"\n"].concat()).collect();
            assert!(read(&text) == (lines.clone(), "end".into()));
            let torn = [&text, &b"half"[..]].concat();
            assert!(read(&torn) == (lines.clone(), "torn after 4 bytes".into()));
            let endless = [text, line(longest + 1)].concat();
            assert!(read(&endless) == (lines, "too long".into()));
        }
    }
}
