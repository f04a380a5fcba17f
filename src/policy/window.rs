//! Distinct values in a sliding window, exactly: what left within it, and what is on its way.

use std::collections::{HashMap, VecDeque};

use super::budget::{Terms, Value};

/// Sightings up to which a search from the newest on is quicker than an index.
const LINEAR: usize = 256;
/// What an account takes beside its sightings, in bytes: its place in the table of accounts, and what it is made of.
const FIXED: usize = 256;

/// A value that left, and when, in milliseconds since the Unix epoch. No value: it was seen again later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sighting {
    pub(super) value: Option<Value>,
    pub(super) at: u64,
}

/// One account.
///
/// Only the `at_least` values seen last are kept, and that is exact: while these all lie within the window the
/// threshold is met whatever else is there, and when one of them has left it, all older ones have.
#[derive(Debug, Default)]
pub(super) struct Window {
    /// Oldest first.
    seen: VecDeque<Sighting>,
    /// How many were taken off the front, ever: a sighting's number is this and its place.
    taken: u64,
    /// Sightings that are a value's last.
    live: usize,
    /// Numbers of the live ones, once they are many.
    index: HashMap<Value, u64>,
    /// Values that messages under way hold, and how many do.
    reserved: HashMap<Value, u32>,
    /// How many of `reserved` are not live.
    coming: usize,
    /// As last asked for.
    terms: Terms,
}

impl Window {
    /// Different values that left within the window or are on their way.
    pub(super) fn count(&self) -> u64 {
        (self.live + self.coming) as u64
    }

    pub(super) fn is_empty(&self) -> bool {
        self.live == 0 && self.reserved.is_empty()
    }

    pub(super) fn holds(&self, value: Value) -> bool {
        self.reserved.contains_key(&value) || self.number_of(value).is_some()
    }

    /// A message has it and may let it leave.
    pub(super) fn reserve(&mut self, value: Value, terms: Terms, now: u64) {
        self.expire(terms, now);
        let holders = self.reserved.get(&value).copied().unwrap_or(0);
        if holders == 0 && self.number_of(value).is_none() {
            self.coming += 1;
        }
        self.reserved.insert(value, holders.saturating_add(1));
    }

    /// It has left. To be followed by `release`, like everything reserved.
    pub(super) fn settle(&mut self, value: Value, terms: Terms, now: u64) {
        self.expire(terms, now);
        // Who looked at the clock first need not come first; one that was set back must not disturb the order.
        let at = self.seen.back().map_or(now, |last| last.at.max(now));
        match self.number_of(value) {
            Some(number) => {
                if let Some(old) = self.place_of(number).and_then(|place| self.seen.get_mut(place)) {
                    old.value = None;
                    self.live -= 1;
                }
            }
            None if self.reserved.contains_key(&value) => self.coming = self.coming.saturating_sub(1),
            None => {}
        }
        self.push(Sighting { value: Some(value), at });
        while self.live as u64 > terms.at_least {
            self.take();
        }
        self.tidy();
    }

    /// A message has it no longer.
    pub(super) fn release(&mut self, value: Value) {
        match self.reserved.get_mut(&value) {
            None => {}
            Some(holders) if *holders > 1 => *holders -= 1,
            Some(_) => {
                self.reserved.remove(&value);
                if self.number_of(value).is_none() {
                    self.coming = self.coming.saturating_sub(1);
                }
                if self.reserved.is_empty() {
                    self.reserved.shrink_to_fit();
                }
            }
        }
    }

    /// Forgets what has left the window.
    pub(super) fn expire(&mut self, terms: Terms, now: u64) {
        self.terms = terms;
        while self
            .seen
            .front()
            .is_some_and(|first| first.value.is_none() || first.at.saturating_add(terms.window_ms) <= now)
        {
            self.take();
        }
    }

    /// The same under the terms it was last asked under.
    pub(super) fn age(&mut self, now: u64) {
        self.expire(self.terms, now);
        self.tidy();
    }

    /// Bytes of memory it takes.
    pub(super) fn bytes(&self) -> usize {
        // A table has eight places for seven entries, each with a byte of its own.
        let table = |capacity: usize, entry: usize| capacity * 8 / 7 * (entry + 1);
        FIXED
            + self.seen.capacity() * size_of::<Sighting>()
            + table(self.index.capacity(), size_of::<(Value, u64)>())
            + table(self.reserved.capacity(), size_of::<(Value, u32)>())
    }

    pub(super) fn terms(&self) -> Terms {
        self.terms
    }

    /// What would be kept through a restart, oldest first. What is on its way is not: its end ends with the process.
    pub(super) fn settled(&self) -> impl Iterator<Item = (Value, u64)> + '_ {
        self.seen.iter().filter_map(|sighting| Some((sighting.value?, sighting.at)))
    }

    fn number_of(&self, value: Value) -> Option<u64> {
        if self.is_indexed() {
            return self.index.get(&value).copied();
        }
        let place = self.seen.iter().rposition(|sighting| sighting.value == Some(value))?;
        Some(self.taken + place as u64)
    }

    fn place_of(&self, number: u64) -> Option<usize> {
        usize::try_from(number.checked_sub(self.taken)?).ok()
    }

    fn is_indexed(&self) -> bool {
        !self.index.is_empty()
    }

    fn push(&mut self, sighting: Sighting) {
        let number = self.taken + self.seen.len() as u64;
        self.seen.push_back(sighting);
        self.live += 1;
        if let Some(value) = sighting.value.filter(|_| self.is_indexed()) {
            self.index.insert(value, number);
        } else if self.seen.len() > LINEAR {
            self.reindex();
        }
    }

    fn take(&mut self) {
        let Some(first) = self.seen.pop_front() else { return };
        self.taken += 1;
        let Some(value) = first.value else { return };
        self.live -= 1;
        self.index.remove(&value);
        if self.reserved.contains_key(&value) {
            self.coming += 1;
        }
    }

    /// Gives back what the past took.
    fn tidy(&mut self) {
        if self.seen.len() > 2 * self.live + LINEAR {
            self.seen.retain(|sighting| sighting.value.is_some());
            self.reindex();
        }
        if self.seen.capacity() > 4 * self.seen.len() + 8 {
            self.seen.shrink_to(self.seen.len());
            self.reindex();
        }
    }

    fn reindex(&mut self) {
        self.index = HashMap::new();
        if self.seen.len() <= LINEAR {
            return;
        }
        let numbered = (self.taken..).zip(&self.seen);
        self.index = numbered.filter_map(|(number, sighting)| Some((sighting.value?, number))).collect();
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn terms(at_least: u64, window_ms: u64) -> Terms {
        Terms { at_least, window_ms }
    }

    fn leave(window: &mut Window, value: u64, terms: Terms, now: u64) {
        window.reserve(Value(value), terms, now);
        window.settle(Value(value), terms, now);
        window.release(Value(value));
    }

    #[test]
    fn what_left_counts_until_the_window_has_passed_it() {
        let (mut window, terms) = (Window::default(), terms(10, 100));
        leave(&mut window, 1, terms, 0);
        leave(&mut window, 2, terms, 50);
        leave(&mut window, 1, terms, 60);
        assert_eq!(window.count(), 2);
        window.expire(terms, 149);
        assert_eq!(window.count(), 2);
        window.expire(terms, 150);
        assert_eq!(window.count(), 1, "2 left at 50");
        window.expire(terms, 160);
        assert!(window.is_empty());
    }

    #[test]
    fn what_is_released_was_never_there() {
        let (mut window, terms) = (Window::default(), terms(10, 100));
        leave(&mut window, 1, terms, 0);
        for value in [1, 2, 2, 3] {
            window.reserve(Value(value), terms, 10);
        }
        assert_eq!(window.count(), 3);
        window.release(Value(2));
        assert_eq!(window.count(), 3, "another message has it still");
        window.release(Value(2));
        window.release(Value(3));
        window.release(Value(1));
        assert_eq!(window.count(), 1);
        window.expire(terms, 100);
        assert!(window.is_empty(), "a refusal prolongs nothing");
    }

    #[test]
    fn a_clock_set_back_neither_forgets_nor_disturbs() {
        let (mut window, terms) = (Window::default(), terms(10, 100));
        leave(&mut window, 1, terms, 1000);
        leave(&mut window, 2, terms, 10);
        assert_eq!(window.count(), 2);
        window.expire(terms, 1099);
        assert_eq!(window.count(), 2);
        window.expire(terms, 1100);
        assert!(window.is_empty());
    }

    #[test]
    fn memory_follows_what_is_kept() {
        let (mut window, terms) = (Window::default(), terms(50_000, 100));
        for value in 1..=100_000 {
            leave(&mut window, value, terms, value / 1000);
        }
        assert_eq!(window.count(), 50_000);
        for _ in 0..100_000 {
            leave(&mut window, 100_000, terms, 100);
        }
        assert!(window.bytes() < 50_000 * 90, "{}", window.bytes());
        window.age(1_000);
        assert!(window.bytes() < 1024, "{}", window.bytes());
    }

    /// What a message does with a value, how much later.
    type Step = (u8, u64, u64);

    /// The plain twin: every value with the last time it left, every reservation.
    #[derive(Default)]
    struct Twin {
        left: BTreeMap<u64, u64>,
        held: BTreeMap<u64, u32>,
    }

    impl Twin {
        fn count(&self, window: u64, now: u64) -> u64 {
            let recent = self.left.iter().filter(|(_, at)| **at + window > now).map(|(value, _)| value);
            let all: std::collections::BTreeSet<_> = recent.chain(self.held.keys()).collect();
            all.len() as u64
        }
    }

    proptest! {
        #[test]
        fn it_is_met_exactly_when_a_plain_count_is(
            steps in prop::collection::vec((0u8..4, 1u64..40, 0u64..12), 0..900),
            at_least in 1u64..30,
        ) {
            check(&steps, terms(at_least, 60));
        }
    }

    fn check(steps: &[Step], terms: Terms) {
        let (mut window, mut twin, mut now) = (Window::default(), Twin::default(), 0);
        for (what, value, later) in steps {
            now += later;
            let key = Value(*value);
            match what {
                0 => {
                    window.reserve(key, terms, now);
                    *twin.held.entry(*value).or_default() += 1;
                }
                1 if twin.held.contains_key(value) => {
                    window.settle(key, terms, now);
                    twin.left.insert(*value, now);
                    window.release(key);
                    drop_one(&mut twin, *value);
                }
                2 if twin.held.contains_key(value) => {
                    window.release(key);
                    drop_one(&mut twin, *value);
                }
                _ => leave_both(&mut window, &mut twin, *value, terms, now),
            }
            window.expire(terms, now);
            let (count, plain) = (window.count(), twin.count(terms.window_ms, now));
            assert_eq!(count >= terms.at_least, plain >= terms.at_least, "{count} for {plain}");
            if plain <= terms.at_least && twin.held.is_empty() {
                assert_eq!(count, plain);
            }
        }
    }

    fn drop_one(twin: &mut Twin, value: u64) {
        let holders = twin.held.get_mut(&value).unwrap();
        *holders -= 1;
        if *holders == 0 {
            twin.held.remove(&value);
        }
    }

    fn leave_both(window: &mut Window, twin: &mut Twin, value: u64, terms: Terms, now: u64) {
        window.reserve(Value(value), terms, now);
        window.settle(Value(value), terms, now);
        window.release(Value(value));
        twin.left.insert(value, now);
    }
}
