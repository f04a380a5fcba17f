//! What every match of a pattern must contain, worked out from its automaton, so that a text without it is skipped.

use aho_corasick::packed;
use regex_syntax::hir::literal::{ExtractKind, Extractor};

use super::shape::{DEAD, Shape, ShapeError, parse};

/// A run of digits in which single separators may stand between two digits.
pub(super) const MIN_RUN_DIGITS: usize = 6;
/// Shortest run of letters and digits worth looking for.
const MIN_RUN_WORD: usize = 8;
/// Shortest literal worth looking for.
const MIN_LITERAL: usize = 3;
/// Longest run told apart.
pub(super) const RUN_LIMIT: usize = 40;
/// Most literals one pattern may contribute.
const MAX_LITERALS: usize = 32;
/// Longest first digit group told apart; longer ones count as this long.
pub(super) const GROUP_LEN: usize = 31;

/// Bytes that may stand alone between two digits of one run.
#[must_use]
pub fn is_separator(byte: u8) -> bool {
    matches!(byte, b' ' | b'-' | b'.' | b'/')
}

/// Where a pattern can start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// Every match holds a run (see [`is_separator`]) of at least `digits` digits, which begins at most `before`
    /// bytes after the match does. With `before` 0 it begins with the match, and `first_group` tells the lengths
    /// that its first group can have.
    Digits { digits: usize, before: usize, first_group: u32 },
    /// Every match begins with one of these literals.
    Literal(Vec<Vec<u8>>),
    /// Every match holds `@`, at most `before` bytes after its start, and only bytes of `class` before it.
    At { before: usize, class: Box<[bool; 256]> },
    /// Every match holds `length` letters and digits in a row, from at most `before` bytes after its start.
    Word { length: usize, before: usize },
    /// Nothing rare: every position whose byte can begin a match is tried.
    None,
}

impl Anchor {
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Anchor::Digits { .. } => "digits",
            Anchor::Literal(_) => "literal",
            Anchor::At { .. } => "at",
            Anchor::Word { .. } => "word",
            Anchor::None => "none",
        }
    }

    /// Finds the cheapest anchor that loses no match.
    pub fn derive(pattern: &str, shape: &Shape) -> Result<Anchor, ShapeError> {
        if let Some(literals) = prefixes(pattern)? {
            return Ok(Anchor::Literal(literals));
        }
        let leading = first_run(shape);
        if leading >= MIN_RUN_DIGITS {
            return Ok(Anchor::Digits { digits: leading, before: 0, first_group: first_groups(shape) });
        }
        let digits = guaranteed_run(shape, shape.max_len.min(RUN_LIMIT), Step::digits);
        if digits >= MIN_RUN_DIGITS {
            return Ok(Anchor::Digits {
                digits,
                before: furthest(shape, digits, Step::digits),
                first_group: 0,
            });
        }
        if guaranteed_run(shape, 1, Step::at) == 1 {
            let class = class_before_at(shape);
            return Ok(Anchor::At { before: furthest(shape, 1, Step::at), class });
        }
        let length = guaranteed_run(shape, shape.max_len.min(RUN_LIMIT), Step::word);
        if length >= MIN_RUN_WORD {
            return Ok(Anchor::Word { length, before: furthest(shape, length, Step::word) });
        }
        Ok(Anchor::None)
    }
}

/// Literals that every match begins with, when they are few and long enough.
fn prefixes(pattern: &str) -> Result<Option<Vec<Vec<u8>>>, ShapeError> {
    let hir = parse(pattern)?;
    let mut extractor = Extractor::new();
    extractor.kind(ExtractKind::Prefix).limit_total(MAX_LITERALS);
    let mut seq = extractor.extract(&hir);
    seq.keep_first_bytes(8);
    seq.dedup();
    let Some(literals) = seq.literals() else { return Ok(None) };
    let fit = !literals.is_empty()
        && literals.len() <= MAX_LITERALS
        && literals.iter().all(|l| l.len() >= MIN_LITERAL && !l.as_bytes().iter().all(u8::is_ascii_digit));
    Ok(fit.then(|| literals.iter().map(|l| l.as_bytes().to_vec()).collect()))
}

/// How one byte changes a run: `count` so far, and whether a separator was the last byte.
#[derive(Clone, Copy)]
enum Step {
    Grow,
    Pause,
    Reset,
}

impl Step {
    fn digits(byte: u8) -> Step {
        match byte {
            b'0'..=b'9' => Step::Grow,
            b if is_separator(b) => Step::Pause,
            _ => Step::Reset,
        }
    }
    fn at(byte: u8) -> Step {
        if byte == b'@' { Step::Grow } else { Step::Reset }
    }
    fn word(byte: u8) -> Step {
        if byte.is_ascii_alphanumeric() { Step::Grow } else { Step::Reset }
    }
}

/// Which steps the bytes of each class can make; classes of a shape can mix digits and letters.
fn class_steps(shape: &Shape, step: fn(u8) -> Step) -> Vec<Vec<(usize, Step)>> {
    let representatives: Vec<(u8, usize)> = shape.class_bytes().collect();
    let mut steps = vec![Vec::new(); representatives.len()];
    let mut mask = vec![0u8; representatives.len()];
    for byte in 0..=255u8 {
        let class = shape.class_of(byte);
        let kind = step(byte);
        let bit = 1 << (kind as u8);
        if mask[class] & bit == 0 {
            mask[class] |= bit;
            steps[class].push((class, kind));
        }
    }
    steps
}

/// A node of the product of the automaton with a run counter.
fn node(state: u16, count: usize, paused: bool, width: usize) -> usize {
    (usize::from(state) * width + count) * 2 + usize::from(paused)
}

fn successors(
    shape: &Shape,
    steps: &[Vec<(usize, Step)>],
    (state, count, paused): (u16, usize, bool),
    mut visit: impl FnMut(u16, usize, bool),
) {
    let row = shape.row(state);
    for &(class, kind) in steps.iter().flatten() {
        let to = row[class];
        if to == DEAD {
            continue;
        }
        match kind {
            Step::Grow => visit(to, count + 1, false),
            Step::Pause if count > 0 && !paused => visit(to, count, true),
            Step::Pause | Step::Reset => visit(to, 0, false),
        }
    }
}

/// The largest `n` up to `limit` such that every match holds a run of `n`.
fn guaranteed_run(shape: &Shape, limit: usize, step: fn(u8) -> Step) -> usize {
    // best[node] = the smallest "longest run so far" with which the node can be reached; a match's value is the
    // largest run on its path, and the guarantee is the smallest such value over all matches. Runs are found by
    // trying thresholds from above: a threshold fails when some match avoids it.
    let steps = class_steps(shape, step);
    let (mut low, mut high) = (0, limit);
    while low < high {
        let middle = (low + high).div_ceil(2);
        if avoidable(shape, &steps, middle) { high = middle - 1 } else { low = middle }
    }
    low
}

/// Whether some match holds no run of `n`.
fn avoidable(shape: &Shape, steps: &[Vec<(usize, Step)>], n: usize) -> bool {
    let mut seen = vec![false; shape.states() * n * 2];
    let mut stack = vec![(Shape::START, 0usize, false)];
    while let Some(at) = stack.pop() {
        if shape.accepts(at.0) {
            return true;
        }
        successors(shape, steps, at, |state, count, paused| {
            if count < n && !std::mem::replace(&mut seen[node(state, count, paused, n)], true) {
                stack.push((state, count, paused));
            }
        });
    }
    false
}

/// The fewest digits of the run that a match begins with; 0 when a match can begin with anything else.
fn first_run(shape: &Shape) -> usize {
    let mut states = vec![(Shape::START, 0usize, false)];
    let mut seen = std::collections::HashSet::new();
    let mut least = usize::MAX;
    while let Some((state, count, paused)) = states.pop() {
        if shape.accepts(state) {
            least = least.min(count);
        }
        for byte in 0..=255u8 {
            let to = shape.step(state, byte);
            if to == DEAD {
                continue;
            }
            let next = match Step::digits(byte) {
                Step::Grow => (to, (count + 1).min(RUN_LIMIT), false),
                Step::Pause if count > 0 && !paused => (to, count, true),
                Step::Pause | Step::Reset => {
                    least = least.min(count);
                    continue;
                }
            };
            if seen.insert(next) {
                states.push(next);
            }
        }
    }
    least.min(RUN_LIMIT)
}

/// The most bytes that can stand before the run of `n` that every match holds first.
fn furthest(shape: &Shape, n: usize, step: fn(u8) -> Step) -> usize {
    let steps = class_steps(shape, step);
    // Matches are finite, so the graph has no cycle: relax longest paths in waves of one byte each.
    let mut wave = vec![(Shape::START, 0usize, false)];
    let mut furthest = 0;
    for length in 0..=shape.max_len {
        let mut seen = vec![false; shape.states() * n * 2];
        let mut next = Vec::new();
        for at in wave {
            let begins = at.1 == 0;
            successors(shape, &steps, at, |state, count, paused| {
                if begins && count == 1 {
                    furthest = furthest.max(length);
                }
                if count < n && !std::mem::replace(&mut seen[node(state, count, paused, n)], true) {
                    next.push((state, count, paused));
                }
            });
        }
        if next.is_empty() {
            break;
        }
        wave = next;
    }
    furthest
}

/// Lengths that the digits at the very start of a match can have, as bits.
fn first_groups(shape: &Shape) -> u32 {
    let mut states = vec![Shape::START];
    let mut groups = 0u32;
    for length in 0..=shape.max_len {
        let ends_here = states.iter().any(|&state| {
            shape.accepts(state) || (0..=255u8).any(|b| !b.is_ascii_digit() && shape.step(state, b) != DEAD)
        });
        if ends_here && length > 0 {
            groups |= 1 << length.min(GROUP_LEN);
        }
        let mut next: Vec<u16> = states
            .iter()
            .flat_map(|&state| (b'0'..=b'9').map(move |b| (state, b)))
            .map(|(state, b)| shape.step(state, b))
            .filter(|&state| state != DEAD)
            .collect();
        next.sort_unstable();
        next.dedup();
        states = next;
    }
    groups
}

/// Bytes that can stand before the first `@` of a match.
fn class_before_at(shape: &Shape) -> Box<[bool; 256]> {
    let mut class = Box::new([false; 256]);
    let mut seen = vec![false; shape.states()];
    let mut stack = vec![Shape::START];
    while let Some(state) = stack.pop() {
        for byte in (0..=255u8).filter(|&b| b != b'@') {
            let to = shape.step(state, byte);
            if to != DEAD {
                class[usize::from(byte)] = true;
                if !std::mem::replace(&mut seen[usize::from(to)], true) {
                    stack.push(to);
                }
            }
        }
    }
    class
}

/// One searcher for the literals of all detectors.
#[derive(Debug)]
pub(super) struct Literals {
    searcher: Option<packed::Searcher>,
    /// For small sets on machines without the packed kernel.
    fallback: Option<aho_corasick::AhoCorasick>,
    /// Literal to detector.
    pub owners: Vec<u16>,
}

impl Literals {
    pub(super) fn build(literals: &[(Vec<u8>, u16)]) -> Literals {
        let owners = literals.iter().map(|(_, owner)| *owner).collect();
        if literals.is_empty() {
            return Literals { searcher: None, fallback: None, owners };
        }
        let texts = literals.iter().map(|(text, _)| text);
        // Overlapping literals of different detectors must all be seen, which a packed searcher can't do.
        let independent = literals.iter().enumerate().all(|(i, (a, _))| {
            literals.iter().enumerate().all(|(j, (b, _))| i == j || !a.starts_with(b.as_slice()))
        });
        let searcher = if independent { packed::Searcher::new(texts.clone()) } else { None };
        let fallback = if searcher.is_none() { aho_corasick::AhoCorasick::new(texts).ok() } else { None };
        Literals { searcher, fallback, owners }
    }

    /// Calls `hit(owner, position)` for every literal in `text[from..to]`.
    pub(super) fn each(&self, text: &[u8], from: usize, to: usize, mut hit: impl FnMut(u16, usize)) {
        if let Some(searcher) = &self.searcher {
            let mut at = from;
            while let Some(found) = searcher.find_in(text, aho_corasick::Span { start: at, end: to }) {
                hit(self.owners[found.pattern().as_usize()], found.start());
                at = found.start() + 1;
            }
        } else if let Some(all) = &self.fallback {
            let input = aho_corasick::Input::new(text).span(from..to);
            for found in all.find_overlapping_iter(input) {
                hit(self.owners[found.pattern().as_usize()], found.start());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn anchor(pattern: &str) -> Anchor {
        Anchor::derive(pattern, &Shape::compile(pattern).unwrap()).unwrap()
    }

    #[test]
    fn anchors_are_derived_from_the_pattern_alone() {
        let bits = |lengths: &[u32]| lengths.iter().fold(0u32, |acc, l| acc | 1 << l);
        assert_eq!(
            anchor(r"\d{3}-\d{2}-\d{4}"),
            Anchor::Digits { digits: 9, before: 0, first_group: bits(&[3]) }
        );
        assert_eq!(
            anchor(r"\d{3}\.?\d{3}\.?\d{3}-?\d{2}"),
            Anchor::Digits { digits: 11, before: 0, first_group: bits(&[3, 6, 9, 11]) }
        );
        assert_eq!(
            anchor(r"(?i)[a-z]{2} ?\d{2} ?\d{2} ?\d{2} ?[a-d]"),
            Anchor::Digits { digits: 6, before: 3, first_group: 0 }
        );
        assert_eq!(
            anchor(r"[12] ?\d{4} ?(?:\d{2}|2A) ?\d{4}"),
            Anchor::Digits { digits: 6, before: 0, first_group: bits(&[1, 5, 6, 7, 11]) }
        );
        let Anchor::Digits { digits: 13, before: 0, first_group } = anchor(r"\d(?:[ -]?\d){12,18}") else {
            panic!("not anchored at digits")
        };
        assert_eq!(first_group, (1 << 20) - 2);
        assert_eq!(anchor(r"AKIA[0-9A-Z]{16}"), Anchor::Literal(vec![b"AKIA".to_vec()]));
        let Anchor::At { before: 64, class } = anchor(r"[a-z.]{1,64}@[a-z.]{3,20}") else { panic!("not at") };
        assert!(class[b'.' as usize] && !class[b'@' as usize] && !class[b'-' as usize]);
        assert_eq!(anchor(r"[A-Z]{6}[0-9A-Z]{10}"), Anchor::Word { length: 16, before: 0 });
        assert_eq!(anchor(r"[a-z]{3}-?[a-z]{3}"), Anchor::None);
    }
}
