//! The fields that every line begins with: written by the one writer, read back without parsing the whole line.

use jiff::Timestamp;

use crate::audit::chain::Hash;
use crate::audit::record::Kind;
use crate::audit::text::{hex_hash, push_number, push_string};

/// Length of `2026-11-23T06:17:57.000000Z`.
const TIME_BYTES: usize = 27;

/// What stands before the hash. In a JSON string every quote is escaped, so node and boot cannot contain it.
const PREV: &[u8] = b"\",\"prev\":\"";

/// Writes the opening fields of lines.
#[derive(Debug)]
pub(super) struct Stamp {
    /// From the end of `time` to the beginning of `prev`: the same in every line of a run.
    fixed: Vec<u8>,
    clock: Clock,
}

impl Stamp {
    pub(super) fn new(node: &str, boot: &str) -> Stamp {
        let mut fixed = b"\",\"node\":".to_vec();
        push_string(&mut fixed, node);
        fixed.extend_from_slice(b",\"boot\":");
        push_string(&mut fixed, boot);
        fixed.extend_from_slice(b",\"prev\":\"");
        Stamp { fixed, clock: Clock::default() }
    }

    /// Appends `{"seq":…,"time":…,"node":…,"boot":…,"prev":…,`; the body follows.
    pub(super) fn begin(&mut self, out: &mut Vec<u8>, seq: u64, now: Timestamp, head: &Hash) {
        out.extend_from_slice(b"{\"seq\":");
        push_number(out, seq);
        out.extend_from_slice(b",\"time\":\"");
        self.clock.push(out, now);
        out.extend_from_slice(&self.fixed);
        out.extend_from_slice(&hex_hash(head));
        out.extend_from_slice(b"\",");
    }
}

/// Times as text; the calendar is asked once a second.
#[derive(Debug, Default)]
struct Clock {
    known: Option<Timestamp>,
    /// `2026-11-23T06:17:57.000000Z`, when it is known.
    text: Vec<u8>,
}

impl Clock {
    fn push(&mut self, out: &mut Vec<u8>, now: Timestamp) {
        // Lines that are written together say the same.
        if self.known != Some(now) {
            self.tell(now);
        }
        out.extend_from_slice(&self.text);
    }

    fn tell(&mut self, now: Timestamp) {
        const SECOND: usize = TIME_BYTES - ".000000Z".len();
        // Before 1970 the fraction counts backwards; no clock that is that wrong deserves more than a whole second.
        let micros = u32::try_from(now.subsec_microsecond()).unwrap_or(0);
        if self.known.is_none_or(|known| known.as_second() != now.as_second()) {
            self.text = format!("{now:.0}").into_bytes();
        }
        self.text.truncate(SECOND);
        self.text.push(b'.');
        self.text.extend([100_000, 10_000, 1000, 100, 10, 1].map(|unit| b'0' + (micros / unit % 10) as u8));
        self.text.push(b'Z');
        self.known = Some(now);
    }
}

/// What the chain needs to know of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Line<'a> {
    pub(super) seq: u64,
    pub(super) time: &'a str,
    /// 64 hexadecimal digits.
    pub(super) prev: &'a [u8],
    pub(super) kind: Kind,
}

impl<'a> Line<'a> {
    /// Reads the opening fields, exactly as [`Stamp`] writes them.
    pub(super) fn parse(line: &'a [u8]) -> Option<Line<'a>> {
        if !line.ends_with(b"}") {
            return None;
        }
        let rest = line.strip_prefix(b"{\"seq\":")?;
        let (seq, rest) = split_at_byte(rest, b',')?;
        let (time, rest) = rest.strip_prefix(b"\"time\":\"")?.split_at_checked(TIME_BYTES)?;
        let rest = rest.strip_prefix(b"\",\"node\":\"")?;
        let at = rest.windows(PREV.len()).position(|window| window == PREV)?;
        let (prev, rest) = rest.get(at + PREV.len()..)?.split_at_checked(64)?;
        let (kind, _) = split_at_byte(rest.strip_prefix(b"\",\"kind\":\"")?, b'"')?;
        let time = std::str::from_utf8(time).ok()?;
        Some(Line { seq: number(seq)?, time, prev, kind: Kind::from_word(kind)? })
    }
}

fn split_at_byte(bytes: &[u8], mark: u8) -> Option<(&[u8], &[u8])> {
    let at = bytes.iter().position(|b| *b == mark)?;
    Some((bytes.get(..at)?, bytes.get(at + 1..)?))
}

/// A number as [`push_number`] writes it: no sign, no leading zero.
fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || (digits.len() > 1 && digits.first() == Some(&b'0')) {
        return None;
    }
    digits.iter().try_fold(0u64, |number, digit| {
        let digit = digit.checked_sub(b'0').filter(|digit| *digit < 10)?;
        number.checked_mul(10)?.checked_add(u64::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_stamped_is_read_back(
            node in any::<String>(), boot in any::<String>(), seq in any::<u64>(),
            micros in 0i64..4_000_000_000_000_000, head in any::<[u8; 32]>(),
        ) {
            let mut out = Vec::new();
            let mut stamp = Stamp::new(&node, &boot);
            // The second time comes from the kept text, the next often from its second.
            for later in [0, 0, 1, 700_001, 86_400_000_000] {
                let now = Timestamp::from_microsecond(micros + later).unwrap();
                out.clear();
                stamp.begin(&mut out, seq, now, &head);
                out.extend_from_slice(b"\"kind\":\"end\"}");
                let line = Line::parse(&out).unwrap();
                prop_assert_eq!(line.seq, seq);
                prop_assert_eq!(line.time, format!("{now:.6}"));
                prop_assert_eq!(line.prev, &hex_hash(&head)[..]);
                prop_assert_eq!(line.kind, Kind::End);
                let json: serde_json::Value = serde_json::from_slice(&out).unwrap();
                prop_assert_eq!(json["node"].as_str(), Some(node.as_str()));
                prop_assert_eq!(json["boot"].as_str(), Some(boot.as_str()));
            }
        }

        #[test]
        fn anything_else_is_not_a_line(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert_eq!(Line::parse(&bytes), None);
        }
    }

    #[test]
    fn numbers_have_one_spelling() {
        assert_eq!(number(b"18446744073709551615"), Some(u64::MAX));
        for bad in ["", "01", "+1", "-1", "1 ", "18446744073709551616"] {
            assert_eq!(number(bad.as_bytes()), None, "{bad}");
        }
    }
}
