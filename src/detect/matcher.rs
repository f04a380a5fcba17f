//! Packs to one immutable matcher that all flows share.

use super::columns::{self, Told};
use super::compiled::Compiled;
use super::context::Words;
use std::collections::HashMap;

use super::family::Family;
use super::index::Index;
use super::names::{Label, Layout};
use super::pack::{Definition, Mask, Pack, PackError, Tier};
use super::reach::{BEFORE_WORD, PAST_WORD};
use super::region::{How, Region};
use super::scratch::Scratch;
use super::simd::Level;
use super::validate::Check;
use super::{Confidence, Finding};
use crate::fingerprint::FingerprintKey;
use crate::limits;

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
    /// What it competes with where they overlap.
    pub family: Family,
    /// `digits`, `literal`, `at`, `word`, `outline` or `none`.
    pub anchor: &'static str,
}

/// All packs, compiled.
#[derive(Debug)]
pub struct Matcher {
    packs: Vec<Pack>,
    detectors: Vec<Detector>,
    pub(super) compiled: Vec<Compiled>,
    pub(super) words: Words,
    pub(super) index: Index,
    /// Detectors whose values a name stands before in the pattern itself.
    pub(super) named: Vec<u16>,
    pub(super) level: Level,
    /// Findings of less confidence are of no use to whoever asks.
    pub(super) floor: Confidence,
    /// Longest match of any detector and of those that begin with digits, and furthest look around a match, each in
    /// bytes.
    pub(super) max_len: usize,
    pub(super) max_leading: usize,
    pub(super) reach_before: usize,
    pub(super) reach_after: usize,
}

impl Detector {
    /// Whether all its validators let digits pass.
    #[must_use]
    pub fn passes(&self, digits: &[u8]) -> bool {
        let mut checks = self.validators.iter().filter_map(|name| Check::named(name));
        checks.all(|check| (check.passes)(digits))
    }
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
        let (mut words, mut known) = (Vec::new(), packs.iter().flat_map(|pack| pack.known.clone()).collect());
        let (mut detectors, mut compiled, mut families) = (Vec::new(), Vec::new(), HashMap::new());
        for (number, (index, definition)) in chosen.into_iter().enumerate() {
            let Some(pack) = packs.get(index) else { continue };
            match Compiled::new(definition, &mut known) {
                Ok(one) => {
                    let next = families.len();
                    let family = *families.entry(definition.family_in(pack)).or_insert(next);
                    detectors.push(describe(definition, index, pack, &one, family));
                    compiled.push(one);
                    let keywords = definition.keywords.as_ref().map(|k| k.get_ref());
                    let positive = keywords.into_iter().flat_map(|k| &k.any).map(|w| (w, true));
                    let negative = definition.exclude.keywords.iter().map(|w| (w, false));
                    words.extend(positive.chain(negative).map(|(w, yes)| (w.clone(), number as u16, yes)));
                }
                Err(message) => errors.push(PackError {
                    file: definition.file.clone(),
                    line: definition.line,
                    column: 1,
                    width: 0,
                    message: format!("`{}`: {message}", definition.id.get_ref()),
                }),
            }
        }
        if detectors.len() > usize::from(u16::MAX) {
            errors.push(PackError {
                file: String::new(),
                line: 0,
                column: 0,
                width: 0,
                message: "too many detectors".into(),
            });
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        number_beside(&detectors, &mut compiled);
        let words = Words::build(&words);
        let index = Index::build(&compiled, &words);
        let most = |of: &dyn Fn(&Compiled) -> usize| compiled.iter().map(of).max().unwrap_or(0);
        let is_named =
            |c: &Compiled| c.parts.as_ref().is_some_and(|p| p.prefix.is_some() && p.suffix.is_none());
        let named = (0u16..).zip(&compiled).filter(|(_, c)| is_named(c)).map(|(number, _)| number).collect();
        Ok(Matcher {
            named,
            max_len: most(&|c| c.shape.max_len),
            max_leading: index
                .leading
                .detectors()
                .map(|i| compiled[usize::from(i)].shape.max_len)
                .max()
                .unwrap_or(0),
            reach_before: most(&Compiled::look_back),
            reach_after: most(&Compiled::look_ahead).max(limits::NAMES_AHEAD),
            words,
            index,
            level: Level::detect(),
            floor: Confidence::Low,
            packs,
            detectors,
            compiled,
        })
    }

    /// Leaves out findings below `floor`, and the work that they would cost.
    #[must_use]
    pub fn reporting(mut self, floor: Confidence) -> Matcher {
        self.floor = floor;
        self
    }

    /// Uses no more of the machine than this; what is found is the same.
    #[must_use]
    pub fn reading_at(mut self, level: Level) -> Matcher {
        self.level = level;
        self
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

    /// The family of a finding.
    #[must_use]
    pub fn family(&self, finding: &Finding) -> Family {
        self.detector(finding.detector).family
    }

    /// All findings of a whole text, ordered by start. `label` is the name that the text stands under
    /// (a header's name, a query key): its words count as keywords. Overlapping findings of different
    /// detectors are all reported; the tally keeps one.
    #[must_use]
    pub fn find(&self, key: &FingerprintKey, label: Option<Label<'_>>, text: &[u8]) -> Vec<Finding> {
        self.find_at(How { level: self.level, key: Some(key), floor: self.floor }, label, text)
    }

    pub(super) fn find_at(&self, how: How<'_>, label: Option<Label<'_>>, text: &[u8]) -> Vec<Finding> {
        let mut out = Vec::new();
        let mut scratch = Scratch::new();
        let layout = Layout::of(text);
        let layout = layout.as_ref().unwrap_or_else(|| Layout::plain());
        let region = Region { text, base: 0, from: 0, to: text.len(), above: label.into(), layout };
        region.decide(self, how, &mut scratch, &mut out);
        out
    }

    /// Bytes that a stream may have to wait: the longest match plus the longest look behind it.
    #[must_use]
    pub fn lag(&self) -> usize {
        // One byte for the boundary behind a match, some to see that a word behind it is whole.
        self.max_len + self.reach_after + 1 + PAST_WORD
    }

    /// Bytes before a start that its judgement looks at.
    pub(super) fn look_back(&self) -> usize {
        self.reach_before.max(limits::NAMES_REACH) + BEFORE_WORD
    }

    /// The columns of a table that its headers tell.
    pub(super) fn told(&self, layout: &Layout) -> Box<[Told]> {
        columns::told(&self.compiled, &self.named, layout)
    }

    /// Bytes of memory, roughly: automata and words.
    #[must_use]
    pub fn size(&self) -> usize {
        self.compiled.iter().map(Compiled::size).sum::<usize>() + self.words.size() + self.index.size()
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
                    let (file, line) = definition.map_or_else(Default::default, |d| (d.file.clone(), d.line));
                    errors.push(PackError { file, line, column: 1, width: 0, message });
                }
            }
        }
        errors
    }
}

/// Turns the ids of `beside` into numbers; detectors that are not there stand near nothing.
fn number_beside(detectors: &[Detector], compiled: &mut [Compiled]) {
    for beside in compiled.iter_mut().filter_map(|c| c.beside.as_mut()) {
        let numbers = (0u16..).zip(detectors).filter(|(_, d)| beside.ids.contains(&d.id));
        beside.detectors = numbers.map(|(number, _)| number).collect();
    }
}

fn describe(
    definition: &Definition,
    index: usize,
    pack: &Pack,
    compiled: &Compiled,
    family: usize,
) -> Detector {
    Detector {
        id: definition.id.get_ref().clone(),
        family: Family::numbered(family, definition.tier, !definition.validators.is_empty()),
        description: definition.description.clone(),
        severity: definition.severity.as_str(),
        tier: definition.tier,
        tags: definition.tags.iter().chain(&pack.tags).cloned().collect(),
        mask: definition.mask,
        validators: definition.validators.iter().map(|v| v.get_ref().clone()).collect(),
        pack: index,
        anchor: compiled.anchors.iter().max_by_key(|a| a.rank()).map_or("none", |a| a.as_str()),
    }
}
