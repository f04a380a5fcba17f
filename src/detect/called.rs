//! Whether a word that was found is what something is called: not a word of a sentence, nor the name of a quantity.

use super::reach::PAST_WORD;

/// What a number of that name counts or measures, whatever stands before it: `phone_count`, `ssnLength`.
const QUANTITIES: [&[u8]; 20] = [
    b"attempts",
    b"bytes",
    b"cnt",
    b"count",
    b"counts",
    b"idx",
    b"index",
    b"len",
    b"length",
    b"limit",
    b"pages",
    b"port",
    b"quota",
    b"rank",
    b"rate",
    b"ratio",
    b"retries",
    b"score",
    b"size",
    b"version",
];

/// Letters of the longest of them, and the bytes around it that are looked at.
const QUANTITY: usize = 8;
const _: () = assert!(QUANTITY + 2 <= PAST_WORD);

/// Blanks that may part a name from the sign behind it, and digits that it stands right before.
const BLANKS: usize = 2;
const DIGITS: usize = 2;
const _: () = assert!(1 + BLANKS < PAST_WORD && 1 + DIGITS < PAST_WORD);

/// Whether the name that the word ending at `end` stands in goes on with a quantity and no further.
#[inline(never)]
pub(super) fn is_quantity(text: &[u8], end: usize) -> bool {
    let behind = text.get(end..).unwrap_or_default();
    let part = match behind {
        [b'_' | b'-' | b'.', part @ ..] => part,
        [b'A'..=b'Z', ..] => behind,
        _ => return false,
    };
    let letters = part.iter().take(QUANTITY + 1).take_while(|byte| byte.is_ascii_alphabetic()).count();
    let ends = |next: &u8| !next.is_ascii_alphanumeric() && !matches!(next, b'_' | b'-');
    part.get(letters).is_none_or(ends)
        && QUANTITIES.iter().any(|quantity| quantity.eq_ignore_ascii_case(&part[..letters]))
}

/// Whether `text[start..end]`, which in small letters is a word of some language, is called so rather: it is in capitals, a
/// part of a name, alone between signs, or before a sign of naming or a number.
#[inline(never)]
pub(super) fn is_name(text: &[u8], start: usize, end: usize) -> bool {
    let in_capitals = text[start..end].iter().take(2).all(u8::is_ascii_uppercase);
    let before = start.checked_sub(1).and_then(|at| text.get(at)).copied();
    let in_list = || {
        text[..start].ends_with(b"| ")
            || matches!(text[..start], [.., b',' | b'(', b' '])
                && text.get(end).is_some_and(|byte| matches!(byte, b',' | b')'))
    };
    let Some((&after, behind)) = text.get(end..).and_then(<[u8]>::split_first) else { return true };
    in_capitals
        || is_part(before, after)
        || is_enclosed(before, after)
        || in_list()
        || leads_on(after, behind)
}

/// Whether what stands around a word makes it a part of a name.
fn is_part(before: Option<u8>, after: u8) -> bool {
    let joins = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    before.is_some_and(|byte| joins(byte) || byte == b'-') || joins(after)
}

/// Whether a word stands alone between signs, as a key or a column does, and not between the blanks of a text.
fn is_enclosed(before: Option<u8>, after: u8) -> bool {
    let opens = before.is_none_or(|byte| {
        matches!(
            byte,
            b'"' | b'\''
                | b'<'
                | b'&'
                | b','
                | b';'
                | b'('
                | b'['
                | b'{'
                | b'|'
                | b'?'
                | b'/'
                | b'.'
                | b'\t'
                | b'\n'
        )
    });
    // A namespace's prefix stands before it, or it is quoted in a string or a part of a path.
    let is_between = match before {
        Some(b':') => after == b'>',
        Some(b'"' | b'\'') => after == b'\\',
        Some(b'/') => after == b'/',
        _ => false,
    };
    is_between
        || opens
            && matches!(
                after,
                b'"' | b'\''
                    | b'>'
                    | b'='
                    | b','
                    | b';'
                    | b']'
                    | b')'
                    | b'}'
                    | b'|'
                    | b':'
                    | b'\t'
                    | b'\r'
                    | b'\n'
            )
}

/// Whether what follows a word names it the name of something, or is a number: `Ein: `, `ein |`, `</b>`, `ein 911`.
fn leads_on(after: u8, behind: &[u8]) -> bool {
    let names = |byte: u8| matches!(byte, b':' | b'=' | b'|' | b'#' | b'<' | b'"');
    if names(after) {
        return true;
    }
    let blanks = behind.iter().take(BLANKS - 1).take_while(|byte| **byte == b' ').count();
    let next = behind.get(blanks..).unwrap_or_default();
    let next = next.strip_prefix(b"'").unwrap_or(next);
    let is_number = |digits: &[u8]| digits.iter().all(u8::is_ascii_digit);
    after == b' '
        && (next.first().is_some_and(|byte| names(*byte)) || next.get(..DIGITS).is_some_and(is_number))
}

#[cfg(test)]
mod tests {
    #[test]
    fn quantities_end_a_name() {
        for (text, is_one) in [
            ("phone_count=", true),
            ("phoneCount\":", true),
            ("phone-pages ", true),
            ("PHONE_VERSION", true),
            ("phone.attempts=", true),
            ("phone", false),
            ("phone count", false),
            ("phone_counter=", false),
            ("phone_count_of=", false),
            ("phoneNumber", false),
            ("phone_number", false),
            ("phone_size2", false),
            ("phone_sizeofthings", false),
        ] {
            assert_eq!(super::is_quantity(text.as_bytes(), 5), is_one, "{text}");
        }
    }

    #[test]
    fn a_name_is_no_word_of_a_sentence() {
        for (text, is_one) in [
            ("EIN of", true),
            ("the EIN.", true),
            ("\"ein\":", true),
            ("id,ein,name", true),
            ("<Ein>", true),
            ("x&ein=7", true),
            ("employerEin is", true),
            ("employer_ein 7", true),
            ("einNumber", true),
            ("ein: 7", true),
            ("(ein) x", true),
            ("<urn1:ein>27", true),
            ("{\\\"ein\\\": ", true),
            ("/ein/27-", true),
            ("invalid ein '27-2404940'", true),
            ("so:ein Wort", false),
            ("(ein Wort)", false),
            ("| ein | x", true),
            ("| ein \n", true),
            ("my ein 91-1144442", true),
            ("<b>The ein</b>", true),
            ("ein", true),
            ("Sie ein Wort", false),
            ("Ein Wort", false),
            ("Datei ein. Sie", false),
            ("(id, ein, name)", true),
            ("(id,name, ein) VALUES", true),
            ("Datei ein, und", false),
            ("ein- und", false),
            ("„ein Wort", false),
            ("ein 9-stelliger", false),
        ] {
            let start = text.to_ascii_lowercase().find("ein").unwrap();
            assert_eq!(super::is_name(text.as_bytes(), start, start + 3), is_one, "{text}");
        }
    }
}
