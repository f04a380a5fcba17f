//! A text with its percent-encoding undone, remembering where each byte came from.

/// What `%` and `+` hide, and where it stands in the raw text.
#[derive(Debug)]
pub(super) struct Decoded {
    pub(super) text: Vec<u8>,
    /// Raw offset of each byte of `text`, and of its end.
    origin: Vec<usize>,
}

impl Decoded {
    /// Decodes once; `plus` stands for a space in queries and forms. `None`: there is nothing to decode.
    pub(super) fn of(raw: &[u8], plus: bool) -> Option<Decoded> {
        let mut decoded =
            Decoded { text: Vec::with_capacity(raw.len()), origin: Vec::with_capacity(raw.len() + 1) };
        let (mut rest, mut changed) = (raw, false);
        while let Some((&byte, after)) = rest.split_first() {
            decoded.origin.push(raw.len() - rest.len());
            let (byte, after) = match escape(rest) {
                Some(escaped) => escaped,
                None if plus && byte == b'+' => (b' ', after),
                None => (byte, after),
            };
            changed |= rest.len() - after.len() > 1 || rest.first() != Some(&byte);
            decoded.text.push(byte);
            rest = after;
        }
        decoded.origin.push(raw.len());
        changed.then_some(decoded)
    }

    /// The same once more, still pointing into the first raw text.
    pub(super) fn again(&self) -> Option<Decoded> {
        let mut deeper = Decoded::of(&self.text, false)?;
        for origin in &mut deeper.origin {
            *origin = self.raw(*origin);
        }
        Some(deeper)
    }

    /// The raw offset of a decoded one.
    pub(super) fn raw(&self, offset: usize) -> usize {
        self.origin.get(offset).or(self.origin.last()).copied().unwrap_or_default()
    }
}

/// The byte of an escape at the start of `text`, and what follows it.
fn escape(text: &[u8]) -> Option<(u8, &[u8])> {
    let (pair, after) = text.strip_prefix(b"%")?.split_first_chunk::<2>()?;
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let [high, low] = pair;
    Some((u8::try_from(digit(*high)? * 16 + digit(*low)?).ok()?, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_lead_back_to_the_raw_text() {
        let raw = b"a%40b+c%2541%zz%4";
        let once = Decoded::of(raw, true).unwrap();
        assert_eq!(once.text, b"a@b c%41%zz%4");
        assert_eq!((once.raw(1), once.raw(2), once.raw(once.text.len())), (1, 4, raw.len()));
        let twice = once.again().unwrap();
        assert_eq!(twice.text, b"a@b cA%zz%4");
        assert_eq!((twice.raw(5), twice.raw(6)), (7, 12));
        assert!(twice.again().is_none());
        assert!(Decoded::of(b"plain+text%", false).is_none());
    }
}
