//! Packs to one immutable matcher that all flows share.

use super::anchor::{Anchor, GROUP_LEN, Literals, RUN_LIMIT, is_separator};
use super::context::Words;
use super::pack::{Boundary, Definition, Mask, Normalize, Pack, PackError, Tier};
use super::region::{Region, Scratch};
use super::shape::{DEAD, Shape};
use super::simd::{Level, Wanted};
use super::validate::Check;
use super::{Confidence, Finding};
use crate::fingerprint::FingerprintKey;

/// A detector of a [`Matcher`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DetectorId(pub u16);

/// What a policy, a record or a mask needs to know of a detector.
#[derive(Clone, Debug)]
pub struct Detector {
    /// `pack.name`.
    pub id: String,
    pub description: String,
    pub severity: &'static str,
    pub tier: Tier,
    pub tags: Vec<String>,
    pub mask: Mask,
    pub validators: Vec<String>,
    /// Index into [`Matcher::packs`].
    pub pack: usize,
    /// `digits`, `literal`, `at`, `word` or `none`.
    pub anchor: &'static str,
}

/// A detector as the engine runs it.
#[derive(Debug)]
pub(super) struct Compiled {
    pub shape: Shape,
    pub anchor: Anchor,
    pub first: Box<[bool; 256]>,
    pub boundary: Boundary,
    pub validators: Vec<&'static Check>,
    pub invalidators: Vec<&'static Check>,
    pub normalize: Normalize,
    pub tier: Tier,
    pub bare: Confidence,
    pub before: usize,
    pub after: usize,
    pub required: bool,
    pub excluded: Vec<Vec<u8>>,
    pub has_words: bool,
}

/// All packs, compiled.
#[derive(Debug)]
pub struct Matcher {
    packs: Vec<Pack>,
    detectors: Vec<Detector>,
    pub(super) compiled: Vec<Compiled>,
    pub(super) words: Words,
    pub(super) literals: Literals,
    pub(super) index: Index,
    pub(super) level: Level,
    /// Longest match of any detector, and furthest look around it, each in bytes.
    pub(super) max_len: usize,
    pub(super) reach_before: usize,
    pub(super) reach_after: usize,
}

/// Detectors by the anchor that leads to them.
#[derive(Debug, Default)]
pub(super) struct Index {
    pub wanted: Wanted,
    /// Detectors that begin with a digit run, in pack order; bit `i` of the sets below is entry `i` here.
    pub leading: Vec<u16>,
    /// Words of 64 bits in each of the sets below.
    width: usize,
    by_group: Vec<u64>,
    by_digits: Vec<u64>,
    /// Detectors with something before their digit run, or that may start inside a group of digits.
    pub prefixed: Vec<u16>,
    /// Fewest digits that any detector of either kind needs.
    pub least_leading: usize,
    pub least_prefixed: usize,
    /// Bytes that may stand before the run of a prefixed detector.
    pub prefix_ends: Vec<bool>,
    pub at: Vec<u16>,
    pub word: Vec<u16>,
    pub unanchored: Vec<u16>,
    /// Bytes that can begin a match of an unanchored detector.
    pub unanchored_first: Vec<bool>,
}

impl Matcher {
    /// Compiles packs in order; a detector of a later pack with the id of an earlier one replaces it.
    pub fn compile(packs: Vec<Pack>) -> Result<Matcher, Vec<PackError>> {
        let mut errors = Vec::new();
        let mut chosen: Vec<(usize, &Definition)> = Vec::new();
        for (index, pack) in packs.iter().enumerate() {
            for definition in &pack.definitions {
                chosen.retain(|(_, other)| other.id.get_ref() != definition.id.get_ref());
                chosen.push((index, definition));
            }
        }
        let mut words = Vec::new();
        let (mut detectors, mut compiled) = (Vec::new(), Vec::new());
        for (number, (index, definition)) in chosen.into_iter().enumerate() {
            let Some(pack) = packs.get(index) else { continue };
            match compile_one(definition) {
                Ok(one) => {
                    detectors.push(describe(definition, index, pack, &one));
                    compiled.push(one);
                    let keywords = definition.keywords.as_ref().map(|k| k.get_ref());
                    let positive = keywords.into_iter().flat_map(|k| &k.any).map(|w| (w, true));
                    let negative = definition.exclude.keywords.iter().map(|w| (w, false));
                    words.extend(positive.chain(negative).map(|(w, yes)| (w.clone(), number as u16, yes)));
                }
                Err(message) => errors.push(PackError {
                    file: pack.file.clone(),
                    line: definition.line,
                    column: 1,
                    message: format!("`{}`: {message}", definition.id.get_ref()),
                }),
            }
        }
        if detectors.len() > usize::from(u16::MAX) {
            errors.push(PackError {
                file: String::new(),
                line: 0,
                column: 0,
                message: "too many detectors".into(),
            });
        }
        let words = Words::build(&words).map_err(|message| {
            vec![PackError {
                file: String::new(),
                line: 0,
                column: 0,
                message: format!("keywords: {message}"),
            }]
        });
        if !errors.is_empty() {
            return Err(errors);
        }
        let literals: Vec<(Vec<u8>, u16)> = numbered(&compiled)
            .filter_map(|(i, c)| if let Anchor::Literal(texts) = &c.anchor { Some((i, texts)) } else { None })
            .flat_map(|(i, texts)| texts.iter().map(move |t| (t.clone(), i)))
            .collect();
        Ok(Matcher {
            words: words?,
            literals: Literals::build(&literals),
            index: Index::build(&compiled),
            level: Level::detect(),
            max_len: compiled.iter().map(|c| c.shape.max_len).max().unwrap_or(0),
            reach_before: compiled.iter().map(|c| c.before).max().unwrap_or(0),
            reach_after: compiled.iter().map(|c| c.after).max().unwrap_or(0),
            packs,
            detectors,
            compiled,
        })
    }

    #[must_use]
    pub fn packs(&self) -> &[Pack] {
        &self.packs
    }

    #[must_use]
    pub fn detectors(&self) -> &[Detector] {
        &self.detectors
    }

    /// The detector of a finding; ids come from this matcher's own findings.
    #[must_use]
    pub fn detector(&self, id: DetectorId) -> &Detector {
        &self.detectors[usize::from(id.0)]
    }

    /// All findings of a whole text, ordered by start. `label` is the name that the text stands under
    /// (a header's name, a query key): its words count as keywords. Overlapping findings of different
    /// detectors are all reported; the tally keeps one.
    #[must_use]
    pub fn find(&self, key: &FingerprintKey, label: Option<&[u8]>, text: &[u8]) -> Vec<Finding> {
        self.find_at(self.level, Some(key), label, text)
    }

    pub(super) fn find_at(
        &self,
        level: Level,
        key: Option<&FingerprintKey>,
        label: Option<&[u8]>,
        text: &[u8],
    ) -> Vec<Finding> {
        let mut out = Vec::new();
        let mut scratch = Scratch::new();
        let region = Region { text, base: 0, from: 0, to: text.len(), label };
        region.decide(self, level, key, &mut scratch, &mut out);
        out
    }

    /// Bytes that a stream may have to wait: the longest match plus the longest look behind it.
    #[must_use]
    pub fn lag(&self) -> usize {
        // One byte for the boundary behind a match, one to see that a word behind it is whole.
        self.max_len + self.reach_after + 2
    }

    /// Bytes before a start that its judgement looks at.
    pub(super) fn look_back(&self) -> usize {
        self.reach_before + 2
    }

    /// Bytes of memory, roughly: automata and words.
    #[must_use]
    pub fn size(&self) -> usize {
        self.compiled.iter().map(|c| c.shape.size() + 512).sum::<usize>() + self.words.size()
    }

    /// Runs every detector's own examples; a complaint for each that does not come out as written.
    #[must_use]
    pub fn check_examples(&self) -> Vec<PackError> {
        let key = FingerprintKey::new(&[0; 32]);
        let mut errors = Vec::new();
        for (number, detector) in self.detectors.iter().enumerate() {
            let Some(pack) = self.packs.get(detector.pack) else { continue };
            let definition = pack.definitions.iter().find(|d| *d.id.get_ref() == detector.id);
            for (nth, example) in definition.into_iter().flat_map(|d| &d.examples).enumerate() {
                let example = example.get_ref();
                let found: Vec<&str> = self
                    .find(&key, None, example.text.as_bytes())
                    .iter()
                    .filter(|f| usize::from(f.detector.0) == number && f.confidence > Confidence::Low)
                    .map(|f| example.text.get(f.start as usize..f.end as usize).unwrap_or("?"))
                    .collect();
                if found != example.finds {
                    let message = format!(
                        "example {} of `{}` finds {} values, {} are written",
                        nth + 1,
                        detector.id,
                        found.len(),
                        example.finds.len()
                    );
                    let line = definition.map_or(0, |d| d.line);
                    errors.push(PackError { file: pack.file.clone(), line, column: 1, message });
                }
            }
        }
        errors
    }
}

fn numbered(compiled: &[Compiled]) -> impl Iterator<Item = (u16, &Compiled)> {
    compiled.iter().enumerate().map(|(i, c)| (i as u16, c))
}

fn describe(definition: &Definition, index: usize, pack: &Pack, compiled: &Compiled) -> Detector {
    Detector {
        id: definition.id.get_ref().clone(),
        description: definition.description.clone(),
        severity: definition.severity.as_str(),
        tier: definition.tier,
        tags: definition.tags.iter().chain(&pack.tags).cloned().collect(),
        mask: definition.mask,
        validators: definition.validators.iter().map(|v| v.get_ref().clone()).collect(),
        pack: index,
        anchor: compiled.anchor.as_str(),
    }
}

fn compile_one(definition: &Definition) -> Result<Compiled, String> {
    let pattern = definition.pattern.get_ref();
    let shape = Shape::compile(pattern).map_err(|e| e.0)?;
    let anchor = Anchor::derive(pattern, &shape).map_err(|e| e.0)?;
    let checks = |names: &[toml::Spanned<String>]| -> Result<Vec<&'static Check>, String> {
        names
            .iter()
            .map(|n| Check::named(n.get_ref()).ok_or_else(|| format!("unknown validator `{}`", n.get_ref())))
            .collect()
    };
    let mut first = Box::new([false; 256]);
    for byte in 0..=255u8 {
        first[usize::from(byte)] = shape.step(Shape::START, byte) != DEAD;
    }
    let keywords = definition.keywords.as_ref().map(|k| k.get_ref());
    let normalize = definition.normalize;
    let excluded = definition
        .exclude
        .values
        .iter()
        .map(|v| super::region::normalised(normalize, v.as_bytes()))
        .collect();
    Ok(Compiled {
        first,
        anchor,
        boundary: definition.boundary,
        validators: checks(&definition.validators)?,
        invalidators: checks(&definition.invalidators)?,
        normalize,
        tier: definition.tier,
        bare: definition.bare_confidence(),
        before: keywords.map_or(0, |k| k.before),
        after: keywords.map_or(0, |k| k.after),
        required: keywords.is_some_and(|k| k.required),
        excluded,
        has_words: keywords.is_some_and(|k| !k.any.is_empty()) || !definition.exclude.keywords.is_empty(),
        shape,
    })
}

impl Index {
    fn build(compiled: &[Compiled]) -> Index {
        let mut index = Index {
            unanchored_first: vec![false; 256],
            prefix_ends: vec![false; 256],
            least_leading: usize::MAX,
            least_prefixed: usize::MAX,
            ..Index::default()
        };
        let mut leading = Vec::new();
        for (i, c) in numbered(compiled) {
            match &c.anchor {
                Anchor::Digits { digits, before: 0, first_group } if c.boundary != Boundary::None => {
                    let digits = (*digits).max(c.least_digits());
                    index.leading.push(i);
                    index.least_leading = index.least_leading.min(digits);
                    leading.push((digits, *first_group));
                }
                Anchor::Digits { digits, before, .. } => {
                    index.prefixed.push(i);
                    index.least_prefixed = index.least_prefixed.min(*digits);
                    let ends = c.shape.bytes_before_digit();
                    // A match that can begin with a digit can stand behind any byte.
                    let any = *before == 0 || (b'0'..=b'9').any(|b| c.first[usize::from(b)]);
                    index.prefix_ends.iter_mut().zip(ends.iter()).for_each(|(all, one)| *all |= *one || any);
                }
                Anchor::At { .. } => index.at.push(i),
                Anchor::Word { length, .. } => {
                    index.word.push(i);
                    index.wanted.want_word(*length);
                }
                Anchor::Literal(_) => {}
                Anchor::None => {
                    index.unanchored.push(i);
                    index.unanchored_first.iter_mut().zip(c.first.iter()).for_each(|(all, one)| *all |= *one);
                }
            }
        }
        index.wanted.digits = !index.leading.is_empty() || !index.prefixed.is_empty();
        index.wanted.at = !index.at.is_empty();
        index.width = leading.len().div_ceil(64);
        let set = |keep: &dyn Fn(&(usize, u32)) -> bool| {
            let mut bits = vec![0u64; leading.len().div_ceil(64)];
            leading
                .iter()
                .enumerate()
                .filter(|(_, l)| keep(l))
                .for_each(|(i, _)| bits[i / 64] |= 1 << (i % 64));
            bits
        };
        index.by_group =
            (0..=GROUP_LEN).flat_map(|group| set(&|(_, groups)| groups & (1 << group) != 0)).collect();
        index.by_digits = (0..=RUN_LIMIT).flat_map(|left| set(&|(digits, _)| *digits <= left)).collect();
        index
    }

    /// The set of leading detectors whose first digit group can be this long.
    #[inline(always)]
    pub(super) fn by_group(&self, group: usize) -> &[u64] {
        let from = group.min(GROUP_LEN) * self.width;
        &self.by_group[from..from + self.width]
    }

    /// The set of leading detectors that this many digits are enough for.
    #[inline(always)]
    pub(super) fn by_digits(&self, left: usize) -> &[u64] {
        let from = left.min(RUN_LIMIT) * self.width;
        &self.by_digits[from..from + self.width]
    }
}

impl Compiled {
    /// Digits that the validators ask for, where every byte of a match is a digit or a separator.
    fn least_digits(&self) -> usize {
        let pure = (0..=255u8).all(|b| b.is_ascii_digit() || is_separator(b) || !self.shape.uses(b));
        let most = self.validators.iter().map(|check| check.least_digits).max().unwrap_or(0);
        if pure { most } else { 0 }
    }
}
