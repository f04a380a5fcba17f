//! One stream of a PDF document, through its filters, to what it shows.

use flate2::Decompress;

use super::DecodeError;
use super::gzip::inflate;
use super::pdf_fonts::Fonts;
use super::pdf_object::{self as object, Filter, Role};
use super::pdf_page::Page;
use super::pdf_predictor::Predictor;
use super::pdf_string::Strings;
use super::unpack::{Halt, Member, Sink, Unpacked, tell};
use crate::limits::{INFLATER, PDF_KEPT};

pub(super) const PAGE: Member<'static> = Member { carrier: "pdf", name: &[], markup: false, in_place: false };

/// A stream object that is being read.
#[derive(Debug)]
pub(super) struct Stream {
    role: Role,
    number: u32,
    first: usize,
    filters: Vec<Filter>,
    inflate: Option<Box<Decompress>>,
    predictor: Option<Box<Predictor>>,
    /// What the first filter, if it is one of letters, has not made bytes of.
    digits: Vec<u8>,
    /// Nothing more comes of it.
    ended: bool,
    page: Page,
    /// The first bytes, until they are judged.
    opening: Option<Vec<u8>>,
    /// Whether it seems to be no page, but a text; or neither.
    is_file: bool,
    is_binary: bool,
    strings: Strings,
    /// What is told at the end: what strings of packed objects stand for, if it is not what they read.
    shown: Vec<u8>,
    /// Of what must be read whole.
    kept: Vec<u8>,
    /// Whether it says what codes of a font show.
    has_codes: bool,
    /// Bytes that were too many to be kept, of this and of what is told at the end.
    cut: u64,
    missed: u64,
    open: bool,
}

/// A page within a text of it, which another stream goes on with.
#[derive(Debug)]
pub(super) struct Begun {
    page: Page,
    open: bool,
}

impl Begun {
    /// No other stream does.
    pub(super) fn end(mut self, fonts: &mut Fonts, sink: Sink<'_>) -> Result<(), Halt> {
        let mut shown = Vec::new();
        self.page.end(fonts, &mut shown);
        if !shown.is_empty() && !std::mem::replace(&mut self.open, true) {
            tell(sink, Unpacked::Open(PAGE))?;
        }
        if !shown.is_empty() {
            tell(sink, Unpacked::Text(&shown, 0))?;
        }
        if self.open { tell(sink, Unpacked::Close) } else { Ok(()) }
    }
}

/// Bytes of a stream by which it is judged.
const OPENING: usize = 512;
/// Bytes before the end of `begincodespace`.
const LONGEST_WORD: usize = 13;

impl Stream {
    pub(super) fn new(dictionary: &[u8], number: u32) -> Result<Stream, DecodeError> {
        let role = object::role(dictionary);
        if role == Role::Skipped {
            return Ok(Stream::skipped());
        }
        let filters = object::filters(dictionary)?;
        let inflate = filters.contains(&Filter::Flate).then(|| Box::new(Decompress::new(true)));
        let predictor = if inflate.is_some() { Predictor::of(dictionary)?.map(Box::new) } else { None };
        let first = object::first(dictionary);
        Ok(Stream { role, number, first, filters, inflate, predictor, ..Stream::skipped() })
    }

    /// Goes on with a page, if it is one itself; gives it back where it tells of something else.
    pub(super) fn resume(&mut self, begun: Begun) -> Option<Begun> {
        if self.role != Role::Page {
            return Some(begun);
        }
        (self.page, self.open) = (begun.page, begun.open);
        None
    }

    pub(super) fn is_skipped(&self) -> bool {
        self.role == Role::Skipped
    }

    pub(super) fn skipped() -> Stream {
        Stream {
            role: Role::Skipped,
            number: 0,
            first: 0,
            filters: Vec::new(),
            inflate: None,
            predictor: None,
            digits: Vec::new(),
            ended: false,
            page: Page::default(),
            opening: Some(Vec::new()),
            is_file: false,
            is_binary: false,
            strings: Strings::default(),
            shown: Vec::new(),
            kept: Vec::new(),
            has_codes: false,
            cut: 0,
            missed: 0,
            open: false,
        }
    }

    /// The data go on; gives the bytes that they were inflated to.
    pub(super) fn push(
        &mut self,
        data: &[u8],
        window: &mut [u8],
        fonts: &mut Fonts,
        sink: Sink<'_>,
    ) -> Result<u64, Halt> {
        if self.role == Role::Skipped || self.ended || data.is_empty() {
            return Ok(0);
        }
        let letters = match self.filters.first() {
            Some(Filter::Ascii85) => Some(object::ascii85(&mut self.digits, data)),
            Some(Filter::AsciiHex) => Some(object::ascii_hex(&mut self.digits, data)),
            Some(Filter::Flate) | None => None,
        };
        let data = letters.as_deref().unwrap_or(data);
        let Some(mut engine) = self.inflate.take() else { return self.take(data, fonts, sink).map(|()| 0) };
        let (mut read, mut inflated) = (0, 0);
        loop {
            // A stream that breaks is shown up to there.
            let Ok((progress, ended)) = inflate(&mut engine, data.get(read..).unwrap_or_default(), window)
            else {
                self.ended = true;
                return Ok(inflated);
            };
            read += progress.read;
            inflated += progress.written as u64;
            let written = window.get(..progress.written).unwrap_or_default();
            match self.predictor.as_mut().map(|predictor| predictor.undo(written)) {
                Some(undone) => self.take(&undone, fonts, sink)?,
                None => self.take(written, fonts, sink)?,
            }
            if ended || progress.written < window.len() {
                self.ended = ended;
                self.inflate = Some(engine);
                return Ok(inflated);
            }
        }
    }

    /// What the filters give goes on.
    fn take(&mut self, data: &[u8], fonts: &mut Fonts, sink: Sink<'_>) -> Result<(), Halt> {
        match self.role {
            Role::Skipped => Ok(()),
            Role::Page => {
                let Some(opening) = &mut self.opening else { return self.page(data, fonts, sink) };
                opening.extend_from_slice(data);
                if opening.len() < OPENING { Ok(()) } else { self.begin(fonts, sink) }
            }
            Role::File => self.tell(data, sink),
            Role::Objects => {
                self.keep(data);
                self.strings.read(data, &mut self.shown);
                self.bound();
                self.tell(data, sink)
            }
        }
    }

    /// The first bytes of what says nothing of itself tell whether it is a page.
    fn begin(&mut self, fonts: &mut Fonts, sink: Sink<'_>) -> Result<(), Halt> {
        let opening = self.opening.take().unwrap_or_default();
        let head = opening.get(..OPENING).unwrap_or(&opening);
        self.is_binary = head.iter().any(|byte| *byte < b' ' && !byte.is_ascii_whitespace());
        self.is_file = object::is_file(head);
        if self.is_file && self.open {
            // What is told of a page before it ends here.
            self.tell(b"\n", sink)?;
        }
        self.page(&opening, fonts, sink)
    }

    /// A page goes on. What seems to be none is told as it stands, too, since nobody minds a word too many in one.
    fn page(&mut self, data: &[u8], fonts: &mut Fonts, sink: Sink<'_>) -> Result<(), Halt> {
        self.watch(data);
        self.page.is_table = self.has_codes || self.is_binary;
        if !self.is_file {
            let mut shown = Vec::new();
            self.page.push(data, fonts, &mut shown);
            return self.tell(&shown, sink);
        }
        self.page.push(data, fonts, &mut self.shown);
        self.bound();
        self.tell(data, sink)
    }

    /// What is told at the end must not grow.
    fn bound(&mut self) {
        self.missed += self.shown.len().saturating_sub(PDF_KEPT) as u64;
        self.shown.truncate(PDF_KEPT);
    }

    /// Tells what was kept until now, behind what was told as it stands.
    fn tell_kept(&mut self, fonts: &mut Fonts, sink: Sink<'_>) -> Result<(), Halt> {
        fonts.miss(self.missed);
        let shown = std::mem::take(&mut self.shown);
        if shown.iter().all(u8::is_ascii_whitespace) {
            return Ok(());
        }
        self.tell(b"\n", sink)?;
        self.tell(&shown, sink)
    }

    /// What codes of a font show is told in a stream that says no word of itself, behind comments of any length.
    fn watch(&mut self, data: &[u8]) {
        if self.has_codes {
            return self.keep(data);
        }
        self.kept.extend_from_slice(data);
        let found = memchr::memmem::find_iter(&self.kept, b"begin").find(|at| {
            let rest = self.kept.get(at + 5..).unwrap_or_default();
            [&b"cmap"[..], b"codespace", b"bfchar", b"bfrange"].iter().any(|word| rest.starts_with(word))
        });
        self.has_codes = found.is_some();
        // Where none has begun the end may be the beginning of the word.
        let gone = found.unwrap_or_else(|| self.kept.len().saturating_sub(LONGEST_WORD));
        self.kept.drain(..gone);
        self.cut += self.kept.len().saturating_sub(PDF_KEPT) as u64;
        self.kept.truncate(PDF_KEPT);
    }

    fn keep(&mut self, data: &[u8]) {
        let room = PDF_KEPT.saturating_sub(self.kept.len()).min(data.len());
        self.kept.extend_from_slice(data.get(..room).unwrap_or_default());
        self.cut += (data.len() - room) as u64;
    }

    pub(super) fn bytes(&self) -> usize {
        let inflater = if self.inflate.is_some() { INFLATER } else { 0 };
        let rows = self.predictor.as_ref().map_or(0, |predictor| predictor.bytes());
        size_of::<Stream>() + self.kept.capacity() + self.shown.capacity() + inflater + rows
    }

    fn tell(&mut self, text: &[u8], sink: Sink<'_>) -> Result<(), Halt> {
        if text.is_empty() {
            return Ok(());
        }
        if !std::mem::replace(&mut self.open, true) {
            tell(sink, Unpacked::Open(PAGE))?;
        }
        tell(sink, Unpacked::Text(text, 0))
    }

    /// It has ended; gives a page that goes on in the next stream.
    pub(super) fn finish(mut self, fonts: &mut Fonts, sink: Sink<'_>) -> Result<Option<Begun>, Halt> {
        if self.role == Role::Page && self.opening.is_some() {
            self.begin(fonts, sink)?;
        }
        match self.role {
            Role::Objects => {
                fonts.read_packed(&self.kept, self.first);
                fonts.miss(self.cut);
                self.tell_kept(fonts, sink)?;
            }
            Role::Page => {
                if self.has_codes {
                    fonts.characters(self.number, &self.kept);
                    fonts.miss(self.cut);
                }
                let mut shown = std::mem::take(&mut self.shown);
                let goes_on = self.page.finish(fonts, &mut shown);
                if self.is_file {
                    self.shown = shown;
                    self.tell_kept(fonts, sink)?;
                } else {
                    self.tell(&shown, sink)?;
                }
                if goes_on {
                    return Ok(Some(Begun { page: self.page, open: self.open }));
                }
            }
            Role::File | Role::Skipped => {}
        }
        if self.open {
            tell(sink, Unpacked::Close)?;
        }
        Ok(None)
    }
}
