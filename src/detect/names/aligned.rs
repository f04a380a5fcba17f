//! Columns that blanks align, in reports and on terminals: a value is called what the head says at its place.

use std::ops::Range;

use super::headers::{self, Headless, Kind, begins_rule};
use super::{Name, Scope, characters, layout};
use crate::limits;

/// The name of the column of `at`, where the head of its table says one there.
pub(super) fn own(headless: &mut Headless, text: &[u8], from: usize, at: usize) -> Option<Name> {
    let before = &text[from..at];
    let is_apart = before.ends_with(b"  ") || before.ends_with(b"\n");
    if !is_apart && !before.ends_with(b" ") {
        return None;
    }
    let (line, row) = headers::head_of(headless, text, from, at)?;
    let head = text[line.clone()].trim_ascii_end();
    if head.len() > limits::NAMES_REACH || head.contains(&b'\t') {
        return None;
    }
    let place = characters(&text[row..at]);
    let rule = text.get(line.end + 1..row).filter(|below| begins_rule(below));
    let rule = rule.and_then(|below| below.split(|byte| *byte == b'\n').next());
    let ruled = rule.and_then(|rule| ruled(head, rule.trim_ascii_end()));
    // Without a rule any text may have blanks in its first line: then the value begins where its name does, further right, or
    // ends where that does.
    let exact = ruled.is_none();
    // One blank parts columns that a rule draws.
    if exact && !is_apart {
        return None;
    }
    let ends = place + characters(&text[at..at + length(&text[at..])]);
    let covers = |cell: &Range<usize>| {
        let start = characters(&head[..cell.start]);
        let end = start + characters(&head[cell.clone()]);
        if exact { start == place && place > 0 || end == ends } else { (start..end).contains(&place) }
    };
    let cells = ruled.or_else(|| parted(head))?;
    let column = cells.iter().position(covers)?;
    let cell = cells.get(column)?;
    Some(Name::listed(Kind::Lines(b' '), line.start + cell.start..line.start + cell.end, column))
}

/// How long a cell is that begins here, and that two blanks end.
fn length(text: &[u8]) -> usize {
    let text = &text[..text.len().min(limits::NAME_LEN)];
    let line = memchr::memchr2(b'\n', b'\r', text).unwrap_or(text.len());
    memchr::memmem::find(&text[..line], b"  ").unwrap_or(line)
}

/// The name before a bar on a line of the two alone: `name   | value`.
pub(super) fn paired(text: &[u8], from: usize, at: usize) -> Option<Name> {
    let bar = text[from..at].trim_ascii_end().strip_suffix(b"|")?.len() + from;
    let start = match memchr::memrchr(b'\n', &text[from..bar]) {
        Some(end) => from + end + 1,
        None if from == 0 => 0,
        None => return None,
    };
    let line = text[start..bar].trim_ascii_end();
    let first = line.iter().position(|byte| !matches!(byte, b' ' | b'|'))?;
    let name = &line[first..];
    let fits = !name.contains(&b'|') && layout::is_name(name);
    fits.then(|| Name::of(Scope::FormKey, start + first..start + line.len()))
}

/// The names of a head, where two blanks or more part them.
fn parted(head: &[u8]) -> Option<Vec<Range<usize>>> {
    let (mut cells, mut at) = (Vec::new(), 0);
    while let Some(skipped) = head[at..].iter().position(|byte| *byte != b' ') {
        let start = at + skipped;
        at = start + memchr::memmem::find(&head[start..], b"  ").unwrap_or(head.len() - start);
        cells.push(start..at);
    }
    named(head, cells)
}

/// The names of a head over dashes, each over its own.
fn ruled(head: &[u8], rule: &[u8]) -> Option<Vec<Range<usize>>> {
    // Byte offsets of the head's characters.
    let places: Vec<usize> =
        (0..head.len()).filter(|at| head[*at] & 0xc0 != 0x80).chain([head.len()]).collect();
    let place = |column: usize| places.get(column).copied().unwrap_or(head.len());
    let drawn = |byte: u8| matches!(byte, b'-' | b'=');
    let begins = |at: &usize| drawn(rule[*at]) && (*at == 0 || !drawn(rule[*at - 1]));
    let starts: Vec<usize> = (0..rule.len()).filter(begins).collect();
    let ends = starts.iter().skip(1).copied().chain([usize::MAX]);
    let cells = starts.iter().zip(ends).map(|(&start, end)| {
        let (start, end) = (place(start), place(end));
        let cell = &head[start..end];
        let blank = cell.len() - cell.trim_ascii_start().len();
        start + blank..start + cell.trim_ascii_end().len().max(blank)
    });
    named(head, cells.collect())
}

/// Two names or more, of which none is a sentence or a number.
fn named(head: &[u8], cells: Vec<Range<usize>>) -> Option<Vec<Range<usize>>> {
    let fits = |cell: &Range<usize>| layout::is_name(&head[cell.clone()]);
    (cells.len() > 1 && cells.len() <= limits::COLUMNS && cells.iter().all(fits)).then_some(cells)
}
