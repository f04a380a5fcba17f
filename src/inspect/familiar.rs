//! Fields that were looked at before and hold nothing: a connection's heads are much the same, one after another.

use super::fields;
use crate::limits::{FAMILIAR_BYTES, FAMILIAR_TEXT};

/// Fields of earlier heads in which nothing was found, compared whole. It holds for one engine, one direction and one
/// part of a message. Fields of credentials are not kept.
#[derive(Debug, Default)]
pub struct Familiar {
    /// Names and values, one behind the other.
    text: Vec<u8>,
    /// Where each name and each value ends.
    ends: Vec<(usize, usize)>,
    /// The field that most likely comes next.
    next: usize,
}

impl Familiar {
    /// Whether this field, to the byte, is known to hold nothing. The target goes by the name of nothing.
    pub(super) fn knows(&mut self, name: &str, value: &[u8]) -> bool {
        let likely = self.next;
        let others = (0..self.ends.len()).filter(|at| *at != likely);
        match std::iter::once(likely).chain(others).find(|at| self.is(*at, name, value)) {
            Some(at) => self.next = at + 1,
            None => return false,
        }
        true
    }

    fn is(&self, at: usize, name: &str, value: &[u8]) -> bool {
        let Some(&(middle, end)) = self.ends.get(at) else { return false };
        let start = at.checked_sub(1).and_then(|before| self.ends.get(before)).map_or(0, |(_, end)| *end);
        middle - start == name.len()
            && end - middle == value.len()
            && self.text.get(middle..end) == Some(value)
            && self.text.get(start..middle) == Some(name.as_bytes())
    }

    /// The next head begins.
    pub(super) fn begin(&mut self) {
        self.next = 0;
    }

    /// Nothing was found in this field.
    pub(super) fn learn(&mut self, name: &str, value: &[u8]) {
        let length = name.len() + value.len();
        if length > FAMILIAR_TEXT || fields::holds_credentials(Some(name), None) {
            return;
        }
        if self.text.len() + length > FAMILIAR_BYTES {
            // What comes now is a better guess of what comes next than what came first.
            *self = Familiar::default();
        }
        self.text.extend_from_slice(name.as_bytes());
        let middle = self.text.len();
        self.text.extend_from_slice(value);
        self.ends.push((middle, self.text.len()));
        self.next = self.ends.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_learned_is_known_and_to_the_byte() {
        let mut familiar = Familiar::default();
        for (name, value) in [("accept", "*/*"), ("", "/a"), ("x", "")] {
            assert!(!familiar.knows(name, value.as_bytes()));
            familiar.learn(name, value.as_bytes());
        }
        for round in 0..2 {
            familiar.begin();
            for (name, value) in [("accept", "*/*"), ("", "/a"), ("x", "")] {
                assert!(familiar.knows(name, value.as_bytes()), "{round} {name}");
            }
        }
        assert!(familiar.knows("accept", b"*/*"), "in another order, too");
        for (name, value) in [("accep", "t*/*"), ("accept*", "/*"), ("accept", "*/**"), ("", "/b"), ("y", "")]
        {
            assert!(!familiar.knows(name, value.as_bytes()), "{name} {value}");
        }
    }

    #[test]
    fn memory_is_bounded_and_credentials_are_not_kept() {
        let mut familiar = Familiar::default();
        familiar.learn("authorization", b"Bearer abc");
        familiar.learn("x", &[b'a'; FAMILIAR_TEXT]);
        assert!(!familiar.knows("authorization", b"Bearer abc") && familiar.text.is_empty());
        for n in 0..10_000 {
            familiar.learn("x-request", format!("{n}").as_bytes());
            assert!(familiar.text.len() <= FAMILIAR_BYTES);
        }
        assert!(familiar.knows("x-request", b"9999") && !familiar.knows("x-request", b"1"));
    }
}
