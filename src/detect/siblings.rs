//! Numbers under one name: a name, or a column, most of whose other numbers fail the check is that of something else, and
//! what passes there does so by chance.

use std::ops::Range;

use super::compiled::Compiled;
use super::crowd::ALIKE;
use crate::limits;

/// So many times as many of the others fail as pass, where a name is that of something else: of numbers that are drawn by
/// lot one in ten passes.
const FAIL: usize = 3;

/// Signs of naming, those that others end with first.
const SIGNS: [&[u8]; 3] = [b"=>", b":", b"="];

/// Longest name, and most quotes and blanks around a number or its sign of naming.
const NAME: usize = 64;
const DRESS: usize = 4;

impl Compiled {
    /// Whether so many of the other numbers under a value's name, of about its length, pass no validator that those which
    /// do pass by chance; half of a crowd is enough, since they have a name in common.
    pub(super) fn passes_by_chance(&self, text: &[u8], value: &Range<usize>, crowd: usize) -> bool {
        let (mut passed, mut failed) = (0, 0);
        each(text, value, |number| {
            if number.len().abs_diff(value.len()) <= ALIKE {
                *(if self.passes(number) { &mut passed } else { &mut failed }) += 1;
            }
            // The nearest tell of most names that all under them pass.
            failed > 0 || passed < FAIL
        });
        failed >= crowd.div_ceil(2) && failed >= FAIL * passed
    }
}

/// What a number stands under.
#[derive(Debug, PartialEq, Eq)]
enum Under<'t> {
    Name(&'t [u8]),
    /// That many of these signs stand before it in its row, which begins there behind a line's end or a bracket.
    Column {
        sign: u8,
        nth: usize,
        row: usize,
    },
}

/// Calls `see` with the other numbers under the name or in the column of `value`, the nearest before it first, then those
/// behind it, until it has seen enough.
fn each<'t>(text: &'t [u8], value: &Range<usize>, mut see: impl FnMut(&'t [u8]) -> bool) {
    let least = value.start.saturating_sub(limits::NAMES_REACH);
    let most = text.len().min(value.end + limits::CROWD_REACH);
    let (before, behind) = (&text[least..value.start], &text[value.end..most]);
    // What is cut where reading ends is not judged.
    let (begins, ends) = (least == 0, most == text.len());
    match under(before, behind, begins) {
        Some(Under::Name(name)) => {
            let mut places = memchr::memmem::rfind_iter(before, name).skip(1);
            if places.all(|at| named(before, name, at, (begins, false)).is_none_or(&mut see)) {
                let mut places = memchr::memmem::find_iter(behind, name);
                places.all(|at| named(behind, name, at, (false, ends)).is_none_or(&mut see));
            }
        }
        Some(Under::Column { sign, nth, row }) => {
            let mut cell = |row: &'t [u8]| {
                row.split(|&byte| byte == sign).nth(nth).and_then(number).is_none_or(&mut see)
            };
            let begin = row.checked_sub(1).map_or(b'\n', |at| before[at]);
            let above = before[..row.saturating_sub(1)].rsplit(|&byte| byte == begin);
            let below = behind.split(|&byte| byte == begin).skip(1);
            let mut left = above.clone().count();
            let mut goes_on = true;
            for row in above {
                left -= 1;
                goes_on = goes_on && (left == 0 && !begins || cell(row));
            }
            let mut left = below.clone().count();
            for row in below {
                left -= 1;
                goes_on = goes_on && (left == 0 && !ends || cell(row));
            }
        }
        None => {}
    }
}

fn is_name(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'$' | b'@') || !byte.is_ascii()
}

fn is_dress(byte: &u8) -> bool {
    matches!(byte, b'"' | b'\'' | b'\\' | b' ')
}

/// The text without the quotes and blanks that it begins with.
fn undressed(text: &[u8]) -> &[u8] {
    &text[text.iter().take(DRESS).take_while(|byte| is_dress(byte)).count()..]
}

/// The text without those that it ends with.
fn undressed_end(text: &[u8]) -> &[u8] {
    &text[..text.len() - text.iter().rev().take(DRESS).take_while(|byte| is_dress(byte)).count()]
}

/// What a number stands under that has these texts around it; `begins`: nothing stands before them.
fn under<'t>(before: &'t [u8], behind: &[u8], begins: bool) -> Option<Under<'t>> {
    let bare = undressed_end(before);
    if let Some(named) = SIGNS.iter().find_map(|sign| bare.strip_suffix(*sign)) {
        let named = undressed_end(named);
        let length = named.iter().rev().take(NAME + 1).take_while(|byte| is_name(byte)).count();
        let is_whole = length < named.len() || begins;
        let name = &named[named.len() - length..];
        return (0 < length && length <= NAME && is_whole).then_some(Under::Name(name));
    }
    match bare.split_last() {
        Some((b'>', tag)) => {
            let start = tag.len() - tag.iter().rev().take(NAME).position(|&byte| byte == b'<')?;
            let length = tag[start..].iter().take_while(|byte| is_name(byte)).count();
            (length > 0).then(|| Under::Name(&tag[start..start + length]))
        }
        _ => {
            let row = match memchr::memrchr3(b'\n', b'(', b'[', before) {
                Some(end) => end + 1,
                None if begins => 0,
                None => return None,
            };
            let cells = bare.get(row..).unwrap_or_default();
            let sign = *cells.last().or_else(|| undressed(behind).first())?;
            let is_column = matches!(sign, b',' | b';' | b'\t' | b'|');
            let nth = cells.iter().filter(|&&byte| byte == sign).count();
            is_column.then_some(Under::Column { sign, nth, row })
        }
    }
}

/// The number under a name that stands at `at`; whether the text begins and ends where it is seen to.
fn named<'t>(text: &'t [u8], name: &[u8], at: usize, (begins, ends): (bool, bool)) -> Option<&'t [u8]> {
    let before = at.checked_sub(1).map(|at| text[at]);
    if before.map_or(!begins, |byte| is_name(&byte)) {
        return None;
    }
    let rest = &text[at + name.len()..];
    let value = if before == Some(b'<') {
        &rest[rest.iter().take(NAME).position(|&byte| byte == b'>')? + 1..]
    } else {
        let signed = undressed(rest);
        SIGNS.iter().find_map(|sign| signed.strip_prefix(*sign))?
    };
    let value = undressed(value);
    let length = value.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let is_whole = value.get(length).map_or(ends, |byte| !is_name(byte));
    (length > 0 && is_whole).then(|| &value[..length])
}

/// The number that is all of a cell, the last of its row among them.
fn number(cell: &[u8]) -> Option<&[u8]> {
    let is_end = |byte: &u8| matches!(byte, b')' | b']' | b'\r');
    let ended = cell.split_last().filter(|(last, _)| is_end(last)).map_or(cell, |(_, cell)| cell);
    let cell = undressed_end(undressed(ended));
    (!cell.is_empty() && cell.iter().all(u8::is_ascii_digit)).then_some(cell)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_others_under_a_name_or_in_a_column_are_read() {
        let cases = [
            (
                r#"[{"id":11,"n":7},{"id":"22","n":8},{"id":@,"n":9},{"id": 33,"x":44}]"#,
                vec!["22", "11", "33"],
            ),
            (r#"{"userid":11,"id":22.5,"id":x,"id":[33],"id":@}"#, vec![]),
            (r#"{\"id\":\"11\"},{\"id\":\"@\"}"#, vec!["11"]),
            ("id=11 a=1\nid=22 a=2\nid=@ a=3\nid=33", vec!["22", "11", "33"]),
            ("- id: 11\n  a: 1\n- id: @\n", vec!["11"]),
            ("<id>11</id><n>5</n><id type=\"n\">22</id><id>@</id><id>33</id>", vec!["22", "11", "33"]),
            ("'Id' => '11', 'a' => 4, 'Id' => '@'", vec!["11"]),
            ("a,11,b\na,22,b\r\na,\"33\",b\na,@,b\na,44,b\na,5x,b\n", vec!["33", "22", "11", "44"]),
            ("11;b\n22;b\n@;b\n33;1", vec!["22", "11", "33"]),
            ("a\t11\nb\t@\nc\t22", vec!["11", "22"]),
            ("values (1,'11','a'), (2,'22','b'), (3,'@','c'), (4,'33','d')", vec!["22", "11", "33"]),
            ("[[1, 11], [2, 22], [3, @], [4, 33]]", vec!["22", "11", "33"]),
            // No column, and nothing that a number stands under.
            ("11 22 @ 33", vec![]),
            ("11\n22\n@\n33", vec![]),
            ("@", vec![]),
        ];
        for (around, expected) in cases {
            let text = around.replace('@', "99999");
            let at = text.find("99999").unwrap();
            let mut read = Vec::new();
            each(text.as_bytes(), &(at..at + 5), |number| {
                read.push(std::str::from_utf8(number).unwrap());
                true
            });
            assert_eq!(read, expected, "{around}");
        }
    }

    #[test]
    fn what_is_cut_where_reading_ends_is_not_judged() {
        let digits = |count: usize| "1".repeat(count);
        for (left, right) in [("\"id\":", ",\"id\":"), ("a,", "\nb,")] {
            let far = digits(limits::NAMES_REACH);
            let text = format!("{left}{far}{right}99999{right}{}", digits(limits::CROWD_REACH));
            let at = text.find("99999").unwrap();
            each(text.as_bytes(), &(at..at + 5), |_| panic!("{left}"));
        }
    }
}
