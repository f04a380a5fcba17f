//! Takes a tar archive apart as it streams: headers, members, the records that extend headers.

use super::DecodeError;
use super::unpack::{Halt, Member, Sink, Took, Unpacked, tell};
use crate::limits::{ARCHIVE_MEMBERS, TAR_RECORDS};

/// What headers and members are padded to.
pub(super) const BLOCK: usize = 512;

// POSIX 1003.1, pax: fields of a header.
const NAME: std::ops::Range<usize> = 0..100;
const MODE: std::ops::Range<usize> = 100..108;
const SIZE: std::ops::Range<usize> = 124..136;
const SUM: std::ops::Range<usize> = 148..156;
const KIND: usize = 156;
const LINK: std::ops::Range<usize> = 157..257;
const OWNER: std::ops::Range<usize> = 265..329;
const PREFIX: std::ops::Range<usize> = 345..500;
/// GNU's sparse members: whether a block that goes on with the map follows.
const SPARSE_GOES_ON: usize = 482;
const MAP_GOES_ON: usize = 504;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Header,
    /// A sparse member's map goes on.
    Map,
    Data,
    Padding,
}

/// One archive.
#[derive(Debug)]
pub(super) struct Tar {
    at: At,
    frame: Vec<u8>,
    /// Of the member, and its padding.
    left: u64,
    padding: u64,
    kind: u8,
    name: Vec<u8>,
    /// The records for the next member.
    records: Vec<u8>,
    members: u64,
}

/// Whether a text begins as an archive does; `None` while that is open.
pub(super) fn begins(text: &[u8]) -> Option<bool> {
    let is_octal = |field: &[u8]| field.iter().all(|byte| matches!(byte, b'0'..=b'7' | b' ' | 0));
    match text.get(MODE) {
        Some(mode) if !is_octal(mode) => return Some(false),
        Some(_) | None => {}
    }
    let header = text.get(..BLOCK)?;
    Some(header.first() != Some(&0) && is_sound(header))
}

/// Whether a header is one: its sum says so.
fn is_sound(header: &[u8]) -> bool {
    let stated = header.get(SUM).and_then(octal);
    let sum = header
        .iter()
        .enumerate()
        .fold(0u64, |sum, (at, byte)| sum + u64::from(if SUM.contains(&at) { b' ' } else { *byte }));
    stated == Some(sum)
}

fn octal(field: &[u8]) -> Option<u64> {
    let digits = field.iter().skip_while(|byte| **byte == b' ');
    let digits = digits.take_while(|byte| !matches!(byte, b' ' | 0));
    let mut value = 0u64;
    for byte in digits {
        let digit = char::from(*byte).to_digit(8)?;
        value = value.checked_mul(8)?.checked_add(u64::from(digit))?;
    }
    Some(value)
}

/// A length, in octal digits, or, as GNU writes long ones, in base 256 behind a set bit.
fn size(field: &[u8]) -> Option<u64> {
    match field.split_first() {
        Some((0x80, rest)) => rest
            .iter()
            .try_fold(0u64, |value, byte| value.checked_mul(256).map(|value| value + u64::from(*byte))),
        Some(_) | None => octal(field),
    }
}

impl Tar {
    pub(super) fn new() -> Tar {
        Tar {
            at: At::Header,
            frame: Vec::new(),
            left: 0,
            padding: 0,
            kind: 0,
            name: Vec::new(),
            records: Vec::new(),
            members: 0,
        }
    }

    /// Whether bytes were taken that have been told in no form yet.
    pub(super) fn is_in_header(&self) -> bool {
        !self.frame.is_empty()
    }

    pub(super) fn step(&mut self, text: &[u8], sink: Sink<'_>) -> Result<Took, Halt> {
        match self.at {
            At::Header | At::Map => {
                let read = (BLOCK - self.frame.len()).min(text.len());
                self.frame.extend_from_slice(text.get(..read).unwrap_or_default());
                if self.frame.len() < BLOCK {
                    return Ok(Took { read, over: false });
                }
                let frame = std::mem::take(&mut self.frame);
                let over = match self.at {
                    At::Map => self.map(frame.get(MAP_GOES_ON) == Some(&1), sink)?,
                    At::Header | At::Data | At::Padding => self.header(&frame, sink)?,
                };
                Ok(Took { read, over })
            }
            At::Data => {
                let read = usize::try_from(self.left).unwrap_or(usize::MAX).min(text.len());
                self.data(text.get(..read).unwrap_or_default(), sink)?;
                Ok(Took { read, over: false })
            }
            At::Padding => {
                let read = usize::try_from(self.padding).unwrap_or(usize::MAX).min(text.len());
                self.padding -= read as u64;
                if self.padding == 0 {
                    self.at = At::Header;
                }
                Ok(Took { read, over: false })
            }
        }
    }

    /// A header is whole; whether the archive is over.
    fn header(&mut self, header: &[u8], sink: Sink<'_>) -> Result<bool, Halt> {
        // Its end; or something else follows, which hides nothing: whoever looks at the text above sees all of it.
        if !is_sound(header) || header.first() == Some(&0) {
            return Ok(true);
        }
        self.members += 1;
        if self.members > ARCHIVE_MEMBERS {
            return Err(DecodeError::Members.into());
        }
        let text = |field: std::ops::Range<usize>| {
            let field = header.get(field).unwrap_or_default();
            field.split(|byte| *byte == 0).next().unwrap_or_default()
        };
        self.kind = header.get(KIND).copied().unwrap_or_default();
        let stated = header.get(SIZE).and_then(size).ok_or(DecodeError::Lengths)?;
        // Links, devices and folders have no data, whatever they state.
        let has_data = !matches!(self.kind, b'1'..=b'6');
        let is_extension = matches!(self.kind, b'x' | b'g' | b'L' | b'K');
        let records = if is_extension { Vec::new() } else { std::mem::take(&mut self.records) };
        self.left = if has_data { record_size(&records).unwrap_or(stated) } else { 0 };
        self.padding = (BLOCK as u64 - self.left % BLOCK as u64) % BLOCK as u64;
        self.name = [text(PREFIX), text(NAME)].concat();
        for aside in [self.name.as_slice(), text(LINK), text(OWNER)] {
            if !aside.is_empty() {
                tell(sink, Unpacked::Aside(aside))?;
            }
        }
        let goes_on = self.kind == b'S' && header.get(SPARSE_GOES_ON) == Some(&1);
        self.map(goes_on, sink)
    }

    /// The map of a sparse member goes on, or its data begin.
    fn map(&mut self, goes_on: bool, sink: Sink<'_>) -> Result<bool, Halt> {
        if goes_on {
            self.at = At::Map;
        } else if self.left == 0 {
            self.at = At::Header;
        } else {
            let member = Member { carrier: "tar", name: &self.name, markup: false, in_place: true };
            tell(sink, Unpacked::Open(member))?;
            self.at = At::Data;
        }
        Ok(false)
    }

    fn data(&mut self, text: &[u8], sink: Sink<'_>) -> Result<(), Halt> {
        if self.kind == b'x' {
            let room = TAR_RECORDS.saturating_sub(self.records.len()).min(text.len());
            self.records.extend_from_slice(text.get(..room).unwrap_or_default());
        }
        self.left -= text.len() as u64;
        tell(sink, Unpacked::Text(text, 0))?;
        if self.left == 0 {
            tell(sink, Unpacked::Close)?;
            self.at = if self.padding > 0 { At::Padding } else { At::Header };
        }
        Ok(())
    }
}

/// The length that the records for a member state, `20 size=123456\n`, if they do.
fn record_size(mut records: &[u8]) -> Option<u64> {
    while !records.is_empty() {
        let space = memchr::memchr(b' ', records)?;
        let length: usize = std::str::from_utf8(records.get(..space)?).ok()?.parse().ok()?;
        let record = records.get(space + 1..length.checked_sub(1)?)?;
        if let Some(size) = record.strip_prefix(b"size=") {
            return std::str::from_utf8(size).ok()?.parse().ok();
        }
        records = records.get(length..)?;
    }
    None
}
