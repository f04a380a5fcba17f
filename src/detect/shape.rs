//! One detector's pattern as a small table-driven automaton, run from one start, that sees every accepting end.

use std::fmt;

use regex_automata::nfa::thompson;
use regex_syntax::hir::Hir;

use super::compiled::Side;
pub use super::ends::Ends;
use super::pattern::parse;
use super::subsets::{self, Table, TooLarge, Wanted};
use crate::limits;

/// The dead state: no match can come any more.
pub(super) const DEAD: u16 = 0;

/// A deterministic automaton over byte classes. State 0 is dead, state 1 is the start.
pub struct Shape {
    /// `state << shift | class` to the next state.
    table: Box<[u16]>,
    classes: Box<[u8; 256]>,
    shift: u32,
    states: usize,
    /// This state and all behind it accept, the others do not.
    first_accepting: u16,
    /// The same read from its end as far as its first match, where it is asked what it can end with.
    backwards: Option<Box<Shape>>,
    /// Then also for each two classes whether a match can begin with them; nothing where that is not known.
    opens: Box<[bool]>,
    pub min_len: usize,
    pub max_len: usize,
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Shape {{ states: {}, len: {}..={} }}", self.states, self.min_len, self.max_len)
    }
}

/// What is wrong with a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShapeError(pub String);

impl Shape {
    pub(super) const START: u16 = 1;

    /// Compiles `pattern`: regex-automata syntax over bytes, ASCII classes, no look-around, finite length.
    pub fn compile(pattern: &str) -> Result<Shape, ShapeError> {
        Shape::of(&parse(pattern)?)
    }

    /// Compiles a parsed pattern.
    pub(super) fn of(hir: &Hir) -> Result<Shape, ShapeError> {
        let lengths = lengths(hir)?;
        Ok(Shape::from_table(&automaton(hir, Wanted::Ends)?, lengths))
    }

    /// Compiles a parsed pattern, and what stands before its group `value`: the places where that can begin are known from
    /// the same automaton.
    pub(super) fn with_prefix(hir: &Hir, prefix: &Hir) -> Result<(Shape, Shape), ShapeError> {
        let (all, before) = (lengths(hir)?, lengths(prefix)?);
        let table = automaton(hir, Wanted::Value)?;
        let live = |state: u16| table.before_value[usize::from(state)];
        let prefix = Shape::of_states(&table, &table.values, live, before);
        Ok((Shape::from_table(&table, all), prefix))
    }

    /// Compiles a pattern that is mostly asked whether it ends somewhere. One that can't be read from its end is looked for
    /// from each beginning.
    pub(super) fn compile_ending(pattern: &str) -> Result<Shape, ShapeError> {
        let hir = parse(pattern)?;
        let mut shape = Shape::of(&hir)?;
        let table = automaton(&hir, Wanted::FirstBackwards).ok();
        let backwards = table.map(|table| Shape::from_table(&table, (shape.min_len, shape.max_len)));
        shape.backwards = backwards.map(Box::new);
        shape.opens = (0..shape.width())
            .flat_map(|first| (0..shape.width()).map(move |second| (first, second)))
            .map(|(first, second)| {
                let state = shape.row(Shape::START)[first];
                shape.accepts(state) || shape.row(state)[second] != DEAD
            })
            .collect();
        Ok(shape)
    }

    fn from_table(table: &Table, lengths: (usize, usize)) -> Shape {
        Shape::of_states(table, &table.accepting, |_| true, lengths)
    }

    /// Of the states of a table those that are live, numbered so that those that accept come last: one comparison tells them
    /// apart. Classes that every state takes alike are one, as capital and small letters where their case is of no
    /// matter, and bytes that lead nowhere: a smaller table stays in the cache.
    fn of_states(
        table: &Table,
        accepting: &[bool],
        live: impl Fn(u16) -> bool,
        (min_len, max_len): (usize, usize),
    ) -> Shape {
        let all = 0..accepting.len() as u16;
        let states = all.filter(|&state| state <= Self::START || live(state));
        let (last, first): (Vec<u16>, Vec<u16>) = states.partition(|&state| accepting[usize::from(state)]);
        let first_accepting = first.len() as u16;
        let order: Vec<u16> = first.into_iter().chain(last).collect();
        let mut number = vec![DEAD; accepting.len()];
        (0u16..).zip(&order).for_each(|(new, &old)| number[usize::from(old)] = new);
        let (kinds, places) = table.kinds(&order, &number);
        let width = kinds.len().next_power_of_two();
        let mut cells = Vec::with_capacity(order.len() * width);
        for &old in &order {
            let mut steps = table.steps(old).iter().peekable();
            let mut to = DEAD;
            cells.extend(kinds.iter().map(|&class| {
                while let Some(step) = steps.next_if(|step| step.class <= class) {
                    to = number[usize::from(step.to)];
                }
                to
            }));
            cells.resize(cells.len() + width - kinds.len(), DEAD);
        }
        let mut classes = table.classes.clone();
        classes.iter_mut().for_each(|class| *class = places[usize::from(*class)]);
        Shape {
            table: cells.into(),
            classes,
            shift: width.trailing_zeros(),
            states: order.len(),
            first_accepting,
            backwards: None,
            opens: Box::default(),
            min_len,
            max_len,
        }
    }

    pub(super) fn row(&self, state: u16) -> &[u16] {
        let from = usize::from(state) << self.shift;
        &self.table[from..from + (1 << self.shift)]
    }

    #[inline]
    pub(super) fn step(&self, state: u16, byte: u8) -> u16 {
        self.table[(usize::from(state) << self.shift) | usize::from(self.classes[usize::from(byte)])]
    }

    pub(super) fn accepts(&self, state: u16) -> bool {
        state >= self.first_accepting
    }

    pub(super) fn class_of(&self, byte: u8) -> usize {
        usize::from(self.classes[usize::from(byte)])
    }

    /// Classes, and as many more as make the number a power of two.
    pub(super) fn width(&self) -> usize {
        1 << self.shift
    }

    pub(super) fn states(&self) -> usize {
        self.states
    }

    /// Bytes of memory.
    #[must_use]
    pub fn size(&self) -> usize {
        self.table.len() * 2
            + 256
            + self.opens.len()
            + self.backwards.as_ref().map_or(0, |shape| shape.size())
    }

    /// One byte of every class, with the class's number.
    pub(super) fn class_bytes(&self) -> impl Iterator<Item = (u8, usize)> + '_ {
        let mut seen = [false; 256];
        (0..=255u8).filter_map(move |byte| {
            let class = usize::from(self.classes[usize::from(byte)]);
            (!std::mem::replace(&mut seen[class], true)).then_some((byte, class))
        })
    }

    /// The classes that some bytes are of.
    pub(super) fn classes_of(&self, some: impl Fn(u8) -> bool) -> Vec<usize> {
        let mut holds = vec![false; self.width()];
        (0..=u8::MAX).filter(|&byte| some(byte)).for_each(|byte| holds[self.class_of(byte)] = true);
        holds.iter().enumerate().filter(|(_, holds)| **holds).map(|(class, _)| class).collect()
    }

    /// For each class whether any match can hold its bytes.
    pub(super) fn used(&self) -> Vec<bool> {
        let mut used = vec![false; self.width()];
        for state in 1..self.states as u16 {
            used.iter_mut().zip(self.row(state)).for_each(|(used, &to)| *used |= to != DEAD);
        }
        used
    }

    /// Calls `pair` for every two bytes that can stand right before a digit of a match, the second no digit. The
    /// first is any byte where a match can begin with the second.
    pub(super) fn pairs_before_digit(&self, mut pair: impl FnMut(u8, u8)) {
        let is_digit_next = |to: u16| to != DEAD && (b'0'..=b'9').any(|digit| self.step(to, digit) != DEAD);
        let digit_next: Vec<bool> = (0..self.states() as u16).map(is_digit_next).collect();
        // By classes first, a bit each: states are many, and most of their steps lead to the same few.
        let seconds: Vec<[u64; 4]> = (0..self.states() as u16)
            .map(|state| {
                let mut seconds = [0; 4];
                let classes = self.row(state).iter().enumerate();
                let fitting = classes.filter(|(_, to)| digit_next[usize::from(**to)]);
                fitting.for_each(|(class, _)| seconds[class / 64] |= 1 << (class % 64));
                seconds
            })
            .collect();
        let holds = |set: &[u64; 4], class: usize| set[class / 64] & 1 << (class % 64) != 0;
        let mut follows = vec![[0; 4]; 1 << self.shift];
        for state in 1..self.states() as u16 {
            for (first, &to) in self.row(state).iter().enumerate().filter(|(_, to)| **to != DEAD) {
                let behind = seconds[usize::from(to)];
                follows[first].iter_mut().zip(behind).for_each(|(all, one): (&mut u64, u64)| *all |= one);
            }
        }
        let starts = seconds[usize::from(Self::START)];
        // By class of the second byte, which classes can be the first.
        let width = follows.len();
        let fitting = |class: usize| -> Vec<bool> {
            let any = holds(&starts, class);
            follows.iter().map(|behind| any || holds(behind, class)).collect()
        };
        let firsts: Vec<Vec<bool>> = (0..width).map(fitting).collect();
        for second in (0..=255u8).filter(|b| !b.is_ascii_digit()) {
            let firsts = &firsts[self.class_of(second)];
            if firsts.contains(&true) {
                (0..=255u8).filter(|&b| firsts[self.class_of(b)]).for_each(|first| pair(first, second));
            }
        }
    }

    /// Runs from the beginning of `text` and gives every accepting end.
    #[must_use]
    pub fn run(&self, text: &[u8]) -> Ends {
        self.run_on(Self::START, text)
    }

    /// The same from a state that was come to.
    pub(super) fn run_on(&self, state: u16, text: &[u8]) -> Ends {
        let mut ends = Ends::NONE;
        let mut state = state;
        let (table, classes) = (&*self.table, &*self.classes);
        for (at, &byte) in text[..text.len().min(self.max_len)].iter().enumerate() {
            let place = usize::from(state) << self.shift | usize::from(classes[usize::from(byte)]);
            state = table.get(place).copied().unwrap_or(DEAD);
            if state == DEAD {
                break;
            }
            if self.accepts(state) {
                ends.push(at + 1);
            }
        }
        ends
    }

    /// Whether all of `text` is one match.
    #[inline]
    pub(super) fn is_all_of(&self, text: &[u8]) -> bool {
        let mut state = Self::START;
        for &byte in text {
            state = self.step(state, byte);
            if state == DEAD {
                return false;
            }
        }
        self.accepts(state)
    }

    /// Whether a match that is in `state` before `text` can be over in it.
    #[inline]
    pub(super) fn is_over_in(&self, state: u16, text: &[u8]) -> bool {
        let mut state = state;
        for &byte in text {
            state = self.step(state, byte);
            if state == DEAD || self.accepts(state) {
                break;
            }
        }
        self.accepts(state)
    }

    /// The state behind `text`, which is dead where none can begin with it; nothing where one can end in it.
    pub(super) fn through(&self, text: &[u8]) -> Option<u16> {
        let mut state = Self::START;
        for &byte in text {
            state = self.step(state, byte);
            if self.accepts(state) {
                return None;
            }
            if state == DEAD {
                break;
            }
        }
        Some(state)
    }

    /// Whether a match can begin with bytes of these two classes, or be over in them.
    #[inline(always)]
    pub(super) fn opens(&self, first: usize, second: usize) -> bool {
        let place = first << self.shift | second;
        self.opens.get(place).is_none_or(|&opens| opens)
    }

    /// Whether a match begins with `text`.
    #[inline]
    pub(super) fn begins(&self, text: &[u8]) -> bool {
        self.is_over_in(Self::START, text)
    }

    /// Whether a match ends with `text`, wherever it begins.
    #[inline]
    pub(super) fn ends(&self, text: &[u8]) -> bool {
        let Some(backwards) = &self.backwards else { return self.ends_from_some(text) };
        let mut state = Self::START;
        for &byte in text.iter().rev() {
            state = backwards.step(state, byte);
            if state == DEAD || backwards.accepts(state) {
                break;
            }
        }
        backwards.accepts(state)
    }

    /// Whether a match begins with a text, or ends with one, that has this byte there, as far as the byte tells.
    pub(super) fn meets(&self, side: Side, byte: u8) -> Option<bool> {
        let shape = match side {
            Side::Before => self.backwards.as_deref()?,
            Side::After => self,
        };
        match shape.step(Self::START, byte) {
            DEAD => Some(false),
            state => shape.accepts(state).then_some(true),
        }
    }

    /// The same, from each beginning.
    fn ends_from_some(&self, text: &[u8]) -> bool {
        let lengths = self.min_len..=self.max_len.min(text.len());
        lengths.map(|length| &text[text.len() - length..]).any(|end| self.run(end).holds(end.len()))
    }

    /// Calls `group` for each byte that a match can hold behind a group of digits which follows something else, and for 256
    /// where it can be over behind one, with the length of the group: at most `limit`, which longer ones count as.
    pub(super) fn groups(&self, limit: usize, mut group: impl FnMut(usize, usize)) {
        let others = self.classes_of(|byte| !byte.is_ascii_digit());
        let digits = self.classes_of(|byte| byte.is_ascii_digit());
        let after = |states: &mut dyn Iterator<Item = u16>, classes: &[usize]| {
            let mut reached = vec![false; self.states];
            for row in states.map(|state| self.row(state)) {
                classes.iter().for_each(|&class| reached[usize::from(row[class])] = true);
            }
            let reached = (0u16..).zip(reached).skip(usize::from(DEAD) + 1);
            reached.filter(|(_, reached)| *reached).map(|(state, _)| state).collect::<Vec<u16>>()
        };
        let mut states = after(&mut (Self::START..self.states as u16), &others);
        for length in 1..=self.max_len {
            states = after(&mut states.iter().copied(), &digits);
            if states.is_empty() {
                break;
            }
            let length = length.min(limit);
            let over = states.iter().any(|&state| self.accepts(state));
            let mut goes_on = vec![over; self.width()];
            for row in states.iter().map(|&state| self.row(state)) {
                goes_on.iter_mut().zip(row).for_each(|(goes_on, &to)| *goes_on |= to != DEAD);
            }
            let other = |byte: &u8| !byte.is_ascii_digit() && goes_on[self.class_of(*byte)];
            (0..=u8::MAX).filter(other).for_each(|byte| group(usize::from(byte), length));
            if over {
                group(usize::from(u8::MAX) + 1, length);
            }
        }
    }

    /// Whether a match can be of this length.
    pub(super) fn has_length(&self, length: usize) -> bool {
        let mut states = vec![Self::START];
        for _ in 0..length {
            let steps = states.iter().flat_map(|&state| self.row(state)).copied();
            let mut next: Vec<u16> = steps.filter(|&to| to != DEAD).collect();
            next.sort_unstable();
            next.dedup();
            states = next;
        }
        states.iter().any(|&state| self.accepts(state))
    }

    /// Whether a match that starts here could still be under way, or be extended, when the text ends.
    #[must_use]
    pub fn is_open(&self, text: &[u8]) -> bool {
        let mut state = Self::START;
        for &byte in text {
            state = self.step(state, byte);
            if state == DEAD {
                return false;
            }
        }
        self.row(state).iter().any(|&to| to != DEAD)
    }
}

/// The fewest and the most bytes of a match.
fn lengths(hir: &Hir) -> Result<(usize, usize), ShapeError> {
    let properties = hir.properties();
    if !properties.look_set().is_empty() {
        return Err(ShapeError(
            "look-around (`^`, `$`, `\\b`) is not part of a pattern; use `boundary`".into(),
        ));
    }
    let Some(max_len) = properties.maximum_len() else {
        return Err(ShapeError(
            "the pattern has no finite maximum length; write `{m,n}` instead of `*`, `+`".into(),
        ));
    };
    let min_len = properties.minimum_len().unwrap_or(0);
    if min_len == 0 {
        return Err(ShapeError("the pattern matches the empty text".into()));
    }
    if max_len > limits::MATCH_LEN {
        return Err(ShapeError(format!(
            "the pattern matches up to {max_len} bytes; at most {} are possible",
            limits::MATCH_LEN
        )));
    }
    Ok((min_len, max_len))
}

fn automaton(hir: &Hir, wanted: Wanted) -> Result<Table, ShapeError> {
    let too_large = || {
        ShapeError(format!(
            "the pattern is too large to compile into an automaton of {} MiB; shorten its repetitions",
            limits::PATTERN_AUTOMATON >> 20
        ))
    };
    let captures = match wanted {
        Wanted::Value => thompson::WhichCaptures::All,
        Wanted::Ends | Wanted::FirstBackwards => thompson::WhichCaptures::None,
    };
    let nfa = thompson::Compiler::new()
        .configure(
            thompson::Config::new()
                .utf8(false)
                .reverse(wanted == Wanted::FirstBackwards)
                .nfa_size_limit(Some(limits::PATTERN_AUTOMATON))
                .which_captures(captures),
        )
        .build_from_hir(hir)
        .map_err(|_| too_large())?;
    subsets::table(&nfa, wanted).map_err(|what| match what {
        TooLarge::Memory => too_large(),
        TooLarge::States => {
            ShapeError("the pattern needs more than 32,767 states; simplify its repetitions".into())
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lengths(pattern: &str, text: &str) -> Vec<usize> {
        let mut ends = Shape::compile(pattern).unwrap().run(text.as_bytes());
        std::iter::from_fn(|| ends.pop_longest()).collect()
    }

    proptest::proptest! {
        #[test]
        fn what_is_read_backwards_ends_where_what_is_read_forwards_does(
            text in "[ab0 .-]{0,30}", longer in "[ab0]{0,4}",
        ) {
            for pattern in ["[0a]{4} {0,2}", "(?:[a0]{4} ){2}|[ab]{2}-", "a.{0,9}b", "[0-9]\\.|b|-a0?"] {
                let shape = Shape::compile_ending(pattern).unwrap();
                proptest::prop_assert!(shape.backwards.is_some());
                for text in [text.clone() + &longer, format!("{text}a00b {longer}")] {
                    let text = text.as_bytes();
                    proptest::prop_assert_eq!(shape.ends(text), shape.ends_from_some(text), "{}", pattern);
                }
            }
        }
    }

    #[test]
    fn every_accepting_end_is_seen_longest_first() {
        assert_eq!(lengths(r"\d{2,4}", "123456"), [4, 3, 2]);
        assert_eq!(lengths(r"a(?:bc|b)?", "abcd"), [3, 2, 1]);
        assert_eq!(lengths(r"a|ab|abcd", "abcx"), [2, 1]);
        assert_eq!(lengths(r"\d{2,4}", "1x"), [0usize; 0]);
        let ends = Shape::compile("ab?").unwrap().run(b"ab");
        for length in [0, 1, 2, 3, limits::MATCH_LEN, limits::MATCH_LEN + 1, usize::MAX] {
            assert_eq!(ends.holds(length), length == 1 || length == 2, "{length}");
        }
        for (from, to) in [(3, 9), (1, 64), (60, 200), (65, 128), (500, limits::MATCH_LEN)] {
            let ends = Ends::between(from, to);
            for length in 1..=limits::MATCH_LEN {
                let free = (length..).find(|length| !ends.holds(*length)).unwrap();
                assert_eq!(ends.next_missing(length), free, "{from}..={to}, {length}");
            }
        }
        assert_eq!(lengths(r"(?i)ab{1,70}", &format!("A{}", "b".repeat(80))).len(), 70);
    }

    #[test]
    fn classes_that_lead_alike_are_one() {
        // Patterns, how many kinds of bytes they tell apart, those that lead nowhere among them, and matches.
        for (pattern, kinds, matches) in [
            (r"(?i)ab{1,3}", 3, ["Ab", "aBb"]),
            (r"\d{3}[ -]\d{2}", 3, ["123-45", "098 76"]),
            (r"[aceg][0-9a-f]", 4, ["ab", "g0"]),
            (r"[\x00-\xff]{2}", 1, ["\0\0", "~b"]),
        ] {
            let shape = Shape::compile(pattern).unwrap();
            assert_eq!(shape.class_bytes().count(), kinds, "{pattern}");
            assert_eq!(shape.width(), kinds.next_power_of_two(), "{pattern}");
            for text in matches {
                assert!(shape.run(text.as_bytes()).holds(text.len()), "{pattern}: {text}");
                assert!(!shape.run(&text.as_bytes()[1..]).holds(text.len() - 1), "{pattern}: {text}");
            }
        }
    }

    #[test]
    fn what_cannot_be_bounded_is_refused_with_its_reason() {
        for (pattern, word) in [
            (r"\d+", "no finite maximum"),
            (r"\d{0,3}", "empty"),
            (r"\ba\b", "look-around"),
            (r"a{600}", "at most 512"),
            (r"a(", "column"),
        ] {
            let error = Shape::compile(pattern).unwrap_err().0;
            assert!(error.contains(word), "{pattern}: {error}");
        }
    }

    #[test]
    fn the_bytes_before_a_digit_are_known_in_pairs() {
        let shape = Shape::compile(r"[A-C]-\d{2}[x-z]\d|E\d{2}").unwrap();
        let mut pairs = std::collections::BTreeSet::new();
        shape.pairs_before_digit(|a, b| assert!(pairs.insert((a, b)), "{a} {b} twice"));
        let wanted = (0..=255u8).flat_map(|a| (0..=255u8).map(move |b| (a, b))).filter(|&(a, b)| {
            b == b'E'
                || b == b'-' && (b'A'..=b'C').contains(&a)
                || a.is_ascii_digit() && (b'x'..=b'z').contains(&b)
        });
        assert!(pairs.iter().copied().eq(wanted));
    }

    #[test]
    fn an_open_run_is_known() {
        let shape = Shape::compile(r"\d{2,4}").unwrap();
        assert!(shape.is_open(b"1") && shape.is_open(b"12") && shape.is_open(b""));
        assert!(!shape.is_open(b"1234") && !shape.is_open(b"1x"));
    }
}
