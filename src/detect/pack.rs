//! Pack text to a checked pack.

use std::fmt;
use std::ops::{Range, RangeInclusive};
use std::sync::Arc;

use serde::Deserialize;
use toml::Spanned;

use super::Confidence;
pub use super::compiled::Around;
use super::compiled::{Known, Side};
use super::names::Scope;
use super::pattern::Pattern;
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

    /// Confidence of a match that is more than digits, with nothing around it.
    #[must_use]
    pub const fn confidence(self) -> Confidence {
        match self {
            Tier::Strong => Confidence::High,
            Tier::Medium => Confidence::Medium,
            Tier::Weak => Confidence::Low,
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

impl Boundary {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Boundary::Digit => "digit",
            Boundary::Number => "number",
            Boundary::Word => "word",
            Boundary::None => "none",
        }
    }

    /// What it asks of the bytes around a match.
    #[must_use]
    pub const fn about(self) -> &'static str {
        match self {
            Boundary::Digit => "digit: no digit touches the match",
            Boundary::Number => {
                "number: no digit touches the match, nor a point or comma that joins it to one"
            }
            Boundary::Word => "word: no letter, digit or `_` touches the match",
            Boundary::None => "none: anything may touch the match",
        }
    }
}

/// What makes two spellings one value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Normalize {
    Digits,
    AlnumUpper,
    Lower,
    #[default]
    Raw,
}

impl Normalize {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Normalize::Digits => "digits",
            Normalize::AlnumUpper => "alnum-upper",
            Normalize::Lower => "lower",
            Normalize::Raw => "raw",
        }
    }
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
    /// Where the words count; everywhere when none is named.
    pub scope: Vec<Scope>,
    pub required: bool,
}

/// Findings of other detectors that prove something when they stand near.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Beside {
    pub any: Vec<String>,
    pub before: usize,
    pub after: usize,
}

/// How many other numbers can make a list: fewer stand together by chance, more are not read.
const CROWDS: RangeInclusive<usize> = 3..=12;

/// What speaks against a match.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Exclude {
    pub keywords: Vec<String>,
    pub values: Vec<String>,
    /// What directly precedes, or follows, a match that is something else: patterns like a detector's own.
    pub before: Option<Spanned<String>>,
    pub after: Option<Spanned<String>>,
    /// The same, but where a name of the value's own speaks for it, that lowers it.
    pub unless_named: Around,
    /// The same, but makes a match medium that no word speaks for and that is high by its form; never lower than that,
    /// since whoever wants to can write it around anything.
    pub lower: Around,
    /// The same, but makes a match low that no word speaks for.
    pub low: Around,
    /// What may stand behind groups of digits without making them longer: those that go on otherwise, in their line and
    /// with their own sign, are low where no word speaks for them.
    pub longer: Option<Spanned<String>>,
    /// So many other numbers around a match of digits alone, none of which passes its validators, lower it by one step
    /// where no word speaks for it.
    pub crowd: Option<Spanned<usize>>,
    pub reason: Option<String>,
    pub owner: Option<String>,
    pub expires: Option<toml::value::Datetime>,
}

impl Exclude {
    fn patterns(&self) -> impl Iterator<Item = (Side, &Spanned<String>)> {
        let before = [&self.before, &self.unless_named.before, &self.lower.before, &self.low.before];
        let after = [&self.after, &self.unless_named.after, &self.lower.after, &self.low.after, &self.longer];
        let before = before.map(|one| (Side::Before, one));
        let after = after.map(|one| (Side::After, one));
        before.into_iter().chain(after).filter_map(|(side, one)| Some((side, one.as_ref()?)))
    }
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
    /// Checks that lower by one step, when they pass, what no word speaks for.
    #[serde(default)]
    pub doubts: Vec<Spanned<String>>,
    #[serde(default)]
    pub normalize: Normalize,
    pub tier: Tier,
    /// Confidence of a match that holds nothing but digits, where it is not the tier's; for a strong detector
    /// medium when unset, while its grouped and lettered matches are high.
    #[serde(default)]
    pub bare: Option<Spanned<String>>,
    /// Spellings of a whole match that are too common in other numbers: low unaided, whatever the tier.
    #[serde(default)]
    pub faint: Option<Spanned<String>>,
    /// What it competes with where they overlap; the pack's family when unset.
    #[serde(default)]
    pub family: Option<Spanned<String>>,
    #[serde(default)]
    pub severity: Severity,
    #[serde(default)]
    pub tags: Vec<String>,
    #[serde(default)]
    pub mask: Mask,
    #[serde(default)]
    pub keywords: Option<Spanned<Keywords>>,
    #[serde(default)]
    pub beside: Option<Spanned<Beside>>,
    #[serde(default)]
    pub exclude: Exclude,
    #[serde(default, rename = "example")]
    pub examples: Vec<Spanned<Example>>,
    /// The pattern, and the automaton of its faint spellings, compiled when the pack was read.
    #[serde(skip)]
    pub(super) read: Option<Arc<Pattern>>,
    #[serde(skip)]
    pub(super) faint_shape: Option<Arc<Shape>>,
    #[serde(skip)]
    pub file: String,
    #[serde(skip)]
    pub line: usize,
}

impl Definition {
    /// `pack.name`.
    #[must_use]
    pub fn id(&self) -> &str {
        self.id.get_ref()
    }

    /// The family it is of in its pack.
    #[must_use]
    pub fn family_in<'a>(&'a self, pack: &'a Pack) -> &'a str {
        self.family.as_ref().map_or(pack.family.as_str(), |family| family.get_ref())
    }

    /// Confidence of a match of digits alone.
    #[must_use]
    pub fn bare_confidence(&self) -> Confidence {
        match (self.bare.as_ref().map(|b| b.get_ref().as_str()), self.tier) {
            (Some("high"), _) => Confidence::High,
            (Some("low"), _) | (None, Tier::Weak) => Confidence::Low,
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
    /// Of its detectors; those of the pack itself when unset.
    #[serde(default)]
    family: Option<Spanned<String>>,
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
    /// What its detectors compete with where they overlap; its name when it says nothing.
    pub family: String,
    pub definitions: Vec<Definition>,
    /// Id of the trusted key that signed it; set by whoever checked.
    pub signed_by: Option<String>,
    /// Automata of what stands around matches, compiled when the pack was read.
    pub(super) known: Known,
}

/// What is wrong with a pack, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackError {
    pub file: String,
    /// 1-based; 0 when the complaint has no place.
    pub line: usize,
    pub column: usize,
    /// Characters from there on that the complaint speaks of; 0: the whole line.
    pub width: usize,
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

impl Pack {
    /// Reads a pack that several files make: the same name and version in each.
    pub fn parse_files(files: &[(&str, &str)]) -> Result<Pack, Vec<PackError>> {
        let mut whole: Option<Pack> = None;
        let mut digest = ring::digest::Context::new(&ring::digest::SHA256);
        let mut errors = Vec::new();
        for (file, text) in files {
            digest.update(text.as_bytes());
            let part = match Pack::parse(file, text) {
                Ok(part) => part,
                Err(found) => {
                    errors.extend(found);
                    continue;
                }
            };
            let Some(pack) = &mut whole else {
                whole = Some(part);
                continue;
            };
            let complain =
                |line, message| PackError { file: part.file.clone(), line, column: 1, width: 0, message };
            if (&part.name, &part.version) != (&pack.name, &pack.version) {
                let message = format!(
                    "`{}` {} is not the pack `{}` {} that {} begins",
                    part.name, part.version, pack.name, pack.version, pack.file
                );
                errors.push(complain(1, message));
            } else if part.family != pack.family {
                let message =
                    format!("the family `{}` is not `{}`, as in {}", part.family, pack.family, pack.file);
                errors.push(complain(1, message));
            }
            for definition in &part.definitions {
                if pack.definitions.iter().any(|d| d.id.get_ref() == definition.id.get_ref()) {
                    let message = format!("detector id `{}` stands twice", definition.id.get_ref());
                    errors.push(complain(definition.line, message));
                }
            }
            pack.definitions.extend(part.definitions);
            pack.known.extend(part.known);
        }
        match whole {
            Some(mut pack) if errors.is_empty() => {
                pack.hash = hex(digest.finish().as_ref());
                Ok(pack)
            }
            Some(_) | None => Err(errors),
        }
    }

    /// Reads a pack; `file` is used in complaints. All complaints at once. The examples of its detectors are
    /// run by [`super::Matcher::check_examples`].
    pub fn parse(file: &str, text: &str) -> Result<Pack, Vec<PackError>> {
        let at = |place: Range<usize>, message: String| {
            let before = text.get(..place.start).unwrap_or(text);
            let line = before.matches('\n').count() + 1;
            let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
            let marked = text.get(place).unwrap_or_default();
            let width = marked.lines().next().unwrap_or_default().chars().count();
            PackError { file: file.to_owned(), line, column, width, message }
        };
        let parsed: File = toml::from_str(text).map_err(|e| {
            let mut faults = super::written::faults(text);
            if faults.is_empty() {
                let message = e.message().lines().collect::<Vec<_>>().join(", ");
                faults.push((e.span().unwrap_or(0..0), message));
            }
            faults.into_iter().map(|(place, message)| at(place, message)).collect::<Vec<_>>()
        })?;
        let mut errors = Vec::new();
        let mut complain = |place: Range<usize>, message: String| errors.push(at(place, message));
        check_header(&parsed.pack, &mut complain);
        let mut seen = std::collections::HashSet::new();
        let (mut definitions, mut known) = (Vec::new(), Known::new());
        if parsed.detectors.is_empty() {
            complain(0..0, "the pack has no [[detector]]".into());
        }
        for spanned in parsed.detectors {
            let offset = spanned.span().start;
            let mut definition = spanned.into_inner();
            if !seen.insert(definition.id.get_ref().clone()) {
                let message = format!("detector id `{}` stands twice", definition.id.get_ref());
                complain(definition.id.span(), message);
            }
            check_definition(text, parsed.pack.name.get_ref(), &mut definition, offset, &mut complain);
            check_exclude(&definition, &mut known, &mut complain);
            definition.line = at(definition.id.span(), String::new()).line;
            file.clone_into(&mut definition.file);
            definitions.push(definition);
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
        let name = parsed.pack.name.into_inner();
        Ok(Pack {
            family: parsed.pack.family.map_or_else(|| name.clone(), Spanned::into_inner),
            name,
            version: parsed.pack.version.into_inner(),
            hash: hex(digest.as_ref()),
            file: file.to_owned(),
            tags: parsed.pack.tags,
            definitions,
            signed_by: None,
            known,
        })
    }
}

fn hex(digest: &[u8]) -> String {
    digest.iter().map(|b| format!("{b:02x}")).collect()
}

fn check_header(header: &Header, complain: &mut impl FnMut(Range<usize>, String)) {
    let name = header.name.get_ref();
    if !is_word(name) {
        complain(header.name.span(), format!("pack name `{name}` is not made of a-z, 0-9 and `-`"));
    }
    let version = header.version.get_ref();
    let parts: Vec<&str> = version.split('.').collect();
    if parts.len() != 3 || !parts.iter().all(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit())) {
        complain(header.version.span(), format!("version `{version}` is not of the form 1.2.3"));
    }
    check_family(header.family.as_ref(), complain);
}

fn check_family(family: Option<&Spanned<String>>, complain: &mut impl FnMut(Range<usize>, String)) {
    if let Some(family) = family.filter(|family| !is_word(family.get_ref())) {
        complain(family.span(), format!("family `{}` is not made of a-z, 0-9 and `-`", family.get_ref()));
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// Where a pattern is at fault: the part of it, when it is written as it is read.
fn pattern_fault(text: &str, definition: &Definition) -> Range<usize> {
    let (pattern, span) = (definition.pattern.get_ref(), definition.pattern.span());
    let inner = span.start + 1..span.end.saturating_sub(1);
    let verbatim = text.get(inner.clone()).is_some_and(|written| written == pattern);
    let part = super::fault::place(pattern).filter(|_| verbatim);
    part.map_or(span, |part| inner.start + part.start..inner.start + part.end)
}

fn unknown_check(id: &str, name: &str) -> String {
    let near = Check::near(name).map_or_else(
        || "; docs/packs.md lists all".to_owned(),
        |near| format!("; did you mean `{}`?", near.name),
    );
    format!("`{id}` names the unknown validator `{name}`{near}")
}

fn check_definition(
    text: &str,
    pack: &str,
    definition: &mut Definition,
    offset: usize,
    complain: &mut impl FnMut(Range<usize>, String),
) {
    let id = &definition.id.get_ref().clone();
    if !id.strip_prefix(pack).and_then(|rest| rest.strip_prefix('.')).is_some_and(is_word) {
        complain(
            definition.id.span(),
            format!(
                "detector id `{id}` is not `{pack}.` and a word of a-z, 0-9, `-`; to replace a detector of another \
                 pack, give this one that pack's name"
            ),
        );
    }
    match Pattern::compile(definition.pattern.get_ref()) {
        Ok(read) => definition.read = Some(Arc::new(read)),
        Err(error) => complain(pattern_fault(text, definition), format!("pattern of `{id}`: {}", error.0)),
    }
    for name in definition.validators.iter().chain(&definition.invalidators).chain(&definition.doubts) {
        if Check::named(name.get_ref()).is_none() {
            let message = unknown_check(id, name.get_ref());
            complain(name.span(), message);
        }
    }
    check_family(definition.family.as_ref(), complain);
    if usize::from(definition.mask.keep_last) > limits::MASK_KEEP {
        let message = format!("`{id}` keeps more than {} characters readable", limits::MASK_KEEP);
        complain(definition.id.span(), message);
    }
    if let Some(faint) = &definition.faint {
        match Shape::compile(faint.get_ref()) {
            Ok(shape) => definition.faint_shape = Some(Arc::new(shape)),
            Err(error) => complain(faint.span(), format!("`faint` of `{id}`: {}", error.0)),
        }
    }
    if let Some(bare) =
        definition.bare.as_ref().filter(|b| !["low", "medium", "high"].contains(&b.get_ref().as_str()))
    {
        complain(bare.span(), format!("`bare` of `{id}` is `low`, `medium` or `high`"));
    }
    if let Some(keywords) = &definition.keywords {
        let words = keywords.get_ref();
        if words.before > limits::KEYWORD_REACH || words.after > limits::KEYWORD_REACH {
            let message = format!("keywords of `{id}` reach further than {} bytes", limits::KEYWORD_REACH);
            complain(keywords.span(), message);
        }
    }
    let words = definition.keywords.iter().flat_map(|k| &k.get_ref().any);
    for word in words.chain(&definition.exclude.keywords) {
        if let Some(reason) = super::context::unfit(word) {
            let place = definition.keywords.as_ref().map_or(offset..offset, |k| k.span());
            complain(place, format!("the keyword `{word}` of `{id}` {reason}"));
        }
    }
    if let Some(beside) = &definition.beside {
        let reach = beside.get_ref();
        if reach.before > limits::KEYWORD_REACH || reach.after > limits::KEYWORD_REACH {
            let message = format!("`beside` of `{id}` reaches further than {} bytes", limits::KEYWORD_REACH);
            complain(beside.span(), message);
        }
    }
    let has = |empty: bool| definition.examples.iter().any(|e| e.get_ref().finds.is_empty() == empty);
    if !has(false) || !has(true) {
        complain(
            offset..offset,
            format!("`{id}` needs an [[detector.example]] that finds something and one that finds nothing"),
        );
    }
}

/// What is wrong with what speaks against a match.
fn check_exclude(of: &Definition, known: &mut Known, complain: &mut impl FnMut(Range<usize>, String)) {
    let (id, exclude) = (of.id(), &of.exclude);
    if let Some(crowd) = exclude.crowd.as_ref().filter(|crowd| !CROWDS.contains(crowd.get_ref())) {
        let message = format!("`exclude.crowd` of `{id}` is {} to {}", CROWDS.start(), CROWDS.end());
        complain(crowd.span(), message);
    }
    for (side, around) in exclude.patterns() {
        if let Err(error) = super::compiled::around(known, side, around.get_ref()) {
            complain(around.span(), format!("`exclude` of `{id}`: {}", error.0));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            (
                detector("pattern = 'a1'\nvalidators = [\"lun\"]"),
                9,
                "unknown validator `lun`; did you mean `luhn`?",
            ),
            (
                detector("pattern = 'a1'\nvalidators = [\"zzz\"]"),
                9,
                "unknown validator `zzz`; docs/packs.md lists all",
            ),
            (detector("pattern = 'a1'\nmask = { keep_last = 5 }"), 5, "more than 4 characters"),
            (
                detector("pattern = 'a1'\nexclude = { crowd = 2 }"),
                9,
                "`exclude.crowd` of `mine.a` is 3 to 12",
            ),
            (detector("pattern = 'a1'\ncolour = 1"), 9, "`detector[0].colour` is no key of a pack"),
            (detector("pattern = 'a1'").replace("mine.a", "other.a"), 5, "is not `mine.`"),
            (
                detector("pattern = 'a1'").replace("finds = []", "finds = [\"b\"]"),
                4,
                "one that finds nothing",
            ),
            (detector("pattern = 'a1'\nbare = \"sure\""), 9, "`low`, `medium` or `high`"),
            (detector("pattern = 'a1'\nfamily = \"My Numbers\""), 9, "family `My Numbers` is not made of"),
            (
                detector("pattern = 'a1'").replace("1.0.0\"", "1.0.0\"\nfamily = \"\""),
                4,
                "family `` is not made of",
            ),
            ("[pack".to_owned(), 1, "not TOML: "),
        ];
        for (text, line, words) in cases {
            let errors = Pack::parse("mine.toml", &text).unwrap_err();
            let first = &errors[0];
            assert_eq!((first.file.as_str(), first.line), ("mine.toml", line), "{text}\n{first}");
            assert!(first.message.contains(words), "{first}");
        }
    }
}
