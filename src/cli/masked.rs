//! Text shown to people with its values hidden: what is left of a value is its shape.

use std::ops::Range;

use crate::detect::Matcher;
use crate::limits;

/// Letters and digits to `#`, ASCII punctuation and spaces as they are.
pub(super) fn shape(bytes: &[u8]) -> String {
    let hide = |c: char| match c {
        ' '..='~' if !c.is_ascii_alphanumeric() => c,
        '\t' | '\n' | '\r' => ' ',
        _ => '#',
    };
    String::from_utf8_lossy(bytes).chars().map(hide).collect()
}

/// Text beside a value: words that could be part of another value show their shape only.
fn neighbours(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let word = |word: &str| {
        let telling = word.bytes().any(|b| b.is_ascii_digit() || b == b'@');
        if telling { shape(word.as_bytes()) } else { word.to_owned() }
    };
    text.split_inclusive(char::is_whitespace).map(word).collect()
}

/// Hides what is found in a text, each value in its place.
pub(super) fn hide(text: &mut [u8], span: Range<usize>) {
    let value = text.get_mut(span).into_iter().flatten();
    value.filter(|byte| byte.is_ascii_alphanumeric() || !byte.is_ascii()).for_each(|byte| *byte = b'#');
}

/// How far around a value a text must reach for its excerpt to be drawn: of another value that the excerpt cuts through
/// nothing may be shown, and only the whole of it is known for one.
pub(super) const AROUND: usize = limits::SCAN_CONTEXT + limits::MATCH_LEN;

/// A value's shape among its neighbours on the line. `text` reaches `AROUND` to both sides, if there is so much; what
/// is known to be found in it may be hidden already.
pub(super) fn context(matcher: &Matcher, text: &[u8], value: Range<usize>) -> String {
    let mut shown = text.to_vec();
    matcher.veil_piece(&mut shown);
    for (shown, _) in shown.iter_mut().zip(text).filter(|(shown, plain)| shown != plain) {
        *shown = b'#';
    }
    let before = shown.get(value.start.saturating_sub(limits::SCAN_CONTEXT)..value.start).unwrap_or_default();
    let after = shown.get(value.end..).unwrap_or_default();
    let after = after.get(..limits::SCAN_CONTEXT).unwrap_or(after);
    let before = before.rsplit(|&b| b == b'\n').next().unwrap_or_default();
    let after = after.split(|&b| b == b'\n').next().unwrap_or_default();
    let value = shape(text.get(value).unwrap_or_default());
    let text = format!("{}{value}{}", neighbours(before), neighbours(after));
    matcher.cleanse(text.trim())
}
