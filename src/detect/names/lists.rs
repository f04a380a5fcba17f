//! Columns that a list names further up: of `INSERT INTO t (a, b) VALUES (…)`, of `COPY t (a, b) FROM stdin;`, of a table
//! in HTML or an office document whose first row holds its headers.

use std::ops::Range;

use super::headers::Kind;
use super::{Absent, Name, headers, layout};

/// What each kind of list is known by.
const MARKS: [&[u8]; 6] = [b"values", b"from stdin", b"<table", b"<w:tbl", b"<a:tbl", b"<sheetdata"];

/// Where none of these stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unlisted([Absent; MARKS.len()]);

impl Unlisted {
    pub(super) const NONE: Unlisted = Unlisted([Absent::NONE; MARKS.len()]);
}

impl Default for Unlisted {
    fn default() -> Unlisted {
        Unlisted::NONE
    }
}

/// The name of the column that `at` lies in, where all of it stands within what is looked at.
pub(super) fn own(unlisted: &mut Unlisted, text: &[u8], from: usize, at: usize) -> Option<Name> {
    let [values, stdin, tables @ ..]: [bool; MARKS.len()] = std::array::from_fn(|nth| {
        let (absent, mark) = (&mut unlisted.0[nth], MARKS[nth]);
        !absent.is(mark.len(), text, (from, at), |text| spelled(text, mark))
    });
    let (text, at) = (&text[from..at], at - from);
    let inserted = if values { inserted(text, at) } else { None };
    let copied = || if stdin { copied(text, at) } else { None };
    let tabled = || if tables.contains(&true) { tabled(text) } else { None };
    let of = |rows: Kind| move |(range, column): (Range<usize>, usize)| (rows, range, column);
    let inserted = inserted.map(of(Kind::Tuples));
    let own = inserted.or_else(|| copied().map(of(Kind::Tabs))).or_else(|| tabled().map(of(Kind::Cells)));
    let (rows, range, column) = own?;
    Some(Name::listed(rows, from + range.start..from + range.end, column))
}

/// A value of a tuple behind `VALUES`.
pub(super) fn inserted(text: &[u8], at: usize) -> Option<(Range<usize>, usize)> {
    let values = last(text, b"values")?;
    let end = values + b"values".len();
    let (mut quoted, mut open, mut column, mut i) = (false, false, 0, end);
    while i < at {
        match text[i] {
            b'\\' if quoted => i += 1,
            b'\'' => quoted = !quoted,
            _ if quoted => {}
            b'(' => (open, column) = (true, 0),
            b')' => open = false,
            b',' => column += usize::from(open),
            b';' => return None,
            _ => {}
        }
        i += 1;
    }
    let name = match list_before(text, values) {
        Some(names) if open => headers::nth(text, names, column),
        None if open => defined(text, values, column),
        _ => None,
    };
    name.map(|name| (name, column))
}

/// The name of a column in the `CREATE TABLE` of the table that values are inserted into without names.
fn defined(text: &[u8], values: usize, column: usize) -> Option<Range<usize>> {
    const CREATE: &[u8] = b"create table";
    let bare = |name: &[u8]| {
        let last = name.rsplit(|byte| *byte == b'.').next().unwrap_or_default();
        last.iter().copied().filter(|byte| !matches!(byte, b'`' | b'"' | b'[' | b']')).collect::<Vec<_>>()
    };
    let words = |text: &[u8]| text.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).count();
    let table = text[..values].trim_ascii_end().rsplit(u8::is_ascii_whitespace).next().map(bare)?;
    let create = last(&text[..values], CREATE)?;
    let open = create + memchr::memchr(b'(', &text[create..values])?;
    let called = &text[create + CREATE.len()..open];
    let own = called.trim_ascii().rsplit(u8::is_ascii_whitespace).next().map(bare)?;
    // `IF NOT EXISTS` may stand before the name.
    (own.eq_ignore_ascii_case(&table) && matches!(words(called), 1 | 4)).then_some(())?;
    let (mut depth, mut count, mut start) = (0usize, 0, open + 1);
    for mark in memchr::memchr3_iter(b'(', b')', b',', &text[open..values]) {
        match text[open + mark] {
            b'(' => depth += 1,
            b')' if depth == 1 => break,
            b')' => depth -= 1,
            _ if depth > 1 => {}
            _ if count == column => break,
            _ => (count, start) = (count + 1, open + mark + 1),
        }
    }
    let blank = text[start..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    let name = text[start + blank..values].split(u8::is_ascii_whitespace).next()?;
    let quotes = name.iter().take_while(|byte| matches!(byte, b'`' | b'"' | b'[')).count();
    let length =
        name[quotes..].iter().take_while(|byte| !matches!(byte, b'`' | b'"' | b']' | b',' | b'(')).count();
    let first = start + blank + quotes;
    (count == column && length > 0).then_some(first..first + length)
}

/// A value of a row behind `COPY … FROM stdin`.
fn copied(text: &[u8], at: usize) -> Option<(Range<usize>, usize)> {
    let stdin = last(text, b"from stdin")?;
    let names = list_before(text, stdin)?;
    let line = memchr::memrchr(b'\n', &text[stdin..at]).map(|end| stdin + end + 1)?;
    if memchr::memmem::find(&text[stdin..at], b"\n\\.").is_some() {
        return None;
    }
    let column = memchr::memchr_iter(b'\t', &text[line..at]).count();
    headers::nth(text, names, column).map(|name| (name, column))
}

/// What tables, their rows and their cells are called in HTML, in OpenDocument, and in what Office writes.
pub(super) const TABLES: [&[u8]; 3] = [b"table", b"tbl", b"sheetData"];
pub(super) const ROWS: [&[u8]; 3] = [b"tr", b"row", b"table-row"];
pub(super) const CELLS: [&[u8]; 6] = [b"td", b"th", b"tc", b"c", b"cell", b"table-cell"];

/// Most bytes before the colon in a tag.
const TAG_PREFIX: usize = 8;

/// Whether a tag that opens or closes an element begins so, which is called by one of the names, whatever its prefix.
pub(super) fn is_tag(text: &[u8], opens: bool, names: &[&[u8]]) -> bool {
    let Some(tag) = text.strip_prefix(if opens { &b"<"[..] } else { b"</" }) else { return false };
    let colon = tag.iter().take(TAG_PREFIX).position(|byte| !byte.is_ascii_alphanumeric());
    let own = colon.filter(|&colon| tag[colon] == b':').map_or(tag, |colon| &tag[colon + 1..]);
    names.iter().any(|name| begins(own, name) && own.get(name.len()) != Some(&b'-'))
}

/// Where the first and the last such tag begins that opens an element.
pub(super) fn first_tag(text: &[u8], names: &[&[u8]]) -> Option<usize> {
    memchr::memchr_iter(b'<', text).find(|&at| is_tag(&text[at..], true, names))
}

pub(super) fn last_tag(text: &[u8], names: &[&[u8]]) -> Option<usize> {
    memchr::memrchr_iter(b'<', text).find(|&at| is_tag(&text[at..], true, names))
}

/// Where the cells of a row begin.
pub(super) fn cells<'t>(row: &'t [u8], names: &'t [&'t [u8]]) -> impl Iterator<Item = usize> + 't {
    memchr::memchr_iter(b'<', row).filter(move |&at| is_tag(&row[at..], true, names))
}

/// A cell of a table, in a row below that of its headers: cells of their own kind, or a first row of names alone, three of
/// them or more.
fn tabled(text: &[u8]) -> Option<(Range<usize>, usize)> {
    let row = last_tag(text, &ROWS)?;
    let column = cells(&text[row..], &CELLS).count().checked_sub(1)?;
    let table = last_tag(&text[..row], &TABLES)?;
    let head = table + first_tag(&text[table..row], &ROWS)?;
    let end = head + 1 + first_tag(&text[head + 1..], &ROWS)?;
    let said = |at: usize| headers::cell(text, head + at, end);
    let headers = cells(&text[head..end], &[b"th"]).nth(column).map(said);
    let name = headers.or_else(|| {
        let mut cells = cells(&text[head..end], &CELLS).map(said).collect::<Vec<_>>();
        let fits = cells.len() > 2 && cells.iter().all(|cell| layout::is_name(&text[cell.clone()]));
        (fits && column < cells.len()).then(|| cells.swap_remove(column))
    });
    name.filter(|name| !name.is_empty()).map(|name| (name, column))
}

/// What is between the parentheses that end right before `at`.
pub(super) fn list_before(text: &[u8], at: usize) -> Option<Range<usize>> {
    let end = text[..at].trim_ascii_end().len();
    let close = end.checked_sub(1).filter(|&close| text[close] == b')')?;
    let open = memchr::memrchr2(b'(', b')', &text[..close]).filter(|&open| text[open] == b'(')?;
    Some(open + 1..close)
}

pub(super) fn begins(text: &[u8], word: &[u8]) -> bool {
    let follows = text.get(word.len()).is_some_and(u8::is_ascii_alphanumeric);
    !follows && text.get(..word.len()).is_some_and(|text| text.eq_ignore_ascii_case(word))
}

/// The first place where the letters of a word stand.
pub(super) fn spelled(text: &[u8], word: &[u8]) -> Option<usize> {
    let is_it =
        |at: &usize| text.get(*at..at + word.len()).is_some_and(|text| text.eq_ignore_ascii_case(word));
    memchr::memchr2_iter(word[0], word[0].to_ascii_uppercase(), text).find(is_it)
}

pub(super) fn last(text: &[u8], word: &[u8]) -> Option<usize> {
    memchr::memrchr2_iter(word[0], word[0].to_ascii_uppercase(), text).find(|&at| begins(&text[at..], word))
}
