//! Where anything may stand that is written otherwise than as itself: most signs that could begin it do not.

use super::high::Asked;
use super::tags;

/// Where the next byte stands that [`unit()`](super::unit) must be asked about.
#[derive(Clone, Copy, Debug)]
pub(in crate::decode) struct Active {
    marks: Option<usize>,
    signs: Option<usize>,
    tags: Option<usize>,
    high: Option<usize>,
    asked: Asked,
}

impl Active {
    /// Nothing was looked for yet.
    pub(in crate::decode) const UNKNOWN: Active =
        Active { marks: None, signs: None, tags: None, high: None, asked: Asked::NONE };

    /// The next such byte of `text` from `at` on, or its end. A place that is known is not looked for again.
    pub(in crate::decode) fn next(&mut self, text: &[u8], at: usize) -> usize {
        let next = |known: &mut Option<usize>, find: fn(&[u8], usize) -> usize| match *known {
            Some(known) if known >= at => known,
            _ => *known.insert(find(text, at)),
        };
        let (marks, signs) = (next(&mut self.marks, first_mark), next(&mut self.signs, first_sign));
        let tags = next(&mut self.tags, first_tag);
        let high = match self.high {
            Some(high) if high >= at => high,
            _ => *self.high.insert(self.asked.next(text, at)),
        };
        marks.min(signs).min(tags).min(high)
    }
}

fn first_mark(text: &[u8], at: usize) -> usize {
    let marks = memchr::memchr3_iter(b'\\', b'%', b'&', text.get(at..).unwrap_or_default());
    marks.map(|found| at + found).find(|mark| may_begin(text, *mark)).unwrap_or(text.len())
}

/// In a form every `+` is one.
fn first_sign(text: &[u8], at: usize) -> usize {
    let signs = memchr::memchr2_iter(b'+', b'=', text.get(at..).unwrap_or_default());
    signs.map(|found| at + found).find(|sign| may_begin(text, *sign)).unwrap_or(text.len())
}

/// Whether an escape may begin with the sign at `at`, going by what follows it.
fn may_begin(text: &[u8], at: usize) -> bool {
    match text.get(at..) {
        Some([b'%', behind, ..]) => behind.is_ascii_hexdigit() || *behind == b'u',
        Some([b'\\', behind, ..]) => {
            matches!(behind, b'\\' | b'u' | b'x' | b'n' | b'r' | b't' | b'f' | b'b' | b'/' | b'"' | b'\'')
        }
        Some([b'&', behind, ..]) => *behind == b'#' || behind.is_ascii_alphanumeric(),
        Some([b'=', behind, ..]) => matches!(behind, b'0'..=b'9' | b'A'..=b'F' | b'\r' | b'\n'),
        _ => true,
    }
}

/// The first tag from `at` on that may stand in the midst of a number.
fn first_tag(text: &[u8], at: usize) -> usize {
    let mut opens = memchr::memchr_iter(b'<', text.get(at..).unwrap_or_default()).map(|found| at + found);
    let may = |open: &usize| {
        let before = open.checked_sub(1).and_then(|before| text.get(before));
        before.is_none_or(|byte| tags::may_precede(*byte))
    };
    opens.find(may).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::super::{Unit, unit};
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Whatever is passed over stands for itself, with all that follows or none of it.
        #[test]
        fn nothing_is_passed_over_that_stands_for_something_else(
            text in prop::collection::vec(prop_oneof![
                6 => prop::sample::select(&b"\\%&=+<#;ux0aA1n \r\n\"'/-."[..]), 2 => b' '..=b'~', 1 => any::<u8>(),
            ], 0..60),
            last in any::<bool>(),
        ) {
            let mut active = Active::UNKNOWN;
            let mut next = active.next(&text, 0);
            for at in 0..text.len() {
                if at < next && text[at].is_ascii() {
                    let is_form = text[at] == b'+';
                    let said = unit(&text, at, last);
                    prop_assert!(is_form || matches!(said, Unit::Literal(1)), "{}: {:?}", at, said);
                }
                if at == next {
                    next = active.next(&text, at + 1);
                }
            }
        }
    }
}
