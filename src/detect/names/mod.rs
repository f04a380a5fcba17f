//! Names that a value stands under: keys around it, its column's header, its element, its field, its part.
//!
//! Looked up at candidates only, backwards within [`limits::NAMES_REACH`]; the first line of a text is kept beside it,
//! since a table names its columns there. What is found depends on the text alone, never on how it is cut.

mod ahead;
mod aligned;
mod behind;
mod beside;
mod bound;
mod declared;
mod form;
pub(super) mod headers;
mod json;
mod kept;
mod layout;
mod lists;
mod marked;
mod nested;
mod place;
pub(super) mod rows;
mod table;
mod under;
mod xml;
mod yaml;

pub(super) use kept::Kept;
pub(super) use layout::Gathering;
pub use layout::Layout;
pub use place::Place;
pub(super) use table::Row;
pub(super) use under::Above;
pub use under::{Label, Under};

use std::ops::Range;
use std::sync::Arc;

use serde::Deserialize;

use self::nested::Nested;
use crate::limits;

/// Where words of a detector count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// Before and behind the value, within the detector's reach.
    Near,
    /// The keys of the objects around it, of YAML's mappings too.
    JsonPath,
    /// The header of its column.
    CsvHeader,
    /// Its attribute, and the elements around it.
    XmlName,
    /// The key of a form or a query before its `=`.
    FormKey,
    /// The name of its part in a form of several parts.
    MultipartName,
    /// The key of a query in the request's target.
    Url,
    /// The field of a head.
    Header,
}

impl Scope {
    pub const ALL: [Scope; 8] = [
        Scope::Near,
        Scope::JsonPath,
        Scope::CsvHeader,
        Scope::XmlName,
        Scope::FormKey,
        Scope::MultipartName,
        Scope::Url,
        Scope::Header,
    ];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Scope::Near => "near",
            Scope::JsonPath => "json-path",
            Scope::CsvHeader => "csv-header",
            Scope::XmlName => "xml-name",
            Scope::FormKey => "form-key",
            Scope::MultipartName => "multipart-name",
            Scope::Url => "url",
            Scope::Header => "header",
        }
    }
}

/// Some of the scopes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Scopes(u8);

impl Scopes {
    /// What is written; all when nothing is.
    pub(super) fn of(scopes: &[Scope]) -> Scopes {
        let all = if scopes.is_empty() { &Scope::ALL[..] } else { scopes };
        Scopes(all.iter().fold(0, |bits, scope| bits | 1 << (*scope as u8)))
    }

    pub(super) const fn holds(self, scope: Scope) -> bool {
        self.0 & 1 << (scope as u8) != 0
    }
}

/// One name around a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::detect) struct Name {
    pub scope: Scope,
    /// In the text; of a column of a table that its first line names, in the kept row.
    pub range: Range<usize>,
    pub in_row: bool,
    /// The column's number, from 0.
    pub column: usize,
    /// What names the column.
    pub list: &'static str,
    /// Whether it is an attribute's.
    pub attribute: bool,
    /// Whether a text of its own begins with it, in a string of the one around.
    pub inner: bool,
    /// Whether it is what an element is called, of which paths do not tell.
    pub called: bool,
    /// Whether it stands beside the value: it speaks for it, and never against it.
    pub beside: bool,
    /// How the rows are written of the list in the text that gives it.
    rows: Option<headers::Kind>,
    /// The name itself, where it stands further back than is looked at.
    kept: Option<Arc<[u8]>>,
}

impl Name {
    fn of(scope: Scope, range: Range<usize>) -> Name {
        let (in_row, attribute, inner, called, beside) = (false, false, false, false, false);
        let (rows, kept) = (None, None);
        Name { scope, range, in_row, column: 0, list: "csv", attribute, inner, called, beside, rows, kept }
    }

    /// That of something beside the value, of which paths do not tell.
    fn beside(scope: Scope, range: Range<usize>) -> Name {
        Name { called: true, beside: true, ..Name::of(scope, range) }
    }

    /// That of a column which a list in the text names.
    fn listed(rows: headers::Kind, range: Range<usize>, column: usize) -> Name {
        let list = match rows {
            headers::Kind::Tuples | headers::Kind::Tabs | headers::Kind::Cells => "sql",
            headers::Kind::Arrays | headers::Kind::Fields => "json",
            _ => "csv",
        };
        Name { column, list, rows: Some(rows), ..Name::of(Scope::CsvHeader, range) }
    }

    /// What it stands in.
    pub(super) fn source<'t>(&'t self, text: &'t [u8], layout: &'t Layout) -> &'t [u8] {
        match &self.kept {
            Some(name) => name,
            None if self.in_row => layout.row(),
            None => text,
        }
    }

    /// Whether it stands in the text, before what it names.
    pub(super) fn is_in_text(&self) -> bool {
        self.kept.is_none() && !self.in_row
    }

    /// Its bytes.
    pub(super) fn text<'t>(&'t self, text: &'t [u8], layout: &'t Layout) -> &'t [u8] {
        self.source(text, layout).get(self.range.clone()).unwrap_or_default()
    }
}

/// The names around one place of a text, innermost first.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    /// The place that they are of.
    at: Option<usize>,
    pub(super) list: Vec<Name>,
    /// Whether nothing stands around the outermost.
    pub(super) rooted: bool,
    /// The same of what JSON stands in.
    outer_rooted: bool,
    /// Whether they are keys of YAML.
    yaml: bool,
    keys: json::Climb,
    row: table::Row,
    /// Where no quote stands, no bracket of XML, and no line ends.
    unquoted: Absent,
    untagged: Absent,
    unlined: Absent,
    /// Where nothing begins a list that names columns.
    unlisted: lists::Unlisted,
    unmarked: marked::Unmarked,
    headless: headers::Headless,
}

/// Names of values that tell nothing about them.
const VALUE: [&str; 14] = [
    "value",
    "val",
    "data",
    "content",
    "text",
    "string",
    "raw",
    "#text",
    "$",
    "stringValue",
    "S",
    "N",
    "td",
    "AttributeValue",
];
/// And those of members that say little more, for detectors that tell a value by the name further out.
const MEMBER: [&str; 2] = ["number", "no"];

/// Whether a name says only that a value follows.
fn says_nothing(name: &[u8]) -> bool {
    VALUE.iter().any(|word| name.eq_ignore_ascii_case(word.as_bytes()))
}

/// A stretch of a text in which something does not stand.
#[derive(Clone, Copy, Debug, Default)]
struct Absent {
    from: usize,
    to: usize,
}

/// Bytes looked at beyond what was asked for.
const AHEAD: usize = 256;

impl Absent {
    const NONE: Absent = Absent { from: 0, to: 0 };

    /// Whether nothing in `from..to` is what `find` finds the first of, which is `length` bytes long; what is known
    /// already is not looked at again.
    #[inline]
    fn is(
        &mut self,
        length: usize,
        text: &[u8],
        (from, to): (usize, usize),
        find: impl Fn(&[u8]) -> Option<usize>,
    ) -> bool {
        if self.from <= from && from <= self.to && to <= self.to {
            return true;
        }
        // Only what is looked at from there on tells of one that begins in what is known and ends behind it.
        let goes_on = self.from <= from && from + length <= self.to + 1;
        let first = if goes_on { self.to + 1 - length } else { from };
        let ahead = (to + AHEAD).min(text.len());
        let end = find(&text[first..ahead]).map(|at| first + at + length);
        if end.is_some_and(|end| end <= to) {
            return false;
        }
        *self = Absent { from: if goes_on { self.from } else { from }, to: end.map_or(ahead, |end| end - 1) };
        true
    }
}

/// Within so many bytes behind a value is seen what parts it from the next.
const ROW_GOES_ON: usize = 2;

impl Names {
    pub(super) const fn new() -> Names {
        Names {
            at: None,
            list: Vec::new(),
            rooted: false,
            outer_rooted: false,
            yaml: false,
            keys: json::Climb::new(),
            row: table::Row::NONE,
            unquoted: Absent::NONE,
            untagged: Absent::NONE,
            unlined: Absent::NONE,
            unlisted: lists::Unlisted::NONE,
            unmarked: marked::Unmarked::NONE,
            headless: headers::Headless::NONE,
        }
    }

    /// Forgets everything: another text follows.
    pub(super) fn clear(&mut self) {
        self.at = None;
        self.keys.clear();
        self.row = table::Row::NONE;
        (self.unquoted, self.untagged, self.unlined) = (Absent::NONE, Absent::NONE, Absent::NONE);
        self.unlisted = lists::Unlisted::NONE;
        self.unmarked = marked::Unmarked::NONE;
        self.headless = headers::Headless::NONE;
    }

    /// Looks up the names around `at`; what lies before an earlier place is looked at once.
    pub(super) fn look(&mut self, text: &[u8], at: usize, layout: &Layout) {
        self.at = Some(at);
        self.list.clear();
        (self.rooted, self.outer_rooted, self.yaml) = (false, false, false);
        let from = at.saturating_sub(limits::NAMES_REACH);
        if let Some(delimiter) = layout.delimiter() {
            self.row.advance(text, from, at, delimiter);
            self.list.extend(self.row.column().and_then(|column| layout.cell(column)));
            if !self.list.is_empty() {
                return;
            }
        }
        let part = layout.boundary().and_then(|boundary| form::part(text, from, at, boundary));
        self.inside(text, part.as_ref().map_or(from, |part| part.from), at, layout.is_yaml());
        self.list.extend(part.and_then(|part| part.name));
        let index = beside::index(text, at).or_else(|| declared::own(text, at));
        let index = index.or_else(|| bound::own(text, at));
        let index = index.map(|index| Name::beside(Scope::FormKey, index));
        self.list.splice(self.list.len().min(1)..self.list.len().min(1), index);
        self.list.retain(|name| !name.range.is_empty());
        self.list.truncate(limits::NAMES);
    }

    /// Keys, elements, fields.
    fn inside(&mut self, text: &[u8], from: usize, at: usize, is_yaml: bool) {
        let quoted = !self.unquoted.is(1, text, (from, at), |text| memchr::memchr(b'"', text));
        if quoted && !self.unlined.is(1, text, (from, at), |text| memchr::memchr(b'\n', text)) {
            self.list.extend(headers::of_string(text, from, at));
            if !self.list.is_empty() {
                return;
            }
        }
        let mut outer = Some(at);
        while let Some(at) = outer.filter(|_| quoted) {
            match nested::look(text, from, at, &mut self.list) {
                // Seen from there the string is its value.
                Nested::In(quote) => outer = Some(quote + 1),
                Nested::Cut => outer = None,
                Nested::Not => break,
            }
        }
        let Some(at) = outer else { return };
        if is_yaml && self.list.is_empty() && self.in_yaml(text, from, at, true) {
            return;
        }
        if let Some(own) = json::own(text, from, at, quoted) {
            let is_element = own.key.is_none();
            let key = own.key.clone();
            let behind = key.as_ref().map_or_else(Vec::new, |key| ahead::of(text, at, &text[key.clone()]));
            self.list.extend(own.key.map(|key| Name::of(Scope::JsonPath, key)));
            let first = self.list.len();
            self.rooted = self.keys.up(text, from, own.at, &mut self.list);
            if is_element {
                let header = self.keys.header(text, from, own.at);
                if let Some(key) = self.list.get_mut(first).filter(|_| self.keys.in_list(text)) {
                    key.rows = Some(headers::Kind::Elements);
                }
                header.into_iter().for_each(|header| self.list.insert(0, header));
            }
            let field = key.as_ref().and_then(|key| self.keys.in_schema(text, from, key));
            field.into_iter().for_each(|field| self.list.insert(0, field));
            let mut called = |range| self.list.insert(1, Name::beside(Scope::JsonPath, range));
            if let (Some(key), Some(open), true) = (&key, self.keys.inner(), behind.is_empty()) {
                beside::members(text, open, key, &mut called);
                // A key of the value's kind stands between them: `{"key":"ssn","value":{"stringValue":"536904399"}}`.
                if let Some((open, outer)) = self.keys.around().filter(|_| says_nothing(&text[key.clone()])) {
                    beside::members(text, open, outer, &mut called);
                }
            }
            behind.into_iter().for_each(&mut called);
            let asked = key.as_ref().zip(self.keys.inner());
            asked.and_then(|(key, open)| beside::question(text, open, key, at)).into_iter().for_each(called);
            if !self.list.is_empty() {
                self.outside(text, from, is_yaml);
                return;
            }
        }
        if let Some(key) = form::own(text, from, at).or_else(|| form::coded(text, from, at)) {
            let told =
                behind::label(text, at, &text[key.clone()]).or_else(|| form::kind(text, from, at, &key));
            self.list.push(Name::of(Scope::FormKey, key));
            self.list.extend(told.map(|told| Name::beside(Scope::FormKey, told)));
            return;
        }
        if self.in_yaml(text, from, at, false) {
            return;
        }
        if self.untagged.is(1, text, (from, at), |text| memchr::memchr2(b'<', b'>', text)) {
            self.list.extend(lists::own(&mut self.unlisted, text, from, at));
        } else {
            self.in_markup(text, from, at);
        }
        if self.list.is_empty() {
            self.in_table(text, from, at);
        }
    }

    /// Columns of tables that are set as text.
    fn in_table(&mut self, text: &[u8], from: usize, at: usize) {
        let own = marked::own(&mut self.unmarked, text, from, at);
        let own = own.or_else(|| headers::of_block(&mut self.headless, text, from, at));
        let own = own.or_else(|| aligned::own(&mut self.headless, text, from, at));
        self.list.extend(own.or_else(|| aligned::paired(text, from, at)));
    }

    /// Elements and attributes.
    fn in_markup(&mut self, text: &[u8], from: usize, at: usize) {
        let Some(own) = xml::own(text, from, at) else { return };
        let is_text = own.element.is_none();
        let attribute = |range| Name { attribute: true, ..Name::of(Scope::XmlName, range) };
        self.list.extend(own.attribute.map(attribute));
        let called = |range| Name { called: true, ..Name::of(Scope::XmlName, range) };
        self.list.extend(own.called.map(called));
        self.list.extend(own.element.map(|range| Name::of(Scope::XmlName, range)));
        self.rooted = xml::up(text, from, own.at, &mut self.list);
        let header = lists::own(&mut self.unlisted, text, from, at);
        let before = is_text.then(|| beside::element(text, from, own.at)).flatten();
        let called = self.list.first().map(|own| own.range.clone());
        let behind = called.filter(|_| header.is_none()).and_then(|own| {
            let own = &text[own];
            if is_text { behind::element(text, at, own) } else { behind::attribute(text, at, own) }
        });
        let beside = before.into_iter().chain(behind).map(|range| Name::beside(Scope::XmlName, range));
        let place = self.list.len().min(1);
        self.list.splice(place..place, header.into_iter().chain(beside));
    }

    /// What a whole text of JSON stands in: a field of a form, an element, a key of YAML.
    fn outside(&mut self, text: &[u8], from: usize, is_yaml: bool) {
        let Some(root) = self.keys.root().filter(|&root| self.rooted && root > from) else { return };
        if let Some(key) = form::own(text, from, root) {
            self.list.push(Name::of(Scope::FormKey, key));
            return;
        }
        const SECTION: &[u8] = b"<![CDATA";
        let before = &text[from..trimmed(text, from, root)];
        match before.last() {
            Some(b'>') => self.outer_rooted = xml::up(text, from, from + before.len(), &mut self.list),
            Some(b':' | b'-') => drop(self.in_yaml(text, from, root, is_yaml)),
            _ if before.ends_with(SECTION) => {
                let section = from + before.len() - SECTION.len();
                self.outer_rooted = xml::up(text, from, section, &mut self.list);
            }
            _ => {}
        }
    }

    /// Keys of YAML.
    fn in_yaml(&mut self, text: &[u8], from: usize, at: usize, declared: bool) -> bool {
        // Where the line begins is not seen then.
        if from > 0 && self.unlined.is(1, text, (from, at), |text| memchr::memchr(b'\n', text)) {
            return false;
        }
        let rooted = yaml::look(text, from, at, declared, &mut self.list);
        if let Some(rooted) = rooted {
            (self.rooted, self.yaml) = (rooted, true);
        }
        rooted.is_some()
    }

    /// How many of them are the value's own, from the innermost on: one, and one more for each that says only that a value
    /// follows.
    pub(super) fn own(&self, text: &[u8], layout: &Layout) -> usize {
        let told = |name: &&Name| !name.beside && says_nothing(name.text(text, layout));
        let own = 1 + self.list.iter().take_while(told).count();
        self.list.iter().take(own).position(|name| name.beside).unwrap_or(own)
    }

    /// Whether the value has a name by which it differs from others around it: a key, an element, a field that says more than
    /// that a value or a number follows.
    pub(super) fn tell_it_apart(&self, text: &[u8], layout: &Layout) -> bool {
        let is_key = |own: &&Name| matches!(own.scope, Scope::JsonPath | Scope::FormKey | Scope::XmlName);
        self.list.first().filter(is_key).is_some_and(|own| {
            let said = own.text(text, layout);
            !own.beside
                && !says_nothing(said)
                && !MEMBER.iter().any(|word| said.eq_ignore_ascii_case(word.as_bytes()))
        })
    }

    /// Whether the value's own name says of what kind of thing it is the number: `order_id`, `networkTransactionId`.
    pub(super) fn tell_an_id(&self, text: &[u8], layout: &Layout) -> bool {
        self.list.first().filter(|own| !own.beside).is_some_and(|own| {
            matches!(
                own.text(text, layout),
                [_, .., b'a'..=b'z' | b'A'..=b'Z', b'_' | b'-', b'i' | b'I', b'd' | b'D']
                    | [_, .., b'a'..=b'z', b'I', b'd' | b'D']
            )
        })
    }

    /// Where the row begins that `value` lies in, not before `from`, of a table whose rows are lines, or behind the names of
    /// its columns: what stands above is said of other columns, too. `None` where it lies in no such table.
    pub(super) fn row(&self, text: &[u8], from: usize, value: &Range<usize>) -> Option<usize> {
        let own = self.list.first().filter(|own| own.scope == Scope::CsvHeader)?;
        let end = match own.list {
            "sql" => Some(b')'),
            "json" => Some(b']'),
            _ => None,
        };
        if let Some(end) = end {
            let names = own.range.end.max(from);
            return memchr::memchr(end, &text[names..value.start]).map(|end| names + end);
        }
        let start = from + memchr::memrchr(b'\n', &text[from..value.start])? + 1;
        // A line of one field is hardly a row, nor is what a line with a colon leads to.
        let led_to = text[from..start].trim_ascii_end().ends_with(b":");
        let parts = |byte: &u8| matches!(byte, b',' | b';' | b'\t' | b'|');
        let behind = &text[value.end..(value.end + ROW_GOES_ON).min(text.len())];
        let follows = || behind.iter().find(|byte| !matches!(byte, b'"' | b' ')).is_some_and(parts);
        let is_row = if own.column == 0 { follows() } else { own.in_row }
            || text[start..value.start].iter().any(parts);
        (own.list == "csv" && is_row && !led_to).then_some(start)
    }

    /// Whether they are those of `at`.
    pub(super) fn are_of(&self, at: usize) -> bool {
        self.at == Some(at)
    }

    /// The place that they are of.
    fn at(&self) -> Option<usize> {
        self.at
    }

    /// Lets go of the room for names.
    pub(super) fn rest(&mut self) {
        self.list = Vec::new();
        self.keys.rest(0);
    }

    /// Memory that it takes.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.list.capacity() * size_of::<Name>() + self.keys.bytes()
    }
}

/// Places that a text takes, where each character takes one.
fn characters(text: &[u8]) -> usize {
    text.iter().filter(|byte| **byte & 0xc0 != 0x80).count()
}

/// The end of what stands before `to` once white space is left out, not below `from`.
fn trimmed(text: &[u8], from: usize, to: usize) -> usize {
    let blank = |byte: &&u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
    to - text[from..to].iter().rev().take_while(blank).count()
}

#[cfg(test)]
mod tests;
