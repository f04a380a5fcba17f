//! A number in a list of others: coordinates, constants, samples and vectors, some of which are cards by chance.

use std::ops::Range;

use super::compiled::Compiled;
use crate::limits;

/// Digits by which the numbers of one list differ at most.
const ALIKE: usize = 2;

impl Compiled {
    /// Whether a value of digits alone stands among so many other numbers of about its length that the pack takes them for a
    /// list, none of which passes its validators. Letters and signs of naming end a list.
    pub(super) fn is_crowded(&self, text: &[u8], value: &Range<usize>) -> bool {
        let Some(crowd) = self.crowd else { return false };
        if !text[value.clone()].iter().all(u8::is_ascii_digit) {
            return false;
        }
        let is_like = |number: &Range<usize>| value.len().abs_diff(number.len()) <= ALIKE;
        let mut others = 0;
        for number in before(text, value.start).chain(after(text, value.end)).filter(is_like) {
            if self.validators.iter().all(|check| (check.passes)(&text[number.clone()])) {
                return false;
            }
            others += 1;
        }
        others >= crowd
    }
}

/// What stands between the numbers of a list.
fn parts(byte: u8) -> bool {
    matches!(
        byte,
        b' ' | b'\t'
            | b'\r'
            | b'\n'
            | b','
            | b';'
            | b'('
            | b')'
            | b'['
            | b']'
            | b'{'
            | b'}'
            | b'"'
            | b'\''
            | b'|'
    )
}

/// The numbers of the list that ends at `end`, last first, as far as they are read whole.
fn before(text: &[u8], end: usize) -> impl Iterator<Item = Range<usize>> {
    let least = end.saturating_sub(limits::CROWD_REACH);
    let mut at = end;
    std::iter::from_fn(move || {
        let list = &text[least..at];
        let end = list.iter().rposition(|&byte| !parts(byte))? + 1;
        let start = list[..end].iter().rposition(|byte| !byte.is_ascii_digit()).map_or(0, |other| other + 1);
        // It may have begun further off.
        let whole = start > 0 && parts(list[start - 1]) || start == 0 && least == 0;
        (start < end && end < list.len() && whole).then(|| {
            at = least + start;
            at..least + end
        })
    })
}

/// The numbers of the list that goes on at `start`.
fn after(text: &[u8], start: usize) -> impl Iterator<Item = Range<usize>> {
    let most = text.len().min(start + limits::CROWD_REACH);
    let mut at = start;
    std::iter::from_fn(move || {
        let list = &text[at..most];
        let start = list.iter().position(|&byte| !parts(byte))?;
        let length = list[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let whole = match list.get(start + length) {
            Some(&byte) => parts(byte),
            None => most == text.len(),
        };
        (start > 0 && length > 0 && whole).then(|| {
            let number = at + start..at + start + length;
            at = number.end;
            number
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_of_a_list_are_those_that_nothing_but_signs_part() {
        let cases = [
            ("[12, 345,@, 6789]", vec!["345", "12"], vec!["6789"]),
            ("(1), (\"22\",\n  '@'), (333)", vec!["22", "1"], vec!["333"]),
            // A name, a letter, a sign of naming, a fraction end it.
            ("1, a: 2, @, 3, b, 4", vec!["2"], vec!["3"]),
            ("1, 2a, @, 3b, 4", vec![], vec![]),
            ("1=@, 3.5, 4", vec![], vec![]),
            ("@", vec![], vec![]),
        ];
        for (around, left, right) in cases {
            let text = around.replace('@', "99999");
            let at = text.find("99999").unwrap();
            let read = |ranges: Vec<Range<usize>>| ranges.into_iter().map(|r| &text[r]).collect::<Vec<_>>();
            assert_eq!(read(before(text.as_bytes(), at).collect()), left, "{around}");
            assert_eq!(read(after(text.as_bytes(), at + 5).collect()), right, "{around}");
        }
        // A number that is cut where reading ends is none.
        let text =
            format!("{} 99999 {}", "1".repeat(limits::CROWD_REACH + 3), "2".repeat(limits::CROWD_REACH + 3));
        let at = limits::CROWD_REACH + 4;
        assert_eq!(before(text.as_bytes(), at).count(), 0);
        assert_eq!(after(text.as_bytes(), at + 5).count(), 0);
    }
}
