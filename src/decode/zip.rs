//! Takes a zip archive apart as it streams: local headers, members, descriptors, the directory behind them.

use flate2::Decompress;

use super::gzip::inflate;
use super::unpack::{Halt, Member, Sink, Took, Unpacked, tell};
use super::zip_directory::{Directory, Stated};
use super::zstd::Zstd;
use super::{DecodeError, Progress};
use crate::limits::{ARCHIVE_MEMBERS, DECODE_WINDOW, INFLATER};

// PKWARE's APPNOTE 6.3.10, section 4.3: signatures, little-endian as all numbers are.
const LOCAL: u32 = 0x0403_4b50;
const DESCRIPTOR: u32 = 0x0807_4b50;
pub(super) const CENTRAL: u32 = 0x0201_4b50;
/// What all of them begin with.
const SIGNATURE: u16 = 0x4b50;
const EXTRA_DATA: u32 = 0x0806_4b50;
const DIGITAL_SIGNATURE: u32 = 0x0505_4b50;
const END_64: u32 = 0x0606_4b50;
const LOCATOR_64: u32 = 0x0706_4b50;
pub(super) const END: u32 = 0x0605_4b50;
/// Before an archive that was to be split and was not.
const UNSPLIT: u32 = 0x3030_4b50;

// Section 4.4.4: general purpose flags.
pub(super) const ENCRYPTED: u16 = 1 | 1 << 6 | 1 << 13;
const STREAMED: u16 = 1 << 3;
const RESERVED: u16 = 1 << 14 | 1 << 15;
/// Section 4.5.3: the extra field that holds lengths of eight bytes.
pub(super) const ZIP64: u16 = 1;
/// In a length: the extra field holds it.
pub(super) const IN_EXTRA: u32 = u32::MAX;

/// Where in an archive the stream stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Signature,
    /// In a record of this signature, until the frame is so long.
    Record(u32, usize),
    Data,
    Descriptor,
    /// Passing over a member that cannot be read.
    Skip(u64),
}

/// The member that is being read.
#[derive(Clone, Copy, Debug, Default)]
struct Current {
    packed: Packing,
    /// The descriptor behind it tells its lengths.
    streamed: bool,
    wide: bool,
    coded: u64,
    plain: u64,
    /// So far.
    read: u64,
    written: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Packing {
    #[default]
    Stored,
    Deflate,
    Zstd,
}

/// One archive.
#[derive(Debug)]
pub(super) struct Zip {
    at: At,
    frame: Vec<u8>,
    current: Current,
    inflate: Option<Box<Decompress>>,
    zstd: Option<Box<Zstd>>,
    window: Box<[u8]>,
    members: u64,
    /// Bytes of the frame that belong to nobody.
    unread: Vec<u8>,
    /// The last member is packed and, as its header says, has no byte.
    emptied: bool,
    /// Offset in the text above of what comes next, and of the record under way.
    position: u64,
    begun: u64,
    directory: Directory,
}

impl Zip {
    /// What begins at this offset of a text, of whose members `directory` knows.
    pub(super) fn new(position: u64, directory: Directory) -> Zip {
        Zip {
            at: At::Signature,
            frame: Vec::new(),
            current: Current::default(),
            inflate: None,
            zstd: None,
            window: Box::default(),
            members: 0,
            unread: Vec::new(),
            emptied: false,
            position,
            begun: position,
            directory,
        }
    }

    /// The members of the text so far.
    pub(super) fn directory(self) -> Directory {
        self.directory
    }

    /// Members past the first `members` were none.
    pub(super) fn forget_members(&mut self, members: usize) {
        self.directory.forget(members);
    }

    /// Memory that it takes.
    pub(super) fn bytes(&self) -> usize {
        let inflate = if self.inflate.is_some() { INFLATER } else { 0 };
        let zstd = self.zstd.as_ref().map_or(0, |zstd| zstd.bytes());
        self.directory.bytes() + self.window.len() + inflate + zstd
    }

    /// Whether bytes were taken that have been told in no form yet.
    pub(super) fn is_in_header(&self) -> bool {
        !self.frame.is_empty() && self.at != At::Descriptor
    }

    /// Bytes that were taken and are not of the archive.
    pub(super) fn unread(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.unread)
    }

    pub(super) fn step(&mut self, text: &[u8], sink: Sink<'_>) -> Result<Took, Halt> {
        let took = self.take(text, sink)?;
        self.position += took.read as u64;
        Ok(took)
    }

    fn take(&mut self, text: &[u8], sink: Sink<'_>) -> Result<Took, Halt> {
        match self.at {
            At::Signature => self.signature(text),
            At::Record(signature, length) => {
                let looked = self.frame.len().saturating_sub(3);
                let read = self.gather(text, length);
                if let Some(end) = self.another(looked).filter(|_| length > LONGEST) {
                    let read = read.saturating_sub(self.frame.len() - end);
                    self.frame.truncate(end);
                    self.unread = self.frame.split_off(4);
                    return Ok(Took { read, over: true });
                }
                if signature == LOCAL
                    && self.frame.len() < length
                    && is_no_header(self.frame.get(4..).unwrap_or_default())
                {
                    self.unread = self.frame.split_off(4);
                    return Ok(Took { read, over: true });
                }
                let over = self.frame.len() == length && self.record(signature, sink)?;
                Ok(Took { read, over })
            }
            At::Data => match self.current.packed {
                Packing::Stored => self.stored(text, sink),
                Packing::Deflate | Packing::Zstd => self.coded(text, sink),
            },
            At::Descriptor => self.descriptor(text),
            At::Skip(left) => {
                let read = usize::try_from(left).unwrap_or(usize::MAX).min(text.len());
                let left = left - read as u64;
                self.at = if left == 0 { At::Signature } else { At::Skip(left) };
                Ok(Took { read, over: false })
            }
        }
    }

    /// Adds to the frame until it is so long; gives the bytes taken.
    fn gather(&mut self, text: &[u8], length: usize) -> usize {
        let read = length.saturating_sub(self.frame.len()).min(text.len());
        self.frame.extend_from_slice(text.get(..read).unwrap_or_default());
        read
    }

    /// Where the signature of another record ends in what stands beside one, from `looked` on: a program compares with both.
    /// Seen at once, since a text can be full of such beginnings that all have most of it beside them.
    fn another(&self, looked: usize) -> Option<usize> {
        let fixed = if self.frame.starts_with(&CENTRAL.to_le_bytes()) { 46 } else { 30 };
        let from = looked.max(fixed);
        let beside = self.frame.get(from..)?;
        let of = |record: u32| memchr::memmem::find(beside, &record.to_le_bytes());
        let first = of(LOCAL).into_iter().chain(of(CENTRAL)).min()?;
        Some(from + first + 4)
    }

    fn signature(&mut self, text: &[u8]) -> Result<Took, Halt> {
        if self.frame.is_empty() {
            self.begun = self.position;
        }
        let read = self.gather(text, 4);
        let Some(signature) = u32_at(&self.frame, 0) else { return Ok(Took { read, over: false }) };
        let length = match signature {
            LOCAL => 30,
            CENTRAL => 46,
            END => 22,
            END_64 => 12,
            LOCATOR_64 => 20,
            EXTRA_DATA => 8,
            DIGITAL_SIGNATURE => 6,
            UNSPLIT | DESCRIPTOR if self.members == 0 => 4,
            // Whoever reads the directory alone would find its bytes here.
            _ if self.emptied => return Err(DecodeError::Lengths.into()),
            _ => {
                self.unread = std::mem::take(&mut self.frame);
                return Ok(Took { read, over: true });
            }
        };
        self.emptied = false;
        if length == 4 {
            self.frame.clear();
        } else {
            self.at = At::Record(signature, length);
        }
        Ok(Took { read, over: false })
    }

    /// A record has as many bytes as were asked for: asks for more, or reads it. Whether the archive is over.
    fn record(&mut self, signature: u32, sink: Sink<'_>) -> Result<bool, Halt> {
        let frame = std::mem::take(&mut self.frame);
        let field = |at: usize| usize::from(u16_at(&frame, at));
        let (fixed, length) = match signature {
            LOCAL => (30, 30 + field(26) + field(28)),
            CENTRAL => (46, 46 + field(28) + field(30) + field(32)),
            END => (22, 22 + field(20)),
            END_64 => (12, 12usize.saturating_add(length_at(&frame, 4))),
            EXTRA_DATA => (8, 8usize.saturating_add(u32_at(&frame, 4).unwrap_or_default() as usize)),
            DIGITAL_SIGNATURE => (6, 6 + field(4)),
            _ => (20, 20),
        };
        if length > RECORD {
            return Err(DecodeError::Size.into());
        }
        // An entry of the directory has the version of its writer before the same.
        let is_none = match signature {
            LOCAL => !is_plausible(&frame, 4),
            CENTRAL => !is_plausible(&frame, 6) || holds_entry(frame.get(4..).unwrap_or_default()),
            END => self.directory.is_no_end(&frame, self.begun),
            _ => false,
        };
        if frame.len() == fixed && is_none {
            self.unread = frame.get(4..).unwrap_or_default().to_vec();
            return Ok(true);
        }
        if length > frame.len() {
            self.frame = frame;
            self.at = At::Record(signature, length);
            return Ok(false);
        }
        if signature == LOCAL && is_code(&frame) {
            self.unread = frame.get(4..).unwrap_or_default().to_vec();
            return Ok(true);
        }
        self.at = At::Signature;
        let beside = frame.get(fixed..).unwrap_or_default();
        if memchr::memmem::find(beside, &LOCAL.to_le_bytes()).is_some() {
            // A header where readers of the directory alone would find it.
            return Err(DecodeError::Lengths.into());
        }
        match signature {
            LOCAL => self.local(&frame, sink)?,
            CENTRAL => self.directory.entry(&frame, self.begun)?,
            END_64 => self.directory.wide(&frame),
            END => self.directory.close(&frame, self.begun)?,
            _ => {}
        }
        if signature != LOCAL && !beside.is_empty() {
            tell(sink, Unpacked::Aside(beside))?;
        }
        Ok(signature == END)
    }

    /// A member begins.
    fn local(&mut self, frame: &[u8], sink: Sink<'_>) -> Result<(), Halt> {
        self.members += 1;
        if self.members > ARCHIVE_MEMBERS {
            return Err(DecodeError::Members.into());
        }
        let (flags, method) = (u16_at(frame, 6), u16_at(frame, 8));
        let (name, extra) = {
            let beside = frame.get(30..).unwrap_or_default();
            beside.split_at_checked(usize::from(u16_at(frame, 26))).unwrap_or((beside, &[]))
        };
        let (coded, plain) = (u32_at(frame, 18).unwrap_or_default(), u32_at(frame, 22).unwrap_or_default());
        let mut current = Current {
            packed: Packing::Stored,
            streamed: flags & STREAMED != 0,
            wide: false,
            coded: u64::from(coded),
            plain: u64::from(plain),
            read: 0,
            written: 0,
        };
        if let Some(mut wide) = extra_field(extra, ZIP64) {
            current.wide = true;
            for (short, long) in [(plain, &mut current.plain), (coded, &mut current.coded)] {
                if short == IN_EXTRA
                    && let Some((value, rest)) = wide.split_first_chunk::<8>()
                {
                    *long = u64::from_le_bytes(*value);
                    wide = rest;
                }
            }
        }
        if !name.is_empty() {
            tell(sink, Unpacked::Aside(name))?;
        }
        if !extra.is_empty() {
            tell(sink, Unpacked::Aside(extra))?;
        }
        self.current = current;
        self.note(method, flags, !name.is_empty())?;
        let packed = match method {
            0 => Some(Packing::Stored),
            8 => Some(Packing::Deflate),
            20 | 93 => Some(Packing::Zstd),
            _ => None,
        };
        let error = if flags & ENCRYPTED != 0 { Some(DecodeError::Encrypted) } else { None };
        let (Some(packed), None) = (packed, error) else {
            return self.pass_over(error.unwrap_or(DecodeError::Method), sink);
        };
        self.current.packed = packed;
        self.begin(name, sink)
    }

    /// Remembers what the header says, for when the directory comes.
    fn note(&mut self, method: u16, flags: u16, named: bool) -> Result<(), DecodeError> {
        let Current { coded, plain, streamed, .. } = self.current;
        if named || coded > 0 || streamed {
            let encrypted = flags & ENCRYPTED != 0;
            let open = streamed && coded == 0;
            self.directory.local(self.begun, Stated { coded, plain, method, encrypted }, open)?;
        }
        Ok(())
    }

    /// A member that cannot be read is passed over where its length is known.
    fn pass_over(&mut self, error: DecodeError, sink: Sink<'_>) -> Result<(), Halt> {
        tell(sink, Unpacked::Unread(error, self.current.coded))?;
        self.at = if self.current.coded > 0 { At::Skip(self.current.coded) } else { At::Signature };
        Ok(())
    }

    fn begin(&mut self, name: &[u8], sink: Sink<'_>) -> Result<(), Halt> {
        let Current { packed, streamed, coded, .. } = self.current;
        let is_empty = coded == 0 && !streamed;
        // What is stored without a length ends somewhere: whoever looks at the text above sees all of it.
        if is_empty || packed == Packing::Stored && coded == 0 {
            self.emptied = packed != Packing::Stored;
            return if self.current.plain == 0 { Ok(()) } else { Err(DecodeError::Lengths.into()) };
        }
        let markup = name.len() >= 4
            && name.get(name.len() - 4..).is_some_and(|end| end.eq_ignore_ascii_case(b".xml"));
        let in_place = packed == Packing::Stored;
        tell(sink, Unpacked::Open(Member { carrier: "zip", name, markup, in_place }))?;
        match packed {
            Packing::Stored => {}
            Packing::Deflate => match &mut self.inflate {
                Some(inflate) => inflate.reset(false),
                None => self.inflate = Some(Box::new(Decompress::new(false))),
            },
            Packing::Zstd => self.zstd = Some(Box::new(Zstd::new())),
        }
        if self.window.is_empty() && packed != Packing::Stored {
            self.window = vec![0; DECODE_WINDOW].into_boxed_slice();
        }
        self.at = At::Data;
        Ok(())
    }

    fn stored(&mut self, text: &[u8], sink: Sink<'_>) -> Result<Took, Halt> {
        let left = self.current.coded - self.current.read;
        let read = usize::try_from(left).unwrap_or(usize::MAX).min(text.len());
        self.current.read += read as u64;
        self.current.written += read as u64;
        tell(sink, Unpacked::Text(text.get(..read).unwrap_or_default(), 0))?;
        if self.current.read == self.current.coded {
            self.end(sink)?;
        }
        Ok(Took { read, over: false })
    }

    fn coded(&mut self, text: &[u8], sink: Sink<'_>) -> Result<Took, Halt> {
        let left = match self.current.streamed {
            true => u64::MAX,
            false => self.current.coded - self.current.read,
        };
        let text =
            text.get(..usize::try_from(left).unwrap_or(usize::MAX).min(text.len())).unwrap_or_default();
        let mut read = 0;
        loop {
            let rest = text.get(read..).unwrap_or_default();
            let (progress, ended) = self.decode(rest)?;
            read += progress.read;
            self.current.read += progress.read as u64;
            self.current.written += progress.written as u64;
            if progress.written > 0 {
                tell(sink, Unpacked::Text(self.window.get(..progress.written).unwrap_or_default(), 0))?;
            }
            if !self.current.streamed && self.current.written > self.current.plain {
                return Err(DecodeError::Lengths.into());
            }
            if ended {
                self.end(sink)?;
                return Ok(Took { read, over: false });
            }
            if progress.written < self.window.len() {
                let is_short = !self.current.streamed && self.current.read == self.current.coded;
                return match (is_short, progress.read + progress.written) {
                    (true, _) => Err(DecodeError::Lengths.into()),
                    // Where the text ends as the window is full, neither is more of.
                    (false, 0) if !rest.is_empty() => Err(DecodeError::Broken.into()),
                    (false, _) => Ok(Took { read, over: false }),
                };
            }
        }
    }

    /// One step of the member's packing, and whether it has ended.
    fn decode(&mut self, text: &[u8]) -> Result<(Progress, bool), DecodeError> {
        match (&mut self.inflate, &mut self.zstd, self.current.packed) {
            (Some(engine), _, Packing::Deflate) => inflate(engine, text, &mut self.window),
            (_, Some(zstd), Packing::Zstd) => {
                let progress = zstd.step(text, &mut self.window)?;
                Ok((progress, zstd.is_complete() && zstd.has_begun()))
            }
            _ => Err(DecodeError::Broken),
        }
    }

    /// The member has ended.
    fn end(&mut self, sink: Sink<'_>) -> Result<(), Halt> {
        tell(sink, Unpacked::Close)?;
        self.at = if self.current.streamed && self.current.packed != Packing::Stored {
            At::Descriptor
        } else {
            let Current { coded, plain, read, written, .. } = self.current;
            if coded != read || plain != written {
                return Err(DecodeError::Lengths.into());
            }
            At::Signature
        };
        Ok(())
    }

    /// Section 4.3.9: with or without a signature, in two widths; the lengths tell which.
    fn descriptor(&mut self, text: &[u8]) -> Result<Took, Halt> {
        let mut read = self.gather(text, 4);
        let Some(first) = u32_at(&self.frame, 0) else { return Ok(Took { read, over: false }) };
        let begin = if first == DESCRIPTOR { 8 } else { 4 };
        for wide in [false, true] {
            let length = begin + if wide { 16 } else { 8 };
            read += self.gather(text.get(read..).unwrap_or_default(), length);
            if self.frame.len() < length {
                return Ok(Took { read, over: false });
            }
            let stated = |at: usize| match wide {
                true => u64_at(&self.frame, begin + 2 * at),
                false => u32_at(&self.frame, begin + at).map(u64::from),
            };
            let fits = |stated: Option<u64>, counted: u64| {
                stated == Some(if wide { counted } else { counted & u64::from(u32::MAX) })
            };
            if fits(stated(0), self.current.read) && fits(stated(4), self.current.written) {
                self.directory.counted(self.current.read, self.current.written);
                self.frame.clear();
                self.at = At::Signature;
                return Ok(Took { read, over: false });
            }
        }
        Err(DecodeError::Lengths.into())
    }
}

/// Longest record: a header of the directory with three fields as long as they can be.
const RECORD: usize = 46 + 3 * u16::MAX as usize;
/// Longest name of a file: what systems grant a path.
const LONGEST: usize = 4096;

/// Whether a header is one, going by what no writer would put there: the version that it asks for stands at `from`.
fn is_plausible(frame: &[u8], from: usize) -> bool {
    let (version, flags, method) = (u16_at(frame, from), u16_at(frame, from + 2), u16_at(frame, from + 4));
    // Versions are ten times themselves, and the last is 6.3. Where another signature begins right behind the first, that
    // one is the header's: what stands before it is a stub, as of archives that unpack themselves.
    version & 0xff <= 99
        && version != SIGNATURE
        && flags & RESERVED == 0
        && matches!(method, 0..=20 | 93..=99)
}

/// Whether what stands beside a header is the code of a program that compares with its signature: longer than any name of a
/// file, with zeros where a name would be, or as long with no fields where extra ones would be.
fn is_code(frame: &[u8]) -> bool {
    let beside = frame.get(30..).unwrap_or_default();
    let (name, extra) = beside.split_at_checked(usize::from(u16_at(frame, 26))).unwrap_or((beside, &[]));
    let is_long = |part: &[u8]| part.len() > LONGEST;
    is_long(name) && memchr::memchr(0, name).is_some() || is_long(extra) && !holds_fields(extra)
}

/// Whether another entry begins within the numbers of one: a program writes both signatures side by side.
fn holds_entry(numbers: &[u8]) -> bool {
    memchr::memmem::find(numbers, &CENTRAL.to_le_bytes()).is_some()
}

/// Whether extra fields fill these bytes, but for fewer than one has at least.
fn holds_fields(mut extra: &[u8]) -> bool {
    while extra.len() >= 4 {
        match extra.get(4 + usize::from(u16_at(extra, 2))..) {
            Some(rest) => extra = rest,
            None => return false,
        }
    }
    true
}

/// Whether what follows the signature of a member is no header, as far as one look tells: text that is full of such
/// signatures costs no more than other text.
pub(super) fn is_no_header(behind: &[u8]) -> bool {
    // What is not known yet may be anything that is plausible: zeros are.
    let mut known = [0; 6];
    let told = behind.get(..known.len()).unwrap_or(behind);
    // Half of a number tells nothing.
    let whole = told.len() & !1;
    known.iter_mut().zip(told.iter().take(whole)).for_each(|(to, from)| *to = *from);
    !is_plausible(&known, 0)
}

pub(super) fn extra_field(mut extra: &[u8], wanted: u16) -> Option<&[u8]> {
    while extra.len() >= 4 {
        let (id, length) = (u16_at(extra, 0), usize::from(u16_at(extra, 2)));
        let field = extra.get(4..4 + length)?;
        if id == wanted {
            return Some(field);
        }
        extra = extra.get(4 + length..)?;
    }
    None
}

pub(super) fn u16_at(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..).and_then(<[u8]>::first_chunk::<2>).map_or(0, |pair| u16::from_le_bytes(*pair))
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..).and_then(<[u8]>::first_chunk::<4>).map(|word| u32::from_le_bytes(*word))
}

pub(super) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..).and_then(<[u8]>::first_chunk::<8>).map(|word| u64::from_le_bytes(*word))
}

fn length_at(bytes: &[u8], at: usize) -> usize {
    u64_at(bytes, at).map_or(0, |length| usize::try_from(length).unwrap_or(usize::MAX))
}
