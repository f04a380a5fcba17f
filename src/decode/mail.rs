//! The head of a mail (RFC 5322, section 2.2), as far as it tells of a signature over what follows it.

/// Fields that sign the text of a mail (DKIM: RFC 6376; ARC: RFC 8617), in small letters.
const SIGNATURES: [&[u8]; 3] = [b"dkim-signature", b"arc-message-signature", b"x-google-dkim-signature"];

/// Longest name of a field that is read; no name of a field of mail comes near it. And so much of it as tells those above.
const NAME: u8 = 64;
const TELLING: usize = 24;

/// Reads a text that may be a mail, however it is cut, until its head ends.
#[derive(Clone, Debug, Default)]
pub struct MailHead {
    at: At,
    /// Of the field that is read: its name as far as it tells, and how long it is.
    name: [u8; TELLING],
    length: u8,
    /// Whether a field came before.
    goes_on: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum At {
    /// Where a line begins.
    #[default]
    Line,
    Name,
    Value,
    /// The head has ended, or this was none.
    Past,
    Signed,
}

impl MailHead {
    pub fn push(&mut self, mut piece: &[u8]) {
        while let Some((&first, rest)) = piece.split_first() {
            match self.at {
                At::Past | At::Signed => return,
                At::Value => match memchr::memchr(b'\n', piece) {
                    Some(end) => {
                        self.at = At::Line;
                        piece = piece.get(end + 1..).unwrap_or_default();
                    }
                    None => return,
                },
                At::Line | At::Name => {
                    self.byte(first);
                    piece = rest;
                }
            }
        }
    }

    fn byte(&mut self, byte: u8) {
        let is_begun = self.at == At::Name;
        let name = self.name.get(..usize::from(self.length)).unwrap_or_default();
        self.at = match byte {
            // A line that goes on with the one before.
            b' ' | b'\t' if !is_begun && self.goes_on => At::Value,
            // How mails are told apart in a mailbox.
            b' ' if is_begun && !self.goes_on && name == b"from" => At::Value,
            b':' if is_begun && SIGNATURES.contains(&name) => At::Signed,
            b':' if is_begun => At::Value,
            b'-' | b'_' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' if self.length < NAME || !is_begun => {
                let at = if is_begun { self.length } else { 0 };
                if let Some(place) = self.name.get_mut(usize::from(at)) {
                    *place = byte.to_ascii_lowercase();
                }
                self.length = at + 1;
                At::Name
            }
            _ => At::Past,
        };
        self.goes_on |= self.at == At::Value;
    }

    /// Whether the text is a mail that is signed; `None`: not as far as it came.
    #[must_use]
    pub fn is_signed(&self) -> Option<bool> {
        match self.at {
            At::Signed => Some(true),
            At::Past => Some(false),
            At::Line | At::Name | At::Value => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signed_mail_is_known_however_it_is_cut() {
        let long = format!("X-{}: y\n", "a".repeat(50));
        for (text, said) in [
            ("From: a@b.test\r\nDKIM-Signature: v=1; a=rsa-sha256\r\n\r\ntext", Some(true)),
            ("from me Thu Jan 1\nReceived: by x\n\tfor y; z\nDkim-Signature:v=1", Some(true)),
            ("Subject: DKIM-Signature: x\r\nARC-Message-Signature: i=1", Some(true)),
            (&format!("{long}dkim-signature: v=1"), Some(true)),
            ("From: a\r\nSubject: b\r\n\r\nDKIM-Signature: v=1", Some(false)),
            ("From: a\r\nDKIM-Signature v=1", Some(false)),
            ("From: a\r\nno field\r\nDKIM-Signature: v=1", Some(false)),
            (" DKIM-Signature: v=1", Some(false)),
            ("\r\nDKIM-Signature: v=1", Some(false)),
            ("{\"DKIM-Signature\": 1}", Some(false)),
            ("<a>DKIM-Signature: v=1", Some(false)),
            ("From: a\r\nDKIM-Sign", None),
            ("From: a", None),
            ("", None),
        ] {
            for length in 1..=text.len().max(1) {
                let mut head = MailHead::default();
                text.as_bytes().chunks(length).for_each(|piece| head.push(piece));
                assert_eq!(head.is_signed(), said, "{text:?} in pieces of {length}");
            }
        }
        let mut head = MailHead::default();
        head.push(&[b'a'; 200]);
        assert_eq!(head.is_signed(), Some(false));
    }
}
