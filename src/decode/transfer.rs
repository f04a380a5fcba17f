//! What the header of a part declares its text to be written in: base64 or quoted-printable, as RFC 2045 has them (section 6).

use super::armour;
use super::escape::Kind;
use super::origin::Origin;
use super::{DecodeError, plain_name};
use crate::limits::{ARMOUR_JUDGED, ARMOUR_LEAST};

/// Bytes of a text by which it is judged: some lines.
pub(super) const OPENING: usize = 1024;
/// Bytes in which the digits of one quad may lie.
const QUAD: usize = 512;

/// How the text of a part is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transfer {
    Base64,
    Quoted,
}

impl Transfer {
    /// What a field says, in lower case; an error where nobody here reads it. What says no more than that bytes stand for
    /// themselves is none.
    pub(super) fn of(field: &str) -> Result<Option<Transfer>, DecodeError> {
        let field = uncommented(field);
        match plain_name(field.split(';').next().unwrap_or_default().as_bytes()).as_str() {
            "base64" | "b" => Ok(Some(Transfer::Base64)),
            "quotedprintable" | "q" => Ok(Some(Transfer::Quoted)),
            "" | "7bit" | "8bit" | "7bits" | "8bits" | "binary" | "gzip" | "identity" | "none" | "raw"
            | "text" | "utf8" | "ascii" | "usascii" => Ok(None),
            _ => Err(DecodeError::UnknownCoding),
        }
    }

    /// Whether a text that begins so stands for something packed. `None`: it need not be told, since it stands for no text
    /// or is read where it is.
    pub(super) fn is_packed(self, opening: &[u8]) -> Option<bool> {
        if self == Transfer::Quoted {
            return Some(false);
        }
        let mut run = Vec::with_capacity(ARMOUR_JUDGED);
        let ends = |run: &Vec<u8>, byte| run.len() == ARMOUR_JUDGED || byte == b'=' && run.len() % 4 > 1;
        for &byte in opening {
            if ends(&run, byte) {
                break;
            }
            run.extend(armour::is_digit(byte).then_some(byte));
        }
        match armour::recognise(&run) {
            Some((Kind::Base64, true)) => (!is_plain(opening)).then_some(true),
            Some((Kind::Base64, false)) => Some(false),
            Some(_) | None => None,
        }
    }

    /// Takes bytes of a text; gives how many could be read.
    pub(super) fn tell(self, text: &[u8], last: bool, view: &mut Vec<u8>, origin: &mut Origin) -> usize {
        match self {
            Transfer::Base64 => base64(text, last, view, origin),
            Transfer::Quoted => quoted(text, last, view, origin),
        }
    }
}

/// A field without what stands in parentheses, which says nothing (RFC 2045, section 5.1; RFC 5322, section 3.2.2).
fn uncommented(field: &str) -> String {
    let mut depth = 0usize;
    let outside = field.chars().filter(|c| {
        let before = depth;
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        before == 0 && depth == 0
    });
    outside.collect()
}

/// Whether the first line of base64 is written as most are, which every run of digits is read by.
fn is_plain(opening: &[u8]) -> bool {
    let opening = opening.trim_ascii_start();
    let line = armour::digits(opening);
    let ends = matches!(opening.get(line), None | Some(b'=' | b'\r' | b'\n'));
    let is_last = opening.get(line..).unwrap_or_default().iter().all(|byte| !armour::is_digit(*byte));
    ends && (is_last && line >= ARMOUR_LEAST || line >= armour::LINE_LEAST && line.is_multiple_of(4))
}

/// Lines may be of any length, and whatever is no digit changes nothing but where it is the end.
fn base64(text: &[u8], last: bool, view: &mut Vec<u8>, origin: &mut Origin) -> usize {
    let kind = Some(Kind::Base64);
    let mut read = 0;
    loop {
        let rest = text.get(read..).unwrap_or_default();
        let whole = armour::digits(rest) / 4 * 4;
        for quad in rest.get(..whole).unwrap_or_default().chunks_exact(4) {
            view.extend(armour::bytes(quad));
            origin.add(3, 4, kind);
        }
        let rest = rest.get(whole..).unwrap_or_default();
        let gap = rest.iter().take_while(|byte| !armour::is_digit(**byte)).count();
        for gap in rest.get(..gap).unwrap_or_default().chunks(QUAD) {
            origin.add(0, gap.len(), kind);
        }
        read += whole + gap;
        let rest = rest.get(gap..).unwrap_or_default();
        let (mut digits, mut length) = (Vec::with_capacity(4), 0);
        for &byte in rest.iter().take(QUAD) {
            if digits.len() == 4 || digits.len() > 1 && byte == b'=' {
                break;
            }
            length += 1;
            digits.extend(armour::is_digit(byte).then_some(byte));
        }
        let is_open = digits.len() < 4 && length == rest.len() && length < QUAD;
        if rest.is_empty() || is_open && !last {
            return read;
        }
        let count = digits.len() - 1;
        view.extend(armour::bytes(&digits).into_iter().take(count));
        origin.add(count, length, kind);
        read += length;
    }
}

/// Every `=34` stands for a byte, and a `=` at the end of a line, behind which there may be blanks, for nothing.
fn quoted(text: &[u8], last: bool, view: &mut Vec<u8>, origin: &mut Origin) -> usize {
    let mut read = 0;
    loop {
        let rest = text.get(read..).unwrap_or_default();
        let plain = memchr::memchr(b'=', rest).unwrap_or(rest.len());
        view.extend_from_slice(rest.get(..plain).unwrap_or_default());
        origin.literal(plain);
        read += plain;
        let rest = rest.get(plain..).unwrap_or_default();
        if rest.is_empty() {
            return read;
        }
        let (out, length) = match quoted_unit(rest) {
            None if !last => return read,
            None | Some((_, 0)) => {
                view.push(b'=');
                origin.literal(1);
                read += 1;
                continue;
            }
            Some(unit) => unit,
        };
        view.extend(out);
        origin.add(usize::from(out.is_some()), length, Some(Kind::QuotedPrintable));
        read += length;
    }
}

/// What a `=` at the start of `text` stands for with what follows it, and how long that is; 0: for itself. `None`: more
/// of it tells.
pub(super) fn quoted_unit(text: &[u8]) -> Option<(Option<u8>, usize)> {
    let behind = text.get(1..).unwrap_or_default();
    if let Some(byte) = armour::pair(behind) {
        return Some((Some(byte), 3));
    }
    let blanks = behind.iter().take(QUAD).take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    match behind.get(blanks..).unwrap_or_default() {
        [b'\n', ..] => Some((None, blanks + 2)),
        [b'\r', b'\n', ..] => Some((None, blanks + 3)),
        [] | [b'\r'] if blanks < QUAD => None,
        [digit] if blanks == 0 && digit.is_ascii_hexdigit() => None,
        _ => Some((None, 0)),
    }
}
