//! From a pattern's parts that may be tried side by side to one table: a state for each set of places in the pattern that a
//! text can lead to. Only steps that lead somewhere are looked at, which are few in most states.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::rc::Rc;

use regex_automata::nfa::thompson::{NFA, State};
use regex_automata::util::primitives::{PatternID, StateID};

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

/// The table: state 0 is dead, state 1 the start.
#[derive(Clone)]
pub(super) struct Table {
    /// `state << shift | class` to the next state.
    pub cells: Vec<u16>,
    pub shift: u32,
    pub classes: Box<[u8; 256]>,
    pub accepting: Vec<bool>,
    /// For each state whether the group `value` can begin there; nothing where that was not wanted.
    pub values: Vec<bool>,
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
    classes: Box<[u8; 256]>,
    /// The slot of the place where the group `value` begins, which is kept in the sets of places.
    value: Option<usize>,
    /// For each place what is reached from it without reading anything, once asked for.
    closures: Vec<Option<Places>>,
    /// The state of a place that is reached alone, or dead.
    alone: Vec<u16>,
    numbers: HashMap<Places, u16, BuildHasherDefault<Mix>>,
    sets: Vec<Places>,
    /// Elements of all sets.
    elements: usize,
    /// For each place in which search it was met last.
    met: Vec<u32>,
    searches: u32,
    /// Room for a set while it is put together.
    room: Vec<u32>,
}

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
    let mut classes = Box::new([0u8; 256]);
    for byte in 0..=u8::MAX {
        classes[usize::from(byte)] = nfa.byte_classes().get(byte);
    }
    let count = usize::from(*classes.iter().max().unwrap_or(&0)) + 1;
    let shift = count.next_power_of_two().trailing_zeros();
    let places = nfa.states().len();
    let mut builder = Builder {
        nfa,
        classes,
        value: nfa.group_info().to_index(PatternID::ZERO, VALUE).map(|group| 2 * group),
        closures: vec![None; places],
        alone: vec![DEAD; places],
        numbers: HashMap::default(),
        sets: vec![Rc::default()],
        elements: 0,
        met: vec![0; places],
        searches: 0,
        room: Vec::new(),
    };
    builder.number(&[nfa.start_anchored().as_u32()])?;
    let mut cells = vec![DEAD; 1 << shift];
    let (mut accepting, mut values) = (vec![false], vec![false]);
    // The places that each class leads to.
    let mut next: Vec<Vec<u32>> = vec![Vec::new(); count];
    while let Some(set) = builder.sets.get(accepting.len()).cloned() {
        let is_over = set.iter().any(|&place| builder.is_end(place));
        accepting.push(is_over);
        if wanted == Wanted::Value {
            values.push(set.iter().any(|&place| builder.is_value(place)));
        }
        if is_over && wanted == Wanted::FirstBackwards {
            cells.resize(cells.len() + (1 << shift), DEAD);
            continue;
        }
        set.iter().for_each(|&place| builder.step(place, &mut next));
        let row = cells.len();
        cells.resize(row + (1 << shift), DEAD);
        if cells.len() * size_of::<u32>() > limits::PATTERN_AUTOMATON {
            return Err(TooLarge::Memory);
        }
        // Classes side by side mostly lead to the same places.
        let mut last = 0;
        for class in 0..count {
            if next[class].is_empty() {
                continue;
            }
            let known = cells[row + last];
            let same = class > last && known != DEAD && next[class] == next[last];
            cells[row + class] = if same { known } else { builder.number(&next[class])? };
            last = class;
        }
        next.iter_mut().for_each(Vec::clear);
    }
    Ok(Table { cells, shift, classes: builder.classes, accepting, values })
}

impl Builder<'_> {
    fn is_end(&self, place: u32) -> bool {
        matches!(self.nfa.states().get(place as usize), Some(State::Match { .. }))
    }

    fn is_value(&self, place: u32) -> bool {
        let state = self.nfa.states().get(place as usize);
        matches!(state, Some(State::Capture { slot, .. }) if Some(slot.as_usize()) == self.value)
    }

    /// Adds to each class what it leads to from a place.
    fn step(&self, place: u32, next: &mut [Vec<u32>]) {
        let mut add = |start: u8, end: u8, to: StateID| {
            let class = |byte: u8| usize::from(self.classes[usize::from(byte)]);
            if let Some(next) = next.get_mut(class(start)..=class(end)) {
                next.iter_mut().for_each(|next| next.push(to.as_u32()));
            }
        };
        match self.nfa.states().get(place as usize) {
            Some(State::ByteRange { trans }) => add(trans.start, trans.end, trans.next),
            Some(State::Sparse(sparse)) => {
                sparse.transitions.iter().for_each(|trans| add(trans.start, trans.end, trans.next));
            }
            Some(State::Dense(dense)) => {
                let mut known = None;
                for (byte, &to) in (0..=u8::MAX).zip(dense.transitions.iter()) {
                    let class = self.classes[usize::from(byte)];
                    if to != StateID::ZERO && known.replace(class) != Some(class) {
                        add(byte, byte, to);
                    }
                }
            }
            Some(_) | None => {}
        }
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
            if std::mem::replace(met, self.searches) == self.searches {
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
