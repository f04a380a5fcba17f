//! What every match of a pattern must contain, worked out from its automaton, so that a text without it is skipped.

use std::sync::Arc;

use regex_syntax::hir::literal::{ExtractKind, Extractor};
use regex_syntax::hir::{Class, ClassBytes, ClassBytesRange, Hir, HirKind, Repetition};

use super::outline::Outline;
use super::shape::{DEAD, Shape, ShapeError};

/// A run of digits in which single separators may stand between two digits.
pub(super) const MIN_RUN_DIGITS: usize = 6;
/// Shortest run of letters and digits worth looking for.
pub(super) const MIN_RUN_WORD: usize = 8;
/// Shortest literal worth looking for.
const MIN_LITERAL: usize = 3;
/// Longest run told apart.
pub(super) const RUN_LIMIT: usize = 40;
/// Most literals one pattern may contribute, and most from which shorter ones are cut.
const MAX_LITERALS: usize = 1024;
const MAX_SPELLINGS: usize = 2048;
/// Most alternatives told apart.
const MAX_ARMS: usize = 12;
/// So many literals are looked for rather than a run of digits; more only if the run can be `FAR_BEFORE` bytes away.
const FEW_LITERALS: usize = 16;
const FAR_BEFORE: usize = 16;
/// Past so many literals longer ones are not tried.
const MANY_LITERALS: usize = 64;
/// Literals that turn up more often than this in a byte of text are no anchor.
const COMMON: f64 = 0.06;
/// Bytes of a class that even in lower case is not spelled out.
const LARGE: usize = 64;
/// Most bytes of a literal that are looked for.
const LITERAL_BYTES: usize = 8;
/// Longest first digit group told apart; longer ones count as this long.
pub(super) const GROUP_LEN: usize = 31;

/// Bytes that may stand alone between two digits of one run.
pub(super) const SEPARATOR_BYTES: [u8; 4] = *b" -./";

/// Whether a byte is one of those.
#[must_use]
pub fn is_separator(byte: u8) -> bool {
    SEPARATOR_BYTES.contains(&byte)
}

/// Where a pattern can start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// Every match holds a run (see [`is_separator`]) of at least `digits` digits, which begins at most `before`
    /// bytes after the match does. With `before` 0 it begins with the match.
    Digits { digits: usize, before: usize, prefix: Box<Prefix> },
    /// Every match begins with one of these literals.
    Literal(Vec<Vec<u8>>),
    /// Every match holds `@`, or where it is `encoded` perhaps `%40`, at most `before` bytes after its start, and only
    /// bytes of `class` before it.
    At { before: usize, class: Box<[bool; 256]>, encoded: bool },
    /// Every match holds `length` letters and digits in a row, from at most `before` bytes after its start; when
    /// `mixed`, both letters and digits are among them.
    Word { length: usize, before: usize, mixed: bool },
    /// Every match begins with bytes of such kinds.
    Outline(Outline),
    /// Nothing rare: every position whose byte can begin a match is tried.
    None,
}

/// What stands between the start of a match and the run that it is found by.
#[derive(Clone, Debug, Default)]
pub struct Prefix {
    /// Fewest bytes.
    pub least: usize,
    /// Whether a match can begin with a digit, and so inside a longer run.
    pub inside: bool,
    /// A bit for each byte value that can be among them.
    pub class: [u64; 4],
    /// The automaton of the alternative that this is the anchor of, where it is not the whole pattern.
    pub(super) arm: Option<Arc<Shape>>,
}

impl PartialEq for Prefix {
    fn eq(&self, other: &Prefix) -> bool {
        (self.least, self.inside, self.class) == (other.least, other.inside, other.class)
    }
}

impl Eq for Prefix {}

impl Prefix {
    #[inline(always)]
    #[must_use]
    pub fn holds(&self, byte: u8) -> bool {
        self.class[usize::from(byte >> 6)] & 1 << (byte & 63) != 0
    }
}

impl Anchor {
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Anchor::Digits { .. } => "digits",
            Anchor::Literal(_) => "literal",
            Anchor::At { .. } => "at",
            Anchor::Word { .. } => "word",
            Anchor::Outline(_) => "outline",
            Anchor::None => "none",
        }
    }

    /// From cheap to dear.
    pub(super) const fn rank(&self) -> usize {
        match self {
            Anchor::Literal(_) => 0,
            Anchor::Digits { before: 0, .. } => 1,
            Anchor::Digits { .. } => 2,
            Anchor::At { .. } => 3,
            Anchor::Word { .. } => 4,
            Anchor::Outline(_) => 5,
            Anchor::None => 6,
        }
    }
}

/// The cheapest anchors that lose no match: one for the pattern, or one for each group of its alternatives.
pub(super) fn derive(hir: &Hir, shape: &Shape) -> Result<Vec<Anchor>, ShapeError> {
    let whole = derive_one(hir, shape);
    let HirKind::Alternation(arms) = hir.kind() else { return Ok(vec![whole]) };
    if matches!(whole, Anchor::Digits { before: 0, .. }) && arms.len() <= MAX_ARMS {
        return leading_arms(arms, whole);
    }
    if !matches!(
        whole,
        Anchor::None | Anchor::Outline(_) | Anchor::Word { .. } | Anchor::Digits { before: 1.., .. }
    ) {
        return Ok(vec![whole]);
    }
    // Alternatives of one kind are one search; what no alternative improves stays whole.
    let mut groups: [(Vec<Hir>, Option<Anchor>); 7] = Default::default();
    for arm in arms {
        let anchor = derive_one(arm, &Shape::of(arm)?);
        let (hirs, _) = &mut groups[anchor.rank()];
        hirs.push(arm.clone());
    }
    for (hirs, anchor) in &mut groups {
        if !hirs.is_empty() {
            let joined = Hir::alternation(hirs.clone());
            *anchor = Some(derive_one(&joined, &Shape::of(&joined)?));
        }
    }
    let anchors: Vec<Anchor> = groups.into_iter().filter_map(|(_, anchor)| anchor).collect();
    let worst = anchors.iter().map(Anchor::rank).max();
    Ok(if worst < Some(whole.rank()) || whole != Anchor::None && worst == Some(whole.rank()) {
        anchors
    } else {
        vec![whole]
    })
}

/// Alternatives that each begin with their digits are told apart by those; otherwise the whole pattern's anchor.
fn leading_arms(arms: &[Hir], whole: Anchor) -> Result<Vec<Anchor>, ShapeError> {
    let mut anchors = Vec::new();
    for arm in arms {
        let shape = Arc::new(Shape::of(arm)?);
        match derive_one(arm, &shape) {
            Anchor::Digits { digits, before: 0, mut prefix } => {
                prefix.arm = Some(shape);
                anchors.push(Anchor::Digits { digits, before: 0, prefix });
            }
            _ => return Ok(vec![whole]),
        }
    }
    Ok(anchors)
}

fn derive_one(hir: &Hir, shape: &Shape) -> Anchor {
    // Where a digit or nearly anything can come first, no literal does.
    let first = (0..=255u8).filter(|&b| shape.step(Shape::START, b) != DEAD);
    let spellable = first.clone().count() <= MANY_LITERALS && !first.clone().any(|b| b.is_ascii_digit());
    let literals = spellable.then(|| prefixes(hir)).flatten();
    if let Some(literals) = literals.clone().filter(|literals| literals.len() <= FEW_LITERALS) {
        return Anchor::Literal(literals);
    }
    let leading = first_run(shape);
    if leading >= MIN_RUN_DIGITS {
        return Anchor::Digits { digits: leading, before: 0, prefix: Box::default() };
    }
    let digits = guaranteed_run(shape, MIN_RUN_DIGITS, shape.max_len.min(RUN_LIMIT), Step::digits);
    if digits >= MIN_RUN_DIGITS {
        let before = furthest(shape, digits, Step::digits);
        if let Some(literals) = literals.filter(|_| before > FAR_BEFORE) {
            return Anchor::Literal(literals);
        }
        let prefix = Box::new(prefix_of(shape, digits, before));
        return Anchor::Digits { digits, before, prefix };
    }
    if let Some(literals) = literals {
        return Anchor::Literal(literals);
    }
    if guaranteed_run(shape, 1, 1, Step::at) == 1 {
        let class = class_before_at(shape);
        return Anchor::At { before: furthest(shape, 1, Step::at), class, encoded: false };
    }
    if let Some(anchor) = encoded_at(shape) {
        return anchor;
    }
    let length = guaranteed_run(shape, MIN_RUN_WORD, shape.max_len.min(RUN_LIMIT), Step::word);
    if length >= MIN_RUN_WORD {
        let before = furthest(shape, length, Step::word);
        // The one run that is the whole match holds all of it.
        let whole = before == 0 && shape.min_len == length;
        let holds = |step| guaranteed_run(shape, 1, 1, step) == 1;
        return Anchor::Word { length, before, mixed: whole && holds(Step::digits) && holds(Step::letters) };
    }
    Outline::of(shape).map_or(Anchor::None, Anchor::Outline)
}

/// Literals that every match begins with, in lower case, when they are few and long enough: of the lengths that they
/// can be cut to, the one at which they turn up least.
fn prefixes(hir: &Hir) -> Option<Vec<Vec<u8>>> {
    let mut extractor = Extractor::new();
    extractor.kind(ExtractKind::Prefix).limit_total(MAX_SPELLINGS).limit_literal_len(LITERAL_BYTES);
    let mut seq = extractor.extract(&folded(hir));
    seq.keep_first_bytes(LITERAL_BYTES);
    let mut longest: Vec<&[u8]> = seq.literals()?.iter().map(|literal| literal.as_bytes()).collect();
    longest.sort_unstable();
    // Cut, what was in order still is.
    let cut = |keep: usize| {
        let mut literals: Vec<&[u8]> = longest.iter().map(|l| l.get(..keep).unwrap_or(*l)).collect();
        literals.dedup();
        literals
    };
    let mut best: Option<(f64, usize)> = None;
    for keep in MIN_LITERAL..=LITERAL_BYTES {
        let literals = cut(keep);
        let fit = |l: &&[u8]| l.len() >= MIN_LITERAL && !l.iter().all(u8::is_ascii_digit);
        if literals.is_empty() || !literals.iter().all(fit) {
            break;
        }
        let rarity = rarity(&literals);
        if best.is_none_or(|(known, _)| rarity < known) {
            best = Some((rarity, keep));
        }
        if literals.len() > MANY_LITERALS {
            break;
        }
    }
    let (_, keep) = best.filter(|(rarity, _)| *rarity < COMMON)?;
    let literals = cut(keep);
    (literals.len() <= MAX_LITERALS).then(|| literals.into_iter().map(<[u8]>::to_vec).collect())
}

/// What a match begins with, in lower case: of every letter one spelling is left, and of what stands further behind than
/// a literal reaches, nothing.
fn folded(hir: &Hir) -> Hir {
    let lower = |range: &ClassBytesRange| (range.start()..=range.end()).map(|b| b.to_ascii_lowercase());
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) | HirKind::Class(Class::Unicode(_)) => hir.clone(),
        HirKind::Literal(literal) => Hir::literal(literal.0.to_ascii_lowercase()),
        // Of so many no literal is made.
        HirKind::Class(Class::Bytes(class))
            if class.ranges().iter().map(|r| r.len()).sum::<usize>() > LARGE =>
        {
            hir.clone()
        }
        HirKind::Class(Class::Bytes(class)) => {
            let bytes = class.ranges().iter().flat_map(lower).map(|byte| ClassBytesRange::new(byte, byte));
            Hir::class(Class::Bytes(ClassBytes::new(bytes)))
        }
        HirKind::Repetition(repetition) => {
            let sub = Box::new(folded(&repetition.sub));
            Hir::repetition(Repetition { sub, ..repetition.clone() })
        }
        HirKind::Capture(group) => folded(&group.sub),
        HirKind::Concat(parts) => {
            let mut before = 0;
            let reached = parts.iter().take_while(|part| {
                let begins_near = before < LITERAL_BYTES;
                before += part.properties().minimum_len().unwrap_or(0);
                begins_near
            });
            Hir::concat(reached.map(folded).collect())
        }
        HirKind::Alternation(arms) => Hir::alternation(arms.iter().map(folded).collect()),
    }
}

/// How often one of the literals turns up in a text of words, about, and what each costs by being looked for.
fn rarity(literals: &[&[u8]]) -> f64 {
    let chance = |byte: &u8| if byte.is_ascii_alphabetic() { 1.0 / 20.0 } else { 1.0 / 60.0 };
    literals.iter().map(|literal| literal.iter().map(chance).product::<f64>() + 2e-5).sum()
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
    fn letters(byte: u8) -> Step {
        if byte.is_ascii_alphabetic() { Step::Grow } else { Step::Reset }
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

/// The largest `n` from `least` up to `limit` such that every match holds a run of `n`; 0 where there is none.
fn guaranteed_run(shape: &Shape, least: usize, limit: usize, step: fn(u8) -> Step) -> usize {
    // best[node] = the smallest "longest run so far" with which the node can be reached; a match's value is the
    // largest run on its path, and the guarantee is the smallest such value over all matches. Runs are found by
    // trying thresholds from above: a threshold fails when some match avoids it.
    let steps = class_steps(shape, step);
    if limit < least || avoidable(shape, &steps, least) {
        return 0;
    }
    let (mut low, mut high) = (least, limit);
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
    let steps = class_steps(shape, Step::digits);
    let mut states = vec![(Shape::START, 0usize, false)];
    let mut seen = vec![false; shape.states() * (RUN_LIMIT + 1) * 2];
    let mut least = usize::MAX;
    while let Some((state, count, paused)) = states.pop() {
        if shape.accepts(state) {
            least = least.min(count);
        }
        for &(class, kind) in steps.iter().flatten() {
            let to = shape.row(state)[class];
            if to == DEAD {
                continue;
            }
            let next = match kind {
                Step::Grow => (to, (count + 1).min(RUN_LIMIT), false),
                Step::Pause if count > 0 && !paused => (to, count, true),
                Step::Pause | Step::Reset => {
                    least = least.min(count);
                    continue;
                }
            };
            if !std::mem::replace(&mut seen[node(next.0, next.1, next.2, RUN_LIMIT + 1)], true) {
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

/// What can stand before the first run of `n` digits: any byte of a match that is met before such a run is complete,
/// and the run's own separators.
fn prefix_of(shape: &Shape, n: usize, before: usize) -> Prefix {
    let inside = (b'0'..=b'9').any(|b| shape.step(Shape::START, b) != DEAD);
    let mut prefix = Prefix { least: nearest(shape, n), inside, class: [0; 4], arm: None };
    let mut states = vec![Shape::START];
    for _ in 0..before {
        let mut next = Vec::new();
        for &state in &states {
            for byte in 0..=255u8 {
                let to = shape.step(state, byte);
                if to != DEAD {
                    prefix.class[usize::from(byte >> 6)] |= 1 << (byte & 63);
                    next.push(to);
                }
            }
        }
        next.sort_unstable();
        next.dedup();
        states = next;
    }
    prefix
}

/// The fewest bytes that can stand before the run of `n` digits that a match holds first.
fn nearest(shape: &Shape, n: usize) -> usize {
    const FAR: usize = usize::MAX;
    let steps = class_steps(shape, Step::digits);
    // For each node the shortest way to it, and the earliest place at which a run that leads to it begins.
    let mut best = vec![(FAR, FAR); shape.states() * n * 2];
    let mut nearest = FAR;
    let mut queue = std::collections::VecDeque::from([(Shape::START, 0usize, false)]);
    best[node(Shape::START, 0, false, n)] = (0, FAR);
    while let Some(at) = queue.pop_front() {
        let (length, begin) = best[node(at.0, at.1, at.2, n)];
        successors(shape, &steps, at, |state, count, paused| {
            let begin = if at.1 == 0 { length } else { begin };
            if count >= n {
                nearest = nearest.min(begin);
                return;
            }
            let begin = if count == 0 { FAR } else { begin };
            let known = &mut best[node(state, count, paused, n)];
            if length + 1 < known.0 || begin < known.1 {
                *known = (known.0.min(length + 1), known.1.min(begin));
                queue.push_back((state, count, paused));
            }
        });
    }
    if nearest == FAR { 0 } else { nearest }
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

/// The anchor of a pattern whose every match holds `@` or `%40`.
fn encoded_at(shape: &Shape) -> Option<Anchor> {
    let mut class = Box::new([false; 256]);
    let mut before = 0;
    // One byte of each class, and those that marks are made of.
    let special = |byte: u8| matches!(byte, b'@' | b'%' | b'4' | b'0');
    let mut seen = vec![false; shape.width()];
    let mut first = |byte: u8| !std::mem::replace(&mut seen[shape.class_of(byte)], true);
    let plain: Vec<u8> = (0..=u8::MAX).filter(|&b| !special(b) && first(b)).collect();
    let bytes = plain.iter().copied().chain(*b"@%40");
    let mut led = vec![false; shape.width()];
    // States with how much of `%40` was read last, in waves of one byte each.
    let mut wave = vec![(Shape::START, 0usize)];
    let mut place = vec![[usize::MAX; 3]; shape.states()];
    for length in 0..=shape.max_len {
        let mut next = Vec::new();
        for (state, read) in wave {
            if shape.accepts(state) {
                return None;
            }
            for byte in bytes.clone() {
                let to = shape.step(state, byte);
                let read = match (read, byte) {
                    _ if to == DEAD => continue,
                    (_, b'@') => {
                        before = before.max(length);
                        continue;
                    }
                    (2, b'0') => {
                        before = before.max(length - 2);
                        continue;
                    }
                    (1, b'4') => 2,
                    (_, b'%') => 1,
                    _ => 0,
                };
                if special(byte) {
                    class[usize::from(byte)] = true;
                } else {
                    led[shape.class_of(byte)] = true;
                }
                if std::mem::replace(&mut place[usize::from(to)][read], length) != length {
                    next.push((to, read));
                }
            }
        }
        wave = next;
    }
    for byte in (0..=u8::MAX).filter(|&byte| !special(byte)) {
        class[usize::from(byte)] = led[shape.class_of(byte)];
    }
    Some(Anchor::At { before, class, encoded: true })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn anchors(pattern: &str) -> Vec<Anchor> {
        derive(&super::super::pattern::parse(pattern).unwrap(), &Shape::compile(pattern).unwrap()).unwrap()
    }

    fn anchor(pattern: &str) -> Anchor {
        anchors(pattern).pop().unwrap()
    }

    #[test]
    fn alternatives_of_different_kinds_have_an_anchor_each() {
        let kinds = |pattern| anchors(pattern).iter().map(Anchor::as_str).collect::<Vec<_>>();
        assert_eq!(kinds(r"[a-z]{1,9}@[a-z]{2,9}|abc-[a-z]{2}|\d{3}-\d{6}"), ["literal", "digits", "at"]);
        assert_eq!(kinds(r"[a-z]{2}-x|abc-[a-z]{2}"), ["none"]);
        assert_eq!(kinds(r"\d[a-z]{2}\d-\d{2}-[a-z]|[a-z]{8}\d"), ["word", "outline"]);
        assert_eq!(kinds(r"\d{9}|\d{3}-\d{3}-\d{3}"), ["digits", "digits"]);
    }

    #[test]
    fn anchors_are_derived_from_the_pattern_alone() {
        let leading = |digits| Anchor::Digits { digits, before: 0, prefix: Box::default() };
        assert_eq!(anchor(r"\d{3}-\d{2}-\d{4}"), leading(9));
        assert_eq!(anchor(r"\d{3}\.?\d{3}\.?\d{3}-?\d{2}"), leading(11));
        let Anchor::Digits { digits: 6, before: 3, prefix, .. } =
            anchor(r"(?i)[a-z]{2} ?\d{2} ?\d{2} ?\d{2} ?[a-d]")
        else {
            panic!("not anchored at digits")
        };
        assert_eq!(prefix.least, 2);
        assert!(prefix.holds(b'q') && prefix.holds(b' ') && !prefix.holds(b':') && !prefix.holds(b'"'));
        assert_eq!(anchor(r"[12] ?\d{4} ?(?:\d{2}|2A) ?\d{4}"), leading(6));
        assert_eq!(anchor(r"\d(?:[ -]?\d){12,18}"), leading(13));
        assert_eq!(anchor(r"AKIA[0-9A-Z]{16}"), Anchor::Literal(vec![b"akia".to_vec()]));
        let Anchor::At { before: 64, class, encoded: false } = anchor(r"[a-z.]{1,64}@[a-z.]{3,20}") else {
            panic!("not at")
        };
        assert!(class[b'.' as usize] && !class[b'@' as usize] && !class[b'-' as usize]);
        let Anchor::At { before: 30, class, encoded: true } =
            anchor(r"[a-z.%0-9]{1,30}(?:@|%40)[a-z.]{3,20}")
        else {
            panic!("neither at nor encoded")
        };
        assert!(class[b'%' as usize] && !class[b'-' as usize]);
        assert_eq!(anchor(r"[A-Z]{6}[0-9A-Z]{10}"), Anchor::Word { length: 16, before: 0, mixed: false });
        assert_eq!(anchor(r"[a-z]{3}-?[a-z]{3}"), Anchor::None);
        assert_eq!(
            anchor(r"(?i:sk|pk)_(?i:live)_[a-z]{9}"),
            Anchor::Literal(vec![b"pk_live_".to_vec(), b"sk_live_".to_vec()])
        );
    }
}
