//! Where in a pattern the fault lies for which it was refused.

use std::ops::Range;

use regex_syntax::ast::{self, Ast, RepetitionKind, RepetitionRange};

/// The part of `pattern` to point at: what does not parse, a look-around, a repetition without an end.
pub(super) fn place(pattern: &str) -> Option<Range<usize>> {
    let span = match ast::parse::Parser::new().parse(pattern) {
        Err(error) => Some(*error.span()),
        Ok(whole) => ast::visit(&whole, Search(None)).unwrap_or_default(),
    }?;
    Some(span.start.offset..span.end.offset.max(span.start.offset + 1))
}

/// The first part that no pattern may have.
struct Search(Option<ast::Span>);

impl ast::Visitor for Search {
    type Output = Option<ast::Span>;
    type Err = std::convert::Infallible;

    fn finish(self) -> Result<Option<ast::Span>, Self::Err> {
        Ok(self.0)
    }

    fn visit_pre(&mut self, part: &Ast) -> Result<(), Self::Err> {
        let found = match part {
            Ast::Assertion(assertion) => Some(assertion.span),
            Ast::Repetition(repetition) => match &repetition.op.kind {
                RepetitionKind::ZeroOrMore
                | RepetitionKind::OneOrMore
                | RepetitionKind::Range(RepetitionRange::AtLeast(_)) => Some(repetition.span),
                RepetitionKind::ZeroOrOne | RepetitionKind::Range(_) => None,
            },
            _ => None,
        };
        self.0 = self.0.or(found);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fault_is_pointed_at() {
        let cases = [
            (r"a\d+b", Some(r"\d+")),
            (r"x(?:ab){2,}", Some("(?:ab){2,}")),
            (r"ab\bcd", Some(r"\b")),
            (r"ab(cd", Some("(")),
            (r"[z-a]", Some("z-a")),
            (r"a{2,3}b?", None),
        ];
        for (pattern, part) in cases {
            assert_eq!(place(pattern).and_then(|range| pattern.get(range)), part, "{pattern}");
        }
    }
}
