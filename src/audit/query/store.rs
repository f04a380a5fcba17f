//! The bytes of one segment, by line and by place.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use crate::audit::chain::{Hash, link};
use crate::audit::line::Line;
use crate::audit::reader::{LINE_BYTES, Lines, Outcome};
use crate::audit::segment::Found;
use crate::audit::text::from_hex;

/// An open segment.
#[derive(Debug)]
pub(super) struct Store {
    path: PathBuf,
    file: File,
    bytes: u64,
}

impl Store {
    pub(super) fn open(found: &Found) -> io::Result<Store> {
        let file = File::open(&found.path)?;
        let bytes = file.metadata()?.len();
        Ok(Store { path: found.path.clone(), file, bytes })
    }

    /// Bytes of text.
    pub(super) fn len(&self) -> u64 {
        self.bytes
    }

    /// The bytes at a place; shorter only where the text ends.
    pub(super) fn read(&mut self, offset: u64, length: u32, into: &mut Vec<u8>) -> io::Result<()> {
        into.resize(length as usize, 0);
        let mut filled = 0;
        while let Some(room) = into.get_mut(filled..).filter(|room| !room.is_empty()) {
            match self.file.read_at(room, offset + filled as u64)? {
                0 => break,
                read => filled += read,
            }
        }
        into.truncate(filled);
        Ok(())
    }

    /// Whole lines from the first on, until `take` has enough.
    pub(super) fn each_line(&mut self, take: &mut dyn FnMut(&[u8]) -> io::Result<bool>) -> io::Result<()> {
        let mut lines = Lines::open(&self.path)?;
        let mut line = Vec::new();
        loop {
            match lines.next(&mut line)? {
                Outcome::Line => {
                    if !take(&line)? {
                        return Ok(());
                    }
                }
                // What is being written is not a record yet.
                Outcome::Torn | Outcome::End => return Ok(()),
                Outcome::TooLong => return Err(too_long()),
            }
        }
    }

    /// The chain after the last line, as that line has it.
    pub(super) fn head(&mut self) -> io::Result<Hash> {
        let from = self.bytes.saturating_sub(LINE_BYTES);
        let mut tail = Vec::new();
        self.read(from, u32::try_from(self.bytes - from).unwrap_or(u32::MAX), &mut tail)?;
        let whole = tail.strip_suffix(b"\n").unwrap_or_default();
        let line = whole.rsplit(|b| *b == b'\n').next().unwrap_or_default();
        let head = Line::parse(line).and_then(|fields| from_hex(fields.prev)).map(|prev| link(&prev, line));
        Ok(head.unwrap_or_default())
    }
}

pub(super) fn too_long() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "a line is longer than a record can be")
}
