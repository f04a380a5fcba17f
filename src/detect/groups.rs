//! Groups of digits in a run, read eight bytes at a time.

use super::anchor::GROUP_LEN;
use super::eight;

/// The groups of a run from one on, of which no more is known than a window of 64 bytes shows.
#[derive(Debug)]
pub(super) struct Groups<'t> {
    run: &'t [u8],
    /// A bit for each digit from `from` on.
    window: u64,
    from: usize,
}

impl<'t> Groups<'t> {
    pub(super) fn new(run: &'t [u8]) -> Groups<'t> {
        Groups { run, window: digits(run), from: 0 }
    }

    /// Length of the group that begins at `at`, which moves forwards alone, and of the one behind it, if any, which is
    /// counted as far as groups are told apart.
    #[inline(always)]
    pub(super) fn at(&mut self, at: usize) -> (usize, usize) {
        for _ in 0..2 {
            let rest = self.window.checked_shr((at - self.from) as u32).unwrap_or(0);
            let group = rest.trailing_ones() as usize;
            let next = rest.checked_shr(group as u32 + 1).unwrap_or(0).trailing_ones() as usize;
            if at - self.from + group + next + 1 < 64 || self.from + 64 >= self.run.len() {
                return (group, next);
            }
            self.from = at;
            self.window = digits(self.run.get(at..).unwrap_or_default());
        }
        let group = leading_digits(self.run.get(at..).unwrap_or_default());
        let behind = self.run.get(at + group + 1..).unwrap_or_default();
        (group, leading_digits(&behind[..behind.len().min(GROUP_LEN)]))
    }
}

/// A bit for each digit among the first 64 bytes.
pub(super) fn digits(text: &[u8]) -> u64 {
    let (eights, rest) = text[..text.len().min(64)].as_chunks::<8>();
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    let eights = eights.iter().chain((!rest.is_empty()).then_some(&last));
    eights.zip((0..64).step_by(8)).fold(0, |all, (bytes, place)| all | eight::digits(*bytes) << place)
}

/// How many digits a text holds.
pub(super) fn count(text: &[u8]) -> usize {
    text.chunks(64).map(|piece| digits(piece).count_ones() as usize).sum()
}

/// How many digits a text begins with.
pub(super) fn leading_digits(text: &[u8]) -> usize {
    let mut count = 0;
    while let Some(bytes) = text[count..].first_chunk() {
        let here = eight::digits(*bytes).trailing_ones() as usize;
        count += here;
        if here < bytes.len() {
            return count;
        }
    }
    count + text[count..].iter().take_while(|byte| byte.is_ascii_digit()).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn groups_are_as_long_as_a_look_at_each_byte_tells(
            groups in proptest::collection::vec(prop_oneof![9 => 1usize..9, 1 => 1usize..140], 1..30),
        ) {
            let run: Vec<String> = groups.iter().map(|&length| "7".repeat(length)).collect();
            let run = run.join("-");
            let (mut read, mut at) = (Groups::new(run.as_bytes()), 0);
            for (nth, &length) in groups.iter().enumerate() {
                let next = groups.get(nth + 1).copied().unwrap_or(0);
                let (group, behind) = read.at(at);
                prop_assert_eq!(group, length);
                prop_assert_eq!(behind.min(GROUP_LEN), next.min(GROUP_LEN));
                prop_assert_eq!(leading_digits(&run.as_bytes()[at..]), length);
                prop_assert_eq!(count(&run.as_bytes()[at..]), groups[nth..].iter().sum::<usize>());
                at += group + 1;
            }
        }
    }
}
