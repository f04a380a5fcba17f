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
    /// Of a run of which it is told for each of its first 64 bytes whether it is a digit, and whether it is longer.
    #[inline(always)]
    pub(super) fn shown(digits: u64, is_long: bool) -> Ahead {
        let group = digits.trailing_ones() as usize;
        // One separator, then the next group.
        let rest = digits.checked_shr(group as u32 + 1).unwrap_or(0);
        let next = rest.trailing_ones() as usize;
        Ahead { group, next, rest, shown: if is_long { 64 } else { usize::MAX } }
    }

    /// Of a run of any length.
    pub(super) fn of(run: &[u8]) -> Ahead {
        let ahead = Ahead::shown(digits(run), run.len() > 64);
        if !ahead.is_over() {
            return ahead;
        }
        let group = leading_digits(run);
        let behind = run.get(group + 1..).unwrap_or_default();
        let next = leading_digits(&behind[..behind.len().min(GROUP_LEN)]);
        Ahead { group, next, rest: 0, shown: 0 }
    }

    /// Whether the two groups may be longer than what is shown.
    #[inline(always)]
    pub(super) const fn is_over(&self) -> bool {
        self.group + 1 + self.next >= self.shown
    }

    /// The same from the next group on.
    #[inline(always)]
    pub(super) fn behind(&self) -> Ahead {
        let rest = self.rest.checked_shr(self.next as u32 + 1).unwrap_or(0);
        let (group, next) = (self.next, rest.trailing_ones() as usize);
        Ahead { group, next, rest, shown: self.shown.saturating_sub(self.group + 1) }
    }

    /// Digits of the third group, where all of it is shown and there is one.
    #[inline(always)]
    pub(super) fn third(&self) -> Option<usize> {
        let behind = self.behind();
        (behind.next > 0 && !behind.is_over()).then_some(behind.next)
    }
}

/// A bit for each digit among the first 64 bytes.
pub(super) fn digits(text: &[u8]) -> u64 {
    bits(text, eight::digits)
}

/// A bit for each of the first 64 bytes, as it is told of eight.
#[inline(always)]
fn bits(text: &[u8], of: impl Fn([u8; 8]) -> u64) -> u64 {
    let mut last = [0; 64];
    let bytes = text.first_chunk().unwrap_or_else(|| {
        last[..text.len()].copy_from_slice(text);
        &last
    });
    let mut all = 0;
    for (eight, place) in bytes.as_chunks::<8>().0.iter().zip((0..64).step_by(8)) {
        all |= of(*eight) << place;
    }
    all
}

/// How long the run is, digits with single separators between them, that a text begins with, where it begins with a digit.
#[inline(never)]
pub(super) fn run(text: &[u8]) -> usize {
    let mut known = 0;
    loop {
        let rest = &text[known..];
        let (digits, separators) = (bits(rest, eight::digits), bits(rest, eight::separators));
        let run = digits | separators & digits << 1 & digits >> 1;
        let length = run.trailing_ones() as usize;
        // The last bit says nothing of what lies behind it: a digit before it is looked at again.
        if length < 63 {
            return known + length;
        }
        known += 62 - usize::from(digits >> 62 & 1 == 0);
    }
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
                for behind in ["", "-", " x", "--7", ".7/8 "] {
                    let more = if behind.starts_with(".7") { 4 } else { 0 };
                    let text = run[at..].to_owned() + behind;
                    prop_assert_eq!(super::run(text.as_bytes()), run.len() - at + more);
                }
                prop_assert_eq!(count(&run.as_bytes()[at..]), groups[nth..].iter().sum::<usize>());
                at += length + 1;
            }
        }
    }
}
