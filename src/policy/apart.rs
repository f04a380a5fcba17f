//! Which detectors rules tell apart: what one of them finds is not told by what another finds in the very same bytes.

use super::Action;
use super::compile::Rule;
use super::selector::DetectorSet;
use crate::detect::DetectorId;

/// For each detector that a rule names, those that every such rule names, too.
#[derive(Debug, Default)]
pub(super) struct Apart(Vec<Option<DetectorSet>>);

impl Apart {
    pub(super) fn of(rules: &[Rule], detectors: usize) -> Apart {
        // An exemption is applied before anything is compared.
        let counting = rules.iter().filter(|rule| rule.action != Action::Allow);
        let together = |id: DetectorId| {
            let mut naming = counting.clone().filter(|rule| rule.detectors.contains(id));
            let mut all = naming.next()?.detectors.clone();
            naming.for_each(|rule| all.keep(&rule.detectors));
            Some(all)
        };
        Apart((0..=u16::MAX).map(DetectorId).take(detectors).map(together).collect())
    }

    /// Whether a rule names `other` and not `first`.
    pub(super) fn tells(&self, first: DetectorId, other: DetectorId) -> bool {
        let together = self.0.get(usize::from(other.0)).and_then(Option::as_ref);
        together.is_some_and(|together| !together.contains(first))
    }
}
