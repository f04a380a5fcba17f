//! What words and names say of a value, for traces: each with its place.

use std::cell::{OnceCell, RefCell, RefMut};
use std::ops::{Deref, Range};

use super::compiled::Compiled;
use super::context::{Evidence, Trail};
use super::names::{Above, Layout, Names, Scope};
use super::pack::Tier;
use super::reach::Reach;
use super::region::{How, Region};
use super::scratch::Scratch;
use super::{Confidence, DetectorId, Matcher, reach, spent};
use crate::limits;

/// A text that one detector is followed through, and what was read of it on the way.
pub(super) struct Traced<'t> {
    text: &'t [u8],
    /// What stands before this place was decided, and what was kept of it.
    above: RefCell<(usize, Scratch)>,
    /// Where the letters end, or the digits, among which each place stands; read once something asks.
    kinds: OnceCell<Vec<usize>>,
}

/// Bytes that are read at once: fewer than those right before a place that do not count for what is kept.
const STEP: usize = 256;

impl<'t> Traced<'t> {
    pub(super) fn new(text: &'t [u8]) -> Traced<'t> {
        Traced { text, above: RefCell::new((0, Scratch::new())), kinds: OnceCell::new() }
    }

    /// Whether the letters and digits in a row from `at` on are not of one kind alone.
    pub(super) fn is_mixed_from(&self, at: usize) -> bool {
        let ends = self.kinds.get_or_init(|| kinds(self.text));
        let is_one = |at: usize| self.text.get(at).is_some_and(u8::is_ascii_alphanumeric);
        // Behind the end of one kind stands the other, or nothing of the row.
        is_one(at) && ends.get(at).is_some_and(|&end| is_one(end))
    }

    /// What is kept for a place, which is asked for in the order of the text, or nearly so.
    fn read_to(&self, matcher: &Matcher, at: usize, layout: &Layout) -> RefMut<'_, Scratch> {
        let (text, to) = (self.text, at / STEP * STEP);
        let mut above = self.above.borrow_mut();
        if to < above.0 {
            *above = (0, Scratch::new());
        }
        if to > above.0 {
            let region = Region { text, base: 0, from: above.0, to, above: Above::Nothing, layout };
            let how = How { level: matcher.level, key: None, floor: Confidence::Medium };
            region.decide(matcher, how, &mut above.1, &mut Vec::new());
            above.0 = to;
        }
        RefMut::map(above, |(_, scratch)| scratch)
    }
}

fn kinds(text: &[u8]) -> Vec<usize> {
    let kind = |byte: u8| (byte.is_ascii_digit(), byte.is_ascii_alphabetic());
    let mut ends: Vec<usize> = (1..=text.len()).collect();
    for at in (1..text.len()).rev() {
        if kind(text[at - 1]) == kind(text[at]) {
            ends[at - 1] = ends[at];
        }
    }
    ends
}

impl Deref for Traced<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.text
    }
}

impl Matcher {
    /// The words and names that count, and whether each speaks for the value.
    pub(super) fn words_of(
        &self,
        detector: DetectorId,
        one: &Compiled,
        text: &Traced<'_>,
        (unaided, value): (Confidence, &Range<usize>),
    ) -> Vec<(Range<usize>, bool)> {
        let (from, to) = one.surroundings(text, value);
        let mut trail = Trail::new();
        trail.read(self.level, &self.words, text, from, to);
        let mut words = Vec::new();
        let mut around = Reach::default();
        let (from, to) = one.own_surroundings(unaided, text, value, &mut around);
        let mut from = in_row(text, from, value);
        let part = |from, to| trail.evidence(&self.words, detector.0, from, to);
        if let Evidence { positive: true, negative: true } = part(from, value.start) {
            from = reach::behind_masked(text, (from, value.start), part);
        }
        let sides = if one.scopes.holds(Scope::Near) {
            vec![(from, value.start), (value.end, to)]
        } else {
            Vec::new()
        };
        let own = around.own(text, (from, to), value);
        let speak = trail.places(&self.words, detector.0, (from, value.start));
        let speak = speak.filter(|(_, says)| says.positive).map(|(place, _)| place);
        let others = spent::others(text, speak, value.start).filter(|_| one.needs_words(unaided));
        let otherwise = others.is_some_and(|named| !named || tells_apart(text, value.start));
        let mut before = part(from, value.start);
        before.positive &= !otherwise;
        let denied = self.denied_to(detector, one, text, value.start);
        if let Some(denied) = denied {
            before.positive &= part(from.max(denied), value.start).positive;
        }
        let against = before.negative && !before.positive;
        for (from, to) in sides {
            let places = trail.places(&self.words, detector.0, (from, to));
            // A word may speak for and against; what speaks for a value counts, and what names another one does not.
            let is_own = |place: &Range<usize>| {
                own.0 <= place.start && place.end <= own.1 && !spent::is(text, place, value, own.1)
            };
            let speaks_for = |place: &Range<usize>| {
                let is_masked = || against && spent::masks(&text[place.end..to]);
                place.start < value.start || !is_masked() && !spent::numbers(&text[place.end..])
            };
            let counts = |(place, says): &(Range<usize>, Evidence)| {
                let is_denied = otherwise || denied.is_some_and(|to| place.start < to);
                let named = !is_denied || place.start >= value.start;
                if says.positive { named && speaks_for(place) } else { is_own(place) }
            };
            words.extend(places.filter(counts).map(|(place, says)| (place, says.positive)));
        }
        words.extend(self.named(detector, one, text, value.start));
        words
    }

    /// Whether a name of a value's own speaks for it, or a word right before it.
    pub(super) fn is_named(
        &self,
        detector: DetectorId,
        one: &Compiled,
        text: &Traced<'_>,
        value: &Range<usize>,
    ) -> bool {
        let layout = Layout::of(text);
        let layout = layout.as_ref().unwrap_or_else(|| Layout::plain());
        let names = self.names_at(one, text, value.start, layout);
        let own = names.list.first().filter(|name| one.scopes.holds(name.scope));
        let mut speaks = false;
        if let Some(own) = own {
            let source = own.source(text, layout);
            self.words.inside(self.level, source, own.range.clone(), |_, word| {
                speaks |= self.words.says(word, detector.0).positive;
            });
        }
        let (from, to) = one.surroundings(text, value);
        let mut trail = Trail::new();
        trail.read(self.level, &self.words, text, from, to);
        let before = trail.places(&self.words, detector.0, (from, value.start));
        speaks || one.is_named_by_word(before, text, value)
    }

    /// Up to where no word before a value speaks for it, which is weak by itself and has a name that denies it, or that a member
    /// beside it calls something else.
    fn denied_to(&self, detector: DetectorId, one: &Compiled, text: &Traced<'_>, at: usize) -> Option<usize> {
        let layout = Layout::of(text);
        let layout = layout.as_ref().unwrap_or_else(|| Layout::plain());
        let names = self.names_at(one, text, at, layout);
        if self.is_typed_otherwise(detector, &names, text, at) {
            return names.list.first().filter(|name| name.is_in_text()).map(|name| name.range.end);
        }
        let (own, mut to) = (names.own(text, layout), None);
        let mut speaks = one.tier != Tier::Weak;
        for name in names.list.iter().take(own).filter(|name| one.scopes.holds(name.scope)) {
            self.words.inside(self.level, name.source(text, layout), name.range.clone(), |place, word| {
                let says = self.words.says(word, detector.0);
                speaks |= says.positive;
                if says.negative && name.is_in_text() {
                    to = to.max(Some(place.end));
                }
            });
        }
        to.filter(|_| !speaks)
    }

    /// Whether a member beside the value calls it something of other detectors, and not of this one.
    fn is_typed_otherwise(&self, detector: DetectorId, names: &Names, text: &Traced<'_>, at: usize) -> bool {
        let mut types = Vec::new();
        for name in names.list.iter().filter(|name| name.beside) {
            self.words.inside(self.level, text, name.place_in(text, at), |_, word| {
                if self.words.reaches_in(word) {
                    types.push(word);
                }
            });
        }
        types.retain(|word| self.words.speaks(*word));
        let is_own = |word: &u16| self.words.says(*word, detector.0).positive;
        !types.is_empty() && !types.iter().any(is_own)
    }

    /// The names around a place, and those that are kept of a list further up.
    fn names_at(&self, one: &Compiled, text: &Traced<'_>, at: usize, layout: &Layout) -> Names {
        let mut names = Names::new();
        names.look(text, at, layout);
        if at > limits::NAMES_REACH && !one.is_divided() {
            text.read_to(self, at, layout).kept.tell(&mut names, (text, 0), at);
        }
        names
    }

    /// The names around a value that speak for it, or its own that speak against it.
    fn named(
        &self,
        detector: DetectorId,
        one: &Compiled,
        text: &Traced<'_>,
        at: usize,
    ) -> Vec<(Range<usize>, bool)> {
        let layout = Layout::of(text);
        let layout = layout.as_ref().unwrap_or_else(|| Layout::plain());
        let names = self.names_at(one, text, at, layout);
        let mut speak = Vec::new();
        let own = names.own(text, layout);
        let own_alone = one.tier == Tier::Strong && names.tell_an_id(text, layout);
        let own_alone = own_alone || self.is_typed_otherwise(detector, &names, text, at);
        let mut denied = Evidence::default();
        for (nth, name) in names.list.into_iter().enumerate().filter(|(_, name)| one.scopes.holds(name.scope))
        {
            // A header row stands where the text begins.
            let place = name.place_in(text, at);
            let mut all = Vec::new();
            self.words.inside(self.level, text, place.clone(), |at, word| all.push((at, word)));
            all.iter().for_each(|(at, word)| {
                let word = *word;
                let says = self.words.says_among((at, word), detector.0, || all.iter().cloned());
                let speaks_for = says.positive && (nth < own || !own_alone && self.words.reaches_in(word));
                if speaks_for || says.negative && nth < own {
                    speak.push((place.clone(), says.positive, nth < own));
                }
                if nth < own {
                    denied.join(says);
                }
            });
        }
        let is_denied = one.tier == Tier::Weak && denied.negative && !denied.positive;
        speak.retain(|(_, speaks_for, own)| *own || !*speaks_for || !is_denied);
        speak.into_iter().map(|(place, speaks_for, _)| (place, speaks_for)).collect()
    }
}

/// Whether what begins at `at` has a name of its own.
fn tells_apart(text: &[u8], at: usize) -> bool {
    let layout = Layout::of(text);
    let layout = layout.as_ref().unwrap_or_else(|| Layout::plain());
    let mut names = Names::new();
    names.look(text, at, layout);
    names.tell_it_apart(text, layout)
}

/// From where on words before a value speak of it: not those of the lines above, where it lies in a row of a table.
fn in_row(text: &[u8], from: usize, value: &Range<usize>) -> usize {
    let layout = Layout::of(text);
    let mut names = Names::new();
    names.look(text, value.start, layout.as_ref().unwrap_or_else(|| Layout::plain()));
    names.row(text, from, value).unwrap_or(from)
}
