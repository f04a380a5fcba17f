//! Which of the detectors that begin with their digits a group of digits, and what stands around it, leave possible.

use std::collections::HashMap;
use std::sync::Arc;

use super::Confidence;
use super::anchor::{GROUP_LEN, RUN_LIMIT};
use super::compiled::{Compiled, Side};
use super::context::Words;
use super::gate::{GROUPS, Gate, SEPARATORS};
use super::pack::Boundary;
use super::set::Set;
use super::shape::{DEAD, Shape};
use super::through_digits::{DIGITS, after_digit, groups_behind, numbers};
use super::vicinity::Telling;

/// Leads of one, two and three digits.
const LEADS: usize = 10 + 100 + 1000;
/// Digits of a lead and of what follows it.
const LEAD: usize = 3;

/// A detector, or one alternative of its pattern, that begins with its digits.
#[derive(Debug)]
pub(super) struct Entry {
    pub detector: u16,
    /// Fewest digits of its run.
    pub digits: usize,
    pub shape: Arc<Shape>,
}

/// All such entries.
#[derive(Debug, Default)]
pub(super) struct Leading {
    pub sets: Vec<Sets>,
    before: Pairs,
    behind: Pairs,
    /// Fewest digits that any entry needs.
    pub least: usize,
    pub telling: Telling,
    /// What is possible whatever words stand near, and where none does that would matter, by floor.
    pub gate: Gate,
    pub quiet: [Gate; 3],
}

/// What is known of as many entries as a set holds.
#[derive(Debug, Default)]
pub(super) struct Sets {
    /// The detector of each bit.
    pub detectors: Vec<u16>,
    pub(super) by_lead: Vec<Set>,
    pub(super) by_second: Vec<Set>,
    pub(super) by_digits: Vec<Set>,
    /// By what stands before a group.
    by_before: Vec<Set>,
    /// By what stands behind it and its length: what can end there, and what can go on.
    pub(super) by_behind: Vec<[Set; 2]>,
    /// By the separator behind it and the length of the group behind that: what can go on with them.
    pub(super) by_next: Vec<Set>,
    /// The same of the group behind that one.
    by_third: Vec<Set>,
    /// For each floor, those that only a word nearby can lift to it: always, and when they stand for digits alone.
    keyed: [[Set; 2]; 3],
    /// For each word, those it speaks for.
    by_word: Vec<Set>,
}

/// Rows of a table by two bytes that stand next to each other; the byte past the last stands for an end of the text.
#[derive(Debug)]
struct Pairs {
    /// Where the rows of a first byte begin, and the place of a second one among them.
    first: [u32; BYTES],
    second: [u16; BYTES],
    rows: Vec<u32>,
}

/// What two neighbouring classes of bytes leave possible, as words.
type Key = Vec<u64>;

/// Stands for the byte where a text begins or ends.
const NO_BYTE: usize = 256;
pub(super) const BYTES: usize = NO_BYTE + 1;

impl Default for Pairs {
    fn default() -> Pairs {
        Pairs { first: [0; BYTES], second: [0; BYTES], rows: Vec::new() }
    }
}

impl Pairs {
    /// Gives each pair of classes the number of its row, which a key tells that is written to what it is handed; equal keys
    /// are one row.
    fn new(classes: &Classes, mut key: impl FnMut(usize, usize, &mut Key)) -> (Pairs, Vec<Key>) {
        let count = classes.bytes.len();
        let (mut known, mut rows, mut pairs) = (HashMap::<Key, u32>::new(), Vec::new(), Pairs::default());
        let mut room = Key::new();
        for first in 0..count {
            for second in 0..count {
                room.clear();
                key(first, second, &mut room);
                let number = known.get(&room).copied().unwrap_or_else(|| {
                    known.insert(room.clone(), rows.len() as u32);
                    rows.push(room.clone());
                    rows.len() as u32 - 1
                });
                pairs.rows.push(number);
            }
        }
        for (byte, &class) in classes.of.iter().enumerate() {
            pairs.first[byte] = u32::from(class) * count as u32;
            pairs.second[byte] = class;
        }
        (pairs, rows)
    }

    #[inline(always)]
    fn row(&self, first: usize, second: usize) -> usize {
        self.rows[self.first[first] as usize + usize::from(self.second[second])] as usize
    }

    fn size(&self) -> usize {
        size_of::<Pairs>() + self.rows.len() * size_of::<u32>()
    }
}

/// Bytes that mean the same to all that asks.
struct Classes {
    of: Vec<u16>,
    /// One byte of each class.
    bytes: Vec<Option<u8>>,
}

impl Classes {
    fn of<'a>(shapes: impl Iterator<Item = &'a Shape>) -> Classes {
        let shapes: Vec<&Shape> = shapes.collect();
        let mut known: HashMap<Vec<u8>, u16> = HashMap::new();
        let mut classes = Classes { of: Vec::new(), bytes: Vec::new() };
        for byte in 0..=255u8 {
            let mut means: Vec<u8> = shapes.iter().map(|shape| shape.class_of(byte) as u8).collect();
            means.push(
                u8::from(byte.is_ascii_digit())
                    | u8::from(is_word(byte)) << 1
                    | u8::from(matches!(byte, b'.' | b',')) << 2,
            );
            let class = *known.entry(means).or_insert_with(|| {
                classes.bytes.push(Some(byte));
                (classes.bytes.len() - 1) as u16
            });
            classes.of.push(class);
        }
        classes.of.push(classes.bytes.len() as u16);
        classes.bytes.push(None);
        classes
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn is_digit(byte: Option<u8>) -> bool {
    byte.is_some_and(|b| b.is_ascii_digit())
}

/// Whether a match can stand beside the nearer of two bytes. Where the further one is not told, nothing if that hangs on it.
fn stands(detector: &Compiled, side: Side, near: Option<u8>, far: Option<Option<u8>>) -> Option<bool> {
    let Some(near) = near else { return Some(true) };
    let is_point = detector.boundary == Boundary::Number && matches!(near, b'.' | b',');
    let is_barred = match detector.boundary {
        Boundary::None => false,
        Boundary::Digit => near.is_ascii_digit(),
        Boundary::Word => is_word(near),
        Boundary::Number => near.is_ascii_digit() || is_point && far.is_some_and(is_digit),
    };
    if is_barred {
        return Some(false);
    }
    let (Some(far), Some(not)) = (far, detector.not(side)) else {
        return match detector.not(side) {
            _ if is_point => None,
            Some(not) => not.meets(side, near).map(|meets| !meets),
            None => Some(true),
        };
    };
    Some(match (side, far) {
        (Side::Before, Some(far)) => !not.ends(&[far, near]),
        (Side::Before, None) => !not.ends(&[near]),
        (Side::After, Some(far)) => !not.begins(&[near, far]),
        (Side::After, None) => !not.begins(&[near]),
    })
}

/// Which entries a first group of each length can end, and which can go on behind one: by the byte behind it, and
/// whether a digit follows that.
struct Groups {
    ends: [Set; GROUPS],
    goes_on: Vec<[[Set; 2]; GROUPS]>,
}

impl Groups {
    fn of(entries: &[Entry], classes: &Classes) -> Groups {
        let mut groups = Groups {
            ends: [Set::NONE; GROUPS],
            goes_on: vec![[[Set::NONE; 2]; GROUPS]; classes.bytes.len()],
        };
        for (bit, entry) in entries.iter().enumerate() {
            groups.add(Set::of(bit), &entry.shape, classes);
        }
        groups
    }

    fn add(&mut self, bit: Set, shape: &Shape, classes: &Classes) {
        // For each class of the automaton whether it holds something else than digits, and digits.
        let mut holds = vec![[false; 2]; shape.width()];
        (0..=255u8).for_each(|b| holds[shape.class_of(b)][usize::from(b.is_ascii_digit())] = true);
        let step_any = |state: u16, digit: bool| {
            let mut steps = shape.row(state).iter().zip(&holds);
            steps.any(|(&to, holds)| to != DEAD && holds[usize::from(digit)])
        };
        // For each state whether a match can be over or go on with something else than a digit, and with a digit.
        let next: Vec<[bool; 2]> = (0..shape.states() as u16)
            .map(|state| [shape.accepts(state) || step_any(state, false), step_any(state, true)])
            .collect();
        let used = shape.used();
        let used: Vec<(usize, u8)> = (0..classes.bytes.len())
            .filter_map(|class| classes.bytes[class].map(|byte| (class, byte)))
            .filter(|(_, byte)| !byte.is_ascii_digit() && used[shape.class_of(*byte)])
            .collect();
        let mut states = vec![Shape::START];
        for length in 1..=shape.max_len {
            states = after_digit(shape, &states, DIGITS);
            if states.is_empty() {
                break;
            }
            let length = length.min(GROUP_LEN);
            if states.iter().any(|&state| shape.accepts(state)) {
                self.ends[length] |= bit;
            }
            for &(class, byte) in &used {
                for to in states.iter().map(|&state| shape.step(state, byte)).filter(|&to| to != DEAD) {
                    for (kind, goes_on) in next[usize::from(to)].into_iter().enumerate() {
                        self.goes_on[class][length][kind] |= bit.when(goes_on);
                    }
                }
            }
        }
    }
}

/// One detector of each kind that minds the same on one side of its matches, and the sets of all of that kind.
struct Kinds<'c> {
    side: Side,
    of: Vec<(&'c Compiled, Vec<Set>)>,
}

/// What the nearer of two bytes tells: a bit for each kind that can stand beside it, and those that hang on the further one.
struct Told {
    bits: Key,
    open: Vec<usize>,
}

impl<'c> Kinds<'c> {
    fn of(chunks: &[&[Entry]], compiled: &'c [Compiled], side: Side) -> Kinds<'c> {
        let mut known = HashMap::new();
        for (number, chunk) in chunks.iter().enumerate() {
            for (bit, entry) in chunk.iter().enumerate() {
                let detector = &compiled[usize::from(entry.detector)];
                let kind = (detector.boundary as u8, detector.not(side).map(Arc::as_ptr));
                let (_, sets) =
                    known.entry(kind).or_insert_with(|| (detector, vec![Set::NONE; chunks.len()]));
                sets[number] |= Set::of(bit);
            }
        }
        Kinds { side, of: known.into_values().collect() }
    }

    fn told(&self, near: Option<u8>) -> Told {
        let mut told = Told { bits: vec![0; self.of.len().div_ceil(64)], open: Vec::new() };
        for (kind, (detector, _)) in self.of.iter().enumerate() {
            match stands(detector, self.side, near, None) {
                Some(stands) => told.bits[kind / 64] |= u64::from(stands) << (kind % 64),
                None => told.open.push(kind),
            }
        }
        told
    }

    /// A bit for each kind that can stand beside two bytes.
    fn stand(&self, told: &Told, (near, far): (Option<u8>, Option<u8>), bits: &mut Key) {
        bits.extend_from_slice(&told.bits);
        for &kind in &told.open {
            let stands = stands(self.of[kind].0, self.side, near, Some(far)) == Some(true);
            bits[kind / 64] |= u64::from(stands) << (kind % 64);
        }
    }

    /// The sets of some kinds.
    fn sets(&self, bits: &[u64]) -> Vec<Set> {
        let mut all = vec![Set::NONE; self.of.first().map_or(0, |(_, sets)| sets.len())];
        let kinds = self.of.iter().enumerate();
        for (_, (_, sets)) in kinds.filter(|(kind, _)| bits[kind / 64] >> (kind % 64) & 1 != 0) {
            all.iter_mut().zip(sets).for_each(|(all, set)| *all |= *set);
        }
        all
    }
}

impl Leading {
    pub(super) fn build(entries: Vec<Entry>, compiled: &[Compiled], words: &Words) -> Leading {
        let of = |entry: &Entry| &compiled[usize::from(entry.detector)];
        let least = entries.iter().map(|entry| entry.digits).min().unwrap_or(usize::MAX);
        let mut leading = Leading { least, ..Leading::default() };
        let chunks: Vec<&[Entry]> = entries.chunks(Set::ENTRIES).collect();
        leading.sets = chunks.iter().map(|chunk| Sets::of(chunk, compiled, words)).collect();
        let mut spoken = vec![Set::NONE; leading.sets.first().map_or(0, |sets| sets.by_word.len())];
        for sets in &leading.sets {
            spoken.iter_mut().zip(&sets.by_word).for_each(|(all, set)| *all |= *set);
        }
        leading.telling = Telling::new(words, spoken);
        // What stands before.
        let classes = Classes::of(entries.iter().filter_map(|e| of(e).not_before.as_deref()));
        let kinds = Kinds::of(&chunks, compiled, Side::Before);
        let told: Vec<Told> = classes.bytes.iter().map(|&near| kinds.told(near)).collect();
        let (before, rows) = Pairs::new(&classes, |far, near, key| {
            kinds.stand(&told[near], (classes.bytes[near], classes.bytes[far]), key);
        });
        let rows: Vec<Vec<Set>> = rows.iter().map(|bits| kinds.sets(bits)).collect();
        for (number, sets) in leading.sets.iter_mut().enumerate() {
            sets.by_before = rows.iter().map(|row| row[number]).collect();
        }
        leading.before = before;
        // What stands behind.
        let shapes = entries.iter().map(|e| &*e.shape);
        let classes = Classes::of(entries.iter().filter_map(|e| of(e).not_after.as_deref()).chain(shapes));
        let groups: Vec<Groups> = chunks.iter().map(|chunk| Groups::of(chunk, &classes)).collect();
        let kinds = Kinds::of(&chunks, compiled, Side::After);
        // Bytes behind which matches go on alike.
        let alike = |a: usize, b: usize| groups.iter().all(|groups| groups.goes_on[a] == groups.goes_on[b]);
        let firsts: Vec<usize> =
            (0..classes.bytes.len()).map(|a| (0..a).find(|&b| alike(a, b)).unwrap_or(a)).collect();
        let told: Vec<Told> = classes.bytes.iter().map(|&near| kinds.told(near)).collect();
        let (behind, rows) = Pairs::new(&classes, |near, far, key| {
            kinds.stand(&told[near], (classes.bytes[near], classes.bytes[far]), key);
            key.extend([firsts[near] as u64, u64::from(is_digit(classes.bytes[far]))]);
        });
        let free: Vec<Vec<Set>> = rows.iter().map(|bits| kinds.sets(bits)).collect();
        for (number, (sets, groups)) in leading.sets.iter_mut().zip(&groups).enumerate() {
            let row = |(free, key): (&Vec<Set>, &Key)| {
                let [.., first, digit] = key[..] else { return [[Set::NONE; 2]; GROUPS] };
                let (free, goes_on) = (free[number], &groups.goes_on[first as usize]);
                std::array::from_fn::<_, GROUPS, _>(|length| {
                    [groups.ends[length] & free, goes_on[length][digit as usize]]
                })
            };
            sets.by_behind = free.iter().zip(&rows).flat_map(row).collect();
        }
        leading.behind = behind;
        leading.gate = Gate::build(&leading, None);
        leading.quiet = [Confidence::Low, Confidence::Medium, Confidence::High]
            .map(|floor| Gate::build(&leading, Some(floor)));
        leading
    }

    /// What is known of the `group` digits at `at`, when the run goes on with `next` digits behind a separator.
    #[inline(always)]
    pub(super) fn place<'t>(&self, text: &'t [u8], at: usize, group: usize, next: usize) -> Place<'t> {
        let digits = &text[at..at + group];
        let near = at.checked_sub(2).and_then(|from| text.get(from..at + group + 2));
        let [a, b, c, d] = match near {
            Some(&[a, b, .., c, d]) => [usize::from(a), usize::from(b), usize::from(c), usize::from(d)],
            _ => edges(text, at, at + group),
        };
        Place {
            digits,
            before: self.before.row(a, b),
            behind: self.behind.row(c, d) * GROUPS + group.min(GROUP_LEN),
            next: separated(c, next),
        }
    }

    /// What is asked first, where it is known that no word is near, or not.
    #[inline(always)]
    pub(super) fn gate(&self, is_quiet: bool, floor: Confidence) -> &Gate {
        if is_quiet { &self.quiet[floor as usize] } else { &self.gate }
    }

    /// Whether anything can begin with the `group` digits at a place, which end their run.
    #[inline(always)]
    pub(super) fn may_end(&self, gate: &Gate, (text, at): (&[u8], usize), group: usize) -> bool {
        gate.is_last(group, text.get(at + group))
            && gate.last(text.get(at..).unwrap_or_default(), self.behind(text, at + group, group))
    }

    /// The place of what stands behind `group` digits that end at `end`, and of their number.
    #[inline(always)]
    pub(super) fn behind(&self, text: &[u8], end: usize, group: usize) -> usize {
        let byte = |at: usize| text.get(at).map_or(NO_BYTE, |&b| usize::from(b));
        self.behind.row(byte(end), byte(end + 1)) * GROUPS + group.min(GROUP_LEN)
    }

    /// Rows of what stands behind a group: this byte and a digit.
    pub(super) fn rows_behind(&self, byte: u8) -> Vec<usize> {
        let mut rows: Vec<usize> =
            DIGITS.map(|digit| self.behind.row(usize::from(byte), usize::from(digit))).collect();
        rows.sort_unstable();
        rows.dedup();
        rows
    }

    /// Rows of what stands behind a group: this byte, or the end of the text, and whatever follows.
    pub(super) fn rows_before(&self, byte: usize) -> Vec<usize> {
        let mut rows: Vec<usize> = (0..BYTES).map(|second| self.behind.row(byte, second)).collect();
        rows.sort_unstable();
        rows.dedup();
        rows
    }

    pub(super) fn detectors(&self) -> impl Iterator<Item = u16> + '_ {
        self.sets.iter().flat_map(|sets| &sets.detectors).copied()
    }

    pub(super) fn size(&self) -> usize {
        self.sets.iter().map(Sets::size).sum::<usize>()
            + self.before.size()
            + self.behind.size()
            + self.telling.size()
            + 4 * self.gate.size()
    }
}

/// A group of digits, and where tables tell of what stands around it.
pub(super) struct Place<'t> {
    digits: &'t [u8],
    before: usize,
    behind: usize,
    next: usize,
}

/// Where tables tell of a group of so many digits behind a separator.
#[inline(always)]
fn separated(separator: usize, digits: usize) -> usize {
    (separator & (SEPARATORS - 1)) * GROUPS + digits.min(GROUP_LEN)
}

/// The two bytes before `start` and the two behind `end`, where either may lie beyond the text.
#[inline(never)]
fn edges(text: &[u8], start: usize, end: usize) -> [usize; 4] {
    let byte = |at: Option<usize>| at.and_then(|i| text.get(i)).map_or(NO_BYTE, |&b| usize::from(b));
    [byte(start.checked_sub(2)), byte(start.checked_sub(1)), byte(Some(end)), byte(Some(end + 1))]
}

impl Sets {
    fn of(entries: &[Entry], compiled: &[Compiled], words: &Words) -> Sets {
        let set = |fits: &dyn Fn(&Entry) -> bool| {
            let fitting = (0..).zip(entries).filter(|(_, e)| fits(e));
            fitting.fold(Set::NONE, |set, (bit, _)| set | Set::of(bit))
        };
        let keyed = |floor, part: usize| {
            set(&|e| <[bool; 2]>::from(compiled[usize::from(e.detector)].keyed(floor))[part])
        };
        let (mut by_lead, mut by_second) = (vec![Set::NONE; LEADS], vec![Set::NONE; 1000]);
        let [mut by_next, mut by_third] = [(); 2].map(|()| vec![Set::NONE; SEPARATORS * GROUPS]);
        for (bit, entry) in entries.iter().enumerate() {
            let bit = Set::of(bit);
            for (sets, groups) in [&mut by_next, &mut by_third].into_iter().zip(1..) {
                for (fits, set) in groups_behind(&entry.shape, groups).as_flattened().iter().zip(sets) {
                    *set |= bit.when(*fits);
                }
            }
            let add = |sets: &mut [Set], possible: Vec<bool>| {
                sets.iter_mut().zip(possible).for_each(|(set, possible)| *set |= bit.when(possible));
            };
            let mut states = vec![Shape::START];
            for (digits, from) in [(1, 0), (2, 10), (LEAD, 110)] {
                add(&mut by_lead[from..], numbers(&entry.shape, &states, digits));
            }
            for _ in 0..LEAD {
                states = after_digit(&entry.shape, &states, DIGITS);
            }
            add(&mut by_second, numbers(&entry.shape, &states, LEAD));
        }
        Sets {
            detectors: entries.iter().map(|e| e.detector).collect(),
            by_lead,
            by_second,
            by_next,
            by_third,
            by_digits: (0..=RUN_LIMIT).map(|left| set(&|e| e.digits <= left)).collect(),
            keyed: [Confidence::Low, Confidence::Medium, Confidence::High]
                .map(|floor| [keyed(floor, 0), keyed(floor, 1)]),
            by_word: words.positive().map(|owners| set(&|e| owners.contains(&e.detector))).collect(),
            ..Sets::default()
        }
    }

    /// The entries that a group of digits can begin a match of, with `left` digits in its run from there on, and those
    /// of them whose match can go on behind it.
    #[inline(always)]
    pub(super) fn fits(&self, place: &Place<'_>, left: usize) -> [Set; 2] {
        let free = self.by_before[place.before];
        // Behind a decimal point, mostly.
        if free.is_empty() {
            return [Set::NONE; 2];
        }
        let [ends, goes_on] = self.by_behind[place.behind];
        let goes_on = goes_on & self.by_next[place.next];
        let fits = (ends | goes_on) & free & self.by_digits[left.min(RUN_LIMIT)];
        let digit = |b: u8| usize::from(b.wrapping_sub(b'0') & 15);
        let lead = match *place.digits {
            [a, b, c, ..] => 110 + digit(a) * 100 + digit(b) * 10 + digit(c),
            [a, b] => 10 + digit(a) * 10 + digit(b),
            [a] => digit(a),
            [] => return [Set::NONE; 2],
        };
        let fits = fits & self.by_lead.get(lead).copied().unwrap_or_default();
        let fits = match *place.digits {
            [_, _, _, d, e, f, ..] => {
                let second = digit(d) * 100 + digit(e) * 10 + digit(f);
                fits & self.by_second.get(second).copied().unwrap_or_default()
            }
            _ => fits,
        };
        [fits, goes_on]
    }

    /// The same, when a third group of so many digits follows this separator.
    #[inline(always)]
    pub(super) fn fit_with(
        &self,
        [fits, goes_on]: [Set; 2],
        place: &Place<'_>,
        separator: u8,
        third: usize,
    ) -> [Set; 2] {
        let [ends, _] = self.by_behind[place.behind];
        let goes_on = goes_on & self.by_third[separated(usize::from(separator), third)];
        [fits & (ends | goes_on), goes_on]
    }

    /// The entries that need a word nearby: always, and when they stand for digits alone.
    #[inline(always)]
    pub(super) fn keyed(&self, floor: Confidence) -> [Set; 2] {
        self.keyed[floor as usize]
    }

    /// The entries that a word speaks for.
    #[inline(always)]
    pub(super) fn by_word(&self, word: u16) -> Set {
        self.by_word[usize::from(word)]
    }

    fn size(&self) -> usize {
        let sets = self.by_lead.len()
            + self.by_second.len()
            + self.by_digits.len()
            + self.by_before.len()
            + self.by_next.len()
            + self.by_third.len();
        (sets + 2 * self.by_behind.len() + self.by_word.len()) * size_of::<Set>() + self.detectors.len() * 2
    }
}
