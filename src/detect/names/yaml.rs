//! Keys of YAML in block style, read backwards: that of a line, and those of the lines that it is indented under.

use std::ops::Range;

use super::{Name, Scope, says_nothing};
use crate::limits;

/// One line of a mapping or a sequence.
#[derive(Clone, Debug, Default)]
struct Line {
    /// The column of its first dash, if it has any, and of what stands behind them.
    dash: Option<usize>,
    column: usize,
    key: Option<Range<usize>>,
    /// Where what stands behind the key begins.
    rest: usize,
}

/// The line that begins at `start`, as far as it goes to `end`.
fn line(text: &[u8], start: usize, end: usize) -> Line {
    let blanks = |at: usize| text[at..end].iter().take_while(|&&byte| byte == b' ').count();
    let mut at = start + blanks(start);
    let mut dash = None;
    while at + 1 < end && text[at] == b'-' && text[at + 1] == b' ' {
        dash.get_or_insert(at - start);
        at += 1 + blanks(at + 1);
    }
    let key = key(text, at, end);
    let rest = key.as_ref().map_or(at, |(_, rest)| *rest);
    Line { dash, column: at - start, key: key.map(|(key, _)| key), rest }
}

/// The key at `at` that a colon and a blank, or the line's end, follow; and where its value begins.
fn key(text: &[u8], at: usize, end: usize) -> Option<(Range<usize>, usize)> {
    let (key, colon) = match text[at..end].first()? {
        quote @ (b'"' | b'\'') => {
            let close = at + 1 + memchr::memchr(*quote, &text[at + 1..end])?;
            (at + 1..close, close + 1)
        }
        _ => {
            let length = text[at..end].iter().take_while(|&&byte| is_key(byte)).count();
            (at..at + length, at + length)
        }
    };
    let behind = text[..end].get(colon + 1);
    let ends = behind.is_none_or(|&byte| matches!(byte, b' ' | b'\t' | b'\r'));
    let fits = !key.is_empty() && key.len() <= limits::NAME_LEN;
    (fits && ends && text[..end].get(colon) == Some(&b':')).then_some((key, (colon + 1).min(end)))
}

fn is_key(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'/' | b'$' | b'@' | 0x80..)
}

/// Whether what stands behind a key says that its value stands below.
fn opens(rest: &[u8]) -> bool {
    let rest = rest.trim_ascii();
    rest.first().is_none_or(|byte| matches!(byte, b'|' | b'>' | b'&' | b'!' | b'#'))
}

/// Where the line that holds `at` begins.
fn line_start(text: &[u8], from: usize, at: usize) -> Option<usize> {
    match memchr::memrchr(b'\n', &text[from..at]) {
        Some(end) => Some(from + end + 1),
        None => (from == 0).then_some(0),
    }
}

/// What the line above the one at `start` calls a value there: `- name: SSN`, and below it `value: …`.
fn called(text: &[u8], from: usize, start: usize, column: usize) -> Option<Range<usize>> {
    let end = start.checked_sub(1).filter(|&end| end >= from)?;
    let line = line(text, line_start(text, from, end)?, end);
    let is_name = |key: Range<usize>| {
        [&b"name"[..], b"key"].iter().any(|name| text[key.clone()].eq_ignore_ascii_case(name))
    };
    line.key.filter(|_| line.column == column).filter(|key| is_name(key.clone()))?;
    let is_bare = |byte: &u8| !byte.is_ascii_whitespace() && !matches!(byte, b'"' | b'\'');
    let name = &text[line.rest..end];
    let (first, last) = (name.iter().position(is_bare)?, name.iter().rposition(is_bare)?);
    (last - first < limits::NAME_LEN).then_some(line.rest + first..line.rest + last + 1)
}

/// Appends the keys around `at`, innermost first; whether the outermost stands at the margin. `declared`: it is known to
/// be YAML. Else more than one line must look like it.
pub(super) fn look(text: &[u8], from: usize, at: usize, declared: bool, out: &mut Vec<Name>) -> Option<bool> {
    let mut start = line_start(text, from, at)?;
    let own = line(text, start, at);
    // In flow style the rules of JSON hold.
    if own.key.is_some() && text[own.rest..at].trim_ascii_start().starts_with(b"{") {
        return None;
    }
    let before = out.len();
    let (mut column, mut dash) = (own.column, own.dash);
    match own.key {
        Some(key) => {
            let tells_nothing = says_nothing(&text[key.clone()]);
            out.push(Name::of(Scope::JsonPath, key));
            let called = tells_nothing.then(|| called(text, from, start, column)).flatten();
            out.extend(called.map(|name| Name { called: true, ..Name::of(Scope::JsonPath, name) }));
        }
        // The first of a text that goes on over lines stands further left than the rest.
        None if dash.is_none() && column == 0 => return None,
        None => {}
    }
    let mut is_listed = dash.is_some();
    let mut rooted = column == 0 && dash.is_none();
    while !rooted && out.len() - before < limits::NAMES {
        let Some(end) = start.checked_sub(1).filter(|&end| end >= from) else { break };
        let Some(above) = line_start(text, from, end) else { break };
        start = above;
        let blank = text[start..end].trim_ascii();
        if blank.is_empty() || blank.starts_with(b"#") {
            continue;
        }
        let line = line(text, start, end);
        // The item that the key is one of may begin above it.
        if dash.is_none() && line.dash.is_some() && line.column == column {
            (dash, is_listed) = (line.dash, true);
            continue;
        }
        let margin = dash.unwrap_or(column);
        let left = line.dash.is_none() && dash.is_some() && line.column == margin;
        if line.key.is_some() && (line.column < margin || left) {
            if !opens(&text[line.rest..end]) {
                break;
            }
            out.extend(line.key.map(|key| Name::of(Scope::JsonPath, key)));
            (column, dash) = (line.column, line.dash);
            is_listed |= dash.is_some();
            rooted = column == 0 && dash.is_none();
        } else if line.column < margin && line.dash.is_none() {
            break;
        }
    }
    // One line with a colon may be anything.
    let many = if is_listed { 1 } else { 2 };
    let enough = out.len() - before >= if declared { 1 } else { many };
    if !enough {
        out.truncate(before);
        return None;
    }
    Some(rooted)
}
