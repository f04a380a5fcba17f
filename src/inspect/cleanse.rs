//! Client-supplied strings made fit for a record, a log line or a reply: seen through as the short texts of a body are.

use std::ops::{ControlFlow, Range};

use crate::decode::{Coding, Decoder, Event, Layer, Packed, Wrapping, is_unarmoured, recognise};
use crate::detect::{Confidence, JOINTS, Matcher, first_run, spans};
use crate::inspect::SEARCHES;
use crate::limits::{ARMOUR_LEAST, LAYER_DEPTH, RECORD_TEXT};

impl Matcher {
    /// Masks every finding of any confidence, escapes control characters and cuts at `limits::RECORD_TEXT`.
    /// Of a name that holds a finding only below what it wears (escapes, base64, hexadecimal digits), nothing is left.
    #[must_use]
    pub fn cleanse(&self, text: &str) -> String {
        self.cleansed(text, Confidence::Low)
    }

    /// The same of an id that is drawn at random: among its digits some pass a weak check by chance, and an id with a mask in
    /// it can be joined to nothing.
    #[must_use]
    pub fn cleanse_id(&self, text: &str) -> String {
        self.cleansed(text, Confidence::Medium)
    }

    fn cleansed(&self, text: &str, floor: Confidence) -> String {
        let mut bytes = text.as_bytes().to_vec();
        self.veil_names(floor, &mut bytes);
        self.veil_worn(&mut bytes, |byte| byte != b'/');
        self.veil_worn(&mut bytes, |_| true);
        let mut out = String::with_capacity(bytes.len());
        for c in String::from_utf8_lossy(&bytes).chars() {
            if c.is_control() || is_direction_mark(c) {
                out.extend(c.escape_unicode());
            } else {
                out.push(c);
            }
            if out.len() > RECORD_TEXT {
                out.push('…');
                break;
            }
        }
        out
    }

    /// Hides, each in its place, what is found in a piece of a text, as it stands or below what a word of it wears.
    pub fn veil_piece(&self, bytes: &mut [u8]) {
        self.veil_names(Confidence::Low, bytes);
        self.veil_worn(bytes, |byte| !byte.is_ascii_whitespace());
    }

    /// From the narrowest: what is joined to a name may be what shields it.
    fn veil_names(&self, floor: Confidence, bytes: &mut [u8]) {
        self.veil_worn(bytes, |byte| byte.is_ascii_alphanumeric());
        self.veil_worn(bytes, |byte| !JOINTS.contains(&byte));
        self.veil_from(floor, bytes);
    }

    /// Hides whole those of the longest spans that `is_of` takes which wear something, and a finding below it.
    fn veil_worn(&self, bytes: &mut [u8], is_of: impl Fn(u8) -> bool) {
        let worn: Vec<Range<usize>> = spans(bytes, is_of)
            .filter(|span| bytes.get(span.clone()).is_some_and(|text| self.wears_one(text)))
            .collect();
        for span in worn {
            if let Some(name) = bytes.get_mut(span) {
                name.iter_mut().filter(|byte| **byte != b'/').for_each(|byte| *byte = b'*');
            }
        }
    }

    fn wears_one(&self, text: &[u8]) -> bool {
        let is_mark = |byte: &u8| matches!(byte, b'%' | b'\\' | b'&' | b'+' | b'=' | b'<' | 0x80..);
        let is_escaped = text.iter().any(is_mark);
        let is_armoured = || text.len() >= ARMOUR_LEAST && !is_unarmoured(text, first_run);
        (is_escaped || is_armoured()) && self.reveals(text, LAYER_DEPTH)
    }

    /// Whether something is found in what `text` stands for, of which up to `left` layers are undone.
    fn reveals(&self, text: &[u8], left: usize) -> bool {
        let utf16 = recognise(text, None).map(|utf16| Layer::new(utf16, 0));
        let whole = text.len();
        let escapes = Layer::new(Wrapping::Escapes, whole).searched(SEARCHES);
        let query =
            text.contains(&b'+').then(|| Layer::new(Wrapping::Form, whole).declared().searched(SEARCHES));
        let armour = Layer::new(Wrapping::Armour, whole).searched(SEARCHES);
        [escapes, armour].into_iter().chain(query).chain(utf16).any(|layer| {
            undone(layer, text).is_none_or(|views| {
                let finds = |view: &Vec<u8>| self.veil(&mut view.clone());
                views.iter().any(|view| finds(view) || left > 1 && self.reveals(view, left - 1))
            })
        })
    }
}

/// What stretches of a text stand for; nothing where one is a document, which tells a reader nothing as it is.
fn undone(mut layer: Layer, text: &[u8]) -> Option<Vec<Vec<u8>>> {
    let (mut views, mut packed) = (Vec::<Vec<u8>>::new(), Vec::<Vec<u8>>::new());
    if !layer.ends_plainly(text) {
        let mut take = |event: Event<'_>| match event {
            Event::Open(..) => views.push(Vec::new()),
            Event::Text(text, _) => {
                views.last_mut().into_iter().for_each(|view| view.extend_from_slice(text))
            }
            Event::Packed(Packed::Open(..)) => packed.push(Vec::new()),
            Event::Packed(Packed::Text(text, _)) => {
                packed.last_mut().into_iter().for_each(|packed| packed.extend_from_slice(text));
            }
            Event::Packed(Packed::Close) | Event::Close { .. } | Event::Sealed(..) => {}
        };
        layer.push(text, &mut take);
        layer.finish(&mut take);
    }
    let is_document = |packed: &Vec<u8>| packed.starts_with(b"PK") || packed.starts_with(b"%PDF");
    if packed.iter().any(is_document) {
        return None;
    }
    views.extend(packed.iter().flat_map(|packed| CODINGS.map(|coding| unpacked(packed, coding))));
    Some(views)
}

/// Those that runs of digits are told to hold, by signs that are not sure.
const CODINGS: [Coding; 3] = [Coding::Gzip, Coding::Deflate, Coding::Zstd];

/// What `packed` stands for, as far as it can be read.
fn unpacked(packed: &[u8], coding: Coding) -> Vec<u8> {
    let mut text = Vec::new();
    let mut keep = |piece: &[u8]| {
        text.extend_from_slice(piece);
        if text.len() > RECORD_TEXT { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let mut decoder = Decoder::new(&[coding]);
    // Where it breaks off, or is none of that coding, what came before is all there is.
    let _ = decoder.push(packed, &mut keep).and_then(|()| decoder.finish());
    text
}

/// Marks that turn the reading direction, with which a log line can be made to read as another.
fn is_direction_mark(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::Encoder;
    use crate::detect::Pack;

    #[test]
    fn nothing_sensitive_or_harmful_is_left() {
        let packs = ["payment", "contact", "national-id"].map(|n| Pack::built_in(n).unwrap());
        let matcher = Matcher::compile(packs.to_vec()).unwrap();
        let cases = [
            ("api.example.com", "api.example.com"),
            ("4539148803436467.example", "****************.example"),
            ("/pay/4539%201488%200343%206467", "/pay/*************************"),
            ("/a/me%40corp.com", "/a/**%******.***"),
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
            assert_eq!(matcher.cleanse(text), clean);
        }
        let long = matcher.cleanse(&"x".repeat(9000));
        assert!(long.len() <= RECORD_TEXT + 8 && long.ends_with('…'));
    }

    #[test]
    fn an_id_drawn_at_random_is_kept_and_one_with_a_card_in_it_is_not() {
        let packs = Pack::default_names().iter().map(|name| Pack::built_in(name).unwrap());
        let matcher = Matcher::compile(packs.collect()).unwrap();
        let drawn = |n: u64| {
            let hash = ring::digest::digest(&ring::digest::SHA256, &n.to_be_bytes());
            let hex: String = hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
            format!("00-{}-{}-01", &hex[..32], &hex[32..48])
        };
        let masked =
            |cleanse: &dyn Fn(&str) -> String| (0..2000).map(drawn).filter(|id| cleanse(id) != *id).count();
        let (faint, sure) = (masked(&|id| matcher.cleanse(id)), masked(&|id| matcher.cleanse_id(id)));
        assert!(faint > 30 && sure <= 4, "{faint} and {sure} of 2000");
        for (id, clean) in [
            (
                "00-aaaaaaaaaaaaaaaa4716253098472014-bbbbbbbbbbbbbbbb-01",
                "00-aaaaaaaaaaaaaaaa****************-bbbbbbbbbbbbbbbb-01",
            ),
            (
                "00-34353339313438383033343336343637-00f067aa0ba902b7-01",
                "00-********************************-00f067aa0ba902b7-01",
            ),
        ] {
            assert_eq!(matcher.cleanse_id(id), clean);
        }
    }

    #[test]
    fn what_a_name_wears_is_seen_through() {
        let packs = ["payment", "contact", "national-id"].map(|n| Pack::built_in(n).unwrap());
        let matcher = Matcher::compile(packs.to_vec()).unwrap();
        let stars = |count: usize| "*".repeat(count);
        let cases = [
            // Base64, padded or not, of a number alone and of JSON.
            ("/orders/NDUzOTE0ODgwMzQzNjQ2Nw==/items", format!("/orders/{}==/items", stars(22))),
            ("$.NDUzOTE0ODgwMzQzNjQ2Nw[3].b", format!("$.{}[3].b", stars(22))),
            ("$.eyJjYXJkIjoiNDUzOTE0ODgwMzQzNjQ2NyJ9.ssn", format!("$.{}.ssn", stars(36))),
            ("$.ref_NDUzOTE0ODgwMzQzNjQ2Nw", format!("$.ref_{}", stars(22))),
            // Hexadecimal digits.
            ("34353339313438383033343336343637.example", format!("{}.example", stars(32))),
            ("x-636172642034353339313438383033343336343637", format!("x-{}", stars(42))),
            // One in the other, and with escapes around and within.
            ("/a/TkRVek9URTBPRGd3TXpRek5qUTJOdw==/b", format!("/a/{}==/b", stars(30))),
            ("/a/NDUzOTE0%4fDgwMzQzNjQ2Nw/b", format!("/a/{}/b", stars(24))),
            ("/a/NDUzOSUyMDE0ODglMjAwMzQzJTIwNjQ2Nw", format!("/a/{}", stars(34))),
        ];
        for (text, clean) in cases {
            assert_eq!(matcher.cleanse(text), clean, "{text}");
        }
        let pack = |coding| {
            let mut encoder = Encoder::new(&[coding]).unwrap();
            encoder.push(b"card 4539148803436467, and once more 4539148803436467").unwrap();
            let packed = encoder.finish().unwrap();
            packed.iter().map(|byte| format!("{byte:02x}")).collect::<String>()
        };
        for packed in CODINGS.map(pack) {
            assert_eq!(matcher.cleanse(&format!("/a/{packed}/b")), format!("/a/{}/b", stars(packed.len())));
        }
        for plain in [
            "/blobs/e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "/v1/aGVsbG8gd29ybGQsIGhvdyBhcmUgeW91/x",
            "$.f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
            "/a%20b/c%2Fd?e",
            // It begins as something packed may.
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ] {
            assert_eq!(matcher.cleanse(plain), plain);
        }
    }
}
