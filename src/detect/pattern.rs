//! A pattern as it is read: what it says, the automaton of all of it, and those of its parts where the finding is one.

use std::sync::Arc;

use regex_syntax::hir::{Hir, HirKind};

use super::shape::{Shape, ShapeError};
use super::stretch::Repeat;

/// A pattern that can be run.
#[derive(Debug)]
pub(super) struct Pattern {
    pub hir: Hir,
    pub shape: Arc<Shape>,
    /// Set when the finding is a part of the match.
    pub parts: Option<Arc<Parts>>,
}

/// A pattern of the form prefix, value, suffix.
#[derive(Debug)]
pub(super) struct Parts {
    pub prefix: Option<Shape>,
    pub value: Shape,
    pub suffix: Option<Shape>,
    /// What the value repeats, where that is all of it.
    pub repeat: Option<Repeat>,
}

impl Pattern {
    pub(super) fn compile(pattern: &str) -> Result<Pattern, ShapeError> {
        let hir = parse(pattern)?;
        let Some((prefix, value, suffix)) = value_group(pattern, &hir)? else {
            let shape = Arc::new(Shape::of(&hir)?);
            return Ok(Pattern { hir, shape, parts: None });
        };
        let (shape, prefix) = match &prefix {
            Some(prefix) => {
                let (shape, prefix) = Shape::with_prefix(&hir, prefix)?;
                (shape, Some(prefix))
            }
            None => (Shape::of(&hir)?, None),
        };
        let value = Shape::of(&value)?;
        let repeat = Repeat::of(&value);
        let suffix = suffix.map(|suffix| Shape::of(&suffix)).transpose()?;
        let parts = Some(Arc::new(Parts { prefix, value, suffix, repeat }));
        Ok(Pattern { hir, shape: Arc::new(shape), parts })
    }
}

pub(super) fn parse(pattern: &str) -> Result<Hir, ShapeError> {
    regex_syntax::ParserBuilder::new()
        .unicode(false)
        .utf8(false)
        .build()
        .parse(pattern)
        .map_err(|e| ShapeError(reason_of(&e)))
}

fn reason_of(error: &regex_syntax::Error) -> String {
    match error {
        regex_syntax::Error::Parse(e) => {
            format!("{} at column {} of the pattern", e.kind(), e.span().start.column)
        }
        regex_syntax::Error::Translate(e) => {
            format!("{} at column {} of the pattern", e.kind(), e.span().start.column)
        }
        other => other.to_string(),
    }
}

/// Name of the group that holds the finding when it is not the whole match.
pub(super) const VALUE: &str = "value";

/// What stands before, in and behind the group `value`.
pub(super) type Divided = (Option<Hir>, Hir, Option<Hir>);

/// Takes a pattern apart at its group `value`; nothing when it has no such group.
pub(super) fn value_group(pattern: &str, hir: &Hir) -> Result<Option<Divided>, ShapeError> {
    if !pattern.contains("<value>") {
        return Ok(None);
    }
    let is_value = |hir: &Hir| match hir.kind() {
        HirKind::Capture(group) => group.name.as_deref() == Some(VALUE),
        _ => false,
    };
    let inner = |hir: &Hir| match hir.kind() {
        HirKind::Capture(group) => (*group.sub).clone(),
        _ => hir.clone(),
    };
    if is_value(hir) {
        return Ok(Some((None, inner(hir), None)));
    }
    if let HirKind::Concat(parts) = hir.kind()
        && let Some(place) = parts.iter().position(is_value)
    {
        let side = |parts: &[Hir]| (!parts.is_empty()).then(|| Hir::concat(parts.to_vec()));
        let (before, rest) = parts.split_at(place);
        let Some((value, after)) = rest.split_first() else { return Ok(None) };
        return Ok(Some((side(before), inner(value), side(after))));
    }
    if hir.properties().explicit_captures_len() > 0 {
        return Err(ShapeError(
            "the group `value` stands inside another; it belongs at the top level".into(),
        ));
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prefix_ends_where_a_value_can_begin() {
        // Patterns, texts, and the lengths that a prefix has in them.
        for (pattern, text, lengths) in [
            ("(?i:pin|code) ?(?P<value>[0-9]{4})", "PIN 1234", &[3, 4][..]),
            ("a{1,3}(?P<value>[ab]{2})c", "aaaabc", &[1, 2, 3]),
            ("ab|a(?P<value>b)", "ab", &[]),
            ("(?:k|k=)(?P<value>=?x)", "k=x", &[1, 2]),
            ("k(?P<value>x(y)?)", "k", &[1]),
            ("k(?P<value>x)", "x", &[]),
        ] {
            let Ok(read) = Pattern::compile(pattern) else {
                assert!(lengths.is_empty(), "{pattern}");
                continue;
            };
            let parts = read.parts.unwrap();
            let mut ends = parts.prefix.as_ref().unwrap().run(text.as_bytes());
            let mut found: Vec<usize> = std::iter::from_fn(|| ends.pop_longest()).collect();
            found.sort_unstable();
            assert_eq!(found, lengths, "{pattern}");
        }
    }

    #[test]
    fn a_prefix_holds_nothing_of_its_value() {
        for (prefix, value) in [("(?i:pin|code) ?", "[0-9]{4,30}"), ("k=", "[a-z]{1,200}")] {
            let parts = Pattern::compile(&format!("{prefix}(?P<value>{value})")).unwrap().parts.unwrap();
            let (alone, prefix) = (Shape::compile(prefix).unwrap(), parts.prefix.as_ref().unwrap());
            assert_eq!((prefix.min_len, prefix.max_len), (alone.min_len, alone.max_len), "{prefix:?}");
            assert_eq!(prefix.states(), alone.states(), "{prefix:?}");
        }
    }
}
