//! What words and names around a value of a region say of it.

use std::ops::Range;

use super::super::compiled::Compiled;
use super::super::context::{Evidence, Trail};
use super::super::leading::Sets;
use super::super::names::{Label, Scope};
use super::super::pack::Tier;
use super::super::scratch::{Said, Scratch};
use super::super::set::Set;
use super::super::vicinity::Reading;
use super::super::{Confidence, Matcher, reach, spent};
use super::{Region, Run};

/// What it costs to try one detector before words are read that could speak for it, in bytes that have passed since; so
/// much is saved up at most. Where numbers are dense, words are read at once.
const TRIED: usize = 256;
const SAVED: usize = 1024;

impl Run<'_, '_> {
    /// Of a set of leading detectors those that a word around `at`, or a name, could speak for.
    #[inline(always)]
    pub(super) fn spoken_for(&mut self, at: usize, sets: &Sets, mut keyed: Set) -> Set {
        if self.vicinity.is_quiet(at + 1) {
            return Set::NONE;
        }
        let Region { text, layout, .. } = self.region;
        let Matcher { words, index, max_leading, reach_after, .. } = self.matcher;
        // Words that nothing has asked for yet are dearer than a look at a few patterns.
        if !self.vicinity.knows(text, at, max_leading + reach_after) {
            let spent = self.spent.saturating_sub(at.saturating_sub(self.spent_at)) + TRIED * keyed.len();
            if spent <= SAVED {
                (self.spent, self.spent_at) = (spent, at);
                keyed = self.matching(at, sets, keyed);
                if keyed.is_empty() {
                    return Set::NONE;
                }
            }
        }
        if !std::mem::replace(&mut self.heeded, true) {
            self.heed_above();
        }
        let reading = Reading { level: self.how.level, words, telling: &index.leading.telling, text };
        let around = (at, max_leading + reach_after);
        keyed &= self.vicinity.said(reading, &mut self.scratch.trail, around, layout);
        if keyed.is_empty() {
            return Set::NONE;
        }
        keyed & if self.is_quiet(at) { self.under(at, sets) } else { self.near(at, sets, keyed) }
    }

    /// Takes what the text stands under into account, wherever something begins in it.
    fn heed_above(&mut self) {
        let Some(Label { name, outer, .. }) = self.region.above.label() else { return };
        let Matcher { words, index, .. } = self.matcher;
        let text = self.region.text;
        let reading = Reading { level: self.how.level, words, telling: &index.leading.telling, text };
        for name in std::iter::once(name).chain(outer.iter().map(|(_, name)| &**name)) {
            self.vicinity.keep(reading, name, text.len());
        }
    }

    /// Of a set of leading detectors those that match at `at`.
    #[inline(never)]
    fn matching(&mut self, at: usize, sets: &Sets, set: Set) -> Set {
        let mut matching = Set::NONE;
        set.each(|entry| {
            let detector = &self.matcher.compiled[usize::from(sets.detectors[entry])];
            let found = detector.match_beside(self.region.text, at, &mut self.stretch);
            matching |= Set::of(entry).when(found.is_some());
        });
        matching
    }

    /// What words near any match at `at` could lie in.
    #[inline(always)]
    fn surroundings(&self, at: usize) -> (usize, usize) {
        let Matcher { reach_before, reach_after, max_leading, .. } = self.matcher;
        let to = (at + max_leading + reach_after).min(self.region.text.len());
        (at.saturating_sub(*reach_before), to)
    }

    /// Whether it is known that no words lie around a match at `at`.
    #[inline(always)]
    fn is_quiet(&self, at: usize) -> bool {
        let (from, to) = self.surroundings(at);
        self.region.above.is_nothing() && self.scratch.trail.is_quiet(from, to)
    }

    /// Of a set of leading detectors those that a name around `at` speaks for.
    #[inline(never)]
    fn under(&mut self, at: usize, sets: &Sets) -> Set {
        self.look_up(at);
        self.scratch.said.iter().fold(Set::NONE, |under, said| under | sets.by_word(said.word))
    }

    /// Of a set of leading detectors those that a word near enough to any match at `at` speaks for, at least of those that
    /// are `asked` about.
    #[inline(never)]
    fn near(&mut self, at: usize, sets: &Sets, asked: Set) -> Set {
        let (from, to) = self.surroundings(at);
        let trail = &mut self.scratch.trail;
        if !trail.covers(from, to) {
            trail.read(self.how.level, &self.matcher.words, self.region.text, from, to);
        }
        let mut near = Set::NONE;
        trail.words(from, to, |word| near |= sets.by_word(word));
        // Names are dearer to look up than words that were read.
        if (asked & !near).is_empty() {
            return near;
        }
        self.look_up(at);
        self.scratch.said.iter().for_each(|said| near |= sets.by_word(said.word));
        let Some(Label { name, outer, .. }) = self.region.above.label() else { return near };
        for (_, name) in outer {
            self.matcher
                .words
                .inside(self.how.level, name, 0..name.len(), |_, word| near |= sets.by_word(word));
        }
        let trail = label_trail(&mut self.label, self.matcher, name);
        trail.words(0, name.len(), |word| near |= sets.by_word(word));
        near
    }

    /// Looks up the names around `at`, and the words in them.
    pub(super) fn look_up(&mut self, at: usize) {
        let Scratch { names, said, kept, .. } = &mut *self.scratch;
        let asked = (self.in_order, self.kept.is_some());
        if names.are_of(at) && self.looked == asked {
            return;
        }
        let Region { text, layout, base, .. } = self.region;
        names.look(text, at, layout);
        self.looked = asked;
        match &self.kept {
            Some(name) => names.keep(name.clone()),
            None if self.in_order => kept.tell(names, (text, base), at),
            None => {}
        }
        said.clear();
        let own = names.own(text, layout);
        for (nth, name) in names.list.iter().enumerate() {
            let source = name.source(text, layout);
            self.matcher.words.inside(self.how.level, source, name.range.clone(), |place, word| {
                if nth < own || self.matcher.words.reaches_in(word) {
                    let place = (place.start, place.end);
                    said.push(Said { word, name: nth, place, scope: name.scope, own: nth < own });
                }
            });
        }
    }

    /// Keeps what the list is called that the value at `at` was found in, for rows further on.
    pub(super) fn keep(&mut self, at: usize, by_words: bool) {
        self.look_up(at);
        let Region { text, base, .. } = self.region;
        let Scratch { names, kept, .. } = &mut *self.scratch;
        let is_new = kept.meet((names, by_words), (text, base), at);
        if is_new || kept.end() > base + self.vicinity.keeps_to() as u64 {
            self.keep_all(at);
        }
    }

    /// Takes into account what is kept for `at` and what follows.
    pub(super) fn keep_all(&mut self, at: usize) {
        let Matcher { words, index, .. } = self.matcher;
        let Region { text, base, .. } = self.region;
        let reading = Reading { level: self.how.level, words, telling: &index.leading.telling, text };
        for (name, to) in self.scratch.kept.names(base + at as u64) {
            self.vicinity.keep(reading, name, (to - base) as usize);
        }
    }

    /// What the names around `at` say of a detector.
    pub(super) fn named(&mut self, number: u16, detector: &Compiled, at: usize) -> Evidence {
        self.look_up(at);
        self.asked = true;
        // `{"card":{"network_transaction_id":…` is no card's number.
        let own_alone = detector.tier == Tier::Strong
            && self.scratch.names.tell_an_id(self.region.text, self.region.layout);
        let (mut evidence, mut own) = (Evidence::default(), Evidence::default());
        let all = &self.scratch.said;
        // `{"id_numbers":[{"type":"oib","value":…` is what its type says.
        let own_alone = own_alone || self.is_typed_otherwise(number);
        for said in all.iter().filter(|said| detector.scopes.holds(said.scope)) {
            let others = || {
                all.iter().filter(|other| other.name == said.name).map(|other| (other.place(), other.word))
            };
            let Evidence { positive, negative } =
                self.matcher.words.says_among((&said.place(), said.word), number, others);
            let says =
                Evidence { positive: positive && (said.own || !own_alone), negative: negative && said.own };
            if said.own { &mut own } else { &mut evidence }.join(says);
        }
        // An own name that denies what is weak by itself outweighs those around it.
        evidence.positive &= !(detector.tier == Tier::Weak && own.negative && !own.positive);
        evidence.join(own);
        evidence
    }

    /// Whether a member beside the value calls it something of other detectors, and not of this one.
    fn is_typed_otherwise(&self, number: u16) -> bool {
        let (words, list) = (&self.matcher.words, &self.scratch.names.list);
        let is_type = |said: &&Said| list.get(said.name).is_some_and(|name| name.beside);
        let mut types = self.scratch.said.iter().filter(is_type).filter(|said| words.speaks(said.word));
        let mut is_typed = false;
        let is_own = types.any(|said| {
            is_typed = true;
            words.says(said.word, number).positive
        });
        is_typed && !is_own
    }

    /// Whether the words from `from` on that speak for a value are all before a name of its own that denies it.
    fn is_denied(&mut self, (number, detector): (u16, &Compiled), value: &Range<usize>, from: usize) -> bool {
        let Some(to) = self.denied_to(number, detector, value.start) else { return false };
        let Matcher { words, .. } = self.matcher;
        !self.scratch.trail.evidence(words, number, from.max(to), value.start).positive
    }

    /// Up to where no word before a value speaks for it: it is weak by itself and has a name of its own that denies it
    /// (in `"mobile":{"app_id":"0768025535"` the first is another's), or a member beside it calls it something else.
    fn denied_to(&mut self, number: u16, detector: &Compiled, at: usize) -> Option<usize> {
        self.look_up(at);
        let Scratch { names, said, .. } = &*self.scratch;
        if self.is_typed_otherwise(number) {
            return names.list.first().filter(|name| name.is_in_text()).map(|name| name.range.end);
        }
        let (mut to, mut speaks) = (None, detector.tier != Tier::Weak);
        for said in said.iter().filter(|said| said.own && detector.scopes.holds(said.scope)) {
            let says = self.matcher.words.says(said.word, number);
            speaks |= says.positive;
            if says.negative && names.list.get(said.name).is_some_and(|name| name.is_in_text()) {
                to = to.max(Some(said.place.1));
            }
        }
        to.filter(|_| !speaks)
    }

    /// Whether a name of a value's own speaks for it, or a word right before it.
    #[cold]
    pub(super) fn is_named(&mut self, number: u16, detector: &Compiled, value: &Range<usize>) -> bool {
        let (text, words) = (self.region.text, &self.matcher.words);
        if let Some(Label { scope, name, .. }) = self.region.above.label()
            && detector.scopes.holds(scope)
            && label_trail(&mut self.label, self.matcher, name)
                .evidence(words, number, 0, name.len())
                .positive
        {
            return true;
        }
        self.look_up(value.start);
        let own = |said: &Said| said.own && detector.scopes.holds(said.scope);
        let mut own = self.scratch.said.iter().filter(|said| own(said));
        if own.any(|said| words.says(said.word, number).positive) {
            return true;
        }
        let trail = &mut self.scratch.trail;
        let (from, to) = detector.surroundings(text, value);
        trail.read(self.how.level, words, text, from, to);
        detector.is_named_by_word(trail.places(words, number, (from, value.start)), text, value)
    }

    pub(super) fn confidence(
        &mut self,
        number: u16,
        detector: &Compiled,
        value: &Range<usize>,
    ) -> (Confidence, bool) {
        let text = self.region.text;
        let bytes = &text[value.clone()];
        let by_form = detector.by_form(bytes);
        // Of one that is high by its form words ask no further.
        let doubted = by_form == Confidence::Medium && detector.is_doubted(bytes);
        let mut unaided = if doubted { by_form.lowered() } else { by_form };
        let says = if detector.has_words {
            self.words(number, detector, unaided, value)
        } else {
            Evidence::default()
        };
        if !detector.is_settled_by(says) {
            let lowered = || detector.is_doubted(bytes) || detector.is_lowered(text, value);
            if unaided == Confidence::High && lowered() {
                unaided = unaided.lowered();
            }
            if !says.positive {
                unaided = detector.in_crowd(text, value, unaided);
            }
        }
        let beside = || self.matcher.is_beside(detector, text, value);
        (detector.weigh(unaided, says, beside, |_, _| {}), says.positive)
    }

    /// What words say of a value. Once one speaks for it, none speaks against it.
    fn words(
        &mut self,
        number: u16,
        detector: &Compiled,
        unaided: Confidence,
        value: &Range<usize>,
    ) -> Evidence {
        let text = self.region.text;
        let words = &self.matcher.words;
        let mut says = Evidence::default();
        if detector.scopes.holds(Scope::Near) {
            let trail = &mut self.scratch.trail;
            let (from, to) = detector.surroundings(text, value);
            trail.read(self.how.level, words, text, from, to);
            let (from, to) = detector.own_surroundings(unaided, text, value, &mut self.reach);
            says = self.scratch.trail.evidence(words, number, from, value.start);
            let row = self.in_row(number, value, from, says);
            if let Some(row) = row {
                says = self.scratch.trail.evidence(words, number, row, value.start);
            }
            let mut from = row.unwrap_or(from);
            says.positive =
                says.positive && !self.is_named_otherwise((number, detector), unaided, value, from);
            says.positive = says.positive && !self.is_denied((number, detector), value, from);
            let trail = &self.scratch.trail;
            if says.positive && says.negative {
                let part = |from, to| trail.evidence(words, number, from, to);
                from = reach::behind_masked(text, (from, value.start), part);
                says = part(from, value.start);
            }
            if !says.positive {
                // A word whose own value is masked does not make up for those against this one, and one that begins a number
                // names no other.
                let masked = says.negative;
                let behind = trail.places(words, number, (value.end, to));
                let behind = behind.filter(|(word, _)| {
                    let is_masked = || masked && spent::masks(&text[word.end..to]);
                    !spent::numbers(&text[word.end..]) && !is_masked()
                });
                behind.for_each(|(_, said)| says.join(said));
            }
            if says.negative && !says.positive {
                // What names another value does not speak against this one.
                let (from, to) = self.reach.own(text, (from, to), value);
                let against = |(word, says): (Range<usize>, Evidence)| {
                    says.negative && !spent::is(text, &word, value, to)
                };
                let sides = [(from, value.start), (value.end, to)];
                says.negative = sides.into_iter().any(|side| trail.places(words, number, side).any(against));
            }
        }
        if !says.positive
            && let Some(Label { scope, name, .. }) = self.region.above.label()
            && detector.scopes.holds(scope)
        {
            let trail = label_trail(&mut self.label, self.matcher, name);
            says.join(trail.evidence(words, number, 0, name.len()));
        }
        if !says.positive {
            says.join(self.named(number, detector, value.start));
        }
        if !says.positive {
            says.positive = self.spoken_for_outside(number, detector);
        }
        says
    }

    /// From where on words before a value speak of it, where that is later than `from`, since when they come to `says`: not
    /// those of the lines above, where it lies in a row of a table.
    fn in_row(&mut self, number: u16, value: &Range<usize>, from: usize, says: Evidence) -> Option<usize> {
        if says == Evidence::default() {
            return None;
        }
        let (text, words) = (self.region.text, &self.matcher.words);
        let above = from + memchr::memrchr3(b'\n', b')', b']', &text[from..value.start])?;
        let trail = &self.scratch.trail;
        // Nothing speaks against it, and a word that is in its row speaks for it.
        let is_settled = !says.negative && trail.evidence(words, number, above, value.start).positive;
        if is_settled || trail.evidence(words, number, from, above) == Evidence::default() {
            return None;
        }
        self.look_up(value.start);
        self.scratch.names.row(text, from, value)
    }

    /// Whether a value that is weak by itself has a name, and each word before it that speaks for it has another value: in
    /// `"phone":null,"id":4155552671` the number is no telephone's.
    fn is_named_otherwise(
        &mut self,
        (number, detector): (u16, &Compiled),
        unaided: Confidence,
        value: &Range<usize>,
        from: usize,
    ) -> bool {
        let (text, words) = (self.region.text, &self.matcher.words);
        if !detector.needs_words(unaided) {
            return false;
        }
        let speak = self.scratch.trail.places(words, number, (from, value.start));
        let speak = speak.filter(|(_, says)| says.positive).map(|(word, _)| word);
        match spent::others(text, speak, value.start) {
            None => false,
            Some(false) => true,
            Some(true) => {
                self.look_up(value.start);
                self.scratch.names.tell_it_apart(text, self.region.layout)
            }
        }
    }

    /// Whether a name around the one that the whole text stands under speaks for a detector.
    fn spoken_for_outside(&self, number: u16, detector: &Compiled) -> bool {
        let outer = self.region.above.label().map(|label| label.outer).unwrap_or_default();
        let mut speaks = false;
        for (_, name) in outer.iter().filter(|(scope, _)| detector.scopes.holds(*scope)) {
            self.matcher.words.inside(self.how.level, name, 0..name.len(), |_, word| {
                let words = &self.matcher.words;
                speaks |= words.reaches_in(word) && words.says(word, number).positive;
            });
        }
        speaks
    }
}

/// The words of the label, read at the first question.
fn label_trail<'t>(slot: &'t mut Option<Trail>, matcher: &Matcher, label: &[u8]) -> &'t mut Trail {
    slot.get_or_insert_with(|| {
        let mut trail = Trail::new();
        trail.read(matcher.level, &matcher.words, label, 0, label.len());
        trail
    })
}
