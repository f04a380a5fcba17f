//! Identifier selectors (`payment.pan`, `payment.*`, `*`, `tag:pci`) to a set of detectors.

use super::suggest;
use crate::detect::{Detector, DetectorId, Matcher};

/// A set of detectors, one bit each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct DetectorSet(Vec<u64>);

impl DetectorSet {
    pub(super) fn insert(&mut self, id: DetectorId) {
        let (word, bit) = place(id);
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        if let Some(bits) = self.0.get_mut(word) {
            *bits |= bit;
        }
    }

    pub(super) fn extend(&mut self, other: &DetectorSet) {
        if self.0.len() < other.0.len() {
            self.0.resize(other.0.len(), 0);
        }
        self.0.iter_mut().zip(&other.0).for_each(|(bits, more)| *bits |= more);
    }

    /// Keeps what `other` holds, too.
    pub(super) fn keep(&mut self, other: &DetectorSet) {
        self.0.truncate(other.0.len());
        self.0.iter_mut().zip(&other.0).for_each(|(bits, of)| *bits &= of);
    }

    pub(super) fn contains(&self, id: DetectorId) -> bool {
        let (word, bit) = place(id);
        self.0.get(word).is_some_and(|bits| bits & bit != 0)
    }
}

fn place(id: DetectorId) -> (usize, u64) {
    (usize::from(id.0 / 64), 1 << (id.0 % 64))
}

/// What is wrong with identifiers that an overlay names.
#[must_use]
pub fn unknown_identifiers(words: &[String], matcher: &Matcher) -> Vec<String> {
    let mut complaints = Vec::new();
    resolve(words, matcher.detectors(), &mut |complaint| complaints.push(complaint));
    complaints
}

/// Resolves the words of one rule; a word that selects nothing is a complaint.
pub(super) fn resolve(
    words: &[String],
    detectors: &[Detector],
    complain: &mut dyn FnMut(String),
) -> DetectorSet {
    let mut set = DetectorSet::default();
    if words.is_empty() {
        complain("names no identifier; expected ids, `pack.*`, `*` or `tag:word`".to_owned());
    }
    for word in words {
        let mut selected = false;
        for (id, detector) in (0..).map(DetectorId).zip(detectors) {
            if selects(word, detector) {
                set.insert(id);
                selected = true;
            }
        }
        if !selected {
            complain(unknown(word, detectors));
        }
    }
    set
}

pub(super) fn selects(word: &str, detector: &Detector) -> bool {
    if let Some(tag) = word.strip_prefix("tag:") {
        return detector.tags.iter().any(|of| of == tag);
    }
    match word.strip_suffix(".*") {
        Some(pack) => detector.id.strip_prefix(pack).is_some_and(|rest| rest.starts_with('.')),
        None => word == "*" || word == detector.id,
    }
}

fn unknown(word: &str, detectors: &[Detector]) -> String {
    if let Some(tag) = word.strip_prefix("tag:") {
        let tags = detectors.iter().flat_map(|detector| &detector.tags).map(String::as_str);
        return format!("no identifier has the tag `{tag}`{}", suggest::hint(tag, tags));
    }
    if let Some(pack) = word.strip_suffix(".*") {
        let packs = detectors.iter().filter_map(|detector| detector.id.split('.').next());
        return format!("no pack `{pack}` is loaded{}", suggest::hint(pack, packs));
    }
    let ids = detectors.iter().map(|detector| detector.id.as_str());
    format!("no identifier `{word}` in the loaded packs{}", suggest::hint(word, ids))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::pack::Tier;
    use crate::detect::{Family, Mask};

    fn detectors() -> Vec<Detector> {
        [("payment.pan", "pci"), ("payment.iban", "bank"), ("payments.x", ""), ("contact.email", "pii")]
            .map(|(id, tag)| Detector {
                id: id.to_owned(),
                description: String::new(),
                severity: "high",
                tier: Tier::Strong,
                anchor: "digits",
                tags: vec![tag.to_owned()],
                mask: Mask::default(),
                validators: vec![],
                pack: 0,
                family: Family::numbered(0, Tier::Strong, true),
            })
            .to_vec()
    }

    fn select(word: &str) -> (Vec<u16>, Vec<String>) {
        let mut complaints = Vec::new();
        let set = resolve(&[word.to_owned()], &detectors(), &mut |c| complaints.push(c));
        ((0..70).filter(|id| set.contains(DetectorId(*id))).collect(), complaints)
    }

    #[test]
    fn selectors_select() {
        let cases: [(&str, &[u16]); 5] = [
            ("payment.pan", &[0]),
            ("payment.*", &[0, 1]),
            ("*", &[0, 1, 2, 3]),
            ("tag:pii", &[3]),
            ("contact.*", &[3]),
        ];
        for (word, expected) in cases {
            assert_eq!(select(word), (expected.to_vec(), vec![]), "{word}");
        }
    }

    #[test]
    fn what_selects_nothing_is_a_complaint() {
        let cases = [
            ("payment.pam", "no identifier `payment.pam` in the loaded packs; did you mean `payment.pan`"),
            ("paymnt.*", "no pack `paymnt` is loaded; did you mean `payment`"),
            ("tag:pcy", "no identifier has the tag `pcy`; did you mean `pci`"),
            ("payment", "no identifier `payment` in the loaded packs"),
        ];
        for (word, expected) in cases {
            assert!(select(word).1.iter().any(|c| c.starts_with(expected)), "{word}: {:?}", select(word).1);
        }
        let mut complaints = Vec::new();
        resolve(&[], &detectors(), &mut |c| complaints.push(c));
        assert_eq!(complaints.len(), 1);
    }

    #[test]
    fn sets_grow_past_one_word() {
        let mut set = DetectorSet::default();
        set.insert(DetectorId(130));
        let mut other = DetectorSet::default();
        other.insert(DetectorId(3));
        other.extend(&set);
        assert!(
            other.contains(DetectorId(130))
                && other.contains(DetectorId(3))
                && !other.contains(DetectorId(64))
        );
    }
}
