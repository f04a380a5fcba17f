//! One head or trailer section: read line by line as it arrives, each line checked once.

use super::Refusal;
use crate::limits;

/// Which grammar the first line follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Request,
    Response,
    Trailers,
}

/// What of a method changes how its response is framed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Head,
    Connect,
    Other,
}

/// What a head says of what follows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) method: Option<Method>,
    pub(super) status: u16,
    pub(super) http10: bool,
    pub(super) content_length: Option<u64>,
    pub(super) chunked: bool,
    hosts: usize,
}

/// A section under way. It is fed the same bytes again with more behind them, and remembers how far it got.
#[derive(Debug)]
pub(super) struct Section {
    kind: Kind,
    /// Where the line under way begins.
    line: usize,
    /// How far line feeds have been looked for.
    searched: usize,
    started: bool,
    blank: bool,
    fields: usize,
    facts: Facts,
}

impl Section {
    pub(super) fn new(kind: Kind) -> Self {
        Section {
            kind,
            line: 0,
            searched: 0,
            started: matches!(kind, Kind::Trailers),
            blank: false,
            fields: 0,
            facts: Facts::default(),
        }
    }

    /// The length of the whole section once `bytes` holds it all.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Result<Option<usize>, Refusal> {
        let (limit, too_large) = match self.kind {
            Kind::Request | Kind::Response => (limits::HEAD_BYTES, Refusal::HeadTooLarge),
            Kind::Trailers => (limits::TRAILER_BYTES, Refusal::TrailersTooLarge),
        };
        loop {
            let rest = bytes.get(self.searched..).unwrap_or_default();
            let Some(at) = memchr::memchr(b'\n', rest) else {
                self.searched = bytes.len();
                return if bytes.len() > limit { Err(too_large) } else { Ok(None) };
            };
            let end = self.searched + at;
            let line = bytes.get(self.line..end).unwrap_or_default();
            self.line = end + 1;
            self.searched = end + 1;
            if self.line > limit {
                return Err(too_large);
            }
            let line = line.strip_suffix(b"\r").ok_or(Refusal::BareLf)?;
            if !line.is_empty() {
                self.read_line(line)?;
            } else if self.started {
                self.finish()?;
                return Ok(Some(self.line));
            } else if self.kind == Kind::Request && !self.blank {
                // RFC 9112, section 2.2: one empty line before a request is to be ignored.
                self.blank = true;
            } else {
                return Err(match self.kind {
                    Kind::Request | Kind::Trailers => Refusal::BlankLines,
                    Kind::Response => Refusal::BadStatusLine,
                });
            }
        }
    }

    pub(super) fn facts(&self) -> Facts {
        self.facts
    }

    fn read_line(&mut self, line: &[u8]) -> Result<(), Refusal> {
        if has_control(line) {
            let first = line.iter().find(|b| is_control(**b));
            return Err(if first == Some(&b'\r') { Refusal::BareCr } else { Refusal::ControlByte });
        }
        if self.started {
            return self.read_field(line);
        }
        self.started = true;
        match self.kind {
            Kind::Request => self.read_request_line(line),
            Kind::Response => self.read_status_line(line),
            Kind::Trailers => Ok(()),
        }
    }

    fn read_request_line(&mut self, line: &[u8]) -> Result<(), Refusal> {
        let mut parts = line.split(|b| *b == b' ');
        let (Some(method), Some(target), Some(version), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(Refusal::BadRequestLine);
        };
        // That of a CONNECT is read where tunnels are.
        let is_odd = |b: &u8| matches!(b, b'\t' | b'#');
        let is_read = || method == b"CONNECT" && !target.is_empty() && !target.iter().any(is_odd);
        if !is_name(method) || !is_read() && !is_target(target) {
            return Err(Refusal::BadRequestLine);
        }
        self.facts.http10 = is_http10(version)?;
        self.facts.method = Some(match method {
            b"HEAD" => Method::Head,
            b"CONNECT" => Method::Connect,
            _ => Method::Other,
        });
        Ok(())
    }

    fn read_status_line(&mut self, line: &[u8]) -> Result<(), Refusal> {
        let (version, rest) = line.split_at_checked(8).ok_or(Refusal::BadStatusLine)?;
        self.facts.http10 = is_http10(version)?;
        let (space, rest) = rest.split_at_checked(1).ok_or(Refusal::BadStatusLine)?;
        let (code, reason) = rest.split_at_checked(3).ok_or(Refusal::BadStatusLine)?;
        let well_formed = space == b" "
            && code.iter().all(u8::is_ascii_digit)
            && !code.starts_with(b"0")
            && reason.first().is_none_or(|b| *b == b' ');
        if !well_formed {
            return Err(Refusal::BadStatusLine);
        }
        self.facts.status = code.iter().fold(0, |sum, digit| sum * 10 + u16::from(digit - b'0'));
        Ok(())
    }

    fn read_field(&mut self, line: &[u8]) -> Result<(), Refusal> {
        self.fields += 1;
        if self.fields > limits::HEAD_FIELDS {
            return Err(match self.kind {
                Kind::Request | Kind::Response => Refusal::TooManyFields,
                Kind::Trailers => Refusal::TrailersTooLarge,
            });
        }
        let (name, value) = split_field(line)?;
        // Most fields are told apart by their length.
        let known = if !matches!(name.len(), 4 | 14 | 17) {
            return Ok(());
        } else if name.eq_ignore_ascii_case(b"content-length") {
            Known::ContentLength
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            Known::TransferEncoding
        } else if name.eq_ignore_ascii_case(b"host") {
            Known::Host
        } else {
            return Ok(());
        };
        if self.kind == Kind::Trailers {
            return Err(Refusal::FramingInTrailers);
        }
        match known {
            Known::ContentLength if self.facts.content_length.is_some() => {
                return Err(Refusal::DuplicateContentLength);
            }
            Known::ContentLength => self.facts.content_length = Some(read_length(value)?),
            Known::TransferEncoding if self.facts.chunked || !value.eq_ignore_ascii_case(b"chunked") => {
                return Err(Refusal::BadTransferEncoding);
            }
            Known::TransferEncoding => self.facts.chunked = true,
            Known::Host => self.facts.hosts += 1,
        }
        Ok(())
    }

    fn finish(&self) -> Result<(), Refusal> {
        let facts = &self.facts;
        if facts.chunked && facts.content_length.is_some() {
            return Err(Refusal::LengthConflict);
        }
        if facts.chunked && facts.http10 {
            return Err(Refusal::TransferEncodingInHttp10);
        }
        if self.kind == Kind::Request {
            if facts.hosts > 1 {
                return Err(Refusal::DuplicateHost);
            }
            if facts.hosts == 0 && !facts.http10 {
                return Err(Refusal::MissingHost);
            }
            let body = facts.chunked || facts.content_length.is_some_and(|length| length > 0);
            if facts.method == Some(Method::Connect) && body {
                return Err(Refusal::ConnectWithBody);
            }
        }
        Ok(())
    }
}

/// The fields that framing and routing depend on.
enum Known {
    ContentLength,
    TransferEncoding,
    Host,
}

/// Name and value, the value without the white space around it.
pub(super) fn split_field(line: &[u8]) -> Result<(&[u8], &[u8]), Refusal> {
    if line.first().is_some_and(|b| matches!(b, b' ' | b'\t')) {
        return Err(Refusal::ObsFold);
    }
    let colon = memchr::memchr(b':', line).ok_or(Refusal::BadField)?;
    let (name, value) = line.split_at_checked(colon).ok_or(Refusal::BadField)?;
    if name.last().is_some_and(|b| matches!(b, b' ' | b'\t')) {
        return Err(Refusal::SpaceBeforeColon);
    }
    if !is_name(name) {
        return Err(Refusal::BadField);
    }
    Ok((name, value.strip_prefix(b":").unwrap_or(value).trim_ascii()))
}

fn read_length(value: &[u8]) -> Result<u64, Refusal> {
    if value.is_empty() {
        return Err(Refusal::BadContentLength);
    }
    // A list, even of equal numbers, is a sign that somebody before merged two fields.
    if memchr::memchr(b',', value).is_some() {
        return Err(Refusal::DuplicateContentLength);
    }
    value
        .iter()
        .try_fold(0u64, |sum, digit| {
            let digit = digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?;
            sum.checked_mul(10)?.checked_add(digit)
        })
        .ok_or(Refusal::BadContentLength)
}

/// Whether the parser behind takes it for a request target: what it refuses leaves no record.
fn is_target(target: &[u8]) -> bool {
    // A fragment never travels (RFC 9112, section 3.2); a parser that cut it off would hide what was sent.
    let is_plain = |b: &u8| matches!(b, b'!' | b'$'..=b';' | b'=' | b'?'..=b'_' | b'a'..=b'z' | b'|' | b'~');
    let is_origin = target.first() == Some(&b'/');
    is_origin && target.iter().all(is_plain) || !target.contains(&b'#') && http::Uri::try_from(target).is_ok()
}

fn is_http10(version: &[u8]) -> Result<bool, Refusal> {
    match version {
        b"HTTP/1.1" => Ok(false),
        b"HTTP/1.0" => Ok(true),
        _ => Err(Refusal::BadVersion),
    }
}

fn is_control(b: u8) -> bool {
    b.is_ascii_control() && b != b'\t'
}

/// Whether any byte is one. Eight at a time, as lines are short.
fn has_control(line: &[u8]) -> bool {
    const EACH: u64 = 0x0101_0101_0101_0101;
    // Sets the high bit of each byte that may be one: below 0x20, the tab too, or DEL. A borrow may set one more above
    // a right one.
    let doubtful = |word: u64| {
        let delete = word ^ (EACH * 0x7f);
        (word.wrapping_sub(EACH * 0x20) & !word) | (delete.wrapping_sub(EACH) & !delete)
    };
    // The last eight may have been looked at in part; lines of fewer are looked at byte by byte.
    let is_doubtful = line.last_chunk().is_none_or(|last| {
        let words = line.as_chunks().0.iter();
        words.fold(doubtful(u64::from_le_bytes(*last)), |seen, word| {
            seen | doubtful(u64::from_le_bytes(*word))
        }) & (EACH << 7)
            != 0
    });
    is_doubtful && line.iter().copied().any(is_control)
}

/// `tchar` of RFC 9110, section 5.6.2: looked up for every byte of every field name.
fn is_token(b: u8) -> bool {
    static TOKENS: [bool; 256] = {
        let marks = b"!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        let (mut bits, mut rest) = (0u128, marks.as_slice());
        while let [mark, after @ ..] = rest {
            bits |= 1 << *mark;
            rest = after;
        }
        let mut table = [false; 256];
        let mut rest = table.as_mut_slice();
        while let Some((entry, after)) = rest.split_first_mut() {
            *entry = bits & 1 != 0;
            (rest, bits) = (after, bits >> 1);
        }
        table
    };
    TOKENS.get(usize::from(b)).copied().unwrap_or_default()
}

/// Whether all of a name is tokens; without an early end, as most are.
fn is_name(name: &[u8]) -> bool {
    !name.is_empty() & name.iter().fold(true, |all, b| all & is_token(*b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_told_apart_wherever_it_stands() {
        for byte in 0..=u8::MAX {
            let control = byte.is_ascii_control() && byte != b'\t';
            let token = byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
            for length in 1..20 {
                for at in 0..length {
                    let mut line = vec![b'x'; length];
                    line[at] = byte;
                    assert_eq!(has_control(&line), control, "{byte:#x} at {at} of {length}");
                    assert_eq!(is_name(&line), token, "{byte:#x} at {at} of {length}");
                }
            }
        }
        assert!(!has_control(b"") && !is_name(b""));
    }
}
