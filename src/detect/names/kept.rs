//! Names that stand further back than names are looked for: of the columns of a list in whose rows values were found.
//!
//! In its first rows they are in reach. They are kept from there on, as long as a value of the list is met at least every
//! few hundred bytes and nothing ends it in between. Values are met nearly in the order of the text: those right before a
//! place do not count for it, so that the same is kept wherever the text is cut.

use std::ops::Range;
use std::sync::Arc;

use super::headers::{self, Kind};
use super::lists::{CELLS, ROWS, TABLES, cells, is_tag, last, last_tag, spelled};
use super::rows::Rows;
use super::{Name, Names, Row, Scope, characters, trimmed};
use crate::limits;

/// The list that was met last, and the one before it, of which values may still be met.
#[derive(Clone, Debug, Default)]
pub(in crate::detect) struct Kept([Option<Box<Head>>; 2]);

/// A list whose names are kept.
#[derive(Clone, Debug)]
struct Head {
    rows: Kind,
    /// Stream offset of what begins it.
    origin: u64,
    names: Vec<(u16, Arc<[u8]>)>,
    /// Stream offset of the first value that was met.
    first: u64,
    met: Pieces,
}

/// Pieces of a stream in which something was met: the last, and a bit for each of those up to it.
#[derive(Clone, Copy, Debug, Default)]
struct Pieces {
    last: u64,
    bits: u64,
}

/// Bytes of a piece.
const PIECE: u64 = 128;
/// How many pieces before a place those lie that count: further back than any value is met out of order, and within what
/// is looked at.
const COUNTS: Range<u64> = 4..8;
const _: () = assert!(COUNTS.end * PIECE <= limits::NAMES_REACH as u64);
/// Values that stand so far apart are met in their order.
const OUT_OF_ORDER: u64 = (COUNTS.start - 1) * PIECE;

impl Pieces {
    fn meet(&mut self, at: u64) {
        let piece = at / PIECE;
        if piece > self.last {
            self.bits =
                u32::try_from(piece - self.last).map_or(0, |by| self.bits.checked_shl(by).unwrap_or(0));
            self.last = piece;
        }
        self.bits |= u32::try_from(self.last - piece).map_or(0, |back| 1u64.checked_shl(back).unwrap_or(0));
    }

    /// Whether something was met that counts for what begins at `at`.
    fn reach(&self, at: u64) -> bool {
        let mut pieces = COUNTS.filter_map(|back| (at / PIECE).checked_sub(back));
        pieces.any(|piece| {
            piece <= self.last && self.last - piece < 64 && self.bits >> (self.last - piece) & 1 != 0
        })
    }

    /// From where on nothing that was met counts any more.
    fn end(&self) -> u64 {
        (self.last + COUNTS.end) * PIECE
    }
}

impl Kept {
    pub(in crate::detect) const fn new() -> Kept {
        Kept([None, None])
    }

    /// The name of the column of `at`, where names do not tell one that are nearer; what stands behind a value of the list
    /// names no other one while its rows go on.
    pub(in crate::detect) fn tell(&self, names: &mut Names, (text, base): (&[u8], u64), at: usize) {
        if self.0[0].is_none() {
            return;
        }
        let from = at.saturating_sub(limits::NAMES_REACH);
        let listed = names.listed().map(|(name, rows)| (base + name.range.start as u64, rows));
        let heads = self.0.iter().flatten().filter(|head| head.met.reach(base + at as u64));
        let own = heads.into_iter().find_map(|head| {
            let is_free = match listed {
                Some((name, rows)) => rows == head.rows && name >= head.first,
                None => {
                    names.list.is_empty() || matches!(head.rows, Kind::Arrays | Kind::Fields | Kind::Cells)
                }
            };
            let column = is_free.then(|| head.column((text, base), from, at)).flatten();
            column.and_then(|column| head.name(column))
        });
        own.into_iter().for_each(|name| names.keep(name));
    }

    /// A value was found at `at`, which `names` are of; `by_words`: names may speak for such a value. Whether a name is
    /// kept that was not.
    pub(in crate::detect) fn meet(
        &mut self,
        (names, by_words): (&Names, bool),
        (text, base): (&[u8], u64),
        at: usize,
    ) -> bool {
        let offset = base + at as u64;
        let from = at.saturating_sub(limits::NAMES_REACH);
        let nearer = names.listed().filter(|(name, _)| by_words && name.kept.is_none());
        let nearer = nearer.and_then(|(name, rows)| Some((name, rows, origin(rows, text, from, at, name)?)));
        let Some((name, rows, origin)) = nearer else {
            // Whatever was found in one of its rows, the list goes on.
            let goes_on = |head: &&mut Box<Head>| {
                head.met.reach(offset) && head.column((text, base), from, at).is_some()
            };
            if let Some(head) = self.0.iter_mut().flatten().find(goes_on) {
                head.met.meet(offset);
            }
            return false;
        };
        let column = match rows {
            Kind::Lines(b' ') => column(rows, text, name.range.end, at),
            _ => Some(name.column),
        };
        let column = column.and_then(|column| u16::try_from(column).ok());
        let said = text.get(name.range.clone()).filter(|said| said.len() <= limits::NAME_LEN);
        let (Some(column), Some(said)) = (column, said) else { return false };
        self.rest(offset);
        self.head(rows, base + origin as u64, offset).is_some_and(|head| head.learn(column, said, offset))
    }

    /// The list that begins at `origin`, of which a value stands at `offset`.
    fn head(&mut self, rows: Kind, origin: u64, offset: u64) -> Option<&mut Head> {
        let is_it = |head: &Head| head.rows == rows && head.origin == origin;
        let place = self.0.iter().position(|head| head.as_deref().is_some_and(is_it)).unwrap_or_else(|| {
            self.0.swap(0, 1);
            let (names, met) = (Vec::new(), Pieces::default());
            self.0[0] = Some(Box::new(Head { rows, origin, names, first: offset, met }));
            0
        });
        self.0[place].as_deref_mut()
    }

    /// Whether names are kept that what begins at stream offset `at` may stand under.
    pub(in crate::detect) fn reach(&self, at: u64) -> bool {
        self.0.iter().flatten().any(|head| head.met.reach(at))
    }

    /// Stream offset from which on none counts.
    pub(in crate::detect) fn end(&self) -> u64 {
        self.0.iter().flatten().map(|head| head.met.end()).max().unwrap_or_default()
    }

    /// The names that may be those of what begins at stream offset `from` or behind it, and up to where.
    pub(in crate::detect) fn names(&self, from: u64) -> impl Iterator<Item = (&[u8], u64)> {
        let heads = self.0.iter().flatten().filter(move |head| head.met.end() > from);
        heads.flat_map(|head| head.names.iter().map(|(_, name)| (&**name, head.met.end())))
    }

    /// Forgets those that nothing from stream offset `from` on can be in.
    pub(in crate::detect) fn rest(&mut self, from: u64) {
        for head in &mut self.0 {
            if head.as_ref().is_some_and(|head| head.met.end() + OUT_OF_ORDER <= from) {
                *head = None;
            }
        }
        if self.0[0].is_none() {
            self.0.swap(0, 1);
        }
    }

    #[cfg(test)]
    pub(in crate::detect) fn bytes(&self) -> usize {
        let name = |(_, name): &(u16, Arc<[u8]>)| size_of::<(u16, Arc<[u8]>)>() + 16 + name.len();
        let head = |head: &Head| size_of::<Head>() + head.names.iter().map(name).sum::<usize>();
        self.0.iter().flatten().map(|one| head(one)).sum()
    }
}

impl Head {
    /// The column of `at`, where nothing from its first value on ended the list.
    fn column(&self, (text, base): (&[u8], u64), from: usize, at: usize) -> Option<usize> {
        column(self.rows, text, from.max(self.first.saturating_sub(base) as usize), at)
    }

    /// Whether the name of a column is news, of which a value stands at `offset`.
    fn learn(&mut self, column: u16, name: &[u8], offset: u64) -> bool {
        self.met.meet(offset);
        self.first = self.first.min(offset);
        let is_new = self.names.iter().all(|(known, _)| *known != column);
        let fits = is_new && self.names.len() < limits::KEPT_COLUMNS;
        if fits {
            self.names.reserve_exact(1);
            self.names.push((column, name.into()));
        }
        fits
    }

    fn name(&self, column: usize) -> Option<Name> {
        let (_, name) = self.names.iter().find(|(own, _)| usize::from(*own) == column)?;
        let own = Name::listed(self.rows, 0..name.len(), column);
        let scope = if self.rows == Kind::Elements { Scope::JsonPath } else { own.scope };
        Some(Name { scope, kept: Some(Arc::clone(name)), ..own })
    }
}

impl Name {
    /// Where the name of a value at `at` stands in a whole text.
    pub(in crate::detect) fn place_in(&self, text: &[u8], at: usize) -> Range<usize> {
        let above = self.kept.as_ref().and_then(|name| memchr::memmem::rfind(&text[..at], name));
        above.map_or_else(|| self.range.clone(), |above| above..above + self.range.len())
    }
}

impl Names {
    /// The name that is kept, where one is told.
    pub(in crate::detect) fn kept(&self) -> Option<&Name> {
        self.listed().map(|(name, _)| name).filter(|name| name.kept.is_some())
    }

    /// Takes in one that is kept.
    pub(in crate::detect) fn keep(&mut self, name: Name) {
        // A cell is an element, too.
        let place = if name.rows == Some(Kind::Cells) { self.list.len().min(1) } else { 0 };
        self.list.insert(place, name);
    }

    /// The name that a list gives the place which was looked at last.
    fn listed(&self) -> Option<(&Name, Kind)> {
        self.list.iter().take(2).find_map(|name| name.rows.map(|rows| (name, rows)))
    }
}

/// Where what begins a list stands, of which `at` is a value under `name`.
fn origin(rows: Kind, text: &[u8], from: usize, at: usize, name: &Name) -> Option<usize> {
    let before = |to: usize, mark: u8| Some(from + memchr::memrchr(mark, text.get(from..to)?)?);
    let word = |word: &[u8]| Some(from + last(&text[from..at], word)?);
    match rows {
        Kind::Tuples => word(b"values"),
        Kind::Tabs => word(b"from stdin"),
        Kind::Cells => Some(from + last_tag(&text[from..at], &TABLES)?),
        Kind::Arrays | Kind::Fields => before(name.range.start, b'['),
        Kind::Elements => Some(name.range.start),
        Kind::Lines(_) => {
            let line = before(name.range.start, b'\n').or((from == 0).then_some(0));
            line.max(headers::string_start(text, from, name.range.start))
        }
        Kind::Pipes | Kind::Dashes | Kind::Members => None,
    }
}

/// The column of `at` in a list that all of `from..at` lies in, from a value of it on.
fn column(rows: Kind, text: &[u8], from: usize, at: usize) -> Option<usize> {
    let seen = text.get(from..at)?;
    let holds = |mark: &[u8]| memchr::memmem::find(seen, mark).is_some();
    match rows {
        Kind::Tuples if spelled(seen, b"values").is_some() => None,
        Kind::Tuples => bracketed(rows, text, from, at, (b'(', b')')),
        Kind::Arrays => bracketed(rows, text, from, at, (b'[', b']')),
        Kind::Fields if holds(b"\"fields\"") => None,
        Kind::Fields => {
            let before = seen.strip_suffix(b"\"").unwrap_or(seen).trim_ascii_end().strip_suffix(b":")?;
            let row = memchr::memmem::rfind(seen, b"\"f\"")?;
            let open = row + memchr::memchr(b'[', &seen[row..])?;
            before.ends_with(b"\"v\"").then(|| headers::column(seen, open, seen.len())).flatten()
        }
        Kind::Tabs if holds(b"\n\\.") || spelled(seen, b"from stdin").is_some() => None,
        Kind::Tabs => {
            let row = memchr::memrchr(b'\n', seen)?;
            Some(memchr::memchr_iter(b'\t', &seen[row..]).count())
        }
        Kind::Cells => {
            let row = last_tag(seen, &ROWS)?;
            let ends = |at: usize| [true, false].iter().any(|opens| is_tag(&seen[at..], *opens, &TABLES));
            let column = cells(&seen[row..], &CELLS).count().checked_sub(1);
            column.filter(|_| !memchr::memchr_iter(b'<', seen).any(ends))
        }
        // The last mark stands behind a key of what the string of a table stands in.
        Kind::Lines(_) if holds(b"\n\n") || holds(b"\n\r\n") || holds(b"\":") => None,
        Kind::Lines(b' ') => {
            let row = memchr::memrchr(b'\n', seen)? + 1;
            Some(characters(&seen[row..]))
        }
        Kind::Lines(mark) => {
            let row = memchr::memrchr(b'\n', seen)?;
            let mut column = Row::NONE;
            column.advance(text, from + row, at, mark);
            // No line of a sentence is a row.
            let is_row = |line: &[u8]| line.contains(&mark);
            let above = seen[..row].rsplit(|byte| *byte == b'\n').next();
            column
                .column()
                .filter(|_| memchr::memchr(b'\n', &seen[..row]).is_none() || above.is_some_and(is_row))
        }
        Kind::Elements => {
            let end = trimmed(text, from, at);
            let end = if text[from..end].ends_with(b"\"") { trimmed(text, from, end - 1) } else { end };
            let is_one = text[from..end].ends_with(b",")
                && !seen.iter().any(|byte| matches!(byte, b'[' | b']' | b'{' | b'}'));
            is_one.then_some(0)
        }
        Kind::Pipes | Kind::Dashes | Kind::Members => None,
    }
}

/// The same of rows in brackets with commas between.
fn bracketed(rows: Kind, text: &[u8], from: usize, at: usize, (open, close): (u8, u8)) -> Option<usize> {
    let ends =
        |end: usize, mark: u8| (end > from && text[end - 1] == mark).then(|| trimmed(text, from, end - 1));
    let mut last = None;
    for bracket in memchr::memchr_iter(open, &text[from..at]).map(|bracket| from + bracket) {
        let before = trimmed(text, from, bracket);
        if rows == Kind::Arrays && ends(before, b'[').is_some() {
            // Another list begins there.
            return None;
        }
        if ends(before, b',').and_then(|before| ends(before, close)).is_some() {
            last = Some(bracket);
        }
    }
    let mut reading = Rows::new(rows);
    let is_over = reading.read(text, &mut last?, at, |_, _| {});
    reading.column().filter(|_| !is_over)
}
