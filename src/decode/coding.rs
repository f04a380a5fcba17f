//! `Content-Encoding` to the list of codings that a body carries.

use super::DecodeError;
use crate::limits::CODING_DEPTH;

/// A content coding that can be taken off and put back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Coding {
    Gzip,
    Deflate,
}

impl Coding {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Coding::Gzip => "gzip",
            Coding::Deflate => "deflate",
        }
    }

    fn of(token: &str) -> Option<Coding> {
        // RFC 9110, section 8.4.1: case does not matter, and `x-gzip` is `gzip`.
        let is = |word: &str| token.eq_ignore_ascii_case(word);
        if is("gzip") || is("x-gzip") {
            Some(Coding::Gzip)
        } else if is("deflate") {
            Some(Coding::Deflate)
        } else {
            None
        }
    }
}

/// The codings of a field value, in the order in which they were applied: the last is outermost.
/// `identity` and empty elements stand for nothing.
pub fn parse(field: &str) -> Result<Vec<Coding>, DecodeError> {
    let mut codings = Vec::new();
    let tokens = field.split(',').map(|token| token.trim_matches([' ', '\t']));
    for token in tokens.filter(|token| !token.is_empty() && !token.eq_ignore_ascii_case("identity")) {
        if codings.len() == CODING_DEPTH {
            return Err(DecodeError::Depth);
        }
        codings.push(Coding::of(token).ok_or(DecodeError::UnknownCoding)?);
    }
    Ok(codings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_read_as_the_standard_says() {
        use Coding::{Deflate, Gzip};
        let cases: [(&str, Result<Vec<Coding>, DecodeError>); 10] = [
            ("gzip", Ok(vec![Gzip])),
            ("X-GZip", Ok(vec![Gzip])),
            ("identity", Ok(vec![])),
            ("", Ok(vec![])),
            (" ,\tGZIP ,, identity", Ok(vec![Gzip])),
            ("deflate, gzip", Ok(vec![Deflate, Gzip])),
            ("gzip,gzip,gzip", Ok(vec![Gzip, Gzip, Gzip])),
            ("gzip,gzip,gzip,gzip", Err(DecodeError::Depth)),
            ("gzip, rot13", Err(DecodeError::UnknownCoding)),
            ("gzip;q=1", Err(DecodeError::UnknownCoding)),
        ];
        for (field, expected) in cases {
            assert_eq!(parse(field), expected, "{field}");
        }
    }
}
