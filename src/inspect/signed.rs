//! What is signed within a body: an edit would break a signature that stands beside it.

use crate::decode::MailHead;

/// Ends of what says that a signature follows, in XML (XML-DSig, section 4.2: SAML and WS-Security have it).
const TELLS: &[u8] = b"SignatureValue>";

/// Whether XML tells of a signature over it.
pub(super) fn is_told(text: &[u8]) -> bool {
    memchr::memmem::find(text, TELLS).is_some()
}

/// Whether what stands before a run of base64 ends with the header of a JSON web signature or token (RFC 7515, section 3):
/// the base64 of what begins with `{"`, and a dot.
pub(super) fn follows_header(before: &[u8]) -> bool {
    let Some(before) = before.strip_suffix(b".") else { return false };
    let is_digit = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let digits = before.iter().rev().take_while(is_digit).count();
    before.get(before.len() - digits..).is_some_and(|header| header.starts_with(b"eyJ"))
}

/// Looks for what tells of a signature in a text as it comes, however it is cut: of XML or a mail.
#[derive(Debug, Default)]
pub(super) struct Signs {
    mail: MailHead,
    /// Whether it may be XML, once its first byte is there.
    xml: Option<bool>,
    tail: Vec<u8>,
    seen: bool,
}

impl Signs {
    pub(super) fn push(&mut self, piece: &[u8]) {
        self.mail.push(piece);
        // Or the mark of UTF-8.
        let begins = |first: &u8| matches!(first, b'<' | 0xef);
        self.xml = self.xml.or_else(|| piece.trim_ascii_start().first().map(begins));
        if self.xml != Some(true) || self.seen {
            return;
        }
        let head = piece.get(..TELLS.len().min(piece.len())).unwrap_or_default();
        self.tail.extend_from_slice(head);
        self.seen = is_told(&self.tail) || is_told(piece);
        let last = piece.len().saturating_sub(TELLS.len());
        if last > 0 {
            self.tail.clear();
            self.tail.extend_from_slice(piece.get(last..).unwrap_or_default());
        }
        let more = self.tail.len().saturating_sub(TELLS.len());
        self.tail.drain(..more);
    }

    /// Whether a signature was told of.
    pub(super) fn is_signed(&self) -> bool {
        self.seen || self.mail.is_signed() == Some(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_of_a_token_is_known() {
        for (before, is_header) in [
            (&b"token=eyJhbGciOiJub25lIn0."[..], true),
            (b"\"eyJ0eXAiOiJKV1QifQ.", true),
            (b"eyJhbGciOiJub25lIn0", false),
            (b"xeyJhbGciOiJub25lIn0.", false),
            (b"www.example.", false),
            (b".", false),
            (b"", false),
        ] {
            assert_eq!(follows_header(before), is_header, "{}", before.escape_ascii());
        }
    }

    #[test]
    fn a_signature_is_told_of_however_the_text_is_cut() {
        let text =
            b"\n <a><ds:SignatureValue>abc</ds:SignatureValue></a> and more of it, much more than that";
        for length in 1..text.len() {
            let mut signs = Signs::default();
            text.chunks(length).for_each(|piece| signs.push(piece));
            assert!(signs.is_signed(), "{length}");
        }
        let mut signs = Signs::default();
        signs.push(b"text with SignatureValue> in it");
        assert!(!signs.is_signed());
    }
}
