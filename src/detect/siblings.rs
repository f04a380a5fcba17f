//! Values under one name: a name, or a column, most of whose other values fail the check is that of something else, and what
//! passes there does so by chance.

use std::ops::Range;

use super::compiled::Compiled;
use super::crowd::ALIKE;
use crate::limits;

/// So many times as many of the others fail as pass, where a name is that of something else: of numbers that are drawn by
/// lot one in ten passes.
const FAIL: usize = 3;

/// What part of a crowd they are at least: in a column, and under a name, which says more.
const HALF: usize = 2;
const THIRD: usize = 3;

/// Signs of naming, those that others end with first.
const SIGNS: [&[u8]; 3] = [b"=>", b":", b"="];

/// Longest name, and most quotes and blanks around a number or its sign of naming.
const NAME: usize = 64;
const DRESS: usize = 4;

/// Fields of a line that are a value together, at most; more of them are judged as a table.
const TOGETHER: usize = 2;

/// Digits of a number that is a name itself, at least, and whatever it is as long as, where others are.
const KEY: usize = 6;

impl Compiled {
    /// Whether so many of the other values under a value's name, spelled as it is, pass no validator that those which do pass
    /// by chance; a part of a crowd is enough, since they have a name in common.
    pub(super) fn passes_by_chance(&self, text: &[u8], value: &Range<usize>, crowd: usize) -> bool {
        let own = &text[value.clone()];
        let (mut passed, mut failed) = (0, 0);
        let is_key = is_key(text, value);
        let is_named = each(text, value, |other| {
            if is_like(other, own) || is_key && is_bare(own) && is_bare(other) && other.len() >= KEY {
                *(if self.passes(other) { &mut passed } else { &mut failed }) += 1;
            }
            // The nearest tell most names that all under them pass.
            failed > 0 || passed < FAIL
        });
        failed >= crowd.div_ceil(if is_named { THIRD } else { HALF }) && failed >= FAIL * passed
    }

    /// Whether another value of a value's column passes, or of those under its name.
    pub(super) fn has_siblings(&self, text: &[u8], value: &Range<usize>) -> bool {
        let own = &text[value.clone()];
        let mut passes = false;
        each(text, value, |other| {
            passes = is_like(other, own) && self.passes(other);
            !passes
        });
        passes
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

/// A value whose others are looked for.
#[derive(Clone, Copy)]
struct Own<'t> {
    value: &'t [u8],
    /// What it is glued to before it, which begins where the whole does: `group_`, `779628256072482_`.
    glue: &'t [u8],
    /// What it is glued to behind it begins so.
    tail: Option<u8>,
}

impl<'t> Own<'t> {
    fn of(value: &'t [u8], before: &'t [u8], behind: &[u8]) -> Own<'t> {
        let is_glue =
            |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'/' | b'.' | b'#');
        let length = before.iter().rev().take(NAME + 1).take_while(is_glue).count();
        let glue = if length > NAME { &[][..] } else { &before[before.len() - length..] };
        let tail = match behind {
            [tail @ (b'_' | b'-'), next, ..] if next.is_ascii_alphanumeric() => Some(*tail),
            _ => None,
        };
        Own { value, glue, tail }
    }
}

/// How many digits a text begins with.
fn digits(text: &[u8]) -> usize {
    text.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

/// What stands behind glue that is spelled as another, whose digits are any and as many as they like.
fn behind_glue<'t>(text: &'t [u8], glue: &[u8]) -> Option<&'t [u8]> {
    let (mut text, mut glue) = (text, glue);
    while let Some(first) = glue.first() {
        let (own, other) = (digits(glue), digits(text));
        if (own == 0) != (other == 0) || own == 0 && text.first() != Some(first) {
            return None;
        }
        (text, glue) = (&text[other.max(1)..], &glue[own.max(1)..]);
    }
    Some(text)
}

/// What may be a value, spelled and glued as `own` is, that a text begins with; `ends`: nothing stands behind the text.
fn begins_with<'t>(text: &'t [u8], own: Own, ends: bool) -> Option<&'t [u8]> {
    let text = behind_glue(text, own.glue)?;
    let length = if is_bare(own.value) { digits(text) } else { own.value.len() };
    let is_whole = match text.get(length..).unwrap_or_default() {
        [tail, ..] if own.tail.is_some() => own.tail == Some(*tail),
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
    /// That many fields stand before it in its line, which blanks part.
    Field {
        nth: usize,
        row: usize,
    },
}

/// Calls `see` with the other values under the name or in the column of `value`, the nearest before it first, then those
/// behind it, until it has seen enough. Tells whether it is a name.
fn each<'t>(text: &'t [u8], value: &Range<usize>, mut see: impl FnMut(&'t [u8]) -> bool) -> bool {
    let least = value.start.saturating_sub(limits::NAMES_REACH);
    let most = text.len().min(value.end + limits::CROWD_REACH);
    let (before, behind) = (&text[least..value.start], &text[value.end..most]);
    let own = Own::of(&text[value.clone()], before, behind);
    // What is cut where reading ends is not judged.
    let (begins, ends) = (least == 0, most == text.len());
    let unglued = &before[..before.len() - own.glue.len()];
    if is_key(text, value) {
        let before = memchr::memrchr_iter(b':', before).map(|colon| &before[..colon]);
        // The first is its own.
        let behind = memchr::memchr_iter(b':', behind).skip(1).map(|colon| &behind[..colon]);
        before.chain(behind).all(|text| key_before(text).is_none_or(&mut see));
        return false;
    }
    let under = under(unglued, behind, begins);
    let is_named = matches!(under, Some(Under::Name(_)));
    match under {
        Some(Under::Name(name)) => {
            let mut places = memchr::memmem::rfind_iter(unglued, name).skip(1);
            if places.all(|at| named((before, own), name, at, (begins, false)).is_none_or(&mut see)) {
                let mut places = memchr::memmem::find_iter(behind, name);
                places.all(|at| named((behind, own), name, at, (false, ends)).is_none_or(&mut see));
            }
        }
        Some(Under::Column { sign, nth, row }) => {
            let mut goes_on = |row: &'t [u8]| {
                row.split(|&byte| byte == sign).nth(nth).and_then(|it| cell(it, own)).is_none_or(&mut see)
            };
            rows((before, row), behind, (begins, ends)).all(&mut goes_on);
        }
        Some(Under::Field { nth, row }) => {
            let count = Some(fields(own.value).count()).filter(|count| *count <= TOGETHER).unwrap_or(1);
            let mut goes_on = |row: &'t [u8]| cell(fields_of(row, nth, count), own).is_none_or(&mut see);
            rows((before, row), behind, (begins, ends)).all(&mut goes_on);
        }
        None => {}
    }
    is_named
}

/// The rows around the one that begins at `row` of what stands before a value, the nearest first; the first and the last
/// that are read may be parts, and are none then.
fn rows<'t>(
    (before, row): (&'t [u8], usize),
    behind: &'t [u8],
    (begins, ends): (bool, bool),
) -> impl Iterator<Item = &'t [u8]> {
    let begin = begin_of(before, row);
    let mut above = Some(&before[..row.saturating_sub(1)]);
    let above = std::iter::from_fn(move || {
        let rest = above.take()?;
        let Some(at) = memchr::memrchr(begin, rest) else { return begins.then_some(rest) };
        above = Some(&rest[..at]);
        Some(&rest[at + 1..])
    });
    let mut below = memchr::memchr(begin, behind).map(|at| &behind[at + 1..]);
    let below = std::iter::from_fn(move || {
        let rest = below.take()?;
        let Some(at) = memchr::memchr(begin, rest) else { return ends.then_some(rest) };
        below = Some(&rest[at + 1..]);
        Some(&rest[..at])
    });
    above.chain(below)
}

/// What blanks part in a line.
fn fields(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(u8::is_ascii_whitespace).filter(|field| !field.is_empty())
}

/// So many fields of a line behind its first `nth`, with what parts them.
fn fields_of(line: &[u8], nth: usize, count: usize) -> &[u8] {
    let field = |text: &[u8]| text.iter().take_while(|byte| !byte.is_ascii_whitespace()).count();
    let blanks = |text: &[u8]| text.len() - text.trim_ascii_start().len();
    let mut start = blanks(line);
    for _ in 0..nth {
        start += field(&line[start..]);
        start += blanks(&line[start..]);
    }
    let mut end = start + field(&line[start..]);
    for _ in 1..count {
        end += blanks(&line[end..]);
        end += field(&line[end..]);
    }
    &line[start..end]
}

/// What stands in quotes at the end of a text.
fn key_before(text: &[u8]) -> Option<&[u8]> {
    let (quote, key) = text.trim_ascii_end().split_last().filter(|(quote, _)| is_quote(**quote))?;
    let near = &key[key.len().saturating_sub(NAME)..];
    near.iter().rposition(|byte| byte == quote).map(|start| &near[start + 1..])
}

fn is_quote(byte: u8) -> bool {
    matches!(byte, b'"' | b'\'')
}

/// Whether a value is a name itself: all that stands in quotes before a colon.
fn is_key(text: &[u8], value: &Range<usize>) -> bool {
    let before = text[..value.start].split_last().filter(|(quote, _)| is_quote(**quote));
    let behind = before.and_then(|(quote, _)| text[value.end..].strip_prefix(&[*quote]));
    let is_named = before.is_some_and(|(_, before)| {
        before.trim_ascii_end().last().is_none_or(|byte| matches!(byte, b'{' | b','))
    });
    is_named && behind.and_then(|behind| undressed(behind).first()) == Some(&b':')
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
        let blanks = before.len() - bare.len();
        let is_aligned = blanks > 1 && before.ends_with(b"  ");
        if !is_aligned {
            return name_at_end(bare, begins).filter(|_| blanks > 0).map(Under::Name);
        }
    }
    let row = match memchr::memrchr3(b'\n', b'(', b'[', before) {
        Some(end) => end + 1,
        None if begins => 0,
        None => return None,
    };
    let row =
        if before[row..].trim_ascii().iter().all(is_dress) { array(before, row).unwrap_or(row) } else { row };
    let cells = bare.get(row..).unwrap_or_default();
    let sign = *cells.trim_ascii_end().last().or_else(|| undressed(behind).first())?;
    if matches!(sign, b',' | b';' | b'\t' | b'|') {
        let nth = cells.iter().filter(|&&byte| byte == sign).count();
        return Some(Under::Column { sign, nth, row });
    }
    // Alone in its line it stands in a list.
    let nth = fields(cells).count();
    let is_field = nth > 0 || !matches!(undressed(behind).first(), Some(b'\r' | b'\n'));
    (is_field && begin_of(before, row) == b'\n').then_some(Under::Field { nth, row })
}

/// What the row that begins at `row` begins behind.
fn begin_of(before: &[u8], row: usize) -> u8 {
    row.checked_sub(1).map_or(b'\n', |at| before[at])
}

/// Where the array begins that a line at `line` lies in, each of whose elements has a line of its own.
fn array(before: &[u8], line: usize) -> Option<usize> {
    let row = memchr::memrchr2(b'[', b'(', &before[..line])? + 1;
    let is_other = |byte: &u8| matches!(byte, b'{' | b'}' | b']' | b')' | b':');
    let lines = before[row..line].split(|&byte| byte == b'\n').skip(1);
    let mut lines = lines.map(<[u8]>::trim_ascii).filter(|line| !line.is_empty());
    (!before[row..line].iter().any(is_other) && lines.all(|line| line.ends_with(b","))).then_some(row)
}

/// The value under a name that stands at `at`; whether the text begins and ends where it is seen to.
fn named<'t>(
    (text, own): (&'t [u8], Own),
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
fn cell<'t>(cell: &'t [u8], own: Own) -> Option<&'t [u8]> {
    let is_end = |byte: &&u8| matches!(byte, b')' | b']' | b'\r' | b'\n' | b' ');
    let cell = cell.trim_ascii_start();
    let ended = &cell[..cell.len() - cell.iter().rev().take_while(is_end).count()];
    let cell = undressed_end(undressed(ended));
    let value = begins_with(cell, own, true)?;
    (own.tail.is_some() || cell.ends_with(value)).then_some(value)
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
            // Glued to what begins alike, whatever its digits are.
            (
                r#"[{"id":"g_11"},{"id":"h_22"},{"id":"g_33x"},{"id":"g_44"},{"id":"g_@"},{"id":"g_55"}]"#,
                vec!["44", "11", "55"],
            ),
            (r#"{"id":"7_11"},{"id":"7_x"},{"id":"123_22"},{"id":"45_@"}"#, vec!["22", "11"]),
            (r#"{"id":"11_7"},{"id":"22"},{"id":"33_x"},{"id":"@_45"}"#, vec!["33", "11"]),
            ("a,N-11,b\na,N-22x,b\na,33,b\na,N-@,b\na,N-44,b\n", vec!["11", "44"]),
            // In fields that blanks part.
            ("7  ab   11  1\n123 c 22 2\n7  d  x33  2\n9  d    @  2\n8  e   44 2\n", vec!["22", "11", "44"]),
            ("11 a\n22 b\n@ c\n33 d", vec!["22", "11", "33"]),
            // In arrays whose elements have lines.
            (
                "[\n [\n  1,\n  11\n ],\n [\n  2,\n  22\n ],\n [\n  3,\n  @\n ],\n [\n  4,\n  33\n ]\n]",
                vec!["22", "11", "33"],
            ),
            // Names themselves.
            (r#"{"11":7,"22": {"x":33}, "@":[1],"44" : 8,"y":"55"}"#, vec!["x", "22", "11", "44", "y"]),
            ("{'0A': 1, '0B': 2,\n '@': 3, '0C': 4}", vec!["0B", "0A", "0C"]),
            // No column, and nothing that a number stands under.
            ("11 22 @ 33", vec![]),
            ("[\n  11,\n  22,\n  @,\n  33\n]", vec![]),
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
    fn a_value_of_several_fields_has_others_of_as_many() {
        let text = "1  1111 2222 x\n2 3333  4444 x\n3 5555\n4 6666 7777 x\n5 8888 9999 x";
        let mut read = Vec::new();
        let at = text.find("6666").unwrap();
        each(text.as_bytes(), &(at..at + 9), |value| {
            read.push(std::str::from_utf8(value).unwrap());
            true
        });
        assert_eq!(read, ["1111 2222", "8888 9999"]);
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
