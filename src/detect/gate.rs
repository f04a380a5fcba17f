//! Whether any detector can begin with a group of digits: looked up before what is known of each is.

use std::collections::HashMap;

use super::Confidence;
use super::anchor::{GROUP_LEN, RUN_LIMIT, SEPARATOR_BYTES};
use super::leading::{BYTES, Leading};
use super::set::Set;

/// Lengths of a group that are told apart.
pub(super) const GROUPS: usize = GROUP_LEN + 1;
/// Bytes that can join two groups; their lowest bits tell them apart.
pub(super) const SEPARATORS: usize = 4;
/// What three digits can be, four bits each, in words of bits.
const LEADS: usize = (0x999 + 1usize).div_ceil(64);

/// What one kind of question leaves possible.
#[derive(Debug)]
pub(super) struct Gate {
    /// By the separator behind a group, its length and that of the group behind it: fewest digits, from the group to
    /// the end of its run, with which anything can begin there.
    joined: Box<[u8; SEPARATORS * GROUPS * GROUPS]>,
    /// By what stands behind a group that ends its run, and its length: a row of `leads`.
    last: Vec<u16>,
    /// By the first three digits of such a group, and by the three behind them, a bit: whether anything can begin with
    /// it. The first row has none.
    leads: Vec<[[u64; LEADS]; 2]>,
    /// By the byte behind such a group, a bit for each length of one that anything can begin with; the last for the end
    /// of a text.
    lasts: Box<[u32; BYTES]>,
}

/// Nothing begins, however many digits there are.
const NEVER: u8 = u8::MAX;

impl Default for Gate {
    fn default() -> Gate {
        let joined = Box::new([NEVER; SEPARATORS * GROUPS * GROUPS]);
        Gate { joined, last: Vec::new(), leads: vec![[[0; LEADS]; 2]], lasts: Box::new([0; BYTES]) }
    }
}

impl Gate {
    /// Something begins with `group` digits, this separator and `next` more, given so many digits in all.
    fn let_joined(&mut self, separator: u8, group: usize, next: usize, digits: usize) {
        let known = &mut self.joined[place(separator, group, next)];
        *known = (*known).min(digits.min(usize::from(NEVER) - 1) as u8);
    }

    /// Whether anything begins with `group` digits, a separator and `next` more, of `left` in all.
    #[inline(always)]
    pub(super) fn joined(&self, separator: u8, group: usize, next: usize, left: usize) -> bool {
        usize::from(self.joined[place(separator, group, next)]) <= left
    }

    /// Whether anything begins with the last digits of a run, which `digits` begins with; `behind` is the place of their
    /// number and of what stands behind them.
    #[inline(always)]
    pub(super) fn last(&self, digits: &[u8], behind: usize) -> bool {
        let Some(digits) = digits.first_chunk() else { return true };
        let digits = u64::from_le_bytes(*digits);
        let holds = |set: &[u64; LEADS], three: usize| {
            set.get(three / 64).is_none_or(|word| word >> (three % 64) & 1 != 0)
        };
        let [first, second] = &self.leads[usize::from(self.last[behind])];
        holds(first, packed(digits)) && holds(second, packed(digits >> 24))
    }

    /// Whether anything begins with so many digits that end a run, before this byte or the end of the text.
    #[inline(always)]
    pub(super) fn is_last(&self, group: usize, behind: Option<&u8>) -> bool {
        let lengths = self.lasts[behind.map_or(BYTES - 1, |&byte| usize::from(byte))];
        lengths >> group.min(GROUP_LEN) & 1 != 0
    }

    /// What sets of detectors leave possible, where nothing is asked for that only a word nearby lifts to `quiet`.
    pub(super) fn build(leading: &Leading, quiet: Option<Confidence>) -> Gate {
        let mut gate = Gate::default();
        for sets in &leading.sets {
            let [always, _] = quiet.map_or([Set::NONE; 2], |floor| sets.keyed(floor));
            // With the first digits that something is possible for.
            let fewest = |fits: Set| {
                let too_few = |by_digits: &Set| (*by_digits & fits).is_empty();
                sets.by_digits[..=RUN_LIMIT].partition_point(too_few)
            };
            for separator in SEPARATOR_BYTES {
                let rows = leading.rows_behind(separator);
                for group in 1..GROUPS {
                    // What any byte behind the separator leaves possible.
                    let any = rows.iter().fold([Set::NONE; 2], |[ends, behind], row| {
                        let [more_ends, more_behind] = sets.by_behind[row * GROUPS + group];
                        [ends | more_ends, behind | more_behind]
                    });
                    let [ends, behind] = any.map(|fits| fits & !always);
                    let mut known = (Set::NONE, RUN_LIMIT + 1);
                    for next in 0..GROUPS {
                        let goes_on = sets.by_next[usize::from(separator) % SEPARATORS * GROUPS + next];
                        let fits = ends | behind & goes_on;
                        if fits != known.0 {
                            known = (fits, fewest(fits));
                        }
                        if known.1 <= RUN_LIMIT {
                            gate.let_joined(separator, group, next, known.1);
                        }
                    }
                }
            }
        }
        gate.fill_last(leading, quiet);
        gate
    }

    fn fill_last(&mut self, leading: &Leading, quiet: Option<Confidence>) {
        let rows = leading.sets.first().map_or(0, |sets| sets.by_behind.len());
        let mut known: HashMap<Vec<Set>, u16> = HashMap::new();
        for place in 0..rows {
            let group = place % GROUPS;
            // A group of the last length may be longer.
            let digits = if group == GROUP_LEN { RUN_LIMIT } else { group };
            let fits = leading.sets.iter().map(|sets| {
                let [always, alone] = quiet.map_or([Set::NONE; 2], |floor| sets.keyed(floor));
                let [ends, behind] = sets.by_behind[place];
                (ends & !alone | behind) & !always & sets.by_digits[digits]
            });
            let fits: Vec<Set> = fits.collect();
            let next = self.leads.len() as u16;
            let row = match known.get(&fits) {
                Some(&row) => row,
                None if fits.iter().all(|set| set.is_empty()) => 0,
                None => {
                    self.leads.push(leads(leading, &fits));
                    known.insert(fits, next);
                    next
                }
            };
            self.last.push(row);
        }
        for (byte, lengths) in self.lasts.iter_mut().enumerate() {
            for row in leading.rows_before(byte) {
                let rows = self.last.iter().skip(row * GROUPS).take(GROUPS);
                let possible = rows.enumerate().filter(|(_, leads)| **leads != 0);
                *lengths = possible.fold(*lengths, |all, (group, _)| all | 1 << group);
            }
        }
    }

    pub(super) fn size(&self) -> usize {
        size_of_val(&*self.joined)
            + self.last.len() * 2
            + size_of_val(&*self.leads)
            + size_of_val(&*self.lasts)
    }
}

/// Three digits, the first the lowest byte, as the four bits of each, the first the highest.
#[inline(always)]
fn packed(digits: u64) -> usize {
    (((digits & 0x0f_0f0f) * 0x0100_1001) >> 16) as usize & 0xfff
}

/// The first three digits that something of these sets can begin with, and the three behind them.
fn leads(leading: &Leading, fits: &[Set]) -> [[u64; LEADS]; 2] {
    let mut leads = [[0; LEADS]; 2];
    for (sets, &fits) in leading.sets.iter().zip(fits) {
        for (bits, possible) in leads.iter_mut().zip([&sets.by_lead[110..], &sets.by_second]) {
            for (two, possible) in possible.chunks(10).enumerate() {
                let place = (two / 10) << 8 | (two % 10) << 4;
                let digits = possible.iter().enumerate().filter(|(_, set)| !(**set & fits).is_empty());
                bits[place / 64] |= digits.fold(0, |all, (digit, _)| all | 1 << digit) << (place % 64);
            }
        }
    }
    leads
}

#[inline(always)]
fn place(separator: u8, group: usize, next: usize) -> usize {
    let separator = usize::from(separator) % SEPARATORS;
    (separator * GROUPS + group.min(GROUP_LEN)) * GROUPS + next.min(GROUP_LEN)
}
