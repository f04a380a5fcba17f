//! One look at a body that came whole. In most there is nothing that any reader would find: then none is made.

use super::Engine;
use super::fields::Declared;
use crate::decode::{self, Lines};
use crate::detect::{Scan, first_run};

/// Whether there is no value in a whole text, and nothing that could hold one otherwise than as it stands there. Where that
/// is not sure at once, `false`.
pub(super) fn is_bare(engine: &Engine, declared: &Declared, text: &[u8]) -> bool {
    let is_one = declared.is_one_text() && Lines::recognise(text) == Some(false);
    if !is_one || !decode::is_bare(text, declared.charset.as_deref(), declared.form, first_run) {
        return false;
    }
    let (mut scan, mut found) = (Scan::new(), Vec::new());
    scan.last(&engine.matcher, &engine.key, text, &mut found);
    found.is_empty()
}
