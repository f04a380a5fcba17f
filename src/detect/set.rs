//! A set of up to 256 entries, as bits.

use std::ops::{BitAnd, BitAndAssign, BitOr, BitOrAssign, Not};

/// A bit for each entry. Aligned, so that the compiler takes all of it at once where the machine can.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(align(32))]
pub(super) struct Set([u64; WORDS]);

const WORDS: usize = 4;

impl Set {
    /// Entries that share one set.
    pub(super) const ENTRIES: usize = WORDS * 64;
    pub(super) const NONE: Set = Set([0; WORDS]);
    pub(super) const ALL: Set = Set([u64::MAX; WORDS]);

    /// The set of one entry.
    pub(super) const fn of(entry: usize) -> Set {
        let mut set = Set::NONE;
        set.0[entry / 64 % WORDS] = 1 << (entry % 64);
        set
    }

    /// This set where `yes`, else none.
    #[inline(always)]
    pub(super) const fn when(self, yes: bool) -> Set {
        if yes { self } else { Set::NONE }
    }

    #[inline(always)]
    pub(super) fn is_empty(self) -> bool {
        self.0[0] | self.0[1] | self.0[2] | self.0[3] == 0
    }

    /// How many entries there are.
    #[inline(always)]
    pub(super) fn len(self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// The entries, ascending.
    #[inline(always)]
    pub(super) fn each(self, mut entry: impl FnMut(usize)) {
        let Set([a, b, c, d]) = self;
        let mut each = |first: usize, mut bits: u64| {
            while bits != 0 {
                entry(first + bits.trailing_zeros() as usize);
                bits &= bits - 1;
            }
        };
        each(0, a);
        each(64, b);
        each(128, c);
        each(192, d);
    }
}

impl BitAnd for Set {
    type Output = Set;
    #[inline(always)]
    fn bitand(self, other: Set) -> Set {
        let (Set([a, b, c, d]), Set([e, f, g, h])) = (self, other);
        Set([a & e, b & f, c & g, d & h])
    }
}

impl BitOr for Set {
    type Output = Set;
    #[inline(always)]
    fn bitor(self, other: Set) -> Set {
        let (Set([a, b, c, d]), Set([e, f, g, h])) = (self, other);
        Set([a | e, b | f, c | g, d | h])
    }
}

impl Not for Set {
    type Output = Set;
    #[inline(always)]
    fn not(self) -> Set {
        let Set([a, b, c, d]) = self;
        Set([!a, !b, !c, !d])
    }
}

impl BitAndAssign for Set {
    #[inline(always)]
    fn bitand_assign(&mut self, other: Set) {
        *self = *self & other;
    }
}

impl BitOrAssign for Set {
    #[inline(always)]
    fn bitor_assign(&mut self, other: Set) {
        *self = *self | other;
    }
}

#[cfg(test)]
mod tests {
    use super::Set;

    #[test]
    fn a_set_holds_what_was_put_in() {
        let entries = [0, 1, 63, 64, 127, 128, 200, 255];
        let set = entries.iter().fold(Set::NONE, |set, &entry| set | Set::of(entry));
        let mut found = Vec::new();
        set.each(|entry| found.push(entry));
        assert_eq!(found, entries);
        assert!((set & !set).is_empty() && !set.is_empty() && set & Set::ALL == set);
        assert_eq!((set.when(true), set.when(false)), (set, Set::NONE));
        for entry in 0..Set::ENTRIES {
            assert_eq!((set & Set::of(entry)).is_empty(), !entries.contains(&entry));
        }
    }
}
