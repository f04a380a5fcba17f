//! What words and names around a value of a region say of it.

use std::ops::Range;

use super::super::compiled::Compiled;
use super::super::context::{Evidence, Trail};
use super::super::names::{Label, Scope};
use super::super::scratch::{Said, Scratch};
use super::super::{Confidence, Matcher, reach};
use super::{Region, Run};

impl Run<'_, '_> {
    /// Looks up the names around `at`, and the words in them.
    pub(super) fn look_up(&mut self, at: usize) {
        let Scratch { names, said, .. } = &mut *self.scratch;
        if names.are_of(at) {
            return;
        }
        let Region { text, layout, .. } = self.region;
        names.look(text, at, layout);
        said.clear();
        let own = names.own(text, layout);
        for (nth, name) in names.list.iter().enumerate() {
            let source = if name.in_row { layout.row() } else { text };
            self.matcher.words.inside(self.how.level, source, name.range.clone(), |word| {
                said.push(Said { word, scope: name.scope, own: nth < own });
            });
        }
    }

    /// What the names around `at` say of a detector.
    pub(super) fn named(&mut self, number: u16, detector: &Compiled, at: usize) -> Evidence {
        self.look_up(at);
        let mut evidence = Evidence::default();
        for said in self.scratch.said.iter().filter(|said| detector.scopes.holds(said.scope)) {
            let Evidence { positive, negative } = self.matcher.words.says(said.word, number);
            evidence.join(Evidence { positive, negative: negative && said.own });
        }
        evidence
    }

    /// Whether a name of a value's own speaks for it, or a word right before it.
    #[cold]
    pub(super) fn is_named(&mut self, number: u16, detector: &Compiled, value: &Range<usize>) -> bool {
        let (text, words) = (self.region.text, &self.matcher.words);
        if let Some(Label { scope, name, .. }) = self.region.label
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
        let unaided = detector.unaided(&text[value.clone()]);
        let is_lowered = unaided == Confidence::High && detector.is_lowered(text, value);
        let unaided = if is_lowered { unaided.lowered() } else { unaided };
        let says = if detector.has_words {
            self.words(number, detector, unaided, value)
        } else {
            Evidence::default()
        };
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
            let (from, to) = detector.own_surroundings(unaided, text, value);
            says = trail.evidence(words, number, from, value.start);
            if !says.positive {
                says.join(trail.evidence(words, number, value.end, to));
            }
            if says.negative && !says.positive {
                // What names another value does not speak against this one.
                let (from, to) = reach::own(text, (from, to), value);
                let against = |from, to| trail.evidence(words, number, from, to).negative;
                says.negative = against(from, value.start) || against(value.end, to);
            }
        }
        if let Some(Label { scope, name, .. }) = self.region.label
            && detector.scopes.holds(scope)
            && !says.positive
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

    /// Whether a name around the one that the whole text stands under speaks for a detector.
    fn spoken_for_outside(&self, number: u16, detector: &Compiled) -> bool {
        let outer = self.region.label.map(|label| label.outer).unwrap_or_default();
        let mut speaks = false;
        for (_, name) in outer.iter().filter(|(scope, _)| detector.scopes.holds(*scope)) {
            self.matcher.words.inside(self.how.level, name, 0..name.len(), |word| {
                speaks |= self.matcher.words.says(word, number).positive;
            });
        }
        speaks
    }
}

/// The words of the label, read at the first question.
pub(super) fn label_trail<'t>(slot: &'t mut Option<Trail>, matcher: &Matcher, label: &[u8]) -> &'t mut Trail {
    slot.get_or_insert_with(|| {
        let mut trail = Trail::new();
        trail.read(matcher.level, &matcher.words, label, 0, label.len());
        trail
    })
}
