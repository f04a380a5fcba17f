//! Tags and comments in the midst of a number: those that part nothing for whoever reads the page.

use crate::limits::TAGS_LEN;

/// Elements that stand within a line and part nothing. Links, labels, cells, items and breaks do.
const INLINE: [&[u8]; 32] = [
    b"abbr", b"b", b"bdi", b"bdo", b"big", b"cite", b"code", b"data", b"del", b"dfn", b"em", b"font", b"i",
    b"ins", b"kbd", b"mark", b"nobr", b"q", b"s", b"samp", b"small", b"span", b"strike", b"strong", b"sub",
    b"sup", b"time", b"tspan", b"tt", b"u", b"var", b"wbr",
];

/// Those among them that are fields in XML: where one ends and another begins, two values are parted.
const FIELDS: [&[u8]; 4] = [b"data", b"code", b"time", b"var"];

/// What stands at one place of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Between {
    /// So many bytes that part nothing.
    Tags(usize),
    /// Something else.
    No,
    /// What follows tells.
    More,
}

/// Whether a number may go on behind tags that follow this byte.
pub(super) fn may_precede(byte: u8) -> bool {
    byte.is_ascii_digit() || parts_groups(byte) || byte == b';'
}

fn parts_groups(byte: u8) -> bool {
    matches!(byte, b' ' | b'-' | b'.')
}

/// The tags at the beginning of `text`, in the midst of a number. `before`: what stands before them.
pub(super) fn between(text: &[u8], before: Option<u8>, last: bool) -> Between {
    let Some(before) = before.filter(|byte| may_precede(*byte)) else { return Between::No };
    let (mut at, mut ended) = (0, false);
    while at <= TAGS_LEN {
        match text.get(at) {
            Some(b'<') if ended && text.get(at + 1).is_some_and(|&byte| byte != b'/') => return Between::No,
            Some(b'<') => match tag(text.get(at..).unwrap_or_default()) {
                Between::Tags(length) => {
                    ended |= ends_field(text.get(at..at + length).unwrap_or_default());
                    at += length;
                }
                Between::No => return Between::No,
                Between::More => break,
            },
            Some(&next) => {
                let goes_on =
                    next.is_ascii_digit() || next == b'&' || before.is_ascii_digit() && parts_groups(next);
                return if goes_on { Between::Tags(at) } else { Between::No };
            }
            None => break,
        }
    }
    if last || text.len() > TAGS_LEN { Between::No } else { Between::More }
}

/// Whether a tag is the end of a field.
fn ends_field(tag: &[u8]) -> bool {
    let name = tag.strip_prefix(b"</").and_then(|tag| tag.strip_suffix(b">")).unwrap_or_default();
    FIELDS.iter().any(|field| field.eq_ignore_ascii_case(name))
}

/// The one tag or comment at the beginning of `text`.
fn tag(text: &[u8]) -> Between {
    const COMMENT: &[u8] = b"<!--";
    let common = text.len().min(COMMENT.len());
    if text.get(..common) == COMMENT.get(..common) {
        let end = memchr::memmem::find(text.get(COMMENT.len()..).unwrap_or_default(), b"-->");
        return end.map_or(Between::More, |end| Between::Tags(COMMENT.len() + end + 3));
    }
    let name = 1 + usize::from(text.get(1) == Some(&b'/'));
    let rest = text.get(name..).unwrap_or_default();
    let length = rest.iter().take(16).take_while(|byte| byte.is_ascii_alphanumeric()).count();
    let (name, attributes) = rest.split_at_checked(length).unwrap_or((rest, &[]));
    let is_inline = |known: &&[u8]| known.eq_ignore_ascii_case(name);
    match attributes.first() {
        None => {
            let begins =
                |known: &&[u8]| known.get(..length).is_some_and(|known| known.eq_ignore_ascii_case(name));
            return if INLINE.iter().any(begins) { Between::More } else { Between::No };
        }
        Some(b'>' | b'/' | b' ' | b'\t' | b'\r' | b'\n') if INLINE.iter().any(is_inline) => {}
        Some(_) => return Between::No,
    }
    let mut quote = None;
    for (at, &byte) in attributes.iter().enumerate() {
        quote = match (quote, byte) {
            (None, b'>') => return Between::Tags(text.len() - attributes.len() + at + 1),
            (None, b'"' | b'\'') => Some(byte),
            (Some(open), _) if open == byte => None,
            (quote, _) => quote,
        };
    }
    Between::More
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_that_part_nothing_are_told_from_those_that_do() {
        let rows: [(&str, Option<u8>, Between); 27] = [
            ("<b></b>1", Some(b'4'), Between::Tags(7)),
            ("<B Class=\"a>b\">-1", Some(b'4'), Between::Tags(15)),
            ("</span><span style='x'>1", Some(b'4'), Between::Tags(23)),
            ("<!-- 1 > 2 -->1", Some(b'4'), Between::Tags(14)),
            ("<wbr/>&#52;", Some(b';'), Between::Tags(6)),
            ("<b>1", Some(b' '), Between::Tags(3)),
            ("<b> x", Some(b' '), Between::No),
            ("<b>x", Some(b'4'), Between::No),
            ("<b>1", Some(b'x'), Between::No),
            ("<b>1", None, Between::No),
            ("</td><td>1", Some(b'4'), Between::No),
            ("</Data><Data Name='x'>1", Some(b'4'), Between::No),
            ("</code><code>1", Some(b'4'), Between::No),
            ("</data></b>1", Some(b'4'), Between::Tags(11)),
            ("<data value='4'>1", Some(b'4'), Between::Tags(16)),
            ("</data><", Some(b'4'), Between::More),
            ("<br>1", Some(b'4'), Between::No),
            ("<a href=x>1", Some(b'4'), Between::No),
            ("<p>1", Some(b'4'), Between::No),
            ("<card>1", Some(b'4'), Between::No),
            ("< 5", Some(b'4'), Between::No),
            ("<!-- ", Some(b'4'), Between::More),
            ("<!", Some(b'4'), Between::More),
            ("<sp", Some(b'4'), Between::More),
            ("<b", Some(b'4'), Between::More),
            ("</b>", Some(b'4'), Between::More),
            ("<b><", Some(b'4'), Between::More),
        ];
        for (text, before, expected) in rows {
            assert_eq!(between(text.as_bytes(), before, false), expected, "{text}");
            let last = if expected == Between::More { Between::No } else { expected };
            assert_eq!(between(text.as_bytes(), before, true), last, "{text} at the end");
        }
        let long = format!("<b class=\"{}\">1", "x".repeat(TAGS_LEN));
        assert_eq!(between(long.as_bytes(), Some(b'4'), false), Between::No);
    }
}
