//! The records that come from now on, across segments.

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use crate::audit::query::store::too_long;
use crate::audit::reader::LINE_BYTES;
use crate::audit::segment;
use crate::audit::text_of::Text;

/// Bytes read in one call.
const BLOCK: usize = 256 * 1024;

/// A place in a growing trail.
#[derive(Debug)]
pub struct Follow {
    directory: PathBuf,
    /// First sequence of the segment that is read, and its text.
    segment: u64,
    text: Option<Text>,
    /// What was read and not handed out; from where on.
    read: Vec<u8>,
    at: usize,
}

/// Begins behind the last line that is there now.
pub fn follow(directory: &Path) -> io::Result<Follow> {
    let mut follow =
        Follow { directory: directory.to_owned(), segment: 0, text: None, read: Vec::new(), at: 0 };
    if let Some(last) = segment::list(directory)?.pop() {
        let mut text = Text::open(&last)?;
        // A line that is being written just now is read from its beginning.
        let from = text.len()?.saturating_sub(LINE_BYTES);
        text.seek(from);
        let mut tail = Vec::new();
        text.read_to_end(&mut tail)?;
        let whole = tail.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
        follow.read = tail.split_off(whole);
        (follow.segment, follow.text) = (last.first, Some(text));
    }
    Ok(follow)
}

/// Begins with the first line of the segment that holds record `seq`, or of the first one after it.
pub fn follow_from(directory: &Path, seq: u64) -> io::Result<Follow> {
    let segments = segment::list(directory)?;
    let found = segments.iter().rev().find(|found| found.first <= seq).or(segments.first());
    let text = found.map(Text::open).transpose()?;
    let segment = found.map_or(0, |found| found.first);
    Ok(Follow { directory: directory.to_owned(), segment, text, read: Vec::new(), at: 0 })
}

impl Follow {
    /// The next whole line, without its newline; `None` while there is none.
    pub fn next_line(&mut self) -> io::Result<Option<&[u8]>> {
        loop {
            let rest = self.read.get(self.at..).unwrap_or_default();
            if let Some(length) = memchr::memchr(b'\n', rest) {
                let from = self.at;
                self.at += length + 1;
                return Ok(self.read.get(from..from + length));
            }
            if rest.len() as u64 > LINE_BYTES {
                return Err(too_long());
            }
            self.read.drain(..self.at);
            self.at = 0;
            if !self.more()? && !self.step()? {
                return Ok(None);
            }
        }
    }

    /// Whether more of the segment was there.
    fn more(&mut self) -> io::Result<bool> {
        let Some(text) = &mut self.text else { return Ok(false) };
        let before = self.read.len();
        self.read.resize(before + BLOCK, 0);
        let read = text.read(self.read.get_mut(before..).unwrap_or_default());
        self.read.truncate(before + read.as_ref().copied().unwrap_or(0));
        Ok(read? > 0)
    }

    /// Whether a next segment was there. The one before is written no more, so a look at its end was the last.
    fn step(&mut self) -> io::Result<bool> {
        let Some(next) = segment::list(&self.directory)?.into_iter().find(|found| found.first > self.segment)
        else {
            return Ok(false);
        };
        // Between the last look at the old one and this, it may have grown.
        if self.more()? {
            return Ok(true);
        }
        self.read.clear();
        (self.segment, self.text) = (next.first, Some(Text::open(&next)?));
        Ok(true)
    }
}
