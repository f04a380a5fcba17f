//! What is found in a short text by itself, hidden in its place.

use std::ops::Range;

use super::region::How;
use super::{Confidence, Finding, Matcher};

impl Matcher {
    /// Whether nothing, however faint, is found in `value`, neither by itself nor behind `before`.
    #[must_use]
    pub fn is_clean(&self, before: &[u8], value: &[u8]) -> bool {
        self.is_below(Confidence::Low, before, value)
    }

    /// The same for what counts by itself: of longer numbers, most hold in groups what could be some telephone number.
    #[must_use]
    pub fn is_quiet(&self, before: &[u8], value: &[u8]) -> bool {
        self.is_below(Confidence::Medium, before, value)
    }

    fn is_below(&self, floor: Confidence, before: &[u8], value: &[u8]) -> bool {
        let how = How { level: self.level, key: None, floor };
        let whole = [before, value].concat();
        let reaches_in = |finding: &Finding| finding.end > before.len() as u64;
        self.find_at(how, None, value).is_empty() && !self.find_at(how, None, &whole).iter().any(reaches_in)
    }

    /// Hides every finding of any confidence that stands in a text as it is; whether there was one.
    pub fn veil(&self, text: &mut [u8]) -> bool {
        self.veil_from(Confidence::Low, text)
    }

    /// The same of every finding from a confidence on.
    pub fn veil_from(&self, floor: Confidence, text: &mut [u8]) -> bool {
        let how = How { level: self.level, key: None, floor };
        let plain = text.to_vec();
        self.hide_found(how, text, 0..plain.len());
        // What joins names (`.`, `[`, `/`) must not shield one: each is looked at by itself, and so are the digits that
        // are long enough for a card number.
        for word in spans(&plain, |b| !JOINTS.contains(&b)) {
            let digits = text.get(word.clone()).unwrap_or_default().iter().filter(|b| b.is_ascii_digit());
            if digits.count() >= TELLING && word.len() < plain.len() {
                self.hide_found(how, text, word);
            }
        }
        for run in spans(&plain, |b| b.is_ascii_digit()).filter(|run| run.len() >= CARD) {
            self.hide_found(how, text, run);
        }
        plain != text
    }

    /// Hides what is found in a part of a text by itself.
    fn hide_found(&self, how: How<'_>, bytes: &mut [u8], part: Range<usize>) {
        let Some(part) = bytes.get_mut(part) else { return };
        for finding in self.find_at(how, None, part) {
            if let Some(value) = part.get_mut(finding.start as usize..finding.end as usize) {
                hide(value);
            }
        }
    }
}

/// What joins names.
pub const JOINTS: &[u8] = b".[]\"/\\$:;,?&= ";
/// With fewer digits no name holds an identifier that is made of them.
const TELLING: usize = 6;
/// Digits of the shortest card number.
const CARD: usize = 13;

/// The longest spans of bytes that `is_of` takes.
pub fn spans(text: &[u8], is_of: impl Fn(u8) -> bool) -> impl Iterator<Item = Range<usize>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at + text.get(at..)?.iter().position(|&b| is_of(b))?;
        let rest = text.get(start..)?;
        at = start + rest.iter().position(|&b| !is_of(b)).unwrap_or(rest.len());
        Some(start..at)
    })
}

fn hide(value: &mut [u8]) {
    value.iter_mut().filter(|b| b.is_ascii_alphanumeric() || !b.is_ascii()).for_each(|b| *b = b'*');
}
