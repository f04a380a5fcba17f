//! Valid synthetic values of a detector: its own examples varied, and walks through its automaton, each kept only
//! when the engine finds it.

use std::collections::{BTreeMap, HashSet};

use super::compiled::Compiled;
use super::shape::{DEAD, Shape};
use super::{Confidence, DetectorId, Matcher};
use crate::fingerprint::FingerprintKey;
use crate::limits;

/// A value, and a text in which it is found with at least medium confidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    pub value: String,
    pub text: String,
}

/// Why no value came of so many tries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoSample {
    pub tries: usize,
    /// What refused how many of those that were looked at closely, most first.
    pub refused: Vec<(String, usize)>,
}

/// Draws values of one detector; the same seed draws the same values.
#[derive(Debug)]
pub struct Sampler<'a> {
    matcher: &'a Matcher,
    detector: DetectorId,
    random: Random,
    templates: Vec<Template>,
    keywords: Vec<String>,
    seen: HashSet<Vec<u8>>,
    /// No value was found yet that needs nothing around it.
    never_alone: bool,
    refused: BTreeMap<String, usize>,
}

/// A match of the pattern in an example, with the text around it.
#[derive(Debug)]
struct Template {
    before: Vec<u8>,
    whole: Vec<u8>,
    after: Vec<u8>,
}

/// Parts of a hundred walks that begin at an example, not at random.
const FROM_EXAMPLES: u64 = 90;
/// Matches looked at before a value is taken that is found only with something around it.
const ALONE_FIRST: usize = 24;
/// Letters or digits changed together, in all their values, once a walk has failed a check: what a check digit needs.
const ENUMERATED: usize = 2;

impl<'a> Sampler<'a> {
    #[must_use]
    pub fn new(matcher: &'a Matcher, detector: DetectorId, seed: u64) -> Sampler<'a> {
        let known = matcher.detector(detector);
        let definition = matcher.packs().get(known.pack);
        let definition = definition.and_then(|p| p.definitions.iter().find(|d| *d.id.get_ref() == known.id));
        let keywords = definition.and_then(|d| d.keywords.as_ref()).map(|k| k.get_ref().any.clone());
        let mut sampler = Sampler {
            matcher,
            detector,
            random: Random(seed),
            templates: Vec::new(),
            keywords: keywords.unwrap_or_default(),
            seen: HashSet::new(),
            never_alone: true,
            refused: BTreeMap::new(),
        };
        let one = sampler.compiled();
        let key = FingerprintKey::new(&[0; 32]);
        for example in definition.into_iter().flat_map(|d| &d.examples) {
            let text = example.get_ref().text.as_bytes();
            for found in matcher.find(&key, None, text).iter().filter(|f| f.detector == detector) {
                let (start, end) = (found.start as usize, found.end as usize);
                let whole = (0..=start).rev().find_map(|at| {
                    one.match_at(text, at).filter(|m| m.value == (start..end)).map(|m| m.start..m.end)
                });
                let Some(whole) = whole else { continue };
                sampler.templates.push(Template {
                    before: text[..whole.start].to_vec(),
                    after: text[whole.end..].to_vec(),
                    whole: text[whole].to_vec(),
                });
            }
        }
        sampler
    }

    fn compiled(&self) -> &'a Compiled {
        &self.matcher.compiled[usize::from(self.detector.0)]
    }

    /// The next value, one that was not drawn before; within `tries` looks at the checks.
    pub fn draw(&mut self, tries: usize) -> Result<Sample, NoSample> {
        let (mut tried, mut looked) = (0, 0);
        let mut in_context = None;
        while tried < tries {
            let template = (self.random.below(100) < FROM_EXAMPLES && !self.templates.is_empty())
                .then(|| self.random.below(self.templates.len() as u64) as usize);
            let start = template.map_or_else(Vec::new, |at| self.templates[at].whole.clone());
            let Some(walk) = self.walk(&start) else {
                tried += 1;
                continue;
            };
            tried += 1;
            let mut fit = self.fits(&walk).then(|| walk.clone());
            if fit.is_none() {
                self.note(&walk);
                fit = self.enumerate(walk, &mut tried);
            }
            let Some(whole) = fit else { continue };
            if let Some(sample) = self.placed(&whole, template) {
                if self.seen.contains(sample.value.as_bytes()) {
                    // It was drawn before: a pattern may have few values.
                    tried += 16;
                    continue;
                }
                looked += 1;
                let is_alone = sample.text == sample.value;
                self.never_alone &= !is_alone;
                if is_alone || looked >= ALONE_FIRST || self.never_alone && self.seen.len() > 1 {
                    return Ok(self.taken(sample));
                }
                in_context = in_context.or(Some(sample));
            }
        }
        if let Some(sample) = in_context {
            return Ok(self.taken(sample));
        }
        let mut refused = std::mem::take(&mut self.refused).into_iter().collect::<Vec<_>>();
        refused.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        Err(NoSample { tries, refused })
    }

    fn taken(&mut self, sample: Sample) -> Sample {
        self.seen.insert(sample.value.clone().into_bytes());
        sample
    }

    /// A random match of the pattern that keeps to the form of `start`; all of it is new, or only a part.
    fn walk(&mut self, start: &[u8]) -> Option<Vec<u8>> {
        let shape = &self.compiled().shape;
        let kept = [0, 0, 50, 80, 95][self.random.below(5) as usize];
        let (mut state, mut out) = (Shape::START, Vec::with_capacity(start.len()));
        for &byte in start {
            let keep = self.random.below(100) < kept && shape.step(state, byte) != DEAD;
            let next = if keep { Some(byte) } else { self.like(shape, state, byte) };
            let Some(next) = next else { break };
            state = shape.step(state, next);
            out.push(next);
        }
        // To an end: at once when the form says so, else wherever chance leads.
        while !(shape.accepts(state) && (out.len() == start.len() || self.random.below(4) > 0)) {
            let Some(next) = self.any(shape, state).filter(|_| out.len() < shape.max_len) else {
                return shape.accepts(state).then_some(out);
            };
            state = shape.step(state, next);
            out.push(next);
        }
        Some(out)
    }

    /// A byte of the same kind that can follow; any byte when none of the kind can.
    fn like(&mut self, shape: &Shape, state: u16, byte: u8) -> Option<u8> {
        let live = |b: &u8| shape.step(state, *b) != DEAD;
        let of_kind: Vec<u8> = kind(byte).filter(live).collect();
        match of_kind.len() {
            0 => self.any(shape, state),
            n => Some(of_kind[self.random.below(n as u64) as usize]),
        }
    }

    /// Any byte that can follow; readable ones first, each kind as likely as the others.
    fn any(&mut self, shape: &Shape, state: u16) -> Option<u8> {
        let live = |b: &u8| shape.step(state, *b) != DEAD;
        let kinds: [Vec<u8>; 4] = [
            (b'0'..=b'9').filter(live).collect(),
            (b'A'..=b'Z').filter(live).collect(),
            (b'a'..=b'z').filter(live).collect(),
            (b' '..=b'~').filter(|b| !b.is_ascii_alphanumeric()).filter(live).collect(),
        ];
        let there: Vec<&Vec<u8>> = kinds.iter().filter(|kind| !kind.is_empty()).collect();
        if there.is_empty() {
            return (0..=255u8).find(live);
        }
        let kind = there[self.random.below(there.len() as u64) as usize];
        Some(kind[self.random.below(kind.len() as u64) as usize])
    }

    /// Tries all values of a few of a match's letters and digits, the last ones as often as any.
    fn enumerate(&mut self, mut whole: Vec<u8>, tried: &mut usize) -> Option<Vec<u8>> {
        let variable: Vec<usize> = (0..whole.len()).filter(|&i| whole[i].is_ascii_alphanumeric()).collect();
        if variable.len() < ENUMERATED {
            return None;
        }
        let n = variable.len() as u64;
        let (i, j) = match self.random.below(3) {
            0 => (variable[variable.len() - 2], variable[variable.len() - 1]),
            1 => (variable[self.random.below(n) as usize], variable[variable.len() - 1]),
            _ => (variable[self.random.below(n) as usize], variable[self.random.below(n) as usize]),
        };
        let (first, second): (Vec<u8>, Vec<u8>) = (kind(whole[i]).collect(), kind(whole[j]).collect());
        for &a in &first {
            for &b in &second {
                *tried += 1;
                (whole[i], whole[j]) = (a, b);
                if self.fits(&whole) {
                    return Some(whole);
                }
            }
        }
        None
    }

    fn fits(&self, whole: &[u8]) -> bool {
        self.compiled().match_at(whole, 0).is_some_and(|found| found.end == whole.len())
    }

    /// Remembers what refused a match.
    fn note(&mut self, whole: &[u8]) {
        let mut why = None;
        self.matcher.trace(self.detector, whole, 0..1, &mut 0, &mut |trace| {
            if let super::trace::Outcome::Rejected(rejection) = trace.outcome {
                why = Some(rejection.to_string());
            }
        });
        *self.refused.entry(why.unwrap_or_else(|| "the pattern".to_owned())).or_default() += 1;
    }

    /// A text in which the engine finds the match with at least medium confidence: alone, in the example that it was
    /// made of, behind a keyword, or in any other example.
    fn placed(&mut self, whole: &[u8], template: Option<usize>) -> Option<Sample> {
        let of = |template: &Template| [&template.before, whole, &template.after].concat();
        let own = template.map(|at| of(&self.templates[at]));
        let keyed = self.keywords.iter().map(|word| [word.as_bytes(), b": ", whole].concat());
        let texts = [whole.to_vec()].into_iter().chain(own).chain(keyed);
        let found = texts.chain(self.templates.iter().map(of)).find_map(|text| self.found_in(text));
        if found.is_none() {
            *self.refused.entry("confidence below medium, even behind a keyword".to_owned()).or_default() +=
                1;
        }
        found
    }

    fn found_in(&self, text: Vec<u8>) -> Option<Sample> {
        let found = self.matcher.find(&FingerprintKey::new(&[0; 32]), None, &text);
        let own = |f: &&super::Finding| f.detector == self.detector && f.confidence >= Confidence::Medium;
        let found = found.iter().rfind(own)?;
        let value = text.get(found.start as usize..found.end as usize)?.to_vec();
        Some(Sample { value: String::from_utf8(value).ok()?, text: String::from_utf8(text).ok()? })
    }
}

/// Bytes of the same kind, itself among them.
fn kind(byte: u8) -> std::ops::RangeInclusive<u8> {
    match byte {
        b'0'..=b'9' => b'0'..=b'9',
        b'a'..=b'z' => b'a'..=b'z',
        b'A'..=b'Z' => b'A'..=b'Z',
        other => other..=other,
    }
}

/// SplitMix64 (Steele, Lea and Flood, 2014): small, seeded, good enough to draw samples.
#[derive(Clone, Copy, Debug)]
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n.max(1)
    }
}

impl Matcher {
    /// A sampler with the bound that a person waits for.
    pub fn sample(&self, detector: DetectorId, seed: u64, count: usize) -> Result<Vec<Sample>, NoSample> {
        let mut sampler = Sampler::new(self, detector, seed);
        (0..count).map(|_| sampler.draw(limits::SAMPLE_TRIES)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::Pack;

    fn matcher() -> Matcher {
        let packs = Pack::built_in_names().iter().map(|name| Pack::built_in(name).unwrap());
        Matcher::compile(packs.collect()).unwrap()
    }

    #[test]
    fn every_built_in_detector_has_samples_that_it_finds_itself() {
        let matcher = matcher();
        let key = FingerprintKey::new(&[1; 32]);
        let mut few = Vec::new();
        for (number, known) in (0u16..).zip(matcher.detectors()) {
            let mut sampler = Sampler::new(&matcher, DetectorId(number), 7);
            let drawn = (0..20).map_while(|_| sampler.draw(limits::SAMPLE_TRIES).ok()).collect::<Vec<_>>();
            for sample in &drawn {
                let found = matcher.find(&key, None, sample.text.as_bytes());
                assert!(
                    found.iter().any(|f| f.detector.0 == number
                        && f.confidence >= Confidence::Medium
                        && sample.text.get(f.start as usize..f.end as usize) == Some(sample.value.as_str())),
                    "{} {sample:?}",
                    known.id
                );
            }
            if drawn.len() < 20 {
                few.push((known.id.clone(), drawn.len()));
            }
        }
        // Published test numbers are a closed list.
        few.retain(|(id, drawn)| id != "payment.test-pan" || *drawn == 0);
        assert!(few.is_empty(), "{few:?}");
    }

    #[test]
    fn the_same_seed_draws_the_same_values_and_no_value_comes_twice() {
        let matcher = matcher();
        let (a, b) = (matcher.sample(DetectorId(0), 1, 50), matcher.sample(DetectorId(0), 1, 50));
        assert_eq!(a, b);
        assert_ne!(a, matcher.sample(DetectorId(0), 2, 50));
        let values = a.unwrap().into_iter().map(|sample| sample.value).collect::<HashSet<_>>();
        assert_eq!(values.len(), 50);
    }

    #[test]
    fn what_never_passes_is_given_up_with_the_check_that_refused() {
        let text = "[pack]\nname = \"t\"\nversion = \"1.0.0\"\n[[detector]]\nid = \"t.a\"\ndescription = \"d\"\n\
                    tier = \"strong\"\npattern = '9{12}'\nvalidators = [\"luhn\"]\ninvalidators = [\"all-same\"]\n\
                    [[detector.example]]\ntext = \"1\"\nfinds = [\"1\"]\n[[detector.example]]\ntext = \"\"\nfinds = []\n";
        let matcher = Matcher::compile(vec![Pack::parse("t.toml", text).unwrap()]).unwrap();
        let none = Sampler::new(&matcher, DetectorId(0), 1).draw(1000).unwrap_err();
        assert_eq!(none.tries, 1000);
        assert!(
            none.refused.iter().any(|(why, _)| why.contains("all-same") || why.contains("luhn")),
            "{none:?}"
        );
    }
}
