//! Headers of lists: the names of their columns, and where their rows begin.

use std::ops::Range;

use super::lists::{CELLS, begins, is_tag, list_before};
use super::{Absent, Name, Row, layout};
use crate::limits;

/// Lists, by how their rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::detect) enum Kind {
    /// `(1, 'a'), (2, 'b')`
    Tuples,
    /// Lines of fields with tabs between, as behind `COPY … FROM stdin`.
    Tabs,
    /// `[1,"a"],[2,"b"]`
    Arrays,
    /// `<tr><td>1</td><td>a</td></tr>`
    Cells,
    /// `| 1 | a |`
    Pipes,
    /// Lines of fields with this byte between, below a line of names that nothing stands above.
    Lines(u8),
    /// `"a": [1, 2]`
    Elements,
    /// `a:`, and lines that begin with a dash.
    Dashes,
    /// `"a": {"value": 1}`
    Members,
    /// `{"f":[{"v":"1"},{"v":"a"}]}`, as BigQuery writes rows; never read forwards.
    Fields,
}

/// Kinds of headers; what [`Kind::Tabs`] stands under ends like that of tuples.
pub(in crate::detect) const ENDS: [Kind; 8] = [
    Kind::Tuples,
    Kind::Arrays,
    Kind::Cells,
    Kind::Pipes,
    Kind::Lines(b','),
    Kind::Elements,
    Kind::Dashes,
    Kind::Members,
];

/// A header that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::detect) struct Header {
    pub kind: Kind,
    pub names: Vec<Range<usize>>,
    /// Where its rows begin.
    pub rows: usize,
}

/// Most blanks that are passed over.
const BLANKS: usize = 64;

/// The kinds in which one name is that of all, a bit each in the order of [`ENDS`].
pub(in crate::detect) const OF_ALL: u8 = ELEMENTS | DASHES | MEMBERS;
const ELEMENTS: u8 = 32;
const DASHES: u8 = 64;
const MEMBERS: u8 = 128;

/// The kinds of headers in which a name can stand that has `rest` behind it, a bit each in the order of [`ENDS`].
pub(in crate::detect) fn kinds_behind(rest: &[u8]) -> u8 {
    const TUPLES: u8 = 1;
    const ARRAYS: u8 = 2;
    const CELLS: u8 = 4;
    const PIPES: u8 = 8;
    const LINES: u8 = 16;
    match rest {
        [b'<', b'/', ..] => CELLS,
        [b'|', ..] => PIPES | LINES,
        [b'*', b' ', b'|', ..] | [b'*', b'*', b' ', b'|', ..] => PIPES,
        [b'"', b',', ..] => TUPLES | ARRAYS | LINES,
        [b'"', b']', ..] => ARRAYS,
        [b'"' | b'\'' | b'`' | b']', b',' | b')', ..] | [b')', ..] => TUPLES,
        [b',', ..] => TUPLES | LINES,
        [b';' | b'\t' | b'\n' | b'^' | b'~' | 0x01 | 0x1f, ..]
        | [b'\r', b'\n', ..]
        | [b'"', b';' | b'\t' | b'\n' | b'\r', ..] => LINES,
        [b'"' | b'\'', b':', value @ ..] | [b':', value @ ..] => match value {
            [b'[', ..] | [b' ', b'[', ..] => ELEMENTS,
            [b'{', ..] | [b' ', b'{', ..] => MEMBERS,
            [b'\n', ..] | [b'\r', b'\n', ..] => DASHES,
            _ => 0,
        },
        _ => 0,
    }
}

/// Where the first mark stands that can end a header.
pub(in crate::detect) fn end(text: &[u8], kind: Kind) -> Option<usize> {
    match kind {
        Kind::Tuples | Kind::Tabs => memchr::memchr(b')', text),
        Kind::Arrays => memchr::memchr(b']', text),
        Kind::Cells => memchr::memchr_iter(b'<', text).find(|&at| begins(&text[at..], b"</tr")),
        Kind::Pipes | Kind::Lines(_) | Kind::Dashes => memchr::memchr(b'\n', text),
        Kind::Elements => memchr::memchr(b'[', text),
        Kind::Members => memchr::memchr(b'{', text),
        Kind::Fields => None,
    }
}

/// The header that ends with the mark at `end`, where a list follows it.
pub(in crate::detect) fn of(text: &[u8], end: usize, kind: Kind) -> Option<Header> {
    match kind {
        Kind::Tuples | Kind::Tabs => tuples(text, end),
        Kind::Arrays => arrays(text, end),
        Kind::Cells => cells(text, end),
        Kind::Pipes => pipes(text, end),
        Kind::Lines(_) => lines(text, end),
        Kind::Elements | Kind::Dashes | Kind::Members => named(text, end, kind),
        Kind::Fields => None,
    }
}

fn blanks(text: &[u8], at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    at + rest.iter().take(BLANKS).take_while(|byte| byte.is_ascii_whitespace()).count()
}

fn tuples(text: &[u8], end: usize) -> Option<Header> {
    let least = end.saturating_sub(limits::NAMES_REACH);
    let list = list_before(&text[least..], end + 1 - least)?;
    let names = fields(text, least + list.start..least + list.end, b',');
    let behind = blanks(text, end + 1);
    let rest = &text[behind..];
    let (kind, word) = match () {
        () if begins(rest, b"values") => (Kind::Tuples, b"values".len()),
        () if begins(rest, b"from stdin") => (Kind::Tabs, b"from stdin".len()),
        () => return None,
    };
    Some(Header { kind, names, rows: behind + word })
}

/// The first of the arrays: `[["a","b"],[1,2]]`, `"columns":["a","b"],"rows":[[1,2]]`.
fn arrays(text: &[u8], end: usize) -> Option<Header> {
    let least = end.saturating_sub(limits::NAMES_REACH);
    let open =
        least + memchr::memrchr2(b'[', b']', &text[least..end]).filter(|&open| text[least + open] == b'[')?;
    let comma = blanks(text, end + 1);
    (text.get(comma) == Some(&b',')).then_some(())?;
    let mut rows = blanks(text, comma + 1);
    if text.get(rows) == Some(&b'"') {
        let key = text.get(rows + 1..)?.iter().take(BLANKS).position(|&byte| byte == b'"')?;
        let colon = blanks(text, rows + key + 2);
        (text.get(colon) == Some(&b':')).then_some(())?;
        rows = blanks(text, colon + 1) + 1;
        (text.get(rows - 1) == Some(&b'[') && text.get(blanks(text, rows)) == Some(&b'[')).then_some(())?;
    }
    (text.get(blanks(text, rows)) == Some(&b'[')).then_some(())?;
    Some(Header { kind: Kind::Arrays, names: fields(text, open + 1..end, b','), rows })
}

fn cells(text: &[u8], end: usize) -> Option<Header> {
    let least = end.saturating_sub(limits::NAMES_REACH);
    let row =
        memchr::memrchr_iter(b'<', &text[least..end]).find(|&at| begins(&text[least + at..], b"<tr"))?;
    let is_cell = |at: &usize| begins(&text[*at..], b"<th") || begins(&text[*at..], b"<td");
    let starts =
        memchr::memchr_iter(b'<', &text[least + row..end]).map(|at| least + row + at).filter(is_cell);
    let names = starts.map(|at| cell(text, at, end)).collect();
    Some(Header { kind: Kind::Cells, names, rows: end })
}

/// What a cell says whose tag begins at `at`, in a row that ends at `end`: behind its tag and those before its first text.
pub(super) fn cell(text: &[u8], mut at: usize, end: usize) -> Range<usize> {
    let start = at;
    let is_other =
        |at: usize| is_tag(&text[at..], false, &CELLS) || at > start && is_tag(&text[at..], true, &CELLS);
    while at < end && text[at] == b'<' && !is_other(at) {
        at = memchr::memchr(b'>', &text[at..end]).map_or(end, |close| at + close + 1);
        at = blanks(text, at).min(end);
    }
    let length = memchr::memchr(b'<', &text[at..end]).unwrap_or(end - at);
    at..at + text[at..at + length].trim_ascii_end().len()
}

/// A line of names over one of dashes: `|---|` in Markdown, `+---+` around what database clients print.
fn pipes(text: &[u8], end: usize) -> Option<Header> {
    let least = end.saturating_sub(limits::NAMES_REACH);
    let start = memchr::memrchr(b'\n', &text[least..end]).map_or(least, |line| least + line + 1);
    let line = start + blanks(&text[start..end], 0)..end;
    let rule = &text[blanks(text, end + 1)..];
    let of_rule = |byte: &&u8| matches!(byte, b'|' | b'-' | b':' | b' ' | b'+' | b'=');
    let dashes = rule.iter().take(BLANKS).take_while(of_rule).count();
    let says = |mark: &[u8]| memchr::memmem::find(&rule[..dashes], mark).is_some();
    let is_rule = matches!(rule.first(), Some(b'|' | b'+')) && (says(b"--") || says(b"=="));
    // Rows are counted from the mark that each begins with.
    let names = fields(text, line.clone(), b'|');
    (is_rule && text.get(line.start) == Some(&b'|')).then_some(Header { kind: Kind::Pipes, names, rows: end })
}

/// A line of names below an empty one; what a text begins with is a table as a whole.
fn lines(text: &[u8], end: usize) -> Option<Header> {
    // With room for what stands above.
    let least = end.saturating_sub(limits::NAMES_REACH - SAID - 8);
    let (start, (mark, cells)) = match memchr::memrchr(b'\n', &text[least..end]) {
        Some(above) => (least + above + 1, header_line(text, least + above + 1, end)?),
        // A text's own first line, where more than a mark parts its names.
        None if least == 0 && memchr::memmem::find(&text[..end], b" |").is_some() => {
            (0, ruled(text, 0, end)?)
        }
        None => return None,
    };
    let name = |cell: Range<u32>| start + cell.start as usize..start + cell.end as usize;
    Some(Header { kind: Kind::Lines(mark), names: cells.into_iter().map(name).collect(), rows: end })
}

/// What parts the names of the line at `start`, and where they are in it, if nothing stands in the line above or dashes do
/// in the one below.
fn header_line(text: &[u8], start: usize, end: usize) -> Option<(u8, Vec<Range<u32>>)> {
    let above = text[..start].strip_suffix(b"\n")?;
    let line = &text[start..end];
    match is_above(above) {
        true => layout::header(line.trim_ascii_end()),
        false => ruled(text, start, end).or_else(|| led_to(above, line)),
    }
}

/// Whether a table may begin below what ends so: an empty line, or a fence and perhaps what it says of its content.
fn is_above(text: &[u8]) -> bool {
    let text = text.strip_suffix(b"\r").unwrap_or(text);
    let says = text.iter().rev().take(SAID).take_while(|byte| byte.is_ascii_alphanumeric()).count();
    text.ends_with(b"\n") || text[..text.len() - says].ends_with(b"```")
}

/// Most letters that a fence has behind it.
const SAID: usize = 12;

/// The same as of a header of a line below one that ends with a colon, where it is no sentence.
fn led_to(above: &[u8], line: &[u8]) -> Option<(u8, Vec<Range<u32>>)> {
    let leads = matches!(above, [.., b':'] | [.., b':', b'\r']);
    leads
        .then(|| layout::header(line.trim_ascii_end()))
        .flatten()
        .filter(|(mark, cells)| are_many(*mark, cells, line))
}

/// Whether what such marks part are hardly a pair, with a bar between, or a sentence with commas.
fn are_many(mark: u8, cells: &[Range<u32>], line: &[u8]) -> bool {
    match mark {
        b',' => cells.len() > 2 && memchr::memmem::find(line, b", ").is_none(),
        b'|' => cells.len() > 2,
        _ => true,
    }
}

/// The same of a line over one of dashes.
fn ruled(text: &[u8], start: usize, end: usize) -> Option<(u8, Vec<Range<u32>>)> {
    begins_rule(&text[end + 1..]).then(|| layout::header(text[start..end].trim_ascii_end())).flatten()
}

/// Whether a line of dashes begins so, as clients print below the names of columns.
pub(super) fn begins_rule(text: &[u8]) -> bool {
    let is_rule = |byte: &&u8| matches!(byte, b'-' | b'=' | b'+' | b' ');
    let dashes = text.iter().take(BLANKS).take_while(is_rule).count();
    let ends = dashes == BLANKS || matches!(text.get(dashes), None | Some(b'\n' | b'\r'));
    ends && (text.starts_with(b"--") || text.starts_with(b"=="))
}

/// Where no line stands below an empty one, a fence or a colon, or over one of dashes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Headless([Absent; 5]);

impl Headless {
    pub(super) const NONE: Headless = Headless([Absent::NONE; 5]);

    /// Whether none does between the two places.
    fn is(&mut self, text: &[u8], from: usize, at: usize) -> bool {
        let [short, long, rule, double, fence] = &mut self.0;
        let end = |text: &[u8]| {
            let behind = |end: &usize| end.checked_sub(1).is_some_and(|i| matches!(text[i], b'\n' | b':'));
            memchr::memchr_iter(b'\n', text).find(behind).map(|end| end - 1)
        };
        short.is(2, text, (from, at), end)
            && long.is(3, text, (from, at), |text| memchr::memmem::find(text, b"\n\r\n"))
            && rule.is(3, text, (from, at), |text| memchr::memmem::find(text, b"\n--"))
            && double.is(3, text, (from, at), |text| memchr::memmem::find(text, b"\n=="))
            && fence.is(3, text, (from, at), |text| memchr::memmem::find(text, b"```"))
    }
}

/// The name of the column of `at` in a table below an empty line, as people paste them.
pub(super) fn of_block(headless: &mut Headless, text: &[u8], from: usize, at: usize) -> Option<Name> {
    let (line, row) = head_of(headless, text, from, at)?;
    let head = header_line(text, line.start, line.end).map(|(mark, cells)| (line.start, mark, cells));
    let (start, mark, cells) = head.or_else(|| titled(text, &line, row))?;
    let mut column = Row::NONE;
    column.advance(text, row - 1, at, mark);
    let cell = cells.get(column.column()?)?;
    let name = start + cell.start as usize..start + cell.end as usize;
    Some(Name::listed(Kind::Lines(mark), name, column.column()?))
}

/// The name of the column of `at` in a table that a string of JSON begins with: `"csv":"id,ssn\n1,536904399\n"`; or that
/// stands in it as it would in a text.
pub(super) fn of_string(text: &[u8], from: usize, at: usize) -> Option<Name> {
    let row = from + memchr::memrchr(b'\n', &text[from..at])? + 1;
    let start = string_start(text, from, at)?;
    let end = start + memchr::memchr(b'\n', text.get(start..row)?)?;
    let line = text[start..end].trim_ascii_end();
    let rows = &text[end..at];
    let holds = |mark: &[u8]| memchr::memmem::find(rows, mark).is_some();
    // Sentences have commas, too.
    let is_list = |mark: u8| mark != b',' || memchr::memmem::find(line, b", ").is_none();
    let head =
        layout::header(line).filter(|(mark, _)| is_list(*mark) && !holds(b"\n\n") && !holds(b"\n\r\n"));
    if holds(b"\":") {
        return None;
    }
    let Some((mark, cells)) = head else {
        let mut headless = Headless::NONE;
        let within = of_block(&mut headless, &text[start..], 0, at - start)?;
        return Some(Name { range: start + within.range.start..start + within.range.end, ..within });
    };
    let mut column = Row::NONE;
    column.advance(text, row - 1, at, mark);
    let cell = cells.get(column.column()?)?;
    let name = start + cell.start as usize..start + cell.end as usize;
    Some(Name::listed(Kind::Lines(mark), name, column.column()?))
}

/// Where the last string under a key of JSON begins.
pub(super) fn string_start(text: &[u8], from: usize, to: usize) -> Option<usize> {
    let is_value = |quote: &usize| text[from..*quote].trim_ascii_end().ends_with(b":");
    memchr::memrchr_iter(b'"', text.get(from..to)?)
        .map(|quote| from + quote)
        .find(is_value)
        .map(|quote| quote + 1)
}

/// Where the line below a title begins, or below the rule that a grid begins with, what parts its names and where they
/// are in it, if rows follow.
fn titled(text: &[u8], title: &Range<usize>, row: usize) -> Option<(usize, u8, Vec<Range<u32>>)> {
    let start = title.end + 1;
    let end = start + memchr::memchr(b'\n', text.get(start..row)?)?;
    let (title, line) = (text[title.clone()].trim_ascii_end(), text[start..end].trim_ascii_end());
    let (mark, cells) = layout::header(line)?;
    let grid = title.starts_with(b"+-") && line.starts_with(b"|");
    // Rows have what parts them, and titles have not; a colon is a sign of something else.
    let plain = !title.contains(&mark) && !title.ends_with(b",") && memchr::memchr(b':', line).is_none();
    (grid || plain && are_many(mark, &cells, line)).then_some((start, mark, cells))
}

/// The line that heads the table of `at`, below an empty one or over one of dashes, and where the row of `at` begins.
pub(super) fn head_of(
    headless: &mut Headless,
    text: &[u8],
    from: usize,
    at: usize,
) -> Option<(Range<usize>, usize)> {
    // A text's own first line has none above it.
    if headless.is(text, from, at) && from > 0 {
        return None;
    }
    let row = from + memchr::memrchr(b'\n', &text[from..at])? + 1;
    let mut rows = memchr::memrchr_iter(b'\n', &text[from..row - 1]).map(|end| from + end + 1);
    // The line whose own line above is empty.
    let mut below = row;
    loop {
        let start = rows.next().or((from == 0 && below > 0).then_some(0))?;
        if start + 1 >= below {
            return None;
        }
        let above = &text[from..start.saturating_sub(1).max(from)];
        let is_first = start == 0 || is_above(above) || led_to(above, &text[start..below - 1]).is_some();
        if is_first || below < row && begins_rule(&text[below..]) {
            return Some((start..below - 1, row));
        }
        below = start;
    }
}

/// One name for all that follows: a key before a bracket or a line's end.
fn named(text: &[u8], end: usize, kind: Kind) -> Option<Header> {
    let least = end.saturating_sub(BLANKS);
    let is_mark = |byte: &u8| matches!(byte, b':' | b'"' | b'\'' | b' ' | b'\r');
    let close = least + text[least..end].iter().rposition(|byte| !is_mark(byte))? + 1;
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | 0x80..);
    let open =
        text[least..close].iter().rposition(|byte| !is_name(byte)).map_or(least, |open| least + open + 1);
    // Lists are called by many.
    let close = close - usize::from(text[open..close].ends_with(b"s"));
    let is_listed = kind != Kind::Dashes || text.get(blanks(text, end)) == Some(&b'-');
    let rows = if kind == Kind::Dashes { end } else { end + 1 };
    is_listed.then(|| Header { kind, names: std::iter::once(open..close).collect(), rows })
}

/// The list of names that heads rows, of which one begins at `row`, in the array at `all` that has perhaps a key.
pub(super) fn before_rows(
    text: &[u8],
    from: usize,
    (all, row): (usize, usize),
    key: Option<&Range<usize>>,
) -> Option<Range<usize>> {
    if let Some(before) = key.and_then(|key| list_above(text, from, key.start)) {
        return Some(before);
    }
    let first = blanks(text, all + 1);
    let is_header = first < row && text[first] == b'[' && text.get(blanks(text, first + 1)) == Some(&b'"');
    is_header.then_some(())?;
    let length = memchr::memchr2(b']', b'[', &text[first + 1..row])?;
    Some(first + 1..first + 1 + length)
}

/// The array of names right before the key that begins at `key`; another without any may stand between, as in
/// `"columns":["a","b"],"index":[0,1],"data":[[1,2]]`.
fn list_above(text: &[u8], from: usize, key: usize) -> Option<Range<usize>> {
    let list = array_above(text, from, key)?;
    let holds = |list: &Range<usize>, byte| memchr::memchr(byte, &text[list.clone()]).is_some();
    let is_named = |list: &Range<usize>| holds(list, b'"') && !holds(list, b'{');
    if is_named(&list) {
        return Some(list);
    }
    let colon = text[from..list.start - 1].trim_ascii_end().strip_suffix(b":")?.trim_ascii_end();
    let own = colon.strip_suffix(b"\"").and_then(|rest| memchr::memrchr(b'"', rest))?;
    array_above(text, from, from + own + 1).filter(is_named)
}

/// The array before the key that begins at `key` whose own key says that it holds names, perhaps with another between.
pub(super) fn names_above(text: &[u8], from: usize, key: usize) -> Option<Range<usize>> {
    const NAMES: [&[u8]; 5] = [b"names", b"columns", b"fields", b"keys", b"headers"];
    let mut key = key;
    for _ in 0..2 {
        let list = array_above(text, from, key)?;
        let colon = text[from..list.start - 1].trim_ascii_end().strip_suffix(b":")?.trim_ascii_end();
        let said = colon.strip_suffix(b"\"")?;
        key = from + memchr::memrchr(b'"', said)? + 1;
        let said = &said[key - from..];
        let ends = |word: &&[u8]| {
            said.len().checked_sub(word.len()).is_some_and(|start| said[start..].eq_ignore_ascii_case(word))
        };
        if NAMES.iter().any(ends) {
            return Some(list);
        }
    }
    None
}

/// The array right before the key that begins at `key`.
fn array_above(text: &[u8], from: usize, key: usize) -> Option<Range<usize>> {
    let before = text[from..key.checked_sub(1)?.max(from)].trim_ascii_end();
    let before = before.strip_suffix(b",")?.trim_ascii_end().strip_suffix(b"]")?;
    let open = memchr::memrchr2(b'[', b']', before).filter(|&open| before[open] == b'[')?;
    Some(from + open + 1..from + before.len())
}

/// The name of a column in the objects that describe each, in an array before the key that begins at `key`:
/// `"meta":[{"name":"ssn","type":"String"}],"data":[["536904399"]]`.
pub(super) fn described(text: &[u8], from: usize, key: usize, column: usize) -> Option<Range<usize>> {
    let before = text[from..key.checked_sub(1)?.max(from)].trim_ascii_end();
    let before = before.strip_suffix(b",")?.trim_ascii_end();
    let before = before.strip_suffix(b"}").unwrap_or(before).trim_ascii_end().strip_suffix(b"]")?;
    before.trim_ascii_end().ends_with(b"}").then_some(())?;
    let open = memchr::memrchr2(b'[', b']', before).filter(|&open| before[open] == b'[')?;
    let name = nth_called(&before[open..], column)?;
    Some(from + open + name.start..from + open + name.end)
}

/// The same in the schema before the rows that begin at `rows`: `"fields":[{"name":"ssn","type":"STRING"}]`.
pub(super) fn in_schema(text: &[u8], from: usize, rows: usize, column: usize) -> Option<Range<usize>> {
    let schema = from + memchr::memmem::rfind(text.get(from..rows)?, b"\"fields\"")?;
    let name = nth_called(&text[schema..rows], column)?;
    Some(schema + name.start..schema + name.end)
}

/// What the `nth` member `name` of a text says.
fn nth_called(text: &[u8], nth: usize) -> Option<Range<usize>> {
    const KEY: &[u8] = b"\"name\"";
    let at = memchr::memmem::find_iter(text, KEY).nth(nth)? + KEY.len();
    let colon = blanks(text, at);
    let quote = (text.get(colon) == Some(&b':')).then(|| blanks(text, colon + 1))?;
    let first = (text.get(quote) == Some(&b'"')).then_some(quote + 1)?;
    let length =
        memchr::memchr2(b'"', b'\\', &text[first..]).filter(|&length| text[first + length] == b'"')?;
    (1..=limits::NAME_LEN).contains(&length).then_some(first..first + length)
}

/// The number of the element that `at` lies in, of the array at `open`; none inside something in it.
pub(super) fn column(text: &[u8], open: usize, at: usize) -> Option<usize> {
    let (mut count, mut quoted) = (0, false);
    for mark in memchr::memchr3_iter(b',', b'"', b'\\', &text[open + 1..at]) {
        match text[open + 1 + mark] {
            b',' => count += usize::from(!quoted),
            b'"' => quoted = !quoted,
            // Escapes are rare in rows.
            _ => return None,
        }
    }
    Some(count)
}

/// The name at a place of a list.
pub(super) fn nth(text: &[u8], list: Range<usize>, column: usize) -> Option<Range<usize>> {
    each(text, list, b',').nth(column).filter(|name| !name.is_empty())
}

/// The fields of a header, as many as are kept.
fn fields(text: &[u8], list: Range<usize>, mark: u8) -> Vec<Range<usize>> {
    each(text, list, mark).take(limits::COLUMNS).collect()
}

/// The fields of a list, without blanks and quotes.
fn each(text: &[u8], list: Range<usize>, mark: u8) -> impl Iterator<Item = Range<usize>> {
    let mut start = list.start;
    let bare =
        |byte: &u8| !byte.is_ascii_whitespace() && !matches!(byte, b'`' | b'"' | b'\'' | b'[' | b']' | b'*');
    let field = move |field: &[u8]| {
        let own = start;
        start += field.len() + 1;
        let first = field.iter().position(bare).unwrap_or(field.len());
        let last = field.iter().rposition(bare).map_or(first, |last| last + 1);
        own + first..own + last
    };
    text[list].split(move |&byte| byte == mark).map(field)
}
