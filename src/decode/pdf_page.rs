//! The operators of a PDF page that show text, read as they come: what one line shows is joined.

use super::pdf_fonts::{Fonts, Name};
use super::pdf_object::plain_names;
use super::pdf_string::text;
use crate::limits::PDF_OPERAND;

/// From which kerning, in thousandths of a font's size, a gap is a space.
const GAP: f32 = 180.0;

/// What one string takes beside its bytes.
const EACH: usize = 8;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Between,
    /// In a literal string: open parentheses, and a backslash before.
    Literal(u32, bool),
    /// In its octal escape: digits, and their value.
    Octal(u32, u8, u32),
    /// In a hexadecimal string, behind its first digit or not.
    Hex(Option<u8>),
    Word,
    Comment,
    /// In the data of an inline image: the last bytes.
    Image([u8; 3]),
}

/// Where one page stands.
#[derive(Debug, Default)]
pub(super) struct Page {
    state: State,
    word: Vec<u8>,
    string: Vec<u8>,
    /// What the next operator shows; `None` is a gap.
    shown: Vec<Option<Vec<u8>>>,
    length: usize,
    numbers: Vec<f32>,
    name: Vec<u8>,
    font: Name,
    /// The line to which the text moved last, in whichever text it was.
    line: Option<f32>,
    /// Length of what was shown last.
    last: usize,
    in_text: bool,
    /// Whether a text has begun whose place is not known yet, and on which line it stands.
    is_fresh: bool,
    height: f32,
    /// What stands for what is shown, as its document says.
    actual: Vec<u8>,
    /// Whether what is read seems to be no page: what is long shows nothing where no text has begun.
    pub(super) is_table: bool,
}

impl Page {
    /// The page goes on with `data`; appends what it shows.
    pub(super) fn push(&mut self, data: &[u8], fonts: &mut Fonts, out: &mut Vec<u8>) {
        for &byte in data {
            self.byte(byte, fonts, out);
            if self.length >= PDF_OPERAND {
                self.part_of_string(fonts, out);
            }
        }
    }

    /// A stream of the page has ended; whether a text goes on in the next.
    pub(super) fn finish(&mut self, fonts: &mut Fonts, out: &mut Vec<u8>) -> bool {
        self.byte(b'\n', fonts, out);
        self.state = State::Between;
        if !self.in_text {
            self.end(fonts, out);
        }
        self.in_text
    }

    /// The page has ended.
    pub(super) fn end(&mut self, fonts: &mut Fonts, out: &mut Vec<u8>) {
        self.part(fonts, out);
        if !self.actual.is_empty() {
            out.append(&mut self.actual);
            out.push(b'\n');
        }
    }

    fn byte(&mut self, byte: u8, fonts: &mut Fonts, out: &mut Vec<u8>) {
        match self.state {
            State::Between => self.begin(byte),
            State::Literal(depth, true) => self.escaped(byte, depth),
            State::Literal(depth, false) => match byte {
                b'\\' => self.state = State::Literal(depth, true),
                b'(' => {
                    self.put(byte);
                    self.state = State::Literal(depth + 1, false);
                }
                b')' if depth == 1 => self.end_string(),
                b')' => {
                    self.put(byte);
                    self.state = State::Literal(depth - 1, false);
                }
                _ => self.put(byte),
            },
            State::Octal(digits, value, depth) => match byte {
                b'0'..=b'7' if digits < 3 => {
                    let value = value.wrapping_shl(3) | (byte - b'0');
                    self.state = State::Octal(digits + 1, value, depth);
                }
                _ => {
                    self.put(value);
                    self.state = State::Literal(depth, false);
                    self.byte(byte, fonts, out);
                }
            },
            State::Hex(half) => self.hex(byte, half),
            State::Comment => {
                if matches!(byte, b'\r' | b'\n') {
                    self.state = State::Between;
                }
            }
            State::Image([a, b, c]) => {
                let is_end =
                    matches!(a, b'\n' | b'\r' | b' ') && [b, c] == *b"EI" && byte.is_ascii_whitespace();
                self.state = if is_end { State::Between } else { State::Image([b, c, byte]) };
            }
            State::Word if is_regular(byte) => {
                if self.word.len() < PDF_OPERAND {
                    self.word.push(byte);
                }
            }
            State::Word => {
                self.state = State::Between;
                self.word(fonts, out);
                if self.state == State::Between {
                    self.begin(byte);
                }
            }
        }
    }

    fn begin(&mut self, byte: u8) {
        match byte {
            b'(' => self.state = State::Literal(1, false),
            b'<' => self.state = State::Hex(None),
            b'%' => self.state = State::Comment,
            b'/' => {
                self.word.clear();
                self.word.push(byte);
                self.state = State::Word;
            }
            _ if is_regular(byte) => {
                self.word.clear();
                self.word.push(byte);
                self.state = State::Word;
            }
            _ => {}
        }
    }

    fn escaped(&mut self, byte: u8, depth: u32) {
        self.state = State::Literal(depth, false);
        match byte {
            b'n' => self.put(b'\n'),
            b'r' => self.put(b'\r'),
            b't' => self.put(b'\t'),
            // Half of a glyph's number, most often.
            b'b' => self.put(0x08),
            b'f' => self.put(0x0c),
            b'0'..=b'7' => self.state = State::Octal(1, byte - b'0', depth),
            b'\r' | b'\n' => {}
            _ => self.put(byte),
        }
    }

    fn hex(&mut self, byte: u8, half: Option<u8>) {
        let digit = char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        match (digit, half, byte) {
            (Some(digit), None, _) => self.state = State::Hex(Some(digit)),
            (Some(digit), Some(first), _) => {
                self.put(first << 4 | digit);
                self.state = State::Hex(None);
            }
            (None, half, b'>') => {
                if let Some(first) = half {
                    self.put(first << 4);
                }
                self.end_string();
            }
            // A dictionary begins, which is no string.
            (None, _, b'<') => self.state = State::Between,
            (None, _, _) => {}
        }
    }

    fn put(&mut self, byte: u8) {
        self.length += 1;
        self.string.push(byte);
    }

    /// What is shown next is too long to be kept until its operator comes. Codes of two bytes stay together.
    fn part_of_string(&mut self, fonts: &mut Fonts, out: &mut Vec<u8>) {
        if self.is_table && !self.in_text {
            self.shown.clear();
            self.string.clear();
        }
        let rest = self.string.split_off(self.string.len() & !1);
        let begun = std::mem::replace(&mut self.string, rest);
        if !begun.is_empty() {
            self.shown.push(Some(begun));
        }
        self.show(fonts, out);
        self.length = self.string.len();
    }

    fn end_string(&mut self) {
        self.state = State::Between;
        self.length += EACH;
        let string = std::mem::take(&mut self.string);
        if self.name == b"ActualText" {
            self.name.clear();
            self.stands_for(&text(&string));
        } else {
            self.shown.push(Some(string));
        }
    }

    /// Words are parted, characters are not.
    fn stands_for(&mut self, text: &[u8]) {
        if text.len() > 2 && !self.actual.is_empty() {
            self.actual.push(b' ');
        }
        self.actual.extend_from_slice(text);
    }

    /// A number, a name or an operator is whole.
    fn word(&mut self, fonts: &mut Fonts, out: &mut Vec<u8>) {
        let word = std::mem::take(&mut self.word);
        if let Some(name) = plain_names(&word).strip_prefix(b"/") {
            self.name = name.to_vec();
        } else if let Some(number) = std::str::from_utf8(&word).ok().and_then(|word| word.parse::<f32>().ok())
        {
            if matches!(self.shown.last(), Some(Some(_))) && number < -GAP {
                self.length += EACH;
                self.shown.push(None);
            }
            if self.numbers.len() == 6 {
                self.numbers.remove(0);
            }
            self.numbers.push(number);
        } else {
            self.operator(&word, fonts, out);
            self.shown.clear();
            self.length = 0;
            self.numbers.clear();
        }
        self.word = word;
        self.word.clear();
    }

    fn operator(&mut self, word: &[u8], fonts: &mut Fonts, out: &mut Vec<u8>) {
        match word {
            b"Tj" | b"TJ" => self.show(fonts, out),
            b"'" | b"\"" => {
                self.part(fonts, out);
                self.show(fonts, out);
            }
            b"Tf" => self.font = Name::of(&std::mem::take(&mut self.name)),
            b"Td" | b"TD" => {
                let down = self.numbers.last().copied().unwrap_or_default();
                self.height += down;
                let was = self.line.replace(self.height);
                // The first of a text begins at the page's edge.
                let to_other_line = if self.is_fresh { was != self.line } else { down != 0.0 };
                self.moved(to_other_line, fonts, out);
            }
            b"Tm" => {
                self.height = self.numbers.last().copied().unwrap_or_default();
                let to_other_line = self.line.replace(self.height) != Some(self.height);
                self.moved(to_other_line, fonts, out);
            }
            b"BT" => {
                (self.in_text, self.is_fresh, self.height) = (true, true, 0.0);
            }
            b"ET" => {
                self.in_text = false;
                if self.actual.len() > PDF_OPERAND {
                    self.end(fonts, out);
                }
            }
            // The page itself moves: heights are not those of before.
            b"cm" | b"Q" => self.line = None,
            b"T*" => {
                self.line = None;
                self.part(fonts, out);
            }
            b"ID" => self.state = State::Image([0; 3]),
            _ => {}
        }
    }

    /// The place moves: to another line, or along this one. Writers that place each character by itself leave no gaps.
    fn moved(&mut self, to_other_line: bool, fonts: &mut Fonts, out: &mut Vec<u8>) {
        self.is_fresh = false;
        if to_other_line {
            self.part(fonts, out);
        } else if self.last > 2 {
            fonts.show(self.font, b" ", out);
        }
    }

    fn part(&mut self, fonts: &mut Fonts, out: &mut Vec<u8>) {
        if self.last > 0 {
            fonts.show(Name::NONE, b"\n", out);
            self.last = 0;
        }
    }

    fn show(&mut self, fonts: &mut Fonts, out: &mut Vec<u8>) {
        if std::mem::take(&mut self.is_fresh) {
            self.line = None;
            self.part(fonts, out);
        }
        for run in std::mem::take(&mut self.shown) {
            match run {
                Some(codes) => {
                    self.last = codes.len();
                    fonts.show(self.font, &codes, out);
                }
                None => fonts.show(Name::NONE, b" ", out),
            }
        }
    }
}

fn is_regular(byte: u8) -> bool {
    !byte.is_ascii_whitespace()
        && byte != 0
        && !matches!(byte, b'(' | b')' | b'<' | b'>' | b'[' | b']' | b'{' | b'}' | b'/' | b'%')
}
