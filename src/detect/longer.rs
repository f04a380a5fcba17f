//! Groups of digits in a longer row of them, and numbers that one sign joins: points of a drawing, columns of figures, ids of two
//! parts. What is cut out of such a thing passes its checks by chance.

use std::ops::Range;

use super::Confidence;
use super::compiled::Compiled;
use super::shape::Shape;

/// Longest group of a row.
const GROUP: usize = 6;

/// So many groups before a value make it a part of a row; fewer may be a year or the number of a line.
const BEFORE: usize = 3;

impl Compiled {
    /// How sure groups of digits are that no word speaks for, by what goes on with their sign in their line: `tail` may stand
    /// behind them, as an expiry date does, and others that pass as they do.
    pub(super) fn in_longer(
        &self,
        text: &[u8],
        value: &Range<usize>,
        tail: &Shape,
        unaided: Confidence,
    ) -> Confidence {
        let own = &text[value.clone()];
        let Some(&sign) = own.iter().find(|byte| !byte.is_ascii_digit()) else { return unaided };
        let is_row = |byte: &u8| byte.is_ascii_digit() || *byte == sign;
        if !matches!(sign, b' ' | b'-') || !own.iter().all(is_row) {
            return unaided;
        }
        if sign == b'-' && is_drawn(text, value) {
            return Confidence::Low;
        }
        let groups = own.iter().filter(|byte| **byte == sign).count() + 1;
        let behind = value.end + tail_of(tail, &text[value.end..]);
        let (before, after) = (groups_before(text, value.start, sign), groups_after(text, behind, sign));
        let is_like = |places: &[Range<usize>]| match (places.first(), places.last()) {
            (Some(first), Some(last)) if places.len() == groups => {
                let (start, end) = (first.start.min(last.start), first.end.max(last.end));
                self.passes(&text[start..end])
            }
            _ => false,
        };
        // The next one may have something glued to its end.
        let next = text.get(value.end + 1..value.end + 1 + own.len());
        if text.get(value.end) == Some(&sign) && next.is_some_and(|next| self.passes(next)) {
            return unaided;
        }
        let all = groups_after(text, value.end, sign);
        if [&before, &all].into_iter().any(|side| side.get(..groups).is_some_and(is_like)) {
            return unaided;
        }
        let is_joined = sign == b'-' && !before.is_empty();
        match (before.len(), after.as_slice()) {
            (BEFORE.., _) => Confidence::Low,
            _ if is_joined => Confidence::Low,
            (_, []) => unaided,
            // Words go on behind one number: `… 50 euros`.
            (0, [one]) if is_before_word(text, one.end) => unaided.lowered(),
            _ => Confidence::Low,
        }
    }

    /// Whether a `_` joins a value to a number of its length that passes no check.
    pub(super) fn is_joined(&self, text: &[u8], value: &Range<usize>) -> bool {
        let is_other = |other: &[u8]| other.len() == value.len() && !self.passes(other);
        let reach = value.len() + 1;
        let behind = text[value.end..].strip_prefix(b"_").map(|rest| {
            let digits = rest.iter().take(reach).take_while(|byte| byte.is_ascii_digit()).count();
            &rest[..digits]
        });
        let before = text[..value.start].strip_suffix(b"_").map(|rest| {
            let digits = rest.iter().rev().take(reach).take_while(|byte| byte.is_ascii_digit()).count();
            &rest[rest.len() - digits..]
        });
        behind.into_iter().chain(before).any(is_other)
    }
}

/// Whether commands of a path stand around a value, as in `l7171-2339-8395-9120z`.
fn is_drawn(text: &[u8], value: &Range<usize>) -> bool {
    let is_command = |byte: Option<&u8>| {
        byte.is_some_and(|byte| {
            matches!(
                byte.to_ascii_lowercase(),
                b'a' | b'c' | b'h' | b'l' | b'm' | b'q' | b's' | b't' | b'v' | b'z'
            )
        })
    };
    let before = value.start.checked_sub(1).and_then(|at| text.get(at));
    is_command(before) && is_command(text.get(value.end))
}

/// How much of `tail` stands before the end of a number.
fn tail_of(tail: &Shape, text: &[u8]) -> usize {
    let mut ends = tail.run(text);
    let is_whole = |length: &usize| !text.get(*length).is_some_and(u8::is_ascii_digit);
    std::iter::from_fn(|| ends.pop_longest()).find(is_whole).unwrap_or(0)
}

/// Whether the text goes on in words.
fn is_before_word(text: &[u8], at: usize) -> bool {
    let mut behind = text[at..].iter().skip_while(|byte| matches!(byte, b' ' | b','));
    behind.next().is_some_and(|byte| byte.is_ascii_alphabetic() || !byte.is_ascii())
}

/// The groups that go on behind `at`, as many as are looked at. One that goes on with another sign is a date or a sum.
fn groups_after(text: &[u8], at: usize, sign: u8) -> Vec<Range<usize>> {
    let (mut groups, mut at) = (Vec::new(), at);
    while groups.len() < LOOKED && text.get(at) == Some(&sign) {
        let start = at + 1;
        let digits = text[start..].iter().take(GROUP + 1).take_while(|byte| byte.is_ascii_digit()).count();
        let end = start + digits;
        let goes_on = matches!(text.get(end..), Some([b'.' | b',' | b'/' | b':' | b'-', next, ..])
            if next.is_ascii_digit() && text[end] != sign);
        let is_glued = sign == b' ' && text.get(end).is_some_and(u8::is_ascii_alphabetic);
        if !(1..=GROUP).contains(&digits) || goes_on || is_glued {
            break;
        }
        groups.push(start..end);
        at = end;
    }
    groups
}

/// Groups of either side that are looked at: those of another value.
const LOOKED: usize = 5;

/// The same before `at`, the nearest first.
fn groups_before(text: &[u8], at: usize, sign: u8) -> Vec<Range<usize>> {
    let (mut groups, mut at) = (Vec::new(), at);
    while groups.len() < LOOKED {
        let Some(end) = at.checked_sub(1).filter(|&end| text[end] == sign) else { break };
        let digits =
            text[..end].iter().rev().take(GROUP + 1).take_while(|byte| byte.is_ascii_digit()).count();
        let start = end - digits;
        let is_glued = start > 0 && sign == b' ' && !text[start - 1].is_ascii_whitespace();
        if !(1..=GROUP).contains(&digits) || is_glued {
            break;
        }
        groups.push(start..end);
        at = start;
    }
    groups
}
