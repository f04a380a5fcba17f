//! Hides a value in its place: same length, separators and type kept, and never a value that is found again.

use crate::detect::Mask;
use crate::detect::validate::Check;
use crate::limits::MASK_KEEP;

/// Stands for a hidden letter or digit. No detector takes it for either, and JSON strings, XML text, CSV fields,
/// form values, cookies and URL queries may all hold it unescaped.
const STAR: u8 = b'*';

/// The same where a text must not begin with a star.
const DASH: u8 = b'_';

/// Digits from which a next gate could suspect a card number; the shortest have twelve.
const CARD_DIGITS: usize = 12;

/// A piece of a value that stands for one character.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unit<'a> {
    pub(super) text: &'a [u8],
    /// What takes its place when it is hidden; `None`: a separator, which stays.
    hidden: Option<&'static [u8]>,
}

/// Masks `value`. `before` is what stands right before it, as far as it is known: it tells a bare number, which
/// must stay one, from text. `is_clean` says that nothing is found in a masked value.
#[must_use]
pub fn mask(how: Mask, before: &[u8], value: &[u8], is_clean: &mut dyn FnMut(&[u8]) -> bool) -> Vec<u8> {
    let units = units(value);
    let maskable = units.iter().filter(|unit| unit.hidden.is_some()).count();
    // However it is configured, most of a value goes.
    let keep = usize::from(how.keep_last).min(MASK_KEEP).min(maskable / 3);
    let hidden = maskable - keep;
    if value.iter().all(u8::is_ascii_digit) && may_be_number(before) {
        return mask_number(value, hidden, is_clean);
    }
    let (mut out, mut done) = (Vec::with_capacity(value.len()), 0);
    for unit in units {
        match unit.hidden {
            Some(replacement) if done < hidden => {
                out.extend_from_slice(replacement);
                done += 1;
            }
            Some(_) | None => out.extend_from_slice(unit.text),
        }
    }
    out
}

/// A mask that may stand in YAML without quotes behind `before`, where a star at the beginning would refer to something.
#[must_use]
pub fn as_scalar(before: &[u8], mut masked: Vec<u8>) -> Vec<u8> {
    let begins = before.last().is_none_or(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'[' | b'{' | b','));
    if let Some(first) = masked.first_mut().filter(|first| begins && **first == STAR) {
        *first = DASH;
    }
    masked
}

/// Whether a run of digits behind `before` may be a number of its own, as in `{"pan":4539...}`. Only a quote right
/// before it, a word, or a string that has begun proves that it stands in a text.
pub(super) fn may_be_number(before: &[u8]) -> bool {
    if before.last().is_some_and(|b| matches!(b, b'"' | b'\'' | b'`')) {
        return false;
    }
    let line = before.rsplit(|b| matches!(b, b'\n' | b'\r')).next().unwrap_or_default();
    // Behind a string that has ended no word follows at once.
    let mut quoted = line.rsplit(|b| *b == b'"');
    let behind = quoted.next().filter(|_| quoted.next().is_some());
    if behind.and_then(<[u8]>::first).is_some_and(u8::is_ascii_alphanumeric) {
        return false;
    }
    !line.trim_ascii_end().last().is_some_and(|b| b.is_ascii_alphanumeric() || !b.is_ascii())
}

/// Digits for digits: the first way to hide that nothing takes for a value. Where each that leaves the last digits
/// readable is one, none is left.
fn mask_number(value: &[u8], hidden: usize, is_clean: &mut dyn FnMut(&[u8]) -> bool) -> Vec<u8> {
    let mut out = value.to_vec();
    for hidden in [hidden, value.len()] {
        for (fill, last) in fills() {
            let Some(masked) = out.get_mut(..hidden) else { continue };
            masked.fill(fill);
            if let Some(digit) = masked.last_mut() {
                *digit = last;
            }
            if !looks_like_card(&out) && is_clean(&out) {
                return out;
            }
        }
    }
    vec![b'1'; value.len()]
}

/// Digits to hide digits with, and another for the last of them: at first the same, which no check of an identifier
/// should let pass. Zeros could not lead a number, and nines could lead it past the range of its type.
fn fills() -> impl Iterator<Item = (u8, u8)> {
    (0..9).flat_map(|step| (0..8).map(move |fill| (b'1' + fill, b'1' + (fill + step) % 9)))
}

pub(super) fn looks_like_card(digits: &[u8]) -> bool {
    digits.len() >= CARD_DIGITS
        && digits.iter().all(u8::is_ascii_digit)
        && Check::named("luhn").is_some_and(|luhn| (luhn.passes)(digits))
}

/// Takes a value apart. An escape stands for one character and is replaced by an escape of the same length.
pub(super) fn units(value: &[u8]) -> Vec<Unit<'_>> {
    let mut units = Vec::with_capacity(value.len());
    let mut rest = value;
    while let Some(&first) = rest.first() {
        let (length, hidden) = match first {
            b'%' => percent(rest),
            b'\\' => backslash(rest),
            _ => (1, is_maskable(first).then_some(&[STAR][..])),
        };
        let (text, after) = rest.split_at_checked(length).unwrap_or((rest, &[]));
        units.push(Unit { text, hidden });
        rest = after;
    }
    units
}

fn is_maskable(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || !byte.is_ascii()
}

/// `%34`, or `%2534` where an escape was escaped again, or `%252534` where that was, too.
fn percent(rest: &[u8]) -> (usize, Option<&'static [u8]>) {
    if let Some(byte) = rest.strip_prefix(b"%2525").and_then(hex_pair) {
        return (7, is_maskable(byte).then_some(b"%25252A"));
    }
    if let Some(byte) = rest.strip_prefix(b"%25").and_then(hex_pair) {
        return (5, is_maskable(byte).then_some(b"%252A"));
    }
    match rest.get(1..).and_then(hex_pair) {
        Some(byte) => (3, is_maskable(byte).then_some(b"%2A")),
        None => (1, None),
    }
}

/// `\u0034` of a JSON string, or another of its escapes, which stand for separators.
fn backslash(rest: &[u8]) -> (usize, Option<&'static [u8]>) {
    let code = rest.strip_prefix(b"\\u").and_then(|hex| Some((hex_pair(hex)?, hex_pair(hex.get(2..)?)?)));
    match code {
        Some((high, low)) => (6, (high != 0 || is_maskable(low)).then_some(b"\\u002a")),
        None => (rest.len().min(2), None),
    }
}

fn hex_pair(text: &[u8]) -> Option<u8> {
    let [high, low] = *text.first_chunk::<2>()?;
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(high)? * 16 + digit(low)?).ok()
}

#[cfg(test)]
mod tests {
    use std::sync::OnceLock;

    use super::*;
    use crate::detect::{Matcher, Pack};
    use proptest::prelude::*;

    const PAN: Mask = Mask { keep_last: 4 };
    const NOTHING: Mask = Mask { keep_last: 0 };

    fn masked(how: Mask, before: &str, value: &str) -> String {
        String::from_utf8(mask(how, before.as_bytes(), value.as_bytes(), &mut |_| true)).unwrap()
    }

    #[test]
    fn values_are_hidden_in_their_shape() {
        let cases = [
            (PAN, "\"", "4539 1488 0343 6467", "**** **** **** 6467"),
            (PAN, "card ", "4539148803436467", "************6467"),
            (PAN, "\"card\":\"", "4539-1488-0343-6467", "****-****-****-6467"),
            (NOTHING, "", "536-90-4399", "***-**-****"),
            (NOTHING, "<", "jane.doe+x@sub.example.com", "****.***+*@***.*******.***"),
            (NOTHING, "", "jane%40example.com", "****%40*******.***"),
            (NOTHING, "", "%6aane%2540example.com", "%2A***%2540*******.***"),
            (NOTHING, "", "%256aane@x.io", "%252A***@*.**"),
            (NOTHING, "", "%25256aane%252540x.io", "%25252A***%252540*.**"),
            (NOTHING, "\"", "\\u006aane\\/x@x.io", "\\u002a***\\/*@*.**"),
            (NOTHING, "", "RSSMRA85T10A562S", "****************"),
            // Configured to keep more than may stay readable.
            (Mask { keep_last: 40 }, "\"", "4539148803436467", "************6467"),
            (Mask { keep_last: 4 }, "\"", "123456", "****56"),
            (NOTHING, "", "j\u{e4}ne@x.io", "*****@*.**"),
            (NOTHING, "", "ab%zz%4", "**%**%*"),
        ];
        for (how, before, value, expected) in cases {
            assert_eq!(masked(how, before, value), expected, "{before}{value}");
        }
    }

    #[test]
    fn a_bare_number_stays_one() {
        let number = [
            "",
            "{\"pan\":",
            "{\"pan\" :  ",
            "[",
            "[1, ",
            "a,",
            "x=",
            "<pan>",
            "7\n",
            "\"a\": -",
            "\"a\",true,",
            "n: ",
        ];
        let text = ["\"", "\"card ", "'", "Karte n\u{b0} ", "pan is  ", "`", "{\"a\":\"the pan: ", "\"no#"];
        for before in number {
            let value = masked(PAN, before, "4539148803436467");
            assert!(value.parse::<u64>().is_ok_and(|n| n >= 1_000_000_000_000_000), "{before}{value}");
            assert!(value.ends_with("6467") && !looks_like_card(value.as_bytes()), "{value}");
        }
        for before in text {
            assert_eq!(masked(PAN, before, "4539148803436467"), "************6467", "{before}");
        }
    }

    #[test]
    fn digits_vary_until_the_value_is_clean() {
        let mut tried = 0;
        let value = mask(NOTHING, b":", b"123456789", &mut |_| {
            tried += 1;
            tried == 12
        });
        assert_eq!((value.as_slice(), tried), (&b"444444445"[..], 12));
    }

    /// What tells that a value is a number or a text, and what words there speak for.
    const BEFORE: &[&str] = &[":", "{\"nik\": ", "cnic=", "\"ssn\":[", "\"", "card "];

    /// All there is, compiled once.
    fn matcher() -> &'static Matcher {
        static MATCHER: OnceLock<Matcher> = OnceLock::new();
        MATCHER.get_or_init(|| {
            let packs = Pack::built_in_names().iter().map(|name| Pack::built_in(name).unwrap()).collect();
            Matcher::compile(packs).unwrap()
        })
    }

    proptest! {
        #[test]
        fn what_is_masked_is_never_found_again(body in "[1-9][0-9]{3,18}", before in prop::sample::select(BEFORE)) {
            let mut is_clean = |text: &[u8]| matcher().is_clean(before.as_bytes(), text);
            for how in [PAN, NOTHING] {
                let out = mask(how, before.as_bytes(), body.as_bytes(), &mut is_clean);
                prop_assert_eq!(out.len(), body.len());
                prop_assert!(is_clean(&out), "{:?}", String::from_utf8_lossy(&out));
                prop_assert!(!looks_like_card(&out));
            }
        }

        #[test]
        fn any_bytes_keep_their_length(value in prop::collection::vec(any::<u8>(), 0..60), before in prop::collection::vec(any::<u8>(), 0..16)) {
            let out = mask(PAN, &before, &value, &mut |_| true);
            prop_assert_eq!(out.len(), value.len());
        }
    }
}
