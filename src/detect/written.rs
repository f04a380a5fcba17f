//! Packs as written: every key that no pack has, every value of the wrong kind and every missing one, with its key path.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Confidence;
use super::names::Scope;
use super::pack::{Boundary, Normalize, Severity, Tier};

/// A place in the text, and what is wrong there.
pub(super) type Fault = (Range<usize>, String);

/// What stands under a key.
enum Kind {
    Text,
    /// One of these words.
    Word(&'static [&'static str]),
    Texts,
    /// Some of these words.
    Words(&'static [&'static str]),
    Number,
    Flag,
    Date,
    Table(&'static [Key]),
    /// `[[key]]`.
    Tables(&'static [Key]),
}

struct Key {
    name: &'static str,
    kind: Kind,
    required: bool,
}

const fn must(name: &'static str, kind: Kind) -> Key {
    Key { name, kind, required: true }
}

const fn may(name: &'static str, kind: Kind) -> Key {
    Key { name, kind, required: false }
}

const TIERS: &[&str] = &[Tier::Strong.as_str(), Tier::Medium.as_str(), Tier::Weak.as_str()];
const BOUNDARIES: &[&str] =
    &[Boundary::Digit.as_str(), Boundary::Number.as_str(), Boundary::Word.as_str(), Boundary::None.as_str()];
const SEVERITIES: &[&str] = &[
    Severity::Low.as_str(),
    Severity::Medium.as_str(),
    Severity::High.as_str(),
    Severity::Critical.as_str(),
];
const SPELLINGS: &[&str] = &[
    Normalize::Digits.as_str(),
    Normalize::AlnumUpper.as_str(),
    Normalize::Lower.as_str(),
    Normalize::Raw.as_str(),
];
const CONFIDENCES: &[&str] =
    &[Confidence::Low.as_str(), Confidence::Medium.as_str(), Confidence::High.as_str()];
const SCOPES: &[&str] = &{
    let mut words = [""; Scope::ALL.len()];
    let mut at = 0;
    while at < words.len() {
        words[at] = Scope::ALL[at].as_str();
        at += 1;
    }
    words
};

const PACK: &[Key] = &[
    must("name", Kind::Text),
    must("version", Kind::Text),
    may("family", Kind::Text),
    may("tags", Kind::Texts),
];
const MASK: &[Key] = &[must("keep_last", Kind::Number)];
const KEYWORDS: &[Key] = &[
    may("any", Kind::Texts),
    may("before", Kind::Number),
    may("after", Kind::Number),
    may("scope", Kind::Words(SCOPES)),
    may("required", Kind::Flag),
];
const BESIDE: &[Key] = &[may("any", Kind::Texts), may("before", Kind::Number), may("after", Kind::Number)];
const AROUND: &[Key] = &[may("before", Kind::Text), may("after", Kind::Text)];
const EXCLUDE: &[Key] = &[
    may("keywords", Kind::Texts),
    may("values", Kind::Texts),
    may("before", Kind::Text),
    may("after", Kind::Text),
    may("unless_named", Kind::Table(AROUND)),
    may("lower", Kind::Table(AROUND)),
    may("low", Kind::Table(AROUND)),
    may("longer", Kind::Text),
    may("crowd", Kind::Number),
    may("reason", Kind::Text),
    may("owner", Kind::Text),
    may("expires", Kind::Date),
];
const EXAMPLE: &[Key] = &[must("text", Kind::Text), must("finds", Kind::Texts)];
const DETECTOR: &[Key] = &[
    must("id", Kind::Text),
    must("description", Kind::Text),
    must("pattern", Kind::Text),
    may("boundary", Kind::Word(BOUNDARIES)),
    may("validators", Kind::Texts),
    may("invalidators", Kind::Texts),
    may("doubts", Kind::Texts),
    may("normalize", Kind::Word(SPELLINGS)),
    must("tier", Kind::Word(TIERS)),
    may("bare", Kind::Word(CONFIDENCES)),
    may("faint", Kind::Text),
    may("family", Kind::Text),
    may("severity", Kind::Word(SEVERITIES)),
    may("tags", Kind::Texts),
    may("mask", Kind::Table(MASK)),
    may("keywords", Kind::Table(KEYWORDS)),
    may("beside", Kind::Table(BESIDE)),
    may("exclude", Kind::Table(EXCLUDE)),
    may("example", Kind::Tables(EXAMPLE)),
];
const FILE: &[Key] = &[must("pack", Kind::Table(PACK)), may("detector", Kind::Tables(DETECTOR))];

/// All that is wrong with the keys of a pack and the kinds of their values; nothing where it can be read.
pub(super) fn faults(text: &str) -> Vec<Fault> {
    let (table, errors) = DeTable::parse_recoverable(text);
    let mut faults = Vec::new();
    for error in &errors {
        let message = error.message().lines().collect::<Vec<_>>().join("; ");
        faults.push((error.span().unwrap_or(0..0), format!("not TOML: {message}")));
    }
    if faults.is_empty() {
        // A whole file has no line of its own.
        read(table.get_ref(), 0..0, "", FILE, &mut faults);
    }
    faults
}

fn read(table: &DeTable<'_>, place: Range<usize>, path: &str, keys: &[Key], faults: &mut Vec<Fault>) {
    for (name, value) in table {
        let written = name.get_ref().as_ref();
        match keys.iter().find(|key| key.name == written) {
            Some(key) => judge(value, &joined(path, written), &key.kind, faults),
            None => {
                let near = closest(written, keys.iter().map(|key| key.name));
                faults.push((name.span(), format!("`{}` is no key of a pack{near}", joined(path, written))));
            }
        }
    }
    let is_there = |key: &Key| table.keys().any(|name| name.get_ref() == key.name);
    for key in keys.iter().filter(|key| key.required && !is_there(key)) {
        faults.push((place.clone(), format!("`{}` is missing", joined(path, key.name))));
    }
}

fn judge(value: &Spanned<DeValue<'_>>, path: &str, kind: &Kind, faults: &mut Vec<Fault>) {
    let mut wrong = |expected: &str| {
        faults.push((value.span(), format!("`{path}` is {}; expected {expected}", name_of(value.get_ref()))));
    };
    match (kind, value.get_ref()) {
        (Kind::Text, DeValue::String(_))
        | (Kind::Number, DeValue::Integer(_))
        | (Kind::Flag, DeValue::Boolean(_))
        | (Kind::Date, DeValue::Datetime(_)) => {}
        (Kind::Word(words), DeValue::String(word)) => one_of(word, value.span(), path, words, faults),
        (Kind::Texts, DeValue::Array(items)) => {
            for item in items.iter().filter(|item| !matches!(item.get_ref(), DeValue::String(_))) {
                let what = name_of(item.get_ref());
                faults.push((item.span(), format!("`{path}` holds {what}; expected strings alone")));
            }
        }
        (Kind::Words(words), DeValue::Array(items)) => {
            for (nth, item) in items.iter().enumerate() {
                judge(item, &format!("{path}[{nth}]"), &Kind::Word(words), faults);
            }
        }
        (Kind::Table(keys), DeValue::Table(table)) => read(table, value.span(), path, keys, faults),
        (Kind::Tables(keys), DeValue::Array(items)) => {
            for (nth, item) in items.iter().enumerate() {
                judge(item, &format!("{path}[{nth}]"), &Kind::Table(keys), faults);
            }
        }
        (Kind::Text | Kind::Word(_), _) => wrong("a string"),
        (Kind::Texts | Kind::Words(_), _) => wrong("an array of strings"),
        (Kind::Number, _) => wrong("a whole number"),
        (Kind::Flag, _) => wrong("`true` or `false`"),
        (Kind::Date, _) => wrong("a date such as 2027-01-31"),
        (Kind::Table(_), _) => wrong("a table"),
        (Kind::Tables(_), _) => wrong("tables, each behind a line in double brackets"),
    }
}

fn one_of(word: &str, place: Range<usize>, path: &str, words: &[&str], faults: &mut Vec<Fault>) {
    if !words.contains(&word) {
        let quoted = words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>();
        let (last, others) = quoted.split_last().map_or(("", &[][..]), |(last, others)| (last, others));
        let near = closest(word, words.iter().copied());
        let known = format!("{} or {last}", others.join(", "));
        faults.push((place, format!("`{path}` is `{word}`; expected {known}{near}")));
    }
}

fn joined(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

fn name_of(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with a point",
        DeValue::Boolean(_) => "`true` or `false`",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "an array",
        DeValue::Table(_) => "a table",
    }
}

/// A hint at the known word that was probably meant.
fn closest<'a>(written: &str, known: impl Iterator<Item = &'a str>) -> String {
    let near = known.map(|word| (strsim::damerau_levenshtein(&written.to_lowercase(), word), word)).min();
    let near = near.filter(|(distance, word)| *distance <= 1 + word.len() / 4);
    near.map_or_else(String::new, |(_, word)| format!("; did you mean `{word}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::Pack;

    /// What is wrong, with the text that it points at.
    fn found(text: &str) -> Vec<(&str, String)> {
        let spot =
            |range: Range<usize>| text.get(range).unwrap_or_default().lines().next().unwrap_or_default();
        faults(text).into_iter().map(|(range, message)| (spot(range), message)).collect()
    }

    #[test]
    fn every_fault_is_named_with_its_key() {
        let text = r#"
[pack]
nam = "mine"
version = 1
[[detector]]
id = "mine.a"
description = "d"
tier = "strng"
boundry = "word"
validators = "luhn"
tags = ["a", 1]
mask = { keep_last = "4" }
[detector.keywords]
scope = ["near", "json_path"]
required = "yes"
[[detector.example]]
text = "a"
[[detector]]
id = "mine.b"
pattern = 'b'
tier = "weak"
description = "d"
exclude = ["b"]
"#;
        let expected = [
            ("nam", "`pack.nam` is no key of a pack; did you mean `name`?"),
            ("1", "`pack.version` is a whole number; expected a string"),
            ("[pack]", "`pack.name` is missing"),
            (
                "\"strng\"",
                "`detector[0].tier` is `strng`; expected `strong`, `medium` or `weak`; did you mean `strong`?",
            ),
            ("boundry", "`detector[0].boundry` is no key of a pack; did you mean `boundary`?"),
            ("\"luhn\"", "`detector[0].validators` is a string; expected an array of strings"),
            ("1", "`detector[0].tags` holds a whole number; expected strings alone"),
            ("\"4\"", "`detector[0].mask.keep_last` is a string; expected a whole number"),
            (
                "\"json_path\"",
                "`detector[0].keywords.scope[1]` is `json_path`; expected `near`, `json-path`, `csv-header`, \
                 `xml-name`, `form-key`, `multipart-name`, `url` or `header`; did you mean `json-path`?",
            ),
            ("\"yes\"", "`detector[0].keywords.required` is a string; expected `true` or `false`"),
            ("[[detector.example]]", "`detector[0].example[0].finds` is missing"),
            ("[[detector]]", "`detector[0].pattern` is missing"),
            ("[\"b\"]", "`detector[1].exclude` is an array; expected a table"),
        ];
        let mut found = found(text);
        found.sort();
        let mut expected = expected.map(|(spot, message)| (spot, message.to_owned()));
        expected.sort();
        assert_eq!(found, expected);
    }

    #[test]
    fn built_in_packs_have_no_fault() {
        for name in Pack::built_in_names() {
            for (file, text) in Pack::built_in_files(name) {
                assert_eq!(found(text), [], "{file}");
            }
        }
    }

    #[test]
    fn what_is_no_toml_is_said_to_be_none() {
        let found = faults("[pack\nname = \"a\"\n");
        assert!(found.iter().all(|(_, message)| message.starts_with("not TOML: ")), "{found:?}");
        assert!(!found.is_empty());
    }

    /// Every key of the readers is one of the lists and the other way round: what passes here is read.
    #[test]
    fn what_has_no_fault_is_read() {
        let word = |kind: &Kind| match kind {
            Kind::Text => "\"a\"".to_owned(),
            Kind::Word(words) => format!("{:?}", words.last().unwrap()),
            Kind::Texts | Kind::Words(_) => "[]".to_owned(),
            Kind::Number => "1".to_owned(),
            Kind::Flag => "true".to_owned(),
            Kind::Date => "2027-01-31".to_owned(),
            Kind::Table(_) | Kind::Tables(_) => String::new(),
        };
        let lines = |keys: &[Key]| {
            let plain = keys.iter().filter(|key| !matches!(key.kind, Kind::Table(_) | Kind::Tables(_)));
            plain.map(|key| format!("{} = {}\n", key.name, word(&key.kind))).collect::<String>()
        };
        let mut text = format!("[pack]\n{}[[detector]]\n{}", lines(PACK), lines(DETECTOR));
        for key in DETECTOR {
            match &key.kind {
                Kind::Table(keys) => text += &format!("[detector.{}]\n{}", key.name, lines(keys)),
                Kind::Tables(keys) => text += &format!("[[detector.{}]]\n{}", key.name, lines(keys)),
                _ => {}
            }
        }
        assert_eq!(found(&text), []);
        // What is said of it then is about what it says.
        let errors = Pack::parse("t.toml", &text).unwrap_err();
        assert!(errors.iter().all(|error| !error.message.contains("field")), "{errors:#?}");
    }
}
