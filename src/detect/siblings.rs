//! Values under one name: a name, or a column, most of whose other values fail the check is that of something else, and what
//! passes there does so by chance.

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
    /// Whether so many of the other values under a value's name, spelled as it is, pass no validator that those which do pass
    /// by chance; half of a crowd is enough, since they have a name in common.
    pub(super) fn passes_by_chance(&self, text: &[u8], value: &Range<usize>, crowd: usize) -> bool {
        let own = &text[value.clone()];
        let (mut passed, mut failed) = (0, 0);
        each(text, value, |other| {
            if is_like(other, own) {
                *(if self.passes(other) { &mut passed } else { &mut failed }) += 1;
            }
            // The nearest tell most names that all under them pass.
            failed > 0 || passed < FAIL
        });
        failed >= crowd.div_ceil(2) && failed >= FAIL * passed
    }
}

fn is_bare(value: &[u8]) -> bool {
    value.iter().all(u8::is_ascii_digit)
}

/// Whether two values are spelled alike: digits alone in about as many, all others place by place.
fn is_like(one: &[u8], other: &[u8]) -> bool {
    if is_bare(one) && is_bare(other) {
        return one.len().abs_diff(other.len()) <= ALIKE;
    }
    let kind = |byte: u8| match byte {
        b'0'..=b'9' => b'0',
        b'A'..=b'Z' => b'A',
        b'a'..=b'z' => b'a',
        other => other,
    };
    one.len() == other.len() && one.iter().zip(other).all(|(&one, &other)| kind(one) == kind(other))
}

/// What may be a value, spelled as `own` is, that a text begins with; `ends`: nothing stands behind the text.
fn begins_with<'t>(text: &'t [u8], own: &[u8], ends: bool) -> Option<&'t [u8]> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let length = if is_bare(own) { digits } else { own.len() };
    let is_whole = match text.get(length..).unwrap_or_default() {
        [] => ends,
        [b'.', behind, ..] => !behind.is_ascii_alphanumeric(),
        [b'.'] => ends,
        [behind, ..] => !is_name(behind),
    };
    text.get(..length).filter(|value| is_whole && !value.is_empty())
}

/// What a value stands under.
enum Under<'t> {
    Name(&'t [u8]),
    /// That many of these signs stand before it in its row, which begins there behind a line's end or a bracket.
    Column {
        sign: u8,
        nth: usize,
        row: usize,
    },
}

/// Calls `see` with the other values under the name or in the column of `value`, the nearest before it first, then those
/// behind it, until it has seen enough.
fn each<'t>(text: &'t [u8], value: &Range<usize>, mut see: impl FnMut(&'t [u8]) -> bool) {
    let least = value.start.saturating_sub(limits::NAMES_REACH);
    let most = text.len().min(value.end + limits::CROWD_REACH);
    let (before, own, behind) = (&text[least..value.start], &text[value.clone()], &text[value.end..most]);
    // What is cut where reading ends is not judged.
    let (begins, ends) = (least == 0, most == text.len());
    match under(before, behind, begins) {
        Some(Under::Name(name)) => {
            let mut places = memchr::memmem::rfind_iter(before, name).skip(1);
            if places.all(|at| named((before, own), name, at, (begins, false)).is_none_or(&mut see)) {
                let mut places = memchr::memmem::find_iter(behind, name);
                places.all(|at| named((behind, own), name, at, (false, ends)).is_none_or(&mut see));
            }
        }
        Some(Under::Column { sign, nth, row }) => {
            let mut goes_on = |row: &'t [u8]| {
                row.split(|&byte| byte == sign).nth(nth).and_then(|it| cell(it, own)).is_none_or(&mut see)
            };
            let begin = row.checked_sub(1).map_or(b'\n', |at| before[at]);
            let above = before[..row.saturating_sub(1)].rsplit(|&byte| byte == begin);
            let below = behind.split(|&byte| byte == begin).skip(1);
            // The first and the last that are read may be parts.
            let (all_above, all_below) = (above.clone().count(), below.clone().count());
            let above = above.take(all_above - usize::from(!begins));
            let below = below.take(all_below.saturating_sub(usize::from(!ends)));
            above.chain(below).all(&mut goes_on);
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

/// The name that a text ends with, if all of it is there; `begins`: nothing stands before the text.
fn name_at_end(text: &[u8], begins: bool) -> Option<&[u8]> {
    let length = text.iter().rev().take(NAME + 1).take_while(|byte| is_name(byte)).count();
    let is_whole = length < text.len() || begins;
    (0 < length && length <= NAME && is_whole).then(|| &text[text.len() - length..])
}

/// What a value stands under that has these texts around it; `begins`: nothing stands before them.
fn under<'t>(before: &'t [u8], behind: &[u8], begins: bool) -> Option<Under<'t>> {
    let bare = undressed_end(before);
    if let Some(named) = SIGNS.iter().find_map(|sign| bare.strip_suffix(*sign)) {
        return name_at_end(undressed_end(named), begins).map(Under::Name);
    }
    if let Some(tag) = bare.strip_suffix(b">") {
        let start = tag.len() - tag.iter().rev().take(NAME).position(|&byte| byte == b'<')?;
        let length = tag[start..].iter().take_while(|byte| is_name(byte)).count();
        return (length > 0).then(|| Under::Name(&tag[start..start + length]));
    }
    // A word before it names it as well.
    if bare.last().is_some_and(u8::is_ascii_alphabetic) {
        return name_at_end(bare, begins).filter(|_| bare.len() < before.len()).map(Under::Name);
    }
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

/// The value under a name that stands at `at`; whether the text begins and ends where it is seen to.
fn named<'t>(
    (text, own): (&'t [u8], &[u8]),
    name: &[u8],
    at: usize,
    (begins, ends): (bool, bool),
) -> Option<&'t [u8]> {
    let before = at.checked_sub(1).map(|at| text[at]);
    if before.map_or(!begins, |byte| is_name(&byte)) {
        return None;
    }
    let rest = &text[at + name.len()..];
    let value = if before == Some(b'<') {
        &rest[rest.iter().take(NAME).position(|&byte| byte == b'>')? + 1..]
    } else {
        let signed = undressed(rest);
        match SIGNS.iter().find_map(|sign| signed.strip_prefix(*sign)) {
            Some(value) => value,
            None => rest.strip_prefix(b" ")?,
        }
    };
    begins_with(undressed(value), own, ends)
}

/// What may be a value, spelled as `own` is, that is all of a cell, the last of its row among them.
fn cell<'t>(cell: &'t [u8], own: &[u8]) -> Option<&'t [u8]> {
    let is_end = |byte: &&u8| matches!(byte, b')' | b']' | b'\r');
    let ended = &cell[..cell.len() - cell.iter().rev().take_while(is_end).count()];
    let cell = undressed_end(undressed(ended));
    begins_with(cell, own, true).filter(|value| value.len() == cell.len())
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
            ("See 11 here.\nSee 22. See 44.5. See @ now. See 33", vec!["22", "11", "33"]),
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
    fn values_are_alike_by_their_spelling() {
        let cases = [
            (&["4539148803436467", "45391488034364", "453914880343646"][..], &["453914880343"][..]),
            (&["4539-1488-0343-6467", "1111-2222-3333-4444"], &["4539-1488-0343-64 7", "4539148803436467"]),
            (&["A123456789", "B000000000"], &["a123456789", "AB23456789", "1123456789"]),
        ];
        for (alike, others) in cases {
            let is_like = |other: &&str| is_like(alike[0].as_bytes(), other.as_bytes());
            assert!(alike.iter().all(is_like) && !others.iter().any(is_like), "{alike:?}");
        }
        let text = "id=1111-2222 a=1 id=3333-444 id=5555-66667 id=7777 888 id=9999-0000";
        let mut read = Vec::new();
        each(text.as_bytes(), &(text.len() - 9..text.len()), |value| {
            read.push(std::str::from_utf8(value).unwrap());
            true
        });
        assert_eq!(read, ["1111-2222"]);
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
