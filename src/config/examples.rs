//! A pack's examples are its tests: whether what is found in them is what they say.

use std::ops::Range;

use super::packs::PackSet;
use super::source::Complaint;
use crate::detect::pack::{Definition, Example};
use crate::detect::{Confidence, DetectorId};
use crate::fingerprint::FingerprintKey;

impl PackSet {
    /// A complaint for each example of a pack that does not come out as written.
    #[must_use]
    pub fn failures(&self, pack: usize) -> Vec<Complaint> {
        let mut complaints = Vec::new();
        for (number, detector) in self.matcher.detectors().iter().enumerate().filter(|(_, d)| d.pack == pack)
        {
            let Some(id) = u16::try_from(number).ok().map(DetectorId) else { continue };
            let definitions = self.matcher.packs().get(pack).into_iter().flat_map(|pack| &pack.definitions);
            for definition in definitions.filter(|definition| definition.id() == detector.id) {
                for example in &definition.examples {
                    if let Some(why) = failure(self, id, example.get_ref()) {
                        let part = finds(self, definition, example.span());
                        let message = format!("`{}` {why}", detector.id);
                        complaints.push(self.complain(&definition.file, part, &message).of_example());
                    }
                }
            }
        }
        complaints
    }

    /// The same of all packs that are not part of the binary: those were tested when it was built, and nobody could mend
    /// an example of theirs whose value another pack's detector takes.
    pub(super) fn own_failures(&self) -> Vec<Complaint> {
        let own = self.files.iter().enumerate().filter(|(_, files)| files.path().is_some());
        own.flat_map(|(index, _)| self.failures(index)).collect()
    }
}

/// How what is found differs from what is written.
fn failure(set: &PackSet, detector: DetectorId, example: &Example) -> Option<String> {
    let text = &example.text;
    let all = set.matcher.find(&FingerprintKey::new(&[0; 32]), None, text.as_bytes());
    let own = all.iter().filter(|finding| finding.detector == detector);
    let found = own.map(|finding| {
        let part = usize::try_from(finding.start).ok().zip(usize::try_from(finding.end).ok());
        let value = part.and_then(|(start, end)| text.get(start..end)).unwrap_or("part of a character");
        (finding.confidence, value)
    });
    let (low, found) = found.partition::<Vec<_>, _>(|(confidence, _)| *confidence == Confidence::Low);
    let found = found.into_iter().map(|(_, value)| value).collect::<Vec<_>>();
    if found == example.finds {
        return None;
    }
    let quoted = |values: &[&str]| match values {
        [] => "nothing".to_owned(),
        values => values.iter().map(|value| format!("`{value}`")).collect::<Vec<_>>().join(", "),
    };
    let mut why = format!("finds {} in this example", quoted(&found));
    if low.iter().any(|(_, value)| example.finds.iter().any(|written| written == value)) {
        why.push_str(" at medium confidence or more; what is written is found at low confidence alone");
    }
    Some(why)
}

/// Where an example says what it finds.
fn finds(set: &PackSet, definition: &Definition, example: Range<usize>) -> Range<usize> {
    let text = set.files.iter().find_map(|files| files.text(&definition.file)).unwrap_or_default();
    let rest = text.get(example.start..).unwrap_or_default();
    // The key on a line of its own, before the next table begins.
    let line = rest.split_inclusive('\n').scan(0, |at, line| {
        let start = *at;
        *at += line.len();
        Some((start, line))
    });
    let found = line.skip(1).take_while(|(_, line)| !line.starts_with('[')).find(|(_, line)| {
        line.trim_start().strip_prefix("finds").is_some_and(|rest| rest.trim_start().starts_with('='))
    });
    found.map_or(example.clone(), |(at, line)| {
        let start = example.start + at;
        start..start + line.trim_end().len()
    })
}
