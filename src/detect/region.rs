//! Decides every start of one contiguous piece of text.

use super::anchor::Anchor;
use super::matcher::{Compiled, DetectorId, Matcher};
use super::pack::{Boundary, Normalize, Tier};
use super::simd::{self, Level, Visit};
use super::{Confidence, Finding};
use crate::fingerprint::{Fingerprint, FingerprintKey};

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
    pub label: Option<&'a [u8]>,
}

/// Where each detector may start next: behind its last finding. Grows at the first finding, not before.
#[derive(Clone, Debug, Default)]
pub(super) struct Scratch {
    next: Vec<u64>,
}

impl Scratch {
    pub(super) const fn new() -> Scratch {
        Scratch { next: Vec::new() }
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.next.capacity() * size_of::<u64>()
    }
}

struct Run<'a, 'b> {
    region: Region<'a>,
    matcher: &'a Matcher,
    key: Option<&'a FingerprintKey>,
    scratch: &'b mut Scratch,
    out: &'b mut Vec<Finding>,
}

impl Region<'_> {
    /// Appends the findings that start in `from..to`, ordered by start.
    pub(super) fn decide(
        self,
        matcher: &Matcher,
        level: Level,
        key: Option<&FingerprintKey>,
        scratch: &mut Scratch,
        out: &mut Vec<Finding>,
    ) {
        let first_new = out.len();
        let end = self.text.len().min(self.to + matcher.max_len);
        let mut run = Run { region: self, matcher, key, scratch, out };
        simd::walk(level, matcher.index.wanted, self.text, self.from, end, &mut run);
        matcher.literals.each(self.text, self.from, end, |owner, at| {
            if at < self.to {
                run.try_start(owner, at);
            }
        });
        if !matcher.index.unanchored.is_empty() {
            run.unanchored();
        }
        if let Some(new) = out.get_mut(first_new..) {
            new.sort_unstable_by_key(|f| (f.start, f.end, f.detector));
        }
    }

    /// The first start in `from..to` at which a match could still be under way or waits for what follows it.
    pub(super) fn first_open(self, matcher: &Matcher) -> usize {
        let open = |at: usize| {
            let rest = self.text.get(at..).unwrap_or_default();
            matcher.compiled.iter().any(|c| {
                rest.first().is_some_and(|&b| c.first[usize::from(b)])
                    && boundary_before(c.boundary, self.text, at)
                    && (c.shape.is_open(rest) || self.may_match(c, at, rest))
            })
        };
        (self.from..self.to).find(|&at| open(at)).unwrap_or(self.to)
    }

    fn may_match(&self, detector: &Compiled, at: usize, rest: &[u8]) -> bool {
        let mut ends = detector.shape.run(rest);
        std::iter::from_fn(|| ends.pop_longest()).any(|len| {
            at + len == self.text.len()
                || (boundary_after(detector.boundary, self.text, at + len)
                    && is_valid(detector, &rest[..len]))
        })
    }
}

impl Run<'_, '_> {
    /// Tries one start of one detector: longest end first.
    fn try_start(&mut self, number: u16, at: usize) -> bool {
        let text = self.region.text;
        let detector = &self.matcher.compiled[usize::from(number)];
        if !detector.first[usize::from(text[at])] || !boundary_before(detector.boundary, text, at) {
            return false;
        }
        let start = self.region.base + at as u64;
        if self.scratch.next.get(usize::from(number)).is_some_and(|&next| start < next) {
            return false;
        }
        let rest = &text[at..];
        let mut ends = detector.shape.run(rest);
        while let Some(len) = ends.pop_longest() {
            let value = &rest[..len];
            if boundary_after(detector.boundary, text, at + len) && is_valid(detector, value) {
                return self.report(number, at, len);
            }
        }
        false
    }

    #[cold]
    fn report(&mut self, number: u16, at: usize, len: usize) -> bool {
        let detector = &self.matcher.compiled[usize::from(number)];
        let value = &self.region.text[at..at + len];
        let normalised = normalised(detector.normalize, value);
        if detector.excluded.contains(&normalised) {
            return false;
        }
        let (confidence, keyword) = self.confidence(number, detector, at, len);
        let start = self.region.base + at as u64;
        let end = start + len as u64;
        if self.scratch.next.is_empty() {
            self.scratch.next = vec![0; self.matcher.compiled.len()];
        }
        self.scratch.next[usize::from(number)] = end;
        let id = &self.matcher.detectors()[usize::from(number)].id;
        let fingerprint = self.key.map_or(Fingerprint::default(), |key| key.of(id, &normalised));
        self.out.push(Finding { detector: DetectorId(number), start, end, confidence, keyword, fingerprint });
        true
    }

    fn confidence(&self, number: u16, detector: &Compiled, at: usize, len: usize) -> (Confidence, bool) {
        let text = self.region.text;
        let value = &text[at..at + len];
        let unaided = match detector.tier {
            Tier::Strong if value.iter().all(u8::is_ascii_digit) => detector.bare,
            Tier::Strong => Confidence::High,
            Tier::Medium => Confidence::Medium,
            Tier::Weak => Confidence::Low,
        };
        if !detector.has_words {
            return (unaided, false);
        }
        let words = &self.matcher.words;
        let before = words.look(number, text, at.saturating_sub(detector.before)..at);
        let behind = text.len().min(at + len + detector.after);
        let after = words.look(number, text, at + len..behind);
        let label = self.region.label.map(|l| words.look(number, l, 0..l.len())).unwrap_or_default();
        let positive = before.positive || after.positive || label.positive;
        let negative = before.negative || after.negative || label.negative;
        let confidence = match (positive, detector.tier) {
            (true, Tier::Strong | Tier::Medium) => Confidence::High,
            (true, Tier::Weak) => unaided.raised(),
            // What a strong form proved beyond medium no word takes back.
            (false, Tier::Strong) if unaided == Confidence::High => unaided,
            (false, _) if negative => unaided.lowered(),
            (false, _) => unaided,
        };
        let capped = if detector.required && !positive { Confidence::Low } else { confidence };
        (capped, positive)
    }

    /// Detectors that begin with their digits, at the beginning of a group with `left` digits from here on.
    #[inline(always)]
    fn leading(&mut self, at: usize, group: usize, left: usize) {
        let index = &self.matcher.index;
        let sets = index.by_group(group).iter().zip(index.by_digits(left));
        for (word, (a, b)) in sets.enumerate() {
            let mut fit = a & b;
            while fit != 0 {
                let entry = word * 64 + fit.trailing_zeros() as usize;
                fit &= fit - 1;
                if at < self.region.to {
                    self.try_start(index.leading[entry], at);
                }
            }
        }
    }

    /// Detectors with something before their digits.
    #[cold]
    fn prefixed(&mut self, start: usize, end: usize, count: usize) {
        let matcher = self.matcher;
        for &number in &matcher.index.prefixed {
            let detector = &matcher.compiled[usize::from(number)];
            let Anchor::Digits { digits, before, .. } = &detector.anchor else { continue };
            if *digits <= count {
                // A start inside the run needs a first byte that a run can hold.
                let inside = (b'0'..=b'9').any(|b| detector.first[usize::from(b)]);
                self.try_starts(number, start.saturating_sub(*before), if inside { end } else { start });
            }
        }
    }

    /// A run longer than its mask: read byte by byte.
    #[cold]
    fn long_run(&mut self, start: usize, end: usize) {
        let text = self.region.text;
        let mut left = text[start..end].iter().filter(|b| b.is_ascii_digit()).count();
        self.prefixed(start, end, left);
        let mut at = start;
        while at < end && at < self.region.to {
            let group = text[at..end].iter().take_while(|b| b.is_ascii_digit()).count();
            self.leading(at, group, left);
            left -= group;
            at += group + 1;
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

    /// Tries the starts of `from..to` that lie in the region.
    fn try_starts(&mut self, number: u16, from: usize, to: usize) {
        for at in from.max(self.region.from)..to.min(self.region.to) {
            self.try_start(number, at);
        }
    }
}

impl Visit for Run<'_, '_> {
    #[inline(always)]
    fn digits(&mut self, start: usize, end: usize, digits: u64) {
        let index = &self.matcher.index;
        if end - start > 64 {
            return self.long_run(start, end);
        }
        let count = digits.count_ones() as usize;
        if count >= index.least_prefixed
            && start > 0
            && index.prefix_ends[usize::from(self.region.text[start - 1])]
        {
            self.prefixed(start, end, count);
        }
        if count < index.least_leading {
            return;
        }
        let (mut left, mut at, mut rest) = (count, start, digits);
        loop {
            let group = rest.trailing_ones() as usize;
            self.leading(at, group, left);
            left -= group;
            if left < index.least_leading {
                return;
            }
            // One separator, then the next group.
            at += group + 1;
            rest = rest.checked_shr(group as u32 + 1).unwrap_or(0);
        }
    }

    fn at(&mut self, position: usize) {
        let text = self.region.text;
        for &number in &self.matcher.index.at {
            let Anchor::At { before, class } = &self.matcher.compiled[usize::from(number)].anchor else {
                continue;
            };
            let least = position.saturating_sub(*before).max(self.region.from);
            let reach = text[least..position].iter().rev().take_while(|&&b| class[usize::from(b)]).count();
            for at in position - reach..=position.min(self.region.to.saturating_sub(1)) {
                if self.try_start(number, at) {
                    break;
                }
            }
        }
    }

    fn word(&mut self, start: usize, end: usize) {
        for &number in &self.matcher.index.word {
            let detector = &self.matcher.compiled[usize::from(number)];
            let Anchor::Word { length, before } = &detector.anchor else { continue };
            if end - start < *length {
                continue;
            }
            // Behind a word byte no match with a word boundary starts.
            let last = if detector.boundary == Boundary::Word { start } else { end - length };
            self.try_starts(number, start.saturating_sub(*before), last + 1);
        }
    }
}

fn is_valid(detector: &Compiled, value: &[u8]) -> bool {
    detector.validators.iter().all(|check| (check.passes)(value))
        && !detector.invalidators.iter().any(|check| (check.passes)(value))
}

#[inline]
fn boundary_before(boundary: Boundary, text: &[u8], at: usize) -> bool {
    let Some(before) = at.checked_sub(1).map(|i| text[i]) else { return true };
    match boundary {
        Boundary::None => true,
        Boundary::Digit => !before.is_ascii_digit(),
        Boundary::Word => !is_word(before),
        Boundary::Number => {
            let digit_further = at.checked_sub(2).is_some_and(|i| text[i].is_ascii_digit());
            !(before.is_ascii_digit() || matches!(before, b'.' | b',') && digit_further)
        }
    }
}

#[inline]
fn boundary_after(boundary: Boundary, text: &[u8], end: usize) -> bool {
    let Some(&after) = text.get(end) else { return true };
    match boundary {
        Boundary::None => true,
        Boundary::Digit => !after.is_ascii_digit(),
        Boundary::Word => !is_word(after),
        Boundary::Number => {
            let digit_further = text.get(end + 1).is_some_and(u8::is_ascii_digit);
            !(after.is_ascii_digit() || matches!(after, b'.' | b',') && digit_further)
        }
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// The spelling that makes two writings of one value equal.
pub(super) fn normalised(normalize: Normalize, value: &[u8]) -> Vec<u8> {
    match normalize {
        Normalize::Digits => value.iter().copied().filter(u8::is_ascii_digit).collect(),
        Normalize::AlnumUpper => {
            value.iter().filter(|b| b.is_ascii_alphanumeric()).map(u8::to_ascii_uppercase).collect()
        }
        Normalize::Lower => value.to_ascii_lowercase(),
        Normalize::Raw => value.to_vec(),
    }
}
