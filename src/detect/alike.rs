//! Which classes of bytes every state of an automaton takes alike, told without a look at each.

/// A sum for each class over the steps of all states: classes of one sum are taken alike.
pub(super) struct Alike {
    /// What is added to the sum of a class and of those behind it.
    changes: Vec<u128>,
}

impl Alike {
    pub(super) fn new(classes: usize) -> Alike {
        Alike { changes: vec![0; classes + 1] }
    }

    /// Classes from `first` on, before `end`, lead from a state to another.
    pub(super) fn add(&mut self, (first, end): (usize, usize), state: u32, to: u32) {
        let mixed = mixed(state, to);
        if let Some(change) = self.changes.get_mut(first) {
            *change = change.wrapping_add(mixed);
        }
        if let Some(change) = self.changes.get_mut(end) {
            *change = change.wrapping_sub(mixed);
        }
    }

    /// One class of each kind, ascending, and the place of each class's kind among them.
    pub(super) fn kinds(self) -> (Vec<u8>, Vec<u8>) {
        let classes = self.changes.len() - 1;
        let (mut kinds, mut places) = (Vec::new(), Vec::with_capacity(classes));
        let (mut sum, mut known) = (0u128, Vec::new());
        for (class, &change) in (0..=u8::MAX).zip(&self.changes[..classes]) {
            sum = sum.wrapping_add(change);
            let place = known.iter().position(|&known| known == sum);
            places.push(place.unwrap_or(kinds.len()) as u8);
            if place.is_none() {
                kinds.push(class);
                known.push(sum);
            }
        }
        (kinds, places)
    }
}

/// A step, spread over so many bits that sums of different ones are not the same.
fn mixed(state: u32, to: u32) -> u128 {
    let half = |more: u64| {
        let mut bits = (u64::from(state) << 32 | u64::from(to)).wrapping_add(more);
        for factor in [0xBF58_476D_1CE4_E5B9, 0x94D0_49BB_1331_11EB] {
            bits = (bits ^ bits >> 29).wrapping_mul(factor);
        }
        u128::from(bits ^ bits >> 32)
    };
    half(0x9E37_79B9_7F4A_7C15) << 64 | half(0xD1B5_4A32_D192_ED03)
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn classes_are_alike_that_lead_from_each_state_to_the_same(
            steps in proptest::collection::vec((0usize..20, 1usize..9, 0u32..4, 0u32..3), 0..24),
        ) {
            const CLASSES: usize = 24;
            let mut alike = Alike::new(CLASSES);
            let mut leads = vec![Vec::new(); CLASSES];
            for &(first, length, state, to) in &steps {
                let end = (first + length).min(CLASSES);
                alike.add((first, end), state, to);
                leads[first..end].iter_mut().for_each(|leads| leads.push((state, to)));
            }
            leads.iter_mut().for_each(|leads| leads.sort_unstable());
            let (kinds, places) = alike.kinds();
            for (class, leads_to) in leads.iter().enumerate() {
                let first = leads.iter().position(|other| other == leads_to).unwrap();
                proptest::prop_assert_eq!(usize::from(kinds[usize::from(places[class])]), first);
            }
        }
    }
}
