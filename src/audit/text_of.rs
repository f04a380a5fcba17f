//! The text of a segment, be it kept as it was written or packed: read in order, or at a place.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;

use crate::audit::reader::LINE_BYTES;
use crate::audit::segment::Found;
use crate::decode::Blocks;
use crate::platform::disk;

/// An open segment's text.
#[derive(Debug)]
pub(super) struct Text {
    kept: Kept,
    /// Where [`Read`] goes on.
    at: u64,
}

#[derive(Debug)]
enum Kept {
    Plain(File),
    Packed(Box<Blocks<File>>),
}

impl Text {
    /// Opens a segment; one that was packed since it was found is read packed.
    pub(super) fn open(found: &Found) -> io::Result<Text> {
        let packed = |file: File| Blocks::open(file).map(|blocks| Kept::Packed(Box::new(blocks)));
        let kept = match disk::open_regular(&found.path) {
            Ok(file) if found.is_packed => packed(file)?,
            Ok(file) => Kept::Plain(file),
            Err(error) if error.kind() == io::ErrorKind::NotFound && !found.is_packed => {
                packed(disk::open_regular(&found.packed_path()).map_err(|_| error)?)?
            }
            Err(error) => return Err(error),
        };
        Ok(Text { kept, at: 0 })
    }

    /// Bytes of text, as many as there are now.
    pub(super) fn len(&self) -> io::Result<u64> {
        match &self.kept {
            Kept::Plain(file) => Ok(file.metadata()?.len()),
            Kept::Packed(blocks) => Ok(blocks.len()),
        }
    }

    /// Goes on from a place.
    pub(super) fn seek(&mut self, at: u64) {
        self.at = at;
    }

    /// Fills `room` from a place on; how much of it, less only where the text ends.
    pub(super) fn read_at(&mut self, room: &mut [u8], at: u64) -> io::Result<usize> {
        let mut filled = 0;
        while let Some(rest) = room.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            let from = at + filled as u64;
            let read = match &mut self.kept {
                Kept::Plain(file) => file.read_at(rest, from)?,
                Kept::Packed(blocks) => blocks.read_at(rest, from)?,
            };
            if read == 0 {
                break;
            }
            filled += read;
        }
        Ok(filled)
    }

    /// The last whole line, without its newline; empty when there is none.
    pub(super) fn last_line(&mut self) -> io::Result<Vec<u8>> {
        let length = self.len()?;
        let from = length.saturating_sub(LINE_BYTES);
        let mut tail = vec![0; usize::try_from(length - from).unwrap_or(usize::MAX)];
        let read = self.read_at(&mut tail, from)?;
        let whole = tail.get(..read).and_then(|tail| tail.strip_suffix(b"\n")).unwrap_or_default();
        Ok(whole.rsplit(|b| *b == b'\n').next().unwrap_or_default().to_vec())
    }
}

impl Read for Text {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let read = match &mut self.kept {
            Kept::Plain(file) => file.read_at(room, self.at)?,
            Kept::Packed(blocks) => blocks.read_at(room, self.at)?,
        };
        self.at += read as u64;
        Ok(read)
    }
}
