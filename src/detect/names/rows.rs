//! The rows of a list, read forwards, with what is left of one where a piece of text ends.

use super::headers::Kind;
use super::lists::begins;
use super::{MEMBER, VALUE};

/// Where in a list reading has come to.
#[derive(Clone, Copy, Debug)]
pub(in crate::detect) struct Rows {
    kind: Kind,
    /// How deep in brackets.
    depth: u32,
    /// The cell of its row, and whether nothing of it was met yet.
    column: usize,
    fresh: bool,
    /// Within a string, or a tag.
    quote: Option<u8>,
    /// Whether a backslash hides the next byte, and whether a value follows the next colon.
    hidden: bool,
    named: bool,
}

/// What a byte does to a list.
enum Step {
    On,
    Over,
}

impl Rows {
    /// At the beginning of the rows of such a list.
    pub(in crate::detect) const fn new(kind: Kind) -> Rows {
        // Elements stand in a bracket that is open.
        let depth = if matches!(kind, Kind::Elements | Kind::Members) { 1 } else { 0 };
        let fresh = matches!(kind, Kind::Elements);
        let column =
            if matches!(kind, Kind::Elements | Kind::Dashes | Kind::Members) { 0 } else { usize::MAX };
        Rows { kind, depth, column, fresh, quote: None, hidden: false, named: false }
    }

    /// The column of what is read next, where that is a cell of a row or in one.
    pub(in crate::detect) fn column(&self) -> Option<usize> {
        (self.depth == 1).then_some(self.column)
    }

    /// Reads on from `at` up to `to`, and calls `cell` with the column and the place where what a cell holds begins. Whether
    /// the list is over; `at` is where it ended, or what comes next.
    pub(in crate::detect) fn read(
        &mut self,
        text: &[u8],
        at: &mut usize,
        to: usize,
        mut cell: impl FnMut(usize, usize),
    ) -> bool {
        while *at < to {
            let rest = &text[*at..];
            let step = match self.kind {
                Kind::Tuples => self.bracketed(rest, (b'(', b')'), &mut cell, *at),
                Kind::Arrays => self.bracketed(rest, (b'[', b']'), &mut cell, *at),
                Kind::Tabs => self.tabs(rest, &mut cell, *at),
                Kind::Cells => self.cells(rest, &mut cell, *at),
                Kind::Pipes => self.pipes(rest, &mut cell, *at),
                Kind::Lines(mark) => self.lines(rest, mark, &mut cell, *at),
                Kind::Elements => self.bracketed(rest, (b'[', b']'), &mut cell, *at),
                Kind::Dashes => self.dashes(rest, &mut cell, *at),
                Kind::Members => self.members(rest, &mut cell, *at),
                Kind::Fields => Step::Over,
            };
            match step {
                Step::On => *at += 1,
                Step::Over => return true,
            }
        }
        false
    }

    /// Tells of a cell at its first byte.
    fn begin(&mut self, cell: &mut impl FnMut(usize, usize), at: usize) {
        if std::mem::take(&mut self.fresh) {
            cell(self.column, at);
        }
    }

    fn next_cell(&mut self) {
        // All elements have one name.
        if self.kind != Kind::Elements {
            self.column = self.column.wrapping_add(1);
        }
        self.fresh = true;
    }

    fn next_row(&mut self) {
        (self.column, self.fresh) = (usize::MAX, false);
    }

    fn bracketed(
        &mut self,
        rest: &[u8],
        row: (u8, u8),
        cell: &mut impl FnMut(usize, usize),
        at: usize,
    ) -> Step {
        let Some(&byte) = rest.first() else { return Step::On };
        if let Some(quote) = self.quote {
            match byte {
                _ if std::mem::take(&mut self.hidden) => self.begin(cell, at),
                b'\\' => self.hidden = true,
                _ if byte == quote => (self.quote, self.fresh) = (None, false),
                _ => self.begin(cell, at),
            }
            return Step::On;
        }
        match (self.depth, byte) {
            (_, b' ' | b'\t' | b'\r' | b'\n') => {}
            (0, b',') => {}
            (0, _) if byte == row.0 => {
                self.depth = 1;
                self.next_row();
                self.next_cell();
            }
            (0, _) => return Step::Over,
            (1, b',') => self.next_cell(),
            (1, b'"' | b'\'') => self.quote = Some(byte),
            (_, b'"' | b'\'') => (self.quote, self.fresh) = (Some(byte), false),
            (1, _) if byte == row.1 => {
                self.depth = 0;
                if self.kind == Kind::Elements {
                    return Step::Over;
                }
            }
            (_, b'(' | b'[' | b'{') => (self.depth, self.fresh) = (self.depth.saturating_add(1), false),
            (_, b')' | b']' | b'}') => self.depth -= 1,
            (_, b';') if row.0 == b'(' => return Step::Over,
            _ => self.begin(cell, at),
        }
        Step::On
    }

    fn tabs(&mut self, rest: &[u8], cell: &mut impl FnMut(usize, usize), at: usize) -> Step {
        match rest {
            [b'\n', b'\\', b'.', ..] | [b'\n', b'\n' | b'\r', ..] if self.column != usize::MAX => {
                return Step::Over;
            }
            [b'\n', ..] => {
                self.next_row();
                self.next_cell();
            }
            // Up to the end of the line that names the columns.
            _ if self.column == usize::MAX => {}
            [b'\t', ..] => self.next_cell(),
            _ => self.begin(cell, at),
        }
        Step::On
    }

    fn cells(&mut self, rest: &[u8], cell: &mut impl FnMut(usize, usize), at: usize) -> Step {
        match rest {
            [b'>', ..] => self.quote = None,
            _ if self.quote.is_some() => {}
            [b'<', ..] if begins(rest, b"</table") => return Step::Over,
            [b'<', ..] => {
                if begins(rest, b"<tr") {
                    self.next_row();
                } else if begins(rest, b"<td") || begins(rest, b"<th") {
                    self.next_cell();
                } else if begins(rest, b"</td") || begins(rest, b"</th") {
                    self.fresh = false;
                }
                self.quote = Some(b'>');
            }
            [b' ' | b'\t' | b'\r' | b'\n', ..] => {}
            _ => self.begin(cell, at),
        }
        Step::On
    }

    fn lines(&mut self, rest: &[u8], mark: u8, cell: &mut impl FnMut(usize, usize), at: usize) -> Step {
        match rest {
            [b'\n', b'\n', ..] | [b'\n', b'\r', b'\n', ..] => return Step::Over,
            [b'\n', ..] => {
                (self.quote, self.column) = (None, usize::MAX);
                self.next_cell();
            }
            [b'"', ..] if self.quote.is_some() => self.quote = None,
            [b'"', ..] if self.fresh => self.quote = Some(b'"'),
            [byte, ..] if *byte == mark && self.quote.is_none() => self.next_cell(),
            [b' ' | b'\r', ..] => {}
            _ => self.begin(cell, at),
        }
        Step::On
    }

    fn dashes(&mut self, rest: &[u8], cell: &mut impl FnMut(usize, usize), at: usize) -> Step {
        match rest {
            [b'\n', rest @ ..] => {
                let begins = rest.iter().take(32).find(|byte| **byte != b' ');
                if begins != Some(&b'-') {
                    return Step::Over;
                }
                self.quote = Some(b'-');
            }
            [b'-', b' ', ..] if self.quote == Some(b'-') => (self.quote, self.fresh) = (None, true),
            [b' ' | b'"' | b'\'', ..] => {}
            _ => self.begin(cell, at),
        }
        Step::On
    }

    /// Those members of an object whose names say only that a value follows.
    fn members(&mut self, rest: &[u8], cell: &mut impl FnMut(usize, usize), at: usize) -> Step {
        let Some((&byte, behind)) = rest.split_first() else { return Step::On };
        let names =
            |name: &&str| behind.strip_prefix(name.as_bytes()).is_some_and(|rest| rest.starts_with(b"\""));
        match byte {
            _ if self.hidden => self.hidden = false,
            b'\\' => self.hidden = true,
            b'"' if self.quote.is_some() => (self.quote, self.fresh) = (None, false),
            _ if self.quote.is_some() => self.begin(cell, at),
            b'"' => {
                self.quote = Some(byte);
                self.named |= self.depth == 1 && !self.fresh && VALUE.iter().chain(&MEMBER).any(names);
            }
            b':' if self.depth == 1 => self.fresh = std::mem::take(&mut self.named),
            b',' => (self.fresh, self.named) = (false, false),
            b'{' | b'[' => (self.depth, self.fresh) = (self.depth.saturating_add(1), false),
            b'}' | b']' if self.depth == 1 => return Step::Over,
            b'}' | b']' => self.depth -= 1,
            b' ' | b'\t' | b'\r' | b'\n' => {}
            _ => self.begin(cell, at),
        }
        Step::On
    }

    fn pipes(&mut self, rest: &[u8], cell: &mut impl FnMut(usize, usize), at: usize) -> Step {
        match rest {
            // A line that does not begin with the mark, or is a rule, is no row.
            [b'\n', rest @ ..] => {
                let begins = rest.iter().take(8).find(|byte| !matches!(byte, b' ' | b'\t'));
                if !matches!(begins, Some(b'|' | b'+')) {
                    return Step::Over;
                }
                // What stands before the first mark is a column of its own, which holds nothing.
                self.next_row();
                self.next_cell();
            }
            [b'|', ..] => self.next_cell(),
            [b' ' | b'\t' | b'\r', ..] => {}
            _ => self.begin(cell, at),
        }
        Step::On
    }
}
