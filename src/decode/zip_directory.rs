//! Holds the directory of a zip archive against the members that were read: readers go by the one or by the other.

use super::DecodeError;
use super::zip::{CENTRAL, ENCRYPTED, END, IN_EXTRA, ZIP64, extra_field, u16_at, u32_at, u64_at};
use crate::limits::ARCHIVE_MEMBERS;

/// What a header says of one member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stated {
    pub(super) coded: u64,
    pub(super) plain: u64,
    pub(super) method: u16,
    pub(super) encrypted: bool,
}

/// A member as its local header tells of it.
#[derive(Clone, Copy, Debug)]
struct Local {
    /// Where the header begins.
    at: u64,
    stated: Stated,
    /// How long it is is told behind it, where nobody looked.
    open: bool,
    /// The last directory that tells of it.
    told_by: u32,
}

/// An entry of a directory: where its member is said to begin.
#[derive(Clone, Copy, Debug)]
struct Entry {
    offset: u64,
    stated: Stated,
}

/// The members of a text so far, and the directory that is under way.
#[derive(Debug, Default)]
pub(super) struct Directory {
    locals: Vec<Local>,
    /// How many of them no directory has told of.
    untold: usize,
    entries: Vec<Entry>,
    /// Where the first entry begins, and the last ends.
    from: u64,
    to: u64,
    /// Count, length and place of the directory, where they take eight bytes.
    wide: Option<(u64, u64, u64)>,
    directories: u32,
}

/// Shortest entry of a directory.
const ENTRY: u64 = 46;

impl Directory {
    /// A member begins at `at`.
    pub(super) fn local(&mut self, at: u64, stated: Stated, open: bool) -> Result<(), DecodeError> {
        if self.locals.len() as u64 == ARCHIVE_MEMBERS {
            return Err(DecodeError::Members);
        }
        self.locals.push(Local { at, stated, open, told_by: 0 });
        self.untold += 1;
        Ok(())
    }

    /// The member that began last is so long.
    pub(super) fn counted(&mut self, coded: u64, plain: u64) {
        if let Some(last) = self.locals.last_mut() {
            (last.stated.coded, last.stated.plain) = (coded, plain);
        }
    }

    pub(super) fn members(&self) -> usize {
        self.locals.len()
    }

    /// Members past the first `members` were none. A directory that tells of them all the same is refused.
    pub(super) fn forget(&mut self, members: usize) {
        self.locals.truncate(members);
        self.untold = self.locals.iter().filter(|local| local.told_by == 0).count();
        self.entries.clear();
        self.wide = None;
    }

    /// Whether there are members that no directory has told of.
    pub(super) fn is_awaited(&self) -> bool {
        self.untold > 0
    }

    /// Memory that it takes.
    pub(super) fn bytes(&self) -> usize {
        self.locals.capacity() * size_of::<Local>() + self.entries.capacity() * size_of::<Entry>()
    }

    /// An entry that begins at `at`, whole.
    pub(super) fn entry(&mut self, frame: &[u8], at: u64) -> Result<(), DecodeError> {
        if self.entries.len() as u64 == ARCHIVE_MEMBERS {
            return Err(DecodeError::Members);
        }
        if self.entries.is_empty() || at != self.to {
            self.entries.clear();
            self.from = at;
        }
        self.to = at + frame.len() as u64;
        let short = |at: usize| u32_at(frame, at).unwrap_or_default();
        let name = usize::from(u16_at(frame, 28));
        let extra = frame.get(46 + name..).unwrap_or_default();
        let extra = extra.get(..usize::from(u16_at(frame, 30))).unwrap_or_default();
        let mut wide = extra_field(extra, ZIP64).unwrap_or_default();
        let mut long = |short: u32| match wide.split_first_chunk::<8>() {
            Some((value, rest)) if short == IN_EXTRA => {
                wide = rest;
                u64::from_le_bytes(*value)
            }
            Some(_) | None => u64::from(short),
        };
        let (plain, coded, offset) = (long(short(24)), long(short(20)), long(short(42)));
        let (method, encrypted) = (u16_at(frame, 10), u16_at(frame, 8) & ENCRYPTED != 0);
        self.entries.push(Entry { offset, stated: Stated { coded, plain, method, encrypted } });
        Ok(())
    }

    /// The record of eight-byte numbers behind the entries.
    pub(super) fn wide(&mut self, frame: &[u8]) {
        let number = |at: usize| u64_at(frame, at).unwrap_or_default();
        self.wide = Some((number(32), number(40), number(48)));
    }

    /// Whether what begins with the signature of an end at `at` is none, as in programs that read archives: there is no entry
    /// right before it, nor a member that awaits one, and where it says that entries are no reader finds any.
    pub(super) fn is_no_end(&self, frame: &[u8], at: u64) -> bool {
        let number = |at: usize| u64::from(u32_at(frame, at).unwrap_or_default());
        let (count, length, offset) = (u64::from(u16_at(frame, 10)), number(12), number(16));
        let is_alone = self.entries.is_empty() && self.untold == 0 && self.wide.is_none();
        is_alone && (offset + length > at || (1..count.max(1) * ENTRY).contains(&length))
    }

    /// The end, whose record begins at `at`: everything must be as it is said to be.
    pub(super) fn close(&mut self, frame: &[u8], at: u64) -> Result<(), DecodeError> {
        let short = |at: usize| u64::from(u32_at(frame, at).unwrap_or_default());
        let (count, length, offset) = (u64::from(u16_at(frame, 10)), short(12), short(16));
        let wide = self.wide.take();
        let (long, longest) = (u64::from(u32::MAX), u64::from(u16::MAX));
        let (all, bytes, place) = wide.unwrap_or((count, length, offset));
        let agrees = |short: u64, long: u64, mark: u64| short == mark || short == long;
        let comment = frame.get(22..).unwrap_or_default();
        let holds = |signature: u32| memchr::memmem::find(comment, &signature.to_le_bytes()).is_some();
        let entries = std::mem::take(&mut self.entries);
        let (from, to) = if entries.is_empty() { (at, at) } else { (self.from, self.to) };
        // Writers of old count to 65,535 and begin again.
        let counted = entries.len() as u64;
        let is_sound = agrees(count, all, longest)
            && agrees(length, bytes, long)
            && agrees(offset, place, long)
            && (all == counted || wide.is_none() && all == counted & longest)
            && bytes == to - from
            && !holds(END)
            && !holds(CENTRAL);
        if !is_sound {
            return Err(DecodeError::Directory);
        }
        self.directories = self.directories.saturating_add(1);
        self.compare(&entries, i128::from(from) - i128::from(place))
    }

    /// Each entry tells of a member, none of the same, and none is left out from the first that is told of.
    fn compare(&mut self, entries: &[Entry], shift: i128) -> Result<(), DecodeError> {
        let mut first = usize::MAX;
        for entry in entries {
            let at = i128::from(entry.offset) + shift;
            // Before the text begins: it is the last part of an archive.
            let Ok(at) = u64::try_from(at) else { continue };
            let index = self.locals.binary_search_by_key(&at, |local| local.at);
            let (Ok(index), directory) = (index, self.directories) else {
                return Err(DecodeError::Directory);
            };
            let Some(local) = self.locals.get_mut(index) else { return Err(DecodeError::Directory) };
            if local.told_by == directory || !local.is_as(&entry.stated) {
                return Err(DecodeError::Directory);
            }
            self.untold -= usize::from(local.told_by == 0);
            local.told_by = directory;
            first = first.min(index);
        }
        match self.locals.iter().skip(first).any(|local| local.told_by == 0) {
            true => Err(DecodeError::Directory),
            false => Ok(()),
        }
    }
}

impl Local {
    fn is_as(&self, entry: &Stated) -> bool {
        let is_stored = entry.method != 0 || entry.encrypted || entry.coded == entry.plain;
        match self.open {
            true => {
                let packing = |stated: &Stated| (stated.method, stated.encrypted);
                packing(&self.stated) == packing(entry) && is_stored
            }
            false => self.stated == *entry,
        }
    }
}

#[cfg(test)]
#[path = "zip_directory_tests.rs"]
mod tests;
