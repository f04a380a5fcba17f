//! The parts of a multipart body (RFC 2046, section 5.1) that are texts of their own: in UTF-16 or a charset that is not read,
//! tables, in a coding, or written in one for mail (RFC 2045, section 6).
//!
//! All others are read where they stand: what surrounds a part is no part of any value.

use super::charset::xml_is_foreign;
use super::coding::{self, Coding};
use super::escape::Kind;
use super::layer::Packing;
use super::legacy::Legacy;
use super::mail::MailHead;
use super::origin::Origin;
use super::sealed::{is_digest, is_mail, sealed_part, sealed_start};
use super::signs::is_unopened;
use super::transfer::{self, Transfer};
use super::{DecodeError, is_foreign, listed, parameter, parted, plain_name, utf16};
use crate::limits::{BOUNDARY, HEADER_ROW, PART_HEADER, PARTS_DEPTH};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// Before the first part, or in one that is read where it stands.
    Outside,
    /// In the header of a part.
    Header,
    /// Where a part's text begins.
    Opening,
    /// In a part that is told.
    Inside(Form),
}

/// How a part's text is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Utf16 {
        big_endian: bool,
    },
    /// Another charset.
    Charset(Legacy),
    /// A table: its first line names its columns.
    Table,
    /// In codings: whoever takes it apart reads it.
    Coded,
    /// As its header declares; `packed`: what that stands for is read like what is in codings.
    Declared {
        transfer: Transfer,
        packed: bool,
    },
}

/// What is known after a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Nothing more without more text.
    Wait,
    /// What is known of the part that begins here is asked for before it goes on.
    Ask,
    /// So many bytes belong to nothing that is told.
    Pass(usize),
    /// A part that is told begins here.
    Open,
    /// So many bytes of it, and whether they are all that was left.
    Tell(usize, bool),
    /// It ends here.
    Close,
}

/// Whether a line parts.
enum Look {
    Yes {
        index: usize,
        is_end: bool,
        /// With its line end.
        length: usize,
    },
    No,
    Open,
}

/// A line that parts: of which boundary, and where the line end before it begins, and its own ends.
#[derive(Clone, Copy, Debug)]
struct Line {
    index: usize,
    is_end: bool,
    begin: usize,
    end: usize,
}

/// Index of a line that parts for other readers.
const RIVAL: usize = usize::MAX;

/// The running state of one body.
#[derive(Debug)]
pub(super) struct Parts {
    at: At,
    /// Lines that part, outermost first, with their dashes.
    boundaries: Vec<Vec<u8>>,
    /// What parts them for other readers, once this body is known not to go by it.
    rival: Option<Vec<u8>>,
    /// Whether none was met yet.
    undecided: bool,
    /// Whether the head declares what parts them.
    declared: bool,
    /// Whether nothing came yet.
    fresh: bool,
    /// Of the part that is being read.
    charset: Option<String>,
    name: String,
    packing: Packing,
    transfer: Option<Transfer>,
    sealed: Option<&'static str>,
    mail: bool,
}

impl Parts {
    /// `boundaries`: what the head declares, of which the body has one.
    pub(super) fn new(boundaries: &[Box<[u8]>]) -> Parts {
        let boundaries: Vec<_> = boundaries.iter().take(2).map(|one| [b"--", &**one].concat()).collect();
        Parts {
            at: At::Outside,
            undecided: true,
            declared: !boundaries.is_empty(),
            boundaries,
            rival: None,
            fresh: true,
            charset: None,
            name: String::new(),
            packing: Packing::Told,
            transfer: None,
            sealed: None,
            mail: false,
        }
    }

    /// Why what stands here is never edited, if so.
    pub(super) fn sealed(&self) -> Option<&'static str> {
        self.sealed
    }

    /// What the part that is told is called.
    pub(super) fn label(&self) -> &str {
        &self.name
    }

    /// How the part that is told is packed, if it is in a coding.
    pub(super) fn packing(&self) -> Option<&Packing> {
        let is_packed = matches!(self.at, At::Inside(Form::Coded | Form::Declared { packed: true, .. }));
        is_packed.then_some(&self.packing)
    }

    /// What stands at the beginning of `text`; `last`: nothing follows it.
    pub(super) fn step(&mut self, text: &[u8], last: bool) -> Step {
        match self.at {
            _ if text.is_empty() => Step::Wait,
            At::Outside => self.outside(text, last),
            At::Header => self.header(text, last),
            At::Opening => self.opening(text, last),
            At::Inside(_) => self.inside(text, last),
        }
    }

    fn outside(&mut self, text: &[u8], last: bool) -> Step {
        if self.fresh {
            match self.first(text, last) {
                None => return Step::Wait,
                Some(length) if length > 0 => return Step::Pass(length),
                Some(_) => {}
            }
        }
        match self.delimiter(text, last) {
            Ok(line) => self.cross(line),
            Err(0) => Step::Wait,
            Err(sure) => Step::Pass(sure),
        }
    }

    /// The first line of the body, which tells what parts it where the head does not. `None`: it has not ended.
    fn first(&mut self, text: &[u8], last: bool) -> Option<usize> {
        if !text.starts_with(b"--") {
            self.fresh = b"--".starts_with(text) && !last;
            return (!self.fresh).then_some(0);
        }
        let end = memchr::memchr(b'\n', text);
        if end.is_none() && text.len() <= 2 * BOUNDARY && !last {
            return None;
        }
        self.fresh = false;
        let line = text.get(..end.unwrap_or(0)).unwrap_or_default().trim_ascii_end();
        let fits = (3..=BOUNDARY).contains(&line.len()) && line.iter().any(u8::is_ascii_alphanumeric);
        if self.boundaries.is_empty() && fits {
            self.boundaries.push(line.to_vec());
        }
        match self.line(text, last) {
            Look::Yes { index, is_end, length } => {
                let _ = self.cross(Line { index, is_end, begin: 0, end: length });
                Some(length)
            }
            Look::No => Some(0),
            Look::Open => {
                self.fresh = true;
                None
            }
        }
    }

    /// Whether a line that parts stands at the beginning of `text`.
    fn line(&self, text: &[u8], last: bool) -> Look {
        let mut may_be = false;
        let rival = self.rival.iter().map(|rival| (RIVAL, rival));
        for (index, known) in self.boundaries.iter().enumerate().rev().chain(rival) {
            match text.strip_prefix(known.as_slice()) {
                Some(_) => match ended(text, known.len(), last) {
                    Ok(None) => {}
                    Ok(Some((is_end, length))) => return Look::Yes { index, is_end, length },
                    Err(()) => return Look::Open,
                },
                None => may_be |= !last && known.starts_with(text),
            }
        }
        if may_be { Look::Open } else { Look::No }
    }

    /// The next line that parts. Else how far there is none.
    fn delimiter(&self, text: &[u8], last: bool) -> Result<Line, usize> {
        if self.boundaries.is_empty() {
            return Err(text.len());
        }
        for at in memchr::memmem::find_iter(text, b"\n--") {
            let begin = if at > 0 && text.get(at - 1) == Some(&b'\r') { at - 1 } else { at };
            match self.line(text.get(at + 1..).unwrap_or_default(), last) {
                Look::Yes { index, is_end, length } => {
                    return Ok(Line { index, is_end, begin, end: at + 1 + length });
                }
                Look::Open => return Err(begin),
                Look::No => {}
            }
        }
        // One may have begun.
        let begun = [b"\r\n-".as_slice(), b"\n-", b"\r\n", b"\n", b"\r"];
        let begun = begun.into_iter().filter(|_| !last).find(|begun| text.ends_with(begun));
        Err(text.len() - begun.map_or(0, <[u8]>::len))
    }

    /// What stands behind a line that parts comes next; what is nested in the part that ends, ends with it.
    fn cross(&mut self, mut line: Line) -> Step {
        if std::mem::take(&mut self.undecided) && self.boundaries.len() > 1 {
            self.boundaries.swap(0, line.index);
            self.rival = self.boundaries.pop();
            line.index = 0;
        }
        if line.index == RIVAL {
            // Who reads on here reads another part.
            self.packing = Packing::Unread(DecodeError::Boundary);
            self.at = At::Opening;
            return Step::Pass(line.end);
        }
        (self.sealed, self.mail) = (None, false);
        self.boundaries.truncate(line.index + 1 - usize::from(line.is_end && line.index > 0));
        self.at = if line.is_end { At::Outside } else { At::Header };
        Step::Pass(line.end)
    }

    /// The header of a part is read when it is whole.
    fn header(&mut self, text: &[u8], last: bool) -> Step {
        let end = if text.starts_with(b"\r\n") {
            Some(2)
        } else if text.starts_with(b"\n") {
            Some(1)
        } else {
            let short = memchr::memmem::find(text, b"\n\n").map(|at| at + 2);
            let long = memchr::memmem::find(text, b"\n\r\n").map(|at| at + 3);
            short.into_iter().chain(long).min()
        };
        let Some(end) = end.filter(|end| *end <= PART_HEADER) else {
            if text.len() > PART_HEADER && self.declared {
                // What follows may be written in any way.
                self.packing = Packing::Unread(DecodeError::Size);
                self.at = At::Inside(Form::Coded);
                return Step::Open;
            }
            if last || text.len() > PART_HEADER {
                self.at = At::Outside;
                return self.outside(text, last);
            }
            return Step::Wait;
        };
        let mut header = Header::of(text.get(..end).unwrap_or_default());
        if header.boundary.is_some() && self.boundaries.len() >= PARTS_DEPTH && self.declared {
            header.packing = Packing::Unread(DecodeError::Depth);
        }
        self.at = match header.boundary {
            _ if matches!(header.packing, Packing::Unread(_)) => At::Opening,
            Some(boundary) if self.boundaries.len() < PARTS_DEPTH => {
                self.boundaries.push(boundary);
                At::Opening
            }
            None => At::Opening,
            Some(_) => At::Outside,
        };
        self.transfer = header.transfer;
        self.packing = header.packing;
        (self.charset, self.name) = (header.charset, header.name);
        (self.sealed, self.mail) = (header.sealed, header.mail);
        Step::Pass(end)
    }

    /// The first bytes of a part's text tell how it is written.
    fn opening(&mut self, text: &[u8], last: bool) -> Step {
        if text.starts_with(b"-") {
            match self.line(text, last) {
                Look::Yes { index, is_end, length } => {
                    return self.cross(Line { index, is_end, begin: 0, end: length });
                }
                Look::Open => return Step::Wait,
                Look::No => {}
            }
        }
        if matches!(self.packing, Packing::Unread(_)) {
            // Of nothing there is nothing to read.
            match self.delimiter(text, last) {
                Ok(line) if line.begin == 0 => return self.cross(line),
                Err(0) if !last => return Step::Wait,
                Ok(_) | Err(_) => {}
            }
        }
        if self.packing != Packing::Told {
            self.at = At::Inside(Form::Coded);
            return Step::Open;
        }
        if let Some(transfer) = self.transfer {
            return self.declared(transfer, text, last);
        }
        if text.len() < utf16::OPENING && !last {
            return Step::Wait;
        }
        if self.sealed.is_none() {
            self.sealed = sealed_start(text);
            if self.is_open_mail(text, last) {
                return Step::Wait;
            }
            if self.sealed.is_some() {
                return Step::Ask;
            }
        }
        let beneath = match xml_is_foreign(text) {
            None if !last => return Step::Wait,
            Some(true) => Some(Packing::Unread(DecodeError::Charset)),
            None | Some(false) => is_unopened(text).then_some(Packing::Unopened),
        };
        if let Some(packing) = beneath {
            self.packing = packing;
            self.at = At::Inside(Form::Coded);
            return Step::Open;
        }
        let charset = Legacy::declared(text, self.charset.as_deref());
        let form = match utf16::recognise(text, self.charset.as_deref()) {
            Some(super::Wrapping::Utf16 { big_endian }) => Some(Form::Utf16 { big_endian }),
            Some(_) | None if charset.is_some() => charset.map(Form::Charset),
            Some(_) | None => {
                let line = text.get(..text.len().min(HEADER_ROW)).unwrap_or_default();
                let end = memchr::memchr(b'\n', line);
                if end.is_none() && line.len() < HEADER_ROW && !last && is_row(line) {
                    return Step::Wait;
                }
                let row = line.get(..end.unwrap_or(0)).unwrap_or_default();
                (row.iter().any(|byte| is_delimiter(*byte)) && is_row(row)).then_some(Form::Table)
            }
        };
        match form {
            Some(form) => {
                self.at = At::Inside(form);
                Step::Open
            }
            None => {
                self.at = At::Outside;
                self.outside(text, last)
            }
        }
    }

    /// Whether it is mail whose head does not tell yet whether it is signed.
    fn is_open_mail(&mut self, text: &[u8], last: bool) -> bool {
        if std::mem::take(&mut self.mail) && self.sealed.is_none() {
            let mut head = MailHead::default();
            head.push(text.get(..PART_HEADER).unwrap_or(text));
            self.mail = head.is_signed().is_none() && !last && text.len() < PART_HEADER;
            if !self.mail {
                // Of a head that is longer nobody can say here what else it has.
                self.sealed = head.is_signed().unwrap_or(text.len() >= PART_HEADER).then_some("signed");
            }
        }
        self.mail
    }

    /// The first bytes of a text that is written as its header declares.
    fn declared(&mut self, transfer: Transfer, text: &[u8], last: bool) -> Step {
        let (upto, whole) = match self.delimiter(text, last) {
            Ok(line) => (line.begin, true),
            Err(sure) => (sure, last),
        };
        let opening = text.get(..upto.min(transfer::OPENING)).unwrap_or_default();
        if opening.len() < transfer::OPENING && !whole {
            return Step::Wait;
        }
        let Some(packed) = transfer.is_packed(opening) else {
            self.at = At::Outside;
            return self.outside(text, last);
        };
        self.at = At::Inside(Form::Declared { transfer, packed });
        Step::Open
    }

    fn inside(&mut self, text: &[u8], last: bool) -> Step {
        match self.delimiter(text, last) {
            Ok(Line { begin: 0, .. }) => {
                self.at = At::Outside;
                Step::Close
            }
            Ok(Line { begin, .. }) => Step::Tell(begin, true),
            Err(0) => Step::Wait,
            Err(sure) => Step::Tell(sure, last),
        }
    }

    /// Takes bytes of a part that is told; gives how many could be read.
    pub(super) fn tell(&self, text: &[u8], last: bool, view: &mut Vec<u8>, origin: &mut Origin) -> usize {
        if let At::Inside(Form::Declared { transfer, .. }) = self.at {
            return transfer.tell(text, last, view, origin);
        }
        if let At::Inside(Form::Charset(charset)) = self.at {
            return charset.tell(text, last, view, origin);
        }
        let At::Inside(Form::Utf16 { big_endian }) = self.at else {
            view.extend_from_slice(text);
            origin.literal(text.len());
            return text.len();
        };
        let kind = if big_endian { Kind::Utf16Big } else { Kind::Utf16 };
        let mut read = 0;
        while let Some((length, escape)) = utf16::unit(text.get(read..).unwrap_or_default(), big_endian, last)
        {
            view.extend_from_slice(escape.out());
            origin.add(escape.out().len(), length, Some(kind));
            read += length;
        }
        read
    }
}

/// Whether nothing but blanks follows a boundary of `length` bytes and dashes that end what it parts, and how long the line is
/// with them, or as far as one is looked at. An error: its end has not come.
fn ended(text: &[u8], length: usize, last: bool) -> Result<Option<(bool, usize)>, ()> {
    let most = length + 2 * BOUNDARY;
    let line = text.get(length..text.len().min(most)).unwrap_or_default();
    let end = match memchr::memchr(b'\n', line) {
        None if !last && text.len() < most => return Err(()),
        None if text.len() < most => line.len(),
        // The rest is the beginning of a header, which a line end alone would end.
        None => line.len() - 2,
        Some(end) => end + 1,
    };
    let tail = line.get(..end).unwrap_or_default();
    let (is_end, tail) = match tail.strip_prefix(b"--") {
        Some(tail) => (true, tail),
        None => (false, tail),
    };
    Ok(tail.iter().all(u8::is_ascii_whitespace).then_some((is_end, length + end)))
}

fn is_delimiter(byte: u8) -> bool {
    matches!(byte, b',' | b';' | b'\t' | b'|')
}

/// Whether a line may name columns.
fn is_row(line: &[u8]) -> bool {
    !line.iter().any(|byte| matches!(byte, b'{' | b'}' | b'<' | b'>' | b'=' | b'&' | 0))
}

/// What the header of a part says.
#[derive(Debug, Default)]
struct Header {
    charset: Option<String>,
    /// With its dashes.
    boundary: Option<Vec<u8>>,
    name: String,
    /// How its text is written, if it holds no parts.
    transfer: Option<Transfer>,
    /// Why it cannot be read, if so.
    unread: Option<DecodeError>,
    packing: Packing,
    /// Why it is never edited, by its type or a digest over it.
    sealed: Option<&'static str>,
    /// Whether it is a mail.
    mail: bool,
}

impl Header {
    fn of(text: &[u8]) -> Header {
        let mut header = Header::default();
        let (mut transfer, mut codings, mut types, mut unknown) = (None, String::new(), Vec::new(), None);
        let mut is_digested = false;
        let lines = unfolded(text);
        for line in &lines {
            let Some(mark) = memchr::memchr(b':', line) else { continue };
            let (name, value) =
                (line.get(..mark).unwrap_or_default(), line.get(mark + 1..).unwrap_or_default());
            let word = || String::from_utf8_lossy(value).trim().to_ascii_lowercase();
            match name.trim_ascii().to_ascii_lowercase().as_slice() {
                b"content-type" => types.push(value),
                b"content-disposition" => {
                    let said = parameter(value, "name").values.pop().unwrap_or_default();
                    header.name = String::from_utf8_lossy(&said).into_owned();
                }
                b"content-transfer-encoding" => match Transfer::of(&word()) {
                    Ok(said) => transfer = said,
                    Err(error) => unknown = Some(error),
                },
                name if is_digest(name) => is_digested = true,
                b"content-encoding" => codings = format!("{codings},{}", word()),
                _ => {}
            }
        }
        header.of_types(&types);
        header.unread = header.unread.or(unknown);
        let texts = || types.iter().filter_map(|said| std::str::from_utf8(said).ok());
        header.sealed = if is_digested { Some("signed") } else { texts().find_map(sealed_part) };
        header.mail = texts().any(is_mail);
        header.packing = match coding::parse(&codings).as_deref() {
            Ok([]) => Packing::Told,
            // Known by its first bytes, also in base64.
            Ok([Coding::Gzip | Coding::Zstd]) if transfer != Some(Transfer::Quoted) => Packing::Told,
            Ok(all) if transfer.is_none() && !all.contains(&Coding::AwsChunked) => {
                Packing::Coded(all.to_vec())
            }
            Ok(_) | Err(_) => Packing::Unread(DecodeError::UnknownCoding),
        };
        if let Some(error) = header.unread {
            header.packing = Packing::Unread(error);
        }
        header.transfer = transfer.filter(|_| header.boundary.is_none());
        header
    }

    /// Where it is said twice, either may be what a reader goes by.
    fn of_types(&mut self, types: &[&[u8]]) {
        let types = types.iter().copied();
        let parted = parted(types.clone());
        self.unread = (parted.is_unclear || parted.boundaries.len() > 1).then_some(DecodeError::Boundary);
        self.boundary = parted.boundaries.first().map(|boundary| [b"--", &**boundary].concat());
        for said in types.flat_map(listed).map(|value| parameter(value, "charset")) {
            let is_unread = said.extended || said.values.iter().any(|charset| is_foreign(charset));
            self.unread = self.unread.or(is_unread.then_some(DecodeError::Charset));
            for charset in said.values.iter().map(|charset| plain_name(charset)) {
                let is_wide = utf16::recognise(&[], Some(&charset)).is_some();
                if self.charset.is_none() || is_wide {
                    self.charset = Some(charset);
                }
            }
        }
        if self.boundary.is_some() {
            // Of what holds parts of its own those say how they are written.
            self.charset = None;
        }
    }
}

/// The lines of a header; one that begins with a space goes on with the one before it (RFC 5322, section 2.2.3).
fn unfolded(text: &[u8]) -> Vec<Vec<u8>> {
    let mut lines: Vec<Vec<u8>> = Vec::new();
    for line in text.split(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        match lines.last_mut() {
            Some(before) if line.starts_with(b" ") || line.starts_with(b"\t") => {
                before.extend_from_slice(line)
            }
            _ => lines.push(line.to_vec()),
        }
    }
    lines
}
