//! Runs of base64 and hexadecimal digits in a text: looked for, judged, and undone.

use super::super::armour;
use super::super::escape::Kind;
use super::{Layer, Run, Sink};
use crate::limits::{ARMOUR_JUDGED, LAYER_STEP, NAMES_REACH};

/// What is kept of a text in which runs of digits are looked for: what may name one that is not judged yet.
const BEFORE: usize = NAMES_REACH + 1 + 2 * ARMOUR_JUDGED;

/// At most so much stands between two lines of one run: a line end as JSON, XML and programs write it, and what lines are
/// indented by.
const BETWEEN_LINES: u64 = 16;

impl Layer {
    /// Between runs nothing is kept but what may name the next: only what may be one is taken.
    pub(super) fn push_armour(&mut self, whole: &[u8], sink: Sink<'_>) {
        let mut chunk = whole;
        while !chunk.is_empty() {
            if self.is_idle() {
                let (Ok(start) | Err(start)) = match self.run {
                    Run::Skipping => Err(armour::digits(chunk)),
                    Run::Seeking | Run::In(..) => (self.searches.runs)(chunk),
                };
                self.base = self.looked() + start as u64;
                self.text.clear();
                self.done = 0;
                chunk = &chunk[start..];
                if self.run == Run::Skipping && !chunk.is_empty() {
                    self.passed_over();
                    continue;
                }
            }
            // A run is judged, or over, within its first digits.
            let step = if self.run == Run::Seeking { ARMOUR_JUDGED } else { LAYER_STEP };
            let (piece, rest) = chunk.split_at(chunk.len().min(step));
            self.text.extend_from_slice(piece);
            self.walk_above(whole, false, sink);
            chunk = rest;
        }
        self.seen += whole.len() as u64;
        let keep = whole.len().saturating_sub(BEFORE);
        if keep > 0 {
            self.before.clear();
        } else if self.before.len() + whole.len() > 2 * BEFORE {
            // Moved rarely: what is kept may grow to twice of what is needed.
            self.before.drain(..self.before.len() + whole.len() - BEFORE);
        }
        self.before.extend_from_slice(&whole[keep..]);
    }

    /// What stands before `at`, as far as names reach and one byte more; `chunk` is being read.
    fn stands_before(&self, at: u64, chunk: &[u8]) -> Vec<u8> {
        let back = usize::try_from(self.seen.saturating_sub(at)).unwrap_or(usize::MAX);
        let within = usize::try_from(at.saturating_sub(self.seen)).unwrap_or(usize::MAX);
        let here = chunk.get(..within.min(chunk.len())).unwrap_or_default();
        let earlier = self.before.get(..self.before.len().saturating_sub(back)).unwrap_or_default();
        let here = here.get(here.len().saturating_sub(NAMES_REACH + 1)..).unwrap_or_default();
        let room = NAMES_REACH + 1 - here.len();
        [earlier.get(earlier.len().saturating_sub(room)..).unwrap_or_default(), here].concat()
    }

    /// The byte before `at`, if it is kept; `chunk` is being read.
    fn byte_before(&self, at: u64, chunk: &[u8]) -> Option<u8> {
        let (text, end) = match at.checked_sub(self.seen) {
            Some(within @ 1..) => (chunk, usize::try_from(within).ok()?),
            Some(0) => (&*self.before, self.before.len()),
            None => (&*self.before, self.before.len().checked_sub(usize::try_from(self.seen - at).ok()?)?),
        };
        text.get(..end)?.last().copied()
    }

    /// A text that is nothing but base64: pieces that end in `=` follow each other.
    pub(super) fn digits_alone(&mut self, last: bool, sink: Sink<'_>) {
        self.begin(0, sink);
        self.open = Some(u64::MAX);
        while self.done < self.text.len() {
            let quads = self.digits(usize::MAX) / 4;
            for quad in self.text[self.done..self.done + 4 * quads].chunks_exact(4) {
                self.view.extend(armour::bytes(quad));
                self.origin.add(3, 4, Some(Kind::Base64));
            }
            self.done += 4 * quads;
            let rest = self.digits(4);
            let gap =
                self.text[self.done + rest..].iter().take_while(|byte| !armour::is_digit(**byte)).count();
            if rest > 0 && gap == 0 && !last {
                return;
            }
            let bytes = armour::bytes(&self.text[self.done..self.done + rest]);
            let count = rest.saturating_sub(1);
            self.view.extend_from_slice(&bytes[..count]);
            self.origin.add(count, rest, Some(Kind::Base64));
            self.origin.add(0, gap, Some(Kind::Base64));
            self.done += rest + gap;
        }
    }

    pub(super) fn armour(&mut self, chunk: &[u8], last: bool, sink: Sink<'_>) {
        loop {
            let goes_on = match self.run {
                Run::Seeking => self.seek(chunk, last, sink),
                Run::Skipping => {
                    self.done += self.digits(usize::MAX);
                    let is_over = self.done < self.text.len();
                    if is_over {
                        self.passed_over();
                    }
                    is_over
                }
                Run::In(Kind::Hex, line) => self.hex(line, last, sink),
                Run::In(_, line) => self.base64(line, last, sink),
            };
            if !goes_on {
                return;
            }
        }
    }

    /// Digits from where it stands, at most so many.
    fn digits(&self, most: usize) -> usize {
        let rest = &self.text[self.done..];
        armour::digits(rest.get(..most).unwrap_or(rest))
    }

    /// Looks for the next run and judges it; whether there is more to do.
    fn seek(&mut self, chunk: &[u8], last: bool, sink: Sink<'_>) -> bool {
        match armour::seek(&self.text, self.done) {
            Ok(at) => self.done = at,
            Err(at) => {
                self.done = if last { self.text.len() } else { at };
                return false;
            }
        }
        let count = self.digits(ARMOUR_JUDGED);
        if count < ARMOUR_JUDGED && self.done + count == self.text.len() && !last {
            return false;
        }
        let run = &self.text[self.done..self.done + count];
        let before = self.byte_before(self.base + self.done as u64, chunk);
        if !before.is_some_and(armour::is_digit) {
            self.tried = 0;
        }
        let behind = armour::behind_mark(run).filter(|_| self.tried < armour::BEHIND_MARKS);
        let mark = match armour::mark(run) {
            0 => armour::lead(before, run),
            mark => mark,
        };
        let own = &run[mark..];
        let is_doubtful = |at: &usize| !armour::is_clear(own) && armour::is_clear(&run[*at..]);
        let known = armour::recognise(own).filter(|_| !behind.as_ref().is_some_and(is_doubtful));
        match known {
            Some((kind, packed)) => {
                let gap = self.line_end.map(|end| self.looked().saturating_sub(end));
                (self.packed, self.torn) =
                    (packed, gap.is_some_and(|gap| (1..=BETWEEN_LINES).contains(&gap)));
                self.done += mark;
                let before = self.stands_before(self.base + self.done as u64, chunk);
                self.begin_behind(before, self.done, sink);
                self.open = Some(u64::MAX);
                self.run = Run::In(kind, 0);
            }
            None => match behind {
                Some(behind) => (self.done, self.tried) = (self.done + behind, self.tried + 1),
                None => self.pass_over(),
            },
        }
        true
    }

    /// The run that stands here is none, or is over: what is left of its digits belongs to no other.
    fn pass_over(&mut self) {
        (self.run, self.skipped) = (Run::Skipping, self.looked());
    }

    /// All of it was passed over.
    fn passed_over(&mut self) {
        let end = self.looked();
        if end - self.skipped >= armour::LINE_LEAST as u64 {
            self.line_end = Some(end);
        }
        self.run = Run::Seeking;
    }

    fn hex(&mut self, mut line: usize, last: bool, sink: Sink<'_>) -> bool {
        loop {
            let start = self.done;
            while let Some(byte) = self.text.get(self.done..self.done + 2).and_then(armour::pair) {
                self.view.push(byte);
                self.origin.add(1, 2, Some(Kind::Hex));
                self.done += 2;
            }
            line += self.done - start;
            self.run = Run::In(Kind::Hex, line);
            let behind = &self.text[self.done..];
            if behind.len() < 2 && !last {
                return false;
            }
            match armour::joins(behind, line, Kind::Hex, self.packed, last) {
                None => return false,
                Some(0) => {
                    self.end_run(sink);
                    // A mark that is a digit of base64 parts it from what may be another.
                    self.run = Run::Seeking;
                    return true;
                }
                Some(length) => {
                    self.origin.add(0, length, Some(Kind::Hex));
                    self.done += length;
                    line = 0;
                }
            }
        }
    }

    fn base64(&mut self, mut line: usize, last: bool, sink: Sink<'_>) -> bool {
        loop {
            let quads = self.digits(usize::MAX) / 4;
            for quad in self.text[self.done..self.done + 4 * quads].chunks_exact(4) {
                self.view.extend(armour::bytes(quad));
                self.origin.add(3, 4, Some(Kind::Base64));
            }
            self.done += 4 * quads;
            line += 4 * quads;
            self.run = Run::In(Kind::Base64, line);
            let rest = self.digits(4);
            let behind = &self.text[self.done + rest..];
            if behind.is_empty() && !last {
                return false;
            }
            let joined = match rest {
                0 => armour::joins(behind, line, Kind::Base64, self.packed, last),
                _ => Some(0),
            };
            match joined {
                None => return false,
                Some(0) => {
                    let bytes = armour::bytes(&self.text[self.done..self.done + rest]);
                    let count = rest.saturating_sub(1);
                    self.view.extend_from_slice(&bytes[..count]);
                    self.origin.add(count, rest, Some(Kind::Base64));
                    self.done += rest;
                    if line >= armour::LINE_LEAST {
                        self.line_end = Some(self.looked());
                    }
                    return self.end_run(sink);
                }
                Some(length) => {
                    self.origin.add(0, length, Some(Kind::Base64));
                    self.done += length;
                    line = 0;
                }
            }
        }
    }

    /// The run ends here; whether there is more to do.
    fn end_run(&mut self, sink: Sink<'_>) -> bool {
        self.pass_over();
        self.close(sink);
        true
    }
}
