//! One escape or look-alike character at a time: what it stands for, and how a mask is written in its place.

use super::armour;
use super::fold::fold;
use super::legacy::Legacy;
use super::quoted_printable::quoted_printable;
use super::references::{NAME_LEN, NAMED};
use super::tags::{self, Between};
use crate::limits::{ESCAPE_LEN, REFERENCE_LEN};

#[path = "escape_active.rs"]
mod active;
#[path = "escape_high.rs"]
mod high;
#[path = "escape_kinds.rs"]
mod kinds;

pub(super) use active::Active;
pub(super) use kinds::Kinds;
pub(super) use kinds::plain as plain_kinds;

/// How something was written otherwise than as itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `\u0034`, `\n`, `\/`, at any depth of strings in strings.
    Backslash,
    /// `%34`.
    Percent,
    /// `+` for a space.
    Plus,
    /// `&#52;`, `&nbsp;`.
    Entity,
    /// `=34`, and lines that end in `=`.
    QuotedPrintable,
    /// A character that looks like another, or like nothing.
    LookAlike,
    /// UTF-16, the lower byte first, and the higher.
    Utf16,
    Utf16Big,
    /// Another charset.
    Charset(Legacy),
    Base64,
    Hex,
    /// Tags between runs of one text, and in the midst of a number.
    Markup,
    /// What stands around values in a binary format of this name, and a number of its own.
    Field(&'static str),
    Number(&'static str),
}

impl Kind {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Backslash => "json",
            Kind::Percent => "percent",
            Kind::Plus => "form",
            Kind::Entity => "entity",
            Kind::QuotedPrintable => "quoted-printable",
            Kind::LookAlike => "look-alike",
            Kind::Utf16 | Kind::Utf16Big => "utf-16",
            Kind::Charset(legacy) => legacy.as_str(),
            Kind::Base64 => "base64",
            Kind::Hex => "hex",
            Kind::Markup => "xml",
            Kind::Field(format) | Kind::Number(format) => format,
        }
    }
}

/// What stands at one place of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// So many bytes that stand for themselves.
    Literal(usize),
    Escape(Escape),
    /// What follows tells.
    Open,
}

/// Something that stands for something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Escape {
    pub kind: Kind,
    /// Bytes of text.
    pub len: usize,
    out: [u8; 4],
    count: usize,
    /// Whether it may hide a value from whoever does not undo it.
    pub(super) telling: bool,
}

impl Escape {
    /// What it stands for.
    #[must_use]
    pub fn out(&self) -> &[u8] {
        self.out.get(..self.count).unwrap_or_default()
    }

    pub(super) fn byte(kind: Kind, len: usize, byte: u8) -> Escape {
        Escape { kind, len, out: [byte, 0, 0, 0], count: 1, telling: true }
    }

    pub(super) fn nothing(kind: Kind, len: usize) -> Escape {
        Escape { kind, len, out: [0; 4], count: 0, telling: true }
    }

    /// A character, or what it looks like.
    pub(super) fn of(kind: Kind, len: usize, code: u32) -> Escape {
        match fold(code) {
            Some(None) => Escape::nothing(kind, len),
            Some(Some(byte)) => Escape::byte(kind, len, byte),
            None => {
                let mut out = [0; 4];
                let count = char::from_u32(code).unwrap_or('\u{fffd}').encode_utf8(&mut out).len();
                Escape { kind, len, out, count, telling: true }
            }
        }
    }
}

/// The escape that stands at one place of a whole text, if one does.
#[must_use]
pub fn escape_at(text: &[u8], at: usize) -> Option<Escape> {
    if text.get(at).is_none_or(u8::is_ascii_alphanumeric) {
        return None;
    }
    match unit(text, at, true) {
        Unit::Escape(escape) => Some(escape),
        Unit::Literal(_) | Unit::Open => None,
    }
}

/// What stands at `at`. `last`: nothing follows the text.
pub(super) fn unit(text: &[u8], at: usize, last: bool) -> Unit {
    let rest = text.get(at..).unwrap_or_default();
    let before = at.checked_sub(1).and_then(|before| text.get(before)).copied();
    let found = match rest.first() {
        Some(b'\\') => backslash(rest, text.get(..at).unwrap_or_default(), last),
        Some(b'%') => percent(rest, last),
        Some(b'&') => entity(rest, before, last),
        Some(b'=') => quoted_printable(rest, text.get(..at).unwrap_or_default(), last),
        Some(b'+') => plus(rest, text.get(..at).unwrap_or_default(), last),
        Some(b'<') => return in_number(rest, before, last),
        Some(0x80..) => return high::unit(rest, text.get(..at).unwrap_or_default(), last),
        Some(_) | None => Look::No,
    };
    let longest = if rest.first() == Some(&b'&') { REFERENCE_LEN } else { ESCAPE_LEN };
    match found {
        Look::Yes(escape) => Unit::Escape(escape),
        Look::More if !last && rest.len() < longest => Unit::Open,
        Look::More | Look::No => Unit::Literal(1),
    }
}

/// Tags in the midst of a number.
fn in_number(rest: &[u8], before: Option<u8>, last: bool) -> Unit {
    match tags::between(rest, before, last) {
        Between::Tags(length) => Unit::Escape(Escape::nothing(Kind::Markup, length)),
        Between::No => Unit::Literal(1),
        Between::More => Unit::Open,
    }
}

/// The same in a form, where `+` stands for a space.
pub(super) fn unit_of_form(text: &[u8], at: usize, last: bool) -> Unit {
    match text.get(at) {
        Some(b'+') => Unit::Escape(Escape::byte(Kind::Plus, 1, b' ')),
        _ => unit(text, at, last),
    }
}

pub(super) enum Look {
    Yes(Escape),
    No,
    More,
}

fn backslash(rest: &[u8], before: &[u8], last: bool) -> Look {
    // Each level of strings in strings doubles them; they stand for one escape all the same.
    let slashes = rest.iter().take(8).take_while(|byte| **byte == b'\\').count();
    let after = rest.get(slashes..).unwrap_or_default();
    let Some((&letter, behind)) = after.split_first() else { return Look::More };
    let len = slashes + 1;
    let simple = |byte: u8| match tells(rest, len, before, last) {
        None => Look::More,
        Some(telling) => Look::Yes(Escape { telling, ..Escape::byte(Kind::Backslash, len, byte) }),
    };
    match letter {
        b'u' if behind.first().is_none_or(|byte| *byte == b'{') => braced(behind, len),
        b'u' => wide(Kind::Backslash, behind, rest.get(..len).unwrap_or_default(), last),
        b'x' => coded(behind, 2, |code| Escape::of(Kind::Backslash, len + 2, code)),
        b'n' => simple(b'\n'),
        b'r' => simple(b'\r'),
        b't' => simple(b'\t'),
        b'f' | b'b' => simple(b' '),
        b'/' => simple(b'/'),
        b'"' | b'\'' => Look::Yes(Escape { telling: false, ..Escape::byte(Kind::Backslash, len, letter) }),
        _ => Look::No,
    }
}

/// Whether an escape of one letter, which takes `len` bytes of `rest`, may stand beside a value: by what follows it, and others
/// like it right behind, such as the two of a line end. `None`: what follows tells.
fn tells(rest: &[u8], len: usize, before: &[u8], last: bool) -> Option<bool> {
    let ahead = rest.get(..ESCAPE_LEN).unwrap_or(rest);
    let open = if last || ahead.len() == ESCAPE_LEN { Some(false) } else { None };
    let mut at = len;
    loop {
        let behind = ahead.get(at..).unwrap_or_default();
        let slashes = behind.iter().take_while(|byte| **byte == b'\\').count();
        let Some(&next) = behind.get(slashes) else { return open };
        match next {
            b'n' | b'r' | b't' | b'/' if slashes > 0 => at += slashes + 1,
            b'u' if slashes > 0 => return Some(true),
            _ if slashes > 0 => return Some(false),
            // The bar begins a row of a table, whose columns have names.
            b'|' => return Some(true),
            // Digits of base64 go on, as they do behind a slash that is one, or where a line of them ends.
            b'+' | b'/' | b'-' | b'_' | b' ' | b'\t' => {
                let is_slash = !matches!(next, b' ' | b'\t') && rest.get(len - 1) == Some(&b'/');
                let line = before.len().checked_sub(armour::LINE_LEAST).and_then(|from| before.get(from..));
                return Some(
                    is_slash || line.is_some_and(|line| line.iter().all(|byte| armour::is_digit(*byte))),
                );
            }
            next => return Some(next.is_ascii_alphanumeric()),
        }
    }
}

/// Four hexadecimal digits behind `lead`; where they are half of a character, the other half behind the same.
fn wide(kind: Kind, behind: &[u8], lead: &[u8], last: bool) -> Look {
    let len = lead.len() + 4;
    let mut first = 0;
    let alone = coded(behind, 4, |code| {
        first = code;
        Escape::of(kind, len, code)
    });
    let (Look::Yes(_), 0xd800..=0xdbff) = (&alone, first) else { return alone };
    let next = behind.get(4..).unwrap_or_default();
    let common = next.len().min(lead.len());
    if next.get(..common) != lead.get(..common) {
        return alone;
    }
    let mut low = 0;
    let half = coded(next.get(lead.len()..).unwrap_or_default(), 4, |code| {
        low = code;
        Escape::of(kind, len, code)
    });
    match half {
        Look::Yes(_) if (0xdc00..=0xdfff).contains(&low) => {
            Look::Yes(Escape::of(kind, 2 * len, 0x1_0000 + ((first - 0xd800) << 10) + (low - 0xdc00)))
        }
        Look::More if !last => Look::More,
        Look::Yes(_) | Look::No | Look::More => alone,
    }
}

/// Hexadecimal digits in braces, as in `\u{34}`; `len` bytes stand before them.
fn braced(text: &[u8], len: usize) -> Look {
    let digits = text.iter().skip(1).take(7).take_while(|byte| byte.is_ascii_hexdigit()).count();
    match text.get(1 + digits) {
        None => Look::More,
        Some(b'}') if (1..=6).contains(&digits) => coded(text.get(1..).unwrap_or_default(), digits, |code| {
            Escape::of(Kind::Backslash, len + digits + 2, code)
        }),
        Some(_) => Look::No,
    }
}

/// `digits` hexadecimal digits at the start of `text`.
pub(super) fn coded(text: &[u8], digits: usize, escape: impl FnOnce(u32) -> Escape) -> Look {
    let mut code = 0;
    for at in 0..digits {
        let Some(&byte) = text.get(at) else { return Look::More };
        let Some(digit) = char::from(byte).to_digit(16) else { return Look::No };
        code = code << 4 | digit;
    }
    Look::Yes(escape(code))
}

fn percent(rest: &[u8], last: bool) -> Look {
    match rest.get(1) {
        None => Look::More,
        Some(b'u') => wide(Kind::Percent, rest.get(2..).unwrap_or_default(), b"%u", last),
        Some(_) => coded(rest.get(1..).unwrap_or_default(), 2, |code| match u8::try_from(code) {
            // The half of a letter in UTF-16.
            Ok(0) => Escape::nothing(Kind::Percent, 3),
            byte => Escape::byte(Kind::Percent, 3, byte.unwrap_or(b'?')),
        }),
    }
}

/// Longest group of digits that `+` parts from others.
const GROUP: usize = 20;

/// `+` between groups of digits stands for a space in forms; nowhere else does it stand there. A group is longer than one, and
/// letters may stand before the first as they do in accounts: between digits of base64 there are none.
fn plus(rest: &[u8], before: &[u8], last: bool) -> Look {
    let behind = rest.get(1..).unwrap_or_default();
    let is_digit = |byte: Option<&u8>| byte.is_none_or(u8::is_ascii_digit);
    if before.is_empty() || !is_digit(before.last()) || !is_digit(behind.first()) {
        return Look::No;
    }
    let is_group = |group: &[u8]| (2..GROUP).contains(&group.len()) && group.iter().all(u8::is_ascii_digit);
    let earlier = before.iter().rev().take(GROUP).take_while(|byte| byte.is_ascii_alphanumeric()).count();
    let earlier = before.get(before.len() - earlier..).unwrap_or_default();
    let letters = earlier.iter().take(2).take_while(|byte| byte.is_ascii_uppercase()).count();
    if !is_group(earlier.get(letters..).unwrap_or_default()) {
        return Look::No;
    }
    let count = behind.iter().take(GROUP).take_while(|byte| byte.is_ascii_alphanumeric()).count();
    let group = behind.get(..count).unwrap_or_default();
    match count == behind.len() && !last && count < GROUP {
        true => Look::More,
        false if is_group(group) => Look::Yes(Escape::byte(Kind::Plus, 1, b' ')),
        false => Look::No,
    }
}

fn entity(rest: &[u8], before: Option<u8>, last: bool) -> Look {
    let behind = rest.get(1..).unwrap_or_default();
    match behind {
        [] => Look::More,
        [b'#'] => Look::More,
        [b'#', b'x' | b'X', digits @ ..] => numbered(digits, 3, 16, last),
        [b'#', digits @ ..] => numbered(digits, 2, 10, last),
        _ => named(behind, before, last),
    }
}

fn numbered(digits: &[u8], prefix: usize, radix: u32, last: bool) -> Look {
    // Noughts before the others change nothing, however many.
    let (digits, rest) = digits.split_at_checked(REFERENCE_LEN - prefix).unwrap_or((digits, &[]));
    let noughts = digits.iter().take_while(|byte| **byte == b'0').count();
    let more = digits.iter().skip(noughts).take(9);
    let more = more.take_while(|byte| char::from(**byte).is_digit(radix)).count();
    let count = noughts + more;
    if more > 8 {
        return Look::No;
    }
    let Some(next) = digits.get(count) else {
        let is_whole = last && rest.is_empty() && count > 0;
        return if is_whole { end(digits, count, prefix, radix, 0) } else { Look::More };
    };
    if count == 0 {
        return Look::No;
    }
    end(digits, count, prefix, radix, usize::from(*next == b';'))
}

fn end(digits: &[u8], count: usize, prefix: usize, radix: u32, semicolon: usize) -> Look {
    let digits = digits.get(..count).unwrap_or_default();
    let code = digits.iter().filter_map(|byte| char::from(*byte).to_digit(radix));
    let code = code.fold(0u32, |code, digit| code.saturating_mul(radix).saturating_add(digit));
    Look::Yes(Escape::of(Kind::Entity, prefix + count + semicolon, code))
}

fn named(behind: &[u8], before: Option<u8>, last: bool) -> Look {
    let length = behind.iter().take(NAME_LEN).take_while(|byte| byte.is_ascii_alphanumeric()).count();
    let (name, after) = behind.split_at_checked(length).unwrap_or((behind, &[]));
    let Some(next) = after.first() else {
        let begins = NAMED.iter().any(|(known, _)| known.starts_with(name));
        return if begins && !last { Look::More } else { Look::No };
    };
    let Some((_, code)) = NAMED.iter().find(|(known, _)| *known == name).filter(|_| *next == b';') else {
        return Look::No;
    };
    let escape = Escape::of(Kind::Entity, length + 2, *code);
    // A reference to a reference is one more level; other ampersands, quotes and brackets are everyday.
    let everyday = matches!(code, 0x26 | 0x22 | 0x27 | 0x3c | 0x3e);
    match after.get(1) {
        None if everyday && !last => Look::More,
        next => {
            let telling = match code {
                0x26 => next == Some(&b'#'),
                0x3c => fills(before, next.copied()),
                _ => !everyday,
            };
            Look::Yes(Escape { telling, ..escape })
        }
    }
}

/// Whether a bracket may fill a line of a machine readable zone, between its capitals, digits and other fillers; code that
/// is quoted in a page has small letters or blanks around most of them.
fn fills(before: Option<u8>, next: Option<u8>) -> bool {
    let holds = |byte: u8, other: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == other;
    before.is_some_and(|byte| holds(byte, b';')) && next.is_some_and(|byte| holds(byte, b'&'))
}

/// What stands before the digits of an escape that is two halves of one character.
fn half(raw: &[u8]) -> Option<&[u8]> {
    let lead = raw.len().checked_sub(8).filter(|rest| rest % 2 == 0)? / 2;
    let (first, second) = (raw.get(..lead)?, raw.get(lead + 4..2 * lead + 4)?);
    (lead > 1 && first == second && first.ends_with(b"u")).then_some(first)
}

/// The escape `raw` with another byte in it, of the same length.
pub(super) fn written(kind: Kind, raw: &[u8], byte: u8) -> Option<Vec<u8>> {
    let hex = |text: &[u8], digits: usize| {
        // Where its digits do not tell: as most senders write.
        let usual = matches!(kind, Kind::Percent | Kind::QuotedPrintable);
        let is = |case: fn(&u8) -> bool| text.iter().any(case);
        let upper = is(u8::is_ascii_uppercase) || usual && !is(u8::is_ascii_lowercase);
        if upper { format!("{byte:0digits$X}") } else { format!("{byte:0digits$x}") }
    };
    let out = match kind {
        // Two halves of one character: a digit has a twin that has two, too; any other byte is written twice.
        Kind::Backslash | Kind::Percent if half(raw).is_some() => {
            let lead = half(raw)?;
            let twin = if byte.is_ascii_digit() { 0xdfce + u32::from(byte - b'0') } else { u32::from(byte) };
            let first = if byte.is_ascii_digit() { 0xd835 } else { twin };
            let one = |code: u32| [lead, format!("{code:04x}").as_bytes()].concat();
            [one(first), one(twin)].concat()
        }
        Kind::Backslash => {
            let letter = raw.iter().position(|byte| *byte != b'\\')?;
            let brace = usize::from(raw.get(letter + 1) == Some(&b'{'));
            let (head, tail) = raw.split_at_checked(letter + 1 + brace)?;
            let (digits, end) = tail.split_at_checked(tail.len() - brace)?;
            [head, hex(digits, digits.len()).as_bytes(), end].concat()
        }
        Kind::Percent | Kind::QuotedPrintable => {
            let (head, digits) = raw.split_at_checked(if raw.get(1) == Some(&b'u') { 2 } else { 1 })?;
            [head, hex(digits, digits.len()).as_bytes()].concat()
        }
        Kind::Entity => {
            let digits = raw.iter().position(u8::is_ascii_digit)?;
            let is_hex = matches!(raw.get(2), Some(b'x' | b'X'));
            let (head, tail) = raw.split_at_checked(if is_hex { 3 } else { digits })?;
            let (digits, end) = tail.split_at_checked(tail.len() - usize::from(tail.ends_with(b";")))?;
            let width = digits.len();
            let number = if is_hex { hex(digits, width) } else { format!("{byte:0width$}") };
            [head, number.as_bytes(), end].concat()
        }
        // The wide twin of an ASCII character has three bytes; for others it is stars.
        Kind::LookAlike if raw.len() == 3 && byte.is_ascii_graphic() => {
            let mut buffer = [0; 4];
            let wide = char::from_u32(0xff00 + u32::from(byte) - 0x20)?;
            wide.encode_utf8(&mut buffer).as_bytes().to_vec()
        }
        Kind::Plus | Kind::LookAlike | Kind::Charset(_) => vec![b'*'; raw.len()],
        Kind::Hex => hex(raw, raw.len()).into_bytes(),
        Kind::Utf16 | Kind::Utf16Big | Kind::Base64 | Kind::Markup | Kind::Field(_) | Kind::Number(_) => {
            return None;
        }
    };
    (out.len() == raw.len()).then_some(out)
}
