//! Where anything may stand that is written otherwise than as itself: most signs that could begin it do not.

use super::high::{NEAR, is_asked_about};
use super::kinds::{self, Kinds, STEP, Window};
use super::tags;

/// Where the next byte stands that [`unit()`](super::unit) must be asked about.
#[derive(Clone, Copy, Debug)]
pub(in crate::decode) struct Active {
    kinds: Kinds,
    /// What is known of the bytes from here on, if anything.
    from: usize,
    known: Option<Window>,
}

impl Active {
    /// Nothing was looked for yet.
    pub(in crate::decode) fn new(kinds: Kinds) -> Active {
        Active { kinds, from: 0, known: None }
    }

    /// The next such byte of `text` from `at` on, or its end. Unless a stretch is `open`, one that stands amid too little that is
    /// written is passed over.
    pub(in crate::decode) fn next(&mut self, text: &[u8], mut at: usize, open: bool) -> usize {
        while let Some(found) = self.first(text, at, open) {
            if may_begin(text, found) {
                return found;
            }
            at = found + 1;
        }
        text.len()
    }

    /// The first from `at` on that may be one, going by the kinds of bytes around it.
    fn first(&mut self, text: &[u8], at: usize, open: bool) -> Option<usize> {
        let passed = at.checked_sub(self.from).filter(|passed| *passed < STEP);
        let (mut known, mut passed) = match self.known.zip(passed) {
            Some(known) => known,
            None => (self.look(text, at)?, 0),
        };
        loop {
            let bits = if open { known.all } else { known.amid };
            let left = bits >> passed << passed;
            if left != 0 {
                return Some(self.from + left.trailing_zeros() as usize);
            }
            (known, passed) = (self.look(text, self.from + STEP)?, 0);
        }
    }

    fn look(&mut self, text: &[u8], from: usize) -> Option<Window> {
        let window = kinds::look(self.kinds, text, from, || is_near_address(text, from))?;
        (self.from, self.known) = (from, Some(window));
        Some(window)
    }
}

/// Whether letters of a window may stand in an address, whose `@` is near, or may stand before the text or behind.
fn is_near_address(text: &[u8], from: usize) -> bool {
    let near = from.checked_sub(NEAR).and_then(|begin| text.get(begin..from + STEP + NEAR + 1));
    near.is_none_or(|near| memchr::memchr(b'@', near).is_some())
}

/// Whether something may begin at `at`, going by what stands beside it. In a form every `+` is a space.
fn may_begin(text: &[u8], at: usize) -> bool {
    match text.get(at..) {
        Some([b'%', behind, ..]) => behind.is_ascii_hexdigit() || *behind == b'u',
        Some([b'\\', behind, ..]) => {
            matches!(behind, b'\\' | b'u' | b'x' | b'n' | b'r' | b't' | b'f' | b'b' | b'/' | b'"' | b'\'')
        }
        Some([b'&', behind, ..]) => *behind == b'#' || behind.is_ascii_alphanumeric(),
        Some([b'=', behind, ..]) => matches!(behind, b'0'..=b'9' | b'A'..=b'F' | b'\r' | b'\n'),
        Some([b'<', ..]) => {
            // A tag that may stand in the midst of a number.
            let before = at.checked_sub(1).and_then(|before| text.get(before));
            before.is_none_or(|byte| tags::may_precede(*byte))
        }
        Some([byte, ..]) if !byte.is_ascii() => is_asked_about(text, at),
        _ => true,
    }
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
            ], 0..200),
            last in any::<bool>(),
        ) {
            let mut active = Active::new(kinds::plain);
            let mut next = active.next(&text, 0, true);
            for at in 0..text.len() {
                if at < next && text[at].is_ascii() {
                    let is_form = text[at] == b'+';
                    let said = unit(&text, at, last);
                    prop_assert!(is_form || matches!(said, Unit::Literal(1)), "{}: {:?}", at, said);
                }
                if at == next {
                    next = active.next(&text, at + 1, true);
                }
            }
        }
    }
}
