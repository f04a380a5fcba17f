//! A number in a list of others, and groups of digits in a table: coordinates, constants, samples, lines and characters, some
//! of which are cards by chance.

use std::ops::Range;

use super::Confidence;
use super::compiled::Compiled;
use super::pack::Tier;
use super::{grid, noise};
use crate::limits;

/// Digits by which the numbers of one list differ at most.
pub(super) const ALIKE: usize = 2;

/// Numbers before one that are judged, at most, of what is read: more of them hold one that passes by chance.
const NEAREST: usize = 7;

/// Where so many fail one may pass by chance, as one in forty does; so many of those before are judged then.
const CHANCE: usize = 12;
const MORE: usize = 14;

/// What part of the others of a table holds letters or a minus, at least: one in so many.
const LETTERED: usize = 4;

/// Digits of the groups that cards are mostly written in.
const GROUP: usize = 4;

/// By what the numbers of a part of an index differ at most.
const INDEX: u32 = 1000;

/// Digits of what counts up in an index.
const PLACES: std::ops::RangeInclusive<usize> = 3..=5;

/// How many numbers of an index count up, at least; one card in a hundred thousand stands in five that do.
const COUNTED: usize = 5;

/// Numbers of a row that rises, at least: eight do by chance in one of forty thousand.
const RISING: usize = 8;

/// Points, at least, that lines between them name twice.
const POINTS: usize = 3;

impl Compiled {
    /// How sure a value is that no word speaks for and that is `unaided` by its form: low under a name or in a column of what
    /// it is by chance, one step less as a number of digits alone in a list of others
    /// or near many under any names, low as groups of digits in a table of
    /// hexadecimal or negative ones or of whole numbers without another, low in noise; and where what directly surrounds it,
    /// a row that goes on or a number joined to it says so.
    pub(super) fn in_crowd(&self, text: &[u8], value: &Range<usize>, unaided: Confidence) -> Confidence {
        if unaided == Confidence::Low || self.is_low_beside(text, value) {
            return Confidence::Low;
        }
        let unaided = match &self.longer {
            Some(tail) => self.in_longer(text, value, tail, unaided),
            None => unaided,
        };
        let Some(crowd) = self.crowd.filter(|_| unaided > Confidence::Low) else { return unaided };
        if self.passes_by_chance(text, value, crowd) {
            return Confidence::Low;
        }
        // What a strong form proves no signs beside it take back.
        if self.tier != Tier::Strong && noise::is_around(text, value) {
            return Confidence::Low;
        }
        let of = |is_one: fn(&u8) -> bool| text[value.clone()].iter().all(is_one);
        if of(u8::is_ascii_digit) {
            if self.is_joined(text, value) {
                return Confidence::Low;
            }
            let is_crowded = unaided == Confidence::Medium
                && (self.is_listed(text, value, crowd) || self.is_scattered(text, value, crowd));
            return if is_crowded { unaided.lowered() } else { unaided };
        }
        let is_grouped = of(|byte| byte.is_ascii_digit() || *byte == b' ');
        let is_by_chance = || {
            self.is_in_table(text, value, crowd) || grid::is_by_chance(text, value, |four| self.passes(four))
        };
        if is_grouped && is_by_chance() { Confidence::Low } else { unaided }
    }

    /// Whether a value of digits alone stands among so many other numbers of about its length that the pack takes them for a
    /// list, none of which passes its validators, or one of many, which stands in another column. Letters and signs of naming
    /// end a list, unless they are a call or a type around the numbers.
    fn is_listed(&self, text: &[u8], value: &Range<usize>, crowd: usize) -> bool {
        let is_like = |number: &Range<usize>| value.len().abs_diff(number.len()) <= ALIKE;
        let (mut passed, mut failed) = (0, 0);
        // Two that pass are no chance, whatever else there is.
        let mut judge = |number: Range<usize>| {
            *(if self.passes(&text[number]) { &mut passed } else { &mut failed }) += 1;
            passed
        };
        if after(text, value.end).filter(is_like).any(|number| judge(number) > 1) {
            return false;
        }
        for (nth, number) in before(text, value.start).filter(is_like).take(MORE).enumerate() {
            match judge(number) {
                0 if nth + 1 >= NEAREST => break,
                0 | 1 => {}
                _ => return false,
            }
        }
        failed >= crowd && (passed == 0 || failed >= CHANCE && !self.has_siblings(text, value))
    }

    /// Whether groups of digits stand among so many other groups of hexadecimal ones that the pack takes them for a table:
    /// many hold letters or lie below nought, and as many of the others as the value has make no value. Or in an index, in
    /// which every second number counts up, in lines between points, or in a row that rises.
    fn is_in_table(&self, text: &[u8], value: &Range<usize>, crowd: usize) -> bool {
        let mut sides = [cells_before(text, value.start), cells_after(text, value.end)];
        let cells = || sides.iter().flatten().map(|cell| &text[cell.clone()]);
        let lettered = |cell: &&[u8]| {
            cell.iter().any(u8::is_ascii_digit) && cell.iter().any(|byte| !byte.is_ascii_digit())
        };
        let (others, lettered) = (cells().count(), cells().filter(lettered).count());
        sides[0].reverse();
        let groups: Vec<_> = text[value.clone()].split(|&byte| byte == b' ').collect();
        let [before, after] = &sides;
        let beside =
            |cells: &[Range<usize>]| cells.iter().map(|cell| &text[cell.clone()]).collect::<Vec<_>>();
        let (nearest, next) = (beside(before), beside(after));
        if counts_up(&nearest, &groups, &next)
            || joins_points(&nearest, &groups, &next)
            || rises(&nearest, &groups, &next)
        {
            return true;
        }
        if others < crowd || lettered * LETTERED < others {
            return false;
        }
        let holds = |cells: &[Range<usize>]| {
            let whole = cells.first().zip(cells.last()).map(|(first, last)| &text[first.start..last.end]);
            whole.is_some_and(|whole| {
                whole.iter().all(|&byte| byte.is_ascii_digit() || byte == b' ') && self.passes(whole)
            })
        };
        !sides.iter().any(|cells| cells.windows(groups.len()).any(holds))
    }

    pub(super) fn passes(&self, value: &[u8]) -> bool {
        self.validators.iter().all(|check| (check.passes)(value))
    }
}

/// Whether every second group counts up, of a value and of up to four groups before and behind it.
fn counts_up(before: &[&[u8]], groups: &[&[u8]], after: &[&[u8]]) -> bool {
    const BESIDE: usize = 4;
    let before = &before[before.len().saturating_sub(BESIDE)..];
    let row = || before.iter().chain(groups).chain(after.iter().take(BESIDE));
    let number = |cell: &&[u8]| {
        let is_number =
            PLACES.contains(&cell.len()) && cell[0] != b'0' && cell.iter().all(u8::is_ascii_digit);
        is_number.then(|| cell.iter().fold(0, |number, byte| number * 10 + u32::from(byte & 15)))
    };
    (0..2).any(|first| {
        let numbers: Option<Vec<u32>> = row().skip(first).step_by(2).map(number).collect();
        numbers.is_some_and(|numbers| {
            numbers.len() >= COUNTED
                && numbers.windows(2).all(|pair| pair[0] < pair[1])
                && numbers[numbers.len() - 1] - numbers[0] <= INDEX
        })
    })
}

/// Whether a value and the groups right beside it are a row in which each number is above the last, as sums are that go on.
fn rises(before: &[&[u8]], groups: &[&[u8]], after: &[&[u8]]) -> bool {
    let number = |cell: &&[u8]| {
        let is_number =
            (1..=CELL).contains(&cell.len()) && cell[0] != b'0' && cell.iter().all(u8::is_ascii_digit);
        is_number.then(|| cell.iter().fold(0, |number, byte| number * 10 + u32::from(byte & 15)))
    };
    let row: Vec<Option<u32>> = before.iter().chain(groups).chain(after).map(number).collect();
    let is_risen = |pair: &&[Option<u32>]| pair[0].is_some() && pair[0] < pair[1];
    // The first and the last of the value, and what rises to the one and on from the other.
    let (first, last) = (before.len(), before.len() + groups.len() - 1);
    let own = row[first..=last].windows(2).filter(is_risen).count();
    let below = row[..=first].windows(2).rev().take_while(is_risen).count();
    let above = row[last..].windows(2).take_while(is_risen).count();
    own + 1 == groups.len() && below + groups.len() + above >= RISING
}

/// Whether lines between points are written, each point as the end of one and the beginning of the next: groups beside and
/// among those of a value that are twice the same, one of them its own. None begins with a nought, as digits that fill
/// something do.
fn joins_points(before: &[&[u8]], groups: &[&[u8]], after: &[&[u8]]) -> bool {
    const BESIDE: usize = 6;
    let before = &before[before.len().saturating_sub(BESIDE)..];
    let row: Vec<&[u8]> = before.iter().chain(groups).chain(after.iter().take(BESIDE)).copied().collect();
    let own = before.len()..before.len() + groups.len();
    let (mut seen, mut is_own): (Vec<&[u8]>, bool) = (Vec::new(), false);
    for (at, pair) in row.windows(2).enumerate() {
        let is_point = pair[0] == pair[1] && pair[0].len() >= GROUP - 1 && pair[0][0] != b'0';
        if is_point && !seen.contains(&pair[0]) {
            seen.push(pair[0]);
            is_own |= own.contains(&at) || own.contains(&(at + 1));
        }
    }
    is_own && seen.len() >= POINTS
}

/// Longest group of a table.
const CELL: usize = 6;

/// The groups of hexadecimal digits, perhaps below nought, that blanks alone part from what begins at `at`, the nearest
/// first.
fn cells_before(text: &[u8], at: usize) -> Vec<Range<usize>> {
    let least = at.saturating_sub(limits::CROWD_REACH);
    let (mut cells, mut at) = (Vec::new(), at);
    loop {
        let blanks = text[least..at].iter().rev().take_while(|byte| byte.is_ascii_whitespace()).count();
        let end = at - blanks;
        let length = text[least..end].iter().rev().take_while(|byte| byte.is_ascii_hexdigit()).count();
        let digits = end - length;
        let start = digits - usize::from(text[least..digits].ends_with(b"-"));
        // It may have begun further off, or be a part of something else.
        let is_whole = if start == least { least == 0 } else { text[start - 1].is_ascii_whitespace() };
        if blanks == 0 || length == 0 || length > CELL || !is_whole {
            return cells;
        }
        cells.push(start..end);
        at = start;
    }
}

/// The same behind `at`.
fn cells_after(text: &[u8], at: usize) -> Vec<Range<usize>> {
    let most = text.len().min(at + limits::CROWD_REACH);
    let (mut cells, mut at) = (Vec::new(), at);
    loop {
        let blanks = text[at..most].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        let start = at + blanks;
        let digits = start + usize::from(text[start..most].starts_with(b"-"));
        let length = text[digits..most].iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        let end = digits + length;
        let is_whole = if end == most { most == text.len() } else { text[end].is_ascii_whitespace() };
        if blanks == 0 || length == 0 || length > CELL || !is_whole {
            return cells;
        }
        cells.push(start..end);
        at = end;
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

fn opens(byte: Option<&u8>) -> bool {
    matches!(byte, Some(b'(' | b'[' | b'{'))
}

/// Whether the name of a call or a type can hold a byte, as in `u64x4::new(`.
fn is_path(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':')
}

/// Where what parts the numbers of a list begins, which goes up to its end.
fn opened(list: &[u8]) -> Option<usize> {
    let mut end = list.len();
    loop {
        end = list[..end].iter().rposition(|&byte| !parts(byte))? + 1;
        let path = list[..end].iter().rev().take_while(|byte| is_path(byte)).count();
        let start = end - path;
        if !opens(list.get(end))
            || list[..end].ends_with(b":")
            || !list.get(start).is_some_and(u8::is_ascii_alphabetic)
        {
            return Some(end);
        }
        end = start;
        // The field that it is.
        if let Some(field) = list[..start].strip_suffix(b": ") {
            let name = field.iter().rev().take_while(|byte| is_path(byte)).count();
            end = field.len() - name;
        }
        if end > 0 && !parts(list[end - 1]) {
            return None;
        }
    }
}

/// Where what parts the numbers of a list ends, which it begins with.
fn opening(list: &[u8]) -> Option<usize> {
    let mut start = 0;
    loop {
        start += list[start..].iter().position(|&byte| !parts(byte))?;
        if start == 0 || !list[start].is_ascii_alphabetic() {
            return Some(start);
        }
        let path = |from: usize| from + list[from..].iter().take_while(|byte| is_path(byte)).count();
        let mut end = path(start);
        if list[..end].ends_with(b":") && list.get(end) == Some(&b' ') {
            end = path(end + 1);
        }
        // What a sign of naming stands before has a name.
        if !opens(list.get(end)) || matches!(list[end - 1], b':' | b' ') {
            return None;
        }
        start = end;
    }
}

/// The numbers of the list that ends at `end`, last first, as far as they are read whole.
fn before(text: &[u8], end: usize) -> impl Iterator<Item = Range<usize>> {
    let least = end.saturating_sub(limits::TABLE_REACH);
    let mut at = end;
    std::iter::from_fn(move || {
        let list = &text[least..at];
        let end = opened(list)?;
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
        let start = opening(list)?;
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

    fn groups(text: &str) -> Vec<&[u8]> {
        text.split_ascii_whitespace().map(str::as_bytes).collect()
    }

    #[test]
    fn every_second_number_of_an_index_counts_up() {
        let counted = |before, value, after| counts_up(&groups(before), &groups(value), &groups(after));
        assert!(counted("1114 2884 1116 1860 1123", "4539 1124 1006 1126", "4672 1130 2756"));
        assert!(counted("1120 7", "1124 4539 1126 1006", "1127 9 1128 3"));
        assert!(counted("4848 279 4849 416", "4855 557 2350 697", "4854 734 1405 775"));
        // One is out of order, one too far, one begins with a nought, and too few.
        assert!(!counted("1116 1860 1123", "4539 1124 1006 1126", "4672 1125"));
        assert!(!counted("1116 1860 1123", "4539 1124 1006 1126", "4672 2130"));
        assert!(!counted("1116 1860 1123", "4539 1124 1006 1126", "4672 01130"));
        assert!(!counted("1123", "4539 1124 1006 1126", "4672 1130"));
        assert!(!counted("", "4539 1488 0343 6467", ""));
    }

    #[test]
    fn a_row_rises_from_number_to_number() {
        let rises = |before, value, after| rises(&groups(before), &groups(value), &groups(after));
        assert!(rises("744 991 1398 2017", "2378 3104 3349 3726", ""));
        assert!(rises("9000 2017", "2378 3104 3349 3726", "4239 5273 10000 7"));
        // Too few, one that falls, one that stays, and digits that fill something.
        assert!(!rises("991 1398 2017", "2378 3104 3349 3726", "17"));
        assert!(!rises("744 991 1398 2017", "2378 3104 3726 3349", "4239 5273"));
        assert!(!rises("744 991 1398 2017", "2378 3104 3104 3349", "4239 5273"));
        assert!(!rises("0744 991 1398 2017", "2378 3104 3349 3726", ""));
        assert!(!rises("", "2378 3104 3349 3726", ""));
        assert!(!rises("1 2 3 4 5 6", "6282 1234567890123", "10000"));
    }

    #[test]
    fn lines_between_points_name_each_twice() {
        let joined = |before, value, after| joins_points(&groups(before), &groups(value), &groups(after));
        assert!(joined("746 3179 3179", "4539 4539 2014 2014", "8886"));
        assert!(joined("3179 3179 4539", "4539 1488 3430 6467", "6467 8886 8886"));
        // Too few, the same one, none of the value's, digits that fill something.
        assert!(!joined("746 3179", "4539 4539 2014 2014", "8886"));
        assert!(!joined("3179 3179 3179 3179 3179", "4539 4539 2014 2013", "8886"));
        assert!(!joined("3179 3179 99", "4539 1488 3430 6467", "8886 8886 746 746"));
        assert!(!joined("0100 0100 99", "4539 1488 3430 6467", "6467 0000 0000"));
    }

    #[test]
    fn groups_of_a_table_are_hexadecimal_digits_between_blanks() {
        let cells = |text: &str| {
            let at = text.find('@').unwrap();
            let read =
                |cells: Vec<Range<usize>>| cells.into_iter().map(|cell| text[cell].to_owned()).collect();
            let sides: [Vec<String>; 2] =
                [read(cells_before(text.as_bytes(), at)), read(cells_after(text.as_bytes(), at + 1))];
            sides.map(|side| side.join(" "))
        };
        assert_eq!(cells("4E00 ab1\n51 @ 7F 12\tcd"), ["51 ab1 4E00", "7F 12 cd"]);
        assert_eq!(cells("-4E -7 @ -5 -12"), ["-7 -4E", "-5 -12"]);
        assert_eq!(cells("x 4-7 @ --5 -"), ["", ""]);
        assert_eq!(cells("x 4E00 @ 7Fg 12"), ["4E00", ""]);
        assert_eq!(cells("x4E00 @, 12"), ["", ""]);
        assert_eq!(cells("1234567 12@12"), ["", ""]);
        let long = format!("{}@{}", "4E00 ".repeat(60), " 4E00".repeat(60));
        let (at, most) = (long.find('@').unwrap(), limits::CROWD_REACH / 5);
        assert_eq!(cells_before(long.as_bytes(), at).len(), most);
        assert_eq!(cells_after(long.as_bytes(), at + 1).len(), most);
    }

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
            // Calls and types around them, and fields of these, part them as well.
            ("KQU(11), KQU( 22), KQU(@), KQU( 33)", vec!["22", "11"], vec!["33"]),
            ("x: El51::from([11, 22]), y: El51::from([@, 33]), z: [44]", vec!["22", "11"], vec!["33"]),
            ("a:[11], b:[@], c:[22]", vec![], vec![]),
            ("card: 11, x(22), a [@], b(33) c (44)", vec![], vec!["33"]),
            ("\"a\":[11],\"b\":[@],\"c\":[22]", vec![], vec![]),
            ("El51([@]), 2x(11)", vec![], vec![]),
        ];
        for (around, left, right) in cases {
            let text = around.replace('@', "99999");
            let at = text.find("99999").unwrap();
            let read = |ranges: Vec<Range<usize>>| ranges.into_iter().map(|r| &text[r]).collect::<Vec<_>>();
            assert_eq!(read(before(text.as_bytes(), at).collect()), left, "{around}");
            assert_eq!(read(after(text.as_bytes(), at + 5).collect()), right, "{around}");
        }
        // A number that is cut where reading ends is none.
        let (far, near) = (limits::TABLE_REACH + 3, limits::CROWD_REACH + 3);
        let text = format!("{} 99999 {}", "1".repeat(far), "2".repeat(near));
        let at = far + 1;
        assert_eq!(before(text.as_bytes(), at).count(), 0);
        assert_eq!(after(text.as_bytes(), at + 5).count(), 0);
    }
}
