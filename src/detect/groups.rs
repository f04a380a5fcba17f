//! Groups of digits in a run, read eight bytes at a time.

use super::anchor::GROUP_LEN;
use super::eight;

/// What is known of a run from the beginning of a group on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ahead {
    /// Digits of that group, and of the one behind it as far as such lengths are told apart.
    pub group: usize,
    pub next: usize,
    /// A bit for each digit behind the group and its separator.
    pub rest: u64,
    /// Bytes from the beginning of the group on of which that is told; more than any run has where it is all of them.
    pub shown: usize,
}

impl Ahead {
    /// Of a run of any length.
    pub(super) fn of(run: &[u8]) -> Ahead {
        let digits = digits(run);
        let group = digits.trailing_ones() as usize;
        let rest = digits.checked_shr(group as u32 + 1).unwrap_or(0);
        let next = rest.trailing_ones() as usize;
        if run.len() <= 64 {
            return Ahead { group, next, rest, shown: usize::MAX };
        }
        if group + 1 + next < 64 {
            return Ahead { group, next, rest, shown: 64 };
        }
        let group = leading_digits(run);
        let behind = run.get(group + 1..).unwrap_or_default();
        let next = leading_digits(&behind[..behind.len().min(GROUP_LEN)]);
        Ahead { group, next, rest: 0, shown: 0 }
    }

    /// Whether the two groups may be longer than what is shown.
    #[inline(always)]
    pub(super) const fn is_over(group: usize, next: usize, shown: usize) -> bool {
        group + 1 + next >= shown
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
            let mut at = 0;
            for (nth, &length) in groups.iter().enumerate() {
                let next = groups.get(nth + 1).copied().unwrap_or(0);
                let ahead = Ahead::of(&run.as_bytes()[at..]);
                prop_assert_eq!(ahead.group, length);
                prop_assert_eq!(ahead.next.min(GROUP_LEN), next.min(GROUP_LEN));
                prop_assert_eq!(leading_digits(&run.as_bytes()[at..]), length);
                prop_assert_eq!(count(&run.as_bytes()[at..]), groups[nth..].iter().sum::<usize>());
                at += length + 1;
            }
        }
    }
}
