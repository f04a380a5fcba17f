//! Matches around a mark such as `@`: whatever begins before one mark goes on behind it alike, and is judged there once.

use std::ops::Range;

use super::compiled::{Compiled, Match, boundary_after};
use super::index::At;
use super::shape::{DEAD, Ends, Shape};
use super::validate::{Check, Hangs, Opening, Sweep};

/// The checks of a detector by what they hang on.
#[derive(Debug, Default)]
pub(super) struct Sides {
    before: Vec<&'static Check>,
    behind: Vec<&'static Check>,
    rest: Vec<&'static Check>,
    /// Those that judge all beginnings of a text at once, and whether what they let pass is wanted.
    sweeps: Vec<(Sweep, bool)>,
    /// What validators tell before a match is looked for.
    openings: Vec<Opening>,
}

impl Sides {
    /// `longest`: how long a value can be.
    pub(super) fn of(
        validators: &[&'static Check],
        invalidators: &[&'static Check],
        longest: usize,
    ) -> Sides {
        let mut sides = Sides::default();
        let wanted = validators.iter().map(|&check| (check, true));
        for (check, pass) in wanted.chain(invalidators.iter().map(|&check| (check, false))) {
            if let Some(sweep) = check.sweep(longest) {
                sides.sweeps.push((sweep, pass));
            }
        }
        sides.openings = validators.iter().filter_map(|check| check.opening()).collect();
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

    /// Whether the validators can let pass anything that a text begins with.
    #[inline(always)]
    pub(super) fn open(&self, text: &[u8], longest: usize) -> bool {
        self.openings.is_empty() || {
            let text = text.get(..longest).unwrap_or(text);
            self.openings.iter().all(|opening| opening(text))
        }
    }

    /// Whether one reading judges all beginnings of a text.
    #[inline(always)]
    pub(super) fn sweep_at_once(&self) -> bool {
        !self.sweeps.is_empty()
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

/// The marks that a pattern may hold: an `@` as it stands, and percent-encoded.
const ENCODED: &[u8; 3] = b"%40";

/// For each mark the one state that a match can be in right behind the first of them, wherever it began; nothing where
/// there are several, or where one may be over before it.
pub(super) fn behind_marks(shape: &Shape) -> [Option<u16>; 2] {
    let special = |byte: u8| byte == b'@' || ENCODED.contains(&byte);
    let mut seen = vec![false; shape.width()];
    // One byte of each class, and those that marks are made of.
    let plain =
        (0..=u8::MAX).filter(|&b| !special(b) && !std::mem::replace(&mut seen[shape.class_of(b)], true));
    let bytes: Vec<u8> = plain.chain(*b"@%40").collect();
    let (mut plain, mut encoded) = (Vec::new(), Vec::new());
    // States, each with how much of an encoded mark lies behind.
    let mut known = vec![[false; ENCODED.len()]; shape.states()];
    let mut open = vec![(Shape::START, 0)];
    while let Some((state, part)) = open.pop() {
        for &byte in &bytes {
            let to = shape.step(state, byte);
            if to == DEAD {
                continue;
            }
            if shape.accepts(to) {
                return [None; 2];
            }
            let part = match byte {
                b'@' => {
                    plain.push(to);
                    continue;
                }
                b'%' => 1,
                b'4' if part == 1 => 2,
                b'0' if part == 2 => {
                    encoded.push(to);
                    continue;
                }
                _ => 0,
            };
            if !std::mem::replace(&mut known[usize::from(to)][part], true) {
                open.push((to, part));
            }
        }
    }
    let one = |states: Vec<u16>| {
        let first = states.first().copied();
        first.filter(|first| states.iter().all(|state| state == first))
    };
    [one(plain), one(encoded)]
}

/// What is known of the ends behind one mark, for starts that come to one state there.
pub(super) struct Behind {
    mark: Range<usize>,
    /// The first start, and from where on none meets another mark before this one.
    from: usize,
    first: usize,
    known: Known,
    /// Starts that what stands before them rules out, from 1, once there was one.
    barred: Option<Box<Ends>>,
}

/// The ends of a match that is in this state right behind the mark.
#[derive(Clone, Copy, Debug, Default)]
struct Known {
    state: u16,
    ends: Ends,
    /// This one, unless it is 0, was judged by what stands behind the mark.
    judged: usize,
}

impl At {
    /// The starts from `least` on that a mark may belong to, and what is known of the ends behind it; nothing where none
    /// can.
    #[inline]
    pub(super) fn starts(
        &self,
        detector: &Compiled,
        text: &[u8],
        least: usize,
        mark: Range<usize>,
    ) -> Option<(Range<usize>, Behind)> {
        let known = self.behind.map(|state| detector.goes_on_behind(text, &mark, state));
        // A start before another mark is met at that one.
        let goes_on = |at: usize| {
            self.class[usize::from(text[at])]
                && !(self.once
                    && text[at] == b'%'
                    && at + ENCODED.len() <= mark.start
                    && text[at..].starts_with(ENCODED))
        };
        let mut first = mark.start;
        while first > least && goes_on(first - 1) {
            first -= 1;
        }
        let unmarked = unmarked_from(text, first, mark.start);
        if self.once {
            first = unmarked;
        }
        let (last, known) = match known {
            // Only what begins before another mark can still be one.
            Some(None) if unmarked == first => return None,
            Some(None) => (unmarked, Known::default()),
            Some(Some(known)) => (mark.start + 1, known),
            None => (mark.start + 1, Known::default()),
        };
        Some((first..last, Behind { mark, from: first, first: unmarked, known, barred: None }))
    }
}

impl Behind {
    /// The first start from `at` on that what stands before it does not rule out, as far as is known.
    #[inline(always)]
    pub(super) fn next(&self, at: usize) -> usize {
        match &self.barred {
            Some(barred) => self.from + barred.next_missing(at + 1 - self.from) - 1,
            None => at,
        }
    }
}

/// From where on before `mark` no encoded mark begins.
fn unmarked_from(text: &[u8], from: usize, mark: usize) -> usize {
    let before = text.get(from..mark).unwrap_or_default();
    if before.len() < ENCODED.len() {
        return from;
    }
    let mut percents = memchr::memrchr_iter(b'%', before);
    let last = percents.find(|&percent| before[percent..].starts_with(ENCODED));
    last.map_or(from, |percent| from + percent + 1)
}

impl Compiled {
    /// The ends of a match that is in `state` right behind a mark, as far as what stands there tells; nothing where there
    /// are none.
    #[inline]
    fn goes_on_behind(&self, text: &[u8], mark: &Range<usize>, state: u16) -> Option<Known> {
        let behind = text.get(mark.end..)?;
        if !self.shape.is_over_in(state, behind) {
            return None;
        }
        let mut ends = self.shape.run_on(state, behind);
        loop {
            let judged = ends.pop_longest()?;
            if self.ends_behind(text, mark, judged) {
                ends.insert(judged);
                return Some(Known { state, ends, judged });
            }
        }
    }

    /// The starts of a stretch that what stands before them rules out, from 1.
    fn barred(&self, text: &[u8], starts: Range<usize>) -> Ends {
        let mut barred = Ends::NONE;
        let Some(before) = &self.not_before else { return barred };
        let least = starts.start.saturating_sub(before.max_len);
        let stretch = &text[least..starts.end];
        let mut class = stretch.first().map_or(0, |&byte| before.class_of(byte));
        for begin in 0..stretch.len() {
            // Most begin nothing, which two bytes tell.
            if let Some(&second) = stretch.get(begin + 1) {
                let first = std::mem::replace(&mut class, before.class_of(second));
                if !before.opens(first, class) {
                    continue;
                }
            }
            let mut state = Shape::START;
            for (end, &byte) in (least + begin + 1..).zip(&stretch[begin..]) {
                state = before.step(state, byte);
                if state == DEAD {
                    break;
                }
                if before.accepts(state) {
                    barred.insert((end + 1).saturating_sub(starts.start));
                }
            }
        }
        barred
    }

    /// Whether a match can end so many bytes behind a mark, as far as what stands behind the mark tells.
    #[inline(always)]
    fn ends_behind(&self, text: &[u8], mark: &Range<usize>, len: usize) -> bool {
        let end = mark.end + len;
        boundary_after(self.boundary, text, end)
            && self.sides.behind.iter().all(|check| (check.passes)(&text[mark.start..end]))
    }

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
        let Behind { known, barred, from: first, .. } = known;
        if state != known.state {
            *known = Known { state, ends: self.shape.run_on(state, text.get(from..)?), judged: 0 };
        }
        let mut ends = known.ends;
        while let Some(len) = ends.pop_longest() {
            let end = from + len;
            if len != known.judged {
                if !self.ends_behind(text, &(mark..from), len) {
                    known.ends.remove(len);
                    continue;
                }
                known.judged = len;
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
                let standing = self.standing(text, at..end, at..end);
                if standing.is_none() && self.stands_behind(text, at) {
                    *barred = Some(Box::new(self.barred(text, *first..mark)));
                }
                return standing;
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::{Matcher, Pack};
    use crate::fingerprint::FingerprintKey;

    #[test]
    fn a_state_behind_marks_is_told_where_there_is_one() {
        let marks =
            |pattern: &str| behind_marks(&Shape::compile(pattern).unwrap()).map(|state| state.is_some());
        assert_eq!(marks("[a-z.]{1,20}@[a-z]{2,9}"), [true, false]);
        assert_eq!(marks("[a-z.0-9%]{1,20}(?:@|%40)[a-z]{2,9}"), [true, false]);
        assert_eq!(marks("(?:[a-z.4]|%2b){1,20}(?:@|%40)[a-z]{2,9}"), [true, true]);
        assert_eq!(marks("a@[a-z]{2,9}|b@[a-f]{3}"), [false, false]);
        assert_eq!(marks("[a-z]{1,20}(?:@[a-z]{2,9})?"), [false, false]);
    }

    #[test]
    fn long_numbers_are_judged_once_for_all_ends() {
        let text = "[pack]\nname = \"t\"\nversion = \"1.0.0\"\n[[detector]]\nid = \"t.n\"\ndescription = \"d\"\n\
            tier = \"strong\"\npattern = '[0-9]{6,MOST}'\nboundary = \"none\"\nvalidators = [\"luhn\"]\n\
            invalidators = [\"all-same\"]\n[[detector.example]]\ntext = \"see 4539148803436467\"\n\
            finds = [\"4539148803436467\"]\n[[detector.example]]\ntext = \"\"\nfinds = []\n";
        let finding = |most: &str| {
            let pack = Pack::parse("t.toml", &text.replace("MOST", most)).unwrap();
            let matcher = Matcher::compile(vec![pack]).unwrap();
            move |text: &str| {
                let found = matcher.find(&FingerprintKey::new(&[0; 32]), None, text.as_bytes());
                found.iter().map(|found| (found.start, found.end)).collect::<Vec<_>>()
            }
        };
        let (find, find_short) = (finding("512"), finding("64"));
        let quickest = |find: &dyn Fn(&str) -> Vec<(u64, u64)>| {
            let once = || {
                let from = std::time::Instant::now();
                assert_eq!(find(&"1".repeat(20_000)), []);
                from.elapsed()
            };
            (0..3).map(|_| once()).min().unwrap()
        };
        // Each end judged anew, those of eight times as many would take 64 times as long.
        let (long, short) = (quickest(&find), quickest(&find_short));
        assert!(long < 24 * short, "{long:?} {short:?}");
        // What passes is found at its longest, in the midst of what does not.
        let ones = "1".repeat(600);
        assert_eq!(find(&format!("{ones} 4539148803436467 {ones}")), [(601, 617)]);
        let long = format!("{}{}", "4539148803436467", "1".repeat(300));
        let passes = |end: &usize| (Check::named("luhn").unwrap().passes)(&long.as_bytes()[..*end]);
        let longest = (6..=long.len()).rev().find(passes).unwrap();
        assert_eq!(find(&long).first(), Some(&(0, longest as u64)));
    }
}
