//! How far words reach: which of those around a value speak of it and of no other, and what is a word at all.

use std::ops::Range;

use super::anchor::is_separator;
use super::context::{Evidence, is_letter};
use super::glued;

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
/// right behind it, and what stands before the `&` of a form's field. Tells where the other number or the `&` was met, not
/// below `first`, and where what speaks of this one begins.
fn bound_before(text: &[u8], first: usize, at: usize) -> Option<(usize, usize)> {
    // Without a sign of naming no number has a name, and no form a field.
    let sign = first + memchr::memrchr3(b':', b'=', b'>', &text[first..at])?;
    let (mut digits, mut end) = (0, at);
    // Whether all behind this place is the key of a form and its value.
    let mut in_field = text[sign] == b'=';
    // Of a masked number its first digits are not seen.
    let is_digit = |byte: u8| byte.is_ascii_digit() || byte == b'*';
    for i in (first..sign).rev() {
        let byte = text[i];
        if digits == 0 && !in_field && !is_digit(byte) {
            continue;
        }
        if is_digit(byte) {
            end = if digits == 0 { i + 1 } else { end };
            digits += 1;
            if digits >= NUMBER_DIGITS {
                return Some((i, end + closing(&text[end..at])));
            }
        } else if !is_separator(byte) || digits == 0 || i == first || !is_digit(text[i - 1]) {
            digits = 0;
        }
        match byte {
            b'&' if in_field => return Some((i, i + 1)),
            b'=' => {}
            _ => in_field &= is_name(byte) || matches!(byte, b'.' | b'%' | b'[' | b']'),
        }
    }
    None
}

/// What was found out about the words around one value; many detectors ask about the same one.
#[derive(Debug, Default)]
pub(super) struct Reach {
    value: Range<usize>,
    /// From where on was looked before it, and what bounds the words there.
    before: Option<(usize, Option<(usize, usize)>)>,
    /// Up to where was looked behind it, and what bounds the words there.
    after: Option<(usize, Option<(usize, usize)>)>,
}

impl Reach {
    /// The part of `from..to` whose words speak of `value` and of no other.
    pub(super) fn own(
        &mut self,
        text: &[u8],
        (from, to): (usize, usize),
        value: &Range<usize>,
    ) -> (usize, usize) {
        if self.value != *value {
            *self = Reach { value: value.clone(), ..Reach::default() };
        }
        (self.before(text, from), self.after(text, to))
    }

    fn before(&mut self, text: &[u8], from: usize) -> usize {
        // The number may lie further off than its element's end.
        let first = from.saturating_sub(NUMBER_REACH);
        let known = self.before.filter(|(looked, _)| *looked <= first);
        let (_, bound) = known.unwrap_or_else(|| (first, bound_before(text, first, self.value.start)));
        self.before = known.or(Some((first, bound)));
        bound.filter(|(met, _)| *met >= first).map_or(from, |(_, own)| from.max(own))
    }

    fn after(&mut self, text: &[u8], to: usize) -> usize {
        let known = self.after.filter(|(looked, bound)| bound.is_some() || *looked >= to);
        let (_, bound) = known.unwrap_or_else(|| (to, bound_after(text, self.value.end, to)));
        self.after = known.or(Some((to, bound)));
        match bound.filter(|(met, _)| *met < to) {
            Some((_, own)) => own,
            None => unnamed_after(text, self.value.end, to),
        }
    }
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

/// The first sign of naming in `end..to`, and up to where words before it speak of a value that ends at `end`: not those
/// that name the next one.
fn bound_after(text: &[u8], end: usize, to: usize) -> Option<(usize, usize)> {
    let named = memchr::memchr3(b':', b'=', b'>', &text[end..to])?;
    Some((end + named, end + field_before(&text[end..end + named])))
}

/// The same up to `to`, where no sign stands before that: a name may have begun whose end lies further on.
fn unnamed_after(text: &[u8], end: usize, to: usize) -> usize {
    let behind = &text[end..to];
    let name = behind.iter().rev().take_while(|&&b| is_name(b)).count();
    let follows = |&b: &u8| is_name(b) || names(b) || matches!(b, b'"' | b'\'' | b'\\');
    if name == 0 || !text.get(to).is_some_and(follows) {
        return to;
    }
    let whole = &behind[..behind.len() - name];
    let before = whole.trim_ascii_end();
    let first_of_line = whole[before.len()..].contains(&b'\n');
    let quoted = before.iter().rev().take_while(|&&b| matches!(b, b'"' | b'\'' | b'\\')).count();
    let before = before[..before.len() - quoted].trim_ascii_end();
    let parted = before.last().is_some_and(|b| matches!(b, b',' | b';' | b'&' | b'{' | b'<' | b'|'));
    if parted || first_of_line { end + field_before(behind) } else { to }
}

/// Where the field begins that ends with `behind`: what parts it from the one before, or the last blank.
fn field_before(behind: &[u8]) -> usize {
    let last = |of: &dyn Fn(&u8) -> bool| behind.iter().rposition(of);
    let field = last(&|b| matches!(b, b',' | b';' | b'&' | b'{' | b'[' | b'(' | b'<' | b'\n' | b'|'));
    field.or_else(|| last(&u8::is_ascii_whitespace)).unwrap_or(0)
}

/// Whether `text[start..end]` is a word and not a part of one: `pan` in `company` is none, in `pan_hash` and
/// `userPan` and `PANText` it is. Looks a few bytes past the word, which is why windows never touch the edge of a region.
pub(super) fn stands_alone(text: &[u8], start: usize, end: usize) -> bool {
    let letter = |b: Option<&u8>| b.filter(|b| is_letter(**b)).copied();
    let before = start.checked_sub(1).and_then(|i| letter(text.get(i)));
    let before = before.filter(|b| b.is_ascii() || !glued::is_behind_sign(text, start));
    let after = letter(text.get(end));
    let plain = || end.checked_sub(1).and_then(|i| text.get(i)).is_some_and(u8::is_ascii);
    let is_parted = || if plain() { glued::parts(&text[end..]) } else { glued::sign(&text[end..]).is_some() };
    let after = after.filter(|b| b.is_ascii() || !is_parted());
    let (first, last) = (text.get(start), text.get(end - 1));
    let left = match (before, first) {
        (Some(before), Some(first)) if first.is_ascii_alphabetic() => {
            before.is_ascii_lowercase() && first.is_ascii_uppercase() || ends_abbreviation(text, start)
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
    let right = match (after, last) {
        (Some(after), Some(last)) if last.is_ascii_alphabetic() => {
            last.is_ascii_lowercase() && after.is_ascii_uppercase()
                || end - start >= 3 && ends_abbreviation(text, end)
        }
        (Some(after), Some(_)) if is_two_byte_letter(after) => {
            !end.checked_sub(2).and_then(|i| text.get(i)).is_some_and(|b| is_two_byte_letter(*b))
        }
        _ => true,
    };
    // Nor does it begin one, as in `cc09c4ade3`.
    let begins_code = || {
        let behind = text.get(end..).unwrap_or_default();
        let digits = behind.iter().take(CODE_DIGITS).take_while(|byte| byte.is_ascii_digit()).count();
        digits > 0 && behind.get(digits).is_some_and(u8::is_ascii_alphabetic)
    };
    let is_glued = || before.is_some() || after.is_some();
    let in_code = || end - start <= SHORT && is_glued() && is_in_code(text, start, end);
    left && right && !(end - start == 2 && begins_code()) && !in_code()
}

/// Letters of words that letters and digits drawn by lot hold now and then, and of those that are of one part.
const SHORT: usize = 4;
const ONE_PART: usize = 3;

/// How far before a word a code is looked at, and how often letters and digits follow each other in it at least.
pub(super) const BEFORE_WORD: usize = 16;
const CHANGES: usize = 3;

/// Whether a short word that is a part of a name stands in letters and digits drawn by lot rather: its capitals are those of no
/// name, as in `3xPaNK`, or letters and digits before it change often, as in `2hMz43gQTPan`.
fn is_in_code(text: &[u8], start: usize, end: usize) -> bool {
    let word = &text[start..end];
    let behind = word.get(1..).unwrap_or_default();
    let is_name = behind.iter().all(u8::is_ascii_lowercase) || word.iter().all(u8::is_ascii_uppercase);
    if word.is_ascii() && word.len() <= ONE_PART && !is_name {
        return true;
    }
    let near = &text[start.saturating_sub(BEFORE_WORD)..start];
    let code =
        &near[near.len() - near.iter().rev().take_while(|byte| byte.is_ascii_alphanumeric()).count()..];
    code.windows(2).filter(|pair| pair[0].is_ascii_digit() != pair[1].is_ascii_digit()).count() >= CHANGES
}

/// Whether an abbreviation in capitals ends before `at` and another word begins there, as in `PANText`.
fn ends_abbreviation(text: &[u8], at: usize) -> bool {
    let around = at.checked_sub(2).and_then(|from| text.get(from..at + 3));
    let Some(&[a, b, c, ref small @ ..]) = around else { return false };
    [a, b, c].iter().all(u8::is_ascii_uppercase) && small.iter().all(u8::is_ascii_lowercase)
}

/// Most bytes past a word that are looked at to see that it is one, and what it is called.
pub(super) const PAST_WORD: usize = 12;
/// Digits right behind two letters that may begin a code.
const CODE_DIGITS: usize = 3;

/// Whether a letter of two bytes begins here: Latin with marks, Greek, Cyrillic and others that put spaces between
/// words, which scripts of three bytes often do not.
fn is_two_byte_letter(byte: u8) -> bool {
    matches!(byte, 0xc3..=0xdf)
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn what_is_known_of_a_value_is_what_a_look_of_its_own_finds(
            text in "(ssn|[a-z]{0,3}|[0-9*]{3,9}|[-&=:> \\n\",;<]|</b>){0,30}",
            value in (0usize..90, 0usize..9),
            windows in proptest::collection::vec((0usize..90, 0usize..60), 1..8),
        ) {
            let start = value.0.min(text.len());
            let value = start..(start + value.1).min(text.len());
            let mut known = Reach::default();
            for (before, after) in windows {
                let window = (value.start.saturating_sub(before), (value.end + after).min(text.len()));
                let alone = Reach::default().own(text.as_bytes(), window, &value);
                proptest::prop_assert_eq!(known.own(text.as_bytes(), window, &value), alone);
            }
        }
    }

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
            let (from, to) = Reach::default().own(text.as_bytes(), (0, text.len()), &(at..end));
            let (before, after) = (&text[from..at], &text[end..to]);
            assert_eq!(before.to_owned() + after, speaks, "{around}");
        }
        // The number that a name belongs to may begin before the window, or end there.
        let text = "<unique_reference>40003 71751</unique_reference>\n <passport>";
        for from in [24, 30, 40, 47] {
            let value = text.len()..text.len();
            let (from, _) = Reach::default().own(text.as_bytes(), (from, text.len()), &value);
            assert_eq!(&text[from..], "\n <passport>", "{from}");
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
            assert_eq!(Reach::default().own(text.as_bytes(), (0, to), &(0..1)).1, speaks, "{text}");
        }
    }
}
