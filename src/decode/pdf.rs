//! Reads the text of a PDF document as it streams: objects one after the other, whatever its directory says.

use std::ops::ControlFlow;

use super::DecodeError;
use super::pdf_fonts::Fonts;
use super::pdf_object as object;
use super::pdf_stream::{Begun, PAGE, Stream};
use super::pdf_string::Strings;
use super::unpack::{Halt, Sink, Unpacked, tell};
use crate::limits::{DECODE_WINDOW, PDF_DICTIONARY, PDF_OPENING};

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

/// One document.
#[derive(Debug)]
struct Pdf {
    at: At,
    /// The end of what was read, as far as it may still matter.
    text: Vec<u8>,
    window: Box<[u8]>,
    fonts: Fonts,
    strings: Strings,
    /// A page whose stream has ended within a text.
    page: Option<Box<Begun>>,
    /// The object in whose midst the text begins.
    number: u32,
    /// Where in the text no stream begins before.
    looked: usize,
    /// Whether what stood before the text, behind the last stream, is gone.
    drained: bool,
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
            strings: Strings::default(),
            page: None,
            number: 0,
            looked: 0,
            drained: false,
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
        self.read_objects(self.text.len(), sink)?;
        self.end_page(sink)?;
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
        if let At::Stream(stream) = std::mem::replace(&mut self.at, At::Objects) {
            let begun = stream.finish(&mut self.fonts, sink)?;
            self.page = begun.map(Box::new).or(self.page.take());
        }
        Ok(())
    }

    /// A page that could have gone on does not.
    fn end_page(&mut self, sink: Sink<'_>) -> Result<(), Halt> {
        self.page.take().map_or(Ok(()), |page| page.end(&mut self.fonts, sink))
    }

    /// Reads objects up to the next stream.
    fn objects(&mut self, sink: Sink<'_>) -> Result<bool, Halt> {
        let Some((begin, data)) = next_stream(&self.text, self.looked) else {
            self.looked = self.text.len().saturating_sub(STREAM.len() + BLANKS + 2);
            if self.text.len() > 2 * PDF_DICTIONARY {
                // What may still be the dictionary of a stream stays.
                let upto = end_of_part(self.text.get(..self.text.len() - PDF_DICTIONARY).unwrap_or_default());
                self.read_objects(upto, sink)?;
                self.text.drain(..upto);
                self.looked = self.looked.saturating_sub(upto);
                self.drained = true;
            }
            return Ok(false);
        };
        self.read_objects(begin, sink)?;
        let header = self.text.get(..begin).unwrap_or_default();
        let start = object::last(header);
        let dictionary = header.get(start.unwrap_or(0)..).unwrap_or_default();
        let is_whole = dictionary.len() <= PDF_DICTIONARY && (start.is_some() || !self.drained);
        let number = object::number_before(header, start.unwrap_or(0));
        let stream = match is_whole {
            true => Stream::new(&object::plain_names(dictionary), number),
            false => Err(DecodeError::Size),
        };
        (self.looked, self.drained) = (0, false);
        self.strings = Strings::default();
        self.text.drain(..data);
        if let Some(error) = stream.as_ref().err() {
            tell(sink, Unpacked::Unread(*error, 1))?;
        }
        let mut stream = Box::new(stream.unwrap_or_else(|_| Stream::skipped()));
        let begun = self.page.take().and_then(|page| stream.resume(*page));
        if stream.is_skipped() {
            self.page = begun.map(Box::new);
        } else if let Some(begun) = begun {
            begun.end(&mut self.fonts, sink)?;
        }
        self.at = At::Stream(stream);
        if self.window.is_empty() {
            self.window = vec![0; DECODE_WINDOW].into_boxed_slice();
        }
        Ok(true)
    }

    /// Reads what the objects before `upto` say of fonts, what their strings stand for, and whether all is under a password.
    fn read_objects(&mut self, upto: usize, sink: Sink<'_>) -> Result<(), Halt> {
        let text = object::plain_names(self.text.get(..upto).unwrap_or_default());
        if object::is_encrypted(&text) {
            return Err(DecodeError::Encrypted.into());
        }
        self.number = self.fonts.read(&text, self.number);
        let mut shown = Vec::new();
        self.strings.read(self.text.get(..upto).unwrap_or_default(), &mut shown);
        if shown.is_empty() {
            return Ok(());
        }
        self.end_page(sink)?;
        tell(sink, Unpacked::Open(PAGE))?;
        tell(sink, Unpacked::Text(&shown, 0))?;
        tell(sink, Unpacked::Close)
    }
}

/// Where a long text may be parted: behind an object, or before a name.
fn end_of_part(text: &[u8]) -> usize {
    let near = text.len().saturating_sub(PART);
    memchr::memmem::rfind(text, b"endobj").map(|at| at + 6).unwrap_or_else(|| {
        memchr::memrchr(b'/', text.get(near..).unwrap_or_default()).map_or(text.len(), |at| near + at)
    })
}

/// Bytes in which a name is looked for.
const PART: usize = 512;

/// The keyword that begins the data of a stream, at `from` or behind it, and where these do.
fn next_stream(text: &[u8], mut from: usize) -> Option<(usize, usize)> {
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

#[cfg(test)]
#[path = "pdf_tests.rs"]
mod tests;
