//! Whether any detector can begin with a group of digits: looked up before what is known of each is.

use super::Confidence;
use super::anchor::{GROUP_LEN, MIN_RUN_DIGITS, RUN_LIMIT};
use super::leading::Leading;
use super::set::Set;

/// Lengths of a group that are told apart.
pub(super) const GROUPS: usize = GROUP_LEN + 1;
/// Bytes that can join two groups; their lowest bits tell them apart.
pub(super) const SEPARATORS: usize = 4;
/// What three digits can be, in words of bits.
const LEADS: usize = 1024 / 64;

/// What one kind of question leaves possible.
#[derive(Debug)]
pub(super) struct Gate {
    /// By the separator behind a group, its length and that of the group behind it: fewest digits, from the group to
    /// the end of its run, with which anything can begin there.
    joined: Box<[u8; SEPARATORS * GROUPS * GROUPS]>,
    /// By the length of a group that ends its run and by its first three digits, a bit: whether anything can.
    last: Box<[[u64; LEADS]; GROUPS]>,
}

/// Nothing begins, however many digits there are.
const NEVER: u8 = u8::MAX;

impl Default for Gate {
    fn default() -> Gate {
        Gate { joined: Box::new([NEVER; SEPARATORS * GROUPS * GROUPS]), last: Box::new([[0; LEADS]; GROUPS]) }
    }
}

impl Gate {
    /// Something begins with `group` digits, this separator and `next` more, given so many digits in all.
    fn let_joined(&mut self, separator: u8, group: usize, next: usize, digits: usize) {
        let known = &mut self.joined[place(separator, group, next)];
        *known = (*known).min(digits.min(usize::from(NEVER) - 1) as u8);
    }

    /// Something begins with the last `group` digits of a run, of which these are the first three.
    fn let_last(&mut self, group: usize, lead: usize) {
        self.last[group][lead / 64] |= 1 << (lead % 64);
    }

    /// Whether anything begins with `group` digits, a separator and `next` more, of `left` in all.
    #[inline(always)]
    pub(super) fn joined(&self, separator: u8, group: usize, next: usize, left: usize) -> bool {
        usize::from(self.joined[place(separator, group, next)]) <= left
    }

    /// Whether anything begins with the last `group` digits of a run, which these are the first of.
    #[inline(always)]
    pub(super) fn last(&self, digits: &[u8], group: usize) -> bool {
        let &[a, b, c, ..] = digits else { return true };
        let digit = |byte: u8| usize::from(byte & 15);
        let lead = (digit(a) * 100 + digit(b) * 10 + digit(c)) % 1024;
        self.last[group.min(GROUP_LEN)][lead / 64] & 1 << (lead % 64) != 0
    }

    /// What sets of detectors leave possible, where nothing is asked for that only a word nearby lifts to `quiet`.
    pub(super) fn build(leading: &Leading, quiet: Option<Confidence>) -> Gate {
        let mut gate = Gate::default();
        for sets in &leading.sets {
            let [always, alone] = quiet.map_or([Set::NONE; 2], |floor| sets.keyed(floor));
            // With the first digits that something is possible for.
            let fewest = |fits: Set| {
                let enough = |digits: usize| !(sets.by_digits[digits] & fits).is_empty();
                let all: Vec<usize> = (0..=RUN_LIMIT).collect();
                all.partition_point(|&digits| !enough(digits))
            };
            for separator in *b" -./" {
                let rows = leading.rows_behind(separator);
                for group in 1..GROUPS {
                    let mut known = (Set::NONE, RUN_LIMIT + 1);
                    for next in 0..GROUPS {
                        let goes_on = sets.by_next[usize::from(separator) % SEPARATORS * GROUPS + next];
                        let at = |row: &usize| {
                            let [ends, behind] = sets.by_behind[row * GROUPS + group];
                            ends | behind & goes_on
                        };
                        let fits = rows.iter().fold(Set::NONE, |all, row| all | at(row)) & !always;
                        if fits != known.0 {
                            known = (fits, fewest(fits));
                        }
                        if known.1 <= RUN_LIMIT {
                            gate.let_joined(separator, group, next, known.1);
                        }
                    }
                }
            }
            for group in MIN_RUN_DIGITS..GROUPS {
                let rows = sets.by_behind.iter().skip(group).step_by(GROUPS);
                let fits =
                    rows.fold(Set::NONE, |all, &[ends, behind]| all | ends & !alone | behind) & !always;
                // A group of the last length may be longer.
                let digits = if group == GROUP_LEN { RUN_LIMIT } else { group };
                let fits = fits & sets.by_digits[digits];
                for lead in (0..1000).filter(|lead| !(sets.by_lead[110 + lead] & fits).is_empty()) {
                    gate.let_last(group, lead);
                }
            }
        }
        gate
    }

    pub(super) fn size(&self) -> usize {
        size_of_val(&*self.joined) + size_of_val(&*self.last)
    }
}

#[inline(always)]
fn place(separator: u8, group: usize, next: usize) -> usize {
    let separator = usize::from(separator) % SEPARATORS;
    (separator * GROUPS + group.min(GROUP_LEN)) * GROUPS + next.min(GROUP_LEN)
}
