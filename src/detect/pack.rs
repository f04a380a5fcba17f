//! Pack text to a checked pack.

use std::fmt;

use serde::Deserialize;
use toml::Spanned;

use super::Confidence;
use super::shape::Shape;
use super::validate::Check;
use crate::limits;

/// How a value is hidden by default: same length, same type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mask {
    /// Trailing digits or letters that stay readable.
    pub keep_last: u8,
}

/// How sure a detector is unaided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tier {
    Strong,
    Medium,
    Weak,
}

impl Tier {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Tier::Strong => "strong",
            Tier::Medium => "medium",
            Tier::Weak => "weak",
        }
    }
}

/// What may not touch a match. Start and end of a value are boundaries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Boundary {
    /// A digit.
    Digit,
    /// A digit, or a point or comma that joins the match to another digit: a part of a decimal number.
    Number,
    /// A letter, a digit or `_`.
    #[default]
    Word,
    None,
}

/// What makes two spellings one value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum Normalize {
    #[serde(rename = "digits")]
    Digits,
    #[serde(rename = "alnum-upper")]
    AlnumUpper,
    #[serde(rename = "lower")]
    Lower,
    #[default]
    #[serde(rename = "raw")]
    Raw,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Low,
    #[default]
    Medium,
    High,
    Critical,
}

impl Severity {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Severity::Low => "low",
            Severity::Medium => "medium",
            Severity::High => "high",
            Severity::Critical => "critical",
        }
    }
}

/// A word that proves something when it stands near.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Keywords {
    pub any: Vec<String>,
    pub before: usize,
    pub after: usize,
    pub scope: Vec<String>,
    pub required: bool,
}

/// What speaks against a match.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Exclude {
    pub keywords: Vec<String>,
    pub values: Vec<String>,
    pub reason: Option<String>,
    pub owner: Option<String>,
    pub expires: Option<toml::value::Datetime>,
}

/// A text and what is found in it: a detector's own test.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Example {
    pub text: String,
    pub finds: Vec<String>,
}

/// A detector as written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Definition {
    pub id: Spanned<String>,
    pub description: String,
    pub pattern: Spanned<String>,
    #[serde(default)]
    pub boundary: Boundary,
    #[serde(default)]
    pub validators: Vec<Spanned<String>>,
    #[serde(default)]
    pub invalidators: Vec<Spanned<String>>,
    #[serde(default)]
    pub normalize: Normalize,
    pub tier: Tier,
    /// Confidence of a strong detector's match that holds nothing but digits; grouped or lettered ones are high.
    #[serde(default)]
    pub bare: Option<Spanned<String>>,
    #[serde(default)]
    pub severity: Severity,
    #[serde(default)]
    pub tags: Vec<String>,
    #[serde(default)]
    pub mask: Mask,
    #[serde(default)]
    pub keywords: Option<Spanned<Keywords>>,
    #[serde(default)]
    pub exclude: Exclude,
    #[serde(default, rename = "example")]
    pub examples: Vec<Spanned<Example>>,
    #[serde(skip)]
    pub line: usize,
}

impl Definition {
    /// Confidence of a strong detector's match of digits alone.
    #[must_use]
    pub fn bare_confidence(&self) -> Confidence {
        match self.bare.as_ref().map(|b| b.get_ref().as_str()) {
            Some("high") => Confidence::High,
            Some("low") => Confidence::Low,
            _ => Confidence::Medium,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    pack: Header,
    #[serde(default, rename = "detector")]
    detectors: Vec<Spanned<Definition>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    name: Spanned<String>,
    version: Spanned<String>,
    #[serde(default)]
    tags: Vec<String>,
}

/// A checked pack.
#[derive(Clone, Debug)]
pub struct Pack {
    pub name: String,
    pub version: String,
    /// SHA-256 of the pack's text, in hex.
    pub hash: String,
    /// Where it was read from.
    pub file: String,
    pub tags: Vec<String>,
    pub definitions: Vec<Definition>,
}

/// What is wrong with a pack, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackError {
    pub file: String,
    /// 1-based; 0 when the complaint has no place.
    pub line: usize,
    pub column: usize,
    pub message: String,
}

impl fmt::Display for PackError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.file, self.message),
            line => write!(f, "{}:{line}:{}: {}", self.file, self.column, self.message),
        }
    }
}

impl std::error::Error for PackError {}

/// Packs that are part of the binary: name and text.
const BUILT_IN: &[(&str, &str)] = &[
    ("payment", include_str!("../../patterns/payment.toml")),
    ("contact", include_str!("../../patterns/contact.toml")),
    ("national-id", include_str!("../../patterns/national-id.toml")),
    ("secrets", include_str!("../../patterns/secrets.toml")),
];
const NAMES: &[&str] = &["payment", "contact", "national-id", "secrets"];

impl Pack {
    /// A pack that is part of the binary.
    #[must_use]
    pub fn built_in(name: &str) -> Option<Pack> {
        let (_, text) = BUILT_IN.iter().find(|(built_in, _)| *built_in == name)?;
        Pack::parse(&format!("patterns/{name}.toml"), text).ok()
    }

    /// Names of the packs that are part of the binary.
    #[must_use]
    pub fn built_in_names() -> &'static [&'static str] {
        NAMES
    }

    /// Reads a pack; `file` is used in complaints. All complaints at once. The examples of its detectors are
    /// run by [`super::Matcher::check_examples`].
    pub fn parse(file: &str, text: &str) -> Result<Pack, Vec<PackError>> {
        let at = |offset: usize, message: String| {
            let before = text.get(..offset).unwrap_or(text);
            let line = before.matches('\n').count() + 1;
            let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
            PackError { file: file.to_owned(), line, column, message }
        };
        let parsed: File = toml::from_str(text).map_err(|e| {
            let offset = e.span().map_or(0, |span| span.start);
            vec![at(offset, e.message().lines().collect::<Vec<_>>().join(", "))]
        })?;
        let mut errors = Vec::new();
        let mut complain = |offset: usize, message: String| errors.push(at(offset, message));
        check_header(&parsed.pack, &mut complain);
        let mut seen = std::collections::HashSet::new();
        let mut definitions = Vec::new();
        if parsed.detectors.is_empty() {
            complain(0, "the pack has no [[detector]]".into());
        }
        for spanned in parsed.detectors {
            let offset = spanned.span().start;
            let mut definition = spanned.into_inner();
            if !seen.insert(definition.id.get_ref().clone()) {
                let message = format!("detector id `{}` stands twice", definition.id.get_ref());
                complain(definition.id.span().start, message);
            }
            check_definition(parsed.pack.name.get_ref(), &definition, offset, &mut complain);
            definition.line = at(definition.id.span().start, String::new()).line;
            definitions.push(definition);
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
        Ok(Pack {
            name: parsed.pack.name.into_inner(),
            version: parsed.pack.version.into_inner(),
            hash: digest.as_ref().iter().map(|b| format!("{b:02x}")).collect(),
            file: file.to_owned(),
            tags: parsed.pack.tags,
            definitions,
        })
    }
}

fn check_header(header: &Header, complain: &mut impl FnMut(usize, String)) {
    let name = header.name.get_ref();
    if !is_word(name) {
        complain(header.name.span().start, format!("pack name `{name}` is not made of a-z, 0-9 and `-`"));
    }
    let version = header.version.get_ref();
    let parts: Vec<&str> = version.split('.').collect();
    if parts.len() != 3 || !parts.iter().all(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit())) {
        complain(header.version.span().start, format!("version `{version}` is not of the form 1.2.3"));
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

fn check_definition(
    pack: &str,
    definition: &Definition,
    offset: usize,
    complain: &mut impl FnMut(usize, String),
) {
    let id = definition.id.get_ref();
    if !id.strip_prefix(pack).and_then(|rest| rest.strip_prefix('.')).is_some_and(is_word) {
        complain(
            definition.id.span().start,
            format!("detector id `{id}` is not `{pack}.` and a word of a-z, 0-9, `-`"),
        );
    }
    if let Err(error) = Shape::compile(definition.pattern.get_ref()) {
        complain(definition.pattern.span().start, format!("pattern of `{id}`: {}", error.0));
    }
    for name in definition.validators.iter().chain(&definition.invalidators) {
        if Check::named(name.get_ref()).is_none() {
            let message = format!("`{id}` names the unknown validator `{}`", name.get_ref());
            complain(name.span().start, message);
        }
    }
    if let Some(bare) =
        definition.bare.as_ref().filter(|b| !["low", "medium", "high"].contains(&b.get_ref().as_str()))
    {
        complain(bare.span().start, format!("`bare` of `{id}` is `low`, `medium` or `high`"));
    }
    if let Some(keywords) = &definition.keywords {
        let words = keywords.get_ref();
        if words.before > limits::KEYWORD_REACH || words.after > limits::KEYWORD_REACH {
            let message = format!("keywords of `{id}` reach further than {} bytes", limits::KEYWORD_REACH);
            complain(keywords.span().start, message);
        }
        if words.any.iter().any(String::is_empty) {
            complain(keywords.span().start, format!("keywords of `{id}` hold an empty word"));
        }
    }
    let has = |empty: bool| definition.examples.iter().any(|e| e.get_ref().finds.is_empty() == empty);
    if !has(false) || !has(true) {
        complain(
            offset,
            format!("`{id}` needs an [[detector.example]] that finds something and one that finds nothing"),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_in_packs_are_whole_and_listed() {
        assert_eq!(NAMES.to_vec(), BUILT_IN.iter().map(|(name, _)| *name).collect::<Vec<_>>());
        for (name, text) in BUILT_IN {
            let pack = Pack::parse(name, text).unwrap_or_else(|e| panic!("{e:#?}"));
            assert_eq!(pack.name, *name);
        }
        assert!(Pack::built_in("nothing").is_none());
    }

    #[test]
    fn complaints_name_file_line_and_reason() {
        let head = "[pack]\nname = \"mine\"\nversion = \"1.0.0\"\n";
        let detector = |extra: &str| {
            format!(
                "{head}[[detector]]\nid = \"mine.a\"\ndescription = \"d\"\ntier = \"strong\"\n{extra}\n\
                 [[detector.example]]\ntext = \"a1\"\nfinds = [\"a1\"]\n[[detector.example]]\ntext = \"b\"\nfinds = []\n"
            )
        };
        let cases = [
            (head.replace("1.0.0", "1"), 3, "not of the form 1.2.3"),
            (head.to_owned(), 1, "no [[detector]]"),
            (detector("pattern = 'a+'"), 8, "no finite maximum"),
            (detector("pattern = 'a1'\nvalidators = [\"lun\"]"), 9, "unknown validator `lun`"),
            (detector("pattern = 'a1'\ncolour = 1"), 9, "unknown field `colour`"),
            (detector("pattern = 'a1'").replace("mine.a", "other.a"), 5, "is not `mine.`"),
            (
                detector("pattern = 'a1'").replace("finds = []", "finds = [\"b\"]"),
                4,
                "one that finds nothing",
            ),
            (detector("pattern = 'a1'\nbare = \"sure\""), 9, "`low`, `medium` or `high`"),
            ("[pack".to_owned(), 1, ""),
        ];
        for (text, line, words) in cases {
            let errors = Pack::parse("mine.toml", &text).unwrap_err();
            let first = &errors[0];
            assert_eq!((first.file.as_str(), first.line), ("mine.toml", line), "{text}\n{first}");
            assert!(first.message.contains(words), "{first}");
        }
    }
}
