//! Values that are one class of bytes repeated, read without an automaton: a stretch of such bytes is read once, however
//! many values may begin in it.

use super::shape::{DEAD, Ends, Shape};

/// Between so many and so many bytes of one class.
#[derive(Debug)]
pub(super) struct Repeat {
    class: Box<[bool; 256]>,
    min: usize,
    max: usize,
}

/// Bytes of a class that lie side by side, as far as they were looked at last.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Stretch<'m> {
    of: Option<&'m Repeat>,
    from: usize,
    to: usize,
}

impl Repeat {
    /// What a pattern repeats, where that is all that it says.
    pub(super) fn of(shape: &Shape) -> Option<Repeat> {
        let holds =
            |state: u16| std::array::from_fn::<bool, 256, _>(|byte| shape.step(state, byte as u8) != DEAD);
        let class = Box::new(holds(Shape::START));
        let any = (0..=u8::MAX).find(|&byte| class[usize::from(byte)])?;
        let mut state = Shape::START;
        for length in 1..=shape.max_len {
            let row = shape.row(state);
            let next = shape.step(state, any);
            let alike = row.iter().all(|&to| to == DEAD || to == next) && holds(state) == *class;
            if !alike || shape.accepts(next) != (length >= shape.min_len) {
                return None;
            }
            state = next;
        }
        let over = shape.row(state).iter().all(|&to| to == DEAD);
        over.then_some(Repeat { class, min: shape.min_len, max: shape.max_len })
    }

    /// The same as the automaton's ends from `at` on; `known` is kept from place to place of one text.
    #[inline]
    pub(super) fn ends<'m>(&'m self, text: &[u8], at: usize, known: &mut Stretch<'m>) -> Ends {
        let goes_on =
            known.of.is_some_and(|of| std::ptr::eq(of, self)) && (known.from..=known.to).contains(&at);
        if !goes_on {
            *known = Stretch { of: Some(self), from: at, to: at };
        }
        let last = text.len().min(at + self.max);
        let unread = text.get(known.to..last).unwrap_or_default();
        known.to += unread.iter().take_while(|&&byte| self.class[usize::from(byte)]).count();
        Ends::between(self.min, (known.to - at).min(self.max))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_one_class_repeated_is_a_repeat() {
        let is = |pattern: &str| Repeat::of(&Shape::compile(pattern).unwrap()).is_some();
        for pattern in ["[a-z]", "[a-z]{3}", "[a-z0-9=]{2,9}", "a{5}", "[a-c][a-c]{0,4}"] {
            assert!(is(pattern), "{pattern}");
        }
        for pattern in ["[a-z]{2,3}=?", "[a-z][a-z0-9]{3}", "ab", "[ab]{1,2}|[ab]{5}", "(?:[ab]{2}){1,3}"] {
            assert!(!is(pattern), "{pattern}");
        }
    }

    proptest! {
        #[test]
        fn ends_are_those_of_the_automaton(
            text in "[abx]{0,120}", places in proptest::collection::vec((0usize..120, any::<bool>()), 1..20),
        ) {
            let shapes = ["[ab]{3,70}", "[bx]{1,4}"].map(|pattern| Shape::compile(pattern).unwrap());
            let repeats = [0, 1].map(|i| Repeat::of(&shapes[i]).unwrap());
            let mut known = Stretch::default();
            for (at, which) in places {
                let (at, which) = (at.min(text.len()), usize::from(which));
                let text = text.as_bytes();
                let (mut wanted, mut found) =
                    (shapes[which].run(&text[at..]), repeats[which].ends(text, at, &mut known));
                let all = |ends: &mut Ends| std::iter::from_fn(|| ends.pop_longest()).collect::<Vec<_>>();
                prop_assert_eq!(all(&mut wanted), all(&mut found));
            }
        }
    }
}
