//! What groups of digits, and what joins them, lead to in one automaton.

use super::anchor::{GROUP_LEN, SEPARATOR_BYTES};
use super::gate::{GROUPS, SEPARATORS};
use super::shape::{DEAD, Shape};

pub(super) const DIGITS: std::ops::RangeInclusive<u8> = b'0'..=b'9';

/// States that one of some digits leads to.
pub(super) fn after_digit(
    shape: &Shape,
    states: &[u16],
    digits: impl Iterator<Item = u8> + Clone,
) -> Vec<u16> {
    let steps = states.iter().flat_map(|&state| digits.clone().map(move |digit| shape.step(state, digit)));
    let mut next: Vec<u16> = steps.filter(|&to| to != DEAD).collect();
    next.sort_unstable();
    next.dedup();
    next
}

/// For each number of so many digits whether the digits lead anywhere from `states`; digits of one class are one.
pub(super) fn numbers(shape: &Shape, states: &[u16], digits: usize) -> Vec<bool> {
    if digits == 0 || states.is_empty() {
        return vec![!states.is_empty(); 10usize.pow(digits as u32)];
    }
    if digits == 1 {
        let leads = |digit| states.iter().any(|&state| shape.step(state, digit) != DEAD);
        return DIGITS.map(leads).collect();
    }
    let mut known: Vec<(usize, Vec<bool>)> = Vec::new();
    let mut all = Vec::with_capacity(10usize.pow(digits as u32));
    for digit in DIGITS {
        let class = shape.class_of(digit);
        match known.iter().find(|(other, _)| *other == class) {
            Some((_, possible)) => all.extend_from_slice(possible),
            None => {
                let next = after_digit(shape, states, std::iter::once(digit));
                let possible = numbers(shape, &next, digits - 1);
                all.extend_from_slice(&possible);
                known.push((class, possible));
            }
        }
    }
    all
}

/// For each separator and length of the group behind so many groups, whether a match can go on with them, or is over before
/// them where they are not the second. Without such a group nothing is known.
pub(super) fn groups_behind(shape: &Shape, groups: usize) -> [[bool; GROUPS]; SEPARATORS] {
    let mut table = [[false; GROUPS]; SEPARATORS];
    let others = shape.classes_of(|byte| !byte.is_ascii_digit());
    let over = |state: u16| {
        let row = shape.row(state);
        shape.accepts(state) || others.iter().any(|&class| row[class] != DEAD)
    };
    let mut known = after_digits(shape, vec![Shape::START]);
    for _ in 1..groups {
        let steps = known.iter().flat_map(|&state| SEPARATOR_BYTES.map(|b| shape.step(state, b)));
        known = after_digits(shape, steps.filter(|&to| to != DEAD).collect());
        if known.iter().any(|&state| shape.accepts(state)) {
            return [[true; GROUPS]; SEPARATORS];
        }
    }
    for separator in SEPARATOR_BYTES {
        let row = &mut table[usize::from(separator) & (SEPARATORS - 1)];
        row[0] = true;
        let behind = known.iter().map(|&state| shape.step(state, separator));
        let mut states: Vec<u16> = behind.filter(|&to| to != DEAD).collect();
        if states.iter().any(|&state| shape.accepts(state)) {
            *row = [true; GROUPS];
        }
        for length in 1..=shape.max_len {
            states = after_digit(shape, &states, DIGITS);
            if states.is_empty() {
                break;
            }
            row[length.min(GROUP_LEN)] |= states.iter().any(|&state| over(state));
        }
    }
    table
}

/// States that one digit or more leads to.
fn after_digits(shape: &Shape, mut states: Vec<u16>) -> Vec<u16> {
    let mut all = Vec::new();
    while !states.is_empty() {
        states = after_digit(shape, &states, DIGITS);
        all.extend_from_slice(&states);
    }
    all.sort_unstable();
    all.dedup();
    all
}
