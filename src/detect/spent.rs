//! Whether a word that speaks against a value has a value of its own: in `order_id=77 text=4539…` the word names 77.

use std::ops::Range;

use super::reach::PAST_WORD;
use crate::limits;

/// What may stand between a word and its value beside signs: `order no. 77`, `<order id="77"`.
const KINDS: [&str; 14] =
    ["id", "ids", "no", "nr", "num", "nro", "number", "nummer", "numero", "code", "ref", "is", "nº", "n°"];
/// How many of these.
const KINDS_MOST: usize = 2;

/// What goes on with a list of values.
const LINKS: [&str; 18] = [
    "and", "or", "of", "to", "und", "oder", "von", "bis", "et", "ou", "de", "en", "och", "og", "ja", "av",
    "af", "lub",
];

fn is_one_of(words: &[&str], word: &[u8]) -> bool {
    words.iter().any(|one| word.eq_ignore_ascii_case(one.as_bytes()))
}

/// Whether a word near `value` names another one; what lies at `to` and behind it is not looked at.
pub(super) fn is(text: &[u8], word: &Range<usize>, value: &Range<usize>, to: usize) -> bool {
    if word.start < value.start { before(text, word, value.start) } else { after(&text[word.end..to]) }
}

/// Whether none of the words before a value at `at` that speak for it names it, where that is so: each has another value,
/// which counts if the value has a name of its own, or is what tables call their cells. Whether any has another value.
pub(super) fn others(text: &[u8], words: impl Iterator<Item = Range<usize>>, at: usize) -> Option<bool> {
    let mut words = words.filter(|word| !is_cell(text, word)).peekable();
    let any = words.peek().is_some();
    words.all(|word| names_other_object(&text[word.end..at]) || before(text, &word, at)).then_some(any)
}

/// Whether an object ends between a word and a value that is what the next one is called by: `"name":"CI"}},{"id":`.
fn names_other_object(between: &[u8]) -> bool {
    let Some(start) = memchr::memrchr(b'{', between) else { return false };
    let parts = |byte: &&u8| byte.is_ascii_whitespace() || matches!(byte, b',' | b']' | b'}');
    between[..start].iter().rev().take_while(parts).any(|&byte| byte == b'}')
        && leads_to_id(&between[start..])
}

/// Whether a text ends with the name of a number that things are told apart by, and what stands between it and its value.
fn leads_to_id(text: &[u8]) -> bool {
    let undressed = |text: &[u8]| {
        let dress = |byte: &&u8| matches!(byte, b'"' | b'\'' | b'\\' | b' ');
        text.len() - text.iter().rev().take_while(dress).count()
    };
    let Some(named) = text[..undressed(text)].strip_suffix(b":") else { return false };
    let named = &named[..undressed(named)];
    matches!(
        named,
        [.., b'"' | b'\'' | b'_' | b'-' | b'{' | b',' | b' ', b'i' | b'I', b'd' | b'D']
            | [.., b'a'..=b'z', b'I', b'd' | b'D']
    )
}

/// Whether a word stands in the tag of a spreadsheet's cell: `<table:table-cell>`, `<Cell><Data>`, `</Data></Cell>`.
fn is_cell(text: &[u8], word: &Range<usize>) -> bool {
    const CELL: &[u8] = b"cell";
    if !text[word.clone()].eq_ignore_ascii_case(CELL) {
        return false;
    }
    let (before, behind) = (&text[..word.start], &text[word.end..]);
    let tag = memchr::memchr(b'>', &behind[..behind.len().min(limits::NAME_LEN)]);
    let holds_data = || tag.is_some_and(|end| behind[end + 1..].trim_ascii_start().starts_with(b"<Data"));
    before.ends_with(b"table-") || before.ends_with(b"</Data></") || before.ends_with(b"<") && holds_data()
}

/// Whether a word before a value at `at` names another one: its own stands right behind it, and a name or other text
/// parts that from the value.
fn before(text: &[u8], word: &Range<usize>, at: usize) -> bool {
    let between = &text[word.end..at];
    if ends_element(&text[..word.start]) {
        let end = memchr::memchr(b'>', between);
        return end.is_some_and(|end| tells(&between[end + 1..]));
    }
    let Some((value, behind)) = own(between) else { return false };
    tells(closed(behind)) && (value.iter().any(u8::is_ascii_digit) || is_field(behind))
}

/// The same of a word behind the value; `behind` is what follows the word.
fn after(behind: &[u8]) -> bool {
    own(behind).is_some_and(|(value, _)| value.iter().any(u8::is_ascii_digit))
}

/// Whether what follows a word begins with a masked value: `card **** 0160`, `card ending in 0160`.
pub(super) fn masks(behind: &[u8]) -> bool {
    const ENDING: &[u8] = b"ending";
    let is_sign = |byte: &u8| matches!(byte, b' ' | b':' | b'=' | b'"' | b'\'' | b'>' | b'|' | b'\t');
    let signs = behind.iter().take_while(|byte| is_sign(byte)).count();
    let value = &behind[signs..];
    let masked = value.iter().take_while(|byte| matches!(byte, b'*' | b'x' | b'X' | b' ' | b'-'));
    value.get(..ENDING.len()).is_some_and(|word| word.eq_ignore_ascii_case(ENDING))
        || masked.filter(|byte| !matches!(byte, b' ' | b'-')).count() >= MASKED
}

/// Digits right behind a word that make the two one number.
const GLUED: usize = 4;
const _: () = assert!(GLUED <= PAST_WORD);

/// Whether what follows a word are digits of the number that it begins, as in `EIN16686`.
pub(super) fn numbers(behind: &[u8]) -> bool {
    behind.get(..GLUED).is_some_and(|glued| glued.iter().all(u8::is_ascii_digit))
}

/// Signs that make a mask.
const MASKED: usize = 4;

/// Whether what goes on behind `text` is the name of an element that ends.
fn ends_element(text: &[u8]) -> bool {
    let name =
        text.iter().rev().take(limits::NAME_LEN).take_while(|byte| is_token(byte) || b"-.:".contains(byte));
    text[..text.len() - name.count()].ends_with(b"</")
}

/// Whether a byte can be a part of a word or a number.
fn is_token(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | 0x80..)
}

fn token(text: &[u8]) -> &[u8] {
    &text[..text.iter().take_while(|byte| is_token(byte)).count()]
}

/// The value that a word stands right before, and what lies behind it.
fn own(behind: &[u8]) -> Option<(&[u8], &[u8])> {
    let in_name = |byte: &&u8| is_token(byte) || matches!(byte, b'-' | b'.');
    // The rest of a name that the word is a part of.
    let (name, mut rest) = behind.split_at(behind.iter().take_while(in_name).count());
    let named =
        |rest: &[u8]| matches!(rest.trim_ascii_start().first(), Some(b':' | b'=' | b'>' | b'"' | b'\''));
    // Numbers stand behind a word without a sign, too: `order-77`.
    if name.last().is_some_and(u8::is_ascii_digit) && !rest.is_empty() && !named(rest) {
        return Some((name, rest));
    }
    let (mut signed, mut kinds, mut quote) = (false, 0, None);
    loop {
        let (&byte, others) = rest.split_first()?;
        match byte {
            b':' | b'=' | b'>' => (signed, quote) = (true, None),
            // What ends an element begins the next cell.
            b'<' if rest.starts_with(b"</") => {
                let end = memchr::memchr(b'>', rest)?;
                let cell = rest.get(end + 1..).filter(|next| next.starts_with(b"<"))?;
                rest = &cell[memchr::memchr(b'>', cell)?..];
                continue;
            }
            // A value that is empty.
            b'"' | b'\'' if signed && quote == Some(byte) => return Some((&others[..0], others)),
            b'"' | b'\'' => quote = Some(byte),
            b' ' | b'\t' | b'\\' | b'*' | b'#' | b'[' | b']' | b'(' | b')' | b'.' => {}
            _ if is_token(&byte) || byte == b'-' && signed => {
                let word = token(rest);
                if signed || word.iter().any(u8::is_ascii_digit) {
                    return Some(value(rest, quote.filter(|_| signed)));
                }
                if !is_one_of(&KINDS, word) || kinds == KINDS_MOST {
                    return None;
                }
                kinds += 1;
                rest = &rest[word.len()..];
                continue;
            }
            _ => return None,
        }
        rest = others;
    }
}

/// The value that a text begins with, and what lies behind it.
fn value(text: &[u8], quote: Option<u8>) -> (&[u8], &[u8]) {
    let ends = |&byte: &u8| match quote {
        Some(quote) => byte == quote || byte == b'\\',
        None => byte.is_ascii_whitespace() || b",;&}])<|\"'\\:".contains(&byte),
    };
    text.split_at(text.iter().position(ends).unwrap_or(text.len()))
}

/// What lies behind the end of an element that a text begins with.
fn closed(text: &[u8]) -> &[u8] {
    let end = text.strip_prefix(b"</").and_then(|tag| memchr::memchr(b'>', tag).map(|end| &tag[end + 1..]));
    end.unwrap_or(text)
}

/// Whether a field ends where a text begins and another follows: `=pending note=`, `: pending, note:`.
fn is_field(text: &[u8]) -> bool {
    memchr::memchr3(b':', b'=', b'>', closed(text)).is_some()
}

/// Whether a text has a word of its own, or a name: something else than what parts the values of a list.
fn tells(text: &[u8]) -> bool {
    let mut rest = text;
    while let Some(start) = rest.iter().position(is_token) {
        let word = token(&rest[start..]);
        rest = &rest[start + word.len()..];
        let behind = rest.iter().find(|byte| !matches!(byte, b'"' | b'\'' | b'\\' | b'*' | b']'));
        let named = matches!(behind, Some(b':' | b'=' | b'>'));
        let is_word = word.len() > 1 && !word.iter().any(u8::is_ascii_digit);
        let is_name = named && !word[0].is_ascii_digit();
        if is_name || is_word && !is_one_of(&LINKS, word) {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    /// Texts around a value at `@`, and whether the word `order` in front names another value.
    const BEFORE: &[(&str, bool)] = &[
        ("order_id=77 text=@", true),
        ("order_id=77 who=bob msg=\"@", true),
        ("[order id 77] user: @", true),
        ("order: 99, note: @", true),
        ("order #77, paid by @", true),
        ("order no. 77 of bob, @", true),
        ("order nº 77; texto: @", true),
        ("order-77 note @", true),
        ("order77 note @", true),
        ("**Order ID**: 77 / note @", true),
        ("\"orderId\": \"A 77\", \"text\": \"@", true),
        ("'order': 77, 'text': '@", true),
        ("{\\\"order\\\":\\\"77\\\",\\\"m\\\":\\\"@", true),
        ("order=pending note=@", true),
        ("order[id]=77&note=@", true),
        ("<order id=\"77\" note=\"@", true),
        ("<order>77</order><note>@", true),
        ("<td>order</td><td>77</td><td>note</td><td>@", true),
        ("</a:order></row><row><note>@", true),
        ("order_date: 2026-11-27 10:00:00, id: @", true),
        // Its value is this one.
        ("order @", false),
        ("order_id=@", false),
        ("\"orderId\": \"@", false),
        ("order no. @", false),
        ("order number is: @", false),
        ("order2: @", false),
        ("order=77-@", false),
        ("order: \"see @", false),
        ("order status text=@", false),
        ("<order><id>@", false),
        ("</order> @", false),
        // One of several, or right behind its number.
        ("order #77: @", false),
        ("orders 77, 78, @", false),
        ("orders 77 and @", false),
        ("order 77, 10:00 @", false),
        ("\"order\": [77, \"@", false),
        ("order A1B2 C3D4 @", false),
        // No value stands behind it.
        ("order of three boxes, @", false),
        ("order: new @", false),
        ("order: {\"id\": 77, \"note\": \"@", false),
        ("order", false),
    ];

    #[test]
    fn a_cell_of_a_table_is_no_telephone() {
        for (text, is_one) in [
            ("<table:table-cell office:value-type=\"string\"><text:p>", true),
            ("<Cell ss:StyleID=\"s1\"><Data ss:Type=\"String\">", true),
            ("</Data></Cell><Row>", true),
            ("<Cell>", false),
            ("cell: ", false),
        ] {
            let start = text.to_ascii_lowercase().find("cell").unwrap();
            assert_eq!(super::is_cell(text.as_bytes(), &(start..start + 4)), is_one, "{text}");
        }
    }

    #[test]
    fn words_with_other_values_do_not_speak_where_the_value_has_a_name() {
        let words =
            |text: &'static str| text.match_indices("phone").map(|(start, word)| start..start + word.len());
        for (text, others) in [
            ("\"phone\":null,\"id\":", Some(true)),
            ("\"phone_verified\": true, \"id\": \"", Some(true)),
            ("phone_verified=true&id=", Some(true)),
            ("\"phone\":\"\",\"id\":\"", Some(true)),
            ("\"\"phone\"\":\"\"", None),
            ("<phone>no</phone><id>", Some(true)),
            ("", Some(false)),
            ("\"phone\":\"", None),
            ("\"kind\":\"phone\",\"to\":\"", None),
            ("\"phone\":null,\"my_phone_id\":", None),
            ("{\"name\":\"my phone\"}},\n{\"id\":", Some(true)),
            ("{\\\"name\\\":\\\"a phone of his\\\"}]},{\\\"n\\\":5,\\\"jobId\\\":\\\"", Some(true)),
            ("{\"name\":\"my phone\"},{\"text\":\"", None),
            ("{\"name\":\"my phone\",{\"id\":", None),
            ("{\"name\":\"my phone\"},{\"paid\":", None),
            ("{\"name\":\"my phone\"},{\"x\":{\"id\":", None),
        ] {
            assert_eq!(super::others(text.as_bytes(), words(text), text.len()), others, "{text}");
        }
    }

    #[test]
    fn a_word_with_a_value_of_its_own_names_no_other() {
        for (around, spent) in BEFORE {
            let at = around.find('@').unwrap_or(around.len());
            let start = around.to_ascii_lowercase().find("order").unwrap();
            let word = start..start + 5;
            assert_eq!(super::before(around.as_bytes(), &word, at), *spent, "{around}");
        }
        for (behind, spent) in [
            (" 77", true),
            (" id 77)", true),
            ("_id", false),
            (" shipped", false),
            ("", false),
            (" no. ", false),
        ] {
            assert_eq!(super::after(behind.as_bytes()), spent, "{behind}");
        }
        for (behind, masked) in [
            (" **** **** **** 0160", true),
            ("\": \"xxxx-xxxx-", true),
            ("=**", false),
            (" ending in 0160", true),
            (" exp **** 0160", false),
            ("", false),
        ] {
            assert_eq!(super::masks(behind.as_bytes()), masked, "{behind}");
        }
    }
}
