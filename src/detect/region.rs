//! Decides every start of one contiguous piece of text.

use std::ops::Range;

use super::anchor::RUN_LIMIT;
use super::before::{self, Free};
use super::columns;
use super::compiled::{Compiled, Match, boundary_after, boundary_before};
use super::context::Trail;
use super::groups::{self, Ahead};
use super::index::{At, Prefixed, WORD_BEFORE, Word};
use super::listed::{Heading, Hint};
use super::matcher::{DetectorId, Matcher};
use super::met::Met;
use super::names::{Above, Layout, Name};
use super::reach::Reach;
use super::scratch::Scratch;
use super::simd::{self, Level, Visit};
use super::stretch::Stretch;
use super::vicinity::Vicinity;
use super::{Confidence, Finding};
use crate::fingerprint::{Fingerprint, FingerprintKey};

#[path = "region_words.rs"]
mod words;

/// A piece of text of which the starts in `from..to` are decided. What lies around them is context: enough of it
/// before and behind, unless the text begins or ends there.
#[derive(Clone, Copy)]
pub(super) struct Region<'a> {
    pub text: &'a [u8],
    /// Offset of `text[0]` in the stream.
    pub base: u64,
    pub from: usize,
    pub to: usize,
    /// The name that the text stands under.
    pub above: Above<'a>,
    /// What its first line tells.
    pub layout: &'a Layout,
}

/// How a region is read.
#[derive(Clone, Copy)]
pub(super) struct How<'a> {
    pub level: Level,
    pub key: Option<&'a FingerprintKey>,
    /// Findings below are not wanted.
    pub floor: Confidence,
}

struct Run<'a, 'b> {
    region: Region<'a>,
    matcher: &'a Matcher,
    how: How<'a>,
    scratch: &'b mut Scratch,
    out: &'b mut Vec<Finding>,
    /// The words of the name that the text stands under, once something asked for them.
    label: Option<Trail>,
    /// The bytes of a value that was tried last.
    stretch: Stretch<'a>,
    /// The values found so far.
    met: Met,
    /// The words around, coarsely.
    vicinity: Vicinity,
    /// How far words reach around the value that was judged last.
    reach: Reach,
    /// Whether they take into account what the text stands under.
    heeded: bool,
    /// What was spent on detectors that words may not speak for, and until where.
    spent: usize,
    spent_at: usize,
    /// Matches of detectors with several anchors, which are met in no order, with the name that was kept for each.
    deferred: Vec<(u16, Match, Option<Name>)>,
    /// That of the match which is judged.
    kept: Option<Name>,
    /// Whether columns of the text may be told by their headers.
    in_columns: bool,
    /// Names that may stand in the header of a list, and what was looked at last for being one.
    hints: Vec<Hint>,
    heading: Heading,
    /// Whether values are met nearly in the order of the text, and were when names were looked up last.
    in_order: bool,
    looked: (bool, bool),
    /// Whether names were asked what they say of the value that is judged.
    asked: bool,
}

impl Region<'_> {
    /// Appends the findings whose matches start in `from..to`, ordered by start.
    pub(super) fn decide(
        self,
        matcher: &Matcher,
        how: How<'_>,
        scratch: &mut Scratch,
        out: &mut Vec<Finding>,
    ) {
        let first_new = out.len();
        let index = &matcher.index;
        scratch.trail.clear();
        scratch.names.clear();
        let end = self.text.len().min(self.to + matcher.max_len);
        let told = scratch.told.take().unwrap_or_else(|| matcher.told(self.layout));
        let goes_on = scratch.listed.goes_on(self.base + self.from as u64);
        let mut run = Run {
            region: self,
            matcher,
            how,
            scratch,
            out,
            label: None,
            stretch: Stretch::default(),
            met: Met::default(),
            vicinity: Vicinity::default(),
            heeded: self.above.is_nothing(),
            reach: Reach::default(),
            spent: 0,
            spent_at: 0,
            deferred: Vec::new(),
            kept: None,
            in_columns: !told.is_empty() || goes_on,
            hints: Vec::new(),
            heading: Heading::NONE,
            in_order: true,
            looked: (false, false),
            asked: false,
        };
        run.keep_all(self.from);
        simd::walk(how.level, index.wanted, self.text, self.from, end, &mut run);
        run.in_order = false;
        index.literals.each(how.level, self.text, (self.from, self.to), |owner, at| {
            run.try_start(owner, at);
            run.hint(owner, at);
        });
        if !index.unanchored.is_empty() {
            run.unanchored();
        }
        if run.in_columns {
            let (at, deferred) = ((self.from, self.to), &mut run.deferred);
            columns::each(&matcher.compiled, &told, self.layout, self.text, at, |number, found| {
                deferred.push((number, found, None));
            });
        }
        if goes_on || !run.hints.is_empty() {
            run.listed();
        }
        run.settle_deferred();
        // A first line says nothing more once it has ended.
        scratch.told = self.layout.delimiter().map(|_| told);
        scratch.rest(self.base + self.to as u64);
        if let Some(new) = out.get_mut(first_new..) {
            new.sort_unstable_by_key(|f| (f.start, f.end, f.detector));
        }
    }

    /// The first start in `from..to` at which a match could still be under way or waits for what follows it.
    pub(super) fn first_open(self, matcher: &Matcher) -> usize {
        let open = |at: usize| {
            let rest = self.text.get(at..).unwrap_or_default();
            let starting = rest.first().map_or(&[][..], |&byte| matcher.index.by_first(byte));
            starting.iter().map(|&number| &matcher.compiled[usize::from(number)]).any(|c| {
                boundary_before(c.boundary, self.text, at)
                    && (c.shape.is_open(rest) || self.may_match(c, at, rest))
            })
        };
        (self.from..self.to).find(|&at| open(at)).unwrap_or(self.to)
    }

    /// Whether a name stands behind `from` that the header of a list could hold.
    pub(super) fn may_name(self, matcher: &Matcher, level: Level) -> bool {
        let mut may = false;
        matcher.index.literals.each(level, self.text, (self.from, self.text.len()), |owner, at| {
            may = may || Hint::of(&matcher.compiled[usize::from(owner)], self.text, at).is_some();
        });
        may
    }

    fn may_match(&self, detector: &Compiled, at: usize, rest: &[u8]) -> bool {
        let mut ends = detector.shape.run(rest);
        std::iter::from_fn(|| ends.pop_longest()).any(|len| {
            at + len == self.text.len()
                || (boundary_after(detector.boundary, self.text, at + len)
                    && (detector.is_divided() || detector.holds(&rest[..len])))
        })
    }
}

impl Run<'_, '_> {
    /// Tries one start of one detector.
    fn try_start(&mut self, number: u16, at: usize) -> bool {
        let matcher = self.matcher;
        let detector = &matcher.compiled[usize::from(number)];
        let found = detector.match_beside(self.region.text, at, &mut self.stretch);
        let Some(found) = found else { return false };
        self.take(number, detector, found)
    }

    /// Keeps a name that a list may be headed with.
    fn hint(&mut self, number: u16, at: usize) {
        let detector = &self.matcher.compiled[usize::from(number)];
        if !detector.by_name {
            return;
        }
        self.heading = self.heading.at(self.region.text, at);
        if let Some(hint) = Hint::under(self.heading, detector, self.region.text) {
            self.hints.push(hint);
            self.in_columns = true;
        }
    }

    /// Reads the lists whose headers were met.
    #[cold]
    fn listed(&mut self) {
        let Region { text, base, from, to, .. } = self.region;
        let hints = std::mem::take(&mut self.hints);
        let detectors = (&*self.matcher.compiled, &*self.matcher.named);
        let deferred = &mut self.deferred;
        self.scratch.listed.read(detectors, (text, base), (from, to), &hints, |number, found| {
            deferred.push((number, found, None));
        });
    }

    fn take(&mut self, number: u16, detector: &Compiled, found: Match) -> bool {
        // What is put off counts where it is met, and is told what was kept by then.
        let in_order = self.in_order;
        if in_order && detector.unordered && detector.has_words {
            let at = found.value.start;
            if self.named(number, detector, at).positive {
                self.keep(at, true);
            }
            self.kept = self.scratch.names.kept().cloned();
        }
        // Of others it is not the same whether they are put off.
        self.in_order &= !detector.unordered && !detector.is_divided();
        let taken = self.take_now(number, detector, found);
        (self.in_order, self.kept) = (in_order, None);
        taken
    }

    fn take_now(&mut self, number: u16, detector: &Compiled, found: Match) -> bool {
        if found.in_doubt && !self.is_named(number, detector, &found.value) {
            return false;
        }
        if detector.unordered || self.in_columns && detector.is_divided() {
            self.deferred.push((number, found, self.kept.take()));
            return true;
        }
        self.report(number, detector, found)
    }

    /// Reports the matches that were put off, in order.
    fn settle_deferred(&mut self) {
        let mut deferred = std::mem::take(&mut self.deferred);
        deferred.sort_unstable_by_key(|(number, found, kept)| (found.start, *number, kept.is_none()));
        deferred.dedup_by_key(|(number, found, _)| (found.start, *number));
        for (number, found, kept) in deferred {
            self.kept = kept;
            self.report(number, &self.matcher.compiled[usize::from(number)], found);
        }
    }

    #[cold]
    fn report(&mut self, number: u16, detector: &Compiled, found: Match) -> bool {
        let Match { start, end, value, in_doubt } = found;
        let start = self.region.base + start as u64;
        if start < self.scratch.next(number) {
            return false;
        }
        self.asked = false;
        let (mut confidence, keyword) = self.confidence(number, detector, &value);
        if in_doubt {
            confidence = confidence.lowered();
        }
        if confidence < self.how.floor {
            return false;
        }
        let (id, text) = (DetectorId(number), self.region.text);
        let fingerprint = match self.how.key {
            Some(key) => self.met.fingerprint(self.matcher, key, (id, detector), (text, value.clone())),
            None => detector.counts(&text[value.clone()]).then(Fingerprint::default),
        };
        let Some(fingerprint) = fingerprint else { return false };
        let base = self.region.base;
        self.scratch.ends(number, base + end as u64);
        let (start, end) = (base + value.start as u64, base + value.end as u64);
        self.out.push(Finding { detector: id, start, end, confidence, keyword, fingerprint, twin: None });
        self.tell(start, value.start);
        // What is found does not hang on what is wanted of less.
        if self.in_order && confidence >= Confidence::Medium {
            let by_words = std::mem::take(&mut self.asked);
            if by_words || self.scratch.kept.reach(start) {
                self.keep(value.start, by_words);
            }
        }
        true
    }

    /// Tells where a finding stands.
    fn tell(&mut self, start: u64, at: usize) {
        if self.scratch.room == 0 || self.scratch.sought == 0 {
            return;
        }
        self.scratch.sought -= 1;
        self.look_up(at);
        let Region { text, layout, .. } = self.region;
        if let Some(place) = self.scratch.names.place(start, text, layout) {
            self.scratch.room -= 1;
            self.scratch.places.push(place);
        }
    }

    /// Detectors that begin with their digits, at the beginning of a group with `left` digits from here on.
    #[inline(always)]
    fn leading(&mut self, at: usize, ahead: Ahead, left: usize) {
        if at >= self.region.to {
            return;
        }
        let leading = &self.matcher.index.leading;
        let place = leading.place(self.region.text, at, ahead.group, ahead.next);
        for sets in &leading.sets {
            let [mut fit, mut goes_on] = sets.fits(&place, left);
            if fit.is_empty() {
                continue;
            }
            if let Some(third) = ahead.third() {
                let separator = self.region.text[at + ahead.group + 1 + ahead.next];
                [fit, goes_on] = sets.fit_with([fit, goes_on], &place, separator, third);
                if fit.is_empty() {
                    continue;
                }
            }
            let [always, alone] = sets.keyed(self.how.floor);
            let keyed = fit & (always | (alone & !goes_on).when(ahead.group == left));
            if !keyed.is_empty() {
                fit = fit & !keyed | self.spoken_for(at, sets, keyed);
                if fit.is_empty() {
                    continue;
                }
            }
            fit.each(|entry| {
                self.try_start(sets.detectors[entry], at);
            });
        }
    }

    /// The prefixed detectors that what stands before a run of digits leaves possible, a bit each.
    #[inline(always)]
    fn prefix_before(&self, start: usize) -> u64 {
        let index = &self.matcher.index;
        match self.region.text[..start] {
            [.., a, b] => index.prefix(a, b),
            [b] => (0..=u8::MAX).fold(0, |all, a| all | index.prefix(a, b)),
            [] => index.prefix(0, 0),
        }
    }

    /// Detectors with something before their digits: those of the bits in `possible`.
    #[inline(never)]
    fn prefixed(&mut self, start: usize, end: usize, count: usize, possible: u64) {
        let matcher = self.matcher;
        let word = before::word_before(&self.region.text[..start]);
        let mut left = possible & matcher.index.prefixed_behind(word);
        let mut free = Free::default();
        while left != 0 {
            let bit = left.trailing_zeros() as usize;
            left &= left - 1;
            for prefixed in matcher.index.prefixed(bit).iter().filter(|prefixed| prefixed.digits <= count) {
                if prefixed.bound && !prefixed.inside && prefixed.before <= WORD_BEFORE {
                    self.at_words(prefixed, start, word, &mut free);
                } else {
                    self.behind_prefix(prefixed, start..end, word);
                }
            }
        }
    }

    /// The starts of one that minds word bytes before it, of which so many stand right before the run.
    #[inline(always)]
    fn at_words(&mut self, prefixed: &Prefixed, start: usize, word: usize, free: &mut Free) {
        let Prefixed { detector, before, prefix, .. } = prefixed;
        let text = &self.region.text[..start];
        let further = text[..start - word].last().is_some_and(|&byte| word < *before && prefix.holds(byte));
        let free = match word {
            _ if further => free.places(text, *before),
            0 => return,
            _ => 1 << (word - 1),
        };
        let mut left = free & u64::MAX << prefix.least.saturating_sub(1).min(63);
        while left != 0 {
            let last = left.ilog2();
            left ^= 1 << last;
            if let Some(at) = start.checked_sub(last as usize + 1) {
                self.try_starts(*detector, at, at + 1);
            }
        }
    }

    /// `word`: so many word bytes at least stand before the run, and none of a match that minds them starts behind one.
    fn behind_prefix(&mut self, prefixed: &Prefixed, Range { start, end }: Range<usize>, word: usize) {
        let Prefixed { detector, before, inside, bound, prefix, .. } = prefixed;
        // The bytes right before the run at which none starts.
        let least = if *inside { 0 } else { prefix.least }.max(if *bound { word } else { 0 });
        let mut reach = 0;
        if least <= *before {
            let first = start.saturating_sub(*before).max(self.region.from.min(start));
            let text = &self.region.text[first..start];
            let mut left = text.len();
            while let Some(&byte) = left.checked_sub(1).and_then(|at| text.get(at)) {
                if !prefix.holds(byte) {
                    break;
                }
                left -= 1;
            }
            reach = text.len() - left;
        }
        if reach >= least {
            self.try_starts(*detector, start - reach, start - least + 1);
        }
        if *inside {
            self.try_starts(*detector, start + 1, end);
        }
    }

    /// Detectors of a run of letters and digits.
    #[inline(never)]
    fn in_word(&mut self, start: usize, end: usize, mixed: bool) {
        for word in &self.matcher.index.word {
            if word.is_in(end - start, mixed) {
                let &Word { detector, length, before, bound, .. } = word;
                // Behind a word byte no match with a word boundary starts.
                let last = if bound { start } else { end - length };
                self.try_starts(detector, start.saturating_sub(before), last + 1);
            }
        }
    }

    fn unanchored(&mut self) {
        let matcher = self.matcher;
        for at in self.region.from..self.region.to {
            if matcher.index.unanchored_first[usize::from(self.region.text[at])] {
                for &number in &matcher.index.unanchored {
                    self.try_start(number, at);
                }
            }
        }
    }

    /// Detectors of mail addresses around an `@`, or what stands for one, at `position`.
    fn around(&mut self, detectors: &[At], Range { start: position, end }: Range<usize>) {
        let (text, matcher) = (self.region.text, self.matcher);
        for one in detectors {
            let detector = &matcher.compiled[usize::from(one.detector)];
            let least = position.saturating_sub(one.before).max(self.region.from);
            let Some((starts, mut behind)) = one.starts(detector, text, least, position..end) else {
                continue;
            };
            let last = starts.end.min(self.region.to);
            let mut at = behind.next(starts.start);
            while at < last {
                let found = detector.match_around(text, at, &mut behind);
                if found.is_some_and(|found| self.take(one.detector, detector, found)) {
                    break;
                }
                at = behind.next(at + 1);
            }
        }
    }

    /// Tries the starts of `from..to` that lie in the region.
    #[inline(always)]
    fn try_starts(&mut self, number: u16, from: usize, to: usize) {
        let detector = &self.matcher.compiled[usize::from(number)];
        for at in from.max(self.region.from)..to.min(self.region.to) {
            if detector.can_start(self.region.text, at) {
                self.try_start(number, at);
            }
        }
    }
}

impl Visit for Run<'_, '_> {
    #[inline(always)]
    fn digits(&mut self, start: usize, end: usize, digits: u64) {
        let index = &self.matcher.index;
        let text = self.region.text;
        let is_long = end - start > 64;
        let count = if is_long { groups::count(&text[start..end]) } else { digits.count_ones() as usize };
        let last = start.checked_sub(1).map_or(u64::MAX, |at| index.prefix_last(text[at]));
        if last != 0 {
            let enough = index.prefixed_within(count);
            if enough & last != 0 {
                let group = digits.trailing_ones() as usize;
                // Of a long run the first group may be longer than what is shown.
                let behind =
                    if is_long { u64::MAX } else { index.prefix_behind(group, text.get(start + group)) };
                let possible = self.prefix_before(start) & enough & behind;
                if possible != 0 {
                    self.prefixed(start, end, count, possible);
                }
            }
        }
        let leading = &index.leading;
        if count < leading.least {
            return;
        }
        // Words around a text that stands under a name are never asked for here: it is not quiet.
        let mut gate = leading.gate(self.vicinity.is_quiet(end), self.how.floor);
        let (mut left, mut at, mut ahead) = (count, start, Ahead::shown(digits, is_long));
        loop {
            if is_long {
                if at >= self.region.to {
                    return;
                }
                if ahead.is_over() {
                    ahead = Ahead::of(&text[at..end]);
                }
                gate = leading.gate(self.vicinity.is_quiet(at + 1), self.how.floor);
            }
            let Ahead { group, next, .. } = ahead;
            let possible = if group == left {
                leading.may_end(gate, (text, at), group)
            } else {
                gate.joined(text[at + group], group, next, left.min(RUN_LIMIT))
            };
            if possible {
                self.leading(at, ahead, left);
            }
            left -= group;
            if left < leading.least {
                return;
            }
            at += group + 1;
            ahead = ahead.behind();
        }
    }

    fn at(&mut self, position: usize, encoded: bool) {
        let index = &self.matcher.index;
        let (detectors, length) = if encoded { (&index.encoded, 3) } else { (&index.at, 1) };
        self.around(detectors, position..position + length);
    }

    #[inline(never)]
    fn outline(&mut self, at: usize) {
        for &number in &self.matcher.index.outlined {
            self.try_starts(number, at, at + 1);
        }
    }

    #[inline(always)]
    fn word(&mut self, start: usize, end: usize, mixed: bool) {
        if self.matcher.index.is_word(self.region.text[start], end - start, mixed) {
            self.in_word(start, end, mixed);
        }
    }
}
