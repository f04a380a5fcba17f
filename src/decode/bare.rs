//! Whether a whole text is what it seems: nothing worn, nothing packed.

use super::charset::xml_is_foreign;
use super::escape::{Active, Unit, unit};
use super::layer::{Searches, Seek, Wrapping};
use super::legacy::Legacy;
use super::{armour, probe, signs, tar, utf16};
use crate::limits::{ARMOUR_JUDGED, PROBED};

/// Whether no reader of wrappings, parts or archives has anything to do with `text`, of which this is all.
/// `form`: it is declared to be one; `unmarked`: it is ASCII without any of [`MARKS`](super::MARKS).
#[must_use]
pub fn is_bare(text: &[u8], charset: Option<&str>, form: bool, unmarked: bool, searches: &Searches) -> bool {
    let is_form = || Wrapping::escapes(text, form) == Wrapping::Form;
    // Parts begin with a dash, and what is sent in parts may hold documents.
    !text.starts_with(b"-")
        && utf16::recognise(text, charset).is_none()
        && (unmarked || Legacy::declared(text, charset).is_none())
        && tar::begins(text) != Some(true)
        && xml_is_foreign(text) != Some(true)
        && !signs::is_unopened(text)
        && !(probe::may_be_zlib(text) && probe::may_be_deflate(text.get(..PROBED).unwrap_or(text)))
        && (unmarked || !signs::has_sign(text) && is_unescaped(text, is_form(), searches))
        && is_unarmoured(text, searches.runs)
}

/// The same of bytes that stand for themselves, as those of a run do once it is undone: they may be deflate without a name.
#[must_use]
pub fn is_bare_run(bytes: &[u8], searches: &Searches) -> bool {
    !bytes.get(..PROBED).is_some_and(probe::may_be_deflate) && is_bare(bytes, None, false, false, searches)
}

/// Whether nothing in it is written otherwise, and no document begins in it.
fn is_unescaped(text: &[u8], form: bool, searches: &Searches) -> bool {
    if memchr::memmem::find(text, b"%PDF-").is_some() {
        return false;
    }
    let (mut active, mut at) = (Active::new(searches.kinds), 0);
    loop {
        at = active.next(text, at, false);
        let rest = text.get(at..).unwrap_or_default();
        if rest.is_empty() {
            return true;
        }
        // Where a form ends is not looked for.
        if form && rest.starts_with(b"+") {
            return false;
        }
        match unit(text, at, true) {
            Unit::Escape(escape) if !escape.telling => at += escape.len,
            Unit::Literal(length) => at += length,
            Unit::Escape(_) | Unit::Open => return false,
        }
    }
}

/// Whether no run of letters and digits in it stands for something else. `seek`: where the next may begin.
#[must_use]
pub fn is_unarmoured(text: &[u8], seek: Seek) -> bool {
    let mut rest = text;
    while let Ok(start) = seek(rest) {
        rest = rest.get(start..).unwrap_or_default();
        let mut run = rest.get(..armour::digits(rest)).unwrap_or_default();
        rest = rest.get(run.len()..).unwrap_or_default();
        for _ in 0..=armour::BEHIND_MARKS {
            let opening = run.get(..ARMOUR_JUDGED).unwrap_or(run);
            let own = opening.get(armour::mark(opening)..).unwrap_or_default();
            if armour::judge(own).is_some() || armour::packed(own).is_some() {
                return false;
            }
            let Some(behind) = armour::behind_mark(opening) else { break };
            run = run.get(behind..).unwrap_or_default();
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_a_table_in_a_string_are_read_as_lines() {
        for (text, bare) in
            [(r#"{"a":"b\n, c"}"#, true), (r#"{"a":"b\n| c | d |"}"#, false), (r#"{"a":"b\nc | d"}"#, false)]
        {
            let found = super::is_bare(text.as_bytes(), None, false, false, &Searches::PLAIN);
            assert_eq!(found, bare, "{text}");
        }
    }
}
