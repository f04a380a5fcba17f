//! One look at a body that came whole. In most there is nothing that any reader would find: then none is made.

use super::fields::Declared;
use super::reading;
use super::{Engine, SEARCHES};
use crate::decode::{self, Lines, Told};
use crate::detect::Scan;

/// Whether there is no value in a whole text, and nothing that could hold one otherwise than as it stands there. Where that
/// is not sure at once, `false`.
pub(super) fn is_bare(engine: &Engine, declared: &Declared, text: &[u8]) -> bool {
    if !declared.is_one_text() || Lines::recognise(text) != Told::None {
        return false;
    }
    let (charset, unmarked) = (declared.charset.as_deref(), reading::is_unmarked(text));
    if !decode::is_bare(text, charset, declared.form, unmarked, &SEARCHES) {
        return false;
    }
    let (mut scan, mut found) = (Scan::new(), Vec::new());
    scan.last(&engine.matcher, &engine.key, text, &mut found);
    found.is_empty()
}
