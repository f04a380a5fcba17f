//! Text shown to people with its values hidden: what is left of a value is its shape.

use crate::detect::Matcher;

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

/// A value's shape among its neighbours on the line.
pub(super) fn context(matcher: &Matcher, before: &[u8], value: &[u8], after: &[u8]) -> String {
    let before = before.rsplit(|&b| b == b'\n').next().unwrap_or_default();
    let after = after.split(|&b| b == b'\n').next().unwrap_or_default();
    let text = format!("{}{}{}", neighbours(before), shape(value), neighbours(after));
    matcher.cleanse(text.trim())
}
