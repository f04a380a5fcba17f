//! What SQL and Terraform call a value that stands further on: `ssn IN ('…', '…')`, `variable "ssn" { default = "…" }`.

use std::ops::Range;

use crate::limits::NAME_LEN;

/// How far before a value its name is looked for.
const REACH: usize = 400;

/// The column that a list which holds `at` is compared with, or the variable whose value it is by default.
pub(super) fn own(text: &[u8], at: usize) -> Option<Range<usize>> {
    let from = at.saturating_sub(REACH);
    let before = &text[from..at];
    let name = compared(before).or_else(|| variable(before))?;
    Some(from + name.start..from + name.end)
}

/// The column before the `IN (` that nothing but values follow.
fn compared(before: &[u8]) -> Option<Range<usize>> {
    let open = memchr::memrchr3(b'(', b')', b';', before).filter(|&open| before[open] == b'(')?;
    let ahead = without(before[..open].trim_ascii_end(), b"in")?;
    let ahead = without(ahead, b"not").unwrap_or(ahead);
    let is_value = |byte: &u8| {
        byte.is_ascii_alphanumeric() || byte.is_ascii_whitespace() || b"'\"\\,.-/+".contains(byte)
    };
    before[open + 1..].iter().all(is_value).then_some(())?;
    let end = ahead.len() - usize::from(matches!(ahead.last(), Some(b'`' | b'"' | b']')));
    let is_name = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'$' | 0x80..);
    let length = ahead[..end].iter().rev().take(NAME_LEN).take_while(is_name).count();
    (length > 0).then_some(end - length..end)
}

/// What stands before a word and the blank that it ends with.
fn without<'t>(text: &'t [u8], word: &[u8]) -> Option<&'t [u8]> {
    let (before, last) = text.split_at_checked(text.len().checked_sub(word.len())?)?;
    let is_it = last.eq_ignore_ascii_case(word) && before.last().is_some_and(u8::is_ascii_whitespace);
    is_it.then(|| before.trim_ascii_end())
}

/// The variable in whose block `default = "` stands last.
fn variable(before: &[u8]) -> Option<Range<usize>> {
    const VARIABLE: &[u8] = b"variable \"";
    let equals = before.strip_suffix(b"\"").unwrap_or(before).trim_ascii_end().strip_suffix(b"=")?;
    let block = without(equals.trim_ascii_end(), b"default")?;
    let name = memchr::memmem::rfind(block, VARIABLE)? + VARIABLE.len();
    let end = name + memchr::memchr(b'"', &block[name..])?;
    // A block that has ended is another's.
    let is_open = memchr::memmem::find(&block[end..], b"\n}").is_none();
    (is_open && end > name && end - name <= NAME_LEN).then_some(name..end)
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_column_and_a_variable_name_their_values() {
        for (text, told) in [
            ("WHERE ssn IN ('¤536904399')", "ssn"),
            ("where u.ssn not in (536904398,\n ¤536904399)", "u.ssn"),
            ("AND \"ssn\" IN ('536-90-4398', '¤536-90-4399'", "ssn"),
            ("AND [ssn] In ('¤536904399'", "ssn"),
            ("variable \"ssn\" {\n  type    = string\n  default = \"¤536904399\"\n}", "ssn"),
            ("variable \"ssn\" { default = ¤536904399 }", "ssn"),
            // What has ended, another assignment, and calls of functions.
            ("ssn IN ('536904398') AND id = '¤536904399'", ""),
            ("ssn IN ('536904398' = '¤536904399'", ""),
            ("ssn = min ('¤536904399'", ""),
            ("IN ('¤536904399'", ""),
            ("variable \"ssn\" {\n}\nvariable {\n default = \"¤536904399\"", ""),
            ("variable \"ssn\" {\n  minimum = \"¤536904399\"\n}", ""),
        ] {
            let (at, whole) = (text.find('¤').unwrap(), text.replacen('¤', "", 1));
            let found = super::own(whole.as_bytes(), at).map(|told| whole[told].to_owned());
            assert_eq!(found.unwrap_or_default(), told, "{text}");
        }
    }
}
