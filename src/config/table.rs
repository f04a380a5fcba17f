//! A TOML table that remembers what was asked of it: values come typed and placed, leftovers are complaints.

use std::cell::RefCell;
use std::ops::Range;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::schema::{self, Sketch};
use super::source::{At, Complaint, Place, Source};
use super::units;

/// Where readers leave their complaints.
#[derive(Debug, Default)]
pub(super) struct Log(RefCell<Vec<Complaint>>);

impl Log {
    pub(super) fn push(&self, complaint: Complaint) {
        self.0.borrow_mut().push(complaint);
    }

    pub(super) fn take(&self) -> Vec<Complaint> {
        self.0.take()
    }
}

struct Entry<'a> {
    key: String,
    key_span: Range<usize>,
    value: Spanned<DeValue<'a>>,
}

/// One table as written. Each getter takes its key out; [`Table::finish`] complains about keys nobody asked for.
pub(super) struct Table<'a> {
    source: &'a Arc<Source>,
    log: &'a Log,
    /// Where the table itself stands; its key is the path so far.
    pub(super) place: Place,
    entries: Vec<Entry<'a>>,
    known: Vec<&'static str>,
    /// Where what is asked for is drawn, and the pointer to this table's own place in it.
    sketch: Option<(&'a Sketch, String)>,
}

impl<'a> Table<'a> {
    /// The whole document, or `None` after complaints about its syntax.
    pub(super) fn document(source: &'a Arc<Source>, log: &'a Log) -> Option<Table<'a>> {
        let (table, errors) = DeTable::parse_recoverable(&source.text);
        for error in &errors {
            let place = Place::new(source, error.span().unwrap_or(0..0), String::new());
            // A message of several lines would tear the excerpt from its complaint.
            let message = error.message().lines().collect::<Vec<_>>().join("; ");
            log.push(place.complain(format!("not TOML: {message}")));
        }
        errors.is_empty().then(|| Table::new(source, log, 0..0, String::new(), table.into_inner()))
    }

    /// A table that holds nothing and draws what it is asked for.
    pub(super) fn sketched(source: &'a Arc<Source>, log: &'a Log, sketch: &'a Sketch) -> Table<'a> {
        let table = Table::new(source, log, 0..0, String::new(), DeTable::new());
        Table { sketch: Some((sketch, String::new())), ..table }
    }

    /// Draws a key where a schema is drawn.
    fn draw(&self, key: &str, of: impl FnOnce() -> Value) {
        if let Some((sketch, pointer)) = &self.sketch {
            sketch.add(pointer, key, of());
        }
    }

    /// A table under this one, or one of a list, where a schema is drawn.
    fn draw_table(&self, key: &str, many: bool) -> Option<Table<'a>> {
        let (sketch, pointer) = self.sketch.as_ref()?;
        let of = if many { json!({ "type": "array", "items": schema::object() }) } else { schema::object() };
        let own = sketch.add(pointer, key, of);
        let own = if many { format!("{own}/items") } else { own };
        Some(Table { sketch: Some((sketch, own)), ..Table::sketched(self.source, self.log, sketch) })
    }

    fn new(
        source: &'a Arc<Source>,
        log: &'a Log,
        span: Range<usize>,
        path: String,
        table: DeTable<'a>,
    ) -> Table<'a> {
        let entry = |(key, value): (Spanned<std::borrow::Cow<'a, str>>, _)| Entry {
            key_span: key.span(),
            key: key.into_inner().into_owned(),
            value,
        };
        let mut entries = table.into_iter().map(entry).collect::<Vec<_>>();
        entries.sort_by_key(|entry| entry.key_span.start);
        Table { source, log, place: Place::new(source, span, path), entries, known: Vec::new(), sketch: None }
    }

    fn path(&self, key: &str) -> String {
        if self.place.key.is_empty() { key.to_owned() } else { format!("{}.{key}", self.place.key) }
    }

    fn take(&mut self, key: &'static str) -> Option<At<DeValue<'a>>> {
        self.known.push(key);
        let index = self.entries.iter().position(|entry| entry.key == key)?;
        let entry = self.entries.remove(index);
        Some(self.at(&entry.key, entry.value))
    }

    fn at(&self, key: &str, value: Spanned<DeValue<'a>>) -> At<DeValue<'a>> {
        let place = Place::new(self.source, value.span(), self.path(key));
        At { value: value.into_inner(), place }
    }

    /// Where each key of this table stands, for complaints that come later.
    pub(super) fn keys(&self) -> Vec<(String, Place)> {
        let value_place =
            |entry: &Entry<'_>| Place::new(self.source, entry.value.span(), self.path(&entry.key));
        self.entries.iter().map(|entry| (entry.key.clone(), value_place(entry))).collect()
    }

    fn typed<T>(
        &mut self,
        key: &'static str,
        expected: &str,
        read: impl FnOnce(&DeValue<'a>) -> Option<T>,
    ) -> Option<At<T>> {
        let At { value, place } = self.take(key)?;
        match read(&value) {
            Some(value) => Some(At { value, place }),
            None => {
                self.log.push(place.complain(format!("bad value: {}", shown(&value))).expected(expected));
                None
            }
        }
    }

    /// A string that must not be empty.
    pub(super) fn name(&mut self, key: &'static str) -> Option<At<String>> {
        self.draw(key, schema::item);
        self.typed(key, "a string that is not empty", |value| filled(value.as_str()?))
    }

    pub(super) fn flag(&mut self, key: &'static str) -> Option<At<bool>> {
        self.draw(key, || json!({ "type": "boolean" }));
        self.typed(key, "true or false", DeValue::as_bool)
    }

    /// A whole number from 1 up.
    pub(super) fn count(&mut self, key: &'static str) -> Option<At<u32>> {
        self.draw(key, || json!({ "type": "integer", "minimum": 1, "maximum": u32::MAX }));
        self.typed(key, "a whole number from 1 up", |value| {
            let integer = value.as_integer()?;
            u32::from_str_radix(integer.as_str(), integer.radix()).ok().filter(|&n| n > 0)
        })
    }

    pub(super) fn size(&mut self, key: &'static str) -> Option<At<u64>> {
        let expected = "a size such as \"256KiB\" or \"50GiB\"";
        self.draw(key, || schema::form(expected, "^[0-9]+ ?([KkMmGgTt][Ii]?)?[Bb]$"));
        self.typed(key, expected, |value| units::size(value.as_str()?))
    }

    pub(super) fn duration(&mut self, key: &'static str) -> Option<At<Duration>> {
        let expected = "a time such as \"50ms\", \"10s\", \"1h\" or \"365d\"";
        self.draw(key, || schema::form(expected, "^[0-9]+ ?([Mm][Ss]|[SsMmHhDd])$"));
        self.typed(key, expected, |value| units::duration(value.as_str()?))
    }

    pub(super) fn date(&mut self, key: &'static str) -> Option<At<jiff::civil::Date>> {
        self.draw(key, || json!({ "type": "string", "format": "date" }));
        self.typed(key, "a date without quotes, such as 2027-01-31", |value| {
            let date = value.as_datetime().filter(|at| at.time.is_none())?.date?;
            let (month, day) = (i8::try_from(date.month).ok()?, i8::try_from(date.day).ok()?);
            jiff::civil::Date::new(i16::try_from(date.year).ok()?, month, day).ok()
        })
    }

    /// A point in time, in milliseconds since the Unix epoch; a date alone is its first minute in UTC.
    pub(super) fn moment(&mut self, key: &'static str) -> Option<At<u64>> {
        self.draw(key, || json!({ "type": "string", "description": "a date, or a time with its offset" }));
        self.typed(
            key,
            "a date without quotes, such as 2027-01-31, or a time such as 2027-01-31T18:00:00Z",
            |value| {
                let written = value.as_datetime()?;
                let text = match (written.time, written.offset) {
                    (None, None) => format!("{written}T00:00:00Z"),
                    (Some(_), Some(_)) => written.to_string(),
                    // Whose noon is meant?
                    (Some(_), None) | (None, Some(_)) => return None,
                };
                let at: jiff::Timestamp = text.parse().ok()?;
                u64::try_from(at.as_millisecond()).ok()
            },
        )
    }

    /// A share in whole percent.
    pub(super) fn percent(&mut self, key: &'static str) -> Option<At<u8>> {
        self.draw(key, || json!({ "type": "integer", "minimum": 0, "maximum": 100 }));
        self.typed(key, "a whole number from 0 to 100", |value| {
            let integer = value.as_integer()?;
            u8::from_str_radix(integer.as_str(), integer.radix()).ok().filter(|&share| share <= 100)
        })
    }

    /// A string in the form of `T`.
    pub(super) fn parsed<T: FromStr>(&mut self, key: &'static str, expected: &str) -> Option<At<T>> {
        self.draw(key, || json!({ "type": "string", "description": expected }));
        self.typed(key, expected, |value| value.as_str()?.parse().ok())
    }

    /// One of a closed set of words, each spelled by `as_str`.
    pub(super) fn word<T: Copy>(
        &mut self,
        key: &'static str,
        words: &[T],
        as_str: impl Fn(T) -> &'static str,
    ) -> Option<At<T>> {
        let known = words.iter().map(|&word| as_str(word)).collect::<Vec<_>>();
        self.draw(key, || json!({ "enum": known }));
        let quoted = known.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>();
        let expected = one_of(&quoted.iter().map(String::as_str).collect::<Vec<_>>());
        let written = self.typed(key, &expected, |value| value.as_str().map(str::to_owned))?;
        let found = words.iter().copied().find(|&word| as_str(word) == written.value);
        if found.is_none() {
            let complaint = written.place.complain(format!("unknown word `{}`", written.value));
            self.log.push(complaint.expected(one_of(&known)).meant(&written.value, known));
        }
        found.map(|word| written.map(|_| word))
    }

    /// A list of strings, each in its own place. Absent and empty are told apart.
    pub(super) fn texts(&mut self, key: &'static str) -> Option<Vec<At<String>>> {
        self.draw(key, schema::strings);
        let list = self.take(key)?;
        Some(self.strings(list))
    }

    /// A list of strings that means nothing when it is empty.
    pub(super) fn some_texts(&mut self, key: &'static str, expected: &str) -> Option<Vec<At<String>>> {
        self.draw(key, || json!({ "minItems": 1, "type": "array", "items": schema::item() }));
        let list = self.take(key)?;
        if matches!(&list.value, DeValue::Array(items) if items.is_empty()) {
            self.log.push(list.place.complain("the list is empty").expected(expected));
        }
        Some(self.strings(list))
    }

    fn strings(&self, list: At<DeValue<'a>>) -> Vec<At<String>> {
        let DeValue::Array(items) = list.value else {
            let complaint = list.place.complain(format!("bad value: {}", shown(&list.value)));
            self.log.push(complaint.expected("a list of strings, such as [\"a\", \"b\"]"));
            return Vec::new();
        };
        let mut texts = Vec::new();
        for (index, item) in items.into_iter().enumerate() {
            let place = Place::new(self.source, item.span(), format!("{}[{index}]", list.place.key));
            match item.get_ref().as_str().and_then(filled) {
                Some(value) => texts.push(At { value, place }),
                None => {
                    let complaint = place.complain(format!("bad value: {}", shown(item.get_ref())));
                    self.log.push(complaint.expected("a string that is not empty"));
                }
            }
        }
        texts
    }

    /// A table whose keys are names of the user's own, each with a list of strings.
    pub(super) fn lists(&mut self, key: &'static str) -> Vec<(At<String>, Vec<At<String>>)> {
        if self.sketch.is_some() {
            self.draw(key, || json!({ "type": "object", "additionalProperties": schema::strings() }));
            return Vec::new();
        }
        let Some(table) = self.table(key) else { return Vec::new() };
        let entries = table.entries.iter().map(|entry| (entry.key.clone(), entry.key_span.clone()));
        let names = entries.collect::<Vec<_>>();
        let place = |name: &str, span| Place::new(table.source, span, table.path(name));
        let names = names.into_iter().map(|(name, span)| At { place: place(&name, span), value: name });
        let names = names.collect::<Vec<_>>();
        let lists = table.entries.into_iter().zip(names);
        let path = table.place.key;
        lists
            .map(|(entry, name)| {
                let place = Place::new(self.source, entry.value.span(), format!("{path}.{}", name.value));
                let list = At { value: entry.value.into_inner(), place };
                (name, self.strings(list))
            })
            .collect()
    }

    /// A table under this one.
    pub(super) fn table(&mut self, key: &'static str) -> Option<Table<'a>> {
        if let Some(drawn) = self.draw_table(key, false) {
            return Some(drawn);
        }
        let At { value, place } = self.take(key)?;
        match value {
            DeValue::Table(table) => Some(self.inner(place, table)),
            value => {
                let complaint = place.complain(format!("bad value: {}", shown(&value)));
                self.log.push(complaint.expected(format!("a table: [{}]", place.key)));
                None
            }
        }
    }

    /// Every `[[key]]`, in order; `None` when there is none.
    pub(super) fn tables(&mut self, key: &'static str) -> Option<Vec<Table<'a>>> {
        if let Some(drawn) = self.draw_table(key, true) {
            return Some(vec![drawn]);
        }
        let At { value, place } = self.take(key)?;
        let DeValue::Array(items) = value else {
            let complaint = place.complain(format!("bad value: {}", shown(&value)));
            self.log.push(complaint.expected(format!("a list of tables: [[{}]]", place.key)));
            return None;
        };
        let mut tables = Vec::new();
        for (index, item) in items.into_iter().enumerate() {
            let place = Place::new(self.source, item.span(), format!("{}[{index}]", place.key));
            match item.into_inner() {
                DeValue::Table(table) => tables.push(self.inner(place, table)),
                value => {
                    let complaint = place.complain(format!("bad value: {}", shown(&value)));
                    self.log.push(complaint.expected(format!("a table: [[{key}]]")));
                }
            }
        }
        Some(tables)
    }

    fn inner(&self, place: Place, table: DeTable<'a>) -> Table<'a> {
        let (span, key) = (place.span(), place.key);
        Table::new(self.source, self.log, span, key, table)
    }

    /// Complains about a key that must be there.
    pub(super) fn missing(&self, key: &str, expected: &str) {
        let what = format!("`{key}` is missing");
        self.log.push(self.place.complain(what).expected(expected));
    }

    /// Whether `key` was written; for getters that answer `None` after a complaint too.
    pub(super) fn has(&self, key: &str) -> bool {
        self.entries.iter().any(|entry| entry.key == key)
    }

    /// Whether nothing is written in it.
    pub(super) fn is_blank(&self) -> bool {
        self.entries.is_empty()
    }

    /// Complains about every key that nobody asked for.
    pub(super) fn finish(self) {
        for entry in &self.entries {
            let place = Place::new(self.source, entry.key_span.clone(), self.path(&entry.key));
            let mut known = self.known.clone();
            known.sort_unstable();
            let complaint = place.complain("unknown key").expected(one_of(&known));
            self.log.push(complaint.meant(&entry.key, known));
        }
    }
}

/// `a, b or c`.
pub(super) fn one_of(words: &[&str]) -> String {
    match words.split_last() {
        None => "nothing".to_owned(),
        Some((only, [])) => (*only).to_owned(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
    }
}

fn filled(text: &str) -> Option<String> {
    (!text.trim().is_empty()).then(|| text.to_owned())
}

/// A value as a complaint names it.
fn shown(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => format!("\"{}\"", text.escape_default()),
        DeValue::Integer(n) => n.to_string(),
        DeValue::Float(n) => n.to_string(),
        DeValue::Boolean(b) => b.to_string(),
        DeValue::Datetime(at) => at.to_string(),
        DeValue::Array(_) => "a list".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Arc<Source> {
        Arc::new(Source { name: "t.toml".into(), text: text.into() })
    }

    fn complaints(text: &str, read: impl FnOnce(&mut Table<'_>)) -> Vec<String> {
        let (source, log) = (source(text), Log::default());
        if let Some(mut table) = Table::document(&source, &log) {
            read(&mut table);
            table.finish();
        }
        let first_line = |c: Complaint| c.to_string().lines().next().unwrap_or_default().to_owned();
        log.take().into_iter().map(first_line).collect()
    }

    #[test]
    fn every_syntax_error_is_named_with_its_place() {
        let found = complaints("a = \nb = 1\nc = [1,\nd = 'x'\n", |_| {});
        assert!(found.iter().any(|line| line.starts_with("t.toml:1:")), "{found:?}");
        assert!(found.iter().any(|line| line.starts_with("t.toml:4:")), "{found:?}");
        assert!(found.iter().all(|line| line.contains("not TOML: ")), "{found:?}");
    }

    #[test]
    fn values_of_a_wrong_type_or_form_are_named_once_and_in_place() {
        let text = "size = 5\ntime = \"soon\"\ndate = \"2027-01-01\"\ncount = 0\nlist = [\"a\", 1, \" \"]\nflag = 1\n";
        let found = complaints(text, |table| {
            assert!(table.size("size").is_none());
            assert!(table.duration("time").is_none());
            assert!(table.date("date").is_none());
            assert!(table.count("count").is_none());
            assert_eq!(table.texts("list").unwrap().len(), 1);
            assert!(table.flag("flag").is_none());
        });
        let places = [
            "1:8: size",
            "2:8: time",
            "3:8: date",
            "4:9: count",
            "5:14: list[1]",
            "5:17: list[2]",
            "6:8: flag",
        ];
        for place in places {
            assert_eq!(found.iter().filter(|line| line.contains(place)).count(), 1, "{place} in {found:?}");
        }
        assert_eq!(found.len(), places.len());
    }

    #[test]
    fn keys_nobody_asked_for_are_complaints_with_the_path() {
        let found = complaints("[a.b]\nsise = 1\nsize = \"1B\"\n", |table| {
            let mut a = table.table("a").unwrap();
            let mut b = a.table("b").unwrap();
            assert_eq!(b.size("size").unwrap().value, 1);
            b.finish();
            a.finish();
        });
        assert_eq!(found, ["t.toml:2:1: a.b.sise: unknown key"]);
    }

    #[test]
    fn names_of_the_users_own_keep_the_written_order() {
        let source = source("[g]\nz = [\"1\"]\na = [\"2\", \"3\"]\n");
        let log = Log::default();
        let mut table = Table::document(&source, &log).unwrap();
        let lists = table.lists("g");
        let shown = lists.iter().map(|(name, items)| (name.value.as_str(), items.len())).collect::<Vec<_>>();
        assert_eq!(shown, [("z", 1), ("a", 2)]);
        assert_eq!(lists[1].1[0].place.key, "g.a[0]");
    }
}
