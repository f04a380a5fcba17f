//! Keys of JSON that stands in a string of JSON, read backwards: its quotes are those with a certain number of backslashes.

use std::ops::Range;

use super::{Name, Scope};

/// Strings in strings that are told apart; each level doubles the backslashes.
const LEVELS: u32 = 3;

/// What a value stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Nested {
    /// A string whose quote opens here.
    In(usize),
    /// Some string that opens further back than was looked.
    Cut,
    /// No JSON within a string.
    Not,
}

/// How deep the quote at `at` stands in strings, and where its backslashes begin. `None` where that cannot be told.
fn level(text: &[u8], from: usize, at: usize) -> Option<(u32, usize)> {
    let slashes = text[from..at].iter().rev().take_while(|&&byte| byte == b'\\').count();
    let first = at - slashes;
    // Each string doubles what stands in it, and adds one for the quote.
    (first > from || from == 0).then(|| (slashes.trailing_ones(), first))
}

/// The end of what stands before `to` once blanks are left out, escaped ones too.
fn trimmed(text: &[u8], from: usize, to: usize) -> usize {
    let mut to = to;
    loop {
        to = super::trimmed(text, from, to);
        let letter = to > from && matches!(text[to - 1], b'n' | b'r' | b't');
        let slashes =
            text[from..to].iter().rev().skip(1).take_while(|&&byte| letter && byte == b'\\').count();
        if slashes == 0 {
            return to;
        }
        to -= 1 + slashes;
    }
}

/// The quote of this level before `to`: where its backslashes begin.
fn quote_before(text: &[u8], from: usize, to: usize, wanted: u32) -> Option<usize> {
    let mut to = to;
    loop {
        let at = from + memchr::memrchr(b'"', &text[from..to])?;
        let (level, first) = level(text, from, at)?;
        match level.cmp(&wanted) {
            std::cmp::Ordering::Less => return None,
            std::cmp::Ordering::Equal => return Some(first),
            std::cmp::Ordering::Greater => to = first,
        }
    }
}

/// The key before the `:` at `colon`, and where its quote opens.
fn key_before(text: &[u8], from: usize, colon: usize, wanted: u32) -> Option<(usize, Range<usize>)> {
    let end = trimmed(text, from, colon);
    let close = end.checked_sub(1).filter(|&close| close >= from && text[close] == b'"')?;
    let (level, close) = level(text, from, close).filter(|(level, _)| *level == wanted)?;
    let open = quote_before(text, from, close, level)?;
    let slashes = text[open..close].iter().take_while(|&&byte| byte == b'\\').count();
    Some((open, open + slashes + 1..close))
}

/// Appends the keys of the innermost text around `at` that is JSON in a string, innermost first.
pub(super) fn look(text: &[u8], from: usize, at: usize, out: &mut Vec<Name>) -> Nested {
    let Some((wanted, first, quote)) = memchr::memrchr(b'"', &text[from..at])
        .and_then(|quote| level(text, from, from + quote).map(|(level, first)| (level, first, from + quote)))
        .filter(|(level, ..)| (1..=LEVELS).contains(level))
    else {
        return Nested::Not;
    };
    let before = out.len();
    let Some(own) = own(text, from, at, wanted, (first, quote), out) else { return Nested::Not };
    let nested = up(text, from, own, wanted, out);
    // The outermost key begins a text of its own.
    if let Some(last) = out.iter_mut().skip(before).last() {
        last.inner = true;
    }
    nested
}

/// Where the value that holds `at`, or its key, begins; its key is appended.
fn own(
    text: &[u8],
    from: usize,
    at: usize,
    level: u32,
    (first, quote): (usize, usize),
    out: &mut Vec<Name>,
) -> Option<usize> {
    let opens = |to: usize| {
        let end = trimmed(text, from, to);
        let last = text[from..end].last().filter(|last| matches!(last, b':' | b',' | b'[' | b'{'));
        last.map(|last| (end - 1, *last))
    };
    let sign = usize::from(at > from && text[at - 1] == b'-');
    // In a string of its own, or a number.
    let (start, (mark, byte)) = match opens(first) {
        Some(opened) => (first, opened),
        None if quote < at => (at, opens(at - sign)?),
        None => return None,
    };
    match byte {
        b':' => {
            let (open, key) = key_before(text, from, mark, level)?;
            out.push(Name::of(Scope::JsonPath, key));
            Some(open)
        }
        _ => Some(start),
    }
}

/// Appends the keys of the objects around `at`, up to the quote that opens the string they stand in.
fn up(text: &[u8], from: usize, at: usize, wanted: u32, out: &mut Vec<Name>) -> Nested {
    let (mut at, mut depth) = (at, 0usize);
    while at > from {
        at -= 1;
        match text[at] {
            b'"' => match level(text, from, at) {
                Some((level, _)) if level < wanted => return Nested::In(at),
                Some((level, first)) if level == wanted => match quote_before(text, from, first, wanted) {
                    Some(open) => at = open,
                    None => return Nested::Cut,
                },
                Some((_, first)) => at = first,
                None => return Nested::Cut,
            },
            b'}' | b']' => depth += 1,
            b'{' | b'[' if depth > 0 => depth -= 1,
            b'{' | b'[' => {
                let end = trimmed(text, from, at);
                if end > from
                    && text[end - 1] == b':'
                    && let Some((open, key)) = key_before(text, from, end - 1, wanted)
                {
                    out.push(Name::of(Scope::JsonPath, key));
                    at = open;
                }
            }
            _ => {}
        }
    }
    Nested::Cut
}
