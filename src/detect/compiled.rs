//! One detector as the engine runs it: its automata, its anchors and what may not stand around a match.

use std::ops::Range;
use std::sync::Arc;

use serde::Deserialize;
use toml::Spanned;

use super::anchor::{Anchor, is_separator};
use super::names::Scopes;
use super::pack::{Boundary, Definition, Normalize, Tier};
use super::pattern::{Parts, Pattern};
use super::shape::{DEAD, Ends, Shape, ShapeError};
use super::sides::Sides;
use super::stretch::Stretch;
use super::validate::{Check, sixteen};
use super::{Confidence, anchor};
use crate::limits;

/// A detector as the engine runs it.
#[derive(Debug)]
pub(super) struct Compiled {
    pub shape: Arc<Shape>,
    /// Set when the finding is a part of the match.
    pub parts: Option<Arc<Parts>>,
    /// Whether a value is told by a name before it, which is a part of the pattern.
    pub by_name: bool,
    pub anchors: Vec<Anchor>,
    /// Whether anchors of different kinds lead to its matches, which are then met in no order.
    pub unordered: bool,
    /// A bit for each byte that can begin a match.
    first: Bytes,
    pub boundary: Boundary,
    pub validators: Vec<&'static Check>,
    pub invalidators: Vec<&'static Check>,
    pub doubts: Vec<&'static Check>,
    /// What some of the checks hang on.
    pub(super) sides: Sides,
    pub normalize: Normalize,
    pub tier: Tier,
    /// Confidence of digits alone, and of anything else, unaided.
    pub bare: Confidence,
    pub unaided: Confidence,
    /// Spellings that are low unaided.
    faint: Option<Arc<Shape>>,
    /// How far words are looked for.
    pub before: usize,
    pub after: usize,
    pub required: bool,
    pub beside: Option<Beside>,
    pub not_before: Option<Arc<Shape>>,
    pub not_after: Option<Arc<Shape>>,
    /// The same where no name of its own speaks for the value.
    pub unnamed_before: Option<Arc<Shape>>,
    pub unnamed_after: Option<Arc<Shape>>,
    /// What makes a value medium that it directly surrounds and that is high by its form.
    lower_before: Option<Arc<Shape>>,
    lower_after: Option<Arc<Shape>>,
    /// What makes a value low that it directly surrounds and that no word speaks for.
    low_before: Option<Arc<Shape>>,
    low_after: Option<Arc<Shape>>,
    /// What may stand behind groups of digits that are no part of a longer row.
    pub(super) longer: Option<Arc<Shape>>,
    /// How many other numbers make a list.
    pub(super) crowd: Option<usize>,
    /// A bit for each byte that by itself proves what ends before it to be something else.
    barring: Bytes,
    excluded: Vec<Vec<u8>>,
    pub has_words: bool,
    /// Where words count.
    pub scopes: Scopes,
}

/// Automata of patterns for what stands around matches, which many detectors share.
pub(super) type Known = std::collections::HashMap<(Side, String), Arc<Shape>>;

/// Where a pattern stands that minds a match.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Side {
    Before,
    After,
}

/// Patterns for what directly surrounds a match, as a pack writes them.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Around {
    pub before: Option<Spanned<String>>,
    pub after: Option<Spanned<String>>,
}

/// Detectors whose matches raise confidence when they lie within reach.
#[derive(Debug, Default)]
pub(super) struct Beside {
    pub ids: Vec<String>,
    /// Filled when all detectors are numbered.
    pub detectors: Vec<u16>,
    pub before: usize,
    pub after: usize,
}

/// A match that holds, and the part of it that is the finding.
#[derive(Clone, Debug)]
pub(super) struct Match {
    pub start: usize,
    pub end: usize,
    pub value: Range<usize>,
    /// Whether what directly surrounds it rules it out unless a name of its own speaks for it.
    pub in_doubt: bool,
}

impl Compiled {
    pub(super) fn new(definition: &Definition, known: &mut Known) -> Result<Compiled, String> {
        let read = match &definition.read {
            Some(read) => Arc::clone(read),
            None => Arc::new(Pattern::compile(definition.pattern.get_ref()).map_err(|e| e.0)?),
        };
        let (shape, parts) = (Arc::clone(&read.shape), read.parts.clone());
        let anchors = anchor::derive(&read.hir, &shape).map_err(|e| e.0)?;
        let mut around = |side, pattern: &Option<Spanned<String>>| -> Result<Option<Arc<Shape>>, String> {
            let pattern = pattern.as_ref().map(Spanned::get_ref);
            pattern.map(|pattern| self::around(known, side, pattern)).transpose().map_err(|e| e.0)
        };
        let not_after = around(Side::After, &definition.exclude.after)?;
        let keywords = definition.keywords.as_ref().map(|k| k.get_ref());
        let (validators, invalidators) = (checks(&definition.validators)?, checks(&definition.invalidators)?);
        let longest = parts.as_ref().map_or(shape.max_len, |parts| parts.value.max_len);
        let normalize = definition.normalize;
        let beside = definition.beside.as_ref().map(Spanned::get_ref);
        Ok(Compiled {
            first: bytes(|byte| shape.step(Shape::START, byte) != DEAD),
            barring: bytes(|byte| not_after.as_ref().is_some_and(|not| not.begins(&[byte]))),
            by_name: parts.as_ref().is_some_and(|parts| parts.prefix.is_some() && parts.suffix.is_none()),
            unordered: anchors.iter().any(|a| a.rank() != anchors[0].rank()),
            anchors,
            parts,
            boundary: definition.boundary,
            sides: Sides::of(&validators, &invalidators, longest),
            validators,
            invalidators,
            doubts: checks(&definition.doubts)?,
            normalize,
            tier: definition.tier,
            bare: definition.bare_confidence(),
            unaided: match definition.tier {
                Tier::Strong => Confidence::High,
                Tier::Medium => Confidence::Medium,
                Tier::Weak => Confidence::Low,
            },
            faint: match (&definition.faint, &definition.faint_shape) {
                (Some(pattern), None) => Some(Arc::new(Shape::compile(pattern.get_ref()).map_err(|e| e.0)?)),
                (_, shape) => shape.clone(),
            },
            before: keywords.map_or(0, |k| k.before),
            after: keywords.map_or(0, |k| k.after),
            required: keywords.is_some_and(|k| k.required),
            beside: beside.map(|b| Beside {
                ids: b.any.clone(),
                detectors: Vec::new(),
                before: b.before,
                after: b.after,
            }),
            not_before: around(Side::Before, &definition.exclude.before)?,
            not_after,
            unnamed_before: around(Side::Before, &definition.exclude.unless_named.before)?,
            unnamed_after: around(Side::After, &definition.exclude.unless_named.after)?,
            lower_before: around(Side::Before, &definition.exclude.lower.before)?,
            lower_after: around(Side::After, &definition.exclude.lower.after)?,
            low_before: around(Side::Before, &definition.exclude.low.before)?,
            low_after: around(Side::After, &definition.exclude.low.after)?,
            longer: around(Side::After, &definition.exclude.longer)?,
            crowd: definition.exclude.crowd.as_ref().map(|crowd| *crowd.get_ref()),
            excluded: definition.exclude.values.iter().map(|v| spelled(normalize, v.as_bytes())).collect(),
            has_words: keywords.is_some_and(|k| !k.any.is_empty()) || !definition.exclude.keywords.is_empty(),
            scopes: Scopes::of(keywords.map_or(&[], |k| &k.scope)),
            shape,
        })
    }

    /// How far before a match its judgement looks.
    pub(super) fn look_back(&self) -> usize {
        let beside = self.beside.as_ref().map_or(0, |b| b.before);
        let around = self.not_before.iter().chain(&self.unnamed_before);
        let around = around.chain(&self.lower_before).chain(&self.low_before);
        let not = around.map(|shape| shape.max_len).max().unwrap_or(0);
        self.before.max(beside).max(not).max(self.crowd_reach())
    }

    /// How far behind a match its judgement looks.
    pub(super) fn look_ahead(&self) -> usize {
        let beside = self.beside.as_ref().map_or(0, |b| b.after);
        let around = self.not_after.iter().chain(&self.unnamed_after);
        let around = around.chain(&self.lower_after).chain(&self.low_after);
        let not = around.map(|shape| shape.max_len).max().unwrap_or(0);
        self.after.max(beside).max(not).max(self.crowd_reach())
    }

    fn crowd_reach(&self) -> usize {
        if self.crowd.is_some() || self.longer.is_some() { limits::CROWD_REACH } else { 0 }
    }

    /// Whether the byte at `at` can begin a match, and the one before it leaves it alone.
    #[inline(always)]
    pub(super) fn can_start(&self, text: &[u8], at: usize) -> bool {
        self.can_begin_with(text[at]) && boundary_before(self.boundary, text, at)
    }

    /// Whether a byte can begin a match.
    #[inline(always)]
    pub(super) fn can_begin_with(&self, byte: u8) -> bool {
        holds(&self.first, byte)
    }

    /// The first match at `at`, longest first, that holds.
    #[inline]
    pub(super) fn match_at(&self, text: &[u8], at: usize) -> Option<Match> {
        self.match_beside(text, at, &mut Stretch::default())
    }

    /// The same; `known` is kept from place to place of one text.
    #[inline]
    pub(super) fn match_beside<'m>(
        &'m self,
        text: &[u8],
        at: usize,
        known: &mut Stretch<'m>,
    ) -> Option<Match> {
        if !self.can_start(text, at) {
            return None;
        }
        // What has no suffix is over where its value is, which is seen part by part.
        if let Some(parts) = self.parts.as_ref().filter(|parts| parts.suffix.is_none()) {
            return self.match_parts(parts, text, at, known);
        }
        let rest = &text[at..];
        if !self.is_divided() && !self.sides.open(rest, self.shape.max_len) {
            return None;
        }
        let mut ends = self.shape.run(rest);
        if ends.is_empty() {
            return None;
        }
        if let Some(parts) = &self.parts {
            return self.match_parts(parts, text, at, known);
        }
        let mut swept = false;
        while let Some(len) = ends.pop_longest() {
            let end = at + len;
            if !boundary_after(self.boundary, text, end) {
                continue;
            }
            if self.holds(&text[at..end]) {
                return self.standing(text, at..end, at..end);
            }
            if !std::mem::replace(&mut swept, true) && self.sides.sweep_at_once() {
                if self.none_stands(text, at, ends) {
                    return None;
                }
                self.sides.sweep(&text[at..end], &mut ends);
            }
        }
        None
    }

    /// Longest prefix first, then longest value.
    fn match_parts<'m>(
        &self,
        parts: &'m Parts,
        text: &[u8],
        at: usize,
        known: &mut Stretch<'m>,
    ) -> Option<Match> {
        let mut tries = 0;
        let mut prefixes = parts.prefix.as_ref().map_or(Ends::NONE, |prefix| prefix.run(&text[at..]));
        loop {
            let from = if parts.prefix.is_some() { at + prefixes.pop_longest()? } else { at };
            let mut values = match &parts.repeat {
                Some(repeat) => repeat.ends(text, from, known),
                None => parts.value.run(&text[from..]),
            };
            // Where no beginning of the longest value can pass, none is tried.
            let at_once = self.sides.sweep_at_once() && self.boundary == Boundary::None;
            let longest = if at_once && parts.suffix.is_none() { values.longest() } else { 0 };
            if longest > 0 && !self.sides.open(&text[from..], longest) {
                values = Ends::NONE;
                tries += 1;
            }
            let mut swept = false;
            while let Some(len) = values.pop_longest() {
                tries += 1;
                if tries > limits::VALUE_TRIES {
                    return None;
                }
                let to = from + len;
                let end = match &parts.suffix {
                    Some(suffix) => match suffix.run(&text[to..]).pop_longest() {
                        Some(len) => to + len,
                        None => continue,
                    },
                    None => to,
                };
                if !boundary_after(self.boundary, text, end) {
                    continue;
                }
                if self.holds(&text[from..to]) {
                    return self.standing(text, at..end, from..to);
                }
                if !std::mem::replace(&mut swept, true) && self.sides.sweep_at_once() {
                    let is_last = parts.suffix.is_none() && prefixes.is_empty();
                    if is_last && self.none_stands(text, from, values) {
                        return None;
                    }
                    self.sides.sweep(&text[from..to], &mut values);
                }
            }
            parts.prefix.as_ref()?;
        }
    }

    /// Whether the byte behind each of some ends rules a match out that ends there, whatever it holds.
    fn none_stands(&self, text: &[u8], from: usize, mut lengths: Ends) -> bool {
        let barred = |len: usize| {
            let end = from + len;
            text.get(end).is_some_and(|&byte| holds(&self.barring, byte))
                || !boundary_after(self.boundary, text, end)
        };
        std::iter::from_fn(|| lengths.pop_longest()).all(barred)
    }

    /// Whether validators and invalidators let a value pass.
    #[inline]
    pub(super) fn holds(&self, value: &[u8]) -> bool {
        self.validators.iter().all(|check| (check.passes)(value))
            && !self.invalidators.iter().any(|check| (check.passes)(value))
    }

    /// Whether a value is spelled in a way that proves little.
    pub(super) fn is_faint(&self, value: &[u8]) -> bool {
        self.faint.as_ref().is_some_and(|faint| faint.is_all_of(value))
    }

    /// Confidence of a value that nothing around it speaks for or against.
    pub(super) fn unaided(&self, value: &[u8]) -> Confidence {
        let by_form = self.by_form(value);
        if self.is_doubted(value) { by_form.lowered() } else { by_form }
    }

    /// The same before any check raises a doubt.
    pub(super) fn by_form(&self, value: &[u8]) -> Confidence {
        if self.is_faint(value) {
            return Confidence::Low;
        }
        if value.iter().all(u8::is_ascii_digit) { self.bare } else { self.unaided }
    }

    /// Whether a check raises a doubt.
    pub(super) fn is_doubted(&self, value: &[u8]) -> bool {
        self.doubts.iter().any(|check| (check.passes)(value))
    }

    /// Whether what directly surrounds a value makes it less sure.
    pub(super) fn is_lowered(&self, text: &[u8], value: &Range<usize>) -> bool {
        self.lower_before.as_ref().is_some_and(|shape| shape.ends(&text[..value.start]))
            || self.lower_after.as_ref().is_some_and(|shape| shape.begins(&text[value.end..]))
    }

    /// Whether what directly surrounds a value leaves little of it.
    pub(super) fn is_low_beside(&self, text: &[u8], value: &Range<usize>) -> bool {
        self.low_before.as_ref().is_some_and(|shape| shape.ends(&text[..value.start]))
            || self.low_after.as_ref().is_some_and(|shape| shape.begins(&text[value.end..]))
    }

    /// The match, where nothing around it proves it to be something else.
    pub(super) fn standing(
        &self,
        text: &[u8],
        Range { start, end }: Range<usize>,
        value: Range<usize>,
    ) -> Option<Match> {
        let stands = !self.stands_behind(text, start) && !self.stands_before(text, end);
        stands.then(|| Match { start, end, value, in_doubt: self.is_in_doubt(text, start, end) })
    }

    /// Whether what directly surrounds a match rules it out unless a name of its own speaks for it.
    pub(super) fn is_in_doubt(&self, text: &[u8], start: usize, end: usize) -> bool {
        self.unnamed_before.as_ref().is_some_and(|shape| shape.ends(&text[..start]))
            || self.unnamed_after.as_ref().is_some_and(|shape| shape.begins(&text[end..]))
    }

    /// What proves a match to be something else on one side of it.
    pub(super) fn not(&self, side: Side) -> Option<&Arc<Shape>> {
        match side {
            Side::Before => self.not_before.as_ref(),
            Side::After => self.not_after.as_ref(),
        }
    }

    /// Whether what ends at `at` proves the match to be something else.
    pub(super) fn stands_behind(&self, text: &[u8], at: usize) -> bool {
        self.not_before.as_ref().is_some_and(|shape| shape.ends(&text[..at]))
    }

    /// Whether what begins at `end` proves the match to be something else.
    pub(super) fn stands_before(&self, text: &[u8], end: usize) -> bool {
        self.not_after.as_ref().is_some_and(|shape| shape.begins(&text[end..]))
    }

    /// Whether the finding is a part of the match.
    pub(super) fn is_divided(&self) -> bool {
        self.parts.is_some()
    }

    /// What makes two spellings of a value one, written to `room`; nothing for a value that the pack excludes.
    pub(super) fn normalised<'r>(&self, value: &[u8], room: &'r mut Spelling) -> Option<&'r [u8]> {
        let normalised = normalised(self.normalize, value, room);
        let is_excluded = self.excluded.iter().any(|excluded| **excluded == *normalised);
        (!is_excluded).then_some(normalised)
    }

    /// Whether the pack does not exclude a value.
    pub(super) fn counts(&self, value: &[u8]) -> bool {
        self.normalised(value, &mut [0; limits::MATCH_LEN]).is_some()
    }

    /// Digits that the validators ask for, where every byte of a match is a digit or a separator.
    pub(super) fn least_digits(&self) -> usize {
        let used = self.shape.used();
        let pure =
            (0..=255u8).all(|b| b.is_ascii_digit() || is_separator(b) || !used[self.shape.class_of(b)]);
        let most = self.validators.iter().map(|check| check.least_digits).max().unwrap_or(0);
        if pure && self.parts.is_none() { most } else { 0 }
    }

    /// Whether only a word nearby can lift a match to `floor`: any match, and one of digits alone.
    pub(super) fn keyed(&self, floor: Confidence) -> (bool, bool) {
        if self.beside.is_some() && !self.required {
            return (false, false);
        }
        let required = self.required && floor > Confidence::Low;
        (required || self.unaided < floor && self.bare < floor, required || self.bare < floor)
    }

    /// Bytes of memory.
    pub(super) fn size(&self) -> usize {
        let parts = self.parts.iter().flat_map(|p| p.prefix.iter().chain([&p.value]).chain(&p.suffix));
        let unnamed = self.unnamed_before.iter().chain(&self.unnamed_after);
        let around = unnamed.chain(&self.lower_before).chain(&self.lower_after);
        let around = around.chain(&self.low_before).chain(&self.low_after).chain(&self.longer);
        let around = self.not_before.iter().chain(&self.not_after).chain(around).map(|shape| &**shape);
        self.shape.size() + parts.chain(around).map(Shape::size).sum::<usize>() + size_of::<Compiled>() + 256
    }
}

/// A bit for each byte.
type Bytes = [u64; 4];

fn bytes(holds: impl Fn(u8) -> bool) -> Bytes {
    let mut all = [0; 4];
    for byte in (0..=u8::MAX).filter(|&byte| holds(byte)) {
        all[usize::from(byte >> 6)] |= 1 << (byte & 63);
    }
    all
}

#[inline(always)]
fn holds(bytes: &Bytes, byte: u8) -> bool {
    bytes[usize::from(byte >> 6)] >> (byte & 63) & 1 != 0
}

/// The checks of these names.
fn checks(names: &[Spanned<String>]) -> Result<Vec<&'static Check>, String> {
    let named = |name: &str| Check::named(name).ok_or_else(|| format!("unknown validator `{name}`"));
    names.iter().map(|name| named(name.get_ref())).collect()
}

/// A pattern for what stands right before or behind a match, compiled where it is not known.
pub(super) fn around(known: &mut Known, side: Side, pattern: &str) -> Result<Arc<Shape>, ShapeError> {
    let key = (side, pattern.to_owned());
    if let Some(shape) = known.get(&key) {
        return Ok(Arc::clone(shape));
    }
    let shape = match side {
        Side::Before => Shape::compile_ending(pattern)?,
        Side::After => Shape::compile(pattern)?,
    };
    if shape.max_len > limits::EXCLUDE_REACH {
        return Err(ShapeError(format!(
            "a pattern around a match covers up to {} bytes; at most {} are possible",
            shape.max_len,
            limits::EXCLUDE_REACH
        )));
    }
    let shape = Arc::new(shape);
    known.insert(key, Arc::clone(&shape));
    Ok(shape)
}

#[inline]
pub(super) fn boundary_before(boundary: Boundary, text: &[u8], at: usize) -> bool {
    let Some(before) = at.checked_sub(1).map(|i| text[i]) else { return true };
    match boundary {
        Boundary::None => true,
        Boundary::Digit => !before.is_ascii_digit(),
        Boundary::Word => !is_word(before),
        Boundary::Number => {
            let digit_further = at.checked_sub(2).is_some_and(|i| text[i].is_ascii_digit());
            !(before.is_ascii_digit() || matches!(before, b'.' | b',') && digit_further)
        }
    }
}

#[inline]
pub(super) fn boundary_after(boundary: Boundary, text: &[u8], end: usize) -> bool {
    let Some(&after) = text.get(end) else { return true };
    match boundary {
        Boundary::None => true,
        Boundary::Digit => !after.is_ascii_digit(),
        Boundary::Word => !is_word(after),
        Boundary::Number => {
            let digit_further = text.get(end + 1).is_some_and(u8::is_ascii_digit);
            !(after.is_ascii_digit() || matches!(after, b'.' | b',') && digit_further)
        }
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Room for a value of any length.
pub(super) type Spelling = [u8; limits::MATCH_LEN];

/// The spelling that makes two writings of one value equal, written to `room` as far as it goes.
fn normalised<'r>(normalize: Normalize, value: &[u8], room: &'r mut Spelling) -> &'r [u8] {
    if let Some(digits) = sixteen(value).filter(|_| normalize == Normalize::Digits) {
        room[..digits.len()].copy_from_slice(&digits);
        return &room[..digits.len()];
    }
    // All of it is one step where nothing is left out.
    if let Normalize::Lower | Normalize::Raw = normalize {
        let length = value.len().min(room.len());
        room[..length].copy_from_slice(&value[..length]);
        if normalize == Normalize::Lower {
            room[..length].make_ascii_lowercase();
        }
        return &room[..length];
    }
    let mut length = 0;
    let kept = |byte: &&u8| match normalize {
        Normalize::Digits => byte.is_ascii_digit(),
        _ => byte.is_ascii_alphanumeric(),
    };
    for (slot, byte) in room.iter_mut().zip(value.iter().filter(kept)) {
        *slot = byte.to_ascii_uppercase();
        length += 1;
    }
    &room[..length]
}

/// The same of a value that a pack excludes.
fn spelled(normalize: Normalize, value: &[u8]) -> Vec<u8> {
    normalised(normalize, value, &mut [0; limits::MATCH_LEN]).to_vec()
}
