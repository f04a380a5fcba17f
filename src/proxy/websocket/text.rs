//! Text of messages is UTF-8 (RFC 6455, section 8.1), wherever it is cut.

/// Longest character.
const LONGEST: usize = 4;

/// What is known of a text so far.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Utf8 {
    /// The beginning of a character whose end has not come.
    begun: [u8; LONGEST],
    length: usize,
}

impl Utf8 {
    /// Takes the next bytes; whether they may be text.
    pub(super) fn push(&mut self, mut bytes: &[u8]) -> bool {
        while self.length > 0 {
            let Some((first, rest)) = bytes.split_first() else { return true };
            let Some(place) = self.begun.get_mut(self.length) else { return false };
            (*place, bytes) = (*first, rest);
            self.length += 1;
            match std::str::from_utf8(self.begun.get(..self.length).unwrap_or_default()) {
                Ok(_) => self.length = 0,
                Err(error) if error.error_len().is_some() => return false,
                Err(_) => {}
            }
        }
        let Err(error) = std::str::from_utf8(bytes) else { return true };
        let begun = bytes.get(error.valid_up_to()..).unwrap_or_default();
        if error.error_len().is_some() || begun.len() >= LONGEST {
            return false;
        }
        self.begun.iter_mut().zip(begun).for_each(|(to, from)| *to = *from);
        self.length = begun.len();
        true
    }

    /// Whether the text may end here; what comes next is another one.
    pub(super) fn end(&mut self) -> bool {
        std::mem::take(&mut self.length) == 0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn is_text<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> bool {
        let mut text = Utf8::default();
        pieces.into_iter().all(|piece| text.push(piece)) && text.end()
    }

    #[test]
    fn what_is_no_text_is_known_however_it_is_cut() {
        for bytes in [
            &b"\xff"[..],
            b"\xc0\xaf",
            b"\xed\xa0\x80",
            b"\xf4\x90\x80\x80",
            b"a\xe2\x82",
            b"\x80",
            b"\xf0\x9f\x98a",
        ] {
            assert!(!is_text([bytes]), "{bytes:x?}");
            assert!(!is_text(bytes.chunks(1)), "{bytes:x?}");
        }
        assert!(is_text("naïve €😀".as_bytes().chunks(1)));
    }

    proptest! {
        #[test]
        fn it_says_what_the_whole_says(
            bytes in prop::collection::vec(prop_oneof![any::<u8>(), prop::sample::select("€😀é".as_bytes())], 0..40),
            width in 1usize..6,
        ) {
            prop_assert_eq!(is_text(bytes.chunks(width)), std::str::from_utf8(&bytes).is_ok());
        }
    }
}
