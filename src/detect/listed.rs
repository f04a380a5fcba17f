//! Values in lists whose columns are named once, further up: `INSERT INTO t (a, b) VALUES (…), (…)`, `COPY t (a, b) FROM
//! stdin;`, tables of HTML and Markdown, arrays of arrays in JSON. What a detector finds behind `name:` it finds in a column
//! of that name as well.
//!
//! Lists are read forwards, from region to region of a stream, however long they are; and only where the name of a column
//! was met, so that other text costs nothing.

use super::columns::{self, Told};
use super::compiled::{Compiled, Match};
use super::names::headers::{self, Kind};
use super::names::rows::Rows;
use crate::limits;

/// A name that may stand in the header of some kinds of lists, a bit each in the order of [`headers::ENDS`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Hint {
    at: usize,
    kinds: u8,
}

/// What the lists of a stream leave to its next region.
#[derive(Clone, Debug, Default)]
pub(super) struct Listed {
    /// Stream offset from which on nothing was read.
    read: u64,
    /// For each kind of header the last name behind which its end was not met.
    waiting: [Option<u64>; headers::ENDS.len()],
    open: Option<Box<(Rows, Box<[Told]>)>>,
}

/// Longest name of a column.
const NAME: usize = 32;

/// What a name of a column can hold.
const IS_NAME: [bool; 256] = {
    let (mut all, mut byte) = ([false; 256], 0);
    while byte < all.len() {
        let own = byte as u8;
        all[byte] = own.is_ascii_alphanumeric() || matches!(own, b' ' | b'_' | b'.' | b'-' | 0x80..);
        byte += 1;
    }
    all
};

/// What may be a name, and the kinds of lists that one may head which stands there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Heading {
    at: usize,
    length: usize,
    kinds: u8,
}

impl Heading {
    /// Of no place.
    pub(super) const NONE: Heading = Heading { at: usize::MAX, length: 0, kinds: 0 };

    /// That at `at`; `self` is the one that was asked for last, and others may ask for the same.
    #[inline]
    pub(super) fn at(self, text: &[u8], at: usize) -> Heading {
        if self.at == at {
            return self;
        }
        let rest = text.get(at..).unwrap_or_default();
        let likely = rest.get(..NAME).unwrap_or(rest);
        let length = likely.iter().position(|byte| !IS_NAME[usize::from(*byte)]).unwrap_or(likely.len());
        Heading { at, length, kinds: headers::kinds_behind(&rest[length..]) }
    }
}

impl Hint {
    /// The name at `at` that a detector wants before a value, where it may stand in the header of a list.
    pub(super) fn of(detector: &Compiled, text: &[u8], at: usize) -> Option<Hint> {
        Hint::under(Heading::NONE.at(text, at), detector, text)
    }

    /// The same where it is known what may be the name.
    #[inline]
    pub(super) fn under(heading: Heading, detector: &Compiled, text: &[u8]) -> Option<Hint> {
        let Heading { at, length, kinds } = heading;
        if kinds == 0 { None } else { Hint::called(detector, text.get(at..)?, (at, length, kinds)) }
    }

    fn called(detector: &Compiled, rest: &[u8], (at, length, kinds): (usize, usize, u8)) -> Option<Hint> {
        let is_name = |byte: &&u8| IS_NAME[usize::from(**byte)];
        // Mostly the first bytes tell that it is no name: behind what can be one stands an `s` at most, and spaces.
        let likely = rest.get(..NAME).unwrap_or(rest);
        let (read, left) = likely.split_at(columns::may_name(detector, likely)?);
        let next = left.strip_prefix(b"s").unwrap_or(left).first();
        if next.is_some_and(|byte| *byte != b' ' && is_name(&byte)) && read.iter().all(|byte| is_name(&byte))
        {
            return None;
        }
        let name = rest[..length].trim_ascii_end();
        let mut written = [b':'; NAME + 1];
        written.get_mut(..name.len())?.copy_from_slice(name);
        let is_one = columns::is_named(detector, &written[..=name.len()]);
        // What all elements of a list are called is often in the plural.
        let are_many = || {
            written[name.len() - 1] = b':';
            kinds & headers::OF_ALL != 0 && columns::is_named(detector, &written[..name.len()])
        };
        (is_one || name.ends_with(b"s") && { are_many }()).then_some(Hint { at, kinds })
    }
}

impl Listed {
    pub(super) const fn new() -> Listed {
        Listed { read: 0, waiting: [None; headers::ENDS.len()], open: None }
    }

    /// Whether cells may follow at stream offset `at` of what was met so far.
    pub(super) fn goes_on(&self, at: u64) -> bool {
        let reach = limits::NAMES_REACH as u64;
        self.open.is_some() || self.waiting.iter().flatten().any(|name| name + reach > at)
    }

    /// Reads `from..to` of a text that begins at stream offset `base`, and calls `hit` for every value of a cell that begins
    /// there.
    pub(super) fn read(
        &mut self,
        (compiled, named): (&[Compiled], &[u16]),
        (text, base): (&[u8], u64),
        (from, to): (usize, usize),
        hints: &[Hint],
        mut hit: impl FnMut(u16, Match),
    ) {
        let mut ends = self.header_ends((text, base), (from, to), hints).into_iter();
        let mut at = from.max(self.read.saturating_sub(base) as usize);
        loop {
            if let Some((rows, told)) = self.open.as_deref_mut() {
                let is_over = rows.read(text, &mut at, to, |column, at| {
                    for &(_, number) in told.iter().filter(|(own, _)| usize::from(*own) == column) {
                        if let Some(found) =
                            columns::in_cell(&compiled[usize::from(number)], text, at, is_end)
                        {
                            hit(number, found);
                        }
                    }
                });
                if !is_over {
                    break;
                }
                self.open = None;
            }
            let Some((end, kind)) = ends.find(|&(end, _)| end >= at) else { break };
            let Some(header) = headers::of(text, end, kind) else { continue };
            let told = columns::told_by(compiled, named, header.names.iter().map(|name| &text[name.clone()]));
            if !told.is_empty() {
                at = header.rows;
                self.open = Some(Box::new((Rows::new(header.kind), told)));
            }
        }
        self.read = base + at.max(to) as u64;
    }

    /// Where headers may end in `from..to`: behind each name the first mark that ends its kind of header.
    fn header_ends(
        &mut self,
        (text, base): (&[u8], u64),
        (from, to): (usize, usize),
        hints: &[Hint],
    ) -> Vec<(usize, Kind)> {
        let mut ends = Vec::new();
        for (nth, (kind, waiting)) in headers::ENDS.into_iter().zip(&mut self.waiting).enumerate() {
            let own =
                hints.iter().filter(|hint| hint.kinds & 1 << nth != 0).map(|hint| base + hint.at as u64);
            let mut next = from;
            for name in waiting.take().into_iter().chain(own).collect::<Vec<_>>() {
                let start = next.max(name.saturating_sub(base) as usize);
                let reach = (name + limits::NAMES_REACH as u64).saturating_sub(base) as usize;
                if name < base + next as u64 && next > from || start >= reach.min(to) {
                    continue;
                }
                match headers::end(&text[start..reach.min(to)], kind) {
                    Some(end) => {
                        next = start + end + 1;
                        ends.push((start + end, kind));
                    }
                    None if reach > to => *waiting = Some(name),
                    None => {}
                }
            }
        }
        ends.sort_unstable_by_key(|&(end, _)| end);
        ends
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.open.as_ref().map_or(0, |open| size_of_val(&**open) + size_of_val(&*open.1))
    }
}

/// What may stand behind a value that fills its cell.
fn is_end(byte: u8) -> bool {
    matches!(
        byte,
        b' ' | b'\t' | b'\r' | b'\n' | b',' | b')' | b']' | b'}' | b'"' | b'\'' | b'<' | b'|' | b';' | b'\\'
    )
}

#[cfg(test)]
#[path = "listed_tests.rs"]
mod tests;
