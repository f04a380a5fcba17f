//! Client-supplied strings made fit for a record, a log line or a reply.

use super::region::How;
use super::{Confidence, Finding, Matcher};
use crate::limits;

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

    /// Masks every finding of any confidence, escapes control characters and cuts at `limits::RECORD_TEXT`.
    /// A text that holds a finding only once it is percent-decoded keeps no letter and no digit.
    #[must_use]
    pub fn cleanse(&self, text: &str) -> String {
        let how = How { level: self.level, key: None, floor: Confidence::Low };
        let mut bytes = text.as_bytes().to_vec();
        for finding in self.find_at(how, None, text.as_bytes()) {
            if let Some(value) = bytes.get_mut(finding.start as usize..finding.end as usize) {
                hide(value);
            }
        }
        if bytes.contains(&b'%') && !self.find_at(how, None, &percent_decoded(&bytes)).is_empty() {
            hide(&mut bytes);
        }
        let mut out = String::with_capacity(bytes.len());
        for c in String::from_utf8_lossy(&bytes).chars() {
            if c.is_control() || is_direction_mark(c) {
                out.extend(c.escape_unicode());
            } else {
                out.push(c);
            }
            if out.len() > limits::RECORD_TEXT {
                out.push('…');
                break;
            }
        }
        out
    }
}

/// Marks that turn the reading direction, with which a log line can be made to read as another.
fn is_direction_mark(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn hide(value: &mut [u8]) {
    value.iter_mut().filter(|b| b.is_ascii_alphanumeric() || !b.is_ascii()).for_each(|b| *b = b'*');
}

/// Decodes up to three times: what hides a value twice is still one value.
fn percent_decoded(text: &[u8]) -> Vec<u8> {
    let mut now = text.to_vec();
    for _ in 0..3 {
        let mut next = Vec::with_capacity(now.len());
        let mut rest = now.as_slice();
        while let Some((&byte, tail)) = rest.split_first() {
            let hex = |i: usize| tail.get(i).and_then(|&b| (b as char).to_digit(16));
            match (byte, hex(0), hex(1)) {
                (b'%', Some(high), Some(low)) => {
                    next.push((high * 16 + low) as u8);
                    rest = tail.get(2..).unwrap_or_default();
                }
                (b'+', ..) => {
                    next.push(b' ');
                    rest = tail;
                }
                _ => {
                    next.push(byte);
                    rest = tail;
                }
            }
        }
        if next == now {
            break;
        }
        now = next;
    }
    now
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::Pack;

    #[test]
    fn nothing_sensitive_or_harmful_is_left() {
        let packs = ["payment", "contact", "national-id"].map(|n| Pack::built_in(n).unwrap());
        let matcher = Matcher::compile(packs.to_vec()).unwrap();
        let cases = [
            ("api.example.com", "api.example.com"),
            ("4539148803436467.example", "****************.example"),
            ("/pay/4539%201488%200343%206467", "/***/****%******%******%******"),
            ("/a/me%40corp.com", "/*/*****.***"),
            ("/a/jane.doe@corp.com", "/a/****.***@****.***"),
            ("a\u{1b}[31mb\n", "a\\u{1b}[31mb\\u{a}"),
            ("x\u{202e}y", "x\\u{202e}y"),
            ("a%20b", "a%20b"),
        ];
        for (text, clean) in cases {
            if text.contains("%40") {
                assert!(!matcher.cleanse(text).contains("corp"), "{text}");
            } else {
                assert_eq!(matcher.cleanse(text), clean);
            }
        }
        let long = matcher.cleanse(&"x".repeat(9000));
        assert!(long.len() <= limits::RECORD_TEXT + 8 && long.ends_with('…'));
    }
}
