//! The column that a parameter of a statement stands for, where logs tell the two one behind the other:
//! `INSERT INTO t (name, ssn) VALUES ($1, $2)`, `parameters: $1 = 'Jane', $2 = '536904399'`.

use std::ops::Range;

use super::lists;
use crate::limits;

/// Bytes before a value in which its number stands.
const TOLD: usize = 64;
/// Places where a parameter stands that are looked at, the last first.
const PLACES: usize = 6;
/// The most digits of its number.
const DIGITS: usize = 3;

/// The column of the parameter whose value begins at `at`.
pub(super) fn own(text: &[u8], at: usize) -> Option<Range<usize>> {
    let before = text.get(..at)?;
    let unquoted =
        before.strip_suffix(b"'").map_or(before, |before| before.strip_suffix(b"N").unwrap_or(before));
    match unquoted.trim_ascii_end().last()? {
        b'=' => assigned(text, unquoted.trim_ascii_end().len() - 1),
        b'[' => numbered(text, unquoted.trim_ascii_end().len()),
        _ => None,
    }
}

/// That of `$2 = '…'`, `@p1=N'…'`, whose sign of equality stands at `equals`.
fn assigned(text: &[u8], equals: usize) -> Option<Range<usize>> {
    let end = text[..equals].trim_ascii_end().len();
    let name = text[..end].iter().rev().take(limits::NAME_LEN);
    let length = name.take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
    let sign = end.checked_sub(length + 1).filter(|&sign| length > 0 && matches!(text[sign], b'$' | b'@'))?;
    let from = sign.saturating_sub(limits::NAMES_REACH);
    let is_it = |&place: &usize| !text[place + length + 1..].first().is_some_and(u8::is_ascii_alphanumeric);
    let mut places =
        memchr::memmem::rfind_iter(&text[from..sign], &text[sign..end]).map(|place| from + place);
    places.by_ref().filter(is_it).take(PLACES).find_map(|place| column(text, from, place))
}

/// That of a value with a number of its own, as Hibernate tells it: `binding parameter [2] as [VARCHAR] - [`,
/// `binding parameter (2:VARCHAR) <- [`; question marks stand for them.
fn numbered(text: &[u8], at: usize) -> Option<Range<usize>> {
    const TELLS: &[u8] = b"binding parameter ";
    const STATEMENTS: [&[u8]; 3] = [b"insert into", b"update", b"select"];
    let near = at.saturating_sub(TOLD);
    let told = near + memchr::memmem::rfind(&text[near..at], TELLS)? + TELLS.len();
    let digits = text.get(told + 1..at)?.iter().take(DIGITS).take_while(|byte| byte.is_ascii_digit());
    let number = digits.fold(0usize, |number, digit| 10 * number + usize::from(digit - b'0'));
    let from = told.saturating_sub(limits::NAMES_REACH);
    let begins = STATEMENTS.iter().filter_map(|word| lists::last(&text[from..told], word)).max()?;
    let mut marks = memchr::memchr_iter(b'?', &text[from + begins..told]);
    column(text, from, from + begins + marks.nth(number.checked_sub(1)?)?)
}

/// The column of a parameter that stands at `at`: the name it is compared with or set to, or that of its place among the
/// values.
fn column(text: &[u8], from: usize, at: usize) -> Option<Range<usize>> {
    let before = text[from..at].trim_ascii_end();
    let Some(compared) = before.strip_suffix(b"=") else {
        let (name, _) = lists::inserted(&text[from..at], at - from)?;
        return Some(from + name.start..from + name.end);
    };
    let end = compared.trim_ascii_end().len();
    let end = end - usize::from(matches!(compared[..end].last(), Some(b'`' | b'"' | b']')));
    let is_name = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | 0x80..);
    let length = compared[..end].iter().rev().take(limits::NAME_LEN).take_while(is_name).count();
    (length > 0).then_some(from + end - length..from + end)
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_parameter_has_the_name_of_its_column() {
        for (text, told) in [
            (
                "INSERT INTO u (name, ssn) VALUES ($1, $2)\nDETAIL:  parameters: $1 = 'Jane', $2 = '¤536904399'",
                "ssn",
            ),
            ("insert into u (name, ssn) values ($1, $2)\nDETAIL:  parameters: $1 = '¤Jane'", "name"),
            ("update u set ssn = $12, a = $1 where id = $2\nparameters: $1 = 'x', $12 = '¤536904399'", "ssn"),
            ("select 1 from u where \"ssn\"=$1 parameters: $1 = '¤536904399'", "ssn"),
            (
                "N'INSERT u (a, [ssn]) VALUES (@p0, @p1)',N'@p0 int,@p1 nvarchar(9)',@p0=1,@p1=N'¤536904399'",
                "ssn",
            ),
            (
                "insert into u (name, ssn) values (?, ?)\nx - binding parameter [2] as [VARCHAR] - [¤536904399]",
                "ssn",
            ),
            ("update u set ssn=? where id=?\nx - binding parameter (1:VARCHAR) <- [¤536904399]", "ssn"),
            // Of another number, or of no statement that is seen.
            ("insert into u (ssn) values ($1)\nparameters: $2 = '¤536904399'", ""),
            ("insert into u (ssn) values (?)\nx - binding parameter [2] as [VARCHAR] - [¤536904399]", ""),
            ("ssn ? binding parameter [1] as [VARCHAR] - [¤536904399]", ""),
            ("ssn = '¤536904399'", ""),
            ("$1 = '¤536904399'", ""),
        ] {
            let (at, whole) = (text.find('¤').unwrap(), text.replacen('¤', "", 1));
            let found = super::own(whole.as_bytes(), at).map(|told| whole[told].to_owned());
            assert_eq!(found.unwrap_or_default(), told, "{text}");
        }
    }
}
