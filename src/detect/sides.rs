//! Matches around a mark such as `@`: whatever begins before one mark goes on behind it alike, and is judged there once.

use std::ops::Range;

use super::compiled::{Compiled, Match, boundary_after};
use super::shape::{DEAD, Ends};
use super::validate::{Check, Hangs};

type Beginning = (&'static Check, fn(&[u8]) -> usize);

/// The validators of a detector by what they hang on.
#[derive(Debug, Default)]
pub(super) struct Sides {
    before: Vec<&'static Check>,
    behind: Vec<&'static Check>,
    beginning: Vec<Beginning>,
}

impl Sides {
    pub(super) fn of(validators: &[&'static Check]) -> Sides {
        let mut sides = Sides::default();
        for &check in validators {
            match check.hangs() {
                Hangs::Whole => {}
                Hangs::BeforeMark => sides.before.push(check),
                Hangs::BehindMark => sides.behind.push(check),
                Hangs::Beginning(enough) => sides.beginning.push((check, enough)),
            }
        }
        sides
    }

    /// How many of its first bytes refuse a value, where its beginning does or may; nothing where it may pass.
    #[inline]
    pub(super) fn refused(&self, value: &[u8]) -> Option<usize> {
        let refusing = self.beginning.iter().find(|(check, _)| !(check.passes)(value));
        refusing.map(|(_, enough)| enough(value))
    }
}

/// What is known of the ends behind one mark, for starts that come to one state there.
pub(super) struct Behind {
    mark: Range<usize>,
    state: u16,
    ends: Ends,
}

impl Behind {
    pub(super) fn of(mark: Range<usize>) -> Behind {
        Behind { mark, state: DEAD, ends: Ends::default() }
    }
}

impl Compiled {
    /// The same as [`match_at`](Compiled::match_at), for a start from which a mark is met; `known` is kept from start to
    /// start.
    pub(super) fn match_around(&self, text: &[u8], at: usize, known: &mut Behind) -> Option<Match> {
        let Range { start: mark, end: from } = known.mark;
        if !self.can_start(text, at) {
            return None;
        }
        let before = text.get(at..from)?;
        // A match may end before the mark, the mark may stand for two things, or an earlier one be meant.
        let state =
            self.shape.through(before).filter(|_| !self.is_divided() && self.is_first(before, mark - at));
        let Some(state) = state else { return self.match_at(text, at) };
        if state == DEAD || from - mark == 1 && !self.sides.before.iter().all(|check| (check.passes)(before))
        {
            return None;
        }
        if state != known.state {
            (known.state, known.ends) = (state, self.shape.run_on(state, text.get(from..)?));
        }
        let mut ends = known.ends;
        while let Some(len) = ends.pop_longest() {
            let end = from + len;
            let behind = &text[mark..end];
            if !boundary_after(self.boundary, text, end)
                || !self.sides.behind.iter().all(|check| (check.passes)(behind))
            {
                known.ends.remove(len);
            } else if self.holds(&text[at..end]) {
                return self.stands(text, at, end).then_some(Match { start: at, end, value: at..end });
            }
        }
        None
    }

    /// Whether nothing that could be a mark stands before the one at `mark`.
    fn is_first(&self, text: &[u8], mark: usize) -> bool {
        let before = &text[..mark];
        memchr::memchr2(b'@', b'%', before).is_none()
            || !before.contains(&b'@') && memchr::memmem::find(before, b"%40").is_none()
    }
}
