//! Tables of wikis, of AsciiDoc and of LaTeX: a cell is called what the head says in its column.

use std::ops::Range;

use super::{Absent, Name, Scope};
use crate::limits;

/// What each kind of table begins with.
const MARKS: [&[u8]; 3] = [b"{|", b"|===", b"\\begin{"];

/// Where none of these stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unmarked([Absent; MARKS.len()]);

impl Unmarked {
    pub(super) const NONE: Unmarked = Unmarked([Absent::NONE; MARKS.len()]);
}

impl Default for Unmarked {
    fn default() -> Unmarked {
        Unmarked::NONE
    }
}

/// The name of the column that `at` lies in, where the table begins within what is looked at.
pub(super) fn own(unmarked: &mut Unmarked, text: &[u8], from: usize, at: usize) -> Option<Name> {
    let [wiki, ascii, tex]: [bool; MARKS.len()] = std::array::from_fn(|nth| {
        let mark = MARKS[nth];
        !unmarked.0[nth].is(mark.len(), text, (from, at), |text| memchr::memmem::find(text, mark))
    });
    let seen = &text[from..at];
    let found = if wiki { in_wiki(seen) } else { None };
    let found = found.or_else(|| if ascii { in_ascii(seen) } else { None });
    let (name, column) = found.or_else(|| if tex { in_tex(seen) } else { None })?;
    let fits = (1..=limits::NAME_LEN).contains(&name.len()) && column < limits::COLUMNS;
    let name = Name::of(Scope::CsvHeader, from + name.start..from + name.end);
    fits.then_some(Name { column, ..name })
}

/// `{|`, a row of cells behind `!`, and rows behind `|-` of cells behind `|`, a line each or with two marks between.
fn in_wiki(text: &[u8]) -> Option<(Range<usize>, usize)> {
    let find = |mark: &[u8], from: usize| memchr::memmem::find(text.get(from..)?, mark).map(|at| from + at);
    let table = memchr::memmem::rfind(text, MARKS[0])?;
    if find(b"\n|}", table).is_some() {
        return None;
    }
    let row = memchr::memmem::rfind(text, b"\n|-").filter(|row| *row > table)?;
    let head = find(b"\n!", table).filter(|head| *head < row)?;
    let end = find(b"\n|", head)?;
    let cells = |line: &[u8], mark: u8| {
        let pairs = line.windows(2).filter(|pair| pair == &[mark, mark]).count();
        if line.first() == Some(&mark) { 1 + pairs } else { 0 }
    };
    // What stands on the line of the mark belongs to the row.
    let lines = text[row + 1..].split(|byte| *byte == b'\n').skip(1);
    let column = lines.map(|line| cells(line, b'|') + cells(line, b'!')).sum::<usize>().checked_sub(1)?;
    let name = split(text, head + 1..end, |rest| match rest {
        [b'!', b'!', ..] | [b'|', b'|', ..] => 2,
        [b'\n', b'!', ..] => 2,
        _ => 0,
    })
    .nth(column)?;
    // What it looks like stands before one bar.
    let bar = memchr::memrchr(b'|', &text[name.clone()]).map_or(name.start, |bar| name.start + bar + 1);
    Some((trimmed(text, bar..name.end, b"! "), column))
}

/// `|===`, a line of cells that each begin with `|`, or lines of one up to an empty one, and as many for each row.
fn in_ascii(text: &[u8]) -> Option<(Range<usize>, usize)> {
    let table = memchr::memmem::rfind(text, MARKS[1])?;
    let head = table + memchr::memchr(b'\n', &text[table..])? + 1;
    let head = head + text[head..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    let line = head + memchr::memchr(b'\n', &text[head..])?;
    let count = |range: Range<usize>| memchr::memchr_iter(b'|', &text[range]).count();
    let end = match count(head..line) {
        1 => head + memchr::memmem::find(&text[head..], b"\n\n")?,
        _ => line,
    };
    let names = count(head..end);
    let column = count(end..text.len()).checked_sub(1)? % names.max(1);
    let row = text[end..].split(|byte| *byte == b'\n').next_back()?;
    let name = split(text, head..end, |rest| usize::from(rest.first() == Some(&b'|'))).nth(column + 1)?;
    (names > 1 && row.contains(&b'|')).then(|| (trimmed(text, name, b""), column))
}

/// `\begin{tabular}`, and rows of cells with `&` between that end with two backslashes.
fn in_tex(text: &[u8]) -> Option<(Range<usize>, usize)> {
    let table = memchr::memmem::rfind(text, MARKS[2])? + MARKS[2].len();
    let kinds: [&[u8]; 4] = [b"tabular", b"longtable", b"tblr", b"array"];
    let is_table = kinds.iter().any(|kind| text[table..].starts_with(kind));
    let end = table + memchr::memmem::find(&text[table..], b"\\\\").filter(|_| is_table)?;
    if memchr::memmem::find(&text[end..], b"\\end{").is_some() {
        return None;
    }
    let row = memchr::memmem::rfind(text, b"\\\\")?;
    let parts = |place: usize| text[place] == b'&' && text[place - 1] != b'\\';
    let column = (row + 2..text.len()).filter(|place| parts(*place)).count();
    let mut before = 0;
    let name = split(text, table..end, |rest| {
        let parts = rest.first() == Some(&b'&') && before != b'\\';
        before = rest.first().copied().unwrap_or_default();
        usize::from(parts)
    })
    .nth(column)?;
    // The first stands behind what the table is like.
    let line = memchr::memrchr(b'\n', text[name.clone()].trim_ascii_end()).map_or(0, |line| line + 1);
    Some((trimmed(text, name.start + line..name.end, b""), column))
}

/// What lies between the marks of a range, each as long as `mark` says of what begins with it.
fn split(
    text: &[u8],
    range: Range<usize>,
    mut mark: impl FnMut(&[u8]) -> usize,
) -> impl Iterator<Item = Range<usize>> {
    let (mut start, mut at) = (Some(range.start), range.start);
    std::iter::from_fn(move || {
        let begins = start?;
        while at < range.end {
            let length = mark(&text[at..range.end]);
            if length > 0 {
                let ends = at;
                at += length;
                start = Some(at.min(range.end));
                return Some(begins..ends);
            }
            at += 1;
        }
        start = None;
        Some(begins..range.end)
    })
}

/// The same without white space around it, and without such signs before it.
fn trimmed(text: &[u8], range: Range<usize>, signs: &[u8]) -> Range<usize> {
    let said = &text[range.clone()];
    let skipped = |byte: &&u8| byte.is_ascii_whitespace() || signs.contains(byte);
    let first = said.iter().take_while(skipped).count();
    let last = said.trim_ascii_end().len().max(first);
    range.start + first..range.start + last
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> String {
        let (at, whole) = (text.find('¤').unwrap(), text.replacen('¤', "", 1));
        let mut unmarked = Unmarked::NONE;
        let name = own(&mut unmarked, whole.as_bytes(), 0, at);
        name.map(|name| whole[name.range].to_owned()).unwrap_or_default()
    }

    #[test]
    fn a_cell_is_called_what_its_head_says() {
        for (text, name) in [
            ("{| class=\"a\"\n! Name !! SSN !! City\n|-\n| Ann || ¤536904399 || Bonn\n|}", "SSN"),
            ("{|\n! Name !! SSN\n|-\n| Ann || 1\n|-\n| Bob || ¤2\n|}", "SSN"),
            ("{|\n|-\n! Name\n! scope=\"col\" | SSN\n|-\n| Ann\n| ¤536904399\n|}", "SSN"),
            ("{|\n! Name !! SSN\n|-\n! Ann\n| ¤536904399\n", "SSN"),
            ("{|\n! Name !! SSN\n|-\n| Ann || 1\n|}\n| a || ¤2", ""),
            ("{|\n! Name\n|-\n| Ann || ¤1\n", ""),
            ("|===\n|Name |SSN |City\n\n|Ann |¤536904399 |Bonn\n|===\n", "SSN"),
            ("[cols=\"1,1\"]\n|===\n|Name\n|SSN\n\n|Ann\n|1\n\n|Bob\n|¤2\n|===\n", "SSN"),
            ("|===\n|Name |SSN\n\n|Ann |1\n|===\n\nsee ¤2", ""),
            ("\\begin{tabular}{lll}\nName & SSN & City \\\\ \\hline\nAnn & ¤536904399 & Bonn \\\\\n", "SSN"),
            (
                "\\begin{tabular}{ll}\n\\toprule\nSSN & A \\& B \\\\\n\\midrule\n1 & 2 \\\\\n¤3 & 4 \\\\\n",
                "SSN",
            ),
            ("\\begin{tabular}{ll}\nA \\& B & SSN \\\\\n1 \\& 2 & ¤3 \\\\\n", "SSN"),
            ("\\begin{tabular}{ll}\nName & SSN \\\\\nAnn & 1 \\\\\n\\end{tabular}\na & ¤2", ""),
            ("\\begin{align}\na & b \\\\\nc & ¤1 \\\\\n", ""),
            ("a | ¤1", ""),
        ] {
            assert_eq!(told(text), name, "{text}");
        }
    }
}
