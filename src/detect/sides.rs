//! Matches around a mark such as `@`: whatever begins before one mark goes on behind it alike, and is judged there once.

use std::ops::Range;

use super::compiled::{Compiled, Match, boundary_after};
use super::shape::{DEAD, Ends};
use super::validate::{Check, Hangs, Sweep};

/// The checks of a detector by what they hang on.
#[derive(Debug, Default)]
pub(super) struct Sides {
    before: Vec<&'static Check>,
    behind: Vec<&'static Check>,
    rest: Vec<&'static Check>,
    /// Those that judge all beginnings of a text at once, and whether what they let pass is wanted.
    sweeps: Vec<(Sweep, bool)>,
}

impl Sides {
    pub(super) fn of(validators: &[&'static Check], invalidators: &[&'static Check]) -> Sides {
        let mut sides = Sides::default();
        let wanted = validators.iter().map(|&check| (check, true));
        for (check, pass) in wanted.chain(invalidators.iter().map(|&check| (check, false))) {
            if let Hangs::Beginnings(sweep) = check.hangs() {
                sides.sweeps.push((sweep, pass));
            }
        }
        for &check in validators {
            let of = match check.hangs() {
                Hangs::BeforeMark => &mut sides.before,
                Hangs::BehindMark => &mut sides.behind,
                Hangs::Whole | Hangs::Beginnings(_) => &mut sides.rest,
            };
            of.push(check);
        }
        sides
    }

    /// Leaves the lengths with which `text` may hold: it did not as a whole, and each of many would be judged anew.
    #[inline]
    pub(super) fn sweep(&self, text: &[u8], lengths: &mut Ends) {
        for (sweep, pass) in &self.sweeps {
            if lengths.is_empty() {
                break;
            }
            lengths.keep(&sweep(text), *pass);
        }
    }
}

/// What is known of the ends behind one mark, for starts that come to one state there.
pub(super) struct Behind {
    mark: Range<usize>,
    /// From here on no start meets another mark before it.
    first: usize,
    state: u16,
    ends: Ends,
}

impl Behind {
    /// What stands from `from` to the mark holds no `@`.
    pub(super) fn of(text: &[u8], from: usize, mark: Range<usize>) -> Behind {
        let (mut first, before) = (from, &text[from..mark.start]);
        // A shorter one holds no `%40`.
        let before = if before.len() < 3 { &[][..] } else { before };
        for percent in memchr::memrchr_iter(b'%', before) {
            if before[percent..].starts_with(b"%40") {
                first = from + percent + 1;
                break;
            }
        }
        Behind { mark, first, state: DEAD, ends: Ends::default() }
    }
}

impl Compiled {
    /// The same as [`match_at`](Compiled::match_at), for a start from which a mark is met; `known` is kept from start to
    /// start.
    #[inline]
    pub(super) fn match_around(&self, text: &[u8], at: usize, known: &mut Behind) -> Option<Match> {
        let Range { start: mark, end: from } = known.mark;
        if !self.can_start(text, at) {
            return None;
        }
        // A match may end before the mark, or an earlier one be meant.
        let fits = !self.is_divided() && at >= known.first;
        let state = fits.then(|| self.shape.through(text.get(at..from)?)).flatten();
        let Some(state) = state else { return self.match_at(text, at) };
        if state == DEAD {
            return None;
        }
        if state != known.state {
            (known.state, known.ends) = (state, self.shape.run_on(state, text.get(from..)?));
        }
        let mut ends = known.ends;
        while let Some(len) = ends.pop_longest() {
            let end = from + len;
            if !boundary_after(self.boundary, text, end)
                || !self.sides.behind.iter().all(|check| (check.passes)(&text[mark..end]))
            {
                known.ends.remove(len);
                continue;
            }
            // What stands before the mark, unless it stands for another, is the same for all ends.
            let value = &text[at..end];
            let judged = if from - mark == 1 { &text[at..from] } else { value };
            if !self.sides.before.iter().all(|check| (check.passes)(judged)) {
                if from - mark == 1 {
                    return None;
                }
                continue;
            }
            let mut refusing = self.invalidators.iter();
            if self.sides.rest.iter().all(|check| (check.passes)(value))
                && !refusing.any(|check| (check.passes)(value))
            {
                return self.standing(text, at..end, at..end);
            }
        }
        None
    }
}
