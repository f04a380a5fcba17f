//! From a pattern's parts that may be tried side by side to one table: a state for each set of places in the pattern that a
//! text can lead to. Only steps that lead somewhere are looked at, which are few in most states.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::rc::Rc;

use regex_automata::nfa::thompson::{NFA, State};
use regex_automata::util::primitives::{PatternID, StateID};

use super::alike::Alike;
use super::pattern::VALUE;
use super::shape::DEAD;
use crate::limits;

/// What is asked of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Every end of a match.
    Ends,
    /// The same, and where the group `value` can begin.
    Value,
    /// The first end, of a pattern that is read from its end: nothing follows behind it.
    FirstBackwards,
}

/// The table: state 0 is dead, state 1 the start. Every other state can still come to an end of a match.
pub(super) struct Table {
    pub classes: Box<[u8; 256]>,
    /// Where each state's steps begin.
    rows: Vec<u32>,
    /// Of each state in order of classes, the first from class 0.
    steps: Vec<Step>,
    pub accepting: Vec<bool>,
    /// For each state whether the group `value` can begin there, and whether it still can; nothing where that was not wanted.
    pub values: Vec<bool>,
    pub before_value: Vec<bool>,
}

/// A state's step from a class on, as far as its next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub class: u8,
    pub to: u16,
}

impl Table {
    /// The steps of a state.
    pub(super) fn steps(&self, state: u16) -> &[Step] {
        let row = |state: usize| self.rows.get(state).map_or(self.steps.len(), |&row| row as usize);
        &self.steps[row(usize::from(state))..row(usize::from(state) + 1)]
    }

    /// One class of each kind that some states take alike, and the place of each class's kind among them; `number` tells
    /// which states are one.
    pub(super) fn kinds(&self, states: &[u16], number: &[u16]) -> (Vec<u8>, Vec<u8>) {
        let count = self.classes.iter().max().map_or(0, |&last| usize::from(last) + 1);
        let mut alike = Alike::new(count);
        for &state in states {
            let steps = self.steps(state);
            let ends = steps.iter().skip(1).map(|next| usize::from(next.class)).chain([count]);
            for (step, end) in steps.iter().zip(ends) {
                let to = number[usize::from(step.to)];
                if to != DEAD {
                    alike.add((usize::from(step.class), end), state.into(), to.into());
                }
            }
        }
        alike.kinds()
    }
}

/// Why there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TooLarge {
    States,
    Memory,
}

/// Places that are reached together without reading anything, ascending.
type Places = Rc<[u32]>;

struct Builder<'n> {
    nfa: &'n NFA,
    classes: Classes,
    /// For each place whether it can come to the end of a match.
    live: Vec<bool>,
    /// The slot of the place where the group `value` begins, which is kept in the sets of places.
    value: Option<usize>,
    /// For each place what is reached from it without reading anything, once asked for.
    closures: Vec<Option<Places>>,
    /// The state of a place that is reached alone, or dead.
    alone: Vec<u16>,
    numbers: HashMap<Places, u16, BuildHasherDefault<Mix>>,
    /// The states that several places lead to together, as far as they are kept.
    led: HashMap<Box<[u32]>, u16, BuildHasherDefault<Mix>>,
    sets: Vec<Places>,
    /// Elements of all sets.
    elements: usize,
    /// For each place in which search it was met last.
    met: Vec<u32>,
    searches: u32,
    /// Room for a set while it is put together.
    room: Vec<u32>,
}

/// So many states are known by what leads to them, of at most so many places: most are of few.
const KEPT: usize = 1 << 14;
const FEW: usize = 8;

/// A hash of places, which come from packs and not from whoever writes a text.
#[derive(Default)]
struct Mix(u64);

impl Hasher for Mix {
    fn write(&mut self, bytes: &[u8]) {
        let (eights, rest) = bytes.as_chunks::<8>();
        eights.iter().for_each(|eight| self.write_u64(u64::from_le_bytes(*eight)));
        rest.iter().for_each(|&byte| self.write_u64(u64::from(byte)));
    }

    fn write_u64(&mut self, more: u64) {
        self.0 = (self.0.rotate_left(5) ^ more).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }

    fn write_usize(&mut self, more: usize) {
        self.write_u64(more as u64);
    }

    fn finish(&self) -> u64 {
        self.0 ^ self.0 >> 32
    }
}

pub(super) fn table(nfa: &NFA, wanted: Wanted) -> Result<Table, TooLarge> {
    let classes = Classes::of(nfa);
    let (bytes, count) = (classes.of.clone(), classes.count);
    let width = nfa.byte_classes().alphabet_len().next_power_of_two();
    let places = nfa.states().len();
    let mut builder = Builder {
        nfa,
        classes,
        live: leading_to(nfa, |state| matches!(state, State::Match { .. })),
        value: nfa.group_info().to_index(PatternID::ZERO, VALUE).map(|group| 2 * group),
        closures: vec![None; places],
        alone: vec![DEAD; places],
        numbers: HashMap::default(),
        led: HashMap::default(),
        sets: vec![Rc::default()],
        elements: 0,
        met: vec![0; places],
        searches: 0,
        room: Vec::new(),
    };
    let leads_to_value = match wanted {
        Wanted::Value => leading_to(nfa, |state| builder.begins_value(state)),
        Wanted::Ends | Wanted::FirstBackwards => Vec::new(),
    };
    builder.number(&[nfa.start_anchored().as_u32()])?;
    let nowhere = Step { class: 0, to: DEAD };
    let (mut rows, mut steps) = (vec![0], vec![nowhere]);
    let (mut accepting, mut values, mut before_value) = (vec![false], vec![false], vec![false]);
    let mut ahead = Ahead::new(count);
    let (mut next, mut last) = (Vec::new(), Vec::new());
    while let Some(set) = builder.sets.get(accepting.len()).cloned() {
        let is_over = set.iter().any(|&place| builder.is_end(place));
        accepting.push(is_over);
        if wanted == Wanted::Value {
            values.push(set.iter().any(|&place| builder.is_value(place)));
            before_value.push(set.iter().any(|&place| leads_to_value[place as usize]));
        }
        rows.push(steps.len() as u32);
        if accepting.len() * width * size_of::<u32>() > limits::PATTERN_AUTOMATON {
            return Err(TooLarge::Memory);
        }
        if is_over && wanted == Wanted::FirstBackwards {
            steps.push(nowhere);
            continue;
        }
        set.iter().for_each(|&place| builder.step(place, &mut ahead));
        last.clear();
        let mut known = DEAD;
        for class in ahead.bounds() {
            ahead.take(class, &mut next);
            // Mostly there follows what followed before, or nothing.
            let to = match () {
                () if next.is_empty() => DEAD,
                () if next == last => known,
                () => {
                    known = builder.number(&next)?;
                    std::mem::swap(&mut next, &mut last);
                    known
                }
            };
            if class == 0 || steps.last().is_none_or(|step| step.to != to) {
                steps.push(Step { class, to });
            }
        }
        ahead.wide.clear();
    }
    Ok(Table { classes: bytes, rows, steps, accepting, values, before_value })
}

/// Bytes that every place of a pattern takes alike, as it does capital and small letters where their case is of no matter.
struct Classes {
    of: Box<[u8; 256]>,
    count: usize,
    /// For each byte the first class whose first byte is not before it, or of those that it stands for.
    from: Box<[u16; 256]>,
    /// And the class behind the last whose first byte is not behind it.
    to: Box<[u16; 256]>,
}

impl Classes {
    fn of(nfa: &NFA) -> Classes {
        let bytes = nfa.byte_classes();
        let mut alike = Alike::new(bytes.alphabet_len());
        for (place, state) in (0..).zip(nfa.states()) {
            each_step(state, |start, end, to| {
                let classes = (usize::from(bytes.get(start)), usize::from(bytes.get(end)) + 1);
                alike.add(classes, place, to.as_u32());
            });
        }
        let (kinds, places) = alike.kinds();
        let class = |byte: usize| bytes.get(byte as u8);
        Classes {
            of: Box::new(std::array::from_fn(|byte| places[usize::from(class(byte))])),
            count: kinds.len(),
            from: Box::new(std::array::from_fn(|byte| {
                kinds.partition_point(|&kind| kind < class(byte)) as u16
            })),
            to: Box::new(std::array::from_fn(|byte| {
                kinds.partition_point(|&kind| kind <= class(byte)) as u16
            })),
        }
    }

    /// The classes whose first bytes are of a range, the last exclusive. What else is of it is taken alike.
    fn within(&self, start: u8, end: u8) -> (usize, usize) {
        (usize::from(self.from[usize::from(start)]), usize::from(self.to[usize::from(end)]))
    }
}

/// The steps of a place: from the first to the last byte of a range.
fn each_step(state: &State, mut step: impl FnMut(u8, u8, StateID)) {
    match state {
        State::ByteRange { trans } => step(trans.start, trans.end, trans.next),
        State::Sparse(sparse) => {
            sparse.transitions.iter().for_each(|trans| step(trans.start, trans.end, trans.next));
        }
        State::Dense(dense) => {
            let steps = (0..=u8::MAX).zip(dense.transitions.iter()).filter(|(_, to)| **to != StateID::ZERO);
            steps.for_each(|(byte, &to)| step(byte, byte, to));
        }
        State::Look { .. }
        | State::Union { .. }
        | State::BinaryUnion { .. }
        | State::Capture { .. }
        | State::Fail
        | State::Match { .. } => {}
    }
}

/// Where the classes of some ranges lead to.
struct Ahead {
    /// Of ranges of few classes, by each.
    narrow: Vec<Vec<u32>>,
    /// First class, the one behind the last, and place.
    wide: Vec<(u8, usize, u32)>,
    /// A bit for the first class, for those of narrow ranges, and where a wide one begins or behind which one ends.
    bounds: [u64; 4],
}

/// Classes of a range that is told of each.
const NARROW: usize = 4;

impl Ahead {
    fn new(classes: usize) -> Ahead {
        Ahead { narrow: vec![Vec::new(); classes], wide: Vec::new(), bounds: [1, 0, 0, 0] }
    }

    fn add(&mut self, (first, end): (usize, usize), to: u32) {
        let mut bound = |class: usize| {
            self.bounds.get_mut(class / 64).into_iter().for_each(|word| *word |= 1 << (class % 64));
        };
        match self.narrow.get_mut(first..end) {
            Some(classes) if end - first <= NARROW => {
                (first..=end).for_each(bound);
                classes.iter_mut().for_each(|places| places.push(to));
            }
            _ => {
                bound(first);
                bound(end);
                self.wide.push((first as u8, end, to));
            }
        }
    }

    /// The bounds of what was added, which are forgotten.
    fn bounds(&mut self) -> impl Iterator<Item = u8> + use<> {
        let bounds = std::mem::replace(&mut self.bounds, [1, 0, 0, 0]);
        bounds.into_iter().zip((0..).step_by(64)).flat_map(|(mut left, first)| {
            std::iter::from_fn(move || {
                let place = (left != 0).then(|| left.trailing_zeros() as u8)?;
                left &= left - 1;
                Some(first + place)
            })
        })
    }

    /// Where a bound leads to; what is told of each of its classes is forgotten.
    fn take(&mut self, class: u8, next: &mut Vec<u32>) {
        next.clear();
        if let Some(places) = self.narrow.get_mut(usize::from(class)) {
            next.append(places);
        }
        let wide = self.wide.iter().filter(|(first, end, _)| *first <= class && usize::from(class) < *end);
        next.extend(wide.map(|(.., to)| to));
    }
}

/// For each place of a pattern whether it can come to one of a kind.
fn leading_to(nfa: &NFA, is_wanted: impl Fn(&State) -> bool) -> Vec<bool> {
    let mut leads: Vec<bool> = nfa.states().iter().map(is_wanted).collect();
    let mut changed = true;
    while changed {
        changed = false;
        // What follows is mostly numbered later.
        for (place, state) in nfa.states().iter().enumerate().rev() {
            if leads[place] {
                continue;
            }
            let to = |id: &StateID| leads[id.as_usize()];
            let leads_on = match state {
                State::Union { alternates } => alternates.iter().any(to),
                State::BinaryUnion { alt1, alt2 } => to(alt1) || to(alt2),
                State::Capture { next, .. } | State::Look { next, .. } => to(next),
                state => {
                    let mut any = false;
                    each_step(state, |_, _, id| any |= to(&id));
                    any
                }
            };
            (leads[place], changed) = (leads_on, changed || leads_on);
        }
    }
    leads
}

impl Builder<'_> {
    fn is_end(&self, place: u32) -> bool {
        matches!(self.nfa.states().get(place as usize), Some(State::Match { .. }))
    }

    fn is_value(&self, place: u32) -> bool {
        self.nfa.states().get(place as usize).is_some_and(|state| self.begins_value(state))
    }

    fn begins_value(&self, state: &State) -> bool {
        matches!(state, State::Capture { slot, .. } if Some(slot.as_usize()) == self.value)
    }

    /// Adds where classes lead to from a place.
    fn step(&self, place: u32, ahead: &mut Ahead) {
        let Some(state) = self.nfa.states().get(place as usize) else { return };
        each_step(state, |start, end, to| {
            let classes = self.classes.within(start, end);
            if classes.0 < classes.1 && self.live.get(to.as_usize()) == Some(&true) {
                ahead.add(classes, to.as_u32());
            }
        });
    }

    /// The number of the state in which any of some places may be reached.
    fn number(&mut self, places: &[u32]) -> Result<u16, TooLarge> {
        if let [place] = *places {
            match self.alone.get(place as usize) {
                Some(&DEAD) | None => {}
                Some(&known) => return Ok(known),
            }
            let set = self.closure(place);
            let number = match self.numbers.get(&set) {
                Some(&known) => known,
                None => self.add(set)?,
            };
            if let Some(slot) = self.alone.get_mut(place as usize) {
                *slot = number;
            }
            return Ok(number);
        }
        if let Some(&known) = self.led.get(places) {
            return Ok(known);
        }
        let mut all = std::mem::take(&mut self.room);
        all.clear();
        for &place in places {
            all.extend_from_slice(&self.closure(place));
        }
        all.sort_unstable();
        all.dedup();
        let number = match self.numbers.get(all.as_slice()) {
            Some(&known) => known,
            None => self.add(all.as_slice().into())?,
        };
        self.room = all;
        if self.led.len() < KEPT && places.len() <= FEW {
            self.led.insert(places.into(), number);
        }
        Ok(number)
    }

    fn add(&mut self, set: Places) -> Result<u16, TooLarge> {
        let number = u16::try_from(self.sets.len()).ok().filter(|number| *number < 1 << 15);
        let number = number.ok_or(TooLarge::States)?;
        self.elements += set.len() + size_of::<Places>() / size_of::<u32>();
        if self.elements * size_of::<u32>() > limits::PATTERN_WORK {
            return Err(TooLarge::Memory);
        }
        self.sets.push(Rc::clone(&set));
        self.numbers.insert(set, number);
        Ok(number)
    }

    /// What reads something, is the end or where a value begins, and is reached from a place without reading anything.
    fn closure(&mut self, from: u32) -> Places {
        if let Some(Some(known)) = self.closures.get(from as usize) {
            return Rc::clone(known);
        }
        self.searches += 1;
        let (mut found, mut open) = (Vec::new(), vec![from]);
        while let Some(place) = open.pop() {
            let Some(met) = self.met.get_mut(place as usize) else { continue };
            if std::mem::replace(met, self.searches) == self.searches || !self.live[place as usize] {
                continue;
            }
            match self.nfa.states().get(place as usize) {
                Some(State::Union { alternates }) => open.extend(alternates.iter().map(|id| id.as_u32())),
                Some(State::BinaryUnion { alt1, alt2 }) => open.extend([alt1.as_u32(), alt2.as_u32()]),
                Some(State::Capture { next, slot, .. }) => {
                    found.extend((Some(slot.as_usize()) == self.value).then_some(place));
                    open.push(next.as_u32());
                }
                Some(State::ByteRange { .. } | State::Sparse(_) | State::Dense(_) | State::Match { .. }) => {
                    found.push(place)
                }
                // A shape holds no look-around.
                Some(State::Look { .. } | State::Fail) | None => {}
            }
        }
        found.sort_unstable();
        let found: Places = found.into();
        if let Some(slot) = self.closures.get_mut(from as usize) {
            *slot = Some(Rc::clone(&found));
        }
        found
    }
}
