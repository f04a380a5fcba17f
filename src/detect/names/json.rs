//! Keys of JSON objects, read backwards: the key of a value, and those of the objects around it.

use std::ops::Range;

use super::{Name, Scope, headers, trimmed};
use crate::limits::NAME_LEN;

/// Where a value or its key begins, and the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Own {
    pub(super) at: usize,
    pub(super) key: Option<Range<usize>>,
}

/// The unescaped quote before `to`, not below `from`. `None` as well where what is looked at does not tell.
fn quote_before(text: &[u8], from: usize, to: usize) -> Option<usize> {
    let mut to = to;
    loop {
        let at = from + memchr::memrchr(b'"', &text[from..to])?;
        let escapes = escapes_before(text, from, at);
        if at - escapes == from && from > 0 {
            return None;
        }
        if escapes.is_multiple_of(2) {
            return Some(at);
        }
        to = at;
    }
}

fn escapes_before(text: &[u8], from: usize, at: usize) -> usize {
    text[from..at].iter().rev().take_while(|&&byte| byte == b'\\').count()
}

/// The key before the `:` at `colon`: where its quote opens, and what it says.
fn key_before(text: &[u8], from: usize, colon: usize) -> Option<Own> {
    let end = trimmed(text, from, colon);
    let close = end.checked_sub(1).filter(|&close| close >= from)?;
    let open = match text[close] {
        b'"' => quote_before(text, from, close)?,
        b'\'' => from + memchr::memrchr(b'\'', &text[from..close])?,
        _ => return bare_key(text, from, end),
    };
    Some(Own { at: open, key: Some(open + 1..close) })
}

/// A key without quotes that ends at `end`, as in literals of programs: of an object that begins in sight.
fn bare_key(text: &[u8], from: usize, end: usize) -> Option<Own> {
    let is_key = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | b'-');
    let length = text[from..end].iter().rev().take(NAME_LEN).take_while(is_key).count();
    let at = end - length;
    let before = trimmed(text, from, at);
    let last = before.checked_sub(1).filter(|&last| last >= from && length > 0).map(|last| text[last])?;
    let mut depth = 0usize;
    let mut opens = || {
        let opener = text[from..before].iter().rev().take(BARE_REACH).find(|byte| match byte {
            b'}' | b']' | b')' => {
                depth += 1;
                false
            }
            b'{' | b'[' | b'(' if depth > 0 => {
                depth -= 1;
                false
            }
            byte => matches!(byte, b'{' | b'[' | b'('),
        });
        opener == Some(&b'{')
    };
    (last == b'{' || last == b',' && opens()).then_some(Own { at, key: Some(at..end) })
}

/// How far before a key without quotes its object is looked for.
const BARE_REACH: usize = 256;

/// What the value that holds `at` is to JSON: under a key, or in an array. `None` where nothing looks like JSON.
/// `quoted`: whether a quote stands between.
pub(super) fn own(text: &[u8], from: usize, at: usize, quoted: bool) -> Option<Own> {
    if let Some(quote) = quoted.then(|| quote_before(text, from, at)).flatten() {
        let end = trimmed(text, from, quote);
        let opens = end > from && matches!(text[end - 1], b':' | b',' | b'[' | b'{');
        // No string goes over several lines.
        if opens && memchr::memchr(b'\n', &text[quote..at]).is_none() {
            return match text[end - 1] {
                b':' => key_before(text, from, end - 1),
                _ => Some(Own { at: quote, key: None }),
            };
        }
    }
    let sign = usize::from(at > from && matches!(text[at - 1], b'-' | b'\''));
    let end = trimmed(text, from, at - sign);
    match end.checked_sub(1).filter(|&last| last >= from).map(|last| text[last])? {
        b':' => key_before(text, from, end - 1),
        b'[' => Some(Own { at, key: None }),
        b',' => {
            let before = trimmed(text, from, end - 1);
            let is_element = before > from && matches!(text[before - 1], b'0'..=b'9' | b'"' | b']' | b'}');
            is_element.then_some(Own { at, key: None })
        }
        _ => None,
    }
}

/// A bracket that encloses a place.
#[derive(Clone, Debug)]
struct Opener {
    at: usize,
    key: Option<Range<usize>>,
    /// The first byte that was looked at to tell what stands before it.
    looked: usize,
    /// Whether nothing is around it.
    root: bool,
    /// Whether it begins a string: what is in it is a text of its own.
    quoted: bool,
}

/// What encloses the last place that was asked about: the way up from a later one meets it.
#[derive(Clone, Debug, Default)]
pub(super) struct Climb {
    at: Option<usize>,
    openers: Vec<Opener>,
    next: Vec<Opener>,
}

impl Climb {
    pub(super) const fn new() -> Climb {
        Climb { at: None, openers: Vec::new(), next: Vec::new() }
    }

    pub(super) fn clear(&mut self) {
        self.at = None;
        self.openers.clear();
    }

    /// Forgets everything, and lets go of room for more than so many.
    pub(super) fn rest(&mut self, most: usize) {
        self.clear();
        self.next.clear();
        self.openers.shrink_to(most);
        self.next.shrink_to(most);
    }

    /// Appends the keys of the objects around `at`, innermost first; whether the last has nothing around it.
    pub(super) fn up(&mut self, text: &[u8], from: usize, at: usize, out: &mut Vec<Name>) -> bool {
        self.next.clear();
        self.walk(text, from, at);
        std::mem::swap(&mut self.openers, &mut self.next);
        self.at = Some(at);
        for opener in &self.openers {
            if let Some(last) = out.last_mut().filter(|_| opener.quoted) {
                last.inner = true;
            }
            out.extend(opener.key.clone().map(|key| Name::of(Scope::JsonPath, key)));
        }
        self.openers.last().is_some_and(|last| last.root)
    }

    /// The name of the column of `at`, an element of an array in an array: in the first of those, or in an array right before
    /// them.
    pub(super) fn header(&self, text: &[u8], from: usize, at: usize) -> Option<Name> {
        if let Some(name) = self.parallel(text, from, at) {
            return Some(name);
        }
        let [row, all, ..] = &*self.openers else { return None };
        let is_array = row.key.is_none() && text[row.at] == b'[' && text[all.at] == b'[';
        let column = is_array.then(|| headers::column(text, row.at, at)).flatten()?;
        let described = all.key.as_ref().and_then(|key| headers::described(text, from, key.start, column));
        let listed = || {
            let list = headers::before_rows(text, from, (all.at, row.at), all.key.as_ref())?;
            headers::nth(text, list, column)
        };
        described.or_else(listed).map(|name| Name::listed(headers::Kind::Arrays, name, column))
    }

    /// The name of an element of an array of values, in an array of names before it in their object:
    /// `"columnnames":["id","ssn"],"columntypes":["integer","text"],"columnvalues":[7,"536904399"]`.
    fn parallel(&self, text: &[u8], from: usize, at: usize) -> Option<Name> {
        let own = self.openers.first().filter(|own| text[own.at] == b'[')?;
        let key = own.key.as_ref().filter(|key| {
            let said = &text[(*key).clone()];
            let ends = |word: &[u8]| {
                said.len()
                    .checked_sub(word.len())
                    .is_some_and(|start| said[start..].eq_ignore_ascii_case(word))
            };
            ends(b"values") || ends(b"data") || ends(b"row")
        })?;
        let column = headers::column(text, own.at, at)?;
        let names = headers::names_above(text, from, key.start)?;
        let name = headers::nth(text, names, column)?;
        Some(Name { column, ..Name::of(Scope::CsvHeader, name) })
    }

    /// The name of the column of the field that the last place which was asked about stands in, in rows as BigQuery writes
    /// them, below the schema that describes them: `{"f":[{"v":"1"},{"v":"a"}]}`.
    pub(super) fn in_schema(&self, text: &[u8], from: usize, key: &Range<usize>) -> Option<Name> {
        let [field, row, _, rows, ..] = &*self.openers else { return None };
        let is_row = row.key.clone().is_some_and(|own| text[own] == *b"f") && text[row.at] == b'[';
        let is_field = is_row && text[key.clone()] == *b"v";
        let column = is_field.then(|| headers::column(text, row.at, field.at)).flatten()?;
        let name = headers::in_schema(text, from, rows.at, column)?;
        Some(Name::listed(headers::Kind::Fields, name, column))
    }

    /// Whether that is an array under a key of its own.
    pub(super) fn in_list(&self, text: &[u8]) -> bool {
        self.openers.first().is_some_and(|first| first.key.is_some() && text[first.at] == b'[')
    }

    /// The innermost bracket that the last place which was asked about stands in.
    pub(super) fn inner(&self) -> Option<usize> {
        self.openers.first().map(|first| first.at)
    }

    /// Where the bracket opens around that one, and the key between them.
    pub(super) fn around(&self) -> Option<(usize, &Range<usize>)> {
        let [inner, outer, ..] = &*self.openers else { return None };
        inner.key.as_ref().map(|key| (outer.at, key))
    }

    /// The outermost bracket that the last place which was asked about stands in.
    pub(super) fn root(&self) -> Option<usize> {
        self.openers.last().filter(|last| last.root).map(|last| last.at)
    }

    fn walk(&mut self, text: &[u8], from: usize, at: usize) {
        let (mut at, mut depth) = (at, 0);
        loop {
            if self.at == Some(at) {
                // From here on the way is known, unless it goes on where the earlier one ended.
                self.at = None;
                let top = self.openers.last().filter(|top| top.root && depth >= self.openers.len());
                let Some(top) = top.filter(|top| top.at > from) else {
                    let known = self.openers.drain(..).skip(depth);
                    self.next.extend(known.take_while(|opener| opener.looked >= from));
                    return;
                };
                (at, depth) = (top.at, depth - self.openers.len());
            }
            if at <= from {
                return;
            }
            at -= 1;
            match text[at] {
                b'"' => match quote_before(text, from, at) {
                    Some(open) => at = open,
                    None => return,
                },
                b'}' | b']' => depth += 1,
                b'{' | b'[' => {
                    let Some((opener, next)) = enclosing(text, from, at) else { return };
                    let root = opener.root;
                    if depth > 0 {
                        depth -= 1;
                    } else {
                        self.next.push(opener);
                        if root {
                            return;
                        }
                    }
                    at = next;
                }
                _ => {}
            }
        }
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        (self.openers.capacity() + self.next.capacity()) * size_of::<Opener>()
    }
}

/// What stands before the bracket at `at`, and where the way up goes on. `None` where the text that is looked at ends
/// before that can be told.
fn enclosing(text: &[u8], from: usize, at: usize) -> Option<(Opener, usize)> {
    let mut end = trimmed(text, from, at);
    // JSON in a string of JSON.
    let quoted = end > from && text[end - 1] == b'"';
    if quoted {
        end = trimmed(text, from, end - 1);
    }
    let opener = |key, looked, root| Opener { at, key, looked, root, quoted };
    let Some(last) = end.checked_sub(1).filter(|&last| last >= from) else {
        return (from == 0).then(|| (opener(None, 0, true), 0));
    };
    match text[last] {
        b':' => {
            if let Some(Own { at: open, key }) = key_before(text, from, last) {
                let looked = (open - escapes_before(text, from, open)).saturating_sub(1);
                return Some((opener(key, looked, false), open));
            }
            // A name of something else than JSON, as in `data: {`, unless it is cut off.
            let named = trimmed(text, from, last).checked_sub(1).filter(|&named| named >= from)?;
            (text[named] != b'"').then(|| (opener(None, named, true), at))
        }
        b',' | b'[' => Some((opener(None, last, false), end)),
        _ => Some((opener(None, last, true), at)),
    }
}
