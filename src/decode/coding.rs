//! `Content-Encoding` to the list of codings that a body carries.

use super::DecodeError;
use crate::limits::CODING_DEPTH;

/// A content coding that can be taken off and put back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Coding {
    Gzip,
    Deflate,
    Brotli,
    Zstd,
    /// The block format, as Prometheus' remote write sends it; never put back.
    Snappy,
    /// The signed chunks of S3 uploads: framing rather than compression, and never put back.
    AwsChunked,
}

impl Coding {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Coding::Gzip => "gzip",
            Coding::Deflate => "deflate",
            Coding::Brotli => "br",
            Coding::Zstd => "zstd",
            Coding::Snappy => "snappy",
            Coding::AwsChunked => "aws-chunked",
        }
    }

    /// The coding that a body was given without a word about it, going by its first bytes.
    #[must_use]
    pub fn sniff(opening: &[u8]) -> Option<Coding> {
        match opening {
            // RFC 1952, section 2.3: method 8, no reserved flag.
            [0x1f, 0x8b, 8, flags, ..] if flags & 0xe0 == 0 => Some(Coding::Gzip),
            // RFC 8878, sections 3.1.1 and 3.1.2: a frame, or a skippable one before it.
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Some(Coding::Zstd),
            _ => None,
        }
    }

    fn of(token: &str) -> Option<Coding> {
        // RFC 9110, section 8.4.1: case does not matter, and `x-gzip` is `gzip`.
        let is = |word: &str| token.eq_ignore_ascii_case(word);
        let all =
            [Coding::Gzip, Coding::Deflate, Coding::Brotli, Coding::Zstd, Coding::Snappy, Coding::AwsChunked];
        let known = all.into_iter().find(|coding| is(coding.as_str()));
        known.or(is("x-gzip").then_some(Coding::Gzip))
    }
}

/// What senders name that is no coding: the body is as it is. The charset and `none` are mistakes that curl and others make
/// nothing of, `amz-1.0` is a version of Amazon's protocols.
const NOTHING: [&str; 5] = ["identity", "utf-8", "utf8", "none", "amz-1.0"];

fn is_nothing(token: &str) -> bool {
    NOTHING.iter().any(|word| token.eq_ignore_ascii_case(word))
}

/// The codings of a field value, in the order in which they were applied: the last is outermost.
/// Those of [`NOTHING`] and empty elements stand for nothing. `aws-chunked` comes first in the field and last on the wire: what
/// is signed is the stored object, whatever its coding.
pub fn parse(field: &str) -> Result<Vec<Coding>, DecodeError> {
    let mut codings = Vec::new();
    if field.is_empty() {
        // As nearly all are.
        return Ok(codings);
    }
    let tokens = field.split(',').map(|token| token.trim_matches([' ', '\t']));
    for token in tokens.filter(|token| !token.is_empty() && !is_nothing(token)) {
        if codings.len() == CODING_DEPTH {
            return Err(DecodeError::Depth);
        }
        codings.push(Coding::of(token).ok_or(DecodeError::UnknownCoding)?);
    }
    // A stable sort: the order of the others stays.
    codings.sort_by_key(|coding| *coding == Coding::AwsChunked);
    Ok(codings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_read_as_the_standard_says() {
        use Coding::{AwsChunked, Brotli, Deflate, Gzip, Snappy, Zstd};
        let cases: [(&str, Result<Vec<Coding>, DecodeError>); 16] = [
            ("gzip", Ok(vec![Gzip])),
            ("X-GZip", Ok(vec![Gzip])),
            ("identity", Ok(vec![])),
            ("", Ok(vec![])),
            (" ,\tGZIP ,, identity", Ok(vec![Gzip])),
            ("deflate, gzip", Ok(vec![Deflate, Gzip])),
            ("BR,ZStd", Ok(vec![Brotli, Zstd])),
            ("aws-chunked,gzip", Ok(vec![Gzip, AwsChunked])),
            ("snappy", Ok(vec![Snappy])),
            ("UTF-8", Ok(vec![])),
            ("none", Ok(vec![])),
            ("amz-1.0, gzip", Ok(vec![Gzip])),
            ("gzip,gzip,gzip", Ok(vec![Gzip, Gzip, Gzip])),
            ("gzip,gzip,gzip,gzip", Err(DecodeError::Depth)),
            ("gzip, rot13", Err(DecodeError::UnknownCoding)),
            ("gzip;q=1", Err(DecodeError::UnknownCoding)),
        ];
        for (field, expected) in cases {
            assert_eq!(parse(field), expected, "{field}");
        }
    }

    #[test]
    fn undeclared_codings_are_known_by_their_first_bytes() {
        let cases: [(&[u8], Option<Coding>); 6] = [
            (b"\x1f\x8b\x08\x00\x00", Some(Coding::Gzip)),
            (b"\x1f\x8b\x08\xff", None),
            (b"\x28\xb5\x2f\xfd", Some(Coding::Zstd)),
            (b"\x5a\x2a\x4d\x18....", Some(Coding::Zstd)),
            (b"\x1f\x8b", None),
            (b"{\"a\":1}", None),
        ];
        for (opening, expected) in cases {
            assert_eq!(Coding::sniff(opening), expected, "{opening:?}");
        }
    }
}
