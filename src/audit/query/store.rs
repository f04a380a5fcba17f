//! The bytes of one segment, by line and by place.

use std::io;

use crate::audit::chain::{Hash, link};
use crate::audit::line::Line;
use crate::audit::reader::{Lines, Next};
use crate::audit::segment::Found;
use crate::audit::text::from_hex;
use crate::audit::text_of::Text;

/// An open segment.
#[derive(Debug)]
pub(super) struct Store {
    found: Found,
    text: Text,
    bytes: u64,
}

impl Store {
    pub(super) fn open(found: &Found) -> io::Result<Store> {
        let text = Text::open(found)?;
        let bytes = text.len()?;
        Ok(Store { found: found.clone(), text, bytes })
    }

    /// Bytes of text.
    pub(super) fn len(&self) -> u64 {
        self.bytes
    }

    /// The bytes at a place; shorter only where the text ends.
    pub(super) fn read(&mut self, offset: u64, length: u32, into: &mut Vec<u8>) -> io::Result<()> {
        into.resize(length as usize, 0);
        let filled = self.text.read_at(into, offset)?;
        into.truncate(filled);
        Ok(())
    }

    /// Whole lines from the first on, until `take` has enough.
    pub(super) fn each_line(&mut self, take: &mut dyn FnMut(&[u8]) -> io::Result<bool>) -> io::Result<()> {
        let mut lines = Lines::open(&self.found)?;
        loop {
            match lines.next()? {
                Next::Line(line) => {
                    if !take(line)? {
                        return Ok(());
                    }
                }
                // What is being written is not a record yet.
                Next::Torn(_) | Next::End => return Ok(()),
                Next::TooLong => return Err(too_long()),
            }
        }
    }

    /// The chain after the last line, as that line has it.
    pub(super) fn head(&mut self) -> io::Result<Hash> {
        let line = self.text.last_line()?;
        let head = Line::parse(&line).and_then(|fields| from_hex(fields.prev)).map(|prev| link(&prev, &line));
        Ok(head.unwrap_or_default())
    }
}

pub(super) fn too_long() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "a line is longer than a record can be")
}
