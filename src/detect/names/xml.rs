//! Elements and attributes of XML and HTML, read backwards.

use std::ops::Range;

use super::{Name, Scope, says_nothing};

/// The tag that a place stands in or behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Own {
    /// Everything before was not looked at.
    pub(super) at: usize,
    pub(super) attribute: Option<Range<usize>>,
    /// What the element is called, where the attribute says only that a value follows: `<input name="ssn" value="…">`.
    pub(super) called: Option<Range<usize>>,
    /// The element whose attribute it is.
    pub(super) element: Option<Range<usize>>,
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b':' | 0x80..)
}

/// The name of the element whose tag begins at `tag`, without its prefix.
fn element(text: &[u8], tag: usize, to: usize) -> Range<usize> {
    let first = tag + 1;
    let length = text[first..to].iter().take_while(|&&byte| is_name(byte)).count();
    let prefix = memchr::memrchr(b':', &text[first..first + length]).map_or(0, |colon| colon + 1);
    first + prefix..first + length
}

/// What `at` is to XML: in an attribute, or in the text of an element. `None` where nothing looks like XML.
pub(super) fn own(text: &[u8], from: usize, at: usize) -> Option<Own> {
    let mark = from + memchr::memrchr2(b'<', b'>', &text[from..at])?;
    if text[mark] == b'>' {
        return Some(Own { at: mark + 1, attribute: None, called: None, element: None });
    }
    let starts = text.get(mark + 1).is_some_and(|&byte| is_name(byte) && !byte.is_ascii_digit());
    if !starts {
        return None;
    }
    let quote = mark + memchr::memrchr2(b'"', b'\'', &text[mark..at])?;
    let named = quote > mark && text[quote - 1] == b'=';
    let end = if named { quote - 1 } else { quote };
    let length = text[mark..end].iter().rev().take_while(|&&byte| is_name(byte)).count();
    let attribute = (named && length > 0).then_some(end - length..end);
    let element = element(text, mark, at);
    let tells_nothing = attribute.clone().filter(|name| says_nothing(&text[name.clone()]));
    let called = tells_nothing.and_then(|name| {
        let attributes = element.end..name.start;
        let own = value_of(text, attributes.clone(), NAMES);
        // A name that tools made up, as in `name="field_17"`, says less than what people read.
        let told = own.clone().filter(|own| !is_numbered(&text[own.clone()]));
        let own = told.or_else(|| labelled(text, from, mark)).or(own);
        own.or_else(|| value_of(text, attributes, &[b"id"]))
    });
    Some(Own { at: mark, attribute, called, element: Some(element) })
}

/// Elements that never have an end.
const VOID: [&[u8]; 12] =
    [b"br", b"hr", b"img", b"input", b"link", b"meta", b"area", b"base", b"col", b"source", b"wbr", b"param"];

/// The longest name that an element is given in an attribute.
const CALLED: usize = 64;

/// Attributes that say what an element is called.
const NAMES: &[&[u8]] = &[b"name", b"key"];

/// The one that does so for people in SAML, where `Name` is a number.
const FRIENDLY: &[&[u8]] = &[b"FriendlyName"];

/// Whether a name is a number behind a word for a field.
fn is_numbered(name: &[u8]) -> bool {
    let digits = name
        .iter()
        .rev()
        .take_while(|byte| byte.is_ascii_digit() || matches!(byte, b']' | b'[' | b'_' | b'-' | b'.'));
    let word = &name[..name.len() - digits.count()];
    word.len() < name.len() && FIELDS.iter().any(|field| word.eq_ignore_ascii_case(field))
}

/// What tools that make forms call their fields, before a number.
const FIELDS: [&[u8]; 12] = [
    b"field",
    b"input",
    b"entry",
    b"item",
    b"question",
    b"q",
    b"f",
    b"answer",
    b"control",
    b"text",
    b"element",
    b"fields",
];

/// The text of the label before the element that begins at `tag`: `<label>SSN</label> <input value="…">`. Elements may
/// begin between them, and in the label.
fn labelled(text: &[u8], from: usize, tag: usize) -> Option<Range<usize>> {
    let mut before = text[from..tag].trim_ascii_end();
    let end = loop {
        let end = before.len().checked_sub(END.len())?;
        if before[end..].eq_ignore_ascii_case(END) {
            break from + end;
        }
        // The element around both of them is not between them.
        let opens = before.ends_with(b">").then(|| memchr::memrchr(b'<', before)).flatten()?;
        let within = before.get(opens + 1).is_some_and(|&byte| is_name(byte)) && tag - from - opens < BETWEEN;
        before = within.then(|| before[..opens].trim_ascii_end())?;
    };
    let least = from.max(end.saturating_sub(LABEL));
    let first = memchr::memmem::rfind(&text[least..end], b"<label")
        .or_else(|| memchr::memmem::rfind(&text[least..end], b"<LABEL"));
    let start = match first {
        Some(label) => least + label + memchr::memchr(b'>', &text[least + label..end])? + 1,
        None => least + memchr::memrchr(b'>', &text[least..end])? + 1,
    };
    let told = start..end.min(start + CALLED);
    (!told.is_empty()).then_some(told)
}

/// Within so many bytes before its end a label begins, and an element behind it.
const LABEL: usize = 192;
const BETWEEN: usize = 192;

/// The end of a label.
const END: &[u8] = b"</label>";

/// What an element is called whose attributes these are: `<Attribute Name="ssn"><Value>`. An `id` says it where nothing
/// better does.
fn called(text: &[u8], attributes: Range<usize>) -> Option<Range<usize>> {
    value_of(text, attributes.clone(), NAMES).or_else(|| value_of(text, attributes, &[b"id"]))
}

/// The value of the first of the attributes that has one of these names.
fn value_of(text: &[u8], attributes: Range<usize>, names: &[&[u8]]) -> Option<Range<usize>> {
    let end = attributes.end;
    memchr::memchr_iter(b'=', text.get(attributes.clone())?).find_map(|sign| {
        let sign = attributes.start + sign;
        let is_name = names.iter().any(|name| {
            let from = sign.saturating_sub(name.len());
            from > attributes.start
                && text[from..sign].eq_ignore_ascii_case(name)
                && text[from - 1].is_ascii_whitespace()
        });
        let quote = *text.get(sign + 1).filter(|byte| is_name && matches!(byte, b'"' | b'\''))?;
        let from = sign + 2;
        let length = memchr::memchr(quote, text.get(from..end.min(from + CALLED))?)?;
        Some(from..from + length)
    })
}

/// Whether an element is a spreadsheet's cell, in which `inner` stands: a word for a telephone elsewhere.
fn is_cell(tag: &[u8], inner: Option<&[u8]>) -> bool {
    tag.ends_with(b"table-cell") || tag.eq_ignore_ascii_case(b"cell") && inner == Some(b"Data")
}

/// Appends the names of the elements around `at`, innermost first, each with what it is called; whether the text's beginning was reached.
pub(super) fn up(text: &[u8], from: usize, at: usize, out: &mut Vec<Name>) -> bool {
    let mut at = at;
    // Ends of elements whose beginnings come further up.
    let mut ended: Vec<&[u8]> = Vec::new();
    while let Some(end) = memchr::memrchr(b'>', &text[from..at]) {
        let end = from + end;
        let Some(tag) = memchr::memrchr(b'<', &text[from..end]).map(|tag| from + tag) else { break };
        at = tag;
        match text[tag + 1] {
            b'/' => ended.push(text[tag + 2..end].trim_ascii_end()),
            byte if text[end - 1] == b'/' || !is_name(byte) || byte.is_ascii_digit() => {}
            _ => {
                if let Some(last) = ended.last() {
                    let behind = text[tag + 1..end].strip_prefix(*last);
                    // Otherwise nobody ended it.
                    if behind.is_some_and(|behind| behind.first().is_none_or(|&byte| !is_name(byte))) {
                        ended.pop();
                    }
                    continue;
                }
                let name = element(text, tag, end);
                let whole = &text[tag + 1..name.end];
                let is_void = VOID.iter().any(|void| whole.eq_ignore_ascii_case(void));
                if is_void || is_cell(whole, out.last().map(|inner| &text[inner.range.clone()])) {
                    continue;
                }
                let attributes = name.end..end;
                let friendly = value_of(text, attributes.clone(), FRIENDLY);
                let called = called(text, attributes).into_iter().chain(friendly);
                out.push(Name::of(Scope::XmlName, name));
                out.extend(called.map(|name| Name { called: true, ..Name::of(Scope::XmlName, name) }));
            }
        }
    }
    from == 0
}
