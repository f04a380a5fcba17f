//! Values that were met in a text, by where they stand in it: the same value met again has its fingerprint already.

use std::ops::Range;

use super::compiled::Compiled;
use super::literal::letters_at;
use super::matcher::{DetectorId, Matcher};
use crate::fingerprint::{Fingerprint, FingerprintKey};
use crate::limits;

/// Values that are kept, one in each place.
const PLACES: usize = 128;
/// A text with fewer findings is left before any is met again.
const FEW: usize = 4;

/// Values of one text.
#[derive(Debug, Default)]
pub(super) struct Met {
    count: usize,
    places: Vec<Option<Value>>,
}

#[derive(Clone, Copy, Debug)]
struct Value {
    detector: DetectorId,
    at: usize,
    length: usize,
    fingerprint: Fingerprint,
}

impl Met {
    /// The fingerprint of a detector's value; nothing for one that its pack excludes.
    pub(super) fn fingerprint(
        &mut self,
        matcher: &Matcher,
        key: &FingerprintKey,
        (id, detector): (DetectorId, &Compiled),
        (text, value): (&[u8], Range<usize>),
    ) -> Option<Fingerprint> {
        let (at, bytes) = (value.start, text.get(value)?);
        let place = place(id, bytes);
        if let Some(Some(known)) = self.places.get(place)
            && known.detector == id
            && text.get(known.at..known.at + known.length) == Some(bytes)
        {
            return Some(known.fingerprint);
        }
        let mut room = [0; limits::MATCH_LEN];
        let normalised = detector.normalised(bytes, &mut room)?;
        let fingerprint = key.of(&matcher.detector(id).id, normalised);
        self.count += 1;
        // What keeps values beside the key is offered each of them.
        if self.count == FEW && !key.keeps_values() {
            self.places = vec![None; PLACES];
        }
        if let Some(slot) = self.places.get_mut(place) {
            *slot = Some(Value { detector: id, at, length: bytes.len(), fingerprint });
        }
        Some(fingerprint)
    }
}

/// Where a value is kept.
fn place(DetectorId(number): DetectorId, bytes: &[u8]) -> usize {
    let last = letters_at(bytes, bytes.len().saturating_sub(8));
    let mixed =
        (letters_at(bytes, 0) ^ last.rotate_left(29) ^ u64::from(number)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (mixed >> 32) as usize % PLACES
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::detect::Pack;
    use crate::fingerprint::Jar;

    #[test]
    fn a_value_met_again_has_the_fingerprint_that_it_had() {
        let packs = Pack::built_in_names().iter().filter_map(|name| Pack::built_in(name)).collect();
        let matcher = Matcher::compile(packs).unwrap();
        let values =
            ["4539148803436467", "4539 1488 0343 6467", "jane.doe@example.com", "Jane.Doe@example.com"];
        let text: String =
            (0..400).map(|i| format!("card {} or a{}@example.org\n", values[i % 4], i % 90)).collect();
        let plain = FingerprintKey::new(&[7; 32]);
        let kept = plain.clone().with_jar(Arc::new(Jar::new(9, 99)));
        let found = matcher.find(&plain, None, text.as_bytes());
        assert_eq!(found, matcher.find(&kept, None, text.as_bytes()), "with and without values kept");
        let mut checked = 0;
        for finding in &found {
            let value = &text[finding.start as usize..finding.end as usize];
            let id = &matcher.detector(finding.detector).id;
            let normalised = match id.as_str() {
                "payment.pan" => value.replace(' ', ""),
                "contact.email" => value.to_lowercase(),
                _ => continue,
            };
            assert_eq!(finding.fingerprint, plain.of(id, normalised.as_bytes()), "{value}");
            checked += 1;
        }
        assert!(checked >= 800, "{checked}");
    }
}
