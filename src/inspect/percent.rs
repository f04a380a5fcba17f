//! A string of a head with its escapes undone, remembering where each byte came from.

use crate::decode::{self, Kind};

/// What escapes hide, and where it stands in the raw text.
#[derive(Debug)]
pub(super) struct Decoded {
    pub(super) text: Vec<u8>,
    /// Raw offset of each byte of `text`, and of its end.
    origin: Vec<usize>,
    /// How the first of what was undone is written.
    kind: Kind,
}

impl Decoded {
    /// Decodes once; `plus` stands for a space in queries and forms. `None`: there is nothing to decode.
    pub(super) fn of(raw: &[u8], plus: bool) -> Option<Decoded> {
        let (mut text, mut origin) = (Vec::with_capacity(raw.len()), Vec::with_capacity(raw.len() + 1));
        let (mut at, mut first) = (0, None);
        while let Some(&byte) = raw.get(at) {
            let (length, kind) = if let Some(escape) = decode::escape_at(raw, at) {
                text.extend_from_slice(escape.out());
                (escape.len, Some(escape.kind))
            } else if plus && byte == b'+' {
                text.push(b' ');
                (1, Some(Kind::Percent))
            } else {
                text.push(byte);
                (1, None)
            };
            origin.resize(text.len(), at);
            first = first.or(kind);
            at += length;
        }
        origin.push(raw.len());
        first.map(|kind| Decoded { text, origin, kind })
    }

    /// The name of what was undone, for the record.
    pub(super) fn kind(&self) -> Kind {
        self.kind
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
        let others = Decoded::of("\\u0034&#52;\u{ff14}\u{200b}5".as_bytes(), false).unwrap();
        assert_eq!((others.text.as_slice(), others.raw(1), others.raw(3)), (&b"4445"[..], 6, 17));
    }
}
