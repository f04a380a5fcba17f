//! Headers of lists: the names of their columns, and where their rows begin.

use std::ops::Range;

use super::lists::{begins, list_before};
use crate::limits;

/// Lists, by how their rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::detect) enum Kind {
    /// `(1, 'a'), (2, 'b')`
    Tuples,
    /// Lines of fields with tabs between, as behind `COPY … FROM stdin`.
    Tabs,
    /// `[1,"a"],[2,"b"]`
    Arrays,
    /// `<tr><td>1</td><td>a</td></tr>`
    Cells,
    /// `| 1 | a |`
    Pipes,
}

/// Kinds of headers; what [`Kind::Tabs`] stands under ends like that of tuples.
pub(in crate::detect) const ENDS: [Kind; 4] = [Kind::Tuples, Kind::Arrays, Kind::Cells, Kind::Pipes];

/// A header that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::detect) struct Header {
    pub kind: Kind,
    pub names: Vec<Range<usize>>,
    /// Where its rows begin.
    pub rows: usize,
}

/// Most blanks that are passed over.
const BLANKS: usize = 64;

/// The kinds of headers in which a name can stand that has `rest` behind it, a bit each in the order of [`ENDS`].
pub(in crate::detect) fn kinds_behind(rest: &[u8]) -> u8 {
    match rest {
        [b'<', b'/', ..] => 4,
        [b'|', ..] | [b'*', b' ', b'|', ..] | [b'*', b'*', b' ', b'|', ..] => 8,
        [b'"', b',', ..] => 1 | 2,
        [b'"', b']', ..] => 2,
        [b'"' | b'\'' | b'`' | b']', b',' | b')', ..] | [b',' | b')', ..] => 1,
        _ => 0,
    }
}

/// Where the first mark stands that can end a header.
pub(in crate::detect) fn end(text: &[u8], kind: Kind) -> Option<usize> {
    match kind {
        Kind::Tuples | Kind::Tabs => memchr::memchr(b')', text),
        Kind::Arrays => memchr::memchr(b']', text),
        Kind::Cells => memchr::memchr_iter(b'<', text).find(|&at| begins(&text[at..], b"</tr")),
        Kind::Pipes => memchr::memchr(b'\n', text),
    }
}

/// The header that ends with the mark at `end`, where a list follows it.
pub(in crate::detect) fn of(text: &[u8], end: usize, kind: Kind) -> Option<Header> {
    match kind {
        Kind::Tuples | Kind::Tabs => tuples(text, end),
        Kind::Arrays => arrays(text, end),
        Kind::Cells => cells(text, end),
        Kind::Pipes => pipes(text, end),
    }
}

fn blanks(text: &[u8], at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    at + rest.iter().take(BLANKS).take_while(|byte| byte.is_ascii_whitespace()).count()
}

fn tuples(text: &[u8], end: usize) -> Option<Header> {
    let least = end.saturating_sub(limits::NAMES_REACH);
    let list = list_before(&text[least..], end + 1 - least)?;
    let names = fields(text, least + list.start..least + list.end, b',');
    let behind = blanks(text, end + 1);
    let rest = &text[behind..];
    let (kind, word) = match () {
        () if begins(rest, b"values") => (Kind::Tuples, b"values".len()),
        () if begins(rest, b"from stdin") => (Kind::Tabs, b"from stdin".len()),
        () => return None,
    };
    Some(Header { kind, names, rows: behind + word })
}

/// The first of the arrays: `[["a","b"],[1,2]]`, `"columns":["a","b"],"rows":[[1,2]]`.
fn arrays(text: &[u8], end: usize) -> Option<Header> {
    let least = end.saturating_sub(limits::NAMES_REACH);
    let open =
        least + memchr::memrchr2(b'[', b']', &text[least..end]).filter(|&open| text[least + open] == b'[')?;
    let comma = blanks(text, end + 1);
    (text.get(comma) == Some(&b',')).then_some(())?;
    let mut rows = blanks(text, comma + 1);
    if text.get(rows) == Some(&b'"') {
        let key = text.get(rows + 1..)?.iter().take(BLANKS).position(|&byte| byte == b'"')?;
        let colon = blanks(text, rows + key + 2);
        (text.get(colon) == Some(&b':')).then_some(())?;
        rows = blanks(text, colon + 1) + 1;
        (text.get(rows - 1) == Some(&b'[') && text.get(blanks(text, rows)) == Some(&b'[')).then_some(())?;
    }
    (text.get(blanks(text, rows)) == Some(&b'[')).then_some(())?;
    Some(Header { kind: Kind::Arrays, names: fields(text, open + 1..end, b','), rows })
}

fn cells(text: &[u8], end: usize) -> Option<Header> {
    let least = end.saturating_sub(limits::NAMES_REACH);
    let row =
        memchr::memrchr_iter(b'<', &text[least..end]).find(|&at| begins(&text[least + at..], b"<tr"))?;
    let is_cell = |at: &usize| begins(&text[*at..], b"<th") || begins(&text[*at..], b"<td");
    let starts =
        memchr::memchr_iter(b'<', &text[least + row..end]).map(|at| least + row + at).filter(is_cell);
    let name = |mut at: usize| {
        // Behind its tag and those of what it is set in.
        while at < end && text[at] == b'<' && text.get(at + 1) != Some(&b'/') {
            at = memchr::memchr(b'>', &text[at..end]).map_or(end, |close| at + close + 1);
            at = blanks(text, at).min(end);
        }
        let length = memchr::memchr(b'<', &text[at..end]).unwrap_or(end - at);
        at..at + text[at..at + length].trim_ascii_end().len()
    };
    Some(Header { kind: Kind::Cells, names: starts.map(name).collect(), rows: end })
}

/// A line of names over one of dashes.
fn pipes(text: &[u8], end: usize) -> Option<Header> {
    let least = end.saturating_sub(limits::NAMES_REACH);
    let start = memchr::memrchr(b'\n', &text[least..end]).map_or(least, |line| least + line + 1);
    let line = start + blanks(&text[start..end], 0)..end;
    let rule = &text[blanks(text, end + 1)..];
    let dashes =
        rule.iter().take(BLANKS).take_while(|byte| matches!(byte, b'|' | b'-' | b':' | b' ')).count();
    let is_rule = rule.first() == Some(&b'|') && memchr::memmem::find(&rule[..dashes], b"--").is_some();
    // Rows are counted from the mark that each begins with.
    let names = fields(text, line.clone(), b'|');
    (is_rule && text.get(line.start) == Some(&b'|')).then_some(Header { kind: Kind::Pipes, names, rows: end })
}

/// The fields of a header, without blanks and quotes.
fn fields(text: &[u8], list: Range<usize>, mark: u8) -> Vec<Range<usize>> {
    let mut start = list.start;
    let bare =
        |byte: &u8| !byte.is_ascii_whitespace() && !matches!(byte, b'`' | b'"' | b'\'' | b'[' | b']' | b'*');
    let field = |field: &[u8]| {
        let own = start;
        start += field.len() + 1;
        let first = field.iter().position(bare).unwrap_or(field.len());
        let last = field.iter().rposition(bare).map_or(first, |last| last + 1);
        own + first..own + last
    };
    text[list].split(|&byte| byte == mark).map(field).take(limits::COLUMNS).collect()
}
