//! Reads the text of a PDF document as it streams: objects one after the other, whatever its directory says.

use std::ops::ControlFlow;

use flate2::Decompress;

use super::DecodeError;
use super::gzip::inflate;
use super::pdf_fonts::Fonts;
use super::pdf_object::{self as object, Filter, Role};
use super::pdf_page::Page;
use super::unpack::{Halt, Member, Sink, Unpacked, tell};
use crate::limits::{DECODE_WINDOW, INFLATER, PDF_DICTIONARY, PDF_KEPT, PDF_OPENING};

const STREAM: &[u8] = b"stream";
const END: &[u8] = b"endstream";
/// How many may stand between the keyword and its line end.
const BLANKS: usize = 64;

/// Looks for a document in one text, and reads it.
#[derive(Debug, Default)]
pub struct Pages {
    document: Option<Box<Pdf>>,
    /// The bytes before those that come next.
    tail: [u8; 4],
    seen: u64,
    /// Whether documents may begin further on: the text has parts.
    has_parts: bool,
}

const SIGNATURE: &[u8] = b"%PDF-";

impl Pages {
    /// Nothing is to be done about what comes next, whatever it is.
    #[must_use]
    pub fn passes_over(&self) -> bool {
        self.document.is_none() && !self.has_parts && self.seen >= PDF_OPENING as u64
    }

    /// The text goes on with so many bytes, which are [passed over](Self::passes_over).
    pub fn pass(&mut self, bytes: usize) {
        self.seen += bytes as u64;
    }

    /// Whether a document is being read.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.document.is_some()
    }

    /// Bytes that its streams became since this was asked last.
    pub fn inflated(&mut self) -> u64 {
        self.document.as_mut().map_or(0, |document| std::mem::take(&mut document.inflated))
    }

    /// Memory that it takes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.document.as_ref().map_or(0, |document| document.bytes())
    }

    /// The text goes on with `text`. An error where it cannot be read.
    pub fn push(
        &mut self,
        text: &[u8],
        sink: &mut dyn FnMut(Unpacked<'_>) -> ControlFlow<()>,
    ) -> Result<(), DecodeError> {
        if self.document.is_none() {
            self.has_parts |= self.seen == 0 && text.starts_with(b"-");
            let upto = match self.has_parts {
                true => text.len(),
                false => text
                    .len()
                    .min(PDF_OPENING.saturating_sub(usize::try_from(self.seen).unwrap_or(usize::MAX))),
            };
            let found = self.find(text.get(..upto).unwrap_or_default());
            self.seen += text.len() as u64;
            let Some(begin) = found else { return Ok(()) };
            let document = self.document.insert(Box::new(Pdf::new()));
            return heard(document.push(text.get(begin..).unwrap_or_default(), sink));
        }
        self.document.as_mut().map_or(Ok(()), |document| heard(document.push(text, sink)))
    }

    /// The text has ended.
    pub fn finish(
        &mut self,
        sink: &mut dyn FnMut(Unpacked<'_>) -> ControlFlow<()>,
    ) -> Result<(), DecodeError> {
        self.document.take().map_or(Ok(()), |mut document| heard(document.finish(sink)))
    }

    /// Where what follows a signature begins.
    fn find(&mut self, text: &[u8]) -> Option<usize> {
        let before = |at: usize, back: usize| match at.checked_sub(back) {
            Some(at) => text.get(at).copied(),
            None => self.tail.get(self.tail.len() + at - back).copied(),
        };
        let found = memchr::memchr_iter(b'-', text).find(|at| {
            let rest = SIGNATURE.iter().rev().skip(1);
            rest.zip(1..).all(|(byte, back)| before(*at, back) == Some(*byte))
        });
        for byte in text.iter().skip(text.len().saturating_sub(4)) {
            self.tail.rotate_left(1);
            self.tail[3] = *byte;
        }
        found.map(|at| at + 1)
    }
}

fn heard(result: Result<(), Halt>) -> Result<(), DecodeError> {
    match result {
        Ok(()) | Err(Halt::Enough) => Ok(()),
        Err(Halt::Fault(error)) => Err(error),
    }
}

/// Where in a document the stream stands.
#[derive(Debug)]
enum At {
    /// Between streams, in objects that are text.
    Objects,
    Stream(Box<Stream>),
}

/// A stream object that is being read.
#[derive(Debug)]
struct Stream {
    role: Role,
    number: u32,
    first: usize,
    filters: Vec<Filter>,
    inflate: Option<Box<Decompress>>,
    /// What the first filter, if it is one of letters, has not made bytes of.
    digits: Vec<u8>,
    /// Nothing more comes of it.
    ended: bool,
    page: Page,
    /// Of what must be read whole.
    kept: Vec<u8>,
    /// Bytes that were too many to be kept.
    cut: u64,
    open: bool,
}

/// One document.
#[derive(Debug)]
struct Pdf {
    at: At,
    /// The end of what was read, as far as it may still matter.
    text: Vec<u8>,
    window: Box<[u8]>,
    fonts: Fonts,
    /// The object in whose midst the text begins.
    number: u32,
    /// Bytes that streams became and nobody was told of.
    inflated: u64,
}

impl Pdf {
    fn new() -> Pdf {
        Pdf {
            at: At::Objects,
            text: Vec::new(),
            window: Box::default(),
            fonts: Fonts::default(),
            number: 0,
            inflated: 0,
        }
    }

    fn push(&mut self, text: &[u8], sink: Sink<'_>) -> Result<(), Halt> {
        // In pieces, so that what is kept stays small.
        for piece in text.chunks(PDF_DICTIONARY) {
            self.text.extend_from_slice(piece);
            while self.advance(sink)? {}
        }
        Ok(())
    }

    fn bytes(&self) -> usize {
        let stream = match &self.at {
            At::Objects => 0,
            At::Stream(stream) => stream.bytes(),
        };
        self.text.capacity() + self.window.len() + self.fonts.bytes() + stream
    }

    /// The document has ended.
    fn finish(&mut self, sink: Sink<'_>) -> Result<(), Halt> {
        if let At::Stream(stream) = &mut self.at {
            let rest = std::mem::take(&mut self.text);
            self.inflated += stream.push(&rest, &mut self.window, &mut self.fonts, sink)?;
        }
        self.close(sink)?;
        self.read_objects(self.text.len())?;
        let mut open = false;
        self.fonts.late(&mut |text| {
            if !std::mem::replace(&mut open, true) {
                tell(sink, Unpacked::Open(PAGE))?;
            }
            tell(sink, Unpacked::Text(text, 0))
        })?;
        if open {
            tell(sink, Unpacked::Close)?;
        }
        match self.fonts.missed() {
            0 => Ok(()),
            missed => tell(sink, Unpacked::Unread(DecodeError::Size, missed)),
        }
    }

    /// Goes on as far as what is there allows; whether there may be more to do.
    fn advance(&mut self, sink: Sink<'_>) -> Result<bool, Halt> {
        match &mut self.at {
            At::Objects => self.objects(sink),
            At::Stream(stream) => {
                let end = memchr::memmem::find(&self.text, END);
                let upto = end.unwrap_or_else(|| self.text.len().saturating_sub(END.len()));
                let piece: Vec<u8> = self.text.drain(..upto).collect();
                self.inflated += stream.push(&piece, &mut self.window, &mut self.fonts, sink)?;
                if end.is_none() {
                    return Ok(false);
                }
                self.text.drain(..END.len());
                self.close(sink)?;
                Ok(true)
            }
        }
    }

    /// The stream that is open, if one is, has ended.
    fn close(&mut self, sink: Sink<'_>) -> Result<(), Halt> {
        if let At::Stream(mut stream) = std::mem::replace(&mut self.at, At::Objects) {
            stream.finish(&mut self.fonts, sink)?;
        }
        Ok(())
    }

    /// Reads objects up to the next stream.
    fn objects(&mut self, sink: Sink<'_>) -> Result<bool, Halt> {
        let Some((begin, data)) = next_stream(&self.text) else {
            // What may still be the dictionary of a stream stays.
            let keep = self.text.len().min(PDF_DICTIONARY);
            let gone = self.text.len() - keep;
            if gone > 0 {
                // Whole objects are read before they go.
                let from = memchr::memmem::rfind(self.text.get(..gone).unwrap_or_default(), b"endobj");
                let upto = from.map_or(gone, |from| from + 6);
                self.read_objects(upto)?;
                self.text.drain(..upto);
            }
            return Ok(false);
        };
        self.read_objects(begin)?;
        let header = self.text.get(..begin).unwrap_or_default();
        let start = memchr::memmem::rfind(header, b" obj").unwrap_or(0);
        let number = object::number_before(header, start);
        let dictionary = object::plain_names(header.get(start..).unwrap_or_default());
        let stream = Stream::new(&dictionary, number);
        self.text.drain(..data);
        if let Some(error) = stream.as_ref().err() {
            tell(sink, Unpacked::Unread(*error, 1))?;
        }
        self.at = At::Stream(Box::new(stream.unwrap_or_else(|_| Stream::skipped())));
        if self.window.is_empty() {
            self.window = vec![0; DECODE_WINDOW].into_boxed_slice();
        }
        Ok(true)
    }

    /// Reads what the objects before `upto` say of fonts, and whether all is under a password.
    fn read_objects(&mut self, upto: usize) -> Result<(), Halt> {
        let text = object::plain_names(self.text.get(..upto).unwrap_or_default());
        if object::is_encrypted(&text) {
            return Err(DecodeError::Encrypted.into());
        }
        self.number = self.fonts.read(&text, self.number);
        Ok(())
    }
}

const PAGE: Member<'static> = Member { carrier: "pdf", name: &[], markup: false, in_place: false };

/// The keyword that begins the data of a stream, and where these do.
fn next_stream(text: &[u8]) -> Option<(usize, usize)> {
    let mut from = 0;
    loop {
        let at = from + memchr::memmem::find(text.get(from..)?, STREAM)?;
        let behind = text.get(at + STREAM.len()..).unwrap_or_default();
        // Blanks are none of the data.
        let blanks = behind.iter().take(BLANKS).take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        let length = match behind.get(blanks..).unwrap_or_default() {
            [b'\r', b'\n', ..] => 2,
            [b'\n' | b'\r', _, ..] => 1,
            [] | [b'\n' | b'\r'] => return None,
            _ => 0,
        };
        let is_end = at >= 3 && text.get(at - 3..at) == Some(b"end");
        if length > 0 && !is_end {
            return Some((at, at + STREAM.len() + blanks + length));
        }
        from = at + STREAM.len();
    }
}

/// Bytes of a stream that tell whether it says what codes show.
const PROLOGUE: usize = 512;

fn has_codes(text: &[u8]) -> bool {
    let finds =
        |word: &[u8]| memchr::memmem::find(text.get(..text.len().min(PROLOGUE)).unwrap_or_default(), word);
    finds(b"CIDInit").or_else(|| finds(b"begincmap")).is_some()
}

impl Stream {
    fn new(dictionary: &[u8], number: u32) -> Result<Stream, DecodeError> {
        let role = object::role(dictionary);
        if role == Role::Skipped {
            return Ok(Stream::skipped());
        }
        let filters = object::filters(dictionary)?;
        let inflate = filters.contains(&Filter::Flate).then(|| Box::new(Decompress::new(true)));
        let first = object::first(dictionary);
        Ok(Stream { role, number, first, filters, inflate, ..Stream::skipped() })
    }

    fn skipped() -> Stream {
        Stream {
            role: Role::Skipped,
            number: 0,
            first: 0,
            filters: Vec::new(),
            inflate: None,
            digits: Vec::new(),
            ended: false,
            page: Page::default(),
            kept: Vec::new(),
            cut: 0,
            open: false,
        }
    }

    /// The data go on; gives the bytes that they were inflated to.
    fn push(
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
            self.take(window.get(..progress.written).unwrap_or_default(), fonts, sink)?;
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
                // What codes of a font show is told in a stream that says no word of itself.
                if self.kept.len() < PROLOGUE || has_codes(&self.kept) {
                    self.keep(data);
                }
                let mut shown = Vec::new();
                self.page.push(data, fonts, &mut shown);
                self.tell(&shown, sink)
            }
            Role::File => self.tell(data, sink),
            Role::Objects => {
                self.keep(data);
                self.tell(data, sink)
            }
        }
    }

    fn keep(&mut self, data: &[u8]) {
        let room = PDF_KEPT.saturating_sub(self.kept.len()).min(data.len());
        self.kept.extend_from_slice(data.get(..room).unwrap_or_default());
        self.cut += (data.len() - room) as u64;
    }

    fn bytes(&self) -> usize {
        let inflater = if self.inflate.is_some() { INFLATER } else { 0 };
        size_of::<Stream>() + self.kept.capacity() + inflater
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

    fn finish(&mut self, fonts: &mut Fonts, sink: Sink<'_>) -> Result<(), Halt> {
        match self.role {
            Role::Objects => {
                fonts.read_packed(&self.kept, self.first);
                fonts.miss(self.cut);
            }
            Role::Page => {
                if has_codes(&self.kept) {
                    fonts.characters(self.number, &self.kept);
                    fonts.miss(self.cut);
                }
                let mut shown = Vec::new();
                self.page.finish(fonts, &mut shown);
                self.tell(&shown, sink)?;
            }
            Role::File | Role::Skipped => {}
        }
        if std::mem::take(&mut self.open) { tell(sink, Unpacked::Close) } else { Ok(()) }
    }
}

#[cfg(test)]
#[path = "pdf_tests.rs"]
mod tests;
