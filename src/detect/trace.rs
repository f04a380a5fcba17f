//! The stages one by one, for people: where a detector looks, what it finds there, and what let each place go.
//!
//! A slow path beside the engine: one detector at a time, every place tried. It never decides anything; tests hold it
//! to the engine's findings.

use std::fmt;
use std::ops::Range;

use super::anchor::{Anchor, is_separator};
use super::columns;
use super::compiled::{Compiled, Match, boundary_after, boundary_before};
use super::context::Evidence;
use super::listed::{Hint, Listed};
use super::names::Layout;
use super::trace_words::Traced;
use super::{Confidence, DetectorId, Matcher};
use crate::limits;

/// A place where a detector's pattern matches, and what became of it.
#[derive(Clone, Debug)]
pub struct Trace {
    pub detector: DetectorId,
    /// The match, and the value in it that would be found.
    pub whole: Range<usize>,
    pub value: Range<usize>,
    /// Ends at which the pattern matches here.
    pub ends: usize,
    /// Checks in the order in which they were asked: validators must pass, invalidators must not.
    pub checks: Vec<Asked>,
    pub outcome: Outcome,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    pub name: &'static str,
    pub must_pass: bool,
    pub passes: bool,
}

impl Asked {
    #[must_use]
    pub const fn is_fine(&self) -> bool {
        self.passes == self.must_pass
    }
}

#[derive(Clone, Debug)]
pub enum Outcome {
    Rejected(Rejection),
    Found(Judged),
}

/// The stage that let a place go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejection {
    BoundaryBefore,
    BoundaryAfter,
    Validator(&'static str),
    Invalidator(&'static str),
    /// `exclude.before` and `exclude.after`: what directly surrounds it proves it to be something else.
    ExcludedBefore,
    ExcludedAfter,
    /// `exclude.unless_named`, and no name of its own speaks for the value.
    ExcludedUnnamed,
    /// `exclude.values`.
    ExcludedValue,
}

/// How sure, and why.
#[derive(Clone, Debug)]
pub struct Judged {
    /// Words near, and whether they speak for it.
    pub words: Vec<(Range<usize>, bool)>,
    /// Whether a detector of `beside` matches near.
    pub beside: bool,
    /// Each step's reason and the confidence after it.
    pub steps: Vec<(&'static str, Confidence)>,
    pub confidence: Confidence,
}

/// How far the places of a text came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Places that the anchor leads to.
    pub candidates: u64,
    /// Of those, where the pattern matches.
    pub shaped: u64,
    pub boundary: u64,
    pub validators: u64,
    pub invalidators: u64,
    pub excluded: u64,
    /// Of any confidence.
    pub findings: u64,
}

/// What a detector is made of.
#[derive(Clone, Debug)]
pub struct Facts {
    pub anchors: Vec<String>,
    pub states: usize,
    pub bytes: usize,
    pub min_len: usize,
    pub max_len: usize,
}

impl Matcher {
    #[must_use]
    pub fn facts(&self, detector: DetectorId) -> Facts {
        let one = &self.compiled[usize::from(detector.0)];
        Facts {
            anchors: one.anchors.iter().map(describe).collect(),
            states: one.shape.states(),
            bytes: one.size(),
            min_len: one.shape.min_len,
            max_len: one.shape.max_len,
        }
    }

    /// Follows one detector through the matches that start in `from..to`, in order; the rest of `text` is context.
    /// `next` is where it may start again: behind its last finding.
    pub fn trace(
        &self,
        detector: DetectorId,
        text: &[u8],
        starts: Range<usize>,
        next: &mut usize,
        visit: &mut dyn FnMut(Trace),
    ) -> Tally {
        let one = &self.compiled[usize::from(detector.0)];
        let text = &Traced::new(text);
        let mut tally = Tally::default();
        let mut cells = self.cells(detector, text, (starts.start, starts.end.min(text.len())));
        // Of those that start at one place the first counts.
        cells.sort_by_key(|cell| cell.start);
        let mut cells = cells.iter().peekable();
        for at in starts.start..starts.end.min(text.len()) {
            let here = one.can_begin_with(text[at]) && one.anchors.iter().any(|a| leads_to(a, text, at));
            while cells.next_if(|cell| cell.start < at).is_some() {}
            let cell = cells.peek().copied().filter(|cell| cell.start == at);
            if !here && cell.is_none() || at < *next {
                continue;
            }
            tally.candidates += 1;
            let by_pattern = || self.follow(detector, one, text, at);
            let Some(trace) = cell.map(|cell| self.in_cell(detector, one, text, cell)).or_else(by_pattern)
            else {
                continue;
            };
            tally.count(&trace.outcome);
            if let Outcome::Found(_) = trace.outcome {
                *next = trace.whole.end;
            }
            visit(trace);
        }
        tally
    }

    fn follow(&self, detector: DetectorId, one: &Compiled, text: &Traced<'_>, at: usize) -> Option<Trace> {
        let tried = matches(one, text, at);
        let ends = tried.len();
        let mut first = None;
        for (whole, value) in tried {
            let trace = |checks, outcome| {
                let (whole, value) = (whole.clone(), value.clone());
                Trace { detector, whole, value, ends, checks, outcome }
            };
            if !boundary_before(one.boundary, text, at) {
                return Some(trace(Vec::new(), Outcome::Rejected(Rejection::BoundaryBefore)));
            }
            let (checks, rejection) = self.judge(detector, one, text, &whole, &value);
            match rejection {
                None => {
                    let judged = self.weigh(detector, one, text, (&whole, &value));
                    return Some(trace(checks, Outcome::Found(judged)));
                }
                Some(rejection) => {
                    let rejected = trace(checks, Outcome::Rejected(rejection));
                    // What surrounds a match that holds speaks of all that start here.
                    if rejection.is_exclusion() {
                        return Some(rejected);
                    }
                    // The furthest of those that fail is the one to tell about.
                    let further = |old: &Trace| rejection.stage() > stage(&old.outcome);
                    if first.as_ref().is_none_or(further) {
                        first = Some(rejected);
                    }
                }
            }
        }
        first
    }

    fn judge(
        &self,
        detector: DetectorId,
        one: &Compiled,
        text: &Traced<'_>,
        whole: &Range<usize>,
        value: &Range<usize>,
    ) -> (Vec<Asked>, Option<Rejection>) {
        if !boundary_after(one.boundary, text, whole.end) {
            return (Vec::new(), Some(Rejection::BoundaryAfter));
        }
        let bytes = &text[value.clone()];
        let validators = one.validators.iter().map(|check| (true, check));
        let all = validators.chain(one.invalidators.iter().map(|check| (false, check)));
        let asked = all.map(|(must_pass, check)| Asked {
            name: check.name,
            must_pass,
            passes: (check.passes)(bytes),
        });
        let asked = asked.collect::<Vec<_>>();
        let failed = asked.iter().find(|asked| !asked.is_fine());
        let rejection = match failed {
            Some(Asked { name, must_pass: true, .. }) => Some(Rejection::Validator(name)),
            Some(Asked { name, must_pass: false, .. }) => Some(Rejection::Invalidator(name)),
            None if one.stands_behind(text, whole.start) => Some(Rejection::ExcludedBefore),
            None if one.stands_before(text, whole.end) => Some(Rejection::ExcludedAfter),
            None if one.normalised(bytes, &mut [0; limits::MATCH_LEN]).is_none() => {
                Some(Rejection::ExcludedValue)
            }
            None if one.is_in_doubt(text, whole.start, whole.end)
                && !self.is_named(detector, one, text, value) =>
            {
                Some(Rejection::ExcludedUnnamed)
            }
            None => None,
        };
        (asked, rejection)
    }

    /// Confidence, step by step.
    fn weigh(
        &self,
        detector: DetectorId,
        one: &Compiled,
        text: &Traced<'_>,
        (whole, value): (&Range<usize>, &Range<usize>),
    ) -> Judged {
        let bytes = &text[value.clone()];
        let bare = bytes.iter().all(u8::is_ascii_digit);
        let by_form = if bare { one.bare } else { one.unaided };
        let mut steps = vec![(if bare { "digits alone" } else { "by its form" }, by_form)];
        let mut unaided = one.unaided(bytes);
        if one.is_faint(bytes) {
            steps.push(("a spelling that `faint` names", unaided));
        } else if one.doubts.iter().any(|check| (check.passes)(bytes)) {
            steps.push(("a check of `doubts` passes", unaided));
        }
        if unaided == Confidence::High && one.is_lowered(text, value) {
            unaided = unaided.lowered();
            steps.push(("what directly surrounds it lowers it", unaided));
        }
        let words = self.words_of(detector, one, text, (unaided, value));
        let says = Evidence {
            positive: words.iter().any(|(_, speaks_for)| *speaks_for),
            negative: words.iter().any(|(_, speaks_for)| !speaks_for),
        };
        if !says.positive && one.is_low_beside(text, value) {
            unaided = Confidence::Low;
            steps.push(("what directly surrounds it makes it low", unaided));
        }
        let alone = if says.positive { unaided } else { one.in_crowd(text, value, unaided) };
        if alone != unaided {
            unaided = alone;
            steps.push(("it is one of a list or a table of other numbers", unaided));
        }
        let beside = self.is_beside(one, text, value);
        let mut confidence =
            one.weigh(unaided, says, || beside, |why, confidence| steps.push((why, confidence)));
        if one.is_in_doubt(text, whole.start, whole.end) {
            confidence = confidence.lowered();
            steps.push(("what directly surrounds it speaks against it", confidence));
        }
        Judged { words, beside, steps, confidence }
    }
}

impl Matcher {
    /// Values of a detector in columns whose headers name them.
    fn cells(&self, detector: DetectorId, text: &[u8], starts: (usize, usize)) -> Vec<Match> {
        let layout = Layout::of(text);
        let layout = layout.as_ref().unwrap_or_else(|| Layout::plain());
        let mut told = self.told(layout).into_vec();
        told.retain(|(_, number)| *number == detector.0);
        let mut cells = Vec::new();
        columns::each(&self.compiled, &told, layout, text, starts, |_, cell| cells.push(cell));
        let mut hints = Vec::new();
        self.index.literals.each(self.level, text, (0, text.len()), |owner, at| {
            hints.extend(Hint::of(&self.compiled[usize::from(owner)], text, at));
        });
        let detectors = (&*self.compiled, &[detector.0][..]);
        Listed::new().read(detectors, (text, 0), (0, text.len()), &hints, |_, cell| {
            if (starts.0..starts.1).contains(&cell.start) {
                cells.push(cell);
            }
        });
        cells
    }

    fn in_cell(&self, detector: DetectorId, one: &Compiled, text: &Traced<'_>, cell: &Match) -> Trace {
        let (whole, value) = (cell.start..cell.end, cell.value.clone());
        let (checks, _) = self.judge(detector, one, text, &whole, &value);
        let outcome = Outcome::Found(self.weigh(detector, one, text, (&whole, &value)));
        Trace { detector, whole, value, ends: 1, checks, outcome }
    }
}

impl Rejection {
    const fn is_exclusion(self) -> bool {
        matches!(
            self,
            Rejection::ExcludedBefore
                | Rejection::ExcludedAfter
                | Rejection::ExcludedUnnamed
                | Rejection::ExcludedValue
        )
    }

    /// Whether it is a part of something longer.
    #[must_use]
    pub const fn is_boundary(self) -> bool {
        matches!(self, Rejection::BoundaryBefore | Rejection::BoundaryAfter)
    }

    const fn stage(self) -> u8 {
        match self {
            Rejection::BoundaryBefore => 0,
            Rejection::BoundaryAfter => 1,
            Rejection::Validator(_) => 2,
            Rejection::Invalidator(_) => 3,
            Rejection::ExcludedBefore
            | Rejection::ExcludedAfter
            | Rejection::ExcludedUnnamed
            | Rejection::ExcludedValue => 4,
        }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Rejection::BoundaryBefore => f.write_str("boundary: something touches it in front"),
            Rejection::BoundaryAfter => f.write_str("boundary: something touches it behind"),
            Rejection::Validator(name) => write!(f, "validator {name} fails"),
            Rejection::Invalidator(name) => write!(f, "invalidator {name} passes"),
            Rejection::ExcludedBefore => {
                f.write_str("exclude.before: what precedes it makes it something else")
            }
            Rejection::ExcludedAfter => f.write_str("exclude.after: what follows it makes it something else"),
            Rejection::ExcludedUnnamed => f.write_str(
                "exclude.unless_named: what directly surrounds it speaks against it, and no name of its own for it",
            ),
            Rejection::ExcludedValue => f.write_str("exclude.values: a known value that means nothing"),
        }
    }
}

fn stage(outcome: &Outcome) -> u8 {
    match outcome {
        Outcome::Rejected(rejection) => rejection.stage(),
        Outcome::Found(_) => u8::MAX,
    }
}

impl Tally {
    fn count(&mut self, outcome: &Outcome) {
        self.shaped += 1;
        let counter = match outcome {
            Outcome::Found(_) => &mut self.findings,
            Outcome::Rejected(Rejection::BoundaryBefore | Rejection::BoundaryAfter) => &mut self.boundary,
            Outcome::Rejected(Rejection::Validator(_)) => &mut self.validators,
            Outcome::Rejected(Rejection::Invalidator(_)) => &mut self.invalidators,
            Outcome::Rejected(_) => &mut self.excluded,
        };
        *counter += 1;
    }

    pub fn add(&mut self, other: &Tally) {
        self.candidates += other.candidates;
        self.shaped += other.shaped;
        self.boundary += other.boundary;
        self.validators += other.validators;
        self.invalidators += other.invalidators;
        self.excluded += other.excluded;
        self.findings += other.findings;
    }
}

/// Matches of the pattern alone at `at`, in the engine's order: each with the value in it.
fn matches(one: &Compiled, text: &[u8], at: usize) -> Vec<(Range<usize>, Range<usize>)> {
    let mut ends = one.shape.run(&text[at..]);
    if ends.is_empty() {
        return Vec::new();
    }
    let Some(parts) = &one.parts else {
        let ends = std::iter::from_fn(|| ends.pop_longest());
        return ends.map(|len| (at..at + len, at..at + len)).collect();
    };
    let all = |shape: &super::shape::Shape, from: usize| {
        let mut ends = shape.run(&text[from..]);
        std::iter::from_fn(move || ends.pop_longest()).map(move |len| from + len)
    };
    let starts = parts.prefix.as_ref().map_or_else(|| vec![at], |prefix| all(prefix, at).collect());
    let mut found = Vec::new();
    for from in starts {
        for to in all(&parts.value, from) {
            let end = match &parts.suffix {
                Some(suffix) => all(suffix, to).next(),
                None => Some(to),
            };
            found.extend(end.map(|end| (at..end, from..to)));
        }
    }
    found.truncate(limits::VALUE_TRIES);
    found
}

/// Whether the engine would try a start at `at` for this anchor. What it costs does not grow with the run that `at` is in.
fn leads_to(anchor: &Anchor, text: &Traced<'_>, at: usize) -> bool {
    match anchor {
        Anchor::None => true,
        Anchor::Outline(outline) => outline.begins(&text[at..]),
        Anchor::Literal(literals) => {
            literals.iter().any(|l| text.get(at..at + l.len()).is_some_and(|t| t.eq_ignore_ascii_case(l)))
        }
        Anchor::Digits { digits, before, .. } => {
            (at..=at + before).any(|from| text.get(from).is_some() && has_digits(text, from, *digits))
        }
        Anchor::At { before, class, encoded } => {
            let reach = text[at..].iter().take(*before).take_while(|&&b| class[usize::from(b)]).count();
            (at..=at + reach)
                .filter_map(|i| text.get(i..))
                .any(|rest| rest.first() == Some(&b'@') || *encoded && rest.starts_with(b"%40"))
        }
        Anchor::Word { length, before, mixed } => (at..=(at + before).min(text.len())).any(|from| {
            let row = text[from..].iter().take(*length).take_while(|b| b.is_ascii_alphanumeric());
            row.count() >= *length && (!mixed || text.is_mixed_from(from))
        }),
    }
}

/// Whether the run that begins here has so many digits: single separators may stand between two digits.
fn has_digits(text: &[u8], from: usize, digits: usize) -> bool {
    let (mut count, mut at) = (0, from);
    while count < digits {
        match text.get(at) {
            Some(b'0'..=b'9') => count += 1,
            Some(b) if at > from && is_separator(*b) && text[at - 1].is_ascii_digit() => {}
            Some(_) | None => return false,
        }
        at += 1;
    }
    true
}

fn describe(anchor: &Anchor) -> String {
    match anchor {
        Anchor::Digits { digits, before: 0, .. } => format!("digits: begins with a run of at least {digits}"),
        Anchor::Digits { digits, before, .. } => {
            format!("digits: a run of at least {digits}, up to {before} bytes from its start")
        }
        Anchor::Literal(literals) => {
            let shown =
                literals.iter().take(6).map(|l| format!("`{}`", l.escape_ascii())).collect::<Vec<_>>();
            let more =
                if literals.len() > 6 { format!(" and {} more", literals.len() - 6) } else { String::new() };
            format!("literal: begins with {}{more}", shown.join(", "))
        }
        Anchor::At { before, encoded, .. } => {
            let or = if *encoded { " or a `%40`" } else { "" };
            format!("at: an `@`{or}, up to {before} bytes from its start")
        }
        Anchor::Word { length, before, mixed } => {
            let digit = if *mixed { ", both among them" } else { "" };
            match before {
                0 => format!("word: begins with {length} letters or digits in a row{digit}"),
                _ => format!(
                    "word: {length} letters or digits in a row{digit}, up to {before} bytes from its start"
                ),
            }
        }
        Anchor::Outline(_) => {
            "outline: begins with digits, letters and signs in an order that is rare".to_owned()
        }
        Anchor::None => "none: every place whose byte can begin a match is tried".to_owned(),
    }
}

#[cfg(test)]
#[path = "trace_tests.rs"]
mod tests;
