//! Fields of a message that a rule speaks of: where a value stands, compared with what the rule names.
//!
//! An exemption asks more than a rule that restricts: it takes the field's own word only, as the text itself has it and
//! in the form that the message declares. A name that stands inside another field's value earns nothing.

use std::borrow::Cow;

use crate::limits;

/// How a name is given to a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Naming {
    Json,
    Xml,
    Form,
    Multipart,
    Csv,
    /// A key of the request target's query.
    Query,
}

impl Naming {
    /// As places in records spell it.
    #[must_use]
    pub fn of_carrier(word: &str) -> Option<Naming> {
        match word {
            "json" => Some(Naming::Json),
            "xml" => Some(Naming::Xml),
            "form" => Some(Naming::Form),
            "multipart" => Some(Naming::Multipart),
            "csv" => Some(Naming::Csv),
            _ => None,
        }
    }

    /// What a body of this type is read as, by whoever it is sent to.
    #[must_use]
    pub fn of_media_type(media_type: &str) -> Option<Naming> {
        let essence = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let (family, kind) = essence.split_once('/')?;
        match (family, kind) {
            ("application", "x-www-form-urlencoded") => Some(Naming::Form),
            ("multipart", "form-data") => Some(Naming::Multipart),
            ("text", "csv" | "tab-separated-values") | ("application", "csv") => Some(Naming::Csv),
            (_, kind) if kind == "json" || kind.ends_with("+json") || kind == "x-ndjson" => {
                Some(Naming::Json)
            }
            (_, kind) if kind == "xml" || kind.ends_with("+xml") => Some(Naming::Xml),
            (_, _) => None,
        }
    }
}

/// One name that a value stands under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spot<'a> {
    pub naming: Naming,
    /// As places in records spell it; keys of forms and queries as they came.
    pub path: &'a str,
    /// Whether the message itself says so, in the form that it declares.
    pub exact: bool,
}

/// One field as a rule names it.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Field {
    /// Keys or elements; `anywhere`: the last ones of a path.
    Path { naming: Naming, steps: Box<str>, anywhere: bool },
    /// A key of a form or a query, a part, a column. The second half is what stands behind a `*`.
    Name(Box<str>, Option<Box<str>>),
}

/// All fields that a rule names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Fields(Vec<Field>);

impl Fields {
    pub(super) fn compile(words: &[String], complain: &mut dyn FnMut(String)) -> Fields {
        Fields(words.iter().filter_map(|word| field(word).map_err(&mut *complain).ok()).collect())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn extend(&mut self, other: &Fields) {
        self.0.extend(other.0.iter().cloned());
    }

    /// Whether one of them is where a value stands.
    pub(super) fn hold(&self, spot: &Spot<'_>) -> bool {
        self.0.iter().any(|field| field.is(spot))
    }

    /// Whether a key of a form may be one of them. Asked for every key of a form.
    pub(super) fn may_be_key(&self, key: &str) -> bool {
        let key = unescaped(key);
        self.0.iter().any(|field| match field {
            Field::Path { .. } => false,
            Field::Name(first, last) => named(first, last.as_deref(), &key),
        })
    }
}

/// Whether a word can name a field; else, what is wrong with it.
pub fn check_field(word: &str) -> Result<(), String> {
    field(word).map(|_| ())
}

fn field(word: &str) -> Result<Field, String> {
    if word.is_empty() || word.len() > limits::FIELD_LEN {
        return Err(format!("a field is named by 1 to {} bytes", limits::FIELD_LEN));
    }
    if let Some(path) = word.strip_prefix('$') {
        let (anywhere, path) = path
            .strip_prefix('.')
            .filter(|rest| rest.starts_with('.'))
            .map_or((false, path), |rest| (true, rest));
        let steps = json_steps(path).ok_or_else(|| {
            format!("`{word}` is not a path of keys such as `$.card.number`, `$[\"card no\"]` or, at any depth, `$..card.number`")
        })?;
        return Ok(Field::Path { naming: Naming::Json, steps: steps.into(), anywhere });
    }
    if let Some(path) = word.strip_prefix('/') {
        let (anywhere, path) = path.strip_prefix('/').map_or((false, path), |rest| (true, rest));
        let is_step = |step: &str| {
            let name = step.strip_prefix('@').unwrap_or(step);
            !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || "_-.".contains(c))
        };
        if !path.split('/').all(is_step) {
            return Err(format!(
                "`{word}` is not a path of elements such as `/order/card/@number` or, at any depth, `//card/number`"
            ));
        }
        return Ok(Field::Path { naming: Naming::Xml, steps: format!("/{path}").into(), anywhere });
    }
    match word.split_once('*') {
        None => Ok(Field::Name(word.into(), None)),
        Some((_, after)) if after.contains('*') => Err(format!("`{word}` has more than one `*`")),
        Some(("", "")) => Err("`*` would be every field".to_owned()),
        Some((before, after)) => Ok(Field::Name(before.into(), Some(after.into()))),
    }
}

/// The steps of a path of keys, spelled as places in records are. Arrays are no steps there: `[*]` says nothing.
fn json_steps(path: &str) -> Option<String> {
    let mut steps = String::new();
    let mut rest = path;
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix("[*]") {
            rest = after;
        } else if let Some(quoted) = rest.strip_prefix("[\"") {
            let (key, after) = quoted.split_once("\"]")?;
            steps.push_str(&step(key)?);
            rest = after;
        } else {
            let plain = rest.strip_prefix('.')?;
            let end = plain.find(['.', '[']).unwrap_or(plain.len());
            let (key, after) = plain.split_at_checked(end)?;
            steps.push_str(&step(key)?);
            rest = after;
        }
    }
    (!steps.is_empty()).then_some(steps)
}

fn step(key: &str) -> Option<String> {
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '$');
    let is_shown = |c: char| is_word(c) || " .:@#/()".contains(c);
    match key {
        "" => None,
        key if key.chars().all(is_word) => Some(format!(".{key}")),
        key if key.chars().all(is_shown) => Some(format!("[\"{key}\"]")),
        _ => None,
    }
}

impl Field {
    fn is(&self, spot: &Spot<'_>) -> bool {
        match (self, spot.naming) {
            (Field::Path { naming: Naming::Json, steps, anywhere }, Naming::Json) => {
                let path = spot.path.strip_prefix('$').unwrap_or_default();
                if *anywhere { path.ends_with(&**steps) } else { path == &**steps }
            }
            (Field::Path { naming: Naming::Xml, steps, anywhere }, Naming::Xml) => {
                if *anywhere {
                    spot.path.ends_with(&**steps)
                } else {
                    spot.path == &**steps
                }
            }
            (Field::Path { .. }, _) | (Field::Name(..), Naming::Json | Naming::Xml) => false,
            (Field::Name(first, last), Naming::Form | Naming::Query) => {
                named(first, last.as_deref(), &unescaped(spot.path))
            }
            (Field::Name(first, last), Naming::Multipart) => named(first, last.as_deref(), spot.path),
            (Field::Name(first, last), Naming::Csv) => {
                // `column 3 "name"`
                let header = spot.path.split_once('"').and_then(|(_, rest)| rest.strip_suffix('"'));
                header.is_some_and(|header| named(first, last.as_deref(), header))
            }
        }
    }
}

fn named(first: &str, last: Option<&str>, name: &str) -> bool {
    match last {
        None => name == first,
        Some(last) => name.strip_prefix(first).is_some_and(|rest| rest.ends_with(last)),
    }
}

/// A key as the form's reader has it: `card%5Bnumber%5D` is `card[number]`.
fn unescaped(key: &str) -> Cow<'_, str> {
    if !key.contains(['%', '+']) {
        return Cow::Borrowed(key);
    }
    let mut out = Vec::with_capacity(key.len());
    let mut rest = key.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let pair =
            after.first_chunk::<2>().filter(|_| byte == b'%').and_then(|pair| std::str::from_utf8(pair).ok());
        match pair.and_then(|pair| u8::from_str_radix(pair, 16).ok()) {
            Some(escaped) => {
                out.push(escaped);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                out.push(if byte == b'+' { b' ' } else { byte });
                rest = after;
            }
        }
    }
    Cow::Owned(String::from_utf8_lossy(&out).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(word: &str, naming: Naming, path: &str) -> bool {
        let fields = Fields::compile(&[word.to_owned()], &mut |c| panic!("{c}"));
        fields.hold(&Spot { naming, path, exact: true })
    }

    #[test]
    fn a_field_is_where_it_says() {
        let cases = [
            ("$.card.number", Naming::Json, "$.card.number", true),
            ("$.card.number", Naming::Json, "$.x.card.number", false),
            ("$.card.number", Naming::Json, "$..card.number", false),
            ("$.cards[*].number", Naming::Json, "$.cards.number", true),
            ("$..card.number", Naming::Json, "$.x.card.number", true),
            ("$..card.number", Naming::Json, "$..card.number", true),
            ("$..card.number", Naming::Json, "$.scard.number", false),
            ("$..card.number", Naming::Json, "$[\"x.card.number\"]", false),
            ("$[\"card no\"].x", Naming::Json, "$[\"card no\"].x", true),
            ("/a/card/@number", Naming::Xml, "/a/card/@number", true),
            ("/card/number", Naming::Xml, "/a/card/number", false),
            ("//card/number", Naming::Xml, "/a/card/number", true),
            ("//card/number", Naming::Xml, "/a/xcard/number", false),
            ("card[number]", Naming::Form, "card[number]", true),
            ("card[number]", Naming::Form, "card%5Bnumber%5d", true),
            ("card[number]", Naming::Form, "card[number", false),
            ("card[number]", Naming::Json, "$.card", false),
            ("card no", Naming::Query, "card+no", true),
            ("metadata[*]", Naming::Form, "metadata[x]", true),
            ("metadata[*]", Naming::Form, "xmetadata[x]", false),
            ("number", Naming::Multipart, "number", true),
            ("number", Naming::Multipart, "number $.x", false),
            ("number", Naming::Csv, "column 2 \"number\"", true),
            ("number", Naming::Csv, "column 2 \"numbers\"", false),
        ];
        for (word, naming, path, expected) in cases {
            assert_eq!(holds(word, naming, path), expected, "{word} {path}");
        }
    }

    #[test]
    fn what_names_no_field_is_said() {
        for word in [
            "",
            "$",
            "$card",
            "$.a..b",
            "$.[\"\"]",
            "$.a[0]",
            "/",
            "//",
            "/a//b",
            "/a/<b>",
            "*",
            "a*b*",
            &"x".repeat(300),
        ] {
            assert!(check_field(word).is_err(), "{word}");
        }
    }

    #[test]
    fn a_body_is_read_as_it_declares() {
        let cases = [
            ("application/json", Some(Naming::Json)),
            ("Application/Vnd.Api+JSON; charset=utf-8", Some(Naming::Json)),
            ("text/xml", Some(Naming::Xml)),
            ("application/x-www-form-urlencoded", Some(Naming::Form)),
            ("multipart/form-data; boundary=x", Some(Naming::Multipart)),
            ("text/csv", Some(Naming::Csv)),
            ("text/plain", None),
            ("", None),
        ];
        for (media_type, expected) in cases {
            assert_eq!(Naming::of_media_type(media_type), expected, "{media_type}");
        }
    }
}
