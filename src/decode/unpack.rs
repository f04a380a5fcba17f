//! What is packed within a text, found and taken apart as the text comes: archives, and compressed runs beside a text.

use std::ops::ControlFlow;

use super::charset::xml_is_foreign;
use super::deflate::Deflate;
use super::layer::Packing;
use super::signs::{Sign, is_unopened, next_sign};
use super::tar::{self, Tar};
use super::zip;
use super::zip_directory::Directory;
use super::{DecodeError, probe};
use crate::limits::{
    ARCHIVE_DOUBT, ARCHIVE_DOUBT_ZSTD, ARCHIVE_DOUBTS_ZSTD, ARCHIVE_FALSE, PROBED, XML_DECLARATION,
};

#[path = "unpack_container.rs"]
mod container;

use container::{Container, Kind};

/// What is told of something packed.
#[derive(Debug)]
pub enum Unpacked<'a> {
    /// A member begins.
    Open(Member<'a>),
    /// It goes on with this; what stands in place stands at this offset of the text above.
    Text(&'a [u8], u64),
    /// It ends, or what holds it breaks off.
    Close,
    /// What stands beside members: a name, a comment.
    Aside(&'a [u8]),
    /// A member of so many bytes is passed over, and why.
    Unread(DecodeError, u64),
    /// So many bytes are packed in a way that nobody here opens.
    Unopened(u64),
}

/// One member of something packed.
#[derive(Clone, Copy, Debug)]
pub struct Member<'a> {
    /// What holds it.
    pub carrier: &'static str,
    pub name: &'a [u8],
    /// Whether its text is the character data between tags.
    pub markup: bool,
    /// Whether its bytes stand in the text above as they are.
    pub in_place: bool,
}

pub(super) type Sink<'a> = &'a mut dyn FnMut(Unpacked<'_>) -> ControlFlow<()>;

/// Why a step went no further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Halt {
    Fault(DecodeError),
    /// Whoever listens has heard enough.
    Enough,
}

impl From<DecodeError> for Halt {
    fn from(error: DecodeError) -> Halt {
        Halt::Fault(error)
    }
}

/// Tells; an error when nobody listens any longer.
pub(super) fn tell(sink: Sink<'_>, what: Unpacked<'_>) -> Result<(), Halt> {
    match sink(what) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(Halt::Enough),
    }
}

/// What one step of a container took, and whether the container has ended with it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Took {
    pub(super) read: usize,
    pub(super) over: bool,
}

/// Looks into one text.
#[derive(Debug)]
pub struct Unpacker {
    at: At,
    /// The bytes before those that come next.
    tail: [u8; 3],
    /// Whether deflate is looked for only where zlib's head stands before it.
    headed: bool,
    /// Bytes of text taken.
    taken: u64,
    /// Whether the text itself is packed, as opposed to something within it.
    packed: bool,
    /// Beginnings that were none.
    mistaken: u32,
    /// Of those how many took longer than most may.
    doubts: u32,
    /// Bytes that are to be looked at once more, before those that come next.
    again: Vec<u8>,
    /// Members of zip archives so far, while none is under way.
    directory: Directory,
    /// What the last stream took, as long as another may stand near behind it.
    spare: Option<Kind>,
    /// Whether something began like a zip archive, whose directory may stand anywhere behind it.
    zips: bool,
    /// The text's first bytes, until they tell, whether they do, and whether it is looked at no longer.
    head: Vec<u8>,
    begun: bool,
    blind: bool,
    /// Whether it stands in the midst of something that is not read.
    torn: bool,
    /// Whether it is packed in a way that nobody here opens, though it begins like one that is.
    unopened: bool,
}

/// What begins with one of these is packed in a way that is not read, or holds what is. Parts of what it packs may show, as of
/// compressed files that were not worth compressing once more: they are torn as a rule, and no fault.
const OPAQUE: [&[u8]; 6] =
    [b"\xfd7zXZ\0", b"7z\xbc\xaf\x27\x1c", b"BZh", b"\x04\x22\x4d\x18", b"Rar!\x1a\x07", b"!<arch>\n"];
const OPAQUE_HEAD: usize = 8;

/// So near behind a stream another is awaited.
const SPARED: usize = 4 * 1024;

#[derive(Debug)]
enum At {
    /// The first bytes of what may be a stream without a signature, until they tell.
    Probing(Vec<u8>),
    /// The first bytes, as long as they may be those of a tar archive.
    Opening(Vec<u8>),
    Seeking,
    Inside(Box<Container>),
}

impl Default for Unpacker {
    fn default() -> Unpacker {
        Unpacker::new()
    }
}

impl Unpacker {
    /// One of what a run of digits stands for, which may be deflate as it is.
    #[must_use]
    pub fn of_run() -> Unpacker {
        Unpacker { at: At::Probing(Vec::new()), ..Unpacker::new() }
    }

    /// One of a run that is packed so, unless something else tells how. That it breaks off in the midst of what may be a
    /// picture is no fault.
    #[must_use]
    pub fn of(packing: &Packing) -> Option<Unpacker> {
        match packing {
            Packing::Told => Some(Unpacker::of_run()),
            Packing::Torn => Some(Unpacker { torn: true, ..Unpacker::of_run() }),
            Packing::Coded(_) | Packing::Unread(_) | Packing::Unopened => None,
        }
    }

    /// One of a body, which may be a stream of zlib that nobody called one.
    #[must_use]
    pub fn of_body() -> Unpacker {
        Unpacker { headed: true, ..Unpacker::of_run() }
    }

    #[must_use]
    pub fn new() -> Unpacker {
        Unpacker {
            at: At::Opening(Vec::new()),
            tail: [0; 3],
            headed: false,
            taken: 0,
            packed: false,
            mistaken: 0,
            doubts: 0,
            again: Vec::new(),
            directory: Directory::default(),
            spare: None,
            zips: false,
            head: Vec::new(),
            begun: false,
            blind: false,
            torn: false,
            unopened: false,
        }
    }

    /// Keeps the bytes that the text begins with, until they tell. An error where all of it is written in a charset that
    /// is not read.
    fn begin(&mut self, chunk: &[u8]) -> Result<(), DecodeError> {
        if self.begun {
            return Ok(());
        }
        let missing = (3 + XML_DECLARATION).saturating_sub(self.head.len()).min(chunk.len());
        self.head.extend_from_slice(chunk.get(..missing).unwrap_or_default());
        let is_foreign = xml_is_foreign(&self.head);
        self.begun = is_foreign.is_some() && self.head.len() >= OPAQUE_HEAD;
        if self.begun {
            self.head.truncate(OPAQUE_HEAD);
            self.head.shrink_to_fit();
        }
        if is_foreign == Some(true) { Err(DecodeError::Charset) } else { Ok(()) }
    }

    /// Whether what breaks off within the text is no fault of it.
    fn is_opaque(&self) -> bool {
        self.torn || !self.packed && OPAQUE.iter().any(|sign| self.head.starts_with(sign))
    }

    /// Memory that it takes: what is unpacked just now, and what is remembered of members.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let spare = self.spare.as_ref().map_or(0, Kind::bytes);
        spare
            + match &self.at {
                At::Inside(container) => {
                    let members = match &container.kind {
                        Kind::Zip(zip) => zip.bytes(),
                        _ => self.directory.bytes(),
                    };
                    container.kept.capacity() + container.kind.bytes() + members
                }
                At::Probing(_) | At::Opening(_) | At::Seeking => self.directory.bytes(),
            }
    }

    /// Whether all of the text is something packed, going by where that began.
    #[must_use]
    pub fn is_packed(&self) -> bool {
        self.packed
    }

    /// Whether nothing packed is under way. The header of a tar archive hides nothing.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        matches!(self.at, At::Seeking | At::Opening(_) | At::Probing(_))
    }

    /// Whether bytes were taken that have been told in no form yet.
    #[must_use]
    pub fn is_in_header(&self) -> bool {
        match &self.at {
            At::Probing(_) | At::Opening(_) | At::Seeking => false,
            At::Inside(container) => match &container.kind {
                Kind::Zip(zip) => zip.is_in_header(),
                Kind::Tar(tar) => tar.is_in_header(),
                Kind::Gzip(gzip, _) => gzip.is_in_header(),
                Kind::Zstd(zstd, _) => zstd.is_in_header(),
                Kind::Deflate(..) => false,
            },
        }
    }

    /// Whether nothing is to be done about what comes next, if it is of ASCII without any of [`MARKS`](super::MARKS).
    #[must_use]
    pub fn passes_over(&self) -> bool {
        matches!(self.at, At::Seeking) && self.begun && !self.zips && self.again.is_empty()
    }

    /// The text goes on with `chunk`, which is [passed over](Self::passes_over).
    pub fn pass(&mut self, chunk: &[u8]) {
        self.remember(chunk);
        self.taken += chunk.len() as u64;
    }

    /// Nothing follows `text`, which comes next: what is too short for an archive is none.
    pub fn is_whole(&mut self, text: &[u8]) {
        self.look_at_head(text);
        if matches!(&self.at, At::Opening(opening) if opening.is_empty()) && tar::begins(text).is_none() {
            self.at = At::Seeking;
        }
    }

    /// The text goes on with `chunk`. `Break` when the sink has heard enough; an error where something cannot be read,
    /// after which nothing more can be told.
    pub fn push(&mut self, chunk: &[u8], sink: Sink<'_>) -> Result<ControlFlow<()>, DecodeError> {
        self.begin(chunk)?;
        match self.take(chunk, sink) {
            Ok(()) => Ok(ControlFlow::Continue(())),
            Err(Halt::Enough) => Ok(ControlFlow::Break(())),
            Err(Halt::Fault(error)) => Err(error),
        }
    }

    /// The text has ended: what is open is closed. A part of something packed may be all there is: an upload in pieces,
    /// a range; all that can be read of it has been.
    pub fn finish(&mut self, sink: Sink<'_>) -> Result<ControlFlow<()>, DecodeError> {
        let closed = self.end(sink);
        match closed {
            Ok(()) => Ok(ControlFlow::Continue(())),
            Err(Halt::Enough) => Ok(ControlFlow::Break(())),
            Err(Halt::Fault(error)) => Err(error),
        }
    }

    fn end(&mut self, sink: Sink<'_>) -> Result<(), Halt> {
        if let At::Probing(begin) = &mut self.at {
            let begin = std::mem::take(begin);
            self.probed(&begin, sink)?;
        }
        if let At::Opening(opening) = &mut self.at {
            let opening = std::mem::take(opening);
            self.at = At::Seeking;
            self.go_on(&opening, sink)?;
        }
        while let At::Inside(container) = &mut self.at {
            if std::mem::take(&mut container.open) {
                tell(sink, Unpacked::Close)?;
            }
            // What had not proved itself may hide what did.
            self.again =
                if container.may_be_chance() { std::mem::take(&mut container.kept) } else { Vec::new() };
            self.doubts += u32::from(self.again.len() > ARCHIVE_DOUBT);
            self.at = At::Seeking;
            self.mistaken += 1;
            if self.mistaken > ARCHIVE_FALSE {
                return Err(DecodeError::Members.into());
            }
            self.go_on(&[], sink)?;
        }
        if self.unopened || !self.packed && is_unopened(&self.head) {
            tell(sink, Unpacked::Unopened(self.taken))?;
        }
        // What breaks off in a member is a part of an archive; what goes on behind its members is a whole one.
        let is_missed = self.directory.is_awaited() && !self.is_opaque();
        if is_missed { Err(DecodeError::Directory.into()) } else { Ok(()) }
    }

    /// A body that does not begin as a stream of zlib is none.
    fn look_at_head(&mut self, text: &[u8]) {
        let is_fresh = matches!(&self.at, At::Probing(begin) if begin.is_empty());
        if is_fresh && self.headed && !probe::may_be_zlib(text) {
            self.at = At::Opening(Vec::new());
        }
    }

    fn take(&mut self, chunk: &[u8], sink: Sink<'_>) -> Result<(), Halt> {
        self.look_at_head(chunk);
        if let At::Probing(begin) = &mut self.at {
            let missing = PROBED.saturating_sub(begin.len()).min(chunk.len());
            let (more, rest) = chunk.split_at_checked(missing).unwrap_or((chunk, &[]));
            begin.extend_from_slice(more);
            if begin.len() < PROBED {
                return Ok(());
            }
            let begin = std::mem::take(begin);
            self.probed(&begin, sink)?;
            return self.take(rest, sink);
        }
        let At::Opening(opening) = &mut self.at else { return self.go_on(chunk, sink) };
        if opening.is_empty() {
            match tar::begins(chunk) {
                Some(true) => {
                    self.packed = true;
                    self.at = inside(Kind::Tar(Box::new(Tar::new())), false, 0);
                    return self.go_on(chunk, sink);
                }
                Some(false) => {
                    self.at = At::Seeking;
                    return self.go_on(chunk, sink);
                }
                None => {}
            }
        }
        let missing = tar::BLOCK.saturating_sub(opening.len()).min(chunk.len());
        let (more, rest) = chunk.split_at_checked(missing).unwrap_or((chunk, &[]));
        opening.extend_from_slice(more);
        let Some(is_tar) = tar::begins(opening) else { return Ok(()) };
        let opening = std::mem::take(opening);
        self.packed = is_tar;
        self.at = if is_tar { inside(Kind::Tar(Box::new(Tar::new())), false, 0) } else { At::Seeking };
        self.go_on(&opening, sink)?;
        self.go_on(rest, sink)
    }

    /// The text begins with this: it is deflate, as far as that tells, or is read as any other.
    fn probed(&mut self, begin: &[u8], sink: Sink<'_>) -> Result<(), Halt> {
        self.at = At::Opening(Vec::new());
        if self.headed && !probe::may_be_zlib(begin) || !probe::may_be_deflate(begin) {
            return self.take(begin, sink);
        }
        self.at = inside(Kind::Deflate(Box::new(Deflate::new()), Vec::new()), true, 0);
        self.go_on(begin, sink)
    }

    fn go_on(&mut self, mut rest: &[u8], sink: Sink<'_>) -> Result<(), Halt> {
        loop {
            let again = std::mem::take(&mut self.again);
            if !again.is_empty() {
                let mut left = again.as_slice();
                // What is to be looked at before it may turn up in it.
                while !left.is_empty() && self.again.is_empty() {
                    // It stands right before what comes next.
                    let at = self.taken.saturating_sub(left.len() as u64);
                    let read = self.one(left, at, sink)?;
                    left = left.get(read..).unwrap_or_default();
                }
                self.again.extend_from_slice(left);
            } else if rest.is_empty() {
                return Ok(());
            } else {
                let read = self.one(rest, self.taken, sink)?;
                self.taken += read as u64;
                rest = rest.get(read..).unwrap_or_default();
            }
        }
    }

    /// One step; gives the bytes taken.
    fn one(&mut self, text: &[u8], at: u64, sink: Sink<'_>) -> Result<usize, Halt> {
        match &mut self.at {
            At::Probing(_) | At::Opening(_) | At::Seeking => self.seek(text, at, sink),
            At::Inside(_) => self.inside(text, at, sink),
        }
    }

    /// Looks for the next signature; gives the bytes that were looked at.
    fn seek(&mut self, text: &[u8], at: u64, sink: Sink<'_>) -> Result<usize, Halt> {
        let found = if self.blind { None } else { next_sign(&self.tail, text, self.zips) };
        let read = found.map_or(text.len(), |(end, _)| end);
        self.remember(text.get(..read).unwrap_or_default());
        if read > SPARED {
            self.spare = None;
        }
        let Some((_, sign)) = found else { return Ok(read) };
        let begin = (at + read as u64).saturating_sub(sign.bytes().len() as u64);
        let within = begin > 0;
        self.packed |= !within;
        self.zips |= sign == Sign::Zip;
        if sign == Sign::Zip && zip::is_no_header(text.get(read..).unwrap_or_default()) {
            self.tail = [0; 3];
            return Ok(read);
        }
        let members = self.directory.members();
        self.at = inside(sign.kind(begin, &mut self.directory, self.spare.take()), within, members);
        if let (Sign::Zstd, At::Inside(container), ..ARCHIVE_DOUBTS_ZSTD) = (sign, &mut self.at, self.doubts)
        {
            container.doubt = ARCHIVE_DOUBT_ZSTD;
        }
        let mut signature = sign.bytes();
        while let (false, At::Inside(_)) = (signature.is_empty(), &self.at) {
            let read = self.inside(signature, 0, sink)?;
            signature = signature.get(read..).unwrap_or_default();
        }
        if let At::Inside(container) = &mut self.at {
            container.kept.clear();
        }
        Ok(read)
    }

    fn remember(&mut self, text: &[u8]) {
        match text.last_chunk::<3>() {
            Some(last) => self.tail = *last,
            None => {
                self.tail.rotate_left(text.len());
                let kept = self.tail.len() - text.len();
                self.tail.iter_mut().skip(kept).zip(text).for_each(|(to, from)| *to = *from);
            }
        }
    }

    /// One step of what is open; gives the bytes taken.
    fn inside(&mut self, text: &[u8], at: u64, sink: Sink<'_>) -> Result<usize, Halt> {
        let is_opaque = self.is_opaque();
        let At::Inside(container) = &mut self.at else { return Ok(0) };
        let (took, again) = match container.step(text, at, is_opaque, sink) {
            Ok(took) if took.over => {
                let unread = container.unread();
                // What took so long to be none costs as much as what broke.
                self.mistaken += u32::from(unread.len() > ARCHIVE_DOUBT);
                if self.mistaken > ARCHIVE_FALSE {
                    return Err(DecodeError::Members.into());
                }
                (took, unread)
            }
            Ok(took) => {
                container.keep(text.get(..took.read).unwrap_or_default());
                (took, Vec::new())
            }
            Err(Halt::Fault(error)) if container.may_be_chance() && error.is_chance() => {
                self.mistaken += 1;
                if self.mistaken > ARCHIVE_FALSE {
                    return Err(DecodeError::Members.into());
                }
                let read = container.read;
                container.kept.extend_from_slice(text.get(..read).unwrap_or_default());
                self.doubts += u32::from(container.kept.len() > ARCHIVE_DOUBT);
                // What follows the signature is text as before.
                container.forget_members();
                (Took { read, over: true }, std::mem::take(&mut container.kept))
            }
            // Files may ask for more memory than a content coding may, and are packed so for good.
            Err(Halt::Fault(DecodeError::Window)) if container.is_a_file() => {
                (self.blind, self.unopened) = (true, true);
                (Took { read: container.read, over: true }, Vec::new())
            }
            Err(Halt::Fault(_)) if is_opaque => {
                self.blind = true;
                (Took { read: container.read, over: true }, Vec::new())
            }
            Err(halt) => return Err(halt),
        };
        if took.over {
            let open = std::mem::take(&mut container.open);
            if let At::Inside(container) = std::mem::replace(&mut self.at, At::Seeking) {
                match container.kind {
                    Kind::Zip(zip) => self.directory = zip.directory(),
                    // What is opened at every turn is opened for little.
                    stream @ (Kind::Gzip(..) | Kind::Zstd(..)) => self.spare = Some(stream),
                    Kind::Tar(_) | Kind::Deflate(..) => {}
                }
            }
            self.tail = [0; 3];
            self.again = again;
            if open {
                tell(sink, Unpacked::Close)?;
            }
        }
        Ok(took.read)
    }
}

fn inside(kind: Kind, within: bool, members: usize) -> At {
    let doubt = ARCHIVE_DOUBT;
    At::Inside(Box::new(Container {
        kind,
        out: 0,
        open: false,
        within,
        kept: Vec::new(),
        doubt,
        read: 0,
        members,
    }))
}

#[cfg(test)]
#[path = "unpack_tests.rs"]
mod tests;
