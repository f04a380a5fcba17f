//! Where each byte of an undone text came from.

use std::collections::VecDeque;
use std::ops::Range;

use super::escape::Kind;
use super::layer::Wrapping;

/// The bytes of an undone text, by offset, to those of the text that it was.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    parts: VecDeque<Part>,
    /// From where on in the text values are called so.
    names: VecDeque<(u64, Box<str>)>,
    /// Behind the last part.
    view: u64,
    raw: u64,
}

/// From here on, until the next part begins.
#[derive(Clone, Copy, Debug)]
struct Part {
    view: u64,
    raw: u64,
    step: Step,
    kind: Option<Kind>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// So many bytes for each.
    Each(u8),
    /// So many bytes for all of it together.
    Whole(u16),
    /// Four bytes for three, always whole.
    Quads,
}

/// Memory that a name takes.
const NAME: usize = 64;

impl Origin {
    /// An empty text that begins at `raw`.
    #[must_use]
    pub fn at(raw: u64) -> Origin {
        Origin { raw, ..Origin::default() }
    }

    /// How long the text is.
    pub(super) fn view(&self) -> u64 {
        self.view
    }

    /// What follows is called so by what is around it.
    pub(super) fn name(&mut self, name: &str) {
        self.names.push_back((self.view, name.into()));
    }

    /// What the byte at `view` is called, if it is.
    #[must_use]
    pub fn called(&self, view: u64) -> Option<&str> {
        let behind = self.names.partition_point(|(from, _)| *from <= view);
        let (_, name) = self.names.get(behind.checked_sub(1)?)?;
        (!name.is_empty()).then_some(&**name)
    }

    /// Bytes that stand for themselves.
    pub fn literal(&mut self, length: usize) {
        if length > 0 {
            self.add(length, length, None);
        }
    }

    /// What follows comes from `raw` on: what lies between is no part of the text.
    pub fn jump(&mut self, raw: u64) {
        self.raw = raw;
    }

    /// Where the bytes of `from..to` come from: one range for all that stand together.
    #[must_use]
    pub fn pieces(&self, from: u64, to: u64) -> Vec<Range<u64>> {
        let mut pieces: Vec<Range<u64>> = Vec::new();
        let first = self.parts.partition_point(|part| part.view <= from).saturating_sub(1);
        let behind = self.parts.iter().skip(first + 1).map(|part| part.view).chain([self.view]);
        let parts = self.parts.iter().skip(first).zip(behind).take_while(|(part, _)| part.view < to);
        for (part, end) in parts {
            let end = end.min(to);
            // What stands for nothing is no part of it.
            if end <= from.max(part.view) {
                continue;
            }
            let (start, end) = (self.start(from.max(part.view)), self.end(end));
            match pieces.last_mut() {
                Some(last) if last.end == start => last.end = end,
                Some(_) | None => pieces.push(start..end),
            }
        }
        pieces
    }

    /// `raw` bytes that stand for `view`.
    pub fn add(&mut self, view: usize, raw: usize, kind: Option<Kind>) {
        let step = match (view, u8::try_from(raw)) {
            (3, Ok(4)) if kind == Some(Kind::Base64) => Step::Quads,
            (_, _) if kind.is_none() => Step::Each(1),
            (1, Ok(raw)) => Step::Each(raw),
            (_, _) => Step::Whole(u16::try_from(raw).unwrap_or(u16::MAX)),
        };
        let goes_on = self.parts.back().is_some_and(|last| {
            let reached = match step {
                Step::Each(each) => (self.view - last.view) * u64::from(each),
                Step::Quads => (self.view - last.view) / 3 * 4,
                Step::Whole(_) => return false,
            };
            last.step == step && last.kind == kind && last.raw + reached == self.raw
        });
        if !goes_on {
            self.parts.push_back(Part { view: self.view, raw: self.raw, step, kind });
        }
        self.view += view as u64;
        self.raw += raw as u64;
    }

    fn part(&self, view: u64) -> Option<&Part> {
        let behind = self.parts.partition_point(|part| part.view <= view);
        behind.checked_sub(1).and_then(|at| self.parts.get(at))
    }

    /// Where the byte at `view` begins.
    #[must_use]
    pub fn start(&self, view: u64) -> u64 {
        if view >= self.view {
            return self.raw;
        }
        self.part(view).map_or(self.raw, |part| match part.step {
            Step::Each(each) => part.raw + (view - part.view) * u64::from(each),
            Step::Quads => part.raw + (view - part.view) / 3 * 4,
            Step::Whole(_) => part.raw,
        })
    }

    /// Where the byte before `view` ends.
    #[must_use]
    pub fn end(&self, view: u64) -> u64 {
        let Some(part) = view.checked_sub(1).and_then(|last| self.part(last)) else { return self.raw };
        match part.step {
            Step::Each(each) => part.raw + (view - part.view) * u64::from(each),
            Step::Quads => part.raw + (view - part.view).div_ceil(3) * 4,
            Step::Whole(all) => part.raw + u64::from(all),
        }
    }

    /// How the first byte of `from..to` is written that is not written as itself.
    #[must_use]
    pub fn kind(&self, from: u64, to: u64) -> Option<Kind> {
        let first = self.parts.partition_point(|part| part.view <= from).saturating_sub(1);
        self.parts.iter().skip(first).take_while(|part| part.view < to).find_map(|part| part.kind)
    }

    /// What `from..to` wears of `wrapping`: base64 begins and ends at digits that the text shares with what is around it.
    #[must_use]
    pub fn worn(&self, wrapping: Wrapping, from: u64, to: u64) -> Wrapping {
        match wrapping {
            Wrapping::Armour => {}
            Wrapping::Parts => {
                return match self.kind(from, to) {
                    Some(Kind::Utf16) => Wrapping::Utf16 { big_endian: false },
                    Some(Kind::Utf16Big) => Wrapping::Utf16 { big_endian: true },
                    Some(Kind::Charset(charset)) => Wrapping::Charset(charset),
                    Some(Kind::QuotedPrintable) => Wrapping::Quoted,
                    Some(Kind::Base64) => self.worn(Wrapping::Armour, from, to),
                    Some(_) | None => wrapping,
                };
            }
            _ => return wrapping,
        }
        let shared = |view: u64| {
            self.part(view).map_or(0, |part| match part.step {
                Step::Quads => (view - part.view) % 3,
                Step::Whole(_) => view - part.view,
                Step::Each(_) => 0,
            })
        };
        let last = to.saturating_sub(1);
        // Bytes behind the last one that its digits also stand for.
        let behind = self.part(last).map_or(0, |part| match part.step {
            Step::Quads => 2 - (last - part.view) % 3,
            Step::Whole(_) => self.next(part.view).saturating_sub(to),
            Step::Each(_) => 0,
        });
        let byte = |count: u64| u8::try_from(count).unwrap_or(u8::MAX);
        match self.kind(from, to) {
            Some(Kind::Base64) => Wrapping::Base64 { lead: byte(shared(from)), trail: byte(behind) },
            _ => Wrapping::Hex,
        }
    }

    /// Where the part behind the one that begins at `view` begins.
    fn next(&self, view: u64) -> u64 {
        let behind = self.parts.partition_point(|part| part.view <= view);
        self.parts.get(behind).map_or(self.view, |part| part.view)
    }

    /// Forgets what lies before `view`.
    pub fn forget(&mut self, view: u64) {
        let behind = self.parts.partition_point(|part| part.view <= view);
        self.parts.drain(..behind.saturating_sub(1));
        if !self.names.is_empty() {
            let behind = self.names.partition_point(|(from, _)| *from <= view);
            self.names.drain(..behind.saturating_sub(1));
        }
    }

    /// Memory that it takes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.parts.capacity() * size_of::<Part>() + self.names.len() * NAME
    }
}
