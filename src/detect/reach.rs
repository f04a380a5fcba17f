//! How far words reach: which of those around a value speak of it and of no other, and what is a word at all.

use std::ops::Range;

use super::anchor::is_separator;
use super::context::{Evidence, is_letter};

/// Digits that make a number which words before it speak of.
const NUMBER_DIGITS: usize = 6;

/// How far beyond the reach of words it is looked for.
const NUMBER_REACH: usize = 48;

/// Whether a byte stands between a name and its value.
fn names(byte: u8) -> bool {
    matches!(byte, b':' | b'=' | b'>')
}

/// Whether a name can hold a byte.
fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

/// From where on words before `at` speak of a value there that is weak by itself. Behind `ssn` in
/// `"ssn":"536-90-4399","order_id":"123456782"` stands its number, and the one behind has a name of its own: where a
/// sign of naming parts a number from the value, the words before it are that number's. So is the end of an element
/// right behind it, and what stands before the `&` of a form's field.
fn reach_before(text: &[u8], from: usize, at: usize) -> usize {
    let (mut digits, mut end, mut named) = (0, at, false);
    // The number may lie further off than its element's end.
    let first = from.saturating_sub(NUMBER_REACH);
    // Without a sign of naming no number has a name, and no form a field.
    if memchr::memchr3(b':', b'=', b'>', &text[first..at]).is_none() {
        return from;
    }
    // Whether all behind this place is the key of a form and its value.
    let mut in_field = false;
    // Of a masked number its first digits are not seen.
    let is_digit = |byte: u8| byte.is_ascii_digit() || byte == b'*';
    for i in (first..at).rev() {
        let byte = text[i];
        if is_digit(byte) {
            end = if digits == 0 { i + 1 } else { end };
            digits += 1;
        } else if !is_separator(byte) || digits == 0 || i == first || !is_digit(text[i - 1]) {
            digits = 0;
            in_field = if named { in_field } else { byte == b'=' };
            named |= names(byte);
        }
        if named && digits >= NUMBER_DIGITS {
            return from.max(end + closing(&text[end..at]));
        }
        match byte {
            b'&' if in_field => return from.max(i + 1),
            b'=' => {}
            _ => in_field &= is_name(byte) || matches!(byte, b'.' | b'%' | b'[' | b']'),
        }
    }
    from
}

/// The part of `from..to` whose words speak of `value` and of no other.
pub(super) fn own(text: &[u8], (from, to): (usize, usize), value: &Range<usize>) -> (usize, usize) {
    (reach_before(text, from, value.start), reach_after(text, value.end, to))
}

/// Signs of a masked value, and of these so many at least.
const MASKING: &[u8] = b"*xX#";
const MASKED: usize = 4;
/// Digits that a mask leaves at the end.
const LEFT: std::ops::RangeInclusive<usize> = 2..=4;

/// From where on words before `at` speak of the value there, `says` being what those of a part say. In `card **** 0160,
/// order 5372…` the first word names the masked number: behind one, a word against the value is not made up for by those
/// before it.
pub(super) fn behind_masked(
    text: &[u8],
    (from, at): (usize, usize),
    says: impl Fn(usize, usize) -> Evidence,
) -> usize {
    let mut to = at;
    while let Some(last) = text[from..to].iter().rposition(|byte| MASKING.contains(byte)) {
        let last = from + last;
        let sign = text[last];
        let masks = text[from..=last].iter().rev();
        let masks =
            masks.take_while(|&&byte| byte == sign || is_separator(byte)).filter(|&&byte| byte == sign);
        let joint = usize::from(is_separator(text[last + 1]));
        let left = text[last + 1 + joint..at].iter().take_while(|byte| byte.is_ascii_digit()).count();
        if LEFT.contains(&left) && masks.count() >= MASKED {
            let says = says(last + 1, at);
            return if says.negative && !says.positive { last + 1 } else { from };
        }
        to = last;
    }
    from
}

/// Length of the end of an element that a text begins with.
fn closing(text: &[u8]) -> usize {
    let tag = text.trim_ascii_start().strip_prefix(b"</");
    let behind = tag.and_then(|tag| tag.iter().position(|&byte| byte == b'>').map(|end| tag.len() - end - 1));
    behind.map_or(0, |behind| text.len() - behind)
}

/// Up to where words behind `end` speak of such a value: not those that name the next one.
fn reach_after(text: &[u8], end: usize, to: usize) -> usize {
    let behind = &text[end..to];
    let named = behind.iter().position(|&b| names(b)).or_else(|| {
        // A name may have begun whose end lies further on.
        let name = behind.iter().rev().take_while(|&&b| is_name(b)).count();
        let follows = |&b: &u8| is_name(b) || names(b) || matches!(b, b'"' | b'\'' | b'\\');
        let goes_on = name > 0 && text.get(to).is_some_and(follows);
        let whole = &behind[..behind.len() - name];
        let before = whole.trim_ascii_end();
        let first_of_line = whole[before.len()..].contains(&b'\n');
        let quoted = before.iter().rev().take_while(|&&b| matches!(b, b'"' | b'\'' | b'\\')).count();
        let before = before[..before.len() - quoted].trim_ascii_end();
        let parted = before.last().is_some_and(|b| matches!(b, b',' | b';' | b'&' | b'{' | b'<' | b'|'));
        (goes_on && (parted || first_of_line)).then_some(behind.len())
    });
    let Some(named) = named else { return to };
    let last = |of: &dyn Fn(&u8) -> bool| behind[..named].iter().rposition(of);
    let field = last(&|b| matches!(b, b',' | b';' | b'&' | b'{' | b'[' | b'(' | b'<' | b'\n' | b'|'));
    end + field.or_else(|| last(&u8::is_ascii_whitespace)).unwrap_or(0)
}

/// Whether `text[start..end]` is a word and not a part of one: `pan` in `company` is none, in `pan_hash` and
/// `userPan` it is. Looks one byte past the word, which is why windows never touch the edge of a region.
pub(super) fn stands_alone(text: &[u8], start: usize, end: usize) -> bool {
    let letter = |b: Option<&u8>| b.filter(|b| is_letter(**b)).copied();
    let before = start.checked_sub(1).and_then(|i| letter(text.get(i)));
    let (first, last) = (text.get(start), text.get(end - 1));
    let left = match (before, first) {
        (Some(before), Some(first)) if first.is_ascii_alphabetic() => {
            before.is_ascii_lowercase() && first.is_ascii_uppercase()
        }
        (Some(_), Some(first)) if is_two_byte_letter(*first) => {
            !start.checked_sub(2).and_then(|i| text.get(i)).is_some_and(|b| is_two_byte_letter(*b))
        }
        _ => true,
    };
    // Between the digits of a code stands no word of two or three letters, as in `ORHW9CC5`.
    let coded = || start.checked_sub(1).and_then(|i| text.get(i)).is_some_and(u8::is_ascii_digit);
    let left = left && !(end - start <= 3 && coded());
    // The ending of a file's name is no word of two letters, as in `subset.cc`.
    let ending = || {
        let before = |n: usize| start.checked_sub(n).and_then(|i| text.get(i));
        before(1) == Some(&b'.')
            && before(2).is_some_and(u8::is_ascii_alphanumeric)
            && !text.get(end).is_some_and(|&byte| byte == b'=' || byte == b'.')
    };
    let left = left && !(end - start == 2 && ending());
    let right = match (letter(text.get(end)), last) {
        (Some(after), Some(last)) if last.is_ascii_alphabetic() => {
            last.is_ascii_lowercase() && after.is_ascii_uppercase()
        }
        (Some(after), Some(_)) if is_two_byte_letter(after) => {
            !end.checked_sub(2).and_then(|i| text.get(i)).is_some_and(|b| is_two_byte_letter(*b))
        }
        _ => true,
    };
    left && right
}

/// Whether a letter of two bytes begins here: Latin with marks, Greek, Cyrillic and others that put spaces between
/// words, which scripts of three bytes often do not.
fn is_two_byte_letter(byte: u8) -> bool {
    matches!(byte, 0xc3..=0xdf)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_names_a_masked_number_does_not_name_the_one_behind_it() {
        // `card` speaks for the value, `order` against it.
        for (around, behind) in [
            ("card **** **** **** 0160 / order @", " 0160 / order "),
            ("card ************0160, order @", "0160, order "),
            ("card xxxx-xxxx-xxxx-0160 order @", "-0160 order "),
            // Nothing speaks against it, something for it, and nothing that is masked.
            ("card **** **** **** 0160 is @", "card **** **** **** 0160 is "),
            ("order **** 0160 card of the order @", "order **** 0160 card of the order "),
            ("/**** card ****/ order @", "/**** card ****/ order "),
            ("card 5x 4x2 order @", "card 5x 4x2 order "),
            ("card ****016022 order @", "card ****016022 order "),
            ("card, order*@", "card, order*"),
        ] {
            let at = around.len() - 1;
            let says = |from: usize, to: usize| Evidence {
                positive: around[from..to].contains("card"),
                negative: around[from..to].contains("order"),
            };
            assert_eq!(&around[behind_masked(around.as_bytes(), (0, at), says)..at], behind, "{around}");
        }
    }

    #[test]
    fn a_number_with_a_name_of_its_own_leaves_the_names_of_others() {
        let value = "123456782";
        // Text around the value, and what of it speaks of the value.
        let cases = [
            (r#"{"ssn":"@"#, r#"{"ssn":""#),
            (r#""ssn":"536-90-4399","order_id":"@"#, r#"","order_id":""#),
            (r#""ssns":["536904399","@"#, r#""ssns":["536904399",""#),
            ("ssn 536 90 4399 and @", "ssn 536 90 4399 and "),
            ("ssn: 536-90-4399 account=@", " account="),
            ("ssn: ***-**-4399 account=@", " account="),
            ("**ssn**: @", "**ssn**: "),
            ("ssn (since 2019) @", "ssn (since 2019) "),
            (r#"@","ssn":"536-90-4399""#, "\""),
            ("@ is my ssn.", " is my ssn."),
            ("@ is my ssn, name: x", " is my ssn"),
            ("@ ssn=536904399", ""),
            ("@</id><ssn>", ""),
            ("<ssn>536904399</ssn>\n <user>@", "\n <user>"),
            ("<td>SSN</td><td>@", "<td>SSN</td><td>"),
            ("<ssn>536904399 </ssn><user>@", "<user>"),
            ("ssn=53690+4399&user_id=@", "user_id="),
            ("ssn=&user=see+@", "user=see+"),
            ("ssn & tax id = @", "ssn & tax id = "),
            ("@, ssn", ", ssn"),
        ];
        for (around, speaks) in cases {
            let text = around.replace('@', value);
            let at = text.find(value).unwrap();
            let end = at + value.len();
            let before = &text[reach_before(text.as_bytes(), 0, at)..at];
            let after = &text[end..reach_after(text.as_bytes(), end, text.len())];
            assert_eq!(before.to_owned() + after, speaks, "{around}");
        }
        // The number that a name belongs to may begin before the window, or end there.
        let text = "<unique_reference>40003 71751</unique_reference>\n <passport>";
        for from in [24, 30, 40, 47] {
            let before = &text[reach_before(text.as_bytes(), from, text.len())..];
            assert_eq!(before, "\n <passport>", "{from}");
        }
        // Where the window ends in the middle of a name, and where it ends behind a word.
        for (text, to, speaks) in [
            ("1\", unique_taxpayer_reference: 2", 20, 2),
            ("1\", \"ssn_of_him\": 2", 9, 2),
            ("1\", ssn: 2", 7, 2),
            ("1\n  unique_taxpayer_reference: 2", 20, 1),
            ("1\nis the ssn_of_him", 15, 15),
            ("1\nssn", 5, 5),
            ("1\", \"ssn\": 2", 8, 2),
            ("1, ssn is", 6, 6),
            ("1 ssn_of_him: 2", 8, 8),
        ] {
            assert_eq!(reach_after(text.as_bytes(), 1, to), speaks, "{text}");
        }
    }
}
